/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes back by mail, from bytes. Whatever they are, only a delivery that the key of the corpus signed is ever
 * named, only where there is a report is there something to judge, and what is said of it is one clean line.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/email/bounce.h"
#include "../../plugins/email/unsubscribe_form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t key[32] = {1, 2, 3};

static void require(int holds)
{
    if (!holds)
        abort();
}

static void check_line(const char *text, size_t size)
{
    require(memchr(text, 0, size) != NULL);
    for (; *text; text++)
        require(*text >= ' ' && *text <= '~');
}

static void check(const struct bounce *bounce)
{
    const struct bounce_recipient *about;
    char detail[BOUNCE_DETAIL_SIZE];
    require(!bounce->delivery[0] || strcmp(bounce->delivery, "01939f4c-8a2b-7c3d-9e4f-5a6b7c8d9e0f") == 0);
    require(bounce->recipient_count == 0 || bounce->kind == BOUNCE_REPORT);
    require(bounce->complaint == BOUNCE_NO_COMPLAINT || bounce->kind == BOUNCE_COMPLAINT);
    require(bounce->kind != BOUNCE_UNSUBSCRIBE || bounce->delivery[0]);
    for (size_t i = 0; i < bounce->recipient_count; i++) {
        check_line(bounce->recipients[i].final, sizeof(bounce->recipients[i].final));
        check_line(bounce->recipients[i].original, sizeof(bounce->recipients[i].original));
        check_line(bounce->recipients[i].status, sizeof(bounce->recipients[i].status));
        check_line(bounce->recipients[i].diagnostic, sizeof(bounce->recipients[i].diagnostic));
        bounce_describe(&bounce->recipients[i], detail);
        check_line(detail, sizeof(detail));
    }
    enum bounce_verdict verdict = bounce_judge(bounce, belfry_str("jane@acme.example"), &about);
    require((verdict == BOUNCE_IGNORED) == (about == NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int started;
    struct bounce bounce;
    const struct belfry_str bytes = {(const char *)data, size};
    if (!started++)
        bounce_start();
    bounce_read(key, belfry_str(""), bytes, &bounce);
    check(&bounce);
    unsubscribe_form_has(belfry_str("multipart/form-data; boundary=b1"), bytes, "List-Unsubscribe", "One-Click");
    return 0;
}
