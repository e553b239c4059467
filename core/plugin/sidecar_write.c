/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A descriptor as JSON: all that is data, nothing that is code. What is zero is left out; numbers that only the hub
 * reads (offsets, flags) stay numbers. sidecar_read.c is the other half: what is written here is read there.
 */
#include "plugin/internal.h"
#include "plugin/option.h"
#include "plugin/sidecar.h"

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text)
        json_object_set_new(object, key, json_string(text));
}

static void set_number(json_t *object, const char *key, int64_t number)
{
    if (number)
        json_object_set_new(object, key, json_integer(number));
}

static json_t *texts(const char *const *list)
{
    json_t *array = json_array();
    for (; list && *list; list++)
        json_array_append_new(array, json_string(*list));
    return array;
}

static void set_texts(json_t *object, const char *key, const char *const *list)
{
    if (list)
        json_object_set_new(object, key, texts(list));
}

static json_t *options(const struct belfry_option *table, size_t only)
{
    json_t *array = json_array();
    for (const struct belfry_option *row = table; row->struct_size && (!only || row < table + only); row++) {
        json_t *option = json_object();
        set_text(option, "name", row->name);
        set_text(option, "type", option_type_name(row->type));
        set_number(option, "flags", row->flags);
        set_number(option, "offset", row->offset);
        set_number(option, "size", row->size);
        set_text(option, "default", row->def);
        set_text(option, "doc", row->doc);
        set_number(option, "min", row->min);
        set_number(option, "max", row->max);
        set_texts(option, "choices", row->choices);
        set_text(option, "requires", row->requires_);
        set_text(option, "conflicts", row->conflicts);
        set_text(option, "not_before", row->not_before);
        set_text(option, "unlike", row->unlike);
        if (row->children)
            json_object_set_new(option, "children", options(row->children, row->type != BELFRY_OPT_OBJECT));
        json_array_append_new(array, option);
    }
    return array;
}

static json_t *action_texts(const struct belfry_action_text *table)
{
    json_t *array = json_array();
    for (; table->struct_size; table++) {
        json_t *text = json_pack("{s:s, s:s}", "language", table->language, "label", table->label);
        set_text(text, "comment", table->comment);
        json_array_append_new(array, text);
    }
    return array;
}

static json_t *event_texts(const struct belfry_event_text *table)
{
    json_t *array = json_array();
    for (; table->struct_size; table++) {
        json_t *text = json_pack("{s:s}", "language", table->language);
        set_text(text, "title", table->title);
        set_text(text, "body", table->body);
        json_array_append_new(array, text);
    }
    return array;
}

static json_t *actions(const struct belfry_action_type *table)
{
    json_t *array = json_array();
    for (; table->struct_size; table++) {
        json_t *action =
            json_pack("{s:s, s:s, s:s}", "id", table->id, "label", table->label, "trigger", table->trigger);
        set_text(action, "comment", table->comment);
        if (table->texts)
            json_object_set_new(action, "texts", action_texts(table->texts));
        json_array_append_new(array, action);
    }
    return array;
}

static json_t *fields(const struct belfry_field *table)
{
    json_t *array = json_array();
    for (; table->struct_size; table++) {
        json_t *field = json_pack("{s:s, s:i}", "path", table->path, "type", (int)table->value_type);
        set_text(field, "doc", table->doc);
        json_array_append_new(array, field);
    }
    return array;
}

static json_t *events(const struct belfry_event_type *table)
{
    json_t *array = json_array();
    for (; table && table->struct_size; table++) {
        json_t *event = json_pack("{s:s, s:s}", "type", table->type, "category", table->category);
        set_number(event, "severity", table->severity);
        set_texts(event, "replaces", table->replaces);
        set_text(event, "title", table->title);
        set_text(event, "body", table->body);
        set_text(event, "doc", table->doc);
        set_text(event, "example", table->example);
        if (table->actions)
            json_object_set_new(event, "actions", actions(table->actions));
        if (table->fields)
            json_object_set_new(event, "fields", fields(table->fields));
        if (table->texts)
            json_object_set_new(event, "texts", event_texts(table->texts));
        json_array_append_new(array, event);
    }
    return array;
}

static json_t *categories(const struct belfry_category *table)
{
    json_t *array = json_array();
    for (; table && table->struct_size; table++) {
        json_t *category = json_pack("{s:s, s:s}", "name", table->name, "label", table->label), *said = json_array();
        for (const struct belfry_category_text *t = table->texts; t && t->struct_size; t++)
            json_array_append_new(said, json_pack("{s:s, s:s}", "language", t->language, "label", t->label));
        json_object_set_new(category, "texts", said);
        json_array_append_new(array, category);
    }
    return array;
}

static json_t *routes(const struct belfry_route *table)
{
    json_t *array = json_array();
    for (; table && table->struct_size; table++) {
        json_t *route =
            json_pack("{s:s, s:s, s:s}", "method", table->method, "pattern", table->pattern, "auth", table->auth);
        set_number(route, "flags", table->flags);
        set_number(route, "body_limit", table->body_limit);
        json_array_append_new(array, route);
    }
    return array;
}

static json_t *roles(const struct plugin *plugin)
{
    json_t *array = json_array();
    if (plugin->source)
        json_array_append_new(array, json_pack("{s:s}", "id", PLUGIN_ROLE_SOURCE));
    if (plugin->delivery) {
        json_t *role = json_pack("{s:s}", "id", PLUGIN_ROLE_DELIVERY);
        set_number(role, "flags", plugin->delivery->flags);
        set_number(role, "max_batch", plugin->delivery->max_batch);
        set_number(role, "max_inflight", plugin->delivery->max_inflight);
        json_array_append_new(array, role);
    }
    if (plugin->feedback)
        json_array_append_new(array, json_pack("{s:s}", "id", PLUGIN_ROLE_FEEDBACK));
    if (plugin->endpoints)
        json_array_append_new(array, json_pack("{s:s}", "id", PLUGIN_ROLE_ENDPOINTS));
    return array;
}

json_t *plugin_sidecar(const struct plugin *plugin)
{
    json_t *sidecar =
        json_pack("{s:i, s:i, s:s, s:s, s:s, s:s}", "sidecar", SIDECAR_FORMAT, "abi", BELFRY_ABI_MAJOR, "id",
                  plugin->id, "version", plugin->version, "summary", plugin->summary, "build_id", plugin->build_id);
    json_object_set_new(sidecar, "roles", roles(plugin));
    json_object_set_new(sidecar, "needs", texts(plugin->needs));
    json_object_set_new(sidecar, "config_size", json_integer((json_int_t)plugin->desc.config_size));
    json_object_set_new(sidecar, "options", plugin->desc.options ? options(plugin->desc.options, 0) : json_array());
    json_object_set_new(sidecar, "events", events(plugin->desc.events));
    if (plugin->desc.categories)
        json_object_set_new(sidecar, "categories", categories(plugin->desc.categories));
    json_object_set_new(sidecar, "routes", routes(plugin->desc.routes));
    return sidecar;
}
