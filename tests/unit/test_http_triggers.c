/* SPDX-License-Identifier: Apache-2.0 */
/* POST .../triggers from the wire to the ledger and back: modes, batches, partial answers, limits, refusals, the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http_fixture.h"

static int setup(void **state)
{
    *state = web_open("{\"ann\":[\"boss\"]}");
    return 0;
}

static int teardown(void **state)
{
    web_close(*state);
    return 0;
}

#define TARGET "/v1/acme/sources/crm/triggers"
#define ONE CRM "Content-Type: application/cloudevents+json\r\n"
#define MANY CRM "Content-Type: application/cloudevents-batch+json\r\n"
#define EMIT "[\"emit\",{\"type\":\"thing.note\",\"subject\":\"s/1\",\"to\":[\"ann\"]}]"

static const char *event(const char *id, const char *steps)
{
    static char text[8][2048];
    static size_t turn;
    char *to = text[turn++ % 8];
    snprintf(to, sizeof(text[0]),
             "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"/t\",\"type\":\"thing.changed\",\"data\":"
             "{\"do\":[%s]}}",
             id, steps);
    return to;
}

static const char *batch(const char *a, const char *b, const char *c)
{
    static char text[4][8192];
    static size_t turn;
    char *to = text[turn++ % 4];
    snprintf(to, sizeof(text[0]), "[%s%s%s%s%s]", a, b ? "," : "", b ? b : "", c ? "," : "", c ? c : "");
    return to;
}

static void expect(struct web *w, const char *target, const char *headers, const char *body, int status,
                   const char *text)
{
    struct answer a = ask(w, "POST", target, headers, body);
    if (a.status != status || !strstr(a.body, text))
        fail_msg("%.200s: %d %s, expected %d with %s", body, a.status, a.body, status, text);
    if (a.status >= 400) {
        assert_string_equal(head_value(a.head, "content-type"), "application/problem+json");
        assert_true((a.status != 503 && a.status != 429) || head_value(a.head, "retry-after"));
    }
    answer_free(&a);
}

static void test_modes(void **state)
{
    struct web *w = *state;
    expect(w, TARGET, ONE, event("a", EMIT), 202,
           "{\"accepted\":[{\"id\":\"a\",\"status\":\"accepted\",\"events\":1}]}");
    expect(w, TARGET, ONE, event("a", EMIT), 202, "{\"accepted\":[{\"id\":\"a\",\"status\":\"duplicate\",\"events\":");
    expect(w, TARGET,
           CRM "Content-Type: application/json\r\nce-specversion: 1.0\r\nce-id: b\r\nce-source: /t\r\n"
               "ce-type: thing.changed\r\n",
           "{\"do\":[]}", 202, "{\"accepted\":[{\"id\":\"b\",\"status\":\"accepted\",\"events\":0}]}");
    expect(
        w, TARGET, MANY, batch(event("c", EMIT), event("d", ""), event("a", EMIT)), 202,
        "{\"accepted\":[{\"id\":\"c\",\"status\":\"accepted\",\"events\":1},{\"id\":\"d\",\"status\":\"accepted\",\"events\":0},"
        "{\"id\":\"a\",\"status\":\"duplicate\"");
    expect(w, TARGET, MANY, "[]", 202, "{\"accepted\":[]}");
    expect(w, TARGET, CRM "Content-Type: Application/CloudEvents-Batch+JSON; charset=utf-8\r\n", "[]", 202, "[]");
}

static void test_refusals(void **state)
{
    struct web *w = *state;
    static const char xml[] = CRM "Content-Type: text/xml\r\n";
    expect(w, TARGET, ONE, "{", 400, "\"status\":400");
    expect(w, TARGET, ONE, "{\"specversion\":\"1.0\",\"id\":\"x\",\"source\":\"/t\"}", 400, "\"pointer\":\"/type\"");
    expect(w, TARGET, xml, "<a/>", 415, "\"status\":415");
    expect(w, TARGET, ONE, event("x", "[\"fail\",-1,\"no such owner\"]"), 422,
           "\"errors\":[{\"pointer\":\"/data/do\",\"detail\":\"no such owner\"}]");
    expect(w, TARGET, ONE, event("x", "[\"fail\",-4,\"already decided\"]"), 409, "already decided");
    expect(w, TARGET, ONE, event("x", "[\"fail\",-5,\"gone\"]"), 404, "gone");
    expect(w, TARGET, ONE, event("x", "[\"fail\",-6,\"not you\"]"), 403, "not you");
    expect(w, TARGET, ONE, event("x", "[\"fail\",-3,\"later\"]"), 503, "later");
    /* no use in sending it again */
    expect(w, TARGET, ONE, event("x", "[\"reads\",10001]"), 413, "a limit of one call");
    expect(w, TARGET, MANY, batch(event("y", ""), event("x", "[\"reads\",10001]"), NULL), 413, "a limit of one call");
    expect(w, "/v1/acme/sources/nothing/triggers", ROOT "Content-Type: application/cloudevents+json\r\n",
           event("x", ""), 404, "there is no source `nothing` here");
    assert_int_equal(ask_status(w, "POST", "/v1/acme/sources/nothing/triggers", CRM, "{}"), 403);
    assert_int_equal(ask_status(w, "GET", TARGET, CRM, NULL), 405);
    assert_int_equal(ask_status(w, "POST", TARGET, NULL, "{}"), 401);
    assert_int_equal(ask_status(w, "POST", TARGET, bearer_of(jwt_of("ann", "acme", NULL)), "{}"), 403);
    expect(w, TARGET, ONE, event("x", EMIT), 202, "\"accepted\",\"events\":1"); /* refused ones left no trace */
}

static void test_batch_is_all_or_nothing(void **state)
{
    struct web *w = *state;
    expect(w, TARGET, MANY, batch(event("a", EMIT), event("b", "[\"fail\",-1,\"wrong\"]"), event("c", EMIT)), 422,
           "\"pointer\":\"/1/data/do\"");
    expect(w, TARGET, MANY, batch(event("a", EMIT), "{\"specversion\":\"1.0\"}", NULL), 400, "\"pointer\":\"/1/id\"");
    expect(w, TARGET, ONE, event("a", EMIT), 202, "\"accepted\"");
}

static void test_partial(void **state)
{
    struct web *w = *state;
    const char *three =
        batch(event("a", EMIT), event("b", "[\"fail\",-1,\"wrong\"]"), "{\"specversion\":\"1.0\",\"id\":\"c\"}");
    struct answer a = ask(w, "POST", TARGET "?partial=true", MANY, three);
    assert_int_equal(a.status, 202);
    json_t *doc = json_loads(a.body, 0, NULL), *list = json_object_get(doc, "accepted");
    assert_int_equal(json_array_size(list), 3);
    static const struct {
        const char *status, *pointer;
        int problem;
    } rows[] = {{"accepted", NULL, 0}, {"refused", "/1/data/do", 422}, {"refused", "/2/source", 400}};
    for (size_t i = 0; i < 3; i++) {
        json_t *item = json_array_get(list, i), *problem = json_object_get(item, "problem");
        assert_string_equal(json_string_value(json_object_get(item, "status")), rows[i].status);
        assert_int_equal(json_integer_value(json_object_get(problem, "status")), rows[i].problem);
        if (rows[i].pointer)
            assert_string_equal(json_string_value(json_at(problem, "/errors/0/pointer")), rows[i].pointer);
    }
    json_decref(doc);
    answer_free(&a);
    expect(w, TARGET "?partial=false", MANY, three, 400, "\"pointer\":\"/2/");
    expect(w, TARGET "?partial=true", ONE, event("d", "[\"fail\",-1,\"wrong\"]"), 202, "\"status\":\"refused\"");
    const char *later = event("e", "[\"fail\",-3,\"later\"]");
    expect(w, TARGET "?partial=true", MANY, batch(later, event("f", "[\"fail\",-3,\"later\"]"), NULL), 503, "later");
    expect(w, TARGET "?partial=true", MANY, batch(later, event("g", ""), NULL), 202, "\"status\":\"accepted\"");
}

static void test_limits(void **state)
{
    struct web *w = *state;
    w->config->hub.limits.event_bytes = 1000;
    w->config->hub.limits.request_bytes = 5000;
    w->config->hub.limits.batch_events = 2;
    char steps[1200], large[6000];
    snprintf(steps, sizeof(steps), "[\"put\",\"k\",\"%01000d\"]", 0);
    expect(w, TARGET, ONE, event("a", steps), 413, "1000");
    expect(w, TARGET, MANY, batch(event("a", ""), event("b", steps), NULL), 413, "\"pointer\":\"/1\"");
    expect(w, TARGET, MANY, batch(event("a", ""), event("b", ""), event("c", "")), 413, "2");
    snprintf(large, sizeof(large), "%05500d", 0);
    expect(w, TARGET, ONE, large, 413, "at most 5000");
    expect(w, TARGET, ONE, event("a", ""), 202, "accepted");
}

/* Over 64 KiB the body is parsed on a worker. */
static void test_large_bodies(void **state)
{
    struct web *w = *state;
    struct buf body = {0};
    buf_addz(&body, "[");
    for (int i = 0; i < 900; i++)
        buf_addf(
            &body,
            "%s{\"specversion\":\"1.0\",\"id\":\"%d\",\"source\":\"/t\",\"type\":\"thing.changed\",\"data\":{\"do\":[]}}",
            i ? "," : "", i);
    buf_addz(&body, "]");
    assert_true(body.len > 65536);
    expect(w, TARGET, MANY, body.ptr, 202, "{\"id\":\"899\",\"status\":\"accepted\",\"events\":0}");
    body.ptr[body.len - 1] = ' ';
    expect(w, TARGET, MANY, body.ptr, 400, "\"status\":400");
    struct talk *t = talk_open(w); /* the client leaves while a worker parses */
    talk_ask(t, "POST", TARGET, MANY, body.ptr);
    talk_close(t);
    for (int i = 0; w->http->open_count > 0 && i < TALK_TURNS; i++)
        web_wait(w);
    assert_int_equal(w->http->open_count, 0);
    buf_free(&body);
}

static void test_answered_after_the_client_left(void **state)
{
    struct web *w = *state;
    struct talk *t = talk_open(w);
    talk_ask(t, "POST", TARGET, ONE, event("a", "[\"slow\",20]," EMIT));
    for (int i = 0; !w->http->open_count && i < TALK_TURNS; i++)
        talk_pump(t, 0);
    talk_close(t);
    for (int i = 0; w->http->open_count > 0 && i < TALK_TURNS; i++)
        web_wait(w);
    expect(w, TARGET, ONE, event("a", EMIT), 202, "duplicate"); /* it was taken all the same */
}

static double counted(const char *source, const char *result)
{
    return metric_value(metric_get(metrics_global(), "belfry_events_received_total", "Triggers by source and result.",
                                   METRIC_COUNTER, "source", source, "result", result, NULL));
}

static void test_counted(void **state)
{
    struct web *w = *state;
    static const char *const results[] = {"accepted", "duplicate", "refused"};
    double before[3];
    for (int i = 0; i < 3; i++)
        before[i] = counted("crm", results[i]);
    expect(w, TARGET, MANY, batch(event("a", ""), event("b", ""), event("c", "")), 202, "accepted");
    expect(w, TARGET, MANY, batch(event("a", ""), event("d", ""), NULL), 202, "duplicate");
    expect(w, TARGET, ONE, event("e", "[\"fail\",-1,\"wrong\"]"), 422, "wrong");
    static const double more[] = {4, 1, 1};
    for (int i = 0; i < 3; i++)
        assert_true(counted("crm", results[i]) == before[i] + more[i]);
}

/* A source that was removed between the headers and the body, and an org with no such source. */
static void test_source_of_other_orgs(void **state)
{
    struct web *w = *state;
    static const char *const only[] = {"other"};
    struct config_instance *sources = arena_memdup(w->b->config->arena, w->config->sources, 2 * sizeof(*sources));
    sources[0].orgs = (struct config_names){only, 1};
    w->config->sources = sources;
    expect(w, TARGET, ONE, event("a", ""), 404, "there is no source `crm` here");
}

static void test_stopping(void **state)
{
    struct web *w = *state;
    struct talk *t = talk_open(w);
    talk_ask(t, "POST", TARGET, ONE, event("a", "[\"slow\",20]," EMIT));
    for (int i = 0; !w->http->open_count && i < TALK_TURNS; i++)
        talk_pump(t, 0);
    http_stop(w->http, 60000, NULL, NULL);
    struct answer a = talk_answer(t); /* what was under way is answered */
    assert_int_equal(a.status, 202);
    answer_free(&a);
    talk_close(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_modes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_batch_is_all_or_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_partial, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_large_bodies, setup, teardown),
        cmocka_unit_test_setup_teardown(test_answered_after_the_client_left, setup, teardown),
        cmocka_unit_test_setup_teardown(test_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_source_of_other_orgs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stopping, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
