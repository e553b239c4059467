/* SPDX-License-Identifier: Apache-2.0 */
/* Marks, bulk and undo of belfry.inbox/1: the request's person and gates handed to the ledger, its answer handed back.
 */
#include "host/inbox.h"

#include "base/mem.h"

#include <stdlib.h>

struct change {
    struct ledger_inbox ledger;
    struct host_inbox *inbox;
    struct http_request *req; /* held: the ledger reads its strings, and whoever asks may have answered it */
    struct arena *arena;
    struct belfry_strs texts; /* the ids as they were given */
    int parsed;               /* kind IDS: failures name the texts */
    void (*done)(void *arg, const struct belfry_inbox_change *change);
    void *arg;
};

static const char *refusal(belfry_status status, enum ledger_inbox_kind kind)
{
    switch (status) {
    case BELFRY_OK:
        return "";
    case BELFRY_ENOTFOUND:
        return kind == LEDGER_INBOX_UNDO ? "there is no such change of yours; take `undo` of the answer to a bulk"
                                         : "there is no such notification here";
    case BELFRY_ECLOSED:
        return "this can no longer be undone: 24 hours are over";
    case BELFRY_EINVAL:
        return "the filter is malformed";
    case BELFRY_EPERM:
        return "a token has no inbox";
    case BELFRY_EAGAIN:
        return "too much waits at the moment; try again in a second";
    case BELFRY_ECANCELED:
        return "the hub is stopping";
    default:
        return "the change could not be written";
    }
}

static void fill_failed(const struct change *c, struct belfry_inbox_change *out)
{
    struct belfry_inbox_failure *failed = arena_alloc(c->arena, (c->texts.count + 1) * sizeof(*failed));
    for (size_t i = 0; i < c->texts.count; i++)
        if (c->ledger.missing[i])
            failed[out->failed_count++] = (struct belfry_inbox_failure){
                .struct_size = sizeof(*failed), .id = c->texts.items[i], .code = "not_found"};
    out->failed = failed;
}

static void answer(struct change *c, belfry_status status)
{
    struct belfry_inbox_change out = {
        .struct_size = sizeof(out),
        .status = status,
        .message = str_of(refusal(status, c->ledger.kind)),
        .rev = c->ledger.rev,
        .unread = c->ledger.unread,
        .changed = c->ledger.changed,
    };
    if (status == BELFRY_OK) {
        out.undo = inbox_id(host_parts(c->inbox->host)->store, c->arena, c->ledger.op);
        if (c->parsed)
            fill_failed(c, &out);
    }
    c->done(c->arg, &out);
    http_let_go(c->req);
    inbox_let_go(c->inbox);
    arena_free(c->arena);
    free(c);
}

static void change_done(struct ledger_inbox *ledger)
{
    struct change *c = ledger->arg;
    answer(c, ledger->status);
}

static void change_early(void *arg)
{
    struct change *c = arg;
    answer(c, c->ledger.status);
}

static struct change *change_new(const struct belfry_http_request *req, enum ledger_inbox_kind kind, uint32_t mark,
                                 void (*done)(void *arg, const struct belfry_inbox_change *change), void *arg)
{
    struct change *c = xcalloc(1, sizeof(*c));
    c->req = inbox_request(req);
    http_hold(c->req);
    c->inbox = inbox_of(req);
    inbox_hold(c->inbox);
    c->arena = arena_new(0);
    c->done = done;
    c->arg = arg;
    c->ledger.kind = kind;
    c->ledger.mark = mark;
    c->ledger.locale = req->locale;
    c->ledger.who = (struct store_inbox_who){.org = req->org,
                                             .username = req->principal->name,
                                             .gated = inbox_gates(c->req->config, &req->principal->roles, c->arena)};
    c->ledger.done = change_done;
    c->ledger.arg = c;
    if (!inbox_is_person(req))
        c->ledger.status = BELFRY_EPERM;
    else if (kind != LEDGER_INBOX_UNDO && (mark < BELFRY_MARK_READ || mark > BELFRY_MARK_SEEN))
        c->ledger.status = BELFRY_EINVAL;
    return c;
}

static void change_start(struct change *c)
{
    if (c->ledger.status == BELFRY_OK)
        c->ledger.status = ledger_inbox_change(host_parts(c->inbox->host)->ledger, &c->ledger);
    if (c->ledger.status == BELFRY_ECLOSED)
        c->ledger.status = BELFRY_ECANCELED; /* the ledger takes no more; an operation that is too old says so later */
    if (c->ledger.status != BELFRY_OK)
        host_post(c->inbox->host, change_early, c);
}

/* Ids of the texts; what is no id of ours is 0 and fails as not found. */
static void take_ids(struct change *c, struct belfry_strs texts)
{
    const struct id_key *key = store_id_key(host_parts(c->inbox->host)->store);
    int64_t *ids = arena_alloc(c->arena, (texts.count + 1) * sizeof(*ids));
    struct belfry_str *copies = arena_alloc(c->arena, (texts.count + 1) * sizeof(*copies));
    for (size_t i = 0; i < texts.count; i++) {
        copies[i] = arena_str(c->arena, texts.items[i]);
        if (id_parse(key, texts.items[i], &ids[i]) != BELFRY_OK)
            ids[i] = 0;
    }
    c->texts = (struct belfry_strs){copies, texts.count};
    c->ledger.ids = ids;
    c->ledger.id_count = texts.count;
}

void inbox_mark(const struct belfry_http_request *req, uint32_t mark, struct belfry_str id,
                void (*done)(void *arg, const struct belfry_inbox_change *change), void *arg)
{
    if (!host_request_on_loop(req, "inbox.mark"))
        return;
    struct change *c = change_new(req, LEDGER_INBOX_ONE, mark, done, arg);
    take_ids(c, (struct belfry_strs){&id, 1});
    if (c->ledger.status == BELFRY_OK && !c->ledger.ids[0])
        c->ledger.status = BELFRY_ENOTFOUND;
    change_start(c);
}

void inbox_bulk(const struct belfry_http_request *req, uint32_t mark, const struct belfry_inbox_filter *filter,
                int64_t as_of_rev, void (*done)(void *arg, const struct belfry_inbox_change *change), void *arg)
{
    if (!host_request_on_loop(req, "inbox.bulk"))
        return;
    int by_ids = filter->ids.count > 0;
    struct change *c = change_new(req, by_ids ? LEDGER_INBOX_IDS : LEDGER_INBOX_FILTER, mark, done, arg);
    c->ledger.no_undo = mark == BELFRY_MARK_SEEN;
    c->ledger.as_of_rev = as_of_rev;
    if (by_ids) {
        take_ids(c, filter->ids);
        c->parsed = 1;
        c->ledger.missing = arena_alloc(c->arena, filter->ids.count);
    } else if (c->ledger.status == BELFRY_OK) {
        struct store_inbox_filter *f = &c->ledger.filter;
        c->ledger.status = inbox_filter(filter, f);
        f->q = arena_str(c->arena, f->q);
        f->category = inbox_copy_names(c->arena, f->category);
        f->source = inbox_copy_names(c->arena, f->source);
    }
    change_start(c);
}

void inbox_undo(const struct belfry_http_request *req, struct belfry_str op,
                void (*done)(void *arg, const struct belfry_inbox_change *change), void *arg)
{
    if (!host_request_on_loop(req, "inbox.undo"))
        return;
    struct change *c = change_new(req, LEDGER_INBOX_UNDO, 0, done, arg);
    if (c->ledger.status == BELFRY_OK &&
        id_parse(store_id_key(host_parts(c->inbox->host)->store), op, &c->ledger.undo) != BELFRY_OK)
        c->ledger.status = BELFRY_ENOTFOUND;
    change_start(c);
}
