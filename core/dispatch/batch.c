/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a claim to an outcome. A claim asks the ledger for at most the queue's free slots; each row it gives becomes a
 * batch that a plugin holds until complete(). What came of it is collected during a turn and written by one ledger
 * command.
 *
 * A batch that nobody completes is cancelled at its deadline and forgotten a little later as a retry; an answer after
 * that finds no batch and is counted. Deadlines are real time, also under a virtual clock: the network is real.
 */
#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "dispatch/internal.h"

#include <stdlib.h>

#define TIMEOUT_DEFAULT_MS 30000
#define GRACE_MS 5000
#define UNAVAILABLE_WAIT_MS 30000
/* What an endpoint may have under way at most: a claim waits for a commit, so it takes all there is room for. */
#define EACH_CLAIM_MAX 64

/* Memory of one claim, shared by its batches. */
struct claim_memory {
    struct arena *arena;
    uint32_t refs;
};

struct claim {
    struct ledger_claim pub;
    struct dispatch *d;
    struct queue_state *queue;
    struct live *live;
};

static void memory_unref(struct claim_memory *memory)
{
    if (--memory->refs > 0)
        return;
    arena_free(memory->arena);
    free(memory);
}

static int64_t timeout_of(const struct channel *ch)
{
    return ch->policy.timeout_ms ? ch->policy.timeout_ms : TIMEOUT_DEFAULT_MS;
}

/* --- outcomes ----------------------------------------------------------------------------------------------------- */

static void after_flush(void *arg, belfry_status status)
{
    struct dispatch *d = arg;
    d->claims--;
    if (status != BELFRY_OK)
        log_error("dispatch", "outcomes could not be written; leases end and the deliveries are due again", "status=%s",
                  status_name(status));
    dispatch_turn(d);
}

void outcomes_flush(struct dispatch *d)
{
    if (!d->outcome_count || !d->set.ledger)
        return;
    d->claims++; /* keeps dispatch_idle() from being true before they are written */
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

static void outcome_add(struct dispatch *d, struct batch *b, enum outcome state, int64_t due_ms, int count_attempt,
                        const struct belfry_result *r)
{
    d->outcomes = xgrow(d->outcomes, &d->outcome_cap, d->outcome_count + 1, sizeof(*d->outcomes));
    d->outcomes[d->outcome_count++] = (struct ledger_outcome){
        .delivery = b->delivery,
        .state = state,
        .due_ms = due_ms,
        .count_attempt = count_attempt,
        .result = r->outcome,
        .code = r->code,
        .started_ms = b->started_ms,
        .elapsed_us = (int64_t)((clock_mono_ns(clock_real()) - b->started_ns) / 1000),
        .detail = r->detail.len ? arena_strndup(d->outcome_arena, r->detail.ptr, r->detail.len) : NULL,
        .record = r->record.len ? arena_strndup(d->outcome_arena, r->record.ptr, r->record.len) : NULL,
    };
    count_outcome(b->queue->channel, state);
    if (state == OUTCOME_delivered)
        observe_latency(b->queue->channel, dispatch_now(d) - b->item.time_ms);
}

/* What a result means: policy is here and nowhere else. */
static void judge(struct dispatch *d, struct batch *b, const struct belfry_result *r)
{
    const struct channel *ch = b->queue->channel;
    int64_t now = dispatch_now(d), wait;
    uint64_t random;
    random_bytes(&random, sizeof(random));
    switch (r->outcome) {
    case BELFRY_DELIVERED:
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
        outcome_add(d, b, OUTCOME_retrying, now + wait, 0, r);
        break;
    default: /* RETRY, and outcomes of a newer plugin */
        wait = dispatch_wait_ms(&ch->policy, b->attempt, r->retry_after_ms, random);
        outcome_add(d, b, wait < 0 ? OUTCOME_failed : OUTCOME_retrying, wait < 0 ? 0 : now + wait, 1, r);
        if (wait >= 0)
            queue_due_at(d, b->queue,
                         b->queue->heap_at && b->queue->next_due_ms < now + wait ? b->queue->next_due_ms : now + wait);
    }
}

static void batch_end(struct dispatch *d, struct batch *b, const struct belfry_result *result)
{
    struct queue_state *q = b->queue;
    if (d->set.ledger) /* gone at the very end: leases end with the boot */
        judge(d, b, result);
    int failed = result->outcome != BELFRY_DELIVERED;
    breaker_note(&q->breaker, failed, dispatch_now(d));
    if (q->target && d->set.ledger)
        target_result(d, q->target, result->outcome, b->attempt);
    hash_del(d->batches, str_slice((const char *)&b->pub.id, sizeof(b->pub.id)));
    list_remove(&b->node);
    b->live->batches--;
    q->inflight--;
    d->inflight--;
    live_unref(b->live);
    memory_unref(b->memory);
    free(b);
    queue_ready(d, q);
}

void dispatch_complete(struct dispatch *d, uint64_t id, const struct belfry_result *results, uint32_t n)
{
    struct batch *b = hash_get(d->batches, str_slice((const char *)&id, sizeof(id)));
    if (!b || n == 0) {
        d->numbers.late_completions++;
        return;
    }
    batch_end(d, b, &results[0]);
}

void batches_expire(struct dispatch *d, int all)
{
    uint64_t now = clock_mono_ns(clock_real());
    LIST_EACH_SAFE(it, &d->open)
    {
        struct batch *b = LIST_OF(it, struct batch, node);
        if (!all && now < b->deadline_ns)
            break;
        if (!b->canceled && b->live->pub.vtable->cancel) {
            b->canceled = 1;
            b->live->pub.vtable->cancel(b->live->pub.self, b->pub.id);
        }
        if (!all && now < b->deadline_ns + GRACE_MS * 1000000ull)
            continue;
        struct belfry_result late = {.struct_size = sizeof(late),
                                     .outcome = all ? BELFRY_UNAVAILABLE : BELFRY_RETRY,
                                     .detail = all ? STR("the hub stopped before the answer came")
                                                   : STR("the plugin did not answer before the deadline")};
        batch_end(d, b, &late);
    }
}

/* --- from claim to plugin ----------------------------------------------------------------------------------------- */

static struct belfry_str uuid(struct dispatch *d, struct arena *arena, int64_t id)
{
    if (!id)
        return (struct belfry_str){0};
    char *text = arena_alloc(arena, ID_TEXT_SIZE);
    id_format(&d->id_key, id, text);
    return str_slice(text, ID_TEXT_SIZE - 1);
}

static void item_fill(struct dispatch *d, struct batch *b, const struct ledger_claim_item *from)
{
    struct arena *arena = b->memory->arena;
    b->item = (struct belfry_item){
        .struct_size = sizeof(b->item),
        .severity = (uint32_t)from->severity,
        .delivery_id = (uint64_t)from->delivery,
        .event_id = uuid(d, arena, from->event),
        .notification_id = uuid(d, arena, from->notification),
        .org = from->org,
        .source = from->source,
        .type = from->type,
        .category = from->category,
        .subject = from->subject,
        .title = from->title,
        .body = from->body,
        .link = from->link,
        .actor = from->actor,
        .data = from->data,
        .time_ms = from->event_time_ms,
        .payload = from->payload,
    };
    if (from->notification && d->set.public_url) {
        char *href = arena_printf(arena, "%s/%.*s/n/%.*s", d->set.public_url, STR_ARG(from->org),
                                  STR_ARG(b->item.notification_id));
        b->item.href = str_of(href);
    }
}

static void person_fill(struct dispatch *d, struct batch *b, const struct ledger_claim_item *from)
{
    b->person = (struct belfry_person){.struct_size = sizeof(b->person), .username = from->username};
    if (from->username.len && d->set.person)
        d->set.person(d->set.arg, b->memory->arena, from->org, from->username, &b->person);
    if (from->address.len)
        b->person.email = from->address;
    b->pub.person = &b->person;
}

static void observe_call(struct channel *ch, uint64_t begin_ns)
{
    if (!ch->call_time)
        ch->call_time = metric_get(metrics_global(), "belfry_plugin_call_duration_seconds",
                                   "Time that a plugin's function took.", METRIC_HISTOGRAM, "instance", ch->name, NULL);
    metric_observe(ch->call_time, (double)(clock_mono_ns(clock_real()) - begin_ns) / 1e9);
}

static void batch_start(struct dispatch *d, struct claim *c, struct claim_memory *memory,
                        const struct ledger_claim_item *from)
{
    struct queue_state *q = c->queue;
    struct batch *b = xcalloc(1, sizeof(*b));
    int64_t timeout = timeout_of(q->channel);
    memory->refs++;
    b->memory = memory;
    b->live = c->live;
    b->queue = q;
    b->delivery = from->delivery;
    b->attempt = from->attempt;
    b->started_ms = dispatch_now(d);
    b->started_ns = clock_mono_ns(clock_real());
    b->deadline_ns = b->started_ns + (uint64_t)timeout * 1000000;
    item_fill(d, b, from);
    b->items[0] = &b->item;
    b->pub = (struct belfry_batch){.struct_size = sizeof(b->pub),
                                   .item_count = 1,
                                   .id = ++d->next_batch,
                                   .deadline_ms = b->started_ms + timeout,
                                   .attempt = b->attempt,
                                   .items = b->items,
                                   .target = q->target ? &q->target->pub : NULL};
    person_fill(d, b, from);
    hash_set(d->batches, str_slice((const char *)&b->pub.id, sizeof(b->pub.id)), b);
    list_push_back(&d->open, &b->node);
    c->live->batches++;
    q->inflight++;
    d->inflight++;
    d->numbers.batches++;
    if (q->breaker.open_until_ms)
        q->breaker.probing = 1;
    uint64_t begin = clock_mono_ns(clock_real());
    c->live->pub.vtable->deliver(c->live->pub.self, &b->pub);
    observe_call(q->channel, begin);
}

static void on_claimed(struct ledger_claim *pub)
{
    struct claim *c = pub->arg;
    struct dispatch *d = c->d;
    struct queue_state *q = c->queue;
    struct claim_memory *memory = xcalloc(1, sizeof(*memory));
    memory->arena = pub->arena;
    memory->refs = 1;
    d->claims--;
    q->claiming = 0;
    bucket_take(&q->bucket, (uint32_t)pub->count);
    for (size_t i = 0; i < pub->count; i++)
        batch_start(d, c, memory, &pub->items[i]);
    memory_unref(memory);
    c->live->batches--;
    live_unref(c->live);
    if (q->again || pub->count == pub->max) {
        q->again = 0;
        queue_ready(d, q);
    } else {
        queue_due_at(d, q, pub->next_due_ms);
    }
    free(c);
    dispatch_turn(d);
}

/* How many rows the queue may take now; 0 and a time to look again (or none) otherwise. */
static uint32_t free_slots(struct dispatch *d, struct queue_state *q)
{
    int64_t now = dispatch_now(d), wait = breaker_wait(&q->breaker, now);
    if (wait) {
        queue_due_at(d, q, wait);
        return 0;
    }
    uint32_t slots = q->concurrency > q->inflight ? q->concurrency - q->inflight : 0;
    if (q->breaker.open_until_ms && slots > 1)
        slots = 1; /* half open: one goes ahead */
    if (slots > EACH_CLAIM_MAX)
        slots = EACH_CLAIM_MAX;
    uint32_t paced = slots ? bucket_free(&q->bucket, slots, now) : 0;
    if (slots && !paced)
        queue_due_at(d, q, bucket_next_ms(&q->bucket, now));
    return paced; /* without a slot the queue is looked at when a batch ends */
}

void queue_run(struct dispatch *d, struct queue_state *q)
{
    struct live *live = q->channel->live;
    if (!live || q->claiming || (q->target && !q->target->enabled))
        return;
    uint32_t slots = free_slots(d, q);
    if (!slots)
        return;
    struct claim *c = xcalloc(1, sizeof(*c));
    c->d = d;
    c->queue = q;
    c->live = live;
    live->batches++; /* the instance stays while the claim is under way */
    c->pub.channel = live->pub.instance;
    c->pub.target = q->target ? (int64_t)q->target->pub.id : 0;
    c->pub.max = slots;
    c->pub.arena = arena_new(2048);
    c->pub.lease_ms = timeout_of(q->channel) + 2 * GRACE_MS;
    c->pub.done = on_claimed;
    c->pub.arg = c;
    q->claiming = 1;
    d->claims++;
    d->numbers.claims++;
    ledger_claim(d->set.ledger, &c->pub);
}
