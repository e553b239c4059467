/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread. It takes what is queued, up to a measure, runs it in one transaction together with a slice of whatever
 * came due by itself, commits, and answers. When the transaction fails it is rolled back and each command of it is run
 * again alone, so that one that cannot be written does not take others with it; what fails again is answered with the
 * failure. Nothing in memory outlives a rollback, so the second run sees what the first saw.
 */
#include "ledger/inside.h"

#include "base/log.h"

#include <stdlib.h>

#define GROUP_TRIGGERS 256
#define GROUP_ROWS 2000
#define GROUP_BYTES ((size_t)4 << 20)
#define GROUP_TIMERS 64
#define LATER_MAX 256 /* commands that a group passes by */
/* What runs alone holds up all others: its source has so many groups of timers' time to come to an end of what is due.
 */
#define ALONE_ROUNDS 100
/* The heart beats at least so often, and a clock that somebody sets is seen so soon. */
#define BEAT_MS 1000
#define REST_NS UINT64_C(1000000000) /* after a failed transaction */

static uint64_t real_ns(void)
{
    return clock_mono_ns(clock_real());
}

/* --- one transaction ---------------------------------------------------------------------------------------------- */

static void set_now(struct ledger *ledger)
{
    int64_t before = ledger->txn.now, now = clock_now_ms(ledger->clock);
    ledger->txn.now = now;
    if (now < before)
        quarantine_clock_back(ledger, now);
    if (clock_is_virtual(ledger->clock))
        return; /* it is meant to jump */
    int64_t step = clock_watch_look(&ledger->watch, now, real_ns());
    if (!step)
        return;
    retention_hold(ledger);
    log_warn("ledger", "the clock was set, or the machine slept; what is due follows it, nothing old is deleted yet",
             "by_ms=%lld", (long long)step);
}

static belfry_status begin(struct ledger *ledger)
{
    struct ledger_txn *txn = &ledger->txn;
    arena_reset(txn->arena);
    set_now(ledger);
    txn->gen = ledger->gen;
    txn->changed_people = NULL;
    txn->changed_people_count = 0;
    txn->changed_owners = NULL;
    txn->deliveries = txn->tasks = 0;
    txn->target_count = 0;
    txn->group++;
    txn->timers_left = GROUP_TIMERS;
    txn->accepted = txn->duplicate = txn->refused = txn->events = txn->notifications = 0;
    outcome_counts_begin(ledger);
    rates_begin(ledger);
    directory_init(&txn->directory, txn->gen, txn->conn);
    txn->directory.api_empty = ledger->api_empty;
    txn->directory.no_preferences = ledger->no_preferences;
    belfry_status status = store_begin(txn->conn, NULL);
    if (!status)
        cache_load(txn);
    return status;
}

/* When the next row comes into an inbox. What else is due is claimed: dispatch knows when. */
static int64_t next_shown(struct ledger_txn *txn)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; txn->gen && i < txn->gen->pub->config->channel_count; i++) {
        const struct gen_channel *channel = &txn->gen->channels[i];
        if (!(channel->flags & BELFRY_DELIVERY_IN_COMMIT))
            continue;
        int64_t due = store_deliveries_next(txn->conn, channel->name, 0);
        next = due < next ? due : next;
    }
    return next;
}

/* Looks up what is not known in memory, inside the transaction that makes it so. */
static void look_ahead(struct ledger_txn *txn)
{
    struct ledger *ledger = txn->ledger;
    if (ledger->next_expiry == INT64_MIN)
        ledger->next_expiry = store_events_next_expiry(txn->conn);
    if (ledger->next_task == INT64_MIN)
        ledger->next_task = store_tasks_next(txn->conn, INT64_MIN);
    if (ledger->next_shown == INT64_MIN)
        ledger->next_shown = next_shown(txn);
}

static void forget(struct ledger *ledger)
{
    ledger->next_expiry = ledger->next_task = ledger->next_shown = INT64_MIN;
    ledger->jobs_open = JOBS_ALL;
    ledger->upkeep_at = 0;
}

static void drop_released(struct ledger_txn *txn)
{
    struct list *node;
    while ((node = list_pop_front(&txn->released)))
        free(LIST_OF(node, struct release, node));
}

static void roll_back(struct ledger *ledger)
{
    struct ledger_txn *txn = &ledger->txn;
    store_rollback(txn->conn);
    /* People and owners of the changed lists go with the caches. */
    txn->changed_people = NULL;
    txn->changed_people_count = 0;
    txn->changed_owners = NULL;
    drop_released(txn);
    targets_roll_back(ledger);
    made_roll_back(ledger);
    last_words_roll_back(txn);
    cache_drop(ledger);
    fanout_drop(ledger);
    forget(ledger);
    ledger->numbers.rollbacks++;
}

static void count(struct ledger *ledger, uint64_t commands, uint64_t commit_ns)
{
    struct ledger_txn *txn = &ledger->txn;
    struct ledger_numbers *n = &ledger->numbers;
    n->groups++;
    n->commands += commands;
    n->triggers_accepted += txn->accepted;
    n->triggers_duplicate += txn->duplicate;
    n->triggers_refused += txn->refused;
    n->events += txn->events;
    n->notifications += txn->notifications;
    n->commit_ns += commit_ns;
    outcome_counts_commit(ledger);
    pthread_mutex_lock(&ledger->numbers_lock);
    rates_commit(ledger);
    ledger->published = *n;
    pthread_mutex_unlock(&ledger->numbers_lock);
}

const char *ailment_of(belfry_status status)
{
    return status == BELFRY_ELIMIT  ? "the disk is full"
           : status == BELFRY_EPERM ? "the database cannot be written"
                                    : "the database cannot be read or written";
}

/* Why triggers cannot be taken; said once. */
static void ail(struct ledger *ledger, belfry_status status, const struct error *err)
{
    const char *ailment = ailment_of(status);
    if (atomic_exchange(&ledger->ailment, ailment) != ailment)
        log_error("ledger", "a transaction failed; triggers are answered 503 until one succeeds, next try in a second",
                  "error=%s", log_quote(error_text(err), strlen(error_text(err))));
}

static void recover(struct ledger *ledger)
{
    if (atomic_exchange(&ledger->ailment, NULL))
        log_info("ledger", "transactions succeed again", NULL);
}

/* Commits and keeps what became true; 0 or the fault, then everything is as before. */
static belfry_status finish(struct ledger *ledger, uint64_t commands)
{
    struct ledger_txn *txn = &ledger->txn;
    struct error err = {0};
    look_ahead(txn);
    cache_flush(txn);
    int wrote = store_written(txn->conn) > 0;
    uint64_t before = real_ns();
    belfry_status status = store_commit(txn->conn, &err);
    if (status) {
        ail(ledger, status, &err);
        error_clear(&err);
        roll_back(ledger);
        return status;
    }
    count(ledger, commands, real_ns() - before);
    targets_commit(ledger);
    made_commit(ledger);
    last_words_commit(txn);
    if (wrote) /* what only read says nothing of the disk */
        recover(ledger);
    if (ledger->gen != txn->gen)
        ledger->owners_next = INT64_MIN; /* other sources run now */
    ledger->gen = txn->gen;
    ledger->api_empty = txn->directory.api_empty;
    ledger->no_preferences = txn->directory.no_preferences;
    return BELFRY_OK;
}

/* After the answer has copied what it needs. */
static void settle_caches(struct ledger *ledger)
{
    struct ledger_txn *txn = &ledger->txn;
    for (struct person *p = txn->changed_people; p; p = p->next_changed)
        p->changed = 0;
    for (struct owner *o = txn->changed_owners; o; o = o->next_changed)
        o->changed = 0;
    txn->changed_people = NULL;
    txn->changed_people_count = 0;
    txn->changed_owners = NULL;
    cache_trim(ledger);
    store_checkpoint_restart(ledger->store);
}

static belfry_status run_command(struct ledger *ledger, struct ledger_command *command)
{
    struct ledger_txn *txn = &ledger->txn;
    txn->step++;
    command->status = command->run(command, txn);
    arena_reset(txn->arena);
    return command->status;
}

/* --- what comes due by itself ------------------------------------------------------------------------------------- */

/* The earliest of it, wall ms. */
static int64_t next_work(struct ledger *ledger, int64_t now)
{
    int64_t due[] = {timers_next(ledger),      ledger->next_expiry,
                     ledger->next_shown,       ledger->jobs_open ? INT64_MIN : INT64_MAX,
                     upkeep_next(ledger, now), retention_next(ledger, now)};
    int64_t next = INT64_MAX;
    for (size_t i = 0; ledger->gen && i < sizeof(due) / sizeof(due[0]); i++)
        next = due[i] < next ? due[i] : next;
    return next;
}

static void slice(struct ledger *ledger, void (*work)(struct ledger_txn *txn))
{
    struct ledger_txn *txn = &ledger->txn;
    if (store_fault(txn->conn, NULL))
        return;
    txn->step++;
    work(txn);
    arena_reset(txn->arena);
}

static void run_slices(struct ledger *ledger)
{
    struct ledger_txn *txn = &ledger->txn;
    if (!txn->gen)
        return;
    if (timers_next(ledger) <= txn->now)
        slice(ledger, timers_run_all);
    if (ledger->next_shown <= txn->now)
        slice(ledger, shown_slice);
    if (ledger->next_expiry <= txn->now)
        slice(ledger, expiry_slice);
    if (ledger->jobs_open)
        slice(ledger, job_slice);
    if (upkeep_next(ledger, txn->now) <= txn->now)
        slice(ledger, upkeep_slice);
    /* Nobody waits for it: only when there is nothing else to do. */
    if (list_empty(&ledger->todo) && retention_next(ledger, txn->now) <= txn->now)
        slice(ledger, retention_slice);
}

/* --- a group ------------------------------------------------------------------------------------------------------ */

static int has_room(const struct ledger *ledger, size_t triggers, size_t bytes)
{
    return triggers < GROUP_TRIGGERS && bytes < GROUP_BYTES && store_written(ledger->conn) < GROUP_ROWS;
}

/* Runs commands from the front of todo into `taken`. Those that want to wait for the next group stay, in their order,
 * and let others pass: a source with many timers due holds up nobody else. */
static uint64_t run_commands(struct ledger *ledger, struct list *taken)
{
    size_t triggers = 0, bytes = 0, waiting = 0;
    uint64_t ran = 0;
    struct list later;
    list_init(&later);
    while (!list_empty(&ledger->todo) && has_room(ledger, triggers, bytes) && !store_fault(ledger->conn, NULL) &&
           waiting < LATER_MAX) {
        struct ledger_command *command = LIST_OF(ledger->todo.next, struct ledger_command, node);
        if (run_command(ledger, command) == LEDGER_LATER) {
            list_remove(&command->node);
            list_push_back(&later, &command->node);
            waiting++;
            continue;
        }
        triggers += command->weight ? command->weight : 1;
        bytes += command->bytes;
        ran++;
        list_remove(&command->node);
        list_push_back(taken, &command->node);
        atomic_store(&ledger->beat, real_ns());
    }
    while (!list_empty(&later)) {
        struct list *last = later.prev;
        list_remove(last);
        list_push_front(&ledger->todo, last);
    }
    return ran;
}

void group_run_alone(struct ledger *ledger, struct ledger_command *command)
{
    struct list one;
    list_init(&one);
    belfry_status status;
    int later, rounds = 0;
    do {
        later = 0;
        atomic_store(&ledger->beat, real_ns());
        status = begin(ledger);
        if (!status)
            later = run_command(ledger, command) == LEDGER_LATER;
        status = status ? status : finish(ledger, 1);
        if (!status && later) {
            answer_group(ledger, &one);
            settle_caches(ledger);
        }
    } while (!status && later && ++rounds < ALONE_ROUNDS);
    if (!status && later)
        status = BELFRY_EAGAIN;
    if (status && store_fault(ledger->conn, NULL))
        roll_back(ledger);
    if (status && kept_add(ledger, command, status))
        return;
    list_push_back(&one, &command->node);
    if (status) {
        answer_failed(ledger, &one, status);
        return;
    }
    answer_group(ledger, &one);
    settle_caches(ledger);
}

static void fail_group(struct ledger *ledger, struct list *taken)
{
    struct list *node;
    ledger->rest_until = real_ns() + REST_NS;
    while ((node = list_pop_front(taken)))
        group_run_alone(ledger, LIST_OF(node, struct ledger_command, node));
}

/* Not even a transaction could be begun. */
static void fail_waiting(struct ledger *ledger, belfry_status status)
{
    struct list failed;
    struct list *node;
    list_init(&failed);
    while ((node = list_pop_front(&ledger->todo))) {
        if (!kept_add(ledger, LIST_OF(node, struct ledger_command, node), status))
            list_push_back(&failed, node);
    }
    if (!list_empty(&failed))
        answer_failed(ledger, &failed, status);
}

static void run_group(struct ledger *ledger)
{
    struct list taken;
    list_init(&taken);
    struct error err = {0};
    belfry_status status = begin(ledger);
    if (status) {
        store_fault(ledger->conn, &err);
        ail(ledger, status, &err);
        error_clear(&err);
        roll_back(ledger);
        ledger->rest_until = real_ns() + REST_NS;
        fail_waiting(ledger, status);
        return;
    }
    uint64_t ran = run_commands(ledger, &taken);
    if (real_ns() >= ledger->rest_until)
        run_slices(ledger);
    if (atomic_load(&ledger->ailment) && real_ns() >= ledger->rest_until && store_written(ledger->conn) == 0)
        store_mark_set(ledger->conn, STR("probe"), ledger->txn.now);
    if (finish(ledger, ran)) {
        fail_group(ledger, &taken);
        return;
    }
    answer_group(ledger, &taken);
    settle_caches(ledger);
}

/* --- the thread --------------------------------------------------------------------------------------------------- */

static void take_queued(struct ledger *ledger, uint64_t deadline_ns)
{
    struct list fresh;
    struct list *node;
    if (deadline_ns)
        queue_wait_all(&ledger->queue, &fresh, deadline_ns);
    else
        queue_take_all(&ledger->queue, &fresh);
    while ((node = list_pop_front(&fresh)))
        list_push_back(&ledger->todo, node);
}

struct settler {
    struct list node;
    void (*fn)(void *arg);
    void *arg;
};

void ledger_settle(struct ledger *ledger, void (*done)(void *arg), void *arg)
{
    struct settler *settler = xcalloc(1, sizeof(*settler));
    settler->fn = done;
    settler->arg = arg;
    queue_push(&ledger->settle_queue, &settler->node);
    queue_wake(&ledger->queue);
}

static void take_settlers(struct ledger *ledger)
{
    struct list fresh;
    struct list *node;
    queue_take_all(&ledger->settle_queue, &fresh);
    while ((node = list_pop_front(&fresh)))
        list_push_back(&ledger->settlers, node);
}

static void answer_settlers(struct ledger *ledger)
{
    struct list *node;
    while ((node = list_pop_front(&ledger->settlers))) {
        struct settler *settler = LIST_OF(node, struct settler, node);
        ledger_post(ledger, settler->fn, settler->arg);
        free(settler);
    }
}

static int64_t min2(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void publish_next(struct ledger *ledger, int64_t work)
{
    atomic_store(&ledger->next_due, min2(work, ledger->next_task));
}

/* 1 when there is work; else waits for some until something is due or a beat has passed. */
static int wait_for_work(struct ledger *ledger)
{
    take_settlers(ledger);
    take_queued(ledger, 0);
    uint64_t mono = real_ns();
    int64_t now = clock_now_ms(ledger->clock), next = next_work(ledger, now);
    int resting = mono < ledger->rest_until;
    int ailing = atomic_load(&ledger->ailment) != NULL;
    publish_next(ledger, next);
    if (!list_empty(&ledger->todo))
        return 1;
    if (atomic_load(&ledger->stopping)) {
        answer_settlers(ledger);
        return 0; /* what is due is durable and goes on at the next start */
    }
    if (!resting && (next <= now || ailing))
        return 1; /* an ailing ledger tries a transaction to see whether it is well */
    if ((next > now && list_empty(&ledger->kept)) || resting || ailing)
        answer_settlers(ledger);
    int64_t wait = BEAT_MS;
    if (!clock_is_virtual(ledger->clock) && next > now && next - now < BEAT_MS)
        wait = next - now;
    uint64_t until = mono + (uint64_t)wait * 1000000;
    if (resting && ledger->rest_until < until)
        until = ledger->rest_until;
    uint64_t kept = ailing ? UINT64_MAX : kept_next(ledger);
    until = kept < until ? kept : until;
    take_queued(ledger, until);
    return !list_empty(&ledger->todo);
}

void *group_main(void *arg)
{
    struct ledger *ledger = arg;
    for (;;) {
        atomic_store(&ledger->beat, real_ns());
        if (wait_for_work(ledger))
            run_group(ledger);
        else if (atomic_load(&ledger->stopping) && queue_count(&ledger->queue) == 0)
            break;
        kept_run(ledger, 0);
    }
    kept_run(ledger, 1);
    answer_settlers(ledger);
    return NULL;
}
