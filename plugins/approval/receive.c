/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The four triggers and the three timers of an approval. Each reads its one value, decides whether what is said makes
 * sense now, and if so writes it back with what follows from it:
 *
 *     unknown   --submitted--> pending
 *     pending   --decided----> pending (a vote, the next step), approved (the last step is complete), rejected
 *     pending   --recalled---> recalled
 *     pending   --reassigned-> pending
 *     rejected, recalled --submitted--> pending: the next round, in which nobody has decided
 *
 * All else is a conflict that says who and when, but for what is said twice: the same submission while it is pending
 * and the same decision of the same person are taken and change nothing.
 */
#include "receive.h"
#include "read.h"
#include "step.h"

#include <string.h>

/* --- submitted ---------------------------------------------------------------------------------------------------- */

static belfry_status open_first(struct approval_call *c, json_t *object)
{
    struct approval_state first = {.root = json_incref(object),
                                   .object = object,
                                   .status = APPROVAL_PENDING,
                                   .round = c->state.round + 1,
                                   .submitted_ms = c->txn->now_ms};
    approval_state_fini(&c->state);
    c->state = first;
    belfry_status status = approval_step_open(c, 0);
    return status == BELFRY_OK ? approval_call_save(c) : status;
}

static belfry_status submit(struct approval_call *c, json_t *object)
{
    const struct approval_state *s = &c->state;
    belfry_status status = approval_call_load(c);
    if (status != BELFRY_OK)
        return status;
    if (s->status == APPROVAL_APPROVED)
        return approval_refuse_closed(c);
    if (s->status != APPROVAL_PENDING)
        return open_first(c, object);
    if (json_equal(object, s->object))
        return BELFRY_OK;
    struct belfry_str by = approval_object_text(s->object, "submitter");
    return approval_refuse(c, by, s->submitted_ms,
                           "approval %.*s is pending with other content; recall it to submit it anew", (int)c->id.len,
                           c->id.ptr);
}

static belfry_status submitted(struct approval_call *c)
{
    json_t *object = NULL;
    belfry_status status = approval_read_submitted(c, &object);
    if (status == BELFRY_OK)
        status = submit(c, object);
    json_decref(object);
    return status;
}

/* --- decided ------------------------------------------------------------------------------------------------------ */

/* The value becomes what a 409 must say. */
static belfry_status close_with(struct approval_call *c, enum approval_status status)
{
    struct approval_state closed = {
        .root = c->state.root, .status = status, .round = c->state.round, .by = c->by, .at_ms = c->txn->now_ms};
    for (size_t i = 0; status != APPROVAL_RECALLED && i < c->state.vote_count; i++)
        if (!approval_same(c->state.votes[i].by, c->by) &&
            approval_names_add(c->txn, &closed.with, c->state.votes[i].by) < 0)
            return approval_out_of_memory(c);
    c->state = closed;
    return approval_call_save(c);
}

static belfry_status reject(struct approval_call *c, const struct approval_vote *vote, struct belfry_str comment)
{
    belfry_status status = approval_step_close(c);
    if (status == BELFRY_OK)
        status = approval_tell_result(c, "rejected", vote, comment);
    return status == BELFRY_OK ? close_with(c, APPROVAL_REJECTED) : status;
}

/* The step waits for others: who voted is done with it, and with them those who could have voted in the same seat. */
static belfry_status wait_on(struct approval_call *c, struct belfry_str seat, struct approval_change *change)
{
    struct belfry_str nothing = {NULL, 0};
    belfry_status status = approval_step_look(c, change);
    if (status == BELFRY_OK && !approval_same(seat, c->by) && approval_names_add(c->txn, &change->gone, seat) < 0)
        status = approval_out_of_memory(c);
    approval_names_remove(&change->gone, c->by);
    approval_audience_drop(&change->fresh, c->by);
    if (status == BELFRY_OK)
        status = approval_handled_some(c, &change->gone);
    if (status == BELFRY_OK)
        status = approval_tell_requested(c, &change->fresh, nothing);
    return status == BELFRY_OK ? approval_call_save(c) : status;
}

static belfry_status go_on(struct approval_call *c, const struct approval_vote *vote, struct belfry_str comment)
{
    belfry_status status = approval_step_close(c);
    if (status != BELFRY_OK)
        return status;
    if (c->state.step + 1 < approval_step_count(c->state.object)) {
        status = approval_step_open(c, c->state.step + 1);
        return status == BELFRY_OK ? approval_call_save(c) : status;
    }
    status = approval_tell_result(c, "approved", vote, comment);
    return status == BELFRY_OK ? close_with(c, APPROVAL_APPROVED) : status;
}

static belfry_status decide(struct approval_call *c, const struct approval_decision *d, struct belfry_str seat,
                            struct approval_change *change)
{
    struct approval_vote vote = {.by = c->by, .at_ms = c->txn->now_ms, .step = c->state.step};
    if (!approval_same(seat, c->by))
        vote.seat = seat;
    if (d->decision == APPROVAL_REJECTED)
        return reject(c, &vote, d->comment);
    if (!approval_state_vote(c->txn, &c->state, &vote))
        return approval_out_of_memory(c);
    approval_names_remove(&c->state.open, seat);
    return approval_step_complete(c) ? go_on(c, &vote, d->comment) : wait_on(c, seat, change);
}

/* Why somebody may not decide now; or it is what they have said already. */
static belfry_status answer_no_seat(struct approval_call *c, const struct approval_decision *d, uint32_t meant)
{
    const struct approval_state *s = &c->state;
    const struct approval_vote *own = approval_state_vote_of(s, c->by, meant), *closer;
    if (own && d->decision == APPROVAL_APPROVED)
        return BELFRY_OK;
    if (own)
        return approval_refuse(c, own->by, own->at_ms, "%.*s has approved step %u already", (int)c->by.len, c->by.ptr,
                               own->step + 1);
    const struct approval_vote *other = approval_state_vote_in(s, c->by);
    if (other)
        return approval_refuse(c, other->by, other->at_ms, "%.*s has approved for %.*s", (int)other->by.len,
                               other->by.ptr, (int)c->by.len, c->by.ptr);
    closer = approval_state_closer(s, meant == UINT32_MAX && s->step > 0 ? s->step - 1 : meant);
    if (closer)
        return approval_refuse(
            c, closer->by, closer->at_ms, "step %u was closed by %.*s, and %.*s is no approver of the open step %u",
            closer->step + 1, (int)closer->by.len, closer->by.ptr, (int)c->by.len, c->by.ptr, s->step + 1);
    return approval_refuse(c, (struct belfry_str){NULL, 0}, 0, "%.*s is no approver of the open step %u",
                           (int)c->by.len, c->by.ptr, s->step + 1);
}

/* A round that is named and is not this one. Who decided what in an earlier one is not remembered. */
static belfry_status answer_other_round(struct approval_call *c, const struct approval_decision *d)
{
    struct belfry_str nobody = {NULL, 0};
    return approval_refuse(c, nobody, 0, "this is round %u of approval %.*s, and not %lld", c->state.round,
                           (int)c->id.len, c->id.ptr, (long long)d->round);
}

/* A step that is named and not open. */
static belfry_status answer_other_step(struct approval_call *c, const struct approval_decision *d)
{
    const struct approval_state *s = &c->state;
    uint32_t step = d->step > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uint32_t)d->step - 1;
    const struct approval_vote *own = approval_state_vote_of(s, c->by, step), *closer = approval_state_closer(s, step);
    struct belfry_str nobody = {NULL, 0};
    if (own && d->decision == APPROVAL_APPROVED)
        return BELFRY_OK;
    return approval_refuse(c, closer ? closer->by : nobody, closer ? closer->at_ms : 0,
                           closer ? "step %lld is closed" : "step %lld is not open yet", (long long)d->step);
}

static belfry_status answer_closed(struct approval_call *c, const struct approval_decision *d)
{
    const struct approval_state *s = &c->state;
    int by_them = approval_same(s->by, c->by) && s->status == d->decision;
    int with_them = d->decision == APPROVAL_APPROVED && approval_names_has(&s->with, c->by);
    return by_them || with_them ? BELFRY_OK : approval_refuse_closed(c);
}

static belfry_status decided(struct approval_call *c)
{
    struct approval_decision d;
    struct approval_change change = {0};
    belfry_status status = approval_read_decided(c, &d);
    if (status == BELFRY_OK)
        status = approval_call_load(c);
    if (status != BELFRY_OK)
        return status;
    if (c->state.status != APPROVAL_PENDING)
        return answer_closed(c, &d);
    if (d.round && d.round != (int64_t)c->state.round)
        return answer_other_round(c, &d);
    if (d.step && d.step != (int64_t)c->state.step + 1)
        return answer_other_step(c, &d);
    status = approval_step_fill(c, &change.fresh);
    if (status != BELFRY_OK)
        return status;
    struct belfry_str seat = approval_step_seat(c, c->by);
    if (seat.ptr)
        return decide(c, &d, seat, &change);
    return answer_no_seat(c, &d, d.step ? c->state.step : UINT32_MAX);
}

/* --- reassigned, recalled ----------------------------------------------------------------------------------------- */

/* Who decided in a seat that is not open any more, or would take one a second time. */
static belfry_status refuse_move(struct approval_call *c, struct belfry_str who, const char *text)
{
    const struct approval_vote *own = approval_state_vote_of(&c->state, who, c->state.step);
    const struct approval_vote *vote = own ? own : approval_state_vote_in(&c->state, who);
    struct belfry_str nobody = {NULL, 0};
    return approval_refuse(c, vote ? vote->by : nobody, vote ? vote->at_ms : 0, "%.*s %s step %u", (int)who.len,
                           who.ptr, text, c->state.step + 1);
}

static belfry_status tell_moved(struct approval_call *c, struct belfry_str from, struct approval_change *change)
{
    struct approval_text more = {.txn = c->txn};
    approval_text_addz(&more, ",\"reassigned\":{\"from\":");
    approval_text_str(&more, from);
    approval_text_addz(&more, ",\"by\":");
    approval_text_str(&more, c->by);
    approval_text_addz(&more, "}");
    struct belfry_str text = approval_text_view(&more);
    return text.ptr ? approval_tell_requested(c, &change->fresh, text) : approval_out_of_memory(c);
}

static belfry_status move_seat(struct approval_call *c, struct belfry_str from, struct belfry_str to)
{
    struct approval_change change = {0};
    struct belfry_str reason = approval_reason(c, "reassigned by ", c->by);
    int was_deputy = approval_names_remove(&c->state.deputies, to), is_user = !approval_after(from, "role:").ptr;
    approval_names_remove(&c->state.open, from);
    int added = approval_names_add(c->txn, &c->state.open, to);
    if (added < 0 || !reason.ptr)
        return approval_out_of_memory(c);
    if (added)
        approval_audience_add(c, &change.fresh, BELFRY_TO_USER, to, reason);
    belfry_status status = approval_step_look(c, &change);
    if ((is_user && approval_names_add(c->txn, &change.gone, from) < 0) ||
        (was_deputy && approval_names_add(c->txn, &change.gone, to) < 0))
        return approval_out_of_memory(c);
    if (status == BELFRY_OK)
        status = approval_withdraw(c, &change.gone, reason);
    if (status == BELFRY_OK)
        status = tell_moved(c, from, &change);
    return status == BELFRY_OK ? approval_call_save(c) : status;
}

static belfry_status reassigned(struct approval_call *c)
{
    struct belfry_str from, to;
    belfry_status status = approval_read_reassigned(c, &from, &to);
    if (status == BELFRY_OK)
        status = approval_call_load(c);
    if (status != BELFRY_OK)
        return status;
    if (c->state.status != APPROVAL_PENDING)
        return approval_refuse_closed(c);
    if (!approval_names_has(&c->state.open, from))
        return refuse_move(c, from, "has no open seat in");
    if (approval_state_vote_of(&c->state, to, c->state.step))
        return refuse_move(c, to, "has one vote, and has approved");
    if (approval_names_has(&c->state.open, to) && !approval_step_can_spare(c))
        return refuse_move(c, to, "has a seat already, and no other can be spared in");
    return move_seat(c, from, to);
}

static belfry_status recalled(struct approval_call *c)
{
    belfry_status status = approval_read_recalled(c);
    if (status == BELFRY_OK)
        status = approval_call_load(c);
    if (status != BELFRY_OK)
        return status;
    if (c->state.status != APPROVAL_PENDING)
        return approval_refuse_closed(c);
    status = approval_withdraw(c, NULL, approval_reason(c, "recalled by ", c->by));
    if (status == BELFRY_OK)
        status = approval_step_clear_timers(c);
    return status == BELFRY_OK ? close_with(c, APPROVAL_RECALLED) : status;
}

/* --- timers ------------------------------------------------------------------------------------------------------- */

static belfry_status remind(struct approval_call *c, int64_t was_due_ms)
{
    struct approval_change change = {0};
    struct approval_audience people = {0};
    int64_t every = c->a->config->remind_after_ms, next = was_due_ms + every;
    if (!every)
        return BELFRY_OK; /* the options have changed */
    belfry_status status = approval_step_look(c, &change);
    if (status != BELFRY_OK)
        return status;
    approval_step_people(c, &people);
    if (people.count) /* their rows are replaced, and those of everybody else are withdrawn */
        status = approval_tell_reminder(c, &people);
    if (status == BELFRY_OK) /* after a time without the hub there is one reminder, not one for each that was missed */
        status = approval_timer_set(c, APPROVAL_REMIND, next > c->txn->now_ms ? next : c->txn->now_ms + every);
    return status == BELFRY_OK ? approval_call_save(c) : status;
}

static belfry_status escalate(struct approval_call *c, int64_t was_due_ms)
{
    struct approval_names none = {0};
    (void)was_due_ms;
    return c->a->config->escalate ? approval_tell_escalated(c, &none) : BELFRY_OK;
}

/* A period has begun or ended, or a role may have got a member. */
static belfry_status look(struct approval_call *c, int64_t was_due_ms)
{
    struct approval_change change = {0};
    struct belfry_str nothing = {NULL, 0};
    (void)was_due_ms;
    belfry_status status = approval_step_look(c, &change);
    if (status == BELFRY_OK)
        status = approval_withdraw(c, &change.gone, belfry_str("no longer a substitute"));
    if (status == BELFRY_OK)
        status = approval_tell_requested(c, &change.fresh, nothing);
    return status == BELFRY_OK ? approval_call_save(c) : status;
}

/* --- calls of the hub --------------------------------------------------------------------------------------------- */

belfry_status approval_receive(void *self, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                               struct belfry_error *err)
{
    static const struct {
        const char *type;
        belfry_status (*fn)(struct approval_call *c);
    } kinds[] = {{"approval.submitted", submitted},
                 {"approval.decided", decided},
                 {"approval.reassigned", reassigned},
                 {"approval.recalled", recalled}};
    const struct approval *a = self;
    struct approval_call c = {.a = a, .txn = txn, .api = txn->api, .trigger = trigger, .err = err};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (!approval_same(trigger->type, belfry_str(kinds[i].type)))
            continue;
        belfry_status status = kinds[i].fn(&c);
        approval_state_fini(&c.state);
        return status;
    }
    return a->host->fail(
        err, BELFRY_EINVAL, "/type",
        "must be approval.submitted, approval.decided, approval.reassigned or approval.recalled, not \"%.*s\"",
        (int)trigger->type.len, trigger->type.ptr);
}

/* Timers end with their step, so one that comes due finds it open; but an older version may have left others. */
belfry_status approval_due(void *self, struct belfry_txn *txn, struct belfry_str key, struct belfry_str payload,
                           int64_t was_due_ms, struct belfry_error *err)
{
    static const struct {
        const char *prefix;
        belfry_status (*fn)(struct approval_call *c, int64_t was_due_ms);
    } kinds[] = {{APPROVAL_REMIND, remind}, {APPROVAL_ESCALATE, escalate}, {APPROVAL_LOOK, look}};
    struct approval_call c = {.a = self, .txn = txn, .api = txn->api, .err = err};
    (void)payload;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct belfry_str id = approval_after(key, kinds[i].prefix);
        if (!id.ptr)
            continue;
        belfry_status status = approval_call_name(&c, id);
        if (status == BELFRY_OK)
            status = approval_call_load(&c);
        if (status == BELFRY_OK && c.state.status == APPROVAL_PENDING)
            status = kinds[i].fn(&c, was_due_ms);
        approval_state_fini(&c.state);
        return status;
    }
    return BELFRY_OK;
}
