/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes load over HTTP: keep-alive connections, one request under way on each, from one thread. A request is one buffer
 * that was built before; only the numbers of its triggers are written into it. Either as fast as answers come, or at a
 * rate that does not wait for answers: then latency counts from the moment a request was due, so that a server that
 * stalls is not flattered.
 *
 *   load --port N --count N [--connections 64] [--rate N] [--first N] [--batch N] [--people 1000] [--expect 202]
 *        [--times FILE] [--header LINE]... [--body FILE] METHOD PATH
 *
 * In the body ten `#` stand for the number of the trigger and four `%` for that of a person. With --batch the body is
 * repeated in a JSON array. Prints one line of JSON.
 */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define MARKS_MAX 4096

struct conn {
    int fd;
    char *out;
    size_t out_len, out_at;
    char *in;
    size_t in_len, in_cap;
    uint64_t number, since; /* of the request under way */
    int busy;
};

struct mark {
    size_t at;
    uint32_t item;
    int who;
};

static struct {
    int port, connections, batch, people, expect;
    uint64_t count, rate, first;
    const char *method, *path, *body, *times;
    char headers[8192];
} set = {.connections = 64, .batch = 1, .people = 1000, .expect = 202};

static struct mark marks[MARKS_MAX];
static size_t mark_count;
static char *request;
static size_t request_len;
static struct conn *conns;
static int epoll;
static uint64_t next_request, answered, expected, start;
static uint32_t *took_us;
static struct times *times;
static int told;

/* --- the request
 * ------------------------------------------------------------------------------------------------------- */

static void mark_add(size_t at, uint32_t item, int who)
{
    if (mark_count == MARKS_MAX) {
        fprintf(stderr, "load: too many marks in a request\n");
        exit(1);
    }
    marks[mark_count++] = (struct mark){at, item, who};
}

static void find_marks(const char *item, size_t len, size_t base, uint32_t number)
{
    for (const char *at = item; (at = memmem(at, len - (size_t)(at - item), ID_MARK, ID_DIGITS)); at += ID_DIGITS)
        mark_add(base + (size_t)(at - item), number, 0);
    for (const char *at = item; (at = memmem(at, len - (size_t)(at - item), WHO_MARK, WHO_DIGITS)); at += WHO_DIGITS)
        mark_add(base + (size_t)(at - item), number, 1);
}

static void build_request(void)
{
    size_t item_len = 0, body_len;
    char *item = set.body ? bench_read(set.body, &item_len) : NULL;
    int array = set.batch > 1;
    while (item_len && item[item_len - 1] == '\n')
        item_len--;
    body_len = array ? (item_len + 1) * (size_t)set.batch + 1 : item_len;
    request = bench_alloc(body_len + sizeof(set.headers) + 512, 1);
    int head =
        sprintf(request, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%s", set.method, set.path, set.port, set.headers);
    head += item ? sprintf(request + head, "Content-Length: %zu\r\n\r\n", body_len) : sprintf(request + head, "\r\n");
    request_len = (size_t)head;
    for (uint32_t i = 0; item && i < (uint32_t)set.batch; i++) {
        if (array)
            request[request_len++] = i ? ',' : '[';
        find_marks(item, item_len, request_len, i);
        memcpy(request + request_len, item, item_len);
        request_len += item_len;
    }
    if (array)
        request[request_len++] = ']';
    free(item);
}

/* --- connections
 * ------------------------------------------------------------------------------------------------------- */

static void conn_open(struct conn *c)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)set.port)};
    int on = 1;
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&sa, sizeof(sa)) != 0)
        bench_die("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    fcntl(c->fd, F_SETFL, fcntl(c->fd, F_GETFL) | O_NONBLOCK);
    c->out = bench_alloc(request_len, 1);
    memcpy(c->out, request, request_len);
    c->out_len = request_len;
    c->in_cap = 16384;
    c->in = bench_alloc(c->in_cap, 1);
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &ev);
}

static void push(struct conn *c)
{
    while (c->out_at < c->out_len) {
        ssize_t n = send(c->fd, c->out + c->out_at, c->out_len - c->out_at, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            bench_die("send");
        if (n < 0)
            break;
        c->out_at += (size_t)n;
    }
    struct epoll_event ev = {.events = EPOLLIN | (c->out_at < c->out_len ? EPOLLOUT : 0), .data.ptr = c};
    static __thread int partial;
    if (c->out_at < c->out_len || partial) { /* rare: a request larger than the socket's buffer */
        partial = 1;
        epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &ev);
    }
}

/* Scattered: neighbours in time are not neighbours in an index. */
static uint64_t person_of(uint64_t n)
{
    return (n * UINT64_C(0x9e3779b97f4a7c15) >> 33) % (uint64_t)set.people;
}

static void send_next(struct conn *c, uint64_t since)
{
    c->number = next_request++;
    uint64_t id = set.first + c->number * (uint64_t)set.batch;
    for (size_t i = 0; i < mark_count; i++) {
        uint64_t n = id + marks[i].item;
        if (marks[i].who)
            put_number(c->out + marks[i].at, person_of(n), WHO_DIGITS);
        else
            put_number(c->out + marks[i].at, n, ID_DIGITS);
    }
    c->busy = 1;
    c->out_at = 0;
    c->since = since;
    if (times)
        times[id].sent = since;
    push(c);
}

static void take_answer(struct conn *c, int status)
{
    uint64_t now = bench_ns();
    took_us[c->number] = (uint32_t)((now - c->since) / 1000);
    c->busy = 0;
    answered++;
    if (status == set.expect)
        expected++;
    else if (!told++)
        fprintf(stderr, "load: %.*s\n", (int)c->in_len, c->in);
    if (times)
        times[set.first + c->number * (uint64_t)set.batch].accepted = now;
}

static void pull(struct conn *c)
{
    ssize_t n = recv(c->fd, c->in + c->in_len, c->in_cap - c->in_len, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        fprintf(stderr, "load: the server closed a connection\n");
        exit(1);
    }
    c->in_len += (size_t)n;
    if (c->in_len == c->in_cap && !(c->in = realloc(c->in, c->in_cap *= 2)))
        bench_die("memory");
    int status = c->in_len > 12 ? atoi(c->in + 9) : 0;
    size_t len = message_length(c->in, c->in_len, status == 304 || status == 204);
    if (!len)
        return;
    take_answer(c, status);
    memmove(c->in, c->in + len, c->in_len - len);
    c->in_len -= len;
    if (!set.rate && next_request < set.count)
        send_next(c, bench_ns());
}

/* --- the run
 * ------------------------------------------------------------------------------------------------------------ */

static uint64_t due_at(uint64_t number)
{
    return start + number * 1000000000u / set.rate;
}

/* Sends what is due on connections that are free; how long to sleep at most. */
static struct timespec send_due(void)
{
    static int at;
    uint64_t now = bench_ns();
    for (int tried = 0; next_request < set.count && due_at(next_request) <= now && tried < set.connections; tried++) {
        at = (at + 1) % set.connections;
        if (!conns[at].busy) {
            send_next(&conns[at], due_at(next_request));
            tried = 0;
        }
    }
    uint64_t wait = 100000000;
    if (next_request < set.count)
        wait = due_at(next_request) > now ? due_at(next_request) - now : 50000;
    return (struct timespec){.tv_sec = 0, .tv_nsec = (long)(wait > 100000000 ? 100000000 : wait)};
}

static void run(void)
{
    struct epoll_event events[256];
    start = bench_ns();
    for (int i = 0; !set.rate && i < set.connections && next_request < set.count; i++)
        send_next(&conns[i], bench_ns());
    while (answered < set.count) {
        struct timespec wait = set.rate ? send_due() : (struct timespec){.tv_sec = 30};
        int n = epoll_pwait2(epoll, events, 256, &wait, NULL);
        if (n == 0 && bench_ns() - start > 600000000000u) {
            fprintf(stderr, "load: no answers\n");
            exit(1);
        }
        for (int i = 0; i < n; i++) {
            struct conn *c = events[i].data.ptr;
            if (events[i].events & EPOLLOUT)
                push(c);
            if (events[i].events & ~(uint32_t)EPOLLOUT)
                pull(c);
        }
    }
}

static void print(double seconds)
{
    qsort(took_us, set.count, sizeof(*took_us), by_size);
    printf("{\"requests\":%llu,\"expected\":%llu,\"seconds\":%.4f,\"rate\":%.1f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,"
           "\"max_ms\":%.3f}\n",
           (unsigned long long)answered, (unsigned long long)expected, seconds, (double)expected * set.batch / seconds,
           took_us[set.count / 2] / 1e3, took_us[set.count * 99 / 100] / 1e3, took_us[set.count - 1] / 1e3);
}

static void options(int argc, char **argv)
{
    static const struct option longs[] = {
        {"port", 1, NULL, 'p'},   {"count", 1, NULL, 'n'}, {"connections", 1, NULL, 'c'}, {"rate", 1, NULL, 'r'},
        {"first", 1, NULL, 'f'},  {"batch", 1, NULL, 'b'}, {"people", 1, NULL, 'w'},      {"expect", 1, NULL, 'e'},
        {"header", 1, NULL, 'H'}, {"body", 1, NULL, 'd'},  {"times", 1, NULL, 't'},       {NULL, 0, NULL, 0}};
    int opt;
    while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (opt) {
        case 'p':
            set.port = atoi(optarg);
            break;
        case 'n':
            set.count = strtoull(optarg, NULL, 10);
            break;
        case 'c':
            set.connections = atoi(optarg);
            break;
        case 'r':
            set.rate = strtoull(optarg, NULL, 10);
            break;
        case 'f':
            set.first = strtoull(optarg, NULL, 10);
            break;
        case 'b':
            set.batch = atoi(optarg);
            break;
        case 'w':
            set.people = atoi(optarg);
            break;
        case 'e':
            set.expect = atoi(optarg);
            break;
        case 'd':
            set.body = optarg;
            break;
        case 't':
            set.times = optarg;
            break;
        case 'H':
            if (strlen(set.headers) + strlen(optarg) + 3 > sizeof(set.headers))
                exit(2);
            strcat(strcat(set.headers, optarg), "\r\n");
            break;
        default:
            exit(2);
        }
    }
    if (argc - optind != 2 || !set.port || !set.count || set.batch < 1 || set.people < 1 || set.connections < 1) {
        fprintf(stderr, "usage: load --port N --count N [OPTION...] METHOD PATH\n");
        exit(2);
    }
    set.method = argv[optind];
    set.path = argv[optind + 1];
}

int main(int argc, char **argv)
{
    options(argc, argv);
    build_request();
    epoll = epoll_create1(EPOLL_CLOEXEC);
    took_us = bench_alloc(set.count, sizeof(*took_us));
    if (set.times)
        times = times_map(set.times, set.first + set.count * (uint64_t)set.batch);
    conns = bench_alloc((size_t)set.connections, sizeof(*conns));
    for (int i = 0; i < set.connections; i++)
        conn_open(&conns[i]);
    run();
    print((double)(bench_ns() - start) / 1e9);
    return expected == set.count ? 0 : 1;
}
