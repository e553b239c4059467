/* SPDX-License-Identifier: Apache-2.0 */
/* The table of `xero`. The addresses default to those that Xero publishes; only a test or a proxy needs others. */
#include "xero.h"

#define OPTION(kind, opt_name, member, ...)                                                                            \
    {                                                                                                                  \
        .struct_size = sizeof(struct belfry_option), .type = BELFRY_OPT_##kind,                                        \
        .offset = offsetof(struct xero_config, member), .name = (opt_name), __VA_ARGS__                                \
    }

static const char *const schemes[] = {"https", "http", NULL};

static const struct belfry_option tenant[] = {
    {.struct_size = sizeof(struct belfry_option), .type = BELFRY_OPT_STRING, .min = 1, .max = 64}, {0}};

const struct belfry_option xero_options[] = {
    OPTION(STRING, "signing_key", signing_key, .flags = BELFRY_OPT_REQUIRED | BELFRY_OPT_SECRET, .min = 1, .max = 512,
           .doc = "The webhook key of the app at Xero, as it is shown there."),
    OPTION(STRING, "client_id", client_id, .min = 1, .max = 512, .requires_ = "client_secret",
           .doc = "OAuth 2.0 client that fetches invoices; without it webhooks are taken and nothing is fetched."),
    OPTION(STRING, "client_secret", client_secret, .flags = BELFRY_OPT_SECRET, .min = 1, .max = 512,
           .requires_ = "client_id", .doc = "The client's secret."),
    OPTION(URL, "token_url", token_url, .def = "https://identity.xero.com/connect/token", .choices = schemes,
           .doc = "Where access tokens are asked for."),
    OPTION(URL, "api_url", api_url, .def = "https://api.xero.com/api.xro/2.0", .choices = schemes,
           .doc = "The Accounting API, without a slash at the end; invoices are fetched below it."),
    OPTION(LIST, "tenants", tenants, .max = 100, .flags = BELFRY_OPT_SCALAR_LIST, .children = tenant,
           .doc = "Tenants whose invoices count; all that Xero names when absent."),
    {0}};
