/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From structs of whatever size the plugin was built with to structs of this build (R07): the common part is copied,
 * what the plugin does not have is zero, what this hub does not know must be zero. The first element of a table says
 * the size of all. Everything is bounded: rows, depth and sizes are the plugin's word, not yet checked.
 */
#include "base/mem.h"
#include "plugin/internal.h"
#include "plugin/option_internal.h"

#define MAX_STRUCT 4096  /* bytes; no version of the ABI comes near it */
#define MAX_ROWS 512     /* of one table */
#define MAX_OPTIONS 4096 /* of all tables of a plugin */

/* Bytes up to and with a member. */
#define REACHES(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))

static uint32_t size_of(const void *any)
{
    return *(const uint32_t *)any;
}

static const char *size_fault(struct arena *arena, const char *what, uint32_t size, size_t need)
{
    if (size % 8 || size > MAX_STRUCT)
        return arena_printf(arena, "%s has struct_size %u, which is no size of a struct", what, size);
    if (size < need)
        return arena_printf(arena, "%s has struct_size %u, at least %zu are needed", what, size, need);
    return NULL;
}

static int is_zero(const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i])
            return 0;
    return 1;
}

int plugin_struct_known(const void *any, size_t size)
{
    uint32_t theirs = size_of(any);
    return theirs <= size || (theirs <= MAX_STRUCT && is_zero((const char *)any + size, theirs - size));
}

const void *plugin_table_at(const void *first, size_t index, size_t size)
{
    return (const char *)first + index * (size_of(first) > size ? size_of(first) : size);
}

const char *normalize_struct(struct arena *arena, const char *what, const void *src, void *dst, size_t size,
                             size_t need)
{
    uint32_t theirs = size_of(src);
    const char *fault = size_fault(arena, what, theirs, need);
    if (fault)
        return fault;
    if (theirs > size && !is_zero((const char *)src + size, theirs - size))
        return arena_printf(
            arena,
            "%s is longer than this hub's (%u bytes, known are %zu) and uses what is beyond: it needs a "
            "newer hub than ABI %d.%d",
            what, theirs, size, BELFRY_ABI_MAJOR, BELFRY_ABI_MINOR);
    memcpy(dst, src, theirs < size ? theirs : size);
    uint32_t ours = (uint32_t)size;
    memcpy(dst, &ours, sizeof(ours));
    return NULL;
}

/* A table up to its element of size 0, or `only` elements when that is not 0. *out has a zero element behind the last.
 */
static const char *copy_table(struct arena *arena, const char *what, const void *src, size_t size, size_t need,
                              size_t only, void **out)
{
    uint32_t stride = size_of(src);
    size_t count = 0;
    const char *fault = NULL;
    while ((!only || count < only) && size_of((const char *)src + count * stride)) {
        if (size_of((const char *)src + count * stride) != stride)
            return arena_printf(arena, "%s[%zu] has struct_size %u, its first has %u", what, count,
                                size_of((const char *)src + count * stride), stride);
        if ((fault = size_fault(arena, what, stride, need)))
            return fault;
        if (++count > MAX_ROWS)
            return arena_printf(arena, "%s has no end within %d elements", what, MAX_ROWS);
    }
    char *copy = arena_alloc(arena, (count + 1) * size);
    for (size_t i = 0; i < count && !fault; i++)
        fault = normalize_struct(arena, arena_printf(arena, "%s[%zu]", what, i), (const char *)src + i * stride,
                                 copy + i * size, size, need);
    *out = copy;
    return fault;
}

/* --- options ---------------------------------------------------------------------------------------------------- */

struct options_copy {
    struct arena *arena;
    size_t total;
};

static const char *copy_options(struct options_copy *c, const char *what, const struct belfry_option *src, size_t only,
                                int depth, const struct belfry_option **out)
{
    void *copy;
    const char *fault = copy_table(c->arena, what, src, sizeof(*src), REACHES(struct belfry_option, doc), only, &copy);
    if (fault)
        return fault;
    if (depth > OPTION_MAX_DEPTH)
        return arena_printf(c->arena, "the options nest deeper than %d levels at %s", OPTION_MAX_DEPTH, what);
    *out = copy;
    for (struct belfry_option *row = copy; row->struct_size && !fault; row++) {
        int is_collection = row->type == BELFRY_OPT_LIST || row->type == BELFRY_OPT_MAP;
        if (++c->total > MAX_OPTIONS)
            return arena_printf(c->arena, "the plugin has more than %d options", MAX_OPTIONS);
        if (!is_collection && row->type != BELFRY_OPT_OBJECT)
            row->children = NULL;
        if (row->children)
            fault = copy_options(c, arena_printf(c->arena, "children of option `%s`", row->name ? row->name : "[]"),
                                 row->children, is_collection, depth + 1, &row->children);
    }
    return fault;
}

const char *normalize_options(struct arena *arena, const struct belfry_option *src, const struct belfry_option **out)
{
    struct options_copy c = {arena, 0};
    *out = NULL;
    return src ? copy_options(&c, "options", src, 0, 0, out) : NULL;
}

/* --- events and routes ------------------------------------------------------------------------------------------ */

/* Rows of one action's texts; the actions were copied before. */
static const char *copy_action_texts(struct arena *arena, struct belfry_action_type *actions, const char *type)
{
    const char *fault = NULL;
    for (struct belfry_action_type *a = actions; a->struct_size && !fault; a++) {
        void *copy = NULL;
        if (!a->texts)
            continue;
        fault = copy_table(arena, arena_printf(arena, "texts of an action of event `%s`", type), a->texts,
                           sizeof(*a->texts), REACHES(struct belfry_action_text, label), 0, &copy);
        a->texts = copy;
    }
    return fault;
}

static const char *copy_event_parts(struct arena *arena, struct belfry_event_type *event, const char *type)
{
    void *copy = NULL;
    const char *fault = NULL;
    if (event->actions) {
        fault = copy_table(arena, arena_printf(arena, "actions of event `%s`", type), event->actions,
                           sizeof(*event->actions), REACHES(struct belfry_action_type, trigger), 0, &copy);
        event->actions = copy;
        if (!fault)
            fault = copy_action_texts(arena, copy, type);
    }
    if (!fault && event->fields) {
        fault = copy_table(arena, arena_printf(arena, "fields of event `%s`", type), event->fields,
                           sizeof(*event->fields), REACHES(struct belfry_field, path), 0, &copy);
        event->fields = copy;
    }
    if (!fault && event->texts) {
        fault = copy_table(arena, arena_printf(arena, "texts of event `%s`", type), event->texts, sizeof(*event->texts),
                           REACHES(struct belfry_event_text, language), 0, &copy);
        event->texts = copy;
    }
    return fault;
}

const char *normalize_events(struct arena *arena, const struct belfry_event_type *src,
                             const struct belfry_event_type **out)
{
    void *copy = NULL;
    *out = NULL;
    if (!src)
        return NULL;
    const char *fault =
        copy_table(arena, "events", src, sizeof(*src), REACHES(struct belfry_event_type, category), 0, &copy);
    if (fault)
        return fault;
    *out = copy;
    for (struct belfry_event_type *event = copy; event->struct_size && !fault; event++)
        fault = copy_event_parts(arena, event, event->type ? event->type : "");
    return fault;
}

const char *normalize_categories(struct arena *arena, const struct belfry_category *src,
                                 const struct belfry_category **out)
{
    void *copy = NULL;
    *out = NULL;
    if (!src)
        return NULL;
    const char *fault =
        copy_table(arena, "categories", src, sizeof(*src), REACHES(struct belfry_category, label), 0, &copy);
    if (fault)
        return fault;
    *out = copy;
    for (struct belfry_category *c = copy; c->struct_size && !fault; c++) {
        void *texts = NULL;
        if (!c->texts)
            continue;
        fault = copy_table(arena, arena_printf(arena, "texts of category `%s`", c->name ? c->name : ""), c->texts,
                           sizeof(*c->texts), REACHES(struct belfry_category_text, label), 0, &texts);
        c->texts = texts;
    }
    return fault;
}

const char *normalize_routes(struct arena *arena, const struct belfry_route *src, const struct belfry_route **out)
{
    void *copy = NULL;
    *out = NULL;
    if (!src)
        return NULL;
    const char *fault = copy_table(arena, "routes", src, sizeof(*src), REACHES(struct belfry_route, handle), 0, &copy);
    *out = fault ? NULL : copy;
    return fault;
}
