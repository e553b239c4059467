/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger: the only writer. Commands queue up, run in one SQLite transaction (a group), commit, and are answered
 * after the commit. An accepted trigger, its state, events, notifications, deliveries and revisions commit together.
 */
#ifndef LEDGER_LEDGER_H
#define LEDGER_LEDGER_H

#include "base/list.h"
#include "config/config.h"
#include "event/event.h"
#include "event/outcome.h"
#include "route/route.h"
#include "store/store.h"

#include <uv.h>

struct hash;        /* base/hash.h */
struct store_event; /* store/events.h */

struct ledger;

/* --- generation: what the ledger works with until the next reload ------------------------------------------------- */

/* A live source. Made by the host room. Its calls run on the ledger thread. */
struct ledger_source {
    const struct config_instance *instance;
    const struct belfry_source *vtable;
    const struct belfry_host *host;
    void *self;
};

struct ledger_generation {
    struct config *config; /* a reference */
    struct route *route;
    struct ledger_source *sources; /* by config_instance.index; self NULL: could not be created */
    size_t source_count;
    /* called when the ledger has let go of it. [loop] */
    void (*released)(void *arg, struct ledger_generation *generation);
    void *arg;
    void *inside; /* the ledger's own */
};

/* --- what a commit changed, told to the loop right after it ------------------------------------------------------- */

struct ledger_person_change {
    int64_t person; /* row id */
    int64_t org;    /* name id */
    int64_t rev;
    struct belfry_str org_name, username;
};

struct ledger_news {
    const struct ledger_person_change *people;
    size_t people_count;
    int deliveries;         /* 1: rows of delivery were made or became due sooner: dispatch should look */
    int tasks;              /* 1: tasks to perform */
    const int64_t *targets; /* target ids that got rows */
    size_t target_count;
};

struct ledger_settings {
    struct store *store;
    struct clock_src *clock;
    uv_loop_t *loop;
    const char *data_dir; /* for the poison record */
    void *arg;
    void (*news)(void *arg, const struct ledger_news *news); /* [loop] */
    /* [loop] an event of the hub itself: hub.source_quarantined and so on */
    void (*alarm)(void *arg, const char *type, struct belfry_str subject, const char *text);
};

/* Starts the thread. NULL with err. [loop] */
struct ledger *ledger_new(const struct ledger_settings *settings, struct error *err);
/* Takes no more, commits what was taken, answers it, ends the thread, lets go of the generation. Whatever is submitted
 * from then on is ECLOSED, so plugins that end may still call. [loop] */
void ledger_stop(struct ledger *ledger);
/* ledger_stop, and the end of it. [loop] */
void ledger_free(struct ledger *ledger);
/* Puts a generation in force as one command; done on the loop after the commit that records it (table generation). */
void ledger_generation_set(struct ledger *ledger, struct ledger_generation *generation, const char *actor,
                           void (*done)(void *arg, belfry_status status), void *arg);
/* The clock was moved: look again at what is due. [any] */
void ledger_poke(struct ledger *ledger);
/* A barrier: done on the loop once everything that was queued before and everything that is due at the present clock
 * (timers, expiry, delayed in-app deliveries, jobs, retention) has committed. [any] */
void ledger_settle(struct ledger *ledger, void (*done)(void *arg), void *arg);
/* An event of the hub itself, to role:admin of an org, source `hub`, category `hub`: type "hub.source_quarantined" and
 * so on. It replaces the earlier one of the same type and subject. The first line of the text is the title, the rest
 * the body. Strings are copied. [any] */
void ledger_emit_hub(struct ledger *ledger, struct belfry_str org, const char *type, struct belfry_str subject,
                     const char *text);
/* Last beat of the heart, monotonic ns. [any] */
uint64_t ledger_heartbeat(const struct ledger *ledger);
/* Why triggers cannot be taken now (disk, I/O): NULL when they can. [any] */
const char *ledger_ailment(const struct ledger *ledger);
/* Another reason to take no triggers (the disk is nearly full), until it is NULL again. why must stay valid. [any] */
void ledger_hold(struct ledger *ledger, const char *why);

/* --- commands in general ------------------------------------------------------------------------------------------ */

struct ledger_txn; /* inside of a running group */

/*
 * run: [ledger] inside the group's transaction; it may run again (after a rollback each command of the group is run
 * alone), so it begins by resetting what it produced. What it returns is its own status: anything but OK must have
 * written nothing. done: [loop] once, after the commit; status is run's, or EIO when it could not be committed
 * (EINTERNAL when the fault is the command's own), ECANCELED at stop. With `must` a failed transaction is no answer: it
 * is run again until it commits, at the latest when the ledger stops.
 */
struct ledger_command {
    struct list node;
    belfry_status (*run)(struct ledger_command *command, struct ledger_txn *txn);
    void (*done)(struct ledger_command *command, belfry_status status);
    size_t bytes;         /* for back-pressure; 0: never refused */
    uint32_t weight;      /* triggers in it; 0 counts as 1 */
    const char *must;     /* what it is, when nobody could ask again: it is kept when its transaction fails; static */
    const char *ails;     /* in done, with EIO: why nothing of it could be written; static. NULL: the status says it */
    belfry_status status; /* internal, as what follows */
    unsigned tries, own_faults;
    uint64_t again_ns;
};
/* EAGAIN when limits.pending_* are reached (then done is not called). [any] */
belfry_status ledger_submit(struct ledger *ledger, struct ledger_command *command);

struct store_conn *ledger_txn_conn(struct ledger_txn *txn);
int64_t ledger_txn_id(struct ledger_txn *txn); /* next id */
/* Memory until the command has run. */
struct arena *ledger_txn_arena(struct ledger_txn *txn);
/* The row of a person (made when missing), and one step of their revision in this transaction; both cached. The change
 * is part of the news. Returns the new revision, the same for all changes of one command. */
int64_t ledger_txn_person(struct ledger_txn *txn, int64_t org, struct belfry_str username);
int64_t ledger_txn_touch(struct ledger_txn *txn, int64_t person);
/* News: a delivery of a target or channel became due. */
void ledger_txn_due(struct ledger_txn *txn, int64_t target);
/* The command changed the API's part of the directory. */
void ledger_txn_directory_changed(struct ledger_txn *txn);

/* --- triggers ----------------------------------------------------------------------------------------------------- */

enum ledger_item_state { LEDGER_ACCEPTED, LEDGER_DUPLICATE, LEDGER_REFUSED };

struct ledger_item_result {
    enum ledger_item_state state;
    int passed_over;      /* internal: was refused before it came to the ledger, or is committed */
    belfry_status status; /* of a refusal */
    uint32_t events;
    struct error err; /* pointers below the trigger: "/data/record/object" */
};

/* One request: one trigger or a batch. Owned by the caller until done. */
struct ledger_request {
    struct ledger_command command; /* internal */
    struct trigger_set triggers;
    struct belfry_str org;
    const char *source; /* instance name; must live as long as the request */
    struct belfry_principal principal;
    int partial;      /* each item on its own; refused items (results[i].status set before) are passed over */
    int keep_refused; /* feeds and hooks: refusals are kept in table refused */
    int in_order;     /* internal: a page of a feed or a call of a hook (ledger/feed.h) */
    size_t next;      /* internal: with in_order, the item where a later group goes on; 0: none */
    int known_only;   /* what was taken before is a duplicate as ever, anything else is ECONFLICT */
    struct ledger_item_result *results;           /* triggers.count, allocated by the caller, zeroed */
    belfry_status status;                         /* OK, or of the first refused item when not partial */
    int64_t retry_after_ms;                       /* with EAGAIN */
    void (*done)(struct ledger_request *request); /* [loop] */
    void *arg;
};
/* OK and done() later, or EAGAIN (back-pressure), ENOTFOUND (no such source in the generation), ECLOSED (stopping). */
belfry_status ledger_trigger(struct ledger *ledger, struct ledger_request *request);

/* Dry runs on a reader's snapshot: what would be emitted and routed goes to fn; nothing is written. Strings and views
 * of an event live as long as the arena and the trigger, the directory during fn. */
struct ledger_dry_event {
    struct route_event event;
    struct belfry_str title, body, link, data, note;
    const struct route_plan *plan;
    int overflow; /* a role has more members than expand_max */
    const struct route_directory *directory;
};
/* What the source does beside events: "timer" and "task" with their key, "withdraw", "handled", "supersede" and
 * "valid_until" with the subject. */
struct ledger_dry_deed {
    const char *what;
    struct belfry_str key;
    int64_t at_ms; /* of a timer, a task that waits, an end of validity; else 0 */
};
struct ledger_dry {
    const struct ledger_generation *generation;
    int64_t now_ms;
    size_t expand_max; /* members of a role; 0: all */
    const struct route_trace *trace;
    void (*fn)(void *arg, const struct ledger_dry_event *event);
    void (*deed)(void *arg, const struct ledger_dry_deed *deed); /* may be NULL */
    void *arg;
};
/* receive() runs against conn and what it records is dropped. [reader] */
belfry_status ledger_dry_run(struct ledger_dry *dry, struct store_conn *conn, const char *source, struct belfry_str org,
                             const struct belfry_principal *principal, const struct trigger *trigger,
                             struct arena *arena, struct error *err);
/* A stored event is routed again, by the rules and the directory of now. [reader] */
void ledger_plan_again(struct ledger_dry *dry, struct store_conn *conn, const struct store_event *row,
                       struct arena *arena);

/* --- tasks -------------------------------------------------------------------------------------------------------- */

struct ledger_task {
    int64_t id;
    const char *source; /* instance */
    struct belfry_str org, key, payload;
};
/* Takes up to max due tasks (lease by boot); done on the loop with what was taken. */
void ledger_tasks_claim(struct ledger *ledger, size_t max,
                        void (*done)(void *arg, const struct ledger_task *tasks, size_t count), void *arg);
/* Outcome of a performed task: BELFRY_DELIVERED submits trigger "<key>.result" with `result` in the commit that removes
 * the row; RETRY backs off (1 s doubling to 1 h, 12 times, then dead); UNAVAILABLE too (1 s doubling to 5 min while it
 * is the answer), and uses up no try; REJECTED is dead at once. A dead task is an item of `refused`. */
void ledger_task_done(struct ledger *ledger, const char *instance, int64_t task, uint32_t outcome,
                      int64_t retry_after_ms, struct belfry_str result);
/* When the next task, timer or expiry is due (wall ms), INT64_MAX for none. What is to be claimed is dispatch's: a
 * delivery that is due waits there while its channel rests. [any] */
int64_t ledger_next_due(const struct ledger *ledger);

/* Of belfry_deliveries_total, which dispatch counts as well. */
#define OUTCOME_METRIC_HELP "Deliveries by channel and what became of them; one that is tried again counts each time."

/* --- deliveries: claims and outcomes, used by dispatch ------------------------------------------------------------ */

#define LEDGER_ITEMS_MAX 50 /* of what goes out as one; how many there are is told beside them */

struct ledger_claim_item {
    int64_t delivery, event, notification;
    uint32_t attempt; /* number of this attempt, 1 is the first */
    struct belfry_str org, source, type, category, subject, title, body, link, actor, data, payload;
    struct belfry_str username, address;      /* recipient */
    struct belfry_str name, locale, timezone; /* of a person, as they chose or the directory says; may be empty */
    struct belfry_str reason;                 /* why this recipient */
    struct belfry_str category_label;         /* in the recipient's language */
    const struct belfry_action *actions;      /* of a person: what they can do, in their language */
    size_t action_count;
    int32_t severity;
    int required; /* the category is */
    int test;     /* of an endpoint, by hand: tried once, and its health takes no notice */
    int64_t event_time_ms, due_ms;
    int64_t valid_until_ms; /* 0: for good */
    int64_t waited_ms;      /* the rule's `after`, when `unless` has seen */
    int64_t first_ms;       /* when the first attempt that is counted began; 0: none was */
    uint32_t unknowns;      /* attempts so far of which nobody knows what came */
    /* What goes out as one is the first item with the others behind it; of an item by itself total is 1. */
    uint32_t kind, total; /* BELFRY_BATCH_*; how many rows, also those of which there is no item here */
    int64_t bundle;       /* id that its outcome is told by, the same at each attempt; 0: this row is by itself */
    struct ledger_claim_item *rest; /* newest event first, as a whole */
    size_t rest_count;
};

struct ledger_claim {
    struct ledger_command command; /* internal */
    const char *channel;           /* name; the caller's until done */
    int64_t target;                /* 0: not a target's */
    int64_t test;                  /* this test of the target alone, whether or not that is enabled; 0: what is due */
    size_t max;                    /* of items; one with a rest counts as one */
    struct arena *arena;           /* holds the items; freed by the caller */
    struct ledger_claim_item *items;
    size_t count;
    int64_t next_due_ms;                      /* of what is left in this queue; INT64_MAX: nothing */
    belfry_status status;                     /* not OK: nothing was leased, the rows are as they were */
    void (*done)(struct ledger_claim *claim); /* [loop] */
    void *arg;
};
/*
 * One command: takes the oldest due rows of a channel's or target's queue, asks every gate again (validity, unless,
 * role, duplicate) and ends those that fail with their outcome, leases the rest (state sending, boot id). Where the
 * channel's plugin takes several items at once, a row of a digest that is due takes all of its digest with it, and one
 * that quiet hours held all that they held for its person.
 */
void ledger_claim(struct ledger *ledger, struct ledger_claim *claim);

/* Mail that may have arrived is sent once more, this much later. */
#define LEDGER_UNKNOWN_WAIT_MS (15 * INT64_C(60000))
/* Mail does not leave in the last minute of its validity: it would be read after it. */
#define LEDGER_VALID_MS INT64_C(60000)

/* What an outcome says of the target that it went to. */
enum ledger_health { LEDGER_HEALTH_NOTHING, LEDGER_HEALTH_FAILED, LEDGER_HEALTH_WELL };

struct ledger_outcome {
    int64_t delivery;
    int64_t bundle;     /* not 0: of all its rows under our lease, of which delivery is one */
    int64_t target;     /* whose it was when it was claimed; 0: not a target's */
    uint32_t attempt;   /* of a bundle: its number */
    enum outcome state; /* delivered, retrying, failed, unknown, held_disabled, ... */
    int64_t due_ms;     /* of a state that waits; unknown waits with one, and ends without */
    int count_attempt;  /* 1: an attempt row, and attempts + 1 */
    uint32_t result;    /* BELFRY_DELIVERED ... */
    int32_t code;
    int64_t started_ms, elapsed_us;
    const char *detail, *record; /* may be NULL */
    enum ledger_health health;
    uint64_t word; /* of one that says something: ledger_target_word() (ledger/health.h) */
};
/* What came of several deliveries. Everything belongs to the caller and stays as it is until done. */
struct ledger_outcomes {
    struct ledger_command command; /* internal */
    const struct ledger_outcome *items;
    size_t count;
    void (*done)(struct ledger_outcomes *outcomes, belfry_status status); /* [loop] */
    void *arg;
};
/*
 * Writes all of them or none. After a failure (the disk) the rows are still leased, so whoever owes the outcomes gives
 * them again: a lease of this boot has no other end. ECLOSED: the ledger is closing, the leases end with the boot.
 */
void ledger_outcomes(struct ledger *ledger, struct ledger_outcomes *outcomes);

/* Targets of a channel: rows by (channel, org, name); kept state, ids for new ones, `removed` set for those that are
 * gone (their open deliveries end as channel_removed after an hour). */
struct ledger_target {
    int64_t id; /* filled */
    struct belfry_str org, name, url;
    struct belfry_str secret, sealed_settings; /* as they are stored */
    uint32_t order;                            /* BELFRY_ORDER_*; without one what waits for its turn is freed */
    int enabled;                               /* filled */
    int moved;                /* filled: the URL is another than before; failures are forgotten, it is enabled */
    int64_t first_failure_ms; /* filled */
    int told;                 /* filled: what was told of its failures, enum ledger_told (ledger/health.h) */
};
void ledger_targets_declare(struct ledger *ledger, const struct config_instance *channel, struct ledger_target *targets,
                            size_t count, void (*done)(void *arg, belfry_status status), void *arg);
/*
 * The index that events are matched with from the next command on. Submitted right behind the declaration, so that no
 * trigger runs between the two: routes[i] gets the id of targets[i] when the command runs. done (may be NULL) with
 * other than OK: the index before stays, because the declaration or this could not be written. free_rows(arg), after
 * done, when routes and targets are no longer needed.
 */
void ledger_targets_index(struct ledger *ledger, const struct config_instance *channel, struct route_target *routes,
                          const struct ledger_target *targets, size_t count,
                          void (*done)(void *arg, belfry_status status), void (*free_rows)(void *arg), void *arg);
/* Calls fn in the ledger's thread for each channel with targets, with its indexes and the ids of the targets that are
 * disabled; then done. */
typedef void ledger_targets_fn(void *arg, const char *channel, const struct route_targets *const *indexes, size_t count,
                               const struct hash *disabled);
void ledger_targets_look(struct ledger *ledger, ledger_targets_fn *fn, void (*done)(void *arg), void *arg);
/* Disable (held from then on) or enable (held ones become due, oldest first). */
void ledger_target_enable(struct ledger *ledger, int64_t target, int enabled, const char *why,
                          void (*done)(void *arg, belfry_status status), void *arg);
/* The same with why it is disabled, STORE_OFF_BY_*. What somebody disabled by hand stays so for that reason. */
void ledger_target_switch(struct ledger *ledger, int64_t target, int enabled, int off_by, const char *why,
                          void (*done)(void *arg, belfry_status status), void *arg);
void ledger_target_failure(struct ledger *ledger, int64_t target, int failed, int64_t now_ms); /* first_failure kept */

/* Whose deed it is, for the audit. Copied. */
struct ledger_deed {
    struct belfry_str org, who, reason; /* reason: may be empty */
};
/* POST .../deliveries/{id}/retry and cancel: dead or held rows become due now; ENOTFOUND, or ECONFLICT and why (text
 * that follows "this delivery cannot be changed: "). */
void ledger_delivery_retry(struct ledger *ledger, const struct ledger_deed *deed, int64_t delivery,
                           void (*done)(void *arg, belfry_status status, const char *why), void *arg);
void ledger_delivery_cancel(struct ledger *ledger, const struct ledger_deed *deed, int64_t delivery,
                            void (*done)(void *arg, belfry_status status, const char *why), void *arg);
struct store_delivery_query; /* store/story.h */
/* 1 when deliveries in that state can be tried again, or discarded, many at a time. [any] */
int ledger_redrives(int state, int discard);
/*
 * All that the query lets through (its state must be one that ledger_redrives(); its org and limit are not looked at)
 * is tried again, or ends as cancelled: a job that a restart resumes. matched and shown (the filter as it was given, a
 * reference is taken) are for the audit. done after the last slice with how many were changed; ECLOSED when the ledger
 * stops before: then the next start goes on. What cannot be changed any more is passed over.
 */
void ledger_redrive(struct ledger *ledger, const struct ledger_deed *deed, int discard,
                    const struct store_delivery_query *query, int64_t matched, json_t *shown,
                    void (*done)(void *arg, belfry_status status, int64_t changed), void *arg);
/* The same for these, at most 1,000, in one commit; those of other orgs are passed over. */
void ledger_redrive_ids(struct ledger *ledger, const struct ledger_deed *deed, int discard, const int64_t *ids,
                        size_t count, void (*done)(void *arg, belfry_status status, int64_t changed), void *arg);

/* --- what people chose -------------------------------------------------------------------------------------------- */

/* One person's preferences are replaced. Owned by the caller until done, with all that it points to. */
struct ledger_preference {
    struct ledger_command command; /* internal */
    struct belfry_str org, username;
    const struct preference *wanted;
    /* categories that the person sees now, and those of them that cannot be off: a choice that cannot count now
     * (preference_counts) stays as it was, unless wanted has another for its category */
    const struct belfry_strs *visible, *required;
    const int64_t *expected; /* store_preference.id that may be replaced, 0 for none; NULL: whatever is there */
    size_t expected_count;
    int64_t id; /* of the new row */
    /* [loop] OK, ECONFLICT: it is not the expected one, or why it could not be written */
    void (*done)(struct ledger_preference *preference, belfry_status status);
    void *arg;
};
/* Mail of theirs that quiet hours hold is asked again at once. */
void ledger_preference_put(struct ledger *ledger, struct ledger_preference *preference);

/* --- who did what ------------------------------------------------------------------------------------------------- */

/* A row of the audit in this transaction; org empty: of the hub as a whole. detail (may be NULL) is an object that
 * holds no secret and nothing of what a message says. [ledger] */
void ledger_txn_audit(struct ledger_txn *txn, struct belfry_str org, struct belfry_str who, const char *what,
                      const json_t *detail);
/* The same for a deed that writes nothing else. Takes the reference to detail; texts are copied. done on the loop. */
void ledger_audit(struct ledger *ledger, struct belfry_str org, struct belfry_str who, const char *what, json_t *detail,
                  void (*done)(void *arg, belfry_status status), void *arg);

/* --- numbers for the console. [any] ------------------------------------------------------------------------------- */

#define LEDGER_RATE_MINUTES 60
enum ledger_rate_kind { LEDGER_RATE_DELIVERED, LEDGER_RATE_FAILED, LEDGER_RATE_SUPPRESSED, LEDGER_RATE_KINDS };
struct ledger_rates {
    int64_t first_ms;                                    /* when the first minute began; the last one is now */
    uint32_t by[LEDGER_RATE_MINUTES][LEDGER_RATE_KINDS]; /* since the hub started */
    int64_t p50_ms, p95_ms; /* from the event to its arrival, of what was sent in that hour; -1: nothing was */
};
void ledger_rates(const struct ledger *ledger, struct belfry_str org, int64_t now_ms, struct ledger_rates *out);
/* Until when a source is in quarantine; 0: it is not. */
int64_t ledger_quarantine(const struct ledger *ledger, const char *source, int64_t now_ms);

/* --- numbers for metrics. [any] ----------------------------------------------------------------------------------- */

struct ledger_numbers {
    uint64_t groups, commands, triggers_accepted, triggers_duplicate, triggers_refused, events, notifications;
    uint64_t commit_ns, rollbacks, pending_commands, pending_bytes, quarantined;
};
void ledger_numbers(const struct ledger *ledger, struct ledger_numbers *out);

#endif
