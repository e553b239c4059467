/* SPDX-License-Identifier: Apache-2.0 */
/* Private to this room: which files a configuration is made of, the digest of what was read, and their union. */
#ifndef CONFIG_INCLUDE_H
#define CONFIG_INCLUDE_H

#include "config/build.h"

struct config_includes {
    const char **paths;          /* in the order in which they are read */
    const struct yaml_node **at; /* the pattern that found each */
    size_t count, cap;
};

/* Finds the files of `include` (may be NULL), relative to the directory of the main file. Arrays in the build's arena.
 */
void config_find_includes(struct config_build *b, const char *main_path, const struct yaml_node *patterns,
                          struct config_includes *out);

struct config_digest {
    struct buf parts; /* one SHA-256 for each file */
};
void config_digest_init(struct config_digest *digest);
void config_digest_add(struct config_digest *digest, const char *name, struct belfry_str text);
void config_digest_end(struct config_digest *digest, uint8_t out[32]);

struct config_files {
    const struct yaml_node **roots; /* maps; NULL: an empty file, or one that could not be read */
    size_t count;
    int unread; /* a file, or part of one, could not be read */
};
/* Makes b->root of the sections of all files. */
void config_merge(struct config_build *b, const struct config_files *files);

#endif
