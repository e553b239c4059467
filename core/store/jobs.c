/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of jobs, generations, marks and refused items. */
#include "store/upkeep.h"

#include "store/private.h"

void store_job_add(struct store_conn *conn, const struct store_job *j)
{
    struct sql *s = sql_use(conn, "INSERT INTO job(id, kind, org, ref, cursor, payload, state, done, total)"
                                  " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)");
    sql_i64(s, j->id);
    sql_i64(s, j->kind);
    sql_i64(s, j->org);
    sql_i64_opt(s, j->ref);
    sql_str_opt(s, j->cursor);
    sql_str_opt(s, j->payload);
    sql_i64(s, j->state);
    sql_i64(s, j->done);
    sql_i64(s, j->total);
    sql_run(s);
}

#define COLUMNS "id, kind, org, ref, cursor, payload, state, done, total"

static void fill(struct sql *s, struct arena *arena, struct store_job *out)
{
    *out = (struct store_job){
        .id = sql_get_i64(s, 0),
        .kind = (int32_t)sql_get_i64(s, 1),
        .org = sql_get_i64(s, 2),
        .ref = sql_get_i64(s, 3),
        .cursor = sql_get_copy(s, 4, arena),
        .payload = sql_get_copy(s, 5, arena),
        .state = (int32_t)sql_get_i64(s, 6),
        .done = sql_get_i64(s, 7),
        .total = sql_get_i64(s, 8),
    };
}

int store_job_next(struct store_conn *conn, int first, int last, int64_t after, struct arena *arena,
                   struct store_job *out)
{
    struct sql *s = sql_use(conn, "SELECT " COLUMNS " FROM job INDEXED BY job_open WHERE state < 2 AND id > ?"
                                  " AND kind BETWEEN ? AND ? ORDER BY id LIMIT 1");
    sql_i64(s, after);
    sql_i64(s, first);
    sql_i64(s, last);
    int found = sql_row(s);
    if (found)
        fill(s, arena, out);
    sql_end(s);
    return found;
}

int store_job_get(struct store_conn *conn, int64_t id, struct arena *arena, struct store_job *out)
{
    struct sql *s = sql_use(conn, "SELECT " COLUMNS " FROM job WHERE id = ?");
    sql_i64(s, id);
    int found = sql_row(s);
    if (found)
        fill(s, arena, out);
    sql_end(s);
    return found;
}

int store_job_find(struct store_conn *conn, int kind, int64_t ref, struct arena *arena, struct store_job *out)
{
    struct sql *s = sql_use(conn, "SELECT " COLUMNS " FROM job INDEXED BY job_open WHERE state < 2 AND ref = ?"
                                  " AND kind = ? ORDER BY id LIMIT 1");
    sql_i64(s, ref);
    sql_i64(s, kind);
    int found = sql_row(s);
    if (found)
        fill(s, arena, out);
    sql_end(s);
    return found;
}

int store_job_progress(struct store_conn *conn, int kind, int64_t ref, int64_t *done, int64_t *total)
{
    struct sql *s = sql_use(conn, "SELECT done, total FROM job INDEXED BY job_open WHERE state < 2 AND ref = ?"
                                  " AND kind = ? ORDER BY id LIMIT 1");
    sql_i64(s, ref);
    sql_i64(s, kind);
    int found = sql_row(s);
    if (found) {
        *done = sql_get_i64(s, 0);
        *total = sql_get_i64(s, 1);
    }
    sql_end(s);
    return found;
}

int store_job_open_for(struct store_conn *conn, int first, int last, int64_t ref)
{
    struct sql *s = sql_use(conn, "SELECT 1 FROM job INDEXED BY job_open WHERE state < 2 AND ref = ?"
                                  " AND kind BETWEEN ? AND ? LIMIT 1");
    sql_i64(s, ref);
    sql_i64(s, first);
    sql_i64(s, last);
    return (int)sql_one(s, 0);
}

void store_job_step(struct store_conn *conn, int64_t id, struct belfry_str cursor, int64_t done, int state)
{
    struct sql *s = sql_use(conn, "UPDATE job SET cursor = ?1, done = ?2, state = ?3,"
                                  " payload = CASE WHEN ?3 < 2 OR kind <> ?5 THEN payload END WHERE id = ?4");
    sql_str_opt(s, cursor);
    sql_i64(s, done);
    sql_i64(s, state);
    sql_i64(s, id);
    sql_i64(s, STORE_JOB_TARGETS);
    sql_run(s);
}

void store_job_carry(struct store_conn *conn, int64_t id, struct belfry_str payload)
{
    struct sql *s = sql_use(conn, "UPDATE job SET payload = ? WHERE id = ?");
    sql_str(s, payload);
    sql_i64(s, id);
    sql_run(s);
}

void store_job_refer(struct store_conn *conn, int64_t id, int64_t ref)
{
    struct sql *s = sql_use(conn, "UPDATE job SET ref = ? WHERE id = ?");
    sql_i64(s, ref);
    sql_i64(s, id);
    sql_run(s);
}

int64_t store_generation_last(struct store_conn *conn)
{
    return sql_one(sql_use(conn, "SELECT max(id) FROM generation"), 0);
}

void store_generation_add(struct store_conn *conn, int64_t id, const uint8_t sha256[32], int64_t at_ms,
                          struct belfry_str actor, struct belfry_str summary)
{
    struct sql *s = sql_use(conn, "INSERT INTO generation(id, sha256, at, actor, summary) VALUES(?, ?, ?, ?, ?)");
    sql_i64(s, id);
    sql_blob(s, str_slice((const char *)sha256, 32));
    sql_i64(s, at_ms);
    sql_str_opt(s, actor);
    sql_str_opt(s, summary);
    sql_run(s);
}

int64_t store_mark_get(struct store_conn *conn, struct belfry_str key, int64_t missing)
{
    struct sql *s = sql_use(conn, "SELECT value FROM meta WHERE key = ?");
    sql_str(s, key);
    return sql_one(s, missing);
}

void store_mark_set(struct store_conn *conn, struct belfry_str key, int64_t value)
{
    struct sql *s = sql_use(conn, "INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)");
    sql_str(s, key);
    sql_i64(s, value);
    sql_run(s);
}

void store_mark_del(struct store_conn *conn, struct belfry_str key)
{
    struct sql *s = sql_use(conn, "DELETE FROM meta WHERE key = ?");
    sql_str(s, key);
    sql_run(s);
}

void store_refused_add(struct store_conn *conn, int64_t id, int64_t org, int64_t source, const char *kind,
                       struct belfry_str problem, struct belfry_str body)
{
    struct sql *s = sql_use(conn, "INSERT INTO refused(id, org, source, kind, problem, body) VALUES(?, ?, ?, ?, ?, ?)");
    sql_i64(s, id);
    sql_i64(s, org);
    sql_i64(s, source);
    sql_z(s, kind);
    sql_str(s, problem);
    sql_blob(s, body);
    sql_run(s);
}
