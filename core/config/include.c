/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `include`: patterns of file names, each relative to the main file. Files of one pattern are read in byte order, so
 * the order does not depend on the locale. Hidden files and files that are not *.yaml are left alone with a note: an
 * editor's leftover must not stop the hub, and a file that was meant to count must not be forgotten.
 */
#include "config/include.h"

#include "base/crypto.h"
#include "base/mem.h"

#include <dirent.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>

#define INCLUDE_MAX 1000

/* --- digest ------------------------------------------------------------------------------------------------------ */

void config_digest_init(struct config_digest *digest)
{
    *digest = (struct config_digest){{0}};
}

void config_digest_add(struct config_digest *digest, const char *name, struct belfry_str text)
{
    uint8_t one[32];
    sha256(name, strlen(name), one);
    buf_add(&digest->parts, one, sizeof(one));
    sha256(text.ptr ? text.ptr : "", text.len, one);
    buf_add(&digest->parts, one, sizeof(one));
}

void config_digest_end(struct config_digest *digest, uint8_t out[32])
{
    sha256(digest->parts.ptr, digest->parts.len, out);
    buf_free(&digest->parts);
}

/* --- names ------------------------------------------------------------------------------------------------------- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int is_config_name(const char *name)
{
    return name[0] != '.' && str_has_suffix(str_of(name), STR(".yaml"));
}

/* Hidden, or *.yml, *.yaml~, *.yaml.bak: the name of something that may have been meant. */
static int is_near_config_name(const char *name)
{
    return strstr(name, ".yaml") != NULL || strstr(name, ".yml") != NULL;
}

static int is_regular(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

static int is_same_file(const char *a, const char *c)
{
    struct stat sa, sc;
    return stat(a, &sa) == 0 && stat(c, &sc) == 0 && sa.st_dev == sc.st_dev && sa.st_ino == sc.st_ino;
}

/* --- taking and leaving ------------------------------------------------------------------------------------------ */

struct finder {
    struct config_build *b;
    const char *main_path;
    const char *dir; /* of the main file, "" or ending in '/' */
    struct config_includes *out;
    struct hash *noted; /* paths that a note was made of */
};

static int is_taken(const struct finder *f, const char *path)
{
    for (size_t i = 0; i < f->out->count; i++) {
        if (strcmp(f->out->paths[i], path) == 0 || is_same_file(f->out->paths[i], path))
            return 1;
    }
    return 0;
}

static void take(struct finder *f, const char *path, const struct yaml_node *at)
{
    struct config_includes *out = f->out;
    if (out->count == out->cap) {
        size_t cap = out->cap ? out->cap * 2 : 16;
        const char **paths = arena_alloc(f->b->arena, cap * sizeof(*paths));
        const struct yaml_node **places = arena_alloc(f->b->arena, cap * sizeof(*places));
        if (out->count) {
            memcpy(paths, out->paths, out->count * sizeof(*paths));
            memcpy(places, out->at, out->count * sizeof(*places));
        }
        out->paths = paths;
        out->at = places;
        out->cap = cap;
    }
    out->at[out->count] = at;
    out->paths[out->count++] = arena_strdup(f->b->arena, path);
}

static void note_ignored(struct finder *f, const char *path, const struct yaml_node *at)
{
    if (hash_get(f->noted, str_of(path)))
        return;
    hash_set(f->noted, str_of(path), f);
    struct diag *d = config_note(f->b, "H120", at, "`%s` is ignored", config_show(f->b, str_of(base_name(path))));
    diag_help(f->b->diags, d, base_name(path)[0] == '.' ? "hidden files are not read" : "only *.yaml files are read");
}

static int by_name(const struct dirent **a, const struct dirent **c)
{
    return strcmp((*a)->d_name, (*c)->d_name);
}

/* Files beside those that a pattern names. The main file's own directory holds other things; there only names count
 * that look like configuration. */
static void note_siblings(struct finder *f, const char *pattern, const struct yaml_node *at)
{
    char *dir = xstrndup(pattern, (size_t)(base_name(pattern) - pattern));
    struct dirent **entries = NULL;
    int count = strpbrk(dir, "*?[") ? 0 : scandir(*dir ? dir : ".", &entries, NULL, by_name);
    int own = strcmp(dir, f->dir) == 0;
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        char *path = xasprintf("%s%s", dir, name);
        if (!is_config_name(name) && (!own || is_near_config_name(name)) && is_regular(path))
            note_ignored(f, path, at);
        free(path);
        free(entries[i]);
    }
    free(entries);
    free(dir);
}

static int by_path(const void *a, const void *c)
{
    return strcmp(*(char *const *)a, *(char *const *)c);
}

static void expand(struct finder *f, const struct yaml_node *at)
{
    struct config_build *b = f->b;
    char *pattern =
        at->text.ptr[0] == '/' ? xstrndup(at->text.ptr, at->text.len) : xasprintf("%s%.*s", f->dir, STR_ARG(at->text));
    glob_t found;
    int failed = strlen(pattern) != (at->text.ptr[0] == '/' ? 0 : strlen(f->dir)) + at->text.len
                     ? GLOB_NOMATCH
                     : glob(pattern, GLOB_NOSORT, NULL, &found);
    if (failed == 0) {
        qsort(found.gl_pathv, found.gl_pathc, sizeof(*found.gl_pathv), by_path);
        for (size_t i = 0; i < found.gl_pathc; i++) {
            const char *path = found.gl_pathv[i];
            if (!is_regular(path) || is_same_file(path, f->main_path))
                continue;
            if (!is_config_name(base_name(path)))
                note_ignored(f, path, at);
            else if (f->out->count < INCLUDE_MAX && !is_taken(f, path))
                take(f, path, at);
        }
        globfree(&found);
    } else if (failed != GLOB_NOMATCH) {
        config_error(b, "H701", at, "the files of `%s` cannot be listed", config_show(b, at->text));
    } else if (!strpbrk(pattern, "*?[")) {
        config_note(b, "H701", at, "there is no file `%s`", config_show(b, at->text));
    }
    note_siblings(f, pattern, at);
    free(pattern);
}

void config_find_includes(struct config_build *b, const char *main_path, const struct yaml_node *patterns,
                          struct config_includes *out)
{
    const struct yaml_node *const *items;
    struct finder f = {.b = b, .main_path = main_path, .out = out};
    size_t count = config_items(&patterns, &items);
    if (patterns && patterns->kind == YAML_MAP) {
        config_error(b, "H210", patterns, "`include` must be a list of patterns, not a map");
        return;
    }
    if (count == 0)
        return;
    f.dir = arena_strndup(b->arena, main_path, (size_t)(base_name(main_path) - main_path));
    f.noted = hash_new();
    for (size_t i = 0; i < count; i++) {
        if (config_is_text(items[i]) && !memmem(items[i]->text.ptr, items[i]->text.len, "${", 2))
            expand(&f, items[i]);
        else
            config_error(b, "H203", items[i], "an item of `include` must be the name or pattern of a file, not %s",
                         config_is_text(items[i]) ? "a reference to a secret"
                                                  : yaml_describe(diag_arena(b->diags), items[i]));
    }
    hash_free(f.noted, NULL);
}
