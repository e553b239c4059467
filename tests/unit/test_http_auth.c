/* SPDX-License-Identifier: Apache-2.0 */
/* Who may call: every kind of credential against every kind of route, orgs, directory roles, rate, proxies, CORS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http_fixture.h"

#include "store/people.h"

static int setup(void **state)
{
    struct web *w = web_open("{\"ann\":[\"boss\"],\"bob\":[]}");
    web_route(w, "GET", "/v1/{org}/read", "token:read", 0, handle_echo, NULL);
    web_route(w, "GET", "/v1/{org}/person", "person", 0, handle_echo, NULL);
    web_route(w, "GET", "/v1/{org}/boss", "role:boss", 0, handle_echo, NULL);
    web_route(w, "GET", "/v1/{org}/either", "role:boss|token:read|token:admin", 0, handle_echo, NULL);
    web_route(w, "GET", "/v1/{org}/own", "token:endpoints|token:endpoints:own", 0, handle_echo, NULL);
    web_route(w, "GET", "/v1/{org}/whole", "token:endpoints", 0, handle_echo, NULL);
    web_route(w, "GET", "/v1/operate", "operator", 0, handle_echo, NULL);
    web_route(w, "GET", "/v1/{org}/sources/{source}/try", "token:trigger", 0, handle_echo, NULL);
    web_route(w, "POST", "/v1/{org}/person", "person", 100, handle_echo, NULL);
    web_route(w, "GET", "/{org}/page", "person", 0, handle_echo, NULL);
    web_route(w, "GET", "/{org}/open/{token}", "none", 0, handle_echo, NULL);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    web_close(*state);
    return 0;
}

/* --- the matrix --------------------------------------------------------------------------------------------------- */

enum { NOBODY, BAD, T_CRM, T_ROOT, T_READ, T_OWN, P_ANN, P_BOB, P_OTHER, CALLERS };

static void test_matrix(void **state)
{
    static const struct {
        const char *target;
        int status[CALLERS]; /* nobody, unknown token, crm, root (org *), read, endpoints:own, ann (boss), bob, other's
                              */
    } rows[] = {
        {"/v1/acme/read", {401, 401, 403, 403, 200, 403, 403, 403, 404}},
        {"/v1/other/read", {401, 401, 404, 403, 404, 404, 404, 404, 403}},
        {"/v1/nowhere/read", {401, 401, 404, 404, 404, 404, 404, 404, 404}},
        {"/v1/admin/read", {401, 401, 404, 404, 404, 404, 404, 404, 404}},
        {"/v1/*/read", {401, 401, 404, 404, 404, 404, 404, 404, 404}},
        {"/v1/acme/person", {401, 401, 403, 403, 403, 403, 200, 200, 404}},
        {"/v1/other/person", {401, 401, 404, 403, 404, 404, 404, 404, 200}},
        {"/v1/acme/boss", {401, 401, 403, 403, 403, 403, 200, 403, 404}},
        {"/v1/acme/either", {401, 401, 403, 403, 200, 403, 200, 403, 404}},
        {"/v1/acme/own", {401, 401, 403, 403, 403, 200, 403, 403, 404}},
        {"/v1/acme/whole", {401, 401, 403, 403, 403, 403, 403, 403, 404}},
        {"/v1/operate", {401, 401, 403, 200, 403, 403, 403, 403, 403}},
        {"/v1/acme/sources/crm/try", {401, 401, 200, 200, 403, 403, 403, 403, 404}},
        {"/v1/acme/sources/erp/try", {401, 401, 403, 200, 403, 403, 403, 403, 404}},
        {"/v1/other/sources/crm/try", {401, 401, 404, 200, 404, 404, 404, 404, 403}},
        {"/acme/open/x", {200, 200, 200, 200, 200, 200, 200, 200, 200}},
        {"/nowhere/open/x", {404, 404, 404, 404, 404, 404, 404, 404, 404}},
        {"/v1/acme/nothing", {404, 404, 404, 404, 404, 404, 404, 404, 404}},
    };
    const char *callers[CALLERS] = {NULL,
                                    "Authorization: Bearer nobody-knows\r\n",
                                    CRM,
                                    ROOT,
                                    READER,
                                    "Authorization: Bearer own-secret\r\n",
                                    bearer_of(jwt_of("ann", "acme", NULL)),
                                    bearer_of(jwt_of("bob", "acme", NULL)),
                                    bearer_of(jwt_of("ann", "other", NULL))};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (int c = 0; c < CALLERS; c++) {
            int status = ask_status(*state, "GET", rows[i].target, callers[c], NULL);
            if (status != rows[i].status[c])
                fail_msg("%s as caller %d: %d, expected %d", rows[i].target, c, status, rows[i].status[c]);
        }
}

static void test_403_names_what_is_needed(void **state)
{
    static const struct {
        const char *target, *needs;
    } rows[] = {{"/v1/acme/read", "a token that may read"},
                {"/v1/acme/person", "a signed-in person"},
                {"/v1/acme/either", "the role boss or a token that may read or a token that may admin"},
                {"/v1/acme/own", "a token that may endpoints or a token that may endpoints:own"},
                {"/v1/acme/sources/erp/try", "a token that may trigger:erp"},
                {"/v1/operate", "an operator token"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct answer a = ask(*state, "GET", rows[i].target, CRM, NULL);
        assert_int_equal(a.status, 403);
        if (!strstr(a.body, rows[i].needs))
            fail_msg("%s: %s", rows[i].target, a.body);
        assert_string_equal(head_value(a.head, "content-type"), "application/problem+json");
        answer_free(&a);
    }
}

static void test_schemes(void **state)
{
    static const struct {
        const char *header;
        int status;
    } rows[] = {{"Authorization: bearer read-secret\r\n", 200},
                {"Authorization: Bearer  read-secret \r\n", 200},
                {"Authorization: Basic cmVhZC1zZWNyZXQ=\r\n", 401},
                {"Authorization: read-secret\r\n", 401},
                {"Authorization: Bearer read-secre\r\n", 401},
                {"Authorization: Bearer read-secrets\r\n", 401},
                {"Authorization: Bearer\r\n", 401},
                {"Authorization: Bearer a.b.c\r\n", 401},
                {"Authorization: Bearer ..\r\n", 401}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct answer a = ask(*state, "GET", "/v1/acme/read", rows[i].header, NULL);
        if (a.status != rows[i].status)
            fail_msg("%s: %d", rows[i].header, a.status);
        if (a.status == 401)
            assert_non_null(strstr(head_value(a.head, "www-authenticate"), "Bearer"));
        answer_free(&a);
    }
}

/* --- orgs --------------------------------------------------------------------------------------------------------- */

static void test_star_admits_orgs_that_are_not_listed(void **state)
{
    struct web *w = *state;
    struct config_org *orgs = arena_alloc(w->b->config->arena, 2 * sizeof(*orgs));
    orgs[0] = (struct config_org){.name = "*", .jwt = {.hs256 = web_keys, .hs256_count = 1}};
    orgs[1] = w->config->orgs[0];
    w->config->orgs = orgs;
    w->config->jwt = (struct config_jwt){0};
    http_configure(w->http, w->config);
    assert_int_equal(ask_status(w, "GET", "/v1/fresh/sources/crm/try", ROOT, NULL), 200);
    assert_int_equal(ask_status(w, "GET", "/v1/acme/sources/crm/try", ROOT, NULL), 200);
    assert_int_equal(ask_status(w, "GET", "/v1/Fresh/sources/crm/try", ROOT, NULL), 404);
    assert_int_equal(ask_status(w, "GET", "/v1/v1/sources/crm/try", ROOT, NULL), 404);
    assert_int_equal(ask_status(w, "GET", "/v1/fresh/sources/crm/try", CRM, NULL), 404);
    /* the key of "*" signs for nobody */
    assert_int_equal(ask_status(w, "GET", "/v1/fresh/person", bearer_of(jwt_of("ann", "fresh", NULL)), NULL), 401);
    w->config->jwt = (struct config_jwt){.hs256 = web_keys, .hs256_count = 1};
    http_configure(w->http, w->config);
    assert_int_equal(ask_status(w, "GET", "/v1/fresh/person", bearer_of(jwt_of("ann", "fresh", NULL)), NULL), 200);
    assert_int_equal(ask_status(w, "GET", "/v1/other/person", bearer_of(jwt_of("ann", "fresh", NULL)), NULL), 404);
}

static void test_key_of_an_org_signs_for_it_only(void **state)
{
    struct web *w = *state;
    struct config_org *orgs = arena_alloc(w->b->config->arena, 2 * sizeof(*orgs));
    orgs[0] = w->config->orgs[0];
    orgs[1] = (struct config_org){.name = "other", .jwt = {.hs256 = web_keys, .hs256_count = 1, .only_org = "other"}};
    w->config->orgs = orgs;
    w->config->jwt = (struct config_jwt){0};
    http_configure(w->http, w->config);
    assert_int_equal(ask_status(w, "GET", "/v1/other/person", bearer_of(jwt_of("ann", "other", NULL)), NULL), 200);
    assert_int_equal(ask_status(w, "GET", "/v1/acme/person", bearer_of(jwt_of("ann", "acme", NULL)), NULL), 401);
    assert_int_equal(ask_status(w, "GET", "/v1/acme/person", bearer_of(jwt_of("ann", "other", NULL)), NULL), 404);
}

/* --- people ------------------------------------------------------------------------------------------------------- */

static void expect_role(struct web *w, const char *token, const char *role)
{
    char member[80];
    struct answer a = ask(w, "GET", "/v1/acme/person", bearer_of(token), NULL);
    assert_int_equal(a.status, 200);
    snprintf(member, sizeof(member), "\"role\":\"%s\"", role ? role : "");
    if (role ? !strstr(a.body, member) : strstr(a.body, "\"role\"") != NULL)
        fail_msg("expected the role %s: %s", role ? role : "(none)", a.body);
    answer_free(&a);
}

struct put {
    struct ledger_command command;
    struct store_directory_entry entry;
    struct bench_wait wait;
};

static belfry_status put_run(struct ledger_command *command, struct ledger_txn *txn)
{
    struct put *p = LIST_OF(command, struct put, command);
    store_directory_put(ledger_txn_conn(txn), store_name(ledger_txn_conn(txn), STR("acme")), &p->entry);
    ledger_txn_directory_changed(txn);
    return BELFRY_OK;
}

static void put_done(struct ledger_command *command, belfry_status status)
{
    bench_done(&LIST_OF(command, struct put, command)->wait, status);
}

static void put_person(struct web *w, const char *name, struct belfry_str role)
{
    struct put p = {.command = {.run = put_run, .done = put_done},
                    .entry = {.username = str_of(name),
                              .roles = &role,
                              .role_count = role.len > 0,
                              .locale = STR("de"),
                              .timezone = STR("Europe/Berlin")}};
    assert_int_equal(ledger_submit(w->b->ledger, &p.command), BELFRY_OK);
    assert_int_equal(bench_until(w->b, &p.wait), BELFRY_OK);
    http_people_changed(w->http);
}

static void test_roles_of_token_win_over_directory(void **state)
{
    struct web *w = *state;
    expect_role(w, jwt_of("ann", "acme", NULL), "boss");
    expect_role(w, jwt_of("ann", "acme", ",\"roles\":[\"clerk\"]"), "clerk");
    expect_role(w, jwt_of("ann", "acme", ",\"roles\":[]"), NULL);
    expect_role(w, jwt_of("eve", "acme", NULL), NULL);
    assert_int_equal(ask_status(w, "GET", "/v1/acme/boss", bearer_of(jwt_of("ann", "acme", ",\"roles\":[]")), NULL),
                     403);
}

static void test_roles_of_people_of_the_api(void **state)
{
    struct web *w = *state;
    expect_role(w, jwt_of("zoe", "acme", NULL), NULL); /* asked, and remembered that there is nobody */
    expect_role(w, jwt_of("zoe", "acme", NULL), NULL);
    put_person(w, "zoe", STR("boss"));
    expect_role(w, jwt_of("zoe", "acme", NULL), "boss");
    struct answer a = ask(w, "GET", "/v1/acme/boss", bearer_of(jwt_of("zoe", "acme", NULL)), NULL);
    assert_int_equal(a.status, 200);
    assert_non_null(strstr(a.body, "\"locale\":\"de\""));
    answer_free(&a);
    expect_role(w, jwt_of("zoe", "acme", ",\"roles\":[\"clerk\"]"), "clerk");
    expect_role(w, jwt_of("yan", "acme", NULL), NULL);
    put_person(w, "zoe", (struct belfry_str){NULL, 0});
    expect_role(w, jwt_of("zoe", "acme", NULL), NULL);
    assert_int_equal(ask_status(w, "GET", "/v1/acme/boss", bearer_of(jwt_of("zoe", "acme", NULL)), NULL), 403);
}

/* The client leaves, and the server ends, while a reader looks for the person. */
static void test_client_leaves_while_the_directory_is_asked(void **state)
{
    struct web *w = *state;
    for (int i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof(name), "p%d", i);
        struct talk *t = talk_open(w);
        talk_ask(t, "GET", "/v1/acme/person", bearer_of(jwt_of(name, "acme", NULL)), NULL);
        for (int j = 0; w->http->jobs == 0 && j < 3; j++)
            web_turn(w);
        talk_close(t);
    }
}

static void test_locale_of_claims_is_a_tag(void **state)
{
    static const struct {
        const char *claim, *locale;
    } rows[] = {{",\"locale\":\"de-AT\"", "\"locale\":\"de-AT\""},
                {",\"locale\":\"\\\"><script>\"", "\"locale\":\"en\""},
                {",\"locale\":7", "\"locale\":\"en\""},
                {",\"locale\":\"\"", "\"locale\":\"en\""}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct answer a = ask(*state, "GET", "/v1/acme/person", bearer_of(jwt_of("bob", "acme", rows[i].claim)), NULL);
        assert_int_equal(a.status, 200);
        if (!strstr(a.body, rows[i].locale))
            fail_msg("%s: %s", rows[i].claim, a.body);
        answer_free(&a);
    }
}

/* --- nobody on a page --------------------------------------------------------------------------------------------- */

static void test_page_without_a_session(void **state)
{
    struct web *w = *state;
    struct answer a = ask(w, "GET", "/acme/page?q=a%26b&x=%2F", NULL, NULL);
    assert_int_equal(a.status, 401);
    assert_non_null(strstr(head_value(a.head, "content-type"), "text/html"));
    assert_null(strstr(a.body, "<script"));
    answer_free(&a);
    w->config->login_url = "https://app.example/sso?next={next}&from=belfry";
    a = ask(w, "GET", "/acme/page?q=a%26b&x=%2F", NULL, NULL);
    assert_int_equal(a.status, 303);
    assert_string_equal(head_value(a.head, "location"),
                        "https://app.example/sso?next=%2Facme%2Fpage%3Fq%3Da%2526b%26x%3D%252F&from=belfry");
    assert_string_equal(head_value(a.head, "cache-control"), "no-store");
    answer_free(&a);
    assert_int_equal(ask_status(w, "GET", "/v1/acme/person", NULL, NULL), 401);
    assert_int_equal(ask_status(w, "HEAD", "/acme/page", NULL, NULL), 401);
}

/* --- rate --------------------------------------------------------------------------------------------------------- */

static void test_rate_of_a_token(void **state)
{
    struct web *w = *state;
    w->config->hub.limits.per_token_rate = 3;
    clock_set(w->b->clock, START - START % 60000 + 10000);
    static const char trigger[] = "{\"do\":[]}";
    char headers[300];
    for (int i = 0; i < 5; i++) {
        snprintf(headers, sizeof(headers),
                 CRM "Content-Type: application/json\r\nce-specversion: 1.0\r\nce-id: %d\r\n"
                     "ce-source: /t\r\nce-type: thing.changed\r\n",
                 i);
        struct answer a = ask(w, "POST", "/v1/acme/sources/crm/triggers", headers, trigger);
        assert_int_equal(a.status, i < 3 ? 202 : 429);
        if (a.status == 429)
            assert_string_equal(head_value(a.head, "retry-after"), "50");
        answer_free(&a);
    }
    assert_int_equal(ask_status(w, "GET", "/v1/acme/read", READER, NULL), 200);
    clock_advance(w->b->clock, 50000);
    assert_int_equal(ask_status(w, "POST", "/v1/acme/sources/crm/triggers", headers, trigger), 202);
}

/* --- proxies, origins --------------------------------------------------------------------------------------------- */

static void test_forwarded_requests_are_not_local(void **state)
{
    static const char *const headers[] = {"Forwarded: for=1.2.3.4\r\n", "X-Forwarded-For: 1.2.3.4\r\n",
                                          "X-Forwarded-Host: x\r\n",    "X-Forwarded-Proto: https\r\n",
                                          "X-Real-IP: 1.2.3.4\r\n",     "Via: 1.1 p\r\n",
                                          "X-Forwarded-For:\r\n"};
    struct answer a = ask(*state, "GET", "/acme/open/x", NULL, NULL);
    assert_non_null(strstr(a.body, "\"local\":true"));
    answer_free(&a);
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        a = ask(*state, "GET", "/acme/open/x", headers[i], NULL);
        if (!strstr(a.body, "\"local\":false"))
            fail_msg("%s", headers[i]);
        answer_free(&a);
    }
}

static void handle_metrics(void *arg, struct http_request *req)
{
    (void)arg;
    http_respond(req, http_metrics_allowed(req) ? 200 : 401, NULL, (struct belfry_str){0}, NULL, 0);
}

static void test_metrics(void **state)
{
    web_route(*state, "GET", "/m", "none", 0, handle_metrics, NULL);
    assert_int_equal(ask_status(*state, "GET", "/m", NULL, NULL), 200);
    assert_int_equal(ask_status(*state, "GET", "/m", "Via: 1.1 p\r\n", NULL), 401);
    assert_int_equal(ask_status(*state, "GET", "/m", "Via: 1.1 p\r\nAuthorization: Bearer metrics-secret\r\n", NULL),
                     200);
    assert_int_equal(ask_status(*state, "GET", "/m", "Via: 1.1 p\r\nAuthorization: Bearer metrics\r\n", NULL), 401);
    ((struct web *)*state)->config->metrics_token = NULL;
    assert_int_equal(ask_status(*state, "GET", "/m", "Via: 1.1 p\r\nAuthorization: Bearer \r\n", NULL), 401);
}

static void test_trusted_proxies(void **state)
{
    static const char *const trusted[] = {"10.0.0.0/8", "127.0.0.1", "fd00::/8"};
    static const struct {
        const char *chain, *peer;
    } rows[] = {{"X-Forwarded-For: 198.51.100.7\r\n", "198.51.100.7"},
                {"X-Forwarded-For: 203.0.113.9, 198.51.100.7, 10.1.2.3\r\n", "198.51.100.7"},
                {"X-Forwarded-For: 203.0.113.9,fd00::1\r\n", "203.0.113.9"},
                {"X-Forwarded-For: 10.0.0.1\r\n", "10.0.0.1"},
                {"X-Forwarded-For: nonsense\r\n", "127.0.0.1"},
                {"X-Forwarded-For: 198.51.100.7, nonsense\r\n", "127.0.0.1"},
                {"", "127.0.0.1"}};
    struct web *w = *state;
    struct answer a = ask(w, "GET", "/acme/open/x", rows[0].chain, NULL);
    assert_non_null(strstr(a.body, "\"peer\":\"127.0.0.1\"")); /* nobody is trusted by default */
    answer_free(&a);
    w->config->hub.trusted_proxies = (struct config_names){trusted, 3};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char member[64];
        snprintf(member, sizeof(member), "\"peer\":\"%s\"", rows[i].peer);
        a = ask(w, "GET", "/acme/open/x", rows[i].chain, NULL);
        if (!strstr(a.body, member))
            fail_msg("%s: %s", rows[i].chain, a.body);
        answer_free(&a);
    }
}

static void test_other_origins(void **state)
{
    static const char *const origins[] = {"https://app.example"};
    struct web *w = *state;
    struct answer a = ask(w, "GET", "/v1/acme/read", READER "Origin: https://app.example\r\n", NULL);
    assert_null(head_value(a.head, "access-control-allow-origin"));
    answer_free(&a);
    w->config->hub.allowed_origins = (struct config_names){origins, 1};
    a = ask(w, "OPTIONS", "/v1/acme/person", "Origin: https://app.example\r\nAccess-Control-Request-Method: POST\r\n",
            NULL);
    assert_int_equal(a.status, 204);
    assert_string_equal(head_value(a.head, "access-control-allow-origin"), "https://app.example");
    assert_string_equal(head_value(a.head, "access-control-allow-methods"), "GET, HEAD, POST, OPTIONS");
    static const char *const asked[] = {"Authorization", "Content-Type", "Accept", "If-None-Match", "Last-Event-ID"};
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
        assert_non_null(strstr(head_value(a.head, "access-control-allow-headers"), asked[i]));
    assert_string_equal(head_value(a.head, "access-control-allow-credentials"), "true");
    assert_string_equal(head_value(a.head, "access-control-max-age"), "7200");
    answer_free(&a);
    a = ask(w, "OPTIONS", "/v1/acme/person", "Origin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\n",
            NULL);
    assert_int_equal(a.status, 204);
    assert_null(head_value(a.head, "access-control-allow-origin"));
    assert_null(head_value(a.head, "access-control-allow-credentials"));
    assert_null(head_value(a.head, "access-control-allow-methods"));
    answer_free(&a);
    static const char *const headers[] = {READER "Origin: https://app.example\r\n", "Origin: https://app.example\r\n"};
    for (int i = 0; i < 2; i++) { /* the page may read refusals too */
        a = ask(w, "GET", "/v1/acme/read", headers[i], NULL);
        assert_int_equal(a.status, i ? 401 : 200);
        assert_string_equal(head_value(a.head, "access-control-allow-origin"), "https://app.example");
        assert_string_equal(head_value(a.head, "vary"), "Origin");
        assert_non_null(strstr(head_value(a.head, "access-control-expose-headers"), "ETag"));
        answer_free(&a);
    }
    /* what is for everybody says so itself, once, and takes no cookie */
    a = ask(w, "GET", "/assets/bell.svg", "Origin: https://app.example\r\n", NULL);
    assert_string_equal(head_value(a.head, "access-control-allow-origin"), "*");
    assert_null(head_value(a.head, "access-control-allow-credentials"));
    answer_free(&a);
    a = ask(w, "GET", "/v1/acme/read", READER "Origin: https://app.example.evil\r\n", NULL);
    assert_null(head_value(a.head, "access-control-allow-origin"));
    assert_string_equal(head_value(a.head, "vary"), "Origin");
    answer_free(&a);
}

static void test_before_the_configuration(void **state)
{
    (void)state;
    struct web *w = web_new("{}");
    web_listen(w);
    struct answer a = ask(w, "GET", "/v1/acme/read", READER, NULL);
    assert_int_equal(a.status, 503);
    assert_string_equal(head_value(a.head, "retry-after"), "1");
    answer_free(&a);
    web_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_matrix, setup, teardown),
        cmocka_unit_test_setup_teardown(test_403_names_what_is_needed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_schemes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_star_admits_orgs_that_are_not_listed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_key_of_an_org_signs_for_it_only, setup, teardown),
        cmocka_unit_test_setup_teardown(test_roles_of_token_win_over_directory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_roles_of_people_of_the_api, setup, teardown),
        cmocka_unit_test_setup_teardown(test_client_leaves_while_the_directory_is_asked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_locale_of_claims_is_a_tag, setup, teardown),
        cmocka_unit_test_setup_teardown(test_page_without_a_session, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rate_of_a_token, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forwarded_requests_are_not_local, setup, teardown),
        cmocka_unit_test_setup_teardown(test_metrics, setup, teardown),
        cmocka_unit_test_setup_teardown(test_trusted_proxies, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_origins, setup, teardown),
        cmocka_unit_test(test_before_the_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
