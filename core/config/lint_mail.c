/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What large receivers of mail want of whoever sends to them, and what `check` can see of it: an address over https in
 * List-Unsubscribe (RFC 8058, 3.1) and a DKIM signature. Both are warnings, and only about mail that leaves this
 * machine: a server on it may sign, and is where one tries things out.
 */
#include "config/build.h"

/* 1 when one of the servers is not on this machine. */
static int mails_elsewhere(const struct yaml_node *map)
{
    const struct yaml_node *servers = yaml_get(map, "servers");
    if (config_mail_elsewhere(yaml_get(map, "smtp")))
        return 1;
    for (size_t i = 0; servers && servers->kind == YAML_LIST && i < servers->count; i++) {
        if (config_mail_elsewhere(yaml_get(servers->items[i], "url")))
            return 1;
    }
    return 0;
}

/* Said once: one address serves all channels. */
static void check_https(struct config_build *b, const struct yaml_node *channel)
{
    const struct yaml_node *at = yaml_get(config_map(b, SECTION_HUB), "public_url");
    if (str_has_prefix(str_of(b->config->hub.public_url), STR("https://")) || (at && at->unresolved))
        return;
    struct diag *d = config_warning(b, "H706", at ? at : channel,
                                    "`public_url` is not https: nobody can stop mail of `%s` with one click",
                                    config_show(b, channel->text));
    diag_help(b->diags, d, "Gmail and Yahoo ask for one-click unsubscribe, which needs an https address (RFC 8058)");
}

static void check_signed(struct config_build *b, const struct yaml_pair *pair, const struct config_instance *channel)
{
    if (!config_mail_option(channel, "dkim") || yaml_get(pair->value, "dkim"))
        return;
    struct diag *d = config_warning(b, "H706", pair->key, "mail of `%s` leaves this machine without a DKIM signature",
                                    channel->name);
    diag_help(b->diags, d, "`belfry dkim keygen` makes a key; `dkim: []` says that the server signs");
}

void config_lint_mail(struct config_build *b)
{
    const struct yaml_node *map = config_map(b, SECTION_CHANNELS);
    const struct config_instance *channels = b->config->channels;
    int told = 0;
    for (size_t i = 0; map && i < b->config->channel_count; i++) {
        const struct yaml_pair *pair = &map->pairs[i];
        if (!config_is_mail(&channels[i]) || !mails_elsewhere(pair->value))
            continue;
        if (!told++)
            check_https(b, pair->key);
        check_signed(b, pair, &channels[i]);
    }
}
