/* SPDX-License-Identifier: Apache-2.0 */
/* How diagnostics are shown: golden text with carets, lines of JSON, limits, and that no secret is ever part of it. */
#include "base/arena.h"
#include "yaml/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

struct golden {
    const char *text;
    const char *expected;
};

static const struct golden goldens[] = {
    {"a: 1\n", "no errors in 1 file\n"},
    {"hub:\n  title: Deal: won # yes\n",
     "t.yaml:2:10: error[H002]: the value holds `: `, which makes it a key of its own\n"
     "  |\n"
     "2 |   title: Deal: won # yes\n"
     "  |          ^^^^^^^^^ quote the value\n"
     "1 error in 1 file\n"},
    {"a: 1\nb: 2\na: 3\n", "t.yaml:3:1: error[H101]: key `a` is set twice\n"
                           "  |\n"
                           "3 | a: 3\n"
                           "  | ^\n"
                           "  ::: t.yaml:1:1\n"
                           "1 | a: 1\n"
                           "  | - first set here\n"
                           "1 error in 1 file\n"},
    /* The gutter is as wide as the largest line number. */
    {"a: 1\n\n\n\n\n\n\n\n\n\na: 3\n", "t.yaml:11:1: error[H101]: key `a` is set twice\n"
                                       "   |\n"
                                       "11 | a: 3\n"
                                       "   | ^\n"
                                       "   ::: t.yaml:1:1\n"
                                       " 1 | a: 1\n"
                                       "   | - first set here\n"
                                       "1 error in 1 file\n"},
    /* A tab is drawn as one cell; its column is a character's. */
    {"a:\n\t\tb: 1\n", "t.yaml:2:1: error[H001]: tab used for indentation; YAML needs spaces\n"
                       "  |\n"
                       "2 | \xE2\x86\x92\xE2\x86\x92"
                       "b: 1\n"
                       "  | ^^\n"
                       "1 error in 1 file\n"},
    /* Wide characters take two cells, combining ones none. */
    {"\xE5\x90\x8D\xE5\x89\x8D: \xE5\x80\xA4: x\n",
     "t.yaml:1:5: error[H002]: the value holds `: `, which makes it a key of its own\n"
     "  |\n"
     "1 | \xE5\x90\x8D\xE5\x89\x8D: \xE5\x80\xA4: x\n"
     "  |       ^^^^^ quote the value\n"
     "1 error in 1 file\n"},
    {"e\xCC\x81: x: y\n", "t.yaml:1:5: error[H002]: the value holds `: `, which makes it a key of its own\n"
                          "  |\n"
                          "1 | e\xCC\x81: x: y\n"
                          "  |    ^^^^ quote the value\n"
                          "1 error in 1 file\n"},
    /* Nothing of the file reaches the terminal as a control. */
    {"a: \x1b[31mred\n", "t.yaml:1:4: error[H003]: control character U+001B\n"
                         "  |\n"
                         "1 | a: \xEF\xBF\xBD[31mred\n"
                         "  |    ^\n"
                         "1 error in 1 file\n"},
    {"\"a\\e[0m\": 1\n\"a\\e[0m\": 2\n", "t.yaml:2:1: error[H101]: key `a\\x1B[0m` is set twice\n"
                                         "  |\n"
                                         "2 | \"a\\e[0m\": 2\n"
                                         "  | ^^^^^^^^\n"
                                         "  ::: t.yaml:1:1\n"
                                         "1 | \"a\\e[0m\": 1\n"
                                         "  | -------- first set here\n"
                                         "1 error in 1 file\n"},
    {"a:\n\xC2\xA0"
     "b: 1\nc: [1\n",
     "t.yaml:2:1: error[H003]: no-break space U+00A0 used for indentation; YAML needs ordinary spaces\n"
     "  |\n"
     "2 | \xC2\xB7"
     "b: 1\n"
     "  | ^\n"
     "t.yaml:3:4: error[H002]: `[` is not closed\n"
     "  |\n"
     "3 | c: [1\n"
     "  |    ^ no `]` for it\n"
     "2 errors in 1 file\n"},
    {"\xFF\xFE"
     "a",
     "t.yaml: error[H004]: the file is UTF-16; save it as UTF-8\n1 error in 1 file\n"},
    {"a: caf\xE9\n", "t.yaml:1:7: error[H004]: byte 0xE9 is not UTF-8\n"
                     "  |\n"
                     "1 | a: caf\xEF\xBF\xBD\n"
                     "  |       ^\n"
                     "  = help: in Latin-1 this byte is `\xC3\xA9`; save the file as UTF-8\n"
                     "1 error in 1 file\n"},
    {"\xEF\xBB\xBF"
     "a: b: c\r\n",
     "t.yaml:1:4: error[H002]: the value holds `: `, which makes it a key of its own\n"
     "  |\n"
     "1 | a: b: c\n"
     "  |    ^^^^ quote the value\n"
     "1 error in 1 file\n"},
    {"a: [{b: {{x}}}]\n", "t.yaml:1:9: error[H106]: a template must be quoted: `{{` is the start of a map\n"
                          "  |\n"
                          "1 | a: [{b: {{x}}}]\n"
                          "  |         ^^^^^^^ quote the value\n"
                          "1 error in 1 file\n"},
    /* Values that look like secrets, and passwords of URLs, are not shown. */
    {"password: @hunter2 # x\nurl: smtp://me:hunter2@host: x\n",
     "t.yaml:1:11: error[H002]: text cannot begin with `@`\n"
     "  |\n"
     "1 | password: <redacted> # x\n"
     "  |           ^^^^^^^^^^ quote the value\n"
     "t.yaml:2:6: error[H002]: the value holds `: `, which makes it a key of its own\n"
     "  |\n"
     "2 | url: <redacted>\n"
     "  |      ^^^^^^^^^^ quote the value\n"
     "2 errors in 1 file\n"},
    /* Nor what stands behind a key that sounds like one, where the file is not whole. */
    {"a: 'b' c\ntoken: \"hunter2\", \nb: {signing_key: hunter2, may: [x]} }\n",
     "t.yaml:1:8: error[H002]: text after the closing quote\n"
     "  |\n"
     "1 | a: 'b' c\n"
     "  |        ^\n"
     "  = help: inside single quotes a quote is written twice: 'it''s'\n"
     "t.yaml:2:17: error[H002]: text after the closing quote\n"
     "  |\n"
     "2 | token: <redacted>, \n"
     "  |                  ^\n"
     "  = help: quote the whole value; inside double quotes write \\\" for a quote\n"
     "t.yaml:3:37: error[H002]: `}` without its `{`\n"
     "  |\n"
     "3 | b: {signing_key: <redacted>, may: [x]} }\n"
     "  |                                        ^\n"
     "3 errors in 1 file\n"},
    {"a: {u: 'smtp://me:hunter2@host', u: 1}\n", "t.yaml:1:34: error[H101]: key `u` is set twice\n"
                                                 "  |\n"
                                                 "1 | a: {u: 'smtp://<redacted>@host', u: 1}\n"
                                                 "  |                                  ^\n"
                                                 "  ::: t.yaml:1:5\n"
                                                 "1 | a: {u: 'smtp://<redacted>@host', u: 1}\n"
                                                 "  |     - first set here\n"
                                                 "1 error in 1 file\n"},
};

static void render(const char *text, int as_json, struct buf *out)
{
    struct arena *arena = arena_new(0);
    struct diag_set *diags = diag_set_new();
    yaml_load(arena, diags, diag_add_file(diags, "t.yaml", str_of(text)));
    if (as_json)
        diag_render_json(diags, out);
    else
        diag_render_text(diags, out, 0);
    diag_set_free(diags);
    arena_free(arena);
}

static void test_goldens(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof(goldens) / sizeof(goldens[0]); i++) {
        struct buf out = {0};
        render(goldens[i].text, 0, &out);
        if (strcmp(out.ptr, goldens[i].expected) != 0) {
            print_error("expected:\n%sfound:\n%s\n", goldens[i].expected, out.ptr);
            wrong++;
        }
        buf_free(&out);
    }
    assert_int_equal(wrong, 0);
}

/* What the configuration room adds: labels, help, replacement, several files, and no place at all. */
static void test_built(void **state)
{
    (void)state;
    struct diag_set *set = diag_set_new();
    uint32_t a = diag_add_file(set, "conf.d/20-ci.yaml", STR("rules:\n  - name: ci\n    notfy: [oncall]\n"));
    uint32_t b = diag_add_file(set, "hub.yaml", STR("channels:\n  ops-mail: {}\n"));
    struct diag *d =
        diag_add(set, "H301", DIAG_WARNING, diag_span_at(set, a, 32, 38), "no channel named \"%s\"", "oncall");
    diag_relate(set, d, diag_span_at(set, b, 12, 20), "similar name defined here");
    d = diag_add(set, "H201", DIAG_ERROR, diag_span_at(set, a, 24, 29), "unknown key `notfy`");
    diag_suggest(set, d, "notify");
    diag_help(set, d, "keys allowed here: %s", "name, notify");
    diag_add(set, "H701", DIAG_ERROR, diag_nowhere(), "cannot read `x.yaml`");
    diag_add(set, "H601", DIAG_NOTE, diag_span_at(set, b, 0, 8), "secret `X` is not resolved by this check");
    diag_suggest(set, diag_add(set, "H202", DIAG_NOTE, diag_span_at(set, b, 999, 9999), "missing"), NULL);
    struct buf out = {0};
    diag_render_text(set, &out, 0);
    assert_string_equal(out.ptr, "conf.d/20-ci.yaml:3:5: error[H201]: unknown key `notfy`\n"
                                 "  |\n"
                                 "3 |     notfy: [oncall]\n"
                                 "  |     ^^^^^ did you mean `notify`?\n"
                                 "  = help: keys allowed here: name, notify\n"
                                 "conf.d/20-ci.yaml:3:13: warning[H301]: no channel named \"oncall\"\n"
                                 "  |\n"
                                 "3 |     notfy: [oncall]\n"
                                 "  |             ^^^^^^\n"
                                 "  ::: hub.yaml:2:3\n"
                                 "2 |   ops-mail: {}\n"
                                 "  |   -------- similar name defined here\n"
                                 "hub.yaml:1:1: note[H601]: secret `X` is not resolved by this check\n"
                                 "  |\n"
                                 "1 | channels:\n"
                                 "  | ^^^^^^^^\n"
                                 "hub.yaml:3:1: note[H202]: missing\n"
                                 "  |\n"
                                 "3 |\n"
                                 "  | ^\n"
                                 "error[H701]: cannot read `x.yaml`\n"
                                 "2 errors, 1 warning, 2 notes in 2 files\n");
    buf_clear(&out);
    diag_render_json(set, &out);
    static const char first[] =
        "{\"v\":1,\"code\":\"H201\",\"severity\":\"error\",\"message\":\"unknown key `notfy`\","
        "\"file\":\"conf.d/20-ci.yaml\",\"line\":3,\"col\":5,\"end_line\":3,\"end_col\":10,\"byte_start\":24,\"byte_end\":29,\"path\":null,"
        "\"label\":\"did you mean `notify`?\",\"help\":\"keys allowed here: name, notify\","
        "\"suggestion\":{\"replacement\":\"notify\",\"applicability\":\"machine\"},\"related\":[]}\n";
    assert_memory_equal(out.ptr, first, sizeof(first) - 1);
    assert_true(
        str_has_suffix(buf_str(&out), STR("{\"v\":1,\"summary\":{\"errors\":2,\"warnings\":1,\"files\":2}}\n")));
    json_t *array = diag_to_json(set);
    assert_int_equal(json_array_size(array), 5);
    json_t *nowhere = json_array_get(array, 4);
    assert_true(json_is_null(json_object_get(nowhere, "file")));
    assert_true(json_is_null(json_object_get(nowhere, "line")));
    assert_int_equal(json_array_size(json_object_get(json_array_get(array, 1), "related")), 1);
    json_decref(array);
    buf_free(&out);
    diag_set_free(set);
}

static size_t count(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, part)); at++)
        n++;
    return n;
}

/* Fifty are shown, errors before notes, in the order of the file. */
static void test_cap(void **state)
{
    (void)state;
    struct diag_set *set = diag_set_new();
    uint32_t file = diag_add_file(set, "t", STR("abc\n"));
    for (int i = 0; i < 60; i++)
        diag_add(set, "H601", DIAG_NOTE, diag_span_at(set, file, 0, 1), "n");
    for (int i = 0; i < 45; i++)
        diag_add(set, "H201", DIAG_ERROR, diag_span_at(set, file, 2, 3), "e");
    struct buf out = {0};
    diag_render_text(set, &out, 0);
    assert_int_equal(count(out.ptr, "error[H201]"), 45);
    assert_int_equal(count(out.ptr, "note[H601]"), 5);
    assert_non_null(strstr(out.ptr, "and 55 more\n45 errors, 60 notes in 1 file\n"));
    assert_true(strstr(out.ptr, "note[H601]") < strstr(out.ptr, "error[H201]"));
    buf_clear(&out);
    diag_render_json(set, &out);
    assert_int_equal(count(out.ptr, "\n"), 106);
    buf_free(&out);
    diag_set_free(set);
}

/* Of a long line only the part around the caret is drawn, and the caret is under its character. */
static void test_long_line(void **state)
{
    (void)state;
    struct buf text = {0};
    for (int i = 0; i < 5000; i++)
        buf_addz(&text, "\xC3\xA4 ");
    size_t at = text.len;
    buf_addz(&text, "HERE");
    for (int i = 0; i < 5000; i++)
        buf_addz(&text, "x ");
    struct diag_set *set = diag_set_new();
    uint32_t file = diag_add_file(set, "t", buf_str(&text));
    struct diag_span span = diag_span_at(set, file, (uint32_t)at, (uint32_t)at + 4);
    assert_int_equal(span.col, 10001);
    diag_add(set, "H201", DIAG_ERROR, span, "e");
    struct buf out = {0};
    diag_render_text(set, &out, 0);
    assert_true(out.len < 1000);
    const char *source = strstr(out.ptr, "1 | ...");
    const char *caret_line = strstr(source, "\n") + 1;
    size_t bytes = (size_t)(strstr(source, "HERE") - source), cells = 0;
    for (size_t i = 0; i < bytes; i++)
        cells += ((unsigned char)source[i] & 0xC0) != 0x80;
    assert_int_equal(strcspn(caret_line, "^"), cells);
    assert_int_equal(strspn(caret_line + cells, "^"), 4);
    buf_free(&out);
    buf_free(&text);
    diag_set_free(set);
}

/* However a redacted stretch lies to the caret and to the part of the line that is drawn, it is not shown. */
static void test_redaction(void **state)
{
    (void)state;
    for (size_t before = 0; before < 400; before += 7) {
        for (size_t gap = 0; gap < 200; gap += 13) {
            struct buf text = {0};
            for (size_t i = 0; i < before; i++)
                buf_addc(&text, i % 9 ? 'a' : ' ');
            size_t secret = text.len;
            buf_addz(&text, "s3cr3t-with-length");
            size_t end = text.len;
            for (size_t i = 0; i < gap; i++)
                buf_addc(&text, 'b');
            size_t caret = text.len;
            buf_addz(&text, "X rest");
            struct diag_set *set = diag_set_new();
            uint32_t file = diag_add_file(set, "t", buf_str(&text));
            diag_redact(set, diag_span_at(set, file, (uint32_t)secret, (uint32_t)end));
            diag_redact(set, diag_span_at(set, file, (uint32_t)secret + 3, (uint32_t)end));
            struct diag *d =
                diag_add(set, "H201", DIAG_ERROR, diag_span_at(set, file, (uint32_t)caret, (uint32_t)caret + 1), "e");
            diag_relate(set, d, diag_span_at(set, file, (uint32_t)secret + 5, (uint32_t)secret + 9), "inside");
            d->replacement = "fine";
            diag_add(set, "H605", DIAG_WARNING, diag_span_at(set, file, (uint32_t)secret, (uint32_t)end), "w")
                ->replacement = "s3cr3t";
            struct buf out = {0};
            diag_render_text(set, &out, 0);
            diag_render_json(set, &out);
            for (size_t i = 0; i + 6 <= end - secret; i++) {
                char part[7] = {0};
                memcpy(part, text.ptr + secret + i, 6);
                if (strstr(out.ptr, part))
                    fail_msg("`%s` is shown (before %zu, gap %zu):\n%s", part, before, gap, out.ptr);
            }
            assert_non_null(strstr(out.ptr, "fine"));
            buf_free(&out);
            buf_free(&text);
            diag_set_free(set);
        }
    }
}

static void test_url_password_in_long_line(void **state)
{
    (void)state;
    for (size_t before = 0; before < 300; before += 5) {
        struct buf text = {0};
        for (size_t i = 0; i < before; i++)
            buf_addc(&text, i % 11 ? 'a' : ' ');
        buf_addz(&text, "https://user:hunter2hunter2hunter2hunter2hunter2hunter2hunter2hunter2@host/");
        size_t caret = text.len;
        buf_addz(&text, "path and more and more and more and more and more and more and more and more and more");
        struct diag_set *set = diag_set_new();
        uint32_t file = diag_add_file(set, "t", buf_str(&text));
        diag_add(set, "H201", DIAG_ERROR, diag_span_at(set, file, (uint32_t)caret, (uint32_t)caret + 4), "e");
        struct buf out = {0};
        diag_render_text(set, &out, 0);
        assert_null(strstr(out.ptr, "hunter"));
        assert_non_null(strstr(out.ptr, "path"));
        buf_free(&out);
        buf_free(&text);
        diag_set_free(set);
    }
}

static void test_colour(void **state)
{
    (void)state;
    struct diag_set *set = diag_set_new();
    diag_add(set, "H201", DIAG_ERROR, diag_nowhere(), "a\x1b[0m\nb");
    struct buf out = {0};
    diag_render_text(set, &out, 1);
    assert_non_null(strstr(out.ptr, "\x1b[1;31merror[H201]: \x1b[0ma?[0m?b\n"));
    buf_free(&out);
    diag_set_free(set);
}

/* Every mend that is offered makes the text better: applied, its fault is gone. */
static void test_replacements(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "a: b: c\n",          "a: @x\n",         "a: `x` y\n",         "a: {{name}} is\n", "a: [ok, @x, y]\n",
        "a: *.example.org\n", "a: [*]\n",        "a: &b*\n",           "a:\n\tb: 1\n",     "a: %x\n",
        "a: x: \"y\"\n",      "a: x: 'y' \\z\n", "a: {b: @c, d: e}\n", "- a: b: c\n",      "a:\n\t\tb: 1\n\t\tc: 2\n",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct arena *arena = arena_new(0);
        struct diag_set *set = diag_set_new();
        yaml_load(arena, set, diag_add_file(set, "t", str_of(texts[i])));
        struct buf mended = {0};
        size_t at = 0;
        for (size_t k = 0; k < diag_total(set); k++) {
            const struct diag *d = diag_get(set, k);
            if (!d->replacement)
                fail_msg("no mend for %s: %s", texts[i], d->message);
            buf_add(&mended, texts[i] + at, d->span.begin - at);
            buf_addz(&mended, d->replacement);
            at = d->span.end;
        }
        assert_true(diag_total(set) > 0);
        buf_addz(&mended, texts[i] + at);
        struct diag_set *again = diag_set_new();
        yaml_load(arena, again, diag_add_file(again, "t", buf_str(&mended)));
        if (diag_total(again))
            fail_msg("still wrong: %s%s", mended.ptr, diag_get(again, 0)->message);
        diag_set_free(again);
        buf_free(&mended);
        diag_set_free(set);
        arena_free(arena);
    }
}

static void test_codes(void **state)
{
    (void)state;
    const char *previous = "H000";
    size_t n = 0;
    for (const char *code; (code = diag_code_at(n)); n++) {
        assert_int_equal(strlen(code), 4);
        if (strcmp(previous, code) >= 0)
            fail_msg("%s follows %s", code, previous);
        assert_true(strlen(diag_title(code)) > 0);
        const char *help = diag_explain(code);
        if (strlen(help) < 20 || help[strlen(help) - 1] != '\n')
            fail_msg("help of %s", code);
        previous = code;
    }
    assert_true(n > 60);
    assert_string_equal(diag_title("h201"), "unknown key");
    assert_null(diag_explain("H999"));
    assert_null(diag_title(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_goldens),   cmocka_unit_test(test_built),
        cmocka_unit_test(test_cap),       cmocka_unit_test(test_long_line),
        cmocka_unit_test(test_redaction), cmocka_unit_test(test_url_password_in_long_line),
        cmocka_unit_test(test_colour),    cmocka_unit_test(test_replacements),
        cmocka_unit_test(test_codes),
    };
    return cmocka_run_group_tests_name("yaml diagnostics", tests, NULL, NULL);
}
