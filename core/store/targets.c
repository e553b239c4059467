/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of targets: what a channel sends to besides people. A target that is no longer declared keeps its row and state.
 */
#include "store/deliveries.h"

#include "store/private.h"

#include "event/outcome.h"

#define COLUMNS "id, org, channel, name, url, secret, settings, enabled, first_failure, failures, removed"

int store_target_find(struct store_conn *conn, int64_t channel, int64_t org, struct belfry_str name,
                      struct store_target *out)
{
    struct sql *s = sql_use(conn, "SELECT id, enabled, first_failure, removed FROM target WHERE channel = ? AND org = ?"
                                  " AND name = ?");
    sql_i64(s, channel);
    sql_i64(s, org);
    sql_str(s, name);
    int found = sql_row(s);
    if (found)
        *out = (struct store_target){.id = sql_get_i64(s, 0),
                                     .org = org,
                                     .channel = channel,
                                     .enabled = (int32_t)sql_get_i64(s, 1),
                                     .first_failure = sql_get_i64(s, 2),
                                     .removed = sql_get_i64(s, 3)};
    sql_end(s);
    return found;
}

int store_target_get(struct store_conn *conn, int64_t id, struct arena *arena, struct store_target *out)
{
    struct sql *s = sql_use(conn, "SELECT " COLUMNS " FROM target WHERE id = ?");
    sql_i64(s, id);
    int found = sql_row(s);
    if (found)
        *out = (struct store_target){.id = id,
                                     .org = sql_get_i64(s, 1),
                                     .channel = sql_get_i64(s, 2),
                                     .name = sql_get_copy(s, 3, arena),
                                     .url = sql_get_copy(s, 4, arena),
                                     .secret = sql_get_copy(s, 5, arena),
                                     .settings = sql_get_copy(s, 6, arena),
                                     .enabled = (int32_t)sql_get_i64(s, 7),
                                     .first_failure = sql_get_i64(s, 8),
                                     .failures = (int32_t)sql_get_i64(s, 9),
                                     .removed = sql_get_i64(s, 10)};
    sql_end(s);
    return found;
}

void store_target_add(struct store_conn *conn, const struct store_target *t)
{
    struct sql *s = sql_use(conn, "INSERT INTO target(id, org, channel, name, url, secret, settings, enabled)"
                                  " VALUES(?, ?, ?, ?, ?, ?, ?, ?)");
    sql_i64(s, t->id);
    sql_i64(s, t->org);
    sql_i64(s, t->channel);
    sql_str(s, t->name);
    sql_str(s, t->url);
    sql_blob(s, t->secret);
    sql_str_opt(s, t->settings);
    sql_i64(s, t->enabled);
    sql_run(s);
}

void store_target_change(struct store_conn *conn, const struct store_target *t)
{
    struct sql *s = sql_use(conn, "UPDATE target SET url = ?, secret = ?, settings = ?, removed = NULL WHERE id = ?");
    sql_str(s, t->url);
    sql_blob(s, t->secret);
    sql_str_opt(s, t->settings);
    sql_i64(s, t->id);
    sql_run(s);
}

void store_target_enable(struct store_conn *conn, int64_t id, int enabled, int64_t now_ms, struct belfry_str why)
{
    struct sql *s = sql_use(conn, "UPDATE target SET enabled = ?1, disabled_at = CASE WHEN ?1 THEN NULL ELSE ?2 END,"
                                  " disabled_why = ?3 WHERE id = ?4");
    sql_i64(s, enabled != 0);
    sql_i64(s, now_ms);
    sql_str_opt(s, why);
    sql_i64(s, id);
    sql_run(s);
}

void store_target_failure(struct store_conn *conn, int64_t id, int failed, int64_t now_ms)
{
    struct sql *s = failed ? sql_use(conn, "UPDATE target SET first_failure = coalesce(first_failure, ?1),"
                                           " failures = failures + 1 WHERE id = ?2")
                           : sql_use(conn, "UPDATE target SET first_failure = NULL, failures = 0 WHERE id = ?2"
                                           " AND first_failure IS NOT NULL AND ?1 > 0");
    sql_i64(s, now_ms);
    sql_i64(s, id);
    sql_run(s);
}

void store_target_remove(struct store_conn *conn, int64_t id, int64_t now_ms)
{
    struct sql *s = sql_use(conn, "UPDATE target SET removed = ? WHERE id = ?");
    sql_i64(s, now_ms);
    sql_i64(s, id);
    sql_run(s);
}

/* The ids that a bound query gives. */
static size_t ids(struct sql *s, struct arena *arena, int64_t **out)
{
    int64_t *items = NULL;
    size_t count = 0, cap = 0;
    while (sql_row(s)) {
        if (count == cap) {
            cap = cap ? cap * 2 : 16;
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

size_t store_targets_of(struct store_conn *conn, int64_t channel, struct arena *arena, int64_t **out)
{
    struct sql *s = sql_use(conn, "SELECT id FROM target WHERE channel = ? AND removed IS NULL ORDER BY id");
    sql_i64(s, channel);
    return ids(s, arena, out);
}

size_t store_targets_channels(struct store_conn *conn, struct arena *arena, int64_t **out)
{
    return ids(sql_use(conn, "SELECT DISTINCT channel FROM target WHERE removed IS NULL"), arena, out);
}

size_t store_targets_removed(struct store_conn *conn, int64_t before_ms, struct arena *arena, int64_t **out)
{
    struct sql *s = sql_use(conn, "SELECT id FROM target WHERE removed IS NOT NULL AND removed <= ? ORDER BY id");
    sql_i64(s, before_ms);
    return ids(s, arena, out);
}

size_t store_targets_disabled(struct store_conn *conn, struct arena *arena, int64_t **out)
{
    return ids(sql_use(conn, "SELECT id FROM target WHERE enabled = 0 ORDER BY id"), arena, out);
}

/* A row that an earlier channel of that name left gives what it still has to the one that comes. */
static void merge_targets(struct store_conn *conn, int64_t from, int64_t to)
{
#define TWINS                                                                                                          \
    " FROM target old JOIN target new ON new.org = old.org AND new.name = old.name WHERE old.channel = ?1"             \
    " AND new.channel = ?2"
    static const char *const steps[] = {
        "UPDATE delivery SET target = (SELECT old.id" TWINS " AND new.id = delivery.target)"
        " WHERE target IN (SELECT new.id" TWINS ")",
        "DELETE FROM target WHERE id IN (SELECT new.id" TWINS ")",
        "UPDATE target SET channel = ?2 WHERE channel = ?1",
    };
#undef TWINS
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct sql *s = sql_use(conn, steps[i]);
        sql_i64(s, from);
        sql_i64(s, to);
        sql_run(s);
    }
}

/* Asks indexes only: a name that went long ago costs nothing at each start. */
static int has_anything(struct store_conn *conn, int64_t channel)
{
    static const char *const queries[] = {
        "SELECT 1 FROM target WHERE channel = ? LIMIT 1",
        "SELECT 1 FROM delivery INDEXED BY delivery_due WHERE channel = ? AND open = 1 AND target IS NULL"
        " AND lease IS NULL LIMIT 1",
        "SELECT 1 FROM delivery INDEXED BY delivery_lease WHERE lease IS NOT NULL AND channel = ? LIMIT 1",
        "SELECT 1 FROM delivery INDEXED BY delivery_dead WHERE open = 0 AND state = 8 AND channel = ? LIMIT 1",
    };
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        struct sql *s = sql_use(conn, queries[i]);
        sql_i64(s, channel);
        if (sql_one(s, 0))
            return 1;
    }
    return 0;
}

int store_channel_rename(struct store_conn *conn, int64_t from, int64_t to)
{
    if (!has_anything(conn, from))
        return 0;
    struct sql *s = sql_use(conn, "UPDATE delivery SET channel = ?2 WHERE channel = ?1 AND event IN (SELECT event"
                                  " FROM delivery WHERE channel = ?1 AND (open > 0 OR state = ?3))");
    sql_i64(s, from);
    sql_i64(s, to);
    sql_i64(s, OUTCOME_failed);
    sql_run(s);
    merge_targets(conn, from, to);
    return 1;
}
