/* SPDX-License-Identifier: Apache-2.0 */
/* GET /{org}/runs: where the runs of this org's sources are shown. Each source shows its own. */
#include "hub/internal.h"

static void get_runs(void *arg, struct http_request *req)
{
    json_t *model = json_object(), *sources = json_array();
    (void)arg;
    for (size_t i = 0; i < req->config->source_count; i++) {
        const struct config_instance *source = &req->config->sources[i];
        if (!config_shows_runs(source, req->pub.org))
            continue;
        json_t *entry = json_object();
        json_set_str(entry, "name", str_of(source->name));
        json_set_str(entry, "href",
                     str_of(arena_printf(req->arena, "/%.*s/runs/%s", STR_ARG(req->pub.org), source->name)));
        json_array_append_new(sources, entry);
    }
    json_object_set_new(model, "any", json_boolean(json_array_size(sources) > 0));
    json_object_set_new(model, "sources", sources);
    struct belfry_http_page page = {.struct_size = sizeof(page), .title = http_text(req, "runs.title")};
    http_page_of(req, &page, "runs", model);
}

belfry_status hub_runs_init(struct hub *hub, struct error *err)
{
    const struct http_route routes[] = {{"GET", "/{org}/runs", "person", 0, 0, get_runs, hub}};
    return http_routes_add(hub->parts.http, hub, routes, 1, err);
}
