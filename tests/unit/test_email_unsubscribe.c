/* SPDX-License-Identifier: Apache-2.0 */
/* The link of a mail, pressed by people, providers, scanners and forgers; and what comes back by mail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../plugins/email/email.h"
#include "../../plugins/email/token.h"
#include "../../plugins/email/unsubscribe_form.h"

#include <belfry/test.h>

#define FORM "application/x-www-form-urlencoded"
#define ONE_CLICK "List-Unsubscribe=One-Click"
#define DELIVERY "01939f4c-8a2b-7c3d-9e4f-5a6b7c8d9e0f"
#define MULTIPART "multipart/form-data; boundary=\"----x7\""

static struct belfry_test *t;

static void failed(const char *file, int line, const char *text)
{
    print_error("%s", text);
    _fail(file, line);
}

static int setup(void **state)
{
    (void)state;
    belfry_test_on_failure(failed);
    t = belfry_test_new(&belfry_entry, "smtp: smtp://127.0.0.1:25\nfrom: Acme <notify@acme.example>\n");
    if (belfry_test_status(t) != BELFRY_OK)
        fail_msg("%s", belfry_test_error(t));
    belfry_test_person(t, &(struct belfry_person){.struct_size = sizeof(struct belfry_person),
                                                  .username = belfry_str("ann"),
                                                  .email = belfry_str("ann@acme.example")});
    belfry_test_category(t, "approval");
    belfry_test_required(t, "security");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    belfry_test_free(t);
    return 0;
}

static const uint8_t *key(void)
{
    return ((struct email *)belfry_test_self(t))->token_key;
}

/* The link's path, for somebody ("ann", "email:a@b") and a category. */
static const char *link_of(const char *who, const char *category)
{
    static char path[TOKEN_TEXT_SIZE + 32];
    char token[TOKEN_TEXT_SIZE];
    int outside = strncmp(who, "email:", 6) == 0;
    token_write(key(),
                &(struct token_subject){.org = belfry_str("acme"),
                                        .username = belfry_str(outside ? "" : who),
                                        .address = belfry_str(outside ? who + 6 : ""),
                                        .category = belfry_str(category)},
                token);
    snprintf(path, sizeof(path), "/acme/u/%s", token);
    return path;
}

static const struct belfry_test_reply *get(const char *path)
{
    return belfry_test_call(t, &(struct belfry_test_call){.path = path});
}

static const struct belfry_test_reply *post(const char *path, const char *type, const char *body)
{
    return belfry_test_call(
        t, &(struct belfry_test_call){.path = path, .method = "POST", .content_type = type, .body = body});
}

static void says(const struct belfry_test_reply *reply, const char *text)
{
    if (!strstr(reply->body, text))
        fail_msg("%u does not say `%s`:\n%s", reply->status, text, reply->body);
}

static void keeps_quiet(const struct belfry_test_reply *reply, const char *text)
{
    if (strstr(reply->body, text))
        fail_msg("%u says `%s`:\n%s", reply->status, text, reply->body);
}

/* --- looking --- */

static void test_looking_does_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        const struct belfry_test_reply *reply = get(link_of("ann", "approval"));
        assert_int_equal(reply->status, 200);
        says(reply, "a\xe2\x80\xa6@acme.example");
        says(reply, "name=\"do\" value=\"category\"");
        says(reply, "name=\"do\" value=\"all\"");
        keeps_quiet(reply, "ann@");
        keeps_quiet(reply, "name=\"do\" value=\"undo\"");
        keeps_quiet(reply, "<script");
    }
    get("/acme/u/x?List-Unsubscribe=One-Click");
    get(strcat((char *)(uintptr_t)link_of("ann", "approval"), "?List-Unsubscribe=One-Click&do=all"));
    belfry_test_expect(t, "");
}

static void test_a_required_category_says_so(void **state)
{
    (void)state;
    const struct belfry_test_reply *reply = get(link_of("ann", "security"));
    assert_int_equal(reply->status, 200);
    says(reply, "cannot be stopped");
    keeps_quiet(reply, "name=\"do\" value=\"category\"");
    says(reply, "name=\"do\" value=\"all\"");
    reply = post(link_of("ann", "security"), FORM, ONE_CLICK);
    assert_int_equal(reply->status, 403);
    assert_string_equal(reply->content_type, "text/plain; charset=utf-8");
    says(reply, "cannot be stopped");
    reply = post(link_of("ann", "security"), FORM, "do=category");
    assert_int_equal(reply->status, 403);
    says(reply, "cannot be stopped");
    belfry_test_expect(t, "");
}

/* --- RFC 8058 --- */

static const struct {
    const char *type, *body;
    uint32_t status;
} clicks[] = {
    {FORM, ONE_CLICK, 200},
    {FORM, "a=b&" ONE_CLICK "&c=d", 200},
    {FORM, "List%2DUnsubscribe=One%2dClick", 200},
    {NULL, ONE_CLICK, 200},
    {MULTIPART,
     "------x7\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n------x7--\r\n", 200},
    {MULTIPART,
     "preamble\r\n------x7\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n------x7\r\nContent-Type: "
     "text/plain\r\ncontent-disposition: form-data; filename=\"\"; name=List-Unsubscribe\r\n\r\nOne-Click\r\n------x7--\r\n",
     200},
    {MULTIPART,
     "------x7\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Clicks\r\n------x7--\r\n", 400},
    {MULTIPART, "------x7\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click", 400},
    {MULTIPART,
     "------y\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n------y--\r\n", 400},
    {"multipart/form-data",
     "--\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n----\r\n", 400},
    {FORM, "List-Unsubscribe=one-click", 400},
    {FORM, "list-unsubscribe=One-Click", 400},
    {FORM, "List-Unsubscribe=", 400},
    {FORM, "", 400},
    {FORM, "do=", 400},
    {FORM, "do=everything", 400},
};

static void test_one_click(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(clicks) / sizeof(clicks[0]); i++) {
        const struct belfry_test_reply *reply = post(link_of("ann", "approval"), clicks[i].type, clicks[i].body);
        if (reply->status != clicks[i].status)
            fail_msg("%s %s: %u", clicks[i].type, clicks[i].body, reply->status);
        if (reply->status == 200) {
            assert_string_equal(reply->content_type, "text/plain; charset=utf-8");
            belfry_test_expect(t, "stop approval for ann");
            post(link_of("ann", "approval"), FORM, "do=undo&what=category");
            belfry_test_expect(t, "restore approval for ann");
        }
    }
    belfry_test_expect(t, "");
}

static void test_twice_is_once(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(post(link_of("ann", "approval"), FORM, ONE_CLICK)->status, 200);
    belfry_test_expect(t, "stop approval for ann");
    assert_int_equal(belfry_test_metric(t, "email_unsubscribed_total"), 1);
}

static void test_an_address_outside(void **state)
{
    (void)state;
    const struct belfry_test_reply *reply = get(link_of("email:pay@outside.example", "invoice"));
    says(reply, "p\xe2\x80\xa6@outside.example");
    keeps_quiet(reply, "inbox"); /* there is none */
    assert_int_equal(post(link_of("email:pay@outside.example", "invoice"), FORM, ONE_CLICK)->status, 200);
    assert_int_equal(post(link_of("email:pay@outside.example", ""), FORM, ONE_CLICK)->status, 200);
    belfry_test_expect(t, "stop invoice for email:pay@outside.example\nstop all for email:pay@outside.example");
}

/* --- the page's buttons --- */

/* The value of a hidden field, form-encoded; "" when there is none. */
static const char *hidden(const struct belfry_test_reply *reply, const char *name)
{
    static char out[4096];
    char mark[100];
    size_t n = 0;
    snprintf(mark, sizeof(mark), "name=\"%s\" value=\"", name);
    const char *at = strstr(reply->body, mark);
    for (at = at ? at + strlen(mark) : "\""; *at && *at != '"'; at++) {
        if (strncmp(at, "&quot;", 6) == 0) {
            n += (size_t)sprintf(out + n, "%%22");
            at += 5;
        } else {
            n += (size_t)sprintf(out + n, "%%%02X", (unsigned char)*at);
        }
    }
    out[n] = 0;
    return out;
}

static const struct belfry_test_reply *undo(const char *path, const struct belfry_test_reply *page)
{
    char body[9000], what[600], seal[600];
    strcpy(what, hidden(page, "what"));
    strcpy(seal, hidden(page, "seal"));
    snprintf(body, sizeof(body), "do=undo&what=%s&seal=%s&before=%s", what, seal, hidden(page, "before"));
    return post(path, FORM, body);
}

static void test_stop_and_back(void **state)
{
    (void)state;
    const struct belfry_test_reply *stopped = post(link_of("ann", "approval"), FORM, "do=category");
    assert_int_equal(stopped->status, 200);
    says(stopped, "No more e-mail about");
    says(stopped, "name=\"do\" value=\"undo\"");
    keeps_quiet(stopped, "name=\"do\" value=\"category\"");
    belfry_test_expect(t, "stop approval for ann");
    says(get(link_of("ann", "approval")), "is off");
    const struct belfry_test_reply *back = undo(link_of("ann", "approval"), stopped);
    assert_int_equal(back->status, 200);
    says(back, "goes out to you again");
    says(back, "name=\"do\" value=\"category\"");
    belfry_test_expect(t, "restore approval for ann");
}

static void test_stop_all_and_back(void **state)
{
    (void)state;
    const struct belfry_test_reply *stopped = post(link_of("ann", "approval"), FORM, "do=all");
    says(stopped, "save what your organization requires");
    keeps_quiet(stopped, "name=\"do\" value=\"all\"");
    belfry_test_expect(t, "stop all for ann");
    undo(link_of("ann", "approval"), stopped);
    belfry_test_expect(t, "restore all for ann");
    post(link_of("ann", ""), FORM, "do=category"); /* a token of all stops all, whatever the button */
    belfry_test_expect(t, "stop all for ann");
}

/* Whoever unsubscribed by one click finds the way back on the page. */
static void test_back_without_what_was_before(void **state)
{
    (void)state;
    post(link_of("ann", "approval"), FORM, ONE_CLICK);
    const struct belfry_test_reply *page = get(link_of("ann", "approval"));
    says(page, "name=\"do\" value=\"undo\"");
    assert_string_equal(hidden(page, "before"), "");
    undo(link_of("ann", "approval"), page);
    belfry_test_expect(t, "stop approval for ann\nrestore approval for ann");
}

static void test_what_was_before_is_sealed(void **state)
{
    static const char *const bodies[] = {
        "do=undo&what=category&before=%7B%7D",
        "do=undo&what=category&before=%7B%7D&seal=aaaaaaaaaaaaaaaaaaaaaaaaaa",
        "do=undo",
        "do=undo&what=everything",
    };
    char body[5000], seal[600];
    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        assert_int_equal(post(link_of("ann", "approval"), FORM, bodies[i])->status, 400);
    const struct belfry_test_reply *stopped = post(link_of("ann", "approval"), FORM, "do=category");
    strcpy(seal, hidden(stopped, "seal"));
    snprintf(body, sizeof(body), "do=undo&what=all&seal=%s&before=%s", seal, hidden(stopped, "before"));
    assert_int_equal(post(link_of("ann", "approval"), FORM, body)->status, 400); /* sealed for the category */
    assert_int_equal(undo(link_of("bob", "approval"), stopped)->status, 400);    /* and for Ann */
    belfry_test_expect(t, "stop approval for ann");
}

/* --- nobody's --- */

static void test_what_is_no_link(void **state)
{
    char path[TOKEN_TEXT_SIZE + 64];
    (void)state;
    const struct belfry_test_reply *none = get("/acme/u/v1.AAAA.dWFubgA.AAAAAAAAAAAAAAAAAAAAAA");
    assert_int_equal(none->status, 404);
    snprintf(path, sizeof(path), "%sA", link_of("ann", "approval"));
    const struct belfry_test_reply *longer = post(path, FORM, ONE_CLICK);
    assert_int_equal(longer->status, 404);
    assert_string_equal(longer->body, none->body);
    const struct belfry_test_reply *gone = post(link_of("nobody", "approval"), FORM, ONE_CLICK);
    assert_int_equal(gone->status, 404);
    assert_string_equal(gone->body, none->body);
    belfry_test_org(t, "globex"); /* the same token in another org */
    assert_int_equal(post(link_of("ann", "approval"), FORM, ONE_CLICK)->status, 404);
    belfry_test_org(t, "acme");
    belfry_test_expect(t, "");
}

/* --- by mail --- */

static void report_of(const char *status, char out[2048])
{
    snprintf(out, 2048,
             "MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
             "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; a\n\n"
             "Final-Recipient: rfc822; ann@acme.example\nAction: failed\nStatus: %s\n\n--b--\n",
             status);
}

static const struct belfry_test_feedback *back(const char *recipient, const char *message)
{
    return belfry_test_feedback(t, recipient, message, strlen(message));
}

static const char *verp(const char *delivery)
{
    static char local[TOKEN_LOCAL_SIZE + 30];
    verp_write(key(), belfry_str(delivery), local);
    return strcat(local, "@bounce.hub.example");
}

static void test_bounces(void **state)
{
    static const struct {
        const char *status, *told;
    } rows[] = {{"5.1.1", "bounced ann@acme.example of " DELIVERY ": 5.1.1 no reason given"},
                {"5.2.2", "soft ann@acme.example of " DELIVERY ": 5.2.2 no reason given"},
                {"4.4.1", "soft ann@acme.example of " DELIVERY ": 4.4.1 no reason given"},
                {"5.7.1", ""}};
    char message[2048];
    (void)state;
    belfry_test_mail(t, DELIVERY, "ann", "approval");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        report_of(rows[i].status, message);
        assert_int_equal(back(verp(DELIVERY), message)->outcome, BELFRY_FEEDBACK_TAKEN);
        belfry_test_expect(t, rows[i].told);
    }
    assert_null(strstr(belfry_test_logs(t), "ann@"));
    assert_int_equal(belfry_test_metric(t, "email_bounced_total"), 1);
    assert_int_equal(belfry_test_metric(t, "email_bounced_for_now_total"), 2);
    assert_int_equal(belfry_test_metric(t, "email_policy_refusals_total"), 1);
}

static void test_what_nobody_signed_changes_nothing(void **state)
{
    char message[2048], forged[100];
    (void)state;
    belfry_test_mail(t, DELIVERY, "ann", "approval");
    report_of("5.1.1", message);
    assert_int_equal(back(NULL, message)->outcome, BELFRY_FEEDBACK_FOREIGN);
    assert_int_equal(back("ann@acme.example", message)->outcome, BELFRY_FEEDBACK_FOREIGN);
    strcpy(forged, verp(DELIVERY));
    forged[40] = forged[40] == 'a' ? 'b' : 'a';
    assert_int_equal(back(forged, message)->outcome, BELFRY_FEEDBACK_FOREIGN);
    assert_int_equal(back("", "")->outcome, BELFRY_FEEDBACK_FOREIGN);
    assert_int_equal(back(verp(DELIVERY), "Hi. This is the qmail-send program.\n")->outcome, BELFRY_FEEDBACK_TAKEN);
    assert_non_null(strstr(belfry_test_logs(t), "warn: mail came back: it is not understood delivery=" DELIVERY));
    /* signed, and no longer there */
    assert_int_equal(back(verp("01939f4c-8a2b-7c3d-9e4f-000000000000"), message)->outcome, BELFRY_FEEDBACK_TAKEN);
    belfry_test_expect(t, "");
}

static void test_unsubscribe_by_mail(void **state)
{
    char to[TOKEN_LOCAL_SIZE + 30];
    (void)state;
    belfry_test_mail(t, DELIVERY, "ann", "approval");
    belfry_test_mail(t, "01939f4c-8a2b-7c3d-9e4f-000000000001", "email:pay@outside.example", "invoice");
    belfry_test_mail(t, "01939f4c-8a2b-7c3d-9e4f-000000000002", "ann", "security");
    unsub_write(key(), belfry_str(DELIVERY), to);
    strcat(to, "@bounce.hub.example");
    back(to, "Subject: unsubscribe\nAuto-Submitted: auto-replied\n\nI am away.\n");
    belfry_test_expect(t, "");
    assert_int_equal(back(to, "Subject: unsubscribe\n\nplease\n")->outcome, BELFRY_FEEDBACK_TAKEN);
    belfry_test_expect(t, "stop approval for ann");
    unsub_write(key(), belfry_str("01939f4c-8a2b-7c3d-9e4f-000000000001"), to);
    back(to, "Subject: unsubscribe\n\n");
    belfry_test_expect(t, "stop invoice for email:pay@outside.example");
    unsub_write(key(), belfry_str("01939f4c-8a2b-7c3d-9e4f-000000000002"), to);
    assert_int_equal(back(to, "Subject: unsubscribe\n\n")->outcome, BELFRY_FEEDBACK_TAKEN);
    belfry_test_expect(t, "");
}

static void test_complaints(void **state)
{
    static const struct {
        const char *type, *told;
    } rows[] = {{"abuse", "complained ann@acme.example of " DELIVERY ": called junk by its reader"},
                {"fraud", "complained ann@acme.example of " DELIVERY ": called junk by its reader"},
                {"opt-out", "stop approval for ann"},
                {"not-spam", ""},
                {"virus", ""},
                {"", ""}};
    char id[TOKEN_MESSAGE_ID_SIZE], message[2048];
    (void)state;
    belfry_test_mail(t, DELIVERY, "ann", "approval");
    message_id_write(key(), belfry_str(DELIVERY), "hub.example", id);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(message, sizeof(message),
                 "MIME-Version: 1.0\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n"
                 "--b\nContent-Type: message/feedback-report\n\nFeedback-Type: %s\nVersion: 1\n\n"
                 "--b\nContent-Type: text/rfc822-headers\n\nTo: redacted\nMessage-ID:\n <%s>\n\n--b--\n",
                 rows[i].type, id);
        assert_int_equal(back("fbl@hub.example", message)->outcome, BELFRY_FEEDBACK_TAKEN);
        belfry_test_expect(t, rows[i].told);
    }
    assert_int_equal(belfry_test_metric(t, "email_complaints_total"), 2);
    assert_int_equal(belfry_test_metric(t, "email_unsubscribed_total"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_looking_does_nothing),
        TEST(test_a_required_category_says_so),
        TEST(test_one_click),
        TEST(test_twice_is_once),
        TEST(test_an_address_outside),
        TEST(test_stop_and_back),
        TEST(test_stop_all_and_back),
        TEST(test_back_without_what_was_before),
        TEST(test_what_was_before_is_sealed),
        TEST(test_what_is_no_link),
        TEST(test_bounces),
        TEST(test_what_nobody_signed_changes_nothing),
        TEST(test_unsubscribe_by_mail),
        TEST(test_complaints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
