/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data of an event is the approval as it was submitted and, computed, the step it is about:
 *
 *     {"approval":{...},"step":{"index":1,"of":2,"name":"Finance"}, ...}
 *
 * The submitter is told who decided in which step, each approval of the step's people is theirs to act on: the actions
 * carry the step's number, so that a click on a page that is older than the step decides nothing else.
 */
#include "tell.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define REQUESTED "approval.requested"
#define REMINDER "approval.reminder"
#define ESCALATED "approval.escalated"
#define NAMED_MAX 3 /* of those who are waited for; the rest is a number */

/* --- audience ----------------------------------------------------------------------------------------------------- */

void approval_audience_add(struct approval_call *c, struct approval_audience *to, uint32_t kind, struct belfry_str name,
                           struct belfry_str reason)
{
    if (to->count == to->cap) {
        size_t cap = to->cap ? to->cap * 2 : 8;
        struct belfry_recipient *items = c->api->alloc(c->txn, cap * sizeof(*items));
        if (!items) {
            to->failed = 1;
            return;
        }
        if (to->count)
            memcpy(items, to->items, to->count * sizeof(*items));
        to->items = items;
        to->cap = cap;
    }
    to->items[to->count++] = (struct belfry_recipient){sizeof(struct belfry_recipient), kind, name, reason};
}

void approval_audience_drop(struct approval_audience *to, struct belfry_str name)
{
    size_t kept = 0;
    for (size_t i = 0; i < to->count; i++)
        if (!approval_same(to->items[i].name, name))
            to->items[kept++] = to->items[i];
    to->count = kept;
}

void approval_audience_add_open(struct approval_call *c, struct approval_audience *to)
{
    struct belfry_str reason = belfry_str("approver still open");
    for (size_t i = 0; i < c->state.open.count; i++)
        if (!approval_after(c->state.open.items[i], "role:").ptr)
            approval_audience_add(c, to, BELFRY_TO_USER, c->state.open.items[i], reason);
}

struct belfry_str approval_reason(struct approval_call *c, const char *before, struct belfry_str name)
{
    struct approval_text text = {.txn = c->txn};
    approval_text_addz(&text, before);
    approval_text_add(&text, name.ptr, name.len);
    return approval_text_view(&text);
}

/* --- data --------------------------------------------------------------------------------------------------------- */

static void add_member(struct approval_text *text, const char *name, struct belfry_str value)
{
    if (!value.len)
        return;
    approval_text_addf(text, ",\"%s\":", name);
    approval_text_str(text, value);
}

/* Up to the member before the closing brace. */
static void begin_data(struct approval_call *c, struct approval_text *text)
{
    const struct approval_state *s = &c->state;
    const json_t *step = approval_step(s->object, s->step);
    text->txn = c->txn;
    approval_text_addz(text, "{\"approval\":");
    approval_text_json(text, s->object);
    approval_text_addf(text, ",\"step\":{\"index\":%" PRIu32 ",\"of\":%" PRIu32, s->step + 1,
                       approval_step_count(s->object));
    add_member(text, "name", approval_object_text(step, "name"));
    approval_text_addz(text, "}");
}

/* For how long the step has been open, and for whom it waits. */
static void add_waiting(struct approval_call *c, struct approval_text *text, int german)
{
    const struct approval_names *open = &c->state.open;
    struct approval_text who = {.txn = c->txn};
    char span[APPROVAL_SPAN_SIZE];
    for (size_t i = 0; i < open->count && i < NAMED_MAX; i++) {
        int last = i > 0 && i + 1 == open->count;
        approval_text_addz(&who, i == 0 ? "" : !last ? ", " : german ? " und " : " and ");
        approval_text_add(&who, open->items[i].ptr, open->items[i].len);
    }
    if (open->count > NAMED_MAX)
        approval_text_addf(&who, german ? " und %zu weitere" : " and %zu more", open->count - NAMED_MAX);
    add_member(text, "waiting_for", approval_text_view(&who));
    add_member(text, "waiting", approval_span(c->txn->now_ms - c->state.opened_ms, german, span));
}

/* What add_waiting() says, for the German texts. */
static struct belfry_str waiting_in_german(struct approval_call *c)
{
    struct approval_text text = {.txn = c->txn};
    approval_text_addz(&text, "{\"open\":true");
    add_waiting(c, &text, 1);
    approval_text_addz(&text, "}");
    return approval_text_view(&text);
}

static void add_time(struct approval_call *c, struct approval_text *text, const char *name, int64_t ms)
{
    char time[BELFRY_TIME_SIZE];
    c->a->calendar->format_time(ms, time);
    add_member(text, name, belfry_str(time));
}

/* Every approval so far. */
static void add_votes(struct approval_call *c, struct approval_text *text)
{
    const struct approval_state *s = &c->state;
    approval_text_addz(text, ",\"approvals\":[");
    for (size_t i = 0; i < s->vote_count; i++) {
        approval_text_addf(text, "%s{\"step\":%" PRIu32, i ? "," : "", s->votes[i].step + 1);
        add_member(text, "by", s->votes[i].by);
        add_member(text, "seat", s->votes[i].seat);
        add_time(c, text, "at", s->votes[i].at_ms);
        approval_text_addz(text, "}");
    }
    approval_text_addz(text, "]");
}

/* --- events ------------------------------------------------------------------------------------------------------- */

static belfry_status emit(struct approval_call *c, const char *type, const struct approval_audience *to,
                          struct approval_text *data, struct belfry_str german, const struct belfry_action *actions,
                          size_t action_count)
{
    struct belfry_event_words words = {.struct_size = sizeof(words), .language = belfry_str("de"), .data = german};
    approval_text_addz(data, "}");
    struct belfry_event event = {.struct_size = sizeof(event),
                                 .type = belfry_str(type),
                                 .subject = c->key,
                                 .severity = -1,
                                 .link = approval_object_text(c->state.object, "url"),
                                 .audience = to->items,
                                 .audience_count = to->count,
                                 .actions = actions,
                                 .action_count = action_count,
                                 .data = approval_text_view(data),
                                 .words = &words,
                                 .word_count = german.len ? 1 : 0};
    if (to->failed || !event.data.ptr)
        return approval_out_of_memory(c);
    return c->api->emit(c->txn, &event, c->err);
}

static struct belfry_str decision_data(struct approval_call *c, const char *decision)
{
    struct approval_text text = {.txn = c->txn};
    approval_text_addz(&text, "{\"approval\":{\"id\":");
    approval_text_str(&text, c->id);
    approval_text_addf(&text, "},\"decision\":\"%s\",\"round\":%" PRIu32 ",\"step\":%" PRIu32 "}", decision,
                       c->state.round, c->state.step + 1);
    return approval_text_view(&text);
}

static belfry_status emit_actions(struct approval_call *c, const char *type, const struct approval_audience *to,
                                  struct approval_text *data, struct belfry_str german)
{
    struct belfry_action actions[] = {
        {.struct_size = sizeof(*actions), .id = belfry_str("approve"), .data = decision_data(c, "approved")},
        {.struct_size = sizeof(*actions), .id = belfry_str("reject"), .data = decision_data(c, "rejected")}};
    if (!actions[0].data.ptr || !actions[1].data.ptr)
        return approval_out_of_memory(c);
    return emit(c, type, to, data, german, actions, 2);
}

belfry_status approval_tell_requested(struct approval_call *c, const struct approval_audience *to,
                                      struct belfry_str more)
{
    struct approval_text data = {0};
    if (to->count == 0)
        return to->failed ? approval_out_of_memory(c) : BELFRY_OK;
    begin_data(c, &data);
    approval_text_add(&data, more.ptr, more.len);
    return emit_actions(c, REQUESTED, to, &data, (struct belfry_str){NULL, 0});
}

belfry_status approval_tell_reminder(struct approval_call *c, const struct approval_audience *to)
{
    struct approval_text data = {0};
    begin_data(c, &data);
    add_waiting(c, &data, 0);
    return emit_actions(c, REMINDER, to, &data, waiting_in_german(c));
}

static int has_member(struct approval_call *c, struct belfry_str role)
{
    struct belfry_strs members = {NULL, 0};
    struct belfry_str none = {NULL, 0};
    return c->api->role_members(c->txn, role, none, 1, &members) == BELFRY_OK && members.count > 0;
}

/* Whom the options name. A step that nobody can decide must be heard of by somebody: where they name nobody, or only
 * roles that are empty too, the admins are told, and where there are none the submitter. */
static void escalation_audience(struct approval_call *c, int vacant, struct approval_audience *to)
{
    struct belfry_str admin = belfry_str("admin"), reason = belfry_str("escalation");
    int heard = 0;
    for (size_t i = 0; i < c->a->escalate_count; i++) {
        const struct belfry_recipient *r = &c->a->escalate_to[i];
        if (!r->kind) {
            approval_audience_add_open(c, to);
            continue;
        }
        heard |= r->kind != BELFRY_TO_ROLE || (vacant && has_member(c, r->name));
        approval_audience_add(c, to, r->kind, r->name, reason);
    }
    if (!vacant || heard)
        return;
    if (has_member(c, admin))
        approval_audience_add(c, to, BELFRY_TO_ROLE, admin, reason);
    else
        approval_audience_add(c, to, BELFRY_TO_USER, approval_object_text(c->state.object, "submitter"),
                              belfry_str("submitter"));
}

belfry_status approval_tell_escalated(struct approval_call *c, const struct approval_names *vacant)
{
    struct approval_audience to = {0};
    struct approval_text data = {0}, roles = {.txn = c->txn};
    escalation_audience(c, vacant->count > 0, &to);
    begin_data(c, &data);
    add_waiting(c, &data, 0);
    for (size_t i = 0; i < vacant->count; i++) {
        approval_text_addz(&roles, i ? ", " : "");
        approval_text_add(&roles, vacant->items[i].ptr, vacant->items[i].len);
    }
    add_member(&data, "vacant", approval_text_view(&roles));
    return emit(c, ESCALATED, &to, &data, waiting_in_german(c), NULL, 0);
}

belfry_status approval_tell_result(struct approval_call *c, const char *decision, const struct approval_vote *vote,
                                   struct belfry_str comment)
{
    struct approval_audience to = {0};
    struct approval_text data = {0};
    char type[32];
    snprintf(type, sizeof(type), "approval.%s", decision);
    approval_audience_add(c, &to, BELFRY_TO_USER, approval_object_text(c->state.object, "submitter"),
                          belfry_str("submitter"));
    begin_data(c, &data);
    add_member(&data, "decision", belfry_str(decision));
    add_member(&data, "by", vote->by);
    add_member(&data, "seat", vote->seat);
    add_member(&data, "comment", comment);
    add_time(c, &data, "at", vote->at_ms);
    add_votes(c, &data);
    return emit(c, type, &to, &data, (struct belfry_str){NULL, 0}, NULL, 0);
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

/* Escalations are asked of others than the step's people, hence they end with the step only. */
static void select_types(struct belfry_selection *which, const struct belfry_str types[3], size_t count)
{
    *which = (struct belfry_selection){.struct_size = sizeof(*which), .types = {types, count}};
}

#define TYPES                                                                                                          \
    {                                                                                                                  \
        belfry_str(REQUESTED), belfry_str(REMINDER), belfry_str(ESCALATED)                                             \
    }

belfry_status approval_handled_all(struct approval_call *c)
{
    struct belfry_str types[] = TYPES;
    struct belfry_selection which;
    select_types(&which, types, 3);
    return c->api->handled(c->txn, c->key, &which, c->by);
}

belfry_status approval_handled_some(struct approval_call *c, const struct approval_names *others)
{
    struct belfry_str types[] = TYPES;
    struct belfry_selection which;
    select_types(&which, types, 3);
    which.only = (struct belfry_strs){&c->by, 1};
    belfry_status status = c->api->handled(c->txn, c->key, &which, c->by);
    if (status != BELFRY_OK || others->count == 0)
        return status;
    which.types.count = 2;
    which.only = approval_names_view(others);
    return c->api->handled(c->txn, c->key, &which, c->by);
}

belfry_status approval_withdraw(struct approval_call *c, const struct approval_names *people, struct belfry_str reason)
{
    struct belfry_str types[] = TYPES;
    struct belfry_selection which;
    if (people && people->count == 0)
        return BELFRY_OK;
    select_types(&which, types, people ? 2 : 3);
    which.only = people ? approval_names_view(people) : (struct belfry_strs){NULL, 0};
    which.reason = reason;
    return c->api->withdraw(c->txn, c->key, &which);
}
