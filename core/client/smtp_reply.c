/* SPDX-License-Identifier: Apache-2.0 */
#include "client/smtp_reply.h"

#include <stdio.h>
#include <string.h>

static int digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Up to three digits; returns how many. */
static size_t digits(const char *s)
{
    size_t n = 0;
    while (n < 3 && digit(s[n]))
        n++;
    return n;
}

/* Length of the enhanced code that the text begins with (RFC 2034): its class is that of the code. 0: none. */
static size_t enhanced_length(const char *text, char class)
{
    if ((class != '2' && class != '4' && class != '5') || text[0] != class || text[1] != '.')
        return 0;
    size_t subject = digits(text + 2), dot = 2 + subject;
    if (!subject || text[dot] != '.')
        return 0;
    size_t detail = digits(text + dot + 1), end = dot + 1 + detail;
    return detail && (text[end] == ' ' || text[end] == '\0') ? end : 0;
}

static void add(struct smtp_reply *r, const char *s)
{
    while (*s == ' ')
        s++;
    if (*s && r->text_len && r->text_len < SMTP_TEXT_MAX)
        r->text[r->text_len++] = ' ';
    for (; *s && r->text_len < SMTP_TEXT_MAX; s++)
        r->text[r->text_len++] = *s >= ' ' && *s <= '~' ? *s : '?';
    r->text[r->text_len] = '\0';
}

static enum smtp_read on_line(struct smtp_reply *r)
{
    const char *line = r->line;
    if (digits(line) != 3 || line[0] < '2' || line[0] > '5' || (line[3] && line[3] != ' ' && line[3] != '-'))
        return SMTP_READ_NONSENSE;
    const char *text = line[3] ? line + 4 : line + 3;
    size_t enhanced = enhanced_length(text, line[0]);
    if (enhanced && !r->enhanced[0])
        snprintf(r->enhanced, sizeof(r->enhanced), "%.*s", (int)enhanced, text);
    add(r, text + enhanced);
    if (line[3] == '-')
        return SMTP_READ_LINE;
    r->code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    r->whole = 1;
    return SMTP_READ_WHOLE;
}

enum smtp_read smtp_reply_read(struct smtp_reply *r, const char *data, size_t len, size_t *used)
{
    if (r->whole) {
        r->code = r->whole = 0;
        r->text_len = r->heard = 0;
        r->enhanced[0] = r->text[0] = '\0';
    }
    if (!r->in_line)
        r->line_len = 0;
    const char *lf = memchr(data, '\n', len);
    size_t take = lf ? (size_t)(lf - data) : len;
    for (size_t i = 0; i < take && r->line_len < SMTP_LINE_MAX; i++)
        r->line[r->line_len++] = data[i] ? data[i] : '?';
    *used = take + (lf ? 1 : 0);
    r->in_line = !lf;
    r->heard += *used;
    if (r->heard > SMTP_REPLY_MAX)
        return SMTP_READ_NONSENSE;
    if (!lf)
        return SMTP_READ_MORE;
    if (r->line_len && r->line[r->line_len - 1] == '\r')
        r->line_len--;
    r->line[r->line_len] = '\0';
    return on_line(r);
}
