/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of an attempt: request and answer as JSON, bounded, without secrets. */
#ifndef WEBHOOK_RECORD_H
#define WEBHOOK_RECORD_H

#include <belfry/host.h>

/* New memory, freed with free(); at most 32 KiB. */
char *record_make(struct belfry_str url, const struct belfry_attr *headers, size_t header_count,
                  const struct belfry_http_answer *answer);
/* "dns", "refused", "http_503", "ok": the class of an answer. out has 32 bytes. */
const char *record_class(const struct belfry_http_answer *answer, char out[32]);

#endif
