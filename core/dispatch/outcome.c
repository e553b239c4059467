/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What came of a batch: policy is here (with the waits of policy.c) and nowhere else. Outcomes are collected during a
 * turn and written by one ledger command, before the turn's claims, so that these see the rows as they are now.
 */
#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "dispatch/internal.h"

#define UNAVAILABLE_WAIT_MS 30000
#define WAIT_MAX_MS (24 * 3600 * 1000ll)
#define DETAIL_MAX 1000
#define RECORD_MAX (32 * 1024)

static void after_flush(void *arg, belfry_status status)
{
    struct dispatch *d = arg;
    d->pending--;
    if (d->closing) {
        dispatch_unref(d);
        return;
    }
    if (status != BELFRY_OK)
        log_error("dispatch", "outcomes could not be written; leases end and the deliveries are due again", "status=%s",
                  status_name(status));
    dispatch_turn(d);
}

void outcomes_flush(struct dispatch *d)
{
    if (d->stopping && !d->stopped) /* stopped: the ledger may be gone, leases end by themselves */
        d->outcome_count = 0;
    if (!d->outcome_count)
        return;
    d->pending++;
    ledger_outcomes(d->set.ledger, d->outcomes, d->outcome_count, after_flush, d);
    d->outcome_count = 0;
    arena_reset(d->outcome_arena);
}

static void count_outcome(struct channel *ch, enum outcome state)
{
    if (!ch->by_outcome[state])
        ch->by_outcome[state] =
            metric_get(metrics_global(), "belfry_deliveries_total", "Deliveries by channel and outcome of the attempt.",
                       METRIC_COUNTER, "channel", ch->name, "outcome", outcome_name((int)state), NULL);
    metric_add(ch->by_outcome[state], 1);
}

static void observe_latency(struct channel *ch, int64_t ms)
{
    if (!ch->latency)
        ch->latency = metric_get(metrics_global(), "belfry_delivery_latency_seconds",
                                 "From the event to the acknowledgement.", METRIC_HISTOGRAM, "channel", ch->name, NULL);
    metric_observe(ch->latency, (double)ms / 1000);
}

static struct ledger_outcome *outcome_slot(struct dispatch *d)
{
    d->outcomes = xgrow(d->outcomes, &d->outcome_cap, d->outcome_count + 1, sizeof(*d->outcomes));
    return &d->outcomes[d->outcome_count++];
}

static const char *copy_text(struct dispatch *d, struct belfry_str text, size_t most)
{
    size_t len = text.len < most ? text.len : most;
    while (len > 0 && len < text.len && (text.ptr[len] & 0xc0) == 0x80)
        len--; /* not in the middle of a character */
    return len ? arena_strndup(d->outcome_arena, text.ptr, len) : NULL;
}

static void outcome_add(struct dispatch *d, struct batch *b, enum outcome state, int64_t due_ms, int count_attempt,
                        const struct belfry_result *r)
{
    int keep = r->record.len <= RECORD_MAX; /* a record that is cut is no JSON */
    if (!keep)
        log_warn("dispatch", "record of an attempt is too long, left out", "channel=%s bytes=%zu",
                 b->queue->channel->name, r->record.len);
    *outcome_slot(d) = (struct ledger_outcome){
        .delivery = b->delivery,
        .state = state,
        .due_ms = due_ms,
        .count_attempt = count_attempt,
        .result = r->outcome,
        .code = r->code,
        .started_ms = b->started_ms,
        .elapsed_us = (int64_t)((clock_mono_ns(clock_real()) - b->started_ns) / 1000),
        .detail = copy_text(d, r->detail, DETAIL_MAX),
        .record = keep ? copy_text(d, r->record, RECORD_MAX) : NULL,
    };
    count_outcome(b->queue->channel, state);
    if (state == OUTCOME_delivered)
        observe_latency(b->queue->channel, dispatch_now(d) - b->item.time_ms);
}

void outcome_give_back(struct dispatch *d, int64_t delivery, uint32_t attempt, int64_t due_ms)
{
    *outcome_slot(d) = (struct ledger_outcome){
        .delivery = delivery, .state = attempt > 1 ? OUTCOME_retrying : OUTCOME_scheduled, .due_ms = due_ms};
}

/* The whole channel or target is down: nothing else of its queue is tried before. */
static void hold(struct queue_state *q, int64_t until_ms)
{
    if (until_ms > q->held_until_ms)
        q->held_until_ms = until_ms;
}

void outcome_judge(struct dispatch *d, struct batch *b, const struct belfry_result *r)
{
    const struct channel *ch = b->queue->channel;
    int64_t now = dispatch_now(d), wait;
    uint64_t random;
    random_bytes(&random, sizeof(random));
    switch (r->outcome) {
    case BELFRY_DELIVERED:
        b->queue->held_until_ms = 0;
        outcome_add(d, b, OUTCOME_delivered, 0, 1, r);
        break;
    case BELFRY_REJECTED:
    case BELFRY_TARGET_GONE:
        outcome_add(d, b, OUTCOME_failed, 0, 1, r);
        break;
    case BELFRY_UNKNOWN:
        outcome_add(d, b, OUTCOME_unknown, 0, 1, r);
        break;
    case BELFRY_UNAVAILABLE:
        wait = r->retry_after_ms > UNAVAILABLE_WAIT_MS ? r->retry_after_ms : UNAVAILABLE_WAIT_MS;
        wait = wait < WAIT_MAX_MS ? wait : WAIT_MAX_MS;
        hold(b->queue, now + wait);
        outcome_add(d, b, OUTCOME_retrying, now + wait, 0, r);
        break;
    default: /* RETRY, and outcomes of a newer plugin */
        wait = dispatch_wait_ms(&ch->policy, b->attempt, r->retry_after_ms, random);
        outcome_add(d, b, wait < 0 ? OUTCOME_failed : OUTCOME_retrying, wait < 0 ? 0 : now + wait, 1, r);
    }
}
