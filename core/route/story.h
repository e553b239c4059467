/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The story of one event: what was decided, for whom, and what came of it. A dry run fills it from a trace and a plan,
 * a stored event from its rows; both are shown in the same way (route/explain.h).
 *
 * Plain data, filled by hand and zeroed where nothing is known. Strings are borrowed and outlive the story. Times are
 * milliseconds since the epoch, 0 for never.
 */
#ifndef ROUTE_STORY_H
#define ROUTE_STORY_H

#include "route/route.h"

struct story_step { /* a condition's line, see struct match_step */
    uint32_t depth;
    int result;
    int exception; /* of the rule's `unless` */
    const char *path, *test, *actual, *note;
};

struct story_rule {
    const char *name;
    const char *file; /* NULL: not known (the configuration was another) */
    uint32_t line;
    int matched;
    const char *why; /* why not; NULL when it matched */
    const struct story_step *steps;
    size_t step_count;
};

struct story_notification { /* the inbox row */
    struct belfry_str id;
    int64_t visible_ms; /* since when it is in the inbox; 0: it is not */
    int64_t seen_ms, read_ms, hidden_ms, handled_ms;
    const char *validity;                            /* "valid", "expired", "superseded", "withdrawn" */
    struct belfry_str handled_by, replaced_by, note; /* note: why it is no longer valid */
};

struct story_recipient {
    struct belfry_str name, reason;
    uint8_t email;                                 /* an outside address */
    uint8_t blind;                                 /* their roles do not see the category */
    const struct story_notification *notification; /* NULL: none (outside address, dry run) */
};

struct story_attempt {
    uint32_t number;
    int64_t at_ms, elapsed_us;
    uint32_t result; /* BELFRY_DELIVERED, ... */
    int32_t code;    /* HTTP or SMTP status; 0: none */
    struct belfry_str detail;
};

/* A delivery, or a decision that there is none. */
struct story_delivery {
    uint32_t recipient;                          /* index; ROUTE_NOBODY: a target's, or nobody's in particular */
    struct belfry_str id, rule, channel, target; /* empty: none */
    struct belfry_str target_label;              /* what people call it, one line; empty: its name says it */
    int outcome;                                 /* enum outcome */
    int again;                                   /* of unknown: it is sent once more, at due_ms */
    uint32_t unless;                             /* CONFIG_UNLESS_* */
    int64_t due_ms, ended_ms;
    struct belfry_str reason;
    const struct story_attempt *attempts;
    size_t attempt_count;
};

struct story_note {   /* who might have been a recipient and is none */
    const char *rule; /* whose `to` named them; NULL: the audience */
    struct belfry_str name;
    const char *what;
};

struct story {
    int dry_run;
    int truncated; /* there is more than is told here */
    /* Deliveries to endpoints that are still being written: so many of how many are there; 0 of 0: all are. */
    int64_t written, to_write;
    int64_t now_ms;      /* when the story is told */
    uint64_t generation; /* of the configuration that decided; 0: not known */
    struct belfry_str id, org, source, type, category, subject, actor, title, body, link;
    int32_t severity;
    int64_t time_ms, valid_until_ms;
    const char *validity;                                                  /* NULL: valid */
    struct belfry_str data;                                                /* JSON; empty: not shown */
    struct belfry_str trigger_source, trigger_id, trigger_type, principal; /* empty: not known */
    struct belfry_str note;                                                /* of the event: a template that failed */
    const struct story_rule *rules; /* of a dry run all, of a stored event those that matched */
    size_t rule_count;
    const struct story_recipient *recipients;
    size_t recipient_count;
    const struct story_delivery *deliveries; /* with decisions */
    size_t delivery_count;
    const struct story_note *notes;
    size_t note_count;
};

#endif
