/* SPDX-License-Identifier: Apache-2.0 */
/* Options of the plugin, and rules as they are used. Everything here is made in create() and only read afterwards. */
#ifndef WORKFLOW_RULES_H
#define WORKFLOW_RULES_H

#include "record.h"

#include <belfry/host.h>

enum { WORKFLOW_ON_CREATE, WORKFLOW_ON_UPDATE, WORKFLOW_ON_BOTH }; /* choices of `on` */
enum { WORKFLOW_EVERY_TIME, WORKFLOW_ON_ENTERING };                /* choices of `fire` */

struct workflow_notify {
    struct belfry_list to; /* const char * */
    const struct belfry_template *title, *body;
    const char *category; /* NULL: the type's */
    int32_t severity;
};

struct workflow_rule_options {
    const char *name;
    const struct belfry_condition *when;
    struct workflow_notify notify;
    int64_t after_ms;
    int32_t on, fire;
};

struct workflow_config {
    struct belfry_list rules; /* struct workflow_rule_options */
};

struct workflow_recipient {
    enum { WORKFLOW_TO_OWNER, WORKFLOW_TO_CREATOR, WORKFLOW_TO_FIELD, WORKFLOW_TO_NAMED } kind;
    uint32_t named_kind;    /* BELFRY_TO_* */
    struct belfry_str name; /* of a field, user, role; the address */
};

struct workflow_rule {
    const struct workflow_rule_options *options;
    struct belfry_str type, reason, timer; /* "workflow.NAME", "rule NAME", "after/NAME/" */
    struct workflow_recipient *to;
    size_t to_count;
};

struct workflow {
    const struct belfry_host *host;
    const struct belfry_match_api *match;
    const struct belfry_template_api *templates;
    const struct belfry_rules_api *hub_rules;
    struct workflow_rule *rules;
    size_t rule_count;
    struct workflow_interest interest;
};

/* Fills rules and interest. Whatever passed the option table makes a rule. [loop] */
void workflow_rules_make(struct workflow *w, const struct workflow_config *config);
void workflow_rules_free(struct workflow *w);
/* The rule that a timer's key belongs to and the key of its record; NULL: it is gone. */
const struct workflow_rule *workflow_rule_of_timer(const struct workflow *w, struct belfry_str timer,
                                                   struct belfry_str *key);
/* "after/{rule}/record/{object}/{id}" in scratch memory. */
struct belfry_str workflow_timer(struct belfry_txn *txn, const struct workflow_rule *rule, struct belfry_str key);

int workflow_meets(const struct workflow *w, const struct workflow_rule *rule, const struct workflow_record *record);
/*
 * Emits the rule's event. data empty: the trigger's own. actor is left out, whoever else `to` names is told; whom the
 * record does not have is not.
 */
belfry_status workflow_notify(const struct workflow *w, const struct workflow_rule *rule,
                              const struct workflow_record *record, struct belfry_str key, struct belfry_str data,
                              struct belfry_str actor, struct belfry_error *err);
/* What the hub takes for a username. */
int workflow_is_username(struct belfry_txn *txn, struct belfry_str name);

#endif
