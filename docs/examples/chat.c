/* SPDX-License-Identifier: Apache-2.0 */
/* A delivery: each notification becomes one line in a chat, posted to the chat's own URL. */
#include <belfry/host.h>

#include <stdio.h>
#include <stdlib.h>

struct chat_config {
    const char *url, *token;
};

struct chat {
    const struct belfry_host *host;
    const struct belfry_http_client_api *http;
    const struct chat_config *config;
    size_t open; /* requests under way */
    int stopping;
};

struct post { /* what a callback needs to know */
    struct chat *chat;
    uint64_t batch;
};

static void finish(struct chat *chat)
{
    if (chat->stopping && chat->open == 0)
        chat->host->stopped(chat->host);
}

/* Says what happened; when to try again is the hub's to decide. */
static void answered(void *arg, const struct belfry_http_answer *answer)
{
    struct post *post = arg;
    struct chat *chat = post->chat;
    char detail[120];
    struct belfry_result result = {.struct_size = sizeof result, .code = (int32_t)answer->status};
    if (answer->error)
        result.outcome = BELFRY_UNAVAILABLE; /* the whole chat is away: uses up no attempt of this message */
    else if (answer->status >= 200 && answer->status < 300)
        result.outcome = BELFRY_DELIVERED;
    else
        result.outcome = answer->status == 400 ? BELFRY_REJECTED : BELFRY_RETRY;
    snprintf(detail, sizeof detail, "chat answered %u", (unsigned)answer->status);
    result.detail = belfry_str(answer->error ? "the chat cannot be reached" : detail);
    chat->host->complete(chat->host, post->batch, &result, 1);
    chat->open--;
    free(post);
    finish(chat);
}

static void deliver(void *self, const struct belfry_batch *batch)
{
    struct chat *chat = self;
    const struct belfry_item *item = batch->items[0]; /* max_batch is 1 */
    struct belfry_str name = batch->person->name.len ? batch->person->name : batch->person->username;
    char line[1000], bearer[300];
    int len = snprintf(line, sizeof line, "%.*s: %.*s", (int)name.len, name.ptr, (int)item->title.len, item->title.ptr);
    snprintf(bearer, sizeof bearer, "Bearer %s", chat->config->token);
    struct belfry_attr headers[] = {{belfry_str("Content-Type"), belfry_str("text/plain")},
                                    {belfry_str("Authorization"), belfry_str(bearer)}};
    struct belfry_http_call call = {.struct_size = sizeof call,
                                    .method = "POST",
                                    .url = chat->config->url,
                                    .headers = headers,
                                    .header_count = 2,
                                    .body = {line, (size_t)len < sizeof line ? (size_t)len : sizeof line - 1},
                                    .timeout_ms = 10000,
                                    .connect_timeout_ms = 5000,
                                    .max_response = 1000};
    struct post *post = calloc(1, sizeof *post);
    post->chat = chat;
    post->batch = batch->id;
    if (chat->http->request(chat->host, &call, answered, post, NULL) == BELFRY_OK) {
        chat->open++;
        return; /* answered() comes on a later turn */
    }
    struct belfry_result bad = {
        .struct_size = sizeof bad, .outcome = BELFRY_REJECTED, .detail = belfry_str("the URL cannot be used")};
    chat->host->complete(chat->host, batch->id, &bad, 1);
    free(post);
}

/* The deadline of the batch is near. Requests end by their own timeout, so there is nothing to hurry. */
static void cancel(void *self, uint64_t batch)
{
    (void)self;
    (void)batch;
}

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    struct chat *chat = calloc(1, sizeof *chat);
    (void)err;
    chat->host = host;
    chat->config = config;
    chat->http = host->get_extension(host, BELFRY_EXT_HTTP_CLIENT); /* there, because `needs` names it */
    *self = chat;
    return BELFRY_OK;
}

static void stop(void *self)
{
    struct chat *chat = self;
    chat->stopping = 1;
    finish(chat);
}

static const struct belfry_option options[] = {{.struct_size = sizeof(struct belfry_option),
                                                .type = BELFRY_OPT_URL,
                                                .flags = BELFRY_OPT_REQUIRED,
                                                .offset = offsetof(struct chat_config, url),
                                                .name = "url",
                                                .doc = "Where lines are posted."},
                                               {.struct_size = sizeof(struct belfry_option),
                                                .type = BELFRY_OPT_STRING,
                                                .flags = BELFRY_OPT_REQUIRED | BELFRY_OPT_SECRET,
                                                .offset = offsetof(struct chat_config, token),
                                                .name = "token",
                                                .max = 256,
                                                .doc = "Token of the chat's bot."},
                                               {0}};

static const struct belfry_delivery delivery = {.struct_size = sizeof delivery,
                                                .flags = BELFRY_DELIVERY_PER_RECIPIENT,
                                                .max_batch = 1,
                                                .max_inflight = 8,
                                                .deliver = deliver,
                                                .cancel = cancel};
static const struct belfry_role roles[] = {{"belfry.delivery/1", &delivery}, {0}};
static const char *const needs[] = {BELFRY_EXT_HTTP_CLIENT, NULL};
static const struct belfry_plugin plugin = {.struct_size = sizeof plugin,
                                            .id = "chat",
                                            .version = "1.0.0",
                                            .summary = "Posts notifications into a chat",
                                            .roles = roles,
                                            .needs = needs,
                                            .options = options,
                                            .config_size = sizeof(struct chat_config),
                                            .create = create,
                                            .stop = stop,
                                            .destroy = free};
BELFRY_PLUGIN(plugin);
