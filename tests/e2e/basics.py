"""What every part of the harness needs: where programs are, ports, waiting for an event."""

import contextlib
import os
import select
import shutil
import socket
import sys
import time

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.append(os.path.join(REPOSITORY, "tests", "support"))
from ports import free_port

BIN = os.path.abspath(
    os.environ.get("RINGCACHE_BIN", os.path.join(REPOSITORY, "build", "release", "bin")))
NODE = os.path.join(BIN, "ringcache-node")
PROXY = os.path.join(BIN, "ringcache-proxy")

# Longer than anything needs, also under a sanitizer on a busy machine; only failures wait so long.
PATIENCE_S = float(os.environ.get("RINGCACHE_E2E_PATIENCE", "30"))
HOST = "127.0.0.1"


class Failure(AssertionError):
    """Something the surroundings need did not happen; the text says what."""


def find_peer(name):
    """Path of a program of Debian's, which may be where only root's PATH looks."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    found = shutil.which(name, path=path)
    if not found:
        raise Failure(f"{name} is not installed; ./tests/run installs what the tests need")
    return found


def eventually(what, check, patience_s=None):
    """Waits until check() is true and returns its value; `what` names it if it never is."""
    deadline = time.monotonic() + (patience_s or PATIENCE_S)
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failure(f"did not happen in time: {what}; last seen: {value!r}")
        select.select([], [], [], 0.01)


def can_connect(port):
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False
