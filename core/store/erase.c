/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Erases what a person was told. No index leads to all rows of a person (those that were replaced, or are not shown
 * yet, are in none), and this happens too seldom to pay for one with every insert: so a slice looks at a stretch of the
 * table, in order of its ids.
 */
#include "store/people.h"

#include "base/arena.h"
#include "store/private.h"

#define LOOKED_AT 10000
#define ERASED 1000

struct told {
    int64_t id, event;
};

static void run(struct store_conn *conn, const char *text, int64_t event, int64_t person)
{
    struct sql *s = sql_use(conn, text);
    sql_i64(s, event);
    sql_i64(s, person);
    sql_run(s);
}

static void erase(struct store_conn *conn, int64_t person, struct belfry_str username, const struct told *row)
{
    run(conn, "DELETE FROM attempt WHERE delivery IN (SELECT id FROM delivery WHERE event = ? AND person = ?)",
        row->event, person);
    run(conn, "DELETE FROM delivery WHERE event = ? AND person = ?", row->event, person);
    run(conn, "DELETE FROM notification WHERE id = ? AND person = ?", row->id, person);
    struct sql *s = sql_use(conn, "DELETE FROM decision WHERE event = ? AND recipient = ?");
    sql_i64(s, row->event);
    sql_str(s, username);
    sql_run(s);
}

static void erase_operations(struct store_conn *conn, int64_t person)
{
    static const char *const texts[] = {"DELETE FROM op_row WHERE op IN (SELECT id FROM op WHERE person = ?)",
                                        "DELETE FROM op WHERE person = ?", "DELETE FROM job_member WHERE person = ?",
                                        "DELETE FROM digest WHERE person = ?"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct sql *s = sql_use(conn, texts[i]);
        sql_i64(s, person);
        sql_run(s);
    }
}

/* Where the stretch after `after` ends; INT64_MAX: with the table. */
static int64_t stretch_end(struct store_conn *conn, int64_t after)
{
    struct sql *s = sql_use(conn, "SELECT id FROM notification WHERE id > ? ORDER BY id LIMIT 1 OFFSET ?");
    sql_i64(s, after);
    sql_i64(s, LOOKED_AT - 1);
    int64_t end = sql_one(s, 0);
    return end ? end : INT64_MAX;
}

int store_person_erase(struct store_conn *conn, int64_t person, struct belfry_str username, int64_t *after,
                       size_t *erased, struct arena *arena)
{
    struct told *rows = arena_alloc(arena, ERASED * sizeof(*rows));
    int64_t end = stretch_end(conn, *after);
    size_t count = 0;
    struct sql *s = sql_use(
        conn, "SELECT id, event FROM notification WHERE id > ? AND id <= ? AND +person = ? ORDER BY id LIMIT ?");
    sql_i64(s, *after);
    sql_i64(s, end);
    sql_i64(s, person);
    sql_i64(s, ERASED);
    while (sql_row(s))
        rows[count++] = (struct told){sql_get_i64(s, 0), sql_get_i64(s, 1)};
    sql_end(s);
    for (size_t i = 0; i < count; i++)
        erase(conn, person, username, &rows[i]);
    *erased = count;
    *after = count == ERASED ? rows[count - 1].id : end;
    if (*after != INT64_MAX)
        return 1;
    erase_operations(conn, person);
    return 0;
}
