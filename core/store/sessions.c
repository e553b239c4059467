/* SPDX-License-Identifier: Apache-2.0 */
/* One row a JWT id (RFC 7519 section 4.1.7) that opened a session, so that a link in a log or a history opens none. */
#include "store/sessions.h"

#include "store/sql.h"

int store_jti_use(struct store_conn *conn, struct belfry_str key, int64_t expires_ms)
{
    struct sql *s = sql_use(conn, "INSERT INTO jti(key, expires) VALUES(?, ?) ON CONFLICT DO NOTHING");
    sql_blob(s, key);
    sql_i64(s, expires_ms);
    return sql_run(s) == 1;
}

int store_jti_sweep(struct store_conn *conn, int64_t now_ms)
{
    struct sql *s = sql_use(conn, "DELETE FROM jti WHERE expires < ?");
    sql_i64(s, now_ms);
    return sql_run(s);
}
