/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON into scratch memory. jansson's own printer writes reals with 17 digits, so that 99.99 of a submission would come
 * out as 99.989999999999995 in everything that is told of it; hence a printer of ours.
 */
#include "text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- text --------------------------------------------------------------------------------------------------------- */

static int grow(struct approval_text *text, size_t more)
{
    size_t cap = text->cap ? text->cap : 512;
    while (cap - text->len < more)
        cap *= 2;
    if (cap == text->cap)
        return 1;
    char *ptr = text->failed ? NULL : text->txn->api->alloc(text->txn, cap);
    if (!ptr) {
        text->failed = 1;
        return 0;
    }
    if (text->len)
        memcpy(ptr, text->ptr, text->len);
    text->ptr = ptr;
    text->cap = cap;
    return 1;
}

void approval_text_add(struct approval_text *text, const char *ptr, size_t len)
{
    if (!len || text->failed || !grow(text, len))
        return;
    memcpy(text->ptr + text->len, ptr, len);
    text->len += len;
}

void approval_text_addz(struct approval_text *text, const char *z)
{
    approval_text_add(text, z, strlen(z));
}

void approval_text_addf(struct approval_text *text, const char *format, ...)
{
    char line[256];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    approval_text_add(text, line, (size_t)len < sizeof(line) ? (size_t)len : sizeof(line) - 1);
}

struct belfry_str approval_text_view(const struct approval_text *text)
{
    if (text->failed)
        return (struct belfry_str){NULL, 0};
    return (struct belfry_str){text->ptr ? text->ptr : "", text->len};
}

/* --- JSON --------------------------------------------------------------------------------------------------------- */

static void add_escape(struct approval_text *text, unsigned char c)
{
    if (c == '"' || c == '\\')
        approval_text_addf(text, "\\%c", c);
    else if (c == '\n')
        approval_text_addz(text, "\\n");
    else
        approval_text_addf(text, "\\u%04x", c);
}

void approval_text_str(struct approval_text *text, struct belfry_str s)
{
    size_t begin = 0;
    approval_text_addz(text, "\"");
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        approval_text_add(text, s.ptr + begin, i - begin);
        add_escape(text, c);
        begin = i + 1;
    }
    if (s.len > begin)
        approval_text_add(text, s.ptr + begin, s.len - begin);
    approval_text_addz(text, "\"");
}

static void add_real(struct approval_text *text, double d)
{
    char number[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(number, sizeof(number), "%.*g", digits, d);
        if (strtod(number, NULL) == d)
            break;
    }
    char *comma = strchr(number, ','); /* the process may run in a locale that writes one */
    if (comma)
        *comma = '.';
    approval_text_addz(text, number);
    if (!strpbrk(number, ".e"))
        approval_text_addz(text, ".0");
}

static void add_object(struct approval_text *text, const json_t *value)
{
    json_t *object = (json_t *)value; /* jansson iterates without const, and changes nothing */
    const char *separator = "{";
    for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i)) {
        approval_text_addz(text, separator);
        approval_text_str(text, belfry_str(json_object_iter_key(i)));
        approval_text_addz(text, ":");
        approval_text_json(text, json_object_iter_value(i));
        separator = ",";
    }
    approval_text_addz(text, *separator == '{' ? "{}" : "}");
}

static void add_array(struct approval_text *text, const json_t *array)
{
    approval_text_addz(text, "[");
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (i)
            approval_text_addz(text, ",");
        approval_text_json(text, json_array_get(array, i));
    }
    approval_text_addz(text, "]");
}

void approval_text_json(struct approval_text *text, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        add_object(text, value);
        break;
    case JSON_ARRAY:
        add_array(text, value);
        break;
    case JSON_STRING:
        approval_text_str(text, (struct belfry_str){json_string_value(value), json_string_length(value)});
        break;
    case JSON_INTEGER:
        approval_text_addf(text, "%" PRId64, (int64_t)json_integer_value(value));
        break;
    case JSON_REAL:
        add_real(text, json_real_value(value));
        break;
    default:
        approval_text_addz(text, json_is_true(value) ? "true" : json_is_false(value) ? "false" : "null");
    }
}

/* --- times -------------------------------------------------------------------------------------------------------- */

struct belfry_str approval_span(int64_t ms, int german, char out[APPROVAL_SPAN_SIZE])
{
    static const struct {
        int64_t ms;
        const char *one[2], *many[2];
    } units[] = {{86400000, {"day", "Tag"}, {"days", "Tage"}},
                 {3600000, {"hour", "Stunde"}, {"hours", "Stunden"}},
                 {60000, {"minute", "Minute"}, {"minutes", "Minuten"}}};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        int64_t count = ms / units[i].ms;
        if (count > 0 && (ms % units[i].ms == 0 || count > 1)) { /* 36 hours, and not "1 day" */
            int len = snprintf(out, APPROVAL_SPAN_SIZE, "%" PRId64 " %s", count,
                               count == 1 ? units[i].one[german] : units[i].many[german]);
            return (struct belfry_str){out, (size_t)len};
        }
    }
    return belfry_str(german ? "einem Moment" : "a moment");
}

/* --- comparing ---------------------------------------------------------------------------------------------------- */

int approval_compare(struct belfry_str a, struct belfry_str b)
{
    size_t least = a.len < b.len ? a.len : b.len;
    int cmp = least ? memcmp(a.ptr, b.ptr, least) : 0;
    return cmp ? cmp : (a.len > b.len) - (a.len < b.len);
}

int approval_same(struct belfry_str a, struct belfry_str b)
{
    return approval_compare(a, b) == 0;
}

struct belfry_str approval_after(struct belfry_str s, const char *prefix)
{
    size_t len = strlen(prefix);
    if (s.len < len || memcmp(s.ptr, prefix, len) != 0)
        return (struct belfry_str){NULL, 0};
    return (struct belfry_str){s.ptr + len, s.len - len};
}
