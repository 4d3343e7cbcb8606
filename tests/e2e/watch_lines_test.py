#!/usr/bin/python3
"""What watchers are told of real traffic, compared field by field with memcached's own lines."""

import re
import socket

from harness import NODE, eventually, main
from processes import Server
from watchers import START, WatchCase, fields, gid_order
from wire import Wire

# What may differ between two programs: clocks, descriptors, ports, and sizes of slab classes.
LOOSE = {b"ts", b"gid", b"cfd", b"clsid", b"rport"}


def strict(line):
    """What must be the same on both programs: names in order, and the values that can be."""
    found = fields(line)
    return [(name, b"" if name in LOOSE else value) for name, value in found.items()]


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
                self.assertEqual(len({fields(line)[b"cfd"] for line in lines}), 1)
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


if __name__ == "__main__":
    main()
