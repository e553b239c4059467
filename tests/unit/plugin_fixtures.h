/* SPDX-License-Identifier: Apache-2.0 */
/* Where the fixture modules are: BELFRY_TEST_PLUGINS, or where the build puts them. */
#ifndef TEST_PLUGIN_FIXTURES_H
#define TEST_PLUGIN_FIXTURES_H

#include <stdio.h>
#include <stdlib.h>

static inline const char *fixtures_dir(void)
{
    const char *dir = getenv("BELFRY_TEST_PLUGINS");
    return dir && *dir ? dir : "./tests/plugins/.libs";
}

/* The path of a fixture; good until the fourth next call. */
static inline const char *fixture(const char *name)
{
    static char paths[4][4096];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s.so", fixtures_dir(), name);
    return path;
}

#endif
