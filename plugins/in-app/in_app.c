/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The in-app delivery: inbox API, live hints, and pages that work without JavaScript. Rows become visible in the
 * trigger's own commit, so nothing is ever delivered here; this plugin shows what belfry.inbox/1 reads and passes on
 * what people do with it. It keeps no state but open requests and streams.
 */
#include "in_app.h"
#include "preferences.h"
#include "view.h"

#include <stdio.h>
#include <stdlib.h>

static const char style[] =
#include "plugins/in-app/assets/inbox.css.inc"
    ;
static const char script[] =
#include "plugins/in-app/assets/inbox.js.inc"
    ;
static const char refresh[] =
#include "plugins/in-app/assets/refresh.js.inc"
    ;
static const char act[] =
#include "plugins/in-app/assets/act.js.inc"
    ;
static const char help[] =
#include "plugins/in-app/assets/help.js.inc"
    ;

#define SCRIPT_TYPE "text/javascript; charset=utf-8"

static const struct {
    const char *name, *type, *text;
    size_t size;
} files[] = {{"inbox.css", "text/css; charset=utf-8", style, sizeof(style) - 1},
             {"inbox.js", SCRIPT_TYPE, script, sizeof(script) - 1},
             {"refresh.js", SCRIPT_TYPE, refresh, sizeof(refresh) - 1},
             {"act.js", SCRIPT_TYPE, act, sizeof(act) - 1},
             {"help.js", SCRIPT_TYPE, help, sizeof(help) - 1}};

#define BODY_SMALL 4096
#define BODY_BULK (512 * 1024)
#define BODY_FORM (64 * 1024)

/* --- calls ------------------------------------------------------------------------------------ */

struct call *call_new(struct in_app *app, const struct belfry_http_request *req)
{
    struct call *call = calloc(1, sizeof(*call));
    if (!call)
        abort();
    call->app = app;
    call->req = req;
    call->since_rev = -1;
    app->calls++;
    return call;
}

void *call_alloc(struct call *call, size_t size)
{
    call->owned = realloc(call->owned, (call->owned_count + 1) * sizeof(char *));
    void *memory = calloc(1, size ? size : 1);
    if (!call->owned || !memory)
        abort();
    call->owned[call->owned_count++] = memory;
    return memory;
}

void call_free(struct call *call)
{
    struct in_app *app = call->app;
    for (size_t i = 0; i < call->owned_count; i++)
        free(call->owned[i]);
    free(call->owned);
    json_decref(call->json);
    free(call);
    app->calls--;
    in_app_check_stopped(app);
}

struct belfry_str call_param(const struct call *call, const char *name)
{
    for (size_t i = 0; i < call->req->param_count; i++)
        if (text_is(call->req->params[i].name, name))
            return call->req->params[i].value;
    return (struct belfry_str){0};
}

uint32_t mark_of(struct belfry_str word)
{
    static const char *const words[] = {"read", "unread", "hide", "unhide"};
    for (uint32_t i = 0; i < 4; i++)
        if (text_is(word, words[i]))
            return BELFRY_MARK_READ + i;
    return 0;
}

/* --- routes ----------------------------------------------------------------------------------- */

#define ROUTE(verb, path, limit, fn)                                                                                   \
    {                                                                                                                  \
        .struct_size = sizeof(struct belfry_route), .method = verb, .pattern = path, .auth = "person",                 \
        .body_limit = limit, .handle = fn                                                                              \
    }

static const struct belfry_route routes[] = {
    ROUTE("GET", "/v1/{org}/notifications", 0, api_list),
    ROUTE("GET", "/v1/{org}/notifications/count", 0, api_count),
    ROUTE("GET", "/v1/{org}/notifications/export", 0, api_export),
    ROUTE("GET", "/v1/{org}/notifications/{id}", 0, api_one),
    ROUTE("POST", "/v1/{org}/notifications/{id}/read", BODY_SMALL, api_read),
    ROUTE("POST", "/v1/{org}/notifications/{id}/unread", BODY_SMALL, api_unread),
    ROUTE("POST", "/v1/{org}/notifications/{id}/hide", BODY_SMALL, api_hide),
    ROUTE("POST", "/v1/{org}/notifications/{id}/unhide", BODY_SMALL, api_unhide),
    ROUTE("POST", "/v1/{org}/notifications/bulk", BODY_BULK, api_bulk),
    ROUTE("POST", "/v1/{org}/notifications/undo", BODY_SMALL, api_undo),
    ROUTE("POST", "/v1/{org}/notifications/seen", BODY_BULK, api_seen),
    ROUTE("POST", "/v1/{org}/notifications/{id}/actions/{action}", BODY_FORM, api_action),
    ROUTE("POST", "/v1/{org}/notifications/refresh", BODY_SMALL, api_refresh),
    ROUTE("GET", "/v1/{org}/jobs/{id}", 0, api_job),
    ROUTE("GET", "/v1/{org}/stream", 0, api_stream),
    ROUTE("GET", "/{org}/notifications", 0, page_inbox),
    ROUTE("POST", "/{org}/notifications/act", BODY_BULK, page_act),
    ROUTE("GET", "/{org}/n/{id}", 0, page_open),
    ROUTE("GET", "/{org}/preferences", 0, page_preferences),
    ROUTE("POST", "/{org}/preferences", BODY_FORM, page_preferences_save),
    ROUTE("POST", "/{org}/preferences/address", BODY_FORM, page_preferences_trust),
    {0}};

/* --- life ------------------------------------------------------------------------------------- */

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    (void)err;
    struct in_app *app = calloc(1, sizeof(*app));
    if (!app)
        return BELFRY_ENOMEM;
    app->host = host;
    app->config = config;
    app->http = host->get_extension(host, BELFRY_EXT_HTTP_ROUTE);
    app->inbox = host->get_extension(host, BELFRY_EXT_INBOX);
    app->timer = host->get_extension(host, BELFRY_EXT_TIMER);
    app->asset = host->get_extension(host, BELFRY_EXT_ASSET);
    app->job = host->get_extension(host, BELFRY_EXT_JOB);
    app->pages = host->get_extension(host, BELFRY_EXT_PAGES);
    app->preferences = host->get_extension(host, BELFRY_EXT_PREFERENCES);
    *self = app;
    return BELFRY_OK;
}

static belfry_status start(void *self, struct belfry_error *err)
{
    struct in_app *app = self;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        belfry_status status = app->asset->add(app->host, files[i].name, files[i].type, files[i].text, files[i].size);
        if (status != BELFRY_OK)
            return app->host->fail(err, status, NULL, "a file of the pages could not be served");
    }
    belfry_status status = elements_serve(app);
    if (status != BELFRY_OK)
        return app->host->fail(err, status, NULL, "the elements could not be served");
    status = view_init(app, err);
    return status ? status : preferences_init(app, err);
}

void in_app_check_stopped(struct in_app *app)
{
    if (app->stopping != 1 || app->calls || app->streams)
        return;
    app->stopping = 2;
    app->host->stopped(app->host);
}

static void stop(void *self)
{
    struct in_app *app = self;
    app->stopping = 1;
    streams_stop(app);
    exports_stop(app);
    in_app_check_stopped(app);
}

static void destroy(void *self)
{
    struct in_app *app = self;
    free(app);
}

static belfry_status reload(void *self, const void *config, struct belfry_error *err)
{
    (void)err;
    ((struct in_app *)self)->config = config;
    return BELFRY_OK;
}

/* --- descriptor ------------------------------------------------------------------------------- */

static const struct belfry_option options[] = {
    {.struct_size = sizeof(struct belfry_option),
     .type = BELFRY_OPT_INT,
     .offset = offsetof(struct config, page_size),
     .name = "page_size",
     .def = "200",
     .min = 1,
     .max = QUERY_LIMIT_MAX,
     .doc = "How many notifications a page or a list without `limit` shows, 1 to 200."},
    {0}};

static void deliver(void *self, const struct belfry_batch *batch)
{
    /* With IN_COMMIT the host never asks for it. */
    struct in_app *app = self;
    struct belfry_result result = {.struct_size = sizeof(result), .outcome = BELFRY_DELIVERED};
    app->host->complete(app->host, batch->id, &result, 1);
}

static const struct belfry_delivery delivery = {.struct_size = sizeof(struct belfry_delivery),
                                                .flags = BELFRY_DELIVERY_IN_COMMIT,
                                                .max_batch = 1,
                                                .max_inflight = 1,
                                                .deliver = deliver};

static const struct belfry_role roles[] = {{"belfry.delivery/1", &delivery}, {0}};

static const char *const needs[] = {BELFRY_EXT_HTTP_ROUTE, BELFRY_EXT_INBOX, BELFRY_EXT_TIMER,       BELFRY_EXT_ASSET,
                                    BELFRY_EXT_JOB,        BELFRY_EXT_PAGES, BELFRY_EXT_PREFERENCES, NULL};

static const struct belfry_plugin in_app = {
    .struct_size = sizeof(struct belfry_plugin),
    .id = "in-app",
    .version = "1.0.0",
    .summary = "The inbox: JSON API, live hints and pages for the people who are told.",
    .roles = roles,
    .needs = needs,
    .options = options,
    .config_size = sizeof(struct config),
    .routes = routes,
    .create = create,
    .start = start,
    .stop = stop,
    .destroy = destroy,
    .reload = reload,
};

BELFRY_PLUGIN(in_app);
