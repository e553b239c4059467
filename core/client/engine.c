/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl's multi handles on the loop: their timers, results, and when a transfer may start.
 *
 * A TLS handshake costs a hundred times what a request on an open connection does, so a burst to many endpoints would
 * hold the loop: at most 32 transfers, of all protocols together, may be between their start and a connection, the
 * others wait. One that does not get there in HANDSHAKE_TURN_MS (a dead or far host burns no CPU) lets the next start.
 * A host that did so and never got a connection shares one lane with those like it, so a hundred that accept and say
 * nothing hold up each other and nobody else. What finds an idle connection shakes no hands and does not wait.
 *
 * What has ended is told on a later turn, after curl has returned, so whoever is told may start and cancel others.
 */
#include "client/engine.h"

#define HANDSHAKES_WELL 24
#define HANDSHAKES_SICK 8
#define HANDSHAKE_TURN_MS 200

/* --- handshakes --------------------------------------------------------------------------------------------------- */

static void shaking_end(struct transfer *t)
{
    if (list_empty(&t->handshake))
        return;
    list_remove(&t->handshake);
    t->lane->count--;
}

void transfer_shaken(struct transfer *t)
{
    shaking_end(t);
    t->has_met = 1;
    if (t->host)
        host_learn(&t->pool->engine->hosts, t->host, 0);
}

/* What is left of its time; 0: it is over. */
static uint64_t time_left(const struct transfer *t)
{
    uint64_t now = uv_now(t->pool->engine->loop);
    return t->until_ms > now ? t->until_ms - now : 0;
}

static void begin(struct transfer *t)
{
    list_remove(&t->node);
    if (t->until_ms && !time_left(t)) {
        t->over(t, CURLE_OPERATION_TIMEDOUT);
        return;
    }
    if (t->until_ms)
        curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, (long)time_left(t));
    t->added = 1;
    if (t->host)
        t->host->calls++;
    if (t->lane) {
        t->turn_ends_ms = uv_now(t->pool->engine->loop) + HANDSHAKE_TURN_MS;
        list_push_back(&t->lane->shaking, &t->handshake);
        t->lane->count++;
    }
    curl_multi_add_handle(t->pool->multi, t->easy);
}

/* 1 when there is room, or the oldest has had its turn. */
static int may_begin(const struct engine *engine, struct lane *lane)
{
    if (lane->count < lane->most)
        return 1;
    struct transfer *oldest = LIST_OF(lane->shaking.next, struct transfer, handshake);
    if (oldest->turn_ends_ms > uv_now(engine->loop))
        return 0;
    oldest->overran = 1;
    shaking_end(oldest);
    return 1;
}

static void next(struct engine *engine);

static void on_turn_over(uv_timer_t *timer)
{
    next(timer->data);
}

/* When somebody waits, the end of the oldest turn is when to look again. */
static void arm(struct engine *engine)
{
    uint64_t at = UINT64_MAX, now = uv_now(engine->loop);
    for (size_t i = 0; i < 2; i++) {
        const struct lane *lane = &engine->lanes[i];
        if (list_empty(&lane->waiting))
            continue;
        uint64_t ends = LIST_OF(lane->shaking.next, struct transfer, handshake)->turn_ends_ms;
        at = ends < at ? ends : at;
    }
    if (at == UINT64_MAX)
        uv_timer_stop(&engine->turns);
    else
        uv_timer_start(&engine->turns, on_turn_over, at > now ? at - now : 0, 0);
}

static void next(struct engine *engine)
{
    for (size_t i = 0; i < 2; i++) {
        struct lane *lane = &engine->lanes[i];
        while (!list_empty(&lane->waiting) && may_begin(engine, lane))
            begin(LIST_OF(lane->waiting.next, struct transfer, node));
    }
    arm(engine);
}

/* --- transfers ---------------------------------------------------------------------------------------------------- */

void transfer_init(struct transfer *t, struct pool *pool, CURL *easy)
{
    *t = (struct transfer){.pool = pool, .easy = easy};
    list_init(&t->node);
    list_init(&t->handshake);
}

void transfer_start(struct transfer *t)
{
    struct engine *engine = t->pool->engine;
    if (!t->secure || (t->host && host_has_idle(t->host))) {
        begin(t);
        return;
    }
    t->lane = &engine->lanes[t->host && t->host->sick];
    list_push_back(&t->lane->waiting, &t->node);
    next(engine);
}

/* A cancelled one that overran its turn was in the others' way just as well. */
static void host_release(struct transfer *t)
{
    struct hosts *hosts = &t->pool->engine->hosts;
    if (!t->host)
        return;
    t->host->calls -= t->added != 0;
    if (t->overran && !t->has_met)
        host_learn(hosts, t->host, 1);
    host_unref(hosts, t->host);
    t->host = NULL;
}

void transfer_stop(struct transfer *t)
{
    list_remove(&t->node);
    shaking_end(t);
    if (t->added)
        curl_multi_remove_handle(t->pool->multi, t->easy);
    host_release(t);
    t->added = 0;
}

static void take_results(struct pool *pool)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(pool->multi, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        struct transfer *t = NULL;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&t);
        shaking_end(t);
        t->over(t, code);
    }
    next(pool->engine);
}

/* --- endings ------------------------------------------------------------------------------------------------------ */

void engine_tell(struct engine *engine)
{
    struct list endings, *node;
    uv_idle_stop(&engine->endings_turn);
    list_move(&endings, &engine->endings);
    while ((node = list_pop_front(&endings))) {
        struct ending *ending = LIST_OF(node, struct ending, node);
        ending->tell(ending);
    }
    next(engine);
}

static void on_endings(uv_idle_t *idle)
{
    engine_tell(idle->data);
}

void engine_end(struct engine *engine, struct ending *ending, void (*tell)(struct ending *ending))
{
    ending->tell = tell;
    list_push_back(&engine->endings, &ending->node);
    uv_idle_start(&engine->endings_turn, on_endings);
}

/* --- curl and the loop -------------------------------------------------------------------------------------------- */

/* Before curl decides whether a connection stays. A busy host may have all that are kept, since most of the time few
 * hosts are busy; when they are used up, whoever has more than the share gives one back with each transfer. */
static void set_limit(struct pool *pool)
{
    const struct engine *engine = pool->engine;
    long limit = pool->share && engine->kept < engine->kept_most ? (long)engine->kept_most : pool->share;
    if (limit == pool->limit)
        return;
    pool->limit = limit;
    curl_multi_setopt(pool->multi, CURLMOPT_MAXCONNECTS, limit);
}

void pool_action(struct pool *pool, curl_socket_t fd, int flags)
{
    int running;
    set_limit(pool);
    curl_multi_socket_action(pool->multi, fd, flags, &running);
    take_results(pool);
}

static void on_timeout(uv_timer_t *timer)
{
    pool_action(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timer(CURLM *multi, long timeout_ms, void *arg)
{
    (void)multi;
    struct pool *pool = arg;
    if (timeout_ms < 0)
        uv_timer_stop(&pool->timer);
    else
        uv_timer_start(&pool->timer, on_timeout, (uint64_t)timeout_ms, 0);
    return 0;
}

void engine_pool_init(struct engine *engine, struct pool *pool, long share)
{
    pool->engine = engine;
    pool->share = pool->limit = share;
    pool->multi = curl_multi_init();
    uv_timer_init(engine->loop, &pool->timer);
    pool->timer.data = pool;
    engine->handles++;
    curl_multi_setopt(pool->multi, CURLMOPT_SOCKETFUNCTION, sockets_on_want);
    curl_multi_setopt(pool->multi, CURLMOPT_SOCKETDATA, pool);
    curl_multi_setopt(pool->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(pool->multi, CURLMOPT_TIMERDATA, pool);
    curl_multi_setopt(pool->multi, CURLMOPT_MAXCONNECTS, share);
}

void engine_init(struct engine *engine, uv_loop_t *loop, size_t kept)
{
    engine->loop = loop;
    engine->kept_most = kept;
    static const size_t most[] = {HANDSHAKES_WELL, HANDSHAKES_SICK};
    for (size_t i = 0; i < 2; i++) {
        engine->lanes[i].most = most[i];
        list_init(&engine->lanes[i].waiting);
        list_init(&engine->lanes[i].shaking);
    }
    hosts_init(&engine->hosts);
    list_init(&engine->endings);
    uv_timer_init(loop, &engine->turns);
    uv_idle_init(loop, &engine->endings_turn);
    engine->turns.data = engine->endings_turn.data = engine;
    engine->handles = 2;
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

void engine_handle_closed(struct engine *engine)
{
    if (--engine->handles == 0)
        engine->closed(engine->arg);
}

static void on_pool_closed(uv_handle_t *timer)
{
    engine_handle_closed(((struct pool *)timer->data)->engine);
}

static void on_closed(uv_handle_t *handle)
{
    engine_handle_closed(handle->data);
}

void engine_pool_fini(struct pool *pool)
{
    curl_multi_cleanup(pool->multi);
    uv_close((uv_handle_t *)&pool->timer, on_pool_closed);
}

void engine_fini(struct engine *engine, void (*closed)(void *arg), void *arg)
{
    engine->closed = closed;
    engine->arg = arg;
    sockets_fini(engine);
    hosts_fini(&engine->hosts);
    uv_close((uv_handle_t *)&engine->turns, on_closed);
    uv_close((uv_handle_t *)&engine->endings_turn, on_closed);
}
