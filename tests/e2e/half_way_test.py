#!/usr/bin/python3
"""Values that are begun and not ended: memory stays within the promise, others are served, and when
the clients are gone nothing of it is left."""

import os
import resource

from harness import TestCase, Wire, eventually, main
from memory_promise import promised_bytes
from witness import Witness

MIB = 1 << 20
SANITIZED = "RINGCACHE_E2E_SANITIZED" in os.environ
CONNECTIONS = 5000
# -I, at half of -m. The thread sanitizer keeps several bytes of its own for each byte.
LARGE_MIB = 256 if SANITIZED else 1024
# What a connection may cost in all while it waits in the middle of a small value.
CONNECTION_BYTES = 8 << 10


class HalfWay(TestCase):
    def start(self, *options, memory_mib):
        self.memory_mib = memory_mib
        self.node = self.world.node(*options, memory_mib=memory_mib)
        self.witness = Witness(self.node.port)
        self.addCleanup(lambda: self.assertEqual(self.witness.finish(), []))

    def check_bounded(self, buffer_bytes=0):
        with Wire(self.node.port) as wire:
            items = int(wire.stats()["curr_items"])
        if not SANITIZED:
            self.assertLess(self.node.rss_bytes(), promised_bytes(
                self.memory_mib * MIB, items, 2, buffer_bytes))
        rounds = self.witness.rounds
        eventually("another client is served", lambda: self.witness.rounds > rounds + 20)
        self.assertEqual(self.witness.wrong, [])

    def check_nothing_left(self):
        with Wire(self.node.port) as wire:
            eventually("what has arrived is given up",
                       lambda: int(wire.stats()["arriving_bytes"]) == 0)
            self.assertEqual(int(wire.stats()["store_no_memory"]), 0)

    def test_a_value_of_a_gibibyte(self):
        self.start("-I", f"{LARGE_MIB}m", memory_mib=2 * LARGE_MIB)
        length = LARGE_MIB * MIB - 1000
        with Wire(self.node.port) as wire:
            wire.send(b"set large 0 0 %d\r\n" % length)
            piece = b"x" * MIB
            for _ in range(LARGE_MIB // 2):
                wire.send(piece)
            self.check_bounded()
        self.check_nothing_left()
        with Wire(self.node.port) as wire:  # the next one finds the room
            self.assertEqual(wire.get(b"large"), {})
            wire.send(b"set large 0 0 %d\r\n" % length)
            for _ in range(length // MIB):
                wire.send(piece)
            wire.send(piece[:length % MIB] + b"\r\n")
            self.assertEqual(wire.line(), b"STORED")
        self.check_bounded()

    def begin_many(self, length, sent):
        """Connections that have all sent the same part of a value."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        wires = []
        self.addCleanup(lambda: [wire.close() for wire in wires])
        for number in range(CONNECTIONS):
            wires.append(Wire(self.node.port))
            wires[-1].send(b"set half-%d 0 0 %d\r\n%s" % (number, length, b"x" * sent))
        return wires

    def test_many_small_values(self):
        self.start("-c", str(CONNECTIONS + 100), memory_mib=64)
        wires = self.begin_many(length=2000, sent=1000)
        self.check_bounded(CONNECTIONS * CONNECTION_BYTES)
        for wire in wires[::2]:
            wire.send(b"y" * 1000 + b"\r\n")
        for number, wire in enumerate(wires):
            if number % 2 == 0:
                self.assertEqual(wire.line(), b"STORED")
            wire.close()
        self.check_nothing_left()
        with Wire(self.node.port) as wire:
            self.assertEqual(wire.get(b"half-0", b"half-1"),
                             {b"half-0": b"x" * 1000 + b"y" * 1000})

    def test_more_large_values_than_there_is_memory_for(self):
        """Half of -m may be on its way in; further ones are refused, and nothing is lost by it."""
        self.start("-c", str(CONNECTIONS + 100), memory_mib=16)
        wires = self.begin_many(length=100_000, sent=50_000)
        self.check_bounded(CONNECTIONS * CONNECTION_BYTES)
        with Wire(self.node.port) as wire:
            stats = wire.stats()
        self.assertLessEqual(int(stats["arriving_bytes"]), 8 * MIB)
        self.assertGreater(int(stats["uploads_refused"]), 0)
        refused = stored = 0
        for wire in wires:
            wire.send(b"y" * 50_000 + b"\r\n")
            answer = wire.line()
            refused += answer == b"SERVER_ERROR out of memory storing object"
            stored += answer == b"STORED"
            wire.close()
        self.assertEqual(refused + stored, CONNECTIONS)
        self.assertGreater(stored, 40)
        self.check_nothing_left()


if __name__ == "__main__":
    main()
