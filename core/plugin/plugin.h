/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plugins as the hub holds them: a checked, normalized copy of a descriptor, from a loaded object or from a sidecar.
 * A sidecar (x.json beside x.so) holds all that is data: options, events, routes, needs, build id. Checking a
 * configuration reads sidecars only; nothing of a plugin runs.
 */
#ifndef PLUGIN_PLUGIN_H
#define PLUGIN_PLUGIN_H

#include "base/arena.h"
#include "base/status.h"

#include <belfry/plugin.h>
#include <jansson.h>

/* Immutable once loaded; lives until the process ends (objects are never unloaded, R09) or, from a sidecar, as long as
 * its arena. Tables are copies whose elements have this build's size, whatever the plugin's struct_size was (R07). */
struct plugin {
    const char *id, *version, *summary;
    const char *path;     /* of the .so */
    const char *build_id; /* GNU build id in hex, "" when the object has none */
    struct belfry_plugin desc; /* options, events, routes normalized; callbacks NULL from a sidecar */
    const struct belfry_source *source;     /* normalized vtable, NULL without the role (from a sidecar: a marker) */
    const struct belfry_delivery *delivery; /* the same; its flags are kept in the sidecar too */
    const char *const *needs; /* never NULL */
    int loaded;               /* 1: callbacks may be called */
};

/* Is the extension id one that this hub offers? Given by the host room. */
typedef int (*plugin_has_ext_fn)(const char *id);

/*
 * Loads an object: RTLD_NOW|RTLD_LOCAL|RTLD_NODELETE, reads belfry_entry, checks magic, major, count, sizes (unknown tails
 * zero), id equals file name, roles known and their vtables whole, needs offered, option table well-formed (types, offsets
 * inside config_size, defaults that parse), events, routes. Refuses with one clear sentence that names the file, what was
 * found and what was expected. Before any other thread exists for those in the configuration at start. [loop]
 */
const struct plugin *plugin_load(const char *path, plugin_has_ext_fn has_ext, struct error *err);

/* The JSON of a sidecar. New reference. */
json_t *plugin_sidecar(const struct plugin *plugin);
/* Reads PATH.json beside a .so path. In arena. NULL and err (ENOTFOUND: there is none; EINVAL: cannot be used). */
const struct plugin *plugin_read_sidecar(struct arena *arena, const char *so_path, struct error *err);
/* GNU build id of an ELF file in hex without loading it; "" when it has none. In arena. */
const char *plugin_build_id(struct arena *arena, const char *so_path);

/* Search path: directories, separated by ':' as in hub.plugin_path; then the built-in one (PLUGINDIR), where
 * BELFRY_PLUGIN_PATH in the environment stands in front of both. The path of ID.so, or NULL. In arena. */
const char *plugin_find(struct arena *arena, const char *search, const char *id);
/* All plugin ids on the path, sorted. Returns the count. In arena. */
size_t plugin_list(struct arena *arena, const char *search, const char *const **ids);

/* Runs `belfry plugin inspect --sidecar` in a child process and reads what it says, so that a bad object cannot take the
 * caller down. New reference or NULL with err. program: path of the belfry binary. */
json_t *plugin_probe(const char *program, const char *so_path, struct error *err);

#endif
