/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages that ask the hub's own API on behalf of their reader (http_ask), and show the answers. So a page needs no gate
 * of its own, and whatever it does is in the audit as if a program had done it. A site is a base path with views, forms
 * and tabs as tables, and templates, texts, a style and perhaps a script of its own beside those of this room.
 */
#ifndef SITE_SITE_H
#define SITE_SITE_H

#include "base/mem.h"
#include "http/http.h"

struct page;
struct site;

/* --- what a site consists of -------------------------------------------------------------------------------------- */

/* A filter of a list: a parameter of the page's address that goes to the API as it is. */
struct filter {
    const char *name;
    const char *const *choices; /* of a select, ends at NULL; NULL: any text */
    int is_time;                /* a minute in UTC as browsers write it; the API gets it as in RFC 3339 */
    const char *group;          /* of texts that has its choices; NULL: "state" */
    const char *caption;        /* key of `filter`; NULL: the name */
};

/* A list as a file. */
struct sheet {
    const char *api;             /* behind /v1/{org}; {id} as in a view; may have a query */
    const char *const *columns;  /* members of a row, ends at NULL */
    const struct sheet *refused; /* instead, with `refused=true` */
};

struct view {
    const char *path;             /* behind the base; {id} is the API's */
    const char *tab;              /* the tab that is current */
    const char *name;             /* of the template, and the group of texts */
    const char *api;              /* behind /v1/{org}: what is asked first; NULL: nothing */
    const struct filter *filters; /* up to one without a name; NULL: this is no list */
    /* Asks for more. May be NULL. */
    void (*ask)(struct page *page);
    /* The answers are there: completes the model, whose `answer` is the first one's. May be NULL. */
    void (*show)(struct page *page);
    int as_json;               /* model.json is what the API said, to be copied */
    const struct sheet *sheet; /* NULL: there is no file of it */
};

/* A form: its handler reads the form, then asks (page_ask, page_go) or shows. */
struct deed {
    const char *path; /* POST, behind the base */
    const char *auth;
    int64_t body_limit;
    void (*act)(struct page *page);
};

/* Which tabs there are, and what the API must have so that one is shown. */
struct tab {
    const char *name, *path, *api;
};

struct site_template {
    const char *name;
    struct belfry_str text;
};

/* Texts of a site lie over the room's, group by group: `tabs`, `title`, `notice` and `refused` are its own, and
 * fault.to_start. */
struct site_plan {
    const char *name;  /* of its style, NAME.css */
    const char *base;  /* behind /{org}, "/admin" */
    const char *reads; /* who may look: auth of the views */
    const struct view *views;
    const struct deed *deeds;
    const struct tab *tabs;
    size_t view_count, deed_count, tab_count;
    const char *const *notices; /* keys of `notice`, ends at NULL: what page_done() may say */
    const struct site_template *templates;
    size_t template_count;
    struct belfry_str english, german;
    struct belfry_str style;  /* comes behind the room's */
    struct belfry_str script; /* NAME.js; empty: none */
};

/* Adds routes and assets. plan lives as long as the site. NULL with err when a template, a catalogue or a route is at
 * fault. [loop] */
struct site *site_new(struct http *http, const struct site_plan *plan, struct error *err);
/* After http_free(): no page is under way any more. */
void site_free(struct site *site);

/* --- a page under way (page.c) ------------------------------------------------------------------------------------ */

#define PAGE_ASKS_MAX 4
#define PAGE_TIMES                                                                                                     \
    16 /* a page may have 4 MiB: 200 rows of which each may say 1,000 bytes of why, and a delivery's JSON */

/* In the arena of the request; ends with it. */
struct page {
    const struct site *site;
    struct http_request *req;
    const struct view *view; /* what is shown */
    struct http_question *questions;
    size_t asked;
    json_t *model;
    const char *query;               /* of a list, "?..." for the API */
    uint32_t status;                 /* of the page; 0: 200 */
    void (*next)(struct page *page); /* when the answers of a deed are there */
    void *own;                       /* of whoever answers */
};

/* GET of a view. */
void page_open(struct page *page, const struct view *view);
/* Adds a question. path: behind /v1/{org}. Returns its number, for page_got(). Takes the reference of body. */
size_t page_ask(struct page *page, const char *method, const char *path, json_t *body);
/* The change is of what had this version; another one is answered 412. */
void page_if_version(struct page *page, size_t question, struct belfry_str version);
/* Asks, then calls next. What was asked before is forgotten with page_again(); its answers stay until the page is
 * shown. */
void page_again(struct page *page);
void page_go(struct page *page, void (*next)(struct page *page));
/* A path of the API with {id} filled in. */
const char *page_path(struct page *page, const char *api);
/* What was answered; NULL when it was no 2xx. Borrowed. */
json_t *page_got(const struct page *page, size_t question);
/* Shows the view's template over the model; its first answer is `answer`. */
void page_render(struct page *page);
/* The same with another template. */
void page_render_as(struct page *page, const char *template);
/* What it means on this page that the API refused something with a status: the text `refused.VIEW_STATUS`, else
 * `refused.any_STATUS`. Empty when the site has neither. */
struct belfry_str page_refusal(struct page *page, uint32_t status);
/* Shows what question i was answered, as a problem: the site's words for it, and the API's. */
void page_problem(struct page *page, size_t question);
/* The same for a form that is itself at fault: a key of `fault`. */
void page_fault(struct page *page, uint32_t status, const char *key);
/* 303 to path behind the base, where the notice is shown: how many it went well for, and how many not. */
void page_done(struct page *page, const char *path, const char *notice, size_t well, size_t failed);
/* The text of a key, with numbers or strings. In the request's arena. */
struct belfry_str page_text(struct page *page, const char *key);
struct belfry_str page_count_text(struct page *page, const char *key, int64_t count);
/* One word of a closed list of the API, "state.retrying"; the word itself when there is no text. */
struct belfry_str page_word(struct page *page, const char *group, const char *word);
/* A value as JSON for people. In the request's arena. */
const char *page_pretty(struct page *page, const json_t *value);
/* Percent-encoded for a path or a query. In the request's arena. */
const char *page_encoded(struct page *page, struct belfry_str text);
/* A field of the form, trimmed; empty when it is not there. */
struct belfry_str page_field(struct page *page, const char *name);

/* Where the site is, "/acme/admin". In the request's arena. */
const char *page_base(struct page *page);
/* The view with this template; NULL: there is none. */
const struct view *page_view(const struct page *page, const char *name);

/* A minute of a form as in RFC 3339; what is none stays as it is, and the API says what is wrong. */
struct belfry_str list_time(struct page *page, struct belfry_str value);

/*
 * Makes an answer ready for templates (dress.c): a time becomes {iso, text}, a state {code, label, tone}, a severity
 * {code, label}. Values that come from outside (`data`) stay as they are.
 */
void dress(struct page *page, json_t *answer);
/* The tone of a state's chip: good, wait, bad or none. */
const char *dress_tone(const char *state);
/* A chip of a word of `state` that is no member of the answer. New reference. */
json_t *dress_chip(struct page *page, const char *word, const char *tone);
/* What was kept of an attempt, its duration in words. */
void dress_attempt(struct page *page, json_t *attempt);
/* How an endpoint does, as one word of `state`, the worst first; of a dressed one. */
const char *dress_health(const json_t *endpoint);

#endif
