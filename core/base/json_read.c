/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict reading of JSON into jansson's values. Its parser is recursive and its own limit is far above ours, so the
 * depth is measured in a scan before it: brackets outside of strings, one look at each byte. The scan need not know
 * whether the text is JSON; a text that it counts wrongly is one that the parser refuses anyway.
 */
#include "base/json.h"

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
    size_t deep = count_open(text) > JSON_MAX_DEPTH ? too_deep_at(text) : SIZE_MAX;
    if (deep != SIZE_MAX) {
        _Static_assert(JSON_MAX_DEPTH == 64, "named in the message");
        return refuse(text, deep, "nested deeper than 64 levels", err);
    }
    if (text.len == 0)
        return refuse(text, 0, "no JSON value", err);
    json_error_t fault;
    json_t *value = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &fault);
    if (value)
        return value;
    const char *detail = plain_text(&fault);
    if (json_error_code(&fault) == json_error_invalid_utf8)
        return refuse(text, first_malformed(text), detail, err);
    error_set(err, BELFRY_EINVAL, "", "line %d, column %d: %s", fault.line > 0 ? fault.line : 1,
              fault.column > 0 ? fault.column : 1, detail ? detail : fault.text);
    return NULL;
}
