/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libbelfry-test itself: that it keeps a transaction's promises, that time passes in order, and that it notices a
 * plugin that breaks the rules. The plugin under test does what triggers and batches tell it to do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#undef fail /* a member of struct belfry_host */

#include <belfry/test.h>

struct puppet {
    const struct belfry_host *host;
    const struct belfry_timer_api *timer;
    const struct belfry_http_client_api *http;
    const struct belfry_worker_api *worker;
    const struct belfry_metrics_api *metrics;
    const struct belfry_secret_api *secret;
    const struct belfry_state_api *state;
    uint64_t batch, loop_timer, task;
    int inside; /* a call of the host is under way: no callback may come */
    int fired, scanned;
    char log[200];
};

static void note(struct puppet *p, const char *text)
{
    assert_int_equal(p->inside, 0);
    strcat(p->log, text);
}

/* --- source ------------------------------------------------------------------------------------------------------- */

static int32_t scan_one(void *arg, struct belfry_str key, struct belfry_str value)
{
    char line[80];
    snprintf(line, sizeof(line), "%.*s=%.*s ", (int)key.len, key.ptr, (int)value.len, value.ptr);
    strcat(((struct puppet *)arg)->log, line);
    return 0;
}

static void on_posted(void *arg)
{
    note(arg, "posted ");
}

static void on_submitted(void *arg, belfry_status status, struct belfry_str message)
{
    char text[100];
    snprintf(text, sizeof(text), "refused, %.*s ", (int)message.len, message.ptr);
    note(arg, status == BELFRY_OK ? "submitted " : text);
}

static belfry_status emit(struct belfry_txn *txn, const char *type, const char *to, int64_t valid_until_ms,
                          struct belfry_error *err)
{
    struct belfry_recipient who = {sizeof(who), BELFRY_TO_USER, belfry_str(to), belfry_str("asked")};
    struct belfry_action action = {
        .struct_size = sizeof(action), .id = belfry_str("ok"), .data = belfry_str("{\"key\":\"acted\"}")};
    if (strncmp(to, "role:", 5) == 0)
        who = (struct belfry_recipient){sizeof(who), BELFRY_TO_ROLE, belfry_str(to + 5), belfry_str("asked")};
    struct belfry_event event = {.struct_size = sizeof(event),
                                 .type = belfry_str(type),
                                 .subject = belfry_str("thing/1"),
                                 .severity = -1,
                                 .actor = txn->principal->kind == BELFRY_PRINCIPAL_PERSON ? txn->principal->name
                                                                                          : belfry_str(NULL),
                                 .audience = &who,
                                 .audience_count = 1,
                                 .actions = &action,
                                 .action_count = strcmp(type, "thing.asked") == 0,
                                 .valid_until_ms = valid_until_ms};
    return txn->api->emit(txn, &event, err);
}

static belfry_status receive(void *self, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                             struct belfry_error *err)
{
    struct puppet *p = self;
    struct belfry_str what = trigger->type, text = {"", 0}, key = {"k", 1}, value;
    const struct belfry_txn_api *api = txn->api;
    char type[64], name[64];
    snprintf(type, sizeof(type), "%.*s", (int)what.len, what.ptr);
    api->value_str(txn, trigger, "/key", &key, NULL);
    api->value_str(txn, trigger, "/text", &text, NULL);
    snprintf(name, sizeof(name), "%.*s", (int)text.len, text.ptr);
    if (strcmp(type, "put") == 0)
        return api->put(txn, key, text);
    if (strcmp(type, "del") == 0)
        return api->del(txn, key);
    if (strcmp(type, "put-and-fail") == 0) {
        api->put(txn, key, text);
        emit(txn, "thing.happened", "ann", 0, err);
        api->timer_set(txn, key, txn->now_ms + 5, text);
        p->host->fail_attr(err, "handled_by", belfry_str("bob"));
        return p->host->fail(err, BELFRY_ECONFLICT, "/data/key", "no");
    }
    if (strcmp(type, "get") == 0)
        return api->get(txn, key, &value) == BELFRY_OK && value.len == text.len ? BELFRY_OK : BELFRY_ENOTFOUND;
    if (strcmp(type, "scan") == 0)
        return api->scan(txn, text, (struct belfry_str){NULL, 0}, strcmp(name, "b") == 0, 2, scan_one, p);
    if (strcmp(type, "emit") == 0)
        return emit(txn, "thing.happened", name, 0, err);
    if (strcmp(type, "ask") == 0)
        return emit(txn, "thing.asked", name, 0, err);
    if (strcmp(type, "emit-for-an-hour") == 0)
        return emit(txn, "thing.brief", name, txn->now_ms + 3600000, err);
    if (strcmp(type, "emit-unknown") == 0)
        return emit(txn, "other.happened", name, 0, err);
    if (strcmp(type, "timer") == 0)
        return api->timer_set(txn, key, txn->now_ms + (int64_t)text.len * 1000, text);
    if (strcmp(type, "task") == 0)
        return api->task(txn, key, text, 0);
    if (strcmp(type, "fetch.result") == 0)
        return api->put(txn, belfry_str("result"), trigger->data);
    if (strcmp(type, "fail-and-ok") == 0) {
        p->host->fail(err, BELFRY_EINVAL, NULL, "said and not meant");
        return BELFRY_OK;
    }
    if (strcmp(type, "reads") == 0) {
        for (int i = 0; i < 10001; i++)
            api->get(txn, key, &value);
        return BELFRY_OK;
    }
    return strcmp(type, "odd-status") == 0 ? 7 : BELFRY_EPERM;
}

static belfry_status due(void *self, struct belfry_txn *txn, struct belfry_str key, struct belfry_str payload,
                         int64_t was_due_ms, struct belfry_error *err)
{
    struct puppet *p = self;
    assert_int_equal(txn->principal->kind, BELFRY_PRINCIPAL_TIMER);
    assert_true(was_due_ms <= txn->now_ms);
    p->fired++;
    strncat(p->log, key.ptr, key.len);
    strcat(p->log, " ");
    if (payload.len == 1 && p->fired < 4)
        return p->host->fail(err, BELFRY_EAGAIN, NULL, "not yet");
    return txn->api->put(txn, key, payload);
}

static void perform(void *self, uint64_t task, struct belfry_str org, struct belfry_str key, struct belfry_str payload)
{
    struct puppet *p = self;
    (void)org;
    (void)key;
    p->inside++;
    p->task = task;
    if (payload.len == 0)
        p->host->task_done(p->host, task, BELFRY_DELIVERED, 0, belfry_str("{\"n\":1}"));
    else if (p->fired++ == 0)
        p->host->task_done(p->host, task, BELFRY_RETRY, 60000, belfry_str(NULL));
    else
        p->host->task_done(p->host, task, BELFRY_REJECTED, 0, belfry_str(NULL));
    p->inside--;
}

/* --- delivery ----------------------------------------------------------------------------------------------------- */

static void complete(struct puppet *p, uint64_t batch, uint32_t outcome, uint32_t n)
{
    struct belfry_result results[2] = {
        {.struct_size = sizeof(results[0]), .outcome = outcome, .detail = belfry_str("done")}};
    results[1] = results[0];
    results[1].outcome = BELFRY_UNKNOWN;
    p->inside++;
    p->host->complete(p->host, batch, results, n);
    p->inside--;
}

static void deliver(void *self, const struct belfry_batch *batch)
{
    struct puppet *p = self;
    struct belfry_str title = batch->items[0]->title;
    char what[40];
    snprintf(what, sizeof(what), "%.*s", (int)title.len, title.ptr);
    p->batch = batch->id;
    if (strcmp(what, "never") == 0)
        return;
    complete(p, batch->id, strcmp(what, "odd") == 0 ? 99 : BELFRY_DELIVERED, strcmp(what, "each") == 0 ? 2 : 1);
    if (strcmp(what, "twice") == 0)
        complete(p, batch->id, BELFRY_DELIVERED, 1);
    if (strcmp(what, "other") == 0)
        complete(p, 4711, BELFRY_DELIVERED, 1);
}

static void cancel(void *self, uint64_t batch)
{
    struct puppet *p = self;
    (void)batch;
    strcat(p->log, "cancel ");
}

/* --- the plugin --------------------------------------------------------------------------------------------------- */

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    struct puppet *p = calloc(1, sizeof(*p));
    (void)config;
    (void)err;
    p->host = host;
    p->timer = host->get_extension(host, BELFRY_EXT_TIMER);
    p->http = host->get_extension(host, BELFRY_EXT_HTTP_CLIENT);
    p->worker = host->get_extension(host, BELFRY_EXT_WORKER);
    p->metrics = host->get_extension(host, BELFRY_EXT_METRICS);
    p->secret = host->get_extension(host, BELFRY_EXT_SECRET);
    p->state = host->get_extension(host, BELFRY_EXT_STATE);
    *self = p;
    return BELFRY_OK;
}

static const struct belfry_action_type actions[] = {
    {.struct_size = sizeof(actions[0]), .id = "ok", .label = "Okay", .trigger = "put"}, {0}};
static const char *const replaces[] = {"thing.happened", NULL};
static const struct belfry_event_type events[] = {
    {.struct_size = sizeof(events[0]),
     .type = "thing.happened",
     .category = "things",
     .title = "It happened",
     .replaces = replaces},
    {.struct_size = sizeof(events[0]), .type = "thing.brief", .category = "things", .title = "Now or never"},
    {.struct_size = sizeof(events[0]), .type = "thing.asked", .category = "things", .title = "{{#", .actions = actions},
    {0}};
static const struct belfry_event_type good_events[] = {
    {.struct_size = sizeof(events[0]),
     .type = "thing.happened",
     .category = "things",
     .title = "It happened",
     .replaces = replaces},
    {.struct_size = sizeof(events[0]), .type = "thing.brief", .category = "things", .title = "Now or never"},
    {.struct_size = sizeof(events[0]),
     .type = "thing.asked",
     .category = "things",
     .title = "May I?",
     .actions = actions},
    {0}};
static const struct belfry_source source = {
    .struct_size = sizeof(source), .receive = receive, .due = due, .perform = perform};
static const struct belfry_delivery delivery = {.struct_size = sizeof(delivery),
                                                .flags = BELFRY_DELIVERY_PER_RECIPIENT,
                                                .max_batch = 2,
                                                .max_inflight = 1,
                                                .deliver = deliver,
                                                .cancel = cancel};
static const struct belfry_role roles[] = {{"belfry.source/1", &source}, {"belfry.delivery/1", &delivery}, {0}};
static const char *const needs[] = {BELFRY_EXT_TIMER,
                                    BELFRY_EXT_HTTP_CLIENT,
                                    BELFRY_EXT_WORKER,
                                    BELFRY_EXT_METRICS,
                                    BELFRY_EXT_SECRET,
                                    BELFRY_EXT_STATE,
                                    NULL};

#define PUPPET(event_table, need_table)                                                                                \
    {                                                                                                                  \
        .struct_size = sizeof(struct belfry_plugin), .id = "puppet", .version = "1", .summary = "Does as it is told",  \
        .roles = roles, .needs = (need_table), .events = (event_table), .create = create, .destroy = free              \
    }

static const struct belfry_plugin plugin = PUPPET(good_events, needs);
static const struct belfry_plugin broken_plugin = PUPPET(events, needs);
static const char *const many_needs[] = {"belfry.coffee/1", NULL};
static const struct belfry_plugin needy_plugin = PUPPET(good_events, many_needs);
static const struct belfry_plugin *const broken_list[] = {&broken_plugin}, *const needy_list[] = {&needy_plugin};

BELFRY_PLUGIN(plugin);

static void failure(const char *file, int line, const char *text)
{
    print_error("%s\n", text);
    _fail(file, line);
}

static struct belfry_test *make(void)
{
    struct belfry_test *t = belfry_test_new(&belfry_entry, NULL);
    belfry_test_on_failure(failure);
    belfry_test_expect_error(t, "");
    belfry_test_user(t, "cara", "boss");
    belfry_test_user(t, "ann", " boss  clerk ");
    return t;
}

static struct puppet *puppet(struct belfry_test *t)
{
    return belfry_test_self(t);
}

static void expect_log(struct belfry_test *t, const char *log)
{
    assert_string_equal(puppet(t)->log, log);
    puppet(t)->log[0] = '\0';
}

/* --- transactions ------------------------------------------------------------------------------------------------- */

static void test_a_refused_trigger_leaves_nothing(void **state)
{
    (void)state;
    struct belfry_test *t = make();
    assert_int_equal(belfry_test_send(t, "put-and-fail", "{\"key\":\"a\",\"text\":\"x\"}"), BELFRY_ECONFLICT);
    belfry_test_expect_error(t, "/data/key: no\nhandled_by = bob");
    belfry_test_expect(t, "");
    assert_string_equal(belfry_test_state(t), "");
    assert_string_equal(belfry_test_timers(t), "");
    belfry_test_expect_inbox(t, "ann", "");
    assert_int_equal(belfry_test_send(t, "unknown", "{}"), BELFRY_EPERM);
    belfry_test_expect_error(t, "not allowed");
    assert_int_equal(belfry_test_send(t, "put", "{"), BELFRY_EINVAL);
    belfry_test_free(t);
}

static void test_a_batch_sees_itself_and_is_one(void **state)
{
    (void)state;
    struct belfry_test *t = make();
    const struct belfry_test_trigger batch[] = {{.type = "put", .data = "{\"key\":\"a\",\"text\":\"xyz\"}"},
                                                {.type = "get", .data = "{\"key\":\"a\",\"text\":\"123\"}"},
                                                {.type = "del", .data = "{\"key\":\"a\"}"},
                                                {.type = "get", .data = "{\"key\":\"a\",\"text\":\"123\"}"}};
    assert_int_equal(belfry_test_send_batch(t, batch, 2), BELFRY_OK);
    assert_string_equal(belfry_test_state(t), "a = xyz");
    assert_int_equal(belfry_test_send_batch(t, batch, 4), BELFRY_ENOTFOUND);
    assert_string_equal(belfry_test_state(t), "a = xyz");
    assert_int_equal(belfry_test_send_batch(t, batch, 3), BELFRY_OK);
    assert_string_equal(belfry_test_state(t), "");
    belfry_test_free(t);
}

static void test_scan(void **state)
{
    (void)state;
    struct belfry_test *t = make();
    static const char *const keys[] = {"b2", "a", "b1", "c", "b3"};
    char data[60];
    for (size_t i = 0; i < 5; i++) {
        snprintf(data, sizeof(data), "{\"key\":\"%s\",\"text\":\"%zu\"}", keys[i], i);
        belfry_test_send(t, "put", data);
    }
    assert_string_equal(belfry_test_state(t), "a = 1\nb1 = 2\nb2 = 0\nb3 = 4\nc = 3");
    belfry_test_send(t, "scan", "{\"text\":\"b\"}");
    expect_log(t, "b3=4 b2=0 "); /* backwards, two of them */
    belfry_test_send(t, "scan", "{\"text\":\"\"}");
    expect_log(t, "a=1 b1=2 ");
    const struct belfry_test_trigger over[] = {{.type = "del", .data = "{\"key\":\"a\"}"},
                                               {.type = "put", .data = "{\"key\":\"b0\",\"text\":\"new\"}"},
                                               {.type = "scan", .data = "{\"text\":\"\"}"}};
    belfry_test_send_batch(t, over, 3);
    expect_log(t, "b0=new b1=2 ");
    belfry_test_org(t, "other");
    belfry_test_send(t, "scan", "{\"text\":\"\"}");
    expect_log(t, "");
    belfry_test_free(t);
}

static void test_limits(void **state)
{
    (void)state;
    struct belfry_test *t = make();
    assert_int_equal(belfry_test_send(t, "reads", "{}"), BELFRY_ELIMIT);
    assert_int_equal(belfry_test_send(t, "put", "{\"key\":\"\",\"text\":\"x\"}"), BELFRY_EINVAL);
    belfry_test_free(t);
}

/* --- time --------------------------------------------------------------------------------------------------------- */

static void test_timers_come_in_order_and_are_tried_again(void **state)
{
    (void)state;
    struct belfry_test *t = make();
    belfry_test_send(t, "timer", "{\"key\":\"late\",\"text\":\"12345\"}");
    belfry_test_send(t, "timer", "{\"key\":\"b\",\"text\":\"12\"}");
    belfry_test_send(t, "timer", "{\"key\":\"a\",\"text\":\"12\"}");
    belfry_test_expect(t, "timer late in 5s\ntimer b in 2s\ntimer a in 2s");
    assert_string_equal(belfry_test_timers(t), "a at 2026-01-05T09:00:02.000Z\nb at 2026-01-05T09:00:02.000Z\n"
                                               "late at 2026-01-05T09:00:05.000Z");
    belfry_test_advance(t, "1h");
    expect_log(t, "a b late ");
    puppet(t)->fired = 0;
    belfry_test_send(t, "timer", "{\"key\":\"r\",\"text\":\"1\"}"); /* refuses three times */
    belfry_test_told(t);
    belfry_test_advance(t, "2s");
    belfry_test_expect(t, "due r failed: not yet\ndue r failed: not yet");
    belfry_test_advance(t, "2s");
    belfry_test_expect(t, "due r failed: not yet");
    belfry_test_advance(t, "10s");
    belfry_test_expect(t, "");
    expect_log(t, "r r r r ");
    assert_string_equal(belfry_test_get(t, "r"), "1");
    belfry_test_free(t);
}

static void on_tick(void *arg)
{
    struct puppet *p = arg;
    note(p, "tick ");
    if (++p->scanned == 3)
        p->timer->stop(p->host, p->loop_timer);
}

static void test_loop_timers(void **state)
{
    (void)state;
    struct belfry_test *t = make();
    struct puppet *p = puppet(t);
    p->timer->start(p->host, 1000, 500, on_tick, p, &p->loop_timer);
    belfry_test_advance(t, "999ms");
    expect_log(t, "");
    belfry_test_advance(t, "501ms");
    expect_log(t, "tick tick ");
    belfry_test_advance(t, "1h");
    expect_log(t, "tick ");
    belfry_test_free(t);
}

static void test_rows_expire(void **state)
{
    (void)state;
    struct belfry_test *t = make();
    belfry_test_send(t, "emit-for-an-hour", "{\"text\":\"ann\"}");
    belfry_test_advance(t, "59m");
    belfry_test_expect_inbox(t, "ann", "thing.brief: Now or never");
    belfry_test_advance(t, "1m");
    belfry_test_expect_inbox(t, "ann", "");
    belfry_test_expect_rows(t, "ann", "thing.brief: Now or never (expired)");
    belfry_test_free(t);
}

/* --- events, actions, tasks --------------------------------------------------------------------------------------- */

static void test_audience_and_replacing(void **state)
{
    (void)state;
    struct belfry_test *t = make();
    belfry_test_send(t, "emit", "{\"text\":\"role:boss\"}");
    belfry_test_expect(t, "thing.happened -> ann, cara: It happened");
    belfry_test_as(t, "person:ann");
    belfry_test_send(t, "emit", "{\"text\":\"role:boss\"}");
    belfry_test_expect(t, "thing.happened -> cara: It happened");
    belfry_test_expect_rows(t, "ann", "thing.happened: It happened (withdrawn)");
    belfry_test_expect_rows(t, "cara", "thing.happened: It happened (replaced)\nthing.happened: It happened");
    belfry_test_remove_user(t, "cara");
    belfry_test_send(t, "emit", "{\"text\":\"role:boss\"}");
    belfry_test_expect(t, "thing.happened -> nobody: It happened");
    assert_int_equal(belfry_test_send(t, "emit-unknown", "{\"text\":\"ann\"}"), BELFRY_EINVAL);
    belfry_test_expect_error(t, "\"other.happened\" is not an event type that the source declares");
    assert_int_equal(belfry_test_send(t, "emit", "{\"text\":\"a/b\"}"), BELFRY_EINVAL);
    belfry_test_expect_error(t, "\"a/b\" is no username");
    belfry_test_free(t);
}

static void test_actions_are_triggers_of_the_person(void **state)
{
    (void)state;
    struct belfry_test *t = make();
    belfry_test_send(t, "ask", "{\"text\":\"ann\"}");
    assert_int_equal(belfry_test_act(t, "cara", "thing/1", "ok", NULL), BELFRY_ENOTFOUND);
    assert_int_equal(belfry_test_act(t, "ann", "thing/1", "no", NULL), BELFRY_ENOTFOUND);
    assert_int_equal(belfry_test_act(t, "ann", "thing/1", "ok", "why not"), BELFRY_OK);
    assert_string_equal(belfry_test_state(t), "acted = ");
    belfry_test_free(t);
}

static void test_tasks(void **state)
{
    (void)state;
    struct belfry_test *t = make();
    belfry_test_send(t, "task", "{\"key\":\"fetch\",\"text\":\"\"}");
    belfry_test_expect(t, "task fetch");
    assert_string_equal(belfry_test_get(t, "result"), "{\"n\":1}");
    belfry_test_put(t, "result", NULL);
    belfry_test_send(t, "task", "{\"key\":\"fetch\",\"text\":\"again\"}");
    assert_int_equal(puppet(t)->fired, 1);
    belfry_test_advance(t, "59s");
    assert_int_equal(puppet(t)->fired, 1);
    belfry_test_advance(t, "1s");
    assert_int_equal(puppet(t)->fired, 2);
    belfry_test_advance(t, "10d");
    assert_int_equal(puppet(t)->fired, 2); /* it was rejected */
    assert_null(belfry_test_get(t, "result"));
    belfry_test_free(t);
}

static void on_value(void *arg, belfry_status status, struct belfry_str value)
{
    struct puppet *p = arg;
    assert_int_equal(status, BELFRY_OK);
    strncat(p->log, value.len ? value.ptr : "none", value.len ? value.len : 4);
    note(p, " ");
}

static void on_work(void *arg)
{
    note(arg, "work ");
}

static void test_callbacks_come_later(void **state)
{
    (void)state;
    struct belfry_test *t = make();
    struct puppet *p = puppet(t);
    struct belfry_submission s = {
        .struct_size = sizeof(s), .type = belfry_str("put"), .data = belfry_str("{\"text\":\"v\"}")};
    p->inside++;
    p->host->post(p->host, on_posted, p);
    p->host->submit(p->host, &s, on_submitted, p);
    p->worker->run(p->host, on_work, on_posted, p);
    p->state->get(p->host, belfry_str("acme"), belfry_str("k"), on_value, p);
    p->host->log(p->host, BELFRY_LOG_WARN, "look");
    p->inside--;
    expect_log(t, "");
    belfry_test_settle(t);
    expect_log(t, "posted submitted work v posted ");
    assert_string_equal(belfry_test_logs(t), "warn: look");
    s.type = belfry_str("put-and-fail");
    p->host->submit(p->host, &s, on_submitted, p);
    belfry_test_settle(t);
    expect_log(t, "refused, /data/key: no ");
    belfry_test_free(t);
}

static void test_small_extensions(void **state)
{
    (void)state;
    struct belfry_test *t = make();
    struct puppet *p = puppet(t);
    uint32_t id = 99, same = 98;
    uint8_t one[32], other[32];
    assert_int_equal(p->metrics->counter(p->host, "things_total", "Things", &id), BELFRY_OK);
    assert_int_equal(p->metrics->counter(p->host, "things_total", "Things", &same), BELFRY_OK);
    assert_int_equal(id, same);
    p->metrics->add(p->host, id, 2);
    assert_true(belfry_test_metric(t, "things_total") == 2);
    assert_int_equal(p->metrics->counter(p->host, "Bad Name", "", &id), BELFRY_EINVAL);
    p->secret->derive(p->host, "a", one);
    p->secret->derive(p->host, "b", other);
    assert_memory_not_equal(one, other, 32);
    p->secret->derive(p->host, "a", other);
    assert_memory_equal(one, other, 32);
    belfry_test_free(t);
}

/* --- rules -------------------------------------------------------------------------------------------------------- */

static uint64_t deliver_one(struct belfry_test *t, const char *title)
{
    struct belfry_test_item items[2] = {{.title = title}, {.title = title}};
    size_t count = strcmp(title, "each") == 0 ? 2 : 1;
    return belfry_test_deliver(t, &(struct belfry_test_batch){.to = "ann", .items = items, .count = count});
}

static const char *outcome(struct belfry_test *t, uint64_t batch, size_t index)
{
    const struct belfry_test_outcome *o = belfry_test_outcome(t, batch, index);
    return o ? belfry_test_outcome_name(o->outcome) : "open";
}

static void test_complete(void **state)
{
    (void)state;
    struct belfry_test *t = make();
    uint64_t batch = deliver_one(t, "once");
    assert_string_equal(outcome(t, batch, 0), "delivered");
    batch = deliver_one(t, "each");
    assert_string_equal(outcome(t, batch, 0), "delivered");
    assert_string_equal(outcome(t, batch, 1), "unknown");
    assert_string_equal(belfry_test_faults(t), "");
    batch = deliver_one(t, "twice");
    assert_string_equal(outcome(t, batch, 0), "delivered");
    assert_non_null(strstr(belfry_test_faults(t), "R05: complete() for batch"));
    deliver_one(t, "other");
    assert_string_equal(belfry_test_faults(t), "R04: complete() for batch 4711, which there never was");
    batch = deliver_one(t, "odd");
    assert_string_equal(outcome(t, batch, 0), "retry");
    assert_non_null(strstr(belfry_test_faults(t), "outcome 99"));
    belfry_test_free(t);
}

static void test_a_missing_complete(void **state)
{
    (void)state;
    struct belfry_test *t = make();
    uint64_t batch = deliver_one(t, "never");
    belfry_test_advance(t, "59s");
    expect_log(t, "");
    belfry_test_advance(t, "1s");
    expect_log(t, "cancel ");
    assert_string_equal(outcome(t, batch, 0), "open");
    belfry_test_advance(t, "5s");
    assert_string_equal(outcome(t, batch, 0), "retry");
    assert_non_null(strstr(belfry_test_faults(t), "is missing after its deadline"));
    complete(puppet(t), batch, BELFRY_DELIVERED, 1);
    belfry_test_settle(t);
    assert_non_null(strstr(belfry_test_faults(t), "after it was given up"));
    assert_string_equal(outcome(t, batch, 0), "retry");
    belfry_test_free(t);
}

static void test_what_sources_do_wrong(void **state)
{
    (void)state;
    struct belfry_test *t = make();
    belfry_test_send(t, "fail-and-ok", "{}");
    assert_string_equal(belfry_test_faults(t), "the source called fail() (said and not meant) and returned OK");
    assert_int_equal(belfry_test_send(t, "odd-status", "{}"), BELFRY_EINTERNAL);
    assert_non_null(strstr(belfry_test_faults(t), "which is no status"));
    puppet(t)->timer->stop(puppet(t)->host, 4711);
    assert_non_null(strstr(belfry_test_faults(t), "R04"));
    belfry_test_free(t);
}

static char failed_with[500];
static jmp_buf out;

static void catch_failure(const char *file, int line, const char *text)
{
    (void)file;
    (void)line;
    snprintf(failed_with, sizeof(failed_with), "%s", text);
    longjmp(out, 1);
}

/* What is expected is compared as a whole; a fault nobody asked for fails the test at its end. */
static void test_failures_are_failures(void **state)
{
    (void)state;
    struct belfry_test *t = make();
    belfry_test_on_failure(catch_failure);
    if (!setjmp(out)) {
        belfry_test_send(t, "emit", "{\"text\":\"ann\"}");
        belfry_test_expect(t, "");
        failure(__FILE__, __LINE__, "an event that nobody expected was not noticed");
    }
    assert_string_equal(failed_with,
                        "what was done:\n  expected: (nothing)\n  found:    thing.happened -> ann: It happened");
    if (!setjmp(out)) {
        belfry_test_send(t, "fail-and-ok", "{}");
        belfry_test_free(t);
        failure(__FILE__, __LINE__, "a broken rule was not noticed");
    }
    assert_non_null(strstr(failed_with, "said and not meant"));
    belfry_test_on_failure(failure);
}

static void test_bad_descriptors(void **state)
{
    (void)state;
    struct belfry_entry entry = belfry_entry;
    entry.plugins = broken_list;
    struct belfry_test *t = belfry_test_new(&entry, NULL);
    assert_int_equal(belfry_test_status(t), BELFRY_EINVAL);
    assert_non_null(strstr(belfry_test_error(t), "event `thing.asked`: the title is no template"));
    belfry_test_free(t);
    entry.plugins = needy_list;
    t = belfry_test_new(&entry, NULL);
    belfry_test_expect_error(t, "libbelfry-test does not offer the extension belfry.coffee/1");
    belfry_test_free(t);
    entry.magic++;
    t = belfry_test_new(&entry, NULL);
    assert_int_equal(belfry_test_status(t), BELFRY_EINVAL);
    belfry_test_free(t);
    t = belfry_test_new(&belfry_entry, "colour: red");
    assert_non_null(strstr(belfry_test_error(t), "1:1: unknown key `colour`"));
    belfry_test_free(t);
    t = belfry_test_open("/nowhere/x.so", NULL);
    assert_int_not_equal(belfry_test_status(t), BELFRY_OK);
    belfry_test_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_refused_trigger_leaves_nothing),
        cmocka_unit_test(test_a_batch_sees_itself_and_is_one),
        cmocka_unit_test(test_scan),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_timers_come_in_order_and_are_tried_again),
        cmocka_unit_test(test_loop_timers),
        cmocka_unit_test(test_rows_expire),
        cmocka_unit_test(test_audience_and_replacing),
        cmocka_unit_test(test_actions_are_triggers_of_the_person),
        cmocka_unit_test(test_tasks),
        cmocka_unit_test(test_callbacks_come_later),
        cmocka_unit_test(test_small_extensions),
        cmocka_unit_test(test_complete),
        cmocka_unit_test(test_a_missing_complete),
        cmocka_unit_test(test_what_sources_do_wrong),
        cmocka_unit_test(test_failures_are_failures),
        cmocka_unit_test(test_bad_descriptors),
    };
    return cmocka_run_group_tests_name("libbelfry-test", tests, NULL, NULL);
}
