/* SPDX-License-Identifier: Apache-2.0 */
/* Requests from inside: a page asks the API on behalf of its reader, and gets what the reader would get. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http_fixture.h"

#define QUESTIONS_MAX 4

/* What the page of a test asks, and what came of it. */
static struct {
    struct web *w;
    const char *method[QUESTIONS_MAX], *target[QUESTIONS_MAX], *body[QUESTIONS_MAX];
    size_t count;
    int done;
    uint64_t late, page; /* ids of requests that wait */
    struct http_question *asked;
} t;

struct page {
    struct http_request *req;
    struct http_question questions[QUESTIONS_MAX];
};

static void page_done(void *arg)
{
    struct page *page = arg;
    json_t *doc = json_array();
    t.done++;
    for (size_t i = 0; i < t.count; i++)
        json_array_append_new(doc, json_pack("{s:i, s:O?}", "status", (int)page->questions[i].status, "answer",
                                             page->questions[i].answer));
    http_respond_json(page->req, 200, doc, NULL, 0);
}

static void handle_page(void *arg, struct http_request *req)
{
    (void)arg;
    struct page *page = arena_alloc(req->arena, sizeof(*page));
    page->req = req;
    t.page = req->pub.id;
    t.asked = page->questions;
    for (size_t i = 0; i < t.count; i++)
        page->questions[i] = (struct http_question){t.method[i] ? t.method[i] : "GET",
                                                    t.target[i],
                                                    t.body[i] ? json_read(str_of(t.body[i]), NULL) : NULL,
                                                    NULL,
                                                    0,
                                                    NULL};
    http_ask(req, page->questions, t.count, page_done, page);
}

/* Waits until the test answers. */
static void handle_late(void *arg, struct http_request *req)
{
    (void)arg;
    t.late = req->pub.id;
}

static void handle_stream(void *arg, struct http_request *req)
{
    (void)arg;
    struct belfry_http_response head = {.struct_size = sizeof(head), .status = 200};
    assert_int_equal(http_begin(req, &head, NULL, NULL, NULL), BELFRY_ECLOSED);
}

/* An API route that wants to ask on: what it was told is its own answer. */
struct nested {
    struct http_request *req;
    struct http_question question;
};

static void nested_done(void *arg)
{
    struct nested *n = arg;
    json_t *doc = json_object();
    json_object_set_new(doc, "inner", json_integer(n->question.status));
    http_respond_json(n->req, 200, doc, NULL, 0);
}

static void handle_nested(void *arg, struct http_request *req)
{
    (void)arg;
    struct nested *n = arena_alloc(req->arena, sizeof(*n));
    *n = (struct nested){req, {"GET", "/v1/acme/echo", NULL, NULL, 0, NULL}};
    http_ask(req, &n->question, 1, nested_done, n);
}

static void handle_json(void *arg, struct http_request *req)
{
    (void)arg;
    json_t *body = http_json(req);
    if (body)
        http_respond_json(req, 201, json_incref(body), NULL, 0);
}

static int setup(void **state)
{
    struct web *w = web_open("{}");
    memset(&t, 0, sizeof(t));
    t.w = w;
    web_route(w, "GET", "/{org}/page", "person|token:read", 0, handle_page, NULL);
    web_route(w, "GET", "/page", "none", 0, handle_page, NULL);
    web_route(w, "GET", "/v1/{org}/echo", "person|token:read", 0, handle_echo, NULL);
    web_route(w, "GET", "/v1/{org}/things/{id}", "role:admin", 0, handle_echo, NULL);
    web_route(w, "GET", "/v1/{org}/late", "person", 0, handle_late, NULL);
    web_route(w, "GET", "/v1/{org}/stream", "person", 0, handle_stream, NULL);
    web_route(w, "GET", "/v1/{org}/nested", "person", 0, handle_nested, NULL);
    web_route(w, "POST", "/v1/{org}/json", "person", 16, handle_json, NULL);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    web_close(*state);
    return 0;
}

static void will_ask(const char *method, const char *target, const char *body)
{
    t.method[t.count] = method;
    t.target[t.count] = target;
    t.body[t.count++] = body;
}

static const char *as(const char *sub, const char *roles)
{
    return bearer_of(jwt_of(sub, "acme", roles));
}

static json_t *answer_json(struct answer *a)
{
    assert_int_equal(a->status, 200);
    json_t *doc = json_read(str_slice(a->body, a->length), NULL);
    assert_true(json_is_array(doc));
    answer_free(a);
    return doc;
}

/* The page as this caller sees it. */
static json_t *page_of(const char *headers)
{
    struct answer a = ask(t.w, "GET", "/acme/page", headers, NULL);
    return answer_json(&a);
}

static int status_of(const json_t *doc, size_t i)
{
    return (int)json_integer_value(json_object_get(json_array_get(doc, i), "status"));
}

static const char *member(const json_t *doc, size_t i, const char *name)
{
    return json_string_value(json_object_get(json_object_get(json_array_get(doc, i), "answer"), name));
}

static void until_set(const uint64_t *id)
{
    for (int i = 0; !*id && i < TALK_TURNS; i++)
        web_wait(t.w);
    assert_true(*id != 0);
}

static void test_the_reader_is_who_asks(void **state)
{
    (void)state;
    will_ask("GET", "/v1/acme/things/a%20b?x=1&y=2", NULL);
    json_t *doc = page_of(as("ada", ",\"roles\":[\"admin\"],\"locale\":\"de\""));
    assert_int_equal(status_of(doc, 0), 200);
    assert_string_equal(member(doc, 0, "who"), "ada");
    assert_string_equal(member(doc, 0, "role"), "admin");
    assert_string_equal(member(doc, 0, "org"), "acme");
    assert_string_equal(member(doc, 0, "locale"), "de");
    assert_string_equal(member(doc, 0, "{id}"), "a b");
    assert_string_equal(member(doc, 0, "query"), "x=1&y=2");
    assert_string_equal(member(doc, 0, "peer"), "127.0.0.1");
    json_decref(doc);
}

static void test_nobody_may_more_by_a_page(void **state)
{
    static const struct {
        const char *method, *target, *body;
        int person, token; /* statuses for somebody without a role, and for a token that may read */
    } rows[] = {
        {"GET", "/v1/acme/things/1", NULL, 403, 403},
        {"GET", "/v1/other/echo", NULL, 404, 404},
        {"GET", "/v1/nowhere/echo", NULL, 404, 404},
        {"GET", "/v1/acme/nothing", NULL, 404, 404},
        {"GET", "/v1/acme/echo", NULL, 200, 200},
        {"DELETE", "/v1/acme/echo", NULL, 405, 405},
        {"POST", "/v1/acme/json", "{\"a\":1}", 201, 403},
        {"POST", "/v1/acme/json", "{\"a\":\"longer than it may be\"}", 413, 403},
        {"POST", "/v1/acme/json", NULL, 400, 403},
        {"GET", "/v1/acme/stream", NULL, 500, 403},
        {"GET", "/acme/page", NULL, 500, 500}, /* a page is no API */
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        t.count = 0;
        will_ask(rows[i].method, rows[i].target, rows[i].body);
        json_t *doc = page_of(as("ann", ""));
        if (status_of(doc, 0) != rows[i].person)
            fail_msg("%s %s: %d for a person", rows[i].method, rows[i].target, status_of(doc, 0));
        json_decref(doc);
        doc = page_of(READER);
        if (status_of(doc, 0) != rows[i].token)
            fail_msg("%s %s: %d for a token", rows[i].method, rows[i].target, status_of(doc, 0));
        json_decref(doc);
    }
}

static void test_problems_come_as_json(void **state)
{
    (void)state;
    will_ask("GET", "/v1/acme/things/1", NULL);
    json_t *doc = page_of(as("ann", ""));
    assert_string_equal(member(doc, 0, "detail"), "this needs the role admin");
    json_decref(doc);
}

static void test_one_level_only(void **state)
{
    (void)state;
    will_ask("GET", "/v1/acme/nested", NULL);
    json_t *doc = page_of(as("ann", ""));
    const json_t *inner = json_object_get(json_object_get(json_array_get(doc, 0), "answer"), "inner");
    assert_int_equal(status_of(doc, 0), 200);
    assert_int_equal(json_integer_value(inner), 500);
    json_decref(doc);
}

static void test_on_behalf_of_nobody(void **state)
{
    (void)state;
    will_ask("GET", "/v1/acme/echo", NULL);
    struct answer a = ask(t.w, "GET", "/page", NULL, NULL);
    json_t *doc = answer_json(&a);
    assert_int_equal(status_of(doc, 0), 401);
    json_decref(doc);
}

static void test_nothing_asked_is_answered_as_well(void **state)
{
    (void)state;
    json_t *doc = page_of(READER);
    assert_int_equal(json_array_size(doc), 0);
    assert_int_equal(t.done, 1);
    json_decref(doc);
}

static void test_a_late_answer(void **state)
{
    (void)state;
    will_ask("GET", "/v1/acme/late", NULL);
    will_ask("GET", "/v1/acme/echo", NULL);
    struct talk *talk = talk_open(t.w);
    talk_ask(talk, "GET", "/acme/page", as("ann", ""), NULL);
    until_set(&t.late);
    assert_int_equal(t.done, 0);
    json_t *late = json_object();
    json_set_str(late, "who", STR("late"));
    http_respond_json(http_request_find(t.w->http, t.late), 200, late, NULL, 0);
    assert_int_equal(t.done, 1);
    assert_null(http_request_find(t.w->http, t.late));
    struct answer a = talk_answer(talk);
    json_t *doc = answer_json(&a);
    assert_string_equal(member(doc, 0, "who"), "late");
    assert_string_equal(member(doc, 1, "who"), "ann");
    json_decref(doc);
    talk_close(talk);
}

static void test_the_client_leaves(void **state)
{
    (void)state;
    will_ask("GET", "/v1/acme/late", NULL);
    struct talk *talk = talk_open(t.w);
    talk_ask(talk, "GET", "/acme/page", as("ann", ""), NULL);
    until_set(&t.late);
    talk_close(talk);
    for (int i = 0; http_open_connections(t.w->http) && i < TALK_TURNS; i++)
        web_wait(t.w);
    http_respond_json(http_request_find(t.w->http, t.late), 200, json_object(), NULL, 0);
    assert_int_equal(t.done, 1); /* the page answers nobody, and its memory goes */
    assert_null(http_request_find(t.w->http, t.page));
}

static void test_the_page_ends_first(void **state)
{
    (void)state;
    will_ask("GET", "/v1/acme/late", NULL);
    struct talk *talk = talk_open(t.w);
    talk_ask(talk, "GET", "/acme/page", as("ann", ""), NULL);
    until_set(&t.late);
    http_problem(http_request_find(t.w->http, t.page), 503, NULL, "enough");
    struct answer a = talk_answer(talk);
    assert_int_equal(a.status, 503);
    answer_free(&a);
    talk_close(talk);
    http_respond_json(http_request_find(t.w->http, t.late), 200, json_object(), NULL, 0);
    assert_int_equal(t.done, 0);
}

static void test_who_would_answer_goes(void **state)
{
    (void)state;
    static int owner;
    struct error err = {0};
    const struct http_route route = {"GET", "/v1/{org}/plugin", "person", 0, 0, handle_late, NULL};
    assert_int_equal(http_routes_add(t.w->http, &owner, &route, 1, &err), BELFRY_OK);
    will_ask("GET", "/v1/acme/plugin", NULL);
    struct talk *talk = talk_open(t.w);
    talk_ask(talk, "GET", "/acme/page", as("ann", ""), NULL);
    until_set(&t.late);
    http_routes_remove(t.w->http, &owner);
    http_requests_drop(t.w->http, &owner);
    struct answer a = talk_answer(talk);
    json_t *doc = answer_json(&a);
    assert_int_equal(status_of(doc, 0), 503);
    json_decref(doc);
    talk_close(talk);
}

static void on_stopped(void *arg)
{
    ((struct web *)arg)->stopped = 1;
}

/* What waits is waited for; what is asked from then on is refused like anything else. */
static void test_the_hub_stops(void **state)
{
    struct web *w = *state;
    will_ask("GET", "/v1/acme/late", NULL);
    struct talk *talk = talk_open(w);
    talk_ask(talk, "GET", "/acme/page", as("ann", ""), NULL);
    until_set(&t.late);
    http_stop(w->http, 60000, on_stopped, w);
    for (int i = 0; i < 20; i++)
        web_turn(w);
    assert_int_equal(w->stopped, 0);
    http_respond_json(http_request_find(w->http, t.late), 200, json_object(), NULL, 0);
    struct answer a = talk_answer(talk);
    assert_int_equal(a.status, 200);
    answer_free(&a);
    talk_close(talk);
    for (int i = 0; !w->stopped && i < TALK_TURNS; i++)
        uv_run(&w->b->loop, UV_RUN_ONCE);
    assert_int_equal(w->stopped, 1);
}

static void test_the_hub_ends_with_a_question_open(void **state)
{
    (void)state;
    will_ask("GET", "/v1/acme/late", NULL);
    struct talk *talk = talk_open(t.w);
    talk_ask(talk, "GET", "/acme/page", as("ann", ""), NULL);
    until_set(&t.late);
    talk_close(talk); /* and teardown frees the server, which answers both */
}

int main(void)
{
#define WEB(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        WEB(test_the_reader_is_who_asks), WEB(test_nobody_may_more_by_a_page),
        WEB(test_problems_come_as_json),  WEB(test_one_level_only),
        WEB(test_on_behalf_of_nobody),    WEB(test_nothing_asked_is_answered_as_well),
        WEB(test_a_late_answer),          WEB(test_the_client_leaves),
        WEB(test_the_page_ends_first),    WEB(test_who_would_answer_goes),
        WEB(test_the_hub_stops),          WEB(test_the_hub_ends_with_a_question_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
