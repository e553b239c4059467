/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ICU's formats, kept open: opening one takes longer than a hundred dates, and mails go out to many people in few
 * locales and zones. The list is short and the place that is taken next goes round, so memory has a bound whatever
 * zones people choose.
 */
#include "template/times.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/udat.h>
#include <unicode/ustring.h>

#define KEPT 32
#define NAME_SIZE 64
#define TEXT_SIZE 128
#define LAST_SIZE 96 /* longer texts are written anew each time */

struct format {
    char locale[NAME_SIZE], zone[NAME_SIZE];
    uint32_t style;
    UDateFormat *main, *zone_name; /* zone_name: of BELFRY_TIME_ZONED only */
    int64_t last_ms;               /* an event is told to many people, one after the other */
    char last[LAST_SIZE];          /* its text; empty: none yet */
};

struct times {
    struct format kept[KEPT];
    uint32_t next;
};

struct times *times_new(void)
{
    return xcalloc(1, sizeof(struct times));
}

static void drop(struct format *f)
{
    if (f->main)
        udat_close(f->main);
    if (f->zone_name)
        udat_close(f->zone_name);
    memset(f, 0, sizeof(*f));
}

void times_free(struct times *times)
{
    if (!times)
        return;
    for (uint32_t i = 0; i < KEPT; i++)
        drop(&times->kept[i]);
    free(times);
}

static int open_format(struct format *f)
{
    static const UChar short_zone[] = {'z', 0};
    UErrorCode status = U_ZERO_ERROR;
    UChar zone[NAME_SIZE];
    int32_t len = 0;
    u_strFromUTF8(zone, NAME_SIZE, &len, f->zone, (int32_t)strlen(f->zone), &status);
    f->main = udat_open(f->style == BELFRY_TIME_DATE ? UDAT_NONE : UDAT_SHORT, UDAT_MEDIUM, f->locale, zone, len, NULL,
                        0, &status);
    if (U_SUCCESS(status) && f->style == BELFRY_TIME_ZONED)
        f->zone_name = udat_open(UDAT_PATTERN, UDAT_PATTERN, f->locale, zone, len, short_zone, 1, &status);
    if (U_SUCCESS(status))
        return 1;
    drop(f);
    return 0;
}

static struct format *format_for(struct times *times, const char *locale, struct belfry_str zone, uint32_t style)
{
    if (!zone_exists(zone))
        zone = STR("UTC");
    if (strlen(locale) >= NAME_SIZE || zone.len >= NAME_SIZE)
        return NULL;
    for (uint32_t i = 0; i < KEPT; i++) {
        struct format *f = &times->kept[i];
        if (f->main && f->style == style && str_eqz(zone, f->zone) && strcmp(f->locale, locale) == 0)
            return f;
    }
    struct format *f = &times->kept[times->next++ % KEPT];
    drop(f);
    f->style = style;
    snprintf(f->locale, NAME_SIZE, "%s", locale);
    snprintf(f->zone, NAME_SIZE, "%.*s", STR_ARG(zone));
    return open_format(f) ? f : NULL;
}

/* Appends to out; 0 when ICU cannot. */
static int append(UDateFormat *format, int64_t ms, char *out, int32_t size)
{
    UErrorCode status = U_ZERO_ERROR;
    UChar text[TEXT_SIZE];
    int32_t len = (int32_t)strlen(out), units = udat_format(format, (UDate)ms, text, TEXT_SIZE, NULL, &status);
    u_strToUTF8(out + len, size - len, NULL, text, U_SUCCESS(status) ? units : 0, &status);
    return U_SUCCESS(status);
}

static void keep(struct format *f, int64_t ms, const char *text)
{
    size_t len = strlen(text);
    if (len >= LAST_SIZE)
        return;
    memcpy(f->last, text, len + 1);
    f->last_ms = ms;
}

struct belfry_str times_text(struct times *times, const char *locale, struct belfry_str zone, uint32_t style,
                             int64_t ms, struct arena *arena)
{
    char text[TEXT_SIZE * 6] = "";
    struct format *f = format_for(times, locale, zone, style);
    if (f && *f->last && f->last_ms == ms)
        return str_of(arena_strdup(arena, f->last));
    int made = f && append(f->main, ms, text, sizeof(text) - 1);
    if (made && f->zone_name) {
        strcat(text, " ");
        made = append(f->zone_name, ms, text, sizeof(text));
    }
    if (made)
        keep(f, ms, text);
    else
        time_format(ms, text);
    return str_of(arena_strdup(arena, text));
}
