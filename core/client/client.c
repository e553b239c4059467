/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outbound client: libcurl's multi handle driven by libuv (socket callback -> uv_poll, timer callback -> uv_timer).
 *
 * The guard judges the very address that is used: CURLOPT_OPENSOCKETFUNCTION sees it before a connect, and
 * CURLOPT_PREREQFUNCTION before each request, also on a connection that is re-used after the policy changed. Names are
 * not pinned, so there is no window between a check and a connect for DNS to change in.
 *
 * Handles are kept and reset after use. Transfers that ended are moved to a ready list and called back after curl has
 * returned, so a callback may start or cancel others.
 */
#include "client/client.h"

#include "base/hash.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SPARE_MAX 64
#define HEADERS_MAX 64
#define RESPONSE_DEFAULT (64 * 1024)
#define CONNECTIONS_DEFAULT 256
#define URLS_MAX 1000

struct call {
    struct list node; /* active, waiting, ready, spare */
    struct client *client;
    uint64_t id;
    CURL *easy;
    struct curl_slist *headers;
    struct client_cidrs *allow;
    struct arena *arena;
    struct buf url, request, response;
    size_t max_response;
    uint32_t error, truncated, status;
    int blocked, canceled, added;
    char error_text[CURL_ERROR_SIZE];
    struct belfry_attr answer_headers[HEADERS_MAX];
    size_t answer_header_count;
    int64_t elapsed_us;
    void (*done)(void *arg, const struct belfry_http_answer *answer);
    void *arg;
};

struct socket_watch {
    uv_poll_t poll;
    struct client *client;
    curl_socket_t fd;
};

struct client {
    uv_loop_t *loop;
    CURLM *multi;
    uv_timer_t timer;
    uv_idle_t ready_turn;
    struct list active, ready, spare;
    size_t spare_count;
    struct hash *urls; /* those that were checked and found right */
    uint64_t next_id;
    int closing;
};

/* --- ended transfers
 * ------------------------------------------------------------------------------------------------------ */

static void call_recycle(struct call *c)
{
    struct client *client = c->client;
    curl_slist_free_all(c->headers);
    client_cidrs_free(c->allow);
    mem_wipe(c->request.ptr, c->request.len);
    if (client->spare_count >= SPARE_MAX || client->closing || c->response.cap > RESPONSE_DEFAULT) {
        curl_easy_cleanup(c->easy);
        arena_free(c->arena);
        buf_free(&c->url);
        buf_free(&c->request);
        buf_free(&c->response);
        free(c);
        return;
    }
    arena_reset(c->arena);
    curl_easy_reset(c->easy);
    struct call clean = {.client = client,
                         .easy = c->easy,
                         .arena = c->arena,
                         .url = c->url,
                         .request = c->request,
                         .response = c->response};
    *c = clean;
    buf_clear(&c->url);
    buf_clear(&c->request);
    buf_clear(&c->response);
    list_push_front(&client->spare, &c->node);
    client->spare_count++;
}

static void deliver(struct call *c)
{
    struct belfry_http_answer answer = {
        .struct_size = sizeof(answer),
        .status = c->error ? 0 : c->status,
        .error = c->error,
        .truncated = c->truncated,
        .error_text = str_of(c->error_text),
        .body = buf_str(&c->response),
        .headers = c->answer_headers,
        .header_count = c->answer_header_count,
        .elapsed_us = c->elapsed_us,
    };
    void (*done)(void *, const struct belfry_http_answer *) = c->done;
    if (done)
        done(c->arg, &answer);
    call_recycle(c);
}

static void on_ready(uv_idle_t *idle)
{
    struct client *client = idle->data;
    struct list ready, *node;
    uv_idle_stop(idle);
    list_move(&ready, &client->ready);
    while ((node = list_pop_front(&ready)))
        deliver(LIST_OF(node, struct call, node));
}

static void end_call(struct call *c)
{
    list_remove(&c->node);
    if (c->added)
        curl_multi_remove_handle(c->client->multi, c->easy);
    c->added = 0;
    list_push_back(&c->client->ready, &c->node);
    uv_idle_start(&c->client->ready_turn, on_ready);
}

static uint32_t error_of(const struct call *c, CURLcode code)
{
    if (c->canceled)
        return BELFRY_HTTP_ERR_CANCELED;
    if (c->blocked)
        return BELFRY_HTTP_ERR_BLOCKED;
    switch (code) {
    case CURLE_OK:
        return BELFRY_HTTP_ERR_NONE;
    case CURLE_COULDNT_RESOLVE_HOST:
        return BELFRY_HTTP_ERR_DNS;
    case CURLE_COULDNT_CONNECT:
        return BELFRY_HTTP_ERR_REFUSED;
    case CURLE_OPERATION_TIMEDOUT:
        return BELFRY_HTTP_ERR_TIMEOUT;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
        return BELFRY_HTTP_ERR_RESET;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
        return BELFRY_HTTP_ERR_TLS;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return BELFRY_HTTP_ERR_URL;
    default:
        return BELFRY_HTTP_ERR_OTHER;
    }
}

static void take_results(struct client *client)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(client->multi, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        struct call *c = NULL;
        CURLcode code = message->data.result;
        curl_off_t total = 0;
        long status = 0;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&c);
        curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(c->easy, CURLINFO_TOTAL_TIME_T, &total);
        c->status = (uint32_t)status;
        c->elapsed_us = total;
        /* our own cut of a long body is no fault of the receiver: the status is known */
        c->error = c->truncated && code == CURLE_WRITE_ERROR && !c->blocked ? BELFRY_HTTP_ERR_NONE : error_of(c, code);
        if (c->blocked)
            snprintf(c->error_text, sizeof(c->error_text), "the address is private and not in allow_cidrs");
        else if (c->error && !c->error_text[0])
            snprintf(c->error_text, sizeof(c->error_text), "%s", curl_easy_strerror(code));
        end_call(c);
    }
}

/* --- curl and the loop
 * ------------------------------------------------------------------------------------------------------- */

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct socket_watch *w = poll->data;
    struct client *client = w->client;
    int flags = (events & UV_READABLE ? CURL_CSELECT_IN : 0) | (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0), running;
    if (status < 0)
        flags = CURL_CSELECT_ERR;
    curl_multi_socket_action(client->multi, w->fd, flags, &running);
    take_results(client);
}

static void on_watch_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    (void)easy;
    struct client *client = arg;
    struct socket_watch *w = socket_arg;
    if (what == CURL_POLL_REMOVE) {
        if (w) {
            curl_multi_assign(client->multi, fd, NULL);
            uv_poll_stop(&w->poll);
            uv_close((uv_handle_t *)&w->poll, on_watch_closed);
        }
        return 0;
    }
    if (!w) {
        w = xcalloc(1, sizeof(*w));
        w->client = client;
        w->fd = fd;
        uv_poll_init_socket(client->loop, &w->poll, fd);
        w->poll.data = w;
        curl_multi_assign(client->multi, fd, w);
    }
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    uv_poll_start(&w->poll, events, on_poll);
    return 0;
}

static void on_timeout(uv_timer_t *timer)
{
    struct client *client = timer->data;
    int running;
    curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    take_results(client);
}

static int on_timer(CURLM *multi, long timeout_ms, void *arg)
{
    (void)multi;
    struct client *client = arg;
    if (timeout_ms < 0)
        uv_timer_stop(&client->timer);
    else
        uv_timer_start(&client->timer, on_timeout, (uint64_t)timeout_ms, 0);
    return 0;
}

/* --- the guard
 * ------------------------------------------------------------------------------------------------------------------ */

static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    struct call *c = arg;
    const void *bytes = address->family == AF_INET
                            ? (const void *)&((struct sockaddr_in *)(void *)&address->addr)->sin_addr
                            : (const void *)&((struct sockaddr_in6 *)(void *)&address->addr)->sin6_addr;
    if (!client_address_allowed(address->family, bytes, c->allow)) {
        c->blocked = 1;
        return CURL_SOCKET_BAD;
    }
    c->blocked = 0; /* an earlier address of the name was refused, this one is fine */
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static int on_prerequest(void *arg, char *primary_ip, char *local_ip, int primary_port, int local_port)
{
    (void)local_ip;
    (void)primary_port;
    (void)local_port;
    struct call *c = arg;
    uint8_t address[16];
    char *zone = strchr(primary_ip, '%');
    if (zone)
        *zone = '\0';
    int family = strchr(primary_ip, ':') ? AF_INET6 : AF_INET;
    if (inet_pton(family, primary_ip, address) == 1 && client_address_allowed(family, address, c->allow))
        return CURL_PREREQFUNC_OK;
    c->blocked = 1;
    return CURL_PREREQFUNC_ABORT;
}

/* --- one call
 * --------------------------------------------------------------------------------------------------------------------
 */

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct call *c = arg;
    size_t len = size * count, room = c->max_response - c->response.len;
    buf_add(&c->response, data, len < room ? len : room);
    if (len <= room)
        return len;
    c->truncated = 1;
    return 0; /* ends the transfer: nobody makes us read a gigabyte */
}

static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
    struct call *c = arg;
    struct belfry_str value, line = str_slice(data, size * count), name = str_cut(line, ':', &value);
    if (str_has_prefix(line, STR("HTTP/"))) {
        c->answer_header_count = 0; /* of an interim answer */
        return line.len;
    }
    if (!value.ptr || c->answer_header_count == HEADERS_MAX || arena_used(c->arena) > 32 * 1024)
        return line.len;
    struct belfry_attr *h = &c->answer_headers[c->answer_header_count++];
    char *lower = arena_strndup(c->arena, name.ptr, name.len);
    for (char *p = lower; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p + 32);
    h->name = str_slice(lower, name.len);
    h->value = arena_str(c->arena, str_trim(value));
    return line.len;
}

static struct call *call_take(struct client *client)
{
    struct list *node = list_pop_front(&client->spare);
    if (node) {
        client->spare_count--;
        return LIST_OF(node, struct call, node);
    }
    struct call *c = xcalloc(1, sizeof(*c));
    list_init(&c->node);
    c->client = client;
    c->easy = curl_easy_init();
    c->arena = arena_new(2048);
    return c;
}

static int token_char(unsigned char ch)
{
    return (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
           (ch && strchr("!#$%&'*+-.^_`|~", ch));
}

/* RFC 9110 section 5.5: no CR, LF, NUL or other control characters in a value. */
static int header_valid(const struct belfry_attr *h)
{
    if (h->name.len == 0)
        return 0;
    for (size_t i = 0; i < h->name.len; i++)
        if (!token_char((unsigned char)h->name.ptr[i]))
            return 0;
    for (size_t i = 0; i < h->value.len; i++) {
        unsigned char ch = (unsigned char)h->value.ptr[i];
        if ((ch < 0x20 && ch != '\t') || ch == 0x7f)
            return 0;
    }
    return 1;
}

/* The same endpoints are called again and again: a URL that was right is remembered. */
static belfry_status check_url(struct client *client, const char *url, struct error *err)
{
    if (hash_get(client->urls, str_of(url)))
        return BELFRY_OK;
    CURLU *parsed = curl_url();
    char *scheme = NULL, *user = NULL;
    belfry_status status = BELFRY_OK;
    if (curl_url_set(parsed, CURLUPART_URL, url, 0) != CURLUE_OK ||
        curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
        status = error_set(err, BELFRY_EINVAL, NULL, "this is no absolute URL");
    else if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
        status = error_set(err, BELFRY_EINVAL, NULL, "only http and https are allowed, not %s", scheme);
    else if (curl_url_get(parsed, CURLUPART_USER, &user, 0) == CURLUE_OK)
        status = error_set(err, BELFRY_EINVAL, NULL, "a URL must not hold a user name or password");
    curl_free(scheme);
    curl_free(user);
    curl_url_cleanup(parsed);
    if (status != BELFRY_OK)
        return status;
    if (hash_count(client->urls) >= URLS_MAX) {
        hash_free(client->urls, NULL);
        client->urls = hash_new();
    }
    hash_set(client->urls, str_of(url), client);
    return BELFRY_OK;
}

static belfry_status set_headers(struct call *c, const struct belfry_http_call *call, struct error *err)
{
    c->headers = curl_slist_append(c->headers, "Expect:"); /* no 100-continue round trip */
    for (size_t i = 0; i < call->header_count; i++) {
        const struct belfry_attr *h = &call->headers[i];
        if (!header_valid(h))
            return error_set(err, BELFRY_EINVAL, NULL, "the header `%.*s` has a name or value that HTTP does not allow",
                             STR_ARG(h->name));
        char *line = h->value.len ? arena_printf(c->arena, "%.*s: %.*s", STR_ARG(h->name), STR_ARG(h->value))
                                  : arena_printf(c->arena, "%.*s;", STR_ARG(h->name));
        c->headers = curl_slist_append(c->headers, line);
    }
    return BELFRY_OK;
}

static void set_options(struct call *c, const struct belfry_http_call *call)
{
    CURL *e = c->easy;
    curl_easy_setopt(e, CURLOPT_PRIVATE, c);
    curl_easy_setopt(e, CURLOPT_URL, c->url.ptr);
    curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, call->method);
    if (strcmp(call->method, "HEAD") == 0)
        curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
    if (call->body.len || strcmp(call->method, "POST") == 0) {
        curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->request.len);
        curl_easy_setopt(e, CURLOPT_POSTFIELDS, c->request.ptr ? c->request.ptr : "");
    }
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, c->headers);
    curl_easy_setopt(e, CURLOPT_USERAGENT, "Belfry/1");
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR, "https");
    curl_easy_setopt(e, CURLOPT_PROXY, "");
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)(call->connect_timeout_ms ? call->connect_timeout_ms : 5000));
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)(call->timeout_ms ? call->timeout_ms : 30000));
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->error_text);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, c);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, c);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, c);
    curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_prerequest);
    curl_easy_setopt(e, CURLOPT_PREREQDATA, c);
}

belfry_status client_request(struct client *client, const struct belfry_http_call *call,
                             void (*done)(void *arg, const struct belfry_http_answer *answer), void *arg, uint64_t *id,
                             struct error *err)
{
    if (client->closing)
        return error_set(err, BELFRY_ECLOSED, NULL, "the client is closing");
    belfry_status status = check_url(client, call->url, err);
    if (status != BELFRY_OK)
        return status;
    struct call *c = call_take(client);
    status = set_headers(c, call, err);
    c->allow = status == BELFRY_OK ? client_cidrs_new(call->allow_cidrs, err) : NULL;
    if (!c->allow) {
        call_recycle(c);
        return BELFRY_EINVAL;
    }
    c->id = ++client->next_id;
    c->done = done;
    c->arg = arg;
    c->max_response = call->max_response ? call->max_response : RESPONSE_DEFAULT;
    buf_addz(&c->url, call->url);
    buf_adds(&c->request, call->body);
    set_options(c, call);
    list_push_back(&client->active, &c->node);
    c->added = 1;
    if (id)
        *id = c->id;
    curl_multi_add_handle(client->multi, c->easy);
    return BELFRY_OK;
}

void client_cancel(struct client *client, uint64_t id)
{
    LIST_EACH(it, &client->active)
    {
        struct call *c = LIST_OF(it, struct call, node);
        if (c->id != id)
            continue;
        c->canceled = 1;
        c->error = BELFRY_HTTP_ERR_CANCELED;
        snprintf(c->error_text, sizeof(c->error_text), "canceled");
        end_call(c);
        return;
    }
}

/* --- life
 * ---------------------------------------------------------------------------------------------------------------------------
 */

struct client *client_new(uv_loop_t *loop, long max_connections, struct error *err)
{
    static int global; /* curl_global_init counts, but must not run beside other threads' calls: the first client is
                          made before any exists */
    if (!global && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        error_set(err, BELFRY_EINTERNAL, NULL, "libcurl cannot be initialised");
        return NULL;
    }
    global = 1;
    struct client *client = xcalloc(1, sizeof(*client));
    client->loop = loop;
    list_init(&client->active);
    list_init(&client->ready);
    list_init(&client->spare);
    client->urls = hash_new();
    client->multi = curl_multi_init();
    uv_timer_init(loop, &client->timer);
    uv_idle_init(loop, &client->ready_turn);
    client->timer.data = client->ready_turn.data = client;
    long most = max_connections ? max_connections : CONNECTIONS_DEFAULT;
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, most);
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, most);
    return client;
}

static void on_closed(uv_handle_t *handle)
{
    struct client *client = handle->data;
    if (++client->closing == 3)
        free(client);
}

void client_free(struct client *client)
{
    if (!client)
        return;
    struct list *node;
    while (!list_empty(&client->active))
        client_cancel(client, LIST_OF(client->active.next, struct call, node)->id);
    client->closing = 1;
    uv_idle_stop(&client->ready_turn);
    while ((node = list_pop_front(&client->ready)))
        deliver(LIST_OF(node, struct call, node));
    while ((node = list_pop_front(&client->spare)))
        call_recycle(LIST_OF(node, struct call, node));
    curl_multi_cleanup(client->multi);
    hash_free(client->urls, NULL);
    uv_timer_stop(&client->timer);
    uv_close((uv_handle_t *)&client->timer, on_closed);
    uv_close((uv_handle_t *)&client->ready_turn, on_closed);
}
