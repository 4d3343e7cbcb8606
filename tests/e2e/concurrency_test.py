#!/usr/bin/python3
"""Many clients on the same keys at once; every reply is checked against a model.

Each client is a process with a connection of its own that sends batches of mixed commands. A value
says which key it is of, who wrote it, as its how-manieth, and carries a checksum, so that a reply
can be judged alone (crossed? torn?) and in order (older than one seen before?):

* of each writer a reader sees ever newer values of a key, never an older one after a newer;
* a counter ends at the number of increments, a cas counter at the number of successful cas;
* a log that everybody appends to has each writer's entries once and in order.
"""

import collections
import multiprocessing
import os
import random
import re

from harness import TestCase, Wire, main
from values import compose, judge

CLIENTS = 6
BATCHES = int(os.environ.get("RINGCACHE_E2E_BATCHES", "150"))
KEYS = [b"shared-%d" % i for i in range(40)]
COUNTERS = [b"counter-%d" % i for i in range(4)]
CAS_COUNTERS = [b"cas-%d" % i for i in range(2)]
LOGS = [b"log-%d" % i for i in range(4)]


class Client:
    """One connection that sends batches and knows what must come back."""

    def __init__(self, port, number, seed):
        self.wire, self.number = Wire(port), number
        self.random = random.Random(f"{seed}-{number}")
        self.written = 0
        self.seen = {}  # (key, writer) -> highest number read, or acknowledged if written here
        self.tally = collections.Counter()

    def note(self, key, value):
        writer, number = judge(key, value)
        newest = self.seen.get((key, writer), 0)
        if number < newest:
            raise AssertionError(f"{key!r}: {number} of writer {writer} after {newest}")
        self.seen[key, writer] = number
        self.tally["hits"] += 1

    def read(self, keys):
        command = self.random.choice([b"get ", b"gets ", b"gat 0 "])

        def check():
            for key, found in self.wire.values().items():
                if key not in keys:
                    raise AssertionError(f"asked {keys}, answered {key!r}")
                self.note(key, found[0] if isinstance(found, tuple) else found)
        return command + b" ".join(keys) + b"\r\n", check

    def meta_read(self, key):
        def check():
            line = self.wire.line()
            word, *rest = line.split(b" ")
            flags = rest if word == b"EN" else rest[1:]
            if word not in (b"EN", b"VA") or set(flags) != {b"k" + key, b"O%d" % self.number}:
                raise AssertionError(f"{line!r} in answer to mg {key!r}")
            if word == b"VA":
                self.note(key, self.wire.exactly(int(rest[0])))
                self.expect(b"", self.wire.line())
        return b"mg %s v k O%d\r\n" % (key, self.number), check

    def write(self, key, noreply):
        self.written += 1
        number = self.written
        length = self.random.choice([10, 100, 1000, 1000, 20_000])
        value = compose(key, self.number, number, length)

        def check():
            if not noreply:
                self.expect(b"STORED", self.wire.line())
            self.seen[key, self.number] = number
        return b"set %s 0 0 %d%s\r\n%s\r\n" % (key, len(value), b" noreply" * noreply, value), check

    def delete(self, key):
        return (b"delete %s\r\n" % key,
                lambda: self.expect((b"DELETED", b"NOT_FOUND"), self.wire.line()))

    def increment(self, key):
        def check():
            value = int(self.wire.line())
            if value <= self.seen.get(key, 0):
                raise AssertionError(f"{key!r} went from {self.seen[key]} to {value}")
            self.seen[key] = value
            self.tally[key] += 1
        return b"incr %s 1\r\n" % key, check

    def append(self, key):
        self.written += 1
        entry = b"%d:%d," % (self.number, self.written)

        def check():
            self.expect(b"STORED", self.wire.line())
            self.tally[key] += 1
        return b"append %s 0 0 %d\r\n%s\r\n" % (key, len(entry), entry), check

    def bad(self):
        return b"no_such_command\r\n", lambda: self.expect(b"ERROR", self.wire.line())

    @staticmethod
    def expect(expected, line):
        if line not in (expected if isinstance(expected, tuple) else (expected,)):
            raise AssertionError(f"{line[:200]!r} instead of {expected!r}")

    def any_command(self):
        roll, key = self.random.random(), self.random.choice(KEYS)
        if roll < 0.25:
            return self.read([key])
        if roll < 0.35:
            return self.read(self.random.sample(KEYS, self.random.randrange(2, 20)))
        if roll < 0.45:
            return self.meta_read(key)
        if roll < 0.70:
            return self.write(key, noreply=False)
        if roll < 0.80:
            return self.write(key, noreply=True)
        if roll < 0.85:
            return self.delete(key)
        if roll < 0.92:
            return self.increment(self.random.choice(COUNTERS))
        return self.append(self.random.choice(LOGS)) if roll < 0.98 else self.bad()

    def batch(self):
        commands = [self.any_command() for _ in range(self.random.randrange(1, 40))]
        self.wire.send(b"".join(command for command, _ in commands))
        for _, check in commands:
            check()

    def raise_by_cas(self, key):
        self.wire.send(b"gets %s\r\n" % key)
        value, unique = self.wire.values()[key]
        text = b"%d" % (int(value) + 1)
        answer = self.wire.ask(b"cas %s 0 0 %d %d\r\n%s" % (key, len(text), unique, text))
        self.expect((b"STORED", b"EXISTS"), answer)
        self.tally[key] += answer == b"STORED"


def run_client(port, number, seed, results):
    try:
        client = Client(port, number, seed)
        for _ in range(BATCHES):
            client.batch()
            for key in CAS_COUNTERS:
                client.raise_by_cas(key)
        if not client.wire.nothing_left():
            raise AssertionError("an answer too many")
        client.wire.close()
        results.put((number, None, client.tally))
    except Exception as error:  # reported by the parent, which has the logs
        results.put((number, f"{type(error).__name__}: {error}", {}))


class Concurrency(TestCase):
    def check(self, server):
        seed = int(os.environ.get("RINGCACHE_E2E_SEED") or random.SystemRandom().randrange(1 << 32))
        with Wire(server.port) as wire:
            for key in COUNTERS + CAS_COUNTERS:
                self.assertEqual(wire.set(key, b"0"), b"STORED")
            for key in LOGS:
                self.assertEqual(wire.set(key, b""), b"STORED")
        results = multiprocessing.Queue()
        clients = [multiprocessing.Process(target=run_client, args=(server.port, n, seed, results))
                   for n in range(1, CLIENTS + 1)]
        for client in clients:
            client.start()
        reports = [results.get() for _ in clients]
        for client in clients:
            client.join()
        self.assertEqual([f"client {n}: {problem}" for n, problem, _ in reports if problem], [],
                         f"RINGCACHE_E2E_SEED={seed}")
        self.check_end(server, sum((collections.Counter(t) for _, _, t in reports),
                                   collections.Counter()))

    def check_end(self, server, tally):
        self.assertGreater(tally["hits"], CLIENTS * BATCHES)
        with Wire(server.port) as wire:
            for key in COUNTERS + CAS_COUNTERS:
                self.assertGreater(tally[key], 0)
                self.assertEqual(int(wire.get(key)[key]), tally[key], key)
            for key in LOGS:
                newest = {}
                entries = re.findall(rb"(\d+:\d+),", wire.get(key)[key])
                self.assertEqual(len(entries), tally[key], "every append, once")
                for entry in entries:
                    writer, number = map(int, entry.split(b":"))
                    self.assertGreater(number, newest.get(writer, 0), key)
                    newest[writer] = number
                self.assertEqual(len(newest), CLIENTS)

    def test_memcached_as_yardstick(self):
        self.check(self.world.memcached())

    def test_node(self):
        self.check(self.world.node())

    def test_proxy_over_nodes(self):
        self.check(self.world.proxy(self.world.config([self.world.node() for _ in range(3)])))

    def test_proxy_over_memcached(self):
        self.check(self.world.proxy(self.world.config([self.world.memcached() for _ in range(3)])))

    def test_proxy_with_several_connections_to_each_node(self):
        config = self.world.config([self.world.node() for _ in range(3)])
        config["pools"]["main"]["connections_per_node"] = 3
        self.check(self.world.proxy(config))


if __name__ == "__main__":
    main()
