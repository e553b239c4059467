/* SPDX-License-Identifier: Apache-2.0 */
/* Texts for people, links, addresses, names of severities and outcomes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "event/event.h"
#include "event/outcome.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ELLIPSIS "\xe2\x80\xa6"

struct text_row {
    const char *in, *line, *body;
};

static const struct text_row text_rows[] = {
    {"", "", ""},
    {"Big deal: 10 % off", "Big deal: 10 % off", "Big deal: 10 % off"},
    {"a\nb", "a b", "a\nb"},
    {"a\r\nb\r\n", "a b ", "a\nb\n"},
    {"a\rb", "a b", "a b"},
    {"a\r\r\nb", "a b", "a \nb"},
    {"a\n\nb", "a b", "a\n\nb"},
    {"a\t\x01\x7f\x1b[31mb", "a [31mb", "a [31mb"},
    {"a \t b", "a   b", "a   b"},
    {"\xc2\x80\xc2\x9f"
     "a\xc2\xa0",
     " a\xc2\xa0", " a\xc2\xa0"},
    {"a\xe2\x80\xa8"
     "b\xe2\x80\xa9"
     "c",
     "a b c", "a b c"},
    {"pay\xe2\x80\xae"
     "fdp.exe\xe2\x80\xac",
     "payfdp.exe", "payfdp.exe"},
    {"\xd8\x9c\xe2\x80\x8e\xe2\x80\x8f\xe2\x80\xaa\xe2\x81\xa6\xe2\x81\xa9", "", ""},
    {"a\n\xe2\x80\x8e\n"
     "b",
     "a b", "a\n\nb"},
    {"zero\xe2\x80\x8d"
     "joiner\xe2\x80\x8c",
     "zero\xe2\x80\x8d"
     "joiner\xe2\x80\x8c",
     "zero\xe2\x80\x8d"
     "joiner\xe2\x80\x8c"},
    {"\xf0\x9f\x98\x80 \xc3\xbc", "\xf0\x9f\x98\x80 \xc3\xbc", "\xf0\x9f\x98\x80 \xc3\xbc"},
    {"a\xff"
     "b\xe2\x82",
     "a\xef\xbf\xbd"
     "b\xef\xbf\xbd\xef\xbf\xbd",
     "a\xef\xbf\xbd"
     "b\xef\xbf\xbd\xef\xbf\xbd"},
};

static void check_text(struct belfry_str got, const char *expected, const char *what, const char *in)
{
    if (!str_eqz(got, expected))
        fail_msg("%s of `%s`: `%.*s`", what, in, STR_ARG(got));
    assert_int_equal(got.ptr[got.len], '\0');
}

static void test_text(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    for (size_t i = 0; i < COUNT(text_rows); i++) {
        char *in = xstrdup(text_rows[i].in);
        check_text(text_line(arena, str_of(in)), text_rows[i].line, "line", text_rows[i].in);
        check_text(text_body(arena, str_of(in)), text_rows[i].body, "body", text_rows[i].in);
        /* cleaning what is clean changes nothing */
        check_text(text_line(arena, text_line(arena, str_of(in))), text_rows[i].line, "line twice", text_rows[i].in);
        free(in);
    }
    arena_free(arena);
}

/* Lengths are characters: `unit` repeated n times comes out whole, or as 299 and an ellipsis. */
static void test_cut(void **state)
{
    (void)state;
    static const char *const units[] = {"x", "\xc3\xbc", "\xf0\x9f\x98\x80", "\xff"};
    static const char *const outs[] = {"x", "\xc3\xbc", "\xf0\x9f\x98\x80", "\xef\xbf\xbd"};
    static const size_t counts[] = {299, 300, 301, 5000};
    for (size_t u = 0; u < COUNT(units); u++) {
        for (size_t c = 0; c < COUNT(counts); c++) {
            struct arena *arena = arena_new(0);
            struct buf in = {0}, expected = {0};
            for (size_t i = 0; i < counts[c]; i++)
                buf_addz(&in, units[u]);
            for (size_t i = 0; i < (counts[c] > 300 ? 299 : counts[c]); i++)
                buf_addz(&expected, outs[u]);
            if (counts[c] > 300)
                buf_addz(&expected, ELLIPSIS);
            check_text(text_line(arena, buf_str(&in)), expected.ptr, "cut", units[u]);
            buf_free(&in);
            buf_free(&expected);
            arena_free(arena);
        }
    }
    struct arena *arena = arena_new(0);
    struct buf in = {0};
    for (size_t i = 0; i < EVENT_BODY_MAX + 1; i++)
        buf_addc(&in, i % 50 == 49 ? '\n' : 'b');
    struct belfry_str body = text_body(arena, buf_str(&in));
    assert_int_equal(body.len, EVENT_BODY_MAX - 1 + 3);
    assert_true(str_has_suffix(body, STR("b" ELLIPSIS)));
    body = text_body(arena, str_slice(in.ptr, EVENT_BODY_MAX));
    assert_int_equal(body.len, EVENT_BODY_MAX);
    buf_free(&in);
    arena_free(arena);
}

struct verdict_row {
    const char *in;
    int valid;
};

static const struct verdict_row link_rows[] = {
    {"https://crm.example/r/1?a=b#c", 1},
    {"http://h", 1},
    {"HTTPS://h:8443/", 1},
    {"http://u@h/", 1},
    {"http://[::1]:80/", 1},
    {"/records/7", 1},
    {"/", 1},
    {"/a?next=https://x.example//y", 1},
    {"/a#//b", 1},
    {"/\xc3\xbc", 1},
    {"", 0},
    {"records/7", 0},
    {"//evil.example", 0},
    {"/a//b", 0},
    {"/\\evil.example", 0},
    {"/a\nb", 0},
    {"/a b", 0},
    {"/a\x7f", 0},
    {"/\xc2\x85", 0},
    {"/\xff", 0},
    {"http://", 0},
    {"https:///path", 0},
    {"https://?q", 0},
    {"http://:80/", 0},
    {"http://u@/", 0},
    {"http://[]/", 0},
    {"http://[::1", 0},
    {"http:/h", 0},
    {"https:h", 0},
    {"javascript:alert(1)", 0},
    {"JAVASCRIPT://h/%0aalert(1)", 0},
    {"data:text/html,x", 0},
    {"ftp://h/", 0},
    {" https://h", 0},
    {"https://h\\@evil.example", 0},
    {"mailto:a@b.example", 0},
};

static const struct verdict_row address_rows[] = {
    {"ann@acme.example", 1},
    {"a.b+tag@x-y.co", 1},
    {"!#$%&'*+-/=?^_`{|}~@h", 1},
    {"a@localhost", 1},
    {"A@B.C", 1},
    {"1@1a.2b", 1},
    {"1234567890123456789012345678901234567890123456789012345678901234@h", 1},
    {"12345678901234567890123456789012345678901234567890123456789012345@h", 0},
    {"a@123456789012345678901234567890123456789012345678901234567890123", 0},
    {"a@a23456789012345678901234567890123456789012345678901234567890123", 1},
    {"a@a234567890123456789012345678901234567890123456789012345678901234", 0},
    {"", 0},
    {"ann", 0},
    {"@h", 0},
    {"a@", 0},
    {"a@b@c", 0},
    {".a@h", 0},
    {"a.@h", 0},
    {"a..b@h", 0},
    {"a b@h", 0},
    {"\"a b\"@h", 0},
    {"a@[127.0.0.1]", 0},
    {"a@127.0.0.1", 0},
    {"a@b\303\274cher.example", 1},
    {"a@xn--bcher-kva.example", 1},
    {"a@\346\227\245\346\234\254.example", 1},
    {"j\303\266rg@acme.example", 0}, /* SMTPUTF8 all the way, which nobody promises */
    {"a@b\303\274cher..example", 0},
    {"a@b\303\274cher_.example", 0},
    {"a@b\303.example", 0},
    {"a@b\342\200\256\303\274cher.example", 0},
    {"a@\342\204\240\342\204\240.\357\274\221", 0}, /* 1, written wide: no top-level domain */
    {"a@-h", 0},
    {"a@h-", 0},
    {"a@h..i", 0},
    {"a@.h", 0},
    {"a@h.", 0},
    {"a@h\r\nRCPT TO:<b@h>", 0},
    {"a\r\n@h", 0},
    {"a,b@h", 0},
    {"<a@h>", 0},
    {"a@h_i", 0},
    {"\xc3\xbc@h", 0},
    {"a@\xc3\xbc.de", 1},
};

static void check_verdicts(const struct verdict_row *rows, size_t count, int (*valid)(struct belfry_str))
{
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(rows[i].in);
        char *in = xmalloc(len ? len : 1);
        memcpy(in, rows[i].in, len);
        if (valid(str_slice(in, len)) != rows[i].valid)
            fail_msg("`%s` should be %s", rows[i].in, rows[i].valid ? "valid" : "refused");
        free(in);
    }
}

static void test_links(void **state)
{
    (void)state;
    check_verdicts(link_rows, COUNT(link_rows), link_valid);
}

static void test_addresses(void **state)
{
    (void)state;
    check_verdicts(address_rows, COUNT(address_rows), address_valid);
}

/* Two spellings of one mailbox, and what may be shown of it to anybody. */
static void test_address_keys(void **state)
{
    (void)state;
    static const struct {
        const char *address, *key, *masked;
    } rows[] = {
        {"Ann.Lee@ACME.example", "ann.lee@acme.example", "A\342\200\246@ACME.example"},
        {"ann@B\303\234CHER.example", "ann@xn--bcher-kva.example", "a\342\200\246@B\303\234CHER.example"},
        {"ann@xn--bcher-kva.example", "ann@xn--bcher-kva.example", "a\342\200\246@xn--bcher-kva.example"},
        {"\303\244nn@acme.example", "\303\244nn@acme.example", "\303\244\342\200\246@acme.example"},
        {"ann@\303\274..example", "ann@\303\274..example", "a\342\200\246@\303\274..example"}, /* no domain */
        {"no address", "no address", "\342\200\246"},
        {"@acme.example", "@acme.example", "\342\200\246"},
        {"", "", "\342\200\246"},
    };
    struct arena *arena = arena_new(0);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct belfry_str key = address_key(arena, str_of(rows[i].address));
        struct belfry_str masked = address_masked(arena, str_of(rows[i].address));
        if (!str_eqz(key, rows[i].key) || !str_eqz(masked, rows[i].masked))
            fail_msg("%s: %.*s %.*s", rows[i].address, STR_ARG(key), STR_ARG(masked));
    }
    arena_free(arena);
}

static void test_severities(void **state)
{
    (void)state;
    static const char *const names[] = {"info", "success", "warning", "error", "critical"};
    for (int i = 0; i < 5; i++) {
        assert_string_equal(severity_name(i), names[i]);
        assert_int_equal(severity_parse(str_of(names[i])), i);
    }
    assert_null(severity_name(-1));
    assert_null(severity_name(5));
    assert_int_equal(severity_parse(STR("Error")), -1);
    assert_int_equal(severity_parse(STR("")), -1);
}

/* Numbers are stored in databases: the ends and the middle are pinned. */
static void test_outcomes(void **state)
{
    (void)state;
    for (int i = 0; i < OUTCOME_COUNT; i++)
        assert_int_equal(outcome_parse(outcome_name(i)), i);
    assert_string_equal(outcome_name(0), "scheduled");
    assert_string_equal(outcome_name(6), "delivered");
    assert_string_equal(outcome_name(17), "suppressed_role");
    assert_string_equal(outcome_name(25), "dropped_by_rule");
    assert_null(outcome_name(-1));
    assert_null(outcome_name(OUTCOME_COUNT));
    assert_int_equal(outcome_parse("sent"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),      cmocka_unit_test(test_cut),          cmocka_unit_test(test_links),
        cmocka_unit_test(test_addresses), cmocka_unit_test(test_address_keys), cmocka_unit_test(test_severities),
        cmocka_unit_test(test_outcomes),
    };
    return cmocka_run_group_tests_name("event_text", tests, NULL, NULL);
}
