/* SPDX-License-Identifier: Apache-2.0 */
/* What the load makers share: clock, HTTP/1.1 messages in a buffer, the marks in a body, the file of times. */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#define ID_MARK "##########" /* replaced by the number of the trigger */
#define ID_DIGITS 10
#define WHO_MARK "%%%%" /* replaced by the number of the person */
#define WHO_DIGITS 4
#define ID_WORD "bench-" /* before the number, so that the sink finds it in whatever the hub makes of the trigger */

/* Both sides write here, at the number of the trigger: one machine has one monotonic clock. */
struct times {
    uint64_t sent, accepted, arrived;
};

static inline void bench_die(const char *what)
{
    perror(what);
    exit(1);
}

static inline uint64_t bench_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static inline void *bench_alloc(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size);
    if (!p)
        bench_die("memory");
    return p;
}

static inline struct times *times_map(const char *path, size_t count)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)(count * sizeof(struct times))) != 0)
        bench_die(path);
    void *p = mmap(NULL, count * sizeof(struct times), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        bench_die(path);
    close(fd);
    return p;
}

/* The whole file, with a NUL at the end. */
static inline char *bench_read(const char *path, size_t *len)
{
    FILE *f = fopen(path, "re");
    if (!f)
        bench_die(path);
    size_t cap = 65536, got;
    char *text = bench_alloc(cap, 1);
    for (*len = 0; (got = fread(text + *len, 1, cap - *len - 1, f)) > 0;) {
        *len += got;
        if (*len + 1 == cap && !(text = realloc(text, cap *= 2)))
            bench_die("memory");
    }
    fclose(f);
    text[*len] = '\0';
    return text;
}

static inline void put_number(char *at, uint64_t number, int digits)
{
    while (digits-- > 0) {
        at[digits] = (char)('0' + number % 10);
        number /= 10;
    }
}

/* Length of the HTTP message at the beginning of the buffer with its body, 0 when it is not whole yet. */
static inline size_t message_length(const char *buf, size_t len, int no_body)
{
    const char *end = memmem(buf, len, "\r\n\r\n", 4);
    if (!end)
        return 0;
    size_t head = (size_t)(end - buf) + 4, body = 0;
    for (const char *line = buf; !no_body && line < end; line++) {
        line = memchr(line, '\n', (size_t)(end - line));
        if (!line)
            break;
        if (strncasecmp(line + 1, "content-length:", 15) == 0)
            body = strtoul(line + 16, NULL, 10);
    }
    return len >= head + body ? head + body : 0;
}

static inline int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

#endif
