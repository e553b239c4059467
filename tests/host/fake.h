/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of libbelfry-test. Everything that is kept lives in the test's arena: a test is short. */
#ifndef HOST_FAKE_H
#define HOST_FAKE_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/list.h"
#include "base/queue.h"
#include "base/status.h"
#include "base/str.h"
#include "plugin/plugin.h"
#include "template/pages.h"

#include <belfry/test.h>

#define FAKE_URL "https://belfry.example.org" /* the hub's, for people */
#define FAKE_DELIVERY_GRACE_MS 5000           /* after the deadline, before a missing complete() counts as RETRY */

/* --- what a call records, and what became of it ------------------------------------------------------------------- */

enum fake_op_kind {
    FAKE_PUT,
    FAKE_DEL,
    FAKE_EMIT,
    FAKE_WITHDRAW,
    FAKE_HANDLED,
    FAKE_SUPERSEDE,
    FAKE_VALID_UNTIL,
    FAKE_TIMER_SET,
    FAKE_TIMER_CLEAR,
    FAKE_TASK
};

struct fake_event {
    struct belfry_test_event pub;
    const char *const *replaces; /* ends at NULL; may be NULL */
};

struct fake_op {
    struct fake_op *next;
    enum fake_op_kind kind;
    struct belfry_str key, value; /* state, timer, task; subject and `by` */
    int64_t when_ms;
    struct belfry_selection which;
    struct fake_event *event;
};

struct fake_record {
    struct fake_op *first, **last;
};

/* A call of the plugin inside a transaction. */
struct fake_call {
    struct belfry_txn pub;
    struct belfry_test *test;
    struct fake_record *record;
    const struct belfry_trigger *trigger; /* NULL: a timer */
    size_t reads, changes;
    belfry_status fault; /* a limit was passed */
    struct arena *scratch;
};

/* A notification of the model. */
enum fake_validity { FAKE_LIVE, FAKE_REPLACED, FAKE_SUPERSEDED, FAKE_WITHDRAWN, FAKE_EXPIRED };

struct fake_row {
    struct fake_event *event;
    const char *who;
    enum fake_validity validity;
    const char *handled_by; /* NULL: not handled */
    int64_t valid_until_ms;
};

struct fake_state {
    struct belfry_str org, key, value;
};

/* A descriptor of the plugin that is watched. */
struct fake_watch {
    uint64_t id;
    int32_t fd;
    uint32_t mask, instance;
    void (*fn)(void *arg, uint32_t ready);
    void *arg;
    int over;
};

struct fake_timer {
    struct belfry_str org, key, payload;
    int64_t due_ms, set_for_ms;
    uint32_t failures;
};

struct fake_task {
    uint64_t id;
    struct belfry_str org, key, payload;
    int64_t due_ms;
    uint32_t tries;
    int running;
};

struct fake_person {
    struct belfry_str org;
    struct belfry_person person;
};

/* --- the loop ----------------------------------------------------------------------------------------------------- */

/* Something that happens on a later turn. */
struct fake_post {
    struct list node;
    void (*fn)(void *arg);
    void *arg;
};

struct fake_loop_timer {
    uint64_t id;
    int64_t due_ms, repeat_ms;
    void (*fn)(void *arg);
    void *arg;
    uint32_t instance;
    int stopped;
};

/* --- deliveries, HTTP --------------------------------------------------------------------------------------------- */

struct fake_batch {
    struct belfry_batch pub;
    struct belfry_item *items;
    struct belfry_test_outcome *outcomes; /* one an item */
    int answers;                          /* complete() calls */
    int cancelled, late;
};

struct fake_request {
    struct belfry_test_request pub;
    uint64_t id;
    int64_t due_ms; /* when it is answered or times out */
    const struct belfry_test_answer *answer;
    size_t max_response;
    void (*fn)(void *arg, const struct belfry_http_answer *answer);
    void *arg;
};

/* A mail that was sent before the test began, and a choice that was made through one. */
struct fake_mail {
    const char *delivery, *org, *who, *category;
};

struct fake_off {
    const char *org, *who, *category; /* category "": all */
    int is;
};

struct fake_sent {
    struct belfry_test_sent pub;
    uint64_t id;
    int64_t due_ms, wait_ms; /* when it is answered or times out; how long the answer takes */
    const struct belfry_test_smtp *answer;
    int late; /* the answer comes after the timeout */
    void (*fn)(void *arg, const struct belfry_smtp_answer *answer);
    void *arg;
};

struct fake_feedback {
    uint64_t id;
    struct belfry_test_feedback pub;
};

struct fake_metric {
    const char *name;
    double value;
    int gauge;
};

struct fake_target {
    uint64_t id;   /* the same on every delivery */
    uint32_t pace; /* what the plugin said last that its receiver allows a minute */
    int removed;   /* until it is made again, under its id */
    struct belfry_target_spec spec;
};

/* A growing array in the arena. */
#define FAKE_LIST(type)                                                                                                \
    struct {                                                                                                           \
        type *items;                                                                                                   \
        size_t count, cap;                                                                                             \
    }
/* A new item at the end; its address is good until the next one. */
#define FAKE_ADD(t, list)                                                                                              \
    ((list)->items = fake_grow((t)->arena, (list)->items, (list)->count, &(list)->cap, sizeof(*(list)->items)),        \
     &(list)->items[(list)->count++])

struct belfry_test {
    struct arena *arena;
    struct pages *pages; /* of the plugin under test */
    struct belfry_host host;
    struct clock_src *clock;
    const struct plugin *plugin;
    struct plugin linked; /* when it was not loaded from a file */
    void *self;
    int created, stopping, stopped;
    uint32_t instance; /* number of the newest */

    /* the last call */
    belfry_status status;
    struct error err;
    struct buf told, faults, logs;

    uint64_t last_id;
    const char *org;
    const char *zone; /* of every org */
    struct belfry_strs rule_paths;
    struct belfry_principal principal;
    int64_t last_trigger;

    struct queue posts; /* struct fake_post */
    FAKE_LIST(struct fake_loop_timer) loop_timers;
    FAKE_LIST(struct fake_watch) watches;
    FAKE_LIST(struct fake_person) people;
    FAKE_LIST(const char *) categories;
    FAKE_LIST(const char *) accepted; /* "source\nid" of triggers with an id */
    FAKE_LIST(struct fake_event *) events;
    FAKE_LIST(struct fake_row) rows;
    FAKE_LIST(struct fake_state) state; /* sorted by org, key */
    size_t writes;
    FAKE_LIST(struct fake_timer) timers;
    FAKE_LIST(struct fake_task) tasks;
    FAKE_LIST(uint64_t) jobs; /* what refresh() was given and did not end yet */
    FAKE_LIST(struct fake_batch *) batches;
    FAKE_LIST(struct fake_target) targets;
    struct belfry_target_policy policy;
    int has_policy;
    FAKE_LIST(struct fake_request *) requests;
    FAKE_LIST(const struct belfry_test_answer *) answers; /* scripted, not yet used */
    size_t answers_used;
    FAKE_LIST(struct fake_sent *) sent;
    FAKE_LIST(const struct belfry_test_smtp *) smtp_answers; /* scripted, not yet used */
    size_t smtp_answers_used;
    FAKE_LIST(struct fake_metric) metrics;
    FAKE_LIST(struct fake_mail) mails;
    FAKE_LIST(struct fake_off) off;
    FAKE_LIST(const char *) required; /* categories */
    FAKE_LIST(struct fake_call_of_route *) route_calls;
    FAKE_LIST(struct fake_feedback *) feedback;
};

void *fake_grow(struct arena *arena, void *items, size_t count, size_t *cap, size_t size);
struct belfry_test *fake_of(const struct belfry_host *host);
const char *fake_text(struct belfry_test *t, struct belfry_str s); /* NUL-terminated copy */
struct belfry_strs fake_strs(struct belfry_test *t, struct belfry_strs list);
/* A rule was broken: "R05: complete() was called twice for batch 3". */
void fake_fault(struct belfry_test *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The test itself is wrong: fails it with the name of the function. */
void fake_misuse(const char *function, const char *format, ...) __attribute__((format(printf, 2, 3)));
void fake_fail(const char *file, int line, const char *text);
/* A line of what was done. */
void fake_tell(struct belfry_test *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The last call came to this; its messages are in t->err already. */
belfry_status fake_end(struct belfry_test *t, belfry_status status);
void fake_begin(struct belfry_test *t);
uint64_t fake_id(struct belfry_test *t);

/* table.c: the host's functions and its extensions */
extern const struct belfry_host fake_host_table;
int fake_has_extension(const char *id);
void fake_post(struct belfry_test *t, void (*fn)(void *arg), void *arg);
extern const struct belfry_timer_api fake_timer_api;
extern const struct belfry_fd_api fake_fd_api;
extern const struct belfry_http_client_api fake_http_api;
extern const struct belfry_smtp_client_api fake_smtp_api;
extern const struct belfry_samples_api fake_samples_api;
extern const struct belfry_http_route_api fake_route_api;
extern const struct belfry_addresses_api fake_addresses_api;

const void *fake_extension(const char *id);

/* time.c: the next moment at which something is due; INT64_MAX: nothing */
int64_t fake_next_due(const struct belfry_test *t);

/* txn.c */
extern const struct belfry_txn_api fake_txn_api;
void fake_call_init(struct fake_call *call, struct belfry_test *t, const char *org, struct fake_record *record,
                    const struct belfry_principal *principal, const struct belfry_trigger *trigger);
/* The call behind a txn; NULL and a fault when it is not the one that this thread is in. what: the function's name. */
struct fake_call *fake_call_of(struct belfry_txn *txn, const char *what);
belfry_status fake_call_end(struct fake_call *call, belfry_status status, struct error *err);
void fake_record_init(struct fake_record *record);
struct fake_op *fake_record_add(struct belfry_test *t, struct fake_record *record, enum fake_op_kind kind);
/* emit.c */
belfry_status fake_emit(struct belfry_txn *txn, const struct belfry_event *event, struct belfry_error *err);
const struct belfry_person *fake_person(const struct belfry_test *t, struct belfry_str org, struct belfry_str username);
int fake_has_role(const struct belfry_person *person, struct belfry_str role);
/* rows.c: applies a record */
void fake_apply(struct belfry_test *t, const char *org, const struct fake_record *record);
void fake_expire(struct belfry_test *t);
struct fake_state *fake_state_find(struct belfry_test *t, struct belfry_str org, struct belfry_str key, size_t *at);
void fake_state_set(struct belfry_test *t, struct belfry_str org, struct belfry_str key,
                    const struct belfry_str *value);

/* send.c: due() of a timer, and the trigger of a task's result or of submit() */
/* Tells of one descriptor that is ready now; 0 when none is. */
int fake_watch_run(struct belfry_test *t);
void fake_timer_run(struct belfry_test *t, size_t index);
void fake_task_run(struct belfry_test *t, size_t index);
belfry_status fake_submit(struct belfry_test *t, const struct belfry_submission *submission, struct error *err);
/* deliver.c */
int fake_deliveries_due(struct belfry_test *t); /* 1 when something was done */
int64_t fake_deliveries_next(const struct belfry_test *t);
void fake_complete(struct belfry_test *t, uint64_t batch, const struct belfry_result *results, uint32_t n);
/* http.c */
int fake_http_due(struct belfry_test *t);
int64_t fake_http_next(const struct belfry_test *t);
/* guard.c */
int32_t fake_refuses(const struct belfry_host *host, const char *url, const char *const *allow_cidrs);
/* smtp.c */
int fake_smtp_due(struct belfry_test *t);
int64_t fake_smtp_next(const struct belfry_test *t);
/* route.c */
int fake_calls_open(const struct belfry_test *t); /* how many requests wait for an answer */

#endif
