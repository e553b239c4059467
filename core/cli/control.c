/* SPDX-License-Identifier: Apache-2.0 */
/* Talking to the running hub: HTTP over data_dir/control.sock, which only the hub's own user can open. */
#include "base/mem.h"
#include "cli/cli.h"
#include "yaml/tree.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

char *cli_data_dir(const char *config_path)
{
    size_t len;
    char *text = cli_read(config_path, &len);
    if (!text)
        return NULL;
    struct diag_set *diags = diag_set_new();
    struct arena *arena = arena_new(0);
    const struct yaml_node *root = yaml_load(arena, diags, diag_add_file(diags, config_path, str_slice(text, len)));
    if (root)
        yaml_substitute(arena, diags, root, YAML_SECRETS_SKIP);
    const struct yaml_node *hub = root && root->kind == YAML_MAP ? yaml_get(root, "hub") : NULL;
    const struct yaml_node *dir = hub && hub->kind == YAML_MAP ? yaml_get(hub, "data_dir") : NULL;
    char *out = dir && dir->kind == YAML_SCALAR ? xstrndup(dir->text.ptr, dir->text.len) : NULL;
    if (!out)
        fprintf(stderr, "belfry: %s has no hub.data_dir\n", config_path);
    arena_free(arena);
    diag_set_free(diags);
    free(text);
    return out;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    buf_add(arg, data, size * count);
    return size * count;
}

void cli_ask(const char *config_path, const char *method, const char *path, const char *const *headers,
             struct belfry_str body, struct cli_answer *answer)
{
    char *dir = cli_data_dir(config_path), fault[CURL_ERROR_SIZE] = "", *type = NULL;
    *answer = (struct cli_answer){0};
    if (!dir)
        return;
    char *socket_path = xasprintf("%s/control.sock", dir), *url = xasprintf("http://hub%s", path);
    struct curl_slist *lines = curl_slist_append(NULL, "Expect:");
    for (; headers && *headers; headers++)
        lines = curl_slist_append(lines, *headers);
    CURL *e = curl_easy_init();
    curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH, socket_path);
    curl_easy_setopt(e, CURLOPT_URL, url);
    curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(e, CURLOPT_PROXY, "");
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, lines);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, fault);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, &answer->body);
    if (body.len || strcmp(method, "POST") == 0) {
        curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
        curl_easy_setopt(e, CURLOPT_POSTFIELDS, body.ptr ? body.ptr : "");
    }
    if (curl_easy_perform(e) == CURLE_OK)
        curl_easy_getinfo(e, CURLINFO_RESPONSE_CODE, &answer->status);
    else
        fprintf(stderr, "belfry: no hub answers at %s (%s); is it running, and are you its user?\n", socket_path,
                fault);
    if (curl_easy_getinfo(e, CURLINFO_CONTENT_TYPE, &type) == CURLE_OK && type)
        snprintf(answer->content_type, sizeof(answer->content_type), "%s", type);
    curl_slist_free_all(lines);
    curl_easy_cleanup(e);
    free(socket_path);
    free(url);
    free(dir);
}

/* What an instance refused when it was made has a place in the configuration, but none in a file. */
static void put_diagnostic(const json_t *item)
{
    const char *file = json_string_value(json_object_get(item, "file"));
    if (file)
        fprintf(stderr, "%s:%lld:%lld: ", file, (long long)json_integer_value(json_object_get(item, "line")),
                (long long)json_integer_value(json_object_get(item, "col")));
    else
        fprintf(stderr, "%s: ", json_string_value(json_object_get(item, "path")));
    fprintf(stderr, "%s[%s]: %s\n", json_string_value(json_object_get(item, "severity")),
            json_string_value(json_object_get(item, "code")), json_string_value(json_object_get(item, "message")));
}

int cli_problem(const struct cli_answer *answer)
{
    json_t *doc = answer->body.len ? json_loadb(answer->body.ptr, answer->body.len, 0, NULL) : NULL, *item;
    const char *detail = json_string_value(json_object_get(doc, "detail"));
    size_t i;
    if (answer->status)
        fprintf(stderr, "belfry: the hub answered %ld: %s\n", answer->status, detail ? detail : "no detail");
    json_array_foreach(json_object_get(doc, "errors"), i, item)
        fprintf(stderr, "  %s: %s\n", json_string_value(json_object_get(item, "pointer")),
                json_string_value(json_object_get(item, "detail")));
    json_array_foreach(json_object_get(doc, "diagnostics"), i, item) put_diagnostic(item);
    json_decref(doc);
    return CLI_ERRORS;
}

const char *cli_org(const json_t *config, const char *given)
{
    json_t *orgs = json_object_get(json_object_get(config, "config"), "orgs"), *one;
    const char *name, *only = NULL;
    struct buf names = {0};
    if (given && (json_object_get(orgs, given) || json_object_get(orgs, "*")))
        return given;
    json_object_foreach(orgs, name, one)
    {
        buf_addf(&names, "%s%s", names.len ? ", " : "", name);
        if (strcmp(name, "*") != 0)
            only = name;
    }
    if (given)
        cli_usage("the hub has no org `%s`; it has %.*s", given, (int)names.len, names.ptr);
    buf_free(&names);
    if (given)
        return NULL;
    if (only && json_object_size(orgs) == 1)
        return only;
    cli_usage("the configuration has not just one org: say which with --org");
    return NULL;
}
