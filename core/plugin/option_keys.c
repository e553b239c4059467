/* SPDX-License-Identifier: Apache-2.0 */
/* What the keys of one map must be among themselves: known, current, complete with their companions, and unique. */
#include "plugin/option_internal.h"

#include "base/clock.h"
#include "base/date.h"

/* --- unknown keys ----------------------------------------------------------------------------------------------- */

/* How a message calls a map: by its key, or by the list that it is an item of and its name. */
static const char *map_name(struct option_walk *w, const struct yaml_node *map)
{
    struct arena *arena = diag_arena(w->diags);
    if (map->key)
        return arena_printf(arena, " in `%s`", diag_show(w->diags, map->key->text));
    if (!map->parent || !map->parent->key)
        return "";
    const char *list = diag_show(w->diags, map->parent->key->text);
    const struct yaml_node *name = yaml_get(map, "name");
    if (name && name->kind == YAML_SCALAR && !name->tainted)
        return arena_printf(arena, " in `%s` of `%s`", diag_show(w->diags, name->text), list);
    return arena_printf(arena, " in an item of `%s`", list);
}

/*
 * Where in the whole table a key is valid: "`rules[]`", or NULL. here is the table that was asked already. at is the
 * path of `table` so far.
 */
static const char *find_elsewhere(struct arena *arena, const struct belfry_option *table,
                                  const struct belfry_option *here, struct belfry_str name, const char *at)
{
    for (const struct belfry_option *row = table; row && row->struct_size; row++)
        if (table != here && str_eqz(name, row->name))
            return at;
    for (const struct belfry_option *row = table; row && row->struct_size; row++) {
        const struct belfry_option *inner = row;
        const char *path = arena_printf(arena, "%s%s%s", at, *at ? "." : "", row->name);
        for (; inner && (inner->type == BELFRY_OPT_LIST || inner->type == BELFRY_OPT_MAP); inner = inner->children)
            path = arena_printf(arena, "%s%s", path, inner->type == BELFRY_OPT_LIST ? "[]" : ".*");
        if (!inner || inner->type != BELFRY_OPT_OBJECT)
            continue;
        const char *found = find_elsewhere(arena, inner->children, here, name, path);
        if (found)
            return found;
    }
    return NULL;
}

struct known {
    const char **names;
    size_t rows, count; /* the table's, then the caller's */
};

static struct known known_keys(struct option_walk *w, const struct belfry_option *table, int top)
{
    struct known known = {0};
    while (table && table[known.rows].struct_size)
        known.rows++;
    size_t also = top ? w->scope->also_count : 0;
    known.count = known.rows + also;
    known.names = arena_alloc(diag_arena(w->diags), (known.count + 1) * sizeof(*known.names));
    for (size_t i = 0; i < known.count; i++)
        known.names[i] = i < known.rows ? table[i].name : w->scope->also[i - known.rows];
    return known;
}

static int is_known(const struct known *known, struct belfry_str key)
{
    for (size_t i = 0; i < known->count; i++)
        if (str_eqz(key, known->names[i]))
            return 1;
    return 0;
}

static void list_keys(struct option_walk *w, const struct belfry_option *table, const struct known *known,
                      struct diag *d)
{
    struct buf list = {0};
    for (size_t i = 0; i < known->count; i++)
        if (i >= known->rows || !option_flag(&table[i], BELFRY_OPT_DEPRECATED))
            buf_addf(&list, "%s%s", list.len ? ", " : "", known->names[i]);
    if (list.len)
        diag_help(w->diags, d, "keys allowed here: %s", list.ptr);
    buf_free(&list);
}

static void unknown_key(struct option_walk *w, const struct belfry_option *table, const struct known *known,
                        const struct yaml_node *map, const struct yaml_node *key, unsigned char *offered)
{
    struct diag *d = diag_add(w->diags, "H201", DIAG_ERROR, key->span, "unknown key `%s`%s",
                              diag_show(w->diags, key->text), map_name(w, map));
    struct buf path = {0};
    buf_addz(&path, yaml_path(diag_arena(w->diags), map));
    buf_addc(&path, '/');
    buf_adds(&path, key->text);
    d->path = arena_strndup(diag_arena(w->diags), path.ptr, path.len);
    buf_free(&path);
    const char *near = str_nearest(key->text, known->names, known->count);
    for (size_t i = 0; near && i < known->rows; i++)
        if (strcmp(near, table[i].name) == 0)
            offered[i] = 1;
    const char *elsewhere = near ? NULL : find_elsewhere(diag_arena(w->diags), w->root, table, key->text, "");
    if (near)
        diag_suggest(w->diags, d, near);
    else if (elsewhere && *elsewhere)
        d->label = arena_printf(diag_arena(w->diags), "`%.*s` belongs in `%s`", STR_ARG(key->text), elsewhere);
    else if (elsewhere)
        d->label = arena_printf(diag_arena(w->diags), "`%.*s` belongs further out, beside `%s`", STR_ARG(key->text),
                                w->root[0].name);
    list_keys(w, table, known, d);
}

void option_check_keys(struct option_walk *w, const struct belfry_option *table, const struct yaml_node *map, int top,
                       unsigned char *offered)
{
    struct known known = known_keys(w, table, top);
    for (size_t i = 0; i < map->count; i++)
        if (!is_known(&known, map->pairs[i].key->text))
            unknown_key(w, table, &known, map, map->pairs[i].key, offered);
}

/* --- siblings --------------------------------------------------------------------------------------------------- */

static const struct belfry_option *find_row(const struct belfry_option *table, struct belfry_str name)
{
    for (const struct belfry_option *row = table; row->struct_size; row++)
        if (str_eqz(name, row->name))
            return row;
    return NULL;
}

static int names(const char *list, const char *name)
{
    struct belfry_str rest = str_of(list);
    for (struct belfry_str one = option_next_name(&rest); one.len; one = option_next_name(&rest))
        if (str_eqz(one, name))
            return 1;
    return 0;
}

static void check_requires(struct option_walk *w, const struct belfry_option *row, const struct yaml_node *map,
                           const struct yaml_pair *pair)
{
    struct belfry_str rest = str_of(row->requires_);
    for (struct belfry_str one = option_next_name(&rest); one.len; one = option_next_name(&rest)) {
        const char *name = arena_strndup(diag_arena(w->diags), one.ptr, one.len);
        if (map->partial || yaml_get(map, name))
            continue;
        struct diag *d = diag_add(w->diags, "H212", DIAG_ERROR, pair->key->span, "`%s` needs `%s`", row->name, name);
        d->path = yaml_path(diag_arena(w->diags), pair->value);
    }
}

static void check_conflicts(struct option_walk *w, const struct belfry_option *table, const struct belfry_option *row,
                            const struct yaml_node *map, const struct yaml_pair *pair)
{
    struct belfry_str rest = str_of(row->conflicts);
    for (struct belfry_str one = option_next_name(&rest); one.len; one = option_next_name(&rest)) {
        const struct belfry_option *other = find_row(table, one);
        const struct yaml_pair *present = other ? yaml_pair(map, other->name) : NULL;
        /* When both rows name each other, the first one speaks. */
        if (!present || (other < row && names(other->conflicts, row->name)))
            continue;
        struct diag *d = diag_add(w->diags, "H211", DIAG_ERROR, pair->key->span, "`%s` and `%s` exclude each other",
                                  row->name, other->name);
        d->path = yaml_path(diag_arena(w->diags), pair->value);
        diag_relate(w->diags, d, present->key->span, "the other one");
    }
}

#define DAY_MS INT64_C(86400000)
#define ZONES_MS INT64_C(50400000) /* by so much a day may begin earlier or end later somewhere than in UTC */

/* The earliest instant at which something begins, or the latest at which it has ended; 0 when it is neither a date nor
 * an instant, which was said already. */
static int bound_of(struct belfry_str text, int is_end, int64_t zones_ms, int64_t *out)
{
    struct belfry_date date;
    if (date_parse(text, &date) != BELFRY_OK)
        return time_parse(text, out) == BELFRY_OK;
    int64_t days = date_to_days(date.year, date.month, date.day);
    *out = is_end ? (days + 1) * DAY_MS + zones_ms : days * DAY_MS - zones_ms;
    return 1;
}

/* Two days are compared as such; of a day and an instant it is certain only beyond all zones. */
static int ends_too_early(struct belfry_str from, struct belfry_str until)
{
    struct belfry_date date;
    int64_t begin, end, zones = (date_parse(from, &date) == BELFRY_OK) != (date_parse(until, &date) == BELFRY_OK);
    return bound_of(from, 0, zones * ZONES_MS, &begin) && bound_of(until, 1, zones * ZONES_MS, &end) && end <= begin;
}

/* "user:ann" and "ann" are the same recipient. */
static struct belfry_str bare(const struct belfry_option *row, struct belfry_str text)
{
    struct belfry_str user = STR("user:");
    if (row->type != BELFRY_OPT_RECIPIENT || !str_has_prefix(text, user))
        return text;
    return str_slice(text.ptr + user.len, text.len - user.len);
}

/* The sibling that a row is compared with, when both have a value by now. */
static const struct yaml_pair *compared(const struct yaml_node *map, const struct yaml_pair *pair, const char *name)
{
    const struct yaml_pair *other = name ? yaml_pair(map, name) : NULL;
    int known = other && pair->value->kind == YAML_SCALAR && other->value->kind == YAML_SCALAR &&
                !pair->value->unresolved && !other->value->unresolved;
    return known ? other : NULL;
}

static void check_pairs(struct option_walk *w, const struct belfry_option *row, const struct yaml_node *map,
                        const struct yaml_pair *pair)
{
    const struct yaml_pair *from = compared(map, pair, row->not_before), *other = compared(map, pair, row->unlike);
    struct diag *d = NULL;
    if (from && ends_too_early(from->value->text, pair->value->text))
        d = diag_add(w->diags, "H218", DIAG_ERROR, pair->value->span, "`%s` lies before `%s`", row->name,
                     row->not_before);
    else if (other && str_eq(bare(row, pair->value->text), bare(row, other->value->text)))
        d = diag_add(w->diags, "H218", DIAG_ERROR, pair->value->span, "`%s` is the same as `%s`", row->name,
                     row->unlike);
    if (!d)
        return;
    d->path = yaml_path(diag_arena(w->diags), pair->value);
    diag_relate(w->diags, d, (from ? from : other)->value->span, "the other one");
}

void option_check_siblings(struct option_walk *w, const struct belfry_option *table, const struct yaml_node *map)
{
    for (const struct belfry_option *row = table; row && row->struct_size; row++) {
        const struct yaml_pair *pair = yaml_pair(map, row->name);
        if (!pair)
            continue;
        check_requires(w, row, map, pair);
        check_conflicts(w, table, row, map, pair);
        check_pairs(w, row, map, pair);
        if (!option_flag(row, BELFRY_OPT_DEPRECATED))
            continue;
        struct diag *d = diag_add(w->diags, "H213", DIAG_WARNING, pair->key->span, "`%s` is deprecated", row->name);
        d->path = yaml_path(diag_arena(w->diags), pair->value);
        if (row->doc)
            diag_help(w->diags, d, "%s", row->doc);
    }
}

/* --- uniqueness ------------------------------------------------------------------------------------------------- */

static const struct yaml_node *member(const struct yaml_node *item, const char *name)
{
    const struct yaml_node *value = yaml_get(item, name);
    return value && value->kind == YAML_SCALAR && !value->unresolved ? value : NULL;
}

void option_check_unique(struct option_walk *w, const struct belfry_option *element, const struct yaml_node *list)
{
    const struct belfry_option *row = element->type == BELFRY_OPT_OBJECT ? element->children : NULL;
    for (; row && row->struct_size; row++) {
        for (size_t i = 1; option_flag(row, BELFRY_OPT_UNIQUE) && i < list->count; i++) {
            const struct yaml_node *value = member(list->items[i], row->name), *first = NULL;
            for (size_t k = 0; value && k < i && !first; k++) {
                first = member(list->items[k], row->name);
                if (first && !str_eq(first->text, value->text))
                    first = NULL;
            }
            if (!first)
                continue;
            struct diag *d = option_report(w->diags, "H215", DIAG_ERROR, value, "`%s` is used twice as `%s` of `%s`",
                                           value->tainted ? "a secret" : diag_show(w->diags, value->text), row->name,
                                           list->key ? diag_show(w->diags, list->key->text) : "the list");
            diag_relate(w->diags, d, first->span, "first used here");
        }
    }
}
