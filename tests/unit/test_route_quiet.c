/* SPDX-License-Identifier: Apache-2.0 */
/* Quiet hours over midnight, weekdays, zones and the two nights a year on which clocks change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "route/route.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define EVERY 0x7f
#define HM(h, m) ((h)*60 + (m))

static int64_t at(const char *text)
{
    int64_t ms;
    if (time_parse(str_of(text), &ms) != BELFRY_OK)
        fail_msg("bad time %s", text);
    return ms;
}

struct quiet_row {
    const char *name;
    int32_t from, to;
    uint32_t weekdays;
    const char *person, *org, *hub; /* zones */
    const char *now, *until;        /* until NULL: not quiet */
};

#define BERLIN NULL, NULL, "Europe/Berlin"

static const struct quiet_row quiet_rows[] = {
    {"in the evening", HM(22, 0), HM(7, 0), EVERY, BERLIN, "2026-01-10T23:15:00+01:00", "2026-01-11T07:00:00+01:00"},
    {"it begins", HM(22, 0), HM(7, 0), EVERY, BERLIN, "2026-01-10T22:00:00+01:00", "2026-01-11T07:00:00+01:00"},
    {"just before", HM(22, 0), HM(7, 0), EVERY, BERLIN, "2026-01-10T21:59:59.999+01:00", NULL},
    {"in the morning", HM(22, 0), HM(7, 0), EVERY, BERLIN, "2026-01-11T06:59:59.999+01:00",
     "2026-01-11T07:00:00+01:00"},
    {"it ends", HM(22, 0), HM(7, 0), EVERY, BERLIN, "2026-01-11T07:00:00+01:00", NULL},
    {"within a day", HM(12, 0), HM(13, 30), EVERY, BERLIN, "2026-06-01T12:15:00+02:00", "2026-06-01T13:30:00+02:00"},
    {"within a day, outside", HM(12, 0), HM(13, 30), EVERY, BERLIN, "2026-06-01T11:15:00+02:00", NULL},

    {"monday night, monday", HM(22, 0), HM(7, 0), 1, BERLIN, "2026-01-12T22:30:00+01:00", "2026-01-13T07:00:00+01:00"},
    {"monday night, tuesday morning", HM(22, 0), HM(7, 0), 1, BERLIN, "2026-01-13T06:00:00+01:00",
     "2026-01-13T07:00:00+01:00"},
    {"monday night, not tuesday", HM(22, 0), HM(7, 0), 1, BERLIN, "2026-01-13T22:30:00+01:00", NULL},
    {"monday night, not sunday's", HM(22, 0), HM(7, 0), 1, BERLIN, "2026-01-12T06:00:00+01:00", NULL},
    {"sunday", HM(8, 0), HM(9, 0), 1 << 6, BERLIN, "2026-01-11T08:30:00+01:00", "2026-01-11T09:00:00+01:00"},
    {"the weekend is one stretch", 0, 0, 3 << 5, BERLIN, "2026-01-10T12:00:00+01:00", "2026-01-12T00:00:00+01:00"},
    {"friday is not", 0, 0, 3 << 5, BERLIN, "2026-01-09T23:59:59+01:00", NULL},
    {"for ever is looked at for some days", 0, 0, EVERY, BERLIN, "2026-01-10T12:00:00+01:00",
     "2026-01-19T00:00:00+01:00"},
    {"no weekday", HM(22, 0), HM(7, 0), 0, BERLIN, "2026-01-10T23:15:00+01:00", NULL},

    {"the short night", HM(22, 0), HM(7, 0), EVERY, BERLIN, "2026-03-28T23:00:00+01:00", "2026-03-29T07:00:00+02:00"},
    {"the long night", HM(22, 0), HM(7, 0), EVERY, BERLIN, "2026-10-24T23:00:00+02:00", "2026-10-25T07:00:00+01:00"},
    {"begins at a time that is skipped", HM(2, 30), HM(4, 0), EVERY, BERLIN, "2026-03-29T01:00:00Z",
     "2026-03-29T02:00:00Z"},
    {"not yet", HM(2, 30), HM(4, 0), EVERY, BERLIN, "2026-03-29T00:59:59Z", NULL},
    {"ends at a time that is skipped", HM(22, 0), HM(2, 30), EVERY, BERLIN, "2026-03-29T00:10:00Z",
     "2026-03-29T01:00:00Z"},
    {"times that happen twice, the first", HM(2, 30), HM(2, 45), EVERY, BERLIN, "2026-10-25T00:30:00Z",
     "2026-10-25T01:45:00Z"},
    {"times that happen twice, the second", HM(2, 30), HM(2, 45), EVERY, BERLIN, "2026-10-25T01:44:00Z",
     "2026-10-25T01:45:00Z"},
    {"times that happen twice, after", HM(2, 30), HM(2, 45), EVERY, BERLIN, "2026-10-25T01:45:00Z", NULL},

    {"the person's zone first", HM(22, 0), HM(7, 0), EVERY, "Asia/Tokyo", "Europe/Berlin", "UTC",
     "2026-01-10T14:00:00Z", "2026-01-10T22:00:00Z"},
    {"then the org's", HM(22, 0), HM(7, 0), EVERY, "", "America/New_York", "UTC", "2026-07-01T02:00:00Z",
     "2026-07-01T11:00:00Z"},
    {"then the hub's", HM(22, 0), HM(7, 0), EVERY, NULL, NULL, "Asia/Kolkata", "2026-07-01T16:30:00Z",
     "2026-07-02T01:30:00Z"},
    {"a zone that is none counts for nothing", HM(22, 0), HM(7, 0), EVERY, "Mars/Base",
     "a name that is far too long to be the name of any time zone there is on earth", "Europe/Berlin",
     "2026-01-10T23:15:00+01:00", "2026-01-11T07:00:00+01:00"},
    {"UTC at last", HM(22, 0), HM(7, 0), EVERY, "\xff", "?", NULL, "2026-01-10T22:00:00Z", "2026-01-11T07:00:00Z"},
    {"across the date line", HM(22, 0), HM(7, 0), 1, "Pacific/Auckland", NULL, "UTC", "2026-01-12T10:00:00Z",
     "2026-01-12T18:00:00Z"},
};

struct question {
    struct config config;
    struct config_schedule schedules[2];
    struct config_rule rule;
    struct config_org org;
    struct belfry_person person;
};

static void ask(struct question *q, const struct quiet_row *row)
{
    *q = (struct question){
        .schedules = {{"other", 0, 1, EVERY}, {"night", row->from, row->to, row->weekdays}},
        .rule = {.name = "r", .schedule = "night"},
        .org = {.name = "acme", .timezone = row->org},
        .person = {.struct_size = sizeof(q->person), .timezone = str_of(row->person)},
    };
    q->config.schedules = q->schedules;
    q->config.schedule_count = COUNT(q->schedules);
    q->config.hub.timezone = row->hub;
}

static void test_windows(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(quiet_rows); i++) {
        const struct quiet_row *row = &quiet_rows[i];
        struct question q;
        char text[TIME_TEXT_SIZE];
        ask(&q, row);
        int64_t until = route_quiet(&q.config, &q.rule, row->org ? &q.org : NULL, row->person ? &q.person : NULL, NULL,
                                    BELFRY_ERROR, NULL, at(row->now))
                            .until_ms;
        time_format(until, text);
        if (until != (row->until ? at(row->until) : 0))
            fail_msg("%s: %s", row->name, until ? text : "not quiet");
    }
}

static void test_what_passes(void **state)
{
    (void)state;
    struct question q;
    struct config_category plain = {.name = "plain"}, required = {.name = "r", .required = 1};
    ask(&q, &quiet_rows[0]);
    int64_t now = at(quiet_rows[0].now), until = at(quiet_rows[0].until);
    assert_int_equal(route_quiet(&q.config, &q.rule, NULL, NULL, NULL, BELFRY_INFO, &plain, now).until_ms, until);
    assert_int_equal(route_quiet(&q.config, &q.rule, NULL, NULL, NULL, BELFRY_CRITICAL, &plain, now).until_ms, 0);
    assert_int_equal(route_quiet(&q.config, &q.rule, NULL, NULL, NULL, BELFRY_INFO, &required, now).until_ms, 0);
    q.rule.schedule = "unheard";
    assert_int_equal(route_quiet(&q.config, &q.rule, NULL, NULL, NULL, BELFRY_INFO, &plain, now).until_ms, 0);
    q.rule.schedule = NULL;
    assert_int_equal(route_quiet(&q.config, &q.rule, NULL, NULL, NULL, BELFRY_INFO, &plain, now).until_ms, 0);
}

/* A person's own hours, alone and with a rule's: whose they are, and until when in all. */
static void test_own_hours(void **state)
{
    (void)state;
    static const struct {
        int rule_from, rule_to, own_from, own_to; /* NONE: there are none */
        const char *zone, *now, *until;
        int by_rule, by_person;
    } rows[] = {
        {-1, -1, HM(22, 0), HM(7, 0), "", "2026-01-10T23:15:00+01:00", "2026-01-11T07:00:00+01:00", 0, 1},
        {-1, -1, HM(22, 0), HM(7, 0), "", "2026-01-10T12:15:00+01:00", NULL, 0, 0},
        {-1, -1, HM(22, 0), HM(7, 0), "Asia/Tokyo", "2026-01-10T15:00:00Z", "2026-01-10T22:00:00Z", 0, 1},
        {HM(20, 0), HM(23, 0), HM(22, 30), HM(7, 0), "", "2026-01-10T20:15:00+01:00", "2026-01-11T07:00:00+01:00", 1,
         1},
        {HM(20, 0), HM(22, 0), HM(22, 30), HM(7, 0), "", "2026-01-10T20:15:00+01:00", "2026-01-10T22:00:00+01:00", 1,
         0},
        {HM(20, 0), HM(22, 0), HM(22, 0), HM(23, 0), "", "2026-01-10T20:15:00+01:00", "2026-01-10T23:00:00+01:00", 1,
         1},
        {HM(22, 0), HM(6, 0), HM(21, 0), HM(5, 0), "", "2026-01-10T21:15:00+01:00", "2026-01-11T06:00:00+01:00", 1, 1},
        {HM(22, 0), HM(7, 0), -1, -1, "Asia/Tokyo", "2026-01-10T15:00:00Z", "2026-01-10T22:00:00Z", 1, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct question q;
        struct preference own;
        struct quiet_row row = {"", rows[i].rule_from, rows[i].rule_to, EVERY, BERLIN, "", NULL};
        ask(&q, &row);
        preference_init(&own);
        own.quiet_from_min = rows[i].own_from;
        own.quiet_to_min = rows[i].own_to;
        own.timezone = str_of(rows[i].zone);
        struct route_quiet got = route_quiet(&q.config, rows[i].rule_from < 0 ? NULL : &q.rule, NULL, NULL, &own,
                                             BELFRY_ERROR, NULL, at(rows[i].now));
        if (got.until_ms != (rows[i].until ? at(rows[i].until) : 0) || got.by_rule != rows[i].by_rule ||
            got.by_person != rows[i].by_person)
            fail_msg("row %zu: %lld, %d, %d", i, (long long)got.until_ms, got.by_rule, got.by_person);
        assert_int_equal(
            route_quiet(&q.config, NULL, NULL, NULL, &own, BELFRY_CRITICAL, NULL, at(rows[i].now)).until_ms, 0);
    }
}

/* Whatever the instant, the end lies ahead, is not quiet itself and nothing before it is free. */
static void test_whole_year(void **state)
{
    (void)state;
    struct question q;
    struct quiet_row row = {"", HM(22, 15), HM(6, 45), 0x1f, NULL, NULL, "Europe/Berlin", "", NULL};
    int64_t end = 0;
    ask(&q, &row);
    for (int64_t now = at("2026-01-01T00:00:00Z"); now < at("2027-01-01T00:00:00Z"); now += 1000 * 60 * 37) {
        int64_t until = route_quiet(&q.config, &q.rule, NULL, NULL, NULL, 0, NULL, now).until_ms;
        if (now < end)
            assert_int_equal(until, end);
        if (until == 0)
            continue;
        assert_true(until > now && until - now <= INT64_C(9) * 3600 * 1000 + 1800 * 1000);
        assert_int_equal(route_quiet(&q.config, &q.rule, NULL, NULL, NULL, 0, NULL, until).until_ms, 0);
        end = until;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_what_passes),
        cmocka_unit_test(test_own_hours),
        cmocka_unit_test(test_whole_year),
    };
    return cmocka_run_group_tests_name("route_quiet", tests, NULL, NULL);
}
