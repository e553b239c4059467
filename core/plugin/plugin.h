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

#include <belfry/outbound.h>
#include <jansson.h>

#define PLUGIN_ROLE_SOURCE "belfry.source/1"
#define PLUGIN_ROLE_DELIVERY "belfry.delivery/1"
#define PLUGIN_ROLE_FEEDBACK "belfry.feedback/1"
#define PLUGIN_ROLE_ENDPOINTS "belfry.endpoints/1"
/* What the messages of the loader and of sidecars name. */
#define PLUGIN_ROLES_KNOWN                                                                                             \
    PLUGIN_ROLE_SOURCE ", " PLUGIN_ROLE_DELIVERY ", " PLUGIN_ROLE_FEEDBACK " or " PLUGIN_ROLE_ENDPOINTS

/* Immutable once loaded; lives until the process ends (objects are never unloaded, R09) or, from a sidecar, as long as
 * its arena. Tables are copies whose elements have this build's size, whatever the plugin's struct_size was (R07). */
struct plugin {
    const char *id, *version, *summary;
    const char *path;                         /* of the .so */
    const char *build_id;                     /* as plugin_build_id says when it was read */
    struct belfry_plugin desc;                /* options, events, routes normalized; callbacks NULL from a sidecar */
    const struct belfry_source *source;       /* normalized vtable, NULL without the role (from a sidecar: a marker) */
    const struct belfry_delivery *delivery;   /* the same; its flags are kept in the sidecar too */
    const struct belfry_feedback *feedback;   /* the same; only beside a delivery */
    const struct belfry_endpoints *endpoints; /* the same; only beside a delivery to targets */
    const char *const *needs;                 /* never NULL */
    int loaded;                               /* 1: callbacks may be called */
};

/* Is the extension id one that this hub offers? Given by the host room. */
typedef int (*plugin_has_ext_fn)(const char *id);

/*
 * Loads an object: RTLD_NOW|RTLD_LOCAL|RTLD_NODELETE, reads belfry_entry, checks magic, major, count, sizes (unknown
 * tails zero), id equals file name, roles known and their vtables whole, needs offered (has_ext NULL: all are), option
 * table well-formed (types, offsets inside config_size, defaults that parse), events, routes. Refuses with one clear
 * sentence that names the file, what was found and what was expected (ENOTFOUND when there is no such file, else
 * EINVAL). A path that was loaded before gives the same plugin again, also when the file has changed since: compare
 * plugin_build_id. Before any other thread exists for those in the configuration at start. [loop]
 */
const struct plugin *plugin_load(const char *path, plugin_has_ext_fn has_ext, struct error *err);

/* The JSON of a sidecar. New reference. [any] */
json_t *plugin_sidecar(const struct plugin *plugin);
/* The path of the sidecar of a .so: x.so gives x.json. In arena. */
const char *plugin_sidecar_path(struct arena *arena, const char *so_path);
/* Reads the sidecar of a .so path, which need not exist. Everything is checked as in a loaded plugin, save what only
 * code has. In arena. NULL and err (ENOTFOUND: there is none; EINVAL: cannot be used, with the reason). Whether it is
 * of the present object is for the caller to ask: compare build_id with plugin_build_id. [any] */
const struct plugin *plugin_read_sidecar(struct arena *arena, const char *so_path, struct error *err);
/* The same from JSON that was read (of plugin_probe). */
const struct plugin *plugin_from_json(struct arena *arena, const char *so_path, const json_t *json, struct error *err);
/* GNU build id of an ELF file in hex without loading it; "sha256-" and a hash of the file when it has none, "" when it
 * cannot be read. In arena. [any] */
const char *plugin_build_id(struct arena *arena, const char *so_path);

/* Search path: directories, separated by ':' as in hub.plugin_path; then the built-in one (BELFRY_PLUGIN_DIR), where
 * BELFRY_PLUGIN_PATH in the environment stands in front of both. The path of ID.so, or NULL. In arena. [any] */
const char *plugin_find(struct arena *arena, const char *search, const char *id);
/* All plugin ids on the path, sorted. Returns the count. In arena. [any] */
size_t plugin_list(struct arena *arena, const char *search, const char *const **ids);

/* R07 for structs that plugins hand over while they run: 0 when it is longer than this hub's `size` and uses what is
 * beyond. A struct_size of 0 is taken for this hub's. [any] */
int plugin_struct_known(const void *any, size_t size);
/* The element of a table whose stride is the struct_size of its first. [any] */
const void *plugin_table_at(const void *first, size_t index, size_t size);

/*
 * What the object says of itself, asked in a child process (`PROGRAM plugin inspect --probe SO_PATH`), so that a bad
 * object cannot take the caller down; 10 s at most. New reference to the sidecar's JSON, or NULL with err. program:
 * path of the belfry binary. [any]
 */
json_t *plugin_probe(const char *program, const char *so_path, struct error *err);
/* The same with another patience. */
json_t *plugin_probe_within(const char *program, const char *so_path, int timeout_ms, struct error *err);
/* The child's half: loads, writes the JSON to standard output, or one sentence to standard error. What the object
 * prints goes to standard error. Returns the exit status. */
int plugin_probe_answer(const char *so_path, plugin_has_ext_fn has_ext);
/* Probes and writes the sidecar beside the object, whole or not at all. What `belfry plugin inspect --sidecar` does. */
belfry_status plugin_write_sidecar(const char *program, const char *so_path, struct error *err);

#endif
