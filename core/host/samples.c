/* SPDX-License-Identifier: Apache-2.0 */
/*
 * belfry.samples/1: an item out of an example, of data that somebody brings, or of a stored event. Texts are made from
 * the templates of the type (host/types.h); those of a stored event are what was kept. Nothing is delivered and nothing
 * written, but for the row of the audit when somebody looks at an event that may not be theirs.
 */
#include "base/mem.h"
#include "host/inbox.h"
#include "host/internal.h"
#include "host/types.h"
#include "store/events.h"

#include <stdlib.h>

#define NOWHERE "00000000-0000-7000-8000-000000000000" /* a notification that nobody has */

struct making {
    struct ledger_command command;
    struct host *host;
    struct http_request *req; /* held */
    struct belfry_sample what;
    int64_t event;
    belfry_status status;
    struct belfry_item item;
    void (*done)(void *arg, belfry_status status, const struct belfry_item *item);
    void *arg;
};

static void answer(void *arg)
{
    struct making *m = arg;
    m->done(m->arg, m->status, m->status == BELFRY_OK ? &m->item : NULL);
    http_let_go(m->req);
    free(m);
}

/* What any item of the org has. */
static void begin(struct making *m, struct belfry_str category)
{
    struct arena *arena = m->req->arena;
    struct belfry_str org = m->req->pub.org;
    const struct config_category *known = config_category(m->req->config, category);
    const char *site = m->req->config->hub.public_url;
    m->item.struct_size = sizeof(m->item);
    m->item.org = org;
    m->item.category = category;
    m->item.category_label = known ? config_label(known, m->what.language) : category;
    m->item.flags = known && known->required ? BELFRY_ITEM_REQUIRED : 0;
    m->item.notification_id = STR(NOWHERE);
    m->item.reason = STR("audience");
    m->item.href = str_of(arena_printf(arena, "%s/%.*s/n/" NOWHERE, site ? site : "", STR_ARG(org)));
}

/* --- of a type ---------------------------------------------------------------------------------------------------- */

static void take_action_types(struct making *m, const struct belfry_event_type *type)
{
    size_t count = 0;
    while (type->actions && type->actions[count].struct_size)
        count++;
    struct belfry_action *actions = arena_alloc(m->req->arena, (count + 1) * sizeof(*actions));
    for (size_t i = 0; i < count; i++) {
        const struct belfry_action_type *from = &type->actions[i];
        actions[i] = (struct belfry_action){.struct_size = sizeof(*actions),
                                            .id = str_of(from->id),
                                            .label = str_of(from->label),
                                            .type = str_of(from->trigger)};
        for (const struct belfry_action_text *text = from->texts; text && text->struct_size; text++)
            if (str_is_language(m->what.language, text->language))
                actions[i].label = str_of(text->label);
    }
    m->item.actions = actions;
    m->item.action_count = count;
}

static belfry_status of_type(struct making *m)
{
    const struct config_instance *source = NULL;
    const struct belfry_event_type *type = host_type_find(m->req->config, m->req->pub.org, m->what.type, &source);
    if (!type)
        return BELFRY_ENOTFOUND;
    struct belfry_str text = m->what.data.len ? m->what.data : str_of(type->example);
    json_t *data = text.len ? json_read(text, NULL) : NULL;
    if (!json_is_object(data)) {
        json_decref(data);
        return BELFRY_EINVAL;
    }
    begin(m, str_of(type->category));
    m->item.type = m->what.type;
    m->item.source = str_of(source->name);
    m->item.severity = type->severity;
    m->item.data = arena_str(m->req->arena, text);
    m->item.time_ms = clock_now_ms(host_parts(m->host)->clock);
    struct host_type_texts texts = host_type_texts(m->req->arena, type, m->what.type, m->what.language, data);
    m->item.title = texts.title;
    m->item.body = texts.body;
    take_action_types(m, type);
    json_decref(data);
    return BELFRY_OK;
}

/* --- of an event -------------------------------------------------------------------------------------------------- */

static void take_event(struct making *m, struct store_conn *conn, struct store_event *event)
{
    struct arena *arena = m->req->arena;
    store_event_say(event, m->what.language, arena);
    begin(m, store_name_text(conn, event->category));
    m->item.type = store_name_text(conn, event->type);
    m->item.source = store_name_text(conn, event->source);
    m->item.severity = (uint32_t)event->severity;
    m->item.event_id = m->what.event;
    m->item.subject = event->subject;
    m->item.title = event->title;
    m->item.body = event->body;
    m->item.link = event->link;
    m->item.actor = event->actor;
    m->item.data = event->data;
    m->item.time_ms = event->time;
    m->item.valid_until_ms = event->valid_until;
    m->item.action_count = store_event_actions(event, m->what.language, arena, &m->item.actions);
}

/* [ledger] */
static belfry_status look(struct ledger_command *command, struct ledger_txn *txn)
{
    struct making *m = LIST_OF(command, struct making, command);
    struct store_conn *conn = ledger_txn_conn(txn);
    struct store_event event;
    if (!store_event_get(conn, m->event, m->req->arena, &event) ||
        !str_eq(store_name_text(conn, event.org), m->req->pub.org))
        return BELFRY_ENOTFOUND;
    take_event(m, conn, &event);
    json_t *detail = json_object();
    json_set_str(detail, "event", m->what.event);
    ledger_txn_audit(txn, m->req->pub.org, http_who(m->req), "event.reveal", detail);
    json_decref(detail);
    return BELFRY_OK;
}

static void looked(struct ledger_command *command, belfry_status status)
{
    struct making *m = LIST_OF(command, struct making, command);
    m->status = status;
    answer(m);
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

static void make(const struct belfry_host *table, const struct belfry_http_request *req,
                 const struct belfry_sample *what,
                 void (*done)(void *arg, belfry_status status, const struct belfry_item *item), void *arg)
{
    if (!host_on_loop(table, "samples.make"))
        return;
    struct making *m = xcalloc(1, sizeof(*m));
    m->host = host_of(table);
    m->req = inbox_request(req);
    http_hold(m->req);
    m->done = done;
    m->arg = arg;
    m->what = (struct belfry_sample){.struct_size = sizeof(m->what),
                                     .type = arena_str(m->req->arena, what->type),
                                     .data = arena_str(m->req->arena, what->data),
                                     .event = arena_str(m->req->arena, what->event),
                                     .language = arena_str(m->req->arena, what->language)};
    m->command = (struct ledger_command){.run = look, .done = looked};
    if (!what->event.len)
        m->status = of_type(m);
    else if (id_parse(store_id_key(host_parts(m->host)->store), what->event, &m->event) != BELFRY_OK)
        m->status = BELFRY_ENOTFOUND;
    else
        m->status = ledger_submit(host_parts(m->host)->ledger, &m->command);
    if (!what->event.len || m->status != BELFRY_OK)
        host_post(m->host, answer, m);
}

const struct belfry_samples_api host_samples_api = {sizeof(struct belfry_samples_api), 0, make};
