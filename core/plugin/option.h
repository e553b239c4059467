/* SPDX-License-Identifier: Apache-2.0 */
/* Option tables: one walker validates YAML and fills the plugin's struct, so what `check` accepts, create() accepts. */
#ifndef PLUGIN_OPTION_H
#define PLUGIN_OPTION_H

#include "base/arena.h"
#include "base/str.h"
#include "yaml/tree.h"

#include <belfry/plugin.h>
#include <jansson.h>

/* Names that option values may refer to, for references inside plugin options (may all be NULL). */
struct option_scope {
    const char *const *recipient_words; /* extra recipient words of this plugin: owner, created_by, field: */
    size_t recipient_word_count;
    /* recipient is in its normalized form; called once for each */
    void (*check_recipient)(void *arg, struct diag_set *diags, const struct yaml_node *node,
                            struct belfry_str recipient);
    void *arg;
    const char *const *also; /* further keys that the caller handles (plugin, orgs, feed, verify, was): not unknown */
    size_t also_count;
    /* for STRING options named `category` */
    void (*check_category)(void *arg, const struct yaml_node *node);
};

/*
 * Validates `map` against a table and fills `out` (size bytes, zeroed by the caller; strings, lists, conditions and
 * templates live in arena). All faults go to diags: unknown keys with did-you-mean over keys valid here, missing ones,
 * wrong types, ranges, choices, requires, conflicts, uniqueness. The table's rows have this build's size and the table
 * has no fault (option_table_fault). Values with an unresolved secret are not judged; their texts are kept as written.
 * Returns 0, or BELFRY_EINVAL when there was an error. [any]
 */
belfry_status option_fill(struct arena *arena, struct diag_set *diags, const struct belfry_option *table,
                          const struct yaml_node *map, const struct option_scope *scope, void *out, size_t size);

/* Whether the value under this key of a map is a credential: BELFRY_OPT_HEADERS. [any] */
int option_secret_header(const struct belfry_option *row, struct belfry_str name);

/*
 * One scalar parser for each type, shared with the core's own keys. 0 or EINVAL with a diagnostic, and *out is left
 * alone then. An unresolved secret leaves *out alone too (texts take what is written) and returns 0. [any]
 */
/* days NULL: a day is 24 h; else *days is set for d and w, and *ms is 0 then. */
belfry_status option_duration(struct diag_set *diags, const struct yaml_node *node, int64_t *ms, int32_t *days);
/* Bytes: N, or N and one of B KiB MiB GiB kB MB GB. */
belfry_status option_size(struct diag_set *diags, const struct yaml_node *node, int64_t *bytes);
/* Minutes since midnight of "HH:MM". */
belfry_status option_minutes(struct diag_set *diags, const struct yaml_node *node, int32_t *minutes);
belfry_status option_bool(struct diag_set *diags, const struct yaml_node *node, uint8_t *out);
/* Within [min, max]; both 0: no limit. */
belfry_status option_int(struct diag_set *diags, const struct yaml_node *node, int64_t min, int64_t max, int64_t *out);
belfry_status option_double(struct diag_set *diags, const struct yaml_node *node, double *out);
/* Text as written; numbers are text too, true, false and null are not. No NUL inside. In arena. */
belfry_status option_string(struct arena *arena, struct diag_set *diags, const struct yaml_node *node,
                            const char **out);
/* RFC 3339 section 5.6: full-date, or date-time with a zone. In arena. */
belfry_status option_date(struct arena *arena, struct diag_set *diags, const struct yaml_node *node, const char **out);
/* scheme "://" authority and so on (RFC 3986 section 3) in ASCII. schemes ends at NULL; NULL: any. In arena. */
belfry_status option_url(struct arena *arena, struct diag_set *diags, const struct yaml_node *node,
                         const char *const *schemes, const char **out);
/* Index of the word in choices (ends at NULL). */
belfry_status option_choice(struct diag_set *diags, const struct yaml_node *node, const char *const *choices,
                            int32_t *out);
/*
 * A recipient in its normalized form: `NAME` becomes "user:NAME"; "user:", "role:", "email:" and "audience" stay.
 * words are further exact words, or prefixes when they end in ':', kept as written. In arena.
 */
belfry_status option_recipient(struct arena *arena, struct diag_set *diags, const struct yaml_node *node,
                               const char *const *words, size_t word_count, const char **out);
/* A Mustache template; faults point into the scalar. variables, ended by NULL, are what it may read at its top level
 * ("title", "data.*"); NULL: anything. In arena. */
belfry_status option_template(struct arena *arena, struct diag_set *diags, const struct yaml_node *node,
                              const char *const *variables, const struct belfry_template **out);

/* A table is itself checked when a plugin is loaded. NULL or what is wrong with it (in arena). */
const char *option_table_fault(struct arena *arena, const struct belfry_option *table, uint64_t config_size);

/* "string", "duration", ... of BELFRY_OPT_*; NULL when unknown. */
const char *option_type_name(uint32_t type);
/* The number of such a name; 0 when unknown. */
uint32_t option_type_of(struct belfry_str name);

/* JSON Schema (2020-12) of a table: an object schema. New reference. */
json_t *option_schema(const struct belfry_option *table);
/*
 * Commented YAML with every option, its default and its doc, indented by `indent` spaces. Options without a default are
 * there as comments, required ones with a value that fits.
 */
void option_sample(const struct belfry_option *table, int indent, struct buf *out);

#endif
