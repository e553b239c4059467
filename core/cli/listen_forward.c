/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A delivery handed on as it came, so that a program under development sees what it will see in earnest while its
 * deliveries are read here. What it answers is what the hub is answered. A failure to reach it is said and answered
 * 502, so that the hub tries again.
 */
#include "cli/listen.h"

#include <curl/curl.h>
#include <stdio.h>
#include <strings.h>

#define WAIT_MS 15000L /* what a hub waits for an answer, by default */

static size_t drop(char *data, size_t size, size_t count, void *arg)
{
    (void)data, (void)arg;
    return size * count;
}

/* Those of the connection (RFC 9110, 7.6.1) are made anew. */
static int is_end_to_end(const char *name)
{
    static const char *const own[] = {"Host", "Content-Length", "Connection", "Expect", "Transfer-Encoding"};
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (strcasecmp(name, own[i]) == 0)
            return 0;
    return 1;
}

static enum MHD_Result add_header(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct curl_slist **list = arg;
    struct buf line = {0};
    (void)kind;
    if (is_end_to_end(name)) {
        buf_addf(&line, value && *value ? "%s: %s" : "%s;", name, value);
        *list = curl_slist_append(*list, line.ptr);
    }
    buf_free(&line);
    return MHD_YES;
}

static void take_header(CURL *curl, const char *name, char *out, size_t size)
{
    struct curl_header *header;
    if (curl_easy_header(curl, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
        snprintf(out, size, "%s", header->value);
}

void listen_forward(const struct listen *listen, const struct listen_delivery *delivery, struct listen_answer *answer)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = NULL;
    char fault[CURL_ERROR_SIZE] = "";
    long status = 0;
    MHD_get_connection_values(delivery->mhd, MHD_HEADER_KIND, add_header, &headers);
    curl_easy_setopt(curl, CURLOPT_URL, listen->forward);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, WAIT_MS);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, delivery->body.ptr ? delivery->body.ptr : "");
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)delivery->body.len);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, fault);
    CURLcode code = curl_easy_perform(curl);
    if (code == CURLE_OK) {
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        take_header(curl, "Retry-After", answer->retry_after, sizeof(answer->retry_after));
        take_header(curl, "webhook-delivery", answer->word, sizeof(answer->word));
    } else {
        fprintf(stderr, "belfry: %s did not take it: %s\n", listen->forward, *fault ? fault : curl_easy_strerror(code));
    }
    answer->status = status ? (unsigned)status : 502;
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
}
