/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Endpoints that are made over the API: targets with an owner and a version, beside those that the configuration
 * declares. A change is one ledger command: when done is called it is on disk, the index that the next trigger is
 * matched with has it, and the live target goes by it. All functions are for the loop.
 */
#ifndef DISPATCH_ENDPOINTS_H
#define DISPATCH_ENDPOINTS_H

#include "dispatch/dispatch.h"

/* The settings of an endpoint that people give, checked by the caller. Strings and lists are borrowed for the call. */
struct dispatch_endpoint {
    struct belfry_str url, description;
    struct belfry_strs types; /* exact, "prefix.*" or "*"; none: all */
    /* JSON that match_compile_json() takes with dispatch_when_paths and MATCH_SEVERITY; empty: none */
    struct belfry_str when;
    struct belfry_str metadata, settings;         /* JSON objects; settings plain, as the plugin's check() gave them */
    uint32_t concurrency, rate_per_minute, order; /* 0: 8; 0: none; BELFRY_ORDER_* */
    /* 1, 0; of a change also -1: as it is, and what its failures disabled is enabled when the URL is another. 0 is a
     * deed of whoever says it, and outlives a change of the URL */
    int enabled;
};

/* What the `when` of an endpoint may read; ends at NULL. */
extern const char *const *const dispatch_when_paths;

/* What happened to a change, once: ECONFLICT: another version than the one that was named, with the present one in
 * version; ENOTFOUND: there is none (any more), or it is another org's; EPERM: it is the configuration's. */
typedef void dispatch_endpoint_done(void *arg, belfry_status status, int64_t id, int64_t version);

/* channel: a live one of targets. secret: plain, sealed before it is stored. deed.org is its org, and deed.who its
 * owner; each deed leaves a row in the audit ("endpoint.create" and so on; no secret, no setting in it). EAGAIN through
 * done: the channel went meanwhile. */
void dispatch_endpoint_create(struct dispatch *dispatch, const char *channel, const struct ledger_deed *deed,
                              const struct dispatch_endpoint *endpoint, struct belfry_str secret,
                              dispatch_endpoint_done *done, void *arg);
/* Replaces all but the secret. if_version 0: whatever is there. What is the same already is no change: done is told the
 * version that there is, and nothing is in the audit. Another URL is another receiver: breaker and failures
 * are forgotten, what waits goes to the new one, one that was disabled by its failures is enabled. */
void dispatch_endpoint_change(struct dispatch *dispatch, const struct ledger_deed *deed, int64_t id, int64_t if_version,
                              const struct dispatch_endpoint *endpoint, dispatch_endpoint_done *done, void *arg);
/* What waits for it ends as channel_removed after an hour, as with one that left the configuration. */
void dispatch_endpoint_remove(struct dispatch *dispatch, const struct ledger_deed *deed, int64_t id, int64_t if_version,
                              dispatch_endpoint_done *done, void *arg);
/* secret: plain, the first from now on; those before it sign until now + overlap_ms at most (0: no longer), the newest
 * ten of them. */
void dispatch_endpoint_rotate(struct dispatch *dispatch, const struct ledger_deed *deed, int64_t id, int64_t if_version,
                              struct belfry_str secret, int64_t overlap_ms, dispatch_endpoint_done *done, void *arg);
/* Also of those of the configuration. Disabled: what comes is held; enabled: due at once, oldest first. EINVAL, at
 * once: what is sealed of it cannot be opened (another hub.secret); a rotation and a change mend that, and enable it.
 */
void dispatch_endpoint_enable(struct dispatch *dispatch, const struct ledger_deed *deed, int64_t id, int enabled,
                              dispatch_endpoint_done *done, void *arg);

/*
 * How long somebody has to wait before they may test the target, in ms; 0: not at all, and it counts. At most 10 in any
 * minute, and as many that wait for a slot.
 */
int64_t dispatch_test_wait(struct dispatch *dispatch, int64_t id);
/* What ledger_endpoint_test() has written goes now: before all that waits, past breaker, pause, hold and rate, also to
 * one that is disabled. What comes of it changes none of these, but for a hold that it disproves. */
void dispatch_test(struct dispatch *dispatch, int64_t id, int64_t delivery);

/* The role of the plugin behind a channel that endpoints can be made of, and its instance; NULL: it has none. */
const struct belfry_endpoints *dispatch_endpoints_role(const struct dispatch *dispatch, const char *channel,
                                                       void **self);

#endif
