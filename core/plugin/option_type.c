/* SPDX-License-Identifier: Apache-2.0 */
/* The types of options: one row for each number of the public header, found by number or by name. */
#include "plugin/option_internal.h"

#define TYPE(name, expected, c_type)                                                                                   \
    {                                                                                                                  \
        name, expected, sizeof(c_type), _Alignof(c_type)                                                               \
    }

static const struct option_type types[] = {
    [BELFRY_OPT_STRING] = TYPE("string", "a string", const char *),
    [BELFRY_OPT_BOOL] = TYPE("bool", "true or false", uint8_t),
    [BELFRY_OPT_INT] = TYPE("int", "a whole number", int64_t),
    [BELFRY_OPT_DOUBLE] = TYPE("double", "a number", double),
    [BELFRY_OPT_DURATION] = TYPE("duration", "a duration such as 5m", int64_t),
    [BELFRY_OPT_SIZE] = TYPE("size", "a size such as 64KiB", int64_t),
    [BELFRY_OPT_TIME] = TYPE("time", "a time of day such as \"22:00\"", int32_t),
    [BELFRY_OPT_DATE] = TYPE("date", "a date such as 2026-01-31", const char *),
    [BELFRY_OPT_URL] = TYPE("url", "a URL", const char *),
    [BELFRY_OPT_CHOICE] = TYPE("choice", "one word of a list", int32_t),
    [BELFRY_OPT_RECIPIENT] = TYPE("recipient", "a recipient", const char *),
    [BELFRY_OPT_TEMPLATE] = TYPE("template", "a template", const struct belfry_template *),
    [BELFRY_OPT_CONDITION] = TYPE("condition", "a condition", const struct belfry_condition *),
    [BELFRY_OPT_OBJECT] = {"object", "a map", 0, 1},
    [BELFRY_OPT_LIST] = TYPE("list", "a list", struct belfry_list),
    [BELFRY_OPT_MAP] = TYPE("map", "a map", struct belfry_map),
};
#define TYPE_COUNT (sizeof(types) / sizeof(types[0]))

const struct option_type *option_type(uint32_t type)
{
    return type > 0 && type < TYPE_COUNT ? &types[type] : NULL;
}

const char *option_type_name(uint32_t type)
{
    const struct option_type *known = option_type(type);
    return known ? known->name : NULL;
}

uint32_t option_type_of(struct belfry_str name)
{
    for (uint32_t i = 1; i < TYPE_COUNT; i++)
        if (str_eqz(name, types[i].name))
            return i;
    return 0;
}

uint32_t option_value_size(const struct belfry_option *row)
{
    if (option_flag(row, BELFRY_OPT_POINTER))
        return sizeof(void *);
    if (row->type == BELFRY_OPT_OBJECT)
        return row->size;
    if (row->type == BELFRY_OPT_DURATION && option_flag(row, BELFRY_OPT_CALENDAR))
        return sizeof(struct belfry_calendar);
    return types[row->type].size;
}

/* An embedded struct is as strict as its strictest member. */
uint32_t option_value_align(const struct belfry_option *row)
{
    if (option_flag(row, BELFRY_OPT_POINTER))
        return _Alignof(void *);
    if (row->type != BELFRY_OPT_OBJECT)
        return types[row->type].align;
    uint32_t align = 1;
    for (const struct belfry_option *child = row->children; child && child->struct_size; child++) {
        uint32_t own = option_value_align(child);
        align = own > align ? own : align;
    }
    return align;
}

struct belfry_str option_next_name(struct belfry_str *list)
{
    size_t begin = 0;
    if (list->len == 0)
        return (struct belfry_str){0};
    while (begin < list->len && (list->ptr[begin] == ' ' || list->ptr[begin] == ','))
        begin++;
    size_t end = begin;
    while (end < list->len && list->ptr[end] != ' ' && list->ptr[end] != ',')
        end++;
    struct belfry_str name = str_slice(list->ptr + begin, end - begin);
    *list = str_slice(list->ptr + end, list->len - end);
    return name;
}
