/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict reading of JSON. jansson's parser is recursive and its own limit is far above ours, so the depth is measured in a
 * scan before it: brackets outside of strings, one look at each byte. The scan need not know whether the text is JSON; a
 * text that it counts wrongly is one that the parser refuses anyway.
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

json_t *json_read(struct belfry_str text, struct error *err)
{
    int line, column;
    size_t deep = too_deep_at(text);
    if (deep != SIZE_MAX) {
        locate(text, deep, &line, &column);
        error_set(err, BELFRY_EINVAL, "", "line %d, column %d: nested deeper than %d levels", line, column,
                  JSON_MAX_DEPTH);
        return NULL;
    }
    if (text.len == 0) {
        error_set(err, BELFRY_EINVAL, "", "line 1, column 1: no JSON value");
        return NULL;
    }
    json_error_t fault;
    json_t *value = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &fault);
    if (!value) {
        line = fault.line > 0 ? fault.line : 1;
        column = fault.column > 0 ? fault.column : 1;
        error_set(err, BELFRY_EINVAL, "", "line %d, column %d: %s", line, column, fault.text);
    }
    return value;
}
