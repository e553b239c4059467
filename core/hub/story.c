/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From rows to a story. What happened at once is a column (the inbox row); what did not is a row of delivery or
 * decision. A story shows at most ROWS_MAX rows of each kind: an event for 100,000 people is told by its first ones,
 * unless somebody is asked for.
 */
#include "hub/story.h"

#include "base/mem.h"
#include "store/story.h"
#include "store/upkeep.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 2000

static const char *const validities[] = {"valid", "expired", "superseded", "withdrawn"};

static const char *validity_name(int validity)
{
    return validity >= 0 && validity <= 3 ? validities[validity] : "valid";
}

static struct belfry_str uuid(struct store *store, struct arena *arena, int64_t id)
{
    if (!id)
        return (struct belfry_str){0};
    char *text = arena_alloc(arena, ID_TEXT_SIZE);
    id_format(store_id_key(store), id, text);
    return str_slice(text, ID_TEXT_SIZE - 1);
}

static void tell_event(struct story *story, struct store_conn *conn, struct store *store, const struct store_event *e,
                       struct arena *arena)
{
    story->id = uuid(store, arena, e->id);
    story->org = store_name_text(conn, e->org);
    story->source = store_name_text(conn, e->source);
    story->type = store_name_text(conn, e->type);
    story->category = store_name_text(conn, e->category);
    story->subject = e->subject;
    story->actor = e->actor;
    story->title = e->title;
    story->body = e->body;
    story->link = e->link;
    story->severity = e->severity;
    story->time_ms = e->time;
    story->valid_until_ms = e->valid_until;
    story->validity = e->validity ? validity_name(e->validity) : NULL;
    story->data = e->data;
    story->generation = (uint64_t)e->generation;
    story->trigger_source = e->trigger_source;
    story->trigger_id = e->trigger_id;
    story->trigger_type = e->trigger_type;
    story->principal = e->principal;
    story->note = e->note;
}

static void tell_rules(struct story *story, const struct store_event *e, struct arena *arena)
{
    json_t *names = json_read(e->rules, NULL), *name;
    size_t i;
    struct story_rule *rules = arena_alloc(arena, (json_array_size(names) + 1) * sizeof(*rules));
    json_array_foreach(names, i, name)
    {
        struct belfry_str text = json_str(name);
        rules[i] = (struct story_rule){.name = arena_strndup(arena, text.ptr ? text.ptr : "", text.len), .matched = 1};
    }
    story->rules = rules;
    story->rule_count = json_array_size(names);
    json_decref(names);
}

/* more: room for recipients without a row. */
static struct story_recipient *tell_recipients(struct story *story, struct store *store,
                                               const struct store_row_view *rows, size_t count, size_t more,
                                               struct arena *arena)
{
    struct story_recipient *list = arena_alloc(arena, (count + more + 1) * sizeof(*list));
    for (size_t i = 0; i < count; i++) {
        const struct store_row_view *r = &rows[i];
        struct story_notification *n = arena_alloc(arena, sizeof(*n));
        *n = (struct story_notification){.id = uuid(store, arena, r->id),
                                         .visible_ms = r->pos ? id_time_ms(r->pos) : 0,
                                         .seen_ms = r->seen,
                                         .read_ms = r->read,
                                         .hidden_ms = r->hidden,
                                         .handled_ms = r->handled_at,
                                         .validity = validity_name(r->validity),
                                         .handled_by = r->handled_by,
                                         .note = r->note,
                                         .replaced_by = uuid(store, arena, r->replaced_by)};
        list[i] = (struct story_recipient){.name = r->username, .reason = r->reason, .notification = n};
    }
    story->recipients = list;
    story->recipient_count = count;
    return list;
}

/* Who has no row is an outside address. */
static uint32_t recipient_of(struct story *story, struct story_recipient *list, struct belfry_str name)
{
    if (!name.len)
        return ROUTE_NOBODY;
    for (size_t i = 0; i < story->recipient_count; i++)
        if (str_eq(list[i].name, name))
            return (uint32_t)i;
    list[story->recipient_count] = (struct story_recipient){.name = name, .email = 1};
    return (uint32_t)story->recipient_count++;
}

static void tell_attempts(struct story_delivery *d, int64_t id, const struct store_attempt_view *all, size_t count,
                          struct arena *arena)
{
    struct story_attempt *list = NULL;
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (all[i].delivery != id)
            continue;
        if (!list)
            list = arena_alloc(arena, (count - i) * sizeof(*list));
        list[n++] = (struct story_attempt){.number = (uint32_t)all[i].number,
                                           .at_ms = all[i].at,
                                           .elapsed_us = all[i].elapsed_us,
                                           .result = (uint32_t)all[i].outcome,
                                           .code = all[i].code,
                                           .detail = all[i].detail};
    }
    d->attempts = list;
    d->attempt_count = n;
}

static const struct config_instance *in_commit_channel(const struct config *config)
{
    for (size_t i = 0; i < config->channel_count; i++)
        if (config->channels[i].plugin->delivery->flags & BELFRY_DELIVERY_IN_COMMIT)
            return &config->channels[i];
    return NULL;
}

/* A row that is in the inbox was delivered there; where that was at once no delivery says so. */
static void tell_shown(struct story *story, const struct config_instance *inbox, struct story_delivery *list)
{
    size_t count = story->delivery_count;
    uint8_t *told = xcalloc(story->recipient_count + 1, 1);
    for (size_t i = 0; i < count; i++)
        if (list[i].recipient != ROUTE_NOBODY && list[i].outcome == OUTCOME_delivered &&
            str_eqz(list[i].channel, inbox->name))
            told[list[i].recipient] = 1;
    for (size_t i = 0; i < story->recipient_count; i++) {
        const struct story_notification *n = story->recipients[i].notification;
        if (n && n->visible_ms && !told[i])
            list[story->delivery_count++] = (struct story_delivery){.recipient = (uint32_t)i,
                                                                    .channel = str_of(inbox->name),
                                                                    .outcome = OUTCOME_delivered,
                                                                    .ended_ms = n->visible_ms};
    }
    free(told);
}

/* All that is read of an event besides its own row. */
struct rows {
    struct store_row_view *rows;
    struct store_delivery_view *deliveries;
    struct store_attempt_view *attempts;
    struct store_decision_view *decisions;
    size_t row_count, delivery_count, attempt_count, decision_count;
};

static void tell_rows(struct story *story, struct store *store, const struct config *config, const struct rows *r,
                      struct arena *arena)
{
    const struct config_instance *inbox = in_commit_channel(config);
    struct story_recipient *recipients =
        tell_recipients(story, store, r->rows, r->row_count, r->delivery_count + r->decision_count, arena);
    struct story_delivery *list =
        arena_alloc(arena, (r->row_count + r->delivery_count + r->decision_count + 1) * sizeof(*list));
    for (size_t i = 0; i < r->delivery_count; i++) {
        const struct store_delivery_view *row = &r->deliveries[i];
        list[i] = (struct story_delivery){.recipient = recipient_of(story, recipients, row->recipient),
                                          .id = uuid(store, arena, row->id),
                                          .rule = row->rule,
                                          .channel = row->channel,
                                          .target = row->target,
                                          .target_label = row->target_label,
                                          .outcome = row->state,
                                          .again = row->state == OUTCOME_unknown && row->open,
                                          .unless = row->unless,
                                          .due_ms = row->due,
                                          .ended_ms = row->ended,
                                          .reason = row->detail};
        tell_attempts(&list[i], row->id, r->attempts, r->attempt_count, arena);
    }
    for (size_t i = 0; i < r->decision_count; i++)
        list[r->delivery_count + i] =
            (struct story_delivery){.recipient = recipient_of(story, recipients, r->decisions[i].recipient),
                                    .rule = r->decisions[i].rule,
                                    .channel = r->decisions[i].channel,
                                    .outcome = r->decisions[i].outcome,
                                    .reason = r->decisions[i].reason};
    story->deliveries = list;
    story->delivery_count = r->delivery_count + r->decision_count;
    if (inbox)
        tell_shown(story, inbox, list);
}

struct story *hub_story_read(struct store_conn *conn, struct store *store, const struct config *config,
                             const struct store_event *event, struct belfry_str who, int64_t now_ms,
                             struct arena *arena)
{
    struct rows r;
    struct story *story = arena_alloc(arena, sizeof(*story));
    story->now_ms = now_ms;
    tell_event(story, conn, store, event, arena);
    tell_rules(story, event, arena);
    r.row_count = store_rows_of(conn, event->id, who, ROWS_MAX, arena, &r.rows);
    r.delivery_count = store_deliveries_of(conn, event->id, who, ROWS_MAX, arena, &r.deliveries);
    r.attempt_count = store_attempts_of(conn, event->id, who, ROWS_MAX, arena, &r.attempts);
    r.decision_count = store_decisions_of(conn, event->id, who, ROWS_MAX, arena, &r.decisions);
    tell_rows(story, store, config, &r, arena);
    story->truncated = r.row_count == ROWS_MAX || r.delivery_count == ROWS_MAX || r.decision_count == ROWS_MAX ||
                       r.attempt_count == ROWS_MAX;
    if (!who.len)
        store_job_progress(conn, STORE_JOB_TARGETS, event->id, &story->written, &story->to_write);
    return story;
}

/* --- the rules of now --------------------------------------------------------------------------------------------- */

static const struct story_rule *find_rule(const struct story_rule *rules, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rules[i].name, name) == 0)
            return &rules[i];
    return NULL;
}

/* Every rule as it stands now, with what it did then; then those that are gone. */
static void complete_rules(struct story *story, const struct story *now, struct arena *arena)
{
    size_t count = 0;
    struct story_rule *rules = arena_alloc(arena, (now->rule_count + story->rule_count + 1) * sizeof(*rules));
    for (size_t i = 0; i < now->rule_count; i++) {
        struct story_rule *rule = &rules[count++];
        int matched = find_rule(story->rules, story->rule_count, now->rules[i].name) != NULL;
        *rule = now->rules[i];
        if (matched != rule->matched)
            rule->why = matched ? "it matched then; as it stands now it would not"
                                : "it did not match then; as it stands now it would";
        rule->matched = matched;
    }
    for (size_t i = 0; i < story->rule_count; i++) {
        if (find_rule(now->rules, now->rule_count, story->rules[i].name))
            continue;
        rules[count] = story->rules[i];
        rules[count++].why = "it matched then; it is gone";
    }
    story->rules = rules;
    story->rule_count = count;
}

/* Whose roles do not see the category, now. */
static void complete_recipients(struct story *story, const struct story *now, struct arena *arena)
{
    struct story_recipient *list = arena_memdup(arena, story->recipients, (story->recipient_count + 1) * sizeof(*list));
    for (size_t i = 0; i < story->recipient_count; i++)
        for (size_t n = 0; n < now->recipient_count; n++)
            if (now->recipients[n].blind && str_eq(now->recipients[n].name, list[i].name))
                list[i].blind = 1;
    story->recipients = list;
}

/* Which rule showed a row at once, and why it may be hidden, stands nowhere but in the rules. */
static void name_rule(struct story_delivery *d, const struct story *story, const struct story *now)
{
    for (size_t i = 0; i < now->delivery_count; i++) {
        const struct story_delivery *by = &now->deliveries[i];
        if (by->recipient != ROUTE_NOBODY && by->outcome == OUTCOME_delivered && str_eq(by->channel, d->channel) &&
            str_eq(now->recipients[by->recipient].name, story->recipients[d->recipient].name) &&
            find_rule(story->rules, story->rule_count, by->rule.ptr)) {
            d->rule = by->rule;
            d->reason = by->reason;
            return;
        }
    }
}

/* A rule that matched and had no target leaves no row. */
static int is_without_target(const struct story *story, const struct story_delivery *d)
{
    if (d->outcome != OUTCOME_no_recipient || !str_eqz(d->reason, EXPLAIN_NO_TARGET))
        return 0;
    for (size_t i = 0; i < story->delivery_count; i++)
        if (story->deliveries[i].target.len && str_eq(story->deliveries[i].channel, d->channel))
            return 0; /* it had some then */
    return find_rule(story->rules, story->rule_count, d->rule.ptr) != NULL;
}

void hub_story_complete(struct story *story, const struct story *now, struct arena *arena)
{
    struct story_delivery *deliveries =
        arena_alloc(arena, (story->delivery_count + now->delivery_count + 1) * sizeof(*deliveries));
    for (size_t i = 0; i < story->delivery_count; i++)
        deliveries[i] = story->deliveries[i];
    for (size_t i = 0; i < story->delivery_count; i++)
        if (!deliveries[i].rule.len && deliveries[i].outcome == OUTCOME_delivered)
            name_rule(&deliveries[i], story, now);
    for (size_t i = 0; i < now->delivery_count; i++)
        if (is_without_target(story, &now->deliveries[i]))
            deliveries[story->delivery_count++] = now->deliveries[i];
    story->deliveries = deliveries;
    complete_recipients(story, now, arena);
    story->truncated |= now->truncated;
    complete_rules(story, now, arena);
    story->notes = now->notes;
    story->note_count = now->note_count;
}
