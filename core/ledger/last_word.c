/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has the last word about a target. A command that was kept when its transaction failed comes to run behind later
 * ones. So commands are numbered when they are submitted, and one that finds that a later one spoke of the same matter
 * leaves it as it is. What a transaction says counts only once it commits.
 */
#include "ledger/inside.h"

#include <stdlib.h>

struct words {
    uint64_t said[LAST_WORD_MATTERS], committed[LAST_WORD_MATTERS];
    struct words *next; /* in the transaction's list */
    int listed;
};

static struct words *words_of(struct ledger *ledger, int64_t target)
{
    struct belfry_str key = {(const char *)&target, sizeof(target)};
    struct words *words = hash_get(ledger->last_words, key);
    if (!words) {
        words = xcalloc(1, sizeof(*words));
        hash_set(ledger->last_words, key, words);
    }
    return words;
}

int last_word_later(struct ledger_txn *txn, int64_t target, enum last_word_matter matter, uint64_t number)
{
    const struct words *words = hash_get(txn->ledger->last_words, str_slice((const char *)&target, sizeof(target)));
    return words && words->said[matter] > number;
}

int last_word(struct ledger_txn *txn, int64_t target, enum last_word_matter matter, uint64_t number)
{
    struct words *words = words_of(txn->ledger, target);
    if (words->said[matter] > number)
        return 0;
    words->said[matter] = number;
    if (!words->listed) {
        words->next = txn->words;
        txn->words = words;
        words->listed = 1;
    }
    return 1;
}

static void settle_words(struct ledger_txn *txn, int committed)
{
    for (struct words *words = txn->words; words; words = words->next) {
        uint64_t *from = committed ? words->said : words->committed, *to = committed ? words->committed : words->said;
        memcpy(to, from, sizeof(words->said));
        words->listed = 0;
    }
    txn->words = NULL;
}

void last_words_commit(struct ledger_txn *txn)
{
    settle_words(txn, 1);
}

void last_words_roll_back(struct ledger_txn *txn)
{
    settle_words(txn, 0);
}
