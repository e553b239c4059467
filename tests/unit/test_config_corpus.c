/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every broken file of tests/config/broken gives exactly the diagnostics beside it, every file of tests/config/good
 * gives none above a note. The plugins are descriptions in tests/config/plugins, so that messages do not move with the
 * real ones. BELFRY_UPDATE=1 writes what is found; read the difference before you keep it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <glob.h>

#include "base/mem.h"
#include "client/client.h"
#include "config/config.h"

static char *read_all(const char *path)
{
    struct buf text = {0};
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    for (size_t n = 1; n > 0; text.len += n)
        n = fread(buf_reserve(&text, 4096), 1, 4096, f);
    fclose(f);
    buf_addc(&text, '\0');
    return buf_steal(&text);
}

static void write_all(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

/* Names in goldens are relative: the tests stand in the folder of the files. */
static void enter(const char *folder)
{
    char *path = xasprintf("%s/tests/config/%s", BELFRY_SRCDIR, folder);
    assert_int_equal(chdir(path), 0);
    setenv("BELFRY_PLUGIN_PATH", "../plugins", 1);
    unsetenv("CREDENTIALS_DIRECTORY");
    free(path);
}

static char *check(const char *path, int *ok)
{
    struct diag_set *diags;
    struct buf text = {0};
    struct config *config = config_check(&path, 1, client_url_refused, &diags);
    *ok = config != NULL;
    diag_render_text(diags, &text, 0);
    if (config)
        config_unref(config);
    else
        diag_set_free(diags);
    return buf_steal(&text);
}

/* 1 when the diagnostics are those of the golden. */
static int is_golden(const char *path)
{
    int ok;
    char *found = check(path, &ok);
    char *golden = xasprintf("%.*s.expect", (int)(strlen(path) - strlen(".yaml")), path);
    if (getenv("BELFRY_UPDATE"))
        write_all(golden, found);
    char *wanted = read_all(golden);
    int same = wanted && strcmp(found, wanted) == 0;
    if (!same)
        print_error("%s: expected\n%sfound\n%s\n", path, wanted ? wanted : "(no golden)\n", found);
    free(wanted);
    free(golden);
    free(found);
    return same;
}

static void test_broken(void **state)
{
    (void)state;
    glob_t files;
    size_t wrong = 0;
    enter("broken");
    assert_int_equal(glob("*.yaml", 0, NULL, &files), 0);
    assert_true(files.gl_pathc >= 60);
    for (size_t i = 0; i < files.gl_pathc; i++)
        wrong += !is_golden(files.gl_pathv[i]);
    globfree(&files);
    assert_int_equal(wrong, 0);
}

/* No finding twice at one place, every code explained, JSON as many lines as text has findings. */
static void test_broken_are_consistent(void **state)
{
    (void)state;
    glob_t files;
    enter("broken");
    assert_int_equal(glob("*.yaml", 0, NULL, &files), 0);
    size_t many = 0;
    for (size_t i = 0; i < files.gl_pathc; i++) {
        struct diag_set *diags;
        struct config *config = config_load(files.gl_pathv[i], CONFIG_CHECK, NULL, &diags);
        assert_true(diag_total(diags) > 0);
        assert_int_equal(config == NULL, diag_count(diags, DIAG_ERROR) > 0);
        many += diag_count(diags, DIAG_ERROR) >= 3;
        for (size_t k = 0; k < diag_total(diags); k++) {
            const struct diag *d = diag_get(diags, k), *before = k > 0 ? diag_get(diags, k - 1) : NULL;
            if (!diag_explain(d->code))
                fail_msg("%s: %s has no help", files.gl_pathv[i], d->code);
            if (before && before->span.begin == d->span.begin && before->span.file == d->span.file &&
                strcmp(before->code, d->code) == 0 && strcmp(before->message, d->message) == 0)
                fail_msg("%s: twice: %s", files.gl_pathv[i], d->message);
        }
        if (config)
            config_unref(config);
        else
            diag_set_free(diags);
    }
    globfree(&files);
    assert_true(many >= 10);
}

static void test_good(void **state)
{
    (void)state;
    glob_t files;
    size_t wrong = 0;
    enter("good");
    assert_int_equal(glob("*.yaml", 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        int ok;
        char *found = check(files.gl_pathv[i], &ok);
        if (!ok || strstr(found, "warning[") || strstr(found, "error[")) {
            print_error("%s:\n%s\n", files.gl_pathv[i], found);
            wrong++;
        }
        free(found);
    }
    assert_true(files.gl_pathc >= 5);
    globfree(&files);
    assert_int_equal(wrong, 0);
}

/* Several files at once: each is its own configuration, all findings come together. */
static void test_several_files(void **state)
{
    (void)state;
    static const char *const good[] = {"minimal.yaml", "example.yaml"};
    static const char *const mixed[] = {"minimal.yaml", "../broken/no-such-file.yaml"};
    struct diag_set *diags;
    enter("good");
    struct config *config = config_check(good, 2, NULL, &diags);
    assert_non_null(config);
    assert_string_equal(config->path, "minimal.yaml");
    assert_string_equal(diag_file_name(diags, 1), "example.yaml");
    config_unref(config);
    assert_null(config_check(mixed, 2, NULL, &diags));
    assert_int_equal(diag_total(diags), 1);
    assert_string_equal(diag_get(diags, 0)->code, "H701");
    diag_set_free(diags);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_broken_are_consistent),
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_several_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
