/* SPDX-License-Identifier: Apache-2.0 */
/* belfry.state/1: a source looks at its own state from the loop, in a reader's snapshot. */
#include "base/mem.h"
#include "host/internal.h"
#include "store/state.h"

#include <stdlib.h>

#define KEY_MAX 512

#define SCAN_MAX 1000

struct look {
    struct arena *arena;
    struct belfry_str instance, org, key, value;
    struct belfry_str after;
    int reverse;
    uint32_t limit;
    struct belfry_attr *items;
    size_t count;
    belfry_status early;
    void (*done)(void *arg, belfry_status status, struct belfry_str value);
    void (*scan_done)(void *arg, belfry_status status, const struct belfry_attr *items, size_t count);
    void *arg;
};

static struct look *look_new(const struct belfry_host *table, struct belfry_str org, struct belfry_str key, void *arg)
{
    struct look *look = xcalloc(1, sizeof(*look));
    look->arena = arena_new(512);
    look->instance = arena_str(look->arena, str_of(table->instance));
    look->org = arena_str(look->arena, org);
    look->key = arena_str(look->arena, key);
    look->arg = arg;
    return look;
}

static void look_free(struct look *look)
{
    arena_free(look->arena);
    free(look);
}

/* fn on a reader, then done; or done with what was wrong, on a later turn. */
static void look_start(struct host *host, struct look *look, belfry_status (*fn)(struct store_conn *conn, void *arg),
                       void (*done)(void *arg, belfry_status status), void (*early)(void *arg))
{
    if (look->early == BELFRY_OK)
        look->early = store_read(host_parts(host)->readers, fn, done, look, 0);
    if (look->early != BELFRY_OK)
        host_post(host, early, look);
}

/* --- one value ---------------------------------------------------------------------------------------------------- */

/* [reader] An absent value keeps a NULL pointer; an empty one has a pointer and no length. */
static belfry_status get_read(struct store_conn *conn, void *arg)
{
    struct look *look = arg;
    int64_t inst = store_name_find(conn, look->instance), org = store_name_find(conn, look->org);
    struct belfry_str value = {NULL, 0};
    if (!inst || !org || !store_state_get(conn, inst, org, look->key, look->arena, &value))
        return BELFRY_OK;
    look->value = value.ptr ? value : STR("");
    return BELFRY_OK;
}

static void get_done(void *arg, belfry_status status)
{
    struct look *look = arg;
    look->done(look->arg, status, status == BELFRY_OK ? look->value : (struct belfry_str){NULL, 0});
    look_free(look);
}

static void get_early(void *arg)
{
    get_done(arg, ((struct look *)arg)->early);
}

static void get(const struct belfry_host *table, struct belfry_str org, struct belfry_str key,
                void (*done)(void *arg, belfry_status status, struct belfry_str value), void *arg)
{
    if (!host_on_loop(table, "state.get"))
        return;
    struct look *look = look_new(table, org, key, arg);
    look->done = done;
    look->early = key.len < 1 || key.len > KEY_MAX ? BELFRY_EINVAL : BELFRY_OK;
    look_start(host_of(table), look, get_read, get_done, get_early);
}

/* --- a range ------------------------------------------------------------------------------------------------------ */

static int take(void *arg, struct belfry_str key, struct belfry_str value)
{
    struct look *look = arg;
    look->items[look->count++] = (struct belfry_attr){arena_str(look->arena, key), arena_str(look->arena, value)};
    return look->count == look->limit;
}

/* [reader] */
static belfry_status scan_read(struct store_conn *conn, void *arg)
{
    struct look *look = arg;
    int64_t inst = store_name_find(conn, look->instance), org = store_name_find(conn, look->org);
    look->items = arena_alloc(look->arena, look->limit * sizeof(*look->items));
    if (inst && org)
        store_state_scan(conn, inst, org, look->key, look->after, look->reverse, take, look);
    return BELFRY_OK;
}

static void scan_done(void *arg, belfry_status status)
{
    struct look *look = arg;
    look->scan_done(look->arg, status, look->items, status == BELFRY_OK ? look->count : 0);
    look_free(look);
}

static void scan_early(void *arg)
{
    scan_done(arg, ((struct look *)arg)->early);
}

static void scan(const struct belfry_host *table, struct belfry_str org, struct belfry_str prefix,
                 struct belfry_str after, int32_t reverse, uint32_t limit,
                 void (*done)(void *arg, belfry_status status, const struct belfry_attr *items, size_t count),
                 void *arg)
{
    if (!host_on_loop(table, "state.scan"))
        return;
    struct look *look = look_new(table, org, prefix, arg);
    look->after = arena_str(look->arena, after);
    look->reverse = reverse;
    look->limit = limit;
    look->scan_done = done;
    int wrong = prefix.len > KEY_MAX || after.len > KEY_MAX || limit < 1 || limit > SCAN_MAX;
    look->early = wrong ? BELFRY_EINVAL : BELFRY_OK;
    look_start(host_of(table), look, scan_read, scan_done, scan_early);
}

const struct belfry_state_api host_state_api = {sizeof(struct belfry_state_api), 0, get, scan};
