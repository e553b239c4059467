/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The value is JSON, so that an operator can read it:
 *
 *     {"approval":{...},"at":MS,"step":0,"opened":MS,"open":["ann","bob"],"deputies":["dan"],"votes":[["cara",MS,0]]}
 *     {"closed":"approved","by":"bob","at":MS,"with":["cara"]}
 *
 * A vote is who, when, in which step, and in whose seat when it was not their own. After a rejection or a recall both
 * have "round", from 2. What is empty is left out. Every trigger reads one value and writes at most one.
 */
#include "state.h"
#include "text.h"

#include <inttypes.h>
#include <string.h>

static const char *const words[] = {"", "pending", "approved", "rejected", "recalled"};

const char *approval_status_word(enum approval_status status)
{
    return words[status];
}

static struct belfry_str text_of(const json_t *value)
{
    if (!json_is_string(value))
        return (struct belfry_str){NULL, 0};
    return (struct belfry_str){json_string_value(value), json_string_length(value)};
}

/* --- what was submitted ------------------------------------------------------------------------------------------- */

struct belfry_str approval_object_text(const json_t *object, const char *name)
{
    return text_of(json_object_get(object, name));
}

uint32_t approval_step_count(const json_t *object)
{
    return (uint32_t)json_array_size(json_object_get(object, "steps"));
}

const json_t *approval_step(const json_t *object, uint32_t step)
{
    return json_array_get(json_object_get(object, "steps"), step);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static int load_names(struct belfry_txn *txn, const json_t *list, struct approval_names *names)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (approval_names_add(txn, names, text_of(json_array_get(list, i))) < 0)
            return 0;
    return 1;
}

static int load_votes(struct belfry_txn *txn, const json_t *list, struct approval_state *state)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        struct approval_vote vote = {.by = text_of(json_array_get(item, 0)),
                                     .at_ms = json_integer_value(json_array_get(item, 1)),
                                     .step = (uint32_t)json_integer_value(json_array_get(item, 2)),
                                     .seat = text_of(json_array_get(item, 3))};
        if (!approval_state_vote(txn, state, &vote))
            return 0;
    }
    return 1;
}

static enum approval_status status_of(const json_t *root)
{
    const char *closed = json_string_value(json_object_get(root, "closed"));
    if (!closed)
        return json_is_object(json_object_get(root, "approval")) ? APPROVAL_PENDING : APPROVAL_UNKNOWN;
    for (int i = APPROVAL_APPROVED; i <= APPROVAL_RECALLED; i++)
        if (strcmp(closed, words[i]) == 0)
            return (enum approval_status)i;
    return APPROVAL_UNKNOWN;
}

int approval_state_load(struct belfry_txn *txn, struct belfry_str value, struct approval_state *state, int *foreign)
{
    json_error_t fault;
    *foreign = 0;
    *state = (struct approval_state){.root = json_loadb(value.ptr, value.len, 0, &fault)};
    json_t *root = state->root;
    state->status = status_of(root);
    if (state->status == APPROVAL_UNKNOWN) {
        *foreign = 1;
        return 0;
    }
    state->object = json_object_get(root, "approval");
    state->submitted_ms = state->at_ms = json_integer_value(json_object_get(root, "at"));
    state->opened_ms = json_integer_value(json_object_get(root, "opened"));
    state->step = (uint32_t)json_integer_value(json_object_get(root, "step"));
    state->round = (uint32_t)json_integer_value(json_object_get(root, "round"));
    state->round += state->round == 0; /* the first one is not written */
    state->by = text_of(json_object_get(root, "by"));
    return load_names(txn, json_object_get(root, "open"), &state->open) &&
           load_names(txn, json_object_get(root, "deputies"), &state->deputies) &&
           load_names(txn, json_object_get(root, "with"), &state->with) &&
           load_votes(txn, json_object_get(root, "votes"), state);
}

void approval_state_fini(struct approval_state *state)
{
    json_decref(state->root);
    state->root = NULL;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static void save_names(struct approval_text *text, const char *name, const struct approval_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        approval_text_addf(text, i ? "," : ",\"%s\":[", name);
        approval_text_str(text, names->items[i]);
    }
    if (names->count)
        approval_text_addz(text, "]");
}

static void save_votes(struct approval_text *text, const struct approval_state *state)
{
    for (size_t i = 0; i < state->vote_count; i++) {
        const struct approval_vote *vote = &state->votes[i];
        approval_text_addz(text, i ? ",[" : ",\"votes\":[[");
        approval_text_str(text, vote->by);
        approval_text_addf(text, ",%" PRId64 ",%" PRIu32, vote->at_ms, vote->step);
        if (vote->seat.len) {
            approval_text_addz(text, ",");
            approval_text_str(text, vote->seat);
        }
        approval_text_addz(text, "]");
    }
    if (state->vote_count)
        approval_text_addz(text, "]");
}

struct belfry_str approval_state_save(struct belfry_txn *txn, const struct approval_state *state)
{
    struct approval_text text = {.txn = txn};
    if (state->status == APPROVAL_PENDING) {
        approval_text_addz(&text, "{\"approval\":");
        approval_text_json(&text, state->object);
        approval_text_addf(&text, ",\"at\":%" PRId64 ",\"step\":%" PRIu32 ",\"opened\":%" PRId64, state->submitted_ms,
                           state->step, state->opened_ms);
        save_names(&text, "open", &state->open);
        save_names(&text, "deputies", &state->deputies);
        save_votes(&text, state);
    } else {
        approval_text_addf(&text, "{\"closed\":\"%s\",\"by\":", words[state->status]);
        approval_text_str(&text, state->by);
        approval_text_addf(&text, ",\"at\":%" PRId64, state->at_ms);
        save_names(&text, "with", &state->with);
    }
    if (state->round > 1)
        approval_text_addf(&text, ",\"round\":%" PRIu32, state->round);
    approval_text_addz(&text, "}");
    return approval_text_view(&text);
}

/* --- votes -------------------------------------------------------------------------------------------------------- */

int approval_state_vote(struct belfry_txn *txn, struct approval_state *state, const struct approval_vote *vote)
{
    size_t count = state->vote_count;
    if ((count & (count - 1)) == 0) { /* full at every power of two */
        struct approval_vote *votes = txn->api->alloc(txn, (count ? count * 2 : 1) * sizeof(*votes));
        if (!votes)
            return 0;
        if (count)
            memcpy(votes, state->votes, count * sizeof(*votes));
        state->votes = votes;
    }
    state->votes[state->vote_count++] = *vote;
    return 1;
}

const struct approval_vote *approval_state_vote_of(const struct approval_state *state, struct belfry_str by,
                                                   uint32_t step)
{
    for (size_t i = state->vote_count; i-- > 0;) {
        const struct approval_vote *vote = &state->votes[i];
        if ((step == UINT32_MAX || vote->step == step) && approval_same(vote->by, by))
            return vote;
    }
    return NULL;
}

const struct approval_vote *approval_state_vote_in(const struct approval_state *state, struct belfry_str seat)
{
    for (size_t i = state->vote_count; i-- > 0;)
        if (state->votes[i].step == state->step && approval_same(state->votes[i].seat, seat))
            return &state->votes[i];
    return NULL;
}

const struct approval_vote *approval_state_closer(const struct approval_state *state, uint32_t step)
{
    for (size_t i = state->vote_count; step < state->step && i-- > 0;)
        if (state->votes[i].step == step)
            return &state->votes[i];
    return NULL;
}

size_t approval_state_votes_in(const struct approval_state *state, uint32_t step)
{
    size_t count = 0;
    for (size_t i = 0; i < state->vote_count; i++)
        count += state->votes[i].step == step;
    return count;
}
