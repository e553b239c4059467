/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options that hold secrets. The option walker warns of literals and hides their lines; here their values are marked in
 * the tree, so that no later message and no view quotes them.
 */
#include "config/build.h"

static void mark(const struct yaml_node *node)
{
    /* The tree is this build's own until it is in force: const keeps the others out. */
    if (node->kind == YAML_SCALAR)
        ((struct yaml_node *)(uintptr_t)node)->tainted = 1;
    for (size_t i = 0; i < node->count; i++)
        mark(node->kind == YAML_MAP ? node->pairs[i].value : node->items[i]);
}

/* What a row says about the value under its key. */
static void mark_value(const struct belfry_option *row, const struct yaml_node *node)
{
    if (row->flags & BELFRY_OPT_SECRET) {
        mark(node);
        return;
    }
    if (row->type == BELFRY_OPT_OBJECT && row->children) {
        config_mark_secrets(row->children, node);
        return;
    }
    if ((row->type != BELFRY_OPT_LIST && row->type != BELFRY_OPT_MAP) || !row->children)
        return;
    if (node->kind == YAML_SCALAR)
        mark_value(row->children, node);
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_node *value = node->kind == YAML_MAP ? node->pairs[i].value : node->items[i];
        if (node->kind == YAML_MAP && option_secret_header(row, node->pairs[i].key->text))
            mark(value);
        else
            mark_value(row->children, value);
    }
}

void config_mark_secrets(const struct belfry_option *table, const struct yaml_node *map)
{
    if (map->kind != YAML_MAP)
        return;
    for (const struct belfry_option *row = table; row && row->struct_size; row++) {
        const struct yaml_node *node = yaml_get(map, row->name);
        if (node)
            mark_value(row, node);
    }
}
