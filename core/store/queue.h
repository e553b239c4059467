/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much waits, for people to look at. Every count goes through an index and stops at STORE_COUNT_MAX rows, so that a
 * page about a million deliveries costs what a page about ten thousand does; `more` says that it stopped. [any]
 */
#ifndef STORE_QUEUE_H
#define STORE_QUEUE_H

#include "event/outcome.h"
#include "store/store.h"

#define STORE_COUNT_MAX 10000

struct store_depth {
    int64_t by_state[OUTCOME_COUNT]; /* of deliveries that wait, are under way or are held */
    int64_t oldest_due;              /* of those that wait; 0: none does */
    int more;                        /* at least so many */
};
/* Of an org in a channel, both name ids. */
void store_depth(struct store_conn *conn, int64_t org, int64_t channel, struct store_depth *out);

struct store_count {
    int64_t count;
    int more;
};
/* Deliveries that failed for good. */
struct store_count store_dead(struct store_conn *conn, int64_t org);

struct store_failing {
    int64_t target, channel; /* channel: a name id */
    struct belfry_str name;  /* in arena */
    int64_t since;           /* the first failure after the last success */
};
/* Up to max targets of an org that fail, but are not disabled, those that have failed longest first. */
size_t store_targets_failing(struct store_conn *conn, int64_t org, size_t max, struct arena *arena,
                             struct store_failing *out);

struct store_target_state {
    int64_t disabled_at;
    struct belfry_str disabled_why; /* in arena */
    int failures;                   /* since the last success */
    int64_t first_failure;
    struct store_count pending, held;
    int64_t oldest_due;
};
/* 1 when there is such a row in the org. */
int store_target_state(struct store_conn *conn, int64_t org, int64_t target, struct arena *arena,
                       struct store_target_state *out);

#endif
