/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever Xero answers, in whatever order and however often, beside payments, claims and voids that come otherwise: a
 * model of a few lines says what was received and when it was told, and what was accepted gives the same state again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <belfry/test.h>

#include "chance.h"

#define SEEDS 60
#define STEPS 250
#define INVOICES 4
#define OPTIONS "{chasers: [], xero: {signing_key: k, client_id: c, client_secret: s}}"

static void failure(const char *file, int line, const char *text)
{
    print_error("%s\n", text);
    _fail(file, line);
}

static uint64_t seed;

static unsigned draw(unsigned below)
{
    return (unsigned)pick(&seed, (int)below);
}

/* --- the model ---------------------------------------------------------------------------------------------------- */

struct model {
    int issued, paid, voided, claimed;
    int64_t amount, received, most, updated;
    int told_paid, told_overpaid; /* how often it must have been told */
};

static void receive(struct model *m, int64_t minor)
{
    m->received += minor;
    if (!m->paid && m->received >= m->amount) {
        m->paid = 1;
        m->claimed = 0;
        m->told_paid++;
    }
    m->told_overpaid += m->received > m->amount;
}

static void answered(struct model *m, int64_t minor, int64_t updated)
{
    if (!m->issued || m->voided || updated < m->updated || minor == m->most)
        return;
    m->updated = updated;
    if (minor < m->most)
        return;
    int64_t known = !m->paid ? m->most : minor <= m->amount ? minor : m->received;
    m->most = minor;
    if (minor > known)
        receive(m, minor - known);
}

/* --- what is sent ------------------------------------------------------------------------------------------------- */

struct sent {
    const char *as, *type;
    char data[700];
};

static void quoted(char *text)
{
    for (; *text; text++)
        *text = *text == '\'' ? '"' : *text;
}

static void make(struct sent *s, const char *as, const char *type, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void make(struct sent *s, const char *as, const char *type, const char *format, ...)
{
    va_list args;
    s->as = as;
    s->type = type;
    va_start(args, format);
    vsnprintf(s->data, sizeof(s->data), format, args);
    va_end(args);
    quoted(s->data);
}

static void make_answer(struct sent *s, unsigned n, int64_t minor, int64_t updated)
{
    static const char *const other[] = {"'type':'ACCREC','currency':'USD'", "'type':'ACCPAY','currency':'EUR'"};
    int wrong = draw(12) == 0;
    make(s, "task:xero.invoice", "xero.invoice.result",
         "{'tenant':'t','more':false,'invoices':[{'id':'x-%u','number':'N-%u','status':'AUTHORISED',%s,'paid':'%lld."
         "%02lld','credited':'0','updated':%lld}]}",
         n, n, wrong ? other[draw(2)] : "'type':'ACCREC','currency':'EUR'", (long long)(minor / 100),
         (long long)(minor % 100), (long long)updated);
}

/* A step: what is sent, and what the model makes of it when it is accepted. */
static void step(struct belfry_test *t, struct model *models, struct sent *s)
{
    unsigned n = draw(INVOICES), what = draw(10);
    struct model *m = &models[n];
    int64_t minor = (int64_t)draw(7) * 2500, updated = 1000 + draw(40);
    if (what < 6)
        make_answer(s, n, minor, updated);
    else if (what == 6)
        make(s, "token:books", "invoice.issued",
             "{'invoice':{'id':'i-%u','number':'N-%u','owner':'ann','payer':{'name':'N','email':'p@n.example'},"
             "'amount_minor':10000,'currency':'EUR','due_on':'2030-01-01','url':'https://b.example/%u'}}",
             n, n, n);
    else if (what == 7)
        make(s, "token:books", "payment.received", "{'invoice':{'id':'i-%u'},'amount_minor':%lld}", n,
             (long long)minor + 1);
    else if (what == 8)
        make(s, "token:books", m->claimed ? "claim.confirmed" : "payment.claimed",
             "{'invoice':{'id':'i-%u'},'by':'ann'}", n);
    else
        make(s, "token:books", draw(4) ? "claim.rejected" : "invoice.voided", "{'invoice':{'id':'i-%u'},'by':'ann'}",
             n);
    belfry_test_as(t, s->as);
    int accepted = belfry_test_send(t, s->type, s->data) == BELFRY_OK;
    if (!accepted) {
        s->type = NULL;
    } else if (what < 6) {
        if (strstr(s->data, "ACCREC") && strstr(s->data, "EUR"))
            answered(m, minor, updated);
    } else if (what == 6) {
        m->issued = 1;
        m->amount = 10000;
    } else if (what == 7) {
        receive(m, minor + 1);
    } else if (strcmp(s->type, "payment.claimed") == 0) {
        m->claimed = 1;
    } else if (strcmp(s->type, "claim.confirmed") == 0) {
        m->told_paid += !m->paid;
        m->paid = 1;
        m->claimed = 0;
    } else if (strcmp(s->type, "claim.rejected") == 0) {
        m->claimed = 0;
    } else {
        m->voided = 1;
        m->claimed = 0;
    }
}

/* --- what must hold after each step ------------------------------------------------------------------------------- */

static void check(struct belfry_test *t, const struct model *models, unsigned run, size_t at)
{
    int paid[INVOICES] = {0}, overpaid[INVOICES] = {0};
    for (size_t i = 0; i < belfry_test_event_count(t); i++) {
        const struct belfry_test_event *e = belfry_test_event(t, i);
        int n = e->subject[strlen("invoice/i-")] - '0';
        paid[n] += strcmp(e->type, "invoice.paid") == 0;
        overpaid[n] += strcmp(e->type, "invoice.overpaid") == 0;
        if (!e->recipients[0] || strcmp(e->recipients[0], "ann") != 0 || e->recipients[1])
            fail_msg("seed %u, step %zu: %s is told to others than the owner", run, at, e->type);
    }
    for (int n = 0; n < INVOICES; n++) {
        if (paid[n] != models[n].told_paid || overpaid[n] != models[n].told_overpaid || paid[n] > 1)
            fail_msg("seed %u, step %zu: i-%d was told as paid %d, overpaid %d times, expected %d and %d", run, at, n,
                     paid[n], overpaid[n], models[n].told_paid, models[n].told_overpaid);
    }
}

static struct belfry_test *start(void)
{
    struct belfry_test *t = belfry_test_new(&belfry_entry, OPTIONS);
    belfry_test_on_failure(failure);
    belfry_test_expect_error(t, "");
    belfry_test_user(t, "ann", "");
    return t;
}

static void test_histories(void **state)
{
    static struct sent sent[STEPS];
    (void)state;
    for (unsigned run = 1; run <= SEEDS; run++) {
        struct model models[INVOICES] = {{0}};
        struct belfry_test *t = start(), *again = start();
        seed = run;
        for (size_t i = 0; i < STEPS; i++) {
            step(t, models, &sent[i]);
            check(t, models, run, i);
        }
        for (size_t i = 0; i < STEPS; i++) {
            if (!sent[i].type)
                continue;
            belfry_test_as(again, sent[i].as);
            assert_int_equal(belfry_test_send(again, sent[i].type, sent[i].data), BELFRY_OK);
        }
        assert_string_equal(belfry_test_state(again), belfry_test_state(t));
        assert_int_equal(belfry_test_event_count(again), belfry_test_event_count(t));
        belfry_test_free(t);
        belfry_test_free(again);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_histories)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
