/* SPDX-License-Identifier: Apache-2.0 */
/* Slices, UTF-8, numbers, the buffer, did-you-mean. */
#include "base/mem.h"
#include "base/str.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void compares_by_byte_then_length(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        int want;
    } rows[] = {
        {"", "", 0},     {"", "a", -1},   {"a", "", 1},         {"a", "a", 0},  {"a", "b", -1},
        {"ab", "a", 1},  {"a", "ab", -1}, {"b", "ab", 1},       {"Z", "a", -1}, {"a\xc3\xa4", "az", 1},
        {"10", "9", -1}, {"x", "x ", -1}, {"\x7f", "\x80", -1},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int got = str_cmp(str_of(rows[i].a), str_of(rows[i].b));
        if (got != rows[i].want)
            fail_msg("row %zu: \"%s\" and \"%s\" give %d", i, rows[i].a, rows[i].b, got);
    }
    assert_int_equal(str_cmp(str_slice("a\0b", 3), str_slice("a\0a", 3)), 1);
    assert_true(str_eq((struct belfry_str){0}, STR("")));
    assert_false(str_eqz(STR("a"), "ab"));
}

static void finds_prefixes_and_suffixes(void **state)
{
    (void)state;
    static const struct {
        const char *s, *part;
        int prefix, suffix;
    } rows[] = {
        {"workflow.done", "workflow.", 1, 0},
        {"workflow.done", ".done", 0, 1},
        {"a", "", 1, 1},
        {"", "", 1, 1},
        {"", "a", 0, 0},
        {"aba", "a", 1, 1},
        {"a", "ab", 0, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(str_has_prefix(str_of(rows[i].s), str_of(rows[i].part)), rows[i].prefix);
        assert_int_equal(str_has_suffix(str_of(rows[i].s), str_of(rows[i].part)), rows[i].suffix);
    }
    assert_true(str_has_suffix((struct belfry_str){0}, (struct belfry_str){0}));
}

static void cuts_at_the_first_separator(void **state)
{
    (void)state;
    static const struct {
        const char *s, *before, *rest; /* rest NULL: no separator */
    } rows[] = {
        {"user:alice", "user", "alice"},
        {"a:b:c", "a", "b:c"},
        {":a", "", "a"},
        {"a:", "a", ""},
        {"a", "a", NULL},
        {"", "", NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct belfry_str rest;
        assert_true(str_eqz(str_cut(str_of(rows[i].s), ':', &rest), rows[i].before));
        if (rows[i].rest && rest.ptr)
            assert_true(str_eqz(rest, rows[i].rest));
        else
            assert_true(!rows[i].rest && !rest.ptr && rest.len == 0);
    }
    struct belfry_str rest;
    assert_int_equal(str_cut((struct belfry_str){0}, ':', &rest).len, 0);
    assert_null(rest.ptr);
}

static void trims_ascii_space_only(void **state)
{
    (void)state;
    static const struct {
        const char *s, *want;
    } rows[] = {
        {" a ", "a"}, {"\t\r\n\v\f a b\n", "a b"}, {"   ", ""}, {"", ""}, {"\xc2\xa0x", "\xc2\xa0x"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_true(str_eqz(str_trim(str_of(rows[i].s)), rows[i].want));
    assert_int_equal(str_trim((struct belfry_str){0}).len, 0);
}

/* RFC 3629: the boundaries of each length, and the first and last of what is not allowed. */
static const struct {
    const char *bytes;
    size_t len;
    int valid;
    uint32_t first;
} utf8_rows[] = {
    {"", 0, 1, 0xfffd},
    {"a", 1, 1, 'a'},
    {"\0", 1, 1, 0},
    {"\x7f", 1, 1, 0x7f},
    {"\xc2\x80", 2, 1, 0x80},
    {"\xdf\xbf", 2, 1, 0x7ff},
    {"\xe0\xa0\x80", 3, 1, 0x800},
    {"\xed\x9f\xbf", 3, 1, 0xd7ff},
    {"\xee\x80\x80", 3, 1, 0xe000},
    {"\xef\xbf\xbd", 3, 1, 0xfffd},
    {"\xef\xbf\xbf", 3, 1, 0xffff},
    {"\xf0\x90\x80\x80", 4, 1, 0x10000},
    {"\xf4\x8f\xbf\xbf", 4, 1, 0x10ffff},
    {"\x80", 1, 0, 0xfffd},             /* continuation alone */
    {"\xc0\x80", 2, 0, 0xfffd},         /* overlong NUL */
    {"\xc1\xbf", 2, 0, 0xfffd},         /* overlong */
    {"\xe0\x9f\xbf", 3, 0, 0xfffd},     /* overlong */
    {"\xf0\x8f\xbf\xbf", 4, 0, 0xfffd}, /* overlong */
    {"\xed\xa0\x80", 3, 0, 0xfffd},     /* first surrogate */
    {"\xed\xbf\xbf", 3, 0, 0xfffd},     /* last surrogate */
    {"\xf4\x90\x80\x80", 4, 0, 0xfffd}, /* above U+10FFFF */
    {"\xf5\x80\x80\x80", 4, 0, 0xfffd},
    {"\xff", 1, 0, 0xfffd},
    {"\xc3", 1, 0, 0xfffd},         /* cut short */
    {"\xe2\x82", 2, 0, 0xfffd},     /* cut short */
    {"\xf0\x9f\x98", 3, 0, 0xfffd}, /* cut short */
    {"\xc3(", 2, 0, 0xfffd},
    {"abcdefgh\x80", 9, 0, 'a'},
    {"abcdefg\xc3\xa4", 9, 1, 'a'},
};

static void tells_well_formed_utf8(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(utf8_rows); i++) {
        struct belfry_str s = str_slice(utf8_rows[i].bytes, utf8_rows[i].len);
        if (str_utf8_valid(s) != utf8_rows[i].valid)
            fail_msg("row %zu: valid is not %d", i, utf8_rows[i].valid);
        size_t pos = 0;
        uint32_t point = str_utf8_next(s, &pos);
        if (point != utf8_rows[i].first)
            fail_msg("row %zu: first code point is U+%04X", i, (unsigned)point);
        if (!utf8_rows[i].valid && utf8_rows[i].first == 0xfffd && pos != 1)
            fail_msg("row %zu: a malformed byte takes %zu", i, pos);
    }
    /* The eight-byte steps must see a bad byte wherever it is. */
    char text[40];
    for (size_t at = 0; at < sizeof(text); at++) {
        memset(text, 'x', sizeof(text));
        assert_true(str_utf8_valid(str_slice(text, sizeof(text))));
        text[at] = (char)0xff;
        assert_false(str_utf8_valid(str_slice(text, sizeof(text))));
    }
}

static void reads_integers(void **state)
{
    (void)state;
    static const struct {
        const char *s;
        int ok;
        int64_t want;
    } rows[] = {
        {"0", 1, 0},
        {"-0", 1, 0},
        {"+7", 1, 7},
        {"007", 1, 7},
        {"-42", 1, -42},
        {"9223372036854775807", 1, INT64_MAX},
        {"-9223372036854775808", 1, INT64_MIN},
        {"9223372036854775808", 0, 0},
        {"-9223372036854775809", 0, 0},
        {"99999999999999999999", 0, 0},
        {"", 0, 0},
        {"-", 0, 0},
        {"+", 0, 0},
        {" 1", 0, 0},
        {"1 ", 0, 0},
        {"1.0", 0, 0},
        {"0x10", 0, 0},
        {"--1", 0, 0},
        {"1e3", 0, 0},
        {"\xd9\xa1", 0, 0}, /* a digit, but not ours */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t got = 12345;
        belfry_status status = str_to_i64(str_of(rows[i].s), &got);
        if (status != (rows[i].ok ? BELFRY_OK : BELFRY_EINVAL) || got != (rows[i].ok ? rows[i].want : 12345))
            fail_msg("\"%s\": status %d, %lld", rows[i].s, status, (long long)got);
    }
}

static void reads_reals(void **state)
{
    (void)state;
    static const struct {
        const char *s;
        int ok;
        double want;
    } rows[] = {
        {"0", 1, 0},
        {"1.5", 1, 1.5},
        {"-1.5e-3", 1, -0.0015},
        {"+2E2", 1, 200},
        {".5", 1, 0.5},
        {"5.", 1, 5},
        {"1e308", 1, 1e308},
        {"1e309", 0, 0},
        {"1e-400", 1, 0},
        {"", 0, 0},
        {".", 0, 0},
        {"e5", 0, 0},
        {"1e", 0, 0},
        {"1e+", 0, 0},
        {"nan", 0, 0},
        {"inf", 0, 0},
        {"0x1p3", 0, 0},
        {"1,5", 0, 0},
        {" 1", 0, 0},
        {"1 ", 0, 0},
        {"1.2.3", 0, 0},
        {"0.00000000000000000000000000000000000000000000000000000000000000000000000000000001", 1, 1e-80},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        double got = 99;
        belfry_status status = str_to_double(str_of(rows[i].s), &got);
        if (status != (rows[i].ok ? BELFRY_OK : BELFRY_EINVAL) || got != (rows[i].ok ? rows[i].want : 99))
            fail_msg("\"%s\": status %d, %g", rows[i].s, status, got);
    }
}

static void writes_the_fewest_digits(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *want;
    } rows[] = {
        {0, "0"},
        {-0.0, "-0"},
        {2, "2"},
        {0.1, "0.1"},
        {1.0 / 3, "0.3333333333333333"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1e300, "1e+300"},
        {123456789.25, "123456789.25"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {DBL_MIN, "2.2250738585072014e-308"},
        {5e-324, "4.94065645841247e-324"},
    };
    struct buf b = {0};
    for (size_t i = 0; i < COUNT(rows); i++) {
        double again;
        buf_clear(&b);
        buf_add_double(&b, rows[i].value);
        assert_string_equal(b.ptr, rows[i].want);
        assert_int_equal(str_to_double(buf_str(&b), &again), BELFRY_OK);
        assert_true(again == rows[i].value);
    }
    buf_clear(&b);
    buf_add_double(&b, NAN);
    buf_add_double(&b, INFINITY);
    buf_add_double(&b, -INFINITY);
    buf_add_i64(&b, INT64_MIN);
    buf_add_i64(&b, INT64_MAX);
    buf_add_i64(&b, 0);
    assert_string_equal(b.ptr, "NaN+Inf-Inf-922337203685477580892233720368547758070");
    buf_free(&b);
}

static void buffer_is_always_a_c_string(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_add(&b, NULL, 0);
    assert_string_equal(b.ptr, "");
    buf_addz(&b, "a");
    buf_addz(&b, NULL);
    buf_addc(&b, 'b');
    buf_adds(&b, STR("cd"));
    buf_adds(&b, (struct belfry_str){0});
    buf_addf(&b, "%d-%s", 7, "x");
    assert_string_equal(b.ptr, "abcd7-x");
    assert_int_equal(b.len, 7);
    /* Formatted text that does not fit into what is left. */
    char *wide = xmalloc(1001);
    memset(wide, 'w', 1000);
    wide[1000] = '\0';
    buf_addf(&b, "<%s>", wide);
    assert_int_equal(b.len, 7 + 1002);
    assert_int_equal(strlen(b.ptr), b.len);
    assert_int_equal(b.ptr[b.len - 1], '>');
    free(wide);
    char *before = b.ptr;
    buf_clear(&b);
    assert_ptr_equal(b.ptr, before);
    assert_string_equal(b.ptr, "");
    memcpy(buf_reserve(&b, 3), "xyz", 3);
    b.len += 3;
    assert_true(str_eq(buf_str(&b), STR("xyz")));
    char *taken = buf_steal(&b);
    assert_null(b.ptr);
    assert_int_equal(b.len + b.cap, 0);
    free(taken);
    taken = buf_steal(&b);
    assert_string_equal(taken, "");
    free(taken);
    for (int i = 0; i < 100000; i++)
        buf_addc(&b, 'z');
    assert_int_equal(strlen(b.ptr), 100000);
    buf_free(&b);
    assert_null(b.ptr);
}

static void measures_distance(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        size_t want;
    } rows[] = {
        {"", "", 0},
        {"abc", "", 3},
        {"abc", "abc", 0},
        {"abc", "abd", 1},
        {"abc", "ab", 1},
        {"abc", "xabc", 1},
        {"recieve", "receive", 1}, /* a swap is one */
        {"kitten", "sitting", 3},
        {"ca", "abc", 3}, /* optimal string alignment: no edit within a swap */
        {"ab", "ba", 1},
        {"abcd", "badc", 2},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t there = str_distance(str_of(rows[i].a), str_of(rows[i].b));
        size_t back = str_distance(str_of(rows[i].b), str_of(rows[i].a));
        if (there != rows[i].want || back != rows[i].want)
            fail_msg("\"%s\" to \"%s\": %zu, back %zu", rows[i].a, rows[i].b, there, back);
    }
}

static void suggests_the_nearest(void **state)
{
    (void)state;
    static const char *const keys[] = {"listen", "public_url", "data_dir", "timezone", "to", "type", "types"};
    static const struct {
        const char *word, *want;
    } rows[] = {
        {"lisen", "listen"},
        {"public-url", "public_url"},
        {"datadir", "data_dir"},
        {"timezoen", "timezone"},
        {"type", "type"},
        {"tpye", "type"},
        {"typess", "types"},
        {"t", "to"},
        {"unrelated", NULL},
        {"xx", NULL},
        {"", NULL},
        {"lstn", NULL},
        {"publicurl2", "public_url"},
        {"public", "public_url"},
        {"listen_on_port", "listen"},
        {"types_of_events", NULL}, /* type and types */
        {"da", NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *got = str_nearest(str_of(rows[i].word), keys, COUNT(keys));
        if (rows[i].want ? !got || strcmp(got, rows[i].want) != 0 : got != NULL)
            fail_msg("\"%s\" gives %s", rows[i].word, got ? got : "nothing");
    }
    assert_null(str_nearest(STR("a"), NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares_by_byte_then_length),
        cmocka_unit_test(finds_prefixes_and_suffixes),
        cmocka_unit_test(cuts_at_the_first_separator),
        cmocka_unit_test(trims_ascii_space_only),
        cmocka_unit_test(tells_well_formed_utf8),
        cmocka_unit_test(reads_integers),
        cmocka_unit_test(reads_reals),
        cmocka_unit_test(writes_the_fewest_digits),
        cmocka_unit_test(buffer_is_always_a_c_string),
        cmocka_unit_test(measures_distance),
        cmocka_unit_test(suggests_the_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
