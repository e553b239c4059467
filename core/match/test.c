/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiles tests: a value, a list of values, a map of operators, or a list of such maps.
 *
 * Invariant: what is returned has no doubtful argument in it; a doubtful one was reported and NULL is returned, after
 * all of the test was read, so that one run shows all faults.
 */
#include "match/argument.h"

static const struct match_operator operators[] = {
    {"eq", MC_IN, 0, ARG_VALUE},
    {"ne", MC_IN, 1, ARG_VALUE},
    {"in", MC_IN, 0, ARG_VALUES},
    {"not_in", MC_IN, 1, ARG_VALUES},
    {"prefix", MC_PREFIX, 0, ARG_TEXT},
    {"suffix", MC_SUFFIX, 0, ARG_TEXT},
    {"contains", MC_CONTAINS, 0, ARG_TEXT},
    {"glob", MC_GLOB, 0, ARG_GLOB},
    {"regex", MC_REGEX, 0, ARG_REGEX},
    {"gt", MC_GT, 0, ARG_ORDERED},
    {"gte", MC_GTE, 0, ARG_ORDERED},
    {"lt", MC_LT, 0, ARG_ORDERED},
    {"lte", MC_LTE, 0, ARG_ORDERED},
    {"between", MC_BETWEEN, 0, ARG_RANGE},
    {"exists", MC_EXISTS, 0, ARG_BOOL},
    {"not", MC_TEST, 1, ARG_TEST},
};
#define OPERATOR_COUNT (sizeof(operators) / sizeof(operators[0]))

static const char *const words[] = {"eq", "ne",  "in", "not_in", "prefix",  "suffix", "contains", "glob",       "regex",
                                    "gt", "gte", "lt", "lte",    "between", "exists", "not",      "ignore_case"};
#define WORD_COUNT (sizeof(words) / sizeof(words[0]))
static const char word_list[] = "operators: eq ne in not_in prefix suffix contains glob regex gt gte lt lte between "
                                "exists not, and ignore_case";

int match_is_operator(struct belfry_str word)
{
    for (size_t i = 0; i < WORD_COUNT; i++)
        if (str_eqz(word, words[i]))
            return 1;
    return 0;
}

static const struct match_operator *find_operator(struct belfry_str name)
{
    for (size_t i = 0; i < OPERATOR_COUNT; i++)
        if (str_eqz(name, operators[i].name))
            return &operators[i];
    return NULL;
}

/* --- groups and tests
 * ------------------------------------------------------------------------------------------------- */

/* What other rule languages call them. */
static const struct {
    const char *theirs, *ours;
} foreign[] = {
    {">", "gt"},
    {">=", "gte"},
    {"<", "lt"},
    {"<=", "lte"},
    {"=", "eq"},
    {"==", "eq"},
    {"!=", "ne"},
    {"=~", "regex"},
    {"~", "regex"},
    {"matches", "regex"},
    {"match", "regex"},
    {"equals", "eq"},
    {"neq", "ne"},
    {"greater", "gt"},
    {"greater_than", "gt"},
    {"less", "lt"},
    {"less_than", "lt"},
    {"min", "gte"},
    {"max", "lte"},
    {"starts_with", "prefix"},
    {"startswith", "prefix"},
    {"ends_with", "suffix"},
    {"endswith", "suffix"},
    {"includes", "contains"},
    {"like", "glob"},
    {"wildcard", "glob"},
    {"any_of", "in"},
    {"one_of", "in"},
    {"none_of", "not_in"},
    {"anything-but", "not_in"},
    {"range", "between"},
    {"present", "exists"},
};

static const char *translate(struct belfry_str word)
{
    if (word.len > 1 && word.ptr[0] == '$')
        word = str_slice(word.ptr + 1, word.len - 1);
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
        if (str_eqz(word, foreign[i].theirs))
            return foreign[i].ours;
    return str_nearest(word, words, WORD_COUNT);
}

static void refuse_operator(struct match_compiler *c, const struct match_member *member)
{
    struct match_hint hint = {.nearest = translate(member->key)};

    if (hint.nearest == NULL && str_eqz(member->key, "any"))
        hint.help = "inside of a path alternatives are a list: [{...}, {...}]";
    else if (hint.nearest == NULL)
        hint.help =
            arena_printf(c->arena, "%s; a nested value is written with dots: PATH.%.*s", word_list, SHOWN(member->key));
    match_error(c, "H401", member->key_place, hint, "unknown operator `%.*s`", SHOWN(member->key));
}

static const struct match_input *find_member(const struct match_input *map, const char *key)
{
    for (size_t i = 0; i < map->count; i++)
        if (str_eqz(map->members[i].key, key))
            return map->members[i].value;
    return NULL;
}

static int has_unresolved(const struct match_input *in)
{
    if (in->unresolved)
        return 1;
    for (size_t i = 0; i < in->count; i++)
        if (has_unresolved(in->members[i].value))
            return 1;
    return 0;
}

/* A map of operators. 0 after an error. */
static int read_group(struct match_context outer, const struct match_input *in, struct match_group *group)
{
    const struct match_input *ignore_case = find_member(in, "ignore_case");
    struct match_op *ops = arena_alloc(outer.c->arena, in->count * sizeof(*ops));
    struct match_context x = outer;
    size_t before = outer.c->errors;

    if (ignore_case != NULL)
        x.fold = match_read_bool(x.c, "ignore_case", ignore_case) == 1;
    group->ops = ops;
    for (size_t i = 0; i < in->count; i++) {
        const struct match_member *member = &in->members[i];
        const struct match_operator *row = find_operator(member->key);
        if (row != NULL)
            group->count += match_read_argument(&x, row, member->value, &ops[group->count]) ? 1 : 0;
        else if (member->value != ignore_case)
            refuse_operator(x.c, member);
    }
    if (x.c->errors > before)
        return 0;
    if (group->count == 0) {
        match_error(x.c, "H411", in->place, (struct match_hint){.help = word_list}, "a test without an operator");
        return 0;
    }
    if (!has_unresolved(in) && match_group_contradicts(group)) {
        match_error(x.c, "H404", in->place, (struct match_hint){0}, "no value can meet `%s`",
                    match_label(x.c->arena, in));
        return 0;
    }
    return 1;
}

/* The single values of a list are one `in`. */
static int read_alternatives(struct match_context x, const struct match_input *list, struct match_group *groups,
                             uint32_t *count)
{
    struct match_value *args = arena_alloc(x.c->arena, list->count * sizeof(*args));
    struct match_op *op = arena_alloc(x.c->arena, sizeof(*op));
    int good = 1;

    op->code = MC_IN;
    op->fold = (uint8_t)x.fold;
    op->args = args;
    for (size_t i = 0; i < list->count; i++) {
        const struct match_input *item = list->members[i].value;
        if (item->kind == IN_MAP)
            good &= read_group(x, item, &groups[(*count)++]);
        else
            good &= match_read_constant(&x, NULL, item, &args[op->count++]);
    }
    if (op->count > 0)
        groups[(*count)++] = (struct match_group){op, 1};
    return good;
}

const struct match_test *match_test_compile(struct match_compiler *c, const struct match_input *in, int severity,
                                            int fold)
{
    struct match_context x = {c, severity, fold};
    struct match_test *test = arena_alloc(c->arena, sizeof(*test));
    struct match_group *groups = arena_alloc(c->arena, (in->kind == IN_LIST ? in->count + 1 : 1) * sizeof(*groups));
    struct match_input list = {.kind = IN_LIST, .count = 1};
    struct match_member single = {.value = in};

    test->groups = groups;
    if (in->kind == IN_LIST && in->count == 0) {
        match_error(c, "H411", in->place, (struct match_hint){0}, "an empty list of alternatives matches nothing");
        return NULL;
    }
    list.members = &single;
    return read_alternatives(x, in->kind == IN_LIST ? in : &list, groups, &test->count) ? test : NULL;
}
