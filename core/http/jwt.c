/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Web Tokens of people (RFC 7519) in compact JWS form (RFC 7515), checked as RFC 8725 asks: the algorithm is the
 * configured key's and never the token's choice. A secret of hs256 verifies HS256 only, a JWK what its type allows
 * (jwks.c).
 *
 * RSA and ECDSA signatures are checked on a worker: they take a tenth of a millisecond, and anybody can send one. A
 * token that was verified is remembered until it expires, because a browser sends the same one with every poll: the
 * signature is checked once. The memory is dropped when keys change, so a removed key ends its tokens.
 */
#include "base/crypto.h"
#include "base/mem.h"
#include "http/internal.h"

#define TOKEN_MAX 8192
#define CACHE_MAX 20000
#define LIFE_MAX_MS (24 * 3600 * 1000ll)
#define ROLES_MAX 64

struct jwt_cached {
    struct arena *arena;
    struct jwt_claims claims;
};

struct jwt_cache {
    struct hash *tokens; /* compact text -> struct jwt_cached */
    uint64_t epoch;      /* one more each time that all are forgotten */
};

/* One token on its way through a worker. */
struct job {
    uv_work_t work;
    struct http *http;
    uint64_t request, epoch;
    char *token;
    json_t *keys; /* a copy: the worker alone touches it */
    int ok;
    jwt_fn fn;
    void *arg;
};

/* --- memory ------------------------------------------------------------------------------------------------------- */

static void cached_free(void *value)
{
    struct jwt_cached *cached = value;
    arena_free(cached->arena);
}

void jwt_free(struct http *http)
{
    if (!http->jwts)
        return;
    hash_free(http->jwts->tokens, cached_free);
    free(http->jwts);
    http->jwts = NULL;
}

static struct jwt_cache *cache_of(struct http *http)
{
    if (!http->jwts) {
        http->jwts = xcalloc(1, sizeof(*http->jwts));
        http->jwts->tokens = hash_new();
    }
    return http->jwts;
}

void jwt_forget(struct http *http)
{
    struct jwt_cache *cache = cache_of(http);
    hash_free(cache->tokens, cached_free);
    cache->tokens = hash_new();
    cache->epoch++;
}

static struct belfry_strs copy_strs(struct arena *arena, struct belfry_strs s)
{
    struct belfry_str *items = arena_alloc(arena, (s.count + 1) * sizeof(*items));
    for (size_t i = 0; i < s.count; i++)
        items[i] = arena_str(arena, s.items[i]);
    return (struct belfry_strs){items, s.count};
}

static struct jwt_claims copy_claims(struct arena *arena, const struct jwt_claims *c)
{
    struct jwt_claims out = *c;
    out.sub = arena_str(arena, c->sub);
    out.org = arena_str(arena, c->org);
    out.name = arena_str(arena, c->name);
    out.email = arena_str(arena, c->email);
    out.locale = arena_str(arena, c->locale);
    out.zoneinfo = arena_str(arena, c->zoneinfo);
    out.jti = arena_str(arena, c->jti);
    out.roles = copy_strs(arena, c->roles);
    return out;
}

static void remember(struct http *http, struct belfry_str token, const struct jwt_claims *claims)
{
    struct jwt_cache *cache = cache_of(http);
    if (hash_count(cache->tokens) >= CACHE_MAX)
        jwt_forget(http); /* start again rather than keep an order of use */
    struct arena *arena = arena_new(512);
    struct jwt_cached *cached = arena_alloc(arena, sizeof(*cached));
    cached->arena = arena;
    cached->claims = copy_claims(arena, claims);
    struct jwt_cached *old = hash_set(cache->tokens, token, cached);
    if (old)
        cached_free(old);
}

/* --- signatures --------------------------------------------------------------------------------------------------- */

static int verify_hs256(const struct config_jwt *jwt, struct belfry_str signed_part, struct belfry_str signature)
{
    struct buf given = {0};
    int ok = 0;
    if (base64_decode(signature, 1, &given) == BELFRY_OK)
        for (size_t i = 0; i < jwt->hs256_count; i++) { /* every key, so that the time tells nothing */
            uint8_t mac[32];
            hmac_sha256(jwt->hs256[i].bytes, jwt->hs256[i].len, signed_part.ptr, signed_part.len, mac);
            ok |= mem_equal_ct(mac, sizeof(mac), given.ptr, given.len);
        }
    buf_free(&given);
    return ok;
}

/* --- claims ------------------------------------------------------------------------------------------------------- */

static json_t *decode_part(struct belfry_str part)
{
    struct buf text = {0};
    json_t *json = NULL;
    if (base64_decode(part, 1, &text) == BELFRY_OK)
        json = json_read(buf_str(&text), NULL);
    buf_free(&text);
    if (json && json_is_object(json))
        return json;
    json_decref(json);
    return NULL;
}

static struct belfry_str claim(struct arena *arena, const json_t *body, const char *name)
{
    return arena_str(arena, json_str(json_object_get(body, name)));
}

static belfry_status read_roles(struct arena *arena, const json_t *body, struct jwt_claims *claims, struct error *err)
{
    json_t *roles = json_object_get(body, "roles"), *role;
    size_t i;
    claims->has_roles = roles != NULL;
    if (!roles)
        return BELFRY_OK;
    if (!json_is_array(roles) || json_array_size(roles) > ROLES_MAX)
        return error_set(err, BELFRY_EPERM, NULL, "the JWT's `roles` must be a list of at most %d names", ROLES_MAX);
    struct belfry_str *items = arena_alloc(arena, (json_array_size(roles) + 1) * sizeof(*items));
    json_array_foreach(roles, i, role)
    {
        if (!json_is_string(role))
            return error_set(err, BELFRY_EPERM, NULL, "the JWT's `roles` must be a list of names");
        items[i] = arena_str(arena, json_str(role));
    }
    claims->roles = (struct belfry_strs){items, json_array_size(roles)};
    return BELFRY_OK;
}

static belfry_status check_times(const json_t *body, int64_t now, struct jwt_claims *claims, struct error *err)
{
    json_t *exp = json_object_get(body, "exp"), *nbf = json_object_get(body, "nbf");
    if (!json_is_number(exp))
        return error_set(err, BELFRY_EPERM, NULL, "the JWT has no `exp`; it is required");
    double exp_s = json_number_value(exp);
    if (exp_s < 0 || exp_s > 1e11)
        return error_set(err, BELFRY_EPERM, NULL, "the JWT's `exp` is no time in seconds");
    claims->exp_ms = (int64_t)(exp_s * 1000);
    if (claims->exp_ms + JWT_LEEWAY_MS < now)
        return error_set(err, BELFRY_EPERM, NULL, "the JWT has expired");
    if (claims->exp_ms > now + LIFE_MAX_MS + JWT_LEEWAY_MS)
        return error_set(err, BELFRY_EPERM, NULL, "the JWT's `exp` is more than 24 hours away");
    if (nbf && !json_is_number(nbf))
        return error_set(err, BELFRY_EPERM, NULL, "the JWT's `nbf` is no time in seconds");
    if (nbf && json_number_value(nbf) * 1000 > (double)(now + JWT_LEEWAY_MS))
        return error_set(err, BELFRY_EPERM, NULL, "the JWT is not valid yet (`nbf`)");
    return BELFRY_OK;
}

static belfry_status read_claims(struct http *http, struct arena *arena, const json_t *body, struct jwt_claims *claims,
                                 struct error *err)
{
    *claims = (struct jwt_claims){.sub = claim(arena, body, "sub"),
                                  .org = claim(arena, body, "org"),
                                  .name = claim(arena, body, "name"),
                                  .email = claim(arena, body, "email"),
                                  .locale = claim(arena, body, "locale"),
                                  .zoneinfo = claim(arena, body, "zoneinfo"),
                                  .jti = claim(arena, body, "jti"),
                                  .link = json_is_true(json_object_get(body, JWT_LINK))};
    const char *fault = config_username_fault(claims->sub);
    if (fault)
        return error_set(err, BELFRY_EPERM, NULL, "the JWT's `sub` is no username: %s", fault);
    fault = config_org_name_fault(claims->org);
    if (fault)
        return error_set(err, BELFRY_EPERM, NULL, "the JWT's `org` is no org: %s", fault);
    belfry_status status = check_times(body, clock_now_ms(http->set.clock), claims, err);
    return status == BELFRY_OK ? read_roles(arena, body, claims, err) : status;
}

/* --- verifying ---------------------------------------------------------------------------------------------------- */

static belfry_status unverified(struct error *err)
{
    return error_set(err, BELFRY_EPERM, NULL, "the JWT is not signed with a key of this hub");
}

static int split(struct belfry_str token, struct belfry_str parts[3])
{
    struct belfry_str rest;
    parts[0] = str_cut(token, '.', &rest);
    parts[1] = str_cut(rest, '.', &parts[2]);
    return parts[2].ptr && !memchr(parts[2].ptr, '.', parts[2].len) ? 0 : -1;
}

/* A link of `belfry login-link`, whatever auth says: signed with a key derived from hub.secret. */
static int verify_own(struct http *http, struct belfry_str signed_part, struct belfry_str signature)
{
    if (!http->set.secret)
        return 0;
    uint8_t derived[32];
    key_derive(http->set.secret, "login-link", derived);
    struct config_key key = {(const char *)derived, sizeof(derived)};
    struct config_jwt own = {.hs256 = &key, .hs256_count = 1};
    int ok = verify_hs256(&own, signed_part, signature);
    mem_wipe(derived, sizeof(derived));
    return ok;
}

/* The keys that may sign for an org: the hub's, and its own. */
static size_t signers(const struct http *http, struct belfry_str org, const struct config_jwt *out[2])
{
    const struct config_org *own = config_org(http->config, org);
    size_t n = 0;
    out[n++] = &http->config->jwt;
    if (own && strcmp(own->name, "*") != 0)
        out[n++] = &own->jwt;
    return n;
}

/* The claims of a token whose signature is good; remembered. */
static belfry_status good(struct http *http, struct arena *arena, struct belfry_str token, struct jwt_claims *claims,
                          struct error *err)
{
    struct belfry_str parts[3];
    json_t *body = split(token, parts) == 0 ? decode_part(parts[1]) : NULL;
    belfry_status status = body ? read_claims(http, arena, body, claims, err) : unverified(err);
    json_decref(body);
    if (status == BELFRY_OK)
        remember(http, token, claims);
    return status;
}

static void tell(struct request *r, belfry_status status, struct belfry_str token, jwt_fn fn, void *arg,
                 struct error *err)
{
    struct jwt_claims claims = {0};
    if (status == BELFRY_OK)
        status = good(r->pub.http, r->pub.arena, token, &claims, err);
    fn(r, status, &claims, err, arg);
    error_clear(err);
}

/* [worker] */
static void on_work(uv_work_t *work)
{
    struct job *job = work->data;
    job->ok = jwks_verify(job->keys, str_of(job->token));
}

/* Keys that changed meanwhile are asked again. */
static void on_worked(uv_work_t *work, int status)
{
    (void)status;
    struct job *job = work->data;
    struct http *http = job->http;
    struct http_request *req = http->closed ? NULL : http_request_find(http, job->request);
    struct error err = {0};
    if (req && job->epoch != cache_of(http)->epoch)
        jwt_verify(request_of(req), str_of(job->token), job->fn, job->arg);
    else if (req)
        tell(request_of(req), job->ok ? BELFRY_OK : unverified(&err), str_of(job->token), job->fn, job->arg, &err);
    http->jobs--;
    http_unref(http);
    json_decref(job->keys);
    free(job->token);
    free(job);
}

static void verify_on_worker(struct request *r, struct belfry_str token, json_t *keys, jwt_fn fn, void *arg)
{
    struct job *job = xcalloc(1, sizeof(*job));
    *job = (struct job){.http = r->pub.http,
                        .request = r->pub.pub.id,
                        .epoch = cache_of(r->pub.http)->epoch,
                        .token = xstrndup(token.ptr, token.len),
                        .keys = keys,
                        .fn = fn,
                        .arg = arg};
    job->work.data = job;
    job->http->jobs++;
    request_park(r);
    uv_queue_work(job->http->set.loop, &job->work, on_work, on_worked);
}

/* OK or EPERM for what can be said at once; ECANCELED when the keys must be tried on a worker. */
static belfry_status verify_signature(struct http *http, struct belfry_str token, struct belfry_str parts[3],
                                      struct belfry_str org, json_t *keys, struct error *err)
{
    json_t *header = decode_part(parts[0]);
    const char *alg = json_string_value(json_object_get(header, "alg"));
    const char *kid = json_string_value(json_object_get(header, "kid"));
    struct belfry_str signed_part = str_slice(token.ptr, parts[0].len + 1 + parts[1].len);
    const struct config_jwt *from[2];
    size_t n = signers(http, org, from);
    int ok = 0, missing = 0;
    if (!alg || json_object_get(header, "crit")) {
        ; /* refused: we understand no extension (RFC 7515 section 4.1.11) */
    } else if (strcmp(alg, "HS256") == 0) {
        ok = verify_own(http, signed_part, parts[2]);
        for (size_t i = 0; i < n; i++)
            ok |= verify_hs256(from[i], signed_part, parts[2]);
    } else {
        for (size_t i = 0; i < n; i++) {
            json_t *set = from[i]->jwks ? jwks_get(http, from[i]->jwks) : NULL;
            missing |= from[i]->jwks && !set;
            jwks_pick(keys, set, alg, kid);
        }
    }
    json_decref(header);
    if (ok)
        return BELFRY_OK;
    if (json_array_size(keys))
        return BELFRY_ECANCELED;
    return missing
               ? error_set(err, BELFRY_EAGAIN, NULL, "the keys that JWTs are signed with are not at hand; try again")
               : unverified(err);
}

void jwt_verify(struct request *r, struct belfry_str token, jwt_fn fn, void *arg)
{
    struct http *http = r->pub.http;
    struct error err = {0};
    jwks_look(http);
    struct jwt_cached *known = token.len <= TOKEN_MAX ? hash_get(cache_of(http)->tokens, token) : NULL;
    if (known && known->claims.exp_ms + JWT_LEEWAY_MS >= clock_now_ms(http->set.clock)) {
        struct jwt_claims claims = copy_claims(r->pub.arena, &known->claims);
        fn(r, BELFRY_OK, &claims, NULL, arg);
        return;
    }
    struct belfry_str parts[3];
    json_t *keys = json_array(), *body = NULL;
    belfry_status status;
    if (token.len > TOKEN_MAX)
        status = error_set(&err, BELFRY_EPERM, NULL, "the JWT is longer than %d bytes", TOKEN_MAX);
    else if (split(token, parts) != 0 || !(body = decode_part(parts[1])))
        status = error_set(&err, BELFRY_EPERM, NULL, "this is no JWT in compact form");
    else
        status = verify_signature(http, token, parts, json_str(json_object_get(body, "org")), keys, &err);
    json_decref(body);
    if (status == BELFRY_ECANCELED) {
        verify_on_worker(r, token, keys, fn, arg);
        return;
    }
    json_decref(keys);
    tell(r, status, token, fn, arg, &err);
}
