/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A descriptor from JSON. A sidecar is a file like any other, so it is believed no more than an object is: every member
 * has its type, and the result passes the same checks, among them that every option lies inside config_size.
 */
#include "base/json.h"
#include "base/mem.h"
#include "plugin/internal.h"
#include "plugin/option.h"
#include "plugin/option_internal.h"
#include "plugin/sidecar.h"

#include <errno.h>
#include <stdlib.h>
#include <stdio.h>

/* The first thing that is wrong ends the reading: later reads see `fault` and do nothing. */
struct reader {
    struct arena *arena;
    const char *fault;
};

static void wrong(struct reader *r, const char *key, const char *expected)
{
    if (!r->fault)
        r->fault = arena_printf(r->arena, "member `%s` is not %s", key, expected);
}

static const char *text(struct reader *r, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!value)
        return NULL;
    if (!json_is_string(value)) {
        wrong(r, key, "a string");
        return "";
    }
    return arena_strndup(r->arena, json_string_value(value), json_string_length(value));
}

/* A text that must be there. */
static const char *needed(struct reader *r, const json_t *object, const char *key)
{
    const char *value = text(r, object, key);
    if (!value)
        wrong(r, key, "there");
    return value ? value : "";
}

static int64_t number(struct reader *r, const json_t *object, const char *key, int64_t min, int64_t max)
{
    const json_t *value = json_object_get(object, key);
    if (!value)
        return 0;
    if (json_is_integer(value) && json_integer_value(value) >= min && json_integer_value(value) <= max)
        return json_integer_value(value);
    wrong(r, key, "a number that fits");
    return 0;
}

static uint32_t small(struct reader *r, const json_t *object, const char *key)
{
    return (uint32_t)number(r, object, key, 0, UINT32_MAX);
}

static const char *const *texts(struct reader *r, const json_t *object, const char *key)
{
    const json_t *array = json_object_get(object, key);
    if (!array)
        return NULL;
    const char **list = arena_alloc(r->arena, (json_array_size(array) + 1) * sizeof(*list));
    if (!json_is_array(array))
        wrong(r, key, "a list of strings");
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *item = json_array_get(array, i);
        if (json_is_string(item))
            list[i] = arena_strndup(r->arena, json_string_value(item), json_string_length(item));
        else
            wrong(r, key, "a list of strings");
        if (!list[i])
            return list;
    }
    return list;
}

/* A zeroed table of the size of an array of objects, with its element of size 0; NULL when there is no such member. */
static void *table(struct reader *r, const json_t *object, const char *key, size_t size, const json_t **array)
{
    *array = json_object_get(object, key);
    if (!*array)
        return NULL;
    if (!json_is_array(*array) || json_array_size(*array) > OPTION_MAX_ROWS)
        wrong(r, key, "a list that is short enough");
    for (size_t i = 0; !r->fault && i < json_array_size(*array); i++)
        if (!json_is_object(json_array_get(*array, i)))
            wrong(r, key, "a list of objects");
    size_t count = r->fault ? 0 : json_array_size(*array);
    if (r->fault)
        *array = NULL;
    return arena_alloc(r->arena, (count + 1) * size);
}

static const struct belfry_option *options(struct reader *r, const json_t *object, const char *key, int depth)
{
    const json_t *array;
    struct belfry_option *rows = table(r, object, key, sizeof(*rows), &array);
    if (depth > OPTION_MAX_DEPTH)
        wrong(r, key, "shallow enough");
    for (size_t i = 0; !r->fault && i < json_array_size(array); i++) {
        const json_t *from = json_array_get(array, i);
        rows[i] = (struct belfry_option){
            .struct_size = sizeof(*rows),
            .type = option_type_of(str_of(needed(r, from, "type"))),
            .flags = small(r, from, "flags"),
            .offset = small(r, from, "offset"),
            .name = text(r, from, "name"),
            .def = text(r, from, "default"),
            .doc = text(r, from, "doc"),
            .min = number(r, from, "min", INT64_MIN, INT64_MAX),
            .max = number(r, from, "max", INT64_MIN, INT64_MAX),
            .choices = texts(r, from, "choices"),
            .requires_ = text(r, from, "requires"),
            .conflicts = text(r, from, "conflicts"),
            .not_before = text(r, from, "not_before"),
            .unlike = text(r, from, "unlike"),
            .size = small(r, from, "size"),
        };
        if (json_object_get(from, "children"))
            rows[i].children = options(r, from, "children", depth + 1);
    }
    return rows;
}

static const struct belfry_action_text *action_texts(struct reader *r, const json_t *object)
{
    const json_t *array;
    struct belfry_action_text *rows = table(r, object, "texts", sizeof(*rows), &array);
    for (size_t i = 0; !r->fault && i < json_array_size(array); i++) {
        const json_t *from = json_array_get(array, i);
        rows[i] = (struct belfry_action_text){.struct_size = sizeof(*rows),
                                              .language = needed(r, from, "language"),
                                              .label = needed(r, from, "label"),
                                              .comment = text(r, from, "comment")};
    }
    return rows;
}

static const struct belfry_event_text *event_texts(struct reader *r, const json_t *object)
{
    const json_t *array;
    struct belfry_event_text *rows = table(r, object, "texts", sizeof(*rows), &array);
    for (size_t i = 0; !r->fault && i < json_array_size(array); i++) {
        const json_t *from = json_array_get(array, i);
        rows[i] = (struct belfry_event_text){.struct_size = sizeof(*rows),
                                             .language = needed(r, from, "language"),
                                             .title = text(r, from, "title"),
                                             .body = text(r, from, "body")};
    }
    return rows;
}

static const struct belfry_action_type *actions(struct reader *r, const json_t *object)
{
    const json_t *array;
    struct belfry_action_type *rows = table(r, object, "actions", sizeof(*rows), &array);
    for (size_t i = 0; !r->fault && i < json_array_size(array); i++) {
        const json_t *from = json_array_get(array, i);
        rows[i] = (struct belfry_action_type){.struct_size = sizeof(*rows),
                                              .id = needed(r, from, "id"),
                                              .label = needed(r, from, "label"),
                                              .trigger = needed(r, from, "trigger"),
                                              .comment = text(r, from, "comment"),
                                              .texts = action_texts(r, from)};
    }
    return rows;
}

static const struct belfry_field *fields(struct reader *r, const json_t *object)
{
    const json_t *array;
    struct belfry_field *rows = table(r, object, "fields", sizeof(*rows), &array);
    for (size_t i = 0; !r->fault && i < json_array_size(array); i++) {
        const json_t *from = json_array_get(array, i);
        rows[i] = (struct belfry_field){.struct_size = sizeof(*rows),
                                        .value_type = small(r, from, "type"),
                                        .path = needed(r, from, "path"),
                                        .doc = text(r, from, "doc")};
    }
    return rows;
}

static const struct belfry_event_type *events(struct reader *r, const json_t *object)
{
    const json_t *array;
    struct belfry_event_type *rows = table(r, object, "events", sizeof(*rows), &array);
    for (size_t i = 0; !r->fault && i < json_array_size(array); i++) {
        const json_t *from = json_array_get(array, i);
        rows[i] = (struct belfry_event_type){
            .struct_size = sizeof(*rows),
            .severity = small(r, from, "severity"),
            .type = needed(r, from, "type"),
            .category = needed(r, from, "category"),
            .replaces = texts(r, from, "replaces"),
            .actions = actions(r, from),
            .fields = fields(r, from),
            .title = text(r, from, "title"),
            .body = text(r, from, "body"),
            .doc = text(r, from, "doc"),
            .example = text(r, from, "example"),
            .texts = event_texts(r, from),
        };
    }
    return rows;
}

static const struct belfry_category_text *category_texts(struct reader *r, const json_t *object)
{
    const json_t *array;
    struct belfry_category_text *rows = table(r, object, "texts", sizeof(*rows), &array);
    for (size_t i = 0; !r->fault && i < json_array_size(array); i++) {
        const json_t *from = json_array_get(array, i);
        rows[i] = (struct belfry_category_text){
            .struct_size = sizeof(*rows), .language = needed(r, from, "language"), .label = needed(r, from, "label")};
    }
    return rows;
}

static const struct belfry_category *categories(struct reader *r, const json_t *object)
{
    const json_t *array;
    struct belfry_category *rows = table(r, object, "categories", sizeof(*rows), &array);
    for (size_t i = 0; !r->fault && i < json_array_size(array); i++) {
        const json_t *from = json_array_get(array, i);
        rows[i] = (struct belfry_category){.struct_size = sizeof(*rows),
                                           .name = needed(r, from, "name"),
                                           .label = needed(r, from, "label"),
                                           .texts = category_texts(r, from)};
    }
    return rows;
}

static const struct belfry_route *routes(struct reader *r, const json_t *object)
{
    const json_t *array;
    struct belfry_route *rows = table(r, object, "routes", sizeof(*rows), &array);
    for (size_t i = 0; !r->fault && i < json_array_size(array); i++) {
        const json_t *from = json_array_get(array, i);
        rows[i] = (struct belfry_route){.struct_size = sizeof(*rows),
                                        .flags = small(r, from, "flags"),
                                        .method = needed(r, from, "method"),
                                        .pattern = needed(r, from, "pattern"),
                                        .auth = needed(r, from, "auth"),
                                        .body_limit = number(r, from, "body_limit", 0, INT64_MAX)};
    }
    return rows;
}

/* Vtables without functions, which say only that the role is there. */
static void roles(struct reader *r, const json_t *object, struct plugin *plugin)
{
    const json_t *array;
    struct belfry_role *rows = table(r, object, "roles", sizeof(*rows), &array);
    for (size_t i = 0; !r->fault && i < json_array_size(array); i++) {
        const json_t *from = json_array_get(array, i);
        rows[i].id = needed(r, from, "id");
        for (size_t k = 0; k < i; k++)
            if (strcmp(rows[k].id, rows[i].id) == 0)
                wrong(r, "roles", "a list of different roles");
        if (strcmp(rows[i].id, PLUGIN_ROLE_SOURCE) == 0) {
            struct belfry_source source = {.struct_size = sizeof(source)};
            rows[i].vtable = plugin->source = arena_memdup(r->arena, &source, sizeof(source));
        } else if (strcmp(rows[i].id, PLUGIN_ROLE_DELIVERY) == 0) {
            struct belfry_delivery delivery = {.struct_size = sizeof(delivery),
                                               .flags = small(r, from, "flags"),
                                               .max_batch = small(r, from, "max_batch"),
                                               .max_inflight = small(r, from, "max_inflight")};
            rows[i].vtable = plugin->delivery = arena_memdup(r->arena, &delivery, sizeof(delivery));
        } else if (strcmp(rows[i].id, PLUGIN_ROLE_FEEDBACK) == 0) {
            struct belfry_feedback feedback = {.struct_size = sizeof(feedback)};
            rows[i].vtable = plugin->feedback = arena_memdup(r->arena, &feedback, sizeof(feedback));
        } else if (strcmp(rows[i].id, PLUGIN_ROLE_ENDPOINTS) == 0) {
            struct belfry_endpoints endpoints = {.struct_size = sizeof(endpoints)};
            rows[i].vtable = plugin->endpoints = arena_memdup(r->arena, &endpoints, sizeof(endpoints));
        } else {
            wrong(r, "roles", "a list of roles that this hub knows");
        }
    }
    plugin->desc.roles = rows;
}

static const char *read_plugin(struct arena *arena, const json_t *json, struct plugin *plugin)
{
    static const char *const nothing[] = {NULL};
    struct reader r = {arena, NULL};
    int64_t format = number(&r, json, "sidecar", 0, INT32_MAX), abi = number(&r, json, "abi", 0, INT32_MAX);
    if (format != SIDECAR_FORMAT || abi != BELFRY_ABI_MAJOR)
        return arena_printf(arena, "has format %lld for plugin ABI %lld, expected %d and %d", (long long)format,
                            (long long)abi, SIDECAR_FORMAT, BELFRY_ABI_MAJOR);
    plugin->id = needed(&r, json, "id");
    plugin->version = needed(&r, json, "version");
    plugin->summary = needed(&r, json, "summary");
    plugin->build_id = needed(&r, json, "build_id");
    plugin->needs = texts(&r, json, "needs");
    if (!plugin->needs)
        plugin->needs = nothing;
    plugin->desc = (struct belfry_plugin){
        .struct_size = sizeof(plugin->desc),
        .id = plugin->id,
        .version = plugin->version,
        .summary = plugin->summary,
        .needs = plugin->needs,
        .options = options(&r, json, "options", 0),
        .config_size = (uint64_t)number(&r, json, "config_size", 0, INT64_MAX),
        .events = events(&r, json),
        .categories = categories(&r, json),
        .routes = routes(&r, json),
    };
    roles(&r, json, plugin);
    return r.fault ? r.fault : check_descriptor(arena, plugin);
}

const struct plugin *plugin_from_json(struct arena *arena, const char *so_path, const json_t *json, struct error *err)
{
    struct plugin *plugin = arena_alloc(arena, sizeof(*plugin));
    plugin->path = arena_strdup(arena, so_path);
    const char *fault = json_is_object(json) ? read_plugin(arena, json, plugin) : "is not a JSON object";
    if (!fault)
        return plugin;
    error_set(err, BELFRY_EINVAL, NULL, "%s: %s", plugin_sidecar_path(arena, so_path), fault);
    return NULL;
}

/* --- files ------------------------------------------------------------------------------------------------------ */

const char *plugin_sidecar_path(struct arena *arena, const char *so_path)
{
    size_t len = strlen(so_path);
    if (len > 3 && strcmp(so_path + len - 3, ".so") == 0)
        len -= 3;
    return arena_printf(arena, "%.*s.json", (int)len, so_path);
}

/* 0, or errno. EFBIG when it is more than a sidecar can have. */
static int read_file(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return errno;
    int fault = 0;
    while (!fault && !feof(file)) {
        size_t got = fread(buf_reserve(out, 16384), 1, 16384, file);
        out->len += got;
        fault = ferror(file) ? EIO : out->len > SIDECAR_MAX_BYTES ? EFBIG : 0;
    }
    fclose(file);
    return fault;
}

const struct plugin *plugin_read_sidecar(struct arena *arena, const char *so_path, struct error *err)
{
    const char *path = plugin_sidecar_path(arena, so_path);
    struct buf text_read = {0};
    struct error parse = {0};
    const struct plugin *plugin = NULL;
    int fault = read_file(path, &text_read);
    json_t *json = fault ? NULL : json_read(buf_str(&text_read), &parse);
    if (fault)
        error_set(err, fault == ENOENT ? BELFRY_ENOTFOUND : BELFRY_EINVAL, NULL, "%s: cannot be read: %s", path,
                  strerror(fault));
    else if (!json)
        error_set(err, BELFRY_EINVAL, NULL, "%s: is not JSON: %s", path, error_text(&parse));
    else
        plugin = plugin_from_json(arena, so_path, json, err);
    json_decref(json);
    error_clear(&parse);
    buf_free(&text_read);
    return plugin;
}
