/* SPDX-License-Identifier: Apache-2.0 */
/* A data directory of its own, a virtual clock, and the store in it. */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/sql.h"
#include "store/store.h"
#include "vfs_fault.h"

#include <stdio.h>
#include <stdlib.h>

#define START INT64_C(1700000000000)

struct box {
    char dir[64], file[128];
    struct clock_src *clock;
    struct arena *arena;
    struct error err;
};

static inline int setup(void **state)
{
    struct box *box = xcalloc(1, sizeof(*box));
    log_setup(LOG_LEVEL_ERROR + 1, LOG_FORMAT_LOGFMT, 2);
    snprintf(box->dir, sizeof(box->dir), "/tmp/belfry-store-XXXXXX");
    assert_non_null(mkdtemp(box->dir));
    snprintf(box->file, sizeof(box->file), "%s/belfry.db", box->dir);
    box->clock = clock_virtual_new(START);
    box->arena = arena_new(0);
    *state = box;
    return 0;
}

static inline int teardown(void **state)
{
    struct box *box = *state;
    char command[100];
    vfs_fault_set(VFS_NONE, 0, 0);
    snprintf(command, sizeof(command), "rm -rf %s", box->dir);
    assert_int_equal(system(command), 0);
    clock_free(box->clock);
    arena_free(box->arena);
    error_clear(&box->err);
    free(box);
    return 0;
}

static inline struct store *open_store(struct box *box)
{
    struct store *store = store_open(box->dir, NULL, box->clock, &box->err);
    if (!store)
        fail_msg("%s", error_text(&box->err));
    return store;
}

#endif
