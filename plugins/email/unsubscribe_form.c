/* SPDX-License-Identifier: Apache-2.0 */
/* As much of multipart as a form needs: between two delimiter lines stand a header, an empty line and the value. */
#include "unsubscribe_form.h"

#include <string.h>
#include <strings.h>

#define PARTS_MAX 100
#define BOUNDARY_MAX 70 /* RFC 2046, 5.1.1 */

/* The value of a parameter: `name=x`, `name="x"`, after a semicolon. Empty when there is none. */
static struct belfry_str parameter(struct belfry_str header, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i + 1 < header.len; i++) {
        if (header.ptr[i] != ';')
            continue;
        size_t at = i + 1;
        while (at < header.len && (header.ptr[at] == ' ' || header.ptr[at] == '\t'))
            at++;
        if (at + len + 1 > header.len || strncasecmp(header.ptr + at, name, len) != 0 || header.ptr[at + len] != '=')
            continue;
        at += len + 1;
        int quoted = at < header.len && header.ptr[at] == '"';
        size_t end = at += (size_t)quoted;
        while (end < header.len && !strchr(quoted ? "\"" : "; \t\r\n", header.ptr[end]))
            end++;
        return (struct belfry_str){header.ptr + at, end - at};
    }
    return (struct belfry_str){"", 0};
}

/* What stands before the next occurrence, and the rest behind it; 0 when there is none. */
static int cut(struct belfry_str *rest, struct belfry_str at, struct belfry_str *part)
{
    const char *found = rest->len ? memmem(rest->ptr, rest->len, at.ptr, at.len) : NULL;
    if (!found)
        return 0;
    *part = (struct belfry_str){rest->ptr, (size_t)(found - rest->ptr)};
    rest->len -= part->len + at.len;
    rest->ptr = found + at.len;
    return 1;
}

/* Content-Disposition among the lines of a part's header. */
static int is_named(struct belfry_str header, const char *name)
{
    static const char field[] = "Content-Disposition:";
    size_t len = sizeof(field) - 1;
    struct belfry_str line;
    struct belfry_str end = belfry_str("\r\n");
    while (header.len) {
        if (!cut(&header, end, &line)) {
            line = header;
            header.len = 0;
        }
        if (line.len <= len || strncasecmp(line.ptr, field, len) != 0)
            continue;
        struct belfry_str given = parameter(line, "name");
        return given.len == strlen(name) && memcmp(given.ptr, name, given.len) == 0;
    }
    return 0;
}

int unsubscribe_form_has(struct belfry_str content_type, struct belfry_str body, const char *name, const char *value)
{
    static const char type[] = "multipart/form-data";
    struct belfry_str boundary = parameter(content_type, "boundary"), part, header, rest;
    char text[BOUNDARY_MAX + 5];
    if (content_type.len < sizeof(type) - 1 || strncasecmp(content_type.ptr, type, sizeof(type) - 1) != 0 ||
        !boundary.len || boundary.len > BOUNDARY_MAX)
        return 0;
    memcpy(text, "\r\n--", 4);
    memcpy(text + 4, boundary.ptr, boundary.len);
    struct belfry_str delimiter = {text, boundary.len + 4}, first = {text + 2, boundary.len + 2};
    if (!cut(&body, first, &part))
        return 0;
    for (int i = 0; i < PARTS_MAX && cut(&body, delimiter, &part); i++) {
        rest = part;
        if (part.len >= 2 && cut(&rest, belfry_str("\r\n\r\n"), &header) && is_named(header, name) &&
            rest.len == strlen(value) && memcmp(rest.ptr, value, rest.len) == 0)
            return 1;
    }
    return 0;
}
