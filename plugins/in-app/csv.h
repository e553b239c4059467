/* SPDX-License-Identifier: Apache-2.0 */
/* Notifications as lines of CSV (RFC 4180), for a spreadsheet that must not take text of strangers for formulas. */
#ifndef IN_APP_CSV_H
#define IN_APP_CSV_H

#include "text.h"

/* The line with the names of the columns. */
void csv_head(struct text *out);
/* One notification; times in RFC 3339, empty where there is none. */
void csv_row(struct text *out, struct belfry_str org, const struct belfry_inbox_item *item);
/* One cell, quoted where it has to be; behind a ' when it begins like a formula (= + - @, tab, CR). */
void csv_cell(struct text *out, struct belfry_str value);

#endif
