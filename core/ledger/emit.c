/* SPDX-License-Identifier: Apache-2.0 */
/*
 * emit(): everything that can be wrong with an event is found here, while the source can still be told, so that
 * applying can fail for the disk only. Texts are rendered and cleaned here as well: whatever stands in a row is one
 * line, without control characters, and short enough.
 */
#include "ledger/inside.h"

#include <stdlib.h>

#define SUBJECT_MAX 512
#define TYPE_MAX 128
#define REASON_MAX 300
#define ACTIONS_MAX 20
#define DATA_MAX ((size_t)1 << 20)
#define AUDIENCE_MAX 10000

struct data_view {
    struct belfry_view view;
    struct json_cursor cursor;
};

static belfry_status refuse(struct belfry_error *err, struct belfry_str what, const char *fault)
{
    struct error *e = err ? err->impl : NULL;
    belfry_status status = error_set(e, BELFRY_EINVAL, NULL, "\"%.*s\" %s", STR_ARG(what), fault);
    if (err && !err->status)
        err->status = status;
    return status;
}

static int plain(struct belfry_str s, size_t max)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
            return 0;
    }
    return s.len <= max && str_utf8_valid(s);
}

/* --- data --------------------------------------------------------------------------------------------------------- */

static void unref_json(void *arg)
{
    json_decref(arg);
}

/* The event's data: the trigger's own bytes and tree when the source gives none. */
static belfry_status take_data(struct call *call, const struct belfry_event *event, struct emitted *out,
                               struct belfry_error *err)
{
    if (event->data.len == 0) {
        json_t *json = call->trigger ? call->trigger->data : NULL;
        if (json_is_object(json)) {
            out->json = json;
            out->data = call->trigger->pub.data;
        } else {
            out->data = STR("{}");
        }
        return BELFRY_OK;
    }
    if (event->data.len > DATA_MAX)
        return refuse(err, event->type, "has data over 1 MiB");
    struct error why = {0};
    out->json = json_read(event->data, &why);
    error_clear(&why);
    if (!json_is_object(out->json)) {
        json_decref(out->json);
        out->json = NULL;
        return refuse(err, event->type, "has data that is no JSON object");
    }
    arena_cleanup(call->arena, unref_json, out->json);
    out->data = arena_str(call->arena, event->data);
    return BELFRY_OK;
}

/* --- texts -------------------------------------------------------------------------------------------------------- */

/* Renders or takes one text. A template that fails leaves *failed set and an empty text. */
static struct belfry_str text_of(struct call *call, const struct belfry_template *own, struct belfry_str text,
                                 const struct belfry_template *def, const struct belfry_view *params, int *failed)
{
    const struct belfry_template *tpl = own ? own : text.len ? NULL : def;
    if (!tpl)
        return text;
    struct buf out = {NULL, 0, 0};
    struct belfry_str rendered = {NULL, 0};
    if (template_render(tpl, params, TEMPLATE_TEXT, NULL, NULL, &out))
        *failed = 1;
    else
        rendered = arena_str(call->arena, buf_str(&out));
    buf_free(&out);
    return rendered;
}

static void take_texts(struct call *call, const struct belfry_event *event, const struct gen_type *type,
                       struct emitted *out)
{
    struct data_view v;
    v.view = json_view_cursor(&v.cursor, out->json);
    const struct belfry_view *params = event->params ? event->params : &v.view;
    int no_title = 0, no_body = 0;
    struct belfry_str title = text_of(call, event->title_template, event->title, type->title, params, &no_title);
    struct belfry_str body = text_of(call, event->body_template, event->body, type->body, params, &no_body);
    out->title = text_line(call->arena, title);
    out->body = text_body(call->arena, body);
    int nothing = !no_title && text_blank(out->title) && (event->title_template || event->title.len || type->title);
    if (text_blank(out->title)) {
        const char *text = arena_printf(call->arena, "%.*s: %.*s", STR_ARG(event->type), STR_ARG(event->subject));
        out->title = text_line(call->arena, str_of(text));
    }
    if (no_title || no_body)
        out->note = str_of(no_title && no_body ? "the templates of title and body failed"
                           : no_title          ? "the template of the title failed"
                                               : "the template of the body failed");
    else if (nothing)
        out->note = STR("the title had no text");
}

/* --- audience, actions -------------------------------------------------------------------------------------------- */

static belfry_status take_audience(struct call *call, const struct belfry_event *event, struct emitted *out,
                                   struct belfry_error *err)
{
    if (event->audience_count > AUDIENCE_MAX)
        return refuse(err, event->type, "names more than 10,000 recipients");
    struct belfry_recipient *list = arena_alloc(call->arena, (event->audience_count + 1) * sizeof(*list));
    for (size_t i = 0; i < event->audience_count; i++) {
        const struct belfry_recipient *r = plugin_table_at(event->audience, i, sizeof(*r));
        if (!plugin_struct_known(r, sizeof(*r)))
            return refuse(err, r->name, "is a recipient that uses what this hub does not know: it needs a newer hub");
        if (r->kind == BELFRY_TO_USER && config_username_fault(r->name))
            return refuse(err, r->name, "is no username");
        if (r->kind == BELFRY_TO_ROLE && (r->name.len == 0 || !plain(r->name, 128)))
            return refuse(err, r->name, "is no role");
        if (r->kind == BELFRY_TO_EMAIL && !address_valid(r->name))
            return refuse(err, r->name, "is no mail address");
        if (r->kind < BELFRY_TO_USER || r->kind > BELFRY_TO_EMAIL)
            return refuse(err, r->name, "is a recipient of an unknown kind");
        list[i] = *r;
        list[i].name = arena_str(call->arena, r->name);
        list[i].reason = text_line(call->arena, r->reason);
    }
    out->audience = list;
    out->audience_count = event->audience_count;
    return BELFRY_OK;
}

const struct belfry_action_type *emit_action_type(const struct belfry_event_type *type, struct belfry_str id)
{
    for (const struct belfry_action_type *a = type->actions; a && a->struct_size; a++) {
        if (str_eqz(id, a->id))
            return a;
    }
    return NULL;
}

static belfry_status add_action(struct call *call, const struct belfry_action *action,
                                const struct belfry_event_type *type, struct buf *out, struct belfry_error *err)
{
    const struct belfry_action_type *known = emit_action_type(type, action->id);
    if (!known)
        return refuse(err, action->id, "is not an action that this type of event declares");
    struct belfry_str label = action->label.len ? action->label : str_of(known->label);
    struct belfry_str trigger = action->type.len ? action->type : str_of(known->trigger);
    struct belfry_str comment = action->comment.len ? action->comment : str_of(known->comment);
    if (!str_eqz(trigger, known->trigger))
        return refuse(err, action->id, "is an action with another trigger than its type declares");
    struct error why = {0};
    json_t *data = action->data.len ? json_read(action->data, &why) : NULL;
    error_clear(&why);
    int bad = action->data.len && !json_is_object(data);
    json_decref(data);
    if (bad)
        return refuse(err, action->id, "is an action whose data is no JSON object");
    buf_addz(out, out->len > 1 ? ",{\"id\":" : "{\"id\":");
    json_write_str(action->id, out);
    buf_addz(out, ",\"label\":");
    json_write_str(text_line(call->arena, label), out);
    buf_addz(out, ",\"type\":");
    json_write_str(trigger, out);
    if (comment.len) {
        buf_addz(out, ",\"comment\":");
        json_write_str(text_line(call->arena, comment), out);
    }
    buf_addz(out, ",\"data\":");
    buf_adds(out, action->data.len ? action->data : STR("{}"));
    buf_addc(out, '}');
    return BELFRY_OK;
}

static belfry_status take_actions(struct call *call, const struct belfry_event *event,
                                  const struct belfry_event_type *type, struct emitted *out, struct belfry_error *err)
{
    if (event->action_count == 0)
        return BELFRY_OK;
    if (event->action_count > ACTIONS_MAX)
        return refuse(err, event->type, "has more than 20 actions");
    struct buf json = {NULL, 0, 0};
    buf_addc(&json, '[');
    belfry_status status = BELFRY_OK;
    for (size_t i = 0; !status && i < event->action_count; i++) {
        const struct belfry_action *action = plugin_table_at(event->actions, i, sizeof(*action));
        for (size_t j = 0; !status && j < i; j++) {
            const struct belfry_action *other = plugin_table_at(event->actions, j, sizeof(*other));
            if (str_eq(action->id, other->id))
                status = refuse(err, action->id, "is an action that is given twice");
        }
        if (!status && !plugin_struct_known(action, sizeof(*action)))
            status =
                refuse(err, action->id, "is an action that uses what this hub does not know: it needs a newer hub");
        if (!status)
            status = add_action(call, action, type, &json, err);
    }
    buf_addc(&json, ']');
    if (!status)
        out->actions = arena_str(call->arena, buf_str(&json));
    buf_free(&json);
    return status;
}

/* --- the event ---------------------------------------------------------------------------------------------------- */

static belfry_status check_event(const struct call *call, const struct belfry_event *event, const struct gen_type *type,
                                 struct belfry_str category, struct belfry_error *err)
{
    if (event->type.len == 0 || !plain(event->type, TYPE_MAX) || !type)
        return refuse(err, event->type, "is not an event type that the source declares");
    if (!plain(event->subject, SUBJECT_MAX))
        return refuse(err, event->subject, "is a subject over 512 bytes or with control characters");
    if (!config_category(call->gen->pub->config, category))
        return refuse(err, category, "is an unknown category");
    if (event->severity > BELFRY_CRITICAL || event->severity < -1)
        return refuse(err, event->type, "has a severity that is none");
    if (event->link.len && !link_valid(event->link))
        return refuse(err, event->link, "is a link that is neither http, https nor a path of ours");
    if (event->actor.len && config_username_fault(event->actor))
        return refuse(err, event->actor, "is the actor and no username");
    if (event->valid_until_ms < 0)
        return refuse(err, event->type, "has an end of validity before 1970");
    return BELFRY_OK;
}

belfry_status call_emit(struct belfry_txn *txn, const struct belfry_event *event, struct belfry_error *err)
{
    struct call *call = call_of(txn, "emit");
    if (!call)
        return BELFRY_ECLOSED;
    if (!plugin_struct_known(event, sizeof(*event)))
        return refuse(err, event->type, "is an event that uses what this hub does not know: it needs a newer hub");
    const struct gen_type *type = gen_type_find(call->source, event->type);
    struct belfry_str category = event->category.len || !type ? event->category : str_of(type->type->category);
    belfry_status status = check_event(call, event, type, category, err);
    if (status)
        return status;
    struct emitted *out = arena_alloc(call->arena, sizeof(*out));
    if ((status = take_data(call, event, out, err)) || (status = take_audience(call, event, out, err)) ||
        (status = take_actions(call, event, type->type, out, err)))
        return status;
    out->type = arena_str(call->arena, event->type);
    out->subject = arena_str(call->arena, event->subject);
    out->category = arena_str(call->arena, category);
    out->link = arena_str(call->arena, event->link);
    out->actor = arena_str(call->arena, event->actor);
    out->severity = event->severity < 0 ? (int32_t)type->type->severity : event->severity;
    out->valid_until_ms = event->valid_until_ms;
    out->replaces = type->type->replaces;
    out->trigger = call->trigger ? &call->trigger->pub : NULL;
    out->principal = call->pub.principal;
    take_texts(call, event, type, out);
    if ((status = emit_languages(call, event, type, out, err)))
        return status;
    record_add(call->record, OP_EMIT)->event = out;
    call->record->events++;
    return call_change(call);
}
