/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking an object in a child process. dlopen runs constructors: they may crash, hang or print, and none of that may
 * reach the caller. The child is the belfry program itself, which answers on standard output; what it says on standard
 * error is the reason when it fails.
 */
#include "base/json.h"
#include "plugin/internal.h"
#include "plugin/sidecar.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROBE_TIMEOUT_MS 10000

extern char **environ;

/* --- the child -------------------------------------------------------------------------------------------------- */

static int write_all(int fd, struct belfry_str text)
{
    while (text.len) {
        ssize_t n = write(fd, text.ptr, text.len);
        if (n < 0 && errno != EINTR)
            return 0;
        if (n > 0)
            text = str_slice(text.ptr + n, text.len - (size_t)n);
    }
    return 1;
}

int plugin_probe_answer(const char *so_path, plugin_has_ext_fn has_ext)
{
    struct error err = {0};
    int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (out < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return 1;
    const struct plugin *plugin = plugin_load(so_path, has_ext, &err);
    if (!plugin) {
        fprintf(stderr, "%s\n", error_text(&err));
        error_clear(&err);
        close(out);
        return 1;
    }
    struct buf text = {0};
    json_t *sidecar = plugin_sidecar(plugin);
    json_write(sidecar, &text);
    json_decref(sidecar);
    int written = write_all(out, buf_str(&text));
    buf_free(&text);
    close(out);
    return written ? 0 : 1;
}

/* --- the caller ------------------------------------------------------------------------------------------------- */

struct child {
    pid_t pid;
    int out, err; /* our ends of its standard output and standard error; -1: at their end */
    struct buf out_text, err_text;
};

static int spawn(const char *program, const char *so_path, struct child *child)
{
    int out[2] = {-1, -1}, err[2] = {-1, -1};
    char *argv[] = {(char *)(uintptr_t)program, (char *)"plugin",           (char *)"inspect",
                    (char *)"--probe",          (char *)(uintptr_t)so_path, NULL};
    posix_spawn_file_actions_t actions;
    if (pipe2(out, O_CLOEXEC) != 0)
        return errno;
    if (pipe2(err, O_CLOEXEC) != 0) {
        close(out[0]);
        close(out[1]);
        return errno;
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
    int fault = posix_spawn(&child->pid, program, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    close(err[1]);
    child->out = out[0];
    child->err = err[0];
    return fault;
}

/* Takes what is there; closes at the end. What is beyond the limit is read and dropped, so that the child goes on. */
static void take(int *fd, struct buf *text)
{
    char block[8192];
    ssize_t n = read(*fd, block, sizeof(block));
    if (n > 0 && text->len < SIDECAR_MAX_BYTES)
        buf_add(text, block, (size_t)n);
    if (n == 0 || (n < 0 && errno != EINTR)) {
        close(*fd);
        *fd = -1;
    }
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Reads both ends until they close. 0 when the time is over. */
static int listen_to(struct child *child, int64_t deadline)
{
    while (child->out >= 0 || child->err >= 0) {
        struct pollfd ends[2] = {{child->out, POLLIN, 0}, {child->err, POLLIN, 0}};
        int64_t left = deadline - now_ms();
        if (left <= 0)
            return 0;
        if (poll(ends, 2, (int)left) <= 0)
            continue;
        if (ends[0].revents)
            take(&child->out, &child->out_text);
        if (ends[1].revents)
            take(&child->err, &child->err_text);
    }
    return 1;
}

/* An object may close both ends and go on for ever: the end is waited for no longer than the rest. */
static int wait_for(const struct child *child, int64_t deadline, int *state)
{
    for (;;) {
        pid_t pid = waitpid(child->pid, state, WNOHANG);
        if (pid == child->pid)
            return 1;
        if ((pid < 0 && errno != EINTR) || now_ms() >= deadline)
            return 0;
        poll(NULL, 0, 2);
    }
}

/* 0 when it had to be ended. */
static int finish(struct child *child, int timeout_ms, int *state)
{
    int64_t deadline = now_ms() + timeout_ms;
    if (listen_to(child, deadline) && wait_for(child, deadline, state))
        return 1;
    kill(child->pid, SIGKILL);
    while (waitpid(child->pid, state, 0) < 0 && errno == EINTR)
        continue;
    return 0;
}

/* The last line that is not empty: what came before it is the object's own. */
static struct belfry_str last_line(struct belfry_str text)
{
    text = str_trim(text);
    const char *start = text.len ? memrchr(text.ptr, '\n', text.len) : NULL;
    return start ? str_slice(start + 1, text.len - (size_t)(start + 1 - text.ptr)) : text;
}

static json_t *read_answer(const char *so_path, const struct child *child, int state, struct error *err)
{
    struct error parse = {0};
    struct belfry_str said = last_line(buf_str(&child->err_text));
    json_t *json = NULL;
    if (WIFSIGNALED(state)) {
        error_set(err, BELFRY_EINVAL, NULL, "%s: crashed while it was loaded: %s", so_path, strsignal(WTERMSIG(state)));
    } else if (WEXITSTATUS(state) != 0) {
        if (said.len)
            error_set(err, BELFRY_EINVAL, NULL, "%.*s", said.len > 1000 ? 1000 : (int)said.len, said.ptr);
        else
            error_set(err, BELFRY_EINVAL, NULL, "%s: the probe ended with status %d and said nothing", so_path,
                      WEXITSTATUS(state));
    } else if (!(json = json_read(buf_str(&child->out_text), &parse))) {
        error_set(err, BELFRY_EINVAL, NULL, "%s: the probe's answer is not JSON: %s", so_path, error_text(&parse));
    }
    error_clear(&parse);
    return json;
}

json_t *plugin_probe_within(const char *program, const char *so_path, int timeout_ms, struct error *err)
{
    struct child child = {.out = -1, .err = -1};
    json_t *json = NULL;
    int fault = spawn(program, so_path, &child), state = 0;
    if (fault)
        error_set(err, BELFRY_EIO, NULL, "%s: cannot be probed: %s: %s", so_path, program, strerror(fault));
    else if (finish(&child, timeout_ms, &state))
        json = read_answer(so_path, &child, state, err);
    else
        error_set(err, BELFRY_ETIMEDOUT, NULL, "%s: did not finish loading within %d ms", so_path, timeout_ms);
    if (child.out >= 0)
        close(child.out);
    if (child.err >= 0)
        close(child.err);
    buf_free(&child.out_text);
    buf_free(&child.err_text);
    return json;
}

json_t *plugin_probe(const char *program, const char *so_path, struct error *err)
{
    return plugin_probe_within(program, so_path, PROBE_TIMEOUT_MS, err);
}

/* --- the sidecar's file ----------------------------------------------------------------------------------------- */

/* Written beside and renamed over, so that a reader sees the old one or the new one. */
static int replace_file(const char *path, struct belfry_str text)
{
    struct arena *arena = arena_new(0);
    char *temporary = arena_printf(arena, "%s.XXXXXX", path);
    int fd = mkstemp(temporary), fault = fd < 0 ? errno : 0;
    if (!fault && (!write_all(fd, text) || fchmod(fd, 0644) != 0 || fsync(fd) != 0))
        fault = errno;
    if (fd >= 0)
        close(fd);
    if (!fault && rename(temporary, path) != 0)
        fault = errno;
    if (fault && fd >= 0)
        unlink(temporary);
    arena_free(arena);
    return fault;
}

belfry_status plugin_write_sidecar(const char *program, const char *so_path, struct error *err)
{
    json_t *json = plugin_probe(program, so_path, err);
    if (!json)
        return BELFRY_EINVAL;
    struct arena *arena = arena_new(0);
    const char *path = plugin_sidecar_path(arena, so_path);
    char *text = json_dumps(json, JSON_INDENT(1));
    int fault = replace_file(path, str_of(text));
    belfry_status status = BELFRY_OK;
    if (fault)
        status = error_set(err, BELFRY_EIO, NULL, "%s: cannot be written: %s", path, strerror(fault));
    free(text);
    json_decref(json);
    arena_free(arena);
    return status;
}
