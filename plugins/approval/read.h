/* SPDX-License-Identifier: Apache-2.0 */
/* What a trigger says, read and judged as a whole: every fault is named by its JSON Pointer before anything is done. */
#ifndef APPROVAL_READ_H
#define APPROVAL_READ_H

#include "call.h"

/* The object of approval.submitted: checked, and parsed into *out, which the caller releases. EINVAL with the faults.
 */
belfry_status approval_read_submitted(struct approval_call *c, json_t **out);

struct approval_decision {
    enum approval_status decision; /* APPROVAL_APPROVED or APPROVAL_REJECTED */
    struct belfry_str comment;     /* empty: none */
    int64_t round, step;           /* that are meant, from 1; 0: whichever is open */
};
/* Of these three triggers the approval's name and `by` go into the call. */
belfry_status approval_read_decided(struct approval_call *c, struct approval_decision *out);
/* from may be a role that nobody has ("role:legal"). */
belfry_status approval_read_reassigned(struct approval_call *c, struct belfry_str *from, struct belfry_str *to);
belfry_status approval_read_recalled(struct approval_call *c);

#endif
