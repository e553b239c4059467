/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time as text: RFC 3339 instants and durations. Own calendar arithmetic instead of timegm(): that one takes what is
 * not a date (30 February) and normalizes it, and its range is that of time_t and struct tm.
 */
#include "base/clock.h"
#include "base/str.h"

#include <stdio.h>

#define MS_PER_DAY INT64_C(86400000)
#define TIME_MIN INT64_C(-62167219200000) /* 0000-01-01T00:00:00.000Z */
#define TIME_MAX INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

/* A civil date counted in eras of 400 years that start on 1 March, so that the leap day is the last of its year. */
#define DAYS_PER_ERA 146097
#define DAYS_TO_EPOCH 719468 /* from 0000-03-01 to 1970-01-01 */

static int is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

static int64_t days_from_date(int year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_TO_EPOCH;
}

static void date_from_days(int64_t days, int *year, int *month, int *day)
{
    int64_t z = days + DAYS_TO_EPOCH;
    int64_t era = (z >= 0 ? z : z - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
    int64_t day_of_era = z - era * DAYS_PER_ERA;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

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
    int year, month, day;
    int64_t start = ms_after - ((ms_after % 1000) + 1000) % 1000;
    if (start % MS_PER_DAY != 0)
        return 0;
    date_from_days(start / MS_PER_DAY, &year, &month, &day);
    return day == 1;
}

belfry_status time_parse(struct belfry_str s, int64_t *out_ms)
{
    struct reader r = {s, 0, 0};
    int year = number(&r, 4, 0, 9999);
    expect(&r, '-', '-');
    int month = number(&r, 2, 1, 12);
    expect(&r, '-', '-');
    int day = number(&r, 2, 1, days_in_month(year, month));
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
    int64_t minutes = days_from_date(year, month, day) * 1440 + hour * 60 + minute - minutes_east;
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
    int year, month, day;
    date_from_days(days, &year, &month, &day);
    char *p = put_digits(out, year, 4);
    *p++ = '-';
    p = put_digits(p, month, 2);
    *p++ = '-';
    p = put_digits(p, day, 2);
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
