/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /openapi.json (OpenAPI 3.1): the routes that this hub has now, each with what its auth says, and with what the
 * tables of openapi_table.c know about it. Because the paths come from the router, a route cannot be missing; one that
 * a plugin brings and the tables do not know is there without a summary.
 */
#include "hub/openapi.h"

#include "base/mem.h"
#include "event/outcome.h"
#include "hub/internal.h"

#include <stdlib.h>

/* --- types -------------------------------------------------------------------------------------------------------- */

static json_t *object_of(const char *key, json_t *value)
{
    json_t *out = json_object();
    json_object_set_new(out, key, value);
    return out;
}

static json_t *reference(const char *kind, struct belfry_str name)
{
    struct buf path = {0};
    buf_addf(&path, "#/components/%s/%.*s", kind, STR_ARG(name));
    json_t *out = object_of("$ref", json_string(path.ptr));
    buf_free(&path);
    return out;
}

static const struct {
    const char *word, *type, *format;
} words[] = {{"text", "string", NULL},        {"int", "integer", NULL},  {"bool", "boolean", NULL},
             {"object", "object", NULL},      {"null", "null", NULL},    {"any", NULL, NULL},
             {"time", "string", "date-time"}, {"uuid", "string", "uuid"}};

/* A word: one of the plain types, else the name of a schema. */
static json_t *word_json(struct belfry_str word)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!str_eqz(word, words[i].word))
            continue;
        json_t *out = json_object();
        if (words[i].type)
            json_object_set_new(out, "type", json_string(words[i].type));
        if (words[i].format)
            json_object_set_new(out, "format", json_string(words[i].format));
        return out;
    }
    return reference("schemas", word);
}

static struct belfry_str inner(struct belfry_str type)
{
    return str_slice(type.ptr + 1, type.len - 2);
}

/* See openapi.h. Types nest two deep at most, and so does this. */
static json_t *type_json(struct belfry_str type)
{
    struct belfry_str more, one = str_cut(type, '|', &more);
    json_t *any, *out;
    if (more.ptr) {
        any = json_pack("[o, o]", type_json(one), type_json(more));
        return object_of("anyOf", any);
    }
    if (type.ptr[type.len - 1] == '?') {
        any = json_pack("[o, o]", type_json(str_slice(type.ptr, type.len - 1)), word_json(STR("null")));
        return object_of("anyOf", any);
    }
    if (type.ptr[0] != '[' && type.ptr[0] != '{')
        return word_json(type);
    out = object_of("type", json_string(type.ptr[0] == '[' ? "array" : "object"));
    json_object_set_new(out, type.ptr[0] == '[' ? "items" : "additionalProperties", type_json(inner(type)));
    return out;
}

/* "name:type"; the name's last character is cut off into *mark when it is one of marks. */
static struct belfry_str name_of(struct belfry_str field, const char *marks, char *mark, struct belfry_str *type)
{
    struct belfry_str name = str_cut(field, ':', type);
    *mark = name.len && strchr(marks, name.ptr[name.len - 1]) ? name.ptr[name.len - 1] : '\0';
    return *mark ? str_slice(name.ptr, name.len - 1) : name;
}

static void set(json_t *object, struct belfry_str key, json_t *value)
{
    char *name = xstrndup(key.ptr, key.len);
    json_object_set_new(object, name, value);
    free(name);
}

static json_t *choice_json(struct belfry_str choice)
{
    json_t *list = json_array();
    while (choice.ptr) {
        struct belfry_str word = str_cut(choice, '|', &choice);
        json_array_append_new(list, json_stringn(word.ptr, word.len));
    }
    return json_pack("{s:s, s:o}", "type", "string", "enum", list);
}

static json_t *schema_json(struct belfry_str fields)
{
    if (str_has_prefix(fields, STR("=")))
        return choice_json(str_slice(fields.ptr + 1, fields.len - 1));
    json_t *members = json_object(), *required = json_array();
    while (fields.ptr) {
        char mark;
        struct belfry_str type, name = name_of(str_cut(fields, ' ', &fields), "?", &mark, &type);
        if (!type.ptr) /* "..." */
            continue;
        set(members, name, type_json(type));
        if (mark != '?')
            json_array_append_new(required, json_stringn(name.ptr, name.len));
    }
    return json_pack("{s:s, s:o, s:o}", "type", "object", "properties", members, "required", required);
}

/* --- operations --------------------------------------------------------------------------------------------------- */

static json_t *content(struct belfry_str media, json_t *schema)
{
    json_t *out = json_object();
    set(out, media.len ? media : STR("application/json"), schema ? object_of("schema", schema) : json_object());
    return out;
}

static void add_parameter(json_t *list, struct belfry_str name, const char *in, json_t *schema)
{
    json_t *one = json_pack("{s:s#, s:s, s:o}", "name", name.ptr, (int)name.len, "in", in, "schema", schema);
    if (strcmp(in, "path") == 0)
        json_object_set_new(one, "required", json_true());
    json_array_append_new(list, one);
}

static json_t *parameters(const char *pattern, const char *query)
{
    json_t *list = json_array();
    struct belfry_str rest = str_of(pattern);
    while (rest.ptr) {
        struct belfry_str segment = str_cut(rest, '/', &rest);
        if (segment.len > 2 && segment.ptr[0] == '{')
            add_parameter(list, inner(segment), "path", word_json(STR("text")));
    }
    rest = str_of(query);
    while (rest.len) {
        char mark;
        struct belfry_str type, name = name_of(str_cut(rest, ' ', &rest), "*", &mark, &type);
        json_t *schema = type_json(type);
        if (mark == '*')
            schema = json_pack("{s:s, s:o}", "type", "array", "items", schema);
        add_parameter(list, name, "query", schema);
    }
    return list;
}

static json_t *request_body(const char *body)
{
    struct belfry_str rest = str_of(body);
    json_t *media = json_object();
    while (rest.len) {
        struct belfry_str type, name = str_cut(str_cut(rest, ' ', &rest), ':', &type);
        json_t *one = content(name, type_json(type));
        json_object_update(media, one);
        json_decref(one);
    }
    return object_of("content", media);
}

static json_t *problem_content(void)
{
    return content(STR("application/problem+json"), reference("schemas", STR("Problem")));
}

/* A problem; pages and probes have words for people beside it, webhooks from outside have nothing. */
static json_t *refusal(struct belfry_str also)
{
    if (str_eqz(also, "nothing"))
        return object_of("description", json_string("Refused"));
    if (!also.len)
        return reference("responses", STR("Problem"));
    json_t *both = problem_content(), *other = content(also, NULL);
    json_object_update(both, other);
    json_decref(other);
    return json_pack("{s:s, s:o}", "description", "Refused", "content", both);
}

static json_t *success(struct belfry_str status, struct belfry_str type, struct belfry_str media)
{
    const char *text = status.ptr[0] == '2' ? "Done" : str_eqz(status, "304") ? "Not modified" : "See Location";
    json_t *out = object_of("description", json_string(text));
    if (type.len)
        json_object_set_new(out, "content", content(STR(""), type_json(type)));
    else if (media.len)
        json_object_set_new(out, "content", content(media, NULL));
    return out;
}

static json_t *responses(const struct http_route *route, const char *answers)
{
    json_t *out = json_object();
    struct belfry_str rest = str_of(answers), page = STR("");
    if (str_has_prefix(str_of(route->pattern), STR("/{org}/")))
        page = STR("text/html");
    while (rest.len) {
        struct belfry_str type, media, status = str_cut(str_cut(rest, ' ', &rest), ':', &type);
        status = str_cut(status, '=', &media);
        set(out, status, status.ptr[0] < '4' ? success(status, type, media) : refusal(media.len ? media : page));
    }
    if (strcmp(route->auth, "none") != 0) {
        json_object_set_new(out, "401", refusal(page));
        json_object_set_new(out, "403", refusal(page));
    }
    if (strstr(route->pattern, "{org}"))
        json_object_set_new(out, "404", refusal(page));
    if (route->body_limit != 0)
        json_object_set_new(out, "413", refusal(page));
    return out;
}

/* Alternatives of an auth: who, and what they need. */
static json_t *security(const char *auth)
{
    json_t *list = json_array();
    struct belfry_str rest = str_of(strcmp(auth, "none") == 0 ? "" : auth);
    while (rest.len) {
        struct belfry_str need, kind = str_cut(str_cut(rest, '|', &rest), ':', &need);
        int token = str_eqz(kind, "token") || str_eqz(kind, "operator");
        json_t *needs = json_array();
        if (str_eqz(kind, "operator"))
            need = kind;
        if (need.ptr)
            json_array_append_new(needs, json_stringn(need.ptr, need.len));
        json_array_append_new(list, object_of(token ? "token" : "person", needs));
        if (!token)
            json_array_append_new(list, object_of("session", json_incref(needs)));
    }
    return list;
}

/* Routes of a source or a channel have its name where the table says {source} or {channel}. */
static int is_documented_by(const char *documented, const char *pattern)
{
    struct belfry_str a = str_of(documented), b = str_of(pattern);
    while (a.ptr && b.ptr) {
        struct belfry_str left = str_cut(a, '/', &a), right = str_cut(b, '/', &b);
        int is_hole = str_eqz(left, "{source}") || str_eqz(left, "{channel}");
        if (!str_eq(left, right) && !(is_hole && right.len && right.ptr[0] != '{'))
            return 0;
    }
    return !a.ptr && !b.ptr;
}

static const struct openapi_operation *operation_of(const struct http_route *route)
{
    for (size_t i = 0; i < openapi_operation_count; i++) {
        const struct openapi_operation *op = &openapi_operations[i];
        if (strcmp(op->method, route->method) == 0 && is_documented_by(op->pattern, route->pattern))
            return op;
    }
    return NULL;
}

static void add_route(void *arg, const struct http_route *route)
{
    static const struct openapi_operation unknown = {0};
    const struct openapi_operation *op = operation_of(route);
    const char *pattern = op ? op->pattern : route->pattern; /* one for all instances */
    json_t *paths = arg, *path = json_object_get(paths, pattern), *out = json_object();
    char method[8] = "";
    for (size_t i = 0; route->method[i] && i < sizeof(method) - 1; i++)
        method[i] = (char)(route->method[i] | 0x20);
    if (op)
        json_object_set_new(out, "summary", json_string(op->summary));
    else
        op = &unknown;
    json_object_set_new(out, "security", security(route->auth));
    json_object_set_new(out, "parameters", parameters(pattern, op->query));
    if (op->body)
        json_object_set_new(out, "requestBody", request_body(op->body));
    json_object_set_new(out, "responses", responses(route, op->answers));
    if (!path) {
        path = json_object();
        json_object_set_new(paths, pattern, path);
    }
    json_object_set_new(path, method, out);
}

/* --- the document ------------------------------------------------------------------------------------------------- */

static json_t *outcomes(void)
{
    json_t *list = json_array();
    for (int i = 0; i < OUTCOME_COUNT; i++)
        json_array_append_new(list, json_string(outcome_name(i)));
    return json_pack("{s:s, s:o}", "type", "string", "enum", list);
}

static json_t *components(const struct http_request *req)
{
    json_t *schemas = json_object();
    int secure = req->config->hub.public_url && strncmp(req->config->hub.public_url, "https:", 6) == 0;
    for (size_t i = 0; i < openapi_schema_count; i++)
        json_object_set_new(schemas, openapi_schemas[i].name, schema_json(str_of(openapi_schemas[i].fields)));
    json_object_set_new(schemas, "Outcome", outcomes());
    json_t *problem = json_pack("{s:s, s:o}", "description", "RFC 9457", "content", problem_content());
    return json_pack("{s:o, s:{s:o}, s:{s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s, s:s}, s:{s:s, s:s, s:s}}}", "schemas",
                     schemas, "responses", "Problem", problem, "securitySchemes", "token", "type", "http", "scheme",
                     "bearer", "description", "An API token of auth.tokens; the names are what it may.", "person",
                     "type", "http", "scheme", "bearer", "bearerFormat", "JWT", "description",
                     "A JWT of the host application; the names are roles.", "session", "type", "apiKey", "in", "cookie",
                     "name", secure ? "__Host-belfry" : "belfry");
}

static json_t *document(const struct http_request *req)
{
    json_t *paths = json_object();
    http_routes_each(req->http, add_route, paths);
    return json_pack(
        "{s:s, s:{s:s, s:s, s:s}, s:o, s:o}", "openapi", "3.1.0", "info", "title", "Belfry", "version", PACKAGE_VERSION,
        "description",
        "Every GET answers HEAD as well. OPTIONS and 405 say in Allow what a path takes. 429 and 503 come with "
        "Retry-After. Over the control socket nobody needs a token.",
        "paths", paths, "components", components(req));
}

/* Made once for what it says, because anybody may ask and making it takes a millisecond. */
static void get_openapi(void *arg, struct http_request *req)
{
    struct hub *hub = arg;
    uint64_t routes = http_routes_version(req->http), generation = req->config->generation;
    if (!hub->openapi.len || hub->openapi_routes != routes || hub->openapi_generation != generation) {
        json_t *doc = document(req);
        buf_clear(&hub->openapi);
        json_write(doc, &hub->openapi);
        json_decref(doc);
        hub->openapi_routes = routes;
        hub->openapi_generation = generation;
    }
    http_respond(req, 200, "application/json", buf_str(&hub->openapi), NULL, 0);
}

belfry_status hub_openapi_init(struct hub *hub, struct error *err)
{
    const struct http_route route = {"GET", "/openapi.json", "none", 0, 0, get_openapi, hub};
    return http_routes_add(hub->parts.http, hub, &route, 1, err);
}
