/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this room share. Unless a comment says otherwise everything here belongs to the ledger's thread.
 *
 * The layers, from the leaves up: gen (a generation, prepared), directory, record (what a call changes, not yet
 * applied), call (what a source sees), cache (people and versions of a group), rows (event, recipients, subjects), then
 * the commands (triggers, claims, outcomes, tasks, targets) and the work that comes due by itself, and on top the
 * group.
 */
#ifndef LEDGER_INSIDE_H
#define LEDGER_INSIDE_H

#include "ledger/ledger.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/queue.h"
#include "base/str.h"
#include "store/deliveries.h"
#include "store/events.h"
#include "store/people.h"
#include "store/preferences.h"
#include "store/state.h"
#include "store/upkeep.h"
#include "template/template.h"

#include <belfry/host.h>
#include <stdatomic.h>

/* --- generations, prepared (gen.c) -------------------------------------------------------------------------------- */

struct gen_text {
    const char *language;
    const struct belfry_template *title, *body; /* NULL: none */
};

struct gen_type {
    const struct belfry_event_type *type;
    const struct belfry_template *title, *body; /* compiled defaults; NULL: none */
    struct gen_text *texts;                     /* in other languages */
    size_t text_count;
};

struct gen_source {
    const struct ledger_source *live;
    struct gen_type *types;
    size_t type_count;
    int64_t inst; /* name id, once in force */
    int64_t was;  /* that of the old name; 0: none */
};

struct gen_channel {
    const struct config_instance *instance;
    uint32_t flags; /* BELFRY_DELIVERY_* */
    uint32_t most;  /* items that its plugin takes at once; 1: rows are never put together */
    int64_t name;   /* name id, once in force */
};

struct gen {
    struct ledger_generation *pub;
    struct arena *arena;
    struct gen_source *sources;   /* by config_instance.index */
    struct gen_channel *channels; /* the same */
    struct hash *rules;           /* name to const struct config_rule */
    struct hash *members;         /* org entry's name, NUL, role: to struct belfry_strs of usernames in byte order */
};

struct gen *gen_new(struct ledger_generation *generation); /* [any] */
void gen_free(struct gen *gen);
/* The source's declaration of an event type, exact before prefix; NULL. [any] */
const struct gen_type *gen_type_find(const struct gen_source *source, struct belfry_str type);
/* NULL when there is none that runs and serves the org. [any] */
struct gen_source *gen_source_find(struct gen *gen, struct belfry_str name);
const struct config_rule *gen_rule(const struct gen *gen, struct belfry_str name);
struct gen_channel *gen_channel_by_name(const struct gen *gen, int64_t name);

/* --- the directory (directory.c) ---------------------------------------------------------------------------------- */

struct directory {
    struct route_directory pub;
    const struct gen *gen;
    struct store_conn *conn;
    int api_empty;      /* 1: nobody came over the API; 0: somebody; -1: not known */
    int no_preferences; /* the same of what people chose */
};
/* [any], for one thread at a time */
void directory_init(struct directory *directory, const struct gen *gen, struct store_conn *conn);

/* --- what a call recorded (record.c) ------------------------------------------------------------------------------ */

enum op_kind {
    OP_PUT,
    OP_DEL,
    OP_EMIT,
    OP_WITHDRAW,
    OP_HANDLED,
    OP_SUPERSEDE,
    OP_VALID_UNTIL,
    OP_TIMER_SET,
    OP_TIMER_CLEAR,
    OP_TASK
};

/* An event that passed every check. Strings live as long as the record. */
struct emitted {
    struct belfry_str type, subject, category, title, body, link, actor, data, actions, note;
    struct belfry_str texts; /* in other languages (store/schema.h); empty: none */
    int32_t severity;
    int64_t valid_until_ms;
    const struct belfry_recipient *audience;
    size_t audience_count;
    const char *const *replaces; /* ends at NULL; may be NULL */
    json_t *json;                /* of data, borrowed until the record has been applied; NULL: an empty object */
    const struct belfry_trigger *trigger; /* NULL: a timer's, or the hub's own */
    const struct belfry_principal *principal;
};

struct op {
    struct op *next;
    enum op_kind kind;
    struct belfry_str key;   /* key, or subject */
    struct belfry_str value; /* value, payload, or who handled it */
    int64_t when_ms;
    struct emitted *event;
    struct belfry_selection which;
};

struct record {
    struct arena *arena;
    struct op *first, **last;
    struct op **slots; /* state changes by key; size is a power of two */
    size_t size, used;
    struct id_key hash_key;
    uint32_t events;
    int state_changed;
};

void record_init(struct record *record, struct arena *arena, const struct id_key *hash_key);
/* The change of a key in this record, or NULL. */
struct op *record_state(const struct record *record, struct belfry_str key);
/* Copies key and value. A second change of a key takes the place of the first. */
void record_put(struct record *record, struct belfry_str key, struct belfry_str value);
void record_del(struct record *record, struct belfry_str key);
struct op *record_add(struct record *record, enum op_kind kind);
/* State keys that the record changes, with the prefix, in byte order. Returns the count. */
size_t record_keys(const struct record *record, struct belfry_str prefix, struct op ***out);

/* --- a call of a source (call.c, emit.c) -------------------------------------------------------------------------- */

struct call {
    struct belfry_txn pub;
    struct store_conn *conn;
    const struct gen *gen;
    const struct gen_source *source;
    int64_t inst, org; /* name ids; 0 in a dry run: never written */
    struct arena *arena;
    struct record *record;
    const struct route_directory *directory;
    const struct trigger *trigger; /* NULL: a timer */
    size_t reads, changes, bytes_at_start;
    uint64_t waited_ns;  /* in the database */
    belfry_status fault; /* a limit was passed, or the database failed: nothing of this call may stay */
};

/* Fills a call but for trigger. principal and org must live as long as the call. [any] */
void call_init(struct call *call, struct store_conn *conn, const struct gen *gen, const struct gen_source *source,
               struct belfry_str org, const struct belfry_principal *principal, int64_t now_ms, struct arena *arena,
               struct record *record, const struct route_directory *directory);
/* The call behind a txn, or NULL after the misuse was counted: the txn is not the one that this thread is in (R01).
 * what: the function, for the message. [any] */
struct call *call_of(struct belfry_txn *txn, const char *what);
/* receive() or due() with the limits of a call; err takes what the source says. [any] */
belfry_status call_receive(struct call *call, const struct trigger *trigger, struct error *err);
belfry_status call_due(struct call *call, const struct store_timer *timer, struct error *err);
/* The txn->emit of a call: checks, renders, records. */
/* What the type declares of an action; NULL: nothing. */
const struct belfry_action_type *emit_action_type(const struct belfry_event_type *type, struct belfry_str id);
/* Fills texts, after title and body. EINVAL: what the source says in a language is none (languages.c). */
belfry_status emit_languages(struct call *call, const struct belfry_event *event, const struct gen_type *type,
                             struct emitted *out, struct belfry_error *err);
belfry_status call_emit(struct belfry_txn *txn, const struct belfry_event *event, struct belfry_error *err);
/* The value functions of struct belfry_txn_api (call_value.c). */
belfry_status call_value_get(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer,
                             struct belfry_value *out);
belfry_status call_value_str(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer,
                             struct belfry_str *out, struct belfry_error *err);
belfry_status call_value_int(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer,
                             int64_t *out, struct belfry_error *err);
belfry_status call_value_bool(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer,
                              int32_t *out, struct belfry_error *err);
belfry_status call_value_time(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer,
                              int64_t *out_ms, struct belfry_error *err);
belfry_status call_value_link(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer,
                              struct belfry_str *out, struct belfry_error *err);
belfry_status call_value_address(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer,
                                 struct belfry_str *out, struct belfry_error *err);
belfry_status call_value_username(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer,
                                  struct belfry_str *out, struct belfry_error *err);
const struct belfry_view *call_value_view(struct belfry_txn *txn, const struct belfry_trigger *trigger);
/* Counts a change; ELIMIT (which sticks) when it is one too many. */
belfry_status call_change(struct call *call);

/* --- a running group (cache.c, group.c) --------------------------------------------------------------------------- */

/* What the ledger keeps in memory of an (instance, org). */
struct owner {
    int64_t inst, org;
    int64_t version;
    int64_t next_timer; /* when its next timer is to run; INT64_MAX: none */
    int changed;        /* 1: version is to be written at the end of the group */
    struct owner *next_changed;
};

struct person {
    int64_t id, org, rev;
    struct belfry_str username;
    uint64_t step; /* the command that last raised rev */
    int changed;
    struct person *next_changed;
};

struct ledger_txn {
    struct ledger *ledger;
    struct store_conn *conn;
    struct arena *arena; /* until the command has run */
    int64_t now;
    struct gen *gen;
    uint64_t step; /* number of the present command */
    uint64_t ended_step;
    int64_t ended; /* the id that rows got which the command of ended_step ended */
    struct directory directory;
    /* of the group */
    struct person *changed_people;
    size_t changed_people_count;
    struct owner *changed_owners;
    int deliveries, tasks;
    int64_t *targets;
    size_t target_count, target_cap;
    int timers_left;                                              /* how many more timers may run in this group */
    uint64_t accepted, duplicate, refused, events, notifications; /* counted when the group commits */
    struct list released; /* generations to let go of after the commit: struct release */
    uintptr_t group;      /* number of the group, for ledger.told */
    struct list swapped;  /* indexes of targets that a rollback puts back: struct swapped (targets.c) */
    struct words *words;  /* what it said of targets (last_word.c) */
};

struct channel_targets { /* the index of a channel with targets */
    char *channel;
    struct route_targets *index;
    void (*free_rows)(void *arg);
    void *arg;
};

struct source_health { /* calls of an instance that took too long (quarantine.c) */
    char *name;
    int64_t slow_at[3]; /* wall ms, oldest first */
    int64_t until;      /* in quarantine until then; 0: not */
};

struct retention;
struct fanout;
struct poison;

struct made;
struct metric;
struct words;
struct org_rates;

struct ledger {
    struct ledger_settings settings;
    struct store *store;
    struct store_conn *conn;
    struct clock_src *clock;
    struct id_gen ids;
    pthread_t thread;
    struct queue queue;   /* commands from everywhere */
    struct list todo;     /* taken from the queue, not yet run */
    struct list kept;     /* `must` commands whose transaction failed */
    uv_async_t wake;      /* answers wait */
    struct queue answers; /* struct answer */
    _Atomic int stopping;
    _Atomic uint64_t beat;
    _Atomic(const char *) ailment;
    struct metric *observed; /* of the source that was called last */
    char observed_name[128];
    _Atomic(const char *) held; /* by the hub */
    _Atomic int64_t next_due;
    _Atomic uint64_t pending_commands, pending_bytes;
    _Atomic int64_t limit_commands, limit_bytes;
    /* the loop's own */
    struct ledger_generation *loop_generation;
    uint64_t target_commands; /* that change what is known of targets: the number of the last */
    /* the thread's own */
    struct gen *gen; /* in force, committed; NULL: none yet */
    int64_t last_generation;
    struct ledger_txn txn;
    struct hash *people_by_name, *people_by_id; /* struct person; one owns */
    struct hash *owners;                        /* struct owner */
    int owners_known;                           /* 0: the table of timers is to be asked who has some */
    int64_t owners_next;                        /* earliest next_timer of sources that run; INT64_MIN: look */
    int api_empty, no_preferences;              /* see struct directory */
    struct channel_targets *targets;
    size_t target_channels;
    struct made *made;        /* made_index.c */
    struct hash *told;        /* target id to the group that it is news of: its number as a pointer */
    struct hash *last_words;  /* by target id (last_word.c) */
    struct hash *disabled;    /* target id to the ledger: those that are held; NULL: to be read again */
    struct hash *unavailable; /* task id to how often it was answered UNAVAILABLE in a row (tasks.c) */
    struct source_health *health;
    size_t health_count;
    struct {
        unsigned char sha[16];
        char source[256];
        size_t len;
    } last_source; /* SHA-256 of the CloudEvents source seen last */
    struct poison *poison;
    struct fanout *fanout; /* the plan of the job under way; NULL: none */
    struct retention *retention;
    int64_t next_expiry, next_task, next_shown; /* wall ms; INT64_MIN: look */
    uint32_t jobs_open;                         /* job_bit() of those to look for */
    size_t job_turn;                            /* of the classes of jobs */
    int64_t last_upkeep;                        /* wall ms of the last look at removed targets and channels */
    int64_t upkeep_at;                          /* the target that the one under way has come to */
    struct clock_watch watch;
    uint64_t rest_until; /* monotonic ns: work that comes due by itself waits after a failure */
    struct outcome_count *outcomes;
    size_t outcome_count, outcome_cap;
    struct ledger_numbers numbers;
    pthread_mutex_t numbers_lock;
    struct ledger_numbers published; /* under the lock */
    struct org_rates **rates;        /* rates.c: the minutes are under the lock */
    size_t rate_count, rate_cap;
    struct queue settle_queue; /* struct settler, from everywhere */
    struct list settlers;      /* those that wait until nothing is due */
};

/* cache.c: persons and owners of the present group */
struct owner *cache_owner(struct ledger_txn *txn, int64_t inst, int64_t org);
void cache_state_changed(struct ledger_txn *txn, struct owner *owner);
/* A timer of the owner now runs at when_ms, or was cleared (INT64_MIN): look again. */
void cache_timer(struct ledger_txn *txn, struct owner *owner, int64_t when_ms);
/* Writes revisions and versions. */
void cache_flush(struct ledger_txn *txn);
/* After a rollback nothing in memory can be trusted. */
void cache_drop(struct ledger *ledger);
/* At the beginning of a group: reads what a rollback dropped. */
void cache_load(struct ledger_txn *txn);
/* After a commit: bounded. */
void cache_trim(struct ledger *ledger);
/* The person's revision as it will be when the group commits. */
int64_t cache_person_rev(struct ledger_txn *txn, int64_t person, struct belfry_str *username);
/* Row of a person that exists, else 0. */
int64_t cache_person_find(struct ledger_txn *txn, int64_t org, struct belfry_str username);

/* --- outcome_counts.c: what the ledger itself decides, counted when the group commits ----------------------------- */

/* channel: its name's id, 0 for none. */
void outcome_count(struct ledger_txn *txn, int64_t channel, enum outcome outcome, size_t times);
/* store_deliveries_end_event(), counted. */
void outcome_end_event(struct ledger_txn *txn, int64_t event, int64_t person, enum outcome outcome,
                       struct belfry_str note);
/* Of one person, or of addresses (0), on channels that send something away from the inbox, counted. */
void outcome_end_sent(struct ledger_txn *txn, int64_t event, int64_t person, enum outcome outcome,
                      struct belfry_str note);
/* store_delivery_end() of one row, counted. */
void outcome_end(struct ledger_txn *txn, const struct store_delivery *row, enum outcome outcome,
                 struct belfry_str detail);
void outcome_counts_begin(struct ledger *ledger);
void outcome_counts_commit(struct ledger *ledger);
void outcome_counts_free(struct ledger *ledger);

/* --- rates.c: the same by org and minute, for the console --------------------------------------------------------- */

/* event: whose arrival takes time; 0: it was there at once, or nothing arrived. */
void rate_note(struct ledger_txn *txn, int64_t org, enum outcome outcome, int64_t event);
void rates_begin(struct ledger *ledger);
void rates_commit(struct ledger *ledger); /* under the lock of numbers */
void rates_free(struct ledger *ledger);

/* --- rows (apply.c, expand.c, subject.c, sweep.c) ----------------------------------------------------------------- */

#define SLICE 1000 /* rows a transaction, of a fan-out, an expiry, a sweep */

/* Applies what a call recorded. Can fail only for I/O (store_fault()). */
void apply_record(struct ledger_txn *txn, const struct record *record, const struct gen_source *source, int64_t inst,
                  struct belfry_str org, int64_t org_id);
/* An event with its recipients, or the beginning of its fan-out. source is the instance's name. Returns its id. */
int64_t apply_event(struct ledger_txn *txn, const struct emitted *event, struct belfry_str source, int64_t inst,
                    struct belfry_str org, int64_t org_id);

/* What is known of an event while its recipients get rows. */
struct expansion {
    int64_t event, org, category, time;
    struct belfry_str org_name;
    const struct route_plan *plan;
    struct route_chains chains;
    uint32_t *first_decision, *next_decision; /* the same of decisions */
    /* what it replaces: live events at the time it was emitted */
    const int64_t *replaced;
    size_t replaced_count;
};
/* Chains the deliveries of each recipient; in arena. */
void expand_prepare(struct expansion *x, struct arena *arena);
/* What does not happen, as a row. recipient empty: of nobody in particular. */
void expand_decision(struct ledger_txn *txn, const struct expansion *x, const struct route_decision *decision,
                     struct belfry_str recipient);
/* Rows of recipient i: notification, deliveries, decisions; replaces the earlier row. Returns the notification, 0:
 * none. */
int64_t expand_recipient(struct ledger_txn *txn, const struct expansion *x, uint32_t i, int64_t *person);
/* A row of one target, without asking whether it takes the event. The payload is there. */
void expand_target(struct ledger_txn *txn, const struct expansion *x, const struct store_event *row,
                   const struct route_delivery *d, const struct route_target *target);
/* The same of a row that lacks only state and open, which say whether its target is disabled. */
void expand_target_row(struct ledger_txn *txn, struct store_delivery *row);
/* Rows of the targets that take the event, or the beginning of their fan-out, and the payload when there are any. */
void expand_targets(struct ledger_txn *txn, const struct expansion *x, const struct route_event *event,
                    const struct store_event *row);

/* Withdraw, handled, supersede, valid_until on the live events of a subject. */
void subject_apply(struct ledger_txn *txn, const struct op *op, int64_t inst, int64_t org_id);

enum sweep_kind { SWEEP_WITHDRAW = 1, SWEEP_HANDLED, SWEEP_SUPERSEDE, SWEEP_EXPIRE, SWEEP_TOUCH };
struct sweep {
    enum sweep_kind kind;
    int64_t event;
    struct belfry_str note, by;
    const int64_t *only, *except; /* person ids */
    size_t only_count, except_count;
    size_t changed; /* rows so far */
};
/* Up to limit rows of the event, persons above *after; *after moves. Returns how many rows; fewer than limit: done. */
size_t sweep_rows(struct ledger_txn *txn, struct sweep *sweep, int64_t *after, size_t limit);
/* Waiting mail of one person, or to addresses (0), about what is handled. */
void sweep_end_mail(struct ledger_txn *txn, const struct sweep *sweep, int64_t person);
/* One row ends: validity, the successor, its open deliveries with an outcome. */
void sweep_end_row(struct ledger_txn *txn, const struct store_notification *row, int validity, int64_t replaced_by,
                   enum outcome outcome, struct belfry_str note);
/* All rows: now when they are few, else as a job. */
void sweep_start(struct ledger_txn *txn, struct sweep *sweep, int64_t org);
/* What is left of events that were replaced: rows of those who are no longer in the audience. */
void sweep_replaced(struct ledger_txn *txn, const int64_t *events, size_t count, int64_t org);

/* --- jobs (jobs.c, fanout.c) -------------------------------------------------------------------------------------- */

enum {
    JOB_FANOUT = 1,
    JOB_SWEEP = 2,
    JOB_HOLD = 3,
    JOB_RELEASE = 4,
    JOB_REDRIVE = 5,
    JOB_LANES = 6,
    JOB_RECOVER = 7,
    JOB_TARGETS = STORE_JOB_TARGETS
};

/* Those of the classes whose bit is not set need not be looked for: none is open, or none that could go on. Looking for
 * one that is not there passes over all that are open. */
uint32_t job_bit(int kind);
/* Looks for all again. */
#define JOBS_ALL UINT32_MAX
/* Writes the row; its bit is set. */
void job_add(struct ledger_txn *txn, const struct store_job *job);
/* A row of `job`; payload is JSON. */
void job_start(struct ledger_txn *txn, int kind, int64_t org, int64_t ref, int64_t total, struct belfry_str payload);
/* One slice of the oldest job. */
void job_slice(struct ledger_txn *txn);
/* A slice of this one, which is not done; its state and what is done are brought up to date. */
void job_go_on(struct ledger_txn *txn, struct store_job *job);
/* A slice of what was asked for by hand (redrive.c); 1 when it is done. */
int redrive_slice(struct ledger_txn *txn, struct store_job *job, struct belfry_str *cursor);
/* 1: the job is such a one, and its endpoint is not in force yet (the hub starts) or for now. */
int recover_waits(struct ledger_txn *txn, const struct store_job *job);
/* A slice of what an endpoint has missed (endpoint_recover.c). */
int recover_slice(struct ledger_txn *txn, struct store_job *job, struct belfry_str *cursor);
/* A slice of a fan-out; 1 when it is done. */
int fanout_slice(struct ledger_txn *txn, struct store_job *job, struct belfry_str *cursor);
/* Ends the fan-out of an event that is replaced while it is under way. The successor takes over what it was to replace:
 * ids, in the txn's arena. */
size_t fanout_take_over(struct ledger_txn *txn, int64_t event, const int64_t **replaced);
void fanout_drop(struct ledger *ledger);

/* target_fanout.c: a target that takes an event, by one rule. */
struct target_match {
    const struct route_delivery *d;
    const struct route_target *target;
};
/* Rows of these (of none, too) follow, as jobs; so many are made already. */
void target_fanout_start(struct ledger_txn *txn, const struct expansion *x, const struct target_match *taken,
                         size_t count, size_t made);
/* Does one of them. */
void target_fanout_slice(struct ledger_txn *txn, struct store_job *job);
/* 1 when a row of the event to this target is still to be made. */
int target_fanout_owes(struct ledger_txn *txn, int64_t event, int64_t target);
/* Targets go, others take what they are still to get, and what is looked for that they have missed; twins in the order
 * of `goes`. */
void target_fanout_merge(struct ledger_txn *txn, const struct store_twin *twins, size_t count);

/* What the rules look at, from an event's row. In arena. [any] */
void event_of_row(struct store_conn *conn, const struct store_event *row, struct arena *arena, struct route_event *out);

/* targets.c: what the index says of a target, good until the index changes; NULL: it is in none. */
const struct route_target *target_route(struct ledger_txn *txn, int64_t id);
/* A channel that is renamed keeps its index until its plugin has declared its targets again. */
void targets_rename(struct ledger_txn *txn, const char *from, const char *to);
/* The transaction was rolled back, or committed. */
void targets_roll_back(struct ledger *ledger);
void targets_commit(struct ledger *ledger);
/* Enabled, or disabled by what off_by says (STORE_OFF_BY_*). number: of the command that says so. */
void targets_switch(struct ledger_txn *txn, const struct store_target *row, int on, int off_by, struct belfry_str why,
                    uint64_t number);
/* Its URL is another than before: what was said of the receiver before is not said of this one. */
void targets_moved(struct ledger_txn *txn, const struct store_target *row, uint64_t number);

/* The indexes that events for a channel are matched with; returns how many. */
size_t targets_indexes(struct ledger_txn *txn, const struct config_instance *channel,
                       const struct route_targets *out[2]);

/* made_index.c: endpoints that were made over the API */
struct made *made_new(void);
void made_free(struct made *made);
/* NULL: there are none, or the channel's plugin takes none. Read when it is not there. */
const struct route_targets *made_index(struct ledger_txn *txn, const struct config_instance *channel);
/* What events are matched with of one of them; NULL: there is none. */
const struct route_target *made_route(struct ledger_txn *txn, int64_t id);
/* The row as it is now written; there is none any more. */
void made_put(struct ledger_txn *txn, const struct store_target *row);
void made_del(struct ledger_txn *txn, int64_t id);
/* Rows went from one channel to another. */
void made_moved(struct ledger_txn *txn);
void made_roll_back(struct ledger *ledger);
void made_commit(struct ledger *ledger);

/* --- lanes.c: one of a subject at a time (store/lanes.h) ---------------------------------------------------------- */

/* The lane of an event's row to a target; 0: none. target NULL: it is in no index. */
int64_t lane_of(const struct route_target *target, const struct store_event *event);
/* Something of a lane (0: of none) ended or is held: the next one is due, and that is news. */
void lane_next(struct ledger_txn *txn, int64_t target, int64_t lane);
/* A row that was under way waits again, as it is written already. */
void lane_return(struct ledger_txn *txn, const struct store_delivery *row);
/* The target takes several of a subject at once from now on: what waits for its turn is freed, as a job. */
void lanes_free(struct ledger_txn *txn, int64_t target, int64_t org);
/* A slice of that; 1 when it is done. */
int lanes_slice(struct ledger_txn *txn, struct store_job *job);

/* --- last_word.c -------------------------------------------------------------------------------------------------- */

enum last_word_matter {
    LAST_WORD_SWITCH, /* enabled, or not */
    LAST_WORD_HEALTH, /* since when it fails */
    LAST_WORD_MATTERS
};

/* 1: somebody who was numbered later spoke of that matter of the target. */
int last_word_later(struct ledger_txn *txn, int64_t target, enum last_word_matter matter, uint64_t number);
/* 1: nobody who was numbered later spoke of that matter of the target, and now the number has the last word, if the
 * transaction commits; 0: leave it as it is. */
int last_word(struct ledger_txn *txn, int64_t target, enum last_word_matter matter, uint64_t number);
void last_words_commit(struct ledger_txn *txn);
void last_words_roll_back(struct ledger_txn *txn);

/* --- gates (gates.c) ---------------------------------------------------------------------------------------------- */

struct gate {
    const struct store_delivery *row;
    const struct store_event *event;
    struct store_notification own; /* id 0: has none */
    enum outcome outcome;          /* why it ends; or digested, held_quiet_hours */
    int64_t due;                   /* when it is asked again, with those two */
    const char *why;               /* for people; may be NULL */
};
#define REASON_EXPIRED "its validity ended"
#define REASON_EXPIRES "its validity ends within a minute"
#define REASON_SUPERSEDED "a newer event took its place"
#define REASON_DISABLED "the target is disabled"
/* 1: may go out now. 0: gate->outcome says what becomes of it. Quiet hours are asked last. */
int gates_pass(struct ledger_txn *txn, struct gate *gate);
/* What the gates said of a row that may not go out now: it waits, or ends. */
void gate_obey(struct ledger_txn *txn, const struct gate *gate);

/* --- claims (claim.c, claim_item.c, bundle.c) --------------------------------------------------------------------- */

/* What a plugin is told of a row. In the claim's arena. */
void claim_item_fill(struct ledger_txn *txn, struct arena *arena, const struct store_delivery *row,
                     struct ledger_claim_item *item);
/* The row is under way to where the item goes: by itself, or in a bundle. */
void claim_item_lease(struct ledger_txn *txn, const struct ledger_claim_item *item, int64_t delivery, int64_t bundle,
                      int kind);
/* 1 when a row that is due goes out with others, or did. */
int bundle_wanted(const struct ledger_txn *txn, const struct store_delivery *row);
/* Asks all of them and takes what may go; returns how many rows were looked at. */
size_t bundle_take(struct ledger_txn *txn, struct ledger_claim *claim, const struct store_delivery *row);

/* --- deed.c: whose deed a command is ------------------------------------------------------------------------------ */

struct deed {
    char *org, *who, *reason; /* reason: NULL when none was given */
};
struct deed deed_copy(const struct ledger_deed *from); /* [any] */
void deed_free(struct deed *deed);                     /* [any] */
/* Its row of the audit. Takes the reference to detail. */
void deed_audit(struct ledger_txn *txn, const struct deed *deed, const char *what, json_t *detail);

/* --- endpoint_deed.c: what deeds on endpoints share --------------------------------------------------------------- */

#define ENDPOINT_TEST "endpoint.test" /* event.trigger_type of a test; it has no trigger_id */

/* The endpoint of a deed, which is its org's and still there: 1. */
int endpoint_find(struct ledger_txn *txn, const struct deed *deed, int64_t id, struct store_target *out);
/* {"endpoint": id, "name": ...}, for the audit. */
json_t *endpoint_detail(struct ledger_txn *txn, const struct store_target *endpoint);
/* A row of a target that has ended goes out again, with the whole schedule before it: due at due_ms, or held. unless 0:
 * whatever was done meanwhile. */
void endpoint_row_again(struct ledger_txn *txn, const struct store_delivery *row, const struct store_event *event,
                        int64_t due_ms, uint32_t unless, const char *why);
int is_test_event(const struct store_event *event);
/* 1 when an event of the hub is about this endpoint: it is told to others. data: of the event */
int is_about_endpoint(struct ledger_txn *txn, const struct store_event *event, int64_t endpoint);

/* The body that every target gets, once for an event: the same bytes for each attempt, resend and recovery. */
void payload_write(struct ledger_txn *txn, const struct route_event *event, const struct store_event *row);

/* --- outcomes.c --------------------------------------------------------------------------------------------------- */

/* Mail that was under way when another process died: it may have arrived. Returns how many rows. */
size_t outcomes_interrupted(struct ledger_txn *txn);

/* --- hub_event.c, notice.c ---------------------------------------------------------------------------------------- */

/* Fills in category, and what it replaces unless it says (earlier ones of its type and subject), and applies it. */
void hub_event_apply(struct ledger_txn *txn, struct belfry_str org, struct emitted *event);
/* Tells a person that mail to the address they have now does not go out. reason: enum suppression_reason */
void notice_tell(struct ledger_txn *txn, struct belfry_str org, struct belfry_str username, int reason);
/* 1 when that is so. */
int notice_holds(struct ledger_txn *txn, struct belfry_str org, struct belfry_str username);
/* Withdraws what was told when it is so no longer: of one person, or of all about whom something is known. */
void notice_check(struct ledger_txn *txn, struct belfry_str org, struct belfry_str username);
void notice_check_all(struct ledger_txn *txn);

/* --- health.c, endpoint_news.c ------------------------------------------------------------------------------------ */

/* What an outcome says of its target's health. */
void health_note(struct ledger_txn *txn, const struct ledger_outcome *outcome, int64_t target);
enum endpoint_news { ENDPOINT_FAILING, ENDPOINT_DISABLED, ENDPOINT_RECOVERED };
struct ledger_ailing; /* ledger/health.h */
/* Tells the admins and the owner. */
void endpoint_news(struct ledger_txn *txn, const struct store_target *row, enum endpoint_news kind,
                   const struct ledger_ailing *ailing);
/* It is not disabled any more, as the row before said it was. */
void endpoint_news_enabled(struct ledger_txn *txn, const struct store_target *row);

/* --- addresses.c -------------------------------------------------------------------------------------------------- */

/* The org's name id; 0 when there is none that the channel serves. */
int64_t addresses_org(struct ledger_txn *txn, const char *channel, struct belfry_str org);
/* Takes the reference to detail, and adds those that are not empty; of an address what may be shown to anybody. */
void addresses_audit(struct ledger_txn *txn, struct belfry_str org, struct belfry_str who, const char *what,
                     json_t *detail, struct belfry_str username, struct belfry_str address, struct belfry_str category);

/* --- preferences.c ------------------------------------------------------------------------------------------------ */

/* Writes what somebody chose, and lets mail that quiet hours hold be asked again. Returns the new row's id. */
int64_t preferences_replace(struct ledger_txn *txn, int64_t org, struct belfry_str username,
                            const struct preference *chosen);

/* --- work that comes due by itself -------------------------------------------------------------------------------- */

/* Timers of an owner that are due, oldest first, until txn->timers_left is used up. Returns 1 when none is due any
 * more. */
int timers_run(struct ledger_txn *txn, struct gen_source *source, struct owner *owner, struct belfry_str org);
/* Those of all owners. */
void timers_run_all(struct ledger_txn *txn);
int64_t timers_next(struct ledger *ledger);
/* Owners are read from the table: at the start, after a reload, and after a rollback has dropped them. */
void timers_load(struct ledger_txn *txn);
/* One slice each, when something is due. */
void expiry_slice(struct ledger_txn *txn);
void shown_slice(struct ledger_txn *txn);  /* in-app deliveries with `after` */
void upkeep_slice(struct ledger_txn *txn); /* rows of targets and channels that are gone */
void retention_slice(struct ledger_txn *txn);
int64_t upkeep_next(const struct ledger *ledger, int64_t now);
int64_t retention_next(const struct ledger *ledger, int64_t now);
/* The clock was set: what is under way stops, and nothing is deleted until it has gone evenly for a while. */
void retention_hold(struct ledger *ledger);
struct retention *retention_new(void);
void retention_free(struct retention *retention);
/* A channel is or is no longer configured: from then on its waiting rows have an hour. */
void upkeep_channels(struct ledger_txn *txn);

/* --- calls that harm (poison.c, quarantine.c) --------------------------------------------------------------------- */

/* NULL without err when data_dir is NULL. */
struct poison *poison_open(const char *data_dir, struct error *err);
void poison_close(struct poison *poison);
/* Notes what is in hand; an identity of at most 900 bytes. */
void poison_hold(struct poison *poison, struct belfry_str key);
void poison_let_go(struct poison *poison);
/* How many processes died with this key in hand, one after the other; told once, then 0. */
unsigned poison_was(struct poison *poison, struct belfry_str key);

/* EAGAIN and *retry_after_ms while the instance is in quarantine. */
belfry_status quarantine_check(struct ledger *ledger, const char *name, int64_t now, int64_t *retry_after_ms);
/* Around a call; waited_ns is what it waited for the database. */
struct stopwatch {
    uint64_t wall_ns, cpu_ns;
    long gave_up; /* times that the thread gave up the processor */
};
struct stopwatch quarantine_begin(void);
/* The clock went back: no quarantine lasts longer than it would. */
void quarantine_clock_back(struct ledger *ledger, int64_t now);
/* Returns the source's own time. */
uint64_t quarantine_end(struct ledger *ledger, const char *name, int64_t now, const struct stopwatch *begin,
                        uint64_t waited_ns);

/* --- triggers (trigger.c) ----------------------------------------------------------------------------------------- */

#define LEDGER_LATER 1 /* a command that wants to be run again in the next group; it has written nothing */

/* The request as a command. */
belfry_status trigger_run(struct ledger_command *command, struct ledger_txn *txn);
/* "person:ann"; in arena. */
struct belfry_str principal_text(struct arena *arena, const struct belfry_principal *principal);
/* What was refused and is kept: kind "feed", "hook", "poison", "task", "timer". */
void refused_keep(struct ledger_txn *txn, int64_t org, int64_t inst, const char *kind, belfry_status status,
                  const struct error *err, struct belfry_str body);

/* Back-pressure until a configuration says otherwise. */
#define PENDING_TRIGGERS 20000
#define PENDING_BYTES (INT64_C(64) << 20)

/* --- the group (group.c) ------------------------------------------------------------------------------------------ */

void *group_main(void *ledger);
/* What a transaction that ended so says of the database, in words. Static. */
const char *ailment_of(belfry_status status);
/* A transaction of its own, and the answer; one that must not be lost is kept when it fails. */
void group_run_alone(struct ledger *ledger, struct ledger_command *command);
/* kept.c. 1: the command is kept and will be run again; 0: it is to be answered with its failure, which is status. */
int kept_add(struct ledger *ledger, struct ledger_command *command, belfry_status status);
/* When the next one is run again, monotonic ns; UINT64_MAX: none. */
uint64_t kept_next(const struct ledger *ledger);
/* Runs those that are due, unless transactions fail now; all: each of them, for the last time. */
void kept_run(struct ledger *ledger, int all);
/* [loop] Answers what has committed. */
void answer_all(struct ledger *ledger);

/* A generation that the ledger lets go of after the commit. */
struct release {
    struct list node;
    struct gen *gen;
};

/* --- between the threads (answer.c) ------------------------------------------------------------------------------- */

/* After a commit: the group's commands, in order, and its news. The list is empty afterwards. */
void answer_group(struct ledger *ledger, struct list *commands);
/* After a failure: commands that changed nothing. */
void answer_failed(struct ledger *ledger, struct list *commands, belfry_status status);
/* Runs on the loop in order with the answers of commands. */
void ledger_post(struct ledger *ledger, void (*fn)(void *arg), void *arg);
/* alarm of the settings, on the loop. */
void ledger_alarm(struct ledger *ledger, const char *type, struct belfry_str subject, const char *text);

#endif
