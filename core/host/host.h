/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables that plugins call, and the life cycle of their instances. Everything here is [loop] unless it says
 * otherwise. What an instance registered (routes, timers, watches, subscriptions) belongs to the host and is dropped
 * when the instance has stopped; what it left behind is logged as a leak.
 */
#ifndef HOST_HOST_H
#define HOST_HOST_H

#include "client/client.h"
#include "dispatch/dispatch.h"
#include "http/http.h"
#include "ledger/feed.h"
#include "ledger/ledger.h"

#include <belfry/host.h>

struct host;

struct host_settings {
    uv_loop_t *loop;
    struct clock_src *clock;
    struct store *store;
    struct store_readers *readers;
    struct ledger *ledger;
    struct dispatch *dispatch;
    struct client *client;
    struct http *http;
    const uint8_t *secret; /* hub.secret, 32 bytes */
};

struct host *host_new(const struct host_settings *settings);
/* After the last instance has ended. */
void host_free(struct host *host);
/* How many instances are not destroyed yet. */
unsigned host_instances(const struct host *host);
/* Is the extension offered? For plugin_load. [any] */
int host_has_extension(const char *id);
/* The configuration that extensions consult (categories, people). Keeps a reference. */
void host_configure(struct host *host, struct config *config);
struct config *host_config(const struct host *host);
const struct host_settings *host_parts(const struct host *host);
/* Looks at host timers again after a virtual clock moved. */
void host_poke(struct host *host);
/* Forwarded by the hub from the ledger's news: revisions for tags and streams. */
void host_news(struct host *host, const struct ledger_news *news);
/* Runs what other threads posted. 1 when something was waiting. */
int host_run_posted(struct host *host);

/* Who does what a Refresh is about. All [loop]. */
struct host_jobs {
    /* The job was made, and nothing is done for it yet. */
    void (*begin)(void *arg, int64_t job, struct belfry_str org);
    /* 0 to 99; -1: no job that is under way. */
    int (*progress)(void *arg, int64_t job);
    /* A source said job_done(): what it was given as job_id. */
    void (*done)(void *arg, const char *instance, uint64_t id, belfry_status status);
};
void host_set_jobs(struct host *host, const struct host_jobs *jobs, void *arg);

/* What an instance said of a message that its take() was given. detail: one line. Null: nobody asks. [loop] */
typedef void host_feedback_fn(void *arg, const char *instance, uint64_t id, uint32_t outcome, struct belfry_str detail);
void host_set_feedback(struct host *host, host_feedback_fn *fn, void *arg);

/* --- instances ---------------------------------------------------------------------------------------------------- */

struct host_instance;

/* create(): the plugin's fault is in err. Holds a reference to config until freed. */
struct host_instance *host_instance_new(struct host *host, struct config *config, const struct config_instance *ci,
                                        struct error *err);
/* Mounts its routes, then start(). */
belfry_status host_instance_start(struct host_instance *instance, struct error *err);
/* stop(), wait for stopped() (at most 10 s), drop what is left, destroy(), then done and the instance is freed. */
void host_instance_stop(struct host_instance *instance, void (*done)(void *arg), void *arg);
/* reload() with options of a new configuration: ECANCELED when the plugin has none. */
belfry_status host_instance_reload(struct host_instance *instance, struct config *config,
                                   const struct config_instance *ci, struct error *err);
/* Takes its routes off the server, and puts them back: a reload starts the successor on the same paths first. */
void host_instance_unmount(struct host_instance *instance);
belfry_status host_instance_mount(struct host_instance *instance, struct error *err);
const struct config_instance *host_instance_config(const struct host_instance *instance);
const struct belfry_host *host_instance_table(const struct host_instance *instance);
void *host_instance_self(const struct host_instance *instance);

/* --- inside the room ---------------------------------------------------------------------------------------------- */

struct host_instance *host_instance_of(const struct belfry_host *table);
struct host *host_of(const struct belfry_host *table);
/* 1 on the loop's thread; 0 after the misuse was counted (R01): the call must have no effect. [any] */
int host_on_loop(const struct belfry_host *table, const char *call);
/* The same for calls that are made with a request. */
int host_request_on_loop(const struct belfry_http_request *req, const char *call);
/* fn(arg) on a later turn of the loop. [any] */
void host_post(struct host *host, void (*fn)(void *arg), void *arg);
/* Things of an instance that end with it: fn is called once unless the handle is dropped before. */
struct host_thing {
    struct list node;
    uint64_t id;
    struct host_instance *instance;
    const char *what; /* "timer", for the leak's log line */
    void (*drop)(struct host_thing *thing);
};
uint64_t host_thing_add(struct host_instance *instance, struct host_thing *thing, const char *what,
                        void (*drop)(struct host_thing *thing));
struct host_thing *host_thing_find(struct host_instance *instance, uint64_t id, const char *what);
void host_thing_remove(struct host_thing *thing); /* unlinks; the caller frees */

extern const struct belfry_timer_api host_timer_api;
extern const struct belfry_match_api host_match_api;
extern const struct belfry_rules_api host_rules_api;
extern const struct belfry_template_api host_template_api;
extern const struct belfry_http_route_api host_http_route_api;
extern const struct belfry_inbox_api host_inbox_api;
extern const struct belfry_targets_api host_targets_api;
extern const struct belfry_http_client_api host_http_client_api;
extern const struct belfry_smtp_client_api host_smtp_client_api;
extern const struct belfry_worker_api host_worker_api;
extern const struct belfry_fd_api host_fd_api;
extern const struct belfry_metrics_api host_metrics_api;
extern const struct belfry_secret_api host_secret_api;
extern const struct belfry_site_api host_site_api;
extern const struct belfry_alarm_api host_alarm_api;
extern const struct belfry_state_api host_state_api;
extern const struct belfry_directory_api host_directory_api;
extern const struct belfry_asset_api host_asset_api;
extern const struct belfry_job_api host_job_api;
extern const struct belfry_pages_api host_pages_api;
extern const struct belfry_samples_api host_samples_api;
extern const struct belfry_preferences_api host_preferences_api;
extern const struct belfry_addresses_api host_addresses_api;
/* The hooks of host_set_jobs. */
void host_jobs_begin(struct host *host, int64_t job, struct belfry_str org);
int host_jobs_progress(struct host *host, int64_t job);
void host_jobs_done(struct host *host, const char *instance, uint64_t id, belfry_status status);
/* The function of host_set_feedback. */
void host_feedback_done(struct host *host, const char *instance, uint64_t id, uint32_t outcome,
                        struct belfry_str detail);

/* The inbox extension's memory of revisions; made by host_new. */
struct host_inbox;
struct host_inbox *host_inbox_new(struct host *host);
void host_inbox_free(struct host_inbox *inbox);
void host_inbox_news(struct host_inbox *inbox, const struct ledger_news *news);
void host_inbox_config(struct host_inbox *inbox, struct config *config); /* tags change with the generation */
/* The directory gives this person these roles now: streams that began with others of it end. */
void host_inbox_roles(struct host_inbox *inbox, struct belfry_str org, struct belfry_str username,
                      const struct belfry_strs *roles);
struct host_inbox *host_inbox(const struct host *host);

#endif
