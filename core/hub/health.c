/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /healthz: "restart me?" - hearts of loop and ledger, nothing else. /readyz: "can triggers be taken durably?" - a dead
 * mail server does not make it fail. /metrics: Prometheus text. All three without credential for local requests.
 */
#include "base/log.h"
#include "base/metrics.h"
#include "hub/internal.h"
#include "store/state.h"
#include "store/story.h"

#include <stdio.h>
#include <unistd.h>

#define HEART_LIMIT_S 15

struct check {
    const char *name;
    const char *fault; /* NULL: fine */
};

static int allowed(struct http_request *req)
{
    if (http_metrics_allowed(req))
        return 1;
    http_problem(req, 401, NULL, "ask from this machine without a proxy, or send auth.metrics_token as Bearer token");
    return 0;
}

static void answer(struct http_request *req, const struct check *checks, size_t count)
{
    struct buf out = {0};
    int bad = 0;
    struct belfry_str verbose;
    int want = http_query(req, "verbose", 0, &verbose) == BELFRY_OK;
    for (size_t i = 0; i < count; i++) {
        bad |= checks[i].fault != NULL;
        if (want || checks[i].fault)
            buf_addf(&out, "%s %s%s%s\n", checks[i].fault ? "FAIL" : "ok", checks[i].name, checks[i].fault ? ": " : "",
                     checks[i].fault ? checks[i].fault : "");
    }
    buf_addz(&out, bad ? "failed\n" : "ok\n");
    http_respond(req, bad ? 503 : 200, "text/plain; charset=utf-8", buf_str(&out), NULL, 0);
    buf_free(&out);
}

static const char *heart_fault(struct hub *hub)
{
    uint64_t beat = ledger_heartbeat(hub->parts.ledger), now = clock_mono_ns(clock_real());
    return now > beat && now - beat > HEART_LIMIT_S * 1000000000ull ? "the ledger thread has not moved for 15 s" : NULL;
}

static void healthz(void *arg, struct http_request *req)
{
    struct hub *hub = arg;
    if (!allowed(req))
        return;
    struct check checks[] = {{"loop", NULL}, {"ledger", heart_fault(hub)}};
    answer(req, checks, 2);
}

static void readyz(void *arg, struct http_request *req)
{
    struct hub *hub = arg;
    if (!allowed(req))
        return;
    struct check checks[] = {
        {"configuration", hub->ready ? NULL : "the first generation is not in force yet"},
        {"ledger", heart_fault(hub)},
        {"database", ledger_ailment(hub->parts.ledger)},
        {"disk", hub_disk_fault(hub)},
        {"draining", hub->stopping ? "the hub is stopping" : NULL},
    };
    answer(req, checks, sizeof(checks) / sizeof(checks[0]));
}

/* --- /metrics ----------------------------------------------------------------------------------------------------- */

static void gauge(const char *name, const char *help, double value)
{
    metric_set(metric_get(metrics_global(), name, help, METRIC_GAUGE, NULL), value);
}

static void labelled(const char *name, const char *help, const char *label, const char *value, double number)
{
    metric_set(metric_get(metrics_global(), name, help, METRIC_GAUGE, label, value, NULL), number);
}

/* A total that another room counts: the metric is brought up to it. */
static void total(const char *name, const char *help, const char *label, const char *value, double now)
{
    struct metric *m = label ? metric_get(metrics_global(), name, help, METRIC_COUNTER, label, value, NULL)
                             : metric_get(metrics_global(), name, help, METRIC_COUNTER, NULL);
    metric_add(m, now - metric_value(m));
}

static double resident_bytes(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f) {
        if (fscanf(f, "%*u %lu", &pages) != 1)
            pages = 0;
        fclose(f);
    }
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void collect_config(struct hub *hub)
{
    const struct hub_reload_numbers *r = &hub->reloads;
    gauge("belfry_config_generation", "Generation of the configuration in force.", (double)hub_config(hub)->generation);
    gauge("belfry_config_last_reload_successful", "1 when the last attempt to read the configuration succeeded.",
          r->last_ok);
    gauge("belfry_config_last_reload_success_timestamp_seconds", "When the configuration in force was read.",
          (double)r->last_ok_ms / 1000);
    gauge("belfry_restart_required", "1 when a changed setting waits for a restart.", r->restart_required);
    total("belfry_config_reloads_total", "Reloads by result.", "result", "ok", (double)r->ok);
    total("belfry_config_reloads_total", "Reloads by result.", "result", "rejected", (double)r->failed);
}

static void collect_ledger(struct hub *hub)
{
    struct ledger_numbers n;
    ledger_numbers(hub->parts.ledger, &n);
    total("belfry_ledger_groups_total", "Transactions of the ledger.", NULL, NULL, (double)n.groups);
    total("belfry_ledger_commands_total", "Commands of the ledger.", NULL, NULL, (double)n.commands);
    total("belfry_ledger_rollbacks_total", "Groups that were rolled back.", NULL, NULL, (double)n.rollbacks);
    total("belfry_ledger_commit_seconds_total", "Time spent in commits.", NULL, NULL, (double)n.commit_ns / 1e9);
    total("belfry_events_total", "Events that sources emitted.", NULL, NULL, (double)n.events);
    total("belfry_notifications_total", "Notifications made.", NULL, NULL, (double)n.notifications);
    gauge("belfry_ledger_pending_commands", "Commands that wait for the ledger.", (double)n.pending_commands);
    gauge("belfry_ledger_pending_bytes", "Bytes of requests that wait for the ledger.", (double)n.pending_bytes);
    gauge("belfry_sources_quarantined", "Sources in quarantine.", (double)n.quarantined);
    gauge("belfry_db_size_bytes", "Size of the database file.", (double)store_db_bytes(hub->parts.store));
    gauge("belfry_db_wal_bytes", "Size of the write-ahead log.", (double)store_wal_bytes(hub->parts.store));
}

static void collect_rest(struct hub *hub)
{
    struct dispatch_numbers d;
    dispatch_numbers(hub->parts.dispatch, &d);
    gauge("belfry_deliveries_inflight", "Deliveries in the hands of plugins.", (double)d.inflight);
    gauge("belfry_targets", "Webhook endpoints in force.", (double)d.targets);
    gauge("belfry_breakers_open", "Endpoints whose breaker is open.", (double)d.breakers_open);
    total("belfry_delivery_claims_total", "Claims of due deliveries.", NULL, NULL, (double)d.claims);
    total("belfry_delivery_late_completions_total", "Answers of plugins after the deadline.", NULL, NULL,
          (double)d.late_completions);
    gauge("belfry_http_connections", "Open connections.", (double)http_open_connections(hub->parts.http));
    labelled("belfry_build_info", "Always 1.", "version", BELFRY_VERSION, 1);
    gauge("process_resident_memory_bytes", "Resident memory size in bytes.", resident_bytes());
    gauge("process_start_time_seconds", "Start time of the process since the Unix epoch in seconds.",
          (double)hub->started_ms / 1000);
}

/* An instance that could not be made at the start is left out; the rest runs. */
static void collect_instances(struct hub *hub)
{
    const struct config *config = hub_config(hub);
    const struct hub_generation *g = hub->current;
    for (size_t i = 0; i < config->source_count; i++)
        labelled("belfry_source_up", "1 when the source takes triggers, 0 when it was left out.", "source",
                 config->sources[i].name, g && g->sources[i]->live);
    for (size_t i = 0; i < config->channel_count; i++)
        labelled("belfry_channel_up", "1 when the channel delivers, 0 when it was left out.", "channel",
                 config->channels[i].name, g && g->channels[i]->live);
    for (size_t i = 0; i < config->source_count + config->channel_count; i++) {
        const struct plugin *p =
            i < config->source_count ? config->sources[i].plugin : config->channels[i - config->source_count].plugin;
        metric_set(metric_get(metrics_global(), "belfry_plugin_info", "Plugins in use; always 1.", METRIC_GAUGE,
                              "plugin", p->id, "version", p->version, "build_id", p->build_id ? p->build_id : "", NULL),
                   1);
    }
}

/* --- what must be looked up --- */

struct looking {
    struct http_request *req;
    struct hub *hub;
    int64_t *oldest;     /* by channel */
    int64_t *tasks_dead; /* by source */
};

static belfry_status look(struct store_conn *conn, void *arg)
{
    struct looking *l = arg;
    const struct config *config = l->req->config;
    for (size_t i = 0; i < config->channel_count; i++)
        l->oldest[i] = store_oldest_pending(conn, str_of(config->channels[i].name));
    for (size_t i = 0; i < config->source_count; i++)
        l->tasks_dead[i] = store_tasks_dead(conn, str_of(config->sources[i].name));
    return BELFRY_OK;
}

static void looked(void *arg, belfry_status status)
{
    struct looking *l = arg;
    const struct config *config = l->req->config;
    for (size_t i = 0; status == BELFRY_OK && i < config->channel_count; i++)
        labelled("belfry_delivery_oldest_pending_timestamp_seconds",
                 "When the oldest waiting delivery was due; 0: none waits.", "channel", config->channels[i].name,
                 (double)l->oldest[i] / 1000);
    for (size_t i = 0; status == BELFRY_OK && i < config->source_count; i++)
        labelled("belfry_tasks_dead", "Tasks of a source that nothing performs again.", "source",
                 config->sources[i].name, (double)l->tasks_dead[i]);
    struct buf out = {0};
    metrics_render(metrics_global(), &out);
    http_respond(l->req, 200, "text/plain; version=0.0.4; charset=utf-8", buf_str(&out), NULL, 0);
    buf_free(&out);
}

static void metrics_text(void *arg, struct http_request *req)
{
    struct hub *hub = arg;
    if (!allowed(req))
        return;
    collect_config(hub);
    collect_ledger(hub);
    collect_rest(hub);
    collect_instances(hub);
    struct looking *l = arena_alloc(req->arena, sizeof(*l));
    l->req = req;
    l->hub = hub;
    l->oldest = arena_alloc(req->arena, (req->config->channel_count + 1) * sizeof(*l->oldest));
    l->tasks_dead = arena_alloc(req->arena, (req->config->source_count + 1) * sizeof(*l->tasks_dead));
    if (store_read(hub->parts.readers, look, looked, l, 0) != BELFRY_OK)
        looked(l, BELFRY_EAGAIN); /* the rest is worth having */
}

belfry_status hub_health_init(struct hub *hub, struct error *err)
{
    const struct http_route routes[] = {
        {"GET", "/healthz", "none", 0, BELFRY_ROUTE_RAW, healthz, hub},
        {"GET", "/readyz", "none", 0, BELFRY_ROUTE_RAW, readyz, hub},
        {"GET", "/metrics", "none", 0, BELFRY_ROUTE_RAW, metrics_text, hub},
    };
    return http_routes_add(hub->parts.http, hub, routes, 3, err);
}
