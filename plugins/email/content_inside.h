/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of content*.c share. Everything is [loop]. */
#ifndef EMAIL_CONTENT_INSIDE_H
#define EMAIL_CONTENT_INSIDE_H

#include "content.h"

#include <jansson.h>

#define CONTENT_HTML_MAX (90 * 1024) /* Gmail shows no more than about 102 KB of a mail */
#define CONTENT_ITEMS_MAX 50         /* that a list shows */
#define CONTENT_LINE_MAX 300         /* characters of a subject */

/* One set of templates of the configuration; each may be NULL. */
struct content_words {
    const struct belfry_template *subject, *text, *html;
};

/* What stands under one key of `templates`. */
struct content_override {
    struct content_words words;
    struct belfry_map locales; /* struct content_words, by language */
};

struct content {
    const struct belfry_host *host;
    const struct belfry_pages_api *pages;
    const struct belfry_calendar_api *calendar;
    const struct belfry_site_api *site;
    const struct belfry_map *templates; /* struct content_override, by event type; may be NULL */
};

/* One mail that is being written. */
struct writing {
    struct content *content;
    const struct belfry_batch *batch;
    const struct content_links *links;
    const struct belfry_item *lead; /* the first item: all are of its org */
    struct belfry_str locale;       /* the person's, or "" */
    struct belfry_str language;     /* of our texts, for that locale */
    struct belfry_str zone;
    json_t *model;
    int outside;                 /* the recipient has no inbox */
    struct content_trial *trial; /* NULL: none */
    int plain, last;             /* 1: nothing of the configuration; this is the least that is shown */
    /* what is shown at most, so that a mail stays readable everywhere */
    size_t body_bytes;
    uint32_t items;
};

/* content_model.c: what templates read. The caller's. */
json_t *content_model(struct writing *w);
/* content_dress.c: the members that only layouts need: colours, a summary, whether there are lists and links */
void content_dress(const struct writing *w);

/* content_view.c: a model as render_parts() takes it; borrowed */
struct belfry_view content_view(const json_t *model);

/* content_say.c: words in the reader's language, put into an object */
void content_put(json_t *object, const char *name, struct belfry_str value);
void content_put_text(const struct writing *w, json_t *object, const char *name, const char *key,
                      const struct belfry_value *args, size_t count);
void content_put_time(const struct writing *w, json_t *object, const char *name, uint32_t style, int64_t ms);
struct belfry_value content_arg(struct belfry_str s);
struct belfry_value content_number(int64_t n);
/* 1 when our texts have something under the key. */
int content_has_text(const struct writing *w, const char *key);

/* content_why.c: why this person gets this mail, and how to end it: "why", "waited" and the links below */
void content_why(const struct writing *w, json_t *model);

/* content_facts.c: [{label, value}] of what the event's data says for its type; an empty array when it says nothing */
int content_has_facts(struct belfry_str type); /* 1 when some type of data is known for it */
json_t *content_facts(const struct writing *w, const struct belfry_item *item, json_t *data);

/* content_clean.c: pure */
/* One line: runs of control characters and blanks become one blank, bidi controls go, at most CONTENT_LINE_MAX
 * characters. A new string, free(). */
char *content_line(struct belfry_str text);
/* At most so many bytes of a text, cut between characters, with an ellipsis when something is missing. */
json_t *content_cut(struct belfry_str text, size_t most);
/* Paragraphs and line breaks of a plain text as HTML; addresses among links become links. A new string, free(). */
char *content_html(struct belfry_str text, const struct belfry_str *links, size_t count);

/* content_choose.c: templates of the configuration for a batch, from the most to the least specific */
#define CONTENT_CHOICES 4
enum { CONTENT_SUBJECT, CONTENT_TEXT, CONTENT_HTML, CONTENT_PARTS };
struct content_choice {
    const char *key;                         /* in `templates` */
    struct belfry_part parts[CONTENT_PARTS]; /* struct_size 0: says nothing of it */
};
size_t content_choices(const struct writing *w, struct content_choice out[CONTENT_CHOICES]);
/* `layout` of the configuration in the reader's language; 0: there is none. */
int content_layout(const struct writing *w, struct content_choice *out);

/* content_parts.c: the three parts of the model, into mail. 0 only without memory. */
struct made {
    char *parts[CONTENT_PARTS];
};
int content_parts(struct writing *w, struct made *made, char *note, size_t note_size);
void content_parts_free(struct made *made);

#endif
