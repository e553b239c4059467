/* SPDX-License-Identifier: Apache-2.0 */
/* The filter of the page, as people see and change it. */
#ifndef IN_APP_FACETS_H
#define IN_APP_FACETS_H

#include "view.h"

/* Adds what the template `filters` shows: q, hidden, only_unread, open, plain, groups, applied. */
void facets_model(const struct call *call, const struct belfry_inbox_page *page, json_t *model);

#endif
