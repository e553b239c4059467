/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics: the text format, escaping, forgetting, counting from many threads. */
#include "base/metrics.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void assert_text(struct metrics *m, const char *want)
{
    struct buf out = {0};
    buf_addz(&out, "");
    metrics_render(m, &out);
    assert_string_equal(out.ptr, want);
    buf_free(&out);
}

static void renders_sorted_families(void **state)
{
    (void)state;
    struct metrics *m = metrics_new();
    assert_text(m, "");
    struct metric *up = metric_get(m, "belfry_up", "1 when up.", METRIC_GAUGE, NULL);
    struct metric *b =
        metric_get(m, "belfry_sent_total", "Sent.", METRIC_COUNTER, "channel", "webhook", "outcome", "ok", NULL);
    struct metric *a =
        metric_get(m, "belfry_sent_total", "Sent.", METRIC_COUNTER, "channel", "email", "outcome", "ok", NULL);
    assert_ptr_equal(metric_get(m, "belfry_up", "1 when up.", METRIC_GAUGE, NULL), up);
    assert_ptr_not_equal(a, b);
    metric_set(up, 1);
    metric_add(a, 3);
    metric_add(a, 0.5);
    metric_add(b, 1234567890);
    metric_add(a, -1);       /* a counter never falls */
    metric_set(a, 7);        /* nor is set */
    metric_observe(up, 1.0); /* not a histogram */
    assert_true(metric_value(a) == 3.5);
    assert_text(m, "# HELP belfry_sent_total Sent.\n"
                   "# TYPE belfry_sent_total counter\n"
                   "belfry_sent_total{channel=\"email\",outcome=\"ok\"} 3.5\n"
                   "belfry_sent_total{channel=\"webhook\",outcome=\"ok\"} 1234567890\n"
                   "# HELP belfry_up 1 when up.\n"
                   "# TYPE belfry_up gauge\n"
                   "belfry_up 1\n");
    metric_add(up, -3);
    assert_true(metric_value(up) == -2);
    metrics_free(m);
    metrics_free(NULL);
    assert_ptr_equal(metrics_global(), metrics_global());
}

static void renders_histograms(void **state)
{
    (void)state;
    static const double seen[] = {0.0001, 0.0005, 0.00051, 0.03, 2, 10, 11, 1000};
    struct metrics *m = metrics_new();
    struct metric *h = metric_get(m, "t_seconds", "T.", METRIC_HISTOGRAM, "kind", "x", NULL);
    for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++)
        metric_observe(h, seen[i]);
    metric_add(h, 5);
    metric_set(h, 5);
    assert_text(m, "# HELP t_seconds T.\n"
                   "# TYPE t_seconds histogram\n"
                   "t_seconds_bucket{kind=\"x\",le=\"0.0005\"} 2\n"
                   "t_seconds_bucket{kind=\"x\",le=\"0.001\"} 3\n"
                   "t_seconds_bucket{kind=\"x\",le=\"0.0025\"} 3\n"
                   "t_seconds_bucket{kind=\"x\",le=\"0.005\"} 3\n"
                   "t_seconds_bucket{kind=\"x\",le=\"0.01\"} 3\n"
                   "t_seconds_bucket{kind=\"x\",le=\"0.025\"} 3\n"
                   "t_seconds_bucket{kind=\"x\",le=\"0.05\"} 4\n"
                   "t_seconds_bucket{kind=\"x\",le=\"0.1\"} 4\n"
                   "t_seconds_bucket{kind=\"x\",le=\"0.25\"} 4\n"
                   "t_seconds_bucket{kind=\"x\",le=\"0.5\"} 4\n"
                   "t_seconds_bucket{kind=\"x\",le=\"1\"} 4\n"
                   "t_seconds_bucket{kind=\"x\",le=\"2.5\"} 5\n"
                   "t_seconds_bucket{kind=\"x\",le=\"5\"} 5\n"
                   "t_seconds_bucket{kind=\"x\",le=\"10\"} 6\n"
                   "t_seconds_bucket{kind=\"x\",le=\"+Inf\"} 8\n"
                   "t_seconds_sum{kind=\"x\"} 1023.03111\n"
                   "t_seconds_count{kind=\"x\"} 8\n");
    metrics_free(m);
}

static void escapes_names_and_values(void **state)
{
    (void)state;
    struct metrics *m = metrics_new();
    metric_get(m, "1bad-name", "line\nback\\slash \"quote\"", METRIC_GAUGE, "la-bel", "a\"b\\c\nd", NULL);
    assert_text(m, "# HELP _bad_name line\\nback\\\\slash \"quote\"\n"
                   "# TYPE _bad_name gauge\n"
                   "_bad_name{la_bel=\"a\\\"b\\\\c\\nd\"} 0\n");
    metrics_free(m);
}

static void forgets_by_label(void **state)
{
    (void)state;
    struct metrics *m = metrics_new();
    struct metric *gone = metric_get(m, "x_total", "X.", METRIC_COUNTER, "instance", "crm", "k", "1", NULL);
    metric_get(m, "x_total", "X.", METRIC_COUNTER, "instance", "crm2", "k", "1", NULL);
    metric_get(m, "x_total", "X.", METRIC_COUNTER, "sub_instance", "crm", "k", "2", NULL);
    metric_get(m, "x_total", "X.", METRIC_COUNTER, "k", ",instance=\"crm\"", NULL); /* only looks like it */
    metric_get(m, "y_seconds", "Y.", METRIC_HISTOGRAM, "a", "b", "instance", "crm", NULL);
    metric_add(gone, 5);
    metrics_forget(m, "instance", "crm");
    static const char rest[] = "# HELP x_total X.\n# TYPE x_total counter\n"
                               "x_total{instance=\"crm2\",k=\"1\"} 0\n"
                               "x_total{k=\",instance=\\\"crm\\\"\"} 0\n"
                               "x_total{sub_instance=\"crm\",k=\"2\"} 0\n";
    assert_text(m, rest);
    metric_add(gone, 1); /* whoever still holds it does no harm */
    assert_text(m, rest);
    struct metric *back = metric_get(m, "x_total", "X.", METRIC_COUNTER, "instance", "crm", "k", "1", NULL);
    assert_true(metric_value(back) == 0);
    metrics_free(m);
}

static void *count_much(void *arg)
{
    struct metrics *m = arg;
    struct metric *c = metric_get(m, "c_total", "C.", METRIC_COUNTER, "l", "v", NULL);
    struct metric *h = metric_get(m, "h_seconds", "H.", METRIC_HISTOGRAM, NULL);
    for (int i = 0; i < 5000; i++) {
        metric_add(c, 1);
        metric_observe(h, 0.25);
    }
    return NULL;
}

static void counts_from_many_threads(void **state)
{
    (void)state;
    struct metrics *m = metrics_new();
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_much, m), 0);
    struct buf out = {0};
    for (int i = 0; i < 20; i++) {
        buf_clear(&out);
        metrics_render(m, &out);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_true(metric_value(metric_get(m, "c_total", "C.", METRIC_COUNTER, "l", "v", NULL)) == 20000);
    buf_clear(&out);
    metrics_render(m, &out);
    assert_non_null(strstr(out.ptr, "h_seconds_sum 5000\nh_seconds_count 20000\n"));
    buf_free(&out);
    metrics_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(renders_sorted_families),  cmocka_unit_test(renders_histograms),
        cmocka_unit_test(escapes_names_and_values), cmocka_unit_test(forgets_by_label),
        cmocka_unit_test(counts_from_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
