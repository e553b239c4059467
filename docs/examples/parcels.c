/* SPDX-License-Identifier: Apache-2.0 */
/* A source with a route and a refresh(): a parcel waits at the front desk, and who it is for is asked to fetch it. What
 * has come meanwhile is asked of the desk's own list when somebody presses Refresh; who asks sees what waits for them.
 */
#include <belfry/host.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 100

struct parcels_config {
    const char *list; /* NULL: there is none to ask */
};

struct parcels {
    const struct belfry_host *host;
    const struct parcels_config *config;
    const struct belfry_http_client_api *client;
    const struct belfry_http_route_api *route;
    const struct belfry_state_api *state;
    size_t open; /* calls whose answer is still to come */
    int stopping;
};

static const struct belfry_str none = {NULL, 0};

/* --- triggers ----------------------------------------------------------------------------------------------------- */

struct parcel {
    struct belfry_str id, who;
    char subject[300]; /* also the key: parcel/ann/7. A username has no slash, so all of Ann's begin with parcel/ann/ */
};

static belfry_status read_parcel(const struct parcels *p, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                                 struct parcel *out, struct belfry_error *err)
{
    int faults = txn->api->value_str(txn, trigger, "/id", &out->id, err) != BELFRY_OK;
    faults += txn->api->value_username(txn, trigger, "/for", &out->who, err) != BELFRY_OK;
    if (faults)
        return BELFRY_EINVAL;
    int len = snprintf(out->subject, sizeof out->subject, "parcel/%.*s/%.*s", (int)out->who.len, out->who.ptr,
                       (int)out->id.len, out->id.ptr);
    if (len < 0 || (size_t)len >= sizeof out->subject)
        return p->host->fail(err, BELFRY_EINVAL, "/data/id", "is too long");
    return BELFRY_OK;
}

/* parcel.arrived {id, for, from} */
static belfry_status arrived(struct belfry_txn *txn, const struct belfry_trigger *trigger, const struct parcel *parcel,
                             struct belfry_error *err)
{
    struct belfry_str from;
    if (txn->api->value_str(txn, trigger, "/from", &from, err) != BELFRY_OK)
        return BELFRY_EINVAL;
    struct belfry_recipient to = {
        .struct_size = sizeof to, .kind = BELFRY_TO_USER, .name = parcel->who, .reason = belfry_str("addressee")};
    struct belfry_action fetched = {.struct_size = sizeof fetched, .id = belfry_str("fetched"), .data = trigger->data};
    struct belfry_event event = {.struct_size = sizeof event,
                                 .type = belfry_str("parcel.waiting"),
                                 .subject = belfry_str(parcel->subject),
                                 .severity = -1,
                                 .audience = &to,
                                 .audience_count = 1,
                                 .actions = &fetched,
                                 .action_count = 1};
    belfry_status status = txn->api->put(txn, belfry_str(parcel->subject), trigger->data);
    return status == BELFRY_OK ? txn->api->emit(txn, &event, err) : status;
}

/* parcel.fetched {id, for, by} */
static belfry_status fetched(const struct parcels *p, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                             const struct parcel *parcel, struct belfry_error *err)
{
    struct belfry_str key = belfry_str(parcel->subject), by, waits;
    if (txn->principal->kind == BELFRY_PRINCIPAL_PERSON)
        by = txn->principal->name;
    else if (txn->api->value_username(txn, trigger, "/by", &by, err) != BELFRY_OK)
        return BELFRY_EINVAL;
    if (txn->api->get(txn, key, &waits) != BELFRY_OK)
        return p->host->fail(err, BELFRY_ECONFLICT, NULL, "no such parcel waits");
    belfry_status status = txn->api->handled(txn, key, NULL, by);
    return status == BELFRY_OK ? txn->api->del(txn, key) : status;
}

static belfry_status receive(void *self, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                             struct belfry_error *err)
{
    const struct parcels *p = self;
    struct parcel parcel;
    int has_come = trigger->type.len == 14 && memcmp(trigger->type.ptr, "parcel.arrived", 14) == 0;
    if (!has_come && !(trigger->type.len == 14 && memcmp(trigger->type.ptr, "parcel.fetched", 14) == 0))
        return p->host->fail(err, BELFRY_EINVAL, "/type", "must be parcel.arrived or parcel.fetched");
    belfry_status status = read_parcel(p, txn, trigger, &parcel, err);
    if (status != BELFRY_OK)
        return status;
    return has_come ? arrived(txn, trigger, &parcel, err) : fetched(p, txn, trigger, &parcel, err);
}

/* --- stopping ----------------------------------------------------------------------------------------------------- */

static void end(struct parcels *p)
{
    p->open--;
    if (p->stopping && p->open == 0)
        p->host->stopped(p->host);
}

static void stop(void *self)
{
    struct parcels *p = self;
    p->stopping = 1;
    if (p->open == 0)
        p->host->stopped(p->host);
}

/* --- Refresh ------------------------------------------------------------------------------------------------------ */

struct job {
    struct parcels *p;
    uint64_t id;
    char org[64];
    size_t owed; /* answers to what was submitted, and one for the list itself */
    belfry_status worst;
};

/* The job ends when the last trigger has been answered. */
static void settle(struct job *job)
{
    struct parcels *p = job->p;
    if (--job->owed > 0)
        return;
    p->host->job_done(p->host, job->id, 0, 0, job->worst);
    free(job);
    end(p);
}

static void warn(const struct parcels *p, const char *what, struct belfry_str why)
{
    char line[300];
    snprintf(line, sizeof line, "%s: %.*s", what, (int)why.len, why.ptr);
    p->host->log(p->host, BELFRY_LOG_WARN, line);
}

static void submitted(void *arg, belfry_status status, struct belfry_str message)
{
    struct job *job = arg;
    if (status != BELFRY_OK)
        warn(job->p, "a parcel of the list was refused", message);
    settle(job);
}

/* A line is the parcel's number, a blank, and the data of parcel.arrived. The number is the trigger's id, so that what
 * was listed before is a duplicate, and answered with OK. */
static void submit_line(struct job *job, const char *line, size_t len)
{
    const char *blank = memchr(line, ' ', len);
    if (!blank)
        return;
    struct belfry_submission parcel = {.struct_size = sizeof parcel,
                                       .org = belfry_str(job->org),
                                       .id = {line, (size_t)(blank - line)},
                                       .source = belfry_str("/parcels/list"),
                                       .type = belfry_str("parcel.arrived"),
                                       .data = {blank + 1, (size_t)(line + len - blank - 1)}};
    job->owed++;
    if (job->p->host->submit(job->p->host, &parcel, submitted, job) != BELFRY_OK) {
        job->worst = BELFRY_EAGAIN;
        job->owed--;
    }
}

static void listed(void *arg, const struct belfry_http_answer *answer)
{
    struct job *job = arg;
    const char *line = answer->body.ptr, *last = line + answer->body.len;
    if (answer->status != 200 || answer->truncated) {
        job->worst = BELFRY_EIO;
        warn(job->p, "the list could not be read",
             answer->error ? answer->error_text : belfry_str("its answer is not 200, or too long"));
    }
    while (answer->status == 200 && line < last) {
        const char *stop = memchr(line, '\n', (size_t)(last - line));
        stop = stop ? stop : last;
        submit_line(job, line, (size_t)(stop - line));
        line = stop + 1;
    }
    settle(job);
}

static void refresh(void *self, uint64_t job_id, struct belfry_str org)
{
    struct parcels *p = self;
    struct job *job = p->config->list ? calloc(1, sizeof *job) : NULL;
    if (!job) {
        p->host->job_done(p->host, job_id, 0, 0, p->config->list ? BELFRY_ENOMEM : BELFRY_OK);
        return;
    }
    *job = (struct job){.p = p, .id = job_id, .owed = 1};
    snprintf(job->org, sizeof job->org, "%.*s", (int)org.len, org.ptr);
    p->open++;
    struct belfry_http_call call = {.struct_size = sizeof call,
                                    .method = "GET",
                                    .url = p->config->list,
                                    .timeout_ms = 20000,
                                    .connect_timeout_ms = 5000,
                                    .max_response = 1 << 20};
    if (p->client->request(p->host, &call, listed, job, NULL) != BELFRY_OK) {
        job->worst = BELFRY_EIO;
        settle(job);
    }
}

/* --- what waits --------------------------------------------------------------------------------------------------- */

struct look {
    struct parcels *p;
    uint64_t request;
};

/* The values are the JSON of triggers, so they are members of a list as they are. */
static void looked(void *arg, belfry_status status, const struct belfry_attr *items, size_t count)
{
    struct look look = *(struct look *)arg;
    free(arg);
    size_t len = 20;
    for (size_t i = 0; i < count; i++)
        len += items[i].value.len + 1;
    char *body = status == BELFRY_OK ? malloc(len) : NULL, *at = body;
    if (body) {
        at += sprintf(at, "{\"items\":[");
        for (size_t i = 0; i < count; i++)
            at += sprintf(at, "%s%.*s", i ? "," : "", (int)items[i].value.len, items[i].value.ptr);
        at += sprintf(at, "]}");
        struct belfry_http_response response = {.struct_size = sizeof response,
                                                .status = 200,
                                                .content_type = belfry_str("application/json"),
                                                .body = {body, (size_t)(at - body)}};
        look.p->route->respond(look.p->host, look.request, &response);
        free(body);
    } else {
        look.p->route->problem(look.p->host, look.request, 503, NULL, belfry_str("not now"));
    }
    end(look.p);
}

/* People see their own. Whether the token may `read`, and whether it is of this org, the hub has asked already. */
static void on_list(void *self, const struct belfry_http_request *req)
{
    struct parcels *p = self;
    struct look *look = malloc(sizeof *look);
    char prefix[200] = "parcel/";
    if (!look) {
        p->route->problem(p->host, req->id, 503, NULL, belfry_str("not now"));
        return;
    }
    *look = (struct look){p, req->id};
    if (req->principal->kind == BELFRY_PRINCIPAL_PERSON)
        snprintf(prefix, sizeof prefix, "parcel/%.*s/", (int)req->principal->name.len, req->principal->name.ptr);
    p->open++;
    p->state->scan(p->host, req->org, belfry_str(prefix), none, 0, SHOWN_MAX, looked, look);
}

/* --- the plugin --------------------------------------------------------------------------------------------------- */

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    struct parcels *p = calloc(1, sizeof *p);
    if (!p)
        return host->fail(err, BELFRY_ENOMEM, NULL, "out of memory");
    p->host = host;
    p->config = config;
    p->client = host->get_extension(host, BELFRY_EXT_HTTP_CLIENT);
    p->route = host->get_extension(host, BELFRY_EXT_HTTP_ROUTE);
    p->state = host->get_extension(host, BELFRY_EXT_STATE);
    *self = p;
    return BELFRY_OK;
}

static const struct belfry_option options[] = {{.struct_size = sizeof(struct belfry_option),
                                                .type = BELFRY_OPT_URL,
                                                .offset = offsetof(struct parcels_config, list),
                                                .name = "list",
                                                .doc = "The desk's list, which Refresh asks."},
                                               {0}};

static const struct belfry_route routes[] = {{.struct_size = sizeof(struct belfry_route),
                                              .method = "GET",
                                              .pattern = "/v1/{org}/sources/{instance}/parcels",
                                              .auth = "person|token:read",
                                              .handle = on_list},
                                             {0}};

static const struct belfry_action_type actions[] = {{.struct_size = sizeof(struct belfry_action_type),
                                                     .id = "fetched",
                                                     .label = "I have it",
                                                     .trigger = "parcel.fetched"},
                                                    {0}};
static const struct belfry_event_type events[] = {
    {.struct_size = sizeof(struct belfry_event_type),
     .type = "parcel.waiting",
     .category = "parcels",
     .severity = BELFRY_INFO,
     .actions = actions,
     .title = "A parcel of {{from}} waits at the desk",
     .doc = "A parcel has come.",
     .example = "{\"id\":\"7\",\"for\":\"ann\",\"from\":\"Northwind Dairy\"}"},
    {0}};

static const struct belfry_source source = {.struct_size = sizeof source, .receive = receive, .refresh = refresh};
static const struct belfry_role roles[] = {{"belfry.source/1", &source}, {0}};
static const char *const needs[] = {BELFRY_EXT_HTTP_CLIENT, BELFRY_EXT_HTTP_ROUTE, BELFRY_EXT_STATE, NULL};
static const struct belfry_plugin plugin = {.struct_size = sizeof plugin,
                                            .id = "parcels",
                                            .version = "1.0.0",
                                            .summary = "Tells people that a parcel waits for them",
                                            .roles = roles,
                                            .needs = needs,
                                            .options = options,
                                            .config_size = sizeof(struct parcels_config),
                                            .events = events,
                                            .routes = routes,
                                            .create = create,
                                            .stop = stop,
                                            .destroy = free};
BELFRY_PLUGIN(plugin);
