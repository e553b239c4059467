/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What admins look up. Events and deliveries are walked by id, newest first: ids are in order of time, so a page costs
 * what it shows, as long as the org is not a very quiet one among loud ones; the reader's time limit bounds that case.
 */
#include "store/story.h"

#include "base/mem.h"
#include "event/outcome.h"
#include "store/sql.h"

#include <stdlib.h>

/* A growing array in an arena. */
struct rows {
    struct arena *arena;
    size_t size, count, cap;
    char *items;
};

static void *row_add(struct rows *rows)
{
    if (rows->count == rows->cap) {
        size_t cap = rows->cap ? 2 * rows->cap : 16;
        char *items = arena_alloc(rows->arena, cap * rows->size);
        if (rows->count)
            memcpy(items, rows->items, rows->count * rows->size);
        rows->items = items;
        rows->cap = cap;
    }
    return rows->items + rows->size * rows->count++;
}

#define VIEW_COLUMNS                                                                                                   \
    "SELECT d.id, d.event, d.notification, d.person, d.due, d.ended, d.state, d.open, d.attempts, d.unless,"           \
    " d.channel, d.rule, COALESCE(p.username, d.address), t.name, d.detail"
#define FROM_VIEW " FROM delivery d LEFT JOIN person p ON p.id = d.person LEFT JOIN target t ON t.id = d.target "

static void read_views(struct store_conn *conn, struct sql *s, struct rows *rows)
{
    while (sql_row(s)) {
        struct store_delivery_view *v = row_add(rows);
        *v = (struct store_delivery_view){.id = sql_get_i64(s, 0),
                                          .event = sql_get_i64(s, 1),
                                          .notification = sql_get_i64(s, 2),
                                          .person = sql_get_i64(s, 3),
                                          .due = sql_get_i64(s, 4),
                                          .ended = sql_get_i64(s, 5),
                                          .state = (int)sql_get_i64(s, 6),
                                          .open = (int)sql_get_i64(s, 7),
                                          .attempts = (int)sql_get_i64(s, 8),
                                          .unless = (uint32_t)sql_get_i64(s, 9),
                                          .channel = store_name_text(conn, sql_get_i64(s, 10)),
                                          .rule = store_name_text(conn, sql_get_i64(s, 11)),
                                          .recipient = sql_get_copy(s, 12, rows->arena),
                                          .target = sql_get_copy(s, 13, rows->arena),
                                          .detail = sql_get_copy(s, 14, rows->arena)};
    }
    sql_end(s);
}

/* Parameters 1 to 9 in the order of bind_filter(). */
#define FROM_FILTERED                                                                                                  \
    " FROM delivery d LEFT JOIN person p ON p.id = d.person LEFT JOIN target t ON t.id = d.target"                     \
    " WHERE d.id < ?1 AND d.id >= ?2 AND d.org = ?3"
#define AND_FILTER                                                                                                     \
    " AND (?5 = 0 OR d.channel = ?5) AND (?6 = 0 OR d.rule = ?6) AND (?7 IS NULL OR"                                   \
    " COALESCE(p.username, d.address) = ?7) AND (?8 IS NULL OR t.name = ?8) AND (?9 IS NULL OR instr(d.detail, ?9) > 0)"
/* dead letters have an index of their own, which the planner takes only when it sees its condition; and so has an
 * event */
#define DEAD " AND d.open = 0 AND d.state = 8 AND ?4 = 8" AND_FILTER " AND (?10 = 0 OR d.event = ?10)"
#define OF_EVENT " AND (?4 < 0 OR d.state = ?4)" AND_FILTER " AND d.event = ?10"
#define ANY " AND (?4 < 0 OR d.state = ?4)" AND_FILTER " AND ?10 = 0"

/* -1: a name that nothing has. */
static int64_t name_or_none(struct store_conn *conn, struct belfry_str name)
{
    int64_t id = name.len ? store_name_find(conn, name) : 0;
    return name.len && !id ? -1 : id;
}

static void bind_filter(struct sql *s, const struct store_delivery_query *q)
{
    sql_i64(s, q->before);
    sql_i64(s, q->from);
    sql_i64(s, q->org);
    sql_i64(s, q->state);
    sql_i64(s, name_or_none(s->conn, q->channel));
    sql_i64(s, name_or_none(s->conn, q->rule));
    sql_str_opt(s, q->recipient);
    sql_str_opt(s, q->target);
    sql_str_opt(s, q->reason);
    sql_i64(s, q->event);
}

size_t store_deliveries_list(struct store_conn *conn, const struct store_delivery_query *query, struct arena *arena,
                             struct store_delivery_view **out)
{
    struct rows rows = {arena, sizeof(struct store_delivery_view), 0, 0, NULL};
    struct sql *s = query->event ? sql_use(conn, VIEW_COLUMNS FROM_FILTERED OF_EVENT " ORDER BY d.id DESC LIMIT ?11")
                    : query->state == OUTCOME_failed
                        ? sql_use(conn, VIEW_COLUMNS FROM_FILTERED DEAD " ORDER BY d.id DESC LIMIT ?11")
                        : sql_use(conn, VIEW_COLUMNS FROM_FILTERED ANY " ORDER BY d.id DESC LIMIT ?11");
    bind_filter(s, query);
    sql_i64(s, query->limit);
    read_views(conn, s, &rows);
    *out = (void *)rows.items;
    return rows.count;
}

int64_t store_deliveries_count(struct store_conn *conn, const struct store_delivery_query *query)
{
    struct sql *s = query->event                     ? sql_use(conn, "SELECT count(*)" FROM_FILTERED OF_EVENT)
                    : query->state == OUTCOME_failed ? sql_use(conn, "SELECT count(*)" FROM_FILTERED DEAD)
                                                     : sql_use(conn, "SELECT count(*)" FROM_FILTERED ANY);
    bind_filter(s, query);
    return sql_one(s, 0);
}

int64_t store_deliveries_last(struct store_conn *conn)
{
    return sql_one(sql_use(conn, "SELECT max(id) FROM delivery"), 0);
}

size_t store_deliveries_slice(struct store_conn *conn, const struct store_delivery_query *query, int64_t look_at,
                              struct arena *arena, int64_t **ids, int64_t *next)
{
    struct rows rows = {arena, sizeof(int64_t), 0, 0, NULL};
    struct store_delivery_query q = *query;
    *next = 0;
    if (!q.event && q.state != OUTCOME_failed) {
        struct sql *s = sql_use(conn, "SELECT id FROM delivery WHERE id >= ? AND id < ? ORDER BY id LIMIT 1 OFFSET ?");
        sql_i64(s, q.from);
        sql_i64(s, q.before);
        sql_i64(s, look_at);
        *next = sql_one(s, 0);
        q.before = *next ? *next : q.before;
    }
    struct sql *s = q.event ? sql_use(conn, "SELECT d.id" FROM_FILTERED OF_EVENT " ORDER BY d.id LIMIT ?11")
                    : q.state == OUTCOME_failed
                        ? sql_use(conn, "SELECT d.id" FROM_FILTERED DEAD " ORDER BY d.id LIMIT ?11")
                        : sql_use(conn, "SELECT d.id" FROM_FILTERED ANY " ORDER BY d.id LIMIT ?11");
    bind_filter(s, &q);
    sql_i64(s, q.limit);
    while (sql_row(s))
        *(int64_t *)row_add(&rows) = sql_get_i64(s, 0);
    sql_end(s);
    *ids = (void *)rows.items;
    if (rows.count == q.limit)
        *next = (*ids)[rows.count - 1] + 1;
    return rows.count;
}

int store_delivery_view_get(struct store_conn *conn, int64_t org, int64_t id, struct arena *arena,
                            struct store_delivery_view *out)
{
    struct rows rows = {arena, sizeof(struct store_delivery_view), 0, 0, NULL};
    struct sql *s = sql_use(conn, VIEW_COLUMNS FROM_VIEW "WHERE d.id = ?1 AND d.org = ?2");
    sql_i64(s, id);
    sql_i64(s, org);
    read_views(conn, s, &rows);
    if (rows.count)
        *out = *(struct store_delivery_view *)(void *)rows.items;
    return rows.count > 0;
}

size_t store_deliveries_of(struct store_conn *conn, int64_t event, struct belfry_str who, size_t limit,
                           struct arena *arena, struct store_delivery_view **out)
{
    struct rows rows = {arena, sizeof(struct store_delivery_view), 0, 0, NULL};
    struct sql *s =
        sql_use(conn, VIEW_COLUMNS FROM_VIEW "WHERE d.event = ?1 AND (?2 IS NULL OR"
                                             " COALESCE(p.username, d.address) = ?2) ORDER BY d.id LIMIT ?3");
    sql_i64(s, event);
    sql_str_opt(s, who);
    sql_i64(s, (int64_t)limit);
    read_views(conn, s, &rows);
    *out = (void *)rows.items;
    return rows.count;
}

size_t store_attempts_of(struct store_conn *conn, int64_t event, struct belfry_str who, size_t limit,
                         struct arena *arena, struct store_attempt_view **out)
{
    struct rows rows = {arena, sizeof(struct store_attempt_view), 0, 0, NULL};
    struct sql *s = sql_use(conn, "SELECT a.delivery, a.at, a.elapsed_us, a.number, a.outcome, a.code, a.detail"
                                  " FROM delivery d JOIN attempt a ON a.delivery = d.id"
                                  " LEFT JOIN person p ON p.id = d.person WHERE d.event = ?1"
                                  " AND (?2 IS NULL OR COALESCE(p.username, d.address) = ?2)"
                                  " ORDER BY a.delivery, a.number LIMIT ?3");
    sql_i64(s, event);
    sql_str_opt(s, who);
    sql_i64(s, (int64_t)limit);
    while (sql_row(s)) {
        struct store_attempt_view *v = row_add(&rows);
        *v = (struct store_attempt_view){.delivery = sql_get_i64(s, 0),
                                         .at = sql_get_i64(s, 1),
                                         .elapsed_us = sql_get_i64(s, 2),
                                         .number = (int)sql_get_i64(s, 3),
                                         .outcome = (int)sql_get_i64(s, 4),
                                         .code = (int)sql_get_i64(s, 5),
                                         .detail = sql_get_copy(s, 6, arena)};
    }
    sql_end(s);
    *out = (void *)rows.items;
    return rows.count;
}

static void read_records(struct sql *s, struct rows *rows)
{
    while (sql_row(s)) {
        struct store_attempt_record *v = row_add(rows);
        *v = (struct store_attempt_record){.id = sql_get_i64(s, 0),
                                           .event = sql_get_i64(s, 1),
                                           .attempt = {.delivery = sql_get_i64(s, 2),
                                                       .at = sql_get_i64(s, 3),
                                                       .elapsed_us = sql_get_i64(s, 4),
                                                       .number = (int)sql_get_i64(s, 5),
                                                       .outcome = (int)sql_get_i64(s, 6),
                                                       .code = (int)sql_get_i64(s, 7),
                                                       .detail = sql_get_copy(s, 8, rows->arena)},
                                           .record = sql_get_copy(s, 9, rows->arena)};
    }
    sql_end(s);
}

#define RECORD_COLUMNS                                                                                                 \
    "SELECT a.id, d.event, a.delivery, a.at, a.elapsed_us, a.number, a.outcome, a.code, a.detail, a.record"

size_t store_attempts_of_delivery(struct store_conn *conn, int64_t delivery, size_t limit, struct arena *arena,
                                  struct store_attempt_record **out)
{
    struct rows rows = {arena, sizeof(struct store_attempt_record), 0, 0, NULL};
    struct sql *s = sql_use(conn, RECORD_COLUMNS " FROM attempt a JOIN delivery d ON d.id = a.delivery"
                                                 " WHERE a.delivery = ?1 ORDER BY a.id LIMIT ?2");
    sql_i64(s, delivery);
    sql_i64(s, (int64_t)limit);
    read_records(s, &rows);
    *out = (void *)rows.items;
    return rows.count;
}

#define ATTEMPTS_LOOKED_AT 20000

size_t store_attempts_of_target(struct store_conn *conn, int64_t target, int64_t before, size_t limit,
                                struct arena *arena, struct store_attempt_record **out, int64_t *next)
{
    struct rows rows = {arena, sizeof(struct store_attempt_record), 0, 0, NULL};
    struct sql *s = sql_use(conn, "SELECT id FROM attempt WHERE id < ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2");
    sql_i64(s, before);
    sql_i64(s, ATTEMPTS_LOOKED_AT);
    int64_t from = sql_one(s, 0);
    s = sql_use(conn, RECORD_COLUMNS " FROM attempt a CROSS JOIN delivery d ON d.id = a.delivery WHERE a.id < ?1"
                                     " AND a.id >= ?2 AND d.target = ?3 ORDER BY a.id DESC LIMIT ?4");
    sql_i64(s, before);
    sql_i64(s, from);
    sql_i64(s, target);
    sql_i64(s, (int64_t)limit + 1);
    read_records(s, &rows);
    *out = (void *)rows.items;
    *next = from;
    if (rows.count > limit)
        *next = (*out)[--rows.count - 1].id;
    return rows.count;
}

size_t store_decisions_of(struct store_conn *conn, int64_t event, struct belfry_str who, size_t limit,
                          struct arena *arena, struct store_decision_view **out)
{
    struct rows rows = {arena, sizeof(struct store_decision_view), 0, 0, NULL};
    struct sql *s = sql_use(conn, "SELECT recipient, rule, channel, outcome, reason FROM decision WHERE event = ?1"
                                  " AND (?2 IS NULL OR recipient IS NULL OR recipient = ?2) ORDER BY id LIMIT ?3");
    sql_i64(s, event);
    sql_str_opt(s, who);
    sql_i64(s, (int64_t)limit);
    while (sql_row(s)) {
        struct store_decision_view *v = row_add(&rows);
        *v = (struct store_decision_view){.recipient = sql_get_copy(s, 0, arena),
                                          .rule = store_name_text(conn, sql_get_i64(s, 1)),
                                          .channel = store_name_text(conn, sql_get_i64(s, 2)),
                                          .outcome = (int)sql_get_i64(s, 3),
                                          .reason = sql_get_copy(s, 4, arena)};
    }
    sql_end(s);
    *out = (void *)rows.items;
    return rows.count;
}

size_t store_rows_of(struct store_conn *conn, int64_t event, struct belfry_str who, size_t limit, struct arena *arena,
                     struct store_row_view **out)
{
    struct rows rows = {arena, sizeof(struct store_row_view), 0, 0, NULL};
    struct sql *s = sql_use(conn, "SELECT n.id, n.person, n.pos, n.seen, n.read, n.hidden, n.handled_at, n.replaced_by,"
                                  " n.validity, p.username, n.reason, n.handled_by, n.note FROM notification n"
                                  " JOIN person p ON p.id = n.person WHERE n.event = ?1"
                                  " AND (?2 IS NULL OR p.username = ?2) ORDER BY n.person LIMIT ?3");
    sql_i64(s, event);
    sql_str_opt(s, who);
    sql_i64(s, (int64_t)limit);
    while (sql_row(s)) {
        struct store_row_view *v = row_add(&rows);
        *v = (struct store_row_view){.id = sql_get_i64(s, 0),
                                     .person = sql_get_i64(s, 1),
                                     .pos = sql_get_i64(s, 2),
                                     .seen = sql_get_i64(s, 3),
                                     .read = sql_get_i64(s, 4),
                                     .hidden = sql_get_i64(s, 5),
                                     .handled_at = sql_get_i64(s, 6),
                                     .replaced_by = sql_get_i64(s, 7),
                                     .validity = (int)sql_get_i64(s, 8),
                                     .username = sql_get_copy(s, 9, arena),
                                     .reason = sql_get_copy(s, 10, arena),
                                     .handled_by = sql_get_copy(s, 11, arena),
                                     .note = sql_get_copy(s, 12, arena)};
    }
    sql_end(s);
    *out = (void *)rows.items;
    return rows.count;
}

size_t store_events_list(struct store_conn *conn, const struct store_event_query *query, struct arena *arena,
                         struct store_event **out)
{
    struct rows rows = {arena, sizeof(struct store_event), 0, 0, NULL};
    struct rows ids = {arena, sizeof(int64_t), 0, 0, NULL};
    struct sql *s =
        sql_use(conn, "SELECT id FROM event WHERE id < ?1 AND org = ?2 AND (?3 = 0 OR source = ?3)"
                      " AND (?4 = 0 OR type = ?4) AND (?5 IS NULL OR subject = ?5) ORDER BY id DESC LIMIT ?6");
    sql_i64(s, query->before);
    sql_i64(s, query->org);
    sql_i64(s, query->source);
    sql_i64(s, query->type);
    sql_str_opt(s, query->subject);
    sql_i64(s, query->limit);
    while (sql_row(s))
        *(int64_t *)row_add(&ids) = sql_get_i64(s, 0);
    sql_end(s);
    for (size_t i = 0; i < ids.count; i++)
        store_event_get(conn, ((int64_t *)(void *)ids.items)[i], arena, row_add(&rows));
    *out = (void *)rows.items;
    return rows.count;
}

size_t store_refused_list(struct store_conn *conn, int64_t org, int64_t source, int64_t before, uint32_t limit,
                          size_t body_max, struct arena *arena, struct store_refused_view **out)
{
    struct rows rows = {arena, sizeof(struct store_refused_view), 0, 0, NULL};
    struct sql *s = sql_use(conn, "SELECT id, source, kind, problem, substr(body, 1, ?5), length(body) FROM refused"
                                  " INDEXED BY refused_org WHERE org = ?1 AND id < ?3 AND (?2 = 0 OR source = ?2)"
                                  " ORDER BY id DESC LIMIT ?4");
    sql_i64(s, org);
    sql_i64(s, source);
    sql_i64(s, before);
    sql_i64(s, limit);
    sql_i64(s, (int64_t)body_max);
    while (sql_row(s)) {
        struct store_refused_view *v = row_add(&rows);
        *v = (struct store_refused_view){.id = sql_get_i64(s, 0),
                                         .source = store_name_text(conn, sql_get_i64(s, 1)),
                                         .kind = sql_get_copy(s, 2, arena),
                                         .problem = sql_get_copy(s, 3, arena),
                                         .body = sql_get_copy(s, 4, arena),
                                         .body_bytes = sql_get_i64(s, 5)};
    }
    sql_end(s);
    *out = (void *)rows.items;
    return rows.count;
}

int64_t store_oldest_pending(struct store_conn *conn, struct belfry_str channel)
{
    int64_t id = store_name_find(conn, channel);
    struct sql *s = sql_use(conn, "SELECT MIN(due) FROM delivery WHERE channel = ? AND open = 1 AND target IS NULL"
                                  " AND lease IS NULL");
    sql_i64(s, id);
    int64_t own = sql_one(s, 0);
    s = sql_use(conn, "SELECT MIN(oldest) FROM (SELECT (SELECT MIN(d.due) FROM delivery d WHERE d.target = t.id"
                      " AND d.open = 1 AND d.target IS NOT NULL AND d.lease IS NULL) AS oldest FROM target t"
                      " WHERE t.channel = ?)");
    sql_i64(s, id);
    int64_t targets = sql_one(s, 0);
    return !own || (targets && targets < own) ? targets : own;
}
