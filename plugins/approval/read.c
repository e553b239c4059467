/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hub words what is wrong with a type ("must be a string, not an integer"); what a name, an id or a step has to be
 * is said here.
 */
#include "read.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

#define OBJECT_MAX 65536 /* bytes of a submission: it is remembered, and told with every event */
#define COMMENT_MAX 10000
#define STEPS_MAX 100
#define APPROVERS_MAX 1000
#define NAME_RULE "1 to 128 bytes in NFC without `/`, `:` and control characters"

struct reading {
    struct approval_call *c;
    int faults;
};

/* pointer is below data. */
static void refuse(struct reading *r, const char *pointer, const char *text)
{
    char full[128];
    snprintf(full, sizeof(full), "/data%s", pointer);
    r->c->a->host->fail(r->c->err, BELFRY_EINVAL, full, "%s", text);
    r->faults++;
}

/* --- texts -------------------------------------------------------------------------------------------------------- */

static struct belfry_str text_at(struct reading *r, const char *pointer)
{
    struct belfry_str text = {NULL, 0};
    struct approval_call *c = r->c;
    if (c->api->value_str(c->txn, c->trigger, pointer, &text, c->err) != BELFRY_OK) {
        r->faults++;
        return (struct belfry_str){NULL, 0};
    }
    return text;
}

static int is_there(struct reading *r, const char *pointer)
{
    struct belfry_value value;
    return r->c->api->value_get(r->c->txn, r->c->trigger, pointer, &value) == BELFRY_OK;
}

/* Something to call a thing by. */
static void check_label(struct reading *r, const char *pointer)
{
    struct belfry_str text = text_at(r, pointer);
    if (text.ptr && text.len == 0)
        refuse(r, pointer, "is empty");
}

static int is_username(struct reading *r, struct belfry_str name)
{
    struct belfry_person person = {.struct_size = sizeof(person)};
    return r->c->api->user(r->c->txn, name, &person) != BELFRY_EINVAL;
}

/* "user:ann" is Ann too. */
static struct belfry_str username_at(struct reading *r, const char *pointer)
{
    struct belfry_str text = text_at(r, pointer), user = approval_after(text, "user:");
    struct belfry_str name = user.ptr ? user : text;
    if (name.ptr && !is_username(r, name))
        refuse(r, pointer, "must be a username: " NAME_RULE);
    return name;
}

static int is_role(struct belfry_str role)
{
    for (size_t i = 0; i < role.len; i++)
        if ((unsigned char)role.ptr[i] <= 0x20 || role.ptr[i] == 0x7f || role.ptr[i] == ':' || role.ptr[i] == ',')
            return 0;
    return role.len > 0 && role.len <= 128;
}

static int is_approver(struct reading *r, struct belfry_str text)
{
    struct belfry_str user = approval_after(text, "user:"), role = approval_after(text, "role:");
    return role.ptr ? is_role(role) : is_username(r, user.ptr ? user : text);
}

static void read_name(struct reading *r)
{
    static const char at[] = "/approval/id";
    struct belfry_str id = text_at(r, at);
    for (size_t i = 0; i < id.len; i++) {
        if ((unsigned char)id.ptr[i] >= 0x20 && id.ptr[i] != 0x7f)
            continue;
        refuse(r, at, "has a control character");
        return;
    }
    if (id.ptr && (id.len == 0 || id.len > APPROVAL_ID_MAX))
        refuse(r, at, id.len ? "is longer than 400 bytes" : "is empty");
    else if (id.ptr && approval_call_name(r->c, id) != BELFRY_OK)
        r->faults++;
}

/* Who acts. A person who comes themselves does, whatever the trigger says. */
static struct belfry_str read_actor(struct reading *r, const char *pointer)
{
    const struct belfry_principal *who = r->c->txn->principal;
    return who && who->kind == BELFRY_PRINCIPAL_PERSON ? who->name : username_at(r, pointer);
}

/* --- what is submitted -------------------------------------------------------------------------------------------- */

static uint32_t count_at(struct reading *r, const char *pointer, uint32_t max, const char *many)
{
    struct belfry_value value;
    r->c->api->value_get(r->c->txn, r->c->trigger, pointer, &value);
    if (value.type == BELFRY_VALUE_MISSING || value.type == BELFRY_VALUE_NULL)
        refuse(r, pointer, "is required");
    else if (value.type != BELFRY_VALUE_ARRAY)
        refuse(r, pointer, "must be an array");
    else if (value.count == 0)
        refuse(r, pointer, "is empty");
    else if (value.count > max)
        refuse(r, pointer, many);
    else
        return value.count;
    return 0;
}

static void check_approvers(struct reading *r, const char *pointer)
{
    uint32_t count = count_at(r, pointer, APPROVERS_MAX, "are more than 1000; a role names many");
    char at[96];
    for (uint32_t i = 0; i < count; i++) {
        snprintf(at, sizeof(at), "%s/%u", pointer, i);
        struct belfry_str text = text_at(r, at);
        if (text.ptr && !is_approver(r, text))
            refuse(r, at, "must be a username, user:NAME or role:ROLE; a name has " NAME_RULE);
    }
}

static void check_needs(struct reading *r, const char *pointer)
{
    struct belfry_value value;
    struct approval_call *c = r->c;
    c->api->value_get(c->txn, c->trigger, pointer, &value);
    if (value.type == BELFRY_VALUE_MISSING || value.type == BELFRY_VALUE_NULL)
        refuse(r, pointer, "is required");
    else if (value.type == BELFRY_VALUE_INT && value.i < 1)
        refuse(r, pointer, "must be at least 1");
    else if (value.type != BELFRY_VALUE_INT &&
             !(value.type == BELFRY_VALUE_STRING &&
               (approval_same(value.s, belfry_str("any")) || approval_same(value.s, belfry_str("all")))))
        refuse(r, pointer, "must be any, all or a whole number");
}

static void check_steps(struct reading *r)
{
    uint32_t count = count_at(r, "/approval/steps", STEPS_MAX, "are more than 100");
    char at[64];
    for (uint32_t i = 0; i < count; i++) {
        struct belfry_value step;
        snprintf(at, sizeof(at), "/approval/steps/%u", i);
        r->c->api->value_get(r->c->txn, r->c->trigger, at, &step);
        if (step.type != BELFRY_VALUE_OBJECT) {
            refuse(r, at, "must be an object");
            continue;
        }
        size_t len = strlen(at);
        snprintf(at + len, sizeof(at) - len, "/name");
        check_label(r, at);
        snprintf(at + len, sizeof(at) - len, "/approvers");
        check_approvers(r, at);
        snprintf(at + len, sizeof(at) - len, "/needs");
        check_needs(r, at);
    }
}

/* The object itself, for memory and events; the submitter is who really came, by their bare name. */
static belfry_status take_object(struct reading *r, struct belfry_str submitter, json_t **out)
{
    struct approval_call *c = r->c;
    struct approval_text text = {.txn = c->txn};
    json_error_t fault;
    json_t *data = json_loadb(c->trigger->data.ptr, c->trigger->data.len, 0, &fault);
    json_t *object = json_incref(json_object_get(data, "approval"));
    json_decref(data);
    if (!object)
        return approval_out_of_memory(c); /* the hub has read the same text */
    json_object_set_new(object, "submitter", json_stringn(submitter.ptr, submitter.len));
    approval_text_json(&text, object);
    if (!text.failed && text.len <= OBJECT_MAX) {
        *out = object;
        return BELFRY_OK;
    }
    json_decref(object);
    refuse(r, "/approval", "is larger than 64 KiB");
    return BELFRY_EINVAL;
}

static int has_object(struct reading *r)
{
    struct belfry_value value;
    r->c->api->value_get(r->c->txn, r->c->trigger, "/approval", &value);
    if (value.type == BELFRY_VALUE_OBJECT)
        return 1;
    refuse(r, "/approval",
           value.type == BELFRY_VALUE_MISSING || value.type == BELFRY_VALUE_NULL ? "is required" : "must be an object");
    return 0;
}

belfry_status approval_read_submitted(struct approval_call *c, json_t **out)
{
    struct reading r = {.c = c};
    struct belfry_str url;
    if (!has_object(&r))
        return BELFRY_EINVAL;
    read_name(&r);
    check_label(&r, "/approval/title");
    r.faults += c->api->value_link(c->txn, c->trigger, "/approval/url", &url, c->err) != BELFRY_OK;
    c->by = read_actor(&r, "/approval/submitter");
    check_steps(&r);
    return r.faults ? BELFRY_EINVAL : take_object(&r, c->by, out);
}

/* --- what is done about it ---------------------------------------------------------------------------------------- */

/* A number from 1; 0 when it is absent. */
static int64_t ordinal_at(struct reading *r, const char *pointer)
{
    struct approval_call *c = r->c;
    int64_t number = 0;
    if (!is_there(r, pointer))
        return 0;
    if (c->api->value_int(c->txn, c->trigger, pointer, &number, c->err) != BELFRY_OK)
        r->faults++;
    else if (number < 1)
        refuse(r, pointer, "must be at least 1");
    return number;
}

static belfry_status read_decision(struct reading *r, struct approval_decision *out)
{
    struct belfry_str word = text_at(r, "/decision");
    out->decision = approval_same(word, belfry_str("approved"))   ? APPROVAL_APPROVED
                    : approval_same(word, belfry_str("rejected")) ? APPROVAL_REJECTED
                                                                  : APPROVAL_UNKNOWN;
    if (word.ptr && out->decision == APPROVAL_UNKNOWN)
        refuse(r, "/decision", "must be approved or rejected");
    if (is_there(r, "/comment"))
        out->comment = text_at(r, "/comment");
    if (out->comment.len > COMMENT_MAX)
        refuse(r, "/comment", "is longer than 10000 bytes");
    out->round = ordinal_at(r, "/round");
    out->step = ordinal_at(r, "/step");
    return r->faults ? BELFRY_EINVAL : BELFRY_OK;
}

belfry_status approval_read_decided(struct approval_call *c, struct approval_decision *out)
{
    struct reading r = {.c = c};
    *out = (struct approval_decision){.decision = APPROVAL_UNKNOWN};
    if (has_object(&r))
        read_name(&r);
    c->by = read_actor(&r, "/by");
    return read_decision(&r, out);
}

belfry_status approval_read_reassigned(struct approval_call *c, struct belfry_str *from, struct belfry_str *to)
{
    struct reading r = {.c = c};
    if (has_object(&r))
        read_name(&r);
    *from = text_at(&r, "/from");
    struct belfry_str user = approval_after(*from, "user:");
    if (from->ptr && !is_approver(&r, *from))
        refuse(&r, "/from", "must be a username: " NAME_RULE);
    *from = user.ptr ? user : *from;
    *to = username_at(&r, "/to");
    if (from->ptr && to->ptr && approval_same(*from, *to))
        refuse(&r, "/to", "must be somebody else");
    c->by = read_actor(&r, "/by");
    return r.faults ? BELFRY_EINVAL : BELFRY_OK;
}

belfry_status approval_read_recalled(struct approval_call *c)
{
    struct reading r = {.c = c};
    if (has_object(&r))
        read_name(&r);
    c->by = read_actor(&r, "/by");
    return r.faults ? BELFRY_EINVAL : BELFRY_OK;
}
