/* SPDX-License-Identifier: Apache-2.0 */
/* Option tables: one walker validates YAML and fills the plugin's struct, so what `check` accepts, create() accepts. */
#ifndef PLUGIN_OPTION_H
#define PLUGIN_OPTION_H

#include "base/arena.h"
#include "yaml/tree.h"

#include <belfry/plugin.h>
#include <jansson.h>

/* Names that option values may refer to, for references inside plugin options (may all be NULL). */
struct option_scope {
    const char *const *recipient_words; /* extra recipient words of this plugin: owner, created_by, field: */
    size_t recipient_word_count;
    void (*check_recipient)(void *arg, struct diag_set *diags, const struct yaml_node *node,
                            struct belfry_str recipient);
    void *arg;
    const char *const *also; /* further keys that the caller handles (plugin, orgs, feed, verify, was): not unknown */
    size_t also_count;
};

/*
 * Validates `map` against a table and fills `out` (size bytes, zeroed by the caller; strings, lists, conditions and
 * templates live in arena). All faults go to diags: unknown keys with did-you-mean over keys valid here, missing ones,
 * wrong types, ranges, choices, requires, conflicts, uniqueness. Returns 0, or BELFRY_EINVAL when there was an error. [any]
 */
belfry_status option_fill(struct arena *arena, struct diag_set *diags, const struct belfry_option *table,
                          const struct yaml_node *map, const struct option_scope *scope, void *out, size_t size);

/* One scalar parser for each type, shared with the core's own keys. 0 or EINVAL with a diagnostic. */
belfry_status option_duration(struct diag_set *diags, const struct yaml_node *node, int64_t *ms, int32_t *days);
belfry_status option_size(struct diag_set *diags, const struct yaml_node *node, int64_t *bytes);
belfry_status option_minutes(struct diag_set *diags, const struct yaml_node *node, int32_t *minutes);
belfry_status option_bool(struct diag_set *diags, const struct yaml_node *node, uint8_t *out);
belfry_status option_int(struct diag_set *diags, const struct yaml_node *node, int64_t min, int64_t max, int64_t *out);
belfry_status option_string(struct arena *arena, struct diag_set *diags, const struct yaml_node *node,
                            const char **out);
/* A table is itself checked when a plugin is loaded. NULL or what is wrong with it (in arena). */
const char *option_table_fault(struct arena *arena, const struct belfry_option *table, uint64_t config_size);

/* JSON Schema (2020-12) of a table: an object schema. New reference. */
json_t *option_schema(const struct belfry_option *table);
/* Commented YAML with every option, its default and its doc, indented by `indent` spaces. */
void option_sample(const struct belfry_option *table, int indent, struct buf *out);

#endif
