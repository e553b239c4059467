/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the table of a mail channel's options cannot say, so that what `check` accepts can start: an address to send
 * from, a server to send to, TLS on the way to one that is elsewhere, and layouts that hold the mail. A channel is one
 * of mail when its plugin has an option `smtp` that is a URL, whatever the plugin's name. What is not known here, a
 * secret or a variable, is left to the plugin, which asks all of it again.
 */
#include "config/build.h"
#include "event/event.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

/* --- shared with lint_mail.c ------------------------------------------------------------------------------------- */

const struct belfry_option *config_mail_option(const struct config_instance *channel, const char *name)
{
    const struct belfry_option *row = channel->plugin ? channel->plugin->desc.options : NULL;
    for (; row && row->struct_size; row++) {
        if (strcmp(row->name, name) == 0)
            return row;
    }
    return NULL;
}

int config_is_mail(const struct config_instance *channel)
{
    const struct belfry_option *smtp = config_mail_option(channel, "smtp");
    return channel->options && smtp && smtp->type == BELFRY_OPT_URL;
}

/* What stands behind `://`. */
static struct belfry_str authority_of(struct belfry_str url)
{
    const char *end = url.ptr + url.len, *at = memmem(url.ptr, url.len, "://", 3);
    return at ? str_slice(at + 3, (size_t)(end - at) - 3) : str_slice(end, 0);
}

/* The host of an address that has one, as it is written. */
static struct belfry_str host_of(struct belfry_str url)
{
    struct belfry_str at = authority_of(url);
    size_t len = 0;
    int literal = at.len && *at.ptr == '['; /* RFC 3986, 3.2.2 */
    while (len < at.len && !memchr(literal ? "/?#]" : "/?#:", at.ptr[len], 4))
        len++;
    return str_slice(at.ptr + literal, len - (size_t)literal);
}

/* Literally: a name that resolves to loopback today may lead elsewhere tomorrow. */
static int is_loopback(struct belfry_str host)
{
    char text[64];
    struct in_addr v4;
    snprintf(text, sizeof(text), "%.*s", STR_ARG(host));
    if (host.len < sizeof(text) && inet_pton(AF_INET, text, &v4) == 1)
        return (ntohl(v4.s_addr) >> 24) == 127;
    return str_eq(host, STR("::1")) || strcasecmp(text, "localhost") == 0;
}

int config_mail_elsewhere(const struct yaml_node *url)
{
    if (!config_is_text(url) || url->unresolved)
        return 0;
    struct belfry_str host = host_of(url->text);
    return host.len > 0 && !is_loopback(host);
}

/* --- servers ------------------------------------------------------------------------------------------------------ */

/* 1 when it is one. */
static int check_url(struct config_build *b, const struct yaml_node *url)
{
    struct belfry_str at = authority_of(url->text);
    const char *slash = memchr(at.ptr, '/', at.len), *name = memchr(at.ptr, '@', at.len);
    if (name && (!slash || name < slash)) {
        struct diag *d = config_error(b, "H209", url, "the address of a mail server holds no user name");
        diag_help(b->diags, d, "write `username` and `password` beside it");
        return 0;
    }
    if (!memchr(at.ptr, '?', at.len) && !memchr(at.ptr, '#', at.len) && (!slash || slash + 1 == at.ptr + at.len))
        return 1;
    config_error(b, "H209", url, "the address of a mail server ends behind host and port");
    return 0;
}

/* map: what holds `tls` beside the address. */
static void check_server(struct config_build *b, const struct yaml_node *map, const char *key)
{
    const struct yaml_node *url = yaml_get(map, key), *tls = yaml_get(map, "tls");
    if (!config_is_text(url) || url->unresolved || !check_url(b, url))
        return;
    if (!tls || tls->unresolved || !str_eq(tls->text, STR("off")))
        return;
    if (str_has_prefix(url->text, STR("smtps:")))
        config_error(b, "H218", tls, "`tls: off` and smtps:// contradict each other");
    else if (config_mail_elsewhere(url)) {
        struct diag *d = config_error(b, "H218", tls, "`tls: off` is for 127.0.0.1, [::1] and localhost only");
        diag_help(b->diags, d, "mail to other machines goes over STARTTLS (`tls: auto`) or smtps://");
    }
}

static void check_servers(struct config_build *b, const struct yaml_pair *pair)
{
    const struct yaml_node *servers = yaml_get(pair->value, "servers");
    if (!servers && !yaml_get(pair->value, "smtp")) {
        struct diag *d = config_error(b, "H202", pair->key, "`%s` has no mail server: `smtp` or `servers` is missing",
                                      config_show(b, pair->key->text));
        diag_help(b->diags, d, "write `smtp: smtp://127.0.0.1:25`, or several in `servers`");
    }
    check_server(b, pair->value, "smtp");
    for (size_t i = 0; servers && servers->kind == YAML_LIST && i < servers->count; i++)
        check_server(b, servers->items[i], "url");
}

/* --- addresses ---------------------------------------------------------------------------------------------------- */

static int is_address(struct config_build *b, struct belfry_str address)
{
    return address_valid(address_key(b->arena, address));
}

/* `Acme <notify@acme.example>`, or the address alone. */
static void check_from(struct config_build *b, const struct yaml_node *from)
{
    if (!config_is_text(from) || from->unresolved)
        return;
    struct belfry_str text = str_trim(from->text);
    const char *open = text.len && text.ptr[text.len - 1] == '>' ? memrchr(text.ptr, '<', text.len) : NULL;
    if (open)
        text = str_slice(open + 1, (size_t)(text.ptr + text.len - open) - 2);
    if (is_address(b, text))
        return;
    struct diag *d = config_error(b, "H204", from, "`%s` is no mail address", config_show(b, text));
    diag_help(b->diags, d, "write `Acme <notify@acme.example>`, or the address alone");
}

static void check_domain(struct config_build *b, const struct yaml_node *domain)
{
    if (!config_is_text(domain) || domain->unresolved)
        return;
    if (!is_address(b, str_of(arena_printf(b->arena, "b@%.*s", STR_ARG(domain->text)))))
        config_error(b, "H204", domain, "`%s` is no domain that mail can come back to", config_show(b, domain->text));
}

/* --- templates ---------------------------------------------------------------------------------------------------- */

static int contains(struct belfry_str text, struct belfry_str part)
{
    return memmem(text.ptr, text.len, part.ptr, part.len) != NULL;
}

/* A layout that leaves out what it stands around, or escapes it, would spoil every mail. */
static void check_layout(struct config_build *b, const struct yaml_node *words)
{
    static const char *const parts[] = {"text", "html"};
    for (int html = 0; html < 2; html++) {
        const struct yaml_node *node = yaml_get(words, parts[html]);
        if (!config_is_text(node) || node->unresolved)
            continue;
        if (!contains(node->text, STR("content")))
            config_error(b, "H217", node, "the layout's `%s` leaves out `{{{content}}}`, which is the mail",
                         parts[html]);
        else if (html && !contains(node->text, STR("{{{")) && !contains(node->text, STR("{{&")))
            config_error(b, "H217", node, "`content` is HTML already and needs three braces: `{{{content}}}`");
    }
}

static void check_locales(struct config_build *b, const struct yaml_node *words, int layout)
{
    const struct yaml_node *locales = yaml_get(words, "locales");
    if (layout)
        check_layout(b, words);
    for (size_t i = 0; locales && locales->kind == YAML_MAP && i < locales->count; i++) {
        const struct yaml_node *tag = locales->pairs[i].key;
        if (!config_is_locale(tag->text)) {
            struct diag *d = config_error(b, "H204", tag, "`%s` is no language tag", config_show(b, tag->text));
            diag_help(b->diags, d, "write it as in BCP 47: de, de-AT");
        }
        if (layout)
            check_layout(b, locales->pairs[i].value);
    }
}

static void check_templates(struct config_build *b, const struct yaml_node *templates)
{
    for (size_t i = 0; templates && templates->kind == YAML_MAP && i < templates->count; i++)
        check_locales(b, templates->pairs[i].value, str_eq(templates->pairs[i].key->text, STR("layout")));
}

void config_check_mail(struct config_build *b)
{
    const struct yaml_node *map = config_map(b, SECTION_CHANNELS);
    const struct config_instance *channels = b->config->channels;
    for (size_t i = 0; map && i < b->config->channel_count; i++) {
        const struct yaml_pair *pair = &map->pairs[i];
        if (!config_is_mail(&channels[i]))
            continue;
        check_servers(b, pair);
        if (config_mail_option(&channels[i], "from"))
            check_from(b, yaml_get(pair->value, "from"));
        if (config_mail_option(&channels[i], "bounce_domain"))
            check_domain(b, yaml_get(pair->value, "bounce_domain"));
        if (config_mail_option(&channels[i], "templates"))
            check_templates(b, yaml_get(pair->value, "templates"));
    }
}
