/* SPDX-License-Identifier: Apache-2.0 */
/* Names, addresses and origins: rows of what is taken and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/build.h"

struct row {
    const char *text;
    int good;
};

#define A16 "aaaaaaaaaaaaaaaa"
#define A63 A16 A16 A16 "aaaaaaaaaaaaaaa"
#define A128 A16 A16 A16 A16 A16 A16 A16 A16

static void check_rows(const struct row *rows, const char *(*fault_of)(struct belfry_str))
{
    for (const struct row *r = rows; r->text; r++) {
        const char *fault = fault_of(str_of(r->text));
        if (r->good != (fault == NULL))
            fail_msg("`%s`: %s", r->text, fault ? fault : "taken");
    }
}

static void test_org_names(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"acme", 1},   {"a", 1},        {"0", 1},      {"a-b-9", 1}, {A63, 1},      {A63 "a", 0},
        {"", 0},       {"Acme", 0},     {"-a", 0},     {"a_b", 0},   {"a.b", 0},    {"a/b", 0},
        {"*", 0},      {"\xC3\xA4", 0}, {"admin", 0},  {"v1", 0},    {"assets", 0}, {"healthz", 0},
        {"readyz", 0}, {"metrics", 0},  {"admins", 1}, {"v11", 1},   {NULL, 0},
    };
    check_rows(rows, config_org_name_fault);
}

static void test_usernames(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"ann", 1},
        {"Ann Lee", 1},
        {"ann@acme.example", 1},
        {"\xE6\x9D\x8E", 1},
        {"Zo\xC3\xAB", 1},   /* NFC */
        {"Zoe\xCC\x88", 0},  /* NFD */
        {"\xE2\x84\xAB", 0}, /* ANGSTROM SIGN becomes U+00C5 */
        {A128, 1},
        {A128 "a", 0},
        {"", 0},
        {"a/b", 0},
        {"role:a", 0},
        {"a\nb", 0},
        {"a\x7F", 0},
        {"a\xC2\x85", 0},     /* NEL, a C1 control */
        {"a\xE2\x80\xA8", 0}, /* LINE SEPARATOR */
        {"a\xFF", 0},
        {"\xF0\x9F\x94\x94", 1},
        {NULL, 0},
    };
    check_rows(rows, config_username_fault);
}

static void test_addresses(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"127.0.0.1:8420", 1},  {"0.0.0.0:0", 1},    {"[::1]:8420", 1}, {"[::]:65535", 1},
        {"127.0.0.1:65536", 0}, {"127.0.0.1", 0},    {":8420", 0},      {"::1:8420", 0},
        {"[::1]", 0},           {"localhost:80", 0}, {"127.0.0.1:", 0}, {"127.0.0.1:+80", 0},
        {"[127.0.0.1]:80", 0},  {"[]:80", 0},        {"[:80", 0},       {"", 0},
        {"256.0.0.1:80", 0},    {NULL, 0},
    };
    check_rows(rows, config_address_fault);
}

static void test_ranges(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"10.0.0.0/8", 1},  {"10.0.0.1", 1},  {"fd00::/8", 1},    {"::1", 1},      {"::/128", 1},      {"::/129", 0},
        {"10.0.0.0/33", 0}, {"10.0.0.0/", 0}, {"10.0.0.0/-1", 0}, {"10.0.0/8", 0}, {"proxy.local", 0}, {"", 0},
        {NULL, 0},
    };
    check_rows(rows, config_cidr_fault);
}

static const char *origin_fault(struct belfry_str text)
{
    return config_origin_fault(text, 0);
}

static const char *page_fault(struct belfry_str text)
{
    return config_origin_fault(text, 1);
}

static void test_origins(void **state)
{
    (void)state;
    static const struct row origins[] = {
        {"https://app.example.org", 1},
        {"http://127.0.0.1:3000", 1},
        {"http://[::1]:80", 1},
        {"https://a/", 0},
        {"https://a?x", 0},
        {"https://", 0},
        {"https://:80", 0},
        {"ftp://a", 0},
        {"a.example", 0},
        {"*", 0},
        {"https://u@a", 0},
        {"https://a b", 0},
        {"https://a\\b", 0},
        {"HTTPS://a", 0},
        {NULL, 0},
    };
    static const struct row pages[] = {
        {"https://app.example.org/sso?next={next}", 1},
        {"https://app.example.org/a@b", 1},
        {"javascript:alert(1)", 0},
        {"https://u:p@app.example.org/", 0},
        {"https://a/\n", 0},
        {NULL, 0},
    };
    check_rows(origins, origin_fault);
    check_rows(pages, page_fault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_org_names), cmocka_unit_test(test_usernames), cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_ranges),    cmocka_unit_test(test_origins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
