/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of events. An event is live as long as one of its rows may still be withdrawn, handled or replaced; only live
 * ones are in the index by subject, so that finding what a new event replaces costs the same after a million others.
 */
#include "store/events.h"

#include "store/private.h"

#include "base/mem.h"

#include <endian.h>
#include <stdlib.h>

int64_t store_subject_key(const struct store *store, int64_t org, int64_t source, struct belfry_str subject)
{
    unsigned char small[512];
    size_t len = 16 + subject.len;
    unsigned char *text = len <= sizeof(small) ? small : xmalloc(len);
    uint64_t ids[2] = {htole64((uint64_t)org), htole64((uint64_t)source)};
    memcpy(text, ids, 16);
    if (subject.len > 0)
        memcpy(text + 16, subject.ptr, subject.len);
    int64_t key = (int64_t)siphash(&store->key, text, len);
    if (text != small)
        free(text);
    return key;
}

void store_event_add(struct store_conn *conn, const struct store_event *e)
{
    struct sql *s =
        sql_use(conn, "INSERT INTO event(id, org, source, type, category, severity, subject, subject_key, live,"
                      " validity, valid_until, time, actor, title, body, link, data, actions, audience, rules,"
                      " generation, trigger_source, trigger_id, trigger_type, principal, note, texts)"
                      " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    sql_i64(s, e->id);
    sql_i64(s, e->org);
    sql_i64(s, e->source);
    sql_i64(s, e->type);
    sql_i64(s, e->category);
    sql_i64(s, e->severity);
    sql_str_opt(s, e->subject);
    sql_i64(s, e->subject_key);
    sql_i64(s, e->live);
    sql_i64(s, e->validity);
    sql_i64_opt(s, e->valid_until);
    sql_i64(s, e->time);
    sql_str_opt(s, e->actor);
    sql_str(s, e->title);
    sql_str_opt(s, e->body);
    sql_str_opt(s, e->link);
    sql_str(s, e->data);
    sql_str_opt(s, e->actions);
    sql_str(s, e->audience);
    sql_str(s, e->rules);
    sql_i64(s, e->generation);
    sql_str_opt(s, e->trigger_source);
    sql_str_opt(s, e->trigger_id);
    sql_str_opt(s, e->trigger_type);
    sql_str_opt(s, e->principal);
    sql_str_opt(s, e->note);
    sql_str_opt(s, e->texts);
    sql_run(s);
}

int store_event_get(struct store_conn *conn, int64_t id, struct arena *arena, struct store_event *e)
{
    struct sql *s =
        sql_use(conn, "SELECT org, source, type, category, severity, subject, subject_key, live, validity,"
                      " valid_until, time, actor, title, body, link, data, actions, audience, rules, generation,"
                      " trigger_source, trigger_id, trigger_type, principal, note, texts FROM event WHERE id = ?");
    sql_i64(s, id);
    int found = sql_row(s);
    if (found) {
        *e = (struct store_event){.id = id};
        e->org = sql_get_i64(s, 0);
        e->source = sql_get_i64(s, 1);
        e->type = sql_get_i64(s, 2);
        e->category = sql_get_i64(s, 3);
        e->severity = (int32_t)sql_get_i64(s, 4);
        e->subject = sql_get_copy(s, 5, arena);
        e->subject_key = sql_get_i64(s, 6);
        e->live = (int32_t)sql_get_i64(s, 7);
        e->validity = (int32_t)sql_get_i64(s, 8);
        e->valid_until = sql_get_i64(s, 9);
        e->time = sql_get_i64(s, 10);
        struct belfry_str *texts[] = {&e->actor, &e->title,   &e->body,     &e->link,
                                      &e->data,  &e->actions, &e->audience, &e->rules};
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
            *texts[i] = sql_get_copy(s, 11 + (int)i, arena);
        e->generation = sql_get_i64(s, 19);
        struct belfry_str *origin[] = {&e->trigger_source, &e->trigger_id, &e->trigger_type,
                                       &e->principal,      &e->note,       &e->texts};
        for (size_t i = 0; i < sizeof(origin) / sizeof(origin[0]); i++)
            *origin[i] = sql_get_copy(s, 20 + (int)i, arena);
    }
    sql_end(s);
    return found;
}

int store_event_get_sent(struct store_conn *conn, int64_t id, struct arena *arena, struct store_event *e)
{
    struct sql *s = sql_use(conn, "SELECT org, source, type, category, severity, live, validity, valid_until, time,"
                                  " subject, actor, title, body, link, data, texts, actions FROM event"
                                  " WHERE id = ?");
    sql_i64(s, id);
    int found = sql_row(s);
    if (found) {
        *e = (struct store_event){.id = id,
                                  .org = sql_get_i64(s, 0),
                                  .source = sql_get_i64(s, 1),
                                  .type = sql_get_i64(s, 2),
                                  .category = sql_get_i64(s, 3),
                                  .severity = (int32_t)sql_get_i64(s, 4),
                                  .live = (int32_t)sql_get_i64(s, 5),
                                  .validity = (int32_t)sql_get_i64(s, 6),
                                  .valid_until = sql_get_i64(s, 7),
                                  .time = sql_get_i64(s, 8)};
        struct belfry_str *texts[] = {&e->subject, &e->actor, &e->title, &e->body,
                                      &e->link,    &e->data,  &e->texts, &e->actions};
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
            *texts[i] = sql_get_copy(s, 9 + (int)i, arena);
    }
    sql_end(s);
    return found;
}

/* Arrays of rows grow in the arena by doubling; what is left behind goes with it. */
static void *room_for(struct arena *arena, void *items, size_t count, size_t *cap, size_t size)
{
    if (count < *cap)
        return items;
    size_t next = *cap ? *cap * 2 : 8;
    void *more = arena_alloc(arena, next * size);
    if (count > 0)
        memcpy(more, items, count * size);
    *cap = next;
    return more;
}

size_t store_events_live(struct store_conn *conn, int64_t subject_key, int64_t org, int64_t source,
                         struct belfry_str subject, struct arena *arena, struct store_event **out)
{
    struct sql *s = sql_use(conn, "SELECT id, type, category, valid_until FROM event INDEXED BY event_subject"
                                  " WHERE subject_key = ? AND live = 1 AND org = ? AND source = ? AND subject = ?");
    sql_i64(s, subject_key);
    sql_i64(s, org);
    sql_i64(s, source);
    sql_str(s, subject);
    struct store_event *items = NULL;
    size_t count = 0, cap = 0;
    while (sql_row(s)) {
        items = room_for(arena, items, count, &cap, sizeof(*items));
        items[count++] = (struct store_event){.id = sql_get_i64(s, 0),
                                              .org = org,
                                              .source = source,
                                              .type = sql_get_i64(s, 1),
                                              .category = sql_get_i64(s, 2),
                                              .valid_until = sql_get_i64(s, 3),
                                              .subject_key = subject_key,
                                              .live = 1};
    }
    sql_end(s);
    *out = items;
    return count;
}

void store_event_set_validity(struct store_conn *conn, int64_t id, int validity, int live)
{
    struct sql *s = sql_use(conn, "UPDATE event SET validity = ?, live = ? WHERE id = ?");
    sql_i64(s, validity);
    sql_i64(s, live);
    sql_i64(s, id);
    sql_run(s);
}

void store_event_set_live(struct store_conn *conn, int64_t id, int live)
{
    struct sql *s = sql_use(conn, "UPDATE event SET live = ? WHERE id = ?");
    sql_i64(s, live);
    sql_i64(s, id);
    sql_run(s);
}

void store_event_set_valid_until(struct store_conn *conn, int64_t id, int64_t when_ms)
{
    struct sql *s = sql_use(conn, "UPDATE event SET valid_until = ? WHERE id = ?");
    sql_i64_opt(s, when_ms);
    sql_i64(s, id);
    sql_run(s);
}

size_t store_events_expired(struct store_conn *conn, int64_t now_ms, size_t limit, struct arena *arena, int64_t **out)
{
    struct sql *s =
        sql_use(conn, "SELECT id FROM event WHERE validity = 0 AND valid_until IS NOT NULL AND valid_until <= ?"
                      " ORDER BY valid_until LIMIT ?");
    sql_i64(s, now_ms);
    sql_i64(s, (int64_t)limit);
    int64_t *items = NULL;
    size_t count = 0, cap = 0;
    while (sql_row(s)) {
        items = room_for(arena, items, count, &cap, sizeof(*items));
        items[count++] = sql_get_i64(s, 0);
    }
    sql_end(s);
    *out = items;
    return count;
}

int64_t store_events_next_expiry(struct store_conn *conn)
{
    return sql_one(sql_use(conn, "SELECT min(valid_until) FROM event WHERE validity = 0 AND valid_until IS NOT NULL"),
                   INT64_MAX);
}

size_t store_events_between(struct store_conn *conn, int64_t org, int64_t from, int64_t before, size_t limit,
                            size_t look_at, struct arena *arena, int64_t **out, int64_t *next)
{
    struct sql *s = sql_use(conn, "SELECT id FROM event WHERE id >= ? AND id < ? ORDER BY id LIMIT 1 OFFSET ?");
    sql_i64(s, from);
    sql_i64(s, before);
    sql_i64(s, (int64_t)look_at);
    *next = sql_one(s, 0);
    int64_t *ids = arena_alloc(arena, (limit + 1) * sizeof(*ids));
    size_t count = 0;
    s = sql_use(conn, "SELECT id FROM event WHERE id >= ? AND id < ? AND +org = ? ORDER BY id LIMIT ?");
    sql_i64(s, from);
    sql_i64(s, *next ? *next : before);
    sql_i64(s, org);
    sql_i64(s, (int64_t)limit + 1);
    while (count <= limit && sql_row(s))
        ids[count++] = sql_get_i64(s, 0);
    sql_end(s);
    if (count > limit)
        *next = ids[--count];
    *out = ids;
    return count;
}

int64_t store_events_first(struct store_conn *conn)
{
    return sql_one(sql_use(conn, "SELECT min(id) FROM event"), 0);
}

void store_payload_add(struct store_conn *conn, int64_t event, struct belfry_str body)
{
    struct sql *s = sql_use(conn, "INSERT OR IGNORE INTO payload(event, body) VALUES(?, ?)");
    sql_i64(s, event);
    sql_blob(s, body);
    sql_run(s);
}

struct belfry_str store_payload_get(struct store_conn *conn, int64_t event, struct arena *arena)
{
    struct belfry_str body = {NULL, 0};
    struct sql *s = sql_use(conn, "SELECT body FROM payload WHERE event = ?");
    sql_i64(s, event);
    if (sql_row(s))
        body = sql_get_copy(s, 0, arena);
    sql_end(s);
    return body;
}

void store_decision_add(struct store_conn *conn, int64_t id, int64_t event, struct belfry_str recipient, int64_t rule,
                        int64_t channel, int outcome, struct belfry_str reason)
{
    struct sql *s = sql_use(conn, "INSERT INTO decision(id, event, recipient, rule, channel, outcome, reason)"
                                  " VALUES(?, ?, ?, ?, ?, ?, ?)");
    sql_i64(s, id);
    sql_i64(s, event);
    sql_str_opt(s, recipient);
    sql_i64_opt(s, rule);
    sql_i64_opt(s, channel);
    sql_i64(s, outcome);
    sql_str_opt(s, reason);
    sql_run(s);
}
