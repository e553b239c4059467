/* SPDX-License-Identifier: Apache-2.0 */
/* belfry.directory/1: people of the configuration in force, on the loop and without a query. */
#include "base/mem.h"
#include "host/internal.h"

#include <stdlib.h>

/* What a call handed out lives until the next turn, also when the configuration is replaced meanwhile. */
struct lent {
    struct arena *arena;
    struct config *config;
};

static void take_back(void *arg)
{
    struct lent *lent = arg;
    config_unref(lent->config);
    arena_free(lent->arena);
    free(lent);
}

static belfry_status person(const struct belfry_host *table, struct belfry_str org, struct belfry_str username,
                            struct belfry_person *out)
{
    if (!host_on_loop(table, "directory.person"))
        return BELFRY_EPERM;
    struct host *host = host_of(table);
    struct config *config = host_config(host);
    const struct config_user *user = config ? config_user(config, org, username) : NULL;
    if (!user)
        return BELFRY_ENOTFOUND;
    struct lent *lent = xcalloc(1, sizeof(*lent));
    lent->arena = arena_new(256);
    lent->config = config_ref(config);
    struct belfry_str *roles = arena_alloc(lent->arena, (user->roles.count + 1) * sizeof(*roles));
    for (size_t i = 0; i < user->roles.count; i++)
        roles[i] = str_of(user->roles.items[i]);
    *out = (struct belfry_person){
        .struct_size = sizeof(*out),
        .username = str_of(user->username),
        .name = str_of(user->name),
        .email = str_of(user->email),
        .locale = str_of(user->locale),
        .timezone = str_of(user->timezone),
        .roles = {roles, user->roles.count},
    };
    host_post(host, take_back, lent);
    return BELFRY_OK;
}

const struct belfry_directory_api host_directory_api = {sizeof(struct belfry_directory_api), 0, person};
