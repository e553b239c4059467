/* SPDX-License-Identifier: Apache-2.0 */
/* The email delivery on the fake host: what goes out, to which server, what each answer leads to, what is kept of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <belfry/test.h>
#include <jansson.h>
#include <openssl/pem.h>

#define FROM "from: 'Acme <notify@acme.example>'"
#define ONE "smtp: 'smtp://127.0.0.1:2525', " FROM
#define TWO "servers: [{url: 'smtp://127.0.0.1:2501'}, {url: 'smtp://127.0.0.1:2502', connections: 2}], " FROM

static void failure(const char *file, int line, const char *text)
{
    print_error("%s\n", text);
    _fail(file, line);
}

static struct belfry_test *make(const char *options)
{
    char *yaml = NULL;
    belfry_test_on_failure(failure);
    assert_true(asprintf(&yaml, "{%s}", options) > 0);
    struct belfry_test *t = belfry_test_new(&belfry_entry, yaml);
    free(yaml);
    belfry_test_expect_error(t, "");
    belfry_test_person(t, &(struct belfry_person){.struct_size = sizeof(struct belfry_person),
                                                  .username = belfry_str("ann"),
                                                  .name = belfry_str("Ann Lee"),
                                                  .email = belfry_str("ann@acme.example"),
                                                  .locale = belfry_str("en"),
                                                  .timezone = belfry_str("UTC")});
    belfry_test_user(t, "carl", ""); /* has no address */
    return t;
}

#define KEY "01939f4c-8a2b-7c3d-9e4f-5a6b7c8d9e0f"

static const struct belfry_test_item deal = {.type = "approval.requested",
                                             .category = "approval",
                                             .category_label = "Approvals",
                                             .subject = "approval/42",
                                             .title = "Discount for Deal X",
                                             .body = "Ann asks for 20 %."};

static uint64_t deliver_to(struct belfry_test *t, const char *to)
{
    uint64_t batch =
        belfry_test_deliver(t, &(struct belfry_test_batch){.to = to, .items = &deal, .count = 1, .key = KEY});
    assert_int_not_equal(batch, 0);
    return batch;
}

static void answer(struct belfry_test *t, uint32_t error, uint32_t stage, int code, const char *enhanced,
                   const char *text)
{
    belfry_test_smtp_answer(t, &(struct belfry_test_smtp){
                                   .error = error, .stage = stage, .code = code, .enhanced = enhanced, .text = text});
}

static void accept(struct belfry_test *t)
{
    answer(t, 0, BELFRY_SMTP_STAGE_END, 250, "2.0.0", "queued as 1");
}

/* "delivered", and so on; "" while it is under way. */
static const char *outcome_of(struct belfry_test *t, uint64_t batch)
{
    const struct belfry_test_outcome *outcome = belfry_test_outcome(t, batch, 0);
    return outcome ? belfry_test_outcome_name(outcome->outcome) : "";
}

static const char *outcome_to(struct belfry_test *t, const char *to)
{
    return outcome_of(t, deliver_to(t, to));
}

/* The value of a header of a mail, unfolded. Static memory. */
static const char *header(struct belfry_test *t, size_t mail, const char *name)
{
    static char value[4096];
    const char *at = belfry_test_sent(t, mail)->message, *end = strstr(at, "\r\n\r\n");
    size_t len = strlen(name), n = 0;
    while (at && at < end && !(strncmp(at, name, len) == 0 && at[len] == ':')) {
        at = strstr(at, "\r\n");
        at = at ? at + 2 : NULL;
    }
    if (!at || at >= end)
        return NULL;
    for (at += len + 1; *at == ' ' || *at == '\t'; at++)
        ;
    for (; n + 1 < sizeof(value) && *at; at++) {
        if (at[0] == '\r' && at[1] == '\n' && at[2] != ' ' && at[2] != '\t')
            break;
        if (*at != '\r' && *at != '\n')
            value[n++] = *at == '\t' ? ' ' : *at;
    }
    value[n] = '\0';
    return value;
}

static json_t *record_of(struct belfry_test *t, uint64_t batch)
{
    json_t *record = json_loads(belfry_test_outcome(t, batch, 0)->record, 0, NULL);
    assert_non_null(record);
    return record;
}

/* --- what goes out ------------------------------------------------------------------------------------------------ */

static void test_a_mail(void **state)
{
    (void)state;
    struct belfry_test *t = make(ONE ", username: u, password: secret, tls: required, tls_ca: /ca.pem, connections: 9");
    accept(t);
    uint64_t batch = deliver_to(t, "ann");
    const struct belfry_test_sent *mail = belfry_test_sent(t, 0);
    assert_string_equal(mail->url, "smtp://127.0.0.1:2525");
    assert_string_equal(mail->username, "u");
    assert_string_equal(mail->password, "secret");
    assert_string_equal(mail->ca_file, "/ca.pem");
    assert_int_equal(mail->tls, BELFRY_SMTP_TLS_REQUIRED);
    assert_int_equal(mail->max_connections, 9);
    assert_string_equal(mail->from, "notify@acme.example");
    assert_string_equal(mail->to, "ann@acme.example");
    assert_int_equal(mail->timeout_ms, 60000);
    assert_int_equal(mail->connect_timeout_ms, 10000);
    assert_non_null(strstr(header(t, 0, "From"), "Acme"));
    assert_non_null(strstr(header(t, 0, "From"), "<notify@acme.example>"));
    assert_string_equal(header(t, 0, "To"), "\"Ann Lee\" <ann@acme.example>");
    assert_non_null(strstr(header(t, 0, "Subject"), "Discount for Deal X"));
    assert_non_null(strstr(header(t, 0, "List-Id"), "Acme: Approvals"));
    assert_non_null(strstr(header(t, 0, "List-Id"), "<approval.acme.example>"));
    assert_string_equal(header(t, 0, "Feedback-ID"), "approval:single:acme:belfry");
    assert_string_equal(header(t, 0, "Auto-Submitted"), "auto-generated");
    assert_string_equal(header(t, 0, "Content-Language"), "en");
    assert_string_equal(header(t, 0, "List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    assert_memory_equal(header(t, 0, "List-Unsubscribe"), "<https://belfry.example.org/acme/u/v1.", 38);
    assert_null(strstr(header(t, 0, "List-Unsubscribe"), "mailto:"));
    assert_memory_equal(header(t, 0, "Message-ID"), "<" KEY ".", 38);
    assert_string_equal(outcome_of(t, batch), "delivered");
    const struct belfry_test_outcome *outcome = belfry_test_outcome(t, batch, 0);
    assert_int_equal(outcome->code, 250);
    assert_string_equal(outcome->detail, "127.0.0.1:2525 said 250 2.0.0 queued as 1 (end)");
    assert_int_equal(belfry_test_metric(t, "email_sent_total"), 1);
    belfry_test_free(t);
}

/* Everything that can bring a mail back or stop it, once there is a domain for that. */
static void test_a_bounce_domain(void **state)
{
    (void)state;
    struct belfry_test *t = make(ONE ", bounce_domain: Bounce.Acme.Example");
    accept(t);
    deliver_to(t, "ann");
    const char *from = belfry_test_sent(t, 0)->from;
    assert_memory_equal(from, "b+", 2);
    assert_non_null(strstr(from, "@bounce.acme.example"));
    assert_non_null(strstr(header(t, 0, "List-Unsubscribe"), ">, <mailto:unsub+"));
    assert_non_null(strstr(header(t, 0, "List-Unsubscribe"), "@bounce.acme.example>"));
    assert_non_null(strstr(header(t, 0, "From"), "<notify@acme.example>"));
    belfry_test_free(t);
}

/* The Message-ID is the batch's; of one subject and person all mails refer to the same one. */
static void test_threads(void **state)
{
    char id[400], thread[400];
    (void)state;
    struct belfry_test *t = make(ONE);
    for (int i = 0; i < 5; i++)
        accept(t);
    deliver_to(t, "ann");
    strcpy(id, header(t, 0, "Message-ID"));
    strcpy(thread, header(t, 0, "References"));
    assert_string_equal(header(t, 0, "In-Reply-To"), thread);
    assert_string_not_equal(id, thread);
    belfry_test_advance(t, "5m");
    deliver_to(t, "ann"); /* once more */
    assert_string_equal(header(t, 1, "Message-ID"), id);
    struct belfry_test_item later = deal;
    later.title = "Still open: Discount for Deal X";
    belfry_test_deliver(t, &(struct belfry_test_batch){.to = "ann", .items = &later, .count = 1});
    assert_string_not_equal(header(t, 2, "Message-ID"), id);
    assert_string_equal(header(t, 2, "References"), thread);
    later.subject = "approval/43";
    belfry_test_deliver(t, &(struct belfry_test_batch){.to = "ann", .items = &later, .count = 1});
    assert_string_not_equal(header(t, 3, "References"), thread);
    struct belfry_test_item both[] = {deal, later};
    belfry_test_deliver(
        t, &(struct belfry_test_batch){.to = "ann", .items = both, .count = 2, .kind = BELFRY_BATCH_DIGEST});
    assert_null(header(t, 4, "References"));
    assert_string_equal(header(t, 4, "Feedback-ID"), "approval:digest:acme:belfry");
    belfry_test_free(t);
}

/* What nobody can stop says nothing of how, in no part of the mail. */
static void test_a_required_category(void **state)
{
    (void)state;
    struct belfry_test *t = make(ONE ", bounce_domain: bounce.acme.example");
    accept(t);
    struct belfry_test_item required = deal;
    required.flags = BELFRY_ITEM_REQUIRED;
    belfry_test_deliver(t, &(struct belfry_test_batch){.to = "ann", .items = &required, .count = 1});
    assert_null(header(t, 0, "List-Unsubscribe"));
    assert_null(header(t, 0, "List-Unsubscribe-Post"));
    assert_null(strstr(belfry_test_sent(t, 0)->message, "/u/v1."));
    assert_non_null(header(t, 0, "List-Id"));
    belfry_test_free(t);
}

/* What quiet hours held, of several categories: stopping it stops all. */
static void test_a_catch_up(void **state)
{
    char first[1200];
    (void)state;
    struct belfry_test *t = make(ONE);
    accept(t);
    accept(t);
    accept(t);
    struct belfry_test_item other = deal, items[2];
    other.category = "CALC_BLOCKED";
    other.category_label = "Calculation blocked";
    items[0] = deal;
    items[1] = other;
    belfry_test_deliver(
        t, &(struct belfry_test_batch){.to = "ann", .items = items, .count = 2, .kind = BELFRY_BATCH_CATCH_UP});
    assert_string_equal(header(t, 0, "Feedback-ID"), "catch-up:catch-up:acme:belfry");
    assert_non_null(strstr(header(t, 0, "List-Id"), "<catch-up.acme.example>"));
    strcpy(first, header(t, 0, "List-Unsubscribe"));
    belfry_test_deliver(t, &(struct belfry_test_batch){.to = "ann", .items = &other, .count = 1});
    assert_non_null(strstr(header(t, 1, "List-Id"), "<calc-blocked.acme.example>"));
    assert_string_not_equal(header(t, 1, "List-Unsubscribe"), first);
    char label[3 * 300 + 1] = ""; /* of 300 letters, none of which is cut through */
    for (size_t i = 0; i < 300; i++)
        memcpy(label + 3 * i, "語", 4);
    other.category_label = label;
    belfry_test_deliver(t, &(struct belfry_test_batch){.to = "ann", .items = &other, .count = 1});
    assert_non_null(strstr(header(t, 2, "List-Id"), "<calc-blocked.acme.example>"));
    belfry_test_free(t);
}

/* An outside address has a link of its own to stop it, and nothing to sign in to. */
static void test_an_outside_address(void **state)
{
    (void)state;
    struct belfry_test *t = make(ONE);
    accept(t);
    assert_string_equal(outcome_to(t, "email:payer@customer.example"), "delivered");
    assert_string_equal(belfry_test_sent(t, 0)->to, "payer@customer.example");
    assert_non_null(header(t, 0, "List-Unsubscribe"));
    assert_null(strstr(belfry_test_sent(t, 0)->message, "/acme/preferences"));
    assert_null(strstr(belfry_test_sent(t, 0)->message, "/acme/n/"));
    belfry_test_free(t);
}

/* What is stored is clean; what would be none all the same breaks nothing. */
static void test_hostile_texts(void **state)
{
    static const char *const titles[] = {"Hi\r\nBcc: eve@evil.example", "Hi\nBcc: eve@evil.example",
                                         "Hi\r\n\r\n<script>alert(1)</script>", "\x01\x02\x7f"};
    (void)state;
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++) {
        struct belfry_test *t = make(ONE);
        struct belfry_test_item hostile = deal;
        hostile.title = titles[i];
        accept(t);
        uint64_t batch =
            belfry_test_deliver(t, &(struct belfry_test_batch){.to = "ann", .items = &hostile, .count = 1});
        assert_true(strcmp(outcome_of(t, batch), "delivered") == 0 || strcmp(outcome_of(t, batch), "rejected") == 0);
        if (belfry_test_sent_count(t))
            assert_null(header(t, 0, "Bcc"));
        belfry_test_free(t);
    }
}

static void test_addresses_that_are_none(void **state)
{
    static const struct {
        const char *to, *detail;
    } rows[] = {
        {"carl", "there is no address"}, {"email:nobody", "the address "}, {"email:a b@c.example", "the address "}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct belfry_test *t = make(ONE);
        uint64_t batch = deliver_to(t, rows[i].to);
        assert_string_equal(outcome_of(t, batch), "rejected");
        assert_memory_equal(belfry_test_outcome(t, batch, 0)->detail, rows[i].detail, strlen(rows[i].detail));
        assert_int_equal(belfry_test_sent_count(t), 0);
        belfry_test_free(t);
    }
}

/* --- DKIM --------------------------------------------------------------------------------------------------------- */

/* A file with a new key, to be unlinked and freed. */
static char *key_file(int kind)
{
    char *path = strdup("/tmp/belfry-test-key-XXXXXX");
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    EVP_PKEY *key = kind == EVP_PKEY_RSA ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048)
                                         : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    assert_non_null(key);
    assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
    EVP_PKEY_free(key);
    return path;
}

static void test_signatures(void **state)
{
    char options[600];
    char *rsa = key_file(EVP_PKEY_RSA), *ed25519 = key_file(EVP_PKEY_ED25519);
    (void)state;
    snprintf(options, sizeof(options), ONE ", dkim: [{selector: r1, key: %s}, {selector: e1, key: %s}]", rsa, ed25519);
    struct belfry_test *t = make(options);
    accept(t);
    assert_string_equal(outcome_to(t, "ann"), "delivered");
    const char *message = belfry_test_sent(t, 0)->message;
    assert_memory_equal(message, "DKIM-Signature:", 15);
    assert_non_null(strstr(message, "a=rsa-sha256"));
    assert_non_null(strstr(message, "a=ed25519-sha256"));
    assert_non_null(strstr(message, "s=r1"));
    assert_non_null(strstr(message, "d=acme.example"));
    belfry_test_free(t);
    unlink(rsa);
    unlink(ed25519);
    free(rsa);
    free(ed25519);
}

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

/* --- options ------------------------------------------------------------------------------------------------------ */

static void test_options_that_are_refused(void **state)
{
    static const struct {
        const char *yaml, *error;
    } rows[] = {
        {"{" FROM "}", "there is no mail server: write `smtp: smtp://mail.example.org`, or several in `servers`"},
        {"{smtp: 'smtp://u:p@mail.example', " FROM "}",
         "smtp: the address must not hold a user name; write `username` and `password` beside it"},
        {"{smtp: 'smtp://mail.example/x', " FROM "}", "smtp: the address must end behind host and port"},
        {"{smtp: 'smtp://mail.example', tls: 'off', " FROM "}",
         "smtp: `tls: off` is for 127.0.0.1, [::1] and localhost only; mail to mail.example goes over STARTTLS (`tls: "
         "auto`) or smtps://"},
        {"{smtp: 'smtp://127.evil.example', tls: 'off', " FROM "}",
         "smtp: `tls: off` is for 127.0.0.1, [::1] and localhost only; mail to 127.evil.example goes over STARTTLS "
         "(`tls: auto`) or smtps://"},
        {"{smtp: 'smtps://localhost', tls: 'off', " FROM "}", "smtp: `tls: off` and smtps:// contradict each other"},
        {"{smtp: 'smtp://localhost', tls_ca: ca.pem, " FROM "}", "smtp: tls_ca must be an absolute path, not ca.pem"},
        {"{servers: [{url: 'smtp://a.example'}, {url: 'smtp://b.example', tls: 'off'}], " FROM "}",
         "servers[1].url: `tls: off` is for 127.0.0.1, [::1] and localhost only; mail to b.example goes over STARTTLS "
         "(`tls: auto`) or smtps://"},
        {"{smtp: 'smtp://localhost', from: Acme}", "from: the address "},
        {"{" ONE ", bounce_domain: 'a b'}", "bounce_domain: `a b` is no domain that mail can come back to"},
        {"{" ONE ", dkim: [{selector: s, key: nonsense}]}",
         "dkim: the key of selector `s` is neither a private key in PEM nor the absolute path of a file"},
        {"{" ONE ", dkim: [{selector: s, key: /nowhere/key.pem}]}",
         "dkim: the key of selector `s` is neither a private key in PEM nor the absolute path of a file"},
        {"{" ONE ", dkim: [{selector: s, key: '-----BEGIN nothing'}]}", "dkim: the key of selector `s` "},
    };
    (void)state;
    belfry_test_on_failure(failure);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct belfry_test *t = belfry_test_new(&belfry_entry, rows[i].yaml);
        assert_int_equal(belfry_test_status(t), BELFRY_EINVAL);
        if (strncmp(belfry_test_error(t), rows[i].error, strlen(rows[i].error)) != 0)
            fail_msg("%s\n  got:      %s\n  expected: %s", rows[i].yaml, belfry_test_error(t), rows[i].error);
        belfry_test_free(t);
    }
}

static void test_options_that_are_taken(void **state)
{
    static const char *const rows[] = {
        "smtp: 'smtp://localhost', tls: 'off', " FROM,
        "smtp: 'smtp://[::1]:2525', tls: 'off', " FROM,
        "smtp: 'smtp://127.8.8.8/', tls: 'off', " FROM,
        "smtp: 'smtps://mail.example:465', from: notify@acme.example",
        "smtp: 'smtp://mail.example', from: 'Grüße <notify@bücher.example>', bounce_domain: bounce.bücher.example",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        belfry_test_free(make(rows[i]));
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
        cmocka_unit_test(test_a_mail),
        cmocka_unit_test(test_a_bounce_domain),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_a_required_category),
        cmocka_unit_test(test_a_catch_up),
        cmocka_unit_test(test_an_outside_address),
        cmocka_unit_test(test_hostile_texts),
        cmocka_unit_test(test_addresses_that_are_none),
        cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_outcomes),
        cmocka_unit_test(test_the_record),
        cmocka_unit_test(test_failover),
        cmocka_unit_test(test_where_another_server_is_asked),
        cmocka_unit_test(test_all_servers_are_away),
        cmocka_unit_test(test_the_alarm),
        cmocka_unit_test(test_each_server_has_its_own_credentials),
        cmocka_unit_test(test_one_domain_rests),
        cmocka_unit_test(test_a_domain_that_does_not_trust_us),
        cmocka_unit_test(test_a_probe_that_finds_no_server),
        cmocka_unit_test(test_a_deadline),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_options_that_are_refused),
        cmocka_unit_test(test_options_that_are_taken),
        cmocka_unit_test(test_a_test_mail),
        cmocka_unit_test(test_a_test_mail_that_is_refused),
        cmocka_unit_test(test_who_gets_no_test_mail),
        cmocka_unit_test(test_test_mails_are_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
