/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that run the hub or ask the running one: run, reload, send, explain, login-link. */
#include "base/id.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "hub/hub.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* --- run
 * -------------------------------------------------------------------------------------------------------------- */

int cli_run(int argc, char **argv)
{
    const char *config = NULL, *format = "logfmt", *level = "info", *clock_socket = NULL;
    const struct cli_option options[] = {{"--config", "-c", &config, NULL},
                                         {"--log-format", NULL, &format, NULL},
                                         {"--log-level", NULL, &level, NULL},
                                         {"--clock", NULL, &clock_socket, NULL}};
    if (cli_options(argc, argv, options, 4) != 1)
        return cli_usage("usage: belfry run -c FILE");
    int json = strcmp(format, "json") == 0, min = log_level_parse(level);
    if (min < 0 || (!json && strcmp(format, "logfmt") != 0))
        return cli_usage("--log-format is logfmt or json, --log-level is debug, info, warn or error");
    log_setup((enum log_level)min, json ? LOG_FORMAT_JSON : LOG_FORMAT_LOGFMT, STDERR_FILENO);
    struct hub_options hub = {.config_path = cli_config(config), .clock_socket = clock_socket};
    int code = hub_run(&hub);
    log_flush();
    return code;
}

/* --- reload
 * ------------------------------------------------------------------------------------------------------------ */

int cli_reload(int argc, char **argv)
{
    const char *config = NULL;
    const struct cli_option options[] = {{"--config", "-c", &config, NULL}};
    if (cli_options(argc, argv, options, 1) != 1)
        return cli_usage("usage: belfry reload -c FILE");
    struct cli_answer answer;
    cli_ask(cli_config(config), "POST", "/v1/admin/reload", NULL, (struct belfry_str){0}, &answer);
    int code = CLI_OK;
    if (answer.status == 200)
        printf("%.*s\n", (int)answer.body.len, answer.body.ptr);
    else
        code = answer.status ? cli_problem(&answer) : CLI_CANNOT;
    buf_free(&answer.body);
    return code;
}

/* --- send
 * --------------------------------------------------------------------------------------------------------------- */

/* record.fields.amount=5 -> {"record":{"fields":{"amount":5}}}; values that are JSON are taken as such. */
static int set_path(json_t *root, const char *pair)
{
    const char *equals = strchr(pair, '=');
    json_t *at = root;
    if (!equals || equals == pair)
        return -1;
    struct belfry_str rest = str_slice(pair, (size_t)(equals - pair));
    for (;;) {
        struct belfry_str key = str_cut(rest, '.', &rest);
        char *name = xstrndup(key.ptr, key.len);
        json_t *next = json_object_get(at, name);
        if (rest.ptr && !json_is_object(next))
            json_object_set_new(at, name, next = json_object());
        if (!rest.ptr) {
            json_t *value = json_loads(equals + 1, JSON_DECODE_ANY, NULL);
            json_object_set_new(at, name, value ? value : json_string(equals + 1));
        }
        free(name);
        if (!rest.ptr)
            return 0;
        at = next;
    }
}

static json_t *send_data(const char *file, int argc, char **argv, int first)
{
    if (file) {
        size_t len;
        char *text = cli_read(file, &len);
        struct error err = {0};
        json_t *data = text ? json_read(str_slice(text, len), &err) : NULL;
        if (text && !data)
            cli_usage("%s: %s", file, error_text(&err));
        error_clear(&err);
        free(text);
        return data;
    }
    json_t *data = json_object();
    for (int i = first; i < argc; i++)
        if (set_path(data, argv[i]) != 0) {
            cli_usage("`%s` is not key=value", argv[i]);
            json_decref(data);
            return NULL;
        }
    return data;
}

static char *event_text(const char *type, json_t *data)
{
    uint8_t random[16];
    struct buf id = {0};
    random_bytes(random, sizeof(random));
    hex_encode(random, sizeof(random), &id);
    char when[TIME_TEXT_SIZE];
    time_format(clock_now_ms(clock_real()), when);
    json_t *event = json_pack("{s:s, s:s, s:s, s:s, s:s, s:O}", "specversion", "1.0", "id", id.ptr, "source",
                              "/belfry/send", "type", type, "time", when, "data", data);
    char *text = json_dumps(event, JSON_COMPACT);
    json_decref(event);
    buf_free(&id);
    return text;
}

/* The org of the running hub that is meant, or an exit code after a message. */
static int find_org(const char *config, const char *given, char **org)
{
    struct cli_answer answer;
    cli_ask(config, "GET", "/v1/admin/config", NULL, (struct belfry_str){0}, &answer);
    json_t *doc = answer.status == 200 ? json_loadb(answer.body.ptr, answer.body.len, 0, NULL) : NULL;
    int code = answer.status == 200 ? CLI_OK : answer.status ? cli_problem(&answer) : CLI_CANNOT;
    const char *found = code == CLI_OK ? cli_org(doc, given) : NULL;
    if (found)
        *org = xstrdup(found);
    json_decref(doc);
    buf_free(&answer.body);
    return code == CLI_OK && !found ? CLI_USAGE : code;
}

int cli_send(int argc, char **argv)
{
    const char *config = NULL, *org = NULL, *file = NULL;
    const struct cli_option options[] = {
        {"--config", "-c", &config, NULL}, {"--org", NULL, &org, NULL}, {"--data", NULL, &file, NULL}};
    int left = cli_options(argc, argv, options, 3);
    if (left < 3)
        return cli_usage("usage: belfry send -c FILE SOURCE TYPE [--org O] [--data FILE | key=value ...]");
    char *found = NULL;
    int unknown = find_org(cli_config(config), org, &found);
    if (unknown)
        return unknown;
    json_t *data = send_data(file, left, argv, 3);
    if (!data) {
        free(found);
        return CLI_USAGE;
    }
    char *text = event_text(argv[2], data);
    char *path = xasprintf("/v1/%s/sources/%s/triggers", found, argv[1]);
    static const char *const headers[] = {"Content-Type: application/cloudevents+json; charset=utf-8", NULL};
    struct cli_answer answer;
    cli_ask(cli_config(config), "POST", path, headers, str_of(text), &answer);
    int code = answer.status == 202 ? CLI_OK : answer.status ? cli_problem(&answer) : CLI_CANNOT;
    if (code == CLI_OK)
        printf("%.*s\n", (int)answer.body.len, answer.body.ptr);
    buf_free(&answer.body);
    json_decref(data);
    free(text);
    free(path);
    free(found);
    return code;
}

/* --- explain
 * ------------------------------------------------------------------------------------------------------------- */

/* A call of a hook as HTTP writes it: headers, an empty line, the body; or the body alone. Takes no notice of a request
 * line. New reference. */
static json_t *hook_json(struct belfry_str text)
{
    json_t *headers = json_object();
    struct belfry_str rest = text, value;
    int is_body = text.len > 0 && strchr("{[", text.ptr[0]) != NULL;
    while (!is_body && rest.len) {
        struct belfry_str line = str_cut(rest, '\n', &rest), name;
        line = str_trim(line);
        if (line.len == 0)
            break;
        name = str_cut(line, ':', &value);
        char *key = xstrndup(name.ptr, name.len);
        if (value.ptr)
            json_set_str(headers, key, str_trim(value));
        free(key);
    }
    json_t *out = json_object();
    json_object_set_new(out, "headers", headers);
    json_set_str(out, "body", rest);
    return out;
}

/* The file as JSON, or as a call of a hook. New reference; NULL after a message. */
static json_t *read_file(const char *file, int hook)
{
    size_t len;
    struct error err = {0};
    char *text = cli_read(file, &len);
    if (!text)
        return NULL;
    json_t *out = hook ? hook_json(str_slice(text, len)) : json_read(str_slice(text, len), &err);
    if (!out)
        cli_usage("%s: %s", file, error_text(&err));
    error_clear(&err);
    free(text);
    return out;
}

static char *explain_body(const char *file, const char *source, int hook, const char *event, const char *who)
{
    json_t *body = json_object();
    if (event) {
        json_object_set_new(body, "event", json_string(event));
    } else {
        json_t *given = read_file(file, hook);
        if (!given) {
            json_decref(body);
            return NULL;
        }
        json_object_set_new(body, "source", json_string(source));
        json_object_set_new(body, hook ? "hook" : "trigger", given);
    }
    if (who)
        json_object_set_new(body, "who", json_string(who));
    char *out = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    return out;
}

static void ask_explain(const char *config, const char *org, const char *body, int json, struct cli_answer *answer)
{
    const char *const headers[] = {"Content-Type: application/json",
                                   json ? "Accept: application/json" : "Accept: text/plain", NULL};
    char *path = xasprintf("/v1/%s/explain", org);
    cli_ask(config, "POST", path, headers, str_of(body), answer);
    free(path);
}

/* An event's id says whose it is only to the hub, so its orgs are asked one after the other. */
static void ask_every_org(const char *config, const char *body, int json, struct cli_answer *answer)
{
    const char *org;
    json_t *one;
    cli_ask(config, "GET", "/v1/admin/config", NULL, (struct belfry_str){0}, answer);
    if (answer->status != 200)
        return;
    json_t *doc = json_loadb(answer->body.ptr, answer->body.len, 0, NULL);
    int any = 0;
    answer->status = 0;
    json_object_foreach(json_object_get(json_object_get(doc, "config"), "orgs"), org, one)
    {
        if (strcmp(org, "*") == 0) {
            any = 1;
            continue;
        }
        buf_free(&answer->body);
        ask_explain(config, org, body, json, answer);
        if (answer->status != 404)
            break;
    }
    if (any && (answer->status == 0 || answer->status == 404)) {
        answer->status = 0;
        cli_usage("no org that is named here has such an event; orgs of \"*\" have no names: give --org");
    }
    json_decref(doc);
}

int cli_explain(int argc, char **argv)
{
    const char *config = NULL, *org = NULL, *source = NULL, *event = NULL, *who = NULL, *format = "text";
    int hook = 0;
    const struct cli_option options[] = {{"--config", "-c", &config, NULL}, {"--org", NULL, &org, NULL},
                                         {"--source", NULL, &source, NULL}, {"--event", NULL, &event, NULL},
                                         {"--who", NULL, &who, NULL},       {"--format", NULL, &format, NULL},
                                         {"--hook", NULL, NULL, &hook}};
    int left = cli_options(argc, argv, options, 7);
    int json = strcmp(format, "json") == 0;
    if (left < 0 || (event ? left != 1 || source || hook : left != 2 || !source || !org) ||
        (!json && strcmp(format, "text") != 0))
        return cli_usage(
            "usage: belfry explain -c FILE (TRIGGER.json --source S --org O [--hook] | --event ID [--org O])"
            " [--who NAME] [--format text|json]");
    char *body = explain_body(argv[1], source, hook, event, who);
    if (!body)
        return CLI_USAGE;
    struct cli_answer answer;
    if (org)
        ask_explain(cli_config(config), org, body, json, &answer);
    else
        ask_every_org(cli_config(config), body, json, &answer);
    int code = answer.status == 200 ? CLI_OK : answer.status ? cli_problem(&answer) : CLI_CANNOT;
    if (code == CLI_OK)
        fwrite(answer.body.ptr, 1, answer.body.len, stdout);
    buf_free(&answer.body);
    free(body);
    return code;
}

/* --- login-link
 * ------------------------------------------------------------------------------------------------------------ */

int cli_login_link(int argc, char **argv)
{
    const char *config = NULL, *org = NULL, *user = NULL;
    const struct cli_option options[] = {
        {"--config", "-c", &config, NULL}, {"--org", NULL, &org, NULL}, {"--user", NULL, &user, NULL}};
    if (cli_options(argc, argv, options, 3) != 1 || !org || !user)
        return cli_usage("usage: belfry login-link -c FILE --org O --user U");
    json_t *body = json_pack("{s:s, s:s}", "org", org, "user", user);
    char *text = json_dumps(body, JSON_COMPACT);
    struct cli_answer answer;
    cli_ask(cli_config(config), "POST", "/v1/admin/login-link", NULL, str_of(text), &answer);
    int code = answer.status == 200 ? CLI_OK : answer.status ? cli_problem(&answer) : CLI_CANNOT;
    json_t *doc = code == CLI_OK ? json_loadb(answer.body.ptr, answer.body.len, 0, NULL) : NULL;
    if (doc)
        printf("%s\n", json_string_value(json_object_get(doc, "url")));
    json_decref(doc);
    json_decref(body);
    buf_free(&answer.body);
    free(text);
    return code;
}
