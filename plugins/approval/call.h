/* SPDX-License-Identifier: Apache-2.0 */
/* One call of the hub: a trigger or a timer of one approval. */
#ifndef APPROVAL_CALL_H
#define APPROVAL_CALL_H

#include "approval.h"
#include "state.h"

struct approval_call {
    const struct approval *a;
    struct belfry_txn *txn;
    const struct belfry_txn_api *api;
    const struct belfry_trigger *trigger; /* NULL: a timer */
    struct belfry_error *err;
    struct belfry_str id, key; /* "42", "approval/42" */
    struct belfry_str by;      /* who acts */
    struct approval_state state;
};

#define APPROVAL_KEY "approval/"
#define APPROVAL_ID_MAX 400 /* with a timer's prefix it is still a key */

/* What fn of a trigger or timer returns when the scratch memory of the call has ended. */
static inline belfry_status approval_out_of_memory(struct approval_call *c)
{
    return c->a->host->fail(c->err, BELFRY_ELIMIT, NULL, "the approval is more than one call can work with");
}

/* Sets id and key, in scratch memory. */
belfry_status approval_call_name(struct approval_call *c, struct belfry_str id);
/* Reads the state; APPROVAL_UNKNOWN when there is none. */
belfry_status approval_call_load(struct approval_call *c);
belfry_status approval_call_save(struct approval_call *c);

/* 409, with who and when where `by` is not empty. */
belfry_status approval_refuse(struct approval_call *c, struct belfry_str by, int64_t at_ms, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The answer to whatever a closed or unknown approval does not take. */
belfry_status approval_refuse_closed(struct approval_call *c);

/* The timers of an approval, by prefix of their key; none of them is kept in the state. */
#define APPROVAL_REMIND "remind/"
#define APPROVAL_ESCALATE "escalate/"
#define APPROVAL_LOOK "look/"
belfry_status approval_timer_set(struct approval_call *c, const char *prefix, int64_t when_ms);
belfry_status approval_timer_clear(struct approval_call *c, const char *prefix);

#endif
