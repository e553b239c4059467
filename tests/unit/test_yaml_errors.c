/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a text, and where: rows of text and of the places and codes that one reading must report. */
#include "base/arena.h"
#include "yaml/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct row {
    const char *text;
    const char *expected; /* "line:col CODE" of each, in the order of the file */
};

/* One fault a row: the place must be that of the cause. */
static const struct row single[] = {
    /* nothing wrong */
    {"", ""},
    {"# only a comment\n", ""},
    {"a: 1\n", ""},
    {"\xEF\xBB\xBF"
     "a: 1\r\nb:\r\n  - c\r\n",
     ""},
    {"---\na: 1\n", ""},
    {"%YAML 1.1\n---\na: 1\n...\n", ""},
    {"a: 10\xC2\xA0"
     "000 and more\n",
     ""},
    {"a: |\n  text\twith tab\n  \tand one in front\nb: 1\n", ""},
    {"a:\n- key: |-\n    x\n    \ty\n- >\n x\n \ty\n", ""},
    {"a: &x |2\n   \ty\n", ""},
    {"a: \"x: y\"\nb: 'it''s'\nc: http://x/y#z\n", ""},
    {"x-a: &a {k: 1}\nb: {<<: *a, k: 2}\n", ""},
    {"a: !!str 5\nb: ! x\n", ""},
    {"a:\tb\n", ""},
    /* H001 */
    {"a:\n\tb: 1\n", "2:1 H001"},
    {"a:\n  \tb: 1\n", "2:3 H001"},
    {"a:\n  -\tb\n", "2:4 H001"},
    {"a:\n\tb: 1\n\tc: 2\n\td: 3\n", "2:1 H001 3:1 H001 4:1 H001"},
    {"a:\n  b: 1\n\tc: 2\nd: 3\n", "3:1 H001"},
    {"a: {\n\tb: 1}\n", "2:1 H001"},
    {"a: |\n\ttext\n", "2:1 H001"},
    {"a: |\n  \ttext\n", "2:3 H001"}, /* legal, but not for libyaml */
    {"a:\n\t# comment\n  b: 1\n", "2:1 H001"},
    /* H002 */
    {"a: b: c\n", "1:4 H002"},
    {"title: Deal: won\nb: 1\n", "1:8 H002"},
    {"hub\n  listen: 1\n", "1:1 H002"},
    {"a:\n  b: 1\n  foo\n  c: 2\n", "3:3 H002"},
    {"a: 1\nfoo bar\nc: 2\n", "2:1 H002"},
    {"a:\n  b: 1\n    c: 2\n  d: 3\n", "3:5 H002"},
    {"a:\n  b: 1\n c: 2\n", "3:2 H002"},
    {"a:\n    b: 1\n  c: 2\n", "3:3 H002"},
    {"- a\nb: 1\n", "2:1 H002"},
    {"a: 1\n- b\n", "2:1 H002"},
    {"r:\n  - n: 1\n     w: 2\n    z: 3\n", "3:6 H002"},
    {"r:\n  - n: 1\n  w: 2\n", "3:3 H002"},
    {"a: [1, 2\nb: 3\n", "1:4 H002"},
    {"a: {x: 1\nb: 3\n", "1:4 H002"},
    {"a: [1, 2", "1:4 H002"},
    {"a: [x]]\nb: 1\n", "1:7 H002"},
    {"a: {b: [1}\n", "1:10 H002"},
    {"a: [\"x\"\n  \"y\"]\n", "2:3 H002"},
    {"a: }\n", "1:4 H002"},
    {"a: [,]\n", "1:5 H002"},
    {"a: \"x\nb: 1\nc: 2\n", "1:4 H002"},
    {"a: 'it's'\nb: 1\n", "1:8 H002"},
    {"a: \"x\" y\n", "1:8 H002"},
    {"a: [x] y\n", "1:8 H002"},
    {"a: \"\\q\"\n", "1:5 H002"},
    {"a: \"\\xZZ\"\n", "1:7 H002"},
    {"a: \"\\ud800\"\n", "1:7 H002"},
    {"a: @x\n", "1:4 H002"},
    {"a: `x`\n", "1:4 H002"},
    {"a: %x\n", "1:4 H002"},
    {"a: [ok, @x]\n", "1:9 H002"},
    {"a: *\n", "1:4 H002"},
    {"a: [x, *]\n", "1:8 H002"},
    {"a: &\n", "1:4 H002"},
    {"a: | text\n", "1:6 H002"},
    {"a: - b\n", "1:4 H002"},
    {"\"a\" b\n", "1:5 H002"},
    {"{a: 1}\nb: 2\n", "2:1 H002"},
    {"a: [@x , y]\n", "1:5 H002"},
    {"a:\n  b: 1\n\n  # why\n  foo\n\n  c: 2\n", "5:3 H002"},
    {"hub\n\n  listen: 1\n", "1:1 H002"},
    {"a: 1\n\"b c\"\nd: 1\n", "2:1 H002"},
    /* a forgotten quote: the next one that opens closes it */
    {"t: \"Hello\nb: \"x\"\nc: 3\n", "1:4 H002"},
    {"t: \"Hello\nb: \"x: y\"\nc: 3\n", "1:4 H002"},
    {"t:\n  - {k: 'open\n     j: 'x'}\n  - {k: 1}\n", "2:9 H002"},
    {"t: [\"a, \"b\"]\n", "1:10 H002"},
    {"t: \"over\n  two\" lines\n", "1:4 H002"},
    /* H003, H004 */
    {"a: \"\x01\"\n", "1:5 H003"},
    {"a: \x1b[31m\n", "1:4 H003"},
    {"a: \xEF\xBF\xBE\n", "1:4 H003"},
    {"a:\n\xC2\xA0\xC2\xA0"
     "b: 1\n",
     "2:1 H003"},
    {"a:\n  \xC2\xA0"
     "b: 1\n",
     "2:3 H003"},
    {"a\xC2\xA0: 1\n", "1:2 H003"},
    {"a: \xC2\xA0x\n", "1:4 H003"},
    {"a: caf\xE9\n", "1:7 H004"},
    {"a: \xC0\xAF\n", "1:4 H004"},
    {"a: \xED\xA0\x80\n", "1:4 H004"},
    {"\xC3\xA4: \xE9\nb: \xE9\xE9\n", "1:4 H004 2:4 H004"},
    {"\xFF\xFE"
     "a\n",
     "0:0 H004"},
    /* H1 */
    {"a: 1\nb: 2\na: 3\n", "3:1 H101"},
    {"a: {x: 1, y: 2, x: 3}\n", "1:17 H101"},
    {"a: 1\n\"a\": 2\n'a': 3\n", "2:1 H101 3:1 H101"},
    {"a: *x\n", "1:4 H102"},
    {"a: &x [*x]\n", "1:8 H102"},
    {"a: *x\nb: &x 1\n", "1:4 H102"},
    {"x: &a {}\ny: &b {}\nz:\n  <<: *a\n  <<: *b\n", "5:3 H103"},
    {"a: 1\n---\nb: 2\n", "2:1 H104"},
    {"a: 1\n---\nb: 2\n---\nc: 3\n", "2:1 H104"},
    {"a: {{name}}\n", "1:4 H106"},
    {"a: {{name}} is there\n", "1:4 H106"},
    {"? [a, b]\n: 1\n", "1:3 H106"},
    {"x: &a [1]\n*a : 2\n", "2:1 H106"},
    {"a: !env X\n", "1:4 H107"},
    {"a: !e!f X\n", "1:4 H107"},
    {"a: {<<: text}\n", "1:9 H108"},
    {"x: &l [1]\na: {<<: *l}\n", "1:7 H108"},
};

/* Several independent faults: all in one reading, and none that follows from another. */
static const struct row several[] = {
    {"hub:\n  listen: a: b\n  timezone: @x\n  data_dir: /x\nrules:\n  - name: *nope\n",
     "2:11 H002 3:13 H002 6:11 H102"},
    {"channels:\n  inbox: {plugin: in-app\n  mail: {plugin: email}\n  hooks: {plugin: webhook]}\n  bad: `x\n"
     "  ok: {plugin: x, plugin: y}\n",
     "2:10 H002 4:26 H002 5:8 H002 6:19 H101"},
    {"rules:\n  - name: a\n     when: {}\n    deliver: [inbox]\n  - name: b\n    title foo\n    when: {}\n"
     "  - name: \"open\n    x: 1\n  - name: 'it's'\n",
     "3:6 H002 6:5 H002 8:11 H002 10:15 H002"},
    {"a:\n\tb: 1\nc: caf\xE9\nd: [1\ne: 1\ne: 2\n", "2:1 H001 3:7 H004 4:4 H002 6:1 H101"},
    {"a: {{x}}\nb: {{y}}\nc: !env X\nd: *nope\n", "1:4 H106 2:4 H106 3:4 H107 4:4 H102"},
    {"orgs:\n  acme:\n    users:\n      ann: {name: Ann: Lee}\n      bob: {name: Bob}\n      cid: {name: [Cid}\n"
     "      dan: {name: Dan, name: Dan}\n  other:\n    users: {x: @y}\n",
     "4:22 H002 6:23 H002 7:24 H101 9:16 H002"},
    {"sources:\n  crm:\n    plugin: workflow\n    rules:\n      - name: one\n        when: {a: [1, 2}\n"
     "        notify: {to: [*]}\n      - name: two: three\n      - name: four\n        name: five\n",
     "6:24 H002 7:23 H002 8:15 H002 10:9 H101"},
    {"a: \"1\nb: '2\nc: [3\nd: {4\ne: |5\nf: &\ng: 6\ng: 7\n", "1:4 H002 2:4 H002 3:4 H002 4:4 H002 6:4 H002 8:1 H101"},
    {"x: \x01\ny: \x02\nz: \xFF\nw:\n\xC2\xA0v: 1\nu: a: b\n", "1:4 H003 2:4 H003 3:4 H004 5:1 H003 6:4 H002"},
    {"rules:\n- name: a\n  when: @x\n- name: b\n  when:\n    any:\n    - k: v: w\n    - k: \"x\" y\n- name: c\n"
     "  name: d\n---\nsecond: 1\n",
     "3:9 H002 7:10 H002 8:14 H002 10:3 H101 11:1 H104"},
    {"version: 1\nhub listen\nauth:\n  tokens:\n    - name: a, org: b\n    - {name: c, org: d\n"
     "    - {name: e, org: f}\norgs: {a: {}, a: {}}\n",
     "2:1 H002 5:13 H002 6:7 H002 8:15 H101"},
    {"rules:\n  - name: a\n    to: x\n     title: y\n  -name: b\n   when: {}\n  - name: c\n    foo: b: c\n    bar\n"
     "    baz: 1\n   qux: 2\nlast\n",
     "4:6 H002 5:3 H002 8:10 H002 9:5 H002 11:4 H002 12:1 H002"},
    {"a:\n  b:\n    c: 1\n     d: 2\n   e: 3\n  f: 4\n f: 5\ng: h: i\n", "4:6 H002 5:4 H002 7:2 H002 8:4 H002"},
};

static int check_row(const struct row *row)
{
    struct arena *arena = arena_new(0);
    struct diag_set *diags = diag_set_new();
    uint32_t file = diag_add_file(diags, "t.yaml", str_of(row->text));
    yaml_load(arena, diags, file);
    struct buf found = {0};
    for (size_t i = 0; i < diag_total(diags); i++) {
        const struct diag *d = diag_get(diags, i);
        buf_addf(&found, "%s%u:%u %s", i ? " " : "", d->span.line, d->span.col, d->code);
        if (d->severity != DIAG_ERROR)
            buf_addz(&found, " not an error");
        if (!diag_title(d->code) || !*d->message)
            buf_addz(&found, " unexplained");
    }
    const char *got = found.ptr ? found.ptr : "";
    int wrong = strcmp(got, row->expected) != 0;
    if (wrong)
        print_error("text:\n%s\nexpected: %s\nfound:    %s\n\n", row->text, row->expected, got);
    buf_free(&found);
    diag_set_free(diags);
    arena_free(arena);
    return wrong;
}

static void test_single(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++)
        wrong += check_row(&single[i]);
    assert_int_equal(wrong, 0);
}

static void test_several(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof(several) / sizeof(several[0]); i++)
        wrong += check_row(&several[i]);
    assert_int_equal(wrong, 0);
}

/* NUL cannot stand in the rows above. */
static void test_nul(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    struct diag_set *diags = diag_set_new();
    uint32_t file = diag_add_file(diags, "t", str_slice("a: 1\nb: \0x\nc: 3\n", 15));
    const struct yaml_node *root = yaml_load(arena, diags, file);
    assert_int_equal(diag_total(diags), 1);
    assert_string_equal(diag_get(diags, 0)->code, "H004");
    assert_int_equal(diag_get(diags, 0)->span.line, 2);
    assert_int_equal(diag_get(diags, 0)->span.col, 4);
    assert_non_null(yaml_get(root, "c"));
    diag_set_free(diags);
    arena_free(arena);
}

/* What a text that is cut at any byte says may differ; that it is read without harm may not. */
static void test_prefixes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(several) / sizeof(several[0]); i++) {
        for (size_t len = 0; len <= strlen(several[i].text); len++) {
            struct arena *arena = arena_new(0);
            struct diag_set *diags = diag_set_new();
            yaml_load(arena, diags, diag_add_file(diags, "t", str_slice(several[i].text, len)));
            struct buf out = {0};
            diag_render_text(diags, &out, 1);
            assert_true(out.len > 0);
            buf_free(&out);
            diag_set_free(diags);
            arena_free(arena);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single),
        cmocka_unit_test(test_several),
        cmocka_unit_test(test_nul),
        cmocka_unit_test(test_prefixes),
    };
    return cmocka_run_group_tests_name("yaml errors", tests, NULL, NULL);
}
