# SPDX-License-Identifier: Apache-2.0
"""P3: Refresh starts a background job and the table reloads when it ends: newest rows appear, progress is shown."""
import re
import sqlite3

import pytest

from support import people
from support.config import base, with_source
from support.events import case, cloud_event, created, updated, record_of
from support.feed import Feed, body, status
from support.wait import until

REFRESH = "/v1/acme/notifications/refresh"


@pytest.fixture
def feed():
    one = Feed()
    yield one
    one.close()


def config_of(feed, every="1d", **sources):
    config = base()
    config["sources"]["crm"]["feed"] = feed.option(every=every)
    for name, options in sources.items():
        with_source(config, name, **options)
    return config


def ask(hub, who="ann", **more):
    answer = hub.post(REFRESH, hub.person(who, **more))
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert list(job) == ["job"] and answer.headers["location"] == f"/v1/acme/jobs/{job['job']}"
    return answer.headers["location"]


def look(hub, place, who="ann", **more):
    answer = hub.get(place, hub.person(who, **more))
    assert answer.status_code == 200, answer.text
    assert list(answer.json()) == ["state", "progress", "added", "invalidated"]
    return answer.json()


def ended(hub, place, who="ann", **more):
    return until(lambda: (job := look(hub, place, who, **more))["state"] in ("done", "failed") and job)


def running(config, new_hub, feed):
    """A hub whose feed was pulled once and rests for a day."""
    hub = new_hub(config).start()
    feed.until_asked(1)
    until(lambda: "waiting" in hub.get("/v1/admin/feeds", people.token("operator")).text)
    return hub


# --- the job ----------------------------------------------------------------------------------------------------------


def test_refresh_pulls_every_feed_of_the_org_now_and_the_newest_rows_appear(new_hub, feed):
    other = Feed()
    try:
        config = config_of(feed)
        config["sources"]["erp"]["feed"] = other.option(every="1d")
        hub = running(config, new_hub, feed)
        other.until_asked(1)
        feed.add(*[case("ann", name=f"Case {i}") for i in range(250)])
        other.add(case("ann", name="Of the other"))
        assert hub.inbox("ann")["total"] == 0
        assert ended(hub, ask(hub)) == {"state": "done", "progress": 100, "added": 251, "invalidated": 0}
        assert hub.inbox("ann")["total"] == 251
    finally:
        other.close()


def test_progress_is_shown_while_it_runs(new_hub, feed):
    hub = running(config_of(feed, fetch={"plugin": "fetch_source"}), new_hub, feed)
    feed.gate.clear()
    feed.add(case("ann"))
    place = ask(hub)
    feed.until_asked(2)
    half = until(lambda: (job := look(hub, place))["progress"] > 0 and job)
    assert half["state"] == "running" and 0 < half["progress"] < 100 and half["added"] == 1  # of the other source
    feed.gate.set()
    assert ended(hub, place) == {"state": "done", "progress": 100, "added": 2, "invalidated": 0}


def test_one_an_org_at_a_time_and_whoever_asks_joins_it(new_hub, feed):
    config = config_of(feed)
    config["orgs"]["globex"]["users"]["root"] = {"roles": ["admin"]}
    hub = running(config, new_hub, feed)
    feed.gate.clear()
    first = ask(hub)
    feed.until_asked(2)
    hub.send(case("bob", name="Before bob joined"), source="erp")
    assert ask(hub, "bob") == ask(hub) == first
    other = hub.post(REFRESH.replace("acme", "globex"), hub.person("ann", org="globex"))
    assert other.json()["job"] not in first
    feed.add(case("ann", name="New"), case("bob", name="New"))
    feed.gate.set()
    assert ended(hub, first)["added"] == 1
    assert ended(hub, first, "bob")["added"] == 1  # what came before he joined was not brought by it
    assert feed.asked() == 2
    assert ask(hub) != first


def test_a_job_is_of_those_who_asked_for_it_or_joined(new_hub, feed):
    hub = running(config_of(feed), new_hub, feed)
    place = ask(hub)
    ended(hub, place)
    assert hub.get(place, hub.person("bob")).status_code == 404
    assert hub.get(place.replace("acme", "globex"), hub.person("ann", org="globex")).status_code == 404
    assert hub.get("/v1/acme/jobs/nonsense", hub.person("ann")).status_code == 404
    assert hub.post(REFRESH, people.token("crm")).status_code == 403
    assert hub.get(place, people.token("admin")).status_code == 403


def test_what_is_no_longer_valid_is_counted_and_stays_counted(new_hub, feed):
    lead = record_of(created(owner="ann"))
    old = case("ann", name="Stays")
    feed.add(cloud_event("record.created", {"record": lead}), old)
    hub = running(config_of(feed), new_hub, feed)
    until(lambda: hub.inbox("ann")["total"] == 2)
    feed.add(updated(lead, owner="bob"), *[case("ann", name=f"New {i}") for i in range(3)])
    place = ask(hub)
    assert ended(hub, place) == {"state": "done", "progress": 100, "added": 3, "invalidated": 1}
    feed.add(updated(lead, owner="ann"), case("ann"), updated(lead, owner="carl"))
    again = ask(hub)
    assert ended(hub, again) == {"state": "done", "progress": 100, "added": 1, "invalidated": 0}  # came and went
    assert look(hub, place) == {"state": "done", "progress": 100, "added": 3, "invalidated": 1}


def test_a_row_that_was_replaced_is_new_once_and_stays_counted_when_its_successor_comes(new_hub, feed):
    config = config_of(feed)
    config["sources"]["talk"] = {"plugin": "echo_source", "feed": feed.option(path="/talk", every="1d")}
    del config["sources"]["crm"]["feed"]
    say = lambda n: cloud_event("echo.said", {"to": "ann", "text": f"Word {n}", "subject": "s"})
    hub = new_hub(config).start()
    until(lambda: '"waiting"' in hub.get("/v1/admin/feeds", people.token("operator")).text)
    feed.add(say(1), say(2))
    first = ask(hub)
    assert ended(hub, first)["added"] == 1
    feed.add(say(3))
    second = ask(hub)
    assert ended(hub, second) == {"state": "done", "progress": 100, "added": 1, "invalidated": 0}
    assert look(hub, first)["added"] == 1
    assert hub.inbox("ann")["total"] == 1


def test_rows_of_categories_that_a_person_may_not_see_are_not_counted(new_hub, feed):
    hub = running(config_of(feed), new_hub, feed)
    feed.add(case("ann", "secret"), case("bob", "secret"), case("bob"))
    feed.gate.clear()
    place = ask(hub)
    ask(hub, "bob")
    feed.gate.set()
    assert ended(hub, place)["added"] == 1
    if ended(hub, place, "bob")["added"] != 1:
        pytest.fail("a row behind a gate was counted")
    assert look(hub, place, roles=[])["added"] == 0  # asked again at each look


# --- sources ----------------------------------------------------------------------------------------------------------


def test_sources_that_can_look_for_news_are_asked(new_hub):
    hub = new_hub(with_source(base(), "fetch", plugin="fetch_source")).start()
    assert ended(hub, ask(hub)) == {"state": "done", "progress": 100, "added": 1, "invalidated": 0}
    assert hub.titles("ann") == ["Found upstream"]


def test_a_source_of_another_org_is_not_asked(new_hub):
    hub = new_hub(with_source(base(), "fetch", plugin="fetch_source", orgs=["globex"])).start()
    assert ended(hub, ask(hub)) == {"state": "done", "progress": 100, "added": 0, "invalidated": 0}


def test_a_part_that_fails_makes_the_job_fail_and_what_others_brought_is_told(new_hub, feed):
    hub = running(config_of(feed, fetch={"plugin": "fetch_source"}), new_hub, feed)
    feed.answers = [status(500)]
    assert ended(hub, ask(hub)) == {"state": "failed", "progress": 100, "added": 1, "invalidated": 0}


def test_what_a_source_brings_in_and_is_refused_is_told_to_it_with_its_place(new_hub):
    hub = new_hub(with_source(base(), "desk", plugin="fetch_source", end="refused")).start()
    assert ended(hub, ask(hub))["state"] == "failed"
    assert "what was found is refused: /data/who: is required" in hub.log()
    refused = hub.get("/v1/acme/events?refused=true", people.token("all")).json()["items"]
    assert [item["source"] for item in refused] == ["desk"]


def test_a_source_that_says_it_failed_or_ends_twice(new_hub):
    config = with_source(base(), "fails", plugin="fetch_source", end="fails")
    hub = new_hub(config).start()
    assert ended(hub, ask(hub)) == {"state": "failed", "progress": 100, "added": 1, "invalidated": 0}
    hub.write_config(with_source(base(), "twice", plugin="fetch_source", end="twice"))
    hub.reload()
    assert ended(hub, ask(hub))["state"] == "done"
    until(lambda: 'call="job_done"' in hub.get("/metrics").text)


def test_a_source_that_never_answers_is_given_two_minutes(new_hub):
    hub = new_hub(with_source(base(), "mute", plugin="fetch_source", end="never"), clock=True).start()
    place = ask(hub)
    hub.clock.advance("119s")
    assert look(hub, place)["state"] == "running"
    hub.clock.advance("1s")
    assert look(hub, place)["state"] == "failed"
    assert ask(hub) != place


def test_a_source_that_is_replaced_ends_its_part(new_hub):
    config = with_source(base(), "mute", plugin="fetch_source", end="never")
    hub = new_hub(config).start()
    place = ask(hub)
    hub.write_config(with_source(config, "mute", plugin="fetch_source", end="ok"))
    hub.reload()
    assert ended(hub, place)["state"] == "failed"


def test_a_feed_that_is_asked_already_is_asked_again_because_its_answer_may_be_older(new_hub, feed):
    feed.answers = [body([])]  # as it was before the event
    feed.gate.clear()
    hub = new_hub(config_of(feed)).start()
    feed.until_asked(1)
    place = ask(hub)
    feed.add(case("ann"))
    feed.gate.set()
    assert ended(hub, place)["added"] == 1
    assert feed.asked() == 2


def test_a_job_of_a_process_that_died_has_failed(new_hub, feed):
    hub = running(config_of(feed), new_hub, feed)
    feed.gate.clear()
    place = ask(hub)
    feed.until_asked(2)
    hub.kill()
    feed.gate.set()
    hub.start()
    assert look(hub, place)["state"] == "failed"
    assert ask(hub) != place


def test_a_hub_that_is_told_to_stop_does_not_wait_for_a_refresh(new_hub, feed):
    hub = running(config_of(feed, mute={"plugin": "fetch_source", "end": "never"}), new_hub, feed)
    feed.gate.clear()
    place = ask(hub)
    feed.until_asked(2)
    hub.stop()
    hub.start()
    assert look(hub, place)["state"] == "failed"


def test_jobs_of_somebody_who_is_erased_are_forgotten(new_hub, feed):
    hub = running(config_of(feed), new_hub, feed)
    hub.request("PUT", "/v1/acme/users/zoe", people.token("users"), json={"name": "Zoe"})
    place = ask(hub, "zoe")
    ended(hub, place, "zoe")
    assert hub.request("DELETE", "/v1/acme/users/zoe", people.token("users")).status_code == 204
    until(lambda: sqlite3.connect(f"file:{hub.data_dir}/belfry.db?mode=ro", uri=True)
          .execute("SELECT count(*) FROM job_member").fetchone() == (0,))


# --- the page, without a script ---------------------------------------------------------------------------------------


def press(hub, who="ann", **fields):
    return hub.post("/acme/notifications/act", hub.person(who), data={"do": "refresh", **fields}, allow_redirects=False)


def test_the_button_leads_to_a_page_that_shows_progress_reloads_and_says_what_came(new_hub, feed):
    lead = record_of(created(owner="ann"))
    feed.add(cloud_event("record.created", {"record": lead}))
    hub = running(config_of(feed), new_hub, feed)
    until(lambda: hub.inbox("ann")["total"] == 1)
    page = hub.get("/acme/notifications", hub.person("ann")).text
    assert re.search(r'<button name="do" value="refresh">Refresh</button>', page)
    feed.gate.clear()
    feed.add(updated(lead, owner="bob"), *[case("ann", name=f"New {i}") for i in range(3)])
    answer = press(hub, read="unread")
    assert answer.status_code == 303
    address = answer.headers["location"]
    assert re.fullmatch(r"/acme/notifications\?read=unread&job=[0-9a-f-]{36}", address)
    page = hub.get(address, hub.person("ann")).text
    assert '<meta http-equiv="refresh" content="2">' in page and '<progress id="progress" max="100"' in page
    assert '<button name="do" value="refresh" aria-disabled="true">Refreshing' in page
    feed.gate.set()
    page = until(lambda: "<progress" not in (p := hub.get(address, hub.person("ann")).text) and p)
    assert '<p>3 new, 1 no longer valid.</p>' in page and "http-equiv" not in page
    assert "New 2" in page
    assert 'class="banner' not in hub.get(address, hub.person("bob")).text
    again = until(lambda: "<progress" not in (p := hub.get(press(hub).headers["location"],
                                                            hub.person("ann")).text) and p)
    assert "<p>Nothing new.</p>" in again


def test_the_page_says_when_not_everything_could_be_asked(new_hub, feed):
    hub = running(config_of(feed), new_hub, feed)
    feed.answers = [status(500)]
    address = press(hub).headers["location"]
    page = until(lambda: "<progress" not in (p := hub.get(address, hub.person("ann")).text) and p)
    assert "<p>Nothing new. Not everything could be asked; there may be more.</p>" in page


def test_an_address_with_a_job_of_somebody_else_is_the_page_itself(new_hub, feed):
    hub = running(config_of(feed), new_hub, feed)
    for job in ("nonsense", "", "x" * 400, press(hub).headers["location"].split("job=")[1]):
        page = hub.get(f"/acme/notifications?job={job}", hub.person("bob"))
        assert page.status_code == 200 and 'class="note' not in page.text
