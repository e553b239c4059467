/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other end of webhooks: answers 200 to every POST at once, from one thread, and notes when each trigger's number
 * came for the first time. GET answers with what came so far, as JSON.
 *
 *   sink PORT IDS [TIMES]
 */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

struct peer {
    int fd;
    char *in;
    size_t len, cap;
};

static int epoll;
static uint64_t posts, distinct, ids, last_ns;
static unsigned char *seen;
static struct times *times;

static void note(const char *message, size_t len)
{
    const char *word = memmem(message, len, ID_WORD, sizeof(ID_WORD) - 1);
    posts++;
    last_ns = bench_ns();
    if (!word || (size_t)(message + len - word) < sizeof(ID_WORD) - 1 + ID_DIGITS)
        return;
    uint64_t id = strtoull(word + sizeof(ID_WORD) - 1, NULL, 10);
    if (id >= ids || seen[id])
        return;
    seen[id] = 1;
    distinct++;
    if (times)
        times[id].arrived = last_ns;
}

static void answer(struct peer *p, size_t len)
{
    char out[256], body[128];
    int body_len = sprintf(body, "ok");
    if (p->in[0] == 'P')
        note(p->in, len);
    else
        body_len = sprintf(body, "{\"posts\":%llu,\"distinct\":%llu,\"last_ns\":%llu}", (unsigned long long)posts,
                           (unsigned long long)distinct, (unsigned long long)last_ns);
    int n = sprintf(out, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", body_len, body);
    if (send(p->fd, out, (size_t)n, MSG_NOSIGNAL) != n && errno != EPIPE && errno != ECONNRESET)
        bench_die("send");
}

static void drop(struct peer *p)
{
    close(p->fd);
    free(p->in);
    free(p);
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
        answer(p, len);
        used += len;
    }
    memmove(p->in, p->in + used, p->len - used);
    p->len -= used;
    if (p->len + 1 >= p->cap && !(p->in = realloc(p->in, p->cap *= 2)))
        bench_die("memory");
}

static void welcome(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
    if (fd < 0)
        return;
    struct peer *p = bench_alloc(1, sizeof(*p));
    p->fd = fd;
    p->cap = 16384;
    p->in = bench_alloc(p->cap, 1);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = p};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: sink PORT IDS [TIMES]\n");
        return 2;
    }
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
    int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(listener, (struct sockaddr *)&sa, sizeof(sa)) != 0 || listen(listener, 1024) != 0)
        bench_die("bind");
    ids = strtoull(argv[2], NULL, 10);
    seen = bench_alloc(ids, 1);
    times = argc > 3 ? times_map(argv[3], ids) : NULL;
    epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[256], ev = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &ev);
    for (;;) {
        int n = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr)
                pull(events[i].data.ptr);
            else
                welcome(listener);
        }
    }
}
