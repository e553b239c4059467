/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dispatch: takes due deliveries out of the ledger (claims), hands them to delivery plugins, writes what came of it.
 * Policy is here and nowhere else: retry schedule with jitter, Retry-After, per-target queues with concurrency, rate
 * and breaker, deadlines of batches. One dead target delays nobody else. Everything runs on the loop.
 */
#ifndef DISPATCH_DISPATCH_H
#define DISPATCH_DISPATCH_H

#include "base/clock.h"
#include "config/config.h"
#include "ledger/ledger.h"

#include <belfry/host.h>
#include <uv.h>

#define DISPATCH_CONCURRENCY 8 /* of a target that names none */

struct dispatch;

struct dispatch_settings {
    uv_loop_t *loop;
    struct clock_src *clock;
    struct ledger *ledger;
    struct store *store;
    void *arg;
    /* a person's address and language as of now, for PER_RECIPIENT items: ENOTFOUND when unknown */
    belfry_status (*person)(void *arg, struct arena *arena, struct belfry_str org, struct belfry_str username,
                            struct belfry_person *out);
    /* events of the hub itself that a channel's plugin raises: dispatch_alarm() */
    void (*alarm)(void *arg, const char *type, struct belfry_str org, struct belfry_str subject, const char *text);
    const char *public_url;
    const uint8_t *secret; /* hub.secret, 32 bytes: endpoint secrets are sealed with a key derived from it */
};

struct dispatch *dispatch_new(const struct dispatch_settings *settings);
/*
 * Stops claiming and waits for what is under way, up to wait_ms of real time; what is left then is cancelled. A
 * target's delivery is given back, due again under the same id; one to a person has a second for its plugin to say how
 * far it got, else it is `unknown`. done once.
 */
void dispatch_stop(struct dispatch *dispatch, int64_t wait_ms, void (*done)(void *arg), void *arg);
/* The ledger is about to close: nothing is written from now on, and every instance is released. After dispatch_stop, or
 * before the first channel. */
void dispatch_detach(struct dispatch *dispatch);
/* After dispatch_detach, and after the ledger answered its last command. Calls no plugin. */
void dispatch_free(struct dispatch *dispatch);

/* A live delivery instance. Whoever made it keeps it until released. */
struct dispatch_channel {
    const struct config_instance *instance;
    struct config *config; /* of the instance: names the orgs that its targets serve */
    const struct belfry_delivery *vtable;
    void *self;
    const struct belfry_host *host;
    void (*released)(void *arg); /* once: nothing of dispatch names the instance any more */
    void *arg;
};
/*
 * Adds or, by name, replaces (the old one drains: its batches finish under it). The same instance again, under a new
 * generation, replaces nothing. 1: dispatch holds the instance and owes released(); 0: it has no use for it (the ledger
 * delivers by itself, IN_COMMIT; or dispatch was detached).
 */
int dispatch_channel_set(struct dispatch *dispatch, const struct dispatch_channel *channel);
/*
 * The channel `from` is now called `to`: what is under way, breakers and rates go on. Before dispatch_channel_set() of
 * the new one. Without such a channel nothing happens.
 */
void dispatch_channel_rename(struct dispatch *dispatch, const char *from, const char *to);
/* No new batches; the instance is released when the last one ended. */
void dispatch_channel_remove(struct dispatch *dispatch, const char *name);

/*
 * belfry.targets/1 for a channel, in start() or reload() of its plugin. The set comes into force with
 * dispatch_channel_set() for the same instance (host names it), so a configuration that is rejected after all changes
 * nothing; at once when that was before. It is in force for every trigger that reaches the ledger after that call.
 * Copies; keeps a reference to config. Secrets are sealed with the key before they are stored. EINVAL without an
 * attempt in the policy or with a name twice.
 */
belfry_status dispatch_targets(struct dispatch *dispatch, const char *channel, const struct belfry_host *host,
                               const struct belfry_target_spec *specs, uint32_t count,
                               const struct belfry_target_policy *policy, const struct config *config,
                               struct error *err);

/*
 * While a reload is on its way, what instances declare (in start() or reload()) is only prepared: dispatch_channel_set
 * puts it in force, and release forgets what was not.
 */
void dispatch_targets_hold(struct dispatch *dispatch);
void dispatch_targets_release(struct dispatch *dispatch);

/* belfry.targets/1 pace: what the receiver of a target of this channel allows a minute, 0: no more is said of it. */
void dispatch_target_pace(struct dispatch *dispatch, const char *channel, int64_t target, uint32_t per_minute);

/* host->complete of a channel's plugin. Called on the loop (the host room posts it there). 0 when no complete() is owed
 * for the id (any more), which is counted. */
int dispatch_complete(struct dispatch *dispatch, uint64_t batch, const struct belfry_result *results, uint32_t n);

/* What a channel's plugin has to tell the operators of an org: settings.alarm. */
void dispatch_alarm(const struct dispatch *dispatch, const char *type, struct belfry_str org, struct belfry_str subject,
                    const char *text);

/* News of a commit: look at the queues. */
void dispatch_wake(struct dispatch *dispatch, const struct ledger_news *news);

/* The wait before attempt n+1 (n = attempts made): the schedule's or Retry-After, whichever is longer, at most 24 h;
 * and jitter on top, 0..10 % (up to 1 s at least, when the wait is not 0), so it is never early. Pure. -1: no more
 * attempts.
 */
int64_t dispatch_wait_ms(const struct belfry_target_policy *policy, uint32_t attempts, int64_t retry_after_ms,
                         uint64_t random);

/* 1 when nothing is due at the present clock and nothing is under way (for the virtual clock). */
int dispatch_idle(const struct dispatch *dispatch);

struct dispatch_numbers {
    uint64_t inflight, claims, batches, targets, breakers_open, late_completions;
};
void dispatch_numbers(const struct dispatch *dispatch, struct dispatch_numbers *out);

/* A target as people are shown it, valid during the call: url, settings and secret may hold credentials. */
struct dispatch_target_view {
    int64_t id;
    const char *channel;
    struct belfry_str org, name, url;
    const struct belfry_target_spec *spec; /* as the configuration declares it; NULL: not in force, or the API's */
    uint32_t concurrency, rate_per_minute, order, inflight;
    int enabled;
    const char *breaker;      /* "closed", "open", "half_open" */
    int64_t breaker_until_ms; /* 0: closed */
    int64_t last_success_ms;  /* since the start; 0: none */
    int64_t created_ms;
    int from_yaml;
    struct belfry_strs types;           /* none: all */
    struct belfry_str settings, secret; /* plain; the newest */
    /* of one that was made over the API */
    struct belfry_str owner, description, when, metadata; /* when and metadata: JSON; empty: none */
    int64_t version;
    int sealed; /* what is sealed of it cannot be opened: settings and secret are not known, and nothing is sent */
};
/* Those of an org, in no order. */
void dispatch_targets_each(const struct dispatch *dispatch, struct belfry_str org,
                           void (*fn)(void *arg, const struct dispatch_target_view *view), void *arg);
/* One of them; 0: there is none. Valid until the next turn of the loop. */
int dispatch_target_get(const struct dispatch *dispatch, struct belfry_str org, int64_t id,
                        struct dispatch_target_view *out);

#endif
