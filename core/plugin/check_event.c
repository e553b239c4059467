/* SPDX-License-Identifier: Apache-2.0 */
/* Event types that a source declares: their names, templates, fields, actions and example; labels of categories. */
#include "base/json.h"
#include "plugin/internal.h"
#include "template/template.h"

/* dotted words of a-z 0-9 _ -; the last one may be "*" */
static int is_type(const char *type, int may_end_in_star)
{
    size_t len = type ? strlen(type) : 0, word = 0;
    if (len == 0 || len > 128)
        return 0;
    for (size_t i = 0; i < len; i++) {
        char c = type[i];
        int letter = (c | 32) >= 'a' && (c | 32) <= 'z';
        if (c == '*' && may_end_in_star)
            return i + 1 == len && i > 0 && word == 0;
        if (c == '.' ? word == 0 : !letter && !(c >= '0' && c <= '9') && c != '_' && c != '-')
            return 0;
        word = c == '.' ? 0 : word + 1;
    }
    return word > 0;
}

static const char *check_template(struct arena *arena, const char *type, const char *what, const char *text)
{
    if (!text)
        return NULL;
    struct error err = {0};
    struct arena *scratch = arena_new(0);
    const char *fault = NULL;
    if (!str_utf8_valid(str_of(text)))
        fault = arena_printf(arena, "event `%s`: the %s is not UTF-8", type, what);
    else if (!template_compile(scratch, str_of(text), &err))
        fault = arena_printf(arena, "event `%s`: the %s is no template: %s", type, what, error_text(&err));
    error_clear(&err);
    arena_free(scratch);
    return fault;
}

/* "de": the primary subtag of BCP 47, in small letters, once a table. */
static int is_language(const char *language)
{
    size_t len = language ? strlen(language) : 0;
    for (size_t i = 0; i < len; i++)
        if (language[i] < 'a' || language[i] > 'z')
            return 0;
    return len >= 2 && len <= 8;
}

static const char *check_texts(struct arena *arena, const struct belfry_event_type *event)
{
    const char *fault;
    for (const struct belfry_event_text *t = event->texts; t && t->struct_size; t++) {
        if (!is_language(t->language))
            return arena_printf(arena, "event `%s`: `%s` is no language like \"de\"", event->type,
                                t->language ? t->language : "");
        for (const struct belfry_event_text *other = event->texts; other < t; other++)
            if (strcmp(other->language, t->language) == 0)
                return arena_printf(arena, "event `%s`: texts for `%s` are there twice", event->type, t->language);
        if ((fault = check_template(arena, event->type, "title", t->title)) ||
            (fault = check_template(arena, event->type, "body", t->body)))
            return fault;
    }
    return NULL;
}

static const char *check_action_texts(struct arena *arena, const struct belfry_event_type *event,
                                      const struct belfry_action_type *action)
{
    for (const struct belfry_action_text *t = action->texts; t && t->struct_size; t++)
        if (!is_language(t->language) || !t->label || !*t->label || !str_utf8_valid(str_of(t->label)) ||
            (t->comment && !str_utf8_valid(str_of(t->comment))))
            return arena_printf(arena, "event `%s`: a text of action `%s` needs a language like \"de\" and a label",
                                event->type, action->id);
    return NULL;
}

static const char *check_example(struct arena *arena, const struct belfry_event_type *event)
{
    if (!event->example)
        return NULL;
    struct error err = {0};
    json_t *example = json_read(str_of(event->example), &err);
    const char *fault = NULL;
    if (!example)
        fault = arena_printf(arena, "event `%s`: the example is not JSON: %s", event->type, error_text(&err));
    else if (!json_is_object(example))
        fault = arena_printf(arena, "event `%s`: the example is %s, expected an object", event->type,
                             json_type_text(example));
    json_decref(example);
    error_clear(&err);
    return fault;
}

static const char *check_actions(struct arena *arena, const struct belfry_event_type *event)
{
    for (const struct belfry_action_type *a = event->actions; a && a->struct_size; a++) {
        if (!is_type(a->id, 0) || !a->label || !*a->label || !str_utf8_valid(str_of(a->label)) ||
            !is_type(a->trigger, 0) || (a->comment && !str_utf8_valid(str_of(a->comment))))
            return arena_printf(arena, "event `%s`: action `%s` needs an id, a label and the type of its trigger",
                                event->type, a->id ? a->id : "");
        for (const struct belfry_action_type *other = event->actions; other < a; other++)
            if (strcmp(other->id, a->id) == 0)
                return arena_printf(arena, "event `%s`: action `%s` is there twice", event->type, a->id);
        const char *fault = check_action_texts(arena, event, a);
        if (fault)
            return fault;
    }
    return NULL;
}

static const char *check_fields(struct arena *arena, const struct belfry_event_type *event)
{
    for (const struct belfry_field *f = event->fields; f && f->struct_size; f++) {
        if (!is_type(f->path, 1))
            return arena_printf(arena, "event `%s`: field `%s` is no dotted path", event->type, f->path ? f->path : "");
        if (f->value_type < BELFRY_VALUE_NULL || f->value_type > BELFRY_VALUE_OBJECT)
            return arena_printf(arena, "event `%s`: field `%s` has value type %u, which this hub does not know",
                                event->type, f->path, f->value_type);
        if (f->doc && !str_utf8_valid(str_of(f->doc)))
            return arena_printf(arena, "event `%s`: the doc of field `%s` is not UTF-8", event->type, f->path);
    }
    return NULL;
}

static const char *check_event(struct arena *arena, const struct belfry_event_type *event)
{
    const char *fault;
    if (!is_type(event->type, 1))
        return arena_printf(arena, "event type `%s` is not dotted words of a-z 0-9 _ -",
                            event->type ? event->type : "");
    if (!is_type(event->category, 0))
        return arena_printf(arena, "event `%s`: category `%s` is no name", event->type,
                            event->category ? event->category : "");
    if (event->severity > BELFRY_CRITICAL)
        return arena_printf(arena, "event `%s` has severity %u, which this hub does not know", event->type,
                            event->severity);
    for (size_t i = 0; event->replaces && event->replaces[i]; i++)
        if (!is_type(event->replaces[i], 1))
            return arena_printf(arena, "event `%s` replaces `%s`, which is no event type", event->type,
                                event->replaces[i]);
    if (event->doc && !str_utf8_valid(str_of(event->doc)))
        return arena_printf(arena, "event `%s`: the doc is not UTF-8", event->type);
    if ((fault = check_template(arena, event->type, "title", event->title)) ||
        (fault = check_template(arena, event->type, "body", event->body)) || (fault = check_texts(arena, event)) ||
        (fault = check_actions(arena, event)) || (fault = check_fields(arena, event)) ||
        (fault = check_example(arena, event)))
        return fault;
    return NULL;
}

const char *check_events(struct arena *arena, const struct plugin *plugin)
{
    const struct belfry_event_type *events = plugin->desc.events;
    if (events && events->struct_size && !plugin->source)
        return "declares events without the role " PLUGIN_ROLE_SOURCE;
    for (const struct belfry_event_type *event = events; event && event->struct_size; event++) {
        const char *fault = check_event(arena, event);
        if (fault)
            return fault;
        for (const struct belfry_event_type *other = events; other < event; other++)
            if (strcmp(other->type, event->type) == 0)
                return arena_printf(arena, "event `%s` is declared twice", event->type);
    }
    return NULL;
}

/* --- categories --------------------------------------------------------------------------------------------------- */

static int is_line(const char *text)
{
    return text && *text && strlen(text) <= 300 && str_utf8_valid(str_of(text));
}

static const char *check_category(struct arena *arena, const struct belfry_category *category)
{
    if (!is_type(category->name, 0) || !is_line(category->label))
        return arena_printf(arena, "category `%s` needs a name and a label of at most 300 bytes",
                            category->name ? category->name : "");
    for (const struct belfry_category_text *t = category->texts; t && t->struct_size; t++) {
        if (!is_language(t->language) || !is_line(t->label))
            return arena_printf(arena, "category `%s`: a text needs a language like \"de\" and a label",
                                category->name);
        for (const struct belfry_category_text *other = category->texts; other < t; other++)
            if (strcmp(other->language, t->language) == 0)
                return arena_printf(arena, "category `%s`: its label in `%s` is there twice", category->name,
                                    t->language);
    }
    return NULL;
}

const char *check_categories(struct arena *arena, const struct plugin *plugin)
{
    const struct belfry_category *categories = plugin->desc.categories;
    if (categories && categories->struct_size && !plugin->source)
        return "describes categories without the role " PLUGIN_ROLE_SOURCE;
    for (const struct belfry_category *c = categories; c && c->struct_size; c++) {
        const char *fault = check_category(arena, c);
        if (fault)
            return fault;
        for (const struct belfry_category *other = categories; other < c; other++)
            if (strcmp(other->name, c->name) == 0)
                return arena_printf(arena, "category `%s` is described twice", c->name);
    }
    return NULL;
}
