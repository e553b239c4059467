/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the sync source share: its options, and the instance. */
#ifndef SYNC_H
#define SYNC_H

#include <belfry/host.h>

#include <jansson.h>
#include <string.h>

#define SYNC_DAY_MS INT64_C(86400000)

/* The option table fills it. Lists are of RECIPIENT texts. */
struct sync_config {
    int64_t background_after_ms, overview_valid_for_ms, stalled_after_ms; /* stalled 0: never */
    struct belfry_list failures_to, blocked_to;
};

struct sync {
    const struct belfry_host *host;
    const struct belfry_http_route_api *http;
    const struct belfry_state_api *state;
    const struct belfry_asset_api *asset;
    const struct belfry_pages_api *pages;
    const struct belfry_calendar_api *calendar;
    const struct sync_config *config; /* never changes: [txn] functions read these members and no others */
    char *style;                      /* asset path */
    const char *styles[2];
    uint32_t calls; /* [loop] requests in hand */
    int stopping;   /* [loop] */
};

static inline int sync_same(struct belfry_str s, const char *z)
{
    return s.len == strlen(z) && memcmp(s.ptr, z, s.len) == 0;
}

/* Whether s begins with z; it is cut off then. */
static inline int sync_cut(struct belfry_str *s, const char *z)
{
    size_t len = strlen(z);
    if (s->len < len || memcmp(s->ptr, z, len) != 0)
        return 0;
    *s = (struct belfry_str){s->ptr + len, s->len - len};
    return 1;
}

#endif
