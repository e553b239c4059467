/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From rows to a story. What happened at once is a column (the inbox row); what did not is a row of delivery or
 * decision. A story shows at most ROWS_MAX rows of each kind, and says when there are more: an event for 100,000 people
 * is told by its first ones, or about one of them.
 */
#include "hub/story.h"

#include "base/mem.h"
#include "store/people.h"
#include "store/story.h"

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

/* One row more than is shown was asked for. */
static size_t at_most(struct story *story, size_t count)
{
    if (count <= ROWS_MAX)
        return count;
    story->truncated = 1;
    return ROWS_MAX;
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

/* Whose roles in the directory do not see the category. A JWT that names others wins, but only while it is used. */
static int is_blind(struct store_conn *conn, const struct config *config, const struct store_event *e,
                    struct belfry_str username, struct arena *arena)
{
    const struct config_category *category = config_category(config, store_name_text(conn, e->category));
    const struct config_user *user = config_user(config, store_name_text(conn, e->org), username);
    struct store_directory_entry entry = {0};
    if (!category || !category->visible_to.count)
        return 0;
    if (!user)
        store_directory_get(conn, e->org, username, arena, &entry);
    size_t count = user ? user->roles.count : entry.role_count;
    struct belfry_str *roles = arena_alloc(arena, (count + 1) * sizeof(*roles));
    for (size_t i = 0; i < count; i++)
        roles[i] = user ? str_of(user->roles.items[i]) : entry.roles[i];
    struct belfry_strs all = {roles, count};
    return !config_visible(category, &all);
}

static void tell_recipients(struct story *story, struct store_conn *conn, struct store *store,
                            const struct config *config, const struct store_event *e, int64_t person,
                            struct arena *arena)
{
    struct store_row_view *rows;
    size_t count = at_most(story, store_rows_of(conn, e->id, person, ROWS_MAX + 1, arena, &rows));
    struct story_recipient *list = arena_alloc(arena, (count + 1) * sizeof(*list));
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
                                         .replaced_by = uuid(store, arena, r->replaced_by)};
        list[i] = (struct story_recipient){.name = r->username,
                                           .reason = r->reason,
                                           .blind = (uint8_t)is_blind(conn, config, e, r->username, arena),
                                           .notification = n};
    }
    story->recipients = list;
    story->recipient_count = count;
}

/* Deliveries to outside addresses have a recipient without a row: found by name, else nobody's. */
static uint32_t recipient_of(const struct story *story, struct belfry_str name)
{
    for (size_t i = 0; name.len && i < story->recipient_count; i++)
        if (str_eq(story->recipients[i].name, name))
            return (uint32_t)i;
    return ROUTE_NOBODY;
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

/* The channel whose deliveries are the rows themselves; empty when the org has none any more. */
static struct belfry_str inbox_channel(const struct config *config, struct belfry_str org)
{
    for (size_t i = 0; i < config->channel_count; i++) {
        const struct config_instance *channel = &config->channels[i];
        if ((channel->plugin->delivery->flags & BELFRY_DELIVERY_IN_COMMIT) && config_serves(channel, org))
            return str_of(channel->name);
    }
    return (struct belfry_str){NULL, 0};
}

static int has_arrived(const struct story_delivery *list, size_t count, uint32_t recipient, struct belfry_str channel)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].recipient == recipient && list[i].outcome == OUTCOME_delivered && str_eq(list[i].channel, channel))
            return 1;
    return 0;
}

/* What was in the inbox with the commit has no row of its own beside the notification. */
static size_t tell_shown(const struct story *story, const struct config *config, struct story_delivery *list,
                         size_t count)
{
    struct belfry_str channel = inbox_channel(config, story->org);
    size_t before = count;
    for (size_t i = 0; channel.len && i < story->recipient_count; i++) {
        const struct story_recipient *r = &story->recipients[i];
        if (r->notification->visible_ms && !has_arrived(list, before, (uint32_t)i, channel))
            list[count++] = (struct story_delivery){.recipient = (uint32_t)i,
                                                    .channel = channel,
                                                    .outcome = OUTCOME_delivered,
                                                    .due_ms = r->notification->visible_ms,
                                                    .ended_ms = r->notification->visible_ms};
    }
    return count;
}

static void tell_deliveries(struct story *story, struct store_conn *conn, struct store *store,
                            const struct config *config, int64_t event, int64_t person, struct belfry_str who,
                            struct arena *arena)
{
    struct store_delivery_view *rows;
    struct store_attempt_view *attempts;
    struct store_decision_view *decisions;
    size_t count = at_most(story, store_deliveries_of(conn, event, person, ROWS_MAX + 1, arena, &rows));
    size_t attempt_count = at_most(story, store_attempts_of(conn, event, person, ROWS_MAX + 1, arena, &attempts));
    size_t decision_count = at_most(story, store_decisions_of(conn, event, who, ROWS_MAX + 1, arena, &decisions));
    struct story_delivery *list =
        arena_alloc(arena, (count + decision_count + story->recipient_count + 1) * sizeof(*list));
    for (size_t i = 0; i < count; i++) {
        list[i] = (struct story_delivery){.recipient = recipient_of(story, rows[i].recipient),
                                          .id = uuid(store, arena, rows[i].id),
                                          .rule = rows[i].rule,
                                          .channel = rows[i].channel,
                                          .target = rows[i].target,
                                          .outcome = rows[i].state,
                                          .unless = rows[i].unless,
                                          .due_ms = rows[i].due,
                                          .ended_ms = rows[i].ended,
                                          .reason = rows[i].detail};
        tell_attempts(&list[i], rows[i].id, attempts, attempt_count, arena);
    }
    for (size_t i = 0; i < decision_count; i++)
        list[count + i] = (struct story_delivery){.recipient = recipient_of(story, decisions[i].recipient),
                                                  .rule = decisions[i].rule,
                                                  .channel = decisions[i].channel,
                                                  .outcome = decisions[i].outcome,
                                                  .reason = decisions[i].reason};
    story->deliveries = list;
    story->delivery_count = tell_shown(story, config, list, count + decision_count);
}

struct story *hub_story_read(struct store_conn *conn, struct store *store, const struct config *config, int64_t event,
                             struct belfry_str org, struct belfry_str who, int64_t now_ms, struct arena *arena)
{
    struct store_event e;
    if (!store_event_get(conn, event, arena, &e) || !str_eq(store_name_text(conn, e.org), org))
        return NULL;
    struct story *story = arena_alloc(arena, sizeof(*story));
    story->now_ms = now_ms;
    tell_event(story, conn, store, &e, arena);
    tell_rules(story, &e, arena);
    int64_t rev, person = who.len ? store_person_find(conn, e.org, who, &rev) : 0;
    if (who.len && !person)
        return story; /* nobody here has that name */
    tell_recipients(story, conn, store, config, &e, person, arena);
    tell_deliveries(story, conn, store, config, event, person, who, arena);
    return story;
}
