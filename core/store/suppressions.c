/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Suppressed addresses. The gate is asked for each mail, so the unique key begins with what it knows: the org and the
 * address; reasons come before categories in it, and so the heaviest row is the first. Mails that came back for now are
 * rows of their own until they are too old to count, one for each delivery: a mail that is tried six times in an hour
 * has come back once.
 */
#include "store/suppressions.h"

#include "event/event.h"
#include "store/private.h"

const char *suppression_name(int reason)
{
    switch (reason) {
#define XX(number, name)                                                                                               \
    case number:                                                                                                       \
        return #name;
        SUPPRESSION_REASONS(XX)
#undef XX
    default:
        return NULL;
    }
}

int suppression_parse(struct belfry_str name)
{
#define XX(number, word)                                                                                               \
    if (str_eqz(name, #word))                                                                                          \
        return number;
    SUPPRESSION_REASONS(XX)
#undef XX
    return 0;
}

#define COLUMNS "SELECT id, org, address, category, reason, person, delivery, detail FROM suppression "

static struct store_suppression row_of(struct sql *s, struct arena *arena)
{
    return (struct store_suppression){.id = sql_get_i64(s, 0),
                                      .org = sql_get_i64(s, 1),
                                      .address = sql_get_copy(s, 2, arena),
                                      .category = sql_get_i64(s, 3),
                                      .reason = (int)sql_get_i64(s, 4),
                                      .person = sql_get_i64(s, 5),
                                      .delivery = sql_get_i64(s, 6),
                                      .detail = sql_get_copy(s, 7, arena)};
}

int store_suppressed(struct store_conn *conn, int64_t org, struct belfry_str address, int64_t category, int required,
                     struct arena *arena, struct store_suppression *out)
{
    if (address.len == 0)
        return 0;
    struct sql *s = sql_use(conn, COLUMNS "WHERE org = ? AND address = ? AND reason < ? AND (category = 0 OR"
                                          " category = ?) ORDER BY reason, category LIMIT 1");
    sql_i64(s, org);
    sql_str(s, address_key(arena, address));
    sql_i64(s, required ? SUPPRESSION_unsubscribed : INT64_MAX);
    sql_i64(s, category);
    int found = sql_row(s);
    if (found && out)
        *out = row_of(s, arena);
    sql_end(s);
    return found;
}

const char *suppression_text(const struct store_suppression *row, struct arena *arena)
{
    static const char *const said[] = {"", "mail to this address came back", "a mail was reported as junk",
                                       "no more mail was asked for"};
    char since[TIME_TEXT_SIZE];
    time_format(id_time_ms(row->id), since);
    return arena_printf(arena, "%s on %s%s%.*s", suppression_name(row->reason) ? said[row->reason] : "suppressed",
                        since, row->detail.len ? ": " : "", STR_ARG(row->detail));
}

int store_suppression_add(struct store_conn *conn, const struct store_suppression *row)
{
    struct arena *arena = arena_new(512);
    struct sql *s =
        sql_use(conn, "INSERT INTO suppression(id, org, address, category, reason, person, delivery, detail)"
                      " VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING");
    sql_i64(s, row->id);
    sql_i64(s, row->org);
    sql_str(s, address_key(arena, row->address));
    sql_i64(s, row->category);
    sql_i64(s, row->reason);
    sql_i64(s, row->person);
    sql_i64(s, row->delivery);
    sql_str_opt(s, row->detail);
    int added = sql_run(s) > 0;
    arena_free(arena);
    return added;
}

static void forget_soft(struct store_conn *conn, int64_t org, struct belfry_str key)
{
    struct sql *s = sql_use(conn, "DELETE FROM soft_bounce WHERE org = ? AND address = ?");
    sql_i64(s, org);
    sql_str(s, key);
    sql_run(s);
}

int store_suppression_del(struct store_conn *conn, int64_t org, struct belfry_str address, int64_t category, int reason)
{
    struct arena *arena = arena_new(512);
    struct belfry_str key = address_key(arena, address);
    struct sql *s =
        sql_use(conn, "DELETE FROM suppression WHERE org = ?1 AND address = ?2 AND (?3 < 0 OR category = ?3)"
                      " AND (?4 < 0 OR reason = ?4)");
    sql_i64(s, org);
    sql_str(s, key);
    sql_i64(s, category);
    sql_i64(s, reason);
    int count = sql_run(s);
    if (reason < 0 || reason == SUPPRESSION_bounced)
        forget_soft(conn, org, key);
    arena_free(arena);
    return count;
}

static void note_soft(struct store_conn *conn, const struct store_suppression *row, struct belfry_str key,
                      int64_t now_ms)
{
    struct sql *s = sql_use(conn, "DELETE FROM soft_bounce WHERE at <= ?");
    sql_i64(s, now_ms - SUPPRESSION_SOFT_MS);
    sql_run(s);
    s = sql_use(conn, "INSERT INTO soft_bounce(org, address, delivery, person, at) VALUES(?, ?, ?, ?, ?)"
                      " ON CONFLICT DO NOTHING");
    sql_i64(s, row->org);
    sql_str(s, key);
    sql_i64(s, row->delivery ? row->delivery : row->id);
    sql_i64(s, row->person);
    sql_i64(s, now_ms);
    sql_run(s);
}

int store_soft_bounce(struct store_conn *conn, const struct store_suppression *row, int64_t now_ms)
{
    struct arena *arena = arena_new(512);
    struct belfry_str key = address_key(arena, row->address);
    note_soft(conn, row, key, now_ms);
    if (!row->delivery)
        store_id_used(conn, row->id);
    struct sql *s = sql_use(conn, "SELECT count(*) FROM soft_bounce WHERE org = ? AND address = ?");
    sql_i64(s, row->org);
    sql_str(s, key);
    int count = (int)sql_one(s, 0);
    if (count >= SUPPRESSION_SOFT_MAX)
        forget_soft(conn, row->org, key);
    arena_free(arena);
    return count;
}

int store_suppressions_erase(struct store_conn *conn, int64_t org, int64_t person, struct belfry_str address)
{
    int count = address.len ? store_suppression_del(conn, org, address, -1, -1) : 0;
    if (!person)
        return count;
    struct sql *s = sql_use(conn, "DELETE FROM suppression WHERE person = ? AND person > 0");
    sql_i64(s, person);
    count += sql_run(s);
    s = sql_use(conn, "DELETE FROM soft_bounce WHERE org = ? AND +person = ?");
    sql_i64(s, org);
    sql_i64(s, person);
    sql_run(s);
    return count;
}

size_t store_suppressions_list(struct store_conn *conn, const struct store_suppression_query *query,
                               struct arena *arena, struct store_suppression **out)
{
    struct store_suppression *rows = arena_alloc(arena, (query->limit + 1) * sizeof(*rows));
    struct sql *s =
        query->address.len
            ? sql_use(conn, COLUMNS "WHERE org = ?1 AND address = ?4 AND id < ?2 AND (?3 = 0 OR reason = ?3)"
                                    " ORDER BY id DESC LIMIT ?5")
            : sql_use(conn, COLUMNS "INDEXED BY suppression_list WHERE org = ?1 AND id < ?2 AND (?3 = 0 OR"
                                    " reason = ?3) AND ?4 IS NULL ORDER BY id DESC LIMIT ?5");
    size_t count = 0;
    sql_i64(s, query->org);
    sql_i64(s, query->before);
    sql_i64(s, query->reason);
    sql_str_opt(s, query->address.len ? address_key(arena, query->address) : query->address);
    sql_i64(s, query->limit);
    while (count < query->limit && sql_row(s))
        rows[count++] = row_of(s, arena);
    sql_end(s);
    *out = rows;
    return count;
}

int store_suppressions_of(struct store_conn *conn, int64_t person)
{
    struct sql *s = sql_use(conn, "SELECT 1 FROM suppression WHERE person = ? AND person > 0 LIMIT 1");
    sql_i64(s, person);
    return sql_one(s, 0) != 0;
}

size_t store_suppressions_people(struct store_conn *conn, int64_t after, size_t limit, struct arena *arena,
                                 int64_t **out)
{
    int64_t *ids = arena_alloc(arena, (limit + 1) * sizeof(*ids));
    struct sql *s =
        sql_use(conn, "SELECT DISTINCT person FROM suppression INDEXED BY suppression_person WHERE person > 0"
                      " AND person > ? ORDER BY person LIMIT ?");
    size_t count = 0;
    sql_i64(s, after);
    sql_i64(s, (int64_t)limit);
    while (count < limit && sql_row(s))
        ids[count++] = sql_get_i64(s, 0);
    sql_end(s);
    *out = ids;
    return count;
}
