/* SPDX-License-Identifier: Apache-2.0 */
/* From an event's source, type and category to the rules that may match it. */
#ifndef ROUTE_INDEX_H
#define ROUTE_INDEX_H

#include "base/id.h"
#include "route/route.h"

struct route_index;

/* Lives in arena; values are found through hash tables that its cleanup frees. */
struct route_index *route_index_new(struct arena *arena, const struct config *config);

/* A walk over the candidates of one event in the order of the rules. */
struct route_candidates {
    const uint64_t *sets[3];
    size_t word, words;
    uint64_t bits; /* of the word in hand that are still to come */
};
void route_candidates(const struct route_index *index, const struct route_event *event, struct route_candidates *walk);
/* The next rule's position, or SIZE_MAX. */
size_t route_candidates_next(struct route_candidates *walk);

/* The key of hash tables that outsiders could aim at; made with the process. */
const struct id_key *route_key(void);

#endif
