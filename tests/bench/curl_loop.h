/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl's multi interface in a libuv loop, as bare as it can be: what the hub is compared with. One to a program,
 * which says in look() what becomes of transfers that have ended.
 */
#ifndef BENCH_CURL_LOOP_H
#define BENCH_CURL_LOOP_H

#include "wire.h"

#include <curl/curl.h>
#include <uv.h>

struct watch {
    uv_poll_t poll;
    curl_socket_t fd;
};

static CURLM *multi;
static uv_loop_t loop;
static uv_timer_t timer;

static void look(void);

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watch *w = (struct watch *)poll;
    int running, flags = status < 0 ? CURL_CSELECT_ERR : 0;
    flags |= (events & UV_READABLE ? CURL_CSELECT_IN : 0) | (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);
    curl_multi_socket_action(multi, w->fd, flags, &running);
    look();
}

static void on_timer(uv_timer_t *handle)
{
    int running;
    (void)handle;
    curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
    look();
}

static int want_timer(CURLM *m, long ms, void *arg)
{
    (void)m;
    (void)arg;
    if (ms < 0)
        uv_timer_stop(&timer);
    else
        uv_timer_start(&timer, on_timer, (uint64_t)ms, 0);
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *context)
{
    struct watch *w = context;
    (void)easy;
    (void)arg;
    if (what == CURL_POLL_REMOVE) {
        if (w) {
            uv_poll_stop(&w->poll);
            uv_close((uv_handle_t *)&w->poll, on_closed);
            curl_multi_assign(multi, fd, NULL);
        }
        return 0;
    }
    if (!w) {
        w = bench_alloc(1, sizeof(*w));
        w->fd = fd;
        uv_poll_init_socket(&loop, &w->poll, fd);
        curl_multi_assign(multi, fd, w);
    }
    uv_poll_start(&w->poll, (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0),
                  on_poll);
    return 0;
}

#endif
