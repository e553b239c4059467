/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /v1/{org}/events/{id} and /v1/{org}/explain: why did she get this, and why did he not?
 *
 * A reader finds out what a trigger would do, or what was done about a stored event, and asks the rules; the ledger,
 * which has the targets, says which of them would take it; then the loop answers. The generation is held meanwhile,
 * because stories borrow from its configuration.
 */
#include "base/mem.h"
#include "hub/hook.h"
#include "hub/story.h"
#include "store/events.h"

#include <stdlib.h>

#define MEMBERS_MAX 2000 /* of a role, unless somebody is asked for */

struct told {
    struct route_event event;
    struct story *story;
};

struct asking {
    struct http_request *req;
    struct hub *hub;
    struct ledger_generation *generation;
    struct explain *explain;
    struct explain_filter filter;
    struct ledger_dry dry;
    int own;           /* a person asks about themself */
    int hidden;        /* nothing of what the message says but its title */
    int audited;       /* else who is shown it leaves a row in the audit */
    struct told *told; /* by the rules of now */
    size_t count, cap;
    json_t *deeds; /* of the source, beside its events */
    belfry_status status;
    struct error err;
    /* a stored event */
    int64_t event;
    struct story *stored;
    /* a trigger, or what a hook makes of a call */
    const char *source;
    struct trigger_set set;
    json_t *made; /* by a hook; NULL: it was a trigger */
    struct belfry_principal principal;
};

static void asking_free(struct asking *a)
{
    hub_generation_release(a->generation);
    trigger_set_free(&a->set);
    error_clear(&a->err);
    json_decref(a->deeds);
    json_decref(a->made);
    free(a->told);
    free(a);
}

/* --- what the rules say ------------------------------------------------------------------------------------------- */

static void on_event(void *arg, const struct ledger_dry_event *event)
{
    struct asking *a = arg;
    struct story *story = explain_story(a->explain, &event->event, event->plan, event->directory, a->dry.now_ms);
    story->title = event->title;
    story->body = event->body;
    story->link = event->link;
    story->data = event->data;
    story->note = event->note;
    story->truncated = event->overflow;
    a->told = xgrow(a->told, &a->cap, a->count + 1, sizeof(*a->told));
    a->told[a->count++] = (struct told){event->event, story};
}

static void on_deed(void *arg, const struct ledger_dry_deed *deed)
{
    struct asking *a = arg;
    char when[TIME_TEXT_SIZE];
    if (deed->at_ms)
        time_format(deed->at_ms, when);
    json_array_append_new(a->deeds,
                          json_pack("{s:s, s:s%, s:s?}", "what", deed->what, "key", deed->key.ptr ? deed->key.ptr : "",
                                    deed->key.len, "at", deed->at_ms ? when : NULL));
}

static struct asking *asking_new(struct hub *hub, struct http_request *req, struct belfry_str who, int own)
{
    struct asking *a = xcalloc(1, sizeof(*a));
    a->req = req;
    a->hub = hub;
    a->own = own;
    a->filter.who = who;
    a->deeds = json_array();
    a->generation = hub_generation(hub);
    hub_generation_hold(a->generation);
    a->explain = explain_new(req->arena, a->generation->config);
    a->dry = (struct ledger_dry){.generation = a->generation,
                                 .now_ms = clock_now_ms(hub->parts.clock),
                                 .expand_max = who.len ? 0 : MEMBERS_MAX,
                                 .trace = explain_trace(a->explain),
                                 .fn = on_event,
                                 .deed = on_deed,
                                 .arg = a};
    return a;
}

static void on_targets(void *arg, const char *channel, const struct route_targets *const *indexes, size_t count,
                       const struct hash *disabled)
{
    struct asking *a = arg;
    const struct config_instance *instance = config_channel(a->generation->config, str_of(channel));
    for (size_t i = 0; instance && i < a->count; i++)
        explain_targets(a->explain, a->told[i].story, instance, indexes, count, disabled, &a->told[i].event);
}

/* --- nothing of what the message says ----------------------------------------------------------------------------- */

/* Also what a rule compared with: conditions show values of the data. */
static void hide_steps(struct story_rule *rule, struct arena *arena)
{
    struct story_step *steps = arena_memdup(arena, rule->steps, (rule->step_count + 1) * sizeof(*steps));
    for (size_t i = 0; i < rule->step_count; i++)
        steps[i].actual = NULL;
    rule->steps = steps;
}

static void hide(struct story *story, struct arena *arena)
{
    struct story_rule *rules = arena_alloc(arena, (story->rule_count + 1) * sizeof(*rules));
    for (size_t i = 0; i < story->rule_count; i++) {
        rules[i] = story->rules[i];
        if (rules[i].step_count)
            hide_steps(&rules[i], arena);
    }
    story->rules = rules;
    story->body = story->data = (struct belfry_str){0};
}

/* ?bodies=hidden|shown; -1 after a 400. */
static int wants_hidden(struct http_request *req)
{
    struct belfry_str value;
    int given = hub_query(req, "bodies", &value);
    if (given <= 0 || str_eqz(value, "shown"))
        return given < 0 ? -1 : 0;
    if (str_eqz(value, "hidden"))
        return 1;
    http_problem(req, 400, NULL, "`bodies` must be hidden or shown");
    return -1;
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static int wants_text(struct http_request *req)
{
    return str_has_prefix(http_header(req, "accept"), STR("text/plain"));
}

static void answer_text(struct http_request *req, struct buf *text)
{
    http_respond(req, 200, "text/plain; charset=utf-8", buf_str(text), NULL, 0);
    buf_free(text);
}

static void answer_stored(struct asking *a)
{
    struct buf text = {0};
    if (a->count)
        hub_story_complete(a->stored, a->told[0].story, a->req->arena);
    if (a->hidden)
        hide(a->stored, a->req->arena);
    if (!wants_text(a->req)) {
        http_respond_json(a->req, 200, explain_json(a->stored, &a->filter), NULL, 0);
        return;
    }
    explain_text(a->stored, &a->filter, &text);
    answer_text(a->req, &text);
}

static void deeds_text(const json_t *deeds, struct buf *out)
{
    size_t i;
    json_t *deed;
    if (json_array_size(deeds))
        buf_addz(out, "beside that the source\n");
    json_array_foreach(deeds, i, deed)
    {
        const char *at = json_string_value(json_object_get(deed, "at"));
        buf_addf(out, "  %-12s %s%s%s\n", json_string_value(json_object_get(deed, "what")),
                 json_string_value(json_object_get(deed, "key")), at ? "  " : "", at ? at : "");
    }
}

static void made_text(const json_t *made, struct buf *out)
{
    size_t i;
    json_t *event;
    if (!json_array_size(made))
        buf_addz(out, "no mapping of the hook is for this call: it is answered 200 and leaves no trace\n");
    json_array_foreach(made, i, event)
    {
        buf_addz(out, "the hook makes of it\n  ");
        json_write(event, out);
        buf_addc(out, '\n');
    }
}

static void answer_dry(struct asking *a)
{
    struct buf text = {0};
    if (wants_text(a->req)) {
        if (a->made)
            made_text(a->made, &text);
        for (size_t i = 0; i < a->count; i++)
            explain_text(a->told[i].story, &a->filter, &text);
        if (!a->count && a->set.count)
            buf_addz(&text, "the source makes no event of this trigger: nobody is told\n");
        deeds_text(a->deeds, &text);
        answer_text(a->req, &text);
        return;
    }
    json_t *events = json_array(), *doc = json_object();
    for (size_t i = 0; i < a->count; i++)
        json_array_append_new(events, explain_json(a->told[i].story, &a->filter));
    json_object_set_new(doc, "events", events);
    json_object_set(doc, "deeds", a->deeds);
    if (a->made)
        json_object_set(doc, "triggers", a->made);
    http_respond_json(a->req, 200, doc, NULL, 0);
}

static void answer_shown(void *arg, belfry_status status)
{
    struct asking *a = arg;
    if (status == BELFRY_OK)
        answer_stored(a);
    else
        http_problem(a->req, http_status_of(status), NULL, "the audit could not be written now");
    asking_free(a);
}

/* What a message says is shown to nobody for whom it was not meant without a row in the audit. */
static void answer(void *arg)
{
    struct asking *a = arg;
    if (a->audited) {
        json_t *detail = json_object();
        json_set_str(detail, "event", a->stored->id);
        ledger_audit(a->hub->parts.ledger, a->req->pub.org, hub_who(a->req), "event.reveal", detail, answer_shown, a);
        return;
    }
    if (a->stored)
        answer_stored(a);
    else
        answer_dry(a);
    asking_free(a);
}

/* --- a stored event ----------------------------------------------------------------------------------------------- */

static belfry_status read_stored(struct store_conn *conn, void *arg)
{
    struct asking *a = arg;
    struct store_event row;
    struct arena *arena = a->req->arena;
    if (!store_event_get(conn, a->event, arena, &row) || !str_eq(store_name_text(conn, row.org), a->req->pub.org))
        return BELFRY_OK;
    a->stored =
        hub_story_read(conn, a->hub->parts.store, a->generation->config, &row, a->filter.who, a->dry.now_ms, arena);
    if (!a->own)
        ledger_plan_again(&a->dry, conn, &row, arena);
    return BELFRY_OK;
}

static int tells_about(const struct story *story, struct belfry_str who)
{
    for (size_t i = 0; i < story->recipient_count; i++)
        if (!story->recipients[i].email && str_eq(story->recipients[i].name, who))
            return 1;
    return 0;
}

/* A person sees of their own story what the inbox shows them: nothing of a category that their roles do not see, and
 * not the data behind the text. */
static int limit_to_own(struct asking *a)
{
    const struct config_category *category = config_category(a->generation->config, a->stored->category);
    if (!tells_about(a->stored, a->filter.who) ||
        (category && !config_visible(category, &a->req->pub.principal->roles)))
        return 0;
    a->stored->data = a->stored->principal = (struct belfry_str){0};
    return 1;
}

static void stored_done(void *arg, belfry_status status)
{
    struct asking *a = arg;
    if (status == BELFRY_OK && a->stored && (!a->own || limit_to_own(a))) {
        ledger_targets_look(a->hub->parts.ledger, on_targets, answer, a);
        return;
    }
    if (status != BELFRY_OK)
        http_problem(a->req, http_status_of(status), NULL, "the event could not be read now: %s", status_text(status));
    else
        http_problem(a->req, 404, NULL, "there is no such event");
    asking_free(a);
}

static void tell(struct hub *hub, struct http_request *req, struct belfry_str id, struct belfry_str who, int own,
                 int hidden)
{
    int64_t event;
    if (id_parse(store_id_key(hub->parts.store), id, &event) != BELFRY_OK) {
        http_problem(req, 404, NULL, "there is no such event");
        return;
    }
    struct asking *a = asking_new(hub, req, who, own);
    a->event = event;
    a->hidden = hidden;
    a->audited = !hidden && !own && !req->operator_socket;
    if (store_read(hub->parts.readers, read_stored, stored_done, a, 0) == BELFRY_OK)
        return;
    http_problem(req, 503, NULL, "too many reads wait at the moment");
    asking_free(a);
}

static void get_event(void *arg, struct http_request *req)
{
    int hidden = wants_hidden(req);
    if (hidden >= 0)
        tell(arg, req, http_param(req, "id"), (struct belfry_str){0}, 0, hidden);
}

/* --- a trigger ---------------------------------------------------------------------------------------------------- */

static belfry_status read_dry(struct store_conn *conn, void *arg)
{
    struct asking *a = arg;
    for (size_t k = 0, i = 0; k < a->set.count && a->status == BELFRY_OK; k++) {
        a->status = ledger_dry_run(&a->dry, conn, a->source, a->req->pub.org, &a->principal, &a->set.items[k],
                                   a->req->arena, &a->err);
        for (; i < a->count; i++)
            a->told[i].story->trigger_type = a->set.items[k].pub.type;
    }
    return BELFRY_OK;
}

static void dry_done(void *arg, belfry_status status)
{
    struct asking *a = arg;
    if (status == BELFRY_OK && a->status == BELFRY_OK) {
        ledger_targets_look(a->hub->parts.ledger, on_targets, answer, a);
        return;
    }
    if (status != BELFRY_OK)
        http_problem(a->req, http_status_of(status), NULL, "the dry run could not be made now: %s",
                     status_text(status));
    else
        http_problem_error(a->req, 0, &a->err);
    asking_free(a);
}

/* Fills the set from `trigger`, or from what the source's hook makes of `hook`. */
static belfry_status read_triggers(struct asking *a, const struct config_instance *source, json_t *body)
{
    const struct config_hub *hub = &hub_config(a->hub)->hub;
    json_t *hook = json_object_get(body, "hook");
    struct buf text = {0};
    if (hook)
        return hook_explain(source, hub, hook, a->req->arena, a->dry.now_ms, &a->set, &a->made, &a->err);
    json_write(json_object_get(body, "trigger"), &text);
    struct belfry_str copy = arena_str(a->req->arena, buf_str(&text));
    buf_free(&text);
    return ce_decode(&a->set, NULL, 0, STR("application/cloudevents+json"), copy, (size_t)hub->limits.event_bytes, 1,
                     a->dry.now_ms, &a->err);
}

/* Each trigger by itself, over what is there now: what one would change, those behind it do not see. */
static void dry_run(struct hub *hub, struct http_request *req, json_t *body, struct belfry_str who)
{
    struct belfry_str source = json_str(json_object_get(body, "source"));
    json_t *trigger = json_object_get(body, "trigger");
    const struct config_instance *ci = config_source(hub_config(hub), source);
    if (!ci || !config_serves(ci, req->pub.org)) {
        http_problem(req, 422, "/source", "there is no source `%.*s` here", STR_ARG(source));
        return;
    }
    if (!json_is_object(trigger) && !json_is_object(json_object_get(body, "hook"))) {
        http_problem(req, 422, "/trigger",
                     "give a CloudEvent as `trigger`, a call of a hook as `hook`, or a stored event's id as `event`");
        return;
    }
    struct asking *a = asking_new(hub, req, who, 0);
    a->source = ci->name;
    /* Whoever asks is not who will send it: systems do, with tokens. */
    a->principal = (struct belfry_principal){
        .struct_size = sizeof(a->principal), .kind = BELFRY_PRINCIPAL_TOKEN, .name = STR("explain")};
    if (read_triggers(a, ci, body) != BELFRY_OK) {
        http_problem_error(req, 422, &a->err);
        asking_free(a);
    } else if (store_read(hub->parts.readers, read_dry, dry_done, a, 0) != BELFRY_OK) {
        http_problem(req, 503, NULL, "too many reads wait at the moment");
        asking_free(a);
    }
}

/* The body, when what it says is text. NULL after a problem was answered. */
static json_t *read_body(struct http_request *req)
{
    static const char *const names[] = {"event", "who", "source"};
    json_t *body = http_json(req);
    for (size_t i = 0; body && i < sizeof(names) / sizeof(names[0]); i++) {
        const json_t *value = json_object_get(body, names[i]);
        if (!value || json_is_null(value) || json_is_string(value))
            continue;
        http_problem(req, 422, arena_printf(req->arena, "/%s", names[i]), "must be a string");
        return NULL;
    }
    return body;
}

static void post_explain(void *arg, struct http_request *req)
{
    json_t *body = read_body(req);
    if (!body)
        return;
    struct belfry_str who = json_str(json_object_get(body, "who"));
    int admin = req->operator_socket || req->token || http_has_role(req, STR("admin"));
    if (!admin && !str_eq(who, req->pub.principal->name) && who.len) {
        http_problem(req, 403, "/who", "you may ask about yourself; for others this needs the role admin");
        return;
    }
    if (!admin)
        who = req->pub.principal->name;
    struct belfry_str event = json_str(json_object_get(body, "event"));
    if (event.len) /* it writes nothing, so it shows others nothing that would have to be written down */
        tell(arg, req, event, who, !admin, admin && !req->operator_socket);
    else if (admin)
        dry_run(arg, req, body, who);
    else /* who may make up triggers could ask a source, one by one, what it remembers of things that are not theirs */
        http_problem(req, 403, NULL,
                     "a dry run of a trigger needs the role admin, because it tells what the source remembers; give "
                     "the id of an event of yours");
}

/* For `belfry explain --event ID`: whoever may open the socket may read the database. A token of an operator has no
 * right to what an org's events say. */
belfry_status hub_explain_init(struct hub *hub, struct error *err)
{
    const struct http_route routes[] = {
        {"GET", "/v1/{org}/events/{id}", "role:admin|token:read|token:admin", 0, 0, get_event, hub},
        {"POST", "/v1/{org}/explain", "person|token:read|token:admin", 1 << 20, 0, post_explain, hub},
    };
    return http_routes_add(hub->parts.http, hub, routes, 2, err);
}
