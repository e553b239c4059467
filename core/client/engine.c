/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl's multi handles on the loop: their timers, results, and when a transfer may start.
 *
 * A TLS handshake costs a hundred times what a request on an open connection does, so a burst to many endpoints would
 * hold the loop: at most HANDSHAKES transfers, of all protocols together, may be between their start and a connection,
 * the others wait. One that does not get there in HANDSHAKE_TURN_MS (a dead host burns no CPU) lets the next start.
 *
 * What has ended is told on a later turn, after curl has returned, so whoever is told may start and cancel others.
 */
#include "client/engine.h"

#define HANDSHAKES 32
#define HANDSHAKE_TURN_MS 500

/* --- handshakes --------------------------------------------------------------------------------------------------- */

void transfer_shaken(struct transfer *t)
{
    if (list_empty(&t->handshake))
        return;
    list_remove(&t->handshake);
    t->pool->engine->handshake_count--;
}

static void begin(struct transfer *t)
{
    struct engine *engine = t->pool->engine;
    list_remove(&t->node);
    t->added = 1;
    if (t->secure) {
        t->turn_ends_ms = uv_now(engine->loop) + HANDSHAKE_TURN_MS;
        list_push_back(&engine->handshakes, &t->handshake);
        engine->handshake_count++;
    }
    curl_multi_add_handle(t->pool->multi, t->easy);
}

static void next(struct engine *engine);

static void on_turn_over(uv_timer_t *timer)
{
    next(timer->data);
}

/* 1 when the oldest handshake has had its turn, or none is in the way. */
static int may_begin(struct engine *engine)
{
    if (engine->handshake_count < HANDSHAKES)
        return 1;
    struct transfer *oldest = LIST_OF(engine->handshakes.next, struct transfer, handshake);
    uint64_t now = uv_now(engine->loop);
    if (oldest->turn_ends_ms > now) {
        uv_timer_start(&engine->turns, on_turn_over, oldest->turn_ends_ms - now, 0);
        return 0;
    }
    transfer_shaken(oldest);
    return 1;
}

static void next(struct engine *engine)
{
    LIST_EACH_SAFE(it, &engine->waiting)
    {
        struct transfer *t = LIST_OF(it, struct transfer, node);
        if (!t->secure || may_begin(engine))
            begin(t);
    }
    if (list_empty(&engine->waiting))
        uv_timer_stop(&engine->turns);
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
    list_push_back(&t->pool->engine->waiting, &t->node);
    next(t->pool->engine);
}

void transfer_stop(struct transfer *t)
{
    list_remove(&t->node);
    transfer_shaken(t);
    if (t->added)
        curl_multi_remove_handle(t->pool->multi, t->easy);
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
        transfer_shaken(t);
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

void pool_action(struct pool *pool, curl_socket_t fd, int flags)
{
    int running;
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

void engine_pool_init(struct engine *engine, struct pool *pool, long max_connections)
{
    pool->engine = engine;
    pool->multi = curl_multi_init();
    uv_timer_init(engine->loop, &pool->timer);
    pool->timer.data = pool;
    engine->handles++;
    curl_multi_setopt(pool->multi, CURLMOPT_SOCKETFUNCTION, sockets_on_want);
    curl_multi_setopt(pool->multi, CURLMOPT_SOCKETDATA, pool);
    curl_multi_setopt(pool->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(pool->multi, CURLMOPT_TIMERDATA, pool);
    curl_multi_setopt(pool->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, max_connections);
    curl_multi_setopt(pool->multi, CURLMOPT_MAXCONNECTS, max_connections);
}

void engine_init(struct engine *engine, uv_loop_t *loop)
{
    engine->loop = loop;
    list_init(&engine->waiting);
    list_init(&engine->handshakes);
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
    uv_close((uv_handle_t *)&engine->turns, on_closed);
    uv_close((uv_handle_t *)&engine->endings_turn, on_closed);
}
