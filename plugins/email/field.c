/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoded words are written here and not by GMime: its are longer than the 75 characters that RFC 2047 allows as soon
 * as a text has no spaces, and it leaves `=?` in plain text alone, which readers then take for a word of the sender's.
 *
 * A text is encoded whole or not at all. So white space is kept to the letter (between encoded words it does not count,
 * within them it does), and nothing but plain words with single spaces is ever folded.
 */
#include "field.h"

#include <string.h>
#include <unicode/utf8.h>

#define WORD_MAX 75                                   /* RFC 2047, 2 */
#define WORD_FRAME (strlen("=?utf-8?q?") + 2)         /* around what a word says */
#define QUOTED_MAX (FIELD_LINE - sizeof("List-Id: ")) /* so that it fits behind any name */

/* --- what may be written ------------------------------------------------------------------------------------------ */

static int is_control(UChar32 c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029;
}

static int is_bidi(UChar32 c)
{
    return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

enum field_flaw field_flaw(struct belfry_str text)
{
    enum field_flaw flaw = FIELD_CLEAN;
    for (size_t at = 0; at < text.len;) {
        UChar32 c;
        U8_NEXT((const uint8_t *)text.ptr, at, text.len, c);
        if (c < 0)
            return FIELD_NOT_UTF8;
        if (is_control(c))
            flaw = FIELD_CONTROL;
        else if (is_bidi(c) && flaw == FIELD_CLEAN)
            flaw = FIELD_BIDI;
    }
    return flaw;
}

/* A copy without bidi controls; NULL when the text may not be written. */
static GString *cleaned(struct belfry_str text)
{
    enum field_flaw flaw = field_flaw(text);
    if (flaw == FIELD_NOT_UTF8 || flaw == FIELD_CONTROL)
        return NULL;
    GString *out = g_string_sized_new(text.len + 1);
    for (size_t at = 0, next = 0; at < text.len; at = next) {
        UChar32 c;
        U8_NEXT_UNSAFE((const uint8_t *)text.ptr, next, c);
        if (!is_bidi(c))
            g_string_append_len(out, text.ptr + at, (gssize)(next - at));
    }
    return out;
}

/* --- lines -------------------------------------------------------------------------------------------------------- */

void field_init(struct field *f, const char *name)
{
    *f = (struct field){.value = g_string_sized_new(256), .column = strlen(name) + 1};
}

void field_fini(struct field *f)
{
    g_string_free(f->value, TRUE);
    f->value = NULL;
}

void field_fail(struct field *f, const char *fault)
{
    if (!f->fault)
        f->fault = fault;
}

/* The first token stays beside the name of the field: a line of white space alone confuses old readers. */
static void put(struct field *f, const char *token, size_t len)
{
    if (f->value->len && f->column + 1 + len > FIELD_LINE) {
        g_string_append_c(f->value, '\n');
        f->column = 0;
    }
    g_string_append_c(f->value, ' ');
    g_string_append_len(f->value, token, (gssize)len);
    f->column += 1 + len;
    if (f->column > FIELD_LINE_MAX)
        field_fail(f, "a line of the header would be longer than 998 characters");
}

void field_token(struct field *f, struct belfry_str text, enum field_frame frame, const char *fault)
{
    int bad = text.len == 0;
    for (size_t i = 0; i < text.len; i++)
        bad |= text.ptr[i] <= ' ' || text.ptr[i] > '~' || (frame != FIELD_BARE && strchr("<>", text.ptr[i]));
    if (bad) {
        field_fail(f, fault);
        return;
    }
    GString *token = g_string_new(frame == FIELD_BARE ? "" : "<");
    g_string_append_len(token, text.ptr, (gssize)text.len);
    if (frame != FIELD_BARE)
        g_string_append(token, frame == FIELD_ANGLE ? ">" : ">,");
    put(f, token->str, token->len);
    g_string_free(token, TRUE);
}

/* --- encoded words ------------------------------------------------------------------------------------------------ */

/* What Q leaves as it is everywhere, in a phrase too (RFC 2047, 5(3)); a space is `_`. */
static int is_q_plain(char c)
{
    return g_ascii_isalnum(c) || c == ' ' || (c && strchr("!*+-/", c));
}

static size_t q_length(const char *text, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        n += is_q_plain(text[i]) ? 1 : 3;
    return n;
}

static size_t b_length(size_t len)
{
    return (len + 2) / 3 * 4;
}

static void add_q(GString *word, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == ' ')
            g_string_append_c(word, '_');
        else if (is_q_plain(text[i]))
            g_string_append_c(word, text[i]);
        else
            g_string_append_printf(word, "=%02X", (unsigned char)text[i]);
    }
}

static void add_b(GString *word, const char *text, size_t len)
{
    gchar *base64 = g_base64_encode((const guchar *)text, len);
    g_string_append(word, base64);
    g_free(base64);
}

/* How many bytes of the text, whole characters, fit `room` when encoded. Base64 ends in padding only where the text
 * ends: some readers decode the words of a value as one and stop at the first. So it may be 0; Q never is, room
 * permitting. */
static size_t fitting(const char *text, size_t len, int b, size_t room)
{
    size_t fits = 0, next = 0;
    while (next < len) {
        U8_FWD_1_UNSAFE((const uint8_t *)text, next);
        if ((b ? b_length(next) : q_length(text, next)) > room)
            break;
        if (!b || next % 3 == 0 || next == len)
            fits = next;
    }
    return fits;
}

/* One encoded word in at most `room`; how many bytes of the text it says. */
static size_t put_word(struct field *f, const char *text, size_t len, int b, size_t room)
{
    size_t taken = fitting(text, len, b, room - WORD_FRAME);
    if (taken == 0)
        return put_word(f, text, len, 0, room);
    GString *word = g_string_new(b ? "=?utf-8?b?" : "=?utf-8?q?");
    (b ? add_b : add_q)(word, text, taken);
    g_string_append(word, "?=");
    put(f, word->str, word->len);
    g_string_free(word, TRUE);
    return taken;
}

/* The first word takes what the line of the name leaves it, the others a line each. Q where it costs little: people who
 * look at a source can read it. */
static void put_words(struct field *f, const char *text, size_t len)
{
    int b = b_length(len) * 4 < q_length(text, len) * 3;
    for (size_t at = 0; at < len;) {
        size_t room = f->value->len ? WORD_MAX : MIN(WORD_MAX, FIELD_LINE - 1 - f->column);
        at += put_word(f, text + at, len - at, b, room);
    }
}

/* --- text --------------------------------------------------------------------------------------------------------- */

static int is_ascii(const GString *text)
{
    for (size_t i = 0; i < text->len; i++)
        if (text->str[i] & 0x80)
            return 0;
    return 1;
}

/* Plain words that each fit a line, with nothing that a reader would take for an encoded word, and single spaces. */
static int is_plain(const struct field *f, const GString *text)
{
    size_t word = 0, room = FIELD_LINE - 1 - f->column;
    if (!is_ascii(text) || strstr(text->str, "=?"))
        return 0;
    for (size_t i = 0; i <= text->len; i++) {
        int space = i == text->len || text->str[i] == ' ';
        if ((space && word == 0) || (!space && ++word > room))
            return 0;
        if (space) {
            word = 0;
            room = FIELD_LINE - 1;
        }
    }
    return 1;
}

static void put_plain(struct field *f, const char *text)
{
    while (*text) {
        size_t len = strcspn(text, " ");
        put(f, text, len);
        text += len + (text[len] == ' ');
    }
}

void field_text(struct field *f, struct belfry_str text, const char *fault)
{
    GString *clean = cleaned(text);
    if (!clean)
        field_fail(f, fault);
    else if (is_plain(f, clean))
        put_plain(f, clean->str);
    else
        put_words(f, clean->str, clean->len);
    if (clean)
        g_string_free(clean, TRUE);
}

static GString *quoted(const GString *text)
{
    GString *out = g_string_new("\"");
    for (size_t i = 0; i < text->len; i++) {
        if (text->str[i] == '"' || text->str[i] == '\\')
            g_string_append_c(out, '\\');
        g_string_append_c(out, text->str[i]);
    }
    return g_string_append_c(out, '"');
}

void field_phrase(struct field *f, struct belfry_str text, const char *fault)
{
    GString *clean = cleaned(text);
    if (!clean) {
        field_fail(f, fault);
        return;
    }
    GString *quote = quoted(clean);
    if (is_ascii(clean) && quote->len <= QUOTED_MAX && !strstr(clean->str, "=?"))
        put(f, quote->str, quote->len);
    else
        put_words(f, clean->str, clean->len);
    g_string_free(quote, TRUE);
    g_string_free(clean, TRUE);
}
