/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Portal sessions: an application lets its own customers see to their endpoints without a token of theirs. It asks for
 * a link and sends a browser there; the link opens a session, once.
 *
 * Neither has a row. Both are sealed with the key of the other sessions, and say who made the link, for whom, and when
 * it ends. Whoever made it is looked for again with each request, as the configuration and the directory have them by
 * then; the session may what the maker may, and never more than endpoints. A token is known by its name and a proof of
 * its secret: a secret that was replaced, because somebody else had it, ends what that one had opened.
 */
#include "base/crypto.h"
#include "base/mem.h"
#include "http/internal.h"

#define PROOF_SIZE 12

/* What the link and its session are called, "crm-app/customer-42". */
static const char *name_of(struct arena *arena, struct belfry_str maker, struct belfry_str owner)
{
    struct belfry_str name, kind = str_cut(maker, ':', &name);
    (void)kind;
    return arena_printf(arena, "%.*s%s%.*s", STR_ARG(name), owner.len ? "/" : "", STR_ARG(owner));
}

/* --- proof of a token --------------------------------------------------------------------------------------------- */

/* In arena. */
static struct belfry_str proof_of(const struct http *http, struct arena *arena, const struct config_token *token)
{
    uint8_t key[32], mac[32];
    struct buf text = {0};
    key_derive(http->set.secret, "portal-proof", key);
    hmac_sha256(key, sizeof(key), token->secret, token->secret_len, mac);
    base64_encode(mac, PROOF_SIZE, 1, &text);
    mem_wipe(key, sizeof(key));
    struct belfry_str copy = arena_str(arena, buf_str(&text));
    buf_free(&text);
    return copy;
}

/* The token by this name as it is configured now, when it still is the one that made the link. */
static const struct config_token *maker_token(struct request *r, const struct jwt_claims *claims,
                                              struct belfry_str name)
{
    const struct config *config = r->pub.config;
    for (size_t i = 0; i < config->token_count; i++) {
        const struct config_token *token = &config->tokens[i];
        if (!str_eqz(name, token->name) || !(strcmp(token->org, "*") == 0 || str_eqz(claims->org, token->org)))
            continue;
        struct belfry_str proof = proof_of(r->pub.http, r->pub.arena, token);
        return mem_equal_ct(proof.ptr, proof.len, claims->portal.proof.ptr, claims->portal.proof.len) ? token : NULL;
    }
    return NULL;
}

/* --- a link ------------------------------------------------------------------------------------------------------- */

const char *http_portal_path(struct http_request *req, struct belfry_str owner, int64_t expires_ms)
{
    uint8_t id[16];
    struct buf text = {0};
    struct arena *arena = req->arena;
    struct jwt_claims claims = {.org = req->pub.org, .exp_ms = expires_ms};
    random_bytes(id, sizeof(id));
    hex_encode(id, sizeof(id), &text);
    claims.jti = arena_str(arena, buf_str(&text));
    buf_free(&text);
    claims.portal = (struct portal_claims){.maker = http_who(req), .owner = owner};
    if (req->token)
        claims.portal.proof = proof_of(req->http, arena, req->token);
    else if (req->roles_claimed)
        claims.portal.proof = STR("claimed");
    claims.sub = str_of(name_of(arena, claims.portal.maker, owner));
    return arena_printf(arena, "/%.*s/session?portal=%s", STR_ARG(req->pub.org),
                        session_seal(request_of(req), session_claims_json(&claims), STR("portal")));
}

belfry_status portal_link_read(struct http_request *req, struct belfry_str text, struct jwt_claims *claims)
{
    struct buf sealed = {0}, plain = {0};
    belfry_status status = base64_decode(text, 1, &sealed);
    if (status == BELFRY_OK)
        status = unseal(req->http->session_key, buf_str(&sealed), STR("portal"), &plain);
    if (status == BELFRY_OK) {
        json_t *doc = json_read(buf_str(&plain), NULL);
        session_claims_read(req->arena, doc, claims);
        json_decref(doc);
    }
    buf_free(&sealed);
    buf_free(&plain);
    return status;
}

/* --- who asks ----------------------------------------------------------------------------------------------------- */

struct finding { /* in the request's arena */
    const struct jwt_claims *claims;
    struct belfry_str name; /* of the maker */
    void (*fn)(struct request *r, const struct config_token *token, void *arg);
    void *arg;
};

/* Stands in for the maker: the right to all endpoints of the org, unless it is narrowed to some. */
static const struct config_token *stand_in(struct request *r, const struct jwt_claims *claims, int all)
{
    struct config_token *token = arena_alloc(r->pub.arena, sizeof(*token));
    const struct portal_claims *p = &claims->portal;
    *token = (struct config_token){
        .name = name_of(r->pub.arena, p->maker, p->owner),
        .org = arena_strndup(r->pub.arena, claims->org.ptr, claims->org.len),
        .secret = "", /* nothing is known by it */
        .may = all && !p->owner.len ? CONFIG_MAY_ENDPOINTS : CONFIG_MAY_ENDPOINTS_OWN,
    };
    return token;
}

static const struct config_token *of_token(struct request *r, const struct finding *f)
{
    const struct config_token *maker = maker_token(r, f->claims, f->name);
    const uint32_t all = CONFIG_MAY_ENDPOINTS | CONFIG_MAY_ADMIN;
    r->pub.portal = HTTP_PORTAL_OF_TOKEN;
    if (!maker || !(maker->may & (all | CONFIG_MAY_ENDPOINTS_OWN)))
        return NULL;
    return stand_in(r, f->claims, (maker->may & all) != 0);
}

static int has_admin(const struct belfry_strs *roles)
{
    for (size_t i = 0; i < roles->count; i++)
        if (str_eqz(roles->items[i], "admin"))
            return 1;
    return 0;
}

/* A person of YAML has their roles from there, one of the API from its rows. */
static void on_person(struct request *r, const struct known_person *known, void *arg)
{
    const struct finding *f = arg;
    const struct config_user *user = config_user(r->pub.config, f->claims->org, f->name);
    if (!known && !user) {
        http_problem(&r->pub, 503, NULL, "the directory cannot be read at the moment; try again");
        request_judged(r);
        return;
    }
    int admin = user ? config_names_has(&user->roles, STR("admin")) : has_admin(&known->roles);
    f->fn(r, admin ? stand_in(r, f->claims, 1) : NULL, f->arg);
}

void portal_find(struct request *r, const struct jwt_claims *claims,
                 void (*fn)(struct request *r, const struct config_token *token, void *arg), void *arg)
{
    struct finding *f = arena_alloc(r->pub.arena, sizeof(*f));
    const struct jwt_claims *kept = arena_memdup(r->pub.arena, claims, sizeof(*claims));
    *f = (struct finding){.claims = kept, .fn = fn, .arg = arg};
    if (str_eqz(str_cut(kept->portal.maker, ':', &f->name), "token")) {
        fn(r, of_token(r, f), arg);
        return;
    }
    r->pub.portal = HTTP_PORTAL_OF_PERSON;
    if (str_eqz(kept->portal.proof, "claimed")) /* as long as the JWT that said so, which is as long as this */
        fn(r, stand_in(r, kept, 1), arg);
    else
        people_find(r, kept->org, f->name, on_person, f);
}

/* --- when there is none (any more) -------------------------------------------------------------------------------- */

int portal_is_page(struct belfry_str path)
{
    struct belfry_str rest, org;
    if (!path.len)
        return 0;
    org = str_cut(str_slice(path.ptr + 1, path.len - 1), '/', &rest);
    return org.len && (str_eqz(rest, "endpoints") || str_has_prefix(rest, STR("endpoints/")));
}

void portal_over_page(struct request *r, const char *what)
{
    struct belfry_http_page page = {
        .struct_size = sizeof(page), .status = 401, .title = http_text(&r->pub, "portal.title")};
    json_t *model = json_object();
    json_set_str(model, "text", http_text(&r->pub, arena_printf(r->pub.arena, "portal.%s", what)));
    /* a browser that loads the answer to a form again sends the form again */
    if (str_eqz(r->pub.pub.method, "POST"))
        json_set_str(model, "typed", http_text(&r->pub, "portal.typed"));
    page_answer(&r->pub, &page, "portal_over", model, NULL, 0);
}
