/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of the pages. */
#ifndef IN_APP_HTML_H
#define IN_APP_HTML_H

#include "in_app.h"

/* "/acme/notifications" */
void html_inbox_path(const struct call *call, struct text *out);
/* <form> to /{org}/notifications/act with the present filter and place as hidden fields. */
void html_form(const struct call *call, struct text *out);
/* One row of the list as <li>. */
void html_row(const struct call *call, const struct belfry_inbox_page *page, const struct belfry_inbox_item *item,
              struct text *out);
/* "5 minutes ago", or date and time; as <time>. */
void html_time(const struct call *call, int64_t ms, struct text *out);
/* What became of an item that is not simply open: "Handled by bob", "Expired"; nothing for one that is. */
void html_state(const struct belfry_inbox_item *item, struct text *out);
/* "/acme/n/ID" */
void html_href(const struct call *call, struct belfry_str id, struct text *out);

#endif
