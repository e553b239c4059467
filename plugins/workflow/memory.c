/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is remembered of a record: read into a tree that lives as long as the call, seen through a view like everything
 * else. The text is written in save.c.
 */
#include "record.h"

static void json_out(const json_t *node, struct belfry_value *out)
{
    *out = (struct belfry_value){.type = BELFRY_VALUE_MISSING, .node = node};
    if (json_is_string(node)) {
        out->type = BELFRY_VALUE_STRING;
        out->s = (struct belfry_str){json_string_value(node), json_string_length(node)};
    } else if (json_is_integer(node)) {
        out->type = BELFRY_VALUE_INT;
        out->i = json_integer_value(node);
    } else if (json_is_real(node)) {
        out->type = BELFRY_VALUE_REAL;
        out->d = json_real_value(node);
    } else if (json_is_boolean(node)) {
        out->type = BELFRY_VALUE_BOOL;
        out->i = json_is_true(node);
    } else if (json_is_object(node)) {
        out->type = BELFRY_VALUE_OBJECT;
        out->count = (uint32_t)json_object_size(node);
    } else if (json_is_array(node)) {
        out->type = BELFRY_VALUE_ARRAY;
        out->count = (uint32_t)json_array_size(node);
    } else if (json_is_null(node)) {
        out->type = BELFRY_VALUE_NULL;
    }
}

/* Remembers where the last member() stopped, so that a walk over an object is linear. */
struct memory {
    struct belfry_view view;
    const json_t *root;
    json_t *object;
    void *iter; /* at member `index` of object */
    uint32_t index;
};

static void memory_root(const struct belfry_view *view, struct belfry_value *out)
{
    json_out(((const struct memory *)view->impl)->root, out);
}

static void memory_get(const struct belfry_view *view, const struct belfry_value *object, struct belfry_str key,
                       struct belfry_value *out)
{
    (void)view;
    json_out(object->type == BELFRY_VALUE_OBJECT ? json_object_getn(object->node, key.ptr, key.len) : NULL, out);
}

static void memory_at(const struct belfry_view *view, const struct belfry_value *array, uint32_t index,
                      struct belfry_value *out)
{
    (void)view;
    json_out(array->type == BELFRY_VALUE_ARRAY ? json_array_get(array->node, index) : NULL, out);
}

static void memory_member(const struct belfry_view *view, const struct belfry_value *object, uint32_t index,
                          struct belfry_str *key, struct belfry_value *out)
{
    struct memory *m = (struct memory *)(uintptr_t)view->impl;
    json_t *node = (json_t *)(uintptr_t)object->node;
    *key = (struct belfry_str){NULL, 0};
    json_out(NULL, out);
    if (object->type != BELFRY_VALUE_OBJECT || index >= object->count)
        return;
    if (m->object != node || index < m->index) {
        m->object = node;
        m->iter = json_object_iter(node);
        m->index = 0;
    }
    for (; m->index < index; m->index++)
        m->iter = json_object_iter_next(node, m->iter);
    *key = (struct belfry_str){json_object_iter_key(m->iter), json_object_iter_key_len(m->iter)};
    json_out(json_object_iter_value(m->iter), out);
}

static const struct belfry_view *memory_view(struct belfry_txn *txn, const json_t *root)
{
    struct memory *m = txn->api->alloc(txn, sizeof(*m));
    if (!m)
        return NULL;
    *m = (struct memory){.root = root};
    m->view = (struct belfry_view){sizeof(m->view), 0, m, memory_root, memory_get, memory_at, memory_member};
    return &m->view;
}

json_t *workflow_record_load(struct belfry_str text)
{
    json_t *memory = json_loadb(text.ptr, text.len, 0, NULL);
    if (json_is_object(memory))
        return memory;
    json_decref(memory);
    return NULL;
}

static struct belfry_str recalled(const json_t *memory, const char *key)
{
    const json_t *value = json_object_get(memory, key);
    return (struct belfry_str){json_string_value(value), json_string_length(value)};
}

void workflow_record_recall(struct workflow_record *record, const json_t *memory)
{
    struct belfry_value fields;
    record->owner = recalled(memory, "owner");
    record->created_by = recalled(memory, "created_by");
    record->url = recalled(memory, "url");
    json_out(json_object_get(memory, "fields"), &fields);
    const struct belfry_view *view = memory_view(record->txn, memory);
    if (view)
        workflow_record_layer(record, view, &fields);
}
