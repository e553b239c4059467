/* SPDX-License-Identifier: Apache-2.0 */
/* Shared between the files of the console room only. */
#ifndef CONSOLE_INTERNAL_H
#define CONSOLE_INTERNAL_H

#include "base/mem.h"
#include "console/console.h"

struct console {
    struct http *http;
    struct pages *pages;
    struct bind *binds; /* what the routes point to */
};

/* Who may look, and who may change. */
#define CONSOLE_READS "role:admin|token:read|token:admin"
#define CONSOLE_WRITES "role:admin|token:admin"

/* --- what there is to look at ------------------------------------------------------------------------------------- */

struct page;

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
    const char *path;             /* behind /{org}/admin; {id} is the API's */
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
extern const struct view console_views[];
extern const size_t console_view_count;
/* The view with this template. */
const struct view *console_view(const char *name);

/* A form: its handler reads the form, then asks (page_ask, page_go) or shows. */
struct deed {
    const char *path; /* POST /{org}/admin... */
    const char *auth;
    int64_t body_limit;
    void (*act)(struct page *page);
};
extern const struct deed console_deeds[];
extern const size_t console_deed_count;

/* Which tabs there are, and what the API must have so that one is shown. */
struct tab {
    const char *name, *path, *api;
};
extern const struct tab console_tabs[];
extern const size_t console_tab_count;

/* --- a page under way (page.c) ------------------------------------------------------------------------------------ */

#define PAGE_ASKS_MAX 4
#define PAGE_TIMES                                                                                                     \
    16 /* a page may have 4 MiB: 200 rows of which each may say 1,000 bytes of why, and a delivery's JSON */

/* In the arena of the request; ends with it. */
struct page {
    struct console *console;
    struct http_request *req;
    const struct view *view; /* what is shown */
    struct http_question *questions;
    size_t asked;
    json_t *model;
    const char *query;               /* of a list, "?..." for the API */
    uint32_t status;                 /* of the page; 0: 200 */
    void (*next)(struct page *page); /* when the answers of a deed are there */
    void *sheet;                     /* of a list as a file (sheet.c) */
};

struct page *page_new(struct console *console, struct http_request *req);
/* GET of a view. */
void page_open(struct page *page, const struct view *view);
/* Adds a question. path: behind /v1/{org}. Returns its number, for page_got(). Takes the reference of body. */
size_t page_ask(struct page *page, const char *method, const char *path, json_t *body);
/* Asks, then calls next. */
void page_go(struct page *page, void (*next)(struct page *page));
/* A path of the API with {id} filled in. */
const char *page_path(struct page *page, const char *api);
/* What was answered; NULL when it was no 2xx. Borrowed. */
json_t *page_got(const struct page *page, size_t question);
/* Shows the view's template over the model; its first answer is `answer`. */
void page_render(struct page *page);
/* The same with another template. */
void page_render_as(struct page *page, const char *template);
/* Shows what question i was answered, as a problem. */
void page_problem(struct page *page, size_t question);
/* The same for a form that is itself at fault: a key of `fault`. */
void page_fault(struct page *page, uint32_t status, const char *key);
/* 303 to path behind /{org}/admin, where the notice is shown: how many it went well for, and how many not. */
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

/* Sets model.filters, model.pager from the address, and returns the query of the API, "?..." (list.c). */
const char *list_query(struct page *page);
/* The query alone, as the API takes it, with another place in the list. */
const char *list_query_from(struct page *page, struct belfry_str before);
/* A minute of a form as in RFC 3339; what is none stays as it is, and the API says what is wrong. */
struct belfry_str list_time(struct page *page, struct belfry_str value);
/* The links to older and newest rows, from the answer's next. */
void list_pager(struct page *page);

/* Whether the list is asked for as a file; answers with it (sheet.c). */
int sheet_wanted(struct page *page);
void sheet_open(struct page *page);

/*
 * Makes an answer ready for templates (dress.c): a time becomes {iso, text}, a state {code, label, tone}, a severity
 * {code, label}. Values that come from outside (`data`) stay as they are.
 */
void dress(struct page *page, json_t *answer);
/* The tone of a state's chip: good, wait, bad or none. */
const char *dress_tone(const char *state);

/* --- the views' own parts ----------------------------------------------------------------------------------------- */

void overview_ask(struct page *page);
void overview_show(struct page *page);
void event_ask(struct page *page);
void event_show(struct page *page);
void events_show(struct page *page);
void explain_show(struct page *page);
void explain_act(struct page *page);
void reveal_act(struct page *page);
void deliveries_show(struct page *page);
void delivery_show(struct page *page);
void letters_ask(struct page *page);
void letters_show(struct page *page);
void letters_act(struct page *page);
void delivery_act(struct page *page);
void endpoints_show(struct page *page);
void endpoint_ask(struct page *page);
void endpoint_show(struct page *page);
void categories_show(struct page *page);
void category_ask(struct page *page);
void category_show(struct page *page);
void audit_show(struct page *page);
void suppressions_show(struct page *page);
void suppressions_act(struct page *page);
/* Makes a dressed story ready: verdicts, the failing leaf of each rule (story.c). */
void story_dress(struct page *page, json_t *story);
/* The same for one attempt, one delivery. */
void attempt_dress(struct page *page, json_t *attempt);
void way_dress(struct page *page, json_t *delivery);

#endif
