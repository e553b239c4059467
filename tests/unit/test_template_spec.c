/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Mustache project's own suite (JSON files, MIT), read from BELFRY_CONFORMANCE or from shared/conformance next to
 * the checkout. It is not part of this repository: without it the tests are reported as skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/json.h"
#include "template/template.h"

static char folder[4096];

static void find_folder(void)
{
    const char *given = getenv("BELFRY_CONFORMANCE"), *source = getenv("BELFRY_SRCDIR");

    if (given != NULL && given[0] != '\0')
        snprintf(folder, sizeof(folder), "%s/mustache", given);
    else
        snprintf(folder, sizeof(folder), "%s/../shared/conformance/mustache", source != NULL ? source : ".");
}

struct partials {
    struct arena *arena;
    const json_t *texts;
};

static const struct belfry_template *find_partial(void *arg, struct belfry_str name)
{
    struct partials *partials = arg;
    json_t *text = json_object_getn(partials->texts, name.ptr, name.len);
    const struct belfry_template *tpl;

    if (text == NULL)
        return NULL;
    tpl = template_compile(partials->arena, json_str(text), NULL);
    assert_non_null(tpl);
    return tpl;
}

static int run_case(const char *file, const json_t *test)
{
    struct partials partials = {arena_new(0), json_object_get(test, "partials")};
    const char *name = json_string_value(json_object_get(test, "name"));
    struct belfry_str expected = json_str(json_object_get(test, "expected"));
    struct belfry_view view = json_view(json_object_get(test, "data"));
    struct error err = {0};
    struct buf out = {0};
    const struct belfry_template *tpl =
        template_compile(partials.arena, json_str(json_object_get(test, "template")), &err);
    int good = 0;

    if (tpl == NULL)
        print_error("%s: %s: does not compile: %s\n", file, name, error_text(&err));
    else if (template_render(tpl, &view, TEMPLATE_HTML, find_partial, &partials, &out) != 0)
        print_error("%s: %s: does not render\n", file, name);
    else if (!str_eq(buf_str(&out), expected))
        print_error("%s: %s: expected \"%.*s\", got \"%.*s\"\n", file, name, STR_ARG(expected), STR_ARG(buf_str(&out)));
    else
        good = 1;
    buf_free(&out);
    error_clear(&err);
    arena_free(partials.arena);
    return good;
}

static void run_file(void **state)
{
    const char *file = *state;
    char path[sizeof(folder) + 64];
    json_error_t fault;
    json_t *suite, *test;
    size_t i, bad = 0;

    if (access(folder, R_OK) != 0) {
        print_message("no Mustache suite in %s: set BELFRY_CONFORMANCE to the folder above it\n", folder);
        skip();
    }
    snprintf(path, sizeof(path), "%s/%s.json", folder, file);
    suite = json_load_file(path, 0, &fault);
    if (suite == NULL)
        fail_msg("%s: %s", path, fault.text);
    assert_true(json_array_size(json_object_get(suite, "tests")) >= 10);
    json_array_foreach(json_object_get(suite, "tests"), i, test) bad += run_case(file, test) ? 0 : 1;
    json_decref(suite);
    assert_int_equal(bad, 0);
}

#define SPEC(file)                                                                                                     \
    {                                                                                                                  \
        file, run_file, NULL, NULL, (void *)(uintptr_t)file                                                            \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        SPEC("interpolation"), SPEC("sections"),   SPEC("inverted"),
        SPEC("comments"),      SPEC("delimiters"), SPEC("partials"),
    };
    find_folder();
    return cmocka_run_group_tests_name("template spec", tests, NULL, NULL);
}
