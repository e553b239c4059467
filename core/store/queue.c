/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queues are counted through the partial indexes that the claims use: rows of one target, or of a channel's recipients,
 * in order of due time. A channel's recipients are of all orgs, so there the rows of other orgs are passed over, and
 * count towards the limit.
 */
#include "store/queue.h"

#include "store/lanes.h"
#include "store/sql.h"

/* Adds what a query of (state, count, oldest due, mine) found; returns how many rows it has read. */
static int64_t add_groups(struct sql *s, struct store_depth *out)
{
    int64_t read = 0;
    while (sql_row(s)) {
        int64_t state = sql_get_i64(s, 0), count = sql_get_i64(s, 1), due = sql_get_i64(s, 2);
        read += count;
        if (!sql_get_i64(s, 3) || state < 0 || state >= OUTCOME_COUNT)
            continue;
        out->by_state[state] += count;
        if (due && (!out->oldest_due || due < out->oldest_due))
            out->oldest_due = due;
    }
    sql_end(s);
    return read;
}

static int64_t own_queue(struct store_conn *conn, int64_t org, int64_t channel, struct store_depth *out)
{
    struct sql *s = sql_use(conn, "SELECT state, count(*), min(due), org = ?1 AS mine FROM (SELECT state, due, org"
                                  " FROM delivery INDEXED BY delivery_due WHERE channel = ?2 AND open = 1"
                                  " AND target IS NULL AND lease IS NULL ORDER BY due LIMIT ?3) GROUP BY state, mine");
    sql_i64(s, org);
    sql_i64(s, channel);
    sql_i64(s, STORE_COUNT_MAX);
    return add_groups(s, out);
}

static int64_t target_queue(struct store_conn *conn, int64_t target, int64_t limit, struct store_depth *out)
{
    struct sql *s = sql_use(conn, "SELECT state, count(*), min(due), 1 FROM (SELECT state, due FROM delivery"
                                  " INDEXED BY delivery_target WHERE target = ?1 AND open = 1 AND target IS NOT NULL"
                                  " AND lease IS NULL ORDER BY due LIMIT ?2) GROUP BY state");
    sql_i64(s, target);
    sql_i64(s, limit);
    int64_t read = add_groups(s, out);
    s = sql_use(conn, "SELECT state, count(*), NULL, 1 FROM (SELECT state FROM delivery INDEXED BY delivery_held"
                      " WHERE target = ?1 AND open = 2 LIMIT ?2) GROUP BY state");
    sql_i64(s, target);
    sql_i64(s, limit);
    return read + add_groups(s, out);
}

void store_depth(struct store_conn *conn, int64_t org, int64_t channel, struct store_depth *out)
{
    *out = (struct store_depth){0};
    int64_t left = STORE_COUNT_MAX - own_queue(conn, org, channel, out);
    struct sql *s = sql_use(conn, "SELECT id FROM target WHERE channel = ?1 AND org = ?2");
    sql_i64(s, channel);
    sql_i64(s, org);
    while (left > 0 && sql_row(s))
        left -= target_queue(conn, sql_get_i64(s, 0), left, out);
    sql_end(s);
    out->more = left <= 0;
    s = sql_use(conn, "SELECT state, count(*), NULL, 1 FROM delivery INDEXED BY delivery_lease WHERE lease IS NOT NULL"
                      " AND channel = ?1 AND org = ?2 GROUP BY state");
    sql_i64(s, channel);
    sql_i64(s, org);
    add_groups(s, out);
}

static struct store_count counted(int64_t count)
{
    int more = count > STORE_COUNT_MAX;
    return (struct store_count){more ? STORE_COUNT_MAX : count, more};
}

struct store_count store_dead(struct store_conn *conn, int64_t org)
{
    struct sql *s = sql_use(conn, "SELECT count(*) FROM (SELECT 1 FROM delivery INDEXED BY delivery_dead WHERE org = ?"
                                  " AND open = 0 AND state = 8 LIMIT ?)");
    sql_i64(s, org);
    sql_i64(s, STORE_COUNT_MAX + 1);
    return counted(sql_one(s, 0));
}

size_t store_targets_failing(struct store_conn *conn, int64_t org, size_t max, struct arena *arena,
                             struct store_failing *out)
{
    struct sql *s = sql_use(conn, "SELECT id, channel, name, first_failure FROM target WHERE org = ?"
                                  " AND first_failure > 0 AND enabled = 1 AND removed IS NULL"
                                  " ORDER BY first_failure, id LIMIT ?");
    size_t count = 0;
    sql_i64(s, org);
    sql_i64(s, (int64_t)max);
    while (count < max && sql_row(s))
        out[count++] = (struct store_failing){.target = sql_get_i64(s, 0),
                                              .channel = sql_get_i64(s, 1),
                                              .name = sql_get_copy(s, 2, arena),
                                              .since = sql_get_i64(s, 3)};
    sql_end(s);
    return count;
}

/* Of what waits, by its own time; from: 0, or STORE_TURN for what waits for its turn. 0: nothing does. */
static int64_t first_due(struct store_conn *conn, int64_t target, int64_t from)
{
    struct sql *s = sql_use(conn, "SELECT min(due) - ?2 FROM delivery INDEXED BY delivery_target WHERE target = ?1"
                                  " AND open = 1 AND target IS NOT NULL AND lease IS NULL AND due >= ?2"
                                  " AND due < ?2 + ?3");
    sql_i64(s, target);
    sql_i64(s, from);
    sql_i64(s, STORE_TURN);
    return sql_one(s, 0);
}

int store_target_state(struct store_conn *conn, int64_t org, int64_t target, struct arena *arena,
                       struct store_target_state *out)
{
    struct sql *s = sql_use(conn, "SELECT disabled_at, disabled_why, failures, first_failure FROM target WHERE id = ?"
                                  " AND org = ? AND removed IS NULL");
    sql_i64(s, target);
    sql_i64(s, org);
    int found = sql_row(s);
    *out = (struct store_target_state){0};
    if (found) {
        out->disabled_at = sql_get_i64(s, 0);
        out->disabled_why = sql_get_copy(s, 1, arena);
        out->failures = (int)sql_get_i64(s, 2);
        out->first_failure = sql_get_i64(s, 3);
    }
    sql_end(s);
    if (!found)
        return 0;
    s = sql_use(conn, "SELECT count(*) FROM (SELECT 1 FROM delivery INDEXED BY delivery_target WHERE target = ?"
                      " AND open = 1 AND target IS NOT NULL AND lease IS NULL LIMIT ?)");
    sql_i64(s, target);
    sql_i64(s, STORE_COUNT_MAX + 1);
    out->pending = counted(sql_one(s, 0));
    s = sql_use(conn, "SELECT count(*) FROM (SELECT 1 FROM delivery INDEXED BY delivery_held WHERE target = ?"
                      " AND open = 2 LIMIT ?)");
    sql_i64(s, target);
    sql_i64(s, STORE_COUNT_MAX + 1);
    out->held = counted(sql_one(s, 0));
    int64_t due = first_due(conn, target, 0), turn = first_due(conn, target, STORE_TURN);
    out->oldest_due = turn && (!due || turn < due) ? turn : due;
    return 1;
}
