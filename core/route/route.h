/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routing: one evaluator for the daemon, `explain` and the console. Given an event, a configuration and a directory it
 * says who is told, through which channel, when, and why or why not. It reads and writes no database.
 *
 * Order: rules, recipients, visibility. What time can change (unless, role, preference, validity, quiet hours) is asked
 * again by the claim when a delivery comes due.
 */
#ifndef ROUTE_ROUTE_H
#define ROUTE_ROUTE_H

#include "config/config.h"
#include "event/outcome.h"
#include "route/preference.h"

/* The directory as of a transaction: people of YAML and of the API. */
struct route_directory {
    void *arg;
    /* 0 or BELFRY_ENOTFOUND; strings valid for the plan's life (in arena) */
    belfry_status (*person)(void *arg, struct arena *arena, struct belfry_str org, struct belfry_str username,
                            struct belfry_person *out);
    /* all members of a role after `after`, up to limit, in byte order; returns the count, array in arena */
    size_t (*members)(void *arg, struct arena *arena, struct belfry_str org, struct belfry_str role,
                      struct belfry_str after, size_t limit, const struct belfry_str **out);
    /* what the person chose: 0, or BELFRY_ENOTFOUND when nothing; strings in arena. May be NULL: nobody chose anything
     */
    belfry_status (*preference)(void *arg, struct arena *arena, struct belfry_str org, struct belfry_str username,
                                struct preference *out);
    /* why no mail of the category goes to the address, in arena; NULL: it does. choice: 1 when what was unsubscribed
     * counts, which it does for outside addresses and categories that are not required. May be NULL: it always does */
    const char *(*suppressed)(void *arg, struct arena *arena, struct belfry_str org, struct belfry_str address,
                              struct belfry_str category, int choice);
};

/* What the rules look at. */
struct route_event {
    struct belfry_str org, source, type, category, subject, actor;
    int32_t severity;
    int64_t time_ms;
    const struct belfry_view *data;
    const struct belfry_recipient *audience;
    size_t audience_count;
};

enum { ROUTE_VIA_AUDIENCE = 1, ROUTE_VIA_RULE = 2 };

struct route_recipient {
    struct belfry_str name;   /* username, or address */
    struct belfry_str reason; /* the first reason; "role sales-manager" */
    uint8_t email;            /* 1: an outside address: no row, only mail */
    uint8_t via;              /* ROUTE_VIA_* bits */
    /* 0: the directory's roles do not see the category. In-app rows are made all the same, because the gate is asked
     * when they are read, with the roles that the person has then (those of a JWT win); other channels get
     * suppressed_role. */
    uint8_t visible;
};

#define ROUTE_NOBODY UINT32_MAX

/*
 * Recipient and channel under one rule. The same recipient may be planned for the same channel more than once, with
 * another `after` or `unless`: candidates, of which the claim sends the first that passes.
 */
struct route_delivery {
    const struct config_rule *rule;
    const struct config_deliver *deliver;
    uint32_t recipient; /* index; ROUTE_NOBODY for targets: one for each target that matches */
    int64_t after_ms;
    uint32_t unless;
};

struct route_decision {                    /* what does not happen, known at once */
    const struct config_rule *rule;        /* NULL: not a rule's doing */
    const struct config_instance *channel; /* NULL: all */
    uint32_t recipient;                    /* ROUTE_NOBODY: nobody in particular */
    enum outcome outcome;
    const char *reason; /* in the plan's arena */
};

struct route_plan {
    struct arena *arena;
    const struct config_rule **rules; /* that matched, unmatched included */
    size_t rule_count;
    struct route_recipient *recipients; /* of the audience and of rules, de-duplicated, without the actor */
    size_t recipient_count;
    struct route_delivery *deliveries;
    size_t delivery_count;
    struct route_decision *decisions;
    size_t decision_count;
};

/*
 * Called for each step when given: for explain. Strings valid during the call. All rules are evaluated then, the ones
 * that the index would have passed over too; the plan is the same.
 */
struct route_trace {
    void *arg;
    /* after the steps of its conditions; why is NULL when it matched */
    void (*rule)(void *arg, const struct config_rule *rule, int matched, const char *why);
    /* exception: 0 for `when`, 1 for the rule's `unless` */
    void (*step)(void *arg, const struct config_rule *rule, int exception, const struct match_step *step);
    /* rule NULL: the event's audience. name: a username or address, or "role:R" for a role as a whole. kept: 1 for a
     * recipient of the plan (named again: the reason is the first one's), 0 for who is left out */
    void (*recipient)(void *arg, const struct config_rule *rule, struct belfry_str name, int kept, const char *what);
};

/* Compiled once a generation: an index from (source, type) to candidate rules. */
struct route;
struct route *route_new(struct config *config);         /* keeps a reference */
void route_free(struct route *route);                   /* NULL is fine */
struct config *route_config(const struct route *route); /* borrowed */

/*
 * Makes the plan in arena. Role expansion stops at `expand_max` recipients a role (0 or SIZE_MAX: no limit), so that
 * the caller can fan out: *overflow is set to 1 when a role has more, else to 0 (may be NULL). trace may be NULL. A
 * category that the configuration does not know is visible to everybody. [any]: reads only.
 */
void route_plan(const struct route *route, const struct route_event *event, const struct route_directory *directory,
                size_t expand_max, int *overflow, const struct route_trace *trace, struct arena *arena,
                struct route_plan *plan);

/* Deliveries of a plan by recipient, in its order: first[i] is the index + 1 of recipient i's first, [recipient_count]
 * that of the first to targets; next[d] that of the one behind d; 0 ends. */
struct route_chains {
    uint32_t *first, *next;
};
void route_chains(const struct route_plan *plan, struct arena *arena, struct route_chains *out);
/* 1 when another delivery of the plan is certain to go out first on the same channel to the same recipient (or to the
 * same targets): this one is a duplicate from the beginning, for the reason below. */
int route_comes_second(const struct route_plan *plan, const struct route_chains *chains, uint32_t delivery);
#define ROUTE_SECOND "an earlier rule delivers on the same channel"

/* --- gates, asked when a delivery comes due --- */

/* The view that rules' conditions read (org source type category severity subject actor time data.*). In arena. */
const struct belfry_view *route_view(const struct route_event *event, struct arena *arena);

/*
 * Quiet hours for a person, those of the rule's schedule and their own: until_ms is 0 when now is not quiet, else the
 * instant they end (the end of the last of windows that follow without a gap, whose ever they are). Zone: the person's
 * own choice, else the directory's, the org's, the hub's, where a name that is no time zone counts as none; UTC at
 * last. A weekday is the day on which a window begins; where clocks change, a skipped time is the next one there is and
 * of a repeated one the window takes both. critical and required categories pass. rule, org, person, own and category
 * may be NULL. [any]
 */
struct route_quiet {
    int64_t until_ms;
    int by_rule, by_person; /* whose hours they are */
};
struct route_quiet route_quiet(const struct config *config, const struct config_rule *rule,
                               const struct config_org *org, const struct belfry_person *person,
                               const struct preference *own, int32_t severity, const struct config_category *category,
                               int64_t now_ms);
/* "schedule night", "the person's quiet hours", or both. In arena. */
const char *route_quiet_why(const struct route_quiet *quiet, const struct config_rule *rule, struct arena *arena);

/*
 * When a person's next digest on a channel goes out: the first instant after now at which clocks in their zone show
 * their hour (else the channel's) on a weekday of theirs. Where the hour is skipped that day it is the first instant
 * after the gap, of a repeated one the first; a date that the zone skips has no digest. person and own may be NULL, org
 * too. [any]
 */
int64_t route_digest_next(const struct config *config, const struct config_org *org, const struct belfry_person *person,
                          const struct preference *own, const struct config_instance *channel, int64_t now_ms);

/* 1 when what people want gathered waits for its digest in the channel. */
int route_gathers(const struct belfry_delivery *delivery);
#define ROUTE_NO_ADDRESS "the directory has no mail address of theirs"
#define ROUTE_NOBODY_OF_THAT_NAME "nobody of that name is in the directory"

/* --- targets --- */

struct route_target {
    int64_t id;
    struct belfry_str org; /* empty: every org in orgs */
    struct belfry_str name;
    const struct belfry_strs *types; /* exact, "a.*", "*"; count 0: all */
    const struct config_names *orgs;
    const struct belfry_condition *when;
    uint32_t order;          /* BELFRY_ORDER_* */
    struct belfry_str label; /* what people call it, one line, when the name is only an id; may be empty */
};

struct route_targets;
/* An index by org and exact type, prefix ("a.*" takes a.b and a.b.c, not a) and "*"; borrows the rows and their
 * strings, which the caller keeps. */
struct route_targets *route_targets_new(const struct route_target *rows, size_t count);
void route_targets_free(struct route_targets *targets);
/* One more row, in the place of the one with its id; one less. What a row says must not change while it is there. The
 * cost grows with the lists that the row is in only as moving their ends does. */
void route_targets_put(struct route_targets *targets, const struct route_target *row);
void route_targets_del(struct route_targets *targets, int64_t id);
/* The row with that id, or NULL. [any] */
const struct route_target *route_targets_find(const struct route_targets *targets, int64_t id);
/* [any] */
int route_target_takes_type(const struct route_target *target, struct belfry_str type);
/* Why a target, whatever its id, does not take an event; NULL: it does. [any] */
const char *route_target_refuses(const struct route_target *target, const struct route_event *event,
                                 struct arena *arena);
/* Calls fn for each target of the event, in order of id, with why_not NULL; when all is set (explain) for the others
 * of its org too, with the reason. [any] */
void route_targets_match(const struct route_targets *targets, const struct route_event *event, struct arena *arena,
                         int all, void (*fn)(void *arg, const struct route_target *target, const char *why_not),
                         void *arg);

#endif
