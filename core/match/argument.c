/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arguments of operators: what each may be, said once for each kind of argument, and what is wrong when it is not. A
 * reference to a secret that was not read (a check without secrets) passes everywhere, since nobody knows its value.
 */
#include "match/argument.h"

#include "base/clock.h"
#include "event/event.h"

#include <math.h>

#define MAX_REGEXES 64 /* in one condition: each may take its full time on each event */

/* --- constants
 * --------------------------------------------------------------------------------------------------------- */

static struct belfry_str keep_text(struct match_context *x, struct belfry_str text)
{
    struct buf folded = {0};
    struct belfry_str kept;

    if (!x->fold)
        return arena_str(x->c->arena, text);
    match_fold(text, &folded);
    kept = arena_str(x->c->arena, buf_str(&folded));
    buf_free(&folded);
    return kept;
}

static int check_severity(struct match_context *x, const struct match_input *in)
{
    static const char *const names[] = {"info", "success", "warning", "error", "critical"};
    struct match_hint hint = {.help = "severities, in order: info success warning error critical"};

    if (in->unresolved || (in->kind == IN_STRING && severity_parse(in->text) >= 0))
        return 1;
    if (in->kind == IN_STRING)
        hint.nearest = str_eqz(in->text, "warn") ? names[2] : str_nearest(in->text, names, 5);
    match_error(x->c, "H205", in->place, hint, "%s is no severity", match_describe(x->c->arena, in));
    return 0;
}

static void refuse_nested(struct match_context *x, const char *op, const struct match_input *in)
{
    struct match_hint hint = {0};

    if (op != NULL && in->kind == IN_LIST)
        hint.help = "for one of several values write `in` or `not_in`";
    if (op != NULL)
        match_error(x->c, "H406", in->place, hint, "`%s` compares with single values, found %s", op,
                    match_describe(x->c->arena, in));
    else
        match_error(x->c, "H406", in->place, hint, "alternatives are values or maps of operators, found %s",
                    match_describe(x->c->arena, in));
}

/* A constant to be equal to; op is NULL for an item of a list of alternatives. 0 after an error. */
int match_read_constant(struct match_context *x, const char *op, const struct match_input *in, struct match_value *out)
{
    switch (in->kind) {
    case IN_LIST:
    case IN_MAP:
        refuse_nested(x, op, in);
        return 0;
    case IN_NULL:
        out->type = MV_NULL;
        if (in->place.yaml == NULL || in->text.len > 0 || in->unresolved)
            break;
        match_error(x->c, "H406", in->place,
                    (struct match_hint){.help = "write null, \"\" for an empty text, or {exists: false}"},
                    "there is nothing to compare with");
        return 0;
    case IN_BOOL:
        out->type = MV_BOOL;
        out->i = in->i;
        break;
    case IN_INT:
        out->type = MV_INT;
        out->i = in->i;
        break;
    case IN_REAL:
        out->type = MV_REAL;
        out->d = in->d;
        if (!isnan(in->d))
            break;
        match_error(x->c, "H406", in->place, (struct match_hint){0}, "%s is no number that a value can equal",
                    match_describe(x->c->arena, in));
        return 0;
    case IN_STRING:
        out->type = MV_STRING;
        out->s = keep_text(x, in->text);
        break;
    }
    return !x->severity || check_severity(x, in);
}

static int read_constants(struct match_context *x, const char *name, const struct match_input *in, struct match_op *op)
{
    struct match_value *args;
    int good = 1;

    if (in->kind != IN_LIST) {
        match_error(x->c, "H406", in->place,
                    (struct match_hint){.help = arena_printf(x->c->arena, "write `%s: [...]`, or `%s` for one value",
                                                             name, str_eqz(STR("in"), name) ? "eq" : "ne")},
                    "`%s` wants a list, found %s", name, match_describe(x->c->arena, in));
        return 0;
    }
    if (in->count == 0) {
        match_error(x->c, "H411", in->place, (struct match_hint){0}, "no value is in an empty list");
        return 0;
    }
    args = arena_alloc(x->c->arena, in->count * sizeof(*args));
    for (size_t i = 0; i < in->count; i++)
        good &= match_read_constant(x, name, in->members[i].value, &args[i]);
    op->args = args;
    op->count = (uint32_t)in->count;
    return good;
}

/* A bound of gt, gte, lt, lte, between. */
static int read_bound(struct match_context *x, const char *name, const struct match_input *in, struct match_value *out)
{
    struct match_hint hint = {0};
    int64_t decimal;

    if (x->severity) {
        out->type = MV_SEVERITY;
        out->i = in->unresolved ? 0 : severity_parse(in->text);
        return check_severity(x, in);
    }
    if (in->kind == IN_INT || (in->kind == IN_REAL && !isnan(in->d)))
        return match_read_constant(x, name, in, out);
    if (in->kind == IN_STRING && time_parse(in->text, &out->i) == 0) {
        out->type = MV_INSTANT;
        return 1;
    }
    if (in->kind == IN_STRING && match_is_date(in->text)) {
        out->type = MV_DATE;
        out->s = arena_str(x->c->arena, in->text);
        return 1;
    }
    if (in->unresolved)
        return 1;
    if (in->kind == IN_STRING && in->plain && yaml_number_word(in->text, &decimal)) {
        hint.help = arena_printf(x->c->arena, "YAML 1.1 reads %lld", (long long)decimal);
        match_error(x->c, "H111", in->place, hint, "`%.*s` is an ambiguous number; write it in decimal",
                    SHOWN(in->text));
        return 0;
    }
    hint.help = "a time is RFC 3339 with zone (2026-01-31T08:00:00Z), a date is 2026-01-31";
    if (in->kind == IN_STRING && !in->tainted && str_to_double(in->text, &out->d) == 0) {
        hint.help = "nothing is converted: without quotes it is a number";
        hint.replace = arena_strndup(x->c->arena, in->text.ptr, in->text.len);
    }
    match_error(x->c, "H406", in->place, hint, "`%s` wants a number, a time or a date, found %s", name,
                match_describe(x->c->arena, in));
    return 0;
}

static int read_range(struct match_context *x, const char *name, const struct match_input *in, struct match_op *op)
{
    struct match_value *args = arena_alloc(x->c->arena, 2 * sizeof(*args));
    int order, good;

    op->args = args;
    op->count = 2;
    if (in->kind != IN_LIST || in->count != 2) {
        match_error(x->c, "H406", in->place, (struct match_hint){.help = "between: [10, 20] includes both ends"},
                    "`%s` wants a list of two, found %s", name, match_describe(x->c->arena, in));
        return 0;
    }
    good = read_bound(x, name, in->members[0].value, &args[0]);
    good &= read_bound(x, name, in->members[1].value, &args[1]);
    if (!good || in->members[0].value->unresolved || in->members[1].value->unresolved)
        return good;
    order = match_value_cmp(&args[0], &args[1]);
    if (order == 2) {
        match_error(x->c, "H406", in->place, (struct match_hint){0}, "the ends of `%s` are of different types", name);
        return 0;
    }
    if (order > 0) {
        match_error(x->c, "H404", in->place, (struct match_hint){.help = "the lower end comes first"},
                    "nothing is between %s and %s", match_describe(x->c->arena, in->members[0].value),
                    match_describe(x->c->arena, in->members[1].value));
        return 0;
    }
    return 1;
}

/* --- texts, booleans, tests
 * --------------------------------------------------------------------------------------------- */

static int check_text(struct match_context *x, const char *name, const struct match_input *in)
{
    struct match_hint hint = {0};

    if (in->kind == IN_STRING)
        return 1;
    if (in->kind < IN_LIST && in->plain && in->text.len > 0 && !in->tainted) {
        hint.replace = arena_printf(x->c->arena, "\"%.*s\"", STR_ARG(in->text));
        hint.help = arena_printf(x->c->arena, "in quotes it is text: %s", hint.replace);
    } else if (in->kind == IN_LIST) {
        hint.help =
            arena_printf(x->c->arena, "for one of several write a list of tests: [{%s: ...}, {%s: ...}]", name, name);
    }
    match_error(x->c, "H406", in->place, hint, "`%s` wants text, found %s", name, match_describe(x->c->arena, in));
    return 0;
}

static void set_text(struct match_context *x, struct match_op *op, struct belfry_str text)
{
    struct match_value *arg = arena_alloc(x->c->arena, sizeof(*arg));

    arg->type = MV_STRING;
    arg->s = keep_text(x, text);
    op->args = arg;
    op->count = 1;
}

static int read_glob(struct match_context *x, const char *name, const struct match_input *in, struct match_op *op)
{
    const char *wrong;

    if (!check_text(x, name, in))
        return 0;
    wrong = in->text.len > MATCH_REGEX_MAX ? "is longer than 512 bytes" : match_glob_check(in->text);
    if (wrong != NULL && !in->unresolved) {
        match_error(x->c, "H405", in->place, (struct match_hint){0}, "the glob %s", wrong);
        return 0;
    }
    set_text(x, op, in->text);
    return 1;
}

/* The same in simpler words, for a regex that has none of the characters that make it one. */
static void lint_regex(struct match_context *x, const struct match_input *in)
{
    struct belfry_str text = in->text;
    int begins = text.len > 0 && text.ptr[0] == '^', ends = text.len > 0 && text.ptr[text.len - 1] == '$';
    const char *better = begins && ends ? "eq" : begins ? "prefix" : ends ? "suffix" : "contains";

    text = str_slice(text.ptr + begins, text.len - (size_t)begins - (text.len > (size_t)begins ? (size_t)ends : 0));
    if (in->tainted || text.len == 0)
        return;
    for (size_t i = 0; i < text.len; i++)
        if (memchr("\\^$.|?*+()[{", text.ptr[i], 12) != NULL)
            return;
    match_warning(x->c, "H407", in->place,
                  (struct match_hint){.help = arena_printf(x->c->arena, "write {%s: \"%.*s\"}", better, STR_ARG(text))},
                  "this regex is plain text");
}

static int read_regex(struct match_context *x, const char *name, const struct match_input *in, struct match_op *op)
{
    const char *message = NULL;
    size_t offset;

    if (!check_text(x, name, in))
        return 0;
    if (in->unresolved)
        return 1;
    if (++x->c->regexes > MAX_REGEXES) {
        match_error(x->c, "H204", in->place, (struct match_hint){0}, "a condition has at most %d regexes", MAX_REGEXES);
        return 0;
    }
    op->regex = match_regex_compile(x->c->arena, in->text, x->fold, &message, &offset);
    if (op->regex == NULL) {
        match_error(x->c, "H405", in->place, (struct match_hint){0}, "bad regex: %s (at byte %zu)", message, offset);
        return 0;
    }
    lint_regex(x, in);
    return 1;
}

/* 0, 1, or -1 after an error. */
int match_read_bool(struct match_compiler *c, const char *name, const struct match_input *in)
{
    struct match_hint hint = {0};
    int value;

    if (in->kind == IN_BOOL)
        return in->i != 0;
    if (in->unresolved)
        return 0;
    if (in->kind == IN_STRING && in->plain && yaml_boolean_word(in->text, &value)) {
        hint.replace = value ? "true" : "false";
        match_error(c, "H110", in->place, hint, "write `%s`, not `%.*s`", hint.replace, SHOWN(in->text));
        return -1;
    }
    match_error(c, "H406", in->place, hint, "`%s` wants true or false, found %s", name, match_describe(c->arena, in));
    return -1;
}

static int read_exists(struct match_context *x, const char *name, const struct match_input *in, struct match_op *op)
{
    struct match_value *arg = arena_alloc(x->c->arena, sizeof(*arg));
    int value = match_read_bool(x->c, name, in);

    arg->type = MV_BOOL;
    arg->i = value;
    op->args = arg;
    op->count = 1;
    return value >= 0;
}

int match_read_argument(struct match_context *x, const struct match_operator *row, const struct match_input *in,
                        struct match_op *op)
{
    struct match_value *arg;
    int good;

    op->code = row->code;
    op->negative = row->negative;
    op->fold = (uint8_t)x->fold;
    switch ((enum match_arg_kind)row->arg) {
    case ARG_VALUES:
        return read_constants(x, row->name, in, op);
    case ARG_TEXT:
        if (!check_text(x, row->name, in))
            return 0;
        set_text(x, op, in->text);
        return 1;
    case ARG_GLOB:
        return read_glob(x, row->name, in, op);
    case ARG_REGEX:
        return read_regex(x, row->name, in, op);
    case ARG_RANGE:
        return read_range(x, row->name, in, op);
    case ARG_BOOL:
        return read_exists(x, row->name, in, op);
    case ARG_TEST:
        op->test = match_test_compile(x->c, in, x->severity, x->fold);
        return op->test != NULL;
    default:
        arg = arena_alloc(x->c->arena, sizeof(*arg));
        op->args = arg;
        op->count = 1;
        good = row->arg == ARG_VALUE ? match_read_constant(x, row->name, in, arg) : read_bound(x, row->name, in, arg);
        return good;
    }
}
