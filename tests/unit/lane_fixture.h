/* SPDX-License-Identifier: Apache-2.0 */
/* One endpoint that takes one of a subject at a time, and what it was given. */
#ifndef TESTS_LANE_FIXTURE_H
#define TESTS_LANE_FIXTURE_H

#include "claim_fixture.h"

#include "store/lanes.h"

#define LANE_RULES "[{\"name\":\"h\",\"deliver\":[\"hooks\"]}]"
#define LANE_PEOPLE "{\"ann\":[\"boss\"],\"bob\":[]}"

struct lanes {
    struct bench *b;
    struct ledger_target target;
    struct route_target route;
};

static inline void lanes_declare(struct lanes *l, uint32_t order)
{
    static const struct belfry_str all[] = {{"*", 1}};
    static const struct belfry_strs types = {all, 1};
    struct bench_wait wait = {0};
    const struct config_instance *hooks = fixture_channel(l->b->config, "hooks");
    l->target = (struct ledger_target){.org = STR("acme"),
                                       .name = STR("one"),
                                       .url = STR("https://hook.example/"),
                                       .secret = STR("sealed"),
                                       .order = order};
    l->route = (struct route_target){.org = STR("acme"), .name = STR("one"), .types = &types, .order = order};
    ledger_targets_declare(l->b->ledger, hooks, &l->target, 1, NULL, NULL);
    ledger_targets_index(l->b->ledger, hooks, &l->route, &l->target, 1, bench_done, NULL, &wait);
    assert_int_equal(bench_until(l->b, &wait), BELFRY_OK);
    settle(l->b);
}

static inline void lanes_open(struct lanes *l, const char *rules, uint32_t order)
{
    l->b = bench_open(rules, LANE_PEOPLE);
    lanes_declare(l, order);
}

static inline void lanes_restart(struct lanes *l)
{
    uint32_t order = l->target.order;
    bench_stop(l->b);
    bench_start(l->b, NULL);
    lanes_declare(l, order);
}

static inline void lanes_enable(struct lanes *l, int on)
{
    struct bench_wait wait = {0};
    ledger_target_enable(l->b->ledger, l->target.id, on, "by hand", bench_done, &wait);
    assert_int_equal(bench_until(l->b, &wait), BELFRY_OK);
}

/* subject NULL: none */
static inline void lanes_emit(struct lanes *l, const char *title, const char *subject)
{
    char text[300], about[100] = "";
    if (subject)
        snprintf(about, sizeof(about), "\"subject\":\"%s\",", subject);
    snprintf(text, sizeof(text), "[[\"%s\",[\"emit\",{\"type\":\"free.note\",%s\"title\":\"%s\",\"to\":[\"ann\"]}]]]",
             title, about, title);
    assert_int_equal(send_now(l->b, text), BELFRY_OK);
}

/* Claims up to max rows: their titles, joined by blanks; ids, in the same order, when wanted. */
static inline const char *lanes_claim(struct lanes *l, size_t max, int64_t *ids)
{
    static char out[2000];
    struct claimed c;
    size_t len = 0;
    claim(l->b, &c, "hooks", l->target.id, max);
    out[0] = '\0';
    for (size_t i = 0; i < c.claim.count; i++) {
        len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%.*s", i ? " " : "", STR_ARG(c.claim.items[i].title));
        if (ids)
            ids[i] = c.claim.items[i].delivery;
    }
    arena_free(c.claim.arena);
    return out;
}

static inline int64_t lanes_row(struct lanes *l, const char *title)
{
    char sql[200];
    snprintf(sql, sizeof(sql), "SELECT d.id FROM delivery d JOIN event e ON e.id = d.event WHERE e.title = '%s'",
             title);
    return atoll(rows(l->b, sql));
}

static inline void lanes_delivered(struct lanes *l, const char *title)
{
    outcome(l->b, lanes_row(l, title), OUTCOME_delivered, 0, BELFRY_DELIVERED);
}

#endif
