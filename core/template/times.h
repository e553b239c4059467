/* SPDX-License-Identifier: Apache-2.0 */
/* Instants as people write them: in the order and words of a locale, on the clocks of a time zone. */
#ifndef TEMPLATE_TIMES_H
#define TEMPLATE_TIMES_H

#include "base/arena.h"
#include "base/str.h"

#include <belfry/host.h>

struct times;

/* One thread at a time. */
struct times *times_new(void);
void times_free(struct times *times);
/* style: BELFRY_TIME_*. A zone that does not exist is UTC. In arena; RFC 3339 where the locale fails. */
struct belfry_str times_text(struct times *times, const char *locale, struct belfry_str zone, uint32_t style,
                             int64_t ms, struct arena *arena);

#endif
