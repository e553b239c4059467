/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.created, record.updated, record.deleted, and timers of rules with `after`.
 *
 * A trigger is read and checked as a whole first: every fault is named, and nothing is recorded. Then it is one change:
 * from what the record was (`before`) to what it is (`now`). An unknown record that is updated is seen for the first
 * time; what it was is what the trigger's `before` says, and it still is that where the trigger says nothing else;
 * without `before` it was nothing.
 *
 * Triggers carry all or little; in the common case, a record that is new, nothing is built: the event's data is the
 * trigger's own.
 */
#include "receive.h"
#include "rules.h"

#include <string.h>

enum trigger_kind { CREATED, UPDATED, DELETED };

struct change {
    const struct workflow *w;
    struct belfry_txn *txn;
    const struct belfry_txn_api *api;
    const struct belfry_trigger *trigger;
    struct belfry_error *err;
    enum trigger_kind kind;
    int refused; /* a fault was found */

    const struct belfry_view *view; /* of the trigger's data */
    struct belfry_value data, said; /* all of it, and its `record` */
    struct belfry_value said_before;
    struct belfry_str by; /* who acted */
    int by_principal;     /* a person came themselves: what the trigger says of it does not count */

    struct belfry_str key, kept;          /* of the state, and its value */
    const struct workflow_memory *memory; /* kept, read; NULL: the record is unknown */
    struct workflow_record now, before;
    int was_there; /* before is something */

    int has_payload;
    struct belfry_str payload; /* data of events */
};

/* --- reading ------------------------------------------------------------------------------------------------------ */

static void refuse(struct change *c, const char *pointer, const char *text)
{
    c->w->host->fail(c->err, BELFRY_EINVAL, pointer, "%s", text);
    c->refused = 1;
}

static struct belfry_value member(const struct change *c, const struct belfry_value *object, const char *name)
{
    struct belfry_value out = {.type = BELFRY_VALUE_MISSING};
    if (object->type == BELFRY_VALUE_OBJECT)
        c->view->get(c->view, object, belfry_str(name), &out);
    return out;
}

static int is_there(const struct belfry_value *value)
{
    return value->type != BELFRY_VALUE_MISSING && value->type != BELFRY_VALUE_NULL;
}

/* A text at a pointer below data; {NULL, 0} when it is not there. The hub words the faults. */
static struct belfry_str text_at(struct change *c, const struct belfry_value *object, const char *name,
                                 const char *pointer, int required)
{
    struct belfry_value value = member(c, object, name);
    struct belfry_str none = {NULL, 0};
    if (value.type == BELFRY_VALUE_STRING)
        return value.s;
    if (is_there(&value) || required) {
        c->api->value_str(c->txn, c->trigger, pointer, &none, c->err);
        c->refused = 1;
    }
    return (struct belfry_str){NULL, 0};
}

static struct belfry_value object_at(struct change *c, const struct belfry_value *object, const char *name,
                                     const char *pointer, int required)
{
    struct belfry_value value = member(c, object, name);
    if (value.type != BELFRY_VALUE_OBJECT && (is_there(&value) || required))
        refuse(c, pointer, is_there(&value) ? "must be an object" : "is required");
    return value;
}

/* The same of a text that the hub judges. */
static struct belfry_str
judged_at(struct change *c, const struct belfry_value *object, const char *name, const char *pointer, int required,
          belfry_status (*judge)(struct belfry_txn *txn, const struct belfry_trigger *trigger, const char *pointer,
                                 struct belfry_str *out, struct belfry_error *err))
{
    struct belfry_value value = member(c, object, name);
    struct belfry_str text = {NULL, 0};
    if (!is_there(&value) && !required)
        return text;
    if (judge(c->txn, c->trigger, pointer, &text, c->err) == BELFRY_OK)
        return text;
    c->refused = 1;
    return (struct belfry_str){NULL, 0};
}

static struct belfry_str username_at(struct change *c, const struct belfry_value *object, const char *name,
                                     const char *pointer, int required)
{
    return judged_at(c, object, name, pointer, required, c->api->value_username);
}

static int has_control(struct belfry_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
            return 1;
    return 0;
}

/* Object and id: what the record is called everywhere. */
static void read_identity(struct change *c)
{
    struct belfry_str object = text_at(c, &c->said, "object", "/record/object", 1);
    struct belfry_str id = text_at(c, &c->said, "id", "/record/id", 1);
    if (object.ptr && (object.len == 0 || has_control(object)))
        refuse(c, "/data/record/object", object.len ? "has a control character" : "is empty");
    if (id.ptr && (id.len == 0 || has_control(id)))
        refuse(c, "/data/record/id", id.len ? "has a control character" : "is empty");
    if (c->refused)
        return;
    c->key = workflow_key(c->txn, object, id);
    if (!c->key.len)
        refuse(c, "/data/record/id", "is too long: object and id may have some 390 bytes together");
    c->now.object = c->before.object = object;
    c->now.id = c->before.id = id;
}

static void read_url(struct change *c)
{
    judged_at(c, &c->said, "url", "/record/url", c->kind == CREATED, c->api->value_link);
}

/* Who did it. A person who comes themselves did it, whatever the trigger says. */
static void read_by(struct change *c)
{
    static const char *const names[] = {"created_by", "changed_by", "by"};
    static const char *const pointers[] = {"/record/created_by", "/changed_by", "/by"};
    const struct belfry_value *place = c->kind == CREATED ? &c->said : &c->data;
    c->by_principal = c->txn->principal && c->txn->principal->kind == BELFRY_PRINCIPAL_PERSON;
    if (c->by_principal)
        c->by = c->txn->principal->name;
    else
        c->by = username_at(c, place, names[c->kind], pointers[c->kind], 1);
}

static void read_before(struct change *c)
{
    c->said_before = object_at(c, &c->data, "before", "/data/before", 0);
    username_at(c, &c->said_before, "owner", "/before/owner", 0);
    object_at(c, &c->said_before, "fields", "/data/before/fields", 0);
}

static int read_trigger(struct change *c)
{
    c->view = c->api->value_view(c->txn, c->trigger);
    c->view->root(c->view, &c->data);
    if (c->data.type != BELFRY_VALUE_OBJECT) {
        refuse(c, "/data", "must be an object");
        return 0;
    }
    c->said = object_at(c, &c->data, "record", "/data/record", 1);
    if (c->refused)
        return 0;
    read_identity(c);
    if (c->kind != DELETED) {
        read_url(c);
        username_at(c, &c->said, "owner", "/record/owner", c->kind == CREATED);
        object_at(c, &c->said, "fields", "/data/record/fields", c->kind == CREATED);
    }
    read_by(c);
    if (c->kind == UPDATED)
        read_before(c);
    return !c->refused;
}

/* --- from what was to what is ------------------------------------------------------------------------------------- */

/* A member of the patch: what it says, null for gone, absent for unchanged. */
static void patch(const struct change *c, const struct belfry_value *object, const char *name, struct belfry_str *out)
{
    struct belfry_value value = member(c, object, name);
    if (value.type == BELFRY_VALUE_STRING)
        *out = value.s;
    else if (value.type == BELFRY_VALUE_NULL)
        *out = (struct belfry_str){NULL, 0};
}

static void set_creator(struct change *c)
{
    if (c->kind == CREATED && c->by_principal) {
        c->now.created_by = c->by;
        return;
    }
    struct belfry_value value = member(c, &c->said, "created_by");
    if (value.type == BELFRY_VALUE_STRING && workflow_is_username(c->txn, value.s))
        c->now.created_by = value.s;
    else if (c->kind == CREATED)
        c->now.created_by = c->by;
}

static void set_records(struct change *c)
{
    struct belfry_value fields = member(c, &c->said, "fields"), earlier = member(c, &c->said_before, "fields");
    c->now.txn = c->before.txn = c->txn;
    workflow_record_init(&c->now);
    workflow_record_init(&c->before);
    workflow_record_layer(&c->now, c->view, &fields);
    c->now.size = c->trigger->data.len + c->kept.len + 256;
    c->now.said = (struct workflow_layer){c->view, c->data};
    if (c->memory) {
        workflow_record_recall(&c->now, c->memory);
        workflow_record_recall(&c->before, c->memory);
        c->was_there = 1;
    }
    int told_before = !c->memory && is_there(&c->said_before);
    if (told_before) { /* what the trigger leaves out is as it was */
        workflow_record_layer(&c->now, c->view, &earlier);
        patch(c, &c->said_before, "owner", &c->now.owner);
    }
    patch(c, &c->said, "url", &c->now.url);
    patch(c, &c->said, "owner", &c->now.owner);
    set_creator(c);
    if (!told_before)
        return;
    c->was_there = 1; /* it was what it is, save for what `before` says */
    workflow_record_layer(&c->before, c->view, &earlier);
    workflow_record_layer(&c->before, c->view, &fields);
    c->before.url = c->now.url;
    c->before.owner = c->now.owner;
    c->before.created_by = c->now.created_by;
    patch(c, &c->said_before, "owner", &c->before.owner);
}

static int is_same(struct belfry_str a, struct belfry_str b)
{
    return a.len == b.len && !a.ptr == !b.ptr && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static belfry_status too_large(struct change *c)
{
    return c->w->host->fail(c->err, BELFRY_EINVAL, "/data/record/fields",
                            "is more than can be worked with: what rules read of a record may be some 10,000 values");
}

static belfry_status remember(struct change *c)
{
    struct belfry_str text = workflow_record_save(&c->now, &c->w->interest);
    if (!text.ptr)
        return too_large(c);
    if (c->memory && is_same(text, c->kept))
        return BELFRY_OK;
    belfry_status status = c->api->put(c->txn, c->key, text);
    return status == BELFRY_EINVAL ? too_large(c) : status;
}

/* --- telling ------------------------------------------------------------------------------------------------------ */

/* The events' data; made once, and only when it is not what the trigger says. */
static belfry_status payload(struct change *c)
{
    if (c->has_payload || (!c->was_there && !c->by_principal))
        return BELFRY_OK;
    struct belfry_str by = c->kind == UPDATED || c->memory ? c->by : (struct belfry_str){NULL, 0};
    c->payload = workflow_record_data(&c->now, by);
    c->has_payload = 1;
    return c->payload.ptr ? BELFRY_OK : too_large(c);
}

static belfry_status tell_owner(struct change *c)
{
    belfry_status status = payload(c);
    if (status != BELFRY_OK)
        return status;
    struct belfry_recipient to = {sizeof(to), BELFRY_TO_USER, c->now.owner, belfry_str("owner")};
    struct belfry_event event = {.struct_size = sizeof(event),
                                 .type = belfry_str("record.assigned"),
                                 .subject = c->key,
                                 .severity = -1,
                                 .link = c->now.url,
                                 .actor = c->by,
                                 .audience = &to,
                                 .audience_count = 1,
                                 .data = c->payload};
    return c->api->emit(c->txn, &event, c->err);
}

static belfry_status withdraw_old(struct change *c)
{
    struct belfry_str type = belfry_str("record.assigned");
    struct belfry_selection which = {.struct_size = sizeof(which),
                                     .types = {&type, 1},
                                     .only = {&c->before.owner, 1},
                                     .reason = belfry_str("it has another owner now")};
    if (!c->now.owner.ptr)
        which.reason = belfry_str("it has no owner now");
    return c->api->withdraw(c->txn, c->key, &which);
}

static belfry_status apply_owner(struct change *c)
{
    belfry_status status = BELFRY_OK;
    int is_new = c->kind == CREATED && !c->memory;
    if (!is_new && (!c->was_there || is_same(c->before.owner, c->now.owner)))
        return BELFRY_OK;
    if (!is_new && c->before.owner.ptr)
        status = withdraw_old(c);
    if (status == BELFRY_OK && c->now.owner.ptr && !is_same(c->now.owner, c->by))
        status = tell_owner(c);
    return status;
}

static int asks(const struct workflow_rule *rule, int is_new)
{
    return rule->options->on == WORKFLOW_ON_BOTH || (rule->options->on == WORKFLOW_ON_CREATE) == is_new;
}

static belfry_status set_timer(struct change *c, const struct workflow_rule *rule)
{
    struct belfry_str timer = workflow_timer(c->txn, rule, c->key), nothing = {"", 0};
    if (!timer.ptr)
        return too_large(c);
    return c->api->timer_set(c->txn, timer, c->txn->now_ms + rule->options->after_ms, nothing);
}

static belfry_status clear_timer(struct change *c, const struct workflow_rule *rule)
{
    struct belfry_str timer = workflow_timer(c->txn, rule, c->key);
    return timer.ptr ? c->api->timer_clear(c->txn, timer) : too_large(c);
}

static belfry_status apply_rule(struct change *c, const struct workflow_rule *rule)
{
    int is_new = c->kind == CREATED && !c->memory;
    int waits = rule->options->after_ms > 0;
    if (!workflow_meets(c->w, rule, &c->now))
        return waits && c->memory && workflow_meets(c->w, rule, &c->before) ? clear_timer(c, rule) : BELFRY_OK;
    if (!asks(rule, is_new))
        return BELFRY_OK;
    if (rule->options->fire == WORKFLOW_ON_ENTERING && c->was_there && workflow_meets(c->w, rule, &c->before))
        return BELFRY_OK;
    if (waits)
        return set_timer(c, rule);
    belfry_status status = payload(c);
    return status == BELFRY_OK ? workflow_notify(c->w, rule, &c->now, c->key, c->payload, c->by, c->err) : status;
}

static belfry_status apply(struct change *c)
{
    set_records(c);
    belfry_status status = remember(c);
    if (status == BELFRY_OK)
        status = apply_owner(c);
    for (size_t i = 0; status == BELFRY_OK && i < c->w->rule_count; i++)
        status = apply_rule(c, &c->w->rules[i]);
    return status;
}

static belfry_status forget(struct change *c)
{
    struct belfry_selection which = {.struct_size = sizeof(which), .reason = belfry_str("the record was deleted")};
    belfry_status status = c->api->withdraw(c->txn, c->key, &which);
    if (status == BELFRY_OK)
        status = c->api->del(c->txn, c->key);
    for (size_t i = 0; status == BELFRY_OK && i < c->w->rule_count; i++)
        if (c->w->rules[i].options->after_ms > 0)
            status = clear_timer(c, &c->w->rules[i]);
    return status;
}

/* --- calls of the hub --------------------------------------------------------------------------------------------- */

static int kind_of(struct belfry_str type)
{
    static const char *const types[] = {"record.created", "record.updated", "record.deleted"};
    for (int i = 0; i < 3; i++)
        if (type.len == strlen(types[i]) && memcmp(type.ptr, types[i], type.len) == 0)
            return i;
    return -1;
}

/* State that cannot be read is as good as none: the record is seen for the first time. A deletion does not ask what it
 * was. */
static belfry_status load(struct change *c)
{
    belfry_status status = c->api->get(c->txn, c->key, &c->kept);
    int failed = 0;
    if (status == BELFRY_OK && c->kind != DELETED)
        c->memory = workflow_record_load(c->txn, c->kept, &failed);
    if (failed)
        return too_large(c);
    return status == BELFRY_ENOTFOUND ? BELFRY_OK : status;
}

belfry_status workflow_receive(void *self, struct belfry_txn *txn, const struct belfry_trigger *trigger,
                               struct belfry_error *err)
{
    const struct workflow *w = self;
    int kind = kind_of(trigger->type);
    if (kind < 0)
        return w->host->fail(err, BELFRY_EINVAL, "/type",
                             "must be record.created, record.updated or record.deleted, not \"%.*s\"",
                             (int)trigger->type.len, trigger->type.ptr);
    struct change c = {
        .w = w, .txn = txn, .api = txn->api, .trigger = trigger, .err = err, .kind = (enum trigger_kind)kind};
    if (!read_trigger(&c))
        return BELFRY_EINVAL;
    belfry_status status = load(&c);
    if (status == BELFRY_OK && (c.kind != DELETED || c.kept.ptr))
        status = c.kind == DELETED ? forget(&c) : apply(&c);
    return status;
}

/* The record has met the criteria all the while: it would have cleared the timer. Nobody acts now, so nobody is left
 * out. */
belfry_status workflow_due(void *self, struct belfry_txn *txn, struct belfry_str key, struct belfry_str payload_text,
                           int64_t was_due_ms, struct belfry_error *err)
{
    const struct workflow *w = self;
    struct belfry_str record_key, kept, nobody = {NULL, 0};
    struct workflow_record record = {.txn = txn};
    const struct workflow_rule *rule = workflow_rule_of_timer(w, key, &record_key);
    (void)payload_text;
    (void)was_due_ms;
    if (!rule || !workflow_key_split(txn, record_key, &record.object, &record.id) ||
        txn->api->get(txn, record_key, &kept) != BELFRY_OK)
        return BELFRY_OK; /* the rule or the record is gone */
    int failed = 0;
    const struct workflow_memory *memory = workflow_record_load(txn, kept, &failed);
    if (failed)
        return BELFRY_ELIMIT;
    belfry_status status = BELFRY_OK;
    if (memory) {
        workflow_record_init(&record);
        workflow_record_recall(&record, memory);
        if (workflow_meets(w, rule, &record)) {
            struct belfry_str data = workflow_record_data(&record, nobody);
            status = data.ptr ? workflow_notify(w, rule, &record, record_key, data, nobody, err) : BELFRY_ELIMIT;
        }
    }
    return status;
}
