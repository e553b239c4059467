/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may call. The order of answers is the contract: unknown path 404 and wrong method 405 (before this file), no or bad
 * credential 401, another or unknown org 404, own org but not allowed 403 naming what is needed.
 *
 * API tokens are found by the SHA-256 of what was presented, then compared with mem_equal_ct: neither step tells how much
 * of a guess was right. People come with a JWT or the session cookie; their roles are the JWT's when it names any, else
 * the directory's.
 */
#include "base/crypto.h"
#include "base/mem.h"
#include "http/internal.h"

#include <stdio.h>

struct token_entry {
    const struct config_token *token;
    int64_t window_ms;  /* start of the minute that `used` counts */
    int64_t used;
};

struct token_index {
    struct hash *by_digest;
    struct token_entry *entries;
};

/* --- tokens ------------------------------------------------------------------------------------------------------------- */

void auth_free(struct http *http)
{
    if (!http->tokens)
        return;
    hash_free(http->tokens->by_digest, NULL);
    free(http->tokens->entries);
    free(http->tokens);
    http->tokens = NULL;
    jwt_cache_free(http);
}

void auth_configure(struct http *http)
{
    auth_free(http);
    const struct config *config = http->config;
    http->tokens = xcalloc(1, sizeof(*http->tokens));
    http->tokens->by_digest = hash_new();
    http->tokens->entries = xcalloc(config->token_count + 1, sizeof(struct token_entry));
    for (size_t i = 0; i < config->token_count; i++) {
        uint8_t digest[32];
        sha256(config->tokens[i].secret, config->tokens[i].secret_len, digest);
        http->tokens->entries[i].token = &config->tokens[i];
        hash_set(http->tokens->by_digest, str_slice((const char *)digest, sizeof(digest)), &http->tokens->entries[i]);
    }
}

static struct token_entry *token_find(struct http *http, struct belfry_str presented)
{
    uint8_t digest[32];
    sha256(presented.ptr, presented.len, digest);
    struct token_entry *entry = hash_get(http->tokens->by_digest, str_slice((const char *)digest, sizeof(digest)));
    if (entry && mem_equal_ct(entry->token->secret, entry->token->secret_len, presented.ptr, presented.len))
        return entry;
    return NULL;
}

/* --- judging -------------------------------------------------------------------------------------------------------------- */

static int refuse(struct request *r, uint32_t status, const char *text)
{
    http_problem(&r->pub, status, NULL, "%s", text);
    return (int)status;
}

static const struct {
    const char *name;
    uint32_t bit;
} mays[] = {{"users", CONFIG_MAY_USERS},         {"endpoints", CONFIG_MAY_ENDPOINTS}, {"endpoints:own", CONFIG_MAY_ENDPOINTS_OWN},
            {"read", CONFIG_MAY_READ},           {"admin", CONFIG_MAY_ADMIN},         {"operator", CONFIG_MAY_OPERATOR}};

static int token_may(const struct request *r, const struct config_token *token, struct belfry_str what)
{
    if (str_eqz(what, "trigger"))
        return (token->may & CONFIG_MAY_TRIGGER_ALL) ||
               config_names_has(&token->may_trigger, http_param(&r->pub, "source"));
    for (size_t i = 0; i < sizeof(mays) / sizeof(mays[0]); i++)
        if (str_eqz(what, mays[i].name))
            return (token->may & mays[i].bit) != 0;
    return 0;
}

/* One alternative of a route's auth: 1 when this principal satisfies it. */
static int satisfies(const struct request *r, struct belfry_str alternative)
{
    struct belfry_str arg, kind = str_cut(alternative, ':', &arg);
    const struct belfry_principal *p = r->pub.pub.principal;
    if (str_eqz(kind, "none") || r->pub.operator_socket)
        return 1;
    if (str_eqz(kind, "operator"))
        return r->pub.token && (r->pub.token->may & CONFIG_MAY_OPERATOR);
    if (str_eqz(kind, "token"))
        return r->pub.token && token_may(r, r->pub.token, arg);
    if (!p || p->kind != BELFRY_PRINCIPAL_PERSON)
        return 0;
    return str_eqz(kind, "person") || (str_eqz(kind, "role") && http_has_role(&r->pub, arg));
}

static void needs_text(struct request *r, struct belfry_str auth, struct buf *out)
{
    buf_addz(out, "this needs ");
    for (int first = 1; auth.ptr; first = 0) {
        struct belfry_str arg, kind, one = str_cut(auth, '|', &auth);
        kind = str_cut(one, ':', &arg);
        if (!first)
            buf_addz(out, " or ");
        if (str_eqz(one, "token:trigger"))
            buf_addf(out, "a token that may trigger:%.*s", STR_ARG(http_param(&r->pub, "source")));
        else if (str_eqz(kind, "token"))
            buf_addf(out, "a token that may %.*s", STR_ARG(arg));
        else if (str_eqz(kind, "role"))
            buf_addf(out, "the role %.*s", STR_ARG(arg));
        else if (str_eqz(kind, "operator"))
            buf_addz(out, "an operator token (org \"*\", may: [operator])");
        else
            buf_addz(out, "a signed-in person; a token has no inbox");
    }
}

static void set_principal(struct request *r, uint32_t kind, struct belfry_str name, const struct belfry_strs *roles)
{
    struct belfry_principal *p = arena_alloc(r->pub.arena, sizeof(*p));
    *p = (struct belfry_principal){.struct_size = sizeof(*p), .kind = kind, .name = name};
    if (roles)
        p->roles = *roles;
    r->pub.pub.principal = p;
}

/* Roles as 16 hex digits, independent of their order: for entity tags. */
static struct belfry_str hash_roles(struct arena *arena, const struct belfry_strs *roles)
{
    static const struct id_key key = {{0}}; /* not secret: equal roles must give equal tags within a process */
    uint64_t sum = roles->count;
    for (size_t i = 0; i < roles->count; i++)
        sum += siphash(&key, roles->items[i].ptr, roles->items[i].len);
    char *text = arena_alloc(arena, 17);
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < 16; i++)
        text[i] = digits[(sum >> (60 - 4 * i)) & 15];
    return str_slice(text, 16);
}

static void directory_roles(struct request *r, struct belfry_str org, struct belfry_str username, struct belfry_strs *out)
{
    const struct config_user *user = config_user(r->pub.config, org, username);
    *out = (struct belfry_strs){0};
    if (!user || !user->roles.count)
        return;
    struct belfry_str *items = arena_alloc(r->pub.arena, user->roles.count * sizeof(*items));
    for (size_t i = 0; i < user->roles.count; i++)
        items[i] = str_of(user->roles.items[i]);
    *out = (struct belfry_strs){items, user->roles.count};
}

static void accept_person(struct request *r, const struct jwt_claims *claims)
{
    struct belfry_strs roles = claims->roles;
    if (!claims->has_roles)
        directory_roles(r, claims->org, claims->sub, &roles);
    set_principal(r, BELFRY_PRINCIPAL_PERSON, claims->sub, &roles);
    r->pub.pub.locale = claims->locale.len ? claims->locale : STR("en");
    r->pub.pub.timezone = claims->zoneinfo;
    r->pub.session_expires_ms = claims->exp_ms;
    r->pub.roles_hash = hash_roles(r->pub.arena, &roles);
}

/* The org of the path for this caller: 0, or 404 answered. own: the caller's org, "*" for every org. */
static int enter_org(struct request *r, struct belfry_str own)
{
    struct belfry_str org = http_param(&r->pub, "org");
    if (!org.ptr)
        return 0;
    const struct config_org *found = config_org(r->pub.config, org);
    if (!found || config_org_name_fault(org) || (!str_eqz(own, "*") && !str_eq(own, org)))
        return refuse(r, 404, "there is nothing at this path");
    if (strcmp(found->name, "*") == 0 && !str_eqz(own, "*"))
        return refuse(r, 404, "there is nothing at this path");
    r->pub.org = found;
    r->pub.pub.org = org;
    return 0;
}

static struct belfry_str bearer(struct request *r)
{
    struct belfry_str value = http_header(&r->pub, "authorization");
    if (value.len < 7 || strncasecmp(value.ptr, "Bearer ", 7) != 0)
        return (struct belfry_str){0};
    return str_trim(str_slice(value.ptr + 7, value.len - 7));
}

static int count_dots(struct belfry_str s)
{
    int n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += s.ptr[i] == '.';
    return n;
}

static int within_rate(struct request *r, struct token_entry *entry)
{
    int64_t most = r->pub.config->hub.limits.per_token_rate;
    int64_t now = clock_now_ms(r->pub.http->set.clock), minute = now - now % 60000;
    if (most <= 0)
        return 1;
    if (entry->window_ms != minute) {
        entry->window_ms = minute;
        entry->used = 0;
    }
    return ++entry->used <= most;
}

/* By Authorization header. 0, or the status answered. */
static int by_bearer(struct request *r, struct belfry_str presented)
{
    struct token_entry *entry = token_find(r->pub.http, presented);
    if (entry) {
        r->pub.token = entry->token;
        set_principal(r, BELFRY_PRINCIPAL_TOKEN, str_of(entry->token->name), NULL);
        r->pub.pub.locale = STR("en");
        if (!within_rate(r, entry))
            return refuse(r, 429, "this token has used up hub.limits.per_token_rate for this minute");
        return enter_org(r, str_of(entry->token->org));
    }
    struct jwt_claims claims = {0};
    struct error err = {0};
    if (count_dots(presented) != 2 || jwt_verify(r->pub.http, r->pub.arena, presented, &claims, &err) != BELFRY_OK) {
        http_problem(&r->pub, 401, NULL, "%s", err.count ? error_text(&err) : "the token is not known here");
        error_clear(&err);
        return 401;
    }
    accept_person(r, &claims);
    return enter_org(r, claims.org);
}

/* By session cookie: 0 or the status answered. */
static int by_cookie(struct request *r, const struct jwt_claims *claims)
{
    accept_person(r, claims);
    r->pub.pub.flags |= BELFRY_HTTP_COOKIE;
    struct belfry_str m = r->pub.pub.method;
    int safe = str_eqz(m, "GET") || str_eqz(m, "HEAD");
    if (!safe && !session_same_origin(r))
        return refuse(r, 403, "a write with the session cookie must come from one of our own pages "
                              "(Origin or Sec-Fetch-Site say otherwise)");
    return enter_org(r, claims->org);
}

static int is_page(const struct route_entry *route)
{
    return strncmp(route->pattern, "/v1/", 4) != 0;
}

static int nobody(struct request *r, const struct route_entry *route)
{
    const char *login = r->pub.config->login_url;
    if (is_page(route) && str_eqz(r->pub.pub.method, "GET")) {
        if (login)
            session_to_login(r, login);
        else
            session_signed_out_page(r);
        return 401;
    }
    return refuse(r, 401, "send an API token or a JWT: Authorization: Bearer ...");
}

int auth_check(struct request *r, const struct route_entry *route)
{
    struct belfry_str auth = str_of(route->auth), presented = bearer(r);
    r->pub.pub.locale = STR("en");
    if (str_eqz(auth, "none")) {
        r->pub.pub.org = http_param(&r->pub, "org");
        return 0;
    }
    int status = 0;
    struct jwt_claims claims = {0};
    if (r->pub.operator_socket) {
        set_principal(r, BELFRY_PRINCIPAL_TOKEN, STR("operator"), NULL);
        status = enter_org(r, STR("*"));
    } else if (presented.len) {
        status = by_bearer(r, presented);
    } else if (session_read(r, &claims) == BELFRY_OK) {
        status = by_cookie(r, &claims);
    } else {
        status = nobody(r, route);
    }
    if (status)
        return status;
    struct belfry_str left = auth;
    while (left.ptr)
        if (satisfies(r, str_cut(left, '|', &left)))
            return 0;
    struct buf text = {0};
    needs_text(r, auth, &text);
    http_problem(&r->pub, 403, NULL, "%.*s", STR_ARG(buf_str(&text)));
    buf_free(&text);
    return 403;
}

int http_metrics_allowed(const struct http_request *req)
{
    struct belfry_str presented = bearer((struct request *)(void *)req->impl);
    const char *wanted = req->config ? req->config->metrics_token : NULL;
    return req->local || (wanted && mem_equal_ct(wanted, strlen(wanted), presented.ptr, presented.len));
}
