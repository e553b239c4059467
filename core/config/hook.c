/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `hook` of a source: what trigger becomes of what is posted there. A list of mappings, of which the first that matches
 * counts, and what matches none is not for this source: most providers send more than anybody wants.
 */
#include "config/hook.h"
#include "config/build.h"
#include "template/template.h"

struct hook_options {
    const char *form, *each;
};

struct trigger_options {
    const struct belfry_condition *when;
    const struct belfry_template *type, *id, *subject, *time;
    struct belfry_map types;
};

static const struct belfry_option text_element[] = {ELEMENT(STRING, .min = 1, .max = 256), OPTION_END};

#define HOOK(opt_type, key, ...) OPTION(struct hook_options, opt_type, #key, key, __VA_ARGS__)
#define TRIGGER(opt_type, key, ...) OPTION(struct trigger_options, opt_type, #key, key, __VA_ARGS__)

static const struct belfry_option hook_table[] = {
    HOOK(STRING, form, .min = 1, .max = 64,
         .doc = "The field that holds the JSON where a form is posted: `payload`. Forms are not taken when absent."),
    HOOK(STRING, each, .min = 1, .max = 512,
         .doc = "Where the body has a list of which each item is a trigger: `body.events`."),
    OPTION_END,
};

static const struct belfry_option trigger_table[] = {
    TRIGGER(CONDITION, when, .choices = config_hook_paths,
            .doc = "What it is for; all when absent. Paths: body.* headers.* item.* index hash."),
    TRIGGER(TEMPLATE, type, .flags = BELFRY_OPT_REQUIRED,
            .doc = "The trigger's type, a template over the same paths: `{{headers.x-github-event}}`."),
    TRIGGER(MAP, types, .children = text_element,
            .doc = "What the type is called here; what is not among them is not for this source."),
    TRIGGER(TEMPLATE, id,
            .doc = "By what a repeated call is known. When absent what the scheme says, else the hash of the body."),
    TRIGGER(TEMPLATE, subject, .doc = "The trigger's subject; none when absent."),
    TRIGGER(TEMPLATE, time, .doc = "When it happened: RFC 3339, or seconds or milliseconds since 1970."),
    OPTION_END,
};

static size_t row_count(const struct belfry_option *table)
{
    size_t n = 0;
    while (table[n].struct_size)
        n++;
    return n;
}

const struct belfry_option *config_hook_options(struct arena *arena)
{
    static const struct belfry_option data[] = {
        ELEMENT(CONDITION, .name = "data",
                .doc = "The trigger's data: texts are templates, {value_of: PATH} is the value there. When absent the "
                       "item, or the body."),
        OPTION_END};
    size_t ours = row_count(hook_table), theirs = row_count(trigger_table);
    struct belfry_option *triggers = arena_alloc(arena, (theirs + 2) * sizeof(*triggers));
    struct belfry_option *hook = arena_alloc(arena, (ours + 2) * sizeof(*hook));
    struct belfry_option element[] = {ELEMENT(OBJECT, .children = triggers), OPTION_END};
    memcpy(triggers, trigger_table, theirs * sizeof(*triggers));
    memcpy(triggers + theirs, data, sizeof(data));
    memcpy(hook, hook_table, ours * sizeof(*hook));
    hook[ours] = (struct belfry_option)ELEMENT(
        LIST, .name = "triggers", .flags = BELFRY_OPT_REQUIRED,
        .children = arena_memdup(arena, element, sizeof(element)),
        .doc = "What becomes of what is posted: the first that matches makes the trigger.");
    return hook;
}

/* --- one trigger -------------------------------------------------------------------------------------------------- */

/* A template of the trigger: its paths are those of a hook. */
static void check_template(struct config_build *b, const struct yaml_node *map, const char *key,
                           const struct belfry_template *tpl, int with_item)
{
    size_t count = 0;
    const struct belfry_str *paths = tpl ? template_paths(tpl, &count) : NULL;
    for (size_t i = 0; i < count; i++)
        config_hook_path_fits(b, yaml_get(map, key), paths[i], with_item);
}

static void check_condition(struct config_build *b, const struct yaml_node *map, const struct belfry_condition *when,
                            int with_item)
{
    size_t count = 0;
    const struct belfry_str *paths = when ? match_paths(when, &count) : NULL;
    for (size_t i = 0; i < count; i++)
        config_hook_path_fits(b, yaml_get(map, "when"), paths[i], with_item);
}

static void build_trigger(struct config_build *b, const struct yaml_node *map, int with_item,
                          struct config_hook_trigger *out)
{
    static const char *const also[] = {"data"};
    const struct yaml_node *data = yaml_get(map, "data");
    if (map->kind != YAML_MAP) {
        config_error(b, "H210", map, "a trigger of a hook must be a map, not %s",
                     yaml_describe(diag_arena(b->diags), map));
        return;
    }
    const struct trigger_options *in = config_fill(b, trigger_table, map, sizeof(*in), also, 1);
    if (!config_is_nothing(data))
        out->data = config_build_hook_value(b, data, with_item);
    if (!in)
        return;
    check_condition(b, map, in->when, with_item);
    check_template(b, map, "type", in->type, with_item);
    check_template(b, map, "id", in->id, with_item);
    check_template(b, map, "subject", in->subject, with_item);
    check_template(b, map, "time", in->time, with_item);
    out->when = in->when;
    out->type = in->type;
    out->types = in->types;
    out->id = in->id;
    out->subject = in->subject;
    out->time = in->time;
}

/* --- the hook ----------------------------------------------------------------------------------------------------- */

static const struct yaml_node *trigger_list(struct config_build *b, const struct yaml_node *map)
{
    const struct yaml_node *list = yaml_get(map, "triggers");
    if (!list && !map->partial) {
        struct diag *d = config_error(b, "H202", map->key ? map->key : map, "`hook` has no `triggers`");
        diag_help(b->diags, d, "without `hook` what is posted has to be CloudEvents");
    } else if (list && (list->kind != YAML_LIST || list->count == 0)) {
        config_error(b, "H210", list, "`triggers` must be a list with at least one item, not %s",
                     list->kind == YAML_LIST ? "an empty one" : yaml_describe(diag_arena(b->diags), list));
    }
    return list && list->kind == YAML_LIST ? list : NULL;
}

void config_build_hook(struct config_build *b, const struct yaml_node *map, struct config_instance *out)
{
    static const char *const also[] = {"triggers"};
    const struct yaml_node *node = yaml_get(map, "hook");
    if (!node)
        return;
    if (!yaml_get(map, "verify") && !map->partial) {
        struct diag *d = config_error(b, "H212", node->key ? node->key : node, "`hook` needs `verify`");
        diag_help(b->diags, d,
                  "else anybody could post there; say whose signatures count: "
                  "`verify: {scheme: github, secret: \"${file:/run/secrets/github}\"}`");
    }
    if (node->kind != YAML_MAP) {
        config_error(b, "H210", node, "`hook` must be a map, not %s", yaml_describe(diag_arena(b->diags), node));
        return;
    }
    struct config_hook *hook = arena_alloc(b->arena, sizeof(*hook));
    const struct hook_options *in = config_fill(b, hook_table, node, sizeof(*in), also, 1);
    const struct yaml_node *list = trigger_list(b, node), *each = yaml_get(node, "each");
    hook->is_each = each != NULL;
    if (each)
        config_hook_path(b, each, 0, &hook->each);
    struct config_hook_trigger *triggers = arena_alloc(b->arena, (list ? list->count + 1 : 1) * sizeof(*triggers));
    for (size_t i = 0; list && i < list->count; i++)
        build_trigger(b, list->items[i], hook->is_each, &triggers[i]);
    hook->form = in ? in->form : NULL;
    hook->triggers = triggers;
    hook->trigger_count = list ? list->count : 0;
    out->hook = hook;
}
