#!/usr/bin/python3
"""Watchers: who may be one and how, that they end, and that many, slow ones and those that go cost
nobody anything."""

import socket

from harness import HOST, Failure, Wire, eventually, main
from watchers import START, WatchCase, fields, gid_order


class Watching(WatchCase):
    def test_answers_to_watch_are_those_of_memcached(self):
        node, memcached = self.world.node(), self.world.memcached()
        for line in (b"watch foo", b"watch deletion", b"watch FETCHERS", b"Watch",
                     b"watch fetchers foo", b"watch" + b" a" * 30, b"watch",
                     b"watch fetchers mutations evictions connevents sysevents rawcmds proxyreqs "
                     b"proxyevents proxyuser", b"watch fetchers fetchers",
                     b"watch" + b" fetchers" * 30):
            with self.subTest(line):
                answers = []
                for server in (node, memcached):
                    with Wire(server.port) as wire:
                        answers.append(wire.ask(line))
                self.assertEqual(*answers)
        for line in (b"watch noreply", b"watch fetchers noreply"):
            for server in (node, memcached):
                with Wire(server.port) as wire:
                    wire.send(line + b"\r\nmn\r\n")
                    self.assertEqual(wire.line(), b"MN")

    def test_a_watcher_is_not_answered_any_more(self):
        for server in (self.world.node(), self.world.memcached()):
            with self.subTest(server.name):
                watcher, client = self.watcher(server), self.client(server)
                watcher.wire.send(b"version\r\nset k 0 0 1\r\nx\r\nquit\r\n" + b"y" * 100)
                client.get(b"seen")
                self.assertIn(b" key=seen ", watcher.line())
                client.close()
                watcher.close()

    def test_what_follows_watch_in_one_packet_is_dropped_and_what_stood_before_is_answered(self):
        node = self.world.node()
        with Wire(node.port) as wire, Wire(node.port) as client:
            wire.send(b"version\r\nwatch fetchers\r\nversion\r\nquit\r\n")
            self.assertTrue(wire.line().startswith(b"VERSION "))
            self.assertEqual(wire.line(), b"OK")
            client.get(b"seen")
            while b"\n" not in wire.buffer:
                wire._fill()
            self.assertIn(b" key=seen ", bytes(wire.buffer))

    def test_two_classes_at_once_and_each_watcher_its_own(self):
        node = self.world.node()
        both = self.watcher(node, b"fetchers", b"mutations")
        stores = self.watcher(node, b"mutations")
        client = self.client(node)
        for i in range(50):
            client.set(b"k%d" % i, b"v")
        lines = gid_order(both.lines_until(b"item_store key=k49 "))
        types = [fields(line)[b"type"] for line in lines]
        self.assertEqual(types, [b"item_get", b"item_store"] * 50)
        keys = [fields(line)[b"key"] for line in stores.lines_until(b" key=k49 ")]
        self.assertEqual(keys, [b"k%d" % i for i in range(50)])

    def test_a_watcher_is_never_idle(self):
        node = self.world.node("-o", "idle_timeout=1")
        watcher, client = self.watcher(node), self.client(node)
        client.wait_closed()  # the other one was
        with Wire(node.port) as second:
            second.get(b"seen")
            self.assertIn(b" key=seen ", watcher.line())

    def test_nothing_is_told_of_before_and_watching_ends_with_the_watcher(self):
        node = self.world.node()
        client = self.client(node)
        first = self.watcher(node)
        client.get(b"early")
        self.assertIn(b" key=early ", first.line())
        self.assertEqual(client.stats()["log_watchers"], "1")
        first.close()
        eventually("no watcher", lambda: client.stats()["log_watchers"] == "0")
        written = client.stats()["log_worker_written"]
        client.get(b"between")
        self.assertEqual(client.stats()["log_worker_written"], written)
        second = self.watcher(node)
        client.get(b"late")
        self.assertIn(b" key=late ", second.line())

    def test_not_allowed(self):
        try:
            node = self.world.node("-W")
        except Failure:
            self.skipTest("the option -W is not there")
        with Wire(node.port) as wire:
            self.assertEqual(wire.ask(b"watch"), b"CLIENT_ERROR watch commands not allowed")
            self.assertEqual(wire.ask(b"watch foo"), b"CLIENT_ERROR watch commands not allowed")
            self.assertTrue(wire.nothing_left())

    def test_the_proxy_has_none(self):
        proxy = self.world.proxy(self.world.config([self.world.node()]))
        with Wire(proxy.port) as wire:
            self.assertEqual(wire.ask(b"watch"), b"ERROR")
            wire.send(b"watch fetchers noreply\r\n")
            self.assertTrue(wire.nothing_left())


class Many(WatchCase):
    def test_a_hundred_watchers_and_a_limit(self):
        node = self.world.node()
        client = self.client(node)
        watchers = [self.watcher(node, b"fetchers") for _ in range(100)]
        self.assertEqual(client.stats()["log_watchers"], "100")
        client.get(*(b"k%d" % i for i in range(20)))
        told = [watcher.lines_until(b" key=k19 ") for watcher in watchers]
        self.assertEqual(len(told[0]), 20)
        for lines in told[1:]:
            self.assertEqual(lines, told[0])
        eventually("all counted", lambda: client.stats()["log_watcher_sent"] == "2000")
        watchers += [self.watcher(node) for _ in range(28)]
        self.assertEqual(client.ask(b"watch"), b"WATCHER_TOO_MANY log watcher limit reached")
        self.assertEqual(client.ask(b"mn"), b"MN")
        for watcher in watchers:
            watcher.close()
        eventually("all gone", lambda: client.stats()["log_watchers"] == "0")
        self.watcher(node).close()

    def test_watchers_that_come_and_go_while_clients_work(self):
        node = self.world.node()
        client = self.client(node)
        for turn in range(60):
            watchers = [self.watcher(node, b"fetchers", b"mutations") for _ in range(5)]
            for i in range(40):
                client.set(b"k%d" % i, b"%d" % turn)
            watchers[turn % 5].wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                                      b"\1\0\0\0\0\0\0\0")
            for watcher in watchers:
                watcher.close()
        eventually("all gone", lambda: client.stats()["log_watchers"] == "0")
        self.assertEqual(client.get(b"k7"), {b"k7": b"59"})


class Slow(WatchCase):
    def slow_watcher(self, node):
        """One that takes nothing, with little room for it in the kernel."""
        def connect():
            wire = Wire.__new__(Wire)
            wire.socket = socket.socket()
            wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            wire.socket.settimeout(30)
            wire.socket.connect((HOST, node.port))
            wire.buffer = bytearray()
            return wire
        return self.watcher(node, b"fetchers", connect=connect)

    def test_it_is_skipped_told_how_much_and_holds_up_nobody(self):
        node = self.world.node("-o", "watcher_logbuf_size=8")
        client = self.client(node)
        slow = self.slow_watcher(node)
        keys = [b"k%d" % i + b"x" * 200 for i in range(100)]

        def skipped():
            client.get(*keys)  # every one is answered, whatever the watcher does
            return int(client.stats()["log_watcher_skipped"])
        eventually("lines skipped", skipped)
        good = self.watcher(node, b"mutations")
        client.set(b"now", b"v")
        self.assertIn(b" key=now status=stored ", good.line())

        # It wakes up, and hears how many it has missed.
        lost = told = 0
        while True:
            client.get(b"more")  # with the next line it is told
            line = slow.line()
            if line.startswith(b"skipped="):
                lost += int(line[8:])
                break
            self.assertRegex(line, START)
            told += 1
        self.assertGreater(lost, 0)
        self.assertGreater(told, 0)
        self.assertLessEqual(lost, int(client.stats()["log_watcher_skipped"]))

    def test_a_small_buffer_of_events_drops_and_counts(self):
        node = self.world.node("-o", "worker_logbuf_size=1")
        watcher, client = self.watcher(node), self.client(node)
        keys = [b"k%d" % i for i in range(200)]

        def dropped():
            client.get(*keys)
            return int(client.stats()["log_worker_dropped"])
        eventually("events dropped", dropped)
        stats = client.stats()
        asked = int(stats["cmd_get"])
        self.assertEqual(int(stats["log_worker_written"]) + int(stats["log_worker_dropped"]), asked)

        def told_of_mark():
            client.get(b"mark")
            return b" key=mark " in watcher.line()
        eventually("told of the mark", told_of_mark)

    def test_a_node_with_watchers_ends_when_told(self):
        node = self.world.node("-o", "watcher_logbuf_size=8")
        slow, client = self.slow_watcher(node), self.client(node)
        quick = self.watcher(node)
        for _ in range(20):
            client.get(*(b"k%d" % i for i in range(100)))
        slow.close()
        node.stop()
        quick.wire.wait_closed()


if __name__ == "__main__":
    main()
