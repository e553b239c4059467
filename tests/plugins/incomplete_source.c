/* SPDX-License-Identifier: Apache-2.0 */
/* A source that receives nothing. */
#include <belfry/plugin.h>

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    (void)host;
    (void)config;
    (void)err;
    *self = NULL;
    return BELFRY_OK;
}

static const struct belfry_source source = {.struct_size = sizeof(source)};
static const struct belfry_role roles[] = {{"belfry.source/1", &source}, {0}};

static const struct belfry_plugin plugin = {
    .struct_size = sizeof(plugin),
    .id = "incomplete_source",
    .version = "1.0.0",
    .summary = "A fixture.",
    .roles = roles,
    .create = create,
};

BELFRY_PLUGIN(plugin);
