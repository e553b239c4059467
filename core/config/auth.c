/* SPDX-License-Identifier: Apache-2.0 */
/* `auth`: who may call. Keys that sign for people, and the tokens of applications. */
#include "config/build.h"

#define HS256_MIN 32 /* RFC 7518 section 3.2: a key of the size of the hash or larger */

struct jwt_options {
    struct belfry_list hs256;
    const char *jwks;
};

struct token_options {
    const char *name, *org, *secret;
    struct belfry_list may;
};

struct auth_options {
    const char *login_url, *metrics_token;
};

static const struct belfry_option secret_element[] = {ELEMENT(STRING, .min = 1, .max = 4096), OPTION_END};

const struct belfry_option config_jwt_table[] = {
    OPTION(struct jwt_options, LIST, "hs256", hs256, .flags = BELFRY_OPT_SCALAR_LIST | BELFRY_OPT_SECRET,
           .children = secret_element,
           .doc = "Secrets of at least 32 bytes that sign tokens with HS256; the first is the newest."),
    OPTION(struct jwt_options, STRING, "jwks", jwks,
           .doc = "File or URL of a JWK set (RFC 7517) for RS256, PS256 and ES256."),
    OPTION_END,
};

static const struct belfry_option token_table[] = {
    OPTION(struct token_options, STRING, "name", name, .flags = BELFRY_OPT_REQUIRED,
           .doc = "How the token is called in logs and in the audit."),
    OPTION(struct token_options, STRING, "org", org, .flags = BELFRY_OPT_REQUIRED,
           .doc = "The org it may act in; \"*\" is every org."),
    OPTION(struct token_options, STRING, "secret", secret, .flags = BELFRY_OPT_REQUIRED | BELFRY_OPT_SECRET, .min = 16,
           .max = 1024, .doc = "What the application sends as Bearer token, at least 16 characters."),
    OPTION(
        struct token_options, LIST, "may", may, .flags = BELFRY_OPT_REQUIRED | BELFRY_OPT_SCALAR_LIST,
        .children = config_strings, .min = 1, .max = 100,
        .doc =
            "What it may do: trigger:SOURCE, trigger:*, users, endpoints, endpoints:own, read, admin; with org \"*\" "
            "also operator."),
    OPTION_END,
};

static const struct belfry_option token_element[] = {
    ELEMENT(OBJECT, .children = token_table, .size = sizeof(struct token_options)), OPTION_END};

const struct belfry_option config_auth_table[] = {
    OPTION(struct auth_options, STRING, "login_url", login_url,
           .doc = "Where a page without a session sends the browser; {next} is replaced by the page's path."),
    OPTION(struct auth_options, STRING, "metrics_token", metrics_token, .flags = BELFRY_OPT_SECRET, .min = 16,
           .max = 1024,
           .doc = "Bearer token for /metrics, /healthz and /readyz from elsewhere; local requests need none."),
    OPTION_END,
};
const struct belfry_option config_token_list[] = {
    {.struct_size = sizeof(struct belfry_option),
     .type = BELFRY_OPT_LIST,
     .name = "tokens",
     .children = token_element,
     .doc = "Tokens of applications."},
    OPTION_END,
};

/* --- keys of people ---------------------------------------------------------------------------------------------- */

static void check_hs256(struct config_build *b, const struct yaml_node *node)
{
    const struct yaml_node *const *items;
    size_t count = config_items(&node, &items);
    for (size_t i = 0; i < count; i++) {
        const struct yaml_node *key = items[i];
        if (!config_is_text(key) || key->unresolved || key->text.len >= HS256_MIN)
            continue;
        struct diag *d =
            config_error(b, "H603", key, "an HS256 secret needs at least 32 bytes, this one has %zu", key->text.len);
        diag_help(b->diags, d, "`openssl rand -hex 32` makes one");
    }
}

/* A path, or a URL of http or https. */
static void check_jwks(struct config_build *b, const struct yaml_node *node)
{
    if (!config_is_text(node) || node->unresolved || !memmem(node->text.ptr, node->text.len, "://", 3))
        return;
    const char *fault = config_origin_fault(node->text, 1);
    if (!fault)
        return;
    struct diag *d = config_error(b, "H209", node, "`jwks` %s", fault);
    diag_help(b->diags, d, "write the path of a file, or an address: https://app.example.org/.well-known/jwks.json");
}

void config_build_jwt(struct config_build *b, const struct yaml_node *node, const char *org, struct config_jwt *out)
{
    const struct jwt_options *in = config_fill(b, config_jwt_table, node, sizeof(*in), NULL, 0);
    const struct yaml_node *hs256 = yaml_get(node, "hs256");
    const struct yaml_node *const *items;
    check_hs256(b, hs256);
    if (node->kind == YAML_MAP && node->count == 0 && !node->partial)
        config_error(b, "H202", node, "`jwt` has no key: neither `hs256` nor `jwks`");
    check_jwks(b, yaml_get(node, "jwks"));
    if (!in)
        return;
    size_t count = config_items(&hs256, &items);
    struct config_key *keys = arena_alloc(b->arena, (count + 1) * sizeof(*keys));
    for (size_t i = 0; i < count; i++)
        keys[i] = (struct config_key){items[i]->text.ptr, items[i]->text.len};
    out->hs256 = keys;
    out->hs256_count = count;
    out->jwks = in->jwks;
    out->only_org = org;
}

/* --- tokens ------------------------------------------------------------------------------------------------------ */

static const struct {
    const char *word;
    uint32_t bit;
} rights[] = {
    {"users", CONFIG_MAY_USERS},
    {"endpoints", CONFIG_MAY_ENDPOINTS},
    {"endpoints:own", CONFIG_MAY_ENDPOINTS_OWN},
    {"read", CONFIG_MAY_READ},
    {"admin", CONFIG_MAY_ADMIN},
    {"operator", CONFIG_MAY_OPERATOR},
    {"trigger:*", CONFIG_MAY_TRIGGER_ALL},
};
#define RIGHTS (sizeof(rights) / sizeof(rights[0]))

static void unknown_right(struct config_build *b, const struct yaml_node *node)
{
    const char *words[RIGHTS];
    for (size_t i = 0; i < RIGHTS; i++)
        words[i] = rights[i].word;
    struct diag *d = config_error(b, "H205", node, "there is no right `%s`", config_show(b, node->text));
    diag_suggest(b->diags, d, str_nearest(node->text, words, RIGHTS));
    diag_help(b->diags, d, "rights: trigger:SOURCE, trigger:*, users, endpoints, endpoints:own, read, admin, operator");
}

/* One word of `may`. Sources that it may trigger are appended to names. */
static void read_right(struct config_build *b, const struct yaml_node *node, int every_org, struct config_token *token,
                       const char **names, size_t *name_count)
{
    if (!config_is_text(node))
        return;
    for (size_t i = 0; i < RIGHTS; i++) {
        if (!str_eqz(node->text, rights[i].word))
            continue;
        token->may |= rights[i].bit;
        if (rights[i].bit == CONFIG_MAY_OPERATOR && !every_org) {
            struct diag *d =
                config_error(b, "H211", node, "`operator` is for the whole hub, this token is for one org");
            diag_help(b->diags, d,
                      "give the operator a token of its own with `org: \"*\"`; the org's administration is `admin`");
        }
        return;
    }
    if (!str_has_prefix(node->text, STR("trigger:"))) {
        unknown_right(b, node);
        return;
    }
    struct yaml_node source = *node;
    source.text = str_slice(node->text.ptr + 8, node->text.len - 8);
    if (node->span.end - node->span.begin >= node->text.len) { /* point at the name: quotes stand on both sides */
        uint32_t end = node->span.end - (node->plain ? 0 : 1);
        source.span = diag_span_at(b->diags, node->span.file, end - (uint32_t)source.text.len, end);
    }
    if (config_ref_source(b, &source))
        names[(*name_count)++] = arena_strndup(b->arena, source.text.ptr, source.text.len);
}

static void read_rights(struct config_build *b, const struct yaml_node *map, struct config_token *token)
{
    const struct yaml_node *may = yaml_get(map, "may"), *org = yaml_get(map, "org");
    const struct yaml_node *const *items;
    size_t count = config_items(&may, &items), name_count = 0;
    const char **names = arena_alloc(b->arena, (count + 1) * sizeof(*names));
    int every_org = !config_is_text(org) || org->unresolved || str_eqz(org->text, "*");
    for (size_t i = 0; i < count; i++)
        read_right(b, items[i], every_org, token, names, &name_count);
    struct belfry_list list = {names, (uint32_t)name_count, sizeof(*names)};
    config_build_names(b, &list, &token->may_trigger);
}

static void build_token(struct config_build *b, const struct yaml_node *map, struct config_token *token)
{
    const struct token_options *in = config_fill(b, token_table, map, sizeof(*in), NULL, 0);
    const struct yaml_node *org = yaml_get(map, "org"), *name = yaml_get(map, "name"),
                           *secret = yaml_get(map, "secret");
    if (config_is_text(name))
        config_check_name(b, name, "token");
    if (config_is_text(org) && !str_eqz(org->text, "*"))
        config_ref_org(b, org);
    read_rights(b, map, token);
    if (!in || !secret) /* a part that could not be read is not missed by the walker */
        return;
    token->name = in->name;
    token->org = in->org;
    token->secret = in->secret;
    token->secret_len = secret->text.len;
}

/* Tokens are told apart by their secrets and, in logs, by their names. */
static void check_twice(struct config_build *b, const struct yaml_node *list, const char *key, const char *what)
{
    struct hash *seen = hash_new();
    for (size_t i = 0; i < list->count; i++) {
        const struct yaml_node *node = yaml_get(list->items[i], key);
        if (!config_is_text(node) || node->unresolved)
            continue;
        const struct yaml_node *first = hash_get(seen, node->text);
        if (!first) {
            hash_set(seen, node->text, (void *)(uintptr_t)node);
            continue;
        }
        struct diag *d = config_error(b, "H215", node, "two tokens have the same %s", what);
        diag_relate(b->diags, d, first->span, "first used here");
    }
    hash_free(seen, NULL);
}

static void build_tokens(struct config_build *b, const struct yaml_node *list)
{
    if (!list || (list->kind == YAML_SCALAR && list->scalar == YAML_NULL))
        return;
    if (list->kind != YAML_LIST) {
        struct diag *d =
            config_error(b, "H210", list, "`tokens` must be a list, not %s", yaml_describe(diag_arena(b->diags), list));
        diag_help(b->diags, d, "start each token with `- `: `tokens: [{name: app, org: acme, ...}]`");
        return;
    }
    struct config_token *tokens = arena_alloc(b->arena, (list->count + 1) * sizeof(*tokens));
    for (size_t i = 0; i < list->count; i++)
        build_token(b, list->items[i], &tokens[i]);
    check_twice(b, list, "name", "name");
    check_twice(b, list, "secret", "secret");
    b->config->tokens = tokens;
    b->config->token_count = list->count;
}

static void check_login_url(struct config_build *b, const struct yaml_node *node)
{
    if (!config_is_text(node) || node->unresolved)
        return;
    const char *fault = node->text.ptr[0] == '/' ? NULL : config_origin_fault(node->text, 1);
    if (!fault)
        return;
    struct diag *d = config_error(b, "H209", node, "`login_url` %s", fault);
    diag_help(b->diags, d, "write an address, or a path of this host: https://app.example.org/sso?next={next}");
}

void config_build_auth(struct config_build *b)
{
    static const char *const also[] = {"jwt", "tokens"};
    const struct yaml_node *map = config_map(b, SECTION_AUTH), *jwt = yaml_get(map, "jwt");
    const struct auth_options *in = config_fill(b, config_auth_table, map, sizeof(*in), also, 2);
    check_login_url(b, yaml_get(map, "login_url"));
    if (jwt)
        config_build_jwt(b, jwt, NULL, &b->config->jwt);
    build_tokens(b, yaml_get(map, "tokens"));
    if (!in)
        return;
    b->config->login_url = in->login_url;
    b->config->metrics_token = in->metrics_token;
}
