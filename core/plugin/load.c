/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading an object. Nothing of it is believed before it was checked: entry, sizes, roles, tables, in that order, so
 * that the first thing that is wrong is the one that is named. An object stays in the process for ever (R09), also a
 * refused one; what is kept of an accepted one is in a list that lives as long.
 */
#include "base/list.h"
#include "base/mem.h"
#include "base/str.h"
#include "plugin/internal.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

/* Bytes up to and with a member. */
#define REACHES(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))

struct loaded {
    struct list node;
    struct arena *arena;
    const char *real; /* without symbolic links: what the loader goes by */
    struct plugin plugin;
};

static struct list all = {&all, &all};

static struct loaded *find_loaded(const char *real)
{
    LIST_EACH(it, &all)
    {
        struct loaded *loaded = LIST_OF(it, struct loaded, node);
        if (strcmp(loaded->real, real) == 0)
            return loaded;
    }
    return NULL;
}

/* --- entry ------------------------------------------------------------------------------------------------------ */

/* dlerror() without the path, which our own message begins with. */
static const char *loader_text(struct arena *arena, const char *path)
{
    const char *text = dlerror();
    size_t len = strlen(path);
    if (text && strncmp(text, path, len) == 0 && strncmp(text + len, ": ", 2) == 0)
        text += len + 2;
    return arena_printf(arena, "cannot be loaded: %s", text ? text : "no reason given");
}

static const char *check_entry(struct arena *arena, const struct belfry_entry *entry)
{
    if (entry->magic != BELFRY_MAGIC)
        return arena_printf(arena, "belfry_entry has magic 0x%08x, expected 0x%08x", entry->magic, BELFRY_MAGIC);
    if (entry->abi_major != BELFRY_ABI_MAJOR)
        return arena_printf(arena, "was built for plugin ABI %u.%u, this hub offers %d.%d", entry->abi_major,
                            entry->abi_minor, BELFRY_ABI_MAJOR, BELFRY_ABI_MINOR);
    if (entry->plugin_count != 1)
        return arena_printf(arena, "has %u plugins, expected 1: one plugin a file", entry->plugin_count);
    if (!entry->plugins || !entry->plugins[0])
        return "belfry_entry points at no plugin";
    return NULL;
}

/* --- roles ------------------------------------------------------------------------------------------------------ */

static const char *take_source(struct arena *arena, struct plugin *plugin, const void *vtable)
{
    struct belfry_source *source = arena_alloc(arena, sizeof(*source));
    const char *fault = normalize_struct(arena, "the vtable of " PLUGIN_ROLE_SOURCE, vtable, source, sizeof(*source),
                                         REACHES(struct belfry_source, receive));
    if (fault)
        return fault;
    if (source->flags)
        return arena_printf(arena, "the role " PLUGIN_ROLE_SOURCE " has flags that this hub does not know (0x%x)",
                            source->flags);
    if (!source->receive)
        return "the vtable of " PLUGIN_ROLE_SOURCE " has no receive()";
    plugin->source = source;
    return NULL;
}

static const char *take_delivery(struct arena *arena, struct plugin *plugin, const void *vtable)
{
    struct belfry_delivery *delivery = arena_alloc(arena, sizeof(*delivery));
    const char *fault = normalize_struct(arena, "the vtable of " PLUGIN_ROLE_DELIVERY, vtable, delivery,
                                         sizeof(*delivery), REACHES(struct belfry_delivery, max_inflight));
    if (fault)
        return fault;
    int in_commit = (delivery->flags & BELFRY_DELIVERY_IN_COMMIT) != 0;
    if (!in_commit && (!delivery->deliver || !delivery->cancel))
        return arena_printf(arena, "the vtable of " PLUGIN_ROLE_DELIVERY " has no %s()",
                            delivery->deliver ? "cancel" : "deliver");
    plugin->delivery = delivery;
    return NULL;
}

static const char *take_feedback(struct arena *arena, struct plugin *plugin, const void *vtable)
{
    struct belfry_feedback *feedback = arena_alloc(arena, sizeof(*feedback));
    const char *fault = normalize_struct(arena, "the vtable of " PLUGIN_ROLE_FEEDBACK, vtable, feedback,
                                         sizeof(*feedback), REACHES(struct belfry_feedback, take));
    if (fault)
        return fault;
    if (feedback->flags)
        return arena_printf(arena, "the role " PLUGIN_ROLE_FEEDBACK " has flags that this hub does not know (0x%x)",
                            feedback->flags);
    if (!feedback->take)
        return "the vtable of " PLUGIN_ROLE_FEEDBACK " has no take()";
    plugin->feedback = feedback;
    return NULL;
}

static const char *take_endpoints(struct arena *arena, struct plugin *plugin, const void *vtable)
{
    struct belfry_endpoints *endpoints = arena_alloc(arena, sizeof(*endpoints));
    const char *fault = normalize_struct(arena, "the vtable of " PLUGIN_ROLE_ENDPOINTS, vtable, endpoints,
                                         sizeof(*endpoints), REACHES(struct belfry_endpoints, show));
    if (fault)
        return fault;
    if (endpoints->flags)
        return arena_printf(arena, "the role " PLUGIN_ROLE_ENDPOINTS " has flags that this hub does not know (0x%x)",
                            endpoints->flags);
    if (!endpoints->check || !endpoints->secret || !endpoints->show)
        return arena_printf(arena, "the vtable of " PLUGIN_ROLE_ENDPOINTS " has no %s()",
                            !endpoints->check    ? "check"
                            : !endpoints->secret ? "secret"
                                                 : "show");
    plugin->endpoints = endpoints;
    return NULL;
}

static const struct role_type {
    const char *id;
    const char *(*take)(struct arena *arena, struct plugin *plugin, const void *vtable);
} role_types[] = {
    {PLUGIN_ROLE_SOURCE, take_source},
    {PLUGIN_ROLE_DELIVERY, take_delivery},
    {PLUGIN_ROLE_FEEDBACK, take_feedback},
    {PLUGIN_ROLE_ENDPOINTS, take_endpoints},
};
#define ROLE_COUNT (sizeof(role_types) / sizeof(role_types[0]))

static const char *take_roles(struct arena *arena, struct plugin *plugin)
{
    int taken[ROLE_COUNT] = {0};
    for (const struct belfry_role *role = plugin->desc.roles; role && role->id; role++) {
        size_t i = 0;
        while (i < ROLE_COUNT && strcmp(role_types[i].id, role->id) != 0)
            i++;
        if (i == ROLE_COUNT)
            return arena_printf(arena, "has the role `%s`, which this hub does not know; expected " PLUGIN_ROLES_KNOWN,
                                role->id);
        if (taken[i]++)
            return arena_printf(arena, "has the role %s twice", role->id);
        if (!role->vtable)
            return arena_printf(arena, "the role %s has no vtable", role->id);
        const char *fault = role_types[i].take(arena, plugin, role->vtable);
        if (fault)
            return fault;
    }
    return NULL;
}

/* --- the whole -------------------------------------------------------------------------------------------------- */

static const char *check_code(struct arena *arena, const struct plugin *plugin, plugin_has_ext_fn has_ext)
{
    if (!plugin->desc.create)
        return "has no create()";
    if (plugin->desc.reload && plugin->source)
        return "has reload() and the role " PLUGIN_ROLE_SOURCE ": a source is replaced, never reloaded";
    for (size_t i = 0; has_ext && plugin->needs[i]; i++)
        if (!has_ext(plugin->needs[i]))
            return arena_printf(arena, "needs the extension %s, which this hub does not offer", plugin->needs[i]);
    return NULL;
}

static const char *take_plugin(struct arena *arena, const struct belfry_plugin *theirs, plugin_has_ext_fn has_ext,
                               struct plugin *plugin)
{
    static const char *const nothing[] = {NULL};
    struct belfry_plugin *desc = &plugin->desc;
    const char *fault =
        normalize_struct(arena, "the descriptor", theirs, desc, sizeof(*desc), REACHES(struct belfry_plugin, create));
    if (fault)
        return fault;
    plugin->id = desc->id;
    plugin->version = desc->version;
    plugin->summary = desc->summary;
    plugin->needs = desc->needs ? desc->needs : nothing;
    plugin->loaded = 1;
    if ((fault = take_roles(arena, plugin)) || (fault = normalize_options(arena, desc->options, &desc->options)) ||
        (fault = normalize_events(arena, desc->events, &desc->events)) ||
        (fault = normalize_categories(arena, desc->categories, &desc->categories)) ||
        (fault = normalize_routes(arena, desc->routes, &desc->routes)) || (fault = check_descriptor(arena, plugin)))
        return fault;
    return check_code(arena, plugin, has_ext);
}

static const char *load(struct loaded *loaded, plugin_has_ext_fn has_ext)
{
    const char *fault;
    void *object = dlopen(loaded->real, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!object)
        return loader_text(loaded->arena, loaded->real);
    const struct belfry_entry *entry = dlsym(object, "belfry_entry");
    if (!entry)
        return "exports no belfry_entry: it is no Belfry plugin";
    if ((fault = check_entry(loaded->arena, entry)))
        return fault;
    loaded->plugin.build_id = plugin_build_id(loaded->arena, loaded->real);
    return take_plugin(loaded->arena, entry->plugins[0], has_ext, &loaded->plugin);
}

const struct plugin *plugin_load(const char *path, plugin_has_ext_fn has_ext, struct error *err)
{
    char *real = realpath(path, NULL);
    if (!real) {
        error_set(err, errno == ENOENT ? BELFRY_ENOTFOUND : BELFRY_EINVAL, NULL, "%s: cannot be loaded: %s", path,
                  strerror(errno));
        return NULL;
    }
    struct loaded *loaded = find_loaded(real);
    if (loaded) {
        free(real);
        return &loaded->plugin;
    }
    loaded = xcalloc(1, sizeof(*loaded));
    loaded->arena = arena_new(0);
    loaded->plugin.path = arena_strdup(loaded->arena, path);
    loaded->real = arena_strdup(loaded->arena, real);
    free(real);
    const char *fault = load(loaded, has_ext);
    if (!fault) {
        list_push_back(&all, &loaded->node);
        return &loaded->plugin;
    }
    error_set(err, BELFRY_EINVAL, NULL, "%s: %s", loaded->plugin.path, fault);
    arena_free(loaded->arena);
    free(loaded);
    return NULL;
}
