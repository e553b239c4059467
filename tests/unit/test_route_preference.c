/* SPDX-License-Identifier: Apache-2.0 */
/* The gate of preferences as a table, and preferences as JSON, both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "route/preference.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_new(0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct preference read_ok(const char *text)
{
    struct preference p;
    struct error err = {0};
    json_t *doc = json_read(str_of(text), &err);
    if (!doc || preference_read(doc, arena, &p, &err) != BELFRY_OK)
        fail_msg("%s: %s", text, error_text(&err));
    json_decref(doc);
    return p;
}

/* --- the gate --- */

enum { UNKNOWN, OFF, UNSEEN, DIGEST, REQUIRED, REQUIRED_DIGEST };

static const struct config_category categories[] = {
    [OFF] = {.name = "c", .email = CONFIG_EMAIL_OFF},
    [UNSEEN] = {.name = "c", .email = CONFIG_EMAIL_UNSEEN},
    [DIGEST] = {.name = "c", .email = CONFIG_EMAIL_DIGEST},
    [REQUIRED] = {.name = "c", .email = CONFIG_EMAIL_UNSEEN, .required = 1},
    [REQUIRED_DIGEST] = {.name = "c", .email = CONFIG_EMAIL_DIGEST, .required = 1},
};

#define NOW "2031-03-03T12:00:00Z"

static const struct gate_row {
    const char *chosen; /* NULL: nothing was ever saved */
    int category;
    const char *how, *why;
} gate_rows[] = {
    /* the configuration */
    {NULL, UNSEEN, "unseen", "category c is unseen by default"},
    {NULL, OFF, "off", "category c is off by default"},
    {NULL, DIGEST, "digest", "category c is digest by default"},
    {NULL, UNKNOWN, "unseen", "the category is not in the configuration any more"},
    {"{}", OFF, "off", "category c is off by default"},
    /* the person: the category, then all of them */
    {"{\"email\":{\"c\":\"off\"}}", UNSEEN, "off", "the person chose off for category c"},
    {"{\"email\":{\"c\":\"unseen\"}}", OFF, "unseen", "the person chose unseen for category c"},
    {"{\"email\":{\"other\":\"off\"}}", UNSEEN, "unseen", "category c is unseen by default"},
    {"{\"default\":\"off\"}", UNSEEN, "off", "the person chose off for all categories"},
    {"{\"default\":\"digest\"}", OFF, "digest", "the person chose digest for all categories"},
    {"{\"default\":\"off\",\"email\":{\"c\":\"digest\"}}", UNSEEN, "digest", "the person chose digest for category c"},
    {"{\"email\":{\"c\":\"off\"}}", UNKNOWN, "off", "the person chose off for category c"},
    /* a pause, by a date in the person's zone and by an instant */
    {"{\"pause_until\":\"2031-03-04\"}", UNSEEN, "off", "the person paused mail until 2031-03-03T23:00:00.000Z"},
    {"{\"pause_until\":\"2031-03-04\",\"email\":{\"c\":\"unseen\"}}", UNSEEN, "off",
     "the person paused mail until 2031-03-03T23:00:00.000Z"},
    {"{\"pause_until\":\"2031-03-03\"}", UNSEEN, "unseen", "category c is unseen by default"},
    {"{\"pause_until\":\"2031-03-03T12:00:00.001Z\"}", UNSEEN, "off",
     "the person paused mail until 2031-03-03T12:00:00.001Z"},
    {"{\"pause_until\":\"2031-03-03T12:00:00Z\"}", UNSEEN, "unseen", "category c is unseen by default"},
    /* required: neither pause nor choice stop it; a digest it may be */
    {"{\"pause_until\":\"2031-03-04\"}", REQUIRED, "unseen", "category c is required"},
    {"{\"default\":\"off\"}", REQUIRED, "unseen", "category c is required"},
    {"{\"email\":{\"c\":\"off\"}}", REQUIRED, "unseen", "category c is required"},
    {"{\"email\":{\"c\":\"digest\"}}", REQUIRED, "digest", "category c is required"},
    {NULL, REQUIRED_DIGEST, "digest", "category c is required"},
    {"{\"email\":{\"c\":\"unseen\"}}", REQUIRED_DIGEST, "unseen", "category c is required"},
};

static void test_gate(void **state)
{
    (void)state;
    int64_t now;
    assert_int_equal(time_parse(STR(NOW), &now), BELFRY_OK);
    for (size_t i = 0; i < COUNT(gate_rows); i++) {
        const struct gate_row *row = &gate_rows[i];
        struct preference p;
        struct preference_verdict got;
        if (row->chosen)
            p = read_ok(row->chosen);
        preference_judge(row->chosen ? &p : NULL, row->category ? &categories[row->category] : NULL, STR("c"),
                         STR("Europe/Berlin"), now, arena, &got);
        if (strcmp(preference_how(got.how), row->how) != 0 || got.goes != (got.how != CONFIG_EMAIL_OFF) ||
            strcmp(got.why, row->why) != 0)
            fail_msg("row %zu: %s, %s", i, preference_how(got.how), got.why);
    }
}

/* What a link in a mail shows: whether one category is stopped, or (name empty) all that can be. */
static void test_stopped(void **state)
{
    (void)state;
    static const struct config_category known[] = {{.name = "a", .email = CONFIG_EMAIL_UNSEEN},
                                                   {.name = "b", .email = CONFIG_EMAIL_OFF},
                                                   {.name = "must", .required = 1}};
    const struct config config = {.categories = known, .category_count = COUNT(known)};
    static const struct {
        const char *chosen, *name;
        int stopped;
    } rows[] = {
        {"{}", "a", 0},
        {"{}", "b", 1}, /* by the configuration */
        {"{}", "gone", 0},
        {"{}", "", 0},
        {"{\"email\":{\"a\":\"off\"}}", "a", 1},
        {"{\"email\":{\"b\":\"digest\"},\"default\":\"off\"}", "b", 0},
        {"{\"email\":{\"b\":\"digest\"},\"default\":\"off\"}", "", 0},
        {"{\"default\":\"off\"}", "a", 1},
        {"{\"default\":\"off\"}", "gone", 1},
        {"{\"default\":\"off\"}", "must", 0},
        {"{\"default\":\"off\"}", "", 1},
        {"{\"email\":{\"a\":\"off\",\"must\":\"digest\"},\"default\":\"off\"}", "", 1},
        {"{\"email\":{\"a\":\"off\"}}", "", 0},
        {"{\"pause_until\":\"2099-01-01\"}", "a", 0}, /* a pause ends by itself */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct preference p = read_ok(rows[i].chosen);
        const struct config_category *category = config_category(&config, str_of(rows[i].name));
        if (preference_stopped(&p, &config, category, str_of(rows[i].name)) != rows[i].stopped)
            fail_msg("row %zu: %s %s", i, rows[i].chosen, rows[i].name);
    }
}

static void test_zone(void **state)
{
    (void)state;
    struct config config = {.hub = {.timezone = "Asia/Kolkata"}};
    struct config_org org = {.name = "acme", .timezone = "America/New_York"}, plain = {.name = "acme"};
    struct preference own = read_ok("{\"timezone\":\"Asia/Tokyo\"}"), none = read_ok("{}");
    assert_string_equal(preference_zone(&config, &org, &own, STR("Europe/Berlin")).ptr, "Asia/Tokyo");
    assert_string_equal(preference_zone(&config, &org, &none, STR("Europe/Berlin")).ptr, "Europe/Berlin");
    assert_string_equal(preference_zone(&config, &org, NULL, STR("Mars/Base")).ptr, "America/New_York");
    assert_string_equal(preference_zone(&config, &plain, NULL, STR("")).ptr, "Asia/Kolkata");
    config.hub.timezone = NULL;
    assert_string_equal(preference_zone(&config, NULL, NULL, STR("")).ptr, "UTC");
}

/* --- JSON --- */

#define WHOLE                                                                                                          \
    "{\"email\":{\"a\":\"off\",\"b/c\":\"digest\"},\"default\":\"unseen\",\"digest\":{\"hour\":0,\"weekdays\":"        \
    "[\"mon\",\"sun\"]},\"timezone\":\"Europe/Berlin\",\"locale\":\"de-AT\",\"pause_until\":\"2031-01-02\","           \
    "\"quiet\":{\"from\":\"22:00\",\"to\":\"06:05\"},\"shortcuts\":false}"
#define NOTHING                                                                                                        \
    "{\"email\":{},\"default\":null,\"digest\":{\"hour\":null,\"weekdays\":null},\"timezone\":null,\"locale\":null,"   \
    "\"pause_until\":null,\"quiet\":{\"from\":null,\"to\":null},\"shortcuts\":true}"

static void writes(const struct preference *p, const char *expected)
{
    struct buf text = {0};
    json_t *doc = preference_json(p);
    json_write(doc, &text);
    json_decref(doc);
    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.ptr, expected, text.len);
    buf_free(&text);
}

static void test_both_ways(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {{WHOLE, WHOLE}, {NOTHING, NOTHING}, {"{}", NOTHING}, {"{\"digest\":null,\"quiet\":{}}", NOTHING}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct preference p = read_ok(rows[i].in), again;
        writes(&p, rows[i].out);
        preference_load(str_of(rows[i].out), arena, &again);
        writes(&again, rows[i].out);
    }
}

/* What another version wrote, or nobody: it is not chosen, and nothing falls over. */
static void test_load_takes_anything(void **state)
{
    (void)state;
    struct preference p;
    static const char *const texts[] = {"", "[]", "{\"later\":1}", "{\"default\":7,\"quiet\":[]}"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        preference_load(str_of(texts[i]), arena, &p);
        writes(&p, NOTHING);
    }
    preference_load(STR("{\"later\":1,\"default\":\"off\"}"), arena, &p);
    assert_int_equal(p.fallback, CONFIG_EMAIL_OFF);
}

static void test_locales(void **state)
{
    (void)state;
    static const struct {
        const char *tag;
        int good;
    } rows[] = {{"de", 1},      {"en-GB", 1},         {"zh-Hant-TW", 1},
                {"es-419", 1},  {"sl-rozaj-1994", 1}, {"d", 0},
                {"12", 0},      {"de-", 0},           {"-de", 0},
                {"de_AT", 0},   {"de--AT", 0},        {"\xc3\xa4\xc3\xb6", 0},
                {"de\"><b", 0}, {"abcdefghi", 0}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct preference p;
        json_t *doc = json_pack("{s:s}", "locale", rows[i].tag);
        if ((preference_read(doc, arena, &p, NULL) == BELFRY_OK) != rows[i].good)
            fail_msg("%s", rows[i].tag);
        assert_int_equal(p.locale.len > 0, rows[i].good);
        json_decref(doc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gate),
        cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_zone),
        cmocka_unit_test(test_both_ways),
        cmocka_unit_test(test_load_takes_anything),
        cmocka_unit_test(test_locales),
    };
    return cmocka_run_group_tests_name("route_preference", tests, setup, teardown);
}
