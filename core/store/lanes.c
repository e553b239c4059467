/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two small partial indexes carry the lanes: delivery_lane has the open rows of each in the order of their events, so
 * the first is one look however many wait; delivery_lane_busy has those under way. A lane is never walked.
 */
#include "store/lanes.h"

#include "store/private.h"

struct first {
    int64_t id, event, due, lease;
    int32_t open;
};

/* Of the lane, without one row (0: of all). */
static int find_first(struct store_conn *conn, int64_t target, int64_t lane, int64_t without, struct first *out)
{
    struct sql *s = sql_use(conn, "SELECT id, event, due, lease, open FROM delivery INDEXED BY delivery_lane WHERE"
                                  " target = ? AND lane = ? AND lane IS NOT NULL AND open > 0 AND id <> ?"
                                  " ORDER BY event, id LIMIT 1");
    sql_i64(s, target);
    sql_i64(s, lane);
    sql_i64(s, without);
    int found = sql_row(s);
    if (found)
        *out = (struct first){.id = sql_get_i64(s, 0),
                              .event = sql_get_i64(s, 1),
                              .due = sql_get_i64(s, 2),
                              .lease = sql_get_i64(s, 3),
                              .open = (int32_t)sql_get_i64(s, 4)};
    sql_end(s);
    return found;
}

static int is_busy(struct store_conn *conn, int64_t target, int64_t lane)
{
    struct sql *s = sql_use(conn, "SELECT 1 FROM delivery INDEXED BY delivery_lane_busy WHERE target = ? AND lane = ?"
                                  " AND lane IS NOT NULL AND lease IS NOT NULL LIMIT 1");
    sql_i64(s, target);
    sql_i64(s, lane);
    return (int)sql_one(s, 0);
}

static void set_due(struct store_conn *conn, int64_t id, int64_t due_ms)
{
    struct sql *s = sql_use(conn, "UPDATE delivery SET due = ? WHERE id = ?");
    sql_i64(s, due_ms);
    sql_i64(s, id);
    sql_run(s);
}

static int comes_before(const struct first *first, const struct store_delivery *row)
{
    return first->event != row->event ? first->event < row->event : !row->id || first->id < row->id;
}

int64_t store_lane_enter(struct store_conn *conn, const struct store_delivery *row)
{
    struct first first;
    int64_t due = store_due_itself(row->due);
    if (!find_first(conn, row->target, row->lane, row->id, &first))
        return due;
    if (comes_before(&first, row) || is_busy(conn, row->target, row->lane))
        return due + STORE_TURN;
    if (!store_waits_for_turn(first.due))
        set_due(conn, first.id, first.due + STORE_TURN);
    return due;
}

int store_lane_settle(struct store_conn *conn, int64_t target, int64_t lane)
{
    struct first first;
    if (!find_first(conn, target, lane, 0, &first) || first.open != 1 || first.lease ||
        !store_waits_for_turn(first.due) || is_busy(conn, target, lane))
        return 0;
    set_due(conn, first.id, store_due_itself(first.due));
    return 1;
}

void store_lane_return(struct store_conn *conn, const struct store_delivery *row)
{
    struct first first;
    if (find_first(conn, row->target, row->lane, row->id, &first) && comes_before(&first, row))
        set_due(conn, row->id, store_due_itself(row->due) + STORE_TURN);
}

void store_delivery_set_lane(struct store_conn *conn, int64_t id, int64_t lane)
{
    struct sql *s = sql_use(conn, "UPDATE delivery SET lane = ? WHERE id = ?");
    sql_i64_opt(s, lane);
    sql_i64(s, id);
    sql_run(s);
}

int store_lanes_any(struct store_conn *conn, int64_t target)
{
    struct sql *s = sql_use(conn, "SELECT 1 FROM delivery INDEXED BY delivery_lane WHERE target = ?"
                                  " AND lane IS NOT NULL AND open > 0 LIMIT 1");
    sql_i64(s, target);
    return (int)sql_one(s, 0);
}

int store_lanes_free(struct store_conn *conn, int64_t target, int64_t before, size_t limit)
{
    struct sql *s = sql_use(conn, "UPDATE delivery SET lane = NULL, due = due & (?1 - 1) WHERE id IN (SELECT id FROM"
                                  " delivery INDEXED BY delivery_lane WHERE target = ?2 AND lane IS NOT NULL"
                                  " AND open > 0 AND id < ?3 LIMIT ?4)");
    sql_i64(s, STORE_TURN);
    sql_i64(s, target);
    sql_i64(s, before);
    sql_i64(s, (int64_t)limit);
    return sql_run(s);
}
