# SPDX-License-Identifier: Apache-2.0
"""C4 as a matrix: every route for every kind of caller. What may not be called says 401, 403 or 404, and tells nothing."""
import base64
import hashlib
import hmac
import json
import re
import time
from http.cookiejar import DefaultCookiePolicy

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from support import people
from support.config import base
from support.events import case, cloud_event
from support.paths import SRC

SECRET_TITLE = "Merger with Initech"
NOBODY = "00000000-0000-7000-8000-000000000000"

CONSOLE = {"role:admin", "token:read", "token:admin"}
CHANGES = {"role:admin", "token:admin"}
ENDPOINT_WRITES = {"role:admin", "token:endpoints", "token:endpoints:own", "token:admin"}

# method, path, who may: person, or what a token may, or a role; a body that is well formed
ROUTES = [
    ("POST", "/v1/acme/sources/crm/triggers", {"token:trigger:crm"}, None),
    ("GET", "/v1/acme/sources/hr-sync/runs", {"person", "token:read", "token:admin"}, None),
    ("GET", "/v1/acme/sources/hr-sync/runs/{run}", {"person", "token:read", "token:admin"}, None),
    ("GET", "/acme/runs", {"person"}, None),
    ("GET", "/acme/runs/hr-sync", {"person"}, None),
    ("GET", "/acme/runs/hr-sync/{run}", {"person"}, None),
    ("GET", "/v1/acme/notifications", {"person"}, None),
    ("GET", "/v1/acme/notifications/count", {"person"}, None),
    ("GET", "/v1/acme/notifications/export", {"person"}, None),
    ("GET", "/v1/acme/notifications/{id}", {"person"}, None),
    ("POST", "/v1/acme/notifications/{id}/read", {"person"}, None),
    ("POST", "/v1/acme/notifications/{id}/unread", {"person"}, None),
    ("POST", "/v1/acme/notifications/{id}/hide", {"person"}, None),
    ("POST", "/v1/acme/notifications/{id}/unhide", {"person"}, None),
    ("POST", "/v1/acme/notifications/bulk", {"person"}, {"action": "hide", "ids": ["{id}"]}),
    ("POST", "/v1/acme/notifications/undo", {"person"}, {"op": "op_x"}),
    ("POST", "/v1/acme/notifications/seen", {"person"}, {"ids": ["{id}"]}),
    ("POST", "/v1/acme/notifications/{id}/actions/approve", {"person"}, None),
    ("POST", "/v1/acme/notifications/refresh", {"person"}, None),
    ("GET", "/v1/acme/jobs/" + NOBODY, {"person"}, None),
    ("GET", "/v1/acme/stream", {"person"}, None),
    ("GET", "/v1/acme/preferences", {"person"}, None),
    ("PUT", "/v1/acme/preferences", {"person"}, {"shortcuts": True}),
    ("GET", "/acme/preferences", {"person"}, None),
    ("POST", "/acme/preferences", {"person"}, None),
    ("POST", "/acme/preferences/address", {"person"}, None),
    ("GET", "/acme/notifications", {"person"}, None),
    ("POST", "/acme/notifications/act", {"person"}, None),
    ("GET", "/acme/n/{id}", {"person"}, None),
    ("GET", "/v1/acme/events", {"role:admin", "token:read", "token:admin"}, None),
    ("GET", "/v1/acme/events/{event}", {"role:admin", "token:read", "token:admin"}, None),
    ("POST", "/v1/acme/explain", {"person", "token:read", "token:admin"}, {"event": "{event}"}),
    ("POST", "/v1/acme/events/{event}/reveal", {"role:admin", "token:admin"}, None),
    ("GET", "/v1/acme/deliveries", {"role:admin", "token:read", "token:admin"}, None),
    ("GET", "/v1/acme/deliveries/" + NOBODY, {"role:admin", "token:read", "token:admin"}, None),
    ("POST", "/v1/acme/deliveries/" + NOBODY + "/retry", {"role:admin", "token:admin"}, None),
    ("POST", "/v1/acme/deliveries/" + NOBODY + "/cancel", {"role:admin", "token:admin"}, None),
    ("POST", "/v1/acme/channels/mail/test", {"role:admin", "token:admin"}, {"to": 7}),
    ("POST", "/v1/acme/templates/preview", {"role:admin", "token:admin"}, {"event": "{event}"}),
    ("POST", "/v1/acme/deliveries/retry", {"role:admin", "token:admin"}, {"ids": []}),
    ("POST", "/v1/acme/deliveries/discard", {"role:admin", "token:admin"}, {"filter": {"channel": "none"}}),
    ("GET", "/v1/acme/users/somebody", {"role:admin", "token:users", "token:read", "token:admin"}, None),
    ("PUT", "/v1/acme/users/somebody", {"role:admin", "token:users", "token:admin"}, {"name": "Some Body"}),
    ("PUT", "/v1/acme/users", {"role:admin", "token:users", "token:admin"}, {"items": []}),
    ("DELETE", "/v1/acme/users/somebody", {"role:admin", "token:users", "token:admin"}, None),
    ("GET", "/v1/acme/audit", {"role:admin", "token:read", "token:admin"}, None),
    ("GET", "/v1/acme/suppressions", {"role:admin", "token:read", "token:admin"}, None),
    ("DELETE", "/v1/acme/suppressions", {"role:admin", "token:admin"}, None),
    ("DELETE", "/v1/acme/suppressions/somebody", {"role:admin", "token:admin"}, None),
    ("GET", "/v1/acme/overview", {"role:admin", "token:read", "token:admin"}, None),
    ("GET", "/v1/acme/endpoints", ENDPOINT_WRITES | {"token:read"}, None),
    ("POST", "/v1/acme/endpoints", ENDPOINT_WRITES, {"url": 7}),
    ("GET", "/v1/acme/endpoints/" + NOBODY, ENDPOINT_WRITES | {"token:read"}, None),
    ("PATCH", "/v1/acme/endpoints/" + NOBODY, ENDPOINT_WRITES, {"rate": 5}),
    ("DELETE", "/v1/acme/endpoints/" + NOBODY, ENDPOINT_WRITES, None),
    ("POST", "/v1/acme/endpoints/" + NOBODY + "/enable", ENDPOINT_WRITES, None),
    ("POST", "/v1/acme/endpoints/" + NOBODY + "/disable", ENDPOINT_WRITES, None),
    ("POST", "/v1/acme/endpoints/" + NOBODY + "/rotate", ENDPOINT_WRITES, None),
    ("POST", "/v1/acme/endpoints/" + NOBODY + "/recover", ENDPOINT_WRITES, {"since": "2026-01-01T00:00:00Z"}),
    ("POST", "/v1/acme/endpoints/" + NOBODY + "/test", ENDPOINT_WRITES, None),
    ("GET", "/v1/acme/endpoints/" + NOBODY + "/attempts", ENDPOINT_WRITES | {"token:read"}, None),
    ("POST", "/v1/acme/endpoints/" + NOBODY + "/attempts/" + NOBODY + "/resend", ENDPOINT_WRITES, None),
    ("GET", "/v1/acme/plugins", {"role:admin", "token:read", "token:admin"}, None),
    ("GET", "/v1/acme/categories", {"role:admin", "token:read", "token:admin"}, None),
    ("GET", "/v1/acme/categories/news/audience", {"role:admin", "token:read", "token:admin"}, None),
    ("GET", "/v1/acme/event-types", ENDPOINT_WRITES | {"token:read"}, None),
    ("GET", "/acme/admin", CONSOLE, None),
    ("GET", "/acme/admin/events", CONSOLE, None),
    ("GET", "/acme/admin/events/{event}", CONSOLE, None),
    ("POST", "/acme/admin/events/{event}/reveal", CHANGES, None),
    ("GET", "/acme/admin/explain", CONSOLE, None),
    ("POST", "/acme/admin/explain", CONSOLE, None),
    ("GET", "/acme/admin/deliveries", CONSOLE, None),
    ("GET", "/acme/admin/deliveries/" + NOBODY, CONSOLE, None),
    ("POST", "/acme/admin/deliveries/" + NOBODY, CHANGES, None),
    ("GET", "/acme/admin/dead-letters", CONSOLE, None),
    ("POST", "/acme/admin/dead-letters", CHANGES, None),
    ("GET", "/acme/admin/endpoints", CONSOLE, None),
    ("GET", "/acme/admin/endpoints/" + NOBODY, CONSOLE, None),
    ("POST", "/acme/admin/endpoints/" + NOBODY, CHANGES, None),
    ("GET", "/acme/admin/plugins", CONSOLE, None),
    ("GET", "/acme/admin/categories", CONSOLE, None),
    ("GET", "/acme/admin/categories/news", CONSOLE, None),
    ("GET", "/acme/admin/suppressions", CONSOLE, None),
    ("POST", "/acme/admin/suppressions", CHANGES, None),
    ("GET", "/acme/admin/audit", CONSOLE, None),
    ("POST", "/v1/admin/reload", {"operator"}, None),
    ("GET", "/v1/admin/config", {"operator"}, None),
    ("GET", "/v1/admin/plugins", {"operator"}, None),
    ("GET", "/v1/admin/audit", {"operator"}, None),
    ("GET", "/v1/admin/feeds", {"operator"}, None),
    ("POST", "/v1/admin/login-link", {"operator"}, {"org": "acme", "user": "ann"}),
    ("POST", "/v1/admin/bounces", {"operator"}, {"no": "mail"}),
]

PAGES = ["/edit", "/attempts", "/test", "/rotate", "/recover", "/enable", "/disable", "/delete"]
ROUTES += [("POST", "/v1/acme/portal-links", ENDPOINT_WRITES, {})]
ROUTES += [("GET", "/acme/endpoints" + page, ENDPOINT_WRITES, None) for page in ["", "/new", "/types", "/verify", "/" + NOBODY]]
ROUTES += [("POST", "/acme/endpoints/new", ENDPOINT_WRITES, None)]
ROUTES += [(method, f"/acme/endpoints/{NOBODY}{page}", ENDPOINT_WRITES, None) for page in PAGES for method in ["GET", "POST"]]

# Open to everybody: what opens a session, what a local request may ask, files of pages; webhooks, which are signed
# (test_xero.py), and the links of mails, which are too (test_unsubscribe.py).
OPEN = {("POST", "/v1/{}/sources/{}/xero"), ("POST", "/v1/{}/sources/{}/hook"), ("GET", "/{}/session"), ("POST", "/{}/session"),
        ("POST", "/{}/session/end"), ("GET", "/healthz"), ("GET", "/favicon.ico"), ("GET", "/openapi.json"),
        ("GET", "/readyz"), ("GET", "/metrics"), ("GET", "/assets/{}"), ("GET", "/assets/{}/{}"),
        ("GET", "/{}/u/{}"), ("POST", "/{}/u/{}")}

RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_KEY = rsa.generate_private_key(65537, 2048)


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def raw_jwt(header, body, key):
    """A JWT that no library would sign: any header, HMAC with any bytes."""
    text = b64(json.dumps(header).encode()) + "." + b64(json.dumps(body).encode())
    signature = b64(hmac.new(key, text.encode(), hashlib.sha256).digest()) if key is not None else ""
    return f"{text}.{signature}"


def public_pem(key):
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    from support.hub import Hub
    root = tmp_path_factory.mktemp("matrix")
    keys = [{**json.loads(RSAAlgorithm.to_jwk(RSA_KEY.public_key())), "kid": "r", "use": "sig"},
            {**json.loads(ECAlgorithm.to_jwk(EC_KEY.public_key())), "kid": "e"}]
    (root / "jwks.json").write_text(json.dumps({"keys": keys}))
    config = base()
    config["auth"]["jwt"]["jwks"] = str(root / "jwks.json")
    config["orgs"]["globex"]["jwt"] = {"hs256": ["only globex signs with this one, and no other"]}
    config["sources"]["hr-sync"] = {"plugin": "sync"}
    config["sources"]["billing"] = {"plugin": "invoice"}
    config["channels"]["mail"] = {"plugin": "email", "smtp": "smtp://127.0.0.1:1", "from": "notify@acme.example"}
    hub = Hub(root / "hub", config)
    try:
        hub.start()
        hub.send(case("victor", "secret", SECRET_TITLE))
        hub.ids = {"id": hub.items("victor", roles=["sales-manager"])[0]["id"], "event": hub.events()[0]["id"], "run": "7"}
        hub.send(cloud_event("sync.finished", {"run": {"id": "7"}, "outcome": "succeeded", "log": SECRET_TITLE}), "hr-sync")
        yield hub
    finally:
        hub.show_log()
        hub.close()


def call(hub, route, headers):
    method, path, _, body = route
    fill = lambda text: re.sub(r"{(id|event|run)}", lambda hole: hub.ids[hole[1]], text)  # noqa: E731
    if path.endswith("/triggers"):
        return hub.request(method, path, {**headers, "Content-Type": "application/cloudevents+json"},
                           data=json.dumps(case("ann")))
    answer = hub.request(method, fill(path), headers, stream=path.endswith("/stream"),
                         json=json.loads(fill(json.dumps(body))) if body is not None else None)
    if path.endswith("/stream") and answer.status_code == 200:
        answer._content = b""  # it has no end
        answer.close()
    return answer


def name(route):
    return f"{route[0]} {route[1]}".replace(NOBODY, "x")


def tells_nothing(answer, route):
    assert SECRET_TITLE not in answer.text, name(route)
    assert "initech" not in answer.text.lower()
    if answer.status_code >= 400 and not answer.headers.get("content-type", "").startswith("text/html"):
        assert answer.headers["content-type"].startswith("application/problem+json")


FORGED = {
    "none": {},
    "empty bearer": people.bearer(""),
    "a bad token": people.bearer("token-of-nobody-at-all"),
    "a token cut short": people.bearer(people.TOKENS["admin"]["secret"][:-1]),
    "basic": {"Authorization": "Basic " + base64.b64encode(b"admin:admin").decode()},
    "expired": lambda: people.person("victor", roles=["admin", "sales-manager"], lives=-120),
    "more than a day": lambda: people.person("victor", roles=["admin"], lives=90_000),
    "no exp": lambda: people.bearer(raw_jwt({"alg": "HS256"}, {"sub": "victor", "org": "acme"}, people.JWT_SECRET.encode())),
    "not yet": lambda: people.person("victor", nbf=int(time.time()) + 600),
    "another secret": lambda: people.bearer(people.mint("victor", secret=people.OTHER_SECRET)),
    "alg none": lambda: people.bearer(raw_jwt({"alg": "none"}, people.claims("victor"), None)),
    "alg None": lambda: people.bearer(raw_jwt({"alg": "None"}, people.claims("victor"), b"")),
    "alg nOnE with a signature": lambda: people.bearer(raw_jwt({"alg": "nOnE"}, people.claims("victor"), b"x")),
    "alg HS512": lambda: people.bearer(people.mint("victor", algorithm="HS512")),
    "no alg": lambda: people.bearer(raw_jwt({}, people.claims("victor"), people.JWT_SECRET.encode())),
    "crit": lambda: people.bearer(raw_jwt({"alg": "HS256", "crit": ["x"], "x": 1}, people.claims("victor"),
                                          people.JWT_SECRET.encode())),
    "the RSA key as HMAC secret, PEM": lambda: people.bearer(
        raw_jwt({"alg": "HS256", "kid": "r"}, people.claims("victor"), public_pem(RSA_KEY))),
    "the RSA modulus as HMAC secret": lambda: people.bearer(
        raw_jwt({"alg": "HS256", "kid": "r"}, people.claims("victor"),
                RSA_KEY.public_key().public_numbers().n.to_bytes(256, "big"))),
    "a stranger's RSA key": lambda: people.bearer(people.mint("victor", secret=OTHER_KEY, algorithm="RS256",
                                                              headers={"kid": "r"})),
    "its own key in the header": lambda: people.bearer(people.mint(
        "victor", secret=OTHER_KEY, algorithm="RS256",
        headers={"jwk": json.loads(RSAAlgorithm.to_jwk(OTHER_KEY.public_key()))})),
    "RS512": lambda: people.bearer(people.mint("victor", secret=RSA_KEY, algorithm="RS512", headers={"kid": "r"})),
    "a changed body": lambda: people.bearer(".".join(
        [people.mint("ann").split(".")[0], people.mint("victor").split(".")[1], people.mint("ann").split(".")[2]])),
    "globex's key for acme": lambda: people.bearer(
        people.mint("victor", secret="only globex signs with this one, and no other")),
    "no sub": lambda: people.bearer(raw_jwt({"alg": "HS256"}, {"org": "acme", "exp": int(time.time()) + 600},
                                            people.JWT_SECRET.encode())),
    "sub with a slash": lambda: people.person("a/b"),
    "roles that are no list": lambda: people.person("victor", roles="admin"),
    "a cookie of ones own": {"Cookie": "belfry=eyJzIjoidmljdG9yIn0"},
}


@pytest.mark.parametrize("how", FORGED)
def test_without_a_credential_that_counts_everything_is_401(hub, how):
    headers = FORGED[how]
    headers = headers() if callable(headers) else headers
    for route in ROUTES:
        answer = call(hub, route, headers)
        assert answer.status_code == 401, f"{name(route)}: {answer.status_code} {answer.text}"
        tells_nothing(answer, route)


def session(hub, name, org="acme", roles=None):
    """Headers of a browser that is signed in and shows one of our own pages."""
    answer = hub.get(f"/{org}/session?token={people.mint(name, org, roles)}")
    return {"Cookie": answer.headers["set-cookie"].split(";")[0], "Sec-Fetch-Site": "same-origin"}


@pytest.fixture(autouse=True)
def no_cookie_jar(hub):
    hub._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))


@pytest.mark.parametrize("who", ["token", "person", "session"])
def test_of_another_org_everything_is_404(hub, who):
    stranger = ("victor", "globex", ["admin", "sales-manager"])
    headers = people.token("other") if who == "token" else \
        people.person(*stranger) if who == "person" else session(hub, *stranger)
    for route in ROUTES:
        answer = call(hub, route, headers)
        wanted = 403 if route[1].startswith("/v1/admin") else 404
        assert answer.status_code == wanted, f"{name(route)}: {answer.status_code} {answer.text}"
        tells_nothing(answer, route)


def test_what_is_anothers_orgs_is_404_in_ones_own(hub):
    """The ids are real and the caller may everything, but in another org."""
    before = hub.items("victor", roles=["sales-manager"])[0]["rev"]
    person = people.person("victor", "globex", ["admin", "sales-manager"])
    for route in ROUTES:
        method, path, may, body = route
        if not re.search("{(id|event|run)}", path + json.dumps(body)):
            continue
        for headers in [person] + ([people.token("other")] if may & {"token:admin", "token:read"} else []):
            answer = call(hub, (method, path.replace("/acme/", "/globex/"), may, body), headers)
            tells_nothing(answer, route)
            if path.endswith("/seen"):
                assert answer.status_code == 204, "ids that are not mine are ignored"
            elif path.endswith("/bulk"):
                assert answer.json()["changed"] == 0
            else:
                assert answer.status_code == 404, f"{name(route)}: {answer.status_code} {answer.text}"
    assert hub.items("victor", roles=["sales-manager"])[0]["rev"] == before


@pytest.mark.parametrize("org", ["nowhere", "ACME", "acme%20", "%61cme2", "admin", "v1", "..", "acme.", "a" * 64])
def test_an_unknown_org_is_404(hub, org):
    operators = {path for _, path, _, _ in ROUTES if path.startswith("/v1/admin")}
    for method, path, _, _ in ROUTES:
        if not {path, path.replace("/acme/", f"/{org}/")} & operators:
            answer = hub.request(method, path.replace("/acme/", f"/{org}/"), people.token("all"))
            assert answer.status_code in ({404, 405} if org in ("v1", "..") else {404}), f"{method} {path} {answer.status_code} {answer.text}"


CALLERS = {
    "a person": (lambda: people.person("paula"), {"person"}),
    "a manager": (lambda: people.person("paula", roles=["sales-manager"]), {"person", "role:sales-manager"}),
    "an admin": (lambda: people.person("paula", roles=["admin"]), {"person", "role:admin"}),
    "an admin of the directory": (lambda: people.person("root"), {"person", "role:admin"}),
    "an admin with a session": (None, {"person", "role:admin"}),
    "a trigger token": (lambda: people.token("crm"), {"token:trigger:crm"}),
    "a read token": (lambda: people.token("reader"), {"token:read"}),
    "a users token": (lambda: people.token("users"), {"token:users"}),
    "an endpoints token": (lambda: people.token("endpoints"), {"token:endpoints"}),
    "a token of its own endpoints": (lambda: people.token("own"), {"token:endpoints:own"}),
    "an admin token": (lambda: people.token("admin"), {"token:admin"}),
    "an operator": (lambda: people.token("operator"), {"operator"}),
    "a token for all": (lambda: people.token("all"), {"token:trigger:crm", "token:read"}),
}


@pytest.mark.parametrize("who", CALLERS)
def test_who_may_what(hub, who):
    headers, is_ = CALLERS[who]
    headers = headers() if headers else session(hub, "paula", roles=["admin"])
    for route in ROUTES:
        answer = call(hub, route, headers)
        if is_ & route[2]:
            assert answer.status_code not in (401, 403, 405), f"{name(route)}: {answer.status_code} {answer.text}"
        else:
            assert answer.status_code == 403, f"{name(route)}: {answer.status_code} {answer.text}"
            assert "needs" in answer.json()["detail"], "names what is needed"
        may_see = is_ & {"role:admin", "token:read", "token:admin"} and re.search("event|explain|preview|runs|/admin$", route[1])
        if not may_see:
            tells_nothing(answer, route)


ELSEWHERE = [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "none"}, {},
             {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://hub.test.evil.example"},
             {"Sec-Fetch-Site": "cross-site", "Origin": "http://hub.test"}]


@pytest.mark.parametrize("where", ELSEWHERE, ids=str)
def test_with_the_cookie_alone_nothing_is_written(hub, where):
    """Another site can make a browser send it along, but not say that it is our page."""
    headers = {**where, "Cookie": session(hub, "victor", roles=["admin", "sales-manager"])["Cookie"]}
    for route in ROUTES:
        if route[0] != "GET":
            answer = call(hub, route, headers)
            assert answer.status_code == 403, f"{name(route)}: {answer.status_code} {answer.text}"
            tells_nothing(answer, route)


def test_the_matrix_has_every_route_of_the_sources():
    """A route that is added has to be added above, too."""
    pattern = re.compile(r'"(GET|POST|PUT|PATCH|DELETE)", "(/[^"]*)"')
    plain = lambda path: re.sub(r"\{[^}]*\}", "{}", path)  # noqa: E731
    found = set()
    for file in [*(SRC / "core").rglob("*.c"), *(SRC / "plugins").rglob("*.c")]:
        if file.parent.name not in {"cli", "console", "portal"}:  # these ask; the console's own routes are in the next test
            found |= {(method, plain(path)) for method, path in pattern.findall(file.read_text())}
    known = {(method, re.sub(r"^/v1/acme|^/acme", lambda m: m.group().replace("acme", "{}"),
                             plain(path.replace(NOBODY, "{}").replace("/crm/", "/{}/").replace("/hr-sync", "/{}")
                                   .replace("/users/ann", "/users/{}").replace("/users/somebody", "/users/{}")
                                   .replace("/suppressions/somebody", "/suppressions/{}")
                                   .replace("/actions/approve", "/actions/{}").replace("/categories/news", "/categories/{}")
                                   .replace("/channels/mail", "/channels/{}"))))
             for method, path, _, _ in ROUTES}
    assert len(found) > 30
    assert found - known - OPEN == set()


def test_the_matrix_is_that_of_the_running_hub(hub):
    """Each route that there is stands above, with the very callers that its own auth lets in."""
    words = {"acme": "{}", "crm": "{}", "mail": "{}", "hr-sync": "{}", "somebody": "{}", "approve": "{}", "news": "{}", NOBODY: "{}"}
    plain = lambda path: "/".join(words.get(s, "{}" if s.startswith("{") else s) for s in path.split("/"))  # noqa: E731
    matrix = {(method, plain(path)): may for method, path, may, _ in ROUTES}
    running = {}
    for path, methods in hub.get("/openapi.json").json()["paths"].items():
        for method, operation in methods.items():
            may = set()
            for (kind, needs), in (need.items() for need in operation["security"]):
                if kind == "token":
                    special = {"trigger": "token:trigger:crm", "operator": "operator"}
                    may |= {special.get(need, f"token:{need}") for need in needs}
                else:
                    may |= {f"role:{role}" for role in needs} or {"person"}
            running[method.upper(), plain(path)] = may
    assert {route for route, may in running.items() if not may} == OPEN
    assert {route: may for route, may in running.items() if may} == matrix


def test_a_recipient_without_the_role_is_told_nothing_by_explain(hub):
    """The row is theirs, the category is not: every door asks again."""
    ask = {"event": hub.ids["event"]}
    for roles, status in [(None, 404), (["admin-of-nothing"], 404), (["sales-manager"], 200)]:
        answer = hub.post("/v1/acme/explain", people.person("victor", roles=roles), json=ask)
        assert answer.status_code == status, answer.text
        assert (SECRET_TITLE in answer.text) == (status == 200)


def test_a_token_has_no_inbox(hub):
    for secret in ["admin", "reader", "all"]:
        answer = hub.get("/v1/acme/notifications", people.token(secret))
        assert answer.status_code == 403 and "inbox" in answer.json()["detail"]


def test_the_operator_is_never_a_jwt(hub):
    for claims in [{"roles": ["operator", "admin"]}, {"roles": ["*"]}]:
        headers = people.person("ann", **claims)
        assert hub.get("/v1/admin/config", headers).status_code == 403
    assert hub.get("/v1/acme/notifications", people.person("ann", org="*")).status_code == 401


def test_signatures_that_do_count(hub):
    for headers in [
        people.person("victor"),
        people.bearer(people.mint("victor", secret=RSA_KEY, algorithm="RS256", headers={"kid": "r"})),
        people.bearer(people.mint("victor", secret=RSA_KEY, algorithm="PS256", headers={"kid": "r"})),
        people.bearer(people.mint("victor", secret=EC_KEY, algorithm="ES256", headers={"kid": "e"})),
        people.bearer(people.mint("victor", secret=EC_KEY, algorithm="ES256")),
        people.person("victor", lives=-30),  # the leeway of a minute
        people.person("victor", lives=86_000),
    ]:
        assert hub.get("/v1/acme/notifications/count", headers).status_code == 200
    own = people.mint("ann", "globex", secret="only globex signs with this one, and no other")
    assert hub.get("/v1/globex/notifications/count", people.bearer(own)).status_code == 200


def test_every_method_on_every_path(hub):
    """405 with what the path does take, whoever asks."""
    for _, path, _, _ in ROUTES:
        takes = {r[0] for r in ROUTES if r[1] == path}
        takes |= {"OPTIONS"} | ({"HEAD"} if "GET" in takes else set())
        for method in {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "BREW"} - takes:
            answer = hub.request(method, path.replace("{id}", NOBODY).replace("{event}", NOBODY))
            assert answer.status_code == 405, f"{method} {path} {answer.status_code}"
            assert set(answer.headers["allow"].split(", ")) == takes, f"{method} {path}"
        answer = hub.request("OPTIONS", path)
        assert answer.status_code == 204 and set(answer.headers["allow"].split(", ")) == takes


@pytest.mark.parametrize("method,path,body", [
    ("GET", "/v1/acme/notifications/count", None), ("HEAD", "/v1/acme/notifications", None),
    ("GET", "/v1/acme/notifications/nonsense", None), ("GET", "/v1/globex/notifications", None),
    ("POST", "/v1/acme/notifications/nonsense/read", None), ("POST", "/v1/acme/notifications/seen", {"ids": []}),
])
def test_the_connection_outlives_a_look_into_the_directory(hub, method, path, body):
    """Roles that no JWT names are looked up before the request goes on; the client need not connect again for it."""
    who = f"stranger-{method}-{path.replace('/', '-')}-{body is None}"
    answer = hub.request(method, path, hub.person(who), json=body)
    assert answer.status_code < 500 and answer.headers.get("connection", "").lower() != "close"
