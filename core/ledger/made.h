/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Targets that are made over the API, as rows and as commands. A command is one deed: the row, its audit, the index
 * that events are matched with from the next command on, and what becomes of what waits commit together. Versions are
 * compared in the command, so of two changes that name the same one the second is refused.
 */
#ifndef LEDGER_MADE_H
#define LEDGER_MADE_H

#include "ledger/ledger.h"
#include "store/deliveries.h"

/* What people set of one besides its URL, secret and settings: column `doc`. */
struct endpoint_doc {
    struct belfry_str description;
    struct belfry_strs types;
    struct belfry_str when, metadata; /* JSON; empty: none */
    uint32_t concurrency, rate_per_minute, order;
};
/* In arena. [any] */
struct belfry_str endpoint_doc_write(const struct endpoint_doc *doc, struct arena *arena);
void endpoint_doc_read(struct belfry_str text, struct arena *arena, struct endpoint_doc *out);

/* A row as a command left it. */
struct ledger_made {
    struct store_target row;
    struct belfry_str org, channel;
};

enum ledger_endpoint_deed {
    LEDGER_ENDPOINT_CREATE,
    LEDGER_ENDPOINT_CHANGE,
    LEDGER_ENDPOINT_REMOVE,
    LEDGER_ENDPOINT_ROTATE,
    LEDGER_ENDPOINT_ENABLE,
    LEDGER_ENDPOINT_DISABLE
};

/* Everything belongs to the caller and stays as it is until done. */
struct ledger_endpoint {
    struct ledger_command command; /* internal */
    uint64_t number;               /* internal */
    enum ledger_endpoint_deed what;
    struct ledger_deed deed; /* its org is the endpoint's; who creates it owns it */
    const char *channel;     /* of create */
    int64_t id;              /* filled by create */
    int64_t if_version;      /* of change, remove and rotate; 0: whatever is there */
    struct belfry_str url;   /* of create and change */
    struct endpoint_doc doc; /* the same */
    int enabled;             /* the same: 1, 0; of a change also -1: as it is, and after a move by itself */
    struct arena *arena;     /* the ledger's until done: what it fills in is here */
    /* Seals what the row is to have (secret, settings), knowing its id and name. In e->arena. Settings that say the
     * same as before stay as they were sealed, so that it shows that nothing changed; of others it notes in `differing`
     * which members do. [ledger] */
    struct belfry_strs differing;
    void (*fill)(struct ledger_endpoint *e, struct store_target *row, int64_t now_ms);
    struct ledger_made out; /* filled when OK or ECONFLICT: the row as it is now */
    int moved;              /* filled: the URL is another than before */
    /* [loop] ECONFLICT: another version; ENOTFOUND: none in this org; EPERM: the configuration's; EAGAIN: the channel
     * is not there, or takes no endpoints of this org */
    void (*done)(struct ledger_endpoint *e, belfry_status status);
    void *arg;
};
void ledger_endpoint(struct ledger *ledger, struct ledger_endpoint *endpoint);

/* Those of a channel, of all orgs, as of a command. Owned by the caller until done. */
struct ledger_made_list {
    struct ledger_command command; /* internal */
    const char *channel;
    struct arena *arena; /* the ledger's until done */
    struct ledger_made *items;
    size_t count, cap;
    void (*done)(struct ledger_made_list *list, belfry_status status); /* [loop] */
    void *arg;
};
void ledger_made_list(struct ledger *ledger, struct ledger_made_list *list);

#endif
