#!/usr/bin/python3
"""The binary protocol on the wire: a node answers packet by packet as Debian's memcached does."""

import struct

import pylibmc

from basics import HOST
from harness import Wire, main
from topologies import Node, Yardstick, for_each_topology

GET, SET, ADD, REPLACE, DELETE, INCR, DECR, QUIT, FLUSH, GETQ, NOOP, VERSION = range(12)
GETK, GETKQ, APPEND, PREPEND, STAT, SETQ, ADDQ = range(12, 19)
TOUCH, GAT, GATQ, SASL_LIST = 0x1c, 0x1d, 0x1e, 0x20
STORE = struct.pack(">II", 7, 0)


def packet(opcode, key=b"", extras=b"", value=b"", cas=0, opaque=0x01020304, magic=0x80):
    body = extras + key + value
    return struct.pack(">BBHBBHIIQ", magic, opcode, len(key), len(extras), 0, 0, len(body),
                       opaque, cas) + body


def number(delta, initial=0, exptime=0):
    return struct.pack(">QQI", delta, initial, exptime)


class Binary:
    def setUp(self):
        self.wire = Wire(self.server.port)
        self.addCleanup(self.wire.close)
        self.assertEqual(self.ask(packet(FLUSH)), (FLUSH, 0, b"", b"", b""))

    def answer(self):
        """Opcode, status, extras, key and value of the next answer; its CAS in self.cas."""
        magic, opcode, key, extras, _, status, body, opaque, self.cas = struct.unpack(
            ">BBHBBHIIQ", self.wire.exactly(24))
        self.assertEqual((magic, opaque), (0x81, 0x01020304))
        rest = self.wire.exactly(body)
        return opcode, status, rest[:extras], rest[extras:extras + key], rest[extras + key:]

    def ask(self, data):
        self.wire.send(data)
        return self.answer()

    def test_store_and_get(self):
        self.assertEqual(self.ask(packet(GET, b"k")), (GET, 1, b"", b"", b"Not found"))
        self.assertEqual(self.ask(packet(GETK, b"k")), (GETK, 1, b"", b"k", b""))
        self.assertEqual(self.ask(packet(REPLACE, b"k", STORE, b"v"))[1], 1)
        self.assertEqual(self.ask(packet(ADD, b"k", STORE, b"v")), (ADD, 0, b"", b"", b""))
        self.assertNotEqual(self.cas, 0)
        cas = self.cas
        self.assertEqual(self.ask(packet(ADD, b"k", STORE, b"v"))[1:], (2, b"", b"",
                                                                       b"Data exists for key."))
        self.assertEqual(self.ask(packet(GETK, b"k")), (GETK, 0, b"\0\0\0\7", b"k", b"v"))
        self.assertEqual(self.cas, cas)
        self.assertEqual(self.ask(packet(SET, b"k", STORE, b"w", cas=cas + 99))[1], 2)
        self.assertEqual(self.ask(packet(SET, b"k", STORE, b"w", cas=cas))[1], 0)
        self.assertEqual(self.ask(packet(SET, b"absent", STORE, b"w", cas=5))[1], 1)
        self.assertEqual(self.ask(packet(APPEND, b"k", b"", b"+"))[1], 0)
        self.assertEqual(self.ask(packet(PREPEND, b"k", b"", b"-"))[1], 0)
        self.assertEqual(self.ask(packet(APPEND, b"none", b"", b"+")),
                         (APPEND, 5, b"", b"", b"Not stored."))
        self.assertEqual(self.ask(packet(GET, b"k"))[4], b"-w+")
        self.assertEqual(self.ask(packet(DELETE, b"k", cas=1 << 60))[1], 2)
        self.assertEqual(self.ask(packet(DELETE, b"k"))[1], 0)
        self.assertEqual(self.ask(packet(DELETE, b"k"))[1], 1)

    def test_numbers(self):
        self.assertEqual(self.ask(packet(INCR, b"n", number(1, 5, 0xffffffff)))[1], 1)
        self.assertEqual(self.ask(packet(INCR, b"n", number(1, 5)))[4], struct.pack(">Q", 5))
        self.assertEqual(self.ask(packet(INCR, b"n", number(3)))[4], struct.pack(">Q", 8))
        self.assertEqual(self.ask(packet(DECR, b"n", number(100)))[4], struct.pack(">Q", 0))
        self.ask(packet(SET, b"t", STORE, b"text"))
        self.assertEqual(self.ask(packet(INCR, b"t", number(1)))[1], 6)

    def test_touch(self):
        self.ask(packet(SET, b"k", STORE, b"v"))
        self.assertEqual(self.ask(packet(TOUCH, b"k", b"\0\0\0\x3c")), (TOUCH, 0, b"\0\0\0\7",
                                                                        b"", b""))
        self.assertEqual(self.ask(packet(GAT, b"k", b"\0\0\0\x3c"))[4], b"v")
        self.wire.send(packet(GATQ, b"no", b"\0\0\0\x3c"))
        self.assertEqual(self.ask(packet(GAT, b"no", b"\0\0\0\x3c"))[:2], (GAT, 1))

    def test_quiet_forms_hide_what_is_usual(self):
        self.wire.send(packet(SETQ, b"k", STORE, b"v") + packet(GETQ, b"no") +
                       packet(GETKQ, b"k") + packet(ADDQ, b"k", STORE, b"x") + packet(NOOP))
        self.assertEqual(self.answer(), (GETKQ, 0, b"\0\0\0\7", b"k", b"v"))
        self.assertEqual(self.answer()[:2], (ADDQ, 2))
        self.assertEqual(self.answer(), (NOOP, 0, b"", b"", b""))

    def test_bytes_one_by_one_and_large_values(self):
        for byte in packet(SET, b"k", STORE, b"slow"):
            self.wire.send(bytes([byte]))
        self.assertEqual(self.answer()[:2], (SET, 0))
        large = bytes(range(256)) * 3000
        self.wire.send(packet(SET, b"l", STORE, large) + packet(GET, b"l"))
        self.assertEqual(self.answer()[:2], (SET, 0))
        self.assertEqual(self.answer()[4], large)

    def test_too_large_is_swallowed_and_forgets_the_old(self):
        self.ask(packet(SET, b"k", STORE, b"v"))
        self.wire.send(packet(SET, b"k", STORE, bytes(2 << 20)) + packet(NOOP))
        self.assertEqual(self.answer(), (SET, 3, b"", b"", b"Too large."))
        self.assertEqual(self.answer()[:2], (NOOP, 0))
        self.assertEqual(self.ask(packet(GET, b"k"))[1], 1)

    def test_stat_ends_with_an_empty_packet(self):
        self.wire.send(packet(STAT))
        names = []
        while (stat := self.answer())[3]:
            names.append(stat[3])
        self.assertIn(b"pid", names)
        self.assertEqual(stat, (STAT, 0, b"", b"", b""))
        self.assertEqual(self.ask(packet(STAT, b"nonsense"))[1], 1)

    def test_refusals(self):
        self.assertEqual(self.ask(packet(SASL_LIST)), (SASL_LIST, 0x81, b"", b"",
                                                       b"Unknown command"))
        for wrong in (packet(GET), packet(SET, b"k"), packet(NOOP, b"k"),
                      packet(GET, b"k" * 251)):
            with Wire(self.server.port) as wire:
                wire.send(wrong)
                self.assertEqual(wire.exactly(24)[6:8], b"\0\4")
                self.assertEqual(wire.exactly(17), b"Invalid arguments")
                wire.wait_closed()
        self.wire.send(packet(NOOP, magic=0x42))
        self.wire.wait_closed()

    def test_quit(self):
        self.assertEqual(self.ask(packet(QUIT)), (QUIT, 0, b"", b"", b""))
        self.wire.wait_closed()

    def test_libmemcached(self):
        client = pylibmc.Client([f"{HOST}:{self.server.port}"], binary=True)
        self.assertTrue(client.set_multi({"a": "1", "b": "2"}) == [])
        self.assertEqual(client.get_multi(["a", "b", "c"]), {"a": "1", "b": "2"})
        self.assertEqual(client.incr("a", 4), 5)
        self.assertTrue(client.delete("b"))
        self.assertIsNone(client.get("b"))
        client.disconnect_all()


for_each_topology(globals(), Binary, topologies=(Yardstick, Node))

if __name__ == "__main__":
    main()
