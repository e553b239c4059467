/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the name behind `plugin:` to a descriptor. Checking reads sidecars only, so that a machine that checks YAML runs
 * no third-party code; running loads the object. Each plugin is looked for once, and what is wrong with it is said
 * once, at the first instance that names it.
 */
#include "config/build.h"

#include "base/mem.h"

#include <stdlib.h>

static const struct plugin no_plugin; /* in the table: looked for and not usable */

static const char *role_name(int channel)
{
    return channel ? "belfry.delivery/1" : "belfry.source/1";
}

/* --- looking ----------------------------------------------------------------------------------------------------- */

/* "did you mean" looks at plugins that have the role; those that cannot be read count too. */
static void suggest_plugin(struct config_build *b, struct diag *d, const struct yaml_node *name)
{
    const char *const *ids;
    size_t count = plugin_list(b->arena, b->config->hub.plugin_path, &ids);
    diag_suggest(b->diags, d, str_nearest(name->text, ids, count));
    if (count)
        diag_help(b->diags, d, "plugins on the path: %s", config_join(b, ids, count));
    else
        diag_help(b->diags, d, "there is no plugin on the path; set `hub.plugin_path` or BELFRY_PLUGIN_PATH");
}

static const struct plugin *from_sidecar(struct config_build *b, const struct yaml_node *name, const char *path)
{
    struct error err = {0};
    const struct plugin *plugin = plugin_read_sidecar(b->arena, path, &err);
    if (!plugin) {
        struct diag *d;
        if (err.status == BELFRY_ENOTFOUND)
            d = config_error(b, "H502", name, "plugin `%s` has no description beside it", config_show(b, name->text));
        else
            d = config_error(b, "H502", name, "the description of plugin `%s` cannot be used: %s",
                             config_show(b, name->text), error_text(&err));
        diag_help(b->diags, d, "`belfry plugin inspect --sidecar %s` makes it", path);
    } else if (strcmp(plugin_build_id(b->arena, path), plugin->build_id) != 0) {
        struct diag *d = config_warning(b, "H503", name, "the description of plugin `%s` is of another build",
                                        config_show(b, name->text));
        diag_help(b->diags, d, "`belfry plugin inspect --sidecar %s` makes it anew", path);
    }
    error_clear(&err);
    return plugin;
}

static const struct plugin *from_object(struct config_build *b, const struct yaml_node *name, const char *path)
{
    struct error err = {0};
    const struct plugin *plugin = plugin_load(path, b->has_ext, &err);
    if (!plugin)
        config_error(b, "H506", name, "%s", error_text(&err));
    error_clear(&err);
    return plugin;
}

static const struct plugin *look_for(struct config_build *b, const struct yaml_node *name)
{
    char *id = xstrndup(name->text.ptr, name->text.len);
    const char *path = plugin_find(b->arena, b->config->hub.plugin_path, id);
    free(id);
    if (!path) {
        struct diag *d = config_error(b, "H501", name, "there is no plugin `%s`", config_show(b, name->text));
        suggest_plugin(b, d, name);
        return NULL;
    }
    return b->mode == CONFIG_RUN ? from_object(b, name, path) : from_sidecar(b, name, path);
}

/* --- the answer -------------------------------------------------------------------------------------------------- */

static const struct plugin *find(struct config_build *b, const struct yaml_node *name)
{
    const struct plugin *known = hash_get(b->plugins, name->text);
    if (!known) {
        known = look_for(b, name);
        hash_set(b->plugins, name->text, (void *)(uintptr_t)(known ? known : &no_plugin));
    }
    return known == &no_plugin ? NULL : known;
}

const struct plugin *config_plugin(struct config_build *b, const struct yaml_node *name, int channel)
{
    const struct plugin *plugin = find(b, name);
    if (!plugin)
        return NULL;
    if (channel ? plugin->delivery != NULL : plugin->source != NULL)
        return plugin;
    struct diag *d = config_error(b, "H505", name, "plugin `%s` is no %s: it does not have the role %s", plugin->id,
                                  channel ? "channel" : "source", role_name(channel));
    if (channel ? plugin->source != NULL : plugin->delivery != NULL)
        diag_help(b->diags, d, "it belongs under `%s`", channel ? "sources" : "channels");
    return NULL;
}

/* --- tables ------------------------------------------------------------------------------------------------------ */

static size_t row_count(const struct belfry_option *table)
{
    size_t n = 0;
    while (table && table[n].struct_size)
        n++;
    return n;
}

const struct belfry_option *config_instance_options(struct arena *arena, const struct plugin *plugin, int channel,
                                                    size_t *size, size_t *common)
{
    const struct belfry_option *ours = channel ? config_channel_table : config_source_table;
    size_t own = row_count(ours), theirs = row_count(plugin->desc.options);
    struct belfry_option *table = arena_alloc(arena, (own + theirs + 1) * sizeof(*table));
    *common = ((size_t)plugin->desc.config_size + 15) / 16 * 16;
    *size = *common + sizeof(struct config_common);
    memcpy(table, ours, own * sizeof(*table));
    for (size_t i = 0; i < own; i++)
        table[i].offset += (uint32_t)*common;
    if (theirs)
        memcpy(table + own, plugin->desc.options, theirs * sizeof(*table));
    return table;
}
