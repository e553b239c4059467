/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is remembered of a run, and how it is found again.
 *
 *     run/{id}          the time below which it stands, 13 digits
 *     at/{time}/{id}    the run, one line of JSON; the time is its start, else its end, else when it was first heard of
 *     log/{id}          its log, as text
 *
 * So a list by time is one range of keys that brings the runs with it, and never a log.
 */
#ifndef SYNC_RUN_H
#define SYNC_RUN_H

#include "sync.h"

#define SYNC_ID_MAX 256 /* bytes; keys hold 512 */
#define SYNC_AT "at/"
#define SYNC_TIME_DIGITS 13
#define SYNC_TIME_LAST INT64_C(9999999999999)

enum { SYNC_UNFINISHED = 0, SYNC_SUCCEEDED, SYNC_PARTIAL, SYNC_FAILED };
extern const char *const sync_outcomes[]; /* by number; ends at NULL; the first is "" */

/* Bits of `told`: who heard of its end. */
enum { SYNC_TOLD_ADMIN = 1, SYNC_TOLD_FAILURES = 2 };

/* When something happened: as the trigger says it, where that is believed, and when it came. arrived 0: not yet. */
struct sync_moment {
    int64_t arrived_ms, said_ms; /* said 0: nothing that is believed */
};

struct sync_progress {
    int64_t done, total, at_ms; /* at 0: none */
    struct belfry_str note;
};

struct sync_run {
    struct belfry_str id, kind, admin, url; /* ptr NULL: not known */
    struct sync_moment started, finished;
    int64_t first_ms; /* first heard of */
    int outcome, background, stalled, has_log;
    uint32_t told;
    struct sync_progress progress;
    json_t *counts;                   /* borrowed; NULL: none */
    json_t *doc;                      /* what texts point into */
    char place[SYNC_TIME_DIGITS + 1]; /* where it is kept; "": nowhere yet */
};

/* The moment of a trigger: its CloudEvents `time` is believed within 24 hours of its arrival. */
struct sync_moment sync_moment_of(const struct belfry_trigger *trigger);
/* The best that is known of it. What was told before the time that it names is a matter of clocks: it is as old as its
 * arrival then, for nothing is told before it happens. Lengths are measured by what both ends say all the same. */
int64_t sync_moment_ms(struct sync_moment moment);

/*
 * How long it took, in ms; -1 when that is not known: it has not ended, its start was never told, or all there is are
 * arrivals in the wrong order.
 */
int64_t sync_run_length(const struct sync_run *run);
/* "running", "stalled", "finished" */
const char *sync_run_state(const struct sync_run *run);

/* BELFRY_OK with the run; one that is not known has no place, and its id. Free it with sync_run_fini(), always. [txn]
 */
belfry_status sync_run_load(struct belfry_txn *txn, struct belfry_str id, struct sync_run *run);
belfry_status sync_run_save(struct belfry_txn *txn, struct sync_run *run);
/* A whole key at/... and its value. 0 when it is none of ours. Texts point into key and doc. [any] */
int sync_run_parse(struct belfry_str key, struct belfry_str value, struct sync_run *run);
void sync_run_fini(struct sync_run *run);

/* "run/{id}" and the like, in scratch memory. Empty when that ends. [txn] */
struct belfry_str sync_key(struct belfry_txn *txn, const char *prefix, struct belfry_str id);

/* One byte of a segment or a value of a URL, percent-encoded where it has to be: 1 or 3 bytes, and their count. [any]
 */
size_t sync_url_byte(char c, char out[4]);
/* RFC 3339 with milliseconds in UTC. [any] */
#define SYNC_TIME_TEXT 32
void sync_time_text(int64_t ms, char out[SYNC_TIME_TEXT]);
/* "1 h 5 min", "50 min", "12 s": in symbols that are the same in every language. [any] */
#define SYNC_LENGTH_TEXT 48
void sync_length_text(int64_t ms, char out[SYNC_LENGTH_TEXT]);
/* "Import" of "import"; "Run" when the kind is not known. [any] */
#define SYNC_NAME_TEXT 72
void sync_kind_name(struct belfry_str kind, char out[SYNC_NAME_TEXT]);

#endif
