/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The access token (RFC 6749 section 4.4, client credentials): one for all tasks, asked for once however many wait for
 * it, kept in memory until shortly before it expires. Neither it nor what the endpoint answered is ever logged, but for
 * the error code that RFC 6749 section 5.2 defines.
 */
#include "xero_inside.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What custom connections made since 29 April 2026 may be given. Older ones know accounting.transactions.read instead
 * and refuse this one. */
#define SCOPE "accounting.invoices.read"
#define TOKEN_MAX 8192
#define EARLY_MS INT64_C(60000)
#define LIFE_UNKNOWN_S 300 /* Xero's say 1800 */

/* --- the request -------------------------------------------------------------------------------------------------- */

/* application/x-www-form-urlencoded, as section 2.3.1 wants it for both halves of the credentials. */
static size_t form_encode(const char *text, char *out)
{
    size_t n = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || strchr("-._~", *p))
            out[n++] = (char)*p;
        else
            n += (size_t)sprintf(out + n, "%%%02X", *p);
    }
    return n;
}

/* "Basic ..."; the caller wipes and frees it */
static char *basic(const struct xero_config *config)
{
    size_t most = 3 * (strlen(config->client_id) + strlen(config->client_secret)) + 2;
    size_t size = sizeof("Basic ") + (most + 2) / 3 * 4;
    char *plain = malloc(most), *out = malloc(size);
    if (plain && out) {
        size_t n = form_encode(config->client_id, plain);
        plain[n++] = ':';
        n += form_encode(config->client_secret, plain + n);
        memcpy(out, "Basic ", 6);
        EVP_EncodeBlock((unsigned char *)out + 6, (const unsigned char *)plain, (int)n);
        OPENSSL_cleanse(plain, n);
    } else {
        free(out);
        out = NULL;
    }
    free(plain);
    return out;
}

/* --- the answer --------------------------------------------------------------------------------------------------- */

static void wipe(struct xero_token *token)
{
    if (token->header)
        OPENSSL_cleanse(token->header, strlen(token->header));
    free(token->header);
    token->header = NULL;
}

/* What may stand in a header and is no way to another one. */
static int is_token_text(const char *text)
{
    size_t n = 0;
    for (; text && text[n]; n++)
        if (text[n] < '!' || text[n] > '~')
            return 0;
    return n > 0 && n <= TOKEN_MAX;
}

static int keep(struct xero *x, const json_t *root)
{
    const char *text = json_string_value(json_object_get(root, "access_token"));
    const char *type = json_string_value(json_object_get(root, "token_type"));
    const json_t *life = json_object_get(root, "expires_in");
    int64_t seconds = json_is_integer(life) ? json_integer_value(life) : LIFE_UNKNOWN_S;
    if (!is_token_text(text) || !type || strcasecmp(type, "Bearer") != 0 || seconds < 1 || seconds > 86400)
        return -1;
    wipe(&x->token);
    if (asprintf(&x->token.header, "Bearer %s", text) < 0) {
        x->token.header = NULL;
        return -1;
    }
    int64_t early = seconds * 1000 / 10 < EARLY_MS ? seconds * 1000 / 10 : EARLY_MS;
    x->token.expires_ms = x->host->now_ms(x->host) + seconds * 1000 - early;
    x->token.number++;
    return 0;
}

/* The error code of section 5.2; "" when there is none that can be shown. */
static void error_code(const json_t *root, char *out, size_t size)
{
    const char *code = json_string_value(json_object_get(root, "error"));
    size_t len = code ? strspn(code, "abcdefghijklmnopqrstuvwxyz_") : 0;
    out[0] = '\0';
    if (len && !code[len])
        snprintf(out, size, "%s", code);
}

static void refused(struct xero *x, const struct belfry_http_answer *answer, const json_t *root)
{
    char code[40], what[160];
    error_code(root, code, sizeof(code));
    if (answer->status == 400 && strcmp(code, "invalid_scope") == 0 && !x->token.plain) {
        x->token.plain =
            1; /* the scope is optional (section 4.4.2): without it the token has all that the client was given */
        return;
    }
    if (answer->status == 0)
        snprintf(what, sizeof(what), "the token endpoint cannot be reached (%.*s)", (int)answer->error_text.len,
                 answer->error_text.ptr ? answer->error_text.ptr : "");
    else if (answer->status == 200)
        snprintf(what, sizeof(what), "the token endpoint answered without a token");
    else
        snprintf(what, sizeof(what), "the token endpoint answered %u%s%s%s", answer->status, *code ? " " : "", code,
                 answer->status == 400 || answer->status == 401 ? "; are client_id and client_secret right?" : "");
    xero_failed(x, answer->status == 429 || answer->status == 503 ? xero_retry_after(answer) : 0, what);
}

static void on_token(void *arg, const struct belfry_http_answer *answer)
{
    struct xero *x = arg;
    x->token.asking = 0;
    json_t *root =
        answer->status ? json_loadb(answer->body.ptr ? answer->body.ptr : "", answer->body.len, 0, NULL) : NULL;
    if (!x->stopping && (answer->status != 200 || answer->truncated || keep(x, root) != 0))
        refused(x, answer, root);
    json_decref(root);
    if (!x->stopping)
        xero_pump(x);
    xero_closed(x);
}

void xero_token_ask(struct xero *x)
{
    char *authorization = basic(x->config);
    struct belfry_attr headers[] = {{belfry_str("authorization"), belfry_str(authorization)},
                                    {belfry_str("content-type"), belfry_str("application/x-www-form-urlencoded")},
                                    {belfry_str("accept"), belfry_str("application/json")}};
    struct belfry_str body =
        belfry_str(x->token.plain ? "grant_type=client_credentials" : "grant_type=client_credentials&scope=" SCOPE);
    if (authorization &&
        xero_request(x, "POST", x->config->token_url, headers, 3, body, on_token, x, &x->token.call) == 0)
        x->token.asking = 1;
    else
        xero_failed(x, 0, "a token cannot be asked for");
    if (authorization)
        OPENSSL_cleanse(authorization, strlen(authorization));
    free(authorization);
}

const char *xero_token_get(struct xero *x)
{
    return x->token.header && x->host->now_ms(x->host) < x->token.expires_ms ? x->token.header : NULL;
}

void xero_token_drop(struct xero *x, uint64_t number)
{
    if (x->token.number == number)
        wipe(&x->token);
}

void xero_token_free(struct xero *x)
{
    wipe(&x->token);
}
