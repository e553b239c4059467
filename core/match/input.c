/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions come as located YAML or as JSON. Both become one small tree first, so that the grammar and its messages
 * exist once. The tree lives only while a condition is compiled: whatever stays is copied from it.
 */
#include "match/tree.h"

#include "base/json.h"

#include <math.h>
#include <stdio.h>

/* What reads YAML and JSON stops at this depth too; here it bounds the recursion for trees that were made otherwise. */
#define MAX_DEPTH 66

/* --- YAML --------------------------------------------------------------------------------------------------------- */

static const struct match_input *from_yaml(struct arena *arena, const struct yaml_node *node, size_t depth);

static void read_number(struct match_input *in, enum yaml_scalar scalar)
{
    in->kind = IN_REAL;
    if (scalar == YAML_INT && str_to_i64(in->text, &in->i) == 0)
        in->kind = IN_INT;
    else if (str_to_double(in->text, &in->d) != 0)
        in->d = (double)NAN; /* .inf, .nan and what overflows; refused where it is used */
}

static void read_scalar(struct match_input *in, const struct yaml_node *node)
{
    in->text = node->text;
    in->plain = node->plain;
    in->tainted = node->tainted || node->unresolved;
    in->unresolved = node->unresolved;
    switch (node->scalar) {
    case YAML_NULL:
        in->kind = IN_NULL;
        break;
    case YAML_BOOL:
        in->kind = IN_BOOL;
        in->i = node->text.len == 4;
        break;
    case YAML_INT:
    case YAML_FLOAT:
        read_number(in, node->scalar);
        break;
    case YAML_STRING:
        in->kind = IN_STRING;
        break;
    }
}

static void read_members(struct arena *arena, struct match_input *in, const struct yaml_node *node, size_t depth)
{
    struct match_member *members = arena_alloc(arena, node->count * sizeof(*members));

    for (size_t i = 0; i < node->count; i++) {
        if (node->kind == YAML_MAP) {
            members[i].key = node->pairs[i].key->text;
            members[i].key_place.yaml = node->pairs[i].key;
            members[i].value = from_yaml(arena, node->pairs[i].value, depth + 1);
        } else {
            members[i].value = from_yaml(arena, node->items[i], depth + 1);
        }
    }
    in->members = members;
    in->count = node->count;
}

static const struct match_input *from_yaml(struct arena *arena, const struct yaml_node *node, size_t depth)
{
    struct match_input *in = arena_alloc(arena, sizeof(*in));

    in->place.yaml = node;
    if (node->kind == YAML_SCALAR) {
        read_scalar(in, node);
        return in;
    }
    in->kind = node->kind == YAML_MAP ? IN_MAP : IN_LIST;
    if (depth < MAX_DEPTH && node->count > 0)
        read_members(arena, in, node, depth);
    return in;
}

const struct match_input *match_input_yaml(struct arena *arena, const struct yaml_node *node)
{
    return from_yaml(arena, node, 0);
}

/* --- JSON --------------------------------------------------------------------------------------------------------- */

static const struct match_input *from_json(struct arena *arena, const json_t *node, struct buf *pointer, size_t depth);

static const struct match_input *json_child(struct arena *arena, const json_t *child, struct belfry_str token,
                                            struct buf *pointer, size_t depth)
{
    size_t before = pointer->len;
    const struct match_input *in;

    json_pointer_add(pointer, token);
    in = from_json(arena, child, pointer, depth + 1);
    pointer->len = before;
    pointer->ptr[before] = '\0';
    return in;
}

static void json_object_members(struct arena *arena, struct match_input *in, const json_t *node, struct buf *pointer,
                                size_t depth)
{
    struct match_member *member = arena_alloc(arena, json_object_size(node) * sizeof(*member));
    const char *key;
    size_t len;
    json_t *value;

    in->members = member;
    in->count = json_object_size(node);
    json_object_keylen_foreach((json_t *)(uintptr_t)node, key, len, value)
    {
        member->key = arena_str(arena, str_slice(key, len));
        member->value = json_child(arena, value, member->key, pointer, depth);
        member->key_place = member->value->place;
        member++;
    }
}

static void json_array_members(struct arena *arena, struct match_input *in, const json_t *node, struct buf *pointer,
                               size_t depth)
{
    struct match_member *members = arena_alloc(arena, json_array_size(node) * sizeof(*members));

    in->members = members;
    in->count = json_array_size(node);
    for (size_t i = 0; i < in->count; i++) {
        char index[24];
        snprintf(index, sizeof(index), "%zu", i);
        members[i].value = json_child(arena, json_array_get(node, i), str_of(index), pointer, depth);
    }
}

static const struct match_input *from_json(struct arena *arena, const json_t *node, struct buf *pointer, size_t depth)
{
    struct match_input *in = arena_alloc(arena, sizeof(*in));

    in->place.pointer = arena_strdup(arena, pointer->len > 0 ? pointer->ptr : "");
    switch (json_typeof(node)) {
    case JSON_NULL:
        in->kind = IN_NULL;
        in->text = STR("null");
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        in->kind = IN_BOOL;
        in->i = json_is_true(node);
        in->text = in->i ? STR("true") : STR("false");
        break;
    case JSON_INTEGER:
        in->kind = IN_INT;
        in->i = json_integer_value(node);
        in->text = str_of(arena_printf(arena, "%lld", (long long)in->i));
        break;
    case JSON_REAL:
        in->kind = IN_REAL;
        in->d = json_real_value(node);
        in->text = str_of(arena_printf(arena, "%.15g", in->d));
        break;
    case JSON_STRING:
        in->kind = IN_STRING;
        in->text = arena_str(arena, json_str(node));
        break;
    case JSON_ARRAY:
        in->kind = IN_LIST;
        if (depth < MAX_DEPTH && json_array_size(node) > 0)
            json_array_members(arena, in, node, pointer, depth);
        break;
    case JSON_OBJECT:
        in->kind = IN_MAP;
        if (depth < MAX_DEPTH && json_object_size(node) > 0)
            json_object_members(arena, in, node, pointer, depth);
        break;
    }
    return in;
}

const struct match_input *match_input_json(struct arena *arena, const json_t *node)
{
    struct buf pointer = {0};
    const struct match_input *in = from_json(arena, node, &pointer, 0);

    buf_free(&pointer);
    return in;
}

/* --- both --------------------------------------------------------------------------------------------------------- */

const char *match_describe(struct arena *arena, const struct match_input *in)
{
    if (in->tainted)
        return "a secret";
    switch (in->kind) {
    case IN_NULL:
        return in->text.len > 0 ? "null" : "nothing";
    case IN_BOOL:
        return in->i ? "true" : "false";
    case IN_INT:
    case IN_REAL:
        return arena_printf(arena, "the number %.*s", SHOWN(in->text));
    case IN_STRING:
        return in->text.len > 0 ? arena_printf(arena, "the text `%.*s`", SHOWN(in->text)) : "an empty text";
    case IN_LIST:
        return in->count > 0 ? "a list" : "an empty list";
    case IN_MAP:
        return in->count > 0 ? "a map" : "an empty map";
    }
    return "nothing";
}

struct diag_span match_span(struct match_place place)
{
    return place.yaml != NULL ? place.yaml->span : diag_nowhere();
}
