/* SPDX-License-Identifier: Apache-2.0 */
/* What a wrong condition is told: code, place, sentence, and what to write instead; the same over the API. */
#include "base/json.h"
#include "match/match.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const rule_paths[] = {"org",     "source", "type", "category", "severity",
                                         "subject", "actor",  "time", "data.*",   NULL};

struct row {
    const char *text;
    const char *expected; /* LINE:COL CODE MESSAGE [| label] [= help] [> replacement], one line each */
};

static const struct row rows[] = {
    /* paths */
    {"typ: x", "1:1 H409 unknown path `typ` | did you mean `type`? > type\n"},
    {"dta.amount: {gt: 5}", "1:1 H409 unknown path `dta.amount` | did you mean `data.amount`? > data.amount\n"},
    {"amount: {gt: 5}", "1:1 H409 unknown path `amount` = paths here: org, source, type, category, severity, subject, "
                        "actor, time, data.* (as in `data.amount`)\n"},
    {"prefix: x", "1:1 H409 unknown path `prefix` = `prefix` is an operator; it belongs inside of a path: `PATH: "
                  "{prefix: ...}`\n"},
    {"type.x: y", "1:1 H409 unknown path `type.x` | did you mean `type`? > type\n"},
    {"data..x: y", "1:1 H409 the path `data..x` has an empty part\n"},
    {"/data/~2: y", "1:1 H409 the path `/data/~2` has a `~` that is neither ~0 nor ~1\n"},
    {"\"\": y", "1:1 H409 the path `` has no name\n"},
    /* operators */
    {"data.a: {frobs: 5}", "1:10 H401 unknown operator `frobs` = operators: eq ne in not_in prefix suffix contains "
                           "glob regex gt gte lt lte between exists not, and ignore_case; a nested value is written "
                           "with dots: PATH.frobs\n"},
    {"data.a: {greater: 5}", "1:10 H401 unknown operator `greater` | did you mean `gt`? > gt\n"},
    {"data.a: {\">=\": 5}", "1:10 H401 unknown operator `>=` | did you mean `gte`? > gte\n"},
    {"data.a: {$in: [5]}", "1:10 H401 unknown operator `$in` | did you mean `in`? > in\n"},
    {"data.a: {prefx: x}", "1:10 H401 unknown operator `prefx` | did you mean `prefix`? > prefix\n"},
    {"data.a: {ignorecase: true, eq: x}",
     "1:10 H401 unknown operator `ignorecase` | did you mean `ignore_case`? > ignore_case\n"},
    {"data.a: {any: [x]}",
     "1:10 H401 unknown operator `any` = inside of a path alternatives are a list: [{...}, {...}]\n"},
    {"data.a: {gtt: 5, preefix: x}", "1:10 H401 unknown operator `gtt` | did you mean `gt`? > gt\n"
                                     "1:18 H401 unknown operator `preefix` | did you mean `prefix`? > prefix\n"},
    /* arguments */
    {"data.a: {gt: x}", "1:14 H406 `gt` wants a number, a time or a date, found the text `x` = a time is RFC 3339 with "
                        "zone (2026-01-31T08:00:00Z), a date is 2026-01-31\n"},
    {"data.a: {gt: \"5\"}", "1:14 H406 `gt` wants a number, a time or a date, found the text `5` = nothing is "
                            "converted: without quotes it is a number > 5\n"},
    {"data.a: {gt: 5m}", "1:14 H406 `gt` wants a number, a time or a date, found the text `5m` = a time is RFC 3339 "
                         "with zone (2026-01-31T08:00:00Z), a date is 2026-01-31\n"},
    {"data.a: {gt: 0644}", "1:14 H111 `0644` is an ambiguous number; write it in decimal = YAML 1.1 reads 420\n"},
    {"data.a: {gt: 1_000}", "1:14 H111 `1_000` is an ambiguous number; write it in decimal = YAML 1.1 reads 1000\n"},
    {"data.a: {gt: true}", "1:14 H406 `gt` wants a number, a time or a date, found true = a time is RFC 3339 with zone "
                           "(2026-01-31T08:00:00Z), a date is 2026-01-31\n"},
    {"data.a: {gt: .nan}", "1:14 H406 `gt` wants a number, a time or a date, found the number .nan = a time is RFC "
                           "3339 with zone (2026-01-31T08:00:00Z), a date is 2026-01-31\n"},
    {"data.a: .inf", "1:9 H406 the number .inf is no number that a value can equal\n"},
    {"data.a: {prefix: 404}",
     "1:18 H406 `prefix` wants text, found the number 404 = in quotes it is text: \"404\" > \"404\"\n"},
    {"data.a: {prefix: [a, b]}", "1:18 H406 `prefix` wants text, found a list = for one of several write a list of "
                                 "tests: [{prefix: ...}, {prefix: ...}]\n"},
    {"data.a: {in: x}", "1:14 H406 `in` wants a list, found the text `x` = write `in: [...]`, or `eq` for one value\n"},
    {"data.a: {not_in: x}",
     "1:18 H406 `not_in` wants a list, found the text `x` = write `not_in: [...]`, or `ne` for one value\n"},
    {"data.a: {eq: [x]}", "1:14 H406 `eq` compares with single values, found a list = for one of several values write "
                          "`in` or `not_in`\n"},
    {"data.a: [x, [y]]", "1:13 H406 alternatives are values or maps of operators, found a list\n"},
    {"data.a: {between: 5}",
     "1:19 H406 `between` wants a list of two, found the number 5 = between: [10, 20] includes both ends\n"},
    {"data.a: {between: [5, 2026-01-31]}", "1:19 H406 the ends of `between` are of different types\n"},
    {"data.a: {exists: yes}", "1:18 H110 write `true`, not `yes` > true\n"},
    {"data.a: {exists: Off}", "1:18 H110 write `false`, not `Off` > false\n"},
    {"data.a: {exists: \"yes\"}", "1:18 H406 `exists` wants true or false, found the text `yes`\n"},
    {"data.a: {exists: 1}", "1:18 H406 `exists` wants true or false, found the number 1\n"},
    {"data.a: {eq: x, ignore_case: no}", "1:30 H110 write `false`, not `no` > false\n"},
    {"data.a:\n", "1:8 H406 there is nothing to compare with = write null, \"\" for an empty text, or {exists: "
                  "false}\n"},
    {"severity: {gte: warn}",
     "1:17 H205 the text `warn` is no severity | did you mean `warning`? = severities, in order: "
     "info success warning error critical > warning\n"},
    {"severity: erorr",
     "1:11 H205 the text `erorr` is no severity | did you mean `error`? = severities, in order: info "
     "success warning error critical > error\n"},
    {"severity: [info, 5]",
     "1:18 H205 the number 5 is no severity = severities, in order: info success warning error critical\n"},
    /* patterns */
    {"data.a: {regex: \"(a\"}", "1:17 H405 bad regex: missing closing parenthesis (at byte 2)\n"},
    {"data.a: {regex: \"((a{1,100}){1,100}){1,100}\"}",
     "1:17 H405 bad regex: regular expression is too large (at byte 26)\n"},
    {"data.a: {regex: \"\\\\C\"}", "1:17 H405 bad regex: using \\C is disabled by the application (at byte 2)\n"},
    {"data.a: {glob: \"[a\"}", "1:16 H405 the glob has a `[` without `]`\n"},
    {"data.a: {glob: 'a\\'}", "1:16 H405 the glob ends in a single backslash\n"},
    {"data.a: {regex: abc}", "1:17 H407 this regex is plain text = write {contains: \"abc\"}\n"},
    {"data.a: {regex: ^abc}", "1:17 H407 this regex is plain text = write {prefix: \"abc\"}\n"},
    {"data.a: {regex: abc$}", "1:17 H407 this regex is plain text = write {suffix: \"abc\"}\n"},
    {"data.a: {regex: ^abc$}", "1:17 H407 this regex is plain text = write {eq: \"abc\"}\n"},
    {"data.a: {regex: ^a.c$}", ""},
    {"data.a: {regex: ^}", ""},
    /* contradictions */
    {"data.a: {gt: 5, lt: 3}", "1:9 H404 no value can meet `gt 5 and lt 3`\n"},
    {"data.a: {gt: 5, lte: 5}", "1:9 H404 no value can meet `gt 5 and lte 5`\n"},
    {"data.a: {gte: 5, lte: 5}", ""},
    {"data.a: {gt: 5, lt: 2026-01-31}", "1:9 H404 no value can meet `gt 5 and lt \"2026-01-31\"`\n"},
    {"data.a: {between: [5, 3]}",
     "1:19 H404 nothing is between the number 5 and the number 3 = the lower end comes first\n"},
    {"data.a: {between: [5, 10], gt: 10}", "1:9 H404 no value can meet `between 5 and 10 and gt 10`\n"},
    {"data.a: {eq: abc, prefix: b}", "1:9 H404 no value can meet `= \"abc\" and prefix \"b\"`\n"},
    {"data.a: {in: [abc, bcd], prefix: b}", ""},
    {"data.a: {eq: abc, not_in: [abc, x]}", "1:9 H404 no value can meet `= \"abc\" and none of [abc, x]`\n"},
    {"data.a: {eq: abc, not: {suffix: c}}", "1:9 H404 no value can meet `= \"abc\" and not (suffix \"c\")`\n"},
    {"data.a: {eq: 5, gt: 5}", "1:9 H404 no value can meet `= 5 and gt 5`\n"},
    {"data.a: {prefix: x, gt: 5}", "1:9 H404 no value can meet `prefix \"x\" and gt 5`\n"},
    {"data.a: {exists: false, prefix: x}", "1:9 H404 no value can meet `does not exist and prefix \"x\"`\n"},
    {"data.a: {exists: false, ne: x}", ""},
    {"severity: {gt: critical}", "1:11 H404 no value can meet `gt \"critical\"`\n"},
    {"severity: {lt: info}", "1:11 H404 no value can meet `lt \"info\"`\n"},
    {"severity: {gt: warning, lt: error}", "1:11 H404 no value can meet `gt \"warning\" and lt \"error\"`\n"},
    {"not: {}", "1:1 H404 `not` of a block that matches everything\n"},
    /* shapes */
    {"just text",
     "1:1 H210 expected conditions, found the text `just text` = a block is a map of PATH: test; {} matches "
     "everything\n"},
    {"[]", "1:1 H411 an empty list of blocks = {} matches everything\n"},
    {"any: []", "1:6 H411 an empty list of blocks = {} matches everything\n"},
    {"any: {type: x}", "1:6 H210 `any` wants a list of blocks, found a map = any: [{PATH: test}, {PATH: test}]\n"},
    {"any: [type]", "1:7 H210 expected conditions, found the text `type` = a block is a map of PATH: test; {} matches "
                    "everything\n"},
    {"not: x", "1:6 H210 expected conditions, found the text `x` = a block is a map of PATH: test; {} matches "
               "everything\n"},
    {"data.a: []", "1:9 H411 an empty list of alternatives matches nothing\n"},
    {"data.a: {in: []}", "1:14 H411 no value is in an empty list\n"},
    {"data.a: {}", "1:9 H411 a test without an operator = operators: eq ne in not_in prefix suffix contains glob regex "
                   "gt gte lt lte between exists not, and ignore_case\n"},
    {"data.a: {ignore_case: true}", "1:9 H411 a test without an operator = operators: eq ne in not_in prefix suffix "
                                    "contains glob regex gt gte lt lte between exists not, and ignore_case\n"},
    /* all faults of one block in one run */
    {"typ: x\nany:\n  - data.a: {gtt: 1}\n  - sorce: {exists: yes}\nnot: {severity: hot}\n",
     "1:1 H409 unknown path `typ` | did you mean `type`? > type\n"
     "3:14 H401 unknown operator `gtt` | did you mean `gt`? > gt\n"
     "4:5 H409 unknown path `sorce` | did you mean `source`? > source\n"
     "4:21 H110 write `true`, not `yes` > true\n"
     "5:17 H205 the text `hot` is no severity = severities, in order: info success warning error critical\n"},
};

static void describe(struct diag_set *diags, struct buf *out)
{
    buf_addz(out, "");
    for (size_t i = 0; i < diag_total(diags); i++) {
        const struct diag *d = diag_get(diags, i);
        buf_addf(out, "%u:%u %s %s", d->span.line, d->span.col, d->code, d->message);
        if (d->label != NULL)
            buf_addf(out, " | %s", d->label);
        if (d->help != NULL)
            buf_addf(out, " = %s", d->help);
        if (d->replacement != NULL)
            buf_addf(out, " > %s", d->replacement);
        buf_addc(out, '\n');
    }
}

static void test_yaml(void **state)
{
    size_t bad = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct arena *arena = arena_new(0);
        struct diag_set *diags = diag_set_new();
        const struct yaml_node *root = yaml_load(arena, diags, diag_add_file(diags, "when.yaml", str_of(rows[i].text)));
        const struct belfry_condition *cond = match_compile(arena, diags, root, rule_paths, MATCH_SEVERITY);
        struct buf out = {0};

        describe(diags, &out);
        if (strcmp(out.len > 0 ? out.ptr : "", rows[i].expected) != 0) {
            print_error("%s\nexpected: %s\ngot: %s\n", rows[i].text, rows[i].expected, out.ptr);
            bad++;
        }
        assert_int_equal(cond == NULL, diag_count(diags, DIAG_ERROR) > 0);
        for (size_t j = 0; j < diag_total(diags); j++)
            assert_non_null(diag_explain(diag_get(diags, j)->code));
        buf_free(&out);
        diag_set_free(diags);
        arena_free(arena);
    }
    assert_int_equal(bad, 0);
}

static const struct {
    const char *text, *expected; /* "POINTER MESSAGE", one line each */
} json_rows[] = {
    {"{\"typ\": \"x\"}", "/typ unknown path `typ`; did you mean `type`?\n"},
    {"{\"any\": [{\"data.a\": {\"gt\": \"5\"}}]}",
     "/any/0/data.a/gt `gt` wants a number, a time or a date, found the text `5`; nothing is converted: without quotes "
     "it is a number\n"},
    {"{\"data.a\": {\"prefx\": \"x\"}, \"/data/x~1y\": {\"exists\": \"yes\"}}",
     "/data.a/prefx unknown operator `prefx`; did you mean `prefix`?\n"
     "/~1data~1x~01y/exists `exists` wants true or false, found the text `yes`\n"},
    {"{\"data.a\": {\"regex\": \"abc\"}}", ""}, /* no warnings here */
    {"{\"data.a\": {\"in\": [\"x\", {\"y\": 1}]}}", "/data.a/in/1 `in` compares with single values, found a map\n"},
    {"5", " expected conditions, found the number 5; a block is a map of PATH: test; {} matches everything\n"},
    {"null", " expected conditions, found null; a block is a map of PATH: test; {} matches everything\n"},
};

static void test_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(json_rows); i++) {
        struct arena *arena = arena_new(0);
        json_t *block = json_read(str_of(json_rows[i].text), NULL);
        struct error err = {0};
        const struct belfry_condition *cond = match_compile_json(arena, block, rule_paths, MATCH_SEVERITY, &err);
        struct buf out = {0};

        buf_addz(&out, "");
        for (size_t j = 0; j < err.count; j++)
            buf_addf(&out, "%s %s\n", err.items[j].pointer, err.items[j].detail);
        assert_string_equal(out.len > 0 ? out.ptr : "", json_rows[i].expected);
        assert_int_equal(cond == NULL, err.count > 0);
        assert_int_equal(cond == NULL ? err.status : 0, cond == NULL ? BELFRY_EINVAL : 0);
        assert_true((match_compile_json(arena, block, rule_paths, MATCH_SEVERITY, NULL) == NULL) == (cond == NULL));
        error_clear(&err);
        buf_free(&out);
        json_decref(block);
        arena_free(arena);
    }
}

/* Limits are refused with one sentence, whatever their number. */
static void check_limit(const char *before, const char *item, size_t count, const char *after, const char *expected)
{
    struct arena *arena = arena_new(0);
    struct buf text = {0};
    struct error err = {0};
    json_t *block;

    buf_addz(&text, before);
    for (size_t i = 0; i < count; i++) {
        buf_addz(&text, i > 0 ? ", " : "");
        if (item[0] == '@')
            buf_addf(&text, "{\"data.p%zu\": 1}", i);
        else
            buf_addz(&text, item);
    }
    buf_addz(&text, after);
    block = json_read(buf_str(&text), &err);
    assert_non_null(block);
    if (expected == NULL) {
        assert_non_null(match_compile_json(arena, block, rule_paths, 0, &err));
    } else {
        assert_null(match_compile_json(arena, block, rule_paths, 0, &err));
        assert_string_equal(error_text(&err), expected);
    }
    error_clear(&err);
    json_decref(block);
    buf_free(&text);
    arena_free(arena);
}

static void test_limits(void **state)
{
    (void)state;
    check_limit("[", "{\"type\": \"x\"}", 4000, "]", NULL);
    check_limit("[", "{\"type\": \"x\"}", 50000, "]", "a condition has at most 4096 tests");
    check_limit("[", "[{\"type\": \"x\"}, {\"type\": \"y\"}]", 2000, "]", "a condition has at most 4096 tests");
    check_limit("{\"type\": [", "\"x\"", 50000, "]}", NULL);
    check_limit("{\"type\": [", "{\"regex\": \"a+\"}", 64, "]}", NULL);
    check_limit("{\"type\": [", "{\"regex\": \"a+\"}", 65, "]}", "a condition has at most 64 regexes");
    check_limit("[", "@", 256, "]", NULL);
    check_limit("[", "@", 257, "]", "the path `data.p256` has too many paths before it");
}

/* A condition in a file that a secret was put into never shows it; one that was not read is not judged. */
static void test_secrets(void **state)
{
    static const char text[] = "data.a: {gt: \"${env:MATCH_TEST_A}\"}\ndata.b: {regex: \"${env:MATCH_TEST_B}\"}\n"
                               "data.c: {eq: \"${env:MATCH_TEST_A}\", prefix: zz}\n";

    (void)state;
    setenv("MATCH_TEST_A", "hunter2", 1);
    setenv("MATCH_TEST_B", "(hunter2", 1);
    for (int required = 0; required < 2; required++) {
        struct arena *arena = arena_new(0);
        struct diag_set *diags = diag_set_new();
        const struct yaml_node *root = yaml_load(arena, diags, diag_add_file(diags, "when.yaml", str_of(text)));
        struct buf out = {0};

        yaml_substitute(arena, diags, root, required ? YAML_SECRETS_REQUIRE : YAML_SECRETS_SKIP);
        assert_int_equal(match_compile(arena, diags, root, NULL, 0) == NULL, required);
        assert_int_equal(diag_count(diags, DIAG_ERROR), required ? 3 : 0);
        diag_render_text(diags, &out, 0);
        assert_null(strstr(out.ptr, "hunter2"));
        buf_free(&out);
        diag_set_free(diags);
        arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yaml),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_secrets),
    };
    return cmocka_run_group_tests_name("match errors", tests, NULL, NULL);
}
