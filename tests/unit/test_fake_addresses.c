/* SPDX-License-Identifier: Apache-2.0 */
/* belfry.addresses/1 of libbelfry-test: it says what the hub would say, and tells what was done. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#undef fail /* a member of struct belfry_host */

#include <belfry/test.h>

/* --- the least plugin that may ask -------------------------------------------------------------------------------- */

static void deliver(void *self, const struct belfry_batch *batch)
{
    const struct belfry_host *host = self;
    struct belfry_result result = {.struct_size = sizeof(result), .outcome = BELFRY_DELIVERED};
    host->complete(host, batch->id, &result, 1);
}

static void cancel(void *self, uint64_t batch)
{
    (void)self;
    (void)batch;
}

static belfry_status create(const struct belfry_host *host, const void *config, void **self, struct belfry_error *err)
{
    (void)config;
    (void)err;
    *self = (void *)(uintptr_t)host;
    return BELFRY_OK;
}

static void destroy(void *self)
{
    (void)self;
}

static const struct belfry_delivery delivery = {.struct_size = sizeof(delivery),
                                                .flags = BELFRY_DELIVERY_PER_RECIPIENT,
                                                .max_batch = 1,
                                                .max_inflight = 1,
                                                .deliver = deliver,
                                                .cancel = cancel};
static const struct belfry_role roles[] = {{"belfry.delivery/1", &delivery}, {0}};
static const char *const needs[] = {BELFRY_EXT_ADDRESSES, NULL};
static const struct belfry_plugin plugin = {.struct_size = sizeof(plugin),
                                            .id = "asker",
                                            .version = "1",
                                            .summary = "Asks",
                                            .roles = roles,
                                            .needs = needs,
                                            .create = create,
                                            .destroy = destroy};

BELFRY_PLUGIN(plugin);

static void failure(const char *file, int line, const char *text)
{
    print_error("%s\n", text);
    _fail(file, line);
}

/* --- what was answered -------------------------------------------------------------------------------------------- */

struct heard {
    int times;
    belfry_status status;
    struct belfry_subscription_state state;
    char before[100], text[200];
};

static void on_state(void *arg, belfry_status status, const struct belfry_subscription_state *state)
{
    struct heard *h = arg;
    h->times++;
    h->status = status;
    if (!state)
        return;
    h->state = *state;
    snprintf(h->before, sizeof(h->before), "%.*s", (int)state->before.len, state->before.ptr);
}

static void on_facts(void *arg, belfry_status status, const struct belfry_mail_facts *f)
{
    struct heard *h = arg;
    h->times++;
    h->status = status;
    if (f)
        snprintf(h->text, sizeof(h->text), "%.*s %.*s %.*s %.*s", (int)f->org.len, f->org.ptr, (int)f->username.len,
                 f->username.ptr, (int)f->address.len, f->address.ptr, (int)f->category.len, f->category.ptr);
}

static void on_report(void *arg, belfry_status status)
{
    struct heard *h = arg;
    h->times++;
    h->status = status;
}

static const struct belfry_addresses_api *api(struct belfry_test *t)
{
    return belfry_test_host(t)->get_extension(belfry_test_host(t), BELFRY_EXT_ADDRESSES);
}

static struct belfry_subscription whose(const char *username, const char *address, const char *category)
{
    return (struct belfry_subscription){.struct_size = sizeof(struct belfry_subscription),
                                        .org = belfry_str("acme"),
                                        .username = belfry_str(username),
                                        .address = belfry_str(address),
                                        .category = belfry_str(category)};
}

static struct belfry_test *make(void)
{
    static const struct belfry_person ann = {
        .struct_size = sizeof(ann), .username = {"ann", 3}, .email = {"ann@acme.example", 16}};
    struct belfry_test *t = belfry_test_new(&belfry_entry, NULL);
    belfry_test_on_failure(failure);
    belfry_test_expect_error(t, "");
    belfry_test_person(t, &ann);
    return t;
}

static struct heard stop(struct belfry_test *t, struct belfry_subscription which)
{
    struct heard h = {0};
    api(t)->stop(belfry_test_host(t), &which, on_state, &h);
    assert_int_equal(h.times, 0); /* on a later turn */
    belfry_test_settle(t);
    assert_int_equal(h.times, 1);
    return h;
}

static struct heard look(struct belfry_test *t, struct belfry_subscription which)
{
    struct heard h = {0};
    api(t)->state(belfry_test_host(t), &which, belfry_str("en"), on_state, &h);
    belfry_test_settle(t);
    assert_int_equal(h.times, 1);
    return h;
}

static struct heard restore(struct belfry_test *t, struct belfry_subscription which, const char *before)
{
    struct heard h = {0};
    api(t)->restore(belfry_test_host(t), &which, belfry_str(before), on_state, &h);
    belfry_test_settle(t);
    assert_int_equal(h.times, 1);
    return h;
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void test_a_category_is_stopped_once_and_taken_back(void **state)
{
    (void)state;
    struct belfry_test *t = make();
    struct belfry_subscription which = whose("ann", "", "approval");
    assert_int_equal(look(t, which).state.off, 0);
    struct heard first = stop(t, which), second = stop(t, which);
    assert_true(first.state.off && first.state.changed);
    assert_string_equal(first.before, "{\"email\":{}}");
    assert_true(second.state.off && !second.state.changed);
    assert_string_equal(second.before, "{\"email\":{\"approval\":\"off\"}}");
    assert_int_equal(look(t, whose("ann", "", "sync")).state.off, 0);
    assert_int_equal(restore(t, which, second.before).state.changed, 0); /* it was off before that */
    assert_int_equal(restore(t, which, first.before).state.changed, 1);
    assert_int_equal(look(t, which).state.off, 0);
    belfry_test_expect(t, "stop approval for ann\nrestore approval for ann");
    belfry_test_free(t);
}

static void test_all_and_what_is_required(void **state)
{
    (void)state;
    struct belfry_test *t = make();
    belfry_test_required(t, "security");
    assert_int_equal(stop(t, whose("ann", "", "security")).status, BELFRY_EPERM);
    assert_true(stop(t, whose("ann", "", "")).state.off);
    assert_int_equal(look(t, whose("ann", "", "sync")).state.off, 1);
    struct heard required = look(t, whose("ann", "", "security"));
    assert_true(required.state.required && !required.state.off);
    assert_int_equal(stop(t, whose("", "pat@shop.example", "")).state.changed, 1);
    belfry_test_expect(t, "stop all for ann\nstop all for email:pat@shop.example");
    assert_int_equal(stop(t, whose("nobody", "", "sync")).status, BELFRY_ENOTFOUND);
    belfry_test_free(t);
}

static void test_what_is_known_of_a_mail_and_reported(void **state)
{
    (void)state;
    struct belfry_test *t = make();
    struct heard h = {0};
    belfry_test_mail(t, "0189-1", "ann", "approval");
    api(t)->delivery(belfry_test_host(t), belfry_str("0189-1"), on_facts, &h);
    belfry_test_settle(t);
    assert_string_equal(h.text, "acme ann ann@acme.example approval");
    api(t)->delivery(belfry_test_host(t), belfry_str("0189-2"), on_facts, &h);
    belfry_test_settle(t);
    assert_int_equal(h.status, BELFRY_ENOTFOUND);
    struct belfry_address_report report = {.struct_size = sizeof(report),
                                           .what = BELFRY_ADDRESS_BOUNCED,
                                           .org = belfry_str("acme"),
                                           .address = belfry_str("ann@acme.example"),
                                           .delivery = belfry_str("0189-1"),
                                           .detail = belfry_str("550 5.1.1 no such user")};
    api(t)->report(belfry_test_host(t), &report, on_report, &h);
    belfry_test_settle(t);
    assert_int_equal(h.status, BELFRY_OK);
    belfry_test_expect(t, "bounced ann@acme.example of 0189-1: 550 5.1.1 no such user");
    report.org = belfry_str("other");
    api(t)->report(belfry_test_host(t), &report, on_report, &h);
    belfry_test_settle(t);
    assert_int_equal(h.status, BELFRY_ENOTFOUND);
    belfry_test_expect(t, "");
    assert_int_equal(h.times, 4);
    belfry_test_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_category_is_stopped_once_and_taken_back),
        cmocka_unit_test(test_all_and_what_is_required),
        cmocka_unit_test(test_what_is_known_of_a_mail_and_reported),
    };
    return cmocka_run_group_tests_name("fake_addresses", tests, NULL, NULL);
}
