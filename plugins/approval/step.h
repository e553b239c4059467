/* SPDX-License-Identifier: Apache-2.0 */
/* The open step: who has a seat, who stands in for them, when it is complete. [txn] */
#ifndef APPROVAL_STEP_H
#define APPROVAL_STEP_H

#include "tell.h"

#define APPROVAL_SEATS_MAX 1000 /* people of one step */

/*
 * Opens a step: expands its roles, tells its people, sets its timers. The first step is opened by who submits, and is
 * refused with EINVAL when it has nobody, or more than APPROVAL_SEATS_MAX; a later one that has nobody is escalated at
 * once and waits for its roles.
 */
belfry_status approval_step_open(struct approval_call *c, uint32_t step);

/* Who may hear of the open step since it was looked at last, and who may not any more. */
struct approval_change {
    struct approval_audience fresh;
    struct approval_names gone;
};
/* Roles that had no member are asked again; those who get a seat by that are added to `fresh`. */
belfry_status approval_step_fill(struct approval_call *c, struct approval_audience *fresh);
/*
 * Looks at the open step as of now: roles that had no member are asked again, and periods of substitutes may have begun
 * or ended. The state follows, and a timer for the next time; whom to tell is the caller's to do.
 */
belfry_status approval_step_look(struct approval_call *c, struct approval_change *change);
/* Everybody who may decide now, with their reasons. After approval_step_look(). */
void approval_step_people(struct approval_call *c, struct approval_audience *to);

/* The seat in which somebody may decide: their own, else that of whom they stand in for; ptr NULL: none. Whoever has
 * voted in the step has none. */
struct belfry_str approval_step_seat(struct approval_call *c, struct belfry_str who);
/* Enough approvals. */
int approval_step_complete(const struct approval_call *c);
/* With one open seat less the step could still get as many approvals as it needs. */
int approval_step_can_spare(const struct approval_call *c);
/* Ends what the step asked of people and its timers. */
belfry_status approval_step_close(struct approval_call *c);
belfry_status approval_step_clear_timers(struct approval_call *c);

#endif
