/* SPDX-License-Identifier: Apache-2.0 */
/* What YAML says of the channel and its endpoints: the table, what it cannot say, and how it becomes targets. [loop] */
#ifndef WEBHOOK_OPTIONS_H
#define WEBHOOK_OPTIONS_H

#include <belfry/host.h>

struct config {
    struct belfry_list allow_cidrs; /* const char * */
    struct belfry_list endpoints;
    struct belfry_list schedule; /* int64_t ms */
    int64_t timeout_ms;
    int32_t format; /* of endpoints that name none */
};

extern const struct belfry_option options_table[];

/* What the table cannot say. EINVAL, with the name of the endpoint. */
belfry_status options_check(const struct belfry_host *host, const struct config *config, struct belfry_error *err);
/* What may pass and is likely a mistake, into the log. ranges: as options_ranges() gives them. */
void options_warn(const struct belfry_host *host, const struct belfry_http_client_api *http,
                  const struct config *config, const char *const *ranges);
/* New memory: the ranges, ends at NULL; the texts are the configuration's. Freed with free(). */
const char **options_ranges(const struct config *config);
/* All endpoints with the retry policy, to the host. */
belfry_status options_declare(const struct belfry_host *host, const struct belfry_targets_api *targets,
                              const struct config *config, struct belfry_error *err);

#endif
