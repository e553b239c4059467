/* SPDX-License-Identifier: Apache-2.0 */
/*
 * References: names in one place that must exist in another. A name is not judged when the section that would hold it
 * could not be read whole, so that one fault is reported once.
 *
 * Roles and users come from the API and from tokens too, so a name that YAML does not know is nothing special; only one
 * that is a letter off from a known one is worth a word.
 */
#include "config/build.h"

#include "base/mem.h"

#include <stdlib.h>

/* --- sets of names ------------------------------------------------------------------------------------------------ */

static int by_text(const void *a, const void *c)
{
    return strcmp(*(const char *const *)a, *(const char *const *)c);
}

void config_build_names(struct config_build *b, const struct belfry_list *list, struct config_names *out)
{
    const char **items = arena_alloc(b->arena, (list->count + 1) * sizeof(*items));
    size_t count = 0;
    if (list->count)
        memcpy(items, list->items, list->count * sizeof(*items));
    qsort(items, list->count, sizeof(*items), by_text);
    for (size_t i = 0; i < list->count; i++) {
        if (count == 0 || strcmp(items[count - 1], items[i]) != 0)
            items[count++] = items[i];
    }
    *out = (struct config_names){items, count};
}

void config_build_org_list(struct config_build *b, const struct yaml_node *map, struct config_names *out)
{
    const struct yaml_node *node = yaml_get(map, "orgs"), *const * items;
    size_t count = config_items(&node, &items), kept = 0;
    const char **names = arena_alloc(b->arena, (count + 1) * sizeof(*names));
    for (size_t i = 0; i < count; i++) {
        if (config_is_text(items[i]) && config_ref_org(b, items[i]))
            names[kept++] = arena_strndup(b->arena, items[i]->text.ptr, items[i]->text.len);
    }
    if (node && node->kind == YAML_LIST && count == 0) {
        struct diag *d = config_error(b, "H204", node, "`orgs` is empty, so no org would be served");
        diag_help(b->diags, d, "leave `orgs` away to serve all");
    }
    struct belfry_list list = {names, (uint32_t)kept, sizeof(*names)};
    config_build_names(b, &list, out);
}

/* --- one name ------------------------------------------------------------------------------------------------------
 */

/* The keys of a section, as candidates. In the arena of the build. */
static size_t keys_of(struct config_build *b, const struct yaml_node *map, const char *const **out)
{
    size_t count = map && map->kind == YAML_MAP ? map->count : 0;
    const char **keys = arena_alloc(b->arena, (count + 1) * sizeof(*keys));
    for (size_t i = 0; i < count; i++)
        keys[i] = arena_strndup(b->arena, map->pairs[i].key->text.ptr, map->pairs[i].key->text.len);
    *out = keys;
    return count;
}

/* Key node of a section, or NULL. The index is made at the first question. */
static const struct yaml_node *key_of(struct config_build *b, enum config_section section, struct belfry_str name)
{
    const struct yaml_node *map = yaml_get(b->root, config_sections[section]);
    if (!map || map->kind != YAML_MAP)
        return NULL;
    if (!b->keys[section]) {
        b->keys[section] = hash_new();
        for (size_t i = 0; i < map->count; i++)
            hash_set(b->keys[section], map->pairs[i].key->text, (void *)(uintptr_t)map->pairs[i].key);
    }
    return hash_get(b->keys[section], name);
}

const char *config_nearest(struct config_build *b, struct belfry_str word, const char *const *candidates, size_t count)
{
    if (count > b->nearest_left)
        return NULL;
    b->nearest_left -= count;
    return str_nearest(word, candidates, count);
}

static int refer(struct config_build *b, const struct yaml_node *node, enum config_section section, int blind,
                 const char *code, const char *what)
{
    const struct yaml_node *map = yaml_get(b->root, config_sections[section]);
    if (node->unresolved || key_of(b, section, node->text))
        return 1;
    if (blind || (map && map->kind != YAML_MAP))
        return 1;
    struct diag *d = config_error(b, code, node, "there is no %s `%s`", what, config_show(b, node->text));
    const char *const *keys;
    size_t count = keys_of(b, map, &keys);
    const char *nearest = config_nearest(b, node->text, keys, count);
    diag_suggest(b->diags, d, nearest);
    if (nearest)
        diag_relate(b->diags, d, key_of(b, section, str_of(nearest))->span, "similar name defined here");
    else if (count && count <= 20)
        diag_help(b->diags, d, "`%s` has: %s", config_sections[section], config_join(b, keys, count));
    else if (count == 0)
        diag_help(b->diags, d, "`%s` has no entry", config_sections[section]);
    return 0;
}

int config_ref_org(struct config_build *b, const struct yaml_node *node)
{
    if (b->any_org && config_org_name_fault(node->text) == NULL)
        return 1;
    return refer(b, node, SECTION_ORGS, b->blind_orgs, "H303", "org");
}

int config_ref_source(struct config_build *b, const struct yaml_node *node)
{
    return refer(b, node, SECTION_SOURCES, b->blind_sources, "H302", "source");
}

int config_ref_channel(struct config_build *b, const struct yaml_node *node)
{
    return refer(b, node, SECTION_CHANNELS, b->blind_channels, "H301", "channel");
}

int config_ref_schedule(struct config_build *b, const struct yaml_node *node)
{
    return refer(b, node, SECTION_SCHEDULES, b->blind_schedules, "H307", "schedule");
}

/* --- people ------------------------------------------------------------------------------------------------------- */

/* Names that people of YAML have, each once. */
static void remember(struct config_known *known, const char *name)
{
    if (hash_get(known->index, str_of(name)))
        return;
    hash_set(known->index, str_of(name), (void *)(uintptr_t)name);
    known->items = xgrow(known->items, &known->cap, known->count + 1, sizeof(*known->items));
    known->items[known->count++] = name;
}

static void learn_people(struct config_build *b)
{
    if (b->roles.index)
        return;
    b->roles.index = hash_new();
    b->users.index = hash_new();
    for (size_t i = 0; i < b->config->org_count; i++) {
        const struct config_org *org = &b->config->orgs[i];
        for (size_t k = 0; k < org->user_count; k++) {
            remember(&b->users, org->users[k].username);
            for (size_t r = 0; r < org->users[k].roles.count; r++)
                remember(&b->roles, org->users[k].roles.items[r]);
        }
    }
}

/* The known name that was probably meant, or NULL when the name is known or nothing is near. */
static const char *near_miss(struct config_build *b, const struct yaml_node *node, const struct config_known *known,
                             struct belfry_str wanted)
{
    if (node->unresolved || b->blind_orgs || hash_get(known->index, wanted))
        return NULL;
    return config_nearest(b, wanted, known->items, known->count);
}

void config_ref_role(struct config_build *b, const struct yaml_node *node, struct belfry_str role)
{
    learn_people(b);
    const char *nearest = near_miss(b, node, &b->roles, role);
    if (!nearest)
        return;
    struct diag *d = config_warning(b, "H305", node, "nobody here has the role `%s`", config_show(b, role));
    d->label = arena_printf(diag_arena(b->diags), "did you mean `%s`?", nearest);
}

void config_ref_user(struct config_build *b, const struct yaml_node *node, struct belfry_str username)
{
    learn_people(b);
    const char *nearest = near_miss(b, node, &b->users, username);
    if (!nearest || username.len < 4) /* short names are near to each other by chance */
        return;
    struct diag *d = config_note(b, "H304", node, "`%s` is no user of this configuration", config_show(b, username));
    d->label = arena_printf(diag_arena(b->diags), "did you mean `%s`?", nearest);
    diag_help(b->diags, d, "people who sign in or come through the API need not be listed");
}

/* --- values in conditions ------------------------------------------------------------------------------------------
 */

static void check_category(struct config_build *b, const struct yaml_node *node)
{
    if (b->blind || node->unresolved || config_category(b->config, node->text))
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

/* Event types of the hub itself. */
static const char *const hub_types[] = {"hub.endpoint_failing", "hub.endpoint_disabled", "hub.source_quarantined",
                                        "hub.config_rejected", "hub.disk_low"};
#define HUB_TYPES (sizeof(hub_types) / sizeof(hub_types[0]))

/* All declared types. In the arena of the build. */
static size_t types_of(struct config_build *b, const char *const **out)
{
    size_t count = HUB_TYPES, cap = HUB_TYPES + 1;
    for (size_t i = 0; i < b->config->source_count; i++) {
        const struct plugin *plugin = b->config->sources[i].plugin;
        for (const struct belfry_event_type *e = plugin ? plugin->desc.events : NULL; e && e->struct_size; e++)
            cap++;
    }
    const char **types = arena_alloc(b->arena, cap * sizeof(*types));
    memcpy(types, hub_types, sizeof(hub_types));
    for (size_t i = 0; i < b->config->source_count; i++) {
        const struct plugin *plugin = b->config->sources[i].plugin;
        for (const struct belfry_event_type *e = plugin ? plugin->desc.events : NULL; e && e->struct_size; e++)
            types[count++] = e->type;
    }
    *out = types;
    return count;
}

static void check_type(struct config_build *b, const struct yaml_node *node)
{
    const char *const *types;
    if (b->blind || b->blind_sources || node->unresolved)
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
    else if (str_eqz(path, "source"))
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
