/* SPDX-License-Identifier: Apache-2.0 */
/* Strings: borrowed slices (struct belfry_str) and a growing buffer. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <belfry/plugin.h>
#include <stdarg.h>
#include <string.h>

/* A slice of a string literal. */
#define STR(literal) ((struct belfry_str){(literal), sizeof(literal) - 1})
/* For printf's "%.*s". */
#define STR_ARG(s) (int)(s).len, (s).ptr ? (s).ptr : ""

static inline struct belfry_str str_of(const char *z)
{
    return (struct belfry_str){z, z ? strlen(z) : 0};
}
static inline struct belfry_str str_slice(const char *ptr, size_t len)
{
    return (struct belfry_str){ptr, len};
}
static inline int str_eq(struct belfry_str a, struct belfry_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
static inline int str_eqz(struct belfry_str a, const char *z)
{
    return str_eq(a, str_of(z));
}
/* 1 when the primary subtag of a language tag (BCP 47: without regard to case) is `language`. */
int str_is_language(struct belfry_str tag, const char *language);
/* 1 when one of the list is s. */
int str_among(struct belfry_str s, const struct belfry_strs *list);
int str_cmp(struct belfry_str a, struct belfry_str b);
int str_has_prefix(struct belfry_str s, struct belfry_str prefix);
int str_has_suffix(struct belfry_str s, struct belfry_str suffix);
/* Cuts at the first `sep`: returns what is before, *rest what is after (empty with NULL ptr when no sep was found). */
struct belfry_str str_cut(struct belfry_str s, char sep, struct belfry_str *rest);
struct belfry_str str_trim(struct belfry_str s);

/* 1 when s is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, up to U+10FFFF). [any] */
int str_utf8_valid(struct belfry_str s);
/* Decodes one code point at *pos and advances; U+FFFD and one byte for what is malformed. */
uint32_t str_utf8_next(struct belfry_str s, size_t *pos);

/* Whole-string decimal. 0 or BELFRY_EINVAL (also on overflow). */
belfry_status str_to_i64(struct belfry_str s, int64_t *out);
/* One of: sign, digits, fraction, exponent; locale-independent. */
belfry_status str_to_double(struct belfry_str s, double *out);

/* A growing buffer; always NUL-terminated when ptr is not NULL. Zeroed is empty. */
struct buf {
    char *ptr;
    size_t len, cap;
};

void buf_add(struct buf *b, const void *data, size_t len);
void buf_addz(struct buf *b, const char *z);
void buf_adds(struct buf *b, struct belfry_str s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vaddf(struct buf *b, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
/* Decimal digits. */
void buf_add_i64(struct buf *b, int64_t value);
/* The fewest digits that read back as the same number (17 always do, IEEE 754), in the form of printf's %g: "2", "0.1",
 * "1e+300"; "NaN", "+Inf", "-Inf". Locale-independent. */
void buf_add_double(struct buf *b, double value);
/* Room for `need` more bytes; returns where they go. The caller adds to len. */
char *buf_reserve(struct buf *b, size_t need);
/* Takes the memory: the buffer is empty, the caller frees. Never NULL. */
char *buf_steal(struct buf *b);
void buf_clear(struct buf *b); /* keeps the memory */
void buf_free(struct buf *b);
static inline struct belfry_str buf_str(const struct buf *b)
{
    return (struct belfry_str){b->ptr, b->len};
}

/* Optimal string alignment distance (Damerau-Levenshtein without repeats), bytes. [any] */
size_t str_distance(struct belfry_str a, struct belfry_str b);
/* The candidate nearest to `word` with distance <= max(1, len/3); else the only one that begins with it, or that it
 * begins with, three letters or more; or NULL. [any] */
const char *str_nearest(struct belfry_str word, const char *const *candidates, size_t count);

#endif
