/* SPDX-License-Identifier: Apache-2.0 */
/* A notification as JSON: the API's item, of which the pages show the same members. */
#ifndef IN_APP_ITEM_H
#define IN_APP_ITEM_H

#include "text.h"

/* "info" to "critical" */
const char *item_severity(const struct belfry_inbox_item *item);
/* "valid", "expired", "superseded" or "withdrawn" */
const char *item_validity(const struct belfry_inbox_item *item);
/* "/acme/n/ID" */
void item_href(struct text *out, struct belfry_str org, struct belfry_str id);
/* The members of the item's object, without braces, so that whoever shows more of it can go on. labels: also what
 * people read, in the language of the request: category_label, and the comment of each action. */
void item_members(struct text *out, struct belfry_str org, const struct belfry_inbox_item *item, int labels);
/* The object. */
void item_write(struct text *out, struct belfry_str org, const struct belfry_inbox_item *item, int labels);
/* One more member after others: ,"name":"value" */
void item_text(struct text *out, const char *name, struct belfry_str value);

#endif
