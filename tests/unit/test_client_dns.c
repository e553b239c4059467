/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A name server that does not answer holds up nobody: not the loop when a call's time is over, not a cancel, not the
 * end of the client. And one that changes its mind does not lead inside. getaddrinfo() of this program stands still for
 * one name until the test lets it go, and says of another what the test wants.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "client/client.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <netdb.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *moves_to; /* what moves.test is now, a literal address */
static sem_t gate;
static atomic_int asked;

/* libcurl's call comes here, because a program's own symbols go first. */
__attribute__((visibility("default"))) int getaddrinfo(const char *node, const char *service,
                                                       const struct addrinfo *hints, struct addrinfo **out)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    if (node && strcmp(node, "slow.test") == 0) {
        atomic_fetch_add(&asked, 1);
        while (sem_wait(&gate) != 0)
            ;
        return EAI_AGAIN;
    }
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(node && strcmp(node, "moves.test") == 0 ? moves_to : node, service, hints, out);
}

static int threads(void)
{
    int count = 0;
    DIR *dir = opendir("/proc/self/task");
    assert_non_null(dir);
    for (const struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static uint32_t error;
static int done;

static void on_done(void *arg, const struct belfry_http_answer *answer)
{
    (void)arg;
    error = answer->error;
    done++;
}

static uint64_t ask(uv_loop_t *loop, struct client *client, int64_t timeout_ms)
{
    struct belfry_http_call call = {
        .struct_size = sizeof(call), .method = "GET", .url = "http://slow.test/", .timeout_ms = timeout_ms};
    int before = atomic_load(&asked);
    uint64_t id;
    done = 0;
    assert_int_equal(client_request(client, &call, on_done, NULL, &id, NULL), BELFRY_OK);
    while (atomic_load(&asked) == before)
        uv_run(loop, UV_RUN_NOWAIT);
    return id;
}

static void test_a_name_server_that_is_silent(void **state)
{
    (void)state;
    uv_loop_t loop;
    alarm(60); /* who waits for the name server waits for ever */
    uv_loop_init(&loop);
    sem_init(&gate, 0, 0);
    struct client *client = client_new(&loop, 0, NULL);
    int before = threads();
    ask(&loop, client, 50);
    while (!done)
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(error, BELFRY_HTTP_ERR_TIMEOUT);
    uint64_t id = ask(&loop, client, 60000);
    client_cancel(client, id);
    while (!done)
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(error, BELFRY_HTTP_ERR_CANCELED);
    ask(&loop, client, 60000);
    client_free(client);
    assert_int_equal(done, 1);
    assert_int_equal(error, BELFRY_HTTP_ERR_CANCELED);
    for (int i = 0; i < 3; i++)
        sem_post(&gate);
    while (threads() > before)
        ;
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_int_equal(atomic_load(&asked), 3);
    alarm(0);
}

/* --- a name that moves -------------------------------------------------------------------------------------------- */

/* A server that nobody needs to serve: that a connection reached it is seen in its queue. -1: the port is taken. */
static int listener(const char *address, int *port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)*port)};
    socklen_t len = sizeof(sa);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    inet_pton(AF_INET, address, &sa.sin_addr);
    if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0) {
        close(fd);
        return -1;
    }
    assert_int_equal(listen(fd, 8), 0);
    getsockname(fd, (struct sockaddr *)&sa, &len);
    *port = ntohs(sa.sin_port);
    return fd;
}

/* Both on one port, which somebody else may have at one of the addresses. */
static int two_listeners(int *outside, int *inside)
{
    int port = 0, spare[64], count = 0;
    while ((*outside = listener("127.0.0.2", &port)) >= 0 && (*inside = listener("127.0.0.1", &port)) < 0) {
        assert_in_range(count, 0, 63);
        spare[count++] = *outside; /* kept meanwhile, so that the next one gets another port */
        port = 0;
    }
    while (count > 0)
        close(spare[--count]);
    return port;
}

static int was_reached(int fd)
{
    int peer = accept(fd, NULL, NULL);
    if (peer >= 0)
        close(peer);
    return peer >= 0;
}

/* Until it is over, or has reached the server outside. */
static uint32_t call_the_name(uv_loop_t *loop, int port, int outside)
{
    static const char *const allow[] = {"127.0.0.2/32", NULL};
    char url[64];
    struct client *client = client_new(loop, 0, NULL); /* of its own, so that no answer is remembered */
    struct belfry_http_call call = {
        .struct_size = sizeof(call), .method = "GET", .url = url, .timeout_ms = 60000, .allow_cidrs = allow};
    snprintf(url, sizeof(url), "http://moves.test:%d/", port);
    done = 0;
    assert_int_equal(client_request(client, &call, on_done, NULL, NULL, NULL), BELFRY_OK);
    while (!done && !was_reached(outside))
        uv_run(loop, UV_RUN_NOWAIT);
    client_free(client);
    uv_run(loop, UV_RUN_DEFAULT);
    return error;
}

/* Nothing is remembered of an earlier look-up: the address that is connected to is the one that is judged. */
static void test_a_name_that_moves_inside(void **state)
{
    (void)state;
    uv_loop_t loop;
    int outside = -1, inside = -1, port = two_listeners(&outside, &inside);
    uv_loop_init(&loop);
    moves_to = "127.0.0.2"; /* stands for an address that is allowed */
    assert_int_equal(call_the_name(&loop, port, outside), BELFRY_HTTP_ERR_CANCELED);
    static const char *const others[] = {"127.0.0.1", "::ffff:127.0.0.1", "::1", "169.254.169.254", "0.0.0.0"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        moves_to = others[i];
        assert_int_equal(call_the_name(&loop, port, outside), BELFRY_HTTP_ERR_BLOCKED);
        assert_false(was_reached(inside));
    }
    close(outside);
    close(inside);
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_name_server_that_is_silent),
                                       cmocka_unit_test(test_a_name_that_moves_inside)};
    log_setup(LOG_LEVEL_ERROR + 1, LOG_FORMAT_LOGFMT, 2);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
