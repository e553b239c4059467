/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Schema (2020-12) of a table, for editors. It says as much as the walker checks where the language can; what it
 * cannot (templates, conditions) stays open rather than wrong. A table is checked, so the recursion ends.
 */
#include "plugin/option_internal.h"

#define SECRET_PATTERN "\\$\\{(env|file|cred):"

static json_t *typed(const char *type)
{
    return json_pack("{s:s}", "type", type);
}

static json_t *pattern(const char *text)
{
    return json_pack("{s:s, s:s+}", "type", "string", "pattern", text, "|" SECRET_PATTERN);
}

/* min and max, by the names that the type has for them. */
static void limits(json_t *schema, const struct belfry_option *row, const char *min, const char *max)
{
    if (!option_limited(row))
        return;
    if (row->min != INT64_MIN)
        json_object_set_new(schema, min, json_integer(row->min));
    if (row->max != INT64_MAX)
        json_object_set_new(schema, max, json_integer(row->max));
}

static json_t *words(const char *const *choices)
{
    json_t *list = json_array();
    for (; choices && *choices; choices++)
        json_array_append_new(list, json_string(*choices));
    return list;
}

static json_t *value_schema(const struct belfry_option *row);

static json_t *list_schema(const struct belfry_option *row)
{
    json_t *list = typed("array");
    json_object_set_new(list, "items", value_schema(row->children));
    limits(list, row, "minItems", "maxItems");
    if (!option_flag(row, BELFRY_OPT_SCALAR_LIST))
        return list;
    return json_pack("{s:[o,o]}", "anyOf", list, value_schema(row->children));
}

static json_t *map_schema(const struct belfry_option *row)
{
    json_t *map = typed("object");
    json_object_set_new(map, "additionalProperties", value_schema(row->children));
    limits(map, row, "minProperties", "maxProperties");
    return map;
}

static json_t *number_schema(const struct belfry_option *row, const char *type)
{
    json_t *number = typed(type);
    limits(number, row, "minimum", "maximum");
    return number;
}

/* A number that an admin wrote where a text is wanted is that text. */
static json_t *string_schema(const struct belfry_option *row)
{
    json_t *string = json_pack("{s:[s,s]}", "type", "string", "number");
    limits(string, row, "minLength", "maxLength");
    return string;
}

static json_t *value_schema(const struct belfry_option *row)
{
    switch (row->type) {
    case BELFRY_OPT_STRING:
        return string_schema(row);
    case BELFRY_OPT_BOOL:
        return typed("boolean");
    case BELFRY_OPT_INT:
        return number_schema(row, "integer");
    case BELFRY_OPT_DOUBLE:
        return number_schema(row, "number");
    case BELFRY_OPT_DURATION:
        return pattern("^-?[0-9]+(ms|s|m|h|d|w)$");
    case BELFRY_OPT_SIZE:
        return json_pack("{s:[{s:s, s:i}, o]}", "anyOf", "type", "integer", "minimum", 0,
                         pattern("^[0-9]+(B|[KMG]iB|[kMG]B)?$"));
    case BELFRY_OPT_TIME:
        return pattern("^([01][0-9]|2[0-3]):[0-5][0-9]$");
    case BELFRY_OPT_DATE:
        return pattern("^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt].*)?$");
    case BELFRY_OPT_URL:
        return pattern("^[A-Za-z][A-Za-z0-9+.-]*://[^ ]+$");
    case BELFRY_OPT_CHOICE:
        return json_pack("{s:o}", "enum", words(row->choices));
    case BELFRY_OPT_CONDITION:
        return json_pack("{s:[s,s]}", "type", "object", "array");
    case BELFRY_OPT_OBJECT:
        return option_schema(row->children);
    case BELFRY_OPT_LIST:
        return list_schema(row);
    case BELFRY_OPT_MAP:
        return map_schema(row);
    default:
        return json_pack("{s:[s,s]}", "type", "string", "number");
    }
}

/* --- a row ------------------------------------------------------------------------------------------------------ */

static void describe(json_t *schema, const struct belfry_option *row)
{
    if (row->doc)
        json_object_set_new(schema, "description", json_string(row->doc));
    if (option_flag(row, BELFRY_OPT_DEPRECATED))
        json_object_set_new(schema, "deprecated", json_true());
    if (option_flag(row, BELFRY_OPT_SECRET))
        json_object_set_new(schema, "writeOnly", json_true());
    if (!row->def)
        return;
    struct arena *scratch = arena_new(0);
    struct diag_set *diags = diag_set_new();
    const struct yaml_node *value = option_default(scratch, diags, row);
    if (value)
        json_object_set_new(schema, "default", yaml_to_json(value));
    diag_set_free(diags);
    arena_free(scratch);
}

/* "x excludes y": not both. */
static void add_conflicts(json_t *all, const struct belfry_option *row)
{
    struct belfry_str rest = str_of(row->conflicts);
    for (struct belfry_str one = option_next_name(&rest); one.len; one = option_next_name(&rest))
        json_array_append_new(all, json_pack("{s:{s:[s,s%]}}", "not", "required", row->name, one.ptr, one.len));
}

static void add_requires(json_t *dependent, const struct belfry_option *row)
{
    json_t *list = json_array();
    struct belfry_str rest = str_of(row->requires_);
    for (struct belfry_str one = option_next_name(&rest); one.len; one = option_next_name(&rest))
        json_array_append_new(list, json_stringn(one.ptr, one.len));
    if (json_array_size(list))
        json_object_set_new(dependent, row->name, list);
    else
        json_decref(list);
}

static void set_unless_empty(json_t *schema, const char *key, json_t *value)
{
    if (json_is_array(value) ? json_array_size(value) > 0 : json_object_size(value) > 0)
        json_object_set(schema, key, value);
    json_decref(value);
}

json_t *option_schema(const struct belfry_option *table)
{
    json_t *schema = typed("object"), *properties = json_object(), *required = json_array();
    json_t *all = json_array(), *dependent = json_object();
    for (const struct belfry_option *row = table; row && row->struct_size; row++) {
        json_t *property = value_schema(row);
        describe(property, row);
        json_object_set_new(properties, row->name, property);
        if (option_flag(row, BELFRY_OPT_REQUIRED))
            json_array_append_new(required, json_string(row->name));
        add_conflicts(all, row);
        add_requires(dependent, row);
    }
    json_object_set_new(schema, "properties", properties);
    json_object_set_new(schema, "additionalProperties", json_false());
    set_unless_empty(schema, "required", required);
    set_unless_empty(schema, "dependentRequired", dependent);
    set_unless_empty(schema, "allOf", all);
    return schema;
}
