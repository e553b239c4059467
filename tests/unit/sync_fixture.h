/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the tests of the sync source: JSON with single quotes, and failures as cmocka has them. */
#ifndef SYNC_FIXTURE_H
#define SYNC_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <belfry/test.h>

static inline void sync_failure(const char *file, int line, const char *text)
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

/* Ann and Bob are admins who start runs; Olga and Otto operate; Cara manages sales. */
static inline struct belfry_test *sync_new(const char *yaml)
{
    struct belfry_test *t = belfry_test_new(&belfry_entry, yaml);
    belfry_test_on_failure(sync_failure);
    belfry_test_expect_error(t, "");
    belfry_test_user(t, "ann", "admin");
    belfry_test_user(t, "bob", "admin");
    belfry_test_user(t, "cara", "sales-manager");
    belfry_test_user(t, "olga", "ops");
    belfry_test_user(t, "otto", "ops");
    return t;
}

/* A trigger with a CloudEvents time; NULL: none. */
static inline belfry_status sync_send(struct belfry_test *t, const char *type, const char *data, const char *time)
{
    return belfry_test_send_trigger(t, &(struct belfry_test_trigger){.type = type, .data = data, .time = time});
}

#endif
