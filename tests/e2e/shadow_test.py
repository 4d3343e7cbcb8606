#!/usr/bin/python3
"""Requests that are copied to another pool: it sees them, and no client hears of it."""

import random
import struct

from harness import TestCase, Wire, eventually, main

KEYS = [b"key:%d" % number for number in range(2000)]


class Shadow(TestCase):
    def start(self, percent=100, **canary):
        self.nodes = [self.world.node() for _ in range(2)]
        self.canary = [self.world.node() for _ in range(2)]
        config = self.world.config(self.nodes, {"shadow": {"to": "canary", "percent": percent}})
        config["pools"]["canary"] = {"nodes": [n.address for n in self.canary], **canary}
        self.proxy = self.world.proxy(config)

    def total(self, name, **labels):
        return self.proxy.metrics().sum("ringcache_proxy_" + name, **labels)

    def held(self, nodes):
        return sum(int(self.stat(node, b"curr_items")) for node in nodes)

    @staticmethod
    def stat(node, name):
        with Wire(node.port) as wire:
            wire.send(b"stats\r\n")
            while (line := wire.line()) != b"END":
                _, found, value = line.split(b" ", 2)
                if found == name:
                    return value
        return b"0"

    def settled(self, sent):
        """All copies are sent, and answered."""
        eventually("the copies are answered", lambda: self.total("node_requests_in_flight") == 0)
        self.assertEqual(self.total("shadow_requests_total", result="sent"), sent)

    def test_the_canary_sees_all_of_it(self):
        self.start()
        with Wire(self.proxy.port) as wire:
            for key in KEYS[:100]:
                self.assertEqual(wire.set(key, b"value of " + key, flags=3), b"STORED")
            self.assertEqual(len(wire.get(*KEYS[50:150])), 50)
            self.assertEqual(wire.ask(b"delete " + KEYS[0]), b"DELETED")
            wire.send(b"set quiet 0 0 1 noreply\r\n1\r\nincr quiet 4\r\nmg key:1 v\r\n")
            self.assertEqual(wire.line(), b"5")
            self.assertEqual(wire.line(), b"VA 14")
            self.assertEqual(wire.line(), b"value of key:1")
        copies = 100 + 2 + 1 + 3  # the multiget is one for each node
        self.settled(copies)
        self.assertEqual(self.held(self.canary), 100)
        self.assertEqual(self.total("commands_total", pool="canary", status="stored"), 101)
        self.assertEqual(self.total("commands_total", pool="canary", status="hit"), 51)
        self.assertEqual(self.total("commands_total", pool="canary", status="miss"), 50)
        self.assertEqual(self.total("commands_total", pool="main", status="hit"), 51)
        with Wire(self.canary[0].port) as first, Wire(self.canary[1].port) as second:
            found = {**first.get(*KEYS[:100]), **second.get(*KEYS[:100])}
            self.assertEqual(found, {key: b"value of " + key for key in KEYS[1:100]})

    def test_a_share_is_the_same_keys_each_time(self):
        self.start(percent=30)
        with Wire(self.proxy.port) as wire:
            for _ in range(2):
                for key in KEYS:
                    wire.send(b"set %s 0 0 1\r\nv\r\n" % key)
                for _ in KEYS:
                    self.assertEqual(wire.line(), b"STORED")
        eventually("the copies are answered",
                   lambda: self.total("node_requests_in_flight") == 0)
        held = self.held(self.canary)
        self.assertTrue(0.25 < held / len(KEYS) < 0.35, held)
        self.assertEqual(self.total("shadow_requests_total", result="sent"), 2 * held)

    def test_a_canary_that_is_gone_is_nobodys_business(self):
        self.start()
        for node in self.canary:
            node.kill()
        with Wire(self.proxy.port) as wire:
            for key in KEYS[:300]:
                self.assertEqual(wire.set(key, b"v"), b"STORED")
                self.assertEqual(wire.get(key), {key: b"v"})
        self.assertGreater(self.total("shadow_requests_total", result="refused"), 0)
        self.assertEqual(self.total("commands_total", pool="main", status="error"), 0)

    def test_a_canary_that_hangs_delays_nobody_and_holds_little(self):
        self.start(timeouts={"request": "200ms"})
        for node in self.canary:
            node.pause()
        self.addCleanup(lambda: [node.resume() for node in self.canary])
        value = b"v" * 100_000
        with Wire(self.proxy.port) as wire:
            for key in KEYS[:300]:
                self.assertEqual(wire.set(key, value), b"STORED")
            self.assertEqual(wire.get(KEYS[7]), {KEYS[7]: value})
        eventually("the copies are given up",
                   lambda: self.total("node_errors_total", pool="canary", reason="timeout") > 0
                   and self.total("node_requests_in_flight") == 0)
        self.assertGreater(self.total("commands_total", pool="canary", status="error"), 0)

    def test_large_data_blocks_are_counted_and_not_copied(self):
        self.start()
        large = random.Random(1).randbytes(600_000)
        with Wire(self.proxy.port) as wire:
            self.assertEqual(wire.set(b"large", large), b"STORED")
            self.assertEqual(wire.get(b"large"), {b"large": large})
        self.assertEqual(self.total("shadow_requests_total", result="large"), 1)
        self.settled(1)

    def test_packets_are_copied_too(self):
        self.start()
        body = struct.pack(">II", 7, 0) + b"k" + b"of a packet"
        with Wire(self.proxy.port) as wire:
            wire.send(struct.pack(">BBHBBHIIQ", 0x80, 1, 1, 8, 0, 0, len(body), 0, 0) + body)
            self.assertEqual(wire.exactly(24)[6:8], b"\0\0")
        self.settled(1)
        with Wire(self.canary[0].port) as first, Wire(self.canary[1].port) as second:
            self.assertEqual({**first.get(b"k"), **second.get(b"k")}, {b"k": b"of a packet"})


if __name__ == "__main__":
    main()
