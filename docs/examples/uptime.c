/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source with options in each other: checks that fail are told to those whom the first alarm that applies names,
 * again and again while they fail, and the host's owner is looked up at another system and told as well.
 */
#include <belfry/host.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- options: what YAML says arrives in these structs ------------------------------------------------------------- */

struct alarm {
    const char *name;
    const struct belfry_condition *when; /* compiled; NULL when absent: holds for everything */
    struct belfry_list tell;             /* of const char *: "ann", "user:ann", "role:ops", "email:a@b.example" */
    const struct belfry_template *title; /* compiled; NULL when absent */
    int64_t again_after_ms;
};

struct lookup {
    const char *url, *token;
    int64_t timeout_ms;
};

struct config {
    struct belfry_list alarms;   /* of struct alarm */
    const struct lookup *lookup; /* NULL when absent */
};

/* The element of a list is children[0]: a row without a name, at offset 0. */
static const struct belfry_option recipient[] = {
    {.struct_size = sizeof(struct belfry_option), .type = BELFRY_OPT_RECIPIENT}, {0}};

/* What a condition may read, so that `belfry check` finds a typo. */
static const char *const paths[] = {"check", "host", "severity", NULL};

static const struct belfry_option alarm_options[] = {
    {.struct_size = sizeof(struct belfry_option),
     .type = BELFRY_OPT_STRING,
     .flags = BELFRY_OPT_REQUIRED | BELFRY_OPT_UNIQUE, /* no two alarms of one name */
     .offset = offsetof(struct alarm, name),
     .name = "name",
     .min = 1,
     .max = 60,
     .doc = "How the alarm is called in the reason that people see."},
    {.struct_size = sizeof(struct belfry_option),
     .type = BELFRY_OPT_CONDITION,
     .offset = offsetof(struct alarm, when),
     .name = "when",
     .choices = paths,
     .doc = "Which checks; every one when absent."},
    {.struct_size = sizeof(struct belfry_option),
     .type = BELFRY_OPT_LIST,
     .flags = BELFRY_OPT_REQUIRED | BELFRY_OPT_SCALAR_LIST, /* `tell: ann` is a list of one */
     .offset = offsetof(struct alarm, tell),
     .name = "tell",
     .min = 1,
     .max = 20,
     .children = recipient,
     .doc = "Whom to tell."},
    {.struct_size = sizeof(struct belfry_option),
     .type = BELFRY_OPT_TEMPLATE,
     .offset = offsetof(struct alarm, title),
     .name = "title",
     .doc = "Title, over the check: {{check}}, {{host}}, {{severity}}."},
    {.struct_size = sizeof(struct belfry_option),
     .type = BELFRY_OPT_DURATION,
     .offset = offsetof(struct alarm, again_after_ms),
     .name = "again_after",
     .def = "1h", /* as an admin would write it */
     .min = 60000,
     .max = INT64_C(7) * 86400000,
     .doc = "Tells again when the check still fails after so long."},
    {0}};

static const struct belfry_option alarm[] = {{.struct_size = sizeof(struct belfry_option),
                                              .type = BELFRY_OPT_OBJECT,
                                              .children = alarm_options,
                                              .size = sizeof(struct alarm)},
                                             {0}};

static const char *const schemes[] = {"https", "http", NULL};

static const struct belfry_option lookup_options[] = {
    {.struct_size = sizeof(struct belfry_option),
     .type = BELFRY_OPT_URL,
     .flags = BELFRY_OPT_REQUIRED,
     .offset = offsetof(struct lookup, url),
     .name = "url",
     .choices = schemes,
     .doc = "Asked with ?host=NAME; answers {\"owner\": \"USERNAME\"}."},
    {.struct_size = sizeof(struct belfry_option),
     .type = BELFRY_OPT_STRING,
     .flags = BELFRY_OPT_REQUIRED | BELFRY_OPT_SECRET, /* never printed; `${env:CMDB_TOKEN}` in YAML */
     .offset = offsetof(struct lookup, token),
     .name = "token",
     .max = 256,
     .doc = "Sent as Bearer token."},
    {.struct_size = sizeof(struct belfry_option),
     .type = BELFRY_OPT_DURATION,
     .offset = offsetof(struct lookup, timeout_ms),
     .name = "timeout",
     .def = "5s",
     .min = 100,
     .max = 60000,
     .doc = "How long it may take to answer."},
    {0}};

static const struct belfry_option options[] = {{.struct_size = sizeof(struct belfry_option),
                                                .type = BELFRY_OPT_LIST,
                                                .flags = BELFRY_OPT_REQUIRED,
                                                .offset = offsetof(struct config, alarms),
                                                .name = "alarms",
                                                .max = 100,
                                                .children = alarm,
                                                .doc = "Who is told of what; the first that applies counts."},
                                               {.struct_size = sizeof(struct belfry_option),
                                                .type = BELFRY_OPT_OBJECT,
                                                .flags = BELFRY_OPT_POINTER, /* NULL when it is absent */
                                                .offset = offsetof(struct config, lookup),
                                                .name = "lookup",
                                                .children = lookup_options,
                                                .size = sizeof(struct lookup),
                                                .doc = "Where the owner of a host is asked for."},
                                               {0}};

/* --- the instance ------------------------------------------------------------------------------------------------- */

struct uptime {
    const struct belfry_host *host;
    const struct belfry_match_api *match;
    const struct belfry_http_client_api *http;
    const struct config *config;
    size_t open; /* requests under way */
    int stopping;
};

static int cut(struct belfry_str *s, const char *prefix)
{
    size_t len = strlen(prefix);
    if (s->len < len || memcmp(s->ptr, prefix, len) != 0)
        return 0;
    s->ptr += len;
    s->len -= len;
    return 1;
}

static int is(struct belfry_str s, const char *text)
{
    return cut(&s, text) && s.len == 0;
}

/* RECIPIENT options come as text: a bare name is a username. */
static struct belfry_recipient recipient_of(const char *text, const char *reason)
{
    struct belfry_recipient r = {
        .struct_size = sizeof r, .kind = BELFRY_TO_USER, .name = belfry_str(text), .reason = belfry_str(reason)};
    if (cut(&r.name, "role:"))
        r.kind = BELFRY_TO_ROLE;
    else if (cut(&r.name, "email:"))
        r.kind = BELFRY_TO_EMAIL;
    else
        cut(&r.name, "user:");
    return r;
}

/* --- triggers ----------------------------------------------------------------------------------------------------- */

/* data empty: the trigger's own. Timers have no trigger, so due() gives what was remembered. */
static belfry_status tell(struct belfry_txn *txn, const struct alarm *a, struct belfry_str check,
                          struct belfry_str data, struct belfry_error *err)
{
    struct belfry_recipient to[20];
    const char *const *names = a->tell.items;
    for (uint32_t i = 0; i < a->tell.count; i++)
        to[i] = recipient_of(names[i], a->name);
    struct belfry_event event = {.struct_size = sizeof event,
                                 .type = belfry_str("uptime.failed"),
                                 .subject = check,
                                 .severity = BELFRY_ERROR,
                                 .title_template = a->title, /* NULL: the type's; reads the event's data */
                                 .audience = to,
                                 .audience_count = a->tell.count,
                                 .data = data};
    belfry_status status = txn->api->emit(txn, &event, err);
    return status ? status : txn->api->timer_set(txn, check, txn->now_ms + a->again_after_ms, belfry_str(a->name));
}

/* check.failed {check, host, severity} */
static belfry_status failed(struct uptime *u, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                            struct belfry_error *err)
{
    struct belfry_str check, host, before, none = {NULL, 0};
    int faults = txn->api->value_str(txn, trigger, "/check", &check, err) != BELFRY_OK;
    faults += txn->api->value_str(txn, trigger, "/host", &host, err) != BELFRY_OK;
    if (faults)
        return BELFRY_EINVAL;
    int known = txn->api->get(txn, check, &before) == BELFRY_OK;
    belfry_status status = txn->api->put(txn, check, trigger->data);
    if (status || known) /* told already; the timer tells again */
        return status;
    const struct alarm *alarms = u->config->alarms.items;
    for (uint32_t i = 0; i < u->config->alarms.count; i++) {
        if (!u->match->eval(alarms[i].when, txn->api->value_view(txn, trigger)))
            continue;
        status = tell(txn, &alarms[i], check, none, err);
        break;
    }
    if (!status && u->config->lookup) /* performed after the commit, by perform() */
        status = txn->api->task(txn, belfry_str("lookup"), host, 0);
    return status;
}

/* check.passed {check} */
static belfry_status passed(struct belfry_txn *txn, const struct belfry_trigger *trigger, struct belfry_error *err)
{
    struct belfry_str check;
    struct belfry_selection everybody = {.struct_size = sizeof everybody, .reason = belfry_str("it works again")};
    if (txn->api->value_str(txn, trigger, "/check", &check, err) != BELFRY_OK)
        return BELFRY_EINVAL;
    belfry_status status = txn->api->withdraw(txn, check, &everybody);
    if (!status)
        status = txn->api->timer_clear(txn, check);
    return status ? status : txn->api->del(txn, check);
}

/* lookup.result {owner, host}: what task_done() said, as a trigger; "KEY.result" of the task's key */
static belfry_status found(struct belfry_txn *txn, const struct belfry_trigger *trigger, struct belfry_error *err)
{
    struct belfry_str owner, host;
    if (txn->principal->kind != BELFRY_PRINCIPAL_TASK) /* anybody may post a trigger of that type */
        return txn->host->fail(err, BELFRY_EPERM, "/type", "only a task of this source has results");
    if (txn->api->value_str(txn, trigger, "/owner", &owner, NULL) != BELFRY_OK ||
        txn->api->value_str(txn, trigger, "/host", &host, NULL) != BELFRY_OK)
        return BELFRY_OK; /* nobody owns it */
    struct belfry_recipient to = {
        .struct_size = sizeof to, .kind = BELFRY_TO_USER, .name = owner, .reason = belfry_str("owner of the host")};
    struct belfry_event event = {.struct_size = sizeof event,
                                 .type = belfry_str("uptime.yours"),
                                 .subject = host,
                                 .severity = -1,
                                 .audience = &to,
                                 .audience_count = 1};
    return txn->api->emit(txn, &event, err);
}

static belfry_status receive(void *self, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                             struct belfry_error *err)
{
    if (is(trigger->type, "check.failed"))
        return failed(self, txn, trigger, err);
    if (is(trigger->type, "check.passed"))
        return passed(txn, trigger, err);
    if (is(trigger->type, "lookup.result"))
        return found(txn, trigger, err);
    return txn->host->fail(err, BELFRY_EINVAL, "/type", "must be check.failed or check.passed");
}

static belfry_status due(void *self, struct belfry_txn *txn, struct belfry_str check, struct belfry_str name,
                         int64_t was_due_ms, struct belfry_error *err)
{
    struct uptime *u = self;
    struct belfry_str remembered;
    (void)was_due_ms;
    if (txn->api->get(txn, check, &remembered) != BELFRY_OK)
        return BELFRY_OK;
    const struct alarm *alarms = u->config->alarms.items;
    for (uint32_t i = 0; i < u->config->alarms.count; i++) {
        if (is(name, alarms[i].name)) /* gone from the configuration: told no more */
            return tell(txn, &alarms[i], check, remembered, err);
    }
    return BELFRY_OK;
}

/* --- the task: on the loop, never in a transaction ---------------------------------------------------------------- */

struct question {
    struct uptime *uptime;
    uint64_t task;
};

static void finish(struct uptime *u)
{
    if (u->stopping && u->open == 0)
        u->host->stopped(u->host);
}

static void answered(void *arg, const struct belfry_http_answer *answer)
{
    struct question *q = arg;
    struct uptime *u = q->uptime;
    struct belfry_str none = {NULL, 0};
    if (answer->status == 200 && !answer->truncated)
        u->host->task_done(u->host, q->task, BELFRY_DELIVERED, 0, answer->body);
    else if (answer->status == 404)
        u->host->task_done(u->host, q->task, BELFRY_DELIVERED, 0, none); /* an empty result is {} */
    else
        u->host->task_done(u->host, q->task, BELFRY_RETRY, 0, none); /* the hub asks again, by its schedule */
    u->open--;
    free(q);
    finish(u);
}

static void perform(void *self, uint64_t task, struct belfry_str org, struct belfry_str key, struct belfry_str host)
{
    struct uptime *u = self;
    const struct lookup *lookup = u->config->lookup;
    struct belfry_str none = {NULL, 0};
    char url[2048], authorization[300];
    (void)org;
    (void)key;
    if (!lookup) { /* made under an older configuration */
        u->host->task_done(u->host, task, BELFRY_DELIVERED, 0, none);
        return;
    }
    snprintf(url, sizeof url, "%s?host=%.*s", lookup->url, (int)host.len, host.ptr);
    snprintf(authorization, sizeof authorization, "Bearer %s", lookup->token);
    struct belfry_attr header = {belfry_str("authorization"), belfry_str(authorization)};
    struct belfry_http_call call = {.struct_size = sizeof call,
                                    .method = "GET",
                                    .url = url,
                                    .headers = &header,
                                    .header_count = 1,
                                    .timeout_ms = lookup->timeout_ms,
                                    .connect_timeout_ms = lookup->timeout_ms,
                                    .max_response = 4096};
    struct question *q = malloc(sizeof *q);
    if (q) {
        *q = (struct question){u, task};
        if (u->http->request(u->host, &call, answered, q, NULL) == BELFRY_OK) {
            u->open++;
            return;
        }
    }
    free(q);
    u->host->task_done(u->host, task, BELFRY_RETRY, 0, none);
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    struct uptime *u = calloc(1, sizeof *u);
    if (!u)
        return host->fail(err, BELFRY_ENOMEM, NULL, "out of memory");
    u->host = host;
    u->config = config;
    u->match = host->get_extension(host, BELFRY_EXT_MATCH);
    u->http = host->get_extension(host, BELFRY_EXT_HTTP_CLIENT);
    *self = u;
    return BELFRY_OK;
}

static void stop(void *self)
{
    struct uptime *u = self;
    u->stopping = 1;
    finish(u);
}

static const char *const replaces[] = {"uptime.failed", NULL};
static const struct belfry_event_type events[] = {
    {.struct_size = sizeof(struct belfry_event_type),
     .type = "uptime.failed",
     .category = "uptime",
     .severity = BELFRY_ERROR,
     .replaces = replaces,
     .title = "{{check}} fails on {{host}}",
     .doc = "A check fails, or still does.",
     .example = "{\"check\":\"web/1\",\"host\":\"prod-7\",\"severity\":\"error\"}"},
    {.struct_size = sizeof(struct belfry_event_type),
     .type = "uptime.yours",
     .category = "uptime",
     .severity = BELFRY_WARNING,
     .title = "Your host {{host}} has a check that fails",
     .doc = "The owner of a host is told.",
     .example = "{\"owner\":\"ann\",\"host\":\"prod-7\"}"},
    {0}};

static const struct belfry_source source = {
    .struct_size = sizeof source, .receive = receive, .due = due, .perform = perform};
static const struct belfry_role roles[] = {{"belfry.source/1", &source}, {0}};
static const char *const needs[] = {BELFRY_EXT_MATCH, BELFRY_EXT_HTTP_CLIENT, NULL};
static const struct belfry_plugin plugin = {.struct_size = sizeof plugin,
                                            .id = "uptime",
                                            .version = "1.0.0",
                                            .summary = "Tells people of checks that fail",
                                            .roles = roles,
                                            .needs = needs,
                                            .options = options,
                                            .config_size = sizeof(struct config),
                                            .events = events,
                                            .create = create,
                                            .stop = stop,
                                            .destroy = free};
BELFRY_PLUGIN(plugin);
