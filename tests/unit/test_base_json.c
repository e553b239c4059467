/* SPDX-License-Identifier: Apache-2.0 */
/* JSON: what is refused and where, limits, pointers, writing, views. */
#include "base/json.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static json_t *must_read(const char *text)
{
    struct error err = {0};
    json_t *value = json_read(str_of(text), &err);
    if (!value)
        fail_msg("%s: %s", text, error_text(&err));
    return value;
}

static void reads_and_writes_compact(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out; /* out NULL: as in */
    } rows[] = {
        {"null", NULL},
        {"true", NULL},
        {"false", NULL},
        {"0", NULL},
        {"-12", NULL},
        {"9223372036854775807", NULL},
        {"-9223372036854775808", NULL},
        {"1.0", NULL},
        {"100.0", NULL},
        {"0.1", NULL},
        {"1e2", "100.0"},
        {"1e300", "1e+300"},
        {"0.30000000000000004", NULL},
        {"\"\"", NULL},
        {"\"a\\\"b\\\\c\\n\\t\\r\\b\\f\\u0001\"", NULL},
        {"\"\\u00e4\\/\"", "\"\xc3\xa4/\""},
        {"\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\""},
        {"\"\\u007f\"", NULL},
        {"[]", NULL},
        {"{}", NULL},
        {" [ 1 , 2 ,\n3 ] ", "[1,2,3]"},
        {"{\"z\":1,\"a\":2,\"m\":{\"b\":[{}]}}", NULL}, /* insertion order */
        {"{\"\":1}", NULL},
        {"{\"a\":{\"a\":1},\"b\":{\"a\":1}}", NULL}, /* same key, other objects */
    };
    struct buf out = {0};
    for (size_t i = 0; i < COUNT(rows); i++) {
        json_t *value = must_read(rows[i].in);
        buf_clear(&out);
        json_write(value, &out);
        assert_string_equal(out.ptr, rows[i].out ? rows[i].out : rows[i].in);
        json_decref(value);
    }
    buf_clear(&out);
    json_write(NULL, &out);
    assert_string_equal(out.ptr, "null");
    buf_free(&out);
}

static const struct {
    const char *text;
    size_t len; /* 0: strlen */
    const char *where, *what;
} bad_rows[] = {
    {"", 0, "line 1, column 1:", "no JSON value"},
    {"  ", 0, "line 1, column", ""},
    {"{\"a\":1,\"a\":2}", 0, "line 1, column 10:", "duplicate object key near '\"a\"'"},
    {"{\"a\":{\"b\":1,\"b\":1}}", 0, "line 1, column 15:", "duplicate object key"},
    {"{\"a\":1,\"\\u0061\":2}", 0, "line 1, column", "duplicate object key"},
    {"{\n  \"a\": 1,\n  \"b\" 2\n}", 0, "line 3, column 7:", "':' expected near '2'"},
    {"[1,2", 0, "line 1, column 4:", "']' expected near end of file"},
    {"[1,]", 0, "line 1, column 4:", "unexpected token near ']'"},
    {"{} x", 0, "line 1, column 4:", "more text after the end"},
    {"1 2", 0, "line 1, column 3:", "more text after the end"},
    {"{}{}", 0, "line 1, column 3:", "more text after the end"},
    {"{}\0", 3, "line 1, column", ""},
    {"[1,\0 2]", 7, "line 1, column", ""},
    {"nul", 0, "line 1, column 3:", "invalid token"},
    {"'a'", 0, "line 1, column 1:", "invalid token"},
    {"[01]", 0, "line 1, column", ""},
    {"[1.]", 0, "line 1, column", ""},
    {"[.5]", 0, "line 1, column", ""},
    {"[+1]", 0, "line 1, column", ""},
    {"[NaN]", 0, "line 1, column", ""},
    {"9223372036854775808", 0, "line 1, column", "too big integer"},
    {"1e400", 0, "line 1, column", "real number overflow"},
    {"\"\xff\"", 0, "line 1, column 2:", "not UTF-8"},
    {"{\n\"\xc3\xa4\": \"\xc3\xa4\xed\xa0\x80\"}", 0, "line 2, column 8:", "not UTF-8"},
    {"\"\xef\xbf\xbd\xc0\x80\"", 0, "line 1, column 3:", "not UTF-8"},
    {"\"\xc3", 0, "line 1, column 2:", "not UTF-8"},
    {"\"\\ud800\"", 0, "line 1, column", "invalid Unicode"},
    {"\"\\ude00\"", 0, "line 1, column", "invalid Unicode"},
    {"\"a\\u0000b\"", 0, "line 1, column", "U+0000 is not allowed"},
    {"{\"a\\u0000\":1}", 0, "line 1, column", "U+0000 is not allowed"},
    {"\"a\nb\"", 0, "line 1, column", "unexpected newline"},
    {"\"a\tb\"", 0, "line 1, column", "control character"},
    {"\"\\x\"", 0, "line 1, column", "invalid escape"},
    {"\"abc", 0, "line 1, column", "premature end of input"},
    {"/* c */ 1", 0, "line 1, column 1:", "invalid token"},
    {"\xef\xbb\xbf{}", 0, "line 1, column", ""}, /* byte order mark, RFC 8259 section 8.1 */
};

static void refuses_and_says_where(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad_rows); i++) {
        struct error err = {0};
        size_t len = bad_rows[i].len ? bad_rows[i].len : strlen(bad_rows[i].text);
        json_t *value = json_read(str_slice(bad_rows[i].text, len), &err);
        if (value)
            fail_msg("row %zu was taken: %s", i, bad_rows[i].text);
        const char *text = error_text(&err);
        if (strncmp(text, bad_rows[i].where, strlen(bad_rows[i].where)) != 0 || !strstr(text, bad_rows[i].what))
            fail_msg("row %zu: %s", i, text);
        assert_int_equal(err.status, BELFRY_EINVAL);
        assert_int_equal(err.count, 1);
        error_clear(&err);
        assert_null(json_read(str_slice(bad_rows[i].text, len), NULL));
    }
}

/* depth times open, a middle, depth times close. */
static char *nest(const char *open, const char *middle, const char *close, size_t depth)
{
    struct buf b = {0};
    for (size_t i = 0; i < depth; i++)
        buf_addz(&b, open);
    buf_addz(&b, middle);
    for (size_t i = 0; i < depth; i++)
        buf_addz(&b, close);
    return buf_steal(&b);
}

static void depth_ends_at_64(void **state)
{
    (void)state;
    static const struct {
        const char *open, *middle, *close;
        size_t depth;
        const char *fault; /* NULL: taken */
    } rows[] = {
        {"[", "", "]", 64, NULL},
        {"[", "1", "]", 64, NULL},
        {"[", "", "]", 65, "line 1, column 65: nested deeper than 64 levels"},
        {"{\"a\":", "1", "}", 64, NULL},
        {"{\"a\":", "1", "}", 65, "line 1, column 321: nested deeper than 64 levels"},
        {"[\n", "", "]", 65, "line 65, column 1: nested deeper than 64 levels"},
        {"[", "\"[[[[{{{{\\\"[[[[\\\\\"", "]", 64, NULL},                                 /* brackets in a string */
        {"[", "\"\\\\\",[]", "]", 64, "line 1, column 70: nested deeper than 64 levels"}, /* the string has ended */
        {"[[],", "1", "]", 63, NULL},                                                     /* width is not depth */
        {"[[],", "1", "]", 64, "line 1, column 254: nested deeper than 64 levels"},
        {"[", "", "]", 50000, "line 1, column 65: nested deeper than 64 levels"},
        {"{\"a\":[", "", "]}", 50000, "line 1, column 193: nested deeper than 64 levels"},
        {"[", "", "", 10000000, "line 1, column 65: nested deeper than 64 levels"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct error err = {0};
        char *text = nest(rows[i].open, rows[i].middle, rows[i].close, rows[i].depth);
        json_t *value = json_read(str_of(text), &err);
        if ((value == NULL) != (rows[i].fault != NULL) || (rows[i].fault && strcmp(error_text(&err), rows[i].fault)))
            fail_msg("row %zu: %s", i, value ? "taken" : error_text(&err));
        json_decref(value);
        error_clear(&err);
        free(text);
    }
    /* Closing brackets that nothing opened are a matter of syntax, whatever follows. */
    struct error err = {0};
    char *loose = nest("]", "", "[]", 100);
    assert_null(json_read(str_of(loose), &err));
    assert_string_equal(error_text(&err), "line 1, column 1: unexpected token near ']'");
    error_clear(&err);
    free(loose);
    /* Many brackets that are siblings. */
    char *flat = nest("[],", "1", "", 1000);
    struct buf wide = {0};
    buf_addf(&wide, "[%s]", flat);
    json_t *value = json_read(buf_str(&wide), NULL);
    assert_non_null(value);
    json_decref(value);
    buf_free(&wide);
    free(flat);
}

static void strings_are_written_valid(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        const char *want;
    } rows[] = {
        {"", 0, "\"\""},
        {"a\"b", 3, "\"a\\\"b\""},
        {"\0", 1, "\"\\u0000\""},
        {"\x1b[31m", 5, "\"\\u001b[31m\""},
        {"\xff", 1, "\"\xef\xbf\xbd\""},
        {"a\xc3", 2, "\"a\xef\xbf\xbd\""},
        {"\xef\xbf\xbd\xff\"", 5, "\"\xef\xbf\xbd\xef\xbf\xbd\\\"\""},
        {"</script>", 9, "\"</script>\""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf out = {0};
        json_write_str(str_slice(rows[i].bytes, rows[i].len), &out);
        assert_string_equal(out.ptr, rows[i].want);
        buf_free(&out);
        json_t *object = json_object();
        json_set_str(object, "k", str_slice(rows[i].bytes, rows[i].len));
        json_write(json_object_get(object, "k"), &out);
        assert_string_equal(out.ptr, rows[i].want);
        json_decref(object);
        buf_free(&out);
    }
    json_t *object = json_object();
    json_set_str(object, "k", (struct belfry_str){0});
    assert_true(str_eq(json_str(json_object_get(object, "k")), STR("")));
    assert_int_equal(json_str(object).len, 0);
    assert_int_equal(json_str(NULL).len, 0);
    json_decref(object);
}

/* The document and most rows are those of RFC 6901 section 5. */
static void pointers_find_values(void **state)
{
    (void)state;
    static const char document[] =
        "{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,\"i\\\\j\":5,"
        "\"k\\\"l\":6,\" \":7,\"m~n\":8,\"deep\":{\"~1\":{\"0\":9}},\"nil\":null}";
    static const struct {
        const char *pointer, *want; /* NULL: nothing there */
    } rows[] = {
        {"/foo", "[\"bar\",\"baz\"]"},
        {"/foo/0", "\"bar\""},
        {"/foo/1", "\"baz\""},
        {"/", "0"},
        {"/a~1b", "1"},
        {"/c%d", "2"},
        {"/e^f", "3"},
        {"/g|h", "4"},
        {"/i\\j", "5"},
        {"/k\"l", "6"},
        {"/ ", "7"},
        {"/m~0n", "8"},
        {"/deep/~01/0", "9"}, /* ~01 is ~1, not / */
        {"/nil", "null"},
        {"/foo/2", NULL},
        {"/foo/-", NULL},
        {"/foo/00", NULL},
        {"/foo/01", NULL},
        {"/foo/+1", NULL},
        {"/foo/-1", NULL},
        {"/foo/", NULL},
        {"/foo/1x", NULL},
        {"/foo/18446744073709551616", NULL},
        {"/foo/0/x", NULL},
        {"/nil/x", NULL},
        {"foo", NULL},
        {"/m~n", NULL},
        {"/m~2n", NULL},
        {"/m~", NULL},
        {"//", NULL},
    };
    json_t *root = must_read(document);
    assert_ptr_equal(json_at(root, ""), root);
    assert_null(json_at(NULL, "/a"));
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf out = {0};
        json_t *value = json_at(root, rows[i].pointer);
        if ((value == NULL) != (rows[i].want == NULL))
            fail_msg("%s: %s", rows[i].pointer, value ? "found" : "nothing");
        json_write(value, &out);
        assert_string_equal(out.ptr, rows[i].want ? rows[i].want : "null");
        buf_free(&out);
    }
    struct buf pointer = {0};
    json_pointer_add(&pointer, STR("deep"));
    json_pointer_add(&pointer, STR("~1"));
    json_pointer_add(&pointer, STR("a/b"));
    assert_string_equal(pointer.ptr, "/deep/~01/a~1b");
    buf_free(&pointer);
    json_decref(root);
}

static void check_view(const struct belfry_view *view)
{
    struct belfry_value root, value, item;
    struct belfry_str key;
    static const char *const keys[] = {"s", "i", "r", "t", "f", "n", "a", "o"};
    static const uint32_t types[] = {BELFRY_VALUE_STRING, BELFRY_VALUE_INT,  BELFRY_VALUE_REAL,  BELFRY_VALUE_BOOL,
                                     BELFRY_VALUE_BOOL,   BELFRY_VALUE_NULL, BELFRY_VALUE_ARRAY, BELFRY_VALUE_OBJECT};
    assert_int_equal(view->struct_size, sizeof(*view));
    view->root(view, &root);
    assert_int_equal(root.type, BELFRY_VALUE_OBJECT);
    assert_int_equal(root.count, COUNT(keys));
    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint32_t k = 0; k < COUNT(keys); k++) {
            uint32_t i = pass ? (uint32_t)COUNT(keys) - 1 - k : k; /* forwards, then backwards */
            view->member(view, &root, i, &key, &value);
            assert_true(str_eqz(key, keys[i]));
            assert_int_equal(value.type, types[i]);
        }
    }
    view->member(view, &root, COUNT(keys), &key, &value);
    assert_int_equal(value.type, BELFRY_VALUE_MISSING);
    assert_int_equal(key.len, 0);
    view->get(view, &root, STR("s"), &value);
    assert_true(str_eqz(value.s, "text"));
    view->get(view, &root, STR("i"), &value);
    assert_int_equal(value.i, -3);
    view->get(view, &root, STR("r"), &value);
    assert_true(value.d == 2.5);
    view->get(view, &root, STR("t"), &value);
    assert_int_equal(value.i, 1);
    view->get(view, &root, STR("f"), &value);
    assert_int_equal(value.i, 0);
    view->get(view, &root, str_slice("absent", 3), &value);
    assert_int_equal(value.type, BELFRY_VALUE_MISSING);
    view->get(view, &value, STR("s"), &value);
    assert_int_equal(value.type, BELFRY_VALUE_MISSING);
    view->get(view, &root, STR("a"), &value);
    assert_int_equal(value.count, 2);
    view->at(view, &value, 1, &item);
    assert_int_equal(item.i, 8);
    view->at(view, &value, 2, &item);
    assert_int_equal(item.type, BELFRY_VALUE_MISSING);
    view->at(view, &root, 0, &item);
    assert_int_equal(item.type, BELFRY_VALUE_MISSING);
    view->member(view, &value, 0, &key, &item);
    assert_int_equal(item.type, BELFRY_VALUE_MISSING);
    /* A walk of an inner object between two steps of the outer one. */
    view->get(view, &root, STR("o"), &value);
    view->member(view, &root, 1, &key, &item);
    view->member(view, &value, 0, &key, &item);
    assert_true(str_eqz(key, "x"));
    view->member(view, &root, 2, &key, &item);
    assert_true(str_eqz(key, "r"));
}

static void views_read_the_tree(void **state)
{
    (void)state;
    json_t *root = must_read("{\"s\":\"text\",\"i\":-3,\"r\":2.5,\"t\":true,\"f\":false,\"n\":null,\"a\":[7,8],"
                             "\"o\":{\"x\":1,\"y\":2}}");
    struct belfry_view plain = json_view(root);
    check_view(&plain);
    struct json_cursor cursor;
    struct belfry_view walking = json_view_cursor(&cursor, root);
    check_view(&walking);
    json_decref(root);
    struct belfry_value value;
    plain = json_view(NULL);
    plain.root(&plain, &value);
    assert_int_equal(value.type, BELFRY_VALUE_MISSING);
}

/* Quadratic would be two billion steps, which no test run would sit through. */
static void a_cursor_walks_a_wide_object_once(void **state)
{
    (void)state;
    enum { MEMBERS = 60000 };
    json_t *object = json_object();
    for (int i = 0; i < MEMBERS; i++) {
        char name[16];
        snprintf(name, sizeof(name), "k%d", i);
        json_object_set_new(object, name, json_integer(i));
    }
    struct json_cursor cursor;
    struct belfry_view view = json_view_cursor(&cursor, object);
    struct belfry_value root, value;
    struct belfry_str key;
    view.root(&view, &root);
    for (uint32_t i = 0; i < root.count; i++) {
        view.member(&view, &root, i, &key, &value);
        assert_int_equal(value.i, i);
    }
    json_decref(object);
}

static void names_types(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"{}", "an object"}, {"[]", "an array"},    {"\"\"", "a string"},   {"1", "an integer"},
        {"1.5", "a number"}, {"true", "a boolean"}, {"false", "a boolean"}, {"null", "null"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        json_t *value = must_read(rows[i].text);
        assert_string_equal(json_type_text(value), rows[i].want);
        json_decref(value);
    }
    assert_string_equal(json_type_text(NULL), "nothing");
}

/* There are two parsers, and which one read a text must not show: every text one character away from these. */
static void both_parsers_agree(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"a\":1,\"b\":[1,2.5,-0,1e5,0.1e-3,true,false,null],\"\":{\"d\":\"x\\n\\u00e4\\ud83d\\ude00 \xc3\xa4\"}}",
        " [ \"eight bytes at a time, and more\" , \"eight by\\\"es\" , {} , [] , [[]] ] ",
        "[-9223372036854775808,9223372036854775807,1.0E+2,1e300]",
        "{\"a\":1,\"A\":2,\"\\u0062\":3}",
    };
    static const char with[] = "{}[]\",:\\ntfu019.eE+- \n\x01\x80\xc3\xed\xff/";
    char copy[128];
    for (size_t i = 0; i < COUNT(texts); i++) {
        size_t len = strlen(texts[i]);
        for (size_t at = 0; at < len * sizeof(with); at++) {
            memcpy(copy, texts[i], len);
            copy[at / sizeof(with)] = with[at % sizeof(with)]; /* the last one is a NUL */
            json_error_t fault;
            struct error err = {0};
            json_t *expected = json_loadb(copy, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &fault);
            json_t *got = json_read(str_slice(copy, len), &err);
            if (!expected != !got || (got && !json_equal(expected, got)))
                fail_msg("%.*s: %s", (int)len, copy, got ? "read" : error_text(&err));
            json_decref(expected);
            json_decref(got);
            error_clear(&err);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_writes_compact),
        cmocka_unit_test(both_parsers_agree),
        cmocka_unit_test(refuses_and_says_where),
        cmocka_unit_test(depth_ends_at_64),
        cmocka_unit_test(strings_are_written_valid),
        cmocka_unit_test(pointers_find_values),
        cmocka_unit_test(views_read_the_tree),
        cmocka_unit_test(a_cursor_walks_a_wide_object_once),
        cmocka_unit_test(names_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
