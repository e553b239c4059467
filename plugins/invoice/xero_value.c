/* SPDX-License-Identifier: Apache-2.0 */
/* Times without a zone and money without binary fractions. */
#include "xero_body.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int digits_of(struct belfry_str *s, size_t count, int *out)
{
    *out = 0;
    if (s->len < count)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (s->ptr[i] < '0' || s->ptr[i] > '9')
            return -1;
        *out = *out * 10 + (s->ptr[i] - '0');
    }
    s->ptr += count;
    s->len -= count;
    return 0;
}

static int cut(struct belfry_str *s, char c)
{
    if (!s->len || *s->ptr != c)
        return -1;
    s->ptr++;
    s->len--;
    return 0;
}

/* ".123456", to the millisecond; absent is 0 */
static int fraction(struct belfry_str *s)
{
    int ms = 0, scale = 100;
    if (cut(s, '.') != 0)
        return 0;
    for (; s->len && *s->ptr >= '0' && *s->ptr <= '9'; s->ptr++, s->len--, scale /= 10)
        ms += scale * (*s->ptr - '0');
    return ms;
}

/* "", "Z" or "+01:00", in minutes east of UTC */
static int zone(struct belfry_str s, int *minutes)
{
    int hours, mins, east = s.len && *s.ptr == '-' ? -1 : 1;
    *minutes = 0;
    if (s.len == 0 || (s.len == 1 && (*s.ptr | 0x20) == 'z'))
        return 0;
    if ((cut(&s, '+') != 0 && cut(&s, '-') != 0) || digits_of(&s, 2, &hours) != 0 || cut(&s, ':') != 0 ||
        digits_of(&s, 2, &mins) != 0 || s.len || hours > 23 || mins > 59)
        return -1;
    *minutes = east * (hours * 60 + mins);
    return 0;
}

int64_t xero_time(struct belfry_str s)
{
    struct tm tm = {0};
    int minutes;
    if (digits_of(&s, 4, &tm.tm_year) != 0 || cut(&s, '-') != 0 || digits_of(&s, 2, &tm.tm_mon) != 0 ||
        cut(&s, '-') != 0 || digits_of(&s, 2, &tm.tm_mday) != 0 || (cut(&s, 'T') != 0 && cut(&s, ' ') != 0) ||
        digits_of(&s, 2, &tm.tm_hour) != 0 || cut(&s, ':') != 0 || digits_of(&s, 2, &tm.tm_min) != 0 ||
        cut(&s, ':') != 0 || digits_of(&s, 2, &tm.tm_sec) != 0)
        return -1;
    int ms = fraction(&s);
    if (zone(s, &minutes) != 0 || tm.tm_year < 1970 || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 ||
        tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
        return -1;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    return ((int64_t)timegm(&tm) - (int64_t)minutes * 60) * 1000 + ms;
}

int64_t xero_instant(struct belfry_str s)
{
    static const char begin[] = "/Date(";
    int64_t ms = 0;
    size_t i = sizeof(begin) - 1, first = i;
    if (s.len <= first || memcmp(s.ptr, begin, first) != 0)
        return 0;
    for (; i < s.len && i < first + 15 && s.ptr[i] >= '0' && s.ptr[i] <= '9'; i++)
        ms = ms * 10 + (s.ptr[i] - '0');
    return i > first && i < s.len && (s.ptr[i] == '+' || s.ptr[i] == '-' || s.ptr[i] == ')') ? ms : 0;
}

int xero_minor(struct belfry_str text, int digits, int64_t *minor)
{
    int64_t value = 0;
    int negative = text.len && *text.ptr == '-', after_point = -1;
    size_t seen = 0;
    for (size_t i = negative ? 1 : 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '.' && after_point < 0 && seen) {
            after_point = 0;
            continue;
        }
        if (c < '0' || c > '9')
            return -1;
        seen++;
        if (after_point >= 0 && ++after_point > digits) {
            if (c != '0')
                return -1;
            continue;
        }
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, c - '0', &value))
            return -1;
    }
    if (!seen || after_point == 0)
        return -1;
    for (int i = after_point < 0 ? 0 : after_point; i < digits; i++) {
        if (__builtin_mul_overflow(value, 10, &value))
            return -1;
    }
    *minor = negative ? -value : value;
    return 0;
}
