"""Ports for the servers of tests that run at the same time.

A port that was asked of the kernel (bind to 0) and given back may be anybody's before the server
binds it: another test's that asks, too, or an outgoing connection's. So a port here is below those
that the kernel gives out by itself, and kept from other tests by an abstract UNIX socket with the
port in its name, which is the test process's until it ends, however it ends.
"""

import random
import socket

FIRST_PORT = 12000  # above the ports that servers have by default
LAST_PORT = 65535
DEFAULT_EPHEMERAL = (32768, 60999)  # Linux's own

_reserved = []  # descriptors of abstract sockets


class NoPort(OSError):
    """All ports of the range are somebody's."""


def port_range():
    """The longer of the ranges below and above the kernel's own."""
    try:
        with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
            first, last = map(int, file.read().split())
    except OSError:
        first, last = DEFAULT_EPHEMERAL
    below, above = range(FIRST_PORT, first), range(max(last + 1, FIRST_PORT), LAST_PORT + 1)
    # Without any room outside, reservations still keep tests from each other.
    return max(below, above, key=len) or range(FIRST_PORT, LAST_PORT + 1)


def _reserve(port):
    """Whether the port is now ours: nobody reserved it, and nobody is bound to it."""
    reservation = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        reservation.bind(f"\0ringcache-test-port-{port}")
        with socket.socket() as probe:
            probe.bind(("", port))
    except OSError:
        reservation.close()
        return False
    _reserved.append(reservation.detach())
    return True


def free_port(candidates=None):
    """A TCP port of 127.0.0.1 that is this process's until it ends; `candidates` are ports."""
    ports = candidates or port_range()
    start = random.SystemRandom().randrange(len(ports))
    for i in range(len(ports)):
        port = ports[(start + i) % len(ports)]
        if _reserve(port):
            return port
    raise NoPort(f"no free port among {len(ports)}")
