/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reload is a transaction: read and check all files, make what is new, commit the generation, swap. Until the commit
 * nothing of the running hub has changed; after a failure the next reload starts from the same place.
 */
#include "base/log.h"
#include "base/mem.h"
#include "hub/feed.h"
#include "hub/hook.h"
#include "hub/internal.h"

struct reload {
    struct list node;
    struct hub *hub;
    char *actor;
    void (*done)(void *arg, struct hub_reload_result *result);
    void *arg;
    struct config *config;
    struct hub_generation *made;
};

static void next(struct hub *hub);

static void finish(struct reload *r, uint32_t status, json_t *body)
{
    struct hub *hub = r->hub;
    struct hub_reload_result result = {status, body};
    int ok = status == 200;
    hub->reloads.last_ok = ok;
    if (ok) {
        hub->reloads.ok++;
        hub->reloads.last_ok_ms = clock_now_ms(hub->parts.clock);
    } else {
        hub->reloads.failed++;
    }
    log_write(ok ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "hub",
              ok ? "configuration reloaded" : "configuration rejected, the old one stays in force",
              "generation=%llu actor=%s", (unsigned long long)hub_config(hub)->generation, r->actor);
    if (r->done)
        r->done(r->arg, &result);
    else
        json_decref(body);
    config_unref(r->config);
    free(r->actor);
    free(r);
    hub->reloading = NULL;
    next(hub);
}

static json_t *rejection(struct hub *hub, json_t *diagnostics)
{
    return json_pack("{s:s, s:s, s:i, s:s, s:I, s:o}", "type", "about:blank", "title", "Configuration rejected",
                     "status", 422, "detail", "The running configuration is unchanged.", "generation",
                     (json_int_t)hub_config(hub)->generation, "diagnostics", diagnostics);
}

/* The text is the message: lines that say the same are folded, and these are to be read one by one. */
void hub_log_diagnostics(struct diag_set *diags)
{
    static const enum log_level levels[] = {
        [DIAG_NOTE] = LOG_LEVEL_INFO, [DIAG_WARNING] = LOG_LEVEL_WARN, [DIAG_ERROR] = LOG_LEVEL_ERROR};
    for (size_t i = 0; i < diag_total(diags); i++) {
        const struct diag *d = diag_get(diags, i);
        const char *file = d->span.file == UINT32_MAX ? "-" : diag_file_name(diags, d->span.file);
        log_write(levels[d->severity], "config", d->message, "code=%s file=%s line=%u col=%u", d->code,
                  log_quote(file, strlen(file)), d->span.line, d->span.col);
    }
}

static void tell_admins(struct hub *hub)
{
    hub_alarm(hub, "hub.config_rejected", (struct belfry_str){0}, STR("config"),
              "A reload was rejected; the old configuration stays in force.");
}

static void reject_diags(struct reload *r, struct diag_set *diags)
{
    hub_log_diagnostics(diags);
    json_t *list = diag_to_json(diags);
    tell_admins(r->hub);
    diag_set_free(diags);
    finish(r, 422, rejection(r->hub, list));
}

static void reject_error(struct reload *r, struct error *err)
{
    json_t *list = json_array();
    for (size_t i = 0; i < err->count; i++) {
        const char *path = err->items[i].pointer ? err->items[i].pointer : "", *text = err->items[i].detail;
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "severity", "error", "code", "H507", "path", path,
                                              "message", text));
        log_warn("hub", "reload failed", "path=%s err=%s", log_quote(path, strlen(path)),
                 log_quote(text, strlen(text)));
    }
    error_clear(err);
    tell_admins(r->hub);
    finish(r, 422, rejection(r->hub, list));
}

static void on_committed(void *arg, belfry_status status)
{
    struct reload *r = arg;
    struct hub *hub = r->hub;
    struct hub_generation *before = hub->current;
    if (status != BELFRY_OK) {
        struct error err = {0};
        error_set(&err, status, NULL, "the new configuration could not be recorded: %s", status_text(status));
        hub_generation_undo(r->made, before);
        dispatch_targets_release(hub->parts.dispatch);
        reject_error(r, &err);
        return;
    }
    json_t *restart = NULL;
    json_t *changed = config_diff(hub->starting, before->ledger.config, r->config, &restart);
    hub->reloads.restart_required = json_array_size(restart) > 0;
    hub->current = r->made;
    http_configure(hub->parts.http, r->config);
    hub_jwks_configure(hub, r->config);
    host_configure(hub->parts.host, r->config);
    hub_feeds_configure(hub, r->config);
    hub_hooks_configure(r->config);
    hub_refresh_look(hub);
    hub_bounces_look(hub);
    hub_generation_activate(r->made, before);
    dispatch_targets_release(hub->parts.dispatch);
    dispatch_wake(hub->parts.dispatch, NULL);
    hub_generation_retire(before);
    json_t *body = json_pack("{s:I, s:o, s:o}", "generation", (json_int_t)r->config->generation, "changed", changed,
                             "restart_required", restart);
    finish(r, 200, body);
}

static void begin(struct reload *r)
{
    struct hub *hub = r->hub;
    struct diag_set *diags = NULL;
    r->config = config_load(hub->path, CONFIG_RUN, host_has_extension, &diags);
    if (!r->config) {
        reject_diags(r, diags);
        return;
    }
    hub_log_diagnostics(diags); /* warnings and notes: nobody else shows them */
    struct error err = {0};
    dispatch_targets_hold(hub->parts.dispatch);
    r->made = hub_generation_new(hub, r->config, hub->current, 1, &err);
    if (!r->made) {
        dispatch_targets_release(hub->parts.dispatch);
        reject_error(r, &err);
        return;
    }
    ledger_generation_set(hub->parts.ledger, &r->made->ledger, r->actor, on_committed, r);
}

static void next(struct hub *hub)
{
    if (hub->reloading || !hub->reload_queue.next)
        return;
    struct list *node = list_pop_front(&hub->reload_queue);
    if (!node)
        return;
    hub->reloading = LIST_OF(node, struct reload, node);
    begin(hub->reloading);
}

void hub_reload(struct hub *hub, const char *actor, void (*done)(void *arg, struct hub_reload_result *result),
                void *arg)
{
    struct reload *r = xcalloc(1, sizeof(*r));
    r->hub = hub;
    r->actor = xstrdup(actor);
    r->done = done;
    r->arg = arg;
    if (!hub->reload_queue.next)
        list_init(&hub->reload_queue);
    list_push_back(&hub->reload_queue, &r->node);
    if (!hub->ready || hub->stopping)
        return; /* answered with the connection's end */
    next(hub);
}

const struct hub_reload_numbers *hub_reload_numbers(const struct hub *hub)
{
    return &hub->reloads;
}
