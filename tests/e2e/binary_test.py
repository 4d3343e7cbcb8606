#!/usr/bin/python3
"""The binary protocol on the wire: a node answers packet by packet as Debian's memcached does."""

import random
import struct

import pylibmc

from basics import HOST
from harness import TestCase, Wire, main
from topologies import for_each_topology

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


NOOP_OPAQUE = 0xffffffff


def one_of_a_model(source, model, opaque):
    """A random command, and its answer: status, key, value; None for none."""
    key = b"model %d" % source.randrange(20) if source.random() < 0.3 else \
        b"model-%d" % source.randrange(20)
    opcode = source.choice((GET, GETQ, GETK, GETKQ, SET, SETQ, ADD, ADDQ, REPLACE, APPEND,
                            DELETE))
    if opcode in (GET, GETQ, GETK, GETKQ):
        command, returned = packet(opcode, key, opaque=opaque), key if opcode >= GETK else b""
        if key in model:
            return command, (0, returned, model[key])
        miss = (1, returned, b"" if returned else b"Not found")
        return command, None if opcode in (GETQ, GETKQ) else miss
    if opcode == DELETE:
        known = model.pop(key, None) is not None
        answer = (0, b"", b"") if known else (1, b"", b"Not found")
        return packet(DELETE, key, opaque=opaque), answer
    value = b"%d " % opaque * source.randrange(1, 200)
    if opcode == APPEND:
        command = packet(APPEND, key, b"", value, opaque=opaque)
        if key not in model:
            return command, (5, b"", b"Not stored.")
        model[key] += value
        return command, (0, b"", b"")
    command = packet(opcode, key, STORE, value, opaque=opaque)
    if opcode in (ADD, ADDQ) and key in model:
        return command, (2, b"", b"Data exists for key.")
    if opcode == REPLACE and key not in model:
        return command, (1, b"", b"Not found")
    model[key] = value
    return command, None if opcode in (SETQ, ADDQ) else (0, b"", b"")


def answers_until_noop(wire):
    """Opaque, status, key and value of each answer before that of the noop."""
    answers = []
    while True:
        _, _, key, extras, _, status, body, opaque, _ = struct.unpack(
            ">BBHBBHIIQ", wire.exactly(24))
        rest = wire.exactly(body)
        if opaque == NOOP_OPAQUE:
            return answers
        answers.append((opaque, status, rest[extras:extras + key], rest[extras + key:]))


class BinaryFailures(TestCase):
    """What a client of the binary protocol hears when the proxy has no answer of a node."""

    def ask(self, wire, data):
        wire.send(data)
        _, _, _, _, _, status, body, _, _ = struct.unpack(">BBHBBHIIQ", wire.exactly(24))
        return status, wire.exactly(body)

    def test_a_node_that_is_gone(self):
        node = self.world.node()
        proxy = self.world.proxy(self.world.config([node]))
        with Wire(proxy.port) as wire:
            self.assertEqual(self.ask(wire, packet(SET, b"k", STORE, b"v")), (0, b""))
            node.kill()
            self.assertEqual(self.ask(wire, packet(GET, b"k")), (1, b"Not found"))
            status, text = self.ask(wire, packet(SET, b"k", STORE, b"v"))
            self.assertEqual(status, 0x86)
            self.assertTrue(text.startswith(b"SERVER_ERROR node "), text)
            self.assertEqual(self.ask(wire, packet(NOOP)), (0, b""))

    def test_no_pool_takes_the_key(self):
        proxy = self.world.proxy(self.world.config([self.world.node()],
                                                   pool={"prefixes": ["only:"]}))
        with Wire(proxy.port) as wire:
            status, text = self.ask(wire, packet(SET, b"k", STORE, b"v"))
            self.assertEqual((status, text), (0x86, b"SERVER_ERROR no pool takes this key"))
            self.assertEqual(self.ask(wire, packet(SET, b"only:k", STORE, b"v")), (0, b""))


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

    def test_keys_of_any_bytes(self):
        for key in (b"a key", b"\0", b"line\r\nflush_all", bytes(range(180)), b"k" * 250,
                    "\u043a\u043b\u044e\u0447".encode()):
            self.assertEqual(self.ask(packet(SET, key, STORE, b"v" + key))[:2], (SET, 0))
            self.assertEqual(self.ask(packet(GETK, key)), (GETK, 0, b"\0\0\0\7", key, b"v" + key))
            self.assertEqual(self.ask(packet(GAT, key, b"\0\0\0\x3c"))[4], b"v" + key)
            self.assertEqual(self.ask(packet(DELETE, key))[1], 0)
            self.assertEqual(self.ask(packet(GETK, key)), (GETK, 1, b"", key, b""))

    def test_text_and_binary_clients_share_items(self):
        with Wire(self.server.port) as text:
            text.set(b"shared", b"of text", flags=9)
            self.assertEqual(self.ask(packet(GET, b"shared")),
                             (GET, 0, b"\0\0\0\x09", b"", b"of text"))
            self.ask(packet(SET, b"shared", STORE, b"of binary"))
            self.assertEqual(text.get(b"shared"), {b"shared": b"of binary"})

    def test_values_of_all_sizes_in_one_pipeline(self):
        source = random.Random(11)
        sizes = (0, 1, 100, 4096, 16_000, 65_536, 262_144, 262_145, 600_000)
        values = {b"size-%d" % size: source.randbytes(size) for size in sizes}
        self.wire.send(b"".join(packet(SETQ, key, STORE, value) for key, value in values.items()))
        self.wire.send(b"".join(packet(GETKQ, key) for key in values) + packet(NOOP))
        for key, value in values.items():
            self.assertEqual(self.answer(), (GETKQ, 0, b"\0\0\0\7", key, value))
        self.assertEqual(self.answer()[:2], (NOOP, 0))

    def test_pipelines_against_a_model(self):
        """Random batches; every answer is the one that the commands before it ask for."""
        source, model = random.Random(5), {}
        for _ in range(60):
            batch, expected = [], []
            for opaque in range(source.randrange(1, 60)):
                command, answer = one_of_a_model(source, model, opaque)
                batch.append(command)
                if answer is not None:
                    expected.append((opaque, *answer))
            self.wire.send(b"".join(batch) + packet(NOOP, opaque=NOOP_OPAQUE))
            self.assertEqual(answers_until_noop(self.wire), expected)

    def test_libmemcached(self):
        client = pylibmc.Client([f"{HOST}:{self.server.port}"], binary=True)
        self.assertTrue(client.set_multi({"a": "1", "b": "2"}) == [])
        self.assertEqual(client.get_multi(["a", "b", "c"]), {"a": "1", "b": "2"})
        self.assertEqual(client.incr("a", 4), 5)
        self.assertTrue(client.delete("b"))
        self.assertIsNone(client.get("b"))
        client.disconnect_all()


for_each_topology(globals(), Binary)

if __name__ == "__main__":
    main()
