/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limit of mail: libcurl, sending one constant message, so many at a time, over connections that are kept. Nothing
 * is read from a database, composed, signed, or written down. Prints one line of JSON.
 *
 *   bare_smtp PORT COUNT CONNECTIONS SIZE [threads]
 *
 * By its multi interface in a libuv loop. There it stands still from the final dot of a mail to the reply, so more
 * connections are no faster; with `threads` each connection has a thread of its own, which is the most it can do.
 */
#include "curl_loop.h"

#include <pthread.h>
#include <stdatomic.h>

/* One mail under way. */
struct mail {
    CURL *easy;
    size_t read;
};

static char url[64];
static struct curl_slist *to;
static char *message;
static size_t size;
static long started, done, failed, count;

static size_t on_read(char *data, size_t n, size_t times, void *arg)
{
    struct mail *m = arg;
    size_t left = size - m->read, take = left < n * times ? left : n * times;
    memcpy(data, message + m->read, take);
    m->read += take;
    return take;
}

static void look(void)
{
    CURLMsg *m;
    int left;
    while ((m = curl_multi_info_read(multi, &left))) {
        CURL *easy = m->easy_handle;
        struct mail *mail = NULL;
        long code = 0;
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&mail);
        done++;
        failed += m->data.result != CURLE_OK || code != 250;
        curl_multi_remove_handle(multi, easy);
        if (started < count) {
            started++;
            mail->read = 0;
            curl_multi_add_handle(multi, easy);
        }
    }
    if (done == count)
        uv_stop(&loop);
}

/* Headers, and a body of lines as quoted-printable has them. */
static void compose(void)
{
    static const char head[] = "From: Acme <notify@acme.example>\r\nTo: <jane@example.org>\r\nSubject: bench\r\n\r\n";
    size_t least = sizeof(head) - 1;
    size = size < least + 2 ? least + 2 : size;
    message = bench_alloc(size, 1);
    memset(message, 'x', size);
    memcpy(message, head, least);
    for (size_t end = least + 76; end + 4 < size; end += 78)
        memcpy(message + end, "\r\n", 2);
    memcpy(message + size - 2, "\r\n", 2);
}

static struct mail *make(void)
{
    struct mail *mail = bench_alloc(1, sizeof(*mail));
    mail->easy = curl_easy_init();
    curl_easy_setopt(mail->easy, CURLOPT_PRIVATE, mail);
    curl_easy_setopt(mail->easy, CURLOPT_URL, url);
    curl_easy_setopt(mail->easy, CURLOPT_MAIL_FROM, "notify@acme.example");
    curl_easy_setopt(mail->easy, CURLOPT_MAIL_RCPT, to);
    curl_easy_setopt(mail->easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(mail->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)size);
    curl_easy_setopt(mail->easy, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(mail->easy, CURLOPT_READDATA, mail);
    curl_easy_setopt(mail->easy, CURLOPT_NOSIGNAL, 1L);
    return mail;
}

static void run_loop(int connections)
{
    uv_loop_init(&loop);
    uv_timer_init(&loop, &timer);
    multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, want_socket);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, want_timer);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)connections);
    for (int i = 0; i < connections && started < count; i++, started++)
        curl_multi_add_handle(multi, make()->easy);
    uv_run(&loop, UV_RUN_DEFAULT);
}

static atomic_long left_to_send, sent, unsent;

static void *send_some(void *arg)
{
    struct mail *mail = make();
    while (atomic_fetch_sub(&left_to_send, 1) > 0) {
        mail->read = 0;
        int ok = curl_easy_perform(mail->easy) == CURLE_OK;
        atomic_fetch_add(&sent, 1);
        atomic_fetch_add(&unsent, !ok);
    }
    curl_easy_cleanup(mail->easy);
    free(mail);
    return arg;
}

static void run_threads(int connections)
{
    pthread_t *threads = bench_alloc((size_t)connections, sizeof(*threads));
    atomic_store(&left_to_send, count);
    for (int i = 0; i < connections; i++)
        if (pthread_create(&threads[i], NULL, send_some, NULL) != 0)
            bench_die("thread");
    for (int i = 0; i < connections; i++)
        pthread_join(threads[i], NULL);
    done = atomic_load(&sent);
    failed = atomic_load(&unsent);
    free(threads);
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: bare_smtp PORT COUNT CONNECTIONS SIZE [threads]\n");
        return 2;
    }
    int connections = atoi(argv[3]);
    count = atol(argv[2]);
    size = (size_t)atol(argv[4]);
    compose();
    snprintf(url, sizeof(url), "smtp://127.0.0.1:%s/acme.example", argv[1]);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    to = curl_slist_append(NULL, "jane@example.org");
    uint64_t begin = bench_ns();
    if (argc > 5)
        run_threads(connections);
    else
        run_loop(connections);
    double seconds = (double)(bench_ns() - begin) / 1e9;
    printf("{\"mails\":%ld,\"failed\":%ld,\"seconds\":%.4f,\"rate\":%.1f}\n", done, failed, seconds,
           (double)(done - failed) / seconds);
    return failed > 0;
}
