/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dates without a time or a zone: the Gregorian calendar, also before it was introduced, years 0 to 9999. A date is a
 * struct belfry_date or the count of days since 1970-01-01.
 */
#ifndef BASE_DATE_H
#define BASE_DATE_H

#include <belfry/host.h>
#include <stdint.h>

/* 28 to 31; month is 1 to 12. [any] */
int date_days_in_month(int year, int month);
/* Both ways, for any date that exists. [any] */
int64_t date_to_days(int year, int month, int day);
struct belfry_date date_from_days(int64_t days);
/* 1 when there is such a date in the years 1 to 9999. [any] */
int date_valid(const struct belfry_date *date);
/* RFC 3339 full-date ("2026-01-31"), years 1 to 9999; or BELFRY_EINVAL. [any] */
belfry_status date_parse(struct belfry_str s, struct belfry_date *out);
/* The date that many days later, or earlier. BELFRY_EINVAL when it is no date or the years are left. [any] */
belfry_status date_add(const struct belfry_date *date, int32_t days, struct belfry_date *out);

#endif
