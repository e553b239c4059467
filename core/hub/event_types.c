/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/{org}/event-types: what endpoints can be told of, from the tables of the org's sources and of the hub. The
 * example of a type is the body that an endpoint would get, made of the example in the table by what makes the bodies.
 */
#include "hub/event_types.h"

#include "base/mem.h"
#include "event/event.h"
#include "event/hub_types.h"
#include "host/types.h"
#include "hub/internal.h"
#include "ledger/payload.h"

#define EXAMPLE_EVENT "019b9cd5-8e80-7000-8000-000000000000"
#define EXAMPLE_TIME_MS INT64_C(1767862800000) /* 2026-01-08T09:00:00Z, as in the id */

/* --- which there are ---------------------------------------------------------------------------------------------- */

int hub_event_types_each(const struct config *config, struct belfry_str org,
                         int (*fn)(void *arg, const char *source, const struct belfry_event_type *type), void *arg)
{
    int stop = 0;
    for (size_t i = 0; i < config->source_count && !stop; i++) {
        const struct config_instance *source = &config->sources[i];
        const struct belfry_event_type *type = source->plugin->desc.events;
        for (; config_serves(source, org) && type && type->struct_size && !stop; type++)
            stop = fn(arg, source->name, type);
    }
    for (const struct belfry_event_type *type = event_hub_types; type->struct_size && !stop; type++)
        stop = fn(arg, EVENT_HUB_SOURCE, type);
    return stop;
}

const struct belfry_event_type *hub_event_type(const struct config *config, struct belfry_str org,
                                               struct belfry_str wanted, const char **source)
{
    const struct config_instance *instance = NULL;
    const struct belfry_event_type *type = host_type_find(config, org, wanted, &instance);
    *source = instance ? instance->name : EVENT_HUB_SOURCE;
    for (const struct belfry_event_type *own = event_hub_types; !type && own->struct_size; own++)
        if (event_type_is(str_of(own->type), wanted))
            return own;
    return type;
}

struct belfry_str hub_event_type_sample(struct arena *arena, const struct belfry_event_type *type)
{
    size_t len = strlen(type->type);
    if (type->type[len - 1] != '*')
        return str_of(type->type);
    return str_of(arena_printf(arena, "%.*sexample", (int)(len - 1), type->type));
}

/* --- the example of one ------------------------------------------------------------------------------------------- */

/* The thing in an example that has an id: sources put it first. */
static const json_t *thing_of(const json_t *data, const char **name)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)data, key, value)
    {
        *name = key;
        if (json_is_string(json_object_get(value, "id")))
            return value;
    }
    return NULL;
}

/* Subjects are named after the thing: approval/42, record/Lead/00Q-7. */
static struct belfry_str subject_of(struct arena *arena, const json_t *data)
{
    const char *name = NULL, *kind;
    const json_t *thing = thing_of(data, &name), *said = json_object_get(data, "subject"); /* of the hub's own */
    if (!thing || said)
        return json_str(said);
    kind = json_string_value(json_object_get(thing, "object"));
    return str_of(arena_printf(arena, "%s/%s%s%s", name, kind ? kind : "", kind ? "/" : "",
                               json_string_value(json_object_get(thing, "id"))));
}

static struct belfry_str link_of(const json_t *data)
{
    const char *name = NULL;
    return json_str(json_object_get(thing_of(data, &name), "url"));
}

/* New reference; null: the type has no example. */
static json_t *example_json(const struct http_request *req, const char *source, const struct belfry_event_type *type)
{
    json_t *data = type->example ? json_read(str_of(type->example), NULL) : NULL;
    if (!json_is_object(data)) {
        json_decref(data);
        return json_null();
    }
    struct belfry_str name = hub_event_type_sample(req->arena, type);
    struct host_type_texts texts = host_type_texts(req->arena, type, name, (struct belfry_str){NULL, 0}, data);
    const struct ledger_payload payload = {.id = STR(EXAMPLE_EVENT),
                                           .org = req->pub.org,
                                           .source = str_of(source),
                                           .type = name,
                                           .category = str_of(type->category),
                                           .subject = subject_of(req->arena, data),
                                           .title = texts.title,
                                           .body = texts.body,
                                           .link = link_of(data),
                                           .data = str_of(type->example),
                                           .time_ms = EXAMPLE_TIME_MS,
                                           .severity = (int32_t)type->severity};
    struct buf body = {0};
    ledger_payload(&payload, &body);
    json_t *example = json_read(buf_str(&body), NULL);
    buf_free(&body);
    json_decref(data);
    return example;
}

/* --- one in the list ---------------------------------------------------------------------------------------------- */

static json_t *text_or_null(const char *text)
{
    return text && *text ? json_string(text) : json_null();
}

static const char *value_type(uint32_t type)
{
    static const char *const names[] = {
        [BELFRY_VALUE_NULL] = "null",    [BELFRY_VALUE_BOOL] = "boolean",  [BELFRY_VALUE_INT] = "integer",
        [BELFRY_VALUE_REAL] = "number",  [BELFRY_VALUE_STRING] = "string", [BELFRY_VALUE_ARRAY] = "array",
        [BELFRY_VALUE_OBJECT] = "object"};
    return type < sizeof(names) / sizeof(names[0]) ? names[type] : NULL;
}

static json_t *fields_json(const struct belfry_field *field)
{
    json_t *list = json_array();
    for (; field && field->struct_size; field++) {
        json_t *doc = json_object();
        json_object_set_new(doc, "path", json_string(field->path));
        json_object_set_new(doc, "type", text_or_null(value_type(field->value_type)));
        json_object_set_new(doc, "doc", text_or_null(field->doc));
        json_array_append_new(list, doc);
    }
    return list;
}

static json_t *actions_json(const struct belfry_action_type *action)
{
    json_t *list = json_array();
    for (; action && action->struct_size; action++)
        json_array_append_new(list, json_pack("{s:s, s:s}", "id", action->id, "label", action->label));
    return list;
}

static json_t *replaces_json(const struct belfry_event_type *type)
{
    json_t *list = json_array();
    for (size_t i = 0; type->replaces && type->replaces[i]; i++)
        json_array_append_new(list, json_string(type->replaces[i]));
    return list;
}

/* Of a category that only some may see webhooks tell only when it says so. */
static int goes_out(const struct config *config, const char *category)
{
    const struct config_category *known = config_category(config, str_of(category));
    return !known || known->webhooks || known->visible_to.count == 0;
}

static json_t *type_json(const struct http_request *req, const char *source, const struct belfry_event_type *type)
{
    json_t *doc = json_object();
    json_object_set_new(doc, "source", json_string(source));
    json_object_set_new(doc, "type", json_string(type->type));
    json_object_set_new(doc, "category", text_or_null(type->category));
    json_object_set_new(doc, "severity", json_string(severity_name((int)type->severity)));
    json_object_set_new(doc, "replaces", replaces_json(type));
    json_object_set_new(doc, "actions", actions_json(type->actions));
    json_object_set_new(doc, "fields", fields_json(type->fields));
    json_object_set_new(doc, "doc", text_or_null(type->doc));
    json_object_set_new(doc, "webhooks", json_boolean(goes_out(req->config, type->category)));
    json_object_set_new(doc, "schema", hub_event_schema(source, type));
    json_object_set_new(doc, "example", example_json(req, source, type));
    return doc;
}

/* --- the list ----------------------------------------------------------------------------------------------------- */

struct catalogue {
    struct http_request *req;
    struct belfry_str wanted; /* a type, or a prefix and `*`; empty: all */
    json_t *items;
};

static int add_type(void *arg, const char *source, const struct belfry_event_type *type)
{
    struct catalogue *c = arg;
    struct belfry_str name = str_of(type->type);
    if (!c->wanted.len || event_type_is(name, c->wanted) || event_type_is(c->wanted, name))
        json_array_append_new(c->items, type_json(c->req, source, type));
    return 0;
}

static void get_types(void *arg, struct http_request *req)
{
    struct catalogue c = {.req = req};
    (void)arg;
    if (hub_query(req, "type", &c.wanted) < 0)
        return;
    c.items = json_array();
    hub_event_types_each(req->config, req->pub.org, add_type, &c);
    http_respond_json(req, 200, json_pack("{s:o, s:n}", "items", c.items, "next"), NULL, 0);
}

belfry_status hub_event_types_init(struct hub *hub, struct error *err)
{
    static const char *const reads = "role:admin|token:endpoints|token:endpoints:own|token:read|token:admin";
    const struct http_route route = {"GET", "/v1/{org}/event-types", reads, 0, 0, get_types, hub};
    return http_routes_add(hub->parts.http, hub, &route, 1, err);
}
