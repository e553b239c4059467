/* SPDX-License-Identifier: Apache-2.0 */
/* Thousands of targets, t00000 and on; every fiftieth takes one of a subject at a time. */
#ifndef TESTS_CROWD_FIXTURE_H
#define TESTS_CROWD_FIXTURE_H

#include "claim_fixture.h"

#define CROWD_RULES "[{\"name\":\"h\",\"deliver\":[\"hooks\"]}]"
#define CROWD_PEOPLE "{\"ann\":[\"boss\"],\"bob\":[]}"
enum { CROWD_FIFO_EVERY = 50 };

struct crowd {
    struct bench *b;
    size_t count;
    uint8_t *out; /* 1: not in the file */
    int64_t *ids; /* of those that were in the file at least once */
    char (*names)[24];
    struct ledger_target *targets; /* as they were declared last */
};

static inline int crowd_is_fifo(size_t i)
{
    return i % CROWD_FIFO_EVERY == CROWD_FIFO_EVERY - 1;
}

/* What the ledger keeps for as long as the index is in force. */
struct crowd_index {
    struct bench_wait wait;
    struct route_target *routes;
};

static inline void crowd_index_done(void *arg, belfry_status status)
{
    bench_done(&((struct crowd_index *)arg)->wait, status);
}

static inline void crowd_index_free(void *arg)
{
    struct crowd_index *index = arg;
    free(index->routes);
    free(index);
}

static inline void crowd_declare(struct crowd *c)
{
    static const struct belfry_str all[] = {{"*", 1}};
    static const struct belfry_strs types = {all, 1};
    const struct config_instance *hooks = fixture_channel(c->b->config, "hooks");
    struct crowd_index *index = xcalloc(1, sizeof(*index));
    size_t n = 0;
    index->routes = xcalloc(c->count, sizeof(*index->routes));
    for (size_t i = 0; i < c->count; i++) {
        uint32_t order = crowd_is_fifo(i) ? BELFRY_ORDER_FIFO : BELFRY_ORDER_BEST_EFFORT;
        struct belfry_str name = str_of(c->names[i]);
        if (c->out[i])
            continue;
        c->targets[n] = (struct ledger_target){.org = STR("acme"),
                                               .name = name,
                                               .url = STR("https://hook.example/"),
                                               .secret = STR("sealed"),
                                               .order = order};
        index->routes[n++] = (struct route_target){.org = STR("acme"), .name = name, .types = &types, .order = order};
    }
    ledger_targets_declare(c->b->ledger, hooks, c->targets, n, NULL, NULL);
    ledger_targets_index(c->b->ledger, hooks, index->routes, c->targets, n, crowd_index_done, crowd_index_free, index);
    assert_int_equal(bench_until(c->b, &index->wait), BELFRY_OK);
    for (size_t i = 0, at = 0; i < c->count; i++)
        if (!c->out[i])
            c->ids[i] = c->targets[at++].id;
}

static inline void crowd_open(struct crowd *c, const char *rules, size_t count)
{
    *c = (struct crowd){.count = count, .b = bench_open(rules, CROWD_PEOPLE)};
    c->out = xcalloc(count, sizeof(*c->out));
    c->ids = xcalloc(count, sizeof(*c->ids));
    c->names = xcalloc(count, sizeof(*c->names));
    c->targets = xcalloc(count, sizeof(*c->targets));
    for (size_t i = 0; i < count; i++)
        snprintf(c->names[i], sizeof(c->names[i]), "t%05zu", i);
    crowd_declare(c);
    settle(c->b);
}

static inline void crowd_close(struct crowd *c)
{
    bench_free(c->b);
    free(c->out);
    free(c->ids);
    free(c->names);
    free(c->targets);
}

/* What a recovery came to. */
struct recovered {
    struct bench_wait wait;
    int64_t count;
};

static inline void on_recovered(void *arg, belfry_status status, int64_t count, int64_t since_ms)
{
    struct recovered *r = arg;
    (void)since_ms;
    r->count = count;
    bench_done(&r->wait, status);
}

#endif
