/* SPDX-License-Identifier: Apache-2.0 */
/* Loads, and refuses every configuration. */
#include <belfry/plugin.h>

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    (void)config;
    *self = NULL;
    return host->fail(err, BELFRY_EINVAL, "/server", "the fixture refuses every server");
}

/* create() returned an error, so there is nothing to destroy. */
static void destroy(void *self)
{
    (void)self;
    __builtin_trap();
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

static const struct belfry_source source = {.struct_size = sizeof(source), .receive = receive};
static const struct belfry_role roles[] = {{"belfry.source/1", &source}, {0}};

static const struct belfry_plugin plugin = {
    .struct_size = sizeof(plugin),
    .id = "create_fails",
    .version = "1.0.0",
    .summary = "A fixture.",
    .roles = roles,
    .create = create,
    .destroy = destroy,
};

BELFRY_PLUGIN(plugin);
