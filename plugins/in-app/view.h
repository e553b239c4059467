/* SPDX-License-Identifier: Apache-2.0 */
/* Pages: a template over a JSON object, and texts in the reader's language. */
#ifndef IN_APP_VIEW_H
#define IN_APP_VIEW_H

#include "in_app.h"

#include <jansson.h>

/* In start(): the templates and the texts. */
belfry_status view_init(struct in_app *app, struct belfry_error *err);

/* A text of the catalogue, as it is, with a number, or with two strings. All live as long as the request. */
struct belfry_str view_text(const struct call *call, const char *key);
struct belfry_str view_count(const struct call *call, const char *key, uint64_t n);
struct belfry_str view_count2(const struct call *call, const char *key, uint64_t n, uint64_t of);
struct belfry_str view_say(const struct call *call, const char *key, struct belfry_str a, struct belfry_str b);

/* Sets a member to a string. */
void view_put(json_t *model, const char *name, struct belfry_str value);
/* The same with a text of the catalogue. */
void view_put_text(const struct call *call, json_t *model, const char *name, const char *key);
/* "/acme/notifications" with the query: to be put as an address. */
void view_put_inbox(const struct call *call, json_t *model, const char *name, const struct query *query,
                    int with_place);
/* "org", "path" and, for its forms, "csrf". */
json_t *view_model(const struct call *call);

/* Appends a template over the model, which stays the caller's. Not OK, with nothing appended: what it says is too
 * large. */
belfry_status view_render(const struct call *call, const char *name, const json_t *model, struct text *out);
/* The same over an object that is written already. */
belfry_status view_render_text(const struct call *call, const char *name, struct belfry_str model, struct text *out);

/* Each answers and ends the call; the model is taken, main is freed. */
void view_too_large(struct call *call, struct text *main);
void view_html(struct call *call, uint32_t status, struct belfry_str title, struct text *main);
void view_answer(struct call *call, uint32_t status, struct belfry_str title, const char *name, json_t *model);
/* A page that says one thing, under a heading of the catalogue, with a way back. */
void view_notice(struct call *call, uint32_t status, const char *heading, struct belfry_str text);

#endif
