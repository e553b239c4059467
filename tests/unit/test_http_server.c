/* SPDX-License-Identifier: Apache-2.0 */
/* The server on the wire: framing, limits, keep-alive, who holds a request when, slow and gone clients, the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http_fixture.h"

#include <sys/stat.h>

static int setup(void **state)
{
    struct web *w = web_open("{\"ann\":[\"boss\"],\"bob\":[]}");
    web_route(w, "GET", "/echo", "none", 0, handle_echo, NULL);
    web_route(w, "POST", "/echo", "none", 65536, handle_echo, NULL);
    web_route(w, "GET", "/v1/{org}/things/{id}", "token:read", 0, handle_echo, NULL);
    web_route(w, "PUT", "/v1/{org}/things/{id}", "token:read", 1 << 20, handle_echo, NULL);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    web_close(*state);
    return 0;
}

/* --- paths -------------------------------------------------------------------------------------------------------- */

static void test_paths(void **state)
{
    static const struct {
        const char *method, *target;
        int status;
        const char *allow;
    } rows[] = {
        {"GET", "/echo", 200, NULL},
        {"HEAD", "/echo", 200, NULL},
        {"GET", "/echo?x=1", 200, NULL},
        {"GET", "http://belfry.example/echo", 200, NULL},
        {"GET", "/echo/", 404, NULL},
        {"GET", "//echo", 404, NULL},
        {"GET", "/./echo", 404, NULL},
        {"GET", "/../echo", 404, NULL},
        {"GET", "/%65cho", 404, NULL}, /* literals are compared as they are sent: one spelling for each route */
        {"GET", "/echo%00", 404, NULL},
        {"GET", "/", 404, NULL},
        {"GET", "http://belfry.example", 404, NULL},
        {"GET", "/v1/acme/things/a%2Fb", 200, NULL},
        {"GET", "/v1/acme/things/%2e%2e", 200, NULL},
        {"GET", "/v1/acme/things/", 404, NULL},
        {"GET", "/v1/acme/things/%00", 404, NULL},
        {"GET", "/v1/acme/things/%ff", 404, NULL},
        {"GET", "/v1/acme/things/%4", 404, NULL},
        {"GET", "/v1/acme/things/%zz", 404, NULL},
        {"DELETE", "/v1/acme/things/%zz", 404, NULL},
        {"GET", "/v1/acme%2Fthings/1", 404, NULL},
        {"GET", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r", 404, NULL},
        {"DELETE", "/echo", 405, "GET, HEAD, POST, OPTIONS"},
        {"BREW", "/v1/acme/things/1", 405, "GET, HEAD, PUT, OPTIONS"},
        {"OPTIONS", "/v1/acme/things/1", 204, "GET, HEAD, PUT, OPTIONS"},
        {"OPTIONS", "/nothing", 404, NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct answer a = ask(*state, rows[i].method, rows[i].target, READER, NULL);
        if (a.status != rows[i].status)
            fail_msg("%s %s: %d, expected %d", rows[i].method, rows[i].target, a.status, rows[i].status);
        if (rows[i].allow)
            assert_string_equal(head_value(a.head, "allow"), rows[i].allow);
        answer_free(&a);
    }
}

static void test_params_are_decoded_once(void **state)
{
    struct answer a = ask(*state, "GET", "/v1/acme/things/%25%32%46+x%C3%A4", READER, NULL);
    assert_int_equal(a.status, 200);
    assert_non_null(strstr(a.body, "\"{id}\":\"%2F+x\xc3\xa4\""));
    answer_free(&a);
}

/* --- framing ------------------------------------------------------------------------------------------------------ */

static void test_ambiguous_framing_is_refused(void **state)
{
    static const struct {
        const char *headers, *body;
        int status;
    } rows[] = {
        {"Content-Length: 2\r\n", "{}", 200},
        {"Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n", 200},
        {"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n", 400},
        {"Content-Length: 2\r\nContent-Length: 2\r\n", "{}", 400},
        {"Transfer-Encoding : chunked\r\n", "2\r\n{}\r\n0\r\n\r\n", 400},
        {"Content-Length\t: 2\r\n", "{}", 400},
        {"X(1): 2\r\n", "", 400},
        {"X-!#$%&'*+-.^_`|~1: 2\r\n", "", 200},
        {"Content-Length: two\r\n", "{}", 400},
        {"Content-Length: -2\r\n", "{}", 400},
        {"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n", "", 400},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct talk *t = talk_open(*state);
        struct buf text = {0};
        buf_addf(&text, "POST /echo HTTP/1.1\r\nHost: x\r\n%s\r\n%s", rows[i].headers, rows[i].body);
        talk_send(t, text.ptr, text.len);
        struct answer a = talk_answer(t);
        if (a.status != rows[i].status)
            fail_msg("row %zu: %d, expected %d", i, a.status, rows[i].status);
        answer_free(&a);
        buf_free(&text);
        talk_close(t);
    }
}

static void test_no_host(void **state)
{
    struct talk *t = talk_open(*state);
    talk_say(t, "GET /echo HTTP/1.1\r\n\r\n");
    struct answer a = talk_answer(t);
    assert_int_equal(a.status, 400);
    answer_free(&a);
    talk_close(t);
}

/* A proxy on this machine adds its headers last: none may be overlooked. */
static void test_too_many_headers(void **state)
{
    struct buf headers = {0};
    for (int i = 0; i < 62; i++)
        buf_addf(&headers, "X-%d: 1\r\n", i);
    struct answer a = ask(*state, "GET", "/echo", headers.ptr, NULL);
    assert_int_equal(a.status, 200);
    assert_non_null(strstr(a.body, "\"local\":true"));
    answer_free(&a);
    buf_addz(&headers, "X-Forwarded-For: 192.0.2.1\r\n");
    a = ask(*state, "GET", "/echo", headers.ptr, NULL);
    assert_int_equal(a.status, 200);
    assert_non_null(strstr(a.body, "\"local\":false"));
    answer_free(&a);
    buf_addz(&headers, "X-More: 1\r\n");
    assert_int_equal(ask_status(*state, "GET", "/echo", headers.ptr, NULL), 431);
    buf_free(&headers);
}

static void test_headers_that_do_not_fit(void **state)
{
    static const size_t sizes[] = {1000, 5000, 9000, 40000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct buf headers = {0};
        buf_addz(&headers, "X-Long: ");
        memset(buf_reserve(&headers, sizes[i]), 'a', sizes[i]);
        headers.len += sizes[i];
        buf_addz(&headers, "\r\n");
        int status = ask_status(*state, "GET", "/echo", headers.ptr, NULL);
        if (sizes[i] <= 5000)
            assert_int_equal(status, 200);
        else if (status != 431 && status != 413)
            fail_msg("%zu bytes: %d", sizes[i], status);
        buf_free(&headers);
    }
}

/* --- bodies ------------------------------------------------------------------------------------------------------- */

static void test_body_limits(void **state)
{
    struct buf body = {0};
    memset(buf_reserve(&body, 70000), 'x', 70000);
    body.len = 65536;
    body.ptr[65536] = '\0';
    struct answer a = ask(*state, "POST", "/echo", NULL, body.ptr);
    assert_int_equal(a.status, 200);
    assert_non_null(strstr(a.body, "\"body\":65536"));
    answer_free(&a);
    body.ptr[65536] = 'x';
    body.ptr[65537] = '\0';
    assert_int_equal(ask_status(*state, "POST", "/echo", NULL, body.ptr), 413);
    assert_int_equal(ask_status(*state, "GET", "/echo", NULL, "no body is taken here"), 413);
    buf_free(&body);
}

static void test_chunks_over_the_limit(void **state)
{
    struct talk *t = talk_open(*state);
    char chunk[4100];
    talk_say(t, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    memset(chunk, 'x', sizeof(chunk));
    memcpy(chunk, "1000\r\n", 6);
    memcpy(chunk + 6 + 4090, "\r\n", 2);
    for (int i = 0; i < 20; i++) {
        talk_say(t, "1000\r\n");
        talk_send(t, chunk + 1, 4096);
        talk_say(t, "\r\n");
    }
    talk_say(t, "0\r\n\r\n");
    struct answer a = talk_answer(t);
    assert_int_equal(a.status, 413);
    answer_free(&a);
    talk_ask(t, "GET", "/echo", NULL, NULL); /* the connection is still good */
    a = talk_answer(t);
    assert_int_equal(a.status, 200);
    answer_free(&a);
    talk_close(t);
}

/* Whoever sends without end is cut off after 16 MiB. */
static void test_endless_chunks(void **state)
{
    struct talk *t = talk_open(*state);
    static char chunk[65536 + 9];
    memset(chunk, 'x', sizeof(chunk));
    memcpy(chunk, "10000\r\n", 7);
    memcpy(chunk + 7 + 65536, "\r\n", 2);
    size_t sent = 0, n = 1;
    talk_say(t, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (sent < (64u << 20) && !t->closed && n > 0)
        sent += n = talk_send(t, chunk, sizeof(chunk));
    assert_true(sent > (8u << 20) && sent < (40u << 20));
    assert_true(talk_ended(t));
    assert_int_equal(((struct web *)*state)->http->body_bytes, 0);
    talk_close(t);
}

/* A refusal is read by clients that send their body first, and leaves the connection usable. */
static void test_refusal_before_the_body(void **state)
{
    static const struct {
        const char *target, *headers;
        int status;
    } rows[] = {{"/v1/acme/things/1", NULL, 401},
                {"/v1/acme/things/1", CRM, 403},
                {"/v1/other/things/1", READER, 404},
                {"/nothing", NULL, 404},
                {"/echo", NULL, 405}};
    struct buf body = {0};
    memset(buf_reserve(&body, 500000), 'x', 500000);
    body.len = 500000;
    body.ptr[500000] = '\0';
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct talk *t = talk_open(*state);
        for (int again = 0; again < 2; again++) {
            talk_ask(t, "PUT", rows[i].target, rows[i].headers, body.ptr);
            struct answer a = talk_answer(t);
            if (a.status != rows[i].status)
                fail_msg("%s: %d, expected %d", rows[i].target, a.status, rows[i].status);
            answer_free(&a);
        }
        talk_close(t);
    }
    buf_free(&body);
}

static void test_expect_continue(void **state)
{
    struct talk *t = talk_open(*state);
    talk_ask(t, "PUT", "/v1/acme/things/1", READER "Expect: 100-continue\r\nContent-Length: 5\r\n", NULL);
    struct answer a = talk_answer(t);
    assert_int_equal(a.status, 100);
    answer_free(&a);
    talk_say(t, "hello");
    a = talk_answer(t);
    assert_int_equal(a.status, 200);
    assert_non_null(strstr(a.body, "\"body\":5"));
    answer_free(&a);
    talk_close(t);
    t = talk_open(*state);
    talk_ask(t, "PUT", "/v1/acme/things/1", "Expect: 100-continue\r\nContent-Length: 5\r\n", NULL);
    a = talk_answer(t); /* without a body, so nobody sends one in vain */
    assert_int_equal(a.status, 401);
    answer_free(&a);
    talk_close(t);
}

static void test_announced_too_much(void **state)
{
    struct talk *t = talk_open(*state);
    talk_ask(t, "POST", "/echo", "Content-Length: 99999999999\r\n", NULL);
    struct answer a = talk_answer(t);
    assert_int_equal(a.status, 413);
    assert_true(talk_ended(t));
    answer_free(&a);
    talk_close(t);
}

static void test_pending_bytes(void **state)
{
    struct web *w = *state;
    w->config->hub.limits.pending_bytes = 1000;
    struct talk *t = talk_open(w);
    talk_ask(t, "POST", "/echo", "Content-Length: 900\r\n", NULL);
    char half[450];
    memset(half, 'x', sizeof(half));
    talk_send(t, half, sizeof(half));
    for (int i = 0; w->http->body_bytes < sizeof(half) && i < TALK_TURNS; i++)
        talk_pump(t, 0);
    assert_int_equal(w->http->body_bytes, sizeof(half));
    struct answer a = ask(w, "POST", "/echo", "Content-Length: 600\r\nExpect: 100-continue\r\n", NULL);
    assert_int_equal(a.status, 503);
    assert_string_equal(head_value(a.head, "retry-after"), "1");
    answer_free(&a);
    talk_send(t, half, sizeof(half));
    a = talk_answer(t);
    assert_int_equal(a.status, 200);
    answer_free(&a);
    talk_close(t);
}

static void test_pipelined(void **state)
{
    struct talk *t = talk_open(*state);
    talk_say(t, "GET /echo?1 HTTP/1.1\r\nHost: x\r\n\r\nPOST /echo?2 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
                "GET /echo?3 HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int i = 1; i <= 3; i++) {
        char query[32];
        struct answer a = talk_answer(t);
        snprintf(query, sizeof(query), "\"query\":\"%d\"", i);
        assert_int_equal(a.status, 200);
        assert_non_null(strstr(a.body, query));
        answer_free(&a);
    }
    talk_close(t);
}

/* --- answers that come later -------------------------------------------------------------------------------------- */

struct later {
    struct http_request *req;
    int called, streams_closed, drained;
};

static void handle_later(void *arg, struct http_request *req)
{
    struct later *l = arg;
    l->req = req;
    l->called++;
}

static void until_called(struct talk *t, const struct later *l)
{
    for (int i = 0; !l->called && i < TALK_TURNS; i++)
        talk_pump(t, 0);
    assert_int_equal(l->called, 1);
}

static void test_answered_later(void **state)
{
    struct web *w = *state;
    struct later l = {0};
    web_route(w, "GET", "/later", "none", 0, handle_later, &l);
    struct talk *t = talk_open(w);
    talk_ask(t, "GET", "/later", NULL, NULL);
    until_called(t, &l);
    uint64_t id = l.req->pub.id;
    assert_ptr_equal(http_request_find(w->http, id), l.req);
    http_respond(l.req, 200, "text/plain", STR("at last"), NULL, 0);
    http_respond(l.req, 200, "text/plain", STR("twice"), NULL, 0); /* ignored */
    assert_null(http_request_find(w->http, id));
    struct answer a = talk_answer(t);
    assert_string_equal(a.body, "at last");
    answer_free(&a);
    talk_ask(t, "GET", "/echo", NULL, NULL);
    a = talk_answer(t);
    assert_int_equal(a.status, 200);
    answer_free(&a);
    talk_close(t);
}

static void test_client_leaves_first(void **state)
{
    struct web *w = *state;
    struct later l = {0};
    web_route(w, "POST", "/later", "none", 100, handle_later, &l);
    struct talk *t = talk_open(w);
    talk_ask(t, "POST", "/later", NULL, "{\"a\":1}");
    until_called(t, &l);
    talk_close(t);
    for (int i = 0; i < 10; i++)
        web_turn(w);
    assert_true(str_eqz(l.req->pub.body, "{\"a\":1}")); /* whoever works on it still may */
    http_respond_json(l.req, 200, json_object(), NULL, 0);
    assert_true(str_eqz(l.req->pub.path, "/later"));
    for (int i = 0; w->http->open_count > 0 && i < TALK_TURNS; i++)
        web_wait(w);
    assert_int_equal(w->http->open_count, 0);
    assert_int_equal(w->http->body_bytes, 0);
}

static void test_impossible_status(void **state)
{
    struct web *w = *state;
    struct later l = {0};
    web_route(w, "GET", "/later", "none", 0, handle_later, &l);
    struct talk *t = talk_open(w);
    talk_ask(t, "GET", "/later", NULL, NULL);
    until_called(t, &l);
    http_respond(l.req, 99, NULL, STR("?"), NULL, 0);
    struct answer a = talk_answer(t);
    assert_int_equal(a.status, 500);
    answer_free(&a);
    talk_close(t);
}

static void handle_headers(void *arg, struct http_request *req)
{
    (void)arg;
    struct belfry_attr headers[] = {{STR("X-Good"), STR("yes")},
                                    {STR("X-Split"), STR("a\r\nSet-Cookie: evil=1")},
                                    {STR("X\r\nEvil"), STR("1")},
                                    {str_slice("X-Nul", 5), str_slice("a\0b", 3)},
                                    {STR("X-Empty"), STR("")}};
    http_respond(req, 200, "text/plain", STR("x"), headers, 5);
}

static void test_headers_cannot_be_injected(void **state)
{
    web_route(*state, "GET", "/headers", "none", 0, handle_headers, NULL);
    struct answer a = ask(*state, "GET", "/headers", NULL, NULL);
    assert_int_equal(a.status, 200);
    assert_string_equal(head_value(a.head, "x-good"), "yes");
    assert_string_equal(head_value(a.head, "x-content-type-options"), "nosniff");
    assert_string_equal(head_value(a.head, "cache-control"), "no-store");
    assert_null(strstr(a.head, "vil"));
    assert_null(head_value(a.head, "x-nul"));
    answer_free(&a);
}

/* --- owners ------------------------------------------------------------------------------------------------------- */

static void test_route_removed_while_the_body_comes(void **state)
{
    struct web *w = *state;
    struct talk *t = talk_open(w);
    talk_ask(t, "PUT", "/v1/acme/things/1", READER "Content-Length: 5\r\n", NULL);
    talk_say(t, "he");
    for (int i = 0; w->http->body_bytes < 2 && i < TALK_TURNS; i++)
        talk_pump(t, 0);
    http_routes_remove(w->http, w);
    talk_say(t, "llo");
    struct answer a = talk_answer(t);
    assert_int_equal(a.status, 503);
    answer_free(&a);
    web_route(w, "PUT", "/v1/{org}/things/{id}", "token:read", 100, handle_echo, NULL);
    talk_ask(t, "PUT", "/v1/acme/things/1", READER "Content-Length: 5\r\n", NULL);
    talk_say(t, "he");
    for (int i = 0; w->http->body_bytes < 2 && i < TALK_TURNS; i++)
        talk_pump(t, 0);
    http_routes_remove(w->http, w);
    web_route(w, "PUT", "/v1/{org}/things/{id}", "token:read", 100, handle_echo, NULL);
    talk_say(t, "llo");
    a = talk_answer(t);
    assert_int_equal(a.status, 200);
    answer_free(&a);
    /* one that asks for more than the caller has shown */
    talk_ask(t, "PUT", "/v1/acme/things/1", READER "Content-Length: 5\r\n", NULL);
    talk_say(t, "he");
    for (int i = 0; w->http->body_bytes < 2 && i < TALK_TURNS; i++)
        talk_pump(t, 0);
    http_routes_remove(w->http, w);
    web_route(w, "PUT", "/v1/{org}/things/{id}", "token:admin", 100, handle_echo, NULL);
    talk_say(t, "llo");
    a = talk_answer(t);
    assert_int_equal(a.status, 503);
    answer_free(&a);
    talk_close(t);
}

static void test_owner_goes(void **state)
{
    struct web *w = *state;
    struct later l = {0};
    web_route(w, "GET", "/later", "none", 0, handle_later, &l);
    struct talk *t = talk_open(w);
    talk_ask(t, "GET", "/later", NULL, NULL);
    until_called(t, &l);
    assert_ptr_equal(http_request_owner(l.req), w);
    http_routes_remove(w->http, w);
    http_requests_drop(w->http, w);
    struct answer a = talk_answer(t);
    assert_int_equal(a.status, 503);
    answer_free(&a);
    talk_close(t);
}

/* --- slow clients ------------------------------------------------------------------------------------------------- */

static void test_slow_clients(void **state)
{
    static const char *const beginnings[] = {"", "GET /ec", "GET /echo HTTP/1.1\r\nHost: x\r\nX-",
                                             "POST /echo HTTP/1.1\r\nHost: "
                                             "x\r\nContent-Length: 50\r\n\r\nhalf",
                                             NULL};
    struct web *w = *state;
    struct talk *slow[8];
    size_t n = 0;
    for (; beginnings[n]; n++) {
        slow[n] = talk_open(w);
        talk_say(slow[n], beginnings[n]);
    }
    for (int i = 0; http_open_connections(w->http) < n && i < TALK_TURNS; i++)
        talk_pump(slow[0], 0);
    uint64_t now = clock_mono_ns(clock_real());
    http_sweep(w->http, now + 50000000000ull);
    struct talk *late = talk_open(w); /* opened now: its minute begins now */
    talk_ask(late, "GET", "/echo", NULL, NULL);
    struct answer a = talk_answer(late);
    assert_int_equal(a.status, 200);
    answer_free(&a);
    for (size_t i = 0; i < n; i++)
        assert_false(slow[i]->closed);
    http_sweep(w->http, now + 61000000000ull);
    for (size_t i = 0; i < n; i++) {
        assert_true(talk_ended(slow[i]));
        talk_close(slow[i]);
    }
    talk_close(late);
    for (int i = 0; http_open_connections(w->http) > 0 && i < TALK_TURNS; i++)
        web_wait(w);
    assert_int_equal(w->http->open_count, 0);
}

static void test_waiting_for_an_answer_is_not_slow(void **state)
{
    struct web *w = *state;
    struct later l = {0};
    web_route(w, "GET", "/later", "none", 0, handle_later, &l);
    struct talk *t = talk_open(w);
    talk_ask(t, "GET", "/later", NULL, NULL);
    until_called(t, &l);
    http_sweep(w->http, clock_mono_ns(clock_real()) + 3600000000000ull);
    http_respond(l.req, 200, "text/plain", STR("ok"), NULL, 0);
    struct answer a = talk_answer(t);
    assert_int_equal(a.status, 200);
    answer_free(&a);
    talk_close(t);
}

/* --- the control socket ------------------------------------------------------------------------------------------- */

static void test_control_socket(void **state)
{
    struct web *w = *state;
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    char address[200], bound[128];
    struct stat st;
    struct error err = {0};
    snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/control.sock", w->b->dir);
    snprintf(address, sizeof(address), "unix:%s", sa.sun_path);
    web_route(w, "GET", "/mine", "person", 0, handle_echo, NULL);
    web_route(w, "GET", "/v1/operate", "operator", 0, handle_echo, NULL);
    mode_t old = umask(0);
    assert_int_equal(http_listen(w->http, address, NULL, NULL, bound, &err), BELFRY_OK);
    umask(old);
    assert_int_equal(stat(sa.sun_path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    static const struct {
        const char *target;
        int status;
    } rows[] = {{"/v1/operate", 200}, {"/v1/acme/things/1", 200}, {"/v1/nobody/things/1", 404}, {"/mine", 403}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct talk *t = talk_to(w, (struct sockaddr *)&sa, sizeof(sa));
        talk_ask(t, "GET", rows[i].target, NULL, NULL);
        struct answer a = talk_answer(t);
        if (a.status != rows[i].status)
            fail_msg("%s: %d, expected %d", rows[i].target, a.status, rows[i].status);
        if (a.status == 200)
            assert_non_null(strstr(a.body, "\"who\":\"operator\""));
        answer_free(&a);
        talk_close(t);
    }
    assert_int_equal(ask_status(w, "GET", "/v1/operate", NULL, NULL), 401);
    memset(address + 5, 'x', 150);
    address[155] = '\0';
    assert_int_equal(http_listen(w->http, address, NULL, NULL, bound, &err), BELFRY_EINVAL);
    error_clear(&err);
}

/* --- addresses ---------------------------------------------------------------------------------------------------- */

static void test_addresses(void **state)
{
    struct web *w = *state;
    static const struct {
        const char *address;
        belfry_status status;
    } rows[] = {{"[::1]:0", BELFRY_OK},        {"localhost:0", BELFRY_OK},         {"nonsense", BELFRY_EINVAL},
                {"127.0.0.1:", BELFRY_EINVAL}, {"127.0.0.1:http2", BELFRY_EINVAL}, {"203.0.113.1:1", BELFRY_EIO}};
    char bound[128];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct error err = {0};
        belfry_status status = http_listen(w->http, rows[i].address, NULL, NULL, bound, &err);
        if (status != rows[i].status)
            fail_msg("%s: %d (%s)", rows[i].address, status, error_text(&err));
        assert_true(status == BELFRY_OK || err.count == 1);
        error_clear(&err);
    }
    struct error err = {0};
    char taken[64];
    snprintf(taken, sizeof(taken), "127.0.0.1:%d", w->port);
    assert_int_equal(http_listen(w->http, taken, NULL, NULL, bound, &err), BELFRY_EIO);
    assert_non_null(strstr(error_text(&err), "another process has the port"));
    error_clear(&err);
    assert_int_equal(http_listen(w->http, "127.0.0.1:0", "/nothing/cert.pem", "/nothing/key.pem", bound, &err),
                     BELFRY_EIO);
    error_clear(&err);
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static void on_stopped(void *arg)
{
    ((struct web *)arg)->stopped = 1;
}

static void test_stop_waits_for_answers(void **state)
{
    struct web *w = *state;
    struct later l = {0};
    web_route(w, "GET", "/later", "none", 0, handle_later, &l);
    struct talk *idle = talk_open(w), *t = talk_open(w);
    talk_ask(idle, "GET", "/echo", NULL, NULL);
    struct answer a = talk_answer(idle);
    answer_free(&a);
    talk_ask(t, "GET", "/later", NULL, NULL);
    until_called(t, &l);
    http_stop(w->http, 60000, on_stopped, w);
    for (int i = 0; i < 20; i++)
        talk_pump(t, 0);
    assert_int_equal(w->stopped, 0);
    talk_ask(idle, "GET", "/echo", NULL, NULL);
    a = talk_answer(idle);
    assert_true(a.status == 503 || a.status == 0);
    answer_free(&a);
    struct talk *fresh = talk_open(w);
    talk_ask(fresh, "GET", "/echo", NULL, NULL);
    a = talk_answer(fresh);
    assert_int_equal(a.status, 0);
    http_respond(l.req, 200, "text/plain", STR("done"), NULL, 0);
    a = talk_answer(t);
    assert_string_equal(a.body, "done");
    answer_free(&a);
    for (int i = 0; !w->stopped && i < TALK_TURNS; i++)
        talk_pump(t, 0);
    assert_int_equal(w->stopped, 1);
    talk_close(fresh);
    talk_close(idle);
    talk_close(t);
}

static void test_stop_does_not_wait_for_ever(void **state)
{
    struct web *w = *state;
    struct later l = {0};
    web_route(w, "GET", "/later", "none", 0, handle_later, &l);
    struct talk *t = talk_open(w);
    talk_ask(t, "GET", "/later", NULL, NULL);
    until_called(t, &l);
    http_stop(w->http, 20, on_stopped, w);
    for (int i = 0; !w->stopped && i < TALK_TURNS; i++)
        talk_pump(t, 0);
    assert_int_equal(w->stopped, 1);
    talk_close(t); /* the request is still suspended: teardown must end it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_paths, setup, teardown),
        cmocka_unit_test_setup_teardown(test_params_are_decoded_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ambiguous_framing_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_host, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_many_headers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_headers_that_do_not_fit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_body_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_chunks_over_the_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_endless_chunks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusal_before_the_body, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expect_continue, setup, teardown),
        cmocka_unit_test_setup_teardown(test_announced_too_much, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pending_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pipelined, setup, teardown),
        cmocka_unit_test_setup_teardown(test_answered_later, setup, teardown),
        cmocka_unit_test_setup_teardown(test_client_leaves_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_impossible_status, setup, teardown),
        cmocka_unit_test_setup_teardown(test_headers_cannot_be_injected, setup, teardown),
        cmocka_unit_test_setup_teardown(test_route_removed_while_the_body_comes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_owner_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_slow_clients, setup, teardown),
        cmocka_unit_test_setup_teardown(test_waiting_for_an_answer_is_not_slow, setup, teardown),
        cmocka_unit_test_setup_teardown(test_control_socket, setup, teardown),
        cmocka_unit_test_setup_teardown(test_addresses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop_waits_for_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop_does_not_wait_for_ever, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
