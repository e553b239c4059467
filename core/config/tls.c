/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `hub.tls`: whether the files are there, hold what they should and belong together. An error for whoever checks; for a
 * hub that runs a warning, because what it serves with was read at its start and the next start says so itself. A file
 * that this user may not read is no fault: the hub often runs as another one.
 */
#include "config/build.h"

#include "base/mem.h"
#include "base/pem.h"

#include <errno.h>
#include <stdio.h>

#define FILE_MAX ((size_t)1 << 20)

static struct diag *fault(struct config_build *b, const struct yaml_node *at, const char *text)
{
    if (b->mode == CONFIG_CHECK)
        return config_error(b, "H705", at, "%s", text);
    return config_warning(b, "H705", at, "%s; the next start needs it", text);
}

/* 1 when it is in out; else there was a diagnostic, or nothing can be said of it yet. */
static int read_pem(struct config_build *b, const struct yaml_node *at, struct buf *out)
{
    if (!config_is_text(at) || at->unresolved || at->text.len == 0)
        return 0;
    const char *path = arena_strndup(b->arena, at->text.ptr, at->text.len);
    size_t n = 1;
    FILE *f = fopen(path, "re");
    while (f && n > 0 && out->len < FILE_MAX) {
        n = fread(buf_reserve(out, 4096), 1, 4096, f);
        out->len += n;
    }
    int failed = !f || ferror(f) ? errno : 0;
    if (f)
        fclose(f);
    if (failed == EACCES)
        config_note(b, "H705", at, "`%s` cannot be read by this user; the hub's own user must be able to",
                    config_show(b, at->text));
    else if (failed)
        fault(b, at, arena_printf(b->arena, "`%s` cannot be read: %s", config_show(b, at->text), strerror(failed)));
    return !failed;
}

static void check_pair(struct config_build *b, const struct yaml_node *cert, struct belfry_str cert_pem,
                       const struct yaml_node *key, struct belfry_str key_pem)
{
    struct diag *d;
    switch (pem_pair(cert_pem, key_pem)) {
    case PEM_PAIR:
        break;
    case PEM_NO_CERT:
        fault(b, cert, arena_printf(b->arena, "`%s` holds no certificate in PEM form", config_show(b, cert->text)));
        break;
    case PEM_NO_KEY:
        fault(b, key,
              arena_printf(b->arena, "`%s` holds no private key in PEM form, or one with a passphrase",
                           config_show(b, key->text)));
        break;
    case PEM_NOT_A_PAIR:
        d = fault(b, key, "the key is not that of the certificate");
        diag_relate(b->diags, d, cert->span, "the certificate");
        break;
    }
}

void config_check_tls(struct config_build *b, const struct yaml_node *tls)
{
    const struct yaml_node *cert = yaml_get(tls, "cert"), *key = yaml_get(tls, "key");
    struct buf cert_pem = {0}, key_pem = {0};
    if (!cert || !key) /* which was said */
        return;
    int have_cert = read_pem(b, cert, &cert_pem), have_key = read_pem(b, key, &key_pem);
    if (have_cert && have_key)
        check_pair(b, cert, buf_str(&cert_pem), key, buf_str(&key_pem));
    if (key_pem.ptr)
        mem_wipe(key_pem.ptr, key_pem.len);
    buf_free(&cert_pem);
    buf_free(&key_pem);
}
