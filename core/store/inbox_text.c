/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Search without case in one person's texts. There is no index: an inbox has a few thousand short texts, and folding
 * them costs less than an index would at every insert. Most texts and needles are ASCII; those are compared byte by
 * byte. Everything else goes through ICU's full case folding ("STRASSE" finds "Straße"), which works on UTF-8 as it is.
 */
#include "store/inbox_match.h"

#include "base/str.h"

#include <stdint.h>
#include <string.h>
#include <unicode/ucasemap.h>

struct inbox_needle {
    UCaseMap *map; /* NULL when ICU has none: then ASCII alone is folded */
    char *text;    /* folded */
    size_t len;
    int ascii;  /* once folded: "ß" finds "SS" */
    char *room; /* for folded texts */
    size_t cap;
    struct arena *arena;
};

static char fold_ascii(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static int is_ascii(struct belfry_str s)
{
    size_t i = 0;
    for (uint64_t word; i + sizeof(word) <= s.len; i += sizeof(word)) {
        memcpy(&word, s.ptr + i, sizeof(word));
        if (word & UINT64_C(0x8080808080808080))
            return 0;
    }
    for (; i < s.len; i++)
        if ((unsigned char)s.ptr[i] > 127)
            return 0;
    return 1;
}

/* The text in folded form, in the needle's room. */
static struct belfry_str fold(struct inbox_needle *n, struct belfry_str text)
{
    size_t need = text.len * 3 + 1; /* the longest folding of a character is three times its bytes */
    if (n->cap < need) {
        n->cap = need * 2;
        n->room = arena_alloc(n->arena, n->cap);
    }
    UErrorCode status = U_ZERO_ERROR;
    int32_t len =
        n->map ? ucasemap_utf8FoldCase(n->map, n->room, (int32_t)n->cap, text.ptr, (int32_t)text.len, &status) : -1;
    if (n->map && U_SUCCESS(status))
        return str_slice(n->room, (size_t)len);
    for (size_t i = 0; i < text.len; i++)
        n->room[i] = fold_ascii(text.ptr[i]);
    return str_slice(n->room, text.len);
}

static void close_map(void *map)
{
    ucasemap_close(map);
}

struct inbox_needle *inbox_needle(struct arena *arena, struct belfry_str text)
{
    struct inbox_needle *n = arena_alloc(arena, sizeof(*n));
    n->arena = arena;
    UErrorCode status = U_ZERO_ERROR;
    n->map = ucasemap_open("", U_FOLD_CASE_DEFAULT, &status);
    if (U_FAILURE(status))
        n->map = NULL;
    if (n->map)
        arena_cleanup(arena, close_map, n->map);
    struct belfry_str folded = fold(n, text);
    n->text = arena_strndup(arena, folded.ptr, folded.len);
    n->len = folded.len;
    n->ascii = is_ascii(folded);
    return n;
}

/* Both ASCII: no copy is made. */
static int find_ascii(const struct inbox_needle *n, struct belfry_str text)
{
    char first = n->text[0];
    char other = first >= 'a' && first <= 'z' ? (char)(first - 32) : first;
    for (size_t i = 0; i + n->len <= text.len; i++) {
        if (text.ptr[i] != first && text.ptr[i] != other)
            continue;
        size_t j = 1;
        while (j < n->len && fold_ascii(text.ptr[i + j]) == n->text[j])
            j++;
        if (j == n->len)
            return 1;
    }
    return 0;
}

int inbox_needle_in(struct inbox_needle *n, struct belfry_str text)
{
    if (n->len == 0)
        return 1;
    if (is_ascii(text))
        return n->ascii && find_ascii(n, text);
    struct belfry_str folded = fold(n, text);
    return memmem(folded.ptr, folded.len, n->text, n->len) != NULL;
}
