/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list as a file: `format=csv` on its page, with its filters. The API is asked page by page, by the list's own
 * cursor, so a long file holds no snapshot open and no more than a page in memory; the next page is asked for when the
 * client has taken the last one.
 *
 * Rows that come meanwhile are newer than the first page and are not in it: all that a file says could be read by its
 * reader when it began. The first page is asked for before the answer begins, so what is refused is refused with a
 * status. A file that cannot be read to its end is cut, so that nobody takes it for whole.
 */
#include "site/internal.h"

#include <string.h>

#define LIMIT "200"

struct writing { /* in the request's arena, and nobody calls back when that has ended */
    struct page *page;
    const struct sheet *sheet;
    int begun, full, over;
    const char *next; /* the cursor of the page that is still to be asked for */
};

/* --- CSV ---------------------------------------------------------------------------------------------------------- */

/* RFC 4180; a spreadsheet would run what begins as a formula. */
static void add_cell(struct buf *out, struct belfry_str value)
{
    int formula = value.len && memchr("=+-@\t\r", value.ptr[0], 6) != NULL, quoted = formula;
    for (size_t i = 0; i < value.len && !quoted; i++)
        quoted = memchr("\",\r\n", value.ptr[i], 4) != NULL;
    if (!quoted) {
        buf_add(out, value.ptr, value.len);
        return;
    }
    buf_addz(out, formula ? "\"'" : "\"");
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == '"')
            buf_addz(out, "\"");
        buf_add(out, value.ptr + i, 1);
    }
    buf_addz(out, "\"");
}

static void add_value(struct buf *out, const json_t *value)
{
    if (!value || json_is_null(value))
        return;
    char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    add_cell(out, text ? str_of(text) : json_str(value));
    free(text);
}

static void add_row(struct buf *out, const char *const *columns, const json_t *row)
{
    for (size_t i = 0; columns[i]; i++) {
        if (i)
            buf_addz(out, ",");
        if (row)
            add_value(out, json_object_get(row, columns[i]));
        else
            add_cell(out, str_of(columns[i]));
    }
    buf_addz(out, "\r\n");
}

/* --- the answer --------------------------------------------------------------------------------------------------- */

static void ask_on(struct writing *w);

static void on_drain(void *arg)
{
    struct writing *w = arg;
    w->full = 0;
    if (w->next)
        ask_on(w);
}

/* 0, or -1 when nothing is to be written. */
static int begin(struct writing *w)
{
    struct http_request *req = w->page->req;
    const char *name =
        arena_printf(req->arena, "attachment; filename=\"%s-%.*s.csv\"", w->page->view->name, STR_ARG(req->pub.org));
    const struct belfry_attr headers[] = {{STR("Content-Disposition"), str_of(name)},
                                          {STR("Vary"), STR("Cookie, Authorization")}};
    struct belfry_http_response head = {.struct_size = sizeof(head),
                                        .status = 200,
                                        .content_type = STR("text/csv; charset=utf-8; header=present"),
                                        .headers = headers,
                                        .header_count = 2};
    if (req->pub.flags & BELFRY_HTTP_HEAD) {
        http_respond(req, 200, head.content_type.ptr, STR(""), headers, 2);
        return -1;
    }
    w->begun = 1;
    return http_begin(req, &head, on_drain, NULL, w) == BELFRY_OK ? 0 : -1;
}

static void write_rows(struct writing *w, json_t *answer, int first)
{
    struct buf out = {0};
    json_t *row;
    size_t i;
    if (first)
        add_row(&out, w->sheet->columns, NULL);
    json_array_foreach(json_object_get(answer, "items"), i, row) add_row(&out, w->sheet->columns, row);
    belfry_status status = out.len ? http_write(w->page->req, buf_str(&out)) : BELFRY_OK;
    w->full = status == BELFRY_EAGAIN;
    w->over = status == BELFRY_ECLOSED;
    buf_free(&out);
}

static void on_page(struct page *page)
{
    struct writing *w = page->own;
    json_t *answer = page_got(page, 0);
    int first = !w->begun;
    if (!answer && first) {
        page_problem(page, 0);
        return;
    }
    if (!answer) {
        http_cut(page->req);
        return;
    }
    if (first && begin(w) != 0)
        return;
    struct belfry_str next = json_str(json_object_get(answer, "next"));
    w->next = next.len ? arena_strndup(page->req->arena, next.ptr, next.len) : NULL;
    write_rows(w, answer, first);
    json_object_clear(answer); /* it lives as long as the request, and there may be thousands */
    if (w->over)
        return;
    if (!w->next)
        http_end(page->req);
    else if (!w->full)
        ask_on(w);
}

static void ask_on(struct writing *w)
{
    struct page *page = w->page;
    const char *path = page_path(page, w->sheet->api), *query = list_query_from(page, str_of(w->next));
    w->next = NULL;
    page->asked = 0;
    page_ask(page, "GET",
             arena_printf(page->req->arena, "%s%climit=" LIMIT "%s%s", path, strchr(path, '?') ? '&' : '?',
                          *query ? "&" : "", *query ? query + 1 : ""),
             NULL);
    page_go(page, on_page);
}

int sheet_wanted(struct page *page)
{
    struct belfry_str format;
    return page->view->sheet && http_query(page->req, "format", 0, &format) == BELFRY_OK && str_eqz(format, "csv");
}

void sheet_open(struct page *page)
{
    struct belfry_str before, refused;
    struct writing *w = page->own = arena_alloc(page->req->arena, sizeof(*w));
    *w = (struct writing){.page = page, .sheet = page->view->sheet, .next = ""};
    if (http_query(page->req, "before", 0, &before) == BELFRY_OK)
        w->next = arena_strndup(page->req->arena, before.ptr, before.len);
    if (w->sheet->refused && http_query(page->req, "refused", 0, &refused) == BELFRY_OK && str_eqz(refused, "true"))
        w->sheet = w->sheet->refused;
    ask_on(w);
}
