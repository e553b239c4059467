/* SPDX-License-Identifier: Apache-2.0 */
/* An option of a type that the hub does not know. */
#include <belfry/plugin.h>

struct config {
    const char *text;
    int64_t number;
};

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
static const struct belfry_role roles[] = {{"belfry.source/1", &source}, {0}};

static const struct belfry_option options[] = {
    {.struct_size = sizeof(struct belfry_option), .type = 99, .offset = offsetof(struct config, text), .name = "text"},
    {0},
};

static const struct belfry_plugin plugin = {
    .struct_size = sizeof(plugin),
    .id = "bad_option_type",
    .version = "1.0.0",
    .summary = "A fixture.",
    .roles = roles,
    .options = options,
    .config_size = sizeof(struct config),
    .create = create,
};

BELFRY_PLUGIN(plugin);
