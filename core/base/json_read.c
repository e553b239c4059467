/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict reading of JSON into jansson's values, in two steps. A parser of our own reads text that has nothing wrong
 * with it: jansson's takes it character by character through four calls each, which was half of what the hub's loop did
 * for a trigger. It knows no faults: whatever it does not like, it leaves to jansson, whose messages are good, so what
 * is JSON and what is not is decided in one place.
 *
 * jansson's parser is recursive and its own limit is far above ours, so the depth is measured in a scan before it:
 * brackets outside of strings, one look at each byte. The scan need not know whether the text is JSON; a text that it
 * counts wrongly is one that the parser refuses anyway.
 */
#include "base/json.h"
#include "base/mem.h"

#include <stdlib.h>

/* --- sound text
 * --------------------------------------------------------------------------------------------------------- */

struct reader {
    const char *at, *end;
    int depth;
};

static json_t *read_value(struct reader *r);

static void skip_space(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
        r->at++;
}

/* 1 and past it when the next character is c. */
static int take(struct reader *r, char c)
{
    if (r->at == r->end || *r->at != c)
        return 0;
    r->at++;
    return 1;
}

/*
 * From after the opening quote to the next quote, backslash or control character. *plain is cleared by a byte that is
 * not ASCII. Eight bytes at a time: the usual tests for a byte below 0x20 and for a zero byte.
 */
static const char *scan_string(const char *at, const char *end, int *plain)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones * 0x80;
    for (uint64_t word; end - at >= (ptrdiff_t)sizeof(word); at += sizeof(word)) {
        memcpy(&word, at, sizeof(word));
        uint64_t quote = word ^ ones * '"', slash = word ^ ones * '\\';
        if (((word - ones * 0x20) | (quote - ones) | (slash - ones) | word) & high)
            break;
    }
    for (; at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20; at++)
        *plain &= (unsigned char)*at < 0x80;
    return at;
}

/* The four digits of \uXXXX; -1: they are none. */
static int32_t read_hex4(struct reader *r)
{
    int32_t value = 0;
    if (r->end - r->at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = *r->at++;
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* \uXXXX, or two of them that are a surrogate pair, as UTF-8. U+0000 and a surrogate alone are left to jansson. */
static int read_unicode(struct reader *r, struct buf *out)
{
    int32_t c = read_hex4(r), low;
    if (c >= 0xd800 && c < 0xdc00) {
        if (!take(r, '\\') || !take(r, 'u') || (low = read_hex4(r)) < 0xdc00 || low > 0xdfff)
            return 0;
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    } else if (c <= 0 || (c >= 0xdc00 && c < 0xe000)) {
        return 0;
    }
    if (c < 0x80) {
        buf_addc(out, (char)c);
        return 1;
    }
    int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};
    buf_addc(out, (char)(lead[more] | c >> (6 * more)));
    while (more-- > 0)
        buf_addc(out, (char)(0x80 | (c >> (6 * more) & 0x3f)));
    return 1;
}

static int read_escape(struct reader *r, struct buf *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (r->at == r->end || !*r->at)
        return 0;
    char c = *r->at++;
    if (c == 'u')
        return read_unicode(r, out);
    const char *found = strchr(from, c);
    if (found)
        buf_addc(out, to[found - from]);
    return found != NULL;
}

/* After the opening quote. The text is in the source, or in `own` when it has escapes. */
static int read_string(struct reader *r, struct buf *own, struct belfry_str *out)
{
    const char *from = r->at;
    int plain = 1;
    buf_clear(own);
    for (;;) {
        const char *part = r->at;
        r->at = scan_string(r->at, r->end, &plain);
        if (r->at == r->end || (*r->at != '"' && *r->at != '\\'))
            return 0;
        if (*r->at == '"' && own->len == 0) {
            *out = str_slice(from, (size_t)(r->at++ - from));
            break;
        }
        buf_add(own, part, (size_t)(r->at - part));
        if (*r->at++ == '"') {
            *out = buf_str(own);
            break;
        }
        if (!read_escape(r, own))
            return 0;
    }
    return plain || str_utf8_valid(*out);
}

static json_t *read_number(struct reader *r)
{
    struct belfry_str text = {r->at, 0};
    int64_t whole;
    double real;
    int is_real = 0;
    take(r, '-');
    const char *digits = r->at;
    for (; r->at < r->end; r->at++) {
        if (*r->at == '.' || *r->at == 'e' || *r->at == 'E')
            is_real = 1;
        else if ((*r->at < '0' || *r->at > '9') && !(is_real && (*r->at == '-' || *r->at == '+')))
            break;
    }
    text.len = (size_t)(r->at - text.ptr);
    size_t len = (size_t)(r->at - digits);
    if (len == 0 || digits[0] < '0' || digits[0] > '9')
        return NULL;
    if (!is_real)
        return (digits[0] != '0' || len == 1) && str_to_i64(text, &whole) == BELFRY_OK ? json_integer(whole) : NULL;
    /* RFC 8259 wants a digit after the point and no zero in front, which str_to_double does not mind. */
    const char *point = memchr(digits, '.', len);
    if ((digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9') ||
        (point && (point + 1 == r->at || point[1] < '0' || point[1] > '9')))
        return NULL;
    return str_to_double(text, &real) == BELFRY_OK ? json_real(real) : NULL;
}

static json_t *read_word(struct reader *r, const char *word, json_t *value)
{
    size_t len = strlen(word);
    if ((size_t)(r->end - r->at) < len || memcmp(r->at, word, len) != 0)
        return NULL;
    r->at += len;
    return value;
}

static int read_members(struct reader *r, json_t *object)
{
    struct buf own = {0};
    struct belfry_str key;
    size_t count = 0;
    int sound = 0;
    do {
        skip_space(r);
        if (!take(r, '"') || !read_string(r, &own, &key))
            break;
        skip_space(r);
        if (!take(r, ':'))
            break;
        json_t *value = read_value(r);
        /* a key that was there before does not make the object larger */
        if (!value || json_object_setn_new_nocheck(object, key.ptr, key.len, value) != 0 ||
            json_object_size(object) != ++count)
            break;
        skip_space(r);
        sound = take(r, '}');
    } while (!sound && take(r, ','));
    buf_free(&own);
    return sound;
}

static int read_elements(struct reader *r, json_t *array)
{
    do {
        json_t *value = read_value(r);
        if (!value || json_array_append_new(array, value) != 0)
            return 0;
        skip_space(r);
        if (take(r, ']'))
            return 1;
    } while (take(r, ','));
    return 0;
}

static json_t *read_container(struct reader *r, json_t *value, char close, int (*read)(struct reader *r, json_t *value))
{
    if (++r->depth > JSON_MAX_DEPTH) {
        json_decref(value);
        return NULL;
    }
    skip_space(r);
    if (!take(r, close) && !read(r, value)) {
        json_decref(value);
        value = NULL;
    }
    r->depth--;
    return value;
}

static json_t *read_text(struct reader *r)
{
    struct buf own = {0};
    struct belfry_str text;
    json_t *value = read_string(r, &own, &text) ? json_stringn_nocheck(text.ptr ? text.ptr : "", text.len) : NULL;
    buf_free(&own);
    return value;
}

static json_t *read_value(struct reader *r)
{
    skip_space(r);
    if (r->at == r->end)
        return NULL;
    switch (*r->at) {
    case '{':
        r->at++;
        return read_container(r, json_object(), '}', read_members);
    case '[':
        r->at++;
        return read_container(r, json_array(), ']', read_elements);
    case '"':
        r->at++;
        return read_text(r);
    case 't':
        return read_word(r, "true", json_true());
    case 'f':
        return read_word(r, "false", json_false());
    case 'n':
        return read_word(r, "null", json_null());
    default:
        return read_number(r);
    }
}

/* The value when there is nothing wrong with the text; NULL says nothing about it. */
static json_t *read_sound(struct belfry_str text)
{
    struct reader r = {text.ptr, text.ptr + text.len, 0};
    json_t *value = read_value(&r);
    skip_space(&r);
    if (value && r.at == r.end)
        return value;
    json_decref(value);
    return NULL;
}

/* --- the rest
 * ----------------------------------------------------------------------------------------------------------- */

/* Line and column (in code points, from 1) of a byte offset. */
static void locate(struct belfry_str text, size_t offset, int *line, int *column)
{
    *line = *column = 1;
    for (size_t i = 0; i < offset && i < text.len; i++) {
        if (text.ptr[i] == '\n') {
            (*line)++;
            *column = 1;
        } else if ((text.ptr[i] & 0xc0) != 0x80) {
            (*column)++;
        }
    }
}

/* Offset of the character after the closing quote of a string whose content starts at i, or the end. */
static size_t skip_string(struct belfry_str text, size_t i)
{
    for (; i < text.len; i++) {
        if (text.ptr[i] == '"')
            return i + 1;
        if (text.ptr[i] == '\\')
            i++;
    }
    return text.len;
}

/*
 * Brackets that open anything, strings included: an upper bound of the depth, eight bytes at a time. The usual trigger
 * of a few hundred bytes has fewer of them than levels are allowed and needs no scan.
 */
static size_t count_open(struct belfry_str text)
{
    const uint64_t low7 = UINT64_C(0x7f7f7f7f7f7f7f7f);
    size_t count = 0, i = 0;
    for (uint64_t word; i + sizeof(word) <= text.len; i += sizeof(word)) {
        memcpy(&word, text.ptr + i, sizeof(word));
        /* '{' is '[' with bit 5 set: both become a zero byte, and only those. */
        word = (word & UINT64_C(0xdfdfdfdfdfdfdfdf)) ^ UINT64_C(0x5b5b5b5b5b5b5b5b);
        word = ((word & low7) + low7) | word | low7;
        count += (size_t)__builtin_popcountll(~word);
    }
    for (; i < text.len; i++)
        count += (text.ptr[i] & 0xdf) == '[';
    return count;
}

/* Offset of the bracket that opens a level too many, or SIZE_MAX. */
static size_t too_deep_at(struct belfry_str text)
{
    size_t depth = 0;
    for (size_t i = 0; i < text.len;) {
        char c = text.ptr[i++];
        if (c == '"')
            i = skip_string(text, i);
        else if (c == '{' || c == '[') {
            if (++depth > JSON_MAX_DEPTH)
                return i - 1;
        } else if ((c == '}' || c == ']') && depth > 0)
            depth--;
    }
    return SIZE_MAX;
}

/* What jansson says in terms of its own flags, or with a column that is off, said in ours; NULL: its text will do. */
static const char *plain_text(const json_error_t *fault)
{
    switch (json_error_code(fault)) {
    case json_error_invalid_utf8:
        return "not UTF-8";
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "the character U+0000 is not allowed";
    case json_error_end_of_input_expected:
        return "more text after the end of the JSON value";
    default:
        return NULL;
    }
}

/* Offset of the first byte that is not part of well-formed UTF-8. */
static size_t first_malformed(struct belfry_str text)
{
    size_t pos = 0, from = 0;
    while (pos < text.len) {
        from = pos;
        /* U+FFFD itself takes three bytes, a malformed byte takes one */
        if (str_utf8_next(text, &pos) == 0xfffd && pos - from == 1)
            break;
    }
    return from;
}

static json_t *refuse(struct belfry_str text, size_t offset, const char *detail, struct error *err)
{
    int line, column;
    locate(text, offset, &line, &column);
    error_set(err, BELFRY_EINVAL, "", "line %d, column %d: %s", line, column, detail);
    return NULL;
}

json_t *json_read(struct belfry_str text, struct error *err)
{
    json_t *value = text.len ? read_sound(text) : NULL;
    if (value)
        return value;
    size_t deep = count_open(text) > JSON_MAX_DEPTH ? too_deep_at(text) : SIZE_MAX;
    if (deep != SIZE_MAX) {
        _Static_assert(JSON_MAX_DEPTH == 64, "named in the message");
        return refuse(text, deep, "nested deeper than 64 levels", err);
    }
    if (text.len == 0)
        return refuse(text, 0, "no JSON value", err);
    json_error_t fault;
    value = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &fault);
    if (value)
        return value;
    const char *detail = plain_text(&fault);
    if (json_error_code(&fault) == json_error_invalid_utf8)
        return refuse(text, first_malformed(text), detail, err);
    error_set(err, BELFRY_EINVAL, "", "line %d, column %d: %s", fault.line > 0 ? fault.line : 1,
              fault.column > 0 ? fault.column : 1, detail ? detail : fault.text);
    return NULL;
}
