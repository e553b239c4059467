/* SPDX-License-Identifier: Apache-2.0 */
/* What a condition says of itself: the steps of a trace, the paths it reads, the values it requires, what it covers. */
#include "base/json.h"
#include "match/match.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct belfry_condition *compile(struct arena *arena, const char *text)
{
    struct diag_set *diags = diag_set_new();
    const struct yaml_node *root = yaml_load(arena, diags, diag_add_file(diags, "when.yaml", str_of(text)));
    const struct belfry_condition *cond = match_compile(arena, diags, root, NULL, MATCH_SEVERITY);

    if (cond == NULL) {
        struct buf out = {0};
        diag_render_text(diags, &out, 0);
        fail_msg("%s", out.ptr);
    }
    diag_set_free(diags);
    return cond;
}

static void add_step(void *arg, const struct match_step *step)
{
    struct buf *out = arg;

    buf_addf(out, "%u %*s%c", step->span.line, (int)step->depth * 2, "", step->result ? '+' : '-');
    if (step->path != NULL)
        buf_addf(out, " %s", step->path);
    buf_addf(out, " %s", step->test);
    if (step->actual != NULL)
        buf_addf(out, " | %s", step->actual);
    if (step->note != NULL)
        buf_addf(out, " (%s)", step->note);
    buf_addc(out, '\n');
}

static const struct {
    const char *condition, *document, *expected;
} trace_rows[] = {
    {"{}", "{}", ""},
    {"type: {prefix: check_run.}\ndata.conclusion: [failure, timed_out]\ndata.repo: {glob: \"acme/*\"}\ndata.env: prod\n"
     "data.duration_s: {gt: 1800}\n",
     "{\"type\":\"check_run.completed\",\"data\":{\"conclusion\":\"failure\",\"repo\":\"acme/api\",\"duration_s\":"
     "\"2400\"}}",
     "1 + type prefix \"check_run.\" | \"check_run.completed\"\n"
     "2 + data.conclusion any of [failure, timed_out] | \"failure\"\n"
     "3 + data.repo glob \"acme/*\" | \"acme/api\"\n"
     "4 - data.env = \"prod\" | missing\n"
     "5 - data.duration_s gt 1800 | \"2400\" (type mismatch: event has a string)\n"},
    {"- a: 1\n- b: {not: {prefix: x}, ne: null}\n  c: {exists: false}\n- any:\n    - not: {c: {between: [1, 2]}}\n"
     "    - all: [{d: {not_in: [1, x]}}, {e: true}]\n",
     "{\"a\":2,\"b\":[\"x\",7,{}],\"c\":1.5,\"e\":null}",
     "1 - any\n"
     "1   - a = 1 | 2\n"
     "2   - all\n"
     "2     - b not (prefix \"x\") and ne null | [\"x\", 7, a map]\n"
     "3     - c does not exist | 1.5\n"
     "5   - not\n"
     "5     + c between 1 and 2 | 1.5\n"
     "6   - all\n"
     "6     + d none of [1, x] | missing\n"
     "6     - e = true | null\n"},
    {"a: {regex: \"^(a+)+$\"}\nb: {regex: \"^x\\\\d\", ignore_case: true}\n",
     "{\"a\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\",\"b\":\"X1\"}",
     "1 - a regex \"^(a+)+$\" | \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\" (gave up: the pattern takes too many "
     "steps on this text)\n"
     "2 + b regex \"^x\\\\d\" ignoring case | \"X1\"\n"},
    {"severity: {gte: warning}\n", "{\"severity\":\"info\"}", "1 - severity gte \"warning\" | \"info\"\n"},
    {"a: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n", "{\"a\":[1,2,3,4,5,6,7,8,9,10]}",
     "1 + a any of [1, 2, 3, 4, 5, 6, 7, 8, 2 more] | [1, 2, 3, 4, 5, 6, 7, 8, 2 more]\n"},
    {"a: [{prefix: x}, y, {gt: 5, lt: 7}]\n", "{\"a\":true}",
     "1 - a prefix \"x\" or = \"y\" or gt 5 and lt 7 | true (type mismatch: event has a boolean)\n"},
};

static void test_trace(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(trace_rows); i++) {
        struct arena *arena = arena_new(0);
        const struct belfry_condition *cond = compile(arena, trace_rows[i].condition);
        json_t *root = json_read(str_of(trace_rows[i].document), NULL);
        struct belfry_view view = json_view(root);
        struct buf out = {0};

        buf_addz(&out, "");
        match_eval(cond, &view, add_step, &out);
        assert_string_equal(out.len > 0 ? out.ptr : "", trace_rows[i].expected);
        buf_free(&out);
        json_decref(root);
        arena_free(arena);
    }
}

/* A text of the event is cut between characters. */
static void test_long_values(void **state)
{
    struct arena *arena = arena_new(0);
    const struct belfry_condition *cond = compile(arena, "a: x\n");
    struct buf text = {0}, out = {0};
    json_t *root;
    struct belfry_view view;

    (void)state;
    buf_addz(&text, "{\"a\":\"x");
    for (int i = 0; i < 1000; i++)
        buf_addz(&text, "\xc3\xa9");
    buf_addz(&text, "\"}");
    root = json_read(buf_str(&text), NULL);
    view = json_view(root);
    match_eval(cond, &view, add_step, &out);
    assert_true(str_utf8_valid(buf_str(&out)));
    assert_true(str_has_suffix(buf_str(&out), STR("\xc3\xa9\"... (2001 bytes)\n")));
    assert_true(out.len < 200);
    json_decref(root);
    buf_free(&text);
    buf_free(&out);
    arena_free(arena);
}

static void assert_texts(const struct belfry_str *texts, size_t count, const char *expected)
{
    struct buf out = {0};

    buf_addz(&out, texts != NULL || count > 0 ? "" : "anything");
    for (size_t i = 0; i < count; i++)
        buf_addf(&out, "%s%.*s", i > 0 ? " " : "", STR_ARG(texts[i]));
    assert_string_equal(out.len > 0 ? out.ptr : "", expected);
    buf_free(&out);
}

static void test_paths(void **state)
{
    struct arena *arena = arena_new(0);
    const struct belfry_condition *cond =
        compile(arena, "a: 1\nany: [{data.b: 1}, {a: 2}]\nnot: {/data/c~1d: 1}\ne.0: {not: x}\n");
    const struct belfry_str *names;
    size_t count;

    (void)state;
    names = match_paths(cond, &count);
    assert_texts(names, count, "a data.b /data/c~1d e.0");
    assert_int_equal(match_reads(cond, "data"), 1);
    assert_int_equal(match_reads(cond, "e"), 1);
    assert_int_equal(match_reads(cond, "dat"), 0);
    match_paths(compile(arena, "{}"), &count);
    assert_int_equal(count, 0);
    assert_int_equal(match_reads(compile(arena, "{}"), "data"), 0);
    arena_free(arena);
}

static const struct {
    const char *condition, *expected; /* of type */
} required_rows[] = {
    {"{}", "anything"},
    {"type: x", "x"},
    {"type: [x, y, x]", "x y"},
    {"type: {in: [y, x], prefix: x}", "x y"},
    {"type: [x, {prefix: y}]", "anything"},
    {"type: [x, {eq: z}]", "x z"},
    {"type: {ne: x}", "anything"},
    {"type: {not: x}", "anything"},
    {"type: {eq: x, ignore_case: true}", "anything"},
    {"type: [x, 5]", "anything"},
    {"{type: [x, y], a: 1, any: [{b: 1}, {type: z}]}", "x y"},
    {"[{type: x}, {type: y, a: 1}]", "x y"},
    {"[{type: x}, {a: 1}]", "anything"},
    {"[{type: x}, {}]", "anything"},
    {"not: {type: x}", "anything"},
    {"all: [{type: [x, y, z]}, {type: [x, y]}]", "x y"},
    {"a: 1", "anything"},
};

static void test_required(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(required_rows); i++) {
        struct arena *arena = arena_new(0);
        size_t count;
        const struct belfry_str *texts = match_required(compile(arena, required_rows[i].condition), "type", &count);
        assert_texts(texts, count, required_rows[i].expected);
        arena_free(arena);
    }
}

static const struct {
    const char *a, *b;
    int expected;
} cover_rows[] = {
    {"{}", "a: 1", 1},
    {"{}", "{}", 1},
    {"a: 1", "{}", 0},
    {"a: 1", "a: 1", 1},
    {"a: 1", "{a: 1, b: 2}", 1},
    {"{a: 1, b: 2}", "a: 1", 0},
    {"{b: 2, a: 1}", "{a: 1, b: 2}", 1},
    {"a: [x, y]", "a: x", 1},
    {"a: x", "a: [x, y]", 0},
    {"a: [x, y, z]", "a: [z, x]", 1},
    {"a: {prefix: x}", "a: xy", 1},
    {"a: {prefix: x}", "a: [xy, yx]", 0},
    {"a: {prefix: x}", "a: {prefix: xy}", 1},
    {"a: {prefix: xy}", "a: {prefix: x}", 0},
    {"a: {contains: y}", "a: {prefix: xy}", 1},
    {"a: {contains: y}", "a: {suffix: yz}", 1},
    {"a: {suffix: z}", "a: {suffix: yz}", 1},
    {"a: {prefix: x}", "a: {prefix: x, ignore_case: true}", 0},
    {"a: {prefix: x, ignore_case: true}", "a: X", 1},
    {"a: {glob: \"x*\"}", "a: {glob: \"x*\"}", 1},
    {"a: {glob: \"x*\"}", "a: xyz", 1},
    {"a: {regex: \"x+\"}", "a: {regex: \"x+\"}", 1},
    {"a: {regex: \"x+\"}", "a: {regex: \"x*\"}", 0},
    {"a: {gt: 5}", "a: {gt: 6}", 1},
    {"a: {gt: 5}", "a: {gte: 5}", 0},
    {"a: {gte: 5}", "a: {gt: 5}", 1},
    {"a: {gt: 5}", "a: 6.5", 1},
    {"a: {gt: 5}", "a: {between: [6, 7]}", 1},
    {"a: {between: [5, 10]}", "a: {between: [6, 7]}", 1},
    {"a: {between: [5, 10]}", "a: {gt: 6}", 0},
    {"a: {gt: 5}", "a: {gt: 2026-01-31}", 0},
    {"severity: {gte: warning}", "severity: {gte: error}", 1},
    {"severity: {gte: warning}", "severity: {gte: success}", 0},
    {"a: {exists: true}", "a: x", 1},
    {"a: {exists: true}", "a: {not: x}", 0},
    {"a: {exists: false}", "a: {exists: false}", 1},
    {"a: {ne: x}", "a: {not_in: [x, y]}", 1},
    {"a: {not_in: [x, y]}", "a: {ne: x}", 0},
    {"a: {ne: x}", "a: y", 0}, /* a list may hold both */
    {"a: {not: {prefix: x}}", "a: {not: {prefix: x}}", 1},
    {"a: {not: {prefix: xy}}", "a: {not: {prefix: x}}", 1},
    {"a: {not: {prefix: x}}", "a: {not: {prefix: xy}}", 0},
    {"[{a: 1}, {b: 1}]", "a: 1", 1},
    {"a: 1", "[{a: 1}, {b: 1}]", 0},
    {"[{a: 1}, {b: 1}]", "[{b: 1}, {a: 1}]", 1},
    {"[{a: 1}, {b: 1}]", "[{b: 1, c: 1}, {a: 1}]", 1},
    {"{any: [{a: 1}, {b: 1}], c: 1}", "{c: 1, d: 1, b: 1}", 1},
    {"not: {a: 1, b: 1}", "not: {a: 1}", 1},
    {"not: {a: 1}", "not: {a: 1, b: 1}", 0},
    {"a.b: 1", "/a/b: 1", 1},
    {"a: 1", "b: 1", 0},
    {"a: [{prefix: x, suffix: y}]", "a: {prefix: x}", 0},
    {"a: {prefix: x}", "a: [{prefix: x, suffix: y}, {prefix: xx}]", 1},
};

static void test_covers(void **state)
{
    size_t bad = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(cover_rows); i++) {
        struct arena *arena = arena_new(0);
        int covers = match_covers(compile(arena, cover_rows[i].a), compile(arena, cover_rows[i].b));
        if (covers != cover_rows[i].expected) {
            print_error("%s covers %s: %d\n", cover_rows[i].a, cover_rows[i].b, covers);
            bad++;
        }
        arena_free(arena);
    }
    assert_int_equal(bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trace),    cmocka_unit_test(test_long_values), cmocka_unit_test(test_paths),
        cmocka_unit_test(test_required), cmocka_unit_test(test_covers),
    };
    return cmocka_run_group_tests_name("match trace", tests, NULL, NULL);
}
