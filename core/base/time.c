/* SPDX-License-Identifier: Apache-2.0 */
/* Time as text: RFC 3339 instants and durations. */
#include "base/clock.h"
#include "base/date.h"
#include "base/str.h"

#include <stdio.h>

#define MS_PER_DAY INT64_C(86400000)
#define TIME_MIN INT64_C(-62167219200000) /* 0000-01-01T00:00:00.000Z */
#define TIME_MAX INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

/* A reader over the text: each step takes what it expects or notes the failure, which is looked at once at the end. */
struct reader {
    struct belfry_str s;
    size_t pos;
    int bad;
};

static char take(struct reader *r)
{
    if (r->pos >= r->s.len) {
        r->bad = 1;
        return '\0';
    }
    return r->s.ptr[r->pos++];
}

static void expect(struct reader *r, char a, char b)
{
    char c = take(r);
    if (c != a && c != b)
        r->bad = 1;
}

/* Exactly `digits` decimal digits within [min, max]. */
static int number(struct reader *r, int digits, int min, int max)
{
    int value = 0;
    for (int i = 0; i < digits; i++) {
        char c = take(r);
        if (c < '0' || c > '9')
            r->bad = 1;
        else
            value = value * 10 + (c - '0');
    }
    if (value < min || value > max)
        r->bad = 1;
    return r->bad ? min : value;
}

/* time-secfrac: "." and one digit or more; what is beyond milliseconds is cut. */
static int fraction(struct reader *r)
{
    if (r->pos >= r->s.len || r->s.ptr[r->pos] != '.')
        return 0;
    r->pos++;
    int ms = 0, weight = 100;
    size_t from = r->pos;
    while (r->pos < r->s.len && r->s.ptr[r->pos] >= '0' && r->s.ptr[r->pos] <= '9') {
        ms += (r->s.ptr[r->pos++] - '0') * weight;
        weight /= 10;
    }
    if (r->pos == from)
        r->bad = 1;
    return ms;
}

/* time-offset in minutes. "-00:00" (offset unknown) is UTC. */
static int offset(struct reader *r)
{
    char sign = take(r);
    if (sign == 'Z' || sign == 'z')
        return 0;
    if (sign != '+' && sign != '-')
        r->bad = 1;
    int hours = number(r, 2, 0, 23);
    expect(r, ':', ':');
    int minutes = hours * 60 + number(r, 2, 0, 59);
    return sign == '-' ? -minutes : minutes;
}

/* Second 60 exists only as the last of a month in UTC (RFC 3339 section 5.7). It is one with the next second, as in
 * POSIX. */
static int is_leap_second(int64_t ms_after)
{
    int64_t start = ms_after - ((ms_after % 1000) + 1000) % 1000;
    return start % MS_PER_DAY == 0 && date_from_days(start / MS_PER_DAY).day == 1;
}

belfry_status time_parse(struct belfry_str s, int64_t *out_ms)
{
    struct reader r = {s, 0, 0};
    int year = number(&r, 4, 0, 9999);
    expect(&r, '-', '-');
    int month = number(&r, 2, 1, 12);
    expect(&r, '-', '-');
    int day = number(&r, 2, 1, date_days_in_month(year, month));
    expect(&r, 'T', 't');
    int hour = number(&r, 2, 0, 23);
    expect(&r, ':', ':');
    int minute = number(&r, 2, 0, 59);
    expect(&r, ':', ':');
    int second = number(&r, 2, 0, 60);
    int ms = fraction(&r);
    int minutes_east = offset(&r);
    if (r.bad || r.pos != s.len)
        return BELFRY_EINVAL;
    int64_t minutes = date_to_days(year, month, day) * 1440 + hour * 60 + minute - minutes_east;
    int64_t result = minutes * 60000 + second * 1000 + ms;
    if (result < TIME_MIN || result > TIME_MAX || (second == 60 && !is_leap_second(result)))
        return BELFRY_EINVAL;
    *out_ms = result;
    return BELFRY_OK;
}

static char *put_digits(char *out, int value, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        out[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return out + digits;
}

void time_format(int64_t ms, char out[TIME_TEXT_SIZE])
{
    ms = ms < TIME_MIN ? TIME_MIN : ms > TIME_MAX ? TIME_MAX : ms;
    int64_t days = ms / MS_PER_DAY, rest = ms % MS_PER_DAY;
    if (rest < 0) {
        days--;
        rest += MS_PER_DAY;
    }
    struct belfry_date date = date_from_days(days);
    char *p = put_digits(out, date.year, 4);
    *p++ = '-';
    p = put_digits(p, date.month, 2);
    *p++ = '-';
    p = put_digits(p, date.day, 2);
    *p++ = 'T';
    p = put_digits(p, (int)(rest / 3600000), 2);
    *p++ = ':';
    p = put_digits(p, (int)(rest / 60000 % 60), 2);
    *p++ = ':';
    p = put_digits(p, (int)(rest / 1000 % 60), 2);
    *p++ = '.';
    p = put_digits(p, (int)(rest % 1000), 3);
    *p++ = 'Z';
    *p = '\0';
}

struct unit {
    const char *name;
    int64_t ms;
    int32_t days; /* 0: not a calendar unit */
};

/* Largest first, for duration_format. */
static const struct unit units[] = {
    {"w", 7 * MS_PER_DAY, 7}, {"d", MS_PER_DAY, 1}, {"h", 3600000, 0}, {"m", 60000, 0}, {"s", 1000, 0}, {"ms", 1, 0},
};
#define UNIT_COUNT (sizeof(units) / sizeof(units[0]))

static const struct unit *find_unit(struct belfry_str name)
{
    for (size_t i = 0; i < UNIT_COUNT; i++)
        if (str_eqz(name, units[i].name))
            return &units[i];
    return NULL;
}

belfry_status duration_parse(struct belfry_str s, int64_t *out_ms, int32_t *days)
{
    size_t digits = s.len > 0 && s.ptr[0] == '-';
    size_t end = digits;
    while (end < s.len && s.ptr[end] >= '0' && s.ptr[end] <= '9')
        end++;
    const struct unit *unit = find_unit(str_slice(s.ptr + end, s.len - end));
    int64_t count, ms;
    if (end == digits || !unit || str_to_i64(str_slice(s.ptr, end), &count) != BELFRY_OK)
        return BELFRY_EINVAL;
    if (__builtin_mul_overflow(count, unit->ms, &ms))
        return BELFRY_EINVAL;
    if (days && unit->days) {
        if (__builtin_mul_overflow(count, unit->days, days))
            return BELFRY_EINVAL;
        *out_ms = 0;
        return BELFRY_OK;
    }
    if (days)
        *days = 0;
    *out_ms = ms;
    return BELFRY_OK;
}

char *duration_format(int64_t ms, char out[32])
{
    const struct unit *unit = &units[4]; /* zero is "0s" */
    for (size_t i = 0; ms != 0 && i < UNIT_COUNT; i++) {
        unit = &units[i];
        if (ms % unit->ms == 0)
            break;
    }
    snprintf(out, 32, "%lld%s", (long long)(ms / unit->ms), unit->name);
    return out;
}
