/* SPDX-License-Identifier: Apache-2.0 */
/* What a descriptor must be, whether an object or a sidecar says it: id, texts, roles, needs, options. */
#include "plugin/internal.h"
#include "plugin/option.h"

#include <stdlib.h>

#define DELIVERY_FLAGS                                                                                                 \
    (BELFRY_DELIVERY_IN_COMMIT | BELFRY_DELIVERY_PER_RECIPIENT | BELFRY_DELIVERY_PER_TARGET | BELFRY_DELIVERY_DIGEST | \
     BELFRY_DELIVERY_PREFERENCE)

const char *plugin_id_of(struct arena *arena, const char *so_path)
{
    const char *slash = strrchr(so_path, '/'), *name = slash ? slash + 1 : so_path;
    size_t len = strlen(name);
    return len > 3 && strcmp(name + len - 3, ".so") == 0 ? arena_strndup(arena, name, len - 3) : NULL;
}

/* Letters, digits, '-' and '_'; what a file and a YAML key can be called everywhere. */
static int is_id(const char *id)
{
    size_t len = id ? strlen(id) : 0;
    if (len == 0 || len > 64)
        return 0;
    for (size_t i = 0; i < len; i++) {
        int is_word = (id[i] >= 'a' && id[i] <= 'z') || (id[i] >= '0' && id[i] <= '9');
        if (!is_word && (i == 0 || (id[i] != '-' && id[i] != '_')))
            return 0;
    }
    return 1;
}

static const char *check_line(struct arena *arena, const char *what, const char *text)
{
    if (!text || !*text)
        return arena_printf(arena, "%s is empty", what);
    if (!str_utf8_valid(str_of(text)))
        return arena_printf(arena, "%s is not UTF-8", what);
    return strlen(text) > 300 || strpbrk(text, "\r\n") ? arena_printf(arena, "%s is not one short line", what) : NULL;
}

static const char *check_id(struct arena *arena, const struct plugin *plugin)
{
    const char *file = plugin_id_of(arena, plugin->path);
    if (!is_id(plugin->id))
        return arena_printf(arena, "id `%s` is not 1 to 64 of a-z 0-9 - _", plugin->id ? plugin->id : "");
    if (!file || strcmp(file, plugin->id) != 0)
        return arena_printf(arena, "id is `%s`, but a plugin is called as its file: expected %s.so", plugin->id,
                            plugin->id);
    return NULL;
}

static const char *check_needs(struct arena *arena, const struct plugin *plugin)
{
    for (size_t i = 0; plugin->needs[i]; i++) {
        const char *slash = strchr(plugin->needs[i], '/');
        if (i == 64)
            return "needs has no end within 64 elements";
        if (!slash || slash == plugin->needs[i] || !slash[1])
            return arena_printf(arena, "need `%s` is no extension id (name/revision)", plugin->needs[i]);
    }
    return NULL;
}

const char *check_delivery(struct arena *arena, const struct belfry_delivery *delivery)
{
    int recipient = (delivery->flags & BELFRY_DELIVERY_PER_RECIPIENT) != 0;
    int target = (delivery->flags & BELFRY_DELIVERY_PER_TARGET) != 0;
    int commit = (delivery->flags & BELFRY_DELIVERY_IN_COMMIT) != 0;
    if (delivery->flags & ~(uint32_t)DELIVERY_FLAGS)
        return arena_printf(arena, "the role " PLUGIN_ROLE_DELIVERY " has flags that this hub does not know (0x%x)",
                            delivery->flags);
    if (recipient + target > 1 || recipient + target + commit == 0 || (target && commit))
        return arena_printf(arena,
                            "the role " PLUGIN_ROLE_DELIVERY " has flags 0x%x; it delivers IN_COMMIT, PER_RECIPIENT or "
                            "PER_TARGET",
                            delivery->flags);
    if (delivery->flags & BELFRY_DELIVERY_PREFERENCE && (!recipient || commit))
        return "the role " PLUGIN_ROLE_DELIVERY
               " has the flag PREFERENCE, which goes with PER_RECIPIENT alone: there are "
               "no people in targets, and nobody chooses about the inbox";
    if (recipient && !commit && (delivery->max_batch == 0 || delivery->max_inflight == 0))
        return arena_printf(arena,
                            "the role " PLUGIN_ROLE_DELIVERY " has max_batch %u and max_inflight %u: it would never "
                            "deliver",
                            delivery->max_batch, delivery->max_inflight);
    return NULL;
}

/* Keys that the hub itself has in every source and channel. */
static const char *check_option_names(struct arena *arena, const struct plugin *plugin)
{
    static const char *const reserved[] = {"plugin", "orgs", "was", "feed", "verify", "hook"};
    for (const struct belfry_option *row = plugin->desc.options; row && row->struct_size; row++)
        for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
            if (strcmp(row->name, reserved[i]) == 0)
                return arena_printf(arena, "option `%s` has the name of a key that every source and channel has",
                                    row->name);
    return NULL;
}

const char *check_descriptor(struct arena *arena, const struct plugin *plugin)
{
    const char *fault;
    if ((fault = check_id(arena, plugin)) || (fault = check_line(arena, "version", plugin->version)) ||
        (fault = check_line(arena, "summary", plugin->summary)) || (fault = check_needs(arena, plugin)))
        return fault;
    if (plugin->desc.flags)
        return arena_printf(arena, "the plugin has flags that this hub does not know (0x%x)", plugin->desc.flags);
    if (plugin->feedback && !plugin->delivery)
        return "has the role " PLUGIN_ROLE_FEEDBACK " without " PLUGIN_ROLE_DELIVERY
               ": nothing comes back where nothing is sent";
    if (plugin->endpoints && !(plugin->delivery && plugin->delivery->flags & BELFRY_DELIVERY_PER_TARGET))
        return "has the role " PLUGIN_ROLE_ENDPOINTS " without a " PLUGIN_ROLE_DELIVERY
               " that has the flag BELFRY_DELIVERY_PER_TARGET: only such a one has endpoints";
    if (!plugin->source && !plugin->delivery)
        return "has no role; expected " PLUGIN_ROLES_KNOWN;
    if (plugin->delivery && (fault = check_delivery(arena, plugin->delivery)))
        return fault;
    if ((fault = option_table_fault(arena, plugin->desc.options, plugin->desc.config_size)) ||
        (fault = check_option_names(arena, plugin)) || (fault = check_events(arena, plugin)) ||
        (fault = check_categories(arena, plugin)) || (fault = check_routes(arena, plugin)))
        return fault;
    return NULL;
}
