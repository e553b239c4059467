/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of timers and tasks. retry_at is when a timer is to run: its due time, until a failure moves it. The index by
 * (instance, org, retry_at) gives the next one of an owner without a scan, however many wait.
 */
#include "store/state.h"

#include "store/private.h"

void store_timer_set(struct store_conn *conn, int64_t inst, int64_t org, struct belfry_str key, int64_t due_ms,
                     struct belfry_str payload)
{
    struct sql *s = sql_use(conn, "INSERT OR REPLACE INTO timer(inst, org, key, due, payload, retry_at, attempts, dead)"
                                  " VALUES(?1, ?2, ?3, ?4, ?5, ?4, 0, 0)");
    sql_i64(s, inst);
    sql_i64(s, org);
    sql_blob(s, key);
    sql_i64(s, due_ms);
    sql_blob(s, payload);
    sql_run(s);
}

void store_timer_clear(struct store_conn *conn, int64_t inst, int64_t org, struct belfry_str key)
{
    struct sql *s = sql_use(conn, "DELETE FROM timer WHERE inst = ? AND org = ? AND key = ?");
    sql_i64(s, inst);
    sql_i64(s, org);
    sql_blob(s, key);
    sql_run(s);
}

int store_timer_due(struct store_conn *conn, int64_t inst, int64_t org, int64_t now_ms, struct arena *arena,
                    struct store_timer *out)
{
    struct sql *s =
        sql_use(conn, "SELECT key, due, payload, retry_at, attempts FROM timer INDEXED BY timer_org"
                      " WHERE inst = ? AND org = ? AND dead = 0 AND retry_at <= ? ORDER BY retry_at, key LIMIT 1");
    sql_i64(s, inst);
    sql_i64(s, org);
    sql_i64(s, now_ms);
    int found = sql_row(s);
    if (found)
        *out = (struct store_timer){.inst = inst,
                                    .org = org,
                                    .key = sql_get_copy(s, 0, arena),
                                    .due = sql_get_i64(s, 1),
                                    .payload = sql_get_copy(s, 2, arena),
                                    .retry_at = sql_get_i64(s, 3),
                                    .attempts = (int32_t)sql_get_i64(s, 4)};
    sql_end(s);
    return found;
}

int64_t store_timer_next(struct store_conn *conn, int64_t inst, int64_t org)
{
    struct sql *s = sql_use(conn, "SELECT min(retry_at) FROM timer INDEXED BY timer_org WHERE inst = ? AND org = ?"
                                  " AND dead = 0");
    sql_i64(s, inst);
    sql_i64(s, org);
    return sql_one(s, INT64_MAX);
}

void store_timer_retry(struct store_conn *conn, const struct store_timer *timer, int64_t retry_at, int attempts,
                       int dead)
{
    struct sql *s = sql_use(conn, "UPDATE timer SET retry_at = ?, attempts = ?, dead = ? WHERE inst = ? AND org = ?"
                                  " AND key = ?");
    sql_i64(s, retry_at);
    sql_i64(s, attempts);
    sql_i64(s, dead);
    sql_i64(s, timer->inst);
    sql_i64(s, timer->org);
    sql_blob(s, timer->key);
    sql_run(s);
}

int store_timer_owner(struct store_conn *conn, int64_t *inst, int64_t *org)
{
    struct sql *s = sql_use(conn, "SELECT inst, org FROM timer WHERE (inst, org) > (?, ?) ORDER BY inst, org LIMIT 1");
    sql_i64(s, *inst);
    sql_i64(s, *org);
    int found = sql_row(s);
    if (found) {
        *inst = sql_get_i64(s, 0);
        *org = sql_get_i64(s, 1);
    }
    sql_end(s);
    return found;
}

/* --- tasks -------------------------------------------------------------------------------------------------------- */

void store_task_add(struct store_conn *conn, const struct store_task *t)
{
    struct sql *s = sql_use(conn, "INSERT INTO task(id, inst, org, key, payload, due) VALUES(?, ?, ?, ?, ?, ?)");
    sql_i64(s, t->id);
    sql_i64(s, t->inst);
    sql_i64(s, t->org);
    sql_str(s, t->key);
    sql_blob(s, t->payload);
    sql_i64(s, t->due);
    sql_run(s);
}

#define COLUMNS "id, inst, org, key, payload, due, attempts, lease, dead"

static void fill(struct sql *s, struct arena *arena, struct store_task *out)
{
    *out = (struct store_task){
        .id = sql_get_i64(s, 0),
        .inst = sql_get_i64(s, 1),
        .org = sql_get_i64(s, 2),
        .key = sql_get_copy(s, 3, arena),
        .payload = sql_get_copy(s, 4, arena),
        .due = sql_get_i64(s, 5),
        .attempts = (int32_t)sql_get_i64(s, 6),
        .lease = sql_get_i64(s, 7),
        .dead = (int32_t)sql_get_i64(s, 8),
    };
}

int store_task_get(struct store_conn *conn, int64_t id, struct arena *arena, struct store_task *out)
{
    struct sql *s = sql_use(conn, "SELECT " COLUMNS " FROM task WHERE id = ?");
    sql_i64(s, id);
    int found = sql_row(s);
    if (found)
        fill(s, arena, out);
    sql_end(s);
    return found;
}

size_t store_tasks_due(struct store_conn *conn, int64_t now_ms, int64_t after_due, int64_t after_id, size_t limit,
                       struct arena *arena, struct store_task **out)
{
    struct sql *s = sql_use(conn, "SELECT " COLUMNS " FROM task INDEXED BY task_due WHERE dead = 0 AND lease IS NULL"
                                  " AND due <= ? AND (due, id) > (?, ?) ORDER BY due, id LIMIT ?");
    sql_i64(s, now_ms);
    sql_i64(s, after_due);
    sql_i64(s, after_id);
    sql_i64(s, (int64_t)limit);
    struct store_task *items = arena_alloc(arena, limit * sizeof(*items));
    size_t count = 0;
    while (count < limit && sql_row(s))
        fill(s, arena, &items[count++]);
    sql_end(s);
    *out = items;
    return count;
}

int64_t store_tasks_next(struct store_conn *conn, int64_t after_ms)
{
    struct sql *s =
        sql_use(conn, "SELECT min(due) FROM task INDEXED BY task_due WHERE dead = 0 AND lease IS NULL AND due > ?");
    sql_i64(s, after_ms);
    return sql_one(s, INT64_MAX);
}

void store_task_lease(struct store_conn *conn, int64_t id, int64_t boot)
{
    struct sql *s = sql_use(conn, "UPDATE task SET lease = ? WHERE id = ?");
    sql_i64(s, boot);
    sql_i64(s, id);
    sql_run(s);
}

void store_task_retry(struct store_conn *conn, int64_t id, int64_t due_ms, int attempts, int dead,
                      struct belfry_str detail)
{
    struct sql *s =
        sql_use(conn, "UPDATE task SET due = ?, attempts = ?, dead = ?, detail = ?, lease = NULL WHERE id = ?");
    sql_i64(s, due_ms);
    sql_i64(s, attempts);
    sql_i64(s, dead);
    sql_str_opt(s, detail);
    sql_i64(s, id);
    sql_run(s);
}

int64_t store_tasks_dead(struct store_conn *conn, struct belfry_str instance)
{
    struct sql *s = sql_use(conn, "SELECT count(*) FROM task WHERE dead = 1 AND inst = ?");
    sql_i64(s, store_name_find(conn, instance));
    return sql_one(s, 0);
}

void store_task_del(struct store_conn *conn, int64_t id)
{
    struct sql *s = sql_use(conn, "DELETE FROM task WHERE id = ?");
    sql_i64(s, id);
    sql_run(s);
}

void store_tasks_release(struct store_conn *conn, int64_t boot)
{
    struct sql *s = sql_use(conn, "UPDATE task SET lease = NULL WHERE lease IS NOT NULL AND lease <> ?");
    sql_i64(s, boot);
    sql_run(s);
}
