/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync.started, sync.progress, sync.finished, and the timers of runs that take long.
 *
 * Triggers of a run may come in any order and more than once: each adds what is not known yet, and then what that makes
 * of the run is done, whichever of them was last. Nobody is told of a run that is known to be shorter than
 * `background_after`; one whose length nobody knows counts as long, because silence about it could not be mended.
 *
 *     before       trigger      after
 *     anything     started      start known; kind and admin where they were missing
 *     unfinished   progress     the newest of them
 *     unfinished   finished     finished; progress goes, it says nothing any more
 *     finished     finished     the same outcome: as it was; another: 409
 *     finished     progress     as it was
 */
#include "receive.h"
#include "overview.h"
#include "tell.h"

#include <stdio.h>

#define COUNTS_MAX 8192 /* bytes of JSON: they travel with every list */
#define NOTE_MAX 300    /* characters */

struct change {
    struct sync_read read;
    struct sync_run run;
    struct sync_overviews overviews; /* doc NULL: not read, it has no say in this */
    json_t *said;                    /* the trigger's data; NULL: a timer's */
    int start_is_new, end_is_new, kind_is_new;
};

/* --- telling ------------------------------------------------------------------------------------------------------ */

static struct sync_telling telling(const struct change *c)
{
    return (struct sync_telling){c->read.sync, c->read.txn, &c->run, c->said, c->read.err};
}

/* Those who are to hear of its end and have not. */
static uint32_t whom(const struct change *c)
{
    const struct sync_config *config = c->read.sync->config;
    int64_t length = sync_run_length(&c->run);
    uint32_t out = 0;
    if (!c->run.finished.arrived_ms || (length >= 0 && length < config->background_after_ms))
        return 0;
    if (c->run.admin.ptr)
        out |= SYNC_TOLD_ADMIN;
    if (c->run.outcome != SYNC_SUCCEEDED && config->failures_to.count)
        out |= SYNC_TOLD_FAILURES;
    return out & ~c->run.told;
}

/* A row of an overview that is superseded already says so from the start, and one whose time is over has expired. */
static belfry_status tell_overview(struct change *c, const struct sync_telling *t, uint32_t to)
{
    int64_t until = sync_overviews_until(&c->overviews, c->run.id);
    int superseded = !until && sync_overviews_superseded(&c->overviews, &c->run);
    belfry_status status = sync_tell_finished(t, to, until || superseded ? until : c->read.txn->now_ms);
    if (until)
        sync_overviews_told(&c->overviews, c->run.id);
    return status == BELFRY_OK && superseded ? sync_overview_supersede(c->read.txn, c->run.id) : status;
}

static belfry_status tell_end(struct change *c)
{
    uint32_t to = whom(c);
    if (!to)
        return BELFRY_OK;
    struct sync_telling t = telling(c);
    c->run.told |= to;
    return sync_is_overview(&c->run) ? tell_overview(c, &t, to) : sync_tell_finished(&t, to, 0);
}

static belfry_status withdraw_stalled(struct change *c)
{
    struct belfry_txn *txn = c->read.txn;
    struct belfry_str type = belfry_str("sync.stalled"), subject = sync_key(txn, "run/", c->run.id);
    struct belfry_selection which = {
        .struct_size = sizeof(which), .types = {&type, 1}, .reason = belfry_str("it has finished")};
    return subject.ptr ? txn->api->withdraw(txn, subject, &which) : BELFRY_ELIMIT;
}

/* --- timers ------------------------------------------------------------------------------------------------------- */

static belfry_status set_timer(struct change *c, const char *prefix, int64_t when_ms)
{
    struct belfry_txn *txn = c->read.txn;
    struct belfry_str key = sync_key(txn, prefix, c->run.id), nothing = {"", 0};
    return key.ptr ? txn->api->timer_set(txn, key, when_ms > txn->now_ms ? when_ms : txn->now_ms, nothing)
                   : BELFRY_ELIMIT;
}

static belfry_status clear_timers(struct change *c)
{
    struct belfry_txn *txn = c->read.txn;
    struct belfry_str background = sync_key(txn, "background/", c->run.id);
    struct belfry_str stalled = sync_key(txn, "stalled/", c->run.id);
    if (!background.ptr || !stalled.ptr)
        return BELFRY_ELIMIT;
    belfry_status status = txn->api->timer_clear(txn, background);
    return status == BELFRY_OK ? txn->api->timer_clear(txn, stalled) : status;
}

static belfry_status go_to_background(struct change *c)
{
    struct sync_telling t = telling(c);
    c->run.background = 1;
    return sync_tell_backgrounded(&t);
}

/* It runs, and since when is known now. */
static belfry_status watch(struct change *c)
{
    const struct sync_config *config = c->read.sync->config;
    int64_t start = sync_moment_ms(c->run.started), background_at = start + config->background_after_ms;
    belfry_status status =
        background_at <= c->read.txn->now_ms ? go_to_background(c) : set_timer(c, "background/", background_at);
    if (status == BELFRY_OK && config->stalled_after_ms > 0)
        status = set_timer(c, "stalled/", start + config->stalled_after_ms);
    return status;
}

/* --- what a change makes of the run ------------------------------------------------------------------------------- */

static belfry_status apply_validity(struct change *c)
{
    struct sync_overviews *all = &c->overviews;
    struct belfry_txn *txn = c->read.txn;
    int overview = sync_same(c->run.kind, "overview"), ended = c->run.finished.arrived_ms != 0;
    belfry_status status = BELFRY_OK;
    if (!overview && !sync_same(c->run.kind, "sync"))
        return BELFRY_OK;
    status = sync_overviews_load(txn, all);
    if (status == BELFRY_OK && overview && c->run.started.arrived_ms && (c->start_is_new || c->kind_is_new))
        status = sync_overviews_started(txn, all, &c->run);
    if (!ended || !(c->end_is_new || c->kind_is_new))
        return status;
    if (status == BELFRY_OK && !overview)
        status = sync_overviews_synced(txn, all, &c->run, c->read.sync);
    else if (status == BELFRY_OK && sync_is_overview(&c->run))
        status = sync_overviews_ready(txn, all, &c->run, c->read.sync);
    return status;
}

static belfry_status apply_end(struct change *c)
{
    belfry_status status = BELFRY_OK;
    c->run.background = sync_run_length(&c->run) >= c->read.sync->config->background_after_ms;
    c->run.progress = (struct sync_progress){0};
    if (c->end_is_new && c->run.started.arrived_ms)
        status = clear_timers(c);
    if (status == BELFRY_OK && c->run.stalled)
        status = withdraw_stalled(c);
    c->run.stalled = 0;
    return status == BELFRY_OK ? tell_end(c) : status;
}

static belfry_status apply(struct change *c)
{
    belfry_status status = apply_validity(c);
    if (status == BELFRY_OK && c->run.finished.arrived_ms)
        status = apply_end(c);
    else if (status == BELFRY_OK && c->start_is_new)
        status = watch(c);
    if (status == BELFRY_OK && c->overviews.doc)
        status = sync_overviews_save(c->read.txn, &c->overviews);
    return status == BELFRY_OK ? sync_run_save(c->read.txn, &c->run) : status;
}

static void learn(struct change *c, struct belfry_str kind, struct belfry_str admin)
{
    if (!c->run.kind.ptr && kind.ptr) {
        c->run.kind = kind;
        c->kind_is_new = 1;
    }
    if (!c->run.admin.ptr)
        c->run.admin = admin;
    if (!c->run.first_ms)
        c->run.first_ms = c->read.trigger->arrived_ms;
}

/* --- sync.started ------------------------------------------------------------------------------------------------- */

static belfry_status load(struct change *c, struct belfry_str id)
{
    c->said = json_loadb(c->read.trigger->data.ptr, c->read.trigger->data.len, 0, NULL);
    return sync_run_load(c->read.txn, id, &c->run);
}

static belfry_status started(struct change *c)
{
    struct sync_read *r = &c->read;
    struct belfry_str id = sync_read_id(r, "/run/id");
    struct belfry_str kind = sync_read_kind(r, "/run/kind", 1), admin = sync_read_username(r, "/run/admin", 1);
    if (r->refused)
        return BELFRY_EINVAL;
    belfry_status status = load(c, id);
    if (status != BELFRY_OK || c->run.started.arrived_ms)
        return status; /* it is known to have started */
    learn(c, kind, admin);
    c->run.started = sync_moment_of(r->trigger);
    c->start_is_new = 1;
    return apply(c);
}

/* --- sync.progress ------------------------------------------------------------------------------------------------ */

/* One line of at most NOTE_MAX characters; longer ones are cut and end with an ellipsis. In scratch memory. */
static struct belfry_str one_line(struct belfry_txn *txn, struct belfry_str text)
{
    char *out = text.len ? txn->api->alloc(txn, text.len + 3) : NULL;
    size_t len = 0, characters = 0;
    if (!out)
        return (struct belfry_str){NULL, 0};
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if ((c & 0xc0) != 0x80 && ++characters == NOTE_MAX) {
            memcpy(out + len, "\xe2\x80\xa6", 3);
            return (struct belfry_str){out, len + 3};
        }
        out[len++] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
    }
    return (struct belfry_str){out, len};
}

/* Of two that claim the same time the one that is further. */
static int is_newer(const struct sync_progress *a, const struct sync_progress *b)
{
    return a->at_ms != b->at_ms ? a->at_ms > b->at_ms : a->done > b->done;
}

static belfry_status progress(struct change *c)
{
    struct sync_read *r = &c->read;
    struct belfry_str id = sync_read_id(r, "/run/id");
    struct sync_moment at = sync_moment_of(r->trigger);
    struct sync_progress p = {.done = sync_read_count(r, "/done"),
                              .total = sync_read_count(r, "/total"),
                              .at_ms = at.said_ms ? at.said_ms : at.arrived_ms};
    p.note = one_line(r->txn, sync_read_text(r, "/note", 0));
    if (r->refused)
        return BELFRY_EINVAL;
    belfry_status status = sync_run_load(r->txn, id, &c->run);
    if (status != BELFRY_OK || c->run.finished.arrived_ms || !is_newer(&p, &c->run.progress))
        return status;
    learn(c, c->run.kind, c->run.admin);
    c->run.progress = p;
    return sync_run_save(r->txn, &c->run);
}

/* --- sync.finished ------------------------------------------------------------------------------------------------ */

static int append(char *out, size_t *len, struct belfry_str text)
{
    memcpy(out + *len, text.ptr ? text.ptr : "", text.len);
    *len += text.len;
    out[(*len)++] = '\n';
    return 1;
}

/* The log as text: it is one, or a list of lines. In scratch memory; {NULL, 0}: none. */
static struct belfry_str read_log(struct sync_read *r)
{
    const struct belfry_view *view = r->txn->api->value_view(r->txn, r->trigger);
    struct belfry_str none = {NULL, 0};
    struct belfry_value log, line;
    size_t len = 0;
    if (r->txn->api->value_get(r->txn, r->trigger, "/log", &log) != BELFRY_OK || log.type == BELFRY_VALUE_NULL)
        return none;
    if (log.type == BELFRY_VALUE_STRING)
        return log.s.len ? log.s : none;
    char *text = log.type == BELFRY_VALUE_ARRAY ? r->txn->api->alloc(r->txn, r->trigger->data.len + 1) : NULL;
    for (uint32_t i = 0; text && i < log.count; i++) {
        view->at(view, &log, i, &line);
        if (line.type != BELFRY_VALUE_STRING || !append(text, &len, line.s)) {
            text = NULL;
            break;
        }
    }
    if (!text)
        sync_refuse(r, "/log", "must be a text, or a list of lines");
    return text && len ? (struct belfry_str){text, len} : none;
}

static json_t *read_counts(struct change *c)
{
    json_t *counts = json_object_get(c->said, "counts");
    if (!counts || json_is_null(counts))
        return NULL;
    if (!json_is_object(counts))
        sync_refuse(&c->read, "/counts", "must be an object");
    else if (json_dumpb(counts, NULL, 0, JSON_COMPACT) > COUNTS_MAX)
        sync_refuse(&c->read, "/counts", "is more than 8192 bytes; what is long belongs into the log");
    return json_object_size(counts) ? counts : NULL;
}

static belfry_status keep_log(struct change *c, struct belfry_str log)
{
    struct belfry_txn *txn = c->read.txn;
    struct belfry_str key = sync_key(txn, "log/", c->run.id);
    if (!log.ptr)
        return BELFRY_OK;
    c->run.has_log = 1;
    belfry_status status = key.ptr ? txn->api->put(txn, key, log) : BELFRY_ELIMIT;
    if (status == BELFRY_EINVAL)
        sync_refuse(&c->read, "/log", "is over 1 MiB");
    return status;
}

static belfry_status finished_before(struct change *c, int outcome)
{
    char when[SYNC_TIME_TEXT];
    const struct belfry_host *host = c->read.sync->host;
    if (c->run.outcome == outcome)
        return BELFRY_OK;
    sync_time_text(sync_moment_ms(c->run.finished), when);
    host->fail_attr(c->read.err, "handled_at", belfry_str(when));
    return host->fail(c->read.err, BELFRY_ECONFLICT, NULL, "the run finished already: it %s at %s",
                      c->run.outcome == SYNC_PARTIAL ? "succeeded in part" : sync_outcomes[c->run.outcome], when);
}

static belfry_status finished(struct change *c)
{
    struct sync_read *r = &c->read;
    struct belfry_str id = sync_read_id(r, "/run/id");
    struct belfry_str kind = sync_read_kind(r, "/run/kind", 0), admin = sync_read_username(r, "/run/admin", 0);
    int outcome = sync_read_word(r, "/outcome", sync_outcomes, 1, "must be succeeded, partial or failed");
    struct belfry_str url = sync_read_link(r, "/url", 0), log = read_log(r);
    belfry_status status = load(c, id);
    json_t *counts = read_counts(c);
    if (r->refused)
        return BELFRY_EINVAL;
    if (status != BELFRY_OK || c->run.finished.arrived_ms)
        return status == BELFRY_OK ? finished_before(c, outcome) : status;
    learn(c, kind, admin);
    c->run.finished = sync_moment_of(r->trigger);
    c->run.outcome = outcome;
    c->run.counts = counts;
    c->run.url = url;
    c->end_is_new = 1;
    status = keep_log(c, log);
    return status == BELFRY_OK ? apply(c) : status;
}

/* --- calls of the hub --------------------------------------------------------------------------------------------- */

static void change_fini(struct change *c)
{
    sync_run_fini(&c->run);
    sync_overviews_fini(&c->overviews);
    json_decref(c->said);
}

static const struct {
    const char *type;
    belfry_status (*run)(struct change *c);
    belfry_status (*item)(struct sync_read *r);
} triggers[] = {{"sync.started", started, NULL},
                {"sync.progress", progress, NULL},
                {"sync.finished", finished, NULL},
                {"work.blocked", NULL, sync_blocked},
                {"work.unblocked", NULL, sync_unblocked}};

belfry_status sync_receive(void *self, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                           struct belfry_error *err)
{
    struct change c = {.read = {self, txn, trigger, err, 0}};
    for (size_t i = 0; i < sizeof(triggers) / sizeof(triggers[0]); i++) {
        if (!sync_same(trigger->type, triggers[i].type))
            continue;
        belfry_status status = triggers[i].run ? triggers[i].run(&c) : triggers[i].item(&c.read);
        change_fini(&c);
        return status;
    }
    return c.read.sync->host->fail(err, BELFRY_EINVAL, "/type",
                                   "must be sync.started, sync.progress, sync.finished, work.blocked or "
                                   "work.unblocked, not \"%.*s\"",
                                   (int)trigger->type.len, trigger->type.ptr);
}

belfry_status sync_due(void *self, struct belfry_txn *txn, struct belfry_str key, struct belfry_str payload,
                       int64_t was_due_ms, struct belfry_error *err)
{
    struct change c = {.read = {self, txn, NULL, err, 0}};
    struct belfry_str item = key;
    int background = sync_cut(&key, "background/");
    (void)payload;
    (void)was_due_ms;
    if (!background && !sync_cut(&key, "stalled/"))
        return sync_cut(&item, SYNC_ITEM) ? sync_item_due(txn, key) : BELFRY_OK;
    belfry_status status = sync_run_load(txn, key, &c.run);
    if (status == BELFRY_OK && c.run.place[0] && !c.run.finished.arrived_ms) {
        struct sync_telling t = telling(&c);
        if (!background)
            c.run.stalled = 1;
        status = background ? go_to_background(&c) : sync_tell_stalled(&t);
        if (status == BELFRY_OK)
            status = sync_run_save(txn, &c.run);
    }
    sync_run_fini(&c.run);
    return status;
}
