/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin as its author sees it: built out of tree against an installed Belfry. Trigger hello.said {who, text} becomes
 * one event for that person.
 */
#include <belfry/plugin.h>
#include <stdlib.h>

struct hello_config {
    const char *greeting;
};

struct hello {
    const struct belfry_host *host;
    const struct hello_config *config;
};

static belfry_status hello_create(const struct belfry_host *host, const void *config, void **self,
                                  struct belfry_error *err)
{
    struct hello *hello = calloc(1, sizeof *hello);
    if (!hello)
        return host->fail(err, BELFRY_ENOMEM, NULL, "out of memory");
    hello->host = host;
    hello->config = config;
    *self = hello;
    return BELFRY_OK;
}

static void hello_destroy(void *self)
{
    free(self);
}

static belfry_status hello_receive(void *self, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                                   struct belfry_error *err)
{
    struct hello *hello = self;
    struct belfry_str who, text;
    if (txn->api->value_str(txn, trigger, "/who", &who, err) != BELFRY_OK)
        return BELFRY_EINVAL;
    if (txn->api->value_str(txn, trigger, "/text", &text, err) != BELFRY_OK)
        return BELFRY_EINVAL;

    struct belfry_recipient to = {
        .struct_size = sizeof to, .kind = BELFRY_TO_USER, .name = who, .reason = belfry_str("greeted")};
    struct belfry_event event = {
        .struct_size = sizeof event,
        .type = belfry_str("hello.heard"),
        .severity = -1,
        .title = belfry_str(hello->config->greeting),
        .body = text,
        .audience = &to,
        .audience_count = 1,
    };
    return txn->api->emit(txn, &event, err);
}

static const struct belfry_option hello_options[] = {
    {.struct_size = sizeof(struct belfry_option),
     .type = BELFRY_OPT_STRING,
     .offset = offsetof(struct hello_config, greeting),
     .name = "greeting",
     .def = "Hello",
     .doc = "The title of the event."},
    {0},
};

static const struct belfry_event_type hello_events[] = {
    {.struct_size = sizeof(struct belfry_event_type),
     .severity = BELFRY_INFO,
     .type = "hello.heard",
     .category = "hello",
     .title = "Hello",
     .doc = "Somebody was greeted.",
     .example = "{\"who\":\"ann\",\"text\":\"Nice to see you\"}"},
    {0},
};

static const struct belfry_source hello_source = {.struct_size = sizeof hello_source, .receive = hello_receive};
static const struct belfry_role hello_roles[] = {{"belfry.source/1", &hello_source}, {0}};

static const struct belfry_plugin hello_plugin = {
    .struct_size = sizeof hello_plugin,
    .id = "hello",
    .version = "1.0.0",
    .summary = "Greets people.",
    .roles = hello_roles,
    .options = hello_options,
    .config_size = sizeof(struct hello_config),
    .events = hello_events,
    .create = hello_create,
    .destroy = hello_destroy,
};

BELFRY_PLUGIN(hello_plugin);
