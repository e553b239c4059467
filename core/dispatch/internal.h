/* SPDX-License-Identifier: Apache-2.0 */
/* Shared between the files of the dispatch room only. */
#ifndef DISPATCH_INTERNAL_H
#define DISPATCH_INTERNAL_H

#include "base/hash.h"
#include "base/list.h"
#include "base/metrics.h"
#include "dispatch/dispatch.h"
#include "ledger/made.h"

#define DISPATCH_INFLIGHT_MAX 1024                    /* slots: requests that the hub has under way at most */
#define DISPATCH_SLOW_MAX (DISPATCH_INFLIGHT_MAX / 2) /* of them for what answers slowly, or not at all */

/* A breaker: opens when most of the last requests failed, lets one through after a pause. */
struct breaker {
    int64_t window_ms; /* start of the window that is counted */
    uint32_t requests, failures, in_a_row;
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
    struct live *live;                 /* NULL: removed */
    struct hash *targets;              /* by id */
    struct target_set *prepared, *set; /* declared, not yet in force; in force */
    int unwritten;                     /* the set in force could not be recorded: once more */
    int told_sealed;                   /* that endpoints cannot be opened was said, and is still so */
    struct belfry_target_policy policy;
    int64_t *waits;
    struct queue_state *own; /* queue of rows without a target */
    /* looked up once an instance; NULL: not yet */
    struct metric *by_outcome[OUTCOME_COUNT], *by_result[BELFRY_THROTTLED + 1];
    struct metric *latency, *last_success, *call_time; /* call_time: of deliver() */
};

/* What people set of a target that was made over the API. */
struct endpoint {
    struct arena *arena; /* this too */
    int64_t version;
    struct belfry_str owner;
    struct endpoint_doc doc;
    int sealed; /* its secret or its settings cannot be opened: nothing is sent to it */
};

/* What plugins see of a target. Batches keep it, so that a change does not pull it away from under them. */
struct target_facts {
    struct belfry_target pub;
    struct arena *arena; /* strings, and this */
    uint32_t refs;
    int64_t secrets_end_ms; /* when the first of its secrets is over; INT64_MAX: never */
};

struct target {
    int64_t id;
    struct target_facts *facts;
    struct endpoint *made;                 /* NULL: the configuration's */
    const struct belfry_target_spec *spec; /* as the set in force declares it; NULL: it does not */
    int64_t first_failure_ms;              /* since the last success; 0: none */
    int64_t last_success_ms;               /* since the start; 0: none */
    int enabled;
    int warned;            /* what was told of this failure, enum ledger_told */
    int told;              /* something was told that has not been said to be over */
    int failed;            /* since the start */
    char *last_answer;     /* of a failure; NULL: none since the start */
    struct trials *trials; /* NULL: nobody has tested it since the start */
    int disabling;         /* that it is disabled is being recorded, which the ledger owes whatever the disk says */
    int removed;           /* from the configuration: goes when nothing of it is under way */
    struct queue_state *queue;
    uint64_t declared; /* round of the declaration that named it last */
};

/* Rows of one target, or of a channel without targets, in order of due time. */
struct queue_state {
    struct list ready; /* in dispatch.ready, in dispatch.slow_ready, or unlinked */
    struct channel *channel;
    struct target *target; /* NULL: the channel's own */
    uint32_t concurrency, inflight;
    uint32_t window;        /* slow start: of its concurrency it may use so much (slots.c) */
    int slow;               /* it holds its slots for long */
    int claiming, again;    /* again: news came while a claim was under way */
    uint32_t claimed;       /* slots of the claim */
    int64_t held_until_ms;  /* the plugin said that the whole channel or target is down */
    int64_t rests_until_ms; /* the target has too much to do; one that arrives meanwhile does not change that */
    int64_t next_due_ms;
    size_t heap_at; /* position + 1 in the heap; 0: not in it */
    struct breaker breaker;
    struct bucket bucket;
    uint32_t rate,
        pace; /* a minute: the target's own, and what its receiver allows; 0: none. The bucket has the least */
};

struct batch {
    struct belfry_batch pub;
    struct belfry_item *items;          /* in the claim's memory */
    const struct ledger_claim_item *of; /* the first, with the others behind it; the same */
    struct belfry_person person;
    struct live *live;
    struct queue_state *queue;
    struct claim_memory *memory;
    struct target_facts *facts; /* NULL: not a target's */
    int64_t started_ms;
    uint32_t attempt;
    uint64_t started_ns, deadline_ns;
    int canceled;
    struct list node;
};

struct gone_target {
    struct channel *channel;
    uint64_t id;
};

struct dispatch {
    struct dispatch_settings set;
    const struct clock_src *stopwatch; /* how long requests take: real also beside a virtual clock, as timeouts are */
    struct id_key id_key;
    struct hash *channels;  /* by name */
    struct hash *batches;   /* by id */
    struct list open;       /* batches, oldest first */
    struct list ready;      /* queues that may have something now */
    struct list slow_ready; /* slow ones, which wait until one of their kind gives a slot back */
    struct queue_state **heap;
    size_t heap_count, heap_cap;
    uv_timer_t timer, deadlines;
    uv_idle_t turn;
    struct sheet *sheet, *spare_sheet; /* outcomes of this turn, or NULL */
    struct list unwritten;             /* sheets to give to the ledger again */
    uint64_t next_batch, round;
    uint32_t inflight, claimed; /* batches under way; slots of claims under way */
    uint32_t working, slow;     /* queues that hold slots; slots of slow queues */
    uint32_t claims;            /* commands of ours in the ledger, of any kind */
    struct dispatch_numbers numbers;
    uint8_t seal_key[32];
    int stopping, closing;
    int hurried; /* the wait of dispatch_stop() is over */
    int holding; /* a reload is on its way: declared sets wait */
    uint64_t stop_deadline_ns, again_ns;
    void (*stopped)(void *arg);
    void *stopped_arg;
    struct gone_target *gone; /* removed targets that their plugin has not been told of */
    size_t gone_count, gone_cap;
};

/* dispatch.c */
extern const struct belfry_target_policy dispatch_policy_default; /* of a channel that declares no targets */
int64_t dispatch_now(const struct dispatch *d);
void dispatch_turn(struct dispatch *d); /* run the ready list on the next turn */
void dispatch_tick(struct dispatch *d); /* once a second: deadlines, what could not be written, a clock that jumped */
void queue_ready(struct dispatch *d, struct queue_state *q);
void queue_due_at(struct dispatch *d, struct queue_state *q, int64_t due_ms);
void queue_pace(struct queue_state *q); /* rate or pace changed */
struct queue_state *queue_new(struct channel *channel, struct target *target, uint32_t concurrency);
void queue_free(struct dispatch *d, struct queue_state *q);
struct channel *channel_get(struct dispatch *d, const char *name); /* made when missing */

/* batch.c */
void queue_run(struct dispatch *d, struct queue_state *q);
void batches_expire(struct dispatch *d);    /* those past their deadline */
size_t batches_hurry(struct dispatch *d);   /* those of people: cancelled, and soon ended; how many */
void batches_give_back(struct dispatch *d); /* all: cancelled and forgotten, their rows end their lease */
void live_unref(struct live *live);

/* slots.c */
/* So many more batches under way, and slots of claims, or fewer. */
void slots_add(struct dispatch *d, struct queue_state *q, int inflight, int claimed);
/* How many of `want` slots the queue may take now, which holds no claim. */
uint32_t slots_share(const struct dispatch *d, const struct queue_state *q, uint32_t want);
/* 1 when the hub has a slot left; for this queue. */
int slots_left(const struct dispatch *d);
int slots_left_for(const struct dispatch *d, const struct queue_state *q);
/* A request of the queue ended: arrived, or was not taken for now, after so long. */
void slots_learn(struct dispatch *d, struct queue_state *q, int arrived, uint64_t took_ns);
void slots_look(struct dispatch *d); /* at requests that are under way for long; once a second */

/* 1 when its target has another URL by now: what it was answered says nothing of the receiver of now. */
int batch_moved(const struct batch *b);

/* trials.c */
/* The test that goes next, before all else of the queue and whatever holds that up; 0: none, or there is no slot for it
 * among those that the target may have. */
int64_t trial_next(const struct queue_state *q);
/* Its claim was answered. */
void trial_taken(struct queue_state *q, int64_t delivery);

/* outcomes.c */
/* One result for all items, or one for each. */
void outcome_judge(struct dispatch *d, const struct batch *b, const struct belfry_result *results, uint32_t n);
/* The hub stops: a claimed row that no plugin has seen waits as before; one that a plugin works on is due again when it
 * is a target's (the receiver knows its id), else nobody knows whether it arrived. No attempt is counted. */
void outcome_untouched(struct dispatch *d, const struct ledger_claim_item *item, int64_t target);
void outcome_interrupted(struct dispatch *d, const struct batch *b);
void outcomes_flush(struct dispatch *d); /* to the ledger, as one command */
void outcomes_again(struct dispatch *d); /* what could not be written */
int outcomes_pending(const struct dispatch *d);
void outcomes_free(struct dispatch *d);
/* The channel has an instance: its numbers are there from 0. */
void channel_metrics(struct channel *channel);

/* targets.c */
enum targets_of { TARGETS_DECLARED, TARGETS_MADE, TARGETS_ALL };
void target_free(struct dispatch *d, struct target *target);
/* A copy of all that pub has but for secrets whose time is over; `secret` is the first of them. */
struct target_facts *target_facts_new(const struct belfry_target *pub, int64_t now_ms);
void target_facts_unref(struct target_facts *facts);
/* The facts of now: secrets whose time is over are not in them. */
struct target_facts *target_facts_now(struct target *target, int64_t now_ms);
/* Something of a removed target ended. Whoever has its rows now is looked at; when nothing of it is under way it is
 * freed, and its queue is gone then. */
void target_settle(struct dispatch *d, struct target *target);
/* Tells plugins of those that are gone since: in a turn of its own, never from within a call of theirs. */
void targets_tell_gone(struct dispatch *d);
/* Those of a channel that the round did not name (0: all), each when nothing of it is under way. */
void targets_drop(struct dispatch *d, struct channel *ch, uint64_t round, enum targets_of which);
/* The target with the row's id, made when it is not there; another URL is another receiver. Its facts are the caller's
 * to replace. */
struct target *target_take(struct channel *ch, int64_t id, struct belfry_str url);
void target_set_facts(struct target *target, struct target_facts *facts);
/* What the old receiver answered while the move was on its way was taken for the new one's. */
void target_moved(struct dispatch *d, struct target *target);
struct belfry_str target_key(const int64_t *id);
struct target *target_find(struct dispatch *d, int64_t id);

/* health.c */
/* As its row says: at the start, and after a declaration. */
void target_known(struct target *target, int64_t first_failure_ms, int told);
/* What a result says of its target, before target_result() has taken note. */
enum ledger_health target_health(const struct target *target, const struct batch *b, uint32_t outcome);
void target_result(struct dispatch *d, struct target *target, const struct batch *b,
                   const struct belfry_result *result);
/* Whether the time has come to tell of it: of one whose queue has nothing to do now; of all such. */
void target_look(struct dispatch *d, struct target *target);
void targets_look(struct dispatch *d);

/* declare.c */
/* The channel's instance is in force: so is what it declared, for the orgs of its configuration. */
void declare_in_force(struct dispatch *d, struct channel *ch);
void declare_again(struct dispatch *d); /* sets that could not be recorded */
void target_set_unref(struct target_set *set);

/* secrets.c: what is sealed in rows of endpoints */
#define SECRETS_MAX 11 /* the newest, and ten that still sign */
struct secrets {
    struct belfry_target_secret items[SECRETS_MAX]; /* newest first */
    size_t count;
    struct buf plain; /* holds the texts of those that were opened */
};
struct belfry_str secrets_seal(const struct dispatch *d, const struct secrets *secrets, struct belfry_str name,
                               struct arena *arena);
/* EINVAL: not with this key. secrets_wipe() in any case. */
belfry_status secrets_open(const struct dispatch *d, struct belfry_str sealed, struct belfry_str name,
                           struct secrets *out);
/* The others sign until until_ms at most, those of whom that is over not at all. newest is borrowed. */
void secrets_push(struct secrets *secrets, struct belfry_str newest, int64_t until_ms, int64_t now_ms);
void secrets_wipe(struct secrets *secrets);
struct belfry_str settings_seal(const struct dispatch *d, struct belfry_str plain, struct belfry_str name,
                                struct arena *arena);
/* Into out, which the caller wipes. */
belfry_status settings_open(const struct dispatch *d, struct belfry_str sealed, struct belfry_str name,
                            struct buf *out);

/* endpoints.c */
/* The row of one as it is from now on, live where its channel is. first: after a start or a reload. */
struct target *endpoint_put(struct dispatch *d, struct channel *ch, const struct ledger_made *made);
/* The channel's instance takes endpoints of the org. */
int endpoint_serves(const struct dispatch_channel *live, const struct config *config, struct belfry_str org);
/* The channel's instance is in force: endpoints that were made over the API come to it, if it takes any. */
void endpoints_in_force(struct dispatch *d, struct channel *ch);
void endpoint_free(struct endpoint *endpoint);

#endif
