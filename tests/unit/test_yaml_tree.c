/* SPDX-License-Identifier: Apache-2.0 */
/* What a text means: trees as JSON, scalar types, places, paths, what stays of a text with errors, limits. */
#include "base/arena.h"
#include "base/json.h"
#include "yaml/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

struct fixture {
    struct arena *arena;
    struct diag_set *diags;
    const struct yaml_node *root;
};

static struct fixture load(struct belfry_str text)
{
    struct fixture f = {arena_new(0), diag_set_new(), NULL};
    f.root = yaml_load(f.arena, f.diags, diag_add_file(f.diags, "t.yaml", text));
    return f;
}

static void drop(struct fixture *f)
{
    diag_set_free(f->diags);
    arena_free(f->arena);
}

/* --- trees ------------------------------------------------------------------------------------------------------ */

struct tree_row {
    const char *text;
    const char *json; /* "none": NULL */
};

static const struct tree_row trees[] = {
    {"", "{}"},
    {"# nothing\n", "{}"},
    {"---\n", "null"},
    {"a: 1\nb: [x, {c: d}]\n", "{\"a\":1,\"b\":[\"x\",{\"c\":\"d\"}]}"},
    {"a:\n- 1\n- b: 2\n  c: 3\n-\n  - 4\n", "{\"a\":[1,{\"b\":2,\"c\":3},[4]]}"},
    {"a: |\n  x\n  y\nb: >-\n  x\n  y\n", "{\"a\":\"x\\ny\\n\",\"b\":\"x y\"}"},
    {"b: 1\na: 2\n", "{\"b\":1,\"a\":2}"},
    {"- 1\n- 2\n", "[1,2]"},
    {"just text\n", "\"just text\""},
    {"a:\nb: ~\nc: \"\"\n", "{\"a\":null,\"b\":null,\"c\":\"\"}"},
    {"\xEF\xBB\xBF"
     "a: 1\r\nb: 2\r\n",
     "{\"a\":1,\"b\":2}"},
    {"1: a\ntrue: b\n", "{\"1\":\"a\",\"true\":\"b\"}"},
    {"[.5, 5., -1.5e3, +2.5, +7, .inf, -9223372036854775808, 1e999]\n",
     "[0.5,5.0,-1500.0,2.5,7,\".inf\",-9223372036854775808,\"1e999\"]"},
    /* aliases and merge keys */
    {"a: &x {k: 1}\nb: *x\nc: [*x, *x]\n", "{\"a\":{\"k\":1},\"b\":{\"k\":1},\"c\":[{\"k\":1},{\"k\":1}]}"},
    {"a: &x 1\nb: &x 2\nc: *x\n", "{\"a\":1,\"b\":2,\"c\":2}"},
    {"a: &k key\n*k : 1\n", "{\"a\":\"key\",\"key\":1}"},
    {"d: &d {p: 1, q: 2}\nm:\n  <<: *d\n  p: 3\n", "{\"d\":{\"p\":1,\"q\":2},\"m\":{\"q\":2,\"p\":3}}"},
    {"d: &d {p: 1}\nm: {p: 3, <<: *d}\n", "{\"d\":{\"p\":1},\"m\":{\"p\":3}}"},
    {"d: &d {p: 1, q: 1}\ne: &e {p: 2, r: 2}\nm: {<<: [*d, *e], s: 3}\n",
     "{\"d\":{\"p\":1,\"q\":1},\"e\":{\"p\":2,\"r\":2},\"m\":{\"p\":1,\"q\":1,\"r\":2,\"s\":3}}"},
    {"d: &d {p: 1}\ne: &e {<<: *d, q: 2}\nm: {<<: *e}\n",
     "{\"d\":{\"p\":1},\"e\":{\"p\":1,\"q\":2},\"m\":{\"p\":1,\"q\":2}}"},
    {"m: {\"<<\": {p: 1}}\n", "{\"m\":{\"<<\":{\"p\":1}}}"},
    {"m: {<<: {p: 1}, q: 2}\n", "{\"m\":{\"p\":1,\"q\":2}}"},
    /* what stays when something is wrong */
    {"a: 1\nb: x: y\nc: 3\n", "{\"a\":1,\"c\":3}"},
    {"a: 1\na: 2\n", "{\"a\":1}"},
    {"a: [1, 2\nb: 3\n", "{\"b\":3}"},
    {"r:\n  - n: 1\n     w: 2\n    z: 3\n  - n: 2\n", "{\"r\":[{\"z\":3},{\"n\":2}]}"},
    {"r:\n  a: {x: 1}\n  b: {x: @}\n  c: {x: 3}\ns: 1\n", "{\"r\":{\"a\":{\"x\":1},\"c\":{\"x\":3}},\"s\":1}"},
    {"hub\n  listen: 1\nb: 2\n", "{\"b\":2}"},
    {"a:\n  b:\n    c: [1]\n\td: 2\n    e: 3\n  f: 4\n", "{\"a\":{\"b\":{\"c\":[1],\"e\":3},\"f\":4}}"},
    {"a: {{x}}\nb: 1\n", "{\"a\":{},\"b\":1}"},
    {"a: 1\n---\nb: 2\n", "{\"a\":1}"},
    {"a: \"open\nb: 2\n", "{\"b\":2}"},
    {"d: &d {x: @}\nm: *d\nn: 1\n", "{\"m\":null,\"n\":1}"},
    {"t: \"Hello\nb: \"x\"\nc: 3\n", "{\"b\":\"x\",\"c\":3}"},
    {"d: &d {p: 1, q: {{x}}}\nm: {<<: *d}\n", "{\"d\":{\"p\":1,\"q\":{}},\"m\":{\"p\":1,\"q\":{}}}"},
    {"m: {<<: [{p: 1}, 2, {q: 3}]}\n", "{\"m\":{\"p\":1,\"q\":3}}"},
    {"@\n", "none"},
};

static void test_trees(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++) {
        struct fixture f = load(str_of(trees[i].text));
        json_t *value = yaml_to_json(f.root);
        char *text = f.root ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : strdup("none");
        if (strcmp(text, trees[i].json) != 0) {
            print_error("text:\n%s\nexpected: %s\nfound:    %s\n", trees[i].text, trees[i].json, text);
            wrong++;
        }
        free(text);
        json_decref(value);
        drop(&f);
    }
    assert_int_equal(wrong, 0);
}

/* --- scalars ---------------------------------------------------------------------------------------------------- */

static void test_classify(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum yaml_scalar kind;
    } rows[] = {
        {"", YAML_NULL},        {"~", YAML_NULL},       {"null", YAML_NULL},    {"NULL", YAML_NULL},
        {"nULL", YAML_STRING},  {"true", YAML_BOOL},    {"False", YAML_BOOL},   {"TRUE", YAML_BOOL},
        {"tRue", YAML_STRING},  {"yes", YAML_STRING},   {"no", YAML_STRING},    {"on", YAML_STRING},
        {"0", YAML_INT},        {"-0", YAML_INT},       {"12", YAML_INT},       {"-12", YAML_INT},
        {"+12", YAML_INT},      {"0644", YAML_STRING},  {"00", YAML_STRING},    {"0x1F", YAML_STRING},
        {"0o7", YAML_STRING},   {"1_000", YAML_STRING}, {"22:22", YAML_STRING}, {"1.5", YAML_FLOAT},
        {"-1.5e3", YAML_FLOAT}, {"1e3", YAML_FLOAT},    {".5", YAML_FLOAT},     {"5.", YAML_FLOAT},
        {".inf", YAML_FLOAT},   {"-.INF", YAML_FLOAT},  {".nan", YAML_FLOAT},   {".", YAML_STRING},
        {"-", YAML_STRING},     {"+", YAML_STRING},     {"1e", YAML_STRING},    {"1.2.3", YAML_STRING},
        {"e3", YAML_STRING},    {"30s", YAML_STRING},   {"-3d", YAML_STRING},   {"1 2", YAML_STRING},
        {"inf", YAML_STRING},   {"nan", YAML_STRING},   {"01.5", YAML_STRING},  {"0.5", YAML_FLOAT},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum yaml_scalar kind = yaml_classify(str_of(rows[i].text));
        if (kind != rows[i].kind)
            fail_msg("`%s` is %d, not %d", rows[i].text, kind, rows[i].kind);
    }
}

static void test_quoted_is_text(void **state)
{
    (void)state;
    struct fixture f = load(STR("a: \"5\"\nb: 'true'\nc: |-\n  5\nd: !!str 5\ne: 5\n"));
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(f.root->pairs[i].value->scalar, YAML_STRING);
        assert_false(f.root->pairs[i].value->plain);
    }
    assert_int_equal(yaml_get(f.root, "e")->scalar, YAML_INT);
    assert_true(yaml_get(f.root, "e")->plain);
    drop(&f);
}

static void test_trap_words(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int found;
        int64_t value;
    } numbers[] = {
        {"0644", 1, 420},
        {"0x1F", 1, 31},
        {"0o17", 1, 15},
        {"0b101", 1, 5},
        {"1_000", 1, 1000},
        {"1:30", 1, 90},
        {"1:00:00", 1, 3600},
        {"-0644", 1, -420},
        {"089", 1, 89},
        {"12", 0, 0},
        {"0", 0, 0},
        {"x", 0, 0},
        {"", 0, 0},
        {"1:75", 0, 0},
        {"1:", 0, 0},
        {":1", 0, 0},
        {"0x", 0, 0},
        {"0xG", 0, 0},
        {"127.0.0.1:80", 0, 0},
        {"99999999999999999999_0", 0, 0},
        {"_1", 0, 0},
        {"1:2:3:4", 1, 223384},
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        int64_t value = 0;
        int found = yaml_number_word(str_of(numbers[i].text), &value);
        if (found != numbers[i].found || value != numbers[i].value)
            fail_msg("`%s`: %d, %ld", numbers[i].text, found, (long)value);
    }
    int value = -1;
    assert_true(yaml_boolean_word(STR("YES"), &value) && value == 1);
    assert_true(yaml_boolean_word(STR("off"), &value) && value == 0);
    assert_true(yaml_boolean_word(STR("n"), &value) && value == 0);
    assert_false(yaml_boolean_word(STR("nope"), &value));
    assert_false(yaml_boolean_word(STR(""), &value));
}

/* --- places ----------------------------------------------------------------------------------------------------- */

static void test_spans(void **state)
{
    (void)state;
    struct fixture f = load(STR("a: &x !!str \"hi\"\n\xC3\xA4\xE5\x90\x8D: {k: v}\nc:\n  - d: 1\n    e: 2\nf:\n"));
    const struct yaml_node *a = yaml_get(f.root, "a");
    struct belfry_str text = diag_file_text(f.diags, 0);
    assert_memory_equal(text.ptr + a->span.begin, "\"hi\"", 4);
    assert_int_equal(a->span.end - a->span.begin, 4);
    assert_int_equal(a->span.col, 13);
    const struct yaml_node *map = f.root->pairs[1].value;
    assert_int_equal(map->span.line, 2);
    assert_int_equal(map->span.col, 5);
    assert_memory_equal(text.ptr + map->span.begin, "{k: v}", map->span.end - map->span.begin);
    assert_int_equal(f.root->pairs[1].key->span.col, 1);
    const struct yaml_node *item = yaml_get(f.root, "c")->items[0];
    assert_int_equal(item->span.line, 4);
    assert_int_equal(item->span.col, 5);
    assert_int_equal(item->span.end - item->span.begin, 4); /* first line only */
    const struct yaml_node *nothing = yaml_get(f.root, "f");
    assert_int_equal(nothing->span.line, 6);
    assert_int_equal(nothing->span.begin, nothing->span.end);
    drop(&f);
}

static void test_paths(void **state)
{
    (void)state;
    struct fixture f = load(STR("x: &x {p/q: {r~s: 1}}\nb:\n  - 1\n  - c: *x\n"));
    const struct yaml_node *c = yaml_get(yaml_get(f.root, "b")->items[1], "c");
    const struct yaml_node *inner = c->pairs[0].value->pairs[0].value;
    assert_string_equal(yaml_path(f.arena, inner), "/b/1/c/p~1q/r~0s");
    assert_string_equal(yaml_path(f.arena, f.root), "");
    assert_string_equal(yaml_path(f.arena, yaml_get(f.root, "b")->items[0]), "/b/0");
    /* The place of a copy is where its text stands. */
    assert_int_equal(inner->span.line, 1);
    assert_ptr_equal(inner->parent->parent, c);
    assert_ptr_equal(inner->key->parent, inner->parent);
    drop(&f);
}

static void test_describe(void **state)
{
    (void)state;
    struct fixture f = load(STR("- {}\n- []\n- 5\n- 1.5\n- true\n- ~\n- text\n- ''\n- \"a\\eb\"\n"
                                "- 0123456789012345678901234567890123456789012\n"));
    static const char *const expected[] = {
        "a map",
        "a list",
        "the number 5",
        "the number 1.5",
        "the boolean true",
        "nothing",
        "the string `text`",
        "an empty string",
        "the string `a\\x1Bb`",
        "the string `0123456789012345678901234567890123456789...`",
    };
    assert_int_equal(f.root->count, sizeof(expected) / sizeof(expected[0]));
    for (size_t i = 0; i < f.root->count; i++)
        assert_string_equal(yaml_describe(f.arena, f.root->items[i]), expected[i]);
    assert_string_equal(yaml_describe(f.arena, NULL), "nothing");
    drop(&f);
}

/* Nothing is missed in a part that could not be read: the owner of the schema must know. */
static void test_partial(void **state)
{
    (void)state;
    struct fixture f = load(STR("good: {a: 1}\nbad:\n  deep: {x: 1}\n  worse: {y: @}\nalso: 1\n"));
    assert_true(f.root->partial);
    assert_false(yaml_get(f.root, "good")->partial);
    assert_true(yaml_get(f.root, "bad")->partial);
    assert_false(yaml_get(yaml_get(f.root, "bad"), "deep")->partial);
    drop(&f);
    f = load(STR("good: {a: 1}\n"));
    assert_false(f.root->partial);
    drop(&f);
    f = load(STR("d: &d {a: @}\nm: *d\n"));
    assert_true(yaml_get(f.root, "m")->unresolved);
    drop(&f);
}

/* --- limits ----------------------------------------------------------------------------------------------------- */

static void repeat(struct buf *b, const char *text, size_t times)
{
    for (size_t i = 0; i < times; i++)
        buf_addz(b, text);
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Loads, expects one first code, and renders; returns the milliseconds of processor time. */
static double load_limit(struct buf *text, const char *code)
{
    double begin = now_ms();
    struct fixture f = load(buf_str(text));
    struct buf out = {0};
    diag_render_text(f.diags, &out, 0);
    double end = now_ms();
    buf_free(&out);
    const char *first = diag_total(f.diags) ? diag_get(f.diags, 0)->code : "none";
    if (strcmp(first, code) != 0)
        fail_msg("%s, not %s: %.20s...", first, code, text->ptr);
    drop(&f);
    buf_free(text);
    return end - begin;
}

/* Far above what it takes (1-3 ms), far below what the quadratic way takes (seconds). */
#define SOON_MS 100.0

static void test_depth(void **state)
{
    (void)state;
    static const char *const openers[] = {"[", "{a: ", "- ", "[{a: ", "- - ? "};
    for (size_t i = 0; i < sizeof(openers) / sizeof(openers[0]); i++) {
        struct buf text = {0};
        repeat(&text, openers[i], 50000);
        assert_true(load_limit(&text, i < 4 ? "H006" : "H106") < SOON_MS);
    }
    struct buf text = {0};
    repeat(&text, "[", 64);
    repeat(&text, "]", 64);
    load_limit(&text, "none");
    repeat(&text, "[", 65);
    repeat(&text, "]", 65);
    load_limit(&text, "H006");
}

static void test_alias_bomb(void **state)
{
    (void)state;
    struct buf text = {0};
    buf_addz(&text, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i < 12; i++)
        buf_addf(&text, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i - 1, i - 1, i - 1, i - 1,
                 i - 1, i - 1, i - 1, i - 1, i - 1);
    assert_true(load_limit(&text, "H105") < SOON_MS * 10);
    /* Deep by aliases. */
    buf_addz(&text, "a0: &a0 [x]\n");
    for (int i = 1; i < 80; i++)
        buf_addf(&text, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    load_limit(&text, "H105");
    /* Through merge keys. */
    buf_addz(&text, "a0: &a0 {k: 1}\n");
    for (int i = 1; i < 40; i++)
        buf_addf(&text, "a%d: &a%d {<<: *a%d, l%d: *a%d}\n", i, i, i - 1, i, i - 1);
    assert_true(load_limit(&text, "H105") < SOON_MS * 10);
}

static void test_sizes(void **state)
{
    (void)state;
    struct buf text = {0};
    repeat(&text, "0123456789abcde\n", 65536);
    buf_addc(&text, '#');
    load_limit(&text, "H005");
    repeat(&text, "- a\n", 99999);
    load_limit(&text, "none");
    repeat(&text, "- a\n", 100000);
    load_limit(&text, "H007");
}

/* A megabyte of what is slow in one way or another. */
static void test_hostile(void **state)
{
    (void)state;
    static const struct {
        const char *piece;
        const char *code;
    } rows[] = {
        {"a: b: c\n", "H002"},  {"\ta\n", "H001"},   {"\xFF\n", "H004"}, {"a: \"x\n", "H002"}, {"*a\n", "H102"},
        {"a: [\n", "H006"},     {"- *a\n", "H102"},  {"&a b\n", "none"}, {"[a],", "H002"},     {"\xC2\xA0", "H003"},
        {"a: @\n", "H002"},     {"? a\n", "H101"},   {"a: 1\n", "H101"}, {"--- \n", "H104"},   {"%\n", "H002"},
        {"- !x y\n", "H107"},   {"a: *b\n", "H102"}, {"'", "none"},      {"- {\n", "H002"},    {"x", "none"},
        {"{{a}}: b\n", "H106"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf text = {0};
        repeat(&text, rows[i].piece, 1024 * 1024 / strlen(rows[i].piece));
        double ms = load_limit(&text, rows[i].code);
        if (ms > 3000)
            fail_msg("1 MiB of `%s` took %.0f ms", rows[i].piece, ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trees),      cmocka_unit_test(test_classify), cmocka_unit_test(test_quoted_is_text),
        cmocka_unit_test(test_trap_words), cmocka_unit_test(test_spans),    cmocka_unit_test(test_paths),
        cmocka_unit_test(test_describe),   cmocka_unit_test(test_partial),  cmocka_unit_test(test_depth),
        cmocka_unit_test(test_alias_bomb), cmocka_unit_test(test_sizes),    cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests_name("yaml tree", tests, NULL, NULL);
}
