/* SPDX-License-Identifier: Apache-2.0 */
/* What the inbox does with texts of strangers: cells of an export, and addresses that lead back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../plugins/in-app/back.h"
#include "../../plugins/in-app/csv.h"

struct pair {
    const char *in, *out;
};

static void check(void (*fn)(struct belfry_str in, struct text *out), const struct pair *pairs)
{
    for (; pairs->in; pairs++) {
        struct text out = {0};
        fn(belfry_str(pairs->in), &out);
        text_z(&out, "");
        assert_string_equal(out.ptr, pairs->out);
        text_free(&out);
    }
}

static void cell(struct belfry_str in, struct text *out)
{
    csv_cell(out, in);
}

static void test_cells(void **state)
{
    (void)state;
    static const struct pair pairs[] = {{"", ""},
                                        {"plain", "plain"},
                                        {"a, b", "\"a, b\""},
                                        {"say \"so\"", "\"say \"\"so\"\"\""},
                                        {"two\nlines", "\"two\nlines\""},
                                        {"=1+1", "\"'=1+1\""},
                                        {"+49 30", "\"'+49 30\""},
                                        {"-1", "\"'-1\""},
                                        {"@SUM(A1)", "\"'@SUM(A1)\""},
                                        {"\t=1", "\"'\t=1\""},
                                        {"\r=1", "\"'\r=1\""},
                                        {"1=1", "1=1"},
                                        {"=\"", "\"'=\"\"\""},
                                        {NULL, NULL}};
    check(cell, pairs);
}

static void test_a_cell_keeps_its_NUL_bytes_away_from_the_rules(void **state)
{
    (void)state;
    struct text out = {0};
    csv_cell(&out, (struct belfry_str){"\0=1", 3});
    assert_int_equal(out.len, 3);
    text_free(&out);
}

static void test_only_filters_of_ours_lead_back(void **state)
{
    (void)state;
    static const struct pair pairs[] = {{"", ""},
                                        {"severity=error&q=a%20b", "severity=error&q=a%20b"},
                                        {"q=a+b&before=01a2-x&status=hidden", "q=a+b&before=01a2-x&status=hidden"},
                                        {"done=read&undo=x&severity=error", "severity=error"},
                                        {"next=//evil.example&q=1", "q=1"},
                                        {"q=//evil.example", ""},
                                        {"q=<script>&read=unread", "read=unread"},
                                        {"q=a\r\nSet-Cookie: x&read=unread", "read=unread"},
                                        {"q&severity", ""},
                                        {"&&&q=1&&", "q=1"},
                                        {NULL, NULL}};
    check(back_filter, pairs);
}

static void test_what_is_too_long_leads_back_without_a_filter(void **state)
{
    (void)state;
    static char raw[3000];
    struct text out = {0};
    memset(raw, 'a', sizeof(raw) - 1);
    memcpy(raw, "q=", 2);
    back_filter(belfry_str(raw), &out);
    assert_int_equal(out.len, 0);
}

static void test_names_that_are_not_the_lists(void **state)
{
    (void)state;
    static const char *const more[] = {"job", NULL};
    static const struct pair pairs[] = {{"", ""},       {"q=1&severity=x", ""}, {"job=1&q=2", ""},     {"utm=1", "utm"},
                                        {"q=1&x", "x"}, {"&&read=all&", ""},    {"=1&color", "color"}, {NULL, NULL}};
    for (const struct pair *p = pairs; p->in; p++) {
        struct belfry_str name = query_stranger(belfry_str(p->in), more);
        assert_int_equal(name.len, strlen(p->out));
        assert_memory_equal(name.len ? name.ptr : "", p->out, name.len);
    }
    assert_true(query_is_form(belfry_str("q=1&status=active")));
    assert_false(query_is_form(belfry_str("q=1&job=x")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells),
        cmocka_unit_test(test_a_cell_keeps_its_NUL_bytes_away_from_the_rules),
        cmocka_unit_test(test_only_filters_of_ours_lead_back),
        cmocka_unit_test(test_what_is_too_long_leads_back_without_a_filter),
        cmocka_unit_test(test_names_that_are_not_the_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
