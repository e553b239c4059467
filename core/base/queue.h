/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multi-producer queue of intrusive nodes between threads. push is wait-free but for a mutex held for a few
 * instructions; take_all detaches everything, so the consumer never works under the lock.
 */
#ifndef BASE_QUEUE_H
#define BASE_QUEUE_H

#include "base/list.h"

#include <pthread.h>
#include <stdint.h>

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t ready;
    struct list items;
    size_t count;
    int woken; /* queue_wake() was called and no wait has seen it yet */
};

void queue_init(struct queue *q);
void queue_fini(struct queue *q);
/* Returns the number of items before the push: 0 means the consumer must be woken when it does not wait here. [any] */
size_t queue_push(struct queue *q, struct list *node);
/* Moves everything to `to` (initialised by the call). Returns the count. [consumer] */
size_t queue_take_all(struct queue *q, struct list *to);
/* Same, but waits until something is there, queue_wake() or the deadline (CLOCK_MONOTONIC ns, 0: for ever). [consumer]
 */
size_t queue_wait_all(struct queue *q, struct list *to, uint64_t deadline_ns);
/* Wakes a waiting consumer without an item: its wait returns 0. When none waits, the next wait returns at once, so a
 * wake is never lost. [any] */
void queue_wake(struct queue *q);
size_t queue_count(struct queue *q);

#endif
