/* SPDX-License-Identifier: Apache-2.0 */
/* The email delivery on the fake host: to which server a mail goes, what each answer leads to, and the test mail. */
#include "email_fixture.h"

/* --- what an answer leads to -------------------------------------------------------------------------------------- */

static void test_outcomes(void **state)
{
    static const struct {
        uint32_t error, stage;
        int code;
        const char *enhanced, *outcome, *told, *metric;
        int64_t retry_after_ms;
    } rows[] = {
        {0, BELFRY_SMTP_STAGE_END, 250, "2.0.0", "delivered", "", "email_sent_total", 0},
        {BELFRY_SMTP_ERR_REPLY, BELFRY_SMTP_STAGE_ENVELOPE, 450, "4.2.0", "retry", "", "email_put_off_total", 0},
        {BELFRY_SMTP_ERR_REPLY, BELFRY_SMTP_STAGE_ENVELOPE, 550, "5.7.1", "rejected", "", "email_refused_total", 0},
        {BELFRY_SMTP_ERR_REPLY, BELFRY_SMTP_STAGE_ENVELOPE, 550, "5.1.1", "rejected",
         "bounced ann@acme.example of " KEY ": 127.0.0.1:2525 said 550 5.1.1 no (envelope)", "email_refused_total", 0},
        {BELFRY_SMTP_ERR_REPLY, BELFRY_SMTP_STAGE_ENVELOPE, 452, "4.2.2", "retry",
         "soft ann@acme.example of " KEY ": 127.0.0.1:2525 said 452 4.2.2 no (envelope)", "email_put_off_total", 0},
        {BELFRY_SMTP_ERR_REPLY, BELFRY_SMTP_STAGE_ENVELOPE, 450, "4.2.1", "retry", "", "email_put_off_total", 60000},
        {BELFRY_SMTP_ERR_REPLY, BELFRY_SMTP_STAGE_END, 550, "5.7.26", "retry",
         "alarm distrusted acme.example: 127.0.0.1:2525 said 550 5.7.26 no (end)", "email_policy_refusals_total",
         900000},
        {BELFRY_SMTP_ERR_LOST, BELFRY_SMTP_STAGE_END, 0, "", "unknown", "", "email_unknown_total", 0},
        {BELFRY_SMTP_ERR_LOST, BELFRY_SMTP_STAGE_CONTENT, 0, "", "retry", "", "email_put_off_total", 0},
        {BELFRY_SMTP_ERR_CONNECT, BELFRY_SMTP_STAGE_CONNECT, 0, "", "unavailable", "", "email_server_faults_total",
         30000},
        {BELFRY_SMTP_ERR_TLS, BELFRY_SMTP_STAGE_TLS, 0, "", "unavailable",
         "alarm failing 127.0.0.1:2525: 127.0.0.1:2525: TLS failed (tls)", "email_server_faults_total", 30000},
        {BELFRY_SMTP_ERR_AUTH, BELFRY_SMTP_STAGE_AUTH, 535, "5.7.8", "unavailable",
         "alarm failing 127.0.0.1:2525: 127.0.0.1:2525 said 535 5.7.8 no (auth)", "email_unavailable_total", 30000},
        {BELFRY_SMTP_ERR_ADDRESS, BELFRY_SMTP_STAGE_CONNECT, 0, "", "rejected", "", "email_refused_total", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct belfry_test *t = make(ONE);
        belfry_test_mail(t, KEY, "ann", "approval");
        answer(t, rows[i].error, rows[i].stage, rows[i].code, rows[i].enhanced, rows[i].code == 250 ? "ok" : "no");
        uint64_t batch = deliver_to(t, "ann");
        const struct belfry_test_outcome *outcome = belfry_test_outcome(t, batch, 0);
        print_message("row %zu\n", i);
        assert_string_equal(outcome_of(t, batch), rows[i].outcome);
        assert_int_equal(outcome->code, rows[i].code);
        assert_int_equal(outcome->retry_after_ms, rows[i].retry_after_ms);
        belfry_test_expect(t, rows[i].told);
        assert_int_equal(belfry_test_metric(t, rows[i].metric), 1);
        belfry_test_free(t);
    }
}

/* Kept with the attempt: what people need to know, and neither password nor content. */
static void test_the_record(void **state)
{
    (void)state;
    struct belfry_test *t = make(ONE ", username: u, password: hunter2");
    answer(t, BELFRY_SMTP_ERR_REPLY, BELFRY_SMTP_STAGE_ENVELOPE, 450, "4.2.0", "come back later");
    uint64_t batch = deliver_to(t, "ann");
    json_t *record = record_of(t, batch);
    const struct {
        const char *name, *value;
    } members[] = {{"server", "127.0.0.1:2525"}, {"from", "notify@acme.example"}, {"stage", "envelope"},
                   {"error", "reply"},           {"enhanced", "4.2.0"},           {"text", "come back later"}};
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        assert_string_equal(json_string_value(json_object_get(record, members[i].name)), members[i].value);
    assert_int_equal(json_integer_value(json_object_get(record, "code")), 450);
    assert_false(json_boolean_value(json_object_get(record, "tls")));
    assert_memory_equal(json_string_value(json_object_get(record, "message_id")), KEY ".", 37);
    json_decref(record);
    const char *text = belfry_test_outcome(t, batch, 0)->record;
    assert_null(strstr(text, "hunter2"));
    assert_null(strstr(text, "Deal X"));
    assert_null(strstr(text, "ann@"));
    assert_null(strstr(belfry_test_logs(t), "hunter2"));
    belfry_test_free(t);
}

/* --- servers ------------------------------------------------------------------------------------------------------ */

/* The second server gets the mail within the same attempt, and all that follow until the first is tried again. */
static void test_failover(void **state)
{
    (void)state;
    struct belfry_test *t = make(TWO);
    answer(t, BELFRY_SMTP_ERR_CONNECT, BELFRY_SMTP_STAGE_CONNECT, 0, NULL, NULL);
    for (int i = 0; i < 4; i++)
        accept(t);
    uint64_t batch = deliver_to(t, "ann");
    assert_string_equal(outcome_of(t, batch), "delivered");
    assert_string_equal(belfry_test_sent(t, 0)->url, "smtp://127.0.0.1:2501");
    assert_string_equal(belfry_test_sent(t, 1)->url, "smtp://127.0.0.1:2502");
    assert_int_equal(belfry_test_sent(t, 1)->max_connections, 2);
    assert_string_equal(belfry_test_sent(t, 0)->message, belfry_test_sent(t, 1)->message);
    json_t *record = record_of(t, batch);
    assert_string_equal(json_string_value(json_object_get(record, "server")), "127.0.0.1:2502");
    assert_int_equal(json_integer_value(json_object_get(record, "servers_asked")), 2);
    json_decref(record);
    assert_int_equal(belfry_test_metric(t, "email_servers_down"), 1);
    assert_non_null(strstr(belfry_test_logs(t), "error: no mail goes to the mail server 127.0.0.1:2501 for 30 s"));
    deliver_to(t, "ann");
    assert_string_equal(belfry_test_sent(t, 2)->url, "smtp://127.0.0.1:2502");
    belfry_test_advance(t, "30s");
    deliver_to(t, "ann");
    assert_string_equal(belfry_test_sent(t, 3)->url, "smtp://127.0.0.1:2501");
    assert_non_null(strstr(belfry_test_logs(t), "info: mail server 127.0.0.1:2501 takes mail again"));
    assert_int_equal(belfry_test_metric(t, "email_servers_down"), 0);
    belfry_test_free(t);
}

/* Only where nothing was handed over, and the fault is not the mail's. */
static void test_where_another_server_is_asked(void **state)
{
    static const struct {
        uint32_t error, stage;
        int code;
        const char *enhanced;
        size_t mails;
        const char *outcome; /* when the second one, if asked, says the same */
    } rows[] = {
        {BELFRY_SMTP_ERR_DNS, BELFRY_SMTP_STAGE_CONNECT, 0, "", 2, "unavailable"},
        {BELFRY_SMTP_ERR_REPLY, BELFRY_SMTP_STAGE_CONNECT, 554, "", 2, "unavailable"},
        {BELFRY_SMTP_ERR_TLS, BELFRY_SMTP_STAGE_TLS, 454, "", 2, "unavailable"},
        {BELFRY_SMTP_ERR_AUTH, BELFRY_SMTP_STAGE_AUTH, 535, "", 2, "unavailable"},
        {BELFRY_SMTP_ERR_REPLY, BELFRY_SMTP_STAGE_ENVELOPE, 421, "4.3.2", 2, "unavailable"},
        {BELFRY_SMTP_ERR_LOST, BELFRY_SMTP_STAGE_ENVELOPE, 0, "", 2, "retry"},
        {BELFRY_SMTP_ERR_LOST, BELFRY_SMTP_STAGE_CONTENT, 0, "", 2, "retry"},
        {BELFRY_SMTP_ERR_LOST, BELFRY_SMTP_STAGE_END, 0, "", 1, "unknown"},
        {BELFRY_SMTP_ERR_REPLY, BELFRY_SMTP_STAGE_ENVELOPE, 450, "", 1, "retry"},
        {BELFRY_SMTP_ERR_REPLY, BELFRY_SMTP_STAGE_ENVELOPE, 550, "", 1, "rejected"},
        {BELFRY_SMTP_ERR_REPLY, BELFRY_SMTP_STAGE_END, 451, "", 1, "retry"},
        {BELFRY_SMTP_ERR_REPLY, BELFRY_SMTP_STAGE_END, 421, "4.4.2", 1, "retry"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct belfry_test *t = make(TWO);
        for (int k = 0; k < 2; k++)
            answer(t, rows[i].error, rows[i].stage, rows[i].code, rows[i].enhanced, "");
        uint64_t batch = deliver_to(t, "ann");
        print_message("row %zu\n", i);
        assert_int_equal(belfry_test_sent_count(t), rows[i].mails);
        assert_string_equal(outcome_of(t, batch), rows[i].outcome);
        belfry_test_free(t);
    }
}

/* While nothing is open nothing is sent, and nothing is written either. */
static void test_all_servers_are_away(void **state)
{
    (void)state;
    struct belfry_test *t = make(TWO);
    answer(t, BELFRY_SMTP_ERR_CONNECT, BELFRY_SMTP_STAGE_CONNECT, 0, NULL, NULL);
    answer(t, BELFRY_SMTP_ERR_AUTH, BELFRY_SMTP_STAGE_AUTH, 454, "4.7.0", "no");
    assert_string_equal(outcome_to(t, "ann"), "unavailable");
    belfry_test_advance(t, "10s");
    uint64_t batch = deliver_to(t, "ann");
    assert_string_equal(outcome_of(t, batch), "unavailable");
    assert_int_equal(belfry_test_outcome(t, batch, 0)->retry_after_ms, 20000);
    assert_string_equal(belfry_test_outcome(t, batch, 0)->detail, "no mail server takes mail now");
    assert_int_equal(belfry_test_sent_count(t), 2);
    belfry_test_advance(t, "20s");
    batch = deliver_to(t, "ann"); /* tries the first */
    assert_int_equal(belfry_test_sent_count(t), 3);
    assert_string_equal(outcome_of(t, batch), "");
    uint64_t second = deliver_to(t, "ann"); /* tries the second */
    uint64_t third = deliver_to(t, "ann");
    assert_int_equal(belfry_test_sent_count(t), 4);
    assert_string_equal(outcome_of(t, third), "unavailable");
    accept(t);
    accept(t);
    assert_string_equal(outcome_of(t, batch), "delivered");
    assert_string_equal(outcome_of(t, second), "delivered");
    accept(t);
    assert_string_equal(outcome_to(t, "ann"), "delivered");
    belfry_test_free(t);
}

/* Admins are told of a server that is still away at the second try, once. */
static void test_the_alarm(void **state)
{
    (void)state;
    struct belfry_test *t = make(ONE);
    for (int i = 0; i < 4; i++)
        answer(t, BELFRY_SMTP_ERR_CONNECT, BELFRY_SMTP_STAGE_CONNECT, 0, NULL, NULL);
    deliver_to(t, "ann");
    belfry_test_expect(t, "");
    belfry_test_advance(t, "30s");
    deliver_to(t, "ann");
    belfry_test_expect(t, "alarm failing 127.0.0.1:2525: 127.0.0.1:2525: there is no connection (connect)");
    for (int i = 0; i < 2; i++) {
        belfry_test_advance(t, "5m");
        deliver_to(t, "ann");
        belfry_test_expect(t, "");
    }
    belfry_test_free(t);
}

/* A server that comes back with credentials or a certificate that do not fit is told of, though it was away before. */
static void test_the_alarm_of_a_server_that_comes_back_wrong(void **state)
{
    (void)state;
    struct belfry_test *t = make(ONE);
    answer(t, BELFRY_SMTP_ERR_CONNECT, BELFRY_SMTP_STAGE_CONNECT, 0, NULL, NULL);
    for (int i = 0; i < 2; i++)
        answer(t, BELFRY_SMTP_ERR_AUTH, BELFRY_SMTP_STAGE_AUTH, 535, "5.7.8", "no");
    answer(t, BELFRY_SMTP_ERR_CONNECT, BELFRY_SMTP_STAGE_CONNECT, 0, NULL, NULL);
    accept(t);
    answer(t, BELFRY_SMTP_ERR_TLS, BELFRY_SMTP_STAGE_TLS, 0, NULL, NULL);
    static const char *const expected[] = {"", "alarm failing 127.0.0.1:2525: 127.0.0.1:2525 said 535 5.7.8 no (auth)",
                                           "", "",
                                           "", "alarm failing 127.0.0.1:2525: 127.0.0.1:2525: TLS failed (tls)"};
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        deliver_to(t, "ann");
        belfry_test_expect(t, expected[i]);
        belfry_test_advance(t, "5m");
    }
    belfry_test_free(t);
}

/* A password is sent to the server it belongs to, and to no other. */
static void test_each_server_has_its_own_credentials(void **state)
{
    (void)state;
    struct belfry_test *t = make("servers: [{url: 'smtps://a.example', username: u, password: hunter2}, {url: "
                                 "'smtp://b.example:587', tls: required}], " FROM);
    answer(t, BELFRY_SMTP_ERR_TLS, BELFRY_SMTP_STAGE_TLS, 0, NULL, NULL);
    accept(t);
    assert_string_equal(outcome_to(t, "ann"), "delivered");
    assert_string_equal(belfry_test_sent(t, 0)->password, "hunter2");
    assert_null(belfry_test_sent(t, 1)->username);
    assert_null(belfry_test_sent(t, 1)->password);
    assert_null(strstr(belfry_test_logs(t), "hunter2"));
    belfry_test_free(t);
}

/* --- domains ------------------------------------------------------------------------------------------------------ */

static void test_one_domain_rests(void **state)
{
    (void)state;
    struct belfry_test *t = make(ONE);
    answer(t, BELFRY_SMTP_ERR_REPLY, BELFRY_SMTP_STAGE_END, 421, "4.7.28", "too many");
    assert_string_equal(outcome_to(t, "email:a@slow.example"), "retry");
    uint64_t batch = deliver_to(t, "email:b@slow.example");
    assert_string_equal(outcome_of(t, batch), "deferred");
    assert_int_equal(belfry_test_outcome(t, batch, 0)->retry_after_ms, 60250);
    assert_string_equal(belfry_test_outcome(t, batch, 0)->detail, "mail to slow.example waits");
    assert_int_equal(belfry_test_metric(t, "email_domains_resting"), 1);
    accept(t);
    assert_string_equal(outcome_to(t, "ann"), "delivered");
    belfry_test_advance(t, "1m");
    uint64_t first = deliver_to(t, "email:b@SLOW.example");
    assert_string_equal(outcome_of(t, first), "");
    assert_string_equal(outcome_to(t, "email:c@slow.example"), "deferred");
    accept(t);
    assert_string_equal(outcome_of(t, first), "delivered");
    accept(t);
    assert_string_equal(outcome_to(t, "email:c@slow.example"), "delivered");
    assert_int_equal(belfry_test_metric(t, "email_domains_resting"), 0);
    belfry_test_free(t);
}

/* Who is at fault is us: operators are told, the address stays as good as it was. */
static void test_a_domain_that_does_not_trust_us(void **state)
{
    (void)state;
    struct belfry_test *t = make(ONE);
    answer(t, BELFRY_SMTP_ERR_REPLY, BELFRY_SMTP_STAGE_END, 550, "5.7.515", "Access denied");
    assert_string_equal(outcome_to(t, "email:a@outlook.example"), "retry");
    belfry_test_expect(t, "alarm distrusted outlook.example: 127.0.0.1:2525 said 550 5.7.515 Access denied (end)");
    assert_non_null(strstr(belfry_test_logs(t), "error: mail to outlook.example waits for 900 s; it does not trust"));
    assert_string_equal(outcome_to(t, "email:b@outlook.example"), "deferred");
    belfry_test_free(t);
}

/* A probe that finds no server tells nothing of the domain, and the next one may try. */
static void test_a_probe_that_finds_no_server(void **state)
{
    (void)state;
    struct belfry_test *t = make(ONE);
    answer(t, BELFRY_SMTP_ERR_REPLY, BELFRY_SMTP_STAGE_END, 450, "4.2.1", "too many");
    assert_string_equal(outcome_to(t, "email:a@slow.example"), "retry");
    belfry_test_advance(t, "1m");
    answer(t, BELFRY_SMTP_ERR_CONNECT, BELFRY_SMTP_STAGE_CONNECT, 0, NULL, NULL);
    assert_string_equal(outcome_to(t, "email:a@slow.example"), "unavailable");
    belfry_test_advance(t, "30s");
    accept(t);
    assert_string_equal(outcome_to(t, "email:a@slow.example"), "delivered");
    belfry_test_free(t);
}

/* --- ends --------------------------------------------------------------------------------------------------------- */

static void test_a_deadline(void **state)
{
    static const struct {
        uint32_t stage;
        const char *outcome;
    } rows[] = {{BELFRY_SMTP_STAGE_ENVELOPE, "retry"}, {BELFRY_SMTP_STAGE_END, "unknown"}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct belfry_test *t = make(ONE);
        belfry_test_smtp_answer(t, &(struct belfry_test_smtp){.code = 250, .stage = rows[i].stage, .after = "3m"});
        uint64_t batch = deliver_to(t, "ann");
        assert_string_equal(outcome_of(t, batch), "");
        belfry_test_advance(t, "61s");
        assert_string_equal(outcome_of(t, batch), rows[i].outcome);
        belfry_test_free(t);
    }
}

static void test_cancel(void **state)
{
    (void)state;
    struct belfry_test *t = make(TWO);
    uint64_t batch = deliver_to(t, "ann");
    belfry_test_cancel(t, batch);
    assert_string_equal(outcome_of(t, batch), "retry");
    assert_int_equal(belfry_test_sent_count(t), 1); /* no other server is asked then */
    belfry_test_cancel(t, batch);                   /* it is over */
    belfry_test_free(t);
}

/* stop() while a mail is under way: it ends, and then the instance. */
static void test_stop(void **state)
{
    (void)state;
    struct belfry_test *t = make(ONE);
    deliver_to(t, "ann");
    belfry_test_free(t);
}

/* --- the test mail ------------------------------------------------------------------------------------------------ */

static const struct belfry_test_reply *test_mail(struct belfry_test *t, const char *body)
{
    return belfry_test_call(t, &(struct belfry_test_call){.path = "/v1/acme/channels/email/test",
                                                          .method = "POST",
                                                          .body = body,
                                                          .content_type = "application/json"});
}

static void test_a_test_mail(void **state)
{
    static const struct {
        const char *as, *body, *to;
    } rows[] = {{"person:ann", NULL, "ann@acme.example"},
                {"person:ann", "{}", "ann@acme.example"},
                {"person:ann", "{\"to\": null}", "ann@acme.example"},
                {"person:root", "{\"to\": \"ann\"}", "ann@acme.example"},
                {"token:admin", NULL, "notify@acme.example"},
                {"token:admin", "{\"to\": \"notify@ACME.example\"}", "notify@acme.example"}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct belfry_test *t = make(ONE);
        belfry_test_as(t, rows[i].as);
        accept(t);
        const struct belfry_test_reply *reply = test_mail(t, rows[i].body);
        assert_int_equal(reply->status, 200);
        assert_string_equal(belfry_test_sent(t, 0)->to, rows[i].to);
        assert_null(header(t, 0, "List-Unsubscribe"));
        json_t *body = json_loads(reply->body, 0, NULL);
        assert_true(json_is_true(json_object_get(body, "delivered")));
        assert_string_equal(json_string_value(json_object_get(body, "to")), rows[i].to);
        assert_string_equal(json_string_value(json_object_get(body, "server")), "127.0.0.1:2525");
        assert_int_equal(json_integer_value(json_object_get(body, "code")), 250);
        json_decref(body);
        belfry_test_free(t);
    }
}

static void test_a_test_mail_that_is_refused(void **state)
{
    (void)state;
    struct belfry_test *t = make(TWO);
    answer(t, BELFRY_SMTP_ERR_CONNECT, BELFRY_SMTP_STAGE_CONNECT, 0, NULL, NULL);
    answer(t, BELFRY_SMTP_ERR_REPLY, BELFRY_SMTP_STAGE_ENVELOPE, 550, "5.1.1", "no such user");
    const struct belfry_test_reply *reply = test_mail(t, "{\"to\":\"ann\"}");
    assert_int_equal(reply->status, 502);
    assert_string_equal(reply->body, "127.0.0.1:2502 said 550 5.1.1 no such user (envelope)");
    belfry_test_expect(t, ""); /* a test suppresses nobody */
    /* servers that mail leaves alone are asked all the same */
    answer(t, BELFRY_SMTP_ERR_CONNECT, BELFRY_SMTP_STAGE_CONNECT, 0, NULL, NULL);
    accept(t);
    assert_int_equal(test_mail(t, "{\"to\":\"ann\"}")->status, 200);
    assert_int_equal(belfry_test_sent_count(t), 4);
    belfry_test_free(t);
}

static void test_who_gets_no_test_mail(void **state)
{
    static const struct {
        const char *body;
        uint32_t status;
    } rows[] = {{"{\"to\":\"stranger@evil.example\"}", 422},
                {"{\"to\":\"nobody\"}", 422},
                {"{\"to\":\"carl\"}", 422},
                {"{\"to\":7}", 422},
                {"{\"to\":\"\"}", 422},
                {"[]", 400},
                {"nonsense", 400}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct belfry_test *t = make(ONE);
        const struct belfry_test_reply *reply = test_mail(t, rows[i].body);
        assert_int_equal(reply->status, rows[i].status);
        assert_string_equal(reply->title, rows[i].status == 422 ? "/to" : "");
        assert_int_equal(belfry_test_sent_count(t), 0);
        belfry_test_free(t);
    }
}

static void test_test_mails_are_few(void **state)
{
    (void)state;
    struct belfry_test *t = make(ONE);
    for (int i = 0; i < 10; i++) {
        accept(t);
        assert_int_equal(test_mail(t, NULL)->status, 200);
    }
    const struct belfry_test_reply *reply = test_mail(t, NULL);
    assert_int_equal(reply->status, 429);
    assert_int_equal(reply->header_count, 1);
    assert_int_equal(belfry_test_sent_count(t), 10);
    belfry_test_advance(t, "10m");
    accept(t);
    assert_int_equal(test_mail(t, NULL)->status, 200);
    belfry_test_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outcomes),
        cmocka_unit_test(test_the_record),
        cmocka_unit_test(test_failover),
        cmocka_unit_test(test_where_another_server_is_asked),
        cmocka_unit_test(test_all_servers_are_away),
        cmocka_unit_test(test_the_alarm),
        cmocka_unit_test(test_the_alarm_of_a_server_that_comes_back_wrong),
        cmocka_unit_test(test_each_server_has_its_own_credentials),
        cmocka_unit_test(test_one_domain_rests),
        cmocka_unit_test(test_a_domain_that_does_not_trust_us),
        cmocka_unit_test(test_a_probe_that_finds_no_server),
        cmocka_unit_test(test_a_deadline),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_a_test_mail),
        cmocka_unit_test(test_a_test_mail_that_is_refused),
        cmocka_unit_test(test_who_gets_no_test_mail),
        cmocka_unit_test(test_test_mails_are_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
