/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may call. The order of answers is the contract: unknown path 404 and wrong method 405 (before this file), no or
 * bad credential 401, another or unknown org 404, own org but not allowed 403 naming what is needed.
 *
 * API tokens are found by the SHA-256 of what was presented, then compared with mem_equal_ct: neither step tells how
 * much of a guess was right. People come with a JWT or the session cookie; their roles are the JWT's when it names any,
 * else the directory's.
 */
#include "base/crypto.h"
#include "base/mem.h"
#include "http/internal.h"

struct token_entry {
    const struct config_token *token;
    int64_t window_ms; /* start of the minute that `used` counts */
    int64_t used;      /* triggers */
};

/* Longer ones are looked up without asking. */
#define LENGTHS_KNOWN 1024

struct token_index {
    struct hash *by_digest;
    struct token_entry *entries;
    uint8_t lengths[LENGTHS_KNOWN]; /* 1: some token is so long */
};

/* --- tokens ------------------------------------------------------------------------------------------------------- */

void auth_free(struct http *http)
{
    if (!http->tokens)
        return;
    hash_free(http->tokens->by_digest, NULL);
    free(http->tokens->entries);
    free(http->tokens);
    http->tokens = NULL;
}

void auth_configure(struct http *http)
{
    auth_free(http);
    jwt_forget(http);
    const struct config *config = http->config;
    http->tokens = xcalloc(1, sizeof(*http->tokens));
    http->tokens->by_digest = hash_new();
    http->tokens->entries = xcalloc(config->token_count + 1, sizeof(struct token_entry));
    for (size_t i = 0; i < config->token_count; i++) {
        uint8_t digest[32];
        sha256(config->tokens[i].secret, config->tokens[i].secret_len, digest);
        http->tokens->entries[i].token = &config->tokens[i];
        if (config->tokens[i].secret_len < LENGTHS_KNOWN)
            http->tokens->lengths[config->tokens[i].secret_len] = 1;
        hash_set(http->tokens->by_digest, str_slice((const char *)digest, sizeof(digest)), &http->tokens->entries[i]);
    }
}

/* A poll with a JWT comes by here as well: no digest of what is no token by its length, which is not what is secret. */
static struct token_entry *token_find(struct http *http, struct belfry_str presented)
{
    uint8_t digest[32];
    if (presented.len < LENGTHS_KNOWN && !http->tokens->lengths[presented.len])
        return NULL;
    sha256(presented.ptr, presented.len, digest);
    struct token_entry *entry = hash_get(http->tokens->by_digest, str_slice((const char *)digest, sizeof(digest)));
    if (entry && mem_equal_ct(entry->token->secret, entry->token->secret_len, presented.ptr, presented.len))
        return entry;
    return NULL;
}

/* --- judging ------------------------------------------------------------------------------------------------------ */

static void refuse(struct request *r, uint32_t status, const char *text)
{
    http_problem(&r->pub, status, NULL, "%s", text);
}

static const struct {
    const char *name;
    uint32_t bit;
} mays[] = {
    {"users", CONFIG_MAY_USERS}, {"endpoints", CONFIG_MAY_ENDPOINTS}, {"endpoints:own", CONFIG_MAY_ENDPOINTS_OWN},
    {"read", CONFIG_MAY_READ},   {"admin", CONFIG_MAY_ADMIN},         {"operator", CONFIG_MAY_OPERATOR}};

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
    if (str_eqz(kind, "none") || (r->pub.operator_socket && !str_eqz(kind, "person")))
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
            buf_addz(out, "a signed-in person (a token has no inbox)");
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

/*
 * Who asks, the roles, independent of their order, and the language, as 16 hex digits: for entity tags. The person
 * belongs to it, since a browser in which somebody else signs in goes on asking with the tags of the one before.
 */
static struct belfry_str hash_roles(struct arena *arena, struct belfry_str person, const struct belfry_strs *roles,
                                    struct belfry_str locale)
{
    /* not secret: what is equal must give equal tags within a process */
    static const struct id_key key = {{0}}, of_person = {{1}};
    uint64_t sum = roles->count + siphash(&key, locale.ptr, locale.len);
    sum += siphash(&of_person, person.ptr, person.len);
    for (size_t i = 0; i < roles->count; i++)
        sum += siphash(&key, roles->items[i].ptr, roles->items[i].len);
    char *text = arena_alloc(arena, 17);
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < 16; i++)
        text[i] = digits[(sum >> (60 - 4 * i)) & 15];
    return str_slice(text, 16);
}

static struct belfry_strs yaml_roles(struct arena *arena, const struct config_user *user)
{
    struct belfry_str *items = arena_alloc(arena, (user->roles.count + 1) * sizeof(*items));
    for (size_t i = 0; i < user->roles.count; i++)
        items[i] = str_of(user->roles.items[i]);
    return (struct belfry_strs){items, user->roles.count};
}

/* The org of the path for this caller: 0, or -1 and 404 answered. own: the caller's org, "*" for every org. */
static int enter_org(struct request *r, struct belfry_str own)
{
    struct belfry_str org = http_param(&r->pub, "org");
    if (!org.ptr)
        return 0;
    const struct config_org *found = config_org_name_fault(org) ? NULL : config_org(r->pub.config, org);
    if (!found || (!str_eqz(own, "*") && !str_eq(own, org))) {
        refuse(r, 404, "there is nothing at this path");
        return -1;
    }
    r->pub.org = found;
    r->pub.pub.org = org;
    return 0;
}

static void check_allowed(struct request *r)
{
    if (!r->route) {
        refuse(r, 503, "the configuration is changing; try again");
        return;
    }
    struct belfry_str auth = arena_str(r->pub.arena, str_of(r->route->auth)), left = auth;
    while (left.ptr)
        if (satisfies(r, str_cut(left, '|', &left)))
            return;
    struct buf text = {0};
    needs_text(r, auth, &text);
    http_problem(&r->pub, 403, NULL, "%.*s", STR_ARG(buf_str(&text)));
    buf_free(&text);
}

/* --- people ------------------------------------------------------------------------------------------------------- */

static void enter_person(struct request *r, const struct jwt_claims *claims, const struct known_person *known)
{
    struct belfry_strs roles = claims->has_roles ? claims->roles : known->roles;
    set_principal(r, BELFRY_PRINCIPAL_PERSON, claims->sub, &roles);
    language_of_person(r, claims->locale, known);
    r->pub.pub.timezone = known->own_timezone.len ? known->own_timezone
                          : claims->zoneinfo.len  ? claims->zoneinfo
                                                  : known->timezone;
    if (known->no_shortcuts)
        r->pub.pub.flags |= BELFRY_HTTP_NO_SHORTCUTS;
    r->pub.session_expires_ms = claims->exp_ms;
    r->pub.roles_hash = hash_roles(r->pub.arena, claims->sub, &roles, r->pub.pub.locale);
    r->pub.roles_claimed = claims->has_roles;
    if (enter_org(r, claims->org) == 0)
        check_allowed(r);
    request_judged(r);
}

/* What a request needs of YAML's people is at hand, but for what they chose; and who may do what, where the token says
 * the roles. While too many reads wait these go on without the rest: better in another language than not at all. */
static void on_known(struct request *r, const struct known_person *known, void *arg)
{
    const struct jwt_claims *claims = arg;
    const struct config_user *user = config_user(r->pub.config, claims->org, claims->sub);
    if (!known && !user && !claims->has_roles) {
        refuse(r, 503, "the directory cannot be read at the moment; try again");
        request_judged(r);
        return;
    }
    struct known_person person = {0};
    if (known)
        person = *known;
    if (user) {
        person.roles = yaml_roles(r->pub.arena, user);
        person.locale = str_of(user->locale);
        person.timezone = str_of(user->timezone);
    }
    enter_person(r, claims, &person);
}

static void accept_person(struct request *r, const struct jwt_claims *claims)
{
    people_find(r, claims->org, claims->sub, on_known, arena_memdup(r->pub.arena, claims, sizeof(*claims)));
}

/* --- by Authorization header -------------------------------------------------------------------------------------- */

static struct belfry_str bearer(const struct http_request *req)
{
    struct belfry_str value = http_header(req, "authorization");
    if (!head_begins(value, "bearer "))
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

/* Triggers of the present minute, from 0 when it is a new one. */
static int64_t *used_now(const struct request *r, struct token_entry *entry)
{
    int64_t now = clock_now_ms(r->pub.http->set.clock), minute = now - now % 60000;
    if (entry->window_ms != minute) {
        entry->window_ms = minute;
        entry->used = 0;
    }
    return &entry->used;
}

static struct token_entry *entry_of(const struct http *http, const struct config_token *token)
{
    uint8_t digest[32];
    sha256(token->secret, token->secret_len, digest);
    return hash_get(http->tokens->by_digest, str_slice((const char *)digest, sizeof(digest)));
}

void auth_count_triggers(struct request *r, size_t count)
{
    if (!r->pub.token || r->pub.config->hub.limits.per_token_rate <= 0)
        return;
    struct token_entry *entry = entry_of(r->pub.http, r->pub.token);
    if (entry)
        *used_now(r, entry) += (int64_t)count;
}

/* 0, or -1 and 429 answered. A batch may overshoot; then the minute is over. */
static int within_rate(struct request *r, struct token_entry *entry)
{
    int64_t most = r->pub.config->hub.limits.per_token_rate, now = clock_now_ms(r->pub.http->set.clock);
    if (most <= 0 || !strstr(r->route->auth, "token:trigger") || *used_now(r, entry) < most)
        return 0;
    struct error err = {0};
    error_set(&err, BELFRY_EAGAIN, NULL, "this token has used up hub.limits.per_token_rate (%lld triggers a minute)",
              (long long)most);
    struct belfry_attr headers[] = {
        {STR("Retry-After"), str_of(arena_printf(r->pub.arena, "%lld", (long long)((60999 - now % 60000) / 1000)))}};
    http_respond_json(&r->pub, 429, http_problem_json(429, &err), headers, 1);
    error_clear(&err);
    return -1;
}

static void by_token(struct request *r, struct token_entry *entry)
{
    r->pub.token = entry->token;
    set_principal(r, BELFRY_PRINCIPAL_TOKEN, str_of(entry->token->name), NULL);
    if (enter_org(r, str_of(entry->token->org)) == 0)
        check_allowed(r);
    if (r->state != REQUEST_ANSWERED)
        within_rate(r, entry);
    request_judged(r);
}

static void on_jwt(struct request *r, belfry_status status, const struct jwt_claims *claims, const struct error *err,
                   void *arg)
{
    (void)arg;
    if (status == BELFRY_OK && !claims->link) {
        accept_person(r, claims);
        return;
    }
    if (status == BELFRY_OK) { /* it works once, at the door, and a bearer could come again */
        refuse(r, 401, "this token is a sign-in link's; open the link");
        request_judged(r);
        return;
    }
    http_problem(&r->pub, status == BELFRY_EAGAIN ? 503 : 401, NULL, "%s", error_text(err));
    request_judged(r);
}

static void by_bearer(struct request *r, struct belfry_str presented)
{
    struct token_entry *entry = token_find(r->pub.http, presented);
    if (entry) {
        by_token(r, entry);
    } else if (count_dots(presented) == 2) {
        jwt_verify(r, presented, on_jwt, NULL);
    } else {
        refuse(r, 401, "the token is not known here");
        request_judged(r);
    }
}

/* --- in a portal session ------------------------------------------------------------------------------------------ */

static void over(struct request *r)
{
    if (portal_is_page(r->pub.pub.path))
        portal_over_page(r, "ended");
    else
        refuse(r, 401, "this portal session has ended; ask for a new link");
}

static void on_portal(struct request *r, const struct config_token *token, void *arg)
{
    const struct jwt_claims *claims = arg;
    r->pub.token = token;
    r->pub.session_expires_ms = claims->exp_ms;
    if (!token) {
        over(r);
    } else {
        set_principal(r, BELFRY_PRINCIPAL_TOKEN, str_of(token->name), NULL);
        if (enter_org(r, claims->org) == 0)
            check_allowed(r);
    }
    request_judged(r);
}

/* --- by session, or not at all ------------------------------------------------------------------------------------ */

static void by_cookie(struct request *r, const struct jwt_claims *claims)
{
    struct belfry_str m = r->pub.pub.method;
    int safe = str_eqz(m, "GET") || str_eqz(m, "HEAD");
    r->pub.pub.flags |= BELFRY_HTTP_COOKIE;
    if ((safe || session_same_origin(r)) && claims->portal.maker.len) {
        portal_find(r, claims, on_portal, arena_memdup(r->pub.arena, claims, sizeof(*claims)));
        return;
    }
    if (safe || session_same_origin(r)) {
        accept_person(r, claims);
        return;
    }
    refuse(r, 403,
           "a write with the session cookie must come from one of our own pages (Origin or Sec-Fetch-Site say "
           "otherwise)");
    request_judged(r);
}

static int is_page(const struct route_entry *route)
{
    return strncmp(route->pattern, "/v1/", 4) != 0;
}

/* claims: of the session that has ended, if the browser still has its cookie. */
static void nobody(struct request *r, const struct jwt_claims *claims)
{
    const char *login = r->pub.config->login_url;
    if (claims->portal.maker.len && portal_is_page(r->pub.pub.path))
        over(r);
    else if (!is_page(r->route) || !str_eqz(r->pub.pub.method, "GET"))
        refuse(r, 401, "send an API token or a JWT: Authorization: Bearer ...");
    else if (login)
        session_to_login(r, login);
    else
        session_signed_out_page(r);
    request_judged(r);
}

/* A hook, a link in a mail, the door for sessions: the org must exist all the same. */
static void anybody(struct request *r)
{
    enter_org(r, STR("*"));
    request_judged(r);
}

void auth_check(struct request *r)
{
    struct belfry_str presented = bearer(&r->pub);
    struct jwt_claims claims = {0};
    language_of_browser(r);
    if (str_eqz(str_of(r->route->auth), "none")) {
        anybody(r);
    } else if (r->pub.operator_socket) {
        set_principal(r, BELFRY_PRINCIPAL_TOKEN, STR("operator"), NULL);
        if (enter_org(r, STR("*")) == 0)
            check_allowed(r);
        request_judged(r);
    } else if (presented.len) {
        by_bearer(r, presented);
    } else if (session_read(r, &claims) == BELFRY_OK) {
        by_cookie(r, &claims);
    } else {
        nobody(r, &claims);
    }
}

void auth_inherit(struct request *r, const struct request *parent)
{
    const struct http_request *of = &parent->pub;
    const struct belfry_principal *p = of->pub.principal;
    struct arena *arena = r->pub.arena;
    struct belfry_strs roles = {0};
    if (!p) {
        refuse(r, 401, "this is asked on behalf of nobody");
        return;
    }
    struct belfry_str *items = arena_alloc(arena, (p->roles.count + 1) * sizeof(*items));
    for (size_t i = 0; i < p->roles.count; i++)
        items[i] = arena_str(arena, p->roles.items[i]);
    roles = (struct belfry_strs){items, p->roles.count};
    set_principal(r, p->kind, arena_str(arena, p->name), &roles);
    r->pub.token = of->token;
    r->pub.portal = of->portal;
    if (of->portal) {
        struct config_token *token = arena_memdup(arena, of->token, sizeof(*token));
        token->name = arena_strdup(arena, token->name);
        token->org = arena_strdup(arena, token->org);
        r->pub.token = token;
    }
    r->pub.operator_socket = of->operator_socket;
    r->pub.local = of->local;
    r->pub.session_expires_ms = of->session_expires_ms;
    r->pub.roles_hash = arena_str(arena, of->roles_hash);
    r->pub.roles_claimed = of->roles_claimed;
    r->pub.pub.flags = of->pub.flags & BELFRY_HTTP_COOKIE;
    r->pub.pub.locale = arena_str(arena, of->pub.locale);
    r->pub.pub.timezone = arena_str(arena, of->pub.timezone);
    r->pub.pub.peer = arena_str(arena, of->pub.peer);
    struct belfry_str own = of->operator_socket ? STR("*") : of->token ? str_of(of->token->org) : of->pub.org;
    if (enter_org(r, own) == 0)
        check_allowed(r);
}

int http_metrics_allowed(const struct http_request *req)
{
    struct belfry_str presented = bearer(req);
    const char *wanted = req->config ? req->config->metrics_token : NULL;
    return req->local || (wanted && mem_equal_ct(wanted, strlen(wanted), presented.ptr, presented.len));
}
