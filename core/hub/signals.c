/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals: SIGTERM and SIGINT stop the hub, SIGHUP reloads.
 *
 * They are blocked while the rooms open and close. In other threads they stay blocked for ever (a thread inherits the
 * mask of whoever makes it), so no thread but the loop's is interrupted; at the end a second SIGTERM, which comes after
 * libuv has put the default action back, cannot kill a process that is writing its last page.
 */
#include "base/log.h"
#include "hub/internal.h"

#include <signal.h>

static const int wanted[HUB_SIGNALS] = {SIGTERM, SIGINT, SIGHUP};

static void on_reloaded(void *arg, struct hub_reload_result *result)
{
    (void)arg;
    log_info("hub", "reload by signal ended", "status=%u", result->status);
    json_decref(result->body);
}

static void on_signal(uv_signal_t *handle, int signum)
{
    struct hub *hub = handle->data;
    if (signum == SIGHUP) {
        hub_reload(hub, "operator", on_reloaded, NULL);
        return;
    }
    log_info("hub", "stopping", "signal=%d", signum);
    hub_stop(hub);
}

static void mask(int how)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < HUB_SIGNALS; i++)
        sigaddset(&set, wanted[i]);
    pthread_sigmask(how, &set, NULL);
}

static void nothing(uv_work_t *work)
{
    (void)work;
}

void hub_signals_hold(uv_loop_t *loop)
{
    uv_work_t first; /* makes libuv's workers start now, under this mask */
    mask(SIG_BLOCK);
    if (loop && uv_queue_work(loop, &first, nothing, NULL) == 0)
        uv_run(loop, UV_RUN_DEFAULT);
}

void hub_signals_init(struct hub *hub)
{
    for (size_t i = 0; i < HUB_SIGNALS; i++) {
        uv_signal_init(hub->parts.loop, &hub->signals[i]);
        hub->signals[i].data = hub;
        uv_signal_start(&hub->signals[i], on_signal, wanted[i]);
    }
}

void hub_signals_release(void)
{
    mask(SIG_UNBLOCK);
}

void hub_signals_fini(struct hub *hub)
{
    for (size_t i = 0; i < HUB_SIGNALS; i++)
        if (hub->signals[i].data)
            uv_close((uv_handle_t *)&hub->signals[i], NULL);
}
