/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths: `data.a.b`, or a JSON Pointer (RFC 6901) `/data/a~1b` for keys with dots. Each path of a condition is kept
 * once, split, so that evaluating looks members up without parsing.
 */
#include "match/tree.h"

#include "base/mem.h"

#include <stdlib.h>

#define MAX_SEGMENTS 64
#define MAX_PATHS 256 /* different ones in one condition; they are searched one by one */

/* --- reading ------------------------------------------------------------------------------------------------------ */

static const char *split_dotted(struct belfry_str name, struct belfry_str *segments, size_t *count)
{
    struct belfry_str rest = name;

    do {
        struct belfry_str segment = str_cut(rest, '.', &rest);
        if (segment.len == 0)
            return "an empty part";
        if (*count == MAX_SEGMENTS)
            return "too many parts";
        segments[(*count)++] = segment;
    } while (rest.ptr != NULL);
    return NULL;
}

/* ~1 is a slash, ~0 a tilde, anything else after ~ is an error (RFC 6901 section 3). */
static const char *unescape(struct arena *arena, struct belfry_str token, struct belfry_str *out)
{
    char *copy = arena_strndup(arena, token.ptr, token.len);
    size_t len = 0;

    for (size_t i = 0; i < token.len; i++) {
        char ch = token.ptr[i];
        if (ch == '~') {
            if (++i == token.len || (token.ptr[i] != '0' && token.ptr[i] != '1'))
                return "a `~` that is neither ~0 nor ~1";
            ch = token.ptr[i] == '0' ? '~' : '/';
        }
        copy[len++] = ch;
    }
    *out = str_slice(copy, len);
    return NULL;
}

static const char *split_pointer(struct arena *arena, struct belfry_str name, struct belfry_str *segments,
                                 size_t *count)
{
    struct belfry_str rest = str_slice(name.ptr + 1, name.len - 1);

    do {
        struct belfry_str token = str_cut(rest, '/', &rest);
        const char *wrong;
        if (*count == MAX_SEGMENTS)
            return "too many parts";
        wrong = unescape(arena, token, &segments[*count]);
        if (wrong != NULL)
            return wrong;
        (*count)++;
    } while (rest.ptr != NULL);
    return NULL;
}

/* --- names that are allowed --------------------------------------------------------------------------------------- */

/* `data.*` allows data and all below, other patterns the path itself. */
static int pattern_allows(struct belfry_str pattern, const struct belfry_str *segments, size_t count)
{
    struct belfry_str rest = pattern;

    for (size_t i = 0; i < count; i++) {
        struct belfry_str part = str_cut(rest, '.', &rest);
        if (str_eqz(part, "*"))
            return 1;
        if (!str_eq(part, segments[i]))
            return 0;
        if (rest.ptr == NULL)
            return i + 1 == count;
    }
    return str_eqz(rest, "*");
}

static int is_allowed(const struct match_compiler *c, const struct belfry_str *segments, size_t count)
{
    if (c->allowed == NULL)
        return 1;
    for (size_t i = 0; c->allowed[i] != NULL; i++)
        if (pattern_allows(str_of(c->allowed[i]), segments, count))
            return 1;
    return 0;
}

/* The path that a pattern would allow in place of this one: `dta.x` under `data.*` is `data.x`. */
static const char *candidate(struct arena *arena, struct belfry_str pattern, const struct belfry_str *segments,
                             size_t count)
{
    struct buf out = {0};
    size_t parts = 1;
    char *made;

    if (!str_has_suffix(pattern, STR(".*")))
        return arena_strndup(arena, pattern.ptr, pattern.len);
    pattern.len -= 2;
    for (size_t i = 0; i < pattern.len; i++)
        parts += pattern.ptr[i] == '.';
    buf_adds(&out, pattern);
    for (size_t i = parts; i < count; i++)
        buf_addf(&out, ".%.*s", STR_ARG(segments[i]));
    made = arena_strndup(arena, out.ptr, out.len);
    buf_free(&out);
    return made;
}

static const char *nearest_path(struct match_compiler *c, struct belfry_str name, const struct belfry_str *segments,
                                size_t count)
{
    const char **candidates;
    const char *nearest;
    size_t total = 0;

    while (c->allowed[total] != NULL)
        total++;
    candidates = xcalloc(total + 1, sizeof(*candidates));
    for (size_t i = 0; i < total; i++)
        candidates[i] = candidate(c->arena, str_of(c->allowed[i]), segments, count);
    nearest = str_nearest(name, candidates, total);
    free(candidates);
    return nearest;
}

static const char *allowed_list(struct match_compiler *c, struct belfry_str name)
{
    struct buf out = {0};
    const char *made, *free_prefix = NULL;

    buf_addz(&out, "paths here: ");
    for (size_t i = 0; c->allowed[i] != NULL; i++) {
        buf_addf(&out, "%s%s", i > 0 ? ", " : "", c->allowed[i]);
        if (str_has_suffix(str_of(c->allowed[i]), STR(".*")))
            free_prefix = c->allowed[i];
    }
    if (free_prefix != NULL && memchr(name.ptr, '/', name.len) == NULL)
        buf_addf(&out, " (as in `%.*s.%.*s`)", (int)strlen(free_prefix) - 2, free_prefix, STR_ARG(name));
    made = arena_strndup(c->arena, out.ptr, out.len);
    buf_free(&out);
    return made;
}

static void refuse(struct match_compiler *c, struct belfry_str name, const struct belfry_str *segments, size_t count,
                   struct match_place place)
{
    struct match_hint hint = {0};

    hint.nearest = nearest_path(c, name, segments, count);
    if (hint.nearest == NULL && match_is_operator(name))
        hint.help = arena_printf(c->arena, "`%.*s` is an operator; it belongs inside of a path: `PATH: {%.*s: ...}`",
                                 STR_ARG(name), STR_ARG(name));
    else if (hint.nearest == NULL)
        hint.help = allowed_list(c, name);
    match_error(c, "H409", place, hint, "unknown path `%.*s`", STR_ARG(name));
}

/* --- the paths of a condition ------------------------------------------------------------------------------------- */

static int64_t find_path(const struct match_compiler *c, struct belfry_str name)
{
    for (size_t i = 0; i < c->path_count; i++)
        if (str_eq(c->paths[i].name, name))
            return (int64_t)i;
    return -1;
}

int64_t match_path_add(struct match_compiler *c, struct belfry_str name, struct match_place place)
{
    struct belfry_str segments[MAX_SEGMENTS];
    int64_t known = find_path(c, name);
    struct match_path *path;
    size_t count = 0;
    const char *wrong;

    if (known >= 0)
        return known;
    if (name.len == 0)
        wrong = "no name";
    else if (name.ptr[0] == '/')
        wrong = split_pointer(c->arena, name, segments, &count);
    else
        wrong = split_dotted(name, segments, &count);
    if (wrong == NULL && c->path_count == MAX_PATHS)
        wrong = "too many paths before it";
    if (wrong != NULL) {
        match_error(c, "H409", place, (struct match_hint){0}, "the path `%.*s` has %s", SHOWN(name), wrong);
        return -1;
    }
    if (!is_allowed(c, segments, count)) {
        refuse(c, name, segments, count, place);
        return -1;
    }
    c->paths = xgrow(c->paths, &c->path_cap, c->path_count + 1, sizeof(*c->paths));
    path = &c->paths[c->path_count];
    memset(path, 0, sizeof(*path));
    path->name = arena_str(c->arena, name);
    for (size_t i = 0; i < count; i++)
        segments[i] = arena_str(c->arena, segments[i]);
    path->segments.items = arena_memdup(c->arena, segments, count * sizeof(segments[0]));
    path->segments.count = count;
    path->severity = (c->flags & MATCH_SEVERITY) != 0 && count == 1 && str_eqz(segments[0], "severity");
    return (int64_t)c->path_count++;
}

/* A list is entered by decimal index only, as in a JSON Pointer. */
static void list_item(const struct belfry_view *view, struct belfry_str segment, const struct belfry_value *list,
                      struct belfry_value *out)
{
    int64_t index;

    if (segment.len > 9 || str_to_i64(segment, &index) != 0 || index < 0 || index >= (int64_t)list->count)
        return;
    view->at(view, list, (uint32_t)index, out);
}

void match_path_get(const struct match_path *path, const struct belfry_view *view, struct belfry_value *out)
{
    memset(out, 0, sizeof(*out));
    view->root(view, out);
    for (size_t i = 0; i < path->segments.count && out->type != BELFRY_VALUE_MISSING; i++) {
        struct belfry_value parent = *out;
        memset(out, 0, sizeof(*out));
        if (parent.type == BELFRY_VALUE_OBJECT)
            view->get(view, &parent, path->segments.items[i], out);
        else if (parent.type == BELFRY_VALUE_ARRAY)
            list_item(view, path->segments.items[i], &parent, out);
    }
}
