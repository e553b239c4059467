/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files: the main file and those of its `include`. Every file is read and every one reports, whatever is wrong with the
 * others; their top level is checked here, the rest by the sections once the files are one tree.
 */
#include "config/include.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_MAX ((size_t)(1 << 20) + 1) /* one byte more than a file may have: the reader of YAML says so */

const char *const config_sections[SECTION_COUNT + 1] = {
    "version", "include",  "hub",       "auth",  "orgs",      "categories",
    "sources", "channels", "schedules", "rules", "unmatched", "retention",
};

/* --- one file ---------------------------------------------------------------------------------------------------- */

/* NULL, or what is wrong. */
static const char *read_fd(int fd, struct buf *out)
{
    while (out->len < READ_MAX) {
        size_t want = READ_MAX - out->len < 65536 ? READ_MAX - out->len : 65536;
        ssize_t n = read(fd, buf_reserve(out, want), want);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return strerror(errno);
        if (n == 0)
            break;
        out->len += (size_t)n;
    }
    return NULL;
}

static const char *read_path(const char *path, struct buf *out)
{
    struct stat st;
    if (strcmp(path, "-") == 0)
        return read_fd(STDIN_FILENO, out);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return strerror(errno);
    const char *wrong = fstat(fd, &st) != 0 ? strerror(errno) : S_ISDIR(st.st_mode) ? "is a directory" : NULL;
    if (!wrong)
        wrong = read_fd(fd, out);
    close(fd);
    return wrong;
}

/* Reads and parses a file. NULL when nothing of it could be read. at: where it is included; NULL for the main file. */
static const struct yaml_node *read_file(struct config_build *b, struct config_digest *digest, const char *path,
                                         const struct yaml_node *at, uint32_t *index)
{
    struct buf text = {0};
    const char *name = strcmp(path, "-") == 0 ? "<stdin>" : path;
    const char *wrong = read_path(path, &text);
    *index = diag_add_file(b->diags, name, buf_str(&text));
    if (wrong && at)
        config_error(b, "H701", at, "`%s` cannot be read: %s", config_show(b, str_of(name)), wrong);
    else if (wrong)
        diag_add(b->diags, "H701", DIAG_ERROR, diag_span_at(b->diags, *index, 0, 0), "the file cannot be read: %s",
                 wrong);
    config_digest_add(digest, name, buf_str(&text));
    buf_free(&text);
    return wrong ? NULL : yaml_load(b->arena, b->diags, *index);
}

/* --- top level --------------------------------------------------------------------------------------------------- */

static int is_section(struct belfry_str key)
{
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        if (str_eqz(key, config_sections[i]))
            return 1;
    }
    return 0;
}

static const char *const top_foreign[][2] = {
    {"route", "rules are a flat list under `rules`"},
    {"routes", "rules are a flat list under `rules`"},
    {"receivers", "where notifications go is under `channels`"},
    {"recipients", "people are under `orgs`: `orgs: {acme: {users: {ann: {}}}}`"},
    {"users", "people belong to an org: `orgs: {acme: {users: {ann: {}}}}`"},
    {"tokens", "tokens are under `auth`"},
    {"jwt", "keys that sign for people are under `auth`"},
    {"listen", "it belongs under `hub`"},
    {"data_dir", "it belongs under `hub`"},
    {"public_url", "it belongs under `hub`"},
    {"timezone", "it belongs under `hub`, or to an org or a person"},
    {"plugins",
     "a plugin is named by the `plugin` of each source and channel; where they are found is `hub.plugin_path`"},
    {"templates", "texts belong to the sources' own options"},
    {"default", "what no rule matches is under `unmatched`"},
    {NULL, NULL},
};

static void check_top_keys(struct config_build *b, const struct yaml_node *map)
{
    const char *known[32];
    size_t foreign = config_foreign_keys(b, map, top_foreign, known, 32);
    for (size_t i = 0; i < map->count; i++) {
        const struct yaml_node *key = map->pairs[i].key;
        int said = 0;
        for (size_t k = 0; k < foreign; k++)
            said |= str_eqz(key->text, known[k]);
        if (said || is_section(key->text) || str_has_prefix(key->text, STR("x-")))
            continue;
        struct diag *d = config_error(b, "H201", key, "unknown key `%s`", config_show(b, key->text));
        d->path = yaml_path(diag_arena(b->diags), map->pairs[i].value);
        diag_suggest(b->diags, d, config_nearest(b, key->text, config_sections, SECTION_COUNT));
        diag_help(b->diags, d, "keys of the top level: %s", config_join(b, config_sections, SECTION_COUNT));
    }
}

static void check_version(struct config_build *b, const struct yaml_node *map, int main_file)
{
    const struct yaml_node *version = yaml_get(map, "version");
    if (!version) {
        if (main_file && !map->partial)
            diag_help(b->diags, config_file_error(b, "H202", "the key `version` is missing"),
                      "begin the file with `version: 1`");
        return;
    }
    if (version->kind == YAML_SCALAR && version->scalar == YAML_INT && str_eqz(version->text, "1"))
        return;
    struct diag *d =
        config_error(b, "H204", version, "`version` must be 1, not %s", yaml_describe(diag_arena(b->diags), version));
    if (version->kind == YAML_SCALAR && str_eqz(version->text, "1"))
        diag_suggest(b->diags, d, "1");
}

/* A file's root as a map, or NULL. An empty file is an empty map. */
static const struct yaml_node *root_map(struct config_build *b, const struct yaml_node *root)
{
    if (!root || root->kind == YAML_MAP)
        return root;
    if (root->kind == YAML_SCALAR && root->scalar == YAML_NULL)
        return NULL;
    struct diag *d = config_error(b, "H210", root, "a configuration must be a map, not %s",
                                  yaml_describe(diag_arena(b->diags), root));
    diag_help(b->diags, d, "it begins with `version: 1`");
    return NULL;
}

/* --- all files --------------------------------------------------------------------------------------------------- */

static void take_root(struct config_build *b, struct config_files *files, const struct yaml_node *root, int main_file)
{
    const struct yaml_node *map = root_map(b, root);
    files->roots[files->count++] = map;
    b->unread |= !root;
    files->unread |=
        !root || (root->kind == YAML_MAP && root->partial) || (root->kind != YAML_MAP && !config_is_nothing(root));
    yaml_substitute(b->arena, b->diags, root, b->mode == CONFIG_RUN ? YAML_SECRETS_REQUIRE : YAML_SECRETS_SKIP);
    if (!map)
        return;
    check_top_keys(b, map);
    check_version(b, map, main_file);
    if (!main_file && yaml_pair(map, "include")) {
        struct diag *d = config_error(b, "H201", yaml_pair(map, "include")->key, "`include` in an included file");
        diag_help(b->diags, d, "only the main file includes others; add the pattern there");
    }
}

int config_read(struct config_build *b, const char *path)
{
    struct config_digest digest;
    struct config_includes includes = {0};
    struct config_files files = {0};
    uint32_t index;
    config_digest_init(&digest);
    const struct yaml_node *main_root = read_file(b, &digest, path, NULL, &b->main_file);
    if (main_root)
        config_find_includes(b, path, yaml_get(main_root, "include"), &includes);
    files.roots = arena_alloc(b->arena, (includes.count + 1) * sizeof(*files.roots));
    take_root(b, &files, main_root, 1);
    for (size_t i = 0; i < includes.count; i++)
        take_root(b, &files, read_file(b, &digest, includes.paths[i], includes.at[i], &index), 0);
    config_digest_end(&digest, b->config->sha256);
    config_merge(b, &files);
    if (main_root && config_is_nothing(main_root)) {
        struct diag *d = config_file_error(b, "H202", "the file says nothing");
        diag_help(b->diags, d, "a configuration has at least `version`, `orgs` and `unmatched`");
        return -1;
    }
    return main_root ? 0 : -1;
}
