/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A delivery whose text is a template of the admin's: the message of a chat with incoming webhooks. It shows a map with
 * free keys, a view that a plugin makes itself, reload(), and private addresses that the admin allows.
 */
#include <belfry/host.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct config {
    const char *url, *token;
    const struct belfry_template *text;
    struct belfry_map icons;        /* of const char *, by severity; keys are sorted */
    struct belfry_list allow_cidrs; /* of const char * */
    int64_t timeout_ms;
};

struct slack {
    const struct belfry_host *host;
    const struct belfry_http_client_api *http;
    const struct belfry_template_api *templates;
    const struct config *config;
    size_t open; /* requests under way */
    int stopping;
};

/* --- what the template reads: an object of texts ------------------------------------------------------------------ */

struct field {
    const char *name;
    struct belfry_str text;
};

struct message {
    struct belfry_view view; /* impl is the message */
    struct field fields[6];
    uint32_t count;
};

static void text_value(struct belfry_str text, struct belfry_value *out)
{
    *out = (struct belfry_value){.type = BELFRY_VALUE_STRING, .s = text};
}

static void root(const struct belfry_view *view, struct belfry_value *out)
{
    const struct message *m = view->impl;
    *out = (struct belfry_value){.type = BELFRY_VALUE_OBJECT, .count = m->count, .node = m};
}

static void get(const struct belfry_view *view, const struct belfry_value *object, struct belfry_str key,
                struct belfry_value *out)
{
    const struct message *m = view->impl;
    (void)object; /* there is one */
    *out = (struct belfry_value){.type = BELFRY_VALUE_MISSING};
    for (uint32_t i = 0; i < m->count; i++) {
        if (strlen(m->fields[i].name) == key.len && memcmp(m->fields[i].name, key.ptr, key.len) == 0)
            text_value(m->fields[i].text, out);
    }
}

static void at(const struct belfry_view *view, const struct belfry_value *array, uint32_t index,
               struct belfry_value *out)
{
    (void)view;
    (void)array;
    (void)index;
    *out = (struct belfry_value){.type = BELFRY_VALUE_MISSING}; /* there are no arrays */
}

static void member(const struct belfry_view *view, const struct belfry_value *object, uint32_t index,
                   struct belfry_str *key, struct belfry_value *out)
{
    const struct message *m = view->impl;
    (void)object;
    *key = belfry_str(m->fields[index].name);
    text_value(m->fields[index].text, out);
}

static const char *icon_of(const struct config *config, const char *severity)
{
    const char *const *icons = config->icons.values;
    for (uint32_t i = 0; i < config->icons.count; i++) {
        if (strcmp(config->icons.keys[i], severity) == 0)
            return icons[i];
    }
    return "";
}

static void message_fill(struct message *m, const struct config *config, const struct belfry_batch *batch)
{
    static const char *const severities[] = {"info", "success", "warning", "error", "critical"};
    const struct belfry_item *item = batch->items[0];
    const char *severity = item->severity < 5 ? severities[item->severity] : "info";
    *m = (struct message){
        .view = {.struct_size = sizeof m->view, .impl = m, .root = root, .get = get, .at = at, .member = member},
        .fields = {{"icon", belfry_str(icon_of(config, severity))},
                   {"severity", belfry_str(severity)},
                   {"title", item->title},
                   {"body", item->body},
                   {"href", item->href}, /* the notification in the inbox, absolute */
                   {"name", batch->person->name.len ? batch->person->name : batch->person->username}},
        .count = 6};
}

/* --- JSON --------------------------------------------------------------------------------------------------------- */

struct body {
    char text[8192];
    size_t len;
};

/* The template's result; longer ones are cut between characters. */
static void add_text(void *arg, struct belfry_str text)
{
    struct body *b = arg;
    size_t room = sizeof b->text - 16;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (b->len >= room && (c & 0xC0) != 0x80)
            return;
        if (c == '"' || c == '\\' || c < 0x20)
            b->len += (size_t)sprintf(b->text + b->len, "\\u%04x", c);
        else
            b->text[b->len++] = (char)c;
    }
}

/* --- delivering --------------------------------------------------------------------------------------------------- */

struct post {
    struct slack *slack;
    uint64_t batch;
};

static void finish(struct slack *s)
{
    if (s->stopping && s->open == 0)
        s->host->stopped(s->host);
}

static void answered(void *arg, const struct belfry_http_answer *answer)
{
    struct post *post = arg;
    struct slack *s = post->slack;
    char detail[80];
    struct belfry_result result = {.struct_size = sizeof result, .code = (int32_t)answer->status};
    snprintf(detail, sizeof detail, "the chat answered %u", (unsigned)answer->status);
    result.detail = answer->error ? answer->error_text : belfry_str(detail);
    if (answer->error)
        result.outcome = BELFRY_UNAVAILABLE;
    else if (answer->status == 200)
        result.outcome = BELFRY_DELIVERED;
    else
        result.outcome = answer->status == 400 || answer->status == 404 ? BELFRY_REJECTED : BELFRY_RETRY;
    s->host->complete(s->host, post->batch, &result, 1);
    s->open--;
    free(post);
    finish(s);
}

static void deliver(void *self, const struct belfry_batch *batch)
{
    struct slack *s = self;
    const struct config *config = s->config;
    struct message message;
    struct body body = {.len = 0};
    const char *cidrs[17] = {NULL};
    char authorization[300];
    message_fill(&message, config, batch);
    body.len = (size_t)sprintf(body.text, "{\"text\":\"");
    if (s->templates->render(config->text, &message.view, add_text, &body) != BELFRY_OK)
        add_text(&body, batch->items[0]->title); /* a template that fails is no reason to say nothing */
    body.len += (size_t)sprintf(body.text + body.len, "\"}");
    for (uint32_t i = 0; i < config->allow_cidrs.count && i < 16; i++)
        cidrs[i] = ((const char *const *)config->allow_cidrs.items)[i];
    snprintf(authorization, sizeof authorization, "Bearer %s", config->token);
    struct belfry_attr headers[] = {{belfry_str("content-type"), belfry_str("application/json")},
                                    {belfry_str("authorization"), belfry_str(authorization)}};
    struct belfry_http_call call = {.struct_size = sizeof call,
                                    .method = "POST",
                                    .url = config->url,
                                    .headers = headers,
                                    .header_count = 2,
                                    .body = {body.text, body.len},
                                    .timeout_ms = config->timeout_ms,
                                    .connect_timeout_ms = config->timeout_ms,
                                    .max_response = 1000,
                                    .allow_cidrs = cidrs};
    struct post *post = malloc(sizeof *post);
    if (post) {
        *post = (struct post){s, batch->id};
        if (s->http->request(s->host, &call, answered, post, NULL) == BELFRY_OK) { /* copies what it is given */
            s->open++;
            return;
        }
    }
    free(post);
    struct belfry_result bad = {
        .struct_size = sizeof bad, .outcome = BELFRY_RETRY, .detail = belfry_str("the request could not be made")};
    s->host->complete(s->host, batch->id, &bad, 1);
}

static void cancel(void *self, uint64_t batch)
{
    (void)self; /* requests end by their timeout, which is shorter than the hub's patience */
    (void)batch;
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    struct slack *s = calloc(1, sizeof *s);
    if (!s)
        return host->fail(err, BELFRY_ENOMEM, NULL, "out of memory");
    s->host = host;
    s->config = config;
    s->http = host->get_extension(host, BELFRY_EXT_HTTP_CLIENT);
    s->templates = host->get_extension(host, BELFRY_EXT_TEMPLATE);
    *self = s;
    return BELFRY_OK;
}

/* The running instance takes other options; without reload() it would be replaced. The old ones are gone after OK. */
static belfry_status reload(void *self, const void *config, struct belfry_error *err)
{
    (void)err;
    ((struct slack *)self)->config = config;
    return BELFRY_OK;
}

static void stop(void *self)
{
    struct slack *s = self;
    s->stopping = 1;
    finish(s);
}

#define OPTION(option_type, member, ...)                                                                               \
    {                                                                                                                  \
        .struct_size = sizeof(struct belfry_option), .type = BELFRY_OPT_##option_type,                                 \
        .offset = offsetof(struct config, member), __VA_ARGS__                                                         \
    }

static const struct belfry_option element[] = {
    {.struct_size = sizeof(struct belfry_option), .type = BELFRY_OPT_STRING, .max = 60}, {0}};

static const struct belfry_option options[] = {
    OPTION(URL, url, .name = "url", .flags = BELFRY_OPT_REQUIRED, .doc = "Where messages are posted."),
    OPTION(STRING, token, .name = "token", .flags = BELFRY_OPT_REQUIRED | BELFRY_OPT_SECRET, .max = 256,
           .doc = "Token of the chat's application."),
    OPTION(TEMPLATE, text, .name = "text", .def = "{{icon}} {{name}}: {{title}} {{href}}",
           .doc = "Over icon, severity, title, body, href and name of the person."),
    OPTION(MAP, icons, .name = "icons", .children = element, .def = "{error: ':x:', critical: ':fire:'}",
           .doc = "What {{icon}} is, by severity."),
    OPTION(LIST, allow_cidrs, .name = "allow_cidrs", .flags = BELFRY_OPT_SCALAR_LIST, .children = element, .max = 16,
           .doc = "Private address ranges that the chat may be in."),
    OPTION(DURATION, timeout_ms, .name = "timeout", .def = "10s", .min = 100, .max = 30000,
           .doc = "How long the chat may take to answer."),
    {0}};

static const struct belfry_delivery delivery = {.struct_size = sizeof delivery,
                                                .flags = BELFRY_DELIVERY_PER_RECIPIENT,
                                                .max_batch = 1,
                                                .max_inflight = 8,
                                                .deliver = deliver,
                                                .cancel = cancel};
static const struct belfry_role roles[] = {{"belfry.delivery/1", &delivery}, {0}};
static const char *const needs[] = {BELFRY_EXT_HTTP_CLIENT, BELFRY_EXT_TEMPLATE, NULL};
static const struct belfry_plugin plugin = {.struct_size = sizeof plugin,
                                            .id = "slack",
                                            .version = "1.0.0",
                                            .summary = "Posts notifications into a chat, as a template says",
                                            .roles = roles,
                                            .needs = needs,
                                            .options = options,
                                            .config_size = sizeof(struct config),
                                            .create = create,
                                            .stop = stop,
                                            .destroy = free,
                                            .reload = reload};
BELFRY_PLUGIN(plugin);
