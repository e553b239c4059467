/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk over one person's rows that list, facets and bulk marks share, so that they can never disagree. SQL finds
 * the rows by (person, pos) and what is a column of the row itself; names and texts are judged here, because each facet
 * needs its own exception and one pass answers them all.
 */
#include "store/inbox_match.h"

#include "base/str.h"

#include <stdlib.h>

#define FACETS "n.id, n.pos, n.category, n.severity, n.source"
#define MARKS                                                                                                          \
    ", n.rev, n.seen, n.read, n.hidden, n.validity = 0 AND n.handled_by IS NULL AND n.read IS NULL AND n.hidden IS NULL"
#define FROM " FROM notification n INDEXED BY notification_list"
#define WHERE                                                                                                          \
    " WHERE n.person = ? AND n.pos IS NOT NULL AND n.pos < ? AND n.replaced_by IS NULL AND (n.hidden IS NOT NULL) = ?" \
    " ORDER BY n.pos DESC"
/* The order of the join is given: the notification first, by its index. */
#define TEXTS " CROSS JOIN event e ON e.id = n.event"

size_t store_inbox_name_ids(struct store_conn *conn, struct belfry_strs names, int64_t *out)
{
    size_t count = 0;
    for (size_t i = 0; i < names.count; i++) {
        int64_t id = store_name_find(conn, names.items[i]);
        if (id)
            out[count++] = id;
    }
    return count;
}

struct inbox_ids inbox_ids_of(struct store_conn *conn, struct belfry_strs names, struct arena *arena)
{
    struct inbox_ids ids = {.all = names.count == 0};
    ids.items = arena_alloc(arena, (names.count + 1) * sizeof(*ids.items));
    ids.count = store_inbox_name_ids(conn, names, ids.items);
    return ids;
}

static int by_id(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int inbox_ids_has(const struct inbox_ids *ids, int64_t id)
{
    for (size_t i = 0; i < ids->count; i++)
        if (ids->items[i] == id)
            return 1;
    return 0;
}

void inbox_filter_init(struct inbox_filter *filter, struct store_conn *conn, const struct store_inbox_who *who,
                       const struct store_inbox_filter *wanted, struct belfry_str locale, struct arena *arena)
{
    *filter = (struct inbox_filter){
        .gated = inbox_ids_of(conn, who->gated, arena),
        .category = inbox_ids_of(conn, wanted->category, arena),
        .source = inbox_ids_of(conn, wanted->source, arena),
        .severities = wanted->severities,
        .hidden = wanted->hidden,
        .unread = wanted->unread,
        .max_rev = wanted->max_rev,
        .needle = wanted->q.len > 0 ? inbox_needle(arena, wanted->q) : NULL,
    };
    store_texts_path(locale, filter->words);
}

/* What the person has not read, from the index of unread rows, in order of id. */
static void load_unread(struct inbox_scan *scan, struct store_conn *conn, int64_t person, struct arena *arena)
{
    size_t cap = 0;
    struct sql *s =
        sql_use(conn, "SELECT id FROM notification INDEXED BY notification_unread WHERE person = ? AND pos IS"
                      " NOT NULL AND read IS NULL AND hidden IS NULL AND validity = 0 AND handled_by IS NULL"
                      " AND replaced_by IS NULL");
    sql_i64(s, person);
    while (sql_row(s)) {
        if (scan->unread_count == cap) {
            cap = cap ? cap * 2 : 256;
            int64_t *more = arena_alloc(arena, cap * sizeof(*more));
            if (scan->unread_count > 0)
                memcpy(more, scan->unread, scan->unread_count * sizeof(*more));
            scan->unread = more;
        }
        scan->unread[scan->unread_count++] = sql_get_i64(s, 0);
    }
    sql_end(s);
    if (scan->unread_count > 0)
        qsort(scan->unread, scan->unread_count, sizeof(int64_t), by_id);
}

void inbox_scan_begin(struct inbox_scan *scan, struct store_conn *conn, const struct inbox_filter *filter,
                      int64_t person, int64_t before, int marks, struct arena *arena)
{
    *scan = (struct inbox_scan){.filter = filter, .marks = marks || filter->needle};
    if (filter->needle) {
        scan->s = sql_use(conn, "SELECT " FACETS MARKS ", e.title, e.body, json_extract(e.texts, ?)" FROM TEXTS WHERE);
        sql_str(scan->s, str_of(filter->words));
    } else if (marks) {
        scan->s = sql_use(conn, "SELECT " FACETS MARKS FROM WHERE);
    } else {
        if (filter->unread)
            load_unread(scan, conn, person, arena);
        scan->s = sql_use(conn, "SELECT " FACETS FROM WHERE);
    }
    sql_i64(scan->s, person);
    sql_i64(scan->s, before ? before : INT64_MAX);
    sql_i64(scan->s, filter->hidden != 0);
}

static void read_hit(const struct inbox_scan *scan, struct inbox_hit *hit)
{
    struct sql *s = scan->s;
    *hit = (struct inbox_hit){
        .marks = {.id = sql_get_i64(s, 0), .pos = sql_get_i64(s, 1)},
        .category = sql_get_i64(s, 2),
        .severity = (int32_t)sql_get_i64(s, 3),
        .source = sql_get_i64(s, 4),
    };
    if (scan->marks) {
        hit->marks.rev = sql_get_i64(s, 5);
        hit->marks.seen = sql_get_i64(s, 6);
        hit->marks.read = sql_get_i64(s, 7);
        hit->marks.hidden = sql_get_i64(s, 8);
        hit->unread = (int)sql_get_i64(s, 9);
    } else if (scan->unread_count > 0) {
        hit->unread = bsearch(&hit->marks.id, scan->unread, scan->unread_count, sizeof(int64_t), by_id) != NULL;
    }
}

static unsigned misses(const struct inbox_filter *f, const struct inbox_hit *hit)
{
    unsigned miss = 0;
    if (f->severities && !(f->severities >> (hit->severity & 31) & 1))
        miss |= INBOX_MISS_SEVERITY;
    if (!f->category.all && !inbox_ids_has(&f->category, hit->category))
        miss |= INBOX_MISS_CATEGORY;
    if (!f->source.all && !inbox_ids_has(&f->source, hit->source))
        miss |= INBOX_MISS_SOURCE;
    return miss;
}

/* Whether title or body, as this person reads them, contain the needle. */
static int has_needle(struct inbox_scan *scan)
{
    struct inbox_needle *needle = scan->filter->needle;
    struct belfry_str title = sql_get_str(scan->s, 10), body = sql_get_str(scan->s, 11);
    struct belfry_str words = sql_get_str(scan->s, 12);
    if (!words.len)
        return inbox_needle_in(needle, title) || inbox_needle_in(needle, body);
    struct arena *arena = arena_new(0);
    store_texts_take(words, arena, &title, &body);
    int found = inbox_needle_in(needle, title) || inbox_needle_in(needle, body);
    arena_free(arena);
    return found;
}

int inbox_scan_next(struct inbox_scan *scan, struct inbox_hit *hit, unsigned *miss)
{
    const struct inbox_filter *f = scan->filter;
    struct sql *s = scan->s;
    while (sql_row(s)) {
        read_hit(scan, hit);
        if (inbox_ids_has(&f->gated, hit->category) || (f->unread && !hit->unread) ||
            (f->max_rev && hit->marks.rev > f->max_rev))
            continue;
        *miss = misses(f, hit);
        if (*miss & (*miss - 1))
            continue; /* fails two facets: counts in none */
        if (f->needle && !has_needle(scan))
            continue;
        return 1;
    }
    return 0;
}

void inbox_scan_end(struct inbox_scan *scan)
{
    sql_end(scan->s);
}
