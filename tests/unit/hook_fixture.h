/* SPDX-License-Identifier: Apache-2.0 */
/* A source's `verify` and `hook` from YAML, as the hub would have them. */
#ifndef TESTS_UNIT_HOOK_FIXTURE_H
#define TESTS_UNIT_HOOK_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "hub/hook.h"

/* With the plugins of BELFRY_PLUGIN_PATH. Secrets stand in the text, which is a warning and no error. The caller
 * unrefs.
 */
static inline struct config *hook_config(const char *source)
{
    char path[] = "/tmp/belfry-hook-XXXXXX";
    struct diag_set *diags;
    char *text = xasprintf("version: 1\norgs: {acme: {}}\nsources:\n  s:\n    plugin: workflow\n%s\n"
                           "channels: {inbox: {plugin: in-app}}\nunmatched: {deliver: [inbox]}\n",
                           source);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (int)strlen(text));
    close(fd);
    struct config *config = config_load(path, CONFIG_CHECK, NULL, &diags);
    unlink(path);
    if (!config) {
        struct buf shown = {0};
        diag_render_text(diags, &shown, 0);
        fail_msg("%s\n%s", text, shown.ptr);
    }
    free(text);
    return config;
}

/* "name: value\nname: value" as headers; returns how many. */
static inline size_t hook_headers(const char *text, struct belfry_attr headers[16])
{
    struct belfry_str rest = str_of(text);
    size_t n = 0;
    while (rest.len) {
        struct belfry_str value, line = str_cut(rest, '\n', &rest), name = str_cut(line, ':', &value);
        assert_true(n < 16);
        headers[n++] = (struct belfry_attr){name, str_trim(value)};
    }
    return n;
}

#endif
