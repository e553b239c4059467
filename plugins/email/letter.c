/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which headers a mail has. What is the same for all mails of a kind is message.c's; here is what follows from the
 * batch: whose it is, what it belongs to, and how it can be stopped.
 *
 * A mail about one thing refers to a Message-ID made of person and subject, so that all about that thing is one thread.
 * A digest stands for itself. What is about a required category cannot be stopped, so it says nothing of how.
 */
#include "letter.h"

#include "message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINK_SIZE 2048
#define LABEL_MAX 63 /* RFC 1035: List-Id looks like a domain name */

struct links {
    char unsubscribe[LINK_SIZE], unsubscribe_all[LINK_SIZE], preferences[LINK_SIZE];
    char mail[ADDRESS_MAX + 1];
};

static const char *const kinds[] = {"single", "digest", "catch-up"};

static struct belfry_str person_key(const struct belfry_batch *batch)
{
    return batch->person->username.len ? batch->person->username : batch->person->email;
}

/* Nothing of it can be stopped. What was held before its category became required may stand beside other things. */
static int is_required(const struct belfry_batch *batch)
{
    for (uint32_t i = 0; i < batch->item_count; i++)
        if (!(batch->items[i]->flags & BELFRY_ITEM_REQUIRED))
            return 0;
    return 1;
}

/* The one category that all of the batch is in; empty: it has several. */
static struct belfry_str category_of(const struct belfry_batch *batch)
{
    struct belfry_str first = batch->items[0]->category;
    for (uint32_t i = 1; i < batch->item_count; i++) {
        struct belfry_str other = batch->items[i]->category;
        if (other.len != first.len || memcmp(other.ptr, first.ptr, first.len) != 0)
            return (struct belfry_str){0};
    }
    return first;
}

/* A test: nothing that people get by itself. */
static int is_of_no_category(const struct belfry_batch *batch)
{
    return batch->item_count == 1 && !batch->items[0]->category.len;
}

/* --- how it can be stopped ---------------------------------------------------------------------------------------- */

static void token_link(struct email *e, const struct belfry_batch *batch, struct belfry_str category,
                       char out[LINK_SIZE])
{
    struct belfry_str org = batch->items[0]->org, username = batch->person->username;
    char token[TOKEN_TEXT_SIZE];
    struct token_subject subject = {.org = org, .username = username, .category = category};
    if (!username.len)
        subject.address = batch->person->email;
    token_write(e->token_key, &subject, token);
    if (*token && e->url.len)
        snprintf(out, LINK_SIZE, "%.*s/%.*s/u/%s", (int)e->url.len, e->url.ptr, (int)org.len, org.ptr, token);
}

static void links_fill(struct email *e, const struct belfry_batch *batch, struct links *out)
{
    struct belfry_str org = batch->items[0]->org, none = {NULL, 0};
    if (batch->person->username.len && e->url.len)
        snprintf(out->preferences, sizeof(out->preferences), "%.*s/%.*s/preferences", (int)e->url.len, e->url.ptr,
                 (int)org.len, org.ptr);
    if (is_required(batch) || is_of_no_category(batch))
        return;
    token_link(e, batch, category_of(batch), out->unsubscribe);
    token_link(e, batch, none, out->unsubscribe_all);
    char local[TOKEN_LOCAL_SIZE];
    unsub_write(e->token_key, batch->key, local);
    if (*local && *e->bounce_domain)
        snprintf(out->mail, sizeof(out->mail), "%s@%s", local, e->bounce_domain);
}

/* --- what it belongs to ------------------------------------------------------------------------------------------- */

/* "CALC_BLOCKED" as part of a domain name: "calc-blocked". */
static void label(struct belfry_str category, char out[LABEL_MAX + 1])
{
    size_t n = 0;
    for (size_t i = 0; i < category.len && n + 2 <= LABEL_MAX; i++) {
        unsigned char c = (unsigned char)category.ptr[i];
        if (c >= 'A' && c <= 'Z')
            c |= 0x20;
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
            out[n++] = (char)c;
        else if (c >= 0x80)
            n += (size_t)snprintf(out + n, 3, "%02x", c);
        else
            out[n++] = '-';
    }
    out[n] = '\0';
}

struct belonging {
    char list_name[2 * (ADDRESS_NAME_MAX * 4 + 2)], list_id[LABEL_MAX + ADDRESS_MAX + 2], feedback[300];
    char thread[TOKEN_MESSAGE_ID_SIZE];
};

static void belonging_fill(struct email *e, const struct belfry_batch *batch, struct belonging *out)
{
    const struct belfry_item *item = batch->items[0];
    struct belfry_str category = category_of(batch), name = item->category_label;
    const char *kind = kinds[batch->kind < 3 ? batch->kind : 0], *who = *e->from.name ? e->from.name : e->from.domain;
    char slug[LABEL_MAX + 1];
    label(category.len ? category : belfry_str(is_of_no_category(batch) ? "test" : "catch-up"), slug);
    if (category.len)
        snprintf(out->list_name, sizeof(out->list_name), "%s: %.*s", who, (int)name.len, name.ptr ? name.ptr : "");
    else
        snprintf(out->list_name, sizeof(out->list_name), "%s", who);
    if (!is_of_no_category(batch))
        snprintf(out->list_id, sizeof(out->list_id), "%s.%s", slug, e->from.domain);
    snprintf(out->feedback, sizeof(out->feedback), "%s:%s:%.*s:belfry", slug, kind, (int)item->org.len, item->org.ptr);
    if (batch->item_count == 1 && item->subject.len)
        thread_id_write(e->token_key, item->org, person_key(batch), item->source, item->subject, e->from.domain,
                        out->thread);
}

/* Where it comes back to, so that `belfry bounce` knows which delivery it was (VERP); else the sender that people see.
 */
static void envelope_from(struct email *e, struct belfry_str key, char out[ADDRESS_MAX + 1])
{
    char local[TOKEN_LOCAL_SIZE];
    verp_write(e->token_key, key, local);
    if (*local && *e->bounce_domain)
        snprintf(out, ADDRESS_MAX + 1, "%s@%s", local, e->bounce_domain);
    else
        snprintf(out, ADDRESS_MAX + 1, "%s", e->from.spec);
}

static struct belfry_str language_of(const struct belfry_batch *batch, const struct content_mail *content)
{
    if (content->language.len)
        return content->language;
    return batch->person->locale.len ? batch->person->locale : belfry_str("en");
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

int letter_write(struct email *e, const struct belfry_batch *batch, const struct address *to, struct letter *out,
                 const char **fault)
{
    struct links links = {0};
    struct belonging belongs = {0};
    struct content_mail content = {0};
    *out = (struct letter){0};
    links_fill(e, batch, &links);
    belonging_fill(e, batch, &belongs);
    envelope_from(e, batch->key, out->from);
    message_id_write(e->token_key, batch->key, e->from.domain, out->message_id);
    struct content_links shown = {.unsubscribe = belfry_str(links.unsubscribe),
                                  .unsubscribe_all = belfry_str(links.unsubscribe_all),
                                  .preferences = belfry_str(links.preferences)};
    *fault = "there is no memory left";
    if (!content_render(e->content, batch, &shown, &content))
        return -1;
    memcpy(out->note, content.note, sizeof(out->note));
    struct message message = {.from = &e->from,
                              .to = to,
                              .to_name = batch->person->name,
                              .subject = content.subject,
                              .message_id = belfry_str(out->message_id),
                              .thread = belfry_str(belongs.thread),
                              .list_name = belfry_str(belongs.list_name),
                              .list_id = belfry_str(belongs.list_id),
                              .unsubscribe = belfry_str(links.unsubscribe),
                              .unsubscribe_mail = belfry_str(links.mail),
                              .feedback_id = belfry_str(belongs.feedback),
                              .language = language_of(batch, &content),
                              .text = content.text,
                              .html = content.html,
                              .date_ms = e->host->now_ms(e->host)};
    out->message = message_write(&message, &out->size, fault);
    content_mail_free(&content);
    return out->message ? 0 : -1;
}
