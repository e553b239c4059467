/* SPDX-License-Identifier: Apache-2.0 */
/* belfry: the daemon and everything around it, by subcommand. */
#include "cli/cli.h"
#include "yaml/diag.h"

#include <stdio.h>

static const struct cli_command commands[] = {
    {"run", "run -c FILE [--log-format logfmt|json] [--log-level LEVEL]", "run the hub in the foreground", cli_run},
    {"check", "check [--format text|json] [--deny warnings] FILE...", "check a configuration, offline", cli_check},
    {"explain",
     "explain -c FILE (TRIGGER.json --source S --org O [--hook] | --event ID [--org O]) [--who NAME] "
     "[--format text|json]",
     "say who is told, through what, when, and why not", cli_explain},
    {"reload", "reload -c FILE", "put the changed configuration in force", cli_reload},
    {"send", "send -c FILE SOURCE TYPE [--org O] [--data FILE | key=value ...]", "post a trigger to the running hub",
     cli_send},
    {"demo", "demo -c FILE [--org O] [--speed N | --fast] [--list]", "play a scripted day against the running hub",
     cli_demo},
    {"plugin", "plugin list | inspect [--sidecar] NAME|FILE.so", "show plugins", cli_plugin},
    {"schema", "schema [--plugin-path DIRS]", "print the JSON Schema of the configuration", cli_schema},
    {"sample", "sample [--plugin-path DIRS]", "print a configuration with every key, commented", cli_sample},
    {"backup", "backup -c FILE TO [--with-secret]", "copy the database while the hub runs", cli_backup},
    {"restore", "restore -c FILE FROM", "put a backup in place; the hub must be stopped", cli_restore},
    {"login-link", "login-link -c FILE --org O --user U", "print a link that signs a person in once", cli_login_link},
    {"bounce", "bounce -c FILE [--recipient ADDRESS] < MESSAGE", "hand over a mail that came back; for an MTA's pipe",
     cli_bounce},
    {"dkim", "dkim keygen [--selector S] [--domain D] [--type rsa|ed25519] --out FILE",
     "make a key that mails are signed with, and print its DNS record", cli_dkim},
    {"template",
     "template render -c FILE --org O (--type T [--data FILE] | --event ID) [--locale L] [--timezone Z] [--template FILE]"
     " [--kind single|digest|catch_up] [--part subject|text|html]",
     "show what a mail would say; nothing is sent", cli_template},
    {"listen",
     "listen [--port N] [--secret KEYS | --secret-file FILE] [--public-key KEY] [--status CODES] [--retry-after WHEN]"
     " [--webhook-delivery disable|abort-message] [--forward URL] [--once] [--no-body] [--format text|json]",
     "receive webhooks on this machine, verify and show them", cli_listen},
    {"help", "help [COMMAND | CODE]", "explain a command or a diagnostic", cli_help},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct cli_command *find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static void print_all(FILE *to)
{
    fprintf(to, "belfry " BELFRY_VERSION ": a notification hub\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(to, "  belfry %-12s %s\n", commands[i].name, commands[i].summary);
    fprintf(to, "\n`belfry help COMMAND` says more; `belfry help H201` explains a diagnostic.\n");
}

int cli_help(int argc, char **argv)
{
    if (argc < 2) {
        print_all(stdout);
        return CLI_OK;
    }
    const struct cli_command *command = find(argv[1]);
    const char *text = diag_explain(argv[1]);
    if (command)
        printf("usage: belfry %s\n\n%s\n", command->usage, command->summary);
    else if (text)
        printf("%s\n", text);
    else
        return cli_usage("there is no command and no diagnostic `%s`", argv[1]);
    return CLI_OK;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_all(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("belfry " BELFRY_VERSION "\n");
        return CLI_OK;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return cli_help(1, argv);
    const struct cli_command *command = find(argv[1]);
    if (command)
        return command->run(argc - 1, argv + 1);
    const char *names[COMMANDS];
    for (size_t i = 0; i < COMMANDS; i++)
        names[i] = commands[i].name;
    const char *near = str_nearest(str_of(argv[1]), names, COMMANDS);
    return near ? cli_usage("there is no command `%s`; did you mean `%s`?", argv[1], near)
                : cli_usage("there is no command `%s`; see `belfry help`", argv[1]);
}
