/* SPDX-License-Identifier: Apache-2.0 */
/* One row a person, replaced as a whole: whoever changes one choice has seen the others. */
#include "store/preferences.h"

#include "store/private.h"

int store_preference_get(struct store_conn *conn, int64_t org, struct belfry_str username, struct arena *arena,
                         struct store_preference *out)
{
    struct sql *s = sql_use(conn, "SELECT id, doc FROM preference WHERE org = ? AND username = ?");
    sql_i64(s, org);
    sql_str(s, username);
    int found = sql_row(s);
    if (found)
        *out = (struct store_preference){.id = sql_get_i64(s, 0), .doc = sql_get_copy(s, 1, arena)};
    sql_end(s);
    return found;
}

void store_preference_put(struct store_conn *conn, int64_t org, struct belfry_str username,
                          const struct store_preference *row)
{
    struct sql *s = sql_use(conn, "INSERT OR REPLACE INTO preference(org, username, id, doc) VALUES(?, ?, ?, ?)");
    sql_i64(s, org);
    sql_str(s, username);
    sql_i64(s, row->id);
    sql_str(s, row->doc);
    sql_run(s);
    store_id_used(conn, row->id);
}

int store_preference_del(struct store_conn *conn, int64_t org, struct belfry_str username)
{
    struct sql *s = sql_use(conn, "DELETE FROM preference WHERE org = ? AND username = ?");
    sql_i64(s, org);
    sql_str(s, username);
    return sql_run(s) > 0;
}

int store_preferences_empty(struct store_conn *conn)
{
    return sql_one(sql_use(conn, "SELECT 1 FROM preference LIMIT 1"), 0) == 0;
}
