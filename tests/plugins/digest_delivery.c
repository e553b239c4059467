/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A delivery that takes several items at once, as mail does: GET /v1/{org}/digests tells each batch that it was given,
 * oldest first, with its kind, key, true total and items; `log` names a file that gets the same, a line each, which is
 * there still when the hub was killed. What it answers follows from the title of the first item:
 * one that says `unknown`, `retry`, `deferred`, `unavailable` or `rejected` is answered so as often as the number
 * behind the word says (once without one), counted by the key of the batch; `never` is not
 * answered at all, `hold` not at the first attempt.
 */
#include <belfry/host.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct config {
    const char *log;
    int64_t after_ms, digest_hour;
    struct belfry_list unless;
};

struct digests {
    const struct belfry_host *host;
    const struct belfry_http_route_api *http;
    json_t *sent, *tries; /* tries: by key */
    FILE *log;            /* NULL: none */
};

static const char *const unless_words[] = {"seen", "read", "handled", "hidden", NULL};
static const struct belfry_option unless_element[] = {
    {.struct_size = sizeof(struct belfry_option), .type = BELFRY_OPT_CHOICE, .choices = unless_words}, {0}};
static const struct belfry_option options[] = {{.struct_size = sizeof(struct belfry_option),
                                                .type = BELFRY_OPT_DURATION,
                                                .offset = offsetof(struct config, after_ms),
                                                .name = "after",
                                                .def = "5m",
                                                .max = 86400000,
                                                .doc = "How long a row is left to be seen."},
                                               {.struct_size = sizeof(struct belfry_option),
                                                .type = BELFRY_OPT_LIST,
                                                .offset = offsetof(struct config, unless),
                                                .name = "unless",
                                                .def = "[seen, handled]",
                                                .flags = BELFRY_OPT_SCALAR_LIST,
                                                .children = unless_element,
                                                .doc = "What makes it needless."},
                                               {.struct_size = sizeof(struct belfry_option),
                                                .type = BELFRY_OPT_INT,
                                                .offset = offsetof(struct config, digest_hour),
                                                .name = "digest_hour",
                                                .def = "8",
                                                .max = 23,
                                                .doc = "Hour at which digests go out to whoever chose none."},
                                               {.struct_size = sizeof(struct belfry_option),
                                                .type = BELFRY_OPT_STRING,
                                                .offset = offsetof(struct config, log),
                                                .name = "log",
                                                .doc = "File that gets a line for each batch."},
                                               {0}};

static json_t *text(struct belfry_str s)
{
    return json_stringn(s.ptr ? s.ptr : "", s.len);
}

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    const struct config *c = config;
    struct digests *d = calloc(1, sizeof(*d));
    if (!d)
        return host->fail(err, BELFRY_ENOMEM, NULL, "out of memory");
    d->log = c->log ? fopen(c->log, "a") : NULL;
    d->host = host;
    d->http = host->get_extension(host, BELFRY_EXT_HTTP_ROUTE);
    d->sent = json_array();
    d->tries = json_object();
    *self = d;
    return BELFRY_OK;
}

static void stop(void *self)
{
    struct digests *d = self;
    d->host->stopped(d->host);
}

static void destroy(void *self)
{
    struct digests *d = self;
    json_decref(d->sent);
    json_decref(d->tries);
    if (d->log)
        fclose(d->log);
    free(d);
}

static json_t *item_json(const struct belfry_item *item)
{
    json_t *out = json_object();
    json_object_set_new(out, "title", text(item->title));
    json_object_set_new(out, "category", text(item->category));
    json_object_set_new(out, "category_label", text(item->category_label));
    json_object_set_new(out, "reason", text(item->reason));
    json_object_set_new(out, "href", text(item->href));
    json_object_set_new(out, "required", json_boolean(item->flags & BELFRY_ITEM_REQUIRED));
    json_object_set_new(out, "waited_ms", json_integer(item->waited_ms));
    json_object_set_new(out, "valid_until_ms", json_integer(item->valid_until_ms));
    return out;
}

static json_t *batch_json(const struct digests *d, const struct belfry_batch *batch)
{
    static const char *const kinds[] = {"single", "digest", "catch_up"};
    json_t *out = json_object(), *items = json_array();
    for (uint32_t i = 0; i < batch->item_count; i++)
        json_array_append_new(items, item_json(batch->items[i]));
    json_object_set_new(out, "to", text(batch->person->username));
    json_object_set_new(out, "email", text(batch->person->email));
    json_object_set_new(out, "kind", json_string(batch->kind < 3 ? kinds[batch->kind] : "?"));
    json_object_set_new(out, "key", text(batch->key));
    json_object_set_new(out, "total", json_integer(batch->total));
    json_object_set_new(out, "attempt", json_integer(batch->attempt));
    json_object_set_new(out, "at_ms", json_integer(d->host->now_ms(d->host)));
    json_object_set_new(out, "items", items);
    return out;
}

/* 1 while the title asks for it. */
static int wants(const char *title, const char *word, json_int_t tries)
{
    const char *at = strstr(title, word);
    if (!at)
        return 0;
    long times = strtol(at + strlen(word), NULL, 10);
    return tries <= (times > 0 ? times : 1);
}

static void answer(struct digests *d, const struct belfry_batch *batch, const char *title, json_int_t tries)
{
    static const struct {
        const char *word;
        uint32_t outcome;
    } words[] = {{"unknown", BELFRY_UNKNOWN},
                 {"retry", BELFRY_RETRY},
                 {"deferred", BELFRY_DEFERRED},
                 {"unavailable", BELFRY_UNAVAILABLE},
                 {"rejected", BELFRY_REJECTED}};
    struct belfry_result result = {.struct_size = sizeof(result), .outcome = BELFRY_DELIVERED};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (wants(title, words[i].word, tries))
            result.outcome = words[i].outcome;
    if (result.outcome != BELFRY_DELIVERED)
        result.detail = belfry_str("as the title says");
    if (!strstr(title, "never") && !(strstr(title, "hold") && batch->attempt == 1))
        d->host->complete(d->host, batch->id, &result, 1);
}

static void deliver(void *self, const struct belfry_batch *batch)
{
    struct digests *d = self;
    char *key = strndup(batch->key.ptr, batch->key.len),
         *title = strndup(batch->items[0]->title.ptr, batch->items[0]->title.len);
    json_int_t tries = json_integer_value(json_object_get(d->tries, key)) + 1;
    json_object_set_new(d->tries, key, json_integer(tries));
    json_t *line = batch_json(d, batch);
    if (d->log) {
        json_dumpf(line, d->log, JSON_COMPACT);
        fputc('\n', d->log);
        fflush(d->log);
    }
    json_array_append_new(d->sent, line);
    answer(d, batch, title, tries);
    free(title);
    free(key);
}

static void cancel(void *self, uint64_t batch)
{
    (void)self;
    (void)batch; /* what is not answered stays so */
}

static void list(void *self, const struct belfry_http_request *req)
{
    struct digests *d = self;
    char *body = json_dumps(d->sent, 0);
    struct belfry_http_response response = {.struct_size = sizeof(response),
                                            .status = 200,
                                            .content_type = belfry_str("application/json"),
                                            .body = belfry_str(body)};
    d->http->respond(d->host, req->id, &response);
    free(body);
}

static const struct belfry_route routes[] = {{.struct_size = sizeof(struct belfry_route),
                                              .method = "GET",
                                              .pattern = "/v1/{org}/digests",
                                              .auth = "token:read",
                                              .handle = list},
                                             {0}};

static const char *const needs[] = {BELFRY_EXT_HTTP_ROUTE, NULL};

static const struct belfry_delivery delivery = {.struct_size = sizeof(struct belfry_delivery),
                                                .flags = BELFRY_DELIVERY_PER_RECIPIENT | BELFRY_DELIVERY_PREFERENCE |
                                                         BELFRY_DELIVERY_DIGEST,
                                                .max_batch = 50,
                                                .max_inflight = 8,
                                                .deliver = deliver,
                                                .cancel = cancel};
static const struct belfry_role roles[] = {{"belfry.delivery/1", &delivery}, {0}};

static const struct belfry_plugin plugin = {
    .struct_size = sizeof(struct belfry_plugin),
    .id = "digest_delivery",
    .version = "1.0.0",
    .summary = "Writes down what it is given, several items at once.",
    .roles = roles,
    .needs = needs,
    .options = options,
    .config_size = sizeof(struct config),
    .routes = routes,
    .create = create,
    .stop = stop,
    .destroy = destroy,
};

BELFRY_PLUGIN(plugin);
