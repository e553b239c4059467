/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a configuration file: read, references found, shown as text and JSON. */
#include "base/arena.h"
#include "yaml/tree.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What every reader of a tree relies on. */
static void check(const struct yaml_node *node, struct belfry_str text)
{
    if (node->span.end > text.len || node->span.begin > node->span.end || node->span.line == 0 || node->span.col == 0)
        abort();
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_node *child = node->kind == YAML_MAP ? node->pairs[i].value : node->items[i];
        if (child->parent != node || child->index != i || (node->kind == YAML_MAP) != (child->key != NULL))
            abort();
        if (child->key && (child->key != node->pairs[i].key || child->key->kind != YAML_SCALAR))
            abort();
        check(child, text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(0);
    struct diag_set *diags = diag_set_new();
    uint32_t file = diag_add_file(diags, "fuzz.yaml", str_slice((const char *)data, size));
    const struct yaml_node *root = yaml_load(arena, diags, file);
    if (root)
        check(root, diag_file_text(diags, file));
    if (!root && diag_count(diags, DIAG_ERROR) == 0)
        abort();
    yaml_substitute(arena, diags, root, YAML_SECRETS_SKIP);
    struct buf out = {0};
    diag_render_text(diags, &out, 1);
    if (!str_utf8_valid(buf_str(&out)))
        abort();
    buf_clear(&out);
    diag_render_json(diags, &out);
    json_decref(yaml_to_json(root));
    buf_free(&out);
    diag_set_free(diags);
    arena_free(arena);
    return 0;
}
