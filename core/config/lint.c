/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules that are valid and probably not meant: one that an earlier `stop` hides, and two that match the same. Both are
 * warnings. The work is bounded, so that a file of thousands of rules stays quick to check.
 */
#include "config/build.h"

#include <stdlib.h>

#define COMPARISONS 200000

/* 1 when every org of b is one of a. */
static int covers_orgs(const struct config_names *a, const struct config_names *c)
{
    if (a->count == 0)
        return 1;
    for (size_t i = 0; i < c->count; i++) {
        if (!config_names_has(a, str_of(c->items[i])))
            return 0;
    }
    return c->count > 0;
}

static int is_judged(const struct config_rule *rule, const struct yaml_node *map)
{
    return rule->name && rule->name[0] && (rule->when || !yaml_get(map, "when"));
}

/* A rule without `when` matches everything. */
static int covers(struct config_build *b, const struct belfry_condition *first, const struct belfry_condition *later)
{
    if (!first)
        return 1;
    return match_covers(first, later ? later : match_compile(b->arena, b->diags, NULL, NULL, 0));
}

/* Quiet hours hold, they do not change what matches. */
static void check_hidden(struct config_build *b, const struct yaml_node *list, uint8_t *hidden)
{
    const struct config_rule *rules = b->config->rules;
    size_t left = COMPARISONS;
    for (size_t i = 0; i < list->count; i++) {
        if (!rules[i].stop || !is_judged(&rules[i], list->items[i]) || yaml_get(list->items[i], "unless"))
            continue;
        for (size_t k = i + 1; k < list->count && left > 0; k++, left--) {
            if (hidden[k] || !is_judged(&rules[k], list->items[k]) || !covers_orgs(&rules[i].orgs, &rules[k].orgs) ||
                !covers(b, rules[i].when, rules[k].when))
                continue;
            struct diag *d = config_warning(b, "H402", yaml_get(list->items[k], "name"),
                                            "rule `%s` can never match: rule `%s` before it matches all of it and has "
                                            "`stop: true`",
                                            rules[k].name, rules[i].name);
            diag_relate(b->diags, d, rules[i].span, "stops here");
            hidden[k] = 1;
        }
    }
}

/* What a rule matches, as text that is equal for equal conditions. malloc'ed. */
static char *match_text(const struct yaml_node *map)
{
    static const char *const parts[] = {"when", "unless", "orgs", "schedule"};
    json_t *all = json_object();
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        const struct yaml_node *node = yaml_get(map, parts[i]);
        if (node && node->count + (node->kind == YAML_SCALAR) > 0)
            json_object_set_new(all, parts[i], yaml_to_json(node));
    }
    char *text = json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(all);
    return text;
}

static void check_same(struct config_build *b, const struct yaml_node *list, const uint8_t *hidden)
{
    struct hash *seen = hash_new();
    for (size_t i = 0; i < list->count; i++) {
        if (hidden[i] || !is_judged(&b->config->rules[i], list->items[i]))
            continue;
        char *text = match_text(list->items[i]);
        const struct config_rule *first = text ? hash_get(seen, str_of(text)) : NULL;
        if (first) {
            struct diag *d =
                config_warning(b, "H403", yaml_get(list->items[i], "name"),
                               "rule `%s` matches the same events as rule `%s`", b->config->rules[i].name, first->name);
            diag_relate(b->diags, d, first->span, "the same `when` here");
            diag_help(b->diags, d, "one rule can have several deliveries");
        } else if (text) {
            hash_set(seen, str_of(text), (void *)(uintptr_t)&b->config->rules[i]);
        }
        free(text);
    }
    hash_free(seen, NULL);
}

void config_lint_rules(struct config_build *b)
{
    const struct yaml_node *list = yaml_get(b->root, "rules");
    if (!list || list->kind != YAML_LIST || list->count != b->config->rule_count)
        return;
    uint8_t *hidden = arena_alloc(b->arena, list->count + 1);
    check_hidden(b, list, hidden);
    check_same(b, list, hidden);
}
