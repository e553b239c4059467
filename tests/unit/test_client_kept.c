/* SPDX-License-Identifier: Apache-2.0 */
/* How many connections stay open: all that may be for one busy host, a share of them where many are. */
#include "client_fixture.h"

#define KEPT 64 /* two for each of the client's handles, when all have some */

static int setup_small(void **state)
{
    setup(state);
    struct bed *bed = *state;
    client_free(bed->client);
    for (int i = 0; i < 10; i++)
        uv_run(&bed->loop, UV_RUN_NOWAIT);
    bed->client = client_new(&bed->loop, KEPT, NULL);
    return 0;
}

static void run_all(struct bed *bed, const struct belfry_http_call *call, struct got *g, size_t count)
{
    memset(g, 0, count * sizeof(*g));
    for (size_t i = 0; i < count; i++)
        begin(bed, call, &g[i]);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(finish(bed, &g[i]).status, 200);
}

/* A platform that has an endpoint for each of its customers is one host. */
static void test_one_host_may_have_all(void **state)
{
    struct bed *bed = *state;
    enum { AT_ONCE = 48 };
    struct got g[AT_ONCE];
    struct belfry_http_call call = call_to(bed, "/customers");
    for (int round = 0; round < 20; round++)
        run_all(bed, &call, g, AT_ONCE);
    assert_int_equal(bed->requests, 20 * AT_ONCE);
    assert_int_equal(bed->accepted, AT_ONCE);
    assert_int_equal(bed->open, AT_ONCE);
}

static void test_what_is_more_than_that_is_closed(void **state)
{
    struct bed *bed = *state;
    enum { AT_ONCE = 3 * KEPT };
    static struct got g[AT_ONCE];
    struct belfry_http_call call = call_to(bed, "/customers");
    run_all(bed, &call, g, AT_ONCE);
    while (bed->open > KEPT)
        uv_run(&bed->loop, UV_RUN_ONCE);
    assert_int_equal(bed->accepted, AT_ONCE);
}

/* Where many hosts have used up what may be kept, each has its share and no more. */
static void test_then_hosts_share(void **state)
{
    struct bed *bed = *state;
    enum { HOSTS = 250, AT_ONCE = 32 };
    struct got g[AT_ONCE];
    char url[64];
    struct belfry_http_call call = call_to(bed, "/");
    call.url = url;
    for (int host = 1; host <= HOSTS; host++) {
        snprintf(url, sizeof(url), "http://name%d.localhost:%d/", host, bed->port);
        run_all(bed, &call, g, 1);
    }
    run_all(bed, &call, g, AT_ONCE);
    for (int i = 0; i < 10; i++)
        uv_run(&bed->loop, UV_RUN_NOWAIT);
    assert_in_range(bed->open, KEPT / 2, 2 * KEPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_host_may_have_all, setup_small, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_more_than_that_is_closed, setup_small, teardown),
        cmocka_unit_test_setup_teardown(test_then_hosts_share, setup_small, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
