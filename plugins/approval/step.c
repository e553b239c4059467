/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A step is open while it waits for decisions. Its seats are usernames, expanded from its approvers when it opens; a
 * seat is taken out when it is decided. A role without a member is a seat of its own ("role:legal") where the others
 * are fewer than the approvals that the step needs: it is asked again, every hour and with whatever happens to the
 * approval, until it has members, and then becomes their seats.
 *
 * One person, one vote: who has voted in a step has no seat in it any more, neither a second one of their own nor that
 * of somebody they stand in for.
 */
#include "step.h"
#include "substitute.h"

#include <string.h>

#define ROLE "role:"
#define LOOK_AGAIN_MS INT64_C(3600000) /* at a role without members */

/* --- seats -------------------------------------------------------------------------------------------------------- */

/* Approvals that a step takes; INT64_MAX for `all`, which is every seat. */
static int64_t needs(const json_t *step)
{
    const json_t *value = json_object_get(step, "needs");
    if (json_is_integer(value))
        return json_integer_value(value);
    return strcmp(json_string_value(value), "all") == 0 ? INT64_MAX : 1;
}

static int has_voted(const struct approval_call *c, struct belfry_str who)
{
    return approval_state_vote_of(&c->state, who, c->state.step) != NULL;
}

/* A seat for somebody who has not voted; they are told when it is new. */
static belfry_status add_seat(struct approval_call *c, struct belfry_str name, struct belfry_str reason,
                              struct approval_audience *to)
{
    if (c->state.open.count == APPROVAL_SEATS_MAX || has_voted(c, name))
        return BELFRY_OK;
    int added = approval_names_add(c->txn, &c->state.open, name);
    if (added < 0)
        return approval_out_of_memory(c);
    if (added)
        approval_audience_add(c, to, BELFRY_TO_USER, name, reason);
    return BELFRY_OK;
}

/* The members of a role get seats. *seats: how many of them have one now. */
static belfry_status add_role(struct approval_call *c, struct belfry_str role, struct approval_audience *to,
                              size_t *seats)
{
    struct belfry_strs members = {NULL, 0};
    struct belfry_str none = {NULL, 0};
    belfry_status status = c->api->role_members(c->txn, role, none, APPROVAL_SEATS_MAX + 1, &members);
    struct belfry_str reason = approval_reason(c, "approver by role ", role);
    if (status == BELFRY_OK && !reason.ptr)
        return approval_out_of_memory(c);
    *seats = 0;
    for (size_t i = 0; status == BELFRY_OK && i < members.count; i++) {
        status = add_seat(c, members.items[i], reason, to);
        *seats += (size_t)approval_names_has(&c->state.open, members.items[i]);
    }
    return status;
}

/* All approvers of a step as it opens; `vacant` are roles without members. */
static belfry_status add_approvers(struct approval_call *c, const json_t *step, struct approval_audience *to,
                                   struct approval_names *vacant)
{
    const json_t *approvers = json_object_get(step, "approvers");
    belfry_status status = BELFRY_OK;
    for (size_t i = 0; status == BELFRY_OK && i < json_array_size(approvers); i++) {
        const json_t *item = json_array_get(approvers, i);
        struct belfry_str text = {json_string_value(item), json_string_length(item)};
        struct belfry_str role = approval_after(text, ROLE), user = approval_after(text, "user:");
        size_t seats = 1;
        if (role.ptr)
            status = add_role(c, role, to, &seats);
        else
            status = add_seat(c, user.ptr ? user : text, belfry_str("approver"), to);
        if (seats == 0 && approval_names_add(c->txn, vacant, role) < 0)
            return approval_out_of_memory(c);
    }
    return status;
}

/* Roles that nobody has keep their seat where the others are fewer than the step needs. */
static belfry_status add_vacant(struct approval_call *c, const json_t *step, struct approval_names *vacant)
{
    if ((int64_t)c->state.open.count >= needs(step)) {
        vacant->count = 0;
        return BELFRY_OK;
    }
    for (size_t i = 0; i < vacant->count; i++) {
        struct belfry_str seat = approval_reason(c, ROLE, vacant->items[i]);
        if (!seat.ptr || approval_names_add(c->txn, &c->state.open, seat) < 0)
            return approval_out_of_memory(c);
    }
    return BELFRY_OK;
}

/* Seats of roles that have members by now; while all of them have voted in other seats the role waits for another. */
belfry_status approval_step_fill(struct approval_call *c, struct approval_audience *fresh)
{
    struct approval_names *open = &c->state.open;
    belfry_status status = BELFRY_OK;
    for (size_t i = 0; status == BELFRY_OK && i < open->count;) {
        struct belfry_str seat = open->items[i], role = approval_after(seat, ROLE);
        size_t seats = 0;
        if (role.ptr) {
            approval_names_remove(open, seat);
            status = add_role(c, role, fresh, &seats);
        }
        if (role.ptr && seats == 0 && approval_names_add(c->txn, open, seat) < 0)
            return approval_out_of_memory(c);
        i = seats ? 0 : i + 1; /* the set has changed: from its beginning, with one role less */
    }
    return status;
}

/* --- substitutes -------------------------------------------------------------------------------------------------- */

struct standing_in {
    struct approval_call *c;
    struct belfry_str seat;
    struct approval_names *found; /* who stands in for anybody */
    struct approval_audience *to; /* of whom these are told */
    const struct approval_names *known;
};

static int stand_in(void *arg, struct belfry_str by)
{
    struct standing_in *s = arg;
    struct approval_call *c = s->c;
    if (approval_names_has(&c->state.open, by) || has_voted(c, by))
        return 0;
    if (approval_names_add(c->txn, s->found, by) < 0)
        return 1;
    if (!s->known || !approval_names_has(s->known, by))
        approval_audience_add(c, s->to, BELFRY_TO_USER, by, approval_reason(c, "substitute for ", s->seat));
    return 0;
}

/* Those who stand in for a seat now; told are those who are not known. */
static belfry_status find_deputies(struct approval_call *c, const struct approval_names *known,
                                   struct approval_names *found, struct approval_audience *to)
{
    struct standing_in s = {.c = c, .found = found, .to = to, .known = known};
    for (size_t i = 0; i < c->state.open.count; i++) {
        s.seat = c->state.open.items[i];
        if (approval_substitutes_each(c->a, c->txn, s.seat, stand_in, &s))
            return approval_out_of_memory(c);
    }
    return BELFRY_OK;
}

/* The next moment at which the answer may be another. */
static belfry_status set_look(struct approval_call *c)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < c->state.open.count; i++) {
        struct belfry_str seat = c->state.open.items[i];
        int64_t at = approval_after(seat, ROLE).ptr ? c->txn->now_ms + LOOK_AGAIN_MS
                                                    : approval_substitutes_next(c->a, c->txn, seat);
        next = at < next ? at : next;
    }
    return next < INT64_MAX ? approval_timer_set(c, APPROVAL_LOOK, next) : BELFRY_OK;
}

static belfry_status look_for_deputies(struct approval_call *c, struct approval_change *change)
{
    struct approval_names before = c->state.deputies, now = {0};
    belfry_status status = find_deputies(c, &before, &now, &change->fresh);
    for (size_t i = 0; status == BELFRY_OK && i < before.count; i++) {
        struct belfry_str name = before.items[i];
        if (!approval_names_has(&now, name) && !approval_names_has(&c->state.open, name) &&
            approval_names_add(c->txn, &change->gone, name) < 0)
            status = approval_out_of_memory(c);
    }
    c->state.deputies = now;
    return status == BELFRY_OK ? set_look(c) : status;
}

belfry_status approval_step_look(struct approval_call *c, struct approval_change *change)
{
    belfry_status status = approval_step_fill(c, &change->fresh);
    return status == BELFRY_OK ? look_for_deputies(c, change) : status;
}

void approval_step_people(struct approval_call *c, struct approval_audience *to)
{
    struct approval_names found = {0};
    approval_audience_add_open(c, to);
    if (find_deputies(c, NULL, &found, to) != BELFRY_OK)
        to->failed = 1;
}

static int is_same(void *arg, struct belfry_str by)
{
    return approval_same(*(const struct belfry_str *)arg, by);
}

struct belfry_str approval_step_seat(struct approval_call *c, struct belfry_str who)
{
    const struct approval_names *open = &c->state.open;
    if (has_voted(c, who))
        return (struct belfry_str){NULL, 0};
    if (approval_names_has(open, who))
        return who;
    for (size_t i = 0; i < open->count; i++)
        if (approval_substitutes_each(c->a, c->txn, open->items[i], is_same, &who))
            return open->items[i];
    return (struct belfry_str){NULL, 0};
}

/* --- open, closed ------------------------------------------------------------------------------------------------- */

static belfry_status set_timers(struct approval_call *c, int escalated)
{
    const struct approval_config *config = c->a->config;
    belfry_status status = BELFRY_OK;
    if (config->remind_after_ms)
        status = approval_timer_set(c, APPROVAL_REMIND, c->txn->now_ms + config->remind_after_ms);
    if (status == BELFRY_OK && config->escalate && !escalated)
        status = approval_timer_set(c, APPROVAL_ESCALATE, c->txn->now_ms + config->escalate->after_ms);
    return status;
}

/* What can be said to who submits; of a later step there is nobody to say it to. */
static belfry_status check_first(struct approval_call *c, const struct approval_names *vacant)
{
    size_t people = c->state.open.count;
    static const char at[] = "/data/approval/steps/0/approvers";
    if (people == 0)
        return c->a->host->fail(c->err, BELFRY_EINVAL, at, "nobody has the role %.*s", (int)vacant->items[0].len,
                                vacant->items[0].ptr);
    if (people == APPROVAL_SEATS_MAX)
        return c->a->host->fail(c->err, BELFRY_EINVAL, at, "are %d people or more; a step has fewer",
                                APPROVAL_SEATS_MAX);
    return BELFRY_OK;
}

belfry_status approval_step_open(struct approval_call *c, uint32_t step)
{
    const json_t *definition = approval_step(c->state.object, step);
    struct approval_change change = {0};
    struct approval_names vacant = {0};
    c->state.step = step;
    c->state.opened_ms = c->txn->now_ms;
    c->state.open = c->state.deputies = (struct approval_names){0};
    belfry_status status = add_approvers(c, definition, &change.fresh, &vacant);
    if (status == BELFRY_OK && step == 0)
        status = check_first(c, &vacant);
    if (status == BELFRY_OK)
        status = add_vacant(c, definition, &vacant);
    if (status == BELFRY_OK)
        status = look_for_deputies(c, &change);
    if (status == BELFRY_OK)
        status = approval_tell_requested(c, &change.fresh, (struct belfry_str){NULL, 0});
    if (status == BELFRY_OK && vacant.count)
        status = approval_tell_escalated(c, &vacant);
    return status == BELFRY_OK ? set_timers(c, vacant.count > 0) : status;
}

int approval_step_complete(const struct approval_call *c)
{
    const struct approval_state *s = &c->state;
    size_t votes = approval_state_votes_in(s, s->step);
    if (s->open.count == 0) /* also where the step has fewer people than it needs approvals */
        return votes > 0;
    return (int64_t)votes >= needs(approval_step(s->object, s->step));
}

int approval_step_can_spare(const struct approval_call *c)
{
    const struct approval_state *s = &c->state;
    size_t left = approval_state_votes_in(s, s->step) + s->open.count - 1;
    return (int64_t)left >= needs(approval_step(s->object, s->step));
}

belfry_status approval_step_clear_timers(struct approval_call *c)
{
    static const char *const timers[] = {APPROVAL_REMIND, APPROVAL_ESCALATE, APPROVAL_LOOK};
    belfry_status status = BELFRY_OK;
    for (size_t i = 0; status == BELFRY_OK && i < sizeof(timers) / sizeof(timers[0]); i++)
        status = approval_timer_clear(c, timers[i]);
    return status;
}

belfry_status approval_step_close(struct approval_call *c)
{
    belfry_status status = approval_handled_all(c);
    return status == BELFRY_OK ? approval_step_clear_timers(c) : status;
}
