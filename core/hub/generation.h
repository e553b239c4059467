/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A generation as the hub holds it: the configuration, the ledger's view of it, and the instances. Instances whose
 * configuration did not change are shared with the generation before.
 */
#ifndef HUB_GENERATION_H
#define HUB_GENERATION_H

#include "hub/hub.h"

struct hub_instance {           /* counted by the generations that use it, and by dispatch */
    struct host_instance *live; /* NULL: could not be created (only at start) */
    uint64_t hash;
    const struct plugin *plugin;
    char *name;
    char *fault;      /* why it was left out; NULL: it was not */
    int64_t since_ms; /* when it was made */
    int channel;
    int dispatched; /* dispatch holds one of refs */
    int refs;
};

struct hub_generation {
    struct ledger_generation ledger; /* first member: released() gets it back */
    struct hub *hub;
    struct hub_instance **sources, **channels; /* by index in the configuration */
    int holds;                                 /* dry runs that read it */
    int released;                              /* the ledger let go */
};

/*
 * Makes the instances that `before` (may be NULL) does not have unchanged and starts them. strict: any fault undoes all
 * of it and returns NULL with err; else a faulty instance is left out and logged. config: the reference is taken on
 * success.
 */
struct hub_generation *hub_generation_new(struct hub *hub, struct config *config, struct hub_generation *before,
                                          int strict, struct error *err);
/* Before the commit: what was made is stopped, what was unmounted is mounted again. */
void hub_generation_undo(struct hub_generation *generation, struct hub_generation *before);
/* After the commit: channels go to dispatch, those that are gone drain. */
void hub_generation_activate(struct hub_generation *generation, struct hub_generation *before);
/* The ledger has let go and nobody holds it: instances that no other generation uses are stopped, then it is freed. */
void hub_generation_retire(struct hub_generation *generation);

#endif
