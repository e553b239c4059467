/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: one file for each command, a table in main.c. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/status.h"
#include "base/str.h"

#include <jansson.h>

/* Exit codes: clean, errors, usage, warnings under --deny warnings, could not check. The daemon exits 78. */
enum { CLI_OK = 0, CLI_ERRORS = 1, CLI_USAGE = 2, CLI_DENIED = 3, CLI_CANNOT = 4 };

struct cli_command {
    const char *name, *usage, *summary;
    int (*run)(int argc, char **argv);
};

int cli_run(int argc, char **argv);
int cli_check(int argc, char **argv);
int cli_explain(int argc, char **argv);
int cli_reload(int argc, char **argv);
int cli_send(int argc, char **argv);
int cli_demo(int argc, char **argv);
int cli_plugin(int argc, char **argv);
int cli_schema(int argc, char **argv);
int cli_sample(int argc, char **argv);
int cli_backup(int argc, char **argv);
int cli_restore(int argc, char **argv);
int cli_login_link(int argc, char **argv);
int cli_bounce(int argc, char **argv);
int cli_dkim(int argc, char **argv);
int cli_template(int argc, char **argv);
int cli_listen(int argc, char **argv);
int cli_help(int argc, char **argv);

/* --- options ------------------------------------------------------------------------------------------------------ */

struct cli_option {
    const char *name;   /* "--source"; a short form may follow: "-c" */
    const char *brief;  /* or NULL */
    const char **value; /* takes an argument */
    int *flag;          /* or is set to 1 */
};
/* Takes options out of argv (from index 1), leaves the rest in place. Returns how many arguments are left, -1 after
 * a message on standard error. */
int cli_options(int argc, char **argv, const struct cli_option *options, size_t count);
/* The file of -c, or $BELFRY_CONFIG, or /etc/belfry/belfry.yaml. */
const char *cli_config(const char *given);
/* Prints a sentence on standard error and returns CLI_USAGE. */
int cli_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Whole file, or standard input for "-". NULL after a message. Freed by the caller. */
char *cli_read(const char *path, size_t *len);

/* --- the running hub
 * -------------------------------------------------------------------------------------------------- */

/* hub.data_dir of a configuration, without checking the rest. NULL after a message. Freed by the caller. */
char *cli_data_dir(const char *config_path);
struct cli_answer {
    long status; /* 0: no hub answered; a message was printed */
    struct buf body;
    char content_type[128];
};
/* One request over data_dir/control.sock. Header lines end with NULL; may be NULL. */
void cli_ask(const char *config_path, const char *method, const char *path, const char *const *headers,
             struct belfry_str body, struct cli_answer *answer);
/* The org that was given, or, without one, the only one that the hub's configuration (the answer of /v1/admin/config)
 * names. NULL after a message: there is none of that name, or not just one. Lives as long as both. */
const char *cli_org(const json_t *config, const char *given);
/* Prints the detail of a problem document (and its faults) on standard error; returns CLI_ERRORS. */
int cli_problem(const struct cli_answer *answer);

#endif
