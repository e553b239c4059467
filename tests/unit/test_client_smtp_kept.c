/* SPDX-License-Identifier: Apache-2.0 */
/* The SMTP client's connections: kept, closed by the server, shared out among mails, and cut off in each stage. */
#include "smtp_bed.h"

/* --- connections are kept ----------------------------------------------------------------------------------------- */

static void test_one_connection_for_many(void **state)
{
    (void)state;
    struct bed bed;
    begin(&bed, &(struct script){0});
    for (int i = 0; i < 100; i++) {
        struct got g = send_to(&bed, "jane@example.org");
        assert_int_equal(g.error, 0);
        assert_int_equal(g.reused, i > 0);
    }
    assert_int_equal(atomic_load(&bed.server.accepted), 1);
    assert_int_equal(send_to(&bed, "jane@example.org").reused, 0); /* a hundred are enough for one */
    assert_int_equal(atomic_load(&bed.server.accepted), 2);
    assert_non_null(strstr(server_log(&bed.server), "1 QUIT\n"));
    assert_int_equal(atomic_load(&bed.server.mails), 101);
    end(&bed);
}

/* A refusal costs no connection: the next mail begins with RSET where one is open half-way. */
static void test_a_refusal_keeps_the_connection(void **state)
{
    (void)state;
    static const struct script scripts[] = {
        {.rcpt = "550 5.1.1 no|250 ok"},
        {.ehlo = EHLO_PIPELINING, .rcpt = "550 5.1.1 no|250 ok", .data = "503 5.5.1 no|354 go"},
        {.mail = "451 4.3.0 no|250 ok"},
        {.end = "550 5.7.1 spam|250 ok"}};
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        struct bed bed;
        begin(&bed, &scripts[i]);
        assert_int_equal(send_to(&bed, "jane@example.org").error, BELFRY_SMTP_ERR_REPLY);
        struct got g = send_to(&bed, "joe@example.org");
        assert_int_equal(g.error, 0);
        assert_int_equal(g.reused, 1);
        assert_int_equal(atomic_load(&bed.server.accepted), 1);
        assert_int_equal(strstr(server_log(&bed.server), "RSET") != NULL, !scripts[i].end);
        end(&bed);
    }
}

/* The server closed a connection that rested, in whatever way: nobody hears of it. */
static void test_a_connection_that_was_closed_meanwhile(void **state)
{
    (void)state;
    static const struct script scripts[] = {{.mail = "250 ok|421 4.4.2 idle for too long|250 ok"},
                                            {.mail = "250 ok||250 ok"},
                                            {.ehlo = EHLO_PIPELINING, .mail = "250 ok|421 4.4.2 idle|250 ok"},
                                            {.ehlo = EHLO_PIPELINING, .mail = "250 ok||250 ok"},
                                            {.rcpt = "250 ok|421 4.3.2 going down|250 ok"},
                                            {.data = "354 go||354 go"},
                                            {.end = "!250 2.0.0 ok|250 2.0.0 ok"},
                                            {.end = "250 2.0.0 ok\r\n250 2.0.0 ok|250 2.0.0 ok"}, /* out of step */
                                            {.end = "!250 2.0.0 ok\r\n421 4.4.2 no more of you|250 2.0.0 ok"},
                                            {.mail = "550 no|250 ok", .rset = "500 what?"},
                                            {.mail = "550 no|250 ok", .rset = ""}};
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        struct bed bed;
        begin(&bed, &scripts[i]);
        struct got g = send_to(&bed, "jane@example.org");
        assert_int_equal(g.error, scripts[i].rset ? BELFRY_SMTP_ERR_REPLY : BELFRY_SMTP_ERR_NONE);
        g = send_to(&bed, "joe@example.org");
        if (g.error || g.reused || atomic_load(&bed.server.accepted) != 2)
            fail_msg("script %zu: error %u (%s), reused %u, %d connections", i, g.error, g.error_text, g.reused,
                     atomic_load(&bed.server.accepted));
        assert_int_equal(atomic_load(&bed.server.mails), scripts[i].rset ? 1 : 2);
        end(&bed);
    }
}

/* Once, and only where nothing was handed over. */
static void test_what_is_told_all_the_same(void **state)
{
    (void)state;
    static const struct {
        struct script script;
        uint32_t error, stage;
        int code, connections;
    } told[] = {
        {{.mail = "250 ok|421 4.4.2 idle"}, BELFRY_SMTP_ERR_REPLY, 3, 421, 2}, /* the new one too */
        {{.mail = "250 ok|"}, BELFRY_SMTP_ERR_LOST, 3, 0, 2},
        {{.mail = "250 ok|450 4.2.1 slow down"}, BELFRY_SMTP_ERR_REPLY, 3, 450, 1},
        {{.end = "250 ok|"}, BELFRY_SMTP_ERR_LOST, 5, 0, 1},
        {{.end = "250 ok|421 4.3.0 no"}, BELFRY_SMTP_ERR_REPLY, 5, 421, 1},
    };
    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
        struct bed bed;
        begin(&bed, &told[i].script);
        assert_int_equal(send_to(&bed, "jane@example.org").error, 0);
        struct got g = send_to(&bed, "joe@example.org");
        if (g.error != told[i].error || g.stage != told[i].stage || g.code != told[i].code ||
            atomic_load(&bed.server.accepted) != told[i].connections)
            fail_msg("row %zu: error %u, stage %u, %d, %d connections", i, g.error, g.stage, g.code,
                     atomic_load(&bed.server.accepted));
        end(&bed);
    }
}

/* Who logs in as one is never taken for another. */
static void test_connections_belong_to_credentials(void **state)
{
    (void)state;
    struct bed bed;
    begin(&bed, &(struct script){.ehlo = "250-hello\r\n250-STARTTLS\r\n250 AUTH PLAIN"});
    static const struct {
        const char *username, *password;
        uint32_t tls;
        int connections;
    } users[] = {{"ann", "a", 0, 1}, {"ann", "b", 0, 2}, {"bob", "a", 0, 3}, {NULL, NULL, 0, 4}, {"ann", "a", 1, 5},
                 {"ann", "a", 0, 5}, {"ann", "b", 0, 5}, {NULL, NULL, 0, 5}, {"ann", "a", 1, 5}};
    for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
        struct belfry_smtp_mail mail = mail_to(&bed, "jane@example.org");
        mail.username = users[i].username;
        mail.password = users[i].password;
        mail.tls = users[i].tls;
        mail.ca_file = bed.server.ca_file;
        struct got g = send_mail(&bed, &mail);
        assert_int_equal(g.error, 0);
        assert_int_equal(g.encrypted, users[i].tls);
        assert_int_equal(atomic_load(&bed.server.accepted), users[i].connections);
    }
    end(&bed);
}

static struct smtp_server *only_server(struct bed *bed)
{
    assert_false(list_empty(&bed->client->servers));
    assert_ptr_equal(bed->client->servers.next, bed->client->servers.prev);
    return LIST_OF(bed->client->servers.next, struct smtp_server, node);
}

static void time_is_over(struct list *connections)
{
    struct smtp_conn *c = LIST_OF(connections->next, struct smtp_conn, node);
    assert_false(list_empty(connections));
    uv_timer_start(&c->timer, smtp_dialog_on_timer, 0, 0);
}

static void test_idle_connections_end(void **state)
{
    (void)state;
    struct bed bed;
    begin(&bed, &(struct script){0});
    assert_int_equal(send_to(&bed, "jane@example.org").error, 0);
    struct smtp_conn *c = LIST_OF(only_server(&bed)->idle.next, struct smtp_conn, node);
    assert_in_range(uv_timer_get_due_in(&c->timer), 1, 20000);
    time_is_over(&only_server(&bed)->idle);
    while (!list_empty(&bed.client->servers)) /* with its last connection it is forgotten, password and all */
        uv_run(&bed.loop, UV_RUN_ONCE);
    while (atomic_load(&bed.server.open))
        uv_run(&bed.loop, UV_RUN_NOWAIT);
    assert_non_null(strstr(server_log(&bed.server), "1 QUIT\n"));
    assert_int_equal(send_to(&bed, "jane@example.org").error, 0); /* and an old one is not used again */
    c = LIST_OF(only_server(&bed)->idle.next, struct smtp_conn, node);
    c->opened_ms -= 300000;
    assert_int_equal(send_to(&bed, "jane@example.org").reused, 1); /* its last mail */
    assert_int_equal(send_to(&bed, "jane@example.org").reused, 0);
    end(&bed);
}

/* --- several at once ---------------------------------------------------------------------------------------------- */

static void wait_for(struct bed *bed, atomic_int *value, int n)
{
    while (atomic_load(value) < n)
        uv_run(&bed->loop, UV_RUN_NOWAIT);
}

static void test_no_more_connections_than_allowed(void **state)
{
    (void)state;
    struct bed bed;
    enum { MANY = 20 };
    struct got g[MANY];
    char to[MANY][32], order[1024] = "", *at = order;
    begin(&bed, &(struct script){.end = "@250 ok"});
    for (int i = 0; i < MANY; i++) {
        snprintf(to[i], sizeof(to[i]), "user%02d@example.org", i);
        struct belfry_smtp_mail mail = mail_to(&bed, to[i]);
        mail.max_connections = i < MANY - 1 ? 7 : 2; /* the latest word counts */
        post(&bed, &mail, &g[i]);
    }
    wait_for(&bed, &bed.server.waiting, 7);
    assert_int_equal(atomic_load(&bed.server.accepted), 7);
    server_open_gate(&bed.server, MANY);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(finish(&bed, &g[i]).error, 0);
    assert_int_equal(atomic_load(&bed.server.most_open), 7);
    assert_int_equal(atomic_load(&bed.server.accepted), 7);
    assert_true(only_server(&bed)->connections <= 2);
    end(&bed);
    /* in order, where there is one */
    begin(&bed, &(struct script){0});
    for (int i = 0; i < MANY; i++) {
        struct belfry_smtp_mail mail = mail_to(&bed, to[i]);
        mail.max_connections = 1;
        post(&bed, &mail, &g[i]);
    }
    for (int i = 0; i < MANY; i++)
        finish(&bed, &g[i]);
    const char *log = server_log(&bed.server);
    for (int i = 0; i < MANY; i++) {
        at = strstr(log, to[i]);
        assert_non_null(at);
        log = at;
    }
    assert_int_equal(atomic_load(&bed.server.accepted), 1);
    end(&bed);
}

/* A server that takes its time over one mail holds up neither the loop nor another mail. */
static void test_a_slow_server_holds_nobody(void **state)
{
    (void)state;
    static const struct script scripts[] = {{.end = "@250 ok|250 ok"},
                                            {.greeting = "@220 at last|220 hello"},
                                            {.mail = "@250 ok|250 ok"},
                                            {.ehlo = "@250 hello|250 hello"}};
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        struct bed bed;
        struct got slow;
        begin(&bed, &scripts[i]);
        struct belfry_smtp_mail mail = mail_to(&bed, "jane@example.org");
        post(&bed, &mail, &slow);
        wait_for(&bed, &bed.server.waiting, 1);
        assert_int_equal(send_to(&bed, "joe@example.org").error, 0);
        assert_int_equal(send_to(&bed, "joe@example.org").reused, 1);
        assert_int_equal(slow.done, 0);
        server_open_gate(&bed.server, 1);
        assert_int_equal(finish(&bed, &slow).error, 0);
        end(&bed);
    }
}

/* --- cut off ------------------------------------------------------------------------------------------------------ */

static char large[8 * 1024 * 1024 + 1]; /* more than the buffers of a connection hold */

static void make_large(void)
{
    memset(large, 'x', sizeof(large) - 1);
    for (size_t i = 62; i + 1 < sizeof(large); i += 64)
        memcpy(large + i, "\r\n", 2);
}

/* Where the server stands still, and what it has heard by then. */
static const struct {
    struct script script;
    uint32_t stage;
    const char *username;
    int tls, large;
} stops[] = {
    {{.greeting = "@220 hello"}, BELFRY_SMTP_STAGE_CONNECT, NULL, 0, 0},
    {{.ehlo = "@250 hello"}, BELFRY_SMTP_STAGE_CONNECT, NULL, 0, 0},
    {{.starttls = "@220 go"}, BELFRY_SMTP_STAGE_TLS, NULL, 1, 0},
    {{.ehlo = EHLO_AUTH, .auth = "@235 ok"}, BELFRY_SMTP_STAGE_AUTH, "ann", 0, 0},
    {{.mail = "@250 ok"}, BELFRY_SMTP_STAGE_ENVELOPE, NULL, 0, 0},
    {{.rcpt = "@250 ok"}, BELFRY_SMTP_STAGE_ENVELOPE, NULL, 0, 0},
    {{.data = "@354 go"}, BELFRY_SMTP_STAGE_ENVELOPE, NULL, 0, 0},
    {{.ehlo = EHLO_PIPELINING, .data = "@354 go"}, BELFRY_SMTP_STAGE_ENVELOPE, NULL, 0, 0},
    {{.stall_after = 1000}, BELFRY_SMTP_STAGE_CONTENT, NULL, 0, 1},
    {{.stall_after = 1000}, BELFRY_SMTP_STAGE_CONTENT, NULL, 1, 1},
    {{.end = "@250 ok"}, BELFRY_SMTP_STAGE_END, NULL, 0, 0},
    {{.end = "@250 ok"}, BELFRY_SMTP_STAGE_END, NULL, 1, 0},
};

enum cut { CANCEL, TIMEOUT, FREE };

static void cut_off(size_t i, enum cut how)
{
    static const uint32_t errors[] = {BELFRY_SMTP_ERR_CANCELED, BELFRY_SMTP_ERR_TIMEOUT, BELFRY_SMTP_ERR_CANCELED};
    struct bed bed;
    struct got g, waits;
    struct script script = stops[i].script;
    script.starttls = script.starttls ? script.starttls : NULL;
    begin(&bed, &script);
    struct belfry_smtp_mail mail = mail_to(&bed, "jane@example.org");
    mail.username = stops[i].username;
    mail.password = "open sesame";
    mail.ca_file = bed.server.ca_file;
    mail.tls = stops[i].tls ? BELFRY_SMTP_TLS_REQUIRED : BELFRY_SMTP_TLS_OFF;
    mail.message = stops[i].large ? str_of(large) : mail.message;
    mail.max_connections = 1;
    post(&bed, &mail, &g);
    post(&bed, &mail, &waits);
    wait_for(&bed, &bed.server.waiting, 1);
    for (int turn = 0; turn < 20; turn++) /* what can still be written is */
        uv_run(&bed.loop, UV_RUN_NOWAIT);
    client_smtp_cancel(bed.client, waits.id);
    if (how == CANCEL)
        client_smtp_cancel(bed.client, g.id);
    else if (how == TIMEOUT)
        time_is_over(&only_server(&bed)->working);
    else
        client_stop(bed.client);
    finish(&bed, &g);
    if (g.error != errors[how] || g.stage != stops[i].stage || !g.error_text[0])
        fail_msg("stop %zu, cut %d: error %u, stage %u (%s)", i, how, g.error, g.stage, g.error_text);
    assert_int_equal(finish(&bed, &waits).error, BELFRY_SMTP_ERR_CANCELED);
    assert_int_equal(waits.stage, BELFRY_SMTP_STAGE_CONNECT);
    client_smtp_cancel(bed.client, g.id); /* stale */
    server_open_gate(&bed.server, 1);
    assert_true(list_empty(&bed.client->servers));
    end(&bed);
}

static void test_cut_off_in_each_stage(void **state)
{
    (void)state;
    make_large();
    for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++)
        for (enum cut how = CANCEL; how <= FREE; how++)
            cut_off(i, how);
}

/* The server goes while the content is on its way: it cannot have taken the mail. */
static void test_lost_in_the_content(void **state)
{
    (void)state;
    make_large();
    for (int tls = 0; tls < 2; tls++) {
        struct bed bed;
        begin(&bed, &(struct script){.drop_after = 1000});
        struct belfry_smtp_mail mail = mail_to(&bed, "jane@example.org");
        mail.message = str_of(large);
        mail.ca_file = bed.server.ca_file;
        mail.tls = tls ? BELFRY_SMTP_TLS_REQUIRED : BELFRY_SMTP_TLS_OFF;
        struct got g = send_mail(&bed, &mail);
        assert_int_equal(g.error, BELFRY_SMTP_ERR_LOST);
        assert_int_equal(g.stage, BELFRY_SMTP_STAGE_CONTENT);
        end(&bed);
    }
}

static void test_times(void **state)
{
    (void)state;
    struct bed bed;
    begin(&bed, &(struct script){.greeting = "~"});
    struct belfry_smtp_mail mail = mail_to(&bed, "jane@example.org");
    mail.connect_timeout_ms = 20;
    struct got g = send_mail(&bed, &mail);
    assert_int_equal(g.error, BELFRY_SMTP_ERR_TIMEOUT);
    assert_int_equal(g.stage, BELFRY_SMTP_STAGE_CONNECT);
    mail.connect_timeout_ms = 0;
    mail.timeout_ms = 20;
    g = send_mail(&bed, &mail);
    assert_int_equal(g.error, BELFRY_SMTP_ERR_TIMEOUT);
    assert_int_equal(g.stage, BELFRY_SMTP_STAGE_CONNECT);
    assert_true(g.elapsed_us >= 10000); /* the loop counts whole milliseconds, from where its turn began */
    end(&bed);
}

/* Handshakes of mails take turns with all others. */
static void test_handshakes_are_counted(void **state)
{
    (void)state;
    struct bed bed;
    enum { MANY = 40 };
    static struct got g[MANY];
    begin(&bed, &(struct script){.greeting = "~"});
    struct belfry_smtp_mail mail = mail_to(&bed, "jane@example.org");
    mail.url = bed.server.tls_url;
    mail.max_connections = 64;
    for (int i = 0; i < MANY; i++)
        post(&bed, &mail, &g[i]);
    assert_int_equal(bed.client->engine.lanes[0].count, 24);
    wait_for(&bed, &bed.server.accepted, 24);
    client_smtp_cancel(bed.client, g[0].id);
    finish(&bed, &g[0]);
    assert_int_equal(bed.client->engine.lanes[0].count, 24);
    end(&bed);
    for (int i = 1; i < MANY; i++)
        assert_int_equal(g[i].error, BELFRY_SMTP_ERR_CANCELED);
}

static void test_closing(void **state)
{
    (void)state;
    struct bed bed;
    struct got g = {0};
    begin(&bed, &(struct script){0});
    struct belfry_smtp_mail mail = mail_to(&bed, "jane@example.org");
    assert_int_equal(send_mail(&bed, &mail).error, 0);
    client_stop(bed.client);
    assert_int_equal(client_smtp_send(bed.client, &mail, on_done, &g, &g.id), BELFRY_ECLOSED);
    end(&bed);
    assert_int_equal(g.done, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_connection_for_many),
        cmocka_unit_test(test_a_refusal_keeps_the_connection),
        cmocka_unit_test(test_a_connection_that_was_closed_meanwhile),
        cmocka_unit_test(test_what_is_told_all_the_same),
        cmocka_unit_test(test_connections_belong_to_credentials),
        cmocka_unit_test(test_idle_connections_end),
        cmocka_unit_test(test_no_more_connections_than_allowed),
        cmocka_unit_test(test_a_slow_server_holds_nobody),
        cmocka_unit_test(test_cut_off_in_each_stage),
        cmocka_unit_test(test_lost_in_the_content),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_handshakes_are_counted),
        cmocka_unit_test(test_closing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
