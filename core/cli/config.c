/* SPDX-License-Identifier: Apache-2.0 */
/* Commands about configuration and plugins that need no running hub: check, schema, sample, plugin. */
#include "config/config.h"

#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "client/client.h"
#include "host/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* --- check
 * ------------------------------------------------------------------------------------------------------------ */

int cli_check(int argc, char **argv)
{
    const char *format = "text", *deny = NULL;
    const struct cli_option options[] = {{"--format", NULL, &format, NULL}, {"--deny", NULL, &deny, NULL}};
    int left = cli_options(argc, argv, options, 2);
    int json = strcmp(format, "json") == 0;
    if (left < 2 || (!json && strcmp(format, "text") != 0) || (deny && strcmp(deny, "warnings") != 0))
        return cli_usage("usage: belfry check [--format text|json] [--deny warnings] FILE...");
    struct diag_set *diags = NULL;
    struct config *config =
        config_check((const char *const *)(argv + 1), (size_t)(left - 1), client_url_refused, &diags);
    struct buf out = {0};
    size_t errors = diag_count(diags, DIAG_ERROR), warnings = diag_count(diags, DIAG_WARNING);
    size_t unread = 0;
    for (size_t i = 0; i < diag_total(diags); i++)
        unread += strcmp(diag_get(diags, i)->code, "H701") == 0 && diag_get(diags, i)->severity == DIAG_ERROR;
    if (json)
        diag_render_json(diags, &out);
    else
        diag_render_text(diags, &out, isatty(STDOUT_FILENO));
    fwrite(out.ptr, 1, out.len, stdout);
    buf_free(&out);
    if (config)
        config_unref(config);
    else
        diag_set_free(diags);
    if (errors)
        return errors > unread ? CLI_ERRORS : CLI_CANNOT;
    return warnings && deny ? CLI_DENIED : CLI_OK;
}

/* --- schema, sample
 * ---------------------------------------------------------------------------------------------------- */

static int plugin_path_option(int argc, char **argv, const char **path)
{
    const struct cli_option options[] = {{"--plugin-path", NULL, path, NULL}};
    return cli_options(argc, argv, options, 1) == 1 ? 0 : -1;
}

int cli_schema(int argc, char **argv)
{
    const char *path = NULL;
    if (plugin_path_option(argc, argv, &path) != 0)
        return cli_usage("usage: belfry schema [--plugin-path DIRS]");
    json_t *schema = config_schema(path);
    char *text = json_dumps(schema, JSON_INDENT(2));
    printf("%s\n", text);
    free(text);
    json_decref(schema);
    return CLI_OK;
}

int cli_sample(int argc, char **argv)
{
    const char *path = NULL;
    if (plugin_path_option(argc, argv, &path) != 0)
        return cli_usage("usage: belfry sample [--plugin-path DIRS]");
    struct buf out = {0};
    config_sample(path, &out);
    fwrite(out.ptr, 1, out.len, stdout);
    buf_free(&out);
    return CLI_OK;
}

/* --- plugin
 * --------------------------------------------------------------------------------------------------------------- */

/* What is wrong with the description of an object, and the command that mends it. */
static void print_sidecar_fault(const char *path, const struct plugin *plugin, const struct error *err)
{
    if (plugin)
        printf("  (the description is of another build; ");
    else if (err->status == BELFRY_ENOTFOUND)
        printf("has no description beside it (");
    else
        printf("%s (", error_text(err));
    printf("`belfry plugin inspect --sidecar %s` makes it%s)\n", path, plugin ? " anew" : "");
}

static int plugin_list_all(const char *search)
{
    struct arena *arena = arena_new(0);
    const char *const *ids;
    size_t count = plugin_list(arena, search, &ids);
    for (size_t i = 0; i < count; i++) {
        const char *path = plugin_find(arena, search, ids[i]);
        struct error err = {0};
        const struct plugin *p = path ? plugin_read_sidecar(arena, path, &err) : NULL;
        printf("%-12s ", ids[i]);
        if (p)
            printf("%-8s %-8s %s\n", p->version, p->source ? "source" : "delivery", p->summary);
        if (path && (!p || strcmp(plugin_build_id(arena, path), p->build_id) != 0))
            print_sidecar_fault(path, p, &err);
        error_clear(&err);
    }
    arena_free(arena);
    return CLI_OK;
}

static int failed(struct error *err)
{
    fprintf(stderr, "belfry: %s\n", error_text(err));
    error_clear(err);
    return CLI_ERRORS;
}

/* The object is loaded in a child process, so that a bad one takes nothing down. */
static int plugin_inspect(const char *path, int sidecar)
{
    struct error err = {0};
    if (sidecar)
        return plugin_write_sidecar("/proc/self/exe", path, &err) == BELFRY_OK ? CLI_OK : failed(&err);
    json_t *doc = plugin_probe("/proc/self/exe", path, &err);
    if (!doc)
        return failed(&err);
    json_dumpf(doc, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(doc);
    return CLI_OK;
}

static int plugin_inspect_named(const char *name, const char *search, int sidecar, int probe)
{
    struct arena *arena = arena_new(0);
    const char *path = strchr(name, '/') || strstr(name, ".so") ? name : plugin_find(arena, search, name);
    int code = !path   ? cli_usage("there is no plugin `%s` on the path", name)
               : probe ? plugin_probe_answer(path, host_has_extension)
                       : plugin_inspect(path, sidecar);
    arena_free(arena);
    return code;
}

int cli_plugin(int argc, char **argv)
{
    const char *path = NULL;
    int sidecar = 0, probe = 0;
    const struct cli_option options[] = {{"--plugin-path", NULL, &path, NULL},
                                         {"--sidecar", NULL, NULL, &sidecar},
                                         {"--probe", NULL, NULL, &probe}}; /* the child of inspect */
    int left = cli_options(argc, argv, options, 3);
    if (left == 2 && strcmp(argv[1], "list") == 0)
        return plugin_list_all(path);
    if (left == 3 && strcmp(argv[1], "inspect") == 0)
        return plugin_inspect_named(argv[2], path, sidecar, probe);
    return cli_usage("usage: belfry plugin list | inspect [--sidecar] NAME|FILE.so");
}
