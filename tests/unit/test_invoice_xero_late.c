/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Xero waits 5 seconds for an answer. Here the ledger is as slow as the test says: what is submitted is answered when
 * the test answers it, and the timer rings when the test rings it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../plugins/invoice/xero.h"

/* Key and body of test_invoice_xero_parts.c. */
#define BODY "{\"events\":[],\"lastEventSequence\":0,\"firstEventSequence\":0,\"entropy\":\"S0m3r4Nd0mt3xt\"}"
#define SIGNATURE "qAYGQdoiCV3g0uAzbvP5M/6dDgNoDUK8EQfOLs1aIws="

static struct {
    void (*done)(void *arg, belfry_status status, struct belfry_str message);
    void *done_arg;
    void (*ring)(void *arg);
    void *ring_arg;
    int64_t after_ms;
    uint32_t answers[4];
    size_t answer_count;
} seen;

static belfry_status submit(const struct belfry_host *host, const struct belfry_submission *trigger,
                            void (*done)(void *arg, belfry_status status, struct belfry_str message), void *arg)
{
    (void)host;
    (void)trigger;
    seen.done = done;
    seen.done_arg = arg;
    return BELFRY_OK;
}

static belfry_status start(const struct belfry_host *host, int64_t delay_ms, int64_t repeat_ms, void (*fn)(void *arg),
                           void *arg, uint64_t *id)
{
    (void)host;
    assert_int_equal(repeat_ms, 0);
    seen.after_ms = delay_ms;
    seen.ring = fn;
    seen.ring_arg = arg;
    *id = 7;
    return BELFRY_OK;
}

static void stop(const struct belfry_host *host, uint64_t id)
{
    (void)host;
    assert_int_equal(id, 7);
    seen.ring = NULL;
}

static void respond(const struct belfry_host *host, uint64_t request, const struct belfry_http_response *response)
{
    (void)host;
    assert_int_equal(request, 5);
    assert_true(seen.answer_count < sizeof(seen.answers) / sizeof(seen.answers[0]));
    assert_int_equal(response->body.len, 0);
    seen.answers[seen.answer_count++] = response->status;
}

static struct belfry_str header(const struct belfry_http_request *req, const char *name)
{
    (void)req;
    return belfry_str(strcmp(name, "x-xero-signature") == 0 ? SIGNATURE : "");
}

static const void *extension(const struct belfry_host *host, const char *id)
{
    static const struct belfry_http_route_api route = {
        .struct_size = sizeof(route), .respond = respond, .header = header};
    static const struct belfry_timer_api timer = {.struct_size = sizeof(timer), .start = start, .stop = stop};
    (void)host;
    return strcmp(id, BELFRY_EXT_HTTP_ROUTE) == 0 ? (const void *)&route
           : strcmp(id, BELFRY_EXT_TIMER) == 0    ? (const void *)&timer
                                                  : NULL;
}

static void drop(const struct belfry_host *host, uint32_t level, const char *line)
{
    (void)host;
    (void)level;
    (void)line;
}

static const struct belfry_host host = {
    .struct_size = sizeof(host), .get_extension = extension, .log = drop, .submit = submit};
static const struct xero_config config = {.signing_key = "test-webhook-key"};

static struct xero *called(void)
{
    const struct belfry_http_request request = {
        .struct_size = sizeof(request), .id = 5, .org = belfry_str("acme"), .body = belfry_str(BODY)};
    memset(&seen, 0, sizeof(seen));
    struct xero *x = xero_new(&host, &config);
    xero_webhook(x, &request);
    assert_int_equal(seen.answer_count, 0);
    assert_non_null(seen.ring);
    assert_true(seen.after_ms < 5000);
    return x;
}

static void what_is_on_disk_in_time_is_200_and_no_timer_is_left(void **state)
{
    (void)state;
    struct xero *x = called();
    seen.done(seen.done_arg, BELFRY_OK, belfry_str(""));
    assert_int_equal(seen.answer_count, 1);
    assert_int_equal(seen.answers[0], 200);
    assert_null(seen.ring);
    xero_free(x);
}

static void what_is_late_is_503_once_whatever_comes_of_it(void **state)
{
    static const belfry_status outcomes[] = {BELFRY_OK, BELFRY_EAGAIN, BELFRY_EINVAL};
    (void)state;
    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
        struct xero *x = called();
        seen.ring(seen.ring_arg);
        assert_int_equal(seen.answer_count, 1);
        assert_int_equal(seen.answers[0], 503);
        seen.done(seen.done_arg, outcomes[i], belfry_str(""));
        assert_int_equal(seen.answer_count, 1);
        xero_free(x);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_on_disk_in_time_is_200_and_no_timer_is_left),
        cmocka_unit_test(what_is_late_is_503_once_whatever_comes_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
