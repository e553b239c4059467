/* SPDX-License-Identifier: Apache-2.0 */
/* Has one role twice: which of the two would be called? */
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

static const struct belfry_source source = {.struct_size = sizeof(source), .receive = receive};
static const struct belfry_role roles[] = {{"belfry.source/1", &source}, {"belfry.source/1", &source}, {0}};

static const struct belfry_plugin plugin = {
    .struct_size = sizeof(plugin),
    .id = "role_twice",
    .version = "1.0.0",
    .summary = "A fixture.",
    .roles = roles,
    .create = create,
};

BELFRY_PLUGIN(plugin);
