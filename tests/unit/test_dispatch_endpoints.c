/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints that are made over the API, over the real ledger: made, changed, taken away, their secrets, and what is
 * left of them after a restart, a reload, a failed commit and another hub.secret. */
#include "endpoint_fixture.h"

#define SQL_TARGETS "SELECT url, enabled, origin, owner, version, removed IS NOT NULL FROM target ORDER BY id"

/* --- deeds -------------------------------------------------------------------------------------------------------- */

static void test_the_next_trigger_meets_it(void **state)
{
    (void)state;
    struct scene *s = endpoint_scene();
    struct dispatch_endpoint endpoint = draft("http://one.example/");
    struct deed_answer answer = {0};
    struct ledger_deed deed = CRM;
    dispatch_endpoint_create(s->d, "hooks", &deed, &endpoint, STR("s3cret"), on_deed, &answer);
    emit(s, "a", "ann"); /* nobody waited for the answer */
    finish_deed(s, &answer);
    assert_int_equal(answer.status, BELFRY_OK);
    assert_int_equal(fresh(s), 1);
    assert_string_equal(s->held[0].url, "http://one.example/");
    assert_string_equal(s->held[0].secret, "s3cret");
    assert_true(str_eqz(s->held[0].batch->target->settings, "{\"x\":1}"));
    char name[ID_TEXT_SIZE];
    id_format(store_id_key(s->b->store), answer.id, name);
    assert_string_equal(s->held[0].target, name);
    expect_rows(s->b, SQL_TARGETS, "http://one.example/ 1 1 token:crm-app 1 0");
    expect_rows(s->b, "SELECT count(*) FROM target WHERE instr(secret, 's3cret') OR instr(settings, '\"x\"')", "0");
    expect_rows(s->b, "SELECT who, what FROM audit", "token:crm-app endpoint.create");
    close_scene(s);
}

static void test_what_people_see_of_it(void **state)
{
    (void)state;
    struct scene *s = endpoint_scene();
    struct belfry_str types[] = {STR("thing.*"), STR("free.x")};
    struct dispatch_endpoint endpoint = draft("https://user:pw@one.example/x?token=1");
    endpoint.description = STR("Warehouse");
    endpoint.types = (struct belfry_strs){types, 2};
    endpoint.when = STR("{\"severity\":{\"gte\":\"warning\"}}");
    endpoint.metadata = STR("{\"team\":\"a\"}");
    endpoint.concurrency = 3;
    endpoint.rate_per_minute = 60;
    endpoint.order = BELFRY_ORDER_FIFO;
    struct deed_answer made = make(s, &endpoint, "s3cret");
    for (int again = 0; again < 2; again++) { /* also after a restart */
        struct dispatch_target_view v = view(s, made.id);
        assert_int_equal(v.id, made.id);
        assert_string_equal(v.channel, "hooks");
        assert_true(str_eqz(v.url, "https://user:pw@one.example/x?token=1") && str_eqz(v.org, "acme"));
        assert_true(str_eqz(v.owner, "token:crm-app") && str_eqz(v.description, "Warehouse"));
        assert_true(v.types.count == 2 && str_eqz(v.types.items[0], "thing.*") && str_eqz(v.types.items[1], "free.x"));
        assert_true(str_eqz(v.when, "{\"severity\":{\"gte\":\"warning\"}}"));
        assert_true(str_eqz(v.metadata, "{\"team\":\"a\"}"));
        assert_true(str_eqz(v.settings, "{\"x\":1}") && str_eqz(v.secret, "s3cret"));
        assert_int_equal(v.concurrency, 3);
        assert_int_equal(v.rate_per_minute, 60);
        assert_int_equal(v.order, BELFRY_ORDER_FIFO);
        assert_int_equal(v.version, 1);
        assert_int_equal(v.created_ms, START);
        assert_true(v.enabled && !v.from_yaml && !v.sealed && !v.spec);
        if (!again) {
            restart(s, 1);
            hooks_again(s);
        }
    }
    struct dispatch_target_view other;
    assert_false(dispatch_target_get(s->d, STR("globex"), made.id, &other));
    close_scene(s);
}

static void test_types_and_when_filter(void **state)
{
    (void)state;
    struct scene *s = endpoint_scene();
    struct belfry_str note = STR("thing.note"), other = STR("thing.assigned");
    struct dispatch_endpoint endpoint = draft("http://note.example/");
    endpoint.types = (struct belfry_strs){&note, 1};
    endpoint.when = STR("{\"subject\":\"s/a\"}");
    struct deed_answer made = make(s, &endpoint, "s3cret");
    emit(s, "a", "ann");
    emit(s, "b", "ann");
    turn(s);
    assert_int_equal(fresh(s), 1);
    endpoint.when = (struct belfry_str){0};
    assert_int_equal(change(s, made.id, 0, &endpoint).version, 2);
    emit(s, "c", "ann");
    turn(s);
    assert_int_equal(fresh(s), 1);
    endpoint.types = (struct belfry_strs){&other, 1};
    assert_int_equal(change(s, made.id, 2, &endpoint).version, 3);
    emit(s, "d", "ann");
    turn(s);
    assert_int_equal(fresh(s), 0);
    expect_rows(s->b, "SELECT detail ->> 'changed' FROM audit WHERE what = 'endpoint.change' ORDER BY id",
                "[\"when\"]\n[\"types\"]");
    close_scene(s);
}

static uint64_t gone_last;
static int gone_count;

static void on_gone(void *self, uint64_t target)
{
    (void)self;
    gone_last = target;
    gone_count++;
}

/* Once, on a turn of its own, and when nothing of it is under way any more. */
static void test_a_plugin_is_told_of_those_that_are_gone(void **state)
{
    (void)state;
    static const struct belfry_endpoints role = {.struct_size = sizeof(role), .gone = on_gone};
    struct scene *s = endpoint_scene();
    hooks_plugin(s)->endpoints = &role;
    gone_count = 0;
    int64_t idle = make_at(s, "http://idle.example/");
    struct deed_answer answer = {0};
    struct ledger_deed deed = CRM;
    dispatch_endpoint_remove(s->d, &deed, idle, 0, on_deed, &answer);
    while (!answer.done)
        uv_run(&s->b->loop, UV_RUN_ONCE);
    assert_int_equal(answer.status, BELFRY_OK);
    assert_int_equal(view(s, idle).id, 0);
    assert_int_equal(gone_count, 0); /* whoever took it away is not in the middle of a call of the plugin */
    turn(s);
    assert_int_equal(gone_count, 1);
    assert_int_equal((int64_t)gone_last, idle);
    int64_t busy = make_at(s, "http://busy.example/");
    emit(s, "a", "ann");
    turn(s);
    assert_int_equal(s->count - s->taken, 1);
    assert_int_equal(take_away(s, busy, 0).status, BELFRY_OK);
    turn(s);
    assert_int_equal(gone_count, 1);
    complete_fresh(s, BELFRY_DELIVERED);
    assert_int_equal(gone_count, 1); /* the plugin is: it says what came of a batch */
    turn(s);
    assert_int_equal(gone_count, 2);
    assert_int_equal((int64_t)gone_last, busy);
    close_scene(s);
}

static void test_versions(void **state)
{
    (void)state;
    struct scene *s = endpoint_scene();
    int64_t id = make_at(s, "http://one.example/");
    struct dispatch_endpoint second = draft("http://two.example/"), third = draft("http://three.example/");
    struct deed_answer a = {0}, b = {0};
    struct ledger_deed deed = CRM, foreign = {.org = STR("globex"), .who = STR("token:x")};
    dispatch_endpoint_change(s->d, &deed, id, 1, &second, on_deed, &a);
    dispatch_endpoint_change(s->d, &deed, id, 1, &third, on_deed, &b); /* of two that name the same one */
    finish_deed(s, &b);
    assert_int_equal(a.status, BELFRY_OK);
    assert_int_equal(a.version, 2);
    assert_int_equal(b.status, BELFRY_ECONFLICT);
    assert_int_equal(b.version, 2);
    assert_true(str_eqz(view(s, id).url, "http://two.example/"));
    b.done = 0;
    dispatch_endpoint_change(s->d, &foreign, id, 0, &third, on_deed, &b);
    assert_int_equal(finish_deed(s, &b).status, BELFRY_ENOTFOUND);
    assert_int_equal(take_away(s, id, 1).status, BELFRY_ECONFLICT);
    assert_int_equal(take_away(s, id, 2).status, BELFRY_OK);
    assert_int_equal(take_away(s, id, 0).status, BELFRY_ENOTFOUND);
    assert_int_equal(change(s, id, 0, &third).status, BELFRY_ENOTFOUND);
    assert_int_equal(change(s, 12345, 0, &third).status, BELFRY_ENOTFOUND);
    assert_int_equal(view(s, id).id, 0);
    expect_rows(s->b, "SELECT secret, settings, removed > 0 FROM target", "- - 1");
    expect_rows(s->b, "SELECT what FROM audit ORDER BY id", "endpoint.create\nendpoint.change\nendpoint.remove");
    close_scene(s);
}

static void test_what_waits_of_a_removed_one_ends_after_an_hour(void **state)
{
    (void)state;
    struct scene *s = endpoint_scene();
    int64_t id = make_at(s, "http://one.example/");
    emit_many(s, 0, 10);
    turn(s);
    assert_int_equal(fresh(s), 8);
    assert_int_equal(take_away(s, id, 0).status, BELFRY_OK);
    emit_many(s, 10, 3);
    for (size_t i = 0; i < 8; i++)
        complete(s, i, BELFRY_DELIVERED); /* what is under way ends as it does */
    turn(s);
    assert_int_equal(fresh(s), 0);
    forward(s, 3600000 + 60000);
    expect_rows(s->b, "SELECT state, count(*) FROM delivery GROUP BY 1 ORDER BY 1", "6 8\n22 2");
    close_scene(s);
}

static void test_a_rotation(void **state)
{
    (void)state;
    struct scene *s = endpoint_scene();
    int64_t id = make_at(s, "http://one.example/");
    assert_int_equal(rotate(s, id, "second", 60000).version, 2);
    restart(s, 1);
    hooks_again(s);
    prove(s);
    emit(s, "a", "ann");
    turn(s);
    const struct belfry_target *t = s->held[s->count - 1].batch->target;
    assert_int_equal(t->secret_count, 2);
    assert_true(str_eqz(t->secret, "second") && str_eqz(t->secrets[1].text, "s3cret"));
    assert_int_equal(t->secrets[1].until_ms, START + 60000);
    forward(s, 60000);
    emit(s, "b", "ann");
    turn(s);
    t = s->held[s->count - 1].batch->target;
    assert_int_equal(t->secret_count, 1);
    assert_true(str_eqz(t->secret, "second"));
    for (char i = 'a'; i <= 'm'; i++)
        rotate(s, id, (char[]){i, '\0'}, 3600000);
    emit(s, "c", "ann");
    turn(s);
    t = s->held[s->count - 1].batch->target;
    assert_int_equal(t->secret_count, 11);
    assert_true(str_eqz(t->secret, "m") && str_eqz(t->secrets[10].text, "c"));
    rotate(s, id, "only", 0);
    emit(s, "d", "ann");
    turn(s);
    t = s->held[s->count - 1].batch->target;
    assert_int_equal(t->secret_count, 1);
    assert_true(str_eqz(t->secret, "only"));
    close_scene(s);
}

struct names {
    char text[200];
    int done;
};

static void on_match(void *arg, const struct route_target *target, const char *why_not)
{
    struct names *names = arg;
    size_t len = strlen(names->text);
    snprintf(names->text + len, sizeof(names->text) - len, "%.*s %s\n", STR_ARG(target->label),
             why_not ? why_not : "takes it");
}

static void on_indexes(void *arg, const char *channel, const struct route_targets *const *indexes, size_t count,
                       const struct hash *disabled)
{
    const struct route_event event = {.org = STR("acme"), .type = STR("thing.note")};
    struct arena *arena = arena_new(0);
    (void)disabled;
    assert_string_equal(channel, "hooks");
    for (size_t i = 0; i < count; i++)
        route_targets_match(indexes[i], &event, arena, 1, on_match, arg);
    arena_free(arena);
}

static void on_looked(void *arg)
{
    ((struct names *)arg)->done = 1;
}

/* An id says nothing to whoever asks explain who gets what. */
static void test_explain_calls_them_what_people_do(void **state)
{
    (void)state;
    struct scene *s = endpoint_scene();
    struct belfry_str other = STR("other");
    struct dispatch_endpoint endpoint = draft("http://one.example/");
    struct names names = {.text = ""};
    endpoint.description = STR("Warehouse\nof the north");
    make(s, &endpoint, "x");
    endpoint = draft("https://user:pw@two.example:8443/x?token=1");
    endpoint.types = (struct belfry_strs){&other, 1};
    make(s, &endpoint, "x");
    ledger_targets_look(s->b->ledger, on_indexes, on_looked, &names);
    while (!names.done)
        uv_run(&s->b->loop, UV_RUN_ONCE);
    assert_string_equal(names.text, "Warehouse takes it\ntwo.example:8443 not one of its types\n");
    close_scene(s);
}

/* --- enabled, or not ---------------------------------------------------------------------------------------------- */

static void test_disabled_by_hand(void **state)
{
    (void)state;
    struct scene *s = endpoint_scene();
    int64_t id = make_at(s, "http://one.example/");
    assert_int_equal(enable(s, id, 0).status, BELFRY_OK);
    assert_int_equal(enable(s, id, 0).status, BELFRY_OK);
    assert_false(view(s, id).enabled);
    emit_many(s, 0, 3);
    turn(s);
    assert_int_equal(fresh(s), 0);
    expect_rows(s->b, "SELECT state, open, count(*) FROM delivery GROUP BY 1, 2", "2 2 3");
    expect_rows(s->b, "SELECT disabled_why FROM target", "disabled by token:crm-app");
    struct dispatch_endpoint moved = draft("http://two.example/");
    moved.enabled = -1; /* a move does not undo what somebody did */
    assert_int_equal(change(s, id, 0, &moved).status, BELFRY_OK);
    settle(s->b);
    turn(s);
    assert_int_equal(fresh(s), 0);
    restart(s, 1);
    hooks_again(s);
    assert_int_equal(fresh(s), 0);
    assert_int_equal(enable(s, id, 1).status, BELFRY_OK);
    settle(s->b);
    turn(s);
    assert_int_equal(fresh(s), 3);
    assert_string_equal(s->held[s->count - 1].url, "http://two.example/");
    moved.enabled = 0;
    assert_int_equal(change(s, id, 0, &moved).status, BELFRY_OK);
    assert_false(view(s, id).enabled);
    expect_rows(s->b, "SELECT what, detail ->> 'changed' FROM audit ORDER BY id",
                "endpoint.create -\nendpoint.disable -\nendpoint.disable -\nendpoint.change [\"url\"]\n"
                "endpoint.enable -\nendpoint.change [\"enabled\"]");
    close_scene(s);
}

static void test_a_move_enables_what_its_failures_disabled(void **state)
{
    (void)state;
    struct scene *s = endpoint_scene();
    int64_t id = make_at(s, "http://one.example/");
    emit_many(s, 0, 10);
    turn(s);
    assert_int_equal(fresh(s), 8);
    complete(s, 0, BELFRY_TARGET_GONE);
    turn(s);
    settle(s->b);
    assert_memory_equal(told_last(s), "hub.endpoint_disabled acme ", strlen("hub.endpoint_disabled acme "));
    assert_false(view(s, id).enabled);
    struct dispatch_endpoint moved = draft("http://one.example/");
    moved.description = STR("the same address");
    moved.enabled = -1;
    change(s, id, 0, &moved);
    assert_false(view(s, id).enabled);
    moved.url = STR("http://two.example/");
    change(s, id, 0, &moved);
    settle(s->b);
    turn(s);
    assert_true(view(s, id).enabled);
    assert_int_equal(fresh(s), 1); /* seven are still under way to the old receiver */
    assert_string_equal(s->held[8].url, "http://two.example/");
    complete(s, 1, BELFRY_TARGET_GONE); /* what it says is not of the new one */
    turn(s);
    assert_true(view(s, id).enabled);
    close_scene(s);
}

static void test_an_answer_of_the_old_receiver_while_the_move_is_being_recorded(void **state)
{
    (void)state;
    struct scene *s = endpoint_scene();
    int64_t id = make_at(s, "http://one.example/");
    struct dispatch_endpoint moved = draft("http://two.example/");
    struct deed_answer answer = {0};
    struct ledger_deed deed = CRM;
    emit(s, "a", "ann");
    turn(s);
    dispatch_endpoint_change(s->d, &deed, id, 0, &moved, on_deed, &answer);
    complete(s, 0, BELFRY_TARGET_GONE);
    finish_deed(s, &answer);
    settle(s->b);
    turn(s);
    expect_rows(s->b, "SELECT enabled, first_failure, url FROM target", "1 - http://two.example/");
    assert_true(view(s, id).enabled);
    close_scene(s);
}

/* Somebody disables it while it says that it is gone: a move does not enable it, whoever was first. */
static void test_the_word_of_a_person_outlives_a_failure(void **state)
{
    (void)state;
    struct scene *s = endpoint_scene();
    int64_t id = make_at(s, "http://one.example/");
    struct deed_answer answer = {0};
    struct ledger_deed deed = CRM;
    emit(s, "a", "ann");
    turn(s);
    dispatch_endpoint_enable(s->d, &deed, id, 0, on_deed, &answer);
    complete(s, 0, BELFRY_TARGET_GONE);
    finish_deed(s, &answer);
    settle(s->b);
    turn(s);
    expect_rows(s->b, "SELECT enabled, off_by, disabled_why FROM target", "0 1 disabled by token:crm-app");
    struct dispatch_endpoint moved = draft("http://two.example/");
    moved.enabled = -1;
    change(s, id, 0, &moved);
    assert_false(view(s, id).enabled);
    close_scene(s);
}

static void test_those_of_the_configuration(void **state)
{
    (void)state;
    struct scene *s = open_scene(HOOKS);
    hooks_plugin(s)->endpoints = &endpoint_role;
    struct belfry_target_spec specs[] = {spec_of("one", "http://one.example/")};
    declare(s, specs, 1);
    set_channel(s, "hooks", s);
    turn(s);
    emit(s, "a", "ann");
    turn(s);
    int64_t id = (int64_t)s->held[0].batch->target->id;
    assert_true(view(s, id).from_yaml && view(s, id).spec);
    struct dispatch_endpoint moved = draft("http://two.example/");
    assert_int_equal(change(s, id, 0, &moved).status, BELFRY_EPERM);
    assert_int_equal(take_away(s, id, 0).status, BELFRY_EPERM);
    assert_int_equal(rotate(s, id, "x", 0).status, BELFRY_EPERM);
    assert_int_equal(enable(s, id, 0).status, BELFRY_OK);
    emit(s, "b", "ann");
    declare(s, specs, 1); /* a reload undoes it no more than a move does */
    turn(s);
    specs[0].url = "http://moved.example/";
    declare(s, specs, 1);
    turn(s);
    assert_false(view(s, id).enabled);
    assert_int_equal(fresh(s), 1);
    assert_int_equal(enable(s, id, 1).status, BELFRY_OK);
    settle(s->b);
    turn(s);
    assert_int_equal(fresh(s), 1);
    assert_string_equal(s->held[1].url, "http://moved.example/");
    close_scene(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_next_trigger_meets_it),
        cmocka_unit_test(test_what_people_see_of_it),
        cmocka_unit_test(test_types_and_when_filter),
        cmocka_unit_test(test_a_plugin_is_told_of_those_that_are_gone),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_what_waits_of_a_removed_one_ends_after_an_hour),
        cmocka_unit_test(test_a_rotation),
        cmocka_unit_test(test_explain_calls_them_what_people_do),
        cmocka_unit_test(test_disabled_by_hand),
        cmocka_unit_test(test_a_move_enables_what_its_failures_disabled),
        cmocka_unit_test(test_an_answer_of_the_old_receiver_while_the_move_is_being_recorded),
        cmocka_unit_test(test_the_word_of_a_person_outlives_a_failure),
        cmocka_unit_test(test_those_of_the_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
