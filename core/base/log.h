/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logs: logfmt or JSON lines to standard error. Say what was tried, what happened, what happens next:
 *   log_warn("webhook", "delivery failed, retrying", "delivery=%s status=%d next=%s", id, status, when);
 * Arguments of `pairs` that may hold spaces or quotes are written as key=%q... by log_quote(). Repeats of one line
 * (component and message) are folded: after 10 in 10 s the rest is counted and reported as repeated=N. Every line is
 * one write(2). As JSON, pairs become members: a bare number stays a number, all else is a string. [any]
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

struct clock_src;

/* Minimum level, format and descriptor; before it: info, logfmt, standard error. When fd is the stream that systemd
 * names in JOURNAL_STREAM, lines carry the priority as "<N>" and no ts (sd-daemon(3)). [any] */
void log_setup(enum log_level min, enum log_format format, int fd);
/* The clock of ts and of folding, borrowed; NULL is the real one. [any] */
void log_set_clock(const struct clock_src *clock);
/* Writes what folding holds back; at exit, and from a timer when the log may fall silent. [any] */
void log_flush(void);
enum log_level log_level_now(void);
enum log_format log_format_now(void);
/* Level by name ("debug", "info", "warn", "error"): -1 when unknown. */
int log_level_parse(const char *name);
/* pairs may be NULL; it is a printf format that yields key=value pairs separated by spaces. */
void log_write(enum log_level level, const char *component, const char *message, const char *pairs, ...)
    __attribute__((format(printf, 4, 5)));
/* Quotes a value for logfmt when needed (empty, spaces, ", =, control characters, and text that looks like a number);
 * more than 1,000 bytes are cut. Valid until the 8th next call on this thread. */
const char *log_quote(const char *value, size_t len);

#define log_debug(component, ...) log_write(LOG_LEVEL_DEBUG, component, __VA_ARGS__)
#define log_info(component, ...) log_write(LOG_LEVEL_INFO, component, __VA_ARGS__)
#define log_warn(component, ...) log_write(LOG_LEVEL_WARN, component, __VA_ARGS__)
#define log_error(component, ...) log_write(LOG_LEVEL_ERROR, component, __VA_ARGS__)

#endif
