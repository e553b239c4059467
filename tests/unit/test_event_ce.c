/* SPDX-License-Identifier: Apache-2.0 */
/* CloudEvents in all three modes: what is taken, what is refused and where the fault is said to be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "event/event.h"
#include "event/raw.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NOW INT64_C(1700000000000)
#define STRUCTURED "application/cloudevents+json"
#define BATCH "application/cloudevents-batch+json"
#define MAX_HEADERS 8

/* --- rows of input and expectation --- */

struct ce_row {
    const char *name, *content_type;
    const char *headers[MAX_HEADERS]; /* "ce-id: 1" */
    const char *body;
    belfry_status status;
    const char *faults; /* "pointer pointer ..." of a refusal; of an accepted one "id|source|type|subject|time|data" */
};

#define OK4 "ce-specversion: 1.0", "ce-id: 1", "ce-source: /crm", "ce-type: t"

static const struct ce_row ce_rows[] = {
    {"binary", "application/json", {OK4}, "{\"a\": 1}", BELFRY_OK, "1|/crm|t||0|{\"a\": 1}"},
    {"binary with all",
     "application/json; charset=utf-8",
     {OK4, "ce-subject: s", "ce-time: 2026-01-31T08:05:09Z"},
     "[]",
     BELFRY_OK,
     "1|/crm|t|s|1769846709000|[]"},
    {"binary, no body, no type", "", {OK4}, "", BELFRY_OK, "1|/crm|t||0|null"},
    {"binary, +json", "Application/Vnd.X+JSON", {OK4}, "\"x\"", BELFRY_OK, "1|/crm|t||0|\"x\""},
    {"binary, unknown extension, foreign header",
     "application/json",
     {OK4, "ce-traceparent: 00-%ff", "x-id: 9"},
     "1",
     BELFRY_OK,
     "1|/crm|t||0|1"},
    {"binary, ce-datacontenttype counts for nothing",
     "application/json",
     {OK4, "ce-datacontenttype: text/plain"},
     "1",
     BELFRY_OK,
     "1|/crm|t||0|1"},
    {"percent-decoded once",
     "application/json",
     {"ce-specversion: 1.0", "ce-id: Euro%20%E2%82%AC%20%F0%9F%98%80", "ce-source: %2525", "ce-type: %61b"},
     "1",
     BELFRY_OK,
     "Euro \xe2\x82\xac \xf0\x9f\x98\x80|%25|ab||0|1"},
    {"lower-case digits, needless escapes, bare percent",
     "application/json",
     {"ce-specversion: 1.0", "ce-id: %c3%bc%41", "ce-source: 100%", "ce-type: %zz%4"},
     "1",
     BELFRY_OK,
     "\xc3\xbc"
     "A|100%|%zz%4||0|1"},
    {"quoted, with blanks around",
     "application/json",
     {"ce-specversion:   1.0 ", "ce-id: \"a \\\"b\\\\%22\"", "ce-source: \"", "ce-type: \"\\\""},
     "1",
     BELFRY_OK,
     "a \"b\\\"|\"|\\||0|1"},
    {"raw UTF-8, as the npm SDK sends it",
     "application/json",
     {"ce-specversion: 1.0", "ce-id: \xe2\x82\xac", "ce-source: s", "ce-type: t"},
     "1",
     BELFRY_OK,
     "\xe2\x82\xac|s|t||0|1"},
    {"escaped bytes that are not UTF-8",
     "application/json",
     {"ce-specversion: 1.0", "ce-id: %C0%A0", "ce-source: s", "ce-type: %ff"},
     "1",
     BELFRY_EINVAL,
     "/id /type"},
    {"raw bytes that are not UTF-8",
     "application/json",
     {"ce-specversion: 1.0", "ce-id: \xff", "ce-source: s", "ce-type: t"},
     "1",
     BELFRY_EINVAL,
     "/id"},
    {"escaped control characters",
     "application/json",
     {"ce-specversion: 1.0", "ce-id: a%0Ab", "ce-source: a%00", "ce-type: %C2%85", "ce-subject: %7f"},
     "1",
     BELFRY_EINVAL,
     "/id /source /type /subject"},
    {"no ce headers", "application/json", {NULL}, "{}", BELFRY_EINVAL, "/specversion /id /source /type"},
    {"one is missing",
     "application/json",
     {"ce-specversion: 1.0", "ce-id: 1", "ce-type: t"},
     "1",
     BELFRY_EINVAL,
     "/source"},
    {"given twice", "application/json", {OK4, "ce-id: 2", "ce-id: 3"}, "1", BELFRY_EINVAL, "/id"},
    {"another version",
     "application/json",
     {"ce-specversion: 0.3", "ce-id: 1", "ce-source: s", "ce-type: t"},
     "1",
     BELFRY_EINVAL,
     "/specversion"},
    {"empty required, bad time",
     "",
     {"ce-specversion: 1.0", "ce-id:", "ce-source: s", "ce-type: t", "ce-time: today"},
     "1",
     BELFRY_EINVAL,
     "/id /time"},
    {"binary data is no JSON", "application/json", {OK4}, "{", BELFRY_EINVAL, "/data"},
    {"binary data has duplicate keys", "application/json", {OK4}, "{\"a\":1,\"a\":2}", BELFRY_EINVAL, "/data"},
    {"binary text", "text/plain", {OK4}, "x", BELFRY_EUNSUPPORTED, ""},
    {"a form", "application/x-www-form-urlencoded", {NULL}, "a=b", BELFRY_EUNSUPPORTED, ""},
    {"binary too large",
     "application/json",
     {OK4},
     "\"0123456789012345678901234567890123456789012345678901234567890"
     "12345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"
     "1234567890123456789012345678901234567890\"",
     BELFRY_ELIMIT,
     ""},

    {"structured",
     STRUCTURED,
     {NULL},
     "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\",\"data\":{ \"a\" : [1] } }",
     BELFRY_OK,
     "1|s|t||0|{ \"a\" : [1] }"},
    {"structured wins over headers",
     "APPLICATION/CloudEvents+json ; charset=UTF-8",
     {OK4},
     "{\"specversion\":\"1.0\",\"id\":\"2\",\"source\":\"s\",\"type\":\"t\"}",
     BELFRY_OK,
     "2|s|t||0|null"},
    {"data first, and one that only looks like it",
     STRUCTURED,
     {NULL},
     " { \"x\":{\"data\":1,\"s\":\"}\\\"\"} , \"d\\u0061ta\" : \"a\\\"}\" ,\"specversion\":\"1.0\",\"id\":\"1\","
     "\"source\":\"s\",\"type\":\"t\"}",
     BELFRY_OK,
     "1|s|t||0|\"a\\\"}\""},
    {"null is absent",
     STRUCTURED,
     {NULL},
     "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\",\"subject\":null,\"time\":null,"
     "\"data\":null,\"data_base64\":null,\"datacontenttype\":null}",
     BELFRY_OK,
     "1|s|t||0|null"},
    {"empty optional ones are absent",
     STRUCTURED,
     {NULL},
     "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\",\"subject\":\"\",\"time\":\"\"}",
     BELFRY_OK,
     "1|s|t||0|null"},
    {"extensions of any type",
     STRUCTURED,
     {NULL},
     "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\",\"x\":{\"y\":1},\"Id\":7}",
     BELFRY_OK,
     "1|s|t||0|null"},
    {"datacontenttype json",
     STRUCTURED,
     {NULL},
     "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\",\"datacontenttype\":\"text/json; a=b\","
     "\"data\":-1.5e3}",
     BELFRY_OK,
     "1|s|t||0|-1.5e3"},
    {"datacontenttype xml",
     STRUCTURED,
     {NULL},
     "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\",\"datacontenttype\":\"text/xml\","
     "\"data\":\"<a/>\"}",
     BELFRY_EUNSUPPORTED,
     "/datacontenttype"},
    {"data_base64 of JSON",
     STRUCTURED,
     {NULL},
     "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\",\"data_base64\":\"eyJhIjoxfQ==\"}",
     BELFRY_OK,
     "1|s|t||0|{\"a\":1}"},
    {"data_base64 of no JSON",
     STRUCTURED,
     {NULL},
     "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\",\"data_base64\":\"aGVsbG8=\"}",
     BELFRY_EINVAL,
     "/data_base64"},
    {"no base64",
     STRUCTURED,
     {NULL},
     "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\",\"data_base64\":\"*\"}",
     BELFRY_EINVAL,
     "/data_base64"},
    {"both",
     STRUCTURED,
     {NULL},
     "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\",\"data\":1,\"data_base64\":\"MQ==\"}",
     BELFRY_EINVAL,
     "/data_base64"},
    {"wrong types",
     STRUCTURED,
     {NULL},
     "{\"specversion\":1.0,\"id\":1,\"source\":[],\"type\":\"t\",\"time\":5}",
     BELFRY_EINVAL,
     "/specversion /id /source /time"},
    {"control characters",
     STRUCTURED,
     {NULL},
     "{\"specversion\":\"1.0\",\"id\":\"a\\nb\",\"source\":\"\\u009f\",\"type\":\"t\\u007f\"}",
     BELFRY_EINVAL,
     "/id /source /type"},
    {"empty object", STRUCTURED, {NULL}, "{}", BELFRY_EINVAL, "/specversion /id /source /type"},
    {"no object", STRUCTURED, {NULL}, "[]", BELFRY_EINVAL, ""},
    {"no JSON", STRUCTURED, {NULL}, "{\"id\":", BELFRY_EINVAL, ""},
    {"nothing", STRUCTURED, {NULL}, "", BELFRY_EINVAL, ""},
    {"bytes that are not UTF-8", STRUCTURED, {NULL}, "{\"id\":\"\xc3\"}", BELFRY_EINVAL, ""},
    {"another format", "application/cloudevents+avro", {OK4}, "x", BELFRY_EUNSUPPORTED, ""},
    {"a batch of another format", "application/cloudevents-batch+xml", {OK4}, "x", BELFRY_EUNSUPPORTED, ""},

    {"empty batch", BATCH, {NULL}, " [ ] ", BELFRY_OK, ""},
    {"batch",
     BATCH,
     {NULL},
     "[{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\",\"data\":\"],[\"},\n"
     " {\"data\":{\"b\":[{}]},\"specversion\":\"1.0\",\"id\":\"2\",\"source\":\"s\",\"type\":\"t\"}]",
     BELFRY_OK,
     "1|s|t||0|\"],[\"\n2|s|t||0|{\"b\":[{}]}"},
    {"batch with faults",
     BATCH,
     {NULL},
     "[{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\"},{\"specversion\":\"1.0\",\"id\":\"\","
     "\"source\":\"s\",\"type\":\"t\"},7,{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\"}]",
     BELFRY_EINVAL,
     "/1/id /2 /3/type"},
    {"batch of an object", BATCH, {NULL}, "{}", BELFRY_EINVAL, ""},
    {"too many", BATCH, {NULL}, "[1,2,3,4,5]", BELFRY_ELIMIT, ""},
};

/* Texts go to exact heap blocks, so that a read past an end is seen. */
struct text {
    char *copy;
    struct belfry_str s;
};

static struct text text_of(const char *z, size_t len)
{
    struct text t = {xmalloc(len ? len : 1), {NULL, len}};
    memcpy(t.copy, z, len);
    t.s.ptr = t.copy;
    return t;
}

static size_t split_headers(const char *const *lines, struct ce_header *headers, struct text *texts)
{
    size_t count = 0;
    for (; count < MAX_HEADERS && lines[count]; count++) {
        texts[count] = text_of(lines[count], strlen(lines[count]));
        headers[count].name = str_cut(texts[count].s, ':', &headers[count].value);
    }
    return count;
}

static void describe(const struct trigger_set *set, struct buf *out)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct belfry_trigger *t = &set->items[i].pub;
        struct buf data = {0};
        buf_addf(out, "%s%.*s|%.*s|%.*s|%.*s|%lld|%.*s", i ? "\n" : "", STR_ARG(t->id), STR_ARG(t->source),
                 STR_ARG(t->type), STR_ARG(t->subject), (long long)t->time_ms, STR_ARG(t->data));
        assert_int_equal(t->arrived_ms, NOW);
        assert_int_equal(set->items[i].index, i);
        assert_ptr_equal(t->impl, set->items[i].data);
        json_write(set->items[i].data, &data);
        json_t *kept = json_read(t->data, NULL);
        assert_true(json_equal(kept, set->items[i].data));
        json_decref(kept);
        buf_free(&data);
    }
}

static void list_faults(const struct error *err, struct buf *out)
{
    for (size_t i = 0; i < err->count; i++)
        buf_addf(out, "%s%s", i ? " " : "", err->items[i].pointer);
}

static void test_decode(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(ce_rows); i++) {
        const struct ce_row *row = &ce_rows[i];
        struct ce_header headers[MAX_HEADERS];
        struct text texts[MAX_HEADERS], body = text_of(row->body, strlen(row->body));
        size_t count = split_headers(row->headers, headers, texts);
        struct trigger_set set;
        struct error err = {0};
        struct buf got = {0};
        belfry_status status = ce_decode(&set, headers, count, str_of(row->content_type), body.s, 200, 4, NOW, &err);
        /* Headers are copied; the body is not. */
        for (size_t h = 0; h < count; h++)
            free(texts[h].copy);
        if (status == BELFRY_OK)
            describe(&set, &got);
        else
            list_faults(&err, &got);
        if (status != row->status || strcmp(got.ptr ? got.ptr : "", row->faults) != 0)
            fail_msg("%s: %s, `%s` (%s)", row->name, status_name(status), got.ptr ? got.ptr : "",
                     err.count ? err.items[0].detail : "");
        assert_int_equal(err.status, status);
        trigger_set_free(&set);
        assert_null(set.arena);
        error_clear(&err);
        buf_free(&got);
        free(body.copy);
    }
}

/* --- limits --- */

static void add_event(struct buf *out, const char *id, size_t pad)
{
    buf_addf(out, "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"s\",\"type\":\"t\",\"data\":\"", id);
    memset(buf_reserve(out, pad), 'x', pad);
    out->len += pad;
    buf_addz(out, "\"}");
}

static void test_lengths(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t max;
    } rows[] = {{"id", 1024}, {"source", 1024}, {"type", 255}, {"subject", 1024}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (size_t over = 0; over < 2; over++) {
            json_t *event = json_pack("{s:s,s:s,s:s,s:s}", "specversion", "1.0", "id", "i", "source", "s", "type", "t");
            char *value = xcalloc(1, rows[i].max + over + 1);
            memset(value, 'v', rows[i].max + over);
            json_object_set_new(event, rows[i].name, json_string(value));
            struct buf body = {0};
            json_write(event, &body);
            struct trigger_set set;
            struct error err = {0};
            belfry_status status = ce_decode(&set, NULL, 0, STR(STRUCTURED), buf_str(&body), 65536, 1, NOW, &err);
            assert_int_equal(status, over ? BELFRY_EINVAL : BELFRY_OK);
            if (over)
                assert_string_equal(err.items[0].pointer + 1, rows[i].name);
            error_clear(&err);
            trigger_set_free(&set);
            buf_free(&body);
            free(value);
            json_decref(event);
        }
    }
}

static void test_event_size(void **state)
{
    (void)state;
    struct buf body = {0};
    buf_addc(&body, '[');
    add_event(&body, "1", 10);
    buf_addc(&body, ',');
    size_t from = body.len;
    add_event(&body, "2", 500);
    size_t size = body.len - from;
    buf_addc(&body, ']');
    struct trigger_set set;
    struct error err = {0};
    assert_int_equal(ce_decode(&set, NULL, 0, STR(BATCH), buf_str(&body), size, 10, NOW, &err), BELFRY_OK);
    assert_int_equal(set.count, 2);
    trigger_set_free(&set);
    assert_int_equal(ce_decode(&set, NULL, 0, STR(BATCH), buf_str(&body), size - 1, 10, NOW, &err), BELFRY_ELIMIT);
    assert_string_equal(err.items[0].pointer, "/1");
    error_clear(&err);
    struct belfry_str one = str_slice(body.ptr + from, size);
    assert_int_equal(ce_decode(&set, NULL, 0, STR(STRUCTURED), one, size, 10, NOW, &err), BELFRY_OK);
    trigger_set_free(&set);
    assert_int_equal(ce_decode(&set, NULL, 0, STR(STRUCTURED), one, size - 1, 10, NOW, &err), BELFRY_ELIMIT);
    error_clear(&err);
    buf_free(&body);
}

/* A body of brackets asks for a hundred times its size: it is refused before it is parsed. */
static void test_tree_size(void **state)
{
    (void)state;
    struct buf body = {0};
    buf_addz(&body, "[[{}");
    while (body.len < (4 << 20))
        buf_addz(&body, ",{}");
    buf_addz(&body, "]]");
    struct trigger_set set;
    struct error err = {0};
    assert_int_equal(ce_decode(&set, NULL, 0, STR(BATCH), buf_str(&body), 8 << 20, 1000, NOW, &err), BELFRY_ELIMIT);
    error_clear(&err);
    buf_clear(&body);
    /* while 8 MiB of ordinary events pass */
    size_t count = 0;
    for (; body.len < (7 << 20); count++) {
        buf_addz(&body, count ? "," : "[");
        add_event(&body, "1", 8000);
    }
    buf_addc(&body, ']');
    assert_int_equal(ce_decode(&set, NULL, 0, STR(BATCH), buf_str(&body), 1 << 19, 1000, NOW, &err), BELFRY_OK);
    assert_int_equal(set.count, count);
    trigger_set_free(&set);
    buf_free(&body);
}

static void test_faults_are_capped(void **state)
{
    (void)state;
    struct buf body = {0};
    for (int i = 0; i < 500; i++)
        buf_addz(&body, i ? ",{}" : "[{}");
    buf_addc(&body, ']');
    struct trigger_set set;
    struct error err = {0};
    assert_int_equal(ce_decode(&set, NULL, 0, STR(BATCH), buf_str(&body), 1000, 1000, NOW, &err), BELFRY_EINVAL);
    assert_in_range(err.count, 32, 40);
    error_clear(&err);
    /* and nobody need ask for them */
    assert_int_equal(ce_decode(&set, NULL, 0, STR(BATCH), buf_str(&body), 1000, 1000, NOW, NULL), BELFRY_EINVAL);
    assert_int_equal(ce_decode(&set, NULL, 0, STR("x/y"), buf_str(&body), 10000, 1000, NOW, NULL), BELFRY_EUNSUPPORTED);
    buf_free(&body);
}

/* --- partial --- */

static void test_partial(void **state)
{
    (void)state;
    struct belfry_str body = STR("[{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\",\"data\":1},"
                                 "{\"specversion\":\"1.0\",\"source\":\"s\"}, false, "
                                 "{\"specversion\":\"1.0\",\"id\":\"4\",\"source\":\"s\",\"type\":\"t\",\"data\":4}]");
    struct trigger_set set;
    struct error faults[4] = {0}, err = {0};
    assert_int_equal(ce_decode_partial(&set, STR(BATCH), body, 200, 4, NOW, faults, &err), BELFRY_OK);
    assert_int_equal(set.count, 4);
    assert_int_equal(faults[0].status, BELFRY_OK);
    assert_int_equal(faults[1].count, 2);
    assert_string_equal(faults[1].items[0].pointer, "/id");
    assert_string_equal(faults[1].items[1].pointer, "/type");
    assert_string_equal(faults[2].items[0].pointer, "");
    assert_int_equal(faults[3].count, 0);
    assert_int_equal(json_integer_value(set.items[3].data), 4);
    assert_true(str_eq(set.items[3].pub.data, STR("4")));
    trigger_set_free(&set);
    for (size_t i = 0; i < COUNT(faults); i++)
        error_clear(&faults[i]);

    static const struct {
        const char *content_type, *body;
        belfry_status status;
    } rows[] = {
        {BATCH, "[1", BELFRY_EINVAL},
        {BATCH, "{}", BELFRY_EINVAL},
        {BATCH, "[1,2,3,4,5]", BELFRY_ELIMIT},
        {STRUCTURED, "{}", BELFRY_EUNSUPPORTED},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        belfry_status status =
            ce_decode_partial(&set, str_of(rows[i].content_type), str_of(rows[i].body), 200, 4, NOW, faults, &err);
        assert_int_equal(status, rows[i].status);
        assert_int_equal(err.status, status);
        assert_null(set.arena);
        error_clear(&err);
    }
}

/* --- triggers from inside --- */

static void test_make(void **state)
{
    (void)state;
    char id[] = "act:1", data[] = "{\"comment\":\"ok\"}";
    struct belfry_submission sub = {.struct_size = sizeof(sub),
                                    .id = STR(id),
                                    .source = STR("belfry"),
                                    .type = STR("approval.decided"),
                                    .data = STR(data),
                                    .time_ms = 5};
    struct trigger_set set;
    struct error err = {0};
    assert_int_equal(trigger_make(&set, &sub, NOW, &err), BELFRY_OK);
    memset(id, 'x', sizeof(id) - 1);
    memset(data, 'x', sizeof(data) - 1);
    assert_int_equal(set.count, 1);
    assert_true(str_eq(set.items[0].pub.id, STR("act:1")));
    assert_true(str_eq(set.items[0].pub.data, STR("{\"comment\":\"ok\"}")));
    assert_string_equal(json_string_value(json_object_get(set.items[0].data, "comment")), "ok");
    assert_int_equal(set.items[0].pub.time_ms, 5);
    assert_int_equal(set.items[0].pub.arrived_ms, NOW);
    trigger_set_free(&set);

    sub.id = STR("\xff");
    sub.source = (struct belfry_str){0};
    sub.data = STR("{");
    assert_int_equal(trigger_make(&set, &sub, NOW, &err), BELFRY_EINVAL);
    assert_int_equal(err.count, 3);
    assert_string_equal(err.items[0].pointer, "/id");
    assert_string_equal(err.items[1].pointer, "/source");
    assert_string_equal(err.items[2].pointer, "/data");
    error_clear(&err);

    sub.id = sub.source = STR("a");
    sub.data = (struct belfry_str){0};
    assert_int_equal(trigger_make(&set, &sub, NOW, &err), BELFRY_OK);
    assert_true(json_is_null(set.items[0].data));
    trigger_set_free(&set);
}

/* --- the walk over raw JSON --- */

static void test_raw_ends(void **state)
{
    (void)state;
    /* Every prefix of a text: no read past its end, and the walk ends. */
    static const char whole[] = " {\"a\\\"\" : [1, \"x]\\\\\", {\"b\":null}], \"data\":\"\\u0041\\\"\", \"c\":-1.5 } ";
    for (size_t len = 0; len < sizeof(whole); len++) {
        struct text t = text_of(whole, len);
        struct raw_walk walk;
        struct belfry_str key, value;
        size_t members = 0;
        raw_enter(&walk, t.s);
        while (raw_member(&walk, &key, &value))
            members++;
        assert_true(members <= 3);
        raw_tree_bytes(t.s);
        raw_find(t.s, STR("data"));
        free(t.copy);
    }
    assert_true(str_eq(raw_find(STR(whole), STR("data")), STR("\"\\u0041\\\"\"")));
    assert_true(str_eq(raw_find(STR(whole), STR("c")), STR("-1.5")));
    assert_null(raw_find(STR(whole), STR("b")).ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode),    cmocka_unit_test(test_lengths),           cmocka_unit_test(test_event_size),
        cmocka_unit_test(test_tree_size), cmocka_unit_test(test_faults_are_capped), cmocka_unit_test(test_partial),
        cmocka_unit_test(test_make),      cmocka_unit_test(test_raw_ends),
    };
    return cmocka_run_group_tests_name("event_ce", tests, NULL, NULL);
}
