/* SPDX-License-Identifier: Apache-2.0 */
/* belfry.fd/1 on real descriptors: those that are ready now are told when the test takes turns; nothing ever waits. */
#include "fake.h"

#include <poll.h>
#include <sys/stat.h>

static int is_ready(struct fake_watch *w, uint32_t *ready)
{
    struct pollfd p = {
        .fd = w->fd,
        .events = (short)(((w->mask & BELFRY_FD_READ) ? POLLIN : 0) | ((w->mask & BELFRY_FD_WRITE) ? POLLOUT : 0))};
    if (w->over || poll(&p, 1, 0) <= 0)
        return 0;
    *ready = ((p.revents & POLLIN) ? BELFRY_FD_READ : 0) | ((p.revents & POLLOUT) ? BELFRY_FD_WRITE : 0);
    if (p.revents & (POLLERR | POLLHUP | POLLNVAL))
        *ready = w->mask;
    return 1;
}

int fake_watch_run(struct belfry_test *t)
{
    for (size_t i = 0; i < t->watches.count; i++) {
        uint32_t ready;
        if (!is_ready(&t->watches.items[i], &ready))
            continue;
        t->watches.items[i].fn(t->watches.items[i].arg, ready);
        return 1;
    }
    return 0;
}

static belfry_status watch(const struct belfry_host *host, int32_t fd, uint32_t mask,
                           void (*fn)(void *arg, uint32_t ready), void *arg, uint64_t *id)
{
    struct belfry_test *t = fake_of(host);
    struct stat st;
    if (!fn || !mask || mask & ~(uint32_t)(BELFRY_FD_READ | BELFRY_FD_WRITE) || fstat(fd, &st) || S_ISREG(st.st_mode) ||
        S_ISDIR(st.st_mode))
        return BELFRY_EINVAL;
    for (size_t i = 0; i < t->watches.count; i++) {
        if (t->watches.items[i].fd == fd && !t->watches.items[i].over)
            return BELFRY_ECONFLICT;
    }
    struct fake_watch *w = FAKE_ADD(t, &t->watches);
    *w = (struct fake_watch){fake_id(t), fd, mask, t->instance, fn, arg, 0};
    if (id)
        *id = w->id;
    return BELFRY_OK;
}

static void unwatch(const struct belfry_host *host, uint64_t id)
{
    struct belfry_test *t = fake_of(host);
    for (size_t i = 0; i < t->watches.count; i++) {
        if (t->watches.items[i].id == id && !t->watches.items[i].over) {
            t->watches.items[i].over = 1;
            return;
        }
    }
    fake_fault(t, "R04: unwatch() of descriptor watch %llu, which is not there", (unsigned long long)id);
}

const struct belfry_fd_api fake_fd_api = {sizeof(struct belfry_fd_api), 0, watch, unwatch};
