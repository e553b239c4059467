/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes by method and path. A hub has less than a hundred, so a list ordered by "more literal segments first" is
 * walked; comparing the number of segments first makes a miss cheap. The first pattern that fits is what the path is:
 * its methods are all that the path takes, so that GET .../notifications/bulk is a wrong method and no notification
 * with the id "bulk".
 */
#include "base/mem.h"
#include "http/internal.h"

#define SEGMENTS_MAX 16

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

belfry_status percent_decode(struct arena *arena, struct belfry_str s, int plus, struct belfry_str *out)
{
    if (!memchr(s.ptr ? s.ptr : "", '%', s.len) && !(plus && memchr(s.ptr ? s.ptr : "", '+', s.len))) {
        *out = s;
        return str_utf8_valid(s) && !memchr(s.ptr ? s.ptr : "", 0, s.len) ? BELFRY_OK : BELFRY_EINVAL;
    }
    char *text = arena_alloc(arena, s.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == '%') {
            int hi = i + 2 < s.len ? hex(s.ptr[i + 1]) : -1, lo = i + 2 < s.len ? hex(s.ptr[i + 2]) : -1;
            if (hi < 0 || lo < 0)
                return BELFRY_EINVAL;
            c = (char)(hi * 16 + lo);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        if (c == '\0')
            return BELFRY_EINVAL;
        text[n++] = c;
    }
    *out = str_slice(text, n);
    return str_utf8_valid(*out) ? BELFRY_OK : BELFRY_EINVAL;
}

void percent_encode(struct buf *out, struct belfry_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("-._~", c)))
            buf_addc(out, (char)c);
        else
            buf_addf(out, "%%%02X", c);
    }
}

/* Splits "/a/b" into a, b. Returns the count, or SIZE_MAX when there are too many or no leading slash. */
static size_t split(struct belfry_str path, struct belfry_str out[SEGMENTS_MAX])
{
    if (path.len == 0 || path.ptr[0] != '/')
        return SIZE_MAX;
    struct belfry_str rest = str_slice(path.ptr + 1, path.len - 1);
    size_t count = 0;
    while (rest.ptr) {
        if (count == SEGMENTS_MAX)
            return SIZE_MAX;
        out[count++] = str_cut(rest, '/', &rest);
    }
    return count;
}

static int is_param(struct belfry_str segment)
{
    return segment.len > 2 && segment.ptr[0] == '{';
}

void router_init(struct router *router)
{
    list_init(&router->routes);
}

static void entry_free(struct route_entry *entry)
{
    list_remove(&entry->node);
    free(entry->pattern);
    free(entry->method);
    free(entry->auth);
    free(entry->segments);
    free(entry);
}

void router_fini(struct router *router)
{
    LIST_EACH_SAFE(it, &router->routes)
    entry_free(LIST_OF(it, struct route_entry, node));
}

void router_remove(struct router *router, const void *owner)
{
    LIST_EACH_SAFE(it, &router->routes)
    {
        struct route_entry *entry = LIST_OF(it, struct route_entry, node);
        if (entry->owner == owner)
            entry_free(entry);
    }
}

static int same_shape(const struct route_entry *a, const struct route_entry *b)
{
    if (a->segment_count != b->segment_count)
        return 0;
    for (size_t i = 0; i < a->segment_count; i++)
        if (is_param(a->segments[i]) != is_param(b->segments[i]) ||
            (!is_param(a->segments[i]) && !str_eq(a->segments[i], b->segments[i])))
            return 0;
    return 1;
}

static int may_share(const struct route_entry *a, const struct route_entry *b)
{
    return a->family.name && b->family.name && a->owner != b->owner && strcmp(a->family.name, b->family.name) == 0 &&
           !a->family.meet(a->route.arg, b->route.arg);
}

/* More literals first; of as many, the one whose first parameter comes later: /v1/{x} before /{org}/x. */
static int goes_before(const struct route_entry *a, const struct route_entry *b)
{
    if (a->literals != b->literals)
        return a->literals > b->literals;
    for (size_t i = 0; i < a->segment_count && i < b->segment_count; i++)
        if (is_param(a->segments[i]) != is_param(b->segments[i]))
            return is_param(b->segments[i]);
    return 0;
}

static void insert(struct router *router, struct route_entry *entry)
{
    struct list *at = &router->routes;
    LIST_EACH(it, &router->routes)
    {
        if (goes_before(entry, LIST_OF(it, struct route_entry, node))) {
            at = it;
            break;
        }
    }
    list_insert_before(at, &entry->node);
}

belfry_status router_add(struct router *router, const void *owner, const struct http_route *route,
                         const struct http_family *family, struct error *err)
{
    struct belfry_str segments[SEGMENTS_MAX];
    struct route_entry *entry = xcalloc(1, sizeof(*entry));
    list_init(&entry->node);
    entry->pattern = xstrdup(route->pattern);
    entry->method = xstrdup(route->method);
    entry->auth = xstrdup(route->auth ? route->auth : "none");
    entry->owner = owner;
    entry->route = *route;
    entry->family = family ? *family : (struct http_family){0};
    entry->route.pattern = entry->pattern;
    entry->route.method = entry->method;
    entry->route.auth = entry->auth;
    size_t count = split(str_of(entry->pattern), segments);
    if (count == SIZE_MAX) {
        belfry_status status = error_set(err, BELFRY_EINVAL, NULL,
                                         "route pattern `%s` must begin with / and have at most %d "
                                         "segments",
                                         route->pattern, SEGMENTS_MAX);
        entry_free(entry);
        return status;
    }
    entry->segments = xmemdup(segments, count * sizeof(segments[0]));
    entry->segment_count = count;
    for (size_t i = 0; i < count; i++)
        entry->literals += !is_param(segments[i]);
    LIST_EACH(it, &router->routes)
    {
        const struct route_entry *other = LIST_OF(it, struct route_entry, node);
        if (!same_shape(entry, other) || strcmp(entry->method, other->method) != 0 || may_share(entry, other))
            continue;
        belfry_status status = error_set(err, BELFRY_ECONFLICT, NULL, "route %s %s collides with %s %s", entry->method,
                                         entry->pattern, other->method, other->pattern);
        entry_free(entry);
        return status;
    }
    insert(router, entry);
    return BELFRY_OK;
}

static int path_matches(const struct route_entry *entry, const struct belfry_str *segments, size_t count)
{
    if (entry->segment_count != count)
        return 0;
    for (size_t i = 0; i < count; i++)
        if (is_param(entry->segments[i]) ? segments[i].len == 0 : !str_eq(entry->segments[i], segments[i]))
            return 0;
    return 1;
}

static int method_matches(const struct route_entry *entry, struct belfry_str method)
{
    return str_eqz(method, entry->method) || (str_eqz(method, "HEAD") && strcmp(entry->method, "GET") == 0);
}

static int params_of(const struct route_entry *entry, const struct belfry_str *segments, struct arena *arena,
                     struct belfry_attr **params, size_t *count)
{
    size_t n = entry->segment_count - entry->literals;
    *params = n ? arena_alloc(arena, n * sizeof(**params)) : NULL;
    *count = 0;
    for (size_t i = 0; i < entry->segment_count; i++) {
        if (!is_param(entry->segments[i]))
            continue;
        struct belfry_attr *p = &(*params)[(*count)++];
        p->name = str_slice(entry->segments[i].ptr + 1, entry->segments[i].len - 2);
        if (percent_decode(arena, segments[i], 0, &p->value) != BELFRY_OK)
            return -1;
    }
    return 0;
}

/* Is the request, whose parameters these are, for this one of a family? */
static int serves(const struct route_entry *entry, const struct belfry_attr *params, size_t count)
{
    for (size_t i = 0; entry->family.serves && i < count; i++)
        if (str_eqz(params[i].name, "org"))
            return entry->family.serves(entry->route.arg, params[i].value);
    return 1;
}

static int has_word(const struct buf *list, const char *word)
{
    struct belfry_str rest = buf_str(list);
    while (rest.len)
        if (str_eqz(str_trim(str_cut(rest, ',', &rest)), word))
            return 1;
    return 0;
}

static void add_method(struct buf *methods, const char *method)
{
    if (!has_word(methods, method))
        buf_addf(methods, "%s%s", methods->len ? ", " : "", method);
    if (strcmp(method, "GET") == 0)
        add_method(methods, "HEAD");
}

const struct route_entry *router_find(const struct router *router, struct belfry_str method, struct belfry_str path,
                                      struct arena *arena, struct belfry_attr **params, size_t *param_count,
                                      const char **allow)
{
    struct belfry_str segments[SEGMENTS_MAX];
    size_t count = split(path, segments);
    struct buf methods = {0};
    const struct route_entry *found = NULL, *first = NULL;
    *allow = NULL;
    if (count == SIZE_MAX)
        return NULL;
    LIST_EACH(it, &router->routes)
    {
        const struct route_entry *entry = LIST_OF(it, struct route_entry, node);
        if (!path_matches(entry, segments, count) || (first && !same_shape(first, entry)))
            continue;
        first = entry;
        if (params_of(entry, segments, arena, params, param_count) != 0) {
            buf_clear(&methods); /* what cannot be decoded names nothing, whatever the method */
            break;
        }
        if (method_matches(entry, method)) {
            found = found ? found : entry; /* none of them serves it: the first says so */
            if (!serves(entry, *params, *param_count))
                continue;
            found = entry;
            break;
        }
        add_method(&methods, entry->method);
    }
    if (!found && methods.len)
        *allow = arena_strndup(arena, methods.ptr, methods.len);
    buf_free(&methods);
    return found;
}
