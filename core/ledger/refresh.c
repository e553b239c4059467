/* SPDX-License-Identifier: Apache-2.0 */
/* Refresh as rows: who asked for which job, when, and how it ended. What it does is the hub's. */
#include "ledger/feed.h"

#include "ledger/inside.h"
#include "store/feeds.h"

#include <stdlib.h>

/* --- joining ------------------------------------------------------------------------------------------------------ */

struct join {
    struct ledger_command command;
    char *org, *username;
    int64_t job;
    int created;
    void (*done)(void *arg, belfry_status status, int64_t job, int created);
    void *arg;
};

/* An id that is no row's: whatever is drawn later is behind it, also after a restart. */
static int64_t moment(struct ledger_txn *txn)
{
    int64_t id = ledger_txn_id(txn);
    store_id_used(txn->conn, id);
    return id;
}

static belfry_status join_run(struct ledger_command *command, struct ledger_txn *txn)
{
    struct join *join = LIST_OF(command, struct join, command);
    int64_t org = store_name(txn->conn, str_of(join->org));
    join->job = store_refresh_open(txn->conn, org);
    join->created = join->job == 0;
    if (join->created) {
        struct store_job job = {.id = ledger_txn_id(txn), .kind = STORE_JOB_REFRESH, .org = org};
        store_job_add(txn->conn, &job);
        join->job = job.id;
    }
    store_refresh_join(txn->conn, join->job, ledger_txn_person(txn, org, str_of(join->username)), moment(txn));
    return BELFRY_OK;
}

static void join_free(struct join *join)
{
    free(join->org);
    free(join->username);
    free(join);
}

static void join_done(struct ledger_command *command, belfry_status status)
{
    struct join *join = LIST_OF(command, struct join, command);
    join->done(join->arg, status, status ? 0 : join->job, !status && join->created);
    join_free(join);
}

belfry_status ledger_refresh_join(struct ledger *ledger, struct belfry_str org, struct belfry_str username,
                                  void (*done)(void *arg, belfry_status status, int64_t job, int created), void *arg)
{
    struct join *join = xcalloc(1, sizeof(*join));
    join->org = xstrndup(org.ptr, org.len);
    join->username = xstrndup(username.ptr, username.len);
    join->done = done;
    join->arg = arg;
    join->command = (struct ledger_command){.run = join_run, .done = join_done};
    belfry_status status = ledger_submit(ledger, &join->command);
    if (status != BELFRY_OK)
        join_free(join);
    return status;
}

/* --- ending ------------------------------------------------------------------------------------------------------- */

struct ending {
    struct ledger_command command;
    int64_t job, parts_done, parts; /* job 0: all that have not ended */
    int failed;
    void (*done)(void *arg);
    void *arg;
};

static belfry_status end_run(struct ledger_command *command, struct ledger_txn *txn)
{
    struct ending *end = LIST_OF(command, struct ending, command);
    if (end->job)
        store_refresh_end(txn->conn, end->job, end->failed ? STORE_JOB_FAILED : STORE_JOB_DONE, end->parts_done,
                          end->parts, moment(txn));
    else
        store_refresh_interrupt(txn->conn, moment(txn));
    return BELFRY_OK;
}

static void end_done(struct ledger_command *command, belfry_status status)
{
    struct ending *end = LIST_OF(command, struct ending, command);
    (void)status; /* it is written in the end, or the next start finds it */
    if (end->done)
        end->done(end->arg);
    free(end);
}

static void submit_end(struct ledger *ledger, const struct ending *what)
{
    struct ending *end = xcalloc(1, sizeof(*end));
    *end = *what;
    end->command = (struct ledger_command){.run = end_run, .done = end_done, .must = "the end of a refresh"};
    if (ledger_submit(ledger, &end->command) != BELFRY_OK)
        end_done(&end->command, BELFRY_ECLOSED);
}

void ledger_refresh_end(struct ledger *ledger, int64_t job, int failed, int64_t parts_done, int64_t parts,
                        void (*done)(void *arg), void *arg)
{
    struct ending end = {
        .job = job, .failed = failed, .parts_done = parts_done, .parts = parts, .done = done, .arg = arg};
    submit_end(ledger, &end);
}

void ledger_refresh_interrupt(struct ledger *ledger)
{
    struct ending all = {0};
    submit_end(ledger, &all);
}
