/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page's life: it asks the API, then shows the answers, or says what was wrong with them. All memory is the request's
 * arena, so a page that nobody waits for any more ends by itself. Its route lets in who could read anything at all;
 * what they may see or do is judged by the API, once more, for every question.
 */
#include "site/internal.h"

#include <stdlib.h>
#include <string.h>

static void forget(void *model)
{
    json_decref(model);
}

struct page *page_new(const struct site *site, struct http_request *req)
{
    struct page *page = arena_alloc(req->arena, sizeof(*page));
    *page = (struct page){.site = site, .req = req, .model = json_object()};
    page->questions = arena_alloc(req->arena, PAGE_ASKS_MAX * sizeof(*page->questions));
    arena_cleanup(req->arena, forget, page->model);
    return page;
}

const char *page_base(struct page *page)
{
    return arena_printf(page->req->arena, "/%.*s%s", STR_ARG(page->req->pub.org), page->site->plan->base);
}

const struct view *page_view(const struct page *page, const char *name)
{
    const struct site_plan *plan = page->site->plan;
    for (size_t i = 0; i < plan->view_count; i++)
        if (strcmp(plan->views[i].name, name) == 0)
            return &plan->views[i];
    return NULL;
}

/* --- texts -------------------------------------------------------------------------------------------------------- */

static struct belfry_str text_with(struct page *page, const char *key, const struct belfry_value *args, size_t count)
{
    return texts_format(pages_texts(page->site->pages), page->req->pub.locale, key, args, count, page->req->arena);
}

struct belfry_str page_text(struct page *page, const char *key)
{
    return text_with(page, key, NULL, 0);
}

struct belfry_str page_count_text(struct page *page, const char *key, int64_t count)
{
    struct belfry_value n = {.type = BELFRY_VALUE_INT};
    n.i = count;
    return text_with(page, key, &n, 1);
}

struct belfry_str page_word(struct page *page, const char *group, const char *word)
{
    const char *key = arena_printf(page->req->arena, "%s.%s", group, word);
    struct belfry_str text = page_text(page, key);
    return str_eqz(text, key) ? str_of(word) : text;
}

const char *page_encoded(struct page *page, struct belfry_str text)
{
    struct buf out = {0};
    percent_encode(&out, text);
    char *copy = arena_strndup(page->req->arena, out.ptr ? out.ptr : "", out.len);
    buf_free(&out);
    return copy;
}

struct belfry_str page_field(struct page *page, const char *name)
{
    struct belfry_str value;
    return http_form(page->req, name, 0, &value) == BELFRY_OK ? str_trim(value) : STR("");
}

const char *page_pretty(struct page *page, const json_t *value)
{
    char *text = value ? json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY) : NULL;
    const char *copy = text ? arena_printf(page->req->arena, "%s", text) : "";
    free(text);
    return copy;
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

const char *page_path(struct page *page, const char *api)
{
    const char *hole = strstr(api, "{id}");
    if (!hole)
        return api;
    return arena_printf(page->req->arena, "%.*s%s%s", (int)(hole - api), api,
                        page_encoded(page, http_param(page->req, "id")), hole + strlen("{id}"));
}

size_t page_ask(struct page *page, const char *method, const char *path, json_t *body)
{
    const char *target = arena_printf(page->req->arena, "/v1/%.*s%s", STR_ARG(page->req->pub.org), path);
    if (page->asked == PAGE_ASKS_MAX)
        abort(); /* a view of ours asks for more than there is room for */
    page->questions[page->asked] = (struct http_question){.method = method, .target = target, .body = body};
    return page->asked++;
}

void page_if_version(struct page *page, size_t question, struct belfry_str version)
{
    page->questions[question].if_match = arena_printf(page->req->arena, "\"%.*s\"", STR_ARG(version));
}

void page_again(struct page *page)
{
    page->asked = 0;
}

static void answered(void *arg)
{
    struct page *page = arg;
    page->next(page);
}

void page_go(struct page *page, void (*next)(struct page *page))
{
    page->next = next;
    http_ask(page->req, page->questions, page->asked, answered, page);
}

json_t *page_got(const struct page *page, size_t question)
{
    const struct http_question *q = &page->questions[question];
    return question < page->asked && q->status / 100 == 2 ? q->answer : NULL;
}

/* --- showing ------------------------------------------------------------------------------------------------------ */

static int has_route(struct page *page, const char *api)
{
    return !api || http_route_is(page->site->http, "GET",
                                 arena_printf(page->req->arena, "/v1/%.*s%s", STR_ARG(page->req->pub.org), api));
}

static void add_tabs(struct page *page, const char *base)
{
    json_t *tabs = json_array();
    const struct site_plan *plan = page->site->plan;
    for (size_t i = 0; i < plan->tab_count; i++) {
        const struct tab *tab = &plan->tabs[i];
        if (!has_route(page, tab->api))
            continue;
        json_t *out = json_object();
        json_object_set_new(out, "href", json_string(arena_printf(page->req->arena, "%s%s", base, tab->path)));
        json_set_str(out, "label", page_word(page, "tabs", tab->name));
        json_object_set_new(out, "current", json_boolean(page->view && strcmp(page->view->tab, tab->name) == 0));
        json_array_append_new(tabs, out);
    }
    json_object_set_new(page->model, "tabs", tabs);
}

/* What a form has done is said by the page that it leads to, in words of ours: the address only names them. */
static void add_notice(struct page *page)
{
    const char *const *known = page->site->plan->notices;
    struct belfry_str done, number;
    int64_t well = 0, failed = 0;
    if (http_query(page->req, "done", 0, &done) != BELFRY_OK)
        return;
    if (http_query(page->req, "n", 0, &number) == BELFRY_OK)
        str_to_i64(number, &well);
    if (http_query(page->req, "failed", 0, &number) == BELFRY_OK)
        str_to_i64(number, &failed);
    for (size_t i = 0; known[i]; i++) {
        if (!str_eqz(done, known[i]))
            continue;
        json_t *notice = json_object();
        json_set_str(notice, "said",
                     page_count_text(page, arena_printf(page->req->arena, "notice.%s", known[i]), well));
        if (failed > 0)
            json_set_str(notice, "but", page_count_text(page, "notice.failed", failed));
        json_object_set_new(page->model, "notice", notice);
    }
}

/* NAME.css or NAME.js when the site has one, else NULL. */
static const char *asset_of(struct page *page, const char *suffix, struct belfry_str bytes)
{
    return bytes.len ? arena_printf(page->req->arena, "%s.%s", page->site->plan->name, suffix) : NULL;
}

static void send_page(struct page *page, const char *template, struct belfry_str title)
{
    const struct site_plan *plan = page->site->plan;
    const char *const styles[] = {"site.css", asset_of(page, "css", plan->style), NULL};
    const char *const scripts[] = {asset_of(page, "js", plan->script), NULL};
    struct http_request *req = page->req;
    const char *base = page_base(page);
    struct buf html = {0}, skips = {0};
    json_set_str(page->model, "base", str_of(base));
    json_set_str(page->model, "org", req->pub.org);
    json_set_str(page->model, "heading", title);
    json_set_str(page->model, "tabs_label", page_text(page, "tabs.label"));
    add_tabs(page, base);
    add_notice(page);
    if (pages_render(page->site->pages, req->pub.locale, template, page->model, &html) != BELFRY_OK ||
        pages_render(page->site->pages, req->pub.locale, "skips", page->model, &skips) != BELFRY_OK) {
        buf_free(&html);
        http_problem(req, 500, NULL, "the page `%s` cannot be shown: it is larger than a page may be", template);
        return;
    }
    struct belfry_http_page out = {
        .struct_size = sizeof(out),
        .status = page->status ? page->status : 200,
        .title = title,
        .main = buf_str(&html),
        .scripts = scripts,
        .styles = styles,
        .skips = buf_str(&skips),
    };
    http_page(req, &out);
    buf_free(&html);
    buf_free(&skips);
}

void page_render_as(struct page *page, const char *template)
{
    json_t *answer = page->asked ? page->questions[0].answer : NULL;
    if (answer)
        json_object_set(page->model, "answer", answer);
    send_page(page, template, page_word(page, "title", template));
}

void page_render(struct page *page)
{
    page_render_as(page, page->view->name);
}

static struct belfry_str word_or_none(struct page *page, const char *group, const char *word)
{
    struct belfry_str text = page_word(page, group, word);
    return str_eqz(text, word) ? STR("") : text;
}

struct belfry_str page_refusal(struct page *page, uint32_t status)
{
    struct arena *arena = page->req->arena;
    struct belfry_str own = word_or_none(page, "refused", arena_printf(arena, "%s_%u", page->view->name, status));
    return own.len ? own : word_or_none(page, "refused", arena_printf(arena, "any_%u", status));
}

/* said: in the reader's words; detail: in the API's, which are English. Either may be empty. */
static void show_fault(struct page *page, uint32_t status, struct belfry_str said, struct belfry_str detail,
                       const char *title)
{
    page->status = status;
    json_set_str(page->model, "said", said);
    json_set_str(page->model, "detail", detail);
    const char *here = arena_printf(page->req->arena, "%.*s", STR_ARG(page->req->pub.path));
    /* a deed has no page that could be asked for again */
    int later = (status == 503 || status == 429) && http_route_is(page->site->http, "GET", here);
    json_object_set_new(page->model, "again", json_boolean(later));
    json_set_str(page->model, "here", page->req->pub.path);
    json_set_str(page->model, "to_start", page_word(page, "fault", "to_start"));
    send_page(page, "fault", page_text(page, title));
}

static const char *title_of(uint32_t status)
{
    return status == 404                    ? "fault.not_found"
           : status == 403                  ? "fault.not_allowed"
           : status == 503 || status == 429 ? "fault.not_now"
           : status == 409                  ? "fault.conflict"
                                            : "fault.title";
}

void page_problem(struct page *page, size_t question)
{
    const struct http_question *q = &page->questions[question];
    show_fault(page, q->status >= 400 ? q->status : 500, page_refusal(page, q->status),
               json_str(json_object_get(q->answer, "detail")), title_of(q->status));
}

void page_fault(struct page *page, uint32_t status, const char *key)
{
    struct belfry_str said = page_text(page, arena_printf(page->req->arena, "fault.%s", key));
    show_fault(page, status, said, STR(""), title_of(status));
}

void page_done(struct page *page, const char *path, const char *notice, size_t well, size_t failed)
{
    struct buf to = {0};
    buf_addf(&to, "%s%s%cdone=%s&n=%zu", page_base(page), path, strchr(path, '?') ? '&' : '?', notice, well);
    if (failed)
        buf_addf(&to, "&failed=%zu", failed);
    http_redirect(page->req, 303, to.ptr);
    buf_free(&to);
}

/* --- a view ------------------------------------------------------------------------------------------------------- */

#define JSON_SHOWN (256 * 1024)

/* What the API said, to be copied; when that is too long, without what was kept of each attempt. */
static const char *said(struct page *page, const json_t *answer)
{
    const char *text = page_pretty(page, answer);
    if (strlen(text) <= JSON_SHOWN)
        return text;
    json_t *shorter = json_deep_copy(answer), *attempt;
    size_t i;
    json_array_foreach(json_object_get(shorter, "timeline"), i, attempt) json_object_del(attempt, "record");
    text = page_pretty(page, shorter);
    json_decref(shorter);
    return text;
}

/* A filter that the API does not take leaves the list empty, and the page says why. */
static void opened(struct page *page)
{
    const struct http_question *first = page->asked ? &page->questions[0] : NULL;
    const struct view *view = page->view;
    if (first && first->status / 100 != 2 && (first->status != 400 || !view->filters)) {
        page_problem(page, 0);
        return;
    }
    if (first && first->status == 400) {
        page->status = 400;
        json_object_set(page->model, "wrong", json_object_get(first->answer, "detail"));
        page_render(page);
        return;
    }
    if (view->filters)
        list_pager(page);
    if (view->as_json)
        json_object_set_new(page->model, "json", json_string(said(page, first->answer)));
    for (size_t i = 0; i < page->asked; i++)
        dress(page, page->questions[i].answer);
    if (view->show)
        view->show(page);
    page_render(page);
}

void page_open(struct page *page, const struct view *view)
{
    page->view = view;
    if (sheet_wanted(page)) {
        sheet_open(page);
        return;
    }
    page->query = view->filters ? list_query(page) : "";
    if (view->api)
        page_ask(page, "GET", arena_printf(page->req->arena, "%s%s", page_path(page, view->api), page->query), NULL);
    if (view->ask)
        view->ask(page);
    page_go(page, opened);
}
