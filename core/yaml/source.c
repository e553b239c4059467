/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scan before parsing. libyaml gives up at the first bad byte of a 16 KiB chunk and takes a tab or a no-break space
 * for all sorts of things, so these are found here, on every line at once. Tabs are legal inside a block scalar,
 * therefore the scan follows `|` and `>`; it needs no other grammar.
 */
#include "yaml/source.h"

#include "base/mem.h"

#include <stdlib.h>

#define MAX_SIZE (1024u * 1024u)
/* Reports of one kind in one file; more of the same helps nobody. */
#define MAX_REPORTS 100

#define NO_BREAK_SPACE 0xA0u

size_t source_line(const struct source *s, uint32_t byte)
{
    return position_line(s->positions, byte);
}

struct diag_span source_span(const struct source *s, uint32_t begin, uint32_t end)
{
    return diag_span_at(s->diags, s->file, begin, end);
}

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static int is_word_end(struct belfry_str text, size_t at)
{
    return at >= text.len || is_blank(text.ptr[at]);
}

/* Byte after a quoted word, or 0 when it is not closed on this line. */
static size_t skip_quoted(struct belfry_str text, size_t at)
{
    char quote = text.ptr[at++];
    for (; at < text.len; at++) {
        if (quote == '"' && text.ptr[at] == '\\')
            at++;
        else if (text.ptr[at] == quote)
            return at + 1;
    }
    return 0;
}

/* Does a line hold `key:` from a byte on? */
static int is_key(struct belfry_str text, size_t at)
{
    if (at >= text.len || strchr("#-?|>@%&*!{}[],:`", text.ptr[at]))
        return 0;
    if (text.ptr[at] == '"' || text.ptr[at] == '\'') {
        at = skip_quoted(text, at);
        if (at == 0)
            return 0;
        while (at < text.len && is_blank(text.ptr[at]))
            at++;
        return at < text.len && text.ptr[at] == ':' && is_word_end(text, at + 1);
    }
    for (; at < text.len; at++) {
        if (text.ptr[at] == ':' && is_word_end(text, at + 1))
            return 1;
        if (text.ptr[at] == '#' && is_blank(text.ptr[at - 1]))
            return 0;
    }
    return 0;
}

uint32_t source_value_end(const struct source *s, uint32_t begin)
{
    size_t line = source_line(s, begin);
    struct belfry_str text = position_line_text(s->positions, line);
    uint32_t first = s->positions->line_begin[line];
    size_t from = begin - first, end = from;
    while (end < text.len && !(text.ptr[end] == '#' && end > from && is_blank(text.ptr[end - 1])))
        end++;
    while (end > from && is_blank(text.ptr[end - 1]))
        end--;
    return first + (uint32_t)end;
}

/* --- encoding ----------------------------------------------------------------------------------------------- */

/* What libyaml's reader accepts (YAML 1.1 section 5.1). */
static int is_allowed(uint32_t c)
{
    return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c <= 0x7E) || c == 0x85 || (c >= 0xA0 && c <= 0xD7FF) ||
           (c >= 0xE000 && c <= 0xFFFD && c != 0xFEFF) || c >= 0x10000;
}

static void report_byte(struct source *s, uint32_t at)
{
    unsigned byte = (unsigned char)s->original.ptr[at];
    struct diag_span span = source_span(s, at, at + 1);
    if (byte == 0) {
        diag_add(s->diags, "H004", DIAG_ERROR, span, "NUL byte: this is not a text file");
        return;
    }
    struct diag *d = diag_add(s->diags, "H004", DIAG_ERROR, span, "byte 0x%02X is not UTF-8", byte);
    if (byte >= 0xA0)
        diag_help(s->diags, d, "in Latin-1 this byte is `%c%c`; save the file as UTF-8", 0xC0 | (int)(byte >> 6),
                  0x80 | (int)(byte & 0x3F));
}

/* Overwrites a character with one that is allowed and has as many bytes. */
static void replace(struct source *s, size_t at, size_t len)
{
    static const char *const stand_in[] = {"?", "\xC2\xBF", "\xEF\xBF\xBD"};
    if (len >= 1 && len <= 3)
        memcpy(s->text + at, stand_in[len - 1], len);
}

/* Reports once a line, replaces everywhere. */
static void check_characters(struct source *s)
{
    size_t reports = 0;
    for (size_t at = s->begin; at < s->original.len;) {
        size_t begin = at;
        unsigned char first = (unsigned char)s->original.ptr[at];
        if (first >= 0x20 && first < 0x7F) {
            at++;
            continue;
        }
        uint32_t c = str_utf8_next(s->original, &at);
        int broken = c == 0 || (c == 0xFFFD && at == begin + 1);
        if (!broken && is_allowed(c))
            continue;
        replace(s, begin, at - begin);
        size_t line = source_line(s, (uint32_t)begin);
        if (s->flags[line] & LINE_FAULTY || reports == MAX_REPORTS)
            continue;
        s->flags[line] |= LINE_FAULTY;
        reports++;
        if (broken)
            report_byte(s, (uint32_t)begin);
        else
            diag_add(s->diags, "H003", DIAG_ERROR, source_span(s, (uint32_t)begin, (uint32_t)at),
                     "control character U+%04X", (unsigned)c);
    }
}

/* --- indentation -------------------------------------------------------------------------------------------- */

/* Spaces that are not the ASCII one. */
static int is_odd_space(uint32_t c)
{
    return c == NO_BREAK_SPACE || c == 0x1680 || (c >= 0x2000 && c <= 0x200B) || c == 0x202F || c == 0x205F ||
           c == 0x2060 || c == 0x3000;
}

/* What stands before the content of a line: blanks of any sort and the dashes of list items. */
struct lead {
    uint32_t end;          /* byte of the line at which the content begins */
    uint32_t spaces;       /* ASCII spaces at the start */
    uint32_t dash;         /* column of the last dash; UINT32_MAX without */
    uint32_t tab, tab_end; /* first run of tabs; UINT32_MAX without */
    uint32_t odd, odd_end; /* first odd space; UINT32_MAX without */
    int only_tabs;         /* blanks before the first dash or content are all tabs */
    uint32_t odd_code;
};

static struct lead scan_lead(struct belfry_str text)
{
    struct lead lead = {.dash = UINT32_MAX, .tab = UINT32_MAX, .odd = UINT32_MAX, .only_tabs = 1};
    size_t at = 0;
    while (at < text.len) {
        size_t begin = at;
        uint32_t c = str_utf8_next(text, &at);
        if (c == ' ') {
            lead.spaces += begin == lead.spaces;
            lead.only_tabs = 0;
        } else if (c == '\t') {
            if (lead.tab == UINT32_MAX)
                lead.tab = (uint32_t)begin;
            lead.tab_end = (uint32_t)at;
        } else if (is_odd_space(c)) {
            if (lead.odd == UINT32_MAX) {
                lead.odd = (uint32_t)begin;
                lead.odd_code = c;
            }
            lead.odd_end = (uint32_t)at;
            lead.only_tabs = 0;
        } else if (c == '-' && is_word_end(text, at)) {
            lead.dash = (uint32_t)begin;
            if (lead.tab == UINT32_MAX)
                lead.only_tabs = 0;
        } else {
            lead.end = (uint32_t)begin;
            return lead;
        }
    }
    lead.end = (uint32_t)text.len;
    return lead;
}

/* Does the line end with the header of a block scalar (`|`, `>-`, `|2`)? */
static int opens_block(struct belfry_str text, size_t from)
{
    size_t end = text.len;
    for (size_t i = from; i < text.len; i++) {
        if (text.ptr[i] == '#' && i > 0 && is_blank(text.ptr[i - 1])) {
            end = i;
            break;
        }
    }
    while (end > from && is_blank(text.ptr[end - 1]))
        end--;
    for (int i = 0; i < 2 && end > from && strchr("+-123456789", text.ptr[end - 1]); i++)
        end--;
    if (end == from || (text.ptr[end - 1] != '|' && text.ptr[end - 1] != '>'))
        return 0;
    end--;
    if (end == from)
        return 1;
    if (!is_blank(text.ptr[end - 1]))
        return 0;
    while (end > from && is_blank(text.ptr[end - 1]))
        end--;
    /* After a key, or after a property of the node. */
    if (end == from || text.ptr[end - 1] == ':' || text.ptr[end - 1] == '?')
        return 1;
    size_t word = end;
    while (word > from && !is_blank(text.ptr[word - 1]))
        word--;
    return text.ptr[word] == '&' || text.ptr[word] == '!';
}

/* Column that the lines of a block scalar must exceed. */
static uint32_t block_indent(struct belfry_str text, const struct lead *lead)
{
    if (lead->dash != UINT32_MAX && (lead->end >= text.len || strchr("|>&!", text.ptr[lead->end])))
        return lead->dash;
    return lead->end;
}

static uint32_t first_byte(const struct source *s, size_t line)
{
    return line == 0 ? s->begin : s->positions->line_begin[line];
}

static void report_tab(struct source *s, size_t line, const struct lead *lead)
{
    uint32_t first = first_byte(s, line);
    struct diag *d = diag_add(s->diags, "H001", DIAG_ERROR, source_span(s, first + lead->tab, first + lead->tab_end),
                              "tab used for indentation; YAML needs spaces");
    if (lead->only_tabs && lead->tab == 0 && lead->tab_end == lead->end) {
        struct buf spaces = {0};
        for (uint32_t i = 0; i < lead->end; i++)
            buf_addz(&spaces, "  ");
        d->replacement = arena_strndup(diag_arena(s->diags), spaces.ptr, spaces.len);
        buf_free(&spaces);
    }
}

static void report_odd_space(struct source *s, size_t line, const struct lead *lead)
{
    uint32_t first = first_byte(s, line);
    diag_add(s->diags, "H003", DIAG_ERROR, source_span(s, first + lead->odd, first + lead->odd_end),
             "%s U+%04X used for indentation; YAML needs ordinary spaces",
             lead->odd_code == NO_BREAK_SPACE ? "no-break space" : "space", (unsigned)lead->odd_code);
}

static uint8_t shape(struct belfry_str text, const struct lead *lead)
{
    size_t at = lead->spaces;
    if (lead->dash != UINT32_MAX)
        return lead->dash == at ? LINE_ITEM : 0;
    if (lead->end == text.len || text.ptr[lead->end] == '#')
        return LINE_EMPTY;
    return is_key(text, at) ? LINE_KEY : 0;
}

static void check_lines(struct source *s)
{
    size_t tabs = 0, odd = 0;
    uint32_t block = UINT32_MAX; /* indentation of the block scalar we are in */
    for (size_t line = 0; line < s->positions->line_count; line++) {
        struct belfry_str text = position_line_text(s->positions, line);
        if (line == 0 && s->begin)
            text = str_slice(text.ptr + s->begin, text.len - s->begin);
        struct lead lead = scan_lead(text);
        s->indent[line] = lead.spaces;
        s->flags[line] |= shape(text, &lead);
        if (block != UINT32_MAX && (lead.spaces > block || lead.spaces == text.len)) {
            s->flags[line] |= LINE_BLOCK;
            continue;
        }
        block = opens_block(text, lead.end) ? block_indent(text, &lead) : UINT32_MAX;
        if (lead.end == text.len && lead.dash == UINT32_MAX && lead.odd == UINT32_MAX && lead.tab == UINT32_MAX)
            continue;
        if (lead.tab != UINT32_MAX) {
            s->flags[line] |= LINE_FAULTY | LINE_INDENT;
            if (tabs++ < MAX_REPORTS)
                report_tab(s, line, &lead);
        } else if (lead.odd != UINT32_MAX) {
            s->flags[line] |= LINE_FAULTY | LINE_INDENT;
            if (odd++ < MAX_REPORTS)
                report_odd_space(s, line, &lead);
        }
    }
}

/* --- the whole ---------------------------------------------------------------------------------------------- */

static int is_utf16(struct belfry_str text)
{
    return text.len >= 2 && (memcmp(text.ptr, "\xFF\xFE", 2) == 0 || memcmp(text.ptr, "\xFE\xFF", 2) == 0);
}

int source_init(struct source *s, struct diag_set *diags, uint32_t file)
{
    *s = (struct source){.diags = diags, .file = file, .positions = diag_positions(diags, file)};
    s->original = diag_file_text(diags, file);
    if (!s->positions)
        return 0;
    if (s->original.len > MAX_SIZE) {
        diag_add(diags, "H005", DIAG_ERROR, (struct diag_span){.file = file},
                 "the file has %zu bytes; at most 1 MiB is read", s->original.len);
        return 0;
    }
    if (is_utf16(s->original)) {
        diag_add(diags, "H004", DIAG_ERROR, (struct diag_span){.file = file}, "the file is UTF-16; save it as UTF-8");
        return 0;
    }
    if (str_has_prefix(s->original, STR("\xEF\xBB\xBF")))
        s->begin = 3;
    s->text = xmemdup(s->original.ptr, s->original.len + 1);
    s->flags = xcalloc(s->positions->line_count, sizeof(*s->flags));
    s->indent = xcalloc(s->positions->line_count, sizeof(*s->indent));
    check_characters(s);
    check_lines(s);
    return 1;
}

void source_fini(struct source *s)
{
    free(s->text);
    free(s->flags);
    free(s->indent);
    s->text = NULL;
    s->flags = NULL;
    s->indent = NULL;
}
