/* SPDX-License-Identifier: Apache-2.0 */
/* Templates beyond the Mustache suite: escaping modes, numbers, faults with their offsets, limits, names that are read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "template/template.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static json_t *parse(const char *text)
{
    struct error err = {0};
    json_t *root = json_read(str_of(text), &err);

    if (root == NULL)
        fail_msg("bad test data %s: %s", text, error_text(&err));
    return root;
}

struct partials {
    struct arena *arena;
    json_t *texts; /* name to source */
};

static const struct belfry_template *find_partial(void *arg, struct belfry_str name)
{
    struct partials *partials = arg;
    json_t *text = json_object_getn(partials->texts, name.ptr, name.len);

    return text != NULL ? template_compile(partials->arena, json_str(text), NULL) : NULL;
}

static belfry_status render(const char *source, const char *data, const char *partials_json,
                            enum template_escape escape, struct buf *out)
{
    struct partials partials = {arena_new(0), parse(partials_json != NULL ? partials_json : "{}")};
    struct error err = {0};
    const struct belfry_template *tpl = template_compile(partials.arena, str_of(source), &err);
    json_t *root = parse(data);
    struct belfry_view view = json_view(root);
    belfry_status status;

    if (tpl == NULL)
        fail_msg("`%s` does not compile: %s", source, error_text(&err));
    status = template_render(tpl, &view, escape, find_partial, &partials, out);
    json_decref(root);
    json_decref(partials.texts);
    arena_free(partials.arena);
    return status;
}

struct render_row {
    const char *source, *data, *expected;
    enum template_escape escape;
};

static const struct render_row render_rows[] = {
    {"Big deal: {{fields.name}}", "{\"fields\":{\"name\":\"Tom & Co <x>\"}}", "Big deal: Tom & Co <x>", TEMPLATE_TEXT},
    {"{{a}}|{{{a}}}|{{&a}}", "{\"a\":\"<'\\\"&>\"}", "&lt;&#39;&quot;&amp;&gt;|<'\"&>|<'\"&>", TEMPLATE_HTML},
    {"{{a}}", "{\"a\":\"{{b}}\",\"b\":1}", "{{b}}", TEMPLATE_TEXT},
    {"{{a}} {{b}} {{c}}", "{\"a\":true,\"b\":false,\"c\":null}", "true false ", TEMPLATE_TEXT},
    {"{{a}} {{b}} {{c}}", "{\"a\":9223372036854775807,\"b\":-9223372036854775808,\"c\":0}",
     "9223372036854775807 -9223372036854775808 0", TEMPLATE_TEXT},
    {"{{a}} {{b}} {{c}} {{d}} {{e}}", "{\"a\":1.0,\"b\":0.1,\"c\":1e300,\"d\":-2.5,\"e\":-0.0}", "1 0.1 1e+300 -2.5 0",
     TEMPLATE_TEXT},
    {"{{a}}", "{\"a\":0.30000000000000004}", "0.30000000000000004", TEMPLATE_TEXT},
    {"[{{a}}{{b}}]", "{\"a\":[1],\"b\":{\"c\":1}}", "[]", TEMPLATE_TEXT},
    {"{{#a}}yes{{/a}}{{^a}}no{{/a}}", "{\"a\":\"\"}", "no", TEMPLATE_TEXT},
    {"{{#a}}yes{{/a}}{{^a}}no{{/a}}", "{\"a\":0}", "yes", TEMPLATE_TEXT},
    {"{{#a}}yes{{/a}}{{^a}}no{{/a}}", "{\"a\":{}}", "yes", TEMPLATE_TEXT},
    {"{{#a}}({{.}}){{/a}}", "{\"a\":[1,\"b\",2.5]}", "(1)(b)(2.5)", TEMPLATE_TEXT},
    {"{{#a}}{{#.}}{{.}},{{/.}};{{/a}}", "{\"a\":[[1,2],[],[3]]}", "1,2,;;3,;", TEMPLATE_TEXT},
    {"{{#a}}{{name}} of {{org}}\n{{/a}}", "{\"org\":\"acme\",\"a\":[{\"name\":\"ann\"},{\"org\":\"b\"}]}",
     "ann of acme\n of b\n", TEMPLATE_TEXT},
    {"{{=<% %>=}}<%a%> {{a}} <%={{ }}=%>{{a}}", "{\"a\":1}", "1 {{a}} 1", TEMPLATE_TEXT},
    {"{{=| |=}}|{a}| |&a| |a|", "{\"a\":\"<\"}", "< < &lt;", TEMPLATE_HTML},
    {"{{a.b.c}}", "{\"a\":{\"b\":\"text\"}}", "", TEMPLATE_TEXT},
    {"{{x}}", "\"a string at the root\"", "", TEMPLATE_TEXT},
    {"{{.}}", "\"a string at the root\"", "a string at the root", TEMPLATE_TEXT},
    {"", "{}", "", TEMPLATE_TEXT},
    {"a } }} { {\xff", "{}", "a } }} { {\xff", TEMPLATE_TEXT},
};

static void test_render(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(render_rows); i++) {
        struct buf out = {0};
        buf_addz(&out, ">");
        assert_int_equal(render(render_rows[i].source, render_rows[i].data, NULL, render_rows[i].escape, &out), 0);
        assert_string_equal(out.ptr + 1, render_rows[i].expected);
        buf_free(&out);
    }
}

/* Partials: whose lines are indented, and whose are not. */
static const struct {
    const char *source, *partials, *expected;
} partial_rows[] = {
    {"  {{>p}}\n", "{\"p\":\"a\\n\\nb\\n\"}", "  a\n  \n  b\n"},
    {"  {{>p}}\n", "{\"p\":\"{{#l}}\\nx\\n{{/l}}\\n\"}", "  x\n  x\n"},
    {"  {{>p}}\n", "{\"p\":\"{{#l}}x{{/l}}y\\n\"}", "  xxy\n"},
    {"  {{>p}}\n", "{\"p\":\"{{#l}}\\nx{{/l}}\"}", "  x  x"},
    {"  {{>p}}\n", "{\"p\":\"{{#l}}x\\n{{/l}}y\"}", "  x\n  x\n  y"},
    {"  {{>p}}\n", "{\"p\":\"{{!c}}x\\n\"}", "  x\n"},
    {"  {{>p}}\n", "{\"p\":\"1\\n\\t{{>q}}\\n2\",\"q\":\"a\\nb\\n\"}", "  1\n  \ta\n  \tb\n  2"},
    {"  {{>p}}\n", "{\"p\":\"{{>q}}!\\n\",\"q\":\"a\\nb\"}", "  a\nb!\n"},
    {"{{>p}}{{>p}}", "{\"p\":\"{{missing}}-\"}", "--"},
    {"{{>a.b/c-d}}", "{\"a.b/c-d\":\"ok\"}", "ok"},
};

static void test_partials(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(partial_rows); i++) {
        struct buf out = {0};
        assert_int_equal(render(partial_rows[i].source, "{\"l\":[1,2]}", partial_rows[i].partials, TEMPLATE_TEXT, &out),
                         0);
        assert_string_equal(out.ptr, partial_rows[i].expected);
        buf_free(&out);
    }
}

static const struct {
    const char *source, *offset, *message;
} fault_rows[] = {
    {"ab{{c", "2", "this tag is not closed by `}}`"},
    {"ab{{{c}}", "2", "this tag is not closed by `}}}`"},
    {"{{#a}}{{#b}}x{{/a}}", "13", "`a` is closed while `b` is open"},
    {"x{{#a}}{{^b}}{{/b}}", "1", "the section `a` is never closed"},
    {"x{{/a}}", "1", "`a` is closed but was not opened"},
    {"{{}}", "0", "a tag without a name"},
    {"{{# }}", "0", "a tag without a name"},
    {"{{a..b}}", "4", "empty part in the name `a..b`"},
    {"{{.a}}", "2", "empty part in the name `.a`"},
    {"{{a.}}", "4", "empty part in the name `a.`"},
    {"{{#if ready}}{{/if}}", "5", "a name cannot hold spaces: `if ready` (Mustache has no helpers or arguments)"},
    {"{{<parent}}", "0", "tags that begin with `<` are not supported"},
    {"{{$block}}", "0", "tags that begin with `$` are not supported"},
    {"{{>*name}}", "0", "dynamic names of partials are not supported"},
    {"{{=<%=}}", "0", "a change of delimiters names two: {{=<% %>=}}"},
    {"{{=a b c=}}", "0", "a change of delimiters names two: {{=<% %>=}}"},
    {"{{==a b=}}", "3", "a delimiter is 1 to 16 characters without spaces or `=`"},
    {"{{=12345678901234567 b=}}", "3", "a delimiter is 1 to 16 characters without spaces or `=`"},
};

static void test_faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(fault_rows); i++) {
        struct arena *arena = arena_new(0);
        struct error err = {0};
        assert_null(template_compile(arena, str_of(fault_rows[i].source), &err));
        assert_null(template_compile(arena, str_of(fault_rows[i].source), NULL));
        assert_int_equal(err.status, BELFRY_EINVAL);
        assert_int_equal(err.count, 1);
        assert_string_equal(err.items[0].detail, fault_rows[i].message);
        assert_string_equal(err.items[0].pointer, fault_rows[i].offset);
        error_clear(&err);
        arena_free(arena);
    }
}

static void test_nesting(void **state)
{
    struct buf source = {0};
    struct arena *arena = arena_new(0);
    struct error err = {0};

    (void)state;
    for (int i = 0; i < TEMPLATE_MAX_NESTING; i++)
        buf_addz(&source, "{{#a}}");
    buf_addz(&source, "x");
    for (int i = 0; i < TEMPLATE_MAX_NESTING; i++)
        buf_addz(&source, "{{/a}}");
    assert_non_null(template_compile(arena, buf_str(&source), &err));
    buf_clear(&source);
    for (int i = 0; i <= TEMPLATE_MAX_NESTING; i++)
        buf_addz(&source, "{{#a}}");
    assert_null(template_compile(arena, buf_str(&source), &err));
    assert_string_equal(error_text(&err), "sections nest more than 64 deep");
    error_clear(&err);
    buf_clear(&source);
    while (source.len <= TEMPLATE_MAX_TEXT)
        buf_addz(&source, "0123456789abcdef");
    assert_null(template_compile(arena, buf_str(&source), &err));
    assert_string_equal(error_text(&err), "a template has at most 262144 bytes");
    error_clear(&err);
    buf_free(&source);
    arena_free(arena);
}

static const struct {
    const char *name, *source, *data, *partials;
} limit_rows[] = {
    {"partial depth", "{{>p}}", "{}", "{\"p\":\"{{>p}}\"}"},
    {"steps", "{{>p}}", "{}", "{\"p\":\"{{>q}}{{>q}}\",\"q\":\"{{>r}}{{>r}}\",\"r\":\"{{#l}}{{#l}}{{/l}}{{/l}}\"}"},
    {"branching partials", "{{>p}}", "{}", "{\"p\":\"{{>p}}{{>p}}\"}"},
    {"output", "{{#l}}{{#l}}{{#l}}0123456789012345678901234567890123456789{{/l}}{{/l}}{{/l}}", "{}", NULL},
};

static void test_limits(void **state)
{
    struct buf data = {0};

    (void)state;
    buf_addz(&data, "{\"l\":[1");
    for (int i = 0; i < 200; i++)
        buf_addz(&data, ",1");
    buf_addz(&data, "]}");
    for (size_t i = 0; i < COUNT(limit_rows); i++) {
        struct buf out = {0};
        buf_addz(&out, "kept");
        assert_int_equal(render(limit_rows[i].source, data.ptr, limit_rows[i].partials, TEMPLATE_HTML, &out),
                         BELFRY_ELIMIT);
        assert_string_equal(out.ptr, "kept");
        assert_int_equal(out.len, 4);
        buf_free(&out);
    }
    buf_free(&data);
}

/* Exactly the limit passes, one byte more does not. */
static void test_output_limit(void **state)
{
    struct buf data = {0}, out = {0};

    (void)state;
    for (size_t extra = 0; extra < 2; extra++) {
        buf_clear(&data);
        buf_addz(&data, "{\"a\":\"");
        for (size_t i = 0; i < TEMPLATE_MAX_OUTPUT + extra; i++)
            buf_addc(&data, 'x');
        buf_addz(&data, "\"}");
        assert_int_equal(render("{{a}}", data.ptr, NULL, TEMPLATE_HTML, &out), extra == 0 ? 0 : BELFRY_ELIMIT);
        assert_int_equal(out.len, TEMPLATE_MAX_OUTPUT);
    }
    buf_free(&data);
    buf_free(&out);
}

static void assert_names(const struct belfry_str *names, size_t count, const char *expected)
{
    struct buf out = {0};

    buf_addz(&out, "");
    for (size_t i = 0; i < count; i++)
        buf_addf(&out, "%s%.*s", i > 0 ? " " : "", STR_ARG(names[i]));
    assert_string_equal(out.len > 0 ? out.ptr : "", expected);
    buf_free(&out);
}

static void test_names(void **state)
{
    static const char *source =
        "{{b}} {{a.c}} {{b}} {{.}} {{{d}}} {{!e}} {{#s.t}}{{in}} {{.}} {{^deep}}{{in}}{{/deep}}{{/s.t}} {{>p}}{{>o}}";
    struct arena *arena = arena_new(0);
    const struct belfry_template *tpl = template_compile(arena, str_of(source), NULL);
    const struct belfry_str *names;
    size_t count;

    (void)state;
    assert_non_null(tpl);
    names = template_paths(tpl, &count);
    assert_names(names, count, "a.c b d s.t");
    names = template_reads(tpl, &count);
    assert_names(names, count, "a.c b d deep in s.t");
    names = template_partials(tpl, &count);
    assert_names(names, count, "o p");
    arena_free(arena);
}

/* A template does not need the memory it was compiled from, nor parameters. */
static void test_owned(void **state)
{
    struct arena *arena = arena_new(0);
    char *source = xstrdup("Hello {{name}}{{>p}}{{.}}.");
    const struct belfry_template *tpl = template_compile(arena, str_of(source), NULL);
    struct buf out = {0};

    (void)state;
    memset(source, '!', strlen(source));
    free(source);
    assert_int_equal(template_render(tpl, NULL, TEMPLATE_TEXT, NULL, NULL, &out), 0);
    assert_string_equal(out.ptr, "Hello .");
    buf_free(&out);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_render),  cmocka_unit_test(test_partials), cmocka_unit_test(test_faults),
        cmocka_unit_test(test_nesting), cmocka_unit_test(test_limits),   cmocka_unit_test(test_output_limit),
        cmocka_unit_test(test_names),   cmocka_unit_test(test_owned),
    };
    return cmocka_run_group_tests_name("template", tests, NULL, NULL);
}
