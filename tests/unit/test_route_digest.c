/* SPDX-License-Identifier: Apache-2.0 */
/* When digests go out: hours and weekdays of people, and the days on which clocks change or a date is skipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "route/route.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define HOUR_MS INT64_C(3600000)

static int64_t at(const char *text)
{
    int64_t ms;
    if (time_parse(str_of(text), &ms) != BELFRY_OK)
        fail_msg("bad time %s", text);
    return ms;
}

struct digest_row {
    const char *name, *zone;
    int hour;          /* PREFERENCE_NONE: the channel's */
    uint32_t weekdays; /* 0: not chosen */
    const char *now, *next;
};

#define NO_HOUR PREFERENCE_NONE

static const struct digest_row digest_rows[] = {
    {"later today", "Europe/Berlin", 8, 0, "2026-01-12T07:59:59.999+01:00", "2026-01-12T08:00:00+01:00"},
    {"what comes with the window waits for the next", "Europe/Berlin", 8, 0, "2026-01-12T08:00:00+01:00",
     "2026-01-13T08:00:00+01:00"},
    {"just after", "Europe/Berlin", 8, 0, "2026-01-12T08:00:00.001+01:00", "2026-01-13T08:00:00+01:00"},
    {"the channel's hour", "Europe/Berlin", NO_HOUR, 0, "2026-01-12T09:00:00+01:00", "2026-01-13T08:00:00+01:00"},
    {"midnight", "Europe/Berlin", 0, 0, "2026-01-12T09:00:00+01:00", "2026-01-13T00:00:00+01:00"},
    {"the last hour", "Europe/Berlin", 23, 0, "2026-01-12T23:30:00+01:00", "2026-01-13T23:00:00+01:00"},
    {"another day there", "Pacific/Auckland", 8, 0, "2026-01-12T20:00:00Z", "2026-01-13T19:00:00Z"},
    {"no such zone: UTC", "Mars/Base", 8, 0, "2026-01-12T07:00:00Z", "2026-01-12T08:00:00Z"},

    {"only on Mondays, on a Monday before", "Europe/Berlin", 8, 1, "2026-01-12T07:00:00+01:00",
     "2026-01-12T08:00:00+01:00"},
    {"only on Mondays, on a Monday after", "Europe/Berlin", 8, 1, "2026-01-12T08:00:00+01:00",
     "2026-01-19T08:00:00+01:00"},
    {"only on Sundays", "Europe/Berlin", 8, 1 << 6, "2026-01-12T09:00:00+01:00", "2026-01-18T08:00:00+01:00"},
    {"working days, on a Friday", "Europe/Berlin", 17, 0x1f, "2026-01-16T17:00:00+01:00", "2026-01-19T17:00:00+01:00"},
    {"weekdays are those of the zone", "Pacific/Auckland", 8, 1, "2026-01-11T18:59:00Z", "2026-01-11T19:00:00Z"},

    {"the short day: the hour is skipped", "Europe/Berlin", 2, 0, "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"},
    {"and once only", "Europe/Berlin", 2, 0, "2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"},
    {"a short day is 23 hours", "Europe/Berlin", 8, 0, "2026-03-28T07:00:00Z", "2026-03-29T06:00:00Z"},
    {"the long day: the hour is shown twice, the first counts", "Europe/Berlin", 2, 0, "2026-10-24T12:00:00Z",
     "2026-10-25T00:00:00Z"},
    {"between the two", "Europe/Berlin", 2, 0, "2026-10-25T00:30:00Z", "2026-10-26T01:00:00Z"},
    {"in the second of the two", "Europe/Berlin", 2, 0, "2026-10-25T01:15:00Z", "2026-10-26T01:00:00Z"},
    {"a long day is 25 hours", "Europe/Berlin", 8, 0, "2026-10-24T06:00:00Z", "2026-10-25T07:00:00Z"},

    {"New York, skipped", "America/New_York", 2, 0, "2026-03-07T12:00:00Z", "2026-03-08T07:00:00Z"},
    {"New York, the day after", "America/New_York", 2, 0, "2026-03-08T07:00:00Z", "2026-03-09T06:00:00Z"},
    {"New York, twice", "America/New_York", 1, 0, "2026-10-31T12:00:00Z", "2026-11-01T05:00:00Z"},
    {"New York, after the first of the two", "America/New_York", 1, 0, "2026-11-01T05:00:00Z", "2026-11-02T06:00:00Z"},

    {"Lord Howe skips half an hour", "Australia/Lord_Howe", 2, 0, "2026-10-03T12:00:00Z", "2026-10-03T15:30:00Z"},
    {"Lord Howe, the day after", "Australia/Lord_Howe", 2, 0, "2026-10-03T15:30:00Z", "2026-10-04T15:00:00Z"},
    {"Lord Howe shows half an hour twice, before the hour", "Australia/Lord_Howe", 2, 0, "2026-04-04T13:00:00Z",
     "2026-04-04T15:30:00Z"},

    {"Samoa had no 30th of December 2011", "Pacific/Apia", 8, 0, "2011-12-29T18:00:00Z", "2011-12-30T18:00:00Z"},
    {"nor midnight of it", "Pacific/Apia", 0, 0, "2011-12-29T12:00:00Z", "2011-12-30T10:00:00Z"},
    {"nor the Friday that it was", "Pacific/Apia", 8, 1 << 4, "2011-12-29T12:00:00Z", "2012-01-05T18:00:00Z"},
};

static void test_windows(void **state)
{
    (void)state;
    const struct config config = {.hub = {.timezone = "UTC"}};
    const struct config_instance channel = {.name = "mail"};
    for (size_t i = 0; i < COUNT(digest_rows); i++) {
        const struct digest_row *row = &digest_rows[i];
        struct preference own;
        preference_init(&own);
        own.digest_hour = row->hour;
        own.digest_weekdays = row->weekdays;
        own.timezone = str_of(row->zone);
        int64_t next = route_digest_next(&config, NULL, NULL, &own, &channel, at(row->now));
        if (next != at(row->next)) {
            char text[TIME_TEXT_SIZE];
            time_format(next, text);
            fail_msg("%s: %s", row->name, text);
        }
    }
}

static void test_whose_zone(void **state)
{
    (void)state;
    const struct config config = {.hub = {.timezone = "Asia/Kolkata"}};
    const struct config_org org = {.name = "acme", .timezone = "America/New_York"};
    const struct config_instance channel = {.name = "mail"};
    const struct belfry_person person = {.timezone = STR("Europe/Berlin")};
    int64_t now = at("2026-01-12T00:00:00Z");
    assert_int_equal(route_digest_next(&config, NULL, NULL, NULL, &channel, now), at("2026-01-12T02:30:00Z"));
    assert_int_equal(route_digest_next(&config, &org, NULL, NULL, &channel, now), at("2026-01-12T13:00:00Z"));
    assert_int_equal(route_digest_next(&config, &org, &person, NULL, &channel, now), at("2026-01-12T07:00:00Z"));
}

static void test_the_channels_own_hour(void **state)
{
    (void)state;
    static const struct belfry_option options[] = {
        {.struct_size = sizeof(struct belfry_option), .type = BELFRY_OPT_INT, .name = "digest_hour"}, {0}};
    static const struct plugin plugin = {.desc = {.struct_size = sizeof(struct belfry_plugin), .options = options}};
    const struct config config = {.hub = {.timezone = "UTC"}};
    int64_t hour = 17, now = at("2026-01-12T00:00:00Z");
    struct config_instance channel = {.name = "mail", .plugin = &plugin, .options = &hour};
    assert_int_equal(config_digest_hour(&channel), 17);
    assert_int_equal(route_digest_next(&config, NULL, NULL, NULL, &channel, now), now + 17 * HOUR_MS);
    hour = 99; /* a plugin that does not bound it */
    assert_int_equal(config_digest_hour(&channel), CONFIG_DIGEST_HOUR);
    channel.options = NULL;
    assert_int_equal(config_digest_hour(&channel), CONFIG_DIGEST_HOUR);
}

/* Whatever the zone, the hour and the moment: the next window is ahead, at most so far, and on each date once. */
static void test_windows_of_two_years(void **state)
{
    (void)state;
    static const char *const zones[] = {"Europe/Berlin",       "America/New_York", "Pacific/Apia", "Asia/Kathmandu",
                                        "Australia/Lord_Howe", "Asia/Tehran",      "UTC",          "Africa/Casablanca"};
    const struct config config = {.hub = {.timezone = "UTC"}};
    const struct config_instance channel = {.name = "mail"};
    for (size_t z = 0; z < COUNT(zones); z++) {
        for (int hour = 0; hour < 24; hour++) {
            struct preference own;
            preference_init(&own);
            own.digest_hour = hour;
            own.timezone = str_of(zones[z]);
            int64_t last = at("2011-06-01T00:00:00Z"), end = at("2012-06-01T00:00:00Z");
            last = route_digest_next(&config, NULL, NULL, &own, &channel, last);
            while (last < end) {
                int64_t next = route_digest_next(&config, NULL, NULL, &own, &channel, last);
                if (next - last < 22 * HOUR_MS || next - last > 26 * HOUR_MS)
                    fail_msg("%s, hour %d: %lld ms between two", zones[z], hour, (long long)(next - last));
                assert_int_equal(route_digest_next(&config, NULL, NULL, &own, &channel, next - 1), next);
                last = next;
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_whose_zone),
        cmocka_unit_test(test_the_channels_own_hour),
        cmocka_unit_test(test_windows_of_two_years),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
