/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads of belfry.inbox/1: a call is filled on the loop, runs on a reader's snapshot, and is answered on the loop on a
 * later turn. The request is held meanwhile, also when it is a stream whose client has left; so its strings and its
 * configuration are borrowed.
 */
#include "host/inbox.h"

#include "base/mem.h"
#include "event/event.h"

#include <stdlib.h>

#define LIMIT_MAX 200
#define NAMES_MAX 100

struct read {
    struct host_inbox *inbox;
    struct inbox_person *person; /* pinned */
    struct http_request *req;    /* held */
    const struct belfry_principal *principal;
    struct store *store;
    struct arena *arena;
    struct store_inbox_who who;
    struct store_inbox_filter filter;
    int64_t place; /* of a list: before; of one: the id */
    size_t limit;
    belfry_status early; /* why it is not run */
    int found;
    struct belfry_inbox_page page;
    struct belfry_inbox_item item;
    struct store_inbox_counts counts;
    uint64_t unseen;
    void (*list_done)(void *arg, belfry_status status, const struct belfry_inbox_page *page);
    void (*count_done)(void *arg, belfry_status status, const struct belfry_inbox_counts *counts);
    void (*one_done)(void *arg, belfry_status status, const struct belfry_inbox_item *item);
    void *arg;
};

/* --- a call's life ---------------------------------------------------------------------------- */

static struct read *read_new(const struct belfry_http_request *req, void *arg)
{
    struct read *r = xcalloc(1, sizeof(*r));
    r->inbox = inbox_of(req);
    r->req = inbox_request(req);
    r->principal = req->principal;
    r->store = host_parts(r->inbox->host)->store;
    r->arena = arena_new(0);
    r->arg = arg;
    r->early = inbox_is_person(req) ? BELFRY_OK : BELFRY_EPERM;
    r->who = (struct store_inbox_who){.org = req->org, .username = req->principal->name};
    r->person = inbox_person(r->inbox, req->org, req->principal->name, 1);
    inbox_pin(r->person);
    inbox_hold(r->inbox);
    http_hold(r->req);
    return r;
}

static void read_free(struct read *r)
{
    inbox_unpin(r->inbox, r->person);
    inbox_let_go(r->inbox);
    http_let_go(r->req);
    arena_free(r->arena);
    free(r);
}

/* Counts that a reader saw, also as a by-product of a list. */
static void remember(struct read *r, int64_t rev, uint64_t unread, uint64_t unseen)
{
    if (!r->person)
        return;
    struct inbox_counted counted = {.roles = inbox_roles(r->req->roles_hash),
                                    .generation = r->req->config->generation,
                                    .rev = rev,
                                    .unread = unread,
                                    .unseen = unseen};
    inbox_saw(r->person, rev);
    inbox_set_counted(r->person, &counted);
}

/* Runs fn on a reader, or done with the status on a later turn. */
static void read_start(struct read *r, belfry_status (*fn)(struct store_conn *conn, void *arg),
                       void (*done)(void *arg, belfry_status status), void (*early)(void *arg))
{
    if (r->early == BELFRY_OK)
        r->early = store_read(host_parts(r->inbox->host)->readers, fn, done, r, 0);
    if (r->early != BELFRY_OK)
        host_post(r->inbox->host, early, r);
}

/* --- filters ---------------------------------------------------------------------------------- */

belfry_status inbox_filter(const struct belfry_inbox_filter *in, struct store_inbox_filter *out)
{
    *out = (struct store_inbox_filter){.q = in->q,
                                       .category = in->category,
                                       .source = in->source,
                                       .hidden = in->hidden != 0,
                                       .unread = in->unread != 0,
                                       .rows_only = (in->flags & BELFRY_INBOX_ROWS) != 0};
    if (in->q.len > EVENT_LINE_MAX || in->category.count > NAMES_MAX || in->source.count > NAMES_MAX)
        return BELFRY_EINVAL;
    for (size_t i = 0; i < in->severity.count; i++) {
        int severity = severity_parse(in->severity.items[i]);
        if (severity < 0)
            return BELFRY_EINVAL;
        out->severities |= 1u << severity;
    }
    return BELFRY_OK;
}

/* The caller's lists may be gone when a reader looks at them. */
struct belfry_strs inbox_copy_names(struct arena *arena, struct belfry_strs names)
{
    struct belfry_str *items = arena_alloc(arena, (names.count + 1) * sizeof(*items));
    for (size_t i = 0; i < names.count; i++)
        items[i] = arena_str(arena, names.items[i]);
    return (struct belfry_strs){items, names.count};
}

/* --- list ------------------------------------------------------------------------------------- */

static const struct belfry_facet *make_facets(const struct read *r, const struct store_inbox_page *page)
{
    struct belfry_facet *facets = arena_alloc(r->arena, (page->facet_count + 1) * sizeof(*facets));
    for (size_t i = 0; i < page->facet_count; i++) {
        const struct store_inbox_facet *from = &page->facets[i];
        facets[i] = (struct belfry_facet){.struct_size = sizeof(*facets),
                                          .facet = (uint32_t)from->facet,
                                          .value = from->name,
                                          .label = from->name,
                                          .count = from->count};
        if (from->facet == STORE_FACET_SEVERITY)
            facets[i].value = facets[i].label = str_of(severity_name(from->severity));
        const struct config_category *category =
            from->facet == STORE_FACET_CATEGORY ? config_category(r->req->config, from->name) : NULL;
        if (category)
            facets[i].label = config_label(category, r->req->pub.locale);
    }
    return facets;
}

/* [reader] */
static belfry_status list_read(struct store_conn *conn, void *arg)
{
    struct read *r = arg;
    struct store_inbox_page page;
    r->who.gated = inbox_gates(r->req->config, &r->principal->roles, r->arena);
    store_inbox_list(conn, &r->who, &r->filter, r->place, r->limit, r->req->pub.locale, r->arena, &page);
    struct belfry_inbox_item *items = arena_alloc(r->arena, (page.count + 1) * sizeof(*items));
    for (size_t i = 0; i < page.count; i++)
        inbox_item(r->req, r->store, &page.rows[i], r->arena, &items[i]);
    r->page = (struct belfry_inbox_page){
        .struct_size = sizeof(r->page),
        .rev = page.rev,
        .total = page.total,
        .unread = page.unread,
        .items = items,
        .count = page.count,
        .facets = make_facets(r, &page),
        .facet_count = page.facet_count,
        .next = inbox_id(r->store, r->arena, page.next),
        .etag = inbox_tag(r->inbox, r->arena, page.rev, r->req->roles_hash, r->req->config->generation),
    };
    r->unseen = page.unseen;
    return BELFRY_OK;
}

static void list_done(void *arg, belfry_status status)
{
    struct read *r = arg;
    if (status == BELFRY_OK)
        remember(r, r->page.rev, r->page.unread, r->unseen);
    r->list_done(r->arg, status, status == BELFRY_OK ? &r->page : NULL);
    read_free(r);
}

static void list_early(void *arg)
{
    list_done(arg, ((struct read *)arg)->early);
}

void inbox_list(const struct belfry_http_request *req, const struct belfry_inbox_filter *filter,
                struct belfry_str before, uint32_t limit,
                void (*done)(void *arg, belfry_status status, const struct belfry_inbox_page *page), void *arg)
{
    if (!host_request_on_loop(req, "inbox.list"))
        return;
    struct read *r = read_new(req, arg);
    r->list_done = done;
    r->limit = limit < 1 ? 1 : limit > LIMIT_MAX ? LIMIT_MAX : limit;
    if (r->early == BELFRY_OK)
        r->early = inbox_filter(filter, &r->filter);
    if (r->early == BELFRY_OK && before.len > 0 && id_parse(store_id_key(r->store), before, &r->place) != BELFRY_OK)
        r->early = BELFRY_EINVAL;
    if (r->early == BELFRY_OK) {
        r->filter.q = arena_str(r->arena, r->filter.q);
        r->filter.category = inbox_copy_names(r->arena, r->filter.category);
        r->filter.source = inbox_copy_names(r->arena, r->filter.source);
    }
    read_start(r, list_read, list_done, list_early);
}

/* --- count ------------------------------------------------------------------------------------ */

/* [reader] */
static belfry_status count_read(struct store_conn *conn, void *arg)
{
    struct read *r = arg;
    r->who.gated = inbox_gates(r->req->config, &r->principal->roles, r->arena);
    store_inbox_counts(conn, &r->who, r->arena, &r->counts);
    return BELFRY_OK;
}

static void count_answer(struct read *r, belfry_status status)
{
    struct belfry_inbox_counts counts = {
        .struct_size = sizeof(counts),
        .rev = r->counts.rev,
        .unread = r->counts.unread,
        .unseen = r->counts.unseen,
        .etag = inbox_tag(r->inbox, r->arena, r->counts.rev, r->req->roles_hash, r->req->config->generation),
    };
    r->count_done(r->arg, status, status == BELFRY_OK ? &counts : NULL);
    read_free(r);
}

static void count_done(void *arg, belfry_status status)
{
    struct read *r = arg;
    if (status == BELFRY_OK)
        remember(r, r->counts.rev, r->counts.unread, r->counts.unseen);
    count_answer(r, status);
}

static void count_early(void *arg)
{
    count_answer(arg, ((struct read *)arg)->early);
}

void inbox_count(const struct belfry_http_request *req,
                 void (*done)(void *arg, belfry_status status, const struct belfry_inbox_counts *counts), void *arg)
{
    if (!host_request_on_loop(req, "inbox.count"))
        return;
    struct read *r = read_new(req, arg);
    r->count_done = done;
    const struct inbox_counted *known =
        r->person && !r->early ? inbox_counted(r->person, inbox_roles(r->req->roles_hash), r->req->config->generation)
                               : NULL;
    if (known) {
        r->counts = (struct store_inbox_counts){known->rev, known->unread, known->unseen};
        host_post(r->inbox->host, count_early, r);
        return;
    }
    read_start(r, count_read, count_done, count_early);
}

/* --- one -------------------------------------------------------------------------------------- */

/* [reader] */
static belfry_status one_read(struct store_conn *conn, void *arg)
{
    struct read *r = arg;
    struct store_inbox_row row;
    r->who.gated = inbox_gates(r->req->config, &r->principal->roles, r->arena);
    if (!store_inbox_one(conn, &r->who, r->place, r->req->pub.locale, r->arena, &row))
        return BELFRY_ENOTFOUND;
    inbox_item(r->req, r->store, &row, r->arena, &r->item);
    return BELFRY_OK;
}

static void one_done(void *arg, belfry_status status)
{
    struct read *r = arg;
    r->one_done(r->arg, status, status == BELFRY_OK ? &r->item : NULL);
    read_free(r);
}

static void one_early(void *arg)
{
    one_done(arg, ((struct read *)arg)->early);
}

void inbox_one(const struct belfry_http_request *req, struct belfry_str id,
               void (*done)(void *arg, belfry_status status, const struct belfry_inbox_item *item), void *arg)
{
    if (!host_request_on_loop(req, "inbox.one"))
        return;
    struct read *r = read_new(req, arg);
    r->one_done = done;
    if (r->early == BELFRY_OK)
        r->early = id_parse(store_id_key(r->store), id, &r->place);
    read_start(r, one_read, one_done, one_early);
}
