/* SPDX-License-Identifier: Apache-2.0 */
/* The hub: wires the rooms, starts, reloads and stops them. Everything here is [loop]. */
#ifndef HUB_HUB_H
#define HUB_HUB_H

#include "host/host.h"

struct hub;

struct hub_options {
    const char *config_path;
    const char *clock_socket; /* test builds: a virtual clock, driven over this socket; NULL: real time */
};

/* Exit codes of the daemon. */
enum { HUB_EXIT_OK = 0, HUB_EXIT_ERROR = 1, HUB_EXIT_CONFIG = 78 };

/* Runs until SIGTERM or SIGINT. Returns an exit code; what went wrong is on standard error. */
int hub_run(const struct hub_options *options);

/* --- inside the room ---------------------------------------------------------------------------------------------- */

struct hub_reload_result {
    uint32_t status; /* 200 or 422, 503 when another reload is under way and could not be joined */
    json_t *body;    /* new reference */
};
/* Reads, checks, prepares, commits, swaps. done once. Reloads that come while one runs wait for their turn. */
void hub_reload(struct hub *hub, const char *actor, void (*done)(void *arg, struct hub_reload_result *result),
                void *arg);

struct hub_parts {
    uv_loop_t *loop;
    struct clock_src *clock;
    struct store *store;
    struct store_readers *readers;
    struct ledger *ledger;
    struct client *client;
    struct dispatch *dispatch;
    struct http *http;
    struct host *host;
};
struct hub_parts *hub_parts(struct hub *hub);
struct config *hub_config(const struct hub *hub);
/* The generation in force, for dry runs; valid until the next reload's commit: use it under hub_generation_hold. */
struct ledger_generation *hub_generation(struct hub *hub);
void hub_generation_hold(struct ledger_generation *generation);
void hub_generation_release(struct ledger_generation *generation);
const uint8_t *hub_secret(const struct hub *hub);
/* An event of the hub itself (hub.config_rejected, ...), to role:admin of every org, or of one. */
void hub_alarm(struct hub *hub, const char *type, struct belfry_str org, struct belfry_str subject, const char *text);
int hub_stopping(const struct hub *hub);
int64_t hub_started_ms(const struct hub *hub);
/* Is anything due or under way at the present clock? For the virtual clock. */
int hub_idle(struct hub *hub);

/* Routes, each in a file of its own. */
belfry_status hub_health_init(struct hub *hub, struct error *err); /* /healthz, /readyz, /metrics */
belfry_status hub_admin_init(struct hub *hub, struct error *err);  /* /v1/admin/... */
belfry_status hub_events_init(struct hub *hub, struct error *err); /* /v1/{org}/events, explain */
belfry_status hub_deliveries_init(struct hub *hub, struct error *err);
belfry_status hub_redrive_init(struct hub *hub, struct error *err); /* retry, cancel, discard */
belfry_status hub_runs_init(struct hub *hub, struct error *err);    /* /{org}/runs */
belfry_status hub_users_init(struct hub *hub, struct error *err);
belfry_status hub_preferences_init(struct hub *hub, struct error *err);
belfry_status hub_feeds_view_init(struct hub *hub, struct error *err); /* /v1/admin/feeds */
/* What the console asks for: /v1/{org}/ audit, events/{id}/reveal, endpoints, plugins, categories, event-types,
 * overview. */
belfry_status hub_audit_init(struct hub *hub, struct error *err);
/* /v1/{org}/suppressions */
belfry_status hub_suppressions_init(struct hub *hub, struct error *err);
belfry_status hub_reveal_init(struct hub *hub, struct error *err);
belfry_status hub_endpoints_init(struct hub *hub, struct error *err);
belfry_status hub_portal_init(struct hub *hub, struct error *err); /* /v1/{org}/portal-links */
belfry_status hub_catalogue_init(struct hub *hub, struct error *err);
belfry_status hub_event_types_init(struct hub *hub, struct error *err);
belfry_status hub_audience_init(struct hub *hub, struct error *err);
belfry_status hub_overview_init(struct hub *hub, struct error *err);
belfry_status hub_hooks_init(struct hub *hub, struct error *err);   /* /v1/{org}/sources/{source}/hook */
belfry_status hub_openapi_init(struct hub *hub, struct error *err); /* /openapi.json */
/* The virtual clock's socket. NULL path: nothing. */
belfry_status hub_clock_init(struct hub *hub, const char *path, struct error *err);
void hub_clock_fini(struct hub *hub);

/* Numbers that a reload leaves, for /metrics. */
struct hub_reload_numbers {
    uint64_t ok, failed;
    int last_ok;
    int64_t last_ok_ms;
    int restart_required;
};
const struct hub_reload_numbers *hub_reload_numbers(const struct hub *hub);

#endif
