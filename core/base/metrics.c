/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry of metrics. Families and their children are found and made under one lock; values are atomics outside of
 * it, so counting costs one operation. A child is never freed before its registry: whoever still holds the pointer of a
 * forgotten one counts into the void instead of into freed memory, and the same labels later bring it back from zero.
 */
#include "base/metrics.h"

#include "base/hash.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>

static const double bounds[] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
#define BOUND_COUNT (sizeof(bounds) / sizeof(bounds[0]))

struct metric {
    enum metric_type type;
    int forgotten;
    char *labels;               /* as rendered, without braces: a="b",c="d" */
    _Atomic double value;       /* of a histogram: the sum */
    _Atomic uint64_t buckets[]; /* BOUND_COUNT + 1 of a histogram; the last is above all bounds */
};

struct family {
    char *name, *help;
    enum metric_type type;
    struct metric **children; /* sorted by labels */
    size_t count, cap;
};

struct metrics {
    pthread_mutex_t lock;
    struct hash *by_name;
};

struct metrics *metrics_new(void)
{
    struct metrics *m = xcalloc(1, sizeof(*m));
    pthread_mutex_init(&m->lock, NULL);
    m->by_name = hash_new();
    return m;
}

static void family_free(void *value)
{
    struct family *family = value;
    for (size_t i = 0; i < family->count; i++) {
        free(family->children[i]->labels);
        free(family->children[i]);
    }
    free(family->children);
    free(family->name);
    free(family->help);
    free(family);
}

void metrics_free(struct metrics *m)
{
    if (!m)
        return;
    hash_free(m->by_name, family_free);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

static pthread_once_t global_once = PTHREAD_ONCE_INIT;
static struct metrics *global;

static void make_global(void)
{
    global = metrics_new();
}

struct metrics *metrics_global(void)
{
    pthread_once(&global_once, make_global);
    return global;
}

/* Names come from plugins too; what the format cannot carry becomes '_'. Colons are for recording rules. */
static void add_name(struct buf *b, const char *name)
{
    size_t from = b->len;
    for (const char *p = name; *p; p++) {
        int letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || *p == '_';
        buf_addc(b, letter || (*p >= '0' && *p <= '9' && b->len > from) ? *p : '_');
    }
}

/* Backslash and newline are escaped everywhere, quotes in label values only. */
static void add_escaped(struct buf *b, const char *text, int in_label)
{
    for (const char *p = text; *p; p++) {
        if (*p == '\n')
            buf_addz(b, "\\n");
        else if (*p == '\\' || (in_label && *p == '"'))
            buf_add(b, (char[]){'\\', *p}, 2);
        else
            buf_addc(b, *p);
    }
}

static void add_label(struct buf *b, const char *name, const char *value)
{
    if (b->len > 0)
        buf_addc(b, ',');
    add_name(b, name);
    buf_addz(b, "=\"");
    add_escaped(b, value, 1);
    buf_addc(b, '"');
}

static struct family *family_get(struct metrics *m, const char *name, const char *help, enum metric_type type)
{
    struct buf clean = {0};
    add_name(&clean, name);
    struct family *family = hash_get(m->by_name, buf_str(&clean));
    if (!family) {
        family = xcalloc(1, sizeof(*family));
        family->name = xstrndup(clean.ptr, clean.len);
        family->help = xstrdup(help);
        family->type = type;
        hash_set(m->by_name, buf_str(&clean), family);
    }
    buf_free(&clean);
    return family;
}

static void metric_zero(struct metric *metric)
{
    atomic_store(&metric->value, 0);
    if (metric->type == METRIC_HISTOGRAM)
        for (size_t i = 0; i <= BOUND_COUNT; i++)
            atomic_store(&metric->buckets[i], 0);
}

/* Where the labels are or belong, by halving. */
static size_t child_index(const struct family *family, const char *labels)
{
    size_t low = 0, high = family->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(family->children[middle]->labels, labels) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct metric *child_get(struct family *family, const char *labels)
{
    size_t at = child_index(family, labels);
    if (at < family->count && strcmp(family->children[at]->labels, labels) == 0) {
        if (family->children[at]->forgotten)
            metric_zero(family->children[at]);
        family->children[at]->forgotten = 0;
        return family->children[at];
    }
    size_t buckets = family->type == METRIC_HISTOGRAM ? BOUND_COUNT + 1 : 0;
    struct metric *metric = xcalloc(1, sizeof(*metric) + buckets * sizeof(metric->buckets[0]));
    metric->type = family->type;
    metric->labels = xstrdup(labels);
    metric_zero(metric);
    family->children = xgrow(family->children, &family->cap, family->count + 1, sizeof(*family->children));
    memmove(family->children + at + 1, family->children + at, (family->count - at) * sizeof(*family->children));
    family->children[at] = metric;
    family->count++;
    return metric;
}

struct metric *metric_get(struct metrics *m, const char *name, const char *help, enum metric_type type, ...)
{
    struct buf labels = {0};
    const char *label;
    va_list args;
    buf_reserve(&labels, 0);
    va_start(args, type);
    while ((label = va_arg(args, const char *)) != NULL) {
        const char *value = va_arg(args, const char *);
        if (!value)
            break;
        add_label(&labels, label, value);
    }
    va_end(args);
    pthread_mutex_lock(&m->lock);
    struct metric *metric = child_get(family_get(m, name, help, type), labels.ptr);
    pthread_mutex_unlock(&m->lock);
    buf_free(&labels);
    return metric;
}

static void add_to(struct metric *metric, double value)
{
    double before = atomic_load_explicit(&metric->value, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(&metric->value, &before, before + value))
        ;
}

void metric_add(struct metric *metric, double value)
{
    if (metric->type == METRIC_GAUGE || (metric->type == METRIC_COUNTER && value >= 0))
        add_to(metric, value);
}

void metric_set(struct metric *metric, double value)
{
    if (metric->type == METRIC_GAUGE)
        atomic_store(&metric->value, value);
}

void metric_observe(struct metric *metric, double seconds)
{
    if (metric->type != METRIC_HISTOGRAM)
        return;
    size_t i = 0;
    while (i < BOUND_COUNT && seconds > bounds[i])
        i++;
    atomic_fetch_add(&metric->buckets[i], 1);
    add_to(metric, seconds);
}

double metric_value(const struct metric *metric)
{
    return atomic_load(&metric->value);
}

/* Whether the rendered labels hold this one: it starts after a comma or at the start, and a value that looks
 * like it has its quotes escaped. */
static int has_label(const char *labels, const char *wanted)
{
    for (const char *at = labels; (at = strstr(at, wanted)) != NULL; at++)
        if (at == labels || at[-1] == ',')
            return 1;
    return 0;
}

void metrics_forget(struct metrics *m, const char *label, const char *value)
{
    struct buf wanted = {0};
    size_t pos = 0;
    void *item;
    add_label(&wanted, label, value);
    pthread_mutex_lock(&m->lock);
    while (hash_next(m->by_name, &pos, NULL, &item)) {
        struct family *family = item;
        for (size_t i = 0; i < family->count; i++)
            if (has_label(family->children[i]->labels, wanted.ptr))
                family->children[i]->forgotten = 1;
    }
    pthread_mutex_unlock(&m->lock);
    buf_free(&wanted);
}

/* --- rendering -------------------------------------------------------------------------------------------------- */

static void render_sample(struct buf *out, const char *name, const char *suffix, const char *labels, const char *le,
                          double value)
{
    buf_addz(out, name);
    buf_addz(out, suffix);
    if (*labels || le) {
        buf_addc(out, '{');
        buf_addz(out, labels);
        if (le)
            buf_addf(out, "%sle=\"%s\"", *labels ? "," : "", le);
        buf_addc(out, '}');
    }
    buf_addc(out, ' ');
    buf_add_double(out, value);
    buf_addc(out, '\n');
}

/* _count is the sum of the buckets and not a number of its own: while others count, the two must agree. */
static void render_histogram(struct buf *out, const char *name, const struct metric *metric)
{
    struct buf le = {0};
    uint64_t total = 0;
    for (size_t i = 0; i < BOUND_COUNT; i++) {
        total += atomic_load(&metric->buckets[i]);
        buf_clear(&le);
        buf_add_double(&le, bounds[i]);
        render_sample(out, name, "_bucket", metric->labels, le.ptr, (double)total);
    }
    total += atomic_load(&metric->buckets[BOUND_COUNT]);
    render_sample(out, name, "_bucket", metric->labels, "+Inf", (double)total);
    render_sample(out, name, "_sum", metric->labels, NULL, metric_value(metric));
    render_sample(out, name, "_count", metric->labels, NULL, (double)total);
    buf_free(&le);
}

static void render_family(struct buf *out, const struct family *family)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    int headed = 0;
    for (size_t i = 0; i < family->count; i++) {
        const struct metric *metric = family->children[i];
        if (metric->forgotten)
            continue;
        if (!headed++) {
            buf_addf(out, "# HELP %s ", family->name);
            add_escaped(out, family->help, 0);
            buf_addf(out, "\n# TYPE %s %s\n", family->name, types[family->type]);
        }
        if (metric->type == METRIC_HISTOGRAM)
            render_histogram(out, family->name, metric);
        else
            render_sample(out, family->name, "", metric->labels, NULL, metric_value(metric));
    }
}

static int by_family_name(const void *a, const void *b)
{
    const struct family *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

void metrics_render(struct metrics *m, struct buf *out)
{
    pthread_mutex_lock(&m->lock);
    size_t count = hash_count(m->by_name), pos = 0, i = 0;
    struct family **families = xcalloc(count, sizeof(struct family *));
    void *item;
    while (hash_next(m->by_name, &pos, NULL, &item))
        families[i++] = item;
    qsort(families, count, sizeof(struct family *), by_family_name);
    for (i = 0; i < count; i++)
        render_family(out, families[i]);
    pthread_mutex_unlock(&m->lock);
    free(families);
}
