/* SPDX-License-Identifier: Apache-2.0 */
/* Waits with jitter, breaker and token bucket as tables of numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dispatch/internal.h"

#define DAY INT64_C(86400000)

static void test_waits(void **state)
{
    (void)state;
    static const int64_t standard[] = {5000,     300000,   1800000,  7200000, 18000000,
                                       36000000, 50400000, 72000000, 86400000};
    static const int64_t odd[] = {0, 500, 3 * DAY, -5};
    static const struct belfry_target_policy ten = {.attempts = 10, .waits_ms = standard},
                                             five = {.attempts = 5, .waits_ms = odd}, one = {.attempts = 1};
    static const struct {
        const struct belfry_target_policy *policy;
        uint32_t attempts;
        int64_t retry_after, low, high; /* low -1: no more */
    } rows[] = {{&ten, 1, 0, 5000, 6000},
                {&ten, 2, 0, 300000, 330000},
                {&ten, 9, 0, DAY, DAY + DAY / 10},
                {&ten, 10, 0, -1, -1},
                {&ten, 11, 0, -1, -1},
                {&ten, 0, 0, -1, -1},
                {&ten, 1, 4999, 5000, 6000},
                {&ten, 1, 60000, 60000, 66000},
                {&ten, 1, 99 * DAY, DAY, DAY + DAY / 10},
                {&ten, 10, 60000, -1, -1},
                {&ten, 1, -7, 5000, 6000},
                {&five, 1, 0, 0, 0},
                {&five, 2, 0, 500, 1500},
                {&five, 3, 0, DAY, DAY + DAY / 10},
                {&five, 4, 0, 0, 0},
                {&one, 1, 0, -1, -1}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t lowest = INT64_MAX, highest = INT64_MIN;
        for (uint64_t random = 0; random < 20000; random++) {
            uint64_t spread = random * UINT64_C(922337203685477) + (random == 0 ? 0 : 1);
            int64_t wait = dispatch_wait_ms(rows[i].policy, rows[i].attempts, rows[i].retry_after, spread);
            lowest = wait < lowest ? wait : lowest;
            highest = wait > highest ? wait : highest;
        }
        if (lowest < rows[i].low || highest > rows[i].high)
            fail_msg("row %zu: %lld .. %lld", i, (long long)lowest, (long long)highest);
        /* the whole width is used */
        assert_true(highest - lowest >= (rows[i].high - rows[i].low) * 9 / 10);
    }
    assert_int_equal(dispatch_wait_ms(&ten, 1, 0, 0), 5000);
    assert_int_equal(dispatch_wait_ms(&ten, 1, 0, 1000), 6000);
    assert_int_equal(dispatch_wait_ms(&ten, 1, 0, UINT64_MAX) <= 6000, 1);
}

static void test_breaker(void **state)
{
    (void)state;
    static const struct {
        const char *history; /* x failed, . good, each a second after the other */
        int open;
    } rows[] = {{"xxxxxxxxx", 0},           {"xxxxxxxxxx", 1},
                {".xxxxxxxxx", 1},          {"...xxxxxxx", 1},
                {"....xxxxxx", 0},          {"xxxxxx....", 0},
                {"x.x.x.x.x.x.x.", 0},      {"....xxxxxxxxxx", 1},
                {"..........xxxxxxxxx", 0}, {"..........xxxxxxxxxx", 1},
                {".....xxxxx.xxxxx", 0},    {"xxxxx.xxx.x", 1},
                {"..........", 0},          {"", 0}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct breaker b = {0};
        int64_t now = 1000000;
        for (const char *p = rows[i].history; *p && !b.open_until_ms; p++, now += 1000)
            breaker_note(&b, *p == 'x', now);
        if ((b.open_until_ms != 0) != rows[i].open)
            fail_msg("%s", rows[i].history);
        assert_int_equal(breaker_wait(&b, now), rows[i].open ? b.open_until_ms : 0);
    }
}

static void test_breaker_half_open(void **state)
{
    (void)state;
    struct breaker b = {0};
    for (int i = 0; i < 10; i++)
        breaker_note(&b, 1, 1000);
    assert_int_equal(b.open_until_ms, 31000);
    breaker_note(&b, 1, 20000); /* was under way when it opened */
    assert_int_equal(b.open_until_ms, 31000);
    assert_int_equal(breaker_wait(&b, 30999), 31000);
    assert_int_equal(breaker_wait(&b, 31000), 0);
    b.probing = 1;
    assert_int_equal(breaker_wait(&b, 31000), 32000); /* one at a time */
    breaker_note(&b, 1, 31500);
    assert_int_equal(breaker_wait(&b, 31500), 61500);
    assert_int_equal(breaker_wait(&b, 61500), 0);
    breaker_note(&b, 0, 61500);
    assert_int_equal(breaker_wait(&b, 61500), 0);
    for (int i = 0; i < 9; i++)
        breaker_note(&b, 1, 62000);
    assert_int_equal(b.open_until_ms, 0);
    breaker_note(&b, 1, 62000 + 300000); /* the five minutes are over: counted anew */
    assert_int_equal(b.open_until_ms, 0);
    breaker_note(&b, 1, 1000); /* the clock went back */
    assert_int_equal(b.open_until_ms, 0);
    for (int i = 0; i < 10; i++)
        breaker_note(&b, 1, 1000 + 3600000);
    assert_int_equal(breaker_wait(&b, 1000), 31000); /* set back while it is open: it rests no longer for that */
    assert_int_equal(breaker_wait(&b, 31000), 0);
}

static void test_bucket(void **state)
{
    (void)state;
    struct bucket none = {0}, slow = {.per_minute = 30}, fast = {.per_minute = 600};
    assert_int_equal(bucket_free(&none, 50, 0), 50);
    int64_t now = 1000000;
    assert_int_equal(bucket_free(&slow, 8, now), 1);
    bucket_take(&slow, 1);
    assert_int_equal(bucket_free(&slow, 8, now), 0);
    assert_true(bucket_next_ms(&slow, now) >= now + 2000 && bucket_next_ms(&slow, now) <= now + 2002);
    assert_int_equal(bucket_free(&slow, 8, now + 1999), 0);
    assert_int_equal(bucket_free(&slow, 8, bucket_next_ms(&slow, now + 1999)), 1);
    assert_int_equal(bucket_free(&slow, 8, now + 3600000), 1); /* nothing is saved up for later */
    assert_int_equal(bucket_free(&fast, 50, now), 10);
    bucket_take(&fast, 10);
    assert_int_equal(bucket_free(&fast, 50, now + 500), 5);
    assert_int_equal(bucket_free(&fast, 3, now + 500), 3);
    bucket_take(&fast, 5);
    assert_int_equal(bucket_free(&fast, 50, now - 100000), 0); /* the clock went back: no debt, no gift */
    assert_int_equal(bucket_free(&fast, 50, now - 99000), 10);
    /* over ten minutes the rate is kept to the minute */
    struct bucket b = {.per_minute = 90};
    uint32_t sent = 0;
    for (int64_t t = now; t < now + 600000; t += 37) {
        uint32_t n = bucket_free(&b, 8, t);
        bucket_take(&b, n);
        sent += n;
    }
    assert_true(sent >= 895 && sent <= 902);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits),
        cmocka_unit_test(test_breaker),
        cmocka_unit_test(test_breaker_half_open),
        cmocka_unit_test(test_bucket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
