/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a source sees of a transaction: its state, the directory, the trigger's data, and a place to record what shall
 * change. Nothing here writes to the database, so the same code serves the ledger and a dry run over a reader's
 * snapshot.
 *
 * Limits of a call (10,000 reads, 10,000 changes, 4 MiB) stick: a source that goes on after it met one is refused, even
 * when it returns OK, because what it recorded may be half of what it meant.
 */
#include "ledger/inside.h"
#include "plugin/misuse.h"

#define READS_MAX 10000
#define CHANGES_MAX 10000
#define BYTES_MAX ((size_t)4 << 20)
#define KEY_MAX 512
#define VALUE_MAX ((size_t)1 << 20)
#define TASK_KEY_MAX 128

/* The call that this thread is in. A txn is believed only when it is this one's: a source may have kept it, or handed
 * it to another thread, and what it points to is gone then (R01). */
static _Thread_local struct call *running;

struct call *call_of(struct belfry_txn *txn, const char *what)
{
    if (running && txn == &running->pub)
        return running;
    const struct belfry_host *host = running ? running->source->live->host : NULL;
    misuse_thread(host ? host->instance : "", what);
    return NULL;
}

static int over_bytes(const struct call *call, size_t more)
{
    return arena_used(call->arena) - call->bytes_at_start + more > BYTES_MAX;
}

static belfry_status stick(struct call *call, belfry_status status)
{
    if (!call->fault)
        call->fault = status;
    return call->fault;
}

static belfry_status count_reads(struct call *call, size_t reads)
{
    call->reads += reads;
    if (call->reads > READS_MAX || over_bytes(call, 0))
        return stick(call, BELFRY_ELIMIT);
    belfry_status status = store_fault(call->conn, NULL);
    return status ? stick(call, status) : call->fault;
}

belfry_status call_change(struct call *call)
{
    if (++call->changes > CHANGES_MAX || over_bytes(call, 0))
        return stick(call, BELFRY_ELIMIT);
    return call->fault;
}

/* --- state -------------------------------------------------------------------------------------------------------- */

static belfry_status state_get(struct belfry_txn *txn, struct belfry_str key, struct belfry_str *value)
{
    struct call *call = call_of(txn, "get");
    if (!call)
        return BELFRY_ECLOSED;
    if (count_reads(call, 1))
        return call->fault;
    const struct op *op = record_state(call->record, key);
    if (op) {
        *value = op->value;
        return op->kind == OP_PUT ? BELFRY_OK : BELFRY_ENOTFOUND;
    }
    if (!call->inst || !call->org)
        return BELFRY_ENOTFOUND;
    uint64_t begin = clock_mono_ns(clock_real());
    int found = store_state_get(call->conn, call->inst, call->org, key, call->arena, value);
    call->waited_ns += clock_mono_ns(clock_real()) - begin;
    if (count_reads(call, 0))
        return call->fault;
    return found ? BELFRY_OK : BELFRY_ENOTFOUND;
}

struct pair {
    struct belfry_str key, value;
};

struct scan {
    struct call *call;
    struct pair *items;
    size_t count, cap, limit;
};

static int scan_take(void *arg, struct belfry_str key, struct belfry_str value)
{
    struct scan *scan = arg;
    if (record_state(scan->call->record, key))
        return 0; /* the record says what became of it */
    if (scan->count == scan->cap) {
        scan->cap = scan->cap ? scan->cap * 2 : 16;
        struct pair *more = arena_alloc(scan->call->arena, scan->cap * sizeof(*more));
        if (scan->count > 0)
            memcpy(more, scan->items, scan->count * sizeof(*more));
        scan->items = more;
    }
    scan->items[scan->count++] = (struct pair){arena_str(scan->call->arena, key), arena_str(scan->call->arena, value)};
    return scan->count >= scan->limit || over_bytes(scan->call, 0);
}

/* The record's own keys in the order of the scan, those that were deleted and those before `after` left out. */
static size_t scan_own(const struct call *call, struct belfry_str prefix, struct belfry_str after, int reverse,
                       struct op ***out)
{
    struct op **ops;
    size_t all = record_keys(call->record, prefix, &ops), count = 0;
    for (size_t i = 0; i < all; i++) {
        int cmp = after.len > 0 ? str_cmp(ops[i]->key, after) : 0;
        int passed = after.len > 0 && (reverse ? cmp >= 0 : cmp <= 0);
        if (ops[i]->kind == OP_PUT && !passed)
            ops[count++] = ops[i];
    }
    for (size_t i = 0; reverse && i < count / 2; i++) {
        struct op *swap = ops[i];
        ops[i] = ops[count - 1 - i];
        ops[count - 1 - i] = swap;
    }
    *out = ops;
    return count;
}

static belfry_status state_scan(struct belfry_txn *txn, struct belfry_str prefix, struct belfry_str after,
                                int32_t reverse, uint32_t limit,
                                int32_t (*fn)(void *arg, struct belfry_str key, struct belfry_str value), void *arg)
{
    struct call *call = call_of(txn, "scan");
    if (!call)
        return BELFRY_ECLOSED;
    if (count_reads(call, 1))
        return call->fault;
    if (prefix.len > KEY_MAX || after.len > KEY_MAX)
        return BELFRY_EINVAL;
    struct scan stored = {.call = call, .limit = limit ? limit : SIZE_MAX};
    if (stored.limit > READS_MAX - call->reads + 1)
        stored.limit = READS_MAX - call->reads + 1;
    uint64_t begin = clock_mono_ns(clock_real());
    if (call->inst && call->org)
        store_state_scan(call->conn, call->inst, call->org, prefix, after, reverse, scan_take, &stored);
    call->waited_ns += clock_mono_ns(clock_real()) - begin;
    struct op **own;
    size_t own_count = scan_own(call, prefix, after, reverse, &own);
    size_t i = 0, j = 0, given = 0;
    while ((i < stored.count || j < own_count) && (!limit || given < limit)) {
        int cmp = i >= stored.count ? 1 : j >= own_count ? -1 : str_cmp(stored.items[i].key, own[j]->key);
        if (reverse && i < stored.count && j < own_count)
            cmp = -cmp;
        struct pair pair = cmp < 0 ? stored.items[i++] : (struct pair){own[j]->key, own[j]->value};
        j += cmp >= 0;
        given++;
        if (count_reads(call, 1))
            return call->fault;
        if (fn(arg, pair.key, pair.value))
            break;
    }
    return count_reads(call, 0);
}

static belfry_status state_put(struct belfry_txn *txn, struct belfry_str key, struct belfry_str value)
{
    struct call *call = call_of(txn, "put");
    if (!call)
        return BELFRY_ECLOSED;
    if (key.len == 0 || key.len > KEY_MAX || value.len > VALUE_MAX)
        return BELFRY_EINVAL;
    if (over_bytes(call, key.len + value.len))
        return stick(call, BELFRY_ELIMIT);
    record_put(call->record, key, value);
    return call_change(call);
}

static belfry_status state_del(struct belfry_txn *txn, struct belfry_str key)
{
    struct call *call = call_of(txn, "del");
    if (!call)
        return BELFRY_ECLOSED;
    if (key.len == 0 || key.len > KEY_MAX)
        return BELFRY_EINVAL;
    record_del(call->record, key);
    return call_change(call);
}

/* --- the directory ------------------------------------------------------------------------------------------------ */

static belfry_status user(struct belfry_txn *txn, struct belfry_str username, struct belfry_person *person)
{
    struct call *call = call_of(txn, "user");
    if (!call)
        return BELFRY_ECLOSED;
    if (count_reads(call, 1))
        return call->fault;
    if (config_username_fault(username))
        return BELFRY_EINVAL;
    const struct route_directory *d = call->directory;
    return d->person(d->arg, call->arena, call->pub.org, username, person);
}

static belfry_status role_members(struct belfry_txn *txn, struct belfry_str role, struct belfry_str after,
                                  uint32_t limit, struct belfry_strs *usernames)
{
    struct call *call = call_of(txn, "role_members");
    if (!call)
        return BELFRY_ECLOSED;
    const struct route_directory *d = call->directory;
    *usernames = (struct belfry_strs){NULL, 0};
    if (count_reads(call, 1))
        return call->fault;
    usernames->count =
        d->members(d->arg, call->arena, call->pub.org, role, after, limit ? limit : READS_MAX + 1, &usernames->items);
    return count_reads(call, usernames->count);
}

static int32_t has_role(struct belfry_txn *txn, struct belfry_str username, struct belfry_str role)
{
    struct belfry_person person = {.struct_size = sizeof(person)};
    if (user(txn, username, &person))
        return 0;
    for (size_t i = 0; i < person.roles.count; i++) {
        if (str_eq(person.roles.items[i], role))
            return 1;
    }
    return 0;
}

static belfry_status zone(struct belfry_txn *txn, struct belfry_str *out)
{
    const struct call *call = call_of(txn, "zone");
    if (!call)
        return BELFRY_ECLOSED;
    const struct config *config = call->gen->pub->config;
    const struct config_org *entry = config_org(config, call->pub.org);
    *out = str_of(entry && entry->timezone ? entry->timezone : config->hub.timezone);
    return call->fault;
}

/* --- operations on subjects --------------------------------------------------------------------------------------- */

static struct belfry_strs copy_list(struct arena *arena, struct belfry_strs list)
{
    if (list.count == 0)
        return (struct belfry_strs){NULL, 0};
    struct belfry_str *items = arena_alloc(arena, list.count * sizeof(*items));
    for (size_t i = 0; i < list.count; i++)
        items[i] = arena_str(arena, list.items[i]);
    return (struct belfry_strs){items, list.count};
}

/* For messages: the name by which a source called. */
static const char *op_call(enum op_kind kind)
{
    static const char *const names[] = {[OP_WITHDRAW] = "withdraw",
                                        [OP_HANDLED] = "handled",
                                        [OP_SUPERSEDE] = "supersede",
                                        [OP_VALID_UNTIL] = "valid_until",
                                        [OP_TIMER_SET] = "timer_set",
                                        [OP_TIMER_CLEAR] = "timer_clear",
                                        [OP_TASK] = "task"};
    return names[kind];
}

static belfry_status subject_op(struct belfry_txn *txn, enum op_kind kind, struct belfry_str subject,
                                const struct belfry_selection *which, struct belfry_str by, int64_t when_ms)
{
    struct call *call = call_of(txn, op_call(kind));
    if (!call)
        return BELFRY_ECLOSED;
    if (subject.len == 0 || when_ms < 0 || (which && !plugin_struct_known(which, sizeof(*which))))
        return BELFRY_EINVAL;
    size_t names = which ? which->types.count + which->only.count + which->except.count : 0;
    if (names > CHANGES_MAX)
        return stick(call, BELFRY_ELIMIT);
    struct op *op = record_add(call->record, kind);
    op->key = arena_str(call->arena, subject);
    op->value = text_line(call->arena, by);
    op->when_ms = when_ms;
    if (which) {
        op->which.types = copy_list(call->arena, which->types);
        op->which.only = copy_list(call->arena, which->only);
        op->which.except = copy_list(call->arena, which->except);
        op->which.reason = text_line(call->arena, which->reason);
    }
    return call_change(call);
}

static belfry_status withdraw(struct belfry_txn *txn, struct belfry_str subject, const struct belfry_selection *which)
{
    return subject_op(txn, OP_WITHDRAW, subject, which, (struct belfry_str){NULL, 0}, 0);
}

static belfry_status handled(struct belfry_txn *txn, struct belfry_str subject, const struct belfry_selection *which,
                             struct belfry_str by)
{
    return by.len ? subject_op(txn, OP_HANDLED, subject, which, by, 0) : BELFRY_EINVAL;
}

static belfry_status supersede(struct belfry_txn *txn, struct belfry_str subject, const struct belfry_selection *which)
{
    return subject_op(txn, OP_SUPERSEDE, subject, which, (struct belfry_str){NULL, 0}, 0);
}

static belfry_status valid_until(struct belfry_txn *txn, struct belfry_str subject,
                                 const struct belfry_selection *which, int64_t when_ms)
{
    return subject_op(txn, OP_VALID_UNTIL, subject, which, (struct belfry_str){NULL, 0}, when_ms);
}

/* --- timers, tasks, memory ---------------------------------------------------------------------------------------- */

static belfry_status keyed_op(struct belfry_txn *txn, enum op_kind kind, struct belfry_str key, struct belfry_str value,
                              int64_t when_ms)
{
    struct call *call = call_of(txn, op_call(kind));
    if (!call)
        return BELFRY_ECLOSED;
    if (key.len == 0 || key.len > KEY_MAX || value.len > VALUE_MAX)
        return BELFRY_EINVAL;
    if (over_bytes(call, key.len + value.len))
        return stick(call, BELFRY_ELIMIT);
    struct op *op = record_add(call->record, kind);
    op->key = arena_str(call->arena, key);
    op->value = arena_str(call->arena, value);
    op->when_ms = when_ms;
    return call_change(call);
}

static belfry_status timer_set(struct belfry_txn *txn, struct belfry_str key, int64_t when_ms,
                               struct belfry_str payload)
{
    return keyed_op(txn, OP_TIMER_SET, key, payload, when_ms);
}

static belfry_status timer_clear(struct belfry_txn *txn, struct belfry_str key)
{
    return keyed_op(txn, OP_TIMER_CLEAR, key, (struct belfry_str){NULL, 0}, 0);
}

static belfry_status task(struct belfry_txn *txn, struct belfry_str key, struct belfry_str payload,
                          int64_t not_before_ms)
{
    if (key.len > TASK_KEY_MAX || !str_utf8_valid(key))
        return BELFRY_EINVAL;
    return keyed_op(txn, OP_TASK, key, payload, not_before_ms);
}

static void *scratch(struct belfry_txn *txn, size_t size)
{
    struct call *call = call_of(txn, "alloc");
    if (!call)
        return NULL;
    if (size > BYTES_MAX || over_bytes(call, size))
        return NULL;
    return arena_alloc(call->arena, size);
}

static const struct belfry_txn_api api = {
    .struct_size = sizeof(api),
    .get = state_get,
    .scan = state_scan,
    .put = state_put,
    .del = state_del,
    .user = user,
    .role_members = role_members,
    .has_role = has_role,
    .value_get = call_value_get,
    .value_str = call_value_str,
    .value_int = call_value_int,
    .value_bool = call_value_bool,
    .value_time = call_value_time,
    .value_view = call_value_view,
    .emit = call_emit,
    .withdraw = withdraw,
    .handled = handled,
    .supersede = supersede,
    .valid_until = valid_until,
    .timer_set = timer_set,
    .timer_clear = timer_clear,
    .task = task,
    .alloc = scratch,
    .zone = zone,
    .value_link = call_value_link,
    .value_address = call_value_address,
    .value_username = call_value_username,
};

/* --- the call itself ---------------------------------------------------------------------------------------------- */

void call_init(struct call *call, struct store_conn *conn, const struct gen *gen, const struct gen_source *source,
               struct belfry_str org, const struct belfry_principal *principal, int64_t now_ms, struct arena *arena,
               struct record *record, const struct route_directory *directory)
{
    *call = (struct call){
        .conn = conn, .gen = gen, .source = source, .arena = arena, .record = record, .directory = directory};
    call->pub = (struct belfry_txn){.struct_size = sizeof(struct belfry_txn),
                                    .api = &api,
                                    .host = source->live->host,
                                    .now_ms = now_ms,
                                    .org = org,
                                    .principal = principal};
}

static void call_begin(struct call *call, const struct trigger *trigger)
{
    running = call;
    call->trigger = trigger;
    call->reads = call->changes = 0;
    call->waited_ns = 0;
    call->fault = BELFRY_OK;
    call->bytes_at_start = arena_used(call->arena);
}

/* What the call comes to: a limit counts even when the source did not mind it, and a refusal always has a text. */
static belfry_status call_end(const struct call *call, belfry_status status, struct error *err)
{
    running = NULL;
    if (call->fault == BELFRY_ELIMIT && (status == BELFRY_OK || err->count == 0))
        return error_set(err, BELFRY_ELIMIT, NULL,
                         "the source passed a limit of one call: %d reads, %d changes or %zu bytes", READS_MAX,
                         CHANGES_MAX, BYTES_MAX);
    if (call->fault)
        return call->fault == BELFRY_ELIMIT ? status : error_set(err, call->fault, NULL, "the database failed");
    if (status > 0 || status <= -BELFRY_STATUS_COUNT)
        return error_set(err, BELFRY_EINTERNAL, NULL, "the source returned %d, which is no status", (int)status);
    if (status && err->count == 0)
        error_set(err, status, NULL, "%s", status_text(status));
    return status;
}

belfry_status call_receive(struct call *call, const struct trigger *trigger, struct error *err)
{
    call_begin(call, trigger);
    const struct ledger_source *live = call->source->live;
    struct belfry_error pub = {sizeof(pub), BELFRY_OK, err};
    return call_end(call, live->vtable->receive(live->self, &call->pub, &trigger->pub, &pub), err);
}

belfry_status call_due(struct call *call, const struct store_timer *timer, struct error *err)
{
    const struct ledger_source *live = call->source->live;
    struct belfry_error pub = {sizeof(pub), BELFRY_OK, err};
    if (!live->vtable->due)
        return error_set(err, BELFRY_EUNSUPPORTED, NULL, "the source sets timers and has no due()");
    call_begin(call, NULL);
    return call_end(call, live->vtable->due(live->self, &call->pub, timer->key, timer->payload, timer->due, &pub), err);
}
