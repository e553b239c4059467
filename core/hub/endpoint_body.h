/* SPDX-License-Identifier: Apache-2.0 */
/* Shared between the two files that read the body of an endpoint. All [loop]. */
#ifndef HUB_ENDPOINT_BODY_H
#define HUB_ENDPOINT_BODY_H

#include "hub/endpoints.h"

/* One body that is read. */
struct hub_endpoint_reader {
    struct http_request *req;
    const struct hub_endpoint_plugin *plugin;
    const struct hub_endpoint *before; /* NULL: a new one */
    struct dispatch_endpoint *out;
    int keeps_enabled;
    struct error err;
};

void hub_endpoint_fault(struct hub_endpoint_reader *reader, const char *pointer, const char *text);
/* 0, or -1 after a 422 with all faults. */
int hub_endpoint_answer_faults(struct hub_endpoint_reader *reader);
/* The pointer of a member. In arena. */
char *hub_endpoint_pointer(struct arena *arena, const char *parent, const char *name);
/* A value as text, in the request's arena. */
struct belfry_str hub_endpoint_json_text(struct hub_endpoint_reader *reader, const json_t *value);
/* RFC 7396 for the members of two objects; before may be NULL. New reference. */
json_t *hub_endpoint_merged(const json_t *before, const json_t *patch);

/* The names of the members that the hub knows; NULL behind the last. */
const char *hub_endpoint_member(size_t i);
/* Reads the others: out->settings. out->url was read before. */
void hub_endpoint_read_settings(struct hub_endpoint_reader *reader, const json_t *body);

#endif
