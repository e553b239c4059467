/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the hub takes for a link: http or https with a host, or a path of its own, which has no doubled slash because
 * browsers read one as another host. It is judged where it is said, also when nobody is told at the time: a record that
 * kept a link which no event may have could not be spoken of any more.
 */
#include "link.h"

#include <string.h>
#include <strings.h>

#define LINK_MAX 2048

static int has_unsafe(struct belfry_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i], next = i + 1 < s.len ? (unsigned char)s.ptr[i + 1] : 0xff;
        if (c <= 0x20 || c == 0x7f || c == '\\' || (c == 0xc2 && next < 0xa0))
            return 1;
    }
    return 0;
}

/* Bytes before the first of the characters in `set`. */
static size_t span(const char *p, const char *end, const char *set)
{
    const char *from = p;
    while (p < end && !(*p && strchr(set, *p)))
        p++;
    return (size_t)(p - from);
}

static int has_host(const char *p, const char *end)
{
    end = p + span(p, end, "/?#");
    const char *at = p < end ? memrchr(p, '@', (size_t)(end - p)) : NULL;
    p = at ? at + 1 : p;
    if (p < end && *p == '[') {
        const char *close = memchr(p, ']', (size_t)(end - p));
        return close && close > p + 1;
    }
    return span(p, end, ":") > 0;
}

int workflow_is_link(struct belfry_str link)
{
    if (link.len == 0 || link.len > LINK_MAX || has_unsafe(link))
        return 0;
    const char *p = link.ptr, *end = link.ptr + link.len;
    if (link.len > 7 && strncasecmp(p, "http://", 7) == 0)
        return has_host(p + 7, end);
    if (link.len > 8 && strncasecmp(p, "https://", 8) == 0)
        return has_host(p + 8, end);
    return *p == '/' && !memmem(p, span(p, end, "?#"), "//", 2);
}
