/* SPDX-License-Identifier: Apache-2.0 */
/* Shared between the files of the hub room only. */
#ifndef HUB_INTERNAL_H
#define HUB_INTERNAL_H

#include "hub/generation.h"
#include "hub/hub.h"

#define HUB_SIGNALS 3

struct site;
struct hub_clock; /* clock.c */

struct hub {
    struct hub_parts parts;
    const char *path; /* of the configuration file */
    uint8_t secret[32];
    struct config *starting; /* what the process was started with: the sockets, the directory, the secret are its */
    struct hub_generation *first, *current;
    struct hub_reload_numbers reloads;
    struct list reload_queue;
    struct reload *reloading;
    uv_signal_t signals[HUB_SIGNALS];
    uv_timer_t task_timer, disk_timer, jwks_timer, feed_timer;
    struct list jwks;       /* key sets behind URLs: jwks.c */
    struct list feeds;      /* feeds.c */
    struct list refreshes;  /* refresh.c */
    struct list hooks;      /* calls of hooks that are not answered yet: hooks.c */
    struct list bounces;    /* bounces.c */
    struct list making;     /* endpoints on their way to disk: endpoint_writes.c */
    struct list changing;   /* changes of endpoints that wait for their turn, or for the disk: the same */
    uint64_t bounce_ids;    /* given to plugins so far */
    uint64_t refresh_parts; /* ids given to sources so far */
    int feeds_looking;
    int disk_low;
    int tasks_claiming;
    int ready, stopping, exit_code;
    struct ledger_command opening; /* behind all that the first instances declared: then the doors open */
    int64_t started_ms;
    struct site *console, *portal; /* the pages of /{org}/admin and of /{org}/endpoints */
    struct hub_clock *test_clock;
    struct buf openapi; /* the document, as of these routes and this configuration */
    uint64_t openapi_routes, openapi_generation;
};

/* Begins a graceful stop; more calls change nothing. */
void hub_stop(struct hub *hub);

/* The signals are blocked from here on, in every thread that is made, libuv's workers among them: they are started on
 * `loop`, which must have nothing else to do yet (NULL: they are there). What comes meanwhile is handled after the
 * release, or never when the process ends. */
void hub_signals_hold(uv_loop_t *loop);
void hub_signals_release(void);
void hub_signals_init(struct hub *hub);
void hub_signals_fini(struct hub *hub);

/* Durable tasks: claims what is due and hands it to the sources' perform(). */
void hub_tasks_init(struct hub *hub);
void hub_tasks_look(struct hub *hub);
void hub_tasks_fini(struct hub *hub);

/* Free space of hub.data_dir: below hub.limits.disk_floor_bytes no triggers are taken. */
void hub_disk_init(struct hub *hub);
void hub_disk_fini(struct hub *hub);
/* NULL, or what is wrong. */
const char *hub_disk_fault(const struct hub *hub);

/* Key sets of auth.jwt.jwks that are URLs: fetched, and put where JWTs are verified. */
void hub_jwks_init(struct hub *hub);
void hub_jwks_configure(struct hub *hub, const struct config *config); /* those of this configuration, from now on */
void hub_jwks_fini(struct hub *hub);

/* Answers what was refused and is kept: refused.c. */
void hub_refused_list(struct hub *hub, struct http_request *req);
/* What comes back by mail: POST /v1/admin/bounces. */
belfry_status hub_bounces_init(struct hub *hub, struct error *err);
/* Instances that are gone, or take too long, are asked no more. */
void hub_bounces_look(struct hub *hub);
void hub_bounces_fini(struct hub *hub);
/* /v1/{org}/events/{id}, /v1/{org}/explain */
belfry_status hub_explain_init(struct hub *hub, struct error *err);
/* A line of the log for each. */
void hub_log_diagnostics(struct diag_set *diags);

/* Members of answers: an id as UUID, a time as RFC 3339; null for 0. */
void hub_json_id(const struct hub *hub, json_t *object, const char *key, int64_t id);
void hub_json_time(json_t *object, const char *key, int64_t ms);
/* 1 with the value of a parameter of the query, 0 when it is not there, -1 after a 400. */
int hub_query(struct http_request *req, const char *name, struct belfry_str *value);
/* `from` and `to` of a list's query as ids: from, and below. 0, or -1 after a 400. */
int hub_time_window(struct http_request *req, int64_t *from, int64_t *to);
/* A parameter that is true or false: 1, 0 (also when it is not there), -1 after a 400. */
int hub_query_bool(struct http_request *req, const char *name);
/* `limit` and `before` of a list's query: 0, or -1 after a 400. */
int hub_list_window(struct hub *hub, struct http_request *req, uint32_t *limit, int64_t *before);

struct store_delivery_view;  /* store/story.h */
struct store_attempt_record; /* store/story.h */
/* One delivery, one attempt of it with what its plugin kept. New references. */
json_t *hub_delivery_json(const struct hub *hub, const struct store_delivery_view *view);
json_t *hub_attempt_json(const struct hub *hub, const struct store_attempt_record *attempt);
/* In the place of request.body_of of what a plugin kept, which says how the body was made of the event's stored one
 * (plugins/webhook/record.h): request.body, its first 20,000 bytes, and request.truncated when there was more. payload:
 * the beginning of the stored body; empty: nothing is known of it any more. */
void hub_attempt_body(json_t *record, struct belfry_str payload);
/* The body when there is one, else NULL. 0, or -1 after a 400. */
int hub_optional_body(struct http_request *req, json_t **body);
/* A body, which may be NULL, has no members but these: one that is not known is one that somebody relies on. 0, or -1
 * after a 422. */
int hub_only(struct http_request *req, const json_t *body, const char *const *names, size_t count);
/* `reason` of a body, which may be NULL: why somebody does it, for the audit. 0, or -1 after a 422. */
int hub_reason(struct http_request *req, const json_t *body, struct belfry_str *reason);
/* Who asks, for the audit: "person:ann", "token:crm", "operator" over the control socket. In the request's arena. */
struct belfry_str hub_who(struct http_request *req);

#endif
