/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A name server that does not answer holds up nobody: not the loop when a call's time is over, not a cancel, not the
 * end of the client. getaddrinfo() of this program stands still for one name until the test lets it go.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "client/client.h"

#include <dirent.h>
#include <dlfcn.h>
#include <netdb.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

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
    return real(node, service, hints, out);
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_name_server_that_is_silent)};
    log_setup(LOG_LEVEL_ERROR + 1, LOG_FORMAT_LOGFMT, 2);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
