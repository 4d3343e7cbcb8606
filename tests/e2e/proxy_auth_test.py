#!/usr/bin/python3
"""Passwords at the proxy: what its clients see, as with memcached -Y; what it tells its nodes."""

import os
import signal
import struct

from auth_test import EXCHANGES, FILE, GOOD, UNAUTHENTICATED
from basics import HOST, PROXY, eventually, find_peer
from harness import TestCase, Wire, main

AUTH = "ringcache_proxy_client_auth_total"
CONNECTS = "ringcache_proxy_node_connects_total"
WRONG = b"CLIENT_ERROR authentication failure"


NAME_AND_PASSWORD = tuple(GOOD.split(b"\r\n")[1].split(b" "))


class ProxyAuth(TestCase):
    def setUp(self):
        super().setUp()
        os.chmod(self.world.folder, 0o755)
        self.passwords = self.write("passwords", FILE)

    def write(self, name, text):
        path = self.world.write(name, text)
        os.chmod(path, 0o644)
        return path

    def start(self, nodes, pool=None, auth=None, **top_level):
        config = self.world.config(nodes, pool, **top_level)
        if auth is not False:
            config["auth"] = {"file": self.passwords, **(auth or {})}
        self.proxy = self.world.proxy(config)
        return self.proxy

    def total(self, name, **labels):
        return self.proxy.metrics().sum(name, **labels)


class Clients(ProxyAuth):
    def test_each_exchange_is_answered_as_memcached_does(self):
        self.start([self.world.node()])
        memcached = self.world.memcached("-Y", self.passwords)

        def answers(server, requests):
            with Wire(server.port) as wire:
                found = []
                for request in requests:
                    wire.send(request)
                    found.append(wire.line())
                return found
        for requests in EXCHANGES:
            with self.subTest(requests=[each[:40] for each in requests]):
                self.assertEqual(answers(self.proxy, requests), answers(memcached, requests))
        self.assertGreater(self.total(AUTH, result="granted"), 0)
        self.assertGreater(self.total(AUTH, result="wrong"), 0)
        self.assertGreater(self.total(AUTH, result="malformed"), 0)
        self.assertIn("wrong name or password", self.proxy.log())
        self.assertNotIn("sesame", self.proxy.log())

    def test_a_pipeline_has_every_answer_and_nothing_of_a_stranger_reaches_a_node(self):
        node = self.world.node()
        self.start([node])
        with Wire(self.proxy.port) as wire:
            wire.send(b"set k 0 0 1\r\nx\r\nadd k 0 0 7\r\nversion\r\n" + GOOD + b"get k\r\nmn\r\n")
            self.assertEqual(wire.line(), b"CLIENT_ERROR bad authentication token format")
            self.assertEqual(wire.line(), UNAUTHENTICATED)
            self.assertEqual(wire.line(), b"STORED")
            self.assertEqual(wire.values(), {})
            self.assertEqual(wire.line(), b"MN")
        with Wire(node.port) as direct:
            self.assertEqual(direct.stats()["cmd_set"], "0")

    def test_sasl_plain_over_the_binary_protocol(self):
        self.start([self.world.node()])

        def packet(opcode, key=b"", value=b"", extras=b""):
            body = extras + key + value
            return struct.pack(">BBHBBHIIQ", 0x80, opcode, len(key), len(extras), 0, 0, len(body),
                               0, 0) + body

        def ask(wire, data):
            wire.send(data)
            _, _, _, _, _, status, body, _, _ = struct.unpack(">BBHBBHIIQ", wire.exactly(24))
            return status, wire.exactly(body)
        store = packet(1, b"k", b"v", bytes(8))
        with Wire(self.proxy.port) as wire:
            self.assertEqual(ask(wire, store), (0x20, b"Auth failure."))
            self.assertEqual(ask(wire, packet(0x20)), (0, b"PLAIN"))
            self.assertEqual(ask(wire, packet(0x21, b"PLAIN", b"\0user\0wrong")),
                             (0x20, b"Auth failure."))
            self.assertEqual(ask(wire, packet(0x21, b"PLAIN", b"\0%s\0%s" % NAME_AND_PASSWORD)),
                             (0, b"Authenticated"))
            self.assertEqual(ask(wire, store), (0, b""))
            self.assertEqual(ask(wire, packet(0, b"k"))[1][4:], b"v")
        self.assertEqual(self.total(AUTH, result="granted"), 1)
        self.assertEqual(self.total(AUTH, result="wrong"), 1)

    def test_memjs_with_its_password(self):
        self.start([self.world.node()])
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "memjs", "check.js")
        name, password = (each.decode() for each in NAME_AND_PASSWORD)
        code, out, err = self.world.run([find_peer("node"), script,
                                         f"{name}:{password}@{HOST}:{self.proxy.port}"])
        self.assertEqual((code, out.strip()), (0, "all as expected"), err)

    def test_strangers_are_bounded(self):
        self.start([self.world.node()], auth={"timeout": "1s"})
        before = self.proxy.rss_bytes()
        with Wire(self.proxy.port) as endless:
            endless.send(b"x" * 3000)
            endless.wait_closed()
        wires = [Wire(self.proxy.port) for _ in range(200)]
        for wire in wires:
            wire.send(b"set any 0 0 2048\r\n" + b"secret " * 290)
        if "RINGCACHE_E2E_SANITIZED" not in os.environ:
            self.assertLess(self.proxy.rss_bytes() - before, 32 << 20)
        with Wire(self.proxy.port) as known:
            self.assertEqual(known.ask(GOOD[:-2]), b"STORED")
            for wire in wires:
                wire.wait_closed()
                wire.close()
            self.assertEqual(self.total(AUTH, result="timeout"), 200)
            self.assertEqual(known.ask(b"mn"), b"MN")  # who is known has all the time

    def test_a_stranger_that_asks_on_and_does_not_read_is_cut(self):
        self.start([self.world.node()], auth={"timeout": "0s"})
        with Wire(self.proxy.port) as wire:
            try:
                for _ in range(4000):
                    wire.send(b"\n" * 16_000)
            except OSError:
                pass
            eventually("it is cut", lambda: self.total(
                "ringcache_proxy_client_connections_cut_total", reason="stranger_output") == 1)

    def test_a_changed_file_is_taken_and_a_bad_one_is_not(self):
        self.start([self.world.node()])
        with Wire(self.proxy.port) as before:
            self.assertEqual(before.ask(GOOD[:-2]), b"STORED")
            self.write("passwords", "shop:changed-one\n")

            def answer(token):
                with Wire(self.proxy.port) as wire:
                    return wire.ask(b"set any 0 0 %d\r\n%s" % (len(token), token))
            eventually("it is taken", lambda: answer(b"shop changed-one") == b"STORED")
            self.assertEqual(answer(b"shop open-sesame"), WRONG)
            self.write("passwords", "shop\n")
            self.proxy.signal(signal.SIGHUP)
            eventually("it is refused", lambda: self.total(
                "ringcache_proxy_config_reloads_total", result="rejected") > 0)
            self.assertIn("passwords:1: not of the form name:password", self.proxy.log())
            self.assertEqual(answer(b"shop changed-one"), b"STORED")
            self.assertEqual(before.ask(b"mn"), b"MN")

    def test_a_bad_file_is_named_before_anything_starts(self):
        config = self.world.config(["127.0.0.1:1"])
        config["auth"] = {"file": self.write("bad", "oops\n")}
        path = self.world.write("proxy.json", config)
        for argv in ([PROXY, "-c", path], [PROXY, "--check", path]):
            code, _, err = self.world.run(argv)
            self.assertEqual(code, 78)
            self.assertIn("/auth/file: ", err)
            self.assertIn("bad:1: not of the form name:password", err)
            self.assertNotIn("oops", err)


class Nodes(ProxyAuth):
    def test_nodes_that_ask_are_told(self):
        login = self.write("login", "shop:open-sesame\n")
        for kind in ("node", "memcached"):
            with self.subTest(kind):
                nodes = [getattr(self.world, kind)("-Y", self.passwords) for _ in range(2)]
                self.start(nodes, pool={"auth": {"file": login}}, auth=False)
                with Wire(self.proxy.port) as wire:
                    for number in range(50):
                        key, value = b"k%d" % number, b"x" * number * 3000
                        self.assertEqual(wire.set(key, value), b"STORED")
                        self.assertEqual(wire.get(key), {key: value})
                    nodes[0].kill()
                    eventually("its keys are misses",
                               lambda w=wire: w.get(*[b"k%d" % n for n in range(50)]) != {})
                    nodes[0].restart()
                    eventually("told again", lambda w=wire: all(
                        w.set(b"k%d" % n, b"1") == b"STORED" for n in range(50)))
                self.assertEqual(self.total("ringcache_proxy_node_errors_total", reason="auth"), 0)

    def test_a_password_comes_before_a_large_value_whether_it_ends_or_not(self):
        """Large values take connections of their own, each of which is told the password first."""
        value = b"v" * (700 << 10)
        login = self.write("login", "shop:open-sesame\n")
        node = self.world.node("-Y", self.passwords)
        self.start([node], pool={"auth": {"file": login}, "timeouts": {"request": "30s"}},
                   auth=False)
        with Wire(self.proxy.port) as left:
            left.send(b"set large 0 0 %d\r\n%s" % (len(value), value[:600 << 10]))
            eventually("it is under way", lambda: self.total(
                "ringcache_proxy_node_uploads_total") == 1)
        eventually("nothing is left of it", lambda: self.total(
            "ringcache_proxy_requests_in_flight") == 0)
        with Wire(self.proxy.port) as wire:
            self.assertEqual(wire.set(b"large", value), b"STORED")
            self.assertEqual(wire.get(b"large"), {b"large": value})
            self.assertEqual(wire.get(b"large", b"none"), {b"large": value})

    def test_a_wrong_password_is_counted_and_logged_and_never_shown(self):
        login = self.write("login", "shop:wrong-sesame\n")
        good = self.world.node()
        node = self.world.node("-Y", self.passwords)
        config = self.world.config([node], {"auth": {"file": login}})
        config["pools"]["good"] = {"prefixes": ["g"], "nodes": [good.address]}
        self.proxy = self.world.proxy(config)
        with Wire(self.proxy.port) as wire:
            self.assertEqual(wire.get(b"k"), {})
            eventually("said so", lambda: b"refused the proxy's password" in
                       wire.ask(b"touch k 1"))
        self.assertGreater(self.total(CONNECTS, node=node.address, result="auth"), 0)
        self.assertEqual(self.total(CONNECTS, node=node.address, result="ok"), 0)
        eventually("it is logged", lambda: "reason=auth" in self.proxy.log())
        self.assertNotIn("sesame", self.proxy.log())

    def test_a_node_that_asks_nothing_keeps_nothing_of_it(self):
        login = self.write("login", "shop:open-sesame\n")
        for kind in ("node", "memcached"):
            node = getattr(self.world, kind)()
            self.start([node], pool={"auth": {"file": login}}, auth=False)
            with Wire(self.proxy.port) as wire, Wire(node.port) as direct:
                self.assertEqual(wire.set(b"k", b"1"), b"STORED")
                self.assertEqual(direct.get(b"ringcache-proxy-login"), {})

    def test_without_a_password_the_node_says_so(self):
        node = self.world.node("-Y", self.passwords)
        self.start([node], auth=False, pool={"health": {"rise": 1}})
        with Wire(self.proxy.port) as wire:
            self.assertIn(b"ERROR", wire.set(b"k", b"1"))

    def test_more_than_one_line_is_an_error(self):
        config = self.world.config(["127.0.0.1:1"], {"auth": {"file": self.passwords}})
        path = self.world.write("proxy.json", config)
        code, _, err = self.world.run([PROXY, "--check", path])
        self.assertEqual(code, 78)
        self.assertIn("/pools/main/auth/file: ", err)
        self.assertIn("more than one line", err)


if __name__ == "__main__":
    main()
