/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing is copied until the end, so a field may be as long as the message. */
#include "bounce_scan.h"

#include <string.h>
#include <strings.h>

struct belfry_str scan_trim(struct belfry_str s)
{
    while (s.len && strchr(" \t\r\n", s.ptr[0]) && s.ptr[0])
        s.ptr++, s.len--;
    while (s.len && s.ptr[s.len - 1] && strchr(" \t\r\n", s.ptr[s.len - 1]))
        s.len--;
    return s;
}

int scan_is(struct belfry_str s, const char *word)
{
    return s.len == strlen(word) && strncasecmp(s.ptr, word, s.len) == 0;
}

struct belfry_str scan_before(struct belfry_str s, char separator)
{
    const char *at = s.len ? memchr(s.ptr, separator, s.len) : NULL;
    return scan_trim((struct belfry_str){s.ptr, at ? (size_t)(at - s.ptr) : s.len});
}

struct belfry_str scan_behind(struct belfry_str s, char separator)
{
    const char *at = s.len ? memchr(s.ptr, separator, s.len) : NULL;
    return at ? scan_trim((struct belfry_str){at + 1, s.len - (size_t)(at + 1 - s.ptr)})
              : (struct belfry_str){s.ptr, 0};
}

struct belfry_str scan_line(struct belfry_str *text)
{
    const char *end = memchr(text->ptr, '\n', text->len);
    size_t len = end ? (size_t)(end - text->ptr) : text->len, whole = end ? len + 1 : len;
    struct belfry_str line = {text->ptr, len};
    if (line.len && line.ptr[line.len - 1] == '\r')
        line.len--;
    text->ptr += whole;
    text->len -= whole;
    return line;
}

int scan_field(struct belfry_str *text, struct belfry_str *name, struct belfry_str *value)
{
    if (!text->len)
        return 0;
    struct belfry_str line = scan_line(text);
    if (!line.len)
        return 0;
    const char *end = line.ptr + line.len;
    while (text->len && (text->ptr[0] == ' ' || text->ptr[0] == '\t')) {
        struct belfry_str more = scan_line(text);
        end = more.ptr + more.len;
    }
    struct belfry_str whole = {line.ptr, (size_t)(end - line.ptr)};
    *name = scan_before(whole, ':');
    *value = scan_behind(whole, ':');
    return 1;
}

void scan_copy(struct belfry_str from, char *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < from.len && n + 1 < size; i++) {
        char c = from.ptr[i];
        int blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
        if (blank && (n == 0 || out[n - 1] == ' '))
            continue;
        out[n++] = (char)(blank ? ' ' : c > ' ' && c <= '~' ? c : '?');
    }
    while (n && out[n - 1] == ' ')
        n--;
    out[n] = 0;
}
