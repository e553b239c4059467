/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts that people see are cleaned once, when an event is emitted; everything later may rely on it. Nothing is
 * refused: a hostile or clumsy text is delivered clean.
 */
#include "event/event.h"

#include "base/str.h"

#define ELLIPSIS "\xe2\x80\xa6"
#define REPLACEMENT "\xef\xbf\xbd"

/* C0, C1, DEL and the separators that break lines in browsers. */
static int is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029;
}

/* Unicode's Bidi_Control: invisible, and able to make one text read as another. */
static int is_bidi(uint32_t c)
{
    return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* The common case: printable ASCII only, and short enough to keep whole. */
static int is_clean(struct belfry_str s, size_t max)
{
    if (s.len > max)
        return 0;
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < 0x20 || s.ptr[i] >= 0x7f)
            return 0;
    return 1;
}

struct cleaner {
    char *out;
    size_t len;
    size_t chars, cut; /* cut: where the text ends if it turns out too long */
};

static void put(struct cleaner *cleaner, const char *bytes, size_t len, size_t max)
{
    if (cleaner->chars == max - 1)
        cleaner->cut = cleaner->len;
    memcpy(cleaner->out + cleaner->len, bytes, len);
    cleaner->len += len;
    cleaner->chars++;
}

/* In a body LF stays, and CR LF is one LF. */
static int is_line_end(struct belfry_str s, size_t at, uint32_t c, int keep_lf)
{
    return keep_lf && (c == '\n' || (c == '\r' && at + 1 < s.len && s.ptr[at + 1] == '\n'));
}

static struct belfry_str clean(struct arena *arena, struct belfry_str s, size_t max, int keep_lf)
{
    if (is_clean(s, max))
        return arena_str(arena, s);
    /* U+FFFD has three bytes and stands for one; the ellipsis has three. No more than max characters are looked for. */
    size_t room = (s.len < max + 1 ? s.len : max + 1) * 4 + sizeof(ELLIPSIS);
    struct cleaner cleaner = {.out = arena_alloc(arena, room)};
    int in_run = 0;
    for (size_t pos = 0; pos < s.len && cleaner.chars <= max;) {
        size_t from = pos;
        uint32_t c = str_utf8_next(s, &pos);
        if (is_bidi(c))
            continue;
        if (is_line_end(s, from, c, keep_lf)) {
            if (c == '\n')
                put(&cleaner, "\n", 1, max);
            in_run = 0;
        } else if (is_control(c)) {
            if (!in_run)
                put(&cleaner, " ", 1, max);
            in_run = 1;
        } else {
            if (c == 0xfffd)
                put(&cleaner, REPLACEMENT, sizeof(REPLACEMENT) - 1, max);
            else
                put(&cleaner, s.ptr + from, pos - from, max);
            in_run = 0;
        }
    }
    if (cleaner.chars > max) {
        memcpy(cleaner.out + cleaner.cut, ELLIPSIS, sizeof(ELLIPSIS) - 1);
        cleaner.len = cleaner.cut + sizeof(ELLIPSIS) - 1;
    }
    cleaner.out[cleaner.len] = '\0';
    return str_slice(cleaner.out, cleaner.len);
}

struct belfry_str text_line(struct arena *arena, struct belfry_str s)
{
    return clean(arena, s, EVENT_LINE_MAX, 0);
}

int text_blank(struct belfry_str line)
{
    for (size_t i = 0; i < line.len; i++)
        if (line.ptr[i] != ' ')
            return 0;
    return 1;
}

struct belfry_str text_body(struct arena *arena, struct belfry_str s)
{
    return clean(arena, s, EVENT_BODY_MAX, 1);
}
