/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other end of webhooks, from one thread: answers 200 to every POST at once, and notes when each trigger's number
 * came for the first time. It has as many loopback addresses as it is asked for, 127.0.0.1 and on, each a receiver of
 * its own; the first SICK of them are sick: a third never answers, a third answers 500, a third hangs up.
 * GET answers with what came so far, as JSON.
 *
 *   sink PORT IDS [TIMES [RECEIVERS [SICK]]]
 *
 * With more receivers than one, a number counts once for each of them.
 */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum { WELL, HANGS, FAILS, RESETS };

struct peer {
    int fd, listens, health;
    uint64_t receiver;
    char *in;
    size_t len, cap;
};

static int epoll;
static uint64_t posts, distinct, ids, last_ns, receivers = 1, sick;
static unsigned char *seen;
static struct times *times;

static void note(const struct peer *p, const char *message, size_t len)
{
    const char *word = memmem(message, len, ID_WORD, sizeof(ID_WORD) - 1);
    if (p->health != WELL)
        return;
    posts++;
    last_ns = bench_ns();
    if (!word || (size_t)(message + len - word) < sizeof(ID_WORD) - 1 + ID_DIGITS)
        return;
    uint64_t id = strtoull(word + sizeof(ID_WORD) - 1, NULL, 10);
    if (id >= ids || seen[id * receivers + p->receiver])
        return;
    seen[id * receivers + p->receiver] = 1;
    distinct++;
    if (times && !times[id].arrived)
        times[id].arrived = last_ns;
}

/* A reset, not an end: nothing lingers. */
static void drop(struct peer *p)
{
    struct linger at_once = {.l_onoff = p->health == RESETS};
    setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(p->fd);
    free(p->in);
    free(p);
}

/* 0: the peer is gone. */
static int answer(struct peer *p, const char *message, size_t len)
{
    char out[256], body[128];
    int body_len = sprintf(body, "ok"), post = message[0] == 'P';
    if (post)
        note(p, message, len);
    if (post && p->health == HANGS)
        return 1;
    if (post && p->health == RESETS) {
        drop(p);
        return 0;
    }
    if (!post)
        body_len = sprintf(body, "{\"posts\":%llu,\"distinct\":%llu,\"last_ns\":%llu}", (unsigned long long)posts,
                           (unsigned long long)distinct, (unsigned long long)last_ns);
    const char *status = post && p->health == FAILS ? "500 Internal Server Error" : "200 OK";
    int n = sprintf(out, "HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s", status, body_len, body);
    if (send(p->fd, out, (size_t)n, MSG_NOSIGNAL) != n && errno != EPIPE && errno != ECONNRESET)
        bench_die("send");
    return 1;
}

static void pull(struct peer *p)
{
    ssize_t n = recv(p->fd, p->in + p->len, p->cap - p->len - 1, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        drop(p);
        return;
    }
    size_t used = 0, len;
    p->len += (size_t)n;
    p->in[p->len] = '\0';
    while ((len = message_length(p->in + used, p->len - used, 0))) {
        if (!answer(p, p->in + used, len))
            return;
        used += len;
    }
    memmove(p->in, p->in + used, p->len - used);
    p->len -= used;
    if (p->len + 1 >= p->cap && !(p->in = realloc(p->in, p->cap *= 2)))
        bench_die("memory");
}

static void watch(struct peer *p)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = p};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, p->fd, &ev) != 0)
        bench_die("epoll");
}

static void welcome(const struct peer *listener)
{
    int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
    if (fd < 0)
        return;
    struct peer *p = bench_alloc(1, sizeof(*p));
    *p = (struct peer){.fd = fd, .health = listener->health, .receiver = listener->receiver, .cap = 4096};
    p->in = bench_alloc(p->cap, 1);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    watch(p);
}

static void listen_as(uint64_t receiver, int port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct peer *p = bench_alloc(1, sizeof(*p));
    int on = 1;
    *p = (struct peer){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
                       .listens = 1,
                       .receiver = receiver,
                       .health = receiver < sick ? 1 + (int)(receiver % 3) : WELL};
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)receiver);
    setsockopt(p->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(p->fd, (struct sockaddr *)&sa, sizeof(sa)) != 0 || listen(p->fd, 1024) != 0)
        bench_die("bind");
    watch(p);
}

/* As many files as it may have: each receiver is one, and so is each connection. */
static void more_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: sink PORT IDS [TIMES [RECEIVERS [SICK]]]\n");
        return 2;
    }
    ids = strtoull(argv[2], NULL, 10);
    receivers = argc > 4 ? strtoull(argv[4], NULL, 10) : 1;
    sick = argc > 5 ? strtoull(argv[5], NULL, 10) : 0;
    seen = bench_alloc(ids * receivers, 1);
    times = argc > 3 && *argv[3] ? times_map(argv[3], ids) : NULL;
    more_files();
    epoll = epoll_create1(EPOLL_CLOEXEC);
    for (uint64_t i = 0; i < receivers; i++)
        listen_as(i, atoi(argv[1]));
    struct epoll_event events[256];
    for (;;) {
        int n = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < n; i++) {
            struct peer *p = events[i].data.ptr;
            if (p->listens)
                welcome(p);
            else
                pull(p);
        }
    }
}
