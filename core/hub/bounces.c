/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/admin/bounces: a mail that came back. Which org it is about is known only to the channel that sent what it
 * answers, so each instance that takes feedback is asked, in the order of the configuration, until one knows it. Nobody
 * knowing it is an answer like another: whoever brings such mail must not have it come back once more. Only when one
 * could not look is it to be brought again.
 */
#include "base/log.h"
#include "base/mem.h"
#include "hub/internal.h"
#include "plugin/misuse.h"

#include <stdlib.h>
#include <strings.h>

#define MESSAGE_MAX (INT64_C(1) << 20)
#define DEADLINE_MS INT64_C(30000)
#define RECIPIENT_MAX 1000

struct bounce {
    struct list node; /* in hub.bounces */
    struct hub *hub;
    struct http_request *req;
    const struct hub_generation *generation; /* whose channels `next` counts */
    const struct host_instance *live;        /* who is asked now */
    struct belfry_str recipient;
    uint64_t id;
    int64_t deadline_ms;
    size_t next;
};

static void drop(struct bounce *b)
{
    list_remove(&b->node);
    free(b);
}

/* channel NULL: it is nobody's. */
static void known(struct bounce *b, const char *channel, struct belfry_str detail)
{
    json_t *doc = json_pack("{s:b}", "taken", channel != NULL);
    json_object_set_new(doc, "channel", channel ? json_string(channel) : json_null());
    json_set_str(doc, "detail", detail);
    log_info("hub", channel ? "mail came back" : "mail came back that no channel knows", "channel=%s detail=%s",
             channel ? channel : "-", log_quote(detail.ptr, detail.len));
    http_respond_json(b->req, 200, doc, NULL, 0);
    drop(b);
}

static void later(struct bounce *b, const char *why)
{
    http_problem(b->req, 503, NULL, "%s; bring it again", why);
    drop(b);
}

/* Hands it to the next that takes feedback. */
static void ask(struct bounce *b)
{
    const struct config *config = hub_config(b->hub);
    while (b->next < config->channel_count) {
        size_t i = b->next++;
        const struct plugin *plugin = config->channels[i].plugin;
        const struct hub_instance *instance = b->hub->current->channels[i];
        if (!plugin->feedback || !instance->live)
            continue;
        b->live = instance->live;
        b->id = ++b->hub->bounce_ids;
        plugin->feedback->take(host_instance_self(instance->live), b->id, b->recipient, b->req->pub.body);
        return;
    }
    known(b, NULL, STR("no channel knows what it is about"));
}

static struct bounce *find(struct hub *hub, uint64_t id)
{
    LIST_EACH(it, &hub->bounces)
    {
        struct bounce *b = LIST_OF(it, struct bounce, node);
        if (b->id == id)
            return b;
    }
    return NULL;
}

static void on_done(void *arg, const char *instance, uint64_t id, uint32_t outcome, struct belfry_str detail)
{
    struct hub *hub = arg;
    struct bounce *b = find(hub, id);
    if (!b || strcmp(host_instance_table(b->live)->instance, instance) != 0) {
        misuse_stale(instance, "feedback_done", "R04", id);
        return;
    }
    if (outcome == BELFRY_FEEDBACK_TAKEN)
        known(b, instance, detail);
    else if (outcome == BELFRY_FEEDBACK_LATER)
        later(b, "the channel could not look at it now");
    else if (b->generation != hub->current)
        later(b, "the configuration was changed meanwhile");
    else
        ask(b);
}

/* Is the instance that was asked still in force? */
static int still_asked(const struct bounce *b)
{
    const struct config *config = hub_config(b->hub);
    for (size_t i = 0; i < config->channel_count; i++)
        if (b->hub->current->channels[i]->live == b->live)
            return 1;
    return 0;
}

void hub_bounces_look(struct hub *hub)
{
    int64_t now = clock_now_ms(hub->parts.clock);
    LIST_EACH_SAFE(it, &hub->bounces)
    {
        struct bounce *b = LIST_OF(it, struct bounce, node);
        if (b->deadline_ms > now + DEADLINE_MS) /* the clock went back */
            b->deadline_ms = now + DEADLINE_MS;
        if (!still_asked(b))
            later(b, "the channel that was asked is gone");
        else if (b->deadline_ms <= now)
            later(b, "the channel did not answer in time");
    }
}

/* Its media type is said, so that a form or JSON that went astray is not taken for mail. */
static int is_mail(const struct http_request *req)
{
    struct belfry_str rest, type = str_trim(str_cut(req->pub.content_type, ';', &rest));
    return type.len == 14 && strncasecmp(type.ptr, "message/rfc822", 14) == 0;
}

static void post_bounce(void *arg, struct http_request *req)
{
    struct hub *hub = arg;
    struct belfry_str recipient = {0};
    if (!is_mail(req)) {
        http_problem(req, 415, NULL, "send the message as it came, with Content-Type: message/rfc822");
        return;
    }
    if (hub_query(req, "recipient", &recipient) < 0)
        return;
    if (recipient.len > RECIPIENT_MAX) {
        http_problem(req, 400, NULL, "recipient is no mail address");
        return;
    }
    struct bounce *b = xcalloc(1, sizeof(*b));
    *b = (struct bounce){.hub = hub,
                         .req = req,
                         .generation = hub->current,
                         .recipient = recipient,
                         .deadline_ms = clock_now_ms(hub->parts.clock) + DEADLINE_MS};
    list_push_back(&hub->bounces, &b->node);
    ask(b);
}

belfry_status hub_bounces_init(struct hub *hub, struct error *err)
{
    const struct http_route routes[] = {
        {"POST", "/v1/admin/bounces", "operator", MESSAGE_MAX, 0, post_bounce, hub},
    };
    list_init(&hub->bounces);
    host_set_feedback(hub->parts.host, on_done, hub);
    return http_routes_add(hub->parts.http, hub, routes, 1, err);
}

void hub_bounces_fini(struct hub *hub)
{
    while (hub->bounces.next && !list_empty(&hub->bounces))
        drop(LIST_OF(hub->bounces.next, struct bounce, node));
}
