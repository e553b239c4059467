/* SPDX-License-Identifier: Apache-2.0 */
/* Option tables with a fault in one row: the fault is found and named. */
#include "plugin/option.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

struct inner {
    int64_t number;
    const char *text;
};

struct config {
    int64_t number;
    const char *text;
    uint8_t flag;
    struct belfry_list list;
    struct belfry_map map;
    struct inner inner;
};

#define SIZE sizeof(struct belfry_option)
#define ROW(kind, row_name, at, ...)                                                                                   \
    {                                                                                                                  \
        .struct_size = SIZE, .type = kind, .name = row_name, .offset = at, __VA_ARGS__                                 \
    }
#define INT(...) ROW(BELFRY_OPT_INT, "number", 0, __VA_ARGS__)
#define STRING(...) ROW(BELFRY_OPT_STRING, "text", offsetof(struct config, text), __VA_ARGS__)
#define LIST(...) ROW(BELFRY_OPT_LIST, "list", offsetof(struct config, list), __VA_ARGS__)
#define MAP(...) ROW(BELFRY_OPT_MAP, "map", offsetof(struct config, map), __VA_ARGS__)
#define OBJECT(...)                                                                                                    \
    ROW(BELFRY_OPT_OBJECT, "inner", offsetof(struct config, inner), .size = sizeof(struct inner), __VA_ARGS__)

static const char *const none[] = {NULL};
static const char *const twice[] = {"a", "b", "a", NULL};
static const struct belfry_option nothing[] = {{0}};
static const struct belfry_option number_element[] = {{.struct_size = SIZE, .type = BELFRY_OPT_INT, .max = 9}, {0}};
static const struct belfry_option named_element[] = {INT(), {0}};
static const struct belfry_option default_element[] = {{.struct_size = SIZE, .type = BELFRY_OPT_INT, .def = "1"}, {0}};
static const struct belfry_option unknown_element[] = {{.struct_size = SIZE, .type = 77}, {0}};
static const struct belfry_option inner_outside[] = {
    {.struct_size = SIZE, .type = BELFRY_OPT_INT, .name = "far", .offset = sizeof(struct inner)}, {0}};
static const struct belfry_option inner_good[] = {
    {.struct_size = SIZE, .type = BELFRY_OPT_INT, .name = "number", .def = "5"}, {0}};

static const struct fault_row {
    struct belfry_option rows[3];
    const char *fault;
} faults[] = {
    {{ROW(BELFRY_OPT_INT, NULL, 0)}, "option ``: a name is 1 to 64 of a-z 0-9 _ - and starts with a letter"},
    {{ROW(BELFRY_OPT_INT, "Number", 0)}, "option `Number`: a name is 1 to 64 of a-z 0-9 _ - and starts with a letter"},
    {{ROW(BELFRY_OPT_INT, "9", 0)}, "option `9`: a name is 1 to 64 of a-z 0-9 _ - and starts with a letter"},
    {{INT(), ROW(BELFRY_OPT_INT, "number", 8)}, "option `number` is there twice"},
    {{ROW(0, "number", 0)}, "option `number` has type 0, which this hub does not know"},
    {{ROW(17, "number", 0)}, "option `number` has type 17, which this hub does not know"},
    {{INT(.flags = 1 << 9)}, "option `number` has flags that this hub does not know (0x200)"},
    {{INT(.flags = BELFRY_OPT_SECRET)}, "option `number`: flag SECRET does not fit type int"},
    {{INT(.flags = BELFRY_OPT_POINTER)}, "option `number`: flag POINTER does not fit type int"},
    {{STRING(.flags = BELFRY_OPT_CALENDAR)}, "option `text`: flag CALENDAR does not fit type string"},
    {{ROW(BELFRY_OPT_INT, "number", 4)}, "option `number`: offset 4 is not aligned to 8 bytes"},
    {{ROW(BELFRY_OPT_INT, "number", sizeof(struct config) - 4)}, NULL /* see below */},
    {{INT(), ROW(BELFRY_OPT_STRING, "text", 0)}, "options `number` and `text` have the same place in the struct"},
    {{INT(.min = 5, .max = 4)}, "option `number`: min 5 is greater than max 4"},
    {{ROW(BELFRY_OPT_BOOL, "number", 0, .max = 1)}, "option `number`: type bool has no min and max"},
    {{ROW(BELFRY_OPT_CHOICE, "number", 0)}, "option `number` of type choice has no choices"},
    {{ROW(BELFRY_OPT_CHOICE, "number", 0, .choices = none)}, "option `number` of type choice has no choices"},
    {{ROW(BELFRY_OPT_CHOICE, "number", 0, .choices = twice)}, "option `number`: choice `a` is there twice"},
    {{INT(.def = "1", .flags = BELFRY_OPT_REQUIRED)}, "option `number` is required and has a default"},
    {{INT(.def = "11", .max = 10)},
     "option `number`: the default `11` does not parse: the value must be between 0 and 10"},
    {{ROW(BELFRY_OPT_TEMPLATE, "text", offsetof(struct config, text), .def = "{{#a}}")},
     "option `text`: the default `{{#a}}` does not parse: "},
    {{ROW(BELFRY_OPT_CONDITION, "text", offsetof(struct config, text), .def = "{a: {near: 5}}")},
     "option `text`: the default `{a: {near: 5}}` does not parse: "},
    {{STRING(.doc = "\xff")}, "option `text`: the doc is not UTF-8"},
    {{INT(.requires_ = "text")}, "option `number` requires `text`, which is no other option beside it"},
    {{INT(.conflicts = "number")}, "option `number` conflicts with `number`, which is no other option beside it"},
    {{INT(.conflicts = "text, more"), STRING()},
     "option `number` conflicts with `more`, which is no other option beside it"},
    {{STRING(.not_before = "number"), INT()},
     "option `text` of type string is not before `number`, which is no option beside it to compare with"},
    {{STRING(.unlike = "number"), INT()},
     "option `text` of type string is unlike `number`, which is no option beside it to compare with"},
    {{STRING(.unlike = "text")},
     "option `text` of type string is unlike `text`, which is no option beside it to compare with"},
    {{STRING(.flags = BELFRY_OPT_PERSON)}, "option `text`: flag PERSON does not fit type string"},
    {{STRING(.flags = BELFRY_OPT_HEADERS)}, "option `text`: flag HEADERS does not fit type string"},
    {{LIST()}, "option `list` of type list does not say what its values are (children[0])"},
    {{LIST(.children = nothing)}, "option `list` of type list does not say what its values are (children[0])"},
    {{LIST(.children = named_element)}, "option `list[]`: children[0] has a name or an offset"},
    {{LIST(.children = default_element)}, "option `list[]`: children[0] has what only a named option can have"},
    {{LIST(.children = unknown_element)}, "option `list[]` has type 77, which this hub does not know"},
    {{LIST(.children = number_element, .def = "[1, 10]")},
     "option `list`: the default `[1, 10]` does not parse: the value must be between 0 and 9"},
    {{MAP(.children = unknown_element)}, "option `map.*` has type 77, which this hub does not know"},
    {{OBJECT()}, "option `inner` of type object needs children and the size of its struct"},
    {{OBJECT(.children = inner_good, .def = "{}")},
     "option `inner`: an embedded object has the defaults of its members, not its own"},
    {{OBJECT(.children = inner_outside)},
     "option `inner.far`: 8 bytes at offset 16 are outside of the 16 bytes of its struct"},
};

static void test_faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        struct arena *arena = arena_new(0);
        const char *fault = option_table_fault(arena, faults[i].rows, sizeof(struct config));
        char wanted[200];
        snprintf(wanted, sizeof(wanted),
                 "option `number`: 8 bytes at offset %zu are outside of the %zu bytes of its struct",
                 sizeof(struct config) - 4, sizeof(struct config));
        const char *expected = faults[i].fault ? faults[i].fault : wanted;
        size_t len = expected[strlen(expected) - 1] == ' ' ? strlen(expected) : strlen(expected) + 1;
        if (!fault || strncmp(fault, expected, len) != 0)
            fail_msg("row %zu\n  says   %s\n  wanted %s", i, fault ? fault : "nothing", expected);
        arena_free(arena);
    }
}

static const struct good_row {
    struct belfry_option rows[3];
} good[] = {
    {{{0}}},
    {{INT(.min = -1, .max = INT64_MAX, .def = "7")}},
    {{INT(.requires_ = "text"), STRING(.conflicts = " number , number")}},
    {{INT(), ROW(BELFRY_OPT_INT, "old", 0, .flags = BELFRY_OPT_DEPRECATED)}},
    {{LIST(.children = number_element, .def = "[1, 9]")}},
    {{MAP(.children = number_element, .def = "{a: 1}")}},
    {{LIST(.children = number_element, .def = "9", .flags = BELFRY_OPT_SCALAR_LIST)}},
    {{OBJECT(.children = inner_good)}},
    {{OBJECT(.children = inner_good, .flags = BELFRY_OPT_POINTER, .def = "{number: 3}")}},
    {{ROW(BELFRY_OPT_TEMPLATE, "text", offsetof(struct config, text), .def = "Hello: {{name}}")}},
    {{ROW(BELFRY_OPT_CONDITION, "text", offsetof(struct config, text), .def = "{}")}},
    {{STRING(.def = "")}},
    {{STRING(.def = "yes")}},
};

static void test_good_tables(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        const char *fault = option_table_fault(arena, good[i].rows, sizeof(struct config));
        if (fault)
            fail_msg("row %zu: %s", i, fault);
    }
    assert_null(option_table_fault(arena, NULL, 0));
    assert_non_null(option_table_fault(arena, NULL, 2 << 20));
    arena_free(arena);
}

/* A default of every kind arrives in the struct. */
static void test_defaults_of_pointer_objects_and_maps(void **state)
{
    (void)state;
    static const struct belfry_option table[] = {
        OBJECT(.children = inner_good, .flags = BELFRY_OPT_POINTER, .def = "{number: 3}"),
        MAP(.children = number_element, .def = "{b: 2, a: 1}"),
        {0},
    };
    struct arena *arena = arena_new(0);
    struct diag_set *diags = diag_set_new();
    union {
        struct config config;
        struct {
            char before[offsetof(struct config, inner)];
            const struct inner *inner;
        } as_pointer;
    } out;
    memset(&out, 0, sizeof(out));
    const struct yaml_node *root = yaml_load(arena, diags, diag_add_file(diags, "t", STR("{}")));
    assert_int_equal(option_fill(arena, diags, table, root, NULL, &out, sizeof(out)), BELFRY_OK);
    assert_int_equal(out.as_pointer.inner->number, 3);
    assert_int_equal(out.config.map.count, 2);
    assert_string_equal(out.config.map.keys[0], "a");
    assert_int_equal(((const int64_t *)out.config.map.values)[1], 2);
    diag_set_free(diags);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_good_tables),
        cmocka_unit_test(test_defaults_of_pointer_objects_and_maps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
