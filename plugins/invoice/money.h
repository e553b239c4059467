/* SPDX-License-Identifier: Apache-2.0 */
/* Money in minor units, exactly: no floating point between what was sent and what is shown. [any] */
#ifndef INVOICE_MONEY_H
#define INVOICE_MONEY_H

#include "invoice.h"

/* Decimals of an ISO 4217 currency (EUR 2, JPY 0, KWD 3); -1 when there is no such currency. Upper case only. */
int money_digits(struct belfry_str currency);

#define MONEY_TEXT_SIZE 32
/* "1234.50 EUR". The currency must be one. Returns out. */
char *money_text(int64_t minor, struct belfry_str currency, char out[MONEY_TEXT_SIZE]);

/* A decimal number: digits / 10^scale. At most 15 digits, so that every number that a JSON document may mean has one.
 */
struct decimal {
    int64_t digits;
    int32_t scale; /* 0 to DECIMAL_SCALE_MAX */
};
#define DECIMAL_SCALE_MAX 15

/* What was written as a JSON number. 0, or -1 when it has more digits than a number keeps, or more decimals. */
int decimal_of(const struct belfry_value *value, struct decimal *out);

/* rate * percent / 100, half to even. -1 when it is more than can be counted. Neither may be negative. */
int money_percent(int64_t rate_minor, struct decimal percent, int64_t *out);

/* 1 when ms is less than so many hours. hours must not be negative. */
int decimal_hours_exceed(struct decimal hours, int64_t ms);

#endif
