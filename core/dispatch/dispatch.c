/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queues and when they are looked at. A queue is in the ready list when it may have something to send now, and in a
 * binary heap by due time when its next row is later; never in both. So the cost of a turn depends on the queues that
 * have work, not on how many exist or how many rows wait.
 *
 * Fairness: the ready list is walked round robin, and a queue claims at most its share of the slots (slots.c). Slow
 * queues that may have none wait in a list of their own, so nobody walks over them.
 */
#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "dispatch/internal.h"

#include <stdlib.h>

#define DEADLINE_TICK_MS 1000
#define HURRY_NS 1000000000ull       /* what a cancelled mail has left to say how far it got, when the hub stops */
#define AGAIN_AFTER_NS 1000000000ull /* the ledger itself tries one a second while the disk fails */

static const int64_t waits_default[] = {60000, 300000, 900000, 3600000, 7200000, 14400000};
const struct belfry_target_policy dispatch_policy_default = {
    .struct_size = sizeof(dispatch_policy_default), .attempts = 7, .waits_ms = waits_default};

int64_t dispatch_now(const struct dispatch *d)
{
    return clock_now_ms(d->set.clock);
}

/* --- heap by due time
 * ---------------------------------------------------------------------------------------------------- */

static void heap_put(struct dispatch *d, size_t at, struct queue_state *q)
{
    d->heap[at] = q;
    q->heap_at = at + 1;
}

static void heap_up(struct dispatch *d, size_t at)
{
    struct queue_state *q = d->heap[at];
    while (at > 0 && d->heap[(at - 1) / 2]->next_due_ms > q->next_due_ms) {
        heap_put(d, at, d->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    heap_put(d, at, q);
}

static void heap_down(struct dispatch *d, size_t at)
{
    struct queue_state *q = d->heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= d->heap_count)
            break;
        if (child + 1 < d->heap_count && d->heap[child + 1]->next_due_ms < d->heap[child]->next_due_ms)
            child++;
        if (d->heap[child]->next_due_ms >= q->next_due_ms)
            break;
        heap_put(d, at, d->heap[child]);
        at = child;
    }
    heap_put(d, at, q);
}

static void heap_remove(struct dispatch *d, struct queue_state *q)
{
    if (!q->heap_at)
        return;
    size_t at = q->heap_at - 1;
    struct queue_state *last = d->heap[--d->heap_count];
    q->heap_at = 0;
    if (last == q)
        return;
    heap_put(d, at, last);
    heap_up(d, at);
    heap_down(d, last->heap_at - 1);
}

/* --- looking
 * ---------------------------------------------------------------------------------------------------------------- */

static void arm(struct dispatch *d);

static void take_due(struct dispatch *d)
{
    int64_t now = dispatch_now(d);
    while (d->heap_count && d->heap[0]->next_due_ms <= now)
        queue_ready(d, d->heap[0]);
}

static void run_ready(struct dispatch *d)
{
    struct list ready, *node;
    list_move(&ready, &d->ready);
    while ((d->stopping || slots_left(d)) && (node = list_pop_front(&ready))) {
        struct queue_state *q = LIST_OF(node, struct queue_state, ready);
        if (d->stopping)
            continue;
        if (slots_left_for(d, q))
            queue_run(d, q);
        else
            list_push_back(&d->slow_ready, &q->ready);
    }
    list_prepend(&d->ready, &ready); /* looked at again when something ends */
}

static void run_slow(struct dispatch *d)
{
    while (!list_empty(&d->slow_ready)) {
        struct queue_state *q = LIST_OF(d->slow_ready.next, struct queue_state, ready);
        if (!d->stopping && !slots_left_for(d, q))
            return;
        list_remove(&q->ready);
        if (!d->stopping)
            queue_run(d, q);
    }
}

static void on_turn(uv_idle_t *idle)
{
    struct dispatch *d = idle->data;
    uv_idle_stop(idle);
    targets_tell_gone(d);
    outcomes_flush(d); /* before the claims, so that they see the rows as they are now */
    take_due(d);
    run_ready(d);
    run_slow(d);
    outcomes_flush(d);
    arm(d);
}

void dispatch_turn(struct dispatch *d)
{
    if (!d->closing)
        uv_idle_start(&d->turn, on_turn);
}

static void on_timer(uv_timer_t *timer)
{
    dispatch_turn(timer->data);
}

static void arm(struct dispatch *d)
{
    if (!d->heap_count || clock_is_virtual(d->set.clock) || d->closing) {
        uv_timer_stop(&d->timer);
        return;
    }
    int64_t wait = d->heap[0]->next_due_ms - dispatch_now(d);
    uv_timer_start(&d->timer, on_timer, wait > 0 ? (uint64_t)wait : 0, 0);
}

void queue_ready(struct dispatch *d, struct queue_state *q)
{
    heap_remove(d, q);
    if (q->claiming) {
        q->again = 1;
        return;
    }
    if (list_empty(&q->ready))
        list_push_back(&d->ready, &q->ready);
    dispatch_turn(d);
}

void queue_due_at(struct dispatch *d, struct queue_state *q, int64_t due_ms)
{
    heap_remove(d, q);
    if (due_ms == INT64_MAX)
        return;
    q->next_due_ms = due_ms;
    if (due_ms <= dispatch_now(d)) {
        queue_ready(d, q);
        return;
    }
    d->heap = xgrow(d->heap, &d->heap_cap, d->heap_count + 1, sizeof(*d->heap));
    heap_put(d, d->heap_count++, q);
    heap_up(d, d->heap_count - 1);
    arm(d);
}

struct queue_state *queue_new(struct channel *channel, struct target *target, uint32_t concurrency)
{
    struct queue_state *q = xcalloc(1, sizeof(*q));
    list_init(&q->ready);
    q->channel = channel;
    q->target = target;
    q->concurrency = concurrency ? concurrency : DISPATCH_CONCURRENCY;
    q->window = 1;
    return q;
}

void queue_pace(struct queue_state *q)
{
    uint32_t least = q->rate && (!q->pace || q->rate < q->pace) ? q->rate : q->pace;
    if (least == q->bucket.per_minute)
        return;
    q->bucket.per_minute = least;
    q->bucket.at_ms = 0;
}

void queue_free(struct dispatch *d, struct queue_state *q)
{
    if (!q)
        return;
    heap_remove(d, q);
    list_remove(&q->ready);
    free(q);
}

static void wake_channel(struct dispatch *d, struct channel *ch, int all)
{
    size_t pos = 0;
    void *value;
    struct belfry_str key;
    if (!ch->live)
        return;
    if (ch->own && (ch->live->pub.vtable->flags & BELFRY_DELIVERY_PER_TARGET) == 0)
        queue_ready(d, ch->own);
    while (all && hash_next(ch->targets, &pos, &key, &value))
        queue_ready(d, ((struct target *)value)->queue);
}

void dispatch_wake(struct dispatch *d, const struct ledger_news *news)
{
    size_t pos = 0;
    void *value;
    struct belfry_str key;
    if (!news || news->deliveries)
        while (hash_next(d->channels, &pos, &key, &value))
            wake_channel(d, value, news == NULL);
    for (size_t i = 0; news && i < news->target_count; i++) {
        struct target *t = target_find(d, news->targets[i]);
        if (t)
            queue_ready(d, t->queue);
    }
    dispatch_turn(d);
}

/* --- channels
 * --------------------------------------------------------------------------------------------------------------- */

struct channel *channel_get(struct dispatch *d, const char *name)
{
    struct channel *ch = hash_get(d->channels, str_of(name));
    if (ch)
        return ch;
    ch = xcalloc(1, sizeof(*ch));
    ch->policy = dispatch_policy_default;
    ch->name = xstrdup(name);
    ch->targets = hash_new();
    hash_set(d->channels, str_of(name), ch);
    return ch;
}

/* Another channel had that name before and may still have something under way: it goes out of the way. */
static void set_aside(struct dispatch *d, struct channel *ch)
{
    char *name = xasprintf("%s before %p", ch->name, (void *)ch); /* no channel can have such a name */
    hash_del(d->channels, str_of(ch->name));
    hash_set(d->channels, str_of(name), ch);
    free(ch->name);
    ch->name = name;
    targets_drop(d, ch, 0, TARGETS_ALL);
}

void dispatch_channel_rename(struct dispatch *d, const char *from, const char *to)
{
    struct channel *ch = hash_get(d->channels, str_of(from)), *before = hash_get(d->channels, str_of(to));
    if (!ch)
        return;
    if (before && before->live) { /* two become one: what is under way ends where it began */
        targets_drop(d, ch, 0, TARGETS_ALL);
        return;
    }
    if (before) {
        target_set_unref(ch->prepared);
        ch->prepared = before->prepared; /* by the new instance, under its name */
        before->prepared = NULL;
        set_aside(d, before);
    }
    hash_del(d->channels, str_of(from));
    free(ch->name);
    ch->name = xstrdup(to);
    hash_set(d->channels, str_of(to), ch);
}

void live_unref(struct live *live)
{
    if (!live->draining || live->batches > 0)
        return;
    live->pub.released(live->pub.arg);
    free(live);
}

static void live_drain(struct channel *ch)
{
    struct live *live = ch->live;
    if (!live)
        return;
    ch->live = NULL;
    live->draining = 1;
    live_unref(live);
}

int dispatch_channel_set(struct dispatch *d, const struct dispatch_channel *channel)
{
    struct channel *ch = channel_get(d, channel->instance->name);
    if (channel->vtable->flags & BELFRY_DELIVERY_IN_COMMIT || !d->set.ledger)
        return 0;
    if (ch->live && ch->live->pub.self == channel->self) {
        ch->live->pub = *channel;
        declare_in_force(d, ch);
        return 1;
    }
    live_drain(ch);
    ch->live = xcalloc(1, sizeof(*ch->live));
    ch->live->pub = *channel;
    ch->live->channel = ch;
    declare_in_force(d, ch);
    if (!ch->own)
        ch->own = queue_new(ch, NULL, channel->vtable->max_inflight);
    ch->own->held_until_ms = 0; /* the one before said so, which was set up otherwise */
    channel_metrics(ch);
    wake_channel(d, ch, 1);
    return 1;
}

void dispatch_channel_remove(struct dispatch *d, const char *name)
{
    struct channel *ch = hash_get(d->channels, str_of(name));
    if (ch)
        live_drain(ch);
}

void dispatch_alarm(const struct dispatch *d, const char *type, struct belfry_str org, struct belfry_str subject,
                    const char *text)
{
    if (d->set.alarm && d->set.ledger)
        d->set.alarm(d->set.arg, type, org, subject, text);
}

/* --- life
 * ---------------------------------------------------------------------------------------------------------------------
 */

static int is_still(const struct dispatch *d)
{
    return hash_count(d->batches) == 0 && d->claims == 0 && !outcomes_pending(d);
}

void dispatch_tick(struct dispatch *d)
{
    batches_expire(d);
    slots_look(d);
    if (!d->set.ledger)
        return;
    outcomes_again(d);
    declare_again(d);
    targets_look(d);
    if (d->heap_count && d->heap[0]->next_due_ms <= dispatch_now(d))
        dispatch_turn(d); /* the clock was set forward, or the machine slept: uv's timers know nothing of that */
}

static void on_deadlines(uv_timer_t *timer)
{
    struct dispatch *d = timer->data;
    uint64_t now = clock_mono_ns(d->stopwatch);
    if (now >= d->again_ns) {
        d->again_ns = now + AGAIN_AFTER_NS;
        dispatch_tick(d);
    }
    if (!d->stopped || (!is_still(d) && now < d->stop_deadline_ns))
        return;
    if (!d->hurried && batches_hurry(d)) {
        d->hurried = 1;
        d->stop_deadline_ns = now + HURRY_NS;
        return;
    }
    batches_give_back(d);
    outcomes_flush(d);
    void (*stopped)(void *) = d->stopped;
    d->stopped = NULL;
    stopped(d->stopped_arg);
}

struct dispatch *dispatch_new(const struct dispatch_settings *settings)
{
    struct dispatch *d = xcalloc(1, sizeof(*d));
    d->set = *settings;
    d->stopwatch = clock_real();
    d->id_key = *store_id_key(settings->store);
    d->channels = hash_new();
    d->batches = hash_new();
    list_init(&d->open);
    list_init(&d->unwritten);
    list_init(&d->ready);
    list_init(&d->slow_ready);
    if (settings->secret)
        key_derive(settings->secret, "target-secrets", d->seal_key);
    uv_timer_init(settings->loop, &d->timer);
    uv_timer_init(settings->loop, &d->deadlines);
    uv_idle_init(settings->loop, &d->turn);
    d->timer.data = d->deadlines.data = d->turn.data = d;
    uv_timer_start(&d->deadlines, on_deadlines, DEADLINE_TICK_MS, DEADLINE_TICK_MS);
    uv_unref((uv_handle_t *)&d->deadlines);
    return d;
}

void dispatch_stop(struct dispatch *d, int64_t wait_ms, void (*done)(void *arg), void *arg)
{
    d->stopping = 1;
    d->stopped = done;
    d->stopped_arg = arg;
    d->stop_deadline_ns = clock_mono_ns(d->stopwatch) + (uint64_t)wait_ms * 1000000;
    uv_timer_start(&d->deadlines, on_deadlines, 0, 5);
}

static void on_closed(uv_handle_t *handle)
{
    struct dispatch *d = handle->data;
    if (--d->closing == 0)
        free(d);
}

static void channel_free(struct dispatch *d, struct channel *ch)
{
    size_t pos = 0;
    void *value;
    struct belfry_str key;
    while (hash_next(ch->targets, &pos, &key, &value))
        target_free(d, value);
    hash_free(ch->targets, NULL);
    queue_free(d, ch->own);
    target_set_unref(ch->prepared);
    target_set_unref(ch->set);
    free(ch->waits);
    free(ch->name);
    free(ch);
}

void dispatch_detach(struct dispatch *d)
{
    size_t pos = 0;
    void *value;
    struct belfry_str key;
    d->stopping = 1;
    d->set.ledger = NULL;
    while (hash_next(d->channels, &pos, &key, &value))
        live_drain(value);
}

void dispatch_free(struct dispatch *d)
{
    size_t pos = 0;
    void *value;
    struct belfry_str key;
    if (!d)
        return;
    while (hash_next(d->channels, &pos, &key, &value))
        channel_free(d, value);
    hash_free(d->channels, NULL);
    hash_free(d->batches, NULL);
    outcomes_free(d);
    free(d->gone);
    free(d->heap);
    mem_wipe(d->seal_key, sizeof(d->seal_key));
    d->closing = 3;
    uv_timer_stop(&d->timer);
    uv_timer_stop(&d->deadlines);
    uv_idle_stop(&d->turn);
    uv_close((uv_handle_t *)&d->timer, on_closed);
    uv_close((uv_handle_t *)&d->deadlines, on_closed);
    uv_close((uv_handle_t *)&d->turn, on_closed);
}

int dispatch_idle(const struct dispatch *d)
{
    return list_empty(&d->ready) && list_empty(&d->slow_ready) && is_still(d) &&
           (!d->heap_count || d->heap[0]->next_due_ms > dispatch_now(d));
}

static void count_targets(const struct channel *ch, struct dispatch_numbers *out)
{
    size_t pos = 0;
    void *value;
    struct belfry_str key;
    while (hash_next(ch->targets, &pos, &key, &value)) {
        const struct target *t = value;
        out->targets += !t->removed;
        out->breakers_open += t->queue->breaker.open_until_ms != 0;
    }
}

void dispatch_numbers(const struct dispatch *d, struct dispatch_numbers *out)
{
    size_t pos = 0;
    void *value;
    struct belfry_str key;
    *out = d->numbers;
    out->inflight = d->inflight;
    while (hash_next(d->channels, &pos, &key, &value))
        count_targets(value, out);
}
