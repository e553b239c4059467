/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule index. Most rules ask for one source, one type or one category. For each of the three there is a table from
 * value to the set of rules that could accept it, and one set for values that no rule names. The candidates of an event
 * are the intersection: with sets as bits, one `and` for 64 rules, and they come out in the order of the rules.
 *
 * A rule that is no candidate cannot match, so leaving it out changes no plan; which rules do match is the conditions'
 * say.
 */
#include "route/index.h"

#include "base/hash.h"
#include "base/id.h"
#include "base/str.h"

#include <pthread.h>

#define DIMENSIONS 3

static const char *const paths[DIMENSIONS] = {"source", "type", "category"};

struct dimension {
    struct hash *values; /* to a set (uint64_t *) in the arena */
    uint64_t *others;    /* rules that accept a value which is not in the table */
};

struct route_index {
    size_t rules, words;
    struct dimension dimensions[DIMENSIONS];
};

static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static struct id_key process_key;

static void make_key(void)
{
    random_bytes(process_key.bytes, sizeof(process_key.bytes));
}

const struct id_key *route_key(void)
{
    pthread_once(&key_once, make_key);
    return &process_key;
}

static void free_values(void *values)
{
    hash_free(values, NULL);
}

/* The values that the rule's condition asks of a path: NULL when it may be anything. */
static const struct belfry_str *required(const struct config_rule *rule, const char *path, size_t *count)
{
    *count = 0;
    return rule->when ? match_required(rule->when, path, count) : NULL;
}

static void set_add(uint64_t *set, size_t rule)
{
    set[rule / 64] |= UINT64_C(1) << (rule % 64);
}

/* A set for each value that some rule names. */
static void collect_values(struct arena *arena, struct dimension *d, const char *path, const struct config *config,
                           size_t words)
{
    for (size_t r = 0; r < config->rule_count; r++) {
        size_t count;
        const struct belfry_str *values = required(&config->rules[r], path, &count);
        for (size_t i = 0; values && i < count; i++)
            if (!hash_get(d->values, values[i]))
                hash_set(d->values, values[i], arena_alloc(arena, words * sizeof(uint64_t)));
    }
}

static void add_rule(struct dimension *d, const char *path, const struct config_rule *rule, size_t r)
{
    size_t count, pos = 0;
    const struct belfry_str *values = required(rule, path, &count);
    for (size_t i = 0; values && i < count; i++)
        set_add(hash_get(d->values, values[i]), r);
    if (values)
        return;
    struct belfry_str key;
    void *set;
    set_add(d->others, r);
    while (hash_next(d->values, &pos, &key, &set))
        set_add(set, r);
}

struct route_index *route_index_new(struct arena *arena, const struct config *config)
{
    struct route_index *index = arena_alloc(arena, sizeof(*index));
    index->rules = config->rule_count;
    index->words = (config->rule_count + 63) / 64;
    for (size_t i = 0; i < DIMENSIONS; i++) {
        struct dimension *d = &index->dimensions[i];
        d->values = hash_new();
        d->others = arena_alloc(arena, index->words * sizeof(uint64_t));
        arena_cleanup(arena, free_values, d->values);
        collect_values(arena, d, paths[i], config, index->words);
        for (size_t r = 0; r < config->rule_count; r++)
            add_rule(d, paths[i], &config->rules[r], r);
    }
    return index;
}

static void load_word(struct route_candidates *walk)
{
    walk->bits = walk->word < walk->words
                     ? walk->sets[0][walk->word] & walk->sets[1][walk->word] & walk->sets[2][walk->word]
                     : 0;
}

void route_candidates(const struct route_index *index, const struct route_event *event, struct route_candidates *walk)
{
    const struct belfry_str values[DIMENSIONS] = {event->source, event->type, event->category};
    walk->word = 0;
    walk->words = index->words;
    for (size_t i = 0; i < DIMENSIONS; i++) {
        walk->sets[i] = hash_get(index->dimensions[i].values, values[i]);
        if (!walk->sets[i])
            walk->sets[i] = index->dimensions[i].others;
    }
    load_word(walk);
}

size_t route_candidates_next(struct route_candidates *walk)
{
    while (!walk->bits) {
        if (++walk->word >= walk->words)
            return SIZE_MAX;
        load_word(walk);
    }
    size_t bit = (size_t)__builtin_ctzll(walk->bits);
    walk->bits &= walk->bits - 1;
    return walk->word * 64 + bit;
}
