/* SPDX-License-Identifier: Apache-2.0 */
/* Pages: which templates and texts there are, and how a model becomes an answer. */
#include "view.h"

#include <stdlib.h>

/* --- what is compiled in ---------------------------------------------------------------------- */

static const char english[] =
#include "plugins/in-app/texts/en.json.inc"
    ;
static const char german[] =
#include "plugins/in-app/texts/de.json.inc"
    ;
static const char inbox[] =
#include "plugins/in-app/pages/inbox.mustache.inc"
    ;
static const char filters[] =
#include "plugins/in-app/pages/filters.mustache.inc"
    ;
static const char row[] =
#include "plugins/in-app/pages/row.mustache.inc"
    ;
static const char end[] =
#include "plugins/in-app/pages/end.mustache.inc"
    ;
static const char js[] =
#include "plugins/in-app/pages/js.mustache.inc"
    ;
static const char detail[] =
#include "plugins/in-app/pages/detail.mustache.inc"
    ;
static const char gone[] =
#include "plugins/in-app/pages/gone.mustache.inc"
    ;
static const char what[] =
#include "plugins/in-app/pages/what.mustache.inc"
    ;
static const char notice[] =
#include "plugins/in-app/pages/notice.mustache.inc"
    ;

static const char skips[] =
#include "plugins/in-app/pages/skips.mustache.inc"
    ;

static const struct {
    const char *name, *text;
} templates[] = {{"inbox", inbox},   {"filters", filters}, {"row", row},   {"end", end},       {"js", js},
                 {"detail", detail}, {"gone", gone},       {"what", what}, {"notice", notice}, {"skips", skips}};

belfry_status view_init(struct in_app *app, struct belfry_error *err)
{
    belfry_status status = app->pages->texts(app->host, "en", belfry_str(english), err);
    if (status == BELFRY_OK)
        status = app->pages->texts(app->host, "de", belfry_str(german), err);
    for (size_t i = 0; status == BELFRY_OK && i < sizeof(templates) / sizeof(templates[0]); i++)
        status = app->pages->add(app->host, templates[i].name, belfry_str(templates[i].text), err);
    return status;
}

/* --- texts ------------------------------------------------------------------------------------ */

struct belfry_str view_text(const struct call *call, const char *key)
{
    return call->app->pages->format(call->app->host, call->req, key, NULL, 0);
}

struct belfry_str view_count2(const struct call *call, const char *key, uint64_t n, uint64_t of)
{
    const struct belfry_value args[] = {{.type = BELFRY_VALUE_INT, .i = (int64_t)n},
                                        {.type = BELFRY_VALUE_INT, .i = (int64_t)of}};
    return call->app->pages->format(call->app->host, call->req, key, args, 2);
}

struct belfry_str view_count(const struct call *call, const char *key, uint64_t n)
{
    return view_count2(call, key, n, 0);
}

struct belfry_str view_say(const struct call *call, const char *key, struct belfry_str a, struct belfry_str b)
{
    const struct belfry_value args[] = {{.type = BELFRY_VALUE_STRING, .s = a}, {.type = BELFRY_VALUE_STRING, .s = b}};
    return call->app->pages->format(call->app->host, call->req, key, args, 2);
}

/* --- models ----------------------------------------------------------------------------------- */

void view_put(json_t *model, const char *name, struct belfry_str value)
{
    json_object_set_new(model, name, json_stringn(value.ptr ? value.ptr : "", value.len));
}

void view_put_text(const struct call *call, json_t *model, const char *name, const char *key)
{
    view_put(model, name, view_text(call, key));
}

void view_put_inbox(const struct call *call, json_t *model, const char *name, const struct query *query, int with_place)
{
    struct text address = {0};
    text_z(&address, "/");
    text_url(&address, call->req->org);
    text_z(&address, "/notifications");
    if (query)
        query_write(query, with_place, '?', &address);
    view_put(model, name, text_view(&address));
    text_free(&address);
}

json_t *view_model(const struct call *call)
{
    json_t *model = json_object();
    view_put(model, "org", call->req->org);
    view_put(model, "csrf", call->req->csrf);
    view_put_inbox(call, model, "path", NULL, 0);
    return model;
}

/* --- answers ---------------------------------------------------------------------------------- */

static void keep(void *arg, struct belfry_str html)
{
    text_str(arg, html);
}

belfry_status view_render_text(const struct call *call, const char *name, struct belfry_str model, struct text *out)
{
    return call->app->pages->render(call->app->host, call->req, name, model, keep, out);
}

belfry_status view_render(const struct call *call, const char *name, const json_t *model, struct text *out)
{
    char *written = json_dumps(model, JSON_COMPACT);
    if (!written)
        abort();
    belfry_status status = view_render_text(call, name, belfry_str(written), out);
    free(written);
    return status;
}

void view_too_large(struct call *call, struct text *main)
{
    text_free(main);
    answer_problem(call, 500, NULL, "there is more to show than fits on a page");
}

void view_html(struct call *call, uint32_t status, struct belfry_str title, struct text *main)
{
    static const char *const styles[] = {"in-app/inbox.css", NULL};
    static const char *const scripts[] = {"in-app/inbox.js", NULL};
    struct text skip_links = {0};
    if (call->shows_list)
        (void)view_render_text(call, "skips", belfry_str("{}"), &skip_links); /* a few texts */
    struct belfry_http_page page = {.struct_size = sizeof(page),
                                    .status = status,
                                    .title = title,
                                    .main = text_view(main),
                                    .styles = styles,
                                    .scripts = call->shows_list ? scripts : NULL,
                                    .reload_after_s = call->reload_after_s,
                                    .skips = text_view(&skip_links)};
    call->app->http->page(call->app->host, call->req->id, &page);
    text_free(&skip_links);
    text_free(main);
    call_free(call);
}

void view_answer(struct call *call, uint32_t status, struct belfry_str title, const char *name, json_t *model)
{
    struct text main = {0};
    belfry_status rendered = view_render(call, name, model, &main);
    json_decref(model);
    if (rendered == BELFRY_OK)
        view_html(call, status, title, &main);
    else
        view_too_large(call, &main);
}

void view_notice(struct call *call, uint32_t status, const char *heading, struct belfry_str text)
{
    json_t *model = view_model(call);
    struct belfry_str title = view_text(call, heading);
    view_put(model, "heading", title);
    view_put(model, "text", text);
    view_put_inbox(call, model, "back", &call->query, 1);
    view_answer(call, status, title, "notice", model);
}
