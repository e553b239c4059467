/* SPDX-License-Identifier: Apache-2.0 */
/* What a hook's mapping makes of what is posted: CloudEvents, nothing, or a fault that says why. */
#include "hook_fixture.h"

#define VERIFY "    verify: {scheme: github, secret: 0123456789abcdef}\n"
#define ONE(type, more) VERIFY "    hook: {triggers: [{type: \"" type "\"" more "}]}"
#define HASH "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" /* of {} */
#define EVENT(id, type, more)                                                                                          \
    "{\"specversion\":\"1.0\",\"source\":\"hook\",\"type\":\"" type "\",\"id\":\"" id "\"" more "}"

static const struct row {
    const char *source, *headers, *body, *batch; /* batch: what comes, or the fault */
    int fails;
} rows[] = {
    /* type, id and data when nothing else is said */
    {ONE("a.b", ""), "", "{}", "[" EVENT(HASH, "a.b", ",\"data\":{}") "]", 0},
    {ONE("a.b", ""), "x-github-delivery: d1", "{}", "[" EVENT("d1", "a.b", ",\"data\":{}") "]", 0},
    {ONE("{{headers.x-github-event}}.{{body.action}}", ""), "x-github-delivery: d1\nx-github-event: issues",
     "{\"action\":\"opened\"}", "[" EVENT("d1", "issues.opened", ",\"data\":{\"action\":\"opened\"}") "]", 0},
    /* what is not among the types, or is not meant, is not for this source */
    {ONE("{{body.a}}", ", types: {x: a.x, y: a.y}"), "x-github-delivery: d1", "{\"a\":\"y\"}",
     "[" EVENT("d1", "a.y", ",\"data\":{\"a\":\"y\"}") "]", 0},
    {ONE("{{body.a}}", ", types: {x: a.x, y: a.y}"), "x-github-delivery: d1", "{\"a\":\"z\"}", "[]", 0},
    {ONE("{{body.a}}", ", types: {x: a.x, y: a.y}"), "x-github-delivery: d1", "{}", "[]", 0},
    {ONE("a", ", when: {body.n: {gt: 5}, headers.x-kind: k}"), "x-kind: k\nx-github-delivery: d", "{\"n\":6}",
     "[" EVENT("d", "a", ",\"data\":{\"n\":6}") "]", 0},
    {ONE("a", ", when: {body.n: {gt: 5}, headers.x-kind: k}"), "x-kind: k\nx-github-delivery: d", "{\"n\":5}", "[]", 0},
    {ONE("a", ", when: {body.n: {gt: 5}, headers.x-kind: k}"), "x-github-delivery: d", "{\"n\":6}", "[]", 0},
    /* the first that matches */
    {VERIFY "    hook: {triggers: [{type: first, when: {body.n: 1}}, {type: second}]}", "x-github-delivery: d",
     "{\"n\":1}", "[" EVENT("d", "first", ",\"data\":{\"n\":1}") "]", 0},
    {VERIFY "    hook: {triggers: [{type: first, when: {body.n: 1}}, {type: second}]}", "x-github-delivery: d",
     "{\"n\":2}", "[" EVENT("d", "second", ",\"data\":{\"n\":2}") "]", 0},
    /* id, subject, time */
    {ONE("a", ", id: \"{{body.id}}\", subject: \"s/{{body.id}}\", time: \"{{body.at}}\""), "",
     "{\"id\":7,\"at\":1700000000}",
     "[" EVENT("7", "a",
               ",\"time\":\"2023-11-14T22:13:20.000Z\",\"subject\":\"s/7\",\"data\":{\"id\":7,\"at\":1700000000}") "]",
     0},
    {ONE("a", ", id: x, time: \"{{body.at}}\", data: {}"), "", "{\"at\":1700000000123}",
     "[" EVENT("x", "a", ",\"time\":\"2023-11-14T22:13:20.123Z\",\"data\":{}") "]", 0},
    {ONE("a", ", id: x, time: \"{{body.at}}\", data: {}"), "", "{\"at\":\"1700000000.123400\"}",
     "[" EVENT("x", "a", ",\"time\":\"2023-11-14T22:13:20.123Z\",\"data\":{}") "]", 0},
    {ONE("a", ", id: x, time: \"{{body.at}}\", data: {}"), "", "{\"at\":1700000000.5}",
     "[" EVENT("x", "a", ",\"time\":\"2023-11-14T22:13:20.500Z\",\"data\":{}") "]", 0},
    {ONE("a", ", id: x, time: \"{{body.at}}\", data: {}"), "", "{\"at\":-1.5}",
     "[" EVENT("x", "a", ",\"time\":\"-1.5\",\"data\":{}") "]", 0},
    {ONE("a", ", id: x, time: \"{{body.at}}\", data: {}"), "", "{\"at\":\"1.2.3\"}",
     "[" EVENT("x", "a", ",\"time\":\"1.2.3\",\"data\":{}") "]", 0},
    {ONE("a", ", id: x, time: \"{{body.at}}\", data: {}"), "", "{\"at\":\"2026-01-02T03:04:05+01:00\"}",
     "[" EVENT("x", "a", ",\"time\":\"2026-01-02T03:04:05+01:00\",\"data\":{}") "]", 0},
    {ONE("a", ", id: x, time: \"{{body.at}}\", data: {}"), "", "{\"at\":\"yesterday\"}",
     "[" EVENT("x", "a", ",\"time\":\"yesterday\",\"data\":{}") "]", 0},
    {ONE("a", ", id: x, time: \"{{body.at}}\", subject: \"{{body.none}}\", data: {}"), "", "{}",
     "[" EVENT("x", "a", ",\"data\":{}") "]", 0},
    {ONE("a", ", id: \"{{hash}}\", data: {}"), "x-github-delivery: d", "{}", "[" EVENT(HASH, "a", ",\"data\":{}") "]",
     0},
    /* data: texts are texts, values keep their type, what is not there is left out */
    {ONE("a", ", id: x, data: {n: {value_of: body.n}, s: \"{{body.n}}\", k: 7, b: true, z: null, t: \"x {{body.n}}\"}"),
     "", "{\"n\":12}",
     "[" EVENT("x", "a", ",\"data\":{\"n\":12,\"s\":\"12\",\"k\":7,\"b\":true,\"z\":null,\"t\":\"x 12\"}") "]", 0},
    {ONE("a", ", id: x, data: {n: {value_of: body.m}, s: \"{{body.m}}\", l: [1, {value_of: body.m}, \"{{body.n}}\"]}"),
     "", "{\"n\":1.5}", "[" EVENT("x", "a", ",\"data\":{\"s\":\"\",\"l\":[1,\"1.5\"]}") "]", 0},
    {ONE("a", ", id: x, data: {o: {value_of: body.o}, i: {value_of: body.l.1}, p: {value_of: \"/body/a~1b/0\"}}"), "",
     "{\"o\":{\"x\":[1,{}]},\"l\":[1,null],\"a/b\":[\"q\"]}",
     "[" EVENT("x", "a", ",\"data\":{\"o\":{\"x\":[1,{}]},\"i\":null,\"p\":\"q\"}") "]", 0},
    {ONE("a",
         ", id: x, data: {u: {value_of: body.u, table: {gh-ann: ann, \"7\": \"seven of {{body.u}}\"}, default: bob}}"),
     "", "{\"u\":\"gh-ann\"}", "[" EVENT("x", "a", ",\"data\":{\"u\":\"ann\"}") "]", 0},
    {ONE("a",
         ", id: x, data: {u: {value_of: body.u, table: {gh-ann: ann, \"7\": \"seven of {{body.u}}\"}, default: bob}}"),
     "", "{\"u\":7}", "[" EVENT("x", "a", ",\"data\":{\"u\":\"seven of 7\"}") "]", 0},
    {ONE("a",
         ", id: x, data: {u: {value_of: body.u, table: {gh-ann: ann, \"7\": \"seven of {{body.u}}\"}, default: bob}}"),
     "", "{\"u\":\"who\"}", "[" EVENT("x", "a", ",\"data\":{\"u\":\"bob\"}") "]", 0},
    {ONE("a", ", id: x, data: {u: {value_of: body.u, table: {gh-ann: ann}}}"), "", "{\"u\":\"who\"}",
     "[" EVENT("x", "a", ",\"data\":{}") "]", 0},
    {ONE("a", ", id: x, data: {u: {value_of: body.u, default: {n: 1}}}"), "", "{}",
     "[" EVENT("x", "a", ",\"data\":{\"u\":{\"n\":1}}") "]", 0},
    {ONE("a", ", id: x, data: {h: {value_of: headers.x-a}, x: \"{{headers.x-b}}\"}"), "x-a: 1\nx-b: <b>&\"", "{}",
     "[" EVENT("x", "a", ",\"data\":{\"h\":\"1\",\"x\":\"<b>&\\\"\"}") "]", 0},
    {ONE("a", ", id: x"), "", "[1]", "[" EVENT("x", "a", ",\"data\":[1]") "]", 0},
    /* a list: one for each item, known by the call's id and its place */
    {VERIFY "    hook: {each: body.events, triggers: [{type: \"{{item.t}}\", when: {item.t: {ne: skip}}}]}",
     "x-github-delivery: d", "{\"events\":[{\"t\":\"a\"},{\"t\":\"skip\"},{\"t\":\"b\"}]}",
     "[" EVENT("d/0", "a", ",\"data\":{\"t\":\"a\"}") "," EVENT("d/2", "b", ",\"data\":{\"t\":\"b\"}") "]", 0},
    {VERIFY "    hook: {each: body, triggers: [{type: a, id: \"{{item}}-{{index}}\", data: {all: {value_of: body}}}]}",
     "", "[5,6]",
     "[" EVENT("5-0", "a", ",\"data\":{\"all\":[5,6]}") "," EVENT("6-1", "a", ",\"data\":{\"all\":[5,6]}") "]", 0},
    {VERIFY "    hook: {each: body.events, triggers: [{type: a}]}", "", "{\"events\":[]}", "[]", 0},
    {VERIFY "    hook: {each: body.events, triggers: [{type: a}]}", "", "{\"events\":null}",
     "there is no list where `each` says that it is", 1},
    {VERIFY "    hook: {each: body.events, triggers: [{type: a}]}", "", "{}",
     "there is no list where `each` says that it is", 1},
    {VERIFY "    hook: {each: body, triggers: [{type: a}]}", "", "[1,2,3,4,5]",
     "its list has 5 items; at most 4 are taken", 1},
    {VERIFY "    hook: {each: body, triggers: [{type: a, id: x, data: {all: {value_of: body}}}]}", "",
     "[\"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\",2,3]",
     "what its mapping makes of it is larger than 500 bytes", 1},
};

static void check(const struct row *row, size_t at)
{
    struct config *config = hook_config(row->source);
    struct belfry_attr headers[16];
    struct buf out = {0};
    struct error err = {0};
    struct hook_call call = {.verify = config->sources[0].verify,
                             .hook = config->sources[0].hook,
                             .headers = headers,
                             .header_count = hook_headers(row->headers, headers),
                             .json = str_of(row->body),
                             .body = str_of(row->body),
                             .max_items = 4,
                             .max_bytes = 500};
    belfry_status status = hook_map(&call, &out, &err);
    const char *found = status == BELFRY_OK ? out.ptr : error_text(&err);
    if ((status != BELFRY_OK) != row->fails || strcmp(found, row->batch) != 0)
        fail_msg("row %zu\n is %s\nnot %s", at, found, row->batch);
    assert_int_equal(out.len, row->fails ? 0 : strlen(row->batch));
    error_clear(&err);
    buf_free(&out);
    config_unref(config);
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check(&rows[i], i);
}

static void test_what_is_no_json(void **state)
{
    static const char *const bodies[] = {"", "{", "{\"a\":1,\"a\":2}", "\xff", "nul", "{} {}"};
    (void)state;
    struct config *config = hook_config(ONE("a", ""));
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct buf out = {0};
        struct error err = {0};
        struct hook_call call = {.verify = config->sources[0].verify,
                                 .hook = config->sources[0].hook,
                                 .json = str_of(bodies[i]),
                                 .body = str_of(bodies[i]),
                                 .max_items = 4,
                                 .max_bytes = 500};
        assert_int_equal(hook_map(&call, &out, &err), BELFRY_EINVAL);
        assert_int_equal(strncmp(error_text(&err), "it is not JSON: ", 16), 0);
        assert_int_equal(out.len, 0);
        error_clear(&err);
        buf_free(&out);
    }
    config_unref(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_what_is_no_json)};
    setenv("BELFRY_PLUGIN_PATH", BELFRY_SRCDIR "/tests/config/plugins", 1);
    return cmocka_run_group_tests_name("mappings of hooks", tests, NULL, NULL);
}
