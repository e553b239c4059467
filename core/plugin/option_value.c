/* SPDX-License-Identifier: Apache-2.0 */
/* From a scalar to the C value of its row: the parsers of option_scalar.c and option_text.c plus the row's limits. */
#include "match/match.h"
#include "plugin/option_internal.h"

static void out_of_range(struct option_walk *w, const struct belfry_option *row, const struct yaml_node *node,
                         const char *(*number)(struct arena *arena, int64_t value))
{
    option_report(w->diags, "H204", DIAG_ERROR, node, "%s must be %s", option_subject(w->diags, node),
                  option_range_text(diag_arena(w->diags), row->min, row->max, number));
}

static int in_range(const struct belfry_option *row, int64_t value)
{
    return !option_limited(row) || (value >= row->min && value <= row->max);
}

static int64_t count_characters(const char *text)
{
    int64_t count = 0;
    for (; *text; text++)
        count += (*text & 0xc0) != 0x80;
    return count;
}

static void fill_string(struct option_walk *w, const struct belfry_option *row, const struct yaml_node *node,
                        void *slot)
{
    const char *text = NULL;
    if (option_string(w->arena, w->diags, node, &text) != BELFRY_OK || !text)
        return;
    if (!node->unresolved && !in_range(row, count_characters(text))) {
        option_report(w->diags, "H204", DIAG_ERROR, node, "%s must have %s characters", option_subject(w->diags, node),
                      option_range_text(diag_arena(w->diags), row->min, row->max, option_number_text));
        return;
    }
    *(const char **)slot = text;
    if (w->scope->check_category && !node->unresolved && row->name && strcmp(row->name, "category") == 0)
        w->scope->check_category(w->scope->arg, node);
}

static void fill_bool(struct option_walk *w, const struct belfry_option *row, const struct yaml_node *node, void *slot)
{
    (void)row;
    option_bool(w->diags, node, slot);
}

static void fill_int(struct option_walk *w, const struct belfry_option *row, const struct yaml_node *node, void *slot)
{
    option_int(w->diags, node, row->min, row->max, slot);
}

static void fill_double(struct option_walk *w, const struct belfry_option *row, const struct yaml_node *node,
                        void *slot)
{
    double value = 0;
    if (node->unresolved || option_double(w->diags, node, &value) != BELFRY_OK)
        return;
    if (option_limited(row) && (value < (double)row->min || value > (double)row->max))
        out_of_range(w, row, node, option_number_text);
    else
        *(double *)slot = value;
}

static void fill_duration(struct option_walk *w, const struct belfry_option *row, const struct yaml_node *node,
                          void *slot)
{
    int64_t ms = 0;
    int32_t days = 0;
    int calendar = option_flag(row, BELFRY_OPT_CALENDAR);
    if (node->unresolved || option_duration(w->diags, node, &ms, calendar ? &days : NULL) != BELFRY_OK)
        return;
    if (!in_range(row, ms + days * INT64_C(86400000)))
        out_of_range(w, row, node, option_duration_text);
    else if (calendar)
        *(struct belfry_calendar *)slot = (struct belfry_calendar){ms, days, 0};
    else
        *(int64_t *)slot = ms;
}

static void fill_size(struct option_walk *w, const struct belfry_option *row, const struct yaml_node *node, void *slot)
{
    int64_t bytes = 0;
    if (node->unresolved || option_size(w->diags, node, &bytes) != BELFRY_OK)
        return;
    if (!in_range(row, bytes))
        out_of_range(w, row, node, option_size_text);
    else
        *(int64_t *)slot = bytes;
}

static void fill_time(struct option_walk *w, const struct belfry_option *row, const struct yaml_node *node, void *slot)
{
    (void)row;
    option_minutes(w->diags, node, slot);
}

static void fill_date(struct option_walk *w, const struct belfry_option *row, const struct yaml_node *node, void *slot)
{
    (void)row;
    option_date(w->arena, w->diags, node, slot);
}

static void fill_url(struct option_walk *w, const struct belfry_option *row, const struct yaml_node *node, void *slot)
{
    option_url(w->arena, w->diags, node, row->choices, slot);
}

static void fill_choice(struct option_walk *w, const struct belfry_option *row, const struct yaml_node *node,
                        void *slot)
{
    option_choice(w->diags, node, row->choices, slot);
}

/* Words of the row, then those of the scope. */
static const char *const *recipient_words(struct option_walk *w, const struct belfry_option *row, size_t *count)
{
    size_t own = 0;
    while (row->choices && row->choices[own])
        own++;
    *count = own + w->scope->recipient_word_count;
    const char **words = arena_alloc(w->arena, (*count + 1) * sizeof(*words));
    for (size_t i = 0; i < *count; i++)
        words[i] = i < own ? row->choices[i] : w->scope->recipient_words[i - own];
    return words;
}

static void fill_recipient(struct option_walk *w, const struct belfry_option *row, const struct yaml_node *node,
                           void *slot)
{
    size_t count;
    const char *const *words = recipient_words(w, row, &count), *text = NULL;
    if (option_recipient(w->arena, w->diags, node, words, count, &text) != BELFRY_OK || !text)
        return;
    if (option_flag(row, BELFRY_OPT_PERSON) && !node->unresolved && !str_has_prefix(str_of(text), STR("user:"))) {
        option_report(w->diags, "H216", DIAG_ERROR, node, "%s must be one person: NAME or user:NAME",
                      option_subject(w->diags, node));
        return;
    }
    *(const char **)slot = text;
    if (w->scope->check_recipient && !node->unresolved)
        w->scope->check_recipient(w->scope->arg, w->diags, node, str_of(text));
}

static void fill_template(struct option_walk *w, const struct belfry_option *row, const struct yaml_node *node,
                          void *slot)
{
    option_template(w->arena, w->diags, node, row->choices, slot);
}

/* `severity` is ordered where it is one of the paths that the plugin names. */
static void fill_condition(struct option_walk *w, const struct belfry_option *row, const struct yaml_node *node,
                           void *slot)
{
    uint32_t flags = 0;
    for (const char *const *path = row->choices; path && *path; path++)
        if (strcmp(*path, "severity") == 0)
            flags = MATCH_SEVERITY;
    if (!node->unresolved)
        *(const struct belfry_condition **)slot = match_compile(w->arena, w->diags, node, row->choices, flags);
}

typedef void (*fill_fn)(struct option_walk *w, const struct belfry_option *row, const struct yaml_node *node,
                        void *slot);

static const fill_fn fills[] = {
    [BELFRY_OPT_STRING] = fill_string,
    [BELFRY_OPT_BOOL] = fill_bool,
    [BELFRY_OPT_INT] = fill_int,
    [BELFRY_OPT_DOUBLE] = fill_double,
    [BELFRY_OPT_DURATION] = fill_duration,
    [BELFRY_OPT_SIZE] = fill_size,
    [BELFRY_OPT_TIME] = fill_time,
    [BELFRY_OPT_DATE] = fill_date,
    [BELFRY_OPT_URL] = fill_url,
    [BELFRY_OPT_CHOICE] = fill_choice,
    [BELFRY_OPT_RECIPIENT] = fill_recipient,
    [BELFRY_OPT_TEMPLATE] = fill_template,
    [BELFRY_OPT_CONDITION] = fill_condition,
};

void option_fill_scalar(struct option_walk *w, const struct belfry_option *row, const struct yaml_node *node,
                        void *slot)
{
    fills[row->type](w, row, node, slot);
}
