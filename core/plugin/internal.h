/* SPDX-License-Identifier: Apache-2.0 */
/* Shared between the files of the plugin room only. */
#ifndef PLUGIN_INTERNAL_H
#define PLUGIN_INTERNAL_H

#include "plugin/plugin.h"

/* Functions that return `const char *` return NULL when all is well, else what is wrong, in arena, as a clause that
 * follows "FILE: ". */

/*
 * Copies one struct that begins with struct_size into dst (size bytes). What the source lacks is zero. Refused: less
 * than `need` bytes, a size that is none, a tail beyond `size` that is not zero.
 */
const char *normalize_struct(struct arena *arena, const char *what, const void *src, void *dst, size_t size,
                             size_t need);
/* Deep copies of tables whose elements have the plugin's size. NULL tables stay NULL. */
const char *normalize_options(struct arena *arena, const struct belfry_option *src, const struct belfry_option **out);
const char *normalize_events(struct arena *arena, const struct belfry_event_type *src,
                             const struct belfry_event_type **out);
const char *normalize_categories(struct arena *arena, const struct belfry_category *src,
                                 const struct belfry_category **out);
const char *normalize_routes(struct arena *arena, const struct belfry_route *src, const struct belfry_route **out);

/* What a descriptor must be, wherever it came from: id, texts, needs, options, events, categories, routes. */
const char *check_descriptor(struct arena *arena, const struct plugin *plugin);
const char *check_events(struct arena *arena, const struct plugin *plugin);
const char *check_categories(struct arena *arena, const struct plugin *plugin);
const char *check_routes(struct arena *arena, const struct plugin *plugin);
const char *check_delivery(struct arena *arena, const struct belfry_delivery *delivery);
/* The id that a file name stands for; NULL when it does not end in .so. In arena. */
const char *plugin_id_of(struct arena *arena, const char *so_path);

#endif
