/* SPDX-License-Identifier: Apache-2.0 */
/* Whose deed a command is, kept while it is on its way. */
#include "ledger/inside.h"

#include <stdlib.h>

struct deed deed_copy(const struct ledger_deed *from)
{
    return (struct deed){.org = xstrndup(from->org.ptr, from->org.len),
                         .who = xstrndup(from->who.ptr, from->who.len),
                         .reason = from->reason.len ? xstrndup(from->reason.ptr, from->reason.len) : NULL};
}

void deed_free(struct deed *deed)
{
    free(deed->org);
    free(deed->who);
    free(deed->reason);
}

void deed_audit(struct ledger_txn *txn, const struct deed *deed, const char *what, json_t *detail)
{
    if (deed->reason)
        json_object_set_new(detail, "reason", json_string(deed->reason));
    ledger_txn_audit(txn, str_of(deed->org), str_of(deed->who), what, detail);
    json_decref(detail);
}
