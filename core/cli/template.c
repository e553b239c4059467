/* SPDX-License-Identifier: Apache-2.0 */
/* belfry template render: a mail's words from the running hub, which has the languages, the zones and the templates. */
#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>

#define USAGE                                                                                                          \
    "usage: belfry template render -c FILE --org O (--type T [--data FILE] | --event ID) [--locale L] [--timezone Z]"  \
    " [--template FILE] [--kind single|digest|catch_up] [--part subject|text|html]"

struct wish {
    const char *config, *org, *type, *data, *event, *locale, *timezone, *template, *kind, *part;
};

/* A file of JSON under a name of the request. 0 after a message. */
static int add_json(json_t *body, const char *name, const char *file)
{
    size_t len;
    struct error err = {0};
    char *text = cli_read(file, &len);
    json_t *value = text ? json_read(str_slice(text, len), &err) : NULL;
    if (text && !value)
        cli_usage("%s: %s", file, error_text(&err));
    error_clear(&err);
    free(text);
    if (value)
        json_object_set_new(body, name, value);
    return value != NULL;
}

/* A template that is tried: JSON with subject, text and html, or else the text of the part that is asked for. */
static int add_template(json_t *body, const struct wish *w)
{
    size_t len;
    char *text = cli_read(w->template, &len);
    if (!text)
        return 0;
    json_t *value = json_read(str_slice(text, len), NULL);
    if (!json_is_object(value)) {
        json_decref(value);
        json_t *part = json_stringn(text, len);
        value = part ? json_pack("{s:o}", w->part ? w->part : "text", part) : NULL;
        if (!value)
            cli_usage("%s is not UTF-8", w->template);
    }
    free(text);
    if (value)
        json_object_set_new(body, "template", value);
    return value != NULL;
}

static char *body_of(const struct wish *w)
{
    const char *const names[] = {"type", "event", "locale", "timezone", "kind"};
    const char *const values[] = {w->type, w->event, w->locale, w->timezone, w->kind};
    json_t *body = json_object();
    char *text = NULL;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (values[i])
            json_object_set_new(body, names[i], json_string(values[i]));
    if ((!w->data || add_json(body, "data", w->data)) && (!w->template || add_template(body, w)))
        text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    return text;
}

static void print(const struct wish *w, const json_t *answer)
{
    const char *note = json_string_value(json_object_get(answer, "note"));
    const char *part = json_string_value(json_object_get(answer, w->part ? w->part : "text"));
    if (note)
        fprintf(stderr, "belfry: %s\n", note);
    if (!w->part)
        printf("Subject: %s\n\n", json_string_value(json_object_get(answer, "subject")));
    printf("%s%s", part, w->part && strcmp(w->part, "subject") == 0 ? "\n" : "");
}

static int render(const struct wish *w)
{
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    struct cli_answer answer;
    char *body = body_of(w), *path = xasprintf("/v1/%s/templates/preview", w->org);
    if (!body) {
        free(path);
        return CLI_USAGE;
    }
    cli_ask(cli_config(w->config), "POST", path, headers, str_of(body), &answer);
    json_t *doc = answer.status == 200 ? json_loadb(answer.body.ptr, answer.body.len, 0, NULL) : NULL;
    int code = doc ? CLI_OK : answer.status ? cli_problem(&answer) : CLI_CANNOT;
    if (doc)
        print(w, doc);
    json_decref(doc);
    buf_free(&answer.body);
    free(path);
    free(body);
    return code;
}

static int is_part(const char *part)
{
    return !part || strcmp(part, "subject") == 0 || strcmp(part, "text") == 0 || strcmp(part, "html") == 0;
}

int cli_template(int argc, char **argv)
{
    struct wish w = {0};
    const struct cli_option options[] = {
        {"--config", "-c", &w.config, NULL},     {"--org", NULL, &w.org, NULL},
        {"--type", NULL, &w.type, NULL},         {"--data", NULL, &w.data, NULL},
        {"--event", NULL, &w.event, NULL},       {"--locale", NULL, &w.locale, NULL},
        {"--timezone", NULL, &w.timezone, NULL}, {"--template", NULL, &w.template, NULL},
        {"--kind", NULL, &w.kind, NULL},         {"--part", NULL, &w.part, NULL}};
    int left = cli_options(argc, argv, options, sizeof(options) / sizeof(options[0]));
    if (left != 2 || strcmp(argv[1], "render") != 0 || !w.org || !w.type == !w.event || (w.event && w.data) ||
        !is_part(w.part))
        return cli_usage(USAGE);
    return render(&w);
}
