/* SPDX-License-Identifier: Apache-2.0 */
/* What people set of an endpoint, as the JSON in its row. */
#include "ledger/made.h"

#include "base/json.h"
#include "base/mem.h"

static void set_json(json_t *doc, const char *key, struct belfry_str text)
{
    json_t *value = text.len ? json_read(text, NULL) : NULL;
    if (value)
        json_object_set_new(doc, key, value);
}

static void set_number(json_t *doc, const char *key, uint32_t value)
{
    if (value)
        json_object_set_new(doc, key, json_integer(value));
}

struct belfry_str endpoint_doc_write(const struct endpoint_doc *from, struct arena *arena)
{
    json_t *doc = json_object(), *types = json_array();
    struct buf out = {0};
    json_set_str(doc, "description", from->description);
    for (size_t i = 0; i < from->types.count; i++)
        json_array_append_new(types, json_stringn(from->types.items[i].ptr, from->types.items[i].len));
    json_object_set_new(doc, "types", types);
    set_json(doc, "when", from->when);
    set_json(doc, "metadata", from->metadata);
    set_number(doc, "concurrency", from->concurrency);
    set_number(doc, "rate", from->rate_per_minute);
    set_number(doc, "order", from->order);
    json_write(doc, &out);
    json_decref(doc);
    struct belfry_str text = arena_str(arena, buf_str(&out));
    buf_free(&out);
    return text;
}

static struct belfry_str get_json(const json_t *doc, const char *key, struct arena *arena)
{
    const json_t *value = json_object_get(doc, key);
    struct buf out = {0};
    if (!value)
        return (struct belfry_str){0};
    json_write(value, &out);
    struct belfry_str text = arena_str(arena, buf_str(&out));
    buf_free(&out);
    return text;
}

static uint32_t get_number(const json_t *doc, const char *key)
{
    return (uint32_t)json_integer_value(json_object_get(doc, key));
}

void endpoint_doc_read(struct belfry_str text, struct arena *arena, struct endpoint_doc *out)
{
    json_t *doc = json_read(text, NULL);
    const json_t *types = json_object_get(doc, "types");
    struct belfry_str *items = arena_alloc(arena, (json_array_size(types) + 1) * sizeof(*items));
    for (size_t i = 0; i < json_array_size(types); i++)
        items[i] = arena_str(arena, json_str(json_array_get(types, i)));
    *out = (struct endpoint_doc){.description = arena_str(arena, json_str(json_object_get(doc, "description"))),
                                 .types = {items, json_array_size(types)},
                                 .when = get_json(doc, "when", arena),
                                 .metadata = get_json(doc, "metadata", arena),
                                 .concurrency = get_number(doc, "concurrency"),
                                 .rate_per_minute = get_number(doc, "rate"),
                                 .order = get_number(doc, "order")};
    json_decref(doc);
}
