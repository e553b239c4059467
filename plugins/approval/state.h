/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is remembered of one approval: one value of the source's state, under the key that is also the subject of its
 * events ("approval/42"). While it is pending that is what was submitted, who has a seat, and who has decided. A closed
 * one is what a 409 must say.
 */
#ifndef APPROVAL_STATE_H
#define APPROVAL_STATE_H

#include "names.h"

#include <jansson.h>

enum approval_status { APPROVAL_UNKNOWN, APPROVAL_PENDING, APPROVAL_APPROVED, APPROVAL_REJECTED, APPROVAL_RECALLED };

/* Somebody who approved a step. */
struct approval_vote {
    struct belfry_str by;
    struct belfry_str seat; /* whose, when it is not their own; else empty */
    int64_t at_ms;
    uint32_t step; /* from 0 */
};

/* Texts are borrowed from `root`, from the trigger or from scratch memory. */
struct approval_state {
    json_t *root; /* owned; what the rest borrows from */
    enum approval_status status;
    uint32_t round; /* from 1: one more each time it is submitted anew */

    /* of a pending one */
    json_t *object; /* the approval as it was submitted */
    int64_t submitted_ms, opened_ms;
    uint32_t step;                  /* that is open, from 0 */
    struct approval_names open;     /* seats that wait: usernames, and "role:R" of a role that had no member */
    struct approval_names deputies; /* who was told of the step as somebody's substitute */
    struct approval_vote *votes;    /* of all steps, in their order */
    size_t vote_count;

    /* of a closed one */
    struct belfry_str by;
    int64_t at_ms;
    struct approval_names with; /* who approved before that */
};

/* "pending", "approved", "rejected", "recalled" */
const char *approval_status_word(enum approval_status status);
/* Reads a value. 0: the scratch memory ended, or it is no state of ours (*foreign). [txn] */
int approval_state_load(struct belfry_txn *txn, struct belfry_str value, struct approval_state *state, int *foreign);
void approval_state_fini(struct approval_state *state);
/* The value; ptr NULL when the scratch memory ends. The same state gives the same bytes. [txn] */
struct belfry_str approval_state_save(struct belfry_txn *txn, const struct approval_state *state);

/* Adds a vote. 0 when the scratch memory ends. */
int approval_state_vote(struct belfry_txn *txn, struct approval_state *state, const struct approval_vote *vote);
/* The last vote of a person in a step, or in any when step is UINT32_MAX; NULL: none. */
const struct approval_vote *approval_state_vote_of(const struct approval_state *state, struct belfry_str by,
                                                   uint32_t step);
/* The vote of somebody else in a person's seat of the open step; NULL: none. */
const struct approval_vote *approval_state_vote_in(const struct approval_state *state, struct belfry_str seat);
/* The vote that closed a step; NULL: it is not closed. */
const struct approval_vote *approval_state_closer(const struct approval_state *state, uint32_t step);
size_t approval_state_votes_in(const struct approval_state *state, uint32_t step);

/* Of the approval that was submitted. */
struct belfry_str approval_object_text(const json_t *object, const char *name);
uint32_t approval_step_count(const json_t *object);
const json_t *approval_step(const json_t *object, uint32_t step);

#endif
