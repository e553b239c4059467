/* SPDX-License-Identifier: Apache-2.0 */
/* The outbound client as a whole: its beginning and its end. */
#include "base/mem.h"
#include "client/internal.h"

#include <stdlib.h>
#include <sys/resource.h>

#define CONNECTIONS_KEPT 2048 /* idle and in use: dispatch has at most 1,024 under way */

/* No more than a quarter of the descriptors that the process may have. */
static long kept_default(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur / 4 > CONNECTIONS_KEPT)
        return CONNECTIONS_KEPT;
    return (long)(limit.rlim_cur / 4);
}

struct client *client_new(uv_loop_t *loop, long kept, struct error *err)
{
    static int global; /* curl_global_init counts, but must not run beside other threads' calls: the first client is
                          made before any exists */
    if (!global && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        error_set(err, BELFRY_EINTERNAL, NULL, "libcurl cannot be initialised");
        return NULL;
    }
    global = 1;
    struct client *client = xcalloc(1, sizeof(*client));
    if (!kept)
        kept = kept_default();
    engine_init(&client->engine, loop, (size_t)kept);
    for (size_t i = 0; i < HTTP_POOLS; i++)
        engine_pool_init(&client->engine, &client->http[i], kept / HTTP_POOLS + 1);
    engine_pool_init(&client->engine, &client->smtp, 0); /* each server has a limit of its own */
    list_init(&client->calls);
    list_init(&client->spare);
    list_init(&client->servers);
    client->urls = hash_new();
    const char *ca_file = getenv("SSL_CERT_FILE"); /* what OpenSSL, and whatever is built on it, calls it */
    client->ca_file = ca_file && *ca_file ? xstrdup(ca_file) : NULL;
    return client;
}

void client_stop(struct client *client)
{
    client->closing = 1; /* nobody starts another from here on */
    http_calls_stop(client);
    smtp_mails_stop(client);
    engine_tell(&client->engine);
}

void client_free(struct client *client)
{
    if (!client)
        return;
    client_stop(client);
    free(client->ca_file);
    http_calls_fini(client);
    smtp_mails_fini(client);
    engine_fini(&client->engine, free, client);
}
