#!/usr/bin/env python3
"""Whose reply is it, and which? Many clients pipeline through a proxy over nodes that misbehave.

Every value says whose it is and which write made it, so each reply is checked against a model of
what its client may see: an acknowledged value or one of an ambiguous write, never another key's,
never one older than what was acknowledged; and each request has one reply of its kind, in order.
A read may always miss, since its node may have failed it; without faults it may not.
RINGCACHE_E2E_SEED repeats a run's choices, RINGCACHE_E2E_BATCHES makes it longer.
"""

import os
import random
import threading

from faulty_node import Faults, FaultyNode
from harness import HOST, TestCase, Wire, main

BATCHES = int(os.environ.get("RINGCACHE_E2E_BATCHES", "40"))
CLIENTS = 12
KEYS_EACH = 8


def compose(key, number, length):
    text = b"%s|%d|" % (key, number)
    return text + b"x" * max(0, length - len(text))


class Key:
    """What a read of the key may find, as numbers of writes."""

    def __init__(self):
        self.acknowledged = set()  # the last write that was, or nothing
        self.ambiguous = set()     # writes that failed, or said nothing: they may come at any time
        self.written = 0


class Client:
    def __init__(self, port, number, seed, faulty):
        self.wire = Wire(port)
        self.random = random.Random(f"{seed}/{number}")
        self.faulty = faulty
        self.keys = {b"c%d:%d" % (number, i): Key() for i in range(KEYS_EACH)}
        self.others = [b"c%d:%d" % (n, i) for n in range(CLIENTS) for i in range(KEYS_EACH)]
        self.counter, self.count = b"counter:%d" % number, 0
        self.opaque = 0
        self.tally = {"hits": 0, "misses": 0, "errors": 0}

    def expect(self, good, line, what):
        if line in good:
            return
        if self.faulty and line.startswith(b"SERVER_ERROR node "):
            self.tally["errors"] += 1
            return
        raise AssertionError(f"{line[:200]!r} in answer to {what!r}")

    def saw(self, asked, key, value):
        if key not in asked:
            raise AssertionError(f"asked {asked}, answered {key!r}")
        name, number, rest = value.split(b"|", 2)
        if name != key or rest.strip(b"x"):
            raise AssertionError(f"{key!r} has {value[:80]!r}")
        model = self.keys.get(key)
        if model and int(number) not in model.acknowledged | model.ambiguous:
            raise AssertionError(f"{key!r}: write {int(number)}, not one of {model.acknowledged} "
                                 f"or {model.ambiguous}")
        self.tally["hits"] += 1

    def missed(self, key):
        self.tally["misses"] += 1
        model = self.keys.get(key)
        if not self.faulty and model and model.acknowledged:
            raise AssertionError(f"{key!r} is lost")

    def read(self, keys):
        command = self.random.choice([b"get ", b"gets ", b"gat 0 ", b"gats 0 "])

        def check():
            found = self.wire.values()
            for key, value in found.items():
                self.saw(keys, key, value[0] if isinstance(value, tuple) else value)
            for key in set(keys) - set(found):
                self.missed(key)
        return command + b" ".join(keys) + b"\r\n", check

    def meta_read(self, key):
        self.opaque += 1
        flags = b" k" + key + b" O%d" % self.opaque

        def check(opaque=self.opaque):
            line = self.wire.line()
            if line == b"EN" + flags:
                return self.missed(key)
            code, length, rest = line.split(b" ", 2)
            if code != b"VA" or b" " + rest != flags:
                raise AssertionError(f"{line[:200]!r} in answer to opaque {opaque}")
            self.saw([key], key, self.wire.exactly(int(length)))
            self.expect([b""], self.wire.line(), "the end of a value")
            return None
        return b"mg %s v k O%d\r\n" % (key, self.opaque), check

    def write(self, key, kind):
        model = self.keys[key]
        model.written += 1
        number = model.written
        value = compose(key, number, self.random.choice([20, 200, 200, 5000, 40_000]))
        line = {b"set": b"set %s 0 0 %d", b"noreply": b"set %s 0 0 %d noreply",
                b"ms": b"ms %s %d"}[kind] % (key, len(value))
        if kind == b"noreply":
            model.ambiguous.add(number)

        def check():
            if kind == b"noreply":
                if not self.faulty:
                    model.acknowledged = {number}
                return
            answer = self.wire.line()
            self.expect([b"STORED", b"HD"], answer, line)
            if answer.startswith(b"SERVER_ERROR"):
                model.ambiguous.add(number)
            else:
                model.acknowledged = {number}
        return line + b"\r\n" + value + b"\r\n", check

    def delete(self, key):
        def check():
            answer = self.wire.line()
            self.expect([b"DELETED", b"NOT_FOUND"], answer, b"delete " + key)
            if not answer.startswith(b"SERVER_ERROR"):
                self.keys[key].acknowledged = set()
        return b"delete %s\r\n" % key, check

    def increment(self):
        def check():
            line = self.wire.line()
            if line.isdigit():
                if int(line) <= self.count:
                    raise AssertionError(f"{self.counter!r} went from {self.count} to {line!r}")
                self.count = int(line)
            else:
                self.expect([], line, b"incr " + self.counter)
        return b"incr %s 1\r\n" % self.counter, check

    def fixed(self, command, answer):
        return command + b"\r\n", lambda: self.expect([answer], self.wire.line(), command)

    def any_request(self):
        roll, key = self.random.random(), self.random.choice(list(self.keys))
        if roll < 0.2:
            return self.read([key])
        if roll < 0.35:
            return self.read(self.random.sample(self.others, self.random.randrange(2, 30)))
        if roll < 0.5:
            return self.meta_read(key)
        if roll < 0.8:
            return self.write(key, self.random.choice([b"set", b"set", b"ms", b"noreply"]))
        if roll < 0.85:
            return self.delete(key)
        if roll < 0.9:
            return self.increment()
        return self.fixed(*self.random.choice([(b"mn", b"MN"), (b"no_such", b"ERROR")]))

    def run(self):
        # Until the proxy has found the node once, so that the counter exists.
        while not self.wire.set(self.counter, b"0").startswith(b"STORED"):
            pass
        for _ in range(BATCHES):
            requests = [self.any_request() for _ in range(self.random.randrange(1, 50))]
            sender = threading.Thread(target=self.wire.send,
                                      args=(b"".join(text for text, _ in requests),))
            sender.start()
            for _, check in requests:
                check()
            sender.join()
        if not self.wire.nothing_left():
            raise AssertionError("an answer too many")
        self.wire.close()


class Isolation(TestCase):
    def check(self, faults, limits=None):
        seed = int(os.environ.get("RINGCACHE_E2E_SEED") or random.SystemRandom().randrange(1 << 32))
        nodes = [FaultyNode(random.Random(f"{seed}/{n}"), f) for n, f in enumerate(faults)]
        for node in nodes:
            self.enterContext(node)
        config = self.world.config([node.address for node in nodes], pool={
            "timeouts": {"connect": "1s", "request": "200ms"},
            "health": {"interval": "100ms", "timeout": "1s"}}, limits=limits or {})
        if not any(f != Faults() for f in faults):
            config["pools"]["main"]["timeouts"]["request"] = "30s"
        proxy = self.world.proxy(config)
        problems, clients = [], []

        def run(number):
            try:
                client = Client(proxy.port, number, seed, any(f != Faults() for f in faults))
                clients.append(client)
                client.run()
            except Exception as error:  # reported below, with the seed
                problems.append(f"client {number}: {type(error).__name__}: {error}")

        threads = [threading.Thread(target=run, args=(n,)) for n in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(problems, [], f"RINGCACHE_E2E_SEED={seed}")
        metrics = proxy.metrics()
        self.assertEqual(metrics.sum("ringcache_proxy_requests_in_flight"), 0)
        return {name: sum(c.tally[name] for c in clients) for name in ("hits", "misses", "errors")}

    def test_good_nodes_lose_nothing(self):
        tally = self.check([Faults()] * 3)
        self.assertGreater(tally["hits"], CLIENTS * BATCHES)
        self.assertEqual(tally["errors"], 0)

    def test_connections_for_large_values_keep_the_order(self):
        """A third of the values is large: each client takes two kinds of connection."""
        tally = self.check([Faults()] * 3, {"cut_through": "1KiB"})
        self.assertGreater(tally["hits"], CLIENTS * BATCHES)
        self.assertEqual(tally["errors"], 0)

    def test_connections_for_large_values_to_nodes_that_fail(self):
        every = Faults(late=0.001, cut=0.001, garbage=0.001, silent=0.001)
        tally = self.check([every] * 3, {"cut_through": "1KiB"})
        self.assertGreater(tally["hits"], 0)

    def test_one_node_of_each_fault(self):
        tally = self.check([Faults(), Faults(late=0.002), Faults(cut=0.002), Faults(garbage=0.002),
                            Faults(silent=0.001)])
        self.assertGreater(tally["hits"], CLIENTS * BATCHES)
        self.assertGreater(tally["errors"], 0, "the nodes were to fail at times")

    def test_every_node_fails_in_every_way(self):
        every = Faults(late=0.001, cut=0.001, garbage=0.001, silent=0.001)
        tally = self.check([every] * 3)
        self.assertGreater(tally["hits"], 0)
        self.assertGreater(tally["errors"], 0)


if __name__ == "__main__":
    main()
