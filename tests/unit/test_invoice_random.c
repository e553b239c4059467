/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams of valid, invalid, repeated and reordered triggers, actions, timers and reloads, each against a small model
 * of its own: what is accepted, and what is told to whom. After every step the invariants hold, and what was accepted,
 * played into an empty state, leads to the same state.
 */
#include "unit/chance.h"
#include "unit/invoice_fixture.h"

#define SEEDS 60
#define STEPS 300
#define INVOICES 4
#define AMOUNT 1000

/* --- the model ---------------------------------------------------------------------------------------------------- */

struct model {
    int issued, paid, voided, claim, dispute;
    int64_t received;
    unsigned paid_told, reminders; /* so far */
};

enum act { ISSUE, ISSUE_OTHER, CLAIM, CONFIRM, REJECT, DISPUTE, RESOLVE, PAY, VOID, INVALID, ACTS };

/* 1: accepted. *told: what the owner gets, in order. */
static int model_step(struct model *m, enum act act, int64_t amount, const char **told)
{
    *told = "";
    if (act == ISSUE) {
        m->issued = 1;
        return 1;
    }
    if (act == INVALID || !m->issued || act == ISSUE_OTHER)
        return act == ISSUE_OTHER && !m->issued; /* not asked for then */
    if (m->voided)
        return act == VOID;
    switch (act) {
    case CLAIM:
        if (m->paid)
            return 0;
        m->claim = 1;
        *told = "c";
        return 1;
    case CONFIRM:
    case REJECT:
        if (!m->claim)
            return 0;
        m->claim = 0;
        m->paid |= act == CONFIRM;
        *told = act == CONFIRM ? "p" : "";
        return 1;
    case DISPUTE:
        if (m->dispute)
            return 0;
        m->dispute = 1;
        *told = "d";
        return 1;
    case RESOLVE:
        if (!m->dispute)
            return 0;
        m->dispute = 0;
        return 1;
    case PAY:
        m->received += amount;
        *told = m->received > AMOUNT ? m->paid ? "o" : "po" : m->received == AMOUNT && !m->paid ? "p" : "";
        if (m->received >= AMOUNT) {
            m->paid = 1;
            m->claim = 0;
        }
        return 1;
    default:
        m->voided = 1;
        m->claim = m->dispute = 0;
        return 1;
    }
}

/* --- one stream --------------------------------------------------------------------------------------------------- */

struct accepted {
    int64_t at;
    char principal[20], type[40], data[400];
};

struct stream {
    struct belfry_test *t;
    uint64_t seed;
    struct model models[INVOICES];
    size_t events; /* looked at so far */
    struct accepted *log;
    size_t log_count;
};

static void write_trigger(struct stream *s, unsigned n, enum act act, int64_t amount, struct accepted *out)
{
    static const char *const types[] = {"invoice.issued",   "invoice.issued",   "payment.claimed",
                                        "claim.confirmed",  "claim.rejected",   "invoice.disputed",
                                        "dispute.resolved", "payment.received", "invoice.voided"};
    static const char *const invalid[] = {"{'invoice':{'id':'0'},'by':'a/b'}", "{'invoice':7,'by':'ann'}", "{}",
                                          "{'invoice':{'id':'0'}}", "{'by':'ann'}"};
    strcpy(out->type, types[act == INVALID ? CLAIM + (unsigned)pick(&s->seed, 4) : act]);
    if (act == INVALID)
        strcpy(out->data, json(invalid[pick(&s->seed, COUNT(invalid))]));
    else if (act == ISSUE || act == ISSUE_OTHER)
        snprintf(
            out->data, sizeof(out->data),
            "{\"invoice\":{\"id\":\"%u\",\"number\":\"N%u\",\"owner\":\"%s\",\"payer\":{\"name\":\"P%u\",\"email\":"
            "\"p%u@x.example\"},\"amount_minor\":%d,\"currency\":\"EUR\",\"due_on\":\"2026-02-%02u\",\"url\":"
            "\"/i\"}}",
            n, n / 2, n % 2 ? "bob" : "ann", n, n, AMOUNT + (act == ISSUE_OTHER), 1 + n * 5);
    else
        snprintf(out->data, sizeof(out->data), "{\"invoice\":{\"id\":\"%u\"},\"by\":\"cara\",\"amount_minor\":%lld}", n,
                 (long long)amount);
}

static unsigned number_of(const char *subject)
{
    return (unsigned)strtoul(strchr(subject, '/') + 1, NULL, 10);
}

/* What was told since the last look: reminders are checked here, the rest is returned as letters. */
static void look(struct stream *s, char letters[16])
{
    size_t len = 0;
    for (; s->events < belfry_test_event_count(s->t); s->events++) {
        const struct belfry_test_event *e = belfry_test_event(s->t, s->events);
        struct model *m = &s->models[number_of(e->subject)];
        char payer[40];
        snprintf(payer, sizeof(payer), "email:p%u@x.example", number_of(e->subject));
        int reminder = strcmp(e->type, "invoice.reminder") == 0;
        const char *wanted = reminder ? payer : number_of(e->subject) % 2 ? "bob" : "ann";
        assert_string_equal(e->recipients[0], wanted); /* and nobody outside of the audience */
        assert_null(e->recipients[1]);
        if (reminder) {
            assert_true(m->issued && !m->paid && !m->voided && !m->dispute);
            m->reminders++;
            assert_in_range(m->reminders, 1, 3);
            continue;
        }
        assert_in_range(len, 0, 10);
        letters[len++] = e->type[8] == 'o'                 ? 'o'
                         : e->type[8] == 'd'               ? 'd'
                         : strcmp(e->type, "invoice.paid") ? 'c'
                                                           : 'p';
        m->paid_told += letters[len - 1] == 'p';
        assert_in_range(m->paid_told, 0, 1); /* never twice */
    }
    letters[len] = '\0';
}

/* Live rows that ask for something are there exactly while it is open; reminders that could still leave, too. */
static void check_rows(struct stream *s)
{
    for (unsigned n = 0; n < INVOICES; n++) {
        const struct model *m = &s->models[n];
        char payer[40];
        snprintf(payer, sizeof(payer), "email:p%u@x.example", n);
        if (m->paid || m->voided || m->dispute)
            assert_string_equal(belfry_test_inbox(s->t, payer), "");
    }
    unsigned claims = 0, disputes = 0;
    for (unsigned n = 0; n < INVOICES; n++) {
        claims += (unsigned)s->models[n].claim;
        disputes += (unsigned)s->models[n].dispute;
    }
    static const char *const people[] = {"ann", "bob"};
    for (size_t i = 0; i < COUNT(people); i++) {
        for (const char *p = belfry_test_inbox(s->t, people[i]); p && *p; p = strchr(p, '\n')) {
            p += *p == '\n';
            claims -= strncmp(p, "invoice.payment_claimed", 23) == 0;
            disputes -= strncmp(p, "invoice.disputed", 16) == 0;
        }
    }
    assert_int_equal(claims, 0);
    assert_int_equal(disputes, 0);
}

static void send_one(struct stream *s)
{
    static const enum act likely[] = {ISSUE,   ISSUE,   CLAIM, CLAIM, CLAIM, CONFIRM, REJECT,     REJECT,
                                      DISPUTE, RESOLVE, PAY,   PAY,   PAY,   INVALID, ISSUE_OTHER};
    static const int64_t amounts[] = {1, 250, 499, AMOUNT / 2, AMOUNT, AMOUNT + 1};
    unsigned n = pick(&s->seed, INVOICES);
    struct model *m = &s->models[n];
    enum act act = pick(&s->seed, 100) == 0 ? VOID : likely[pick(&s->seed, COUNT(likely))];
    int64_t amount = amounts[pick(&s->seed, COUNT(amounts))];
    if (act == ISSUE_OTHER && !m->issued)
        return;
    const char *told;
    char letters[16];
    struct accepted *entry = &s->log[s->log_count];
    int person = act != INVALID && pick(&s->seed, 3) == 0; /* of a person `by` cannot be wrong */
    entry->at = belfry_test_now(s->t);
    strcpy(entry->principal, person ? "person:ann" : "token:books");
    write_trigger(s, n, act, amount, entry);
    int accepted = model_step(m, act, amount, &told);
    belfry_test_as(s->t, entry->principal);
    belfry_status status = belfry_test_send(s->t, entry->type, entry->data);
    if ((status == BELFRY_OK) != accepted)
        fail_msg("%s %s: %d, %s", entry->type, entry->data, status, belfry_test_error(s->t));
    if (!accepted)
        assert_int_equal(status, act == INVALID ? BELFRY_EINVAL : BELFRY_ECONFLICT);
    s->log_count += (size_t)accepted;
    look(s, letters);
    assert_string_equal(letters, told);
}

static void step(struct stream *s)
{
    static const char *const waits[] = {"1s", "5h", "1d", "3d", "9d"};
    char letters[16];
    if (pick(&s->seed, 12) == 0) {
        belfry_test_advance(s->t, waits[pick(&s->seed, COUNT(waits))]);
        look(s, letters);
        assert_string_equal(letters, "");
    } else {
        send_one(s);
    }
    check_rows(s);
}

/* State and timers after the accepted triggers alone, at their times. */
static void replay(const struct stream *s)
{
    struct belfry_test *t = invoice_new("chasers: [-3d, 1d, 9d]");
    for (size_t i = 0; i < s->log_count; i++) {
        const struct accepted *a = &s->log[i];
        char wait[40];
        snprintf(wait, sizeof(wait), "%lldms", (long long)(a->at - belfry_test_now(t)));
        belfry_test_advance(t, wait);
        belfry_test_as(t, a->principal);
        assert_int_equal(belfry_test_send(t, a->type, a->data), BELFRY_OK);
    }
    char wait[40];
    snprintf(wait, sizeof(wait), "%lldms", (long long)(belfry_test_now(s->t) - belfry_test_now(t)));
    belfry_test_advance(t, wait);
    assert_string_equal(belfry_test_state(t), belfry_test_state(s->t));
    assert_string_equal(belfry_test_timers(t), belfry_test_timers(s->t));
    assert_int_equal(belfry_test_event_count(t), belfry_test_event_count(s->t));
    belfry_test_free(t);
}

static void streams(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct stream s = {.seed = seed * UINT64_C(0x9e3779b97f4a7c15)};
        s.t = invoice_new("chasers: [-3d, 1d, 9d]");
        s.log = calloc(STEPS, sizeof(*s.log));
        for (int i = 0; i < STEPS; i++)
            step(&s);
        replay(&s);
        free(s.log);
        belfry_test_free(s.t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(streams)};
    return cmocka_run_group_tests_name("invoice_random", tests, NULL, NULL);
}
