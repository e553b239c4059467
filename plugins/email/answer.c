/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the answer fell decides first: up to AUTH it is about the server, whatever it says; from MAIL FROM on it is
 * about the mail; once the final dot went out without a reply nobody knows. Among replies to the mail an enhanced code
 * (RFC 3463) says more than the plain one, so it is looked up before it.
 */
#include "answer.h"

#include <stdlib.h>
#include <string.h>

/* Enhanced codes that mean more than their class. class 0: 4 and 5 alike; subjects and details as in RFC 3463. */
static const struct {
    unsigned class, subject, from, to; /* details, both included */
    struct answer means;
} enhanced_codes[] = {
    /* No such mailbox, no such domain, a domain without mail: nobody will ever get anything there. */
    {5, 1, 1, 2, {BELFRY_REJECTED, BELFRY_ADDRESS_BOUNCED, SERVER_WORKS, DOMAIN_WORKS, 0}},
    {5, 1, 10, 10, {BELFRY_REJECTED, BELFRY_ADDRESS_BOUNCED, SERVER_WORKS, DOMAIN_WORKS, 0}},
    /* A full mailbox is somebody's, who may come back. */
    {4, 2, 2, 2, {BELFRY_RETRY, BELFRY_ADDRESS_SOFT, SERVER_WORKS, DOMAIN_UNKNOWN, 0}},
    {5, 2, 2, 2, {BELFRY_REJECTED, BELFRY_ADDRESS_SOFT, SERVER_WORKS, DOMAIN_WORKS, 0}},
    /* More mail than it wants. */
    {4, 2, 1, 1, {BELFRY_RETRY, 0, SERVER_WORKS, DOMAIN_SLOW, 0}},
    {4, 7, 28, 28, {BELFRY_RETRY, 0, SERVER_WORKS, DOMAIN_SLOW, 0}},
    /* Who sends is not believed: failed SPF, DKIM, DMARC, reverse DNS, TLS (RFC 7372 and what Google made of its
     * numbers), Microsoft's lists. The next mail would fare no better, and it goes when that was mended. */
    {0, 7, 20, 32, {BELFRY_RETRY, 0, SERVER_WORKS, DOMAIN_POLICY, 0}},
    {5, 7, 509, 509, {BELFRY_RETRY, 0, SERVER_WORKS, DOMAIN_POLICY, 0}},
    {5, 7, 515, 515, {BELFRY_RETRY, 0, SERVER_WORKS, DOMAIN_POLICY, 0}},
    {5, 7, 606, 649, {BELFRY_RETRY, 0, SERVER_WORKS, DOMAIN_POLICY, 0}},
    {5, 7, 708, 708, {BELFRY_RETRY, 0, SERVER_WORKS, DOMAIN_POLICY, 0}},
    /* Larger than it takes. */
    {5, 3, 4, 4, {BELFRY_REJECTED, 0, SERVER_WORKS, DOMAIN_WORKS, 0}},
};

static const struct answer down = {BELFRY_UNAVAILABLE, 0, SERVER_DOWN, DOMAIN_UNKNOWN, 1};
static const struct answer misconfigured = {BELFRY_UNAVAILABLE, 0, SERVER_MISCONFIGURED, DOMAIN_UNKNOWN, 1};
static const struct answer suspect = {BELFRY_RETRY, 0, SERVER_SUSPECT, DOMAIN_UNKNOWN, 1};
static const struct answer unknown = {BELFRY_UNKNOWN, 0, SERVER_UNKNOWN, DOMAIN_UNKNOWN, 0};
static const struct answer rejected = {BELFRY_REJECTED, 0, SERVER_UNKNOWN, DOMAIN_UNKNOWN, 0};

struct enhanced {
    unsigned class, subject, detail;
};

/* "5.7.515"; all 0 when there is none. */
static struct enhanced enhanced_read(struct belfry_str text)
{
    struct enhanced code = {0};
    unsigned *const parts[] = {&code.class, &code.subject, &code.detail};
    size_t part = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '.' && part < 2)
            part++;
        else if (text.ptr[i] >= '0' && text.ptr[i] <= '9' && *parts[part] < 1000)
            *parts[part] = *parts[part] * 10 + (unsigned)(text.ptr[i] - '0');
        else
            return (struct enhanced){0};
    }
    return part == 2 ? code : (struct enhanced){0};
}

/* The server says that it, not the mail, is at fault. */
static int is_about_server(const struct belfry_smtp_answer *answer, struct enhanced code)
{
    if (answer->code == 421) /* it hangs up; with a reason of policy (4.7.x) or the mailbox's (4.2.x) it is the mail */
        return code.class == 0 || code.subject == 0 || code.subject == 3 || code.subject == 4;
    return 0;
}

/* It wants AUTH or TLS first (RFC 4954 section 6). */
static int wants_more(const struct belfry_smtp_answer *answer)
{
    return answer->stage == BELFRY_SMTP_STAGE_ENVELOPE &&
           (answer->code == 530 || answer->code == 534 || answer->code == 538);
}

static struct answer judge_reply(const struct belfry_smtp_answer *answer)
{
    struct enhanced code = enhanced_read(answer->enhanced);
    int before_content = answer->stage < BELFRY_SMTP_STAGE_CONTENT;
    if (answer->stage <= BELFRY_SMTP_STAGE_AUTH)
        return down;
    if (wants_more(answer))
        return misconfigured;
    if (is_about_server(answer, code)) {
        struct answer closing = down;
        closing.elsewhere = before_content;
        closing.outcome = before_content ? BELFRY_UNAVAILABLE : BELFRY_RETRY;
        return closing;
    }
    for (size_t i = 0; i < sizeof(enhanced_codes) / sizeof(enhanced_codes[0]); i++) {
        unsigned class = enhanced_codes[i].class;
        if ((class ? class == code.class : code.class >= 4) && enhanced_codes[i].subject == code.subject &&
            code.detail >= enhanced_codes[i].from && code.detail <= enhanced_codes[i].to)
            return enhanced_codes[i].means;
    }
    if (answer->code >= 500 && answer->code <= 599)
        return (struct answer){BELFRY_REJECTED, 0, SERVER_WORKS, DOMAIN_WORKS, 0};
    return (struct answer){BELFRY_RETRY, 0, SERVER_WORKS, DOMAIN_TRANSIENT, 0};
}

/* The connection broke, or nothing came in time. */
static struct answer judge_silence(const struct belfry_smtp_answer *answer)
{
    if (answer->stage >= BELFRY_SMTP_STAGE_END)
        return unknown;
    return answer->stage <= BELFRY_SMTP_STAGE_AUTH ? down : suspect;
}

struct answer answer_judge(const struct belfry_smtp_answer *answer)
{
    switch (answer->error) {
    case BELFRY_SMTP_ERR_NONE:
        return (struct answer){BELFRY_DELIVERED, 0, SERVER_WORKS, DOMAIN_WORKS, 0};
    case BELFRY_SMTP_ERR_REPLY:
        return judge_reply(answer);
    case BELFRY_SMTP_ERR_DNS:
    case BELFRY_SMTP_ERR_CONNECT:
        return down;
    case BELFRY_SMTP_ERR_LOST:
    case BELFRY_SMTP_ERR_TIMEOUT:
        return judge_silence(answer);
    case BELFRY_SMTP_ERR_AUTH:
        return answer->code >= 400 && answer->code <= 499 ? down : misconfigured;
    case BELFRY_SMTP_ERR_TLS:
    case BELFRY_SMTP_ERR_URL:
        return misconfigured;
    case BELFRY_SMTP_ERR_ADDRESS:
    case BELFRY_SMTP_ERR_MESSAGE:
        return rejected;
    case BELFRY_SMTP_ERR_CANCELED: { /* the time was over, or the hub stops: not another server now */
        struct answer canceled = judge_silence(answer);
        canceled.outcome = canceled.outcome == BELFRY_UNKNOWN ? BELFRY_UNKNOWN : BELFRY_RETRY;
        int had_no_turn = answer->elapsed_us == 0; /* it waited behind others for a connection */
        canceled.server = canceled.outcome == BELFRY_UNKNOWN || had_no_turn ? SERVER_UNKNOWN : SERVER_SUSPECT;
        canceled.elsewhere = 0;
        return canceled;
    }
    default: /* of a newer host: it has the text, and the mail goes once more */
        return answer->stage >= BELFRY_SMTP_STAGE_END ? unknown : suspect;
    }
}
