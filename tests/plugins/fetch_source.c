/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source that knows how to look for what is new: refresh() submits one trigger fetch.found that tells the person of
 * option `to`, and ends its part when that was answered, with the status of option `end`: ok, fails, never (it does not
 * end at all), twice, or refused (the trigger is, for want of a member).
 */
#include <belfry/plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct config {
    const char *to, *end;
};

struct fetch {
    const struct belfry_host *host;
    const struct config *config;
    uint64_t number;
};

struct errand {
    struct fetch *fetch;
    uint64_t job;
};

static void found(void *arg, belfry_status status, struct belfry_str message)
{
    struct errand *errand = arg;
    struct fetch *fetch = errand->fetch;
    const char *end = fetch->config->end;
    char line[200];
    snprintf(line, sizeof(line), "what was found is refused: %.*s", (int)message.len, message.ptr);
    if (status != BELFRY_OK)
        fetch->host->log(fetch->host, BELFRY_LOG_WARN, line);
    if (strcmp(end, "fails") == 0)
        status = BELFRY_EIO;
    for (int i = 0; strcmp(end, "never") != 0 && i < (strcmp(end, "twice") == 0 ? 2 : 1); i++)
        fetch->host->job_done(fetch->host, errand->job, 1, 0, status);
    free(errand);
}

static void refresh(void *self, uint64_t job, struct belfry_str org)
{
    struct fetch *fetch = self;
    struct errand *errand = calloc(1, sizeof(*errand));
    char id[64];
    snprintf(id, sizeof(id), "%lld-%llu", (long long)fetch->host->now_ms(fetch->host),
             (unsigned long long)++fetch->number);
    struct belfry_submission sub = {.struct_size = sizeof(sub),
                                    .org = org,
                                    .id = belfry_str(id),
                                    .source = belfry_str("/fetch"),
                                    .type = belfry_str("fetch.found"),
                                    .data = belfry_str("{}")};
    *errand = (struct errand){fetch, job};
    belfry_status status = fetch->host->submit(fetch->host, &sub, found, errand);
    if (status != BELFRY_OK)
        found(errand, status, belfry_str(""));
}

static belfry_status receive(void *self, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                             struct belfry_error *err)
{
    const struct fetch *fetch = self;
    struct belfry_str none;
    if (strcmp(fetch->config->end, "refused") == 0)
        return txn->api->value_username(txn, trigger, "/who", &none, err);
    struct belfry_recipient to = {.struct_size = sizeof(to),
                                  .kind = BELFRY_TO_USER,
                                  .name = belfry_str(fetch->config->to),
                                  .reason = belfry_str("fetched")};
    struct belfry_event event = {.struct_size = sizeof(event),
                                 .type = belfry_str("fetch.found"),
                                 .subject = trigger->id,
                                 .severity = -1,
                                 .audience = &to,
                                 .audience_count = 1};
    return txn->api->emit(txn, &event, err);
}

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    struct fetch *fetch = calloc(1, sizeof(*fetch));
    if (!fetch)
        return host->fail(err, BELFRY_ENOMEM, NULL, "out of memory");
    fetch->host = host;
    fetch->config = config;
    *self = fetch;
    return BELFRY_OK;
}

static const struct belfry_option options[] = {{.struct_size = sizeof(struct belfry_option),
                                                .type = BELFRY_OPT_STRING,
                                                .offset = offsetof(struct config, to),
                                                .name = "to",
                                                .def = "ann",
                                                .doc = "Who is told."},
                                               {.struct_size = sizeof(struct belfry_option),
                                                .type = BELFRY_OPT_STRING,
                                                .offset = offsetof(struct config, end),
                                                .name = "end",
                                                .def = "ok",
                                                .doc = "ok, fails, never, twice or refused."},
                                               {0}};

static const struct belfry_event_type events[] = {{.struct_size = sizeof(struct belfry_event_type),
                                                   .type = "fetch.found",
                                                   .category = "news",
                                                   .severity = BELFRY_INFO,
                                                   .title = "Found upstream",
                                                   .doc = "Something new was found.",
                                                   .example = "{}"},
                                                  {0}};

static const struct belfry_source source = {.struct_size = sizeof(source), .receive = receive, .refresh = refresh};
static const struct belfry_role roles[] = {{"belfry.source/1", &source}, {0}};

static const struct belfry_plugin plugin = {.struct_size = sizeof(plugin),
                                            .id = "fetch_source",
                                            .version = "1.0.0",
                                            .summary = "Looks for what is new when it is asked to.",
                                            .roles = roles,
                                            .options = options,
                                            .config_size = sizeof(struct config),
                                            .events = events,
                                            .create = create,
                                            .destroy = free};

BELFRY_PLUGIN(plugin);
