/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules. A rule's event is called after it, so its name is made of what event types are made of. What a rule reads of
 * the record is collected once: only those fields are remembered, so that state stays small whatever the records carry.
 */
#include "rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int same(struct belfry_str a, const char *z)
{
    return strlen(z) == a.len && memcmp(a.ptr, z, a.len) == 0;
}

/* Cuts `prefix` off; 0 when it is not there. */
static int cut(struct belfry_str *s, const char *prefix)
{
    size_t len = strlen(prefix);
    if (s->len < len || memcmp(s->ptr, prefix, len) != 0)
        return 0;
    s->ptr += len;
    s->len -= len;
    return 1;
}

static char *text_of(struct belfry_str s, const char *before, const char *after)
{
    size_t a = strlen(before), b = strlen(after);
    char *out = malloc(a + s.len + b + 1);
    memcpy(out, before, a);
    memcpy(out + a, s.ptr, s.len);
    memcpy(out + a + s.len, after, b + 1);
    return out;
}

/* --- interest ----------------------------------------------------------------------------------------------------- */

static void remember(struct workflow_interest *interest, struct belfry_str name)
{
    size_t at = 0;
    for (; at < interest->count; at++) {
        const struct belfry_str *other = &interest->names[at];
        int cmp = memcmp(other->ptr, name.ptr, other->len < name.len ? other->len : name.len);
        cmp = cmp ? cmp : (other->len > name.len) - (other->len < name.len);
        if (cmp == 0)
            return;
        if (cmp > 0)
            break;
    }
    interest->names = realloc(interest->names, (interest->count + 1) * sizeof(*interest->names));
    memmove(&interest->names[at + 1], &interest->names[at], (interest->count - at) * sizeof(*interest->names));
    interest->names[at] = (struct belfry_str){text_of(name, "", ""), name.len};
    interest->count++;
}

/* The next part of a dotted path or a JSON Pointer (RFC 6901), unescaped into part. 0 at the end. */
static int next_part(struct belfry_str *path, int pointer, struct belfry_str *part, char *buffer)
{
    size_t len = 0, i = 0;
    if (path->len == 0)
        return 0;
    for (; i < path->len && path->ptr[i] != (pointer ? '/' : '.'); i++) {
        char c = path->ptr[i];
        if (pointer && c == '~' && i + 1 < path->len)
            c = path->ptr[++i] == '0' ? '~' : '/';
        buffer[len++] = c;
    }
    i += i < path->len;
    path->ptr += i;
    path->len -= i;
    *part = (struct belfry_str){buffer, len};
    return 1;
}

/* fields.amount, record.fields.amount, /fields/amount: `amount`. `fields` alone, or `record`, is all of them. */
static void remember_path(struct workflow_interest *interest, struct belfry_str path)
{
    struct belfry_str part = {NULL, 0};
    char *buffer = malloc(path.len + 1);
    int pointer = path.len && path.ptr[0] == '/';
    path.ptr += pointer;
    path.len -= (size_t)pointer;
    int more = next_part(&path, pointer, &part, buffer);
    if (more && same(part, "record") && !(more = next_part(&path, pointer, &part, buffer)))
        interest->all = 1;
    if (more && same(part, "fields")) {
        if (next_part(&path, pointer, &part, buffer))
            remember(interest, part);
        else
            interest->all = 1;
    }
    free(buffer);
}

static void remember_rule(struct workflow *w, const struct workflow_rule *rule)
{
    const struct workflow_notify *notify = &rule->options->notify;
    const struct belfry_template *templates[] = {notify->title, notify->body};
    struct belfry_strs paths = {NULL, 0};
    if (rule->options->when) {
        w->match->paths(rule->options->when, &paths);
        for (size_t i = 0; i < paths.count; i++)
            remember_path(&w->interest, paths.items[i]);
    }
    for (size_t t = 0; t < 2; t++) {
        if (!templates[t])
            continue;
        w->templates->paths(templates[t], &paths);
        for (size_t i = 0; i < paths.count; i++)
            remember_path(&w->interest, paths.items[i]);
    }
    for (size_t i = 0; i < rule->to_count; i++) {
        if (rule->to[i].kind == WORKFLOW_TO_FIELD)
            remember(&w->interest, rule->to[i].name);
    }
}

/* The hub's rules match events that may be made of a trigger that says little: what they read is remembered as well. */
static void remember_hub_rules(struct workflow *w)
{
    struct belfry_strs paths = {NULL, 0};
    w->hub_rules->data_paths(w->host, &paths);
    for (size_t i = 0; i < paths.count; i++) {
        struct belfry_str path = paths.items[i];
        if (cut(&path, "data.record.") || (cut(&path, "/data") && cut(&path, "/record")))
            remember_path(&w->interest, path);
    }
}

/* --- making them -------------------------------------------------------------------------------------------------- */

static struct workflow_recipient recipient_of(struct belfry_str text)
{
    struct workflow_recipient r = {.kind = WORKFLOW_TO_NAMED, .named_kind = BELFRY_TO_USER};
    if (same(text, "owner") || same(text, "audience"))
        r.kind = WORKFLOW_TO_OWNER;
    else if (same(text, "created_by"))
        r.kind = WORKFLOW_TO_CREATOR;
    else if (cut(&text, "field:"))
        r.kind = WORKFLOW_TO_FIELD;
    else if (cut(&text, "role:"))
        r.named_kind = BELFRY_TO_ROLE;
    else if (cut(&text, "email:"))
        r.named_kind = BELFRY_TO_EMAIL;
    else
        cut(&text, "user:");
    r.name = text;
    return r;
}

static int is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* "Big deal!" is Big-deal in types and keys of timers; a number keeps two rules apart that come to the same. */
static void slug_of(const struct workflow *w, const char *name, char *out, size_t size)
{
    size_t len = 0;
    for (; *name && len < size - 8; name++) {
        if (is_word(*name))
            out[len++] = *name;
        else if (len && out[len - 1] != '-')
            out[len++] = '-';
    }
    while (len && out[len - 1] == '-' && !is_word(name[-1]))
        len--;
    out[len] = '\0';
    if (!len)
        len = (size_t)snprintf(out, size, "rule");
    for (size_t i = 0, number = 2; i < w->rule_count; i++) {
        if (strcmp(w->rules[i].type.ptr + strlen("workflow."), out) != 0)
            continue;
        snprintf(out + len, size - len, "-%zu", number++);
        i = (size_t)-1; /* the numbered one may be taken too */
    }
}

static void make_rule(struct workflow *w, const struct workflow_rule_options *options, struct workflow_rule *rule)
{
    char slug[80];
    slug_of(w, options->name, slug, sizeof(slug));
    rule->options = options;
    rule->type = belfry_str(text_of(belfry_str(slug), "workflow.", ""));
    rule->reason = belfry_str(text_of(belfry_str(options->name), "rule ", ""));
    rule->timer = belfry_str(text_of(belfry_str(slug), "after/", "/"));
    rule->to = calloc(options->notify.to.count + 1, sizeof(*rule->to));
    rule->to_count = options->notify.to.count;
    for (size_t i = 0; i < rule->to_count; i++)
        rule->to[i] = recipient_of(belfry_str(((const char *const *)options->notify.to.items)[i]));
}

void workflow_rules_make(struct workflow *w, const struct workflow_config *config)
{
    w->rules = calloc(config->rules.count + 1, sizeof(*w->rules));
    remember(&w->interest, belfry_str("name")); /* titles */
    remember_hub_rules(w);
    for (uint32_t i = 0; i < config->rules.count; i++) {
        struct workflow_rule *rule = &w->rules[i];
        make_rule(w, &((const struct workflow_rule_options *)config->rules.items)[i], rule);
        w->rule_count++;
        remember_rule(w, rule);
    }
}

void workflow_rules_free(struct workflow *w)
{
    for (size_t i = 0; i < w->rule_count; i++) {
        free((char *)(uintptr_t)w->rules[i].type.ptr);
        free((char *)(uintptr_t)w->rules[i].reason.ptr);
        free((char *)(uintptr_t)w->rules[i].timer.ptr);
        free(w->rules[i].to);
    }
    for (size_t i = 0; i < w->interest.count; i++)
        free((char *)(uintptr_t)w->interest.names[i].ptr);
    free(w->interest.names);
    free(w->rules);
}

/* --- timers ------------------------------------------------------------------------------------------------------- */

const struct workflow_rule *workflow_rule_of_timer(const struct workflow *w, struct belfry_str timer,
                                                   struct belfry_str *key)
{
    for (size_t i = 0; i < w->rule_count; i++) {
        *key = timer;
        if (w->rules[i].options->after_ms > 0 && cut(key, w->rules[i].timer.ptr))
            return &w->rules[i];
    }
    return NULL;
}

struct belfry_str workflow_timer(struct belfry_txn *txn, const struct workflow_rule *rule, struct belfry_str key)
{
    struct workflow_text text = {.txn = txn};
    workflow_text_add(&text, rule->timer.ptr, rule->timer.len);
    workflow_text_add(&text, key.ptr, key.len);
    return text.failed ? (struct belfry_str){NULL, 0} : (struct belfry_str){text.ptr, text.len};
}

/* --- firing ------------------------------------------------------------------------------------------------------- */

int workflow_meets(const struct workflow *w, const struct workflow_rule *rule, const struct workflow_record *record)
{
    return !rule->options->when || w->match->eval(rule->options->when, &record->view);
}

/* Normalization is the hub's to judge, and of no matter to most names. */
int workflow_is_username(struct belfry_txn *txn, struct belfry_str name)
{
    struct belfry_person person = {.struct_size = sizeof(person)};
    int ascii = 1;
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i], next = i + 1 < name.len ? (unsigned char)name.ptr[i + 1] : 0;
        if (c < 0x20 || c == 0x7f || c == '/' || c == ':' || (c == 0xc2 && next >= 0x80 && next < 0xa0))
            return 0;
        ascii &= c < 0x80;
    }
    return name.len >= 1 && name.len <= 128 && (ascii || txn->api->user(txn, name, &person) != BELFRY_EINVAL);
}

struct audience {
    struct belfry_recipient *items;
    size_t count, cap;
    struct belfry_txn *txn;
    struct belfry_str reason;
    int failed;
};

static void tell(struct audience *to, uint32_t kind, struct belfry_str name)
{
    if (to->count == to->cap) {
        size_t cap = to->cap ? to->cap * 2 : 8;
        struct belfry_recipient *grown = to->txn->api->alloc(to->txn, cap * sizeof(*grown));
        if (!grown) {
            to->failed = 1;
            return;
        }
        if (to->count)
            memcpy(grown, to->items, to->count * sizeof(*grown));
        to->items = grown;
        to->cap = cap;
    }
    to->items[to->count++] = (struct belfry_recipient){sizeof(struct belfry_recipient), kind, name, to->reason};
}

/* A field may hold anything; what is no username is nobody, and no reason to refuse what happened to the record. */
static void tell_value(struct audience *to, const struct workflow *w, const struct workflow_rule *rule,
                       const struct belfry_value *value)
{
    char line[200];
    if (value->type == BELFRY_VALUE_STRING && workflow_is_username(to->txn, value->s)) {
        tell(to, BELFRY_TO_USER, value->s);
    } else if (value->type != BELFRY_VALUE_MISSING && value->type != BELFRY_VALUE_NULL) {
        snprintf(line, sizeof(line), "rule %s: a field that `to` names holds no username; nobody is told for it",
                 rule->options->name);
        w->host->log(w->host, BELFRY_LOG_WARN, line);
    }
}

static void tell_field(struct audience *to, const struct workflow *w, const struct workflow_rule *rule,
                       const struct workflow_record *record, struct belfry_str name)
{
    struct belfry_value value;
    workflow_record_field(record, name, &value);
    if (value.type != BELFRY_VALUE_ARRAY) {
        tell_value(to, w, rule, &value);
        return;
    }
    for (uint32_t i = 0; i < value.count && !to->failed; i++) {
        struct belfry_value item;
        record->view.at(&record->view, &value, i, &item);
        tell_value(to, w, rule, &item);
    }
}

static void tell_all(struct audience *to, const struct workflow *w, const struct workflow_rule *rule,
                     const struct workflow_record *record)
{
    for (size_t i = 0; i < rule->to_count; i++) {
        const struct workflow_recipient *r = &rule->to[i];
        if (r->kind == WORKFLOW_TO_FIELD)
            tell_field(to, w, rule, record, r->name);
        else if (r->kind == WORKFLOW_TO_NAMED)
            tell(to, r->named_kind, r->name);
        else if (r->kind == WORKFLOW_TO_OWNER && record->owner.ptr)
            tell(to, BELFRY_TO_USER, record->owner);
        else if (r->kind == WORKFLOW_TO_CREATOR && record->created_by.ptr)
            tell(to, BELFRY_TO_USER, record->created_by);
    }
}

belfry_status workflow_notify(const struct workflow *w, const struct workflow_rule *rule,
                              const struct workflow_record *record, struct belfry_str key, struct belfry_str data,
                              struct belfry_str actor, struct belfry_error *err)
{
    const struct workflow_notify *notify = &rule->options->notify;
    struct audience to = {.txn = record->txn, .reason = rule->reason};
    tell_all(&to, w, rule, record);
    if (to.failed)
        return w->host->fail(err, BELFRY_ELIMIT, NULL, "rule %s names too many recipients", rule->options->name);
    struct belfry_event event = {.struct_size = sizeof(event),
                                 .type = rule->type,
                                 .subject = key,
                                 .category = belfry_str(notify->category),
                                 .severity = notify->severity,
                                 .title_template = notify->title,
                                 .body_template = notify->body,
                                 .params = &record->view,
                                 .link = record->url,
                                 .actor = actor,
                                 .audience = to.items,
                                 .audience_count = to.count,
                                 .data = data};
    return record->txn->api->emit(record->txn, &event, err);
}
