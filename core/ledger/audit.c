/* SPDX-License-Identifier: Apache-2.0 */
/* The audit: a row in the commit of the deed, so that there is no deed without one and none without a deed. */
#include "ledger/inside.h"

#include "store/audit.h"

#include <stdlib.h>

void ledger_txn_audit(struct ledger_txn *txn, struct belfry_str org, struct belfry_str who, const char *what,
                      const json_t *detail)
{
    struct buf text = {0};
    if (detail)
        json_write(detail, &text);
    struct store_audit row = {.id = ledger_txn_id(txn),
                              .org = org.len ? store_name(txn->conn, org) : 0,
                              .who = who,
                              .what = str_of(what),
                              .detail = buf_str(&text)};
    store_audit_add(txn->conn, &row);
    buf_free(&text);
}

struct audit_command {
    struct ledger_command command;
    char *org, *who, *what;
    json_t *detail;
    void (*done)(void *arg, belfry_status status);
    void *arg;
};

static belfry_status audit_run(struct ledger_command *command, struct ledger_txn *txn)
{
    const struct audit_command *c = LIST_OF(command, struct audit_command, command);
    ledger_txn_audit(txn, str_of(c->org), str_of(c->who), c->what, c->detail);
    return BELFRY_OK;
}

static void audit_done(struct ledger_command *command, belfry_status status)
{
    struct audit_command *c = LIST_OF(command, struct audit_command, command);
    c->done(c->arg, status);
    json_decref(c->detail);
    free(c->org);
    free(c->who);
    free(c->what);
    free(c);
}

void ledger_audit(struct ledger *ledger, struct belfry_str org, struct belfry_str who, const char *what, json_t *detail,
                  void (*done)(void *arg, belfry_status status), void *arg)
{
    struct audit_command *c = xcalloc(1, sizeof(*c));
    *c = (struct audit_command){.org = xstrndup(org.ptr ? org.ptr : "", org.len),
                                .who = xstrndup(who.ptr, who.len),
                                .what = xstrdup(what),
                                .detail = detail,
                                .done = done,
                                .arg = arg};
    c->command = (struct ledger_command){.run = audit_run, .done = audit_done};
    if (ledger_submit(ledger, &c->command) != BELFRY_OK)
        audit_done(&c->command, BELFRY_ECLOSED);
}
