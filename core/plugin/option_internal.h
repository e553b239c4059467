/* SPDX-License-Identifier: Apache-2.0 */
/* Shared between the option_*.c files only. */
#ifndef PLUGIN_OPTION_INTERNAL_H
#define PLUGIN_OPTION_INTERNAL_H

#include "plugin/option.h"

#define OPTION_MAX_DEPTH 16
#define OPTION_MAX_ROWS 512

/* --- types ------------------------------------------------------------------------------------------------------ */

struct option_type {
    const char *name;     /* in sidecars and messages about tables */
    const char *expected; /* in messages about values: "a string" */
    uint32_t size, align; /* of the C type; OBJECT: see option_value_size */
};

/* NULL when the number is no type. */
const struct option_type *option_type(uint32_t type);
/* Bytes and alignment of what stands at the row's offset. The row's type is known. */
uint32_t option_value_size(const struct belfry_option *row);
uint32_t option_value_align(const struct belfry_option *row);

static inline int option_flag(const struct belfry_option *row, uint32_t flag)
{
    return (row->flags & flag) != 0;
}
static inline int option_limited(const struct belfry_option *row)
{
    return row->min != 0 || row->max != 0;
}
/* Cuts the next name off a list that is separated by commas or blanks; empty at the end. */
struct belfry_str option_next_name(struct belfry_str *list);

/* --- messages --------------------------------------------------------------------------------------------------- */

/* "`page_size`", "an item of `rules`": how a message calls the value. In the set's arena. */
const char *option_subject(struct diag_set *diags, const struct yaml_node *node);
/* A diagnostic at a node, with its path. */
struct diag *option_report(struct diag_set *diags, const char *code, enum diag_severity severity,
                           const struct yaml_node *node, const char *format, ...) __attribute__((format(printf, 5, 6)));
/* "`x` must be a string, not the number 5". Always EINVAL. */
belfry_status option_wrong_type(struct diag_set *diags, const char *code, const struct yaml_node *node,
                                const char *expected);
/* "between 1 and 200", "at least 1"; number writes one limit. In the set's arena. */
const char *option_range_text(struct arena *arena, int64_t min, int64_t max,
                              const char *(*number)(struct arena *arena, int64_t value));
const char *option_number_text(struct arena *arena, int64_t value);
const char *option_duration_text(struct arena *arena, int64_t value);
const char *option_size_text(struct arena *arena, int64_t value);
/* The place of byte `offset` of a scalar's text in its file; the whole scalar when it cannot be told. */
struct diag_span option_place(const struct diag_set *diags, const struct yaml_node *node, size_t offset);

/* --- the walk --------------------------------------------------------------------------------------------------- */

struct option_walk {
    struct arena *arena;
    struct diag_set *diags;
    const struct belfry_option *root;
    const struct option_scope *scope; /* never NULL */
};

/* Fills one scalar. slot is the address of the row's C value. */
void option_fill_scalar(struct option_walk *w, const struct belfry_option *row, const struct yaml_node *node,
                        void *slot);
/* Unknown keys of a map. rows[i] becomes 1 when row i was offered as the right spelling of one. */
void option_check_keys(struct option_walk *w, const struct belfry_option *table, const struct yaml_node *map, int top,
                       unsigned char *offered);
/* Deprecated keys, requires, conflicts. */
void option_check_siblings(struct option_walk *w, const struct belfry_option *table, const struct yaml_node *map);
/* Members of a list's objects that must differ. */
void option_check_unique(struct option_walk *w, const struct belfry_option *element, const struct yaml_node *list);
/* A row's default as a node: the text of a scalar, or YAML for the rest. In arena; diags takes what is wrong with it.
 */
const struct yaml_node *option_default(struct arena *arena, struct diag_set *diags, const struct belfry_option *row);
/* Fills one value of any type. */
void option_fill_value(struct option_walk *w, const struct belfry_option *row, const struct yaml_node *node,
                       void *slot);

#endif
