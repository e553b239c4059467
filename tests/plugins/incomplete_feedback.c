/* SPDX-License-Identifier: Apache-2.0 */
/* Something comes back, and nobody takes it. */
#include <belfry/plugin.h>

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    (void)host;
    (void)config;
    (void)err;
    *self = NULL;
    return BELFRY_OK;
}

static void deliver(void *self, const struct belfry_batch *batch)
{
    (void)self;
    (void)batch;
}

static void cancel(void *self, uint64_t batch)
{
    (void)self;
    (void)batch;
}

static const struct belfry_delivery delivery = {.struct_size = sizeof(delivery),
                                                .flags = BELFRY_DELIVERY_PER_RECIPIENT,
                                                .max_batch = 1,
                                                .max_inflight = 1,
                                                .deliver = deliver,
                                                .cancel = cancel};
static const struct belfry_feedback feedback = {.struct_size = sizeof(feedback)};
static const struct belfry_role roles[] = {{"belfry.delivery/1", &delivery}, {"belfry.feedback/1", &feedback}, {0}};

static const struct belfry_plugin plugin = {
    .struct_size = sizeof(plugin),
    .id = "incomplete_feedback",
    .version = "1.0.0",
    .summary = "A fixture.",
    .roles = roles,
    .create = create,
};

BELFRY_PLUGIN(plugin);
