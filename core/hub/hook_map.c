/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what a provider posted to triggers, by the mapping of the source. What comes out is a batch of CloudEvents as
 * text, the same that a system would post or a feed would answer; so there is one reader of triggers, with one set of
 * limits, and `explain` can show what a mapping makes.
 *
 * Templates, conditions and paths read one object: {body, headers, item, index, hash}.
 */
#include "hub/hook.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "base/id.h"
#include "base/mem.h"
#include "template/template.h"

#include <stdlib.h>

#define MILLISECONDS_FROM 1e11 /* as seconds the year 5138: who writes so many means milliseconds */

struct mapping {
    const struct hook_call *call;
    json_t *root;
    int64_t index; /* of the item; -1: there are no items */
};

/* --- what a mapping reads ----------------------------------------------------------------------------------------- */

/* Those that JSON can hold; of several with one name the first. */
static json_t *headers_json(const struct hook_call *call)
{
    json_t *headers = json_object();
    for (size_t i = 0; i < call->header_count; i++) {
        struct belfry_str value = call->headers[i].value;
        char *name = xstrndup(call->headers[i].name.ptr, call->headers[i].name.len);
        if (!json_object_get(headers, name) && str_utf8_valid(value) &&
            !memchr(value.ptr ? value.ptr : "", 0, value.len))
            json_set_str(headers, name, value);
        free(name);
    }
    return headers;
}

static void set_hash(json_t *root, struct belfry_str body)
{
    uint8_t digest[32];
    struct buf text = {0};
    sha256(body.ptr ? body.ptr : "", body.len, digest);
    hex_encode(digest, sizeof(digest), &text);
    json_set_str(root, "hash", buf_str(&text));
    buf_free(&text);
}

static json_t *step(json_t *at, struct belfry_str name)
{
    int64_t index;
    if (json_is_array(at))
        return str_to_i64(name, &index) == BELFRY_OK && index >= 0 ? json_array_get(at, (size_t)index) : NULL;
    char *key = xstrndup(name.ptr, name.len);
    json_t *value = json_object_get(at, key);
    free(key);
    return value;
}

/* Borrowed; NULL: it leads nowhere. */
static json_t *find(json_t *root, const struct belfry_strs *path)
{
    json_t *at = root;
    for (size_t i = 0; at && i < path->count; i++)
        at = step(at, path->items[i]);
    return at;
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static belfry_status render(const struct mapping *m, const struct belfry_template *tpl, struct buf *out)
{
    struct json_cursor cursor = {0};
    struct belfry_view view = json_view_cursor(&cursor, m->root);
    return template_render(tpl, &view, TEMPLATE_TEXT, NULL, NULL, out);
}

/* New reference, NULL when the template is too long. */
static json_t *rendered(const struct mapping *m, const struct belfry_template *tpl)
{
    struct buf text = {0};
    json_t *out = render(m, tpl, &text) == BELFRY_OK ? json_stringn(text.ptr ? text.ptr : "", text.len) : NULL;
    buf_free(&text);
    return out;
}

static json_t *value_of(const struct mapping *m, const struct config_hook_value *value);

/* Numbers and booleans are looked up by how JSON writes them. */
static json_t *from_table(const struct mapping *m, const struct config_hook_value *value, const json_t *found)
{
    struct buf text = {0};
    json_t *out = NULL;
    if (json_is_string(found))
        buf_adds(&text, json_str(found));
    else if (found)
        json_write(found, &text);
    for (size_t i = 0; found && i < value->count; i++)
        if (str_eqz(buf_str(&text), value->members[i].key)) {
            out = value_of(m, value->members[i].value);
            break;
        }
    buf_free(&text);
    return out;
}

/* New reference; NULL: there is nothing there, so the member is left out. */
static json_t *value_of(const struct mapping *m, const struct config_hook_value *value)
{
    json_t *out = NULL, *one;
    switch (value->kind) {
    case HOOK_CONSTANT:
        return yaml_to_json(value->constant);
    case HOOK_TEXT:
        return rendered(m, value->text);
    case HOOK_PATH:
        one = find(m->root, &value->path);
        out = value->count ? from_table(m, value, one) : json_incref(one);
        return out || !value->otherwise ? out : value_of(m, value->otherwise);
    case HOOK_OBJECT:
        out = json_object();
        for (size_t i = 0; i < value->count; i++)
            if ((one = value_of(m, value->members[i].value)))
                json_object_set_new(out, value->members[i].key, one);
        return out;
    case HOOK_LIST:
        out = json_array();
        for (size_t i = 0; i < value->count; i++)
            if ((one = value_of(m, value->members[i].value)))
                json_array_append_new(out, one);
        return out;
    }
    return NULL;
}

/* --- one trigger -------------------------------------------------------------------------------------------------- */

/* A number of seconds, with a fraction perhaps, or of milliseconds since 1970. -1: it is neither. */
static int64_t since_1970(struct belfry_str text)
{
    double number;
    if (str_to_double(text, &number) != BELFRY_OK || !(number > 0 && number < MILLISECONDS_FROM * 1000.0))
        return -1;
    return (int64_t)(number < MILLISECONDS_FROM ? number * 1000 + 0.5 : number);
}

/* Numbers become RFC 3339; anything else stays for whoever reads it to judge. */
static void set_time(const struct mapping *m, const struct belfry_template *tpl, json_t *event)
{
    struct buf text = {0};
    char when[TIME_TEXT_SIZE];
    if (tpl && render(m, tpl, &text) == BELFRY_OK && text.len) {
        int64_t ms = since_1970(buf_str(&text));
        if (ms >= 0) {
            time_format(ms, when);
            json_object_set_new(event, "time", json_string(when));
        } else {
            json_set_str(event, "time", buf_str(&text));
        }
    }
    buf_free(&text);
}

/* What nobody named is known by the scheme's id, else by the body, and by its place among the items. */
static void set_id(const struct mapping *m, const struct belfry_template *tpl, json_t *event)
{
    const struct config_verify *verify = m->call->verify;
    struct buf text = {0};
    if (tpl) {
        render(m, tpl, &text);
    } else {
        if (verify->id)
            render(m, verify->id, &text);
        if (!text.len)
            buf_adds(&text, json_str(json_object_get(m->root, "hash")));
        if (m->index >= 0)
            buf_addf(&text, "/%lld", (long long)m->index);
    }
    json_set_str(event, "id", buf_str(&text));
    buf_free(&text);
}

static int key_order(const void *key, const void *item)
{
    return strcmp(key, *(const char *const *)item);
}

/* The type by its name here; 0: it is not for this mapping. */
static int set_type(const struct mapping *m, const struct config_hook_trigger *t, json_t *event)
{
    json_t *type = rendered(m, t->type);
    if (t->types.count && type) {
        const char *const *at =
            bsearch(json_string_value(type), t->types.keys, t->types.count, sizeof(*t->types.keys), key_order);
        const char *const *values = t->types.values;
        json_decref(type);
        if (!at)
            return 0;
        type = json_string(values[at - t->types.keys]);
    }
    json_object_set_new(event, "type", type ? type : json_string(""));
    return 1;
}

/* New reference; NULL: no mapping is for it. */
static json_t *event_of(const struct mapping *m)
{
    struct json_cursor cursor = {0};
    struct belfry_view view = json_view_cursor(&cursor, m->root);
    const struct config_hook *hook = m->call->hook;
    for (size_t i = 0; i < hook->trigger_count; i++) {
        const struct config_hook_trigger *t = &hook->triggers[i];
        json_t *event = json_pack("{s:s, s:s}", "specversion", "1.0", "source", "hook"), *data;
        if ((t->when && !match_eval(t->when, &view, NULL, NULL)) || !set_type(m, t, event)) {
            json_decref(event);
            continue;
        }
        set_id(m, t->id, event);
        set_time(m, t->time, event);
        json_t *subject = t->subject ? rendered(m, t->subject) : NULL;
        if (subject && json_string_length(subject))
            json_object_set(event, "subject", subject);
        json_decref(subject);
        data = t->data ? value_of(m, t->data) : json_incref(json_object_get(m->root, m->index >= 0 ? "item" : "body"));
        json_object_set_new(event, "data", data ? data : json_null());
        return event;
    }
    return NULL;
}

/* --- all of them -------------------------------------------------------------------------------------------------- */

static belfry_status add_event(const struct mapping *m, struct buf *out, struct error *err)
{
    json_t *event = event_of(m);
    if (!event)
        return BELFRY_OK;
    if (out->ptr[out->len - 1] != '[')
        buf_addc(out, ',');
    json_write(event, out);
    json_decref(event);
    return out->len <= m->call->max_bytes
               ? BELFRY_OK
               : error_set(err, BELFRY_EINVAL, NULL, "what its mapping makes of it is larger than %zu bytes",
                           m->call->max_bytes);
}

static belfry_status add_items(struct mapping *m, struct buf *out, struct error *err)
{
    json_t *list = find(m->root, &m->call->hook->each), *item;
    belfry_status status = BELFRY_OK;
    if (!json_is_array(list))
        return error_set(err, BELFRY_EINVAL, NULL, "there is no list where `each` says that it is");
    if (json_array_size(list) > m->call->max_items)
        return error_set(err, BELFRY_EINVAL, NULL, "its list has %zu items; at most %zu are taken",
                         json_array_size(list), m->call->max_items);
    size_t i;
    json_array_foreach(list, i, item)
    {
        m->index = (int64_t)i;
        json_object_set(m->root, "item", item);
        json_object_set_new(m->root, "index", json_integer(m->index));
        status = add_event(m, out, err);
        if (status)
            break;
    }
    return status;
}

belfry_status hook_map(const struct hook_call *call, struct buf *out, struct error *err)
{
    struct mapping m = {.call = call, .index = -1};
    size_t before = out->len;
    struct error why = {0};
    json_t *body = json_read(call->json, &why);
    if (!body) {
        error_set(err, BELFRY_EINVAL, NULL, "it is not JSON: %s", error_text(&why));
        error_clear(&why);
        return BELFRY_EINVAL;
    }
    m.root = json_pack("{s:o, s:o}", "body", body, "headers", headers_json(call));
    set_hash(m.root, call->body);
    buf_addc(out, '[');
    belfry_status status = call->hook->is_each ? add_items(&m, out, err) : add_event(&m, out, err);
    buf_addc(out, ']');
    if (status)
        out->len = before;
    json_decref(m.root);
    return status;
}
