/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a claim to a batch's end. A claim asks the ledger for at most the queue's free slots; each row it gives becomes
 * a batch that a plugin holds until complete(). Every leased row ends with exactly one outcome.
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
#define PLUGIN_MS 1000 /* a plugin's own time-out is the same and should come first */
#define FAILED_CLAIM_WAIT_MS 1000
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

static int64_t timeout_of(const struct channel *ch, const struct belfry_delivery *delivery)
{
    if (ch->policy.timeout_ms)
        return ch->policy.timeout_ms;
    return delivery->timeout_ms > 0 ? delivery->timeout_ms : TIMEOUT_DEFAULT_MS;
}

int batch_moved(const struct batch *b)
{
    const struct target *t = b->queue->target;
    return t && !str_eq(b->facts->pub.url, t->facts->pub.url);
}

/* --- the end of a batch ------------------------------------------------------------------------------------------- */

/* The breaker knows whether a target answers as it should, not whether a delivery made sense. */
static void note(struct dispatch *d, const struct batch *b, uint32_t outcome)
{
    struct queue_state *q = b->queue;
    int arrived = outcome == BELFRY_DELIVERED;
    slots_learn(d, q, arrived || outcome == BELFRY_REJECTED, clock_mono_ns(d->stopwatch) - b->started_ns);
    if (outcome == BELFRY_REJECTED || outcome == BELFRY_UNKNOWN || outcome == BELFRY_TARGET_GONE ||
        outcome == BELFRY_DEFERRED)
        q->breaker.probing = 0;
    else if (q->target) /* a mail server that puts some recipients off is no broken channel */
        breaker_note(&q->breaker, !arrived, dispatch_now(d));
}

/* The queue may have room again, or its target may be gone. */
static void queue_settle(struct dispatch *d, struct queue_state *q)
{
    if (q->target && q->target->removed)
        target_settle(d, q->target);
    else
        queue_ready(d, q);
}

static void batch_free(struct dispatch *d, struct batch *b)
{
    struct queue_state *q = b->queue;
    struct live *live = b->live;
    hash_del(d->batches, str_slice((const char *)&b->pub.id, sizeof(b->pub.id)));
    list_remove(&b->node);
    live->batches--;
    slots_add(d, q, -1, 0);
    target_facts_unref(b->facts);
    memory_unref(b->memory);
    free(b);
    live_unref(live);
    queue_settle(d, q);
}

static void batch_end(struct dispatch *d, struct batch *b, const struct belfry_result *results, uint32_t n)
{
    struct queue_state *q = b->queue;
    int moved = batch_moved(b);
    outcome_judge(d, b, results, n);
    if (!b->of->test && !moved) { /* neither what somebody tried out nor another receiver says anything of this one */
        note(d, b, results[0].outcome);
        if (q->target)
            target_result(d, q->target, b, &results[0]);
    }
    batch_free(d, b);
}

int dispatch_complete(struct dispatch *d, uint64_t id, const struct belfry_result *results, uint32_t n)
{
    struct batch *b = hash_get(d->batches, str_slice((const char *)&id, sizeof(id)));
    if (!b || n == 0) {
        d->numbers.late_completions++;
        return 0;
    }
    batch_end(d, b, results, n);
    return 1;
}

static void batch_cancel(struct batch *b)
{
    if (b->canceled || !b->live->pub.vtable->cancel)
        return;
    b->canceled = 1;
    b->live->pub.vtable->cancel(b->live->pub.self, b->pub.id);
}

void batches_expire(struct dispatch *d)
{
    uint64_t now = clock_mono_ns(d->stopwatch);
    LIST_EACH_SAFE(it, &d->open)
    {
        struct batch *b = LIST_OF(it, struct batch, node);
        if (now < b->deadline_ns)
            continue; /* not in order: channels have timeouts of their own */
        batch_cancel(b);
        if (now < b->deadline_ns + GRACE_MS * 1000000ull)
            continue;
        struct belfry_result late = {.struct_size = sizeof(late),
                                     .outcome = BELFRY_RETRY,
                                     .detail = STR("the plugin did not answer before the deadline")};
        batch_end(d, b, &late, 1);
    }
}

/* Its plugin knows how far a mail got, we do not. What a target has is due again whatever it says. */
size_t batches_hurry(struct dispatch *d)
{
    size_t count = 0;
    LIST_EACH_SAFE(it, &d->open)
    {
        struct batch *b = LIST_OF(it, struct batch, node);
        if (b->queue->target)
            continue;
        batch_cancel(b);
        count++;
    }
    return count;
}

void batches_give_back(struct dispatch *d)
{
    LIST_EACH_SAFE(it, &d->open)
    {
        struct batch *b = LIST_OF(it, struct batch, node);
        batch_cancel(b);
        outcome_interrupted(d, b);
        batch_free(d, b);
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

static void item_fill(struct dispatch *d, struct arena *arena, const struct ledger_claim_item *from,
                      struct belfry_item *item)
{
    *item = (struct belfry_item){
        .struct_size = sizeof(*item),
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
        .flags = (from->required ? BELFRY_ITEM_REQUIRED : 0u) | (from->test ? BELFRY_ITEM_TEST : 0u),
        .reason = from->reason,
        .category_label = from->category_label,
        .waited_ms = from->waited_ms,
        .valid_until_ms = from->valid_until_ms,
        .actions = from->actions,
        .action_count = from->action_count,
    };
    if (from->notification && d->set.public_url)
        item->href = str_of(arena_printf(arena, "%s/%.*s/n/%.*s", d->set.public_url, STR_ARG(from->org),
                                         STR_ARG(item->notification_id)));
}

static void items_fill(struct dispatch *d, struct batch *b)
{
    struct arena *arena = b->memory->arena;
    uint32_t count = 1 + (uint32_t)b->of->rest_count;
    const struct belfry_item **list = arena_alloc(arena, count * sizeof(*list));
    b->items = arena_alloc(arena, count * sizeof(*b->items));
    for (uint32_t i = 0; i < count; i++) {
        item_fill(d, arena, i ? &b->of->rest[i - 1] : b->of, &b->items[i]);
        list[i] = &b->items[i];
    }
    b->pub.items = list;
    b->pub.item_count = count;
}

/* PER_RECIPIENT only: a target is no person. */
static void person_fill(struct dispatch *d, struct batch *b)
{
    const struct ledger_claim_item *from = b->of;
    if (b->queue->target)
        return;
    b->person = (struct belfry_person){.struct_size = sizeof(b->person), .username = from->username};
    if (from->username.len && d->set.person)
        d->set.person(d->set.arg, b->memory->arena, from->org, from->username, &b->person);
    const struct belfry_str *const told[] = {&from->address, &from->name, &from->locale, &from->timezone};
    struct belfry_str *const fields[] = {&b->person.email, &b->person.name, &b->person.locale, &b->person.timezone};
    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
        if (told[i]->len)
            *fields[i] = *told[i];
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
    int64_t timeout = timeout_of(q->channel, c->live->pub.vtable);
    memory->refs++;
    b->memory = memory;
    b->live = c->live;
    b->queue = q;
    b->of = from;
    b->attempt = from->attempt;
    b->started_ms = dispatch_now(d);
    b->started_ns = clock_mono_ns(d->stopwatch);
    b->deadline_ns = b->started_ns + (uint64_t)(timeout + PLUGIN_MS) * 1000000;
    if (q->target) {
        b->facts = target_facts_now(q->target, b->started_ms);
        b->facts->refs++;
        b->facts->pub.rate_per_minute = q->rate;
    }
    b->pub = (struct belfry_batch){.struct_size = sizeof(b->pub),
                                   .id = ++d->next_batch,
                                   .deadline_ms = b->started_ms + timeout,
                                   .attempt = b->attempt,
                                   .total = from->total,
                                   .target = b->facts ? &b->facts->pub : NULL,
                                   .key = uuid(d, memory->arena, from->bundle ? from->bundle : from->delivery),
                                   .kind = from->kind};
    items_fill(d, b);
    person_fill(d, b);
    hash_set(d->batches, str_slice((const char *)&b->pub.id, sizeof(b->pub.id)), b);
    list_push_back(&d->open, &b->node);
    c->live->batches++;
    slots_add(d, q, 1, 0);
    d->numbers.batches++;
    if (q->breaker.open_until_ms && !from->test)
        q->breaker.probing = 1;
    uint64_t begin = clock_mono_ns(clock_real());
    c->live->pub.vtable->deliver(c->live->pub.self, &b->pub);
    observe_call(q->channel, begin);
}

/* Stopping, or the target was disabled meanwhile, because it said that it is gone, or taken away: what was claimed does
 * not reach the plugin, and waits as before or is held. Of one that was taken away it ends an hour later, unless that
 * is back by then, or there under another channel. */
static int is_too_late(const struct dispatch *d, const struct claim *c)
{
    const struct target *target = c->queue->target;
    return d->stopping || (target && (target->removed || (!target->enabled && !c->pub.test)));
}

static void claim_give_back(struct dispatch *d, const struct ledger_claim *claim)
{
    for (size_t i = 0; i < claim->count; i++)
        outcome_untouched(d, &claim->items[i], claim->target);
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
    slots_add(d, q, 0, -(int)q->claimed);
    q->claiming = 0;
    int late = is_too_late(d, c);
    if (late)
        claim_give_back(d, pub);
    else if (!pub->test)
        bucket_take(&q->bucket, (uint32_t)pub->count);
    if (pub->test && pub->status == BELFRY_OK)
        trial_taken(q, pub->test);
    for (size_t i = 0; !late && i < pub->count; i++)
        batch_start(d, c, memory, &pub->items[i]);
    memory_unref(memory);
    c->live->batches--;
    live_unref(c->live);
    if (q->target && q->target->removed) {
        target_settle(d, q->target);
    } else if (pub->status != BELFRY_OK) {
        q->again = 0;
        queue_due_at(d, q, dispatch_now(d) + FAILED_CLAIM_WAIT_MS); /* the disk: looked at again until it is well */
    } else if (q->again || pub->test || pub->count == pub->max) {
        q->again = 0;
        queue_ready(d, q);
    } else {
        queue_due_at(d, q, pub->next_due_ms);
        if (q->target)
            target_look(d, q->target);
    }
    free(c);
    dispatch_turn(d);
}

/* How many batches the queue may have under way: of a channel without targets what its plugin says. */
static uint32_t concurrency_of(const struct queue_state *q)
{
    const struct dispatch_channel *channel = &q->channel->live->pub;
    if (q->target)
        return q->window < q->concurrency ? q->window : q->concurrency;
    if (!channel->vtable->inflight)
        return q->concurrency;
    uint32_t wanted = channel->vtable->inflight(channel->self);
    return wanted == 0 ? 1 : wanted < q->concurrency ? wanted : q->concurrency;
}

/* How many rows the queue may take now; 0 and a time to look again (or none) otherwise. */
static uint32_t free_slots(struct dispatch *d, struct queue_state *q)
{
    int64_t now = dispatch_now(d), wait = breaker_wait(&q->breaker, now);
    if (q->held_until_ms > now && q->held_until_ms > wait)
        wait = q->held_until_ms;
    if (q->rests_until_ms > now && q->rests_until_ms > wait)
        wait = q->rests_until_ms;
    if (wait) {
        queue_due_at(d, q, wait);
        return 0;
    }
    uint32_t concurrency = concurrency_of(q), slots = concurrency > q->inflight ? concurrency - q->inflight : 0;
    if (q->breaker.open_until_ms && slots > 1)
        slots = 1; /* half open: one goes ahead */
    if (slots > EACH_CLAIM_MAX)
        slots = EACH_CLAIM_MAX;
    slots = slots_share(d, q, slots);
    uint32_t paced = slots ? bucket_free(&q->bucket, slots, now) : 0;
    if (slots && !paced)
        queue_due_at(d, q, bucket_next_ms(&q->bucket, now));
    return paced; /* without a slot the queue is looked at when one of its batches ends */
}

void queue_run(struct dispatch *d, struct queue_state *q)
{
    struct live *live = q->channel->live;
    if (!live || q->claiming || (q->target && q->target->removed))
        return;
    int64_t test = trial_next(q);
    if (!test && q->target && !q->target->enabled)
        return;
    uint32_t slots = test ? 1 : free_slots(d, q);
    if (!slots) {
        if (q->target)
            target_look(d, q->target);
        return;
    }
    struct claim *c = xcalloc(1, sizeof(*c));
    c->d = d;
    c->queue = q;
    c->live = live;
    live->batches++; /* the instance stays while the claim is under way */
    c->pub.target = q->target ? q->target->id : 0;
    c->pub.test = test;
    c->pub.max = slots;
    c->pub.arena = arena_new(2048);
    c->pub.channel =
        arena_strdup(c->pub.arena, q->channel->name); /* the channel may be renamed before the ledger looks */
    c->pub.done = on_claimed;
    c->pub.arg = c;
    q->claiming = 1;
    slots_add(d, q, 0, (int)slots);
    d->claims++;
    d->numbers.claims++;
    ledger_claim(d->set.ledger, &c->pub);
}
