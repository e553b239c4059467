/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What admins look up. Events and deliveries are walked by id, newest first: ids are in order of time, so a page costs
 * what it shows, as long as the org is not a very quiet one among loud ones; the reader's time limit bounds that case.
 */
#include "store/story.h"

#include "base/mem.h"
#include "event/outcome.h"
#include "store/lanes.h"
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
    " d.channel, d.rule, COALESCE(p.username, d.address), t.name, d.detail,"                                           \
    " (SELECT e.title FROM event e WHERE e.id = d.event), json_extract(t.doc, '$.description')"
#define JOINED " LEFT JOIN person p ON p.id = d.person LEFT JOIN target t ON t.id = d.target "
#define FROM_VIEW " FROM delivery d" JOINED

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
                                          .detail = sql_get_copy(s, 14, rows->arena),
                                          .title = sql_get_copy(s, 15, rows->arena),
                                          .target_label = sql_get_copy(s, 16, rows->arena)};
        v->target_label = str_cut(v->target_label, '\n', &(struct belfry_str){0});
        if (!store_waits_for_turn(v->due))
            continue;
        v->due = 0;
        if (v->open == 1)
            v->detail = STR("it waits for its turn: an earlier one of its subject goes first");
    }
    sql_end(s);
}

/*
 * A list with a filter. Dead letters, what is tried again and an event's own have indexes, which the planner takes only
 * when it sees their condition. For any other filter rows are walked, and no more than ?13 of them, so that one that
 * lets nothing through reads no table of millions.
 *
 * Parameters 1 to 11 are bind_filter()'s, 12 is how many rows are wanted.
 */
#define FILTER                                                                                                         \
    " AND d.org = ?3 AND (?5 = 0 OR d.channel = ?5) AND (?6 = 0 OR d.rule = ?6) AND (?7 IS NULL OR"                    \
    " COALESCE(p.username, d.address) = ?7) AND (?8 IS NULL OR t.name = ?8) AND (?9 IS NULL OR"                        \
    " instr(d.detail, ?9) > 0) AND (?11 = 0 OR d.ended IS NULL OR d.ended <= ?11)"
#define BY_KIND(head, order, tail)                                                                                     \
    {                                                                                                                  \
        [OF_EVENT] = head FROM_VIEW "WHERE d.event = ?10 AND d.id < ?1 AND d.id >= ?2"                                 \
                                    " AND (?4 < 0 OR d.state = ?4)" FILTER tail,                                       \
        [DEAD] = head FROM_VIEW "WHERE d.id < ?1 AND d.id >= ?2 AND d.open = 0 AND d.state = 8 AND ?4 = 8"             \
                                " AND ?10 = 0" FILTER tail,                                                            \
        [RETRIED] = head FROM_VIEW "WHERE d.id < ?1 AND d.id >= ?2 AND d.open = 1 AND d.state = 5 AND ?4 = 5"          \
                                   " AND ?10 = 0" FILTER tail,                                                         \
        [ANY] = head " FROM (SELECT * FROM delivery WHERE id < ?1 AND id >= ?2" order " LIMIT ?13) d" JOINED           \
                     "WHERE (?4 < 0 OR d.state = ?4) AND ?10 = 0" FILTER tail,                                         \
    }

enum kind { OF_EVENT, DEAD, RETRIED, ANY };

static enum kind kind_of(const struct store_delivery_query *q)
{
    return q->event ? OF_EVENT : q->state == OUTCOME_failed ? DEAD : q->state == OUTCOME_retrying ? RETRIED : ANY;
}

/* -1: a name that nothing has. */
static int64_t name_or_none(struct store_conn *conn, struct belfry_str name)
{
    int64_t id = name.len ? store_name_find(conn, name) : 0;
    return name.len && !id ? -1 : id;
}

static struct sql *filtered(struct store_conn *conn, const char *const *by_kind, const struct store_delivery_query *q,
                            int64_t limit, int64_t look_at)
{
    enum kind kind = kind_of(q);
    struct sql *s = sql_use(conn, by_kind[kind]);
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
    sql_i64(s, q->as_of);
    sql_i64(s, limit);
    if (kind == ANY)
        sql_i64(s, look_at);
    return s;
}

/* The oldest of so many rows that were looked at, newest first; 0: there are not so many. */
static int64_t looked_down_to(struct store_conn *conn, const struct store_delivery_query *q, int64_t look_at)
{
    struct sql *s = sql_use(conn, "SELECT id FROM delivery WHERE id < ? AND id >= ? ORDER BY id DESC LIMIT 1 OFFSET ?");
    sql_i64(s, q->before);
    sql_i64(s, q->from);
    sql_i64(s, look_at - 1);
    return sql_one(s, 0);
}

size_t store_deliveries_list(struct store_conn *conn, const struct store_delivery_query *query, struct arena *arena,
                             struct store_delivery_view **out, int64_t *next)
{
    static const char *const by_kind[] = BY_KIND(VIEW_COLUMNS, " ORDER BY id DESC", " ORDER BY d.id DESC LIMIT ?12");
    struct rows rows = {arena, sizeof(struct store_delivery_view), 0, 0, NULL};
    read_views(conn, filtered(conn, by_kind, query, (int64_t)query->limit + 1, STORE_LOOKED_AT), &rows);
    *out = (void *)rows.items;
    *next = 0;
    if (rows.count > query->limit)
        *next = (*out)[--rows.count - 1].id;
    else if (kind_of(query) == ANY)
        *next = looked_down_to(conn, query, STORE_LOOKED_AT);
    return rows.count;
}

int64_t store_deliveries_count(struct store_conn *conn, const struct store_delivery_query *query, int64_t look_at,
                               int *more)
{
    static const char *const by_kind[] = BY_KIND("SELECT count(*) FROM (SELECT 1", " ORDER BY id DESC", " LIMIT ?12)");
    int64_t limit = look_at < 0 ? -1 : look_at + 1, count = sql_one(filtered(conn, by_kind, query, limit, look_at), 0);
    *more = look_at >= 0 && (kind_of(query) == ANY ? looked_down_to(conn, query, look_at) != 0 : count > look_at);
    return *more && count > look_at ? look_at : count;
}

int64_t store_deliveries_last(struct store_conn *conn)
{
    return sql_one(sql_use(conn, "SELECT max(id) FROM delivery"), 0);
}

size_t store_deliveries_slice(struct store_conn *conn, const struct store_delivery_query *query, int64_t look_at,
                              struct arena *arena, int64_t **ids, int64_t *next)
{
    static const char *const by_kind[] = BY_KIND("SELECT d.id", " ORDER BY id", " ORDER BY d.id LIMIT ?12");
    struct rows rows = {arena, sizeof(int64_t), 0, 0, NULL};
    struct store_delivery_query q = *query;
    *next = 0;
    if (kind_of(&q) == ANY) {
        struct sql *s = sql_use(conn, "SELECT id FROM delivery WHERE id >= ? AND id < ? ORDER BY id LIMIT 1 OFFSET ?");
        sql_i64(s, q.from);
        sql_i64(s, q.before);
        sql_i64(s, look_at);
        *next = sql_one(s, 0);
        q.before = *next ? *next : q.before;
    }
    struct sql *s = filtered(conn, by_kind, &q, q.limit, look_at);
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

/* Those of the bundle that it went out with too, but not those that came when it had left it. */
#define ITS_ATTEMPTS "JOIN attempt a ON a.delivery IN (d.id, d.bundle) AND a.number <= d.attempts"

size_t store_attempts_of(struct store_conn *conn, int64_t event, struct belfry_str who, size_t limit,
                         struct arena *arena, struct store_attempt_view **out)
{
    struct rows rows = {arena, sizeof(struct store_attempt_view), 0, 0, NULL};
    struct sql *s =
        sql_use(conn, "SELECT d.id, a.at, a.elapsed_us, a.number, a.outcome, a.code, a.detail"
                      " FROM delivery d " ITS_ATTEMPTS " LEFT JOIN person p ON p.id = d.person WHERE d.event = ?1"
                      " AND (?2 IS NULL OR COALESCE(p.username, d.address) = ?2)"
                      " ORDER BY d.id, a.number LIMIT ?3");
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
                                           .record = sql_get_copy(s, 9, rows->arena),
                                           .payload = sql_get_copy(s, 10, rows->arena)};
    }
    sql_end(s);
}

#define RECORD_COLUMNS                                                                                                 \
    "SELECT a.id, d.event, a.delivery, a.at, a.elapsed_us, a.number, a.outcome, a.code, a.detail, a.record,"           \
    " (SELECT substr(p.body, 1, 24576) FROM payload p WHERE p.event = d.event AND d.target IS NOT NULL)"

size_t store_attempts_of_delivery(struct store_conn *conn, int64_t delivery, size_t limit, struct arena *arena,
                                  struct store_attempt_record **out)
{
    struct rows rows = {arena, sizeof(struct store_attempt_record), 0, 0, NULL};
    struct sql *s =
        sql_use(conn, RECORD_COLUMNS " FROM delivery d " ITS_ATTEMPTS " WHERE d.id = ?1 ORDER BY a.id LIMIT ?2");
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
    /* what waits for its turn (lanes.h) stands behind the others, by its own time */
#define OLDEST                                                                                                         \
    "(SELECT MIN(d.due) FROM delivery d WHERE d.target = t.id AND d.open = 1 AND d.target IS NOT NULL"                 \
    " AND d.lease IS NULL"
    s = sql_use(conn, "SELECT MIN(oldest) FROM (SELECT " OLDEST " AND d.due < ?2) AS oldest FROM target t"
                      " WHERE t.channel = ?1 UNION ALL SELECT " OLDEST " AND d.due >= ?2) - ?2 FROM target t"
                      " WHERE t.channel = ?1)");
#undef OLDEST
    sql_i64(s, id);
    sql_i64(s, STORE_TURN);
    int64_t targets = sql_one(s, 0);
    return !own || (targets && targets < own) ? targets : own;
}
