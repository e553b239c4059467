/* SPDX-License-Identifier: Apache-2.0 */
/* Shared between the files of belfry.inbox/1 only. Everything is [loop] unless it says otherwise. */
#ifndef HOST_INBOX_H
#define HOST_INBOX_H

#include "base/hash.h"
#include "host/internal.h"
#include "ledger/inbox.h"

/* --- memory of revisions (inbox.c) ------------------------------------------------------------ */

/* Counts of one person under one set of roles and one configuration. */
struct inbox_counted {
    uint64_t roles, generation;
    int64_t rev; /* -1: nothing */
    uint64_t unread, unseen;
};

#define INBOX_COUNTED 2 /* kept a person: who is signed in twice has the same roles, but for the moment of a change */

struct inbox_person {
    struct list lru; /* in host_inbox.lru; the front was used last */
    struct list watchers;
    int64_t rev;     /* -1: not known yet */
    uint32_t pins;   /* reads and watchers that need the entry to stay */
    uint8_t reading; /* a count for watchers is under way */
    uint8_t next_counted, key_len;
    struct inbox_counted counted[INBOX_COUNTED];
    char key[]; /* org, NUL, username */
};

struct host_inbox {
    struct host *host;
    struct host_inbox *next; /* all of this process */
    struct config *config;
    struct hash *people;
    struct list lru;
    struct list watchers, dirty; /* struct watcher */
    struct hash *watchers_by_id;
    char drawn[9]; /* at start, so that a tag of another process never matches */
    int flushing;  /* a flush is posted */
    int freed;
    size_t busy; /* calls under way */
    uv_timer_t tick;
};

/* The inbox behind a request; never NULL for a request that a plugin was given. */
struct host_inbox *inbox_of(const struct belfry_http_request *req);
static inline struct http_request *inbox_request(const struct belfry_http_request *req)
{
    return req->impl;
}

/* Routes let people in, and the operator over the control socket, who has no inbox. */
static inline int inbox_is_person(const struct belfry_http_request *req)
{
    return req->principal && req->principal->kind == BELFRY_PRINCIPAL_PERSON;
}

/* The entry, or NULL; with make one is made. */
struct inbox_person *inbox_person(struct host_inbox *inbox, struct belfry_str org, struct belfry_str username,
                                  int make);
void inbox_pin(struct inbox_person *person);
void inbox_unpin(struct host_inbox *inbox, struct inbox_person *person);
/* A reader saw this revision. */
void inbox_saw(struct inbox_person *person, int64_t rev);
const struct inbox_counted *inbox_counted(const struct inbox_person *person, uint64_t roles, uint64_t generation);
void inbox_set_counted(struct inbox_person *person, const struct inbox_counted *counted);
/* Of roles_hash. */
uint64_t inbox_roles(struct belfry_str hash);
/* The tag without quotes. In arena. */
struct belfry_str inbox_tag(const struct host_inbox *inbox, struct arena *arena, int64_t rev,
                            struct belfry_str roles_hash, uint64_t generation);
/* A call begins and ends: the inbox's memory stays until the last one has. */
void inbox_hold(struct host_inbox *inbox);
void inbox_let_go(struct host_inbox *inbox);

/* Names of categories that these roles do not see. In arena. [any] */
struct belfry_strs inbox_gates(const struct config *config, const struct belfry_strs *roles, struct arena *arena);

/* --- rows as items (inbox_item.c) ------------------------------------------------------------- */

/* id of a row or place as a UUID; empty for 0. In arena. [any] */
struct belfry_str inbox_id(const struct store *store, struct arena *arena, int64_t id);
/* [any] actions only for roles that may act, on rows that are valid and open. */
void inbox_item(const struct http_request *req, const struct store *store, const struct store_inbox_row *row,
                struct arena *arena, struct belfry_inbox_item *out);
/* The action of a row by id, parsed; NULL when it has none. New reference. */
json_t *inbox_find_action(const struct store_inbox_row *row, struct belfry_str id);
/* 1 when the roles may act on rows of the category. [any] */
int inbox_may_act(const struct config *config, struct belfry_str category, const struct belfry_strs *roles);

/* --- calls ------------------------------------------------------------------------------------ */

/* inbox_read.c */
void inbox_list(const struct belfry_http_request *req, const struct belfry_inbox_filter *filter,
                struct belfry_str before, uint32_t limit,
                void (*done)(void *arg, belfry_status status, const struct belfry_inbox_page *page), void *arg);
void inbox_count(const struct belfry_http_request *req,
                 void (*done)(void *arg, belfry_status status, const struct belfry_inbox_counts *counts), void *arg);
void inbox_one(const struct belfry_http_request *req, struct belfry_str id,
               void (*done)(void *arg, belfry_status status, const struct belfry_inbox_item *item), void *arg);
/* A filter of the ABI as the store's; strings are borrowed. EINVAL when it is malformed. */
belfry_status inbox_filter(const struct belfry_inbox_filter *in, struct store_inbox_filter *out);

struct belfry_strs inbox_copy_names(struct arena *arena, struct belfry_strs names);

/* inbox_change.c */
void inbox_mark(const struct belfry_http_request *req, uint32_t mark, struct belfry_str id,
                void (*done)(void *arg, const struct belfry_inbox_change *change), void *arg);
void inbox_bulk(const struct belfry_http_request *req, uint32_t mark, const struct belfry_inbox_filter *filter,
                int64_t as_of_rev, void (*done)(void *arg, const struct belfry_inbox_change *change), void *arg);
void inbox_undo(const struct belfry_http_request *req, struct belfry_str op,
                void (*done)(void *arg, const struct belfry_inbox_change *change), void *arg);

/* inbox_act.c */
void inbox_act(const struct belfry_http_request *req, struct belfry_str id, struct belfry_str action,
               struct belfry_str comment, void (*done)(void *arg, const struct belfry_inbox_change *change), void *arg);

/* inbox_live.c */
belfry_status inbox_subscribe(const struct belfry_http_request *req,
                              void (*fn)(void *arg, int64_t rev, uint64_t unread), void *arg, uint64_t *id);
void inbox_unsubscribe(const struct belfry_host *table, uint64_t id);
/* The person's revision moved on: their watchers get a hint on a later turn. */
void inbox_live_changed(struct host_inbox *inbox, struct inbox_person *person);
/* Another configuration: hints for all, the end for those whose roles changed. */
void inbox_live_config(struct host_inbox *inbox, struct config *old, struct config *config);
/* The end for those who watch with the cookie of a session that ended. arg: the inbox. */
void inbox_live_signed_out(void *arg, uint64_t session);
void inbox_live_free(struct host_inbox *inbox);

#endif
