/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key sets (RFC 7517) that JWTs of people are checked with: of a file, or of a URL as the hub fetched it. A set that
 * cannot be read leaves the last good one in force; a set that changed ends everything that was verified with the old
 * one.
 *
 * Which key may check which algorithm is decided here, from the key alone (RFC 8725 section 3.1): RSA for RS256 and
 * PS256, P-256 for ES256, narrowed by the key's own `alg` and `use`. Symmetric keys of a set are never used.
 */
#include "base/log.h"
#include "base/mem.h"
#include "http/internal.h"

#include <jose/jws.h>
#include <sys/stat.h>

#define LOOK_NS 1000000000ull

struct jwks {
    json_t *keys; /* {"keys":[...]} */
    char *file;   /* NULL: of a URL */
    struct timespec mtime;
};

static struct hash *sets_of(struct http *http)
{
    if (!http->jwks)
        http->jwks = hash_new();
    return http->jwks;
}

static void jwks_free(void *value)
{
    struct jwks *jwks = value;
    json_decref(jwks->keys);
    free(jwks->file);
    free(jwks);
}

void jwks_sets_free(struct http *http)
{
    hash_free(http->jwks, jwks_free);
    http->jwks = NULL;
}

static struct jwks *jwks_put(struct http *http, const char *where, json_t *keys)
{
    struct jwks *jwks = hash_get(sets_of(http), str_of(where));
    if (!jwks) {
        jwks = xcalloc(1, sizeof(*jwks));
        hash_set(sets_of(http), str_of(where), jwks);
    } else if (json_equal(jwks->keys, keys)) {
        return jwks;
    }
    json_decref(jwks->keys);
    jwks->keys = json_incref(keys);
    jwt_forget(http);
    return jwks;
}

void http_jwks_put(struct http *http, const char *where, json_t *keys)
{
    jwks_put(http, where, keys);
}

static int same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static void file_read(struct http *http, const char *path)
{
    struct jwks *have = hash_get(sets_of(http), str_of(path));
    struct stat st;
    if (stat(path, &st) != 0) {
        log_warn("http", "key set cannot be read", "file=%s kept=%s", log_quote(path, strlen(path)),
                 have ? "yes" : "no");
        return;
    }
    if (have && same_time(&have->mtime, &st.st_mtim))
        return;
    if (have)
        have->mtime = st.st_mtim; /* a broken file is reported once */
    json_error_t fault;
    json_t *keys = json_load_file(path, JSON_REJECT_DUPLICATES, &fault);
    if (!json_is_array(json_object_get(keys, "keys"))) {
        log_warn("http", "key set cannot be read, the last good one stays", "file=%s line=%d err=%s",
                 log_quote(path, strlen(path)), keys ? 1 : fault.line,
                 log_quote(keys ? "it has no list `keys`" : fault.text, keys ? 21 : strlen(fault.text)));
        json_decref(keys);
        return;
    }
    have = jwks_put(http, path, keys);
    json_decref(keys);
    have->mtime = st.st_mtim;
    if (!have->file)
        have->file = xstrdup(path);
}

void jwks_look(struct http *http)
{
    uint64_t now = clock_mono_ns(clock_real());
    struct belfry_str key;
    void *value;
    if (now - http->jwks_looked_ns < LOOK_NS)
        return;
    http->jwks_looked_ns = now;
    for (size_t pos = 0; hash_next(sets_of(http), &pos, &key, &value);) /* putting a known key changes no slot */
        if (((struct jwks *)value)->file)
            file_read(http, ((struct jwks *)value)->file);
}

static int is_url(const char *where)
{
    return strncmp(where, "http://", 7) == 0 || strncmp(where, "https://", 8) == 0;
}

json_t *jwks_get(struct http *http, const char *where)
{
    const struct jwks *have = hash_get(sets_of(http), str_of(where));
    if (!have && !is_url(where)) {
        file_read(http, where);
        have = hash_get(sets_of(http), str_of(where));
    }
    return have ? have->keys : NULL;
}

/* May this key check that algorithm? */
static int key_fits(const json_t *key, const char *alg)
{
    const char *type = json_string_value(json_object_get(key, "kty")),
               *own = json_string_value(json_object_get(key, "alg"));
    const char *use = json_string_value(json_object_get(key, "use"));
    if (!type || (own && strcmp(own, alg) != 0) || (use && strcmp(use, "sig") != 0))
        return 0;
    if (strcmp(type, "RSA") == 0)
        return strcmp(alg, "RS256") == 0 || strcmp(alg, "PS256") == 0;
    const char *curve = json_string_value(json_object_get(key, "crv"));
    return strcmp(type, "EC") == 0 && curve && strcmp(curve, "P-256") == 0 && strcmp(alg, "ES256") == 0;
}

int jwks_verify(const json_t *keys, struct belfry_str token)
{
    struct belfry_str rest, parts[3];
    json_t *key, *jws = json_object();
    size_t i;
    int ok = 0;
    parts[0] = str_cut(token, '.', &rest);
    parts[1] = str_cut(rest, '.', &parts[2]);
    json_set_str(jws, "protected", parts[0]);
    json_set_str(jws, "payload", parts[1]);
    json_set_str(jws, "signature", parts[2]);
    json_array_foreach(keys, i, key) ok = ok || jose_jws_ver(NULL, jws, NULL, key, false);
    json_decref(jws);
    return ok;
}

void jwks_pick(json_t *out, const json_t *set, const char *alg, const char *kid)
{
    json_t *key;
    size_t i;
    json_array_foreach(json_object_get(set, "keys"), i, key)
    {
        const char *id = json_string_value(json_object_get(key, "kid"));
        if (key_fits(key, alg) && (!kid || !id || strcmp(kid, id) == 0))
            json_array_append_new(out, json_deep_copy(key));
    }
}
