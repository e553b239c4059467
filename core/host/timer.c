/* SPDX-License-Identifier: Apache-2.0 */
/*
 * belfry.timer/1: loop timers by the hub's clock, real or virtual. Kept in one list ordered by due time (plugins have
 * few), with one uv_timer armed for the first. Due timers are moved to a ready list before the first callback runs, so
 * a timer that re-arms itself waits for the next turn.
 */
#include "base/mem.h"
#include "host/internal.h"
#include "plugin/misuse.h"

struct timer {
    struct host_thing thing;
    struct list node; /* in host_timers.armed or a ready list */
    struct host_timers *timers;
    uint64_t due_ns, repeat_ns;
    void (*fn)(void *arg);
    void *arg;
};

struct host_timers {
    struct clock_src *clock;
    uv_timer_t uv;
    struct list armed;
};

static void arm(struct host_timers *timers);

static void insert(struct host_timers *timers, struct timer *t)
{
    struct list *at = &timers->armed;
    while (at->prev != &timers->armed && LIST_OF(at->prev, struct timer, node)->due_ns > t->due_ns)
        at = at->prev;
    list_insert_before(at, &t->node);
}

void host_timers_poke(struct host_timers *timers)
{
    uint64_t now = clock_mono_ns(timers->clock);
    struct list ready;
    list_init(&ready);
    while (!list_empty(&timers->armed)) {
        struct timer *t = LIST_OF(timers->armed.next, struct timer, node);
        if (t->due_ns > now)
            break;
        list_remove(&t->node);
        list_push_back(&ready, &t->node);
    }
    /* a callback may stop timers of the ready list: it only unlinks, so popping from the front stays right */
    struct list *node;
    while ((node = list_pop_front(&ready))) {
        struct timer *t = LIST_OF(node, struct timer, node);
        void (*fn)(void *) = t->fn;
        void *arg = t->arg;
        if (t->repeat_ns) {
            t->due_ns = now + t->repeat_ns;
            insert(timers, t);
        } else {
            host_thing_remove(&t->thing);
            free(t);
        }
        fn(arg);
    }
    arm(timers);
}

static void on_uv(uv_timer_t *uv)
{
    host_timers_poke(uv->data);
}

static void arm(struct host_timers *timers)
{
    if (list_empty(&timers->armed) || clock_is_virtual(timers->clock)) {
        uv_timer_stop(&timers->uv);
        return;
    }
    uint64_t now = clock_mono_ns(timers->clock);
    uint64_t due = LIST_OF(timers->armed.next, struct timer, node)->due_ns;
    uint64_t wait_ms = due > now ? (due - now + 999999) / 1000000 : 0;
    uv_timer_start(&timers->uv, on_uv, wait_ms, 0);
}

struct host_timers *host_timers_new(uv_loop_t *loop, struct clock_src *clock)
{
    struct host_timers *timers = xcalloc(1, sizeof(*timers));
    timers->clock = clock;
    list_init(&timers->armed);
    uv_timer_init(loop, &timers->uv);
    timers->uv.data = timers;
    return timers;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void host_timers_free(struct host_timers *timers)
{
    uv_close((uv_handle_t *)&timers->uv, on_closed);
}

static void drop(struct host_thing *thing)
{
    struct timer *t = LIST_OF(thing, struct timer, thing);
    list_remove(&t->node);
    free(t);
}

static belfry_status start(const struct belfry_host *table, int64_t delay_ms, int64_t repeat_ms, void (*fn)(void *arg),
                           void *arg, uint64_t *id)
{
    if (!host_on_loop(table, "timer.start"))
        return BELFRY_EPERM;
    if (delay_ms < 0 || repeat_ms < 0 || !fn)
        return BELFRY_EINVAL;
    struct host_timers *timers = host_timers(host_of(table));
    struct timer *t = xcalloc(1, sizeof(*t));
    t->timers = timers;
    t->due_ns = clock_mono_ns(timers->clock) + (uint64_t)delay_ms * 1000000;
    t->repeat_ns = (uint64_t)repeat_ms * 1000000;
    t->fn = fn;
    t->arg = arg;
    uint64_t made = host_thing_add(host_instance_of(table), &t->thing, "timer", drop);
    insert(timers, t);
    arm(timers);
    if (id)
        *id = made;
    return BELFRY_OK;
}

static void stop(const struct belfry_host *table, uint64_t id)
{
    if (!host_on_loop(table, "timer.stop"))
        return;
    struct host_thing *thing = host_thing_find(host_instance_of(table), id, "timer");
    if (!thing) {
        misuse_stale(table->instance, "timer.stop", "R04", id);
        return;
    }
    struct timer *t = LIST_OF(thing, struct timer, thing);
    host_thing_remove(thing);
    list_remove(&t->node);
    arm(t->timers);
    free(t);
}

const struct belfry_timer_api host_timer_api = {sizeof(struct belfry_timer_api), 0, start, stop};
