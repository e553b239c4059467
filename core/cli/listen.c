/* SPDX-License-Identifier: Apache-2.0 */
/*
 * belfry listen: receives webhooks on this machine, verifies them as a receiver has to, and shows them. It needs
 * neither a configuration nor a hub of its own. Without a secret it makes one, and in either case it prints what makes
 * a hub send here. It ends with Ctrl-C, or with its first delivery, and then its exit code says whether that was
 * verified.
 */
#include "base/id.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/listen.h"

#include <curl/curl.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define PORT_DEFAULT "8421"
#define SECRET_BYTES 32

struct wishes {
    const char *port, *secret, *secret_file, *public_key, *status, *retry_after, *word, *forward, *format;
    int once, no_body;
};

/* --- keys --------------------------------------------------------------------------------------------------------- */

/* Whether `given` is `${kind:NAME}`, as in a configuration, so that a secret need not stand where everybody can read
 * it: in the list of processes. */
static int reference(const char *given, const char *kind, struct belfry_str *name)
{
    size_t len = strlen(given), at = strlen(kind) + 3;
    if (strncmp(given, "${", 2) != 0 || strncmp(given + 2, kind, at - 3) != 0 || given[at - 1] != ':' ||
        given[len - 1] != '}')
        return 0;
    *name = str_slice(given + at, len - at - 1);
    return 1;
}

struct keys {
    struct buf given, made;
    int many_lines; /* of a file, where a hub wants one */
};

static int add_file(struct keys *keys, const char *path)
{
    size_t len;
    char *content = cli_read(path, &len);
    if (!content)
        return -1;
    struct belfry_str text = str_trim(str_of(content));
    keys->many_lines |= text.len && strcspn(text.ptr, "\r\n\t,") < text.len;
    buf_addf(&keys->given, "%s\n", content);
    free(content);
    return 0;
}

/* A key, or the variable or file that holds it. 0, or -1 after a message. */
static int add_given(struct keys *keys, const char *given)
{
    struct belfry_str name;
    int is_env = reference(given, "env", &name);
    if (!is_env && !reference(given, "file", &name)) {
        buf_addf(&keys->given, "%s\n", given);
        return 0;
    }
    char *copy = xasprintf("%.*s", STR_ARG(name));
    const char *value = is_env ? getenv(copy) : NULL;
    int status = is_env ? (value ? 0 : -1) : add_file(keys, copy);
    if (value)
        buf_addf(&keys->given, "%s\n", value);
    else if (is_env)
        cli_usage("the environment has no `%s`", copy);
    free(copy);
    return status;
}

/* All that are given; a fresh one when none is, and then `made` has it. 0, or -1 after a message. */
static int gather_keys(const struct wishes *w, struct keys *keys)
{
    uint8_t bytes[SECRET_BYTES];
    if ((w->secret && add_given(keys, w->secret) != 0) || (w->secret_file && add_file(keys, w->secret_file) != 0) ||
        (w->public_key && add_given(keys, w->public_key) != 0))
        return -1;
    if (w->secret || w->secret_file || w->public_key)
        return 0;
    random_bytes(bytes, sizeof(bytes));
    buf_addz(&keys->made, "whsec_");
    base64_encode(bytes, sizeof(bytes), 0, &keys->made);
    buf_adds(&keys->given, buf_str(&keys->made));
    return 0;
}

/* --- options ------------------------------------------------------------------------------------------------------ */

/* A decimal of digits alone between min and max; -1. */
static int number_of(struct belfry_str text, int min, int max)
{
    int64_t n;
    int digits = text.len && text.ptr[0] >= '0' && text.ptr[0] <= '9';
    return digits && str_to_i64(text, &n) == BELFRY_OK && n >= min && n <= max ? (int)n : -1;
}

/* "503,503,200". 0 when it is none. */
static int read_statuses(struct listen *listen, struct belfry_str text)
{
    while (text.len) {
        int status = number_of(str_cut(text, ',', &text), 200, 599);
        if (status < 0 || listen->status_count == LISTEN_STATUSES_MAX)
            return 0;
        listen->statuses[listen->status_count++] = (unsigned)status;
    }
    return listen->status_count > 0;
}

/* Seconds, or a date (RFC 9110, 10.2.3). */
static int is_wait(const char *text)
{
    return number_of(str_of(text), 0, INT_MAX) >= 0 ||
           (strlen(text) < LISTEN_RETRY_AFTER_SIZE && curl_getdate(text, NULL) >= 0);
}

static int has_failure(const struct listen *listen)
{
    for (size_t i = 0; i < listen->status_count; i++)
        if (listen->statuses[i] >= 300)
            return 1;
    return 0;
}

static int is_http(const char *url)
{
    return strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
}

/* CLI_OK, or after a message. */
static int check(const struct wishes *w, struct listen *listen)
{
    if (!read_statuses(listen, str_of(w->status)))
        return cli_usage("`%s` is no list of status codes from 200 to 599, parted by commas", w->status);
    if (number_of(str_of(w->port), 0, 65535) < 0)
        return cli_usage("`%s` is no port", w->port);
    if (strcmp(w->format, "text") != 0 && strcmp(w->format, "json") != 0)
        return cli_usage("`%s` is no format: text or json", w->format);
    if (w->retry_after && !is_wait(w->retry_after))
        return cli_usage("--retry-after takes seconds or an HTTP date");
    if (w->word && strcmp(w->word, "disable") != 0 && strcmp(w->word, "abort-message") != 0)
        return cli_usage("`%s` is nothing a receiver can say: disable or abort-message", w->word);
    if (w->forward && !is_http(w->forward))
        return cli_usage("`%s` is no http or https URL", w->forward);
    if (w->forward && (w->word || w->retry_after || strcmp(w->status, "200") != 0))
        return cli_usage("with --forward the answer is that of %s", w->forward);
    if (w->retry_after && !has_failure(listen))
        return cli_usage("--retry-after goes with a status that is no success: --status 503, say");
    listen->retry_after = w->retry_after;
    listen->word = w->word;
    listen->forward = w->forward;
    listen->json = strcmp(w->format, "json") == 0;
    listen->no_body = w->no_body;
    listen->once = w->once;
    return CLI_OK;
}

/* --- the command -------------------------------------------------------------------------------------------------- */

/* What stands in '...' for a shell. */
static void add_for_shell(struct buf *out, struct belfry_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '\'')
            buf_addz(out, "'\\''");
        else
            buf_addc(out, text.ptr[i]);
}

/* What stands in "..." in YAML. */
static void add_for_yaml(struct buf *out, struct belfry_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"' || text.ptr[i] == '\\')
            buf_addc(out, '\\');
        buf_addc(out, text.ptr[i]);
    }
}

/* The file that the secret came from; empty: it came from none. */
static struct belfry_str file_of(const struct wishes *w)
{
    struct belfry_str name = {NULL, 0};
    if (w->secret_file)
        return str_of(w->secret_file);
    return w->secret && reference(w->secret, "file", &name) ? name : (struct belfry_str){NULL, 0};
}

/* How YAML and a shell, inside of '...', name the secret, so that whatever is made by it is verified here. One that was
 * given is not repeated but read from where it came; a hub wants blanks between those of a file. Both stay empty where
 * there is only a public key: then the endpoint is there already. */
static void name_secret(const struct wishes *w, struct belfry_str made, struct buf *yaml, struct buf *shell)
{
    struct belfry_str name = file_of(w);
    if (made.len) {
        buf_adds(yaml, made);
        buf_adds(shell, made);
    } else if (name.len) {
        buf_addz(yaml, "${file:");
        add_for_yaml(yaml, name);
        buf_addz(yaml, "}");
        buf_addz(shell, "'\"$(tr '\\r\\n\\t,' '    ' < '");
        add_for_shell(shell, name);
        buf_addz(shell, "')\"'");
    } else if (w->secret) {
        if (!reference(w->secret, "env", &name))
            name = STR("HOOK_SECRET");
        buf_addf(yaml, "${env:%.*s}", STR_ARG(name));
        buf_addf(shell, "'\"$%.*s\"'", STR_ARG(name));
    }
}

static void print_begin_json(unsigned port, struct belfry_str made)
{
    printf("{\"what\":\"listening\",\"url\":\"http://127.0.0.1:%u/\"", port);
    if (made.len)
        printf(",\"secret\":\"%.*s\"", STR_ARG(made));
    printf("}\n");
}

/* How a hub comes to send here. */
static void print_begin(const struct wishes *w, unsigned port, const struct keys *keys)
{
    struct buf yaml = {0}, shell = {0};
    name_secret(w, buf_str(&keys->made), &yaml, &shell);
    printf("Listening on http://127.0.0.1:%u/ and every path below it. Ctrl-C ends it.\n\n", port);
    if (yaml.len) {
        printf("So that a hub on this machine sends here, in its YAML (private addresses are refused unless they are "
               "named):\n  hooks:\n    plugin: webhook\n    allow_cidrs: [127.0.0.0/8]\n    endpoints:\n"
               "      - {name: listen, url: \"http://127.0.0.1:%u/\", secret: \"%.*s\"}\n",
               port, STR_ARG(buf_str(&yaml)));
        if (keys->many_lines)
            printf("        # a hub wants the keys of that file on one line, with blanks between; now they are not\n");
        printf("or, where the channel has `allow_cidrs: [127.0.0.0/8]`, with a token that may `endpoints`:\n"
               "  curl $BELFRY/v1/$ORG/endpoints -H \"Authorization: Bearer $TOKEN\" "
               "-H 'Content-Type: application/json' \\\n"
               "    -d '{\"url\": \"http://127.0.0.1:%u/\", \"secret\": \"%.*s\"}'\n\n",
               port, STR_ARG(buf_str(&shell)));
    }
    buf_free(&yaml);
    buf_free(&shell);
}

static int run(struct listen *listen, const struct wishes *w, const struct keys *keys)
{
    sigset_t ends;
    int which;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, NULL); /* before the server's thread, which inherits it: sigwait() takes them */
    listen->main = pthread_self();
    struct MHD_Daemon *daemon = listen_start(listen, (unsigned short)atoi(w->port));
    if (!daemon) {
        fprintf(stderr, "belfry: cannot listen on 127.0.0.1:%s: %s; --port takes another\n", w->port, strerror(errno));
        return CLI_CANNOT;
    }
    unsigned port = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    if (listen->json)
        print_begin_json(port, buf_str(&keys->made));
    else
        print_begin(w, port, keys);
    fflush(stdout);
    sigwait(&ends, &which);
    MHD_stop_daemon(daemon);
    listen_print_summary(listen);
    return listen->once && !(listen->deliveries && listen->last_verified) ? CLI_ERRORS : CLI_OK;
}

static int listen_with(const struct wishes *w, struct listen *listen)
{
    struct keys keys = {0};
    char fault[160];
    int code = gather_keys(w, &keys) == 0 ? CLI_OK : CLI_USAGE;
    struct listen_verifier *verifier = code == CLI_OK ? listen_verifier_new(buf_str(&keys.given), fault) : NULL;
    if (code == CLI_OK && !verifier)
        code = cli_usage("%s", fault);
    if (code == CLI_OK) {
        listen->verifier = verifier;
        listen->seen = hash_new();
        code = run(listen, w, &keys);
        hash_free(listen->seen, NULL);
    }
    listen_verifier_free(verifier);
    if (keys.given.ptr)
        mem_wipe(keys.given.ptr, keys.given.cap);
    buf_free(&keys.given);
    buf_free(&keys.made);
    return code;
}

int cli_listen(int argc, char **argv)
{
    struct wishes w = {.port = PORT_DEFAULT, .status = "200", .format = "text"};
    struct listen listen = {0};
    const struct cli_option options[] = {
        {"--port", NULL, &w.port, NULL},
        {"--secret", NULL, &w.secret, NULL},
        {"--secret-file", NULL, &w.secret_file, NULL},
        {"--public-key", NULL, &w.public_key, NULL},
        {"--status", NULL, &w.status, NULL},
        {"--retry-after", NULL, &w.retry_after, NULL},
        {"--webhook-delivery", NULL, &w.word, NULL},
        {"--forward", NULL, &w.forward, NULL},
        {"--format", NULL, &w.format, NULL},
        {"--once", NULL, NULL, &w.once},
        {"--no-body", NULL, NULL, &w.no_body},
    };
    int left = cli_options(argc, argv, options, sizeof(options) / sizeof(options[0]));
    if (left < 0)
        return CLI_USAGE;
    if (left != 1)
        return cli_usage("listen takes options only; see `belfry help listen`");
    int code = check(&w, &listen);
    return code == CLI_OK ? listen_with(&w, &listen) : code;
}
