/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a mail: one whole, what may be absent, what is refused, and that no value can become a field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../plugins/email/message.h"

#include "chance.h"

static struct address from, to;

static struct message whole(void)
{
    return (struct message){
        .from = &from,
        .to = &to,
        .to_name = belfry_str("Jane Döe"),
        .subject = belfry_str("[Deploy] billing-eu failed on prod"),
        .message_id = belfry_str("d.01jd8x2v5c@hub.example"),
        .thread = belfry_str("t.9f3c1a77@hub.example"),
        .list_name = belfry_str("Acme Hub: Deploy"),
        .list_id = belfry_str("deploy.hub.example"),
        .unsubscribe = belfry_str("https://hub.example/acme/u/v1.TOKEN"),
        .unsubscribe_mail = belfry_str("unsub+TOKEN@bounce.hub.example"),
        .feedback_id = belfry_str("deploy:single:t1:acmehub"),
        .language = belfry_str("en"),
        .text = belfry_str("Error: billing-eu failed on prod\n"
                           "Größe 4711 = much; trailing blank \n"
                           "\n"
                           ".\n"
                           "A line that is longer than the 76 characters which quoted-printable has room for.\n"),
        .html = belfry_str("<!doctype html>\n<html lang=\"en\"><body><p>Größe</p></body></html>\n"),
        .date_ms = 1763668740000,
    };
}

#define HEADER_TO_LIST                                                                                                 \
    "From: \"Acme Hub\" <notify@hub.example>\r\n"                                                                      \
    "To: =?utf-8?q?Jane_D=C3=B6e?= <jane@example.org>\r\n"                                                             \
    "Subject: [Deploy] billing-eu failed on prod\r\n"                                                                  \
    "Date: Thu, 20 Nov 2025 19:59:00 +0000\r\n"                                                                        \
    "Message-ID: <d.01jd8x2v5c@hub.example>\r\n"
#define HEADER_THREAD                                                                                                  \
    "In-Reply-To: <t.9f3c1a77@hub.example>\r\n"                                                                        \
    "References: <t.9f3c1a77@hub.example>\r\n"
#define HEADER_ALWAYS                                                                                                  \
    "MIME-Version: 1.0\r\n"                                                                                            \
    "Auto-Submitted: auto-generated\r\n"                                                                               \
    "X-Auto-Response-Suppress: All\r\n"
#define HEADER_LIST_ID "List-Id: \"Acme Hub: Deploy\" <deploy.hub.example>\r\n"
#define TEXT                                                                                                           \
    "Error: billing-eu failed on prod\r\n"                                                                             \
    "Gr=C3=B6=C3=9Fe 4711 =3D much; trailing blank=20\r\n"                                                             \
    "\r\n"                                                                                                             \
    ".\r\n"                                                                                                            \
    "A line that is longer than the 76 characters which quoted-printable has roo=\r\n"                                 \
    "m for.\r\n"
#define TYPE_TEXT                                                                                                      \
    "Content-Type: text/plain; charset=utf-8\r\n"                                                                      \
    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
#define BOUNDARY "=_411b7ac24da7db01fdfa07be"

static void expect(const struct message *m, const char *bytes)
{
    size_t size = 0;
    const char *fault = "unset";
    char *written = message_write(m, &size, &fault);
    assert_null(fault);
    assert_string_equal(written, bytes);
    assert_int_equal(size, strlen(bytes));
    free(written);
}

static void test_the_whole_of_one(void **state)
{
    (void)state;
    struct message m = whole();
    for (int attempt = 0; attempt < 2; attempt++) /* the second sends the bytes of the first */
        expect(&m, HEADER_TO_LIST HEADER_THREAD HEADER_ALWAYS HEADER_LIST_ID
               "List-Unsubscribe: <https://hub.example/acme/u/v1.TOKEN>,\r\n"
               " <mailto:unsub+TOKEN@bounce.hub.example>\r\n"
               "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
               "Feedback-ID: deploy:single:t1:acmehub\r\n"
               "Content-Language: en\r\n"
               "Content-Type: multipart/alternative; boundary=\"" BOUNDARY "\"\r\n"
               "\r\n"
               "--" BOUNDARY "\r\n" TYPE_TEXT TEXT "\r\n"
               "--" BOUNDARY "\r\n"
               "Content-Type: text/html; charset=utf-8\r\n"
               "Content-Transfer-Encoding: quoted-printable\r\n"
               "\r\n"
               "<!doctype html>\r\n"
               "<html lang=3D\"en\"><body><p>Gr=C3=B6=C3=9Fe</p></body></html>\r\n"
               "\r\n"
               "--" BOUNDARY "--\r\n");
}

/* A required category has no List-Unsubscribe of any kind, whatever address there would be. */
static void test_what_may_be_absent(void **state)
{
    (void)state;
    struct message m = whole();
    m.html = m.thread = m.unsubscribe = m.feedback_id = m.language = (struct belfry_str){NULL, 0};
    expect(&m, HEADER_TO_LIST HEADER_ALWAYS HEADER_LIST_ID TYPE_TEXT TEXT);
    m.list_id = (struct belfry_str){NULL, 0};
    m.text = belfry_str("no newline");
    expect(&m, HEADER_TO_LIST HEADER_ALWAYS TYPE_TEXT "no newline\r\n");
    m.text = belfry_str("");
    expect(&m, HEADER_TO_LIST HEADER_ALWAYS TYPE_TEXT);
}

static void test_other_mails_have_other_boundaries(void **state)
{
    (void)state;
    struct message m = whole();
    m.message_id = belfry_str("d.01jd8x2v5d@hub.example");
    size_t size;
    const char *fault;
    char *written = message_write(&m, &size, &fault);
    assert_non_null(strstr(written, "boundary=\"=_"));
    assert_null(strstr(written, BOUNDARY));
    free(written);
}

/* --- one field ---------------------------------------------------------------------------------------------------- */

/* A whole field of a written message, its lines included. Freed by the caller. */
static char *field_of(const struct message *m, const char *name)
{
    char start[64];
    size_t size;
    const char *fault;
    char *written = message_write(m, &size, &fault);
    assert_null(fault);
    snprintf(start, sizeof(start), "\r\n%s:", name);
    char *at = strstr(written, start);
    assert_non_null(at);
    char *end = at + 2;
    do
        end = strstr(end, "\r\n") + 2;
    while (*end == ' ');
    *end = '\0';
    memmove(written, at + 2, strlen(at + 2) + 1);
    return written;
}

#define W20 "twenty-characters-aa"

static void test_subjects(void **state)
{
    static const struct {
        const char *subject, *field;
    } rows[] = {
        {"plain", "Subject: plain\r\n"},
        {"", "Subject:\r\n"},
        {"Grüße", "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"},
        {"日本語の件名", "Subject: =?utf-8?b?5pel5pys6Kqe44Gu5Lu25ZCN?=\r\n"},
        /* white space counts: as plain text a reader might lose it */
        {"two  spaces", "Subject: =?utf-8?q?two__spaces?=\r\n"},
        {" before", "Subject: =?utf-8?q?_before?=\r\n"},
        {"behind ", "Subject: =?utf-8?q?behind_?=\r\n"},
        /* what only looks like an encoded word stays what it is */
        {"=?utf-8?q?x?=", "Subject: =?utf-8?q?=3D=3Futf-8=3Fq=3Fx=3F=3D?=\r\n"},
        /* folded at spaces; a word that fits no line is encoded */
        {W20 " " W20 " " W20 " " W20, "Subject: " W20 " " W20 " " W20 "\r\n " W20 "\r\n"},
        {W20 W20 W20 "aaaaaaaaa", "Subject: " W20 W20 W20 "aaaaaaaaa\r\n"}, /* 78 */
        {W20 W20 W20 "aaaaaaaaaa", "Subject: =?utf-8?q?" W20 W20 "twenty-characters?=\r\n"
                                   " =?utf-8?q?-aaaaaaaaaaaa?=\r\n"},
        /* no character is torn apart */
        {"ääääääääääääääääääääääääääääää",
         "Subject: =?utf-8?b?w6TDpMOkw6TDpMOkw6TDpMOkw6TDpMOkw6TDpMOkw6TDpMOkw6TDpMOk?=\r\n"
         " =?utf-8?b?w6TDpMOkw6TDpMOkw6TDpMOk?=\r\n"},
        /* what turns the direction is left out */
        {"gpj.\u202ecod\u2066!\u200f", "Subject: gpj.cod!\r\n"},
        {"a\u061c\u200eb\u2069", "Subject: ab\r\n"},
        {"Bcc: x@y.z", "Subject: Bcc: x@y.z\r\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct message m = whole();
        m.subject = belfry_str(rows[i].subject);
        char *field = field_of(&m, "Subject");
        assert_string_equal(field, rows[i].field);
        free(field);
    }
}

static void test_recipients(void **state)
{
    static const struct {
        const char *name, *field;
    } rows[] = {
        {"", "To: jane@example.org\r\n"},
        {"Jane Doe", "To: \"Jane Doe\" <jane@example.org>\r\n"},
        {"Doe, \"J\" \\ (x)", "To: \"Doe, \\\"J\\\" \\\\ (x)\" <jane@example.org>\r\n"},
        {"Jane <evil@x>, b@y", "To: \"Jane <evil@x>, b@y\" <jane@example.org>\r\n"},
        {"=?utf-8?q?x?=", "To: =?utf-8?q?=3D=3Futf-8=3Fq=3Fx=3F=3D?= <jane@example.org>\r\n"},
        {"\u202eenaJ", "To: \"enaJ\" <jane@example.org>\r\n"},
        {W20 " " W20 " " W20 " " W20, "To: =?utf-8?q?" W20 "_" W20 "_" W20 "?=\r\n"
                                      " =?utf-8?q?_" W20 "?= <jane@example.org>\r\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct message m = whole();
        m.to_name = belfry_str(rows[i].name);
        char *field = field_of(&m, "To");
        assert_string_equal(field, rows[i].field);
        free(field);
    }
}

static void test_unsubscribe(void **state)
{
    (void)state;
    struct message m = whole();
    static char url[800] = "https://hub.example/";
    memset(url + strlen(url), 'x', 700);
    m.unsubscribe = belfry_str(url);
    m.unsubscribe_mail = belfry_str("a&b#c%d?e/f=g@hub.example");
    char *field = field_of(&m, "List-Unsubscribe"), expected[1024];
    snprintf(expected, sizeof(expected),
             "List-Unsubscribe: <%s>,\r\n <mailto:a%%26b%%23c%%25d%%3Fe%%2Ff%%3Dg@hub.example>\r\n", url);
    assert_string_equal(field, expected); /* whole, however long it is */
    free(field);
    m.unsubscribe_mail = belfry_str("");
    field = field_of(&m, "List-Unsubscribe");
    snprintf(expected, sizeof(expected), "List-Unsubscribe: <%s>\r\n", url);
    assert_string_equal(field, expected);
    free(field);
}

static void test_dates(void **state)
{
    static const struct {
        int64_t ms;
        const char *field;
    } rows[] = {
        {0, "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n"},
        {999, "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n"},
        {-1, "Date: Wed, 31 Dec 1969 23:59:59 +0000\r\n"},
        {1709164800000, "Date: Thu, 29 Feb 2024 00:00:00 +0000\r\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct message m = whole();
        m.date_ms = rows[i].ms;
        char *field = field_of(&m, "Date");
        assert_string_equal(field, rows[i].field);
        free(field);
    }
}

/* --- what is refused ---------------------------------------------------------------------------------------------- */

static void refused(const struct message *m, const char *why)
{
    size_t size = 0;
    const char *fault = NULL;
    char *written = message_write(m, &size, &fault);
    assert_null(written);
    assert_string_equal(fault, why);
}

static const struct {
    const char *name;
    size_t member;
    int text; /* takes any characters but controls */
    const char *fault;
} values[] = {
    {"to_name", offsetof(struct message, to_name), 1, "a name has a control character or is not UTF-8"},
    {"subject", offsetof(struct message, subject), 1, "the subject has a control character or is not UTF-8"},
    {"list_name", offsetof(struct message, list_name), 1, "the list's name has a control character or is not UTF-8"},
    {"message_id", offsetof(struct message, message_id), 0,
     "the Message-ID is empty or has a character that is not allowed"},
    {"thread", offsetof(struct message, thread), 0, "the thread's Message-ID has a character that is not allowed"},
    {"list_id", offsetof(struct message, list_id), 0, "the List-Id has a character that is not allowed"},
    {"unsubscribe", offsetof(struct message, unsubscribe), 0,
     "the address of List-Unsubscribe has a character that is not allowed"},
    {"feedback_id", offsetof(struct message, feedback_id), 0, "the Feedback-ID has a character that is not allowed"},
    {"language", offsetof(struct message, language), 0, "the language has a character that is not allowed"},
};
#define VALUES (sizeof(values) / sizeof(values[0]))

static struct belfry_str *value_of(struct message *m, size_t i)
{
    return (struct belfry_str *)(void *)((char *)m + values[i].member);
}

static void test_no_value_breaks_a_header(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        int text; /* refused in a text, too */
    } rows[] = {
        {"\0", 1, 1},     {"\r", 1, 1},   {"\n", 1, 1},   {"\r\nBcc: x@y.z", 12, 1}, {"\t", 1, 1},
        {"\x01", 1, 1},   {"\x1f", 1, 1}, {"\x7f", 1, 1}, {"\xc2\x85", 2, 1},        {"\u2028", 3, 1},
        {"\u2029", 3, 1}, {"\xc3", 1, 1}, {"\xff", 1, 1}, {"\xc0\x8a", 2, 1}, /* an overlong LF */
        {"\u202e", 3, 0}, {" ", 1, 0},    {"é", 2, 0},
    };
    (void)state;
    for (size_t i = 0; i < VALUES; i++) {
        for (size_t j = 0; j < sizeof(rows) / sizeof(rows[0]); j++) {
            for (int place = 0; place < 3; place++) { /* before, within, behind */
                char text[32] = "ab";
                struct message m = whole();
                memcpy(text + place, rows[j].bytes, rows[j].len);
                memcpy(text + place + rows[j].len, "ab" + place, (size_t)(2 - place));
                *value_of(&m, i) = (struct belfry_str){text, 2 + rows[j].len};
                size_t size;
                const char *fault;
                char *written = message_write(&m, &size, &fault);
                if (values[i].text && !rows[j].text) {
                    assert_non_null(written);
                } else {
                    assert_null(written);
                    assert_string_equal(fault, values[i].fault);
                }
                free(written);
            }
        }
    }
}

static void test_the_names_of_the_configuration_too(void **state)
{
    (void)state;
    struct message m = whole();
    struct address bad = from;
    m.from = &bad;
    strcpy(bad.name, "Acme\nBcc: x@y.z");
    refused(&m, "a name has a control character or is not UTF-8");
    bad = from;
    strcpy(bad.spec, "a@x.org,b@x.org");
    refused(&m, "an address is none");
    strcpy(bad.spec, "a@x.org>\r\nBcc: <b@x.org");
    refused(&m, "an address is none");
    bad.spec[0] = '\0';
    refused(&m, "an address is none");
    bad = to;
    m = whole();
    m.to = &bad;
    strcpy(bad.spec, "a@x.org b");
    refused(&m, "an address is none");
}

static void test_angles_and_limits(void **state)
{
    (void)state;
    static char big[90 * 1024 + 1];
    struct message m = whole();
    m.message_id = belfry_str("a@b> <c@d");
    refused(&m, "the Message-ID is empty or has a character that is not allowed");
    m.message_id = belfry_str("a@b><c@d");
    refused(&m, "the Message-ID is empty or has a character that is not allowed");
    m.message_id = belfry_str("");
    refused(&m, "the Message-ID is empty or has a character that is not allowed");

    m = whole();
    m.unsubscribe = belfry_str("https://hub.example/a>,<https://evil.example/");
    refused(&m, "the address of List-Unsubscribe has a character that is not allowed");
    m.unsubscribe = belfry_str("https://hub.example/a,b"); /* readers cut the list at its commas */
    refused(&m, "the address of List-Unsubscribe has a character that is not allowed");

    m = whole();
    memset(big, 'x', sizeof(big));
    m.unsubscribe_mail = belfry_str("");
    m.unsubscribe = (struct belfry_str){big, 998 - strlen("List-Unsubscribe: <>")};
    char *field = field_of(&m, "List-Unsubscribe");
    assert_int_equal(strlen(field), 1000);
    free(field);
    m.unsubscribe.len++;
    refused(&m, "a line of the header would be longer than 998 characters");

    m = whole();
    m.html = (struct belfry_str){big, sizeof(big)};
    refused(&m, "the HTML is larger than 90 KB");
    m.html = belfry_str("<p>\xff</p>");
    refused(&m, "a body is not UTF-8");
    m.html = (struct belfry_str){"<p>\0</p>", 8};
    refused(&m, "a body has a NUL or a CR");
    m = whole();
    m.text = belfry_str("a\rb");
    refused(&m, "a body has a NUL or a CR");
    m = whole();
    m.date_ms = INT64_MAX;
    refused(&m, "the date lies outside of the calendar");
}

/* --- whatever comes ----------------------------------------------------------------------------------------------- */

static const char *const names[] = {"From",
                                    "To",
                                    "Subject",
                                    "Date",
                                    "Message-ID",
                                    "In-Reply-To",
                                    "References",
                                    "MIME-Version",
                                    "Auto-Submitted",
                                    "X-Auto-Response-Suppress",
                                    "List-Id",
                                    "List-Unsubscribe",
                                    "List-Unsubscribe-Post",
                                    "Feedback-ID",
                                    "Content-Language",
                                    "Content-Type"};
#define NAMES (sizeof(names) / sizeof(names[0]))

static size_t spaces_of(const char *line, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        n += line[i] == ' ';
    return n;
}

/* Exactly the fields of the whole mail, each once and in order; short lines of ASCII; CR and LF only together. */
static void assert_sound(const char *written, size_t size)
{
    size_t field = 0, body = (size_t)(strstr(written, "\r\n\r\n") - written) + 2;
    assert_int_equal(strlen(written), size);
    for (size_t at = 0, end; at < size; at = end + 2) {
        end = (size_t)(strstr(written + at, "\r\n") - written);
        assert_true(end - at <= 998);
        for (size_t i = at; i < end; i++)
            assert_true((written[i] >= ' ' && written[i] <= '~') || (at > body && written[i] == '\t'));
        if (at < body && end - at > 78) /* one token that is not to be broken */
            assert_int_equal(spaces_of(written + at, end - at), 1);
        if (at >= body || written[at] == ' ')
            continue;
        assert_true(field < NAMES);
        assert_memory_equal(written + at, names[field], strlen(names[field]));
        assert_int_equal(written[at + strlen(names[field])], ':');
        field++;
    }
    assert_int_equal(field, NAMES);
}

static void test_random_bytes_are_never_a_field(void **state)
{
    static const char *const pieces[] = {
        "\r\n",
        "\n",
        "\r",
        "\0",
        ": ",
        "Bcc: x@y",
        "=?utf-8?q?=0D=0A?=",
        "ä",
        "\u202e",
        " ",
        "  ",
        "\"",
        "\\",
        "<",
        ">",
        "日本語",
        "\xff",
        ",",
        "\t",
        "(",
        "\U0001f468\u200d",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    uint64_t seed = 20260101;
    int written_ones = 0;
    (void)state;
    for (int run = 0; run < 3000; run++) {
        struct message m = whole();
        char text[VALUES][1400];
        for (int changed = pick(&seed, 3); changed >= 0; changed--) {
            size_t i = (size_t)pick(&seed, VALUES), len = 0;
            for (size_t n = (size_t)pick(&seed, 6); n; n--) {
                const char *piece = pieces[pick(&seed, sizeof(pieces) / sizeof(pieces[0]))];
                size_t piece_len = *piece ? strlen(piece) : 1;
                memcpy(text[i] + len, piece, piece_len);
                len += piece_len;
            }
            if (len)
                *value_of(&m, i) = (struct belfry_str){text[i], len};
        }
        size_t size;
        const char *fault = NULL;
        char *written = message_write(&m, &size, &fault);
        assert_int_equal(written == NULL, fault != NULL);
        if (written) {
            assert_sound(written, size);
            written_ones++;
        }
        free(written);
    }
    assert_in_range(written_ones, 300, 2700); /* both happen */
}

static int setup(void **state)
{
    const char *fault;
    (void)state;
    return !(address_read_named(belfry_str("\"Acme Hub\" <notify@hub.example>"), &from, &fault) &&
             address_read(belfry_str("jane@example.org"), &to, &fault));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_whole_of_one),
        cmocka_unit_test(test_what_may_be_absent),
        cmocka_unit_test(test_other_mails_have_other_boundaries),
        cmocka_unit_test(test_subjects),
        cmocka_unit_test(test_recipients),
        cmocka_unit_test(test_unsubscribe),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_no_value_breaks_a_header),
        cmocka_unit_test(test_the_names_of_the_configuration_too),
        cmocka_unit_test(test_angles_and_limits),
        cmocka_unit_test(test_random_bytes_are_never_a_field),
    };
    return cmocka_run_group_tests_name("mails", tests, setup, NULL);
}
