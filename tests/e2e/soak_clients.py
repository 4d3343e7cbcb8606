"""The clients of the soak: each is a process that does one kind of thing until it is told to stop,
and checks every answer. A value says itself whether it is whole, whose it is and how old
(values.py), so that it can be checked whoever wrote it; of each writer a client sees ever newer
values of a key. Any key may be evicted, deleted or flushed by somebody else at any time.
"""

import collections
import contextlib
import random
import signal
import socket

from harness import Failure, Wire
from values import compose, judge

MIB = 1 << 20
SMALL = [b"small-%d" % i for i in range(20_000)]
LARGE = [b"large-%d" % i for i in range(12)]
SMALL_BYTES = (10, 100, 100, 1000, 1000, 5000, 20_000)
LARGE_BYTES_MAX = 3 * MIB
RESET = b"\1\0\0\0\0\0\0\0"  # SO_LINGER: a close is a reset


class Client:
    """One process, one connection that stays and others that come and go."""

    def __init__(self, port, number, seed):
        self.port, self.number = port, number
        self.wire = Wire(port)
        self.random = random.Random(f"{seed}-{number}")
        self.written = 0
        self.seen = {}  # (key, writer) -> newest number read, or acknowledged if written here
        self.tally = collections.Counter()

    def round(self):
        """What this kind of client does again and again."""
        raise NotImplementedError

    def note(self, key, value):
        writer, number = judge(key, value)
        newest = self.seen.get((key, writer), 0)
        if number < newest:
            raise AssertionError(f"{key!r}: {number} of writer {writer} after {newest}")
        self.seen[key, writer] = number
        self.tally["hits"] += 1

    def note_all(self, asked, found):
        for key, value in found.items():
            if key not in asked:
                raise AssertionError(f"asked {asked[:5]!r}, answered {key!r}")
            self.note(key, value[0] if isinstance(value, tuple) else value)
        self.tally["gets"] += len(asked)

    def compose(self, key, length):
        self.written += 1
        return compose(key, self.number, self.written, length)

    def acknowledged(self, key):
        self.seen[key, self.number] = self.written

    @staticmethod
    def expect(allowed, line):
        if line not in allowed:
            raise AssertionError(f"{line[:200]!r} instead of {b' or '.join(allowed)!r}")


class Mixed(Client):
    """Pipelines of short commands on small values."""

    def get(self, key):
        keys = [key] + self.random.sample(SMALL, self.random.randrange(4))
        command = self.random.choice([b"get ", b"gets ", b"gat %d " % self.ttl()])
        return command + b" ".join(keys) + b"\r\n", lambda: self.note_all(keys, self.wire.values())

    def ttl(self):
        return self.random.choice([0, 0, 0, 1, 2, 30, 100_000])

    def meta_get(self, key):
        def check():
            line = self.wire.line()
            self.tally["gets"] += 1
            if line.startswith(b"VA "):
                size = int(line.split(b" ")[1])
                self.note(key, self.wire.exactly(size))
                self.expect([b""], self.wire.line())
            elif line.split(b" ")[0] != b"EN":
                raise AssertionError(f"{line!r} in answer to mg {key!r}")
        return b"mg %s v t f h l k\r\n" % key, check

    def set(self, key):
        value, ttl = self.compose(key, self.random.choice(SMALL_BYTES)), self.ttl()
        number = self.written
        noreply = self.random.random() < 0.3

        def check():
            if not noreply:
                self.expect([b"STORED"], self.wire.line())
            self.seen[key, self.number] = number
        return b"set %s 7 %d %d%s\r\n%s\r\n" % (key, ttl, len(value), b" noreply" * noreply,
                                              value), check

    def add(self, key):
        value = self.compose(key, 100)
        return (b"add %s 0 %d %d\r\n%s\r\n" % (key, self.ttl(), len(value), value),
                lambda: self.expect([b"STORED", b"NOT_STORED"], self.wire.line()))

    def meta_set(self, key):
        value = self.compose(key, self.random.choice(SMALL_BYTES))
        number = self.written

        def check():
            self.expect([b"HD"], self.wire.line())
            self.seen[key, self.number] = number
        return b"ms %s %d T%d F3\r\n%s\r\n" % (key, len(value), self.ttl(), value), check

    def delete(self, key):
        return b"delete %s\r\n" % key, lambda: self.expect([b"DELETED", b"NOT_FOUND"],
                                                           self.wire.line())

    def touch(self, key):
        return (b"touch %s %d\r\n" % (key, self.ttl()),
                lambda: self.expect([b"TOUCHED", b"NOT_FOUND"], self.wire.line()))

    def count(self, _):
        def check():
            line = self.wire.line()
            if not line.isdigit() and line != b"NOT_FOUND":
                raise AssertionError(f"{line!r} in answer to incr")
        return b"incr number 1\r\n", check

    def round(self):
        kinds = ([self.get] * 8 + [self.meta_get] * 3 + [self.set] * 6 + [self.meta_set] * 2 +
                 [self.add, self.delete, self.touch, self.count])
        batch = [self.random.choice(kinds)(self.random.choice(SMALL))
                 for _ in range(self.random.randrange(1, 60))]
        self.wire.send(b"".join(command for command, _ in batch))
        for _, check in batch:
            check()
        if self.random.random() < 0.1:
            self.expect([b"STORED"], self.wire.set(b"number", b"1"))


class Multigets(Client):
    """Some hundred keys in one get, popular ones among them."""

    def round(self):
        keys = self.random.sample(SMALL[:2000], 100) + self.random.sample(SMALL, 100)
        self.note_all(keys, self.wire.get(*keys))


class Large(Client):
    """Values of up to some megabytes, written and read."""

    def round(self):
        key = self.random.choice(LARGE)
        value = self.compose(key, self.random.randrange(20_000, LARGE_BYTES_MAX))
        self.expect([b"STORED"], self.wire.set(key, value, exptime=self.random.choice([0, 0, 2])))
        self.acknowledged(key)
        keys = self.random.sample(LARGE, 3)
        self.note_all(keys, self.wire.get(*keys))


class SlowReader(Client):
    """Asks for large values and takes them in small pieces, doing other things in between."""

    def round(self):
        with Wire(self.port) as slow:
            slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 10)
            keys = [self.random.choice(LARGE) for _ in range(5)]
            slow.send(b"".join(b"get %s\r\n" % key for key in keys))
            for key in keys:
                while not slow.buffer.endswith(b"END\r\n") and len(slow.buffer) < 400_000:
                    slow.buffer += slow.socket.recv(16 << 10)
                    small = self.random.choice(SMALL)
                    self.note_all([small], self.wire.get(small))
                self.note_all([key], slow.values())
            if self.random.random() < 0.5:  # and goes away in the middle of the last one
                slow.send(b"get %s\r\n" % keys[0])
                slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


class HalfSent(Client):
    """Begins to send values; ends some of them, hangs up or resets the others."""

    def round(self):
        open_ones = []
        with contextlib.ExitStack() as stack:
            for _ in range(self.random.randrange(1, 6)):
                wire = stack.enter_context(Wire(self.port))
                key = self.random.choice(SMALL + LARGE * 500)
                value = self.compose(key, self.random.choice([100, 5000, 100_000, MIB]))
                sent = self.random.randrange(len(value))
                wire.send(b"set %s 0 0 %d\r\n%s" % (key, len(value), value[:sent]))
                open_ones.append((wire, key, value[sent:], self.written))
            for wire, key, rest, number in open_ones:
                fate = self.random.randrange(3)
                if fate == 0:
                    wire.send(rest + b"\r\n")
                    self.expect([b"STORED"], wire.line())
                    self.seen[key, self.number] = max(number, self.seen.get((key, self.number), 0))
                elif fate == 1:
                    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self.tally["half-sent"] += len(open_ones)


class Wrecker(Client):
    """Deletes, lets expire and flushes what the others store, and connects without end."""

    def round(self):
        keys = self.random.sample(SMALL, 3)
        self.wire.send(b"".join(b"delete %s noreply\r\n" % key for key in keys) +
                       b"".join(b"touch %s -1 noreply\r\n" % key
                                for key in self.random.sample(SMALL, 2)))
        if self.random.random() < 0.0001:
            delay = self.random.choice([b"", b" 1", b" 100000", b" -1"])
            self.expect([b"OK"], self.wire.ask(b"flush_all" + delay))
            self.tally["flushes"] += 1
        if self.random.random() < 0.01:
            self.wire.send(b"delete %s noreply\r\n" % self.random.choice(LARGE))
        with Wire(self.port) as other:
            other.send(b"get nothing\r\nget half a li"[:self.random.randrange(1, 27)])
        self.expect([b"MN"], self.wire.ask(b"mn"))


KINDS = (Mixed, Mixed, Multigets, Large, SlowReader, HalfSent, Wrecker)


def run(kind, port, number, seed, stop, results):
    """A client's process: rounds until `stop` is set, then (number, what was wrong, tally)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tally, problem = collections.Counter(), None
    try:
        client = kind(port, number, seed)
        tally = client.tally
        while not stop.is_set():
            client.round()
            tally["rounds"] += 1
        if not client.wire.nothing_left():
            problem = "an answer too many"
        client.wire.close()
    except (AssertionError, Failure, OSError, ValueError) as error:
        problem = f"{type(error).__name__}: {error}"
    results.put((f"{kind.__name__} {number}", problem, tally))
