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

/* --- sets of names ----------------------------------------------------------------------------------------------- */

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
    const struct yaml_node *node = yaml_get(map, "orgs");
    const struct yaml_node *const *items;
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

/* --- one name ---------------------------------------------------------------------------------------------------- */

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

static int refer(struct config_build *b, const struct yaml_node *node, enum config_section section, const char *code,
                 const char *what)
{
    const struct yaml_node *map = yaml_get(b->root, config_sections[section]);
    if (node->unresolved || key_of(b, section, node->text) || config_is_partial(b, section))
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
    if (b->config->org_count == 0) /* reported as such */
        return 1;
    if (b->any_org && config_org_name_fault(node->text) == NULL)
        return 1;
    return refer(b, node, SECTION_ORGS, "H303", "org");
}

int config_ref_source(struct config_build *b, const struct yaml_node *node)
{
    return refer(b, node, SECTION_SOURCES, "H302", "source");
}

int config_ref_channel(struct config_build *b, const struct yaml_node *node)
{
    return refer(b, node, SECTION_CHANNELS, "H301", "channel");
}

int config_ref_schedule(struct config_build *b, const struct yaml_node *node)
{
    return refer(b, node, SECTION_SCHEDULES, "H307", "schedule");
}

/* --- people ------------------------------------------------------------------------------------------------------ */

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
    if (node->unresolved || config_is_partial(b, SECTION_ORGS) || hash_get(known->index, wanted))
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
