/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in hand: a small mapped file that holds the key of the trigger or timer that a source works on. It is written
 * without fsync, because it must outlive the process and not the machine. A key that is found there at the start is
 * that of a call during which the process died or was killed; it is refused once, so that it cannot do so at every
 * start. Whether it was the call that killed it nobody knows; a second death in a row with the same key tells.
 */
#include "ledger/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define KEY_MAX 1012

struct page {
    uint32_t held; /* 1: the key below was in hand */
    uint32_t len;
    unsigned char key[KEY_MAX];
    uint32_t deaths; /* of processes before this one that had the same key in hand, without another between them */
};

struct poison {
    struct page *page;
    struct page before; /* what the last process left; held 0: told already; len 0: nothing */
};

struct poison *poison_open(const char *data_dir, struct error *err)
{
    if (!data_dir)
        return NULL;
    char *path = xasprintf("%s/in-hand", data_dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    void *map = MAP_FAILED;
    if (fd >= 0 && ftruncate(fd, sizeof(struct page)) == 0)
        map = mmap(NULL, sizeof(struct page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        error_set(err, errno == ENOSPC ? BELFRY_ELIMIT : BELFRY_EIO, NULL, "cannot use %s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    free(path);
    if (map == MAP_FAILED)
        return NULL;
    struct poison *poison = xcalloc(1, sizeof(*poison));
    poison->page = map;
    poison->before = *poison->page;
    poison->page->held = 0;
    if (poison->before.held != 1 || poison->before.len > KEY_MAX)
        poison->before.held = poison->before.len = 0;
    return poison;
}

void poison_close(struct poison *poison)
{
    if (!poison)
        return;
    munmap(poison->page, sizeof(struct page));
    free(poison);
}

static int is_before(const struct poison *poison, struct belfry_str key)
{
    uint32_t len = key.len < KEY_MAX ? (uint32_t)key.len : KEY_MAX;
    return len > 0 && len == poison->before.len && memcmp(poison->before.key, key.ptr, len) == 0;
}

void poison_hold(struct poison *poison, struct belfry_str key)
{
    if (!poison)
        return;
    uint32_t len = key.len < KEY_MAX ? (uint32_t)key.len : KEY_MAX;
    memcpy(poison->page->key, key.ptr, len);
    poison->page->len = len;
    poison->page->deaths = is_before(poison, key) ? poison->before.deaths + 1 : 0;
    __atomic_store_n(&poison->page->held, 1, __ATOMIC_RELEASE);
}

void poison_let_go(struct poison *poison)
{
    if (poison)
        __atomic_store_n(&poison->page->held, 0, __ATOMIC_RELEASE);
}

unsigned poison_was(struct poison *poison, struct belfry_str key)
{
    if (!poison || !poison->before.held || !is_before(poison, key))
        return 0;
    poison->before.held = 0;
    return poison->before.deaths + 1;
}
