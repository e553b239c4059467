/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Diagnostics as text for people. A source line is drawn cell by cell, because what the caret points at is not where
 * its byte is: tabs and controls are drawn as one visible cell, wide characters take two, secrets are drawn as
 * <redacted>, and of a very long line only the part around the caret is drawn. Nothing of the input reaches the
 * terminal unchecked.
 */
#include "yaml/diag_set.h"
#include "yaml/width.h"

#define MAX_SHOWN 50
/* Cells of a source line that are drawn, and how many of them before the caret when the line is longer. */
#define MAX_CELLS 160
#define CELLS_BEFORE 60

#define REDACTED "<redacted>"

enum paint { PAINT_OFF, PAINT_BOLD, PAINT_ERROR, PAINT_WARNING, PAINT_NOTE, PAINT_GUTTER };

struct pen {
    struct diag_set *set;
    struct buf *out;
    int colour;
    int gutter; /* digits of the largest line number of this diagnostic */
};

static void paint(struct pen *pen, enum paint paint)
{
    static const char *const codes[] = {"\x1b[0m", "\x1b[1m", "\x1b[1;31m", "\x1b[1;33m", "\x1b[1;36m", "\x1b[34m"};
    if (pen->colour)
        buf_addz(pen->out, codes[paint]);
}

static enum paint severity_paint(enum diag_severity severity)
{
    static const enum paint paints[] = {PAINT_NOTE, PAINT_WARNING, PAINT_ERROR};
    return paints[severity];
}

const char *diag_severity_text(enum diag_severity severity)
{
    static const char *const texts[] = {"note", "warning", "error"};
    return texts[severity];
}

/* Messages hold text from files: controls become `?`. */
static void add_safe(struct buf *out, const char *z)
{
    struct belfry_str text = str_of(z);
    for (size_t at = 0; at < text.len;) {
        size_t begin = at;
        uint32_t c = str_utf8_next(text, &at);
        if (width_is_unsafe(c) || c == 0xFFFD)
            buf_addc(out, '?');
        else
            buf_add(out, text.ptr + begin, at - begin);
    }
}

/* --- a source line -------------------------------------------------------------------------------------------- */

/* The password of a URL (RFC 3986 section 3.2.1) from a byte before its host on: byte after the userinfo, or 0. */
static size_t userinfo_end(struct belfry_str line, size_t at)
{
    if (at < 3 || memcmp(line.ptr + at - 3, "://", 3) != 0)
        return 0;
    size_t colon = 0;
    for (size_t i = at; i < line.len && !strchr(" \t/?#\"'", line.ptr[i]); i++) {
        if (line.ptr[i] == ':' && !colon)
            colon = i;
        if (line.ptr[i] == '@')
            return colon ? i : 0;
    }
    return 0;
}

struct drawing {
    struct buf text;
    int cells;
    int caret, caret_end; /* cells; caret_end may lie past what is drawn */
};

static void draw(struct drawing *d, const char *text, size_t len, int cells)
{
    buf_add(&d->text, text, len);
    d->cells += cells;
}

static void draw_char(struct drawing *d, struct belfry_str line, size_t begin, size_t end, uint32_t c)
{
    if (c == '\t')
        draw(d, "\xE2\x86\x92", 3, 1); /* an arrow */
    else if (c == 0xA0 || c == 0x202F || c == 0x3000)
        draw(d, "\xC2\xB7", 2, 1); /* a middle dot */
    else if (width_is_unsafe(c) || c == 0xFFFD)
        draw(d, "\xEF\xBF\xBD", 3, 1);
    else
        draw(d, line.ptr + begin, end - begin, width_of(c));
}

/* Draws a line from byte `from` on; span in bytes of the line. */
static struct drawing draw_line(struct diag_set *set, uint32_t file, uint32_t first, struct belfry_str line,
                                size_t from, size_t span_begin, size_t span_end)
{
    struct drawing d = {.caret = -1, .caret_end = -1};
    if (from > 0)
        draw(&d, "...", 3, 3);
    for (size_t at = from; at < line.len && d.cells < MAX_CELLS;) {
        if (at >= span_begin && d.caret < 0)
            d.caret = d.cells;
        if (at >= span_end && d.caret_end < 0)
            d.caret_end = d.cells;
        size_t secret = diag_redacted_end(set, file, first + (uint32_t)at);
        size_t end = secret ? secret - first : userinfo_end(line, at);
        if (end) {
            end = end < line.len ? end : line.len;
            if (span_begin > at && span_begin < end && d.caret < 0)
                d.caret = d.cells;
            draw(&d, REDACTED, sizeof(REDACTED) - 1, sizeof(REDACTED) - 1);
            at = end;
            continue;
        }
        size_t begin = at;
        uint32_t c = str_utf8_next(line, &at);
        draw_char(&d, line, begin, at, c);
    }
    if (d.cells >= MAX_CELLS)
        buf_addz(&d.text, "...");
    d.caret = d.caret < 0 ? d.cells : d.caret;
    d.caret_end = d.caret_end < 0 ? d.cells : d.caret_end;
    if (d.caret_end <= d.caret)
        d.caret_end = d.caret + 1;
    return d;
}

/* Where to begin to draw a long line: at a character, and never inside a secret. */
static size_t window(struct diag_set *set, uint32_t file, uint32_t first, struct belfry_str line, size_t span)
{
    if (line.len <= MAX_CELLS || span <= CELLS_BEFORE)
        return 0;
    size_t from = span - CELLS_BEFORE;
    /* A word that began further left may be the rest of a secret: begin at its start or after it. */
    size_t word = from;
    while (word > 0 && from - word < 1000 && line.ptr[word - 1] != ' ')
        word--;
    for (size_t at = word; at < from; at++) {
        uint32_t secret = diag_redacted_end(set, file, first + (uint32_t)at);
        size_t end = secret ? secret - first : userinfo_end(line, at);
        if (end > from)
            return at;
    }
    if (diag_redacted_end(set, file, first + (uint32_t)from))
        while (from > 0 && diag_redacted_end(set, file, first + (uint32_t)from - 1))
            from--;
    while (from > 0 && ((unsigned char)line.ptr[from] & 0xC0) == 0x80)
        from--;
    return from;
}

static void gutter(struct pen *pen, uint32_t line)
{
    paint(pen, PAINT_GUTTER);
    if (line)
        buf_addf(pen->out, "%*u |", pen->gutter, line);
    else
        buf_addf(pen->out, "%*s |", pen->gutter, "");
    paint(pen, PAINT_OFF);
}

static void add_line(struct pen *pen, struct diag_span span, char mark, enum paint colour, const char *label)
{
    const struct positions *p = diag_positions(pen->set, span.file);
    struct belfry_str line = position_line_text(p, span.line - 1);
    uint32_t first = p->line_begin[span.line - 1];
    if (span.line == 1 && str_has_prefix(line, STR("\xEF\xBB\xBF"))) {
        line = str_slice(line.ptr + 3, line.len - 3);
        first += 3;
    }
    size_t begin = span.begin > first ? span.begin - first : 0, end = span.end > first ? span.end - first : 0;
    size_t from = window(pen->set, span.file, first, line, begin < line.len ? begin : line.len);
    struct drawing d = draw_line(pen->set, span.file, first, line, from, begin, end < line.len ? end : line.len);
    gutter(pen, span.line);
    if (d.text.len)
        buf_addc(pen->out, ' ');
    buf_adds(pen->out, buf_str(&d.text));
    buf_addc(pen->out, '\n');
    gutter(pen, 0);
    buf_addc(pen->out, ' ');
    for (int i = 0; i < d.caret; i++)
        buf_addc(pen->out, ' ');
    paint(pen, colour);
    for (int i = d.caret; i < d.caret_end; i++)
        buf_addc(pen->out, mark);
    if (label) {
        buf_addc(pen->out, ' ');
        add_safe(pen->out, label);
    }
    paint(pen, PAINT_OFF);
    buf_addc(pen->out, '\n');
    buf_free(&d.text);
}

/* --- a diagnostic ---------------------------------------------------------------------------------------------- */

static int has_line(const struct diag_set *set, struct diag_span span)
{
    return span.file < set->file_count && span.line > 0 && span.line <= set->files[span.file].positions.line_count;
}

static int digits(uint32_t n)
{
    int count = 1;
    while (n >= 10) {
        n /= 10;
        count++;
    }
    return count;
}

static void add_place(struct pen *pen, struct diag_span span)
{
    const char *name = diag_file_name(pen->set, span.file);
    if (name)
        add_safe(pen->out, name);
    if (name && has_line(pen->set, span))
        buf_addf(pen->out, ":%u:%u", span.line, span.col);
}

static void add_related(struct pen *pen, const struct diag_related *related)
{
    if (!has_line(pen->set, related->span))
        return;
    buf_addf(pen->out, "%*s ::: ", pen->gutter, "");
    add_place(pen, related->span);
    buf_addc(pen->out, '\n');
    add_line(pen, related->span, '-', PAINT_GUTTER, related->label);
}

static void add_diag(struct pen *pen, const struct diag *d)
{
    int located = has_line(pen->set, d->span);
    pen->gutter = located ? digits(d->span.line) : 1;
    for (const struct diag_related *r = d->related; r; r = r->next) {
        if (has_line(pen->set, r->span) && digits(r->span.line) > pen->gutter)
            pen->gutter = digits(r->span.line);
    }
    paint(pen, PAINT_BOLD);
    add_place(pen, d->span);
    paint(pen, PAINT_OFF);
    if (diag_file_name(pen->set, d->span.file))
        buf_addz(pen->out, ": ");
    paint(pen, severity_paint(d->severity));
    buf_addf(pen->out, "%s[%s]: ", diag_severity_text(d->severity), d->code);
    paint(pen, PAINT_OFF);
    add_safe(pen->out, d->message);
    buf_addc(pen->out, '\n');
    if (located) {
        gutter(pen, 0);
        buf_addc(pen->out, '\n');
        add_line(pen, d->span, '^', severity_paint(d->severity), d->label);
    }
    for (const struct diag_related *r = d->related; r; r = r->next)
        add_related(pen, r);
    if (d->help) {
        buf_addf(pen->out, "%*s = help: ", pen->gutter, "");
        add_safe(pen->out, d->help);
        buf_addc(pen->out, '\n');
    }
}

/* --- all of them ------------------------------------------------------------------------------------------------ */

static void add_count(struct buf *out, size_t n, const char *what, int *any)
{
    if (n == 0)
        return;
    buf_addf(out, "%s%zu %s%s", *any ? ", " : "", n, what, n == 1 ? "" : "s");
    *any = 1;
}

static void add_summary(struct diag_set *set, struct buf *out)
{
    int any = 0;
    add_count(out, diag_count(set, DIAG_ERROR), "error", &any);
    add_count(out, diag_count(set, DIAG_WARNING), "warning", &any);
    add_count(out, diag_count(set, DIAG_NOTE), "note", &any);
    size_t files = diag_files(set);
    buf_addf(out, "%s in %zu file%s\n", any ? "" : "no errors", files, files == 1 ? "" : "s");
}

/* Errors are shown before notes and warnings take the room; the order stays that of the files. */
void diag_render_text(struct diag_set *set, struct buf *out, int colour)
{
    struct pen pen = {set, out, colour, 1};
    size_t total = diag_total(set), errors = diag_count(set, DIAG_ERROR), shown = 0;
    size_t error_room = errors < MAX_SHOWN ? errors : MAX_SHOWN, other_room = MAX_SHOWN - error_room;
    for (size_t i = 0; i < total; i++) {
        const struct diag *d = diag_get(set, i);
        size_t *room = d->severity == DIAG_ERROR ? &error_room : &other_room;
        if (*room == 0)
            continue;
        (*room)--;
        shown++;
        add_diag(&pen, d);
    }
    if (shown < total)
        buf_addf(out, "and %zu more\n", total - shown);
    add_summary(set, out);
}
