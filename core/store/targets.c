/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of targets: what a channel sends to besides people. A target that is no longer declared keeps its row and state.
 */
#include "store/deliveries.h"

#include "store/lanes.h"
#include "store/private.h"

#include "event/outcome.h"

#define COLUMNS                                                                                                        \
    "id, org, channel, name, url, secret, settings, enabled, first_failure, failures, removed, origin, off_by,"        \
    " version, owner, doc, told"

/* Texts are valid until the next step. */
static struct store_target target_of(struct sql *s)
{
    return (struct store_target){.id = sql_get_i64(s, 0),
                                 .org = sql_get_i64(s, 1),
                                 .channel = sql_get_i64(s, 2),
                                 .name = sql_get_str(s, 3),
                                 .url = sql_get_str(s, 4),
                                 .secret = sql_get_str(s, 5),
                                 .settings = sql_get_str(s, 6),
                                 .enabled = (int32_t)sql_get_i64(s, 7),
                                 .first_failure = sql_get_i64(s, 8),
                                 .failures = (int32_t)sql_get_i64(s, 9),
                                 .removed = sql_get_i64(s, 10),
                                 .origin = (int32_t)sql_get_i64(s, 11),
                                 .off_by = (int32_t)sql_get_i64(s, 12),
                                 .version = sql_get_i64(s, 13),
                                 .owner = sql_get_str(s, 14),
                                 .doc = sql_get_str(s, 15),
                                 .told = (int32_t)sql_get_i64(s, 16)};
}

static int target_copy(struct sql *s, struct arena *arena, struct store_target *out)
{
    int found = sql_row(s);
    if (found) {
        *out = target_of(s);
        struct belfry_str *const texts[] = {&out->name,     &out->url,   &out->secret,
                                            &out->settings, &out->owner, &out->doc};
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
            *texts[i] = texts[i]->len ? arena_str(arena, *texts[i]) : (struct belfry_str){NULL, 0};
    }
    sql_end(s);
    return found;
}

int store_target_find(struct store_conn *conn, int64_t channel, int64_t org, struct belfry_str name,
                      struct arena *arena, struct store_target *out)
{
    struct sql *s = sql_use(conn, "SELECT " COLUMNS " FROM target WHERE channel = ? AND org = ? AND name = ?");
    sql_i64(s, channel);
    sql_i64(s, org);
    sql_str(s, name);
    return target_copy(s, arena, out);
}

int store_target_get(struct store_conn *conn, int64_t id, struct arena *arena, struct store_target *out)
{
    struct sql *s = sql_use(conn, "SELECT " COLUMNS " FROM target WHERE id = ?");
    sql_i64(s, id);
    return target_copy(s, arena, out);
}

static void sql_blob_opt(struct sql *s, struct belfry_str value)
{
    if (value.len)
        sql_blob(s, value);
    else
        sql_null(s);
}

void store_target_add(struct store_conn *conn, const struct store_target *t)
{
    struct sql *s = sql_use(conn, "INSERT INTO target(id, org, channel, name, url, secret, settings, enabled, origin,"
                                  " owner, version, doc) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    sql_i64(s, t->id);
    sql_i64(s, t->org);
    sql_i64(s, t->channel);
    sql_str(s, t->name);
    sql_str(s, t->url);
    sql_blob_opt(s, t->secret);
    sql_blob_opt(s, t->settings);
    sql_i64(s, t->enabled);
    sql_i64(s, t->origin);
    sql_str_opt(s, t->owner);
    sql_i64(s, t->version);
    sql_str_opt(s, t->doc);
    sql_run(s);
}

void store_target_change(struct store_conn *conn, const struct store_target *t)
{
    struct sql *s = sql_use(conn, "UPDATE target SET url = ?, secret = ?, settings = ?, origin = ?, owner = ?,"
                                  " version = ?, doc = ?, removed = NULL WHERE id = ?");
    sql_str(s, t->url);
    sql_blob_opt(s, t->secret);
    sql_blob_opt(s, t->settings);
    sql_i64(s, t->origin);
    sql_str_opt(s, t->owner);
    sql_i64(s, t->version);
    sql_str_opt(s, t->doc);
    sql_i64(s, t->id);
    sql_run(s);
}

void store_target_enable(struct store_conn *conn, int64_t id, int enabled, enum store_off_by off_by, int64_t now_ms,
                         struct belfry_str why)
{
    struct sql *s = sql_use(conn, "UPDATE target SET enabled = ?1, disabled_at = CASE WHEN ?1 THEN NULL ELSE ?2 END,"
                                  " disabled_why = ?3, off_by = ?4 WHERE id = ?5");
    sql_i64(s, enabled != 0);
    sql_i64(s, now_ms);
    sql_str_opt(s, why);
    sql_i64(s, enabled ? 0 : off_by);
    sql_i64(s, id);
    sql_run(s);
}

void store_target_failure(struct store_conn *conn, int64_t id, int failed, int64_t now_ms)
{
    struct sql *s = failed ? sql_use(conn, "UPDATE target SET first_failure = coalesce(first_failure, ?1),"
                                           " failures = failures + 1 WHERE id = ?2")
                           : sql_use(conn, "UPDATE target SET first_failure = NULL, failures = 0,"
                                           " told = -abs(told) WHERE id = ?2 AND (first_failure IS NOT NULL"
                                           " OR told > 0) AND ?1 > 0");
    sql_i64(s, now_ms);
    sql_i64(s, id);
    sql_run(s);
}

void store_target_well(struct store_conn *conn, int64_t id)
{
    struct sql *s = sql_use(conn, "UPDATE target SET first_failure = NULL, failures = 0, told = 0 WHERE id = ?");
    sql_i64(s, id);
    sql_run(s);
}

void store_target_told(struct store_conn *conn, int64_t id, int told)
{
    struct sql *s = sql_use(conn, "UPDATE target SET told = ? WHERE id = ?");
    sql_i64(s, told);
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

size_t store_targets_of(struct store_conn *conn, int64_t channel, enum store_origin origin, struct arena *arena,
                        int64_t **out)
{
    struct sql *s =
        sql_use(conn, "SELECT id FROM target WHERE channel = ? AND origin = ? AND removed IS NULL ORDER BY id");
    sql_i64(s, channel);
    sql_i64(s, origin);
    return ids(s, arena, out);
}

void store_targets_made(struct store_conn *conn, int64_t channel, void (*fn)(void *arg, const struct store_target *row),
                        void *arg)
{
    struct sql *s = sql_use(conn, "SELECT " COLUMNS " FROM target WHERE origin = 1 AND removed IS NULL"
                                  " AND (?1 = 0 OR channel = ?1) ORDER BY id");
    sql_i64(s, channel);
    while (sql_row(s)) {
        struct store_target row = target_of(s);
        fn(arg, &row);
    }
    sql_end(s);
}

size_t store_targets_channels(struct store_conn *conn, struct arena *arena, int64_t **out)
{
    return ids(sql_use(conn, "SELECT DISTINCT channel FROM target WHERE removed IS NULL"), arena, out);
}

size_t store_targets_disabled(struct store_conn *conn, struct arena *arena, int64_t **out)
{
    return ids(sql_use(conn, "SELECT id FROM target WHERE enabled = 0 ORDER BY id"), arena, out);
}

/* Two sets of lanes become one: all wait for their turn, until the first of each is found again. */
static void stop_lanes(struct store_conn *conn, int64_t from, int64_t to, const char *which)
{
    struct sql *s = sql_use(conn, which);
    sql_i64(s, from);
    sql_i64(s, to);
    sql_i64(s, STORE_TURN);
    sql_run(s);
}

static void start_lanes(struct store_conn *conn, int64_t channel)
{
    struct arena *arena = arena_new(0);
    int64_t *targets;
    size_t count = store_targets_of(conn, channel, STORE_ORIGIN_CONFIG, arena, &targets);
    for (size_t i = 0; i < count; i++) {
        struct sql *s = sql_use(conn, "SELECT DISTINCT lane FROM delivery INDEXED BY delivery_lane WHERE target = ?"
                                      " AND lane IS NOT NULL AND open > 0");
        int64_t *lanes;
        sql_i64(s, targets[i]);
        size_t n = ids(s, arena, &lanes);
        for (size_t l = 0; l < n; l++)
            store_lane_settle(conn, targets[i], lanes[l]);
    }
    arena_free(arena);
}

#define TWINS                                                                                                          \
    " FROM target old JOIN target new ON new.org = old.org AND new.name = old.name WHERE old.channel = ?1"             \
    " AND new.channel = ?2"

size_t store_targets_twins(struct store_conn *conn, int64_t from, int64_t to, struct arena *arena,
                           struct store_twin **out)
{
    size_t count = 0, cap = 0;
    struct sql *s =
        sql_use(conn, "SELECT old.org, new.id, old.id, old.enabled, EXISTS(SELECT 1 FROM delivery"
                      " INDEXED BY delivery_held WHERE target = new.id AND open = 2), EXISTS(SELECT 1 FROM delivery"
                      " INDEXED BY delivery_target WHERE target = new.id AND open = 1 AND target IS NOT"
                      " NULL AND lease IS NULL)" TWINS " ORDER BY new.id");
    sql_i64(s, from);
    sql_i64(s, to);
    *out = NULL;
    while (sql_row(s)) {
        if (count == cap) {
            cap = cap ? cap * 2 : 16;
            *out = arena_grow(arena, *out, count * sizeof(**out), cap * sizeof(**out));
        }
        (*out)[count++] = (struct store_twin){.org = sql_get_i64(s, 0),
                                              .goes = sql_get_i64(s, 1),
                                              .stays = sql_get_i64(s, 2),
                                              .enabled = (int)sql_get_i64(s, 3),
                                              .held = (int)sql_get_i64(s, 4),
                                              .waits = (int)sql_get_i64(s, 5)};
    }
    sql_end(s);
    return count;
}

/* A row that an earlier channel of that name left gives what it still has to the one that comes. */
static void merge_targets(struct store_conn *conn, int64_t from, int64_t to)
{
#define STOP                                                                                                           \
    "UPDATE delivery SET due = (due & (?3 - 1)) + ?3 WHERE lane IS NOT NULL AND open = 1 AND lease IS NULL"            \
    " AND target IN ("
    static const char *const steps[] = {
        "UPDATE delivery SET target = (SELECT old.id" TWINS " AND new.id = delivery.target)"
        " WHERE target IN (SELECT new.id" TWINS ")",
        "DELETE FROM target WHERE id IN (SELECT new.id" TWINS ")",
        "UPDATE target SET channel = ?2 WHERE channel = ?1",
    };
    static const char *const stops[] = {STOP "SELECT old.id" TWINS ")", STOP "SELECT new.id" TWINS ")"};
    for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++)
        stop_lanes(conn, from, to, stops[i]);
#undef TWINS
#undef STOP
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct sql *s = sql_use(conn, steps[i]);
        sql_i64(s, from);
        sql_i64(s, to);
        sql_run(s);
    }
    start_lanes(conn, to);
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
