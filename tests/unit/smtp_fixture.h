/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mail server that says what it is told, for the tests of the SMTP client: each connection has a thread, so it may
 * wait while the client's loop goes on. What it hears is kept, command by command and byte by byte.
 */
#ifndef TESTS_SMTP_FIXTURE_H
#define TESTS_SMTP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * What is said to each command. NULL: what a server says that is content. Several answers, for the first time, the
 * second and so on, stand behind one another with a | between; the last one stays. One of them is:
 *   "250 ok"     that, and CRLF; a 421 closes the connection afterwards
 *   "!550 no"    that, and the connection is closed
 *   ""           nothing, and the connection is closed
 *   "~"          nothing until the client hangs up
 *   "*250-ok"    that again and again until the client hangs up
 *   "@250 ok"    that, once the test lets it through (server_open_gate)
 */
struct script {
    const char *greeting, *ehlo, *helo, *starttls, *auth, *mail, *rcpt, *data, *end, *rset;
    int implicit_tls, tls_1_1;
    size_t drop_after;  /* closes after this much of the content was read; 0: never */
    size_t stall_after; /* reads this much, and on once the test lets it through */
};

struct server {
    struct script script;
    int listener, port;
    char ca_file[64], url[64], tls_url[64];
    SSL_CTX *tls;
    pthread_t acceptor, threads[256];
    sem_t gate;
    atomic_int waiting; /* at the gate */
    atomic_int accepted, open, most_open, mails;
    atomic_int turns[10]; /* how often each kind of answer was given */
    pthread_mutex_t lock;
    struct buf log, content; /* what was heard; the last content, as it came */
};

struct peer {
    struct server *server;
    int fd, number;
    SSL *ssl;
    char in[4096];
    size_t at, len;
};

/* --- bytes -------------------------------------------------------------------------------------------------------- */

static int peer_byte(struct peer *p)
{
    if (p->at == p->len) {
        ssize_t n = p->ssl ? SSL_read(p->ssl, p->in, sizeof(p->in)) : read(p->fd, p->in, sizeof(p->in));
        if (n <= 0)
            return -1;
        p->at = 0;
        p->len = (size_t)n;
    }
    return (unsigned char)p->in[p->at++];
}

/* Without its CRLF; -1 at the end. */
static int peer_line(struct peer *p, struct buf *line)
{
    int c;
    buf_clear(line);
    while ((c = peer_byte(p)) >= 0 && c != '\n')
        buf_addc(line, (char)c);
    if (c >= 0 && line->len && line->ptr[line->len - 1] == '\r')
        line->ptr[--line->len] = '\0';
    return c < 0 ? -1 : 0;
}

/* Returns -1 when the client has hung up. */
static int peer_write(struct peer *p, const char *text, size_t len)
{
    while (len) {
        ssize_t n = p->ssl ? SSL_write(p->ssl, text, (int)len) : write(p->fd, text, len);
        if (n <= 0)
            return -1;
        text += n;
        len -= (size_t)n;
    }
    return 0;
}

static void note(struct peer *p, const char *text)
{
    pthread_mutex_lock(&p->server->lock);
    buf_addf(&p->server->log, "%d %s\n", p->number, text);
    pthread_mutex_unlock(&p->server->lock);
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static void wait_at_gate(struct server *s)
{
    atomic_fetch_add(&s->waiting, 1);
    sem_wait(&s->gate);
}

/* The answer for this turn, from "first|second|third". */
static void choose(const char *answers, int turn, char *out, size_t size)
{
    for (; turn > 0 && strchr(answers, '|'); turn--)
        answers = strchr(answers, '|') + 1;
    snprintf(out, size, "%.*s", (int)strcspn(answers, "|"), answers);
}

/* Returns -1 when the connection is to be closed. */
static int say(struct peer *p, const char *told, const char *otherwise, int kind)
{
    static const size_t size = 16384;
    char *answer = xmalloc(size), *text = answer;
    struct server *s = p->server;
    int result = 0;
    choose(told ? told : otherwise, atomic_fetch_add(&s->turns[kind], 1), answer, size - 2);
    if (strcmp(text, "") == 0) {
        result = -1;
    } else if (strcmp(text, "~") == 0) {
        while (peer_byte(p) >= 0)
            ;
        result = -1;
    } else {
        if (*text == '@') {
            wait_at_gate(s);
            text++;
        }
        if (*text == '!')
            result = -1, text++;
        strcat(text, "\r\n"); /* in one piece, so that the client reads it in one */
        while (*text == '*' && result == 0)
            result = peer_write(p, text + 1, strlen(text + 1));
        if (strncmp(text, "421", 3) == 0)
            result = -1;
        peer_write(p, text, strlen(text));
    }
    free(answer);
    return result;
}

static int content(struct peer *p, const struct script *script)
{
    struct buf got = {0};
    int c;
    while ((c = peer_byte(p)) >= 0) {
        buf_addc(&got, (char)c);
        if (script->drop_after && got.len >= script->drop_after)
            break;
        if (script->stall_after && got.len == script->stall_after)
            wait_at_gate(p->server);
        if (got.len >= 5 && memcmp(got.ptr + got.len - 5, "\r\n.\r\n", 5) == 0)
            break;
    }
    pthread_mutex_lock(&p->server->lock);
    buf_clear(&p->server->content);
    buf_adds(&p->server->content, buf_str(&got));
    pthread_mutex_unlock(&p->server->lock);
    int whole = c >= 0 && !(script->drop_after && got.len >= script->drop_after);
    buf_free(&got);
    if (whole)
        atomic_fetch_add(&p->server->mails, 1);
    return whole ? 0 : -1;
}

static int shake(struct peer *p)
{
    p->at = p->len = 0; /* what came before it is nothing (RFC 3207 section 4.2) */
    p->ssl = SSL_new(p->server->tls);
    SSL_set_fd(p->ssl, p->fd);
    return SSL_accept(p->ssl) == 1 ? 0 : -1;
}

/* The client's part of AUTH, decoded into the log. */
static int auth(struct peer *p, const struct script *script, const char *command)
{
    struct buf line = {0};
    int login = strcasecmp(command, "AUTH LOGIN") == 0, result = 0;
    for (int i = 0; i < (login ? 2 : 1) && result == 0; i++) {
        peer_write(p, "334 \r\n", 6);
        result = peer_line(p, &line);
        note(p, line.ptr ? line.ptr : "");
    }
    buf_free(&line);
    return result == 0 ? say(p, script->auth, "235 2.7.0 welcome", 4) : -1;
}

static int starttls(struct peer *p, const struct script *script)
{
    int agreed = !script->starttls || script->starttls[0] == '2';
    int result = say(p, script->starttls, "220 2.0.0 go ahead", 3);
    return result == 0 && agreed ? shake(p) : result;
}

static int command(struct peer *p, const char *line)
{
    const struct script *s = &p->server->script;
    if (strncasecmp(line, "EHLO ", 5) == 0)
        return say(
            p, s->ehlo,
            p->ssl ? "250-at your service\r\n250 8BITMIME" : "250-at your service\r\n250-STARTTLS\r\n250 8BITMIME", 1);
    if (strncasecmp(line, "HELO ", 5) == 0)
        return say(p, s->helo, "250 at your service", 2);
    if (strcasecmp(line, "STARTTLS") == 0)
        return starttls(p, s);
    if (strncasecmp(line, "AUTH ", 5) == 0)
        return auth(p, s, line);
    if (strncasecmp(line, "MAIL ", 5) == 0)
        return say(p, s->mail, "250 2.1.0 ok", 5);
    if (strncasecmp(line, "RCPT ", 5) == 0)
        return say(p, s->rcpt, "250 2.1.5 ok", 6);
    if (strcasecmp(line, "RSET") == 0)
        return say(p, s->rset, "250 2.0.0 ok", 9);
    if (strcasecmp(line, "QUIT") == 0) {
        peer_write(p, "221 2.0.0 bye\r\n", 15);
        return -1;
    }
    if (strcasecmp(line, "DATA") != 0) {
        peer_write(p, "502 5.5.2 what?\r\n", 17);
        return 0;
    }
    char answer[512];
    choose(s->data ? s->data : "354 go ahead", atomic_load(&p->server->turns[7]), answer, sizeof(answer));
    if (say(p, s->data, "354 go ahead", 7) != 0)
        return -1;
    if (answer[0] != '3')
        return 0;
    return content(p, s) == 0 ? say(p, s->end, "250 2.0.0 queued as 4711", 8) : -1;
}

static void *converse(void *arg)
{
    struct peer *p = arg;
    struct server *s = p->server;
    struct buf line = {0};
    int result = s->script.implicit_tls ? shake(p) : 0;
    if (result == 0)
        result = say(p, s->script.greeting, "220 mail.example ESMTP", 0);
    while (result == 0 && peer_line(p, &line) == 0) {
        note(p, line.ptr ? line.ptr : "");
        result = command(p, line.ptr ? line.ptr : "");
    }
    buf_free(&line);
    if (p->ssl) {
        SSL_shutdown(p->ssl);
        SSL_free(p->ssl);
    }
    atomic_fetch_sub(&s->open, 1);
    close(p->fd);
    free(p);
    return NULL;
}

static void *accept_all(void *arg)
{
    struct server *s = arg;
    for (int fd; (fd = accept(s->listener, NULL, NULL)) >= 0;) {
        struct peer *p = xcalloc(1, sizeof(*p));
        p->server = s;
        p->fd = fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        p->number = atomic_load(&s->accepted) + 1;
        int open = atomic_fetch_add(&s->open, 1) + 1;
        if (open > atomic_load(&s->most_open))
            atomic_store(&s->most_open, open);
        assert_true(p->number <= 256);
        pthread_create(&s->threads[p->number - 1], NULL, converse, p);
        atomic_store(&s->accepted, p->number);
    }
    return NULL;
}

/* --- its certificate ---------------------------------------------------------------------------------------------- */

static X509 *certificate(EVP_PKEY *key, const char *name, X509 *issuer, EVP_PKEY *issuer_key, const char *alt)
{
    X509 *cert = X509_new();
    X509V3_CTX context;
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), issuer ? 2 : 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer : cert));
    X509V3_set_ctx(&context, issuer ? issuer : cert, cert, NULL, NULL, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &context, issuer ? NID_subject_alt_name : NID_basic_constraints,
                                              issuer ? alt : "critical,CA:TRUE");
    X509_add_ext(cert, ext, -1);
    X509_EXTENSION_free(ext);
    assert_true(X509_sign(cert, issuer_key, EVP_sha256()) > 0);
    return cert;
}

/* A CA of the test's own, whose certificate is written to ca_file, and a server's certificate for 127.0.0.1 alone. */
static void server_certify(struct server *s)
{
    EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
    X509 *ca = certificate(ca_key, "Test CA", NULL, ca_key, NULL);
    X509 *cert = certificate(key, "mail", ca, ca_key, "IP:127.0.0.1,DNS:mail.example");
    snprintf(s->ca_file, sizeof(s->ca_file), "/tmp/belfry-smtp-ca-XXXXXX");
    FILE *f = fdopen(mkstemp(s->ca_file), "w");
    assert_int_equal(PEM_write_X509(f, ca), 1);
    fclose(f);
    s->tls = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(s->tls, cert);
    SSL_CTX_use_PrivateKey(s->tls, key);
    if (s->script.tls_1_1) {
        SSL_CTX_set_security_level(s->tls, 0);
        SSL_CTX_set_min_proto_version(s->tls, TLS1_VERSION);
        SSL_CTX_set_max_proto_version(s->tls, TLS1_1_VERSION);
    }
    X509_free(cert);
    X509_free(ca);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static void server_start(struct server *s, const struct script *script)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(address);
    *s = (struct server){.script = *script};
    pthread_mutex_init(&s->lock, NULL);
    sem_init(&s->gate, 0, 0);
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(s->listener, 256), 0);
    getsockname(s->listener, (struct sockaddr *)&address, &len);
    s->port = ntohs(address.sin_port);
    snprintf(s->url, sizeof(s->url), "smtp://127.0.0.1:%d", s->port);
    snprintf(s->tls_url, sizeof(s->tls_url), "smtps://127.0.0.1:%d", s->port);
    server_certify(s);
    pthread_create(&s->acceptor, NULL, accept_all, s);
}

static inline void server_open_gate(struct server *s, int times)
{
    while (times-- > 0)
        sem_post(&s->gate);
}

/* After the client's end: every connection has been closed by it. */
static void server_stop(struct server *s)
{
    shutdown(s->listener, SHUT_RDWR);
    pthread_join(s->acceptor, NULL);
    close(s->listener);
    for (int i = 0; i < atomic_load(&s->accepted); i++)
        pthread_join(s->threads[i], NULL);
    SSL_CTX_free(s->tls);
    unlink(s->ca_file);
    buf_free(&s->log);
    buf_free(&s->content);
    sem_destroy(&s->gate);
    pthread_mutex_destroy(&s->lock);
}

/* What was heard so far. */
static const char *server_log(struct server *s)
{
    static char text[65536];
    pthread_mutex_lock(&s->lock);
    snprintf(text, sizeof(text), "%s", s->log.ptr ? s->log.ptr : "");
    pthread_mutex_unlock(&s->lock);
    return text;
}

#endif
