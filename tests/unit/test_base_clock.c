/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks, RFC 3339 instants, durations. */
#include "base/clock.h"
#include "base/str.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define BASE INT64_C(1769846709123) /* 2026-01-31T08:05:09.123Z */

static void a_virtual_clock_stands_still(void **state)
{
    (void)state;
    struct clock_src *clock = clock_virtual_new(BASE);
    uint64_t mono = clock_mono_ns(clock);
    assert_true(clock_is_virtual(clock));
    assert_true(mono > 0);
    assert_int_equal(clock_now_ms(clock), BASE);
    assert_int_equal(clock_now_ms(clock), BASE);
    clock_advance(clock, 1500);
    assert_int_equal(clock_now_ms(clock), BASE + 1500);
    assert_int_equal(clock_mono_ns(clock) - mono, UINT64_C(1500000000));
    clock_set(clock, BASE + 2000);
    assert_int_equal(clock_mono_ns(clock) - mono, UINT64_C(2000000000));
    /* The wall may go back; the monotonic part never does. */
    clock_set(clock, BASE - 5000);
    assert_int_equal(clock_now_ms(clock), BASE - 5000);
    assert_int_equal(clock_mono_ns(clock) - mono, UINT64_C(2000000000));
    clock_advance(clock, -1);
    assert_int_equal(clock_now_ms(clock), BASE - 5001);
    assert_int_equal(clock_mono_ns(clock) - mono, UINT64_C(2000000000));
    /* Beyond what RFC 3339 can write it stops at the edge. */
    clock_advance(clock, INT64_MAX);
    assert_int_equal(clock_now_ms(clock), INT64_C(253402300799999));
    clock_set(clock, INT64_MIN);
    assert_int_equal(clock_now_ms(clock), INT64_C(-62167219200000));
    clock_free(clock);
    clock_free(NULL);
}

static void a_wall_that_is_set_is_noticed(void **state)
{
    static const struct {
        int64_t wall_ms, mono_ms, step, even_ms;
    } looks[] = {
        {BASE + 1000, 1000, 0, 1000},         {BASE + 5000, 2000, 0, 2000}, /* slewed */
        {BASE + 86405000, 3000, 86399000, 0}, {BASE + 86409000, 7000, 0, 4000},
        {BASE + 9000, 7500, -86400500, 0},    {BASE + 700000, 698500, 0, 691000},
    };
    (void)state;
    struct clock_watch watch;
    clock_watch_init(&watch, BASE, 0);
    assert_int_equal(clock_watch_even_ms(&watch), 0);
    for (size_t i = 0; i < COUNT(looks); i++) {
        assert_int_equal(clock_watch_look(&watch, looks[i].wall_ms, (uint64_t)looks[i].mono_ms * 1000000),
                         looks[i].step);
        assert_int_equal(clock_watch_even_ms(&watch), looks[i].even_ms);
    }
}

static void the_real_clock_moves_and_cannot_be_moved(void **state)
{
    (void)state;
    struct clock_src *clock = clock_real();
    assert_false(clock_is_virtual(clock));
    int64_t wall = clock_now_ms(clock);
    uint64_t mono = clock_mono_ns(clock);
    assert_true(wall > INT64_C(1600000000000));
    clock_set(clock, 5);
    clock_advance(clock, -100000000);
    assert_true(clock_now_ms(clock) >= wall - 1000);
    assert_true(clock_mono_ns(clock) >= mono);
    clock_free(clock); /* no-op */
    assert_ptr_equal(clock_real(), clock);
}

static void *advance_often(void *arg)
{
    for (int i = 0; i < 10000; i++)
        clock_advance(arg, 1);
    return NULL;
}

static void a_virtual_clock_moves_from_many_threads(void **state)
{
    (void)state;
    struct clock_src *clock = clock_virtual_new(BASE);
    uint64_t mono = clock_mono_ns(clock);
    pthread_t threads[4];
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, advance_often, clock), 0);
    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(clock_now_ms(clock), BASE + 40000);
    assert_int_equal(clock_mono_ns(clock) - mono, UINT64_C(40000000000));
    clock_free(clock);
}

#define BAD INT64_MIN

static const struct {
    const char *text;
    int64_t want;
} time_rows[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"1970-01-01T00:00:00.001Z", 1},
    {"1969-12-31T23:59:59.999Z", -1},
    {"2026-01-31T08:05:09.123Z", BASE},
    {"2026-01-31t08:05:09.123z", BASE},
    {"2026-01-31T09:05:09.123+01:00", BASE},
    {"2026-01-30T22:05:09.123-10:00", BASE},
    {"2026-01-31T13:50:09.123+05:45", BASE},
    {"2026-01-31T08:05:09.123-00:00", BASE}, /* unknown local offset, section 4.3 */
    {"2026-01-31T08:05:09.123+00:00", BASE},
    {"2026-01-31T08:05:09.1Z", BASE - 23},
    {"2026-01-31T08:05:09.12Z", BASE - 3},
    {"2026-01-31T08:05:09.1239999999999999999999Z", BASE}, /* cut, not rounded */
    {"2026-01-31T08:05:09Z", BASE - 123},
    {"1985-04-12T23:20:50.52Z", INT64_C(482196050520)}, /* the examples of section 5.8 */
    {"1996-12-19T16:39:57-08:00", INT64_C(851042397000)},
    {"1990-12-31T23:59:60Z", INT64_C(662688000000)},
    {"1990-12-31T15:59:60-08:00", INT64_C(662688000000)},
    {"1937-01-01T12:00:27.87+00:20", INT64_C(-1041337172130)},
    {"2016-12-31T23:59:60.500Z", INT64_C(1483228800500)},
    {"2015-06-30T23:59:60Z", INT64_C(1435708800000)},
    {"2024-02-29T00:00:00Z", INT64_C(1709164800000)},
    {"2000-02-29T00:00:00Z", INT64_C(951782400000)},
    {"0000-01-01T00:00:00Z", INT64_C(-62167219200000)},
    {"9999-12-31T23:59:59.999Z", INT64_C(253402300799999)},
    {"0000-02-29T12:00:00Z", INT64_C(-62162078400000)},
    {"2026-01-31T23:59:59+23:59", INT64_C(1769817659000)},
    {"", BAD},
    {"2026-01-31", BAD},
    {"2026-01-31T08:05:09", BAD}, /* no zone */
    {"2026-01-31 08:05:09Z", BAD},
    {"2026-01-31T08:05Z", BAD},
    {"2026-01-31T08:05:09.Z", BAD},
    {"2026-01-31T08:05:09,5Z", BAD},
    {"2026-01-31T08:05:09+0100", BAD},
    {"2026-01-31T08:05:09+01", BAD},
    {"2026-01-31T08:05:09+24:00", BAD},
    {"2026-01-31T08:05:09+01:60", BAD},
    {"2026-01-31T08:05:09Z ", BAD},
    {" 2026-01-31T08:05:09Z", BAD},
    {"2026-01-31T08:05:09ZZ", BAD},
    {"2026-01-31T24:00:00Z", BAD},
    {"2026-01-31T08:60:00Z", BAD},
    {"2026-01-31T08:05:61Z", BAD},
    {"2026-01-31T08:05:60Z", BAD},      /* a leap second in the middle of the day */
    {"2026-01-30T23:59:60Z", BAD},      /* of a day that is not the last of its month */
    {"1990-12-31T23:59:60-08:00", BAD}, /* not the last second in UTC */
    {"2023-02-29T00:00:00Z", BAD},
    {"1900-02-29T00:00:00Z", BAD},
    {"2026-04-31T00:00:00Z", BAD},
    {"2026-00-10T00:00:00Z", BAD},
    {"2026-13-10T00:00:00Z", BAD},
    {"2026-01-00T00:00:00Z", BAD},
    {"2026-01-32T00:00:00Z", BAD},
    {"26-01-31T08:05:09Z", BAD},
    {"02026-01-31T08:05:09Z", BAD},
    {"-026-01-31T08:05:09Z", BAD},
    {"+2026-01-31T08:05:09Z", BAD},
    {"2026-1-31T08:05:09Z", BAD},
    {"2026-01-31T8:05:09Z", BAD},
    {"20260131T080509Z", BAD},
    {"2026-01-31T08:05:09.12\xd9\xa1Z", BAD},
    {"9999-12-31T23:59:59-01:00", BAD}, /* year 10000 in UTC */
    {"0000-01-01T00:00:00+01:00", BAD},
};

static void reads_rfc_3339(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(time_rows); i++) {
        int64_t got = 77;
        belfry_status status = time_parse(str_of(time_rows[i].text), &got);
        int bad = time_rows[i].want == BAD;
        if (status != (bad ? BELFRY_EINVAL : BELFRY_OK) || got != (bad ? 77 : time_rows[i].want))
            fail_msg("%s: status %d, %lld", time_rows[i].text, status, (long long)got);
    }
    int64_t got;
    assert_int_equal(time_parse((struct belfry_str){0}, &got), BELFRY_EINVAL);
    assert_int_equal(time_parse(str_slice("2026-01-31T08:05:09\0Z", 21), &got), BELFRY_EINVAL);
}

static void writes_what_it_reads(void **state)
{
    (void)state;
    char text[TIME_TEXT_SIZE], want[64];
    /* A step that is prime to days, months and years, over all 10,000 years, against the C library's calendar. */
    for (int64_t ms = INT64_C(-62167219200000); ms < INT64_C(253402300800000); ms += INT64_C(7919000000007)) {
        int64_t again = 0, seconds = ms / 1000, rest = ms % 1000;
        if (rest < 0) {
            rest += 1000;
            seconds--;
        }
        time_t t = (time_t)seconds;
        struct tm tm;
        gmtime_r(&t, &tm);
        snprintf(want, sizeof(want), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1,
                 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)rest);
        time_format(ms, text);
        assert_string_equal(text, want);
        assert_int_equal(time_parse(str_of(text), &again), BELFRY_OK);
        assert_int_equal(again, ms);
    }
    time_format(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
    time_format(INT64_MIN, text);
    assert_string_equal(text, "0000-01-01T00:00:00.000Z");
}

static void reads_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;     /* BAD: refused */
        int32_t days;   /* when days are asked for */
        int64_t all_ms; /* when they are not */
    } rows[] = {
        {"0s", 0, 0, 0},
        {"1ms", 1, 0, 1},
        {"90s", 90000, 0, 90000},
        {"5m", 300000, 0, 300000},
        {"2h", 7200000, 0, 7200000},
        {"3d", 0, 3, 259200000},
        {"-3d", 0, -3, -259200000},
        {"2w", 0, 14, 1209600000},
        {"-15m", -900000, 0, -900000},
        {"007s", 7000, 0, 7000},
        {"9223372036854775807ms", INT64_MAX, 0, INT64_MAX},
        {"-9223372036854775808ms", INT64_MIN, 0, INT64_MIN},
        {"9223372036854775808ms", BAD, 0, 0},
        {"9223372036854775807s", BAD, 0, 0},
        {"99999999999999999d", BAD, 0, 0},
        {"", BAD, 0, 0},
        {"5", BAD, 0, 0},
        {"m", BAD, 0, 0},
        {"-m", BAD, 0, 0},
        {"--5m", BAD, 0, 0},
        {"+5m", BAD, 0, 0},
        {"5 m", BAD, 0, 0},
        {" 5m", BAD, 0, 0},
        {"5m ", BAD, 0, 0},
        {"5M", BAD, 0, 0},
        {"1.5h", BAD, 0, 0},
        {"1h30m", BAD, 0, 0},
        {"5min", BAD, 0, 0},
        {"5us", BAD, 0, 0},
        {"5y", BAD, 0, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t ms = 77, all = 77;
        int32_t days = 77;
        int bad = rows[i].all_ms == 0 && rows[i].ms == BAD;
        belfry_status status = duration_parse(str_of(rows[i].text), &ms, &days);
        belfry_status plain = duration_parse(str_of(rows[i].text), &all, NULL);
        if (bad ? status != BELFRY_EINVAL || plain != BELFRY_EINVAL
                : status != BELFRY_OK || ms != rows[i].ms || days != rows[i].days || all != rows[i].all_ms)
            fail_msg("%s: %d, %lld ms, %d days, or %lld ms", rows[i].text, status, (long long)ms, days, (long long)all);
    }
    int64_t ms;
    int32_t days;
    /* Fits milliseconds, but not a number of days. */
    assert_int_equal(duration_parse(STR("3000000000d"), &ms, &days), BELFRY_EINVAL);
    assert_int_equal(duration_parse((struct belfry_str){0}, &ms, NULL), BELFRY_EINVAL);
}

static void writes_durations_in_the_largest_unit(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *want;
    } rows[] = {
        {0, "0s"},         {1, "1ms"},       {1500, "1500ms"},   {1000, "1s"},     {90000, "90s"},
        {300000, "5m"},    {3600000, "1h"},  {5400000, "90m"},   {86400000, "1d"}, {90000000, "25h"},
        {604800000, "1w"}, {-300000, "-5m"}, {864000000, "10d"}, {-1, "-1ms"},     {INT64_MAX, "9223372036854775807ms"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[32];
        int64_t again;
        assert_ptr_equal(duration_format(rows[i].ms, text), text);
        assert_string_equal(text, rows[i].want);
        assert_int_equal(duration_parse(str_of(text), &again, NULL), BELFRY_OK);
        assert_int_equal(again, rows[i].ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_virtual_clock_stands_still),
        cmocka_unit_test(a_wall_that_is_set_is_noticed),
        cmocka_unit_test(the_real_clock_moves_and_cannot_be_moved),
        cmocka_unit_test(a_virtual_clock_moves_from_many_threads),
        cmocka_unit_test(reads_rfc_3339),
        cmocka_unit_test(writes_what_it_reads),
        cmocka_unit_test(reads_durations),
        cmocka_unit_test(writes_durations_in_the_largest_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
