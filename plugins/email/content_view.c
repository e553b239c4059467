/* SPDX-License-Identifier: Apache-2.0 */
/* The model as the host's templates read it: where it lies, since printing and parsing it took longer than the mail. */
#include "content_inside.h"

static void value_of(const json_t *node, struct belfry_value *out)
{
    *out = (struct belfry_value){.type = BELFRY_VALUE_MISSING, .node = node};
    switch (node ? (int)json_typeof(node) : -1) {
    case JSON_OBJECT:
        out->type = BELFRY_VALUE_OBJECT;
        out->count = (uint32_t)json_object_size(node);
        break;
    case JSON_ARRAY:
        out->type = BELFRY_VALUE_ARRAY;
        out->count = (uint32_t)json_array_size(node);
        break;
    case JSON_STRING:
        out->type = BELFRY_VALUE_STRING;
        out->s = (struct belfry_str){json_string_value(node), json_string_length(node)};
        break;
    case JSON_INTEGER:
        out->type = BELFRY_VALUE_INT;
        out->i = json_integer_value(node);
        break;
    case JSON_REAL:
        out->type = BELFRY_VALUE_REAL;
        out->d = json_real_value(node);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        out->type = BELFRY_VALUE_BOOL;
        out->i = json_is_true(node);
        break;
    case JSON_NULL:
        out->type = BELFRY_VALUE_NULL;
        break;
    default:
        break;
    }
}

static void view_root(const struct belfry_view *view, struct belfry_value *out)
{
    value_of(view->impl, out);
}

static void view_get(const struct belfry_view *view, const struct belfry_value *object, struct belfry_str key,
                     struct belfry_value *out)
{
    (void)view;
    value_of(object->type == BELFRY_VALUE_OBJECT ? json_object_getn(object->node, key.ptr, key.len) : NULL, out);
}

static void view_at(const struct belfry_view *view, const struct belfry_value *array, uint32_t index,
                    struct belfry_value *out)
{
    (void)view;
    value_of(array->type == BELFRY_VALUE_ARRAY ? json_array_get(array->node, index) : NULL, out);
}

struct belfry_view content_view(const json_t *model)
{
    return (struct belfry_view){
        .struct_size = sizeof(struct belfry_view), .impl = model, .root = view_root, .get = view_get, .at = view_at};
}
