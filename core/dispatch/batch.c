/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a claim to an outcome. A claim asks the ledger for at most the queue's free slots; each row it gives becomes a
 * batch that a plugin holds until complete().
 *
 * A batch that nobody completes is cancelled at its deadline and forgotten a little later as a retry; an answer after
 * that finds no batch and is counted. Deadlines are real time, also under a virtual clock: the network is real.
 *
 * What ends because of us (the hub stops, an instance is replaced) is no attempt and nobody's failure: the row is due
 * again as it was.
 */
#include "base/id.h"
#include "base/mem.h"
#include "dispatch/internal.h"

#include <stdlib.h>

#define TIMEOUT_DEFAULT_MS 30000
#define GRACE_MS 5000
#define PLUGIN_MS 1000 /* a plugin's own time-out is the same and should come first */
#define LOOK_AGAIN_MS 1000
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

/* --- ends --------------------------------------------------------------------------------------------------------- */

/* The breaker knows whether a target answers as it should, not whether a delivery made sense. */
static void note(struct dispatch *d, struct queue_state *q, uint32_t outcome)
{
    if (outcome == BELFRY_REJECTED || outcome == BELFRY_UNKNOWN || outcome == BELFRY_TARGET_GONE)
        q->breaker.probing = 0;
    else if (q->target) /* a mail server that puts some recipients off is no broken channel */
        breaker_note(&q->breaker, outcome != BELFRY_DELIVERED, dispatch_now(d));
}

static void batch_free(struct dispatch *d, struct batch *b)
{
    hash_del(d->batches, str_slice((const char *)&b->pub.id, sizeof(b->pub.id)));
    list_remove(&b->node);
    b->live->refs--;
    b->queue->inflight--;
    d->inflight--;
    target_facts_unref(b->facts);
    memory_unref(b->memory);
    free(b);
}

/* The queue may have room again, or its target may be gone. */
static void queue_settle(struct dispatch *d, struct queue_state *q)
{
    if (q->target && q->target->removed)
        target_settle(d, q->target);
    else
        queue_ready(d, q);
}

static void batch_end(struct dispatch *d, struct batch *b, const struct belfry_result *result)
{
    struct queue_state *q = b->queue;
    struct live *live = b->live;
    outcome_judge(d, b, result);
    note(d, q, result->outcome);
    if (q->target)
        target_result(d, q->target, result->outcome, b->attempt);
    batch_free(d, b);
    live_unref(live);
    queue_settle(d, q);
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

/* Deadlines differ from channel to channel, so all are looked at; there are a few hundred at most. */
void batches_expire(struct dispatch *d)
{
    uint64_t now = clock_mono_ns(clock_real());
    LIST_EACH_SAFE(it, &d->open)
    {
        struct batch *b = LIST_OF(it, struct batch, node);
        if (now < b->deadline_ns)
            continue;
        if (!b->canceled && b->live->pub.vtable->cancel)
            b->live->pub.vtable->cancel(b->live->pub.self, b->pub.id);
        b->canceled = 1;
        if (now < b->deadline_ns + GRACE_MS * 1000000ull)
            continue;
        struct belfry_result late = {.struct_size = sizeof(late),
                                     .outcome = BELFRY_RETRY,
                                     .detail = STR("the plugin did not answer before the deadline")};
        batch_end(d, b, &late);
    }
}

void batches_give_back(struct dispatch *d, const struct live *only)
{
    LIST_EACH_SAFE(it, &d->open)
    {
        struct batch *b = LIST_OF(it, struct batch, node);
        struct queue_state *q = b->queue;
        struct live *live = b->live;
        if (only && live != only)
            continue;
        if (!live->gone && live->pub.vtable->cancel)
            live->pub.vtable->cancel(live->pub.self, b->pub.id);
        q->breaker.probing = 0;
        outcome_give_back(d, b->delivery, b->attempt, b->due_ms);
        batch_free(d, b);
        live_unref(live);
        queue_settle(d, q);
    }
    dispatch_turn(d);
}

void batches_forget(struct dispatch *d)
{
    LIST_EACH_SAFE(it, &d->open)
    batch_free(d, LIST_OF(it, struct batch, node));
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

/* PER_RECIPIENT only: a target is no person. */
static void person_fill(struct dispatch *d, struct batch *b, const struct ledger_claim_item *from)
{
    if (b->queue->target)
        return;
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
    b->due_ms = from->due_ms;
    b->attempt = from->attempt;
    b->started_ms = dispatch_now(d);
    b->started_ns = clock_mono_ns(clock_real());
    b->deadline_ns = b->started_ns + (uint64_t)(timeout + PLUGIN_MS) * 1000000;
    if (q->target) {
        b->facts = q->target->facts;
        b->facts->refs++;
    }
    item_fill(d, b, from);
    b->items[0] = &b->item;
    b->pub = (struct belfry_batch){.struct_size = sizeof(b->pub),
                                   .item_count = 1,
                                   .id = ++d->next_batch,
                                   .deadline_ms = b->started_ms + timeout,
                                   .attempt = b->attempt,
                                   .items = b->items,
                                   .target = b->facts ? &b->facts->pub : NULL};
    person_fill(d, b, from);
    hash_set(d->batches, str_slice((const char *)&b->pub.id, sizeof(b->pub.id)), b);
    list_push_back(&d->open, &b->node);
    c->live->refs++;
    q->inflight++;
    d->inflight++;
    d->numbers.batches++;
    if (q->breaker.open_until_ms)
        q->breaker.probing = 1;
    uint64_t begin = clock_mono_ns(clock_real());
    c->live->pub.vtable->deliver(c->live->pub.self, &b->pub);
    observe_call(q->channel, begin);
}

static void start_all(struct dispatch *d, struct claim *c, struct claim_memory *memory)
{
    for (size_t i = 0; i < c->pub.count; i++)
        if (d->stopping || c->live->gone)
            outcome_give_back(d, c->pub.items[i].delivery, c->pub.items[i].attempt, c->pub.items[i].due_ms);
        else
            batch_start(d, c, memory, &c->pub.items[i]);
}

/* When to look at the queue again. */
static void look_later(struct dispatch *d, struct queue_state *q, const struct ledger_claim *claim)
{
    int64_t now = dispatch_now(d), next = claim->next_due_ms;
    int again = q->again || (claim->count > 0 && claim->count == claim->max);
    q->again = 0;
    if (claim->command.status != BELFRY_OK) /* nothing was written; what is due stays due */
        next = now + LOOK_AGAIN_MS;
    else if (claim->count == 0 && next <= now) /* due, and yet not to be had: no reason to ask in a circle */
        next = now + LOOK_AGAIN_MS;
    if (again)
        queue_ready(d, q);
    else
        queue_due_at(d, q, next);
}

static void on_claimed(struct ledger_claim *pub)
{
    struct claim *c = pub->arg;
    struct dispatch *d = c->d;
    struct queue_state *q = c->queue;
    d->pending--;
    if (d->closing) {
        arena_free(pub->arena);
        free(c);
        dispatch_unref(d);
        return;
    }
    struct claim_memory *memory = xcalloc(1, sizeof(*memory));
    memory->arena = pub->arena;
    memory->refs = 1;
    d->claimed -= q->claimed;
    q->claimed = 0;
    q->claiming = 0;
    bucket_take(&q->bucket, (uint32_t)pub->count);
    start_all(d, c, memory);
    memory_unref(memory);
    c->live->refs--;
    live_unref(c->live);
    if (q->target && q->target->removed)
        target_settle(d, q->target);
    else
        look_later(d, q, pub);
    free(c);
    dispatch_turn(d);
}

/* How many rows the queue may take now; 0 and a time to look again (or none) otherwise. */
static uint32_t free_slots(struct dispatch *d, struct queue_state *q)
{
    int64_t now = dispatch_now(d), wait = breaker_wait(&q->breaker, now);
    if (q->held_until_ms > now)
        wait = q->held_until_ms;
    if (wait) {
        queue_due_at(d, q, wait);
        return 0;
    }
    uint32_t slots = q->concurrency > q->inflight ? q->concurrency - q->inflight : 0;
    uint32_t room = DISPATCH_INFLIGHT_MAX - d->inflight - d->claimed;
    if (q->breaker.open_until_ms && slots > 1)
        slots = 1; /* half open: one goes ahead */
    if (slots > EACH_CLAIM_MAX)
        slots = EACH_CLAIM_MAX;
    if (slots > room)
        slots = room;
    uint32_t paced = slots ? bucket_free(&q->bucket, slots, now) : 0;
    if (slots && !paced)
        queue_due_at(d, q, bucket_next_ms(&q->bucket, now));
    return paced; /* without a slot the queue is looked at when a batch ends */
}

void queue_run(struct dispatch *d, struct queue_state *q)
{
    struct live *live = q->channel->live;
    if (!live || q->claiming || (q->target && (!q->target->enabled || q->target->removed)))
        return;
    uint32_t slots = free_slots(d, q);
    if (!slots)
        return;
    struct claim *c = xcalloc(1, sizeof(*c));
    c->d = d;
    c->queue = q;
    c->live = live;
    live->refs++; /* the instance stays while the claim is under way */
    c->pub.channel = live->pub.instance;
    c->pub.target = q->target ? q->target->id : 0;
    c->pub.max = slots;
    c->pub.arena = arena_new(2048);
    c->pub.lease_ms = timeout_of(q->channel) + PLUGIN_MS + 2 * GRACE_MS;
    c->pub.done = on_claimed;
    c->pub.arg = c;
    q->claiming = 1;
    q->claimed = slots;
    d->claimed += slots;
    d->pending++;
    d->numbers.claims++;
    ledger_claim(d->set.ledger, &c->pub);
}
