/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl's sockets on the loop.
 *
 * curl forgets a socket between two requests and names it again for the next, and each time libuv would take it out of
 * epoll and put it back: four system calls a request. So the watch of a connection is kept until its socket is closed,
 * and stays armed while nobody asks. What happens on an idle connection (the receiver closed it) is seen once; curl
 * finds out when it wants to use it. What comes on one is nobody's answer (a proxy's 408 before it hangs up, the rest
 * of a body that was longer than its length), but curl would take it for that to the next request: it is thrown away,
 * and the connection with it.
 *
 * Only the sockets of established connections are closed through CURLOPT_CLOSESOCKETFUNCTION. Those that never got
 * there, and the resolver's, are closed behind our back: they are watched only while curl asks for it.
 */
#include "base/mem.h"
#include "client/engine.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define STRAY_READS 256 /* of 4 KiB, of what nobody asked for */

struct watch {
    uv_poll_t poll;
    struct pool *pool;
    struct host *host; /* of a kept connection; NULL: not said */
    curl_socket_t fd;
    int wanted, armed;                    /* UV_READABLE, UV_WRITABLE: what is asked for, what the loop watches */
    int kept;                             /* until sockets_on_close */
    void (*ready)(void *arg, int events); /* of whoever borrowed the socket from curl */
    void *arg;
};

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static struct watch *watch_of(struct engine *engine, curl_socket_t fd)
{
    return (size_t)fd < engine->watch_cap ? engine->watches[fd] : NULL;
}

static void watch_end(struct watch *w)
{
    struct engine *engine = w->pool->engine;
    engine->watches[w->fd] = NULL;
    engine->kept -= w->kept != 0;
    if (w->host) {
        w->host->connections--;
        host_unref(&engine->hosts, w->host);
    }
    uv_close((uv_handle_t *)&w->poll, on_closed);
}

static struct watch *watch_new(struct pool *pool, curl_socket_t fd)
{
    struct engine *engine = pool->engine;
    struct watch *w = xcalloc(1, sizeof(*w));
    size_t had = engine->watch_cap;
    engine->watches = xgrow(engine->watches, &engine->watch_cap, (size_t)fd + 1, sizeof(struct watch *));
    for (size_t i = had; i < engine->watch_cap; i++)
        engine->watches[i] = NULL;
    w->pool = pool;
    w->fd = fd;
    w->poll.data = w;
    engine->watches[fd] = w;
    uv_poll_init_socket(engine->loop, &w->poll, fd);
    return w;
}

/* curl finds a connection dead when it reads its end, so nothing may be left before that. */
static void spoil(curl_socket_t fd)
{
    char stray[4096];
    ssize_t len = recv(fd, stray, sizeof(stray), MSG_DONTWAIT);
    if (len <= 0)
        return;
    shutdown(fd, SHUT_RDWR);
    for (int i = 0; i < STRAY_READS && len > 0; i++)
        len = recv(fd, stray, sizeof(stray), MSG_DONTWAIT);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watch *w = poll->data;
    int flags = (events & UV_READABLE ? CURL_CSELECT_IN : 0) | (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);
    if (w->ready) {
        w->ready(w->arg, status < 0 ? UV_READABLE : events); /* reading tells what is wrong */
        return;
    }
    if (w->wanted) {
        pool_action(w->pool, w->fd, status < 0 ? CURL_CSELECT_ERR : flags);
        return;
    }
    uv_poll_stop(&w->poll);
    w->armed = 0;
    if (w->kept)
        spoil(w->fd);
}

static void arm(struct watch *w)
{
    if (!w->wanted || w->wanted == w->armed)
        return;
    w->armed = w->wanted;
    uv_poll_start(&w->poll, w->wanted, on_poll);
}

int sockets_on_want(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    (void)easy;
    (void)socket_arg;
    struct pool *pool = arg;
    struct watch *w = watch_of(pool->engine, fd);
    int wanted = (what == CURL_POLL_IN || what == CURL_POLL_INOUT ? UV_READABLE : 0) |
                 (what == CURL_POLL_OUT || what == CURL_POLL_INOUT ? UV_WRITABLE : 0);
    if (!w && wanted)
        w = watch_new(pool, fd);
    if (!w || w->ready) /* what it makes of a socket that it has lent is nothing to us */
        return 0;
    w->wanted = wanted;
    if (what == CURL_POLL_REMOVE && !w->kept)
        watch_end(w);
    else
        arm(w);
    return 0;
}

static struct watch *keep(struct pool *pool, curl_socket_t fd)
{
    struct watch *w = watch_of(pool->engine, fd);
    if (!w)
        w = watch_new(pool, fd);
    pool->engine->kept += !w->kept;
    w->kept = 1;
    return w;
}

void sockets_keep(struct pool *pool, curl_socket_t fd, struct host *host)
{
    struct watch *w = keep(pool, fd);
    if (!w->armed && !w->wanted) {
        w->armed = UV_READABLE;
        uv_poll_start(&w->poll, UV_READABLE, on_poll);
    }
    if (!host || w->host)
        return;
    w->host = host;
    host->refs++;
    host->connections++;
}

void sockets_borrow(struct pool *pool, curl_socket_t fd, void (*ready)(void *arg, int events), void *arg)
{
    struct watch *w = keep(pool, fd);
    w->ready = ready;
    w->arg = arg;
    w->wanted = UV_READABLE;
    arm(w);
}

void sockets_write(struct pool *pool, curl_socket_t fd, int on)
{
    struct watch *w = watch_of(pool->engine, fd);
    if (!w)
        return;
    w->wanted = UV_READABLE | (on ? UV_WRITABLE : 0);
    arm(w);
}

int sockets_on_close(void *arg, curl_socket_t fd)
{
    struct watch *w = watch_of(arg, fd);
    if (w)
        watch_end(w);
    return close(fd);
}

void sockets_fini(struct engine *engine)
{
    for (size_t i = 0; i < engine->watch_cap; i++)
        if (engine->watches[i])
            watch_end(engine->watches[i]);
    free(engine->watches);
    engine->watches = NULL;
    engine->watch_cap = 0;
}
