/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the tests of the invoice source: JSON with single quotes, an invoice to begin with, failures of cmocka. */
#ifndef INVOICE_FIXTURE_H
#define INVOICE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <belfry/test.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static inline void invoice_failure(const char *file, int line, const char *text)
{
    print_error("%s\n", text);
    _fail(file, line);
}

/* 'x' becomes "x". Lives until the next call but three. */
static inline const char *json(const char *text)
{
    static char kept[4][4096];
    static unsigned next;
    char *out = kept[next++ % 4];
    size_t len = strlen(text);
    assert_true(len < sizeof(kept[0]));
    for (size_t i = 0; i <= len; i++)
        out[i] = text[i] == '\'' ? '"' : text[i];
    return out;
}

/* Ann's invoice I-7 over 100.00 EUR, due on 20 January; it is the 5th, 09:00. */
#define I7                                                                                                             \
    "{'invoice':{'id':'7','number':'I-7','owner':'ann','payer':{'name':'Northwind','email':'pay@northwind.example'},"  \
    "'amount_minor':10000,'currency':'EUR','due_on':'2026-01-20','url':'https://books.example.org/7'}}"
#define OF_7(more) "{'invoice':{'id':'7'}" more "}"

/* A test with Ann and Bob and no chasers unless the options say so. */
static inline struct belfry_test *invoice_new(const char *yaml)
{
    struct belfry_test *t = belfry_test_new(&belfry_entry, yaml ? yaml : "chasers: []");
    belfry_test_on_failure(invoice_failure);
    belfry_test_expect_error(t, "");
    belfry_test_user(t, "ann", "");
    belfry_test_user(t, "bob", "");
    return t;
}

static inline void invoice_issue(struct belfry_test *t)
{
    assert_int_equal(belfry_test_send(t, "invoice.issued", json(I7)), BELFRY_OK);
    belfry_test_told(t);
}

#endif
