/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `rules` and `unmatched`: which events go to which channels. Conditions are compiled here, with the paths that a rule
 * may read; names in them are checked against the sections that define them.
 */
#include "config/build.h"

struct rule_options {
    const char *name, *schedule;
    struct belfry_list orgs;
    uint8_t stop;
};

#define RULE(opt_type, key, ...) OPTION(struct rule_options, opt_type, #key, key, __VA_ARGS__)

const struct belfry_option config_rule_table[] = {
    RULE(STRING, name, .flags = BELFRY_OPT_REQUIRED, .doc = "How logs and `explain` call the rule."),
    RULE(LIST, orgs, .flags = BELFRY_OPT_SCALAR_LIST, .children = config_strings,
         .doc = "Orgs that it is for; all when absent."),
    RULE(BOOL, stop, .def = "false", .doc = "Later rules are not asked when this one matches."),
    RULE(STRING, schedule, .doc = "Quiet hours in which its deliveries wait: a name of `schedules`."),
    OPTION_END,
};

const char *const config_event_paths[] = {"org",     "source", "type", "category", "severity",
                                          "subject", "actor",  "time", "data.*",   NULL};

/* What others call our keys. */
static const char *const foreign[][2] = {
    {"match", "what a rule matches is under `when`"},
    {"matchers", "what a rule matches is under `when`"},
    {"conditions", "what a rule matches is under `when`"},
    {"if", "what a rule matches is under `when`"},
    {"notify", "where a rule sends is under `deliver`"},
    {"receiver", "where a rule sends is under `deliver`, a list of channels"},
    {"receivers", "where a rule sends is under `deliver`, a list of channels"},
    {"channels", "where a rule sends is under `deliver`, a list of channels"},
    {"channel", "where a rule sends is under `deliver`, a list of channels"},
    {"continue", "not needed: every rule that matches fires, unless one has `stop: true`"},
    {"to", "recipients belong to one delivery: `deliver: [{via: CHANNEL, to: [...]}]`"},
    {"via", "a channel belongs to one delivery: `deliver: [{via: CHANNEL}]`"},
    {"after", "a delay belongs to one delivery: `deliver: [{via: CHANNEL, after: 5m}]`"},
    {"title", "texts belong to the source's own rules, under `notify`"},
    {"template", "texts belong to the source's own rules, under `notify`"},
    {NULL, NULL},
};

static const struct belfry_condition *build_condition(struct config_build *b, const struct yaml_node *node)
{
    if (!node)
        return NULL;
    config_ref_condition(b, node);
    return match_compile(b->arena, b->diags, node, config_event_paths, MATCH_SEVERITY);
}

/* An unknown key was reported already and is probably the delivery. */
static int has_unknown_key(const struct yaml_node *map)
{
    static const char *const known[] = {"name", "orgs", "stop", "schedule", "when", "unless", "deliver"};
    for (size_t i = 0; i < map->count; i++) {
        int found = 0;
        for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
            found |= str_eqz(map->pairs[i].key->text, known[k]);
        if (!found)
            return 1;
    }
    return 0;
}

static void require_deliver(struct config_build *b, const struct yaml_node *map, const struct yaml_node *at,
                            const char *what)
{
    if (yaml_get(map, "deliver") || map->partial || has_unknown_key(map))
        return;
    struct diag *d = config_error(b, "H202", at, "%s has no `deliver`", what);
    diag_help(b->diags, d, "name the channels, or write `deliver: []` for nobody");
}

static void build_rule(struct config_build *b, const struct yaml_node *map, struct config_rule *rule)
{
    const char *also[24] = {"when", "unless", "deliver"};
    rule->span = map->span;
    if (map->kind != YAML_MAP) {
        config_error(b, "H210", map, "a rule must be a map, not %s", yaml_describe(diag_arena(b->diags), map));
        return;
    }
    const struct yaml_node *name = yaml_get(map, "name"), *schedule = yaml_get(map, "schedule");
    size_t known = 3 + config_foreign_keys(b, map, foreign, also + 3, 20);
    const struct rule_options *in = config_fill(b, config_rule_table, map, sizeof(*in), also, known);
    if (config_is_text(name)) {
        rule->span = name->span;
        config_check_name(b, name, "rule");
    }
    if (config_is_text(schedule))
        config_ref_schedule(b, schedule);
    rule->name = in ? in->name : "";
    rule->stop = in ? in->stop : 0;
    rule->schedule = in ? in->schedule : NULL;
    config_build_org_list(b, map, &rule->orgs);
    rule->when = build_condition(b, yaml_get(map, "when"));
    rule->but = build_condition(b, yaml_get(map, "unless"));
    require_deliver(b, map, name ? name : map, "this rule");
    config_build_deliver(b, map, rule);
}

/* --- names ------------------------------------------------------------------------------------------------------- */

static void check_names(struct config_build *b, const struct yaml_node *list)
{
    struct hash *seen = hash_new();
    for (size_t i = 0; i < list->count; i++) {
        const struct yaml_node *name = yaml_get(list->items[i], "name");
        if (!config_is_text(name))
            continue;
        const struct yaml_node *first = hash_get(seen, name->text);
        if (!first) {
            hash_set(seen, name->text, (void *)(uintptr_t)name);
            continue;
        }
        struct diag *d = config_error(b, "H215", name, "there are two rules `%s`", config_show(b, name->text));
        diag_relate(b->diags, d, first->span, "first here");
    }
    hash_free(seen, NULL);
}

static const struct yaml_node *rule_list(struct config_build *b)
{
    const struct yaml_node *list = yaml_get(b->root, "rules");
    if (!list || list->kind == YAML_LIST || (list->kind == YAML_SCALAR && list->scalar == YAML_NULL))
        return list && list->kind == YAML_LIST ? list : NULL;
    struct diag *d =
        config_error(b, "H210", list, "`rules` must be a list, not %s", yaml_describe(diag_arena(b->diags), list));
    if (list->kind == YAML_MAP)
        diag_help(b->diags, d, "start each rule with `- name: NAME`");
    return NULL;
}

/* --- unmatched --------------------------------------------------------------------------------------------------- */

static void build_unmatched(struct config_build *b)
{
    static const struct belfry_option none[] = {OPTION_END};
    static const char *const also[] = {"deliver"};
    const struct yaml_pair *pair = yaml_pair(b->root, "unmatched");
    struct config_rule *rule = &b->config->unmatched;
    rule->name = "unmatched";
    rule->index = (uint32_t)b->config->rule_count;
    if (!pair) {
        if (b->root->partial)
            return;
        struct diag *d = config_file_error(b, "H410", "the key `unmatched` is missing");
        diag_help(b->diags, d, "say what happens to an event that no rule matches: `unmatched: {deliver: [inbox]}`");
        return;
    }
    rule->span = pair->key->span;
    const struct yaml_node *map = pair->value;
    if (map->kind != YAML_MAP) {
        struct diag *d = config_error(b, "H210", map->span.end > map->span.begin ? map : pair->key,
                                      "`unmatched` must be a map, not %s", yaml_describe(diag_arena(b->diags), map));
        diag_help(b->diags, d, "write `unmatched: {deliver: [inbox]}`");
        return;
    }
    config_fill(b, none, map, 0, also, 1);
    require_deliver(b, map, pair->key, "`unmatched`");
    config_build_deliver(b, map, rule);
}

void config_build_rules(struct config_build *b)
{
    const struct yaml_node *list = rule_list(b);
    size_t count = list ? list->count : 0;
    struct config_rule *rules = arena_alloc(b->arena, (count + 1) * sizeof(*rules));
    for (size_t i = 0; i < count; i++) {
        rules[i].index = (uint32_t)i;
        build_rule(b, list->items[i], &rules[i]);
    }
    if (list)
        check_names(b, list);
    b->config->rules = rules;
    b->config->rule_count = count;
    build_unmatched(b);
    config_lint_rules(b);
}
