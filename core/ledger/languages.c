/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event's texts in the languages that its type and its source have words in. They are rendered when the event is
 * emitted, as its own texts are, and kept beside them as one object: {"de":{"title","body","actions":{ID:{"label",
 * "comment"}}}}. What is the same as the event's own is left out, so an event in one language costs nothing.
 *
 * All languages are rendered, whoever the recipients are: the language that a person reads in is often known only from
 * their session or their browser, when they come, and a row is never rewritten.
 */
#include "ledger/inside.h"

#define LANGUAGES_MAX 16

/* What there is in one language. */
struct tongue {
    struct belfry_str language;
    const struct gen_text *type;             /* NULL: the type has no templates in it */
    const struct belfry_event_words *source; /* NULL: the source says nothing in it */
};

struct telling {
    struct call *call;
    const struct belfry_event *event;
    const struct gen_type *type;
    const struct emitted *own;
    struct tongue tongues[LANGUAGES_MAX];
    size_t count;
};

static belfry_status refuse(struct belfry_error *err, struct belfry_str language, const char *fault)
{
    belfry_status status =
        error_set(err ? err->impl : NULL, BELFRY_EINVAL, NULL, "\"%.*s\" %s", STR_ARG(language), fault);
    if (err && !err->status)
        err->status = status;
    return status;
}

static struct tongue *tongue_for(struct telling *t, struct belfry_str language)
{
    for (size_t i = 0; i < t->count; i++)
        if (str_eq(t->tongues[i].language, language))
            return &t->tongues[i];
    if (t->count == LANGUAGES_MAX)
        return NULL;
    t->tongues[t->count] = (struct tongue){.language = language};
    return &t->tongues[t->count++];
}

static int is_language(struct belfry_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < 'a' || s.ptr[i] > 'z')
            return 0;
    return s.len >= 2 && s.len <= 8;
}

static belfry_status gather(struct telling *t, struct belfry_error *err)
{
    const struct belfry_event *event = t->event;
    for (size_t i = 0; i < t->type->text_count; i++) {
        struct tongue *tongue = tongue_for(t, str_of(t->type->texts[i].language));
        if (tongue)
            tongue->type = &t->type->texts[i];
    }
    for (size_t i = 0; i < event->word_count; i++) {
        const struct belfry_event_words *words = plugin_table_at(event->words, i, sizeof(*words));
        if (!plugin_struct_known(words, sizeof(*words)))
            return refuse(err, words->language, "has words that use what this hub does not know: it needs a newer hub");
        if (!is_language(words->language))
            return refuse(err, words->language, "is no language like \"de\"");
        struct tongue *tongue = tongue_for(t, words->language);
        if (!tongue)
            return refuse(err, words->language, "is one language too many for an event");
        tongue->source = words;
    }
    for (const struct belfry_action_type *a = t->type->type->actions; event->action_count && a && a->struct_size; a++)
        for (const struct belfry_action_text *text = a->texts; text && text->struct_size; text++)
            tongue_for(t, str_of(text->language));
    return BELFRY_OK;
}

/* --- title and body ----------------------------------------------------------------------------------------------- */

/* The text in one language; ptr NULL: the event's own is right. */
static struct belfry_str text_in(struct call *call, struct belfry_str said, const struct belfry_template *tpl,
                                 const struct belfry_view *params)
{
    struct buf out = {0};
    struct belfry_str text = said;
    if (!said.len && tpl && template_render(tpl, params, TEMPLATE_TEXT, NULL, NULL, &out) == BELFRY_OK)
        text = arena_str(call->arena, out.len ? buf_str(&out) : STR(""));
    buf_free(&out);
    return said.len || tpl ? text : (struct belfry_str){0};
}

/* The template for one text: an event that brings its own is not told in the words of its type. */
static const struct belfry_template *choose(const struct belfry_template *brought, struct belfry_str brought_text,
                                            const struct belfry_template *in_language,
                                            const struct belfry_template *of_type, int other_data)
{
    if (brought)
        return other_data ? brought : NULL;
    if (brought_text.len)
        return NULL;
    return in_language ? in_language : other_data ? of_type : NULL;
}

static void add_member(struct buf *out, const char *name, struct belfry_str value)
{
    buf_addz(out, out->ptr[out->len - 1] == '{' ? "\"" : ",\"");
    buf_addz(out, name);
    buf_addz(out, "\":");
    json_write_str(value, out);
}

static void add_texts(const struct telling *t, const struct tongue *tongue, const struct belfry_view *params,
                      int other_data, struct buf *out)
{
    static const struct gen_text nothing;
    const struct belfry_event *event = t->event;
    const struct gen_text *type = tongue->type ? tongue->type : &nothing;
    struct belfry_str none = {0}, said = tongue->source ? tongue->source->title : none;
    struct belfry_str title = text_in(
        t->call, said, choose(event->title_template, event->title, type->title, t->type->title, other_data), params);
    title = text_line(t->call->arena, title);
    if (!text_blank(title) && !str_eq(title, t->own->title))
        add_member(out, "title", title);
    said = tongue->source ? tongue->source->body : none;
    struct belfry_str body = text_in(
        t->call, said, choose(event->body_template, event->body, type->body, t->type->body, other_data), params);
    if (body.ptr && !str_eq(body = text_body(t->call->arena, body), t->own->body))
        add_member(out, "body", body);
}

struct data_view {
    struct belfry_view view;
    struct json_cursor cursor;
};

static belfry_status add_titles(const struct telling *t, const struct tongue *tongue, struct buf *out,
                                struct belfry_error *err)
{
    struct belfry_str said = tongue->source ? tongue->source->data : (struct belfry_str){0};
    struct data_view v;
    json_t *over = said.len ? json_read(said, NULL) : NULL, *data = NULL;
    if (said.len && !json_is_object(over)) {
        json_decref(over);
        return refuse(err, tongue->language, "has words whose data is no JSON object");
    }
    if (over) {
        data = t->own->json ? json_deep_copy(t->own->json) : json_object();
        json_object_update_recursive(data, over);
    }
    v.view = json_view_cursor(&v.cursor, data ? data : t->own->json);
    add_texts(t, tongue, t->event->params ? t->event->params : &v.view, data != NULL, out);
    json_decref(data);
    json_decref(over);
    return BELFRY_OK;
}

/* --- actions ------------------------------------------------------------------------------------------------------ */

static const struct belfry_action_text *action_in(const struct belfry_action_type *type, struct belfry_str language)
{
    for (const struct belfry_action_text *text = type ? type->texts : NULL; text && text->struct_size; text++)
        if (str_eqz(language, text->language))
            return text;
    return NULL;
}

/* A label that the source gives is its own in every language. */
static void add_actions(const struct telling *t, const struct tongue *tongue, struct buf *out)
{
    int any = 0;
    for (size_t i = 0; i < t->event->action_count; i++) {
        const struct belfry_action *action = plugin_table_at(t->event->actions, i, sizeof(*action));
        const struct belfry_action_text *text =
            action_in(emit_action_type(t->type->type, action->id), tongue->language);
        int label = text && !action->label.len, comment = text && text->comment && !action->comment.len;
        if (!label && !comment)
            continue;
        if (any++)
            buf_addc(out, ',');
        else
            buf_addz(out, out->ptr[out->len - 1] == '{' ? "\"actions\":{" : ",\"actions\":{");
        json_write_str(action->id, out);
        buf_addz(out, ":{");
        if (label)
            add_member(out, "label", text_line(t->call->arena, str_of(text->label)));
        if (comment)
            add_member(out, "comment", text_line(t->call->arena, str_of(text->comment)));
        buf_addc(out, '}');
    }
    if (any)
        buf_addc(out, '}');
}

belfry_status emit_languages(struct call *call, const struct belfry_event *event, const struct gen_type *type,
                             struct emitted *out, struct belfry_error *err)
{
    struct telling t = {.call = call, .event = event, .type = type, .own = out};
    struct buf json = {0};
    belfry_status status = gather(&t, err);
    buf_addc(&json, '{');
    for (size_t i = 0; !status && i < t.count; i++) {
        size_t before = json.len;
        if (before > 1)
            buf_addc(&json, ',');
        json_write_str(t.tongues[i].language, &json);
        buf_addz(&json, ":{");
        size_t empty = json.len;
        status = add_titles(&t, &t.tongues[i], &json, err);
        add_actions(&t, &t.tongues[i], &json);
        if (json.len == empty)
            json.len = before;
        else
            buf_addc(&json, '}');
    }
    if (!status && json.len > 1) {
        buf_addc(&json, '}');
        out->texts = arena_str(call->arena, buf_str(&json));
    }
    buf_free(&json);
    return status;
}
