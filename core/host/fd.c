/* SPDX-License-Identifier: Apache-2.0 */
/*
 * belfry.fd/1: descriptors of plugins on the hub's loop. The watch belongs to the instance and ends with it; the
 * descriptor is the plugin's and is never closed here.
 */
#include "base/mem.h"
#include "host/internal.h"
#include "plugin/misuse.h"

struct watch {
    struct host_thing thing;
    uv_poll_t uv;
    uint32_t mask;
    void (*fn)(void *arg, uint32_t ready);
    void *arg;
};

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void drop(struct host_thing *thing)
{
    struct watch *w = LIST_OF(thing, struct watch, thing);
    uv_close((uv_handle_t *)&w->uv, on_closed);
}

static void on_ready(uv_poll_t *uv, int status, int events)
{
    struct watch *w = uv->data;
    uint32_t ready = w->mask;
    if (status == 0)
        ready = ((events & UV_READABLE) ? BELFRY_FD_READ : 0) | ((events & UV_WRITABLE) ? BELFRY_FD_WRITE : 0);
    w->fn(w->arg, ready);
}

static belfry_status watch(const struct belfry_host *table, int32_t fd, uint32_t mask,
                           void (*fn)(void *arg, uint32_t ready), void *arg, uint64_t *id)
{
    if (!host_on_loop(table, "fd.watch"))
        return BELFRY_EPERM;
    if (!fn || !mask || mask & ~(uint32_t)(BELFRY_FD_READ | BELFRY_FD_WRITE))
        return BELFRY_EINVAL;
    struct watch *w = xcalloc(1, sizeof(*w));
    int fault = uv_poll_init(host_parts(host_of(table))->loop, &w->uv, fd);
    if (fault) {
        free(w);
        return fault == UV_EEXIST ? BELFRY_ECONFLICT : BELFRY_EINVAL;
    }
    w->uv.data = w;
    w->mask = mask;
    w->fn = fn;
    w->arg = arg;
    uint64_t made = host_thing_add(host_instance_of(table), &w->thing, "fd", drop);
    uv_poll_start(&w->uv, ((mask & BELFRY_FD_READ) ? UV_READABLE : 0) | ((mask & BELFRY_FD_WRITE) ? UV_WRITABLE : 0),
                  on_ready);
    if (id)
        *id = made;
    return BELFRY_OK;
}

static void unwatch(const struct belfry_host *table, uint64_t id)
{
    if (!host_on_loop(table, "fd.unwatch"))
        return;
    struct host_thing *thing = host_thing_find(host_instance_of(table), id, "fd");
    if (!thing) {
        misuse_stale(table->instance, "fd.unwatch", "R04", id);
        return;
    }
    host_thing_remove(thing);
    drop(thing);
}

const struct belfry_fd_api host_fd_api = {sizeof(struct belfry_fd_api), 0, watch, unwatch};
