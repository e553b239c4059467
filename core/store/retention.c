/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deletion in slices. Tables whose rowid is an id are in order of time, so what is old is a range at the beginning of
 * the table and a slice ends at the first row that is young. dedupe is in order of its keys: a pass walks all of it, a
 * slice at a time, once a day.
 */
#include "store/upkeep.h"

#include "base/id.h"
#include "store/private.h"

static int64_t cursor_id(const struct store_cursor *at)
{
    int64_t id = 0;
    if (at->len == sizeof(id))
        memcpy(&id, at->bytes, sizeof(id));
    return id;
}

static void cursor_set(struct store_cursor *at, const void *bytes, size_t len)
{
    at->len = len < sizeof(at->bytes) ? len : sizeof(at->bytes);
    memcpy(at->bytes, bytes, at->len);
}

int store_trim_dedupe(struct store_conn *conn, struct store_cursor *at, int64_t before_ms, size_t limit)
{
    struct sql *s = sql_use(conn, "SELECT key FROM dedupe WHERE key > ? ORDER BY key LIMIT 1 OFFSET ?");
    sql_blob(s, str_slice(at->bytes, at->len));
    sql_i64(s, (int64_t)limit - 1);
    struct store_cursor end = {{0}, 0};
    int more = sql_row(s);
    if (more) {
        struct belfry_str key = sql_get_str(s, 0);
        cursor_set(&end, key.ptr, key.len);
    }
    sql_end(s);
    s = more ? sql_use(conn, "DELETE FROM dedupe WHERE at < ? AND key > ? AND key <= ?")
             : sql_use(conn, "DELETE FROM dedupe WHERE at < ? AND key > ?");
    sql_i64(s, before_ms);
    sql_blob(s, str_slice(at->bytes, at->len));
    if (more)
        sql_blob(s, str_slice(end.bytes, end.len));
    sql_run(s);
    *at = end;
    return more;
}

/* The last id of the slice that begins behind the cursor; *more (may be NULL): the range does not end with it. */
static int64_t range_end(struct store_conn *conn, const struct store_cursor *at, int64_t before_ms, size_t limit,
                         const char *last, int *more)
{
    int64_t before = id_first_at(before_ms);
    struct sql *s = sql_use(conn, last);
    sql_i64(s, cursor_id(at));
    sql_i64(s, before);
    sql_i64(s, (int64_t)limit - 1);
    int64_t to = sql_one(s, 0);
    if (more)
        *more = to != 0;
    return to ? to : before - 1;
}

/* Rows with ids in (cursor, before) that a condition lets go; `last` finds where the slice ends, `sweep` deletes it. */
static int trim_range(struct store_conn *conn, struct store_cursor *at, int64_t before_ms, size_t limit,
                      const char *last, const char *const *sweep, size_t sweep_count)
{
    int more;
    int64_t from = cursor_id(at), to = range_end(conn, at, before_ms, limit, last, &more);
    for (size_t i = 0; i < sweep_count; i++) {
        struct sql *s = sql_use(conn, sweep[i]);
        sql_i64(s, from);
        sql_i64(s, to);
        sql_run(s);
    }
    cursor_set(at, &to, sizeof(to));
    return more;
}

#define LAST(table) "SELECT id FROM " table " WHERE id > ? AND id < ? ORDER BY id LIMIT 1 OFFSET ?"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int store_trim_attempts(struct store_conn *conn, struct store_cursor *at, int64_t before_ms, size_t limit)
{
    static const char *const sweep[] = {"DELETE FROM attempt WHERE id > ? AND id <= ?"};
    return trim_range(conn, at, before_ms, limit, LAST("attempt"), sweep, COUNT(sweep));
}

int store_trim_decisions(struct store_conn *conn, struct store_cursor *at, int64_t before_ms, size_t limit)
{
    static const char *const sweep[] = {"DELETE FROM decision WHERE id > ? AND id <= ?"};
    return trim_range(conn, at, before_ms, limit, LAST("decision"), sweep, COUNT(sweep));
}

#define FREE_NOTIFICATIONS                                                                                             \
    " FROM notification WHERE id > ? AND id <= ? AND NOT EXISTS (SELECT 1 FROM delivery WHERE"                         \
    " delivery.event = notification.event AND delivery.notification = notification.id AND delivery.open > 0)"

int store_trim_notifications(struct store_conn *conn, struct store_cursor *at, int64_t before_ms, size_t limit)
{
    static const char *const sweep[] = {"DELETE" FREE_NOTIFICATIONS};
    return trim_range(conn, at, before_ms, limit, LAST("notification"), sweep, COUNT(sweep));
}

size_t store_trim_notifications_whose(struct store_conn *conn, const struct store_cursor *at, int64_t before_ms,
                                      size_t limit, struct arena *arena, int64_t **persons)
{
    int64_t to = range_end(conn, at, before_ms, limit, LAST("notification"), NULL);
    struct sql *s =
        sql_use(conn, "SELECT DISTINCT person" FREE_NOTIFICATIONS " AND pos IS NOT NULL AND replaced_by IS NULL");
    sql_i64(s, cursor_id(at));
    sql_i64(s, to);
    *persons = arena_alloc(arena, (limit + 1) * sizeof(**persons));
    size_t count = 0;
    while (count < limit && sql_row(s))
        (*persons)[count++] = sql_get_i64(s, 0);
    sql_end(s);
    return count;
}

/* What may go: nothing that is kept links to it. */
#define FREE_EVENTS                                                                                                    \
    "SELECT id FROM event WHERE id > ?1 AND id <= ?2"                                                                  \
    " AND NOT EXISTS (SELECT 1 FROM notification WHERE notification.event = event.id)"                                 \
    " AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.event = event.id AND delivery.open > 0)"                   \
    " AND NOT EXISTS (SELECT 1 FROM job WHERE job.state < 2 AND job.ref = event.id)"

int store_trim_events(struct store_conn *conn, struct store_cursor *at, int64_t before_ms, size_t limit)
{
    static const char *const sweep[] = {
        "DELETE FROM attempt WHERE delivery IN (SELECT id FROM delivery WHERE event IN (" FREE_EVENTS "))",
        "DELETE FROM delivery WHERE event IN (" FREE_EVENTS ")",
        "DELETE FROM payload WHERE event IN (" FREE_EVENTS ")",
        "DELETE FROM decision WHERE event IN (" FREE_EVENTS ")",
        "DELETE FROM event WHERE id IN (" FREE_EVENTS ")",
    };
    return trim_range(conn, at, before_ms, limit, LAST("event"), sweep, COUNT(sweep));
}

int store_trim_ops(struct store_conn *conn, struct store_cursor *at, int64_t before_ms, size_t limit)
{
    static const char *const sweep[] = {"DELETE FROM op_row WHERE op > ? AND op <= ?",
                                        "DELETE FROM op WHERE id > ? AND id <= ?"};
    /* One operation may hold thousands of rows. */
    return trim_range(conn, at, before_ms, limit > 100 ? limit / 100 : 1, LAST("op"), sweep, COUNT(sweep));
}

int store_trim_jobs(struct store_conn *conn, struct store_cursor *at, int64_t before_ms, size_t limit)
{
    static const char *const sweep[] = {
        "DELETE FROM job_member WHERE job > ?1 AND job <= ?2 AND job NOT IN (SELECT id FROM job WHERE state < 2)",
        "DELETE FROM job WHERE id > ? AND id <= ? AND state >= 2"};
    return trim_range(conn, at, before_ms, limit, LAST("job"), sweep, COUNT(sweep));
}

int store_trim_refused(struct store_conn *conn, struct store_cursor *at, int64_t before_ms, size_t limit)
{
    static const char *const sweep[] = {"DELETE FROM refused WHERE id > ? AND id <= ?"};
    return trim_range(conn, at, before_ms, limit, LAST("refused"), sweep, COUNT(sweep));
}

int store_trim_jti(struct store_conn *conn, struct store_cursor *at, int64_t before_ms, size_t limit)
{
    (void)at;
    struct sql *s = sql_use(conn, "DELETE FROM jti WHERE key IN (SELECT key FROM jti WHERE expires < ? LIMIT ?)");
    sql_i64(s, before_ms);
    sql_i64(s, (int64_t)limit);
    return sql_run(s) == (int)limit;
}
