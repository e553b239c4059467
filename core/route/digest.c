/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When digests go out: an hour of the wall clock on chosen weekdays in a person's zone. Each date has one such instant
 * at most, so clocks that are set forward or back neither leave a digest out nor send it twice.
 */
#include "route/route.h"

#include "base/date.h"
#include "base/zone.h"

#define EVERY_DAY 0x7f
/* A week, a day more for a window that has just passed, another for a date that the zone skips on that weekday. */
#define DAYS_MAX 16
#define DAY_MS INT64_C(86400000)

static int weekday_of(const struct belfry_date *date)
{
    int64_t since_epoch = date_to_days(date->year, date->month, date->day);
    return (int)(((since_epoch + 3) % 7 + 7) % 7); /* 0 = Monday; 1970-01-01 was a Thursday */
}

/* The window of a date, or 0: not on that weekday, or there is no such date there. */
static int64_t window_on(struct belfry_str zone, const struct belfry_date *date, uint32_t weekdays, int hour)
{
    int64_t at;
    struct belfry_date shown;
    if (!(weekdays >> weekday_of(date) & 1) || zone_instant(zone, date, hour * 60, ZONE_FIRST, &at) != BELFRY_OK ||
        zone_local(zone, at, &shown, NULL) != BELFRY_OK)
        return 0;
    return shown.day == date->day && shown.month == date->month && shown.year == date->year ? at : 0;
}

int64_t route_digest_next(const struct config *config, const struct config_org *org, const struct belfry_person *person,
                          const struct preference *own, const struct config_instance *channel, int64_t now_ms)
{
    struct belfry_str zone = preference_zone(config, org, own, person ? person->timezone : (struct belfry_str){0});
    int hour = own && own->digest_hour != PREFERENCE_NONE ? own->digest_hour : config_digest_hour(channel);
    uint32_t weekdays = own && (own->digest_weekdays & EVERY_DAY) ? own->digest_weekdays & EVERY_DAY : EVERY_DAY;
    struct belfry_date today, date;
    if (zone_local(zone, now_ms, &today, NULL) != BELFRY_OK)
        return now_ms + DAY_MS; /* the end of the calendar */
    for (int days = 0; days < DAYS_MAX; days++) {
        int64_t at = date_add(&today, days, &date) == BELFRY_OK ? window_on(zone, &date, weekdays, hour) : 0;
        if (at > now_ms)
            return at;
    }
    return now_ms + DAY_MS;
}

int route_gathers(const struct belfry_delivery *delivery)
{
    return delivery && (delivery->flags & BELFRY_DELIVERY_DIGEST);
}
