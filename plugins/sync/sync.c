/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sync source: runs in the background - syncs, overviews, imports, recalculations - and work that is blocked. Who
 * started a run is told when it took longer than they will have waited for it; what it did is kept for good and shown.
 *
 * The transaction's part is receive.c, blocked.c, tell.c and overview.c; it changes nothing but state. The loop's part
 * shows the run log: it reads state and changes nothing but the count of its requests.
 */
#include "page.h"
#include "receive.h"

#include <stdio.h>
#include <stdlib.h>

/* --- options ------------------------------------------------------------------------------------------------------ */

#define YEAR_MS (INT64_C(366) * 86400000)
#define OPTION(kind, opt_name, member, ...)                                                                            \
    {                                                                                                                  \
        .struct_size = sizeof(struct belfry_option), .type = BELFRY_OPT_##kind,                                        \
        .offset = offsetof(struct sync_config, member), .name = (opt_name), __VA_ARGS__                                \
    }

static const struct belfry_option recipient[] = {
    {.struct_size = sizeof(struct belfry_option), .type = BELFRY_OPT_RECIPIENT}, {0}};

static const struct belfry_option options[] = {
    OPTION(DURATION, "background_after", background_after_ms, .def = "60s", .max = YEAR_MS,
           .doc =
               "A run that takes as long goes on in the background, and its end is told; a shorter one tells nobody."),
    OPTION(DURATION, "overview_valid_for", overview_valid_for_ms, .def = "7d", .min = 1000, .max = YEAR_MS,
           .doc = "How long an overview is valid; each finished run of kind sync starts that anew."),
    OPTION(DURATION, "stalled_after", stalled_after_ms, .min = 1000, .max = YEAR_MS,
           .doc = "A run that has not finished by then is told once, as stalled; never when absent."),
    OPTION(LIST, "failures_to", failures_to, .flags = BELFRY_OPT_SCALAR_LIST, .children = recipient, .max = 100,
           .doc = "Who is told besides the initiating admin when a run fails, succeeds in part, or stalls."),
    OPTION(LIST, "blocked_to", blocked_to, .flags = BELFRY_OPT_SCALAR_LIST, .def = "[\"role:sales-manager\"]",
           .children = recipient, .max = 100, .doc = "Who is told of work that is blocked."),
    {0}};

/* --- events ------------------------------------------------------------------------------------------------------- */

#define FIELD(name, kind, text)                                                                                        \
    {                                                                                                                  \
        .struct_size = sizeof(struct belfry_field), .value_type = BELFRY_VALUE_##kind, .path = (name), .doc = (text)   \
    }

static const struct belfry_field run_fields[] = {
    FIELD("run.id", STRING, "The run's id."),
    FIELD("run.kind", STRING, "Its kind: sync, overview, import, or any other word."),
    FIELD("run.name", STRING, "Its kind as a title begins: Import."),
    FIELD("run.admin", STRING, "Who started it."),
    FIELD("run.state", STRING, "running, stalled or finished."),
    FIELD("run.background", BOOL, "Whether it took background_after or longer."),
    FIELD("run.outcome", STRING, "succeeded, partial or failed."),
    FIELD("run.partial", BOOL, "Whether the outcome is partial."),
    FIELD("run.started_at", STRING, "When it started."),
    FIELD("run.finished_at", STRING, "When it finished."),
    FIELD("run.duration_ms", INT, "How long it took; absent when that is not known."),
    FIELD("run.duration", STRING, "The same for people: 1 min 30 s."),
    FIELD("run.waited", STRING, "How long it had taken when it stalled, for people."),
    FIELD("run.url", STRING, "Where its result is."),
    FIELD("run.counts", OBJECT, "What it counted."),
    FIELD("run.counts.*", INT, "One count."),
    {0}};

static const struct belfry_field item_fields[] = {FIELD("item.id", STRING, "The item's id."),
                                                  FIELD("item.title", STRING, "What it is called."),
                                                  FIELD("item.url", STRING, "Where people find it."),
                                                  FIELD("reason", STRING, "Why it cannot go on."),
                                                  FIELD("category", STRING, "The category that the trigger named."),
                                                  FIELD("severity", STRING, "The severity that the trigger named."),
                                                  FIELD("run", STRING, "The run that met it, as the trigger says it."),
                                                  {0}};

#define TOOK_DE "{{#run.duration}}Dauer: {{run.duration}}.{{/run.duration}}"
#define TOOK "{{#run.duration}}It took {{run.duration}}.{{/run.duration}}"
#define EXAMPLE(state, outcome)                                                                                        \
    "{\"run\":{\"id\":\"r-7\",\"kind\":\"sync\",\"name\":\"Sync\",\"admin\":\"ann\",\"state\":\"" state                \
    "\",\"background\":true,\"outcome\":" outcome ",\"partial\":false,\"started_at\":\"2026-01-05T09:00:00.000Z\","    \
    "\"finished_at\":null,\"url\":null,\"counts\":{\"created\":12,\"updated\":480}}}"
#define GERMAN(title_text, body_text)                                                                                  \
    (const struct belfry_event_text[])                                                                                 \
    {                                                                                                                  \
        {.struct_size = sizeof(struct belfry_event_text),                                                              \
         .language = "de",                                                                                             \
         .title = (title_text),                                                                                        \
         .body = (body_text)},                                                                                         \
        {                                                                                                              \
            0                                                                                                          \
        }                                                                                                              \
    }
#define EVENT(name, grave, title_text, body_text, german, text, example_text)                                          \
    {                                                                                                                  \
        .struct_size = sizeof(struct belfry_event_type), .severity = (grave), .type = (name), .category = "sync",      \
        .fields = run_fields, .title = (title_text), .body = (body_text), .doc = (text), .example = (example_text),    \
        .texts = german                                                                                                \
    }

static const char *const blocked_replaces[] = {"sync.blocked", NULL};

static const struct belfry_event_type events[] = {
    EVENT("sync.backgrounded", BELFRY_INFO, "{{run.name}} continues in the background", NULL,
          GERMAN("{{run.name}} läuft im Hintergrund weiter", NULL),
          "A run has taken background_after and goes on; nobody is told.", EXAMPLE("running", "null")),
    EVENT("sync.overview_ready", BELFRY_INFO,
          "{{#run.partial}}Overview is ready in part{{/run.partial}}{{^run.partial}}Overview is ready{{/run.partial}}",
          TOOK, GERMAN("Übersicht ist {{#run.partial}}teilweise {{/run.partial}}fertig", TOOK_DE),
          "An overview is ready to be looked at, until it is superseded or its time is over.",
          EXAMPLE("finished", "\"succeeded\"")),
    EVENT("sync.completed", BELFRY_SUCCESS, "{{run.name}} completed{{#run.partial}} in part{{/run.partial}}", TOOK,
          GERMAN("{{run.name}} {{#run.partial}}teilweise {{/run.partial}}abgeschlossen", TOOK_DE),
          "A run has finished; it links to its log.", EXAMPLE("finished", "\"succeeded\"")),
    EVENT("sync.failed", BELFRY_ERROR, "{{run.name}} failed", TOOK, GERMAN("{{run.name}} fehlgeschlagen", TOOK_DE),
          "A run has failed.", EXAMPLE("finished", "\"failed\"")),
    EVENT("sync.stalled", BELFRY_WARNING, "{{run.name}} has not finished",
          "After {{run.waited}} nothing was heard of its end.",
          GERMAN("{{run.name}} ist nicht fertig geworden", "Nach {{run.waited}} war vom Ende nichts zu hören."),
          "A run has taken stalled_after and has not finished.", EXAMPLE("stalled", "null,\"waited\":\"2 h\"")),
    {.struct_size = sizeof(struct belfry_event_type),
     .severity = BELFRY_ERROR,
     .type = "sync.blocked",
     .category = "CALC_BLOCKED",
     .replaces = blocked_replaces,
     .fields = item_fields,
     .title = "Blocked: {{item.title}}",
     .body = "{{reason}}",
     .texts = GERMAN("Blockiert: {{item.title}}", NULL),
     .doc = "Work cannot go on until somebody acts.",
     .example =
         "{\"item\":{\"id\":\"calc-9\",\"title\":\"Commission for May\",\"url\":\"https://app.example.org/c/9\"},"
         "\"reason\":\"The rate table has a gap.\"}"},
    {0}};

/* --- routes ------------------------------------------------------------------------------------------------------- */

#define ROUTE(verb, path, who, fn)                                                                                     \
    {                                                                                                                  \
        .struct_size = sizeof(struct belfry_route), .method = (verb), .pattern = (path), .auth = (who), .handle = (fn) \
    }
#define READERS "person|token:read|token:admin"

static const struct belfry_route routes[] = {
    ROUTE("GET", "/v1/{org}/sources/{instance}/runs", READERS, sync_api_list),
    ROUTE("GET", "/v1/{org}/sources/{instance}/runs/{id}", READERS, sync_api_one),
    ROUTE("GET", "/{org}/runs/{instance}", "person", sync_page_list),
    ROUTE("GET", "/{org}/runs/{instance}/{id}", "person", sync_page_one),
    {0}};

/* --- life --------------------------------------------------------------------------------------------------------- */

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    struct sync *s = calloc(1, sizeof(*s));
    if (!s || asprintf(&s->style, "%s/runs.css", host->instance) < 0) {
        free(s);
        return host->fail(err, BELFRY_ENOMEM, NULL, "out of memory");
    }
    s->host = host;
    s->config = config;
    s->http = host->get_extension(host, BELFRY_EXT_HTTP_ROUTE);
    s->state = host->get_extension(host, BELFRY_EXT_STATE);
    s->asset = host->get_extension(host, BELFRY_EXT_ASSET);
    s->pages = host->get_extension(host, BELFRY_EXT_PAGES);
    s->calendar = host->get_extension(host, BELFRY_EXT_CALENDAR);
    s->styles[0] = s->style;
    *self = s;
    return BELFRY_OK;
}

static belfry_status start(void *self, struct belfry_error *err)
{
    struct sync *s = self;
    return sync_pages_add(s, err);
}

/* Requests in hand end first; the last one says stopped(). */
static void stop(void *self)
{
    struct sync *s = self;
    s->stopping = 1;
    if (s->calls == 0)
        s->host->stopped(s->host);
}

static void destroy(void *self)
{
    struct sync *s = self;
    free(s->style);
    free(s);
}

static const struct belfry_source source = {.struct_size = sizeof(source), .receive = sync_receive, .due = sync_due};
static const struct belfry_role roles[] = {{"belfry.source/1", &source}, {0}};
static const char *const needs[] = {BELFRY_EXT_HTTP_ROUTE, BELFRY_EXT_PAGES,    BELFRY_EXT_STATE,
                                    BELFRY_EXT_ASSET,      BELFRY_EXT_CALENDAR, NULL};

static const struct belfry_category categories[] = {
    {.struct_size = sizeof(struct belfry_category),
     .name = "sync",
     .label = "Background runs",
     .texts =
         (const struct belfry_category_text[]){
             {.struct_size = sizeof(struct belfry_category_text), .language = "de", .label = "Hintergrundläufe"}, {0}}},
    {.struct_size = sizeof(struct belfry_category),
     .name = "CALC_BLOCKED",
     .label = "Calculation blocked",
     .texts =
         (const struct belfry_category_text[]){
             {.struct_size = sizeof(struct belfry_category_text), .language = "de", .label = "Berechnung blockiert"},
             {0}}},
    {0}};

static const struct belfry_plugin plugin = {
    .struct_size = sizeof(plugin),
    .id = "sync",
    .version = "1.0.0",
    .summary = "Tells who started a run in the background what became of it, and keeps its log",
    .roles = roles,
    .needs = needs,
    .options = options,
    .config_size = sizeof(struct sync_config),
    .events = events,
    .categories = categories,
    .routes = routes,
    .create = create,
    .start = start,
    .stop = stop,
    .destroy = destroy};

BELFRY_PLUGIN(plugin);
