/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl's sockets on the loop.
 *
 * curl forgets a socket between two requests and names it again for the next, and each time libuv would take it out of
 * epoll and put it back: four system calls a request. So the watch of a connection is kept until its socket is closed,
 * and stays armed while nobody asks. What happens on an idle connection (the receiver closed it) is seen once; curl
 * finds out when it wants to use it.
 *
 * Only the sockets of established connections are closed through CURLOPT_CLOSESOCKETFUNCTION. Those that never got
 * there, and the resolver's, are closed behind our back: they are watched only while curl asks for it.
 */
#include "base/mem.h"
#include "client/internal.h"

#include <stdlib.h>
#include <unistd.h>

struct watch {
    uv_poll_t poll;
    struct client *client;
    curl_socket_t fd;
    int wanted, armed; /* UV_READABLE, UV_WRITABLE: what curl asks for, what the loop watches */
    int kept;          /* until sockets_on_close */
};

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static struct watch *watch_of(struct client *client, curl_socket_t fd)
{
    return (size_t)fd < client->watch_cap ? client->watches[fd] : NULL;
}

static void watch_end(struct watch *w)
{
    w->client->watches[w->fd] = NULL;
    uv_close((uv_handle_t *)&w->poll, on_closed);
}

static struct watch *watch_new(struct client *client, curl_socket_t fd)
{
    struct watch *w = xcalloc(1, sizeof(*w));
    size_t had = client->watch_cap;
    client->watches = xgrow(client->watches, &client->watch_cap, (size_t)fd + 1, sizeof(struct watch *));
    for (size_t i = had; i < client->watch_cap; i++)
        client->watches[i] = NULL;
    w->client = client;
    w->fd = fd;
    w->poll.data = w;
    client->watches[fd] = w;
    uv_poll_init_socket(client->loop, &w->poll, fd);
    return w;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watch *w = poll->data;
    int flags = (events & UV_READABLE ? CURL_CSELECT_IN : 0) | (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);
    if (w->wanted) {
        multi_action(w->client, w->fd, status < 0 ? CURL_CSELECT_ERR : flags);
        return;
    }
    uv_poll_stop(&w->poll);
    w->armed = 0;
}

int sockets_on_want(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    (void)easy;
    (void)socket_arg;
    struct client *client = arg;
    struct watch *w = watch_of(client, fd);
    int wanted = (what == CURL_POLL_IN || what == CURL_POLL_INOUT ? UV_READABLE : 0) |
                 (what == CURL_POLL_OUT || what == CURL_POLL_INOUT ? UV_WRITABLE : 0);
    if (!w && wanted)
        w = watch_new(client, fd);
    if (!w)
        return 0;
    w->wanted = wanted;
    if (what == CURL_POLL_REMOVE && !w->kept) {
        watch_end(w);
    } else if (wanted && wanted != w->armed) {
        w->armed = wanted;
        uv_poll_start(&w->poll, wanted, on_poll);
    }
    return 0;
}

void sockets_keep(struct client *client, curl_socket_t fd)
{
    struct watch *w = watch_of(client, fd);
    if (!w)
        w = watch_new(client, fd);
    w->kept = 1;
}

int sockets_on_close(void *arg, curl_socket_t fd)
{
    struct watch *w = watch_of(arg, fd);
    if (w)
        watch_end(w);
    return close(fd);
}

void sockets_fini(struct client *client)
{
    for (size_t i = 0; i < client->watch_cap; i++)
        if (client->watches[i])
            watch_end(client->watches[i]);
    free(client->watches);
    client->watches = NULL;
    client->watch_cap = 0;
}
