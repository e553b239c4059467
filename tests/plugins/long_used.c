/* SPDX-License-Identifier: Apache-2.0 */
/* Built with a newer header, and uses what this hub does not know (R07). */
#include <belfry/plugin.h>

struct newer_plugin {
    struct belfry_plugin known;
    void (*beyond)(void);
    uint64_t more;
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

static const struct newer_plugin plugin = {
    .known =
        {
            .struct_size = sizeof(plugin),
            .id = "long_used",
            .version = "1.0.0",
            .summary = "A fixture.",
            .roles = roles,
            .create = create,
        },
    .more = 7,
};

BELFRY_PLUGIN(plugin.known);
