/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deliveries: one batch is given to deliver() and owes one complete(). At its deadline it is cancelled; a little later
 * it counts as RETRY, as in the hub, and the rule it broke is noted.
 */
#include "fake.h"

#include "event/event.h"

#include <stdlib.h>

#define RECORD_MAX (32 * 1024)

static struct fake_batch *batch_of(const struct belfry_test *t, uint64_t id)
{
    for (size_t i = 0; i < t->batches.count; i++) {
        if (t->batches.items[i]->pub.id == id)
            return t->batches.items[i];
    }
    return NULL;
}

/* --- making one --------------------------------------------------------------------------------------------------- */

static struct belfry_str text_or(struct belfry_test *t, const char *text, const char *fallback)
{
    return str_of(arena_strdup(t->arena, text ? text : fallback));
}

/* The body of a webhook: an envelope around the event. */
static struct belfry_str payload_of(struct belfry_test *t, const struct belfry_item *item)
{
    struct buf out = {0};
    char time[TIME_TEXT_SIZE];
    const char *severity = severity_name((int)item->severity);
    const struct {
        const char *key;
        struct belfry_str value;
    } members[] = {
        {"id", item->event_id},     {"org", item->org},           {"source", item->source},
        {"subject", item->subject}, {"category", item->category}, {"severity", str_of(severity ? severity : "info")},
        {"title", item->title},     {"body", item->body},         {"link", item->link}};
    time_format(item->time_ms, time);
    buf_addz(&out, "{\"type\":");
    json_write_str(item->type, &out);
    buf_addf(&out, ",\"timestamp\":\"%s\",\"data\":{", time);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        buf_addf(&out, "%s\"%s\":", i ? "," : "", members[i].key);
        json_write_str(members[i].value, &out);
    }
    if (item->actor.len) {
        buf_addz(&out, ",\"actor\":");
        json_write_str(item->actor, &out);
    }
    buf_addf(&out, ",\"object\":%.*s}}", STR_ARG(item->data));
    struct belfry_str text = arena_str(t->arena, buf_str(&out));
    buf_free(&out);
    return text;
}

/* outside: to an address, behind which is nobody who could sign in */
static void make_item(struct belfry_test *t, const struct belfry_test_item *in, int target, int outside,
                      struct belfry_item *out)
{
    uint64_t number = fake_id(t);
    *out = (struct belfry_item){
        .struct_size = sizeof(*out),
        .severity = in->severity,
        .delivery_id = number,
        .event_id = text_or(t, in->event_id,
                            arena_printf(t->arena, "01900000-0000-7000-8000-%012llx", (unsigned long long)number)),
        .org = str_of(t->org),
        .source = text_or(t, in->source, "crm"),
        .type = text_or(t, in->type, "record.assigned"),
        .category = text_or(t, in->category, "workflow"),
        .subject = text_or(t, in->subject, ""),
        .title = text_or(t, in->title, "A title"),
        .body = text_or(t, in->body, ""),
        .link = text_or(t, in->link, ""),
        .actor = text_or(t, in->actor, ""),
        .data = text_or(t, in->data, "{}"),
        .time_ms = in->time_ms ? in->time_ms : clock_now_ms(t->clock),
        .flags = in->flags,
    };
    if (target) {
        out->payload = in->payload ? text_or(t, in->payload, "") : payload_of(t, out);
        return;
    }
    out->notification_id = text_or(
        t, in->notification_id, arena_printf(t->arena, "01900000-0000-7000-9000-%012llx", (unsigned long long)number));
    out->reason = text_or(t, in->reason, "owner");
    out->category_label = in->category_label ? text_or(t, in->category_label, "") : out->category;
    out->waited_ms = in->waited_ms;
    out->valid_until_ms = in->valid_until_ms;
    out->actions = in->actions;
    out->action_count = in->action_count;
    if (!outside)
        out->href = str_of(arena_printf(t->arena, FAKE_URL "/%s/n/%.*s", t->org, STR_ARG(out->notification_id)));
}

static const struct belfry_target *target_of(struct belfry_test *t, const char *name)
{
    const struct fake_target *from = NULL;
    for (size_t i = 0; i < t->targets.count; i++)
        if (!t->targets.items[i].removed && strcmp(t->targets.items[i].spec.name, name) == 0)
            from = &t->targets.items[i];
    if (!from)
        return NULL;
    const struct belfry_target_spec *spec = &from->spec;
    struct belfry_target_secret *secrets = arena_alloc(t->arena, (spec->secrets.count + 1) * sizeof(*secrets));
    struct belfry_target *target = arena_alloc(t->arena, sizeof(*target));
    secrets[0].text = str_of(spec->secret);
    for (size_t i = 0; i < spec->secrets.count; i++)
        secrets[i].text = spec->secrets.items[i];
    *target = (struct belfry_target){.struct_size = sizeof(*target),
                                     .id = from->id,
                                     .name = str_of(spec->name),
                                     .url = str_of(spec->url),
                                     .org = str_of(t->org),
                                     .secret = secrets[0].text,
                                     .settings = spec->settings,
                                     .secrets = secrets,
                                     .secret_count = spec->secrets.count ? spec->secrets.count : 1,
                                     .rate_per_minute = spec->rate_per_minute};
    return target;
}

/* Target or person; 0 when there is none such. */
static int address(struct belfry_test *t, const char *to, struct belfry_batch *batch)
{
    if (t->plugin->delivery->flags & BELFRY_DELIVERY_PER_TARGET) {
        batch->target = target_of(t, to);
        return batch->target != NULL;
    }
    struct belfry_person *person = arena_alloc(t->arena, sizeof(*person));
    const struct belfry_person *known = fake_person(t, str_of(t->org), str_of(to));
    person->struct_size = sizeof(*person);
    if (known)
        *person = *known;
    else if (strncmp(to, "email:", 6) == 0)
        person->email = str_of(arena_strdup(t->arena, to + 6));
    else
        person->username = str_of(arena_strdup(t->arena, to));
    batch->person = person;
    return 1;
}

uint64_t belfry_test_deliver(struct belfry_test *t, const struct belfry_test_batch *in)
{
    int64_t wait = 60000;
    if (!t->created || !t->plugin->delivery || !t->plugin->delivery->deliver) {
        fake_misuse("belfry_test_deliver", "there is no instance that delivers: %s", belfry_test_error(t));
        return 0;
    }
    if (in->deadline && duration_parse(str_of(in->deadline), &wait, NULL) != BELFRY_OK) {
        fake_misuse("belfry_test_deliver", "\"%s\" is no duration", in->deadline);
        return 0;
    }
    struct fake_batch *batch = arena_alloc(t->arena, sizeof(*batch));
    if (!address(t, in->to, &batch->pub))
        return 0;
    const struct belfry_item **pointers = arena_alloc(t->arena, (in->count + 1) * sizeof(*pointers));
    batch->items = arena_alloc(t->arena, (in->count + 1) * sizeof(*batch->items));
    batch->outcomes = arena_alloc(t->arena, (in->count + 1) * sizeof(*batch->outcomes));
    for (size_t i = 0; i < in->count; i++) {
        make_item(t, &in->items[i], batch->pub.target != NULL, strncmp(in->to, "email:", 6) == 0, &batch->items[i]);
        pointers[i] = &batch->items[i];
    }
    batch->pub.struct_size = sizeof(batch->pub);
    batch->pub.item_count = (uint32_t)in->count;
    batch->pub.id = fake_id(t);
    batch->pub.deadline_ms = clock_now_ms(t->clock) + wait;
    batch->pub.attempt = in->attempt ? in->attempt : 1;
    batch->pub.total = in->total ? in->total : (uint32_t)in->count;
    batch->pub.items = pointers;
    batch->pub.kind = in->kind;
    batch->pub.key = text_or(
        t, in->key, arena_printf(t->arena, "01900000-0000-7000-a000-%012llx", (unsigned long long)batch->pub.id));
    *FAKE_ADD(t, &t->batches) = batch;
    t->plugin->delivery->deliver(t->self, &batch->pub);
    belfry_test_settle(t);
    return batch->pub.id;
}

void belfry_test_cancel(struct belfry_test *t, uint64_t id)
{
    struct fake_batch *batch = batch_of(t, id);
    if (batch)
        batch->cancelled = 1;
    if (t->created && t->plugin->delivery && t->plugin->delivery->cancel)
        t->plugin->delivery->cancel(t->self, id);
    belfry_test_settle(t);
}

/* --- what came of it ---------------------------------------------------------------------------------------------- */

static void check_result(struct belfry_test *t, uint64_t batch, const struct belfry_result *r)
{
    unsigned long long id = batch;
    if (r->outcome < BELFRY_DELIVERED || r->outcome > BELFRY_THROTTLED)
        fake_fault(t, "complete() of batch %llu has outcome %u, which counts as RETRY", id, r->outcome);
    if (memchr(r->detail.ptr, '\n', r->detail.len) || !str_utf8_valid(r->detail))
        fake_fault(t, "complete() of batch %llu has a detail that is not one line of UTF-8", id);
    struct error why = {0};
    json_t *record = r->record.len ? json_read(r->record, &why) : json_object();
    if (!json_is_object(record) || r->record.len > RECORD_MAX)
        fake_fault(t, "complete() of batch %llu has a record that is no JSON object of at most 32 KiB", id);
    json_decref(record);
    error_clear(&why);
}

static struct belfry_test_outcome outcome_of(struct belfry_test *t, const struct belfry_result *r)
{
    int known = r->outcome >= BELFRY_DELIVERED && r->outcome <= BELFRY_THROTTLED;
    return (struct belfry_test_outcome){known ? r->outcome : BELFRY_RETRY, r->code, r->retry_after_ms,
                                        fake_text(t, r->detail), fake_text(t, r->record)};
}

void fake_complete(struct belfry_test *t, uint64_t id, const struct belfry_result *results, uint32_t n)
{
    struct fake_batch *batch = batch_of(t, id);
    if (!batch) {
        fake_fault(t, "R04: complete() for batch %llu, which there never was", (unsigned long long)id);
        return;
    }
    if (batch->answers++ || batch->late) {
        fake_fault(t, "R05: complete() for batch %llu %s", (unsigned long long)id,
                   batch->late ? "after it was given up" : "a second time");
        return;
    }
    if (n != 1 && n != batch->pub.item_count) {
        fake_fault(t, "R05: complete() for batch %llu with %u results, expected 1 or %u", (unsigned long long)id, n,
                   batch->pub.item_count);
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        check_result(t, id, &results[i]);
    for (uint32_t i = 0; i < batch->pub.item_count; i++)
        batch->outcomes[i] = outcome_of(t, &results[n == 1 ? 0 : i]);
}

static int is_open(const struct fake_batch *batch)
{
    return !batch->answers && !batch->late;
}

int fake_deliveries_due(struct belfry_test *t)
{
    int64_t now = clock_now_ms(t->clock);
    for (size_t i = 0; i < t->batches.count; i++) {
        struct fake_batch *batch = t->batches.items[i];
        if (!is_open(batch) || batch->pub.deadline_ms > now)
            continue;
        if (!batch->cancelled) {
            batch->cancelled = 1;
            if (t->created)
                t->plugin->delivery->cancel(t->self, batch->pub.id);
            return 1;
        }
        if (batch->pub.deadline_ms + FAKE_DELIVERY_GRACE_MS > now)
            continue;
        batch->late = 1;
        for (uint32_t k = 0; k < batch->pub.item_count; k++)
            batch->outcomes[k] = (struct belfry_test_outcome){BELFRY_RETRY, 0, 0, "no answer by the deadline", ""};
        fake_fault(t, "R05: complete() for batch %llu is missing after its deadline",
                   (unsigned long long)batch->pub.id);
        return 1;
    }
    return 0;
}

int64_t fake_deliveries_next(const struct belfry_test *t)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < t->batches.count; i++) {
        const struct fake_batch *batch = t->batches.items[i];
        int64_t due = batch->pub.deadline_ms + (batch->cancelled ? FAKE_DELIVERY_GRACE_MS : 0);
        if (is_open(batch) && due < next)
            next = due;
    }
    return next;
}

const struct belfry_test_outcome *belfry_test_outcome(const struct belfry_test *t, uint64_t id, size_t index)
{
    const struct fake_batch *batch = batch_of(t, id);
    return batch && !is_open(batch) && index < batch->pub.item_count ? &batch->outcomes[index] : NULL;
}

const char *belfry_test_outcome_name(uint32_t outcome)
{
    static const char *const names[] = {"none",    "delivered",   "retry",    "unavailable", "rejected",
                                        "unknown", "target_gone", "deferred", "throttled"};
    return outcome < sizeof(names) / sizeof(names[0]) ? names[outcome] : "none";
}
