/* SPDX-License-Identifier: Apache-2.0 */
/* Delivery status notifications (RFC 3464): what they say of each recipient, and what that means for an address. */
#include "bounce_status.h"

#include "bounce_scan.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define FIELDS_MAX 200 /* of a block */

/* --- reading ------------------------------------------------------------------------------------------------------ */

static void copy_address(struct belfry_str value, char out[ADDRESS_MAX + 1])
{
    struct belfry_str address = scan_behind(value, ';'); /* "rfc822; jane@example.org" */
    if (address.len && address.ptr[0] == '<' && address.ptr[address.len - 1] == '>')
        address = scan_trim((struct belfry_str){address.ptr + 1, address.len < 2 ? 0 : address.len - 2});
    scan_copy(address.len <= ADDRESS_MAX ? address : (struct belfry_str){"", 0}, out, ADDRESS_MAX + 1);
}

static enum bounce_action action_of(struct belfry_str value)
{
    static const struct {
        const char *word;
        enum bounce_action action;
    } words[] = {{"failed", BOUNCE_FAILED},
                 {"delayed", BOUNCE_DELAYED},
                 {"delivered", BOUNCE_DELIVERED},
                 {"relayed", BOUNCE_RELAYED},
                 {"expanded", BOUNCE_EXPANDED}};
    struct belfry_str word = scan_before(scan_before(value, '('), ' ');
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (scan_is(word, words[i].word))
            return words[i].action;
    return BOUNCE_OTHER;
}

/* Where it ends, four numbers are an address, "5.1.20.3", and no status. */
static int goes_on(struct belfry_str text, size_t n)
{
    size_t at = n + (n < text.len && text.ptr[n] == '.');
    return at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9';
}

/* "5.1.1", also in the midst of a server's reply: class 2, 4 or 5, then two numbers of up to three digits. */
static int find_status(struct belfry_str text, char out[12])
{
    for (size_t i = 0; i + 5 <= text.len; i++) {
        size_t n = i + 1, dots = 0, digits = 0;
        if (!strchr("245", text.ptr[i]) || !text.ptr[i] || (i && strchr("0123456789.", text.ptr[i - 1])))
            continue;
        for (; n < text.len && n - i < 9; n++) {
            char c = text.ptr[n];
            if (c == '.' && dots < 2 && (digits || !dots))
                dots++, digits = 0;
            else if (c >= '0' && c <= '9' && dots && digits < 3)
                digits++;
            else
                break;
        }
        if (dots == 2 && digits && !goes_on(text, n)) {
            memcpy(out, text.ptr + i, n - i);
            out[n - i] = 0;
            return 1;
        }
    }
    return 0;
}

static void read_recipient_field(struct belfry_str name, struct belfry_str value, struct bounce_recipient *r)
{
    if (scan_is(name, "Final-Recipient"))
        copy_address(value, r->final);
    else if (scan_is(name, "Original-Recipient"))
        copy_address(value, r->original);
    else if (scan_is(name, "Action"))
        r->action = action_of(value);
    else if (scan_is(name, "Status"))
        find_status(value, r->status);
    else if (scan_is(name, "Diagnostic-Code"))
        scan_copy(scan_behind(value, ';'), r->diagnostic, sizeof(r->diagnostic));
}

/* Some servers say 5.0.0 for everything and mean what the reply says: "550 5.1.1 User unknown". */
static void refine_status(struct bounce_recipient *r)
{
    char better[12];
    size_t len = strlen(r->status);
    int vague = len < 4 || strcmp(r->status + 1, ".0.0") == 0;
    if (vague && find_status((struct belfry_str){r->diagnostic, strlen(r->diagnostic)}, better))
        memcpy(r->status, better, sizeof(better));
}

/* Blocks of fields: the first is about the message, each further one about a recipient. */
void bounce_status(struct belfry_str text, struct bounce *out)
{
    struct belfry_str name, value;
    while (text.len && out->recipient_count < BOUNCE_RECIPIENTS_MAX) {
        struct bounce_recipient r = {0};
        int about_recipient = 0, fields = 0;
        while (scan_field(&text, &name, &value) && fields++ < FIELDS_MAX) {
            about_recipient |=
                scan_is(name, "Final-Recipient") || scan_is(name, "Action") || scan_is(name, "Original-Recipient");
            read_recipient_field(name, value, &r);
        }
        refine_status(&r);
        if (about_recipient)
            out->recipients[out->recipient_count++] = r;
    }
}

/* --- what a report means ------------------------------------------------------------------------------------------ */

static int same_address(const char *a, struct belfry_str b)
{
    return b.len && strlen(a) == b.len && strncasecmp(a, b.ptr, b.len) == 0;
}

static enum bounce_verdict verdict_of(const struct bounce_recipient *r, struct belfry_str address)
{
    static const struct {
        const char *status;
        enum bounce_verdict verdict;
    } table[] = {{"5.1.7", BOUNCE_POLICY}, /* our address is what is wrong */
                 {"5.1.8", BOUNCE_POLICY}, {"5.1.", BOUNCE_HARD},
                 {"5.7.", BOUNCE_POLICY},  {"5.3.4", BOUNCE_POLICY}, /* this mail is too large */
                 {"5.2.3", BOUNCE_POLICY}};
    if (r->action != BOUNCE_FAILED)
        return BOUNCE_IGNORED;
    int named = r->final[0] || r->original[0];
    int ours = !named || same_address(r->final, address) || same_address(r->original, address);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const char *status = table[i].status;
        size_t len = strlen(status);
        if (strncmp(r->status, status, len) != 0 || (status[len - 1] != '.' && r->status[len]))
            continue;
        /* An address that ours forwards to is gone; ours may have others. */
        return table[i].verdict == BOUNCE_HARD && !ours ? BOUNCE_SOFT : table[i].verdict;
    }
    return BOUNCE_SOFT;
}

void bounce_describe(const struct bounce_recipient *about, char detail[BOUNCE_DETAIL_SIZE])
{
    const char *text = about->diagnostic[0] ? about->diagnostic : "no reason given";
    int says = about->status[0] && !strstr(text, about->status);
    char line[BOUNCE_DETAIL_SIZE + 16];
    snprintf(line, sizeof(line), "%s%s%s", says ? about->status : "", says ? " " : "", text);
    scan_copy((struct belfry_str){line, strlen(line)}, detail, BOUNCE_DETAIL_SIZE);
}

enum bounce_verdict bounce_judge(const struct bounce *bounce, struct belfry_str address,
                                 const struct bounce_recipient **about)
{
    static const int weight[] = {[BOUNCE_IGNORED] = 0, [BOUNCE_POLICY] = 1, [BOUNCE_SOFT] = 2, [BOUNCE_HARD] = 3};
    enum bounce_verdict worst = BOUNCE_IGNORED;
    *about = NULL;
    for (size_t i = 0; i < bounce->recipient_count; i++) {
        enum bounce_verdict verdict = verdict_of(&bounce->recipients[i], address);
        if (weight[verdict] <= weight[worst])
            continue;
        worst = verdict;
        *about = &bounce->recipients[i];
    }
    return worst;
}
