/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far feeds were pulled, and Refresh: a job that people asked for or joined. Moments are ids: those of rows that
 * appeared, of rows that stopped being valid, and of people who joined are drawn from one generator, so that what came
 * first is a comparison, whatever the clock does.
 */
#ifndef STORE_FEEDS_H
#define STORE_FEEDS_H

#include "store/store.h"

/* --- feeds -------------------------------------------------------------------------------------------------------- */

#define STORE_FEED_HASH 32

struct store_feed {
    uint8_t url[STORE_FEED_HASH]; /* SHA-256 of the address that gave the cursor */
    struct belfry_str cursor, etag;
};
/* 1 when there is one; texts in arena. [any] */
int store_feed_get(struct store_conn *conn, int64_t inst, int64_t org, struct arena *arena, struct store_feed *out);
void store_feed_set(struct store_conn *conn, int64_t inst, int64_t org, const struct store_feed *feed);

/* --- Refresh ------------------------------------------------------------------------------------------------------ */

#define STORE_JOB_REFRESH 10 /* kind of `job` */

/* The Refresh of an org that has not ended, 0: none. */
int64_t store_refresh_open(struct store_conn *conn, int64_t org);
/* Whoever asked before keeps the moment of the first time. */
void store_refresh_join(struct store_conn *conn, int64_t job, int64_t person, int64_t since);
/* done of total parts came to their end; state STORE_JOB_DONE or STORE_JOB_FAILED. */
void store_refresh_end(struct store_conn *conn, int64_t job, int state, int64_t done, int64_t total, int64_t ended);
/* Those that have not ended: failed, with what they had done. */
void store_refresh_interrupt(struct store_conn *conn, int64_t ended);

struct store_refresh {
    int state;
    int64_t done, total;
    uint64_t added, invalidated;
};
/*
 * 1 when the person (by org and name) asked for the job or joined it. added: rows that appeared for them since then and
 * are valid; invalidated: rows that they had and that stopped being valid, without a successor that took their place.
 * Both up to the end of the job, and without the categories `gated` (names). [any]
 */
int store_refresh_of(struct store_conn *conn, int64_t job, struct belfry_str org, struct belfry_str username,
                     const struct belfry_strs *gated, struct store_refresh *out);

#endif
