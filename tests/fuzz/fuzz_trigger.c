/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Triggers from bytes. The first byte chooses the mode and whether a batch is partial. Structured and batch: the rest
 * is the body. Binary: lines "name: value" up to an empty line are headers, what follows is the body.
 *
 * Beyond not crashing: what is accepted has an id, a source and a type, and the kept bytes are the parsed data.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "event/event.h"

#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_HEADERS 16
#define MAX_EVENT 4096
#define MAX_BATCH 8

static void check(const struct trigger_set *set, const struct error *faults)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct belfry_trigger *t = &set->items[i].pub;
        if (faults && faults[i].status != BELFRY_OK)
            continue;
        json_t *kept = json_read(t->data, NULL);
        if (t->id.len == 0 || t->source.len == 0 || t->type.len == 0 || !kept || !json_equal(kept, set->items[i].data))
            abort();
        json_decref(kept);
    }
}

static size_t take_headers(struct belfry_str *rest, struct ce_header *headers)
{
    size_t count = 0;
    while (rest->len > 0 && count < MAX_HEADERS) {
        struct belfry_str line = str_cut(*rest, '\n', rest);
        if (line.len == 0)
            break;
        headers[count].name = str_cut(line, ':', &headers[count].value);
        count++;
    }
    return count;
}

static void partial(struct belfry_str body)
{
    struct error faults[MAX_BATCH] = {0};
    struct trigger_set set;
    if (ce_decode_partial(&set, STR("application/cloudevents-batch+json"), body, MAX_EVENT, MAX_BATCH, 1, faults,
                          NULL) == BELFRY_OK)
        check(&set, faults);
    trigger_set_free(&set);
    for (size_t i = 0; i < MAX_BATCH; i++)
        error_clear(&faults[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = {"application/json", "application/cloudevents+json",
                                        "application/cloudevents-batch+json"};
    if (size == 0)
        return 0;
    struct ce_header headers[MAX_HEADERS];
    struct belfry_str body = str_slice((const char *)data + 1, size - 1);
    struct trigger_set set;
    struct error err = {0};
    unsigned mode = data[0] % 4;
    if (mode == 3) {
        partial(body);
        return 0;
    }
    size_t count = mode == 0 ? take_headers(&body, headers) : 0;
    belfry_status status = ce_decode(&set, headers, count, str_of(types[mode]), body, MAX_EVENT, MAX_BATCH, 1, &err);
    if (status == BELFRY_OK)
        check(&set, NULL);
    else if (err.count == 0 || err.status != status || set.arena)
        abort();
    trigger_set_free(&set);
    error_clear(&err);
    return 0;
}
