/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of deliveries and attempts. A queue is an index range: rows of one target, or of one channel's recipients, that
 * wait and are under no lease, by the time they are due. A row under way is in no queue, so no claim can take it twice.
 * A lease has no end but its outcome or its boot's; the column lease_until is not used.
 */
#include "store/deliveries.h"

#include "store/lanes.h"
#include "store/private.h"

#include "event/outcome.h"

void store_delivery_add(struct store_conn *conn, const struct store_delivery *d)
{
    struct sql *s = sql_use(conn, "INSERT INTO delivery(id, event, org, channel, rule, person, notification, address,"
                                  " target, unless, state, open, due, attempts, reason, lane)"
                                  " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    sql_i64(s, d->id);
    sql_i64(s, d->event);
    sql_i64(s, d->org);
    sql_i64(s, d->channel);
    sql_i64(s, d->rule);
    sql_i64_opt(s, d->person);
    sql_i64_opt(s, d->notification);
    sql_str_opt(s, d->address);
    sql_i64_opt(s, d->target);
    sql_i64(s, d->unless);
    sql_i64(s, d->state);
    sql_i64(s, d->open);
    sql_i64(s, d->due);
    sql_i64(s, d->attempts);
    sql_str_opt(s, d->reason);
    sql_i64_opt(s, d->lane);
    sql_run(s);
}

#define COLUMNS                                                                                                        \
    "id, event, org, channel, rule, person, notification, address, target, unless, state, open, due, attempts, lease," \
    " category, bundle, kind, reason, mailed, lane"

static void fill(struct sql *s, struct arena *arena, struct store_delivery *out)
{
    *out = (struct store_delivery){
        .id = sql_get_i64(s, 0),
        .event = sql_get_i64(s, 1),
        .org = sql_get_i64(s, 2),
        .channel = sql_get_i64(s, 3),
        .rule = sql_get_i64(s, 4),
        .person = sql_get_i64(s, 5),
        .notification = sql_get_i64(s, 6),
        .address = sql_get_copy(s, 7, arena),
        .target = sql_get_i64(s, 8),
        .unless = (uint32_t)sql_get_i64(s, 9),
        .state = (int32_t)sql_get_i64(s, 10),
        .open = (int32_t)sql_get_i64(s, 11),
        .due = sql_get_i64(s, 12),
        .attempts = (int32_t)sql_get_i64(s, 13),
        .lease = sql_get_i64(s, 14),
        .category = sql_get_i64(s, 15),
        .bundle = sql_get_i64(s, 16),
        .kind = (int32_t)sql_get_i64(s, 17),
        .reason = sql_get_copy(s, 18, arena),
        .mailed = sql_get_i64(s, 19),
        .lane = sql_get_i64(s, 20),
    };
}

int store_delivery_get(struct store_conn *conn, int64_t id, struct arena *arena, struct store_delivery *out)
{
    struct sql *s = sql_use(conn, "SELECT " COLUMNS " FROM delivery WHERE id = ?");
    sql_i64(s, id);
    int found = sql_row(s);
    if (found)
        fill(s, arena, out);
    sql_end(s);
    return found;
}

static size_t read_rows(struct sql *s, struct arena *arena, struct store_delivery **out)
{
    struct store_delivery *items = NULL;
    size_t count = 0, cap = 0;
    while (sql_row(s)) {
        if (count == cap) {
            cap = cap ? cap * 4 : 8;
            struct store_delivery *more = arena_alloc(arena, cap * sizeof(*more));
            if (count > 0)
                memcpy(more, items, count * sizeof(*more));
            items = more;
        }
        fill(s, arena, &items[count++]);
    }
    sql_end(s);
    *out = items;
    return count;
}

size_t store_deliveries_due(struct store_conn *conn, int64_t channel, int64_t target, int64_t now_ms, size_t limit,
                            struct arena *arena, struct store_delivery **out)
{
    struct sql *s = target
                        ? sql_use(conn, "SELECT " COLUMNS " FROM delivery INDEXED BY delivery_target WHERE target = ?"
                                        " AND open = 1 AND target IS NOT NULL AND lease IS NULL AND due <= ?"
                                        " ORDER BY due, id LIMIT ?")
                        : sql_use(conn, "SELECT " COLUMNS " FROM delivery INDEXED BY delivery_due WHERE channel = ?"
                                        " AND open = 1 AND target IS NULL AND lease IS NULL AND due <= ?"
                                        " ORDER BY due, id LIMIT ?");
    sql_i64(s, target ? target : channel);
    sql_i64(s, now_ms);
    sql_i64(s, (int64_t)limit);
    return read_rows(s, arena, out);
}

int64_t store_deliveries_next(struct store_conn *conn, int64_t channel, int64_t target)
{
    struct sql *s = target ? sql_use(conn, "SELECT min(due) FROM delivery INDEXED BY delivery_target WHERE target = ?"
                                           " AND open = 1 AND target IS NOT NULL AND lease IS NULL")
                           : sql_use(conn, "SELECT min(due) FROM delivery INDEXED BY delivery_due WHERE channel = ?"
                                           " AND open = 1 AND target IS NULL AND lease IS NULL");
    sql_i64(s, target ? target : channel);
    int64_t next = sql_one(s, INT64_MAX);
    return store_waits_for_turn(next) ? INT64_MAX : next;
}

void store_delivery_wait(struct store_conn *conn, int64_t id, int state, int open, int64_t due_ms, int attempts,
                         struct belfry_str detail)
{
    struct sql *s =
        sql_use(conn, "UPDATE delivery SET state = ?, open = ?, due = ?, attempts = ?, detail = ?, lease = NULL,"
                      " ended = NULL WHERE id = ?");
    sql_i64(s, state);
    sql_i64(s, open);
    sql_i64(s, due_ms);
    sql_i64(s, attempts);
    sql_str_opt(s, detail);
    sql_i64(s, id);
    sql_run(s);
}

void store_delivery_renew(struct store_conn *conn, const struct store_delivery *d, struct belfry_str detail)
{
    struct sql *s =
        sql_use(conn, "UPDATE delivery SET state = ?, open = ?, due = ?, attempts = ?, unless = ?, lane = ?,"
                      " detail = ?, lease = NULL, ended = NULL WHERE id = ?");
    sql_i64(s, d->state);
    sql_i64(s, d->open);
    sql_i64(s, d->due);
    sql_i64(s, d->attempts);
    sql_i64(s, d->unless);
    sql_i64_opt(s, d->lane);
    sql_str_opt(s, detail);
    sql_i64(s, d->id);
    sql_run(s);
}

size_t store_deliveries_to(struct store_conn *conn, int64_t event, int64_t target, struct arena *arena,
                           struct store_delivery **out)
{
    struct sql *s = sql_use(conn, "SELECT " COLUMNS " FROM delivery INDEXED BY delivery_event WHERE event = ?"
                                  " AND person IS NULL AND target = ? ORDER BY id");
    sql_i64(s, event);
    sql_i64(s, target);
    return read_rows(s, arena, out);
}

int store_deliveries_wake(struct store_conn *conn, int64_t person, int64_t now_ms)
{
    _Static_assert(OUTCOME_held_quiet_hours == 1, "the index delivery_quiet and this query say 1");
    struct sql *s = sql_use(conn, "UPDATE delivery INDEXED BY delivery_quiet SET due = ? WHERE person = ? AND open = 1"
                                  " AND state = 1 AND person IS NOT NULL AND lease IS NULL AND due > ?");
    sql_i64(s, now_ms);
    sql_i64(s, person);
    sql_i64(s, now_ms);
    return sql_run(s);
}

void store_delivery_end(struct store_conn *conn, int64_t id, int state, int64_t now_ms, int attempts,
                        struct belfry_str detail)
{
    struct sql *s = sql_use(conn, "UPDATE delivery SET state = ?, open = 0, attempts = ?, detail = ?, lease = NULL,"
                                  " ended = ? WHERE id = ?");
    sql_i64(s, state);
    sql_i64(s, attempts);
    sql_str_opt(s, detail);
    sql_i64(s, now_ms);
    sql_i64(s, id);
    sql_run(s);
}

/* What a change gave back: channel, target, lane. */
static size_t read_ended(struct sql *s, struct arena *arena, struct store_ended **out)
{
    struct store_ended *items = NULL;
    size_t count = 0, cap = 0;
    while (sql_row(s)) {
        if (count == cap) {
            cap = cap ? cap * 4 : 8;
            struct store_ended *more = arena_alloc(arena, cap * sizeof(*more));
            if (count > 0)
                memcpy(more, items, count * sizeof(*more));
            items = more;
        }
        items[count++] = (struct store_ended){sql_get_i64(s, 0), sql_get_i64(s, 1), sql_get_i64(s, 2)};
    }
    sql_end(s);
    *out = items;
    return count;
}

size_t store_deliveries_end_event(struct store_conn *conn, int64_t event, int64_t person, int state, int64_t now_ms,
                                  struct belfry_str detail, struct arena *arena, struct store_ended **out)
{
#define END_EVENT                                                                                                      \
    "UPDATE delivery SET state = ?, open = 0, detail = ?, ended = ? WHERE event = ? AND open > 0 AND lease IS NULL"
#define ENDED " RETURNING channel, target, lane"
    struct sql *s = person > 0    ? sql_use(conn, END_EVENT " AND person = ?" ENDED)
                    : person == 0 ? sql_use(conn, END_EVENT " AND person IS NULL" ENDED)
                                  : sql_use(conn, END_EVENT ENDED);
#undef ENDED
#undef END_EVENT
    sql_i64(s, state);
    sql_str_opt(s, detail);
    sql_i64(s, now_ms);
    sql_i64(s, event);
    if (person > 0)
        sql_i64(s, person);
    size_t count = read_ended(s, arena, out);
    conn->written += count;
    return count;
}

size_t store_deliveries_end_channel(struct store_conn *conn, int64_t event, int64_t person, int64_t channel, int state,
                                    int64_t now_ms, struct belfry_str detail)
{
    struct sql *s = sql_use(conn, "UPDATE delivery SET state = ?, open = 0, detail = ?, ended = ? WHERE event = ?"
                                  " AND open > 0 AND lease IS NULL AND person IS ? AND channel = ?");
    sql_i64(s, state);
    sql_str_opt(s, detail);
    sql_i64(s, now_ms);
    sql_i64(s, event);
    sql_i64_opt(s, person);
    sql_i64(s, channel);
    return (size_t)sql_run(s);
}

int store_delivery_has_twin(struct store_conn *conn, const struct store_delivery *d)
{
    struct sql *s = sql_use(conn, "SELECT 1 FROM delivery WHERE event = ? AND channel = ? AND id <> ?"
                                  " AND (state IN (?, ?, ?, ?) OR (open = 1 AND attempts > 0))"
                                  " AND person IS ? AND address IS ? AND target IS ? LIMIT 1");
    sql_i64(s, d->event);
    sql_i64(s, d->channel);
    sql_i64(s, d->id);
    sql_i64(s, OUTCOME_sending);
    sql_i64(s, OUTCOME_retrying);
    sql_i64(s, OUTCOME_delivered);
    sql_i64(s, OUTCOME_unknown);
    sql_i64_opt(s, d->person);
    sql_str_opt(s, d->address);
    sql_i64_opt(s, d->target);
    return (int)sql_one(s, 0);
}

/* One of a lane is the first of it again, unless an older one has come to it meanwhile. */
int store_deliveries_release(struct store_conn *conn, int64_t boot, int64_t now_ms)
{
    struct arena *arena = arena_new(0);
    struct store_ended *rows;
    struct sql *s = sql_use(conn, "UPDATE delivery SET lease = NULL, due = CASE WHEN lane IS NULL THEN ?1 ELSE ?1 + ?2"
                                  " END, state = CASE WHEN attempts > 0 THEN ?3 ELSE ?4 END"
                                  " WHERE lease IS NOT NULL AND target IS NOT NULL AND lease <> ?5"
                                  " RETURNING channel, target, lane");
    sql_i64(s, now_ms);
    sql_i64(s, STORE_TURN);
    sql_i64(s, OUTCOME_retrying);
    sql_i64(s, OUTCOME_scheduled);
    sql_i64(s, boot);
    size_t count = read_ended(s, arena, &rows);
    conn->written += count;
    for (size_t i = 0; i < count; i++)
        if (rows[i].lane)
            store_lane_settle(conn, rows[i].target, rows[i].lane);
    arena_free(arena);
    return (int)count;
}

size_t store_deliveries_interrupted(struct store_conn *conn, int64_t boot, struct arena *arena,
                                    struct store_delivery **out)
{
    struct sql *s = sql_use(conn, "SELECT " COLUMNS " FROM delivery WHERE lease IS NOT NULL AND target IS NULL"
                                  " AND lease <> ? ORDER BY coalesce(bundle, id), id");
    sql_i64(s, boot);
    return read_rows(s, arena, out);
}

int store_deliveries_hold(struct store_conn *conn, int64_t target, struct belfry_str why, size_t limit)
{
    struct sql *s =
        sql_use(conn, "UPDATE delivery SET open = 2, state = ?, detail = ? WHERE id IN (SELECT id FROM delivery"
                      " INDEXED BY delivery_target WHERE target = ? AND open = 1 AND target IS NOT NULL"
                      " AND lease IS NULL LIMIT ?)");
    sql_i64(s, OUTCOME_held_disabled);
    sql_str(s, why);
    sql_i64(s, target);
    sql_i64(s, (int64_t)limit);
    return sql_run(s);
}

int store_deliveries_unhold(struct store_conn *conn, int64_t target, int64_t now_ms, size_t limit)
{
    struct arena *arena = arena_new(0);
    struct store_ended *rows;
    struct sql *s =
        sql_use(conn, "UPDATE delivery SET open = 1, detail = NULL, state = CASE WHEN attempts > 0 THEN ?1 ELSE ?2 END,"
                      " due = CASE WHEN attempts > 0 THEN min(id >> 20, ?3) ELSE due & (?6 - 1) END"
                      " + CASE WHEN lane IS NULL THEN 0 ELSE ?6 END WHERE id IN"
                      " (SELECT id FROM delivery INDEXED BY delivery_held WHERE target = ?4 AND open = 2"
                      " ORDER BY id LIMIT ?5) RETURNING channel, target, lane");
    sql_i64(s, OUTCOME_retrying);
    sql_i64(s, OUTCOME_scheduled);
    sql_i64(s, now_ms);
    sql_i64(s, target);
    sql_i64(s, (int64_t)limit);
    sql_i64(s, STORE_TURN);
    size_t count = read_ended(s, arena, &rows);
    conn->written += count;
    for (size_t i = 0; i < count; i++)
        if (rows[i].lane)
            store_lane_settle(conn, target, rows[i].lane);
    arena_free(arena);
    return (int)count;
}

/* Of a target those go first that wait for their turn, so that a lane of one that comes back between two slices still
 * has its first. */
int store_deliveries_end_queue(struct store_conn *conn, int64_t channel, int64_t target, int64_t now_ms, size_t limit)
{
#define END_QUEUE                                                                                                      \
    "UPDATE delivery SET state = ?, open = 0, ended = ?, detail = 'its channel or target is gone' WHERE id IN"         \
    " (SELECT id FROM delivery WHERE "
    struct sql *s =
        target ? sql_use(conn, END_QUEUE "target = ?3 AND lease IS NULL AND open = 1 ORDER BY due DESC LIMIT ?4)")
               : sql_use(conn, END_QUEUE "channel = ?3 AND target IS NULL AND lease IS NULL AND open = 1 LIMIT ?4)");
    sql_i64(s, OUTCOME_channel_removed);
    sql_i64(s, now_ms);
    sql_i64(s, target ? target : channel);
    sql_i64(s, (int64_t)limit);
    int count = sql_run(s);
    if (!target || (size_t)count >= limit)
        return count;
    s = sql_use(conn, END_QUEUE "target = ?3 AND open = 2 LIMIT ?4)");
#undef END_QUEUE
    sql_i64(s, OUTCOME_channel_removed);
    sql_i64(s, now_ms);
    sql_i64(s, target);
    sql_i64(s, (int64_t)limit);
    return count + sql_run(s);
}

/* What a query gives that finds the least one above its parameter; INT64_MAX: none. */
static int64_t above(struct store_conn *conn, const char *query, int64_t at)
{
    struct sql *s = sql_use(conn, query);
    sql_i64(s, at);
    return sql_one(s, INT64_MAX);
}

static void append(struct arena *arena, int64_t **out, size_t *count, size_t *cap, int64_t id)
{
    if (*count == *cap) {
        *cap = *cap ? *cap * 2 : 8;
        *out = arena_grow(arena, *out, *count * sizeof(**out), *cap * sizeof(**out));
    }
    (*out)[(*count)++] = id;
}

size_t store_deliveries_channels(struct store_conn *conn, struct arena *arena, int64_t **out)
{
    static const char waits[] = "SELECT min(channel) FROM delivery INDEXED BY delivery_due WHERE channel > ?"
                                " AND open = 1 AND target IS NULL AND lease IS NULL";
    size_t count = 0, cap = 0;
    *out = NULL;
    for (int64_t at = 0; (at = above(conn, waits, at)) != INT64_MAX;)
        append(arena, out, &count, &cap, at);
    return count;
}

size_t store_deliveries_targets(struct store_conn *conn, int64_t after, size_t limit, struct arena *arena,
                                int64_t **out)
{
    static const char waits[] = "SELECT min(target) FROM delivery INDEXED BY delivery_target WHERE target > ?"
                                " AND open = 1 AND target IS NOT NULL AND lease IS NULL";
    static const char held[] =
        "SELECT min(target) FROM delivery INDEXED BY delivery_held WHERE target > ? AND open = 2";
    int64_t waiting = above(conn, waits, after), holding = above(conn, held, after);
    size_t count = 0, cap = 0;
    *out = NULL;
    while (count < limit && (waiting != INT64_MAX || holding != INT64_MAX)) {
        int64_t at = waiting < holding ? waiting : holding;
        append(arena, out, &count, &cap, at);
        if (waiting == at)
            waiting = above(conn, waits, at);
        if (holding == at)
            holding = above(conn, held, at);
    }
    return count;
}

void store_attempt_add(struct store_conn *conn, const struct store_attempt *a)
{
    struct sql *s =
        sql_use(conn, "INSERT INTO attempt(id, delivery, number, at, elapsed_us, outcome, code, detail, record)"
                      " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)");
    sql_i64(s, a->id);
    sql_i64(s, a->delivery);
    sql_i64(s, a->number);
    sql_i64(s, a->at);
    sql_i64(s, a->elapsed_us);
    sql_i64(s, a->outcome);
    sql_i64(s, a->code);
    sql_str_opt(s, a->detail);
    sql_str_opt(s, a->record);
    sql_run(s);
}

int64_t store_attempt_delivery(struct store_conn *conn, int64_t attempt)
{
    struct sql *s = sql_use(conn, "SELECT delivery FROM attempt WHERE id = ?");
    sql_i64(s, attempt);
    return sql_one(s, 0);
}
