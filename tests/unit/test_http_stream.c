/* SPDX-License-Identifier: Apache-2.0 */
/* Streams: first bytes at once, slow readers, clients that leave without a word, the end from either side. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http_fixture.h"

struct source {
    struct web *w;
    uint64_t request;
    int opened, drained, closed, refused;
    belfry_status begun;
};

static void on_drain(void *arg)
{
    ((struct source *)arg)->drained++;
}

static void on_closed(void *arg)
{
    struct source *s = arg;
    s->closed++;
    assert_null(http_request_find(s->w->http, s->request));
}

static void handle_stream(void *arg, struct http_request *req)
{
    struct source *s = arg;
    static const struct belfry_attr headers[] = {{{"X-Kind", 6}, {"test", 4}}};
    struct belfry_http_response head = {.struct_size = sizeof(head),
                                        .status = 200,
                                        .content_type = STR("text/event-stream"),
                                        .headers = headers,
                                        .header_count = 1};
    s->request = req->pub.id;
    s->opened++;
    s->begun = http_begin(req, &head, on_drain, on_closed, s);
}

static struct source *source;

static int setup(void **state)
{
    struct web *w = web_open("{}");
    source = xcalloc(1, sizeof(*source));
    source->w = w;
    web_route(w, "GET", "/stream", "none", 0, handle_stream, source);
    web_route(w, "GET", "/echo", "none", 0, handle_echo, NULL);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    web_close(*state);
    free(source);
    return 0;
}

static struct http_request *stream(void)
{
    return http_request_find(source->w->http, source->request);
}

static void until(struct talk *t, const char *text)
{
    for (int i = 0; (!t->in.len || !strstr(t->in.ptr, text)) && !t->closed && i < TALK_TURNS; i++) {
        talk_pump(t, POLLIN);
        talk_read(t);
    }
    if (!t->in.len || !strstr(t->in.ptr, text))
        fail_msg("`%s` did not come: %s", text, t->in.len ? t->in.ptr : "(nothing)");
}

static struct talk *open_stream(struct web *w)
{
    struct talk *t = talk_open(w);
    talk_ask(t, "GET", "/stream", NULL, NULL);
    until(t, "\r\n\r\n");
    return t;
}

static void until_closed(struct web *w)
{
    for (int i = 0; !source->closed && i < TALK_TURNS; i++)
        web_wait(w);
    assert_int_equal(source->closed, 1);
}

static void test_head_comes_at_once(void **state)
{
    struct talk *t = open_stream(*state);
    assert_string_equal(head_value(t->in.ptr, "content-type"), "text/event-stream");
    assert_string_equal(head_value(t->in.ptr, "x-kind"), "test");
    assert_string_equal(head_value(t->in.ptr, "x-accel-buffering"), "no");
    assert_string_equal(head_value(t->in.ptr, "cache-control"), "no-store");
    for (int i = 0; i < 3; i++) {
        char text[32];
        snprintf(text, sizeof(text), "data: %d\n\n", i);
        assert_int_equal(http_write(stream(), str_of(text)), BELFRY_OK);
        until(t, text);
    }
    http_end(stream());
    until(t, "\r\n0\r\n\r\n");
    until_closed(*state);
    t->in.len = 0;
    talk_ask(t, "GET", "/echo", NULL, NULL); /* and the connection goes on */
    struct answer a = talk_answer(t);
    assert_int_equal(a.status, 200);
    answer_free(&a);
    talk_close(t);
}

static void test_write_before_the_head_has_left(void **state)
{
    struct web *w = *state;
    struct talk *t = talk_open(w);
    talk_ask(t, "GET", "/stream", NULL, NULL);
    for (int i = 0; !source->opened && i < TALK_TURNS; i++)
        talk_pump(t, 0);
    http_write(stream(), STR("first"));
    http_end(stream());
    assert_int_equal(http_write(stream(), STR("late")), BELFRY_ECLOSED);
    until(t, "first\r\n0\r\n\r\n");
    talk_close(t);
    until_closed(w);
}

static void test_head_request(void **state)
{
    struct web *w = *state;
    struct talk *t = talk_open(w);
    talk_ask(t, "HEAD", "/stream", NULL, NULL);
    struct answer a = talk_answer_to(t, 1);
    assert_int_equal(a.status, 200);
    answer_free(&a);
    until_closed(w);
    assert_int_equal(source->begun, BELFRY_OK);
    talk_close(t);
}

static void test_http_1_0(void **state)
{
    struct talk *t = talk_open(*state);
    talk_say(t, "GET /stream HTTP/1.0\r\nHost: x\r\n\r\n");
    until(t, "\r\n\r\n");
    http_write(stream(), STR("all"));
    http_end(stream());
    assert_true(talk_ended(t));
    assert_non_null(strstr(t->in.ptr, "\r\n\r\nall"));
    assert_null(head_value(t->in.ptr, "transfer-encoding"));
    talk_close(t);
}

/* A stream is answered: nothing else may be. */
static void test_no_second_answer(void **state)
{
    struct talk *t = open_stream(*state);
    struct belfry_http_response head = {.struct_size = sizeof(head), .status = 200};
    http_respond(stream(), 200, "text/plain", STR("x"), NULL, 0);
    assert_int_equal(http_begin(stream(), &head, NULL, NULL, NULL), BELFRY_ECLOSED);
    http_write(stream(), STR("still here"));
    until(t, "still here");
    talk_close(t);
}

/* --- slow and gone ------------------------------------------------------------------------------------------------ */

static void fill(struct belfry_str block, int blocks, belfry_status *last)
{
    for (int i = 0; i < blocks; i++) {
        *last = http_write(stream(), block);
        web_turn(source->w);
    }
}

static void test_slow_reader(void **state)
{
    struct web *w = *state;
    static char block[64 * 1024];
    belfry_status last = BELFRY_OK;
    struct talk *t = talk_open(w);
    int small = 4096;
    setsockopt(t->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    talk_ask(t, "GET", "/stream", NULL, NULL);
    until(t, "\r\n\r\n");
    memset(block, 'x', sizeof(block));
    size_t sent = 0;
    for (int i = 0; last == BELFRY_OK && i < 200; i++) { /* the kernel takes some megabytes first */
        last = http_write(stream(), str_slice(block, sizeof(block)));
        sent += sizeof(block);
        web_turn(w);
        web_turn(w);
    }
    assert_int_equal(last, BELFRY_EAGAIN);
    assert_int_equal(source->drained, 0);
    size_t got = 0;
    for (int i = 0; !source->drained && i < TALK_TURNS; i++) {
        talk_pump(t, POLLIN);
        talk_read(t);
        got += t->in.len;
        t->in.len = 0;
    }
    assert_int_equal(source->drained, 1);
    assert_int_equal(source->closed, 0);
    http_end(stream());
    for (int i = 0; (!source->closed || got < sent) && i < TALK_TURNS; i++) {
        talk_pump(t, POLLIN);
        talk_read(t);
        got += t->in.len;
        t->in.len = 0;
    }
    assert_int_equal(source->closed, 1);
    assert_true(got >= sent); /* nothing was lost; chunks add a little */
    talk_close(t);
}

static void test_writer_that_does_not_listen_is_cut_off(void **state)
{
    struct web *w = *state;
    static char block[64 * 1024];
    belfry_status last = BELFRY_OK;
    struct talk *t = open_stream(w);
    memset(block, 'x', sizeof(block));
    for (int i = 0; last != BELFRY_ECLOSED && i < 1000; i++)
        fill(str_slice(block, sizeof(block)), 1, &last);
    assert_int_equal(last, BELFRY_ECLOSED);
    until_closed(w);
    talk_close(t);
}

static void test_gone_client_is_noticed_by_the_sweep(void **state)
{
    struct web *w = *state;
    struct talk *t = open_stream(w), *other = NULL;
    for (int i = 0; i < 20; i++)
        http_sweep(w->http, 0);
    web_turn(w);
    assert_int_equal(source->closed, 0);
    other = talk_open(w); /* a client that asks for more is not gone */
    talk_ask(other, "GET", "/echo", NULL, NULL);
    struct answer a = talk_answer(other);
    answer_free(&a);
    talk_close(other);
    talk_close(t);
    for (int i = 0; !source->closed && i < 200; i++) {
        http_sweep(w->http, 0);
        web_turn(w);
    }
    assert_int_equal(source->closed, 1);
    assert_int_equal(w->http->open_count, 0);
}

static void test_gone_client_is_noticed_by_writing(void **state)
{
    struct web *w = *state;
    struct talk *t = open_stream(w);
    talk_close(t);
    for (int i = 0; !source->closed && i < TALK_TURNS; i++) {
        struct http_request *req = stream();
        if (req)
            http_write(req, STR(":hb\n\n"));
        web_turn(w);
    }
    assert_int_equal(source->closed, 1);
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static void on_stopped(void *arg)
{
    ((struct web *)arg)->stopped = 1;
}

static void test_stop_ends_streams(void **state)
{
    struct web *w = *state;
    struct talk *t = open_stream(w);
    http_stop(w->http, 60000, on_stopped, w);
    for (int i = 0; !w->stopped && i < TALK_TURNS; i++) {
        talk_pump(t, POLLIN);
        talk_read(t);
    }
    assert_int_equal(w->stopped, 1);
    assert_int_equal(source->closed, 1);
    talk_close(t);
}

static void test_free_with_open_streams(void **state)
{
    struct talk *t = open_stream(*state);
    talk_close(t); /* teardown frees: libmicrohttpd aborts when a connection is still suspended */
}

static void test_owner_goes(void **state)
{
    struct web *w = *state;
    struct talk *t = open_stream(w);
    http_write(stream(), STR("bye"));
    http_routes_remove(w->http, w);
    http_requests_drop(w->http, w);
    until(t, "bye\r\n0\r\n\r\n");
    for (int i = 0; w->http->open_count > 0 && i < TALK_TURNS; i++)
        web_wait(w);
    assert_int_equal(source->closed, 0); /* nobody is left to be told */
    talk_close(t);
}

static void test_none_begins_while_stopping(void **state)
{
    struct web *w = *state;
    struct talk *t = talk_open(w);
    talk_ask(t, "GET", "/stream", "Content-Length: 0\r\n", NULL);
    w->http->stopping = 0;
    for (int i = 0; !source->opened && i < TALK_TURNS; i++) {
        talk_pump(t, 0);
    }
    assert_int_equal(source->begun, BELFRY_OK);
    w->http->stopping = 1;
    struct answer a = ask(w, "GET", "/stream", NULL, NULL);
    assert_int_equal(a.status, 503);
    answer_free(&a);
    talk_close(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_head_comes_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_write_before_the_head_has_left, setup, teardown),
        cmocka_unit_test_setup_teardown(test_head_request, setup, teardown),
        cmocka_unit_test_setup_teardown(test_http_1_0, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_second_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_slow_reader, setup, teardown),
        cmocka_unit_test_setup_teardown(test_writer_that_does_not_listen_is_cut_off, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gone_client_is_noticed_by_the_sweep, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gone_client_is_noticed_by_writing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop_ends_streams, setup, teardown),
        cmocka_unit_test_setup_teardown(test_free_with_open_streams, setup, teardown),
        cmocka_unit_test_setup_teardown(test_owner_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_none_begins_while_stopping, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
