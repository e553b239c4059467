/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `orgs`: tenants and the people that YAML names. A person in YAML is read-only in the API, so each remembers the line.
 * The entry `*` admits every org that a token for all orgs names; it has no people.
 */
#include "config/build.h"

#include "event/event.h"

#include <stdlib.h>

struct user_options {
    const char *name, *email, *locale, *timezone;
    struct belfry_list roles;
};

struct org_options {
    const char *timezone;
};

static const struct belfry_option roles_element[] = {ELEMENT(STRING, .min = 1, .max = 128), OPTION_END};

#define USER(opt_type, key, ...) OPTION(struct user_options, opt_type, #key, key, __VA_ARGS__)

const struct belfry_option config_user_table[] = {
    USER(STRING, name, .max = 300, .doc = "How the person is shown; the username when absent."),
    USER(STRING, email, .max = 254, .doc = "Address for mail."),
    USER(LIST, roles, .flags = BELFRY_OPT_SCALAR_LIST, .children = roles_element,
         .doc = "Roles that `role:` recipients and `visible_to` mean."),
    USER(STRING, locale, .max = 35, .doc = "BCP 47 language of texts: de, en-GB."),
    USER(STRING, timezone, .doc = "IANA zone; the org's when absent."),
    OPTION_END,
};

const struct belfry_option config_org_table[] = {
    OPTION(struct org_options, STRING, "timezone", timezone, .doc = "IANA zone; the hub's when absent."),
    OPTION_END,
};

/* --- people ------------------------------------------------------------------------------------------------------ */

/* Letters and digits in groups of up to eight, RFC 5646 section 2.1 as far as a typo can be told. */
int config_is_locale(struct belfry_str s)
{
    size_t group = 0;
    for (size_t i = 0; i <= s.len; i++) {
        if (i == s.len || s.ptr[i] == '-') {
            if (group == 0 || group > 8)
                return 0;
            group = 0;
            continue;
        }
        char c = s.ptr[i];
        if (!((c | 32) >= 'a' && (c | 32) <= 'z') && !(c >= '0' && c <= '9'))
            return 0;
        group++;
    }
    return s.len >= 2;
}

static void check_user(struct config_build *b, const struct yaml_node *map)
{
    const struct yaml_node *email = yaml_get(map, "email"), *locale = yaml_get(map, "locale");
    if (config_is_text(email) && !email->unresolved && !address_valid(email->text))
        config_error(b, "H204", email, "`%s` is no mail address", config_show(b, email->text));
    if (config_is_text(locale) && !config_is_locale(locale->text)) {
        struct diag *d = config_error(b, "H204", locale, "`%s` is no language tag", config_show(b, locale->text));
        diag_help(b->diags, d, "write it as in BCP 47: de, en-GB, pt-BR");
    }
    config_check_timezone(b, yaml_get(map, "timezone"));
}

static void fill_user(struct config_build *b, const struct yaml_pair *pair, struct config_user *user)
{
    const struct user_options *in = config_fill(b, config_user_table, pair->value, sizeof(*in), NULL, 0);
    user->username = arena_strndup(b->arena, pair->key->text.ptr, pair->key->text.len);
    user->span = pair->key->span;
    if (!in)
        return;
    if (in->name)
        user->name = text_line(b->arena, str_of(in->name)).ptr; /* stands in mails and lists, as an API's does */
    user->email = in->email;
    user->locale = in->locale;
    user->timezone = in->timezone;
    config_build_names(b, &in->roles, &user->roles);
}

static int by_username(const void *a, const void *c)
{
    return strcmp(((const struct config_user *)a)->username, ((const struct config_user *)c)->username);
}

static void build_users(struct config_build *b, const struct yaml_node *node, struct config_org *org)
{
    if (!node || (node->kind == YAML_SCALAR && node->scalar == YAML_NULL))
        return;
    if (node->kind != YAML_MAP) {
        struct diag *d = config_error(b, "H210", node, "`users` must be a map of usernames, not %s",
                                      yaml_describe(diag_arena(b->diags), node));
        diag_help(b->diags, d, "write `users: {ann: {email: ann@example.org}}`");
        return;
    }
    if (strcmp(org->name, "*") == 0 && node->count) {
        config_error(b, "H211", node->pairs[0].key, "the org `*` stands for every org and cannot have people");
        return;
    }
    struct config_user *users = arena_alloc(b->arena, (node->count + 1) * sizeof(*users));
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_pair *pair = &node->pairs[i];
        const char *fault = config_username_fault(pair->key->text);
        if (fault) {
            struct diag *d =
                config_error(b, "H214", pair->key, "the username `%s` %s", config_show(b, pair->key->text), fault);
            d->path = yaml_path(diag_arena(b->diags), pair->value);
        }
        check_user(b, pair->value);
        fill_user(b, pair, &users[i]);
    }
    qsort(users, node->count, sizeof(*users), by_username);
    org->users = users;
    org->user_count = node->count;
}

/* --- orgs -------------------------------------------------------------------------------------------------------- */

static void build_org(struct config_build *b, const struct yaml_pair *pair, struct config_org *org)
{
    static const char *const also[] = {"users", "jwt"};
    const struct yaml_node *map = pair->value, *jwt = yaml_get(map, "jwt");
    int every = str_eqz(pair->key->text, "*");
    const char *fault = every ? NULL : config_org_name_fault(pair->key->text);
    if (fault) {
        struct diag *d =
            config_error(b, "H214", pair->key, "the org name `%s` %s", config_show(b, pair->key->text), fault);
        d->path = yaml_path(diag_arena(b->diags), map);
        char *lower = arena_strndup(diag_arena(b->diags), pair->key->text.ptr, pair->key->text.len);
        for (char *p = lower; *p; p++)
            *p = *p == '_' || *p == ' ' ? '-' : (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
        if (!config_org_name_fault(str_of(lower)) && !str_eqz(pair->key->text, lower))
            diag_suggest(b->diags, d, lower);
    }
    org->name = arena_strndup(b->arena, pair->key->text.ptr, pair->key->text.len);
    const struct org_options *in = config_fill(b, config_org_table, map, sizeof(*in), also, 2);
    org->timezone = in ? in->timezone : NULL;
    config_check_timezone(b, yaml_get(map, "timezone"));
    build_users(b, yaml_get(map, "users"), org);
    if (jwt && every) {
        struct diag *d = config_error(b, "H211", yaml_pair(map, "jwt")->key, "the org `*` cannot have its own `jwt`");
        diag_help(b->diags, d, "keys that may sign for every org belong in `auth.jwt`");
    } else if (jwt) {
        config_build_jwt(b, jwt, org->name, &org->jwt);
    }
}

static int by_name(const void *a, const void *c)
{
    return strcmp(((const struct config_org *)a)->name, ((const struct config_org *)c)->name);
}

static void report_no_org(struct config_build *b)
{
    const struct yaml_pair *pair = yaml_pair(b->root, "orgs");
    if (config_is_partial(b, SECTION_ORGS))
        return;
    struct diag *d = pair ? config_error(b, "H202", pair->key, "`orgs` names no org; nothing could be sent to this hub")
                          : config_file_error(b, "H202", "the key `orgs` is missing");
    diag_help(b->diags, d, "name at least one tenant: `orgs: {acme: {}}`");
}

void config_build_orgs(struct config_build *b)
{
    const struct yaml_node *map = config_map(b, SECTION_ORGS);
    if (!map || map->count == 0)
        report_no_org(b);
    if (!map)
        return;
    struct config_org *orgs = arena_alloc(b->arena, (map->count + 1) * sizeof(*orgs));
    for (size_t i = 0; i < map->count; i++) {
        build_org(b, &map->pairs[i], &orgs[i]);
        b->any_org |= strcmp(orgs[i].name, "*") == 0;
    }
    qsort(orgs, map->count, sizeof(*orgs), by_name);
    b->config->orgs = orgs;
    b->config->org_count = map->count;
}
