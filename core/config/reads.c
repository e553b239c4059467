/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rules read of the data of events. A source that keeps only what somebody asks for (belfry.rules/1) has to keep
 * that too: an event of tomorrow, whose trigger says little, is matched by it. So the paths are part of what such an
 * instance is made of, and one that was made for others is replaced.
 */
#include "config/build.h"
#include "match/match.h"

#include "base/crypto.h"

#include <belfry/host.h>

#include <stdlib.h>
#include <string.h>

struct paths {
    struct belfry_str *items;
    size_t count, cap;
};

/* data.record.fields.x or /data/record/fields/x */
static int of_data(struct belfry_str path)
{
    return (path.len > 5 && memcmp(path.ptr, "data.", 5) == 0) || (path.len > 6 && memcmp(path.ptr, "/data/", 6) == 0);
}

static void take(struct config_build *b, struct paths *paths, const struct belfry_condition *condition)
{
    size_t count = 0;
    const struct belfry_str *read = condition ? match_paths(condition, &count) : NULL;
    for (size_t i = 0; i < count; i++) {
        if (!of_data(read[i]))
            continue;
        if (paths->count == paths->cap) {
            size_t cap = paths->cap ? paths->cap * 2 : 16;
            struct belfry_str *grown = arena_alloc(b->arena, cap * sizeof(*grown));
            if (paths->count)
                memcpy(grown, paths->items, paths->count * sizeof(*grown));
            paths->items = grown;
            paths->cap = cap;
        }
        paths->items[paths->count++] = read[i];
    }
}

static int by_bytes(const void *a, const void *b)
{
    return str_cmp(*(const struct belfry_str *)a, *(const struct belfry_str *)b);
}

static void sort_once(struct paths *paths)
{
    size_t kept = 0;
    if (paths->count)
        qsort(paths->items, paths->count, sizeof(*paths->items), by_bytes);
    for (size_t i = 0; i < paths->count; i++)
        if (i == 0 || !str_eq(paths->items[i], paths->items[kept - 1]))
            paths->items[kept++] = paths->items[i];
    paths->count = kept;
}

static int needs_rules(const struct config_instance *instance)
{
    const char *const *need = instance->plugin ? instance->plugin->desc.needs : NULL;
    while (need && *need && strcmp(*need, BELFRY_EXT_RULES) != 0)
        need++;
    return need && *need;
}

static void give(struct config_instance *instance, const struct paths *paths)
{
    instance->reads = (struct belfry_strs){paths->items, paths->count};
    for (size_t i = 0; i < paths->count; i++) {
        uint8_t digest[32];
        uint64_t mixed;
        sha256(paths->items[i].ptr, paths->items[i].len, digest);
        memcpy(&mixed, digest, sizeof(mixed));
        instance->hash = (instance->hash ^ mixed) * UINT64_C(1099511628211);
    }
}

void config_build_reads(struct config_build *b)
{
    struct paths paths = {0};
    for (size_t i = 0; i < b->config->rule_count; i++) {
        take(b, &paths, b->config->rules[i].when);
        take(b, &paths, b->config->rules[i].but);
    }
    sort_once(&paths);
    for (size_t i = 0; i < b->config->source_count; i++)
        if (needs_rules(&b->config->sources[i]))
            give((struct config_instance *)(uintptr_t)&b->config->sources[i], &paths);
}
