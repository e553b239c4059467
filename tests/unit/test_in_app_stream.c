/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream whose client reads slowly, or not at all: what is written for it is bounded, and what it reads in the end is
 * the newest. The host is a few functions here: what they were called with is what is tested.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../plugins/in-app/in_app.h"

#define REQUEST 7
#define SUBSCRIPTION 70
#define TIMER 700

/* The host's side of one stream. */
static struct {
    char out[4096];
    size_t len;
    int slow, ended, subscribed, ticking, stopped;
    uint32_t problem;
    belfry_status subscribe, begin;
    void (*hint)(void *arg, int64_t rev, uint64_t unread);
    void (*drain)(void *arg);
    void (*closed)(void *arg);
    void (*tick)(void *arg);
    void *arg, *tick_arg;
} world;

static belfry_status begin(const struct belfry_host *host, uint64_t request, const struct belfry_http_response *head,
                           void (*drain)(void *arg), void (*closed)(void *arg), void *arg)
{
    (void)host, (void)request, (void)head, (void)arg;
    world.drain = drain;
    world.closed = closed;
    return world.begin;
}

static belfry_status write_(const struct belfry_host *host, uint64_t request, struct belfry_str data)
{
    (void)host;
    assert_int_equal(request, REQUEST);
    assert_false(world.ended);
    assert_true(world.len + data.len < sizeof(world.out));
    memcpy(world.out + world.len, data.ptr, data.len);
    world.len += data.len;
    world.out[world.len] = '\0';
    return world.slow ? BELFRY_EAGAIN : BELFRY_OK;
}

static void end(const struct belfry_host *host, uint64_t request)
{
    (void)host, (void)request;
    world.ended = 1;
}

static void problem(const struct belfry_host *host, uint64_t request, uint32_t status, const char *pointer,
                    struct belfry_str detail)
{
    (void)host, (void)request, (void)pointer, (void)detail;
    world.problem = status;
}

static belfry_status subscribe(const struct belfry_http_request *req,
                               void (*fn)(void *arg, int64_t rev, uint64_t unread), void *arg, uint64_t *id)
{
    (void)req;
    world.hint = fn;
    world.arg = arg;
    world.subscribed = world.subscribe == BELFRY_OK;
    *id = world.subscribed ? SUBSCRIPTION : 0;
    return world.subscribe;
}

static void unsubscribe(const struct belfry_host *host, uint64_t id)
{
    (void)host;
    assert_int_equal(id, SUBSCRIPTION);
    assert_true(world.subscribed);
    world.subscribed = 0;
}

static belfry_status timer_start(const struct belfry_host *host, int64_t delay_ms, int64_t repeat_ms,
                                 void (*fn)(void *arg), void *arg, uint64_t *id)
{
    (void)host;
    assert_int_equal(delay_ms, 25000);
    assert_int_equal(repeat_ms, 25000);
    world.tick = fn;
    world.tick_arg = arg;
    world.ticking = 1;
    *id = TIMER;
    return BELFRY_OK;
}

static void timer_stop(const struct belfry_host *host, uint64_t id)
{
    (void)host;
    assert_int_equal(id, TIMER);
    world.ticking = 0;
}

static void stopped(const struct belfry_host *host)
{
    (void)host;
    world.stopped = 1;
}

static const struct belfry_http_route_api http = {
    .struct_size = sizeof(http), .begin = begin, .write = write_, .end = end, .problem = problem};
static const struct belfry_inbox_api inbox = {
    .struct_size = sizeof(inbox), .subscribe = subscribe, .unsubscribe = unsubscribe};
static const struct belfry_timer_api timer = {.struct_size = sizeof(timer), .start = timer_start, .stop = timer_stop};
static const struct belfry_host host = {.struct_size = sizeof(host), .stopped = stopped};

static struct in_app app;

static void ask(belfry_status subscribed, belfry_status begun)
{
    memset(&world, 0, sizeof(world));
    world.subscribe = subscribed;
    world.begin = begun;
    app = (struct in_app){.host = &host, .http = &http, .inbox = &inbox, .timer = &timer};
    api_stream(&app, &(struct belfry_http_request){.struct_size = sizeof(struct belfry_http_request), .id = REQUEST});
}

/* What was written since the last look. */
static const char *written(void)
{
    static char copy[sizeof(world.out)];
    memcpy(copy, world.out, world.len);
    copy[world.len] = '\0';
    world.len = 0;
    return copy;
}

/* The client is gone; nothing of its stream is left. */
static void leave(void)
{
    world.closed(world.arg);
    assert_false(world.subscribed);
    assert_false(world.ticking);
    assert_null(app.streams);
}

static void test_who_reads_gets_each_hint_and_a_beat(void **state)
{
    (void)state;
    ask(BELFRY_OK, BELFRY_OK);
    assert_string_equal(written(), "retry: 5000\n\n");
    world.hint(world.arg, 8, 3);
    assert_string_equal(written(), "event: rev\nid: 8\ndata: {\"rev\":8,\"unread\":3}\n\n");
    world.tick(world.tick_arg);
    assert_string_equal(written(), ":hb\n\n");
    leave();
}

static void test_who_does_not_read_costs_nothing_more_and_gets_the_newest_in_the_end(void **state)
{
    (void)state;
    ask(BELFRY_OK, BELFRY_OK);
    world.slow = 1;
    world.hint(world.arg, 1, 1);
    written();
    for (int64_t rev = 2; rev <= 100000; rev++) {
        world.hint(world.arg, rev, (uint64_t)rev);
        world.tick(world.tick_arg);
    }
    assert_string_equal(written(), "");
    world.slow = 0;
    world.drain(world.arg);
    assert_string_equal(written(), "event: rev\nid: 100000\ndata: {\"rev\":100000,\"unread\":100000}\n\n");
    world.drain(world.arg);
    assert_string_equal(written(), "");
    leave();
}

static void test_the_last_word_is_said_to_a_slow_client_too(void **state)
{
    (void)state;
    ask(BELFRY_OK, BELFRY_OK);
    world.slow = 1;
    world.hint(world.arg, 1, 1);
    world.hint(world.arg, 2, 2);
    written();
    world.hint(world.arg, -1, 0);
    assert_string_equal(written(), "event: bye\ndata: {}\n\n");
    assert_true(world.ended);
    assert_false(world.subscribed);
    world.drain(world.arg); /* nothing follows it */
    world.tick(world.tick_arg);
    assert_string_equal(written(), "");
    leave();
}

static void test_what_could_not_be_opened_leaves_nothing(void **state)
{
    (void)state;
    ask(BELFRY_ELIMIT, BELFRY_OK);
    assert_int_equal(world.problem, 429);
    assert_null(app.streams);
    assert_false(world.ticking);
    ask(BELFRY_OK, BELFRY_ECLOSED);
    assert_int_equal(world.problem, 503);
    assert_false(world.subscribed);
    assert_null(app.streams);
}

/* The instance has stopped when the last client is gone, not before. */
static void test_stop(void **state)
{
    (void)state;
    ask(BELFRY_OK, BELFRY_OK);
    written();
    app.stopping = 1;
    streams_stop(&app);
    assert_string_equal(written(), "event: bye\ndata: {}\n\n");
    assert_false(world.stopped);
    leave();
    assert_true(world.stopped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_reads_gets_each_hint_and_a_beat),
        cmocka_unit_test(test_who_does_not_read_costs_nothing_more_and_gets_the_newest_in_the_end),
        cmocka_unit_test(test_the_last_word_is_said_to_a_slow_client_too),
        cmocka_unit_test(test_what_could_not_be_opened_leaves_nothing),
        cmocka_unit_test(test_stop),
    };
    return cmocka_run_group_tests_name("in_app_stream", tests, NULL, NULL);
}
