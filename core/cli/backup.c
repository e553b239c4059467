/* SPDX-License-Identifier: Apache-2.0 */
/* backup and restore: files only, through the store; a running hub is not disturbed and not needed. */
#include "cli/cli.h"
#include "base/mem.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int report(belfry_status status, struct error *err)
{
    if (status == BELFRY_OK)
        return CLI_OK;
    fprintf(stderr, "belfry: %s\n", err->count ? error_text(err) : status_text(status));
    error_clear(err);
    return CLI_ERRORS;
}

static void say_secret(const char *dir, const char *to)
{
    char *secret = xasprintf("%s/secret", dir);
    if (access(secret, F_OK) == 0)
        printf("wrote %s.secret\n", to);
    else
        printf("there is no %s: the secret is hub.secret of the configuration\n", secret);
    free(secret);
}

int cli_backup(int argc, char **argv)
{
    const char *config = NULL;
    int with_secret = 0;
    const struct cli_option options[] = {{"--config", "-c", &config, NULL},
                                         {"--with-secret", NULL, NULL, &with_secret}};
    if (cli_options(argc, argv, options, 2) != 2)
        return cli_usage("usage: belfry backup -c FILE TO [--with-secret]");
    char *dir = cli_data_dir(cli_config(config));
    struct error err = {0};
    int code = dir ? report(store_backup(dir, argv[1], with_secret, &err), &err) : CLI_CANNOT;
    if (code == CLI_OK)
        printf("wrote %s\n", argv[1]);
    if (code == CLI_OK && with_secret)
        say_secret(dir, argv[1]);
    free(dir);
    return code;
}

int cli_restore(int argc, char **argv)
{
    const char *config = NULL;
    const struct cli_option options[] = {{"--config", "-c", &config, NULL}};
    if (cli_options(argc, argv, options, 1) != 2)
        return cli_usage("usage: belfry restore -c FILE FROM");
    char *dir = cli_data_dir(cli_config(config));
    struct error err = {0};
    int code = dir ? report(store_restore(dir, argv[1], &err), &err) : CLI_CANNOT;
    if (code == CLI_OK)
        printf("restored %s\n", argv[1]);
    free(dir);
    return code;
}
