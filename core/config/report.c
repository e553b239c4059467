/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sections share: reporting at a node with its path, and small questions to the tree. A value that holds a
 * secret, or a reference that was not resolved, is never judged and never quoted.
 */
#include "config/build.h"

static struct diag *add(struct config_build *b, const char *code, enum diag_severity severity,
                        const struct yaml_node *at, const char *format, va_list args)
{
    struct buf message = {0};
    buf_vaddf(&message, format, args);
    struct diag *d = diag_add(b->diags, code, severity, at->span, "%s", message.ptr ? message.ptr : "");
    buf_free(&message);
    if (at->parent)
        d->path = yaml_path(diag_arena(b->diags), at);
    return d;
}

struct diag *config_error(struct config_build *b, const char *code, const struct yaml_node *at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct diag *d = add(b, code, DIAG_ERROR, at, format, args);
    va_end(args);
    return d;
}

struct diag *config_warning(struct config_build *b, const char *code, const struct yaml_node *at, const char *format,
                            ...)
{
    va_list args;
    va_start(args, format);
    struct diag *d = add(b, code, DIAG_WARNING, at, format, args);
    va_end(args);
    return d;
}

struct diag *config_note(struct config_build *b, const char *code, const struct yaml_node *at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct diag *d = add(b, code, DIAG_NOTE, at, format, args);
    va_end(args);
    return d;
}

struct diag *config_file_error(struct config_build *b, const char *code, const char *format, ...)
{
    struct buf message = {0};
    va_list args;
    va_start(args, format);
    buf_vaddf(&message, format, args);
    va_end(args);
    struct diag_span span = diag_span_at(b->diags, b->main_file, 0, 0);
    struct diag *d = diag_add(b->diags, code, DIAG_ERROR, span, "%s", message.ptr ? message.ptr : "");
    buf_free(&message);
    return d;
}

const char *config_join(struct config_build *b, const char *const *words, size_t count)
{
    struct buf out = {0};
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_addz(&out, i + 1 == count ? " and " : ", ");
        buf_addz(&out, words[i]);
    }
    const char *joined = arena_strndup(diag_arena(b->diags), out.ptr ? out.ptr : "", out.len);
    buf_free(&out);
    return joined;
}

int config_is_text(const struct yaml_node *node)
{
    return node && node->kind == YAML_SCALAR && node->scalar != YAML_NULL && node->scalar != YAML_BOOL &&
           node->text.len > 0 && !memmem(node->text.ptr, node->text.len, "\xEF\xBF\xBD", 3);
}

int config_is_nothing(const struct yaml_node *node)
{
    return !node || (node->kind == YAML_SCALAR && node->scalar == YAML_NULL);
}

const struct yaml_node *config_map(struct config_build *b, enum config_section section)
{
    const struct yaml_node *node = yaml_get(b->root, config_sections[section]);
    if (config_is_nothing(node))
        return NULL;
    if (node->kind == YAML_MAP)
        return node;
    struct diag *d = config_error(b, "H210", node, "`%s` must be a map of names, not %s", config_sections[section],
                                  yaml_describe(diag_arena(b->diags), node));
    if (node->kind == YAML_LIST)
        diag_help(b->diags, d, "write `NAME: {...}` instead of `- ...`");
    return NULL;
}

int config_is_partial(const struct config_build *b, enum config_section section)
{
    const struct yaml_node *node = yaml_get(b->root, config_sections[section]);
    if (b->unread || !node)
        return b->unread || b->root->partial;
    return node->partial || (!config_is_nothing(node) && node->kind != YAML_MAP);
}

size_t config_items(const struct yaml_node *const *node, const struct yaml_node *const **items)
{
    if (config_is_nothing(*node))
        return 0;
    if ((*node)->kind == YAML_LIST) {
        *items = (*node)->items;
        return (*node)->count;
    }
    *items = node;
    return 1;
}

void *config_fill(struct config_build *b, const struct belfry_option *table, const struct yaml_node *map, size_t size,
                  const char *const *also, size_t also_count)
{
    static const struct yaml_node empty = {.kind = YAML_MAP};
    struct option_scope scope = {.also = also, .also_count = also_count};
    void *out = arena_alloc(b->arena, size ? size : 1);
    if (config_is_nothing(map)) {
        struct yaml_node *nothing = arena_memdup(b->arena, map ? map : &empty, sizeof(empty));
        nothing->kind = YAML_MAP;
        nothing->count = 0;
        map = nothing;
    }
    belfry_status status = option_fill(b->arena, b->diags, table, map, &scope, out, size);
    config_mark_secrets(table, map);
    return status == BELFRY_OK ? out : NULL;
}

size_t config_foreign_keys(struct config_build *b, const struct yaml_node *map, const char *const (*words)[2],
                           const char **also, size_t max)
{
    size_t found = 0;
    for (size_t i = 0; map->kind == YAML_MAP && i < map->count && found < max; i++) {
        const struct yaml_node *key = map->pairs[i].key;
        for (size_t k = 0; words[k][0]; k++) {
            if (!str_eqz(key->text, words[k][0]))
                continue;
            struct diag *d = config_error(b, "H201", key, "unknown key `%s`", words[k][0]);
            d->path = yaml_path(diag_arena(b->diags), map->pairs[i].value);
            diag_help(b->diags, d, "%s", words[k][1]);
            also[found++] = words[k][0];
            break;
        }
    }
    return found;
}
