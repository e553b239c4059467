/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths and values of a hook. A value of `data` is YAML as it will be JSON, in which a text is a template and a map
 * with `value_of` is the value at a path, of whatever type: {value_of: body.action, table: {opened: open}, default:
 * closed}. What a path can begin with is known here, so a word that is misspelled there is found before anything is
 * posted.
 */
#include "config/build.h"
#include "config/hook.h"
#include "template/template.h"

#define SEGMENTS_MAX 64
#define DEPTH_MAX 32

const char *const config_hook_paths[] = {"body.*", "headers.*", "item.*", "body", "item", "index", "hash", NULL};

/* --- paths -------------------------------------------------------------------------------------------------------- */

static void bad_path(struct config_build *b, const struct yaml_node *node, struct belfry_str path, const char *what)
{
    struct diag *d = config_error(b, "H409", node, "the path `%s` %s", config_show(b, path), what);
    diag_help(b->diags, d, "paths of a hook: body.*, headers.*, item.* with `each`, index, hash");
}

static int is_lower(struct belfry_str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] >= 'A' && name.ptr[i] <= 'Z')
            return 0;
    return 1;
}

int config_hook_path_fits(struct config_build *b, const struct yaml_node *node, struct belfry_str path, int with_item)
{
    static const char *const roots[] = {"body", "headers", "item", "index", "hash"};
    int pointer = path.len && path.ptr[0] == '/';
    struct belfry_str whole = pointer ? str_slice(path.ptr + 1, path.len - 1) : path;
    struct belfry_str rest, root = str_cut(whole, pointer ? '/' : '.', &rest);
    size_t known = 0;
    while (known < 5 && !str_eqz(root, roots[known]))
        known++;
    if (known == 5) {
        struct diag *d = config_error(b, "H409", node, "the path `%s` leads nowhere", config_show(b, path));
        const char *near = config_nearest(b, root, roots, 5);
        if (near)
            diag_suggest(b->diags, d,
                         arena_printf(diag_arena(b->diags), "%s%s%s%.*s", pointer ? "/" : "", near,
                                      !rest.ptr ? ""
                                      : pointer ? "/"
                                                : ".",
                                      STR_ARG(rest)));
        diag_help(b->diags, d, "paths of a hook: body.*, headers.*, item.* with `each`, index, hash");
    } else if (str_eqz(root, "item") && !with_item) {
        bad_path(b, node, path, "is that of an item, and the hook has no `each`");
    } else if (str_eqz(root, "headers") && !is_lower(rest)) {
        bad_path(b, node, path, "can never be there: names of headers are in lower case here");
    } else {
        return 0;
    }
    return -1;
}

/* ~1 is a slash and ~0 a tilde (RFC 6901 section 4). */
static struct belfry_str unescape(struct arena *arena, struct belfry_str token)
{
    char *out = arena_alloc(arena, token.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < token.len; i++) {
        int escape = token.ptr[i] == '~' && i + 1 < token.len && (token.ptr[i + 1] == '0' || token.ptr[i + 1] == '1');
        out[n++] = escape ? (token.ptr[++i] == '0' ? '~' : '/') : token.ptr[i];
    }
    return str_slice(out, n);
}

int config_hook_path(struct config_build *b, const struct yaml_node *node, int with_item, struct belfry_strs *out)
{
    struct belfry_str *segments = arena_alloc(b->arena, SEGMENTS_MAX * sizeof(*segments));
    if (!config_is_text(node)) {
        config_error(b, "H203", node, "a path must be a string, not %s", yaml_describe(diag_arena(b->diags), node));
        return -1;
    }
    if (config_hook_path_fits(b, node, node->text, with_item) != 0)
        return -1;
    int pointer = node->text.ptr[0] == '/';
    struct belfry_str rest = pointer ? str_slice(node->text.ptr + 1, node->text.len - 1) : node->text;
    size_t n = 0;
    while (rest.ptr && n < SEGMENTS_MAX) {
        struct belfry_str one = str_cut(rest, pointer ? '/' : '.', &rest);
        segments[n++] = unescape(b->arena, one);
        if (one.len || pointer)
            continue;
        bad_path(b, node, node->text, "has an empty part");
        return -1;
    }
    if (rest.ptr) {
        bad_path(b, node, node->text, "has too many parts");
        return -1;
    }
    *out = (struct belfry_strs){segments, n};
    return 0;
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static struct config_hook_value *build(struct config_build *b, const struct yaml_node *node, int with_item, int depth);

static int build_text(struct config_build *b, const struct yaml_node *node, int with_item,
                      struct config_hook_value *out)
{
    size_t count;
    if (option_template(b->arena, b->diags, node, NULL, &out->text) != BELFRY_OK)
        return -1;
    const struct belfry_str *paths = out->text ? template_paths(out->text, &count) : NULL;
    for (size_t i = 0; paths && i < count; i++)
        if (config_hook_path_fits(b, node, paths[i], with_item) != 0)
            return -1;
    out->kind = HOOK_TEXT;
    return 0;
}

static int build_members(struct config_build *b, const struct yaml_node *node, int with_item, int depth,
                         struct config_hook_value *out)
{
    struct config_hook_member *members = arena_alloc(b->arena, (node->count + 1) * sizeof(*members));
    int bad = 0;
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_node *value = node->kind == YAML_MAP ? node->pairs[i].value : node->items[i];
        if (node->kind == YAML_MAP)
            members[i].key = arena_strndup(b->arena, node->pairs[i].key->text.ptr, node->pairs[i].key->text.len);
        members[i].value = build(b, value, with_item, depth + 1);
        bad |= !members[i].value;
    }
    out->members = members;
    out->count = node->count;
    return bad ? -1 : 0;
}

/* {value_of: PATH, table: {TEXT: VALUE}, default: VALUE} */
static int build_path(struct config_build *b, const struct yaml_node *node, int with_item, int depth,
                      struct config_hook_value *out)
{
    static const char *const keys[] = {"value_of", "table", "default"};
    const struct yaml_node *table = yaml_get(node, "table"), *otherwise = yaml_get(node, "default");
    out->kind = HOOK_PATH;
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_node *key = node->pairs[i].key;
        if (str_eqz(key->text, keys[0]) || str_eqz(key->text, keys[1]) || str_eqz(key->text, keys[2]))
            continue;
        struct diag *d = config_error(b, "H201", key, "unknown key `%s` beside `value_of`", config_show(b, key->text));
        diag_suggest(b->diags, d, config_nearest(b, key->text, keys, 3));
        return -1;
    }
    if (table && table->kind != YAML_MAP) {
        config_error(b, "H210", table, "`table` must be a map of texts, not %s",
                     yaml_describe(diag_arena(b->diags), table));
        return -1;
    }
    if (config_hook_path(b, yaml_get(node, "value_of"), with_item, &out->path) != 0 ||
        (table && build_members(b, table, with_item, depth, out) != 0))
        return -1;
    out->otherwise = otherwise ? build(b, otherwise, with_item, depth + 1) : NULL;
    return otherwise && !out->otherwise ? -1 : 0;
}

static struct config_hook_value *build(struct config_build *b, const struct yaml_node *node, int with_item, int depth)
{
    struct config_hook_value *out = arena_alloc(b->arena, sizeof(*out));
    int bad = 0;
    if (depth > DEPTH_MAX) {
        config_error(b, "H204", node, "`data` is deeper than %d levels", DEPTH_MAX);
        return NULL;
    }
    if (node->kind == YAML_SCALAR && node->scalar == YAML_STRING) {
        bad = build_text(b, node, with_item, out);
    } else if (node->kind == YAML_SCALAR) {
        out->kind = HOOK_CONSTANT;
        out->constant = node;
    } else if (node->kind == YAML_MAP && yaml_get(node, "value_of")) {
        bad = build_path(b, node, with_item, depth, out);
    } else {
        out->kind = node->kind == YAML_MAP ? HOOK_OBJECT : HOOK_LIST;
        bad = build_members(b, node, with_item, depth, out);
    }
    return bad ? NULL : out;
}

const struct config_hook_value *config_build_hook_value(struct config_build *b, const struct yaml_node *node,
                                                        int with_item)
{
    if (node->kind == YAML_MAP)
        return build(b, node, with_item, 0);
    config_error(b, "H210", node, "`data` must be a map, not %s", yaml_describe(diag_arena(b->diags), node));
    return NULL;
}
