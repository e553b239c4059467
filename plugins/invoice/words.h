/* SPDX-License-Identifier: Apache-2.0 */
/* Money, dates and times for people, in English and German. What the data of an event says stays as machines read it.
 */
#ifndef INVOICE_WORDS_H
#define INVOICE_WORDS_H

#include "money.h"

enum words_language { WORDS_ENGLISH, WORDS_GERMAN };

#define WORDS_SIZE 48
/* "1234.50 EUR", "1.234,50 EUR". The currency must be one. Returns out. [any] */
char *words_money(int64_t minor, struct belfry_str currency, enum words_language language, char out[WORDS_SIZE]);
/* "31 Jan 2026", "31.01.2026" of a date like 2026-01-31; what is none comes back as far as it fits. Returns out. [any]
 */
char *words_date(const struct invoice *self, struct belfry_str date, enum words_language language,
                 char out[WORDS_SIZE]);
/* "31 Jan 2026, 21:00", "31.01.2026, 21:00 Uhr": what clocks in the zone show at an instant, or RFC 3339 in UTC where
 * there is no such zone. Returns out. [any] */
char *words_time(const struct invoice *self, struct belfry_str zone, int64_t at_ms, enum words_language language,
                 char out[WORDS_SIZE]);

#endif
