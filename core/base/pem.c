/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

/* Nobody is there who could type one. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

enum pem_fault pem_pair(struct belfry_str cert_pem, struct belfry_str key_pem)
{
    BIO *cert_in = BIO_new_mem_buf(cert_pem.ptr ? cert_pem.ptr : "", (int)cert_pem.len);
    BIO *key_in = BIO_new_mem_buf(key_pem.ptr ? key_pem.ptr : "", (int)key_pem.len);
    X509 *cert = PEM_read_bio_X509(cert_in, NULL, no_passphrase, NULL);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(key_in, NULL, no_passphrase, NULL);
    enum pem_fault fault = !cert                                    ? PEM_NO_CERT
                           : !key                                   ? PEM_NO_KEY
                           : X509_check_private_key(cert, key) != 1 ? PEM_NOT_A_PAIR
                                                                    : PEM_PAIR;
    EVP_PKEY_free(key);
    X509_free(cert);
    BIO_free(key_in);
    BIO_free(cert_in);
    ERR_clear_error();
    return fault;
}
