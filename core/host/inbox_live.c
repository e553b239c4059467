/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hints: whoever subscribed hears of a new revision with the unread count that goes with it. News only mark watchers as
 * dirty; one flush a turn serves them, from the counts in memory where they are of this revision, else after one read a
 * person. A watcher hears of a change at once, and of what follows within PACE_MS in one more hint, so that somebody
 * who gets a thousand notifications in a minute is not asked to look a thousand times. What a stream says when it is
 * opened does not count.
 *
 * A hint with revision -1 is the last one: the session has ended, or the person's roles or org changed with the
 * configuration or the directory, or what these roles may see did: no revision tells of that, so whoever comes back
 * has to ask for everything. What the watcher may count is asked with the configuration in force, never with that of
 * its request.
 */
#include "host/inbox.h"

#include "base/mem.h"
#include "plugin/misuse.h"

#include <stdlib.h>

#define WATCHERS_A_PERSON 32
#define TICK_MS 1000
#define PACE_MS 800 /* between two hints of changes to one watcher: all of them have heard of each within a second */
#define STEP_MS 20  /* hints that wait are looked at no more often */

struct watcher {
    struct list all;   /* in host_inbox.watchers */
    struct list peers; /* in inbox_person.watchers */
    struct list dirty; /* in host_inbox.dirty when it waits for a hint */
    struct inbox_person *person;
    struct arena *arena;
    struct belfry_str org, username;
    struct belfry_strs roles;
    uint64_t id, roles_hash;
    uint64_t session;   /* of the cookie; 0: none */
    int64_t expires_ms; /* 0: never */
    uint64_t told_ms;   /* the loop's time of the last hint of a change; 0: none yet */
    int greeted;        /* it knows what was when it came */
    int claimed;        /* the roles are the JWT's, whatever the directory says */
    int ended;
    void (*fn)(void *arg, int64_t rev, uint64_t unread);
    void *arg;
};

/* A count on behalf of one watcher; what it finds serves all with the same roles. It owns all that it needs, because
 * the watcher may be gone when it ends. */
struct glance {
    struct host_inbox *inbox;
    struct inbox_person *person;
    struct arena *arena;
    struct config *config;
    struct store_inbox_who who;
    struct store_inbox_counts counts;
    uint64_t roles_hash;
};

static void flush(void *arg);

static void flush_later(struct host_inbox *inbox)
{
    if (inbox->flushing || inbox->freed)
        return;
    inbox->flushing = 1;
    inbox_hold(inbox);
    host_post(inbox->host, flush, inbox);
}

static void make_dirty(struct host_inbox *inbox, struct watcher *w)
{
    if (list_empty(&w->dirty))
        list_push_back(&inbox->dirty, &w->dirty);
    flush_later(inbox);
}

/* How long the watcher has to wait for its next hint; 0: not at all. */
static uint64_t pace(const struct host_inbox *inbox, const struct watcher *w)
{
    uint64_t now = uv_now(host_parts(inbox->host)->loop);
    return w->told_ms && now < w->told_ms + PACE_MS ? w->told_ms + PACE_MS - now : 0;
}

static void tell(const struct host_inbox *inbox, struct watcher *w, const struct inbox_counted *counted)
{
    if (w->greeted)
        w->told_ms = uv_now(host_parts(inbox->host)->loop);
    w->greeted = 1;
    w->fn(w->arg, counted->rev, counted->unread);
}

/* --- counting --------------------------------------------------------------------------------- */

/* [reader] */
static belfry_status glance_read(struct store_conn *conn, void *arg)
{
    struct glance *g = arg;
    store_inbox_counts(conn, &g->who, g->arena, &g->counts);
    return BELFRY_OK;
}

/* Hands a count to all dirty watchers that it fits. One that is older than the person's revision leaves them dirty. */
static void hand_out(struct host_inbox *inbox, struct inbox_person *person, const struct inbox_counted *counted)
{
    struct list ready;
    list_init(&ready);
    LIST_EACH(it, &person->watchers)
    {
        struct watcher *w = LIST_OF(it, struct watcher, peers);
        if (w->ended || w->roles_hash != counted->roles || list_empty(&w->dirty) || pace(inbox, w))
            continue;
        list_remove(&w->dirty);
        list_push_back(&ready, &w->dirty);
    }
    int stale = counted->rev < person->rev;
    struct list *node;
    while ((node = list_pop_front(&ready))) {
        struct watcher *w = LIST_OF(node, struct watcher, dirty);
        if (stale)
            list_push_back(&inbox->dirty, &w->dirty);
        tell(inbox, w, counted);
    }
}

static void glance_done(void *arg, belfry_status status)
{
    struct glance *g = arg;
    struct host_inbox *inbox = g->inbox;
    g->person->reading = 0;
    if (status == BELFRY_OK && !inbox->freed) {
        struct inbox_counted counted = {.roles = g->roles_hash,
                                        .generation = g->config->generation,
                                        .rev = g->counts.rev,
                                        .unread = g->counts.unread,
                                        .unseen = g->counts.unseen};
        inbox_saw(g->person, counted.rev);
        inbox_set_counted(g->person, &counted);
        if (g->config == inbox->config)
            hand_out(inbox, g->person, &counted);
        if (!list_empty(&inbox->dirty))
            flush_later(inbox);
    }
    /* After a failure the tick tries again. */
    inbox_unpin(inbox, g->person);
    config_unref(g->config);
    arena_free(g->arena);
    free(g);
    inbox_let_go(inbox);
}

static void glance_start(struct host_inbox *inbox, struct watcher *w)
{
    struct glance *g = xcalloc(1, sizeof(*g));
    g->inbox = inbox;
    g->person = w->person;
    g->arena = arena_new(0);
    g->config = config_ref(inbox->config);
    g->roles_hash = w->roles_hash;
    g->who = (struct store_inbox_who){.org = arena_str(g->arena, w->org),
                                      .username = arena_str(g->arena, w->username),
                                      .gated = inbox_gates(inbox->config, &w->roles, g->arena)};
    inbox_pin(w->person);
    inbox_hold(inbox);
    w->person->reading = 1;
    belfry_status status = store_read(host_parts(inbox->host)->readers, glance_read, glance_done, g, 0);
    if (status != BELFRY_OK)
        glance_done(g, status);
}

/* --- hints ------------------------------------------------------------------------------------ */

static void on_tick(uv_timer_t *timer);

/* The tick comes when the watcher may be told, where that is sooner. */
static void tick_within(struct host_inbox *inbox, uint64_t ms)
{
    if (ms < STEP_MS)
        ms = STEP_MS;
    if (uv_timer_get_due_in(&inbox->tick) > ms)
        uv_timer_start(&inbox->tick, on_tick, ms, TICK_MS);
}

static void flush_one(struct host_inbox *inbox, struct watcher *w)
{
    uint64_t wait = pace(inbox, w);
    const struct inbox_counted *counted = inbox_counted(w->person, w->roles_hash, inbox->config->generation);
    if (w->ended) {
        list_remove(&w->dirty);
        w->fn(w->arg, -1, 0);
    } else if (wait) {
        tick_within(inbox, wait);
    } else if (counted) {
        struct inbox_counted copy = *counted;
        hand_out(inbox, w->person, &copy);
    } else if (!w->person->reading) {
        glance_start(inbox, w);
    }
}

/* Those that wait for a read stay dirty; the end of the read flushes again. */
static void flush(void *arg)
{
    struct host_inbox *inbox = arg;
    struct list ready;
    struct list *node;
    inbox->flushing = 0;
    list_move(&ready, &inbox->dirty);
    while ((node = list_pop_front(&ready))) {
        list_push_back(&inbox->dirty, node);
        flush_one(inbox, LIST_OF(node, struct watcher, dirty));
    }
    inbox_let_go(inbox);
}

void inbox_live_changed(struct host_inbox *inbox, struct inbox_person *person)
{
    LIST_EACH(it, &person->watchers)
    make_dirty(inbox, LIST_OF(it, struct watcher, peers));
}

/* --- ends ------------------------------------------------------------------------------------- */

static void end(struct host_inbox *inbox, struct watcher *w)
{
    w->ended = 1;
    make_dirty(inbox, w);
}

static void on_tick(uv_timer_t *timer)
{
    struct host_inbox *inbox = timer->data;
    int64_t now = clock_now_ms(host_parts(inbox->host)->clock);
    LIST_EACH(it, &inbox->watchers)
    {
        struct watcher *w = LIST_OF(it, struct watcher, all);
        if (!w->ended && w->expires_ms && w->expires_ms <= now)
            end(inbox, w);
    }
    if (!list_empty(&inbox->dirty))
        flush_later(inbox);
}

void inbox_live_signed_out(void *arg, uint64_t session)
{
    struct host_inbox *inbox = arg;
    LIST_EACH(it, &inbox->watchers)
    {
        struct watcher *w = LIST_OF(it, struct watcher, all);
        if (w->session == session)
            end(inbox, w);
    }
}

static int has_role(const struct belfry_strs *roles, struct belfry_str role)
{
    for (size_t i = 0; i < roles->count; i++)
        if (str_eq(roles->items[i], role))
            return 1;
    return 0;
}

static int same_set(const struct belfry_strs *a, const struct belfry_strs *b)
{
    for (size_t i = 0; i < a->count; i++)
        if (!has_role(b, a->items[i]))
            return 0;
    return a->count == b->count;
}

void host_inbox_roles(struct host_inbox *inbox, struct belfry_str org, struct belfry_str username,
                      const struct belfry_strs *roles)
{
    struct inbox_person *person = inbox_person(inbox, org, username, 0);
    if (!person)
        return;
    LIST_EACH(it, &person->watchers)
    {
        struct watcher *w = LIST_OF(it, struct watcher, peers);
        if (!w->claimed && !same_set(&w->roles, roles))
            end(inbox, w);
    }
}

static int same_names(const struct config_names *a, const struct config_names *b)
{
    if (a->count != b->count)
        return 0;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->items[i], b->items[i]) != 0)
            return 0;
    return 1;
}

/* Whether both keep the same categories from these roles. */
static int same_gates(const struct belfry_strs *roles, const struct config *old, const struct config *config)
{
    struct arena *arena = arena_new(0);
    struct belfry_strs before = inbox_gates(old, roles, arena), after = inbox_gates(config, roles, arena);
    int same = same_set(&before, &after);
    arena_free(arena);
    return same;
}

/* Roles that a JWT names are its own; else who comes into YAML, or leaves it, has other roles than those of the API. */
static int still_the_same(const struct watcher *w, const struct config *old, const struct config *config)
{
    const struct config_user *before = config_user(old, w->org, w->username);
    const struct config_user *after = config_user(config, w->org, w->username);
    if (!config_org(config, w->org) || !same_gates(&w->roles, old, config))
        return 0;
    return w->claimed || (!before && !after) || (before && after && same_names(&before->roles, &after->roles));
}

void inbox_live_config(struct host_inbox *inbox, struct config *old, struct config *config)
{
    LIST_EACH(it, &inbox->watchers)
    {
        struct watcher *w = LIST_OF(it, struct watcher, all);
        if (!still_the_same(w, old, config))
            w->ended = 1;
        make_dirty(inbox, w);
    }
}

/* --- subscribing ------------------------------------------------------------------------------ */

static struct belfry_str id_key(const uint64_t *id)
{
    return str_slice((const char *)id, sizeof(*id));
}

static size_t count_peers(const struct inbox_person *person)
{
    size_t count = 0;
    LIST_EACH(it, &person->watchers)
    count++;
    return count;
}

belfry_status inbox_subscribe(const struct belfry_http_request *req,
                              void (*fn)(void *arg, int64_t rev, uint64_t unread), void *arg, uint64_t *id)
{
    static uint64_t last; /* loop only; never re-used in a process (R04) */
    if (!host_request_on_loop(req, "inbox.subscribe") || !inbox_is_person(req))
        return BELFRY_EPERM;
    struct host_inbox *inbox = inbox_of(req);
    struct inbox_person *person = inbox_person(inbox, req->org, req->principal->name, 1);
    if (!person || count_peers(person) >= WATCHERS_A_PERSON)
        return BELFRY_ELIMIT;
    struct watcher *w = xcalloc(1, sizeof(*w));
    w->arena = arena_new(256);
    w->person = person;
    w->org = arena_str(w->arena, req->org);
    w->username = arena_str(w->arena, req->principal->name);
    w->roles = inbox_copy_names(w->arena, req->principal->roles);
    w->roles_hash = inbox_roles(inbox_request(req)->roles_hash);
    w->expires_ms = inbox_request(req)->session_expires_ms;
    w->claimed = inbox_request(req)->roles_claimed;
    w->session = http_session_id(inbox_request(req));
    w->fn = fn;
    w->arg = arg;
    w->id = *id = ++last;
    list_init(&w->dirty);
    inbox_pin(person);
    hash_set(inbox->watchers_by_id, id_key(&w->id), w);
    if (list_empty(&inbox->watchers))
        uv_timer_start(&inbox->tick, on_tick, TICK_MS, TICK_MS);
    list_push_back(&inbox->watchers, &w->all);
    list_push_back(&person->watchers, &w->peers);
    make_dirty(inbox, w); /* the first hint is what is now */
    return BELFRY_OK;
}

static void drop(struct host_inbox *inbox, struct watcher *w)
{
    hash_del(inbox->watchers_by_id, id_key(&w->id));
    list_remove(&w->all);
    list_remove(&w->peers);
    list_remove(&w->dirty);
    inbox_unpin(inbox, w->person);
    arena_free(w->arena);
    free(w);
    if (list_empty(&inbox->watchers))
        uv_timer_stop(&inbox->tick);
}

void inbox_unsubscribe(const struct belfry_host *table, uint64_t id)
{
    if (!host_on_loop(table, "inbox.unsubscribe"))
        return;
    struct host_inbox *inbox = host_inbox(host_of(table));
    struct watcher *w = hash_get(inbox->watchers_by_id, id_key(&id));
    if (w)
        drop(inbox, w);
    else
        misuse_stale(table->instance, "inbox.unsubscribe", "R04", id);
}

void inbox_live_free(struct host_inbox *inbox)
{
    while (!list_empty(&inbox->watchers))
        drop(inbox, LIST_OF(inbox->watchers.next, struct watcher, all));
}
