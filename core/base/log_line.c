/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text of a log line. A caller gives its pairs as logfmt text; the line is always rebuilt from the parsed pairs, in
 * either format, so that a stray newline or quote in a value can neither forge a line nor break one. Quoted values have
 * the escapes of JSON strings, which logfmt readers know too.
 */
#include "base/log_line.h"

#include "base/json.h"

#define QUOTE_RING 8
#define QUOTE_MAX 1000

/* A plain decimal that reads as a number in JSON (RFC 8259 section 6): no leading zero, no bare point, and short enough
 * for every reader. */
static int looks_numeric(struct belfry_str s)
{
    size_t i = s.len > 0 && s.ptr[0] == '-';
    if (s.len - i < 1 || s.len > 18 || s.ptr[i] == '.' || s.ptr[s.len - 1] == '.')
        return 0;
    if (s.ptr[i] == '0' && i + 1 < s.len && s.ptr[i + 1] != '.')
        return 0;
    int points = 0;
    for (; i < s.len; i++) {
        points += s.ptr[i] == '.';
        if (s.ptr[i] != '.' && (s.ptr[i] < '0' || s.ptr[i] > '9'))
            return 0;
    }
    return points <= 1;
}

static int is_plain(struct belfry_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f)
            return 0;
    }
    return s.len > 0 && str_utf8_valid(s);
}

struct belfry_str log_cut(struct belfry_str s, size_t max)
{
    if (s.len <= max)
        return s;
    while (max > 0 && ((unsigned char)s.ptr[max] & 0xc0) == 0x80)
        max--;
    return str_slice(s.ptr, max);
}

const char *log_quote(const char *value, size_t len)
{
    static _Thread_local char ring[QUOTE_RING][QUOTE_MAX + 1];
    static _Thread_local unsigned turn;
    char *out = ring[turn++ % QUOTE_RING];
    struct belfry_str s = log_cut(str_slice(value, value ? len : 0), QUOTE_MAX);
    if (s.ptr && is_plain(s) && !looks_numeric(s)) {
        memcpy(out, s.ptr, s.len);
        out[s.len] = '\0';
        return out;
    }
    struct buf quoted = {0};
    json_write_str(s, &quoted);
    while (quoted.len > QUOTE_MAX) {
        /* Quoted, one byte takes six at most: what is cut can never be more than needed by much. */
        s = log_cut(s, s.len - (quoted.len - QUOTE_MAX + 5) / 6);
        buf_clear(&quoted);
        json_write_str(s, &quoted);
    }
    memcpy(out, quoted.ptr, quoted.len + 1);
    buf_free(&quoted);
    return out;
}

void log_line_begin(struct log_line *line, enum log_format format, const char *prefix)
{
    *line = (struct log_line){.format = format};
    buf_addz(&line->text, prefix);
    if (format == LOG_FORMAT_JSON)
        buf_addc(&line->text, '{');
}

static void put_key(struct log_line *line, struct belfry_str key)
{
    int json = line->format == LOG_FORMAT_JSON;
    if (line->pairs++ > 0)
        buf_addc(&line->text, json ? ',' : ' ');
    if (json)
        json_write_str(key, &line->text);
    else
        buf_adds(&line->text, is_plain(key) ? key : STR("invalid")); /* logfmt cannot quote a key */
    buf_addc(&line->text, json ? ':' : '=');
}

void log_line_pair(struct log_line *line, struct belfry_str key, struct belfry_str value, int bare)
{
    put_key(line, key);
    int plain = line->format == LOG_FORMAT_JSON ? bare && looks_numeric(value)
                                                : is_plain(value) && (bare || !looks_numeric(value));
    if (plain)
        buf_adds(&line->text, value);
    else
        json_write_str(value, &line->text);
}

/* The character behind \u, when it is one that log_quote escapes; -1 otherwise, and for NUL: many readers of JSON
 * refuse it, so it stays an escape within the text. */
static int escaped_control(const char *digits, size_t left)
{
    int value = 0;
    if (left < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        const char *at = strchr("0123456789abcdef", digits[i]);
        if (!at || !*at)
            return -1;
        value = value * 16 + (int)(at - "0123456789abcdef");
    }
    return value > 0 && value < 0x80 ? value : -1;
}

/* Reads the escape after a backslash at i; returns how many bytes it took. */
static size_t read_escape(struct belfry_str s, size_t i, struct buf *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *at = s.ptr[i] ? strchr(from, s.ptr[i]) : NULL;
    int control = s.ptr[i] == 'u' ? escaped_control(s.ptr + i + 1, s.len - i - 1) : -1;
    if (control >= 0) {
        buf_addc(out, (char)control);
        return 5;
    }
    if (at) {
        buf_addc(out, to[at - from]);
        return 1;
    }
    buf_addc(out, '\\');
    return 0;
}

/* Reads a quoted value whose first character is at i. Returns the offset behind it; a missing quote ends with the text.
 */
static size_t read_quoted(struct belfry_str s, size_t i, struct buf *out)
{
    while (i < s.len && s.ptr[i] != '"') {
        if (s.ptr[i] == '\\' && i + 1 < s.len) {
            i++;
            i += read_escape(s, i, out);
        } else {
            buf_addc(out, s.ptr[i++]);
        }
    }
    return i < s.len ? i + 1 : i;
}

void log_line_pairs(struct log_line *line, struct belfry_str pairs)
{
    struct buf value = {0};
    for (size_t i = 0; i < pairs.len;) {
        if (pairs.ptr[i] == ' ') {
            i++;
            continue;
        }
        size_t from = i;
        while (i < pairs.len && pairs.ptr[i] != ' ' && pairs.ptr[i] != '=')
            i++;
        struct belfry_str key = str_slice(pairs.ptr + from, i - from);
        i += i < pairs.len && pairs.ptr[i] == '=';
        int bare = i >= pairs.len || pairs.ptr[i] != '"';
        buf_clear(&value);
        if (!bare)
            i = read_quoted(pairs, i + 1, &value);
        for (; i < pairs.len && pairs.ptr[i] != ' '; i++)
            buf_addc(&value, pairs.ptr[i]);
        log_line_pair(line, key, buf_str(&value), bare);
    }
    buf_free(&value);
}

struct belfry_str log_line_end(struct log_line *line)
{
    buf_addz(&line->text, line->format == LOG_FORMAT_JSON ? "}\n" : "\n");
    return buf_str(&line->text);
}

void log_line_free(struct log_line *line)
{
    buf_free(&line->text);
}
