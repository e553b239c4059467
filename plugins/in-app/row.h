/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the list. */
#ifndef IN_APP_ROW_H
#define IN_APP_ROW_H

#include "view.h"

/* Appends the row of one item. */
void row_write(const struct call *call, const struct belfry_inbox_item *item, struct text *out);
/* The row that a script fills: the same markup with all that a row may have, and data-slot where something belongs. */
json_t *row_slots(const struct call *call);
/* "Handled by bob"; empty when nobody has. */
struct belfry_str row_handled(const struct call *call, struct belfry_str by);
/* "Error" */
struct belfry_str row_severity(const struct call *call, const char *severity);

#endif
