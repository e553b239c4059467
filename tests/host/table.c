/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's table. Whatever a plugin says here is copied into a message and handled on a later turn, so that no
 * callback ever runs inside a call of the plugin (R02). These functions may be called from threads of the plugin; the
 * arena is not theirs, hence plain heap memory for messages.
 */
#include "fake.h"

#include "base/log.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdlib.h>

void fake_post(struct belfry_test *t, void (*fn)(void *arg), void *arg)
{
    struct fake_post *post = xcalloc(1, sizeof(*post));
    post->fn = fn;
    post->arg = arg;
    queue_push(&t->posts, &post->node);
}

static const void *get_extension(const struct belfry_host *host, const char *id)
{
    const struct plugin *plugin = fake_of(host)->plugin;
    for (size_t i = 0; plugin->needs[i]; i++) {
        if (strcmp(plugin->needs[i], id) == 0)
            return fake_extension(id);
    }
    fake_fault(fake_of(host), "R01: the extension %s was asked for and is not named in needs", id);
    return NULL;
}

struct log_line {
    struct belfry_test *test;
    char text[];
};

static void keep_line(void *arg)
{
    struct log_line *line = arg;
    buf_addf(&line->test->logs, "%s\n", line->text);
    free(line);
}

static void plugin_log(const struct belfry_host *host, uint32_t level, const char *message)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    const char *name = levels[level > BELFRY_LOG_ERROR ? BELFRY_LOG_ERROR : level];
    size_t size = strlen(name) + 2 + strlen(message) + 1;
    struct log_line *line = xcalloc(1, sizeof(*line) + size);
    line->test = fake_of(host);
    strcpy(line->text, name);
    strcat(line->text, ": ");
    strcat(line->text, message);
    fake_post(line->test, keep_line, line);
}

const char *belfry_test_logs(const struct belfry_test *t)
{
    size_t len = t->logs.len;
    return arena_strndup(t->arena, len ? t->logs.ptr : "", len ? len - 1 : 0);
}

static int64_t now_ms(const struct belfry_host *host)
{
    return clock_now_ms(fake_of(host)->clock);
}

static belfry_status post(const struct belfry_host *host, void (*fn)(void *arg), void *arg)
{
    if (!fn)
        return BELFRY_EINVAL;
    fake_post(fake_of(host), fn, arg);
    return BELFRY_OK;
}

/* --- submit ------------------------------------------------------------------------------------------------------- */

struct submission {
    struct belfry_test *test;
    struct belfry_submission pub;
    struct belfry_principal principal;
    void (*done)(void *arg, belfry_status status, struct belfry_str message);
    void *arg;
};

static struct belfry_str copy(struct belfry_str s)
{
    return str_slice(xstrndup(s.ptr ? s.ptr : "", s.len), s.len);
}

static void submit_now(void *arg)
{
    struct submission *s = arg;
    struct error err = {0};
    belfry_status status = fake_submit(s->test, &s->pub, &err);
    char *text = error_line(&err);
    if (s->done)
        s->done(s->arg, status, status == BELFRY_OK ? STR("") : str_of(text));
    free(text);
    error_clear(&err);
    struct belfry_str *owned[] = {&s->pub.org,     &s->pub.id,   &s->pub.source,    &s->pub.type,
                                  &s->pub.subject, &s->pub.data, &s->principal.name};
    for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++)
        free((char *)(uintptr_t)owned[i]->ptr);
    free(s);
}

static belfry_status submit(const struct belfry_host *host, const struct belfry_submission *in,
                            void (*done)(void *arg, belfry_status status, struct belfry_str message), void *arg)
{
    struct submission *s = xcalloc(1, sizeof(*s));
    *s = (struct submission){.test = fake_of(host), .pub = *in, .done = done, .arg = arg};
    s->pub.org = copy(in->org);
    s->pub.id = copy(in->id);
    s->pub.source = copy(in->source);
    s->pub.type = copy(in->type);
    s->pub.subject = copy(in->subject);
    s->pub.data = copy(in->data);
    s->principal.struct_size = sizeof(s->principal);
    s->principal.kind = in->principal ? in->principal->kind : BELFRY_PRINCIPAL_HOOK;
    s->principal.name = copy(in->principal ? in->principal->name : str_of(host->instance));
    s->pub.principal = &s->principal;
    fake_post(s->test, submit_now, s);
    return BELFRY_OK;
}

/* --- answers to what the host asked ------------------------------------------------------------------------------- */

struct completion {
    struct belfry_test *test;
    uint64_t batch;
    uint32_t n;
    struct belfry_result results[];
};

static void complete_now(void *arg)
{
    struct completion *c = arg;
    fake_complete(c->test, c->batch, c->results, c->n);
    for (uint32_t i = 0; i < c->n; i++) {
        free((char *)(uintptr_t)c->results[i].detail.ptr);
        free((char *)(uintptr_t)c->results[i].record.ptr);
    }
    free(c);
}

static void complete(const struct belfry_host *host, uint64_t batch, const struct belfry_result *results, uint32_t n)
{
    struct completion *c = xcalloc(1, sizeof(*c) + n * sizeof(c->results[0]));
    *c = (struct completion){.test = fake_of(host), .batch = batch, .n = n};
    uint32_t stride = n ? results[0].struct_size : 0;
    size_t known = stride < sizeof(c->results[0]) ? stride : sizeof(c->results[0]);
    for (uint32_t i = 0; i < n; i++) {
        memcpy(&c->results[i], (const char *)results + (size_t)i * stride, known);
        c->results[i].detail = copy(c->results[i].detail);
        c->results[i].record = copy(c->results[i].record);
    }
    fake_post(c->test, complete_now, c);
}

struct task_answer {
    struct belfry_test *test;
    uint64_t task;
    uint32_t outcome;
    int64_t retry_after_ms;
    struct belfry_str result;
};

static struct fake_task *task_of(struct belfry_test *t, uint64_t id)
{
    for (size_t i = 0; i < t->tasks.count; i++) {
        if (t->tasks.items[i].id == id && t->tasks.items[i].running)
            return &t->tasks.items[i];
    }
    return NULL;
}

/* A task that was delivered is gone in the commit of its result's trigger; the others come due again, or end. */
static void task_done_now(void *arg)
{
    struct task_answer *a = arg;
    struct belfry_test *t = a->test;
    struct fake_task *task = task_of(t, a->task);
    if (!task) {
        fake_fault(t, "R04: task_done() for task %llu, which is not under way", (unsigned long long)a->task);
    } else if (a->outcome == BELFRY_DELIVERED) {
        struct belfry_principal principal = {
            .struct_size = sizeof(principal), .kind = BELFRY_PRINCIPAL_TASK, .name = task->key};
        const char *type = arena_printf(t->arena, "%.*s.result", STR_ARG(task->key));
        struct belfry_submission s = {.struct_size = sizeof(s),
                                      .org = task->org,
                                      .type = str_of(type),
                                      .data = a->result.len ? str_of(fake_text(t, a->result)) : STR("{}"),
                                      .principal = &principal};
        *task = t->tasks.items[--t->tasks.count];
        struct error err = {0};
        if (fake_submit(t, &s, &err) != BELFRY_OK)
            fake_tell(t, "result %s refused: %s", type, error_text(&err));
        error_clear(&err);
    } else if (a->outcome == BELFRY_REJECTED) {
        *task = t->tasks.items[--t->tasks.count];
    } else {
        int64_t wait = a->retry_after_ms ? a->retry_after_ms : INT64_C(60000) << (task->tries < 10 ? task->tries : 10);
        task->running = 0;
        task->tries++;
        task->due_ms = clock_now_ms(t->clock) + wait;
    }
    free((char *)(uintptr_t)a->result.ptr);
    free(a);
}

static void task_done(const struct belfry_host *host, uint64_t task, uint32_t outcome, int64_t retry_after_ms,
                      struct belfry_str result)
{
    struct task_answer *a = xcalloc(1, sizeof(*a));
    *a = (struct task_answer){fake_of(host), task, outcome, retry_after_ms, copy(result)};
    fake_post(a->test, task_done_now, a);
}

struct job_answer {
    struct belfry_test *test;
    uint64_t job;
    uint32_t added, invalidated;
    belfry_status status;
};

static void job_done_now(void *arg)
{
    struct job_answer *a = arg;
    struct belfry_test *t = a->test;
    size_t i = 0;
    while (i < t->jobs.count && t->jobs.items[i] != a->job)
        i++;
    if (i == t->jobs.count)
        fake_fault(t, "R04: job_done() for job %llu, which is not under way", (unsigned long long)a->job);
    else
        t->jobs.items[i] = t->jobs.items[--t->jobs.count];
    fake_tell(a->test, "refreshed: %u added, %u invalidated, %s", a->added, a->invalidated, status_name(a->status));
    free(a);
}

static void job_done(const struct belfry_host *host, uint64_t job, uint32_t added, uint32_t invalidated,
                     belfry_status status)
{
    struct job_answer *a = xcalloc(1, sizeof(*a));
    *a = (struct job_answer){fake_of(host), job, added, invalidated, status};
    fake_post(a->test, job_done_now, a);
}

/* --- what came back ----------------------------------------------------------------------------------------------- */

struct feedback_answer {
    struct belfry_test *test;
    uint64_t id;
    uint32_t outcome;
    struct belfry_str detail;
};

static void feedback_done_now(void *arg)
{
    struct feedback_answer *a = arg;
    struct belfry_test *t = a->test;
    struct fake_feedback *found = NULL;
    for (size_t i = 0; i < t->feedback.count; i++)
        if (t->feedback.items[i]->id == a->id && !t->feedback.items[i]->pub.answered)
            found = t->feedback.items[i];
    if (!found)
        fake_fault(t, "R04: feedback_done() for message %llu, which was answered or never was",
                   (unsigned long long)a->id);
    else
        found->pub = (struct belfry_test_feedback){1, a->outcome, fake_text(t, a->detail)};
    free((char *)(uintptr_t)a->detail.ptr);
    free(a);
}

static void feedback_done(const struct belfry_host *host, uint64_t id, uint32_t outcome, struct belfry_str detail)
{
    struct feedback_answer *a = xcalloc(1, sizeof(*a));
    *a = (struct feedback_answer){fake_of(host), id, outcome, copy(detail)};
    fake_post(a->test, feedback_done_now, a);
}

const struct belfry_test_feedback *belfry_test_feedback(struct belfry_test *t, const char *recipient,
                                                        const char *message, size_t len)
{
    struct fake_feedback *f = arena_alloc(t->arena, sizeof(*f));
    if (!t->plugin->feedback)
        fake_misuse("belfry_test_feedback", "the plugin has no role " PLUGIN_ROLE_FEEDBACK);
    *f = (struct fake_feedback){fake_id(t), {0, 0, ""}};
    *FAKE_ADD(t, &t->feedback) = f;
    char *bytes = xmalloc(len + 1); /* gone when the call is over */
    memcpy(bytes, message, len);
    t->plugin->feedback->take(t->self, f->id, str_of(recipient ? recipient : ""), str_slice(bytes, len));
    free(bytes);
    belfry_test_settle(t);
    return &f->pub;
}

/* --- errors, end -------------------------------------------------------------------------------------------------- */

static belfry_status fail(struct belfry_error *err, belfry_status status, const char *pointer, const char *format, ...)
{
    if (!err || !err->impl)
        return status;
    va_list args;
    va_start(args, format);
    error_vset(err->impl, status, pointer, format, args);
    va_end(args);
    err->status = ((struct error *)err->impl)->status;
    return status;
}

static void fail_attr(struct belfry_error *err, const char *name, struct belfry_str value)
{
    if (err && err->impl)
        error_attr(err->impl, name, value.ptr, value.len);
}

static void stopped_now(void *arg)
{
    struct belfry_test *t = arg;
    if (!t->stopping || t->stopped)
        fake_fault(t, "R05: stopped() was called %s", t->stopped ? "twice" : "without stop()");
    t->stopped = 1;
}

static void stopped(const struct belfry_host *host)
{
    fake_post(fake_of(host), stopped_now, fake_of(host));
}

const struct belfry_host fake_host_table = {
    .struct_size = sizeof(struct belfry_host),
    .abi_major = BELFRY_ABI_MAJOR,
    .abi_minor = BELFRY_ABI_MINOR,
    .get_extension = get_extension,
    .log = plugin_log,
    .now_ms = now_ms,
    .post = post,
    .submit = submit,
    .complete = complete,
    .task_done = task_done,
    .job_done = job_done,
    .fail = fail,
    .fail_attr = fail_attr,
    .stopped = stopped,
    .feedback_done = feedback_done,
};
