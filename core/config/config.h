/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A configuration generation: one YAML file with its includes, checked, compiled and immutable. Reference-counted (any
 * thread), because deliveries in flight finish under the generation that they began with.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "base/arena.h"
#include "match/match.h"
#include "plugin/plugin.h"
#include "yaml/tree.h"

struct config_names { /* sorted by byte */
    const char *const *items;
    size_t count;
};

struct config_verify;
struct config_hook;

struct config_hub {
    const char *const *listen; /* "127.0.0.1:8420", "[::1]:8420" */
    size_t listen_count;
    const char *public_url; /* without trailing slash */
    const char *data_dir;
    const char *timezone; /* IANA */
    const char *plugin_path;
    const char *tls_cert, *tls_key; /* NULL: none */
    struct config_names trusted_proxies, allowed_origins;
    uint8_t has_secret;
    uint8_t secret[32];
    uint8_t metrics_by_org;
    struct {                       /* hub.limits; defaults in parentheses */
        int64_t event_bytes;       /* 512 KiB */
        int64_t request_bytes;     /* 8 MiB */
        int64_t batch_events;      /* 1000 */
        int64_t connections;       /* 12000 */
        int64_t pending_bytes;     /* 64 MiB of requests waiting for the ledger: then 503 */
        int64_t pending_triggers;  /* 20000 */
        int64_t per_token_rate;    /* triggers a minute, 0: none: then 429 */
        int64_t disk_floor_bytes;  /* 64 MiB free: below it 503 */
        int64_t endpoints_per_org; /* 10000: then 409 */
    } limits;
};

struct config_key { /* a secret of auth.jwt.hs256 */
    const char *bytes;
    size_t len;
};

struct config_jwt {
    const struct config_key *hs256;
    size_t hs256_count;
    const char *jwks;     /* path or URL; NULL: none */
    const char *only_org; /* orgs.X.jwt: may sign for X only; NULL for auth.jwt */
};

enum {
    CONFIG_MAY_TRIGGER_ALL = 1,
    CONFIG_MAY_USERS = 2,
    CONFIG_MAY_ENDPOINTS = 4,
    CONFIG_MAY_ENDPOINTS_OWN = 8,
    CONFIG_MAY_READ = 16,
    CONFIG_MAY_ADMIN = 32,
    CONFIG_MAY_OPERATOR = 64
};

struct config_token {
    const char *name;
    const char *org; /* "*": every org of the configuration */
    const char *secret;
    size_t secret_len;
    uint32_t may;                    /* CONFIG_MAY_* */
    struct config_names may_trigger; /* source names of trigger:<source> */
};

struct config_user {
    const char *username, *name, *email, *locale, *timezone;
    struct config_names roles;
    struct diag_span span; /* for "409 naming the line" */
};

struct config_org {
    const char *name;                /* "*": any org that a "*" token names */
    const char *timezone;            /* NULL: the hub's */
    const struct config_user *users; /* sorted by username */
    size_t user_count;
    struct config_jwt jwt; /* hs256_count 0 and jwks NULL: none */
};

enum config_email { CONFIG_EMAIL_OFF, CONFIG_EMAIL_UNSEEN, CONFIG_EMAIL_DIGEST };

struct config_category {
    const char *name;
    const char *label; /* English, or whatever the configuration says; config_label() for people */
    const struct belfry_category_text *texts; /* the plugin's label in other languages; NULL: none, or not its label */
    struct config_names visible_to;           /* roles; count 0: everybody */
    struct config_names actions_for;
    uint8_t required, webhooks;
    enum config_email email;
};

/* A source or a channel. */
struct config_instance {
    const char *name;
    const char *was; /* old name, or NULL */
    const struct plugin *plugin;
    const void *options;      /* plugin->desc.config_size bytes */
    struct config_names orgs; /* count 0: all */
    uint64_t hash;            /* of its canonical configuration, secrets resolved: equal means unchanged */
    struct diag_span span;
    uint32_t index; /* position among sources or channels */
    /* sources only: feed */
    const char *feed_url, *feed_token;
    int64_t feed_every_ms;
    const char *feed_org;
    const struct config_verify *verify; /* config/hook.h; NULL: it has no hook */
    const struct config_hook *hook;     /* NULL: its hook takes CloudEvents */
    struct belfry_strs reads;           /* sources that need belfry.rules/1: paths below data that rules read; sorted */
};

enum { CONFIG_UNLESS_SEEN = 1, CONFIG_UNLESS_READ = 2, CONFIG_UNLESS_HANDLED = 4, CONFIG_UNLESS_HIDDEN = 8 };

struct config_recipient {
    uint32_t kind; /* BELFRY_TO_USER, ROLE, EMAIL, or CONFIG_TO_AUDIENCE */
    const char *name;
};
enum { CONFIG_TO_AUDIENCE = 100 };

struct config_deliver {
    const struct config_instance *channel;
    const struct config_recipient *to;
    size_t to_count; /* 0: the audience */
    int64_t after_ms;
    uint32_t unless; /* CONFIG_UNLESS_* */
    uint32_t index;  /* position in the rule */
};

struct config_rule {
    const char *name;                    /* "unmatched" for that block */
    const struct belfry_condition *when; /* NULL: all */
    const struct belfry_condition *but;  /* rules[].unless as a condition; NULL: none */
    const struct config_deliver *deliver;
    size_t deliver_count; /* 0: explicit nobody, outcome dropped_by_rule */
    struct config_names orgs;
    uint8_t stop;
    const char *schedule; /* quiet hours of this rule; NULL: none */
    struct diag_span span;
    uint32_t index;
};

struct config_schedule {
    const char *name;
    int32_t from_min, to_min; /* minutes since midnight; from > to crosses it */
    uint32_t weekdays;        /* bit 0 = Monday */
};

struct config_retention { /* days; 0: for ever */
    int32_t inbox, runs, events, attempts, decisions, dedupe;
};

struct config {
    uint64_t generation; /* given when it is put in force */
    uint8_t sha256[32];  /* of the files as read */
    struct arena *arena;
    struct diag_set *diags; /* kept: spans name files */
    struct config_hub hub;
    struct config_jwt jwt;
    const char *login_url, *metrics_token;
    const struct config_token *tokens;
    size_t token_count;
    const struct config_org *orgs; /* sorted */
    size_t org_count;
    const struct config_category *categories; /* YAML's and those that plugins declare, sorted by name */
    size_t category_count;
    const struct config_instance *sources, *channels; /* in file order */
    size_t source_count, channel_count;
    const struct config_rule *rules; /* in file order */
    size_t rule_count;
    struct config_rule unmatched;
    const struct config_schedule *schedules;
    size_t schedule_count;
    struct config_retention retention;
    const char *path;
    /* The sections of all files as one tree, secrets resolved in CONFIG_RUN: for config_describe and config_diff. Never
     * shown as it is. */
    const struct yaml_node *root;
    uint32_t refs; /* atomic */
};

enum config_mode {
    CONFIG_CHECK, /* offline: sidecars only, secrets may be missing */
    CONFIG_RUN    /* plugins loaded, secrets required */
};

/*
 * Reads, checks and compiles. Always fills *diags (new, freed with diag_set_free unless the configuration keeps it);
 * returns the configuration with one reference, or NULL when there is an error. has_ext is used in CONFIG_RUN. [loop]
 */
struct config *config_load(const char *path, enum config_mode mode, plugin_has_ext_fn has_ext, struct diag_set **diags);
/* 1 when the host of a URL is the number of an address that nothing is sent to, unless it is in one of the ranges of
 * allow, which ends at NULL. 0 for names. Whoever connects judges that (client_url_refused()). */
typedef int config_refused_fn(const char *url, const char *const *allow);
/* The same in CONFIG_CHECK for each of several files, `-` being standard input; each is a configuration of its own, all
 * report to one set. Returns the first of them, or NULL when any has an error. For `belfry check FILE...`, which says
 * what a plugin that runs would say to the log: refused is asked about endpoints; NULL: nobody is. [loop] */
struct config *config_check(const char *const *paths, size_t count, config_refused_fn *refused,
                            struct diag_set **diags);

struct config *config_ref(struct config *config); /* [any] */
void config_unref(struct config *config);         /* [any] */

const struct config_org *config_org(const struct config *config, struct belfry_str name);
/* NULL, or the org's own entry, or that of "*" */
const struct config_user *config_user(const struct config *config, struct belfry_str org, struct belfry_str username);
const struct config_category *config_category(const struct config *config, struct belfry_str name);
const struct config_instance *config_source(const struct config *config, struct belfry_str name);
const struct config_instance *config_channel(const struct config *config, struct belfry_str name);
/* What conditions on events may read, of rules and of endpoints; ends at NULL. */
extern const char *const config_event_paths[];
/* 1 when an endpoint may ask for such event types: words of letters, digits, _ and - with dots between, the last of
 * them perhaps `*`; or `*` alone. At most 200 bytes. [any] */
int config_type_pattern(struct belfry_str type);
/* 1 when the instance serves the org. */
int config_serves(const struct config_instance *instance, struct belfry_str org);
/* 1 when there is an org in both lists, of which an empty one is all. */
int config_orgs_meet(const struct config_names *a, const struct config_names *c);
/* 1 when the source serves the org and its plugin has a page of runs, /{org}/runs/{instance}. */
int config_shows_runs(const struct config_instance *source, struct belfry_str org);
int config_names_has(const struct config_names *names, struct belfry_str name);
/* The hour of the day at which the channel's digests go out to whoever chose none: its option `digest_hour`, if it has
 * one. [any] */
#define CONFIG_DIGEST_HOUR 8
int config_digest_hour(const struct config_instance *channel);
/* A category's label in the language of a locale ("de-AT"), as long as the configuration lives. [any] */
struct belfry_str config_label(const struct config_category *category, struct belfry_str locale);
/* 1 when a category is visible to somebody with these roles. */
int config_visible(const struct config_category *category, const struct belfry_strs *roles);
/* 1 when somebody with these roles may take the actions of events of the category; NULL: one that nobody knows. */
int config_may_act(const struct config_category *category, const struct belfry_strs *roles);
/* Org names and usernames by the rules of the language: NULL, or what is wrong ("is longer than 128 bytes"; static).
 * [any] */
const char *config_org_name_fault(struct belfry_str name);
const char *config_username_fault(struct belfry_str name);

/* JSON Schema of the whole language with the plugins on the path. New reference. */
json_t *config_schema(const char *plugin_path);
/* Commented YAML with every key and every plugin on the path: config/full.yaml. */
void config_sample(const char *plugin_path, struct buf *out);
/* The name of a file of it, for people who may not know where on the machine it lies: relative to the main file, or its
 * last part when it is elsewhere. NULL: it is none. */
const char *config_file_shown(const struct config *config, uint32_t file);
/* The configuration as text with secrets replaced, for GET /v1/admin/config. New reference. */
json_t *config_describe(const struct config *config);
/* One channel's part of it, and a URL as it is shown there: without user, password and query. New references. */
json_t *config_describe_channel(const struct config *config, const char *name);
json_t *config_describe_url(struct belfry_str url);
/* Where an endpoint of that name stands in a channel's `endpoints`; where the channel does when it is not there. */
struct diag_span config_endpoint_span(const struct config_instance *channel, const struct config *config,
                                      struct belfry_str name);
/* What differs, for the answer of a reload: {"rules":"+1~2-0",...} and, through restart, settings that differ from
 * those that the process started with and still runs under. */
json_t *config_diff(const struct config *started, const struct config *before, const struct config *after,
                    json_t **restart_required);

#endif
