/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit is walked by id, newest first, that of one org through an index: what others did costs a quiet org nothing.
 * The reader's time limit bounds a filter that meets nothing.
 */
#include "store/audit.h"

#include "store/sql.h"

void store_audit_add(struct store_conn *conn, const struct store_audit *row)
{
    struct sql *s = sql_use(conn, "INSERT INTO audit(id, org, who, what, detail) VALUES(?, ?, ?, ?, ?)");
    sql_i64(s, row->id);
    sql_i64(s, row->org);
    sql_str(s, row->who);
    sql_str(s, row->what);
    sql_str_opt(s, row->detail);
    sql_run(s);
}

#define COLUMNS "SELECT id, org, who, what, detail FROM audit "
#define AND_FILTER                                                                                                     \
    " AND id < ?1 AND id >= ?2 AND (?4 IS NULL OR who = ?4) AND (?5 IS NULL OR what = ?5) ORDER BY id DESC LIMIT ?6"

size_t store_audit_list(struct store_conn *conn, const struct store_audit_query *query, struct arena *arena,
                        struct store_audit **out)
{
    struct store_audit *rows = arena_alloc(arena, (query->limit + 1) * sizeof(*rows));
    struct sql *s = query->org < 0 ? sql_use(conn, COLUMNS "WHERE ?3 < 0" AND_FILTER)
                                   : sql_use(conn, COLUMNS "WHERE org = ?3" AND_FILTER);
    size_t count = 0;
    sql_i64(s, query->before);
    sql_i64(s, query->from);
    sql_i64(s, query->org);
    sql_str_opt(s, query->who);
    sql_str_opt(s, query->what);
    sql_i64(s, query->limit);
    while (count < query->limit && sql_row(s))
        rows[count++] = (struct store_audit){.id = sql_get_i64(s, 0),
                                             .org = sql_get_i64(s, 1),
                                             .who = sql_get_copy(s, 2, arena),
                                             .what = sql_get_copy(s, 3, arena),
                                             .detail = sql_get_copy(s, 4, arena)};
    sql_end(s);
    *out = rows;
    return count;
}
