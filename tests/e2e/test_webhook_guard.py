# SPDX-License-Identifier: Apache-2.0
"""The SSRF guard: what an endpoint may not be, and that nothing of it is ever connected to."""
import pytest

from support.config import base, endpoint, with_hooks
from support.events import created
from support.wait import stays, until


def refused(hub):
    return until(lambda: [d for d in hub.deliveries("?channel=hooks") if d["attempts"] > 0 or d["state"] == "failed"])


def test_loopback_is_refused_unless_it_is_named(new_hub, receiver):
    hub = new_hub(with_hooks(base(), receiver.endpoint(), allow_cidrs=None)).start()
    hub.send(created())
    one = refused(hub)[0]
    assert "blocked" in one["detail"] or "not allowed" in one["detail"], one["detail"]
    stays(lambda: receiver.deliveries == [])


@pytest.mark.parametrize("host", ["localhost", "127.1", "0x7f.1", "2130706433", "0177.0.0.1", "0", "0.0.0.0", "[::1]",
                                  "[::ffff:127.0.0.1]", "[::]"])
def test_other_names_of_loopback_are_refused(new_hub, receiver, host):
    config = with_hooks(base(), endpoint("tricky", f"http://{host}:{receiver.port}/"), allow_cidrs=["10.0.0.0/8"])
    hub = new_hub(config).start()
    hub.send(created())
    refused(hub)
    stays(lambda: receiver.deliveries == [])


def test_a_range_that_is_named_is_allowed_and_no_other(new_hub, receiver):
    config = with_hooks(base(), receiver.endpoint(), allow_cidrs=["127.0.0.1/32"])
    hub = new_hub(config).start()
    hub.send(created())
    receiver.wait(1)


def test_a_redirect_is_not_followed(new_hub, receiver):
    receiver.answer("/local", (307, {"Location": receiver.url("/inside")}))
    hub = new_hub(with_hooks(base(), receiver.endpoint())).start()
    hub.send(created())
    receiver.wait(1, "/local")
    refused(hub)
    stays(lambda: receiver.at("/inside") == [])


def test_a_proxy_of_the_environment_is_ignored(new_hub, receiver):
    hub = new_hub(with_hooks(base(), receiver.endpoint()))
    hub.env = {"http_proxy": "http://127.0.0.1:9", "ALL_PROXY": "http://127.0.0.1:9"}
    hub.start()
    hub.send(created())
    receiver.wait(1)


@pytest.mark.parametrize("url", ["ftp://example.org/", "file:///etc/passwd", "gopher://example.org/", "not a url",
                                 "http://", "//example.org/"])
def test_only_http_and_https(new_hub, url):
    hub = new_hub(with_hooks(base(), endpoint("odd", url)))
    hub.spawn()
    assert hub.wait() == 78, hub.log()
    assert "url" in hub.log() or "http" in hub.log()


def test_a_long_answer_is_cut(new_hub, receiver):
    """An endpoint that answers without end fills nothing."""
    import http.server
    import threading

    class Endless(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.end_headers()
            try:
                for _ in range(4096):
                    self.wfile.write(b"x" * 65536)
            except OSError:
                pass

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endless)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hub = new_hub(with_hooks(base(), endpoint("endless", f"http://127.0.0.1:{server.server_address[1]}/"))).start()
    before = hub.rss_mb()
    hub.send(created())
    refused(hub)
    assert hub.rss_mb() < before + 30
    server.shutdown()


def test_what_cannot_be_sent_to_is_said_by_check_and_nothing_begins_with_it(new_hub):
    """A reload leaves all as it was, a start exits 78; each says the place, and no secret."""
    config = base()
    hub = new_hub(config).start()
    bad = with_hooks(config, endpoint("weak", "https://example.org/", secret="whsec_c2hvcnQ="),
                     endpoint("loud", "https://example.org/", headers={"Content-Type": "text/plain"}))
    hub.write_config(bad)
    answer = hub.reload()
    assert answer.status_code == 422
    codes = {(d["code"], d["severity"]) for d in answer.json()["diagnostics"]}
    assert {("H219", "error"), ("H220", "error")} <= codes
    hub.send(created())
    assert len(hub.titles("ann")) == 1, "the hub goes on as it was"
    hub.stop()
    hub.spawn()
    assert hub.wait() == 78
    assert "error[H219]" in hub.log() and "error[H220]" in hub.log()
    assert "c2hvcnQ" not in hub.log() + answer.text

