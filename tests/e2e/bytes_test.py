#!/usr/bin/python3
"""What no client library shows: bytes on the wire, batches of commands, answers in order."""

import random
import threading

from harness import Wire, main
from topologies import for_each_topology


class Bytes:
    """Commands sent as bytes to a node and through a proxy; one connection unless said."""

    def setUp(self):
        self.wire = Wire(self.server.port)
        self.addCleanup(self.wire.close)
        self.assertEqual(self.wire.ask(b"flush_all"), b"OK")

    def test_get_and_touch(self):
        self.wire.set(b"k", b"v")
        self.wire.send(b"gat 3600 k absent\r\n")
        self.assertEqual(self.wire.values(), {b"k": b"v"})
        self.wire.send(b"gats 3600 k\r\n")
        (value, cas), = self.wire.values().values()
        self.assertEqual(value, b"v")
        self.assertEqual(self.wire.ask(b"cas k 0 0 1 %d\r\nw" % cas), b"STORED")
        self.wire.send(b"gat -1 k\r\n")
        self.assertEqual(self.wire.values(), {b"k": b"w"})
        self.assertEqual(self.wire.get(b"k"), {})

    def test_meta_commands(self):
        ask = self.wire.ask
        self.assertEqual(ask(b"mn"), b"MN")
        self.assertEqual(ask(b"mg k v"), b"EN")
        self.assertEqual(ask(b"ms k 3 T60 F7\r\nabc"), b"HD")
        self.assertEqual(ask(b"mg k s v f k Oreq7"), b"VA 3 s3 f7 kk Oreq7")
        self.assertEqual(self.wire.line(), b"abc")
        self.assertEqual(ask(b"mg k t"), b"HD t60")
        self.assertEqual(ask(b"ms n 1\r\n5"), b"HD")
        self.assertEqual(ask(b"ma n v D10"), b"VA 2")
        self.assertEqual(self.wire.line(), b"15")
        self.assertEqual(ask(b"md k"), b"HD")
        self.assertEqual(ask(b"md k"), b"NF")
        self.assertEqual(ask(b"ms k 1 MR\r\nx"), b"NS")

    def test_meta_quiet_until_no_op(self):
        self.wire.set(b"a", b"1")
        self.wire.set(b"c", b"3")
        self.wire.send(b"".join(b"mg %s v q k\r\n" % k for k in (b"a", b"b", b"c")) + b"mn\r\n")
        self.assertEqual([self.wire.line() for _ in range(5)],
                         [b"VA 1 ka", b"1", b"VA 1 kc", b"3", b"MN"])

    def test_pipelined_answers_keep_their_order(self):
        source = random.Random(5)
        sent, expected = bytearray(), bytearray()
        for i in range(3000):
            key, value = b"key-%d" % source.randrange(200), b"%d" % i * source.randrange(1, 40)
            sent += b"set %s 0 0 %d\r\n%s\r\nget %s\r\n" % (key, len(value), value, key)
            expected += b"STORED\r\nVALUE %s 0 %d\r\n%s\r\nEND\r\n" % (key, len(value), value)
            if i % 7 == 0:
                sent += b"get absent-%d\r\nset %s 0 0 1 noreply\r\nx\r\nbad command\r\n" % (i, key)
                expected += b"END\r\nERROR\r\n"
        sender = threading.Thread(target=self.wire.send, args=(sent,))
        sender.start()
        self.assertEqual(self.wire.exactly(len(expected)), bytes(expected))
        sender.join()
        self.assertTrue(self.wire.nothing_left())

    def test_a_byte_at_a_time(self):
        for byte in b"set k 3 0 5\r\nab\r\nc\r\ngets k\r\n":
            self.wire.send(bytes([byte]))
        self.assertEqual(self.wire.line(), b"STORED")
        (value, _), = self.wire.values().values()
        self.assertEqual(value, b"ab\r\nc")

    def test_multiget_of_many_keys_and_of_one_key_twice(self):
        pairs = {b"key-%d" % i: b"%d" % i for i in range(0, 5000, 2)}
        self.wire.send(b"".join(b"set %s 0 0 %d noreply\r\n%s\r\n" % (k, len(v), v)
                                for k, v in pairs.items()))
        self.assertEqual(self.wire.get(*(b"key-%d" % i for i in range(5000))), pairs)
        self.wire.send(b"get key-0 key-2 key-0\r\n")
        lines = [self.wire.line() for _ in range(7)]
        self.assertEqual(lines.count(b"VALUE key-0 0 1"), 2)
        self.assertEqual(lines[-1], b"END")

    def test_values_wait_for_a_slow_reader(self):
        """A client that sends a lot and reads late gets all of it, in order."""
        value = random.Random(6).randbytes(200_000)
        self.wire.set(b"big", value)
        self.wire.send(b"get big\r\n" * 200)
        with Wire(self.server.port) as other:
            self.assertEqual(other.set(b"k", b"v"), b"STORED")
            self.assertEqual(other.get(b"k"), {b"k": b"v"})
        for _ in range(200):
            self.assertEqual(self.wire.values(), {b"big": value})

    def test_large_value_behind_large_answers(self):
        """A value that arrives while answers are still leaving waits for its turn."""
        value = random.Random(9).randbytes(900_000)
        self.wire.set(b"k", value)
        sender = threading.Thread(target=self.wire.send, args=(
            b"get k\r\n" * 30 + b"set j 0 0 %d\r\n%s\r\nget j\r\n" % (len(value), value),))
        sender.start()
        for _ in range(30):
            self.assertEqual(self.wire.values(), {b"k": value})
        self.assertEqual(self.wire.line(), b"STORED")
        self.assertEqual(self.wire.values(), {b"j": value})
        sender.join()

    def test_errors_are_memcacheds(self):
        long_key = b"k" * 251
        cases = {
            b"get": b"ERROR",
            b"nonsense": b"ERROR",
            b"get " + long_key: b"CLIENT_ERROR bad command line format",
            b"set k 0 0 -1": b"CLIENT_ERROR bad command line format",
            b"incr k abc": b"CLIENT_ERROR invalid numeric delta argument",
            b"touch k abc": b"CLIENT_ERROR invalid exptime argument",
            b"set k 0 0 3\r\nabcd": b"CLIENT_ERROR bad data chunk",
            b"verbosity 1": b"OK",
        }
        for command, answer in cases.items():
            with self.subTest(command), Wire(self.server.port) as wire:
                self.assertEqual(wire.ask(command), answer)

    def test_quit(self):
        self.wire.send(b"quit\r\n")
        self.wire.wait_closed()


for_each_topology(globals(), Bytes)

if __name__ == "__main__":
    main()
