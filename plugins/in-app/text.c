/* SPDX-License-Identifier: Apache-2.0 */
/* A growing text. Out of memory ends the process, as everywhere in the hub. */
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void text_add(struct text *t, const char *bytes, size_t len)
{
    if (t->cap - t->len < len + 1) {
        size_t cap = t->cap ? t->cap * 2 : 512;
        while (cap - t->len < len + 1)
            cap *= 2;
        t->ptr = realloc(t->ptr, cap);
        if (!t->ptr)
            abort();
        t->cap = cap;
    }
    if (len > 0)
        memcpy(t->ptr + t->len, bytes, len);
    t->len += len;
    t->ptr[t->len] = '\0';
}

void text_z(struct text *t, const char *z)
{
    text_add(t, z, strlen(z));
}

void text_str(struct text *t, struct belfry_str s)
{
    text_add(t, s.ptr, s.len);
}

void text_num(struct text *t, int64_t value)
{
    char digits[24];
    int n = snprintf(digits, sizeof(digits), "%lld", (long long)value);
    text_add(t, digits, (size_t)n);
}

static const char *json_escape(unsigned char c, char code[8])
{
    switch (c) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        snprintf(code, 8, "\\u%04x", c);
        return code;
    }
}

void text_json(struct text *t, struct belfry_str s)
{
    size_t from = 0;
    char code[8];
    text_add(t, "\"", 1);
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        text_add(t, s.ptr + from, i - from);
        text_z(t, json_escape(c, code));
        from = i + 1;
    }
    if (s.len > from)
        text_add(t, s.ptr + from, s.len - from);
    text_add(t, "\"", 1);
}

void text_json_opt(struct text *t, struct belfry_str s)
{
    if (s.len > 0)
        text_json(t, s);
    else
        text_z(t, "null");
}

void text_time(struct text *t, int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    char out[48];
    gmtime_r(&seconds, &tm);
    int n = snprintf(out, sizeof(out), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1,
                     tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(ms % 1000));
    text_add(t, out, (size_t)n);
}

void text_json_time(struct text *t, int64_t ms)
{
    if (!ms) {
        text_z(t, "null");
        return;
    }
    text_add(t, "\"", 1);
    text_time(t, ms);
    text_add(t, "\"", 1);
}

static const char *html_escape(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void text_html(struct text *t, struct belfry_str s)
{
    size_t from = 0;
    for (size_t i = 0; i < s.len; i++) {
        const char *escape = html_escape(s.ptr[i]);
        if (!escape)
            continue;
        text_add(t, s.ptr + from, i - from);
        text_z(t, escape);
        from = i + 1;
    }
    if (s.len > from)
        text_add(t, s.ptr + from, s.len - from);
}

static void add_percent(struct text *t, unsigned char c)
{
    static const char digits[] = "0123456789ABCDEF";
    char out[3] = {'%', digits[c >> 4], digits[c & 15]};
    text_add(t, out, 3);
}

static int is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

void text_url(struct text *t, struct belfry_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (is_unreserved(s.ptr[i]))
            text_add(t, s.ptr + i, 1);
        else
            add_percent(t, (unsigned char)s.ptr[i]);
    }
}

void text_location(struct text *t, struct belfry_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c > 0x20 && c < 0x7f)
            text_add(t, s.ptr + i, 1);
        else
            add_percent(t, c);
    }
}

struct belfry_str text_view(const struct text *t)
{
    return (struct belfry_str){t->ptr, t->len};
}

void text_free(struct text *t)
{
    free(t->ptr);
    *t = (struct text){0};
}
