/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two languages that the texts of events are in. An event is told to people in several zones and countries, before
 * anybody knows who reads it where; so times are those of the org, and its texts name the zone.
 */
#include "words.h"

#include <stdio.h>
#include <string.h>

/* Digits in groups of three. */
static int group(char *out, const char *digits, size_t count)
{
    int len = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0)
            out[len++] = '.';
        out[len++] = digits[i];
    }
    return len;
}

char *words_money(int64_t minor, struct belfry_str currency, enum words_language language, char out[WORDS_SIZE])
{
    char text[MONEY_TEXT_SIZE];
    money_text(minor, currency, text);
    if (language == WORDS_ENGLISH)
        return memcpy(out, text, sizeof(text));
    size_t whole = strcspn(text, ". ");
    char *rest = text + whole;
    if (*rest == '.')
        *rest = ',';
    int len = group(out, text, whole);
    memcpy(out + len, rest, strlen(rest) + 1);
    return out;
}

static int put_date(const struct belfry_date *date, enum words_language language, char out[WORDS_SIZE])
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    return language == WORDS_GERMAN
               ? snprintf(out, WORDS_SIZE, "%02d.%02d.%04d", date->day, date->month, date->year)
               : snprintf(out, WORDS_SIZE, "%d %s %04d", date->day, months[date->month - 1], date->year);
}

char *words_date(const struct invoice *self, struct belfry_str date, enum words_language language, char out[WORDS_SIZE])
{
    struct belfry_date day;
    if (self->calendar->parse(date, &day) == BELFRY_OK)
        put_date(&day, language, out);
    else
        snprintf(out, WORDS_SIZE, "%.*s", (int)date.len, date.ptr ? date.ptr : "");
    return out;
}

char *words_time(const struct invoice *self, struct belfry_str zone, int64_t at_ms, enum words_language language,
                 char out[WORDS_SIZE])
{
    struct belfry_date day;
    int32_t minute;
    if (self->calendar->local(zone, at_ms, &day, &minute) != BELFRY_OK) {
        self->calendar->format_time(at_ms, out);
        return out;
    }
    int len = put_date(&day, language, out);
    snprintf(out + len, WORDS_SIZE - (size_t)len, ", %02d:%02d%s", minute / 60, minute % 60,
             language == WORDS_GERMAN ? " Uhr" : "");
    return out;
}
