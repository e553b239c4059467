/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time. Everything that asks for the time takes a clock, so that tests (and `belfry run --clock`) drive a virtual one.
 * Wall time is milliseconds since the Unix epoch. A virtual clock stands still until it is moved; its monotonic time
 * moves with it.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <belfry/plugin.h>
#include <stdint.h>

struct clock_src;

/* The process's real clock; never freed. [any] */
struct clock_src *clock_real(void);
/* A virtual clock that stands at wall_ms. Freed with clock_free. [any] */
struct clock_src *clock_virtual_new(int64_t wall_ms);
void clock_free(struct clock_src *clock);
int clock_is_virtual(const struct clock_src *clock);
/* Wall clock, ms. [any] */
int64_t clock_now_ms(const struct clock_src *clock);
/* Monotonic, ns; for durations and loop timers. [any] */
uint64_t clock_mono_ns(const struct clock_src *clock);
/* Virtual only: set (wall may go back; monotonic never does) and advance. [any] */
void clock_set(struct clock_src *clock, int64_t wall_ms);
void clock_advance(struct clock_src *clock, int64_t delta_ms);

/* The wall beside the monotonic time, to see when somebody set it. */
struct clock_watch {
    int64_t wall_ms;
    uint64_t mono_ns, even_since_ns;
};
void clock_watch_init(struct clock_watch *watch, int64_t wall_ms, uint64_t mono_ns);
/* By how many ms the wall was set since the last look; 0 when both went equally far, to ten seconds. */
int64_t clock_watch_look(struct clock_watch *watch, int64_t wall_ms, uint64_t mono_ns);
/* For how long they have gone equally far, ms. */
int64_t clock_watch_even_ms(const struct clock_watch *watch);

/* RFC 3339 section 5.6 date-time with zone. 0, or BELFRY_EINVAL. Fractions beyond ms are cut. [any] */
belfry_status time_parse(struct belfry_str s, int64_t *out_ms);
/* "2026-01-31T08:05:09.123Z", 24 bytes and NUL. [any] */
#define TIME_TEXT_SIZE 25
void time_format(int64_t ms, char out[TIME_TEXT_SIZE]);
/* `[-]N` and one unit of ms s m h d w. *days is set for d and w when it is not NULL (and *out is 0 then); when NULL a
 * day is 24 h. 0 or BELFRY_EINVAL. [any] */
belfry_status duration_parse(struct belfry_str s, int64_t *out_ms, int32_t *days);
/* "5m", "90s", "1500ms": the largest unit that divides. Returns out. [any] */
char *duration_format(int64_t ms, char out[32]);

#endif
