# SPDX-License-Identifier: Apache-2.0
"""How a browser is signed in: one JWT, one cookie, `next`, switching persons, signing out, writes from our own pages."""
import re
from urllib.parse import quote

import pytest
import requests

from support import people
from support.config import base
from support.events import case


@pytest.fixture
def hub(shared_hub):
    return shared_hub


def open_session(hub, token, next=None, cookies=None, **headers):
    query = f"?token={token}" + (f"&next={next}" if next is not None else "")
    return hub.get(f"/acme/session{query}", headers, cookies=cookies)


def cookie_of(answer):
    """The name=value of Set-Cookie, for a Cookie header."""
    return answer.headers["set-cookie"].split(";")[0]


def signed_in(hub, who="ann"):
    """Headers of a browser that is signed in. requests would keep cookies by itself, so each test says them."""
    return {"Cookie": cookie_of(open_session(hub, people.once(who)))}


@pytest.fixture(autouse=True)
def no_cookie_jar(hub):
    hub._session.cookies.set_policy(requests.cookies.cookielib.DefaultCookiePolicy(allowed_domains=[]))
    yield


def test_a_jwt_opens_a_session(hub):
    answer = open_session(hub, people.once("ann"))
    assert answer.status_code == 303
    assert answer.headers["location"] == "/acme/notifications"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie and "path=/" in cookie
    assert "secure" not in cookie, "public_url is http here"
    assert "no-store" in answer.headers["cache-control"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    headers = {"Cookie": cookie_of(answer)}
    assert hub.get("/acme/notifications", headers).status_code == 200
    assert hub.get("/v1/acme/notifications/count", headers).status_code == 200
    assert hub.get("/globex/notifications", headers).status_code == 404


def test_the_cookie_behind_https(new_hub):
    config = base()
    config["hub"]["public_url"] = "https://belfry.example.org"
    hub = new_hub(config).start()
    cookie = open_session(hub, people.once("ann")).headers["set-cookie"]
    assert cookie.startswith("__Host-") and "Secure" in cookie and "Path=/" in cookie and "Domain" not in cookie


def test_a_jwt_with_jti_works_once(hub):
    token = people.once("ann")
    assert open_session(hub, token).status_code == 303
    again = open_session(hub, token)
    assert again.status_code == 401 and "set-cookie" not in again.headers
    reusable = people.mint("ann")
    assert open_session(hub, reusable).status_code == 303
    assert open_session(hub, reusable).status_code == 303


def test_once_outlives_a_restart(new_hub):
    hub = new_hub().start()
    token = people.once("ann")
    cookie = cookie_of(open_session(hub, token))
    hub.restart()
    assert open_session(hub, token).status_code == 401
    assert hub.get("/acme/notifications", {"Cookie": cookie}).status_code == 200


@pytest.mark.parametrize("next,location", [
    ("/acme/n/123", "/acme/n/123"),
    ("/acme/notifications?severity=error", "/acme/notifications?severity=error"),
    (quote("/acme/notifications?severity=error&q=a b", safe=""), None),
    ("/", "/"),
])
def test_next(hub, next, location):
    answer = open_session(hub, people.once("ann"), next)
    if location is None:
        assert answer.status_code in (303, 400)
    else:
        assert answer.status_code == 303 and answer.headers["location"] == location


@pytest.mark.parametrize("next", [
    "https://evil.example/", "//evil.example/", "/\\evil.example", "\\\\evil.example", "evil", "javascript:alert(1)",
    "/%0d%0aSet-Cookie:%20a=b", "/%09/evil.example", "/a%00b", "%2f%2fevil.example", "/%5cevil.example",
])
def test_next_that_leads_away_is_400(hub, next):
    answer = open_session(hub, people.once("ann"), next)
    assert answer.status_code == 400, answer.headers
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("token", [
    "", "x", "a.b.c", people.mint("ann", secret=people.OTHER_SECRET), people.mint("ann", lives=-7200),
    people.mint("ann", secret="", algorithm="none"),
], ids=["empty", "letter", "dots", "other-key", "expired", "alg-none"])
def test_bad_tokens_open_nothing(hub, token):
    answer = open_session(hub, token)
    assert answer.status_code in (400, 401) and "set-cookie" not in answer.headers


def test_a_token_of_another_org_opens_nothing_here(hub):
    answer = open_session(hub, people.once("ann", org="globex"))
    assert answer.status_code == 404 and "set-cookie" not in answer.headers


def test_by_form(hub):
    answer = hub.post("/acme/session", {"Origin": hub.url}, data={"token": people.once("ann"), "next": "/acme/n/1"})
    assert answer.status_code == 303 and answer.headers["location"] == "/acme/n/1"
    assert answer.headers["set-cookie"]


def test_a_page_signed_in_as_another_person_asks_first(hub):
    ann, token = signed_in(hub, "ann"), people.once("bob")
    asked = open_session(hub, token, "/acme/notifications", **ann)
    assert asked.status_code == 200 and "set-cookie" not in asked.headers
    assert "ann" in asked.text and "bob" in asked.text and "<form" in asked.text
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', asked.text))
    answer = hub.post("/acme/session", {**ann, "Origin": hub.url, "Sec-Fetch-Site": "same-origin"}, data=fields)
    assert answer.status_code == 303 and answer.headers["set-cookie"]
    answer = hub.post("/acme/session", {**ann, "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
                      data={**fields, "token": people.once("bob")})
    assert "set-cookie" not in answer.headers, "another site cannot answer the question"
    same = open_session(hub, people.once("ann"), **ann)
    assert same.status_code == 303


def test_writes_by_cookie_come_from_our_own_pages(hub):
    hub.send(case("bob", name="Guarded"))
    id = hub.items("bob")[0]["id"]
    cookie = signed_in(hub, "bob")
    path = f"/v1/acme/notifications/{id}/read"
    for foreign in [{}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
                    {"Sec-Fetch-Site": "same-site"}, {"Origin": "http://hub.test.evil.example"}]:
        assert hub.post(path, {**cookie, **foreign}).status_code == 403, foreign
    assert hub.items("bob")[0]["read_at"] is None
    assert hub.post(path, {**cookie, "Sec-Fetch-Site": "same-origin"}).status_code == 200
    assert hub.post(path, {**cookie, "Origin": hub.url}).status_code == 200
    assert hub.post(path, hub.person("bob")).status_code == 200, "a Bearer token is no cookie"


def test_signing_out(hub):
    cookie = signed_in(hub)
    answer = hub.post("/acme/session/end", {**cookie, "Origin": hub.url})
    assert answer.status_code == 303
    assert "max-age=0" in answer.headers["set-cookie"].lower() or "expires=" in answer.headers["set-cookie"].lower()
    assert hub.post("/acme/session/end", {**cookie, "Origin": "https://evil.example"}).status_code == 403


def test_the_session_ends_with_the_jwt(timed):
    answer = open_session(timed, people.mint("ann", now=timed.now(), lives=3600))
    cookie = {"Cookie": cookie_of(answer)}
    assert timed.get("/acme/notifications", cookie).status_code == 200
    timed.clock.advance("50m")
    assert timed.get("/acme/notifications", cookie).status_code == 200
    timed.clock.advance("12m")
    assert timed.get("/acme/notifications", cookie).status_code == 401


@pytest.mark.parametrize("value", ["", "x", "a" * 3000, "YWJj", "%00"], ids=["empty", "x", "long", "abc", "nul"])
def test_forged_cookies(hub, value):
    name = cookie_of(open_session(hub, people.once("ann"))).split("=")[0]
    assert hub.get("/acme/notifications", {"Cookie": f"{name}={value}"}).status_code == 401


def test_a_cookie_that_was_changed(hub):
    name, value = cookie_of(open_session(hub, people.once("ann"))).split("=", 1)
    for i in range(0, len(value), 7):
        changed = value[:i] + ("A" if value[i] != "A" else "B") + value[i + 1:]
        assert hub.get("/acme/notifications", {"Cookie": f"{name}={changed}"}).status_code == 401


def test_without_a_session(new_hub):
    config = base()
    config["auth"]["login_url"] = "https://app.example.org/sso?next={next}"
    hub = new_hub(config).start()
    answer = hub.get("/acme/notifications?severity=error")
    assert answer.status_code == 303
    assert answer.headers["location"] == \
        "https://app.example.org/sso?next=" + quote("/acme/notifications?severity=error", safe="")
    assert hub.get("/v1/acme/notifications").status_code == 401, "the API does not redirect"


def test_without_a_session_and_without_a_login_url(hub):
    answer = hub.get("/acme/notifications")
    assert answer.status_code == 401 and "text/html" in answer.headers["content-type"]


def test_login_link(hub):
    done = hub.belfry("login-link", "--org", "acme", "--user", "carl")
    assert done.returncode == 0, done.stderr
    url = done.stdout.strip()
    assert url.startswith("http://hub.test/acme/session?token=")
    bearer = people.bearer(url.split("token=")[1])
    assert hub.get("/v1/acme/notifications/count", bearer).status_code == 401, "as a bearer it would work many times"
    answer = hub.get(url.removeprefix("http://hub.test"))
    assert answer.status_code == 303
    assert hub.get("/v1/acme/notifications/count", {"Cookie": cookie_of(answer)}).status_code == 200
    assert hub.get(url.removeprefix("http://hub.test")).status_code == 401, "a link works once"
    assert hub.get("/v1/acme/notifications/count", bearer).status_code == 401
    assert hub.belfry("login-link", "--org", "nowhere", "--user", "carl").returncode == 1


BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 "
                  "Safari/537.36",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
    "Accept-Encoding": "gzip, deflate, br", "Accept-Language": "en-US,en;q=0.9", "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "same-origin", "Sec-Fetch-User": "?1",
    "Upgrade-Insecure-Requests": "1",
    "Sec-Ch-Ua": '"Chromium";v="120", "Not?A_Brand";v="8"', "Sec-Ch-Ua-Mobile": "?0", "Sec-Ch-Ua-Platform": '"Linux"',
    "Referer": "http://hub.test/acme/notifications?severity=error",
}


def test_the_largest_cookie_that_is_given_is_answered(hub):
    """Beside what a browser sends by itself, and some cookies of the application."""
    largest = None
    for count in range(1, 64):
        token = people.mint("ann", roles=[f"role-{i:03d}-of-the-host-application" for i in range(count)])
        answer = open_session(hub, token)
        if answer.status_code != 303:
            break
        largest = cookie_of(answer)
    assert answer.status_code == 400 and "shorter roles" in answer.json()["detail"]
    assert len(largest) > 1800
    others = "; ".join(f"_app_{i}={'x' * 40}" for i in range(8))
    answer = hub.get("/acme/notifications", {**BROWSER, "Cookie": f"{others}; {largest}"})
    assert answer.status_code == 200 and "Notifications" in answer.text


def test_tokens_are_in_no_log(hub):
    token = people.once("ann")
    open_session(hub, token)
    open_session(hub, token[:-2])
    assert token not in hub.log() and token[:-2] not in hub.log()
