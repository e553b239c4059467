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
        if (text.ptr[at] >= ' ' && text.ptr[at] <= '~') { /* nearly all of a body */
            at++;
            continue;
        }
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

/* Without bidi controls, in `copy` when there are any. 0 when the text may not be written. */
static int clean(struct belfry_str *text, GString **copy)
{
    enum field_flaw flaw = field_flaw(*text);
    *copy = NULL;
    if (flaw != FIELD_BIDI)
        return flaw == FIELD_CLEAN;
    *copy = g_string_sized_new(text->len);
    for (size_t at = 0, next = 0; at < text->len; at = next) {
        UChar32 c;
        U8_NEXT_UNSAFE((const uint8_t *)text->ptr, next, c);
        if (!is_bidi(c))
            g_string_append_len(*copy, text->ptr + at, (gssize)(next - at));
    }
    *text = (struct belfry_str){(*copy)->str, (*copy)->len};
    return 1;
}

static void clean_up(GString *copy)
{
    if (copy)
        g_string_free(copy, TRUE);
}

/* --- lines -------------------------------------------------------------------------------------------------------- */

void field_begin(struct field *f, GString *out, const char *name)
{
    *f = (struct field){.out = out, .column = strlen(name) + 1};
    g_string_append(out, name);
    g_string_append_c(out, ':');
}

void field_end(struct field *f)
{
    g_string_append_len(f->out, "\r\n", 2);
}

void field_fail(struct field *f, const char *fault)
{
    if (!f->fault)
        f->fault = fault;
}

/* Room for a token of len bytes, which the caller appends. The first stays beside the name of the field: a line of
 * white space alone confuses old readers. */
static void begin_token(struct field *f, size_t len)
{
    if (f->begun && f->column + 1 + len > FIELD_LINE) {
        g_string_append_len(f->out, "\r\n", 2);
        f->column = 0;
    }
    g_string_append_c(f->out, ' ');
    f->column += 1 + len;
    f->begun = 1;
    if (f->column > FIELD_LINE_MAX)
        field_fail(f, "a line of the header would be longer than 998 characters");
}

void field_token(struct field *f, struct belfry_str text, enum field_frame frame, const char *fault)
{
    static const struct {
        const char *before, *behind;
    } frames[] = {[FIELD_BARE] = {"", ""}, [FIELD_ANGLE] = {"<", ">"}, [FIELD_ANGLE_COMMA] = {"<", ">,"}};
    int bad = text.len == 0;
    for (size_t i = 0; i < text.len; i++)
        bad |= text.ptr[i] <= ' ' || text.ptr[i] > '~' || (frame != FIELD_BARE && strchr("<>", text.ptr[i]));
    if (bad) {
        field_fail(f, fault);
        return;
    }
    begin_token(f, strlen(frames[frame].before) + text.len + strlen(frames[frame].behind));
    g_string_append(f->out, frames[frame].before);
    g_string_append_len(f->out, text.ptr, (gssize)text.len);
    g_string_append(f->out, frames[frame].behind);
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

void field_add_hex(GString *out, char mark, char byte)
{
    static const char digits[] = "0123456789ABCDEF";
    const char hex[] = {mark, digits[(byte >> 4) & 15], digits[byte & 15]};
    g_string_append_len(out, hex, sizeof(hex));
}

static void add_q(GString *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == ' ')
            g_string_append_c(out, '_');
        else if (is_q_plain(text[i]))
            g_string_append_c(out, text[i]);
        else
            field_add_hex(out, '=', text[i]);
    }
}

static void add_b(GString *out, const char *text, size_t len)
{
    gchar *base64 = g_base64_encode((const guchar *)text, len);
    g_string_append(out, base64);
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
    begin_token(f, WORD_FRAME + (b ? b_length(taken) : q_length(text, taken)));
    g_string_append(f->out, b ? "=?utf-8?b?" : "=?utf-8?q?");
    (b ? add_b : add_q)(f->out, text, taken);
    g_string_append_len(f->out, "?=", 2);
    return taken;
}

/* The first word takes what the line of the name leaves it, the others a line each. Q where it costs little: people who
 * look at a source can read it. */
static void put_words(struct field *f, struct belfry_str text)
{
    int b = b_length(text.len) * 4 < q_length(text.ptr, text.len) * 3;
    for (size_t at = 0; at < text.len;) {
        size_t room = f->begun ? WORD_MAX : MIN(WORD_MAX, FIELD_LINE - 1 - f->column);
        at += put_word(f, text.ptr + at, text.len - at, b, room);
    }
}

/* --- text --------------------------------------------------------------------------------------------------------- */

/* ASCII in which no reader would take anything for an encoded word. */
static int is_ascii(struct belfry_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((text.ptr[i] & 0x80) || (text.ptr[i] == '=' && i + 1 < text.len && text.ptr[i + 1] == '?'))
            return 0;
    return 1;
}

/* Words that each fit a line, with single spaces between. */
static int is_plain(const struct field *f, struct belfry_str text)
{
    size_t word = 0, room = FIELD_LINE - 1 - f->column;
    for (size_t i = 0; i <= text.len; i++) {
        int space = i == text.len || text.ptr[i] == ' ';
        if ((space && word == 0) || (!space && ++word > room))
            return 0;
        if (space) {
            word = 0;
            room = FIELD_LINE - 1;
        }
    }
    return is_ascii(text);
}

static void put_plain(struct field *f, struct belfry_str text)
{
    for (size_t at = 0, len; at < text.len; at += len + 1) {
        const char *space = memchr(text.ptr + at, ' ', text.len - at);
        len = space ? (size_t)(space - text.ptr) - at : text.len - at;
        begin_token(f, len);
        g_string_append_len(f->out, text.ptr + at, (gssize)len);
    }
}

void field_text(struct field *f, struct belfry_str text, const char *fault)
{
    GString *copy;
    if (!clean(&text, &copy))
        field_fail(f, fault);
    else if (is_plain(f, text))
        put_plain(f, text);
    else
        put_words(f, text);
    clean_up(copy);
}

static int is_escaped(char c)
{
    return c == '"' || c == '\\';
}

static size_t quoted_length(struct belfry_str text)
{
    size_t n = text.len + 2;
    for (size_t i = 0; i < text.len; i++)
        n += (size_t)is_escaped(text.ptr[i]);
    return n;
}

static void put_quoted(struct field *f, struct belfry_str text)
{
    begin_token(f, quoted_length(text));
    g_string_append_c(f->out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (is_escaped(text.ptr[i]))
            g_string_append_c(f->out, '\\');
        g_string_append_c(f->out, text.ptr[i]);
    }
    g_string_append_c(f->out, '"');
}

void field_phrase(struct field *f, struct belfry_str text, const char *fault)
{
    GString *copy;
    if (!clean(&text, &copy))
        field_fail(f, fault);
    else if (is_ascii(text) && quoted_length(text) <= QUOTED_MAX)
        put_quoted(f, text);
    else
        put_words(f, text);
    clean_up(copy);
}
