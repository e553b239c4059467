/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands that may not be lost. Nobody stands behind the result of a task, the hold of an endpoint or an event of the
 * hub who could ask again, and a task that was taken by this boot ends only by what its result writes. So when the
 * transaction of such a command fails it is not answered but kept, and run again, alone, 0.1 s doubling to 1 min later,
 * as soon as other transactions succeed: one that fails for a reason of its own must not be taken for a disk that
 * fails. What the disk refuses is kept for as long as it takes; what SQLite refuses for what it is (a constraint, a
 * size) will be refused again, so after some tries it is answered.
 */
#include "ledger/inside.h"

#include "base/log.h"

#define WAIT_FIRST_NS UINT64_C(100000000)
#define DOUBLINGS_MAX 9  /* 51 s */
#define OWN_FAULTS_MAX 4 /* more than one: what stood in the way may be gone */

/* 1: it has failed often enough for a reason that is not the disk's. */
static int is_hopeless(const struct ledger *ledger, struct ledger_command *command, belfry_status status)
{
    if (status != BELFRY_EINTERNAL || ++command->own_faults < OWN_FAULTS_MAX)
        return 0;
    const char *why = store_fault_last(ledger->conn);
    log_error("ledger", "a change cannot be written though others can; it is given up", "what=%s tries=%u error=%s",
              log_quote(command->must, strlen(command->must)), command->tries + 1, log_quote(why, strlen(why)));
    return 1;
}

int kept_add(struct ledger *ledger, struct ledger_command *command, belfry_status status)
{
    if (!command->must || atomic_load(&ledger->stopping) || is_hopeless(ledger, command, status))
        return 0;
    command->again_ns = clock_mono_ns(clock_real()) + (WAIT_FIRST_NS << command->tries);
    if (command->tries < DOUBLINGS_MAX)
        command->tries++;
    list_push_back(&ledger->kept, &command->node);
    return 1;
}

uint64_t kept_next(const struct ledger *ledger)
{
    uint64_t next = UINT64_MAX;
    LIST_EACH(node, &ledger->kept)
    {
        uint64_t again = LIST_OF(node, struct ledger_command, node)->again_ns;
        next = again < next ? again : next;
    }
    return next;
}

void kept_run(struct ledger *ledger, int all)
{
    struct list ready;
    struct list *node;
    uint64_t now = clock_mono_ns(clock_real());
    list_move(&ready, &ledger->kept);
    while ((node = list_pop_front(&ready))) {
        struct ledger_command *command = LIST_OF(node, struct ledger_command, node);
        if (all || (command->again_ns <= now && !atomic_load(&ledger->ailment)))
            group_run_alone(ledger, command);
        else
            list_push_back(&ledger->kept, node);
    }
}
