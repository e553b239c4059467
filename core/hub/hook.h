/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks: POST /v1/{org}/sources/{source}/hook. Who calls is verified over the raw body, before anything is read from it
 * (hook_verify.c); what is posted becomes CloudEvents by the source's mapping (hook_map.c); they are taken as a page of
 * a feed is (hooks.c).
 */
#ifndef HUB_HOOK_H
#define HUB_HOOK_H

#include "config/hook.h"
#include "hub/internal.h"

/* NULL: one of the keys signed this body, and not too long ago. Else why it is not taken, for the log: static text
 * that holds nothing of the call. Names of headers are in lower case. [any] */
const char *hook_verify(const struct config_verify *verify, const struct belfry_attr *headers, size_t header_count,
                        struct belfry_str body, int64_t now_ms);

struct hook_call {
    const struct config_verify *verify;
    const struct config_hook *hook; /* not NULL */
    const struct belfry_attr *headers;
    size_t header_count;
    struct belfry_str json; /* what was posted, or what the form holds */
    struct belfry_str body; /* all of it, as it came: what is hashed */
    size_t max_items, max_bytes;
};
/*
 * Appends the CloudEvents that a call becomes, as a batch ("[]": it is not for this source). What cannot be mapped at
 * all is EINVAL with a fault, and out is as it was; a time or an id that is none is left for whoever reads the batch.
 * [any]
 */
belfry_status hook_map(const struct hook_call *call, struct buf *out, struct error *err);

/* What the mapping of a source makes of {"headers", "body"}: the triggers, in a set that borrows from the arena, and
 * the same as JSON (new reference). Faults have pointers into the request of `explain`, or into the batch. [loop] */
belfry_status hook_explain(const struct config_instance *source, const struct config_hub *hub, json_t *doc,
                           struct arena *arena, int64_t now_ms, struct trigger_set *set, json_t **made,
                           struct error *err);

/* Those that wait for too long are told to come again. Every 250 ms. */
void hub_hooks_look(struct hub *hub);
/* The numbers of this configuration's hooks are there from 0. */
void hub_hooks_configure(const struct config *config);

#endif
