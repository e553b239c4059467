/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fan-out: an event with more than 1,000 recipients. Its plan is made once, from the row of the event and the rules in
 * force, and kept in memory; recipients get their rows in the order of their names, and the cursor is the last name, so
 * that a plan made again after a restart or a reload goes on behind it. A recipient never gets two rows: (event,
 * person) is unique. An event that was withdrawn or superseded meanwhile ends its fan-out; what it was to replace ends
 * with it, or goes to its successor.
 */
#include "ledger/inside.h"

#include <stdlib.h>

struct fanout {
    int64_t job;
    struct arena *arena;
    struct route_plan plan;
    uint32_t *order; /* recipients by name, addresses last */
    uint32_t at;
    struct expansion x;
};

void fanout_drop(struct ledger *ledger)
{
    if (!ledger->fanout)
        return;
    arena_free(ledger->fanout->arena);
    free(ledger->fanout);
    ledger->fanout = NULL;
}

struct ordering {
    const struct route_recipient *recipient;
    uint32_t index;
};

static int recipient_cmp(const struct route_recipient *a, int email, struct belfry_str name)
{
    return a->email != email ? a->email - email : str_cmp(a->name, name);
}

static int by_name(const void *a, const void *b)
{
    const struct ordering *x = a, *y = b;
    return recipient_cmp(x->recipient, y->recipient->email, y->recipient->name);
}

static void read_audience(struct arena *arena, struct belfry_str text, const struct belfry_recipient **out,
                          size_t *count)
{
    static const char *const kinds[] = {NULL, "user", "role", "email"};
    json_t *array = json_read(text, NULL);
    size_t n = json_array_size(array);
    struct belfry_recipient *list = arena_alloc(arena, (n + 1) * sizeof(*list));
    for (size_t i = 0; i < n; i++) {
        const json_t *entry = json_array_get(array, i);
        for (uint32_t k = BELFRY_TO_USER; k <= BELFRY_TO_EMAIL; k++) {
            const json_t *name = json_object_get(entry, kinds[k]);
            if (name)
                list[i] =
                    (struct belfry_recipient){.struct_size = sizeof(list[i]),
                                              .kind = k,
                                              .name = arena_str(arena, json_str(name)),
                                              .reason = arena_str(arena, json_str(json_object_get(entry, "reason")))};
        }
    }
    json_decref(array);
    *out = list;
    *count = n;
}

static void sort_recipients(struct fanout *f)
{
    size_t count = f->plan.recipient_count;
    struct ordering *list = xcalloc(count + 1, sizeof(*list));
    for (size_t i = 0; i < count; i++)
        list[i] = (struct ordering){&f->plan.recipients[i], (uint32_t)i};
    qsort(list, count, sizeof(*list), by_name);
    f->order = arena_alloc(f->arena, (count + 1) * sizeof(uint32_t));
    for (size_t i = 0; i < count; i++)
        f->order[i] = list[i].index;
    free(list);
}

/* cursor: "0" or "1" (addresses), then the name. */
static void skip_to(struct fanout *f, struct belfry_str cursor)
{
    if (cursor.len == 0)
        return;
    int email = cursor.ptr[0] == '1';
    struct belfry_str name = {cursor.ptr + 1, cursor.len - 1};
    while (f->at < f->plan.recipient_count && recipient_cmp(&f->plan.recipients[f->order[f->at]], email, name) <= 0)
        f->at++;
}

static void unref_json(void *arg)
{
    json_decref(arg);
}

void event_of_row(struct store_conn *conn, const struct store_event *row, struct arena *arena, struct route_event *out)
{
    json_t *data = json_read(row->data, NULL);
    if (data)
        arena_cleanup(arena, unref_json, data);
    struct belfry_view *view = arena_alloc(arena, sizeof(*view));
    *view = json_view(data);
    *out = (struct route_event){.org = store_name_text(conn, row->org),
                                .source = store_name_text(conn, row->source),
                                .type = store_name_text(conn, row->type),
                                .category = store_name_text(conn, row->category),
                                .subject = row->subject,
                                .actor = row->actor,
                                .severity = row->severity,
                                .time_ms = row->time,
                                .data = view};
    read_audience(arena, row->audience, &out->audience, &out->audience_count);
}

static void make_plan(struct ledger_txn *txn, struct fanout *f, const struct store_event *row)
{
    struct route_event event;
    int overflow = 0;
    event_of_row(txn->conn, row, f->arena, &event);
    route_plan(txn->gen->pub->route, &event, &txn->directory.pub, SIZE_MAX, &overflow, NULL, f->arena, &f->plan);
}

/* Ids of the events that a job's event replaces. */
static size_t read_replaced(struct arena *arena, const struct store_job *job, const int64_t **out)
{
    json_t *payload = json_read(job->payload, NULL);
    const json_t *replaced = json_object_get(payload, "replaced");
    size_t count = json_array_size(replaced);
    int64_t *ids = arena_alloc(arena, (count + 1) * sizeof(*ids));
    for (size_t i = 0; i < count; i++)
        ids[i] = json_integer_value(json_array_get(replaced, i));
    json_decref(payload);
    *out = ids;
    return count;
}

size_t fanout_take_over(struct ledger_txn *txn, int64_t event, const int64_t **replaced)
{
    struct store_job job;
    if (!store_job_find(txn->conn, JOB_FANOUT, event, txn->arena, &job))
        return 0;
    store_job_step(txn->conn, job.id, job.cursor, job.done, STORE_JOB_DONE);
    if (txn->ledger->fanout && txn->ledger->fanout->job == job.id)
        fanout_drop(txn->ledger);
    return read_replaced(txn->arena, &job, replaced);
}

static struct fanout *begin(struct ledger_txn *txn, const struct store_job *job, const struct store_event *row)
{
    struct fanout *f = xcalloc(1, sizeof(*f));
    f->job = job->id;
    f->arena = arena_new(0);
    f->plan.arena = f->arena;
    make_plan(txn, f, row);
    sort_recipients(f);
    f->x = (struct expansion){.event = row->id,
                              .org = row->org,
                              .category = row->category,
                              .time = row->time,
                              .org_name = store_name_text(txn->conn, row->org),
                              .plan = &f->plan};
    f->x.replaced_count = read_replaced(f->arena, job, &f->x.replaced);
    expand_prepare(&f->x, f->arena);
    skip_to(f, job->cursor);
    return f;
}

int fanout_slice(struct ledger_txn *txn, struct store_job *job, struct belfry_str *cursor)
{
    struct ledger *ledger = txn->ledger;
    struct store_event row;
    if (!store_event_get(txn->conn, job->ref, txn->arena, &row) || row.validity || (row.subject.len && !row.live)) {
        const int64_t *replaced;
        size_t count = read_replaced(txn->arena, job, &replaced);
        sweep_replaced(txn, replaced, count, job->org);
        fanout_drop(ledger);
        return 1;
    }
    if (!ledger->fanout || ledger->fanout->job != job->id) {
        fanout_drop(ledger);
        ledger->fanout = begin(txn, job, &row);
    }
    struct fanout *f = ledger->fanout;
    uint32_t end = f->at + SLICE < f->plan.recipient_count ? f->at + SLICE : (uint32_t)f->plan.recipient_count;
    for (; f->at < end; f->at++) {
        expand_recipient(txn, &f->x, f->order[f->at], NULL);
        job->done++;
    }
    if (end > 0) {
        const struct route_recipient *last = &f->plan.recipients[f->order[end - 1]];
        *cursor = str_of(arena_printf(txn->arena, "%d%.*s", last->email, STR_ARG(last->name)));
    }
    if (end < f->plan.recipient_count)
        return 0;
    sweep_replaced(txn, f->x.replaced, f->x.replaced_count, f->x.org);
    fanout_drop(ledger);
    return 1;
}
