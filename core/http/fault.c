/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a browser sees where an API client gets problem+json: a page in the shell that says in the reader's words what
 * went wrong. Only for paths of pages, and only for who asks for HTML by name. The hub's own words are added where
 * they say more than the status does; they are English.
 */
#include "http/internal.h"

static const struct {
    uint32_t status;
    const char *title, *text;
    int detail;
} kinds[] = {
    {400, "fault.bad.title", "fault.bad.text", 1},
    {401, "fault.sign_in.title", "fault.sign_in.text", 1},
    {403, "fault.forbidden.title", "fault.forbidden.text", 1},
    {404, "fault.missing.title", "fault.missing.text", 0},
    {405, "fault.method.title", "fault.method.text", 0},
    {503, "fault.later.title", "fault.later.text", 0},
};

static int is_page(struct belfry_str path)
{
    static const char *const others[] = {"/v1/", "/assets/", "/healthz", "/readyz", "/metrics", "/openapi.json"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (str_has_prefix(path, str_of(others[i])))
            return 0;
    return 1;
}

static int asks_for_html(const struct http_request *req)
{
    struct belfry_str accept = http_header(req, "accept");
    while (accept.ptr) {
        struct belfry_str params, type = str_trim(str_cut(str_cut(accept, ',', &accept), ';', &params));
        if (head_is(type, "text/html"))
            return 1;
    }
    return 0;
}

/* Whether the way back leads to the portal: of an address that is none nobody is known, and of others whoever came. */
static int is_portal(const struct http_request *req)
{
    return req->portal || portal_is_page(req->pub.path);
}

/* The inbox, or the portal, of the org that the path begins with, whether or not there is such an org: that is not told
 * here. */
static struct belfry_str way_back(struct http_request *req)
{
    struct belfry_str rest, path = req->pub.path;
    struct belfry_str org = path.len > 1 ? str_cut(str_slice(path.ptr + 1, path.len - 1), '/', &rest) : path;
    if (config_org_name_fault(org))
        return (struct belfry_str){0};
    return str_of(arena_printf(req->arena, "/%.*s/%s", STR_ARG(org), is_portal(req) ? "endpoints" : "notifications"));
}

int fault_page(struct http_request *req, uint32_t status, const struct error *err, const struct belfry_attr *headers,
               size_t header_count)
{
    const char *title = "fault.other.title", *text = "fault.other.text";
    int detail = status < 500;
    if (!req->http->pages || !req->arena || !is_page(req->pub.path) || !asks_for_html(req))
        return 0;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (kinds[i].status == status) {
            title = kinds[i].title;
            text = kinds[i].text;
            detail = kinds[i].detail;
        }
    if (!req->pub.locale.len)
        language_of_browser(request_of(req));
    json_t *model = json_object();
    struct belfry_http_page page = {.struct_size = sizeof(page), .status = status, .title = http_text(req, title)};
    json_set_str(model, "title", page.title);
    json_set_str(model, "text", http_text(req, text));
    if (detail && err && err->count)
        json_set_str(model, "detail", str_of(err->items[0].detail));
    json_set_str(model, "back", way_back(req));
    json_set_str(model, "back_text", http_text(req, is_portal(req) ? "fault.back_portal" : "fault.back"));
    page_answer(req, &page, "fault", model, headers, header_count);
    return 1;
}
