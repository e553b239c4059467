# SPDX-License-Identifier: Apache-2.0
"""What people choose about mail: by category, for a while, at night. The fixture letter_delivery stands for any channel
about which people choose."""
import html
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import pytest

from support import people
from support.config import base
from support.events import case
from support.wait import until

PATH = "/v1/acme/preferences"
NOTHING = {"email": {}, "default": None, "digest": {"hour": None, "weekdays": None}, "timezone": None, "locale": None,
           "pause_until": None, "quiet": {"from": None, "to": None}, "shortcuts": True}


def config(**categories):
    """Letters after five minutes, about everything."""
    made = base()
    made["channels"]["post"] = {"plugin": "letter_delivery"}
    made["rules"].append({"name": "letters", "when": {}, "deliver": [{"via": "post", "after": "5m", "unless": ["seen"]}]})
    for name, options in categories.items():
        made["categories"].setdefault(name, {}).update(options)
    return made


@pytest.fixture
def hub(new_hub):
    return new_hub(config(), clock=True).start()


def get(hub, who="ann", **more):
    return hub.get(PATH, hub.person(who, **more))


def put(hub, body, who="ann", headers=None, **more):
    return hub.request("PUT", PATH, {**hub.person(who, **more), **(headers or {})}, json=body)


def choose(hub, body, who="ann"):
    answer = put(hub, body, who)
    assert answer.status_code == 200, answer.text
    return answer


def save(hub, fields, who="ann"):
    """What the page's form sends, with the tag that is on the page."""
    path, as_person = "/acme/preferences", hub.person(who)
    tag = html.unescape(re.search(r'name="tag" value="([^"]*)"', hub.get(path, as_person).text).group(1))
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    return hub.post(path, as_person, data={"tag": tag, "shortcuts": "on", "weekday": days, **fields})


def tell(hub, to="ann", kind="calm"):
    """An event; what became of its letter is found under its title."""
    hub.send(case(to, kind))
    return hub.items(to)[0]["title"]


def letters(hub, who="ann"):
    return [letter for letter in hub.get("/v1/acme/letters", people.token("reader")).json() if letter["to"] == who]


def story(hub, title):
    event = next(e for e in hub.events() if e["title"] == title)
    told = hub.story(event["id"])
    return next(d for r in told["recipients"] for d in r["deliveries"] if d["channel"] == "post")


def local(hub, text, zone="Europe/Berlin"):
    """Puts the clock on a local time."""
    hub.clock.set(int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000))


def utc(hub):
    return datetime.fromtimestamp(hub.clock.ms / 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M")


# --- the call ------------------------------------------------------------------------------------------------------------

def test_nothing_is_chosen_at_first(hub):
    answer = get(hub)
    assert answer.json() == NOTHING
    assert answer.headers["ETag"].startswith('"')
    assert get(hub).headers["ETag"] == answer.headers["ETag"]


def test_put_replaces_and_is_read_at_once(hub):
    first = {"email": {"news": "off", "trouble": "digest"}, "default": "unseen",
             "digest": {"hour": 7, "weekdays": ["mon", "fri"]}, "timezone": "Asia/Tokyo", "locale": "de-AT",
             "pause_until": "2031-01-02", "quiet": {"from": "22:00", "to": "06:30"}, "shortcuts": False}
    assert choose(hub, first).json() == first
    assert get(hub).json() == first
    assert choose(hub, {"email": {"news": "digest"}}).json() == {**NOTHING, "email": {"news": "digest"}}
    assert get(hub).json() == {**NOTHING, "email": {"news": "digest"}}


def test_an_instant_is_kept_in_utc(hub):
    choose(hub, {"pause_until": "2031-01-02T10:00:00+02:00"})
    assert get(hub).json()["pause_until"] == "2031-01-02T08:00:00.000Z"


@pytest.mark.parametrize("body, pointer", [
    ({"email": {"news": "sometimes"}}, "/email/news"),
    ({"email": {"news": 1}}, "/email/news"),
    ({"email": ["news"]}, "/email"),
    ({"email": {"nonsense": "off"}}, "/email/nonsense"),
    ({"email": {"a/b~c": "off"}}, "/email/a~1b~0c"),
    ({"default": "never"}, "/default"),
    ({"digest": {"hour": 24}}, "/digest/hour"),
    ({"digest": {"hour": 7.5}}, "/digest/hour"),
    ({"digest": {"weekdays": []}}, "/digest/weekdays"),
    ({"digest": {"weekdays": ["mon", "someday"]}}, "/digest/weekdays/1"),
    ({"digest": {"minute": 5}}, "/digest/minute"),
    ({"timezone": "Mars/Base"}, "/timezone"),
    ({"timezone": ""}, "/timezone"),
    ({"locale": "no_such"}, "/locale"),
    ({"pause_until": "tomorrow"}, "/pause_until"),
    ({"pause_until": "2031-02-30"}, "/pause_until"),
    ({"quiet": {"from": "22:00"}}, "/quiet/to"),
    ({"quiet": {"from": "9:00", "to": "10:00"}}, "/quiet/from"),
    ({"quiet": {"from": "22:00", "to": "24:00"}}, "/quiet/to"),
    ({"quiet": {"from": "22:00", "to": "22:00"}}, "/quiet/to"),
    ({"shortcuts": "yes"}, "/shortcuts"),
    ({"emails": {}}, "/emails"),
])
def test_what_is_wrong_is_named(hub, body, pointer):
    answer = put(hub, body)
    assert answer.status_code == 422, answer.text
    assert [e["pointer"] for e in answer.json()["errors"]] == [pointer]
    assert get(hub).json() == NOTHING


def test_every_fault_is_told(hub):
    answer = put(hub, {"email": {"news": "x"}, "timezone": "y", "z": 1})
    assert sorted(e["pointer"] for e in answer.json()["errors"]) == ["/email/news", "/timezone", "/z"]


def test_a_required_category_cannot_be_off(new_hub):
    hub = new_hub(config(trouble={"required": True}), clock=True).start()
    answer = put(hub, {"email": {"trouble": "off"}})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/email/trouble" and "required" in answer.json()["detail"]
    choose(hub, {"email": {"trouble": "digest"}})


def test_a_category_out_of_sight_is_refused_like_one_that_is_none(hub):
    def detail(category):
        answer = put(hub, {"email": {category: "off"}}, who="bob")
        assert answer.status_code == 422
        return answer.json()["errors"][0]["detail"]
    assert detail("CALC_BLOCKED") == detail("NEVER_HEARD_OF")
    choose(hub, {"email": {"CALC_BLOCKED": "off"}}, who="ann")


def test_a_choice_outlives_the_loss_of_the_role(hub):
    choose(hub, {"email": {"CALC_BLOCKED": "off", "news": "off"}})
    plain = get(hub, roles=[])
    assert plain.json()["email"] == {"news": "off"}
    assert put(hub, {"email": {}}, headers={"If-Match": plain.headers["ETag"]}, roles=[]).status_code == 200
    assert get(hub).json()["email"] == {"CALC_BLOCKED": "off"}


def test_a_choice_outlives_that_its_category_becomes_required(new_hub):
    """It cannot count then, and is not shown, so what is read can be written again, by the page as well."""
    made = config()
    hub = new_hub(made, clock=True).start()
    choose(hub, {"email": {"trouble": "off", "news": "off"}})
    stale = get(hub).headers["ETag"]
    made["categories"]["trouble"]["required"] = True
    hub.write_config(made)
    assert hub.reload().status_code == 200
    shown = get(hub)
    assert shown.json()["email"] == {"news": "off"} and shown.headers["ETag"] != stale
    assert put(hub, shown.json(), headers={"If-Match": shown.headers["ETag"]}).status_code == 200
    saved = save(hub, {"email:news": "unseen", "email:trouble": "off"})
    assert saved.status_code == 303, saved.text
    made["categories"]["trouble"]["required"] = False
    hub.write_config(made)
    assert hub.reload().status_code == 200
    assert get(hub).json()["email"] == {"news": "unseen", "trouble": "off"}
    made["categories"]["trouble"]["required"] = True
    hub.write_config(made)
    assert hub.reload().status_code == 200
    choose(hub, {"email": {"trouble": "digest"}})
    assert get(hub).json()["email"] == {"trouble": "digest"}, "another choice takes its place"


def test_if_match(hub):
    """Honoured, not demanded."""
    seen = get(hub).headers["ETag"]
    written = put(hub, {"default": "off"}, headers={"If-Match": seen})
    assert written.status_code == 200 and written.headers["ETag"] == get(hub).headers["ETag"] != seen
    stale = put(hub, {"default": "digest"}, headers={"If-Match": seen})
    assert stale.status_code == 412 and get(hub).json()["default"] == "off"
    for other in ['"nonsense"', "nonsense", "W/" + written.headers["ETag"], written.headers["ETag"].replace(".", ".0")]:
        assert put(hub, {}, headers={"If-Match": other}).status_code == 412, other
    both = f'{seen}, {written.headers["ETag"]}'
    assert put(hub, {"default": "unseen"}, headers={"If-Match": both}).status_code == 200
    assert put(hub, {"default": "digest"}, headers={"If-Match": "*"}).status_code == 200
    assert put(hub, {"default": "off"}).status_code == 200


def test_of_two_who_save_at_once_one_is_told_to_look_again(hub):
    seen = get(hub).headers["ETag"]
    bodies = [{"digest": {"hour": hour}} for hour in range(12)]
    with ThreadPoolExecutor(len(bodies)) as pool:
        answers = list(pool.map(lambda body: put(hub, body, headers={"If-Match": seen}), bodies))
    assert sorted(a.status_code for a in answers) == [200] + [412] * 11
    [won] = [a for a in answers if a.status_code == 200]
    assert get(hub).json() == won.json() and get(hub).headers["ETag"] == won.headers["ETag"]


def test_if_none_match(hub):
    seen = get(hub).headers["ETag"]
    asked = lambda: hub.get(PATH, {**hub.person("ann"), "If-None-Match": seen})
    assert asked().status_code == 304
    choose(hub, {})
    assert asked().status_code == 200


def test_whose_they_are(hub):
    choose(hub, {"default": "off"})
    assert get(hub, who="bob").json() == NOTHING
    assert hub.get("/v1/globex/preferences", hub.person("ann", org="globex")).json() == NOTHING
    assert hub.get(PATH, hub.person("ann", org="globex")).status_code == 404
    assert hub.get(PATH, people.token("admin")).status_code == 403
    assert hub.get(PATH).status_code == 401
    cross = {**hub.person("ann"), "Content-Type": "text/plain"}
    assert hub.request("PUT", PATH, cross, data="x").status_code == 400


def test_they_go_with_the_person(hub):
    hub.request("PUT", "/v1/acme/users/zoe", people.token("users"), json={"timezone": "Asia/Tokyo"})
    choose(hub, {"default": "off"}, who="zoe")
    assert hub.request("DELETE", "/v1/acme/users/zoe", people.token("users")).status_code == 204
    assert get(hub, who="zoe").json() == NOTHING
    choose(hub, {"default": "off"}, who="nobody-yet")
    assert hub.request("DELETE", "/v1/acme/users/nobody-yet", people.token("users")).status_code == 204
    assert get(hub, who="nobody-yet").json() == NOTHING


def test_they_survive(hub, tmp_path):
    choose(hub, {"default": "digest", "timezone": "Asia/Tokyo"})
    tag = get(hub).headers["ETag"]
    copy = tmp_path / "copy.db"
    assert hub.belfry("backup", str(copy)).returncode == 0
    hub.restart()
    assert get(hub).headers["ETag"] == tag
    choose(hub, {"default": "off"})
    hub.stop()
    assert hub.belfry("restore", str(copy)).returncode == 0
    hub.start()
    assert get(hub).json()["default"] == "digest"


# --- language and zone -----------------------------------------------------------------------------------------------------

def page(hub, who="ann", **claims):
    return hub.get("/acme/runs", {**hub.person(who, **claims), "Accept-Language": "en"}).text


def test_the_own_language_wins_at_once(hub):
    assert '<html lang="en"' in page(hub)
    choose(hub, {"locale": "de"})
    assert '<html lang="de"' in page(hub)
    assert '<html lang="de"' in page(hub, locale="en"), "also over the session's"
    choose(hub, {})
    assert '<html lang="en"' in page(hub)
    assert '<html lang="de"' in page(hub, locale="de")


def test_the_page_promises_no_mail_that_nobody_sends(hub, new_hub):
    told = lambda hub, who="ann": hub.get("/acme/preferences", hub.person(who)).text  # noqa: E731
    none = new_hub().start()
    assert "No mail is sent here yet" in told(none) and "ann@acme.example" not in told(none)
    assert "no digests" not in told(none)
    assert "No mail is sent" not in told(hub) and "ann@acme.example" in told(hub)
    assert "has no e-mail address for you" in told(hub, "carl")
    assert "There are no digests here yet" in told(hub), "letters are never gathered"
    elsewhere = config()
    elsewhere["channels"]["post"]["orgs"] = ["globex"]
    assert "No mail is sent here yet" in told(new_hub(elsewhere).start())


def test_single_keys_can_be_switched_off(hub):
    inbox = lambda: hub.get("/acme/notifications", hub.person("ann")).text  # noqa: E731
    assert 'data-shortcuts="on"' in inbox()
    choose(hub, {"shortcuts": False})
    assert 'data-shortcuts="off"' in inbox()


def test_letters_know_language_and_zone(hub):
    choose(hub, {"locale": "de", "timezone": "Asia/Tokyo"})
    tell(hub)
    hub.clock.advance("6m")
    assert [(l["email"], l["locale"], l["timezone"]) for l in letters(hub)] == [("ann@acme.example", "de", "Asia/Tokyo")]


# --- the gate --------------------------------------------------------------------------------------------------------------

def test_off_for_one_category(hub):
    choose(hub, {"email": {"news": "off"}})
    off, on = tell(hub, kind="calm"), tell(hub, kind="bad")
    hub.clock.advance("6m")
    assert [l["title"] for l in letters(hub)] == [on]
    told = story(hub, off)
    assert told["outcome"] == "suppressed_preference"
    assert told["reason"] == "the person chose off for category news"
    assert {off, on} <= set(hub.titles("ann")), "the inbox has no preferences"


def test_off_for_all_but_one(hub):
    choose(hub, {"default": "off", "email": {"trouble": "unseen"}})
    off, on = tell(hub, kind="calm"), tell(hub, kind="bad")
    hub.clock.advance("6m")
    assert [l["title"] for l in letters(hub)] == [on]
    assert story(hub, off)["reason"] == "the person chose off for all categories"


def test_the_configuration_has_the_last_word_of_who_said_nothing(new_hub):
    hub = new_hub(config(news={"email": "off"}), clock=True).start()
    choose(hub, {"email": {"news": "unseen"}}, who="bob")
    off, on = tell(hub, "ann"), tell(hub, "bob")
    hub.clock.advance("6m")
    assert letters(hub, "ann") == [] and [l["title"] for l in letters(hub, "bob")] == [on]
    assert story(hub, off)["reason"] == "category news is off by default"


def test_a_digest_is_a_letter_where_there_are_none(hub):
    choose(hub, {"default": "digest"})
    tell(hub)
    hub.clock.advance("6m")
    assert len(letters(hub)) == 1


def test_required_goes_out_whatever_was_chosen(new_hub):
    hub = new_hub(config(trouble={"required": True}), clock=True).start()
    local(hub, "2031-03-03T23:00")
    choose(hub, {"default": "off", "pause_until": "2031-12-24", "quiet": {"from": "22:00", "to": "07:00"}})
    off, on = tell(hub, kind="calm"), tell(hub, kind="bad")
    hub.clock.advance("6m")
    assert [l["title"] for l in letters(hub)] == [on]
    assert "paused mail until 2031-12-23T23:00:00.000Z" in story(hub, off)["reason"]


def test_a_pause_ends_and_what_it_stopped_stays_stopped(hub):
    local(hub, "2031-03-03T12:00")
    choose(hub, {"timezone": "Asia/Tokyo", "pause_until": "2031-03-05"})
    stopped = tell(hub)
    hub.clock.advance("6m")
    assert story(hub, stopped)["outcome"] == "suppressed_preference"
    local(hub, "2031-03-04T23:50", "Asia/Tokyo")
    still = tell(hub)
    hub.clock.advance("6m")
    assert story(hub, still)["outcome"] == "suppressed_preference"
    local(hub, "2031-03-04T23:56", "Asia/Tokyo")
    later = tell(hub)
    hub.clock.advance("6m")
    assert [l["title"] for l in letters(hub)] == [later]


def test_a_pause_that_is_over_is_kept_and_stops_nothing(hub):
    local(hub, "2031-03-03T12:00")
    for past in ["2031-03-03", "2031-03-02", "2031-03-03T10:59:59Z"]:
        choose(hub, {"pause_until": past})
        title = tell(hub)
        hub.clock.advance("6m")
        assert [l["title"] for l in letters(hub)][-1] == title
        assert "paused until" not in hub.get("/acme/preferences", hub.person("ann")).text
    choose(hub, {"pause_until": "2031-03-09"})
    assert "paused until" in hub.get("/acme/preferences", hub.person("ann")).text


def test_what_waits_is_asked_again(hub):
    """Off while it waits: it does not leave. Off, and on again: it does."""
    first = tell(hub)
    choose(hub, {"default": "off"})
    hub.clock.advance("6m")
    assert story(hub, first)["outcome"] == "suppressed_preference"
    second = tell(hub)
    choose(hub, {})
    hub.clock.advance("6m")
    assert [l["title"] for l in letters(hub)] == [second]


def test_a_role_comes_before_a_preference(hub):
    """The gate of roles: a choice tells nothing about what somebody may not see."""
    choose(hub, {"default": "unseen"}, who="bob")
    hub.send(case("bob", "secret"))
    hub.clock.advance("6m")
    assert letters(hub, "bob") == []
    told = hub.story(hub.events()[0]["id"])
    assert [d["outcome"] for d in told["recipients"][0]["deliveries"] if d["channel"] == "post"] == ["suppressed_role"]


# --- quiet hours -----------------------------------------------------------------------------------------------------------

def test_quiet_hours_hold_over_midnight(hub):
    local(hub, "2031-03-03T23:30", "Asia/Tokyo")
    choose(hub, {"timezone": "Asia/Tokyo", "quiet": {"from": "22:00", "to": "07:00"}})
    title, other = tell(hub), tell(hub, "bob")
    hub.clock.advance("6m")
    assert letters(hub) == [] and [l["title"] for l in letters(hub, "bob")] == [other], "they are ann's alone"
    held = story(hub, title)
    assert (held["outcome"], held["reason"]) == ("held_quiet_hours", "the person's quiet hours")
    assert held["due_at"].startswith("2031-03-03T22:00")
    local(hub, "2031-03-04T06:59", "Asia/Tokyo")
    assert letters(hub) == []
    hub.clock.advance("1m")
    assert [l["title"] for l in letters(hub)] == [title]


@pytest.mark.parametrize("evening, end", [("2031-03-29T23:00", "2031-03-30T05:00"), ("2031-10-25T23:00", "2031-10-26T06:00")])
def test_quiet_hours_in_the_nights_when_clocks_change(hub, evening, end):
    local(hub, evening)
    choose(hub, {"timezone": "Europe/Berlin", "quiet": {"from": "22:00", "to": "07:00"}})
    title = tell(hub)
    hub.clock.advance("6m")
    assert story(hub, title)["due_at"].startswith(end), "seven in the morning, by the clocks of that day"


def test_critical_passes_quiet_hours(hub):
    local(hub, "2031-03-03T23:30")
    choose(hub, {"quiet": {"from": "22:00", "to": "07:00"}})
    title = tell(hub, kind="worst")
    hub.clock.advance("6m")
    assert [l["title"] for l in letters(hub)] == [title]


def test_quiet_hours_that_end_early_let_go_at_once(hub):
    local(hub, "2031-03-03T23:30")
    choose(hub, {"quiet": {"from": "22:00", "to": "07:00"}})
    title = tell(hub)
    hub.clock.advance("6m")
    assert letters(hub) == []
    choose(hub, {})
    until(lambda: [l["title"] for l in letters(hub)] == [title])


def test_seen_in_the_quiet_hours(hub):
    local(hub, "2031-03-03T23:30")
    choose(hub, {"quiet": {"from": "22:00", "to": "07:00"}})
    title = tell(hub)
    hub.clock.advance("6m")
    hub.seen("ann", hub.items("ann")[0]["id"])
    hub.clock.advance("9h")
    assert letters(hub) == [] and story(hub, title)["outcome"] == "viewed"


def test_together_with_the_quiet_hours_of_a_rule(new_hub):
    made = config()
    made["schedules"] = {"night": {"from": "20:00", "to": "23:00"}}
    made["rules"][-1]["schedule"] = "night"
    hub = new_hub(made, clock=True).start()
    local(hub, "2031-03-03T20:30")
    choose(hub, {"quiet": {"from": "22:30", "to": "07:00"}})
    title = tell(hub)
    hub.clock.advance("6m")
    held = story(hub, title)
    assert held["due_at"].startswith("2031-03-04T06:00") and held["reason"] == "schedule night and the person's quiet hours"


def test_a_later_rule_gets_through_when_the_pause_is_over(new_hub):
    """Two rules on one channel: what a pause stopped for the first is no duplicate of the second."""
    made = config()
    made["rules"].append({"name": "later", "when": {}, "deliver": [{"via": "post", "after": "1h", "unless": []}]})
    made["rules"][-2]["deliver"][0]["unless"] = []
    hub = new_hub(made, clock=True).start()
    local(hub, "2031-03-03T12:00")
    choose(hub, {"pause_until": "2031-03-03T12:30:00+01:00"})
    title = tell(hub)
    hub.clock.advance("10m")
    assert letters(hub) == [] and story(hub, title)["outcome"] == "suppressed_preference"
    hub.clock.advance("1h")
    assert [l["title"] for l in letters(hub)] == [title]
    other = tell(hub)
    hub.clock.advance("2h")
    assert [l["title"] for l in letters(hub)] == [title, other], "and once where both might go"


# --- explain ---------------------------------------------------------------------------------------------------------------

def explain(hub, event, who="ann"):
    body = {"source": "crm", "trigger": event, "who": who}
    told = hub.post("/v1/acme/explain", people.token("admin"), json=body).json()
    return next(d for d in told["events"][0]["recipients"][0]["deliveries"] if d["channel"] == "post")


def test_explain_says_which_preference_decides(hub):
    local(hub, "2031-03-03T12:00")
    assert explain(hub, case("ann"))["reason"] == "category news is unseen by default"
    choose(hub, {"email": {"news": "off"}})
    dry = explain(hub, case("ann"))
    assert (dry["outcome"], dry["reason"]) == ("suppressed_preference", "the person chose off for category news")
    choose(hub, {"quiet": {"from": "11:00", "to": "13:00"}})
    dry = explain(hub, case("ann"))
    assert (dry["outcome"], dry["reason"]) == ("held_quiet_hours", "the person's quiet hours")
    assert dry["due_at"].startswith("2031-03-03T12:00"), "one in Berlin"
    choose(hub, {"pause_until": "2031-03-04"})
    assert "paused mail" in explain(hub, case("ann"))["reason"]


def test_explain_and_the_daemon_say_the_same(hub):
    """The same words for what would happen and for what did."""
    local(hub, "2031-03-03T23:30")
    for chosen in [{"email": {"news": "off"}}, {"default": "off"}, {"pause_until": "2031-03-09"},
                   {"quiet": {"from": "22:00", "to": "07:00"}}]:
        choose(hub, chosen)
        dry = explain(hub, case("ann"))
        title = tell(hub)
        hub.clock.advance("6m")
        done = story(hub, title)
        assert (done["outcome"], done["reason"]) == (dry["outcome"], dry["reason"])
        local(hub, "2031-03-03T23:30")


def test_more_categories_than_fit_on_a_page_are_no_empty_page(new_hub):
    names = [f"MANY{i:04d}" for i in range(1200)]
    hub = new_hub(config(**{name: {"label": "A category with a label of some length " + name} for name in names})).start()
    answer = hub.get("/acme/preferences", {**hub.person("ann"), "Accept": "text/html"})
    assert answer.status_code == 500 and "Go to your notifications" in answer.text
    chosen = dict.fromkeys(names, "off")
    assert choose(hub, {"email": chosen}).json()["email"] == chosen, "the API takes them all"
