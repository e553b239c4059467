/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a reload changes, by the names that state hangs on: entries of maps by key, rules by name. Compared is what the
 * files say with secrets resolved, so a changed secret is a change and a moved comment is none.
 */
#include "config/build.h"

#include "base/mem.h"

#include <stdlib.h>

struct counts {
    size_t added, changed, removed;
    int moved;
};

static json_t *section_json(const struct config *config, enum config_section section)
{
    const struct yaml_node *node = config ? yaml_get(config->root, config_sections[section]) : NULL;
    return yaml_to_json(node);
}

static void compare_maps(json_t *before, json_t *after, struct counts *c)
{
    const char *key;
    json_t *value;
    json_object_foreach(after, key, value)
    {
        json_t *old = json_object_get(before, key);
        c->added += !old;
        c->changed += old && !json_equal(old, value);
    }
    json_object_foreach(before, key, value) c->removed += !json_object_get(after, key);
}

/* A list of objects with names as an object; each has its position among the others as a hidden member of none. */
static json_t *by_name(const json_t *list)
{
    json_t *map = json_object(), *item;
    size_t i;
    json_array_foreach(list, i, item)
    {
        const char *name = json_string_value(json_object_get(item, "name"));
        if (name)
            json_object_set(map, name, item);
    }
    return map;
}

/* 1 when those that are in both do not stand in the same order. */
static int is_moved(json_t *before, json_t *after)
{
    void *a = json_object_iter(before), *c = json_object_iter(after);
    while (a && c) {
        if (!json_object_get(after, json_object_iter_key(a))) {
            a = json_object_iter_next(before, a);
        } else if (!json_object_get(before, json_object_iter_key(c))) {
            c = json_object_iter_next(after, c);
        } else if (strcmp(json_object_iter_key(a), json_object_iter_key(c)) != 0) {
            return 1;
        } else {
            a = json_object_iter_next(before, a);
            c = json_object_iter_next(after, c);
        }
    }
    return 0;
}

static void compare(const struct config *before, const struct config *after, enum config_section section,
                    json_t *changed)
{
    struct counts c = {0};
    json_t *old = section_json(before, section), *new = section_json(after, section);
    if (section == SECTION_RULES) {
        json_t *old_rules = by_name(old), *new_rules = by_name(new);
        compare_maps(old_rules, new_rules, &c);
        c.moved = is_moved(old_rules, new_rules);
        json_decref(old_rules);
        json_decref(new_rules);
    } else {
        compare_maps(old, new, &c);
    }
    if (c.added + c.changed + c.removed > 0 || c.moved) {
        char *text = xasprintf("+%zu~%zu-%zu%s", c.added, c.changed, c.removed, c.moved ? " reordered" : "");
        json_object_set_new(changed, config_sections[section], json_string(text));
        free(text);
    }
    json_decref(old);
    json_decref(new);
}

/* --- what waits for a restart ------------------------------------------------------------------------------------ */

static int same_text(const char *a, const char *c)
{
    return a == c || (a && c && strcmp(a, c) == 0);
}

static int same_listen(const struct config_hub *a, const struct config_hub *c)
{
    if (a->listen_count != c->listen_count)
        return 0;
    for (size_t i = 0; i < a->listen_count; i++) {
        if (strcmp(a->listen[i], c->listen[i]) != 0)
            return 0;
    }
    return 1;
}

/* Objects stay loaded: one whose file was replaced runs on as it was. */
static void add_stale(const struct config_instance *items, size_t count, json_t *restart)
{
    struct arena *scratch = arena_new(0);
    for (size_t i = 0; i < count; i++) {
        const struct plugin *plugin = items[i].plugin;
        int seen = 0;
        for (size_t k = 0; k < i; k++)
            seen |= items[k].plugin == plugin;
        if (seen || !plugin->loaded || !plugin->path)
            continue;
        if (strcmp(plugin_build_id(scratch, plugin->path), plugin->build_id) != 0)
            json_array_append_new(restart, json_sprintf("plugin %s", plugin->id));
    }
    arena_free(scratch);
}

static json_t *restarts(const struct config *started, const struct config *after)
{
    const struct config_hub *a = &started->hub, *c = &after->hub;
    const struct {
        const char *name;
        int same;
    } settings[] = {
        {"hub.listen", same_listen(a, c)},
        {"hub.data_dir", same_text(a->data_dir, c->data_dir)},
        {"hub.tls", same_text(a->tls_cert, c->tls_cert) && same_text(a->tls_key, c->tls_key)},
        {"hub.limits.connections", a->limits.connections == c->limits.connections},
        {"hub.secret", a->has_secret == c->has_secret && memcmp(a->secret, c->secret, sizeof(a->secret)) == 0},
    };
    json_t *restart = json_array();
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        if (!settings[i].same)
            json_array_append_new(restart, json_string(settings[i].name));
    }
    add_stale(after->sources, after->source_count, restart);
    add_stale(after->channels, after->channel_count, restart);
    return restart;
}

json_t *config_diff(const struct config *started, const struct config *before, const struct config *after,
                    json_t **restart_required)
{
    json_t *changed = json_object();
    for (enum config_section s = SECTION_HUB; s < SECTION_COUNT; s++)
        compare(before, after, s, changed);
    *restart_required = restarts(started, after);
    return changed;
}
