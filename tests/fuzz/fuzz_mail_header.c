/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mails from bytes: the values of a message, separated by NUL, in the order of `members`; what is missing is harmless.
 * Whatever they are, a mail that is written has the fields that it should have and no other, in lines of ASCII, and
 * says the subject that it was given. An address that is read is read again as itself. The bytes are signed as a
 * message of their own, too.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/email/address.h"
#include "../../plugins/email/dkim.h"
#include "../../plugins/email/message.h"

#include <gmime/gmime.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char key_pem[] = "-----BEGIN PRIVATE KEY-----\n"
                              "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
                              "-----END PRIVATE KEY-----\n";

static const size_t members[] = {offsetof(struct message, subject),     offsetof(struct message, to_name),
                                 offsetof(struct message, list_name),   offsetof(struct message, message_id),
                                 offsetof(struct message, thread),      offsetof(struct message, list_id),
                                 offsetof(struct message, unsubscribe), offsetof(struct message, unsubscribe_mail),
                                 offsetof(struct message, feedback_id), offsetof(struct message, language),
                                 offsetof(struct message, text),        offsetof(struct message, html)};
#define MEMBERS (sizeof(members) / sizeof(members[0]))

static void require(int holds)
{
    if (!holds)
        abort();
}

static struct belfry_str next(struct belfry_str *rest)
{
    const char *nul = rest->len ? memchr(rest->ptr, '\0', rest->len) : NULL;
    struct belfry_str piece = {rest->ptr, nul ? (size_t)(nul - rest->ptr) : rest->len};
    size_t taken = piece.len + (nul != NULL);
    *rest = (struct belfry_str){rest->len ? rest->ptr + taken : NULL, rest->len - taken};
    return piece;
}

/* --- addresses ---------------------------------------------------------------------------------------------------- */

static void check_address(const struct address *a)
{
    struct address again;
    const char *fault;
    require(strlen(a->spec) <= ADDRESS_MAX && strlen(a->name) <= 4 * ADDRESS_NAME_MAX);
    for (const char *at = a->spec; *at; at++)
        require(*at > ' ' && *at <= '~' && !strchr("<>(),;:\"\\[]", *at));
    require(address_read(belfry_str(a->spec), &again, &fault));
    require(strcmp(again.spec, a->spec) == 0 && strcmp(again.domain, a->domain) == 0);
}

static void read_address(struct belfry_str text, int named, const char *otherwise, struct address *out)
{
    const char *fault = NULL;
    int good = (named ? address_read_named : address_read)(text, out, &fault);
    require(good == (fault == NULL));
    if (good)
        check_address(out);
    else
        require(address_read(belfry_str(otherwise), out, &fault));
}

/* --- the mail ----------------------------------------------------------------------------------------------------- */

static void check_header(const struct message *m, const char *written, size_t size)
{
    const struct {
        const char *name;
        int there;
    } names[] = {{"From:", 1},
                 {"To:", 1},
                 {"Subject:", 1},
                 {"Date:", 1},
                 {"Message-ID:", 1},
                 {"In-Reply-To:", m->thread.len > 0},
                 {"References:", m->thread.len > 0},
                 {"MIME-Version:", 1},
                 {"Auto-Submitted:", 1},
                 {"X-Auto-Response-Suppress:", 1},
                 {"List-Id:", m->list_id.len > 0},
                 {"List-Unsubscribe:", m->unsubscribe.len > 0},
                 {"List-Unsubscribe-Post:", m->unsubscribe.len > 0},
                 {"Feedback-ID:", m->feedback_id.len > 0},
                 {"Content-Language:", m->language.len > 0},
                 {"Content-Type:", 1},
                 {"Content-Transfer-Encoding:", m->html.len == 0}};
    const char *line = written, *end;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!names[i].there)
            continue;
        require(strncmp(line, names[i].name, strlen(names[i].name)) == 0);
        do {
            require((end = strstr(line, "\r\n")) != NULL);
            line = end + 2;
        } while (*line == ' ');
    }
    require(strncmp(line, "\r\n", 2) == 0);
    require(strlen(written) == size);
}

static void check_lines(const char *written, size_t size)
{
    size_t column = 0;
    for (size_t i = 0; i < size; i++) {
        int ends = written[i] == '\r' && written[i + 1] == '\n';
        require(ends || written[i] == '\t' || (written[i] >= ' ' && written[i] <= '~'));
        require(++column <= 999);
        if (ends) {
            column = 0;
            i++;
        }
    }
    require(size > 1 && written[size - 1] == '\n');
}

/* What GMime reads is what was meant, but for what turns the direction of text. */
static void check_subject(struct belfry_str subject, const char *written, size_t size)
{
    static const char *const bidi[] = {"\u061c", "\u200e", "\u200f", "\u202a", "\u202b", "\u202c",
                                       "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069"};
    GString *meant = g_string_new_len(subject.ptr, (gssize)subject.len);
    for (size_t i = 0; i < sizeof(bidi) / sizeof(bidi[0]); i++)
        g_string_replace(meant, bidi[i], "", 0);
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(written, size);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
    require(message != NULL);
    const char *read = g_mime_message_get_subject(message);
    require(strcmp(read ? read : "", meant->str) == 0);
    g_object_unref(message);
    g_object_unref(parser);
    g_object_unref(stream);
    g_string_free(meant, TRUE);
}

static void check_message(const struct message *m)
{
    size_t size = 0;
    const char *fault = NULL;
    char *written = message_write(m, &size, &fault);
    require((written == NULL) == (fault != NULL));
    if (written) {
        check_header(m, written, size);
        check_lines(written, size);
        check_subject(m->subject, written, size);
    }
    free(written);
}

static void check_signature(const uint8_t *data, size_t size)
{
    const char *fault;
    size_t len = 0;
    struct dkim_key *key = dkim_key_read("s", belfry_str(key_pem), &fault);
    char *field = dkim_sign((const struct dkim_key *const *)&key, 1, "hub.example", (const char *)data, size, 0, &len);
    require(field && strlen(field) == len && strncmp(field, "DKIM-Signature: ", 16) == 0);
    check_lines(field, len);
    free(field);
    dkim_key_free(key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct belfry_str rest = {(const char *)data, size};
    struct address from, to;
    struct message m = {.from = &from,
                        .to = &to,
                        .message_id = belfry_str("a@hub.example"),
                        .unsubscribe = belfry_str("https://hub.example/u"),
                        .date_ms = 1763668740000};
    read_address(next(&rest), 1, "notify@hub.example", &from);
    read_address(next(&rest), 0, "jane@example.org", &to);
    for (size_t i = 0; i < MEMBERS && rest.len; i++) {
        struct belfry_str piece = next(&rest);
        if (piece.len)
            *(struct belfry_str *)(void *)((char *)&m + members[i]) = piece;
    }
    check_message(&m);
    check_signature(data, size);
    return 0;
}
