/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this plugin share. Everything is [loop]. */
#ifndef IN_APP_H
#define IN_APP_H

#include "query.h"
#include "text.h"

struct config {
    int64_t page_size;
};

struct stream;
struct export;

struct in_app {
    const struct belfry_host *host;
    const struct belfry_http_route_api *http;
    const struct belfry_inbox_api *inbox;
    const struct belfry_timer_api *timer;
    const struct belfry_asset_api *asset;
    const struct belfry_job_api *job;
    const struct belfry_pages_api *pages;
    const struct belfry_preferences_api *preferences;
    const struct config *config;
    struct stream *streams;
    struct export *exports;
    uint64_t heartbeat; /* timer, while there are streams */
    uint32_t calls;     /* requests in hand */
    int stopping;
};

/* One request in hand, from the handler to its answer. */
struct call {
    struct in_app *app;
    const struct belfry_http_request *req;
    struct query query;
    struct belfry_str id;
    uint32_t mark;
    int labels;        /* items say what people read, too */
    int64_t since_rev; /* below 0: not asked for */
    char etag[160];    /* quoted; empty: none */
    char **owned;      /* texts that live as long as the call */
    size_t owned_count;
    void *json;            /* json_t of the body */
    struct belfry_job job; /* of the page's address, when it has one of this person */
    int has_job;
    uint32_t reload_after_s; /* of the page; 0: not */
    int shows_list;          /* the page has a list to skip to */
    struct belfry_str bad;   /* parameter of the page's address that was left out; empty: none */
    void (*then)(struct call *call);
};

struct call *call_new(struct in_app *app, const struct belfry_http_request *req);
/* After the answer. */
void call_free(struct call *call);
/* Memory that lives as long as the call. */
void *call_alloc(struct call *call, size_t size);
struct belfry_str call_param(const struct call *call, const char *name);

/* Each answers and ends the call. */
void answer_problem(struct call *call, uint32_t status, const char *pointer, const char *detail);
/* The HTTP status of a refusal that the inbox gave. */
uint32_t answer_code(belfry_status status);
/* The problem of a status that the inbox gave; detail empty: the usual text. */
void answer_status(struct call *call, belfry_status status, struct belfry_str detail);
void answer_json(struct call *call, uint32_t status, struct text *body);
/* Without a body: 204, 304. With the call's etag. */
void answer_empty(struct call *call, uint32_t status);
void answer_redirect(struct call *call, struct belfry_str location);

/* "read" of "act"; 0 for a word that is none. */
uint32_t mark_of(struct belfry_str word);
static inline int text_is(struct belfry_str s, const char *z)
{
    size_t len = strlen(z);
    return s.len == len && memcmp(s.ptr, z, len) == 0;
}

/* api.c */
void api_list(void *self, const struct belfry_http_request *req);
void api_count(void *self, const struct belfry_http_request *req);
void api_one(void *self, const struct belfry_http_request *req);
/* export.c */
void api_export(void *self, const struct belfry_http_request *req);
void exports_stop(struct in_app *app);
/* change.c */
void api_read(void *self, const struct belfry_http_request *req);
void api_unread(void *self, const struct belfry_http_request *req);
void api_hide(void *self, const struct belfry_http_request *req);
void api_unhide(void *self, const struct belfry_http_request *req);
void api_bulk(void *self, const struct belfry_http_request *req);
void api_undo(void *self, const struct belfry_http_request *req);
void api_seen(void *self, const struct belfry_http_request *req);
void api_action(void *self, const struct belfry_http_request *req);
/* stream.c */
void api_stream(void *self, const struct belfry_http_request *req);
void streams_stop(struct in_app *app);
/* refresh.c */
void api_refresh(void *self, const struct belfry_http_request *req);
void api_job(void *self, const struct belfry_http_request *req);
/* The button of the page: answers and ends the call. */
void refresh_from_page(struct call *call);
/* Looks at the job of the page's address, if there is one, and goes on with then(call). */
void refresh_look(struct call *call, void (*then)(struct call *call));
/* The page's address with the job: newest rows first, whatever place the form came from. */
void refresh_address(const struct call *call, struct belfry_str job, struct text *out);
/* page.c, form.c, open.c */
void page_inbox(void *self, const struct belfry_http_request *req);
void page_act(void *self, const struct belfry_http_request *req);
void page_open(void *self, const struct belfry_http_request *req);
/* elements.c: the scripts that pages of other applications load. */
belfry_status elements_serve(struct in_app *app);
/* in_app.c: stopped() once nothing is in hand any more. */
void in_app_check_stopped(struct in_app *app);

#endif
