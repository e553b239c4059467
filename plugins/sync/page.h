/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the pages of the run log share. A page is a model (JSON) in a template of pages/; texts come from texts/ in the
 * reader's language. All [loop].
 */
#ifndef SYNC_PAGE_H
#define SYNC_PAGE_H

#include "answer.h"

/* The templates, texts and style sheet, in start(). */
belfry_status sync_pages_add(struct sync *sync, struct belfry_error *err);

/*
 * Answers with the template over the model, and ends the call. Takes the model over. log: HTML that comes behind it,
 * followed by the template `after`; both may be empty or NULL.
 */
void sync_page_send(struct sync_call *call, uint32_t status, const char *title, const char *name, json_t *model,
                    struct belfry_str log, const char *after);
/* A page that says one thing, with the way back to the list: texts KEY.title and KEY.text. Ends the call. */
void sync_page_notice(struct sync_call *call, uint32_t status, const char *key);

/* A member of a model. */
void sync_page_set(json_t *model, const char *name, struct belfry_str text);
/* A text of the catalogue. Lives as long as the request. */
struct belfry_str sync_page_text(const struct sync_call *call, const char *key);
struct belfry_str sync_page_format(const struct sync_call *call, const char *key, const struct belfry_value *args,
                                   size_t count);
/* The arguments of a text. */
struct belfry_value sync_page_string(struct belfry_str text);
struct belfry_value sync_page_number(int64_t number);

/* "/acme/runs/hr-sync" with what follows: "/" and the id of a run, or a query. New reference. */
json_t *sync_page_run_path(const struct sync_call *call, struct belfry_str id);
json_t *sync_page_list_path(const struct sync_call *call, const struct sync_query *query, struct belfry_str before);
/* {"machine","text"}: an instant for <time>, in the reader's locale and zone. New reference. */
json_t *sync_page_time(const struct sync_call *call, int64_t ms);
/* {"class","text"}: running or finished, with its outcome. New reference. */
json_t *sync_page_state(const struct sync_call *call, const struct sync_run *run);
/* "Import", or what the reader calls it; of a kind that we have no word for the kind itself. New reference. */
json_t *sync_page_kind(const struct sync_call *call, const struct sync_run *run);
/* "1 min 30 s", "not known". New reference. */
json_t *sync_page_length(const struct sync_call *call, const struct sync_run *run);

#endif
