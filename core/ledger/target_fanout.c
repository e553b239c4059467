/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event that more than 1,000 targets take. Which they are, and by which rule, is what the index said when the event
 * was written, so the ids are kept: targets that are made or changed meanwhile get neither more nor less. What else a
 * row says is asked when it is made. One whose target is disabled by then is held; one whose target has gone over to a
 * channel of another name is that channel's; one whose target gave way to its twin there is the twin's; a target that
 * somebody deleted gets none.
 *
 * Each 250 of them are a job that is done in one slice, in the transaction that makes its rows: none is made twice, and
 * no slice reads or writes the ids of another. They are done in the order of their ids, so the oldest that is open says
 * how far the event has come. Rows with a lane are not made here but with their event: a later one would overtake them.
 */
#include "ledger/inside.h"

#include <stdlib.h>

/* Each target that gets a row asks for a claim of its own, a thousand of which wait at a time, so whoever comes behind
 * them waits for several slices. Beside an event for 10,000 targets the longest answer took 54 ms so, 214 with parts of
 * 1,000, and 160 with all rows in one transaction. */
#define PART 250

/* Rows by one rule. */
struct owed {
    int64_t rule, channel, due;
    uint32_t unless;
    const json_t *targets;
};

/* --- the payload: {"rows":[{"rule","channel","due","unless","targets":[ID...]}...]} ------------------------------- */

static int64_t name_id(struct ledger_txn *txn, const char *name)
{
    return store_name(txn->conn, str_of(name));
}

static struct belfry_str owed_write(struct ledger_txn *txn, const struct expansion *x, const struct target_match *taken,
                                    size_t count)
{
    struct buf out = {NULL, 0, 0};
    const struct route_delivery *by = NULL;
    buf_addz(&out, "{\"rows\":[");
    for (size_t i = 0; i < count; i++) {
        const struct route_delivery *d = taken[i].d;
        if (d != by)
            buf_addf(&out, "%s{\"rule\":%lld,\"channel\":%lld,\"due\":%lld,\"unless\":%u,\"targets\":[",
                     by ? "]}," : "", (long long)name_id(txn, d->rule->name),
                     (long long)name_id(txn, d->deliver->channel->name), (long long)(x->time + d->after_ms),
                     (unsigned)d->unless);
        buf_addf(&out, "%s%lld", d == by ? "," : "", (long long)taken[i].target->id);
        by = d;
    }
    buf_addz(&out, "]}]}");
    struct belfry_str text = arena_str(txn->arena, buf_str(&out));
    buf_free(&out);
    return text;
}

void target_fanout_start(struct ledger_txn *txn, const struct expansion *x, const struct target_match *taken,
                         size_t count, size_t made)
{
    for (size_t i = 0; i < count; i += PART) {
        size_t part = count - i < PART ? count - i : PART;
        struct store_job job = {.id = ledger_txn_id(txn),
                                .kind = JOB_TARGETS,
                                .org = x->org,
                                .ref = x->event,
                                .payload = owed_write(txn, x, taken + i, part),
                                .done = (int64_t)(made + i),
                                .total = (int64_t)(made + count)};
        job_add(txn, &job);
    }
}

static struct owed owed_read(const json_t *entry)
{
    return (struct owed){.rule = json_integer_value(json_object_get(entry, "rule")),
                         .channel = json_integer_value(json_object_get(entry, "channel")),
                         .due = json_integer_value(json_object_get(entry, "due")),
                         .unless = (uint32_t)json_integer_value(json_object_get(entry, "unless")),
                         .targets = json_object_get(entry, "targets")};
}

/* Calls fn for each row that a job is to make; it returns 0 to end that. */
static void owed_walk(const struct store_job *job, int (*fn)(void *arg, const struct owed *owed, int64_t target),
                      void *arg)
{
    json_t *payload = json_read(job->payload, NULL), *entry;
    size_t g, go_on = 1;
    json_array_foreach(json_object_get(payload, "rows"), g, entry)
    {
        const struct owed owed = owed_read(entry);
        for (size_t i = 0; go_on && i < json_array_size(owed.targets); i++)
            go_on = fn(arg, &owed, json_integer_value(json_array_get(owed.targets, i))) != 0;
    }
    json_decref(payload);
}

/* --- a slice ------------------------------------------------------------------------------------------------------ */

struct making {
    struct ledger_txn *txn;
    struct store_job *job;
};

/* One that the configuration has no more may come back within an hour, and then what waits for it goes out. */
static int is_deleted(const struct store_target *target)
{
    return target->removed && target->origin == STORE_ORIGIN_API;
}

static int make_row(void *arg, const struct owed *owed, int64_t id)
{
    const struct making *m = arg;
    struct store_target target;
    m->job->done++;
    if (!store_target_get(m->txn->conn, id, m->txn->arena, &target) || is_deleted(&target))
        return 1;
    struct store_delivery row = {.id = ledger_txn_id(m->txn),
                                 .event = m->job->ref,
                                 .org = m->job->org,
                                 .channel = target.channel,
                                 .rule = owed->rule,
                                 .target = id,
                                 .unless = owed->unless,
                                 .due = owed->due};
    expand_target_row(m->txn, &row);
    return 1;
}

struct left {
    struct ledger_txn *txn;
    const struct store_job *job;
    struct owed by; /* of those that were counted last */
    int64_t count;
    int validity;
};

static void tell_left(struct left *left)
{
    static const struct {
        enum outcome outcome;
        const char *why;
    } ends[] = {[BELFRY_EXPIRED] = {OUTCOME_expired, REASON_EXPIRED},
                [BELFRY_SUPERSEDED] = {OUTCOME_superseded, REASON_SUPERSEDED},
                [BELFRY_WITHDRAWN] = {OUTCOME_withdrawn, "it was withdrawn"}};
    struct ledger_txn *txn = left->txn;
    if (!left->count)
        return;
    const char *why = arena_printf(txn->arena, "%s before %lld more target%s of this rule had a delivery",
                                   ends[left->validity].why, (long long)left->count, left->count == 1 ? "" : "s");
    store_decision_add(txn->conn, ledger_txn_id(txn), left->job->ref, (struct belfry_str){NULL, 0}, left->by.rule,
                       left->by.channel, ends[left->validity].outcome, str_of(why));
    outcome_count(txn, left->by.channel, ends[left->validity].outcome, (size_t)left->count);
}

static int count_left(void *arg, const struct owed *owed, int64_t id)
{
    struct left *left = arg;
    (void)id;
    if (left->by.targets != owed->targets) {
        tell_left(left);
        left->count = 0;
    }
    left->by = *owed;
    left->count++;
    return 1;
}

/* Nobody else is told of an event that is over. A decision says for how many that was. */
static void end_early(struct ledger_txn *txn, const struct store_job *job, int validity)
{
    struct left left = {.txn = txn, .job = job, .validity = validity};
    owed_walk(job, count_left, &left);
    tell_left(&left);
}

void target_fanout_slice(struct ledger_txn *txn, struct store_job *job)
{
    struct store_event event;
    struct making m = {txn, job};
    if (!store_event_get_sent(txn->conn, job->ref, txn->arena, &event))
        return;
    if (event.validity)
        end_early(txn, job, event.validity);
    else
        owed_walk(job, make_row, &m);
}

/* --- what is still to come ---------------------------------------------------------------------------------------- */

static int by_goes(const void *key, const void *item)
{
    int64_t id = *(const int64_t *)key, goes = ((const struct store_twin *)item)->goes;
    return id < goes ? -1 : id > goes;
}

static const struct store_twin *twin_of(const struct store_twin *twins, size_t count, int64_t goes)
{
    return bsearch(&goes, twins, count, sizeof(*twins), by_goes);
}

/* Returns how many ids of the array it exchanged. */
static size_t merge_ids(json_t *targets, const struct store_twin *twins, size_t count)
{
    size_t changed = 0;
    for (size_t i = 0; i < json_array_size(targets); i++) {
        const struct store_twin *twin = twin_of(twins, count, json_integer_value(json_array_get(targets, i)));
        if (!twin)
            continue;
        json_array_set_new(targets, i, json_integer(twin->stays));
        changed++;
    }
    return changed;
}

static void merge_job(struct ledger_txn *txn, const struct store_job *job, const struct store_twin *twins, size_t count)
{
    json_t *payload = json_read(job->payload, NULL), *entry;
    size_t g, changed = 0;
    json_array_foreach(json_object_get(payload, "rows"), g, entry) changed +=
        merge_ids(json_object_get(entry, "targets"), twins, count);
    if (changed) {
        struct buf out = {NULL, 0, 0};
        json_write(payload, &out);
        store_job_carry(txn->conn, job->id, buf_str(&out));
        buf_free(&out);
    }
    json_decref(payload);
}

/* The rows are not made here: there may be millions, and a generation is one transaction. */
void target_fanout_merge(struct ledger_txn *txn, const struct store_twin *twins, size_t count)
{
    struct arena *arena = arena_new(0);
    struct store_job job = {.id = 0};
    while (store_job_next(txn->conn, JOB_TARGETS, JOB_TARGETS, job.id, arena, &job)) {
        merge_job(txn, &job, twins, count);
        arena_reset(arena);
    }
    job.id = 0;
    while (store_job_next(txn->conn, JOB_RECOVER, JOB_RECOVER, job.id, arena, &job)) {
        const struct store_twin *twin = twin_of(twins, count, job.ref);
        if (twin)
            store_job_refer(txn->conn, job.id, twin->stays);
    }
    arena_free(arena);
}

struct search {
    int64_t target;
    int found;
};

static int is_other(void *arg, const struct owed *owed, int64_t target)
{
    struct search *search = arg;
    (void)owed;
    search->found = target == search->target;
    return !search->found;
}

int target_fanout_owes(struct ledger_txn *txn, int64_t event, int64_t target)
{
    struct store_job job = {.id = event}; /* its parts have the next ids, those of later events follow */
    struct search search = {.target = target};
    if (!(txn->ledger->jobs_open & job_bit(JOB_TARGETS)))
        return 0;
    while (!search.found && store_job_next(txn->conn, JOB_TARGETS, JOB_TARGETS, job.id, txn->arena, &job) &&
           job.ref == event)
        owed_walk(&job, is_other, &search);
    return search.found;
}
