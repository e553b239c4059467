/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to this room: a configuration while it is being made. Each section has a file that checks it and fills its
 * part of struct config. A section reports what is wrong and goes on, so that one run shows every fault; what is built
 * after an error is thrown away by config_load.
 *
 * The keys of the core are described by option tables like those of plugins, so validation, schema and sample come from
 * one place.
 */
#ifndef CONFIG_BUILD_H
#define CONFIG_BUILD_H

#include "config/config.h"
#include "plugin/option.h"

#include "base/hash.h"

struct config_known { /* names of one kind, each once */
    struct hash *index;
    const char **items; /* malloc'ed */
    size_t count, cap;
};

/* Keys of the top level, in the order of the sample. */
enum config_section {
    SECTION_VERSION,
    SECTION_INCLUDE,
    SECTION_HUB,
    SECTION_AUTH,
    SECTION_ORGS,
    SECTION_CATEGORIES,
    SECTION_SOURCES,
    SECTION_CHANNELS,
    SECTION_SCHEDULES,
    SECTION_RULES,
    SECTION_UNMATCHED,
    SECTION_RETENTION,
    SECTION_COUNT
};
extern const char *const config_sections[SECTION_COUNT + 1]; /* ends at NULL */

struct config_named { /* a name to look at when everything is known */
    const struct yaml_node *node;
    struct config_named *next;
};

struct config_build {
    struct config *config;
    struct arena *arena; /* config->arena */
    struct diag_set *diags;
    enum config_mode mode;
    plugin_has_ext_fn has_ext;
    config_refused_fn *refused;       /* NULL: addresses are not judged */
    const struct yaml_node *root;     /* the sections of all files as one map */
    struct hash *plugins;             /* id -> struct plugin, also those that cannot be used */
    struct hash *keys[SECTION_COUNT]; /* of sections, name -> key node; made when asked for */
    struct config_known roles, users; /* of YAML's people; made when asked for */
    size_t nearest_left;              /* candidates that did-you-mean may still look at: a file of faults stays cheap */
    struct config_named *categories;  /* that options of instances name */
    uint32_t main_file;               /* among the files of diags */
    uint8_t any_org;                  /* orgs has "*" */
    uint8_t blind;                    /* a source has no plugin: its types and categories are not known */
    uint8_t unread;                   /* nothing of a file could be read: any section may lack something */
};

/* --- option tables of the core's own keys ------------------------------------------------------------------------ */

/* One row: OPTION(STRUCT, TYPE, "key", member, more designated members). */
#define OPTION(struct_type, opt_type, key, member, ...)                                                                \
    {                                                                                                                  \
        .struct_size = sizeof(struct belfry_option), .type = BELFRY_OPT_##opt_type, .name = (key),                     \
        .offset = offsetof(struct_type, member), __VA_ARGS__                                                           \
    }
/* The element of a list or map. */
#define ELEMENT(opt_type, ...)                                                                                         \
    {                                                                                                                  \
        .struct_size = sizeof(struct belfry_option), .type = BELFRY_OPT_##opt_type, __VA_ARGS__                        \
    }
#define OPTION_END                                                                                                     \
    {                                                                                                                  \
        .struct_size = 0                                                                                               \
    }

extern const struct belfry_option config_hub_table[], config_auth_table[], config_jwt_table[], config_org_table[],
    config_user_table[], config_category_table[], config_schedule_table[], config_token_list[], config_source_table[],
    config_channel_table[], config_rule_table[], config_deliver_table[], config_verify_table[];
extern const struct belfry_option config_strings[]; /* element: one string */

/* Retention has words beside durations, so it is no option table: row i; returns how many there are. */
size_t config_retention_row(size_t i, const char **key, const char **def, const char **doc);

/* What every source and channel has. In memory it stands behind the struct of the plugin. */
struct config_common {
    const char *plugin, *was;
    struct belfry_list orgs;
    struct config_feed {
        const char *url, *token, *org;
        int64_t every_ms;
    } * feed;                             /* sources only */
    struct config_verify_options *verify; /* the same */
};

/* `verify` as it is written; absent texts are NULL. */
struct config_verify_options {
    int32_t scheme, hash, encoding, key;
    struct belfry_list secret;
    const char *header, *prefix, *separator, *signed_, *timestamp_header, *timestamp_prefix, *id_header;
    int64_t tolerance; /* ms; 0: absent */
};

/* The plugin's options and the keys that every source or channel has, as one table. *size: bytes of the whole struct,
 * *common: where struct config_common begins in it. In arena. */
const struct belfry_option *config_instance_options(struct arena *arena, const struct plugin *plugin, int channel,
                                                    size_t *size, size_t *common);

/* --- sections: each checks its part of the tree ------------------------------------------------------------------ */

/* load.c: reads the files, merges them into b->root. 0, or -1 when nothing could be read. */
int config_read(struct config_build *b, const char *path);

void config_build_hub(struct config_build *b);
void config_build_orgs(struct config_build *b);       /* before all that names orgs */
void config_build_instances(struct config_build *b);  /* sources and channels */
void config_build_categories(struct config_build *b); /* after instances: plugins declare categories */
void config_build_auth(struct config_build *b);       /* after instances: tokens name sources */
void config_build_schedules(struct config_build *b);
void config_build_retention(struct config_build *b);
void config_build_rules(struct config_build *b); /* refers to all others */
void config_build_reads(struct config_build *b); /* last: what the rules read, for sources that ask */
/* The `deliver` of a rule or of unmatched. */
void config_build_deliver(struct config_build *b, const struct yaml_node *map, struct config_rule *rule);
/* Fills out from what is under key `jwt`; org NULL for auth.jwt. */
void config_build_jwt(struct config_build *b, const struct yaml_node *node, const char *org, struct config_jwt *out);
/* tls.c: the files that hub.tls names. */
void config_check_tls(struct config_build *b, const struct yaml_node *tls);
/* lint.c: rules that can never match or that say the same twice. */
void config_lint_rules(struct config_build *b);
/* check_mail.c: channels of mail that could not start. */
void config_check_mail(struct config_build *b);
int config_is_mail(const struct config_instance *channel);
/* The row of an option; NULL: its plugin has none of that name. */
const struct belfry_option *config_mail_option(const struct config_instance *channel, const char *name);
/* 1 when the address names a server that is not on this machine. url may be NULL. */
int config_mail_elsewhere(const struct yaml_node *url);
/* check_webhook.c: channels of webhooks that could not start. */
void config_check_webhook(struct config_build *b);
/* lint_mail.c: mail that large receivers may refuse. */
void config_lint_mail(struct config_build *b);
/* verify.c: how callers of the source's hook prove who they are. options: the filled `verify`. Sets out->verify. */
void config_build_verify(struct config_build *b, const struct yaml_node *map,
                         const struct config_verify_options *options, struct config_instance *out);
/* hook.c: what becomes of what they post; after config_build_verify. Sets out->hook. */
void config_build_hook(struct config_build *b, const struct yaml_node *map, struct config_instance *out);
/* hook_value.c: `data` of a trigger of a hook, with what its paths may begin with. NULL after a diagnostic. */
const struct config_hook_value *config_build_hook_value(struct config_build *b, const struct yaml_node *node,
                                                        int with_item);
/* The segments of a path of a hook, `body.a.0` or `/body/a/0`. 0, or -1 after a diagnostic. */
int config_hook_path(struct config_build *b, const struct yaml_node *node, int with_item, struct belfry_strs *out);
/* Reports a path of a template or condition that can lead nowhere. 0, or -1 after a diagnostic. */
int config_hook_path_fits(struct config_build *b, const struct yaml_node *node, struct belfry_str path, int with_item);
/* The keys of `hook`, for schema and sample: `data`, which is free, stands there as a condition. In arena. */
const struct belfry_option *config_hook_options(struct arena *arena);
/* What templates of a hook may read; ends at NULL. */
extern const char *const config_hook_paths[];
/* secrets.c: marks the values of secret options as not to be shown. After option_fill, which warns of literals. */
void config_mark_secrets(const struct belfry_option *table, const struct yaml_node *map);

/* plugins.c: the plugin an instance names, or NULL after a diagnostic (once for each id). */
const struct plugin *config_plugin(struct config_build *b, const struct yaml_node *name, int channel);

/* --- references (refs.c) ----------------------------------------------------------------------------------------- */

/* Each: 1 when the name exists or cannot be judged, 0 after a diagnostic at node. */
int config_ref_org(struct config_build *b, const struct yaml_node *node);
int config_ref_source(struct config_build *b, const struct yaml_node *node);
int config_ref_channel(struct config_build *b, const struct yaml_node *node);
int config_ref_schedule(struct config_build *b, const struct yaml_node *node);
/* A role or user that nobody has but that is nearly one that somebody has: a warning, a note. */
void config_ref_role(struct config_build *b, const struct yaml_node *node, struct belfry_str role);
void config_ref_user(struct config_build *b, const struct yaml_node *node, struct belfry_str username);
/* Values that the `when` of a rule or an endpoint compares org, source, category and type with. */
void config_ref_condition(struct config_build *b, const struct yaml_node *block);
/* One of an endpoint's `types`: well-formed, exact or a prefix. A warning where no source makes such events. */
void config_ref_types(struct config_build *b, const struct yaml_node *node);
/* The keys of the channels' `templates`: event types, their prefixes, and a few words. */
void config_ref_templates(struct config_build *b);
/* A list of strings as a sorted set. */
void config_build_names(struct config_build *b, const struct belfry_list *list, struct config_names *out);
/* `orgs` of an instance, rule or endpoint, read from the tree so that it is known when other keys of the map are wrong.
 */
void config_build_org_list(struct config_build *b, const struct yaml_node *map, struct config_names *out);

/* str_nearest within the budget of this run. */
const char *config_nearest(struct config_build *b, struct belfry_str word, const char *const *candidates, size_t count);

/* --- reporting and small tools (report.c) ------------------------------------------------------------------------ */

/* At a node; path is set. */
struct diag *config_error(struct config_build *b, const char *code, const struct yaml_node *at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
struct diag *config_warning(struct config_build *b, const char *code, const struct yaml_node *at, const char *format,
                            ...) __attribute__((format(printf, 4, 5)));
struct diag *config_note(struct config_build *b, const char *code, const struct yaml_node *at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* At the main file as a whole. */
struct diag *config_file_error(struct config_build *b, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Text for a message. In the arena of the diagnostics. */
static inline const char *config_show(struct config_build *b, struct belfry_str text)
{
    return diag_show(b->diags, text);
}
/* The top-level section when it is a map (one that is `key:` with nothing is an empty map), else NULL after a
 * diagnostic; NULL without one when it is absent. */
const struct yaml_node *config_map(struct config_build *b, enum config_section section);
/* 1 when names may be missing from a section because a part of it could not be read, which was reported. */
int config_is_partial(const struct config_build *b, enum config_section section);
/* 1 for an absent node and for `key:` with nothing behind it. */
int config_is_nothing(const struct yaml_node *node);
/* The items of a list, or the scalar that stands for a list of one. Returns the count. */
size_t config_items(const struct yaml_node *const *node, const struct yaml_node *const **items);
/* option_fill into zeroed memory of the arena. NULL after an error. */
void *config_fill(struct config_build *b, const struct belfry_option *table, const struct yaml_node *map, size_t size,
                  const char *const *also, size_t also_count);
/* Reports keys that other notification systems use, with what they are called here. The walker that follows must not
 * report them again: they are added to `also`. */
size_t config_foreign_keys(struct config_build *b, const struct yaml_node *map, const char *const (*words)[2],
                           const char **also, size_t max);
/* Names of sources, channels, rules, schedules, tokens: 1, or 0 after H214 at the node. */
int config_check_name(struct config_build *b, const struct yaml_node *node, const char *what);
/* An IANA time zone: 1, or 0 after H208 at the node. */
int config_check_timezone(struct config_build *b, const struct yaml_node *node);
/* http or https, a host, nothing that hides in it. NULL or what is wrong. */
const char *config_origin_fault(struct belfry_str url, int with_path);
/* NULL, or what is wrong with "127.0.0.1:8420", "[::1]:8420". */
const char *config_address_fault(struct belfry_str address);
/* 1 when it is shaped like a language tag of BCP 47. */
int config_is_locale(struct belfry_str s);
const char *config_cidr_fault(struct belfry_str cidr);
/* One word of a sequence in the manner of "a, b and c". In the arena of the diagnostics. */
const char *config_join(struct config_build *b, const char *const *words, size_t count);
/* A scalar that a string option takes (numbers are text too) and that is not empty. One with a byte that could not be
 * read is none: it was reported. */
int config_is_text(const struct yaml_node *node);

#endif
