/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of people and of the directory that the API fills. A person has a row as soon as a notification waits for the
 * name. */
#include "store/people.h"

#include "store/private.h"

int64_t store_person_find(struct store_conn *conn, int64_t org, struct belfry_str username, int64_t *rev)
{
    int64_t id = 0;
    struct sql *s = sql_use(conn, "SELECT id, rev FROM person WHERE org = ? AND username = ?");
    sql_i64(s, org);
    sql_str(s, username);
    if (sql_row(s)) {
        id = sql_get_i64(s, 0);
        *rev = sql_get_i64(s, 1);
    }
    sql_end(s);
    return id;
}

int store_person_get(struct store_conn *conn, int64_t id, struct arena *arena, int64_t *org,
                     struct belfry_str *username, int64_t *rev)
{
    struct sql *s = sql_use(conn, "SELECT org, username, rev FROM person WHERE id = ?");
    sql_i64(s, id);
    int found = sql_row(s);
    if (found) {
        *org = sql_get_i64(s, 0);
        *username = sql_get_copy(s, 1, arena);
        *rev = sql_get_i64(s, 2);
    }
    sql_end(s);
    return found;
}

void store_person_add(struct store_conn *conn, int64_t id, int64_t org, struct belfry_str username)
{
    struct sql *s = sql_use(conn, "INSERT INTO person(id, org, username, rev) VALUES(?, ?, ?, 0)");
    sql_i64(s, id);
    sql_i64(s, org);
    sql_str(s, username);
    sql_run(s);
}

void store_person_set_rev(struct store_conn *conn, int64_t id, int64_t rev)
{
    struct sql *s = sql_use(conn, "UPDATE person SET rev = ? WHERE id = ?");
    sql_i64(s, rev);
    sql_i64(s, id);
    sql_run(s);
}

/* The texts of a bound query's first column. */
static size_t texts(struct sql *s, struct arena *arena, struct belfry_str **out)
{
    struct belfry_str *items = NULL;
    size_t count = 0, cap = 0;
    while (sql_row(s)) {
        if (count == cap) {
            cap = cap ? cap * 2 : 8;
            struct belfry_str *more = arena_alloc(arena, cap * sizeof(*more));
            if (count > 0)
                memcpy(more, items, count * sizeof(*more));
            items = more;
        }
        items[count++] = sql_get_copy(s, 0, arena);
    }
    sql_end(s);
    *out = items;
    return count;
}

int store_directory_get(struct store_conn *conn, int64_t org, struct belfry_str username, struct arena *arena,
                        struct store_directory_entry *out)
{
    struct sql *s = sql_use(conn, "SELECT name, email, locale, timezone FROM directory WHERE org = ? AND username = ?");
    sql_i64(s, org);
    sql_str(s, username);
    int found = sql_row(s);
    if (found)
        *out = (struct store_directory_entry){.username = arena_str(arena, username),
                                              .name = sql_get_copy(s, 0, arena),
                                              .email = sql_get_copy(s, 1, arena),
                                              .locale = sql_get_copy(s, 2, arena),
                                              .timezone = sql_get_copy(s, 3, arena)};
    sql_end(s);
    if (!found)
        return 0;
    s = sql_use(conn, "SELECT role FROM role WHERE org = ? AND username = ? ORDER BY role");
    sql_i64(s, org);
    sql_str(s, username);
    struct belfry_str *roles;
    out->role_count = texts(s, arena, &roles);
    out->roles = roles;
    return 1;
}

size_t store_directory_members(struct store_conn *conn, int64_t org, struct belfry_str role, struct belfry_str after,
                               size_t limit, struct arena *arena, struct belfry_str **out)
{
    struct sql *s =
        sql_use(conn, "SELECT username FROM role WHERE org = ? AND role = ? AND username > ? ORDER BY username"
                      " LIMIT ?");
    sql_i64(s, org);
    sql_str(s, role);
    sql_str(s, after);
    sql_i64(s, limit > INT64_MAX ? INT64_MAX : (int64_t)limit);
    return texts(s, arena, out);
}

size_t store_directory_names(struct store_conn *conn, int64_t org, struct arena *arena, struct belfry_str **out)
{
    struct sql *s = sql_use(conn, "SELECT username FROM directory WHERE org = ? ORDER BY username");
    sql_i64(s, org);
    return texts(s, arena, out);
}

size_t store_directory_page(struct store_conn *conn, int64_t org, struct belfry_str after, size_t limit,
                            struct arena *arena, struct belfry_str **out)
{
    struct sql *s =
        sql_use(conn, "SELECT username FROM directory WHERE org = ? AND username > ? ORDER BY username LIMIT ?");
    sql_i64(s, org);
    sql_str(s, after);
    sql_i64(s, (int64_t)limit);
    return texts(s, arena, out);
}

static void drop_roles(struct store_conn *conn, int64_t org, struct belfry_str username)
{
    struct sql *s = sql_use(conn, "DELETE FROM role WHERE org = ? AND username = ?");
    sql_i64(s, org);
    sql_str(s, username);
    sql_run(s);
}

void store_directory_put(struct store_conn *conn, int64_t org, const struct store_directory_entry *e)
{
    struct sql *s = sql_use(conn, "INSERT OR REPLACE INTO directory(org, username, name, email, locale, timezone)"
                                  " VALUES(?, ?, ?, ?, ?, ?)");
    sql_i64(s, org);
    sql_str(s, e->username);
    sql_str_opt(s, e->name);
    sql_str_opt(s, e->email);
    sql_str_opt(s, e->locale);
    sql_str_opt(s, e->timezone);
    sql_run(s);
    drop_roles(conn, org, e->username);
    for (size_t i = 0; i < e->role_count; i++) {
        s = sql_use(conn, "INSERT OR IGNORE INTO role(org, role, username) VALUES(?, ?, ?)");
        sql_i64(s, org);
        sql_str(s, e->roles[i]);
        sql_str(s, e->username);
        sql_run(s);
    }
}

int store_directory_del(struct store_conn *conn, int64_t org, struct belfry_str username)
{
    drop_roles(conn, org, username);
    struct sql *s = sql_use(conn, "DELETE FROM directory WHERE org = ? AND username = ?");
    sql_i64(s, org);
    sql_str(s, username);
    return sql_run(s) > 0;
}

int store_directory_empty(struct store_conn *conn)
{
    return sql_one(sql_use(conn, "SELECT 1 FROM directory LIMIT 1"), 0) == 0;
}
