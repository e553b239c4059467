/* SPDX-License-Identifier: Apache-2.0 */
/* What comes back, as MTAs and mail providers write it, and what it means; then the same, damaged in every way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../plugins/email/bounce.h"
#include "../../plugins/email/token.h"
#include "chance.h"

#define DELIVERY "01939f4c-8a2b-7c3d-9e4f-5a6b7c8d9e0f"
#define JANE "jane@acme.example"
#define NOBODY ""

static const uint8_t key[32] = {1, 2, 3}; /* the one that the files were signed with */

static char *read_file(const char *name, size_t *len)
{
    char path[1000];
    snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/bounce/%s.eml", BELFRY_SRCDIR, name);
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("cannot open %s", path);
    char *text = malloc(1 << 20);
    *len = fread(text, 1, 1 << 20, file);
    fclose(file);
    return text;
}

static void read_text(const char *recipient, const char *text, struct bounce *out)
{
    bounce_read(key, belfry_str(recipient), belfry_str(text), out);
}

/* --- as they come --- */

static const struct {
    const char *file;
    enum bounce_kind kind;
    const char *delivery;
    enum bounce_verdict verdict; /* for Jane */
    const char *detail;
    enum bounce_complaint complaint;
} messages[] = {
    {"postfix_unknown_user", BOUNCE_REPORT, DELIVERY, BOUNCE_HARD,
     "550 5.1.1 <jane@acme.example>: Recipient address rejected: User unknown in virtual mailbox table", 0},
    {"exim_unknown_user", BOUNCE_REPORT, DELIVERY, BOUNCE_HARD, "550 5.1.1 <jane@acme.example>: User unknown", 0},
    {"gmail_no_such_user", BOUNCE_REPORT, DELIVERY, BOUNCE_HARD,
     "550-5.1.1 The email account that you tried to reach does not exist. Please try 550-5.1.1 double-checking the "
     "recipient's email address for typos or 550 5.1.1 unnecessary spaces. - gsmtp",
     0},
    {"exchange_mailbox_full", BOUNCE_REPORT, DELIVERY, BOUNCE_SOFT,
     "554 5.2.2 mailbox full; "
     "STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded; Failed to process message",
     0},
    {"microsoft_policy", BOUNCE_REPORT, DELIVERY, BOUNCE_POLICY,
     "550 5.7.515 Access denied, sending domain hub.example does not meet the required authentication level.", 0},
    {"postfix_expired", BOUNCE_REPORT, DELIVERY, BOUNCE_SOFT,
     "4.4.1 connect to mail.acme.example[192.0.2.25]:25: Connection timed out", 0},
    {"postfix_delayed", BOUNCE_REPORT, DELIVERY, BOUNCE_IGNORED, NULL, 0},
    {"several_recipients", BOUNCE_REPORT, DELIVERY, BOUNCE_SOFT, "5.2.2 452 4.2.2 over quota", 0},
    {"wrapped_by_a_gateway", BOUNCE_REPORT, DELIVERY, BOUNCE_HARD, "556 5.1.10 null MX", 0},
    {"forwarder_unknown_user", BOUNCE_REPORT, DELIVERY, BOUNCE_SOFT, "550 5.1.1 no such user", 0},
    {"forged_signature", BOUNCE_REPORT, NOBODY, BOUNCE_HARD, "5.1.1 no reason given", 0},
    {"qmail_text_only", BOUNCE_NOTHING, DELIVERY, BOUNCE_IGNORED, NULL, 0},
    {"cut_in_the_middle", BOUNCE_REPORT, DELIVERY, BOUNCE_HARD, NULL, 0},
    {"nothing_at_all", BOUNCE_NOTHING, NOBODY, BOUNCE_IGNORED, NULL, 0},
    {"arf_abuse", BOUNCE_COMPLAINT, DELIVERY, BOUNCE_IGNORED, NULL, BOUNCE_ABUSE},
    {"arf_redacted", BOUNCE_COMPLAINT, DELIVERY, BOUNCE_IGNORED, NULL, BOUNCE_ABUSE},
    {"arf_opt_out", BOUNCE_COMPLAINT, DELIVERY, BOUNCE_IGNORED, NULL, BOUNCE_OPT_OUT},
    {"arf_not_spam", BOUNCE_COMPLAINT, DELIVERY, BOUNCE_IGNORED, NULL, BOUNCE_NO_COMPLAINT},
    {"arf_foreign", BOUNCE_COMPLAINT, NOBODY, BOUNCE_IGNORED, NULL, BOUNCE_ABUSE},
    {"unsubscribe_by_mail", BOUNCE_UNSUBSCRIBE, DELIVERY, BOUNCE_IGNORED, NULL, 0},
    {"unsubscribe_by_machine", BOUNCE_AUTOMATIC, NOBODY, BOUNCE_IGNORED, NULL, 0},
    {"out_of_office", BOUNCE_AUTOMATIC, DELIVERY, BOUNCE_IGNORED, NULL, 0},
};
#define MESSAGES (sizeof(messages) / sizeof(messages[0]))

static void test_messages(void **state)
{
    (void)state;
    for (size_t i = 0; i < MESSAGES; i++) {
        struct bounce bounce;
        const struct bounce_recipient *about;
        char detail[BOUNCE_DETAIL_SIZE] = "";
        size_t len;
        char *text = read_file(messages[i].file, &len);
        bounce_read(key, belfry_str(""), (struct belfry_str){text, len}, &bounce);
        enum bounce_verdict verdict = bounce_judge(&bounce, belfry_str(JANE), &about);
        if (about)
            bounce_describe(about, detail);
        if (bounce.kind != messages[i].kind || strcmp(bounce.delivery, messages[i].delivery) != 0 ||
            verdict != messages[i].verdict || bounce.complaint != messages[i].complaint ||
            (messages[i].detail && strcmp(detail, messages[i].detail) != 0))
            fail_msg("%s: kind %d, delivery %s, verdict %d, complaint %d, detail %s", messages[i].file, bounce.kind,
                     bounce.delivery, verdict, bounce.complaint, detail);
        free(text);
    }
}

static void test_whose_key(void **state)
{
    static const uint8_t other[32] = {9};
    (void)state;
    for (size_t i = 0; i < MESSAGES; i++) {
        struct bounce bounce;
        size_t len;
        char *text = read_file(messages[i].file, &len);
        bounce_read(other, belfry_str(""), (struct belfry_str){text, len}, &bounce);
        assert_string_equal(bounce.delivery, "");
        free(text);
    }
}

/* --- what a status means --- */

static const struct {
    const char *fields;
    enum bounce_verdict verdict;
} statuses[] = {
    {"Action: failed\nStatus: 5.1.1\n", BOUNCE_HARD},
    {"Action: failed\nStatus: 5.1.2\n", BOUNCE_HARD},
    {"Action: failed\nStatus: 5.1.3\n", BOUNCE_HARD},
    {"Action: failed\nStatus: 5.1.6\n", BOUNCE_HARD},
    {"Action: failed\nStatus: 5.1.10\n", BOUNCE_HARD},
    {"Action: failed\nStatus: 5.1.0\n", BOUNCE_HARD},
    {"Action: failed\nStatus: 5.1.7\n", BOUNCE_POLICY}, /* our address is bad */
    {"Action: failed\nStatus: 5.1.8\n", BOUNCE_POLICY},
    {"Action: failed\nStatus: 5.2.2\n", BOUNCE_SOFT},
    {"Action: failed\nStatus: 5.2.1\n", BOUNCE_SOFT},
    {"Action: failed\nStatus: 5.2.3\n", BOUNCE_POLICY},
    {"Action: failed\nStatus: 5.3.4\n", BOUNCE_POLICY},
    {"Action: failed\nStatus: 5.4.4\n", BOUNCE_SOFT},
    {"Action: failed\nStatus: 5.7.1\n", BOUNCE_POLICY},
    {"Action: failed\nStatus: 5.7.26\n", BOUNCE_POLICY},
    {"Action: failed\nStatus: 4.4.7\n", BOUNCE_SOFT},
    {"Action: failed\nStatus: 5.11.1\n", BOUNCE_SOFT},
    {"Action: failed\nStatus: 5.0.0\n", BOUNCE_SOFT},
    {"Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 5.1.1 no\n", BOUNCE_HARD},
    {"Action: failed\nDiagnostic-Code: smtp; 550 #5.1.1 no\n", BOUNCE_HARD},
    {"Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 from 15.1.1.7 rejected\n", BOUNCE_SOFT},
    {"Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 [5.1.20.3] is blocked\n", BOUNCE_SOFT},
    {"Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 [5.1.20.3] said 5.1.1.\n", BOUNCE_HARD},
    {"Action: failed\nStatus: 5.1.1234\n", BOUNCE_SOFT},
    {"Action: failed\nStatus: nonsense\n", BOUNCE_SOFT},
    {"Action: failed\n", BOUNCE_SOFT},
    {"Action: failed (and how)\nStatus: 5.1.1 (bad destination)\n", BOUNCE_HARD},
    {"action:FAILED\nstatus:5.1.1\n", BOUNCE_HARD},
    {"Action: delayed\nStatus: 5.1.1\n", BOUNCE_IGNORED},
    {"Action: delivered\nStatus: 2.1.5\n", BOUNCE_IGNORED},
    {"Action: relayed\nStatus: 5.1.1\n", BOUNCE_IGNORED},
    {"Action: expanded\nStatus: 5.1.1\n", BOUNCE_IGNORED},
    {"Status: 5.1.1\n", BOUNCE_IGNORED},
    {"Action: frobbed\nStatus: 5.1.1\n", BOUNCE_IGNORED},
};

static void report_of(const char *status, char out[4096])
{
    char local[TOKEN_LOCAL_SIZE];
    verp_write(key, belfry_str(DELIVERY), local);
    snprintf(out, 4096,
             "To: %s@bounce.hub.example\nMIME-Version: 1.0\n"
             "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
             "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; a\n\n%s\n--b--\n",
             local, status);
}

static enum bounce_verdict verdict_on(const char *status, const char *address)
{
    struct bounce bounce;
    const struct bounce_recipient *about;
    char text[4096];
    report_of(status, text);
    read_text("", text, &bounce);
    assert_int_equal(bounce.kind, BOUNCE_REPORT);
    assert_string_equal(bounce.delivery, DELIVERY);
    return bounce_judge(&bounce, belfry_str(address), &about);
}

static void test_statuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        char fields[600];
        snprintf(fields, sizeof(fields), "Final-Recipient: rfc822; " JANE "\n%s", statuses[i].fields);
        enum bounce_verdict verdict = verdict_on(fields, JANE);
        if (verdict != statuses[i].verdict)
            fail_msg("%s gives %d, wanted %d", statuses[i].fields, verdict, statuses[i].verdict);
    }
}

static void test_whose_address_failed(void **state)
{
    static const char hard[] = "Action: failed\nStatus: 5.1.1\n";
    static const struct {
        const char *fields;
        enum bounce_verdict verdict;
    } rows[] = {
        {"Final-Recipient: rfc822; jane@acme.example\n", BOUNCE_HARD},
        {"Final-Recipient: rfc822;<JANE@Acme.Example>\n", BOUNCE_HARD},
        {"Final-Recipient: utf-8; jane@acme.example\n", BOUNCE_HARD},
        {"", BOUNCE_HARD}, /* it does not say: the delivery had one recipient */
        /* ours forwards: the other address is gone, ours may be well */
        {"Final-Recipient: rfc822; jane@elsewhere.example\n", BOUNCE_SOFT},
        {"Original-Recipient: rfc822; x@elsewhere.example\nFinal-Recipient: rfc822; jane@elsewhere.example\n",
         BOUNCE_SOFT},
        {"Original-Recipient: rfc822; jane@acme.example\nFinal-Recipient: rfc822; 4711@internal\n", BOUNCE_HARD},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char fields[600];
        snprintf(fields, sizeof(fields), "%s%s", rows[i].fields, hard);
        assert_int_equal(verdict_on(fields, JANE), rows[i].verdict);
    }
}

static void test_the_envelope_goes_first(void **state)
{
    char other[TOKEN_LOCAL_SIZE], text[4096];
    struct bounce bounce;
    (void)state;
    verp_write(key, belfry_str("01939f4c-8a2b-7c3d-9e4f-000000000000"), other);
    report_of("Action: failed\nStatus: 5.1.1\n", text);
    read_text(other, text, &bounce);
    assert_string_equal(bounce.delivery, "01939f4c-8a2b-7c3d-9e4f-000000000000");
    read_text("belfry@localhost", text, &bounce); /* an alias took its place: the header still has it */
    assert_string_equal(bounce.delivery, DELIVERY);
}

/* A line of a report is one line of a notice, whatever it holds. */
static void test_details_are_clean(void **state)
{
    struct bounce bounce;
    const struct bounce_recipient *about;
    char text[4096], fields[2000], detail[BOUNCE_DETAIL_SIZE];
    (void)state;
    report_of("Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550\t\x01\x1b[31m \xe2\x80\xae"
              "evil\x7f  <b>\n  two\n",
              text);
    read_text("", text, &bounce);
    bounce_judge(&bounce, belfry_str(JANE), &about);
    bounce_describe(about, detail);
    assert_string_equal(detail, "5.1.1 550 ??[31m ???evil? <b> two");
    snprintf(fields, sizeof(fields), "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; %01500d\n", 7);
    report_of(fields, text);
    read_text("", text, &bounce);
    assert_int_equal(strlen(bounce.recipients[0].diagnostic), BOUNCE_DETAIL_SIZE - 1);
}

/* --- bounds --- */

static void add(char **at, const char *text)
{
    size_t len = strlen(text);
    memcpy(*at, text, len + 1);
    *at += len;
}

static void nested(char *out, int depth)
{
    char line[200], report[4096];
    add(&out, "To: x@y\nMIME-Version: 1.0\n");
    for (int i = 0; i < depth; i++) {
        snprintf(line, sizeof(line), "Content-Type: multipart/mixed; boundary=d%d\n\n--d%d\n", i, i);
        add(&out, line);
    }
    report_of("Action: failed\nStatus: 5.1.1\n", report);
    add(&out, strstr(report, "Content-Type: multipart/report"));
}

static void test_depth(void **state)
{
    char *text = malloc(4 << 20);
    struct bounce bounce;
    (void)state;
    for (int depth = 0; depth < 8; depth++) {
        nested(text, depth);
        read_text("", text, &bounce);
        assert_int_equal(bounce.kind, depth < 5 ? BOUNCE_REPORT : BOUNCE_NOTHING);
    }
    nested(text, 15000);
    read_text("", text, &bounce);
    assert_int_equal(bounce.kind, BOUNCE_NOTHING);
    free(text);
}

static void test_numbers(void **state)
{
    char *text = malloc(8 << 20), *at = text, local[TOKEN_LOCAL_SIZE];
    struct bounce bounce;
    (void)state;
    report_of("", text);
    *strstr(text, "--b--") = 0;
    at = text + strlen(text);
    for (int i = 0; i < 5000; i++)
        add(&at, "Final-Recipient: rfc822; " JANE "\nAction: failed\n\n");
    add(&at, "--b--\n");
    read_text("", text, &bounce);
    assert_int_equal(bounce.kind, BOUNCE_REPORT);
    assert_int_equal(bounce.recipient_count, BOUNCE_RECIPIENTS_MAX);

    /* a header of nothing but fields is not worth its memory */
    verp_write(key, belfry_str(DELIVERY), local);
    at = text;
    for (int i = 0; i < 150000; i++)
        add(&at, "a: b\n");
    read_text(local, text, &bounce);
    assert_int_equal(bounce.kind, BOUNCE_NOTHING);
    assert_string_equal(bounce.delivery, DELIVERY); /* its envelope is known all the same */

    /* parts behind the fiftieth are not looked at */
    for (int parts = 40; parts <= 60; parts += 20) {
        at = text;
        add(&at, "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=m\n\n");
        for (int i = 0; i < parts; i++)
            add(&at, "--m\n\nx\n");
        add(&at, "--m\nContent-Type: message/delivery-status\n\nA: b\n\nAction: failed\n\n--m--\n");
        read_text("", text, &bounce);
        assert_int_equal(bounce.kind, parts < 50 ? BOUNCE_REPORT : BOUNCE_NOTHING);
    }
    free(text);
}

/* One mail to the bounce domain, signed by nobody, must not take the hub's stack, nor much of its memory. */
static void test_groups_in_groups(void **state)
{
    static const char *const begin[] = {
        "To: ", "Subject: x\nFrom : ", "Subject: x\nX: 1\nCC:\n ",
        "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: message/rfc822\n\nTo:",
        "Content-Type: text/rfc822-headers\n\nReply-To: "};
    enum { SIZE = 1 << 20 };
    char *text = malloc(SIZE + 1), verp[TOKEN_LOCAL_SIZE];
    (void)state;
    verp_write(key, belfry_str(DELIVERY), verp);
    for (size_t i = 0; i < sizeof(begin) / sizeof(begin[0]); i++) {
        for (int folded = 0; folded < 2; folded++) {
            struct bounce bounce;
            size_t n = strlen(begin[i]);
            memcpy(text, begin[i], n);
            for (const char *more = folded ? "a:\n " : "a:"; n + strlen(more) < SIZE; n += strlen(more))
                memcpy(text + n, more, strlen(more));
            text[n] = 0;
            read_text(verp, text, &bounce);
            assert_int_equal(bounce.kind, BOUNCE_NOTHING);
            assert_string_equal(bounce.delivery, DELIVERY);
        }
    }
    free(text);
}

/* A report is read whatever the mail that it encloses is made of: times, paths and rules in long lines. */
static void test_colons_in_texts(void **state)
{
    static const char begin[] = "MIME-Version: 1.0\nContent-Type: multipart/report; boundary=m\n\n--m\n"
                                "Content-Type: message/delivery-status\n\nA: b\n\nAction: failed\nStatus: 5.1.1\n\n"
                                "--m\nContent-Type: message/rfc822\n\nSubject: x\n\nThe log:\n\n";
    static const char *const texts[] = {"  12:30:01 told\n", "12:30:01 told: --\n", "{\"a\": 1, \"b\": 2}, ",
                                        "-- a:\n"};
    enum { TIMES = 2000 };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char *text = calloc(1, sizeof(begin) + TIMES * 32), *at = text;
        struct bounce bounce;
        add(&at, begin);
        for (int k = 0; k < TIMES; k++)
            add(&at, texts[i]);
        read_text("", text, &bounce);
        assert_int_equal(bounce.kind, BOUNCE_REPORT);
        free(text);
    }
}

/* Bytes turned, cut out, doubled: nothing but an answer. */
static void test_damaged(void **state)
{
    uint64_t seed = 11;
    (void)state;
    for (size_t i = 0; i < MESSAGES; i++) {
        size_t len;
        char *text = read_file(messages[i].file, &len);
        for (int round = 0; round < 200; round++) {
            struct bounce bounce;
            char *copy = malloc(len);
            memcpy(copy, text, len);
            size_t end = pick(&seed, 3) ? len : (size_t)pick(&seed, (int)len);
            for (int k = pick(&seed, 6); k > 0 && end; k--)
                copy[pick(&seed, (int)end)] = (char)pick(&seed, 256);
            char *exact = malloc(end ? end : 1);
            memcpy(exact, copy, end);
            bounce_read(key, belfry_str(""), (struct belfry_str){exact, end}, &bounce);
            assert_true(!bounce.delivery[0] || strcmp(bounce.delivery, DELIVERY) == 0);
            free(exact);
            free(copy);
        }
        free(text);
    }
}

static int start(void **state)
{
    (void)state;
    bounce_start();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_whose_key),
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_whose_address_failed),
        cmocka_unit_test(test_the_envelope_goes_first),
        cmocka_unit_test(test_details_are_clean),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_groups_in_groups),
        cmocka_unit_test(test_colons_in_texts),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
