"""Connections that watch a node or a memcached, and their lines."""

import re

from basics import Failure
from harness import TestCase
from wire import Wire

# How every line begins. memcached leaves out the zeros after the point.
START = re.compile(rb"^ts=\d+\.\d{1,6} gid=\d+ type=")


class Watcher:
    """A connection that watches. Lines come without their newline."""

    def __init__(self, port, *classes, connect=None):
        self.wire = connect() if connect else Wire(port)
        answer = self.wire.ask(b" ".join([b"watch", *classes]))
        if answer != b"OK":
            raise Failure(f"watch was answered {answer!r}")
        self.buffer = self.wire.buffer

    def line(self):
        while (end := self.buffer.find(b"\n")) < 0:
            self.wire._fill()
        line = bytes(self.buffer[:end])
        del self.buffer[:end + 1]
        return line

    def lines_until(self, last):
        """Lines up to the one that contains `last`."""
        lines = [self.line()]
        while last not in lines[-1]:
            lines.append(self.line())
        return lines

    def close(self):
        self.wire.close()


def fields(line):
    """A line as {name: value}, in its order."""
    return dict(word.split(b"=", 1) for word in line.split(b" "))


def gid_order(lines):
    return sorted(lines, key=lambda line: int(fields(line)[b"gid"]))


class WatchCase(TestCase):
    """Closes what it opens."""

    def client(self, server):
        client = Wire(server.port)
        self.addCleanup(client.close)
        return client

    def watcher(self, server, *classes, connect=None):
        watcher = Watcher(server.port, *classes, connect=connect)
        self.addCleanup(watcher.close)
        return watcher
