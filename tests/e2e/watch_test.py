#!/usr/bin/python3
"""What watchers are told of real traffic, compared with memcached's own lines; and that watchers,
slow ones, many and those that go, cost nobody anything."""

import re
import socket

from harness import HOST, NODE, Failure, TestCase, Wire, eventually, main
from processes import Server

START = re.compile(rb"^ts=\d+\.\d{1,6} gid=\d+ type=")
# What may differ between two programs: clocks, descriptors, ports, and sizes of slab classes.
LOOSE = {b"ts", b"gid", b"cfd", b"clsid", b"rport"}


class Watcher:
    """A connection that watches. Lines come without their newline."""

    def __init__(self, port, *classes, connect=None):
        self.wire = connect() if connect else Wire(port)
        answer = self.wire.ask(b" ".join([b"watch", *classes]))
        if answer != b"OK":
            raise Failure(f"watch was answered {answer!r}")
        self.buffer = self.wire.buffer

    def line(self):
        while (end := self.buffer.find(b"\n")) < 0:
            self.wire._fill()
        line = bytes(self.buffer[:end])
        del self.buffer[:end + 1]
        return line

    def lines_until(self, last):
        """Lines up to the one that contains `last`."""
        lines = [self.line()]
        while last not in lines[-1]:
            lines.append(self.line())
        return lines

    def close(self):
        self.wire.close()


def fields(line):
    """A line as {name: value}, in its order."""
    return dict(word.split(b"=", 1) for word in line.split(b" "))


def strict(line):
    """What must be the same on both programs: names in order, and the values that can be."""
    found = fields(line)
    return [(name, b"" if name in LOOSE else value) for name, value in found.items()]


def gid_order(lines):
    return sorted(lines, key=lambda line: int(fields(line)[b"gid"]))


# Each is sent by itself; memcached and the node must say the same of it.
REQUESTS = [
    b"get a\r\n",
    b"set a 5 0 3\r\nabc\r\n",
    b"set a 5 100 3\r\nabc\r\n",
    b"get a b a\r\n",
    b"gets a\r\n",
    b"gat 50 a b\r\n",
    b"gats 60 a\r\n",
    b"touch a 0\r\n",
    b"touch nobody 0\r\n",
    b"add a 0 0 1\r\nx\r\n",
    b"add a2 0 0 1\r\nx\r\n",
    b"replace zz 0 0 1\r\nx\r\n",
    b"replace a2 0 0 4\r\nlong\r\n",
    b"append a 0 0 2\r\nde\r\n",
    b"prepend a 0 0 2 noreply\r\nde\r\n",
    b"prepend zz 0 0 1\r\nx\r\n",
    b"cas a 0 0 1 1\r\nx\r\n",
    b"cas zz 0 0 1 1\r\nx\r\n",
    b"set n 0 0 1\r\n9\r\n",
    b"incr n 1\r\n",
    b"decr n 1\r\n",
    b"incr zz 1\r\n",
    b"incr a 1\r\n",
    b"delete a\r\n",
    b"delete a\r\n",
    b"ms m 3\r\nabc\r\n",
    b"ms m 3 ME\r\nabc\r\n",
    b"ms m 3 MR T50\r\nabc\r\n",
    b"ms q 1 MP\r\na\r\n",
    b"ms m 1 C1\r\na\r\n",
    b"ms m 1 MR C1\r\na\r\n",
    b"ms m 1 ME C1\r\na\r\n",
    b"ms m 1 MA C1\r\na\r\n",
    b"ms qq 1 C1\r\na\r\n",
    b"mg m v\r\n",
    b"mg nobody v\r\n",
    b"mg made v N30\r\n",
    b"mg m T20 v\r\n",
    b"mg m u k q\r\n",
    b"ma n\r\n",
    b"ma nobody\r\n",
    b"ma made2 N0 J5\r\n",
    b"ma made2 MD\r\n",
    b"md m I\r\n",
    b"md m C1\r\n",
    b"md m\r\n",
    b"md m\r\n",
    b"me n\r\n",
    b"me nobody\r\n",
    b"mn\r\n",
    b"set a 0 0 2\r\nabc\r\n",  # a bad end, of which nothing is told
    b"set e 0 0 0\r\n\r\n",
    b"get e\r\n",
    b"set dead 0 -1 1\r\nx\r\nget dead\r\nget dead\r\n",
    b"set dead 0 -1 1\r\nx\r\nset dead 0 0 1\r\ny\r\n",
    b"set dead 0 -1 1\r\nx\r\ndelete dead\r\n",
    b"set dead 0 -1 1\r\nx\r\nmg dead v\r\n",
    b"set \"a%b\x01\x7f\xff,/:~!*'()._- 0 0 1\r\nx\r\n",
    b"get \x80\xc3\xa9\r\n",
    b"ms Zm9v 2 b\r\nhi\r\n",
    b"mg Zm9v b v\r\n",
    b"get " + b" ".join(b"k%d" % i for i in range(300)) + b"\r\n",
    b"set big 0 0 500000\r\n" + b"v" * 500000 + b"\r\n",
    b"append big 0 0 300000\r\n" + b"w" * 300000 + b"\r\n",
    b"append big 0 0 300000\r\n" + b"w" * 300000 + b"\r\n",
    b"ms big 500000 T9\r\n" + b"v" * 500000 + b"\r\n",
]
# The program's own arithmetic at work: a ttl that has passed is modulo 2^32 and counts on.
PASSED = re.compile(rb"ttl=4294\d{6}")


class WatchCase(TestCase):
    """Closes what it opens."""

    def client(self, server):
        client = Wire(server.port)
        self.addCleanup(client.close)
        return client

    def watcher(self, server, *classes, connect=None):
        watcher = Watcher(server.port, *classes, connect=connect)
        self.addCleanup(watcher.close)
        return watcher


class Lines(WatchCase):
    def told(self, server, classes=(b"fetchers", b"mutations")):
        """What a watcher is told of each request, in the order of the events."""
        watcher, client = self.watcher(server, *classes), self.client(server)
        told = []
        for number, request in enumerate(REQUESTS):
            mark = b"mark%d" % number
            client.send(request + b"get %s\r\n" % mark)
            lines = gid_order(watcher.lines_until(b"key=" + mark + b" "))
            self.assertIn(mark, lines[-1])
            told.append([PASSED.sub(b"ttl=passed", line) for line in lines[:-1]])
        client.close()
        watcher.close()
        return told

    def test_lines_of_fetches_and_stores_are_those_of_memcached(self):
        ours = self.told(self.world.node())
        theirs = self.told(self.world.memcached())
        for request, our_lines, their_lines in zip(REQUESTS, ours, theirs):
            with self.subTest(request[:60]):
                for line in our_lines + their_lines:
                    self.assertRegex(line, START)
                self.assertEqual([strict(line) for line in our_lines],
                                 [strict(line) for line in their_lines])

    def test_a_store_that_is_refused_is_told(self):
        """memcached prints whatever lies on its stack as cfd and clsid there."""
        node = self.world.node()
        watcher, client = self.watcher(node, b"mutations", b"fetchers"), self.client(node)
        for command, verb, dropped in ((b"set big 0 0 2000000", b"set", True),
                                       (b"add big 0 0 2000000", b"add", False),
                                       (b"cas big 0 0 2000000 1", b"cas", False),
                                       (b"ms big 2000000 MR", b"replace", True)):
            client.send(command + b"\r\n" + b"x" * 2000000 + b"\r\nget mark\r\n")
            lines = watcher.lines_until(b"key=mark ")
            self.assertRegex(lines[0], rb"type=item_store key=big status=too_large cmd=" + verb +
                             rb" ttl=0 clsid=0 cfd=\d+ size=0$")
            self.assertEqual(len(lines), 3 if dropped else 2)
        client.close()

    def test_flushed_items_are_told(self):
        node = self.world.node()
        watcher, client = self.watcher(node), self.client(node)
        client.set(b"k", b"v")
        self.assertEqual(client.ask(b"flush_all"), b"OK")
        client.get(b"k")
        self.assertIn(b" key=k status=flushed clsid=0 ", watcher.lines_until(b"flushed")[-1])

    def test_class_numbers_are_those_of_stats_and_descriptors_those_of_stats_conns(self):
        node = self.world.node()
        watcher, client = self.watcher(node, b"mutations"), self.client(node)
        client.set(b"k", b"v" * 3000)
        told = fields(watcher.line())
        number = told[b"clsid"].decode()
        self.assertEqual(client.stats(b"items")[f"items:{number}:number"], "1")
        self.assertIn(f"cls={number} ".encode(), client.ask(b"me k"))
        me = "tcp:%s:%d" % client.socket.getsockname()
        self.assertEqual(client.stats(b"conns")[told[b"cfd"].decode() + ":addr"], me)
        watching = [value for name, value in client.stats(b"conns").items()
                    if name.endswith(":state") and value == "conn_watch"]
        self.assertEqual(len(watching), 1)

    def test_evictions_are_those_of_memcached(self):
        for server in (self.world.node(memory_mib=2), self.world.memcached("-m", "2")):
            with self.subTest(server.name):
                self.check_evictions(server)

    def check_evictions(self, server):
        watcher, client = self.watcher(server, b"evictions"), self.client(server)
        for i in range(900):
            client.set(b"key%d" % i, b"v" * 5000, exptime=500 if i % 2 else 0)
            if i == 0:
                client.get(b"key0")
        evicted = int(client.stats()["evictions"])
        self.assertGreater(evicted, 100)
        keys = set()
        for _ in range(evicted):
            line = watcher.line()
            self.assertRegex(line, rb"^ts=\S+ gid=\d+ type=eviction key=key\d+ fetch=(yes|no) "
                                   rb"ttl=-?\d+ la=\d+ clsid=\d+ size=5000$")
            told = fields(line)
            number = int(told[b"key"][3:])
            if number % 2:
                self.assertGreater(int(told[b"ttl"]), 480)
            else:
                self.assertEqual(told[b"ttl"], b"-1")
            self.assertEqual(told[b"fetch"], b"yes" if number == 0 else b"no")
            keys.add(number)
        self.assertEqual(len(keys), evicted)
        client.close()
        watcher.close()

    def test_connections_are_those_of_memcached(self):
        seen = []
        for server in (self.world.node("-o", "idle_timeout=1"),
                       self.world.memcached("-o", "idle_timeout=1")):
            watcher = self.watcher(server, b"connevents")
            told = []
            for end in ("close", "quit", "idle"):
                client = self.client(server)
                port = client.socket.getsockname()[1]
                if end == "quit":
                    client.send(b"quit\r\n")
                elif end == "close":
                    client.ask(b"mn")
                    client.close()
                lines = watcher.lines_until(b"type=conn_close")
                for line in lines:
                    self.assertEqual(fields(line)[b"rport"], str(port).encode())
                told.append([strict(line) for line in gid_order(lines)])
                client.close()
            seen.append(told)
        self.assertEqual(*seen)

    def test_connections_of_a_unix_socket(self):
        node = self.world.node()
        path = self.world.path("node.sock")
        server = self.world._add(Server("unix-node", [
            NODE, "-s", path, "--metrics", "off"], self.world.folder, node.port, ours=True))

        def connect():
            wire = Wire.__new__(Wire)
            wire.socket = eventually("connected", lambda: unix_socket(path))
            wire.buffer = bytearray()
            return wire
        watcher = self.watcher(server, b"connevents", connect=connect)
        connect().close()
        lines = watcher.lines_until(b"conn_close")
        self.assertRegex(lines[0], rb"type=conn_new rip=unix rport=0 transport=local cfd=\d+$")
        self.assertRegex(lines[1], rb"type=conn_close rip=unix rport=0 transport=local "
                                   rb"reason=normal cfd=\d+$")
        watcher.close()
        server.stop()


def unix_socket(path):
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(30)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        return None
    return connection


class Watching(WatchCase):
    def test_answers_to_watch_are_those_of_memcached(self):
        node, memcached = self.world.node(), self.world.memcached()
        for line in (b"watch foo", b"watch deletions", b"watch FETCHERS", b"Watch",
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
