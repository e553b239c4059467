/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mail is shown to whoever administers the org: of an event type's example, of data that comes with the request, or
 * of an event that is stored. What is written is what deliver() would write; the links lead to the right pages, but
 * that of the unsubscribe page has no token.
 */
#include "preview.h"

#include "content.h"
#include "email.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX (64 * 1024) /* bytes of a template that is tried */
#define FAULTS_MAX 16
#define LINK_SIZE 600

struct preview {
    struct email *email;
    const struct belfry_http_request *req;
    json_t *body;
    struct belfry_fault faults[FAULTS_MAX];
    size_t fault_count;
    struct belfry_str type, locale, zone, event;
    char *data; /* JSON; NULL: the example */
    struct content_trial trial;
    int tried;
    uint32_t kind;     /* BELFRY_BATCH_* */
    char stranger[80]; /* pointer of a member that nobody knows */
};

static void preview_free(struct preview *p)
{
    json_decref(p->body);
    free(p->data);
    free(p);
}

static void fault(struct preview *p, const char *pointer, const char *detail)
{
    if (p->fault_count < FAULTS_MAX)
        p->faults[p->fault_count++] = (struct belfry_fault){
            .struct_size = sizeof(struct belfry_fault), .pointer = belfry_str(pointer), .detail = belfry_str(detail)};
}

/* The first member that is not known; one whose name needs escapes is not named. */
static void fault_stranger(struct preview *p, const char *parent, const char *name, const char *detail)
{
    if (*p->stranger)
        return;
    int fits = strlen(name) < 40 && !strpbrk(name, "~/");
    snprintf(p->stranger, sizeof(p->stranger), "%s/%s", parent, fits ? name : "");
    fault(p, p->stranger, detail);
}

static void refuse(struct preview *p)
{
    const struct email *e = p->email;
    e->http->problems(e->host, p->req->id, 422, p->faults, p->fault_count, NULL, 0);
    preview_free(p);
}

/* --- reading the request ------------------------------------------------------------------------------------------ */

static struct belfry_str text_of(const json_t *value)
{
    return (struct belfry_str){json_string_value(value), json_string_length(value)};
}

/* An optional text; ptr NULL when it is not there. */
static struct belfry_str read_text(struct preview *p, const json_t *object, const char *name, const char *pointer,
                                   size_t most)
{
    const json_t *value = json_object_get(object, name);
    struct belfry_str text = text_of(value);
    if (!value || json_is_null(value))
        return (struct belfry_str){NULL, 0};
    if (!json_is_string(value))
        fault(p, pointer, "must be a string");
    else if (text.len > most)
        fault(p, pointer, most == TEXT_MAX ? "must be at most 64 KiB long" : "must be at most 300 bytes long");
    else
        return text;
    return (struct belfry_str){NULL, 0};
}

static int is_tag(struct belfry_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!((s.ptr[i] | 32) >= 'a' && (s.ptr[i] | 32) <= 'z') && !(s.ptr[i] >= '0' && s.ptr[i] <= '9') &&
            s.ptr[i] != '-')
            return 0;
    return s.len >= 2 && s.len <= 35;
}

static void read_reader(struct preview *p)
{
    int64_t noon;
    const struct belfry_date date = {2026, 1, 1};
    p->locale = read_text(p, p->body, "locale", "/locale", 300);
    p->zone = read_text(p, p->body, "timezone", "/timezone", 300);
    if (p->locale.ptr && !is_tag(p->locale))
        fault(p, "/locale", "must be a BCP 47 tag: de, de-AT");
    if (p->zone.ptr && p->email->calendar->instant(p->zone, &date, 720, &noon) != BELFRY_OK)
        fault(p, "/timezone", "must be an IANA time zone: Europe/Berlin");
    if (!p->locale.ptr)
        p->locale = p->req->locale;
}

static void read_subject_matter(struct preview *p)
{
    const json_t *data = json_object_get(p->body, "data");
    p->event = read_text(p, p->body, "event", "/event", 300);
    p->type = read_text(p, p->body, "type", "/type", 300);
    if (p->event.ptr && (p->type.ptr || data))
        fault(p, "/event", "an event has its own type and data: leave them out");
    if (!p->event.ptr && !p->type.len && !json_object_get(p->body, "type"))
        fault(p, "/type", "is required, unless there is an event");
    if (data && !json_is_null(data) && !json_is_object(data))
        fault(p, "/data", "must be an object");
    else if (json_is_object(data))
        p->data = json_dumps(data, JSON_COMPACT);
}

static void read_trial(struct preview *p)
{
    const json_t *template = json_object_get(p->body, "template");
    const char *name;
    json_t *value;
    if (!template || json_is_null(template))
        return;
    if (!json_is_object(template)) {
        fault(p, "/template", "must be an object with subject, text and html");
        return;
    }
    json_object_foreach((json_t *)(uintptr_t) template, name, value)
    {
        if (strcmp(name, "subject") != 0 && strcmp(name, "text") != 0 && strcmp(name, "html") != 0)
            fault_stranger(p, "/template", name, "is not known here; a template has subject, text and html");
    }
    p->tried = 1;
    p->trial.subject = read_text(p, template, "subject", "/template/subject", TEXT_MAX);
    p->trial.text = read_text(p, template, "text", "/template/text", TEXT_MAX);
    p->trial.html = read_text(p, template, "html", "/template/html", TEXT_MAX);
}

static void read_kind(struct preview *p)
{
    static const char *const kinds[] = {"single", "digest", "catch_up"};
    const json_t *value = json_object_get(p->body, "kind");
    const char *kind = json_string_value(value);
    if (!value || json_is_null(value))
        return;
    for (uint32_t i = 0; kind && i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kind, kinds[i]) == 0) {
            p->kind = i;
            return;
        }
    fault(p, "/kind", "must be single, digest or catch_up");
}

static void read_members(struct preview *p)
{
    static const char *const known[] = {"type", "locale", "timezone", "data", "event", "template", "kind"};
    const char *name;
    json_t *value;
    json_object_foreach(p->body, name, value)
    {
        size_t i = 0;
        while (i < sizeof(known) / sizeof(known[0]) && strcmp(name, known[i]) != 0)
            i++;
        if (i == sizeof(known) / sizeof(known[0]))
            fault_stranger(p, "", name,
                           "is not known here; there are type, locale, timezone, data, event, template and kind");
    }
    read_subject_matter(p);
    read_reader(p);
    read_trial(p);
    read_kind(p);
}

/* --- the answer --------------------------------------------------------------------------------------------------- */

static void put(json_t *object, const char *name, struct belfry_str value)
{
    json_object_set_new(object, name, json_stringn(value.len ? value.ptr : "", value.len));
}

static void respond(struct preview *p, const struct content_mail *mail)
{
    const struct email *e = p->email;
    json_t *answer = json_object();
    put(answer, "subject", mail->subject);
    put(answer, "text", mail->text);
    put(answer, "html", mail->html);
    json_object_set_new(answer, "note", *mail->note ? json_string(mail->note) : json_null());
    char *text = json_dumps(answer, JSON_COMPACT);
    struct belfry_http_response response = {.struct_size = sizeof(response),
                                            .status = 200,
                                            .content_type = belfry_str("application/json"),
                                            .body = belfry_str(text ? text : "{}")};
    e->http->respond(e->host, p->req->id, &response);
    free(text);
    json_decref(answer);
    preview_free(p);
}

/* A text that is no template is the request's fault; one that fails over this model is told in the note. */
static int trial_is_wrong(struct preview *p)
{
    static const char *const pointers[] = {"/template/subject", "/template/text", "/template/html"};
    for (size_t i = 0; i < 3; i++)
        if (*p->trial.faults[i])
            fault(p, pointers[i], p->trial.faults[i]);
    return p->fault_count > 0;
}

/* How long a mail waits by the channel's own words for its reader to see the notification; 0: not for that. */
static int64_t waits(const struct config *config)
{
    for (uint32_t i = 0; i < config->unless.count; i++)
        if (*(const int32_t *)(const void *)((const char *)config->unless.items + (size_t)i * config->unless.stride) ==
            UNLESS_SEEN)
            return config->after_ms;
    return 0;
}

/* A list shows what single mails of the same kind would: three of them. */
static void render(struct preview *p, const struct belfry_item *item)
{
    char all[LINK_SIZE], preferences[LINK_SIZE];
    const struct email *e = p->email;
    struct belfry_str url = e->url, org = p->req->org, none = {NULL, 0};
    struct belfry_person person = {
        .struct_size = sizeof(person), .username = belfry_str("preview"), .locale = p->locale, .timezone = p->zone};
    struct belfry_item shown = *item;
    shown.waited_ms = waits(e->config);
    const struct belfry_item *items[] = {&shown, &shown, &shown};
    struct belfry_batch batch = {.struct_size = sizeof(batch),
                                 .item_count = p->kind == BELFRY_BATCH_SINGLE ? 1 : 3,
                                 .total = p->kind == BELFRY_BATCH_SINGLE ? 1 : 3,
                                 .attempt = 1,
                                 .kind = p->kind,
                                 .items = items,
                                 .person = &person};
    snprintf(all, sizeof(all), "%.*s/%.*s/u/preview", (int)url.len, url.ptr, (int)org.len, org.ptr);
    snprintf(preferences, sizeof(preferences), "%.*s/%.*s/preferences", (int)url.len, url.ptr, (int)org.len, org.ptr);
    int required = (item->flags & BELFRY_ITEM_REQUIRED) != 0;
    struct content_links links = {required ? none : belfry_str(all), required ? none : belfry_str(all),
                                  belfry_str(preferences)};
    struct content_mail mail;
    if (!content_render_trial(e->content, &batch, &links, p->tried ? &p->trial : NULL, &mail)) {
        e->http->problem(e->host, p->req->id, 503, NULL, belfry_str("there is no memory for it now"));
        preview_free(p);
        return;
    }
    if (p->tried && trial_is_wrong(p))
        refuse(p);
    else
        respond(p, &mail);
    content_mail_free(&mail);
}

static void on_item(void *arg, belfry_status status, const struct belfry_item *item)
{
    struct preview *p = arg;
    const struct email *e = p->email;
    if (status == BELFRY_OK) {
        render(p, item);
        return;
    }
    if (status == BELFRY_ENOTFOUND && p->event.ptr) {
        e->http->problem(e->host, p->req->id, 404, "/event", belfry_str("there is no such event"));
        preview_free(p);
    } else if (status == BELFRY_ENOTFOUND) {
        fault(p, "/type", "no source of this org tells of such events; GET /v1/{org}/event-types lists them");
        refuse(p);
    } else if (status == BELFRY_EINVAL) {
        fault(p, "/data", "is required: this type declares no example");
        refuse(p);
    } else {
        e->http->problem(e->host, p->req->id, 503, NULL, belfry_str("it cannot be shown now; try again"));
        preview_free(p);
    }
}

void preview_route(void *self, const struct belfry_http_request *req)
{
    struct email *e = self;
    struct preview *p = calloc(1, sizeof(*p));
    if (!p) {
        e->http->problem(e->host, req->id, 503, NULL, belfry_str("out of memory"));
        return;
    }
    p->email = e;
    p->req = req;
    p->body = json_loadb(req->body.len ? req->body.ptr : "", req->body.len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(p->body)) {
        e->http->problem(e->host, req->id, 400, NULL, belfry_str("the body must be a JSON object"));
        preview_free(p);
        return;
    }
    read_members(p);
    if (p->fault_count) {
        refuse(p);
        return;
    }
    struct belfry_sample sample = {.struct_size = sizeof(sample),
                                   .type = p->type,
                                   .data = belfry_str(p->data ? p->data : ""),
                                   .event = p->event,
                                   .language = p->locale};
    e->samples->make(e->host, req, &sample, on_item, p);
}
