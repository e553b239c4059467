/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One header field (RFC 5322, 2.2) while it is written: its value is tokens with a space between them, folded before a
 * line grows over 78 characters and never inside of a token. Text outside of ASCII becomes encoded words (RFC 2047).
 * What could break a header is refused; the first fault stays and the field is worth nothing then. [any]
 */
#ifndef EMAIL_FIELD_H
#define EMAIL_FIELD_H

#include <belfry/plugin.h>

#include <gmime/gmime.h>

#define FIELD_LINE 78      /* RFC 5322, 2.1.1: what a line should not exceed */
#define FIELD_LINE_MAX 998 /* and what it must not */

/* What may not stand in a text of a header. Bidi controls break nothing, but let a name or subject pose as another. */
enum field_flaw { FIELD_CLEAN, FIELD_NOT_UTF8, FIELD_CONTROL, FIELD_BIDI };
/* The gravest that is in text, in the order above, FIELD_BIDI last: NUL, C0, DEL, C1, U+2028 and U+2029 are controls,
 * so are CR, LF and TAB. */
enum field_flaw field_flaw(struct belfry_str text);

struct field {
    GString *out;      /* borrowed: the header that is written, with CRLF */
    size_t column;     /* of the line that is written */
    int begun;         /* has a token */
    const char *fault; /* static; NULL: none so far */
};

/* Begins a field behind what is in out; field_end() ends its last line. */
void field_begin(struct field *f, GString *out, const char *name);
void field_end(struct field *f);

void field_fail(struct field *f, const char *fault);
/* A mark and two hexadecimal digits, as `=C3`, for who encodes. */
void field_add_hex(GString *out, char mark, char byte);
/* A token as it is: printable ASCII without spaces, else fault; between angle brackets none of these either. */
enum field_frame { FIELD_BARE, FIELD_ANGLE, FIELD_ANGLE_COMMA }; /* x, <x>, and <x>, with more to come */
void field_token(struct field *f, struct belfry_str text, enum field_frame frame, const char *fault);
/* Unstructured text (RFC 5322, 2.2.1), as a subject is; bidi controls are left out. */
void field_text(struct field *f, struct belfry_str text, const char *fault);
/* A display name (RFC 5322, 3.2.5): a quoted string when it is short ASCII; bidi controls are left out. */
void field_phrase(struct field *f, struct belfry_str text, const char *fault);

#endif
