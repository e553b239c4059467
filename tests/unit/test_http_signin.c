/* SPDX-License-Identifier: Apache-2.0 */
/* Browser sessions: opening, once, as another person, from another site; what the cookie allows; ending. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http_fixture.h"

static int setup(void **state)
{
    struct web *w = web_open("{\"ann\":[\"boss\"],\"bob\":[]}");
    web_route(w, "GET", "/v1/{org}/person", "person", 0, handle_echo, NULL);
    web_route(w, "POST", "/v1/{org}/person", "person", 100, handle_echo, NULL);
    web_route(w, "GET", "/{org}/page", "person", 0, handle_echo, NULL);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    web_close(*state);
    return 0;
}

static const char *target_of(const char *token, const char *more)
{
    static char text[8][4096];
    static size_t turn;
    char *to = text[turn++ % 8];
    snprintf(to, sizeof(text[0]), "/acme/session?token=%s%s", token, more);
    return to;
}

/* "Cookie: name=value\r\n" of an answer's Set-Cookie. */
static const char *cookie_of(const struct answer *a)
{
    static char text[4][8192];
    static size_t turn;
    char *to = text[turn++ % 4];
    const char *set = head_value(a->head, "set-cookie");
    if (!set)
        fail_msg("no cookie: %s%s", a->head, a->body);
    snprintf(to, sizeof(text[0]), "Cookie: other=1; %.*s\r\n", (int)strcspn(set, ";"), set);
    return to;
}

static const char *sign_in(struct web *w, const char *sub)
{
    struct answer a = ask(w, "GET", target_of(jwt_of(sub, "acme", NULL), ""), NULL, NULL);
    assert_int_equal(a.status, 303);
    const char *cookie = cookie_of(&a);
    answer_free(&a);
    return cookie;
}

static const char *plus(const char *a, const char *b)
{
    static char text[4][12000];
    static size_t turn;
    char *to = text[turn++ % 4];
    snprintf(to, sizeof(text[0]), "%s%s", a, b);
    return to;
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

static void test_opening(void **state)
{
    struct web *w = *state;
    struct answer a = ask(w, "GET", target_of(jwt_of("ann", "acme", NULL), ""), NULL, NULL);
    assert_int_equal(a.status, 303);
    assert_string_equal(head_value(a.head, "location"), "/acme/notifications");
    assert_string_equal(head_value(a.head, "cache-control"), "no-store");
    assert_string_equal(head_value(a.head, "referrer-policy"), "no-referrer");
    const char *set = head_value(a.head, "set-cookie");
    assert_non_null(strstr(set, "; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax"));
    assert_null(strstr(set, "Secure"));
    assert_null(strstr(set, "ann"));
    const char *cookie = cookie_of(&a);
    answer_free(&a);
    a = ask(w, "GET", "/acme/page", cookie, NULL);
    assert_int_equal(a.status, 200);
    assert_non_null(strstr(a.body, "\"who\":\"ann\",\"role\":\"boss\""));
    answer_free(&a);
    assert_int_equal(ask_status(w, "GET", "/other/page", cookie, NULL), 404);
    clock_advance(w->b->clock, 3600 * 1000);
    assert_int_equal(ask_status(w, "GET", "/acme/page", cookie, NULL), 401);
}

static void test_over_tls(void **state)
{
    struct web *w = *state;
    w->config->hub.public_url = "https://belfry.example";
    struct answer a = ask(w, "GET", target_of(jwt_of("ann", "acme", NULL), ""), NULL, NULL);
    const char *set = head_value(a.head, "set-cookie");
    assert_int_equal(strncmp(set, "__Host-belfry=", 14), 0);
    assert_non_null(strstr(set, "; Secure"));
    assert_non_null(strstr(set, "; Path=/;"));
    assert_null(strstr(set, "Domain"));
    const char *cookie = cookie_of(&a);
    assert_int_equal(ask_status(w, "GET", "/acme/page", cookie, NULL), 200);
    answer_free(&a);
}

static void test_next(void **state)
{
    static const struct {
        const char *next;
        int status;
        const char *location;
    } rows[] = {{"/acme/n/1", 303, "/acme/n/1"},
                {"/acme/n?q=a%26b=c", 303, "/acme/n?q=a&b=c"},
                {"/acme/n?q=1?2", 303, "/acme/n?q=1?2"},
                {"%2Facme%2Fn%3Fq%3Da%2526b", 303, "/acme/n?q=a%26b"},
                {"/acme/n?q=a+b", 303, "/acme/n?q=a%20b"},
                {"/acme/%C3%A4%22%3C", 303, "/acme/%C3%A4%22%3C"},
                {"/", 303, "/"},
                {"//evil.example", 400, NULL},
                {"/%2Fevil.example", 400, NULL},
                {"https://evil.example", 400, NULL},
                {"javascript:alert(1)", 400, NULL},
                {"acme/n", 400, NULL},
                {"/\\evil.example", 400, NULL},
                {"/%5Cevil.example", 400, NULL},
                {"/%09/evil.example", 400, NULL},
                {"/a%0D%0ASet-Cookie:x=1", 400, NULL},
                {"/a%7F", 400, NULL}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char more[256];
        snprintf(more, sizeof(more), "&next=%s&x=1", rows[i].next);
        struct answer a = ask(*state, "GET", target_of(jwt_of("ann", "acme", NULL), more), NULL, NULL);
        if (a.status != rows[i].status)
            fail_msg("%s: %d, expected %d", rows[i].next, a.status, rows[i].status);
        if (rows[i].location)
            assert_string_equal(head_value(a.head, "location"), rows[i].location);
        assert_true(a.status == 303 || !head_value(a.head, "set-cookie"));
        answer_free(&a);
    }
}

static void test_refused_tokens(void **state)
{
    struct web *w = *state;
    static const char late[] = "{\"sub\":\"ann\",\"org\":\"acme\",\"exp\":1699999990}";
    const struct {
        const char *target;
        int status;
    } rows[] = {{"/acme/session", 400},
                {"/acme/session?token=", 401},
                {"/acme/session?token=a.b.c", 401},
                {"/acme/session?ticket=abc", 401},
                {target_of(jwt_of("ann", "other", NULL), ""), 404},
                {"/nowhere/session?token=a.b.c", 404},
                /* good for an API call within the leeway, but no cookie could outlive it */
                {target_of(jwt_with(HS256, late, JWT_KEY), ""), 401}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct answer a = ask(w, "GET", rows[i].target, NULL, NULL);
        if (a.status != rows[i].status)
            fail_msg("%s: %d, expected %d", rows[i].target, a.status, rows[i].status);
        assert_null(head_value(a.head, "set-cookie"));
        answer_free(&a);
    }
}

static void test_by_form(void **state)
{
    struct web *w = *state;
    char form[2048];
    snprintf(form, sizeof(form), "token=%s&next=%%2Facme%%2Fpage", jwt_of("ann", "acme", NULL));
    struct answer a = ask(w, "POST", "/acme/session", "Content-Type: application/x-www-form-urlencoded\r\n", form);
    assert_int_equal(a.status, 303);
    assert_string_equal(head_value(a.head, "location"), "/acme/page");
    assert_int_equal(ask_status(w, "GET", "/acme/page", cookie_of(&a), NULL), 200);
    answer_free(&a);
    assert_int_equal(ask_status(w, "POST", "/acme/session", "Content-Type: text/plain\r\n", form), 400);
}

/* --- once --------------------------------------------------------------------------------------------------------- */

static void test_jti_works_once(void **state)
{
    struct web *w = *state;
    const char *target = target_of(jwt_of("ann", "acme", ",\"jti\":\"one\""), "");
    struct answer a = ask(w, "HEAD", target, NULL, NULL); /* whoever looks ahead uses nothing up */
    assert_int_equal(a.status, 204);
    answer_free(&a);
    assert_int_equal(ask_status(w, "GET", target, "Sec-Purpose: prefetch\r\n", NULL), 204);
    assert_int_equal(ask_status(w, "GET", target, NULL, NULL), 303);
    a = ask(w, "GET", target, NULL, NULL);
    assert_int_equal(a.status, 401);
    assert_null(head_value(a.head, "set-cookie"));
    answer_free(&a);
    assert_int_equal(ask_status(w, "GET", target_of(jwt_of("ann", "acme", ",\"jti\":\"two\""), ""), NULL, NULL), 303);
    char other[2048]; /* ids are an org's own */
    w->config->orgs = arena_memdup(w->b->config->arena, w->config->orgs, 2 * sizeof(*w->config->orgs));
    snprintf(other, sizeof(other), "/other/session?token=%s", jwt_of("ann", "other", ",\"jti\":\"one\""));
    assert_int_equal(ask_status(w, "GET", other, NULL, NULL), 303);
    /* used within its leeway, it must still be known then */
    clock_advance(w->b->clock, 3600 * 1000 - 1000);
    assert_int_equal(ask_status(w, "GET", target, NULL, NULL), 401);
}

static void test_login_link(void **state)
{
    struct web *w = *state;
    w->config->jwt = (struct config_jwt){0};
    http_configure(w->http, w->config);
    struct arena *arena = arena_new(0);
    const char *path = http_login_path(w->http, arena, STR("acme"), STR("ann"), 600000);
    assert_int_equal(strncmp(path, "/acme/session?token=", 20), 0);
    struct answer a = ask(w, "GET", path, NULL, NULL);
    assert_int_equal(a.status, 303);
    assert_int_equal(ask_status(w, "GET", "/acme/page", cookie_of(&a), NULL), 200);
    answer_free(&a);
    assert_int_equal(ask_status(w, "GET", path, NULL, NULL), 401);
    path = http_login_path(w->http, arena, STR("acme"), STR("ann"), 600000);
    clock_advance(w->b->clock, 600000);
    assert_int_equal(ask_status(w, "GET", path, NULL, NULL), 401);
    arena_free(arena);
}

/* --- as another person -------------------------------------------------------------------------------------------- */

static const char *ticket_of(const char *text, const char *before)
{
    static char ticket[4096];
    const char *at = strstr(text, before);
    if (!at)
        fail_msg("no ticket in %s", text);
    at += strlen(before);
    snprintf(ticket, sizeof(ticket), "%.*s",
             (int)strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"), at);
    return ticket;
}

#define FORM "Content-Type: application/x-www-form-urlencoded\r\n"

static void test_asked_before_a_switch(void **state)
{
    struct web *w = *state;
    const char *ann = sign_in(w, "ann");
    assert_int_equal(ask_status(w, "GET", target_of(jwt_of("ann", "acme", NULL), ""), ann, NULL), 303);
    struct answer a = ask(w, "GET", target_of(jwt_of("bob", "acme", ",\"jti\":\"b\""), "&next=/acme/page"), ann, NULL);
    assert_int_equal(a.status, 200);
    assert_null(head_value(a.head, "set-cookie"));
    assert_string_equal(head_value(a.head, "referrer-policy"), "no-referrer");
    assert_non_null(strstr(a.body, "<strong dir=\"auto\">ann</strong>"));
    assert_null(strstr(a.body, "eyJ")); /* the JWT itself is not in the page */
    char form[5000];
    snprintf(form, sizeof(form), "ticket=%s", ticket_of(a.body, "name=\"ticket\" value=\""));
    answer_free(&a);
    /* another site cannot press the button */
    a = ask(w, "POST", "/acme/session", plus(ann, FORM "Sec-Fetch-Site: cross-site\r\n"), form);
    assert_int_equal(a.status, 200);
    assert_null(head_value(a.head, "set-cookie"));
    answer_free(&a);
    a = ask(w, "POST", "/acme/session", plus(ann, FORM "Sec-Fetch-Site: same-origin\r\n"), form);
    assert_int_equal(a.status, 303);
    assert_string_equal(head_value(a.head, "location"), "/acme/page");
    const char *bob = cookie_of(&a);
    answer_free(&a);
    a = ask(w, "GET", "/acme/page", bob, NULL);
    assert_non_null(strstr(a.body, "\"who\":\"bob\""));
    answer_free(&a);
    assert_int_equal(ask_status(w, "POST", "/acme/session", plus(ann, FORM "Sec-Fetch-Site: same-origin\r\n"), form),
                     401);
}

static void test_a_question_does_not_wait_for_ever(void **state)
{
    struct web *w = *state;
    struct answer a = ask(w, "GET", target_of(jwt_of("bob", "acme", NULL), ""), sign_in(w, "ann"), NULL);
    char form[5000];
    snprintf(form, sizeof(form), "ticket=%s", ticket_of(a.body, "name=\"ticket\" value=\""));
    answer_free(&a);
    clock_advance(w->b->clock, 600001);
    assert_int_equal(ask_status(w, "POST", "/acme/session", FORM "Sec-Fetch-Site: same-origin\r\n", form), 401);
}

/* A session's cookie is no ticket, and a ticket is no session. */
static void test_seals_are_for_one_use(void **state)
{
    struct web *w = *state;
    const char *ann = sign_in(w, "ann");
    char target[5000], cookie[5000];
    const char *value = strstr(ann, "belfry=") + 7;
    snprintf(target, sizeof(target), "/acme/session?ticket=%.*s", (int)strcspn(value, "\r"), value);
    assert_int_equal(ask_status(w, "GET", target, NULL, NULL), 401);
    struct answer a = ask(w, "GET", target_of(jwt_of("bob", "acme", NULL), ""), ann, NULL);
    snprintf(cookie, sizeof(cookie), "Cookie: belfry=%s\r\n", ticket_of(a.body, "name=\"ticket\" value=\""));
    answer_free(&a);
    assert_int_equal(ask_status(w, "GET", "/acme/page", cookie, NULL), 401);
}

/* Posted by another site the cookie stays behind (SameSite=Lax): the question must not be skipped for that. */
static void test_form_of_another_site(void **state)
{
    static const char *const sites[] = {FORM "Sec-Fetch-Site: cross-site\r\n", FORM "Origin: https://app.example\r\n",
                                        FORM "Origin: null\r\n"};
    struct web *w = *state;
    for (size_t i = 0; i < 3; i++) {
        char form[2048];
        snprintf(form, sizeof(form), "token=%s&next=/acme/page", jwt_of("bob", "acme", NULL));
        struct answer a = ask(w, "POST", "/acme/session", sites[i], form);
        assert_int_equal(a.status, 303);
        assert_null(head_value(a.head, "set-cookie"));
        char location[8200];
        snprintf(location, sizeof(location), "%s", head_value(a.head, "location"));
        answer_free(&a);
        assert_int_equal(strncmp(location, "/acme/session?ticket=", 21), 0);
        a = ask(w, "GET", location, sign_in(w, "ann"), NULL);
        assert_int_equal(a.status, 200);
        assert_non_null(strstr(a.body, "<strong dir=\"auto\">ann</strong>"));
        answer_free(&a);
        a = ask(w, "GET", location, NULL, NULL);
        assert_int_equal(a.status, 303);
        assert_string_equal(head_value(a.head, "location"), "/acme/page");
        answer_free(&a);
    }
}

static void test_same_name_in_another_org_is_another_person(void **state)
{
    struct web *w = *state;
    char target[2048];
    snprintf(target, sizeof(target), "/other/session?token=%s", jwt_of("ann", "other", NULL));
    assert_int_equal(ask_status(w, "GET", target, sign_in(w, "ann"), NULL), 200);
}

/* --- what a cookie allows ----------------------------------------------------------------------------------------- */

static void test_writes_by_cookie(void **state)
{
    static const struct {
        const char *headers;
        int status;
    } rows[] = {{"", 403},
                {"Sec-Fetch-Site: same-origin\r\n", 200},
                {"Sec-Fetch-Site: same-site\r\n", 403},
                {"Sec-Fetch-Site: cross-site\r\nOrigin: http://belfry.example\r\n", 403},
                {"Sec-Fetch-Site: none\r\n", 403},
                {"Origin: http://belfry.example\r\n", 200},
                {"Origin: https://belfry.example\r\n", 403},
                {"Origin: http://belfry.example.evil\r\n", 403},
                {"Origin: http://evil.example\r\n", 403},
                {"Origin: null\r\n", 403}};
    struct web *w = *state;
    const char *cookie = sign_in(w, "ann");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int status = ask_status(w, "POST", "/v1/acme/person", plus(cookie, rows[i].headers), "{}");
        if (status != rows[i].status)
            fail_msg("%s: %d, expected %d", rows[i].headers, status, rows[i].status);
        assert_int_equal(ask_status(w, "GET", "/v1/acme/person", plus(cookie, rows[i].headers), NULL), 200);
    }
    /* a token needs no origin */
    assert_int_equal(ask_status(w, "POST", "/v1/acme/person", bearer_of(jwt_of("ann", "acme", NULL)), "{}"), 200);
}

static void test_spoilt_cookies(void **state)
{
    struct web *w = *state;
    const char *cookie = sign_in(w, "ann");
    char text[8192];
    size_t len = strlen(cookie);
    for (size_t i = (size_t)(strstr(cookie, "belfry=") - cookie) + 7; i < len - 2; i += 7) {
        snprintf(text, sizeof(text), "%s", cookie);
        text[i] = text[i] == 'A' ? 'B' : 'A';
        if (ask_status(w, "GET", "/acme/page", text, NULL) != 401)
            fail_msg("byte %zu", i);
    }
    static const char *const rows[] = {"Cookie: belfry=\r\n", "Cookie: belfry\r\n", "Cookie: ;;;\r\n",
                                       "Cookie: belfry=AAAA\r\n", "Cookie:\r\n"};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(ask_status(w, "GET", "/acme/page", rows[i], NULL), 401);
    memset(w->http->session_key, 1, sizeof(w->http->session_key)); /* another hub.secret */
    assert_int_equal(ask_status(w, "GET", "/acme/page", cookie, NULL), 401);
}

/* What does not fit into a cookie is said; browsers would drop it without a word. */
static void test_many_roles(void **state)
{
    struct web *w = *state;
    for (size_t count = 1; count <= 64; count += 7) {
        struct buf more = {0};
        buf_addz(&more, ",\"roles\":[");
        for (size_t i = 0; i < count; i++)
            buf_addf(&more, "%s\"regional-manager-%zu\"", i ? "," : "", i);
        buf_addz(&more, "]");
        struct answer a = ask(w, "GET", target_of(jwt_of("ann", "acme", more.ptr), ""), NULL, NULL);
        if (a.status == 303)
            assert_int_equal(ask_status(w, "GET", "/acme/page", cookie_of(&a), NULL), 200);
        else if (a.status != 400 || count < 40)
            fail_msg("%zu roles: %d", count, a.status);
        answer_free(&a);
        buf_free(&more);
    }
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static void test_signing_out(void **state)
{
    struct web *w = *state;
    const char *cookie = sign_in(w, "ann");
    assert_int_equal(ask_status(w, "GET", "/acme/session/end", cookie, NULL), 405);
    assert_int_equal(ask_status(w, "POST", "/acme/session/end", plus(cookie, "Sec-Fetch-Site: cross-site\r\n"), ""),
                     403);
    struct answer a = ask(w, "POST", "/acme/session/end", plus(cookie, "Sec-Fetch-Site: same-origin\r\n"), "");
    assert_int_equal(a.status, 303);
    assert_string_equal(head_value(a.head, "location"), "/acme/notifications");
    assert_non_null(strstr(head_value(a.head, "set-cookie"), "belfry=; Path=/; Max-Age=0"));
    answer_free(&a);
    assert_int_equal(ask_status(w, "POST", "/%2Fevil.example/session/end", "Sec-Fetch-Site: same-origin\r\n", ""), 404);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_opening, setup, teardown),
        cmocka_unit_test_setup_teardown(test_over_tls, setup, teardown),
        cmocka_unit_test_setup_teardown(test_next, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_tokens, setup, teardown),
        cmocka_unit_test_setup_teardown(test_by_form, setup, teardown),
        cmocka_unit_test_setup_teardown(test_jti_works_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_login_link, setup, teardown),
        cmocka_unit_test_setup_teardown(test_asked_before_a_switch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_question_does_not_wait_for_ever, setup, teardown),
        cmocka_unit_test_setup_teardown(test_seals_are_for_one_use, setup, teardown),
        cmocka_unit_test_setup_teardown(test_form_of_another_site, setup, teardown),
        cmocka_unit_test_setup_teardown(test_same_name_in_another_org_is_another_person, setup, teardown),
        cmocka_unit_test_setup_teardown(test_writes_by_cookie, setup, teardown),
        cmocka_unit_test_setup_teardown(test_spoilt_cookies, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_roles, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signing_out, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
