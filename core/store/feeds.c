/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of feeds and of Refresh. What a Refresh brought somebody is not counted while it runs but asked for: with the
 * moments of joining and ending it is a range of places, and a range of ends. Rows that were replaced after the end are
 * found by the second of the two counts, so that the number stays what it was.
 */
#include "store/feeds.h"

#include "store/people.h"
#include "store/private.h"
#include "store/upkeep.h"

/* --- feeds -------------------------------------------------------------------------------------------------------- */

int store_feed_get(struct store_conn *conn, int64_t inst, int64_t org, struct arena *arena, struct store_feed *out)
{
    struct sql *s = sql_use(conn, "SELECT url, cursor, etag FROM feed WHERE inst = ? AND org = ?");
    sql_i64(s, inst);
    sql_i64(s, org);
    int found = sql_row(s) && sql_get_str(s, 0).len == STORE_FEED_HASH;
    if (found) {
        memcpy(out->url, sql_get_str(s, 0).ptr, STORE_FEED_HASH);
        out->cursor = sql_get_copy(s, 1, arena);
        out->etag = sql_get_copy(s, 2, arena);
    }
    sql_end(s);
    return found;
}

void store_feed_set(struct store_conn *conn, int64_t inst, int64_t org, const struct store_feed *feed)
{
    struct sql *s = sql_use(conn, "INSERT OR REPLACE INTO feed(inst, org, url, cursor, etag) VALUES(?, ?, ?, ?, ?)");
    sql_i64(s, inst);
    sql_i64(s, org);
    sql_blob(s, str_slice((const char *)feed->url, STORE_FEED_HASH));
    sql_str(s, feed->cursor);
    sql_str_opt(s, feed->etag);
    sql_run(s);
}

/* --- Refresh ------------------------------------------------------------------------------------------------------ */

int64_t store_refresh_open(struct store_conn *conn, int64_t org)
{
    struct sql *s = sql_use(conn, "SELECT id FROM job INDEXED BY job_open WHERE state < 2 AND kind = ? AND org = ?");
    sql_i64(s, STORE_JOB_REFRESH);
    sql_i64(s, org);
    return sql_one(s, 0);
}

void store_refresh_join(struct store_conn *conn, int64_t job, int64_t person, int64_t since)
{
    struct sql *s = sql_use(conn, "INSERT OR IGNORE INTO job_member(job, person, since) VALUES(?, ?, ?)");
    sql_i64(s, job);
    sql_i64(s, person);
    sql_i64(s, since);
    sql_run(s);
}

void store_refresh_end(struct store_conn *conn, int64_t job, int state, int64_t done, int64_t total, int64_t ended)
{
    struct sql *s =
        sql_use(conn, "UPDATE job SET state = ?, done = ?, total = ?, ended = ? WHERE id = ? AND state < 2");
    sql_i64(s, state);
    sql_i64(s, done);
    sql_i64(s, total);
    sql_i64(s, ended);
    sql_i64(s, job);
    sql_run(s);
}

void store_refresh_interrupt(struct store_conn *conn, int64_t ended)
{
    struct sql *s = sql_use(conn, "UPDATE job SET state = ?, ended = ? WHERE state < 2 AND kind = ?");
    sql_i64(s, STORE_JOB_FAILED);
    sql_i64(s, ended);
    sql_i64(s, STORE_JOB_REFRESH);
    sql_run(s);
}

static const char added_listed[] =
    "SELECT category, count(*) FROM notification INDEXED BY notification_list WHERE person = ?1 AND pos IS NOT NULL"
    " AND replaced_by IS NULL AND pos > ?2 AND pos < ?3 AND (ended IS NULL OR ended > ?3) GROUP BY category";
static const char added_replaced_since[] =
    "SELECT category, count(*) FROM notification INDEXED BY notification_ended WHERE person = ?1 AND ended > ?3"
    " AND pos > ?2 AND pos < ?3 AND replaced_by IS NOT NULL GROUP BY category";
static const char invalidated_listed[] =
    "SELECT category, count(*) FROM notification INDEXED BY notification_ended WHERE person = ?1 AND ended > ?2"
    " AND ended < ?3 AND pos < ?2 AND replaced_by IS NULL GROUP BY category";

static int is_gated(struct store_conn *conn, const struct belfry_strs *gated, int64_t category)
{
    struct belfry_str name = store_name_text(conn, category);
    for (size_t i = 0; i < gated->count; i++)
        if (str_eq(gated->items[i], name))
            return 1;
    return 0;
}

static uint64_t count(struct store_conn *conn, const char *query, int64_t person, int64_t since, int64_t ended,
                      const struct belfry_strs *gated)
{
    uint64_t sum = 0;
    struct sql *s = sql_use(conn, query);
    sql_i64(s, person);
    sql_i64(s, since);
    sql_i64(s, ended);
    while (sql_row(s))
        if (!is_gated(conn, gated, sql_get_i64(s, 0)))
            sum += (uint64_t)sql_get_i64(s, 1);
    sql_end(s);
    return sum;
}

int store_refresh_of(struct store_conn *conn, int64_t job, struct belfry_str org, struct belfry_str username,
                     const struct belfry_strs *gated, struct store_refresh *out)
{
    struct sql *s = sql_use(conn, "SELECT p.id, m.since, j.state, j.done, j.total, j.ended FROM person p"
                                  " JOIN job_member m ON m.job = ?1 AND m.person = p.id"
                                  " JOIN job j ON j.id = m.job AND j.kind = ?2 AND j.org = p.org"
                                  " WHERE p.org = ?3 AND p.username = ?4");
    sql_i64(s, job);
    sql_i64(s, STORE_JOB_REFRESH);
    sql_i64(s, store_name_find(conn, org));
    sql_str(s, username);
    int found = sql_row(s);
    int64_t person = 0, since = 0, ended = 0;
    if (found) {
        person = sql_get_i64(s, 0);
        since = sql_get_i64(s, 1);
        *out = (struct store_refresh){
            .state = (int)sql_get_i64(s, 2), .done = sql_get_i64(s, 3), .total = sql_get_i64(s, 4)};
        ended = sql_get_i64(s, 5);
    }
    sql_end(s);
    if (!found)
        return 0;
    if (!ended)
        ended = INT64_MAX;
    out->added = count(conn, added_listed, person, since, ended, gated) +
                 count(conn, added_replaced_since, person, since, ended, gated);
    out->invalidated = count(conn, invalidated_listed, person, since, ended, gated);
    return 1;
}
