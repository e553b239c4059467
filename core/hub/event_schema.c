/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schema of a webhook body, from the table of its type. What the table says of `data.object` is what a source puts
 * there when it knows it: no member is required, each may be null, and what the table does not name may be there too
 * (sources keep unknown fields of their triggers). Of the members of a path that ends in `*` nothing is known.
 */
#include "hub/event_types.h"

#include "base/mem.h"
#include "base/str.h"
#include "event/event.h"
#include "event/hub_types.h"

#include <string.h>

#define DIALECT "https://json-schema.org/draft/2020-12/schema"
#define TIME_PATTERN "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z$" /* as time_format() writes it */

/* --- data.object -------------------------------------------------------------------------------------------------- */

static const char *const type_words[] = {
    [BELFRY_VALUE_NULL] = "null",    [BELFRY_VALUE_BOOL] = "boolean",  [BELFRY_VALUE_INT] = "integer",
    [BELFRY_VALUE_REAL] = "number",  [BELFRY_VALUE_STRING] = "string", [BELFRY_VALUE_ARRAY] = "array",
    [BELFRY_VALUE_OBJECT] = "object"};

static void set_type(json_t *schema, uint32_t type)
{
    if (type > BELFRY_VALUE_NULL && type < sizeof(type_words) / sizeof(type_words[0]))
        json_object_set_new(schema, "type", json_pack("[s, s]", type_words[type], "null"));
}

/* The member's schema below an object's, made when it is missing. */
static json_t *member(json_t *object, struct belfry_str name)
{
    json_t *properties = json_object_get(object, "properties");
    if (!properties)
        json_object_set_new(object, "properties", properties = json_object());
    json_t *schema = json_object_getn(properties, name.ptr, name.len);
    if (!schema)
        json_object_setn_new(properties, name.ptr, name.len, schema = json_object());
    return schema;
}

static void add_field(json_t *root, const struct belfry_field *field)
{
    struct belfry_str rest = str_of(field->path);
    json_t *schema = root;
    for (;;) {
        struct belfry_str name = str_cut(rest, '.', &rest);
        if (str_eqz(name, "*")) {
            json_object_set_new(schema, "additionalProperties", json_object());
            schema = json_object_get(schema, "additionalProperties");
            break;
        }
        schema = member(schema, name);
        if (!rest.ptr) {
            set_type(schema, field->value_type);
            break;
        }
        set_type(schema, BELFRY_VALUE_OBJECT);
    }
    if (field->doc && *field->doc)
        json_object_set_new(schema, "description", json_string(field->doc));
}

static json_t *object_schema(const struct belfry_event_type *type)
{
    json_t *schema = json_pack("{s:s, s:{}}", "type", "object", "properties");
    for (const struct belfry_field *field = type->fields; field && field->struct_size; field++)
        add_field(schema, field);
    return schema;
}

/* --- around it ---------------------------------------------------------------------------------------------------- */

static json_t *text(const char *doc)
{
    return json_pack("{s:s, s:s}", "type", "string", "description", doc);
}

static json_t *text_or_null(const char *doc)
{
    return json_pack("{s:[s, s], s:s}", "type", "string", "null", "description", doc);
}

static json_t *severities(void)
{
    json_t *words = json_array();
    for (int i = 0; severity_name(i); i++)
        json_array_append_new(words, json_string(severity_name(i)));
    return json_pack("{s:o}", "enum", words);
}

/* The type itself, or all that begin as a prefix does: types are words and dots. */
static json_t *type_schema(const char *type)
{
    size_t len = strlen(type);
    if (type[len - 1] != '*')
        return json_pack("{s:s}", "const", type);
    struct buf pattern = {0};
    buf_addc(&pattern, '^');
    for (size_t i = 0; i < len - 1; i++)
        buf_addf(&pattern, type[i] == '.' ? "\\%c" : "%c", type[i]);
    json_t *schema = json_pack("{s:s, s:s}", "type", "string", "pattern", pattern.ptr);
    buf_free(&pattern);
    return schema;
}

/* The hub tells of what happened to itself; as a test, of anything. */
static json_t *source_schema(const char *source)
{
    if (strcmp(source, EVENT_HUB_SOURCE) == 0)
        return json_pack("{s:s}", "const", source);
    return json_pack("{s:[s, s], s:s}", "enum", source, EVENT_HUB_SOURCE, "description",
                     "Who tells of it: of a test delivery the hub.");
}

static json_t *data_schema(const char *source, const struct belfry_event_type *type)
{
    json_t *members = json_object();
    json_object_set_new(members, "id", json_pack("{s:s, s:s}", "type", "string", "format", "uuid"));
    json_object_set_new(members, "org", text("Whose event it is."));
    json_object_set_new(members, "source", source_schema(source));
    json_object_set_new(members, "subject", text_or_null("The thing that it is about."));
    json_object_set_new(members, "category", text("As the event has it; sources and rules may choose another."));
    json_object_set_new(members, "severity", severities());
    json_object_set_new(members, "title", text("One line for people."));
    json_object_set_new(members, "body", text_or_null("More, for people."));
    json_object_set_new(members, "link", text_or_null("Where people find it: http, https, or a path of the hub."));
    json_object_set_new(members, "actor", text("Who did it, where the source says so."));
    json_object_set_new(
        members, "test",
        json_pack("{s:b, s:s}", "const", 1, "description", "Only of test deliveries: nothing happened."));
    json_object_set_new(members, "object", object_schema(type));
    return json_pack("{s:s, s:[s, s, s, s, s, s, s, s, s, s], s:o}", "type", "object", "required", "id", "org",
                     "source", "subject", "category", "severity", "title", "body", "link", "object", "properties",
                     members);
}

json_t *hub_event_schema(const char *source, const struct belfry_event_type *type)
{
    json_t *schema = json_pack("{s:s, s:s}", "$schema", DIALECT, "title", type->type);
    if (type->doc && *type->doc)
        json_object_set_new(schema, "description", json_string(type->doc));
    json_t *timestamp = json_pack("{s:s, s:s, s:s, s:s}", "type", "string", "format", "date-time", "pattern",
                                  TIME_PATTERN, "description", "When it happened; the same at every attempt.");
    json_t *members = json_object();
    json_object_set_new(members, "type", type_schema(type->type));
    json_object_set_new(members, "timestamp", timestamp);
    json_object_set_new(members, "data", data_schema(source, type));
    json_object_set_new(schema, "type", json_string("object"));
    json_object_set_new(schema, "required", json_pack("[s, s, s]", "type", "timestamp", "data"));
    json_object_set_new(schema, "properties", members);
    return schema;
}
