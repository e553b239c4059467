/* SPDX-License-Identifier: Apache-2.0 */
/*
 * belfry bounce: the end of an MTA's pipe for what comes back. It reads one message and gives it to the running hub.
 * The exit codes are those of sysexits.h, which MTAs go by: 0 also for what nobody here knows, because a bounce must
 * never bounce; EX_TEMPFAIL, so that the message stays in the MTA's queue, for all that is wrong here.
 */
#include "base/mem.h"
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#define MESSAGE_MAX ((size_t)1 << 20)
#define RECIPIENT_MAX 1000

/* All of standard input, so that the MTA gets rid of it, of which the beginning is kept. -1 when it cannot be read. */
static int read_message(struct buf *out)
{
    char chunk[65536];
    ssize_t n;
    while ((n = read(STDIN_FILENO, chunk, sizeof(chunk))) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        size_t room = MESSAGE_MAX - out->len;
        buf_add(out, chunk, (size_t)n < room ? (size_t)n : room);
    }
    return 0;
}

/* Addresses of ours are ASCII and short. The hub is not asked about others, which it would refuse, again and again. */
static int may_be_ours(const char *recipient)
{
    size_t len = recipient ? strlen(recipient) : 0;
    for (size_t i = 0; i < len; i++)
        if (recipient[i] < ' ' || recipient[i] > '~')
            return 0;
    return len > 0 && len <= RECIPIENT_MAX;
}

static char *path_of(const char *recipient)
{
    struct buf path = {0};
    if (!may_be_ours(recipient))
        recipient = NULL;
    buf_addz(&path, "/v1/admin/bounces");
    if (recipient)
        buf_addz(&path, "?recipient=");
    for (const unsigned char *c = (const unsigned char *)recipient; c && *c; c++) {
        int plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9');
        buf_addf(&path, plain ? "%c" : "%%%02X", *c);
    }
    return buf_steal(&path);
}

int cli_bounce(int argc, char **argv)
{
    static const char *const type[] = {"Content-Type: message/rfc822", NULL};
    const char *config = NULL, *recipient = NULL;
    const struct cli_option options[] = {{"--config", "-c", &config, NULL}, {"--recipient", "-r", &recipient, NULL}};
    if (cli_options(argc, argv, options, 2) != 1) {
        cli_usage("usage: belfry bounce -c FILE [--recipient ADDRESS] < MESSAGE");
        return EX_USAGE;
    }
    struct buf message = {0};
    if (read_message(&message) != 0) {
        fprintf(stderr, "belfry: standard input cannot be read\n");
        buf_free(&message);
        return EX_TEMPFAIL;
    }
    struct cli_answer answer;
    char *path = path_of(recipient);
    cli_ask(cli_config(config), "POST", path, type, buf_str(&message), &answer);
    int code = EX_OK;
    if (answer.status != 200) {
        if (answer.status)
            cli_problem(&answer);
        code = EX_TEMPFAIL;
    }
    buf_free(&answer.body);
    buf_free(&message);
    free(path);
    return code;
}
