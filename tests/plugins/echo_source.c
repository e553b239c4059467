/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small source that is whole: trigger echo.said {to, text, subject?} becomes one event echo.heard for that person;
 * echo.later {to, text, wait_ms} does the same from a timer; echo.unsaid {subject} withdraws.
 */
#include <belfry/plugin.h>
#include <stdlib.h>
#include <string.h>

struct config {
    const char *prefix;
    struct belfry_list also; /* of recipients */
};

struct echo {
    const struct belfry_host *host;
    const struct config *config;
};

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    struct echo *echo = calloc(1, sizeof(*echo));
    if (!echo)
        return host->fail(err, BELFRY_ENOMEM, NULL, "out of memory");
    echo->host = host;
    echo->config = config;
    *self = echo;
    return BELFRY_OK;
}

static void destroy(void *self)
{
    free(self);
}

/* "user:ann" as the recipient of an event. */
static struct belfry_recipient recipient(const char *normalized)
{
    struct belfry_recipient to = {
        .struct_size = sizeof(to), .kind = BELFRY_TO_USER, .reason = belfry_str("configured")};
    const char *colon = strchr(normalized, ':');
    if (strncmp(normalized, "role:", 5) == 0)
        to.kind = BELFRY_TO_ROLE;
    else if (strncmp(normalized, "email:", 6) == 0)
        to.kind = BELFRY_TO_EMAIL;
    to.name = belfry_str(colon ? colon + 1 : normalized);
    return to;
}

static belfry_status say(const struct echo *echo, struct belfry_txn *txn, struct belfry_str who, struct belfry_str text,
                         struct belfry_str subject, struct belfry_error *err)
{
    uint32_t more = echo->config->also.count;
    const char *const *also = echo->config->also.items;
    size_t prefix = strlen(echo->config->prefix);
    struct belfry_recipient *to = txn->api->alloc(txn, (more + 1) * sizeof(*to));
    char *title = txn->api->alloc(txn, prefix + text.len + 1);
    if (!to || !title)
        return echo->host->fail(err, BELFRY_ELIMIT, NULL, "too long");
    to[0] = (struct belfry_recipient){
        .struct_size = sizeof(*to), .kind = BELFRY_TO_USER, .name = who, .reason = belfry_str("addressed")};
    for (uint32_t i = 0; i < more; i++)
        to[i + 1] = recipient(also[i]);
    memcpy(title, echo->config->prefix, prefix);
    if (text.len)
        memcpy(title + prefix, text.ptr, text.len);
    struct belfry_event event = {
        .struct_size = sizeof(event),
        .type = belfry_str("echo.heard"),
        .subject = subject,
        .severity = -1,
        .title = {title, prefix + text.len},
        .audience = to,
        .audience_count = more + 1,
    };
    return txn->api->emit(txn, &event, err);
}

static int is(struct belfry_str s, const char *z)
{
    return s.len == strlen(z) && memcmp(s.ptr, z, s.len) == 0;
}

static belfry_status receive(void *self, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                             struct belfry_error *err)
{
    const struct echo *echo = self;
    const struct belfry_txn_api *api = txn->api;
    struct belfry_str who, text, subject = belfry_str("echo/1");
    int64_t wait_ms;
    api->value_str(txn, trigger, "/subject", &subject, NULL);
    if (is(trigger->type, "echo.unsaid")) {
        struct belfry_selection all = {.struct_size = sizeof(all), .reason = belfry_str("taken back")};
        return api->withdraw(txn, subject, &all);
    }
    if (!is(trigger->type, "echo.said") && !is(trigger->type, "echo.later"))
        return echo->host->fail(err, BELFRY_EINVAL, "/type", "expected echo.said, echo.later or echo.unsaid");
    if (api->value_str(txn, trigger, "/to", &who, err) != BELFRY_OK ||
        api->value_str(txn, trigger, "/text", &text, err) != BELFRY_OK)
        return BELFRY_EINVAL;
    if (is(trigger->type, "echo.said"))
        return say(echo, txn, who, text, subject, err);
    if (api->value_int(txn, trigger, "/wait_ms", &wait_ms, err) != BELFRY_OK)
        return BELFRY_EINVAL;
    /* the key says to whom, the payload what */
    return api->timer_set(txn, who, txn->now_ms + wait_ms, text);
}

static belfry_status due(void *self, struct belfry_txn *txn, struct belfry_str key, struct belfry_str payload,
                         int64_t was_due_ms, struct belfry_error *err)
{
    (void)was_due_ms;
    return say(self, txn, key, payload, belfry_str("echo/later"), err);
}

static const struct belfry_option also_item[] = {
    {.struct_size = sizeof(struct belfry_option), .type = BELFRY_OPT_RECIPIENT},
    {0},
};

static const struct belfry_option options[] = {
    {.struct_size = sizeof(struct belfry_option),
     .type = BELFRY_OPT_STRING,
     .offset = offsetof(struct config, prefix),
     .name = "prefix",
     .def = "Echo: ",
     .doc = "What every title starts with."},
    {.struct_size = sizeof(struct belfry_option),
     .type = BELFRY_OPT_LIST,
     .flags = BELFRY_OPT_SCALAR_LIST,
     .offset = offsetof(struct config, also),
     .name = "also",
     .doc = "Who hears everything.",
     .children = also_item},
    {0},
};

static const struct belfry_field fields[] = {
    {.struct_size = sizeof(struct belfry_field), .value_type = BELFRY_VALUE_STRING, .path = "to", .doc = "Username."},
    {.struct_size = sizeof(struct belfry_field),
     .value_type = BELFRY_VALUE_STRING,
     .path = "text",
     .doc = "The words."},
    {0},
};

static const struct belfry_action_type actions[] = {
    {.struct_size = sizeof(struct belfry_action_type),
     .id = "reply",
     .label = "Reply",
     .trigger = "echo.said",
     .comment = "Words"},
    {0},
};

static const char *const replaces[] = {"echo.heard", NULL};

static const struct belfry_event_type events[] = {
    {.struct_size = sizeof(struct belfry_event_type),
     .severity = BELFRY_WARNING,
     .type = "echo.heard",
     .category = "echo",
     .replaces = replaces,
     .actions = actions,
     .fields = fields,
     .title = "Echo: {{text}}",
     .body = "{{to}} was told {{text}}",
     .doc = "Somebody was told something.",
     .example = "{\"to\":\"ann\",\"text\":\"Hi\"}"},
    {0},
};

static const struct belfry_source source = {.struct_size = sizeof(source), .receive = receive, .due = due};
static const struct belfry_role roles[] = {{"belfry.source/1", &source}, {0}};

static const struct belfry_category categories[] = {
    {.struct_size = sizeof(struct belfry_category),
     .name = "echo",
     .label = "Echoes",
     .texts =
         (const struct belfry_category_text[]){
             {.struct_size = sizeof(struct belfry_category_text), .language = "de", .label = "Echos"}, {0}}},
    {0}};

static const struct belfry_plugin plugin = {
    .struct_size = sizeof(plugin),
    .id = "echo_source",
    .version = "1.0.0",
    .summary = "Says again what it is told.",
    .roles = roles,
    .options = options,
    .config_size = sizeof(struct config),
    .events = events,
    .categories = categories,
    .create = create,
    .destroy = destroy,
};

BELFRY_PLUGIN(plugin);
