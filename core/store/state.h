/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What sources remember: identities of triggers, their state, timers and tasks. inst and org are ids of interned names.
 * Writing: the ledger's thread. Faults stick in the connection.
 */
#ifndef STORE_STATE_H
#define STORE_STATE_H

#include "store/store.h"

/* --- identities of triggers --------------------------------------------------------------------------------------- */

/* 1 when the key was taken at or after since_ms; *events is how many events the original made. */
int store_dedupe_find(struct store_conn *conn, struct belfry_str key, int64_t since_ms, uint32_t *events);
/* Takes the key; one that was taken before is taken anew. */
void store_dedupe_add(struct store_conn *conn, struct belfry_str key, int64_t at_ms, uint32_t events);

/* --- state -------------------------------------------------------------------------------------------------------- */

/* 1 when found; value in arena. */
int store_state_get(struct store_conn *conn, int64_t inst, int64_t org, struct belfry_str key, struct arena *arena,
                    struct belfry_str *value);
/* Keys with the prefix, after `after` (exclusive; empty: all), in byte order or from the end; fn returns 0 to go on.
 * The slices are valid during fn, which must not read state itself. */
void store_state_scan(struct store_conn *conn, int64_t inst, int64_t org, struct belfry_str prefix,
                      struct belfry_str after, int reverse,
                      int (*fn)(void *arg, struct belfry_str key, struct belfry_str value), void *arg);
void store_state_put(struct store_conn *conn, int64_t inst, int64_t org, struct belfry_str key,
                     struct belfry_str value);
void store_state_del(struct store_conn *conn, int64_t inst, int64_t org, struct belfry_str key);
/* The version of an (instance, org); 0 when it has none. */
int64_t store_state_version(struct store_conn *conn, int64_t inst, int64_t org);
void store_state_set_version(struct store_conn *conn, int64_t inst, int64_t org, int64_t version);
/* A renamed instance takes over state, timers, tasks, places in feeds and live events of its old name where it has none
 * of the same key.
 */
void store_state_rename(struct store_conn *conn, int64_t from, int64_t to);

/* --- timers ------------------------------------------------------------------------------------------------------- */

struct store_timer {
    int64_t inst, org, due, retry_at;
    struct belfry_str key, payload;
    int32_t attempts;
};
void store_timer_set(struct store_conn *conn, int64_t inst, int64_t org, struct belfry_str key, int64_t due_ms,
                     struct belfry_str payload);
void store_timer_clear(struct store_conn *conn, int64_t inst, int64_t org, struct belfry_str key);
/* The one that is to run first, when it is due; texts in arena. */
int store_timer_due(struct store_conn *conn, int64_t inst, int64_t org, int64_t now_ms, struct arena *arena,
                    struct store_timer *out);
/* When the next one is to run; INT64_MAX: none. */
int64_t store_timer_next(struct store_conn *conn, int64_t inst, int64_t org);
/* After a failure: runs again at retry_at, or never when dead. */
void store_timer_retry(struct store_conn *conn, const struct store_timer *timer, int64_t retry_at, int attempts,
                       int dead);
/* The next (inst, org) in order that has timers; 0 at the end. Start with zeros. */
int store_timer_owner(struct store_conn *conn, int64_t *inst, int64_t *org);

/* --- tasks -------------------------------------------------------------------------------------------------------- */

struct store_task {
    int64_t id, inst, org, due, lease;
    struct belfry_str key, payload;
    int32_t attempts, dead;
};
void store_task_add(struct store_conn *conn, const struct store_task *task);
int store_task_get(struct store_conn *conn, int64_t id, struct arena *arena, struct store_task *out);
/* Those that are due and not taken, in order of due time and id, after (due, id) of the last one seen. */
size_t store_tasks_due(struct store_conn *conn, int64_t now_ms, int64_t after_due, int64_t after_id, size_t limit,
                       struct arena *arena, struct store_task **out);
/* When the next one is due that is due after after_ms; INT64_MAX: none. */
int64_t store_tasks_next(struct store_conn *conn, int64_t after_ms);
void store_task_lease(struct store_conn *conn, int64_t id, int64_t boot);
/* Waits again, or is dead. */
void store_task_retry(struct store_conn *conn, int64_t id, int64_t due_ms, int attempts, int dead,
                      struct belfry_str detail);
/* How many of an instance are dead. Reads the whole table, which holds few. */
int64_t store_tasks_dead(struct store_conn *conn, struct belfry_str instance);
void store_task_del(struct store_conn *conn, int64_t id);
/* Those that another boot took are free again. */
void store_tasks_release(struct store_conn *conn, int64_t boot);

#endif
