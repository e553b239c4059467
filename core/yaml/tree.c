/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to a finished tree: look-up, description for messages, path, JSON. */
#include "yaml/tree.h"

#include "base/json.h"

#include <stdlib.h>

const struct yaml_pair *yaml_pair(const struct yaml_node *map, const char *key)
{
    if (!map || map->kind != YAML_MAP)
        return NULL;
    struct belfry_str name = str_of(key);
    for (size_t i = 0; i < map->count; i++) {
        if (str_eq(map->pairs[i].key->text, name))
            return &map->pairs[i];
    }
    return NULL;
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
    const struct yaml_pair *pair = yaml_pair(map, key);
    return pair ? pair->value : NULL;
}

/* --- description ----------------------------------------------------------------------------------------------- */

#define SHOWN 40

static const char *describe_text(struct arena *arena, const char *what, struct belfry_str text)
{
    struct buf out = {0};
    size_t at = 0;
    for (int n = 0; at < text.len && n < SHOWN; n++) {
        size_t begin = at;
        uint32_t c = str_utf8_next(text, &at);
        if (c < 0x20 || c == 0x7F)
            buf_addf(&out, "\\x%02X", (unsigned)c);
        else
            buf_add(&out, text.ptr + begin, at - begin);
    }
    const char *described = arena_printf(arena, "%s `%s%s`", what, out.ptr ? out.ptr : "", at < text.len ? "..." : "");
    buf_free(&out);
    return described;
}

const char *yaml_describe(struct arena *arena, const struct yaml_node *node)
{
    if (!node)
        return "nothing";
    if (node->kind != YAML_SCALAR)
        return node->kind == YAML_MAP ? "a map" : "a list";
    if (node->tainted)
        return "a secret";
    switch (node->scalar) {
    case YAML_NULL:
        return "nothing";
    case YAML_BOOL:
        return arena_printf(arena, "the boolean %.*s", STR_ARG(node->text));
    case YAML_INT:
    case YAML_FLOAT:
        if (node->text.len <= SHOWN)
            return arena_printf(arena, "the number %.*s", STR_ARG(node->text));
        return "a long number";
    case YAML_STRING:
        break;
    }
    return node->text.len ? describe_text(arena, "the string", node->text) : "an empty string";
}

/* --- path ------------------------------------------------------------------------------------------------------- */

static void add_token(struct buf *path, const struct yaml_node *node)
{
    if (node->key)
        json_pointer_add(path, node->key->text);
    else if (node->parent->kind == YAML_LIST)
        buf_addf(path, "/%zu", node->index);
}

static void add_path(struct buf *path, const struct yaml_node *node)
{
    const struct yaml_node *chain[80]; /* deeper than any tree */
    size_t depth = 0;
    for (; node && node->parent && depth < sizeof(chain) / sizeof(chain[0]); node = node->parent)
        chain[depth++] = node;
    while (depth > 0)
        add_token(path, chain[--depth]);
}

const char *yaml_path(struct arena *arena, const struct yaml_node *node)
{
    struct buf path = {0};
    add_path(&path, node);
    const char *text = arena_strndup(arena, path.ptr ? path.ptr : "", path.len);
    buf_free(&path);
    return text;
}

/* --- JSON ------------------------------------------------------------------------------------------------------- */

/* JSON wants a digit on both sides of the point and no plus sign; it has no infinity, which stays text. */
static json_t *float_to_json(struct belfry_str text)
{
    struct buf number = {0};
    for (size_t i = text.len > 0 && text.ptr[0] == '+'; i < text.len; i++) {
        char before = i > 0 ? text.ptr[i - 1] : '-', after = i + 1 < text.len ? text.ptr[i + 1] : 'e';
        if (text.ptr[i] == '.' && (before < '0' || before > '9'))
            buf_addc(&number, '0');
        buf_addc(&number, text.ptr[i]);
        if (text.ptr[i] == '.' && (after < '0' || after > '9'))
            buf_addc(&number, '0');
    }
    double real;
    json_t *value = str_to_double(buf_str(&number), &real) == BELFRY_OK ? json_real(real) : NULL;
    buf_free(&number);
    return value;
}

static json_t *number_to_json(const struct yaml_node *node)
{
    struct belfry_str text = node->text;
    int64_t whole;
    if (text.len && text.ptr[0] == '+')
        text = str_slice(text.ptr + 1, text.len - 1);
    if (node->scalar == YAML_INT && str_to_i64(text, &whole) == BELFRY_OK)
        return json_integer(whole);
    json_t *value = float_to_json(text);
    return value ? value : json_stringn(node->text.ptr, node->text.len);
}

static json_t *text_to_json(struct belfry_str text)
{
    json_t *value = json_stringn(text.ptr ? text.ptr : "", text.len);
    return value ? value : json_string("");
}

static json_t *scalar_to_json(const struct yaml_node *node)
{
    switch (node->scalar) {
    case YAML_NULL:
        return json_null();
    case YAML_BOOL:
        return json_boolean((node->text.ptr[0] | 32) == 't');
    case YAML_INT:
    case YAML_FLOAT:
        return number_to_json(node);
    case YAML_STRING:
        break;
    }
    return text_to_json(node->text);
}

json_t *yaml_to_json(const struct yaml_node *node)
{
    if (!node)
        return json_null();
    if (node->kind == YAML_SCALAR)
        return scalar_to_json(node);
    json_t *value = node->kind == YAML_MAP ? json_object() : json_array();
    for (size_t i = 0; i < node->count; i++) {
        if (node->kind == YAML_LIST) {
            json_array_append_new(value, yaml_to_json(node->items[i]));
            continue;
        }
        struct belfry_str key = node->pairs[i].key->text;
        json_object_setn_new(value, key.ptr ? key.ptr : "", key.len, yaml_to_json(node->pairs[i].value));
    }
    return value;
}
