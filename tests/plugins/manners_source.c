/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A source that uses the extensions which none of the own plugins needs (fd, worker, metrics, timers, state), and one
 * that breaks the rules on purpose: manners.thread calls a [loop] function from receive(), manners.stale uses ids that
 * are over, manners.late uses a txn after its call, manners.newer emits with structs that are longer than the hub's,
 * and uses what is beyond in those that `used` names. manners.call makes calls that have callbacks, with texts that are
 * gone when they return. manners.mail leaves a mail under way to the port that is its word. manners.ask makes a task:
 * its word goes through a pool thread and a pipe that the loop watches, and comes back as "ask.result", whose word is
 * kept as state. GET /v1/{org}/manners/{instance} lists that. POST /v1/{org}/hasty/{instance} asks for much and does
 * not wait for any of it.
 */
#include <belfry/host.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct manners {
    const struct belfry_host *host;
    const struct belfry_timer_api *timer;
    const struct belfry_fd_api *fd;
    const struct belfry_worker_api *worker;
    const struct belfry_metrics_api *metrics;
    const struct belfry_state_api *state;
    const struct belfry_http_route_api *http;
    const struct belfry_http_client_api *client;
    const struct belfry_smtp_client_api *smtp;
    const struct belfry_inbox_api *inbox;
    const struct belfry_job_api *job;
    const struct belfry_txn_api *txn_api; /* of a call that is over */
    struct belfry_txn *txn;
    int pipe[2];
    uint64_t watch, task;
    uint32_t words, callbacks, inline_callbacks;
    int inside; /* calls of the host are under way */
    char word[64];
    size_t word_len;
};

static int is(struct belfry_str s, const char *z)
{
    return s.len == strlen(z) && memcmp(s.ptr, z, s.len) == 0;
}

/* --- the way of a word -------------------------------------------------------------------------------------------- */

static void on_readable(void *arg, uint32_t ready)
{
    struct manners *m = arg;
    char json[100] = "{\"word\":\"";
    ssize_t len = read(m->pipe[0], json + strlen(json), sizeof(m->word));
    if (!(ready & BELFRY_FD_READ) || len <= 0)
        return;
    strcat(json, "\"}");
    m->metrics->add(m->host, m->words, 1);
    m->host->task_done(m->host, m->task, BELFRY_DELIVERED, 0, belfry_str(json));
}

static void on_worker(void *arg)
{
    struct manners *m = arg;
    m->word_len = (size_t)write(m->pipe[1], m->word, m->word_len);
}

static void after_worker(void *arg)
{
    (void)arg;
}

static void perform(void *self, uint64_t task, struct belfry_str org, struct belfry_str key, struct belfry_str payload)
{
    struct manners *m = self;
    (void)org;
    (void)key;
    m->task = task;
    m->word_len = payload.len < sizeof(m->word) ? payload.len : sizeof(m->word);
    memcpy(m->word, payload.ptr, m->word_len);
    m->worker->run(m->host, on_worker, after_worker, m);
}

/* --- bad manners -------------------------------------------------------------------------------------------------- */

static void misuse_ids(void *arg)
{
    struct manners *m = arg;
    struct belfry_result delivered = {.struct_size = sizeof(delivered), .outcome = BELFRY_DELIVERED};
    struct belfry_http_response response = {.struct_size = sizeof(response), .status = 200};
    m->timer->stop(m->host, UINT64_MAX);
    m->client->cancel(m->host, UINT64_MAX);
    m->smtp->cancel(m->host, UINT64_MAX);
    m->fd->unwatch(m->host, UINT64_MAX);
    m->http->respond(m->host, UINT64_MAX, &response);
    m->host->complete(m->host, UINT64_MAX, &delivered, 1);
    m->host->task_done(m->host, INT64_MAX, BELFRY_DELIVERED, 0, belfry_str("{}"));
}

static void misuse_txn(void *arg)
{
    struct manners *m = arg;
    m->txn_api->put(m->txn, belfry_str("late"), belfry_str("1"));
}

/* --- callbacks come later, and what was handed over was copied ---------------------------------------------------- */

static void came(struct manners *m)
{
    m->metrics->add(m->host, m->inside ? m->inline_callbacks : m->callbacks, 1);
}

static void came_back(void *arg)
{
    came(arg);
}

static void came_read(void *arg, belfry_status status, struct belfry_str value)
{
    (void)status;
    (void)value;
    came(arg);
}

static void came_answer(void *arg, const struct belfry_http_answer *answer)
{
    (void)answer;
    came(arg);
}

static void came_mailed(void *arg, const struct belfry_smtp_answer *answer)
{
    if (answer->error == BELFRY_SMTP_ERR_CONNECT)
        came(arg);
}

static void came_done(void *arg, belfry_status status, struct belfry_str message)
{
    (void)message;
    if (status == BELFRY_OK)
        came(arg);
}

static void work(void *arg)
{
    (void)arg;
}

static struct belfry_str lend(char **at, const char *text)
{
    struct belfry_str s = {*at, strlen(text)};
    strcpy(*at, text);
    *at += s.len + 1;
    return s;
}

/* Eight calls of which each has one callback; three fail at once. Their texts are gone when this returns. */
static void call_all(void *arg)
{
    struct manners *m = arg;
    char texts[500] = "", *at = texts;
    struct belfry_str org = lend(&at, "acme"), url = lend(&at, "http://127.0.0.1:1/");
    struct belfry_submission sub = {.struct_size = sizeof(sub),
                                    .org = org,
                                    .id = lend(&at, "borrowed-1"),
                                    .source = lend(&at, "/manners"),
                                    .type = lend(&at, "manners.said"),
                                    .data = lend(&at, "{\"word\":\"borrowed\"}")};
    struct belfry_http_call call = {
        .struct_size = sizeof(call), .method = lend(&at, "GET").ptr, .url = url.ptr, .timeout_ms = 1000};
    struct belfry_smtp_mail mail = {.struct_size = sizeof(mail),
                                    .url = lend(&at, "smtp://127.0.0.1:1").ptr,
                                    .username = lend(&at, "ann").ptr,
                                    .password = lend(&at, "secret").ptr,
                                    .from = lend(&at, "hub@acme.example").ptr,
                                    .to = lend(&at, "ann@acme.example").ptr,
                                    .message = lend(&at, "Subject: hi\r\n\r\n")};
    m->inside = 1;
    m->timer->start(m->host, 0, 0, came_back, m, NULL);
    m->worker->run(m->host, work, came_back, m);
    m->state->get(m->host, org, lend(&at, ""), came_read, m);
    m->state->get(m->host, org, lend(&at, "key"), came_read, m);
    m->client->request(m->host, &call, came_answer, m, NULL);
    m->smtp->send(m->host, &mail, came_mailed, m, NULL);
    m->host->post(m->host, came_back, m);
    m->host->submit(m->host, &sub, came_done, m);
    memset(texts, 'X', sizeof(texts));
    m->inside = 0;
}

/* --- what is left behind ------------------------------------------------------------------------------------------ */

struct left {
    struct manners *manners;
    char url[64];
};

static void too_late(void *arg, const struct belfry_smtp_answer *answer)
{
    (void)arg;
    (void)answer;
    abort(); /* the instance is gone: nobody is told */
}

static void leave_mail(void *arg)
{
    struct left *left = arg;
    struct manners *m = left->manners;
    struct belfry_smtp_mail mail = {.struct_size = sizeof(mail),
                                    .url = left->url,
                                    .from = "hub@acme.example",
                                    .to = "ann@acme.example",
                                    .message = belfry_str("Subject: hi\r\n\r\n")};
    m->smtp->send(m->host, &mail, too_late, NULL, NULL);
    free(left);
}

/* As from a later version of the header. */
struct newer_event {
    struct belfry_event old;
    uint64_t more;
};
struct newer_recipient {
    struct belfry_recipient old;
    uint64_t more;
};
struct newer_selection {
    struct belfry_selection old;
    uint64_t more;
};

static belfry_status newer(struct belfry_txn *txn, struct belfry_str used, struct belfry_error *err)
{
    static const char *const names[] = {"ann", "bob"};
    struct newer_recipient to[2] = {0};
    struct newer_event event = {0};
    struct newer_selection which = {0};
    for (int i = 0; i < 2; i++)
        to[i].old = (struct belfry_recipient){.struct_size = sizeof(to[i]),
                                              .kind = BELFRY_TO_USER,
                                              .name = belfry_str(names[i]),
                                              .reason = belfry_str("named")};
    event.old = (struct belfry_event){.struct_size = sizeof(event),
                                      .type = belfry_str("manners.newer"),
                                      .subject = belfry_str("manners/1"),
                                      .severity = -1,
                                      .audience = &to[0].old,
                                      .audience_count = 2};
    which.old.struct_size = sizeof(which);
    event.more = is(used, "event");
    to[1].more = is(used, "recipient");
    which.more = is(used, "selection");
    belfry_status status = txn->api->withdraw(txn, belfry_str("manners/0"), &which.old);
    return status == BELFRY_OK ? txn->api->emit(txn, &event.old, err) : status;
}

static void never(void *arg)
{
    (void)arg;
    abort();
}

static belfry_status receive(void *self, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                             struct belfry_error *err)
{
    struct manners *m = self;
    struct belfry_str word = {0}, used = {0};
    uint64_t id;
    txn->api->value_str(txn, trigger, "/word", &word, NULL);
    txn->api->value_str(txn, trigger, "/used", &used, NULL);
    if (is(trigger->type, "manners.ask"))
        return txn->api->task(txn, belfry_str("ask"), word, 0);
    if (is(trigger->type, "ask.result"))
        return txn->api->put(txn, word, belfry_str("heard"));
    if (is(trigger->type, "manners.stale"))
        return m->host->post(m->host, misuse_ids, m);
    if (is(trigger->type, "manners.thread"))
        return m->timer->start(m->host, 0, 0, never, m, &id) == BELFRY_EPERM ? BELFRY_OK : BELFRY_EINTERNAL;
    if (is(trigger->type, "manners.late")) {
        m->txn = txn;
        m->txn_api = txn->api;
        return m->host->post(m->host, misuse_txn, m);
    }
    if (is(trigger->type, "manners.call"))
        return m->host->post(m->host, call_all, m);
    if (is(trigger->type, "manners.mail")) {
        struct left *left = calloc(1, sizeof(*left));
        left->manners = m;
        snprintf(left->url, sizeof(left->url), "smtp://127.0.0.1:%.*s", (int)word.len, word.ptr);
        return m->host->post(m->host, leave_mail, left);
    }
    if (is(trigger->type, "manners.said"))
        return txn->api->put(txn, word, belfry_str("said"));
    if (is(trigger->type, "manners.newer"))
        return newer(txn, used, err);
    return m->host->fail(err, BELFRY_EINVAL, "/type", "must be manners.ask, stale, thread, late, call, mail or newer");
}

/* --- the list ----------------------------------------------------------------------------------------------------- */

struct listing {
    struct manners *manners;
    uint64_t request;
};

static void listed(void *arg, belfry_status status, const struct belfry_attr *items, size_t count)
{
    struct listing *l = arg;
    char text[1000] = "";
    for (size_t i = 0; i < count && strlen(text) + items[i].name.len + 2 < sizeof(text); i++) {
        strncat(text, items[i].name.ptr, items[i].name.len);
        strcat(text, "\n");
    }
    struct belfry_http_response response = {.struct_size = sizeof(response),
                                            .status = status == BELFRY_OK ? 200 : 400,
                                            .content_type = belfry_str("text/plain"),
                                            .body = belfry_str(text)};
    l->manners->http->respond(l->manners->host, l->request, &response);
    free(l);
}

static void list(void *self, const struct belfry_http_request *req)
{
    struct manners *m = self;
    struct belfry_str prefix = {0}, after = {0}, limit = {0};
    struct listing *l = calloc(1, sizeof(*l));
    l->manners = m;
    l->request = req->id;
    m->http->query(req, "prefix", 0, &prefix);
    m->http->query(req, "after", 0, &after);
    m->http->query(req, "limit", 0, &limit);
    m->state->scan(m->host, req->org, prefix, after, 0, limit.len ? (uint32_t)atoi(limit.ptr) : 1000, listed, l);
}

/* --- answered before what was asked for its person has ended ------------------------------------------------------ */

static void came_change(void *arg, const struct belfry_inbox_change *change)
{
    (void)change;
    came(arg);
}

static void came_job(void *arg, belfry_status status, const struct belfry_job *job)
{
    (void)job;
    if (status == BELFRY_OK)
        came(arg);
}

static void hasty(void *self, const struct belfry_http_request *req)
{
    struct manners *m = self;
    struct belfry_str id = {0};
    const struct belfry_inbox_filter all = {.struct_size = sizeof(all)};
    const struct belfry_http_response response = {.struct_size = sizeof(response), .status = 204};
    m->http->query(req, "id", 0, &id);
    m->inside = 1;
    m->inbox->mark(req, BELFRY_MARK_READ, id, came_change, m);
    m->inbox->bulk(req, BELFRY_MARK_READ, &all, INT64_MAX, came_change, m);
    m->inbox->undo(req, id, came_change, m);
    m->inbox->act(req, id, belfry_str("none"), belfry_str("why"), came_change, m);
    m->job->refresh(req, came_job, m);
    m->inside = 0;
    m->http->respond(m->host, req->id, &response);
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    struct manners *m = calloc(1, sizeof(*m));
    (void)config;
    if (!m || pipe(m->pipe))
        return host->fail(err, BELFRY_ENOMEM, NULL, "no pipe");
    m->host = host;
    m->timer = host->get_extension(host, BELFRY_EXT_TIMER);
    m->fd = host->get_extension(host, BELFRY_EXT_FD);
    m->worker = host->get_extension(host, BELFRY_EXT_WORKER);
    m->metrics = host->get_extension(host, BELFRY_EXT_METRICS);
    m->state = host->get_extension(host, BELFRY_EXT_STATE);
    m->http = host->get_extension(host, BELFRY_EXT_HTTP_ROUTE);
    m->client = host->get_extension(host, BELFRY_EXT_HTTP_CLIENT);
    m->smtp = host->get_extension(host, BELFRY_EXT_SMTP_CLIENT);
    m->inbox = host->get_extension(host, BELFRY_EXT_INBOX);
    m->job = host->get_extension(host, BELFRY_EXT_JOB);
    *self = m;
    return BELFRY_OK;
}

static belfry_status start(void *self, struct belfry_error *err)
{
    struct manners *m = self;
    if (m->fd->watch(m->host, m->pipe[0], BELFRY_FD_READ, on_readable, m, &m->watch) != BELFRY_OK ||
        m->fd->watch(m->host, m->pipe[0], BELFRY_FD_READ, on_readable, m, NULL) != BELFRY_ECONFLICT)
        return m->host->fail(err, BELFRY_EIO, NULL, "the pipe cannot be watched");
    m->metrics->counter(m->host, "manners_callbacks_total", "Callbacks on a later turn.", &m->callbacks);
    m->metrics->counter(m->host, "manners_inline_total", "Callbacks inside of a call.", &m->inline_callbacks);
    return m->metrics->counter(m->host, "manners_words_total", "Words that came through the pipe.", &m->words);
}

static void stop(void *self)
{
    struct manners *m = self;
    m->fd->unwatch(m->host, m->watch);
    m->host->stopped(m->host);
}

static void destroy(void *self)
{
    struct manners *m = self;
    close(m->pipe[0]);
    close(m->pipe[1]);
    free(m);
}

static const struct belfry_event_type events[] = {{.struct_size = sizeof(struct belfry_event_type),
                                                   .type = "manners.newer",
                                                   .category = "manners",
                                                   .title = "From a newer plugin",
                                                   .doc = "Emitted with structs of a later header.",
                                                   .example = "{}"},
                                                  {0}};
static const struct belfry_route routes[] = {{.struct_size = sizeof(struct belfry_route),
                                              .method = "GET",
                                              .pattern = "/v1/{org}/manners/{instance}",
                                              .auth = "token:read",
                                              .handle = list},
                                             {.struct_size = sizeof(struct belfry_route),
                                              .method = "POST",
                                              .pattern = "/v1/{org}/hasty/{instance}",
                                              .auth = "person",
                                              .handle = hasty},
                                             {0}};
static const struct belfry_source source = {.struct_size = sizeof(source), .receive = receive, .perform = perform};
static const struct belfry_role roles[] = {{"belfry.source/1", &source}, {0}};
static const char *const needs[] = {BELFRY_EXT_TIMER,
                                    BELFRY_EXT_FD,
                                    BELFRY_EXT_WORKER,
                                    BELFRY_EXT_METRICS,
                                    BELFRY_EXT_STATE,
                                    BELFRY_EXT_HTTP_ROUTE,
                                    BELFRY_EXT_HTTP_CLIENT,
                                    BELFRY_EXT_SMTP_CLIENT,
                                    BELFRY_EXT_INBOX,
                                    BELFRY_EXT_JOB,
                                    NULL};
static const struct belfry_plugin plugin = {
    .struct_size = sizeof(plugin),
    .id = "manners_source",
    .version = "1.0.0",
    .summary = "Uses many extensions, and breaks rules when it is asked to.",
    .roles = roles,
    .needs = needs,
    .events = events,
    .routes = routes,
    .create = create,
    .start = start,
    .stop = stop,
    .destroy = destroy,
};

BELFRY_PLUGIN(plugin);
