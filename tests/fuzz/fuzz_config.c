/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole configuration from bytes: reading, every section, rules, lints, all views of the result, both renderings of
 * what is wrong. Includes are taken out of the text: what they find is the machine's, not the input's.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The text as a file without a name. */
static int write_text(const uint8_t *data, size_t size, char path[64])
{
    int fd = memfd_create("config", MFD_CLOEXEC);
    if (fd < 0)
        abort();
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, data + done, size - done);
        if (n <= 0)
            abort();
        done += (size_t)n;
    }
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

static void look_at(struct config *config)
{
    json_t *restart, *described = config_describe(config), *changed = config_diff(config, config, config, &restart);
    if (json_object_size(changed) || json_array_size(restart))
        abort();
    for (size_t i = 0; i < config->rule_count; i++) {
        for (size_t k = 0; k < config->rules[i].deliver_count; k++) {
            if (!config->rules[i].deliver[k].channel)
                abort();
        }
    }
    for (size_t i = 0; i < config->channel_count; i++) {
        if (config_channel(config, str_of(config->channels[i].name)) != &config->channels[i])
            abort();
    }
    json_decref(described);
    json_decref(changed);
    json_decref(restart);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    struct diag_set *diags;
    struct buf text = {0};
    if (size > 256 * 1024 || (size && memmem(data, size, "include", 7)))
        return 0;
    setenv("BELFRY_PLUGIN_PATH", BELFRY_SRCDIR "/tests/config/plugins", 1);
    int fd = write_text(data, size, path);
    struct config *config = config_load(path, CONFIG_CHECK, NULL, &diags);
    close(fd);
    if ((config == NULL) != (diag_count(diags, DIAG_ERROR) > 0))
        abort();
    diag_render_text(diags, &text, 1);
    diag_render_json(diags, &text);
    buf_free(&text);
    if (config)
        look_at(config);
    if (config)
        config_unref(config);
    else
        diag_set_free(diags);
    return 0;
}
