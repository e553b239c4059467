/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an endpoint has missed since a time: the events of its org are walked in their order, once. One that has a row
 * for the endpoint which ended without having arrived gets that row back; one that has none is matched as a trigger's
 * event is, by the rules and the endpoint's own filters of now. Every other row stays as it is: what waits, or is still
 * to be made by the event's fan-out, what has arrived, and what somebody or a gate ended on purpose.
 *
 * The commit that begins it holds the deed and its audit; slices follow between other commands, also after a restart.
 * There is one at a time of an endpoint: each walks over all events, and who asks may be anybody's customer.
 * An event is looked at once and a row that waits is left alone, so the same deed twice makes nothing a second time. A
 * row is due since its event happened, and what is due longest goes first.
 */
#include "ledger/inside.h"

#include "ledger/endpoints.h"

#include <stdlib.h>

#define EVENTS_A_SLICE 500
#define LOOKED_AT 5000 /* events of whatever org that a slice passes over at most */
#define DAY_MS INT64_C(86400000)

/* --- one event ---------------------------------------------------------------------------------------------------- */

static int is_missed(const struct store_delivery *row)
{
    return row->open == 0 &&
           (row->state == OUTCOME_failed || row->state == OUTCOME_unknown || row->state == OUTCOME_channel_removed);
}

/* Of several rows of an event, which several rules made, that which did not arrive, unless another did or will. */
static const struct store_delivery *missed_row(const struct store_delivery *rows, size_t count)
{
    const struct store_delivery *missed = NULL;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].open || rows[i].state == OUTCOME_delivered)
            return NULL;
        if (!missed && is_missed(&rows[i]))
            missed = &rows[i];
    }
    return missed;
}

/* As expand_targets() does, for one. Returns how many rows were made. */
static int64_t match_again(struct ledger_txn *txn, const struct store_event *row, const struct route_target *target,
                           int64_t channel)
{
    struct route_event event;
    if (!route_target_takes_type(target, store_name_text(txn->conn, row->type)))
        return 0;
    event_of_row(txn->conn, row, txn->arena, &event);
    if (route_target_refuses(target, &event, txn->arena))
        return 0;
    struct route_plan plan = {.arena = txn->arena};
    int overflow = 0;
    int64_t made = 0;
    route_plan(txn->gen->pub->route, &event, &txn->directory.pub, SLICE, &overflow, NULL, txn->arena, &plan);
    struct expansion x = {.event = row->id,
                          .org = row->org,
                          .category = row->category,
                          .time = row->time,
                          .org_name = event.org,
                          .plan = &plan};
    expand_prepare(&x, txn->arena);
    for (size_t i = 0; i < plan.delivery_count; i++) {
        const struct route_delivery *d = &plan.deliveries[i];
        if (d->recipient != ROUTE_NOBODY || txn->gen->channels[d->deliver->channel->index].name != channel ||
            route_comes_second(&plan, &x.chains, (uint32_t)i))
            continue;
        if (made++ == 0 && store_payload_get(txn->conn, row->id, txn->arena).len == 0)
            payload_write(txn, &event, row);
        expand_target(txn, &x, row, d, target);
    }
    return made > 0;
}

/* 1 when it goes out (again). */
static int64_t recover_event(struct ledger_txn *txn, int64_t id, const struct store_target *endpoint,
                             const struct route_target *target)
{
    struct store_delivery *rows;
    struct store_event event;
    size_t count = store_deliveries_to(txn->conn, id, endpoint->id, txn->arena, &rows);
    const struct store_delivery *missed = missed_row(rows, count);
    if ((count > 0 && !missed) || !store_event_get(txn->conn, id, txn->arena, &event) || event.validity ||
        (event.valid_until && event.valid_until <= txn->now) || is_test_event(&event))
        return 0; /* who tried something out in vain has missed nothing */
    if (missed) {
        endpoint_row_again(txn, missed, &event, event.time, missed->unless, "recovered by hand");
        return 1;
    }
    if (is_about_endpoint(txn, &event, endpoint->id) || target_fanout_owes(txn, id, endpoint->id))
        return 0;
    return match_again(txn, &event, target, endpoint->channel);
}

/* --- the job ------------------------------------------------------------------------------------------------------ */

int recover_waits(struct ledger_txn *txn, const struct store_job *job)
{
    struct store_target endpoint;
    return job->kind == JOB_RECOVER && !target_route(txn, job->ref) &&
           store_target_get(txn->conn, job->ref, txn->arena, &endpoint) && !endpoint.removed;
}

int recover_slice(struct ledger_txn *txn, struct store_job *job, struct belfry_str *cursor)
{
    json_t *payload = json_read(job->payload, NULL);
    int64_t from = json_integer_value(json_object_get(payload, "from"));
    int64_t before = json_integer_value(json_object_get(payload, "before"));
    int64_t *ids, next = 0;
    struct store_target endpoint;
    const struct route_target *target = target_route(txn, job->ref);
    json_decref(payload);
    /* removed meanwhile */
    if (!target || !store_target_get(txn->conn, job->ref, txn->arena, &endpoint) || endpoint.removed)
        return 1;
    if (job->cursor.len)
        str_to_i64(job->cursor, &from);
    size_t count =
        store_events_between(txn->conn, job->org, from, before, EVENTS_A_SLICE, LOOKED_AT, txn->arena, &ids, &next);
    for (size_t i = 0; i < count; i++)
        job->done += recover_event(txn, ids[i], &endpoint, target);
    *cursor = str_of(arena_printf(txn->arena, "%lld", (long long)next));
    return next == 0;
}

/* --- the command -------------------------------------------------------------------------------------------------- */

struct recover {
    struct ledger_command command;
    struct ledger *ledger;
    struct deed deed;
    int64_t target, since, until;
    int64_t clamped, count;
    int64_t job, begun; /* begun: committed */
    int finished;
    void (*done)(void *arg, belfry_status status, int64_t count, int64_t since_ms);
    void *arg;
};

/* Nothing that is older is kept, or will be when its turn comes. */
static int64_t kept_since(struct ledger_txn *txn)
{
    int32_t days = txn->gen->pub->config->retention.events;
    int64_t first = store_events_first(txn->conn), since = first ? id_time_ms(first) : txn->now;
    return days > 0 && txn->now - days * DAY_MS > since ? txn->now - days * DAY_MS : since;
}

/* The time up to which the job has looked at events. */
static int64_t looked_through(const struct store_job *job)
{
    int64_t at = 0;
    if (job->cursor.len) {
        str_to_i64(job->cursor, &at);
    } else {
        json_t *payload = json_read(job->payload, NULL);
        at = json_integer_value(json_object_get(payload, "from"));
        json_decref(payload);
    }
    return id_time_ms(at);
}

static void set_time(json_t *detail, const char *key, int64_t ms)
{
    char text[TIME_TEXT_SIZE];
    time_format(ms, text);
    json_object_set_new(detail, key, json_string(text));
}

static belfry_status begin(struct ledger_txn *txn, struct recover *r)
{
    struct store_target endpoint;
    if (!endpoint_find(txn, &r->deed, r->target, &endpoint) || !target_route(txn, r->target))
        return BELFRY_ENOTFOUND;
    struct store_job other;
    if (store_job_find(txn->conn, JOB_RECOVER, r->target, txn->arena, &other)) {
        r->count = other.done;
        r->clamped = looked_through(&other);
        return BELFRY_ECONFLICT;
    }
    int64_t kept = kept_since(txn);
    r->clamped = r->since > kept ? r->since : kept;
    struct store_job job = {.id = ledger_txn_id(txn), .kind = JOB_RECOVER, .org = endpoint.org, .ref = r->target};
    int64_t before = r->until ? id_first_at(r->until) : job.id;
    job.payload = str_of(arena_printf(txn->arena, "{\"from\":%lld,\"before\":%lld}", (long long)id_first_at(r->clamped),
                                      (long long)before));
    job_add(txn, &job);
    r->job = job.id;
    json_t *detail = endpoint_detail(txn, &endpoint);
    set_time(detail, "since", r->clamped);
    if (r->until)
        set_time(detail, "until", r->until);
    deed_audit(txn, &r->deed, "endpoint.recover", detail);
    return BELFRY_OK;
}

static belfry_status recover_run(struct ledger_command *command, struct ledger_txn *txn)
{
    struct recover *r = LIST_OF(command, struct recover, command);
    struct store_job job;
    if (!r->begun)
        return begin(txn, r);
    r->finished = 1;
    if (store_job_get(txn->conn, r->begun, txn->arena, &job)) {
        if (recover_waits(txn, &job))
            return BELFRY_EAGAIN;
        if (job.state < STORE_JOB_DONE)
            job_go_on(txn, &job);
        r->count = job.done;
        r->finished = job.state >= STORE_JOB_DONE;
    }
    return BELFRY_OK;
}

static void recover_done(struct ledger_command *command, belfry_status status)
{
    struct recover *r = LIST_OF(command, struct recover, command);
    r->begun = r->job;
    if (status == BELFRY_OK && !r->finished) {
        r->command.must = "what an endpoint has missed"; /* it will be done, so whoever waits hears of it then */
        status = ledger_submit(r->ledger, &r->command);
        if (status == BELFRY_OK)
            return;
    }
    r->done(r->arg, status, r->count, r->clamped);
    deed_free(&r->deed);
    free(r);
}

void ledger_endpoint_recover(struct ledger *ledger, const struct ledger_deed *deed, int64_t target, int64_t since_ms,
                             int64_t until_ms,
                             void (*done)(void *arg, belfry_status status, int64_t count, int64_t since_ms), void *arg)
{
    struct recover *r = xcalloc(1, sizeof(*r));
    *r = (struct recover){.ledger = ledger,
                          .deed = deed_copy(deed),
                          .target = target,
                          .since = since_ms,
                          .until = until_ms,
                          .done = done,
                          .arg = arg};
    r->command = (struct ledger_command){.run = recover_run, .done = recover_done};
    if (ledger_submit(ledger, &r->command) != BELFRY_OK)
        recover_done(&r->command, BELFRY_ECLOSED);
}
