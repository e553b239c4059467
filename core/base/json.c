/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ways into a JSON tree: RFC 6901 pointers, slices, and the view that conditions and templates read. A view is a
 * handful of functions over borrowed nodes; it allocates nothing.
 */
#include "base/json.h"

#include "base/mem.h"

#include <stdlib.h>

struct belfry_str json_str(const json_t *value)
{
    if (!json_is_string(value))
        return (struct belfry_str){0};
    return str_slice(json_string_value(value), json_string_length(value));
}

void json_set_str(json_t *object, const char *key, struct belfry_str value)
{
    json_t *string = json_stringn(value.ptr ? value.ptr : "", value.len);
    if (!string) {
        /* Not UTF-8: mend it as json_write_str does, rather than lose the member. */
        struct buf mended = {0};
        for (size_t pos = 0; pos < value.len;) {
            size_t from = pos;
            if (str_utf8_next(value, &pos) == 0xfffd)
                buf_addz(&mended, "\xef\xbf\xbd");
            else
                buf_add(&mended, value.ptr + from, pos - from);
        }
        string = json_stringn(mended.ptr, mended.len);
        buf_free(&mended);
    }
    json_object_set_new(object, key, string);
}

/* --- pointers ------------------------------------------------------------------------------------------------- */

void json_pointer_add(struct buf *pointer, struct belfry_str token)
{
    buf_addc(pointer, '/');
    for (size_t i = 0; i < token.len; i++) {
        if (token.ptr[i] == '~')
            buf_addz(pointer, "~0");
        else if (token.ptr[i] == '/')
            buf_addz(pointer, "~1");
        else
            buf_addc(pointer, token.ptr[i]);
    }
}

/* Undoes the escapes of a token into out. 0 when a ~ is followed by neither 0 nor 1. */
static int unescape(struct belfry_str token, struct buf *out)
{
    for (size_t i = 0; i < token.len; i++) {
        if (token.ptr[i] != '~') {
            buf_addc(out, token.ptr[i]);
            continue;
        }
        i++;
        if (i == token.len || (token.ptr[i] != '0' && token.ptr[i] != '1'))
            return 0;
        buf_addc(out, token.ptr[i] == '0' ? '~' : '/');
    }
    return 1;
}

/* Digits without leading zeros (RFC 6901 section 4); "-" and all else name no item. */
static json_t *item_at(const json_t *array, struct belfry_str token)
{
    int64_t index;
    if (token.len == 0 || token.ptr[0] < '0' || token.ptr[0] > '9' || (token.len > 1 && token.ptr[0] == '0') ||
        str_to_i64(token, &index) != BELFRY_OK)
        return NULL;
    return json_array_get(array, (size_t)index);
}

static json_t *member_at(const json_t *object, struct belfry_str token)
{
    if (token.len == 0 || !memchr(token.ptr, '~', token.len))
        return json_object_getn(object, token.ptr, token.len);
    struct buf key = {0};
    json_t *value = NULL;
    if (unescape(token, &key))
        value = json_object_getn(object, key.ptr, key.len);
    buf_free(&key);
    return value;
}

json_t *json_at(const json_t *root, const char *pointer)
{
    json_t *node = (json_t *)root; /* handed out borrowed, as jansson's own getters do */
    const char *p = pointer;
    while (node && *p) {
        if (*p != '/')
            return NULL;
        const char *end = strchrnul(++p, '/');
        struct belfry_str token = str_slice(p, (size_t)(end - p));
        node = json_is_array(node) ? item_at(node, token) : member_at(node, token);
        p = end;
    }
    return node;
}

/* --- views ------------------------------------------------------------------------------------------------------ */

void json_value(const json_t *node, struct belfry_value *out)
{
    *out = (struct belfry_value){.type = BELFRY_VALUE_MISSING, .node = node};
    if (!node)
        return;
    switch (json_typeof(node)) {
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
        out->s = json_str(node);
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
    }
}

static void view_root(const struct belfry_view *view, struct belfry_value *out)
{
    json_value(view->impl, out);
}

static void view_get(const struct belfry_view *view, const struct belfry_value *object, struct belfry_str key,
                     struct belfry_value *out)
{
    (void)view;
    json_value(object->type == BELFRY_VALUE_OBJECT ? json_object_getn(object->node, key.ptr, key.len) : NULL, out);
}

static void view_at(const struct belfry_view *view, const struct belfry_value *array, uint32_t index,
                    struct belfry_value *out)
{
    (void)view;
    json_value(array->type == BELFRY_VALUE_ARRAY ? json_array_get(array->node, index) : NULL, out);
}

/* Moves the cursor to a member: forward from where it stands when it can, else from the first. */
static void cursor_seek(struct json_cursor *cursor, const struct belfry_value *object, uint32_t index)
{
    json_t *node = (json_t *)object->node;
    if (cursor->object != node || !cursor->iter || index < cursor->index) {
        cursor->object = node;
        cursor->iter = json_object_iter(node);
        cursor->index = 0;
    }
    for (; cursor->iter && cursor->index < index; cursor->index++)
        cursor->iter = json_object_iter_next(node, cursor->iter);
}

static void cursor_member(struct json_cursor *cursor, const struct belfry_value *object, uint32_t index,
                          struct belfry_str *key, struct belfry_value *out)
{
    *key = (struct belfry_str){0};
    if (object->type != BELFRY_VALUE_OBJECT || index >= object->count) {
        json_value(NULL, out);
        return;
    }
    cursor_seek(cursor, object, index);
    *key = str_slice(json_object_iter_key(cursor->iter), json_object_iter_key_len(cursor->iter));
    json_value(json_object_iter_value(cursor->iter), out);
}

static void view_member(const struct belfry_view *view, const struct belfry_value *object, uint32_t index,
                        struct belfry_str *key, struct belfry_value *out)
{
    (void)view;
    struct json_cursor fresh = {0};
    cursor_member(&fresh, object, index, key, out);
}

struct belfry_view json_view(const json_t *root)
{
    return (struct belfry_view){sizeof(struct belfry_view), 0, root, view_root, view_get, view_at, view_member};
}

static void walk_root(const struct belfry_view *view, struct belfry_value *out)
{
    json_value(((const struct json_cursor *)view->impl)->root, out);
}

static void walk_member(const struct belfry_view *view, const struct belfry_value *object, uint32_t index,
                        struct belfry_str *key, struct belfry_value *out)
{
    cursor_member((struct json_cursor *)view->impl, object, index, key, out);
}

struct belfry_view json_view_cursor(struct json_cursor *cursor, const json_t *root)
{
    *cursor = (struct json_cursor){.root = root};
    return (struct belfry_view){sizeof(struct belfry_view), 0, cursor, walk_root, view_get, view_at, walk_member};
}

const char *json_type_text(const json_t *value)
{
    static const char *const text[] = {
        [JSON_OBJECT] = "an object",   [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
        [JSON_INTEGER] = "an integer", [JSON_REAL] = "a number",  [JSON_TRUE] = "a boolean",
        [JSON_FALSE] = "a boolean",    [JSON_NULL] = "null",
    };
    return value ? text[json_typeof(value)] : "nothing";
}
