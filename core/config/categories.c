/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Categories: those that the events of the configured plugins name, the hub's own, and those of YAML, which add to or
 * restrict them. A plugin says in several languages how people see its categories; YAML's label wins.
 */
#include "config/build.h"
#include "event/event.h"

#include <stdlib.h>

struct category_options {
    const char *label;
    struct belfry_list visible_to, actions_for;
    uint8_t required, webhooks;
    int32_t email;
};

static const char *const email_modes[] = {"off", "unseen", "digest", NULL}; /* enum config_email */

#define CATEGORY(opt_type, key, ...) OPTION(struct category_options, opt_type, #key, key, __VA_ARGS__)

const struct belfry_option config_category_table[] = {
    CATEGORY(STRING, label, .max = 300,
             .doc = "How people see it; when absent, what its plugin calls it, or its name."),
    CATEGORY(LIST, visible_to, .flags = BELFRY_OPT_SCALAR_LIST, .children = config_strings,
             .doc = "Roles that may see it, everywhere; everybody when absent."),
    CATEGORY(BOOL, required, .def = "false", .doc = "Nobody can switch it off, and quiet hours do not hold it."),
    CATEGORY(CHOICE, email, .def = "unseen", .choices = email_modes,
             .doc = "Mail unless a person says otherwise: off, unseen (when not seen in time) or digest."),
    CATEGORY(BOOL, webhooks, .def = "false", .doc = "Send it to webhooks although `visible_to` restricts it."),
    CATEGORY(LIST, actions_for, .flags = BELFRY_OPT_SCALAR_LIST, .children = config_strings,
             .doc = "Roles that may use the actions of its events; every recipient when absent."),
    OPTION_END,
};

struct category_set {
    struct hash *index;
    struct config_category *items;
    size_t count;
};

static struct config_category *add(struct config_build *b, struct category_set *set, struct belfry_str name)
{
    struct config_category *known = hash_get(set->index, name);
    if (known)
        return known;
    struct config_category *category = &set->items[set->count++];
    category->name = arena_strndup(b->arena, name.ptr, name.len);
    category->label = category->name;
    category->email = CONFIG_EMAIL_UNSEEN;
    hash_set(set->index, name, category);
    return category;
}

static const struct belfry_category hub_category = {
    .struct_size = sizeof(hub_category),
    .name = "hub",
    .label = "Notification service",
    .texts = (const struct belfry_category_text[]){
        {.struct_size = sizeof(struct belfry_category_text), .language = "de", .label = "Benachrichtigungsdienst"},
        {0}}};

static void describe(struct config_build *b, struct category_set *set, const struct belfry_category *said)
{
    struct config_category *category = add(b, set, str_of(said->name));
    if (category->label != category->name)
        return;
    category->label = said->label;
    category->texts = said->texts;
}

static void add_declared(struct config_build *b, struct category_set *set)
{
    describe(b, set, &hub_category);
    for (size_t i = 0; i < b->config->source_count; i++) {
        const struct plugin *plugin = b->config->sources[i].plugin;
        const struct belfry_event_type *event = plugin ? plugin->desc.events : NULL;
        for (; event && event->struct_size; event++) {
            if (event->category && *event->category)
                add(b, set, str_of(event->category));
        }
        for (const struct belfry_category *c = plugin ? plugin->desc.categories : NULL; c && c->struct_size; c++)
            describe(b, set, c);
    }
}

static size_t declared_max(const struct config *config)
{
    size_t max = 1;
    for (size_t i = 0; i < config->source_count; i++) {
        const struct plugin *plugin = config->sources[i].plugin;
        for (const struct belfry_event_type *e = plugin ? plugin->desc.events : NULL; e && e->struct_size; e++)
            max++;
        for (const struct belfry_category *c = plugin ? plugin->desc.categories : NULL; c && c->struct_size; c++)
            max++;
    }
    return max;
}

static void check_roles(struct config_build *b, const struct yaml_node *node)
{
    const struct yaml_node *const *items;
    size_t count = config_items(&node, &items);
    for (size_t i = 0; i < count; i++) {
        if (config_is_text(items[i]))
            config_ref_role(b, items[i], items[i]->text);
    }
}

static void add_configured(struct config_build *b, struct category_set *set, const struct yaml_pair *pair)
{
    const struct category_options *in = config_fill(b, config_category_table, pair->value, sizeof(*in), NULL, 0);
    config_check_name(b, pair->key, "category");
    check_roles(b, yaml_get(pair->value, "visible_to"));
    check_roles(b, yaml_get(pair->value, "actions_for"));
    struct config_category *category = add(b, set, pair->key->text);
    if (!in)
        return;
    if (in->label) {
        category->label = text_line(b->arena, str_of(in->label)).ptr;
        category->texts = NULL;
    }
    category->required = in->required;
    category->webhooks = in->webhooks;
    category->email = (enum config_email)in->email;
    config_build_names(b, &in->visible_to, &category->visible_to);
    config_build_names(b, &in->actions_for, &category->actions_for);
    const struct yaml_node *email = yaml_get(pair->value, "email");
    if (in->required && email && in->email == CONFIG_EMAIL_OFF) {
        struct diag *d = config_error(b, "H211", email, "mail of a required category cannot be off");
        diag_relate(b->diags, d, yaml_pair(pair->value, "required")->key->span, "required here");
    }
}

static int by_name(const void *a, const void *c)
{
    return strcmp(((const struct config_category *)a)->name, ((const struct config_category *)c)->name);
}

/* `category` of an option, such as that of a workflow rule: an event in an unknown one would be refused. */
static void check_named(struct config_build *b)
{
    const struct config *config = b->config;
    const char **names = arena_alloc(b->arena, (config->category_count + 1) * sizeof(*names));
    for (size_t i = 0; i < config->category_count; i++)
        names[i] = config->categories[i].name;
    for (const struct config_named *n = b->blind ? NULL : b->categories; n; n = n->next) {
        if (config_category(config, n->node->text))
            continue;
        struct diag *d = config_error(b, "H306", n->node, "no category `%.*s` is declared", STR_ARG(n->node->text));
        diag_suggest(b->diags, d, str_nearest(n->node->text, names, config->category_count));
        diag_help(b->diags, d, "declare it: categories: {%.*s: {label: ...}}", STR_ARG(n->node->text));
    }
}

void config_build_categories(struct config_build *b)
{
    const struct yaml_node *map = config_map(b, SECTION_CATEGORIES);
    struct category_set set = {.index = hash_new()};
    set.items = arena_alloc(b->arena, (declared_max(b->config) + (map ? map->count : 0) + 1) * sizeof(*set.items));
    add_declared(b, &set);
    for (size_t i = 0; map && i < map->count; i++)
        add_configured(b, &set, &map->pairs[i]);
    hash_free(set.index, NULL);
    qsort(set.items, set.count, sizeof(*set.items), by_name);
    b->config->categories = set.items;
    b->config->category_count = set.count;
    check_named(b);
}
