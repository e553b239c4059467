/* SPDX-License-Identifier: Apache-2.0 */
/* Where plugins are: BELFRY_PLUGIN_PATH, then hub.plugin_path, then the directory of the installation. */
#include "base/mem.h"
#include "base/str.h"
#include "plugin/internal.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef BELFRY_PLUGIN_DIR
#define BELFRY_PLUGIN_DIR "/usr/local/lib/belfry/plugins"
#endif

/* fn(arg, directory) for each directory of the path, until it returns 1. */
static int each_directory(const char *search, int (*fn)(void *arg, const char *directory), void *arg)
{
    const char *const lists[] = {getenv("BELFRY_PLUGIN_PATH"), search, BELFRY_PLUGIN_DIR};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        struct belfry_str rest = str_of(lists[i]);
        while (rest.len) {
            struct belfry_str one = str_cut(rest, ':', &rest);
            char *directory = xstrndup(one.ptr, one.len);
            int stop = one.len && fn(arg, directory);
            free(directory);
            if (stop)
                return 1;
        }
    }
    return 0;
}

struct finding {
    struct arena *arena;
    const char *id;
    const char *path;
};

static int find_in(void *arg, const char *directory)
{
    struct finding *f = arg;
    const char *path = arena_printf(f->arena, "%s/%s.so", directory, f->id);
    if (access(path, F_OK) != 0)
        return 0;
    f->path = path;
    return 1;
}

const char *plugin_find(struct arena *arena, const char *search, const char *id)
{
    struct finding f = {arena, id, NULL};
    if (!*id || strchr(id, '/') || *id == '.')
        return NULL;
    each_directory(search, find_in, &f);
    return f.path;
}

struct listing {
    struct arena *arena;
    const char **ids;
    size_t count, cap;
};

static int list_in(void *arg, const char *directory)
{
    struct listing *l = arg;
    DIR *dir = opendir(directory);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        const char *id = *entry->d_name == '.' ? NULL : plugin_id_of(l->arena, entry->d_name);
        if (!id)
            continue;
        l->ids = xgrow(l->ids, &l->cap, l->count + 1, sizeof(*l->ids));
        l->ids[l->count++] = id;
    }
    if (dir)
        closedir(dir);
    return 0;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

size_t plugin_list(struct arena *arena, const char *search, const char *const **ids)
{
    struct listing l = {arena, NULL, 0, 0};
    size_t kept = 0;
    each_directory(search, list_in, &l);
    if (l.count)
        qsort(l.ids, l.count, sizeof(*l.ids), compare);
    for (size_t i = 0; i < l.count; i++)
        if (kept == 0 || strcmp(l.ids[kept - 1], l.ids[i]) != 0)
            l.ids[kept++] = l.ids[i];
    *ids = kept ? arena_memdup(arena, l.ids, kept * sizeof(*l.ids)) : NULL;
    free(l.ids);
    return kept;
}
