/* SPDX-License-Identifier: Apache-2.0 */
/* `schedules`: when people are left alone. `retention`: how long what is kept. */
#include "config/build.h"

#include "base/clock.h"

/* --- schedules --------------------------------------------------------------------------------------------------- */

struct schedule_options {
    int32_t from, to;
    struct belfry_list weekdays;
};

static const char *const weekday_names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun", NULL};
static const struct belfry_option weekday_element[] = {ELEMENT(CHOICE, .choices = weekday_names), OPTION_END};

const struct belfry_option config_schedule_table[] = {
    OPTION(struct schedule_options, TIME, "from", from, .flags = BELFRY_OPT_REQUIRED,
           .doc = "When quiet begins, in the person's zone."),
    OPTION(struct schedule_options, TIME, "to", to, .flags = BELFRY_OPT_REQUIRED,
           .doc = "When quiet ends; before `from` it is the next day."),
    OPTION(struct schedule_options, LIST, "weekdays", weekdays, .flags = BELFRY_OPT_SCALAR_LIST,
           .children = weekday_element, .doc = "Days on which quiet begins; every day when absent."),
    OPTION_END,
};

static void build_schedule(struct config_build *b, const struct yaml_pair *pair, struct config_schedule *out)
{
    const struct schedule_options *in = config_fill(b, config_schedule_table, pair->value, sizeof(*in), NULL, 0);
    config_check_name(b, pair->key, "schedule");
    out->name = arena_strndup(b->arena, pair->key->text.ptr, pair->key->text.len);
    if (!in)
        return;
    const struct yaml_node *from = yaml_get(pair->value, "from"), *to = yaml_get(pair->value, "to");
    if (from && to && !from->unresolved && !to->unresolved && in->from == in->to) {
        struct diag *d = config_error(b, "H204", to, "`from` and `to` of this schedule are equal");
        diag_help(b->diags, d, "a whole day is `from: \"00:00\"` and `to: \"23:59\"`");
    }
    out->from_min = in->from;
    out->to_min = in->to;
    const int32_t *days = in->weekdays.items;
    for (uint32_t i = 0; i < in->weekdays.count; i++)
        out->weekdays |= 1u << days[i];
    if (in->weekdays.count == 0)
        out->weekdays = 127;
}

void config_build_schedules(struct config_build *b)
{
    const struct yaml_node *map = config_map(b, SECTION_SCHEDULES);
    if (!map)
        return;
    struct config_schedule *schedules = arena_alloc(b->arena, (map->count + 1) * sizeof(*schedules));
    for (size_t i = 0; i < map->count; i++)
        build_schedule(b, &map->pairs[i], &schedules[i]);
    b->config->schedules = schedules;
    b->config->schedule_count = map->count;
}

/* --- retention --------------------------------------------------------------------------------------------------- */

static const struct {
    const char *key;
    size_t offset;
    int32_t def; /* days, 0: for ever */
    const char *def_text, *doc;
} kept[] = {
    {"inbox", offsetof(struct config_retention, inbox), 0, "forever", "Rows of inboxes."},
    {"runs", offsetof(struct config_retention, runs), 0, "forever", "Runs and their logs."},
    {"events", offsetof(struct config_retention, events), 0, "forever", "Events and their data."},
    {"attempts", offsetof(struct config_retention, attempts), 30, "30d", "Attempts of deliveries that ended."},
    {"decisions", offsetof(struct config_retention, decisions), 90, "90d", "Why somebody was not told."},
    {"dedupe", offsetof(struct config_retention, dedupe), 30, "30d", "Identities of triggers: a later repeat is new."},
};
#define KEPT (sizeof(kept) / sizeof(kept[0]))

size_t config_retention_row(size_t i, const char **key, const char **def, const char **doc)
{
    if (i < KEPT) {
        *key = kept[i].key;
        *def = kept[i].def_text;
        *doc = kept[i].doc;
    }
    return KEPT;
}

static int32_t read_days(struct config_build *b, const struct yaml_node *node, int32_t def)
{
    static const char *const words[] = {"forever"};
    int64_t ms, count;
    int32_t days = 0;
    if (node->unresolved)
        return def;
    if (node->kind == YAML_SCALAR && str_eqz(node->text, words[0]))
        return 0;
    if (node->kind == YAML_SCALAR && duration_parse(node->text, &ms, &days) == BELFRY_OK && days >= 1)
        return days;
    struct arena *arena = diag_arena(b->diags);
    struct diag *d = config_error(b, "H206", node, "`%s` must be whole days or weeks, or `forever`, not %s",
                                  config_show(b, node->key->text), yaml_describe(arena, node));
    const char *instead = node->kind == YAML_SCALAR ? str_nearest(node->text, words, 1) : NULL;
    if (node->kind == YAML_SCALAR && str_to_i64(node->text, &count) == BELFRY_OK && count > 0)
        instead = arena_printf(arena, "%lldd", (long long)count);
    if (instead)
        diag_suggest(b->diags, d, instead);
    else
        diag_help(b->diags, d, "write `30d`, `4w` or `forever`");
    return def;
}

void config_build_retention(struct config_build *b)
{
    static const struct belfry_option none[] = {OPTION_END};
    const struct yaml_node *map = config_map(b, SECTION_RETENTION);
    const char *keys[KEPT];
    for (size_t i = 0; i < KEPT; i++) {
        const struct yaml_node *node = yaml_get(map, kept[i].key);
        int32_t *days = (int32_t *)(void *)((char *)&b->config->retention + kept[i].offset);
        *days = node ? read_days(b, node, kept[i].def) : kept[i].def;
        keys[i] = kept[i].key;
    }
    if (b->config->retention.runs)
        config_note(b, "H704", yaml_get(map, "runs"),
                    "`runs` is checked but not in force in this version: runs and their logs are kept for good");
    if (map)
        config_fill(b, none, map, 0, keys, KEPT);
}
