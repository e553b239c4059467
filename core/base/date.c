/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Own calendar arithmetic instead of timegm(): that one takes what is not a date (30 February) and normalizes it, and
 * its range is that of time_t and struct tm.
 *
 * A date is counted in eras of 400 years that start on 1 March, so that the leap day is the last of its year.
 */
#include "base/date.h"
#include "base/str.h"

#define DAYS_PER_ERA 146097
#define DAYS_TO_EPOCH 719468 /* from 0000-03-01 to 1970-01-01 */

static int is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int date_days_in_month(int year, int month)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

int64_t date_to_days(int year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_TO_EPOCH;
}

struct belfry_date date_from_days(int64_t days)
{
    int64_t z = days + DAYS_TO_EPOCH;
    int64_t era = (z >= 0 ? z : z - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
    int64_t day_of_era = z - era * DAYS_PER_ERA;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    int32_t month = (int32_t)(shifted < 10 ? shifted + 3 : shifted - 9);
    return (struct belfry_date){.year = (int32_t)(year_of_era + era * 400 + (month <= 2)),
                                .month = month,
                                .day = (int32_t)(day_of_year - (153 * shifted + 2) / 5 + 1)};
}

int date_valid(const struct belfry_date *date)
{
    return date->year >= 1 && date->year <= 9999 && date->month >= 1 && date->month <= 12 && date->day >= 1 &&
           date->day <= date_days_in_month(date->year, date->month);
}

/* The number that `count` digits at `at` make, or -1. */
static int32_t digits(struct belfry_str s, size_t at, size_t count)
{
    int32_t value = 0;
    for (size_t i = at; i < at + count; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return -1;
        value = value * 10 + (s.ptr[i] - '0');
    }
    return value;
}

belfry_status date_parse(struct belfry_str s, struct belfry_date *out)
{
    if (s.len != 10 || s.ptr[4] != '-' || s.ptr[7] != '-')
        return BELFRY_EINVAL;
    struct belfry_date date = {.year = digits(s, 0, 4), .month = digits(s, 5, 2), .day = digits(s, 8, 2)};
    if (!date_valid(&date))
        return BELFRY_EINVAL;
    *out = date;
    return BELFRY_OK;
}

belfry_status date_add(const struct belfry_date *date, int32_t days, struct belfry_date *out)
{
    if (!date_valid(date))
        return BELFRY_EINVAL;
    int64_t sum = date_to_days(date->year, date->month, date->day) + days;
    if (sum < date_to_days(1, 1, 1) || sum > date_to_days(9999, 12, 31))
        return BELFRY_EINVAL;
    *out = date_from_days(sum);
    return BELFRY_OK;
}
