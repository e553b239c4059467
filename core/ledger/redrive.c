/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deliveries by hand: one is tried again or ended, or all that a filter lets through. Each deed leaves a row in the
 * audit, in its own commit.
 *
 * What a filter lets through may be a million rows, so it is a job: the commit that begins it holds the deed and its
 * audit, and slices follow between other commands, also after a restart. The command of whoever waits for the end does
 * one each time that it runs, so it asks for nothing that has not gone on. Rows made after the deed are none of its
 * business (`before`), and each row is asked again when its turn comes: one that has moved on meanwhile is passed over.
 * So the same deed twice changes nothing the second time.
 */
#include "ledger/inside.h"

#include "store/lanes.h"
#include "store/story.h"

#include <stdlib.h>

#define LOOKED_AT 20000 /* rows that a slice reads at most, where no index leads to those it wants */

/* --- one row ------------------------------------------------------------------------------------------------------ */

static int waits_now(const struct ledger_txn *txn, const struct store_delivery *row)
{
    return row->open == 1 && row->due <= txn->now &&
           (row->state == OUTCOME_retrying || row->state == OUTCOME_scheduled);
}

/* A row to a target comes back, by the order that is asked for now; when it is due. */
static int64_t target_again(struct ledger_txn *txn, const struct store_delivery *row, int64_t due_ms)
{
    struct store_delivery again = *row;
    struct store_event event;
    if (!store_event_get(txn->conn, row->event, txn->arena, &event))
        return due_ms; /* its claim will say so */
    if (!row->open) {
        again.lane = lane_of(target_route(txn, row->target), &event);
        if (again.lane != row->lane)
            store_delivery_set_lane(txn->conn, row->id, again.lane);
    }
    again.due = due_ms;
    return again.lane ? store_lane_enter(txn->conn, &again) : due_ms;
}

/* What went out with it and did not arrive either is the same mail. By itself it is one of its own, and what waits for
 * a digest waits no longer. */
static void wait_now(struct ledger_txn *txn, const struct store_delivery *row)
{
    struct belfry_str why = STR("tried again by hand");
    int whole = row->open || row->state == OUTCOME_failed || row->state == OUTCOME_unknown ||
                row->state == OUTCOME_channel_removed;
    if (row->bundle && whole) {
        if (!waits_now(txn, row)) /* a deed on many meets it with each of its rows */
            store_bundle_again(txn->conn, row->bundle, txn->now, why);
        return;
    }
    if (row->bundle)
        store_delivery_leave(txn->conn, row->id);
    int64_t due = row->target ? target_again(txn, row, txn->now) : txn->now;
    store_delivery_wait(txn->conn, row->id, row->attempts ? OUTCOME_retrying : OUTCOME_scheduled, 1, due, row->attempts,
                        why);
}

/* NULL: it waits from now on; else why it cannot. */
static const char *retry_row(struct ledger_txn *txn, const struct store_delivery *row)
{
    struct store_target target;
    if (row->lease)
        return "it is under way";
    if (!row->open && row->state == OUTCOME_delivered)
        return "it has arrived";
    if (!gen_channel_by_name(txn->gen, row->channel))
        return "its channel is not in the configuration any more";
    if (row->target && (!store_target_get(txn->conn, row->target, txn->arena, &target) || target.removed))
        return "its endpoint is not in the configuration any more";
    if (row->open == 1 && store_waits_for_turn(row->due))
        return "an earlier one of its subject goes first";
    if (row->target && !target.enabled)
        return "its endpoint is disabled; enable it first";
    wait_now(txn, row);
    ledger_txn_due(txn, row->target);
    if (!row->target)
        txn->ledger->next_shown = INT64_MIN;
    return NULL;
}

static const char *cancel_row(struct ledger_txn *txn, const struct store_delivery *row)
{
    if (row->lease)
        return "it is under way";
    if (!row->open)
        return "it has ended";
    outcome_end(txn, row, OUTCOME_cancelled, STR("cancelled by hand"));
    return NULL;
}

/* Of dead letters too: nobody is to be asked about it again. */
static const char *discard_row(struct ledger_txn *txn, const struct store_delivery *row, const char *who)
{
    if (row->lease)
        return "it is under way";
    outcome_end(txn, row, OUTCOME_cancelled, str_of(arena_printf(txn->arena, "discarded by %s", who)));
    return NULL;
}

/* --- one, by id --------------------------------------------------------------------------------------------------- */

struct single {
    struct ledger_command command;
    struct deed deed;
    int64_t delivery;
    int cancel;
    const char *why; /* of a conflict */
    void (*done)(void *arg, belfry_status status, const char *why);
    void *arg;
};

static void audit_one(struct ledger_txn *txn, const struct single *s, const struct store_delivery *row)
{
    char id[ID_TEXT_SIZE];
    struct belfry_str channel = store_name_text(txn->conn, row->channel);
    id_format(store_id_key(txn->ledger->store), row->id, id);
    json_t *detail = json_pack("{s:s, s:s%, s:s}", "delivery", id, "channel", channel.ptr ? channel.ptr : "",
                               channel.len, "was", outcome_name(row->state));
    deed_audit(txn, &s->deed, s->cancel ? "delivery.cancel" : "delivery.retry", detail);
}

static belfry_status single_run(struct ledger_command *command, struct ledger_txn *txn)
{
    struct single *s = LIST_OF(command, struct single, command);
    struct store_delivery row;
    if (!store_delivery_get(txn->conn, s->delivery, txn->arena, &row) ||
        !str_eqz(store_name_text(txn->conn, row.org), s->deed.org))
        return BELFRY_ENOTFOUND;
    s->why = s->cancel ? cancel_row(txn, &row) : retry_row(txn, &row);
    if (s->why)
        return BELFRY_ECONFLICT;
    audit_one(txn, s, &row);
    return BELFRY_OK;
}

static void single_done(struct ledger_command *command, belfry_status status)
{
    struct single *s = LIST_OF(command, struct single, command);
    if (s->done)
        s->done(s->arg, status, status == BELFRY_ECONFLICT ? s->why : NULL);
    deed_free(&s->deed);
    free(s);
}

static void single(struct ledger *ledger, const struct ledger_deed *deed, int64_t delivery, int cancel,
                   void (*done)(void *arg, belfry_status status, const char *why), void *arg)
{
    struct single *s = xcalloc(1, sizeof(*s));
    *s = (struct single){.deed = deed_copy(deed), .delivery = delivery, .cancel = cancel, .done = done, .arg = arg};
    s->command = (struct ledger_command){.run = single_run, .done = single_done};
    if (ledger_submit(ledger, &s->command) != BELFRY_OK)
        single_done(&s->command, BELFRY_ECLOSED);
}

void ledger_delivery_retry(struct ledger *ledger, const struct ledger_deed *deed, int64_t delivery,
                           void (*done)(void *arg, belfry_status status, const char *why), void *arg)
{
    single(ledger, deed, delivery, 0, done, arg);
}

void ledger_delivery_cancel(struct ledger *ledger, const struct ledger_deed *deed, int64_t delivery,
                            void (*done)(void *arg, belfry_status status, const char *why), void *arg)
{
    single(ledger, deed, delivery, 1, done, arg);
}

/* --- many: what is in the job's payload --------------------------------------------------------------------------- */

static json_t *query_json(const struct store_delivery_query *q)
{
    json_t *doc = json_pack("{s:i, s:I, s:I, s:I, s:I}", "state", q->state, "event", (json_int_t)q->event, "from",
                            (json_int_t)q->from, "before", (json_int_t)q->before, "as_of", (json_int_t)q->as_of);
    json_set_str(doc, "channel", q->channel);
    json_set_str(doc, "rule", q->rule);
    json_set_str(doc, "recipient", q->recipient);
    json_set_str(doc, "target", q->target);
    json_set_str(doc, "text", q->reason);
    return doc;
}

static struct belfry_str text_of(struct arena *arena, const json_t *doc, const char *key)
{
    return arena_str(arena, json_str(json_object_get(doc, key)));
}

static struct store_delivery_query query_of(struct arena *arena, const json_t *doc)
{
    return (struct store_delivery_query){.state = (int)json_integer_value(json_object_get(doc, "state")),
                                         .event = json_integer_value(json_object_get(doc, "event")),
                                         .from = json_integer_value(json_object_get(doc, "from")),
                                         .before = json_integer_value(json_object_get(doc, "before")),
                                         .as_of = json_integer_value(json_object_get(doc, "as_of")),
                                         .channel = text_of(arena, doc, "channel"),
                                         .rule = text_of(arena, doc, "rule"),
                                         .recipient = text_of(arena, doc, "recipient"),
                                         .target = text_of(arena, doc, "target"),
                                         .reason = text_of(arena, doc, "text")};
}

/* Rows that are still what was asked for. Returns how many were changed. */
static int64_t change_rows(struct ledger_txn *txn, const int64_t *ids, size_t count, int64_t org, int state,
                           const char *discarded_by)
{
    int64_t changed = 0;
    for (size_t i = 0; i < count; i++) {
        struct store_delivery row;
        if (!store_delivery_get(txn->conn, ids[i], txn->arena, &row) || row.org != org ||
            (state >= 0 ? row.state != state : !ledger_redrives(row.state, discarded_by != NULL)))
            continue;
        changed += (discarded_by ? discard_row(txn, &row, discarded_by) : retry_row(txn, &row)) == NULL;
    }
    return changed;
}

int redrive_slice(struct ledger_txn *txn, struct store_job *job, struct belfry_str *cursor)
{
    json_t *payload = json_read(job->payload, NULL);
    struct store_delivery_query query = query_of(txn->arena, payload);
    const char *who = json_string_value(json_object_get(payload, "discarded_by"));
    int64_t *ids, next;
    query.org = job->org;
    if (job->cursor.len)
        str_to_i64(job->cursor, &query.from);
    query.limit = SLICE;
    size_t count = store_deliveries_slice(txn->conn, &query, LOOKED_AT, txn->arena, &ids, &next);
    job->done += change_rows(txn, ids, count, job->org, query.state, who);
    json_decref(payload);
    *cursor = str_of(arena_printf(txn->arena, "%lld", (long long)next));
    return next == 0;
}

/* --- many: the command -------------------------------------------------------------------------------------------- */

int ledger_redrives(int state, int discard)
{
    switch (state) {
    case OUTCOME_failed:
    case OUTCOME_unknown:
    case OUTCOME_channel_removed:
    case OUTCOME_retrying:
        return 1;
    case OUTCOME_cancelled:
        return !discard;
    case OUTCOME_scheduled:
    case OUTCOME_held_quiet_hours:
    case OUTCOME_held_disabled:
    case OUTCOME_digested:
        return discard;
    default:
        return 0;
    }
}

struct many {
    struct ledger_command command;
    struct ledger *ledger;
    struct deed deed;
    int discard;
    json_t *query, *shown; /* shown: the filter as it was given */
    int64_t *ids;
    size_t id_count;
    int64_t matched, changed;
    int64_t job, begun; /* begun: committed */
    int finished;
    void (*done)(void *arg, belfry_status status, int64_t changed);
    void *arg;
};

static void audit_many(struct ledger_txn *txn, const struct many *m)
{
    json_t *detail = json_object();
    if (m->shown)
        json_object_set(detail, "filter", m->shown);
    json_object_set_new(detail, m->shown ? "matched" : "changed", json_integer(m->shown ? m->matched : m->changed));
    deed_audit(txn, &m->deed, m->discard ? "deliveries.discard" : "deliveries.retry", detail);
}

static void begin(struct ledger_txn *txn, struct many *m)
{
    struct buf payload = {0};
    struct store_job job = {.id = ledger_txn_id(txn),
                            .kind = JOB_REDRIVE,
                            .org = store_name(txn->conn, str_of(m->deed.org)),
                            .total = m->matched};
    if (m->discard)
        json_object_set_new(m->query, "discarded_by", json_string(m->deed.who));
    json_write(m->query, &payload);
    job.payload = buf_str(&payload);
    job_add(txn, &job);
    buf_free(&payload);
    m->job = job.id;
    audit_many(txn, m);
}

static belfry_status many_run(struct ledger_command *command, struct ledger_txn *txn)
{
    struct many *m = LIST_OF(command, struct many, command);
    struct store_job job;
    if (!m->query) {
        m->changed = change_rows(txn, m->ids, m->id_count, store_name(txn->conn, str_of(m->deed.org)), -1,
                                 m->discard ? m->deed.who : NULL);
        m->finished = 1;
        if (m->changed)
            audit_many(txn, m);
    } else if (!m->begun) {
        begin(txn, m);
    } else if (store_job_get(txn->conn, m->begun, txn->arena, &job)) {
        if (job.state < STORE_JOB_DONE)
            job_go_on(txn, &job);
        m->changed = job.done;
        m->finished = job.state >= STORE_JOB_DONE;
    } else {
        m->finished = 1;
    }
    return BELFRY_OK;
}

static void many_done(struct ledger_command *command, belfry_status status)
{
    struct many *m = LIST_OF(command, struct many, command);
    m->begun = m->job;
    if (status == BELFRY_OK && !m->finished) {
        m->command.must = "a deed on many deliveries"; /* it will be done, so whoever waits hears of it then */
        status = ledger_submit(m->ledger, &m->command);
        if (status == BELFRY_OK)
            return;
    }
    m->done(m->arg, status, m->changed);
    deed_free(&m->deed);
    json_decref(m->query);
    json_decref(m->shown);
    free(m->ids);
    free(m);
}

static void submit(struct ledger *ledger, struct many *m)
{
    m->ledger = ledger;
    m->command = (struct ledger_command){.run = many_run, .done = many_done};
    if (ledger_submit(ledger, &m->command) != BELFRY_OK)
        many_done(&m->command, BELFRY_ECLOSED);
}

void ledger_redrive(struct ledger *ledger, const struct ledger_deed *deed, int discard,
                    const struct store_delivery_query *query, int64_t matched, json_t *shown,
                    void (*done)(void *arg, belfry_status status, int64_t changed), void *arg)
{
    struct many *m = xcalloc(1, sizeof(*m));
    *m = (struct many){.deed = deed_copy(deed),
                       .discard = discard,
                       .query = query_json(query),
                       .shown = json_incref(shown),
                       .matched = matched,
                       .done = done,
                       .arg = arg};
    submit(ledger, m);
}

void ledger_redrive_ids(struct ledger *ledger, const struct ledger_deed *deed, int discard, const int64_t *ids,
                        size_t count, void (*done)(void *arg, belfry_status status, int64_t changed), void *arg)
{
    struct many *m = xcalloc(1, sizeof(*m));
    *m = (struct many){.deed = deed_copy(deed), .discard = discard, .id_count = count, .done = done, .arg = arg};
    m->ids = xmemdup(ids, (count ? count : 1) * sizeof(*ids));
    submit(ledger, m);
}
