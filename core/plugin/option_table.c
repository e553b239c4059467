/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a table sound? Asked once when a plugin is loaded or a sidecar is read, so that the walker can trust every offset,
 * flag and default. The bytes of each table are marked as they are taken: two rows may share a place only when one is
 * deprecated in favour of the other.
 */
#include "base/mem.h"
#include "plugin/option_internal.h"

#include <stdlib.h>

#define CONFIG_MAX (1u << 20)
#define KNOWN_FLAGS ((BELFRY_OPT_HEADERS << 1) - 1)

struct table_check {
    struct arena *arena;
    const char *path; /* "rules[].": what precedes a name in messages */
};

static const char *table_fault(const struct table_check *c, const struct belfry_option *table, uint64_t size,
                               int depth);
static const char *element_fault(const struct table_check *c, const struct belfry_option *row, const char *name,
                                 int depth);

static int is_name(const char *name)
{
    size_t len = name ? strlen(name) : 0;
    if (len == 0 || len > 64 || name[0] < 'a' || name[0] > 'z')
        return 0;
    for (size_t i = 0; i < len; i++)
        if (!((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9') || name[i] == '_' ||
              name[i] == '-'))
            return 0;
    return 1;
}

/* --- one row ---------------------------------------------------------------------------------------------------- */

/* Which flags mean something on which types. */
static const char *flags_fault(struct arena *arena, const struct belfry_option *row, const char *name)
{
    static const struct {
        uint32_t flag, types;
        const char *text;
    } rules[] = {
        {BELFRY_OPT_SECRET,
         1u << BELFRY_OPT_STRING | 1u << BELFRY_OPT_URL | 1u << BELFRY_OPT_LIST | 1u << BELFRY_OPT_MAP, "SECRET"},
        {BELFRY_OPT_SCALAR_LIST, 1u << BELFRY_OPT_LIST, "SCALAR_LIST"},
        {BELFRY_OPT_POINTER, 1u << BELFRY_OPT_OBJECT, "POINTER"},
        {BELFRY_OPT_CALENDAR, 1u << BELFRY_OPT_DURATION, "CALENDAR"},
        {BELFRY_OPT_UNIQUE, 1u << BELFRY_OPT_STRING, "UNIQUE"},
        {BELFRY_OPT_PERSON, 1u << BELFRY_OPT_RECIPIENT, "PERSON"},
        {BELFRY_OPT_HEADERS, 1u << BELFRY_OPT_MAP, "HEADERS"},
    };
    if (row->flags & ~(uint32_t)KNOWN_FLAGS)
        return arena_printf(arena, "option `%s` has flags that this hub does not know (0x%x)", name, row->flags);
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if ((row->flags & rules[i].flag) && !(rules[i].types & 1u << row->type))
            return arena_printf(arena, "option `%s`: flag %s does not fit type %s", name, rules[i].text,
                                option_type_name(row->type));
    return NULL;
}

static const char *limits_fault(struct arena *arena, const struct belfry_option *row, const char *name)
{
    static const uint32_t limited = 1u << BELFRY_OPT_STRING | 1u << BELFRY_OPT_INT | 1u << BELFRY_OPT_DOUBLE |
                                    1u << BELFRY_OPT_DURATION | 1u << BELFRY_OPT_SIZE | 1u << BELFRY_OPT_LIST |
                                    1u << BELFRY_OPT_MAP;
    if (option_limited(row) && !(limited & 1u << row->type))
        return arena_printf(arena, "option `%s`: type %s has no min and max", name, option_type_name(row->type));
    if (row->min > row->max)
        return arena_printf(arena, "option `%s`: min %lld is greater than max %lld", name, (long long)row->min,
                            (long long)row->max);
    return NULL;
}

static const char *choices_fault(struct arena *arena, const struct belfry_option *row, const char *name)
{
    if (row->type == BELFRY_OPT_CHOICE && (!row->choices || !row->choices[0]))
        return arena_printf(arena, "option `%s` of type choice has no choices", name);
    for (size_t i = 0; row->choices && row->choices[i]; i++) {
        if (!*row->choices[i] || !str_utf8_valid(str_of(row->choices[i])))
            return arena_printf(arena, "option `%s`: choice %zu is empty or not UTF-8", name, i);
        for (size_t k = 0; k < i; k++)
            if (strcmp(row->choices[i], row->choices[k]) == 0)
                return arena_printf(arena, "option `%s`: choice `%s` is there twice", name, row->choices[i]);
    }
    return NULL;
}

/* A default is parsed as an admin's text would be. */
static const char *default_fault(struct arena *arena, const struct belfry_option *row, const char *name)
{
    static const struct option_scope nobody;
    if (!row->def)
        return NULL;
    if (row->type == BELFRY_OPT_OBJECT && !option_flag(row, BELFRY_OPT_POINTER))
        return arena_printf(arena, "option `%s`: an embedded object has the defaults of its members, not its own",
                            name);
    if (option_flag(row, BELFRY_OPT_REQUIRED))
        return arena_printf(arena, "option `%s` is required and has a default", name);
    struct arena *scratch = arena_new(0);
    struct option_walk w = {scratch, diag_set_new(), row, &nobody};
    const struct yaml_node *node = option_default(scratch, w.diags, row);
    const char *fault = NULL;
    if (node)
        option_fill_value(&w, row, node, arena_alloc(scratch, option_value_size(row)));
    if (!node || diag_count(w.diags, DIAG_ERROR) > 0)
        fault = arena_printf(arena, "option `%s`: the default `%s` does not parse: %s", name, row->def,
                             diag_total(w.diags) ? diag_get(w.diags, 0)->message : "no value");
    diag_set_free(w.diags);
    arena_free(scratch);
    return fault;
}

static const char *inner_fault(const struct table_check *c, const struct belfry_option *row, const char *name,
                               int depth)
{
    if (row->type == BELFRY_OPT_LIST || row->type == BELFRY_OPT_MAP)
        return element_fault(c, row, name, depth);
    if (row->type != BELFRY_OPT_OBJECT)
        return NULL;
    if (!row->children || row->size == 0 || row->size > CONFIG_MAX)
        return arena_printf(c->arena, "option `%s` of type object needs children and the size of its struct", name);
    struct table_check inner = {c->arena, arena_printf(c->arena, "%s.", name)};
    return table_fault(&inner, row->children, row->size, depth + 1);
}

/* All that does not depend on where the value stands. */
static const char *row_fault(const struct table_check *c, const struct belfry_option *row, const char *name, int depth)
{
    const char *fault = NULL;
    if (!option_type(row->type))
        return arena_printf(c->arena, "option `%s` has type %u, which this hub does not know", name, row->type);
    if ((fault = flags_fault(c->arena, row, name)) || (fault = limits_fault(c->arena, row, name)) ||
        (fault = choices_fault(c->arena, row, name)) || (fault = inner_fault(c, row, name, depth)))
        return fault;
    if (row->doc && !str_utf8_valid(str_of(row->doc)))
        return arena_printf(c->arena, "option `%s`: the doc is not UTF-8", name);
    return default_fault(c->arena, row, name);
}

static const char *element_fault(const struct table_check *c, const struct belfry_option *row, const char *name,
                                 int depth)
{
    const struct belfry_option *element = row->children;
    const char *inner = arena_printf(c->arena, "%s%s", name, row->type == BELFRY_OPT_LIST ? "[]" : ".*");
    if (!element || !element->struct_size)
        return arena_printf(c->arena, "option `%s` of type %s does not say what its values are (children[0])", name,
                            option_type_name(row->type));
    if (depth >= OPTION_MAX_DEPTH)
        return arena_printf(c->arena, "option `%s` nests deeper than %d levels", name, OPTION_MAX_DEPTH);
    if (element->name || element->offset)
        return arena_printf(c->arena, "option `%s`: children[0] has a name or an offset", inner);
    if (element->def || element->requires_ || element->conflicts || element->not_before || element->unlike ||
        element->flags & (BELFRY_OPT_REQUIRED | BELFRY_OPT_DEPRECATED | BELFRY_OPT_UNIQUE))
        return arena_printf(c->arena, "option `%s`: children[0] has what only a named option can have", inner);
    return row_fault(c, element, inner, depth + 1);
}

/* --- a table ---------------------------------------------------------------------------------------------------- */

static const struct belfry_option *find_row(const struct belfry_option *table, struct belfry_str name)
{
    for (const struct belfry_option *row = table; row->struct_size; row++)
        if (str_eqz(name, row->name))
            return row;
    return NULL;
}

/* requires and conflicts name siblings. */
static const char *siblings_fault(const struct table_check *c, const struct belfry_option *table,
                                  const struct belfry_option *row, const char *list, const char *verb)
{
    struct belfry_str rest = str_of(list);
    for (struct belfry_str one = option_next_name(&rest); one.len; one = option_next_name(&rest)) {
        const struct belfry_option *other = find_row(table, one);
        if (!other || other == row)
            return arena_printf(c->arena, "option `%s%s` %s `%.*s`, which is no other option beside it", c->path,
                                row->name, verb, STR_ARG(one));
    }
    return NULL;
}

/* not_before and unlike compare with a sibling of the same type. */
static const char *pair_fault(const struct table_check *c, const struct belfry_option *table,
                              const struct belfry_option *row, const char *name, uint32_t types, const char *column)
{
    const struct belfry_option *other = name ? find_row(table, str_of(name)) : NULL;
    if (!name || (other && other != row && other->type == row->type && types & 1u << row->type))
        return NULL;
    return arena_printf(c->arena, "option `%s%s` of type %s is %s `%s`, which is no option beside it to compare with",
                        c->path, row->name, option_type_name(row->type), column, name);
}

/* taken[i] is the number of the row (from 1) that has byte i. */
static const char *place_fault(const struct table_check *c, const struct belfry_option *table, size_t index,
                               uint16_t *taken, uint64_t size)
{
    const struct belfry_option *row = &table[index];
    uint32_t need = option_value_size(row), align = option_value_align(row);
    if (row->offset > size || need > size - row->offset)
        return arena_printf(c->arena,
                            "option `%s%s`: %u bytes at offset %u are outside of the %llu bytes of its struct", c->path,
                            row->name, need, row->offset, (unsigned long long)size);
    if (row->offset % align)
        return arena_printf(c->arena, "option `%s%s`: offset %u is not aligned to %u bytes", c->path, row->name,
                            row->offset, align);
    for (uint32_t i = 0; i < need; i++) {
        uint16_t other = taken[row->offset + i];
        if (other && !((row->flags | table[other - 1].flags) & BELFRY_OPT_DEPRECATED))
            return arena_printf(c->arena, "options `%s%s` and `%s%s` have the same place in the struct", c->path,
                                table[other - 1].name, c->path, row->name);
        taken[row->offset + i] = (uint16_t)(index + 1);
    }
    return NULL;
}

static const char *rows_fault(const struct table_check *c, const struct belfry_option *table, uint64_t size, int depth,
                              uint16_t *taken)
{
    const char *fault;
    for (size_t i = 0; table[i].struct_size; i++) {
        if (i == OPTION_MAX_ROWS)
            return arena_printf(c->arena, "a table of options has more than %d rows", OPTION_MAX_ROWS);
        if (!is_name(table[i].name))
            return arena_printf(c->arena, "option `%s%s`: a name is 1 to 64 of a-z 0-9 _ - and starts with a letter",
                                c->path, table[i].name ? table[i].name : "");
        const char *name = arena_printf(c->arena, "%s%s", c->path, table[i].name);
        for (size_t k = 0; k < i; k++)
            if (strcmp(table[k].name, table[i].name) == 0)
                return arena_printf(c->arena, "option `%s` is there twice", name);
        if ((fault = row_fault(c, &table[i], name, depth)) || (fault = place_fault(c, table, i, taken, size)))
            return fault;
    }
    for (const struct belfry_option *row = table; row->struct_size; row++)
        if ((fault = siblings_fault(c, table, row, row->requires_, "requires")) ||
            (fault = siblings_fault(c, table, row, row->conflicts, "conflicts with")) ||
            (fault = pair_fault(c, table, row, row->not_before, 1u << BELFRY_OPT_DATE, "not before")) ||
            (fault = pair_fault(c, table, row, row->unlike, 1u << BELFRY_OPT_STRING | 1u << BELFRY_OPT_RECIPIENT,
                                "unlike")))
            return fault;
    return NULL;
}

static const char *table_fault(const struct table_check *c, const struct belfry_option *table, uint64_t size, int depth)
{
    if (depth >= OPTION_MAX_DEPTH)
        return arena_printf(c->arena, "option `%.*s` nests deeper than %d levels", (int)strlen(c->path) - 1, c->path,
                            OPTION_MAX_DEPTH);
    uint16_t *taken = xcalloc(size ? size : 1, sizeof(*taken));
    const char *fault = rows_fault(c, table, size, depth, taken);
    free(taken);
    return fault;
}

const char *option_table_fault(struct arena *arena, const struct belfry_option *table, uint64_t config_size)
{
    struct table_check c = {arena, ""};
    if (config_size > CONFIG_MAX)
        return arena_printf(arena, "config_size is %llu bytes, more than %u", (unsigned long long)config_size,
                            CONFIG_MAX);
    return table ? table_fault(&c, table, config_size, 0) : NULL;
}
