/* SPDX-License-Identifier: Apache-2.0 */
/* What is left of endpoints that were made over the API when the hub starts again, the configuration is another, the
 * disk fails, or hub.secret is lost. */
#include "endpoint_fixture.h"

#include "vfs_fault.h"

enum { HOUR = 3600000 };

/* --- starts and reloads ------------------------------------------------------------------------------------------- */

static void test_a_restart_goes_on_with_what_was_under_way(void **state)
{
    (void)state;
    struct scene *s = endpoint_scene();
    make_at(s, "http://one.example/");
    emit_many(s, 0, 9);
    turn(s);
    assert_int_equal(fresh(s), 8);
    char event[64], name[64];
    snprintf(event, sizeof(event), "%s", s->held[0].event);
    snprintf(name, sizeof(name), "%s", s->held[0].target);
    restart(s, 1);
    emit(s, "before the channel is in force", "ann");
    size_t before = s->count;
    hooks_again(s);
    assert_int_equal(s->count - before, 8);
    assert_string_equal(s->held[before].event, event); /* so the receiver sees the same webhook-id */
    assert_string_equal(s->held[before].target, name);
    assert_int_equal(s->held[before].attempt, 1);
    for (size_t i = before; i < s->count; i++)
        complete(s, i, BELFRY_DELIVERED);
    turn(s);
    complete_fresh(s, BELFRY_DELIVERED);
    turn(s);
    expect_rows(s->b, "SELECT state, count(*) FROM delivery WHERE open > 0 OR state = 6 GROUP BY 1", "6 10");
    close_scene(s);
}

static void test_a_reload_changes_nothing_of_it(void **state)
{
    (void)state;
    struct scene *s = endpoint_scene();
    int64_t id = make_at(s, "http://one.example/");
    int successor = 0;
    emit_many(s, 0, 10);
    turn(s);
    while (s->taken < s->count) {
        complete_fresh(s, BELFRY_RETRY);
        turn(s);
    }
    assert_int_equal(s->count, 10); /* ten in a row open the breaker */
    assert_string_equal(view(s, id).breaker, "open");
    set_channel(s, "hooks", s); /* the same instance in another generation */
    turn(s);
    assert_string_equal(view(s, id).breaker, "open");
    set_channel(s, "hooks", &successor);
    turn(s);
    assert_string_equal(view(s, id).breaker, "open");
    assert_true(str_eqz(view(s, id).secret, "s3cret"));
    forward(s, 40000);
    assert_int_equal(fresh(s), 1); /* the probe */
    assert_ptr_equal(s->held[10].self, &successor);
    expect_rows(s->b, "SELECT url, enabled, version FROM target", "http://one.example/ 1 1");
    close_scene(s);
}

/* --- channels and orgs come and go -------------------------------------------------------------------------------- */

static void name_hooks(struct scene *s, const char *name, const char *was)
{
    struct config_instance *channels = (struct config_instance *)(uintptr_t)s->b->config->config.channels;
    for (size_t i = 0; i < s->b->config->config.channel_count; i++)
        if (strcmp(channels[i].name, "hooks") == 0 || strcmp(channels[i].name, "relay") == 0) {
            channels[i].name = name;
            channels[i].was = was;
        }
    bench_generation(s->b);
}

static void test_a_channel_with_another_name_keeps_them(void **state)
{
    (void)state;
    struct scene *s = endpoint_scene();
    int64_t id = make_at(s, "http://one.example/");
    name_hooks(s, "relay", "hooks");
    emit(s, "between", "ann"); /* the rule leads to the channel whatever it is called */
    dispatch_channel_rename(s->d, "hooks", "relay");
    struct dispatch_channel channel = channel_of(s, "relay", s);
    dispatch_channel_set(s->d, &channel);
    turn(s);
    assert_int_equal(fresh(s), 1);
    assert_string_equal(view(s, id).channel, "relay");
    struct dispatch_endpoint moved = draft("http://two.example/");
    assert_int_equal(change(s, id, 1, &moved).status, BELFRY_OK);
    emit(s, "after", "ann");
    turn(s);
    assert_int_equal(fresh(s), 1);
    assert_string_equal(s->held[1].url, "http://two.example/");
    name_hooks(s, "hooks", "relay");
    close_scene(s);
}

/* Under its name nothing is configured: `hooks` is called otherwise for a while, and nobody says that it was it. */
static void test_a_channel_that_is_gone_for_a_while(void **state)
{
    (void)state;
    struct scene *s = endpoint_scene();
    int64_t id = make_at(s, "http://one.example/");
    emit_many(s, 0, 9);
    turn(s);
    assert_int_equal(fresh(s), 8);
    name_hooks(s, "relay", NULL);
    dispatch_channel_remove(s->d, "hooks");
    for (size_t i = 0; i < 8; i++)
        complete(s, i, BELFRY_DELIVERED);
    turn(s);
    assert_int_equal(view(s, id).id, 0);
    forward(s, HOUR / 2);
    expect_rows(s->b, "SELECT count(*) FROM delivery WHERE open = 1", "1");
    forward(s, HOUR);
    expect_rows(s->b, "SELECT state, count(*) FROM delivery GROUP BY 1 ORDER BY 1", "6 8\n22 1");
    expect_rows(s->b, "SELECT removed FROM target", "-"); /* nobody took it away */
    struct dispatch_endpoint endpoint = draft("http://two.example/");
    assert_int_equal(make(s, &endpoint, "x").status, BELFRY_EAGAIN);
    name_hooks(s, "hooks", NULL);
    hooks_again(s);
    emit(s, "back", "ann");
    turn(s);
    assert_int_equal(fresh(s), 1);
    assert_int_equal((int64_t)s->held[8].batch->target->id, id);
    assert_true(str_eqz(s->held[8].batch->target->secret, "s3cret"));
    close_scene(s);
}

static void test_a_plugin_that_takes_none_is_given_none(void **state)
{
    (void)state;
    struct scene *s = endpoint_scene();
    int64_t id = make_at(s, "http://one.example/");
    void *self = NULL;
    assert_ptr_equal(dispatch_endpoints_role(s->d, "hooks", &self), &endpoint_role);
    assert_ptr_equal(self, s);
    assert_null(dispatch_endpoints_role(s->d, "nothing", &self));
    hooks_plugin(s)->endpoints = NULL;
    set_channel(s, "hooks", s);
    turn(s);
    assert_null(dispatch_endpoints_role(s->d, "hooks", &self));
    emit(s, "a", "ann");
    turn(s);
    assert_int_equal(fresh(s), 0);
    expect_rows(s->b, "SELECT count(*) FROM delivery", "0");
    assert_int_equal(view(s, id).id, 0);
    struct dispatch_endpoint endpoint = draft("http://two.example/");
    assert_int_equal(make(s, &endpoint, "x").status, BELFRY_EAGAIN);
    hooks_plugin(s)->endpoints = &endpoint_role;
    set_channel(s, "hooks", s);
    emit(s, "b", "ann");
    turn(s);
    assert_int_equal(fresh(s), 1);
    close_scene(s);
}

static void test_an_org_that_is_gone_for_a_while(void **state)
{
    (void)state;
    struct scene *s = endpoint_scene();
    int64_t id = make_at(s, "http://one.example/");
    emit_many(s, 0, 9);
    turn(s);
    assert_int_equal(fresh(s), 8);
    struct config without = s->b->config->config;
    const struct config_org other = {.name = "other"};
    without.orgs = &other;
    without.refs = 1;
    struct dispatch_channel channel = channel_of(s, "hooks", s);
    channel.config = &without;
    dispatch_channel_set(s->d, &channel);
    turn(s);
    for (size_t i = 0; i < 8; i++)
        complete(s, i, BELFRY_DELIVERED);
    turn(s);
    assert_int_equal(view(s, id).id, 0);
    forward(s, 2 * HOUR);
    assert_int_equal(fresh(s), 0);
    set_channel(s, "hooks", s);
    turn(s);
    assert_int_equal(without.refs, 1);
    assert_int_equal(fresh(s), 1); /* its rows were kept */
    assert_int_equal(view(s, id).id, id);
    close_scene(s);
}

/* Whoever writes one of the API into the file, under its name, takes it over: id, queue and history stay. */
static void test_the_file_takes_one_over(void **state)
{
    (void)state;
    struct scene *s = endpoint_scene();
    int64_t id = make_at(s, "http://one.example/");
    char name[ID_TEXT_SIZE];
    id_format(store_id_key(s->b->store), id, name);
    struct belfry_target_spec spec = spec_of(name, "http://file.example/");
    spec.secret = "of the file";
    declare(s, &spec, 1);
    emit(s, "a", "ann");
    turn(s);
    assert_int_equal(fresh(s), 1);
    assert_string_equal(s->held[0].url, "http://file.example/");
    assert_string_equal(s->held[0].secret, "of the file");
    assert_int_equal((int64_t)s->held[0].batch->target->id, id);
    assert_true(view(s, id).from_yaml);
    assert_int_equal(take_away(s, id, 0).status, BELFRY_EPERM);
    restart(s, 1);
    declare(s, &spec, 1);
    set_channel(s, "hooks", s);
    turn(s);
    assert_true(view(s, id).from_yaml);
    declare(s, NULL, 0);
    turn(s);
    assert_int_equal(view(s, id).id, 0);
    close_scene(s);
}

/* --- the disk fails ----------------------------------------------------------------------------------------------- */

static void test_what_could_not_be_written_is_in_no_index(void **state)
{
    (void)state;
    scene_vfs = vfs_fault_name();
    vfs_fault_set(VFS_NONE, 0, 0);
    struct scene *s = endpoint_scene();
    struct dispatch_endpoint endpoint = draft("http://new.example/"), narrow = draft("http://one.example/");
    struct belfry_str none = STR("no.such");
    narrow.types = (struct belfry_strs){&none, 1};
    int64_t id = make_at(s, "http://one.example/");
    emit(s, "0", "ann"); /* the index is there */
    turn(s);
    assert_int_equal(fresh(s), 1);
    vfs_fault_set(VFS_FULL, 0, 0);
    assert_int_equal(make(s, &endpoint, "x").status, BELFRY_EIO);
    assert_int_equal(change(s, id, 0, &narrow).status, BELFRY_EIO);
    assert_int_equal(take_away(s, id, 0).status, BELFRY_EIO);
    assert_int_equal(enable(s, id, 0).status, BELFRY_EIO);
    vfs_fault_set(VFS_NONE, 0, 0);
    emit(s, "1", "ann");
    turn(s);
    assert_int_equal(fresh(s), 1);
    assert_string_equal(s->held[1].url, "http://one.example/");
    assert_true(view(s, id).enabled);
    assert_int_equal(change(s, id, 1, &narrow).version, 2);
    emit(s, "2", "ann");
    turn(s);
    assert_int_equal(fresh(s), 0);
    expect_rows(s->b, "SELECT what FROM audit ORDER BY id", "endpoint.create\nendpoint.change");
    close_scene(s);
    scene_vfs = NULL;
}

/* --- hub.secret is another ---------------------------------------------------------------------------------------- */

static int lines_with(FILE *log, const char *text)
{
    char line[1024];
    int count = 0;
    rewind(log);
    while (fgets(line, sizeof(line), log))
        count += strstr(line, text) != NULL;
    return count;
}

static void test_a_backup_without_the_key(void **state)
{
    (void)state;
    struct scene *s = endpoint_scene();
    FILE *log = tmpfile();
    int64_t one = make_at(s, "http://one.example/"), off = make_at(s, "http://off.example/");
    enable(s, off, 0);
    restart(s, 2);
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT, fileno(log));
    emit(s, "a", "ann"); /* before anybody knows */
    hooks_again(s);
    hooks_again(s); /* a reload has nothing new to say of it */
    log_setup(LOG_LEVEL_ERROR + 1, LOG_FORMAT_LOGFMT, 2);
    assert_int_equal(lines_with(log, "cannot be opened with this hub.secret"), 1);
    assert_int_equal(lines_with(log, "s3cret"), 0);
    fclose(log);
    settle(s->b);
    emit(s, "b", "ann");
    turn(s);
    assert_int_equal(fresh(s), 0);
    assert_true(view(s, one).sealed && !view(s, one).enabled);
    assert_int_equal(view(s, one).secret.len, 0);
    assert_int_equal(enable(s, one, 1).status, BELFRY_EINVAL);
    expect_rows(s->b, "SELECT enabled, off_by, substr(disabled_why, 1, 27) FROM target ORDER BY id",
                "0 2 its secret cannot be opened\n0 1 disabled by token:crm-app");
    expect_rows(s->b, "SELECT state, open, count(*) FROM delivery GROUP BY 1, 2", "2 2 4");
    restart(s, 1); /* somebody found it */
    hooks_again(s);
    assert_int_equal(fresh(s), 2);
    assert_true(view(s, one).enabled && !view(s, one).sealed && !view(s, off).enabled);
    assert_string_equal(s->held[s->count - 1].secret, "s3cret");
    expect_rows(s->b, "SELECT enabled, off_by FROM target ORDER BY id", "1 0\n0 1");
    close_scene(s);
}

static void test_new_secrets_and_settings_mend_it(void **state)
{
    (void)state;
    struct scene *s = endpoint_scene();
    int64_t id = make_at(s, "http://one.example/");
    restart(s, 2);
    hooks_again(s);
    emit(s, "a", "ann");
    assert_int_equal(rotate(s, id, "fresh", HOUR).status, BELFRY_OK);
    assert_true(view(s, id).sealed); /* the settings still are */
    struct dispatch_endpoint again = draft("http://one.example/");
    again.enabled = -1;
    assert_int_equal(change(s, id, 0, &again).status, BELFRY_OK);
    settle(s->b);
    turn(s);
    assert_true(view(s, id).enabled && !view(s, id).sealed);
    assert_int_equal(fresh(s), 1);
    const struct belfry_target *t = s->held[s->count - 1].batch->target;
    assert_int_equal(t->secret_count, 1); /* nobody can sign with the one before any more */
    assert_true(str_eqz(t->secret, "fresh"));
    close_scene(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_restart_goes_on_with_what_was_under_way),
        cmocka_unit_test(test_a_reload_changes_nothing_of_it),
        cmocka_unit_test(test_a_channel_with_another_name_keeps_them),
        cmocka_unit_test(test_a_channel_that_is_gone_for_a_while),
        cmocka_unit_test(test_a_plugin_that_takes_none_is_given_none),
        cmocka_unit_test(test_an_org_that_is_gone_for_a_while),
        cmocka_unit_test(test_the_file_takes_one_over),
        cmocka_unit_test(test_what_could_not_be_written_is_in_no_index),
        cmocka_unit_test(test_a_backup_without_the_key),
        cmocka_unit_test(test_new_secrets_and_settings_mend_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
