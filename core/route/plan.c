/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The evaluator. Rules in the order of the file, then for each of their deliveries the recipients, then visibility. It
 * reads the configuration and the directory and writes into an arena, so the same call serves the ledger and a dry run;
 * a trace watches and never steers.
 *
 * Recipients of the audience come first, so they are items [0, audience_count) of the plan.
 */
#include "route/route.h"

#include "base/str.h"
#include "route/index.h"
#include "route/people.h"

struct route {
    struct config *config;
    struct arena *arena;
    const struct route_index *index;
};

/* One way to tell people: what makes two planned deliveries of a recipient the same. */
struct lane {
    struct lane *next;
    const struct config_instance *channel;
    int64_t after_ms;
    uint32_t unless;
    int targets;         /* planned for the channel's targets */
    struct marks people; /* planned, or told why not */
};

/* Recipients for whom it was noted that a channel is closed to them. */
struct gate {
    struct gate *next;
    const struct config_instance *channel;
    struct marks people;
    int targets;
};

struct planner {
    const struct config *config;
    const struct route_event *event;
    const struct route_directory *directory;
    const struct route_trace *trace;
    const struct config_category *category; /* NULL: not known */
    size_t expand_max;
    int overflow;
    struct route_plan *plan;
    struct people people;
    size_t audience_count;
    struct lane *lanes;
    struct gate *gates;
    size_t rule_cap, delivery_cap, decision_cap;
    int nobody_noted;   /* an audience of nobody is one decision, not one for each rule */
    int outsiders_only; /* an outside address met a channel that has only rows for people */
};

struct route *route_new(struct config *config)
{
    struct arena *arena = arena_new(0);
    struct route *route = arena_alloc(arena, sizeof(*route));
    route->arena = arena;
    route->config = config_ref(config);
    route->index = route_index_new(arena, config);
    return route;
}

void route_free(struct route *route)
{
    if (!route)
        return;
    struct config *config = route->config;
    arena_free(route->arena);
    config_unref(config);
}

struct config *route_config(const struct route *route)
{
    return route->config;
}

/* --- what is written into the plan --- */

static void decide(struct planner *p, const struct config_rule *rule, const struct config_instance *channel,
                   uint32_t recipient, enum outcome outcome, const char *reason)
{
    struct route_plan *plan = p->plan;
    plan->decisions =
        route_grow(plan->arena, plan->decisions, plan->decision_count, &p->decision_cap, sizeof(*plan->decisions));
    plan->decisions[plan->decision_count++] = (struct route_decision){rule, channel, recipient, outcome, reason};
}

static void deliver_to(struct planner *p, const struct config_rule *rule, const struct config_deliver *deliver,
                       uint32_t recipient)
{
    struct route_plan *plan = p->plan;
    plan->deliveries =
        route_grow(plan->arena, plan->deliveries, plan->delivery_count, &p->delivery_cap, sizeof(*plan->deliveries));
    plan->deliveries[plan->delivery_count++] =
        (struct route_delivery){rule, deliver, recipient, deliver->after_ms, deliver->unless};
}

static void note(struct planner *p, const struct config_rule *rule, struct belfry_str name, int kept, const char *what)
{
    if (p->trace && p->trace->recipient)
        p->trace->recipient(p->trace->arg, rule, name, kept, what);
}

static void note_role(struct planner *p, const struct config_rule *rule, struct belfry_str role, const char *what)
{
    if (p->trace && p->trace->recipient)
        note(p, rule, str_of(arena_printf(p->plan->arena, "role:%.*s", STR_ARG(role))), 0, what);
}

/* --- rules --- */

struct step_arg {
    const struct route_trace *trace;
    const struct config_rule *rule;
    int exception;
};

static void pass_step(void *arg, const struct match_step *step)
{
    const struct step_arg *a = arg;
    a->trace->step(a->trace->arg, a->rule, a->exception, step);
}

static int holds(const struct planner *p, const struct config_rule *rule, int exception, const struct belfry_view *view)
{
    const struct belfry_condition *condition = exception ? rule->but : rule->when;
    struct step_arg arg = {p->trace, rule, exception};
    if (!condition)
        return !exception;
    if (p->trace && p->trace->step)
        return match_eval(condition, view, pass_step, &arg);
    return match_eval(condition, view, NULL, NULL);
}

/* Why the rule does not match, or NULL when it does. */
static const char *misses(const struct planner *p, const struct config_rule *rule, const struct belfry_view *view)
{
    if (rule->orgs.count > 0 && !config_names_has(&rule->orgs, p->event->org))
        return "it is for other orgs";
    if (!holds(p, rule, 0, view))
        return "`when` does not hold";
    if (holds(p, rule, 1, view))
        return "`unless` holds";
    return NULL;
}

static void add_rule(struct planner *p, const struct config_rule *rule)
{
    struct route_plan *plan = p->plan;
    plan->rules = route_grow(plan->arena, plan->rules, plan->rule_count, &p->rule_cap, sizeof(const void *));
    plan->rules[plan->rule_count++] = rule;
}

static void find_rules(struct planner *p, const struct route *route, const struct belfry_view *view)
{
    struct route_candidates walk;
    route_candidates(route->index, p->event, &walk);
    for (size_t i; (i = route_candidates_next(&walk)) != SIZE_MAX;) {
        const struct config_rule *rule = &p->config->rules[i];
        if (misses(p, rule, view))
            continue;
        add_rule(p, rule);
        if (rule->stop)
            return;
    }
}

/* The same, but every rule is looked at and reported. */
static void trace_rules(struct planner *p, const struct belfry_view *view)
{
    const struct config_rule *stopped = NULL;
    for (size_t i = 0; i < p->config->rule_count; i++) {
        const struct config_rule *rule = &p->config->rules[i];
        const char *why =
            stopped ? arena_printf(p->plan->arena, "rule %s stopped the search", stopped->name) : misses(p, rule, view);
        if (p->trace->rule)
            p->trace->rule(p->trace->arg, rule, !why, why);
        if (why)
            continue;
        add_rule(p, rule);
        if (rule->stop)
            stopped = rule;
    }
}

static void add_unmatched(struct planner *p)
{
    int none = p->plan->rule_count == 0;
    if (none)
        add_rule(p, &p->config->unmatched);
    if (p->trace && p->trace->rule)
        p->trace->rule(p->trace->arg, &p->config->unmatched, none, none ? NULL : "a rule matched");
}

/* --- recipients --- */

static int gated(const struct planner *p)
{
    return p->category && p->category->visible_to.count > 0;
}

/* An outside address has no roles, nor has a person who is not in the directory. */
static int can_see(struct planner *p, const struct route_recipient *recipient)
{
    struct belfry_person person = {.struct_size = sizeof(person)};
    if (recipient->email ||
        p->directory->person(p->directory->arg, p->plan->arena, p->event->org, recipient->name, &person) != BELFRY_OK)
        person.roles = (struct belfry_strs){0};
    return config_visible(p->category, &person.roles);
}

/* The recipient's index, or ROUTE_NOBODY for the actor. */
static uint32_t add_person(struct planner *p, const struct config_rule *rule, struct belfry_str name, int email,
                           struct belfry_str reason)
{
    if (!email && p->event->actor.len > 0 && str_eq(name, p->event->actor)) {
        note(p, rule, name, 0, "did it");
        return ROUTE_NOBODY;
    }
    int added;
    uint32_t i = route_people_add(&p->people, name, email, reason, rule ? ROUTE_VIA_RULE : ROUTE_VIA_AUDIENCE, &added);
    struct route_recipient *recipient = &p->people.items[i];
    if (added && gated(p))
        recipient->visible = (uint8_t)can_see(p, recipient);
    if (p->trace)
        note(p, rule, name, 1, added ? arena_str(p->plan->arena, reason).ptr : "named again");
    return i;
}

static const struct people_role *expand(struct planner *p, struct belfry_str role)
{
    return route_people_role(&p->people, p->directory, p->event->org, role, p->expand_max, &p->overflow);
}

static void add_audience(struct planner *p)
{
    for (size_t i = 0; i < p->event->audience_count; i++) {
        const struct belfry_recipient *r = &p->event->audience[i];
        if (r->kind != BELFRY_TO_ROLE) {
            struct belfry_str reason = r->reason.len > 0 ? r->reason : STR("audience");
            add_person(p, NULL, r->name, r->kind == BELFRY_TO_EMAIL, reason);
            continue;
        }
        const struct people_role *role = expand(p, r->name);
        struct belfry_str reason = {0};
        if (role->count > 0)
            reason = str_of(arena_printf(p->plan->arena, "role %.*s", STR_ARG(r->name)));
        else
            note_role(p, NULL, r->name, "has no members");
        for (size_t m = 0; m < role->count; m++)
            add_person(p, NULL, role->members[m], 0, reason);
    }
    p->audience_count = p->people.count;
}

/* --- deliveries --- */

static struct lane *lane_of(struct planner *p, const struct config_deliver *deliver)
{
    for (struct lane *lane = p->lanes; lane; lane = lane->next)
        if (lane->channel == deliver->channel && lane->after_ms == deliver->after_ms && lane->unless == deliver->unless)
            return lane;
    struct lane *lane = arena_alloc(p->plan->arena, sizeof(*lane));
    lane->next = p->lanes;
    lane->channel = deliver->channel;
    lane->after_ms = deliver->after_ms;
    lane->unless = deliver->unless;
    p->lanes = lane;
    return lane;
}

static struct gate *gate_of(struct planner *p, const struct config_instance *channel)
{
    for (struct gate *gate = p->gates; gate; gate = gate->next)
        if (gate->channel == channel)
            return gate;
    struct gate *gate = arena_alloc(p->plan->arena, sizeof(*gate));
    gate->next = p->gates;
    gate->channel = channel;
    p->gates = gate;
    return gate;
}

/* "category CALC_BLOCKED is for role sales-manager, admin only" */
static const char *role_reason(const struct planner *p)
{
    const struct config_names *roles = &p->category->visible_to;
    const char *text = arena_printf(p->plan->arena, "category %s is for role", p->category->name);
    for (size_t i = 0; i < roles->count; i++)
        text = arena_printf(p->plan->arena, "%s%s %s", text, i ? "," : "", roles->items[i]);
    return arena_printf(p->plan->arena, "%s only", text);
}

static void plan_targets(struct planner *p, const struct config_rule *rule, const struct config_deliver *deliver)
{
    if (gated(p) && !p->category->webhooks) {
        struct gate *gate = gate_of(p, deliver->channel);
        if (!gate->targets)
            decide(p, rule, deliver->channel, ROUTE_NOBODY, OUTCOME_suppressed_role,
                   arena_printf(p->plan->arena, "category %s is not for webhooks", p->category->name));
        gate->targets = 1;
        return;
    }
    struct lane *lane = lane_of(p, deliver);
    if (!lane->targets)
        deliver_to(p, rule, deliver, ROUTE_NOBODY);
    lane->targets = 1;
}

/* One recipient of one delivery of a rule. */
static void reach(struct planner *p, const struct config_rule *rule, const struct config_deliver *deliver,
                  struct lane *lane, uint32_t i)
{
    const struct route_recipient *recipient = &p->people.items[i];
    int rows_only = (deliver->channel->plugin->delivery->flags & BELFRY_DELIVERY_IN_COMMIT) != 0;
    if (recipient->email && rows_only) {
        p->outsiders_only = 1;
        return;
    }
    if (!route_marks_add(p->plan->arena, &lane->people, i))
        return;
    /* In the inbox the gate is asked at each reading, with the roles that the person has then. */
    if (rows_only || recipient->visible)
        deliver_to(p, rule, deliver, i);
    else if (route_marks_add(p->plan->arena, &gate_of(p, deliver->channel)->people, i))
        decide(p, rule, deliver->channel, i, OUTCOME_suppressed_role, role_reason(p));
}

static size_t reach_audience(struct planner *p, const struct config_rule *rule, const struct config_deliver *deliver,
                             struct lane *lane)
{
    for (size_t i = 0; i < p->audience_count; i++)
        reach(p, rule, deliver, lane, (uint32_t)i);
    return p->audience_count;
}

static size_t reach_one(struct planner *p, const struct config_rule *rule, const struct config_deliver *deliver,
                        struct lane *lane, struct belfry_str name, int email, struct belfry_str reason)
{
    uint32_t i = add_person(p, rule, name, email, reason);
    if (i == ROUTE_NOBODY)
        return 0;
    reach(p, rule, deliver, lane, i);
    return 1;
}

/* The delivery's `to`. Returns how many it named. */
static size_t reach_named(struct planner *p, const struct config_rule *rule, const struct config_deliver *deliver,
                          struct lane *lane)
{
    struct belfry_str reason = str_of(arena_printf(p->plan->arena, "rule %s", rule->name));
    size_t reached = 0;
    for (size_t t = 0; t < deliver->to_count; t++) {
        const struct config_recipient *to = &deliver->to[t];
        struct belfry_str name = str_of(to->name);
        if (to->kind == CONFIG_TO_AUDIENCE) {
            reached += reach_audience(p, rule, deliver, lane);
        } else if (to->kind == BELFRY_TO_ROLE) {
            const struct people_role *role = expand(p, name);
            if (role->count == 0)
                note_role(p, rule, name, "has no members");
            for (size_t m = 0; m < role->count; m++)
                reached += reach_one(p, rule, deliver, lane, role->members[m], 0, reason);
        } else {
            reached += reach_one(p, rule, deliver, lane, name, to->kind == BELFRY_TO_EMAIL, reason);
        }
    }
    return reached;
}

static void plan_people(struct planner *p, const struct config_rule *rule, const struct config_deliver *deliver)
{
    struct lane *lane = lane_of(p, deliver);
    if (deliver->to_count > 0) {
        if (reach_named(p, rule, deliver, lane) == 0)
            decide(p, rule, deliver->channel, ROUTE_NOBODY, OUTCOME_no_recipient,
                   "nobody is left of those whom `to` names");
    } else if (reach_audience(p, rule, deliver, lane) == 0 && !p->nobody_noted) {
        p->nobody_noted = 1;
        decide(p, NULL, NULL, ROUTE_NOBODY, OUTCOME_no_recipient,
               p->event->audience_count == 0 ? "the event concerns nobody" : "nobody is left of the event's audience");
    }
}

static void plan_rule(struct planner *p, const struct config_rule *rule)
{
    if (rule->deliver_count == 0)
        decide(p, rule, NULL, ROUTE_NOBODY, OUTCOME_dropped_by_rule,
               arena_printf(p->plan->arena, "rule %s delivers to nobody", rule->name));
    for (size_t i = 0; i < rule->deliver_count; i++) {
        const struct config_deliver *deliver = &rule->deliver[i];
        if (!config_serves(deliver->channel, p->event->org))
            decide(p, rule, deliver->channel, ROUTE_NOBODY, OUTCOME_channel_removed,
                   arena_printf(p->plan->arena, "channel %s is for other orgs", deliver->channel->name));
        else if (deliver->channel->plugin->delivery->flags & BELFRY_DELIVERY_PER_TARGET)
            plan_targets(p, rule, deliver);
        else
            plan_people(p, rule, deliver);
    }
}

void route_plan(const struct route *route, const struct route_event *event, const struct route_directory *directory,
                size_t expand_max, int *overflow, const struct route_trace *trace, struct arena *arena,
                struct route_plan *plan)
{
    *plan = (struct route_plan){.arena = arena};
    struct planner p = {.config = route->config,
                        .event = event,
                        .directory = directory,
                        .trace = trace,
                        .category = config_category(route->config, event->category),
                        .expand_max = expand_max,
                        .plan = plan,
                        .people = {.arena = arena}};
    const struct belfry_view *view = route_view(event, arena);
    if (trace)
        trace_rules(&p, view);
    else
        find_rules(&p, route, view);
    add_unmatched(&p);
    add_audience(&p);
    for (size_t i = 0; i < plan->rule_count; i++)
        plan_rule(&p, plan->rules[i]);
    plan->recipients = p.people.items;
    plan->recipient_count = p.people.count;
    if (plan->delivery_count == 0 && plan->decision_count == 0 && p.outsiders_only)
        decide(&p, NULL, NULL, ROUTE_NOBODY, OUTCOME_no_recipient, "outside addresses have no inbox, only mail");
    if (overflow)
        *overflow = p.overflow;
}
