/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of the pages. What comes from outside is escaped here and nowhere else. All [loop]. */
#ifndef SYNC_HTML_H
#define SYNC_HTML_H

#include "answer.h"

struct sync_html {
    FILE *out; /* what is written becomes the page */
    char *bytes;
    size_t size;
    struct sync_call *call;
};

/* A page in the making, which must not move; sync_html_send() answers with it and ends the call. */
void sync_html_init(struct sync_html *html, struct sync_call *call);
void sync_html_send(struct sync_html *html, uint32_t status, const char *title);
/* A page that says one thing, with the way back to the list. Ends the call. */
void sync_html_notice(struct sync_call *call, uint32_t status, const char *title, const char *text);

void sync_html_text(struct sync_html *html, struct belfry_str text);
/* "/acme/runs/hr-sync" */
void sync_html_list_path(struct sync_html *html);
/* Date and time in the reader's locale and zone, as <time>. */
void sync_html_time(struct sync_html *html, int64_t ms);
/* "Finished" with its outcome, as a coloured word. */
void sync_html_state(struct sync_html *html, const struct sync_run *run);
/* "1 min 30 s", "not known" */
void sync_html_length(struct sync_html *html, const struct sync_run *run);

#endif
