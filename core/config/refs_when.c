/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names in the `when` of rules and endpoints: the values that org, source, category and type are compared with for
 * equality. Patterns are left alone; what they match is not known before it happens. Names of event types in the
 * `types` of endpoints and in the `templates` of channels.
 */
#include "config/build.h"
#include "event/hub_types.h"

static void check_category(struct config_build *b, const struct yaml_node *node)
{
    if (b->blind || node->unresolved || config_is_partial(b, SECTION_SOURCES) ||
        config_is_partial(b, SECTION_CATEGORIES) || config_category(b->config, node->text))
        return;
    struct diag *d = config_error(b, "H306", node, "there is no category `%s`", config_show(b, node->text));
    const char **names = arena_alloc(b->arena, (b->config->category_count + 1) * sizeof(*names));
    for (size_t i = 0; i < b->config->category_count; i++)
        names[i] = b->config->categories[i].name;
    diag_suggest(b->diags, d, config_nearest(b, node->text, names, b->config->category_count));
    if (!d->label)
        diag_help(b->diags, d, "categories here: %s", config_join(b, names, b->config->category_count));
}

static int type_is(struct belfry_str declared, struct belfry_str type)
{
    if (declared.len > 1 && declared.ptr[declared.len - 1] == '*')
        return str_has_prefix(type, str_slice(declared.ptr, declared.len - 1));
    return str_eq(declared, type);
}

static size_t add_types(const struct belfry_event_type *declared, const char **types, size_t count)
{
    for (; declared && declared->struct_size; declared++)
        types[count++] = declared->type;
    return count;
}

static size_t types_in(const struct belfry_event_type *declared)
{
    size_t count = 0;
    while (declared && declared[count].struct_size)
        count++;
    return count;
}

static const struct belfry_event_type *types_of_source(const struct config_build *b, size_t i)
{
    const struct plugin *plugin = b->config->sources[i].plugin;
    return plugin ? plugin->desc.events : NULL;
}

/* All declared types, the hub's own among them. In the arena of the build. */
static size_t types_of(struct config_build *b, const char *const **out)
{
    size_t count = 0, most = types_in(event_hub_types);
    for (size_t i = 0; i < b->config->source_count; i++)
        most += types_in(types_of_source(b, i));
    const char **types = arena_alloc(b->arena, (most + 1) * sizeof(*types));
    count = add_types(event_hub_types, types, count);
    for (size_t i = 0; i < b->config->source_count; i++)
        count = add_types(types_of_source(b, i), types, count);
    *out = types;
    return count;
}

static void check_type(struct config_build *b, const struct yaml_node *node)
{
    const char *const *types;
    if (b->blind || node->unresolved || config_is_partial(b, SECTION_SOURCES))
        return;
    size_t count = types_of(b, &types);
    for (size_t i = 0; i < count; i++) {
        if (type_is(str_of(types[i]), node->text))
            return;
    }
    struct diag *d =
        config_warning(b, "H308", node, "no source here makes events of type `%s`", config_show(b, node->text));
    if (memchr(node->text.ptr, '*', node->text.len)) {
        diag_help(b->diags, d, "a plain value is compared as it is; a pattern is `{glob: \"%s\"}`",
                  config_show(b, node->text));
        return;
    }
    diag_suggest(b->diags, d, config_nearest(b, node->text, types, count));
}

static void check_value(struct config_build *b, struct belfry_str path, const struct yaml_node *node)
{
    if (!config_is_text(node))
        return;
    if (str_eqz(path, "org"))
        config_ref_org(b, node);
    else if (str_eqz(path, "source") && !str_eqz(node->text, EVENT_HUB_SOURCE))
        config_ref_source(b, node);
    else if (str_eqz(path, "category"))
        check_category(b, node);
    else if (str_eqz(path, "type"))
        check_type(b, node);
}

/* scalar | [scalar | {op: arg}] | {op: arg}: those that are compared for equality. */
static void check_test(struct config_build *b, struct belfry_str path, const struct yaml_node *test, int depth)
{
    static const char *const equal[] = {"eq", "ne", "in", "not_in", "not"};
    if (test->kind == YAML_SCALAR)
        check_value(b, path, test);
    for (size_t i = 0; depth < 64 && test->kind == YAML_LIST && i < test->count; i++)
        check_test(b, path, test->items[i], depth + 1);
    for (size_t i = 0; depth < 64 && i < sizeof(equal) / sizeof(equal[0]); i++) {
        const struct yaml_node *arg = yaml_get(test, equal[i]);
        if (arg)
            check_test(b, path, arg, depth + 1);
    }
}

static void check_block(struct config_build *b, const struct yaml_node *block, int depth)
{
    for (size_t i = 0; depth < 64 && block->kind == YAML_LIST && i < block->count; i++)
        check_block(b, block->items[i], depth + 1);
    for (size_t i = 0; depth < 64 && block->kind == YAML_MAP && i < block->count; i++) {
        struct belfry_str key = block->pairs[i].key->text;
        const struct yaml_node *value = block->pairs[i].value;
        if (str_eqz(key, "any") || str_eqz(key, "all") || str_eqz(key, "not"))
            check_block(b, value, depth + 1);
        else
            check_test(b, key, value, depth + 1);
    }
}

void config_ref_condition(struct config_build *b, const struct yaml_node *block)
{
    if (block)
        check_block(b, block, 0);
}

/* --- types of endpoints ------------------------------------------------------------------------------------------- */

/* `invoice.*` where some type begins so, or is itself a prefix that it begins with. */
static int is_prefix(struct belfry_str key, const char *const *types, size_t count)
{
    struct belfry_str prefix = str_slice(key.ptr, key.len - 1);
    for (size_t i = 0; i < count; i++) {
        struct belfry_str type = str_of(types[i]);
        if (str_has_prefix(type, prefix) || type_is(type, prefix))
            return 1;
    }
    return 0;
}

void config_ref_types(struct config_build *b, const struct yaml_node *node)
{
    const char *const *types;
    if (node->text.ptr[node->text.len - 1] != '*') {
        check_type(b, node);
        return;
    }
    size_t count = types_of(b, &types);
    if (!b->blind && !config_is_partial(b, SECTION_SOURCES) && !is_prefix(node->text, types, count))
        config_warning(b, "H308", node, "no source here makes events of a type that `%s` stands for",
                       config_show(b, node->text));
}

/* --- templates of channels ---------------------------------------------------------------------------------------- */

static void check_template_key(struct config_build *b, const struct yaml_node *key)
{
    static const char *const own[] = {"default", "digest", "catch_up", "layout"};
    const char *const *types;
    struct belfry_str text = key->text;
    size_t count = types_of(b, &types);
    const char **names = arena_alloc(b->arena, (count + 4) * sizeof(*names));
    for (size_t i = 0; i < 4; i++) {
        if (str_eqz(text, own[i]))
            return;
        names[count + i] = own[i];
    }
    memcpy(names, types, count * sizeof(*names));
    if (text.len > 1 && text.ptr[text.len - 1] == '*' && is_prefix(text, types, count))
        return;
    for (size_t i = 0; i < count; i++)
        if (type_is(str_of(types[i]), text))
            return;
    struct diag *d = config_warning(b, "H308", key, "no source here makes events of type `%s`", config_show(b, text));
    diag_suggest(b->diags, d, config_nearest(b, text, names, count + 4));
}

/* An option of this name that is a map has event types as keys, as `after` and `unless` mean the same in every channel.
 */
static int has_templates(const struct plugin *plugin)
{
    for (const struct belfry_option *o = plugin ? plugin->desc.options : NULL; o && o->struct_size; o++)
        if (o->type == BELFRY_OPT_MAP && strcmp(o->name, "templates") == 0)
            return 1;
    return 0;
}

void config_ref_templates(struct config_build *b)
{
    const struct yaml_node *channels = yaml_get(b->root, "channels");
    for (size_t i = 0; channels && channels->kind == YAML_MAP && i < channels->count; i++) {
        const struct config_instance *channel = config_channel(b->config, channels->pairs[i].key->text);
        const struct yaml_node *map = channels->pairs[i].value;
        const struct yaml_node *templates = map->kind == YAML_MAP ? yaml_get(map, "templates") : NULL;
        if (!channel || !has_templates(channel->plugin) || b->blind || config_is_partial(b, SECTION_SOURCES))
            continue;
        for (size_t k = 0; templates && templates->kind == YAML_MAP && k < templates->count; k++)
            check_template_key(b, templates->pairs[k].key);
    }
}
