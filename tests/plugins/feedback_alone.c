/* SPDX-License-Identifier: Apache-2.0 */
/* Takes what comes back, and sends nothing. */
#include <belfry/plugin.h>

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    (void)host;
    (void)config;
    (void)err;
    *self = NULL;
    return BELFRY_OK;
}

static void take(void *self, uint64_t id, struct belfry_str recipient, struct belfry_str message)
{
    (void)self;
    (void)id;
    (void)recipient;
    (void)message;
}

static const struct belfry_feedback feedback = {.struct_size = sizeof(feedback), .take = take};
static const struct belfry_role roles[] = {{"belfry.feedback/1", &feedback}, {0}};

static const struct belfry_plugin plugin = {
    .struct_size = sizeof(plugin),
    .id = "feedback_alone",
    .version = "1.0.0",
    .summary = "A fixture.",
    .roles = roles,
    .create = create,
};

BELFRY_PLUGIN(plugin);
