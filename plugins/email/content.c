/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mail's words from a batch: the model is made, the templates are chosen and rendered. HTML that large receivers
 * would clip is made again with less of the body and fewer items; the links to all of it stay.
 */
#include "content_inside.h"

#include <stdlib.h>
#include <string.h>

static const char single_text[] =
#include "plugins/email/templates/single.txt.inc"
    ;
static const char list_text[] =
#include "plugins/email/templates/list.txt.inc"
    ;
static const char layout_text[] =
#include "plugins/email/templates/layout.txt.inc"
    ;
static const char single_html[] =
#include "plugins/email/templates/single.mustache.inc"
    ;
static const char list_html[] =
#include "plugins/email/templates/list.mustache.inc"
    ;
static const char of_text_html[] =
#include "plugins/email/templates/text.mustache.inc"
    ;
static const char layout_html[] =
#include "plugins/email/templates/layout.mustache.inc"
    ;
static const char texts_en[] =
#include "plugins/email/texts/en.json.inc"
    ;
static const char texts_de[] =
#include "plugins/email/texts/de.json.inc"
    ;

/* --- life --------------------------------------------------------------------------------------------------------- */

belfry_status content_start(const struct belfry_host *host, struct belfry_error *err)
{
    static const struct {
        const char *name, *text;
    } templates[] = {{"mail-single-text", single_text}, {"mail-list-text", list_text},
                     {"mail-layout-text", layout_text}, {"mail-single-html", single_html},
                     {"mail-list-html", list_html},     {"mail-layout-html", layout_html},
                     {"mail-text-html", of_text_html},  {"content", "{{{content}}}"}};
    const struct belfry_pages_api *pages = host->get_extension(host, BELFRY_EXT_PAGES);
    belfry_status status = pages->texts(host, "en", belfry_str(texts_en), err);
    if (status == BELFRY_OK)
        status = pages->texts(host, "de", belfry_str(texts_de), err);
    for (size_t i = 0; status == BELFRY_OK && i < sizeof(templates) / sizeof(templates[0]); i++)
        status = pages->add(host, templates[i].name, belfry_str(templates[i].text), err);
    return status;
}

struct content *content_new(const struct belfry_host *host, const struct belfry_map *templates,
                            struct belfry_error *err)
{
    struct content *content = calloc(1, sizeof(*content));
    if (!content) {
        host->fail(err, BELFRY_ENOMEM, NULL, "out of memory");
        return NULL;
    }
    *content = (struct content){.host = host,
                                .pages = host->get_extension(host, BELFRY_EXT_PAGES),
                                .calendar = host->get_extension(host, BELFRY_EXT_CALENDAR),
                                .site = host->get_extension(host, BELFRY_EXT_SITE),
                                .templates = templates};
    return content;
}

void content_free(struct content *content)
{
    free(content);
}

/* --- a mail ------------------------------------------------------------------------------------------------------- */

/* How much is shown, from everything to what always fits. */
static const struct {
    size_t body_bytes;
    uint32_t items;
} measures[] = {{SIZE_MAX, CONTENT_ITEMS_MAX}, {30000, 40}, {10000, 25}, {3000, 10}, {800, 5}};
#define MEASURES (sizeof(measures) / sizeof(measures[0]))

static int write_mail(struct writing *w, struct made *made, struct content_mail *out)
{
    json_t *model = content_model(w);
    int ok = model && content_parts(w, made, out->note, sizeof(out->note));
    json_decref(model);
    w->model = NULL;
    return ok;
}

/* 1 when it is as it can go out. */
static int try_measures(struct writing *w, struct made *made, struct content_mail *out)
{
    for (size_t i = 0; i < MEASURES; i++) {
        w->body_bytes = measures[i].body_bytes;
        w->items = measures[i].items;
        w->last = i + 1 == MEASURES;
        if (write_mail(w, made, out) && strlen(made->parts[CONTENT_HTML]) <= CONTENT_HTML_MAX)
            return 1;
        content_parts_free(made);
    }
    return 0;
}

static void begin(struct writing *w, struct content *content, const struct belfry_batch *batch,
                  const struct content_links *links, struct content_trial *trial)
{
    const struct belfry_person *person = batch->person;
    *w = (struct writing){.content = content, .batch = batch, .links = links, .lead = batch->items[0], .trial = trial};
    w->outside = !person || person->username.len == 0;
    w->locale = person ? person->locale : (struct belfry_str){NULL, 0};
    w->language = content->pages->language_of(content->host, w->locale);
    w->zone = content->pages->zone_of(content->host, w->lead->org, person ? person->timezone : (struct belfry_str){0});
}

int content_render_trial(struct content *content, const struct belfry_batch *batch, const struct content_links *links,
                         struct content_trial *trial, struct content_mail *out)
{
    struct writing w;
    struct made *made = calloc(1, sizeof(*made));
    *out = (struct content_mail){0};
    if (!made)
        return 0;
    begin(&w, content, batch, links, trial);
    int ok = try_measures(&w, made, out);
    w.plain = 1;
    if (!ok && !try_measures(&w, made, out)) {
        free(made);
        return 0;
    }
    out->subject = belfry_str(made->parts[CONTENT_SUBJECT]);
    out->text = belfry_str(made->parts[CONTENT_TEXT]);
    out->html = belfry_str(made->parts[CONTENT_HTML]);
    out->language = w.language;
    out->memory = made;
    return 1;
}

int content_render(struct content *content, const struct belfry_batch *batch, const struct content_links *links,
                   struct content_mail *out)
{
    return content_render_trial(content, batch, links, NULL, out);
}

void content_mail_free(struct content_mail *mail)
{
    if (mail->memory)
        content_parts_free(mail->memory);
    free(mail->memory);
    *mail = (struct content_mail){0};
}
