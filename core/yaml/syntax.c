/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libyaml's errors in words that help. libyaml names a problem where it noticed it, often a line or a file after the
 * cause, and a context where the construct began. Which of the two is the cause depends on the problem; the table says
 * so, and a few problems need a look at the text. No text of the file goes into a message: what stands in a wrong place
 * may be a secret, and messages travel further than the file.
 */
#include "yaml/loader.h"

#include "base/mem.h"

#include <stdlib.h>

struct trouble {
    struct loader *l;
    const char *problem;
    uint32_t at, context; /* bytes */
    size_t at_line, context_line;
    struct diag *diag;
    size_t line; /* of the cause: reading goes on after it */
};

const char *syntax_quoted(struct loader *l, struct belfry_str value)
{
    struct buf out = {0};
    int plain = value.len == 0 || (!memchr(value.ptr, '"', value.len) && !memchr(value.ptr, '\\', value.len));
    buf_addc(&out, plain ? '"' : '\'');
    for (size_t i = 0; i < value.len; i++) {
        if (!plain && value.ptr[i] == '\'')
            buf_addc(&out, '\'');
        buf_addc(&out, value.ptr[i]);
    }
    buf_addc(&out, plain ? '"' : '\'');
    const char *text = arena_strndup(diag_arena(l->diags), out.ptr, out.len);
    buf_free(&out);
    return text;
}

static struct diag *report(struct trouble *t, uint32_t begin, uint32_t end, const char *message)
{
    t->diag = diag_add(t->l->diags, "H002", DIAG_ERROR, load_span(t->l, begin, end), "%s", message);
    return t->diag;
}

static uint32_t char_end(const struct loader *l, uint32_t at)
{
    size_t end = at;
    if (at < l->source.original.len && l->source.original.ptr[at] != '\n')
        str_utf8_next(l->source.original, &end);
    return (uint32_t)end;
}

static uint32_t line_start(const struct loader *l, size_t line)
{
    return l->source.positions->line_begin[line] + l->source.indent[line];
}

static int in_flow(const struct loader *l)
{
    return l->depth > 0 && l->frames[l->depth - 1].flow;
}

/* Does the key sound like a secret's, or is the value a URL with a password? Then the value is shown nowhere. */
static int is_secret(const struct loader *l, uint32_t value, uint32_t end)
{
    static const char *const words[] = {"secret", "pass", "token", "key", "credential"};
    const char *text = l->source.text;
    uint32_t begin = l->source.positions->line_begin[source_line(&l->source, value)];
    char key[128];
    size_t len = value - begin < sizeof(key) ? value - begin : sizeof(key) - 1;
    memcpy(key, text + value - len, len);
    key[len] = '\0';
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasestr(key, words[i]))
            return 1;
    }
    const char *scheme = memmem(text + value, end - value, "://", 3);
    return scheme && memchr(scheme, '@', (size_t)(text + end - scheme));
}

/* Reports the value that begins at a byte, with quotes as its mend. */
static void report_unquoted(struct trouble *t, uint32_t begin, const char *message)
{
    struct loader *l = t->l;
    uint32_t end = source_value_end(&l->source, begin);
    if (in_flow(l)) {
        const char *text = l->source.text;
        uint32_t stop = begin;
        while (stop < end && !strchr(",]}", text[stop]))
            stop++;
        while (stop > begin && strchr(" \t", text[stop - 1]))
            stop--;
        end = stop;
    }
    struct diag *d = report(t, begin, end > begin ? end : char_end(l, begin), message);
    d->label = "quote the value";
    if (is_secret(l, begin, end))
        diag_redact(l->diags, d->span);
    else if (end > begin && !strchr("\"'", l->source.text[begin]))
        d->replacement = syntax_quoted(l, str_slice(l->source.original.ptr + begin, end - begin));
}

/* --- problems that need a look at the text ------------------------------------------------------------------- */

/* Byte after the first `: ` of a line before a byte, that is where the value begins; 0 without. */
static uint32_t value_before(const struct loader *l, size_t line, uint32_t before)
{
    const char *text = l->source.text;
    for (uint32_t at = l->source.positions->line_begin[line]; at + 1 < before; at++) {
        if (text[at] != ':' || (text[at + 1] != ' ' && text[at + 1] != '\t'))
            continue;
        for (at++; at < before && strchr(" \t", text[at]);)
            at++;
        return at < before ? at : 0;
    }
    return 0;
}

static size_t line_above(const struct loader *l, size_t line)
{
    while (line > 0 && (l->source.flags[line - 1] & LINE_EMPTY))
        line--;
    return line ? line - 1 : 0;
}

/* `key: a: b`, or a key that is indented under a value, or a word without colon above. */
static void on_second_colon(struct trouble *t)
{
    struct loader *l = t->l;
    uint32_t value = value_before(l, t->at_line, t->at);
    if (value) {
        report_unquoted(t, value, "the value holds `: `, which makes it a key of its own");
        return;
    }
    size_t above = line_above(l, t->at_line);
    uint32_t first = line_start(l, t->at_line);
    if (t->at_line > 0 && !(l->source.flags[above] & (LINE_KEY | LINE_ITEM))) {
        uint32_t begin = line_start(l, above), end = source_value_end(&l->source, begin);
        report(t, begin, end, "this key has no `:`")->label = "missing `:`";
        return;
    }
    struct diag *d = report(t, first, t->at > first ? t->at : char_end(l, first), "wrong indentation");
    diag_help(l->diags, d,
              "the line above is a key with a value, so nothing can be nested under it; keys of one map "
              "begin in the same column");
}

static void on_missing_colon(struct trouble *t)
{
    struct loader *l = t->l;
    uint32_t end = source_value_end(&l->source, t->context);
    if (strchr("\"'", l->source.text[t->context]) && t->context_line != t->at_line) {
        report(t, t->context, end, "this quoted text is neither a value nor a key")->label = "missing `:`, or a quote";
        return;
    }
    report(t, t->context, end, "this key has no `:`")->label = "missing `:`";
}

static void on_wrong_place(struct trouble *t, const char *message, const char *help)
{
    struct loader *l = t->l;
    uint32_t end = source_value_end(&l->source, t->at);
    struct diag *d = report(t, t->at, end > t->at ? end : char_end(l, t->at), message);
    if (help)
        diag_help(l->diags, d, "%s", help);
}

static void on_missing_key(struct trouble *t)
{
    struct loader *l = t->l;
    const char *text = l->source.text;
    int after_value = l->last && l->last_end > 0 && source_line(&l->source, l->last_end - 1) == t->at_line;
    char c = t->at < l->source.original.len ? text[t->at] : 0;
    if (c == ']' || c == '}') {
        report(t, t->at, t->at + 1, c == ']' ? "`]` without its `[`" : "`}` without its `{`");
    } else if (after_value && l->last_quoted && t->at > 0 && text[l->last_end - 1] == '\'') {
        on_wrong_place(t, "text after the closing quote", "inside single quotes a quote is written twice: 'it''s'");
    } else if (after_value && l->last_quoted) {
        on_wrong_place(t, "text after the closing quote",
                       "quote the whole value; inside double quotes write \\\" for a quote");
    } else if (after_value && l->last_flow) {
        on_wrong_place(t, "text after the closing bracket", "text that begins with a bracket needs quotes");
    } else if (c == '-' && (l->source.flags[t->at_line] & LINE_ITEM)) {
        on_wrong_place(t, "a list item where a key is expected", "indent the items of a list under their key");
    } else {
        on_wrong_place(t, "wrong indentation: this line belongs to no map above it",
                       "keys of one map begin in the same column");
    }
}

static void on_missing_dash(struct trouble *t)
{
    on_wrong_place(t, "expected `- `: this line begins in the column of the list's items",
                   "keys of an item begin in the column of its first key");
}

/* An open bracket: the cause is where it opened, unless the text goes on inside it. */
static void on_unclosed(struct trouble *t)
{
    struct loader *l = t->l;
    int map = l->source.text[t->context] == '{';
    int inside = t->at_line == t->context_line ||
                 (t->at < l->source.original.len && l->source.indent[t->at_line] > l->source.indent[t->context_line]);
    if (inside && t->at < l->source.original.len) {
        struct diag *d = report(t, t->at, char_end(l, t->at), map ? "expected `,` or `}`" : "expected `,` or `]`");
        diag_relate(l->diags, d, load_span(l, t->context, t->context + 1), "opened here");
        return;
    }
    struct diag *d = report(t, t->context, t->context + 1, map ? "`{` is not closed" : "`[` is not closed");
    d->label = map ? "no `}` for it" : "no `]` for it";
}

static void on_open_quote(struct trouble *t)
{
    report(t, t->context, t->context + 1, "quote is not closed")->label = "opened here";
}

/* A quoted text that began on an earlier line ends on the line of the problem: its quote was forgotten, and the next
 * quote, meant to open, closed it. */
static int is_runaway(const struct trouble *t)
{
    const struct loader *l = t->l;
    return l->last_quoted && l->last && l->last_end > 0 && l->last_end <= t->at &&
           strchr("\"'", l->source.text[l->last_end - 1]) && source_line(&l->source, l->last_end - 1) == t->at_line &&
           l->last->span.line - 1 < t->at_line;
}

static void on_runaway(struct trouble *t)
{
    struct loader *l = t->l;
    uint32_t begin = l->last->span.begin;
    struct diag *d = report(t, begin, begin + 1, "quote is not closed where it should be");
    d->label = "opened here";
    diag_relate(l->diags, d, load_span(l, l->last_end - 1, l->last_end), "closed here, and text follows");
}

static void on_bad_start(struct trouble *t)
{
    struct loader *l = t->l;
    char c = t->at < l->source.original.len ? l->source.text[t->at] : 0;
    if (c == '\t') {
        t->diag = diag_add(l->diags, "H001", DIAG_ERROR, load_span(l, t->at, t->at + 1),
                           "tab used for indentation; YAML needs spaces");
        return;
    }
    char message[64];
    snprintf(message, sizeof(message), "text cannot begin with `%c`", c);
    report_unquoted(t, t->at, message);
}

static void on_bad_alias(struct trouble *t)
{
    struct loader *l = t->l;
    report_unquoted(t, t->context,
                    l->source.text[t->context] == '&' ? "text that begins with `&` must be quoted"
                                                      : "text that begins with `*` must be quoted");
}

static void on_bad_node(struct trouble *t)
{
    char c = t->at < t->l->source.original.len ? t->l->source.text[t->at] : 0;
    char message[64];
    if (c == '\n' || c == '\r' || c == 0)
        snprintf(message, sizeof(message), "a value is missing");
    else
        snprintf(message, sizeof(message), "a value cannot begin with `%c`", c);
    report(t, t->at, char_end(t->l, t->at), message);
}

static void on_tab(struct trouble *t)
{
    t->diag = diag_add(t->l->diags, "H001", DIAG_ERROR, load_span(t->l, t->at, t->at + 1),
                       "tab used for indentation; YAML needs spaces");
}

static void on_escape(struct trouble *t)
{
    struct diag *d = report(t, t->at, char_end(t->l, t->at + 1), "unknown escape in double quotes");
    diag_help(t->l->diags, d, "write \\\\ for a backslash, or use single quotes, in which nothing is an escape");
}

static void on_bad_tag(struct trouble *t)
{
    struct loader *l = t->l;
    uint32_t end = t->context;
    while (end < l->source.original.len && !strchr(" \t\r\n", l->source.text[end]))
        end++;
    t->diag = diag_add(l->diags, "H107", DIAG_ERROR, load_span(l, t->context, end), "unknown tag");
    diag_help(l->diags, t->diag, "text that begins with `!` must be quoted");
}

static void on_block_header(struct trouble *t)
{
    on_wrong_place(t, "text after `|` or `>`", "the text begins on the next line, indented; or quote the value");
}

static void on_list_in_line(struct trouble *t)
{
    on_wrong_place(t, "a list cannot begin on the line of its key",
                   "put the items on lines of their own, or write [a, b]; text that begins with `- ` must be quoted");
}

static void on_end(struct trouble *t)
{
    on_wrong_place(t, "text after the end of the document", NULL);
}

/* --- the table ------------------------------------------------------------------------------------------------ */

enum cause { AT_PROBLEM, AT_CONTEXT };

static const struct {
    const char *problem;
    const char *context; /* start of the context, NULL for any */
    enum cause cause;
    void (*report)(struct trouble *t);
} troubles[] = {
    {"mapping values are not allowed", NULL, AT_PROBLEM, on_second_colon},
    {"could not find expected ':'", NULL, AT_CONTEXT, on_missing_colon},
    {"did not find expected key", NULL, AT_PROBLEM, on_missing_key},
    {"did not find expected '-' indicator", NULL, AT_PROBLEM, on_missing_dash},
    {"did not find expected ',' or", NULL, AT_CONTEXT, on_unclosed},
    {"did not find expected node content", NULL, AT_PROBLEM, on_bad_node},
    {"found unexpected end of stream", "while scanning a quoted", AT_CONTEXT, on_open_quote},
    {"found unexpected document indicator", NULL, AT_CONTEXT, on_open_quote},
    {"found character that cannot start any token", NULL, AT_PROBLEM, on_bad_start},
    {"did not find expected alphabetic or numeric character", NULL, AT_CONTEXT, on_bad_alias},
    {"found a tab character", NULL, AT_PROBLEM, on_tab},
    {"found unknown escape character", NULL, AT_PROBLEM, on_escape},
    {"did not find expected hexdecimal number", NULL, AT_PROBLEM, on_escape},
    {"found invalid Unicode character escape code", NULL, AT_PROBLEM, on_escape},
    {"found undefined tag handle", NULL, AT_CONTEXT, on_bad_tag},
    {"did not find expected", "while scanning a tag", AT_CONTEXT, on_bad_tag},
    {"did not find expected", "while parsing a tag", AT_CONTEXT, on_bad_tag},
    {"did not find expected comment or line break", "while scanning a block scalar", AT_PROBLEM, on_block_header},
    {"block sequence entries are not allowed", NULL, AT_PROBLEM, on_list_in_line},
    {"did not find expected <document start>", NULL, AT_PROBLEM, on_end},
};

static int starts(const char *text, const char *prefix)
{
    return !prefix || (text && strncmp(text, prefix, strlen(prefix)) == 0);
}

static void report_any(struct trouble *t)
{
    report(t, t->at, char_end(t->l, t->at), t->problem);
}

/* One cause, one report: the line has one already, or the cause was a tab in the line above. */
static int is_known(const struct trouble *t)
{
    const uint8_t *flags = t->l->source.flags;
    return (flags[t->at_line] | flags[t->line]) & LINE_FAULTY;
}

size_t syntax_report(struct loader *l, const yaml_parser_t *parser, uint32_t *indent, int *open)
{
    struct trouble t = {.l = l, .problem = parser->problem ? parser->problem : "syntax error"};
    t.at = load_byte(l, parser->problem_mark);
    t.context = parser->context ? load_byte(l, parser->context_mark) : t.at;
    t.at_line = source_line(&l->source, t.at);
    t.context_line = source_line(&l->source, t.context);
    /* The end of the file is part of its last line that says something. */
    if (t.at == l->source.original.len && t.at > 0)
        t.at_line = source_line(&l->source, t.at - 1);
    size_t row = 0, rows = sizeof(troubles) / sizeof(troubles[0]);
    while (row < rows && !(starts(t.problem, troubles[row].problem) && starts(parser->context, troubles[row].context)))
        row++;
    int runaway = is_runaway(&t);
    t.line = t.at_line;
    if (runaway)
        t.line = l->last->span.line - 1;
    else if (row < rows && troubles[row].cause == AT_CONTEXT)
        t.line = t.context_line;
    *open = t.line != t.at_line;
    *indent = l->source.indent[t.line];
    if (!is_known(&t)) {
        if (runaway)
            on_runaway(&t);
        else if (row < rows)
            troubles[row].report(&t);
        else
            report_any(&t);
        l->errors++;
    }
    if (!l->faulty)
        hide_secrets(l);
    l->faulty = 1;
    build_discard(l, t.line);
    return t.line;
}
