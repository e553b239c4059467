/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration for people to read. Values of secret options, values with a substituted secret, and what URLs carry
 * beside host and path are replaced: a view of the configuration is copied into tickets.
 */
#include "config/build.h"

#include "base/id.h"

#include <stdlib.h>

#define REDACTED "<redacted>"

/* User and password, and the query, of a URL. login_url's {next} is no secret. */
static json_t *describe_url(struct belfry_str text, size_t scheme)
{
    struct buf out = {0};
    size_t host = scheme + 3, end = host;
    while (end < text.len && !memchr("/?#", text.ptr[end], 3))
        end++;
    const char *at = memrchr(text.ptr + host, '@', end - host);
    const char *query = memchr(text.ptr + end, '?', text.len - end);
    struct belfry_str rest =
        at ? str_slice(at, text.len - (size_t)(at - text.ptr)) : str_slice(text.ptr + host, text.len - host);
    buf_add(&out, text.ptr, host);
    if (at)
        buf_addz(&out, REDACTED);
    if (query && !memmem(query, text.len - (size_t)(query - text.ptr), "{next}", 6)) {
        rest.len = (size_t)(query + 1 - rest.ptr);
        buf_adds(&out, rest);
        buf_addz(&out, REDACTED);
    } else {
        buf_adds(&out, rest);
    }
    json_t *value = json_stringn(out.ptr, out.len);
    buf_free(&out);
    return value;
}

static json_t *describe_node(const struct yaml_node *node)
{
    if (node->kind == YAML_SCALAR) {
        const char *scheme = node->text.len ? memmem(node->text.ptr, node->text.len, "://", 3) : NULL;
        if (node->tainted && node->scalar != YAML_NULL)
            return json_string(REDACTED);
        return scheme ? describe_url(node->text, (size_t)(scheme - node->text.ptr)) : yaml_to_json(node);
    }
    json_t *value = node->kind == YAML_MAP ? json_object() : json_array();
    for (size_t i = 0; i < node->count; i++) {
        if (node->kind == YAML_LIST) {
            json_array_append_new(value, describe_node(node->items[i]));
            continue;
        }
        struct belfry_str key = node->pairs[i].key->text;
        json_object_setn_new(value, key.ptr ? key.ptr : "", key.len, describe_node(node->pairs[i].value));
    }
    return value;
}

const char *config_file_shown(const struct config *config, uint32_t file)
{
    const char *name = config->diags ? diag_file_name(config->diags, file) : NULL;
    const char *path = config->path ? config->path : ""; /* one that was read from memory has none */
    const char *main_end = strrchr(path, '/'), *end = name ? strrchr(name, '/') : NULL;
    size_t dir = main_end ? (size_t)(main_end - path) + 1 : 0;
    if (!name || !end)
        return name;
    return dir && strncmp(name, path, dir) == 0 ? name + dir : !dir && *name != '/' ? name : end + 1;
}

json_t *config_describe(const struct config *config)
{
    struct buf digest = {0};
    json_t *files = json_array();
    const char *name;
    for (uint32_t i = 0; config->diags && (name = diag_file_name(config->diags, i)); i++)
        json_array_append_new(files, json_string(name));
    hex_encode(config->sha256, sizeof(config->sha256), &digest);
    json_t *described =
        json_pack("{s:I, s:s, s:s, s:o, s:o}", "generation", (json_int_t)config->generation, "path", config->path,
                  "sha256", digest.ptr, "files", files, "config", describe_node(config->root));
    buf_free(&digest);
    return described;
}

json_t *config_describe_channel(const struct config *config, const char *name)
{
    const struct yaml_node *channels = yaml_get(config->root, "channels");
    const struct yaml_node *channel = channels ? yaml_get(channels, name) : NULL;
    return channel ? describe_node(channel) : json_object();
}

struct diag_span config_endpoint_span(const struct config_instance *channel, const struct config *config,
                                      struct belfry_str name)
{
    const struct yaml_node *channels = yaml_get(config->root, "channels");
    const struct yaml_node *section = channels ? yaml_get(channels, channel->name) : NULL;
    const struct yaml_node *list = section ? yaml_get(section, "endpoints") : NULL;
    for (size_t i = 0; list && list->kind == YAML_LIST && i < list->count; i++) {
        const struct yaml_node *own = yaml_get(list->items[i], "name");
        if (own && own->kind == YAML_SCALAR && str_eq(own->text, name))
            return list->items[i]->span;
    }
    return channel->span;
}

json_t *config_describe_url(struct belfry_str url)
{
    const char *scheme = url.len ? memmem(url.ptr, url.len, "://", 3) : NULL;
    return scheme ? describe_url(url, (size_t)(scheme - url.ptr)) : json_stringn(url.ptr, url.len);
}
