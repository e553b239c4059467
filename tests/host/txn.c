/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a source sees of a transaction: state laid under the record of the request, the directory, the trigger's data.
 * Nothing is changed here; what the call records is applied when every call of the request returned OK.
 */
#include "fake.h"

#include "base/mem.h"
#include "config/config.h"
#include "event/event.h"

#include <stdlib.h>

#define READS_MAX 10000
#define CHANGES_MAX 10000
#define KEY_MAX 512
#define VALUE_MAX ((size_t)1 << 20)
#define TASK_KEY_MAX 128
#define BYTES_MAX ((size_t)4 << 20)

/* The call that this thread is in. A txn that a source kept, or gave to another thread, points to nothing (R01). */
static _Thread_local struct fake_call *running;
static struct belfry_test *newest; /* who hears of it: a stale txn does not tell whose it was */

struct fake_call *fake_call_of(struct belfry_txn *txn, const char *what)
{
    if (running && txn == &running->pub)
        return running;
    if (newest)
        fake_fault(newest, "R01: txn->%s was called outside of its call, or on another thread", what);
    return NULL;
}

static belfry_status count_read(struct fake_call *call)
{
    if (++call->reads > READS_MAX)
        call->fault = BELFRY_ELIMIT;
    return call->fault;
}

static belfry_status count_change(struct fake_call *call)
{
    if (++call->changes > CHANGES_MAX)
        call->fault = BELFRY_ELIMIT;
    return call->fault;
}

/* --- the record --------------------------------------------------------------------------------------------------- */

void fake_record_init(struct fake_record *record)
{
    record->first = NULL;
    record->last = &record->first;
}

struct fake_op *fake_record_add(struct belfry_test *t, struct fake_record *record, enum fake_op_kind kind)
{
    struct fake_op *op = arena_alloc(t->arena, sizeof(*op));
    op->kind = kind;
    *record->last = op;
    record->last = &op->next;
    return op;
}

/* The last change of a key, or NULL. */
static const struct fake_op *change_of(const struct fake_record *record, struct belfry_str key)
{
    const struct fake_op *found = NULL;
    for (const struct fake_op *op = record->first; op; op = op->next) {
        if ((op->kind == FAKE_PUT || op->kind == FAKE_DEL) && str_eq(op->key, key))
            found = op;
    }
    return found;
}

/* --- state -------------------------------------------------------------------------------------------------------- */

struct fake_state *fake_state_find(struct belfry_test *t, struct belfry_str org, struct belfry_str key, size_t *at)
{
    size_t low = 0, high = t->state.count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        struct fake_state *s = &t->state.items[mid];
        int cmp = str_cmp(s->org, org);
        cmp = cmp ? cmp : str_cmp(s->key, key);
        if (cmp == 0) {
            *at = mid;
            return s;
        }
        if (cmp < 0)
            low = mid + 1;
        else
            high = mid;
    }
    *at = low;
    return NULL;
}

void fake_state_set(struct belfry_test *t, struct belfry_str org, struct belfry_str key, const struct belfry_str *value)
{
    size_t at;
    struct fake_state *found = fake_state_find(t, org, key, &at);
    if (!value && found) {
        memmove(found, found + 1, (t->state.count - at - 1) * sizeof(*found));
        t->state.count--;
    } else if (value && found) {
        found->value = str_of(fake_text(t, *value));
    } else if (value) {
        (void)FAKE_ADD(t, &t->state);
        found = &t->state.items[at];
        memmove(found + 1, found, (t->state.count - 1 - at) * sizeof(*found));
        *found =
            (struct fake_state){str_of(fake_text(t, org)), str_of(fake_text(t, key)), str_of(fake_text(t, *value))};
    }
}

static belfry_status get(struct belfry_txn *txn, struct belfry_str key, struct belfry_str *value)
{
    struct fake_call *call = fake_call_of(txn, "get");
    if (!call)
        return BELFRY_ECLOSED;
    size_t at;
    if (count_read(call))
        return call->fault;
    const struct fake_op *op = change_of(call->record, key);
    if (op) {
        *value = op->value;
        return op->kind == FAKE_PUT ? BELFRY_OK : BELFRY_ENOTFOUND;
    }
    const struct fake_state *found = fake_state_find(call->test, call->pub.org, key, &at);
    if (found)
        *value = found->value;
    return found ? BELFRY_OK : BELFRY_ENOTFOUND;
}

struct pair {
    struct belfry_str key, value;
};

static int by_key(const void *a, const void *b)
{
    return str_cmp(((const struct pair *)a)->key, ((const struct pair *)b)->key);
}

/* What is there when the record is laid over the state, sorted. */
static size_t overlay(const struct fake_call *call, struct belfry_str prefix, struct pair **out)
{
    struct belfry_test *t = call->test;
    size_t count = 0, cap = t->state.count;
    for (const struct fake_op *op = call->record->first; op; op = op->next)
        cap++;
    struct pair *pairs = arena_alloc(call->scratch, (cap + 1) * sizeof(*pairs));
    for (size_t i = 0; i < t->state.count; i++) {
        const struct fake_state *s = &t->state.items[i];
        if (str_eq(s->org, call->pub.org) && str_has_prefix(s->key, prefix) && !change_of(call->record, s->key))
            pairs[count++] = (struct pair){s->key, s->value};
    }
    for (const struct fake_op *op = call->record->first; op; op = op->next) {
        if (op->kind == FAKE_PUT && str_has_prefix(op->key, prefix) && change_of(call->record, op->key) == op)
            pairs[count++] = (struct pair){op->key, op->value};
    }
    qsort(pairs, count, sizeof(*pairs), by_key);
    *out = pairs;
    return count;
}

static belfry_status scan(struct belfry_txn *txn, struct belfry_str prefix, struct belfry_str after, int32_t reverse,
                          uint32_t limit, int32_t (*fn)(void *arg, struct belfry_str key, struct belfry_str value),
                          void *arg)
{
    struct fake_call *call = fake_call_of(txn, "scan");
    if (!call)
        return BELFRY_ECLOSED;
    struct pair *pairs;
    uint32_t given = 0;
    if (count_read(call))
        return call->fault;
    size_t count = overlay(call, prefix, &pairs);
    for (size_t i = 0; i < count && (!limit || given < limit); i++) {
        const struct pair *pair = &pairs[reverse ? count - 1 - i : i];
        int cmp = after.len ? str_cmp(pair->key, after) : 0;
        if (after.len && (reverse ? cmp >= 0 : cmp <= 0))
            continue;
        given++;
        if (count_read(call))
            return call->fault;
        if (fn(arg, pair->key, pair->value))
            break;
    }
    return BELFRY_OK;
}

static struct fake_op *add(struct fake_call *call, enum fake_op_kind kind, struct belfry_str key)
{
    struct fake_op *op = fake_record_add(call->test, call->record, kind);
    op->key = str_of(fake_text(call->test, key));
    return op;
}

static belfry_status put(struct belfry_txn *txn, struct belfry_str key, struct belfry_str value)
{
    struct fake_call *call = fake_call_of(txn, "put");
    if (!call)
        return BELFRY_ECLOSED;
    if (key.len == 0 || key.len > KEY_MAX || value.len > VALUE_MAX)
        return BELFRY_EINVAL;
    add(call, FAKE_PUT, key)->value = str_of(fake_text(call->test, value));
    return count_change(call);
}

static belfry_status del(struct belfry_txn *txn, struct belfry_str key)
{
    struct fake_call *call = fake_call_of(txn, "del");
    if (!call)
        return BELFRY_ECLOSED;
    if (key.len == 0 || key.len > KEY_MAX)
        return BELFRY_EINVAL;
    add(call, FAKE_DEL, key);
    return count_change(call);
}

/* --- the directory ------------------------------------------------------------------------------------------------ */

const struct belfry_person *fake_person(const struct belfry_test *t, struct belfry_str org, struct belfry_str username)
{
    for (size_t i = 0; i < t->people.count; i++) {
        const struct fake_person *p = &t->people.items[i];
        if (str_eq(p->org, org) && str_eq(p->person.username, username))
            return &p->person;
    }
    return NULL;
}

int fake_has_role(const struct belfry_person *person, struct belfry_str role)
{
    for (size_t i = 0; i < person->roles.count; i++) {
        if (str_eq(person->roles.items[i], role))
            return 1;
    }
    return 0;
}

static belfry_status user(struct belfry_txn *txn, struct belfry_str username, struct belfry_person *out)
{
    struct fake_call *call = fake_call_of(txn, "user");
    if (!call)
        return BELFRY_ECLOSED;
    const struct belfry_person *person = fake_person(call->test, call->pub.org, username);
    if (count_read(call))
        return call->fault;
    if (config_username_fault(username))
        return BELFRY_EINVAL;
    if (person)
        *out = *person;
    return person ? BELFRY_OK : BELFRY_ENOTFOUND;
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(*(const struct belfry_str *)a, *(const struct belfry_str *)b);
}

static belfry_status role_members(struct belfry_txn *txn, struct belfry_str role, struct belfry_str after,
                                  uint32_t limit, struct belfry_strs *usernames)
{
    struct fake_call *call = fake_call_of(txn, "role_members");
    if (!call)
        return BELFRY_ECLOSED;
    struct belfry_test *t = call->test;
    size_t count = 0;
    struct belfry_str *names = arena_alloc(call->scratch, (t->people.count + 1) * sizeof(*names));
    if (count_read(call))
        return call->fault;
    for (size_t i = 0; i < t->people.count; i++) {
        const struct fake_person *p = &t->people.items[i];
        if (str_eq(p->org, call->pub.org) && fake_has_role(&p->person, role) &&
            (after.len == 0 || str_cmp(p->person.username, after) > 0))
            names[count++] = p->person.username;
    }
    qsort(names, count, sizeof(*names), by_name);
    *usernames = (struct belfry_strs){names, limit && count > limit ? limit : count};
    return BELFRY_OK;
}

static int32_t has_role(struct belfry_txn *txn, struct belfry_str username, struct belfry_str role)
{
    const struct fake_call *call = fake_call_of(txn, "has_role");
    if (!call)
        return 0;
    const struct belfry_person *person = fake_person(call->test, call->pub.org, username);
    return person && fake_has_role(person, role);
}

static belfry_status zone(struct belfry_txn *txn, struct belfry_str *out)
{
    const struct fake_call *call = fake_call_of(txn, "zone");
    if (!call)
        return BELFRY_ECLOSED;
    *out = str_of(call->test->zone);
    return call->fault;
}

/* --- the trigger's data ------------------------------------------------------------------------------------------- */

static belfry_status wrong(struct belfry_error *err, const char *pointer, const char *text, const char *found)
{
    if (!err)
        return BELFRY_EINVAL;
    char *at = xasprintf("/data%s", pointer);
    err->status = error_set(err->impl, BELFRY_EINVAL, at, "%s%s%s", text, found ? ", not " : "", found ? found : "");
    free(at);
    return BELFRY_EINVAL;
}

/* The value, or NULL with the status of its absence. */
static const json_t *value_at(const struct belfry_trigger *trigger, const char *pointer, struct belfry_error *err,
                              belfry_status *status)
{
    const json_t *node = trigger && trigger->impl ? json_at(trigger->impl, pointer) : NULL;
    if (node && !json_is_null(node))
        return node;
    *status = err ? wrong(err, pointer, "is required", NULL) : BELFRY_ENOTFOUND;
    return NULL;
}

static belfry_status value_get(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer,
                               struct belfry_value *out)
{
    if (!fake_call_of(txn, "value_get"))
        return BELFRY_ECLOSED;
    const json_t *node = trigger && trigger->impl ? json_at(trigger->impl, pointer) : NULL;
    json_value(node, out);
    return node && !json_is_null(node) ? BELFRY_OK : BELFRY_ENOTFOUND;
}

static belfry_status value_str(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer,
                               struct belfry_str *out, struct belfry_error *err)
{
    if (!fake_call_of(txn, "value_str"))
        return BELFRY_ECLOSED;
    belfry_status status = BELFRY_OK;
    const json_t *node = value_at(trigger, pointer, err, &status);
    if (!node)
        return status;
    if (!json_is_string(node))
        return wrong(err, pointer, "must be a string", json_type_text(node));
    *out = json_str(node);
    return BELFRY_OK;
}

static belfry_status value_int(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer,
                               int64_t *out, struct belfry_error *err)
{
    if (!fake_call_of(txn, "value_int"))
        return BELFRY_ECLOSED;
    belfry_status status = BELFRY_OK;
    const json_t *node = value_at(trigger, pointer, err, &status);
    if (!node)
        return status;
    if (!json_is_integer(node))
        return wrong(err, pointer, "must be a whole number", json_type_text(node));
    *out = json_integer_value(node);
    return BELFRY_OK;
}

static belfry_status value_bool(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer,
                                int32_t *out, struct belfry_error *err)
{
    if (!fake_call_of(txn, "value_bool"))
        return BELFRY_ECLOSED;
    belfry_status status = BELFRY_OK;
    const json_t *node = value_at(trigger, pointer, err, &status);
    if (!node)
        return status;
    if (!json_is_boolean(node))
        return wrong(err, pointer, "must be true or false", json_type_text(node));
    *out = json_is_true(node);
    return BELFRY_OK;
}

static belfry_status value_time(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer,
                                int64_t *out_ms, struct belfry_error *err)
{
    struct belfry_str text;
    belfry_status status = value_str(txn, trigger, pointer, &text, err);
    if (status != BELFRY_OK)
        return status;
    return time_parse(text, out_ms) == BELFRY_OK ? BELFRY_OK : wrong(err, pointer, "must be an RFC 3339 time", NULL);
}

static belfry_status value_link(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer,
                                struct belfry_str *out, struct belfry_error *err)
{
    belfry_status status = value_str(txn, trigger, pointer, out, err);
    if (status != BELFRY_OK)
        return status;
    return link_valid(*out) ? BELFRY_OK
                            : wrong(err, pointer, "must be http, https or a path, of at most 2048 bytes", NULL);
}

static belfry_status value_address(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer,
                                   struct belfry_str *out, struct belfry_error *err)
{
    belfry_status status = value_str(txn, trigger, pointer, out, err);
    if (status != BELFRY_OK)
        return status;
    return address_valid(*out) ? BELFRY_OK : wrong(err, pointer, "must be a mail address, such as a@example.org", NULL);
}

static belfry_status value_username(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer,
                                    struct belfry_str *out, struct belfry_error *err)
{
    belfry_status status = value_str(txn, trigger, pointer, out, err);
    if (status != BELFRY_OK)
        return status;
    return config_username_fault(*out)
               ? wrong(err, pointer,
                       "must be a username: 1 to 128 bytes in NFC without `/`, `:` and control characters", NULL)
               : BELFRY_OK;
}

static const struct belfry_view *value_view(struct belfry_txn *txn, const struct belfry_trigger *trigger)
{
    struct fake_call *call = fake_call_of(txn, "value_view");
    if (!call)
        return NULL;
    struct belfry_view *view = arena_alloc(call->scratch, sizeof(*view));
    *view = json_view(trigger ? trigger->impl : NULL);
    return view;
}

/* --- operations --------------------------------------------------------------------------------------------------- */

static belfry_status subject_op(struct belfry_txn *txn, enum fake_op_kind kind, struct belfry_str subject,
                                const struct belfry_selection *which, struct belfry_str by, int64_t when_ms)
{
    struct fake_call *call = fake_call_of(txn, "withdraw (or another on a subject)");
    if (!call)
        return BELFRY_ECLOSED;
    if (subject.len == 0 || when_ms < 0)
        return BELFRY_EINVAL;
    struct fake_op *op = add(call, kind, subject);
    op->value = str_of(fake_text(call->test, by));
    op->when_ms = when_ms;
    if (which) {
        op->which.types = fake_strs(call->test, which->types);
        op->which.only = fake_strs(call->test, which->only);
        op->which.except = fake_strs(call->test, which->except);
        op->which.reason = str_of(fake_text(call->test, which->reason));
    }
    return count_change(call);
}

static belfry_status withdraw(struct belfry_txn *txn, struct belfry_str subject, const struct belfry_selection *which)
{
    return subject_op(txn, FAKE_WITHDRAW, subject, which, STR(""), 0);
}

static belfry_status handled(struct belfry_txn *txn, struct belfry_str subject, const struct belfry_selection *which,
                             struct belfry_str by)
{
    return by.len ? subject_op(txn, FAKE_HANDLED, subject, which, by, 0) : BELFRY_EINVAL;
}

static belfry_status supersede(struct belfry_txn *txn, struct belfry_str subject, const struct belfry_selection *which)
{
    return subject_op(txn, FAKE_SUPERSEDE, subject, which, STR(""), 0);
}

static belfry_status valid_until(struct belfry_txn *txn, struct belfry_str subject,
                                 const struct belfry_selection *which, int64_t when_ms)
{
    return subject_op(txn, FAKE_VALID_UNTIL, subject, which, STR(""), when_ms);
}

static belfry_status keyed_op(struct belfry_txn *txn, enum fake_op_kind kind, struct belfry_str key,
                              struct belfry_str value, int64_t when_ms)
{
    struct fake_call *call = fake_call_of(txn, "timer_set (or timer_clear, or task)");
    if (!call)
        return BELFRY_ECLOSED;
    if (key.len == 0 || key.len > KEY_MAX || value.len > VALUE_MAX)
        return BELFRY_EINVAL;
    struct fake_op *op = add(call, kind, key);
    op->value = str_of(fake_text(call->test, value));
    op->when_ms = when_ms;
    return count_change(call);
}

static belfry_status timer_set(struct belfry_txn *txn, struct belfry_str key, int64_t when_ms,
                               struct belfry_str payload)
{
    const struct fake_call *call = fake_call_of(txn, "timer_set");
    if (!call)
        return BELFRY_ECLOSED;
    if (!call->test->plugin->source->due)
        fake_fault(call->test, "a timer was set and the source has no due()");
    return keyed_op(txn, FAKE_TIMER_SET, key, payload, when_ms);
}

static belfry_status timer_clear(struct belfry_txn *txn, struct belfry_str key)
{
    return keyed_op(txn, FAKE_TIMER_CLEAR, key, STR(""), 0);
}

static belfry_status task(struct belfry_txn *txn, struct belfry_str key, struct belfry_str payload,
                          int64_t not_before_ms)
{
    if (key.len > TASK_KEY_MAX || !str_utf8_valid(key))
        return BELFRY_EINVAL;
    const struct fake_call *call = fake_call_of(txn, "task");
    if (!call)
        return BELFRY_ECLOSED;
    if (!call->test->plugin->source->perform)
        fake_fault(call->test, "a task was made and the source has no perform()");
    return keyed_op(txn, FAKE_TASK, key, payload, not_before_ms);
}

static void *scratch(struct belfry_txn *txn, size_t size)
{
    struct fake_call *call = fake_call_of(txn, "alloc");
    if (!call)
        return NULL;
    return size > BYTES_MAX || arena_used(call->scratch) + size > BYTES_MAX ? NULL : arena_alloc(call->scratch, size);
}

const struct belfry_txn_api fake_txn_api = {
    .struct_size = sizeof(struct belfry_txn_api),
    .get = get,
    .scan = scan,
    .put = put,
    .del = del,
    .user = user,
    .role_members = role_members,
    .has_role = has_role,
    .value_get = value_get,
    .value_str = value_str,
    .value_int = value_int,
    .value_bool = value_bool,
    .value_time = value_time,
    .value_view = value_view,
    .emit = fake_emit,
    .withdraw = withdraw,
    .handled = handled,
    .supersede = supersede,
    .valid_until = valid_until,
    .timer_set = timer_set,
    .timer_clear = timer_clear,
    .task = task,
    .alloc = scratch,
    .zone = zone,
    .value_link = value_link,
    .value_address = value_address,
    .value_username = value_username,
};

/* --- a call ------------------------------------------------------------------------------------------------------- */

void fake_call_init(struct fake_call *call, struct belfry_test *t, const char *org, struct fake_record *record,
                    const struct belfry_principal *principal, const struct belfry_trigger *trigger)
{
    running = call;
    newest = t;
    *call = (struct fake_call){.test = t, .record = record, .trigger = trigger, .scratch = arena_new(0)};
    call->pub = (struct belfry_txn){.struct_size = sizeof(call->pub),
                                    .api = &fake_txn_api,
                                    .host = &t->host,
                                    .now_ms = clock_now_ms(t->clock),
                                    .org = str_of(org),
                                    .principal = principal,
                                    .impl = call};
}

belfry_status fake_call_end(struct fake_call *call, belfry_status status, struct error *err)
{
    struct belfry_test *t = call->test;
    running = NULL;
    arena_free(call->scratch);
    if (call->fault && (status == BELFRY_OK || err->count == 0))
        return error_set(err, call->fault, NULL, "the source passed a limit of one call: %d reads or %d changes",
                         READS_MAX, CHANGES_MAX);
    if (status > 0 || status <= -BELFRY_STATUS_COUNT) {
        fake_fault(t, "the source returned %d, which is no status", (int)status);
        return error_set(err, BELFRY_EINTERNAL, NULL, "the source returned %d, which is no status", (int)status);
    }
    if (status == BELFRY_OK && err->count > 0)
        fake_fault(t, "the source called fail() (%s) and returned OK", error_text(err));
    if (status != BELFRY_OK && err->count == 0)
        error_set(err, status, NULL, "%s", status_text(status));
    return status;
}
