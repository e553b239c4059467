/* SPDX-License-Identifier: Apache-2.0 */
/* Reads of what was decided and done, for admins: events, deliveries, attempts, decisions. Any connection. */
#ifndef STORE_STORY_H
#define STORE_STORY_H

#include "store/events.h"

struct store_delivery_query {
    int64_t org;
    int state;                                          /* -1: all */
    struct belfry_str channel, rule, recipient, target; /* names, usernames or addresses; empty: all */
    struct belfry_str reason;                           /* text that is part of its detail; empty: all */
    int64_t event;                                      /* 0: all */
    int64_t from, before;                               /* ids from, and below */
    int64_t as_of;                                      /* of those that ended only what had by then; 0: all */
    uint32_t limit;
};

struct store_delivery_view {
    int64_t id, event, notification, person, due, ended; /* due 0: when its turn comes */
    int state, open, attempts;
    uint32_t unless;
    struct belfry_str channel, rule, recipient, target, detail;
    struct belfry_str target_label; /* of an endpoint of the API: its description; may be empty */
    struct belfry_str title;        /* of the event; empty when that is gone */
};

#define STORE_LOOKED_AT 100000 /* rows that one list or count passes over at most */

/* Newest first; array and texts in arena. Returns the count. *next is the `before` of what comes after; 0: that was
 * all. Where no index leads to what the filter wants, rows are walked, STORE_LOOKED_AT at most: so a list may be short,
 * even empty, and go on all the same. */
size_t store_deliveries_list(struct store_conn *conn, const struct store_delivery_query *query, struct arena *arena,
                             struct store_delivery_view **out, int64_t *next);
/* How many the query lets through, whatever its limit. Stops after look_at rows, and then there are `more`; negative:
 * counts them all. */
int64_t store_deliveries_count(struct store_conn *conn, const struct store_delivery_query *query, int64_t look_at,
                               int *more);
/* The newest id of a delivery of whatever org; 0: none. */
int64_t store_deliveries_last(struct store_conn *conn);
/* Up to query->limit ids that it lets through, oldest first, from `from` on, reading at most look_at rows where no
 * index leads to them. *next is where to go on; 0: that was all. */
size_t store_deliveries_slice(struct store_conn *conn, const struct store_delivery_query *query, int64_t look_at,
                              struct arena *arena, int64_t **ids, int64_t *next);
/* One; 0 when there is none in the org. */
int store_delivery_view_get(struct store_conn *conn, int64_t org, int64_t id, struct arena *arena,
                            struct store_delivery_view *out);
/* All of one event, oldest first. Here and below, who: only those of this recipient; empty: all. */
size_t store_deliveries_of(struct store_conn *conn, int64_t event, struct belfry_str who, size_t limit,
                           struct arena *arena, struct store_delivery_view **out);

struct store_attempt_view {
    int64_t delivery, at, elapsed_us;
    int number, outcome, code;
    struct belfry_str detail;
};
/* By delivery and number. */
size_t store_attempts_of(struct store_conn *conn, int64_t event, struct belfry_str who, size_t limit,
                         struct arena *arena, struct store_attempt_view **out);

struct store_attempt_record { /* with what the plugin kept of it */
    int64_t id, event;
    struct store_attempt_view attempt;
    struct belfry_str record; /* JSON; empty: none */
    struct belfry_str
        payload; /* of what went to a target: the first 24 KiB of the event's body; empty: there is none */
};
/* All of one delivery, oldest first. */
size_t store_attempts_of_delivery(struct store_conn *conn, int64_t delivery, size_t limit, struct arena *arena,
                                  struct store_attempt_record **out);
/* Those of a target before an id, newest first. Looks at a bounded number of attempts of whatever target: *next is
 * where to go on, 0 at the end, also when it found none. */
size_t store_attempts_of_target(struct store_conn *conn, int64_t target, int64_t before, size_t limit,
                                struct arena *arena, struct store_attempt_record **out, int64_t *next);

struct store_decision_view {
    struct belfry_str recipient, rule, channel, reason;
    int outcome;
};
size_t store_decisions_of(struct store_conn *conn, int64_t event, struct belfry_str who, size_t limit,
                          struct arena *arena, struct store_decision_view **out);

struct store_row_view { /* one notification of an event */
    int64_t id, person, pos, seen, read, hidden, handled_at, replaced_by;
    int validity;
    struct belfry_str username, reason, handled_by, note;
};
size_t store_rows_of(struct store_conn *conn, int64_t event, struct belfry_str who, size_t limit, struct arena *arena,
                     struct store_row_view **out);

struct store_event_query {
    int64_t org, source, type; /* 0: all */
    struct belfry_str subject; /* empty: all */
    int64_t before;
    uint32_t limit;
    void *arg;
};
/* Newest first, texts filled. */
size_t store_events_list(struct store_conn *conn, const struct store_event_query *query, struct arena *arena,
                         struct store_event **out);

/* Items of feeds, hooks, tasks, timers and of the hub's own trouble that were refused and are kept. */
struct store_refused_view {
    int64_t id;
    struct belfry_str source, kind, problem; /* problem: {"status","errors":[{"pointer"?,"detail"}]} */
    struct belfry_str body;                  /* its beginning */
    int64_t body_bytes;                      /* of the whole */
};
/* Those of the org before an id, newest first; source 0: all. Bodies are cut at body_max bytes. In arena. */
size_t store_refused_list(struct store_conn *conn, int64_t org, int64_t source, int64_t before, uint32_t limit,
                          size_t body_max, struct arena *arena, struct store_refused_view **out);

/* When the oldest delivery that waits in a channel is or was due; 0: none waits. Costs an index look for each target.
 */
int64_t store_oldest_pending(struct store_conn *conn, struct belfry_str channel);

#endif
