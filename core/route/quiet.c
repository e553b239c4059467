/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quiet hours. A window is two wall-clock times of one or two dates in a zone; ICU says which instants they are, so
 * that days of 23 and 25 hours need no care here. Asked only for rules that have a schedule.
 *
 * A window that began yesterday may still be open, and one that begins as another ends continues it; so windows are
 * looked at from the day before on, and the answer follows them until one ends in the open.
 */
#include "route/route.h"

#include "base/str.h"

#include <string.h>
#include <unicode/ucal.h>
#include <unicode/ustring.h>

#define ZONE_MAX 64
/* A window on every day of the week that never closes: the answer is then at most so many windows away. */
#define CHAIN_MAX 8

/* The zone's name for ICU, or 0 when there is no such zone. */
static int zone_name(struct belfry_str zone, UChar out[ZONE_MAX])
{
    UErrorCode status = U_ZERO_ERROR;
    UChar canonical[ZONE_MAX];
    UBool known = 0;
    int32_t len = 0;
    if (zone.len == 0)
        return 0;
    u_strFromUTF8(out, ZONE_MAX - 1, &len, zone.ptr, (int32_t)zone.len, &status);
    if (U_FAILURE(status))
        return 0;
    out[len] = 0;
    ucal_getCanonicalTimeZoneID(out, len, canonical, ZONE_MAX, &known, &status);
    return U_SUCCESS(status) && known;
}

/* A calendar in the first of the zones that exists; NULL when ICU has no data. */
static UCalendar *open_calendar(const struct belfry_str *zones, size_t count)
{
    UErrorCode status = U_ZERO_ERROR;
    UChar name[ZONE_MAX] = {'U', 'T', 'C', 0};
    size_t i = 0;
    while (i < count && !zone_name(zones[i], name))
        i++;
    if (i == count)
        u_strcpy(name, (const UChar[]){'U', 'T', 'C', 0});
    UCalendar *calendar = ucal_open(name, -1, "en_US", UCAL_GREGORIAN, &status);
    if (U_FAILURE(status))
        return NULL;
    ucal_setAttribute(calendar, UCAL_LENIENT, 1);
    ucal_setAttribute(calendar, UCAL_SKIPPED_WALL_TIME, UCAL_WALLTIME_NEXT_VALID);
    return calendar;
}

struct window {
    int64_t begin_ms, end_ms;
    int weekday; /* of the date it begins on, 0 = Monday */
};

/* The instant of a wall time `days` after a local date; of a time that happens twice the first or the last. */
static int64_t instant(UCalendar *calendar, const int32_t date[3], int days, int32_t minutes, int last)
{
    UErrorCode status = U_ZERO_ERROR;
    ucal_setAttribute(calendar, UCAL_REPEATED_WALL_TIME, last ? UCAL_WALLTIME_LAST : UCAL_WALLTIME_FIRST);
    ucal_clear(calendar);
    ucal_setDateTime(calendar, date[0], date[1], date[2] + days, minutes / 60, minutes % 60, 0, &status);
    double at = ucal_getMillis(calendar, &status);
    return U_SUCCESS(status) ? (int64_t)at : 0;
}

static void local_date(UCalendar *calendar, int64_t at_ms, int32_t date[3])
{
    UErrorCode status = U_ZERO_ERROR;
    ucal_setMillis(calendar, (double)at_ms, &status);
    date[0] = ucal_get(calendar, UCAL_YEAR, &status);
    date[1] = ucal_get(calendar, UCAL_MONTH, &status);
    date[2] = ucal_get(calendar, UCAL_DATE, &status);
}

/* The schedule's window that begins `days` after the date. */
static struct window window_of(UCalendar *calendar, const struct config_schedule *schedule, const int32_t date[3],
                               int days)
{
    UErrorCode status = U_ZERO_ERROR;
    struct window window;
    /* Noon has the date's weekday in every zone. */
    instant(calendar, date, days, 12 * 60, 0);
    window.weekday = (ucal_get(calendar, UCAL_DAY_OF_WEEK, &status) + 5) % 7; /* ICU: Sunday is 1 */
    window.begin_ms = instant(calendar, date, days, schedule->from_min, 0);
    window.end_ms = instant(calendar, date, days + (schedule->to_min <= schedule->from_min), schedule->to_min, 1);
    return window;
}

/* The end of the window that is open at an instant, or 0. */
static int64_t open_until(UCalendar *calendar, const struct config_schedule *schedule, int64_t at_ms)
{
    int32_t date[3];
    int64_t until = 0;
    local_date(calendar, at_ms, date);
    for (int days = -1; days <= 1; days++) {
        struct window window = window_of(calendar, schedule, date, days);
        if ((schedule->weekdays >> window.weekday & 1) && window.begin_ms <= at_ms && at_ms < window.end_ms &&
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

int64_t route_quiet_until(const struct config *config, const struct config_rule *rule, const struct config_org *org,
                          const struct belfry_person *person, int32_t severity, const struct config_category *category,
                          int64_t now_ms)
{
    if (!rule->schedule || severity >= BELFRY_CRITICAL || (category && category->required))
        return 0;
    const struct config_schedule *schedule = find_schedule(config, rule->schedule);
    const struct belfry_str zones[] = {person ? person->timezone : (struct belfry_str){0},
                                       str_of(org ? org->timezone : NULL), str_of(config->hub.timezone)};
    UCalendar *calendar = schedule ? open_calendar(zones, sizeof(zones) / sizeof(zones[0])) : NULL;
    if (!calendar)
        return 0;
    int64_t until = open_until(calendar, schedule, now_ms);
    for (int i = 0; until != 0 && i < CHAIN_MAX; i++) {
        int64_t next = open_until(calendar, schedule, until);
        if (next == 0)
            break;
        until = next;
    }
    ucal_close(calendar);
    return until;
}
