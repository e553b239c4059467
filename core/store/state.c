/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identities of triggers and the state of sources. Both tables are their own primary index, so a look costs one
 * descent. A scan by prefix is a range: the prefix, and the first key after all that begin with it.
 */
#include "store/state.h"

#include "store/events.h"
#include "store/private.h"

int store_dedupe_find(struct store_conn *conn, struct belfry_str key, int64_t since_ms, uint32_t *events)
{
    struct sql *s = sql_use(conn, "SELECT events FROM dedupe WHERE key = ? AND at >= ?");
    sql_blob(s, key);
    sql_i64(s, since_ms);
    int found = sql_row(s);
    if (found)
        *events = (uint32_t)sql_get_i64(s, 0);
    sql_end(s);
    return found;
}

void store_dedupe_add(struct store_conn *conn, struct belfry_str key, int64_t at_ms, uint32_t events)
{
    struct sql *s = sql_use(conn, "INSERT OR REPLACE INTO dedupe(key, at, events) VALUES(?, ?, ?)");
    sql_blob(s, key);
    sql_i64(s, at_ms);
    sql_i64(s, events);
    sql_run(s);
}

int store_state_get(struct store_conn *conn, int64_t inst, int64_t org, struct belfry_str key, struct arena *arena,
                    struct belfry_str *value)
{
    struct sql *s = sql_use(conn, "SELECT value FROM state WHERE inst = ? AND org = ? AND key = ?");
    sql_i64(s, inst);
    sql_i64(s, org);
    sql_blob(s, key);
    int found = sql_row(s);
    if (found)
        *value = sql_get_copy(s, 0, arena);
    sql_end(s);
    return found;
}

/* The first key after all with the prefix, in out (512 bytes); 0 when there is none. */
static size_t prefix_end(struct belfry_str prefix, unsigned char out[512])
{
    size_t len = prefix.len < 512 ? prefix.len : 512;
    memcpy(out, prefix.ptr ? prefix.ptr : "", len);
    while (len > 0 && out[len - 1] == 0xff)
        len--;
    if (len > 0)
        out[len - 1]++;
    return len;
}

#define SCAN "SELECT key, value FROM state WHERE inst = ?1 AND org = ?2 AND key >= ?3 AND (?4 IS NULL OR key < ?4)"

void store_state_scan(struct store_conn *conn, int64_t inst, int64_t org, struct belfry_str prefix,
                      struct belfry_str after, int reverse,
                      int (*fn)(void *arg, struct belfry_str key, struct belfry_str value), void *arg)
{
    unsigned char end[512];
    struct belfry_str to = {(const char *)end, prefix_end(prefix, end)};
    struct sql *s = reverse ? sql_use(conn, SCAN " AND (?5 IS NULL OR key < ?5) ORDER BY key DESC")
                            : sql_use(conn, SCAN " AND (?5 IS NULL OR key > ?5) ORDER BY key");
    sql_i64(s, inst);
    sql_i64(s, org);
    /* One lower bound must be a plain one, for the index: the later of the two. */
    sql_blob(s, !reverse && str_cmp(after, prefix) > 0 ? after : prefix);
    if (to.len > 0)
        sql_blob(s, to);
    else
        sql_null(s);
    if (after.len > 0)
        sql_blob(s, after);
    else
        sql_null(s);
    while (sql_row(s)) {
        if (fn(arg, sql_get_str(s, 0), sql_get_str(s, 1)))
            break;
    }
    sql_end(s);
}

void store_state_put(struct store_conn *conn, int64_t inst, int64_t org, struct belfry_str key, struct belfry_str value)
{
    struct sql *s = sql_use(conn, "INSERT OR REPLACE INTO state(inst, org, key, value) VALUES(?, ?, ?, ?)");
    sql_i64(s, inst);
    sql_i64(s, org);
    sql_blob(s, key);
    sql_blob(s, value);
    sql_run(s);
}

void store_state_del(struct store_conn *conn, int64_t inst, int64_t org, struct belfry_str key)
{
    struct sql *s = sql_use(conn, "DELETE FROM state WHERE inst = ? AND org = ? AND key = ?");
    sql_i64(s, inst);
    sql_i64(s, org);
    sql_blob(s, key);
    sql_run(s);
}

int64_t store_state_version(struct store_conn *conn, int64_t inst, int64_t org)
{
    struct sql *s = sql_use(conn, "SELECT version FROM state_version WHERE inst = ? AND org = ?");
    sql_i64(s, inst);
    sql_i64(s, org);
    return sql_one(s, 0);
}

void store_state_set_version(struct store_conn *conn, int64_t inst, int64_t org, int64_t version)
{
    struct sql *s = sql_use(conn, "INSERT OR REPLACE INTO state_version(inst, org, version) VALUES(?, ?, ?)");
    sql_i64(s, inst);
    sql_i64(s, org);
    sql_i64(s, version);
    sql_run(s);
}

/* Their subject keys hold the source. */
static void rename_events(struct store_conn *conn, int64_t from, int64_t to)
{
    int64_t after = 0;
    for (;;) {
        struct sql *s =
            sql_use(conn, "SELECT id, org, subject FROM event NOT INDEXED WHERE live = 1 AND source = ? AND id > ?"
                          " ORDER BY id LIMIT 1");
        sql_i64(s, from);
        sql_i64(s, after);
        int found = sql_row(s);
        int64_t id = found ? sql_get_i64(s, 0) : 0, org = found ? sql_get_i64(s, 1) : 0;
        int64_t key = found ? store_subject_key(conn->store, org, to, sql_get_str(s, 2)) : 0;
        sql_end(s);
        if (!found)
            return;
        s = sql_use(conn, "UPDATE event SET source = ?, subject_key = ? WHERE id = ?");
        sql_i64(s, to);
        sql_i64(s, key);
        sql_i64(s, id);
        sql_run(s);
        after = id;
    }
}

void store_state_rename(struct store_conn *conn, int64_t from, int64_t to)
{
    static const char *const moves[] = {
        "UPDATE OR IGNORE state SET inst = ?2 WHERE inst = ?1",
        "UPDATE OR IGNORE state_version SET inst = ?2 WHERE inst = ?1",
        "UPDATE OR IGNORE timer SET inst = ?2 WHERE inst = ?1",
        "UPDATE task SET inst = ?2 WHERE inst = ?1",
        "UPDATE OR IGNORE feed SET inst = ?2 WHERE inst = ?1",
    };
    for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
        struct sql *s = sql_use(conn, moves[i]);
        sql_i64(s, from);
        sql_i64(s, to);
        sql_run(s);
    }
    rename_events(conn, from, to);
}
