/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the tests of the approval source: JSON with single quotes, and failures as cmocka has them. */
#ifndef APPROVAL_FIXTURE_H
#define APPROVAL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <belfry/test.h>

static inline void approval_failure(const char *file, int line, const char *text)
{
    print_error("%s\n", text);
    _fail(file, line);
}

/* 'x' becomes "x". Lives until the next call but three. */
static inline const char *json(const char *text)
{
    static char kept[4][8192];
    static unsigned next;
    char *out = kept[next++ % 4];
    size_t len = strlen(text);
    assert_true(len < sizeof(kept[0]));
    for (size_t i = 0; i <= len; i++)
        out[i] = text[i] == '\'' ? '"' : text[i];
    return out;
}

/* Ann, Bob and Cara approve, two of them as the role finance; Sam submits; the role legal has nobody. */
static inline struct belfry_test *approval_new(const char *yaml)
{
    struct belfry_test *t = belfry_test_new(&belfry_entry, yaml);
    belfry_test_on_failure(approval_failure);
    belfry_test_expect_error(t, "");
    belfry_test_user(t, "ann", "finance");
    belfry_test_user(t, "bob", "finance");
    belfry_test_user(t, "cara", "");
    belfry_test_user(t, "dan", "");
    belfry_test_user(t, "sam", "");
    belfry_test_user(t, "root", "admin");
    return t;
}

#endif
