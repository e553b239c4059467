/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limit of counts: libmicrohttpd on its epoll descriptor in a libuv loop, one thread, with one constant answer.
 *
 *   bare_http PORT [BYTES]      the answer's size; 40 is that of a count
 */
#include "wire.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <uv.h>

static struct MHD_Daemon *server;
static struct MHD_Response *response;
static uv_idle_t again;

static enum MHD_Result on_access(void *arg, struct MHD_Connection *mhd, const char *url, const char *method,
                                 const char *version, const char *upload, size_t *upload_size, void **state)
{
    static int begun;
    (void)arg;
    (void)url;
    (void)method;
    (void)version;
    (void)upload;
    if (!*state) {
        *state = &begun;
        return MHD_YES;
    }
    *upload_size = 0;
    return MHD_queue_response(mhd, 200, response);
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void on_again(uv_idle_t *idle)
{
    uv_idle_stop(idle);
    on_poll(NULL, 0, 0);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    MHD_UNSIGNED_LONG_LONG wait;
    (void)poll;
    (void)status;
    (void)events;
    MHD_run(server);
    if (MHD_get_timeout(server, &wait) == MHD_YES && wait == 0)
        uv_idle_start(&again, on_again);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: bare_http PORT [BYTES]\n");
        return 2;
    }
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
    size_t bytes = argc > 2 ? strtoul(argv[2], NULL, 10) : 40;
    char *body = bench_alloc(bytes + 1, 1);
    uv_loop_t *loop = uv_default_loop();
    uv_poll_t poll;
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    memset(body, 'x', bytes);
    response = MHD_create_response_from_buffer(bytes, body, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(response, "Content-Type", "application/json");
    server = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_access, NULL, MHD_OPTION_SOCK_ADDR, &sa,
                              MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)8192, MHD_OPTION_END);
    if (!server)
        bench_die("listen");
    uv_idle_init(loop, &again);
    uv_poll_init(loop, &poll, MHD_get_daemon_info(server, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd);
    uv_poll_start(&poll, UV_READABLE, on_poll);
    return uv_run(loop, UV_RUN_DEFAULT);
}
