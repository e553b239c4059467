/* SPDX-License-Identifier: Apache-2.0 */
/* The events of the source, and what becomes of the rows of earlier ones. [txn] */
#ifndef APPROVAL_TELL_H
#define APPROVAL_TELL_H

#include "call.h"
#include "text.h"

/* Zeroed is nobody. The hub tells each person once, by the first reason. */
struct approval_audience {
    struct belfry_recipient *items;
    size_t count, cap;
    int failed; /* the scratch memory ended */
};

/* name and reason are borrowed. */
void approval_audience_add(struct approval_call *c, struct approval_audience *to, uint32_t kind, struct belfry_str name,
                           struct belfry_str reason);
/* Those who have a seat and have not decided. */
void approval_audience_add_open(struct approval_call *c, struct approval_audience *to);
void approval_audience_drop(struct approval_audience *to, struct belfry_str name);
/* "{before}{name}" in scratch memory, for a reason. */
struct belfry_str approval_reason(struct approval_call *c, const char *before, struct belfry_str name);

/* approval.requested to those who have a seat of the open step now. more: further members of the data, each with a
 * comma before it; may be empty. Nothing when `to` is nobody. */
belfry_status approval_tell_requested(struct approval_call *c, const struct approval_audience *to,
                                      struct belfry_str more);
/* approval.reminder to all who may still decide. */
belfry_status approval_tell_reminder(struct approval_call *c, const struct approval_audience *to);
/* approval.escalated; vacant: roles that nobody has, none when the step has only been open for long. */
belfry_status approval_tell_escalated(struct approval_call *c, const struct approval_names *vacant);
/* approval.approved or approval.rejected to the submitter: the last vote, or the rejection. */
belfry_status approval_tell_result(struct approval_call *c, const char *decision, const struct approval_vote *vote,
                                   struct belfry_str comment);

/* The step is closed: whatever it asked of anybody is handled by who acts. */
belfry_status approval_handled_all(struct approval_call *c);
/* Who acts is done with the step, and so are others, whose requests and reminders are handled by who acts. */
belfry_status approval_handled_some(struct approval_call *c, const struct approval_names *others);
/* Requests and reminders of these people are withdrawn; everything of everybody when people is NULL. */
belfry_status approval_withdraw(struct approval_call *c, const struct approval_names *people, struct belfry_str reason);

#endif
