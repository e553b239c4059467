/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines in both formats, quoting, folding. The log writes into a datagram socket: one datagram is one write(2). */
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define START INT64_C(1769846709123) /* 2026-01-31T08:05:09.123Z */
#define TS "ts=2026-01-31T08:05:09.123Z "

static int sockets[2];
static struct clock_src *test_clock;
static char line[20000];

static int setup(void **state)
{
    (void)state;
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, sockets) != 0)
        return -1;
    test_clock = clock_virtual_new(START);
    unsetenv("JOURNAL_STREAM");
    log_set_clock(test_clock);
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT, sockets[1]);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    log_flush();
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT, STDERR_FILENO);
    log_set_clock(NULL);
    clock_free(test_clock);
    close(sockets[0]);
    close(sockets[1]);
    return 0;
}

/* The next line without its newline, NULL when there is none. */
static const char *next_line(void)
{
    ssize_t len = recv(sockets[0], line, sizeof(line) - 1, 0);
    if (len <= 0)
        return NULL;
    line[len] = '\0';
    if (line[len - 1] != '\n' || strchr(line, '\n') != line + len - 1)
        fail_msg("not one line: %s", line);
    line[len - 1] = '\0';
    return line;
}

static int count_lines(void)
{
    int count = 0;
    while (next_line())
        count++;
    return count;
}

static void writes_logfmt(void **state)
{
    (void)state;
    log_warn("webhook", "delivery failed, retrying", "delivery=%s status=%d next=%s", "d-1", 500, "1m");
    assert_string_equal(next_line(), TS "level=warn msg=\"delivery failed, retrying\" component=webhook delivery=d-1 "
                                        "status=500 next=1m");
    log_error("hub", "stopping", NULL);
    assert_string_equal(next_line(), TS "level=error msg=stopping component=hub");
    log_info("hub", "", "a= b=\"\" c");
    assert_string_equal(next_line(), TS "level=info msg=\"\" component=hub a=\"\" b=\"\" c=\"\"");
    log_info("hub", "numbers", "a=1 b=-2.5 c=\"1\" d=1.2.3 e=007");
    assert_string_equal(next_line(), TS "level=info msg=numbers component=hub a=1 b=-2.5 c=\"1\" d=1.2.3 e=007");
    assert_null(next_line());
}

static void writes_json(void **state)
{
    (void)state;
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_JSON, sockets[1]);
    log_warn("webhook", "delivery \"failed\"", "delivery=%s status=%d id=%s why=%s share=0.25 v=1.2.3 z=007", "d-1",
             500, log_quote("42", 2), log_quote("no\nroute = \"x\"", 14));
    assert_string_equal(next_line(), "{\"ts\":\"2026-01-31T08:05:09.123Z\",\"level\":\"warn\",\"msg\":\"delivery "
                                     "\\\"failed\\\"\",\"component\":\"webhook\",\"delivery\":\"d-1\",\"status\":500,"
                                     "\"id\":\"42\",\"why\":\"no\\nroute = \\\"x\\\"\",\"share\":0.25,\"v\":\"1.2.3\","
                                     "\"z\":\"007\"}");
}

/* Whatever a caller passes, the outcome is one line that a JSON reader takes. */
static void no_value_breaks_a_line(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "a=b\nlevel=error",
        "a=\"unclosed",
        "a=\"x\\",
        "a=\"x\\u12",
        "a=\"x\\ud83d\"",
        "=",
        "==",
        "a==b",
        "\"a\"=b",
        "a=\xff\xfe",
        "a=\"\xff\"",
        "a=\x1b[31m",
        "\xff=1",
        "a=\"b\"c",
        "   ",
        "a=- b=. c=1. d=.5 e=-.5 f=1e5 g=0x1",
        "a=00 b=0 c=-0 d=--1 e=1- f=18446744073709551616 g=123456789012345678901234567890",
        "a=\"\\u0000\\u001b\\q\"",
        "a=\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\n=\n",
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct error err = {0};
        log_setup(LOG_LEVEL_INFO, LOG_FORMAT_JSON, sockets[1]);
        log_info("fuzz", rows[i], "%s", rows[i]);
        const char *text = next_line();
        assert_non_null(text);
        json_t *value = json_read(str_of(text), &err);
        /* A key may come twice when the caller wrote it twice, or as msg; that is all that a strict reader may mind. */
        if (!value && !strstr(error_text(&err), "duplicate"))
            fail_msg("row %zu: %s: %s", i, error_text(&err), text);
        json_decref(value);
        error_clear(&err);
        log_setup(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT, sockets[1]);
        log_info("fuzz", rows[i], "%s", rows[i]);
        text = next_line();
        assert_non_null(text);
        assert_true(str_utf8_valid(str_of(text)));
        for (const char *p = text; *p; p++)
            assert_true((unsigned char)*p >= ' ' && *p != 0x7f);
    }
    log_info("fuzz", "escapes", "a=\"\\\"\\\\\\/\\n\\u001b\"");
    assert_string_equal(next_line(), TS "level=info msg=escapes component=fuzz a=\"\\\"\\\\/\\n\\u001b\"");
}

static void long_lines_are_cut(void **state)
{
    (void)state;
    static char big[40001];
    for (size_t i = 0; i + 1 < sizeof(big); i++)
        big[i] = i % 2 ? '\xa4' : '\xc3';
    for (int format = LOG_FORMAT_LOGFMT; format <= LOG_FORMAT_JSON; format++) {
        log_setup(LOG_LEVEL_INFO, (enum log_format)format, sockets[1]);
        log_info("hub", big, "x=%s", big);
        const char *text = next_line();
        assert_non_null(text);
        assert_true(strlen(text) < 12000);
        assert_true(strlen(text) > 9000);
        assert_true(str_utf8_valid(str_of(text)));
    }
    assert_true(strlen(log_quote(big, 40000)) <= 1000);
    memset(big, '\x01', 40000);
    const char *quoted = log_quote(big, 40000);
    assert_true(strlen(quoted) <= 1000 && strlen(quoted) > 950);
    assert_int_equal(quoted[strlen(quoted) - 1], '"');
}

static void quotes_when_needed(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        size_t len;
        const char *want;
    } rows[] = {
        {"plain", 5, "plain"},
        {"a/b:c,d", 7, "a/b:c,d"},
        {"\xc3\xa4", 2, "\xc3\xa4"},
        {"", 0, "\"\""},
        {"a b", 3, "\"a b\""},
        {"a=b", 3, "\"a=b\""},
        {"a\"b", 3, "\"a\\\"b\""},
        {"a\\b", 3, "\"a\\\\b\""},
        {"a\tb", 3, "\"a\\tb\""},
        {"a\0b", 3, "\"a\\u0000b\""},
        {"\x7f", 1, "\"\\u007f\""},
        {"\xff", 1, "\"\xef\xbf\xbd\""},
        {"42", 2, "\"42\""},
        {"-1.5", 4, "\"-1.5\""},
        {"007", 3, "007"},
        {"1.2.3", 5, "1.2.3"},
        {"v1", 2, "v1"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_string_equal(log_quote(rows[i].value, rows[i].len), rows[i].want);
    assert_string_equal(log_quote(NULL, 0), "\"\"");
    const char *kept[8];
    for (int i = 0; i < 8; i++)
        kept[i] = log_quote("abcdefgh" + i, 1);
    for (int i = 0; i < 8; i++)
        assert_int_equal(kept[i][0], 'a' + i);
}

static void levels_are_filtered(void **state)
{
    (void)state;
    static const char *const names[] = {"debug", "info", "warn", "error"};
    for (int min = 0; min < 4; min++) {
        log_setup((enum log_level)min, LOG_FORMAT_LOGFMT, sockets[1]);
        assert_int_equal(log_level_now(), min);
        assert_int_equal(log_level_parse(names[min]), min);
        log_debug("levels", names[min], NULL);
        log_info("levels", names[min], NULL);
        log_warn("levels", names[min], NULL);
        log_error("levels", names[min], NULL);
        assert_int_equal(count_lines(), 4 - min);
    }
    assert_int_equal(log_level_parse("warning"), -1);
    assert_int_equal(log_level_parse(""), -1);
    log_write((enum log_level)9, "levels", "no such level", NULL);
    assert_int_equal(count_lines(), 0);
}

static void repeats_are_folded(void **state)
{
    (void)state;
    for (int i = 0; i < 25; i++)
        log_warn("fold", "sink is down", "n=%d", i);
    assert_int_equal(count_lines(), 10);
    log_warn("fold", "another line", NULL);
    log_warn("fold2", "sink is down", NULL);
    assert_int_equal(count_lines(), 2);
    clock_advance(test_clock, 9999);
    log_warn("fold", "sink is down", NULL);
    assert_int_equal(count_lines(), 0);
    clock_advance(test_clock, 1);
    /* The window is over: the count comes first, then the line that found it so. */
    log_warn("fold", "sink is down", "n=26");
    assert_string_equal(next_line(),
                        "ts=2026-01-31T08:05:19.123Z level=warn msg=\"sink is down\" component=fold repeated=16");
    assert_string_equal(next_line(), "ts=2026-01-31T08:05:19.123Z level=warn msg=\"sink is down\" component=fold n=26");
    assert_null(next_line());
}

static void any_line_or_a_flush_reports_what_was_folded(void **state)
{
    (void)state;
    for (int i = 0; i < 12; i++)
        log_info("fold", "quiet later", NULL);
    assert_int_equal(count_lines(), 10);
    clock_advance(test_clock, 20000);
    log_info("fold", "something else", NULL);
    assert_non_null(strstr(next_line(), "msg=\"quiet later\" component=fold repeated=2"));
    assert_non_null(strstr(next_line(), "something else"));
    for (int i = 0; i < 13; i++)
        log_info("fold", "at exit", NULL);
    assert_int_equal(count_lines(), 10);
    log_flush();
    assert_non_null(strstr(next_line(), "msg=\"at exit\" component=fold repeated=3"));
    log_flush();
    assert_null(next_line());
    /* A step back of the wall clock neither hangs nor reopens a window. */
    for (int i = 0; i < 11; i++)
        log_info("fold", "back", NULL);
    clock_set(test_clock, START - 1000000);
    log_info("fold", "back", NULL);
    assert_int_equal(count_lines(), 10);
}

static void a_slot_that_goes_is_reported(void **state)
{
    (void)state;
    for (int i = 0; i < 15; i++)
        log_info("evict", "the first", NULL);
    assert_int_equal(count_lines(), 10);
    clock_advance(test_clock, 1);
    int reported = 0;
    for (int i = 0; i < 300; i++) {
        char message[20];
        snprintf(message, sizeof(message), "line %d", i);
        log_info("evict", message, NULL);
        const char *text;
        while ((text = next_line()) != NULL)
            reported += strstr(text, "msg=\"the first\" component=evict repeated=5") != NULL;
    }
    assert_int_equal(reported, 1);
}

static void the_journal_gets_priorities_and_no_time(void **state)
{
    (void)state;
    struct stat st;
    char stream[64];
    assert_int_equal(fstat(sockets[1], &st), 0);
    snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_setup(LOG_LEVEL_DEBUG, LOG_FORMAT_LOGFMT, sockets[1]);
    log_debug("j", "d", NULL);
    assert_string_equal(next_line(), "<7>level=debug msg=d component=j");
    log_info("j", "i", NULL);
    assert_string_equal(next_line(), "<6>level=info msg=i component=j");
    log_warn("j", "w", NULL);
    assert_string_equal(next_line(), "<4>level=warn msg=w component=j");
    log_setup(LOG_LEVEL_DEBUG, LOG_FORMAT_JSON, sockets[1]);
    log_error("j", "e", "a=1");
    assert_string_equal(next_line(), "<3>{\"level\":\"error\",\"msg\":\"e\",\"component\":\"j\",\"a\":1}");
    /* Inherited, but this descriptor is another stream. */
    char other_inode[64];
    snprintf(other_inode, sizeof(other_inode), "%llu:%llu", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino + 1);
    const char *const others[] = {other_inode, "1:1", "", "junk", "5"};
    for (size_t i = 0; i < COUNT(others); i++) {
        setenv("JOURNAL_STREAM", others[i], 1);
        log_setup(LOG_LEVEL_DEBUG, LOG_FORMAT_LOGFMT, sockets[1]);
        log_info("j", others[i], NULL);
        assert_memory_equal(next_line(), "ts=", 3);
    }
    unsetenv("JOURNAL_STREAM");
}

static void *log_much(void *arg)
{
    for (int i = 0; i < 300; i++) {
        char message[32];
        snprintf(message, sizeof(message), "thread %d line %d", *(int *)arg, i % 10);
        log_info("threads", message, "q=%s", log_quote("a b", 3));
        log_info("threads", "the same of all", NULL);
    }
    return NULL;
}

/* Into a file, which neither blocks nor drops. */
static void threads_share_the_log(void **state)
{
    (void)state;
    int numbers[4] = {0, 1, 2, 3}, lines = 0, same = 0, repeated = 0;
    FILE *file = tmpfile();
    assert_non_null(file);
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT, fileno(file));
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, log_much, &numbers[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    log_flush();
    rewind(file);
    while (fgets(line, sizeof(line), file)) {
        assert_memory_equal(line, TS, sizeof(TS) - 1);
        char *count = strstr(line, "repeated=");
        lines += !count;
        same += !count && strstr(line, "the same of all");
        repeated += count ? atoi(count + 9) : 0;
    }
    fclose(file);
    /* 4 x 600 lines went in; 41 different ones, ten of each at once. */
    assert_int_equal(same, 10);
    assert_int_equal(lines, 410);
    assert_int_equal(lines + repeated, 2400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(writes_logfmt, setup, teardown),
        cmocka_unit_test_setup_teardown(writes_json, setup, teardown),
        cmocka_unit_test_setup_teardown(no_value_breaks_a_line, setup, teardown),
        cmocka_unit_test_setup_teardown(long_lines_are_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(quotes_when_needed, setup, teardown),
        cmocka_unit_test_setup_teardown(levels_are_filtered, setup, teardown),
        cmocka_unit_test_setup_teardown(repeats_are_folded, setup, teardown),
        cmocka_unit_test_setup_teardown(any_line_or_a_flush_reports_what_was_folded, setup, teardown),
        cmocka_unit_test_setup_teardown(a_slot_that_goes_is_reported, setup, teardown),
        cmocka_unit_test_setup_teardown(the_journal_gets_priorities_and_no_time, setup, teardown),
        cmocka_unit_test_setup_teardown(threads_share_the_log, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
