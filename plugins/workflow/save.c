/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record as text: what is remembered of it, and the data of its events. Fields that are remembered stand in byte
 * order, so that the same record gives the same bytes, whatever order its triggers had, and an unchanged one is not
 * written.
 */
#include "record.h"

#include <stdlib.h>
#include <string.h>

static int same(struct belfry_str a, const char *z)
{
    return strlen(z) == a.len && memcmp(a.ptr, z, a.len) == 0;
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

/* Of the 4 MiB that a call may use; the rest is for what the next trigger brings. */
#define WEIGHT_MAX ((size_t)5 << 19)

struct writer {
    struct workflow_text *text;
    int began;
};

static int write_field(void *arg, struct belfry_str key, const struct belfry_view *view,
                       const struct belfry_value *value)
{
    struct writer *w = arg;
    workflow_text_addz(w->text, w->began++ ? "," : "");
    workflow_text_str(w->text, key);
    workflow_text_addz(w->text, ":");
    workflow_text_value(w->text, view, value);
    return !w->text->failed;
}

struct collected {
    struct belfry_str key;
    const struct belfry_view *view;
    struct belfry_value value;
};

struct collector {
    struct collected *items;
    size_t count;
};

static int collect(void *arg, struct belfry_str key, const struct belfry_view *view, const struct belfry_value *value)
{
    struct collector *c = arg;
    c->items[c->count++] = (struct collected){key, view, *value};
    return 1;
}

static int by_key(const void *a, const void *b)
{
    const struct belfry_str *x = &((const struct collected *)a)->key, *y = &((const struct collected *)b)->key;
    int cmp = memcmp(x->ptr, y->ptr, x->len < y->len ? x->len : y->len);
    return cmp ? cmp : (x->len > y->len) - (x->len < y->len);
}

/* All fields in byte order, whatever order the triggers had. How many they are. */
static uint32_t write_all(const struct workflow_record *record, struct workflow_text *text)
{
    size_t most = 1;
    for (size_t i = 0; i < record->layer_count; i++)
        most += record->layers[i].fields.count;
    struct collector c = {record->txn->api->alloc(record->txn, most * sizeof(*c.items)), 0};
    struct writer w = {text, 0};
    if (!c.items) {
        text->failed = 1;
        return 0;
    }
    if (!workflow_record_each(record, collect, &c))
        text->failed = 1;
    qsort(c.items, c.count, sizeof(*c.items), by_key);
    for (size_t i = 0; i < c.count; i++)
        write_field(&w, c.items[i].key, c.items[i].view, &c.items[i].value);
    return (uint32_t)c.count;
}

static uint32_t write_some(const struct workflow_record *record, const struct workflow_interest *interest,
                           struct workflow_text *text)
{
    struct writer w = {text, 0};
    for (size_t i = 0; i < interest->count; i++) {
        struct belfry_value value;
        const struct workflow_layer *layer = workflow_record_layer_of(record, interest->names[i], &value);
        if (layer)
            write_field(&w, interest->names[i], layer->view, &value);
    }
    return (uint32_t)w.began;
}

static void write_text(struct workflow_text *text, const char *key, struct belfry_str value)
{
    if (!value.ptr || !text->len)
        return;
    workflow_text_addz(text, text->ptr[text->len - 1] == '{' ? "\"" : ",\"");
    workflow_text_addz(text, key);
    workflow_text_addz(text, "\":");
    workflow_text_str(text, value);
}

struct belfry_str workflow_record_save(const struct workflow_record *record, const struct workflow_interest *interest)
{
    struct workflow_text text = {.txn = record->txn, .cap = interest->all ? record->size : 0};
    workflow_text_addz(&text, "{\"fields\":{");
    uint32_t fields = interest->all ? write_all(record, &text) : write_some(record, interest, &text);
    text.weight += workflow_container_weight(fields);
    workflow_text_addz(&text, "}");
    write_text(&text, "owner", record->owner);
    write_text(&text, "created_by", record->created_by);
    write_text(&text, "url", record->url);
    workflow_text_addz(&text, "}");
    if (text.weight > WEIGHT_MAX)
        text.failed = 1;
    return text.failed ? (struct belfry_str){NULL, 0} : (struct belfry_str){text.ptr, text.len};
}

/* --- event data --------------------------------------------------------------------------------------------------- */

static int is_known_member(struct belfry_str key)
{
    return same(key, "object") || same(key, "id") || same(key, "url") || same(key, "owner") ||
           same(key, "created_by") || same(key, "fields");
}

static int is_written_before(struct belfry_str key)
{
    return same(key, "record") || same(key, "changed_by");
}

/* What the trigger says besides: unknown members are kept. */
static void write_others(struct workflow_text *text, const struct belfry_view *view, const struct belfry_value *object,
                         int (*skip)(struct belfry_str key))
{
    uint32_t count;
    const struct workflow_member *members = workflow_members(text->txn, view, object, &count, &text->failed);
    for (uint32_t i = 0; i < count; i++) {
        if (skip(members[i].key))
            continue;
        workflow_text_addz(text, ",");
        workflow_text_str(text, members[i].key);
        workflow_text_addz(text, ":");
        workflow_text_value(text, view, &members[i].value);
    }
}

static void write_record(const struct workflow_record *record, struct workflow_text *text)
{
    struct writer w = {text, 0};
    struct belfry_value said = {.type = BELFRY_VALUE_MISSING};
    workflow_text_addz(text, "{");
    write_text(text, "object", record->object);
    write_text(text, "id", record->id);
    write_text(text, "url", record->url);
    write_text(text, "owner", record->owner);
    write_text(text, "created_by", record->created_by);
    if (record->said.view)
        record->said.view->get(record->said.view, &record->said.fields, belfry_str("record"), &said);
    write_others(text, record->said.view, &said, is_known_member);
    workflow_text_addz(text, ",\"fields\":{");
    if (!workflow_record_each(record, write_field, &w))
        text->failed = 1;
    workflow_text_addz(text, "}}");
}

struct belfry_str workflow_record_data(const struct workflow_record *record, struct belfry_str by)
{
    struct workflow_text text = {.txn = record->txn, .cap = record->size};
    const struct workflow_layer *said = &record->said;
    workflow_text_addz(&text, "{\"record\":");
    write_record(record, &text);
    if (by.len)
        write_text(&text, "changed_by", by);
    if (said->view)
        write_others(&text, said->view, &said->fields, is_written_before);
    workflow_text_addz(&text, "}");
    return text.failed ? (struct belfry_str){NULL, 0} : (struct belfry_str){text.ptr, text.len};
}
