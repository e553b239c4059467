/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a byte of a text is for a reader: line and column in characters. Built once for each file; every question
 * after that takes logarithmic time, so that one line of a megabyte is no trap.
 */
#ifndef YAML_POSITION_H
#define YAML_POSITION_H

#include "base/str.h"

#include <stdint.h>

struct positions {
    struct belfry_str text; /* borrowed */
    uint32_t *line_begin;   /* byte at which each line begins */
    size_t line_count;      /* at least 1 */
    uint32_t *marks;        /* byte of every 16th character */
    size_t mark_count;
    uint32_t char_count;
};

/* Lines end with LF; a byte that is not part of well-formed UTF-8 counts as one character. text must stay. [any] */
void positions_init(struct positions *p, struct belfry_str text);
void positions_fini(struct positions *p);
/* Index of the line that holds a byte, from 0. */
size_t position_line(const struct positions *p, uint32_t byte);
/* Bytes of a line without its line break. */
struct belfry_str position_line_text(const struct positions *p, size_t line);
/* Characters before a byte. */
uint32_t position_char(const struct positions *p, uint32_t byte);
/* Byte of a character; the length of the text for one that is past the end. */
uint32_t position_byte(const struct positions *p, uint32_t character);

#endif
