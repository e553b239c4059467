/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop and the clock. A turn detaches what was posted and runs it; what that posts belongs to the next turn. The
 * clock stands still while anything is due and then goes from one due moment to the next, so that whatever happens does
 * so at its own time, in the same order in every run.
 */
#include "fake.h"

#include <stdlib.h>

#define TURNS_MAX 100000

static int run_posts(struct belfry_test *t)
{
    struct list now;
    size_t count = queue_take_all(&t->posts, &now);
    struct list *node;
    while ((node = list_pop_front(&now))) {
        struct fake_post *post = LIST_OF(node, struct fake_post, node);
        post->fn(post->arg);
        free(post);
    }
    return count > 0;
}

/* The loop timer that is due first; those with the same time in the order they were started. */
static struct fake_loop_timer *first_loop_timer(const struct belfry_test *t)
{
    struct fake_loop_timer *first = NULL;
    for (size_t i = 0; i < t->loop_timers.count; i++) {
        struct fake_loop_timer *timer = &t->loop_timers.items[i];
        if (!timer->stopped && (!first || timer->due_ms < first->due_ms))
            first = timer;
    }
    return first;
}

static int run_loop_timer(struct belfry_test *t)
{
    struct fake_loop_timer *timer = first_loop_timer(t);
    if (!timer || timer->due_ms > clock_now_ms(t->clock))
        return 0;
    if (timer->repeat_ms > 0)
        timer->due_ms += timer->repeat_ms;
    else
        timer->stopped = 1;
    timer->fn(timer->arg);
    return 1;
}

/* Durable timers: oldest first, then by key. */
static size_t first_timer(const struct belfry_test *t)
{
    size_t first = SIZE_MAX;
    for (size_t i = 0; i < t->timers.count; i++) {
        const struct fake_timer *a = &t->timers.items[i], *b = first == SIZE_MAX ? NULL : &t->timers.items[first];
        if (!b || a->due_ms < b->due_ms || (a->due_ms == b->due_ms && str_cmp(a->key, b->key) < 0))
            first = i;
    }
    return first;
}

static size_t first_task(const struct belfry_test *t)
{
    size_t first = SIZE_MAX;
    for (size_t i = 0; i < t->tasks.count; i++) {
        const struct fake_task *task = &t->tasks.items[i];
        if (!task->running && (first == SIZE_MAX || task->due_ms < t->tasks.items[first].due_ms))
            first = i;
    }
    return first;
}

static int run_durable(struct belfry_test *t)
{
    int64_t now = clock_now_ms(t->clock);
    if (!t->created || t->stopping)
        return 0;
    size_t timer = first_timer(t), task = first_task(t);
    if (timer != SIZE_MAX && t->timers.items[timer].due_ms <= now) {
        fake_timer_run(t, timer);
        return 1;
    }
    if (task != SIZE_MAX && t->tasks.items[task].due_ms <= now) {
        fake_task_run(t, task);
        return 1;
    }
    return 0;
}

void belfry_test_settle(struct belfry_test *t)
{
    for (int turns = 0; turns < TURNS_MAX; turns++) {
        fake_expire(t);
        int did = run_posts(t);
        did |= run_loop_timer(t);
        did |= run_durable(t);
        did |= fake_watch_run(t);
        did |= fake_http_due(t);
        did |= fake_smtp_due(t);
        did |= fake_deliveries_due(t);
        if (!did)
            return;
    }
    fake_misuse("belfry_test_settle", "the plugin does not come to rest: something is due again and again");
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t fake_next_due(const struct belfry_test *t)
{
    int64_t next = earlier(earlier(fake_http_next(t), fake_smtp_next(t)), fake_deliveries_next(t));
    const struct fake_loop_timer *loop_timer = first_loop_timer(t);
    if (loop_timer)
        next = earlier(next, loop_timer->due_ms);
    size_t timer = first_timer(t), task = first_task(t);
    if (t->created && !t->stopping) {
        if (timer != SIZE_MAX)
            next = earlier(next, t->timers.items[timer].due_ms);
        if (task != SIZE_MAX)
            next = earlier(next, t->tasks.items[task].due_ms);
    }
    for (size_t i = 0; i < t->rows.count; i++) {
        const struct fake_row *row = &t->rows.items[i];
        if (row->validity == FAKE_LIVE && row->valid_until_ms)
            next = earlier(next, row->valid_until_ms);
    }
    return next;
}

static void move_to(struct belfry_test *t, int64_t target)
{
    belfry_test_settle(t);
    for (int64_t next = fake_next_due(t); next <= target; next = fake_next_due(t)) {
        if (next > clock_now_ms(t->clock))
            clock_set(t->clock, next);
        belfry_test_settle(t);
    }
    clock_set(t->clock, target);
    belfry_test_settle(t);
}

int64_t belfry_test_now(const struct belfry_test *t)
{
    return clock_now_ms(t->clock);
}

void belfry_test_advance(struct belfry_test *t, const char *duration)
{
    int64_t ms = 0;
    if (duration_parse(str_of(duration), &ms, NULL) != BELFRY_OK || ms < 0)
        fake_misuse("belfry_test_advance", "\"%s\" is no duration", duration);
    else
        move_to(t, clock_now_ms(t->clock) + ms);
}

void belfry_test_until(struct belfry_test *t, const char *time)
{
    int64_t ms = 0;
    if (time_parse(str_of(time), &ms) != BELFRY_OK)
        fake_misuse("belfry_test_until", "\"%s\" is no RFC 3339 time", time);
    else if (ms < clock_now_ms(t->clock))
        fake_misuse("belfry_test_until", "\"%s\" has passed", time);
    else
        move_to(t, ms);
}

/* --- belfry.timer/1 ----------------------------------------------------------------------------------------------- */

static belfry_status timer_start(const struct belfry_host *host, int64_t delay_ms, int64_t repeat_ms,
                                 void (*fn)(void *arg), void *arg, uint64_t *id)
{
    struct belfry_test *t = fake_of(host);
    if (!fn || delay_ms < 0 || repeat_ms < 0)
        return BELFRY_EINVAL;
    struct fake_loop_timer *timer = FAKE_ADD(t, &t->loop_timers);
    *timer = (struct fake_loop_timer){.id = fake_id(t),
                                      .due_ms = clock_now_ms(t->clock) + delay_ms,
                                      .repeat_ms = repeat_ms,
                                      .fn = fn,
                                      .arg = arg,
                                      .instance = t->instance};
    if (id)
        *id = timer->id;
    return BELFRY_OK;
}

static void timer_stop(const struct belfry_host *host, uint64_t id)
{
    struct belfry_test *t = fake_of(host);
    for (size_t i = 0; i < t->loop_timers.count; i++) {
        if (t->loop_timers.items[i].id == id) {
            t->loop_timers.items[i].stopped = 1;
            return;
        }
    }
    fake_fault(t, "R04: stop() of loop timer %llu, which was never started", (unsigned long long)id);
}

const struct belfry_timer_api fake_timer_api = {sizeof(struct belfry_timer_api), 0, timer_start, timer_stop};
