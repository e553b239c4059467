/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens streams of server-sent events and says when hints come: streams PORT TOKENS PER_PERSON. TOKENS is a file of
 * JWTs, one a line; each opens so many streams. When all are open and have had their first hint, a line of JSON. Then a
 * word a line on standard input: "mark" forgets what came, "wait N" answers when N hints have come since the mark. It
 * ends with the input.
 */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define OPENING 128 /* connections under way at once */
static const char hint[] = "event: rev\n";

struct stream {
    int fd;
    size_t matched; /* of the hint, across reads */
    uint64_t hints;
};

static struct stream *streams;
static size_t stream_count, begun, ready;
static uint64_t hints, first_ns, last_ns;
static char **tokens;
static size_t token_count, per_person;
static int poll_fd, port;

static void read_tokens(const char *path)
{
    char *line = NULL;
    size_t cap = 0;
    FILE *file = fopen(path, "r");
    if (!file)
        bench_die(path);
    for (ssize_t len; (len = getline(&line, &cap, file)) > 1;) {
        line[len - 1] = '\0';
        tokens = realloc(tokens, (token_count + 1) * sizeof(*tokens));
        tokens[token_count++] = strdup(line);
    }
    free(line);
    fclose(file);
}

static void open_one(void)
{
    struct stream *s = &streams[begun];
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    char request[2048];
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->fd < 0 || connect(s->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        bench_die("connect");
    int len = snprintf(request, sizeof(request),
                       "GET /v1/acme/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n\r\n",
                       tokens[begun / per_person]);
    if (write(s->fd, request, (size_t)len) != len)
        bench_die("write");
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = begun++};
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, s->fd, &event) != 0)
        bench_die("epoll_ctl");
}

static void on_hint(struct stream *s)
{
    last_ns = bench_ns();
    if (!hints++)
        first_ns = last_ns;
    if (!s->hints++)
        ready++;
}

static void on_input(struct stream *s)
{
    char bytes[4096];
    ssize_t len = recv(s->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (len <= 0 && errno != EAGAIN) {
        fprintf(stderr, "streams: one of them has ended\n");
        exit(1);
    }
    for (ssize_t i = 0; i < len; i++) {
        s->matched = bytes[i] == hint[s->matched] ? s->matched + 1 : bytes[i] == hint[0];
        if (s->matched == sizeof(hint) - 1) {
            s->matched = 0;
            on_hint(s);
        }
    }
}

/* One turn; the number of the standard input among the events is stream_count. Answers 1 when there is input. */
static int turn(int timeout_ms)
{
    struct epoll_event events[256];
    int input = 0, count = epoll_wait(poll_fd, events, 256, timeout_ms);
    for (int i = 0; i < count; i++) {
        if (events[i].data.u64 == stream_count)
            input = 1;
        else
            on_input(&streams[events[i].data.u64]);
    }
    return input;
}

static void wait_for(uint64_t wanted)
{
    uint64_t until = bench_ns() + 30000000000u;
    while (hints < wanted && bench_ns() < until)
        turn(1000);
    printf("{\"hints\":%llu,\"first_ns\":%llu,\"last_ns\":%llu}\n", (unsigned long long)hints,
           (unsigned long long)first_ns, (unsigned long long)last_ns);
}

static void listen_to_input(void)
{
    char line[64];
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = stream_count};
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, 0, &event) != 0)
        bench_die("standard input");
    for (;;) {
        if (!turn(-1))
            continue;
        if (!fgets(line, sizeof(line), stdin))
            return;
        if (strncmp(line, "wait ", 5) == 0) {
            wait_for(strtoull(line + 5, NULL, 10));
        } else {
            hints = first_ns = last_ns = 0;
            puts("{}");
        }
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    struct rlimit files;
    if (argc != 4) {
        fprintf(stderr, "usage: streams PORT TOKENS PER_PERSON\n");
        return 2;
    }
    port = atoi(argv[1]);
    read_tokens(argv[2]);
    per_person = strtoul(argv[3], NULL, 10);
    stream_count = token_count * per_person;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    setvbuf(stdin, NULL, _IONBF, 0);
    streams = bench_alloc(stream_count, sizeof(*streams));
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    uint64_t begin = bench_ns();
    while (ready < stream_count) {
        while (begun < stream_count && begun - ready < OPENING)
            open_one();
        turn(1000);
    }
    printf("{\"open\":%zu,\"seconds\":%.3f}\n", ready, (double)(bench_ns() - begin) / 1e9);
    fflush(stdout);
    listen_to_input();
    return 0;
}
