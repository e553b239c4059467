/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Life of a configuration: read, checked section by section, compiled into one arena, then never changed. References
 * are counted with atomics, because readers and the ledger hold generations on their own threads.
 */
#include "config/build.h"

#include "base/mem.h"

#include <stdlib.h>

#define NEAREST_BUDGET 200000

/* --- look-ups ---------------------------------------------------------------------------------------------------- */

int config_names_has(const struct config_names *names, struct belfry_str name)
{
    size_t low = 0, high = names->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = str_cmp(str_of(names->items[mid]), name);
        if (order == 0)
            return 1;
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return 0;
}

/* The element of an array sorted by its first member, a name; or NULL. */
static const void *find_sorted(const void *items, size_t count, size_t size, struct belfry_str name)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const char *item = (const char *)items + mid * size;
        int order = str_cmp(str_of(*(const char *const *)(const void *)item), name);
        if (order == 0)
            return item;
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

const struct config_org *config_org(const struct config *config, struct belfry_str name)
{
    const struct config_org *org = find_sorted(config->orgs, config->org_count, sizeof(*org), name);
    if (org && strcmp(org->name, "*") != 0)
        return org;
    if (config_org_name_fault(name))
        return NULL;
    return find_sorted(config->orgs, config->org_count, sizeof(*org), STR("*"));
}

const struct config_user *config_user(const struct config *config, struct belfry_str org, struct belfry_str username)
{
    const struct config_org *found = config_org(config, org);
    return found ? find_sorted(found->users, found->user_count, sizeof(*found->users), username) : NULL;
}

const struct config_category *config_category(const struct config *config, struct belfry_str name)
{
    return find_sorted(config->categories, config->category_count, sizeof(*config->categories), name);
}

/* In file order: indexes are positions. There are few. */
static const struct config_instance *find_instance(const struct config_instance *items, size_t count,
                                                   struct belfry_str name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eqz(name, items[i].name))
            return &items[i];
    }
    return NULL;
}

const struct config_instance *config_source(const struct config *config, struct belfry_str name)
{
    return find_instance(config->sources, config->source_count, name);
}

const struct config_instance *config_channel(const struct config *config, struct belfry_str name)
{
    return find_instance(config->channels, config->channel_count, name);
}

int config_serves(const struct config_instance *instance, struct belfry_str org)
{
    return instance->orgs.count == 0 || config_names_has(&instance->orgs, org);
}

int config_shows_runs(const struct config_instance *source, struct belfry_str org)
{
    const struct belfry_route *r = source->plugin ? source->plugin->desc.routes : NULL;
    while (r && r->struct_size && strcmp(r->pattern, "/{org}/runs/{instance}") != 0)
        r++;
    return r && r->struct_size && config_serves(source, org);
}

struct belfry_str config_label(const struct config_category *category, struct belfry_str locale)
{
    for (const struct belfry_category_text *t = category->texts; t && t->struct_size; t++) {
        size_t len = strlen(t->language);
        if (str_has_prefix(locale, str_of(t->language)) && (locale.len == len || locale.ptr[len] == '-'))
            return str_of(t->label);
    }
    return str_of(category->label);
}

int config_may_act(const struct config_category *category, const struct belfry_strs *roles)
{
    if (!category || category->actions_for.count == 0)
        return 1;
    for (size_t i = 0; i < roles->count; i++) {
        if (config_names_has(&category->actions_for, roles->items[i]))
            return 1;
    }
    return 0;
}

int config_visible(const struct config_category *category, const struct belfry_strs *roles)
{
    if (category->visible_to.count == 0)
        return 1;
    for (size_t i = 0; i < roles->count; i++) {
        if (config_names_has(&category->visible_to, roles->items[i]))
            return 1;
    }
    return 0;
}

/* --- references -------------------------------------------------------------------------------------------------- */

struct config *config_ref(struct config *config)
{
    __atomic_add_fetch(&config->refs, 1, __ATOMIC_RELAXED);
    return config;
}

void config_unref(struct config *config)
{
    if (!config || __atomic_sub_fetch(&config->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    struct arena *arena = config->arena;
    diag_set_free(config->diags);
    mem_wipe(config->hub.secret, sizeof(config->hub.secret));
    arena_free(arena);
}

/* --- building ---------------------------------------------------------------------------------------------------- */

static void build_all(struct config_build *b)
{
    config_build_hub(b); /* first: where plugins are */
    config_build_orgs(b);
    config_build_instances(b);
    config_build_categories(b);
    config_build_auth(b);
    config_build_schedules(b);
    config_build_retention(b);
    config_build_rules(b);
    config_ref_templates(b);
    config_build_reads(b);
    config_check_mail(b);
    config_check_webhook(b);
    config_lint_mail(b);
}

static void build_end(struct config_build *b)
{
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        if (b->keys[i])
            hash_free(b->keys[i], NULL);
    }
    if (b->roles.index)
        hash_free(b->roles.index, NULL);
    if (b->users.index)
        hash_free(b->users.index, NULL);
    free(b->roles.items);
    free(b->users.items);
    hash_free(b->plugins, NULL);
}

/* Reports to diags, which may hold other files' already. The configuration does not own them. */
static struct config *build(const char *path, enum config_mode mode, plugin_has_ext_fn has_ext,
                            config_refused_fn *refused, struct diag_set *diags)
{
    struct arena *arena = arena_new(64 * 1024);
    struct config *config = arena_alloc(arena, sizeof(*config));
    struct config_build b = {
        .config = config, .arena = arena, .diags = diags, .mode = mode, .has_ext = has_ext, .refused = refused};
    size_t before = diag_count(diags, DIAG_ERROR);
    config->arena = arena;
    config->refs = 1;
    config->path = arena_strdup(arena, path);
    b.plugins = hash_new();
    b.nearest_left = NEAREST_BUDGET;
    if (config_read(&b, path) == 0)
        build_all(&b);
    build_end(&b);
    if (diag_count(diags, DIAG_ERROR) == before)
        return config;
    config_unref(config);
    return NULL;
}

struct config *config_load(const char *path, enum config_mode mode, plugin_has_ext_fn has_ext, struct diag_set **diags)
{
    *diags = diag_set_new();
    struct config *config = build(path, mode, has_ext, NULL, *diags);
    if (config)
        config->diags = *diags;
    return config;
}

struct config *config_check(const char *const *paths, size_t count, config_refused_fn *refused, struct diag_set **diags)
{
    struct config *first = NULL;
    int failed = count == 0;
    *diags = diag_set_new();
    for (size_t i = 0; i < count; i++) {
        struct config *config = build(paths[i], CONFIG_CHECK, NULL, refused, *diags);
        failed |= !config;
        if (i == 0)
            first = config;
        else
            config_unref(config);
    }
    if (failed) {
        config_unref(first);
        return NULL;
    }
    first->diags = *diags;
    return first;
}
