/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JWTs: claims, times, algorithms and the confusions between them (RFC 8725), key sets of files and URLs and what
 * happens when they change.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http_fixture.h"

#include <jose/jose.h>

static int setup(void **state)
{
    struct web *w = web_open("{\"ann\":[\"boss\"]}");
    web_route(w, "GET", "/v1/{org}/person", "person", 0, handle_echo, NULL);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    web_close(*state);
    return 0;
}

static int try_token(struct web *w, const char *token)
{
    return ask_status(w, "GET", "/v1/acme/person", bearer_of(token), NULL);
}

/* --- claims ------------------------------------------------------------------------------------------------------- */

static void test_claims(void **state)
{
#define NOW 1700000000
    static const struct {
        const char *claims;
        int status;
    } rows[] = {
        {"{\"sub\":\"ann\",\"org\":\"acme\",\"exp\":1700003600}", 200},
        {"{\"sub\":\"ann\",\"org\":\"acme\",\"exp\":1700003600.5}", 200},
        {"{\"sub\":\"ann\",\"org\":\"acme\"}", 401},
        {"{\"sub\":\"ann\",\"org\":\"acme\",\"exp\":\"1700003600\"}", 401},
        {"{\"sub\":\"ann\",\"org\":\"acme\",\"exp\":1699999941}", 200}, /* 59 s ago: within the leeway */
        {"{\"sub\":\"ann\",\"org\":\"acme\",\"exp\":1699999939}", 401},
        {"{\"sub\":\"ann\",\"org\":\"acme\",\"exp\":-1}", 401},
        {"{\"sub\":\"ann\",\"org\":\"acme\",\"exp\":1e300}", 401},
        {"{\"sub\":\"ann\",\"org\":\"acme\",\"exp\":1700086400}", 200}, /* 24 h */
        {"{\"sub\":\"ann\",\"org\":\"acme\",\"exp\":1700086461}", 401},
        {"{\"sub\":\"ann\",\"org\":\"acme\",\"exp\":1700003600,\"nbf\":1700000059}", 200},
        {"{\"sub\":\"ann\",\"org\":\"acme\",\"exp\":1700003600,\"nbf\":1700000061}", 401},
        {"{\"sub\":\"ann\",\"org\":\"acme\",\"exp\":1700003600,\"nbf\":\"soon\"}", 401},
        {"{\"org\":\"acme\",\"exp\":1700003600}", 401},
        {"{\"sub\":\"\",\"org\":\"acme\",\"exp\":1700003600}", 401},
        {"{\"sub\":7,\"org\":\"acme\",\"exp\":1700003600}", 401},
        {"{\"sub\":\"a/b\",\"org\":\"acme\",\"exp\":1700003600}", 401},
        {"{\"sub\":\"role:boss\",\"org\":\"acme\",\"exp\":1700003600}", 401},
        {"{\"sub\":\"ann\",\"exp\":1700003600}", 401},
        {"{\"sub\":\"ann\",\"org\":\"*\",\"exp\":1700003600}", 401},
        {"{\"sub\":\"ann\",\"org\":\"admin\",\"exp\":1700003600}", 401},
        {"{\"sub\":\"ann\",\"org\":\"acme\",\"exp\":1700003600,\"roles\":\"boss\"}", 401},
        {"{\"sub\":\"ann\",\"org\":\"acme\",\"exp\":1700003600,\"roles\":[1]}", 401},
        {"{\"sub\":\"ann\",\"sub\":\"bob\",\"org\":\"acme\",\"exp\":1700003600}", 401},
        {"[]", 401},
        {"nonsense", 401},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int status = try_token(*state, jwt_with(HS256, rows[i].claims, JWT_KEY));
        if (status != rows[i].status)
            fail_msg("%s: %d, expected %d", rows[i].claims, status, rows[i].status);
    }
}

static void test_form(void **state)
{
    static const char claims[] = "{\"sub\":\"ann\",\"org\":\"acme\",\"exp\":1700003600}";
    static const struct {
        const char *header, *key;
        int status;
    } rows[] = {
        {HS256, JWT_KEY, 200},
        {"{\"alg\":\"HS256\"}", JWT_KEY, 200},
        {HS256, "0123456789abcdef0123456789abcdeF", 401},
        {HS256, NULL, 401},
        {"{\"alg\":\"none\"}", NULL, 401},
        {"{\"alg\":\"none\"}", JWT_KEY, 401},
        {"{\"alg\":\"None\"}", NULL, 401},
        {"{\"alg\":\"HS512\"}", JWT_KEY, 401},
        {"{\"alg\":\"hs256\"}", JWT_KEY, 401},
        {"{\"alg\":[\"HS256\"]}", JWT_KEY, 401},
        {"{\"typ\":\"JWT\"}", JWT_KEY, 401},
        {"{\"alg\":\"HS256\",\"alg\":\"none\"}", JWT_KEY, 401},
        {"{\"alg\":\"HS256\",\"crit\":[\"exp\"],\"exp\":1}", JWT_KEY, 401},
        {"[]", JWT_KEY, 401},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int status = try_token(*state, jwt_with(rows[i].header, claims, rows[i].key));
        if (status != rows[i].status)
            fail_msg("%s: %d, expected %d", rows[i].header, status, rows[i].status);
    }
    char text[2048];
    snprintf(text, sizeof(text), "%s=", jwt_with(HS256, claims, JWT_KEY)); /* another spelling of the same bytes */
    assert_int_equal(try_token(*state, text), 401);
    snprintf(text, sizeof(text), "%s.x", jwt_with(HS256, claims, JWT_KEY));
    assert_int_equal(try_token(*state, text), 401);
    snprintf(text, sizeof(text), "x%s", jwt_with(HS256, claims, JWT_KEY));
    assert_int_equal(try_token(*state, text), 401);
}

/* What was verified once is remembered, but not beyond its time, its key or its configuration. */
static void test_memory(void **state)
{
    struct web *w = *state;
    const char *token = jwt_of("ann", "acme", NULL);
    assert_int_equal(try_token(w, token), 200);
    assert_int_equal(try_token(w, token), 200);
    clock_advance(w->b->clock, (HOUR + 59) * 1000ll);
    assert_int_equal(try_token(w, token), 200);
    clock_advance(w->b->clock, 2000);
    assert_int_equal(try_token(w, token), 401);
    clock_set(w->b->clock, START);
    assert_int_equal(try_token(w, token), 200);
    static const struct config_key other[] = {{"another key of thirty-two bytes..", 33}};
    w->config->jwt = (struct config_jwt){.hs256 = other, .hs256_count = 1};
    http_configure(w->http, w->config);
    assert_int_equal(try_token(w, token), 401);
}

/* --- key sets ----------------------------------------------------------------------------------------------------- */

static json_t *key_of(const char *kind)
{
    json_t *key = json_loads(kind, 0, NULL);
    assert_true(jose_jwk_gen(NULL, key));
    return key;
}

/* A compact JWS by libjose. */
static const char *sign(const json_t *key, const char *alg, const char *kid, const char *claims)
{
    static char text[4096];
    json_t *jws = json_object(), *sig = json_object(), *protected = json_object();
    char *payload = NULL;
    json_object_set_new(protected, "alg", json_string(alg));
    if (kid)
        json_object_set_new(protected, "kid", json_string(kid));
    json_object_set_new(sig, "protected", protected);
    json_t *encoded = jose_b64_enc(claims, strlen(claims));
    json_object_set_new(jws, "payload", encoded);
    assert_true(jose_jws_sig(NULL, jws, sig, key));
    snprintf(text, sizeof(text), "%s.%s.%s", json_string_value(json_object_get(jws, "protected")),
             json_string_value(json_object_get(jws, "payload")), json_string_value(json_object_get(jws, "signature")));
    free(payload);
    json_decref(sig);
    json_decref(jws);
    return text;
}

/* The public halves as {"keys":[...]}. New reference. */
static json_t *set_of(json_t *const *keys, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *pub = json_deep_copy(keys[i]);
        assert_true(jose_jwk_pub(NULL, pub));
        json_object_del(pub, "key_ops");
        json_array_append_new(list, pub);
    }
    return json_pack("{s:o}", "keys", list);
}

static void write_set(const char *path, json_t *set)
{
    static long tick;
    assert_int_equal(json_dump_file(set, path, 0), 0);
    struct timespec times[2] = {{START / 1000, ++tick}, {START / 1000, tick}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

#define CLAIMS "{\"sub\":\"ann\",\"org\":\"acme\",\"exp\":1700003600}"

static struct web *with_jwks(struct web *w, const char *where)
{
    w->config->jwt = (struct config_jwt){.jwks = where};
    http_configure(w->http, w->config);
    return w;
}

static void test_algorithms(void **state)
{
    struct web *w = *state;
    char path[160];
    json_t *rsa = key_of("{\"kty\":\"RSA\",\"bits\":2048,\"kid\":\"r\"}"),
           *ec = key_of("{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"e\"}");
    json_t *narrow = key_of("{\"kty\":\"RSA\",\"bits\":2048}"), *big = key_of("{\"kty\":\"EC\",\"crv\":\"P-384\"}");
    json_object_set_new(narrow, "kid", json_string("n"));
    json_object_set_new(big, "kid", json_string("b"));
    json_t *keys[] = {rsa, ec, narrow, big}, *stranger = key_of("{\"kty\":\"RSA\",\"bits\":2048}");
    json_t *set = set_of(keys, 4);
    json_object_set_new(json_array_get(json_object_get(set, "keys"), 2), "alg", json_string("PS256"));
    json_array_append_new(
        json_object_get(set, "keys"),
        json_pack("{s:s, s:s, s:s}", "kty", "oct", "k", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY", "kid", "o"));
    json_array_append_new(json_object_get(set, "keys"), json_string("nonsense"));
    snprintf(path, sizeof(path), "%s/keys.json", w->b->dir);
    write_set(path, set);
    with_jwks(w, path);
    const struct {
        const json_t *key;
        const char *alg, *kid;
        int status;
    } rows[] = {{rsa, "RS256", "r", 200},      {rsa, "PS256", "r", 200},      {rsa, "RS256", NULL, 200},
                {ec, "ES256", "e", 200},       {ec, "ES256", NULL, 200},      {rsa, "RS256", "e", 401},
                {rsa, "RS256", "x", 401},      {rsa, "RS512", "r", 401},      {rsa, "PS512", "r", 401},
                {narrow, "PS256", "n", 200},   {narrow, "RS256", "n", 401},   {big, "ES384", "b", 401},
                {stranger, "RS256", "r", 401}, {stranger, "RS256", NULL, 401}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int status = try_token(w, sign(rows[i].key, rows[i].alg, rows[i].kid, CLAIMS));
        if (status != rows[i].status)
            fail_msg("row %zu, %s: %d, expected %d", i, rows[i].alg, status, rows[i].status);
        if (status == 200) /* the memory is as good */
            assert_int_equal(try_token(w, sign(rows[i].key, rows[i].alg, rows[i].kid, CLAIMS)), 200);
    }
    /* the symmetric key of the set, and the public key's own text as a secret, sign for nobody */
    assert_int_equal(try_token(w, jwt_with(HS256, CLAIMS, JWT_KEY)), 401);
    char *pem = json_dumps(json_array_get(json_object_get(set, "keys"), 0), JSON_COMPACT);
    assert_int_equal(try_token(w, jwt_with("{\"alg\":\"HS256\",\"kid\":\"r\"}", CLAIMS, pem)), 401);
    assert_int_equal(try_token(w, sign(rsa, "RS256", "r", "{\"sub\":\"ann\",\"org\":\"acme\",\"exp\":1600000000}")),
                     401);
    free(pem);
    unlink(path);
    json_decref(set);
    json_decref(rsa);
    json_decref(ec);
    json_decref(narrow);
    json_decref(big);
    json_decref(stranger);
}

static void look_again(struct web *w)
{
    jwks_look(w->http); /* makes the state; then pretend that a second has passed */
    w->http->jwks_looked_ns = 0;
}

static void test_file_that_changes(void **state)
{
    struct web *w = *state;
    char path[160];
    json_t *one = key_of("{\"kty\":\"EC\",\"crv\":\"P-256\"}"), *two = key_of("{\"kty\":\"EC\",\"crv\":\"P-256\"}");
    json_t *first = set_of(&one, 1), *second = set_of(&two, 1), *broken = json_object();
    snprintf(path, sizeof(path), "%s/keys.json", w->b->dir);
    with_jwks(w, path);
    char by_one[4096], by_two[4096];
    snprintf(by_one, sizeof(by_one), "%s", sign(one, "ES256", NULL, CLAIMS));
    snprintf(by_two, sizeof(by_two), "%s", sign(two, "ES256", NULL, CLAIMS));
    assert_int_equal(try_token(w, by_one), 503); /* no keys at hand yet: not the caller's fault */
    write_set(path, first);
    assert_int_equal(try_token(w, by_one), 200);
    assert_int_equal(try_token(w, by_two), 401);
    http_configure(w->http, w->config); /* a reload keeps the keys */
    assert_int_equal(try_token(w, by_one), 200);
    write_set(path, second);
    look_again(w);
    assert_int_equal(try_token(w, by_one), 401);
    assert_int_equal(try_token(w, by_two), 200);
    write_set(path, broken);
    look_again(w);
    assert_int_equal(try_token(w, by_two), 200); /* the last good one stays */
    unlink(path);
    look_again(w);
    assert_int_equal(try_token(w, by_two), 200);
    json_decref(first);
    json_decref(second);
    json_decref(broken);
    json_decref(one);
    json_decref(two);
}

static void test_url(void **state)
{
    struct web *w = with_jwks(*state, "https://login.example/jwks");
    json_t *one = key_of("{\"kty\":\"EC\",\"crv\":\"P-256\"}"), *two = key_of("{\"kty\":\"EC\",\"crv\":\"P-256\"}");
    json_t *first = set_of(&one, 1), *second = set_of(&two, 1);
    char by_one[4096];
    snprintf(by_one, sizeof(by_one), "%s", sign(one, "ES256", NULL, CLAIMS));
    struct answer a = ask(w, "GET", "/v1/acme/person", bearer_of(by_one), NULL);
    assert_int_equal(a.status, 503);
    assert_string_equal(head_value(a.head, "retry-after"), "1");
    answer_free(&a);
    http_jwks_put(w->http, "https://login.example/jwks", first);
    assert_int_equal(try_token(w, by_one), 200);
    http_configure(w->http, w->config);
    assert_int_equal(try_token(w, by_one), 200);
    http_jwks_put(w->http, "https://login.example/jwks", second);
    assert_int_equal(try_token(w, by_one), 401);
    json_decref(first);
    json_decref(second);
    json_decref(one);
    json_decref(two);
}

/* Keys change while a worker still checks with the old ones: what it says counts no more. */
static void test_keys_change_meanwhile(void **state)
{
    struct web *w = with_jwks(*state, "https://login.example/jwks");
    json_t *one = key_of("{\"kty\":\"EC\",\"crv\":\"P-256\"}"), *two = key_of("{\"kty\":\"EC\",\"crv\":\"P-256\"}");
    json_t *first = set_of(&one, 1), *second = set_of(&two, 1);
    http_jwks_put(w->http, "https://login.example/jwks", first);
    struct talk *t = talk_open(w);
    talk_ask(t, "GET", "/v1/acme/person", bearer_of(sign(one, "ES256", NULL, CLAIMS)), NULL);
    for (int i = 0; w->http->jobs == 0 && i < TALK_TURNS && !t->in.len; i++) {
        uv_run(&w->b->loop, UV_RUN_NOWAIT);
    }
    if (w->http->jobs) { /* else the answer has come already */
        http_jwks_put(w->http, "https://login.example/jwks", second);
        struct answer a = talk_answer(t);
        assert_int_equal(a.status, 401);
        answer_free(&a);
    }
    talk_close(t);
    json_decref(first);
    json_decref(second);
    json_decref(one);
    json_decref(two);
}

/* The server ends while a worker is busy with a token. */
static void test_end_meanwhile(void **state)
{
    struct web *w = with_jwks(*state, "https://login.example/jwks");
    json_t *key = key_of("{\"kty\":\"RSA\",\"bits\":2048}"), *set = set_of(&key, 1);
    http_jwks_put(w->http, "https://login.example/jwks", set);
    struct talk *t = talk_open(w);
    talk_ask(t, "GET", "/v1/acme/person", bearer_of(sign(key, "RS256", NULL, CLAIMS)), NULL);
    for (int i = 0; w->http->jobs == 0 && i < 1000; i++)
        uv_run(&w->b->loop, UV_RUN_NOWAIT);
    talk_close(t);
    json_decref(set);
    json_decref(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_claims, setup, teardown),
        cmocka_unit_test_setup_teardown(test_form, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_algorithms, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_that_changes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_url, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keys_change_meanwhile, setup, teardown),
        cmocka_unit_test_setup_teardown(test_end_meanwhile, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
