/* SPDX-License-Identifier: Apache-2.0 */
/* GET /{org}/runs: where the runs of this org's sources are shown. Each source shows its own. */
#include "base/mem.h"
#include "hub/internal.h"

static void add_source(struct http_request *req, const struct config_instance *source, struct buf *out)
{
    struct belfry_str org = http_escape(req->arena, req->pub.org);
    struct belfry_str name = http_escape(req->arena, str_of(source->name));
    buf_addf(out, "<li><a href=\"/%.*s/runs/%.*s\">%.*s</a></li>", STR_ARG(org), STR_ARG(name), STR_ARG(name));
}

static void get_runs(void *arg, struct http_request *req)
{
    struct buf out = {0}, list = {0};
    (void)arg;
    for (size_t i = 0; i < req->config->source_count; i++) {
        const struct config_instance *source = &req->config->sources[i];
        if (config_shows_runs(source, req->pub.org))
            add_source(req, source, &list);
    }
    buf_addz(&out, "<h1>Runs</h1>");
    if (list.len)
        buf_addf(&out, "<p>Work in the background and its logs, by source:</p><ul>%.*s</ul>", (int)list.len, list.ptr);
    else
        buf_addz(&out, "<p>No source here has runs.</p>");
    struct belfry_http_page page = {.struct_size = sizeof(page), .title = STR("Runs"), .main = buf_str(&out)};
    http_page(req, &page);
    buf_free(&out);
    buf_free(&list);
}

belfry_status hub_runs_init(struct hub *hub, struct error *err)
{
    const struct http_route routes[] = {{"GET", "/{org}/runs", "person", 0, 0, get_runs, hub}};
    return http_routes_add(hub->parts.http, hub, routes, 1, err);
}
