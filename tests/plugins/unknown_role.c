/* SPDX-License-Identifier: Apache-2.0 */
/* Has a role of which the hub knows nothing. */
#include <belfry/plugin.h>

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    (void)host;
    (void)config;
    (void)err;
    *self = NULL;
    return BELFRY_OK;
}

static const struct belfry_role roles[] = {{"belfry.sink/3", "anything"}, {0}};

static const struct belfry_plugin plugin = {
    .struct_size = sizeof(plugin),
    .id = "unknown_role",
    .version = "1.0.0",
    .summary = "A fixture.",
    .roles = roles,
    .create = create,
};

BELFRY_PLUGIN(plugin);
