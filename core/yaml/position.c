/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two sorted tables: the first byte of each line, and the byte of every 16th character. A text of ASCII needs no walk
 * at all, any other at most 16 steps. libyaml counts characters, everything else counts bytes.
 */
#include "yaml/position.h"

#include "base/mem.h"

#include <stdlib.h>

#define MARK_STEP 16

void positions_init(struct positions *p, struct belfry_str text)
{
    size_t lines = 1, chars = 0;
    for (size_t at = 0; at < text.len; chars++) {
        lines += text.ptr[at] == '\n';
        str_utf8_next(text, &at);
    }
    *p = (struct positions){.text = text, .char_count = (uint32_t)chars};
    p->line_begin = xcalloc(lines, sizeof(*p->line_begin));
    p->marks = xcalloc(chars / MARK_STEP + 1, sizeof(*p->marks));
    p->line_count = 1;
    size_t index = 0;
    for (size_t at = 0; at < text.len; index++) {
        if (index % MARK_STEP == 0)
            p->marks[p->mark_count++] = (uint32_t)at;
        if (text.ptr[at] == '\n')
            p->line_begin[p->line_count++] = (uint32_t)at + 1;
        str_utf8_next(text, &at);
    }
}

void positions_fini(struct positions *p)
{
    free(p->line_begin);
    free(p->marks);
    *p = (struct positions){0};
}

/* Index of the last entry that is <= value; the first entry is 0. */
static size_t find_last(const uint32_t *table, size_t count, uint32_t value)
{
    size_t low = 0, high = count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (table[middle] <= value)
            low = middle;
        else
            high = middle;
    }
    return low;
}

size_t position_line(const struct positions *p, uint32_t byte)
{
    return find_last(p->line_begin, p->line_count, byte);
}

struct belfry_str position_line_text(const struct positions *p, size_t line)
{
    if (line >= p->line_count)
        return str_slice("", 0);
    uint32_t begin = p->line_begin[line];
    size_t end = line + 1 < p->line_count ? p->line_begin[line + 1] - 1 : p->text.len;
    if (end > begin && p->text.ptr[end - 1] == '\r')
        end--;
    return str_slice(p->text.ptr + begin, end - begin);
}

static int is_ascii(const struct positions *p)
{
    return p->char_count == p->text.len;
}

uint32_t position_char(const struct positions *p, uint32_t byte)
{
    if (byte > p->text.len)
        byte = (uint32_t)p->text.len;
    if (is_ascii(p) || p->mark_count == 0)
        return byte;
    size_t mark = find_last(p->marks, p->mark_count, byte);
    uint32_t index = (uint32_t)mark * MARK_STEP;
    for (size_t at = p->marks[mark]; at < byte; index++)
        str_utf8_next(p->text, &at);
    return index;
}

uint32_t position_byte(const struct positions *p, uint32_t character)
{
    if (character >= p->char_count)
        return (uint32_t)p->text.len;
    if (is_ascii(p))
        return character;
    size_t at = p->marks[character / MARK_STEP];
    for (uint32_t index = character % MARK_STEP; index > 0; index--)
        str_utf8_next(p->text, &at);
    return (uint32_t)at;
}
