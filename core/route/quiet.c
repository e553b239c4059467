/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quiet hours. A window is two wall-clock times of one or two dates in a zone; base/zone says which instants they are,
 * so that days of 23 and 25 hours need no care here.
 *
 * A window that began yesterday may still be open, and one that begins as another ends continues it; so windows are
 * looked at from the day before on, and the answer follows them until one ends in the open. A rule's window and a
 * person's own are two windows like any others.
 */
#include "route/route.h"

#include "base/date.h"
#include "base/str.h"
#include "base/zone.h"

#include <string.h>

/* A window on every day of the week that never closes: the answer is then at most so many windows away. */
#define CHAIN_MAX 8
#define EVERY_DAY 0x7f

struct window {
    int64_t begin_ms, end_ms;
    int weekday; /* of the date it begins on, 0 = Monday */
};

/* The schedule's window that begins `days` after the date. It begins the first time and ends the last time that clocks
 * show its bounds. EINVAL at the end of the calendar. */
static belfry_status window_of(struct belfry_str zone, const struct config_schedule *schedule,
                               const struct belfry_date *date, int days, struct window *window)
{
    struct belfry_date first, last;
    if (date_add(date, days, &first) != BELFRY_OK ||
        date_add(&first, schedule->to_min <= schedule->from_min, &last) != BELFRY_OK)
        return BELFRY_EINVAL;
    int64_t since_epoch = date_to_days(first.year, first.month, first.day);
    window->weekday = (int)(((since_epoch + 3) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
    belfry_status status = zone_instant(zone, &first, schedule->from_min, ZONE_FIRST, &window->begin_ms);
    return status ? status : zone_instant(zone, &last, schedule->to_min, ZONE_LAST, &window->end_ms);
}

/* The end of the window that is open at an instant, or 0. */
static int64_t open_until(struct belfry_str zone, const struct config_schedule *schedule, int64_t at_ms)
{
    struct belfry_date date;
    struct window window;
    int64_t until = 0;
    if (zone_local(zone, at_ms, &date, NULL) != BELFRY_OK)
        return 0;
    for (int days = -1; days <= 1; days++) {
        if (window_of(zone, schedule, &date, days, &window) == BELFRY_OK &&
            (schedule->weekdays >> window.weekday & 1) && window.begin_ms <= at_ms && at_ms < window.end_ms &&
            window.end_ms > until)
            until = window.end_ms;
    }
    return until;
}

static const struct config_schedule *find_schedule(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->schedule_count; i++)
        if (strcmp(config->schedules[i].name, name) == 0)
            return &config->schedules[i];
    return NULL;
}

/* The hours that count now, each NULL when there are none. */
struct hours {
    struct belfry_str zone;
    const struct config_schedule *rule, *person;
};

/* The end of the window that is open at an instant, the later of two; or 0. Whose it is goes into the answer. */
static int64_t any_open_until(const struct hours *hours, int64_t at_ms, struct route_quiet *quiet)
{
    int64_t rule = hours->rule ? open_until(hours->zone, hours->rule, at_ms) : 0;
    int64_t person = hours->person ? open_until(hours->zone, hours->person, at_ms) : 0;
    quiet->by_rule |= rule != 0;
    quiet->by_person |= person != 0;
    return rule > person ? rule : person;
}

struct route_quiet route_quiet(const struct config *config, const struct config_rule *rule,
                               const struct config_org *org, const struct belfry_person *person,
                               const struct preference *own, int32_t severity, const struct config_category *category,
                               int64_t now_ms)
{
    struct route_quiet quiet = {0};
    struct config_schedule window = {.weekdays = EVERY_DAY};
    struct hours hours = {.rule = rule && rule->schedule ? find_schedule(config, rule->schedule) : NULL};
    if (own && own->quiet_from_min != PREFERENCE_NONE) {
        window.from_min = own->quiet_from_min;
        window.to_min = own->quiet_to_min;
        hours.person = &window;
    }
    if ((!hours.rule && !hours.person) || severity >= BELFRY_CRITICAL || (category && category->required))
        return quiet;
    hours.zone = preference_zone(config, org, own, person ? person->timezone : (struct belfry_str){0});
    quiet.until_ms = any_open_until(&hours, now_ms, &quiet);
    for (int i = 0; quiet.until_ms != 0 && i < CHAIN_MAX; i++) {
        int64_t next = any_open_until(&hours, quiet.until_ms, &quiet);
        if (next == 0)
            break;
        quiet.until_ms = next;
    }
    return quiet;
}

const char *route_quiet_why(const struct route_quiet *quiet, const struct config_rule *rule, struct arena *arena)
{
    if (!quiet->by_rule)
        return "the person's quiet hours";
    return arena_printf(arena, "schedule %s%s", rule->schedule,
                        quiet->by_person ? " and the person's quiet hours" : "");
}
