# SPDX-License-Identifier: Apache-2.0
"""Ports for servers that have to be told one. A port that was free a moment ago may be somebody else's by the time it is
used: whoever connects or listens gets one from the system. These come from below those that the system gives away, or
from above where it begins so low; where it gives away all of them, from among those."""
import random
import socket
from pathlib import Path

LOWEST = 10_000
RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")  # the system's own: first and last

_held = []  # abstract names: the kernel frees them with the process


def _hold(port):
    """Whether the port is this process's, until it ends, among all that run tests."""
    name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        name.bind(f"\0belfry-test-port-{port}")
        with socket.socket() as one:
            one.bind(("127.0.0.1", port))
    except OSError:
        name.close()
        return False
    _held.append(name)
    return True


def candidates():
    first, last = map(int, RANGE.read_text().split())
    return range(LOWEST, first) or range(max(last + 1, LOWEST), 65_536) or range(first, last + 1)


def free_ports(count):
    """Ports that nobody has, and that no other test takes."""
    ports = []
    while len(ports) < count:
        port = random.SystemRandom().choice(candidates())
        if _hold(port):
            ports.append(port)
    return ports


def refusing():
    """A socket on a port at which every connection is refused, as long as it is open: nobody else can listen there."""
    one = socket.socket()
    one.bind(("127.0.0.1", 0))
    return one


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False
