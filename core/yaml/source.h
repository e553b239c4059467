/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of one file as the parser gets it: checked byte by byte for what libyaml would stop at or swallow, with the
 * same number of characters and bytes as the original, so that places need no translation.
 */
#ifndef YAML_SOURCE_H
#define YAML_SOURCE_H

#include "yaml/diag.h"
#include "yaml/position.h"

enum line_flag {
    LINE_FAULTY = 1, /* a fault of this line has been reported: what the parser says about it is no news */
    LINE_BLOCK = 2,  /* inside a block scalar: no structure here */
    LINE_INDENT = 4, /* indented with something other than spaces */
    LINE_EMPTY = 8,  /* nothing but blanks or a comment */
    LINE_KEY = 16,   /* begins with what looks like a key of a map */
    LINE_ITEM = 32,  /* begins with the dash of a list item */
};

struct source {
    struct diag_set *diags;
    uint32_t file;
    const struct positions *positions;
    struct belfry_str original;
    char *text; /* malloced, original.len bytes; forbidden characters replaced by printable ones of the same length */
    uint32_t begin;   /* after a byte order mark */
    uint8_t *flags;   /* of each line */
    uint32_t *indent; /* of each line: leading spaces */
};

/* Reads and checks a file of the set. 1, or 0 when there is nothing to parse (reported). source_fini in both cases. */
int source_init(struct source *s, struct diag_set *diags, uint32_t file);
void source_fini(struct source *s);

/* Line index of a byte. */
size_t source_line(const struct source *s, uint32_t byte);
/* End of the value that begins at a byte, on the same line: without trailing blanks and comment. */
uint32_t source_value_end(const struct source *s, uint32_t begin);
struct diag_span source_span(const struct source *s, uint32_t begin, uint32_t end);

#endif
