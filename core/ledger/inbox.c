/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Marks. A slice begins where the last committed one ended (`at`) and writes down where the following one goes on
 * (`next`), which becomes `at` only after the commit: so a slice that is run again after a rollback does the same
 * again.
 *
 * A filter means the rows that it listed when the person looked: rows that changed after as_of_rev are left alone,
 * since what changed may be what the person has not seen. Rows that this change itself has touched lie before the place
 * where the next slice goes on.
 */
#include "ledger/inbox.h"

#include "ledger/inside.h"

#define ROWS_A_SLICE ((size_t)1000)

struct slice {
    struct ledger_txn *txn;
    struct ledger_inbox *change;
    struct ledger_inbox_place *next;
    int64_t person;
    int64_t *gated;
    size_t gated_count;
};

/* --- one row ---------------------------------------------------------------------------------- */

static void set_once(int64_t *time, int64_t now)
{
    if (!*time)
        *time = now;
}

/* What is read or hidden was seen. */
static void apply_mark(uint32_t mark, int64_t now, struct store_inbox_marks *row)
{
    if (mark == BELFRY_MARK_READ)
        set_once(&row->read, now);
    else if (mark == BELFRY_MARK_HIDE)
        set_once(&row->hidden, now);
    else if (mark == BELFRY_MARK_UNREAD)
        row->read = 0;
    else if (mark == BELFRY_MARK_UNHIDE)
        row->hidden = 0;
    if (mark == BELFRY_MARK_READ || mark == BELFRY_MARK_HIDE || mark == BELFRY_MARK_SEEN)
        set_once(&row->seen, now);
}

static int same_marks(const struct store_inbox_marks *a, const struct store_inbox_marks *b)
{
    return a->seen == b->seen && a->read == b->read && a->hidden == b->hidden;
}

/* A row that was only looked at is the row it was and keeps its revision: the page tells that of itself, and "all as
 * read" is not to pass by just what the person has seen. */
static void write_row(struct slice *s, struct store_inbox_marks *row)
{
    int64_t rev = ledger_txn_touch(s->txn, s->person);
    if (s->change->mark != BELFRY_MARK_SEEN)
        row->rev = rev;
    store_inbox_marks_set(s->txn->conn, row);
    s->next->changed++;
}

static void remember(struct slice *s, const struct store_inbox_marks *before, int64_t rev)
{
    if (s->change->no_undo)
        return;
    if (!s->next->op) {
        s->next->op = ledger_txn_id(s->txn);
        store_op_add(s->txn->conn, s->next->op, s->person, s->change->mark);
    }
    store_op_row_add(s->txn->conn, s->next->op, before, rev);
}

static void mark_row(struct slice *s, const struct store_inbox_marks *before)
{
    struct store_inbox_marks row = *before;
    apply_mark(s->change->mark, s->txn->now, &row);
    if (same_marks(&row, before))
        return;
    write_row(s, &row);
    remember(s, before, row.rev);
}

/* --- slices ----------------------------------------------------------------------------------- */

static int find_row(const struct slice *s, int64_t id, struct store_inbox_marks *out)
{
    return id && s->person && store_inbox_marks_get(s->txn->conn, s->person, id, s->gated, s->gated_count, out);
}

/* A mark of one row is undone by its opposite, so no operation is kept. */
static belfry_status run_one(struct slice *s)
{
    struct store_inbox_marks before, row;
    if (s->change->id_count == 0 || !find_row(s, s->change->ids[0], &before))
        return BELFRY_ENOTFOUND;
    row = before;
    apply_mark(s->change->mark, s->txn->now, &row);
    if (!same_marks(&row, &before))
        write_row(s, &row);
    return BELFRY_OK;
}

static belfry_status run_ids(struct slice *s)
{
    const struct ledger_inbox *change = s->change;
    size_t end = s->next->index + ROWS_A_SLICE;
    if (end > change->id_count)
        end = change->id_count;
    for (; s->next->index < end; s->next->index++) {
        struct store_inbox_marks row;
        int found = find_row(s, change->ids[s->next->index], &row);
        if (found)
            mark_row(s, &row);
        if (change->missing)
            change->missing[s->next->index] = !found;
    }
    s->next->more = end < change->id_count;
    return BELFRY_OK;
}

static belfry_status run_filter(struct slice *s)
{
    struct ledger_inbox *change = s->change;
    struct store_inbox_marks *rows;
    if (!s->person)
        return BELFRY_OK;
    if (s->next->as_of < 0)
        s->next->as_of = cache_person_rev(s->txn, s->person, NULL);
    if (s->next->as_of == 0)
        return BELFRY_OK; /* nothing was there yet */
    change->filter.max_rev = s->next->as_of;
    size_t count = store_inbox_marks_scan(s->txn->conn, &change->who, &change->filter, s->next->before, ROWS_A_SLICE,
                                          change->locale, s->txn->arena, &rows);
    for (size_t i = 0; i < count; i++)
        mark_row(s, &rows[i]);
    s->next->more = count == ROWS_A_SLICE;
    if (count > 0)
        s->next->before = rows[count - 1].pos;
    return BELFRY_OK;
}

/* ECLOSED also when retention has taken the operation away: its id, which nobody can make up, tells its age. */
static belfry_status find_op(const struct slice *s)
{
    int64_t op = s->change->undo, owner;
    int old = op > 0 && s->txn->now - id_time_ms(op) > LEDGER_UNDO_MS;
    if (op <= 0)
        return BELFRY_ENOTFOUND;
    if (!store_op_get(s->txn->conn, op, &owner))
        return old ? BELFRY_ECLOSED : BELFRY_ENOTFOUND;
    if (!s->person || owner != s->person)
        return BELFRY_ENOTFOUND;
    return old ? BELFRY_ECLOSED : BELFRY_OK;
}

static belfry_status run_undo(struct slice *s)
{
    struct store_inbox_marks *rows, now;
    /* A later slice does not ask again: half an undo helps nobody. */
    belfry_status status = s->next->after ? BELFRY_OK : find_op(s);
    if (status)
        return status;
    size_t count = store_op_rows(s->txn->conn, s->change->undo, s->next->after, ROWS_A_SLICE, s->txn->arena, &rows);
    for (size_t i = 0; i < count; i++) {
        s->next->after = rows[i].id;
        if (find_row(s, rows[i].id, &now) && now.rev == rows[i].rev && !same_marks(&now, &rows[i]))
            write_row(s, &rows[i]);
    }
    s->next->more = count == ROWS_A_SLICE;
    return BELFRY_OK;
}

/* --- the command ------------------------------------------------------------------------------ */

static belfry_status change_run(struct ledger_command *command, struct ledger_txn *txn)
{
    static belfry_status (*const kinds[])(struct slice * s) = {
        [LEDGER_INBOX_ONE] = run_one,
        [LEDGER_INBOX_IDS] = run_ids,
        [LEDGER_INBOX_FILTER] = run_filter,
        [LEDGER_INBOX_UNDO] = run_undo,
    };
    struct ledger_inbox *change = LIST_OF(command, struct ledger_inbox, command);
    struct slice s = {.txn = txn, .change = change, .next = &change->next};
    change->next = change->at;
    change->next.more = 0;
    int64_t org = store_name_find(txn->conn, change->who.org);
    s.person = org ? cache_person_find(txn, org, change->who.username) : 0;
    s.gated = arena_alloc(txn->arena, (change->who.gated.count + 1) * sizeof(*s.gated));
    s.gated_count = store_inbox_name_ids(txn->conn, change->who.gated, s.gated);
    belfry_status status = kinds[change->kind](&s);
    if (status || change->next.more)
        return status;
    struct store_inbox_counts counts;
    store_inbox_counts(txn->conn, &change->who, txn->arena, &counts);
    change->unread = counts.unread;
    change->rev = s.person ? cache_person_rev(txn, s.person, NULL) : 0;
    return BELFRY_OK;
}

static void answer(struct ledger_inbox *change, belfry_status status)
{
    change->status = status;
    change->changed = change->next.changed;
    change->op = change->next.op;
    change->done(change);
}

static void change_done(struct ledger_command *command, belfry_status status)
{
    struct ledger_inbox *change = LIST_OF(command, struct ledger_inbox, command);
    if (status || !change->next.more) {
        answer(change, status);
        return;
    }
    change->at = change->next;
    change->command.bytes = 0; /* what has begun is not refused */
    status = ledger_submit(change->ledger, &change->command);
    if (status)
        answer(change, BELFRY_ECANCELED);
}

belfry_status ledger_inbox_change(struct ledger *ledger, struct ledger_inbox *change)
{
    change->ledger = ledger;
    change->at = change->next = (struct ledger_inbox_place){.as_of = change->as_of_rev};
    change->command = (struct ledger_command){
        .run = change_run, .done = change_done, .bytes = sizeof(*change) + change->id_count * sizeof(int64_t)};
    return ledger_submit(ledger, &change->command);
}
