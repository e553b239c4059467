/* SPDX-License-Identifier: Apache-2.0 */
/* Mail addresses: what is one, and what it is called in ASCII. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../plugins/email/address.h"

#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10
#define D180 A60 "." A60 "." A60

static void test_specs(void **state)
{
    static const struct {
        const char *text, *spec; /* or NULL */
        const char *fault;       /* or NULL */
    } rows[] = {
        {"jane@example.org", "jane@example.org", NULL},
        {"Jane.Doe+tag@Example.ORG", "Jane.Doe+tag@example.org", NULL}, /* the local part is the server's to read */
        {"!#$%&'*+-/=?^_`{|}~@x.org", "!#$%&'*+-/=?^_`{|}~@x.org", NULL},
        {"postmaster@localhost", "postmaster@localhost", NULL},
        {"a@xn--exmple-cua.org", "a@xn--exmple-cua.org", NULL},
        {"a@exämple.org", "a@xn--exmple-cua.org", NULL},
        {"a@EXÄMPLE.org", "a@xn--exmple-cua.org", NULL},
        {"a@faß.de", "a@xn--fa-hia.de", NULL}, /* non-transitional: not fass.de */
        {"a@пример.испытание", "a@xn--e1afmkfd.xn--80akhbyknj4f", NULL},
        {"a@例え。テスト", "a@xn--r8jz45g.xn--zckzah", NULL}, /* the ideographic full stop is a dot */
        {"a@ｅｘａｍｐｌｅ.org", "a@example.org", NULL},
        {"a@3com.com", "a@3com.com", NULL},
        {"a@1.2.3.example", "a@1.2.3.example", NULL},
        {A60 "aaaa@x.org", A60 "aaaa@x.org", NULL},         /* 64 */
        {A60 "@" D180 "." A10, A60 "@" D180 "." A10, NULL}, /* 60 + 1 + 182 + 11 = 254 */

        {"", NULL, "is empty"},
        {"jane", NULL, "has no @"},
        {"@x.org", NULL, "has nothing before its @"},
        {"jane@", NULL, "has no domain behind its @"},
        {A60 "aaaaa@x.org", NULL, "has more than 64 characters before its @"},
        {A60 "a@" D180 "." A10, NULL, "is longer than 254 characters"},
        {"a@" A60 "aaaa.org", NULL, "has a label of more than 63 characters in its domain"},
        {"a@" D180 "." A60 "." A10, NULL, "has a domain that is too long"},
        {"a@" D180 "." A60 "." A60 "." A60, NULL, "has a domain that is too long"},
        {"a@x..org", NULL, "has an empty label in its domain"},
        {"a@.org", NULL, "has an empty label in its domain"},
        {"a@x.org.", NULL, "has an empty label in its domain"},
        {"a@[127.0.0.1]", NULL, "has an IP address in place of a domain"},
        {"a@[IPv6:::1]", NULL, "has an IP address in place of a domain"},
        {"a@127.0.0.1", NULL, "has a number in place of a domain"},
        {"a@7", NULL, "has a number in place of a domain"},
        {"a@-x.org", NULL, "has a domain that is no domain name"},
        {"a@x-.org", NULL, "has a domain that is no domain name"},
        {"a@x_y.org", NULL, "has a domain that is no domain name"},
        {"a@xn--a.org", NULL, "has a domain that is no domain name"},     /* no Punycode */
        {"a@b\xd7\x90.org", NULL, "has a domain that is no domain name"}, /* both directions in one label (RFC 5893) */
        {"a@x.org>", NULL, "has a domain that is no domain name"},
        {"a@x.org, b@x.org", NULL, "has a character before its @ that is not allowed there"},
        {"@relay.org:a@x.org", NULL, "has a character before its @ that is not allowed there"},
        {"a(c)@x.org", NULL, "has a character before its @ that is not allowed there"},
        {"a b@x.org", NULL, "has a character before its @ that is not allowed there"},
        {"a@b@x.org", NULL, "has a character before its @ that is not allowed there"},
        {"\"a b\"@x.org", NULL, "has a quoted part before its @"},
        {".a@x.org", NULL, "has an empty piece before its @"},
        {"a.@x.org", NULL, "has an empty piece before its @"},
        {"a..b@x.org", NULL, "has an empty piece before its @"},
        {"jörg@x.org", NULL, "has letters outside of ASCII before its @"},
        {"a@x.org\r\nRCPT TO:<b@x.org>", NULL, "has a control character"},
        {"a\n@x.org", NULL, "has a control character"},
        {"a@x\x7f.org", NULL, "has a control character"},
        {"a@x\u2028.org", NULL, "has a control character"},
        {"a@x\xc2\x85.org", NULL, "has a control character"},
        {"a@\u202egro.x", NULL, "has a character that turns the direction of text"},
        {"a@x\xff.org", NULL, "is not UTF-8"},
        {"a@x\xed\xa0\x80.org", NULL, "is not UTF-8"}, /* a surrogate */
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct address address;
        const char *fault = "unset";
        int good = address_read(belfry_str(rows[i].text), &address, &fault);
        if (rows[i].spec) {
            assert_null(fault);
            assert_string_equal(address.spec, rows[i].spec);
            assert_string_equal(address.domain, strchr(rows[i].spec, '@') + 1);
            assert_string_equal(address.name, "");
        } else {
            assert_string_equal(fault, rows[i].fault);
        }
        assert_int_equal(good, rows[i].spec != NULL);
    }
}

static void test_a_nul_ends_nothing(void **state)
{
    (void)state;
    struct address address;
    const char *fault;
    assert_false(address_read((struct belfry_str){"a@x.org\0.evil", 13}, &address, &fault));
    assert_string_equal(fault, "has a control character");
    assert_false(address_read_named((struct belfry_str){"A\0B <a@x.org>", 13}, &address, &fault));
    assert_string_equal(fault, "has a control character");
}

static void test_names(void **state)
{
    static const struct {
        const char *text, *name, *spec, *fault;
    } rows[] = {
        {"Acme <notify@acme.example>", "Acme", "notify@acme.example", NULL},
        {"Acme Corp.  <notify@acme.example>", "Acme Corp.", "notify@acme.example", NULL},
        {"\"Acme Hub\" <notify@acme.example>", "Acme Hub", "notify@acme.example", NULL},
        {"\"Acme, Inc. (\\\"the\\\" \\\\ one) <x>\" <n@acme.example>", "Acme, Inc. (\"the\" \\ one) <x>",
         "n@acme.example", NULL},
        {"Bücher Müller <n@bücher.example>", "Bücher Müller", "n@xn--bcher-kva.example", NULL},
        {"  n@acme.example ", "", "n@acme.example", NULL},
        {"<n@acme.example>", "", "n@acme.example", NULL},
        {"\"\" <n@acme.example>", "", "n@acme.example", NULL},
        {"Ann\"s <n@acme.example>", NULL, NULL,
         "has a name with one of ()<>[]:;@\\,\" in it; put the name in double quotes"},
        {"A, B <n@acme.example>", NULL, NULL,
         "has a name with one of ()<>[]:;@\\,\" in it; put the name in double quotes"},
        {"a@x.org, b <n@acme.example>", NULL, NULL,
         "has a name with one of ()<>[]:;@\\,\" in it; put the name in double quotes"},
        {"A (c) <n@acme.example>", NULL, NULL,
         "has a name with one of ()<>[]:;@\\,\" in it; put the name in double quotes"},
        {"\"A\" B\" <n@acme.example>", NULL, NULL, "has a quote inside of its quoted name; write \\\" there"},
        {"\"A <n@acme.example>", NULL, NULL, "has a quoted name that does not end with its quote"},
        {"\"A\\\" <n@acme.example>", NULL, NULL, "has a quoted name that does not end with its quote"},
        {"\" <n@acme.example>", NULL, NULL, "has a quoted name that does not end with its quote"},
        {"A n@acme.example>", NULL, NULL, "has a > without a <"},
        {"A <n@acme.example", NULL, NULL, "has a character before its @ that is not allowed there"},
        {"A <>", NULL, NULL, "is empty"},
        {"A < n@acme.example>", NULL, NULL, "has a character before its @ that is not allowed there"},
        {"A\r\nBcc: x@y <n@acme.example>", NULL, NULL, "has a control character"},
        {"A\u202eB <n@acme.example>", NULL, NULL, "has a character that turns the direction of text"},
        {"A\xc3 <n@acme.example>", NULL, NULL, "is not UTF-8"},
        {"", NULL, NULL, "is empty"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct address address;
        const char *fault = "unset";
        int good = address_read_named(belfry_str(rows[i].text), &address, &fault);
        assert_int_equal(good, rows[i].spec != NULL);
        if (good) {
            assert_null(fault);
            assert_string_equal(address.name, rows[i].name);
            assert_string_equal(address.spec, rows[i].spec);
        } else {
            assert_string_equal(fault, rows[i].fault);
        }
    }
}

/* 300 of the longest characters fit, one more does not. */
static void test_the_longest_name(void **state)
{
    static char text[4 * (ADDRESS_NAME_MAX + 1) + 20];
    (void)state;
    for (size_t letters = ADDRESS_NAME_MAX; letters <= ADDRESS_NAME_MAX + 1; letters++) {
        struct address address;
        const char *fault;
        for (size_t i = 0; i < letters; i++)
            memcpy(text + 4 * i, "\U0001f4a5", 4);
        strcpy(text + 4 * letters, " <a@x.org>");
        int good = address_read_named(belfry_str(text), &address, &fault);
        assert_int_equal(good, letters == ADDRESS_NAME_MAX);
        if (good)
            assert_int_equal(strlen(address.name), 4 * ADDRESS_NAME_MAX);
        else
            assert_string_equal(fault, "has a name of more than 300 characters");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_specs),
        cmocka_unit_test(test_a_nul_ends_nothing),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_the_longest_name),
    };
    return cmocka_run_group_tests_name("mail addresses", tests, NULL, NULL);
}
