/* SPDX-License-Identifier: Apache-2.0 */
/* `hub.tls`: rows of files and what `check` and a hub that runs say of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "config/config.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

static char dir[] = "/tmp/belfry-tls-XXXXXX";

static FILE *make(const char *name)
{
    FILE *f = fopen(name, "w");
    assert_non_null(f);
    return f;
}

/* NAME.pem is signed with NAME.key, which is also there under a passphrase. */
static void make_pair(const char *name)
{
    char file[64];
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509_gmtime_adj(X509_getm_notBefore(cert), 0);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    snprintf(file, sizeof(file), "%s.pem", name);
    FILE *f = make(file);
    assert_int_equal(PEM_write_X509(f, cert), 1);
    fclose(f);
    snprintf(file, sizeof(file), "%s.key", name);
    f = make(file);
    assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(f);
    snprintf(file, sizeof(file), "%s.locked", name);
    f = make(file);
    assert_int_equal(PEM_write_PrivateKey(f, key, EVP_aes_128_cbc(), (unsigned char *)"pass", 4, NULL, NULL), 1);
    fclose(f);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static int set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(chdir(dir), 0);
    make_pair("a");
    make_pair("b");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    static const char *const files[] = {"a.pem", "a.key", "a.locked", "b.pem", "b.key", "b.locked", "belfry.yaml"};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        unlink(files[i]);
    return chdir("/") || rmdir(dir);
}

/* What is said of hub.tls; the rest of the file may have faults of its own. */
static char *said(const char *cert, const char *key, enum config_mode mode)
{
    FILE *f = make("belfry.yaml");
    fprintf(f, "version: 1\nhub: {tls: {cert: %s, key: %s}}\norgs: {acme: {}}\nunmatched: {deliver: []}\n", cert, key);
    fclose(f);
    struct diag_set *diags;
    struct buf text = {0};
    struct config *config = config_load("belfry.yaml", mode, NULL, &diags);
    for (size_t i = 0; i < diag_total(diags); i++) {
        const struct diag *d = diag_get(diags, i);
        if (strcmp(d->code, "H705") == 0)
            buf_addf(&text, "%u:%u %s %s\n", d->span.line, d->span.col,
                     d->severity == DIAG_ERROR     ? "error"
                     : d->severity == DIAG_WARNING ? "warning"
                                                   : "note",
                     d->message);
    }
    if (config)
        config_unref(config);
    else
        diag_set_free(diags);
    buf_addc(&text, '\0');
    return buf_steal(&text);
}

static void expect(const char *cert, const char *key, enum config_mode mode, const char *wanted)
{
    char *text = said(cert, key, mode);
    if (strcmp(text, wanted) != 0)
        fail_msg("%s with %s\n--- is\n%s--- should be\n%s", cert, key, text, wanted);
    free(text);
}

static void test_check_opens_the_files(void **state)
{
    (void)state;
    static const struct {
        const char *cert, *key, *wanted;
    } rows[] = {
        {"a.pem", "a.key", ""},
        {"\"${env:CERT}\"", "none.key", "2:39 error `none.key` cannot be read: No such file or directory\n"},
        {"none.pem", "a.key", "2:19 error `none.pem` cannot be read: No such file or directory\n"},
        {"none.pem", "no.key",
         "2:19 error `none.pem` cannot be read: No such file or directory\n"
         "2:34 error `no.key` cannot be read: No such file or directory\n"},
        {".", "a.key", "2:19 error `.` cannot be read: Is a directory\n"},
        {"a.key", "a.key", "2:19 error `a.key` holds no certificate in PEM form\n"},
        {"a.pem", "a.pem", "2:31 error `a.pem` holds no private key in PEM form, or one with a passphrase\n"},
        {"a.pem", "a.locked", "2:31 error `a.locked` holds no private key in PEM form, or one with a passphrase\n"},
        {"a.pem", "b.key", "2:31 error the key is not that of the certificate\n"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect(rows[i].cert, rows[i].key, CONFIG_CHECK, rows[i].wanted);
}

static void test_a_hub_that_runs_is_warned_for_its_next_start(void **state)
{
    (void)state;
    expect("a.pem", "a.key", CONFIG_RUN, "");
    expect("a.pem", "b.key", CONFIG_RUN,
           "2:31 warning the key is not that of the certificate; the next start needs it\n");
    expect("none.pem", "a.key", CONFIG_RUN,
           "2:19 warning `none.pem` cannot be read: No such file or directory; the next start needs it\n");
}

static void test_what_another_user_owns_is_no_fault(void **state)
{
    (void)state;
    uid_t self = geteuid();
    assert_int_equal(chmod("a.key", 0), 0);
    assert_int_equal(chmod(dir, 0777), 0);
    unlink("belfry.yaml");
    if (self == 0) /* who reads everything */
        assert_int_equal(seteuid(65534), 0);
    expect("a.pem", "a.key", CONFIG_CHECK,
           "2:31 note `a.key` cannot be read by this user; the hub's own user must be able to\n");
    assert_int_equal(seteuid(self), 0);
    assert_int_equal(chmod("a.key", 0600), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_opens_the_files),
        cmocka_unit_test(test_a_hub_that_runs_is_warned_for_its_next_start),
        cmocka_unit_test(test_what_another_user_owns_is_no_fault),
    };
    return cmocka_run_group_tests_name("config_tls", tests, set_up, tear_down);
}
