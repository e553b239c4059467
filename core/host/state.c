/* SPDX-License-Identifier: Apache-2.0 */
/* belfry.state/1: a source looks at its own state from the loop, in a reader's snapshot. */
#include "base/mem.h"
#include "host/internal.h"
#include "store/state.h"

#include <stdlib.h>

#define KEY_MAX 512

struct look {
    struct arena *arena;
    struct belfry_str instance, org, key, value;
    belfry_status early;
    void (*done)(void *arg, belfry_status status, struct belfry_str value);
    void *arg;
};

/* [reader] An absent value keeps a NULL pointer; an empty one has a pointer and no length. */
static belfry_status look_read(struct store_conn *conn, void *arg)
{
    struct look *look = arg;
    int64_t inst = store_name_find(conn, look->instance), org = store_name_find(conn, look->org);
    struct belfry_str value = {NULL, 0};
    if (!inst || !org || !store_state_get(conn, inst, org, look->key, look->arena, &value))
        return BELFRY_OK;
    look->value = value.ptr ? value : STR("");
    return BELFRY_OK;
}

static void look_done(void *arg, belfry_status status)
{
    struct look *look = arg;
    look->done(look->arg, status, status == BELFRY_OK ? look->value : (struct belfry_str){NULL, 0});
    arena_free(look->arena);
    free(look);
}

static void look_early(void *arg)
{
    look_done(arg, ((struct look *)arg)->early);
}

static void get(const struct belfry_host *table, struct belfry_str org, struct belfry_str key,
                void (*done)(void *arg, belfry_status status, struct belfry_str value), void *arg)
{
    struct host *host = host_of(table);
    struct look *look = xcalloc(1, sizeof(*look));
    look->arena = arena_new(512);
    look->instance = arena_str(look->arena, str_of(table->instance));
    look->org = arena_str(look->arena, org);
    look->key = arena_str(look->arena, key);
    look->done = done;
    look->arg = arg;
    look->early = key.len < 1 || key.len > KEY_MAX ? BELFRY_EINVAL : BELFRY_OK;
    if (look->early == BELFRY_OK)
        look->early = store_read(host_parts(host)->readers, look_read, look_done, look, 0);
    if (look->early != BELFRY_OK)
        host_post(host, look_early, look);
}

const struct belfry_state_api host_state_api = {sizeof(struct belfry_state_api), 0, get};
