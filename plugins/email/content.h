/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a mail says: subject, plain text and HTML of a batch, from Mustache templates in the person's language and zone.
 * A template is chosen by event type: the configuration's for the type, else ours for the type, else the default one;
 * each is put into the layout. Digests and catch-up mails have templates of their own. [loop]
 */
#ifndef EMAIL_CONTENT_H
#define EMAIL_CONTENT_H

#include <belfry/host.h>

struct content;         /* templates of one instance */
struct content_options; /* `templates` of the configuration, content_options.c */

/* What the functions below need, to be among the plugin's `needs`. */
#define CONTENT_NEEDS BELFRY_EXT_PAGES, BELFRY_EXT_CALENDAR, BELFRY_EXT_SITE

/* Adds the texts of the plugin and the templates of mails to the host's pages, in start(). */
belfry_status content_start(const struct belfry_host *host, struct belfry_error *err);
/* templates: borrowed from the configuration until content_free(). EINVAL with what is wrong. */
struct content *content_new(const struct belfry_host *host, const struct belfry_map *templates,
                            struct belfry_error *err);
void content_free(struct content *content);

/* Of the option `templates`: what a value of the map is. */
extern const struct belfry_option content_templates_option[];

struct content_links {
    struct belfry_str unsubscribe; /* page of this category; empty: it cannot be stopped */
    struct belfry_str
        unsubscribe_all;           /* empty: as above. Of a catch-up mail, which has many categories, this one shows */
    struct belfry_str preferences; /* empty: an outside address has none */
};

struct content_mail {
    struct belfry_str subject, text, html; /* until content_mail_free() */
    struct belfry_str language;            /* of Content-Language; as long as content */
    void *memory;
    char note[300]; /* a template of the configuration that failed, and what was used instead; empty: none did */
};

/* Never nothing: a template of the configuration that fails gives ours and a note. 0 only without memory. */
int content_render(struct content *content, const struct belfry_batch *batch, const struct content_links *links,
                   struct content_mail *out);
void content_mail_free(struct content_mail *mail);

/* Templates that are tried before they are in the configuration; ptr NULL: none. */
struct content_trial {
    struct belfry_str subject, text, html;
    char faults[3][200]; /* of subject, text and html: why it is no template; empty: it is one */
};
int content_render_trial(struct content *content, const struct belfry_batch *batch, const struct content_links *links,
                         struct content_trial *trial, struct content_mail *out);

#endif
