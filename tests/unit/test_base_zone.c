/* SPDX-License-Identifier: Apache-2.0 */
/* Dates, and what clocks show: changes of clocks both ways, a day that never was, zones off by half an hour. */
#include "base/clock.h"
#include "base/date.h"
#include "base/str.h"
#include "base/zone.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define HM(h, m) ((h)*60 + (m))

static int64_t at(const char *text)
{
    int64_t ms;
    if (time_parse(str_of(text), &ms) != BELFRY_OK)
        fail_msg("bad time %s", text);
    return ms;
}

static struct belfry_date date(const char *text)
{
    struct belfry_date out = {0};
    if (date_parse(str_of(text), &out) != BELFRY_OK)
        fail_msg("bad date %s", text);
    return out;
}

static void a_date_is_a_date(void **state)
{
    static const struct {
        const char *text;
        int ok;
    } rows[] = {
        {"2026-01-31", 1},    {"2024-02-29", 1}, {"2000-02-29", 1},  {"0001-01-01", 1}, {"9999-12-31", 1},
        {"2026-02-29", 0},    {"1900-02-29", 0}, {"2026-04-31", 0},  {"2026-00-10", 0}, {"2026-13-01", 0},
        {"2026-01-00", 0},    {"0000-01-01", 0}, {"2026-1-31", 0},   {"2026-01-3", 0},  {"2026/01/31", 0},
        {"+026-01-31", 0},    {" 026-01-31", 0}, {"2026-01-31Z", 0}, {"", 0},           {"2026-01-31T00:00:00Z", 0},
        {"2026-01-3\xc3", 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct belfry_date out;
        if ((date_parse(str_of(rows[i].text), &out) == BELFRY_OK) != rows[i].ok)
            fail_msg("%s", rows[i].text);
    }
}

static void days_are_added(void **state)
{
    static const struct {
        const char *date;
        int32_t days;
        const char *sum; /* NULL: refused */
    } rows[] = {
        {"2026-01-31", 1, "2026-02-01"}, {"2026-03-01", -1, "2026-02-28"},  {"2024-03-01", -1, "2024-02-29"},
        {"2026-01-31", 0, "2026-01-31"}, {"2025-12-31", 365, "2026-12-31"}, {"1582-10-04", 1, "1582-10-05"},
        {"9999-12-30", 1, "9999-12-31"}, {"9999-12-31", 1, NULL},           {"0001-01-01", -1, NULL},
        {"2026-01-01", INT32_MAX, NULL}, {"2026-01-01", INT32_MIN, NULL},   {"0001-01-01", 3652058, "9999-12-31"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct belfry_date from = date(rows[i].date), sum;
        belfry_status status = date_add(&from, rows[i].days, &sum);
        if (!rows[i].sum) {
            assert_int_equal(status, BELFRY_EINVAL);
            continue;
        }
        struct belfry_date wanted = date(rows[i].sum);
        assert_int_equal(status, BELFRY_OK);
        if (memcmp(&sum, &wanted, sizeof(sum)) != 0)
            fail_msg("%s + %d is %d-%d-%d", rows[i].date, rows[i].days, sum.year, sum.month, sum.day);
    }
    struct belfry_date none = {2026, 2, 30}, sum;
    assert_int_equal(date_add(&none, 1, &sum), BELFRY_EINVAL);
}

static void every_day_of_the_calendar(void **state)
{
    (void)state;
    struct belfry_date day = {1, 1, 1};
    int64_t number = date_to_days(1, 1, 1);
    assert_int_equal(date_to_days(1970, 1, 1), 0);
    for (size_t count = 0; count < 3652058; count++) {
        struct belfry_date next = date_from_days(++number);
        int ends = day.day == date_days_in_month(day.year, day.month);
        if (next.day != (ends ? 1 : day.day + 1) || next.month != (ends ? day.month % 12 + 1 : day.month) ||
            next.year != day.year + (ends && day.month == 12) ||
            date_to_days(next.year, next.month, next.day) != number)
            fail_msg("after %d-%d-%d", day.year, day.month, day.day);
        day = next;
    }
    assert_int_equal(day.year * 10000 + day.month * 100 + day.day, 99991231);
}

struct shown {
    const char *name, *zone, *date;
    int32_t minute;
    const char *first, *last; /* last NULL: the same */
};

static const struct shown shown_rows[] = {
    {"winter", "Europe/Berlin", "2026-01-12", HM(9, 0), "2026-01-12T08:00:00Z", NULL},
    {"summer", "Europe/Berlin", "2026-07-12", HM(9, 0), "2026-07-12T07:00:00Z", NULL},
    {"UTC", "UTC", "2026-07-12", HM(9, 0), "2026-07-12T09:00:00Z", NULL},
    {"midnight", "Europe/Berlin", "2026-07-12", 0, "2026-07-11T22:00:00Z", NULL},
    {"the last minute", "Europe/Berlin", "2026-07-12", HM(23, 59), "2026-07-12T21:59:00Z", NULL},

    {"before the gap", "Europe/Berlin", "2026-03-29", HM(1, 59), "2026-03-29T00:59:00Z", NULL},
    {"the gap's first", "Europe/Berlin", "2026-03-29", HM(2, 0), "2026-03-29T01:00:00Z", NULL},
    {"in the gap", "Europe/Berlin", "2026-03-29", HM(2, 30), "2026-03-29T01:00:00Z", NULL},
    {"the gap's last", "Europe/Berlin", "2026-03-29", HM(2, 59), "2026-03-29T01:00:00Z", NULL},
    {"after the gap", "Europe/Berlin", "2026-03-29", HM(3, 0), "2026-03-29T01:00:00Z", NULL},
    {"a minute after", "Europe/Berlin", "2026-03-29", HM(3, 1), "2026-03-29T01:01:00Z", NULL},

    {"before it repeats", "Europe/Berlin", "2026-10-25", HM(1, 59), "2026-10-24T23:59:00Z", NULL},
    {"the first that repeats", "Europe/Berlin", "2026-10-25", HM(2, 0), "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"},
    {"repeats", "Europe/Berlin", "2026-10-25", HM(2, 30), "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"},
    {"the last that repeats", "Europe/Berlin", "2026-10-25", HM(2, 59), "2026-10-25T00:59:00Z", "2026-10-25T01:59:00Z"},
    {"after it repeated", "Europe/Berlin", "2026-10-25", HM(3, 0), "2026-10-25T02:00:00Z", NULL},

    {"west: in the gap", "America/New_York", "2026-03-08", HM(2, 15), "2026-03-08T07:00:00Z", NULL},
    {"west: repeats", "America/New_York", "2026-11-01", HM(1, 15), "2026-11-01T05:15:00Z", "2026-11-01T06:15:00Z"},
    {"south: in the gap", "Australia/Sydney", "2026-10-04", HM(2, 15), "2026-10-03T16:00:00Z", NULL},
    {"south: repeats", "Australia/Sydney", "2026-04-05", HM(2, 15), "2026-04-04T15:15:00Z", "2026-04-04T16:15:00Z"},
    {"midnight is in the gap", "Africa/Cairo", "2026-04-24", 0, "2026-04-23T22:00:00Z", NULL},
    {"midnight repeats", "America/Havana", "2026-11-01", HM(0, 30), "2026-11-01T04:30:00Z", "2026-11-01T05:30:00Z"},

    {"a day that never was", "Pacific/Apia", "2011-12-30", HM(9, 0), "2011-12-30T10:00:00Z", NULL},
    {"its last minute", "Pacific/Apia", "2011-12-30", HM(23, 59), "2011-12-30T10:00:00Z", NULL},
    {"the day before", "Pacific/Apia", "2011-12-29", HM(9, 0), "2011-12-29T19:00:00Z", NULL},
    {"the day after", "Pacific/Apia", "2011-12-31", HM(9, 0), "2011-12-30T19:00:00Z", NULL},

    {"half an hour", "Asia/Kolkata", "2026-06-01", HM(9, 0), "2026-06-01T03:30:00Z", NULL},
    {"three quarters", "Asia/Kathmandu", "2026-06-01", HM(9, 0), "2026-06-01T03:15:00Z", NULL},
    {"half an hour west", "America/St_Johns", "2026-06-01", HM(9, 0), "2026-06-01T11:30:00Z", NULL},
    {"a gap of half an hour", "Australia/Lord_Howe", "2026-10-04", HM(2, 15), "2026-10-03T15:30:00Z", NULL},
    {"after half an hour", "Australia/Lord_Howe", "2026-10-04", HM(2, 30), "2026-10-03T15:30:00Z", NULL},
    {"half an hour repeats", "Australia/Lord_Howe", "2026-04-05", HM(1, 45), "2026-04-04T14:45:00Z",
     "2026-04-04T15:15:00Z"},
    {"only half an hour", "Australia/Lord_Howe", "2026-04-05", HM(1, 15), "2026-04-04T14:15:00Z", NULL},
    {"an old name", "Asia/Calcutta", "2026-06-01", HM(9, 0), "2026-06-01T03:30:00Z", NULL},
    {"long ago", "UTC", "0001-01-01", 0, "0001-01-01T00:00:00Z", NULL},
    {"far ahead", "UTC", "9999-12-31", HM(23, 59), "9999-12-31T23:59:00Z", NULL},
};

static void check_shown(void)
{
    for (size_t i = 0; i < COUNT(shown_rows); i++) {
        const struct shown *row = &shown_rows[i];
        struct belfry_date day = date(row->date);
        char first[TIME_TEXT_SIZE], last[TIME_TEXT_SIZE];
        int64_t found[2], wanted[2] = {at(row->first), at(row->last ? row->last : row->first)};
        assert_int_equal(zone_instant(str_of(row->zone), &day, row->minute, ZONE_FIRST, &found[0]), BELFRY_OK);
        assert_int_equal(zone_instant(str_of(row->zone), &day, row->minute, ZONE_LAST, &found[1]), BELFRY_OK);
        if (found[0] != wanted[0] || found[1] != wanted[1]) {
            time_format(found[0], first);
            time_format(found[1], last);
            fail_msg("%s: %s %d in %s is %s or %s", row->name, row->date, row->minute, row->zone, first, last);
        }
        int64_t again;
        assert_int_equal(zone_calendar_api.instant(str_of(row->zone), &day, row->minute, &again), BELFRY_OK);
        assert_int_equal(again, wanted[0]);
    }
}

static void plugins_read_and_write_instants(void **state)
{
    (void)state;
    char text[BELFRY_TIME_SIZE];
    int64_t ms;
    assert_int_equal(zone_calendar_api.parse_time(str_of("2026-01-31T09:00:00.250+01:00"), &ms), BELFRY_OK);
    zone_calendar_api.format_time(ms, text);
    assert_string_equal(text, "2026-01-31T08:00:00.250Z");
    assert_int_equal(zone_calendar_api.parse_time(str_of("2026-01-31"), &ms), BELFRY_EINVAL);
}

static void clocks_show_a_time_of_day(void **state)
{
    (void)state;
    check_shown();
}

/* Whatever the instant: what clocks show then leads back to it, or to the first time that they showed it. */
static void what_is_shown_leads_back(void **state)
{
    static const char *const zones[] = {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
                                        "Pacific/Apia",  "Asia/Kathmandu",   "UTC"};
    (void)state;
    for (size_t i = 0; i < COUNT(zones); i++) {
        int64_t before = INT64_MIN;
        for (int64_t now = at("2011-12-01T00:00:00Z"); now < at("2013-01-01T00:00:00Z"); now += 13 * 60000) {
            struct belfry_date day;
            int32_t minute;
            int64_t first, last;
            assert_int_equal(zone_local(str_of(zones[i]), now, &day, &minute), BELFRY_OK);
            assert_int_equal(zone_instant(str_of(zones[i]), &day, minute, ZONE_FIRST, &first), BELFRY_OK);
            assert_int_equal(zone_instant(str_of(zones[i]), &day, minute, ZONE_LAST, &last), BELFRY_OK);
            if (now != first && now != last)
                fail_msg("%s at %lld: %lld, %lld", zones[i], (long long)now, (long long)first, (long long)last);
            int64_t number = date_to_days(day.year, day.month, day.day);
            if (number < before)
                fail_msg("a date went back in %s at %lld", zones[i], (long long)now);
            before = number;
        }
    }
}

/* What a page offers: each is a zone, once, in order, and none is an abbreviation. */
static void the_names_are_zones(void **state)
{
    (void)state;
    struct belfry_strs names;
    int berlin = 0;
    zone_names(&names);
    assert_true(names.count > 300);
    for (size_t i = 0; i < names.count; i++) {
        assert_true(zone_exists(names.items[i]));
        assert_true(i == 0 || str_cmp(names.items[i - 1], names.items[i]) < 0);
        berlin |= str_eqz(names.items[i], "Europe/Berlin");
    }
    assert_true(berlin);
}

static void what_is_not_there_is_refused(void **state)
{
    static const char *const zones[] = {"",
                                        "Mars/Base",
                                        "europe/berlin ",
                                        "\xff",
                                        "Europe/Berlin and more than there is room for in any name of a time zone",
                                        "Etc/Unknown"};
    (void)state;
    struct belfry_date day = {2026, 2, 28}, none = {2026, 2, 29}, out;
    int64_t ms;
    int32_t minute;
    for (size_t i = 0; i < COUNT(zones); i++) {
        assert_false(zone_exists(str_of(zones[i])));
        assert_int_equal(zone_instant(str_of(zones[i]), &day, 0, ZONE_FIRST, &ms), BELFRY_EINVAL);
        assert_int_equal(zone_local(str_of(zones[i]), 0, &out, &minute), BELFRY_EINVAL);
    }
    assert_false(zone_exists(str_slice("UTC\0UTC", 7)));
    assert_true(zone_exists(STR("UTC")));
    assert_int_equal(zone_instant(STR("UTC"), &none, 0, ZONE_FIRST, &ms), BELFRY_EINVAL);
    assert_int_equal(zone_instant(STR("UTC"), &day, -1, ZONE_FIRST, &ms), BELFRY_EINVAL);
    assert_int_equal(zone_instant(STR("UTC"), &day, 1440, ZONE_FIRST, &ms), BELFRY_EINVAL);
    assert_int_equal(zone_local(STR("UTC"), at("9999-12-31T23:59:59Z"), &out, NULL), BELFRY_OK);
    assert_int_equal(zone_local(STR("Asia/Tokyo"), at("9999-12-31T23:59:59Z"), &out, NULL), BELFRY_EINVAL);
    assert_int_equal(zone_local(STR("UTC"), INT64_MAX, &out, NULL), BELFRY_EINVAL);
    assert_int_equal(zone_local(STR("UTC"), INT64_MIN, &out, NULL), BELFRY_EINVAL);
}

static void *check_elsewhere(void *arg)
{
    check_shown();
    return arg;
}

/* Each thread keeps a calendar of its own. */
static void any_thread_may_ask(void **state)
{
    pthread_t threads[4];
    (void)state;
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, check_elsewhere, NULL), 0);
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_date_is_a_date),
        cmocka_unit_test(days_are_added),
        cmocka_unit_test(every_day_of_the_calendar),
        cmocka_unit_test(clocks_show_a_time_of_day),
        cmocka_unit_test(plugins_read_and_write_instants),
        cmocka_unit_test(what_is_shown_leads_back),
        cmocka_unit_test(the_names_are_zones),
        cmocka_unit_test(what_is_not_there_is_refused),
        cmocka_unit_test(any_thread_may_ask),
    };
    return cmocka_run_group_tests_name("base_zone", tests, NULL, NULL);
}
