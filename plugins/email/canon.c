/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run of white space is one space once something follows it, and nothing at the end of a line. So the reader keeps
 * what it owes (a space, empty lines) and pays when the next character comes; nothing is ever taken back.
 *
 * Lines end with CRLF. A lone CR or LF is a character like any other, as it is for those who verify.
 */
#include "canon.h"

#include <string.h>

static int is_white(char c)
{
    return c == ' ' || c == '\t';
}

static int is_break(struct belfry_str text, size_t at)
{
    return at + 1 < text.len && text.ptr[at] == '\r' && text.ptr[at + 1] == '\n';
}

/* Behind the CRLF of the line that begins at `at`. */
static size_t next_line(struct belfry_str text, size_t at)
{
    const char *cr;
    for (; (cr = memchr(text.ptr + at, '\r', text.len - at)); at++) {
        at = (size_t)(cr - text.ptr);
        if (is_break(text, at))
            return at + 2;
    }
    return text.len;
}

static struct belfry_str cut(struct belfry_str text, size_t from, size_t to)
{
    return (struct belfry_str){text.ptr + from, to - from};
}

void canon_split(struct belfry_str message, struct belfry_str *header, struct belfry_str *body)
{
    size_t at = 0;
    while (at < message.len && !is_break(message, at))
        at = next_line(message, at);
    *header = cut(message, 0, at);
    *body = cut(message, at < message.len ? at + 2 : at, message.len);
}

/* --- fields ------------------------------------------------------------------------------------------------------- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Obsolete syntax allows white space before the colon. */
static int is_named(struct belfry_str field, const char *name)
{
    size_t i = 0;
    for (; name[i]; i++)
        if (i == field.len || lower(field.ptr[i]) != lower(name[i]))
            return 0;
    while (i < field.len && is_white(field.ptr[i]))
        i++;
    return i < field.len && field.ptr[i] == ':';
}

static size_t field_end(struct belfry_str header, size_t at)
{
    do
        at = next_line(header, at);
    while (at < header.len && is_white(header.ptr[at]));
    return at;
}

size_t canon_count(struct belfry_str header, const char *name)
{
    size_t n = 0;
    for (size_t at = 0; at < header.len; at = field_end(header, at))
        n += (size_t)is_named(cut(header, at, header.len), name);
    return n;
}

struct belfry_str canon_field(struct belfry_str header, const char *name, size_t nth)
{
    size_t left = canon_count(header, name), end;
    for (size_t at = 0; at < header.len && nth < left; at = end) {
        end = field_end(header, at);
        if (is_named(cut(header, at, header.len), name) && --left == nth)
            return cut(header, at, end);
    }
    return (struct belfry_str){NULL, 0};
}

/* --- what is hashed ----------------------------------------------------------------------------------------------- */

/* Small pieces are gathered: a digest call costs more than the byte it takes. */
struct sink {
    EVP_MD_CTX *digest;
    size_t have;
    int good;
    char bytes[512];
};

static void flush(struct sink *s)
{
    s->good &= EVP_DigestUpdate(s->digest, s->bytes, s->have);
    s->have = 0;
}

static void add(struct sink *s, char c)
{
    if (s->have == sizeof(s->bytes))
        flush(s);
    s->bytes[s->have++] = c;
}

static void add_break(struct sink *s)
{
    add(s, '\r');
    add(s, '\n');
}

int canon_add_field(EVP_MD_CTX *digest, struct belfry_str field, int ended)
{
    struct sink s = {.digest = digest, .good = 1};
    int in_name = 1, owed = 0, fresh = 0; /* fresh: nothing of the value yet */
    for (size_t i = 0; i < field.len; i++) {
        char c = field.ptr[i];
        if (is_break(field, i)) {
            i++;
        } else if (is_white(c)) {
            owed = 1;
        } else if (in_name && c == ':') {
            add(&s, c);
            in_name = owed = 0;
            fresh = 1;
        } else {
            if (owed && !fresh)
                add(&s, ' ');
            add(&s, in_name ? lower(c) : c);
            owed = fresh = 0;
        }
    }
    if (ended)
        add_break(&s);
    flush(&s);
    return s.good;
}

int canon_add_body(EVP_MD_CTX *digest, struct belfry_str body)
{
    struct sink s = {.digest = digest, .good = 1};
    size_t breaks = 0; /* owed, and written when something follows them */
    int space = 0, any = 0;
    for (size_t i = 0; i < body.len; i++) {
        char c = body.ptr[i];
        if (is_break(body, i)) {
            breaks++;
            space = 0;
            i++;
        } else if (is_white(c)) {
            space = 1;
        } else {
            for (; breaks; breaks--)
                add_break(&s);
            if (space)
                add(&s, ' ');
            add(&s, c);
            space = 0;
            any = 1;
        }
    }
    if (any)
        add_break(&s);
    flush(&s);
    return s.good;
}
