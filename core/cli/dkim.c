/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dkim keygen: a key that mails are signed with, and what to put into the DNS for those who check. It needs neither a
 * configuration nor a hub. The private half goes into a new file that only its owner can read, and nowhere else.
 */
#include "base/mem.h"
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RSA_BITS 2048      /* fits a DNS answer over UDP; every receiver reads it */
#define TXT_STRING_MAX 255 /* RFC 1035, 3.3 */
#define LABEL_MAX 63
#define NAME_MAX_LENGTH 253

static const struct kind {
    const char *name, *prefix, *title;
    const char *tag; /* k= of the record */
} kinds[] = {
    {"rsa", "r", "an RSA key of 2048 bits", "rsa"},
    {"ed25519", "e", "an Ed25519 key", "ed25519"},
};

static const struct kind *kind_of(const char *name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

/* Labels of letters, digits and hyphens with dots between, `max` characters at most. */
static int is_name(const char *text, size_t max)
{
    size_t len = strlen(text), label = 0;
    if (len > max)
        return 0;
    for (size_t i = 0; i <= len; i++) {
        char c = text[i];
        int edge = label == 0 || i + 1 >= len || text[i + 1] == '.';
        if (c == '.' || c == '\0') {
            if (label == 0 || label > LABEL_MAX)
                return 0;
            label = 0;
        } else if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", c) || (c == '-' && !edge)) {
            label++;
        } else {
            return 0;
        }
    }
    return 1;
}

/* A new one each month at most: rotation is a new selector beside the old one. */
static char *selector_of(const struct kind *kind)
{
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    return xasprintf("%s%04d%02d", kind->prefix, utc.tm_year + 1900, utc.tm_mon + 1);
}

/* --- the key ------------------------------------------------------------------------------------------------------ */

static EVP_PKEY *key_new(const struct kind *kind)
{
    return strcmp(kind->tag, "rsa") == 0 ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)RSA_BITS)
                                         : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
}

static int write_all(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno != EINTR)
            return -1;
        data += n > 0 ? n : 0;
        len -= (size_t)(n > 0 ? n : 0);
    }
    return fsync(fd);
}

/* CLI_OK, or after a message. Never over something that is there: it may be the key in use. */
static int key_save(EVP_PKEY *key, const char *path)
{
    char *pem = NULL;
    BIO *bio = BIO_new(BIO_s_secmem()); /* is cleared when it is freed */
    long len = PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) ? BIO_get_mem_data(bio, &pem) : 0;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), code = CLI_OK;
    if (fd < 0 || !pem || write_all(fd, pem, (size_t)len) != 0) {
        int error = errno;
        fprintf(stderr, "belfry: cannot write %s: %s\n", path,
                error == EEXIST ? "it exists, and a key is never overwritten" : strerror(error));
        if (fd >= 0)
            unlink(path);
        code = CLI_ERRORS;
    }
    if (fd >= 0)
        close(fd);
    BIO_free(bio);
    return code;
}

/* --- the record --------------------------------------------------------------------------------------------------- */

/* p= is base64 of a SubjectPublicKeyInfo (RFC 6376, 3.6.1), for Ed25519 of the 32 bytes alone (RFC 8463, 4.2). Freed by
 * the caller. */
static char *record_of(const struct kind *kind, const EVP_PKEY *key)
{
    unsigned char *bytes = NULL;
    size_t len = 32;
    if (strcmp(kind->tag, "rsa") == 0) {
        len = (size_t)i2d_PUBKEY(key, &bytes);
    } else {
        bytes = OPENSSL_malloc(len);
        EVP_PKEY_get_raw_public_key(key, bytes, &len);
    }
    char *base64 = xmalloc(len * 4 / 3 + 5);
    EVP_EncodeBlock((unsigned char *)base64, bytes, (int)len);
    char *record = xasprintf("v=DKIM1; k=%s; p=%s", kind->tag, base64);
    free(base64);
    OPENSSL_free(bytes);
    return record;
}

static void print_zone(const char *name, const char *dot, const char *record)
{
    size_t len = strlen(record);
    printf("  %s%s IN TXT (", name, dot);
    for (size_t at = 0; at < len; at += TXT_STRING_MAX)
        printf("%s\"%.*s\"", at ? "\n      " : " ", TXT_STRING_MAX, record + at);
    printf(" )\n");
}

/* In single quotes (YAML 1.2, 7.3.2): the double ones are the record's, so that a script can pick them out. */
static void print_config(const char *selector, const char *path)
{
    printf("  dkim: [{selector: %s, key: '${file:", selector);
    for (const char *at = path; *at; at++) {
        if (*at == '\'')
            putchar('\''); /* twice is once */
        putchar(*at);
    }
    printf("}'}]\n");
}

static void print_all(const struct kind *kind, const char *selector, const char *domain, const char *path,
                      const char *record)
{
    char *name = domain ? xasprintf("%s._domainkey.%s", selector, domain) : xasprintf("%s._domainkey", selector);
    char *whole = realpath(path, NULL);
    printf("wrote %s: %s that only you can read. Whoever has it can sign mail for the domain.\n", path, kind->title);
    printf("\nDNS, a TXT record%s\n  name   %s\n  value  %s\n",
           domain ? "" : " in the zone of the domain that `from` of the channel names", name, record);
    printf("\nThe same in a zone file, in strings of at most 255 characters\n");
    print_zone(name, domain ? "." : "", record);
    printf("\nConfiguration, in the mail channel, once the record is there; the hub has to be able to read the file\n");
    print_config(selector, whole ? whole : path);
    if (strcmp(kind->tag, "ed25519") == 0)
        printf("\nNot every receiver reads Ed25519: sign with an RSA key as well.\n");
    free(whole);
    free(name);
}

static int keygen(const struct kind *kind, const char *selector, const char *domain, const char *path)
{
    EVP_PKEY *key = key_new(kind);
    if (!key) {
        fprintf(stderr, "belfry: cannot make a key\n");
        return CLI_ERRORS;
    }
    int code = key_save(key, path);
    if (code == CLI_OK) {
        char *record = record_of(kind, key);
        print_all(kind, selector, domain, path, record);
        free(record);
    }
    EVP_PKEY_free(key); /* clears the numbers */
    return code;
}

int cli_dkim(int argc, char **argv)
{
    const char *selector = NULL, *domain = NULL, *type = "rsa", *out = NULL;
    const struct cli_option options[] = {{"--selector", NULL, &selector, NULL},
                                         {"--domain", NULL, &domain, NULL},
                                         {"--type", NULL, &type, NULL},
                                         {"--out", NULL, &out, NULL}};
    int left = cli_options(argc, argv, options, 4);
    if (left < 0)
        return CLI_USAGE;
    if (left != 2 || strcmp(argv[1], "keygen") != 0 || !out)
        return cli_usage("usage: belfry dkim keygen [--selector S] [--domain D] [--type rsa|ed25519] --out FILE");
    const struct kind *kind = kind_of(type);
    if (!kind)
        return cli_usage("`%s` is no type of key: rsa or ed25519", type);
    if (selector && !is_name(selector, LABEL_MAX))
        return cli_usage("`%s` is no selector: letters, digits and `-`, with dots between, 63 at most", selector);
    if (domain && !is_name(domain, NAME_MAX_LENGTH))
        return cli_usage("`%s` is no domain as the DNS knows it (others than ASCII begin with xn--)", domain);
    char *chosen = selector ? xasprintf("%s", selector) : selector_of(kind);
    int code = keygen(kind, chosen, domain, out);
    free(chosen);
    return code;
}
