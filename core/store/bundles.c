/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of deliveries that go out as one: a digest, or what quiet hours held. Those that wait for it are a range of an
 * index, by person; once they have gone out together they are a bundle, named by one of them, so that a second try is
 * the same mail about the same things, whatever came in between.
 */
#include "store/deliveries.h"

#include "store/private.h"

#include "event/outcome.h"

_Static_assert(OUTCOME_held_quiet_hours == 1, "the index delivery_quiet says 1");
_Static_assert(OUTCOME_digested == 3, "the index delivery_digest says 3");

static size_t read_ids(struct sql *s, struct arena *arena, int64_t **out)
{
    int64_t *items = NULL;
    size_t count = 0, cap = 0;
    while (sql_row(s)) {
        if (count == cap) {
            cap = cap ? cap * 4 : 16;
            int64_t *more = arena_alloc(arena, cap * sizeof(*more));
            if (count > 0)
                memcpy(more, items, count * sizeof(*more));
            items = more;
        }
        items[count++] = sql_get_i64(s, 0);
    }
    sql_end(s);
    *out = items;
    return count;
}

size_t store_deliveries_digest(struct store_conn *conn, const struct store_delivery *row, int64_t now_ms,
                               struct arena *arena, int64_t **ids)
{
    struct sql *s = sql_use(conn, "SELECT id FROM delivery INDEXED BY delivery_digest WHERE person = ? AND channel = ?"
                                  " AND category = ? AND open = 1 AND state = 3 AND due <= ? ORDER BY event DESC, id");
    sql_i64(s, row->person);
    sql_i64(s, row->channel);
    sql_i64(s, row->category);
    sql_i64(s, now_ms);
    return read_ids(s, arena, ids);
}

size_t store_deliveries_held(struct store_conn *conn, const struct store_delivery *row, int64_t now_ms,
                             struct arena *arena, int64_t **ids)
{
    struct sql *s = sql_use(conn, "SELECT id FROM delivery INDEXED BY delivery_quiet WHERE person = ? AND channel = ?"
                                  " AND open = 1 AND state = 1 AND person IS NOT NULL AND due <= ? AND bundle IS NULL"
                                  " AND attempts = 0 ORDER BY event DESC, id");
    sql_i64(s, row->person);
    sql_i64(s, row->channel);
    sql_i64(s, now_ms);
    return read_ids(s, arena, ids);
}

size_t store_deliveries_bundle(struct store_conn *conn, int64_t bundle, struct arena *arena, int64_t **ids)
{
    struct sql *s = sql_use(conn, "SELECT id FROM delivery INDEXED BY delivery_bundle WHERE bundle = ? AND open = 1"
                                  " AND lease IS NULL ORDER BY event DESC, id");
    sql_i64(s, bundle);
    return read_ids(s, arena, ids);
}

size_t store_deliveries_bundled(struct store_conn *conn, int64_t bundle, struct arena *arena, int64_t **ids)
{
    struct sql *s = sql_use(conn, "SELECT id FROM delivery INDEXED BY delivery_bundle WHERE bundle = ? AND open = 0");
    sql_i64(s, bundle);
    return read_ids(s, arena, ids);
}

int64_t store_digest_last(struct store_conn *conn, int64_t person, int64_t channel, int64_t category)
{
    struct sql *s = sql_use(conn, "SELECT at FROM digest WHERE person = ? AND channel = ? AND category = ?");
    sql_i64(s, person);
    sql_i64(s, channel);
    sql_i64(s, category);
    int64_t at = sql_row(s) ? sql_get_i64(s, 0) : 0;
    sql_end(s);
    return at;
}

void store_digest_made(struct store_conn *conn, int64_t person, int64_t channel, int64_t category, int64_t now_ms)
{
    struct sql *s = sql_use(conn, "INSERT OR REPLACE INTO digest(person, channel, category, at) VALUES(?, ?, ?, ?)");
    sql_i64(s, person);
    sql_i64(s, channel);
    sql_i64(s, category);
    sql_i64(s, now_ms);
    sql_run(s);
}

void store_delivery_gather(struct store_conn *conn, int64_t id, int64_t category, int64_t due_ms,
                           struct belfry_str detail)
{
    struct sql *s = sql_use(conn, "UPDATE delivery SET state = 3, category = ?, due = ?, detail = ?, bundle = NULL,"
                                  " kind = 0, lease = NULL WHERE id = ?");
    sql_i64(s, category);
    sql_i64(s, due_ms);
    sql_str_opt(s, detail);
    sql_i64(s, id);
    sql_run(s);
}

void store_delivery_join(struct store_conn *conn, int64_t id, int64_t bundle, int kind, int64_t boot, int64_t mailed)
{
    struct sql *s =
        sql_use(conn, "UPDATE delivery SET state = ?, bundle = ?, kind = ?, lease = ?, mailed = ? WHERE id = ?");
    sql_i64(s, OUTCOME_sending);
    sql_i64_opt(s, bundle);
    sql_i64(s, kind);
    sql_i64(s, boot);
    sql_i64_opt(s, mailed);
    sql_i64(s, id);
    sql_run(s);
}

void store_delivery_leave(struct store_conn *conn, int64_t id)
{
    struct sql *s = sql_use(conn, "UPDATE delivery SET bundle = NULL, kind = 0 WHERE id = ?");
    sql_i64(s, id);
    sql_run(s);
}

int store_bundle_wait(struct store_conn *conn, int64_t bundle, int64_t boot, int state, int64_t due_ms, int counted,
                      struct belfry_str detail)
{
    struct sql *s = sql_use(conn, "UPDATE delivery INDEXED BY delivery_bundle SET state = ?, due = ?,"
                                  " attempts = attempts + ?, detail = ?, lease = NULL WHERE bundle = ? AND lease = ?");
    sql_i64(s, state);
    sql_i64(s, due_ms);
    sql_i64(s, counted);
    sql_str_opt(s, detail);
    sql_i64(s, bundle);
    sql_i64(s, boot);
    return sql_run(s);
}

int store_bundle_end(struct store_conn *conn, int64_t bundle, int64_t boot, int state, int64_t now_ms, int counted,
                     struct belfry_str detail)
{
    struct sql *s = sql_use(conn, "UPDATE delivery INDEXED BY delivery_bundle SET state = ?, open = 0, ended = ?,"
                                  " attempts = attempts + ?, detail = ?, lease = NULL WHERE bundle = ? AND lease = ?");
    sql_i64(s, state);
    sql_i64(s, now_ms);
    sql_i64(s, counted);
    sql_str_opt(s, detail);
    sql_i64(s, bundle);
    sql_i64(s, boot);
    return sql_run(s);
}

void store_bundle_disband(struct store_conn *conn, int64_t bundle, int64_t boot, int64_t due_ms,
                          struct belfry_str detail)
{
    struct sql *s = sql_use(conn, "UPDATE delivery INDEXED BY delivery_bundle SET state = 3, due = ?, detail = ?,"
                                  " bundle = NULL, lease = NULL WHERE bundle = ? AND lease = ?");
    sql_i64(s, due_ms);
    sql_str_opt(s, detail);
    sql_i64(s, bundle);
    sql_i64(s, boot);
    sql_run(s);
}

int store_bundle_again(struct store_conn *conn, int64_t bundle, int64_t now_ms, struct belfry_str detail)
{
    struct sql *s = sql_use(conn, "UPDATE delivery INDEXED BY delivery_bundle SET open = 1, due = ?1, detail = ?2,"
                                  " ended = NULL, state = CASE WHEN attempts > 0 THEN ?3 ELSE ?4 END WHERE bundle = ?5"
                                  " AND lease IS NULL AND (open = 1 OR state IN (?6, ?7, ?8))");
    sql_i64(s, now_ms);
    sql_str_opt(s, detail);
    sql_i64(s, OUTCOME_retrying);
    sql_i64(s, OUTCOME_scheduled);
    sql_i64(s, bundle);
    sql_i64(s, OUTCOME_failed);
    sql_i64(s, OUTCOME_unknown);
    sql_i64(s, OUTCOME_channel_removed);
    return sql_run(s);
}

void store_delivery_tries(struct store_conn *conn, const struct store_delivery *row, struct store_tries *out)
{
    *out = (struct store_tries){0};
    if (!row->attempts)
        return;
    struct sql *s = sql_use(conn, "SELECT min(at), sum(outcome = ?) FROM attempt WHERE delivery = ? OR delivery = ?");
    sql_i64(s, BELFRY_UNKNOWN);
    sql_i64(s, row->id);
    sql_i64(s, row->bundle ? row->bundle : row->id);
    if (sql_row(s)) {
        out->first_ms = sql_get_i64(s, 0);
        out->unknowns = (uint32_t)sql_get_i64(s, 1);
    }
    sql_end(s);
}

size_t store_deliveries_wake_digests(struct store_conn *conn, int64_t person, int64_t now_ms)
{
    struct sql *s = sql_use(conn, "UPDATE delivery INDEXED BY delivery_digest SET due = ? WHERE person = ?"
                                  " AND open = 1 AND state = 3 AND kind <> 0 AND due > ?");
    sql_i64(s, now_ms);
    sql_i64(s, person);
    sql_i64(s, now_ms);
    return (size_t)sql_run(s);
}

size_t store_deliveries_rewindow(struct store_conn *conn, int64_t person, int64_t channel, int64_t now_ms,
                                 int64_t due_ms)
{
    struct sql *s = sql_use(conn, "UPDATE delivery INDEXED BY delivery_digest SET due = ? WHERE person = ?"
                                  " AND channel = ? AND open = 1 AND state = 3 AND kind = 0 AND due > ?");
    sql_i64(s, due_ms);
    sql_i64(s, person);
    sql_i64(s, channel);
    sql_i64(s, now_ms);
    return (size_t)sql_run(s);
}
