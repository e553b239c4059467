/* SPDX-License-Identifier: Apache-2.0 */
/* Built with an older header (R07): it loads, and what it lacks is absent. */
#include <belfry/plugin.h>

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    (void)host;
    (void)config;
    (void)err;
    *self = NULL;
    return BELFRY_OK;
}

static belfry_status receive(void *self, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                             struct belfry_error *err)
{
    (void)self;
    (void)txn;
    (void)trigger;
    (void)err;
    return BELFRY_OK;
}

/* As long as an older header's: no timers, no tasks. */
static const struct belfry_source source = {.struct_size = offsetof(struct belfry_source, due), .receive = receive};
static const struct belfry_role roles[] = {{"belfry.source/1", &source}, {0}};

/* Behind an older descriptor stand the bytes of somebody else, which the hub must not take for callbacks. */
static void trap(void *self)
{
    (void)self;
    __builtin_trap();
}

static const struct belfry_plugin plugin = {
    .struct_size = offsetof(struct belfry_plugin, start),
    .id = "short_struct",
    .version = "1.0.0",
    .summary = "A fixture.",
    .roles = roles,
    .create = create,
    .stop = trap,
    .destroy = trap,
};

BELFRY_PLUGIN(plugin);
