/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ledger whose channel `mail` is one as mail is: people choose, and several items may be one. Category `work` goes
 * into digests unless somebody chooses otherwise, `LOUD` (role boss) too, `hub` goes by itself. The clock begins at
 * 22:13:20 UTC; digests go out at 8.
 */
#ifndef TESTS_MAIL_FIXTURE_H
#define TESTS_MAIL_FIXTURE_H

#include "claim_fixture.h"

#define MAIL_PEOPLE "{\"ann\":[\"boss\"],\"bob\":[],\"cid\":[]}"
#define MAIL_RULES "[{\"name\":\"m\",\"deliver\":[\"inbox\",{\"via\":\"mail\",\"unless\":[\"seen\"]}]}]"
#define WINDOW INT64_C(1700035200000) /* 2023-11-15T08:00:00Z */
#define DAY (1440 * MINUTE)

static inline struct bench *mail_new(const char *rules)
{
    static struct belfry_delivery delivery;
    struct bench *b = bench_new(rules, MAIL_PEOPLE);
    const struct plugin *plugin = fixture_channel(b->config, "mail")->plugin;
    delivery = (struct belfry_delivery){.struct_size = sizeof(delivery),
                                        .flags = BELFRY_DELIVERY_PER_RECIPIENT | BELFRY_DELIVERY_PREFERENCE |
                                                 BELFRY_DELIVERY_DIGEST,
                                        .max_batch = 50,
                                        .max_inflight = 8};
    ((struct plugin *)(uintptr_t)plugin)->delivery = &delivery;
    for (size_t i = 0; i < b->config->config.category_count; i++) {
        struct config_category *category = (struct config_category *)(uintptr_t)&b->config->config.categories[i];
        category->email = strcmp(category->name, "hub") == 0 ? CONFIG_EMAIL_UNSEEN : CONFIG_EMAIL_DIGEST;
    }
    return b;
}

static inline struct bench *mail_open(const char *rules)
{
    struct bench *b = mail_new(rules);
    bench_start(b, NULL);
    return b;
}

/* A note with that title, about a thing of that name, to somebody ("\"ann\",\"bob\""). */
static inline void note(struct bench *b, const char *title, const char *category, const char *to)
{
    static unsigned number;
    char text[600];
    snprintf(text, sizeof(text),
             "[[\"n%u\",[\"emit\",{\"type\":\"thing.note\",\"subject\":\"t/%s\",\"title\":\"%s\",\"category\":\"%s\","
             "\"to\":[%s]}]]]",
             number++, title, title, category, to);
    assert_int_equal(send_now(b, text), BELFRY_OK);
}

struct chosen {
    struct ledger_preference pub;
    struct bench_wait wait;
};

static inline void on_chosen(struct ledger_preference *p, belfry_status status)
{
    bench_done(&((struct chosen *)p->arg)->wait, status);
}

/* As PUT /v1/{org}/preferences takes it. */
static inline void choose(struct bench *b, const char *username, const char *json)
{
    static const struct belfry_strs none;
    struct arena *arena = arena_new(0);
    struct preference wanted;
    struct error err = {0};
    json_t *doc = json_read(str_of(json), &err);
    if (!doc || preference_read(doc, arena, &wanted, &err) != BELFRY_OK)
        fail_msg("%s: %s", json, error_text(&err));
    struct chosen c = {.pub = {.org = STR("acme"),
                               .username = str_of(username),
                               .wanted = &wanted,
                               .visible = &none,
                               .required = &none,
                               .done = on_chosen}};
    c.pub.arg = &c;
    ledger_preference_put(b->ledger, &c.pub);
    assert_int_equal(bench_until(b, &c.wait), BELFRY_OK);
    json_decref(doc);
    arena_free(arena);
}

/* What a claim gave, a line each: "digest 3/3 #2 ann: C,B,A" (kind, items/total, attempt, to whom, titles). */
static inline const char *claim_text(const struct ledger_claim *claim)
{
    static const char *const kinds[] = {"single", "digest", "catch-up"};
    static char out[8192];
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < claim->count; i++) {
        const struct ledger_claim_item *head = &claim->items[i];
        struct belfry_str to = head->username.len ? head->username : head->address;
        len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%s %zu/%u #%u %.*s: %.*s", i ? "\n" : "",
                                kinds[head->kind], head->rest_count + 1, head->total, head->attempt, STR_ARG(to),
                                STR_ARG(head->title));
        for (size_t r = 0; r < head->rest_count && len < sizeof(out) - 400; r++)
            len += (size_t)snprintf(out + len, sizeof(out) - len, ",%.*s", STR_ARG(head->rest[r].title));
    }
    return out;
}

static inline void expect_claim(struct bench *b, struct claimed *c, const char *expected)
{
    claim(b, c, "mail", 0, 10);
    if (strcmp(claim_text(&c->claim), expected) != 0)
        fail_msg("claimed\n%s\n--- should be\n%s", claim_text(&c->claim), expected);
}

/* The same of a claim of which nothing else is wanted. */
static inline void claims(struct bench *b, const char *expected)
{
    struct claimed c;
    expect_claim(b, &c, expected);
    arena_free(c.claim.arena);
}

/* What came of a claim's first. */
static inline void came_of(struct bench *b, const struct claimed *c, enum outcome state, int64_t due, uint32_t result)
{
    const struct ledger_claim_item *head = &c->claim.items[0];
    struct ledger_outcome o = {.delivery = head->delivery,
                               .bundle = head->bundle,
                               .attempt = head->attempt,
                               .state = state,
                               .due_ms = due,
                               .count_attempt = 1,
                               .result = result,
                               .started_ms = clock_now_ms(b->clock),
                               .detail = "said so"};
    struct bench_wait wait = {0};
    struct ledger_outcomes all = {.items = &o, .count = 1, .done = on_outcomes, .arg = &wait};
    ledger_outcomes(b->ledger, &all);
    assert_int_equal(bench_until(b, &wait), BELFRY_OK);
}

/* Claims what is expected, and it arrives. */
static inline void arrives(struct bench *b, const char *expected)
{
    struct claimed c;
    expect_claim(b, &c, expected);
    came_of(b, &c, OUTCOME_delivered, 0, BELFRY_DELIVERED);
    arena_free(c.claim.arena);
}

static inline void until_at(struct bench *b, int64_t ms)
{
    clock_set(b->clock, ms);
    ledger_poke(b->ledger);
    settle(b);
}

/* "A 3 1": title, state and whether it is open, by title. */
#define SQL_MAIL "SELECT e.title, d.state, d.open FROM delivery d JOIN event e ON e.id = d.event ORDER BY e.title, d.id"

#endif
