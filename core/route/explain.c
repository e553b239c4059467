/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a trace and a plan to a story. The trace comes in order: the steps of a rule's conditions, then the rule, and so
 * on, then recipients; steps that have come are the next rule's. What is kept is copied into the arena, for a trace's
 * strings last only for the call.
 */
#include "route/explain.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "route/people.h"

#include <stdlib.h>

struct explain {
    struct arena *arena;
    const struct config *config;
    struct route_trace trace;
    struct story_step *steps; /* of the rule that is being looked at */
    size_t step_count, step_cap;
    struct story_rule *rules;
    size_t rule_count, rule_cap;
    struct story_note *notes;
    size_t note_count, note_cap;
};

static const char *keep(struct explain *e, const char *text)
{
    return text ? arena_strdup(e->arena, text) : NULL;
}

static void on_step(void *arg, const struct config_rule *rule, int exception, const struct match_step *step)
{
    struct explain *e = arg;
    (void)rule;
    e->steps = route_grow(e->arena, e->steps, e->step_count, &e->step_cap, sizeof(*e->steps));
    e->steps[e->step_count++] =
        (struct story_step){step->depth,         step->result,          exception,          keep(e, step->path),
                            keep(e, step->test), keep(e, step->actual), keep(e, step->note)};
}

static void on_rule(void *arg, const struct config_rule *rule, int matched, const char *why)
{
    struct explain *e = arg;
    e->rules = route_grow(e->arena, e->rules, e->rule_count, &e->rule_cap, sizeof(*e->rules));
    e->rules[e->rule_count++] = (struct story_rule){.name = rule->name,
                                                    .file = config_file_shown(e->config, rule->span.file),
                                                    .line = rule->span.line,
                                                    .matched = matched,
                                                    .why = keep(e, why),
                                                    .steps = e->steps,
                                                    .step_count = e->step_count};
    e->steps = NULL;
    e->step_count = e->step_cap = 0;
}

static void add_note(struct explain *e, const char *rule, struct belfry_str name, const char *what)
{
    e->notes = route_grow(e->arena, e->notes, e->note_count, &e->note_cap, sizeof(*e->notes));
    e->notes[e->note_count++] = (struct story_note){rule, arena_str(e->arena, name), keep(e, what)};
}

static int noted(const struct explain *e, struct belfry_str name)
{
    for (size_t i = 0; i < e->note_count; i++)
        if (str_eq(e->notes[i].name, name))
            return 1;
    return 0;
}

/* Recipients are in the plan; here are kept those who are not, each once. */
static void on_recipient(void *arg, const struct config_rule *rule, struct belfry_str name, int kept, const char *what)
{
    struct explain *e = arg;
    if (!kept && !noted(e, name))
        add_note(e, rule ? rule->name : NULL, name, what);
}

struct explain *explain_new(struct arena *arena, const struct config *config)
{
    struct explain *e = arena_alloc(arena, sizeof(*e));
    e->arena = arena;
    e->config = config;
    e->trace = (struct route_trace){e, on_rule, on_step, on_recipient};
    return e;
}

const struct route_trace *explain_trace(const struct explain *explain)
{
    return &explain->trace;
}

/* --- the story --- */

static void tell_event(struct story *story, const struct route_event *event)
{
    story->org = event->org;
    story->source = event->source;
    story->type = event->type;
    story->category = event->category;
    story->subject = event->subject;
    story->actor = event->actor;
    story->severity = event->severity;
    story->time_ms = event->time_ms;
}

static const struct story_recipient *tell_recipients(struct arena *arena, const struct route_plan *plan)
{
    struct story_recipient *list = arena_alloc(arena, (plan->recipient_count + 1) * sizeof(*list));
    for (size_t i = 0; i < plan->recipient_count; i++) {
        const struct route_recipient *r = &plan->recipients[i];
        list[i] = (struct story_recipient){
            .name = r->name, .reason = r->reason, .email = r->email, .blind = (uint8_t)!r->visible};
    }
    return list;
}

/* Whom a planned delivery is for, and what they chose. */
struct asked {
    struct belfry_person person;
    struct preference own;
    int known, chose, choosable;
    const struct config_org *org;
    const struct config_category *category;
};

static void look_up(struct explain *e, const struct story *story, const struct route_delivery *d,
                    const struct route_recipient *recipient, const struct route_directory *directory,
                    struct asked *asked)
{
    int person = recipient && !recipient->email && directory;
    *asked = (struct asked){.person = {.struct_size = sizeof(asked->person)},
                            .org = config_org(e->config, story->org),
                            .category = config_category(e->config, story->category)};
    asked->choosable = (d->deliver->channel->plugin->delivery->flags & BELFRY_DELIVERY_PREFERENCE) != 0;
    asked->known =
        person && directory->person(directory->arg, e->arena, story->org, recipient->name, &asked->person) == BELFRY_OK;
    asked->chose =
        person && directory->preference &&
        directory->preference(directory->arg, e->arena, story->org, recipient->name, &asked->own) == BELFRY_OK;
}

static int ends(struct story_delivery *out, enum outcome outcome, const char *why)
{
    out->outcome = outcome;
    out->reason = str_of(why);
    return 1;
}

/* What quiet hours make of that time, and which. */
static struct route_quiet quiet_at(const struct explain *e, const struct story *story, const struct route_delivery *d,
                                   const struct asked *asked, int64_t at_ms)
{
    return route_quiet(e->config, d->rule, asked->org, asked->known ? &asked->person : NULL,
                       asked->chose ? &asked->own : NULL, story->severity, asked->category, at_ms);
}

/* 1: preferences decide. A digest is dated; one whose hour lies in the night leaves when that ends. */
static int by_preference(struct explain *e, const struct story *story, const struct route_delivery *d,
                         const struct asked *asked, struct story_delivery *out)
{
    const struct preference *own = asked->chose ? &asked->own : NULL;
    const struct config_instance *channel = d->deliver->channel;
    const struct belfry_delivery *delivery = channel->plugin->delivery;
    struct preference_verdict verdict;
    preference_judge(own, asked->category, story->category,
                     preference_zone(e->config, asked->org, own, asked->person.timezone), out->due_ms, e->arena,
                     &verdict);
    out->reason = str_of(verdict.why);
    if (!verdict.goes)
        return ends(out, OUTCOME_suppressed_preference, verdict.why);
    if (!asked->person.email.len)
        return ends(out, OUTCOME_no_address, asked->known ? ROUTE_NO_ADDRESS : ROUTE_NOBODY_OF_THAT_NAME);
    if (verdict.how != CONFIG_EMAIL_DIGEST || !route_gathers(delivery))
        return 0;
    out->due_ms = route_digest_next(e->config, asked->org, &asked->person, own, channel, out->due_ms);
    int64_t morning = quiet_at(e, story, d, asked, out->due_ms).until_ms;
    if (morning)
        out->due_ms = morning;
    return ends(out, OUTCOME_digested, verdict.why);
}

/* What the gates of people say of a planned delivery at the time it is due: what the person chose, whether they have an
 * address, then quiet hours. */
static void ask_person(struct explain *e, const struct story *story, const struct route_delivery *d,
                       const struct route_recipient *recipient, const struct route_directory *directory,
                       struct story_delivery *out)
{
    struct asked asked;
    look_up(e, story, d, recipient, directory, &asked);
    if (asked.choosable && recipient && !recipient->email && by_preference(e, story, d, &asked, out))
        return;
    if (!asked.choosable) /* their zone is theirs for a rule's schedule as well; their hours are of mail */
        asked.own.quiet_from_min = asked.own.quiet_to_min = PREFERENCE_NONE;
    struct route_quiet quiet = quiet_at(e, story, d, &asked, out->due_ms);
    if (!quiet.until_ms)
        return;
    out->outcome = OUTCOME_held_quiet_hours;
    out->due_ms = quiet.until_ms;
    out->reason = str_of(route_quiet_why(&quiet, d->rule, e->arena));
}

/* Whether mail goes to where it would go to; asked after what the person chose, and before their hours. */
static void ask_address(struct explain *e, const struct story *story, const struct route_delivery *d,
                        const struct route_recipient *recipient, const struct route_directory *directory,
                        struct story_delivery *out)
{
    struct belfry_person person = {.struct_size = sizeof(person)};
    const struct config_category *category = config_category(e->config, story->category);
    if (!recipient || !directory || !directory->suppressed || explain_state(out) == EXPLAIN_NOT ||
        !(d->deliver->channel->plugin->delivery->flags & BELFRY_DELIVERY_PREFERENCE))
        return;
    if (!recipient->email)
        directory->person(directory->arg, e->arena, story->org, recipient->name, &person);
    const char *why =
        directory->suppressed(directory->arg, e->arena, story->org, recipient->email ? recipient->name : person.email,
                              story->category, recipient->email && !(category && category->required));
    if (!why)
        return;
    out->outcome = OUTCOME_suppressed_address;
    out->due_ms = story->now_ms + d->after_ms;
    out->reason = str_of(why);
}

/* What would become of a planned delivery, as far as can be said now. */
static struct story_delivery tell_delivery(struct explain *e, const struct story *story, const struct route_plan *plan,
                                           const struct route_delivery *d, const struct route_directory *directory,
                                           int second)
{
    const struct config_instance *channel = d->deliver->channel;
    const struct route_recipient *recipient = d->recipient == ROUTE_NOBODY ? NULL : &plan->recipients[d->recipient];
    int in_commit = (channel->plugin->delivery->flags & BELFRY_DELIVERY_IN_COMMIT) != 0;
    struct story_delivery out = {.recipient = d->recipient,
                                 .rule = str_of(d->rule->name),
                                 .channel = str_of(channel->name),
                                 .outcome = in_commit && d->after_ms == 0 ? OUTCOME_delivered : OUTCOME_scheduled,
                                 .unless = d->unless,
                                 .due_ms = story->now_ms + d->after_ms};
    if (in_commit && recipient && !recipient->visible)
        out.reason = str_of(arena_printf(e->arena, "hidden while they lack a role that category %.*s is for",
                                         STR_ARG(story->category)));
    if (second) {
        out.outcome = OUTCOME_duplicate;
        out.reason = STR(ROUTE_SECOND);
    } else if (!in_commit) {
        ask_person(e, story, d, recipient, directory, &out);
        ask_address(e, story, d, recipient, directory, &out);
    }
    return out;
}

static struct story_delivery tell_decision(const struct route_decision *d)
{
    return (struct story_delivery){.recipient = d->recipient,
                                   .rule = str_of(d->rule ? d->rule->name : NULL),
                                   .channel = str_of(d->channel ? d->channel->name : NULL),
                                   .outcome = (int)d->outcome,
                                   .reason = str_of(d->reason)};
}

struct story *explain_story(struct explain *e, const struct route_event *event, const struct route_plan *plan,
                            const struct route_directory *directory, int64_t now_ms)
{
    struct story *story = arena_alloc(e->arena, sizeof(*story));
    struct story_delivery *deliveries =
        arena_alloc(e->arena, (plan->delivery_count + plan->decision_count + 1) * sizeof(*deliveries));
    story->dry_run = 1;
    story->now_ms = now_ms;
    story->generation = e->config->generation;
    tell_event(story, event);
    story->rules = e->rules;
    story->rule_count = e->rule_count;
    story->recipients = tell_recipients(e->arena, plan);
    story->recipient_count = plan->recipient_count;
    struct route_chains chains;
    route_chains(plan, e->arena, &chains);
    for (size_t i = 0; i < plan->delivery_count; i++)
        deliveries[story->delivery_count++] = tell_delivery(e, story, plan, &plan->deliveries[i], directory,
                                                            route_comes_second(plan, &chains, (uint32_t)i));
    for (size_t i = 0; i < plan->decision_count; i++)
        deliveries[story->delivery_count++] = tell_decision(&plan->decisions[i]);
    story->deliveries = deliveries;
    story->notes = e->notes;
    story->note_count = e->note_count;
    *e = (struct explain){.arena = e->arena, .config = e->config, .trace = e->trace};
    return story;
}

/* --- targets --- */

struct target_list {
    struct arena *arena;
    const char *channel;
    const struct hash *disabled;
    struct planned_target {
        struct belfry_str name, label;
        int disabled;
    } * items;
    size_t count, cap;
    struct story_note *notes;
    size_t note_count, note_cap;
};

static void on_target(void *arg, const struct route_target *target, const char *why_not)
{
    struct target_list *list = arg;
    struct belfry_str name = arena_str(list->arena, target->name), label = arena_str(list->arena, target->label);
    if (!why_not) {
        struct belfry_str id = str_slice((const char *)&target->id, sizeof(target->id));
        list->items = route_grow(list->arena, list->items, list->count, &list->cap, sizeof(*list->items));
        list->items[list->count++] =
            (struct planned_target){name, label, list->disabled && hash_get(list->disabled, id)};
        return;
    }
    const char *what = arena_printf(list->arena, "target of %s: %s", list->channel, why_not);
    list->notes = route_grow(list->arena, list->notes, list->note_count, &list->note_cap, sizeof(*list->notes));
    list->notes[list->note_count++] = (struct story_note){NULL, label.len ? label : name, what};
}

static struct story_delivery to_target(const struct story_delivery *d, const struct planned_target *target)
{
    struct story_delivery out = *d;
    out.target = target->name;
    out.target_label = target->label;
    if (target->disabled) {
        out.outcome = OUTCOME_held_disabled;
        out.reason = STR("the target is disabled");
    }
    return out;
}

static struct story_delivery to_none(const struct story_delivery *d)
{
    return (struct story_delivery){.recipient = ROUTE_NOBODY,
                                   .rule = d->rule,
                                   .channel = d->channel,
                                   .outcome = OUTCOME_no_recipient,
                                   .reason = STR(EXPLAIN_NO_TARGET)};
}

static int is_of_targets(const struct story_delivery *d, const struct config_instance *channel)
{
    return d->recipient == ROUTE_NOBODY && d->target.len == 0 && str_eqz(d->channel, channel->name) &&
           (explain_state(d) != EXPLAIN_NOT || d->outcome == OUTCOME_duplicate);
}

void explain_targets(struct explain *e, struct story *story, const struct config_instance *channel,
                     const struct route_targets *const *indexes, size_t index_count, const struct hash *disabled,
                     const struct route_event *event)
{
    struct target_list list = {.arena = e->arena, .channel = channel->name, .disabled = disabled};
    struct story_delivery *out = NULL;
    size_t count = 0, cap = 0, planned = 0;
    for (size_t i = 0; i < story->delivery_count; i++)
        planned += (size_t)is_of_targets(&story->deliveries[i], channel);
    if (planned == 0)
        return;
    for (size_t i = 0; i < index_count; i++)
        route_targets_match(indexes[i], event, e->arena, 1, on_target, &list);
    for (size_t i = 0; i < story->delivery_count; i++) {
        const struct story_delivery *d = &story->deliveries[i];
        int theirs = is_of_targets(d, channel), each = theirs && d->outcome != OUTCOME_duplicate;
        size_t times = each && list.count > 0 ? list.count : each || !theirs || list.count > 0;
        for (size_t t = 0; t < times; t++) {
            out = route_grow(e->arena, out, count, &cap, sizeof(*out));
            out[count++] = !each ? *d : list.count > 0 ? to_target(d, &list.items[t]) : to_none(d);
        }
    }
    story->deliveries = out;
    story->delivery_count = count;
    struct story_note *notes = arena_alloc(e->arena, (story->note_count + list.note_count + 1) * sizeof(*notes));
    for (size_t i = 0; i < story->note_count + list.note_count; i++)
        notes[i] = i < story->note_count ? story->notes[i] : list.notes[i - story->note_count];
    story->notes = notes;
    story->note_count += list.note_count;
}

/* --- shared by both ways of showing --- */

int explain_shows_recipient(const struct explain_filter *filter, const struct story_recipient *recipient)
{
    return !filter || filter->who.len == 0 || str_eq(filter->who, recipient->name);
}

int explain_shows_rule(const struct explain_filter *filter, const char *name)
{
    return !filter || filter->rule.len == 0 || str_eqz(filter->rule, name);
}

/* What a rule did with all whom it might have told. */
static int concerns_everybody(const struct story_delivery *d)
{
    return d->outcome == OUTCOME_dropped_by_rule || d->outcome == OUTCOME_no_recipient;
}

int explain_shows_delivery(const struct explain_filter *filter, const struct story *story,
                           const struct story_delivery *delivery)
{
    if (!filter)
        return 1;
    if (filter->who.len > 0 &&
        (delivery->recipient == ROUTE_NOBODY ? !concerns_everybody(delivery)
                                             : !str_eq(filter->who, story->recipients[delivery->recipient].name)))
        return 0;
    if (filter->channel.len > 0 && delivery->channel.len > 0 && !str_eq(filter->channel, delivery->channel))
        return 0;
    return filter->rule.len == 0 || str_eq(filter->rule, delivery->rule);
}

enum explain_state explain_state(const struct story_delivery *delivery)
{
    switch (delivery->outcome) {
    case OUTCOME_delivered:
        return EXPLAIN_DONE;
    case OUTCOME_scheduled:
    case OUTCOME_held_quiet_hours:
    case OUTCOME_held_disabled:
    case OUTCOME_digested:
    case OUTCOME_sending:
    case OUTCOME_retrying:
        return EXPLAIN_WAITS;
    case OUTCOME_unknown:
        return delivery->again ? EXPLAIN_WAITS : EXPLAIN_NOT;
    default:
        return EXPLAIN_NOT;
    }
}

struct explain_index explain_index(const struct story *story)
{
    size_t heads = story->recipient_count + 1;
    struct explain_index index = {.heads = xmalloc((heads + story->delivery_count) * sizeof(size_t))};
    index.next = index.heads + heads;
    for (size_t i = 0; i < heads; i++)
        index.heads[i] = SIZE_MAX;
    for (size_t d = story->delivery_count; d-- > 0;) {
        uint32_t recipient = story->deliveries[d].recipient;
        size_t at = recipient == ROUTE_NOBODY ? story->recipient_count : recipient;
        index.next[d] = index.heads[at];
        index.heads[at] = d;
    }
    return index;
}
