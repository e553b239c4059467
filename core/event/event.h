/* SPDX-License-Identifier: Apache-2.0 */
/* The event model, the CloudEvents 1.0.2 codec, and the cleaning of texts that people see. */
#ifndef EVENT_EVENT_H
#define EVENT_EVENT_H

#include "base/arena.h"
#include "base/id.h"
#include "base/json.h"
#include "base/status.h"

#include <belfry/plugin.h>

/* --- triggers --- */

/* One CloudEvent, checked. Strings point into the request's memory; json is a borrowed reference owned by the set. */
struct trigger {
    struct belfry_trigger pub; /* impl = data (json_t) */
    json_t *data;              /* parsed data */
    size_t index;              /* in its batch */
    struct belfry_str text;    /* of an item of a batch: the event as it was sent, also when it is at fault */
};

struct trigger_set {
    struct arena *arena; /* owns everything, frees the parsed JSON by cleanup */
    struct trigger *items;
    size_t count;
    int batch; /* 1: pointers of faults begin with the index */
};

/* Bytes that the parsed tree of one request may take, by estimate. A body of ordinary events stays far below it; one of
 * nothing but brackets would ask for a hundred times its size. */
#define CE_MAX_TREE ((size_t)128 << 20)

struct ce_header { /* one HTTP header, name in lower case */
    struct belfry_str name, value;
};

/*
 * Decodes a request body: binary mode (ce-* headers, data = body), structured (application/cloudevents+json) or batch
 * (application/cloudevents-batch+json), per CloudEvents HTTP binding 1.0.2 section 3. body must outlive the set: data
 * is kept as sent. Faults carry pointers of the structured form ("/type", "/data", "/3/id"). Missing required
 * attributes, specversion other than 1.0, data_base64 that is not JSON, non-JSON datacontenttype, more than max_batch
 * events, an event over max_event bytes (ELIMIT, naming its index), a body over CE_MAX_TREE are refused. Data that is
 * absent is JSON null, pub.data then "null". headers are copied. Fills *set, whatever was in it; it is empty after an
 * error. Returns OK, EINVAL (400), ELIMIT (413), EUNSUPPORTED (415). [any]
 */
belfry_status ce_decode(struct trigger_set *set, const struct ce_header *headers, size_t header_count,
                        struct belfry_str content_type, struct belfry_str body, size_t max_event, size_t max_batch,
                        int64_t now_ms, struct error *err);
/* With partial, faulty items of a batch do not refuse the whole: faults[i] (caller's, zeroed, max_batch long) takes
 * those of item i, with pointers below the item ("/id"); such an item has its index and text and nothing else that may
 * be read. err and the status are those of the request as a whole (not JSON, no batch, too many). */
belfry_status ce_decode_partial(struct trigger_set *set, struct belfry_str content_type, struct belfry_str body,
                                size_t max_event, size_t max_batch, int64_t now_ms, struct error *faults,
                                struct error *err);
/* A trigger made inside (actions, tasks, hooks): checks and copies, parses data. Fills *set with one item; it is
 * empty after an error (EINVAL). arrived_ms is now_ms. [any] */
belfry_status trigger_make(struct trigger_set *set, const struct belfry_submission *sub, int64_t now_ms,
                           struct error *err);
/* Fills *set with one item that could not be read: its text, which must outlive the set, and nothing else. [any] */
void trigger_set_refused(struct trigger_set *set, struct belfry_str text);
/* Frees and zeroes; a zeroed set is fine. */
void trigger_set_free(struct trigger_set *set);

/* --- names of types --- */

/* 1 when the pattern is the type, or a prefix and `*` with something of the type in its place: `invoice.*`, `*`. [any]
 */
int event_type_is(struct belfry_str pattern, struct belfry_str type);
/* 1 when one of the patterns is; of none, none is. [any] */
int event_type_among(struct belfry_str type, const struct belfry_strs *patterns);

/* --- texts --- */

#define EVENT_LINE_MAX 300 /* characters of a title, label or name */
#define EVENT_BODY_MAX 10000

/* One line for people: runs of control characters (C0, C1, DEL, U+2028, U+2029) become one space, bidi controls are
 * dropped, longer than 300 characters is cut at 299 and an ellipsis. Result in arena. [any] */
struct belfry_str text_line(struct arena *arena, struct belfry_str s);
/* 1 when such a line shows nothing. [any] */
int text_blank(struct belfry_str line);
/* The same for a body: LF stays (CR LF counts as one), cut at EVENT_BODY_MAX. */
struct belfry_str text_body(struct arena *arena, struct belfry_str s);
/* 1 for http://, https:// with a host, or a path of ours: one leading '/', no '//' in the path. Neither has
 * backslashes, spaces or control characters, nor more than 2048 bytes. [any] */
int link_valid(struct belfry_str link);
/* An addr-spec by RFC 5321 section 4.1.2 as far as it is wise (no quoted local part, no literals; ASCII before the
 * @, an international domain behind it, RFC 5890): 1 when valid. */
int address_valid(struct belfry_str address);
/* What two spellings of one mailbox have in common: in lower case, the domain in A-labels (RFC 5890). A local part may
 * differ by case alone (RFC 5321 section 2.4), but nobody gives two mailboxes such names. In arena. [any] */
struct belfry_str address_key(struct arena *arena, struct belfry_str address);
/* A number by which the mailbox is known again, and by which nobody without the key knows it. 0: no address. [any] */
int64_t address_mark(const struct id_key *key, struct arena *arena, struct belfry_str address);
/* "a…@acme.example": what may be shown of an address to those who are not to learn it. In arena. [any] */
struct belfry_str address_masked(struct arena *arena, struct belfry_str address);

/* Severities by name: 0..4 or -1. */
int severity_parse(struct belfry_str name);
/* NULL for numbers that are none. */
const char *severity_name(int severity);

#endif
