/* SPDX-License-Identifier: Apache-2.0 */
/* The way back to the list that a person came from. */
#ifndef IN_APP_BACK_H
#define IN_APP_BACK_H

#include "in_app.h"

/*
 * What of a raw query is a filter of ours: the parameters that the list knows, with nothing in their values but what
 * stands in a query as it is. Everything else is left out; at most 2,000 bytes are looked at.
 */
void back_filter(struct belfry_str raw, struct text *out);
/* The query of the list that led here: of the parameter `back`, else of the Referer when it is the list of this org on
 * this host. Empty: none. */
void back_query(const struct call *call, struct text *out);
/* "/acme/notifications" with the filtered query, or with the call's own filter and place when there is none. */
void back_address(const struct call *call, struct belfry_str raw, struct text *out);

#endif
