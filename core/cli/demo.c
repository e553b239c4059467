/* SPDX-License-Identifier: Apache-2.0 */
/*
 * belfry demo: plays the scripted day of demo_script.c against the running hub, over its control socket. Each line says
 * what happens and who is told of it, as the hub itself tells the story of the events that came of it. Every run has
 * ids of its own, so it can be played again and again.
 *
 * The hours of the script lie in the past, and end now: a CloudEvent says when it happened, so a run of a minute in the
 * script is one for the sources, however fast it is played. What sources and rules wait for goes by the hub's clock.
 */
#include "cli/demo.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/mem.h"
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MINUTE_MS INT64_C(60000)
#define DAY_MS (24 * 60 * MINUTE_MS)
#define SPEED_DEFAULT "600" /* ten hours a minute */
#define TOLD_MAX 5          /* names in a line */

struct demo {
    const char *config, *org;
    json_t *doc; /* the hub's configuration */
    const char *people[3];
    char id[9];
    int64_t begin_ms, end_min; /* when it is played, and the last minute of the script */
    double speed;              /* script minutes a minute; 0: as fast as it goes */
    json_t *told;              /* words of a step: the ids of its events */
    int faults;
};

/* --- the script --------------------------------------------------------------------------------------------------- */

static int minute_of(const struct demo_step *step)
{
    return (step->at[0] - '0') * 600 + (step->at[1] - '0') * 60 + (step->at[3] - '0') * 10 + (step->at[4] - '0');
}

static const char *source_of(const struct demo *demo, const char *plugin)
{
    const char *name;
    json_t *source;
    json_object_foreach(json_object_get(json_object_get(demo->doc, "config"), "sources"), name, source)
    {
        const char *used = json_string_value(json_object_get(source, "plugin"));
        if (used && strcmp(used, plugin) == 0)
            return name;
    }
    return NULL;
}

/* +36h or -3d after a word, as ms; *text moves behind it. */
static int64_t take_offset(const char **text)
{
    char *end;
    long long n = strtoll(*text, &end, 10);
    int64_t unit = *end == 'd' ? DAY_MS : 60 * MINUTE_MS;
    *text = end + (*end == 'd' || *end == 'h');
    return n * unit;
}

/* A username may have characters that JSON escapes. */
static void add_name(struct buf *out, const char *name)
{
    json_t *json = json_string(name);
    char *text = json_dumps(json, JSON_ENCODE_ANY);
    buf_add(out, text + 1, strlen(text) - 2);
    free(text);
    json_decref(json);
}

static void add_word(const struct demo *demo, const char **text, struct buf *out)
{
    static const char *const names[] = {"ann", "bob", "carl"};
    char when[TIME_TEXT_SIZE];
    for (int i = 0; i < 3; i++)
        if (strncmp(*text, names[i], strlen(names[i])) == 0) {
            *text += strlen(names[i]);
            add_name(out, demo->people[i]);
            return;
        }
    int is_date = strncmp(*text, "date", 4) == 0;
    if (strncmp(*text, "id", 2) == 0) {
        *text += 2;
        buf_addz(out, demo->id);
        return;
    }
    *text += 4;
    time_format(demo->begin_ms + take_offset(text), when);
    buf_add(out, when, is_date ? 10 : strlen(when));
}

/* The data of a step as JSON. */
static json_t *data_of(const struct demo *demo, const struct demo_step *step)
{
    struct buf text = {0};
    const char *p = step->data;
    while (*p) {
        if (*p == '$') {
            p++;
            add_word(demo, &p, &text);
        } else {
            buf_addc(&text, *p == '\'' ? '"' : *p);
            p++;
        }
    }
    json_t *data = json_loadb(text.ptr, text.len, 0, NULL);
    buf_free(&text);
    return data;
}

/* --- telling ------------------------------------------------------------------------------------------------------ */

static json_t *get_json(const struct demo *demo, const char *path)
{
    struct cli_answer answer;
    cli_ask(demo->config, "GET", path, NULL, (struct belfry_str){0}, &answer);
    json_t *doc = answer.status == 200 ? json_loadb(answer.body.ptr, answer.body.len, 0, NULL) : NULL;
    buf_free(&answer.body);
    return doc;
}

static int has(const json_t *names, const char *name)
{
    size_t i;
    json_t *one;
    json_array_foreach(names, i, one) if (strcmp(json_string_value(one), name) == 0) return 1;
    return 0;
}

/* Recipients of an event: who has it, and whose turn comes later. */
static void add_recipients(const struct demo *demo, const char *event, json_t *now, json_t *later)
{
    char *path = xasprintf("/v1/%s/events/%s", demo->org, event);
    json_t *story = get_json(demo, path), *one;
    size_t i;
    json_array_foreach(json_object_get(story, "recipients"), i, one)
    {
        const char *name = json_string_value(json_object_get(one, "recipient"));
        const json_t *visible = json_object_get(json_object_get(one, "notification"), "visible_at");
        json_t *list = json_is_string(visible) ? now : later;
        if (name && !has(list, name))
            json_array_append_new(list, json_string(name));
    }
    json_decref(story);
    free(path);
}

static void print_names(const char *before, const json_t *names, const json_t *except)
{
    size_t i, shown = 0;
    json_t *one;
    json_array_foreach(names, i, one)
    {
        if (except && has(except, json_string_value(one)))
            continue;
        if (shown < TOLD_MAX)
            printf("%s%s", shown ? ", " : before, json_string_value(one));
        else if (shown == TOLD_MAX)
            printf(" and more");
        shown++;
    }
}

/* The end of a step's line. */
static void print_told(const struct demo *demo, const json_t *events)
{
    json_t *now = json_array(), *later = json_array(), *id;
    size_t i;
    json_array_foreach(events, i, id) add_recipients(demo, json_string_value(id), now, later);
    printf(" -> ");
    if (json_array_size(now))
        print_names("", now, NULL);
    else
        printf("nobody");
    print_names(json_array_size(now) ? "; if need be later " : " now; if need be later ", later, now);
    printf("\n");
    fflush(stdout);
    json_decref(now);
    json_decref(later);
}

/* Ids of the newest events of a source. */
static json_t *newest_events(const struct demo *demo, const char *source, long long count)
{
    json_t *ids = json_array(), *one;
    size_t i;
    if (count <= 0)
        return ids;
    char *path = xasprintf("/v1/%s/events?source=%s&limit=%lld", demo->org, source, count);
    json_t *list = get_json(demo, path);
    json_array_foreach(json_object_get(list, "items"), i, one) json_array_append(ids, json_object_get(one, "id"));
    json_decref(list);
    free(path);
    return ids;
}

/* --- playing ------------------------------------------------------------------------------------------------------ */

static char *event_text(const struct demo *demo, const struct demo_step *step, size_t number)
{
    char when[TIME_TEXT_SIZE], id[40];
    time_format(demo->begin_ms - (demo->end_min - minute_of(step)) * MINUTE_MS, when);
    snprintf(id, sizeof(id), "demo-%s-%zu", demo->id, number);
    json_t *event = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "specversion", "1.0", "id", id, "source",
                              "/belfry/demo", "type", step->type, "time", when, "data", data_of(demo, step));
    char *text = json_dumps(event, JSON_COMPACT);
    json_decref(event);
    return text;
}

static void print_conflict(const struct cli_answer *answer)
{
    json_t *doc = json_loadb(answer->body.ptr, answer->body.len, 0, NULL);
    const char *detail = json_string_value(json_object_get(doc, "detail"));
    const char *by = json_string_value(json_object_get(doc, "handled_by"));
    int said = by && detail && strstr(detail, by);
    printf(" -> refused: %s%s%s\n", detail ? detail : "no detail", by && !said ? ", handled by " : "",
           by && !said ? by : "");
    fflush(stdout);
    json_decref(doc);
}

static void take_answer(struct demo *demo, const struct demo_step *step, const char *source,
                        const struct cli_answer *answer)
{
    json_t *doc = json_loadb(answer->body.ptr, answer->body.len, 0, NULL);
    const json_t *item = json_array_get(json_object_get(doc, "accepted"), 0);
    if (answer->status == 202 && !(step->flags & DEMO_REFUSED)) {
        json_t *events = newest_events(demo, source, json_integer_value(json_object_get(item, "events")));
        json_object_set(demo->told, step->words, events);
        print_told(demo, events);
        json_decref(events);
    } else if (answer->status == 409 && (step->flags & DEMO_REFUSED)) {
        print_conflict(answer);
    } else {
        printf(" -> not as it should be\n");
        fflush(stdout);
        if (answer->status == 202)
            fprintf(stderr, "belfry: the hub took what it should have refused\n");
        else
            cli_problem(answer);
        demo->faults++;
    }
    json_decref(doc);
}

/* 0 when no hub answers any more. */
static int play_step(struct demo *demo, const struct demo_step *step, size_t number)
{
    const char *source = source_of(demo, step->plugin);
    if (!source)
        return 1;
    printf("%s  %-10s %s", step->at, source, step->words); /* the line comes out when it is whole */
    if (step->flags & DEMO_LOOK) {
        print_told(demo, json_object_get(demo->told, step->data));
        return 1;
    }
    static const char *const headers[] = {"Content-Type: application/cloudevents+json; charset=utf-8", NULL};
    char *text = event_text(demo, step, number), *path = xasprintf("/v1/%s/sources/%s/triggers", demo->org, source);
    struct cli_answer answer;
    cli_ask(demo->config, "POST", path, headers, str_of(text), &answer);
    if (answer.status)
        take_answer(demo, step, source, &answer);
    else
        printf("\n");
    buf_free(&answer.body);
    free(text);
    free(path);
    return answer.status != 0;
}

static void wait_for(const struct demo *demo, const struct demo_step *from, const struct demo_step *to)
{
    if (demo->speed <= 0)
        return;
    int64_t ms = (int64_t)((double)((minute_of(to) - minute_of(from)) * MINUTE_MS) / demo->speed);
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static int play(struct demo *demo)
{
    const struct demo_step *before = NULL;
    for (const struct demo_step *step = demo_script; step->at; step++) {
        if (!source_of(demo, step->plugin))
            continue;
        if (before)
            wait_for(demo, before, step);
        before = step;
        if (!play_step(demo, step, (size_t)(step - demo_script)))
            return CLI_CANNOT;
    }
    return demo->faults ? CLI_ERRORS : CLI_OK;
}

/* --- before ------------------------------------------------------------------------------------------------------- */

/* Who plays: Ann, Bob and Carl, or, where the org has other people, those that it names first. */
static void choose_people(struct demo *demo)
{
    static const char *const names[] = {"ann", "bob", "carl"};
    const json_t *orgs = json_object_get(json_object_get(demo->doc, "config"), "orgs");
    json_t *users = json_object_get(json_object_get(orgs, demo->org), "users"), *one;
    const char *name;
    int i = 0;
    memcpy(demo->people, names, sizeof(names));
    if (json_object_get(users, "ann") || json_object_size(users) < 3)
        return;
    json_object_foreach(users, name, one) if (i < 3) demo->people[i++] = name;
}

/* Says which plugins have no source; 0 when none has one. */
static int check_sources(const struct demo *demo)
{
    int found = 0;
    for (const struct demo_step *step = demo_script; step->at; step++) {
        const struct demo_step *first = demo_script;
        while (strcmp(first->plugin, step->plugin) != 0)
            first++;
        if (first != step)
            continue;
        if (source_of(demo, step->plugin))
            found++;
        else
            printf("       no source uses the plugin %s: its part is left out\n", step->plugin);
    }
    return found;
}

static int list_script(void)
{
    for (const struct demo_step *step = demo_script; step->at; step++)
        printf("%s  %-9s %-19s %s\n", step->at, step->plugin, step->type ? step->type : "", step->words);
    return CLI_OK;
}

static int begin(struct demo *demo, const char *org)
{
    struct cli_answer answer;
    uint8_t random[4];
    cli_ask(demo->config, "GET", "/v1/admin/config", NULL, (struct belfry_str){0}, &answer);
    if (answer.status == 200)
        demo->doc = json_loadb(answer.body.ptr, answer.body.len, 0, NULL);
    int code = answer.status == 200 ? CLI_OK : answer.status ? cli_problem(&answer) : CLI_CANNOT;
    buf_free(&answer.body);
    demo->org = code == CLI_OK ? cli_org(demo->doc, org) : NULL;
    if (code != CLI_OK || !demo->org)
        return code != CLI_OK ? code : CLI_USAGE;
    choose_people(demo);
    random_bytes(random, sizeof(random));
    snprintf(demo->id, sizeof(demo->id), "%02x%02x%02x%02x", random[0], random[1], random[2], random[3]);
    demo->begin_ms = clock_now_ms(clock_real());
    for (const struct demo_step *step = demo_script; step->at; step++)
        demo->end_min = minute_of(step);
    if (check_sources(demo))
        return CLI_OK;
    fprintf(stderr, "belfry: no source of %s is in the script; see belfry demo --list\n", demo->config);
    return CLI_ERRORS;
}

int cli_demo(int argc, char **argv)
{
    const char *config = NULL, *org = NULL, *speed = SPEED_DEFAULT;
    int fast = 0, list = 0;
    const struct cli_option options[] = {{"--config", "-c", &config, NULL},
                                         {"--org", NULL, &org, NULL},
                                         {"--speed", NULL, &speed, NULL},
                                         {"--fast", NULL, NULL, &fast},
                                         {"--list", NULL, NULL, &list}};
    char *end = NULL;
    int left = cli_options(argc, argv, options, 5);
    struct demo demo = {.config = cli_config(config), .speed = strtod(speed, &end)};
    if (left != 1 || *end || end == speed || !(demo.speed > 0 && demo.speed <= 1e6))
        return cli_usage(
            "usage: belfry demo -c FILE [--org O] [--speed N | --fast] [--list]; N is minutes of the script "
            "a minute, at first " SPEED_DEFAULT);
    if (list)
        return list_script();
    if (fast)
        demo.speed = 0;
    demo.told = json_object();
    int code = begin(&demo, org);
    if (code == CLI_OK)
        code = play(&demo);
    json_decref(demo.told);
    json_decref(demo.doc);
    return code;
}
