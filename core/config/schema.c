/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Schema (draft 2020-12) of the whole language, for editors: the core's tables, and for each plugin on the path
 * what its sidecar says. The value of `plugin` chooses what else a source or channel may hold.
 */
#include "config/build.h"

static json_t *ref(const char *name)
{
    return json_pack("{s:s+}", "$ref", "#/$defs/", name);
}

static json_t *map_of(json_t *value)
{
    return json_pack("{s:[s,s], s:o}", "type", "object", "null", "additionalProperties", value);
}

static json_t *one_or_list(json_t *value)
{
    return json_pack("{s:[O, {s:s, s:o}]}", "anyOf", value, "type", "array", "items", value);
}

static void set_property(json_t *schema, const char *key, const char *doc, json_t *property)
{
    if (doc && !json_object_get(property, "$ref"))
        json_object_set_new(property, "description", json_string(doc));
    json_object_set_new(json_object_get(schema, "properties"), key, property);
}

static json_t *object_schema(const struct belfry_option *table)
{
    json_t *schema = option_schema(table);
    json_object_set_new(schema, "type", json_pack("[s,s]", "object", "null"));
    return schema;
}

/* --- conditions -------------------------------------------------------------------------------------------------- */

static const char *const operators[] = {"eq",       "ne",      "in",     "not_in", "prefix",     "suffix",
                                        "contains", "glob",    "regex",  "gt",     "gte",        "lt",
                                        "lte",      "between", "exists", "not",    "ignore_case"};

static json_t *operators_schema(void)
{
    json_t *properties = json_object();
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
        json_object_set_new(properties, operators[i], json_object());
    json_object_set_new(properties, "not", ref("test"));
    json_object_set_new(properties, "exists", json_pack("{s:s}", "type", "boolean"));
    json_object_set_new(properties, "ignore_case", json_pack("{s:s}", "type", "boolean"));
    return json_pack("{s:s, s:o, s:b}", "type", "object", "properties", properties, "additionalProperties", 0);
}

static void add_conditions(json_t *defs)
{
    json_object_set_new(defs, "operators", operators_schema());
    json_object_set_new(defs, "test",
                        json_pack("{s:[{s:[s,s,s,s]}, {s:s, s:{s:o}}, o]}", "anyOf", "type", "string", "number",
                                  "boolean", "null", "type", "array", "items", "$ref", json_string("#/$defs/test"),
                                  ref("operators")));
    json_object_set_new(
        defs, "block",
        json_pack(
            "{s:s, s:[{s:s, s:{s:o, s:o, s:o}, s:o}, {s:s, s:o}]}", "description",
            "A map means and, a list means or. Paths: org source type category severity subject actor time data.*",
            "anyOf", "type", "object", "properties", "any", ref("blocks"), "all", ref("blocks"), "not", ref("block"),
            "additionalProperties", ref("test"), "type", "array", "items", ref("block")));
    json_object_set_new(
        defs, "blocks",
        json_pack("{s:[{s:s, s:o}, o]}", "anyOf", "type", "array", "items", ref("block"), ref("block")));
}

/* --- rules ------------------------------------------------------------------------------------------------------- */

static void add_rules(json_t *defs)
{
    json_t *item = json_pack("{s:[{s:s, s:s}, o]}", "anyOf", "type", "string", "description", "A name of `channels`.",
                             option_schema(config_deliver_table));
    json_object_set_new(defs, "deliver", one_or_list(item));
    json_t *rule = option_schema(config_rule_table);
    set_property(rule, "when", "Which events; all when absent.", ref("block"));
    set_property(rule, "unless", "Events that are left out.", ref("block"));
    set_property(rule, "deliver", NULL, ref("deliver"));
    json_array_append_new(json_object_get(rule, "required"), json_string("deliver"));
    json_object_set_new(defs, "rule", rule);
}

/* --- sources and channels ---------------------------------------------------------------------------------------- */

/* {if: plugin is ID, then: what ID takes} for every plugin with the role. */
static json_t *instance_schema(struct arena *arena, const char *search, int channel)
{
    const char *const *ids;
    size_t count = plugin_list(arena, search, &ids);
    json_t *choices = json_array(), *all = json_array();
    for (size_t i = 0; i < count; i++) {
        struct error err = {0};
        const char *path = plugin_find(arena, search, ids[i]);
        const struct plugin *plugin = path ? plugin_read_sidecar(arena, path, &err) : NULL;
        error_clear(&err);
        if (!plugin || (channel ? !plugin->delivery : !plugin->source))
            continue;
        size_t size, common;
        json_t *then = option_schema(config_instance_options(arena, plugin, channel, &size, &common));
        if (plugin->summary)
            json_object_set_new(then, "description", json_string(plugin->summary));
        if (!channel)
            set_property(then, "hook", "What trigger becomes of what is posted to its hook; needs `verify`.",
                         option_schema(config_hook_options(arena)));
        json_array_append_new(choices, json_string(plugin->id));
        json_array_append_new(
            all, json_pack("{s:{s:{s:{s:s}}}, s:o}", "if", "properties", "plugin", "const", plugin->id, "then", then));
    }
    json_t *schema =
        json_pack("{s:s, s:[s], s:{s:{s:s, s:o}}}", "type", "object", "required", "plugin", "properties", "plugin",
                  "description", "The plugin; `belfry plugin list` shows them.", "enum", choices);
    if (json_array_size(all))
        json_object_set(schema, "allOf", all);
    json_decref(all);
    return schema;
}

/* --- sections ---------------------------------------------------------------------------------------------------- */

static json_t *auth_schema(void)
{
    json_t *auth = object_schema(config_auth_table), *tokens = option_schema(config_token_list);
    set_property(auth, "jwt", "Keys that sign for people.", ref("jwt"));
    set_property(auth, "tokens", NULL, json_incref(json_object_get(json_object_get(tokens, "properties"), "tokens")));
    json_decref(tokens);
    return auth;
}

static json_t *org_schema(void)
{
    json_t *org = object_schema(config_org_table);
    set_property(org, "users", "People, by username.", map_of(object_schema(config_user_table)));
    set_property(org, "jwt", "Keys that sign for people of this org only.", ref("jwt"));
    return org;
}

static json_t *retention_schema(void)
{
    json_t *properties = json_object();
    const char *key, *def, *doc;
    for (size_t i = 0; i < config_retention_row(i, &key, &def, &doc); i++)
        json_object_set_new(properties, key,
                            json_pack("{s:s, s:s, s:s, s:s}", "type", "string", "pattern", "^(forever|[0-9]+[dw])$",
                                      "description", doc, "default", def));
    return json_pack("{s:[s,s], s:o, s:b}", "type", "object", "null", "properties", properties, "additionalProperties",
                     0);
}

json_t *config_schema(const char *plugin_path)
{
    struct arena *arena = arena_new(0);
    json_t *defs = json_object(), *p = json_object();
    add_conditions(defs);
    add_rules(defs);
    json_object_set_new(defs, "jwt", option_schema(config_jwt_table));
    json_object_set_new(p, "version", json_pack("{s:i, s:s}", "const", 1, "description", "Version of the language."));
    json_object_set_new(
        p, "include",
        json_pack("{s:s, s:o}", "description", "Patterns of further files, relative to this one: conf.d/*.yaml",
                  "anyOf",
                  json_pack("[{s:s}, {s:s, s:{s:s}}]", "type", "string", "type", "array", "items", "type", "string")));
    json_object_set_new(p, "hub", object_schema(config_hub_table));
    json_object_set_new(p, "auth", auth_schema());
    json_object_set_new(p, "orgs", map_of(org_schema()));
    json_object_set_new(p, "categories", map_of(object_schema(config_category_table)));
    json_object_set_new(p, "sources", map_of(instance_schema(arena, plugin_path, 0)));
    json_object_set_new(p, "channels", map_of(instance_schema(arena, plugin_path, 1)));
    json_object_set_new(p, "schedules", map_of(option_schema(config_schedule_table)));
    json_object_set_new(p, "rules", json_pack("{s:[s,s], s:o}", "type", "array", "null", "items", ref("rule")));
    json_object_set_new(p, "unmatched",
                        json_pack("{s:s, s:s, s:[s], s:{s:o}, s:b}", "description",
                                  "What happens to an event that no rule matches.", "type", "object", "required",
                                  "deliver", "properties", "deliver", ref("deliver"), "additionalProperties", 0));
    json_object_set_new(p, "retention", retention_schema());
    arena_free(arena);
    return json_pack("{s:s, s:s, s:s, s:[s,s,s], s:o, s:{s:{}}, s:b, s:o}", "$schema",
                     "https://json-schema.org/draft/2020-12/schema", "title", "Belfry configuration", "type", "object",
                     "required", "version", "orgs", "unmatched", "properties", p, "patternProperties", "^x-",
                     "additionalProperties", 0, "$defs", defs);
}
