/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queue between threads. The lock is held for a few pointer writes; the consumer works on what it detached. The
 * condition runs on CLOCK_MONOTONIC, so that a jump of the wall clock neither hangs nor spins a waiter.
 */
#include "base/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

void queue_init(struct queue *q)
{
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr) != 0 || pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) != 0 ||
        pthread_cond_init(&q->ready, &attr) != 0 || pthread_mutex_init(&q->lock, NULL) != 0)
        abort();
    pthread_condattr_destroy(&attr);
    list_init(&q->items);
    q->count = 0;
    q->woken = 0;
}

void queue_fini(struct queue *q)
{
    pthread_cond_destroy(&q->ready);
    pthread_mutex_destroy(&q->lock);
}

size_t queue_push(struct queue *q, struct list *node)
{
    pthread_mutex_lock(&q->lock);
    size_t before = q->count++;
    list_push_back(&q->items, node);
    pthread_mutex_unlock(&q->lock);
    /* After the first item the consumer is awake or about to be. */
    if (before == 0)
        pthread_cond_signal(&q->ready);
    return before;
}

/* With the lock held. */
static size_t detach(struct queue *q, struct list *to)
{
    size_t count = q->count;
    list_move(to, &q->items);
    q->count = 0;
    return count;
}

size_t queue_take_all(struct queue *q, struct list *to)
{
    pthread_mutex_lock(&q->lock);
    size_t count = detach(q, to);
    pthread_mutex_unlock(&q->lock);
    return count;
}

size_t queue_wait_all(struct queue *q, struct list *to, uint64_t deadline_ns)
{
    struct timespec until = {(time_t)(deadline_ns / 1000000000), (long)(deadline_ns % 1000000000)};
    int waited = 0;
    pthread_mutex_lock(&q->lock);
    while (q->count == 0 && !q->woken && waited != ETIMEDOUT)
        waited =
            deadline_ns ? pthread_cond_timedwait(&q->ready, &q->lock, &until) : pthread_cond_wait(&q->ready, &q->lock);
    q->woken = 0;
    size_t count = detach(q, to);
    pthread_mutex_unlock(&q->lock);
    return count;
}

void queue_wake(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->woken = 1;
    pthread_mutex_unlock(&q->lock);
    pthread_cond_signal(&q->ready);
}

size_t queue_count(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    size_t count = q->count;
    pthread_mutex_unlock(&q->lock);
    return count;
}
