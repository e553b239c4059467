/* SPDX-License-Identifier: Apache-2.0 */
/* The loader against modules that are broken in one way each, and against some that are only old, new or small. */
#include "base/str.h"
#include "plugin/internal.h"
#include "plugin/plugin.h"
#include "plugin_fixtures.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>

static int has_ext(const char *id)
{
    return strcmp(id, "belfry.http-route/1") == 0;
}

/* --- refused ---------------------------------------------------------------------------------------------------- */

static const struct refused {
    const char *name, *text; /* what follows "PATH: ", or its beginning */
} refused[] = {
    {"no_symbol", "exports no belfry_entry: it is no Belfry plugin"},
    {"bad_magic", "belfry_entry has magic 0x12345678, expected 0x42464c59"},
    {"wrong_major", "was built for plugin ABI 2.0, this hub offers 1.0"},
    {"two_plugins", "has 2 plugins, expected 1: one plugin a file"},
    {"other_id", "id is `somebody_else`, but a plugin is called as its file: expected somebody_else.so"},
    {"long_used", "the descriptor is longer than this hub's ("},
    {"long_rows_used", "options[1] is longer than this hub's ("},
    {"tiny_struct", "the descriptor has struct_size 80, at least 88 are needed"},
    {"unknown_role", "has the role `belfry.sink/3`, which this hub does not know; expected belfry.source/1, "
                     "belfry.delivery/1, belfry.feedback/1 or belfry.endpoints/1"},
    {"no_role", "has no role; expected belfry.source/1, belfry.delivery/1, belfry.feedback/1 or belfry.endpoints/1"},
    {"role_twice", "has the role belfry.source/1 twice"},
    {"incomplete_source", "the vtable of belfry.source/1 has no receive()"},
    {"incomplete_delivery", "the vtable of belfry.delivery/1 has no cancel()"},
    {"incomplete_feedback", "the vtable of belfry.feedback/1 has no take()"},
    {"feedback_alone", "has the role belfry.feedback/1 without belfry.delivery/1: nothing comes back where nothing is "
                       "sent"},
    {"missing_extension", "needs the extension belfry.telepathy/1, which this hub does not offer"},
    {"bad_option_type", "option `text` has type 99, which this hub does not know"},
    {"offset_outside", "option `number`: 8 bytes at offset 16 are outside of the 16 bytes of its struct"},
    {"bad_default", "option `number`: the default `many` does not parse: the value must be a whole number, not the "
                    "string `many`"},
    {"duplicate_option", "option `text` is there twice"},
    {"recursive_options", "the options nest deeper than 16 levels at children of option `more`"},
    {"reload_source", "has reload() and the role belfry.source/1: a source is replaced, never reloaded"},
    {"bad_event", "event `thing.happened`: the title is no template: "},
    {"colliding_routes", "routes `GET /v1/{org}/things/{id}` and `GET /v1/{org}/things/{name}` collide"},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct error err = {0};
        const char *path = fixture(refused[i].name);
        const struct plugin *plugin = plugin_load(path, has_ext, &err);
        if (plugin)
            fail_msg("%s was loaded", path);
        const char *text = error_text(&err);
        size_t len = strlen(path);
        if (strncmp(text, path, len) != 0 || strncmp(text + len, ": ", 2) != 0 ||
            strncmp(text + len + 2, refused[i].text, strlen(refused[i].text)) != 0)
            fail_msg("says   %s\nwanted %s: %s", text, path, refused[i].text);
        assert_int_equal(err.count, 1);
        assert_int_equal(err.status, BELFRY_EINVAL);
        error_clear(&err);
    }
}

static void test_refused_again(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct error err = {0};
        assert_null(plugin_load(fixture("wrong_major"), has_ext, &err));
        assert_int_equal(err.count, 1);
        error_clear(&err);
    }
}

static void test_missing_file(void **state)
{
    (void)state;
    struct error err = {0};
    assert_null(plugin_load("/nowhere/at/all.so", has_ext, &err));
    assert_int_equal(err.status, BELFRY_ENOTFOUND);
    assert_string_equal(error_text(&err), "/nowhere/at/all.so: cannot be loaded: No such file or directory");
    error_clear(&err);
}

static void test_not_elf(void **state)
{
    (void)state;
    char path[] = "/tmp/belfry-not-elf-XXXXXX.so";
    int fd = mkstemps(path, 3);
    assert_true(fd >= 0);
    char text[256];
    memset(text, 'x', sizeof(text));
    assert_int_equal(write(fd, text, sizeof(text)), sizeof(text));
    close(fd);
    struct error err = {0};
    assert_null(plugin_load(path, has_ext, &err));
    assert_int_equal(err.status, BELFRY_EINVAL);
    char wanted[200];
    snprintf(wanted, sizeof(wanted), "%s: cannot be loaded: invalid ELF header", path);
    assert_string_equal(error_text(&err), wanted);
    error_clear(&err);
    unlink(path);
}

/* --- accepted --------------------------------------------------------------------------------------------------- */

static const struct plugin *load(const char *name)
{
    struct error err = {0};
    const struct plugin *plugin = plugin_load(fixture(name), has_ext, &err);
    if (!plugin)
        fail_msg("%s", error_text(&err));
    return plugin;
}

static void test_short_struct(void **state)
{
    (void)state;
    const struct plugin *plugin = load("short_struct");
    assert_int_equal(plugin->desc.struct_size, sizeof(struct belfry_plugin));
    assert_non_null(plugin->desc.create);
    assert_null(plugin->desc.start);
    assert_null(plugin->desc.stop);
    assert_null(plugin->desc.destroy);
    assert_null(plugin->desc.reload);
    assert_int_equal(plugin->source->struct_size, sizeof(struct belfry_source));
    assert_non_null(plugin->source->receive);
    assert_null(plugin->source->due);
    assert_null(plugin->source->refresh);
}

static void test_long_struct_with_zero_tail(void **state)
{
    (void)state;
    const struct plugin *plugin = load("long_zero");
    assert_int_equal(plugin->desc.struct_size, sizeof(struct belfry_plugin));
    assert_non_null(plugin->desc.create);
}

static void test_rows_are_walked_by_their_own_size(void **state)
{
    (void)state;
    const struct belfry_option *options = load("long_rows_zero")->desc.options;
    assert_int_equal(options[0].struct_size, sizeof(struct belfry_option));
    assert_string_equal(options[0].name, "text");
    assert_string_equal(options[1].name, "number");
    assert_string_equal(options[1].def, "7");
    assert_int_equal(options[2].struct_size, 0);
}

static void test_source(void **state)
{
    (void)state;
    const struct plugin *plugin = load("echo_source");
    assert_string_equal(plugin->id, "echo_source");
    assert_string_equal(plugin->path, fixture("echo_source"));
    assert_int_equal(strlen(plugin->build_id), 40);
    assert_int_equal(plugin->loaded, 1);
    assert_null(plugin->delivery);
    assert_null(plugin->needs[0]);
    assert_string_equal(plugin->desc.events[0].actions[0].trigger, "echo.said");
    assert_int_equal(plugin->desc.events[0].actions[1].struct_size, 0);
    assert_string_equal(plugin->desc.options[1].children[0].name ? "named" : "unnamed", "unnamed");
}

static void test_delivery(void **state)
{
    (void)state;
    const struct plugin *plugin = load("echo_delivery");
    assert_null(plugin->source);
    assert_int_equal(plugin->delivery->flags, BELFRY_DELIVERY_PER_RECIPIENT);
    assert_int_equal(plugin->delivery->max_inflight, 4);
    assert_string_equal(plugin->needs[0], "belfry.http-route/1");
    assert_non_null(plugin->desc.routes[0].handle);
}

/* People choose about what comes to people, and not about the inbox. */
static void test_who_may_let_people_choose(void **state)
{
    (void)state;
    static const struct {
        uint32_t flags;
        int good;
    } rows[] = {{BELFRY_DELIVERY_PER_RECIPIENT | BELFRY_DELIVERY_PREFERENCE, 1},
                {BELFRY_DELIVERY_PER_RECIPIENT | BELFRY_DELIVERY_DIGEST | BELFRY_DELIVERY_PREFERENCE, 1},
                {BELFRY_DELIVERY_PER_TARGET | BELFRY_DELIVERY_PREFERENCE, 0},
                {BELFRY_DELIVERY_IN_COMMIT | BELFRY_DELIVERY_PREFERENCE, 0},
                {BELFRY_DELIVERY_IN_COMMIT | BELFRY_DELIVERY_PER_RECIPIENT | BELFRY_DELIVERY_PREFERENCE, 0}};
    struct arena *arena = arena_new(0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct belfry_delivery delivery = {
            .struct_size = sizeof(delivery), .flags = rows[i].flags, .max_batch = 1, .max_inflight = 1};
        const char *fault = check_delivery(arena, &delivery);
        if ((fault == NULL) != rows[i].good)
            fail_msg("0x%x: %s", rows[i].flags, fault ? fault : "taken");
    }
    arena_free(arena);
}

static void test_loaded_once(void **state)
{
    (void)state;
    char around[4200];
    snprintf(around, sizeof(around), "%s/./echo_source.so", fixtures_dir());
    struct error err = {0};
    assert_ptr_equal(plugin_load(around, has_ext, &err), load("echo_source"));
    error_clear(&err);
}

/* RTLD_LOCAL: one plugin's symbols are no other's; RTLD_NODELETE: the code stays, whoever closes it. */
static void test_loaded_locally_and_for_good(void **state)
{
    (void)state;
    load("echo_source");
    assert_null(dlsym(RTLD_DEFAULT, "belfry_entry"));
    for (int i = 0; i < 3; i++) {
        void *handle = dlopen(fixture("echo_source"), RTLD_NOW | RTLD_NOLOAD);
        assert_non_null(handle);
        dlclose(handle);
        dlclose(handle); /* also the loader's own reference */
    }
    assert_non_null(dlopen(fixture("echo_source"), RTLD_NOW | RTLD_NOLOAD));
}

/* --- create ----------------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 4, 5))) static belfry_status fake_fail(struct belfry_error *err, belfry_status status,
                                                                     const char *pointer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    error_vset(err->impl, status, pointer, format, args);
    va_end(args);
    return status;
}

static void test_create_fails(void **state)
{
    (void)state;
    const struct plugin *plugin = load("create_fails");
    struct belfry_host host = {.struct_size = sizeof(host), .fail = fake_fail};
    struct error err = {0};
    struct belfry_error public = {sizeof(public), BELFRY_OK, &err};
    void *self = NULL;
    assert_int_equal(plugin->desc.create(&host, NULL, &self, &public), BELFRY_EINVAL);
    assert_string_equal(err.items[0].pointer, "/server");
    assert_string_equal(err.items[0].detail, "the fixture refuses every server");
    error_clear(&err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_refused_again),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_not_elf),
        cmocka_unit_test(test_short_struct),
        cmocka_unit_test(test_long_struct_with_zero_tail),
        cmocka_unit_test(test_rows_are_walked_by_their_own_size),
        cmocka_unit_test(test_source),
        cmocka_unit_test(test_delivery),
        cmocka_unit_test(test_who_may_let_people_choose),
        cmocka_unit_test(test_loaded_once),
        cmocka_unit_test(test_loaded_locally_and_for_good),
        cmocka_unit_test(test_create_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
