/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libbelfry-test: a fake hub around one instance of a plugin, for its tests. No daemon, no database, no sockets; a
 * virtual clock, people and roles in memory, an HTTP client that answers what the test says. It makes the same checks
 * as the hub: options, events that may be emitted, one complete() for each deliver().
 *
 * A test of a source reads as what happened and what was told to whom:
 *
 *     struct belfry_test *t = belfry_test_new(&belfry_entry, "rules: []");
 *     belfry_test_user(t, "ann", "sales");
 *     belfry_test_send(t, "record.created", "{\"record\": ...}");
 *     belfry_test_expect(t, "record.assigned -> ann: Deal X");
 *     belfry_test_free(t);
 *
 * Everything runs on the calling thread. Callbacks of the plugin come on a later turn, never inside a call to the host
 * (R02); every function below that lets something happen takes turns until nothing is left to do at the present time.
 * A function that returns belfry_status also keeps it, with its messages, until the next one: see belfry_test_error().
 * Strings that are returned live until belfry_test_free(). Text and JSON parameters are NUL-terminated and copied.
 */
#ifndef BELFRY_TEST_H
#define BELFRY_TEST_H

#include <belfry/host.h>

#ifdef __cplusplus
extern "C" {
#endif

struct belfry_test;

/* The entry of the plugin under test, when the test is linked with its objects. */
extern BELFRY_EXPORT const struct belfry_entry belfry_entry;

/* --- failures ----------------------------------------------------------------------------------------------------- */

/*
 * What an expectation that is not met does. At first: prints "FILE:LINE: text" and aborts. A test framework puts its
 * own function here; it may longjmp. For cmocka: print_error("%s", text), then _fail(file, line).
 */
void belfry_test_on_failure(void (*fn)(const char *file, int line, const char *text));

/* --- life --------------------------------------------------------------------------------------------------------- */

/*
 * Checks the descriptor as the hub's loader does, fills the options from YAML (the map that would stand below the
 * instance's name; NULL is an empty one), calls create() and start(). Never NULL: ask belfry_test_status(). The clock
 * stands at 2026-01-05T09:00:00Z, a Monday; the org is "acme"; the instance is called as the plugin; triggers come from
 * a token "test".
 */
struct belfry_test *belfry_test_new(const struct belfry_entry *entry, const char *yaml);
/* The same with a shared object, loaded as the hub loads it. */
struct belfry_test *belfry_test_open(const char *so_path, const char *yaml);
/*
 * Calls stop(), waits for stopped(), calls destroy(). Rules that were broken (belfry_test_faults) and were not asked
 * for fail the test. NULL is fine.
 */
void belfry_test_free(struct belfry_test *t);
/*
 * New options, as after a reload of the hub: a delivery's reload(); a source, or a delivery without reload(), is
 * replaced by a new instance. State and durable timers stay. On an error the old instance goes on.
 */
belfry_status belfry_test_reload(struct belfry_test *t, const char *yaml);
/* Of the last call that has one. */
belfry_status belfry_test_status(const struct belfry_test *t);
/*
 * Messages of the last call, a line each: "/data/record/id: is required", or without a pointer the text alone; for
 * attributes "handled_by = ann". Errors of options are "4:7: text" (line and column of the YAML). "" when all is well.
 */
const char *belfry_test_error(const struct belfry_test *t);
/* Rules of the ABI that the plugin broke, a line each, with the id of the rule where it has one. Asking clears them. ""
 * when there are none. */
const char *belfry_test_faults(struct belfry_test *t);
/* The instance's own pointer, as create() gave it, and its host. */
void *belfry_test_self(const struct belfry_test *t);
const struct belfry_host *belfry_test_host(const struct belfry_test *t);

/* --- time --------------------------------------------------------------------------------------------------------- */

int64_t belfry_test_now(const struct belfry_test *t);
/* Moves the clock by "90s", "3d", and lets everything that comes due on the way happen at its own time: loop timers,
 * due(), tasks, answers, ends of validity. */
void belfry_test_advance(struct belfry_test *t, const char *duration);
/* The same up to an RFC 3339 time, which must not lie in the past. */
void belfry_test_until(struct belfry_test *t, const char *time);
/* What is due now; the functions below do this by themselves. */
void belfry_test_settle(struct belfry_test *t);

/* --- the directory ------------------------------------------------------------------------------------------------ */

/* From now on things happen in this org. */
void belfry_test_org(struct belfry_test *t, const char *org);
/* Where the orgs are, for txn->zone: "Europe/Berlin". At first "UTC". */
void belfry_test_zone(struct belfry_test *t, const char *zone);
/* What the hub's rules read of events, for belfry.rules/1: paths separated by blanks ("data.record.fields.rating"), in
 * force from the next belfry_test_reload(). At first none. */
void belfry_test_rules(struct belfry_test *t, const char *paths);
/* A person of the present org with roles separated by blanks; again: replaced. */
void belfry_test_user(struct belfry_test *t, const char *username, const char *roles);
/* The same with everything that is known of the person. */
void belfry_test_person(struct belfry_test *t, const struct belfry_person *person);
void belfry_test_remove_user(struct belfry_test *t, const char *username);
/* A category that the configuration names, beside those that the plugin declares. */
void belfry_test_category(struct belfry_test *t, const char *name);

/* --- triggers ----------------------------------------------------------------------------------------------------- */

/* Who the next triggers come from: "token:crm", "person:ann", "feed", "hook", "task:xero". */
void belfry_test_as(struct belfry_test *t, const char *principal);
/*
 * Gives a trigger to receive(). What it recorded is applied when it returned OK, else dropped. Each has an id of its
 * own. EINVAL also when data is no JSON.
 */
belfry_status belfry_test_send(struct belfry_test *t, const char *type, const char *data);

/* All that a trigger can say. NULL members have defaults; one with an id that was accepted before from the same source
 * is a duplicate, as in the hub: OK, and receive() is not called. */
struct belfry_test_trigger {
    const char *type, *data;
    const char *id, *source, *subject;
    const char *time; /* RFC 3339 */
};
belfry_status belfry_test_send_trigger(struct belfry_test *t, const struct belfry_test_trigger *trigger);
/* A batch: all or nothing; the later ones see what the earlier ones recorded. */
belfry_status belfry_test_send_batch(struct belfry_test *t, const struct belfry_test_trigger *triggers, size_t count);
/*
 * What the hub does when a person uses an action of a live row: the action's trigger with that person as principal and
 * the comment (NULL: none) at /comment. ENOTFOUND when the person has no such action on the subject.
 */
belfry_status belfry_test_act(struct belfry_test *t, const char *username, const char *subject, const char *action,
                              const char *comment);
/* Calls refresh() and takes turns. */
void belfry_test_refresh(struct belfry_test *t);

/* --- what was told to whom ---------------------------------------------------------------------------------------- */

/*
 * All that was done since the last expectation, in order, one line each, compared as a whole ("" is: nothing):
 *
 *     record.assigned -> ann, bob: Title    (an event; whom it is for: roles expanded, the actor left out, each once)
 *     workflow.x -> nobody: Title
 *     withdraw record/Lead/1 [record.assigned] from ann: reason    (types in [], "from" only, "except", as given)
 *     handled approval/1 by ann except ann
 *     supersede run/7
 *     valid run/7 until 2026-01-12T09:00:00.000Z    (or "valid run/7 for good")
 *     timer after/x in 3d    (or "timer after/x cleared", when it was set)
 *     task fetch    (or "task fetch in 5m")
 *     refreshed: 1 added, 0 invalidated, OK    (job_done(), as the plugin said it)
 *     alarm failing mail.example.org:25: why    (belfry.alarm/1; or "distrusted")
 *     due after/x failed: text    (a timer that was refused; it is tried again)
 *
 * What is in () is not part of the line. State is not told: see belfry_test_state().
 */
#define belfry_test_expect(t, lines) belfry_test_expect_at(t, lines, __FILE__, __LINE__)
int belfry_test_expect_at(struct belfry_test *t, const char *lines, const char *file, int line);
/* The lines themselves; asking clears them. */
const char *belfry_test_told(struct belfry_test *t);
/* Live rows of a person (valid and not handled), oldest first: "record.assigned: Title". "email:a@b" is an address. */
const char *belfry_test_inbox(const struct belfry_test *t, const char *who);
#define belfry_test_expect_inbox(t, who, lines) belfry_test_expect_inbox_at(t, who, lines, __FILE__, __LINE__)
int belfry_test_expect_inbox_at(struct belfry_test *t, const char *who, const char *lines, const char *file, int line);
/* All rows: "record.assigned: Title (withdrawn)"; handled by ann, superseded, replaced, expired. */
#define belfry_test_expect_rows(t, who, lines) belfry_test_expect_rows_at(t, who, lines, __FILE__, __LINE__)
int belfry_test_expect_rows_at(struct belfry_test *t, const char *who, const char *lines, const char *file, int line);
/* belfry_test_error() of the last call. */
#define belfry_test_expect_error(t, lines) belfry_test_expect_error_at(t, lines, __FILE__, __LINE__)
int belfry_test_expect_error_at(struct belfry_test *t, const char *lines, const char *file, int line);

struct belfry_test_event {
    uint32_t struct_size, severity;
    int64_t time_ms, valid_until_ms;
    const char *org, *type, *subject, *category, *title, *body, *link, *actor;
    const char *data;              /* JSON: the source's, or the trigger's as it was sent */
    const char *const *recipients; /* usernames and "email:a@b", in order; ends at NULL */
    const char *const *reasons;    /* of each recipient */
    const struct belfry_action *actions;
    size_t action_count;
};
/* Events of all orgs that were applied, oldest first; NULL past the end. */
const struct belfry_test_event *belfry_test_event(const struct belfry_test *t, size_t index);
size_t belfry_test_event_count(const struct belfry_test *t);
/* The newest; NULL when there is none. */
const struct belfry_test_event *belfry_test_last(const struct belfry_test *t);

/* --- state -------------------------------------------------------------------------------------------------------- */

/* State of the present org, one line each: "key = value", in byte order. */
const char *belfry_test_state(const struct belfry_test *t);
/* How often state was changed so far (put and del, in all orgs): what a source costs the hub. */
size_t belfry_test_writes(const struct belfry_test *t);
/* One value, or NULL. */
const char *belfry_test_get(const struct belfry_test *t, const char *key);
/* As an older version may have left it. NULL deletes. */
void belfry_test_put(struct belfry_test *t, const char *key, const char *value);
/* Durable timers of the present org: "key at 2026-01-08T09:00:00.000Z", in the order they come due. */
const char *belfry_test_timers(const struct belfry_test *t);

/* --- deliveries --------------------------------------------------------------------------------------------------- */

/* One item to deliver. NULL members have defaults. */
struct belfry_test_item {
    const char *event_id, *notification_id, *source, *type, *category, *subject, *title, *body, *link, *actor;
    const char *data;    /* JSON of the event; default {} */
    const char *payload; /* PER_TARGET: default is the body that the hub makes of the item */
    uint32_t severity;
    int64_t time_ms;                     /* 0: now */
    uint32_t flags;                      /* BELFRY_ITEM_* */
    const char *reason, *category_label; /* PER_RECIPIENT; default "owner", and the category */
    int64_t waited_ms, valid_until_ms;
    const struct belfry_action *actions; /* PER_RECIPIENT; not copied */
    size_t action_count;
};
/* A batch. */
struct belfry_test_batch {
    const char *to; /* PER_TARGET: name of a declared target; PER_RECIPIENT: username, or "email:a@b" */
    const struct belfry_test_item *items;
    size_t count;
    uint32_t attempt, total; /* 0: 1, and count */
    const char *deadline;    /* from now; NULL: 1m */
    const char *key;         /* UUID; NULL: one of its own */
    uint32_t kind;           /* BELFRY_BATCH_* */
};
/* Calls deliver() and takes turns. Returns the batch's id; 0 when there is no such target. */
uint64_t belfry_test_deliver(struct belfry_test *t, const struct belfry_test_batch *batch);
/* Calls cancel(). */
void belfry_test_cancel(struct belfry_test *t, uint64_t batch);

struct belfry_test_outcome {
    uint32_t outcome; /* BELFRY_DELIVERED ... */
    int32_t code;
    int64_t retry_after_ms;
    const char *detail, *record;
};
/* Of item `index`; NULL while complete() is owed. A batch that passed its deadline was cancelled; 5 s later it counts
 * as RETRY and a late answer is a fault. */
const struct belfry_test_outcome *belfry_test_outcome(const struct belfry_test *t, uint64_t batch, size_t index);
/* "delivered", "retry", ... */
const char *belfry_test_outcome_name(uint32_t outcome);

/* What the plugin declared through belfry.targets/1, NULL when there is none of that name. */
const struct belfry_target_spec *belfry_test_target(const struct belfry_test *t, const char *name);
const struct belfry_target_policy *belfry_test_policy(const struct belfry_test *t);
/* What it said last that the receiver of a target allows a minute; 0: nothing. */
uint32_t belfry_test_pace(const struct belfry_test *t, const char *name);

/* --- belfry.endpoints/1 ------------------------------------------------------------------------------------------- */

/* What check() keeps of an endpoint of the present org; before: NULL for a new one. NULL when it refuses: see
 * belfry_test_error(), a line for each fault. */
const char *belfry_test_endpoint(struct belfry_test *t, const char *url, const char *settings, const char *before);
/* The same of one whose URL was another one. */
const char *belfry_test_endpoint_moved(struct belfry_test *t, const char *url, const char *url_before,
                                       const char *settings, const char *before);
/* A secret for these settings; given: what somebody brings in, NULL for a fresh one. NULL as above. */
const char *belfry_test_endpoint_secret(struct belfry_test *t, const char *settings, const char *given);
/* What show() tells people; flags are BELFRY_ENDPOINT_*. */
const char *belfry_test_endpoint_shown(struct belfry_test *t, const char *settings, const char *secret, uint32_t flags);
/* From now on there is a target of that name beside those that the plugin declared, as if somebody had made it over the
 * API; gone with the next declare(). A second call changes it: the same id. */
void belfry_test_endpoint_make(struct belfry_test *t, const char *name, const char *url, const char *settings,
                               const char *secret);

/* The target is there no more: the plugin hears of it, where it has gone(). Made again it has the id of before. */
void belfry_test_endpoint_remove(struct belfry_test *t, const char *name);

/* --- belfry.addresses/1 ------------------------------------------------------------------------------------------- */

/*
 * A mail of the present org that was sent: its delivery (a UUID, as batch.key), who got it ("ann", or "email:a@b"), the
 * category. What is reported and chosen becomes a line of belfry_test_expect():
 *
 *     bounced ann@acme.example of 0189-...: 550 5.1.1 no such user      (or "soft", "complained")
 *     stop approval for ann      (or "stop all for email:a@b")
 *     restore approval for ann
 */
void belfry_test_mail(struct belfry_test *t, const char *delivery, const char *who, const char *category);
/* A category, named by the configuration, whose mail nobody can stop. */
void belfry_test_required(struct belfry_test *t, const char *category);

/* --- what comes back ---------------------------------------------------------------------------------------------- */

/* What feedback_done() said. */
struct belfry_test_feedback {
    uint32_t answered, outcome; /* 1; BELFRY_FEEDBACK_* */
    const char *detail;
};
/* Calls take() of "belfry.feedback/1" with a message, and takes turns. recipient: NULL for none. What was not answered
 * by belfry_test_free() fails the test. */
const struct belfry_test_feedback *belfry_test_feedback(struct belfry_test *t, const char *recipient,
                                                        const char *message, size_t len);

/* --- HTTP --------------------------------------------------------------------------------------------------------- */

struct belfry_test_answer {
    uint32_t status, error; /* HTTP status, or BELFRY_HTTP_ERR_* */
    const char *body;
    const char *const *headers; /* "retry-after: 5"; ends at NULL; may be NULL */
    const char *after;          /* how long it takes; NULL: next turn. Beyond the call's timeout it times out */
    const char *error_text;
};
/* Script: the next request that finds no earlier answer waiting gets this one. Without one it stays open until an
 * answer is scripted, its timeout or cancel(). */
void belfry_test_answer(struct belfry_test *t, const struct belfry_test_answer *answer);

struct belfry_test_request {
    const char *method, *url, *body;
    size_t body_len;
    const struct belfry_attr *headers;
    size_t header_count;
    int64_t timeout_ms, connect_timeout_ms;
    const char *const *allow_cidrs; /* ends at NULL; NULL: none */
    int done;                       /* answered, timed out or cancelled */
};
/* Requests so far, oldest first; NULL past the end. */
const struct belfry_test_request *belfry_test_request(const struct belfry_test *t, size_t index);
size_t belfry_test_request_count(const struct belfry_test *t);
/* Value of a header (any case), or NULL. */
const char *belfry_test_header(const struct belfry_test *t, size_t index, const char *name);

/* --- SMTP --------------------------------------------------------------------------------------------------------- */

/* What belfry.smtp-client/1 answers: members as in struct belfry_smtp_answer. */
struct belfry_test_smtp {
    uint32_t error, stage; /* BELFRY_SMTP_ERR_*, BELFRY_SMTP_STAGE_* */
    int32_t code;
    const char *enhanced, *text, *error_text; /* NULL: empty */
    uint32_t reused, encrypted;
    const char *after; /* how long it takes; NULL: next turn. Beyond the mail's timeout it times out at this stage */
};
/* Script: the next mail that finds no earlier answer waiting gets this one. Without one it stays open until an answer
 * is scripted, its timeout or cancel(). */
void belfry_test_smtp_answer(struct belfry_test *t, const struct belfry_test_smtp *answer);

/* A mail that the plugin sent: members as in struct belfry_smtp_mail. */
struct belfry_test_sent {
    const char *url, *username, *password, *ca_file; /* NULL: none */
    uint32_t tls, max_connections;
    const char *from, *to, *message;
    size_t message_len;
    int64_t timeout_ms, connect_timeout_ms;
    int done; /* answered, timed out or cancelled */
};
/* Mails so far, oldest first; NULL past the end. */
const struct belfry_test_sent *belfry_test_sent(const struct belfry_test *t, size_t index);
size_t belfry_test_sent_count(const struct belfry_test *t);

/* --- routes of the plugin ----------------------------------------------------------------------------------------- */

/* A request to one of them. The path has the instance's name where the pattern says {instance}, and may have a query.
 */
struct belfry_test_call {
    const char *path;
    const char *method;         /* NULL: GET */
    const char *body;           /* NULL: none */
    const char *content_type;   /* NULL: none */
    const char *const *headers; /* "x-signature: abc", names in lower case; ends at NULL; may be NULL */
};
/* What the plugin answered. */
struct belfry_test_reply {
    uint32_t status;          /* 0: not yet */
    const char *content_type; /* of a page text/html, of a problem application/problem+json */
    const char *body;         /* of a page its <main>, of a problem its detail */
    const char *title;        /* of a page its title, of a problem its pointer; else "" */
    const struct belfry_attr *headers;
    size_t header_count;
};
/*
 * Calls the route that fits, in the present org and as who belfry_test_as() said, a person with their roles of the
 * directory, and takes turns. What the hub checks before it asks a plugin - who may call, sizes, CSRF - is not checked;
 * streams are not offered (EUNSUPPORTED). Fails the test when no route fits, and at belfry_test_free() when there was
 * no answer.
 */
const struct belfry_test_reply *belfry_test_call(struct belfry_test *t, const struct belfry_test_call *call);

/* --- the rest ----------------------------------------------------------------------------------------------------- */

/* Log lines: "warn: text". */
const char *belfry_test_logs(const struct belfry_test *t);
/* Value of a counter or gauge; 0 when there is none. */
double belfry_test_metric(const struct belfry_test *t, const char *name);

#ifdef __cplusplus
}
#endif
#endif
