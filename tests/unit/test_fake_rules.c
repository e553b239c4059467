/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of threads and calls that libbelfry-test watches, and the extensions that look at descriptors and ranges. */
#include <belfry/test.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#undef fail /* a member of struct belfry_host */

struct probe {
    const struct belfry_host *host;
    const struct belfry_fd_api *fd;
    const struct belfry_state_api *state;
    struct belfry_txn *txn;
    const struct belfry_txn_api *api;
    belfry_status status;
    char seen[200];
    int twice;
};

static void *put_elsewhere(void *arg)
{
    struct probe *p = arg;
    p->status = p->api->put(p->txn, belfry_str("k"), belfry_str("v"));
    return NULL;
}

static belfry_status receive(void *self, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                             struct belfry_error *err)
{
    struct probe *p = self;
    struct belfry_str key;
    pthread_t thread;
    p->txn = txn;
    p->api = txn->api;
    if (txn->api->value_str(txn, trigger, "/put", &key, NULL) == BELFRY_OK)
        return txn->api->put(txn, key, belfry_str("1"));
    (void)err;
    if (pthread_create(&thread, NULL, put_elsewhere, p) == 0)
        pthread_join(thread, NULL);
    return BELFRY_OK;
}

static void refresh(void *self, uint64_t job, struct belfry_str org)
{
    struct probe *p = self;
    (void)org;
    p->host->job_done(p->host, job, 2, 1, BELFRY_OK);
    if (p->twice)
        p->host->job_done(p->host, job, 2, 1, BELFRY_OK);
}

static void listed(void *arg, belfry_status status, const struct belfry_attr *items, size_t count)
{
    struct probe *p = arg;
    p->status = status;
    p->seen[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        strncat(p->seen, items[i].name.ptr, items[i].name.len);
        strcat(p->seen, " ");
    }
}

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    struct probe *p = calloc(1, sizeof(*p));
    (void)config;
    (void)err;
    p->host = host;
    p->fd = host->get_extension(host, BELFRY_EXT_FD);
    p->state = host->get_extension(host, BELFRY_EXT_STATE);
    *self = p;
    return BELFRY_OK;
}

static const struct belfry_event_type events[] = {{0}};
static const struct belfry_source source = {.struct_size = sizeof(source), .receive = receive, .refresh = refresh};
static const struct belfry_role roles[] = {{"belfry.source/1", &source}, {0}};
static const char *const needs[] = {BELFRY_EXT_FD, BELFRY_EXT_STATE, NULL};
static const struct belfry_plugin probe = {.struct_size = sizeof(probe),
                                           .id = "probe",
                                           .version = "1.0.0",
                                           .summary = "Looks at what it must not.",
                                           .roles = roles,
                                           .needs = needs,
                                           .events = events,
                                           .create = create,
                                           .destroy = free};
BELFRY_PLUGIN(probe);

#define FAULT "R01: txn->put was called outside of its call, or on another thread"

static void test_a_txn_on_another_thread(void **state)
{
    struct belfry_test *t = belfry_test_new(&belfry_entry, NULL);
    struct probe *p = belfry_test_self(t);
    (void)state;
    belfry_test_send(t, "probe.thread", "{}");
    assert_int_equal(p->status, BELFRY_ECLOSED);
    assert_string_equal(belfry_test_faults(t), FAULT);
    assert_string_equal(belfry_test_state(t), "");
    belfry_test_free(t);
}

static void test_a_txn_after_its_call(void **state)
{
    struct belfry_test *t = belfry_test_new(&belfry_entry, NULL);
    struct probe *p = belfry_test_self(t);
    (void)state;
    belfry_test_send(t, "probe.put", "{\"put\":\"a\"}");
    assert_string_equal(belfry_test_faults(t), "");
    put_elsewhere(p);
    assert_int_equal(p->status, BELFRY_ECLOSED);
    assert_string_equal(belfry_test_faults(t), FAULT);
    belfry_test_free(t);
}

static void test_scan(void **state)
{
    struct belfry_test *t = belfry_test_new(&belfry_entry, NULL);
    struct probe *p = belfry_test_self(t);
    struct belfry_str none = {0}, org = belfry_str("acme");
    (void)state;
    belfry_test_put(t, "a1", "x");
    belfry_test_put(t, "a2", "x");
    belfry_test_put(t, "b1", "x");
    p->state->scan(p->host, org, belfry_str("a"), none, 0, 10, listed, p);
    assert_string_equal(p->seen, ""); /* never inline */
    belfry_test_settle(t);
    assert_string_equal(p->seen, "a1 a2 ");
    p->state->scan(p->host, org, none, belfry_str("b1"), 1, 1, listed, p);
    belfry_test_settle(t);
    assert_string_equal(p->seen, "a2 ");
    p->state->scan(p->host, org, none, none, 0, 0, listed, p);
    belfry_test_settle(t);
    assert_int_equal(p->status, BELFRY_EINVAL);
    belfry_test_free(t);
}

struct ear {
    int fd, heard;
};

static void hear(void *arg, uint32_t ready)
{
    struct ear *ear = arg;
    char byte;
    assert_int_equal(ready, BELFRY_FD_READ);
    ear->heard += (int)read(ear->fd, &byte, 1);
}

static void test_descriptors(void **state)
{
    struct belfry_test *t = belfry_test_new(&belfry_entry, NULL);
    struct probe *p = belfry_test_self(t);
    struct ear ear = {0};
    int ends[2];
    uint64_t id;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    ear.fd = ends[0];
    assert_int_equal(p->fd->watch(p->host, ends[0], BELFRY_FD_READ, hear, &ear, &id), BELFRY_OK);
    assert_int_equal(p->fd->watch(p->host, ends[0], BELFRY_FD_READ, hear, &ear, NULL), BELFRY_ECONFLICT);
    assert_int_equal(p->fd->watch(p->host, ends[0], 8, hear, &ear, NULL), BELFRY_EINVAL);
    belfry_test_settle(t);
    assert_int_equal(ear.heard, 0);
    assert_int_equal(write(ends[1], "xyz", 3), 3);
    belfry_test_settle(t);
    assert_int_equal(ear.heard, 3);
    p->fd->unwatch(p->host, id);
    assert_int_equal(write(ends[1], "x", 1), 1);
    belfry_test_settle(t);
    assert_int_equal(ear.heard, 3);
    p->fd->unwatch(p->host, id);
    assert_non_null(strstr(belfry_test_faults(t), "R04: unwatch()"));
    close(ends[0]);
    close(ends[1]);
    belfry_test_free(t);
}

static void test_a_refresh_ends_once(void **state)
{
    struct belfry_test *t = belfry_test_new(&belfry_entry, NULL);
    struct probe *p = belfry_test_self(t);
    (void)state;
    belfry_test_refresh(t);
    assert_non_null(strstr(belfry_test_told(t), "refreshed: 2 added, 1 invalidated, OK"));
    assert_string_equal(belfry_test_faults(t), "");
    p->twice = 1;
    belfry_test_refresh(t);
    assert_non_null(strstr(belfry_test_faults(t), "R04: job_done()"));
    belfry_test_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_txn_on_another_thread),
        cmocka_unit_test(test_a_txn_after_its_call),
        cmocka_unit_test(test_scan),
        cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_a_refresh_ends_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
