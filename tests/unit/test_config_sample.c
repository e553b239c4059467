/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The generated texts: the sample loads as it stands and names every key, config/full.yaml is what the generator says,
 * the schema is well-formed and knows every plugin. BELFRY_UPDATE=1 writes config/full.yaml.
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
#include "base/mem.h"
#include "config/build.h"

#define TEST_PLUGINS BELFRY_SRCDIR "/tests/config/plugins"

/* Those that the repository builds, when they are built. */
static const char *const built[] = {"workflow", "in-app", "webhook"};

static char *built_path;

static int remember_path(void **state)
{
    (void)state;
    built_path = getenv("BELFRY_PLUGIN_PATH") ? xstrdup(getenv("BELFRY_PLUGIN_PATH")) : NULL;
    return 0;
}

static int forget_path(void **state)
{
    (void)state;
    free(built_path);
    return 0;
}

static int are_built(void)
{
    struct arena *arena = arena_new(0);
    int found = built_path != NULL;
    setenv("BELFRY_PLUGIN_PATH", built_path ? built_path : "", 1);
    for (size_t i = 0; found && i < sizeof(built) / sizeof(built[0]); i++) {
        struct error err = {0};
        const char *path = plugin_find(arena, NULL, built[i]);
        found = path && plugin_read_sidecar(arena, path, &err);
        error_clear(&err);
    }
    arena_free(arena);
    return found;
}

/* Loads a file and fails with its diagnostics when there is any above a note. */
static void assert_clean(const char *path)
{
    struct diag_set *diags;
    struct buf text = {0};
    struct config *config = config_load(path, CONFIG_CHECK, NULL, &diags);
    diag_render_text(diags, &text, 0);
    if (!config || diag_count(diags, DIAG_WARNING) > 0)
        fail_msg("%s:\n%s", path, text.ptr);
    buf_free(&text);
    config_unref(config);
}

static void write_text(const char *path, const struct buf *text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text->ptr, 1, text->len, f), text->len);
    assert_int_equal(fclose(f), 0);
}

/* 1 when the sample has the key, live or as a comment. */
static int has_key(const struct buf *sample, const char *name)
{
    char *key = xasprintf("%s: ", name), *line = xasprintf("%s:\n", name);
    int found = strstr(sample->ptr, key) || strstr(sample->ptr, line);
    free(key);
    free(line);
    return found;
}

static void assert_all_keys(const struct buf *sample, const struct belfry_option *table)
{
    for (const struct belfry_option *row = table; row && row->struct_size; row++) {
        if (row->name && !has_key(sample, row->name))
            fail_msg("the sample lacks `%s`", row->name);
        assert_all_keys(sample, row->children);
    }
}

static void test_sample_is_whole(void **state)
{
    (void)state;
    const struct belfry_option *const tables[] = {
        config_hub_table,  config_auth_table,    config_jwt_table,      config_org_table,
        config_user_table, config_token_list,    config_category_table, config_schedule_table,
        config_rule_table, config_deliver_table, config_channel_table,  config_source_table,
    };
    struct buf sample = {0};
    setenv("BELFRY_PLUGIN_PATH", TEST_PLUGINS, 1);
    config_sample(NULL, &sample);
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        assert_all_keys(&sample, tables[i]);
    for (size_t i = 0; i < SECTION_COUNT; i++)
        assert_true(has_key(&sample, config_sections[i]));
    assert_true(has_key(&sample, "background_after"));
    assert_true(has_key(&sample, "allow_cidrs"));
    buf_free(&sample);
}

/* The description that is of another build gives the one warning. */
static void test_sample_loads(void **state)
{
    (void)state;
    char path[] = "/tmp/belfry-config-XXXXXX";
    struct buf sample = {0};
    struct diag_set *diags;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    setenv("BELFRY_PLUGIN_PATH", TEST_PLUGINS, 1);
    config_sample(NULL, &sample);
    write_text(path, &sample);
    struct config *config = config_load(path, CONFIG_CHECK, NULL, &diags);
    unlink(path);
    assert_non_null(config);
    assert_int_equal(diag_total(diags), 1);
    assert_string_equal(diag_get(diags, 0)->code, "H503");
    assert_int_equal(config->rule_count, 1);
    config_unref(config);
    buf_free(&sample);
}

static void test_full_is_generated(void **state)
{
    (void)state;
    const char *path = BELFRY_SRCDIR "/config/full.yaml";
    struct buf sample = {0}, kept = {0};
    if (!are_built())
        skip();
    config_sample(NULL, &sample);
    if (getenv("BELFRY_UPDATE"))
        write_text(path, &sample);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    for (size_t n = 1; n > 0; kept.len += n)
        n = fread(buf_reserve(&kept, 4096), 1, 4096, f);
    fclose(f);
    buf_addc(&kept, '\0');
    assert_string_equal(kept.ptr, sample.ptr);
    assert_clean(path);
    buf_free(&sample);
    buf_free(&kept);
}

static void test_files_are_clean(void **state)
{
    (void)state;
    if (!are_built())
        setenv("BELFRY_PLUGIN_PATH", TEST_PLUGINS, 1);
    assert_clean(BELFRY_SRCDIR "/config/belfry.yaml");
    assert_clean(BELFRY_SRCDIR "/config/demo.yaml");
}

/* Every $ref of a schema leads somewhere. */
static void assert_refs(const json_t *root, const json_t *node)
{
    const char *key;
    json_t *value;
    size_t i;
    if (json_is_array(node)) {
        json_array_foreach(node, i, value) assert_refs(root, value);
        return;
    }
    json_object_foreach((json_t *)(uintptr_t)node, key, value)
    {
        if (strcmp(key, "$ref") != 0) {
            assert_refs(root, value);
            continue;
        }
        assert_true(json_is_string(value) && json_string_value(value)[0] == '#');
        if (!json_at(root, json_string_value(value) + 1))
            fail_msg("nothing at %s", json_string_value(value));
    }
}

static void test_schema(void **state)
{
    (void)state;
    setenv("BELFRY_PLUGIN_PATH", TEST_PLUGINS, 1);
    json_t *schema = config_schema(NULL);
    assert_non_null(schema);
    assert_refs(schema, schema);
    for (size_t i = 0; i < SECTION_COUNT; i++)
        assert_non_null(json_object_get(json_object_get(schema, "properties"), config_sections[i]));
    const json_t *channel = json_at(schema, "/properties/channels/additionalProperties");
    assert_int_equal(json_array_size(json_at(channel, "/properties/plugin/enum")), 3);
    assert_int_equal(json_array_size(json_object_get(channel, "allOf")), 3);
    assert_string_equal(json_string_value(json_at(channel, "/allOf/1/if/properties/plugin/const")), "in-app");
    assert_non_null(json_at(channel, "/allOf/1/then/properties/page_size"));
    assert_non_null(json_at(channel, "/allOf/1/then/properties/orgs"));
    assert_non_null(json_at(schema, "/$defs/rule/properties/deliver"));
    assert_non_null(json_at(schema, "/properties/orgs/additionalProperties/properties/users"));
    assert_non_null(json_at(schema, "/properties/auth/properties/tokens/items/properties/may"));
    json_decref(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sample_is_whole),
        cmocka_unit_test(test_sample_loads),
        cmocka_unit_test(test_full_is_generated),
        cmocka_unit_test(test_files_are_clean),
        cmocka_unit_test(test_schema),
    };
    return cmocka_run_group_tests(tests, remember_path, forget_path);
}
