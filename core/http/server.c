/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server: libmicrohttpd's epoll descriptor watched by libuv, everything on the loop's thread.
 *
 * Slow clients: a connection has REQUEST_WAIT to deliver a whole request, counted from its start or from the last
 * answer, and is shut down otherwise. That bounds idle, slow-header and slow-body connections with one rule;
 * libmicrohttpd's own time-out counts inactivity only, which a byte every few seconds defeats. Connections are in one
 * list ordered by deadline (all waits are equal, so appending keeps the order), so a sweep looks only at those that are
 * due.
 *
 * Memory: 8 KiB a connection (libmicrohttpd keeps 32 by default: 320 MB at 10,000).
 */
#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/internal.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECTION_MEMORY 8192
#define REQUEST_WAIT_NS 60000000000ull
#define PEER_WAIT_MS 60000
#define SWEEP_MS 1000
#define PROBE_SWEEPS 10 /* streams are looked at every 10 s */
#define READING_GRACE_NS 1000000000ull
#define IDLE_TURNS 100
#define IDLE_TURN_MS 10
#define BACKLOG 1024
#define CONNECTIONS_DEFAULT 12000
#define CONTROL_CONNECTIONS 256

static uint64_t mono(void)
{
    return clock_mono_ns(clock_real());
}

/* --- polling ------------------------------------------------------------------------------------------------------ */

static void run(struct listener *l);

static void on_again(uv_idle_t *idle)
{
    uv_idle_stop(idle);
    run(idle->data);
}

static void on_spun(uv_timer_t *timer)
{
    run(timer->data);
}

/* libmicrohttpd says that it has work for a connection whose buffer is full with half a chunk header, and then does
 * none. Turns in which nothing came of it are put apart, so that such a client does not get a processor. */
static void run(struct listener *l)
{
    MHD_UNSIGNED_LONG_LONG wait = 0;
    MHD_run(l->daemon);
    requests_reap(l->http);
    if (MHD_get_timeout(l->daemon, &wait) != MHD_YES || wait > 0)
        l->idle_turns = 0;
    else if (++l->idle_turns < IDLE_TURNS)
        uv_idle_start(&l->again, on_again);
    else
        uv_timer_start(&l->spun, on_spun, IDLE_TURN_MS, 0);
}

/* With an external epoll loop libmicrohttpd does not announce a resumed connection on its descriptor. */
void listener_resume(struct listener *l, struct MHD_Connection *mhd)
{
    MHD_resume_connection(mhd);
    uv_idle_start(&l->again, on_again);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)events;
    struct listener *l = poll->data;
    l->idle_turns = 0;
    if (status == 0)
        run(l);
}

/* --- connections -------------------------------------------------------------------------------------------------- */

void conn_wait(struct conn *conn)
{
    list_remove(&conn->node);
    conn->deadline_ns = mono() + REQUEST_WAIT_NS;
    list_push_back(&conn->http->conns, &conn->node);
}

/* A peer that is dead, or that keeps its window shut, must not hold an answer or a stream for ever. */
static void set_dead_peer_limits(int fd)
{
    int on = 1, idle = 60, every = 15, count = 4;
    unsigned unacked = PEER_WAIT_MS;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof(every));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacked, sizeof(unacked));
}

static void on_connection(void *arg, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct listener *l = arg;
    struct http *http = l->http;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        struct conn *conn = xcalloc(1, sizeof(*conn));
        list_init(&conn->node);
        conn->http = http;
        conn->listener = l;
        conn->mhd = mhd;
        conn->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        if (!l->control)
            set_dead_peer_limits(conn->fd);
        conn_wait(conn);
        http->connections++;
        *socket_context = conn;
    } else if (*socket_context) {
        struct conn *conn = *socket_context;
        list_remove(&conn->node);
        http->connections--;
        free(conn);
        *socket_context = NULL;
    }
}

static void probe_streams(struct http *http)
{
    LIST_EACH_SAFE(it, &http->open)
    {
        struct request *r = LIST_OF(it, struct request, node);
        if (r->stream)
            stream_probe(r);
    }
}

void http_sweep(struct http *http, uint64_t now_ns)
{
    while (!list_empty(&http->conns)) {
        struct conn *conn = LIST_OF(http->conns.next, struct conn, node);
        if (conn->deadline_ns > now_ns)
            break;
        list_remove(&conn->node);
        shutdown(conn->fd, SHUT_RDWR);
        MHD_set_connection_option(conn->mhd, MHD_CONNECTION_OPTION_TIMEOUT, 1u); /* one that is not read any more */
    }
    if (++http->sweeps % PROBE_SWEEPS == 0)
        probe_streams(http);
    requests_reap(http);
}

static enum MHD_Result on_access(void *arg, struct MHD_Connection *mhd, const char *url, const char *method,
                                 const char *version, const char *upload, size_t *upload_size, void **state)
{
    (void)mhd;
    (void)url;
    (void)version;
    struct listener *l = arg;
    l->idle_turns = 0;
    return *state ? request_access(*state, method, upload, upload_size) : MHD_NO;
}

static void on_completed(void *arg, struct MHD_Connection *mhd, void **state, enum MHD_RequestTerminationCode code)
{
    (void)mhd;
    (void)code;
    struct listener *l = arg;
    request_completed(l->http, state);
}

/* Keeps the path as it came: decoding is done once a segment, after splitting. */
static size_t on_unescape(void *arg, struct MHD_Connection *mhd, char *text)
{
    (void)arg;
    (void)mhd;
    return strlen(text);
}

/*
 * The request begins here, because only here the target is seen as it was sent. The query is ours alone: libmicrohttpd
 * would make a record of each parameter in the connection's memory, a hundred fill it, and then it forgets to answer.
 * So what is left of the query for it is empty. (The text is in its buffer, which it splits in place itself.)
 */
static void *on_uri(void *arg, const char *uri, struct MHD_Connection *mhd)
{
    struct listener *l = arg;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct request *r = request_new(l->http, info->socket_context, mhd, uri);
    char *mark = strchr((char *)(uintptr_t)uri, '?');
    if (mark)
        mark[1] = '\0';
    return r;
}

static void on_mhd_log(void *arg, const char *format, va_list args)
{
    (void)arg;
    char text[256];
    vsnprintf(text, sizeof(text), format, args);
    log_debug("http", "library message", "text=%s", log_quote(text, strcspn(text, "\n")));
}

/* --- sockets ------------------------------------------------------------------------------------------------------ */

static int listen_unix(const char *path, struct error *err)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(sa.sun_path)) {
        error_set(err, BELFRY_EINVAL, NULL,
                  "the path of the socket %s is longer than %zu bytes; use a shorter hub.data_dir", path,
                  sizeof(sa.sun_path) - 1);
        return -1;
    }
    memcpy(sa.sun_path, path, strlen(path));
    unlink(path); /* the lock of data_dir is held, so nobody else listens here */
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t old = umask(0177);
    int rc = fd < 0 ? -1 : bind(fd, (struct sockaddr *)&sa, sizeof(sa));
    umask(old);
    if (rc != 0 || listen(fd, BACKLOG) != 0) {
        error_set(err, BELFRY_EIO, NULL, "cannot listen on %s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

/* "127.0.0.1:80", "[::1]:80", "localhost:0", ":80". */
static int split_address(const char *address, char host[256], char port[16])
{
    const char *colon = strrchr(address, ':');
    if (!colon || strlen(colon + 1) == 0 || strlen(colon + 1) >= 16 || colon - address >= 255)
        return -1;
    snprintf(port, 16, "%s", colon + 1);
    size_t len = (size_t)(colon - address);
    if (len >= 2 && address[0] == '[' && address[len - 1] == ']') {
        address++;
        len -= 2;
    }
    memcpy(host, address, len);
    host[len] = '\0';
    return 0;
}

static int bind_one(const struct addrinfo *ai)
{
    int on = 1;
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (ai->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static int listen_tcp(const char *address, char bound[128], struct error *err)
{
    char host[256], port[16];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *found = NULL;
    if (split_address(address, host, port) != 0 || getaddrinfo(host[0] ? host : NULL, port, &hints, &found) != 0) {
        error_set(err, BELFRY_EINVAL, NULL,
                  "hub.listen: `%s` is no address; write ADDRESS:PORT, such as 127.0.0.1:8420 or "
                  "[::1]:8420",
                  address);
        return -1;
    }
    int fd = bind_one(found), saved = errno;
    freeaddrinfo(found);
    if (fd < 0) {
        error_set(err, BELFRY_EIO, NULL, "cannot listen on %s: %s%s", address, strerror(saved),
                  saved == EADDRINUSE ? "; another process has the port, choose a different hub.listen" : "");
        return -1;
    }
    struct sockaddr_storage sa;
    socklen_t len = sizeof(sa);
    char name[64] = "", service[16] = "";
    getsockname(fd, (struct sockaddr *)&sa, &len);
    getnameinfo((struct sockaddr *)&sa, len, name, sizeof(name), service, sizeof(service),
                NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(bound, 128, sa.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", name, service);
    return fd;
}

static char *read_file(const char *path, struct error *err)
{
    struct buf text = {0};
    FILE *f = fopen(path, "re");
    size_t n;
    while (f && (n = fread(buf_reserve(&text, 4096), 1, 4096, f)) > 0)
        text.len += n;
    if (!f || ferror(f))
        error_set(err, BELFRY_EIO, NULL, "cannot read %s: %s", path, strerror(errno));
    if (f)
        fclose(f);
    buf_addz(&text, "");
    return buf_steal(&text);
}

static struct MHD_Daemon *daemon_start(struct listener *l, const char *cert, const char *key, unsigned limit)
{
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | (cert ? MHD_USE_TLS : 0);
    static const char priorities[] = "NORMAL:-VERS-TLS1.0:-VERS-TLS1.1";
    struct MHD_OptionItem tls[] = {{cert ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, (void *)(uintptr_t)cert},
                                   {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)key},
                                   {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)priorities},
                                   {MHD_OPTION_END, 0, NULL}};
    return MHD_start_daemon(flags, 0, NULL, NULL, on_access, l, MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log, NULL,
                            MHD_OPTION_LISTEN_SOCKET, l->fd, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                            (size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_LIMIT, limit, MHD_OPTION_NOTIFY_CONNECTION,
                            on_connection, l, MHD_OPTION_NOTIFY_COMPLETED, on_completed, l,
                            MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, NULL, MHD_OPTION_URI_LOG_CALLBACK, on_uri, l,
                            MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}

static void listener_free(struct listener *l)
{
    if (l->key)
        mem_wipe(l->key, strlen(l->key));
    free(l->key);
    free(l->cert);
    free(l->unlink_path);
    free(l);
}

static void handle_closed(uv_handle_t *handle)
{
    struct listener *l = handle->data;
    if (--l->closing > 0)
        return;
    listener_free(l);
}

static void listener_close(struct listener *l)
{
    list_remove(&l->node);
    l->closing = 3;
    uv_poll_stop(&l->poll);
    uv_close((uv_handle_t *)&l->poll, handle_closed);
    uv_close((uv_handle_t *)&l->again, handle_closed);
    uv_close((uv_handle_t *)&l->spun, handle_closed);
    if (l->unlink_path)
        unlink(l->unlink_path);
    MHD_stop_daemon(l->daemon);
}

belfry_status http_listen(struct http *http, const char *address, const char *cert, const char *key, char bound[128],
                          struct error *err)
{
    struct error fault = {0};
    int control = strncmp(address, "unix:", 5) == 0;
    struct listener *l = xcalloc(1, sizeof(*l));
    unsigned limit = http->config ? (unsigned)http->config->hub.limits.connections : CONNECTIONS_DEFAULT;
    l->http = http;
    l->control = control;
    l->cert = cert ? read_file(cert, &fault) : NULL;
    l->key = cert && key ? read_file(key, &fault) : NULL;
    if (fault.count)
        goto fail_listener;
    if (control)
        snprintf(bound, 128, "%s", address);
    l->fd = control ? listen_unix(address + 5, &fault) : listen_tcp(address, bound, &fault);
    if (l->fd < 0)
        goto fail_listener;
    l->daemon = daemon_start(l, l->cert, l->key, control ? CONTROL_CONNECTIONS : limit);
    if (!l->daemon) {
        error_set(&fault, BELFRY_EINVAL, NULL, "cannot serve on %s%s", address,
                  cert ? ": check that hub.tls.cert and hub.tls.key are PEM files that belong together" : "");
        close(l->fd);
        goto fail_listener;
    }
    l->unlink_path = control ? xstrdup(address + 5) : NULL;
    int epoll = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    uv_poll_init(http->set.loop, &l->poll, epoll);
    uv_idle_init(http->set.loop, &l->again);
    uv_timer_init(http->set.loop, &l->spun);
    l->poll.data = l->again.data = l->spun.data = l;
    uv_poll_start(&l->poll, UV_READABLE, on_poll);
    list_push_back(&http->listeners, &l->node);
    return BELFRY_OK;

fail_listener:
    listener_free(l);
    belfry_status status = fault.status;
    if (err)
        error_move(err, &fault);
    error_clear(&fault);
    return status;
}

static void on_sweep(uv_timer_t *timer)
{
    http_sweep(timer->data, mono());
}

/* --- life --------------------------------------------------------------------------------------------------------- */

struct http *http_new(const struct http_settings *settings, struct error *err)
{
    struct http *http = xcalloc(1, sizeof(*http));
    http->set = *settings;
    router_init(&http->router);
    list_init(&http->listeners);
    list_init(&http->conns);
    list_init(&http->open);
    list_init(&http->spare);
    list_init(&http->dead);
    http->by_id = hash_new();
    if (settings->secret)
        key_derive(settings->secret, "session", http->session_key);
    uv_timer_init(settings->loop, &http->sweep);
    http->sweep.data = http;
    uv_timer_start(&http->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
    uv_unref((uv_handle_t *)&http->sweep);
    if (assets_init(http, err) != BELFRY_OK || pages_init(http, err) != BELFRY_OK ||
        http_triggers_init(http, err) != BELFRY_OK || http_sessions_init(http, err) != BELFRY_OK) {
        http_free(http);
        return NULL;
    }
    return http;
}

void http_configure(struct http *http, struct config *config)
{
    struct config *old = http->config;
    http->config = config_ref(config);
    auth_configure(http);
    triggers_configure(http);
    config_unref(old);
}

belfry_status http_routes_add(struct http *http, const void *owner, const struct http_route *routes, size_t count,
                              struct error *err)
{
    http->routes_version++;
    for (size_t i = 0; i < count; i++) {
        belfry_status status = router_add(&http->router, owner, &routes[i], NULL, err);
        if (status != BELFRY_OK)
            return status;
    }
    return BELFRY_OK;
}

belfry_status http_routes_add_shared(struct http *http, const void *owner, const struct http_route *route,
                                     const struct http_family *family, struct error *err)
{
    http->routes_version++;
    return router_add(&http->router, owner, route, family, err);
}

void http_routes_each(const struct http *http, void (*fn)(void *arg, const struct http_route *route), void *arg)
{
    LIST_EACH(it, &http->router.routes)
    fn(arg, &LIST_OF(it, struct route_entry, node)->route);
}

int http_route_is(const struct http *http, const char *method, const char *path)
{
    const char *allow;
    struct belfry_attr *params;
    size_t count;
    struct arena *arena = arena_new(256);
    int found = router_find(&http->router, str_of(method), str_of(path), arena, &params, &count, &allow) != NULL;
    arena_free(arena);
    return found;
}

uint64_t http_routes_version(const struct http *http)
{
    return http->routes_version;
}

/* Whoever has sent half a request only was promised nothing, and is waited for a little. */
static int under_way(const struct http *http, uint64_t now)
{
    int patient = now < http->stop_began_ns + READING_GRACE_NS;
    LIST_EACH(it, &http->open)
    {
        if (patient || LIST_OF(it, struct request, node)->state != REQUEST_READING)
            return 1;
    }
    return 0;
}

static void stop_look(uv_timer_t *timer)
{
    struct http *http = timer->data;
    uint64_t now = mono();
    requests_reap(http);
    if (now < http->stop_deadline_ns && under_way(http, now))
        return;
    uv_timer_start(timer, on_sweep, SWEEP_MS, SWEEP_MS);
    void (*done)(void *) = http->stopped;
    http->stopped = NULL;
    if (done)
        done(http->stopped_arg);
}

void http_stop(struct http *http, int64_t wait_ms, void (*done)(void *arg), void *arg)
{
    http->stopping = 1;
    http->stopped = done;
    http->stopped_arg = arg;
    http->stop_began_ns = mono();
    http->stop_deadline_ns = http->stop_began_ns + (uint64_t)wait_ms * 1000000;
    LIST_EACH(it, &http->listeners)
    {
        struct listener *l = LIST_OF(it, struct listener, node);
        MHD_socket fd = MHD_quiesce_daemon(l->daemon); /* no new connections */
        if (fd != MHD_INVALID_SOCKET)
            close(fd);
    }
    LIST_EACH_SAFE(it, &http->open)
    {
        struct request *r = LIST_OF(it, struct request, node);
        if (r->stream)
            stream_give_up(r);
    }
    uv_timer_start(&http->sweep, stop_look, 0, 5);
}

void http_unref(struct http *http)
{
    if (!http->closed || http->jobs > 0 || !http->handle_closed)
        return;
    hash_free(http->by_id, NULL);
    free(http);
}

static void on_freed(uv_handle_t *handle)
{
    struct http *http = handle->data;
    http->handle_closed = 1;
    http_unref(http);
}

/* libmicrohttpd must not be stopped while a connection is suspended: everybody gets an answer or an end. */
static void answer_all(struct http *http)
{
    LIST_EACH_SAFE(it, &http->open)
    {
        struct request *r = LIST_OF(it, struct request, node);
        r->waiting = 0;
        if (r->stream)
            stream_give_up(r);
        else if (r->state != REQUEST_ANSWERED)
            http_problem(&r->pub, 503, NULL, "the hub is stopping");
    }
}

void http_free(struct http *http)
{
    if (!http)
        return;
    struct list *node;
    answer_all(http);
    http->closed = 1;
    LIST_EACH_SAFE(it, &http->listeners)
    listener_close(LIST_OF(it, struct listener, node));
    requests_reap(http);
    while ((node = list_pop_front(&http->spare))) {
        struct request *r = LIST_OF(node, struct request, node);
        arena_free(r->pub.arena);
        buf_free(&r->body);
        free(r);
    }
    router_fini(&http->router);
    triggers_free(http);
    assets_free(http);
    pages_free(http->pages);
    auth_free(http);
    jwt_free(http);
    jwks_sets_free(http);
    people_free(http);
    config_unref(http->config);
    mem_wipe(http->session_key, sizeof(http->session_key));
    uv_timer_stop(&http->sweep);
    uv_close((uv_handle_t *)&http->sweep, on_freed);
}

uint64_t http_open_connections(const struct http *http)
{
    return http->connections;
}
