/* SPDX-License-Identifier: Apache-2.0 */
/* Has no role at all. */
#include <belfry/plugin.h>

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    (void)host;
    (void)config;
    (void)err;
    *self = NULL;
    return BELFRY_OK;
}

static const struct belfry_plugin plugin = {
    .struct_size = sizeof(plugin),
    .id = "no_role",
    .version = "1.0.0",
    .summary = "A fixture.",
    .create = create,
};

BELFRY_PLUGIN(plugin);
