/* SPDX-License-Identifier: Apache-2.0 */
/* Whose turn it is to shake hands, who is in whose way, and what is known of hosts. */
#include "client_fixture.h"

enum { WELL, SICK };

static const struct lane *lane(struct bed *bed, int which)
{
    return &bed->client->engine.lanes[which];
}

static struct belfry_http_call secure_call(struct bed *bed, const char *host)
{
    static char urls[8][64];
    static size_t turn;
    char *url = urls[turn++ % 8];
    struct belfry_http_call call = call_to(bed, "/");
    snprintf(url, sizeof(urls[0]), "https://%s:%d/", host, bed->port);
    call.url = url;
    return call;
}

/* Whoever shakes hands has been at it for as long as a turn lasts. */
static void turns_over(struct bed *bed)
{
    for (int i = 0; i < 2; i++)
        LIST_EACH(it, &bed->client->engine.lanes[i].shaking)
    LIST_OF(it, struct transfer, handshake)->turn_ends_ms = 0;
    engine_tell(&bed->client->engine); /* looks whose turn it is */
}

/* Nobody's turn ends while the test looks. */
static void turns_last(struct bed *bed)
{
    for (int i = 0; i < 2; i++)
        LIST_EACH(it, &bed->client->engine.lanes[i].shaking)
    LIST_OF(it, struct transfer, handshake)->turn_ends_ms += 3600000;
}

static void test_handshakes_take_turns(void **state)
{
    struct bed *bed = *state;
    enum { MANY = 80 };
    static struct got g[MANY];
    struct got plain = {0};
    memset(g, 0, sizeof(g));
    bed->say = NULL; /* it accepts and says nothing: no handshake ever ends */
    struct belfry_http_call call = secure_call(bed, "127.0.0.1");
    for (int i = 0; i < MANY; i++)
        begin(bed, &call, &g[i]);
    assert_int_equal(lane(bed, WELL)->count, 24);
    turns_last(bed);
    while (bed->accepted < 24)
        uv_run(&bed->loop, UV_RUN_ONCE);
    bed->say = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    call = call_to(bed, "/");
    begin(bed, &call, &plain); /* others do not wait for them */
    assert_int_equal(finish(bed, &plain).status, 200);
    assert_int_equal(bed->accepted, 25);
    client_cancel(bed->client, g[0].id); /* one that ends makes room */
    client_cancel(bed->client, g[79].id);
    finish(bed, &g[0]);
    finish(bed, &g[79]);
    while (bed->accepted < 26)
        uv_run(&bed->loop, UV_RUN_ONCE);
    turns_over(bed);
    while (bed->accepted < 80) /* the rest, after a while each */
        uv_run(&bed->loop, UV_RUN_ONCE);
    assert_int_equal(lane(bed, WELL)->count, 24);
}

/* Those that never shook hands the last time have a lane of their own, however many they are. */
static void test_sick_hosts_hold_up_each_other_only(void **state)
{
    struct bed *bed = *state;
    enum { MANY = 40 };
    static struct got g[MANY], again[MANY], other;
    memset(g, 0, sizeof(g));
    memset(&other, 0, sizeof(other));
    memset(again, 0, sizeof(again));
    bed->say = NULL;
    struct belfry_http_call sick = secure_call(bed, "127.1"), well = secure_call(bed, "127.0.0.1");
    for (int i = 0; i < MANY; i++)
        begin(bed, &sick, &g[i]);
    turns_over(bed);
    while (bed->accepted < 24)
        uv_run(&bed->loop, UV_RUN_ONCE);
    for (int i = 0; i < MANY; i++)
        client_cancel(bed->client, g[i].id);
    for (int i = 0; i < MANY; i++)
        finish(bed, &g[i]);
    assert_int_equal(bed->client->engine.hosts.sick, 1);
    for (int i = 0; i < MANY; i++)
        begin(bed, &sick, &again[i]);
    assert_int_equal(lane(bed, SICK)->count, 8);
    assert_int_equal(lane(bed, WELL)->count, 0);
    turns_last(bed);
    int before = bed->accepted;
    begin(bed, &well, &other); /* begins at once */
    assert_int_equal(lane(bed, WELL)->count, 1);
    while (bed->accepted < before + 9)
        uv_run(&bed->loop, UV_RUN_ONCE);
    assert_int_equal(lane(bed, SICK)->count, 8);
    turns_over(bed);
    while (bed->accepted < before + 1 + MANY) /* they have their turns too */
        uv_run(&bed->loop, UV_RUN_ONCE);
}

/* What waited until its time was over is given up, and nothing of it reaches the receiver: by then it may be under way
 * once more. */
static void test_what_waited_too_long_never_begins(void **state)
{
    struct bed *bed = *state;
    enum { MANY = 24 };
    static struct got g[MANY];
    struct got late = {0};
    memset(g, 0, sizeof(g));
    bed->say = NULL;
    struct belfry_http_call call = secure_call(bed, "127.0.0.1");
    for (int i = 0; i < MANY; i++)
        begin(bed, &call, &g[i]);
    turns_last(bed);
    call.timeout_ms = 1;
    begin(bed, &call, &late);
    LIST_OF(lane(bed, WELL)->waiting.next, struct transfer, node)->until_ms = 1; /* long ago */
    while (bed->accepted < MANY)
        uv_run(&bed->loop, UV_RUN_ONCE);
    client_cancel(bed->client, g[0].id); /* now it would be its turn */
    struct got told = finish(bed, &late);
    assert_int_equal(told.error, BELFRY_HTTP_ERR_TIMEOUT);
    assert_non_null(strstr(told.text, "turn"));
    for (int i = 0; i < 10; i++)
        uv_run(&bed->loop, UV_RUN_NOWAIT);
    assert_int_equal(bed->accepted, MANY);
}

/* The time that it waited is taken off the time it has to be answered in. */
static void test_waiting_is_part_of_the_time(void **state)
{
    struct bed *bed = *state;
    enum { MANY = 24 };
    static struct got g[MANY];
    struct got late = {0};
    memset(g, 0, sizeof(g));
    bed->say = NULL;
    struct belfry_http_call call = secure_call(bed, "127.0.0.1");
    for (int i = 0; i < MANY; i++)
        begin(bed, &call, &g[i]);
    turns_last(bed);
    call.timeout_ms = 3600000;
    begin(bed, &call, &late);
    struct transfer *waits = LIST_OF(lane(bed, WELL)->waiting.next, struct transfer, node);
    waits->until_ms = uv_now(&bed->loop) + 50; /* so it has waited all but that */
    client_cancel(bed->client, g[0].id);
    assert_int_equal(finish(bed, &late).error, BELFRY_HTTP_ERR_TIMEOUT);
}

static void test_hosts_are_forgotten(void **state)
{
    struct bed *bed = *state;
    struct hosts *hosts = &bed->client->engine.hosts;
    struct host *a = host_ref(hosts, "https://a.example/x?y"), *b = host_ref(hosts, "https://a.example:8443");
    assert_ptr_equal(host_ref(hosts, "https://a.example#z"), a);
    assert_ptr_not_equal(a, b);
    assert_int_equal(hash_count(hosts->by_name), 2);
    host_learn(hosts, a, 1);
    host_unref(hosts, a);
    host_unref(hosts, a);
    host_unref(hosts, b);
    assert_int_equal(hash_count(hosts->by_name), 1); /* what is sick is remembered */
    assert_int_equal(hosts->sick, 1);
    assert_ptr_equal(host_ref(hosts, "https://a.example"), a);
    host_learn(hosts, a, 0);
    host_unref(hosts, a);
    assert_int_equal(hash_count(hosts->by_name), 0);
    assert_int_equal(hosts->sick, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_handshakes_take_turns, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sick_hosts_hold_up_each_other_only, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_waited_too_long_never_begins, setup, teardown),
        cmocka_unit_test_setup_teardown(test_waiting_is_part_of_the_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hosts_are_forgotten, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
