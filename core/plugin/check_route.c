/* SPDX-License-Identifier: Apache-2.0 */
/* Routes that a plugin declares: methods, patterns, who may call them, and that no two of them are the same. */
#include "base/str.h"
#include "plugin/internal.h"

#include <belfry/host.h>

static int is_method(const char *method)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"};
    for (size_t i = 0; method && i < sizeof(methods) / sizeof(methods[0]); i++)
        if (strcmp(method, methods[i]) == 0)
            return 1;
    return 0;
}

static int is_parameter(struct belfry_str segment)
{
    return segment.len > 2 && segment.ptr[0] == '{' && segment.ptr[segment.len - 1] == '}';
}

/* Takes the next segment off a pattern that starts with '/'. */
static struct belfry_str next_segment(struct belfry_str *pattern)
{
    struct belfry_str tail = str_slice(pattern->ptr + 1, pattern->len - 1);
    const char *slash = tail.len ? memchr(tail.ptr, '/', tail.len) : NULL;
    struct belfry_str segment = str_slice(tail.ptr, slash ? (size_t)(slash - tail.ptr) : tail.len);
    *pattern = str_slice(tail.ptr + segment.len, tail.len - segment.len);
    return segment;
}

static int is_segment(struct belfry_str segment)
{
    int parameter = is_parameter(segment);
    size_t begin = parameter ? 1 : 0, end = segment.len - begin;
    for (size_t i = begin; i < end; i++) {
        char c = segment.ptr[i];
        int word = ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
        if (!word && (parameter || (c != '.' && c != '~')))
            return 0;
    }
    return segment.len > 0;
}

/* Words between slashes, {name} for a parameter; no name twice. */
static int is_pattern(const char *pattern)
{
    struct belfry_str rest = str_of(pattern), seen[16];
    size_t count = 0;
    if (rest.len < 2 || rest.len > 256 || rest.ptr[0] != '/')
        return 0;
    while (rest.len) {
        struct belfry_str segment = next_segment(&rest);
        if (!is_segment(segment) || count == 16)
            return 0;
        for (size_t i = 0; is_parameter(segment) && i < count; i++)
            if (str_eq(seen[i], segment))
                return 0;
        seen[count++] = segment;
    }
    return 1;
}

/* Would both answer one and the same request? A parameter stands for anything; a word beside it is more specific. */
static int collide(const struct belfry_route *a, const struct belfry_route *b)
{
    struct belfry_str left = str_of(a->pattern), right = str_of(b->pattern);
    if (strcmp(a->method, b->method) != 0)
        return 0;
    while (left.len && right.len) {
        struct belfry_str one = next_segment(&left), other = next_segment(&right);
        if (is_parameter(one) != is_parameter(other) || (!is_parameter(one) && !str_eq(one, other)))
            return 0;
    }
    return left.len == right.len;
}

/* none | person | token:MAY | role:ROLE, several separated by '|' */
static int is_auth(const char *auth)
{
    struct belfry_str rest = str_of(auth);
    do {
        struct belfry_str one = str_cut(rest, '|', &rest), what, kind = str_cut(one, ':', &what);
        int named = str_eqz(kind, "token") || str_eqz(kind, "role");
        if (!named && !str_eqz(one, "none") && !str_eqz(one, "person"))
            return 0;
        if (named && what.len == 0)
            return 0;
    } while (rest.ptr);
    return 1;
}

static const char *check_route(struct arena *arena, const struct plugin *plugin, const struct belfry_route *route)
{
    if (!is_method(route->method))
        return arena_printf(arena, "route method `%s` is not one of GET POST PUT PATCH DELETE HEAD",
                            route->method ? route->method : "");
    if (!is_pattern(route->pattern))
        return arena_printf(arena, "route `%s %s` has a pattern that is not /words and /{names}", route->method,
                            route->pattern ? route->pattern : "");
    if (!is_auth(route->auth))
        return arena_printf(arena, "route `%s %s` has auth `%s`; expected none, person, token:MAY or role:ROLE",
                            route->method, route->pattern, route->auth ? route->auth : "");
    if (route->body_limit < 0 || route->body_limit > INT64_C(1) << 30)
        return arena_printf(arena, "route `%s %s` has a body limit of %lld bytes", route->method, route->pattern,
                            (long long)route->body_limit);
    if (route->flags & ~(uint32_t)BELFRY_ROUTE_RAW)
        return arena_printf(arena, "route `%s %s` has flags that this hub does not know (0x%x)", route->method,
                            route->pattern, route->flags);
    if (route->flags & BELFRY_ROUTE_RAW && strcmp(route->auth, "none") != 0)
        return arena_printf(arena, "route `%s %s` is raw and has auth `%s`; a raw route has auth none", route->method,
                            route->pattern, route->auth);
    if (plugin->loaded && !route->handle)
        return arena_printf(arena, "route `%s %s` has no handler", route->method, route->pattern);
    return NULL;
}

const char *check_routes(struct arena *arena, const struct plugin *plugin)
{
    const struct belfry_route *routes = plugin->desc.routes;
    int answers = 0;
    for (size_t i = 0; plugin->needs[i]; i++)
        answers |= strcmp(plugin->needs[i], BELFRY_EXT_HTTP_ROUTE) == 0;
    if (routes && routes->struct_size && !answers)
        return "has routes and cannot answer them: `needs` does not name " BELFRY_EXT_HTTP_ROUTE;
    for (const struct belfry_route *route = routes; route && route->struct_size; route++) {
        const char *fault = check_route(arena, plugin, route);
        if (fault)
            return fault;
        for (const struct belfry_route *other = routes; other < route; other++)
            if (collide(other, route))
                return arena_printf(arena, "routes `%s %s` and `%s %s` collide", other->method, other->pattern,
                                    route->method, route->pattern);
    }
    return NULL;
}
