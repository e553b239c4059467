/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What came of deliveries, on its way into the ledger. Outcomes of one turn share a sheet, which is one command.
 *
 * Dispatch owes the ledger an outcome for every row that it leased: a lease of this boot has no other end. So a sheet
 * that could not be written (the disk) is kept and given again each second until it is, or until the ledger closes.
 *
 * What a result means (policy) is here and nowhere else.
 */
#include "base/crypto.h"
#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "dispatch/internal.h"

#include <stdlib.h>

#define UNAVAILABLE_WAIT_MS 30000
#define WAIT_MAX_MS (24 * 3600 * 1000ll)
#define DETAIL_MAX 1000
#define RECORD_MAX (32 * 1024)

struct sheet {
    struct list node; /* in dispatch.unwritten */
    struct ledger_outcomes pub;
    struct dispatch *d;
    struct arena *arena; /* texts */
    struct ledger_outcome *items;
    size_t cap;
    int failed; /* to be written, once at least */
};

/* --- sheets ------------------------------------------------------------------------------------------------------- */

static struct sheet *sheet_now(struct dispatch *d)
{
    if (d->sheet)
        return d->sheet;
    struct sheet *sheet = d->spare_sheet;
    d->spare_sheet = NULL;
    if (!sheet) {
        sheet = xcalloc(1, sizeof(*sheet));
        list_init(&sheet->node);
        sheet->d = d;
        sheet->arena = arena_new(4096);
    }
    sheet->pub.count = 0;
    d->sheet = sheet;
    return sheet;
}

static void sheet_free(struct sheet *sheet)
{
    if (!sheet)
        return;
    list_remove(&sheet->node);
    arena_free(sheet->arena);
    free(sheet->items);
    free(sheet);
}

static void sheet_recycle(struct dispatch *d, struct sheet *sheet)
{
    if (d->spare_sheet) {
        sheet_free(sheet);
        return;
    }
    arena_reset(sheet->arena);
    d->spare_sheet = sheet;
}

static void on_written(struct ledger_outcomes *pub, belfry_status status)
{
    struct sheet *sheet = LIST_OF(pub, struct sheet, pub);
    struct dispatch *d = sheet->d;
    d->claims--;
    if (status == BELFRY_OK || status == BELFRY_ECLOSED || !d->set.ledger) {
        if (sheet->failed && status == BELFRY_OK)
            dispatch_wake(d, NULL); /* claims in between saw the rows leased, and no due time */
        sheet->failed = 0;
        sheet_recycle(d, sheet);
    } else {
        sheet->failed = 1;
        log_error("dispatch", "outcomes could not be written; trying again each second", "status=%s count=%zu",
                  status_name(status), pub->count);
        list_push_back(&d->unwritten, &sheet->node);
    }
    dispatch_turn(d);
}

static void sheet_write(struct dispatch *d, struct sheet *sheet)
{
    sheet->pub.items = sheet->items;
    sheet->pub.done = on_written;
    d->claims++; /* keeps dispatch_idle() from being true before they are written */
    ledger_outcomes(d->set.ledger, &sheet->pub);
}

void outcomes_flush(struct dispatch *d)
{
    struct sheet *sheet = d->sheet;
    if (!sheet || !d->set.ledger)
        return;
    d->sheet = NULL;
    sheet_write(d, sheet);
}

void outcomes_again(struct dispatch *d)
{
    struct list due, *node;
    list_move(&due, &d->unwritten);
    while ((node = list_pop_front(&due)))
        sheet_write(d, LIST_OF(node, struct sheet, node));
}

int outcomes_pending(const struct dispatch *d)
{
    return d->sheet != NULL || !list_empty(&d->unwritten);
}

void outcomes_free(struct dispatch *d)
{
    struct list *node;
    while ((node = list_pop_front(&d->unwritten)))
        sheet_free(LIST_OF(node, struct sheet, node));
    sheet_free(d->sheet);
    sheet_free(d->spare_sheet);
    d->sheet = d->spare_sheet = NULL;
}

/* --- metrics ------------------------------------------------------------------------------------------------------ */

static void count_outcome(struct channel *ch, enum outcome state, int add)
{
    if (!ch->by_outcome[state])
        ch->by_outcome[state] =
            metric_get(metrics_global(), "belfry_deliveries_total", OUTCOME_METRIC_HELP, METRIC_COUNTER, "channel",
                       ch->name, "outcome", outcome_name((int)state), NULL);
    metric_add(ch->by_outcome[state], add);
}

/* A result of a newer plugin counts as what it is treated as. */
static void count_result(struct channel *ch, uint32_t result, int add)
{
    static const char *const names[] = {NULL,       "delivered", "retry",      "unavailable",
                                        "rejected", "unknown",   "target_gone"};
    if (result < BELFRY_DELIVERED || result > BELFRY_TARGET_GONE)
        result = BELFRY_RETRY;
    if (!ch->by_result[result])
        ch->by_result[result] = metric_get(metrics_global(), "belfry_delivery_attempts_total",
                                           "Attempts by channel and what the plugin said.", METRIC_COUNTER, "channel",
                                           ch->name, "result", names[result], NULL);
    metric_add(ch->by_result[result], add);
}

void channel_metrics(struct channel *ch)
{
    memset(ch->by_outcome, 0, sizeof(ch->by_outcome));
    memset(ch->by_result, 0, sizeof(ch->by_result));
    ch->call_time = NULL;
    count_outcome(ch, OUTCOME_delivered, 0);
    count_outcome(ch, OUTCOME_retrying, 0);
    count_outcome(ch, OUTCOME_failed, 0);
    for (uint32_t result = BELFRY_DELIVERED; result <= BELFRY_TARGET_GONE; result++)
        count_result(ch, result, 0);
    ch->latency = metric_get(metrics_global(), "belfry_delivery_latency_seconds",
                             "From the event to the acknowledgement.", METRIC_HISTOGRAM, "channel", ch->name, NULL);
    ch->last_success =
        metric_get(metrics_global(), "belfry_channel_last_success_timestamp_seconds",
                   "When the channel delivered last; 0: not since the start.", METRIC_GAUGE, "channel", ch->name, NULL);
}

static void observe_arrival(const struct dispatch *d, struct channel *ch, int64_t event_ms)
{
    int64_t now = dispatch_now(d);
    metric_observe(ch->latency, (double)(now - event_ms) / 1000);
    metric_set(ch->last_success, (double)now / 1000);
}

/* --- the log ------------------------------------------------------------------------------------------------------ */

/* One line an attempt: debug when all is well, since there may be thousands a second. */
static void log_outcome(const struct dispatch *d, const struct batch *b, const struct ledger_outcome *o)
{
    enum log_level level = o->state == OUTCOME_delivered ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN;
    if (level < log_level_now())
        return;
    const struct belfry_target *target = b->pub.target;
    const char *message = o->state == OUTCOME_delivered  ? "delivered"
                          : o->state == OUTCOME_retrying ? "delivery failed, it is tried again"
                                                         : "delivery failed for good";
    struct belfry_str name = target ? target->name : (struct belfry_str){0};
    char id[ID_TEXT_SIZE], next[TIME_TEXT_SIZE + 6] = "";
    id_format(&d->id_key, b->delivery, id);
    if (o->state == OUTCOME_retrying) {
        memcpy(next, " next=", 6);
        time_format(o->due_ms, next + 6);
    }
    log_write(level, "dispatch", message,
              "org=%.*s event=%.*s delivery=%s channel=%s target=%s attempt=%u outcome=%s code=%d ms=%.1f detail=%s%s",
              STR_ARG(b->item.org), STR_ARG(b->item.event_id), id, b->queue->channel->name,
              log_quote(name.ptr, name.len), b->attempt, outcome_name((int)o->state), o->code,
              (double)o->elapsed_us / 1000, log_quote(o->detail, o->detail ? strlen(o->detail) : 0), next);
}

/* --- what a result means ------------------------------------------------------------------------------------------ */

static void append(struct dispatch *d, const struct ledger_outcome *outcome)
{
    struct sheet *sheet = sheet_now(d);
    sheet->items = xgrow(sheet->items, &sheet->cap, sheet->pub.count + 1, sizeof(*sheet->items));
    sheet->items[sheet->pub.count++] = *outcome;
    dispatch_turn(d);
}

static const char *keep(struct dispatch *d, struct belfry_str text, size_t most)
{
    size_t len = text.len < most ? text.len : most;
    while (len > 0 && len < text.len && (text.ptr[len] & 0xc0) == 0x80)
        len--; /* not in the middle of a character */
    return len ? arena_strndup(sheet_now(d)->arena, text.ptr, len) : NULL;
}

/* A record that is cut is no JSON. */
static const char *keep_record(struct dispatch *d, const struct batch *b, struct belfry_str record)
{
    if (record.len <= RECORD_MAX)
        return keep(d, record, RECORD_MAX);
    log_warn("dispatch", "record of an attempt is too long, left out", "channel=%s bytes=%zu", b->queue->channel->name,
             record.len);
    return NULL;
}

static void add(struct dispatch *d, const struct batch *b, enum outcome state, int64_t due_ms, int count_attempt,
                const struct belfry_result *r)
{
    struct ledger_outcome outcome = {
        .delivery = b->delivery,
        .state = state,
        .due_ms = due_ms,
        .count_attempt = count_attempt,
        .result = r->outcome,
        .code = r->code,
        .started_ms = b->started_ms,
        .elapsed_us = (int64_t)((clock_mono_ns(clock_real()) - b->started_ns) / 1000),
        .detail = keep(d, r->detail, DETAIL_MAX),
        .record = keep_record(d, b, r->record),
    };
    append(d, &outcome);
    log_outcome(d, b, &outcome);
    count_outcome(b->queue->channel, state, 1);
    count_result(b->queue->channel, r->outcome, 1);
    if (state == OUTCOME_delivered)
        observe_arrival(d, b->queue->channel, b->item.time_ms);
}

static void add_retry(struct dispatch *d, const struct batch *b, const struct belfry_result *r)
{
    uint64_t random;
    random_bytes(&random, sizeof(random));
    int64_t wait = dispatch_wait_ms(&b->queue->channel->policy, b->attempt, r->retry_after_ms, random);
    if (wait < 0)
        add(d, b, OUTCOME_failed, 0, 1, r);
    else
        add(d, b, OUTCOME_retrying, dispatch_now(d) + wait, 1, r);
}

void outcome_judge(struct dispatch *d, const struct batch *b, const struct belfry_result *r)
{
    int64_t wait;
    switch (r->outcome) {
    case BELFRY_DELIVERED:
        b->queue->held_until_ms = 0;
        add(d, b, OUTCOME_delivered, 0, 1, r);
        break;
    case BELFRY_REJECTED:
    case BELFRY_TARGET_GONE:
        add(d, b, OUTCOME_failed, 0, 1, r);
        break;
    case BELFRY_UNKNOWN:
        add(d, b, OUTCOME_unknown, 0, 1, r);
        break;
    case BELFRY_UNAVAILABLE:
        wait = r->retry_after_ms > UNAVAILABLE_WAIT_MS ? r->retry_after_ms : UNAVAILABLE_WAIT_MS;
        wait = wait < WAIT_MAX_MS ? wait : WAIT_MAX_MS;
        if (b->queue->held_until_ms < dispatch_now(d) + wait) /* nothing else of the queue is tried before */
            b->queue->held_until_ms = dispatch_now(d) + wait;
        add(d, b, OUTCOME_retrying, dispatch_now(d) + wait, 0, r);
        break;
    default: /* RETRY, and outcomes of a newer plugin */
        add_retry(d, b, r);
    }
}

/* A row that waits again as if it had not been claimed. */
static void wait_again(struct dispatch *d, int64_t delivery, uint32_t attempt, int64_t due_ms)
{
    struct ledger_outcome outcome = {.delivery = delivery,
                                     .state = attempt > 1 ? OUTCOME_retrying : OUTCOME_scheduled,
                                     .due_ms = due_ms,
                                     .result = BELFRY_UNAVAILABLE};
    append(d, &outcome);
}

void outcome_untouched(struct dispatch *d, const struct ledger_claim_item *item)
{
    wait_again(d, item->delivery, item->attempt, item->due_ms);
}

void outcome_interrupted(struct dispatch *d, const struct batch *b)
{
    static const struct belfry_result lost = {.struct_size = sizeof(lost),
                                              .outcome = BELFRY_UNKNOWN,
                                              .detail = {"the hub stopped before the answer came", 38}};
    if (b->queue->target)
        wait_again(d, b->delivery, b->attempt, b->started_ms);
    else
        add(d, b, OUTCOME_unknown, 0, 1, &lost);
}
