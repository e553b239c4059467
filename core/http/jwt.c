/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Web Tokens of people (RFC 7519) in compact JWS form (RFC 7515), checked as RFC 8725 asks: the algorithm is the
 * configured key's and never the token's choice. A secret of hs256 verifies HS256 only; a JWK verifies the one or two
 * algorithms that its type allows (RSA: RS256, PS256; P-256: ES256), narrowed by its own `alg`.
 *
 * A token that was verified is remembered until it expires, because a browser sends the same one with every poll: the
 * signature is checked once. The memory is dropped with the configuration, so a removed key ends its tokens.
 */
#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/internal.h"

#include <jose/b64.h>
#include <jose/jws.h>
#include <sys/stat.h>

#define TOKEN_MAX 8192
#define CACHE_MAX 20000
#define LEEWAY_MS 60000
#define LIFE_MAX_MS (24 * 3600 * 1000ll)
#define ROLES_MAX 64

struct jwt_cached {
    struct arena *arena;
    struct jwt_claims claims;
};

struct jwks {
    json_t *keys; /* {"keys":[...]} */
    struct timespec mtime;
};

struct jwt_cache {
    struct hash *tokens; /* compact text -> struct jwt_cached */
    struct hash *jwks;   /* path or URL -> struct jwks */
};

/* --- memory -------------------------------------------------------------------------------------------------------------- */

static void cached_free(void *value)
{
    struct jwt_cached *cached = value;
    arena_free(cached->arena);
}

static void jwks_free(void *value)
{
    struct jwks *jwks = value;
    json_decref(jwks->keys);
    free(jwks);
}

void jwt_cache_free(struct http *http)
{
    if (!http->jwts)
        return;
    hash_free(http->jwts->tokens, cached_free);
    hash_free(http->jwts->jwks, jwks_free);
    free(http->jwts);
    http->jwts = NULL;
}

static struct jwt_cache *cache_of(struct http *http)
{
    if (!http->jwts) {
        http->jwts = xcalloc(1, sizeof(*http->jwts));
        http->jwts->tokens = hash_new();
        http->jwts->jwks = hash_new();
    }
    return http->jwts;
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
    if (hash_count(cache->tokens) >= CACHE_MAX) { /* start again rather than keep an order of use */
        hash_free(cache->tokens, cached_free);
        cache->tokens = hash_new();
    }
    struct arena *arena = arena_new(512);
    struct jwt_cached *cached = arena_alloc(arena, sizeof(*cached));
    cached->arena = arena;
    cached->claims = copy_claims(arena, claims);
    struct jwt_cached *old = hash_set(cache->tokens, token, cached);
    if (old)
        cached_free(old);
}

/* --- keys of a JWKS -------------------------------------------------------------------------------------------------------- */

void http_jwks_put(struct http *http, const char *where, json_t *keys)
{
    struct jwks *jwks = xcalloc(1, sizeof(*jwks));
    jwks->keys = json_incref(keys);
    struct jwks *old = hash_set(cache_of(http)->jwks, str_of(where), jwks);
    if (old)
        jwks_free(old);
}

/* The keys of a file, read again when it changed; of a URL, as the hub last fetched them. NULL: none. */
static json_t *jwks_get(struct http *http, const char *where)
{
    struct jwks *have = hash_get(cache_of(http)->jwks, str_of(where));
    struct stat st;
    if (strncmp(where, "http", 4) == 0 || stat(where, &st) != 0)
        return have ? have->keys : NULL;
    if (have && have->mtime.tv_sec == st.st_mtim.tv_sec && have->mtime.tv_nsec == st.st_mtim.tv_nsec)
        return have->keys;
    json_error_t fault;
    json_t *keys = json_load_file(where, JSON_REJECT_DUPLICATES, &fault);
    if (!keys) {
        log_warn("http", "key set cannot be read, the last good one stays", "file=%s line=%d err=%s", where, fault.line,
                 log_quote(fault.text, strlen(fault.text)));
        return have ? have->keys : NULL;
    }
    http_jwks_put(http, where, keys);
    json_decref(keys);
    have = hash_get(cache_of(http)->jwks, str_of(where));
    have->mtime = st.st_mtim;
    return have->keys;
}

/* May this key check that algorithm? */
static int key_fits(const json_t *key, const char *alg)
{
    const char *type = json_string_value(json_object_get(key, "kty")), *own = json_string_value(json_object_get(key, "alg"));
    const char *use = json_string_value(json_object_get(key, "use"));
    if (!type || (own && strcmp(own, alg) != 0) || (use && strcmp(use, "sig") != 0))
        return 0;
    if (strcmp(type, "RSA") == 0)
        return strcmp(alg, "RS256") == 0 || strcmp(alg, "PS256") == 0;
    const char *curve = json_string_value(json_object_get(key, "crv"));
    return strcmp(type, "EC") == 0 && curve && strcmp(curve, "P-256") == 0 && strcmp(alg, "ES256") == 0;
}

static int verify_jwks(const json_t *keys, const char *alg, const char *kid, struct belfry_str parts[3])
{
    json_t *list = json_object_get(keys, "keys"), *key;
    size_t i;
    int ok = 0;
    json_t *jws = json_object();
    json_set_str(jws, "protected", parts[0]);
    json_set_str(jws, "payload", parts[1]);
    json_set_str(jws, "signature", parts[2]);
    json_array_foreach(list, i, key)
    {
        const char *id = json_string_value(json_object_get(key, "kid"));
        if (ok || !key_fits(key, alg) || (kid && id && strcmp(kid, id) != 0))
            continue;
        ok = jose_jws_ver(NULL, jws, NULL, key, false);
    }
    json_decref(jws);
    return ok;
}

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

static int verify_with(struct http *http, const struct config_jwt *jwt, const char *alg, const char *kid,
                       struct belfry_str token, struct belfry_str parts[3])
{
    if (strcmp(alg, "HS256") == 0) {
        size_t len = parts[0].len + 1 + parts[1].len;
        return jwt->hs256_count && verify_hs256(jwt, str_slice(token.ptr, len), parts[2]);
    }
    json_t *keys = jwt->jwks ? jwks_get(http, jwt->jwks) : NULL;
    return keys && verify_jwks(keys, alg, kid, parts);
}

/* --- claims ------------------------------------------------------------------------------------------------------------------- */

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
    if (claims->exp_ms + LEEWAY_MS < now)
        return error_set(err, BELFRY_EPERM, NULL, "the JWT has expired");
    if (claims->exp_ms > now + LIFE_MAX_MS + LEEWAY_MS)
        return error_set(err, BELFRY_EPERM, NULL, "the JWT's `exp` is more than 24 hours away");
    if (json_is_number(nbf) && json_number_value(nbf) * 1000 > (double)(now + LEEWAY_MS))
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
                                  .jti = claim(arena, body, "jti")};
    const char *fault = config_username_fault(claims->sub);
    if (fault)
        return error_set(err, BELFRY_EPERM, NULL, "the JWT's `sub` is no username: %s", fault);
    fault = config_org_name_fault(claims->org);
    if (fault)
        return error_set(err, BELFRY_EPERM, NULL, "the JWT's `org` is no org: %s", fault);
    belfry_status status = check_times(body, clock_now_ms(http->set.clock), claims, err);
    return status == BELFRY_OK ? read_roles(arena, body, claims, err) : status;
}

/* --- verifying ------------------------------------------------------------------------------------------------------------------ */

static belfry_status unverified(struct error *err)
{
    return error_set(err, BELFRY_EPERM, NULL, "the JWT is not signed with a key of this hub");
}

/* A link of `belfry login-link`, whatever auth says: signed with a key derived from hub.secret. */
static int verify_own(struct http *http, const char *alg, struct belfry_str token, struct belfry_str parts[3])
{
    if (strcmp(alg, "HS256") != 0 || !http->set.secret)
        return 0;
    uint8_t derived[32];
    key_derive(http->set.secret, "login-link", derived);
    struct config_key key = {(const char *)derived, sizeof(derived)};
    struct config_jwt own = {.hs256 = &key, .hs256_count = 1};
    int ok = verify_hs256(&own, str_slice(token.ptr, parts[0].len + 1 + parts[1].len), parts[2]);
    mem_wipe(derived, sizeof(derived));
    return ok;
}

static belfry_status verify_signature(struct http *http, struct belfry_str org, struct belfry_str token,
                                      struct belfry_str parts[3], struct error *err)
{
    json_t *header = decode_part(parts[0]);
    const char *alg = json_string_value(json_object_get(header, "alg"));
    const char *kid = json_string_value(json_object_get(header, "kid"));
    const struct config_org *own = config_org(http->config, org);
    int ok = 0;
    if (alg && !json_object_get(header, "crit")) {
        ok = verify_own(http, alg, token, parts) || verify_with(http, &http->config->jwt, alg, kid, token, parts);
        if (!ok && own && strcmp(own->name, "*") != 0)
            ok = verify_with(http, &own->jwt, alg, kid, token, parts);
    }
    json_decref(header);
    return ok ? BELFRY_OK : unverified(err);
}

belfry_status jwt_verify(struct http *http, struct arena *arena, struct belfry_str token, struct jwt_claims *claims,
                         struct error *err)
{
    if (token.len > TOKEN_MAX)
        return error_set(err, BELFRY_EPERM, NULL, "the JWT is longer than %d bytes", TOKEN_MAX);
    struct jwt_cached *known = hash_get(cache_of(http)->tokens, token);
    if (known && known->claims.exp_ms + LEEWAY_MS >= clock_now_ms(http->set.clock)) {
        *claims = copy_claims(arena, &known->claims);
        return BELFRY_OK;
    }
    struct belfry_str parts[3], rest;
    parts[0] = str_cut(token, '.', &rest);
    parts[1] = str_cut(rest, '.', &parts[2]);
    json_t *body = parts[2].ptr && !memchr(parts[2].ptr, '.', parts[2].len) ? decode_part(parts[1]) : NULL;
    if (!body)
        return error_set(err, BELFRY_EPERM, NULL, "this is no JWT in compact form");
    belfry_status status = verify_signature(http, json_str(json_object_get(body, "org")), token, parts, err);
    if (status == BELFRY_OK)
        status = read_claims(http, arena, body, claims, err);
    json_decref(body);
    if (status == BELFRY_OK)
        remember(http, token, claims);
    return status;
}
