/* SPDX-License-Identifier: Apache-2.0 */
/* Text that grows, and JSON strings in it: what is made for each attempt, so no tree is built for it. Any thread. */
#ifndef WEBHOOK_TEXT_H
#define WEBHOOK_TEXT_H

#include <belfry/plugin.h>

/* Zeroed: empty. ptr is NUL-terminated once something was added, and freed with free(). */
struct text {
    char *ptr;
    size_t len, cap;
};

void text_add(struct text *t, const char *ptr, size_t len);
void text_addz(struct text *t, const char *z);
void text_number(struct text *t, int64_t number);
/* A JSON string, with its quotes. s is UTF-8. */
void text_string(struct text *t, struct belfry_str s);
/* Each byte but letters, digits and -._~ as %XX (RFC 3986 section 2.1). */
void text_encoded(struct text *t, struct belfry_str s);
struct belfry_str text_str(const struct text *t);

/* Whether the whole of it is well-formed UTF-8 (Unicode table 3-7). */
int text_is_utf8(struct belfry_str s);
/* The longest beginning of at most `most` bytes that does not end inside a character. */
struct belfry_str text_cut(struct belfry_str s, size_t most);
/* Names of headers and the like: equal but for the case of ASCII letters. */
int text_same(struct belfry_str a, const char *b);

#endif
