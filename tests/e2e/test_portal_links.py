# SPDX-License-Identifier: Apache-2.0
"""Portal links: an application lets its customers in to their endpoints, for a while, and to nothing else."""
import re
from datetime import datetime

import pytest
import requests

from support import people
from support.config import base, with_hooks

HTML = {"Accept": "text/html"}
HOOKS = {"name": "portal-hooks", "org": "acme", "secret": "token-of-the-portal-hooks", "may": ["endpoints"]}
CRM = {"name": "portal-crm", "org": "acme", "secret": "token-of-the-portal-crm", "may": ["endpoints:own"]}
EVERY = {"name": "portal-every", "org": "*", "secret": "token-of-the-portal-every", "may": ["endpoints"]}
LINKS = "/v1/acme/portal-links"


def configuration():
    config = base()
    config["auth"]["tokens"] += [dict(HOOKS), dict(CRM), dict(EVERY)]
    config["auth"]["login_url"] = "https://sso.example/?next={next}"
    return with_hooks(config)


def quiet(hub):
    """Each test says its cookies itself."""
    hub._session.cookies.set_policy(requests.cookies.cookielib.DefaultCookiePolicy(allowed_domains=[]))
    return hub


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    from support.hub import Hub
    hub = Hub(tmp_path_factory.mktemp("portal"), configuration())
    try:
        yield quiet(hub.start())
    finally:
        hub.show_log()
        hub.close()


def bearer(token):
    return people.bearer(token["secret"])


def link(hub, token, status=201, **body):
    answer = hub.post(LINKS, token if "Authorization" in token else bearer(token), json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def path_of(made):
    assert made["url"].startswith("http://hub.test/acme/session?portal=")
    return made["url"].removeprefix("http://hub.test")


def cookie_of(answer):
    return {"Cookie": answer.headers["set-cookie"].split(";")[0]}


def enter(hub, token, **body):
    answer = hub.get(path_of(link(hub, token, **body)))
    assert answer.status_code == 303 and answer.headers["location"] == "/acme/endpoints", answer.text
    assert answer.headers["referrer-policy"] == "no-referrer" and "no-store" in answer.headers["cache-control"]
    return cookie_of(answer)


def seconds(hub, made):
    return datetime.fromisoformat(made["expires_at"].replace("Z", "+00:00")).timestamp() - hub.now()


def is_over(answer):
    return answer.status_code == 401 and "access to these pages has ended" in answer.text


def test_a_link_opens_a_session_once(hub):
    made = link(hub, HOOKS)
    assert 3500 < seconds(hub, made) <= 3600
    first = hub.get(path_of(made))
    assert first.status_code == 303 and "HttpOnly" in first.headers["set-cookie"]
    assert hub.get("/v1/acme/endpoints", cookie_of(first)).status_code == 200
    again = hub.get(path_of(made), HTML)
    assert is_over(again) and "it was used already" in again.text and "set-cookie" not in again.headers
    assert hub.get(path_of(made), cookie_of(first)).status_code == 303, "who has the session goes back to its page"


def test_looking_ahead_does_not_use_it_up(hub):
    path = path_of(link(hub, HOOKS))
    assert hub.request("HEAD", path).status_code == 204
    assert hub.get(path, {"Sec-Purpose": "prefetch"}).status_code == 204
    assert hub.get(path).status_code == 303


@pytest.mark.parametrize("body,pointer", [
    ({"expires_in": 59}, "/expires_in"), ({"expires_in": 86401}, "/expires_in"), ({"expires_in": "3600"}, "/expires_in"),
    ({"owner": ""}, "/owner"), ({"owner": "a/b"}, "/owner"), ({"owner": "x" * 101}, "/owner"), ({"owner": 7}, "/owner"),
    ({"owner": "a\nb"}, "/owner"), ({"ownr": "customer-42"}, "/ownr"), ({"owner": "customer-42", "expires": 60}, "/expires"),
])
def test_what_is_asked_for_is_checked(hub, body, pointer):
    assert link(hub, HOOKS, 422, **body)["errors"][0]["pointer"] == pointer


def test_the_shortest_and_the_longest(hub):
    assert 50 < seconds(hub, link(hub, HOOKS, expires_in=60)) <= 60
    assert 86000 < seconds(hub, link(hub, HOOKS, expires_in=86400, owner="customer-42")) <= 86400


def test_who_makes_links(hub):
    for headers in (hub.person("root"), bearer(CRM), bearer(EVERY), people.token("admin")):
        assert link(hub, headers)
    for headers in (hub.person("bob"), people.token("reader"), people.token("crm")):
        assert hub.post(LINKS, headers, json={}).status_code == 403
    assert hub.post(LINKS, people.token("other"), json={}).status_code == 404
    assert hub.post(LINKS, json={}).status_code == 401
    assert hub.post(LINKS, enter(hub, HOOKS), json={}).status_code == 403, "from another site"
    own = {**enter(hub, HOOKS), "Sec-Fetch-Site": "same-origin"}
    assert "not in a portal session" in hub.post(LINKS, own, json={}).text, "a session would never end"


def test_a_person_makes_links_from_our_own_pages_only(hub):
    signed_in = cookie_of(hub.get(f"/acme/session?token={people.once('root')}"))
    assert hub.post(LINKS, signed_in, json={}).status_code == 403
    assert hub.post(LINKS, {**signed_in, "Origin": "https://evil.example"}, json={}).status_code == 403
    assert hub.post(LINKS, {**signed_in, "Sec-Fetch-Site": "same-origin"}, json={}).status_code == 201


def test_a_link_of_a_person_ends_with_their_session(hub):
    made = link(hub, hub.person("guest", roles=["admin"], lives=600), expires_in=3600)
    assert seconds(hub, made) <= 601


def test_a_session_reaches_nothing_else(hub):
    for headers in (enter(hub, HOOKS), enter(hub, HOOKS, owner="customer-42"), enter(hub, hub.person("root"))):
        for path in ("/v1/acme/notifications", "/v1/acme/notifications/count", "/v1/acme/events", "/v1/acme/deliveries",
                     "/v1/acme/audit", "/v1/acme/plugins", "/v1/acme/users/ann", "/v1/acme/suppressions",
                     "/v1/acme/preferences", "/v1/admin/config", "/acme/admin", "/acme/notifications",
                     "/acme/preferences", "/acme/runs"):
            assert hub.get(path, headers).status_code == 403, path
        for path in ("/v1/globex/endpoints", "/globex/notifications", "/v1/globex/portal-links"):
            assert hub.get(path, headers).status_code in (404, 405), path
        assert hub.get("/v1/globex/endpoints", headers).status_code == 404
        refused = hub.get("/acme/notifications", {**headers, **HTML})
        assert 'href="/acme/endpoints"' in refused.text and 'href="/acme/notifications"' not in refused.text


def test_a_link_is_for_its_own_org_and_cannot_be_altered(hub):
    path = path_of(link(hub, HOOKS))
    assert hub.get(path.replace("/acme/", "/globex/")).status_code == 404
    broken = path[:-4] + ("AAAA" if not path.endswith("AAAA") else "BBBB")
    assert is_over(hub.get(broken)) and "not one of ours" in hub.get(broken).text
    assert is_over(hub.get("/acme/session?portal="))
    assert hub.get(path).status_code == 303
    assert hub.get("/v1/acme/endpoints", bearer({"secret": path.split("=")[1]})).status_code == 401


def test_somebody_who_is_signed_in_is_asked_first(hub):
    ann = cookie_of(hub.get(f"/acme/session?token={people.once('ann')}"))
    asked = hub.get(path_of(link(hub, HOOKS, owner="customer-42")), {**ann, **HTML})
    assert asked.status_code == 200 and "set-cookie" not in asked.headers
    assert "portal-hooks/customer-42" in asked.text and 'href="/acme/notifications"' in asked.text
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', asked.text))
    answer = hub.post("/acme/session", {**ann, "Sec-Fetch-Site": "same-origin"}, data=fields)
    assert answer.status_code == 303 and answer.headers["location"] == "/acme/endpoints"
    back = hub.get(f"/acme/session?token={people.once('ann')}", {**cookie_of(answer), **HTML})
    assert back.status_code == 200 and 'href="/acme/endpoints"' in back.text, "and on the way back"


def test_signing_out_leads_to_no_login_of_the_staff(hub):
    session = enter(hub, HOOKS)
    assert hub.post("/acme/session/end", {**session, "Sec-Fetch-Site": "cross-site"}).status_code == 403
    answer = hub.post("/acme/session/end", {**session, "Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 303 and answer.headers["location"] == "/acme/endpoints"
    left = cookie_of(answer)
    assert hub.get("/v1/acme/endpoints", left).status_code == 401
    assert is_over(hub.get("/acme/endpoints", {**left, **HTML}))
    assert hub.get("/acme/notifications", left).headers["location"].startswith("https://sso.example/")
    assert hub.get("/acme/endpoints").headers["location"].startswith("https://sso.example/"), "nobody was here before"


def test_links_are_in_the_audit_without_themselves(hub):
    made = link(hub, CRM, owner="customer-7", expires_in=120)
    row = hub.get("/v1/acme/audit?what=portal.link", people.token("reader")).json()["items"][0]
    assert (row["who"], row["what"]) == ("token:portal-crm", "portal.link")
    assert row["detail"] == {"owner": "customer-7", "expires_at": made["expires_at"]}
    assert made["url"].split("portal=")[1] not in hub.log()


def test_link_and_session_end_with_their_time(new_hub):
    hub = quiet(new_hub(configuration(), clock=True).start())
    late, soon = path_of(link(hub, HOOKS, expires_in=60)), enter(hub, HOOKS, expires_in=60)
    hub.clock.advance("59s")
    assert hub.get("/v1/acme/endpoints", soon).status_code == 200
    hub.clock.advance("2s")
    expired = hub.get(late)
    assert is_over(expired) and "good for a limited time" in expired.text
    assert hub.get("/v1/acme/endpoints", soon).status_code == 401
    assert is_over(hub.get("/acme/endpoints", {**soon, **HTML}))
    assert is_over(hub.post("/acme/endpoints/new", {**soon, **HTML, "Sec-Fetch-Site": "same-origin"}, data={"url": "x"}))


@pytest.mark.parametrize("change", ["gone", "secret", "right"])
def test_a_session_ends_with_the_token_that_made_it(new_hub, change):
    hub = quiet(new_hub(configuration()).start())
    session, unused = enter(hub, HOOKS, owner="customer-42"), path_of(link(hub, HOOKS))
    other = enter(hub, EVERY)
    tokens = hub.config["auth"]["tokens"]
    mine = next(t for t in tokens if t["name"] == "portal-hooks")
    if change == "gone":
        tokens.remove(mine)
    else:
        mine.update({"secret": "another-token-of-the-portal-hooks"} if change == "secret" else {"may": ["read"]})
    hub.write_config()
    assert hub.post("/v1/admin/reload", people.token("operator")).status_code == 200
    assert hub.get("/v1/acme/endpoints", session).status_code == 401
    assert is_over(hub.get("/acme/endpoints", {**session, **HTML}))
    assert hub.get("/v1/acme/endpoints", cookie_of(hub.get(unused))).status_code == 401
    assert hub.get("/v1/acme/endpoints", other).status_code == 200


def test_a_session_ends_with_the_role_of_who_made_it(new_hub):
    hub = quiet(new_hub(configuration()).start())
    session = enter(hub, hub.person("root"))
    assert hub.get("/v1/acme/endpoints", session).status_code == 200
    hub.config["orgs"]["acme"]["users"]["root"]["roles"] = []
    hub.write_config()
    assert hub.post("/v1/admin/reload", people.token("operator")).status_code == 200
    assert hub.get("/v1/acme/endpoints", session).status_code == 401


def test_a_session_outlives_a_restart_and_its_link_does_not(new_hub):
    hub = quiet(new_hub(configuration()).start())
    path = path_of(link(hub, HOOKS))
    session = cookie_of(hub.get(path))
    quiet(hub.restart())
    assert hub.get("/v1/acme/endpoints", session).status_code == 200
    assert is_over(hub.get(path))
