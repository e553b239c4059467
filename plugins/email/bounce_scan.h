/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of headers and of reports: "Name: value", continued in lines that begin with a blank (RFC 5322, 2.2). Slices
 * point into what was given. Pure. [any] */
#ifndef EMAIL_BOUNCE_SCAN_H
#define EMAIL_BOUNCE_SCAN_H

#include "bounce.h"

/* Without blanks and line ends on both sides. */
struct belfry_str scan_trim(struct belfry_str s);
/* Without case. */
int scan_is(struct belfry_str s, const char *word);
/* What stands before the first separator, all of it when there is none; what stands behind it, empty when there is
 * none. Trimmed. */
struct belfry_str scan_before(struct belfry_str s, char separator);
struct belfry_str scan_behind(struct belfry_str s, char separator);
/* The next line, without its end. text is not empty and moves on. */
struct belfry_str scan_line(struct belfry_str *text);
/* The next field. 0 at an empty line, which is taken, and at the end. What is no field has an empty value. */
int scan_field(struct belfry_str *text, struct belfry_str *name, struct belfry_str *value);
/* One line of printable ASCII: runs of anything blank become one blank, everything else a question mark. */
void scan_copy(struct belfry_str from, char *out, size_t size);

#endif
