/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limit B: libcurl's multi interface in a libuv loop, posting one constant body, so many at a time, over connections
 * that are kept. Nothing is read from a database, signed, or written down. Prints one line of JSON.
 *
 *   bare_post PORT COUNT IN_FLIGHT BODY
 */
#include "curl_loop.h"

static long started, done, failed, count;

static size_t swallow(char *data, size_t size, size_t n, void *arg)
{
    (void)data;
    (void)arg;
    return size * n;
}

static void look(void)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(multi, &left))) {
        CURL *easy = message->easy_handle;
        long code = 0;
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
        done++;
        failed += message->data.result != CURLE_OK || code != 200;
        curl_multi_remove_handle(multi, easy);
        if (started < count) {
            started++;
            curl_multi_add_handle(multi, easy);
        }
    }
    if (done == count)
        uv_stop(&loop);
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: bare_post PORT COUNT IN_FLIGHT BODY\n");
        return 2;
    }
    char url[64];
    size_t body_len;
    char *body = bench_read(argv[4], &body_len);
    int in_flight = atoi(argv[3]);
    count = atol(argv[2]);
    snprintf(url, sizeof(url), "http://127.0.0.1:%s/hook", argv[1]);
    uv_loop_init(&loop);
    uv_timer_init(&loop, &timer);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, want_socket);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, want_timer);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)in_flight);
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl_slist_append(headers, "webhook-id: msg_018f3b3e-7c1a-7000-8000-000000000000");
    headers = curl_slist_append(headers, "webhook-timestamp: 1700000000");
    headers = curl_slist_append(headers, "webhook-signature: v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=");
    headers = curl_slist_append(headers, "Expect:");
    uint64_t begin = bench_ns();
    for (int i = 0; i < in_flight && started < count; i++, started++) {
        CURL *easy = curl_easy_init();
        curl_easy_setopt(easy, CURLOPT_URL, url);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)body_len);
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, swallow);
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_multi_add_handle(multi, easy);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    double seconds = (double)(bench_ns() - begin) / 1e9;
    printf("{\"requests\":%ld,\"failed\":%ld,\"seconds\":%.4f,\"rate\":%.1f}\n", done, failed, seconds,
           (double)(done - failed) / seconds);
    return failed > 0;
}
