# SPDX-License-Identifier: Apache-2.0
"""One hub: its directory, its process, and short ways to talk to it."""
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import requests

from . import config as configs, people
from .clock import Clock
from .paths import BIN, PATIENCE
from .wait import until

BATCH = "application/cloudevents-batch+json"
STRUCTURED = "application/cloudevents+json"


class Hub:
    """Written into `root`; started with start(). Every hub listens on a free port of its own."""

    def __init__(self, root, config=None, clock=False):
        self.root = Path(root)
        self.root.mkdir(parents=True, exist_ok=True)
        self.config = config if config is not None else configs.base()
        self.config_path = self.root / "belfry.yaml"
        # paths of sockets are at most 107 bytes, those of pytest's directories can be longer
        self.sockets = Path(tempfile.mkdtemp(prefix="belfry-"))
        self.data_dir = self.sockets / "data"
        self.log_path = self.root / "hub.log"
        self.wants_clock = clock
        self.clock = None
        self.process = None
        self.log_mark = 0
        self.url = None
        self.port = None
        self.env = {}
        self.under = []  # a command to run the hub under
        self._session = requests.Session()
        self._session.trust_env = False

    # --- life ---------------------------------------------------------------------------------------------------

    def write_config(self, config=None):
        if config is not None:
            self.config = config
        if isinstance(self.config, dict):
            hub = self.config.setdefault("hub", {})
            hub.setdefault("data_dir", str(self.data_dir))
            hub.setdefault("public_url", "http://hub.test")
            text = configs.dump(self.config)
        else:
            text = self.config
        self.config_path.write_text(text)

    def command(self, *args):
        """What runs a subcommand of belfry about this hub."""
        return [BIN, args[0], "-c", str(self.config_path), *args[1:]]

    def belfry(self, *args, **options):
        """Runs a subcommand to its end."""
        options.setdefault("timeout", PATIENCE)
        return subprocess.run(self.command(*args), capture_output=True, text=True, env=self.environment(), **options)

    def environment(self):
        return {**os.environ, **configs.ENVIRONMENT, **self.env}

    def spawn(self, *args):
        """Starts the process and waits for nothing."""
        self.write_config()
        extra = list(args)
        if self.wants_clock:
            path = self.sockets / "clock.sock"
            path.unlink(missing_ok=True)
            extra += ["--clock", str(path)]
        self.log_mark = self.log_path.stat().st_size if self.log_path.exists() else 0
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([*self.under, *self.command("run", *extra)], stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, env=self.environment())
        return self

    def start(self, *args):
        self.spawn(*args)
        self.url = until(self._address, "the hub listens")
        self.port = int(self.url.rsplit(":", 1)[1])
        if self.wants_clock:
            self.clock = Clock(self.sockets / "clock.sock", self.clock)
        until(self.ready, "the hub is ready")
        return self

    def _address(self):
        code = self.process.poll()
        assert code is None, f"the hub ended with {code}:\n{self.log()}"
        found = re.findall(r'address=(?:")?([0-9.]+:[0-9]+)', self.log())
        if found:
            return f"http://{found[0]}"
        found = re.findall(r'"address": ?"([0-9.]+:[0-9]+)"', self.log())
        return f"http://{found[0]}" if found else None

    def ready(self):
        assert self.process.poll() is None, f"the hub ended with {self.process.returncode}:\n{self.log()}"
        try:
            return self._session.get(self.url + "/readyz", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def log(self):
        """What this process wrote so far."""
        with open(self.log_path, "rb") as f:
            f.seek(self.log_mark)
            return f.read().decode("utf-8", "replace")

    def show_log(self):
        """pytest prints it below a failure."""
        if self.process:
            print(f"--- {self.log_path}\n{self.log()[-4000:]}")

    def running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=PATIENCE):
        return self.process.wait(timeout)

    def stop(self):
        """A graceful stop ends with 0."""
        self.signal(signal.SIGTERM)
        code = self.wait()
        assert code == 0, f"SIGTERM ended the hub with {code}:\n{self.log()[-6000:]}"

    def kill(self):
        self.signal(signal.SIGKILL)
        self.wait()

    def restart(self):
        if self.running():
            self.stop()
        return self.start()

    def close(self):
        """After a test, whatever happened in it. A process that still runs has to stop well."""
        try:
            if self.running():
                self.stop()
        finally:
            if self.running():
                self.kill()
            self._session.close()
            shutil.rmtree(self.sockets, ignore_errors=True)

    # --- HTTP ------------------------------------------------------------------------------------------------------

    def request(self, method, path, headers=None, **options):
        options.setdefault("timeout", PATIENCE)
        options.setdefault("allow_redirects", False)
        return self._session.request(method, self.url + path, headers=headers, **options)

    def get(self, path, headers=None, **options):
        return self.request("GET", path, headers, **options)

    def post(self, path, headers=None, **options):
        return self.request("POST", path, headers, **options)

    def post_trigger(self, event, source="crm", org="acme", headers=None):
        """One event in structured mode, or a list of them as a batch. The response, whatever it is."""
        kind = BATCH if isinstance(event, list) else STRUCTURED
        headers = {**(headers or people.token("all")), "Content-Type": kind + "; charset=utf-8"}
        return self.post(f"/v1/{org}/sources/{source}/triggers", headers, data=json.dumps(event).encode())

    def send(self, event, source="crm", org="acme"):
        """The same, which has to be accepted. The list of the answer."""
        response = self.post_trigger(event, source, org)
        assert response.status_code == 202, f"{response.status_code} {response.text}"
        return response.json()["accepted"]

    def now(self):
        return self.clock.now() if self.clock else time.time()

    def person(self, name, org="acme", roles=None, **more):
        """Headers of somebody who is signed in."""
        return people.person(name, org, roles, now=self.now(), **more)

    def inbox(self, name, org="acme", roles=None, query="?read=all"):
        """The list as this person sees it."""
        response = self.get(f"/v1/{org}/notifications{query}", self.person(name, org, roles))
        assert response.status_code == 200, f"{response.status_code} {response.text}"
        return response.json()

    def titles(self, name, org="acme", roles=None, query="?read=all&limit=200"):
        return [item["title"] for item in self.inbox(name, org, roles, query)["items"]]

    def items(self, name, type=None, **more):
        return [i for i in self.inbox(name, **more)["items"] if type in (None, i["type"])]

    def unread(self, name, org="acme", roles=None):
        return self.get(f"/v1/{org}/notifications/count", self.person(name, org, roles)).json()["unread"]

    def mark(self, name, id, action, org="acme", roles=None):
        response = self.post(f"/v1/{org}/notifications/{id}/{action}", self.person(name, org, roles))
        assert response.status_code == 200, f"{response.status_code} {response.text}"
        return response.json()

    def seen(self, name, *ids, org="acme", roles=None):
        response = self.post(f"/v1/{org}/notifications/seen", self.person(name, org, roles), json={"ids": list(ids)})
        assert response.status_code == 204, f"{response.status_code} {response.text}"

    def events(self, query="", org="acme"):
        return self.get(f"/v1/{org}/events{query}", people.token("all")).json()["items"]

    def story(self, event, org="acme"):
        response = self.get(f"/v1/{org}/events/{event}", people.token("all"))
        assert response.status_code == 200, f"{response.status_code} {response.text}"
        return response.json()

    def deliveries(self, query="", org="acme"):
        response = self.get(f"/v1/{org}/deliveries{query}", people.token("all"))
        assert response.status_code == 200, f"{response.status_code} {response.text}"
        return response.json()["items"]

    def reload(self):
        return self.post("/v1/admin/reload", people.token("operator"))

    def metrics(self):
        """Numbers of /metrics by name with labels."""
        numbers = {}
        for line in self.get("/metrics").text.splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                numbers[name] = float(value)
        return numbers

    def rss_mb(self):
        with open(f"/proc/{self.process.pid}/statm") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
