/* SPDX-License-Identifier: Apache-2.0 */
/* One log line as text, in logfmt or JSON. For base/log.c and for what prints pairs in the same way. */
#ifndef BASE_LOG_LINE_H
#define BASE_LOG_LINE_H

#include "base/log.h"
#include "base/str.h"

struct log_line {
    struct buf text;
    enum log_format format;
    int pairs; /* members so far */
};

/* Starts a line on an empty struct; prefix (may be "") stands before everything else. Freed with log_line_free. [any]
 */
void log_line_begin(struct log_line *line, enum log_format format, const char *prefix);
/* One member. A bare value that is a JSON number is written as a number, everything else as text. */
void log_line_pair(struct log_line *line, struct belfry_str key, struct belfry_str value, int bare);
/* Members out of logfmt text (key=value, key="quoted value"), each checked and quoted anew. */
void log_line_pairs(struct log_line *line, struct belfry_str pairs);
/* Ends the line with a newline and returns it; valid until log_line_free. */
struct belfry_str log_line_end(struct log_line *line);
void log_line_free(struct log_line *line);
/* The longest prefix of at most max bytes that does not end within a code point. */
struct belfry_str log_cut(struct belfry_str s, size_t max);

#endif
