/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers, truths and times. Nothing is coerced: what only looks like the wanted type is an error that says what to
 * write. Each parser first lets an unresolved secret pass: its value comes at start, and is judged then.
 */
#include "base/clock.h"
#include "plugin/option_internal.h"

#include <math.h>
#include <strings.h>

static int is_number(const struct yaml_node *node)
{
    return node->kind == YAML_SCALAR && (node->scalar == YAML_INT || node->scalar == YAML_FLOAT);
}

static int is_text(const struct yaml_node *node)
{
    return node->kind == YAML_SCALAR && node->scalar == YAML_STRING;
}

static struct belfry_str without_plus(struct belfry_str text)
{
    return text.len && text.ptr[0] == '+' ? str_slice(text.ptr + 1, text.len - 1) : text;
}

belfry_status option_bool(struct diag_set *diags, const struct yaml_node *node, uint8_t *out)
{
    int value;
    if (node->unresolved)
        return BELFRY_OK;
    if (node->kind == YAML_SCALAR && node->scalar == YAML_BOOL) {
        *out = (node->text.ptr[0] | 32) == 't';
        return BELFRY_OK;
    }
    if (!is_text(node) || node->tainted || !yaml_boolean_word(node->text, &value))
        return option_wrong_type(diags, "H203", node, "true or false");
    struct diag *d = option_report(diags, node->plain ? "H110" : "H203", DIAG_ERROR, node, "%s must be true or false",
                                   option_subject(diags, node));
    d->label = arena_printf(diag_arena(diags), "write `%s`", value ? "true" : "false");
    d->replacement = value ? "true" : "false";
    return BELFRY_EINVAL;
}

/* What looks like a number to some readers: say which one was meant, if decimal. */
static belfry_status ambiguous_number(struct diag_set *diags, const struct yaml_node *node, int64_t value)
{
    struct diag *d = option_report(diags, "H111", DIAG_ERROR, node,
                                   "%s is read as different numbers by different readers", option_subject(diags, node));
    d->replacement = arena_printf(diag_arena(diags), "%lld", (long long)value);
    d->label = arena_printf(diag_arena(diags), "write `%s` if that is meant", d->replacement);
    return BELFRY_EINVAL;
}

static belfry_status not_a_number(struct diag_set *diags, const struct yaml_node *node, const char *expected)
{
    int64_t value;
    if (is_text(node) && node->plain && !node->tainted && yaml_number_word(node->text, &value))
        return ambiguous_number(diags, node, value);
    return option_wrong_type(diags, "H203", node, expected);
}

belfry_status option_int(struct diag_set *diags, const struct yaml_node *node, int64_t min, int64_t max, int64_t *out)
{
    int64_t value;
    if (node->unresolved)
        return BELFRY_OK;
    if (node->kind != YAML_SCALAR || node->scalar != YAML_INT)
        return not_a_number(diags, node, "a whole number");
    int fits = str_to_i64(without_plus(node->text), &value) == BELFRY_OK;
    if (fits && ((min == 0 && max == 0) || (value >= min && value <= max))) {
        *out = value;
        return BELFRY_OK;
    }
    if (min == 0 && max == 0) {
        min = INT64_MIN + 1;
        max = INT64_MAX - 1;
    }
    option_report(diags, "H204", DIAG_ERROR, node, "%s must be %s", option_subject(diags, node),
                  option_range_text(diag_arena(diags), min, max, option_number_text));
    return BELFRY_EINVAL;
}

belfry_status option_double(struct diag_set *diags, const struct yaml_node *node, double *out)
{
    double value;
    if (node->unresolved)
        return BELFRY_OK;
    if (!is_number(node) || str_to_double(without_plus(node->text), &value) != BELFRY_OK || !isfinite(value))
        return not_a_number(diags, node, "a number");
    *out = value;
    return BELFRY_OK;
}

belfry_status option_duration(struct diag_set *diags, const struct yaml_node *node, int64_t *ms, int32_t *days)
{
    int64_t value;
    if (node->unresolved)
        return BELFRY_OK;
    if (is_number(node)) {
        struct diag *d = option_report(diags, "H112", DIAG_ERROR, node, "%s needs a unit", option_subject(diags, node));
        if (node->scalar == YAML_INT)
            diag_help(diags, d, "a duration is a number and one of ms s m h d w, such as %.*ss",
                      STR_ARG(without_plus(node->text)));
        return BELFRY_EINVAL;
    }
    if (!is_text(node))
        return option_wrong_type(diags, "H203", node, "a duration such as 5m");
    if (duration_parse(node->text, &value, days) == BELFRY_OK) {
        *ms = value;
        return BELFRY_OK;
    }
    struct diag *d =
        option_report(diags, "H206", DIAG_ERROR, node, "%s must be a whole number and one of ms s m h d w, not %s",
                      option_subject(diags, node), yaml_describe(diag_arena(diags), node));
    diag_help(diags, d, "one number and one unit: 90m for an hour and a half, 36h, 2w");
    return BELFRY_EINVAL;
}

/* N and a unit; a plain number is bytes. */
static belfry_status size_parse(struct belfry_str text, int64_t *bytes)
{
    static const struct {
        const char *name;
        int64_t factor;
    } units[] = {{"", 1},          {"B", 1},         {"kB", 1000},    {"MB", 1000000}, {"GB", 1000000000},
                 {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};
    size_t digits = 0;
    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
        digits++;
    int64_t count;
    if (digits == 0 || str_to_i64(str_slice(text.ptr, digits), &count) != BELFRY_OK)
        return BELFRY_EINVAL;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (str_eqz(str_slice(text.ptr + digits, text.len - digits), units[i].name))
            return __builtin_mul_overflow(count, units[i].factor, bytes) ? BELFRY_EINVAL : BELFRY_OK;
    return BELFRY_EINVAL;
}

belfry_status option_size(struct diag_set *diags, const struct yaml_node *node, int64_t *bytes)
{
    int64_t value, decimal;
    if (node->unresolved)
        return BELFRY_OK;
    if (node->kind == YAML_SCALAR && !node->tainted && node->plain && node->scalar == YAML_STRING &&
        yaml_number_word(node->text, &decimal))
        return ambiguous_number(diags, node, decimal);
    if (!is_text(node) && !is_number(node))
        return option_wrong_type(diags, "H203", node, "a size such as 64KiB");
    if (size_parse(node->text, &value) == BELFRY_OK) {
        *bytes = value;
        return BELFRY_OK;
    }
    option_report(diags, "H207", DIAG_ERROR, node,
                  "%s must be a whole number of bytes, or a whole number and one of B KiB MiB GiB kB MB GB, not %s",
                  option_subject(diags, node), yaml_describe(diag_arena(diags), node));
    return BELFRY_EINVAL;
}

static int two_digits(const char *text)
{
    if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
        return 99;
    return (text[0] - '0') * 10 + (text[1] - '0');
}

belfry_status option_minutes(struct diag_set *diags, const struct yaml_node *node, int32_t *minutes)
{
    if (node->unresolved)
        return BELFRY_OK;
    struct belfry_str text = node->text;
    if (is_text(node) && text.len == 5 && text.ptr[2] == ':' && two_digits(text.ptr) < 24 &&
        two_digits(text.ptr + 3) < 60) {
        *minutes = two_digits(text.ptr) * 60 + two_digits(text.ptr + 3);
        return BELFRY_OK;
    }
    struct diag *d = option_report(diags, "H208", DIAG_ERROR, node, "%s must be a time of day, \"00:00\" to \"23:59\"",
                                   option_subject(diags, node));
    if (is_text(node) && !node->tainted && text.len == 4 && text.ptr[1] == ':' && text.ptr[0] >= '0' &&
        text.ptr[0] <= '9' && two_digits(text.ptr + 2) < 60)
        diag_suggest(diags, d, arena_printf(diag_arena(diags), "\"0%.*s\"", STR_ARG(text)));
    return BELFRY_EINVAL;
}

belfry_status option_date(struct arena *arena, struct diag_set *diags, const struct yaml_node *node, const char **out)
{
    int64_t ms;
    char midnight[24];
    struct belfry_str text = node->text;
    int valid = is_text(node);
    if (valid && text.len == 10 && !node->unresolved) {
        memcpy(midnight, text.ptr, 10);
        memcpy(midnight + 10, "T00:00:00Z", 10);
        valid = time_parse(str_slice(midnight, 20), &ms) == BELFRY_OK;
    } else if (valid && !node->unresolved) {
        valid = time_parse(text, &ms) == BELFRY_OK;
    }
    if (valid) {
        *out = arena_strndup(arena, text.ptr, text.len);
        return BELFRY_OK;
    }
    option_report(diags, "H208", DIAG_ERROR, node,
                  "%s must be a date or a point in time with its zone, 2026-01-31 or 2026-01-31T08:00:00Z",
                  option_subject(diags, node));
    return BELFRY_EINVAL;
}

belfry_status option_choice(struct diag_set *diags, const struct yaml_node *node, const char *const *choices,
                            int32_t *out)
{
    if (node->unresolved)
        return BELFRY_OK;
    if (node->kind != YAML_SCALAR || node->scalar == YAML_NULL)
        return option_wrong_type(diags, "H203", node, "one word of a list");
    struct buf list = {0};
    size_t count = 0;
    const char *near = NULL;
    for (; choices[count]; count++) {
        if (str_eqz(node->text, choices[count])) {
            *out = (int32_t)count;
            buf_free(&list);
            return BELFRY_OK;
        }
        buf_addf(&list, "%s%s", count ? ", " : "", choices[count]);
        if (strlen(choices[count]) == node->text.len &&
            strncasecmp(choices[count], node->text.ptr, node->text.len) == 0)
            near = choices[count];
    }
    struct diag *d = option_report(diags, "H205", DIAG_ERROR, node, "%s must be one of %s", option_subject(diags, node),
                                   list.ptr ? list.ptr : "");
    if (!node->tainted)
        diag_suggest(diags, d, near ? near : str_nearest(node->text, choices, count));
    buf_free(&list);
    return BELFRY_EINVAL;
}
