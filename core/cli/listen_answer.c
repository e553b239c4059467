/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP side of `belfry listen`: a request is read whole, judged, printed and answered. Every path takes deliveries.
 * One that does not verify is answered 401 whatever was asked for, as a real receiver would; its id is not remembered,
 * since anybody could have written it.
 */
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/listen.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define IDLE_S 60u
#define UNVERIFIED 401u
#define RATE_DEFAULT "*" /* as many a minute as the hub likes */

struct call {
    struct buf body;
    int too_long, last;
};

/* --- reading ------------------------------------------------------------------------------------------------------ */

static struct belfry_str header(struct MHD_Connection *mhd, const char *name)
{
    return str_of(MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, name));
}

/* Of the JSON (standard, thin, a structured CloudEvent), or of the header of a binary CloudEvent. Appended to out. */
static void read_type(struct MHD_Connection *mhd, struct belfry_str body, struct buf *out)
{
    struct belfry_str given = header(mhd, "ce-type");
    json_t *json = given.len ? NULL : json_read(body, NULL);
    buf_adds(out, given.len ? given : json_str(json_object_get(json, "type")));
    json_decref(json);
}

static unsigned remember(struct listen *listen, struct belfry_str id)
{
    if (hash_count(listen->seen) >= LISTEN_IDS_MAX) {
        hash_free(listen->seen, NULL);
        listen->seen = hash_new();
    }
    uintptr_t times = (uintptr_t)hash_get(listen->seen, id) + 1;
    hash_set(listen->seen, id, (void *)times);
    return (unsigned)times;
}

/* --- answering ---------------------------------------------------------------------------------------------------- */

static enum MHD_Result respond(struct MHD_Connection *mhd, unsigned status, const char *const (*headers)[2])
{
    struct MHD_Response *response = MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
    for (; headers && (*headers)[0]; headers++)
        if ((*headers)[1] && *(*headers)[1])
            MHD_add_response_header(response, (*headers)[0], (*headers)[1]);
    enum MHD_Result queued = MHD_queue_response(mhd, status, response);
    MHD_destroy_response(response);
    return queued;
}

/* What was asked for on the command line. */
static void choose(struct listen *listen, struct listen_answer *answer)
{
    answer->status = listen->statuses[listen->status_at];
    if (listen->status_at + 1 < listen->status_count)
        listen->status_at++;
    if (answer->status >= 300) /* with a success neither says anything */
        snprintf(answer->retry_after, sizeof(answer->retry_after), "%s",
                 listen->retry_after ? listen->retry_after : "");
    snprintf(answer->word, sizeof(answer->word), "%s", listen->word ? listen->word : "");
}

static void count(struct listen *listen, const struct listen_delivery *delivery)
{
    listen->deliveries++;
    listen->verified += (unsigned long)delivery->verified;
    listen->again += delivery->times > 1;
    listen->answered_2xx += delivery->status / 100 == 2;
    listen->last_verified = delivery->verified;
}

static enum MHD_Result take_delivery(struct listen *listen, struct MHD_Connection *mhd, const char *path,
                                     struct belfry_str body)
{
    struct buf type = {0};
    struct listen_answer answer = {.status = UNVERIFIED};
    read_type(mhd, body, &type);
    struct listen_delivery delivery = {.now_ms = clock_now_ms(clock_real()),
                                       .path = path,
                                       .id = header(mhd, "webhook-id"),
                                       .timestamp = header(mhd, "webhook-timestamp"),
                                       .signature = header(mhd, "webhook-signature"),
                                       .type = buf_str(&type),
                                       .body = body,
                                       .mhd = mhd};
    listen_verify(listen->verifier, &delivery);
    if (delivery.verified) {
        delivery.times = remember(listen, delivery.id);
        choose(listen, &answer);
        if (listen->forward)
            listen_forward(listen, &delivery, &answer);
    }
    delivery.status = answer.status;
    count(listen, &delivery);
    listen_print(listen, &delivery);
    buf_free(&type);
    const char *const headers[][2] = {
        {"Retry-After", answer.retry_after}, {"webhook-delivery", answer.word}, {NULL, NULL}};
    return respond(mhd, answer.status, headers);
}

static enum MHD_Result take_handshake(const struct listen *listen, struct MHD_Connection *mhd)
{
    struct belfry_str origin = header(mhd, "WebHook-Request-Origin"), rate = header(mhd, "WebHook-Request-Rate");
    const char *const headers[][2] = {{"Allow", "POST, OPTIONS"},
                                      {origin.len ? "WebHook-Allowed-Origin" : NULL, origin.ptr},
                                      {"WebHook-Allowed-Rate", rate.len ? rate.ptr : RATE_DEFAULT},
                                      {NULL, NULL}};
    if (origin.len)
        listen_print_handshake(listen, origin, rate);
    return respond(mhd, 200, headers);
}

/* --- the server --------------------------------------------------------------------------------------------------- */

static enum MHD_Result on_access(void *arg, struct MHD_Connection *mhd, const char *url, const char *method,
                                 const char *version, const char *upload, size_t *upload_size, void **state)
{
    static const char *const allow[][2] = {{"Allow", "POST, OPTIONS"}, {NULL, NULL}};
    struct listen *listen = arg;
    struct call *call = *state;
    (void)version;
    if (!call) {
        *state = xcalloc(1, sizeof(*call));
        return MHD_YES;
    }
    if (*upload_size) {
        call->too_long |= call->body.len + *upload_size > LISTEN_BODY_MAX;
        if (!call->too_long)
            buf_add(&call->body, upload, *upload_size);
        *upload_size = 0;
        return MHD_YES;
    }
    if (strcmp(method, "OPTIONS") == 0)
        return take_handshake(listen, mhd);
    if (strcmp(method, "POST") != 0)
        return respond(mhd, 405, allow);
    if (call->too_long)
        return respond(mhd, 413, NULL);
    call->last = listen->once;
    return take_delivery(listen, mhd, url, buf_str(&call->body));
}

static void on_completed(void *arg, struct MHD_Connection *mhd, void **state, enum MHD_RequestTerminationCode code)
{
    struct listen *listen = arg;
    struct call *call = *state;
    (void)mhd, (void)code;
    if (!call)
        return;
    if (call->last) /* its answer has left */
        pthread_kill(listen->main, SIGTERM);
    buf_free(&call->body);
    free(call);
    *state = NULL;
}

struct MHD_Daemon *listen_start(struct listen *listen, unsigned short port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL, 0, NULL, NULL, on_access, listen,
                            MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
                            MHD_OPTION_NOTIFY_COMPLETED, on_completed, listen, MHD_OPTION_END);
}
