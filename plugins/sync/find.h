/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking runs up for whoever asks: everything for people with the role `admin` and for tokens, of other people only
 * the runs that they started. All [loop].
 */
#ifndef SYNC_FIND_H
#define SYNC_FIND_H

#include "query.h"

struct sync_found {
    char *key; /* owned; the run's id points into it */
    struct sync_run run;
};

/* One request in hand, from its handler to its answer. */
struct sync_call {
    struct sync *sync;
    const struct belfry_http_request *req;
    struct sync_query query;
    struct belfry_str id; /* of one run */
    int attempts;
    void (*done)(struct sync_call *call, belfry_status status);

    struct sync_found *runs; /* newest first; of one run that one */
    size_t count;
    uint32_t scanned; /* entries that were looked at */
    char *next;       /* cursor; NULL at the end */
    char *cursor;     /* where the next look goes on */
    char *log;        /* NULL: none */
    size_t log_len;
    int64_t valid_until; /* of an overview; 0: it is not valid */
};

struct sync_call *sync_call_new(struct sync *sync, const struct belfry_http_request *req);
/* After the answer. */
void sync_call_free(struct sync_call *call);
/* The runs that the query chooses. done once, later; ECLOSED and the like when they cannot be read. */
void sync_find(struct sync_call *call, void (*done)(struct sync_call *call, belfry_status status));
/* The run of call->id. ENOTFOUND also when this is nothing for whoever asks. */
void sync_find_one(struct sync_call *call, void (*done)(struct sync_call *call, belfry_status status));
/* Whether whoever asks sees runs of everybody. */
int sync_sees_all(const struct belfry_http_request *req);

#endif
