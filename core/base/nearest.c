/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "Did you mean": the optimal string alignment distance, which counts an insertion, a deletion, a substitution and a
 * swap of neighbours as one each. Three rows of the table are enough, since a swap looks back two rows.
 */
#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t min = a < b ? a : b;
    return min < c ? min : c;
}

size_t str_distance(struct belfry_str a, struct belfry_str b)
{
    size_t width = b.len + 1;
    size_t *rows = xcalloc(width, 3 * sizeof(*rows));
    size_t *two_up = rows, *up = rows + width, *row = rows + 2 * width;
    for (size_t j = 0; j < width; j++)
        up[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t change = a.ptr[i - 1] != b.ptr[j - 1];
            row[j] = min3(up[j] + 1, row[j - 1] + 1, up[j - 1] + change);
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1] &&
                two_up[j - 2] + 1 < row[j])
                row[j] = two_up[j - 2] + 1;
        }
        size_t *spare = two_up;
        two_up = up;
        up = row;
        row = spare;
    }
    size_t distance = up[b.len];
    free(rows);
    return distance;
}

/* `visible` for visible_to, `monday` for mon. */
static const char *only_prefix(struct belfry_str word, const char *const *candidates, size_t count)
{
    const char *found = NULL;
    for (size_t i = 0; i < count; i++) {
        struct belfry_str candidate = str_of(candidates[i]);
        int both = str_has_prefix(candidate, word) || str_has_prefix(word, candidate);
        if (!both || word.len < 3 || candidate.len < 3)
            continue;
        if (found)
            return NULL;
        found = candidates[i];
    }
    return found;
}

const char *str_nearest(struct belfry_str word, const char *const *candidates, size_t count)
{
    const char *best = NULL;
    size_t best_distance = word.len / 3 > 1 ? word.len / 3 : 1;
    for (size_t i = 0; i < count; i++) {
        struct belfry_str candidate = str_of(candidates[i]);
        /* A difference in length is a lower bound, and keeps a long word from being compared at length. */
        size_t gap = candidate.len > word.len ? candidate.len - word.len : word.len - candidate.len;
        if (gap > best_distance)
            continue;
        size_t distance = str_distance(word, candidate);
        if (best ? distance < best_distance : distance <= best_distance) {
            best = candidates[i];
            best_distance = distance;
        }
    }
    return best ? best : only_prefix(word, candidates, count);
}
