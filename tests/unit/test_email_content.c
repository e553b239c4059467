/* SPDX-License-Identifier: Apache-2.0 */
/* What mails say: whole texts of each kind in both languages, templates of the configuration, and what must not get in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "mails.h"

#define APPROVAL                                                                                                       \
    "{\"approval\":{\"id\":\"42\",\"title\":\"New printer\",\"submitter\":\"sam\"},"                                   \
    "\"step\":{\"index\":1,\"of\":2,\"name\":\"Finance\"}}"

static const struct belfry_action actions[] = {
    {.struct_size = sizeof(*actions), .id = {"approve", 7}, .label = {"Approve", 7}},
    {.struct_size = sizeof(*actions), .id = {"reject", 6}, .label = {"Reject", 6}}};

static const struct belfry_test_item approval = {.type = "approval.requested",
                                                 .category = "approval",
                                                 .category_label = "Approvals",
                                                 .subject = "approval/42",
                                                 .title = "Approve: New printer",
                                                 .body = "Finance, step 1 of 2.\nSubmitted by sam.",
                                                 .data = APPROVAL,
                                                 .severity = BELFRY_WARNING,
                                                 .reason = "approver by role finance",
                                                 .waited_ms = 300000,
                                                 .actions = actions,
                                                 .action_count = 2};

static struct belfry_test *begin(const char *yaml)
{
    struct belfry_test *t = belfry_test_new(mails_entry(), yaml);
    assert_string_equal(belfry_test_error(t), "");
    belfry_test_person(t, &(struct belfry_person){.struct_size = sizeof(struct belfry_person),
                                                  .username = belfry_str("ann"),
                                                  .name = belfry_str("Ann Lee"),
                                                  .email = belfry_str("ann@acme.example")});
    belfry_test_person(t, &(struct belfry_person){.struct_size = sizeof(struct belfry_person),
                                                  .username = belfry_str("dora"),
                                                  .email = belfry_str("dora@acme.example"),
                                                  .locale = belfry_str("de-AT"),
                                                  .timezone = belfry_str("Europe/Berlin")});
    return t;
}

static const struct content_mail *mail(struct belfry_test *t, const struct belfry_test_batch *batch)
{
    uint64_t id = belfry_test_deliver(t, batch);
    assert_int_equal(belfry_test_outcome(t, id, 0)->outcome, BELFRY_DELIVERED);
    return &((struct mails *)belfry_test_self(t))->mail;
}

static const struct content_mail *one(struct belfry_test *t, const char *to, const struct belfry_test_item *item)
{
    return mail(t, &(struct belfry_test_batch){.to = to, .items = item, .count = 1});
}

/* ICU puts a narrow no-break space before AM and PM; for reading it is a blank. */
static const char *plain(const char *text)
{
    static char out[200000];
    size_t len = 0;
    for (const char *p = text; *p && len + 1 < sizeof(out);) {
        int narrow = strncmp(p, "\xe2\x80\xaf", 3) == 0;
        out[len++] = narrow ? ' ' : *p;
        p += narrow ? 3 : 1;
    }
    out[len] = '\0';
    return out;
}

static int has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

static size_t times(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, part)); p += strlen(part))
        n++;
    return n;
}

/* What no mail may have, and that each link leads to the hub, or to `own`. */
static void check_html(const char *html, const char *own)
{
    static const char *const never[] = {"<script", "<img", "<form",       "<iframe", "<link",  "url(",
                                        "@import", "src=", "javascript:", "onclick", "<input", "{{"};
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
        if (has(html, never[i]))
            fail_msg("%s is in the mail", never[i]);
    for (const char *p = html; (p = strstr(p, "href=\"")); p++) {
        int ours = strncmp(p + 6, "https://belfry.example.org/", 27) == 0;
        if (!ours && !(own && strncmp(p + 6, own, strlen(own)) == 0))
            fail_msg("a link leads elsewhere: %.60s", p);
    }
    assert_true(strlen(html) <= 90 * 1024);
}

/* --- single mails ------------------------------------------------------------------------------------------------- */

#define NOTE_1 "01900000-0000-7000-9000-000000000001"
static const struct belfry_test_item fixed = {.notification_id = NOTE_1};

static struct belfry_test_item item_like(const struct belfry_test_item *from)
{
    struct belfry_test_item item = *from;
    item.notification_id = fixed.notification_id;
    return item;
}

static void test_single(void **state)
{
    (void)state;
    struct belfry_test *t = begin(NULL);
    struct belfry_test_item item = item_like(&approval);
    const struct content_mail *m = one(t, "ann", &item);
    assert_string_equal(m->note, "");
    assert_string_equal(m->subject.ptr, "Approve: New printer");
    assert_string_equal(plain(m->text.ptr),
                        "Warning: Approve: New printer\n"
                        "\n"
                        "Finance, step 1 of 2.\n"
                        "Submitted by sam.\n"
                        "\n"
                        "Submitted by: sam\n"
                        "Step: Finance (1 of 2)\n"
                        "Time: Jan 5, 2026, 9:00 AM UTC\n"
                        "\n"
                        "Open: https://belfry.example.org/acme/n/" NOTE_1 "\n"
                        "Answer in your inbox (Approve, Reject): https://belfry.example.org/acme/notifications\n"
                        "\n"
                        "You get this because your approval is asked for as finance; you had not seen it in the inbox "
                        "after 5 minutes.\n"
                        "Stop e-mails for Approvals: https://belfry.example.org/acme/u/one\n"
                        "All e-mail settings: https://belfry.example.org/acme/preferences\n");
    check_html(m->html.ptr, NULL);
    assert_true(has(m->html.ptr, "<html lang=\"en\" dir=\"ltr\">"));
    assert_true(has(m->html.ptr, "<title>Approve: New printer</title>"));
    assert_true(has(m->html.ptr, "<meta name=\"color-scheme\" content=\"light dark\">"));
    assert_true(has(m->html.ptr, "<meta name=\"supported-color-schemes\" content=\"light dark\">"));
    assert_true(has(m->html.ptr, "max-width:600px"));
    assert_true(has(m->html.ptr, "overflow:hidden;mso-hide:all\">Finance, step 1 of 2.</div>"));
    assert_true(has(m->html.ptr, "Finance, step 1 of 2.<br>\nSubmitted by sam."));
    assert_true(has(m->html.ptr, "href=\"https://belfry.example.org/acme/n/" NOTE_1 "\""));
    assert_int_equal(times(m->html.ptr, "<table"), times(m->html.ptr, "<table role=\"presentation\""));
    assert_true(m->html.len < 30 * 1024);
    belfry_test_free(t);
}

static void test_single_german(void **state)
{
    (void)state;
    struct belfry_test *t = begin(NULL);
    struct belfry_test_item item = item_like(&approval);
    const struct content_mail *m = one(t, "dora", &item);
    assert_int_equal(m->language.len, 2);
    assert_memory_equal(m->language.ptr, "de", 2);
    assert_string_equal(plain(m->text.ptr),
                        "Warnung: Approve: New printer\n"
                        "\n"
                        "Finance, step 1 of 2.\n"
                        "Submitted by sam.\n"
                        "\n"
                        "Eingereicht von: sam\n"
                        "Schritt: Finance (1 von 2)\n"
                        "Zeit: 05.01.2026, 10:00 MEZ\n"
                        "\n"
                        "Öffnen: https://belfry.example.org/acme/n/" NOTE_1 "\n"
                        "Im Posteingang antworten (Approve, Reject): https://belfry.example.org/acme/notifications\n"
                        "\n"
                        "Sie erhalten diese E-Mail, weil Ihre Genehmigung als finance gefragt ist; im Posteingang war "
                        "die Benachrichtigung nach 5 Minuten noch nicht angesehen.\n"
                        "Keine E-Mails mehr zu „Approvals“: https://belfry.example.org/acme/u/one\n"
                        "Alle E-Mail-Einstellungen: https://belfry.example.org/acme/preferences\n");
    check_html(m->html.ptr, NULL);
    assert_true(has(m->html.ptr, "<html lang=\"de\""));
    belfry_test_free(t);
}

/* Of a category that nobody can stop there is no link, and a sentence that says so. */
static void test_required(void **state)
{
    (void)state;
    struct belfry_test *t = begin(NULL);
    struct belfry_test_item item = item_like(&approval);
    item.flags = BELFRY_ITEM_REQUIRED;
    const struct content_mail *m = one(t, "ann", &item);
    assert_false(has(m->text.ptr, "/u/"));
    assert_false(has(m->html.ptr, "/u/"));
    assert_true(has(m->text.ptr, "\nE-mails for Approvals cannot be stopped.\nAll e-mail settings: "));
    belfry_test_free(t);
}

/* Somebody outside has no inbox, no settings and no click-through: the event's own link, and a way to end it. */
static void test_outside(void **state)
{
    static const char data[] =
        "{\"invoice\":{\"number\":\"INV-7\",\"amount\":\"1234.50 EUR\",\"due_on\":\"2026-02-03\","
        "\"payer\":{\"name\":\"Northwind\"}}}";
    struct belfry_test *t = begin(NULL);
    struct belfry_test_item item = {.type = "invoice.reminder",
                                    .category = "invoice",
                                    .category_label = "Invoices",
                                    .title = "Invoice INV-7 is due",
                                    .link = "https://pay.example.net/7",
                                    .data = data,
                                    .reason = "payer",
                                    .waited_ms = 300000};
    const struct content_mail *m = one(t, "email:pay@northwind.example", &item);
    (void)state;
    assert_string_equal(plain(m->text.ptr), "Info: Invoice INV-7 is due\n"
                                            "\n"
                                            "Invoice: INV-7\n"
                                            "Amount: 1234.50 EUR\n"
                                            "Due on: Feb 3, 2026\n"
                                            "Payer: Northwind\n"
                                            "Time: Jan 5, 2026, 9:00 AM UTC\n"
                                            "\n"
                                            "Open: https://pay.example.net/7\n"
                                            "\n"
                                            "You get this because you are named as the payer.\n"
                                            "Stop e-mails for Invoices: https://belfry.example.org/acme/u/one\n");
    check_html(m->html.ptr, "https://pay.example.net/7");
    /* nor is it told what rules and roles are called in here */
    item.reason = "rule bad-payers";
    assert_true(has(one(t, "email:pay@northwind.example", &item)->text.ptr, "You get this because it concerns you.\n"));
    item.reason = "watched by carl";
    assert_true(has(one(t, "email:pay@northwind.example", &item)->text.ptr, "You get this because it concerns you.\n"));
    item.link = "/acme/runs/hr/1";
    m = one(t, "email:pay@northwind.example", &item);
    assert_true(has(m->text.ptr, "Open: https://belfry.example.org/acme/runs/hr/1\n"));
    belfry_test_free(t);
}

static const struct {
    const char *type, *data, *line;
} fact_rows[] = {
    {"sync.completed", "{\"run\":{\"counts\":{\"created\":12,\"updated\":480,\"odd\":3},\"duration\":\"2 min\"}}",
     "Duration: 2 min\nCounts: 12 created, 480 updated, odd: 3\n"},
    {"record.assigned", "{\"record\":{\"object\":\"Lead\",\"id\":\"00Q-7\"}}", "Record: Lead 00Q-7\n"},
    {"shift.cancelled", "{\"shift\":{\"starts_at\":\"2026-01-06T08:00:00Z\"},\"fee\":\"90.00 EUR\"}",
     "Starts: Jan 6, 2026, 8:00 AM UTC\nFee: 90.00 EUR\n"},
    {"approval.approved", "{\"approval\":{\"submitter\":\"sam\"},\"step\":{\"index\":1,\"of\":1,\"name\":\"Finance\"}}",
     "Submitted by: sam\nStep: Finance\n"},
    /* what is not as it should be says nothing */
    {"invoice.paid", "{\"invoice\":{\"number\":7,\"due_on\":\"soon\",\"amount\":\"\"}}", "A title\n\nTime: "},
    {"sync.failed", "{\"run\":{\"counts\":null}}", "A title\n\nTime: "},
    {"custom.type", "{\"invoice\":{\"number\":\"7\"}}", "A title\n\nTime: "},
};

static void test_facts(void **state)
{
    (void)state;
    struct belfry_test *t = begin(NULL);
    for (size_t i = 0; i < sizeof(fact_rows) / sizeof(fact_rows[0]); i++) {
        struct belfry_test_item item = {.type = fact_rows[i].type, .data = fact_rows[i].data};
        const char *text = plain(one(t, "ann", &item)->text.ptr);
        if (!has(text, fact_rows[i].line))
            fail_msg("%s: %s", fact_rows[i].type, text);
    }
    belfry_test_free(t);
}

/* --- several in one ----------------------------------------------------------------------------------------------- */

#define DAY_MS 86400000
#define NOW_MS INT64_C(1767603600000) /* 2026-01-05T09:00:00Z */

static void test_digest(void **state)
{
    (void)state;
    struct belfry_test *t = begin(NULL);
    struct belfry_test_item items[2] = {item_like(&approval), item_like(&approval)};
    items[1].title = "Approve: <Chairs>";
    items[1].time_ms = NOW_MS - DAY_MS;
    struct belfry_test_batch batch = {.to = "ann", .items = items, .count = 2, .kind = BELFRY_BATCH_DIGEST};
    const struct content_mail *m = mail(t, &batch);
    assert_string_equal(m->subject.ptr, "Approvals: 2 notifications since yesterday, Jan 4, 2026");
    assert_string_equal(plain(m->text.ptr),
                        "Approvals: 2 notifications since yesterday, Jan 4, 2026\n"
                        "\n"
                        "Warning: Approve: New printer\n"
                        "Jan 5, 2026, 9:00 AM UTC\n"
                        "https://belfry.example.org/acme/n/" NOTE_1 "\n"
                        "\n"
                        "Warning: Approve: <Chairs>\n"
                        "Jan 4, 2026, 9:00 AM UTC\n"
                        "https://belfry.example.org/acme/n/" NOTE_1 "\n"
                        "\n"
                        "See all in your inbox: https://belfry.example.org/acme/notifications?category=approval\n"
                        "\n"
                        "You get this because e-mails for Approvals reach you as a digest.\n"
                        "Stop e-mails for Approvals: https://belfry.example.org/acme/u/one\n"
                        "All e-mail settings: https://belfry.example.org/acme/preferences\n");
    check_html(m->html.ptr, NULL);
    assert_true(has(m->html.ptr, "Approve: &lt;Chairs&gt;"));
    batch.to = "dora";
    m = mail(t, &batch);
    assert_string_equal(m->subject.ptr, "Approvals: 2 Benachrichtigungen seit gestern, 04.01.2026");
    items[1].time_ms = NOW_MS - 5 * (int64_t)DAY_MS;
    assert_string_equal(mail(t, &batch)->subject.ptr, "Approvals: 2 Benachrichtigungen seit dem 31.12.2025");
    items[1].time_ms = 0;
    assert_string_equal(mail(t, &batch)->subject.ptr, "Approvals: 2 Benachrichtigungen von heute, 05.01.2026");
    belfry_test_free(t);
}

/* At most 50 are listed, and the number is the true one; then nobody knows since when. */
static void test_digest_is_capped(void **state)
{
    (void)state;
    struct belfry_test *t = begin(NULL);
    struct belfry_test_item items[50];
    for (size_t i = 0; i < 50; i++)
        items[i] = item_like(&approval);
    struct belfry_test_batch batch = {
        .to = "ann", .items = items, .count = 50, .total = 812, .kind = BELFRY_BATCH_DIGEST};
    const struct content_mail *m = mail(t, &batch);
    assert_string_equal(m->subject.ptr, "Approvals: 812 notifications, Jan 5, 2026");
    assert_int_equal(times(m->text.ptr, "Warning: Approve: New printer\n"), 50);
    assert_true(has(m->text.ptr, "\nand 762 more\n"));
    assert_true(has(m->html.ptr, "and 762 more"));
    assert_int_equal(times(m->html.ptr, "<li "), 50);
    assert_true(m->html.len < 45 * 1024);
    belfry_test_free(t);
}

static void test_catch_up(void **state)
{
    (void)state;
    struct belfry_test *t = begin(NULL);
    struct belfry_test_item items[3] = {item_like(&approval), {.title = "Sync completed"}, item_like(&approval)};
    items[1] = item_like(&items[1]);
    items[1].category = "sync";
    items[1].category_label = "Syncs";
    items[2].title = "Approve: Chairs";
    const struct content_mail *m =
        mail(t, &(struct belfry_test_batch){.to = "ann", .items = items, .count = 3, .kind = BELFRY_BATCH_CATCH_UP});
    assert_string_equal(m->subject.ptr, "3 notifications that waited for you, Jan 5, 2026");
    assert_string_equal(plain(m->text.ptr),
                        "3 notifications that waited for you, Jan 5, 2026\n"
                        "\n"
                        "Approvals\n"
                        "\n"
                        "Warning: Approve: New printer\n"
                        "Jan 5, 2026, 9:00 AM UTC\n"
                        "https://belfry.example.org/acme/n/" NOTE_1 "\n"
                        "\n"
                        "Warning: Approve: Chairs\n"
                        "Jan 5, 2026, 9:00 AM UTC\n"
                        "https://belfry.example.org/acme/n/" NOTE_1 "\n"
                        "\n"
                        "Syncs\n"
                        "\n"
                        "Info: Sync completed\n"
                        "Jan 5, 2026, 9:00 AM UTC\n"
                        "https://belfry.example.org/acme/n/" NOTE_1 "\n"
                        "\n"
                        "See all in your inbox: https://belfry.example.org/acme/notifications\n"
                        "\n"
                        "You get this because it came during quiet hours.\n"
                        "Stop all e-mails that can be stopped: https://belfry.example.org/acme/u/all\n"
                        "All e-mail settings: https://belfry.example.org/acme/preferences\n");
    check_html(m->html.ptr, NULL);
    assert_int_equal(times(m->html.ptr, "<h2 "), 2);
    belfry_test_free(t);
}

/* --- what must not get in ----------------------------------------------------------------------------------------- */

static void test_hostile(void **state)
{
    (void)state;
    struct belfry_test *t = begin(NULL);
    struct belfry_test_item item = item_like(&approval);
    item.title = "</title><script>alert(1)</script>\"'><img src=x onerror=alert(1)> {{data.x}}";
    item.body = "<a href=\"https://evil.example\">log in</a>\nhttps://evil.example/x";
    item.category_label = "<b>&";
    item.reason = "<i>";
    item.link = "javascript:alert(1)";
    const struct content_mail *m = one(t, "ann", &item);
    assert_false(has(m->html.ptr, "<script"));
    assert_false(has(m->html.ptr, "<img"));
    assert_false(has(m->html.ptr, "<b>"));
    assert_false(has(m->html.ptr, "<i>"));
    assert_false(has(m->html.ptr, "href=\"https://evil"));
    assert_false(has(m->html.ptr, "javascript:"));
    assert_true(has(m->html.ptr, "&lt;script&gt;"));
    assert_true(has(m->html.ptr, "{{data.x}}")); /* text, and no template */
    assert_string_equal(m->subject.ptr, item.title);
    belfry_test_free(t);
}

/* What a large mail is cut to still says what it is and leads to the rest. */
static void test_cut(void **state)
{
    static char body[200001], title[301];
    struct belfry_test *t = begin(NULL);
    struct belfry_test_item items[50], item = item_like(&approval);
    (void)state;
    memset(body, '<', sizeof(body) - 1);
    memset(title, '"', sizeof(title) - 1);
    item.body = body;
    const struct content_mail *m = one(t, "ann", &item);
    assert_true(m->html.len <= 90 * 1024 && m->html.len > 10 * 1024);
    assert_true(has(m->html.ptr, "\xe2\x80\xa6")); /* an ellipsis */
    assert_true(has(m->html.ptr, "href=\"https://belfry.example.org/acme/n/" NOTE_1 "\""));
    for (size_t i = 0; i < 50; i++) {
        items[i] = item_like(&approval);
        items[i].title = title;
    }
    m = mail(t, &(struct belfry_test_batch){
                    .to = "ann", .items = items, .count = 50, .total = 60, .kind = BELFRY_BATCH_DIGEST});
    assert_true(m->html.len <= 90 * 1024);
    size_t shown = times(m->html.ptr, "<li ");
    char more[32];
    snprintf(more, sizeof(more), "and %zu more", 60 - shown);
    assert_true(shown > 10 && shown < 50);
    assert_true(has(m->html.ptr, more));
    assert_true(has(m->text.ptr, more));
    belfry_test_free(t);
}

/* --- templates of the configuration ------------------------------------------------------------------------------- */

static const struct {
    const char *yaml, *to, *subject, *text, *html;
} overrides[] = {
    /* the type before its prefix before default, part by part */
    {"templates: {approval.requested: {subject: 'A {{title}}'}, 'approval.*': {subject: B, text: 'T {{name}}'},"
     " default: {subject: C, text: D}}",
     "ann", "A Approve: New printer", "T Ann Lee\n\nYou get this", ">T Ann Lee</p>"},
    {"templates: {'approval.*': {subject: B}, 'app*': {subject: short}, default: {subject: C}}", "ann", "B",
     "Warning: Approve", "<h1 "},
    {"templates: {default: {subject: 'No {{data.approval.id}}, {{category_label}}'}}", "ann", "No 42, Approvals",
     "Warning: Approve", "<h1 "},
    {"templates: {invoice.paid: {subject: other}}", "ann", "Approve: New printer", "Warning: Approve", "<h1 "},
    /* languages: the region, the language, everybody's */
    {"templates: {default: {subject: all, locales: {de: {subject: 'auf Deutsch'}, de-AT: {text: servus}}}}", "dora",
     "auf Deutsch", "servus\n\nSie erhalten", ">servus</p>"},
    {"templates: {default: {subject: all, locales: {de: {subject: 'auf Deutsch'}}}}", "ann", "all", "Warning", "<h1 "},
    /* HTML of a text is that text, escaped, with the addresses that we know as links */
    {"templates: {default: {text: \"<b>{{title}}\\nnow: {{href}}\\n\\nhttps://evil.example bye\"}}", "ann",
     "Approve: New printer", "<b>Approve: New printer\nnow: https",
     ">&lt;b&gt;Approve: New printer<br>\nnow: <a href=\"https://belfry.example.org/acme/n/" NOTE_1
     "\">https://belfry.example.org/acme/n/" NOTE_1
     "</a></p>\n<p style=\"margin:0 0 12px\">https://evil.example bye</p>"},
    {"templates: {default: {html: '<p>{{title}}</p>'}}", "ann", "Approve: New printer", "Warning: Approve",
     "<p>Approve: New printer</p>\n</td>"},
    /* a layout around all */
    {"templates: {layout: {text: \"ACME\\n\\n{{{content}}}\\n\\n{{why}}\","
     " html: '<html><body>{{> content}}</body></html>'}}",
     "ann", "Approve: New printer", "ACME\n\nWarning: Approve", "<html><body><p style"},
    {"templates: {layout: {text: 'ACME {{{content}}}'}, default: {text: hello}}", "ann", "Approve: New printer",
     "ACME hello", ">hello</p>"},
    /* one line, whatever the data has */
    {"templates: {default: {subject: \"{{data.crlf}} \\u202e{{title}}\\t\"}}", "ann", "a Bcc: b Approve: New printer",
     "Warning", "<h1 "},
    {"templates: {default: {subject: \"  \\n \"}}", "ann", "Approve: New printer", "Warning", "<h1 "},
};

static void test_overrides(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(overrides) / sizeof(overrides[0]); i++) {
        struct belfry_test *t = begin(overrides[i].yaml);
        struct belfry_test_item item = item_like(&approval);
        item.data = "{\"approval\":{\"id\":42},\"crlf\":\"a\\r\\nBcc: b\"}";
        const struct content_mail *m = one(t, overrides[i].to, &item);
        assert_string_equal(m->note, "");
        assert_string_equal(m->subject.ptr, overrides[i].subject);
        if (strncmp(m->text.ptr, overrides[i].text, strlen(overrides[i].text)) != 0)
            fail_msg("%s: %s", overrides[i].yaml, m->text.ptr);
        if (!has(m->html.ptr, overrides[i].html))
            fail_msg("%s: %s", overrides[i].yaml, m->html.ptr);
        belfry_test_free(t);
    }
}

static void test_override_of_lists(void **state)
{
    (void)state;
    struct belfry_test *t =
        begin("templates: {digest: {subject: '{{total}} new', text: \"{{#items}}- {{title}}\\n{{/items}}\"},"
              " default: {subject: single}, catch_up: {subject: held}}");
    struct belfry_test_item items[2] = {item_like(&approval), item_like(&approval)};
    struct belfry_test_batch batch = {.to = "ann", .items = items, .count = 2, .kind = BELFRY_BATCH_DIGEST};
    const struct content_mail *m = mail(t, &batch);
    assert_string_equal(m->subject.ptr, "2 new");
    assert_true(has(m->text.ptr, "- Approve: New printer\n- Approve: New printer\n\nYou get this"));
    batch.kind = BELFRY_BATCH_CATCH_UP;
    assert_string_equal(mail(t, &batch)->subject.ptr, "held");
    belfry_test_free(t);
}

#define TEN "[0,1,2,3,4,5,6,7,8,9]"
/* A million steps are refused; the mail goes out in our words, and says what is to be mended. */
static void test_override_that_fails(void **state)
{
    static const char *const loops[] = {"subject", "text", "html"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char yaml[600], note[200];
        snprintf(
            yaml, sizeof(yaml),
            "templates: {approval.requested: {%s: '{{#data.a}}{{#data.a}}{{#data.a}}{{#data.a}}{{#data.a}}{{#data.a}}"
            "x{{/data.a}}{{/data.a}}{{/data.a}}{{/data.a}}{{/data.a}}{{/data.a}}'}}",
            loops[i]);
        struct belfry_test *t = begin(yaml);
        struct belfry_test_item item = item_like(&approval);
        item.data = "{\"a\":" TEN "}";
        const struct content_mail *m = one(t, "ann", &item);
        snprintf(note, sizeof(note), "templates.approval.requested.%s failed: ", loops[i]);
        assert_true(has(m->note, note));
        assert_string_equal(m->subject.ptr, "Approve: New printer");
        assert_true(has(m->text.ptr, "Warning: Approve: New printer\n"));
        assert_true(has(m->html.ptr, "<h1 "));
        belfry_test_free(t);
    }
}

/* HTML that nothing can cut is ours instead. */
static void test_override_too_large(void **state)
{
    (void)state;
    struct belfry_test *t = begin("templates: {default: {html: '{{#data.a}}{{#data.a}}{{#data.a}}{{#data.a}}0123456789"
                                  "{{/data.a}}{{/data.a}}{{/data.a}}{{/data.a}}'}}");
    struct belfry_test_item item = item_like(&approval);
    item.data = "{\"a\":" TEN "}";
    const struct content_mail *m = one(t, "ann", &item);
    assert_true(has(m->note, "more than 90 KB"));
    assert_true(has(m->html.ptr, "<h1 "));
    assert_true(m->html.len <= 90 * 1024);
    belfry_test_free(t);
}

static const struct {
    const char *yaml, *error;
} wrong[] = {
    {"templates: {default: {subject: 'x {{titel}}'}}", "reads `titel`, which templates here do not have"},
    {"templates: {default: {text: '{{#title}}'}}", "is no template"},
    {"templates: {default: {sbject: x}}", "sbject"},
    {"templates: {default: {locales: {de: {subject: '{{nope}}'}}}}", "reads `nope`"},
};

static void test_mistakes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct belfry_test *t = belfry_test_new(mails_entry(), wrong[i].yaml);
        if (!has(belfry_test_error(t), wrong[i].error))
            fail_msg("%s: %s", wrong[i].yaml, belfry_test_error(t));
        belfry_test_free(t);
    }
}

/* --- what is tried ------------------------------------------------------------------------------------------------ */

static void test_trial(void **state)
{
    (void)state;
    struct belfry_test *t = begin("templates: {default: {subject: configured, text: configured}}");
    struct content_trial trial = {.subject = belfry_str("tried {{title}}"), .html = belfry_str("{{#title}}")};
    struct belfry_test_item item = item_like(&approval);
    ((struct mails *)belfry_test_self(t))->trial = &trial;
    const struct content_mail *m = one(t, "ann", &item);
    assert_string_equal(m->subject.ptr, "tried Approve: New printer");
    assert_true(has(m->text.ptr, "configured\n"));
    assert_string_equal(trial.faults[0], "");
    assert_true(has(trial.faults[2], "the section `title` is never closed"));
    belfry_test_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single),
        cmocka_unit_test(test_single_german),
        cmocka_unit_test(test_required),
        cmocka_unit_test(test_outside),
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_digest),
        cmocka_unit_test(test_digest_is_capped),
        cmocka_unit_test(test_catch_up),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_overrides),
        cmocka_unit_test(test_override_of_lists),
        cmocka_unit_test(test_override_that_fails),
        cmocka_unit_test(test_override_too_large),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_trial),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
