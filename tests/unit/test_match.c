/* SPDX-License-Identifier: Apache-2.0 */
/* What conditions mean: rows of condition, document and answer. Conditions are JSON, which is YAML too: both doors and
 * the traced evaluation must give the same answer. */
#include "base/json.h"
#include "match/match.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static json_t *parse(const char *text)
{
    struct error err = {0};
    json_t *root = json_read(str_of(text), &err);

    if (root == NULL)
        fail_msg("bad test data %s: %s", text, error_text(&err));
    return root;
}

static const struct belfry_condition *compile_yaml(struct arena *arena, const char *text, uint32_t flags)
{
    struct diag_set *diags = diag_set_new();
    const struct yaml_node *root = yaml_load(arena, diags, diag_add_file(diags, "when.yaml", str_of(text)));
    const struct belfry_condition *cond = root != NULL ? match_compile(arena, diags, root, NULL, flags) : NULL;

    if (cond == NULL) {
        struct buf out = {0};
        diag_render_text(diags, &out, 0);
        fail_msg("%s", out.ptr);
    }
    diag_set_free(diags);
    return cond;
}

static const struct belfry_condition *compile_json(struct arena *arena, const char *text, uint32_t flags)
{
    json_t *block = parse(text);
    struct error err = {0};
    const struct belfry_condition *cond = match_compile_json(arena, block, NULL, flags, &err);

    if (cond == NULL)
        fail_msg("%s: %s %s", text, err.items[0].pointer, error_text(&err));
    json_decref(block);
    return cond;
}

static void ignore_step(void *arg, const struct match_step *step)
{
    (void)step;
    ++*(int *)arg;
}

static void check(const char *condition, const char *document, int expected, uint32_t flags)
{
    struct arena *arena = arena_new(0);
    const struct belfry_condition *from_yaml = compile_yaml(arena, condition, flags);
    const struct belfry_condition *from_json = compile_json(arena, condition, flags);
    json_t *root = parse(document);
    struct belfry_view view = json_view(root);
    int steps = 0, result = match_eval(from_yaml, &view, NULL, NULL);

    if (result != expected)
        fail_msg("%s on %s is %d", condition, document, result);
    assert_int_equal(match_eval(from_json, &view, NULL, NULL), expected);
    assert_int_equal(match_eval(from_yaml, &view, ignore_step, &steps), expected);
    json_decref(root);
    arena_free(arena);
}

struct row {
    const char *condition, *document;
    int expected;
};

static const struct row rows[] = {
    /* blocks */
    {"{}", "{}", 1},
    {"{\"a\": 1, \"b\": 2}", "{\"a\":1,\"b\":2}", 1},
    {"{\"a\": 1, \"b\": 2}", "{\"a\":1,\"b\":3}", 0},
    {"[{\"a\": 1}, {\"b\": 2}]", "{\"b\":2}", 1},
    {"[{\"a\": 1}, {\"b\": 2}]", "{\"a\":2,\"b\":1}", 0},
    {"{\"any\": [{\"a\": 1}, {\"a\": 2, \"b\": 1}], \"c\": 1}", "{\"a\":2,\"b\":1,\"c\":1}", 1},
    {"{\"any\": [{\"a\": 1}, {\"a\": 2, \"b\": 1}], \"c\": 1}", "{\"a\":2,\"b\":2,\"c\":1}", 0},
    {"{\"all\": [{\"a\": 1}, {\"any\": [{\"b\": 1}, {\"c\": 1}]}]}", "{\"a\":1,\"c\":1}", 1},
    {"{\"not\": {\"a\": 1, \"b\": 1}}", "{\"a\":1,\"b\":2}", 1},
    {"{\"not\": {\"a\": 1, \"b\": 1}}", "{\"a\":1,\"b\":1}", 0},
    {"{\"not\": [{\"a\": 1}, {\"b\": 1}]}", "{\"b\":1}", 0},
    {"{\"any\": [{}, {\"a\": 1}]}", "{}", 1},
    {"{\"all\": [{}, {\"a\": 1}]}", "{}", 0},
    {"{\"not\": {\"not\": {\"a\": 1}}}", "{\"a\":1}", 1},
    /* equality: no conversion */
    {"{\"a\": \"x\"}", "{\"a\":\"x\"}", 1},
    {"{\"a\": \"x\"}", "{\"a\":\"X\"}", 0},
    {"{\"a\": 30}", "{\"a\":\"30\"}", 0},
    {"{\"a\": \"30\"}", "{\"a\":30}", 0},
    {"{\"a\": 30}", "{\"a\":30.0}", 1},
    {"{\"a\": 1.5}", "{\"a\":1.5}", 1},
    {"{\"a\": true}", "{\"a\":true}", 1},
    {"{\"a\": true}", "{\"a\":1}", 0},
    {"{\"a\": true}", "{\"a\":\"true\"}", 0},
    {"{\"a\": null}", "{\"a\":null}", 1},
    {"{\"a\": null}", "{}", 0},
    {"{\"a\": null}", "{\"a\":false}", 0},
    {"{\"a\": \"\"}", "{\"a\":\"\"}", 1},
    {"{\"a\": 9007199254740993}", "{\"a\":9007199254740992}", 0},
    {"{\"a\": 9007199254740993}", "{\"a\":9007199254740992.0}", 0},
    {"{\"a\": [\"x\", 2, null, true]}", "{\"a\":2}", 1},
    {"{\"a\": [\"x\", 2, null, true]}", "{\"a\":null}", 1},
    {"{\"a\": [\"x\", 2, null, true]}", "{\"a\":\"y\"}", 0},
    {"{\"a\": {\"eq\": \"x\"}}", "{\"a\":\"x\"}", 1},
    {"{\"a\": {\"in\": [\"x\", \"y\"]}}", "{\"a\":\"y\"}", 1},
    {"{\"a\": {\"ne\": \"x\"}}", "{\"a\":\"x\"}", 0},
    {"{\"a\": {\"ne\": \"x\"}}", "{\"a\":5}", 1},
    {"{\"a\": {\"not_in\": [\"x\", \"y\"]}}", "{\"a\":\"y\"}", 0},
    {"{\"a\": {\"not_in\": [\"x\", \"y\"]}}", "{\"a\":\"z\"}", 1},
    /* missing is not null; negatives hold on what is missing */
    {"{\"a\": {\"ne\": \"x\"}}", "{}", 1},
    {"{\"a\": {\"not_in\": [\"x\"]}}", "{}", 1},
    {"{\"a\": {\"not\": \"x\"}}", "{}", 1},
    {"{\"a\": {\"not\": {\"gt\": 5}}}", "{}", 1},
    {"{\"a\": {\"gt\": -5}}", "{}", 0},
    {"{\"a\": {\"exists\": true}}", "{}", 0},
    {"{\"a\": {\"exists\": false}}", "{}", 1},
    {"{\"a\": {\"exists\": true}}", "{\"a\":null}", 1},
    {"{\"a\": {\"exists\": true}}", "{\"a\":[]}", 1},
    {"{\"a\": {\"exists\": true, \"ne\": \"x\"}}", "{}", 0},
    {"{\"a\": {\"not\": {\"exists\": true}}}", "{}", 1},
    /* texts */
    {"{\"a\": {\"prefix\": \"check_run.\"}}", "{\"a\":\"check_run.completed\"}", 1},
    {"{\"a\": {\"prefix\": \"check_run.\"}}", "{\"a\":\"check_run\"}", 0},
    {"{\"a\": {\"prefix\": \"\"}}", "{\"a\":\"\"}", 1},
    {"{\"a\": {\"prefix\": \"\"}}", "{\"a\":5}", 0},
    {"{\"a\": {\"suffix\": \".com\"}}", "{\"a\":\"x.com\"}", 1},
    {"{\"a\": {\"suffix\": \"x.com\"}}", "{\"a\":\".com\"}", 0},
    {"{\"a\": {\"contains\": \"b\"}}", "{\"a\":\"abc\"}", 1},
    {"{\"a\": {\"contains\": \"\"}}", "{\"a\":\"\"}", 1},
    {"{\"a\": {\"contains\": \"b\"}}", "{\"a\":\"\"}", 0},
    {"{\"a\": {\"prefix\": \"a\", \"suffix\": \"c\"}}", "{\"a\":\"abc\"}", 1},
    {"{\"a\": {\"prefix\": \"a\", \"suffix\": \"c\"}}", "{\"a\":\"abd\"}", 0},
    {"{\"a\": [{\"prefix\": \"a\"}, {\"suffix\": \"c\"}, \"x\", 5]}", "{\"a\":\"bc\"}", 1},
    {"{\"a\": [{\"prefix\": \"a\"}, {\"suffix\": \"c\"}, \"x\", 5]}", "{\"a\":\"x\"}", 1},
    {"{\"a\": [{\"prefix\": \"a\"}, {\"suffix\": \"c\"}, \"x\", 5]}", "{\"a\":5}", 1},
    {"{\"a\": [{\"prefix\": \"a\"}, {\"suffix\": \"c\"}, \"x\", 5]}", "{\"a\":\"b\"}", 0},
    /* ignoring case */
    {"{\"a\": {\"eq\": \"M\\u00dcller\", \"ignore_case\": true}}", "{\"a\":\"m\\u00fcLLER\"}", 1},
    {"{\"a\": {\"eq\": \"M\\u00dcller\", \"ignore_case\": false}}", "{\"a\":\"m\\u00fcLLER\"}", 0},
    {"{\"a\": {\"prefix\": \"\\u0394E\", \"ignore_case\": true}}", "{\"a\":\"\\u03b4elta\"}", 1},
    {"{\"a\": {\"contains\": \"ell\", \"ignore_case\": true}}", "{\"a\":\"HELLO\"}", 1},
    {"{\"a\": {\"glob\": \"h[a-f]l*\", \"ignore_case\": true}}", "{\"a\":\"HELLO\"}", 1},
    {"{\"a\": {\"regex\": \"^h.l+o$\", \"ignore_case\": true}}", "{\"a\":\"HELLO\"}", 1},
    {"{\"a\": {\"not\": \"HELLO\", \"ignore_case\": true}}", "{\"a\":\"hello\"}", 0},
    {"{\"a\": {\"not_in\": [\"X\", 5], \"ignore_case\": true}}", "{\"a\":\"x\"}", 0},
    /* globs are the whole value */
    {"{\"a\": {\"glob\": \"acme/*\"}}", "{\"a\":\"acme/api/x\"}", 1},
    {"{\"a\": {\"glob\": \"acme/*\"}}", "{\"a\":\"xacme/api\"}", 0},
    {"{\"a\": {\"glob\": \"*a*b*c\"}}", "{\"a\":\"xxabxaxbxc\"}", 1},
    {"{\"a\": {\"glob\": \"*a*b*c\"}}", "{\"a\":\"xxabxaxbx\"}", 0},
    {"{\"a\": {\"glob\": \"?\"}}", "{\"a\":\"\\u00e9\"}", 1},
    {"{\"a\": {\"glob\": \"?\"}}", "{\"a\":\"\"}", 0},
    {"{\"a\": {\"glob\": \"\"}}", "{\"a\":\"\"}", 1},
    {"{\"a\": {\"glob\": \"[!a-c]x\"}}", "{\"a\":\"dx\"}", 1},
    {"{\"a\": {\"glob\": \"[!a-c]x\"}}", "{\"a\":\"bx\"}", 0},
    {"{\"a\": {\"glob\": \"[]a]\"}}", "{\"a\":\"]\"}", 1},
    {"{\"a\": {\"glob\": \"[a-]\"}}", "{\"a\":\"-\"}", 1},
    {"{\"a\": {\"glob\": \"\\\\*\\\\[\"}}", "{\"a\":\"*[\"}", 1},
    {"{\"a\": {\"glob\": \"\\\\*\"}}", "{\"a\":\"x\"}", 0},
    /* a regex searches */
    {"{\"a\": {\"regex\": \"b+c?\"}}", "{\"a\":\"aabbd\"}", 1},
    {"{\"a\": {\"regex\": \"^b\"}}", "{\"a\":\"ab\"}", 0},
    {"{\"a\": {\"regex\": \"^.$\"}}", "{\"a\":\"\\u00e9\"}", 1},
    {"{\"a\": {\"regex\": \"x*\"}}", "{\"a\":\"\"}", 1},
    {"{\"a\": {\"regex\": \"x*\"}}", "{\"a\":7}", 0},
    {"{\"a\": {\"regex\": \"^(\\\\w+) \\\\1$\"}}", "{\"a\":\"ab ab\"}", 1},
    /* order */
    {"{\"a\": {\"gt\": 5}}", "{\"a\":\"30\"}", 0},
    {"{\"a\": {\"gt\": 5}}", "{\"a\":5}", 0},
    {"{\"a\": {\"gt\": 5}}", "{\"a\":5.0001}", 1},
    {"{\"a\": {\"gte\": 5}}", "{\"a\":5.0}", 1},
    {"{\"a\": {\"lt\": 5.5}}", "{\"a\":5}", 1},
    {"{\"a\": {\"lt\": 5}}", "{\"a\":5}", 0},
    {"{\"a\": {\"lte\": 5}}", "{\"a\":5}", 1},
    {"{\"a\": {\"gt\": 9007199254740992}}", "{\"a\":9007199254740993}", 1},
    {"{\"a\": {\"gt\": 9007199254740992.0}}", "{\"a\":9007199254740993}", 1},
    {"{\"a\": {\"lt\": 1e300}}", "{\"a\":9223372036854775807}", 1},
    {"{\"a\": {\"gt\": -1e300}}", "{\"a\":-9223372036854775807}", 1},
    {"{\"a\": {\"between\": [5, 10]}}", "{\"a\":5}", 1},
    {"{\"a\": {\"between\": [5, 10]}}", "{\"a\":10}", 1},
    {"{\"a\": {\"between\": [5, 10]}}", "{\"a\":10.5}", 0},
    {"{\"a\": {\"gt\": 5}}", "{\"a\":null}", 0},
    {"{\"a\": {\"gt\": 0}}", "{\"a\":true}", 0},
    /* instants and dates */
    {"{\"a\": {\"gt\": \"2026-01-31T08:00:00Z\"}}", "{\"a\":\"2026-01-31T10:00:01+02:00\"}", 1},
    {"{\"a\": {\"gt\": \"2026-01-31T08:00:00Z\"}}", "{\"a\":\"2026-01-31T10:00:00+02:00\"}", 0},
    {"{\"a\": {\"lte\": \"2026-01-31T08:00:00Z\"}}", "{\"a\":\"2026-01-31T10:00:00+02:00\"}", 1},
    {"{\"a\": {\"gt\": \"2026-01-31T08:00:00Z\"}}", "{\"a\":\"zzz\"}", 0},
    {"{\"a\": {\"between\": [\"2026-01-01\", \"2026-01-31\"]}}", "{\"a\":\"2026-01-31\"}", 1},
    {"{\"a\": {\"lte\": \"2026-01-31\"}}", "{\"a\":\"2026-01-31T23:00:00Z\"}", 1},
    {"{\"a\": {\"gt\": \"2026-01-31\"}}", "{\"a\":\"2026-02-01\"}", 1},
    {"{\"a\": {\"gt\": \"2026-01-31\"}}", "{\"a\":\"2026-1\"}", 0},
    /* lists: any item; for the negatives none; one item meets a whole map */
    {"{\"a\": \"x\"}", "{\"a\":[\"y\",\"x\"]}", 1},
    {"{\"a\": \"x\"}", "{\"a\":[]}", 0},
    {"{\"a\": {\"ne\": \"x\"}}", "{\"a\":[\"y\",\"x\"]}", 0},
    {"{\"a\": {\"ne\": \"x\"}}", "{\"a\":[\"y\"]}", 1},
    {"{\"a\": {\"ne\": \"x\"}}", "{\"a\":[]}", 1},
    {"{\"a\": {\"not_in\": [\"x\"]}}", "{\"a\":[\"x\"]}", 0},
    {"{\"a\": {\"not\": {\"prefix\": \"x\"}}}", "{\"a\":[\"y\",\"xx\"]}", 0},
    {"{\"a\": {\"not\": {\"prefix\": \"x\"}}}", "{\"a\":[\"y\",5]}", 1},
    {"{\"a\": {\"gte\": 5, \"lte\": 10}}", "{\"a\":[1,20]}", 0},
    {"{\"a\": {\"gte\": 5, \"lte\": 10}}", "{\"a\":[1,7,20]}", 1},
    {"{\"a\": {\"prefix\": \"a\", \"ne\": \"ab\"}}", "{\"a\":[\"ac\",\"ab\"]}", 0},
    {"{\"a\": null}", "{\"a\":[null]}", 1},
    {"{\"a\": \"x\"}", "{\"a\":[[\"x\"]]}", 0},
    {"{\"a\": \"x\"}", "{\"a\":{\"x\":1}}", 0},
    /* paths */
    {"{\"a.b.c\": 1}", "{\"a\":{\"b\":{\"c\":1}}}", 1},
    {"{\"a.b.c\": 1}", "{\"a\":{\"b\":5}}", 0},
    {"{\"a.b\": 1}", "{\"a.b\":1}", 0},
    {"{\"/a.b/c~1d/~0\": 1}", "{\"a.b\":{\"c/d\":{\"~\":1}}}", 1},
    {"{\"a.1.b\": 1}", "{\"a\":[{\"b\":2},{\"b\":1}]}", 1},
    {"{\"a.2.b\": 1}", "{\"a\":[{\"b\":2},{\"b\":1}]}", 0},
    {"{\"a.b\": 1}", "{\"a\":[{\"b\":1}]}", 0},
    {"{\"a.-1\": 1}", "{\"a\":[1]}", 0},
    {"{\"a\": 1}", "[1]", 0},
    {"{\"0\": 1}", "[1]", 1},
    {"{\"a\": 1}", "\"text\"", 0},
};

static const struct row severity_rows[] = {
    {"{\"severity\": {\"gte\": \"warning\"}}", "{\"severity\":\"error\"}", 1},
    {"{\"severity\": {\"gte\": \"warning\"}}", "{\"severity\":\"warning\"}", 1},
    {"{\"severity\": {\"gte\": \"warning\"}}", "{\"severity\":\"success\"}", 0},
    {"{\"severity\": {\"gt\": \"info\"}}", "{\"severity\":\"success\"}", 1},
    {"{\"severity\": {\"lt\": \"critical\"}}", "{\"severity\":\"error\"}", 1},
    {"{\"severity\": {\"between\": [\"success\", \"error\"]}}", "{\"severity\":\"critical\"}", 0},
    {"{\"severity\": {\"gte\": \"info\"}}", "{\"severity\":\"odd\"}", 0},
    {"{\"severity\": {\"gte\": \"info\"}}", "{}", 0},
    {"{\"severity\": [\"info\", \"error\"]}", "{\"severity\":\"error\"}", 1},
    {"{\"severity\": {\"ne\": \"info\"}}", "{\"severity\":\"error\"}", 1},
    {"{\"severity\": {\"suffix\": \"or\"}}", "{\"severity\":\"error\"}", 1},
    {"{\"data.severity\": \"odd\"}", "{\"data\":{\"severity\":\"odd\"}}", 1},
};

static void test_meaning(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        check(rows[i].condition, rows[i].document, rows[i].expected, 0);
    for (size_t i = 0; i < COUNT(severity_rows); i++)
        check(severity_rows[i].condition, severity_rows[i].document, severity_rows[i].expected, MATCH_SEVERITY);
}

/* In YAML without quotes: what is special and what is not. */
static const struct row plain_rows[] = {
    {"a: no", "{\"a\":\"no\"}", 1},
    {"a: no", "{\"a\":false}", 0},
    {"a: false", "{\"a\":false}", 1},
    {"a: 0644", "{\"a\":\"0644\"}", 1},
    {"a: 22:22", "{\"a\":\"22:22\"}", 1},
    {"a: ~", "{\"a\":null}", 1},
    {"a: \"~\"", "{\"a\":\"~\"}", 1},
    {"a: +5", "{\"a\":5}", 1},
    {"a: 1e3", "{\"a\":1000}", 1},
    {"a: {gt: 2026-01-31T08:00:00Z}", "{\"a\":\"2026-01-31T08:00:01Z\"}", 1},
    {"a.b: [x, 5]\nany:\n  - c: {exists: false}\n  - c: y\n", "{\"a\":{\"b\":5},\"c\":\"y\"}", 1},
};

static void test_plain(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(plain_rows); i++) {
        struct arena *arena = arena_new(0);
        const struct belfry_condition *cond = compile_yaml(arena, plain_rows[i].condition, 0);
        json_t *root = parse(plain_rows[i].document);
        struct belfry_view view = json_view(root);
        if (match_eval(cond, &view, NULL, NULL) != plain_rows[i].expected)
            fail_msg("%s on %s", plain_rows[i].condition, plain_rows[i].document);
        json_decref(root);
        arena_free(arena);
    }
}

static void test_null_block(void **state)
{
    struct arena *arena = arena_new(0);
    json_t *root = parse("{}");
    struct belfry_view view = json_view(root);
    int steps = 0;

    (void)state;
    assert_int_equal(match_eval(match_compile(arena, NULL, NULL, NULL, 0), &view, NULL, NULL), 1);
    assert_int_equal(match_eval(match_compile_json(arena, NULL, NULL, 0, NULL), &view, ignore_step, &steps), 1);
    assert_int_equal(steps, 0);
    json_decref(root);
    arena_free(arena);
}

/* Patterns that would run for ever end, hold nothing, and leave the rest of the condition alone. */
static const char *const slow_patterns[] = {
    "^(a+)+$", "(a|aa)+$",       "(.*)(.*)(.*)(.*)(.*)(.*)[xy]",       "(a+a+)+[xy]",  "^(?:(?:a?){50}){50}a{50}$",
    "a*+[bc]", "(?C1)a*a*+[bc]", "(*LIMIT_MATCH=4000000000)(a*)*[bc]", "(a(?R)?)[bc]", "(?<=a)(a*)\\1[bc]",
};

static const char *slow_note;

static void keep_note(void *arg, const struct match_step *step)
{
    (void)arg;
    slow_note = step->path != NULL && step->path[0] == 'a' ? step->note : slow_note;
}

static void check_slow(const char *pattern, const char *document)
{
    struct arena *arena = arena_new(0);
    json_t *root = parse(document), *block = json_pack("[{s:{s:s}}, {s:i}]", "a", "regex", pattern, "b", 2);
    struct belfry_view view = json_view(root);
    const struct belfry_condition *cond = match_compile_json(arena, block, NULL, 0, NULL);

    assert_non_null(cond);
    assert_int_equal(match_eval(cond, &view, NULL, NULL), 0);
    assert_int_equal(match_eval(cond, &view, keep_note, NULL), 0);
    if (slow_note == NULL)
        fail_msg("%s has no note", pattern);
    assert_non_null(strstr(slow_note, "gave up"));
    json_object_set_new(json_array_get(block, 1), "b", json_integer(1));
    assert_int_equal(match_eval(match_compile_json(arena, block, NULL, 0, NULL), &view, NULL, NULL), 1);
    json_decref(block);
    json_decref(root);
    arena_free(arena);
}

static void test_slow_patterns(void **state)
{
    struct buf text = {0};
    clock_t begin = clock();

    (void)state;
    buf_addz(&text, "{\"b\":1,\"a\":[");
    for (int i = 0; i < 50; i++) {
        buf_addz(&text, i > 0 ? ",\"" : "\"");
        for (int j = 0; j < 8000; j++)
            buf_addc(&text, 'a');
        buf_addz(&text, "!\"");
    }
    buf_addz(&text, "]}");
    for (size_t i = 0; i < COUNT(slow_patterns); i++)
        check_slow(slow_patterns[i], text.ptr);
    buf_free(&text);
    /* about 0.3 s; without the limits it would be hours */
    assert_true((clock() - begin) / CLOCKS_PER_SEC < 30);
}

static void test_long_text(void **state)
{
    struct buf text = {0};

    (void)state;
    for (size_t extra = 0; extra < 2; extra++) {
        buf_clear(&text);
        buf_addz(&text, "{\"a\":\"");
        for (size_t i = 0; i < 8191 + extra; i++)
            buf_addc(&text, 'a');
        buf_addz(&text, "b\"}");
        check("{\"a\": {\"regex\": \"a+b$\"}}", text.ptr, extra == 0, 0);
        check("{\"a\": {\"suffix\": \"ab\"}}", text.ptr, 1, 0);
        check("{\"a\": {\"glob\": \"a*b\"}}", text.ptr, 1, 0);
    }
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_meaning),       cmocka_unit_test(test_plain),     cmocka_unit_test(test_null_block),
        cmocka_unit_test(test_slow_patterns), cmocka_unit_test(test_long_text),
    };
    return cmocka_run_group_tests_name("match", tests, NULL, NULL);
}
