/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message is read on a thread of the pool, because it may be a megabyte of somebody's choice. What it says is about
 * one delivery, whose signature it bears; without one nothing happens. Then the hub is asked whose delivery that was,
 * and told what follows: the address is of no use, not now, not wanted, or a category is to be stopped. Nothing is
 * ever sent in return. The log names the delivery and no address.
 */
#include "feedback.h"

#include "bounce.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_SIZE 512

struct feedback {
    struct email *email;
    uint64_t id;
    struct belfry_str recipient, message; /* into memory */
    char *memory;
    uint8_t key[32];
    struct bounce bounce;
    char what[128];   /* once it is known, for the log and the answer */
    uint32_t counter; /* of it, once it was done */
};

/* --- the end ------------------------------------------------------------------------------------------------------ */

static void end(struct feedback *f, uint32_t outcome, uint32_t level, const char *what)
{
    struct email *e = f->email;
    char line[LINE_SIZE];
    snprintf(line, sizeof(line), "mail came back: %s delivery=%s", what,
             f->bounce.delivery[0] ? f->bounce.delivery : "unknown");
    e->host->log(e->host, level, line);
    e->host->feedback_done(e->host, f->id, outcome, belfry_str(what));
    free(f->memory);
    free(f);
    email_idle(e);
}

/* What the hub could not do now it may do the next time. */
static void end_with(struct feedback *f, belfry_status status)
{
    const struct email *e = f->email;
    if (status == BELFRY_OK) {
        e->metrics->add(e->host, f->counter, 1);
        end(f, BELFRY_FEEDBACK_TAKEN, BELFRY_LOG_INFO, f->what);
    } else if (status == BELFRY_ENOTFOUND) {
        end(f, BELFRY_FEEDBACK_TAKEN, BELFRY_LOG_INFO, "whom it was for is no longer known");
    } else if (status == BELFRY_EPERM) {
        end(f, BELFRY_FEEDBACK_TAKEN, BELFRY_LOG_WARN, "somebody wants no more of a category that cannot be stopped");
    } else {
        end(f, BELFRY_FEEDBACK_LATER, BELFRY_LOG_WARN, "it could not be recorded");
    }
}

/* --- what follows ------------------------------------------------------------------------------------------------- */

static void on_reported(void *arg, belfry_status status)
{
    end_with(arg, status);
}

static void on_stopped(void *arg, belfry_status status, const struct belfry_subscription_state *state)
{
    (void)state;
    end_with(arg, status);
}

static void report(struct feedback *f, const struct belfry_mail_facts *facts, uint32_t what, const char *detail)
{
    const struct email *e = f->email;
    const struct belfry_address_report report = {.struct_size = sizeof(report),
                                                 .what = what,
                                                 .org = facts->org,
                                                 .address = facts->address,
                                                 .delivery = belfry_str(f->bounce.delivery),
                                                 .detail = belfry_str(detail)};
    e->addresses->report(e->host, &report, on_reported, f);
}

static void stop_category(struct feedback *f, const struct belfry_mail_facts *facts)
{
    const struct email *e = f->email;
    f->counter = e->counters.unsubscribed;
    const struct belfry_subscription which = {.struct_size = sizeof(which),
                                              .org = facts->org,
                                              .username = facts->username,
                                              .address =
                                                  facts->username.len ? (struct belfry_str){NULL, 0} : facts->address,
                                              .category = facts->category};
    e->addresses->stop(e->host, &which, on_stopped, f);
}

static void follow_report(struct feedback *f, const struct belfry_mail_facts *facts)
{
    static const struct {
        uint32_t what; /* 0: nothing is recorded */
        const char *text;
    } verdicts[] = {[BOUNCE_IGNORED] = {0, "no failure"},
                    [BOUNCE_HARD] = {BELFRY_ADDRESS_BOUNCED, "there is no such address"},
                    [BOUNCE_SOFT] = {BELFRY_ADDRESS_SOFT, "not delivered for now"},
                    [BOUNCE_POLICY] = {0, "refused by a policy, not for its address"}};
    const struct counters *counters = &f->email->counters;
    const struct bounce_recipient *about;
    char detail[BOUNCE_DETAIL_SIZE] = "";
    enum bounce_verdict verdict = bounce_judge(&f->bounce, facts->address, &about);
    if (about)
        bounce_describe(about, detail);
    snprintf(f->what, sizeof(f->what), "%s status=%s", verdicts[verdict].text,
             about && about->status[0] ? about->status : "-");
    f->counter = verdict == BOUNCE_HARD ? counters->bounced : counters->bounced_for_now;
    if (verdict == BOUNCE_POLICY)
        f->email->metrics->add(f->email->host, counters->policy_refusals, 1);
    if (verdicts[verdict].what)
        report(f, facts, verdicts[verdict].what, detail);
    else
        end(f, BELFRY_FEEDBACK_TAKEN, verdict == BOUNCE_POLICY ? BELFRY_LOG_WARN : BELFRY_LOG_INFO, f->what);
}

static void follow_complaint(struct feedback *f, const struct belfry_mail_facts *facts)
{
    if (f->bounce.complaint == BOUNCE_ABUSE) {
        snprintf(f->what, sizeof(f->what), "called junk");
        f->counter = f->email->counters.complaints;
        report(f, facts, BELFRY_ADDRESS_COMPLAINED, "called junk by its reader");
    } else if (f->bounce.complaint == BOUNCE_OPT_OUT) {
        snprintf(f->what, sizeof(f->what), "unsubscribed through its provider");
        stop_category(f, facts);
    } else {
        end(f, BELFRY_FEEDBACK_TAKEN, BELFRY_LOG_INFO, "a report that asks for nothing");
    }
}

static void on_facts(void *arg, belfry_status status, const struct belfry_mail_facts *facts)
{
    struct feedback *f = arg;
    if (status != BELFRY_OK) {
        end_with(f, status);
    } else if (f->bounce.kind == BOUNCE_REPORT) {
        follow_report(f, facts);
    } else if (f->bounce.kind == BOUNCE_COMPLAINT) {
        follow_complaint(f, facts);
    } else {
        snprintf(f->what, sizeof(f->what), "unsubscribed by mail");
        stop_category(f, facts);
    }
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* [worker] */
static void work(void *arg)
{
    struct feedback *f = arg;
    bounce_read(f->key, f->recipient, f->message, &f->bounce);
}

static void on_read(void *arg)
{
    struct feedback *f = arg;
    const struct email *e = f->email;
    int ours = f->bounce.delivery[0] != 0;
    if (f->bounce.kind == BOUNCE_AUTOMATIC)
        end(f, ours ? BELFRY_FEEDBACK_TAKEN : BELFRY_FEEDBACK_FOREIGN, BELFRY_LOG_INFO, "an automatic reply");
    else if (f->bounce.kind == BOUNCE_NOTHING)
        end(f, ours ? BELFRY_FEEDBACK_TAKEN : BELFRY_FEEDBACK_FOREIGN, BELFRY_LOG_WARN, "it is not understood");
    else if (!ours)
        end(f, BELFRY_FEEDBACK_FOREIGN, BELFRY_LOG_INFO, "nothing of this channel's is in it");
    else
        e->addresses->delivery(e->host, belfry_str(f->bounce.delivery), on_facts, f);
}

static void take(void *self, uint64_t id, struct belfry_str recipient, struct belfry_str message)
{
    struct email *e = self;
    struct feedback *f = calloc(1, sizeof(*f));
    char *memory = malloc(recipient.len + message.len + 1);
    if (!f || !memory) {
        free(f);
        free(memory);
        e->host->feedback_done(e->host, id, BELFRY_FEEDBACK_LATER, belfry_str("out of memory"));
        return;
    }
    if (recipient.len)
        memcpy(memory, recipient.ptr, recipient.len);
    if (message.len)
        memcpy(memory + recipient.len, message.ptr, message.len);
    *f = (struct feedback){.email = e,
                           .id = id,
                           .recipient = {memory, recipient.len},
                           .message = {memory + recipient.len, message.len},
                           .memory = memory};
    memcpy(f->key, e->token_key, sizeof(f->key));
    email_busy(e);
    if (e->worker->run(e->host, work, on_read, f) != BELFRY_OK)
        end(f, BELFRY_FEEDBACK_LATER, BELFRY_LOG_ERROR, "no thread could be had");
}

void feedback_start(void)
{
    bounce_start();
}

const struct belfry_feedback feedback_role = {.struct_size = sizeof(feedback_role), .take = take};
