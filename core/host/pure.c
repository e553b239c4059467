/* SPDX-License-Identifier: Apache-2.0 */
/* belfry.match/1 and belfry.template/1: compiled option values, evaluated on any thread. belfry.rules/1: what the
 * configuration's rules read, as it was found when they were compiled. */
#include "host/internal.h"
#include "template/template.h"

static int32_t eval(const struct belfry_condition *condition, const struct belfry_view *view)
{
    return condition ? match_eval(condition, view, NULL, NULL) : 1;
}

static void condition_paths(const struct belfry_condition *condition, struct belfry_strs *out)
{
    out->items = match_paths(condition, &out->count);
}

const struct belfry_match_api host_match_api = {sizeof(struct belfry_match_api), 0, eval, condition_paths};

static belfry_status render(const struct belfry_template *tpl, const struct belfry_view *params,
                            void (*sink)(void *arg, struct belfry_str text), void *arg)
{
    struct buf out = {0};
    belfry_status status = template_render(tpl, params, TEMPLATE_TEXT, NULL, NULL, &out);
    if (status == BELFRY_OK)
        sink(arg, buf_str(&out));
    buf_free(&out);
    return status;
}

static void template_names(const struct belfry_template *tpl, struct belfry_strs *out)
{
    out->items = template_reads(tpl, &out->count);
}

const struct belfry_template_api host_template_api = {sizeof(struct belfry_template_api), 0, render, template_names};

static void data_paths(const struct belfry_host *table, struct belfry_strs *out)
{
    *out = (struct belfry_strs){NULL, 0};
    if (host_on_loop(table, "rules.data_paths"))
        *out = host_instance_config(host_instance_of(table))->reads;
}

const struct belfry_rules_api host_rules_api = {sizeof(struct belfry_rules_api), 0, data_paths};
