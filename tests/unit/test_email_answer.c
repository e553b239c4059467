/* SPDX-License-Identifier: Apache-2.0 */
/* What a mail server's answer means, and what servers and recipient domains are spared after it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../plugins/email/answer.h"
#include "../../plugins/email/domain.h"
#include "../../plugins/email/server.h"

/* --- answers ------------------------------------------------------------------------------------------------------ */

#define CONNECT BELFRY_SMTP_STAGE_CONNECT
#define TLS BELFRY_SMTP_STAGE_TLS
#define AUTH BELFRY_SMTP_STAGE_AUTH
#define ENVELOPE BELFRY_SMTP_STAGE_ENVELOPE
#define CONTENT BELFRY_SMTP_STAGE_CONTENT
#define END BELFRY_SMTP_STAGE_END
#define REPLY BELFRY_SMTP_ERR_REPLY

static void test_answers(void **state)
{
    static const struct {
        const char *what;
        uint32_t error, stage;
        int code;
        const char *enhanced;
        struct answer means;
    } rows[] = {
        {"accepted", BELFRY_SMTP_ERR_NONE, END, 250, "2.0.0", {BELFRY_DELIVERED, 0, SERVER_WORKS, DOMAIN_WORKS, 0}},
        /* the survey's table, row by row */
        {"MAIL or RCPT put off", REPLY, ENVELOPE, 450, "", {BELFRY_RETRY, 0, SERVER_WORKS, DOMAIN_TRANSIENT, 0}},
        {"greylisted", REPLY, ENVELOPE, 450, "4.2.0", {BELFRY_RETRY, 0, SERVER_WORKS, DOMAIN_TRANSIENT, 0}},
        {"MAIL or RCPT refused", REPLY, ENVELOPE, 550, "", {BELFRY_REJECTED, 0, SERVER_WORKS, DOMAIN_WORKS, 0}},
        {"DATA refused", REPLY, ENVELOPE, 554, "5.5.1", {BELFRY_REJECTED, 0, SERVER_WORKS, DOMAIN_WORKS, 0}},
        {"put off after the dot", REPLY, END, 451, "4.3.0", {BELFRY_RETRY, 0, SERVER_WORKS, DOMAIN_TRANSIENT, 0}},
        {"refused after the dot", REPLY, END, 554, "5.6.0", {BELFRY_REJECTED, 0, SERVER_WORKS, DOMAIN_WORKS, 0}},
        {"greeting 554", REPLY, CONNECT, 554, "", {BELFRY_UNAVAILABLE, 0, SERVER_DOWN, DOMAIN_UNKNOWN, 1}},
        {"greeting 554 5.7.1", REPLY, CONNECT, 554, "5.7.1", {BELFRY_UNAVAILABLE, 0, SERVER_DOWN, DOMAIN_UNKNOWN, 1}},
        {"greeting 421", REPLY, CONNECT, 421, "4.3.2", {BELFRY_UNAVAILABLE, 0, SERVER_DOWN, DOMAIN_UNKNOWN, 1}},
        {"AUTH 535",
         BELFRY_SMTP_ERR_AUTH,
         AUTH,
         535,
         "5.7.8",
         {BELFRY_UNAVAILABLE, 0, SERVER_MISCONFIGURED, DOMAIN_UNKNOWN, 1}},
        {"AUTH 454", BELFRY_SMTP_ERR_AUTH, AUTH, 454, "4.7.0", {BELFRY_UNAVAILABLE, 0, SERVER_DOWN, DOMAIN_UNKNOWN, 1}},
        {"AUTH not offered",
         BELFRY_SMTP_ERR_AUTH,
         AUTH,
         0,
         "",
         {BELFRY_UNAVAILABLE, 0, SERVER_MISCONFIGURED, DOMAIN_UNKNOWN, 1}},
        {"STARTTLS not offered",
         BELFRY_SMTP_ERR_TLS,
         TLS,
         0,
         "",
         {BELFRY_UNAVAILABLE, 0, SERVER_MISCONFIGURED, DOMAIN_UNKNOWN, 1}},
        {"STARTTLS refused",
         BELFRY_SMTP_ERR_TLS,
         TLS,
         454,
         "4.7.0",
         {BELFRY_UNAVAILABLE, 0, SERVER_MISCONFIGURED, DOMAIN_UNKNOWN, 1}},
        {"dropped after the dot",
         BELFRY_SMTP_ERR_LOST,
         END,
         0,
         "",
         {BELFRY_UNKNOWN, 0, SERVER_UNKNOWN, DOMAIN_UNKNOWN, 0}},
        {"silent after the dot",
         BELFRY_SMTP_ERR_TIMEOUT,
         END,
         0,
         "",
         {BELFRY_UNKNOWN, 0, SERVER_UNKNOWN, DOMAIN_UNKNOWN, 0}},
        {"refused connection",
         BELFRY_SMTP_ERR_CONNECT,
         CONNECT,
         0,
         "",
         {BELFRY_UNAVAILABLE, 0, SERVER_DOWN, DOMAIN_UNKNOWN, 1}},
        {"no such host", BELFRY_SMTP_ERR_DNS, CONNECT, 0, "", {BELFRY_UNAVAILABLE, 0, SERVER_DOWN, DOMAIN_UNKNOWN, 1}},
        {"certificate",
         BELFRY_SMTP_ERR_TLS,
         TLS,
         0,
         "",
         {BELFRY_UNAVAILABLE, 0, SERVER_MISCONFIGURED, DOMAIN_UNKNOWN, 1}},
        /* where the connection breaks */
        {"dropped before the greeting",
         BELFRY_SMTP_ERR_LOST,
         CONNECT,
         0,
         "",
         {BELFRY_UNAVAILABLE, 0, SERVER_DOWN, DOMAIN_UNKNOWN, 1}},
        {"dropped at RCPT",
         BELFRY_SMTP_ERR_LOST,
         ENVELOPE,
         0,
         "",
         {BELFRY_RETRY, 0, SERVER_SUSPECT, DOMAIN_UNKNOWN, 1}},
        {"dropped in the content",
         BELFRY_SMTP_ERR_LOST,
         CONTENT,
         0,
         "",
         {BELFRY_RETRY, 0, SERVER_SUSPECT, DOMAIN_UNKNOWN, 1}},
        {"silent at MAIL",
         BELFRY_SMTP_ERR_TIMEOUT,
         ENVELOPE,
         0,
         "",
         {BELFRY_RETRY, 0, SERVER_SUSPECT, DOMAIN_UNKNOWN, 1}},
        {"ended at RCPT",
         BELFRY_SMTP_ERR_CANCELED,
         ENVELOPE,
         0,
         "",
         {BELFRY_RETRY, 0, SERVER_SUSPECT, DOMAIN_UNKNOWN, 0}},
        {"ended while connecting",
         BELFRY_SMTP_ERR_CANCELED,
         CONNECT,
         0,
         "",
         {BELFRY_RETRY, 0, SERVER_SUSPECT, DOMAIN_UNKNOWN, 0}},
        {"ended after the dot",
         BELFRY_SMTP_ERR_CANCELED,
         END,
         0,
         "",
         {BELFRY_UNKNOWN, 0, SERVER_UNKNOWN, DOMAIN_UNKNOWN, 0}},
        {"an error of a newer host", 99, ENVELOPE, 0, "", {BELFRY_RETRY, 0, SERVER_SUSPECT, DOMAIN_UNKNOWN, 1}},
        {"the same after the dot", 99, END, 0, "", {BELFRY_UNKNOWN, 0, SERVER_UNKNOWN, DOMAIN_UNKNOWN, 0}},
        {"no way to write the address",
         BELFRY_SMTP_ERR_ADDRESS,
         CONNECT,
         0,
         "",
         {BELFRY_REJECTED, 0, SERVER_UNKNOWN, DOMAIN_UNKNOWN, 0}},
        {"no way to write the mail",
         BELFRY_SMTP_ERR_MESSAGE,
         CONNECT,
         0,
         "",
         {BELFRY_REJECTED, 0, SERVER_UNKNOWN, DOMAIN_UNKNOWN, 0}},
        {"no way to read the URL",
         BELFRY_SMTP_ERR_URL,
         CONNECT,
         0,
         "",
         {BELFRY_UNAVAILABLE, 0, SERVER_MISCONFIGURED, DOMAIN_UNKNOWN, 1}},
        /* the server goes away in the middle */
        {"421 at MAIL", REPLY, ENVELOPE, 421, "4.3.2", {BELFRY_UNAVAILABLE, 0, SERVER_DOWN, DOMAIN_UNKNOWN, 1}},
        {"421 at MAIL, no reason", REPLY, ENVELOPE, 421, "", {BELFRY_UNAVAILABLE, 0, SERVER_DOWN, DOMAIN_UNKNOWN, 1}},
        {"421 after the dot", REPLY, END, 421, "4.4.2", {BELFRY_RETRY, 0, SERVER_DOWN, DOMAIN_UNKNOWN, 0}},
        {"421 of policy", REPLY, ENVELOPE, 421, "4.7.0", {BELFRY_RETRY, 0, SERVER_WORKS, DOMAIN_TRANSIENT, 0}},
        {"530 at MAIL",
         REPLY,
         ENVELOPE,
         530,
         "5.7.0",
         {BELFRY_UNAVAILABLE, 0, SERVER_MISCONFIGURED, DOMAIN_UNKNOWN, 1}},
        {"538 at MAIL",
         REPLY,
         ENVELOPE,
         538,
         "5.7.11",
         {BELFRY_UNAVAILABLE, 0, SERVER_MISCONFIGURED, DOMAIN_UNKNOWN, 1}},
        /* enhanced codes that say more */
        {"no such mailbox",
         REPLY,
         ENVELOPE,
         550,
         "5.1.1",
         {BELFRY_REJECTED, BELFRY_ADDRESS_BOUNCED, SERVER_WORKS, DOMAIN_WORKS, 0}},
        {"no such domain",
         REPLY,
         ENVELOPE,
         550,
         "5.1.2",
         {BELFRY_REJECTED, BELFRY_ADDRESS_BOUNCED, SERVER_WORKS, DOMAIN_WORKS, 0}},
        {"a null MX",
         REPLY,
         ENVELOPE,
         556,
         "5.1.10",
         {BELFRY_REJECTED, BELFRY_ADDRESS_BOUNCED, SERVER_WORKS, DOMAIN_WORKS, 0}},
        {"no such mailbox, after the dot",
         REPLY,
         END,
         550,
         "5.1.1",
         {BELFRY_REJECTED, BELFRY_ADDRESS_BOUNCED, SERVER_WORKS, DOMAIN_WORKS, 0}},
        {"not found for now", REPLY, ENVELOPE, 450, "4.1.1", {BELFRY_RETRY, 0, SERVER_WORKS, DOMAIN_TRANSIENT, 0}},
        {"our own address", REPLY, ENVELOPE, 550, "5.1.8", {BELFRY_REJECTED, 0, SERVER_WORKS, DOMAIN_WORKS, 0}},
        {"full for now",
         REPLY,
         ENVELOPE,
         452,
         "4.2.2",
         {BELFRY_RETRY, BELFRY_ADDRESS_SOFT, SERVER_WORKS, DOMAIN_UNKNOWN, 0}},
        {"full", REPLY, ENVELOPE, 552, "5.2.2", {BELFRY_REJECTED, BELFRY_ADDRESS_SOFT, SERVER_WORKS, DOMAIN_WORKS, 0}},
        {"too many for a mailbox", REPLY, ENVELOPE, 450, "4.2.1", {BELFRY_RETRY, 0, SERVER_WORKS, DOMAIN_SLOW, 0}},
        {"disabled for good", REPLY, ENVELOPE, 550, "5.2.1", {BELFRY_REJECTED, 0, SERVER_WORKS, DOMAIN_WORKS, 0}},
        {"too many from us", REPLY, END, 421, "4.7.28", {BELFRY_RETRY, 0, SERVER_WORKS, DOMAIN_SLOW, 0}},
        {"not authenticated", REPLY, END, 550, "5.7.26", {BELFRY_RETRY, 0, SERVER_WORKS, DOMAIN_POLICY, 0}},
        {"not authenticated, Microsoft", REPLY, END, 550, "5.7.515", {BELFRY_RETRY, 0, SERVER_WORKS, DOMAIN_POLICY, 0}},
        {"not aligned", REPLY, END, 421, "4.7.32", {BELFRY_RETRY, 0, SERVER_WORKS, DOMAIN_POLICY, 0}},
        {"no reverse DNS", REPLY, ENVELOPE, 550, "5.7.25", {BELFRY_RETRY, 0, SERVER_WORKS, DOMAIN_POLICY, 0}},
        {"listed, Microsoft", REPLY, CONTENT, 550, "5.7.606", {BELFRY_RETRY, 0, SERVER_WORKS, DOMAIN_POLICY, 0}},
        {"not for this list", REPLY, ENVELOPE, 550, "5.7.1", {BELFRY_REJECTED, 0, SERVER_WORKS, DOMAIN_WORKS, 0}},
        {"too large", REPLY, ENVELOPE, 552, "5.3.4", {BELFRY_REJECTED, 0, SERVER_WORKS, DOMAIN_WORKS, 0}},
        {"too large, plainly", REPLY, END, 552, "", {BELFRY_REJECTED, 0, SERVER_WORKS, DOMAIN_WORKS, 0}},
        {"no enhanced code at all",
         REPLY,
         ENVELOPE,
         550,
         "5.1.1.1",
         {BELFRY_REJECTED, 0, SERVER_WORKS, DOMAIN_WORKS, 0}},
        {"a code that is none", REPLY, ENVELOPE, 299, "", {BELFRY_RETRY, 0, SERVER_WORKS, DOMAIN_TRANSIENT, 0}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct belfry_smtp_answer answer = {.struct_size = sizeof(answer),
                                            .elapsed_us = 1000,
                                            .error = rows[i].error,
                                            .stage = rows[i].stage,
                                            .code = rows[i].code,
                                            .enhanced = belfry_str(rows[i].enhanced)};
        struct answer got = answer_judge(&answer), want = rows[i].means;
        if (got.outcome != want.outcome || got.report != want.report || got.server != want.server ||
            got.domain != want.domain || got.elsewhere != want.elsewhere)
            fail_msg("%s: outcome %u report %u server %d domain %d elsewhere %d", rows[i].what, got.outcome, got.report,
                     got.server, got.domain, got.elsewhere);
    }
}

/* Time ran out while it waited behind others for a connection: the server said nothing, and does nothing wrong. */
static void test_what_had_no_turn_is_not_the_servers_fault(void **state)
{
    (void)state;
    struct belfry_smtp_answer waited = {.struct_size = sizeof(waited), .error = BELFRY_SMTP_ERR_CANCELED};
    struct answer got = answer_judge(&waited);
    assert_int_equal(got.outcome, BELFRY_RETRY);
    assert_int_equal(got.server, SERVER_UNKNOWN);
    assert_int_equal(got.elsewhere, 0);
}

/* --- servers ------------------------------------------------------------------------------------------------------ */

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)

/* Two servers whose breakers are closed. */
static struct servers two(void)
{
    struct servers servers = {.count = 2};
    strcpy(servers.items[0].name, "first:25");
    strcpy(servers.items[1].name, "second:25");
    return servers;
}

static const char *next(struct servers *servers, uint32_t tried, int64_t now, int *probe)
{
    int64_t wait;
    struct server *s = servers_next(servers, tried, now, probe, &wait);
    return s ? s->name : "none";
}

static void test_servers_fail_over(void **state)
{
    struct servers servers = two();
    int64_t now = 1000 * MINUTE, wait;
    int probe;
    (void)state;
    assert_string_equal(next(&servers, 0, now, &probe), "first:25");
    assert_string_equal(next(&servers, 1, now, &probe), "second:25");
    assert_string_equal(next(&servers, 3, now, &probe), "none");
    assert_int_equal(server_note(&servers.items[0], SERVER_DOWN, 0, now), SERVER_OPENED);
    assert_string_equal(next(&servers, 0, now, &probe), "second:25");
    assert_int_equal(server_note(&servers.items[1], SERVER_MISCONFIGURED, 0, now + SECOND), SERVER_OPENED);
    assert_null(servers_next(&servers, 0, now + 2 * SECOND, &probe, &wait));
    assert_int_equal(wait, 28 * SECOND);
    assert_int_equal(servers_ready(&servers, now + 2 * SECOND, &wait), 0);
    assert_int_equal(wait, 28 * SECOND);
    assert_int_equal(servers_down(&servers), 2);
    assert_int_equal(servers_ready(&servers, now + 30 * SECOND, &wait), 1);
    assert_string_equal(next(&servers, 0, now + 30 * SECOND, &probe), "first:25");
    assert_int_equal(probe, 1);
}

/* One mail tries it, the others wait for what comes of that. */
static void test_a_probe(void **state)
{
    struct servers servers = two();
    int64_t now = 1000 * MINUTE, wait;
    int probe;
    (void)state;
    servers.count = 1;
    server_note(&servers.items[0], SERVER_DOWN, 0, now);
    now += 30 * SECOND;
    assert_string_equal(next(&servers, 0, now, &probe), "first:25");
    assert_int_equal(probe, 1);
    assert_null(servers_next(&servers, 0, now, &probe, &wait));
    assert_int_equal(wait, 5 * SECOND);
    assert_int_equal(server_note(&servers.items[0], SERVER_WORKS, 1, now), SERVER_CLOSED);
    assert_string_equal(next(&servers, 0, now, &probe), "first:25");
    assert_int_equal(probe, 0);
    assert_int_equal(server_note(&servers.items[0], SERVER_WORKS, 0, now), SERVER_SAME);
}

static void test_pauses_grow_to_five_minutes(void **state)
{
    static const int64_t pauses[] = {30, 60, 120, 240, 300, 300, 300};
    struct servers servers = two();
    struct server *s = &servers.items[0];
    int64_t now = 1000 * MINUTE;
    int probe = 0;
    (void)state;
    servers.count = 1;
    for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
        server_note(s, SERVER_DOWN, probe, now);
        server_note(s, SERVER_DOWN, 0, now); /* another mail that was under way */
        assert_int_equal(s->open_until_ms - now, pauses[i] * SECOND);
        now = s->open_until_ms;
        assert_string_equal(next(&servers, 0, now, &probe), "first:25");
    }
    server_note(s, SERVER_WORKS, 1, now);
    server_note(s, SERVER_DOWN, 0, now);
    assert_int_equal(s->open_until_ms - now, 30 * SECOND);
}

static void test_silence_has_to_repeat(void **state)
{
    struct servers servers = two();
    struct server *s = &servers.items[0];
    int64_t now = 1000 * MINUTE;
    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(server_note(s, SERVER_SUSPECT, 0, now), SERVER_SAME);
    server_note(s, SERVER_WORKS, 0, now); /* so it was the mail */
    for (int i = 0; i < 4; i++)
        assert_int_equal(server_note(s, SERVER_SUSPECT, 0, now), SERVER_SAME);
    assert_int_equal(server_note(s, SERVER_SUSPECT, 0, now), SERVER_OPENED);
}

static void test_a_clock_that_was_set_back(void **state)
{
    struct servers servers = two();
    int probe;
    (void)state;
    server_note(&servers.items[0], SERVER_DOWN, 0, 1000 * MINUTE);
    assert_string_equal(next(&servers, 0, 10 * MINUTE, &probe), "first:25");
}

/* --- domains ------------------------------------------------------------------------------------------------------ */

static void test_a_domain_rests(void **state)
{
    struct domains *domains = domains_new();
    int64_t now = 1000 * MINUTE;
    int probe;
    (void)state;
    assert_int_equal(domain_wait(domains, "a.example", now, &probe), 0);
    assert_int_equal(domain_note(domains, "a.example", DOMAIN_SLOW, 0, now), MINUTE);
    assert_int_equal(domain_note(domains, "a.example", DOMAIN_SLOW, 0, now), 0); /* was under way */
    assert_int_equal(domain_wait(domains, "a.example", now + SECOND, &probe), 59 * SECOND + 250);
    assert_int_equal(domain_wait(domains, "a.example", now + SECOND, &probe), 59 * SECOND + 500);
    assert_int_equal(domain_wait(domains, "b.example", now + SECOND, &probe), 0);
    assert_int_equal(domains_resting(domains), 1);
    now += MINUTE;
    assert_int_equal(domain_wait(domains, "a.example", now, &probe), 0);
    assert_int_equal(probe, 1);
    assert_int_equal(domain_wait(domains, "a.example", now, &probe), 10 * SECOND + 750);
    assert_int_equal(probe, 0);
    assert_int_equal(domain_note(domains, "a.example", DOMAIN_SLOW, 1, now), 2 * MINUTE);
    now += 2 * MINUTE;
    assert_int_equal(domain_wait(domains, "a.example", now, &probe), 0);
    assert_int_equal(domain_note(domains, "a.example", DOMAIN_WORKS, probe, now), 0);
    assert_int_equal(domains_resting(domains), 0);
    assert_int_equal(domain_wait(domains, "a.example", now, &probe), 0);
    assert_int_equal(probe, 0);
    domains_free(domains);
}

static void test_domain_pauses_grow_to_an_hour(void **state)
{
    static const struct {
        enum answer_domain what;
        int64_t minutes[8];
    } rows[] = {{DOMAIN_SLOW, {1, 2, 4, 8, 16, 32, 60, 60}}, {DOMAIN_POLICY, {15, 30, 60, 60, 60, 60, 60, 60}}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct domains *domains = domains_new();
        int64_t now = 1000 * MINUTE;
        int probe = 0;
        for (size_t k = 0; k < 8; k++) {
            assert_int_equal(domain_note(domains, "a.example", rows[i].what, probe, now), rows[i].minutes[k] * MINUTE);
            now += rows[i].minutes[k] * MINUTE;
            assert_int_equal(domain_wait(domains, "a.example", now, &probe), 0);
            assert_int_equal(probe, 1);
        }
        domains_free(domains);
    }
}

/* Ten mails in a row; each that is taken, or refused for good, begins the count anew. */
static void test_the_breaker_of_a_domain(void **state)
{
    struct domains *domains = domains_new();
    int64_t now = 1000 * MINUTE;
    int probe;
    (void)state;
    for (int i = 0; i < 9; i++)
        assert_int_equal(domain_note(domains, "a.example", DOMAIN_TRANSIENT, 0, now), 0);
    domain_note(domains, "a.example", DOMAIN_WORKS, 0, now);
    for (int i = 0; i < 9; i++)
        assert_int_equal(domain_note(domains, "a.example", DOMAIN_TRANSIENT, 0, now), 0);
    assert_int_equal(domain_note(domains, "a.example", DOMAIN_TRANSIENT, 0, now), MINUTE);
    now += MINUTE;
    assert_int_equal(domain_wait(domains, "a.example", now, &probe), 0);
    assert_int_equal(domain_note(domains, "a.example", DOMAIN_TRANSIENT, probe, now), 2 * MINUTE);
    /* a mail that ended without a word about the domain: the next one tries */
    now += 2 * MINUTE;
    assert_int_equal(domain_wait(domains, "a.example", now, &probe), 0);
    domain_note(domains, "a.example", DOMAIN_UNKNOWN, probe, now);
    assert_int_equal(domain_wait(domains, "a.example", now, &probe), 0);
    assert_int_equal(probe, 1);
    domains_free(domains);
}

/* A walk over millions of domains costs a thousand. */
static void test_domains_are_bounded(void **state)
{
    struct domains *domains = domains_new();
    int64_t now = 1000 * MINUTE;
    int probe;
    (void)state;
    for (int i = 0; i < 5000; i++) {
        char name[32];
        snprintf(name, sizeof(name), "d%d.example", i);
        domain_note(domains, name, DOMAIN_SLOW, 0, now + i);
    }
    assert_int_equal(domains_resting(domains), DOMAINS_MAX);
    assert_int_equal(domain_wait(domains, "d0.example", now + 5000, &probe), 0); /* forgotten */
    assert_true(domain_wait(domains, "d4999.example", now + 5000, &probe) > 0);
    assert_true(domain_wait(domains, "d4000.example", now + 5000, &probe) > 0);
    assert_int_equal(domain_wait(domains, "d3999.example", now + 5000, &probe), 0);
    domains_free(domains);
}

/* --- how many mails to take --------------------------------------------------------------------------------------- */

/* Two for each connection at least; as many as leave within a quarter of a second where a server is quick. */
static void test_what_is_taken_leaves_soon(void **state)
{
    static const struct {
        uint32_t connections;
        int64_t held_us[4]; /* 0: no more */
        uint32_t room;
    } rows[] = {
        {1, {0}, 2},
        {4, {0}, 8},
        {4, {2000000}, 8},
        {4, {250000}, 8},
        {1, {125000}, 3},
        {2, {25000}, 22},
        {1, {250}, 129},
        {1, {1}, 129},
        {1, {10000, 10000}, 26},
        {1, {10000, 330000}, 6}, /* one that took long is seen at once, and forgotten slowly */
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct servers servers = {.count = 2};
        servers.items[0].connections = rows[i].connections;
        servers.items[1].connections = 60;
        for (size_t k = 0; k < 4 && rows[i].held_us[k]; k++)
            server_held(&servers.items[0], rows[i].held_us[k]);
        if (servers_room(&servers) != rows[i].room)
            fail_msg("row %zu: %u, not %u", i, servers_room(&servers), rows[i].room);
        servers.items[0].open_until_ms = 1; /* left alone: the next one counts */
        assert_int_equal(servers_room(&servers), 120);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_what_had_no_turn_is_not_the_servers_fault),
        cmocka_unit_test(test_servers_fail_over),
        cmocka_unit_test(test_a_probe),
        cmocka_unit_test(test_pauses_grow_to_five_minutes),
        cmocka_unit_test(test_silence_has_to_repeat),
        cmocka_unit_test(test_a_clock_that_was_set_back),
        cmocka_unit_test(test_a_domain_rests),
        cmocka_unit_test(test_domain_pauses_grow_to_an_hour),
        cmocka_unit_test(test_the_breaker_of_a_domain),
        cmocka_unit_test(test_domains_are_bounded),
        cmocka_unit_test(test_what_is_taken_leaves_soon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
