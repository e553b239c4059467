/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines: level, clock, folding, and the one write(2). Lengths are limited so that a line stays within what the
 * journal takes as one.
 *
 * Folding: a small table of lines seen lately, under a lock that is never held while writing. A slot's window starts
 * with its first line; lines beyond FOLD_FREE are counted. When the window is over, or the slot is needed for another
 * line, the count is reported: by whichever line comes next, or by log_flush().
 */
#include "base/log.h"

#include "base/clock.h"
#include "base/log_line.h"
#include "base/str.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MESSAGE_MAX 2000
#define PAIRS_MAX 8000
#define FOLD_SLOTS 64
#define FOLD_FREE 10
#define FOLD_WINDOW_NS UINT64_C(10000000000)

struct level_row {
    const char *name, *journal; /* journal: sd-daemon(3) prefix with the syslog priority */
};

static const struct level_row levels[] = {
    [LOG_LEVEL_DEBUG] = {"debug", "<7>"},
    [LOG_LEVEL_INFO] = {"info", "<6>"},
    [LOG_LEVEL_WARN] = {"warn", "<4>"},
    [LOG_LEVEL_ERROR] = {"error", "<3>"},
};
#define LEVEL_COUNT ((int)(sizeof(levels) / sizeof(levels[0])))

struct fold_slot {
    uint64_t since_ns; /* start of the window */
    uint32_t seen;     /* 0: free */
    enum log_level level;
    char component[48];
    char message[208];
};

static _Atomic int min_level = LOG_LEVEL_INFO, line_format = LOG_FORMAT_LOGFMT, line_fd = STDERR_FILENO, in_journal;
static const struct clock_src *_Atomic line_clock;

static pthread_mutex_t fold_lock = PTHREAD_MUTEX_INITIALIZER;
static struct fold_slot fold_slots[FOLD_SLOTS];

/* systemd names the stream it gave us as device:inode; a standard error that was redirected since is another one. */
static int is_journal(int fd)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat st;
    if (!stream || sscanf(stream, "%llu:%llu", &device, &inode) != 2 || fstat(fd, &st) != 0)
        return 0;
    return st.st_dev == (dev_t)device && st.st_ino == (ino_t)inode;
}

void log_setup(enum log_level min, enum log_format format, int fd)
{
    atomic_store(&min_level, (int)min);
    atomic_store(&line_format, (int)format);
    atomic_store(&line_fd, fd);
    atomic_store(&in_journal, is_journal(fd));
}

enum log_level log_level_now(void)
{
    return (enum log_level)atomic_load(&min_level);
}

enum log_format log_format_now(void)
{
    return (enum log_format)atomic_load(&line_format);
}

int log_level_parse(const char *name)
{
    for (int i = 0; i < LEVEL_COUNT; i++)
        if (strcmp(levels[i].name, name) == 0)
            return i;
    return -1;
}

static const struct clock_src *current_clock(void)
{
    const struct clock_src *clock = atomic_load(&line_clock);
    return clock ? clock : clock_real();
}

/* A log that cannot be written is lost: there is nobody to tell. */
static void write_line(struct belfry_str line)
{
    int fd = atomic_load(&line_fd);
    int saved = errno;
    ssize_t put;
    do
        put = write(fd, line.ptr, line.len);
    while (put < 0 && errno == EINTR);
    errno = saved;
}

static void emit(enum log_level level, const char *component, const char *message, struct belfry_str pairs,
                 uint32_t repeated)
{
    struct log_line line;
    int journal = atomic_load(&in_journal);
    log_line_begin(&line, (enum log_format)atomic_load(&line_format), journal ? levels[level].journal : "");
    if (!journal) {
        char ts[TIME_TEXT_SIZE];
        time_format(clock_now_ms(current_clock()), ts);
        log_line_pair(&line, STR("ts"), str_of(ts), 0);
    }
    log_line_pair(&line, STR("level"), str_of(levels[level].name), 0);
    log_line_pair(&line, STR("msg"), log_cut(str_of(message), MESSAGE_MAX), 0);
    log_line_pair(&line, STR("component"), str_of(component), 0);
    log_line_pairs(&line, log_cut(pairs, PAIRS_MAX));
    if (repeated > 0) {
        char count[12];
        snprintf(count, sizeof(count), "%u", repeated);
        log_line_pair(&line, STR("repeated"), str_of(count), 1);
    }
    write_line(log_line_end(&line));
    log_line_free(&line);
}

/* --- folding ---------------------------------------------------------------------------------------------------- */

/* now was read before the lock, so the slot may be a little younger than it. */
static int slot_is_over(const struct fold_slot *slot, uint64_t now)
{
    return now > slot->since_ns && now - slot->since_ns >= FOLD_WINDOW_NS;
}

static int slot_is_for(const struct fold_slot *slot, const char *component, const char *message)
{
    return slot->seen > 0 && strncmp(slot->component, component, sizeof(slot->component) - 1) == 0 &&
           strncmp(slot->message, message, sizeof(slot->message) - 1) == 0;
}

/* Takes one slot with something to report whose window is over (any slot when now is UINT64_MAX). */
static int take_report(uint64_t now, struct fold_slot *out)
{
    int found = 0;
    pthread_mutex_lock(&fold_lock);
    for (int i = 0; i < FOLD_SLOTS && !found; i++) {
        struct fold_slot *slot = &fold_slots[i];
        found = slot->seen > FOLD_FREE && (now == UINT64_MAX || slot_is_over(slot, now));
        if (found) {
            *out = *slot;
            slot->seen = 0;
        }
    }
    pthread_mutex_unlock(&fold_lock);
    return found;
}

static void report_all(uint64_t now)
{
    struct fold_slot slot;
    while (take_report(now, &slot))
        emit(slot.level, slot.component, slot.message, (struct belfry_str){0}, slot.seen - FOLD_FREE);
}

/* The slot of a line: its own, else a free one, else the oldest. With the lock held. */
static struct fold_slot *find_slot(const char *component, const char *message)
{
    struct fold_slot *best = &fold_slots[0];
    for (int i = 0; i < FOLD_SLOTS; i++) {
        struct fold_slot *slot = &fold_slots[i];
        if (slot_is_for(slot, component, message))
            return slot;
        if (best->seen > 0 && (slot->seen == 0 || slot->since_ns < best->since_ns))
            best = slot;
    }
    return best;
}

/* Counts a line. Returns 1 when it is to be written; *evicted is a slot that had to go, seen 0 when none had. */
static int admit(enum log_level level, const char *component, const char *message, uint64_t now,
                 struct fold_slot *evicted)
{
    evicted->seen = 0;
    pthread_mutex_lock(&fold_lock);
    struct fold_slot *slot = find_slot(component, message);
    int same = slot_is_for(slot, component, message);
    if (!same || slot_is_over(slot, now)) {
        if (slot->seen > FOLD_FREE)
            *evicted = *slot;
        slot->since_ns = now;
        slot->seen = 0;
        slot->level = level;
        snprintf(slot->component, sizeof(slot->component), "%s", component);
        snprintf(slot->message, sizeof(slot->message), "%s", message);
    }
    int write_it = ++slot->seen <= FOLD_FREE;
    pthread_mutex_unlock(&fold_lock);
    return write_it;
}

void log_flush(void)
{
    report_all(UINT64_MAX);
}

/* Windows of one clock mean nothing to another. */
void log_set_clock(const struct clock_src *clock)
{
    log_flush();
    pthread_mutex_lock(&fold_lock);
    memset(fold_slots, 0, sizeof(fold_slots));
    pthread_mutex_unlock(&fold_lock);
    atomic_store(&line_clock, clock);
}

void log_write(enum log_level level, const char *component, const char *message, const char *pairs, ...)
{
    if ((int)level < atomic_load(&min_level) || (int)level >= LEVEL_COUNT || (int)level < 0)
        return;
    struct fold_slot evicted;
    uint64_t now = clock_mono_ns(current_clock());
    report_all(now);
    int write_it = admit(level, component, message, now, &evicted);
    if (evicted.seen > FOLD_FREE)
        emit(evicted.level, evicted.component, evicted.message, (struct belfry_str){0}, evicted.seen - FOLD_FREE);
    if (!write_it)
        return;
    struct buf text = {0};
    if (pairs) {
        va_list args;
        va_start(args, pairs);
        buf_vaddf(&text, pairs, args);
        va_end(args);
    }
    emit(level, component, message, buf_str(&text), 0);
    buf_free(&text);
}
