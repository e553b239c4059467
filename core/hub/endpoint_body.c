/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people say of an endpoint, as far as the hub knows it; the rest are settings (endpoint_settings.c). All faults
 * are answered at once, each with its pointer.
 *
 * A change is a merge patch (RFC 7396) for members, and for what is in `metadata` and in a setting that is an object:
 * null takes one out, what is not named stays. `when` is replaced as a whole: in a condition null is a value that is
 * compared with, and must not mean "not there".
 */
#include "hub/endpoint_body.h"

#include "base/mem.h"
#include "event/event.h"

#include <stdlib.h>

#define URL_MAX 2048
#define DESCRIPTION_MAX 500 /* characters */
#define TYPES_MAX 100
#define METADATA_MAX 50
#define METADATA_KEY_MAX 100
#define METADATA_VALUE_MAX 500 /* bytes */
#define RATE_MAX 1000000
#define CONCURRENCY_MAX 64

void hub_endpoint_fault(struct hub_endpoint_reader *r, const char *pointer, const char *text)
{
    error_set(&r->err, BELFRY_EINVAL, pointer, "%s", text);
}

char *hub_endpoint_pointer(struct arena *arena, const char *parent, const char *name)
{
    struct buf text = {0};
    buf_addz(&text, parent);
    json_pointer_add(&text, str_of(name));
    char *copy = arena_strndup(arena, text.ptr, text.len);
    buf_free(&text);
    return copy;
}

struct belfry_str hub_endpoint_json_text(struct hub_endpoint_reader *r, const json_t *value)
{
    struct buf text = {0};
    json_write(value, &text);
    struct belfry_str copy = arena_str(r->req->arena, buf_str(&text));
    buf_free(&text);
    return copy;
}

json_t *hub_endpoint_merged(const json_t *before, const json_t *patch)
{
    json_t *out = json_is_object(before) ? json_copy((json_t *)(uintptr_t)before) : json_object(), *value;
    const char *key;
    json_object_foreach((json_t *)(uintptr_t)patch, key, value)
    {
        if (json_is_null(value))
            json_object_del(out, key);
        else
            json_object_set(out, key, value);
    }
    return out;
}

/* --- members; value NULL: not said -------------------------------------------------------------------------------- */

/* Scheme, user and address are for the channel's plugin to judge, which knows its allow_cidrs. */
static void read_url(struct hub_endpoint_reader *r, const json_t *value)
{
    struct belfry_str url = json_str(value);
    const char *wrong = NULL;
    if (value && !json_is_string(value))
        wrong = "must be a text";
    else if (!url.len)
        wrong = "is required: where events are posted, http or https";
    else if (url.len > URL_MAX)
        wrong = "must have at most 2048 bytes";
    else if (memchr(url.ptr, '#', url.len))
        wrong = "must not have a fragment, which nobody would be sent";
    if (wrong)
        hub_endpoint_fault(r, "/url", wrong);
    else
        r->out->url = arena_str(r->req->arena, url);
}

static size_t characters(struct belfry_str text)
{
    size_t count = 0;
    for (size_t at = 0; at < text.len; count++)
        str_utf8_next(text, &at);
    return count;
}

static void read_description(struct hub_endpoint_reader *r, const json_t *value)
{
    if (value && !json_is_string(value))
        hub_endpoint_fault(r, "/description", "must be a text");
    else if (characters(json_str(value)) > DESCRIPTION_MAX)
        hub_endpoint_fault(r, "/description", "must have at most 500 characters");
    else
        r->out->description = text_body(r->req->arena, json_str(value));
}

/* A type that no source declares is one that may come with the next source. */
static void read_types(struct hub_endpoint_reader *r, const json_t *value)
{
    size_t i, count = value ? json_array_size(value) : 0;
    json_t *type;
    if (value && (!json_is_array(value) || count < 1 || count > TYPES_MAX)) {
        hub_endpoint_fault(r, "/types", "must be a list of 1 to 100 event types; leave it out for all of them");
        return;
    }
    struct belfry_str *items = arena_alloc(r->req->arena, (count + 1) * sizeof(*items));
    json_array_foreach(value, i, type)
    {
        items[i] = arena_str(r->req->arena, json_str(type));
        if (!json_is_string(type) || !config_type_pattern(items[i]))
            hub_endpoint_fault(r, arena_printf(r->req->arena, "/types/%zu", i),
                               "must be an event type such as `invoice.paid`, a prefix such as `invoice.*`, or `*`");
    }
    int every = count == 1 && str_eqz(items[0], "*"); /* which is the default, and kept as such */
    r->out->types = (struct belfry_strs){items, every ? 0 : count};
}

static void read_when(struct hub_endpoint_reader *r, const json_t *value)
{
    struct error faults = {0};
    struct arena *scratch;
    if (!value)
        return;
    scratch = arena_new(0);
    match_compile_json(scratch, value, dispatch_when_paths, MATCH_SEVERITY, &faults);
    arena_free(scratch);
    for (size_t i = 0; i < faults.count; i++)
        hub_endpoint_fault(
            r, arena_printf(r->req->arena, "/when%s", faults.items[i].pointer ? faults.items[i].pointer : ""),
            faults.items[i].detail);
    error_clear(&faults);
    if (!json_is_object(value) || json_object_size(value))
        r->out->when = hub_endpoint_json_text(r, value);
}

static void read_metadata(struct hub_endpoint_reader *r, const json_t *value)
{
    const char *key;
    json_t *text;
    if (value && (!json_is_object(value) || json_object_size(value) > METADATA_MAX)) {
        hub_endpoint_fault(r, "/metadata", "must be an object of at most 50 texts");
        return;
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, text)
    {
        const char *pointer = hub_endpoint_pointer(r->req->arena, "/metadata", key);
        if (!*key || strlen(key) > METADATA_KEY_MAX)
            hub_endpoint_fault(r, pointer, "its name must have 1 to 100 bytes");
        else if (!json_is_string(text) || json_string_length(text) > METADATA_VALUE_MAX)
            hub_endpoint_fault(r, pointer, "must be a text of at most 500 bytes");
    }
    r->out->metadata = value ? hub_endpoint_json_text(r, value) : STR("{}");
}

static void read_rate(struct hub_endpoint_reader *r, const json_t *value)
{
    json_int_t rate = json_integer_value(value);
    if (value && (!json_is_integer(value) || rate < 1 || rate > RATE_MAX))
        hub_endpoint_fault(r, "/rate", "must be a number of deliveries a minute, 1 to 1000000; null is no limit");
    else
        r->out->rate_per_minute = (uint32_t)rate;
}

static void read_concurrency(struct hub_endpoint_reader *r, const json_t *value)
{
    json_int_t count = json_integer_value(value);
    if (value && (!json_is_integer(value) || count < 1 || count > CONCURRENCY_MAX))
        hub_endpoint_fault(r, "/concurrency", "must be a number of requests at once, 1 to 64");
    else
        r->out->concurrency = count == DISPATCH_CONCURRENCY ? 0 : (uint32_t)count; /* the default is kept as such */
}

static void read_order(struct hub_endpoint_reader *r, const json_t *value)
{
    struct belfry_str order = value ? json_str(value) : STR("best-effort");
    if (str_eqz(order, "fifo"))
        r->out->order = BELFRY_ORDER_FIFO;
    else if (!str_eqz(order, "best-effort"))
        hub_endpoint_fault(r, "/order", "must be best-effort or fifo");
}

/* A change that does not say so leaves it as it is, unless the URL changes: then dispatch decides. */
static void read_enabled(struct hub_endpoint_reader *r, const json_t *value)
{
    if (value && !json_is_boolean(value))
        hub_endpoint_fault(r, "/enabled", "must be true or false");
    r->out->enabled = value ? json_is_true(value) : r->keeps_enabled ? -1 : 1;
}

static const struct {
    const char *name;
    void (*read)(struct hub_endpoint_reader *r, const json_t *value);
} members[] = {{"url", read_url},     {"description", read_description}, {"types", read_types},
               {"when", read_when},   {"metadata", read_metadata},       {"rate", read_rate},
               {"order", read_order}, {"concurrency", read_concurrency}, {"enabled", read_enabled}};
#define MEMBERS (sizeof(members) / sizeof(members[0]))

const char *hub_endpoint_member(size_t i)
{
    return i < MEMBERS ? members[i].name : NULL;
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

/* The hub's own members as they would be. New reference. */
static json_t *wanted_of(const struct hub_endpoint_reader *r, const json_t *body)
{
    json_t *before = r->before ? hub_endpoint_terms_json(r->before) : json_object(),
           *out = hub_endpoint_merged(before, body);
    json_t *metadata = json_object_get(body, "metadata");
    if (r->before && json_is_object(metadata))
        json_object_set_new(out, "metadata", hub_endpoint_merged(json_object_get(before, "metadata"), metadata));
    json_decref(before);
    return out;
}

int hub_endpoint_answer_faults(struct hub_endpoint_reader *r)
{
    int count = (int)r->err.count;
    if (count)
        http_problem_error(r->req, 422, &r->err);
    error_clear(&r->err);
    return count ? -1 : 0;
}

int hub_endpoint_read(struct http_request *req, const struct hub_endpoint_plugin *plugin, const json_t *body,
                      const struct hub_endpoint *before, struct dispatch_endpoint *out)
{
    struct hub_endpoint_reader r = {.req = req, .plugin = plugin, .before = before, .out = out};
    r.keeps_enabled = before && !json_object_get(body, "enabled");
    json_t *wanted = wanted_of(&r, body);
    *out = (struct dispatch_endpoint){0};
    for (size_t i = 0; i < MEMBERS; i++)
        members[i].read(&r, json_object_get(wanted, members[i].name));
    hub_endpoint_read_settings(&r, body);
    json_decref(wanted);
    return hub_endpoint_answer_faults(&r);
}
