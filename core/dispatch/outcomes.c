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
#include "ledger/health.h"

#include <stdlib.h>

#define UNAVAILABLE_WAIT_MS 30000
#define THROTTLED_WAIT_MS 5000 /* of a target that names no time; its breaker does the rest */
#define DEFERRED_WAIT_MS 10000 /* at least, so that a recipient who is put off over and over is no busy loop */
#define TRIED_FOR_MS (12 * 3600 * 1000ll) /* mail is given up then, however few times it was tried */
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
    static const char *const names[] = {NULL,      "delivered",   "retry",    "unavailable", "rejected",
                                        "unknown", "target_gone", "deferred", "throttled"};
    if (result < BELFRY_DELIVERED || result > BELFRY_THROTTLED)
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
    for (uint32_t result = BELFRY_DELIVERED; result <= BELFRY_THROTTLED; result++)
        count_result(ch, result, 0);
    ch->latency = metric_get(metrics_global(), "belfry_delivery_latency_seconds",
                             "From the event to the acknowledgement.", METRIC_HISTOGRAM, "channel", ch->name, NULL);
    ch->last_success =
        metric_get(metrics_global(), "belfry_channel_last_success_timestamp_seconds",
                   "When the channel delivered last; 0: not since the start.", METRIC_GAUGE, "channel", ch->name, NULL);
}

/* What waited for its digest or the end of the night was not slow. */
static void observe_arrival(const struct dispatch *d, struct channel *ch, const struct batch *b)
{
    int64_t now = dispatch_now(d);
    if (b->of->kind == BELFRY_BATCH_SINGLE)
        metric_observe(ch->latency, (double)(now - b->of->event_time_ms) / 1000);
    metric_set(ch->last_success, (double)now / 1000);
}

/* --- the log ------------------------------------------------------------------------------------------------------ */

static const char *log_message(const struct ledger_outcome *o)
{
    switch (o->state) {
    case OUTCOME_delivered:
        return "delivered";
    case OUTCOME_retrying:
        return o->count_attempt ? "delivery failed, it is tried again" : "delivery waits";
    case OUTCOME_scheduled:
        return "delivery waits";
    case OUTCOME_unknown:
        return o->due_ms ? "it may have arrived, it is sent once more" : "it may have arrived, it is not sent again";
    default:
        return "delivery failed for good";
    }
}

/* One line an attempt: debug when all is well, since there may be thousands a second. */
static void log_outcome(const struct dispatch *d, const struct batch *b, const struct ledger_outcome *o)
{
    int well = o->state == OUTCOME_delivered || o->result == BELFRY_DEFERRED;
    enum log_level level = well ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN;
    if (level < log_level_now())
        return;
    const struct belfry_target *target = b->pub.target;
    struct belfry_str name = target ? target->name : (struct belfry_str){0};
    char id[ID_TEXT_SIZE], next[TIME_TEXT_SIZE + 6] = "";
    id_format(&d->id_key, o->bundle ? o->bundle : o->delivery, id);
    if (o->due_ms) {
        memcpy(next, " next=", 6);
        time_format(o->due_ms, next + 6);
    }
    log_write(level, "dispatch", log_message(o),
              "org=%.*s event=%.*s delivery=%s channel=%s target=%s items=%u attempt=%u outcome=%s code=%d ms=%.1f"
              " detail=%s%s",
              STR_ARG(b->items[0].org), STR_ARG(b->items[0].event_id), id, b->queue->channel->name,
              log_quote(name.ptr, name.len), b->pub.total, b->attempt, outcome_name((int)o->state), o->code,
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

/* What a result is about: all rows of a batch, or one of them. */
struct share {
    const struct batch *b;
    int64_t delivery, bundle;
    uint32_t rows;
};

static void add(struct dispatch *d, const struct share *share, enum outcome state, int64_t due_ms, int count_attempt,
                const struct belfry_result *r, struct belfry_str detail)
{
    const struct batch *b = share->b;
    struct ledger_outcome outcome = {
        .delivery = share->delivery,
        .bundle = share->bundle,
        .target = b->queue->target ? b->queue->target->id : 0,
        .attempt = b->attempt,
        .state = state,
        .due_ms = due_ms,
        .count_attempt = count_attempt,
        .result = r->outcome,
        .code = r->code,
        .started_ms = b->started_ms,
        .elapsed_us = (int64_t)((clock_mono_ns(d->stopwatch) - b->started_ns) / 1000),
        .detail = keep(d, detail, DETAIL_MAX),
        .record = keep_record(d, b, r->record),
        .health = b->queue->target ? target_health(b->queue->target, b, r->outcome) : LEDGER_HEALTH_NOTHING,
    };
    if (outcome.health && d->set.ledger)
        outcome.word = ledger_target_word(d->set.ledger);
    append(d, &outcome);
    log_outcome(d, b, &outcome);
    count_outcome(b->queue->channel, state, (int)share->rows);
    count_result(b->queue->channel, r->outcome, 1);
    if (state == OUTCOME_delivered)
        observe_arrival(d, b->queue->channel, b);
}

/* The end, in words of ours before those of the receiver. */
static void add_end(struct dispatch *d, const struct share *share, enum outcome state, int count_attempt,
                    const struct belfry_result *r, const char *why)
{
    struct belfry_str detail = r->detail;
    if (why) {
        const char *sep = detail.len ? ": " : "";
        detail = str_of(arena_printf(sheet_now(d)->arena, "%s%s%.*s", why, sep, STR_ARG(detail)));
    }
    add(d, share, state, 0, count_attempt, r, detail);
}

/* Mail about what is no longer valid by then. What is one of several ends with its gates, each by itself. */
static int comes_too_late(const struct batch *b, int64_t due_ms)
{
    return !b->queue->target && b->pub.total == 1 && b->of->valid_until_ms &&
           due_ms > b->of->valid_until_ms - LEDGER_VALID_MS;
}

/* Waits until then, if there is any sense in it. */
static void add_wait(struct dispatch *d, const struct share *share, enum outcome state, int64_t due_ms,
                     int count_attempt, const struct belfry_result *r)
{
    if (comes_too_late(share->b, due_ms))
        add_end(d, share, OUTCOME_expired, count_attempt, r, "its validity ends before it could be tried again");
    else
        add(d, share, state, due_ms, count_attempt, r, r->detail);
}

static void add_retry(struct dispatch *d, const struct share *share, const struct belfry_result *r)
{
    const struct batch *b = share->b;
    uint64_t random;
    random_bytes(&random, sizeof(random));
    int64_t wait = dispatch_wait_ms(&b->queue->channel->policy, b->attempt, r->retry_after_ms, random);
    int64_t due = dispatch_now(d) + wait, first = b->of->first_ms ? b->of->first_ms : b->started_ms;
    if (wait < 0)
        add_end(d, share, OUTCOME_failed, 1, r, NULL);
    else if (!b->queue->target && due > first + TRIED_FOR_MS)
        add_end(d, share, OUTCOME_failed, 1, r, "given up 12 hours after the first attempt");
    else
        add_wait(d, share, OUTCOME_retrying, due, 1, r);
}

/* A receiver of targets knows a delivery by its id; who reads mail would read it twice, so it is sent once more and no
 * further. */
static void add_unknown(struct dispatch *d, const struct share *share, const struct belfry_result *r)
{
    const struct batch *b = share->b;
    int64_t due = dispatch_now(d) + LEDGER_UNKNOWN_WAIT_MS;
    int again = !b->queue->target && !b->of->unknowns && !comes_too_late(b, due);
    add(d, share, OUTCOME_unknown, again ? due : 0, 1, r, r->detail);
}

static int64_t within(int64_t wait, int64_t least)
{
    return wait < least ? least : wait < WAIT_MAX_MS ? wait : WAIT_MAX_MS;
}

static void rest(struct dispatch *d, const struct batch *b, int64_t wait)
{
    struct queue_state *q = b->queue;
    int64_t until = dispatch_now(d) + within(wait, wait > 0 ? 1 : THROTTLED_WAIT_MS);
    if (q->target && q->rests_until_ms < until)
        q->rests_until_ms = until;
}

/* What the receiver under an URL of before said is an attempt that failed, and no more: neither the pause that it asked
 * for nor its 410 holds up or ends what the one of now is to get. */
static struct belfry_result of_another_receiver(const struct belfry_result *r)
{
    struct belfry_result moved = *r;
    if (r->outcome == BELFRY_TARGET_GONE || r->outcome == BELFRY_THROTTLED)
        moved.outcome = BELFRY_RETRY;
    moved.retry_after_ms = 0;
    return moved;
}

/* The channel's instance that had it was replaced meanwhile by one that is set up otherwise. */
static int is_of_before(const struct batch *b)
{
    return !b->queue->target && b->live != b->queue->channel->live;
}

/* Nothing else of the queue is tried before, unless the next goes to somebody else, or by somebody else. */
static int64_t hold(struct dispatch *d, const struct batch *b, int64_t wait)
{
    int64_t now = dispatch_now(d), due = now + within(wait, UNAVAILABLE_WAIT_MS);
    if (batch_moved(b) || is_of_before(b))
        return now;
    if (b->queue->held_until_ms < due)
        b->queue->held_until_ms = due;
    return due;
}

static void judge(struct dispatch *d, const struct share *share, const struct belfry_result *r)
{
    const struct batch *b = share->b;
    struct belfry_result moved;
    int64_t due;
    if (b->of->test && r->outcome != BELFRY_DELIVERED) { /* whoever sent it looks at what came of it */
        add_end(d, share, OUTCOME_failed, 1, r, NULL);
        return;
    }
    if (batch_moved(b)) {
        moved = of_another_receiver(r);
        r = &moved;
    }
    switch (r->outcome) {
    case BELFRY_DELIVERED:
        b->queue->held_until_ms = 0;
        add_end(d, share, OUTCOME_delivered, 1, r, NULL);
        break;
    case BELFRY_REJECTED:
    case BELFRY_TARGET_GONE:
        add_end(d, share, OUTCOME_failed, 1, r, NULL);
        break;
    case BELFRY_UNKNOWN:
        add_unknown(d, share, r);
        break;
    case BELFRY_UNAVAILABLE:
        add_wait(d, share, OUTCOME_retrying, hold(d, b, r->retry_after_ms), 0, r);
        break;
    case BELFRY_DEFERRED:
        due = dispatch_now(d) + within(r->retry_after_ms, DEFERRED_WAIT_MS);
        add_wait(d, share, b->attempt > 1 ? OUTCOME_retrying : OUTCOME_scheduled, due, 0, r);
        break;
    case BELFRY_THROTTLED:
        rest(d, b, r->retry_after_ms);
        add_retry(d, share, r);
        break;
    default: /* RETRY, and outcomes of a newer plugin */
        add_retry(d, share, r);
    }
}

static struct share whole_of(const struct batch *b)
{
    return (struct share){b, b->of->delivery, b->of->bundle, b->of->total};
}

static int all_the_same(const struct belfry_result *results, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++)
        if (results[i].outcome != results[0].outcome)
            return 0;
    return 1;
}

void outcome_judge(struct dispatch *d, const struct batch *b, const struct belfry_result *results, uint32_t n)
{
    struct share share = whole_of(b);
    if (n != b->pub.item_count || all_the_same(results, n)) {
        judge(d, &share, &results[0]);
        return;
    }
    for (uint32_t i = n; i-- > 0;) { /* the first last: what has no item here shares its result */
        share.delivery = (int64_t)b->items[i].delivery_id;
        share.bundle = i ? 0 : b->of->bundle;
        share.rows = i ? 1 : b->of->total - n + 1;
        judge(d, &share, &results[i]);
    }
}

/* Rows that wait again as if they had not been claimed. */
static void wait_again(struct dispatch *d, const struct ledger_claim_item *item, int64_t target, int64_t due_ms)
{
    struct ledger_outcome outcome = {.delivery = item->delivery,
                                     .bundle = item->bundle,
                                     .target = target,
                                     .attempt = item->attempt,
                                     .state = item->attempt > 1 ? OUTCOME_retrying : OUTCOME_scheduled,
                                     .due_ms = due_ms,
                                     .result = BELFRY_UNAVAILABLE};
    append(d, &outcome);
}

void outcome_untouched(struct dispatch *d, const struct ledger_claim_item *item, int64_t target)
{
    wait_again(d, item, target, item->due_ms);
}

void outcome_interrupted(struct dispatch *d, const struct batch *b)
{
    static const struct belfry_result lost = {.struct_size = sizeof(lost),
                                              .outcome = BELFRY_UNKNOWN,
                                              .detail = {"the hub stopped before the answer came", 38}};
    struct share share = whole_of(b);
    if (b->queue->target)
        wait_again(d, b->of, b->queue->target->id, b->started_ms);
    else
        add_unknown(d, &share, &lost);
}
