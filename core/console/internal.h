/* SPDX-License-Identifier: Apache-2.0 */
/* Shared between the files of the console room only. */
#ifndef CONSOLE_INTERNAL_H
#define CONSOLE_INTERNAL_H

#include "console/console.h"

/* Who may look, and who may change. */
#define CONSOLE_READS "role:admin|token:read|token:admin"
#define CONSOLE_WRITES "role:admin|token:admin"

extern const struct view console_views[];
extern const size_t console_view_count;
extern const struct deed console_deeds[];
extern const size_t console_deed_count;
extern const struct tab console_tabs[];
extern const size_t console_tab_count;

/* --- the views' own parts ----------------------------------------------------------------------------------------- */

void overview_ask(struct page *page);
void overview_show(struct page *page);
void event_ask(struct page *page);
void event_show(struct page *page);
void events_show(struct page *page);
void explain_show(struct page *page);
void explain_act(struct page *page);
void reveal_act(struct page *page);
void deliveries_show(struct page *page);
void delivery_show(struct page *page);
void letters_ask(struct page *page);
void letters_show(struct page *page);
void letters_act(struct page *page);
void delivery_act(struct page *page);
void endpoints_show(struct page *page);
void endpoint_ask(struct page *page);
void endpoint_show(struct page *page);
void endpoint_act(struct page *page);
void categories_show(struct page *page);
void category_ask(struct page *page);
void category_show(struct page *page);
void audit_show(struct page *page);
void suppressions_show(struct page *page);
void suppressions_act(struct page *page);
/* Makes a dressed story ready: verdicts, the failing leaf of each rule (story.c). */
void story_dress(struct page *page, json_t *story);
/* The same for one delivery. */
void way_dress(struct page *page, json_t *delivery);

#endif
