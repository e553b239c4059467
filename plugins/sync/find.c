/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list is a walk down the index by time, a few hundred entries a look, each of which brings its run. A filter that
 * little fits would walk for long: after SCAN_MAX entries the answer says how far it got and gives the cursor there.
 */
#include "find.h"
#include "overview.h"

#include <inttypes.h>
#include <stdlib.h>

#define SCAN_PAGE 500
#define SCAN_MAX 5000
#define ATTEMPTS 3

static void *kept(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

static char *text_of(struct belfry_str s)
{
    char *out = kept(malloc(s.len + 1));
    memcpy(out, s.ptr ? s.ptr : "", s.len);
    out[s.len] = '\0';
    return out;
}

static char *joined(const char *prefix, struct belfry_str s)
{
    char *out = kept(malloc(strlen(prefix) + s.len + 1));
    strcpy(out, prefix);
    memcpy(out + strlen(prefix), s.ptr ? s.ptr : "", s.len);
    out[strlen(prefix) + s.len] = '\0';
    return out;
}

/* --- calls -------------------------------------------------------------------------------------------------------- */

struct sync_call *sync_call_new(struct sync *sync, const struct belfry_http_request *req)
{
    struct sync_call *call = kept(calloc(1, sizeof(*call)));
    call->sync = sync;
    call->req = req;
    sync->calls++;
    return call;
}

void sync_call_free(struct sync_call *call)
{
    struct sync *sync = call->sync;
    for (size_t i = 0; i < call->count; i++) {
        sync_run_fini(&call->runs[i].run);
        free(call->runs[i].key);
    }
    free(call->runs);
    free(call->next);
    free(call->cursor);
    free(call->log);
    free(call);
    if (--sync->calls == 0 && sync->stopping)
        sync->host->stopped(sync->host);
}

int sync_sees_all(const struct belfry_http_request *req)
{
    const struct belfry_principal *p = req->principal;
    if (!p || p->kind != BELFRY_PRINCIPAL_PERSON)
        return p && p->kind == BELFRY_PRINCIPAL_TOKEN;
    for (size_t i = 0; i < p->roles.count; i++)
        if (sync_same(p->roles.items[i], "admin"))
            return 1;
    return 0;
}

static int same(struct belfry_str a, struct belfry_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static int may_see(const struct belfry_http_request *req, const struct sync_run *run)
{
    return sync_sees_all(req) || (req->principal && run->admin.len && same(run->admin, req->principal->name));
}

/* --- a list ------------------------------------------------------------------------------------------------------- */

static int is_wanted(const struct sync_call *call, const struct sync_run *run)
{
    const struct sync_query *q = &call->query;
    return (!q->kind.len || same(q->kind, run->kind)) && (!q->outcome || q->outcome == run->outcome) &&
           (!q->admin.len || same(q->admin, run->admin)) && may_see(call->req, run);
}

static void set_next(struct sync_call *call, const char *key)
{
    free(call->next);
    call->next = text_of(belfry_str(key + strlen(SYNC_AT)));
}

/* 1 to go on. One more than asked for is looked for, to know whether it is the last page. */
static int take(struct sync_call *call, const struct belfry_attr *item)
{
    struct sync_found found = {.key = text_of(item->name)};
    call->scanned++;
    int good = sync_run_parse(belfry_str(found.key), item->value, &found.run);
    if (good && strtoll(found.run.place, NULL, 10) < call->query.from_ms) {
        sync_run_fini(&found.run);
        free(found.key);
        return 0;
    }
    if (good && is_wanted(call, &found.run)) {
        if (call->count == call->query.limit) {
            set_next(call, call->runs[call->count - 1].key);
            sync_run_fini(&found.run);
            free(found.key);
            return 0;
        }
        call->runs[call->count++] = found;
        return 1;
    }
    if (good)
        sync_run_fini(&found.run);
    free(found.key);
    return 1;
}

static void on_page(void *arg, belfry_status status, const struct belfry_attr *items, size_t count);

static void look(struct sync_call *call)
{
    call->sync->state->scan(call->sync->host, call->req->org, belfry_str(SYNC_AT), belfry_str(call->cursor), 1,
                            SCAN_PAGE, on_page, call);
}

static void on_page(void *arg, belfry_status status, const struct belfry_attr *items, size_t count)
{
    struct sync_call *call = arg;
    size_t i = 0;
    while (status == BELFRY_OK && i < count && take(call, &items[i]))
        i++;
    if (status != BELFRY_OK || i < count || count < SCAN_PAGE) {
        call->done(call, status);
        return;
    }
    free(call->cursor);
    call->cursor = text_of(items[count - 1].name);
    if (call->scanned < SCAN_MAX) {
        look(call);
        return;
    }
    set_next(call, call->cursor);
    call->done(call, BELFRY_OK);
}

/* The first key that is too new, so that a walk down begins below it. What has more digits than keys is later than all
 * of them. */
static char *upper_end(const struct sync_query *q)
{
    char end[64];
    if (q->to_ms >= SYNC_TIME_LAST)
        return q->before.len ? joined(SYNC_AT, q->before) : text_of(belfry_str(""));
    snprintf(end, sizeof(end), SYNC_AT "%0*" PRId64, SYNC_TIME_DIGITS, q->to_ms < 0 ? 0 : q->to_ms + 1);
    char *before = joined(SYNC_AT, q->before);
    if (q->before.len && strcmp(before, end) < 0)
        return before;
    free(before);
    return text_of(belfry_str(end));
}

void sync_find(struct sync_call *call, void (*done)(struct sync_call *call, belfry_status status))
{
    call->done = done;
    call->runs = kept(calloc(call->query.limit, sizeof(*call->runs)));
    call->cursor = upper_end(&call->query);
    look(call);
}

/* --- one ---------------------------------------------------------------------------------------------------------- */

static void get(struct sync_call *call, const char *prefix, struct belfry_str rest,
                void (*done)(void *arg, belfry_status status, struct belfry_str value))
{
    char *key = joined(prefix, rest);
    call->sync->state->get(call->sync->host, call->req->org, belfry_str(key), done, call);
    free(key);
}

static void on_overviews(void *arg, belfry_status status, struct belfry_str value)
{
    struct sync_call *call = arg;
    struct sync_overviews all;
    sync_overviews_parse(value, &all);
    call->valid_until = sync_overviews_until(&all, call->runs[0].run.id);
    sync_overviews_fini(&all);
    call->done(call, status);
}

static void on_log(void *arg, belfry_status status, struct belfry_str value)
{
    struct sync_call *call = arg;
    if (value.ptr) {
        call->log = text_of(value);
        call->log_len = value.len;
    }
    if (status == BELFRY_OK && sync_same(call->runs[0].run.kind, "overview"))
        get(call, SYNC_OVERVIEWS, (struct belfry_str){NULL, 0}, on_overviews);
    else
        call->done(call, status);
}

static void start_one(struct sync_call *call);

/* Between the two looks its place may have changed. */
static void on_run(void *arg, belfry_status status, struct belfry_str value)
{
    struct sync_call *call = arg;
    struct sync_found *found = &call->runs[0];
    if (status == BELFRY_OK && !value.ptr && ++call->attempts < ATTEMPTS) {
        free(found->key);
        found->key = NULL;
        start_one(call);
        return;
    }
    if (status == BELFRY_OK && value.ptr && sync_run_parse(belfry_str(found->key), value, &found->run)) {
        call->count = 1;
        if (may_see(call->req, &found->run)) {
            get(call, "log/", call->id, on_log);
            return;
        }
    } else {
        free(found->key);
        found->key = NULL;
    }
    call->done(call, status == BELFRY_OK ? BELFRY_ENOTFOUND : status);
}

static void on_place(void *arg, belfry_status status, struct belfry_str value)
{
    struct sync_call *call = arg;
    if (status != BELFRY_OK || value.len != SYNC_TIME_DIGITS) {
        call->done(call, status == BELFRY_OK ? BELFRY_ENOTFOUND : status);
        return;
    }
    char prefix[sizeof(SYNC_AT) + SYNC_TIME_DIGITS + 1];
    snprintf(prefix, sizeof(prefix), SYNC_AT "%.*s/", SYNC_TIME_DIGITS, value.ptr);
    call->runs[0].key = joined(prefix, call->id);
    get(call, call->runs[0].key, (struct belfry_str){NULL, 0}, on_run);
}

static void start_one(struct sync_call *call)
{
    get(call, "run/", call->id, on_place);
}

void sync_find_one(struct sync_call *call, void (*done)(struct sync_call *call, belfry_status status))
{
    call->done = done;
    call->runs = kept(calloc(1, sizeof(*call->runs)));
    start_one(call);
}
