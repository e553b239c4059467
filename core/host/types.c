/* SPDX-License-Identifier: Apache-2.0 */
/* See types.h. For what is shown of a type without an event of it: previews of mail, the catalogue, test deliveries. */
#include "host/types.h"

#include "event/event.h"
#include "template/template.h"

const struct belfry_event_type *host_type_find(const struct config *config, struct belfry_str org,
                                               struct belfry_str wanted, const struct config_instance **source)
{
    const struct belfry_event_type *prefix = NULL;
    for (size_t i = 0; i < config->source_count; i++) {
        const struct belfry_event_type *type = config->sources[i].plugin->desc.events;
        if (!config_serves(&config->sources[i], org))
            continue;
        for (; type && type->struct_size; type++) {
            if (!event_type_is(str_of(type->type), wanted))
                continue;
            int exact = str_eqz(wanted, type->type);
            if (exact || !prefix)
                *source = &config->sources[i];
            if (exact)
                return type;
            prefix = prefix ? prefix : type;
        }
    }
    return prefix;
}

static const struct belfry_event_text *text_in(const struct belfry_event_type *type, struct belfry_str language)
{
    for (const struct belfry_event_text *text = type->texts; text && text->struct_size; text++)
        if (str_is_language(language, text->language))
            return text;
    return NULL;
}

/* Empty when it has none, or none that works: emit goes on without as well. */
static struct belfry_str render(struct arena *arena, const char *source, const json_t *data)
{
    struct belfry_view view = json_view(data);
    struct buf out = {0};
    const struct belfry_template *tpl = source && *source ? template_compile(arena, str_of(source), NULL) : NULL;
    belfry_status status = tpl ? template_render(tpl, &view, TEMPLATE_TEXT, NULL, NULL, &out) : BELFRY_ENOTFOUND;
    struct belfry_str text = status == BELFRY_OK && out.len ? arena_str(arena, buf_str(&out)) : STR("");
    buf_free(&out);
    return text;
}

struct host_type_texts host_type_texts(struct arena *arena, const struct belfry_event_type *declared,
                                       struct belfry_str type, struct belfry_str language, const json_t *data)
{
    const struct belfry_event_text *own = text_in(declared, language);
    struct belfry_str title = text_line(arena, render(arena, own && own->title ? own->title : declared->title, data));
    struct belfry_str body = text_body(arena, render(arena, own && own->body ? own->body : declared->body, data));
    return (struct host_type_texts){text_blank(title) ? type : title, body};
}
