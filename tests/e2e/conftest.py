# SPDX-License-Identifier: Apache-2.0
"""Fixtures: a hub in a directory of its own, with real time or a virtual clock, and what gets webhooks and mail."""
import pytest

from support import config as configs
from support.certificates import Authority
from support.hub import Hub
from support.mailserver import MailServer
from support.receiver import Receiver
from support.smtp import SmtpServer


@pytest.fixture
def new_hub(tmp_path):
    """Makes hubs that are not started yet; they are stopped after the test, which has to go well."""
    hubs = []

    def make(config=None, clock=False):
        hub = Hub(tmp_path / f"hub{len(hubs)}", config if config is not None else configs.base(), clock)
        hubs.append(hub)
        return hub

    yield make
    faults = []
    for hub in hubs:
        hub.show_log()
        try:
            hub.close()
        except BaseException as fault:  # the others have to be stopped, too
            faults.append(fault)
    if faults:
        raise faults[0]


@pytest.fixture
def hub(new_hub):
    """Runs the base configuration in real time."""
    return new_hub().start()


@pytest.fixture
def timed(new_hub):
    """Runs the base configuration with the virtual clock."""
    return new_hub(clock=True).start()


@pytest.fixture(scope="module")
def shared_hub(tmp_path_factory):
    """One hub for all tests of a file that change nothing, or only what is theirs."""
    hub = Hub(tmp_path_factory.mktemp("shared"))
    try:
        yield hub.start()
    finally:
        hub.show_log()
        hub.close()


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def smtp():
    """A mail server, without TLS and AUTH."""
    with SmtpServer() as server:
        yield server


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """Who signs certificates."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def new_mail_server():
    """Starts Postfix in front of Dovecot, as MailServer says."""
    servers = []

    def make(**more):
        servers.append(MailServer(**more))
        return servers[-1].start()

    yield make
    for server in servers:
        print(f"--- Postfix and Dovecot\n{server.log()[-6000:]}")
        server.close()
