/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `verify` of a source: how callers of its hook prove who they are. A scheme is nothing but values for the other keys,
 * so what a scheme says can be said differently key by key. Secrets are decoded here, once, and judged: a hook without
 * a secret, or with one that can be guessed, would be open to everybody.
 */
#include "base/id.h"
#include "config/build.h"
#include "config/hook.h"
#include "template/template.h"

#define KEYS_MAX 10     /* while a secret is changed two are enough */
#define SECRET_MIN 16   /* bytes that a provider's secret has at least */
#define STANDARD_MIN 24 /* Standard Webhooks 1.0.0: 24 to 64 bytes */
#define ED25519_PUBLIC 32

/* --- schemes ------------------------------------------------------------------------------------------------------ */

enum key_kind { KEY_RAW, KEY_BASE64 };

struct scheme {
    const char *name, *header, *prefix, *public_prefix;
    const char *separator, *timestamp_header, *timestamp_prefix, *id_header, *signed_;
    int base64;
    enum key_kind key;
    const char *id; /* a template: by what the provider says that repeats are known */
};

static const struct scheme schemes[] = {
    {.name = "custom", .signed_ = "{body}"},
    {.name = "standard-webhooks",
     .header = "webhook-signature",
     .prefix = "v1,",
     .public_prefix = "v1a,",
     .separator = " ",
     .timestamp_header = "webhook-timestamp",
     .id_header = "webhook-id",
     .signed_ = "{id}.{t}.{body}",
     .base64 = 1,
     .key = KEY_BASE64,
     .id = "{{headers.webhook-id}}"},
    {.name = "svix",
     .header = "svix-signature",
     .prefix = "v1,",
     .public_prefix = "v1a,",
     .separator = " ",
     .timestamp_header = "svix-timestamp",
     .id_header = "svix-id",
     .signed_ = "{id}.{t}.{body}",
     .base64 = 1,
     .key = KEY_BASE64,
     .id = "{{headers.svix-id}}"},
    {.name = "github",
     .header = "x-hub-signature-256",
     .prefix = "sha256=",
     .signed_ = "{body}",
     .id = "{{headers.x-github-delivery}}"},
    {.name = "stripe",
     .header = "stripe-signature",
     .prefix = "v1=",
     .separator = ",",
     .timestamp_prefix = "t=",
     .signed_ = "{t}.{body}",
     .id = "{{body.id}}"},
    {.name = "shopify",
     .header = "x-shopify-hmac-sha256",
     .signed_ = "{body}",
     .base64 = 1,
     .id = "{{headers.x-shopify-webhook-id}}"},
    {.name = "slack",
     .header = "x-slack-signature",
     .prefix = "v0=",
     .timestamp_header = "x-slack-request-timestamp",
     .signed_ = "v0:{t}:{body}",
     .id = "{{body.event_id}}"},
    {.name = "xero", .header = "x-xero-signature", .signed_ = "{body}", .base64 = 1},
};

static const char *const scheme_names[] = {
    "custom", "standard-webhooks", "svix", "github", "stripe", "shopify", "slack", "xero", NULL};
static const char *const hash_names[] = {"sha256", "sha512", "sha1", NULL};
static const char *const encoding_names[] = {"hex", "base64", NULL};
static const char *const key_names[] = {"raw", "base64", NULL};
static const struct belfry_option secret_element[] = {ELEMENT(STRING, .min = 1, .max = 4096), OPTION_END};

#define VERIFY(opt_type, key, member, ...) OPTION(struct config_verify_options, opt_type, key, member, __VA_ARGS__)

const struct belfry_option config_verify_table[] = {
    VERIFY(CHOICE, "scheme", scheme, .choices = scheme_names, .def = "custom",
           .doc = "Whose signatures: each says what the keys below are, and any of them may be said differently."),
    VERIFY(LIST, "secret", secret, .flags = BELFRY_OPT_REQUIRED | BELFRY_OPT_SCALAR_LIST | BELFRY_OPT_SECRET, .min = 1,
           .max = KEYS_MAX, .children = secret_element,
           .doc = "The provider's secret; several while it is changed. Standard Webhooks: whsec_ or, for Ed25519, "
                  "whpk_."),
    VERIFY(STRING, "header", header, .min = 1, .max = 64, .doc = "The header that holds the signature."),
    VERIFY(STRING, "prefix", prefix, .max = 32, .doc = "What stands before each signature: `sha256=`."),
    VERIFY(STRING, "separator", separator, .min = 1, .max = 1,
           .doc = "What parts the entries of the header, of which any may be the signature: `,`."),
    VERIFY(CHOICE, "hash", hash, .choices = hash_names, .doc = "The hash of the HMAC; sha256 when absent."),
    VERIFY(CHOICE, "encoding", encoding, .choices = encoding_names, .doc = "How the signature is written."),
    VERIFY(CHOICE, "key", key, .choices = key_names,
           .doc = "raw: the secret's characters are the key; base64: what they decode to, behind `whsec_`."),
    VERIFY(STRING, "signed", signed_, .min = 6, .max = 256,
           .doc = "What is signed: {body}, with {t} for the time and {id} for the id of the call: `{t}.{body}`."),
    VERIFY(STRING, "timestamp_header", timestamp_header, .min = 1, .max = 64, .conflicts = "timestamp_prefix",
           .doc = "The header that holds {t}, in seconds since 1970."),
    VERIFY(STRING, "timestamp_prefix", timestamp_prefix, .min = 1, .max = 32,
           .doc = "What stands before {t} where it is an entry of the signature's header: `t=`."),
    VERIFY(STRING, "id_header", id_header, .min = 1, .max = 64, .doc = "The header that holds {id}."),
    VERIFY(DURATION, "tolerance", tolerance, .min = 1000, .max = INT64_C(86400000),
           .doc = "How far {t} may be from now; 5m when absent. An older call is refused: it may be a copy."),
    OPTION_END,
};

/* --- secrets ------------------------------------------------------------------------------------------------------ */

/* Behind its prefix, with or without padding. 0, or -1. */
static int decode(struct config_build *b, struct belfry_str text, struct config_hook_key *key)
{
    struct buf padded = {0}, bytes = {0};
    buf_adds(&padded, text);
    while (padded.len % 4)
        buf_addc(&padded, '=');
    int bad = base64_decode(buf_str(&padded), 0, &bytes) != BELFRY_OK;
    key->len = bytes.len;
    key->bytes = arena_memdup(b->arena, bytes.ptr ? bytes.ptr : "", bytes.len + 1);
    buf_free(&padded);
    buf_free(&bytes);
    return bad ? -1 : 0;
}

static struct belfry_str behind(struct belfry_str text, struct belfry_str prefix)
{
    return str_has_prefix(text, prefix) ? str_slice(text.ptr + prefix.len, text.len - prefix.len) : text;
}

static void too_short(struct config_build *b, const struct yaml_node *at, size_t len, size_t least)
{
    struct diag *d =
        config_error(b, "H603", at, "the secret of a hook needs at least %zu bytes, this one has %zu", least, len);
    diag_help(b->diags, d, "who can guess it can post in the provider's name; make a longer one there");
}

static void build_public(struct config_build *b, const struct yaml_node *at, struct config_hook_key *key)
{
    key->ed25519 = 1;
    if (decode(b, behind(at->text, STR("whpk_")), key) != 0 || key->len != ED25519_PUBLIC)
        config_error(b, "H203", at, "this `whpk_` key is not base64 of the %d bytes of an Ed25519 key", ED25519_PUBLIC);
}

static void build_key(struct config_build *b, const struct scheme *scheme, enum key_kind kind,
                      const struct yaml_node *at, struct config_hook_key *key)
{
    if (at->unresolved)
        return;
    if (!config_is_text(at)) { /* an empty key would be everybody's */
        config_error(b, "H203", at, "the secret has bytes that are no text");
        return;
    }
    if (str_has_prefix(at->text, STR("whsk_"))) {
        struct diag *d = config_error(b, "H203", at, "this is the private key of whoever signs");
        diag_help(b->diags, d, "a receiver has the public one, which begins with `whpk_`; change this one: it is out");
        return;
    }
    if (scheme->public_prefix && str_has_prefix(at->text, STR("whpk_"))) {
        build_public(b, at, key);
        return;
    }
    *key = (struct config_hook_key){.bytes = (const unsigned char *)at->text.ptr, .len = at->text.len};
    if (kind == KEY_BASE64 && decode(b, behind(at->text, STR("whsec_")), key) != 0)
        config_error(b, "H203", at, "the secret is not base64");
    else if (key->len < (scheme->public_prefix ? STANDARD_MIN : SECRET_MIN))
        too_short(b, at, key->len, scheme->public_prefix ? STANDARD_MIN : SECRET_MIN);
}

static void build_keys(struct config_build *b, const struct yaml_node *map, const struct scheme *scheme,
                       enum key_kind kind, struct config_verify *out)
{
    const struct yaml_node *secret = yaml_get(map, "secret");
    const struct yaml_node *const *items;
    size_t count = config_items(&secret, &items);
    struct config_hook_key *keys = arena_alloc(b->arena, (count + 1) * sizeof(*keys));
    for (size_t i = 0; i < count; i++)
        build_key(b, scheme, kind, items[i], &keys[i]);
    out->keys = keys;
    out->key_count = count;
}

/* --- what is signed ----------------------------------------------------------------------------------------------- */

/* Of {t} and {id}, those that are not the only one of their kind, or that nothing says. NULL or what is wrong. */
static const char *placeholder_fault(struct config_build *b, const struct config_verify *v, const char *text)
{
    int body = 0;
    for (const char *p = strchr(text, '{'); p; p = strchr(p + 1, '{')) {
        struct belfry_str rest = str_of(p);
        if (str_has_prefix(rest, STR("{body}")))
            body++;
        else if (str_has_prefix(rest, STR("{t}")) && !v->timestamp_header && !v->timestamp_prefix)
            return "names {t}, and neither `timestamp_header` nor `timestamp_prefix` says where the time is";
        else if (str_has_prefix(rest, STR("{id}")) && !v->id_header)
            return "names {id}, and `id_header` does not say where the id is";
        else if (!str_has_prefix(rest, STR("{t}")) && !str_has_prefix(rest, STR("{id}")))
            return arena_printf(diag_arena(b->diags), "has a brace that begins none of {body}, {t} and {id}");
    }
    if (body != 1)
        return body ? "names {body} more than once"
                    : "does not name {body}: a signature of anything else proves nothing";
    if ((v->timestamp_header || v->timestamp_prefix) && !strstr(text, "{t}"))
        return "does not name {t}: a time that is not signed proves nothing";
    if (v->id_header && !strstr(text, "{id}"))
        return "does not name {id}: an id that is not signed proves nothing";
    return NULL;
}

static void build_signed(struct config_build *b, const struct yaml_node *map, const char *text,
                         struct config_verify *out)
{
    const struct yaml_node *at = yaml_get(map, "signed");
    const char *fault = placeholder_fault(b, out, text);
    if (fault) {
        config_error(b, "H218", at ? at : map, "`signed` %s", fault);
        return;
    }
    const char *body = strstr(text, "{body}");
    out->head = arena_strndup(b->arena, text, (size_t)(body - text));
    out->tail = arena_strdup(b->arena, body + strlen("{body}"));
}

/* A header's name in lower case (RFC 9110 section 5.1). */
static const char *header_name(struct config_build *b, const struct yaml_node *map, const char *key, const char *own,
                               const char *scheme)
{
    const char *text = own ? own : scheme;
    if (!text)
        return NULL;
    char *lower = arena_strdup(b->arena, text);
    for (char *p = lower; *p; p++) {
        *p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
        if ((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || strchr("!#$%&'*+-.^_`|~", *p))
            continue;
        config_error(b, "H214", yaml_get(map, key), "`%s` is no name of a header", config_show(b, str_of(text)));
        break;
    }
    return lower;
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

static const char *given(const char *own, const char *scheme)
{
    return own ? own : scheme;
}

static void check_companions(struct config_build *b, const struct yaml_node *map, const struct config_verify *v)
{
    const struct yaml_node *tolerance = yaml_get(map, "tolerance");
    if (!v->header) {
        struct diag *d =
            config_error(b, "H202", map->key ? map->key : map, "`verify` names neither `scheme` nor `header`");
        diag_help(b->diags, d, "schemes: standard-webhooks, svix, github, stripe, shopify, slack, xero");
    }
    if (v->timestamp_prefix && !v->separator)
        config_error(b, "H212", yaml_get(map, "timestamp_prefix"), "`timestamp_prefix` needs `separator`");
    if (tolerance && !v->timestamp_header && !v->timestamp_prefix)
        config_error(b, "H218", tolerance, "`tolerance` says how old a call may be, and nothing says when it was made");
}

static const struct yaml_node *place(const struct yaml_node *map, const char *key, const char *other)
{
    const struct yaml_node *node = yaml_get(map, key);
    return node ? node : yaml_get(map, other) ? yaml_get(map, other) : map;
}

/* Keys of which each is right, and with which together no call would ever be verified. */
static void check_entries(struct config_build *b, const struct yaml_node *map, const struct config_verify *v)
{
    if (v->separator && (v->separator < ' ' || v->separator > '~'))
        config_error(b, "H204", yaml_get(map, "separator"), "`separator` must be a character of ASCII");
    else if (v->separator && strchr(v->prefix, v->separator))
        config_error(b, "H218", place(map, "prefix", "separator"),
                     "`prefix` holds `separator`, which parts an entry before its end");
    if (v->timestamp_prefix && str_has_prefix(str_of(v->prefix), str_of(v->timestamp_prefix)))
        config_error(b, "H218", place(map, "timestamp_prefix", "prefix"),
                     "`timestamp_prefix` is what `prefix` begins with: each signature would be taken for the time");
    if (v->header && v->timestamp_header && strcmp(v->header, v->timestamp_header) == 0)
        config_error(b, "H218", place(map, "timestamp_header", "header"),
                     "the signature and the time are both in `%s`; where they share a header, `timestamp_prefix` says "
                     "which entry is the time",
                     v->header);
    if (v->header && v->id_header && strcmp(v->header, v->id_header) == 0)
        config_error(b, "H218", place(map, "id_header", "header"), "the signature and the id are both in `%s`",
                     v->header);
}

/* A route of the plugin at the very path would answer in its place. */
static void check_route(struct config_build *b, const struct yaml_node *map, const struct plugin *plugin)
{
    for (const struct belfry_route *r = plugin->desc.routes; r && r->struct_size; r++)
        if (strcmp(r->pattern, "/v1/{org}/sources/{instance}/hook") == 0 && strcmp(r->method, "POST") == 0)
            config_error(b, "H211", map->key ? map->key : map,
                         "plugin `%s` answers POST %s itself, so `verify` cannot be used with it", plugin->id,
                         r->pattern);
}

void config_build_verify(struct config_build *b, const struct yaml_node *map,
                         const struct config_verify_options *options, struct config_instance *out)
{
    const struct scheme *scheme = &schemes[options->scheme];
    struct config_verify *v = arena_alloc(b->arena, sizeof(*v));
    const char *separator = given(options->separator, scheme->separator);
    int own_time = options->timestamp_header || options->timestamp_prefix;
    v->scheme = scheme->name;
    v->header = header_name(b, map, "header", options->header, scheme->header);
    v->prefix = given(options->prefix, scheme->prefix ? scheme->prefix : "");
    v->public_prefix = scheme->public_prefix;
    v->separator = separator ? separator[0] : '\0';
    v->hash = yaml_get(map, "hash") ? (enum config_hook_hash)options->hash : CONFIG_HOOK_SHA256;
    v->base64 = yaml_get(map, "encoding") ? options->encoding == 1 : scheme->base64;
    v->timestamp_header =
        header_name(b, map, "timestamp_header", options->timestamp_header, own_time ? NULL : scheme->timestamp_header);
    v->timestamp_prefix = given(options->timestamp_prefix, own_time ? NULL : scheme->timestamp_prefix);
    v->id_header = header_name(b, map, "id_header", options->id_header, scheme->id_header);
    v->tolerance_ms = options->tolerance ? options->tolerance : 300000;
    v->id = scheme->id ? template_compile(b->arena, str_of(scheme->id), NULL) : NULL;
    check_companions(b, map, v);
    check_entries(b, map, v);
    check_route(b, map, out->plugin);
    build_signed(b, map, given(options->signed_, scheme->signed_), v);
    build_keys(b, map, scheme, yaml_get(map, "key") ? (enum key_kind)options->key : scheme->key, v);
    out->verify = v;
}
