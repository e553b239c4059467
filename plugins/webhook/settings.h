/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this plugin keeps of an endpoint, as the JSON that travels in belfry_target.settings:
 *
 *     {"headers":{"X-Team":"crm"},"format":"thin","signatures":["v1","v1a"],"handshake":true}
 *
 * What has its default is left out, so most endpoints have none and nothing is parsed to send to them. Any thread.
 */
#ifndef WEBHOOK_SETTINGS_H
#define WEBHOOK_SETTINGS_H

#include "sign.h"

#include <belfry/plugin.h>
#include <jansson.h>

enum format {
    FORMAT_STANDARD = 0, /* the body that the hub stores with the event */
    FORMAT_THIN,         /* what happened to what, and where to ask for more */
    FORMAT_CLOUDEVENTS_STRUCTURED,
    FORMAT_CLOUDEVENTS_BINARY,
    FORMAT_COUNT
};

extern const char *const format_names[];    /* by enum format; ends at NULL */
extern const char *const signature_names[]; /* "v1", "v1a": bit 0, bit 1; ends at NULL */

struct settings {
    enum format format;
    uint32_t signatures; /* SIGNATURE_* */
    int handshake;
    struct belfry_attr *headers; /* strings belong to doc, or to whoever filled it in */
    size_t header_count;
    json_t *doc;
};

/* Fills it from what settings_write() made; empty: the defaults. 0, or -1 when it is not that; settings_free() in both
 * cases. */
int settings_read(struct belfry_str json, struct settings *out);
void settings_free(struct settings *s);
void settings_write(const struct settings *s, struct text *out);
/* For people: all members, secret values masked; without the braces around. */
void settings_show(const struct settings *s, struct text *out);

/* Index of a word in a table that ends at NULL; -1: it is not there. */
int settings_word(const char *const *words, struct belfry_str word);

#endif
