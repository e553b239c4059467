/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout of the ABI and its constants are asserted while this file is compiled. What is left for run time: that no
 * public struct was forgotten in the list.
 */
#include "abi/constants_v1.h"
#include "abi/layout_v1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#ifndef BELFRY_SRCDIR
#define BELFRY_SRCDIR "."
#endif

static char *read_source(const char *name)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", BELFRY_SRCDIR, name);
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("cannot read %s", path);
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    size_t len = fread(text, 1, (1 << 20) - 1, file);
    assert_in_range(len, 1, (1 << 20) - 2);
    fclose(file);
    return text;
}

/* Every "struct belfry_NAME {" of a header has members in the list. */
static void test_every_struct_is_pinned(void **state)
{
    static const char *const headers[] = {"core/include/belfry/plugin.h", "core/include/belfry/host.h"};
    (void)state;
    char *list = read_source("tests/abi/layout_v1.h");
    size_t count = 0;
    for (size_t i = 0; i < 2; i++) {
        char *header = read_source(headers[i]);
        for (const char *at = header; (at = strstr(at, "\nstruct belfry_")); at++) {
            char name[100], wanted[120], end[3];
            if (sscanf(at, "\nstruct %90[a-z_] %1[{]%1[\n]", name, end, end + 1) != 3)
                continue;
            snprintf(wanted, sizeof(wanted), "\nMEMBER(%s, ", name);
            if (!strstr(list, wanted))
                fail_msg("struct %s is not pinned in tests/abi/layout_v1.h", name);
            count++;
        }
        free(header);
    }
    assert_in_range(count, 50, 500);
    free(list);
}

/* What is read before anything else is believed. */
static void test_entry_is_frozen(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct belfry_entry), 24);
    assert_int_equal(BELFRY_MAGIC, 0x42464c59);
    assert_int_equal(BELFRY_ABI_MAJOR, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_struct_is_pinned),
        cmocka_unit_test(test_entry_is_frozen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
