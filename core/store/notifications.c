/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of notifications, as the ledger writes them. Counts and lists are read from partial indexes over these rows; no
 * counter is kept, so none can be wrong.
 */
#include "store/events.h"

#include "store/private.h"

int store_notification_add(struct store_conn *conn, const struct store_notification *n)
{
    struct sql *s =
        sql_use(conn, "INSERT OR IGNORE INTO notification(id, person, event, pos, category, reason, rev, via,"
                      " validity, source, severity) VALUES(?, ?, ?3, ?, ?, ?, ?, ?, ?,"
                      " (SELECT source FROM event WHERE id = ?3), (SELECT severity FROM event WHERE id = ?3))");
    sql_i64(s, n->id);
    sql_i64(s, n->person);
    sql_i64(s, n->event);
    sql_i64_opt(s, n->pos);
    sql_i64(s, n->category);
    sql_str_opt(s, n->reason);
    sql_i64(s, n->rev);
    sql_i64(s, n->via);
    sql_i64(s, n->validity);
    return sql_run(s) > 0;
}

#define COLUMNS                                                                                                        \
    "id, person, event, pos, category, rev, via, validity, handled_by IS NOT NULL, seen, read, hidden,"                \
    " replaced_by IS NOT NULL"

static void fill(struct sql *s, struct store_notification *out)
{
    *out = (struct store_notification){
        .id = sql_get_i64(s, 0),
        .person = sql_get_i64(s, 1),
        .event = sql_get_i64(s, 2),
        .pos = sql_get_i64(s, 3),
        .category = sql_get_i64(s, 4),
        .rev = sql_get_i64(s, 5),
        .via = (int32_t)sql_get_i64(s, 6),
        .validity = (int32_t)sql_get_i64(s, 7),
        .handled = (int32_t)sql_get_i64(s, 8),
        .seen = sql_get_i64(s, 9),
        .read = sql_get_i64(s, 10),
        .hidden = sql_get_i64(s, 11),
        .replaced = (int32_t)sql_get_i64(s, 12),
    };
}

int store_notification_of(struct store_conn *conn, int64_t event, int64_t person, struct store_notification *out)
{
    struct sql *s = sql_use(conn, "SELECT " COLUMNS " FROM notification WHERE event = ? AND person = ?");
    sql_i64(s, event);
    sql_i64(s, person);
    int found = sql_row(s);
    if (found)
        fill(s, out);
    sql_end(s);
    return found;
}

int store_notification_get(struct store_conn *conn, int64_t id, struct store_notification *out)
{
    struct sql *s = sql_use(conn, "SELECT " COLUMNS " FROM notification WHERE id = ?");
    sql_i64(s, id);
    int found = sql_row(s);
    if (found)
        fill(s, out);
    sql_end(s);
    return found;
}

struct belfry_str store_notification_reason(struct store_conn *conn, int64_t id, struct arena *arena)
{
    struct sql *s = sql_use(conn, "SELECT reason FROM notification WHERE id = ?");
    struct belfry_str reason = {NULL, 0};
    sql_i64(s, id);
    if (sql_row(s))
        reason = sql_get_copy(s, 0, arena);
    sql_end(s);
    return reason;
}

size_t store_notifications_live(struct store_conn *conn, int64_t event, int64_t after_person, size_t limit,
                                struct arena *arena, struct store_notification **out)
{
    struct sql *s = sql_use(conn, "SELECT " COLUMNS " FROM notification INDEXED BY notification_event WHERE event = ?"
                                  " AND person > ? AND validity = 0 AND handled_by IS NULL ORDER BY person LIMIT ?");
    sql_i64(s, event);
    sql_i64(s, after_person);
    sql_i64(s, (int64_t)limit);
    struct store_notification *items = NULL;
    size_t count = 0, cap = 0;
    while (sql_row(s)) {
        if (count == cap) {
            cap = cap ? cap * 4 : 4;
            struct store_notification *more = arena_alloc(arena, cap * sizeof(*more));
            if (count > 0)
                memcpy(more, items, count * sizeof(*more));
            items = more;
        }
        fill(s, &items[count++]);
    }
    sql_end(s);
    *out = items;
    return count;
}

int store_notifications_any_live(struct store_conn *conn, int64_t event, int via)
{
    struct sql *s = sql_use(conn, "SELECT 1 FROM notification INDEXED BY notification_event WHERE event = ?"
                                  " AND via & ? AND validity = 0 AND handled_by IS NULL LIMIT 1");
    sql_i64(s, event);
    sql_i64(s, via);
    return (int)sql_one(s, 0);
}

void store_notification_end(struct store_conn *conn, int64_t id, int validity, int64_t replaced_by, int64_t rev,
                            struct belfry_str note, int64_t ended)
{
    struct sql *s = sql_use(
        conn, "UPDATE notification SET validity = ?, replaced_by = ?, rev = ?, note = ?, ended = ? WHERE id = ?");
    sql_i64(s, validity);
    sql_i64_opt(s, replaced_by);
    sql_i64(s, rev);
    sql_str_opt(s, note);
    sql_i64(s, ended);
    sql_i64(s, id);
    sql_run(s);
}

void store_notification_handled(struct store_conn *conn, int64_t id, struct belfry_str by, int64_t at_ms, int64_t rev)
{
    struct sql *s = sql_use(conn, "UPDATE notification SET handled_by = ?, handled_at = ?, rev = ? WHERE id = ?");
    sql_str(s, by);
    sql_i64(s, at_ms);
    sql_i64(s, rev);
    sql_i64(s, id);
    sql_run(s);
}

void store_notification_show(struct store_conn *conn, int64_t id, int64_t pos, int64_t rev)
{
    struct sql *s = sql_use(conn, "UPDATE notification SET pos = ?, rev = ? WHERE id = ?");
    sql_i64(s, pos);
    sql_i64(s, rev);
    sql_i64(s, id);
    sql_run(s);
    store_id_used(conn, pos);
}

void store_notification_set_rev(struct store_conn *conn, int64_t id, int64_t rev)
{
    struct sql *s = sql_use(conn, "UPDATE notification SET rev = ? WHERE id = ?");
    sql_i64(s, rev);
    sql_i64(s, id);
    sql_run(s);
}

uint32_t store_audience_marks(struct store_conn *conn, int64_t event)
{
    struct sql *s =
        sql_use(conn, "SELECT max(seen IS NOT NULL) + 2 * max(read IS NOT NULL) + 4 * max(handled_by IS NOT NULL)"
                      " + 8 * max(hidden IS NOT NULL) FROM notification WHERE event = ? AND via & 1");
    sql_i64(s, event);
    return (uint32_t)sql_one(s, 0);
}
