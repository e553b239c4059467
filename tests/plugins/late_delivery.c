/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A delivery that does not answer in time: its first batch waits for cancel(), and with `stubborn` longer than that,
 * until the second one comes.
 */
#include <belfry/host.h>

#include <stdlib.h>

struct config {
    uint8_t stubborn;
};

struct late {
    const struct belfry_host *host;
    const struct belfry_targets_api *targets;
    const struct config *config;
    uint64_t first;
};

static void end(const struct late *late, uint64_t batch, const char *detail)
{
    struct belfry_result result = {
        .struct_size = sizeof(result), .outcome = BELFRY_DELIVERED, .detail = belfry_str(detail)};
    late->host->complete(late->host, batch, &result, 1);
}

static void deliver(void *self, const struct belfry_batch *batch)
{
    struct late *late = self;
    if (!late->first) {
        late->first = batch->id;
        return;
    }
    end(late, late->first, "much too late");
    end(late, batch->id, "at once");
}

static void cancel(void *self, uint64_t batch)
{
    const struct late *late = self;
    if (!late->config->stubborn)
        end(late, batch, "when told to hurry");
}

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    struct late *late = calloc(1, sizeof(*late));
    if (!late)
        return host->fail(err, BELFRY_ENOMEM, NULL, "out of memory");
    late->host = host;
    late->targets = host->get_extension(host, BELFRY_EXT_TARGETS);
    late->config = config;
    *self = late;
    return BELFRY_OK;
}

static belfry_status start(void *self, struct belfry_error *err)
{
    const struct late *late = self;
    static const int64_t waits[] = {60000};
    struct belfry_target_spec spec = {
        .struct_size = sizeof(spec), .name = "somewhere", .url = "http://nowhere.example/", .secret = ""};
    struct belfry_target_policy policy = {
        .struct_size = sizeof(policy), .attempts = 2, .waits_ms = waits, .timeout_ms = 1};
    return late->targets->declare(late->host, &spec, 1, &policy, err);
}

/* A worker that ended with it may still have something to say. */
static void destroy(void *self)
{
    struct late *late = self;
    end(late, 12345, "after the end");
    free(late);
}

static const struct belfry_option options[] = {{.struct_size = sizeof(struct belfry_option),
                                                .type = BELFRY_OPT_BOOL,
                                                .offset = offsetof(struct config, stubborn),
                                                .name = "stubborn",
                                                .doc = "Does not answer when it is cancelled."},
                                               {0}};
static const struct belfry_delivery delivery = {.struct_size = sizeof(delivery),
                                                .flags = BELFRY_DELIVERY_PER_TARGET,
                                                .max_batch = 1,
                                                .max_inflight = 1,
                                                .deliver = deliver,
                                                .cancel = cancel};
static const struct belfry_role roles[] = {{"belfry.delivery/1", &delivery}, {0}};
static const char *const needs[] = {BELFRY_EXT_TARGETS, NULL};
static const struct belfry_plugin plugin = {
    .struct_size = sizeof(plugin),
    .id = "late_delivery",
    .version = "1.0.0",
    .summary = "Answers late.",
    .roles = roles,
    .needs = needs,
    .options = options,
    .config_size = sizeof(struct config),
    .create = create,
    .start = start,
    .destroy = destroy,
};

BELFRY_PLUGIN(plugin);
