/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times as a field of type datetime-local has them, "2026-01-31T09:00", in the zone by which the pages write theirs:
 * who copies a time from a page means that one.
 */
#include "base/clock.h"
#include "base/date.h"
#include "base/zone.h"
#include "portal/internal.h"

#include <stdio.h>
#include <string.h>

#define DATE_LEN 10

/* The minute of the day of "09:00" or "09:00:30"; *seconds: what is left. -1 when it is none. */
static int minute_of(struct belfry_str text, int *seconds)
{
    int hour, minute, end = 0;
    char copy[sizeof("09:00:30")];
    if (text.len != strlen("09:00") && text.len != strlen("09:00:30"))
        return -1;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    *seconds = 0;
    int found = sscanf(copy, "%2d:%2d%n:%2d", &hour, &minute, &end, seconds);
    if (found < 2 || end != 5 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || *seconds < 0 || *seconds > 59)
        return -1;
    return hour * 60 + minute;
}

struct belfry_str local_read(struct page *page, struct belfry_str text, int last)
{
    struct belfry_date date;
    char iso[TIME_TEXT_SIZE];
    int64_t ms;
    int seconds;
    if (text.len <= DATE_LEN || text.ptr[DATE_LEN] != 'T' ||
        date_parse(str_slice(text.ptr, DATE_LEN), &date) != BELFRY_OK)
        return text;
    int minute = minute_of(str_slice(text.ptr + DATE_LEN + 1, text.len - DATE_LEN - 1), &seconds);
    if (minute < 0 ||
        zone_instant(http_zone(page->req), &date, minute, last ? ZONE_LAST : ZONE_FIRST, &ms) != BELFRY_OK)
        return text;
    time_format(ms + seconds * INT64_C(1000), iso);
    return str_of(arena_printf(page->req->arena, "%s", iso));
}

const char *local_write(struct page *page, struct belfry_str iso)
{
    struct belfry_date date;
    int64_t ms;
    int32_t minute;
    if (time_parse(iso, &ms) != BELFRY_OK || zone_local(http_zone(page->req), ms, &date, &minute) != BELFRY_OK)
        return "";
    return arena_printf(page->req->arena, "%04d-%02d-%02dT%02d:%02d", date.year, date.month, date.day, minute / 60,
                        minute % 60);
}
