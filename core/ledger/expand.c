/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of an event's recipients and targets. In-app is a column of the notification (its place in the inbox); only what
 * does not happen at once is a row of `delivery`. Rows of one recipient on one channel are candidates: the claim sends
 * the first that passes its gates and ends the others as duplicates, so a candidate that can only come second to a
 * certain one is not written as a delivery but as the decision that it is.
 */
#include "ledger/inside.h"
#include "ledger/payload.h"

#include "store/lanes.h"

#include <stdlib.h>

void expand_prepare(struct expansion *x, struct arena *arena)
{
    const struct route_plan *plan = x->plan;
    route_chains(plan, arena, &x->chains);
    if (plan->decision_count == 0)
        return;
    x->first_decision = arena_alloc(arena, (plan->recipient_count + 1) * sizeof(uint32_t));
    x->next_decision = arena_alloc(arena, (plan->decision_count + 1) * sizeof(uint32_t));
    for (size_t i = plan->decision_count; i > 0; i--) {
        uint32_t r = plan->decisions[i - 1].recipient;
        if (r == UINT32_MAX || r >= plan->recipient_count)
            continue;
        x->next_decision[i - 1] = x->first_decision[r];
        x->first_decision[r] = (uint32_t)i;
    }
}

static uint32_t flags_of(const struct ledger_txn *txn, const struct config_instance *channel)
{
    return txn->gen->channels[channel->index].flags;
}

static int64_t channel_name(const struct ledger_txn *txn, const struct config_instance *channel)
{
    return txn->gen->channels[channel->index].name;
}

void expand_decision(struct ledger_txn *txn, const struct expansion *x, const struct route_decision *decision,
                     struct belfry_str recipient)
{
    int64_t channel = decision->channel ? channel_name(txn, decision->channel) : 0;
    store_decision_add(txn->conn, ledger_txn_id(txn), x->event, recipient,
                       decision->rule ? store_name(txn->conn, str_of(decision->rule->name)) : 0, channel,
                       decision->outcome, str_of(decision->reason));
    outcome_count(txn, channel, decision->outcome, 1);
    rate_note(txn, x->org, decision->outcome, 0);
}

static void second(struct ledger_txn *txn, const struct expansion *x, const struct route_delivery *d,
                   struct belfry_str recipient)
{
    const struct route_decision decision = {
        .rule = d->rule, .channel = d->deliver->channel, .outcome = OUTCOME_duplicate, .reason = ROUTE_SECOND};
    expand_decision(txn, x, &decision, recipient);
}

static void shown_at_once(struct ledger_txn *txn, const struct expansion *x, const struct config_instance *channel)
{
    outcome_count(txn, channel_name(txn, channel), OUTCOME_delivered, 1);
    rate_note(txn, x->org, OUTCOME_delivered, 0);
}

static struct store_delivery row_by(struct ledger_txn *txn, const struct expansion *x, const struct route_delivery *d)
{
    return (struct store_delivery){.id = ledger_txn_id(txn),
                                   .event = x->event,
                                   .org = x->org,
                                   .channel = channel_name(txn, d->deliver->channel),
                                   .rule = store_name(txn->conn, str_of(d->rule->name)),
                                   .unless = d->unless,
                                   .state = OUTCOME_scheduled,
                                   .open = 1,
                                   .due = x->time + d->after_ms};
}

static void add_delivery(struct ledger_txn *txn, const struct expansion *x, const struct route_delivery *d,
                         int64_t person, int64_t notification, const struct route_recipient *outside)
{
    struct store_delivery row = row_by(txn, x, d);
    row.person = person;
    row.notification = notification;
    row.address = outside ? outside->name : (struct belfry_str){NULL, 0};
    row.reason = outside ? outside->reason : (struct belfry_str){NULL, 0};
    store_delivery_add(txn->conn, &row);
    if (!(flags_of(txn, d->deliver->channel) & BELFRY_DELIVERY_IN_COMMIT))
        ledger_txn_due(txn, 0);
    else if (row.due < txn->ledger->next_shown)
        txn->ledger->next_shown = row.due;
}

static void replace_rows(struct ledger_txn *txn, const struct expansion *x, int64_t person, int64_t notification)
{
    for (size_t i = 0; i < x->replaced_count; i++) {
        struct store_notification old;
        if (store_notification_of(txn->conn, x->replaced[i], person, &old) && !old.validity && !old.handled)
            sweep_end_row(txn, &old, BELFRY_SUPERSEDED, notification, OUTCOME_merged, (struct belfry_str){NULL, 0});
    }
}

static void write_decisions(struct ledger_txn *txn, const struct expansion *x, uint32_t i)
{
    for (uint32_t at = x->first_decision[i]; at; at = x->next_decision[at - 1])
        expand_decision(txn, x, &x->plan->decisions[at - 1], x->plan->recipients[i].name);
}

/* 1 when a rule shows the row at once. */
static int visible_now(const struct ledger_txn *txn, const struct expansion *x, uint32_t i)
{
    for (uint32_t at = x->chains.first[i]; at; at = x->chains.next[at - 1]) {
        const struct route_delivery *d = &x->plan->deliveries[at - 1];
        if (d->after_ms <= 0 && flags_of(txn, d->deliver->channel) & BELFRY_DELIVERY_IN_COMMIT)
            return 1;
    }
    return 0;
}

int64_t expand_recipient(struct ledger_txn *txn, const struct expansion *x, uint32_t i, int64_t *person_out)
{
    const struct route_recipient *r = &x->plan->recipients[i];
    int64_t person = 0, id = 0;
    int now = 0;
    if (!r->email) {
        now = visible_now(txn, x, i);
        person = ledger_txn_person(txn, x->org, r->name);
        id = ledger_txn_id(txn);
        struct store_notification row = {.id = id,
                                         .person = person,
                                         .event = x->event,
                                         .pos = now ? id : 0,
                                         .category = x->category,
                                         .rev =
                                             now ? ledger_txn_touch(txn, person) : cache_person_rev(txn, person, NULL),
                                         .reason = r->reason,
                                         .via = r->via};
        if (!store_notification_add(txn->conn, &row))
            return 0; /* a fan-out that was interrupted had made it */
        txn->notifications++;
        replace_rows(txn, x, person, id);
    }
    if (person_out)
        *person_out = person;
    if (x->plan->decision_count)
        write_decisions(txn, x, i);
    for (uint32_t at = x->chains.first[i]; at; at = x->chains.next[at - 1]) {
        const struct route_delivery *d = &x->plan->deliveries[at - 1];
        if (route_comes_second(x->plan, &x->chains, at - 1))
            second(txn, x, d, r->name);
        else if (d->after_ms > 0 || !(flags_of(txn, d->deliver->channel) & BELFRY_DELIVERY_IN_COMMIT))
            add_delivery(txn, x, d, person, id, r->email ? r : NULL);
        else
            shown_at_once(txn, x, d->deliver->channel);
    }
    return id;
}

/* --- targets ------------------------------------------------------------------------------------------------------ */

/* The body that every target gets: the same bytes for each attempt, resend and recovery. */
void payload_write(struct ledger_txn *txn, const struct route_event *event, const struct store_event *row)
{
    char id[ID_TEXT_SIZE];
    id_format(store_id_key(txn->ledger->store), row->id, id);
    const struct ledger_payload payload = {.id = str_of(id),
                                           .org = event->org,
                                           .source = event->source,
                                           .type = event->type,
                                           .category = event->category,
                                           .subject = row->subject,
                                           .title = row->title,
                                           .body = row->body,
                                           .link = row->link,
                                           .actor = row->actor,
                                           .data = row->data,
                                           .time_ms = row->time,
                                           .severity = row->severity,
                                           .test = is_test_event(row)};
    struct buf out = {NULL, 0, 0};
    ledger_payload(&payload, &out);
    store_payload_add(txn->conn, row->id, buf_str(&out));
    buf_free(&out);
}

void expand_target_row(struct ledger_txn *txn, struct store_delivery *row)
{
    int held = hash_get(txn->ledger->disabled, str_slice((const char *)&row->target, sizeof(row->target))) != NULL;
    row->state = held ? OUTCOME_held_disabled : OUTCOME_scheduled;
    row->open = held ? 2 : 1;
    if (row->lane && !held)
        row->due = store_lane_enter(txn->conn, row);
    store_delivery_add(txn->conn, row);
    if (held) {
        store_delivery_wait(txn->conn, row->id, OUTCOME_held_disabled, 2, row->due, 0, STR(REASON_DISABLED));
        outcome_count(txn, row->channel, OUTCOME_held_disabled, 1);
    } else if (!store_waits_for_turn(row->due)) {
        ledger_txn_due(txn, row->target);
    }
}

void expand_target(struct ledger_txn *txn, const struct expansion *x, const struct store_event *row,
                   const struct route_delivery *d, const struct route_target *target)
{
    struct store_delivery delivery = row_by(txn, x, d);
    delivery.target = target->id;
    delivery.lane = lane_of(target, row);
    expand_target_row(txn, &delivery);
}

struct matching {
    struct ledger_txn *txn;
    const struct store_event *row;
    const struct route_delivery *d;
    int second;
    size_t matched; /* by d */
    struct target_match *taken;
    size_t count, cap;
};

static void on_target(void *arg, const struct route_target *target, const char *why_not)
{
    struct matching *m = arg;
    if (why_not || is_about_endpoint(m->txn, m->row, target->id))
        return;
    m->matched++;
    if (m->second)
        return;
    if (m->count == m->cap) {
        size_t cap = m->cap ? m->cap * 2 : 16;
        m->taken = arena_grow(m->txn->arena, m->taken, m->cap * sizeof(*m->taken), cap * sizeof(*m->taken));
        m->cap = cap;
    }
    m->taken[m->count++] = (struct target_match){m->d, target};
}

/* Of many, only those with a lane are written now: a later event of the lane must find the earlier one's row. */
static void write_taken(struct ledger_txn *txn, const struct expansion *x, const struct store_event *row,
                        const struct matching *m)
{
    size_t later = 0;
    for (size_t i = 0; i < m->count; i++) {
        struct target_match taken = m->taken[i];
        if (m->count > SLICE && !lane_of(taken.target, row))
            m->taken[later++] = taken;
        else
            expand_target(txn, x, row, taken.d, taken.target);
    }
    target_fanout_start(txn, x, m->taken, later, m->count - later);
}

void expand_targets(struct ledger_txn *txn, const struct expansion *x, const struct route_event *event,
                    const struct store_event *row)
{
    const struct route_plan *plan = x->plan;
    struct matching m = {.txn = txn, .row = row};
    for (size_t i = 0; i < plan->delivery_count; i++) {
        m.d = &plan->deliveries[i];
        if (m.d->recipient != ROUTE_NOBODY)
            continue;
        m.second = route_comes_second(plan, &x->chains, (uint32_t)i);
        m.matched = 0;
        const struct route_targets *indexes[2];
        size_t count = targets_indexes(txn, m.d->deliver->channel, indexes);
        for (size_t c = 0; c < count; c++)
            route_targets_match(indexes[c], event, txn->arena, 0, on_target, &m);
        if (m.second && m.matched)
            second(txn, x, m.d, (struct belfry_str){NULL, 0});
    }
    if (m.count)
        payload_write(txn, event, row);
    write_taken(txn, x, row, &m);
}
