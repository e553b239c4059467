/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs, generations, refused triggers, marks of the hub's own, and deletion of what is past its time. [ledger] */
#ifndef STORE_UPKEEP_H
#define STORE_UPKEEP_H

#include "store/store.h"

/* --- jobs: work in slices that a restart resumes ------------------------------------------------------------------ */

/* Kind: part of an event's rows to targets. `total` is of all of them, `done` what was there before this part. */
#define STORE_JOB_TARGETS 8
enum { STORE_JOB_WAITS = 0, STORE_JOB_RUNS = 1, STORE_JOB_DONE = 2, STORE_JOB_FAILED = 3 };

struct store_job {
    int64_t id, org, ref, done, total;
    int32_t kind, state;
    struct belfry_str cursor, payload;
};
void store_job_add(struct store_conn *conn, const struct store_job *job);
/* The oldest job that is not done, of a kind in [first, last], with an id above after; texts in arena. */
int store_job_next(struct store_conn *conn, int first, int last, int64_t after, struct arena *arena,
                   struct store_job *out);
/* Also one that is done; texts in arena. */
int store_job_get(struct store_conn *conn, int64_t id, struct arena *arena, struct store_job *out);
/* The oldest job of a kind about this ref that is not done; texts in arena. */
int store_job_find(struct store_conn *conn, int kind, int64_t ref, struct arena *arena, struct store_job *out);
/* done and total of that job, without what it carries. [any] */
int store_job_progress(struct store_conn *conn, int kind, int64_t ref, int64_t *done, int64_t *total);
/* 1 when a job about this ref, of a kind in [first, last], is not done. */
int store_job_open_for(struct store_conn *conn, int first, int last, int64_t ref);
/* What an open job carries, and what it is about, becomes this. */
void store_job_carry(struct store_conn *conn, int64_t id, struct belfry_str payload);
void store_job_refer(struct store_conn *conn, int64_t id, int64_t ref);
/* A part of an event's rows that is done carries its ids no longer. */
void store_job_step(struct store_conn *conn, int64_t id, struct belfry_str cursor, int64_t done, int state);

/* --- generations, marks ------------------------------------------------------------------------------------------- */

int64_t store_generation_last(struct store_conn *conn);
void store_generation_add(struct store_conn *conn, int64_t id, const uint8_t sha256[32], int64_t at_ms,
                          struct belfry_str actor, struct belfry_str summary);
/* Numbers kept by name; `missing` when there is none. */
int64_t store_mark_get(struct store_conn *conn, struct belfry_str key, int64_t missing);
void store_mark_set(struct store_conn *conn, struct belfry_str key, int64_t value);
void store_mark_del(struct store_conn *conn, struct belfry_str key);

/* kind: "feed", "hook", "poison", "task", "timer"; problem: JSON. */
void store_refused_add(struct store_conn *conn, int64_t id, int64_t org, int64_t source, const char *kind,
                       struct belfry_str problem, struct belfry_str body);

/* --- retention ---------------------------------------------------------------------------------------------------- */

/* Each looks at up to `limit` rows after the cursor (a place of its own kind; start with an empty one, at most 600
 * bytes) and deletes those that are older than before_ms and that nothing kept links to. Returns 1 when there is more,
 * and moves the cursor. */
struct store_cursor {
    char bytes[600];
    size_t len;
};
int store_trim_dedupe(struct store_conn *conn, struct store_cursor *at, int64_t before_ms, size_t limit);
int store_trim_attempts(struct store_conn *conn, struct store_cursor *at, int64_t before_ms, size_t limit);
int store_trim_decisions(struct store_conn *conn, struct store_cursor *at, int64_t before_ms, size_t limit);
int store_trim_notifications(struct store_conn *conn, struct store_cursor *at, int64_t before_ms, size_t limit);
/* Whose inbox the next such slice makes shorter; ids of persons in arena. */
size_t store_trim_notifications_whose(struct store_conn *conn, const struct store_cursor *at, int64_t before_ms,
                                      size_t limit, struct arena *arena, int64_t **persons);
/* With deliveries, texts, payload, decisions and attempts. An event with a notification or an open delivery stays. */
int store_trim_events(struct store_conn *conn, struct store_cursor *at, int64_t before_ms, size_t limit);
/* Undo operations, used tokens, finished jobs, refused items. */
int store_trim_ops(struct store_conn *conn, struct store_cursor *at, int64_t before_ms, size_t limit);
int store_trim_jti(struct store_conn *conn, struct store_cursor *at, int64_t before_ms, size_t limit);
int store_trim_jobs(struct store_conn *conn, struct store_cursor *at, int64_t before_ms, size_t limit);
int store_trim_refused(struct store_conn *conn, struct store_cursor *at, int64_t before_ms, size_t limit);

#endif
