/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work that is too much for one transaction: a row that says what is to be done and how far it has come. Slices run
 * between other commands, one a group, in turns by what they do; a restart goes on where the last committed slice
 * ended.
 */
#include "ledger/inside.h"

#include <stdlib.h>

/* Jobs that may take minutes have turns of their own: nobody's fan-out, and no endpoint that was enabled, waits until a
 * million rows of somebody else have been looked at. Within a class the oldest goes first, since some follow from each
 * other: what is held before it is let go. */
static const struct {
    int first, last; /* kinds */
} classes[] = {{JOB_FANOUT, JOB_RELEASE},
               {JOB_REDRIVE, JOB_REDRIVE},
               {JOB_LANES, JOB_LANES},
               {JOB_RECOVER, JOB_RECOVER},
               {JOB_TARGETS, JOB_TARGETS}};
#define CLASSES (sizeof(classes) / sizeof(classes[0]))

uint32_t job_bit(int kind)
{
    uint32_t bit = 1;
    for (size_t i = 0; i < CLASSES && (kind < classes[i].first || kind > classes[i].last); i++)
        bit <<= 1;
    return bit;
}

void job_add(struct ledger_txn *txn, const struct store_job *job)
{
    store_job_add(txn->conn, job);
    txn->ledger->jobs_open |= job_bit(job->kind);
}

void job_start(struct ledger_txn *txn, int kind, int64_t org, int64_t ref, int64_t total, struct belfry_str payload)
{
    struct store_job job = {
        .id = ledger_txn_id(txn), .kind = kind, .org = org, .ref = ref, .total = total, .payload = payload};
    job_add(txn, &job);
}

static struct belfry_str number_text(struct arena *arena, int64_t number)
{
    return str_of(arena_printf(arena, "%lld", (long long)number));
}

static const int64_t *ids_of(struct arena *arena, const json_t *array, size_t *count)
{
    *count = json_array_size(array);
    int64_t *ids = arena_alloc(arena, (*count + 1) * sizeof(*ids));
    for (size_t i = 0; i < *count; i++)
        ids[i] = json_integer_value(json_array_get(array, i));
    return ids;
}

static int sweep_slice(struct ledger_txn *txn, struct store_job *job, struct belfry_str *cursor)
{
    json_t *payload = json_read(job->payload, NULL);
    struct sweep sweep = {.kind = (enum sweep_kind)json_integer_value(json_object_get(payload, "kind")),
                          .event = job->ref};
    sweep.note = arena_str(txn->arena, json_str(json_object_get(payload, "note")));
    sweep.by = arena_str(txn->arena, json_str(json_object_get(payload, "by")));
    sweep.except = ids_of(txn->arena, json_object_get(payload, "except"), &sweep.except_count);
    int64_t after = json_integer_value(json_object_get(payload, "after"));
    json_decref(payload);
    if (job->cursor.len)
        str_to_i64(job->cursor, &after);
    size_t count = sweep_rows(txn, &sweep, &after, SLICE);
    *cursor = number_text(txn->arena, after);
    job->done += (int64_t)count;
    return count < SLICE;
}

static int hold_slice(struct ledger_txn *txn, struct store_job *job)
{
    int count = job->kind == JOB_HOLD ? store_deliveries_hold(txn->conn, job->ref, STR(REASON_DISABLED), SLICE)
                                      : store_deliveries_unhold(txn->conn, job->ref, txn->now, SLICE);
    struct store_target target;
    if (job->kind == JOB_HOLD && count > 0 && store_target_get(txn->conn, job->ref, txn->arena, &target))
        outcome_count(txn, target.channel, OUTCOME_held_disabled, (size_t)count);
    job->done += count;
    if (job->kind == JOB_RELEASE && count > 0)
        ledger_txn_due(txn, job->ref);
    return count < SLICE;
}

void job_go_on(struct ledger_txn *txn, struct store_job *job)
{
    struct belfry_str cursor = job->cursor;
    int done = 1;
    if (job->kind == JOB_FANOUT)
        done = fanout_slice(txn, job, &cursor);
    else if (job->kind == JOB_SWEEP)
        done = sweep_slice(txn, job, &cursor);
    else if (job->kind == JOB_HOLD || job->kind == JOB_RELEASE)
        done = hold_slice(txn, job);
    else if (job->kind == JOB_REDRIVE)
        done = redrive_slice(txn, job, &cursor);
    else if (job->kind == JOB_RECOVER)
        done = recover_slice(txn, job, &cursor);
    else if (job->kind == JOB_LANES)
        done = lanes_slice(txn, job);
    else if (job->kind == JOB_TARGETS)
        target_fanout_slice(txn, job);
    job->state = done ? STORE_JOB_DONE : STORE_JOB_RUNS;
    store_job_step(txn->conn, job->id, cursor, job->done, job->state);
}

/* Returns 0 when there is nothing to do. */
static int class_slice(struct ledger_txn *txn, size_t class)
{
    struct store_job job = {.id = 0};
    while (store_job_next(txn->conn, classes[class].first, classes[class].last, job.id, txn->arena, &job)) {
        if (recover_waits(txn, &job))
            continue; /* until there is an index, which says so */
        job_go_on(txn, &job);
        return 1;
    }
    return 0;
}

void job_slice(struct ledger_txn *txn)
{
    struct ledger *ledger = txn->ledger;
    for (size_t i = 0; i < CLASSES; i++) {
        size_t class = ledger->job_turn++ % CLASSES;
        uint32_t bit = job_bit(classes[class].first);
        if ((ledger->jobs_open & bit) && class_slice(txn, class))
            return;
        ledger->jobs_open &= ~bit;
    }
    ledger->jobs_open = 0;
}
