/* SPDX-License-Identifier: Apache-2.0 */
/* CloudEvents context attributes (CloudEvents 1.0.2 section 3): reading them from either mode, and checking them. */
#ifndef EVENT_CE_ATTR_H
#define EVENT_CE_ATTR_H

#include "event/event.h"

enum ce_attr { CE_SPECVERSION, CE_ID, CE_SOURCE, CE_TYPE, CE_SUBJECT, CE_TIME, CE_DATACONTENTTYPE, CE_COUNT };

struct ce_attrs {
    struct belfry_str value[CE_COUNT];
    uint8_t present[CE_COUNT];
    uint8_t bad[CE_COUNT]; /* a fault was noted: not looked at again */
};

/* Where faults of one event go. Pointers get the prefix ("/3" in a batch, else ""). */
struct ce_faults {
    struct error *err; /* may be NULL */
    char prefix[24];
    belfry_status status; /* of the first; OK: none */
};

/* Notes a fault at prefix + "/" + name (name NULL: at the event itself). Returns the status. */
belfry_status ce_fault(struct ce_faults *faults, belfry_status status, const char *name, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* From a structured event: members that are null count as absent. Strings are borrowed from the tree. */
void ce_attrs_from_json(struct ce_attrs *attrs, const json_t *event, struct ce_faults *faults);
/* From ce-* headers (HTTP binding 1.0.2 section 3.1.3), decoded into the arena. */
void ce_attrs_from_headers(struct ce_attrs *attrs, const struct ce_header *headers, size_t count, struct arena *arena,
                           struct ce_faults *faults);
/* Notes values that are not UTF-8: for those that come from a plugin. */
void ce_attrs_require_utf8(struct ce_attrs *attrs, struct ce_faults *faults);
/* Notes what is missing, too long or malformed, and fills id, source, type, subject and time of `out`. */
void ce_attrs_check(const struct ce_attrs *attrs, struct belfry_trigger *out, struct ce_faults *faults);

/* 1 for a media type of JSON data: "application/json", "text/json; charset=utf-8", "application/x+json". [any] */
int ce_is_json(struct belfry_str media_type);

#endif
