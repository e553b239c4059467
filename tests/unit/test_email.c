/* SPDX-License-Identifier: Apache-2.0 */
/* The email delivery on the fake host: what goes out, and the options that it takes. */
#include "email_fixture.h"

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
    const struct belfry_test_item mixed[] = {required, deal}; /* what else is in it can be stopped */
    accept(t);
    belfry_test_deliver(
        t, &(struct belfry_test_batch){.to = "ann", .items = mixed, .count = 2, .kind = BELFRY_BATCH_CATCH_UP});
    assert_non_null(header(t, 1, "List-Unsubscribe"));
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
        cmocka_unit_test(test_options_that_are_refused),
        cmocka_unit_test(test_options_that_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
