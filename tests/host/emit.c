/* SPDX-License-Identifier: Apache-2.0 */
/* emit(): the hub's checks, its rendering and cleaning of texts, and the audience as the hub would expand it. */
#include "fake.h"

#include "config/config.h"
#include "event/event.h"
#include "template/template.h"

#include <stdlib.h>

#define SUBJECT_MAX 512
#define TYPE_MAX 128
#define ACTIONS_MAX 20
#define DATA_MAX ((size_t)1 << 20)
#define AUDIENCE_MAX 10000

static belfry_status refuse(struct belfry_error *err, struct belfry_str what, const char *fault)
{
    if (err)
        err->status = error_set(err->impl, BELFRY_EINVAL, NULL, "\"%.*s\" %s", STR_ARG(what), fault);
    return BELFRY_EINVAL;
}

static int plain(struct belfry_str s, size_t max)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
            return 0;
    }
    return s.len <= max && str_utf8_valid(s);
}

/* Exact types win over prefixes. */
static const struct belfry_event_type *type_of(const struct belfry_test *t, struct belfry_str name)
{
    const struct belfry_event_type *found = NULL;
    for (const struct belfry_event_type *e = t->plugin->desc.events; e && e->struct_size; e++) {
        struct belfry_str type = str_of(e->type);
        if (str_eq(type, name))
            return e;
        if (type.len && type.ptr[type.len - 1] == '*' && str_has_prefix(name, str_slice(type.ptr, type.len - 1)))
            found = e;
    }
    return found;
}

static int known_category(const struct belfry_test *t, struct belfry_str name)
{
    for (size_t i = 0; i < t->categories.count; i++) {
        if (str_eqz(name, t->categories.items[i]))
            return 1;
    }
    for (const struct belfry_event_type *e = t->plugin->desc.events; e && e->struct_size; e++) {
        if (str_eqz(name, e->category))
            return 1;
    }
    return 0;
}

static belfry_status check(const struct belfry_test *t, const struct belfry_event *event,
                           const struct belfry_event_type *type, struct belfry_str category, struct belfry_error *err)
{
    if (!type || !plain(event->type, TYPE_MAX))
        return refuse(err, event->type, "is not an event type that the source declares");
    if (!plain(event->subject, SUBJECT_MAX))
        return refuse(err, event->subject, "is a subject over 512 bytes or with control characters");
    if (!known_category(t, category))
        return refuse(err, category, "is an unknown category");
    if (event->severity > BELFRY_CRITICAL || event->severity < -1)
        return refuse(err, event->type, "has a severity that is none");
    if (event->link.len && !link_valid(event->link))
        return refuse(err, event->link, "is a link that is neither http, https nor a path of ours");
    if (event->actor.len && config_username_fault(event->actor))
        return refuse(err, event->actor, "is the actor and no username");
    if (event->valid_until_ms < 0)
        return refuse(err, event->type, "has an end of validity before 1970");
    if (event->audience_count > AUDIENCE_MAX)
        return refuse(err, event->type, "names more than 10,000 recipients");
    return BELFRY_OK;
}

/* --- data and texts ----------------------------------------------------------------------------------------------- */

static void unref_json(void *arg)
{
    json_decref(arg);
}

static belfry_status take_data(struct fake_call *call, const struct belfry_event *event, const json_t **json,
                               struct fake_event *out, struct belfry_error *err)
{
    struct belfry_test *t = call->test;
    *json = NULL;
    out->pub.data = "{}";
    if (event->data.len == 0) {
        if (call->trigger && json_is_object((json_t *)call->trigger->impl)) {
            *json = call->trigger->impl;
            out->pub.data = fake_text(t, call->trigger->data);
        }
        return BELFRY_OK;
    }
    struct error why = {0};
    json_t *read = event->data.len > DATA_MAX ? NULL : json_read(event->data, &why);
    error_clear(&why);
    if (!json_is_object(read)) {
        json_decref(read);
        return refuse(err, event->type, "has data that is no JSON object of at most 1 MiB");
    }
    arena_cleanup(t->arena, unref_json, read);
    *json = read;
    out->pub.data = fake_text(t, event->data);
    return BELFRY_OK;
}

static struct belfry_str render(struct belfry_test *t, const struct belfry_template *tpl,
                                const struct belfry_view *params)
{
    struct buf out = {0};
    struct belfry_str text = {0};
    if (template_render(tpl, params, TEMPLATE_TEXT, NULL, NULL, &out) == BELFRY_OK)
        text = str_of(fake_text(t, buf_str(&out)));
    buf_free(&out);
    return text;
}

static struct belfry_str text_of(struct belfry_test *t, const struct belfry_template *own, struct belfry_str text,
                                 const char *fallback, const struct belfry_view *params)
{
    if (!own && (text.len || !fallback))
        return text;
    if (!own)
        own = template_compile(t->arena, str_of(fallback), NULL);
    return own ? render(t, own, params) : (struct belfry_str){0};
}

static void take_texts(struct belfry_test *t, const struct belfry_event *event, const struct belfry_event_type *type,
                       const json_t *json, struct fake_event *out)
{
    struct belfry_view data = json_view(json);
    const struct belfry_view *params = event->params ? event->params : &data;
    struct belfry_str title = text_of(t, event->title_template, event->title, type->title, params);
    struct belfry_str body = text_of(t, event->body_template, event->body, type->body, params);
    title = text_line(t->arena, title);
    out->pub.body = fake_text(t, text_body(t->arena, body));
    out->pub.title =
        !text_blank(title) ? fake_text(t, title) : arena_printf(t->arena, "%s: %s", out->pub.type, out->pub.subject);
}

/* What the event says in other languages has to be a language and an object; it is not rendered here. */
static belfry_status check_words(const struct belfry_event *event, struct belfry_error *err)
{
    for (size_t i = 0; i < event->word_count; i++) {
        const struct belfry_event_words *words = plugin_table_at(event->words, i, sizeof(*words));
        json_t *data = words->data.len ? json_read(words->data, NULL) : json_object();
        int object = json_is_object(data), language = words->language.len >= 2 && words->language.len <= 8;
        json_decref(data);
        for (size_t j = 0; j < words->language.len; j++)
            language &= words->language.ptr[j] >= 'a' && words->language.ptr[j] <= 'z';
        if (!language)
            return refuse(err, words->language, "is no language like \"de\"");
        if (!object)
            return refuse(err, words->language, "has words whose data is no JSON object");
    }
    return BELFRY_OK;
}

/* --- audience, actions -------------------------------------------------------------------------------------------- */

struct audience {
    const char **names, **reasons;
    size_t count;
};

static void add_one(struct belfry_test *t, struct audience *to, const char *prefix, struct belfry_str name,
                    const char *reason, struct belfry_str actor)
{
    const char *text = arena_printf(t->arena, "%s%.*s", prefix, STR_ARG(name));
    if (!*prefix && actor.len && str_eq(name, actor))
        return;
    for (size_t i = 0; i < to->count; i++) {
        if (strcmp(to->names[i], text) == 0)
            return;
    }
    to->names[to->count] = text;
    to->reasons[to->count++] = reason;
}

static const char *recipient_fault(const struct belfry_recipient *r)
{
    if (r->kind == BELFRY_TO_USER)
        return config_username_fault(r->name) ? "is no username" : NULL;
    if (r->kind == BELFRY_TO_ROLE)
        return r->name.len == 0 || !plain(r->name, 128) ? "is no role" : NULL;
    if (r->kind == BELFRY_TO_EMAIL)
        return address_valid(r->name) ? NULL : "is no mail address";
    return "is a recipient of an unknown kind";
}

static belfry_status take_audience(struct fake_call *call, const struct belfry_event *event, struct fake_event *out,
                                   struct belfry_error *err)
{
    struct belfry_test *t = call->test;
    size_t most = event->audience_count * (t->people.count + 1) + 1;
    struct audience to = {arena_alloc(t->arena, most * sizeof(char *)), arena_alloc(t->arena, most * sizeof(char *)),
                          0};
    for (size_t i = 0; i < event->audience_count; i++) {
        const struct belfry_recipient *r = &event->audience[i];
        const char *fault = recipient_fault(r), *reason = fake_text(t, text_line(t->arena, r->reason));
        struct belfry_strs members = {&r->name, 1};
        if (fault)
            return refuse(err, r->name, fault);
        if (r->kind == BELFRY_TO_ROLE)
            call->pub.api->role_members(&call->pub, r->name, STR(""), 0, &members);
        for (size_t k = 0; k < members.count; k++)
            add_one(t, &to, r->kind == BELFRY_TO_EMAIL ? "email:" : "", members.items[k], reason, event->actor);
    }
    out->pub.recipients = to.names;
    out->pub.reasons = to.reasons;
    return BELFRY_OK;
}

static const struct belfry_action_type *action_type(const struct belfry_event_type *type, struct belfry_str id)
{
    for (const struct belfry_action_type *a = type->actions; a && a->struct_size; a++) {
        if (str_eqz(id, a->id))
            return a;
    }
    return NULL;
}

static belfry_status take_actions(struct belfry_test *t, const struct belfry_event *event,
                                  const struct belfry_event_type *type, struct fake_event *out,
                                  struct belfry_error *err)
{
    if (event->action_count > ACTIONS_MAX)
        return refuse(err, event->type, "has more than 20 actions");
    struct belfry_action *actions = arena_alloc(t->arena, (event->action_count + 1) * sizeof(*actions));
    for (size_t i = 0; i < event->action_count; i++) {
        const struct belfry_action *a = &event->actions[i];
        const struct belfry_action_type *known = action_type(type, a->id);
        struct error why = {0};
        if (!known)
            return refuse(err, a->id, "is not an action that this type of event declares");
        if (a->type.len && !str_eqz(a->type, known->trigger))
            return refuse(err, a->id, "is an action with another trigger than its type declares");
        for (size_t k = 0; k < i; k++) {
            if (str_eq(event->actions[k].id, a->id))
                return refuse(err, a->id, "is an action that is given twice");
        }
        json_t *data = json_read(a->data.len ? a->data : STR("{}"), &why);
        int is_object = json_is_object(data);
        error_clear(&why);
        json_decref(data);
        if (!is_object)
            return refuse(err, a->id, "is an action whose data is no JSON object");
        actions[i] = (struct belfry_action){
            .struct_size = sizeof(actions[i]),
            .id = str_of(fake_text(t, a->id)),
            .label = str_of(fake_text(t, a->label.len ? a->label : str_of(known->label))),
            .type = str_of(fake_text(t, a->type.len ? a->type : str_of(known->trigger))),
            .data = str_of(fake_text(t, a->data.len ? a->data : STR("{}"))),
            .comment = str_of(fake_text(t, a->comment.len ? a->comment : str_of(known->comment))),
        };
    }
    out->pub.actions = actions;
    out->pub.action_count = event->action_count;
    return BELFRY_OK;
}

belfry_status fake_emit(struct belfry_txn *txn, const struct belfry_event *event, struct belfry_error *err)
{
    struct fake_call *call = fake_call_of(txn, "emit");
    if (!call)
        return BELFRY_ECLOSED;
    struct belfry_test *t = call->test;
    const struct belfry_event_type *type = type_of(t, event->type);
    struct belfry_str category = event->category.len || !type ? event->category : str_of(type->category);
    const json_t *json;
    belfry_status status = check(t, event, type, category, err);
    if (status != BELFRY_OK)
        return status;
    struct fake_event *out = arena_alloc(t->arena, sizeof(*out));
    out->pub = (struct belfry_test_event){
        .struct_size = sizeof(out->pub),
        .severity = event->severity < 0 ? type->severity : (uint32_t)event->severity,
        .time_ms = txn->now_ms,
        .valid_until_ms = event->valid_until_ms,
        .org = fake_text(t, txn->org),
        .type = fake_text(t, event->type),
        .subject = fake_text(t, event->subject),
        .category = fake_text(t, category),
        .link = fake_text(t, event->link),
        .actor = fake_text(t, event->actor),
    };
    out->replaces = type->replaces;
    if ((status = take_data(call, event, &json, out, err)) || (status = take_audience(call, event, out, err)) ||
        (status = take_actions(t, event, type, out, err)) || (status = check_words(event, err)))
        return status;
    take_texts(t, event, type, json, out);
    fake_record_add(t, call->record, FAKE_EMIT)->event = out;
    call->changes++;
    return BELFRY_OK;
}
