/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start and stop. Rooms are opened from the ground up and closed in reverse; each unwind label is named after what
 * failed. Plugins of the configuration are loaded before the first thread exists (R09).
 *
 * Stop: no new requests, what was accepted is committed and answered, batches under way end or lose their lease, then
 * instances, then the database. Nothing that was answered 202 depends on any of it.
 */
#include "hub/hub.h"

#include "base/crypto.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "console/console.h"
#include "hub/feed.h"
#include "hub/hook.h"
#include "hub/generation.h"
#include "hub/internal.h"
#include "portal/portal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define STOP_WAIT_MS 10000
#define INSTANCES_WAIT_MS 15000
#define READERS 2

struct hub_parts *hub_parts(struct hub *hub)
{
    return &hub->parts;
}

struct config *hub_config(const struct hub *hub)
{
    return hub->current ? hub->current->ledger.config : hub->starting;
}

struct ledger_generation *hub_generation(struct hub *hub)
{
    return &hub->current->ledger;
}

const uint8_t *hub_secret(const struct hub *hub)
{
    return hub->secret;
}

int hub_stopping(const struct hub *hub)
{
    return hub->stopping;
}

int64_t hub_started_ms(const struct hub *hub)
{
    return hub->started_ms;
}

int hub_idle(struct hub *hub)
{
    int64_t now = clock_now_ms(hub->parts.clock);
    return dispatch_idle(hub->parts.dispatch) && ledger_next_due(hub->parts.ledger) > now && !hub->tasks_claiming &&
           hub_feeds_idle(hub) && hub_refresh_idle(hub);
}

/* --- the hub's secret
 * ------------------------------------------------------------------------------------------------- */

/* data_dir/secret, made at first start. 0 or -1 with err. */
static int secret_read(const char *data_dir, uint8_t out[32], struct error *err)
{
    char *path = xasprintf("%s/secret", data_dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        random_bytes(out, 32);
        char *temp = xasprintf("%s/secret.new", data_dir);
        fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0 || write(fd, out, 32) != 32 || fsync(fd) != 0 || rename(temp, path) != 0)
            error_set(err, BELFRY_EIO, NULL, "cannot write %s: %s", path, strerror(errno));
        free(temp);
    } else if (fd < 0 || read(fd, out, 32) != 32) {
        error_set(err, BELFRY_EIO, NULL,
                  "cannot read 32 bytes of %s: %s; restore it from the backup that belongs to this "
                  "database, or remove it to make a new one (sessions end, stored endpoint secrets are lost)",
                  path, fd < 0 ? strerror(errno) : "the file is too short");
    }
    if (fd >= 0)
        close(fd);
    free(path);
    return err->count ? -1 : 0;
}

static int data_dir_make(const char *path, struct error *err)
{
    char *copy = xstrdup(path);
    for (char *p = copy + 1;; p++) {
        if (*p != '/' && *p != '\0')
            continue;
        char end = *p;
        *p = '\0';
        if (mkdir(copy, 0700) != 0 && errno != EEXIST) {
            error_set(err, BELFRY_EIO, NULL, "cannot make hub.data_dir %s: %s", copy, strerror(errno));
            break;
        }
        *p = end;
        if (end == '\0')
            break;
    }
    free(copy);
    return err->count ? -1 : 0;
}

/* --- between the rooms
 * -------------------------------------------------------------------------------------------------- */

static void on_news(void *arg, const struct ledger_news *news)
{
    struct hub *hub = arg;
    host_news(hub->parts.host, news);
    dispatch_wake(hub->parts.dispatch, news);
    if (news->tasks)
        hub_tasks_look(hub);
}

static void on_ledger_alarm(void *arg, const char *type, struct belfry_str subject, const char *text)
{
    hub_alarm(arg, type, (struct belfry_str){0}, subject, text);
}

static void on_dispatch_alarm(void *arg, const char *type, struct belfry_str org, struct belfry_str subject,
                              const char *text)
{
    hub_alarm(arg, type, org, subject, text);
}

static belfry_status person_of(void *arg, struct arena *arena, struct belfry_str org, struct belfry_str username,
                               struct belfry_person *out)
{
    (void)arena;
    const struct config_user *user = config_user(hub_config(arg), org, username);
    if (!user)
        return BELFRY_ENOTFOUND;
    *out = (struct belfry_person){.struct_size = sizeof(*out),
                                  .username = username,
                                  .name = str_of(user->name),
                                  .email = str_of(user->email),
                                  .locale = str_of(user->locale),
                                  .timezone = str_of(user->timezone)};
    return BELFRY_OK;
}

void hub_alarm(struct hub *hub, const char *type, struct belfry_str org, struct belfry_str subject, const char *text)
{
    log_warn("hub", "alarm", "type=%s subject=%.*s text=%s", type, STR_ARG(subject), log_quote(text, strlen(text)));
    struct config *config = hub_config(hub);
    for (size_t i = 0; i < config->org_count; i++)
        if (strcmp(config->orgs[i].name, "*") != 0 && (org.len == 0 || str_eqz(org, config->orgs[i].name)))
            ledger_emit_hub(hub->parts.ledger, str_of(config->orgs[i].name), type, subject, text);
}

/* --- stop -------------------------------------------------------------------------------------------------------- */

static void stop_finish(void *arg)
{
    struct hub *hub = arg;
    uv_stop(hub->parts.loop);
}

static void stop_dispatch(void *arg)
{
    struct hub *hub = arg;
    dispatch_stop(hub->parts.dispatch, STOP_WAIT_MS, stop_finish, hub);
}

void hub_stop(struct hub *hub)
{
    if (hub->stopping++)
        return;
    hub_clock_fini(hub);
    http_stop(hub->parts.http, STOP_WAIT_MS, stop_dispatch, hub);
}

/* --- start ------------------------------------------------------------------------------------------------------- */

static int listen_all(struct hub *hub, struct error *err)
{
    const struct config_hub *ch = &hub_config(hub)->hub;
    char bound[128];
    for (size_t i = 0; i < ch->listen_count; i++) {
        if (http_listen(hub->parts.http, ch->listen[i], ch->tls_cert, ch->tls_key, bound, err) != BELFRY_OK)
            return -1;
        log_info("hub", "listening", "address=%s", bound);
    }
    char *control = xasprintf("unix:%s/control.sock", ch->data_dir);
    belfry_status status = http_listen(hub->parts.http, control, NULL, NULL, bound, err);
    free(control);
    return status == BELFRY_OK ? 0 : -1;
}

static void fail_start(struct hub *hub, struct error *err)
{
    log_error("hub", "cannot start", "err=%s", log_quote(error_text(err), strlen(error_text(err))));
    hub->exit_code = HUB_EXIT_ERROR;
    error_clear(err);
    hub_stop(hub);
}

/* What the instances declared when they started is behind us: who asks for an endpoint finds it. Also when the disk
 * refused it: it is declared again each second. */
static void on_declared(struct ledger_command *command, belfry_status status)
{
    struct hub *hub = LIST_OF(command, struct hub, opening);
    struct error err = {0};
    (void)status;
    if (hub->stopping)
        return;
    if (listen_all(hub, &err) != 0) {
        fail_start(hub, &err);
        return;
    }
    hub->ready = 1;
    hub->reloads.last_ok = 1;
    hub->reloads.last_ok_ms = clock_now_ms(hub->parts.clock);
    log_info("hub", "ready", "generation=%llu sources=%zu channels=%zu",
             (unsigned long long)hub_config(hub)->generation, hub_config(hub)->source_count,
             hub_config(hub)->channel_count);
    hub_disk_init(hub);
    hub_tasks_look(hub);
    hub_feeds_configure(hub, hub_config(hub));
    hub_hooks_configure(hub_config(hub));
    dispatch_wake(hub->parts.dispatch, NULL);
}

static belfry_status nothing(struct ledger_command *command, struct ledger_txn *txn)
{
    (void)command;
    (void)txn;
    return BELFRY_OK;
}

static void on_generation(void *arg, belfry_status status)
{
    struct hub *hub = arg;
    struct error err = {0};
    if (hub->stopping)
        return; /* told to stop before it began: the ledger lets go of the generation */
    hub->current = hub->first;
    if (status != BELFRY_OK) {
        error_set(&err, status, NULL, "the configuration could not be recorded in the database: %s",
                  status_text(status));
        fail_start(hub, &err);
        return;
    }
    hub_generation_activate(hub->current, NULL);
    http_configure(hub->parts.http, hub_config(hub));
    hub_jwks_configure(hub, hub_config(hub));
    host_configure(hub->parts.host, hub_config(hub));
    hub->opening = (struct ledger_command){.run = nothing, .done = on_declared};
    if (ledger_submit(hub->parts.ledger, &hub->opening) != BELFRY_OK)
        on_declared(&hub->opening, BELFRY_ECLOSED);
}

static int routes_init(struct hub *hub, struct error *err)
{
    static belfry_status (*const inits[])(struct hub * hub, struct error * err) = {
        hub_health_init,   hub_admin_init,        hub_events_init,     hub_deliveries_init,  hub_redrive_init,
        hub_users_init,    hub_preferences_init,  hub_feeds_view_init, hub_runs_init,        hub_audit_init,
        hub_reveal_init,   hub_endpoints_init,    hub_catalogue_init,  hub_event_types_init, hub_audience_init,
        hub_overview_init, hub_suppressions_init, hub_bounces_init,    hub_portal_init,      hub_hooks_init,
        hub_openapi_init};
    for (size_t i = 0; i < sizeof(inits) / sizeof(inits[0]); i++)
        if (inits[i](hub, err) != BELFRY_OK)
            return -1;
    return 0;
}

static void turns(uv_loop_t *loop)
{
    for (int i = 0; i < 64 && uv_run(loop, UV_RUN_NOWAIT); i++)
        ;
}

/* Instances end one by one on the loop, each within its own time; they may still call anything until then. */
static void instances_end(struct hub *hub)
{
    struct hub_parts *p = &hub->parts;
    uint64_t begin = uv_hrtime();
    if (p->client)
        client_stop(p->client);
    turns(p->loop);
    while (p->host && host_instances(p->host) && uv_hrtime() - begin < INSTANCES_WAIT_MS * 1000000ull)
        uv_run(p->loop, UV_RUN_ONCE);
    if (p->host && host_instances(p->host))
        log_warn("hub", "instances did not end", "count=%u", host_instances(p->host));
}

static void rooms_close(struct hub *hub)
{
    struct hub_parts *p = &hub->parts;
    hub_disk_fini(hub);
    hub_jwks_fini(hub);
    hub_feeds_fini(hub);
    hub_refresh_fini(hub);
    hub_bounces_fini(hub);
    if (p->dispatch)
        dispatch_detach(p->dispatch);
    if (p->ledger)
        ledger_stop(p->ledger);
    if (p->readers)
        store_readers_stop(p->readers);
    hub->current = hub->first = NULL; /* the ledger has let go of the last one, so it is retired */
    instances_end(hub);
    if (p->http)
        http_free(p->http);
    site_free(hub->console);
    site_free(hub->portal);
    if (p->host)
        host_free(p->host); /* a late complete() among what is posted goes to dispatch */
    if (p->dispatch)
        dispatch_free(p->dispatch);
    if (p->client)
        client_free(p->client);
    store_readers_free(p->readers);
    ledger_free(p->ledger);
    hub_signals_fini(hub);
    hub_tasks_fini(hub);
    turns(p->loop); /* handles that are closing */
    if (p->store) {
        store_checkpoint_stop(p->store);
        store_close(p->store);
    }
}

static int rooms_open(struct hub *hub, struct config *config, struct error *err)
{
    struct hub_parts *p = &hub->parts;
    p->store = store_open(config->hub.data_dir, NULL, p->clock, err);
    if (!p->store || store_checkpoint_start(p->store, err) != BELFRY_OK)
        return -1;
    p->readers = store_readers_new(p->store, p->loop, READERS);
    struct ledger_settings ls = {.store = p->store,
                                 .clock = p->clock,
                                 .loop = p->loop,
                                 .data_dir = config->hub.data_dir,
                                 .arg = hub,
                                 .news = on_news,
                                 .alarm = on_ledger_alarm};
    p->ledger = ledger_new(&ls, err);
    p->client = p->ledger ? client_new(p->loop, 0, err) : NULL;
    if (!p->client)
        return -1;
    struct dispatch_settings ds = {.loop = p->loop,
                                   .clock = p->clock,
                                   .ledger = p->ledger,
                                   .store = p->store,
                                   .arg = hub,
                                   .person = person_of,
                                   .alarm = on_dispatch_alarm,
                                   .public_url = config->hub.public_url,
                                   .secret = hub->secret};
    p->dispatch = dispatch_new(&ds);
    struct http_settings hs = {.loop = p->loop,
                               .clock = p->clock,
                               .store = p->store,
                               .readers = p->readers,
                               .ledger = p->ledger,
                               .secret = hub->secret};
    p->http = http_new(&hs, err);
    if (!p->http)
        return -1;
    hub->console = console_new(p->http, err);
    if (!hub->console)
        return -1;
    hub->portal = portal_new(p->http, err);
    if (!hub->portal)
        return -1;
    struct host_settings xs = {.loop = p->loop,
                               .clock = p->clock,
                               .store = p->store,
                               .readers = p->readers,
                               .ledger = p->ledger,
                               .dispatch = p->dispatch,
                               .client = p->client,
                               .http = p->http,
                               .secret = hub->secret};
    p->host = host_new(&xs);
    hub_tasks_init(hub);
    hub_jwks_init(hub);
    hub_feeds_init(hub);
    hub_refresh_init(hub);
    host_set_jobs(p->host, &hub_refresh_hooks, hub);
    return routes_init(hub, err);
}

static struct config *config_read(const char *path)
{
    struct diag_set *diags = NULL;
    struct config *config = config_load(path, CONFIG_RUN, host_has_extension, &diags);
    if (diags && diag_total(diags) && log_format_now() == LOG_FORMAT_JSON) {
        hub_log_diagnostics(diags); /* whoever reads JSON reads nothing else */
    } else if (diags && diag_total(diags)) {
        struct buf text = {0};
        diag_render_text(diags, &text, isatty(STDERR_FILENO));
        fwrite(text.ptr, 1, text.len, stderr);
        buf_free(&text);
    }
    if (!config)
        diag_set_free(diags);
    return config;
}

static void files_raise(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int prepare(struct hub *hub, struct config *config, struct error *err)
{
    if (data_dir_make(config->hub.data_dir, err) != 0)
        return -1;
    if (config->hub.has_secret)
        memcpy(hub->secret, config->hub.secret, sizeof(hub->secret));
    else if (secret_read(config->hub.data_dir, hub->secret, err) != 0)
        return -1;
    if (rooms_open(hub, config, err) != 0)
        return -1;
    hub_signals_init(hub);
    host_configure(hub->parts.host, config);
    hub->first = hub_generation_new(hub, config, NULL, 0, err);
    ledger_refresh_interrupt(hub->parts.ledger); /* before the generation, so that who is answered finds it done */
    ledger_generation_set(hub->parts.ledger, &hub->first->ledger, "start", on_generation, hub);
    return 0;
}

int hub_run(const struct hub_options *options)
{
    signal(SIGPIPE, SIG_IGN);
    umask(077);
    files_raise();
    struct config *config = config_read(options->config_path);
    if (!config)
        return HUB_EXIT_CONFIG;

    struct hub *hub = xcalloc(1, sizeof(*hub));
    struct error err = {0};
    uv_loop_t loop;
    uv_loop_init(&loop);
    hub_signals_hold(&loop);
    hub->path = options->config_path;
    hub->starting = config;
    hub->parts.loop = &loop;
    hub->parts.clock = options->clock_socket ? clock_virtual_new(clock_now_ms(clock_real())) : clock_real();
    hub->started_ms = clock_now_ms(hub->parts.clock);
    if (hub_clock_init(hub, options->clock_socket, &err) != BELFRY_OK || prepare(hub, config, &err) != 0) {
        log_error("hub", "cannot start", "err=%s", log_quote(error_text(&err), strlen(error_text(&err))));
        hub->exit_code = err.status == BELFRY_EUNSUPPORTED ? HUB_EXIT_CONFIG : HUB_EXIT_ERROR;
        hub_clock_fini(hub);
    } else {
        hub_signals_release();
        uv_run(&loop, UV_RUN_DEFAULT);
        hub_signals_hold(NULL);
    }
    int code = hub->exit_code;
    rooms_close(hub);
    if (uv_loop_close(&loop) != 0)
        log_debug("hub", "handles were left open at the end", NULL);
    config_unref(config);
    error_clear(&err);
    mem_wipe(hub->secret, sizeof(hub->secret));
    if (clock_is_virtual(hub->parts.clock))
        clock_free(hub->parts.clock);
    buf_free(&hub->openapi);
    free(hub);
    log_info("hub", "stopped", "exit=%d", code);
    return code;
}
