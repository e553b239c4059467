/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CloudEvents over HTTP (HTTP binding 1.0.2, JSON format 1.0.2): which mode, and from bytes to triggers. JSON is parsed
 * once, here; what goes on holds the tree for reading and the bytes for keeping.
 *
 * A set owns the trees through cleanups of its arena, so trigger_set_free is the only thing to remember. `data` that is
 * absent is JSON null, in the tree and as bytes: whether a trigger needs data is its source's business.
 */
#include "event/ce_attr.h"
#include "event/raw.h"

#include "base/id.h"

#include <stdio.h>

#include <strings.h>

/* Faults of one batch that are worth telling: a sender who has this many wrong has one mistake, not many. */
#define BATCH_FAULTS 32
/* Below this size a body cannot become a tree that matters, so its structure is not weighed. */
#define WEIGH_FROM 65536

enum mode { MODE_BINARY, MODE_STRUCTURED, MODE_BATCH, MODE_UNKNOWN };

static void free_tree(void *tree)
{
    json_decref(tree);
}

static void own_tree(struct arena *arena, json_t *tree)
{
    arena_cleanup(arena, free_tree, tree);
}

static int has_prefix_nocase(struct belfry_str s, struct belfry_str prefix)
{
    return s.len >= prefix.len && strncasecmp(s.ptr, prefix.ptr, prefix.len) == 0;
}

/* HTTP binding section 3: by the prefix of the media type; the JSON format is the only one we read. */
static enum mode mode_of(struct belfry_str content_type)
{
    struct belfry_str params;
    struct belfry_str essence = str_trim(str_cut(content_type, ';', &params));
    if (!has_prefix_nocase(essence, STR("application/cloudevents")))
        return MODE_BINARY;
    if (!ce_is_json(essence))
        return MODE_UNKNOWN;
    return has_prefix_nocase(essence, STR("application/cloudevents-batch")) ? MODE_BATCH : MODE_STRUCTURED;
}

static belfry_status unknown_format(struct belfry_str content_type, struct error *err)
{
    return error_set(err, BELFRY_EUNSUPPORTED, "",
                     "Content-Type %.*s is not understood; use application/cloudevents+json, "
                     "application/cloudevents-batch+json, or application/json with ce-* headers",
                     (int)(content_type.len > 100 ? 100 : content_type.len), content_type.ptr ? content_type.ptr : "");
}

static void set_begin(struct trigger_set *set, size_t body_len)
{
    *set = (struct trigger_set){0};
    /* headers and items: a batch takes more in one go, and for one trigger less than what malloc keeps at hand */
    set->arena = arena_new(body_len > 16384 ? 16384 : body_len < 4096 ? 960 : 0);
}

static void set_items(struct trigger_set *set, size_t count, int64_t now_ms)
{
    set->items = arena_alloc(set->arena, (count ? count : 1) * sizeof(*set->items));
    set->count = count;
    for (size_t i = 0; i < count; i++) {
        set->items[i].index = i;
        set->items[i].pub.struct_size = sizeof(set->items[i].pub);
        set->items[i].pub.arrived_ms = now_ms;
    }
}

static void set_data(struct trigger *trigger, json_t *data, struct belfry_str bytes)
{
    trigger->data = data ? data : json_null();
    trigger->pub.impl = trigger->data;
    trigger->pub.data = data ? bytes : STR("null");
}

/* Parses bytes that are the data of a trigger: NULL with a fault at /<name>. The tree is the arena's. */
static json_t *parse_data(struct arena *arena, struct belfry_str bytes, const char *name, struct ce_faults *faults)
{
    struct error why = {0};
    json_t *data = json_read(bytes, &why);
    if (data)
        own_tree(arena, data);
    else
        ce_fault(faults, BELFRY_EINVAL, name, "not JSON: %s", error_text(&why));
    error_clear(&why);
    return data;
}

static belfry_status too_large(struct ce_faults *faults, size_t size, size_t max)
{
    return ce_fault(faults, BELFRY_ELIMIT, NULL, "the event has %zu bytes, at most %zu are allowed", size, max);
}

/* --- binary --- */

static void decode_binary(struct trigger_set *set, const struct ce_header *headers, size_t header_count,
                          struct belfry_str content_type, struct belfry_str body, size_t max_event, int64_t now_ms,
                          struct ce_faults *faults)
{
    struct ce_attrs attrs = {0};
    set_items(set, 1, now_ms);
    if (body.len > max_event) {
        too_large(faults, body.len, max_event);
        return;
    }
    if (content_type.len > 0 && !ce_is_json(content_type)) {
        faults->status = unknown_format(content_type, faults->err);
        return;
    }
    ce_attrs_from_headers(&attrs, headers, header_count, set->arena, faults);
    ce_attrs_check(&attrs, &set->items[0].pub, faults);
    json_t *data = body.len > 0 ? parse_data(set->arena, body, "data", faults) : NULL;
    set_data(&set->items[0], data, body);
}

/* --- structured --- */

/* data_base64 (JSON format section 3.1.1): bytes that must be JSON all the same, because sources read JSON. */
static void decode_base64(struct trigger_set *set, struct trigger *trigger, const json_t *encoded,
                          struct ce_faults *faults)
{
    struct buf bytes = {0};
    if (!json_is_string(encoded) || base64_decode(json_str(encoded), 0, &bytes) != BELFRY_OK) {
        ce_fault(faults, BELFRY_EINVAL, "data_base64", "must be a string in base64");
    } else {
        struct belfry_str kept = arena_str(set->arena, buf_str(&bytes));
        json_t *data = parse_data(set->arena, kept, "data_base64", faults);
        set_data(trigger, data, kept);
    }
    buf_free(&bytes);
}

/* One event object; `text` are its bytes. */
static void decode_event(struct trigger_set *set, struct trigger *trigger, const json_t *event, struct belfry_str text,
                         struct ce_faults *faults)
{
    if (!json_is_object(event)) {
        ce_fault(faults, BELFRY_EINVAL, NULL, "must be an object, not %s", json_type_text(event));
        return;
    }
    struct ce_attrs attrs = {0};
    ce_attrs_from_json(&attrs, event, faults);
    ce_attrs_check(&attrs, &trigger->pub, faults);
    json_t *data = json_object_get(event, "data");
    const json_t *encoded = json_object_get(event, "data_base64");
    if (encoded && json_is_null(encoded))
        encoded = NULL;
    if (encoded && data)
        ce_fault(faults, BELFRY_EINVAL, "data_base64", "data and data_base64 exclude each other");
    else if (encoded)
        decode_base64(set, trigger, encoded, faults);
    else
        set_data(trigger, data, data ? raw_find(text, STR("data")) : text);
}

/* Parses a whole body; the tree is the set's. */
static json_t *parse_body(struct trigger_set *set, struct belfry_str body, struct error *err)
{
    if (body.len > WEIGH_FROM && raw_tree_bytes(body) > CE_MAX_TREE) {
        error_set(err, BELFRY_ELIMIT, "", "the body holds too many values; send fewer events a request");
        return NULL;
    }
    json_t *root = json_read(body, err);
    if (root)
        own_tree(set->arena, root);
    else if (err && err->count == 0)
        error_set(err, BELFRY_EINVAL, "", "not JSON");
    return root;
}

static void decode_structured(struct trigger_set *set, struct belfry_str body, size_t max_event, int64_t now_ms,
                              struct ce_faults *faults)
{
    set_items(set, 1, now_ms);
    if (body.len > max_event) {
        too_large(faults, body.len, max_event);
        return;
    }
    struct error why = {0};
    json_t *root = parse_body(set, body, &why);
    if (root)
        decode_event(set, &set->items[0], root, body, faults);
    else
        ce_fault(faults, why.status, NULL, "%s", error_text(&why));
    error_clear(&why);
}

/* --- batch --- */

/* The array of a batch with as many empty items in the set; NULL with err. */
static json_t *batch_root(struct trigger_set *set, struct belfry_str body, size_t max_batch, int64_t now_ms,
                          struct error *err)
{
    json_t *root = parse_body(set, body, err);
    if (!root)
        return NULL;
    if (!json_is_array(root)) {
        error_set(err, BELFRY_EINVAL, "", "a batch must be an array, not %s", json_type_text(root));
        return NULL;
    }
    if (json_array_size(root) > max_batch) {
        error_set(err, BELFRY_ELIMIT, "", "the batch has %zu events, at most %zu are allowed", json_array_size(root),
                  max_batch);
        return NULL;
    }
    set->batch = 1;
    set_items(set, json_array_size(root), now_ms);
    return root;
}

static void decode_item(struct trigger_set *set, size_t i, const json_t *root, struct raw_walk *walk, size_t max_event,
                        struct ce_faults *faults)
{
    struct belfry_str text = {0};
    raw_item(walk, &text);
    set->items[i].text = text;
    if (text.len > max_event) {
        too_large(faults, text.len, max_event);
        set->items[i].pub.id = json_str(json_object_get(json_array_get(root, i), "id")); /* a place in a feed */
    } else {
        decode_event(set, &set->items[i], json_array_get(root, i), text, faults);
    }
}

static belfry_status decode_batch(struct trigger_set *set, struct belfry_str body, size_t max_event, size_t max_batch,
                                  int64_t now_ms, struct error *err)
{
    struct error own = {0};
    struct error *to = err ? err : &own; /* counts faults and carries the status when nobody asked */
    json_t *root = batch_root(set, body, max_batch, now_ms, to);
    struct raw_walk walk;
    if (root)
        raw_enter(&walk, body);
    belfry_status status = root ? BELFRY_OK : to->status;
    for (size_t i = 0; root && i < set->count && to->count < BATCH_FAULTS; i++) {
        struct ce_faults faults = {.err = to};
        snprintf(faults.prefix, sizeof(faults.prefix), "/%zu", i);
        decode_item(set, i, root, &walk, max_event, &faults);
        if (status == BELFRY_OK)
            status = faults.status;
    }
    error_clear(&own);
    return status;
}

/* --- doors --- */

belfry_status ce_decode(struct trigger_set *set, const struct ce_header *headers, size_t header_count,
                        struct belfry_str content_type, struct belfry_str body, size_t max_event, size_t max_batch,
                        int64_t now_ms, struct error *err)
{
    struct ce_faults faults = {.err = err};
    set_begin(set, body.len);
    switch (mode_of(content_type)) {
    case MODE_BINARY:
        decode_binary(set, headers, header_count, content_type, body, max_event, now_ms, &faults);
        break;
    case MODE_STRUCTURED:
        decode_structured(set, body, max_event, now_ms, &faults);
        break;
    case MODE_BATCH:
        faults.status = decode_batch(set, body, max_event, max_batch, now_ms, err);
        break;
    case MODE_UNKNOWN:
        faults.status = unknown_format(content_type, err);
        break;
    }
    if (faults.status != BELFRY_OK)
        trigger_set_free(set);
    return faults.status;
}

belfry_status ce_decode_partial(struct trigger_set *set, struct belfry_str content_type, struct belfry_str body,
                                size_t max_event, size_t max_batch, int64_t now_ms, struct error *faults,
                                struct error *err)
{
    set_begin(set, body.len);
    struct error own = {0};
    struct error *to = err ? err : &own;
    json_t *root = NULL;
    if (mode_of(content_type) == MODE_BATCH)
        root = batch_root(set, body, max_batch, now_ms, to);
    else
        unknown_format(content_type, to);
    belfry_status status = root ? BELFRY_OK : to->status;
    struct raw_walk walk;
    if (root)
        raw_enter(&walk, body);
    for (size_t i = 0; root && i < set->count; i++) {
        struct ce_faults item = {.err = &faults[i]};
        decode_item(set, i, root, &walk, max_event, &item);
    }
    error_clear(&own);
    if (status != BELFRY_OK)
        trigger_set_free(set);
    return status;
}

belfry_status trigger_make(struct trigger_set *set, const struct belfry_submission *sub, int64_t now_ms,
                           struct error *err)
{
    struct ce_faults faults = {.err = err};
    struct ce_attrs attrs = {
        .present = {[CE_SPECVERSION] = 1, [CE_ID] = 1, [CE_SOURCE] = 1, [CE_TYPE] = 1, [CE_SUBJECT] = 1}};
    set_begin(set, sub->data.len);
    set_items(set, 1, now_ms);
    attrs.value[CE_SPECVERSION] = STR("1.0");
    attrs.value[CE_ID] = arena_str(set->arena, sub->id);
    attrs.value[CE_SOURCE] = arena_str(set->arena, sub->source);
    attrs.value[CE_TYPE] = arena_str(set->arena, sub->type);
    attrs.value[CE_SUBJECT] = arena_str(set->arena, sub->subject);
    ce_attrs_require_utf8(&attrs, &faults);
    ce_attrs_check(&attrs, &set->items[0].pub, &faults);
    set->items[0].pub.time_ms = sub->time_ms;
    struct belfry_str bytes = arena_str(set->arena, sub->data);
    json_t *data = bytes.len > 0 ? parse_data(set->arena, bytes, "data", &faults) : NULL;
    set_data(&set->items[0], data, bytes);
    if (faults.status != BELFRY_OK)
        trigger_set_free(set);
    return faults.status;
}

void trigger_set_refused(struct trigger_set *set, struct belfry_str text)
{
    trigger_set_free(set);
    set_begin(set, 0);
    set_items(set, 1, 0);
    set->items[0].text = text;
}

void trigger_set_free(struct trigger_set *set)
{
    arena_free(set->arena);
    *set = (struct trigger_set){0};
}
