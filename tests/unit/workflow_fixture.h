/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the tests of the workflow source: JSON with single quotes, and failures as cmocka has them. */
#ifndef WORKFLOW_FIXTURE_H
#define WORKFLOW_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <belfry/test.h>

static inline void workflow_failure(const char *file, int line, const char *text)
{
    print_error("%s\n", text);
    _fail(file, line);
}

/* 'x' becomes "x". Lives until the next call but three. */
static inline const char *json(const char *text)
{
    static char kept[4][4096];
    static unsigned next;
    char *out = kept[next++ % 4];
    size_t len = strlen(text);
    assert_true(len < sizeof(kept[0]));
    for (size_t i = 0; i <= len; i++)
        out[i] = text[i] == '\'' ? '"' : text[i];
    return out;
}

/* A test with Ann, Bob, Cara and Dan, two of whom are managers. */
static inline struct belfry_test *workflow_new(const char *yaml)
{
    struct belfry_test *t = belfry_test_new(&belfry_entry, yaml);
    belfry_test_on_failure(workflow_failure);
    belfry_test_expect_error(t, "");
    belfry_test_user(t, "ann", "sales");
    belfry_test_user(t, "bob", "sales");
    belfry_test_user(t, "cara", "sales-manager");
    belfry_test_user(t, "dan", "sales-manager");
    return t;
}

#endif
