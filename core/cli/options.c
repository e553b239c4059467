/* SPDX-License-Identifier: Apache-2.0 */
/* Options and files of the command line, the same for every command. */
#include "base/mem.h"
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int cli_usage(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("belfry: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return CLI_USAGE;
}

static const struct cli_option *find(const struct cli_option *options, size_t count, const char *word, size_t len)
{
    for (size_t i = 0; i < count; i++)
        if ((strlen(options[i].name) == len && strncmp(options[i].name, word, len) == 0) ||
            (options[i].brief && strlen(options[i].brief) == len && strncmp(options[i].brief, word, len) == 0))
            return &options[i];
    return NULL;
}

int cli_options(int argc, char **argv, const struct cli_option *options, size_t count)
{
    int left = 1;
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-' || argv[i][1] == '\0') {
            argv[left++] = argv[i];
            continue;
        }
        const char *equals = strchr(argv[i], '=');
        const struct cli_option *o =
            find(options, count, argv[i], equals ? (size_t)(equals - argv[i]) : strlen(argv[i]));
        if (!o) {
            cli_usage("unknown option `%s`", argv[i]);
            return -1;
        }
        if (o->flag) {
            *o->flag = 1;
        } else if (equals) {
            *o->value = equals + 1;
        } else if (i + 1 < argc) {
            *o->value = argv[++i];
        } else {
            cli_usage("option `%s` needs a value", argv[i]);
            return -1;
        }
    }
    return left;
}

const char *cli_config(const char *given)
{
    const char *env = getenv("BELFRY_CONFIG");
    return given ? given : env ? env : "/etc/belfry/belfry.yaml";
}

char *cli_read(const char *path, size_t *len)
{
    struct buf text = {0};
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    size_t n;
    while (f && (n = fread(buf_reserve(&text, 65536), 1, 65536, f)) > 0)
        text.len += n;
    int bad = !f || ferror(f);
    if (bad)
        fprintf(stderr, "belfry: cannot read %s: %s\n", path, strerror(errno));
    if (f && f != stdin)
        fclose(f);
    *len = text.len;
    buf_addz(&text, "");
    if (!bad)
        return buf_steal(&text);
    buf_free(&text);
    return NULL;
}
