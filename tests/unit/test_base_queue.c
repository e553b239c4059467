/* SPDX-License-Identifier: Apache-2.0 */
/* The queue between threads: order, counts, deadlines, wakes. Meant to be run under ThreadSanitizer too. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define PRODUCERS 4
#define PER_PRODUCER 20000

struct item {
    struct list node;
    int producer, number;
};

struct producer {
    pthread_t thread;
    struct queue *queue;
    struct item *items;
    int id;
    size_t found_empty; /* pushes that returned 0 */
};

static void *produce(void *arg)
{
    struct producer *p = arg;
    for (int i = 0; i < PER_PRODUCER; i++) {
        p->items[i].producer = p->id;
        p->items[i].number = i;
        p->found_empty += queue_push(p->queue, &p->items[i].node) == 0;
    }
    return NULL;
}

static void start(struct producer *producers, struct queue *q)
{
    for (int i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){.queue = q, .id = i, .items = xcalloc(PER_PRODUCER, sizeof(struct item))};
        assert_int_equal(pthread_create(&producers[i].thread, NULL, produce, &producers[i]), 0);
    }
}

/* Returns how many items there were; the numbers of each producer must come in their order. */
static size_t check_order(struct list *batch, int *next)
{
    size_t count = 0;
    struct list *node;
    while ((node = list_pop_front(batch)) != NULL) {
        struct item *item = LIST_OF(node, struct item, node);
        assert_int_equal(item->number, next[item->producer]++);
        count++;
    }
    return count;
}

static void nothing_is_lost_between_threads(void **state)
{
    (void)state;
    struct queue q;
    struct producer producers[PRODUCERS];
    int next[PRODUCERS] = {0};
    size_t total = 0, batches = 0, found_empty = 0;
    queue_init(&q);
    start(producers, &q);
    while (total < (size_t)PRODUCERS * PER_PRODUCER) {
        struct list batch;
        size_t count = queue_wait_all(&q, &batch, 0);
        assert_true(count > 0);
        assert_int_equal(check_order(&batch, next), count);
        total += count;
        batches++;
    }
    for (int i = 0; i < PRODUCERS; i++) {
        pthread_join(producers[i].thread, NULL);
        found_empty += producers[i].found_empty;
        free(producers[i].items);
    }
    /* Each batch began with exactly one push onto the empty queue: a loop that is woken by it misses none. */
    assert_int_equal(found_empty, batches);
    assert_int_equal(queue_count(&q), 0);
    queue_fini(&q);
}

static void a_polling_consumer_sees_all(void **state)
{
    (void)state;
    struct queue q;
    struct producer producers[PRODUCERS];
    int next[PRODUCERS] = {0};
    size_t total = 0;
    queue_init(&q);
    start(producers, &q);
    while (total < (size_t)PRODUCERS * PER_PRODUCER) {
        struct list batch;
        size_t count = queue_take_all(&q, &batch);
        assert_int_equal(check_order(&batch, next), count);
        total += count;
    }
    for (int i = 0; i < PRODUCERS; i++) {
        pthread_join(producers[i].thread, NULL);
        free(producers[i].items);
    }
    queue_fini(&q);
}

static void push_tells_whether_to_wake(void **state)
{
    (void)state;
    struct queue q;
    struct item items[3];
    struct list batch;
    queue_init(&q);
    assert_int_equal(queue_push(&q, &items[0].node), 0);
    assert_int_equal(queue_push(&q, &items[1].node), 1);
    assert_int_equal(queue_push(&q, &items[2].node), 2);
    assert_int_equal(queue_count(&q), 3);
    assert_int_equal(queue_take_all(&q, &batch), 3);
    for (int i = 0; i < 3; i++)
        assert_ptr_equal(list_pop_front(&batch), &items[i].node);
    assert_null(list_pop_front(&batch));
    assert_int_equal(queue_take_all(&q, &batch), 0);
    assert_true(list_empty(&batch));
    assert_int_equal(queue_push(&q, &items[0].node), 0);
    assert_int_equal(queue_wait_all(&q, &batch, 0), 1);
    queue_fini(&q);
}

static void a_wait_ends_at_its_deadline_or_wake(void **state)
{
    (void)state;
    struct queue q;
    struct list batch;
    struct item item;
    queue_init(&q);
    /* The deadline has passed: nothing to wait for. */
    assert_int_equal(queue_wait_all(&q, &batch, 1), 0);
    assert_true(list_empty(&batch));
    uint64_t deadline = clock_mono_ns(clock_real()) + 2000000;
    assert_int_equal(queue_wait_all(&q, &batch, deadline), 0);
    assert_true(clock_mono_ns(clock_real()) >= deadline);
    /* A wake before the wait counts, once. */
    queue_wake(&q);
    queue_wake(&q);
    assert_int_equal(queue_wait_all(&q, &batch, 0), 0);
    deadline = clock_mono_ns(clock_real()) + 2000000;
    assert_int_equal(queue_wait_all(&q, &batch, deadline), 0);
    assert_true(clock_mono_ns(clock_real()) >= deadline);
    /* A wake and an item: the item comes with it. */
    queue_push(&q, &item.node);
    queue_wake(&q);
    assert_int_equal(queue_wait_all(&q, &batch, 0), 1);
    queue_fini(&q);
}

static void *wait_for_ever(void *arg)
{
    struct list batch;
    queue_wait_all(arg, &batch, 0);
    return NULL;
}

static void a_wake_ends_a_wait_for_ever(void **state)
{
    (void)state;
    struct queue q;
    pthread_t thread;
    queue_init(&q);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(pthread_create(&thread, NULL, wait_for_ever, &q), 0);
        queue_wake(&q);
        pthread_join(thread, NULL);
    }
    queue_fini(&q);
}

struct pair {
    struct queue *in, *out;
    int lost;
};

/* Takes the one item from its queue and hands it on; a push that wakes nobody is seen as a wait that ran out. */
static void *pass_on(void *arg)
{
    struct pair *pair = arg;
    for (int i = 0; i < 2000 && !pair->lost; i++) {
        struct list batch;
        uint64_t deadline = clock_mono_ns(clock_real()) + UINT64_C(10000000000);
        pair->lost = queue_wait_all(pair->in, &batch, deadline) != 1;
        if (!pair->lost)
            queue_push(pair->out, list_pop_front(&batch));
    }
    return NULL;
}

static void a_push_wakes_the_consumer(void **state)
{
    (void)state;
    struct queue there, back;
    struct pair pairs[2] = {{&there, &back, 0}, {&back, &there, 0}};
    pthread_t threads[2];
    struct item item;
    queue_init(&there);
    queue_init(&back);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, pass_on, &pairs[i]), 0);
    queue_push(&there, &item.node);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(pairs[0].lost + pairs[1].lost, 0);
    assert_int_equal(queue_count(&there), 1);
    queue_fini(&there);
    queue_fini(&back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_between_threads), cmocka_unit_test(a_polling_consumer_sees_all),
        cmocka_unit_test(push_tells_whether_to_wake),      cmocka_unit_test(a_wait_ends_at_its_deadline_or_wake),
        cmocka_unit_test(a_wake_ends_a_wait_for_ever),     cmocka_unit_test(a_push_wakes_the_consumer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
