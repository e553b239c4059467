/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the table of a webhook channel's options cannot say, so that what `check` accepts can start: addresses without a
 * user name, secrets that can sign what `signatures` asks for, types that some event can have, headers that can be
 * sent, ranges of addresses; names that mean nothing: orgs, and what `types` and `when` compare with; and addresses
 * that are in no range. A channel is one of webhooks when its plugin has the role of endpoints and its options are
 * named as here. What is not known here, a secret or a variable, is left to the plugin, which asks all of it again.
 */
#include "config/build.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define URL_MAX 2048
#define HOST_MAX 254 /* of a name, with a dot at its end */
#define HMAC_MIN 24  /* bytes of a v1 key, Standard Webhooks 1.0 */
#define HMAC_MAX 64
#define SEED 32 /* of Ed25519; its public key may stand behind it */

enum { SIGNS_V1 = 1 << 0, SIGNS_V1A = 1 << 1 };

/* What stands there can be judged: an empty text, too, but no secret and no variable that this check does not know. */
static int is_known(const struct yaml_node *node)
{
    return !node->unresolved &&
           (config_is_text(node) || (node->kind == YAML_SCALAR && !node->text.len && !config_is_nothing(node)));
}

/* --- url ---------------------------------------------------------------------------------------------------------- */

static int is_zone(struct belfry_str text)
{
    size_t len = 0;
    while (len < text.len && (isalnum((unsigned char)text.ptr[len]) || memchr("-._~", text.ptr[len], 4)))
        len++;
    return len > 0 && len == text.len;
}

/* A name of a host or an address, in front of its port. What no URL may hold at all was said by its row. */
static int is_host(struct belfry_str authority)
{
    static const char no_name[] = "!$&'()*+,;=%~[]";
    size_t len = 0;
    if (authority.len && *authority.ptr == '[') {
        const char *end = memchr(authority.ptr, ']', authority.len);
        struct belfry_str inner = str_slice(authority.ptr + 1, end ? (size_t)(end - authority.ptr) - 1 : 0);
        const char *zone = memmem(inner.ptr, inner.len, "%25", 3); /* the link of a link-local one, RFC 6874 */
        if (zone && !is_zone(str_slice(zone + 3, inner.len - (size_t)(zone + 3 - inner.ptr))))
            return 0;
        inner.len = zone ? (size_t)(zone - inner.ptr) : inner.len;
        return memchr(inner.ptr, ':', inner.len) && !memchr(inner.ptr, '/', inner.len) && !config_cidr_fault(inner);
    }
    for (; len < authority.len && authority.ptr[len] != ':'; len++)
        if (memchr(no_name, authority.ptr[len], sizeof(no_name) - 1))
            return 0;
    return len <= HOST_MAX;
}

/* Behind the colon: one to five digits, which its row has compared with what a port can be. */
static int has_odd_port(struct belfry_str authority)
{
    const char *colon = authority.len ? memrchr(authority.ptr, ':', authority.len) : NULL;
    size_t digits = colon ? (size_t)(authority.ptr + authority.len - colon) - 1 : 1;
    return !(colon && memchr(colon, ']', digits + 1)) && (digits < 1 || digits > 5);
}

/* The rest was said by its row. */
static void check_url(struct config_build *b, const struct yaml_node *url)
{
    struct belfry_str rest, text = url ? url->text : STR("");
    const char *at = config_is_text(url) && !url->unresolved ? memmem(text.ptr, text.len, "://", 3) : NULL;
    if (!at)
        return;
    rest = str_slice(at + 3, (size_t)(text.ptr + text.len - at) - 3);
    size_t host = 0;
    while (host < rest.len && !memchr("/?#\\", rest.ptr[host], 4))
        host++;
    if (memchr(rest.ptr, '@', host)) {
        diag_redact(b->diags, url->span); /* a password may stand there */
        config_error(b, "H209", url, "the `url` of an endpoint holds no user name and no password");
    } else if (has_odd_port(str_slice(rest.ptr, host)))
        config_error(b, "H209", url,
                     "the `url` of an endpoint has a colon, and no port of one to five digits behind it");
    else if (!is_host(str_slice(rest.ptr, host)))
        config_error(b, "H209", url, "the host in the `url` of an endpoint is neither a name nor an address");
    else if (memchr(rest.ptr, '#', rest.len))
        config_error(b, "H209", url, "the `url` of an endpoint has no fragment, which nobody would be sent");
    else if (text.len > URL_MAX)
        config_error(b, "H209", url, "the `url` of an endpoint has at most %d characters", URL_MAX);
}

/* What the channel allows, ends at NULL; NULL: that is not known, or not to be read. */
static const char *const *ranges_of(struct config_build *b, const struct yaml_node *ranges)
{
    const struct yaml_node *const *items;
    size_t count = ranges ? config_items(&ranges, &items) : 0;
    const char **out = arena_alloc(b->arena, (count + 1) * sizeof(*out));
    for (size_t i = 0; i < count; i++) {
        if (!config_is_text(items[i]) || items[i]->unresolved || config_cidr_fault(items[i]->text))
            return NULL;
        out[i] = arena_strndup(b->arena, items[i]->text.ptr, items[i]->text.len);
    }
    out[count] = NULL;
    return out;
}

static void check_address(struct config_build *b, const struct yaml_node *url, const char *const *allow)
{
    if (!b->refused || !allow || !config_is_text(url) || url->unresolved ||
        !b->refused(arena_strndup(b->arena, url->text.ptr, url->text.len), allow))
        return;
    struct diag *d = config_warning(b, "H707", url, "nothing is sent to this address, which is no public one");
    diag_help(b->diags, d, "name its range in `allow_cidrs` of the channel, such as 10.0.0.0/8");
}

/* --- secret ------------------------------------------------------------------------------------------------------- */

/* Bytes that the base64 of a key holds, padded or not (RFC 4648 section 4); 0: it is no base64. */
static size_t bytes_of(struct belfry_str text)
{
    size_t padded = text.len;
    while (text.len && text.ptr[text.len - 1] == '=' && padded - text.len < 2)
        text.len--;
    if (text.len % 4 == 1 || (padded != text.len && padded % 4 != 0))
        return 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i], letter = c | 0x20;
        if (!(letter >= 'a' && letter <= 'z') && !(c >= '0' && c <= '9') && c != '+' && c != '/')
            return 0;
    }
    return text.len * 3 / 4;
}

/* One key: what it signs goes to *kinds. NULL or what is wrong. */
static const char *key_fault(struct belfry_str key, unsigned *kinds)
{
    unsigned kind = str_has_prefix(key, STR("whsk_")) ? SIGNS_V1A : SIGNS_V1;
    if (kind == SIGNS_V1A || str_has_prefix(key, STR("whsec_")))
        key = str_slice(key.ptr + (kind == SIGNS_V1A ? 5 : 6), key.len - (kind == SIGNS_V1A ? 5 : 6));
    size_t len = bytes_of(key);
    if (kind == SIGNS_V1A && len != SEED && len != 2 * SEED)
        return "is not `whsk_` and base64 of the 32 bytes of an Ed25519 key";
    if (kind == SIGNS_V1 && (len < HMAC_MIN || len > HMAC_MAX))
        return "is not `whsec_` and base64 of 24 to 64 bytes";
    const char *fault = *kinds & kind ? "holds two keys of one kind; a list has them one by one" : NULL;
    *kinds |= kind;
    return fault;
}

/* Blanks, and nothing else that is white: what ends in a line break is no key. */
static struct belfry_str skip_blanks(struct belfry_str text)
{
    while (text.len && *text.ptr == ' ')
        text = str_slice(text.ptr + 1, text.len - 1);
    return text;
}

/* The kinds of keys in one text, where blanks part them. */
static unsigned check_secret(struct config_build *b, const struct yaml_node *node)
{
    unsigned kinds = 0;
    const char *fault = NULL;
    struct belfry_str rest = skip_blanks(node->text);
    do {
        struct belfry_str key = str_cut(rest, ' ', &rest);
        fault = key_fault(key, &kinds);
        rest = skip_blanks(rest);
    } while (rest.len && !fault);
    if (!fault)
        return kinds;
    struct diag *d = config_error(b, "H220", node, "the secret %s", fault);
    diag_help(b->diags, d, "make one with `echo \"%s_$(openssl rand -base64 32)\"`",
              strstr(fault, "whsk_") ? "whsk" : "whsec");
    return SIGNS_V1 | SIGNS_V1A; /* one fault is enough */
}

static unsigned wanted_by(const struct yaml_node *signatures)
{
    const struct yaml_node *const *items;
    size_t count = config_items(&signatures, &items);
    unsigned kinds = signatures ? 0 : SIGNS_V1;
    for (size_t i = 0; signatures && i < count; i++)
        kinds |= str_eq(items[i]->text, STR("v1")) ? SIGNS_V1 : str_eq(items[i]->text, STR("v1a")) ? SIGNS_V1A : 0;
    return kinds;
}

static void check_secrets(struct config_build *b, const struct yaml_node *endpoint)
{
    const struct yaml_node *secret = yaml_get(endpoint, "secret"), *signatures = yaml_get(endpoint, "signatures");
    const struct yaml_node *const *items;
    size_t count = secret ? config_items(&secret, &items) : 0;
    unsigned kinds = 0, missing;
    for (size_t i = 0; i < count; i++) {
        kinds |= is_known(items[i]) ? check_secret(b, items[i]) : SIGNS_V1 | SIGNS_V1A;
    }
    missing = count ? wanted_by(signatures) & ~kinds : 0;
    if (!missing)
        return;
    const char *prefix = missing & SIGNS_V1 ? "whsec_" : "whsk_";
    struct diag *d = config_error(b, "H220", missing & SIGNS_V1 || !signatures ? secret : signatures,
                                  "%s signs with a key that begins with `%s`, and there is none in `secret`",
                                  missing & SIGNS_V1 ? "v1" : "v1a", prefix);
    diag_help(b->diags, d, "make one with `echo \"%s$(openssl rand -base64 32)\"`", prefix);
}

/* --- types -------------------------------------------------------------------------------------------------------- */

static void check_types(struct config_build *b, const struct yaml_node *types)
{
    const struct yaml_node *const *items;
    size_t count = types ? config_items(&types, &items) : 0;
    for (size_t i = 0; i < count; i++) {
        if (!config_is_text(items[i]) || items[i]->unresolved)
            continue;
        if (config_type_pattern(items[i]->text)) {
            config_ref_types(b, items[i]);
            continue;
        }
        struct diag *d =
            config_error(b, "H204", items[i], "`%s` matches no event type", config_show(b, items[i]->text));
        diag_help(b->diags, d, "write a type such as `invoice.paid`, a prefix such as `invoice.*`, or `*`");
    }
}

/* --- headers ------------------------------------------------------------------------------------------------------ */

/* tchar of RFC 9110 section 5.6.2 */
static int is_token(struct belfry_str name)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i], letter = c | 0x20;
        if (!(letter >= 'a' && letter <= 'z') && !(c >= '0' && c <= '9') && !memchr(marks, c, sizeof(marks) - 1))
            return 0;
    }
    return name.len > 0 && name.len < 128;
}

static void check_header(struct config_build *b, const struct yaml_node *map, size_t at)
{
    const struct yaml_node *name = map->pairs[at].key, *value = map->pairs[at].value;
    if (!is_token(name->text))
        config_error(b, "H219", name, "`%s` is no name of a header", config_show(b, name->text));
    for (size_t i = 0; i < at; i++) {
        struct belfry_str other = map->pairs[i].key->text;
        if (other.len == name->text.len && strncasecmp(other.ptr, name->text.ptr, other.len) == 0) {
            struct diag *d = config_error(b, "H219", name, "the header `%s` is there twice; case does not count",
                                          config_show(b, name->text));
            diag_relate(b->diags, d, map->pairs[i].key->span, "the other one");
        }
    }
    for (size_t i = 0; config_is_text(value) && !value->unresolved && i < value->text.len; i++) {
        char c = value->text.ptr[i];
        if ((c >= ' ' && c <= '~') || c == '\t')
            continue;
        config_error(b, "H204", value, "the value of the header `%s` may only hold visible ASCII, blanks and tabs",
                     config_show(b, name->text));
        return;
    }
}

/* --- all of a channel --------------------------------------------------------------------------------------------- */

static void check_endpoint(struct config_build *b, const struct yaml_node *endpoint, const char *const *allow)
{
    const struct yaml_node *headers = yaml_get(endpoint, "headers");
    struct config_names orgs;
    config_build_org_list(b, endpoint, &orgs);
    check_url(b, yaml_get(endpoint, "url"));
    check_address(b, yaml_get(endpoint, "url"), allow);
    check_secrets(b, endpoint);
    check_types(b, yaml_get(endpoint, "types"));
    config_ref_condition(b, yaml_get(endpoint, "when"));
    for (size_t i = 0; headers && headers->kind == YAML_MAP && i < headers->count; i++)
        check_header(b, headers, i);
}

static void check_ranges(struct config_build *b, const struct yaml_node *ranges)
{
    const struct yaml_node *const *items;
    size_t count = ranges ? config_items(&ranges, &items) : 0;
    for (size_t i = 0; i < count; i++) {
        const char *fault = is_known(items[i]) ? config_cidr_fault(items[i]->text) : NULL;
        if (fault)
            config_error(b, "H204", items[i], "`%s` %s, such as 10.0.0.0/8 or fd00::/8", config_show(b, items[i]->text),
                         fault);
    }
}

void config_check_webhook(struct config_build *b)
{
    const struct yaml_node *map = config_map(b, SECTION_CHANNELS);
    for (size_t i = 0; map && i < b->config->channel_count; i++) {
        const struct plugin *plugin = b->config->channels[i].plugin;
        if (!plugin || !plugin->endpoints || strcmp(plugin->id, "webhook") != 0)
            continue;
        const struct yaml_node *channel = map->pairs[i].value, *endpoints = yaml_get(channel, "endpoints");
        const char *const *allow = ranges_of(b, yaml_get(channel, "allow_cidrs"));
        check_ranges(b, yaml_get(channel, "allow_cidrs"));
        for (size_t k = 0; endpoints && endpoints->kind == YAML_LIST && k < endpoints->count; k++)
            if (endpoints->items[k]->kind == YAML_MAP)
                check_endpoint(b, endpoints->items[k], allow);
    }
}
