/* SPDX-License-Identifier: Apache-2.0 */
/* Life of the loop half: it ends when nobody owes it a callback any more. */
#include "xero_inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define RESPONSE_MAX (8u * 1024 * 1024)
#define TIMEOUT_MS 20000
#define CONNECT_TIMEOUT_MS 5000

struct xero *xero_new(const struct belfry_host *host, const struct xero_config *config)
{
    struct xero *x = calloc(1, sizeof(*x));
    if (!x)
        return NULL;
    x->host = host;
    x->config = config;
    x->http = host->get_extension(host, BELFRY_EXT_HTTP_CLIENT);
    x->route = host->get_extension(host, BELFRY_EXT_HTTP_ROUTE);
    x->worker = host->get_extension(host, BELFRY_EXT_WORKER);
    x->timer = host->get_extension(host, BELFRY_EXT_TIMER);
    x->waiting_end = &x->waiting;
    if (config && !config->client_id)
        xero_log(x, BELFRY_LOG_INFO, "xero: there is no client_id; webhooks are taken and invoices are not fetched");
    return x;
}

void xero_opened(struct xero *x)
{
    x->open++;
}

static void ended(void *arg)
{
    struct xero *x = arg;
    x->stopped(x->stopped_arg);
}

void xero_closed(struct xero *x)
{
    if (--x->open == 0 && x->stopping)
        x->host->post(x->host, ended, x);
}

void xero_stop(struct xero *x, void (*fn)(void *arg), void *arg)
{
    xero_opened(x); /* until all is told to end */
    x->stopped = fn;
    x->stopped_arg = arg;
    x->stopping = 1;
    xero_tasks_end(x);
    xero_closed(x);
}

void xero_free(struct xero *x)
{
    if (x)
        xero_token_free(x);
    free(x);
}

void xero_log(struct xero *x, uint32_t level, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    x->host->log(x->host, level, line);
}

/* The addresses are the admin's, from YAML: a proxy or a test server in a private network is as good as Xero. */
static const char *const anywhere[] = {"0.0.0.0/0", "::/0", NULL};

int xero_request(struct xero *x, const char *method, const char *url, const struct belfry_attr *headers, size_t count,
                 struct belfry_str body, void (*done)(void *arg, const struct belfry_http_answer *answer), void *arg,
                 uint64_t *call)
{
    struct belfry_http_call http = {.struct_size = sizeof(http),
                                    .method = method,
                                    .url = url,
                                    .headers = headers,
                                    .header_count = count,
                                    .body = body,
                                    .timeout_ms = TIMEOUT_MS,
                                    .connect_timeout_ms = CONNECT_TIMEOUT_MS,
                                    .max_response = RESPONSE_MAX,
                                    .allow_cidrs = anywhere};
    if (x->http->request(x->host, &http, done, arg, call) != BELFRY_OK)
        return -1;
    xero_opened(x);
    return 0;
}
