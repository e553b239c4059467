/* SPDX-License-Identifier: Apache-2.0 */
/*
 * belfry.http-route/1: a plugin's route table mounted on the server, and the answers it gives.
 *
 * A request that was handed to a plugin is found again by its id. Ids of requests that were answered are stale: the
 * call is counted and ignored (R04, R02).
 */
#include "base/hash.h"
#include "base/mem.h"
#include "host/internal.h"
#include "plugin/misuse.h"

/* One mounted route: what the server's handler needs to reach the plugin. Lives as long as the instance. */
struct mounted {
    struct host_thing thing;
    struct host_instance *instance;
    void (*handle)(void *self, const struct belfry_http_request *req);
    char *pattern;
};

static struct http_request *request_of(const struct belfry_host *table, uint64_t id, const char *call)
{
    if (!host_on_loop(table, call))
        return NULL;
    struct http_request *req = http_request_find(host_parts(host_of(table))->http, id);
    if (!req)
        misuse_stale(table->instance, call, "R04", id);
    return req;
}

/* An instance that does not serve an org is not there for it. */
static void on_request(void *arg, struct http_request *req)
{
    struct mounted *m = arg;
    if (req->pub.org.len && !config_serves(host_instance_config(m->instance), req->pub.org)) {
        http_problem(req, 404, NULL, "there is nothing at this path");
        return;
    }
    m->handle(host_instance_self(m->instance), &req->pub);
}

static int serves(void *arg, struct belfry_str org)
{
    const struct mounted *m = arg;
    return config_serves(host_instance_config(m->instance), org);
}

static int meet(const void *one, const void *other)
{
    const struct mounted *a = one, *b = other;
    return config_orgs_meet(&host_instance_config(a->instance)->orgs, &host_instance_config(b->instance)->orgs);
}

static void drop(struct host_thing *thing)
{
    struct mounted *m = LIST_OF(thing, struct mounted, thing);
    free(m->pattern);
    free(m);
}

/* "/{org}/runs/{instance}/{id}" with the instance's name in place. */
static char *pattern_for(const char *pattern, const char *instance)
{
    struct buf out = {0};
    const char *hole;
    while ((hole = strstr(pattern, "{instance}"))) {
        buf_add(&out, pattern, (size_t)(hole - pattern));
        buf_addz(&out, instance);
        pattern = hole + strlen("{instance}");
    }
    buf_addz(&out, pattern);
    return buf_steal(&out);
}

belfry_status host_routes_mount(struct host_instance *instance, struct error *err)
{
    const struct config_instance *ci = host_instance_config(instance);
    struct host *host = host_of(host_instance_table(instance));
    for (const struct belfry_route *r = ci->plugin->desc.routes; r && r->struct_size; r++) {
        struct mounted *m = xcalloc(1, sizeof(*m));
        m->instance = instance;
        m->handle = r->handle;
        m->pattern = pattern_for(r->pattern, ci->name);
        host_thing_add(instance, &m->thing, "route", drop);
        struct http_route route = {.method = r->method,
                                   .pattern = m->pattern,
                                   .auth = r->auth,
                                   .body_limit = r->body_limit,
                                   .flags = r->flags,
                                   .handle = on_request,
                                   .arg = m};
        const struct http_family family = {ci->plugin->id, serves, meet};
        belfry_status status = http_routes_add_shared(host_parts(host)->http, instance, &route,
                                                      strstr(m->pattern, "{org}") ? &family : NULL, err);
        if (status != BELFRY_OK)
            return status;
    }
    return BELFRY_OK;
}

belfry_status host_instance_mount(struct host_instance *instance, struct error *err)
{
    return host_routes_mount(instance, err);
}

void host_instance_unmount(struct host_instance *instance)
{
    http_routes_remove(host_parts(host_of(host_instance_table(instance)))->http, instance);
    host_things_drop(instance, "route");
}

static void respond(const struct belfry_host *table, uint64_t id, const struct belfry_http_response *r)
{
    struct http_request *req = request_of(table, id, "http-route.respond");
    if (!req)
        return;
    const char *type = r->content_type.len ? arena_str(req->arena, r->content_type).ptr : NULL;
    http_respond(req, r->status, type, r->body, r->headers, r->header_count);
}

static void page(const struct belfry_host *table, uint64_t id, const struct belfry_http_page *p)
{
    struct http_request *req = request_of(table, id, "http-route.page");
    struct belfry_http_page whole = {0}; /* one of an older plugin is shorter */
    memcpy(&whole, p, p->struct_size < sizeof(whole) ? p->struct_size : sizeof(whole));
    if (req)
        http_page(req, &whole);
}

static void problem(const struct belfry_host *table, uint64_t id, uint32_t status, const char *pointer,
                    struct belfry_str detail)
{
    struct http_request *req = request_of(table, id, "http-route.problem");
    if (req)
        http_problem(req, status, pointer, "%.*s", STR_ARG(detail));
}

static void problems(const struct belfry_host *table, uint64_t id, uint32_t status, const struct belfry_fault *faults,
                     size_t fault_count, const struct belfry_attr *members, size_t member_count)
{
    struct http_request *req = request_of(table, id, "http-route.problems");
    struct error err = {0};
    if (!req)
        return;
    for (size_t i = 0; i < fault_count; i++) {
        const struct belfry_fault *fault = plugin_table_at(faults, i, sizeof(*fault));
        const char *pointer = fault->pointer.len ? arena_str(req->arena, fault->pointer).ptr : NULL;
        error_set(&err, BELFRY_EINVAL, pointer, "%.*s", STR_ARG(fault->detail));
    }
    for (size_t i = 0; i < member_count; i++)
        error_attr(&err, arena_str(req->arena, members[i].name).ptr, members[i].value.ptr, members[i].value.len);
    http_problem_error(req, status, &err);
    error_clear(&err);
}

static belfry_status begin(const struct belfry_host *table, uint64_t id, const struct belfry_http_response *head,
                           void (*drain)(void *arg), void (*closed)(void *arg), void *arg)
{
    struct http_request *req = request_of(table, id, "http-route.begin");
    return req ? http_begin(req, head, drain, closed, arg) : BELFRY_ECLOSED;
}

static belfry_status write_data(const struct belfry_host *table, uint64_t id, struct belfry_str data)
{
    struct http_request *req = request_of(table, id, "http-route.write");
    return req ? http_write(req, data) : BELFRY_ECLOSED;
}

static void end(const struct belfry_host *table, uint64_t id)
{
    struct http_request *req = request_of(table, id, "http-route.end");
    if (req)
        http_end(req);
}

static void cut(const struct belfry_host *table, uint64_t id)
{
    struct http_request *req = request_of(table, id, "http-route.cut");
    if (req)
        http_cut(req);
}

static belfry_status query(const struct belfry_http_request *req, const char *name, uint32_t index,
                           struct belfry_str *out)
{
    return http_query(req->impl, name, index, out);
}

static belfry_status form(const struct belfry_http_request *req, const char *name, uint32_t index,
                          struct belfry_str *out)
{
    return http_form(req->impl, name, index, out);
}

static struct belfry_str header(const struct belfry_http_request *req, const char *name)
{
    return http_header(req->impl, name);
}

static struct belfry_str escape(const struct belfry_http_request *req, struct belfry_str text)
{
    return http_escape(((struct http_request *)req->impl)->arena, text);
}

static struct belfry_str text(const struct belfry_http_request *req, const char *key)
{
    return http_text(req->impl, key);
}

static struct belfry_str datetime(const struct belfry_http_request *req, int64_t ms)
{
    return http_datetime(req->impl, ms);
}

const struct belfry_http_route_api host_http_route_api = {
    .struct_size = sizeof(struct belfry_http_route_api),
    .respond = respond,
    .page = page,
    .problem = problem,
    .begin = begin,
    .write = write_data,
    .end = end,
    .query = query,
    .form = form,
    .header = header,
    .escape = escape,
    .text = text,
    .datetime = datetime,
    .problems = problems,
    .cut = cut,
};
