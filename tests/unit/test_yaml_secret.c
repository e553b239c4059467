/* SPDX-License-Identifier: Apache-2.0 */
/* References to secrets: what is replaced and what stays text, what is reported, and that no value is ever shown. */
#include "base/arena.h"
#include "yaml/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define CANARY "c4n4ry-value"

static char directory[64];

struct fixture {
    struct arena *arena;
    struct diag_set *diags;
    const struct yaml_node *root;
};

static struct fixture load(const char *text, enum yaml_secrets mode)
{
    struct fixture f = {arena_new(0), diag_set_new(), NULL};
    f.root = yaml_load(f.arena, f.diags, diag_add_file(f.diags, "t.yaml", str_of(text)));
    yaml_substitute(f.arena, f.diags, f.root, mode);
    return f;
}

static void drop(struct fixture *f)
{
    diag_set_free(f->diags);
    arena_free(f->arena);
}

static void write_file(const char *name, const void *data, size_t len, mode_t mode)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(directory, sizeof(directory), "/tmp/belfry-test-XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    setenv("CREDENTIALS_DIRECTORY", directory, 1);
    setenv("T_SECRET", CANARY, 1);
    setenv("T_TRICKY", "yes: [*a, ${env:T_SECRET}] # \"no\"", 1);
    setenv("T_EMPTY", "", 1);
    setenv("T_BROKEN", "\xFF", 1);
    unsetenv("T_UNSET");
    write_file("plain", CANARY "\n", sizeof(CANARY), 0600);
    write_file("crlf", CANARY "\r\n\r\n", sizeof(CANARY) + 3, 0600);
    write_file("open", CANARY, sizeof(CANARY) - 1, 0644);
    write_file("binary", "a\0b", 3, 0600);
    write_file("latin", "\xE4", 1, 0600);
    char *large = calloc(1, 65537);
    memset(large, 'x', 65537);
    write_file("large", large, 65537, 0600);
    write_file("largest", large, 65536, 0600);
    free(large);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    static const char *const names[] = {"plain", "crlf", "open", "binary", "latin", "large", "largest"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[128];
        snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
        unlink(path);
    }
    return rmdir(directory);
}

/* --- what becomes of a value -------------------------------------------------------------------------------------- */

struct row {
    const char *value; /* %s: the directory */
    const char *result;
    const char *codes;
};

static const struct row rows[] = {
    {"plain", "plain", ""},
    {"${env:T_SECRET}", CANARY, ""},
    {"a ${env:T_SECRET} b ${env:T_SECRET}c", "a " CANARY " b " CANARY "c", ""},
    /* never parsed again, whatever it holds */
    {"${env:T_TRICKY}", "yes: [*a, ${env:T_SECRET}] # \"no\"", ""},
    {"${env:T_EMPTY}", "", ""},
    {"${env:T_EMPTY:-d}", "d", ""},
    {"${env:T_UNSET:-d e}", "d e", ""},
    {"${env:T_UNSET:-}", "", ""},
    {"${env:T_SECRET:-d}", CANARY, ""},
    {"${env:T_UNSET}", "${env:T_UNSET}", "1:5 H602"},
    {"x${env:T_UNSET}y${env:T_SECRET}", "x${env:T_UNSET}y" CANARY, "1:6 H602"},
    {"${env:T_BROKEN}", "${env:T_BROKEN}", "1:5 H602"},
    /* text, not references */
    {"$3 $labels p@s$w0rd $ $$ {x} ${} ${a} ${env} ${ENV:x}", "$3 $labels p@s$w0rd $ $$ {x} ${} ${a} ${env} ${ENV:x}",
     ""},
    {"$${env:T_SECRET}", "${env:T_SECRET}", ""},
    {"$${file:/x} $${cred:x} $${x}", "${file:/x} ${cred:x} $${x}", ""},
    {"$$${env:T_SECRET}", "$${env:T_SECRET}", ""},
    {"${SMTP_PASSWORD}", "${SMTP_PASSWORD}", "1:5 H606"},
    {"ab ${T_SECRET}", "ab ${T_SECRET}", "1:8 H606"},
    /* not well-formed */
    {"${env:T_SECRET", "${env:T_SECRET", "1:5 H607"},
    {"${env:}", "${env:}", "1:5 H607"},
    {"${env:1X}", "${env:1X}", "1:5 H607"},
    {"${env:A-B}", "${env:A-B}", "1:5 H607"},
    {"${file:relative}", "${file:relative}", "1:5 H607"},
    {"${file:/}", "${file:/}", "1:5 H607"},
    {"${cred:../x}", "${cred:../x}", "1:5 H607"},
    {"${cred:.x}", "${cred:.x}", "1:5 H607"},
    {"${cred:}", "${cred:}", "1:5 H607"},
    /* files and credentials */
    {"${cred:plain}", CANARY, ""},
    {"${file:%s/plain}", CANARY, ""},
    {"${file:%s/crlf}", CANARY "\r\n", ""},
    {"${file:%s/open}", CANARY, "1:5 H604"},
    {"${cred:open}", CANARY, "1:5 H604"},
    {"${cred:missing}", "${cred:missing}", "1:5 H602"},
    {"${cred:binary}", "${cred:binary}", "1:5 H602"},
    {"${cred:latin}", "${cred:latin}", "1:5 H602"},
    {"${cred:large}", "${cred:large}", "1:5 H602"},
    {"${file:/nowhere/at/all}", "${file:/nowhere/at/all}", "1:5 H602"},
    {"${file:/dev/null}", "${file:/dev/null}", "1:5 H602"},
    {"${file:/tmp}", "${file:/tmp}", "1:5 H602"},
};

static void add_diags(struct diag_set *diags, struct buf *out)
{
    for (size_t i = 0; i < diag_total(diags); i++) {
        const struct diag *d = diag_get(diags, i);
        buf_addf(out, "%s%u:%u %s", i ? " " : "", d->span.line, d->span.col, d->code);
    }
    buf_add(out, "", 0);
}

static void test_rows(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buf text = {0}, codes = {0};
        buf_addz(&text, "a: \"");
        const char *place = strstr(rows[i].value, "%s");
        buf_add(&text, rows[i].value, place ? (size_t)(place - rows[i].value) : strlen(rows[i].value));
        if (place)
            buf_addf(&text, "%s%s", directory, place + 2);
        buf_addz(&text, "\"\n");
        struct fixture f = load(text.ptr, YAML_SECRETS_REQUIRE);
        const struct yaml_node *a = yaml_get(f.root, "a");
        add_diags(f.diags, &codes);
        if (!str_eqz(a->text, rows[i].result) || strcmp(codes.ptr, rows[i].codes) != 0) {
            print_error("%s: `%.*s`, %s\n", rows[i].value, STR_ARG(a->text), codes.ptr);
            wrong++;
        }
        int has_reference = strstr(rows[i].value, "${") && !strstr(rows[i].value, "$${");
        if (strstr(rows[i].result, CANARY) && !a->tainted)
            fail_msg("%s is not tainted", rows[i].value);
        if (a->unresolved != (strstr(rows[i].codes, "H602") || strstr(rows[i].codes, "H607")) ||
            (a->tainted && !has_reference))
            fail_msg("%s: tainted %d, unresolved %d", rows[i].value, a->tainted, a->unresolved);
        assert_int_equal(a->scalar, YAML_STRING);
        buf_free(&text);
        buf_free(&codes);
        drop(&f);
    }
    assert_int_equal(wrong, 0);
}

static void test_largest(void **state)
{
    (void)state;
    struct fixture f = load("a: ${cred:largest}\n", YAML_SECRETS_REQUIRE);
    assert_int_equal(diag_total(f.diags), 0);
    assert_int_equal(yaml_get(f.root, "a")->text.len, 65536);
    drop(&f);
}

/* Keys, comments and the type of what comes out. */
static void test_only_values(void **state)
{
    (void)state;
    setenv("T_NUMBER", "0123", 1);
    struct fixture f = load("# ${env:T_UNSET}\n${env:T_UNSET}: 1\nn: ${env:T_NUMBER}\nl: [x, \"${env:T_NUMBER}\"]\n",
                            YAML_SECRETS_REQUIRE);
    assert_int_equal(diag_total(f.diags), 0);
    assert_non_null(yaml_get(f.root, "${env:T_UNSET}"));
    const struct yaml_node *n = yaml_get(f.root, "n");
    assert_int_equal(n->scalar, YAML_STRING);
    assert_true(str_eqz(n->text, "0123"));
    assert_true(str_eqz(n->raw, "${env:T_NUMBER}"));
    assert_true(str_eqz(yaml_get(f.root, "l")->items[1]->text, "0123"));
    assert_string_equal(yaml_describe(f.arena, n), "a secret");
    drop(&f);
}

/* A check needs no secrets: notes, the text stays, nothing is read. */
static void test_skip(void **state)
{
    (void)state;
    struct fixture f =
        load("a: ${env:T_SECRET}\nb: {c: '${file:/nowhere}'}\nd: ${env:}\ne: $${env:X}\n", YAML_SECRETS_SKIP);
    struct buf codes = {0};
    add_diags(f.diags, &codes);
    assert_string_equal(codes.ptr, "1:4 H601 2:9 H601 3:4 H607");
    assert_string_equal(diag_get(f.diags, 1)->path, "/b/c");
    assert_int_equal(diag_count(f.diags, DIAG_NOTE), 2);
    const struct yaml_node *a = yaml_get(f.root, "a");
    assert_true(str_eqz(a->text, "${env:T_SECRET}"));
    assert_true(a->tainted && a->unresolved);
    assert_true(str_eqz(yaml_get(f.root, "e")->text, "${env:X}"));
    buf_free(&codes);
    drop(&f);
}

/* One report for a value that several places use. */
static void test_alias(void **state)
{
    (void)state;
    struct fixture f =
        load("x-a: &a {s: \"${env:T_UNSET}\", t: \"${env:T_SECRET}\"}\nb: *a\nc: {<<: *a}\n", YAML_SECRETS_REQUIRE);
    assert_int_equal(diag_total(f.diags), 1);
    assert_true(str_eqz(yaml_get(yaml_get(f.root, "b"), "t")->text, CANARY));
    assert_true(str_eqz(yaml_get(yaml_get(f.root, "c"), "t")->text, CANARY));
    assert_true(yaml_get(yaml_get(f.root, "c"), "s")->unresolved);
    drop(&f);
}

static void test_no_credentials(void **state)
{
    (void)state;
    unsetenv("CREDENTIALS_DIRECTORY");
    struct fixture f = load("a: ${cred:plain}\n", YAML_SECRETS_REQUIRE);
    setenv("CREDENTIALS_DIRECTORY", directory, 1);
    assert_int_equal(diag_total(f.diags), 1);
    assert_string_equal(diag_get(f.diags, 0)->code, "H602");
    assert_non_null(strstr(diag_get(f.diags, 0)->message, "LoadCredential"));
    drop(&f);
}

/* The place of each reference, also when one is written twice, with escapes, or over several lines. */
static void test_places(void **state)
{
    (void)state;
    struct fixture f =
        load("a: \"${env:T_UNSET} ${env:T_UNSET}\"\nb: \"\\x24{env:T_UNSET}\"\nc: |\n  x\n  ${env:T_UNSET}\n",
             YAML_SECRETS_REQUIRE);
    struct buf codes = {0};
    add_diags(f.diags, &codes);
    assert_string_equal(codes.ptr, "1:5 H602 1:20 H602 2:4 H602 5:3 H602");
    buf_free(&codes);
    drop(&f);
}

static void test_never_shown(void **state)
{
    (void)state;
    struct fixture f = load("a: ${env:T_SECRET}\nb: \"${env:T_UNSET:-" CANARY "}\"\nc: ${env:T_SECRET}${env:T_UNSET}\n"
                            "d: ${cred:open}\ne: \"\\u0024{env:T_UNSET:-" CANARY "}${env:T_UNSET}\"\n",
                            YAML_SECRETS_REQUIRE);
    /* Somebody finds fault with every value. */
    for (size_t i = 0; i < f.root->count; i++) {
        const struct yaml_node *value = f.root->pairs[i].value;
        diag_add(f.diags, "H203", DIAG_ERROR, value->span, "expected a number, found %s",
                 yaml_describe(f.arena, value));
    }
    struct buf out = {0};
    diag_render_text(f.diags, &out, 1);
    diag_render_json(f.diags, &out);
    json_t *array = diag_to_json(f.diags);
    char *text = json_dumps(array, 0);
    assert_true(diag_total(f.diags) >= 7);
    assert_null(strstr(out.ptr, "4n4ry"));
    assert_null(strstr(text, "4n4ry"));
    assert_non_null(strstr(out.ptr, "found a secret"));
    free(text);
    json_decref(array);
    buf_free(&out);
    drop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),           cmocka_unit_test(test_largest),     cmocka_unit_test(test_only_values),
        cmocka_unit_test(test_skip),           cmocka_unit_test(test_alias),       cmocka_unit_test(test_places),
        cmocka_unit_test(test_no_credentials), cmocka_unit_test(test_never_shown),
    };
    return cmocka_run_group_tests_name("yaml secrets", tests, set_up, tear_down);
}
