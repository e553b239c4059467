/* SPDX-License-Identifier: Apache-2.0 */
/* Shared between the files of the dispatch room only. */
#ifndef DISPATCH_INTERNAL_H
#define DISPATCH_INTERNAL_H

#include "base/hash.h"
#include "base/list.h"
#include "base/metrics.h"
#include "dispatch/dispatch.h"

#define DISPATCH_INFLIGHT_MAX 256
#define DISPATCH_CONCURRENCY 8 /* of a target that names none */

/* A breaker of a target: opens when most of the requests of the last minutes failed, lets one through after a pause. */
struct breaker {
    int64_t window_ms; /* start of the window that is counted */
    uint32_t requests, failures;
    int64_t open_until_ms; /* 0: closed */
    int probing;           /* half open: one request is under way */
};
void breaker_note(struct breaker *b, int failed, int64_t now_ms);
/* 0: go on; else the instant to look again. */
int64_t breaker_wait(struct breaker *b, int64_t now_ms);

/* Token bucket per minute. */
struct bucket {
    uint32_t per_minute; /* 0: none */
    double tokens;
    int64_t at_ms;
};
/* How many may go now, at most `want`. */
uint32_t bucket_free(struct bucket *b, uint32_t want, int64_t now_ms);
void bucket_take(struct bucket *b, uint32_t n);
int64_t bucket_next_ms(const struct bucket *b, int64_t now_ms);

/* A live instance of a channel; batches and claims under way keep it. */
struct live {
    struct dispatch_channel pub;
    struct list node; /* in dispatch.lives */
    uint32_t refs;    /* batches and claims */
    int draining;
    int gone; /* the instance is destroyed: nothing of it is called */
    void (*drained)(void *arg);
    void *arg;
};

struct target_set;

struct channel {
    char *name;
    struct live *live;                 /* NULL: removed */
    struct hash *targets;              /* by id */
    struct target_set *prepared, *set; /* declared, not yet in force; in force */
    struct belfry_target_policy policy;
    int64_t *waits;
    struct queue_state *own;                            /* queue of rows without a target */
    struct metric *by_outcome[OUTCOME_COUNT], *latency; /* looked up once; NULL: not yet */
    struct metric *call_time;                           /* of deliver() */
};

/* What plugins see of a target. Batches keep it, so that a change does not pull it away from under them. */
struct target_facts {
    struct belfry_target pub;
    struct arena *arena; /* strings, and this */
    uint32_t refs;
};

struct target {
    int64_t id;
    struct target_facts *facts;
    int64_t first_failure_ms; /* since the last success; 0: none */
    int enabled, warned;
    int removed; /* of the configuration: goes when nothing of it is under way */
    struct queue_state *queue;
    uint64_t declared; /* round of the declaration that named it last */
};

/* Rows of one target, or of a channel without targets, in order of due time. */
struct queue_state {
    struct list ready; /* in dispatch.ready, or unlinked */
    struct channel *channel;
    struct target *target; /* NULL: the channel's own */
    uint32_t concurrency, inflight;
    int claiming, again;   /* again: news came while a claim was under way */
    uint32_t claimed;      /* slots of the claim */
    int64_t held_until_ms; /* the plugin said that the whole channel or target is down */
    int64_t next_due_ms;
    size_t heap_at; /* position + 1 in the heap; 0: not in it */
    struct breaker breaker;
    struct bucket bucket;
};

struct batch {
    struct belfry_batch pub;
    struct belfry_item item;
    const struct belfry_item *items[1];
    struct belfry_person person;
    struct live *live;
    struct queue_state *queue;
    struct target_facts *facts; /* NULL: not a target's */
    struct claim_memory *memory;
    int64_t started_ms, delivery, due_ms;
    uint32_t attempt;
    uint64_t started_ns, deadline_ns;
    int canceled;
    struct list node;
};

struct dispatch {
    struct dispatch_settings set;
    struct id_key id_key;
    struct hash *channels; /* by name */
    struct hash *batches;  /* by id */
    struct list open;      /* batches, oldest first */
    struct list lives;
    struct list ready; /* queues that may have something now */
    struct queue_state **heap;
    size_t heap_count, heap_cap;
    uv_timer_t timer, deadlines;
    uv_idle_t turn;
    struct ledger_outcome *outcomes; /* of this turn */
    struct arena *outcome_arena;
    size_t outcome_count, outcome_cap;
    uint64_t next_batch, round;
    uint32_t inflight, claimed; /* batches under way; slots of claims under way */
    uint32_t pending;           /* answers that the ledger owes; the memory of this struct waits for them */
    struct dispatch_numbers numbers;
    uint8_t seal_key[32];
    int stopping, closing;
    int handles; /* that are being closed */
    uint64_t stop_deadline_ns;
    void (*stopped)(void *arg);
    void *stopped_arg;
};

/* dispatch.c */
int64_t dispatch_now(const struct dispatch *d);
void dispatch_turn(struct dispatch *d); /* run the ready list on the next turn */
void queue_ready(struct dispatch *d, struct queue_state *q);
void queue_due_at(struct dispatch *d, struct queue_state *q, int64_t due_ms);
struct queue_state *queue_new(struct channel *channel, struct target *target, uint32_t concurrency);
void queue_free(struct dispatch *d, struct queue_state *q);
struct channel *channel_get(struct dispatch *d, const char *name); /* made when missing */

void dispatch_unref(struct dispatch *d); /* one answer or handle the less */

/* outcome.c */
/* What a result means for the row; written at the end of the turn. */
void outcome_judge(struct dispatch *d, struct batch *b, const struct belfry_result *result);
/* A row that was claimed and not tried: as it was before. */
void outcome_give_back(struct dispatch *d, int64_t delivery, uint32_t attempt, int64_t due_ms);
void outcomes_flush(struct dispatch *d);

/* batch.c */
void queue_run(struct dispatch *d, struct queue_state *q);
void batches_expire(struct dispatch *d);
/* Ends those of one instance, or of all (NULL): their rows are due again, no attempt is counted. */
void batches_give_back(struct dispatch *d, const struct live *live);
/* Frees them without a word. */
void batches_forget(struct dispatch *d);
void live_unref(struct live *live);

/* targets.c */
void target_facts_unref(struct target_facts *facts);
void target_free(struct dispatch *d, struct target *target);
void target_result(struct dispatch *d, struct target *target, uint32_t outcome, uint32_t attempt);
/* Frees a removed target when nothing of it is under way: its queue is gone then. */
void target_settle(struct dispatch *d, struct target *target);
struct belfry_str target_key(const int64_t *id);
struct target *target_find(struct dispatch *d, int64_t id);

/* declare.c */
void declare_prepared(struct dispatch *d, struct channel *ch);
void target_set_unref(struct target_set *set);

#endif
