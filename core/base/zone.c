/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ICU is asked one thing only: how far clocks in a zone are from UTC, and when that changed. It answers through an open
 * calendar, which takes 15 us to open and 3 to ask; so each thread keeps the one that it used last. An org's triggers
 * come in its own zone, one after the other.
 */
#include "base/zone.h"
#include "base/clock.h"
#include "base/date.h"
#include "base/mem.h"
#include "base/str.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/ucal.h>
#include <unicode/ustring.h>

#define NAME_MAX_LEN 63
#define MS_PER_DAY INT64_C(86400000)
#define MS_PER_MINUTE 60000

struct kept {
    char name[NAME_MAX_LEN + 1];
    UCalendar *calendar; /* NULL: none yet */
};

static pthread_key_t kept_key;
static pthread_once_t kept_once = PTHREAD_ONCE_INIT;

static void kept_free(void *arg)
{
    struct kept *kept = arg;
    if (kept->calendar)
        ucal_close(kept->calendar);
    free(kept);
}

static void kept_make_key(void)
{
    if (pthread_key_create(&kept_key, kept_free) != 0)
        abort();
}

/* The thread's own. */
static struct kept *kept_here(void)
{
    pthread_once(&kept_once, kept_make_key);
    struct kept *kept = pthread_getspecific(kept_key);
    if (!kept) {
        kept = xcalloc(1, sizeof(*kept));
        pthread_setspecific(kept_key, kept);
    }
    return kept;
}

/* The name for ICU; 0 when the tz database does not have it. */
static int name_of(struct belfry_str zone, UChar out[NAME_MAX_LEN + 1])
{
    UErrorCode status = U_ZERO_ERROR;
    UChar canonical[NAME_MAX_LEN + 1];
    UBool known = 0;
    int32_t len = 0;
    if (zone.len == 0 || zone.len > NAME_MAX_LEN || memchr(zone.ptr, '\0', zone.len))
        return 0;
    u_strFromUTF8(out, NAME_MAX_LEN + 1, &len, zone.ptr, (int32_t)zone.len, &status);
    if (U_FAILURE(status))
        return 0;
    ucal_getCanonicalTimeZoneID(out, len, canonical, NAME_MAX_LEN + 1, &known, &status);
    return U_SUCCESS(status) && known;
}

int zone_exists(struct belfry_str zone)
{
    UChar name[NAME_MAX_LEN + 1];
    return name_of(zone, name);
}

static struct belfry_strs all_names;
static pthread_once_t names_once = PTHREAD_ONCE_INIT;

static int by_bytes(const void *a, const void *b)
{
    return str_cmp(*(const struct belfry_str *)a, *(const struct belfry_str *)b);
}

static void names_make(void)
{
    UErrorCode status = U_ZERO_ERROR;
    UEnumeration *zones = ucal_openTimeZoneIDEnumeration(UCAL_ZONE_TYPE_CANONICAL_LOCATION, NULL, NULL, &status);
    int32_t count = zones ? uenum_count(zones, &status) : 0, len;
    struct belfry_str *names = xcalloc((size_t)count + 1, sizeof(*names));
    const char *name;
    while (all_names.count < (size_t)count && (name = uenum_next(zones, &len, &status)) && U_SUCCESS(status))
        names[all_names.count++] = str_of(xstrdup(name));
    uenum_close(zones);
    qsort(names, all_names.count, sizeof(*names), by_bytes);
    all_names.items = names;
}

void zone_names(struct belfry_strs *out)
{
    pthread_once(&names_once, names_make);
    *out = all_names;
}

/* Good until the thread asks for another; NULL when there is no such zone. */
static UCalendar *calendar_of(struct belfry_str zone)
{
    struct kept *kept = kept_here();
    if (kept->calendar && str_eqz(zone, kept->name))
        return kept->calendar;
    UErrorCode status = U_ZERO_ERROR;
    UChar name[NAME_MAX_LEN + 1];
    UCalendar *made = name_of(zone, name) ? ucal_open(name, -1, "en_US", UCAL_GREGORIAN, &status) : NULL;
    if (!made || U_FAILURE(status))
        return NULL;
    if (kept->calendar)
        ucal_close(kept->calendar);
    kept->calendar = made;
    memcpy(kept->name, zone.ptr, zone.len);
    kept->name[zone.len] = '\0';
    return made;
}

/* How far clocks are ahead of UTC at an instant, ms. */
static int64_t offset_at(UCalendar *calendar, int64_t at_ms, UErrorCode *status)
{
    ucal_setMillis(calendar, (double)at_ms, status);
    return (int64_t)ucal_get(calendar, UCAL_ZONE_OFFSET, status) + ucal_get(calendar, UCAL_DST_OFFSET, status);
}

/* The same when clocks show local_ms. Of two the one before the change is the first time that they show it; of a time
 * that they never show it leads to an instant after the change. */
static int64_t offset_when(UCalendar *calendar, int64_t local_ms, enum zone_repeated repeated, UErrorCode *status)
{
    int32_t raw = 0, saving = 0;
    ucal_setMillis(calendar, (double)local_ms, status);
    ucal_getTimeZoneOffsetFromLocal(calendar, UCAL_TZ_LOCAL_FORMER,
                                    repeated == ZONE_LAST ? UCAL_TZ_LOCAL_LATTER : UCAL_TZ_LOCAL_FORMER, &raw, &saving,
                                    status);
    return (int64_t)raw + saving;
}

belfry_status zone_instant(struct belfry_str zone, const struct belfry_date *date, int32_t minute,
                           enum zone_repeated repeated, int64_t *out_ms)
{
    UCalendar *calendar = calendar_of(zone);
    if (!calendar || !date_valid(date) || minute < 0 || minute >= 24 * 60)
        return BELFRY_EINVAL;
    UErrorCode status = U_ZERO_ERROR;
    int64_t local_ms = date_to_days(date->year, date->month, date->day) * MS_PER_DAY + (int64_t)minute * MS_PER_MINUTE;
    int64_t at_ms = local_ms - offset_when(calendar, local_ms, repeated, &status);
    if (at_ms + offset_at(calendar, at_ms, &status) != local_ms) {
        double changed = 0;
        if (ucal_getTimeZoneTransitionDate(calendar, UCAL_TZ_TRANSITION_PREVIOUS_INCLUSIVE, &changed, &status))
            at_ms = (int64_t)changed;
    }
    if (U_FAILURE(status))
        return BELFRY_EINTERNAL;
    *out_ms = at_ms;
    return BELFRY_OK;
}

belfry_status zone_local(struct belfry_str zone, int64_t at_ms, struct belfry_date *date, int32_t *minute)
{
    UCalendar *calendar = calendar_of(zone);
    int64_t first = date_to_days(1, 1, 1) * MS_PER_DAY, end = date_to_days(10000, 1, 1) * MS_PER_DAY;
    if (!calendar || at_ms < first - MS_PER_DAY || at_ms > end + MS_PER_DAY)
        return BELFRY_EINVAL;
    UErrorCode status = U_ZERO_ERROR;
    int64_t local_ms = at_ms + offset_at(calendar, at_ms, &status);
    if (U_FAILURE(status))
        return BELFRY_EINTERNAL;
    if (local_ms < first || local_ms >= end)
        return BELFRY_EINVAL;
    int64_t rest = (local_ms % MS_PER_DAY + MS_PER_DAY) % MS_PER_DAY;
    *date = date_from_days((local_ms - rest) / MS_PER_DAY);
    if (minute)
        *minute = (int32_t)(rest / MS_PER_MINUTE);
    return BELFRY_OK;
}

static belfry_status instant(struct belfry_str zone, const struct belfry_date *date, int32_t minute, int64_t *out_ms)
{
    return zone_instant(zone, date, minute, ZONE_FIRST, out_ms);
}

_Static_assert(BELFRY_TIME_SIZE == TIME_TEXT_SIZE, "the same text");

const struct belfry_calendar_api zone_calendar_api = {
    .struct_size = sizeof(struct belfry_calendar_api),
    .instant = instant,
    .local = zone_local,
    .add_days = date_add,
    .parse = date_parse,
    .parse_time = time_parse,
    .format_time = time_format,
};
