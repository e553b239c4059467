/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server on a loopback port beside the ledger of ledger_fixture.h, and a client that speaks raw bytes on the same
 * loop, so that a test sees what really goes over the wire. Tokens: "crm-secret" (trigger:crm), "root-secret" (org *,
 * operator and all triggers), "read-secret" (read), "own-secret" (endpoints:own). JWTs of acme are signed with JWT_KEY.
 */
#ifndef TESTS_HTTP_FIXTURE_H
#define TESTS_HTTP_FIXTURE_H

#include "ledger_fixture.h"

#include "base/crypto.h"
#include "base/id.h"
#include "http/http.h"
#include "base/metrics.h"
#include "http/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#define JWT_KEY "0123456789abcdef0123456789abcdef"
#define CRM "Authorization: Bearer crm-secret\r\n"
#define READER "Authorization: Bearer read-secret\r\n"
#define ROOT "Authorization: Bearer root-secret\r\n"

struct web {
    struct bench *b;
    struct store_readers *readers;
    struct http *http;
    struct config *config;
    uint8_t secret[32];
    int port;
    int stopped;
};

static const char *const web_may_crm[] = {"crm"};
static const struct config_token web_tokens[] = {
    {.name = "crm-app", .org = "acme", .secret = "crm-secret", .secret_len = 10, .may_trigger = {web_may_crm, 1}},
    {.name = "root",
     .org = "*",
     .secret = "root-secret",
     .secret_len = 11,
     .may = CONFIG_MAY_OPERATOR | CONFIG_MAY_TRIGGER_ALL},
    {.name = "reader", .org = "acme", .secret = "read-secret", .secret_len = 11, .may = CONFIG_MAY_READ},
    {.name = "own", .org = "acme", .secret = "own-secret", .secret_len = 10, .may = CONFIG_MAY_ENDPOINTS_OWN}};
static const struct config_key web_keys[] = {{JWT_KEY, sizeof(JWT_KEY) - 1}};

/* Two orgs: acme with the people of the fixture, and other, which is empty. */
static inline void web_config(struct web *w)
{
    struct fixture *f = w->b->config;
    struct config *c = &f->config;
    struct config_org *orgs = arena_alloc(f->arena, 2 * sizeof(*orgs));
    orgs[0] = c->orgs[0];
    orgs[1] = (struct config_org){.name = "other"};
    c->orgs = orgs;
    c->org_count = 2;
    c->tokens = web_tokens;
    c->token_count = sizeof(web_tokens) / sizeof(web_tokens[0]);
    c->jwt = (struct config_jwt){.hs256 = web_keys, .hs256_count = 1};
    c->metrics_token = "metrics-secret";
    c->hub.public_url = "http://belfry.example";
    c->hub.limits.event_bytes = 512 << 10;
    c->hub.limits.request_bytes = 8 << 20;
    c->hub.limits.batch_events = 1000;
    c->hub.limits.connections = 1000;
    c->hub.limits.pending_bytes = 64 << 20;
    c->hub.limits.pending_triggers = 20000;
    w->config = c;
}

static inline void web_serve(struct web *w)
{
    struct error err = {0};
    struct http_settings set = {.loop = &w->b->loop,
                                .clock = w->b->clock,
                                .store = w->b->store,
                                .readers = w->readers,
                                .ledger = w->b->ledger,
                                .secret = w->secret};
    w->http = http_new(&set, &err);
    if (!w->http)
        fail_msg("http_new: %s", error_text(&err));
}

static inline void web_listen(struct web *w)
{
    struct error err = {0};
    char bound[128];
    if (http_listen(w->http, "127.0.0.1:0", NULL, NULL, bound, &err) != BELFRY_OK)
        fail_msg("http_listen: %s", error_text(&err));
    w->port = atoi(strrchr(bound, ':') + 1);
}

/* Not yet configured and listening: the caller may change w->config first. */
static inline struct web *web_new(const char *people)
{
    struct web *w = xcalloc(1, sizeof(*w));
    w->b = bench_new("[{\"name\":\"all\",\"deliver\":[\"inbox\"]}]", people);
    web_config(w);
    bench_start(w->b, NULL);
    w->readers = store_readers_new(w->b->store, &w->b->loop, 1);
    memset(w->secret, 7, sizeof(w->secret));
    web_serve(w);
    return w;
}

static inline struct web *web_open(const char *people)
{
    struct web *w = web_new(people);
    http_configure(w->http, w->config);
    web_listen(w);
    return w;
}

static inline void web_close(struct web *w)
{
    ledger_free(w->b->ledger);
    store_readers_free(w->readers);
    http_free(w->http);
    w->b->ledger = NULL;
    uv_run(&w->b->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w->b->loop), 0);
    store_close(w->b->store);
    bench_free(w->b);
    free(w);
}

/* --- the client --------------------------------------------------------------------------------------------------- */

struct talk {
    struct web *w;
    int fd, closed;
    struct buf in;
};

struct answer {
    int status; /* 0: the connection was closed without one */
    char *head, *body;
    size_t length;
};

static inline void web_turn(struct web *w)
{
    uv_run(&w->b->loop, UV_RUN_NOWAIT);
}

/* One of a loop that waits for the kernel or for another thread, which may not have had its turn yet. */
static inline void web_wait(struct web *w)
{
    web_turn(w);
    poll(NULL, 0, 1);
}

static inline struct talk *talk_to(struct web *w, const struct sockaddr *sa, socklen_t len)
{
    struct talk *t = xcalloc(1, sizeof(*t));
    t->w = w;
    t->fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(connect(t->fd, sa, len) == 0 || errno == EINPROGRESS);
    return t;
}

static inline struct talk *talk_open(struct web *w)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)w->port)};
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return talk_to(w, (struct sockaddr *)&sa, sizeof(sa));
}

static inline void talk_close(struct talk *t)
{
    close(t->fd);
    buf_free(&t->in);
    free(t);
}

/* Takes what has come; 1 when there was something. */
static inline int talk_read(struct talk *t)
{
    char *to = buf_reserve(&t->in, 65536);
    ssize_t n = recv(t->fd, to, 65536, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != ENOTCONN))
        t->closed = 1;
    if (n > 0) {
        t->in.len += (size_t)n;
        t->in.ptr[t->in.len] = '\0';
    }
    return n > 0;
}

/* One turn of both sides; waits a moment for the sockets. */
static inline void talk_pump(struct talk *t, short events)
{
    struct pollfd fd = {.fd = t->fd, .events = events};
    web_turn(t->w);
    poll(&fd, 1, 1);
    web_turn(t->w);
}

#define TALK_TURNS 20000

/* Sends all, or as much as the other side takes: returns the bytes that went out. */
static inline size_t talk_send(struct talk *t, const char *data, size_t len)
{
    size_t sent = 0;
    for (int i = 0; sent < len && i < TALK_TURNS; i++) {
        ssize_t n = send(t->fd, data + sent, len - sent, MSG_NOSIGNAL);
        if (n > 0)
            sent += (size_t)n;
        else if (n < 0 && errno != EAGAIN && errno != ENOTCONN)
            break;
        else
            talk_pump(t, POLLOUT);
        talk_read(t);
    }
    return sent;
}

static inline void talk_say(struct talk *t, const char *text)
{
    talk_send(t, text, strlen(text));
}

static inline const char *head_value(const char *head, const char *name)
{
    static char value[8192];
    size_t len = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, len) != 0 || line[len] != ':')
            continue;
        const char *from = line + len + 1 + strspn(line + len + 1, " ");
        snprintf(value, sizeof(value), "%.*s", (int)strcspn(from, "\r"), from);
        return value;
    }
    return NULL;
}

/* The length of the first whole answer in the buffer, 0 when it is not whole. bodiless: HEAD. */
static inline size_t talk_whole(const struct talk *t, int bodiless)
{
    const char *end = t->in.len ? strstr(t->in.ptr, "\r\n\r\n") : NULL;
    if (!end)
        return 0;
    size_t head = (size_t)(end - t->in.ptr) + 4;
    int status = atoi(t->in.ptr + 9);
    const char *length = head_value(t->in.ptr, "content-length"), *chunked = head_value(t->in.ptr, "transfer-encoding");
    if (bodiless || status == 204 || status == 304 || status / 100 == 1)
        return head;
    if (chunked) {
        const char *last = strstr(t->in.ptr + head - 2, "\r\n0\r\n\r\n");
        return last ? (size_t)(last - t->in.ptr) + 7 : 0;
    }
    size_t body = head_value(t->in.ptr, "content-length") ? (size_t)atol(head_value(t->in.ptr, "content-length")) : 0;
    (void)length;
    return t->in.len >= head + body ? head + body : 0;
}

static inline struct answer talk_answer_to(struct talk *t, int bodiless)
{
    struct answer a = {0};
    size_t whole = 0;
    for (int i = 0; !(whole = talk_whole(t, bodiless)) && !t->closed && i < TALK_TURNS; i++) {
        talk_pump(t, POLLIN);
        talk_read(t);
    }
    if (!whole)
        return a;
    const char *body = strstr(t->in.ptr, "\r\n\r\n") + 4;
    a.status = atoi(t->in.ptr + 9);
    a.head = xstrndup(t->in.ptr, (size_t)(body - t->in.ptr));
    a.length = whole - (size_t)(body - t->in.ptr);
    a.body = xstrndup(body, a.length);
    memmove(t->in.ptr, t->in.ptr + whole, t->in.len - whole + 1);
    t->in.len -= whole;
    return a;
}

static inline struct answer talk_answer(struct talk *t)
{
    return talk_answer_to(t, 0);
}

static inline void answer_free(struct answer *a)
{
    free(a->head);
    free(a->body);
    *a = (struct answer){0};
}

/* 1 once the server has closed the connection. */
static inline int talk_ended(struct talk *t)
{
    for (int i = 0; !t->closed && i < TALK_TURNS; i++) {
        talk_pump(t, POLLIN);
        talk_read(t);
    }
    return t->closed;
}

static inline void talk_ask(struct talk *t, const char *method, const char *target, const char *headers,
                            const char *body)
{
    struct buf text = {0};
    buf_addf(&text, "%s %s HTTP/1.1\r\nHost: belfry.example\r\n%s", method, target, headers ? headers : "");
    if (body)
        buf_addf(&text, "Content-Length: %zu\r\n", strlen(body));
    buf_addf(&text, "\r\n%s", body ? body : "");
    talk_send(t, text.ptr, text.len);
    buf_free(&text);
}

/* One request on a connection of its own. */
static inline struct answer ask(struct web *w, const char *method, const char *target, const char *headers,
                                const char *body)
{
    struct talk *t = talk_open(w);
    talk_ask(t, method, target, headers, body);
    struct answer a = talk_answer_to(t, strcmp(method, "HEAD") == 0);
    talk_close(t);
    return a;
}

static inline int ask_status(struct web *w, const char *method, const char *target, const char *headers,
                             const char *body)
{
    struct answer a = ask(w, method, target, headers, body);
    int status = a.status;
    answer_free(&a);
    return status;
}

/* --- JWTs --------------------------------------------------------------------------------------------------------- */

/* header and claims are JSON; key NULL: no signature. In a buffer of its own: eight of them in turn. */
static inline const char *jwt_with(const char *header, const char *claims, const char *key)
{
    static struct buf texts[8];
    static size_t turn;
    struct buf *text = &texts[turn++ % 8];
    uint8_t mac[32];
    buf_clear(text);
    base64_encode(header, strlen(header), 1, text);
    buf_addc(text, '.');
    base64_encode(claims, strlen(claims), 1, text);
    if (key)
        hmac_sha256(key, strlen(key), text->ptr, text->len, mac);
    buf_addc(text, '.');
    if (key)
        base64_encode(mac, sizeof(mac), 1, text);
    return text->ptr;
}

#define HS256 "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define HOUR 3600

/* {"sub","org","exp" an hour from START} and what `more` adds (",\"roles\":[...]"). */
static inline const char *jwt_of(const char *sub, const char *org, const char *more)
{
    char claims[4096];
    snprintf(claims, sizeof(claims), "{\"sub\":\"%s\",\"org\":\"%s\",\"exp\":%lld%s}", sub, org,
             (long long)(START / 1000 + HOUR), more ? more : "");
    return jwt_with(HS256, claims, JWT_KEY);
}

static inline const char *bearer_of(const char *token)
{
    static char headers[8][8300];
    static size_t turn;
    char *to = headers[turn++ % 8];
    snprintf(to, sizeof(headers[0]), "Authorization: Bearer %s\r\n", token);
    return to;
}

/* --- routes of a test --------------------------------------------------------------------------------------------- */

static inline void handle_echo(void *arg, struct http_request *req)
{
    (void)arg;
    json_t *doc = json_object();
    json_set_str(doc, "method", req->pub.method);
    json_set_str(doc, "path", req->pub.path);
    json_set_str(doc, "query", req->pub.query);
    json_set_str(doc, "org", req->pub.org);
    json_set_str(doc, "peer", req->pub.peer);
    json_set_str(doc, "locale", req->pub.locale);
    json_object_set_new(doc, "local", json_boolean(req->local));
    json_object_set_new(doc, "body", json_integer((json_int_t)req->pub.body.len));
    for (size_t i = 0; i < req->pub.param_count; i++) {
        char *name = arena_strndup(req->arena, req->pub.params[i].name.ptr, req->pub.params[i].name.len);
        json_set_str(doc, arena_printf(req->arena, "{%s}", name), req->pub.params[i].value);
    }
    if (req->pub.principal)
        json_set_str(doc, "who", req->pub.principal->name);
    if (req->pub.principal && req->pub.principal->roles.count)
        json_set_str(doc, "role", req->pub.principal->roles.items[0]);
    http_respond_json(req, 200, doc, NULL, 0);
}

static inline void web_route(struct web *w, const char *method, const char *pattern, const char *auth, int64_t limit,
                             void (*handle)(void *arg, struct http_request *req), void *arg)
{
    struct http_route route = {method, pattern, auth, limit, 0, handle, arg};
    struct error err = {0};
    if (http_routes_add(w->http, w, &route, 1, &err) != BELFRY_OK)
        fail_msg("route %s %s: %s", method, pattern, error_text(&err));
}

#endif
