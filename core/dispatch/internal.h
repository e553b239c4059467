/* SPDX-License-Identifier: Apache-2.0 */
/* Shared between the files of the dispatch room only. */
#ifndef DISPATCH_INTERNAL_H
#define DISPATCH_INTERNAL_H

#include "base/hash.h"
#include "base/list.h"
#include "base/metrics.h"
#include "dispatch/dispatch.h"

/* A breaker: opens when most of the last requests failed, lets one through after a pause. */
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

/* A live instance of a channel; batches under way keep it. */
struct live {
    struct dispatch_channel pub;
    struct channel *channel;
    uint32_t batches; /* and claims */
    int draining;
};

struct channel {
    char *name;
    struct live *live;    /* NULL: removed */
    struct hash *targets; /* by id */
    uint64_t declarations;
    struct belfry_target_policy policy;
    int64_t *waits;
    struct metric *call_time;                           /* of deliver() */
    struct queue_state *own;                            /* queue of rows without a target */
    struct metric *by_outcome[OUTCOME_COUNT], *latency; /* looked up once; NULL: not yet */
};

struct target {
    struct belfry_target pub;
    struct arena *arena; /* strings */
    int64_t first_failure_ms;
    uint32_t streak; /* failures since the last success */
    int enabled, warned;
    struct queue_state *queue;
    uint64_t declared; /* round of the declaration that named it last */
};

/* Rows of one target, or of a channel without targets, in order of due time. */
struct queue_state {
    struct list ready; /* in dispatch.ready, or unlinked */
    struct channel *channel;
    struct target *target; /* NULL: the channel's own */
    uint32_t concurrency, inflight;
    int claiming, again; /* again: news came while a claim was under way */
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
    struct claim_memory *memory;
    int64_t started_ms, delivery;
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
    struct list ready;     /* queues that may have something now */
    struct queue_state **heap;
    size_t heap_count, heap_cap;
    uv_timer_t timer, deadlines;
    uv_idle_t turn;
    struct sheet *sheet, *spare_sheet; /* outcomes of this turn, or NULL */
    struct list unwritten;             /* sheets to give to the ledger again */
    struct list undeclared;            /* declarations of targets, likewise */
    struct list held;                  /* declarations of a reload that is not in force yet */
    int holding;
    size_t declaring; /* on their way through the ledger */
    void (*declared)(void *arg);
    void *declared_arg;
    uint64_t next_batch, round;
    uint32_t inflight, claims; /* claims: commands of ours in the ledger, of either kind */
    struct dispatch_numbers numbers;
    uint8_t seal_key[32];
    int stopping, closing;
    uint64_t stop_deadline_ns, again_ns;
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

/* batch.c */
void queue_run(struct dispatch *d, struct queue_state *q);
void batches_expire(struct dispatch *d);    /* those past their deadline */
void batches_give_back(struct dispatch *d); /* all: cancelled and forgotten, their rows end their lease */
void live_unref(struct live *live);

/* outcomes.c */
void outcome_judge(struct dispatch *d, const struct batch *b, const struct belfry_result *r);
/* The hub stops: a claimed row that no plugin has seen waits as before; one that a plugin works on is due again when it
 * is a target's (the receiver knows its id), else nobody knows whether it arrived. No attempt is counted. */
void outcome_untouched(struct dispatch *d, const struct ledger_claim_item *item);
void outcome_interrupted(struct dispatch *d, const struct batch *b);
void outcomes_flush(struct dispatch *d); /* to the ledger, as one command */
void outcomes_again(struct dispatch *d); /* what could not be written */
int outcomes_pending(const struct dispatch *d);
void outcomes_free(struct dispatch *d);

/* targets.c */
void target_free(struct dispatch *d, struct target *target);
void target_result(struct dispatch *d, struct target *target, uint32_t outcome, uint32_t attempt);
void targets_again(struct dispatch *d); /* declarations that the ledger could not record */
void targets_drop_undeclared(struct dispatch *d);

#endif
