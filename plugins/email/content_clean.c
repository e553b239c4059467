/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts that come from outside, made fit for where they go: a header has one line, HTML has markup. Titles are clean
 * when an event is stored; what a template puts together from data is not, so it is cleaned here.
 */
#include "content_inside.h"

#include <stdlib.h>
#include <string.h>

/* --- one line ----------------------------------------------------------------------------------------------------- */

/* Bytes of the character at s; texts are UTF-8 by the time they are here. */
static size_t width(const unsigned char *s, size_t left)
{
    size_t n = *s < 0x80 ? 1 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : 4;
    return n < left ? n : left;
}

/* C0, DEL and the blank; C1; U+2028 and U+2029. */
static int is_blank(const unsigned char *s, size_t n)
{
    if (n == 1)
        return *s <= 0x20 || *s == 0x7f;
    return (n == 2 && s[0] == 0xc2 && s[1] < 0xa0) ||
           (n == 3 && s[0] == 0xe2 && s[1] == 0x80 && (s[2] == 0xa8 || s[2] == 0xa9));
}

/* U+061C, U+200E and U+200F, U+202A to U+202E, U+2066 to U+2069: they turn the order of what stands beside them. */
static int is_bidi(const unsigned char *s, size_t n)
{
    if (n == 2)
        return s[0] == 0xd8 && s[1] == 0x9c;
    if (n != 3 || s[0] != 0xe2)
        return 0;
    return (s[1] == 0x80 && (s[2] == 0x8e || s[2] == 0x8f || (s[2] >= 0xaa && s[2] <= 0xae))) ||
           (s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9);
}

char *content_line(struct belfry_str text)
{
    char *out = malloc(text.len + 4), *end = out, *last = out; /* last: where the ellipsis goes */
    size_t characters = 0, gap = 0;
    if (!out)
        return NULL;
    for (size_t i = 0, n; i < text.len; i += n) {
        const unsigned char *s = (const unsigned char *)text.ptr + i;
        n = width(s, text.len - i);
        if (is_bidi(s, n))
            continue;
        if (is_blank(s, n)) {
            gap = end > out;
            continue;
        }
        if (characters + gap + 1 > CONTENT_LINE_MAX) {
            memcpy(last, "\xe2\x80\xa6", 3);
            end = last + 3;
            break;
        }
        if (gap)
            *end++ = ' ';
        memcpy(end, s, n);
        characters += gap + 1;
        end += n;
        gap = 0;
        if (characters < CONTENT_LINE_MAX)
            last = end;
    }
    *end = '\0';
    return out;
}

/* --- cutting ------------------------------------------------------------------------------------------------------ */

json_t *content_cut(struct belfry_str text, size_t most)
{
    if (text.len <= most)
        return json_stringn(text.len ? text.ptr : "", text.len);
    size_t len = most > 3 ? most - 3 : 0;
    while (len > 0 && ((unsigned char)text.ptr[len] & 0xc0) == 0x80)
        len--;
    char *copy = malloc(len + 3);
    if (!copy)
        return json_string("");
    memcpy(copy, text.ptr, len);
    memcpy(copy + len, "\xe2\x80\xa6", 3);
    json_t *made = json_stringn(copy, len + 3);
    free(copy);
    return made;
}

/* --- HTML of a text ----------------------------------------------------------------------------------------------- */

struct html {
    char *ptr;
    size_t len, cap;
    int failed;
};

static void add(struct html *h, const char *bytes, size_t len)
{
    if (h->len + len + 1 > h->cap) {
        size_t cap = (h->len + len + 1) * 2;
        char *grown = h->failed ? NULL : realloc(h->ptr, cap);
        if (!grown) {
            h->failed = 1;
            return;
        }
        h->ptr = grown;
        h->cap = cap;
    }
    memcpy(h->ptr + h->len, bytes, len);
    h->len += len;
    h->ptr[h->len] = '\0';
}

static void add_z(struct html *h, const char *text)
{
    add(h, text, strlen(text));
}

static void add_escaped(struct html *h, const char *bytes, size_t len)
{
    static const char special[] = "&<>\"'";
    static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
    for (size_t i = 0; i < len; i++) {
        const char *found = bytes[i] ? strchr(special, bytes[i]) : NULL;
        if (found)
            add_z(h, entities[found - special]);
        else
            add(h, bytes + i, 1);
    }
}

/* Length of the address among links that begins here and ends here too; 0: none does. */
static size_t link_at(struct belfry_str rest, const struct belfry_str *links, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t n = links[i].len;
        if (n && rest.len >= n && memcmp(rest.ptr, links[i].ptr, n) == 0 &&
            (rest.len == n || strchr(" \n\t.,;)", rest.ptr[n])))
            return n;
    }
    return 0;
}

static void add_line(struct html *h, struct belfry_str line, const struct belfry_str *links, size_t count)
{
    size_t plain = 0;
    for (size_t i = 0; i < line.len;) {
        size_t n = link_at((struct belfry_str){line.ptr + i, line.len - i}, links, count);
        if (!n) {
            i++;
            continue;
        }
        add_escaped(h, line.ptr + plain, i - plain);
        add_z(h, "<a href=\"");
        add_escaped(h, line.ptr + i, n);
        add_z(h, "\">");
        add_escaped(h, line.ptr + i, n);
        add_z(h, "</a>");
        plain = i += n;
    }
    add_escaped(h, line.ptr + plain, line.len - plain);
}

char *content_html(struct belfry_str text, const struct belfry_str *links, size_t count)
{
    struct html h = {0};
    int open = 0;
    add_z(&h, "");
    for (size_t i = 0; i < text.len;) {
        const char *eol = memchr(text.ptr + i, '\n', text.len - i);
        size_t n = eol ? (size_t)(eol - text.ptr) - i : text.len - i;
        if (n > 0) {
            add_z(&h, open ? "<br>\n" : "<p style=\"margin:0 0 12px\">");
            add_line(&h, (struct belfry_str){text.ptr + i, n}, links, count);
        } else if (open) {
            add_z(&h, "</p>\n");
        }
        open = n > 0;
        i += n + 1;
    }
    if (open)
        add_z(&h, "</p>\n");
    if (h.failed) {
        free(h.ptr);
        return NULL;
    }
    return h.ptr;
}
