/* SPDX-License-Identifier: Apache-2.0 */
/* The filters of the run log: one grammar for the API, the page and its links. All [loop]. */
#ifndef SYNC_QUERY_H
#define SYNC_QUERY_H

#include "run.h"

#include <stdio.h>

#define SYNC_LIMIT_DEFAULT 50
#define SYNC_LIMIT_MAX 200

struct sync_query {
    struct belfry_str kind, admin, from, to, before; /* as given; len 0: absent */
    int outcome;                                     /* 0: any */
    int64_t from_ms, to_ms;                          /* both belong to it; INT64_MIN, INT64_MAX: open */
    uint32_t limit;
};

/*
 * NULL, or the name of the parameter that is bad, with what is wrong in *why; what is bad is left out. An empty value
 * counts as absent, since forms send it. Texts live as long as the request.
 */
const char *sync_query_read(struct sync_query *query, const struct sync *sync, const struct belfry_http_request *req,
                            const char **why);
/* "?kind=sync&outcome=failed", for an href; nothing when there is nothing to say. With `before` when it is not empty.
 */
void sync_query_write(const struct sync_query *query, struct belfry_str before, FILE *out);
/* Of a segment or a value of a URL. */
void sync_url_write(struct belfry_str text, FILE *out);

#endif
