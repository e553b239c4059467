/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics in the Prometheus text format 0.0.4. Families are made once; a child (one set of label values) is made once
 * and kept by pointer; changing it is one atomic operation. Labels come only from configured names and enums, never
 * ids.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include "base/str.h"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metrics;
struct metric; /* one child */

struct metrics *metrics_new(void);
void metrics_free(struct metrics *m);
/* The process's registry; made at the first call. [any] */
struct metrics *metrics_global(void);

/* A child: family by name (made when missing, with help and type), labels as pairs "name", "value", ..., NULL. The same
 * labels give the same child. Histograms use seconds with buckets 0.0005 ... 10. [any] */
struct metric *metric_get(struct metrics *m, const char *name, const char *help, enum metric_type type, ...)
    __attribute__((sentinel));
void metric_add(struct metric *metric, double value);       /* counter, gauge [any] */
void metric_set(struct metric *metric, double value);       /* gauge [any] */
void metric_observe(struct metric *metric, double seconds); /* histogram [any] */
double metric_value(const struct metric *metric);
/* Removes the children whose label has the value (an instance that is gone). */
void metrics_forget(struct metrics *m, const char *label, const char *value);
/* Appends the whole text, families sorted by name. [any] */
void metrics_render(struct metrics *m, struct buf *out);

#endif
