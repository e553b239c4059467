/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers instead of a merge: a patch names few fields, rules read few, so looking a field up in two places is cheaper
 * than building a third. Only what goes out, state and event data, is written as one.
 *
 * Values inside a field come from different trees; the view hands them out wrapped, so that the way back to their own
 * tree is known. Scalars need no wrapping.
 */
#include "record.h"

#include <string.h>

enum { NODE_ROOT = 1, NODE_FIELDS, NODE_INSIDE };

static int same(struct belfry_str a, const char *z)
{
    return strlen(z) == a.len && memcmp(a.ptr, z, a.len) == 0;
}

static void missing(struct belfry_value *out)
{
    *out = (struct belfry_value){.type = BELFRY_VALUE_MISSING};
}

static void text_value(struct belfry_str s, struct belfry_value *out)
{
    *out = (struct belfry_value){.type = s.ptr ? BELFRY_VALUE_STRING : BELFRY_VALUE_MISSING, .s = s};
}

/* --- keys --------------------------------------------------------------------------------------------------------- */

#define PREFIX "record/"

struct belfry_str workflow_key(struct belfry_txn *txn, struct belfry_str object, struct belfry_str id)
{
    struct workflow_text key = {.txn = txn};
    workflow_text_addz(&key, PREFIX);
    for (size_t i = 0; i < object.len; i++) {
        char c = object.ptr[i];
        if (c == '/' || c == '%')
            workflow_text_addz(&key, c == '/' ? "%2F" : "%25");
        else
            workflow_text_add(&key, &c, 1);
    }
    workflow_text_addz(&key, "/");
    workflow_text_add(&key, id.ptr, id.len);
    return key.failed || key.len > WORKFLOW_KEY_MAX ? (struct belfry_str){NULL, 0}
                                                    : (struct belfry_str){key.ptr, key.len};
}

int workflow_key_split(struct belfry_txn *txn, struct belfry_str key, struct belfry_str *object, struct belfry_str *id)
{
    size_t skip = sizeof(PREFIX) - 1;
    if (key.len <= skip || memcmp(key.ptr, PREFIX, skip) != 0)
        return 0;
    const char *begin = key.ptr + skip, *slash = memchr(begin, '/', key.len - skip);
    if (!slash)
        return 0;
    struct workflow_text name = {.txn = txn};
    for (const char *p = begin; p < slash; p++) {
        int escaped = *p == '%' && slash - p > 2;
        workflow_text_addz(&name, escaped && p[2] == 'F' ? "/" : escaped ? "%" : "");
        if (!escaped)
            workflow_text_add(&name, p, 1);
        p += escaped ? 2 : 0;
    }
    *object = (struct belfry_str){name.ptr, name.len};
    *id = (struct belfry_str){slash + 1, (size_t)(key.ptr + key.len - slash - 1)};
    return !name.failed;
}

/* --- the view of a record ----------------------------------------------------------------------------------------- */

static struct workflow_record *record_of(const struct belfry_view *view)
{
    return (struct workflow_record *)(uintptr_t)view->impl;
}

/* A value of another view, so that the operations of this one find back. */
static void wrap(const struct workflow_record *record, const struct belfry_view *from, struct belfry_value *value)
{
    if (value->type != BELFRY_VALUE_OBJECT && value->type != BELFRY_VALUE_ARRAY)
        return;
    struct workflow_node *node = record->txn->api->alloc(record->txn, sizeof(*node));
    if (!node) {
        missing(value);
        return;
    }
    *node = (struct workflow_node){NODE_INSIDE, from, *value};
    value->node = node;
}

const struct workflow_layer *workflow_record_layer_of(const struct workflow_record *record, struct belfry_str name,
                                                      struct belfry_value *out)
{
    for (size_t i = 0; i < record->layer_count; i++) {
        const struct workflow_layer *layer = &record->layers[i];
        layer->view->get(layer->view, &layer->fields, name, out);
        if (out->type == BELFRY_VALUE_NULL)
            break;
        if (out->type != BELFRY_VALUE_MISSING)
            return layer;
    }
    missing(out);
    return NULL;
}

void workflow_record_field(const struct workflow_record *record, struct belfry_str name, struct belfry_value *out)
{
    const struct workflow_layer *layer = workflow_record_layer_of(record, name, out);
    if (layer)
        wrap(record, layer->view, out);
}

int workflow_record_each(const struct workflow_record *record,
                         int (*fn)(void *arg, struct belfry_str key, const struct belfry_view *view,
                                   const struct belfry_value *value),
                         void *arg)
{
    for (size_t i = 0; i < record->layer_count; i++) {
        const struct workflow_layer *layer = &record->layers[i];
        uint32_t count;
        int failed = 0;
        const struct workflow_member *m = workflow_members(record->txn, layer->view, &layer->fields, &count, &failed);
        for (uint32_t k = 0; k < count; k++) {
            struct belfry_value decided;
            if (workflow_record_layer_of(record, m[k].key, &decided) == layer &&
                !fn(arg, m[k].key, layer->view, &m[k].value))
                return 1;
        }
        if (failed)
            return 0;
    }
    return 1;
}

struct pick {
    uint32_t left;
    struct belfry_str key;
    struct belfry_value value;
    const struct belfry_view *from;
};

static int pick_one(void *arg, struct belfry_str key, const struct belfry_view *view, const struct belfry_value *value)
{
    struct pick *pick = arg;
    if (pick->left-- > 0)
        return 1;
    pick->key = key;
    pick->value = *value;
    pick->from = view;
    return 0;
}

static int count_one(void *arg, struct belfry_str key, const struct belfry_view *view, const struct belfry_value *value)
{
    (void)key;
    (void)view;
    (void)value;
    ++*(uint32_t *)arg;
    return 1;
}

static void fields_value(struct workflow_record *record, struct belfry_value *out)
{
    if (!record->counted)
        workflow_record_each(record, count_one, &record->field_count);
    record->counted = 1;
    *out = (struct belfry_value){.type = BELFRY_VALUE_OBJECT, .count = record->field_count, .node = &record->fields};
}

static void view_root(const struct belfry_view *view, struct belfry_value *out)
{
    *out = (struct belfry_value){.type = BELFRY_VALUE_OBJECT, .count = 6, .node = &record_of(view)->root};
}

static void root_get(struct workflow_record *record, struct belfry_str key, struct belfry_value *out)
{
    if (same(key, "fields"))
        fields_value(record, out);
    else if (same(key, "object"))
        text_value(record->object, out);
    else if (same(key, "id"))
        text_value(record->id, out);
    else if (same(key, "url"))
        text_value(record->url, out);
    else if (same(key, "owner"))
        text_value(record->owner, out);
    else if (same(key, "created_by"))
        text_value(record->created_by, out);
    else if (same(key, "record"))
        *out = (struct belfry_value){.type = BELFRY_VALUE_OBJECT, .count = 6, .node = &record->root};
    else if (record->said.view)
        record->said.view->get(record->said.view, &record->said.fields, key, out);
    else
        missing(out);
}

static void view_get(const struct belfry_view *view, const struct belfry_value *object, struct belfry_str key,
                     struct belfry_value *out)
{
    struct workflow_record *record = record_of(view);
    const struct workflow_node *node = object->node;
    missing(out);
    if (object->type != BELFRY_VALUE_OBJECT)
        return;
    if (node->kind == NODE_ROOT) {
        root_get(record, key, out);
        if (out->node && out->node != &record->fields && out->node != &record->root)
            wrap(record, record->said.view, out);
    } else if (node->kind == NODE_FIELDS) {
        workflow_record_field(record, key, out);
    } else {
        node->from->get(node->from, &node->value, key, out);
        wrap(record, node->from, out);
    }
}

static void view_at(const struct belfry_view *view, const struct belfry_value *array, uint32_t index,
                    struct belfry_value *out)
{
    const struct workflow_node *node = array->node;
    missing(out);
    if (array->type != BELFRY_VALUE_ARRAY)
        return;
    node->from->at(node->from, &node->value, index, out);
    wrap(record_of(view), node->from, out);
}

static void view_member(const struct belfry_view *view, const struct belfry_value *object, uint32_t index,
                        struct belfry_str *key, struct belfry_value *out)
{
    static const char *const names[] = {"object", "id", "url", "owner", "created_by", "fields"};
    struct workflow_record *record = record_of(view);
    const struct workflow_node *node = object->node;
    *key = (struct belfry_str){NULL, 0};
    missing(out);
    if (object->type != BELFRY_VALUE_OBJECT)
        return;
    if (node->kind == NODE_ROOT && index < 6) {
        *key = belfry_str(names[index]);
        root_get(record, *key, out);
    } else if (node->kind == NODE_FIELDS) {
        struct pick pick = {.left = index};
        workflow_record_each(record, pick_one, &pick);
        *key = pick.key;
        *out = pick.value;
        wrap(record, pick.from, out);
    } else if (node->kind == NODE_INSIDE) {
        node->from->member(node->from, &node->value, index, key, out);
        wrap(record, node->from, out);
    }
}

void workflow_record_init(struct workflow_record *record)
{
    record->layer_count = 0;
    record->counted = 0;
    record->field_count = 0;
    record->root.kind = NODE_ROOT;
    record->fields.kind = NODE_FIELDS;
    record->view = (struct belfry_view){sizeof(record->view), 0, record, view_root, view_get, view_at, view_member};
}

void workflow_record_layer(struct workflow_record *record, const struct belfry_view *view,
                           const struct belfry_value *fields)
{
    if (fields->type == BELFRY_VALUE_OBJECT)
        record->layers[record->layer_count++] = (struct workflow_layer){view, *fields};
}
