/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of deliveries, attempts and targets. Writing: the ledger's thread. `open`: 1 waits or is under way, 2 held, 0
 * ended; `state` is an enum outcome. Faults stick in the connection.
 */
#ifndef STORE_DELIVERIES_H
#define STORE_DELIVERIES_H

#include "store/store.h"

struct store_delivery {
    int64_t id, event, org, channel, rule, person, notification, target; /* 0: none */
    struct belfry_str address, reason;                                   /* of somebody outside; why they are told */
    uint32_t unless;
    int32_t state, open, attempts, kind; /* kind: BELFRY_BATCH_* of its bundle */
    int64_t due, lease;
    int64_t category; /* of its event, once it was to go into a digest; 0: it never was */
    int64_t bundle;   /* what it went out with, last; 0: by itself */
    int64_t lane;     /* of a row to a target that takes one of a subject at a time (lanes.h); 0: none */
    int64_t mailed;   /* address_mark() of where a person's row went last; 0: nowhere, or to an address of its own */
};

/* No rule made it: somebody tests a target. [any] */
static inline int delivery_is_test(const struct store_delivery *row)
{
    return row->target && !row->rule;
}

void store_delivery_add(struct store_conn *conn, const struct store_delivery *row);
int store_delivery_get(struct store_conn *conn, int64_t id, struct arena *arena, struct store_delivery *out);
/* Rows of a queue that wait and are due, oldest first: of a target when it is not 0, else of a channel's recipients.
 * Returns the count, array and texts in arena. */
size_t store_deliveries_due(struct store_conn *conn, int64_t channel, int64_t target, int64_t now_ms, size_t limit,
                            struct arena *arena, struct store_delivery **out);
/* When the next row of the queue is due, also one that is due already; INT64_MAX: none, or only such as wait for their
 * turn. */
int64_t store_deliveries_next(struct store_conn *conn, int64_t channel, int64_t target);
/* Waits on: state, open (1 or 2) and a new due time; the lease ends. */
void store_delivery_wait(struct store_conn *conn, int64_t id, int state, int open, int64_t due_ms, int attempts,
                         struct belfry_str detail);
void store_delivery_end(struct store_conn *conn, int64_t id, int state, int64_t now_ms, int attempts,
                        struct belfry_str detail);
/* Goes out once more: state, open, due, attempts, unless and lane of the row. */
void store_delivery_renew(struct store_conn *conn, const struct store_delivery *row, struct belfry_str detail);
/* Rows of an event to a target, oldest first. Returns the count, array in arena. */
size_t store_deliveries_to(struct store_conn *conn, int64_t event, int64_t target, struct arena *arena,
                           struct store_delivery **out);
struct store_ended {
    int64_t channel, target, lane; /* 0: none; lanes are the caller's to settle */
};
/* Ends rows of an event that wait or are held: of one person (above 0), of everybody without a row (addresses and
 * targets: 0), or all of them (-1). Those under way are left to their claim. Returns how many; *out, in arena, says of
 * each what it was. */
size_t store_deliveries_end_event(struct store_conn *conn, int64_t event, int64_t person, int state, int64_t now_ms,
                                  struct belfry_str detail, struct arena *arena, struct store_ended **out);
/* The same for one person, or for everybody without a row (0), on one channel. Returns how many. */
size_t store_deliveries_end_channel(struct store_conn *conn, int64_t event, int64_t person, int64_t channel, int state,
                                    int64_t now_ms, struct belfry_str detail);
/* Rows of a person that wait for the end of quiet hours are due now, and asked again. Returns how many. */
int store_deliveries_wake(struct store_conn *conn, int64_t person, int64_t now_ms);
/* Another row of the same event, channel and recipient that was sent, is being sent, may have arrived or is to be tried
 * once more, also one that the night holds until then. */
int store_delivery_has_twin(struct store_conn *conn, const struct store_delivery *row);
/* Rows of targets under a lease of another boot become due at once, lanes are settled. Returns how many. */
int store_deliveries_release(struct store_conn *conn, int64_t boot, int64_t now_ms);
/* Rows of recipients under a lease of another boot, those of a bundle next to each other. Returns the count, array and
 * texts in arena. */
size_t store_deliveries_interrupted(struct store_conn *conn, int64_t boot, struct arena *arena,
                                    struct store_delivery **out);
/* Up to limit rows of a target from waiting to held, or back: those that were tried before are due since they are
 * there, so that they stand in the order of all others, and lanes are settled. Returns how many. */
int store_deliveries_hold(struct store_conn *conn, int64_t target, struct belfry_str why, size_t limit);
int store_deliveries_unhold(struct store_conn *conn, int64_t target, int64_t now_ms, size_t limit);
/* Up to limit rows of a channel (target 0) or a target that wait or are held end as channel_removed; returns how many.
 */
int store_deliveries_end_queue(struct store_conn *conn, int64_t channel, int64_t target, int64_t now_ms, size_t limit);
/* Channels that rows wait for. Returns the count, name ids in arena. */
size_t store_deliveries_channels(struct store_conn *conn, struct arena *arena, int64_t **out);
/* The same of targets, with those that rows are held for: up to limit with an id above after, in their order. */
size_t store_deliveries_targets(struct store_conn *conn, int64_t after, size_t limit, struct arena *arena,
                                int64_t **out);

struct store_attempt {
    int64_t id, delivery, at, elapsed_us;
    int32_t number, outcome, code;
    struct belfry_str detail, record;
};
void store_attempt_add(struct store_conn *conn, const struct store_attempt *row);
/* Whose attempt it was; 0: there is none of that id. */
int64_t store_attempt_delivery(struct store_conn *conn, int64_t attempt);

/* --- rows that go out as one (bundles.c) -------------------------------------------------------------------------- */

/* Rows that wait and are due, newest event first: in the digest of the row's person, channel and category; or held by
 * quiet hours for its person and channel, and never tried. The row is among them. Returns the count, ids in arena. */
size_t store_deliveries_digest(struct store_conn *conn, const struct store_delivery *row, int64_t now_ms,
                               struct arena *arena, int64_t **ids);
size_t store_deliveries_held(struct store_conn *conn, const struct store_delivery *row, int64_t now_ms,
                             struct arena *arena, int64_t **ids);
/* Rows of a bundle that wait, due or not, newest event first. */
size_t store_deliveries_bundle(struct store_conn *conn, int64_t bundle, struct arena *arena, int64_t **ids);
/* Those that have ended. */
size_t store_deliveries_bundled(struct store_conn *conn, int64_t bundle, struct arena *arena, int64_t **ids);
/* When somebody's last digest of a category was put together: a window is never served twice. 0: never. */
int64_t store_digest_last(struct store_conn *conn, int64_t person, int64_t channel, int64_t category);
void store_digest_made(struct store_conn *conn, int64_t person, int64_t channel, int64_t category, int64_t now_ms);
/* Waits for the digest of a category. */
void store_delivery_gather(struct store_conn *conn, int64_t id, int64_t category, int64_t due_ms,
                           struct belfry_str detail);
/* state sending, under a lease, in a bundle or (0) in none. mailed: of the row */
void store_delivery_join(struct store_conn *conn, int64_t id, int64_t bundle, int kind, int64_t boot, int64_t mailed);
/* It is of its bundle no more. */
void store_delivery_leave(struct store_conn *conn, int64_t id);
/* What came of a bundle: its rows under this boot's lease wait on, or end. counted: 1 for an attempt that counts.
 * Returns how many. */
int store_bundle_wait(struct store_conn *conn, int64_t bundle, int64_t boot, int state, int64_t due_ms, int counted,
                      struct belfry_str detail);
int store_bundle_end(struct store_conn *conn, int64_t bundle, int64_t boot, int state, int64_t now_ms, int counted,
                     struct belfry_str detail);
/* By hand: what waits of a bundle, failed, may have arrived or lost its channel is due now. Returns how many rows. */
int store_bundle_again(struct store_conn *conn, int64_t bundle, int64_t now_ms, struct belfry_str detail);
/* The rows of a bundle under this boot's lease are none any more: they wait for their digest, whose time had come. */
void store_bundle_disband(struct store_conn *conn, int64_t bundle, int64_t boot, int64_t due_ms,
                          struct belfry_str detail);

struct store_tries {
    int64_t first_ms;  /* when the first that is counted began; 0: none was */
    uint32_t unknowns; /* of which nobody knows what came */
};
/* What was tried of a row, or of its bundle. */
void store_delivery_tries(struct store_conn *conn, const struct store_delivery *row, struct store_tries *out);
/* Digests of a person whose time had come, and which the night held, are due now. Returns how many rows. */
size_t store_deliveries_wake_digests(struct store_conn *conn, int64_t person, int64_t now_ms);
/* Digests of a person that are ahead get another time. Returns how many rows. */
size_t store_deliveries_rewindow(struct store_conn *conn, int64_t person, int64_t channel, int64_t now_ms,
                                 int64_t due_ms);

/* --- targets ------------------------------------------------------------------------------------------------------ */

enum store_origin { STORE_ORIGIN_CONFIG = 0, STORE_ORIGIN_API = 1 };
/* Why a target is disabled: its failures, a person or token, a secret that this hub cannot open. */
enum store_off_by { STORE_OFF_BY_FAILURES = 0, STORE_OFF_BY_HAND = 1, STORE_OFF_BY_SECRET = 2 };

struct store_target {
    int64_t id, org, channel; /* org 0: all */
    struct belfry_str name, url;
    struct belfry_str secret, settings; /* sealed */
    int32_t enabled;
    int64_t first_failure, removed;
    int32_t failures;       /* attempts since the last success */
    int32_t told;           /* enum ledger_told (ledger/health.h) */
    int32_t origin, off_by; /* STORE_ORIGIN_*, STORE_OFF_BY_* */
    int64_t version;
    struct belfry_str owner, doc; /* of one of the API's */
};

/* Texts in arena. */
int store_target_find(struct store_conn *conn, int64_t channel, int64_t org, struct belfry_str name,
                      struct arena *arena, struct store_target *out);
int store_target_get(struct store_conn *conn, int64_t id, struct arena *arena, struct store_target *out);
void store_target_add(struct store_conn *conn, const struct store_target *row);
/* url, secret, settings, origin, owner, version, doc; it is no longer removed. */
void store_target_change(struct store_conn *conn, const struct store_target *row);
/* off_by: of one that is disabled */
void store_target_enable(struct store_conn *conn, int64_t id, int enabled, enum store_off_by off_by, int64_t now_ms,
                         struct belfry_str why);
/* failed 0: the failures are forgotten; what was told of them is of an earlier one (negative). */
void store_target_failure(struct store_conn *conn, int64_t id, int failed, int64_t now_ms);
/* It took a delivery: no failures, and nothing that was told holds. */
void store_target_well(struct store_conn *conn, int64_t id);
void store_target_told(struct store_conn *conn, int64_t id, int told);
/*
 * A channel has another name: its targets go over with their ids and their state, and with them what waits, is under
 * way, is held or failed for good, and what its twins are told by. What ended otherwise stays under the name of its
 * time. Reads the whole table of deliveries when there is anything, else only indexes.
 * 1: something went over.
 */
int store_channel_rename(struct store_conn *conn, int64_t from, int64_t to);
/* Where both names have a target of an org and a name, that of `to` goes: store_channel_rename() gives what it has to
 * that of `from`, which was there first. */
struct store_twin {
    int64_t org, goes, stays;
    int enabled;     /* the one that stays */
    int held, waits; /* 1: the other has rows that are held, that wait */
};
/* All of them before the rename, in the order of `goes`. Returns the count, array in arena. */
size_t store_targets_twins(struct store_conn *conn, int64_t from, int64_t to, struct arena *arena,
                           struct store_twin **out);
/* All of a channel and an origin that are not removed. Ids in arena. */
size_t store_targets_of(struct store_conn *conn, int64_t channel, enum store_origin origin, struct arena *arena,
                        int64_t **out);
/* Those of the API that are not removed, of a channel or (0) of all, by id: fn for each, its strings valid during the
 * call. */
void store_targets_made(struct store_conn *conn, int64_t channel, void (*fn)(void *arg, const struct store_target *row),
                        void *arg);
/* Channels with targets that are not removed. Name ids in arena. */
size_t store_targets_channels(struct store_conn *conn, struct arena *arena, int64_t **out);
void store_target_remove(struct store_conn *conn, int64_t id, int64_t now_ms);
size_t store_targets_disabled(struct store_conn *conn, struct arena *arena, int64_t **out);

#endif
