/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walker: one map against one table. Defaults first, then what is written, so that two rows may share a place (an
 * old name beside the new one). A value with a fault leaves its place as it was; the caller throws the struct away.
 *
 * A table is finite and was checked (option_table_fault), so the recursion is bounded by it; a map by the reader.
 */
#include "plugin/option_internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void fill_table(struct option_walk *w, const struct belfry_option *table, const struct yaml_node *map, int top,
                       char *out);

/* --- defaults --------------------------------------------------------------------------------------------------- */

static int is_yaml(const struct belfry_option *row)
{
    return row->type == BELFRY_OPT_OBJECT || row->type == BELFRY_OPT_LIST || row->type == BELFRY_OPT_MAP ||
           row->type == BELFRY_OPT_CONDITION;
}

const struct yaml_node *option_default(struct arena *arena, struct diag_set *diags, const struct belfry_option *row)
{
    if (is_yaml(row))
        return yaml_load(arena, diags, diag_add_file(diags, row->name ? row->name : "default", str_of(row->def)));
    struct yaml_node *node = arena_alloc(arena, sizeof(*node));
    node->kind = YAML_SCALAR;
    node->text = node->raw = str_of(row->def);
    node->plain = 1;
    node->span = diag_nowhere();
    int literal = row->type == BELFRY_OPT_BOOL || row->type == BELFRY_OPT_INT || row->type == BELFRY_OPT_DOUBLE ||
                  row->type == BELFRY_OPT_DURATION || row->type == BELFRY_OPT_SIZE;
    node->scalar = literal ? yaml_classify(node->text) : YAML_STRING;
    return node;
}

/* Faults cannot be met here: the table was tried when it was checked. References are not: nobody wrote them. */
static void fill_default(struct option_walk *w, const struct belfry_option *row, void *slot)
{
    static const struct option_scope nobody;
    struct option_scope scope = nobody;
    scope.recipient_words = w->scope->recipient_words;
    scope.recipient_word_count = w->scope->recipient_word_count;
    struct option_walk inner = {w->arena, diag_set_new(), w->root, &scope};
    const struct yaml_node *node = option_default(w->arena, inner.diags, row);
    if (node)
        option_fill_value(&inner, row, node, slot);
    diag_set_free(inner.diags);
}

/* Everything that nobody wrote in a struct: its rows' defaults, and those of the structs embedded in it. */
static void fill_defaults(struct option_walk *w, const struct belfry_option *table, const struct yaml_node *map,
                          char *out)
{
    for (const struct belfry_option *row = table; row && row->struct_size; row++) {
        if (map && yaml_get(map, row->name))
            continue;
        if (row->def)
            fill_default(w, row, out + row->offset);
        else if (row->type == BELFRY_OPT_OBJECT && !option_flag(row, BELFRY_OPT_POINTER))
            fill_defaults(w, row->children, NULL, out + row->offset);
    }
}

static void hide_secret(struct option_walk *w, const struct yaml_node *node)
{
    diag_redact(w->diags, node->span);
    if (node->kind != YAML_SCALAR || node->tainted || !node->text.len || node->span.file == UINT32_MAX)
        return;
    if (!memmem(node->text.ptr, node->text.len, "${", 2)) /* a reference that is misspelled has its own message */
        option_report(w->diags, "H605", DIAG_WARNING, node, "%s is a secret and stands in the file",
                      option_subject(w->diags, node));
}

int option_secret_header(const struct belfry_option *row, struct belfry_str name)
{
    static const char *const telling[] = {"authorization", "cookie",   "token",     "key",
                                          "secret",        "password", "signature", "auth"};
    for (size_t k = 0; option_flag(row, BELFRY_OPT_HEADERS) && k < sizeof(telling) / sizeof(telling[0]); k++)
        for (size_t i = 0, len = strlen(telling[k]); i + len <= name.len; i++)
            if (strncasecmp(name.ptr + i, telling[k], len) == 0)
                return 1;
    return 0;
}

/* An item of a collection; a secret collection has secret items. */
static void fill_item(struct option_walk *w, const struct belfry_option *row, const struct yaml_node *node, void *slot)
{
    if (option_flag(row, BELFRY_OPT_SECRET) && !option_flag(row->children, BELFRY_OPT_SECRET)) /* else it says so */
        hide_secret(w, node);
    option_fill_value(w, row->children, node, slot);
}

/* --- collections ------------------------------------------------------------------------------------------------ */

static void fill_object(struct option_walk *w, const struct belfry_option *row, const struct yaml_node *node,
                        void *slot)
{
    if (node->kind != YAML_MAP) {
        option_wrong_type(w->diags, node->kind == YAML_LIST ? "H210" : "H203", node, "a map");
        return;
    }
    char *object = slot;
    if (option_flag(row, BELFRY_OPT_POINTER)) {
        object = arena_alloc(w->arena, row->size);
        *(void **)slot = object;
    }
    fill_table(w, row->children, node, 0, object);
}

static void check_count(struct option_walk *w, const struct belfry_option *row, const struct yaml_node *node,
                        size_t count, const char *what)
{
    if (!option_limited(row) || node->partial || ((int64_t)count >= row->min && (int64_t)count <= row->max))
        return;
    option_report(w->diags, "H204", DIAG_ERROR, node, "%s must have %s %s, not %zu", option_subject(w->diags, node),
                  option_range_text(diag_arena(w->diags), row->min, row->max, option_number_text), what, count);
}

static void fill_list(struct option_walk *w, const struct belfry_option *row, const struct yaml_node *node, void *slot)
{
    const struct belfry_option *element = row->children;
    const struct yaml_node *const *items = node->items;
    size_t count = node->count;
    if (node->kind != YAML_LIST) {
        int is_null = node->kind == YAML_SCALAR && node->scalar == YAML_NULL;
        if (is_null || !option_flag(row, BELFRY_OPT_SCALAR_LIST)) {
            option_wrong_type(w->diags, node->kind == YAML_MAP ? "H210" : "H203", node, "a list");
            return;
        }
        if (node->kind == YAML_MAP && element->type != BELFRY_OPT_OBJECT && element->type != BELFRY_OPT_MAP &&
            element->type != BELFRY_OPT_CONDITION) {
            option_wrong_type(w->diags, "H210", node, "a list or a single value");
            return;
        }
        items = &node;
        count = 1;
    }
    check_count(w, row, node, count, "items");
    struct belfry_list *list = slot;
    list->stride = option_value_size(element);
    list->count = (uint32_t)count;
    char *values = count ? arena_alloc(w->arena, count * list->stride) : NULL;
    list->items = values;
    for (size_t i = 0; i < count; i++)
        fill_item(w, row, items[i], values + i * list->stride);
    if (node->kind == YAML_LIST)
        option_check_unique(w, element, node);
}

static int compare_pairs(const void *a, const void *b)
{
    const struct yaml_pair *left = a, *right = b;
    size_t len = left->key->text.len < right->key->text.len ? left->key->text.len : right->key->text.len;
    int order = len ? memcmp(left->key->text.ptr, right->key->text.ptr, len) : 0;
    return order ? order : (left->key->text.len > right->key->text.len) - (left->key->text.len < right->key->text.len);
}

static int is_refused(const struct belfry_option *row, struct belfry_str key)
{
    for (const char *const *word = row->choices; word && *word; word++) {
        size_t len = strlen(*word);
        int prefix = (*word)[len - 1] == '*';
        if (prefix ? key.len >= len - 1 && strncasecmp(key.ptr, *word, len - 1) == 0
                   : key.len == len && strncasecmp(key.ptr, *word, len) == 0)
            return 1;
    }
    return 0;
}

static void check_key(struct option_walk *w, const struct belfry_option *row, const struct yaml_node *node)
{
    struct belfry_str key = node->text;
    const char *map = row->name ? row->name : "the map";
    if (key.len == 0 || memchr(key.ptr, '\0', key.len))
        option_report(w->diags, "H203", DIAG_ERROR, node, "a key of `%s` must not be empty or hold NUL", map);
    else if (is_refused(row, key))
        option_report(w->diags, "H219", DIAG_ERROR, node, "`%s` cannot be among the `%s`", diag_show(w->diags, key),
                      map);
}

static void fill_map(struct option_walk *w, const struct belfry_option *row, const struct yaml_node *node, void *slot)
{
    if (node->kind != YAML_MAP) {
        option_wrong_type(w->diags, node->kind == YAML_LIST ? "H210" : "H203", node, "a map");
        return;
    }
    check_count(w, row, node, node->count, "keys");
    if (node->count == 0)
        return;
    struct belfry_map *map = slot;
    map->stride = option_value_size(row->children);
    map->count = (uint32_t)node->count;
    struct yaml_pair *pairs = arena_memdup(w->arena, node->pairs, node->count * sizeof(*pairs));
    qsort(pairs, node->count, sizeof(*pairs), compare_pairs);
    const char **keys = arena_alloc(w->arena, node->count * sizeof(*keys));
    char *values = arena_alloc(w->arena, node->count * map->stride);
    map->keys = keys;
    map->values = values;
    for (size_t i = 0; i < node->count; i++) {
        struct belfry_str key = pairs[i].key->text;
        check_key(w, row, pairs[i].key);
        keys[i] = arena_strndup(w->arena, key.ptr ? key.ptr : "", key.len);
        if (option_secret_header(row, key))
            hide_secret(w, pairs[i].value);
        fill_item(w, row, pairs[i].value, values + i * map->stride);
    }
}

/* --- values and tables ------------------------------------------------------------------------------------------ */

void option_fill_value(struct option_walk *w, const struct belfry_option *row, const struct yaml_node *node, void *slot)
{
    if (option_flag(row, BELFRY_OPT_SECRET) && row->type != BELFRY_OPT_LIST && row->type != BELFRY_OPT_MAP)
        hide_secret(w, node);
    if (node->unresolved && is_yaml(row))
        return;
    switch (row->type) {
    case BELFRY_OPT_OBJECT:
        fill_object(w, row, node, slot);
        break;
    case BELFRY_OPT_LIST:
        fill_list(w, row, node, slot);
        break;
    case BELFRY_OPT_MAP:
        fill_map(w, row, node, slot);
        break;
    default:
        option_fill_scalar(w, row, node, slot);
    }
}

static void missing_key(struct option_walk *w, const struct belfry_option *row, const struct yaml_node *map)
{
    const struct yaml_node *place = map->key ? map->key : map;
    struct diag *d;
    if (map->key)
        d = diag_add(w->diags, "H202", DIAG_ERROR, place->span, "`%s` is missing in `%s`", row->name,
                     diag_show(w->diags, map->key->text));
    else
        d = diag_add(w->diags, "H202", DIAG_ERROR, place->span, "`%s` is missing in %s", row->name,
                     option_subject(w->diags, map));
    d->path = yaml_path(diag_arena(w->diags), map);
    if (row->doc)
        diag_help(w->diags, d, "%s: %s", row->name, row->doc);
}

static void fill_table(struct option_walk *w, const struct belfry_option *table, const struct yaml_node *map, int top,
                       char *out)
{
    size_t rows = 0;
    while (table && table[rows].struct_size)
        rows++;
    unsigned char *offered = arena_alloc(w->arena, rows + 1);
    option_check_keys(w, table, map, top, offered);
    fill_defaults(w, table, map, out);
    for (const struct belfry_option *row = table; row && row->struct_size; row++) {
        const struct yaml_node *node = yaml_get(map, row->name);
        if (node)
            option_fill_value(w, row, node, out + row->offset);
        else if (option_flag(row, BELFRY_OPT_REQUIRED) && !map->partial && !offered[row - table])
            missing_key(w, row, map);
    }
    option_check_siblings(w, table, map);
}

belfry_status option_fill(struct arena *arena, struct diag_set *diags, const struct belfry_option *table,
                          const struct yaml_node *map, const struct option_scope *scope, void *out, size_t size)
{
    static const struct option_scope nobody;
    struct option_walk w = {arena, diags, table, scope ? scope : &nobody};
    size_t before = diag_count(diags, DIAG_ERROR);
    (void)size;
    if (map->unresolved)
        return BELFRY_OK;
    if (map->kind == YAML_MAP)
        fill_table(&w, table, map, 1, out);
    else
        option_wrong_type(diags, map->kind == YAML_LIST ? "H210" : "H203", map, "a map");
    return diag_count(diags, DIAG_ERROR) == before ? BELFRY_OK : BELFRY_EINVAL;
}
