/* SPDX-License-Identifier: Apache-2.0 */
/* Sidecars: written and read again they say the same; what is wrong in them is found; objects are asked in a child. */
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "plugin/option.h"
#include "plugin/plugin.h"
#include "plugin_fixtures.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static const char *self; /* this program: it is its own child */

static const struct plugin *load(const char *name)
{
    struct error err = {0};
    const struct plugin *plugin = plugin_load(fixture(name), NULL, &err);
    if (!plugin)
        fail_msg("%s", error_text(&err));
    return plugin;
}

/* --- round trip ------------------------------------------------------------------------------------------------- */

static void same_text(const char *a, const char *b)
{
    if (a && b)
        assert_string_equal(a, b);
    else
        assert_true(!a && !b);
}

static void same_texts(const char *const *a, const char *const *b)
{
    for (; a && *a; a++, b++)
        same_text(*a, *b);
    assert_true(!b || !*b);
}

static void same_options(const struct belfry_option *a, const struct belfry_option *b, int only_first)
{
    for (; a && a->struct_size; a++, b++) {
        assert_int_equal(b->struct_size, sizeof(*b));
        assert_int_equal(a->type, b->type);
        assert_int_equal(a->flags, b->flags);
        assert_int_equal(a->offset, b->offset);
        assert_int_equal(a->size, b->size);
        assert_int_equal(a->min, b->min);
        assert_int_equal(a->max, b->max);
        same_text(a->name, b->name);
        same_text(a->def, b->def);
        same_text(a->doc, b->doc);
        same_text(a->requires_, b->requires_);
        same_text(a->conflicts, b->conflicts);
        same_text(a->not_before, b->not_before);
        same_text(a->unlike, b->unlike);
        same_texts(a->choices, b->choices);
        same_options(a->children, b->children, a->type != BELFRY_OPT_OBJECT);
        if (only_first)
            return;
    }
    assert_true(!b || !b->struct_size);
}

static void same_events(const struct belfry_event_type *a, const struct belfry_event_type *b)
{
    for (; a && a->struct_size; a++, b++) {
        assert_int_equal(a->severity, b->severity);
        same_text(a->type, b->type);
        same_text(a->category, b->category);
        same_text(a->title, b->title);
        same_text(a->body, b->body);
        same_text(a->doc, b->doc);
        same_text(a->example, b->example);
        same_texts(a->replaces, b->replaces);
        for (size_t i = 0; a->actions && a->actions[i].struct_size; i++)
            same_text(a->actions[i].label, b->actions[i].label);
        for (size_t i = 0; a->fields && a->fields[i].struct_size; i++) {
            same_text(a->fields[i].path, b->fields[i].path);
            same_text(a->fields[i].doc, b->fields[i].doc);
            assert_int_equal(a->fields[i].value_type, b->fields[i].value_type);
        }
    }
    assert_int_equal(b ? b->struct_size : 0, 0);
}

static void same_categories(const struct belfry_category *a, const struct belfry_category *b)
{
    for (; a && a->struct_size; a++, b++) {
        same_text(a->name, b->name);
        same_text(a->label, b->label);
        for (size_t i = 0; a->texts && a->texts[i].struct_size; i++) {
            same_text(a->texts[i].language, b->texts[i].language);
            same_text(a->texts[i].label, b->texts[i].label);
        }
    }
    assert_int_equal(b ? b->struct_size : 0, 0);
}

static void same_plugin(const struct plugin *a, const struct plugin *b)
{
    same_text(a->id, b->id);
    same_text(a->version, b->version);
    same_text(a->summary, b->summary);
    same_text(a->path, b->path);
    same_text(a->build_id, b->build_id);
    same_texts(a->needs, b->needs);
    assert_int_equal(a->desc.config_size, b->desc.config_size);
    same_options(a->desc.options, b->desc.options, 0);
    same_events(a->desc.events, b->desc.events);
    same_categories(a->desc.categories, b->desc.categories);
    for (size_t i = 0; a->desc.routes && a->desc.routes[i].struct_size; i++) {
        same_text(a->desc.routes[i].pattern, b->desc.routes[i].pattern);
        same_text(a->desc.routes[i].auth, b->desc.routes[i].auth);
        assert_int_equal(a->desc.routes[i].body_limit, b->desc.routes[i].body_limit);
        assert_null(b->desc.routes[i].handle);
    }
    assert_int_equal(a->source != NULL, b->source != NULL);
    assert_int_equal(a->delivery ? a->delivery->flags : 0, b->delivery ? b->delivery->flags : 0);
    assert_int_equal(a->delivery ? a->delivery->max_inflight : 0, b->delivery ? b->delivery->max_inflight : 0);
    assert_int_equal(b->loaded, 0);
    assert_null(b->desc.create);
}

static void test_round_trip(void **state)
{
    (void)state;
    static const char *const names[] = {"echo_source", "echo_delivery", "short_struct", "long_rows_zero"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct arena *arena = arena_new(0);
        struct error err = {0};
        json_t *json = plugin_sidecar(load(names[i]));
        const struct plugin *read = plugin_from_json(arena, fixture(names[i]), json, &err);
        if (!read)
            fail_msg("%s", error_text(&err));
        json_t *again = plugin_sidecar(read);
        assert_true(json_equal(json, again));
        json_decref(json);
        json_decref(again);
        same_plugin(load(names[i]), read);
        arena_free(arena);
    }
}

/* A struct is filled from a sidecar's table as it is from the object's. */
static void test_sidecar_fills(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    struct diag_set *diags = diag_set_new();
    json_t *json = plugin_sidecar(load("echo_delivery"));
    const struct plugin *read = plugin_from_json(arena, fixture("echo_delivery"), json, NULL);
    json_decref(json);
    struct {
        int32_t outcome;
        uint8_t slow;
        const char *secret;
    } config = {0};
    assert_int_equal(read->desc.config_size, sizeof(config));
    const struct yaml_node *root = yaml_load(arena, diags, diag_add_file(diags, "t", STR("{outcome: rejected}")));
    assert_int_equal(option_fill(arena, diags, read->desc.options, root, NULL, &config, sizeof(config)), BELFRY_OK);
    assert_int_equal(config.outcome, 3);
    diag_set_free(diags);
    arena_free(arena);
}

/* --- what is wrong in a sidecar --------------------------------------------------------------------------------- */

/* A good sidecar with one member replaced. */
static const struct bad_row {
    const char *pointer, *value, *text; /* value: JSON, NULL removes */
} bad_sources[] = {
    {"/sidecar", "2", "has format 2 for plugin ABI 1, expected 1 and 1"},
    {"/abi", "2", "has format 1 for plugin ABI 2, expected 1 and 1"},
    {"/id", "\"other\"", "id is `other`, but a plugin is called as its file: expected other.so"},
    {"/id", "7", "member `id` is not a string"},
    {"/id", NULL, "member `id` is not there"},
    {"/summary", "\"\"", "summary is empty"},
    {"/needs", "[1]", "member `needs` is not a list of strings"},
    {"/needs", "\"x\"", "member `needs` is not a list of strings"},
    {"/roles", "[]",
     "has no role; expected belfry.source/1, belfry.delivery/1, belfry.feedback/1 or belfry.endpoints/1"},
    {"/roles/0/id", "\"belfry.sink/1\"", "member `roles` is not a list of roles that this hub knows"},
    {"/roles", "[{\"id\": \"belfry.source/1\"}, {\"id\": \"belfry.source/1\"}]",
     "member `roles` is not a list of different roles"},
    {"/roles", "[{\"id\": \"belfry.source/1\"}, {\"id\": \"belfry.feedback/1\"}]",
     "has the role belfry.feedback/1 without belfry.delivery/1: nothing comes back where nothing is sent"},
    {"/options", "{}", "member `options` is not a list that is short enough"},
    {"/options/0", "5", "member `options` is not a list of objects"},
    {"/options/0/type", "\"tensor\"", "option `prefix` has type 0, which this hub does not know"},
    {"/options/0/offset", "1048576",
     "option `prefix`: 8 bytes at offset 1048576 are outside of the 24 bytes of its struct"},
    {"/options/0/offset", "-8", "member `offset` is not a number that fits"},
    {"/options/0/flags", "4096", "option `prefix` has flags that this hub does not know (0x1000)"},
    {"/options/0/name", "\"orgs\"", "option `orgs` has the name of a key that every source and channel has"},
    {"/options/1/children", NULL, "option `also` of type list does not say what its values are (children[0])"},
    {"/config_size", "8", "option `also`: 16 bytes at offset 8 are outside of the 8 bytes of its struct"},
    {"/config_size", "1e3", "member `config_size` is not a number that fits"},
    {"/config_size", "1099511627776", "config_size is 1099511627776 bytes, more than 1048576"},
    {"/events/0/severity", "9", "event `echo.heard` has severity 9, which this hub does not know"},
    {"/events/0/example", "\"[]\"", "event `echo.heard`: the example is an array, expected an object"},
    {"/events/0/fields/0/type", "0", "event `echo.heard`: field `to` has value type 0, which this hub does not know"},
    {"/events/0/actions/0/label", NULL, "member `label` is not there"},
    {"/categories/0/label", NULL, "member `label` is not there"},
    {"/categories/0/label", "\"\"", "category `echo` needs a name and a label of at most 300 bytes"},
    {"/categories/0/name", "\"a b\"", "category `a b` needs a name and a label of at most 300 bytes"},
    {"/categories/0/texts/0/language", "\"De\"", "category `echo`: a text needs a language like \"de\" and a label"},
    {"/categories", "[{\"name\":\"x\",\"label\":\"X\"},{\"name\":\"x\",\"label\":\"Y\"}]",
     "category `x` is described twice"},
    {"/routes", "[{\"method\":\"GET\",\"pattern\":\"/x\",\"auth\":\"none\"}]",
     "has routes and cannot answer them: `needs` does not name belfry.http-route/1"},
};

static const struct bad_row bad_deliveries[] = {
    {"/roles/0/flags", "64", "the role belfry.delivery/1 has flags that this hub does not know (0x40)"},
    {"/roles/0/flags", "8",
     "the role belfry.delivery/1 has flags 0x8; it delivers IN_COMMIT, PER_RECIPIENT or PER_TARGET"},
    {"/roles/0/max_inflight", NULL,
     "the role belfry.delivery/1 has max_batch 1 and max_inflight 0: it would never deliver"},
    {"/routes/0/method", "\"FETCH\"", "route method `FETCH` is not one of GET POST PUT PATCH DELETE HEAD"},
    {"/routes/0/pattern", "\"/a//b\"", "route `GET /a//b` has a pattern that is not /words and /{names}"},
    {"/routes/0/pattern", "\"/{a}/{a}\"", "route `GET /{a}/{a}` has a pattern that is not /words and /{names}"},
    {"/routes/0/auth", "\"token:\"",
     "route `GET /v1/{org}/echo` has auth `token:`; expected none, person, token:MAY or role:ROLE"},
    {"/routes/0/auth", "\"person|\"",
     "route `GET /v1/{org}/echo` has auth `person|`; expected none, person, token:MAY or role:ROLE"},
    {"/routes/0/flags", "1",
     "route `GET /v1/{org}/echo` is raw and has auth `token:read|person`; a raw route has auth none"},
    {"/routes/0/flags", "2", "route `GET /v1/{org}/echo` has flags that this hub does not know (0x2)"},
    {"/events", "[{\"type\":\"x\",\"category\":\"y\"}]", "declares events without the role belfry.source/1"},
    {"/categories", "[{\"name\":\"x\",\"label\":\"X\"}]", "describes categories without the role belfry.source/1"},
};

static void replace(json_t *root, const char *pointer, const char *value)
{
    const char *last = strrchr(pointer, '/') + 1;
    char *parent = strndup(pointer, (size_t)(last - pointer - 1));
    json_t *at = json_at(root, parent);
    assert_non_null(at);
    json_t *new_value = value ? json_loads(value, JSON_DECODE_ANY, NULL) : NULL;
    if (json_is_array(at))
        json_array_set_new(at, (size_t)atoi(last), new_value);
    else if (new_value)
        json_object_set_new(at, last, new_value);
    else
        json_object_del(at, last);
    free(parent);
}

static void refused_sidecar(const char *name, const struct bad_row *row)
{
    struct arena *arena = arena_new(0);
    struct error err = {0};
    char path[64], wanted[300];
    snprintf(path, sizeof(path), "/x/%s.so", name);
    snprintf(wanted, sizeof(wanted), "/x/%s.json: %s", name, row->text);
    json_t *json = plugin_sidecar(load(name));
    replace(json, row->pointer, row->value);
    if (plugin_from_json(arena, path, json, &err))
        fail_msg("%s = %s was read", row->pointer, row->value ? row->value : "nothing");
    assert_string_equal(error_text(&err), wanted);
    error_clear(&err);
    json_decref(json);
    arena_free(arena);
}

static void test_bad_sidecars(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad_sources) / sizeof(bad_sources[0]); i++)
        refused_sidecar("echo_source", &bad_sources[i]);
    for (size_t i = 0; i < sizeof(bad_deliveries) / sizeof(bad_deliveries[0]); i++)
        refused_sidecar("echo_delivery", &bad_deliveries[i]);
}

static void test_deep_sidecar(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    struct error err = {0};
    json_t *json = plugin_sidecar(load("echo_source")), *inner = json_array();
    for (int i = 0; i < 40; i++)
        inner = json_pack("[{s:s, s:s, s:i, s:o}]", "name", "x", "type", "object", "size", 8, "children", inner);
    json_object_set_new(json, "options", inner);
    assert_null(plugin_from_json(arena, "/x/echo_source.so", json, &err));
    assert_string_equal(error_text(&err), "/x/echo_source.json: member `children` is not shallow enough");
    error_clear(&err);
    json_decref(json);
    arena_free(arena);
}

/* Whatever is accepted can be used: described, sampled, and filled into exactly config_size bytes. */
static void use(struct arena *arena, const struct plugin *plugin)
{
    struct buf sample = {0};
    struct diag_set *diags = diag_set_new();
    json_decref(option_schema(plugin->desc.options));
    json_decref(plugin_sidecar(plugin));
    option_sample(plugin->desc.options, 0, &sample);
    const struct yaml_node *root = yaml_load(arena, diags, diag_add_file(diags, "s", buf_str(&sample)));
    void *config = xcalloc(1, plugin->desc.config_size ? plugin->desc.config_size : 1);
    if (root)
        option_fill(arena, diags, plugin->desc.options, root, NULL, config, plugin->desc.config_size);
    free(config);
    diag_set_free(diags);
    buf_free(&sample);
}

/* Each value of a sidecar in turn replaced by others that do not belong there. at: the one to replace; counts down. */
static int replace_nth(json_t *node, size_t *at, const json_t *with)
{
    const char *key;
    json_t *value;
    void *next;
    size_t i;
    json_object_foreach_safe(node, next, key, value)
    {
        if ((*at)-- == 0)
            return json_object_set_new(node, key, json_deep_copy(with)) == 0;
        if (replace_nth(value, at, with))
            return 1;
    }
    json_array_foreach(node, i, value)
    {
        if ((*at)-- == 0)
            return json_array_set_new(node, i, json_deep_copy(with)) == 0;
        if (replace_nth(value, at, with))
            return 1;
    }
    return 0;
}

static void test_every_value_replaced(void **state)
{
    (void)state;
    static const char *const names[] = {"echo_source", "echo_delivery"};
    json_t *values = json_loads("[null, true, -1, 0, 7, 16, 9223372036854775807, 1.5, \"\", \"list\", \"object\", "
                                "\"name\", [], {}, [{}], [\"x\"]]",
                                0, NULL);
    size_t used = 0;
    for (size_t i = 0; i < 2 * json_array_size(values); i++) {
        json_t *good = plugin_sidecar(load(names[i % 2]));
        for (size_t at = 0;; at++) {
            size_t left = at;
            json_t *json = json_deep_copy(good);
            if (!replace_nth(json, &left, json_array_get(values, i / 2))) {
                json_decref(json);
                break;
            }
            struct arena *arena = arena_new(0);
            struct error err = {0};
            const struct plugin *plugin = plugin_from_json(arena, fixture(names[i % 2]), json, &err);
            if (plugin)
                use(arena, plugin);
            assert_int_equal(plugin == NULL, err.count == 1);
            used += plugin != NULL;
            error_clear(&err);
            json_decref(json);
            arena_free(arena);
        }
        json_decref(good);
    }
    assert_in_range(used, 50, 5000);
    json_decref(values);
}

/* --- files ------------------------------------------------------------------------------------------------------ */

static void make_dir(char path[64])
{
    strcpy(path, "/tmp/belfry-sidecar-XXXXXX");
    assert_non_null(mkdtemp(path));
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void test_files(void **state)
{
    (void)state;
    char dir[64], so[128], json[128];
    struct arena *arena = arena_new(0);
    struct error err = {0};
    make_dir(dir);
    snprintf(so, sizeof(so), "%s/echo_source.so", dir);
    snprintf(json, sizeof(json), "%s/echo_source.json", dir);
    assert_null(plugin_read_sidecar(arena, so, &err));
    assert_int_equal(err.status, BELFRY_ENOTFOUND);
    error_clear(&err);
    write_file(json, "{\"sidecar\": ");
    assert_null(plugin_read_sidecar(arena, so, &err));
    assert_int_equal(err.status, BELFRY_EINVAL);
    error_clear(&err);
    unlink(json);
    /* through a child, beside the object */
    char *real = realpath(fixture("echo_source"), NULL);
    assert_int_equal(symlink(real, so), 0);
    free(real);
    if (plugin_write_sidecar(self, so, &err) != BELFRY_OK)
        fail_msg("%s", error_text(&err));
    const struct plugin *read = plugin_read_sidecar(arena, so, &err);
    assert_non_null(read);
    assert_string_equal(read->build_id, plugin_build_id(arena, so));
    struct stat st;
    assert_int_equal(stat(json, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
    unlink(json);
    unlink(so);
    rmdir(dir);
    arena_free(arena);
}

static void test_search(void **state)
{
    (void)state;
    char one[64], two[64], path[128], both[200];
    struct arena *arena = arena_new(0);
    const char *const *ids;
    make_dir(one);
    make_dir(two);
    static const char *const files[] = {"b.so", "a.so", ".hidden.so", "a.json", "so"};
    for (size_t i = 0; i < 5; i++) {
        snprintf(path, sizeof(path), "%s/%s", i == 1 ? two : one, files[i]);
        write_file(path, "");
    }
    snprintf(path, sizeof(path), "%s/b.so", two);
    write_file(path, "");
    snprintf(both, sizeof(both), "%s::/nowhere:%s", one, two);
    assert_int_equal(unsetenv("BELFRY_PLUGIN_PATH"), 0);
    assert_int_equal(plugin_list(arena, both, &ids), 2);
    assert_string_equal(ids[0], "a");
    assert_string_equal(ids[1], "b");
    snprintf(path, sizeof(path), "%s/b.so", one);
    assert_string_equal(plugin_find(arena, both, "b"), path);
    assert_null(plugin_find(arena, both, "c"));
    assert_null(plugin_find(arena, both, "../b"));
    assert_null(plugin_find(arena, both, ""));
    assert_null(plugin_find(arena, NULL, "b"));
    setenv("BELFRY_PLUGIN_PATH", two, 1);
    snprintf(path, sizeof(path), "%s/b.so", two);
    assert_string_equal(plugin_find(arena, both, "b"), path);
    unsetenv("BELFRY_PLUGIN_PATH");
    static const char *const made[] = {"b.so", ".hidden.so", "a.json", "so", "a.so"};
    for (size_t i = 0; i < 5; i++) {
        snprintf(path, sizeof(path), "%s/%s", one, made[i]);
        unlink(path);
        snprintf(path, sizeof(path), "%s/%s", two, made[i]);
        unlink(path);
    }
    rmdir(one);
    rmdir(two);
    arena_free(arena);
}

/* --- build ids -------------------------------------------------------------------------------------------------- */

static void test_build_id(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    char dir[64], path[128];
    make_dir(dir);
    snprintf(path, sizeof(path), "%s/x.so", dir);
    assert_string_equal(plugin_build_id(arena, "/nowhere.so"), "");
    assert_string_equal(plugin_build_id(arena, dir), "");
    const char *id = plugin_build_id(arena, fixture("echo_source"));
    assert_int_equal(strlen(id), 40);
    assert_int_equal(strspn(id, "0123456789abcdef"), 40);
    assert_string_not_equal(id, plugin_build_id(arena, fixture("echo_delivery")));
    write_file(path, "abc");
    assert_string_equal(plugin_build_id(arena, path), "sha256-ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f"
                                                      "20015ad");
    unlink(path);
    rmdir(dir);
    arena_free(arena);
}

/* An ELF file that lies about itself is read no further than it goes: every prefix, and every header byte changed. */
static void test_build_id_of_damaged_files(void **state)
{
    (void)state;
    struct buf bytes = {0};
    struct arena *arena = arena_new(0);
    char dir[64], path[128];
    FILE *file = fopen(fixture("echo_source"), "r");
    assert_non_null(file);
    bytes.len = fread(buf_reserve(&bytes, 4096), 1, 4096, file);
    fclose(file);
    make_dir(dir);
    snprintf(path, sizeof(path), "%s/x.so", dir);
    for (size_t i = 0; i < 1400; i++) {
        size_t len = i < 700 ? i : bytes.len;
        char saved = bytes.ptr[i - (i < 700 ? 0 : 700)];
        if (i >= 700)
            bytes.ptr[i - 700] = (char)(saved ^ 0xff);
        file = fopen(path, "w");
        fwrite(bytes.ptr, 1, len, file);
        fclose(file);
        if (i >= 700)
            bytes.ptr[i - 700] = saved;
        assert_non_null(plugin_build_id(arena, path));
    }
    unlink(path);
    rmdir(dir);
    buf_free(&bytes);
    arena_free(arena);
}

/* --- probes ----------------------------------------------------------------------------------------------------- */

static void test_probe(void **state)
{
    (void)state;
    static const char *const names[] = {"echo_source", "echo_delivery", "noisy_constructor"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct error err = {0};
        json_t *json = plugin_probe(self, fixture(names[i]), &err);
        if (!json)
            fail_msg("%s", error_text(&err));
        assert_string_equal(json_string_value(json_object_get(json, "id")), names[i]);
        json_decref(json);
    }
}

static void refused_probe(const char *program, const char *path, int timeout_ms, belfry_status status,
                          const char *wanted)
{
    struct error err = {0};
    assert_null(plugin_probe_within(program, path, timeout_ms, &err));
    assert_string_equal(error_text(&err), wanted);
    assert_int_equal(err.status, status);
    error_clear(&err);
}

static void test_probe_of_bad_objects(void **state)
{
    (void)state;
    char wanted[4300];
    const char *path = fixture("wrong_major");
    snprintf(wanted, sizeof(wanted), "%s: was built for plugin ABI 2.0, this hub offers 1.0", path);
    refused_probe(self, path, 10000, BELFRY_EINVAL, wanted);
    path = fixture("crash_in_constructor");
    snprintf(wanted, sizeof(wanted), "%s: crashed while it was loaded: Aborted", path);
    refused_probe(self, path, 10000, BELFRY_EINVAL, wanted);
    path = fixture("hang_in_constructor");
    snprintf(wanted, sizeof(wanted), "%s: did not finish loading within 300 ms", path);
    refused_probe(self, path, 300, BELFRY_ETIMEDOUT, wanted);
    snprintf(wanted, sizeof(wanted), "%s: cannot be probed: /nowhere: No such file or directory", path);
    refused_probe("/nowhere", path, 300, BELFRY_EIO, wanted);
    snprintf(wanted, sizeof(wanted), "%s: the probe ended with status 1 and said nothing", path);
    refused_probe("/bin/false", path, 10000, BELFRY_EINVAL, wanted);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_sidecar_fills),
        cmocka_unit_test(test_bad_sidecars),
        cmocka_unit_test(test_deep_sidecar),
        cmocka_unit_test(test_every_value_replaced),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_search),
        cmocka_unit_test(test_build_id),
        cmocka_unit_test(test_build_id_of_damaged_files),
        cmocka_unit_test(test_probe),
        cmocka_unit_test(test_probe_of_bad_objects),
    };
    if (argc == 5 && strcmp(argv[3], "--probe") == 0)
        return plugin_probe_answer(argv[4], NULL);
    self = "/proc/self/exe";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
