/* SPDX-License-Identifier: Apache-2.0 */
/* Option tables: what the walker accepts, what it says about the rest, and what it leaves in the plugin's struct. */
#include "base/mem.h"
#include "plugin/option.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define ROW(kind, c_struct, member, ...)                                                                               \
    {                                                                                                                  \
        .struct_size = sizeof(struct belfry_option), .type = BELFRY_OPT_##kind, .offset = offsetof(c_struct, member),  \
        .name = #member, __VA_ARGS__                                                                                   \
    }
#define ITEM(kind, ...)                                                                                                \
    (const struct belfry_option[])                                                                                     \
    {                                                                                                                  \
        {.struct_size = sizeof(struct belfry_option), .type = BELFRY_OPT_##kind, __VA_ARGS__},                         \
        {                                                                                                              \
            0                                                                                                          \
        }                                                                                                              \
    }

struct login {
    const char *user;
    const char *password;
    int32_t retries_pad;
    int64_t retries;
};

struct stand_in {
    const char *who, *by, *from, *until;
};

struct rule {
    const char *name;
    const struct belfry_template *title;
    const struct belfry_condition *when;
    struct belfry_list to;
    int32_t on;
};

struct config {
    const char *text;
    uint8_t flag;
    int64_t count;
    double ratio;
    int64_t wait;
    struct belfry_calendar keep;
    int64_t limit;
    int32_t at;
    const char *since;
    const char *url;
    int32_t colour;
    const char *owner;
    const struct belfry_template *title;
    const struct belfry_condition *when;
    struct login login;
    const struct login *spare;
    const struct stand_in *stand_in;
    struct belfry_list chasers;
    struct belfry_list rules;
    struct belfry_map labels;
    const char *secret;
};

static const char *const colours[] = {"red", "green", "blue", NULL};
static const char *const schemes[] = {"http", "https", NULL};
static const char *const paths[] = {"object", "fields.*", "severity", NULL};
static const char *const triggers[] = {"create", "update", "both", NULL};

static const struct belfry_option login_table[] = {
    ROW(STRING, struct login, user, .doc = "Who signs in."),
    ROW(STRING, struct login, password, .flags = BELFRY_OPT_SECRET, .requires_ = "user"),
    ROW(INT, struct login, retries, .def = "3", .min = 1, .max = 9),
    {0},
};
static const struct belfry_option spare_table[] = {
    ROW(STRING, struct login, user, .flags = BELFRY_OPT_REQUIRED, .doc = "Who signs in."),
    ROW(INT, struct login, retries, .def = "5"),
    {0},
};
static const struct belfry_option stand_in_table[] = {
    ROW(RECIPIENT, struct stand_in, who, .flags = BELFRY_OPT_PERSON),
    ROW(RECIPIENT, struct stand_in, by, .flags = BELFRY_OPT_PERSON, .unlike = "who"),
    ROW(DATE, struct stand_in, from),
    ROW(DATE, struct stand_in, until, .not_before = "from"),
    {0},
};
static const struct belfry_option rule_table[] = {
    ROW(STRING, struct rule, name, .flags = BELFRY_OPT_REQUIRED | BELFRY_OPT_UNIQUE),
    ROW(TEMPLATE, struct rule, title),
    ROW(CONDITION, struct rule, when, .choices = paths),
    ROW(LIST, struct rule, to, .flags = BELFRY_OPT_SCALAR_LIST, .children = ITEM(RECIPIENT)),
    ROW(CHOICE, struct rule, on, .choices = triggers, .def = "both"),
    {0},
};
static const struct belfry_option table[] = {
    ROW(STRING, struct config, text, .min = 2, .max = 5, .conflicts = "title, colour"),
    ROW(BOOL, struct config, flag, .def = "true"),
    ROW(INT, struct config, count, .min = 1, .max = 200, .def = "50", .doc = "How many."),
    ROW(DOUBLE, struct config, ratio, .min = 0, .max = 1),
    ROW(DURATION, struct config, wait, .min = 0, .max = INT64_MAX, .def = "5m"),
    ROW(DURATION, struct config, keep, .flags = BELFRY_OPT_CALENDAR),
    ROW(SIZE, struct config, limit, .def = "64KiB", .min = 1, .max = 1 << 20),
    ROW(TIME, struct config, at, .def = "09:00"),
    ROW(DATE, struct config, since),
    ROW(URL, struct config, url, .choices = schemes),
    ROW(CHOICE, struct config, colour, .choices = colours, .def = "green"),
    ROW(RECIPIENT, struct config, owner, .def = "role:admin"),
    ROW(TEMPLATE, struct config, title, .def = "Hello: {{name}}", .conflicts = "text"),
    ROW(CONDITION, struct config, when, .choices = paths),
    ROW(OBJECT, struct config, login, .children = login_table, .size = sizeof(struct login)),
    ROW(OBJECT, struct config, spare, .children = spare_table, .size = sizeof(struct login),
        .flags = BELFRY_OPT_POINTER),
    ROW(OBJECT, struct config, stand_in, .children = stand_in_table, .size = sizeof(struct stand_in),
        .flags = BELFRY_OPT_POINTER),
    ROW(LIST, struct config, chasers, .def = "[-3d, 1d]", .children = ITEM(DURATION, .flags = BELFRY_OPT_CALENDAR)),
    ROW(LIST, struct config, rules, .min = 0, .max = 3,
        .children = ITEM(OBJECT, .children = rule_table, .size = sizeof(struct rule))),
    ROW(MAP, struct config, labels, .children = ITEM(STRING)),
    ROW(STRING, struct config, secret, .flags = BELFRY_OPT_SECRET, .conflicts = "login"),
    {.struct_size = sizeof(struct belfry_option),
     .type = BELFRY_OPT_INT,
     .name = "amount",
     .offset = offsetof(struct config, count),
     .flags = BELFRY_OPT_DEPRECATED,
     .doc = "Use count."},
    {0},
};

struct filled {
    struct arena *arena;
    struct diag_set *diags;
    struct config config;
    belfry_status status;
};

static void fill(struct filled *f, const char *yaml, const struct option_scope *scope)
{
    f->arena = arena_new(0);
    f->diags = diag_set_new();
    memset(&f->config, 0, sizeof(f->config));
    const struct yaml_node *root = yaml_load(f->arena, f->diags, diag_add_file(f->diags, "t.yaml", str_of(yaml)));
    assert_non_null(root);
    assert_int_equal(diag_count(f->diags, DIAG_ERROR), 0);
    f->status = option_fill(f->arena, f->diags, table, root, scope, &f->config, sizeof(f->config));
}

static void done(struct filled *f)
{
    diag_set_free(f->diags);
    arena_free(f->arena);
}

/* --- what is written to the struct ------------------------------------------------------------------------------ */

static void test_table_is_sound(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    const char *fault = option_table_fault(arena, table, sizeof(struct config));
    if (fault)
        fail_msg("%s", fault);
    arena_free(arena);
}

static void test_defaults(void **state)
{
    (void)state;
    struct filled f;
    fill(&f, "{}", NULL);
    assert_int_equal(f.status, BELFRY_OK);
    assert_null(f.config.text);
    assert_int_equal(f.config.flag, 1);
    assert_int_equal(f.config.count, 50);
    assert_int_equal(f.config.wait, 300000);
    assert_int_equal(f.config.limit, 65536);
    assert_int_equal(f.config.at, 540);
    assert_int_equal(f.config.colour, 1);
    assert_string_equal(f.config.owner, "role:admin");
    assert_non_null(f.config.title);
    assert_null(f.config.when);
    assert_null(f.config.spare);
    assert_int_equal(f.config.login.retries, 3);
    assert_int_equal(f.config.chasers.count, 2);
    assert_int_equal(f.config.chasers.stride, sizeof(struct belfry_calendar));
    const struct belfry_calendar *chasers = f.config.chasers.items;
    assert_int_equal(chasers[0].days, -3);
    assert_int_equal(chasers[1].days, 1);
    assert_int_equal(f.config.rules.count, 0);
    done(&f);
}

static void test_every_type(void **state)
{
    (void)state;
    struct filled f;
    fill(&f,
         "flag: false\ncount: +7\nratio: 0.25\nwait: 90s\nkeep: 2w\nlimit: 3\nat: \"22:05\"\nsince: 2026-01-31\n"
         "url: https://u:p@[::1]:8443/x?y#z\ncolour: blue\nowner: ann\ntitle: 5\nwhen: {object: Deal}\n"
         "login: {user: u, retries: 9}\nspare: {user: v}\nchasers: [1h, 3d]\nlabels: {b: two, a: 1, aa: x}\n",
         NULL);
    assert_int_equal(f.status, BELFRY_OK);
    assert_int_equal(f.config.flag, 0);
    assert_int_equal(f.config.count, 7);
    assert_true(f.config.ratio == 0.25);
    assert_int_equal(f.config.wait, 90000);
    assert_int_equal(f.config.keep.days, 14);
    assert_int_equal(f.config.keep.ms, 0);
    assert_int_equal(f.config.limit, 3);
    assert_int_equal(f.config.at, 22 * 60 + 5);
    assert_string_equal(f.config.since, "2026-01-31");
    assert_string_equal(f.config.url, "https://u:p@[::1]:8443/x?y#z");
    assert_int_equal(f.config.colour, 2);
    assert_string_equal(f.config.owner, "user:ann");
    assert_non_null(f.config.when);
    assert_string_equal(f.config.login.user, "u");
    assert_int_equal(f.config.login.retries, 9);
    assert_string_equal(f.config.spare->user, "v");
    assert_int_equal(f.config.spare->retries, 5);
    const struct belfry_calendar *chasers = f.config.chasers.items;
    assert_int_equal(chasers[0].ms, 3600000);
    assert_int_equal(chasers[0].days, 0);
    assert_int_equal(chasers[1].days, 3);
    assert_int_equal(f.config.labels.count, 3);
    assert_string_equal(f.config.labels.keys[0], "a");
    assert_string_equal(f.config.labels.keys[1], "aa");
    assert_string_equal(f.config.labels.keys[2], "b");
    assert_string_equal(((const char *const *)f.config.labels.values)[2], "two");
    assert_string_equal(((const char *const *)f.config.labels.values)[0], "1");
    done(&f);
}

static void test_nested_list(void **state)
{
    (void)state;
    struct filled f;
    fill(&f,
         "rules:\n  - {name: a, to: ann, title: \"{{x}}\"}\n"
         "  - {name: b, on: update, to: [\"role:r\", \"email:a@b.example\", audience, \"user:bob\"]}\n",
         NULL);
    assert_int_equal(f.status, BELFRY_OK);
    assert_int_equal(f.config.rules.count, 2);
    const struct rule *rules = f.config.rules.items;
    assert_string_equal(rules[0].name, "a");
    assert_int_equal(rules[0].on, 2);
    assert_int_equal(rules[0].to.count, 1);
    assert_string_equal(((const char *const *)rules[0].to.items)[0], "user:ann");
    assert_int_equal(rules[1].on, 1);
    assert_int_equal(rules[1].to.count, 4);
    assert_string_equal(((const char *const *)rules[1].to.items)[1], "email:a@b.example");
    assert_string_equal(((const char *const *)rules[1].to.items)[2], "audience");
    assert_string_equal(((const char *const *)rules[1].to.items)[3], "user:bob");
    done(&f);
}

static void test_deprecated_key_wins_over_default(void **state)
{
    (void)state;
    struct filled f;
    fill(&f, "amount: 9", NULL);
    assert_int_equal(f.status, BELFRY_OK);
    assert_int_equal(f.config.count, 9);
    assert_int_equal(diag_total(f.diags), 1);
    assert_string_equal(diag_get(f.diags, 0)->code, "H213");
    assert_string_equal(diag_get(f.diags, 0)->help, "Use count.");
    done(&f);
}

/* --- what is said ----------------------------------------------------------------------------------------------- */

/* A row: YAML, and the one diagnostic as "LINE:COL CODE text | label". */
static const struct fault_row {
    const char *yaml, *expected;
} faults[] = {
    {"cuont: 5", "1:1 H201 unknown key `cuont` | did you mean `count`?"},
    {"also_no: 5", "1:1 H201 unknown key `also_no`"},
    {"to: [ann]", "1:1 H201 unknown key `to` | `to` belongs in `rules[]`"},
    {"retries: 2", "1:1 H201 unknown key `retries` | `retries` belongs in `login`"},
    {"rules:\n  - name: big\n    labels: {}", "3:5 H201 unknown key `labels` in `big` of `rules` | "
                                              "`labels` belongs further out, beside `text`"},
    {"login: {usr: x}", "1:9 H201 unknown key `usr` in `login` | did you mean `user`?"},
    {"spare: {usr: x}", "1:9 H201 unknown key `usr` in `spare` | did you mean `user`?"},
    {"spare: {}", "1:1 H202 `user` is missing in `spare`"},
    {"rules: [{}]", "1:9 H202 `name` is missing in an item of `rules`"},
    {"text: {a: b}", "1:7 H203 `text` must be a string, not a map"},
    {"text: [a]", "1:7 H203 `text` must be a string, not a list"},
    {"text: true", "1:7 H203 `text` must be a string, not the boolean true"},
    {"text:", "1:6 H203 `text` must be a string, not nothing"},
    {"text: \"a\\0b\"", "1:7 H203 `text` must not hold a NUL character"},
    {"text: x", "1:7 H204 `text` must have between 2 and 5 characters"},
    {"text: \xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xc3\xa4\xc3\xb6", "1:7 H204 `text` must have between 2 and 5 characters"},
    {"flag: yes", "1:7 H110 `flag` must be true or false | write `true`"},
    {"flag: Off", "1:7 H110 `flag` must be true or false | write `false`"},
    {"flag: \"true\"", "1:7 H203 `flag` must be true or false | write `true`"},
    {"flag: 1", "1:7 H203 `flag` must be true or false, not the number 1"},
    {"count: \"5\"", "1:8 H203 `count` must be a whole number, not the string `5`"},
    {"count: 5.0", "1:8 H203 `count` must be a whole number, not the number 5.0"},
    {"count: 0644",
     "1:8 H111 `count` is read as different numbers by different readers | write `420` if that is meant"},
    {"count: 0", "1:8 H204 `count` must be between 1 and 200"},
    {"count: 99999999999999999999", "1:8 H204 `count` must be between 1 and 200"},
    {"ratio: 1.5", "1:8 H204 `ratio` must be between 0 and 1"},
    {"ratio: .nan", "1:8 H203 `ratio` must be a number, not the number .nan"},
    {"wait: 30", "1:7 H112 `wait` needs a unit"},
    {"wait: 1h30m", "1:7 H206 `wait` must be a whole number and one of ms s m h d w, not the string `1h30m`"},
    {"wait: -5m", "1:7 H204 `wait` must be at least 0s"},
    {"wait: 9223372036854775807w",
     "1:7 H206 `wait` must be a whole number and one of ms s m h d w, not the string `9223372036854775807w`"},
    {"limit: 1 meg",
     "1:8 H207 `limit` must be a whole number of bytes, or a whole number and one of B KiB MiB GiB kB MB "
     "GB, not the string `1 meg`"},
    {"limit: -1", "1:8 H207 `limit` must be a whole number of bytes, or a whole number and one of B KiB MiB GiB kB MB "
                  "GB, not the number -1"},
    {"limit: 2MiB", "1:8 H204 `limit` must be between 1B and 1MiB"},
    {"limit: 0x10", "1:8 H111 `limit` is read as different numbers by different readers | write `16` if that is meant"},
    {"at: 10pm", "1:5 H208 `at` must be a time of day, \"00:00\" to \"23:59\""},
    {"at: \"24:00\"", "1:5 H208 `at` must be a time of day, \"00:00\" to \"23:59\""},
    {"at: 9:30", "1:5 H208 `at` must be a time of day, \"00:00\" to \"23:59\" | did you mean `\"09:30\"`?"},
    {"since: 2026-02-30",
     "1:8 H208 `since` must be a date or a point in time with its zone, 2026-01-31 or 2026-01-31T08:00:00Z"},
    {"since: 2026-02-28T10:00:00",
     "1:8 H208 `since` must be a date or a point in time with its zone, 2026-01-31 or 2026-01-31T08:00:00Z"},
    {"url: hooks.example.org/x", "1:6 H209 `url` must be an absolute URL, scheme and host included"},
    {"url: \"https://\"", "1:6 H209 `url` must be an absolute URL, scheme and host included"},
    {"url: \"https:///x\"", "1:6 H209 `url` must be a URL with a host, and a port of 1 to 65535 if any"},
    {"url: https://a:99999/", "1:6 H209 `url` must be a URL with a host, and a port of 1 to 65535 if any"},
    {"url: https://a b/", "1:6 H209 `url` must be a URL in ASCII, without spaces"},
    {"url: smtp://a.example/", "1:6 H209 `url` must be a URL of scheme http or https"},
    {"colour: gren", "1:9 H205 `colour` must be one of red, green, blue | did you mean `green`?"},
    {"colour: RED", "1:9 H205 `colour` must be one of red, green, blue | did you mean `red`?"},
    {"owner: \"roles:sales\"", "1:8 H216 unknown kind of recipient `roles:` | did you mean `role:sales`?"},
    {"owner: \"email:nobody\"", "1:8 H216 `owner` is no recipient: this is not a mail address"},
    {"owner: a/b", "1:8 H216 `owner` is no recipient: a username has no `/`, `:` or control characters"},
    {"owner: \"role:\"", "1:8 H216 `owner` is no recipient: a role has 1 to 128 bytes"},
    {"owner: {}", "1:8 H203 `owner` must be a recipient, not a map"},
    {"login: {password: \"${env:X}\"}", "1:9 H212 `password` needs `user`"},
    {"stand_in: {who: ann, by: \"role:x\"}", "1:26 H216 `by` must be one person: NAME or user:NAME"},
    {"stand_in: {who: ann, by: audience}", "1:26 H216 `by` must be one person: NAME or user:NAME"},
    {"stand_in: {who: ann, by: \"user:ann\"}", "1:26 H218 `by` is the same as `who`"},
    {"stand_in: {from: 2026-01-09, until: 2026-01-08}", "1:37 H218 `until` lies before `from`"},
    {"stand_in: {from: 2026-01-09T08:00:00Z, until: 2026-01-09T09:00:00+01:00}",
     "1:47 H218 `until` lies before `from`"},
    {"stand_in: {from: 2026-01-10T14:00:00Z, until: 2026-01-09}", "1:47 H218 `until` lies before `from`"},
    {"title: x\ntext: abc", "2:1 H211 `text` and `title` exclude each other"},
    {"rules: {name: x}", "1:8 H210 `rules` must be a list, not a map"},
    {"rules: x", "1:8 H203 `rules` must be a list, not the string `x`"},
    {"chasers: 3d", "1:10 H203 `chasers` must be a list, not the string `3d`"},
    {"chasers: [3d, 5]", "1:15 H112 an item of `chasers` needs a unit"},
    {"labels: [a]", "1:9 H210 `labels` must be a map, not a list"},
    {"login: x", "1:8 H203 `login` must be a map, not the string `x`"},
    {"rules: [{name: a}, {name: b}, {name: a}]", "1:38 H215 `a` is used twice as `name` of `rules`"},
    {"rules: [{name: a}, {name: b}, {name: c}, {name: d}]", "1:8 H204 `rules` must have between 0 and 3 items, not 4"},
};

static void show(const struct diag *d, struct buf *out)
{
    buf_addf(out, "%u:%u %s %s", d->span.line, d->span.col, d->code, d->message);
    if (d->label)
        buf_addf(out, " | %s", d->label);
}

static void test_faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        struct filled f;
        struct buf text = {0};
        fill(&f, faults[i].yaml, NULL);
        for (size_t k = 0; k < diag_total(f.diags); k++)
            show(diag_get(f.diags, k), &text);
        if (diag_total(f.diags) != 1 || strcmp(text.ptr, faults[i].expected) != 0)
            fail_msg("%s\n  says   %s\n  wanted %s", faults[i].yaml, text.ptr ? text.ptr : "", faults[i].expected);
        assert_int_equal(f.status, BELFRY_EINVAL);
        assert_non_null(diag_get(f.diags, 0)->path);
        buf_free(&text);
        done(&f);
    }
}

/* A day counts as a whole, and may last longer elsewhere than in UTC. */
static void test_periods_that_hold(void **state)
{
    static const char *const good[] = {
        "stand_in: {who: ann, by: \"user:bob\", from: 2026-01-09, until: 2026-01-09}",
        "stand_in: {from: 2026-01-10T13:59:59Z, until: 2026-01-09}",
        "stand_in: {from: 2026-01-10, until: 2026-01-09T10:00:01Z}",
        "stand_in: {until: 2026-01-09}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct filled f;
        fill(&f, good[i], NULL);
        assert_int_equal(f.status, BELFRY_OK);
        assert_int_equal(diag_total(f.diags), 0);
        done(&f);
    }
}

static void test_all_faults_in_one_run(void **state)
{
    (void)state;
    struct filled f;
    fill(&f, "cuont: 5\nflag: yes\nrules: [{nam: x}, {name: y, on: never}]\nwait: 5\n", NULL);
    assert_int_equal(f.status, BELFRY_EINVAL);
    assert_int_equal(diag_count(f.diags, DIAG_ERROR), 5);
    done(&f);
}

/* --- templates: the column inside the scalar -------------------------------------------------------------------- */

static const struct place_row {
    const char *yaml;
    unsigned line, col;
} places[] = {
    {"title: ab{{#x}}c", 1, 10},
    {"title: \"ab{{#x}}c\"", 1, 11},
    {"title: \"a\\u00e4\\\"{{#x}}c\"", 1, 18},
    {"title: 'it''s {{#x}}c'", 1, 15},
    {"title: |\n  one\n  two {{#x}}\n", 3, 7},
    {"title: >\n  one\n  two {{#x}}\n", 3, 7},
    {"title: one\n  two {{#x}}\n", 2, 7},
};

static void test_template_places(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct filled f;
        fill(&f, places[i].yaml, NULL);
        assert_int_equal(diag_total(f.diags), 1);
        const struct diag *d = diag_get(f.diags, 0);
        assert_string_equal(d->code, "H217");
        if (d->span.line != places[i].line || d->span.col != places[i].col)
            fail_msg("%s: %u:%u %s", places[i].yaml, d->span.line, d->span.col, d->message);
        done(&f);
    }
}

/* --- conditions and recipients ---------------------------------------------------------------------------------- */

static void test_condition_paths(void **state)
{
    (void)state;
    struct filled f;
    fill(&f, "when: {objct: Deal}", NULL);
    assert_int_equal(f.status, BELFRY_EINVAL);
    assert_string_equal(diag_get(f.diags, 0)->code, "H409");
    assert_null(f.config.when);
    done(&f);
    fill(&f, "when: {fields.amount: {gte: 5}, severity: {gte: warning}}", NULL);
    assert_int_equal(f.status, BELFRY_OK);
    done(&f);
}

struct seen {
    char text[200];
};

static void see(void *arg, struct diag_set *diags, const struct yaml_node *node, struct belfry_str recipient)
{
    struct seen *seen = arg;
    (void)diags;
    (void)node;
    size_t len = strlen(seen->text);
    snprintf(seen->text + len, sizeof(seen->text) - len, "%.*s ", STR_ARG(recipient));
}

static void test_scope(void **state)
{
    (void)state;
    static const char *const words[] = {"owner", "field:"};
    static const char *const also[] = {"plugin", "orgs"};
    struct seen seen = {""};
    struct option_scope scope = {.recipient_words = words,
                                 .recipient_word_count = 2,
                                 .check_recipient = see,
                                 .arg = &seen,
                                 .also = also,
                                 .also_count = 2};
    struct filled f;
    fill(&f, "plugin: x\norgs: [a]\nowner: owner\nrules: [{name: a, to: [\"field:f\", ann, \"role:r\"]}]", &scope);
    assert_int_equal(f.status, BELFRY_OK);
    assert_string_equal(seen.text, "owner field:f user:ann role:r ");
    assert_string_equal(f.config.owner, "owner");
    done(&f);
    fill(&f, "plugn: x", &scope);
    assert_string_equal(diag_get(f.diags, 0)->label, "did you mean `plugin`?");
    done(&f);
    fill(&f, "login: {plugin: x}", &scope);
    assert_int_equal(f.status, BELFRY_EINVAL);
    done(&f);
    fill(&f, "owner: \"fields:f\"", &scope);
    assert_string_equal(diag_get(f.diags, 0)->label, "did you mean `field:f`?");
    assert_string_equal(diag_get(f.diags, 0)->help, "recipients are NAME, user:NAME, role:ROLE, email:ADDRESS, "
                                                    "audience and: owner, field:NAME");
    done(&f);
}

/* --- secrets ---------------------------------------------------------------------------------------------------- */

static void test_secret_is_not_shown(void **state)
{
    (void)state;
    struct filled f;
    struct buf out = {0};
    fill(&f, "secret: hunter22\n", NULL);
    assert_int_equal(f.status, BELFRY_OK);
    assert_string_equal(f.config.secret, "hunter22");
    assert_int_equal(diag_total(f.diags), 1);
    assert_string_equal(diag_get(f.diags, 0)->code, "H605");
    diag_render_text(f.diags, &out, 0);
    assert_null(strstr(out.ptr, "hunter22"));
    buf_free(&out);
    done(&f);
}

static void test_unresolved_secret_is_not_judged(void **state)
{
    (void)state;
    static const char *const yamls[] = {"secret: \"${env:BELFRY_NOT_SET}\"", "url: \"${env:BELFRY_NOT_SET}\"",
                                        "wait: \"${env:BELFRY_NOT_SET}\"", "title: \"${env:BELFRY_NOT_SET}\"",
                                        "login: {password: \"${env:BELFRY_NOT_SET}\", user: x}"};
    for (size_t i = 0; i < sizeof(yamls) / sizeof(yamls[0]); i++) {
        struct filled f = {arena_new(0), diag_set_new(), {0}, 0};
        const struct yaml_node *root = yaml_load(f.arena, f.diags, diag_add_file(f.diags, "t.yaml", str_of(yamls[i])));
        yaml_substitute(f.arena, f.diags, root, YAML_SECRETS_SKIP);
        size_t before = diag_total(f.diags);
        assert_int_equal(option_fill(f.arena, f.diags, table, root, NULL, &f.config, sizeof(f.config)), BELFRY_OK);
        assert_int_equal(diag_total(f.diags), before);
        done(&f);
    }
}

/* --- generated from the table ----------------------------------------------------------------------------------- */

static void test_schema(void **state)
{
    (void)state;
    json_t *schema = option_schema(table);
    assert_string_equal(json_string_value(json_object_get(schema, "type")), "object");
    const json_t *properties = json_object_get(schema, "properties");
    assert_int_equal(json_object_size(properties), 22);
    const json_t *count = json_object_get(properties, "count");
    assert_int_equal(json_integer_value(json_object_get(count, "maximum")), 200);
    assert_int_equal(json_integer_value(json_object_get(count, "default")), 50);
    assert_string_equal(json_string_value(json_object_get(count, "description")), "How many.");
    const json_t *rules = json_object_get(json_object_get(properties, "rules"), "items");
    assert_string_equal(json_string_value(json_array_get(json_object_get(rules, "required"), 0)), "name");
    assert_true(json_is_true(json_object_get(json_object_get(properties, "secret"), "writeOnly")));
    const json_t *login = json_object_get(json_object_get(properties, "login"), "dependentRequired");
    assert_string_equal(json_string_value(json_array_get(json_object_get(login, "password"), 0)), "user");
    assert_int_equal(json_array_size(json_object_get(schema, "allOf")), 4);
    json_decref(schema);
}

static const struct belfry_option inner[] = {
    ROW(STRING, struct login, user, .doc = "Who."),
    ROW(INT, struct login, retries, .flags = BELFRY_OPT_REQUIRED, .min = 2, .max = 9),
    {0},
};
static const struct belfry_option quiet[] = {ROW(STRING, struct login, user), {0}};
static const struct belfry_option outer[] = {
    ROW(LIST, struct config, rules, .flags = BELFRY_OPT_REQUIRED,
        .children = ITEM(OBJECT, .children = inner, .size = sizeof(struct login))),
    ROW(LIST, struct config, chasers, .doc = "Optional.",
        .children = ITEM(OBJECT, .children = inner, .size = sizeof(struct login))),
    ROW(OBJECT, struct config, login, .flags = BELFRY_OPT_REQUIRED, .children = quiet, .size = sizeof(struct login)),
    ROW(MAP, struct config, labels, .children = ITEM(STRING)),
    {0},
};
static const struct belfry_option small[] = {
    ROW(INT, struct config, count, .doc = "How many."),
    ROW(LIST, struct config, rules, .children = ITEM(OBJECT, .children = rule_table, .size = sizeof(struct rule))),
    ROW(MAP, struct config, labels, .children = ITEM(STRING)),
    {0},
};

/* A comment for people has one blank after its '#'. */
static void uncomment(struct buf *sample)
{
    struct buf out = {0};
    for (const char *p = sample->ptr; *p; p++)
        if (*p != '#' || (p[1] == ' ' && p[2] != ' '))
            buf_addc(&out, *p);
    buf_free(sample);
    *sample = out;
}

static void test_sample_loads(void **state)
{
    (void)state;
    struct buf sample = {0};
    struct filled f;
    option_sample(table, 0, &sample);
    fill(&f, sample.ptr, NULL);
    if (f.status != BELFRY_OK || diag_total(f.diags))
        fail_msg("%s\n%s", sample.ptr, diag_get(f.diags, 0)->message);
    assert_int_equal(f.config.count, 50);
    assert_null(strstr(sample.ptr, "amount"));
    done(&f);
    buf_free(&sample);
}

/* A required list of objects, an object of comments only, and comments that become YAML when the '#' is taken away. */
static void test_sample_shape(void **state)
{
    (void)state;
    struct buf sample = {0};
    option_sample(outer, 2, &sample);
    assert_string_equal(sample.ptr, "  rules:\n"
                                    "    - retries: 2\n"
                                    "      ## Who.\n"
                                    "      #user: name\n"
                                    "  ## Optional.\n"
                                    "  #chasers:\n"
                                    "  #  # Who.\n"
                                    "  #  - user: name\n"
                                    "  #    retries: 2\n"
                                    "  login: {}\n"
                                    "    #user: name\n"
                                    "  #labels:\n"
                                    "  #  name: name\n");
    buf_free(&sample);
}

static void test_whole_sample_loads(void **state)
{
    (void)state;
    struct buf sample = {0};
    option_sample(small, 4, &sample);
    uncomment(&sample);
    struct arena *arena = arena_new(0);
    struct diag_set *diags = diag_set_new();
    const struct yaml_node *root = yaml_load(arena, diags, diag_add_file(diags, "s", buf_str(&sample)));
    struct config config = {0};
    belfry_status status = option_fill(arena, diags, small, root, NULL, &config, sizeof(config));
    if (status != BELFRY_OK || diag_total(diags))
        fail_msg("%s\n%s", sample.ptr, diag_get(diags, 0)->message);
    assert_int_equal(config.rules.count, 1);
    diag_set_free(diags);
    arena_free(arena);
    buf_free(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_is_sound),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_every_type),
        cmocka_unit_test(test_nested_list),
        cmocka_unit_test(test_deprecated_key_wins_over_default),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_periods_that_hold),
        cmocka_unit_test(test_all_faults_in_one_run),
        cmocka_unit_test(test_template_places),
        cmocka_unit_test(test_condition_paths),
        cmocka_unit_test(test_scope),
        cmocka_unit_test(test_secret_is_not_shown),
        cmocka_unit_test(test_unresolved_secret_is_not_judged),
        cmocka_unit_test(test_schema),
        cmocka_unit_test(test_sample_loads),
        cmocka_unit_test(test_sample_shape),
        cmocka_unit_test(test_whole_sample_loads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
