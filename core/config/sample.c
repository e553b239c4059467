/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config/full.yaml: every key with its default and what it does. It is generated from the tables and read back by a
 * test, so it can neither miss a key nor go stale. What is live loads as it stands; the rest is there as comments.
 */
#include "config/build.h"

#include <stdlib.h>

/* --- examples ---------------------------------------------------------------------------------------------------- */

/* Path of a row and what to show where it has no default. */
struct example {
    const char *path, *value;
};

static const struct example examples[] = {
    {"hub.listen", "127.0.0.1:8420"},
    {"hub.public_url", "https://notify.example.org"},
    {"hub.plugin_path", "/opt/belfry/plugins"},
    {"hub.tls.cert", "/etc/belfry/cert.pem"},
    {"hub.tls.key", "/etc/belfry/key.pem"},
    {"hub.trusted_proxies", "[10.0.0.0/8]"},
    {"hub.allowed_origins", "[https://app.example.org]"},
    {"hub.secret", "${env:BELFRY_SECRET}"},
    {"jwt.hs256", "[\"${env:BELFRY_JWT_SECRET}\"]"},
    {"jwt.jwks", "https://app.example.org/.well-known/jwks.json"},
    {"auth.login_url", "https://app.example.org/sso/belfry?next={next}"},
    {"auth.metrics_token", "${env:BELFRY_METRICS_TOKEN}"},
    {"tokens.name", "shop"},
    {"tokens.org", "acme"},
    {"tokens.secret", "${env:SHOP_TOKEN}"},
    {"tokens.may", "[\"trigger:*\", read]"},
    {"org.timezone", "Europe/Berlin"},
    {"user.name", "Ann Lee"},
    {"user.email", "ann@acme.example"},
    {"user.roles", "[sales-manager]"},
    {"user.locale", "en-GB"},
    {"user.timezone", "Europe/Berlin"},
    {"category.label", "Calculation blocked"},
    {"category.visible_to", "[sales-manager]"},
    {"category.actions_for", "[sales-manager]"},
    {"instance.orgs", "[acme]"},
    {"instance.was", "old-name"},
    {"instance.feed.url", "https://app.example.org/events"},
    {"instance.feed.token", "${env:FEED_TOKEN}"},
    {"instance.feed.org", "acme"},
    {"instance.verify.scheme", "github"},
    {"instance.verify.secret", "[\"${env:HOOK_SECRET}\"]"},
    {"instance.verify.header", "X-Hub-Signature-256"},
    {"instance.verify.prefix", "sha256="},
    {"instance.verify.separator", ","},
    {"instance.verify.signed", "{body}"},
    {"instance.verify.timestamp_header", "X-Timestamp"},
    {"instance.verify.timestamp_prefix", "t="},
    {"instance.verify.id_header", "X-Id"},
    {"instance.verify.tolerance", "5m"},
    {"instance.hook.form", "payload"},
    {"instance.hook.each", "body.events"},
    {"instance.hook.triggers.when", "{body.action: opened}"},
    {"instance.hook.triggers.type", "{{headers.x-github-event}}"},
    {"instance.hook.triggers.types", "{issues: record.updated}"},
    {"instance.hook.triggers.id", "{{headers.x-github-delivery}}"},
    {"instance.hook.triggers.subject", "issue/{{body.issue.id}}"},
    {"instance.hook.triggers.time", "{{body.issue.updated_at}}"},
    {"instance.hook.triggers.data", "{record: {object: Issue, id: \"{{body.issue.id}}\"}}"},
    {"night.from", "22:00"},
    {"night.to", "07:00"},
    {"night.weekdays", "[mon, tue, wed, thu, fri]"},
    {"rules.name", "everything"},
    {"rules.orgs", "[acme]"},
    {"rules.schedule", "night"},
    {"rules.when", "{severity: {gte: info}}"},
    {"rules.unless", "{actor: importer}"},
    {"rules.deliver.to", "[\"role:sales-manager\"]"},
    {"rules.deliver.after", "15m"},
    {"rules.deliver.unless", "[seen, handled]"},
    {NULL, NULL},
};

/* Of plugins, below their id: without these, which no table calls required, the sample would not load. */
static const struct example live[] = {
    {"email.smtp", "smtp://127.0.0.1:25"},
    {"email.from", "Acme <notify@acme.example>"},
    {NULL, NULL},
};

static const char *find_example(const struct example *table, const char *path)
{
    for (const struct example *e = table; e->path; e++) {
        if (strcmp(e->path, path) == 0)
            return e->value;
    }
    return NULL;
}

/*
 * A copy of a table, and of the tables in it, that shows the examples. An optional row stays a comment: one that needs
 * a sibling is never live in a sample.
 */
static struct belfry_option *with_examples(struct arena *arena, const struct belfry_option *table, const char *at)
{
    size_t count = 0;
    while (table[count].struct_size)
        count++;
    struct belfry_option *copy = arena_memdup(arena, table, (count + 1) * sizeof(*copy));
    for (size_t i = 0; i < count; i++) {
        const char *path = copy[i].name ? arena_printf(arena, "%s%s%s", at, *at ? "." : "", copy[i].name) : at;
        const char *example = copy[i].name ? find_example(examples, path) : NULL;
        if (copy[i].children)
            copy[i].children = with_examples(arena, copy[i].children, path);
        if (!example)
            continue;
        copy[i].def = example;
        if (!(copy[i].flags & BELFRY_OPT_REQUIRED))
            copy[i].requires_ = "-";
    }
    return copy;
}

static void put_table(struct arena *arena, const struct belfry_option *table, const char *at, int indent,
                      struct buf *out)
{
    option_sample(with_examples(arena, table, at), indent, out);
}

/* --- parts ------------------------------------------------------------------------------------------------------- */

/* A table whose rows are all comments, under a key that is a comment itself. */
static void put_comments(struct arena *arena, int indent, const char *key, const char *doc,
                         const struct belfry_option *table, struct buf *out)
{
    const struct belfry_option row[] = {{.struct_size = sizeof(struct belfry_option),
                                         .type = BELFRY_OPT_OBJECT,
                                         .flags = BELFRY_OPT_POINTER,
                                         .name = key,
                                         .doc = doc,
                                         .children = table},
                                        OPTION_END};
    put_table(arena, row, "", indent, out);
}

static void put_head(struct buf *out)
{
    buf_addz(out,
             "# SPDX-License-Identifier: Apache-2.0\n"
             "# Every key of a Belfry configuration, with its default. Made by `belfry sample`.\n"
             "# What is commented out has no default; the value shown is an example.\n"
             "#\n"
             "# Secrets are written ${env:NAME}, ${file:/path} or ${cred:NAME}, never into the file.\n"
             "# Keys that begin with x- are free at the top level, for anchors.\n\n"
             "# Version of the language.\nversion: 1\n\n"
             "# Further files, relative to this one, in the order of their names. Hidden files and files that are\n"
             "# not *.yaml are ignored; a pattern that matches nothing is fine.\n"
             "include: [conf.d/*.yaml]\n\n");
}

static void put_people(struct arena *arena, struct buf *out)
{
    buf_addz(out, "# Who may call.\nauth:\n");
    put_comments(arena, 2, "jwt", "Keys that sign for people.", config_jwt_table, out);
    put_table(arena, config_token_list, "", 2, out);
    put_table(arena, config_auth_table, "auth", 2, out);
    buf_addz(out, "\n# Tenants, by name; \"*\" admits every org that a token with org \"*\" names.\norgs:\n  acme:\n");
    put_table(arena, config_org_table, "org", 4, out);
    put_comments(arena, 4, "jwt", "Keys that sign for people of this org only.", config_jwt_table, out);
    buf_addz(out, "    # People, by username. Those that YAML does not name come through the API, or sign in.\n"
                  "    users:\n      ann:\n");
    put_table(arena, config_user_table, "user", 8, out);
    buf_addz(out,
             "\n# How events are grouped for people. Categories of plugins exist without being listed; an entry adds "
             "to\n# or restricts them.\ncategories:\n  CALC_BLOCKED:\n");
    put_table(arena, config_category_table, "category", 4, out);
}

/* `hook` is read outside of the table, for its `data` is free. */
static struct belfry_option *with_hook(struct arena *arena, const struct belfry_option *table)
{
    const struct belfry_option row[] = {
        ELEMENT(OBJECT, .flags = BELFRY_OPT_POINTER, .name = "hook",
                .children = with_examples(arena, config_hook_options(arena), "instance.hook"),
                .doc = "What trigger becomes of what is posted to its hook; needs `verify`."),
        OPTION_END};
    size_t count = 0;
    while (table[count].struct_size)
        count++;
    struct belfry_option *out = arena_alloc(arena, (count + 2) * sizeof(*out));
    memcpy(out, table, count * sizeof(*out));
    memcpy(out + count, row, sizeof(row));
    return out;
}

/* One instance of every plugin with the role, named as the plugin. Returns a name that rules can refer to, or NULL. */
static const char *put_instances(struct arena *arena, const char *search, int channel, struct buf *out)
{
    const char *name = NULL;
    const char *const *ids;
    size_t count = plugin_list(arena, search, &ids), put = 0;
    for (size_t i = 0; i < count; i++) {
        struct error err = {0};
        const char *path = plugin_find(arena, search, ids[i]);
        const struct plugin *plugin = path ? plugin_read_sidecar(arena, path, &err) : NULL;
        error_clear(&err);
        if (!plugin || (channel ? !plugin->delivery : !plugin->source))
            continue;
        size_t size, common;
        struct belfry_option *table =
            with_examples(arena, config_instance_options(arena, plugin, channel, &size, &common), "instance");
        for (size_t k = 0; table[k].struct_size; k++) {
            const char *shown = find_example(live, arena_printf(arena, "%s.%s", plugin->id, table[k].name));
            if (strcmp(table[k].name, "plugin") == 0) {
                table[k].def = plugin->id;
            } else if (shown) {
                table[k].def = shown;
                table[k].conflicts = NULL; /* what it conflicts with is a comment */
            }
        }
        if (!channel)
            table = with_hook(arena, table);
        if (put++ == 0)
            buf_addf(out, "%s:\n", config_sections[channel ? SECTION_CHANNELS : SECTION_SOURCES]);
        if (plugin->summary)
            buf_addf(out, "  # %s\n", plugin->summary);
        buf_addf(out, "  %s:\n", plugin->id);
        option_sample(table, 4, out);
        if (!name || strcmp(plugin->id, "in-app") == 0)
            name = plugin->id;
    }
    if (put == 0)
        buf_addf(out, "%s: {}\n", config_sections[channel ? SECTION_CHANNELS : SECTION_SOURCES]);
    return name;
}

/* The rules as one table: that of the core's keys, conditions, and deliveries to a channel that is there. */
static void put_rules(struct arena *arena, const char *channel, struct buf *out)
{
    struct belfry_option *deliver = with_examples(arena, config_deliver_table, "rules.deliver");
    deliver[0].def = channel;
    const struct belfry_option delivery[] = {ELEMENT(OBJECT, .children = deliver), OPTION_END};
    const struct belfry_option more[] = {
        ELEMENT(CONDITION, .name = "when", .flags = BELFRY_OPT_REQUIRED,
                .doc =
                    "Which events: a map means and, a list means or; `{}` is all. Paths: org source type category "
                    "severity subject actor time data.*; operators: eq ne in not_in prefix suffix contains glob regex "
                    "gt gte lt lte between exists not; blocks: any all not."),
        ELEMENT(CONDITION, .name = "unless", .doc = "Events that are left out, in the same language."),
        ELEMENT(LIST, .name = "deliver", .flags = BELFRY_OPT_REQUIRED, .children = channel ? delivery : NULL,
                .def = channel ? NULL : "[]",
                .doc = "Channels: a list of names, or of maps as here; `[]` is nobody, on purpose."),
    };
    struct belfry_option rule[16] = {{0}};
    size_t own = 0;
    while (config_rule_table[own].struct_size)
        own++;
    memcpy(rule, config_rule_table, own * sizeof(*rule));
    memcpy(rule + own, more, sizeof(more));
    const struct belfry_option item[] = {ELEMENT(OBJECT, .children = rule), OPTION_END};
    const struct belfry_option rules[] = {
        ELEMENT(LIST, .name = "rules", .flags = BELFRY_OPT_REQUIRED, .children = item), OPTION_END};
    buf_addz(out, "\n# Quiet hours. Critical severity and required categories pass them.\nschedules:\n  night:\n");
    put_table(arena, config_schedule_table, "night", 4, out);
    buf_addz(out, "\n# Which events go where. Every rule that matches fires; the order matters only for `stop`.\n");
    put_table(arena, rules, "", 0, out);
    buf_addf(out, "\n# Mandatory: what happens to an event that no rule matches.\nunmatched:\n  deliver: [%s]\n",
             channel ? channel : "");
}

static void put_retention(struct buf *out)
{
    const char *key, *def, *doc;
    buf_addz(out,
             "\n# How long what is kept: days, weeks or `forever`. What a kept row links to stays too.\nretention:\n");
    for (size_t i = 0; i < config_retention_row(i, &key, &def, &doc); i++)
        buf_addf(out, "  # %s\n  %s: %s\n", doc, key, def);
}

void config_sample(const char *plugin_path, struct buf *out)
{
    struct arena *arena = arena_new(0);
    put_head(out);
    buf_addz(out, "# The process.\nhub:\n");
    put_table(arena, config_hub_table, "hub", 2, out);
    buf_addz(out, "\n");
    put_people(arena, out);
    buf_addz(out, "\n# Where events come from.\n");
    put_instances(arena, plugin_path, 0, out);
    buf_addz(out, "\n# Where notifications go.\n");
    const char *channel = put_instances(arena, plugin_path, 1, out);
    put_rules(arena, channel, out);
    put_retention(out);
    arena_free(arena);
}
