#!/usr/bin/python3
"""Passwords (-Y): what clients and attackers see, compared with memcached -Y wire by wire."""

import os
import signal

from basics import HOST, NODE, eventually
from harness import TestCase, Wire, main

FILE = "shop:open-sesame\nreports:x:y\n"
GOOD = b"set any 0 0 16\r\nshop open-sesame\r\n"
UNAUTHENTICATED = b"CLIENT_ERROR unauthenticated"

# Sent one by one, on a connection of its own for each list: memcached drops the answers of a
# pipeline but for the last. Each has exactly one line as its answer.
EXCHANGES = [
    [b"get a\r\n", b"version\r\n", b"quit\r\n", b"mn\r\n", b"stats\r\n", b"\r\n", b"nonsense\r\n"],
    [GOOD, b"set a 0 0 1\r\nx\r\n", b"mg a\r\n", b"mn\r\n", GOOD],
    [b"set any 0 0 9\r\nshop open\r\n", b"get a\r\n", GOOD, b"mn\r\n"],
    [b"set any 0 0 11\r\nreports x:y\r\n", b"mn\r\n"],
    [b"set any 0 0 9\r\nreports x\r\n", b"mn\r\n"],
    [b"set any x y 16 noreply\r\nshop open-sesame\r\n", b"mn\r\n"],
    [b"set any 0 0 21\r\n shop  open-sesame 12\r\n", b"mn\r\n"],
    [b"set " + b"k" * 300 + b" 0 0 16\r\nshop open-sesame\r\n", b"mn\r\n"],
    [b"set any 0 0 4\r\nshop\r\n", b"set any 0 0 0\r\n\r\n", b"mn\r\n"],
    [b"set any 0 0 2000\r\n" + b"x" * 2000 + b"\r\n", b"mn\r\n"],
    [b"set any 0 0 16\r\nshop open-sesameXX", b"mn\r\n"],
    [b"set any 0 0 -1\r\n", b"set any 0 0 abc\r\n", b"set any 0 0\r\n", b"set\r\n"],
    [b"set any 0 0 +16\r\nshop open-sesame\r\n", b"mn\r\n"],
    # As one packet: memcached takes the data for a line, and drops its answer.
    [b"add any 0 0 16\r\nshop open-sesame\r\n"],
    [b"ms any 16\r\nshop open-sesame\r\n"],
]


class Against(TestCase):
    def start(self, *options):
        passwords = self.world.write("passwords", FILE)
        os.chmod(passwords, 0o644)
        os.chmod(self.world.folder, 0o755)
        return (self.world.node("-Y", passwords, *options),
                self.world.memcached("-Y", passwords, *options))

    def answers(self, server, requests):
        found = []
        with Wire(server.port) as wire:
            for request in requests:
                wire.send(request)
                found.append(wire.line())
        return found

    def test_each_exchange_is_answered_as_memcached_does(self):
        node, memcached = self.start()
        for requests in EXCHANGES:
            with self.subTest(requests=[each[:40] for each in requests]):
                self.assertEqual(self.answers(node, requests), self.answers(memcached, requests))
        counted = []
        for server in (node, memcached):
            with Wire(server.port) as wire:
                self.assertEqual(wire.ask(GOOD[:-2]), b"STORED")
                stats = wire.stats()
                counted.append((stats["auth_cmds"], stats["auth_errors"]))
        self.assertEqual(counted[0], counted[1])

    def test_hang_up_is_how_a_line_without_end_is_answered(self):
        for server in self.start():
            with self.subTest(server.name), Wire(server.port) as wire:
                wire.send(b"x" * 3000)
                wire.wait_closed()

    def test_sighup_reads_the_file_again(self):
        for server in self.start():
            with self.subTest(server.name), Wire(server.port) as before:
                self.assertEqual(before.ask(GOOD[:-2]), b"STORED")
                self.world.write("passwords", "shop:changed-one\n")
                server.signal(signal.SIGHUP)
                changed = b"set any 0 0 16\r\nshop changed-one"

                def taken(port=server.port, token=changed):
                    with Wire(port) as wire:
                        return wire.ask(token) == b"STORED"
                eventually("the new password is taken", taken)
                with Wire(server.port) as wire:
                    self.assertEqual(wire.ask(GOOD[:-2]), b"CLIENT_ERROR authentication failure")
                self.assertEqual(before.ask(b"mn"), b"MN")
                self.world.write("passwords", FILE)


class Node(TestCase):
    def test_a_pipeline_has_every_answer(self):
        passwords = self.world.write("passwords", FILE)
        node = self.world.node("-Y", passwords)
        with Wire(node.port) as wire:
            wire.send(b"get a\r\nget b\r\n" + GOOD + b"set a 0 0 1\r\n1\r\nget a\r\n")
            self.assertEqual([wire.line() for _ in range(4)],
                             [UNAUTHENTICATED, UNAUTHENTICATED, b"STORED", b"STORED"])
            self.assertEqual(wire.values(), {b"a": b"1"})

    def test_data_of_a_refused_command_is_no_command(self):
        passwords = self.world.write("passwords", FILE)
        node = self.world.node("-Y", passwords)
        with Wire(node.port) as wire:
            self.assertEqual(wire.ask(b"add any 0 0 16"), UNAUTHENTICATED)
            wire.send(b"shop open-sesame\r\n")
            wire.send(b"ms any 7\r\nversion\r\n" + GOOD)
            self.assertEqual([wire.line() for _ in range(2)], [UNAUTHENTICATED, b"STORED"])

    def test_strangers_hold_no_memory_and_their_passwords_are_not_logged(self):
        passwords = self.world.write("passwords", FILE)
        node = self.world.node("-Y", passwords, "-vv")
        before = node.rss_bytes()
        wires = [Wire(node.port) for _ in range(200)]
        try:
            for wire in wires:
                wire.send(b"set any 0 0 2048\r\n" + b"secret " * 290)
            for wire in wires[:20]:
                wire.send(b"\r\n" * 10 + b"set any 0 0 13\r\nshop my-secret\r\n")
                wire.line()
            self.assertLess(node.rss_bytes() - before, 32 << 20)
        finally:
            for wire in wires:
                wire.close()
        self.assertNotIn("secret", node.log())
        self.assertNotIn("sesame", node.log())

    def test_a_client_that_never_says_who_it_is_is_closed(self):
        passwords = self.world.write("passwords", FILE)
        node = self.world.node("-Y", passwords, "-o", "auth_timeout=1")
        with Wire(node.port) as silent, Wire(node.port) as known:
            self.assertEqual(known.ask(GOOD[:-2]), b"STORED")
            silent.wait_closed()
            self.assertEqual(known.stats()["auth_kicks"], "1")

    def test_a_bad_file_is_named_with_its_line(self):
        for text, said in ((FILE + "oops\n", "passwords:3: not of the form name:password"),
                           ("", "passwords:1: no line name:password")):
            passwords = self.world.write("passwords", text)
            code, _, err = self.world.run([NODE, "-p", "0", "-l", HOST, "-Y", passwords])
            self.assertEqual(code, 1)
            self.assertIn(said, err)
            self.assertNotIn("sesame", err)


if __name__ == "__main__":
    main()
