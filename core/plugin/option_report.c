/* SPDX-License-Identifier: Apache-2.0 */
/* How faults of option values read: what the value is called, what was expected, and exactly where it is. */
#include "base/clock.h"
#include "plugin/option_internal.h"

const char *option_subject(struct diag_set *diags, const struct yaml_node *node)
{
    struct arena *arena = diag_arena(diags);
    if (node->key)
        return arena_printf(arena, "`%s`", diag_show(diags, node->key->text));
    if (node->parent && node->parent->key)
        return arena_printf(arena, "an item of `%s`", diag_show(diags, node->parent->key->text));
    return "the value";
}

struct diag *option_report(struct diag_set *diags, const char *code, enum diag_severity severity,
                           const struct yaml_node *node, const char *format, ...)
{
    struct buf message = {0};
    va_list args;
    va_start(args, format);
    buf_vaddf(&message, format, args);
    va_end(args);
    struct diag *d = diag_add(diags, code, severity, node->span, "%s", message.ptr);
    d->path = yaml_path(diag_arena(diags), node);
    buf_free(&message);
    return d;
}

belfry_status option_wrong_type(struct diag_set *diags, const char *code, const struct yaml_node *node,
                                const char *expected)
{
    option_report(diags, code, DIAG_ERROR, node, "%s must be %s, not %s", option_subject(diags, node), expected,
                  yaml_describe(diag_arena(diags), node));
    return BELFRY_EINVAL;
}

/* --- limits ----------------------------------------------------------------------------------------------------- */

const char *option_number_text(struct arena *arena, int64_t value)
{
    return arena_printf(arena, "%lld", (long long)value);
}

const char *option_duration_text(struct arena *arena, int64_t value)
{
    char text[32];
    return arena_strdup(arena, duration_format(value, text));
}

const char *option_size_text(struct arena *arena, int64_t value)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB"};
    int unit = 0;
    while (unit < 3 && value != 0 && value % 1024 == 0) {
        value /= 1024;
        unit++;
    }
    return arena_printf(arena, "%lld%s", (long long)value, units[unit]);
}

const char *option_range_text(struct arena *arena, int64_t min, int64_t max,
                              const char *(*number)(struct arena *arena, int64_t value))
{
    if (max == INT64_MAX)
        return arena_printf(arena, "at least %s", number(arena, min));
    if (min == INT64_MIN)
        return arena_printf(arena, "at most %s", number(arena, max));
    if (min == max)
        return number(arena, min);
    return arena_printf(arena, "between %s and %s", number(arena, min), number(arena, max));
}

/* --- places inside a scalar ------------------------------------------------------------------------------------- */

static int is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Bytes of an escape in double quotes that starts at the backslash (YAML 1.2 section 5.7). */
static size_t escape_len(char kind)
{
    switch (kind) {
    case 'x':
        return 4;
    case 'u':
        return 6;
    case 'U':
        return 10;
    default:
        return 2;
    }
}

/*
 * Walks source and text side by side until the text's offset is reached. What the two do not share is indentation and
 * folding (blanks in the source, one blank or line feed in the text), doubled quotes and escapes. Returns the offset in
 * the source, or its length when they differ otherwise.
 */
static size_t align(struct belfry_str source, size_t from, char quote, struct belfry_str text, size_t offset)
{
    size_t at = from, i = 0;
    while (i < offset || (at < source.len && i < text.len && is_space(source.ptr[at]) && !is_space(text.ptr[i]))) {
        if (at >= source.len || i >= text.len)
            return source.len;
        char s = source.ptr[at], t = text.ptr[i];
        if (quote == '"' && s == '\\' && at + 1 < source.len) {
            char kind = source.ptr[at + 1];
            at += escape_len(kind);
            if (kind != '\n')
                str_utf8_next(text, &i);
        } else if (s == t) {
            at += quote == '\'' && s == '\'' ? 2 : 1;
            i++;
        } else if (is_space(s)) {
            at++;
        } else if (is_space(t)) {
            i++;
        } else {
            return source.len;
        }
    }
    return at;
}

/* Where the content of the scalar starts: after the quote, or below the header of a block. */
static size_t content(struct belfry_str source, char *quote)
{
    *quote = source.ptr[0];
    if (*quote == '"' || *quote == '\'')
        return 1;
    if (*quote != '|' && *quote != '>')
        return 0;
    const char *line = memchr(source.ptr, '\n', source.len);
    return line ? (size_t)(line - source.ptr) + 1 : source.len;
}

struct diag_span option_place(const struct diag_set *diags, const struct yaml_node *node, size_t offset)
{
    struct diag_span whole = node->span;
    if (whole.file == UINT32_MAX || !str_eq(node->text, node->raw) || offset > node->text.len)
        return whole;
    struct belfry_str file = diag_file_text(diags, whole.file);
    if (whole.end > file.len || whole.begin >= whole.end)
        return whole;
    struct belfry_str source = str_slice(file.ptr + whole.begin, whole.end - whole.begin);
    char quote;
    size_t from = content(source, &quote);
    size_t at = align(source, from, quote, node->text, offset);
    if (at >= source.len)
        return whole;
    /* The tag that begins there, as far as it is on this line. */
    size_t end = at + 1;
    struct belfry_str rest = str_slice(source.ptr + at, source.len - at);
    const char *line = memchr(rest.ptr, '\n', rest.len);
    if (line)
        rest.len = (size_t)(line - rest.ptr);
    const char *close = rest.len > 2 && memcmp(rest.ptr, "{{", 2) == 0 ? memmem(rest.ptr, rest.len, "}}", 2) : NULL;
    if (close)
        end = (size_t)(close - source.ptr) + 2;
    return diag_span_at(diags, whole.file, whole.begin + (uint32_t)at, whole.begin + (uint32_t)end);
}
