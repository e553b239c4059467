/* SPDX-License-Identifier: Apache-2.0 */
/* Slices: comparing, cutting, UTF-8. Character classes are ASCII: the locale has no say in a configuration or a
 * protocol. */
#include "base/str.h"

#include <strings.h>

int str_among(struct belfry_str s, const struct belfry_strs *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (str_eq(list->items[i], s))
            return 1;
    return 0;
}

int str_cmp(struct belfry_str a, struct belfry_str b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common > 0 ? memcmp(a.ptr, b.ptr, common) : 0;
    if (order != 0)
        return order < 0 ? -1 : 1;
    return (a.len > b.len) - (a.len < b.len);
}

int str_has_prefix(struct belfry_str s, struct belfry_str prefix)
{
    return s.len >= prefix.len && str_eq(str_slice(s.ptr, prefix.len), prefix);
}

int str_has_suffix(struct belfry_str s, struct belfry_str suffix)
{
    if (s.len < suffix.len || suffix.len == 0)
        return suffix.len == 0;
    return memcmp(s.ptr + (s.len - suffix.len), suffix.ptr, suffix.len) == 0;
}

struct belfry_str str_cut(struct belfry_str s, char sep, struct belfry_str *rest)
{
    const char *at = s.len > 0 ? memchr(s.ptr, sep, s.len) : NULL;
    if (!at) {
        *rest = (struct belfry_str){0};
        return s;
    }
    size_t before = (size_t)(at - s.ptr);
    *rest = str_slice(at + 1, s.len - before - 1);
    return str_slice(s.ptr, before);
}

static int is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct belfry_str str_trim(struct belfry_str s)
{
    while (s.len > 0 && is_space(s.ptr[s.len - 1]))
        s.len--;
    while (s.len > 0 && is_space(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    return s;
}

/* Length in bytes of the well-formed sequence at p (RFC 3629 section 4), 0 when it is malformed. */
static size_t utf8_sequence(const unsigned char *p, size_t left, uint32_t *out)
{
    static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char lead = p[0];
    size_t len = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (len == 0 || len > left)
        return 0;
    uint32_t point = len == 1 ? lead : lead & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        point = point << 6 | (p[i] & 0x3f);
    }
    if (point < smallest[len] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        return 0;
    *out = point;
    return len;
}

int str_utf8_valid(struct belfry_str s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    for (size_t i = 0; i < s.len;) {
        uint64_t word;
        if (s.len - i >= sizeof(word)) {
            memcpy(&word, p + i, sizeof(word));
            if ((word & UINT64_C(0x8080808080808080)) == 0) {
                i += sizeof(word);
                continue;
            }
        }
        uint32_t point;
        size_t len = utf8_sequence(p + i, s.len - i, &point);
        if (len == 0)
            return 0;
        i += len;
    }
    return 1;
}

uint32_t str_utf8_next(struct belfry_str s, size_t *pos)
{
    uint32_t point = 0xfffd;
    if (*pos >= s.len)
        return point;
    size_t len = utf8_sequence((const unsigned char *)s.ptr + *pos, s.len - *pos, &point);
    *pos += len ? len : 1;
    return point;
}

int str_is_language(struct belfry_str tag, const char *language)
{
    struct belfry_str rest, primary = str_cut(tag, '-', &rest);
    return primary.len > 0 && primary.len == strlen(language) && strncasecmp(primary.ptr, language, primary.len) == 0;
}
