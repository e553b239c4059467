/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outbound HTTP: one call from its options to its answer, and the guard.
 *
 * The guard judges the very address that is used: CURLOPT_OPENSOCKETFUNCTION sees it before a connect, and
 * CURLOPT_PREREQFUNCTION before each request, also on a connection that is re-used after the policy changed. Names are
 * not pinned, so there is no window between a check and a connect for DNS to change in.
 *
 * Handles are kept and reset after use.
 *
 * libcurl walks over all connections of a multi handle whenever a transfer ends, which cost more than the transfer with
 * a few thousand of them. So hosts are spread over HTTP_POOLS handles, each with its share of the connections that are
 * kept, and more as long as there are any.
 */
#include "base/mem.h"
#include "client/internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define SPARE_MAX 64
#define RESPONSE_DEFAULT (64 * 1024)
#define TIMEOUT_DEFAULT_MS 30000
#define REQUEST_KEPT (64 * 1024) /* memory of a larger body is not kept with the handle */
#define URLS_MAX 20000
#define ANSWER_HEADERS_MAX (64 * 1024) /* bytes, interim answers and trailers included */
#define CONNECTION_LIFE_S 300L         /* then a name is looked up, and a certificate verified, once more */
#define CONNECTION_IDLE_S 60L

/* --- calls -------------------------------------------------------------------------------------------------------- */

static void call_recycle(struct call *c)
{
    struct client *client = c->client;
    curl_slist_free_all(c->headers);
    client_cidrs_free(c->allow);
    mem_wipe(c->request.ptr, c->request.len);
    if (client->spare_count >= SPARE_MAX || client->closing || c->response.cap > RESPONSE_DEFAULT ||
        c->request.cap > REQUEST_KEPT) {
        curl_easy_cleanup(c->transfer.easy);
        arena_free(c->arena);
        buf_free(&c->url);
        buf_free(&c->request);
        buf_free(&c->response);
        free(c);
        return;
    }
    arena_reset(c->arena);
    curl_easy_reset(c->transfer.easy);
    struct call clean = {.client = client,
                         .transfer = c->transfer,
                         .arena = c->arena,
                         .url = c->url,
                         .request = c->request,
                         .response = c->response};
    *c = clean;
    transfer_init(&c->transfer, &client->http[0], c->transfer.easy);
    buf_clear(&c->url);
    buf_clear(&c->request);
    buf_clear(&c->response);
    list_push_front(&client->spare, &c->node);
    client->spare_count++;
}

static void deliver(struct ending *ending)
{
    struct call *c = LIST_OF(ending, struct call, ending);
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

/* Takes the call away from curl; it is called back on a later turn. */
static void end(struct call *c)
{
    list_remove(&c->node);
    transfer_stop(&c->transfer);
    engine_end(&c->client->engine, &c->ending, deliver);
}

/* --- the guard ---------------------------------------------------------------------------------------------------- */

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
    c->opened = 1;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Connected, handshake done, nothing sent yet; also on a connection that is used again. */
static int on_prerequest(void *arg, char *primary_ip, char *local_ip, int primary_port, int local_port)
{
    (void)local_ip;
    (void)primary_port;
    (void)local_port;
    struct call *c = arg;
    uint8_t address[16];
    char text[INET6_ADDRSTRLEN];
    int family = strchr(primary_ip, ':') ? AF_INET6 : AF_INET;
    snprintf(text, sizeof(text), "%.*s", (int)strcspn(primary_ip, "%"), primary_ip); /* without a zone */
    transfer_shaken(&c->transfer);
    if (inet_pton(family, text, address) == 1 && client_address_allowed(family, address, c->allow))
        return CURL_PREREQFUNC_OK;
    c->refused = 1;
    return CURL_PREREQFUNC_ABORT;
}

/* --- results ------------------------------------------------------------------------------------------------------ */

static uint32_t error_of(const struct call *c, CURLcode code)
{
    if (code ==
        CURLE_OK) /* to libcurl, a connection that is closed behind the status has answered (RFC 9112 section 8) */
        return c->head_over ? BELFRY_HTTP_ERR_NONE : BELFRY_HTTP_ERR_RESET;
    if (code == CURLE_WRITE_ERROR && c->truncated) /* our own cut of a long body is no fault of the receiver */
        return BELFRY_HTTP_ERR_NONE;
    if (c->refused || (c->blocked && !c->opened)) /* of several addresses one that may be used decides */
        return BELFRY_HTTP_ERR_BLOCKED;
    switch (code) {
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
        return BELFRY_HTTP_ERR_URL;
    default: /* CURLE_UNSUPPORTED_PROTOCOL too: the scheme was checked, so it is the answer that is no HTTP */
        return BELFRY_HTTP_ERR_OTHER;
    }
}

/* A connection that was made for this call and stays open. */
static void keep_connection(struct call *c)
{
    curl_socket_t fd;
    if (c->opened && curl_easy_getinfo(c->transfer.easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK &&
        fd != CURL_SOCKET_BAD)
        sockets_keep(c->transfer.pool, fd, c->transfer.host);
}

static void on_over(struct transfer *t, CURLcode code)
{
    struct call *c = LIST_OF(t, struct call, transfer);
    curl_off_t total = 0;
    long status = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(t->easy, CURLINFO_TOTAL_TIME_T, &total);
    c->status = (uint32_t)status;
    c->elapsed_us = total;
    c->error = error_of(c, code);
    keep_connection(c);
    if (c->error == BELFRY_HTTP_ERR_NONE)
        c->error_text[0] = '\0';
    else if (c->error == BELFRY_HTTP_ERR_BLOCKED)
        snprintf(c->error_text, sizeof(c->error_text), "the address is private and not in allow_cidrs");
    else if (c->long_headers)
        snprintf(c->error_text, sizeof(c->error_text), "the headers of the answer are longer than %d bytes",
                 ANSWER_HEADERS_MAX);
    else if (!t->added)
        snprintf(c->error_text, sizeof(c->error_text), "its time was over before it was its turn to shake hands");
    else if (code == CURLE_OK)
        snprintf(c->error_text, sizeof(c->error_text), "the connection was closed in the head of the answer");
    else if (!c->error_text[0])
        snprintf(c->error_text, sizeof(c->error_text), "%s", curl_easy_strerror(code));
    end(c);
}

/* --- one call ----------------------------------------------------------------------------------------------------- */

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
    c->header_bytes += line.len;
    if (c->header_bytes > ANSWER_HEADERS_MAX) {
        c->long_headers = 1;
        return 0;
    }
    if (str_has_prefix(line, STR("HTTP/"))) {
        c->answer_header_count = 0; /* of an interim answer */
        c->head_over = 0;
        return line.len;
    }
    if (c->head_over) /* a trailer is no header (RFC 9110 section 6.5.1) */
        return line.len;
    /* A line of blanks goes on with the one before it (RFC 9112 section 5.2). */
    c->head_over = line.len > 0 && (line.ptr[0] == '\r' || line.ptr[0] == '\n');
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
    transfer_init(&c->transfer, &client->http[0], curl_easy_init());
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

/* How a message is framed, and who it is for, is not for those to say who bring headers along: a second length, or a
 * name of its own beside the address that was judged, is how requests are smuggled. */
static int header_is_ours(struct belfry_str name)
{
    static const char *const ours[] = {
        "host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "te", "trailer", "expect",
        NULL};
    for (size_t i = 0; ours[i]; i++)
        if (strlen(ours[i]) == name.len && strncasecmp(ours[i], name.ptr, name.len) == 0)
            return 1;
    return name.len >= 6 && strncasecmp(name.ptr, "proxy-", 6) == 0;
}

/* The same endpoints are called again and again: a URL that was right is remembered. */
static belfry_status check_url(struct client *client, const char *url, struct error *err)
{
    if (hash_get(client->urls, str_of(url)))
        return BELFRY_OK;
    CURLU *parsed = curl_url();
    char *scheme = NULL, *user = NULL, *password = NULL;
    belfry_status status = BELFRY_OK;
    if (curl_url_set(parsed, CURLUPART_URL, url, 0) != CURLUE_OK ||
        curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
        status = error_set(err, BELFRY_EINVAL, NULL, "this is no absolute URL");
    else if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
        status = error_set(err, BELFRY_EINVAL, NULL, "only http and https are allowed, not %s", scheme);
    else if (curl_url_get(parsed, CURLUPART_USER, &user, 0) == CURLUE_OK ||
             curl_url_get(parsed, CURLUPART_PASSWORD, &password, 0) == CURLUE_OK)
        status = error_set(err, BELFRY_EINVAL, NULL, "a URL must not hold a user name or password");
    curl_free(scheme);
    curl_free(user);
    curl_free(password);
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

/* "name: value" as curl wants it; "name;" for an empty value. */
static const char *header_line(struct arena *arena, const struct belfry_attr *h)
{
    size_t n = h->name.len;
    char *line = arena_alloc(arena, n + 2 + h->value.len + 1);
    memcpy(line, h->name.ptr, n);
    memcpy(line + n, h->value.len ? ": " : ";", h->value.len ? 2 : 1);
    if (h->value.len)
        memcpy(line + n + 2, h->value.ptr, h->value.len);
    return line;
}

static belfry_status set_headers(struct call *c, const struct belfry_http_call *call, struct error *err)
{
    int typed = 0;
    c->headers = curl_slist_append(c->headers, "Expect:"); /* no 100-continue round trip */
    for (size_t i = 0; i < call->header_count; i++) {
        const struct belfry_attr *h = &call->headers[i];
        if (!header_valid(h))
            return error_set(err, BELFRY_EINVAL, NULL, "the header `%.*s` has a name or value that HTTP does not allow",
                             STR_ARG(h->name));
        if (header_is_ours(h->name))
            return error_set(err, BELFRY_EINVAL, NULL, "the header `%.*s` is the client's own", STR_ARG(h->name));
        c->headers = curl_slist_append(c->headers, header_line(c->arena, h));
        typed |= h->name.len == 12 && strncasecmp(h->name.ptr, "content-type", 12) == 0;
    }
    if (!typed) /* curl would call every body a form */
        c->headers = curl_slist_append(c->headers, "Content-Type:");
    return BELFRY_OK;
}

static void set_options(struct call *c, const struct belfry_http_call *call)
{
    CURL *e = c->transfer.easy;
    curl_easy_setopt(e, CURLOPT_PRIVATE, &c->transfer);
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
    curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L); /* else the loop waits for getaddrinfo() when a call's time is over */
    curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    /* with a directory of certificates libcurl parses the whole bundle again for each connection (40 ms on the loop);
     * with the bundle alone it keeps what it has parsed */
    curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
    if (c->client->ca_file)
        curl_easy_setopt(e, CURLOPT_CAINFO, c->client->ca_file);
    curl_easy_setopt(e, CURLOPT_MAXLIFETIME_CONN, CONNECTION_LIFE_S);
    curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, CONNECTION_IDLE_S);
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)(call->connect_timeout_ms ? call->connect_timeout_ms : 5000));
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->error_text);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, c);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, c);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, c);
    curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, sockets_on_close);
    curl_easy_setopt(e, CURLOPT_CLOSESOCKETDATA, &c->client->engine); /* the connection outlives the call */
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
    c->transfer.secure = strncasecmp(call->url, "https:", 6) == 0;
    c->transfer.pool = &client->http[host_hash(call->url) % HTTP_POOLS];
    c->transfer.host = c->transfer.secure ? host_ref(&client->engine.hosts, call->url) : NULL;
    c->transfer.until_ms =
        uv_now(client->engine.loop) + (uint64_t)(call->timeout_ms ? call->timeout_ms : TIMEOUT_DEFAULT_MS);
    c->transfer.over = on_over;
    if (id)
        *id = c->id;
    list_push_back(&client->calls, &c->node);
    transfer_start(&c->transfer);
    return BELFRY_OK;
}

static void cancel(struct call *c)
{
    c->error = BELFRY_HTTP_ERR_CANCELED;
    snprintf(c->error_text, sizeof(c->error_text), "canceled");
    end(c);
}

void client_cancel(struct client *client, uint64_t id)
{
    LIST_EACH(it, &client->calls)
    {
        struct call *c = LIST_OF(it, struct call, node);
        if (c->id != id)
            continue;
        cancel(c);
        return;
    }
}

void http_calls_stop(struct client *client)
{
    while (!list_empty(&client->calls))
        cancel(LIST_OF(client->calls.next, struct call, node));
}

void http_calls_fini(struct client *client)
{
    struct list *node;
    while ((node = list_pop_front(&client->spare)))
        call_recycle(LIST_OF(node, struct call, node));
    for (size_t i = 0; i < HTTP_POOLS; i++)
        engine_pool_fini(&client->http[i]);
    hash_free(client->urls, NULL);
}
