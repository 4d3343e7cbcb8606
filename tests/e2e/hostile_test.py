#!/usr/bin/python3
"""Any bytes on any port: an error line or a close, and no effect on another connection."""

import contextlib
import os
import random
import re
import socket
import threading

from harness import HOST, Failure, TestCase, Wire, eventually, main
from topologies import Node, ProxyOverMemcached, ProxyOverNodes
from witness import Witness

MIB = 1 << 20
# What a sanitizer needs beside the program itself.
MEMORY_FACTOR = int(os.environ.get("RINGCACHE_E2E_MEMORY_FACTOR", "1"))


class Hostile:
    topology = None

    def setUp(self):
        super().setUp()
        self.random = random.Random(os.environ.get("RINGCACHE_E2E_SEED", "8"))
        # Whoever queues megabytes makes others wait; that must not last, and is no node's fault.
        self.server = self.topology.start(self.world, pool={"timeouts": {"request": "20s"}},
                                          limits={"client_output": "4MiB"})
        self.rss_bytes = self.server.rss_bytes()
        self.witness = Witness(self.server.port)
        self.addCleanup(self.check_unharmed)

    def check_unharmed(self):
        self.assertEqual(self.witness.finish(), [])
        for process in self.world.processes:
            self.assertTrue(process.alive(), process.name)
            self.assertLess(process.rss_bytes(), 400 * MIB * MEMORY_FACTOR, process.name)

    def feed(self, data, port=None):
        """Sends it all, reading what comes, until the server closes or has read everything."""
        with contextlib.suppress(OSError), Wire(port or self.server.port) as wire:
            reader = threading.Thread(target=self.drain, args=(wire.socket,))
            reader.start()
            try:
                wire.send(data)
                wire.socket.shutdown(socket.SHUT_WR)
            finally:
                reader.join()

    @staticmethod
    def drain(sock):
        with contextlib.suppress(OSError):
            while sock.recv(1 << 16):
                pass

    def test_random_bytes(self):
        for _ in range(100):
            self.feed(self.random.randbytes(self.random.randrange(1, 20_000)))

    def test_commands_with_bytes_changed(self):
        good = (b"set k 1 0 5\r\nhello\r\nget k k2 k3\r\ngets k\r\nincr n 5\r\ntouch k 10\r\n"
                b"cas k 0 0 2 17\r\nhi\r\nmg k s v t f k O123 q\r\nms k 3 T0 F5 c\r\nabc\r\n"
                b"ma n N0 J13 v\r\nmd k q\r\nmn\r\ngat 10 k j\r\nverbosity 1\r\nstats\r\nme k\r\n"
                b"append k 0 0 1 noreply\r\nx\r\ndelete k noreply\r\nflush_all 1000\r\nversion\r\n")
        for _ in range(300):
            bad = bytearray(good)
            for _ in range(self.random.randrange(1, 8)):
                place = self.random.randrange(len(bad))
                change = self.random.randrange(3)
                if change == 0:
                    bad[place] = self.random.randrange(256)
                elif change == 1:
                    del bad[place:place + self.random.randrange(1, 10)]
                else:
                    bad[place:place] = self.random.choice(
                        [b"\r\n", b"\0", b" ", b"-1", b"99999999999999999999", b"k" * 300, b"\n"])
            self.feed(bytes(bad).replace(b"flush_all", b"flush_nil"))

    def test_lengths_that_lie(self):
        for length in (b"-1", b"0", b"4294967295", b"2147483648", b"9223372036854775807",
                       b"18446744073709551615", b"18446744073709551616", b"1e9", b"1048577", b"07"):
            self.feed(b"set k 0 0 " + length + b"\r\nabc\r\nget k\r\n")
            self.feed(b"ms k " + length + b"\r\nabc\r\nmg k v\r\n")

    def test_lengths_that_lie_leave_no_trace(self):
        """What is there afterwards is the old value or nothing, whatever was said and sent."""
        for said in (0, 1, 19, 2000, 20_000, 300_000):
            for sent in {0, 1, max(0, said - 1), said + 1, said + 5000}:
                for end in (b"\r\n", b"\n", b"", b"\r", b"\r\nmn\r\n"):
                    with Wire(self.server.port) as wire:
                        self.assertEqual(wire.set(b"lied", b"old"), b"STORED")
                    self.feed(b"set lied 0 0 %d\r\n" % said + b"x" * sent + end)
                    with Wire(self.server.port) as wire:
                        found = wire.get(b"lied")
                        whole = {b"lied": b"x" * said}
                        stored = sent == said and end.startswith(b"\r\n")
                        self.assertIn(found, [whole] if stored else [{}, {b"lied": b"old"}],
                                      (said, sent, end))

    def test_numbers_that_are_none(self):
        """After each the connection is in step, or closed; 64 bits are the most that counts."""
        numbers = (b"-1", b"-0", b"+1", b"00007", b"1.5", b"0x10", b"1e9", b"", b"abc", b"1x",
                   b"2147483648", b"-2147483649", b"4294967296", b"9223372036854775808",
                   b"-9223372036854775809", b"18446744073709551615", b"18446744073709551616",
                   b"9" * 40, b"-" + b"9" * 40)
        commands = (b"set n %s 0 1", b"set n 0 %s 1", b"set n 0 0 %s", b"set n 0 %s 1 noreply",
                    b"cas n 0 0 1 %s", b"add n %s %s %s", b"append n 0 0 %s", b"incr n %s",
                    b"decr n %s", b"touch n %s", b"gat %s n", b"gats %s n", b"verbosity %s",
                    b"mg n v T%s", b"mg n v R%s", b"mg n v N%s", b"mg n v E%s", b"ms n %s",
                    b"ms n 1 T%s", b"ms n 1 F%s", b"ms n 1 C%s", b"ma n D%s", b"ma n J%s N0",
                    b"ma n N%s", b"ma n C%s", b"ma n T%s", b"md n C%s", b"md n I T%s")
        for command in commands:
            for number in numbers:
                line = command.replace(b"%s", number)
                data = b"5\r\n" if command.split()[0] in (b"set", b"cas", b"add", b"append",
                                                           b"ms") else b""
                with contextlib.suppress(OSError), Wire(self.server.port) as wire:
                    wire.set(b"n", b"5")
                    wire.send(line + b"\r\n" + data + b"mn\r\n")
                    wire.socket.shutdown(socket.SHUT_WR)  # of a value that is not all there
                    self.check_in_step(wire, line)

    def check_in_step(self, wire, line):
        """Nothing but lines that memcached knows up to the answer to an mn, or a close."""
        known = re.compile(rb"(HD|VA|EN|NF|NS|EX|OK|STORED|NOT_STORED|EXISTS|NOT_FOUND|TOUCHED|"
                           rb"VALUE|END|ERROR|CLIENT_ERROR|SERVER_ERROR|\d+)\b|5$")
        try:
            while (answer := wire.line()) != b"MN":
                self.assertRegex(answer, known, line)
        except Failure as failure:
            self.assertIn("connection closed", str(failure), line)

    def test_every_byte_in_a_key(self):
        """The same is a key as for memcached."""
        yardstick = self.world.memcached()
        for byte in range(256):
            key = b"k%ce" % byte
            commands = (b"set %s 0 0 1\r\nx\r\nget %s\r\ndelete %s\r\nms %s 1\r\ny\r\n"
                        b"mg %s k v\r\nincr %s 1\r\nmn\r\n" % ((key,) * 6))
            answers = []
            for server in (yardstick, self.server):
                with Wire(server.port) as wire:
                    wire.send(commands)
                    answers.append([])
                    while not answers[-1] or answers[-1][-1] != b"MN":
                        answers[-1].append(wire.line())
            self.assertEqual(*answers, byte)

    def test_a_million_keys_in_one_get(self):
        # The proxy takes few at a time where little may wait for a client, as here.
        count = 100_000 if self.topology.is_proxy else 1_000_000
        pairs = {b"m-%d" % number: b"%d" % number for number in range(0, count, 1000)}
        with Wire(self.server.port) as wire:
            wire.send(b"".join(b"set %s 0 0 %d noreply\r\n%s\r\n" % (key, len(value), value)
                               for key, value in pairs.items()))
            self.assertTrue(wire.nothing_left())
            line = b"get " + b" ".join(b"m-%d" % number for number in range(count)) + b"\r\n"
            sender = threading.Thread(target=self.send_quietly, args=(wire, line))
            sender.start()
            answer = wire.line()
            if answer.startswith((b"CLIENT_ERROR", b"SERVER_ERROR")):
                wire.wait_closed()
            else:
                wire.buffer[:0] = answer + b"\r\n"
                self.assertEqual(wire.values(), pairs)
            sender.join()

    @staticmethod
    def send_quietly(wire, data):
        with contextlib.suppress(OSError):
            wire.send(data)

    def test_lines_without_end(self):
        for line in (b"g" * 5 * MIB, b"get " + b"k" * 5 * MIB, b"get " + b"k " * 3 * MIB,
                     b"set " + b" " * 3 * MIB, b"mg k " + b"v " * 2 * MIB, b"\0" * 3 * MIB,
                     b"\r" * MIB, b"\n" * MIB, b"stats " + b"x" * MIB):
            self.feed(line)

    def test_commands_cut_short(self):
        for _ in range(3):
            for command in (b"set k 0 0 100000\r\n" + b"x" * 50_000, b"get k", b"get k\r",
                            b"ms k 100\r\nab", b"cas k 0 0 5 1\r\nhello", b"gets " + b"k " * 100,
                            b"append k 0 0 1000000\r\n" + b"x" * 999_999):
                with Wire(self.server.port) as wire:
                    wire.send(command)
                with Wire(self.server.port) as wire:  # the same, but with a reset
                    wire.send(command)
                    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                           b"\1\0\0\0\0\0\0\0")

    def test_clients_that_never_read(self):
        with Wire(self.server.port) as wire:
            self.assertEqual(wire.set(b"big", b"x" * 200_000), b"STORED")
        for _ in range(20):
            sock = socket.create_connection((HOST, self.server.port))
            self.addCleanup(sock.close)
            sock.setblocking(False)
            with contextlib.suppress(OSError):  # no room any more, or the server has closed it
                for _ in range(100):
                    sock.send(b"get big\r\n")
        self.assertEqual(self.witness_goes_on(), [])
        limit = self.rss_bytes + 20 * 2 * 4 * MIB * MEMORY_FACTOR
        self.assertLess(self.server.rss_bytes(), limit, "what nobody reads must not pile up")

    def witness_goes_on(self):
        target = self.witness.rounds + 50
        eventually("the witness goes on", lambda: self.witness.rounds > target)
        return self.witness.wrong

    def test_many_connections_that_dribble(self):
        wires = [Wire(self.server.port) for _ in range(400)]
        for wire in wires:
            self.addCleanup(wire.close)
        for byte in b"get dribble\r\n":
            for wire in wires:
                wire.send(bytes([byte]))
        for wire in wires:
            self.assertEqual(wire.values(), {})

    def test_connections_that_come_and_go(self):
        for i in range(1500):
            with contextlib.suppress(OSError):
                wire = Wire(self.server.port)
                if i % 3:
                    wire.send(b"get k\r\nset k 0 0 10\r\nabc"[:self.random.randrange(24)])
                wire.close()
        gauge = ("ringcache_proxy_client_connections" if self.topology.is_proxy
                 else "ringcache_node_current_connections")
        eventually("closed connections are forgotten",
                   lambda: self.server.metrics().sum(gauge) < 20)

    def test_admin_port(self):
        port = self.server.admin_port
        for data in (b"GET / HTTP/1.1\r\n\r\n", b"get k\r\n", b"\0" * 100_000,
                     b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\n\r\n",
                     b"POST /metrics HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
                     b"GET /metrics HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 20_000 + b"\r\n",
                     b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
                     self.random.randbytes(50_000)):
            self.feed(data, port)
        self.assertEqual(self.server.http_status("/healthz"), 200)


class HostileToNode(Hostile, TestCase):
    topology = Node


class HostileToProxy(Hostile, TestCase):
    topology = ProxyOverNodes


class HostileToProxyOverMemcached(Hostile, TestCase):
    topology = ProxyOverMemcached


class TooManyConnections(TestCase):
    def test_the_one_too_many_is_told_and_others_stay(self):
        node = self.world.node("-c", "10")
        proxy = self.world.proxy(self.world.config([self.world.node()],
                                                   limits={"client_connections": 10}))
        for server, rejected in ((node, "ringcache_node_connections_rejected_total"),
                                 (proxy, "ringcache_proxy_client_connections_rejected_total")):
            with self.subTest(server.name), contextlib.ExitStack() as stack:
                wires = [stack.enter_context(Wire(server.port)) for _ in range(30)]
                answers = [self.answer(wire) for wire in wires]
                self.assertLessEqual(answers.count("MN"), 10)
                self.assertGreaterEqual(answers.count("MN"), 8)
                for answer in answers:
                    self.assertIn(answer.split(" ")[0], ("MN", "ERROR", "SERVER_ERROR", "closed"))
                self.assertGreaterEqual(server.metrics().sum(rejected), 20)
            eventually("there is room again", lambda s=server: self.answer_of_new(s) == "MN")

    @staticmethod
    def answer(wire):
        try:
            return wire.ask(b"mn").decode()
        except (OSError, Failure):
            return "closed"

    def answer_of_new(self, server):
        with Wire(server.port) as wire:
            return self.answer(wire)


if __name__ == "__main__":
    main()
