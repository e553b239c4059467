/* SPDX-License-Identifier: Apache-2.0 */
/* Catalogues: which text, in which language, in which plural form; and pages made of them. */
#include "template/pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const char english[] = "{\"hello\": \"Hello, {0}!\", \"only\": \"English only\","
                              " \"list\": {\"new\": {\"one\": \"{0} new\", \"other\": \"{0} new ones\"}}}";
static const char german[] = "{\"hello\": \"Hallo {0}!\", \"list\": {\"new\": {\"one\": \"{0} neue\","
                             " \"other\": \"{0} neue von {1}\"}}}";

static struct texts *both(struct texts *texts)
{
    assert_int_equal(texts_add(texts, "en", STR(english), NULL), BELFRY_OK);
    assert_int_equal(texts_add(texts, "de", STR(german), NULL), BELFRY_OK);
    return texts;
}

#define S(z)                                                                                                           \
    {                                                                                                                  \
        .type = BELFRY_VALUE_STRING, .s = { z, sizeof(z) - 1 }                                                         \
    }
#define I(n)                                                                                                           \
    {                                                                                                                  \
        .type = BELFRY_VALUE_INT, .i = n                                                                               \
    }

static void test_format(void **state)
{
    (void)state;
    static const struct {
        const char *locale, *key;
        struct belfry_value args[2];
        size_t count;
        const char *text;
    } rows[] = {
        {"en", "hello", {S("Ann")}, 1, "Hello, Ann!"},
        {"de", "hello", {S("Ann")}, 1, "Hallo Ann!"},
        {"de-AT", "hello", {S("{0}")}, 1, "Hallo {0}!"},
        {"DE", "hello", {S("Ann")}, 1, "Hallo Ann!"},
        {"fr", "hello", {S("Ann")}, 1, "Hello, Ann!"},
        {"", "hello", {S("Ann")}, 1, "Hello, Ann!"},
        {"de", "only", {I(0)}, 0, "English only"},
        {"en", "list.new", {I(1)}, 1, "1 new"},
        {"en", "list.new", {I(0)}, 1, "0 new ones"},
        {"en", "list.new", {I(1234)}, 1, "1,234 new ones"},
        {"de", "list.new", {I(1234), S("Ann")}, 2, "1.234 neue von Ann"},
        {"de", "list.new", {I(1234)}, 1, "1.234 neue von {1}"},
        {"en", "list", {I(0)}, 0, "list"},
        {"en", "list.old", {I(0)}, 0, "list.old"},
        {"en", "", {I(0)}, 0, ""},
    };
    struct texts *texts = both(texts_new());
    struct arena *arena = arena_new(256);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct belfry_str got =
            texts_format(texts, str_of(rows[i].locale), rows[i].key, rows[i].args, rows[i].count, arena);
        assert_string_equal(arena_str(arena, got).ptr, rows[i].text);
    }
    arena_free(arena);
    texts_free(texts);
}

static void test_faults(void **state)
{
    (void)state;
    static const struct {
        const char *json, *pointer, *part;
    } rows[] = {
        {"[]", "", "must be an object"},
        {"{\"a\": {\"b\": 1}}", "/a/b", "must be a text"},
        {"{\"a\": {\"one\": \"x\"}}", "/a", "other"},
    };
    struct texts *texts = texts_new();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct error err = {0};
        assert_int_equal(texts_add(texts, "en", str_of(rows[i].json), &err), BELFRY_EINVAL);
        assert_string_equal(err.items[0].pointer, rows[i].pointer);
        assert_non_null(strstr(err.items[0].detail, rows[i].part));
        error_clear(&err);
    }
    assert_int_equal(texts_add(texts, "en", STR("{"), NULL), BELFRY_EINVAL);
    assert_null(texts_tree(texts, STR("en")));
    texts_free(texts);
}

static void test_ago(void **state)
{
    (void)state;
    static const struct {
        const char *locale;
        int64_t age_s;
        const char *text;
    } rows[] = {
        {"en", 0, "now"},
        {"en", 59, "now"},
        {"en", 60, "1 minute ago"},
        {"en", 3599, "59 minutes ago"},
        {"en", 7200, "2 hours ago"},
        {"en", 86400, "yesterday"},
        {"de", 5 * 86400, "vor 5 Tagen"},
        {"de-CH", 3600, "vor 1 Stunde"},
        {"fr-FR", 3600, "1 hour ago"}, /* as the words around it */
        {"en", 7 * 86400, ""},
        {"en", -1, ""},
    };
    struct texts *texts = both(texts_new());
    struct arena *arena = arena_new(256);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t now = INT64_C(1767225600000);
        struct belfry_str got = texts_ago(texts, str_of(rows[i].locale), now, now - rows[i].age_s * 1000, arena);
        assert_string_equal(arena_str(arena, got).ptr, rows[i].text);
    }
    arena_free(arena);
    texts_free(texts);
}

static void test_pages(void **state)
{
    (void)state;
    struct pages *pages = pages_new();
    struct buf out = {0};
    json_t *model = json_pack("{s:s}", "name", "<Ann>");
    both(pages_texts(pages));
    assert_int_equal(pages_add(pages, "page", STR("<p>{{t.only}}</p>{{>who}}"), NULL), BELFRY_OK);
    assert_int_equal(pages_add(pages, "who", STR("<b>{{name}}</b>"), NULL), BELFRY_OK);
    assert_int_equal(pages_add(pages, "bad", STR("{{#open}}"), NULL), BELFRY_EINVAL);
    assert_int_equal(pages_render(pages, STR("de"), "page", model, &out), BELFRY_OK);
    assert_string_equal(out.ptr, "<p>English only</p><b>&lt;Ann&gt;</b>");
    assert_int_equal(pages_render(pages, STR("de"), "none", model, &out), BELFRY_ENOTFOUND);
    assert_null(json_object_get(model, "t"));
    json_decref(model);
    buf_free(&out);
    pages_free(pages);
}

static void on_part(void *arg, size_t part, belfry_status status, struct belfry_str text)
{
    struct buf *out = arg;
    buf_addf(out, "%zu %d %.*s\n", part, status == BELFRY_OK, STR_ARG(text));
}

/* The same of a tree as of its text: `t` and `content` are ours, also where the model has members of that name. */
static void test_parts(void **state)
{
    (void)state;
    struct pages *pages = pages_new();
    json_t *model = json_pack("{s:s, s:s, s:s, s:[{s:s}, {s:s}]}", "name", "<Ann>", "t", "no text", "content", "own",
                              "rows", "id", "a", "id", "b");
    char *json = json_dumps(model, JSON_COMPACT);
    struct belfry_view view = json_view(model);
    both(pages_texts(pages));
    assert_int_equal(pages_add(pages, "who", STR("<b>{{name}}</b>"), NULL), BELFRY_OK);
    const struct belfry_part parts[] = {
        {.struct_size = sizeof(*parts), .text = STR("{{#rows}}{{id}}{{t.only}}, {{/rows}}{{content}}\n\n")},
        {.struct_size = sizeof(*parts),
         .escape = BELFRY_ESCAPE_HTML,
         .text = STR("[{{{content}}}]{{>who}}"),
         .around = 1},
        {.struct_size = sizeof(*parts), .text = STR("{{t.only}} {{content}}")},
        {.struct_size = sizeof(*parts), .text = STR("")},
        {.struct_size = sizeof(*parts), .text = STR("({{content}})"), .around = 1},
        {.struct_size = sizeof(*parts), .name = "none"},
        {.struct_size = sizeof(*parts), .name = "who", .around = 1},
    };
    for (int viewed = 0; viewed < 2; viewed++) {
        struct buf out = {0};
        struct belfry_rendering what = {.struct_size = sizeof(what),
                                        .language = STR("de"),
                                        .json = viewed ? STR("") : str_of(json),
                                        .parts = parts,
                                        .part_count = sizeof(parts) / sizeof(parts[0]),
                                        .model = viewed ? &view : NULL};
        assert_int_equal(pages_render_parts(pages, &what, on_part, &out), BELFRY_OK);
        assert_string_equal(out.ptr, "0 1 aEnglish only, bEnglish only, own\n\n\n"
                                     "1 1 [aEnglish only, bEnglish only, own]<b>&lt;Ann&gt;</b>\n"
                                     "2 1 English only own\n"
                                     "3 1 \n"
                                     "4 1 ()\n"
                                     "5 0 there is no such template\n"
                                     "6 0 \n");
        buf_free(&out);
    }
    free(json);
    json_decref(model);
    pages_free(pages);
}

static void test_parts_of_no_object(void **state)
{
    (void)state;
    struct pages *pages = pages_new();
    json_t *list = json_array();
    struct belfry_view view = json_view(list);
    const struct belfry_part part = {.struct_size = sizeof(part), .text = STR("x")};
    struct buf out = {0};
    struct belfry_rendering what = {.struct_size = sizeof(what), .json = STR("[]"), .parts = &part, .part_count = 1};
    assert_int_equal(pages_render_parts(pages, &what, on_part, &out), BELFRY_EINVAL);
    what.json = STR("{");
    assert_int_equal(pages_render_parts(pages, &what, on_part, &out), BELFRY_EINVAL);
    what.model = &view;
    assert_int_equal(pages_render_parts(pages, &what, on_part, &out), BELFRY_EINVAL);
    /* of a plugin that does not know of models yet, whatever lies behind its struct */
    what.struct_size = offsetof(struct belfry_rendering, model);
    what.json = STR("{}");
    assert_int_equal(pages_render_parts(pages, &what, on_part, &out), BELFRY_OK);
    assert_string_equal(out.ptr, "0 1 x\n");
    buf_free(&out);
    json_decref(list);
    pages_free(pages);
}

/* Twice as large is twice as many rows, and no more. */
static void test_large_pages(void **state)
{
    (void)state;
    static char row[1000];
    struct pages *pages = pages_new();
    json_t *model = json_object(), *rows = json_array();
    memset(row, 'x', sizeof(row) - 1);
    json_object_set_new(model, "rows", rows);
    for (int i = 0; i < TEMPLATE_MAX_OUTPUT / (int)sizeof(row); i++)
        json_array_append_new(rows, json_string(row));
    assert_int_equal(pages_add(pages, "page", STR("{{#rows}}{{.}}{{/rows}}"), NULL), BELFRY_OK);
    for (uint32_t times = 1; times <= 4; times *= 2) {
        struct buf out = {0};
        pages_allow(pages, times);
        assert_int_equal(pages_render(pages, STR("en"), "page", model, &out), BELFRY_OK);
        buf_clear(&out);
        for (size_t i = json_array_size(rows); i > 0; i--)
            json_array_append_new(rows, json_string(row));
        assert_int_equal(pages_render(pages, STR("en"), "page", model, &out), BELFRY_ELIMIT);
        assert_int_equal(out.len, 0);
        buf_free(&out);
    }
    json_decref(model);
    pages_free(pages);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_ago),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_large_pages),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_parts_of_no_object),
    };
    return cmocka_run_group_tests_name("template_texts", tests, NULL, NULL);
}
