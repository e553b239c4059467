/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What marks read and write: rows as they stand, rows as they shall be, and the copies that undo restores. The ledger
 * decides what a mark means.
 */
#include "store/inbox.h"

#include "store/inbox_match.h"
#include "store/people.h"

int store_inbox_marks_get(struct store_conn *conn, int64_t person, int64_t id, const int64_t *gated, size_t gated_count,
                          struct store_inbox_marks *out)
{
    struct sql *s = sql_use(conn, "SELECT pos, rev, seen, read, hidden, category FROM notification WHERE id = ? AND"
                                  " person = ?");
    sql_i64(s, id);
    sql_i64(s, person);
    int found = sql_row(s);
    if (found) {
        int64_t category = sql_get_i64(s, 5);
        *out = (struct store_inbox_marks){
            .id = id,
            .pos = sql_get_i64(s, 0),
            .rev = sql_get_i64(s, 1),
            .seen = sql_get_i64(s, 2),
            .read = sql_get_i64(s, 3),
            .hidden = sql_get_i64(s, 4),
        };
        for (size_t i = 0; i < gated_count; i++)
            found = found && gated[i] != category;
    }
    sql_end(s);
    return found;
}

size_t store_inbox_marks_scan(struct store_conn *conn, const struct store_inbox_who *who,
                              const struct store_inbox_filter *wanted, int64_t before, size_t limit,
                              struct belfry_str locale, struct arena *arena, struct store_inbox_marks **out)
{
    int64_t rev = 0, org = store_name_find(conn, who->org);
    int64_t person = org ? store_person_find(conn, org, who->username, &rev) : 0;
    *out = arena_alloc(arena, (limit + 1) * sizeof(**out));
    if (!person)
        return 0;
    struct inbox_filter filter;
    struct inbox_scan scan;
    struct inbox_hit hit;
    unsigned miss;
    size_t count = 0;
    inbox_filter_init(&filter, conn, who, wanted, locale, arena);
    inbox_scan_begin(&scan, conn, &filter, person, before, 1, arena);
    while (count < limit && inbox_scan_next(&scan, &hit, &miss))
        if (!miss)
            (*out)[count++] = hit.marks;
    inbox_scan_end(&scan);
    return count;
}

void store_inbox_marks_set(struct store_conn *conn, const struct store_inbox_marks *row)
{
    struct sql *s = sql_use(conn, "UPDATE notification SET seen = ?, read = ?, hidden = ?, rev = ? WHERE id = ?");
    sql_i64_opt(s, row->seen);
    sql_i64_opt(s, row->read);
    sql_i64_opt(s, row->hidden);
    sql_i64(s, row->rev);
    sql_i64(s, row->id);
    sql_run(s);
}

void store_op_add(struct store_conn *conn, int64_t op, int64_t person, uint32_t mark)
{
    struct sql *s = sql_use(conn, "INSERT INTO op(id, person, mark) VALUES(?, ?, ?)");
    sql_i64(s, op);
    sql_i64(s, person);
    sql_i64(s, mark);
    sql_run(s);
}

int store_op_get(struct store_conn *conn, int64_t op, int64_t *person)
{
    struct sql *s = sql_use(conn, "SELECT person FROM op WHERE id = ?");
    sql_i64(s, op);
    *person = sql_one(s, 0);
    return *person != 0;
}

void store_op_row_add(struct store_conn *conn, int64_t op, const struct store_inbox_marks *before, int64_t rev)
{
    struct sql *s =
        sql_use(conn, "INSERT INTO op_row(op, notification, seen, read, hidden, rev) VALUES(?, ?, ?, ?, ?, ?)");
    sql_i64(s, op);
    sql_i64(s, before->id);
    sql_i64_opt(s, before->seen);
    sql_i64_opt(s, before->read);
    sql_i64_opt(s, before->hidden);
    sql_i64(s, rev);
    sql_run(s);
}

size_t store_op_rows(struct store_conn *conn, int64_t op, int64_t after, size_t limit, struct arena *arena,
                     struct store_inbox_marks **out)
{
    size_t count = 0;
    *out = arena_alloc(arena, (limit + 1) * sizeof(**out));
    struct sql *s =
        sql_use(conn, "SELECT notification, seen, read, hidden, rev FROM op_row WHERE op = ? AND notification > ?"
                      " ORDER BY notification LIMIT ?");
    sql_i64(s, op);
    sql_i64(s, after);
    sql_i64(s, (int64_t)limit);
    while (sql_row(s))
        (*out)[count++] = (struct store_inbox_marks){
            .id = sql_get_i64(s, 0),
            .seen = sql_get_i64(s, 1),
            .read = sql_get_i64(s, 2),
            .hidden = sql_get_i64(s, 3),
            .rev = sql_get_i64(s, 4),
        };
    sql_end(s);
    return count;
}
