/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What clocks show in a time zone. ICU knows when they were changed; dates are base/date.h's, so that a year of 1582
 * has no gap of its own.
 */
#ifndef BASE_ZONE_H
#define BASE_ZONE_H

#include <belfry/host.h>
#include <stdint.h>

/* 1 when the tz database has the name. [any] */
int zone_exists(struct belfry_str zone);

enum zone_repeated { ZONE_FIRST, ZONE_LAST };
/*
 * The instant at which clocks in the zone show a minute of the day (0 to 1439) on a date. Of a time that is shown twice
 * the first or the last; of one that is skipped the first instant after the gap. BELFRY_EINVAL when there is no such
 * zone, date or minute. [any]
 */
belfry_status zone_instant(struct belfry_str zone, const struct belfry_date *date, int32_t minute,
                           enum zone_repeated repeated, int64_t *out_ms);
/* What clocks in the zone show at an instant. BELFRY_EINVAL when there is no such zone, or outside of the years 1 to
 * 9999. minute may be NULL. [any] */
belfry_status zone_local(struct belfry_str zone, int64_t at_ms, struct belfry_date *date, int32_t *minute);

/* Names of zones that have a place ("Europe/Berlin"), each place once, in byte order; valid for ever. [any] */
void zone_names(struct belfry_strs *out);

/* The table of belfry.calendar/1, over the functions above and base/date.h. */
extern const struct belfry_calendar_api zone_calendar_api;

#endif
