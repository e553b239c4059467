/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GMime encodes the parts; the fields of the header are ours (field.h), because each is signed and has to leave as it
 * was meant. The fields are in the order of the table below, always the same for the same mail, and so is the boundary:
 * a second attempt sends the bytes of the first.
 *
 * Return-Path, Sender, Precedence and X-Priority are never written: the first belongs to the receiving server, the
 * others are what filters look down on. No part is named and none is attached.
 */
#include "message.h"
#include "field.h"

#include <gmime/gmime.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HTML_MAX (90 * 1024) /* from some 100 KB on mail programs cut */
#define BOUNDARY_BYTES 12    /* as hexadecimal digits: fits a line with its Content-Type */

/* --- GMime, once -------------------------------------------------------------------------------------------------- */

/* GMime's tables belong to the process and are made without a lock; instances share them and nobody takes them down. */
static pthread_once_t gmime_once = PTHREAD_ONCE_INIT;

static void gmime_start(void)
{
    g_mime_init();
}

/* --- the header --------------------------------------------------------------------------------------------------- */

/* "Name" <spec>, or the spec alone. Read again: an address with a comma in it would be two. */
static void put_mailbox(struct field *f, struct belfry_str name, const struct address *address)
{
    struct address read;
    const char *ignored;
    if (!address_read(belfry_str(address->spec), &read, &ignored)) {
        field_fail(f, "an address is none");
        return;
    }
    if (name.len)
        field_phrase(f, name, "a name has a control character or is not UTF-8");
    field_token(f, belfry_str(read.spec), name.len ? FIELD_ANGLE : FIELD_BARE, "an address is none");
}

static void put_from(struct field *f, const struct message *m)
{
    put_mailbox(f, belfry_str(m->from->name), m->from);
}

static void put_to(struct field *f, const struct message *m)
{
    put_mailbox(f, m->to_name.len ? m->to_name : belfry_str(m->to->name), m->to);
}

static void put_subject(struct field *f, const struct message *m)
{
    field_text(f, m->subject, "the subject has a control character or is not UTF-8");
}

/* RFC 5322, 3.3, always in UTC. Milliseconds before 1970 belong to the second that has begun. */
static void put_date(struct field *f, const struct message *m)
{
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t seconds = m->date_ms / 1000 - (m->date_ms % 1000 < 0);
    struct tm t;
    char text[64];
    if (!gmtime_r(&seconds, &t) || t.tm_year < 0 || t.tm_year > 9999 - 1900) {
        field_fail(f, "the date lies outside of the calendar");
        return;
    }
    snprintf(text, sizeof(text), "%.3s, %02d %.3s %04d %02d:%02d:%02d +0000", days + (size_t)t.tm_wday * 3, t.tm_mday,
             months + (size_t)t.tm_mon * 3, t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
    field_text(f, belfry_str(text), NULL);
}

static void put_message_id(struct field *f, const struct message *m)
{
    field_token(f, m->message_id, FIELD_ANGLE, "the Message-ID is empty or has a character that is not allowed");
}

static void put_thread(struct field *f, const struct message *m)
{
    field_token(f, m->thread, FIELD_ANGLE, "the thread's Message-ID has a character that is not allowed");
}

static void put_list_id(struct field *f, const struct message *m)
{
    if (m->list_name.len)
        field_phrase(f, m->list_name, "the list's name has a control character or is not UTF-8");
    field_token(f, m->list_id, FIELD_ANGLE, "the List-Id has a character that is not allowed");
}

/* mailto: (RFC 6068), in which a local part may need percent signs */
static void put_mailto(struct field *f, struct belfry_str spec, const char *fault)
{
    GString *uri = g_string_new("mailto:");
    for (size_t i = 0; i < spec.len; i++) {
        char c = spec.ptr[i];
        if (g_ascii_isalnum(c) || (c && strchr("-._~!$'*+@", c)))
            g_string_append_c(uri, c);
        else
            field_add_hex(uri, '%', c);
    }
    field_token(f, (struct belfry_str){uri->str, uri->len}, FIELD_ANGLE, fault);
    g_string_free(uri, TRUE);
}

/* RFC 2369: the first one that a reader can use counts; RFC 8058 is about the https one. */
static void put_unsubscribe(struct field *f, const struct message *m)
{
    static const char fault[] = "the address of List-Unsubscribe has a character that is not allowed";
    int mail = m->unsubscribe_mail.len > 0;
    field_token(f, m->unsubscribe, mail ? FIELD_ANGLE_COMMA : FIELD_ANGLE, fault);
    if (mail && memchr(m->unsubscribe.ptr, ',', m->unsubscribe.len))
        field_fail(f, fault); /* a list is cut at its commas, and not every reader minds the brackets */
    if (mail)
        put_mailto(f, m->unsubscribe_mail, fault);
}

static void put_feedback_id(struct field *f, const struct message *m)
{
    field_token(f, m->feedback_id, FIELD_BARE, "the Feedback-ID has a character that is not allowed");
}

static void put_language(struct field *f, const struct message *m)
{
    field_token(f, m->language, FIELD_BARE, "the language has a character that is not allowed");
}

/* In the order in which they are written. A field is there when `when` of the message is not empty; `is` is the whole
 * value of those that say the same in each mail. */
#define NEEDS(member) offsetof(struct message, member)
#define ALWAYS SIZE_MAX
static const struct {
    const char *name;
    size_t when;
    void (*put)(struct field *f, const struct message *m);
    const char *is;
} fields[] = {
    {"From", ALWAYS, put_from, NULL},
    {"To", ALWAYS, put_to, NULL},
    {"Subject", ALWAYS, put_subject, NULL},
    {"Date", ALWAYS, put_date, NULL},
    {"Message-ID", ALWAYS, put_message_id, NULL},
    {"In-Reply-To", NEEDS(thread), put_thread, NULL},
    {"References", NEEDS(thread), put_thread, NULL},
    {"MIME-Version", ALWAYS, NULL, "1.0"},
    {"Auto-Submitted", ALWAYS, NULL, "auto-generated"},
    {"X-Auto-Response-Suppress", ALWAYS, NULL, "All"},
    {"List-Id", NEEDS(list_id), put_list_id, NULL},
    {"List-Unsubscribe", NEEDS(unsubscribe), put_unsubscribe, NULL},
    {"List-Unsubscribe-Post", NEEDS(unsubscribe), NULL, "List-Unsubscribe=One-Click"},
    {"Feedback-ID", NEEDS(feedback_id), put_feedback_id, NULL},
    {"Content-Language", NEEDS(language), put_language, NULL},
};

static int is_there(size_t when, const struct message *m)
{
    return when == ALWAYS || ((const struct belfry_str *)(const void *)((const char *)m + when))->len > 0;
}

static const char *write_fields(GString *out, const struct message *m)
{
    const char *fault = NULL;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]) && !fault; i++) {
        struct field f;
        if (!is_there(fields[i].when, m))
            continue;
        field_begin(&f, out, fields[i].name);
        if (fields[i].put)
            fields[i].put(&f, m);
        else
            field_token(&f, belfry_str(fields[i].is), FIELD_BARE, NULL);
        field_end(&f);
        fault = f.fault;
    }
    return fault;
}

/* --- the parts ---------------------------------------------------------------------------------------------------- */

static void add_lines(GString *out, const char *text, size_t len)
{
    const char *end = text + len, *eol;
    for (; text < end && (eol = memchr(text, '\n', (size_t)(end - text))); text = eol + 1) {
        g_string_append_len(out, text, eol - text);
        g_string_append_len(out, "\r\n", 2);
    }
    g_string_append_len(out, text, end - text);
}

/* GMime's encoder alone: its parts, streams and filters took four times as long as what goes through them. */
static void add_encoded(GString *out, struct belfry_str text)
{
    GMimeEncoding encoder;
    g_mime_encoding_init_encode(&encoder, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
    char *made = g_malloc(g_mime_encoding_outlen(&encoder, text.len) + 1);
    size_t len = g_mime_encoding_flush(&encoder, text.len ? text.ptr : "", text.len, made);
    add_lines(out, made, len);
    g_free(made);
}

/* text/SUBTYPE: its fields, an empty line, what it says. */
static void add_part(GString *out, const char *subtype, struct belfry_str text)
{
    g_string_append(out, "Content-Type: text/");
    g_string_append(out, subtype);
    g_string_append(out, "; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n");
    add_encoded(out, text);
}

/* From the Message-ID, which no two mails share. No body can hold it: `=_` is nothing that quoted-printable writes. */
static void boundary_of(struct belfry_str message_id, char out[2 + 2 * BOUNDARY_BYTES + 1])
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    EVP_Digest(message_id.ptr, message_id.len, digest, NULL, EVP_sha256(), NULL);
    memcpy(out, "=_", 2);
    for (size_t i = 0; i < BOUNDARY_BYTES; i++)
        g_snprintf(out + 2 + 2 * i, 3, "%02x", digest[i]);
}

/* Controls in a body are text that quoted-printable carries; a NUL or a lone CR is nothing that a template writes. */
static const char *body_fault(struct belfry_str text)
{
    if (field_flaw(text) == FIELD_NOT_UTF8)
        return "a body is not UTF-8";
    if (text.len && (memchr(text.ptr, '\0', text.len) || memchr(text.ptr, '\r', text.len)))
        return "a body has a NUL or a CR";
    return NULL;
}

static const char *bodies_fault(const struct message *m)
{
    const char *fault = body_fault(m->text);
    if (!fault)
        fault = body_fault(m->html);
    return fault ? fault : m->html.len > HTML_MAX ? "the HTML is larger than 90 KB" : NULL;
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

/* Its fields go on where ours end: Content-Type is the last of the header. */
static void write_body(GString *out, const struct message *m)
{
    const struct {
        const char *subtype;
        struct belfry_str text;
    } parts[] = {{"plain", m->text}, {"html", m->html}}; /* the best one last (RFC 2046, 5.1.4) */
    char boundary[2 + 2 * BOUNDARY_BYTES + 1];
    if (!m->html.len) {
        add_part(out, parts[0].subtype, parts[0].text);
        if (out->str[out->len - 1] != '\n') /* SMTP would add it */
            g_string_append_len(out, "\r\n", 2);
        return;
    }
    boundary_of(m->message_id, boundary);
    g_string_append_printf(out, "Content-Type: multipart/alternative; boundary=\"%s\"\r\n\r\n", boundary);
    for (size_t i = 0; i < 2; i++) {
        g_string_append_printf(out, "--%s\r\n", boundary);
        add_part(out, parts[i].subtype, parts[i].text);
        g_string_append_len(out, "\r\n", 2);
    }
    g_string_append_printf(out, "--%s--\r\n", boundary);
}

/* In memory that free() frees, which GLib's need not be. */
static char *bytes_of(const GString *text, size_t *size, const char **fault)
{
    char *out = malloc(text->len + 1);
    if (out)
        memcpy(out, text->str, text->len + 1);
    *size = text->len;
    *fault = out ? NULL : "there is no memory for it";
    return out;
}

char *message_write(const struct message *m, size_t *size, const char **fault)
{
    char *out = NULL;
    pthread_once(&gmime_once, gmime_start);
    *fault = bodies_fault(m);
    if (*fault)
        return NULL;
    GString *text = g_string_sized_new(1024 + 2 * m->text.len + 2 * m->html.len);
    *fault = write_fields(text, m);
    if (!*fault) {
        write_body(text, m);
        out = bytes_of(text, size, fault);
    }
    g_string_free(text, TRUE);
    return out;
}
