#!/usr/bin/python3
"""TLS at the proxy: to its clients, and to nodes, ours and Debian's memcached -Z."""

import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import ssl
import threading

from pymemcache.client.base import Client

from basics import HOST, PATIENCE_S, PROXY, eventually, find_peer, free_port
from certificates import Authority
from harness import TestCase, Wire, main
from tls_wire import TlsWire, refused

MIB = 1 << 20
LARGE = random.Random(7).randbytes(MIB - 2048)
HANDSHAKES = "ringcache_proxy_client_tls_handshakes_total"
CONNECTS = "ringcache_proxy_node_connects_total"
RELOADS = "ringcache_proxy_config_reloads_total"


class ProxyTls(TestCase):
    more_pools = {}

    def setUp(self):
        super().setUp()
        os.chmod(self.world.folder, 0o755)
        self.authority = Authority(self.world.folder)
        self.certificate, self.key = self.authority.issue("proxy")
        self.node_certificate, self.node_key = self.authority.issue("node")

    def client_side(self, **more):
        return {"certificate": self.certificate, "key": self.key, **more}

    def node_side(self, **more):
        return {"ca": self.authority.file, **more}

    def tls_node(self, kind="node", words=""):
        files = f"ssl_chain_cert={self.node_certificate},ssl_key={self.node_key}"
        return getattr(self.world, kind)("-Z", "-o", files + words)

    def config(self, nodes, tls=None, pool=None, **top_level):
        """Clients with TLS at the first address, without at the second."""
        config = self.world.config(nodes, pool, **top_level)
        config["listen"] = [f"tls:{HOST}:{free_port()}", f"{HOST}:{free_port()}"]
        config["tls"] = tls or self.client_side()
        config["pools"].update(self.more_pools)
        return config

    def start(self, nodes, tls=None, pool=None, **top_level):
        self.written = self.config(nodes, tls, pool, **top_level)
        self.proxy = self.world.proxy(self.written)
        self.plain_port = int(self.written["listen"][1].rsplit(":", 1)[1])
        return self.proxy

    def rewrite(self, **changes):
        self.written.update(changes)
        with open(self.proxy.config_path, "w", encoding="utf-8") as file:

            json.dump(self.written, file)

    def context(self, name=None, authority=None, version=None):
        context = ssl.create_default_context(cafile=self.authority.file)
        if name:
            context.load_cert_chain(*(authority or self.authority).issue(name))
        if version:
            context.minimum_version = context.maximum_version = version
        return context

    def wire(self, **options):
        return TlsWire(self.proxy.port, self.context(**options))

    def name_of_proxy(self):
        with self.wire() as wire:
            return dict(pair[0] for pair in wire.socket.getpeercert()["subject"])["commonName"]

    def total(self, name, **labels):
        return self.proxy.metrics().sum(name, **labels)

    def issue_in_place(self, name, certificate, key):
        for new, old in zip(self.authority.issue(name), (certificate, key)):
            os.replace(new, old)


class Clients(ProxyTls):
    def test_values_and_pipelines_with_tls_on_both_sides(self):
        nodes = [self.tls_node(), self.tls_node(), self.tls_node("memcached")]
        self.start(nodes, pool={"tls": self.node_side()})
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.subTest(version), self.wire(version=version) as wire:
                for number, size in enumerate((0, 1, 100, 4096, 16384, 100_000, len(LARGE))):
                    key = b"k%d" % number
                    self.assertEqual(wire.set(key, LARGE[:size]), b"STORED")
                    self.assertEqual(wire.get(key), {key: LARGE[:size]})
                wire.send(b"".join(b"set p%d 0 0 3\r\n%03d\r\nget p%d\r\n" % (i, i, i)
                                   for i in range(500)))
                for i in range(500):
                    self.assertEqual(wire.line(), b"STORED")
                    self.assertEqual(wire.values(), {b"p%d" % i: b"%03d" % i})
                keys = [b"p%d" % i for i in range(200)]
                self.assertEqual(set(wire.get(*keys)), set(keys))
        for node in nodes:
            self.assertGreater(self.total("ringcache_proxy_node_requests_total",
                                          node=node.address), 100)
            self.assertEqual(self.total(CONNECTS, node=node.address, result="tls"), 0)
        self.assertEqual(self.total(HANDSHAKES, result="ok"), 2)

    def test_a_slow_reader_gets_large_values_whole(self):
        self.start([self.tls_node()], pool={"tls": self.node_side()})
        with self.wire() as wire, self.wire() as other:
            self.assertEqual(wire.set(b"k", LARGE), b"STORED")
            wire.send(b"get k\r\n" * 30)
            self.assertEqual(other.set(b"other", b"1"), b"STORED")
            self.assertEqual(other.get(b"other"), {b"other": b"1"})
            for _ in range(30):
                self.assertEqual(wire.values(), {b"k": LARGE})

    def test_plain_addresses_stay_plain(self):
        self.start([self.world.node()])
        with self.wire() as wire, Wire(self.plain_port) as plain:
            self.assertEqual(plain.set(b"k", b"1"), b"STORED")
            self.assertEqual(wire.get(b"k"), {b"k": b"1"})
        self.assertIn(f"listening on {HOST}:{self.proxy.port} with TLS", self.proxy.log())

    def test_pymemcache(self):
        self.start([self.tls_node(), self.tls_node()], pool={"tls": self.node_side()})
        client = Client(("localhost", self.proxy.port), tls_context=self.context(),
                        timeout=PATIENCE_S, default_noreply=False)
        self.addCleanup(client.close)
        self.assertTrue(client.set("k", LARGE))
        self.assertEqual(client.get("k"), LARGE)
        client.set_many({f"k{i}": str(i) for i in range(100)})
        self.assertEqual(client.get_many([f"k{i}" for i in range(100)]),
                         {f"k{i}": str(i).encode() for i in range(100)})

    def test_certificates_of_clients(self):
        stranger = Authority(self.world.folder, "stranger")
        for asked, without in (("request", False), ("require", True)):
            self.start([self.world.node()], tls=self.client_side(
                client_ca=self.authority.file, client_certificates=asked))
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                with self.subTest(asked=asked, version=version):
                    def make(version=version, **who):
                        return self.wire(version=version, **who)
                    self.assertFalse(refused(lambda make=make: make(name="client")))
                    self.assertTrue(refused(
                        lambda make=make: make(name="other", authority=stranger)))
                    self.assertEqual(refused(make), without)
            self.assertIn("TLS handshake failed", self.proxy.log())

    def test_the_oldest_version_is_as_configured(self):
        self.start([self.world.node()], tls=self.client_side(min_version="1.3"))
        self.assertTrue(refused(lambda: self.wire(version=ssl.TLSVersion.TLSv1_2)))
        self.assertFalse(refused(lambda: self.wire(version=ssl.TLSVersion.TLSv1_3)))

    def test_sessions_are_resumed(self):
        self.start([self.world.node()])
        context = self.context(version=ssl.TLSVersion.TLSv1_2)
        with TlsWire(self.proxy.port, context) as first:
            session = first.socket.session
        with socket.create_connection((HOST, self.proxy.port)) as plain:
            with context.wrap_socket(plain, server_hostname="localhost", session=session) as again:
                self.assertTrue(again.session_reused)

    def test_garbage_and_halves_are_bounded_and_counted(self):
        self.start([self.world.node()], tls=self.client_side(handshake_timeout="200ms"))
        failed = 0
        with self.wire() as good:
            for bytes_ in (b"get k\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\0" * 5000,
                           b"\x16\x03\x01\xff\xff" + b"x" * 70_000, random.randbytes(3000)):
                with Wire(self.proxy.port) as wire, contextlib.suppress(OSError):
                    wire.send(bytes_)
                    wire.socket.shutdown(socket.SHUT_WR)
                    wire.wait_closed()
                failed += 1
                eventually("it is counted",
                           lambda f=failed: self.total(HANDSHAKES, result="failed") == f)
            with contextlib.ExitStack() as stack:
                halves = [stack.enter_context(Wire(self.proxy.port)) for _ in range(50)]
                for half in halves:
                    half.send(b"\x16\x03\x01\x02\x00\x01")
                for half in halves:
                    half.wait_closed()
            self.assertEqual(self.total(HANDSHAKES, result="timeout"), 50)
            eventually("nothing is left", lambda: self.total(
                "ringcache_proxy_client_connections") == 1)
            self.assertEqual(good.ask(b"mn"), b"MN")
        self.assertLessEqual(self.proxy.log().count("TLS handshake failed"), 2)


class Nodes(ProxyTls):
    def failing(self, pool, node, text, reason="tls", counter=CONNECTS):
        """A proxy to whose node no connection comes up, and why."""
        if not self.more_pools:  # a proxy is ready when any node is up
            self.more_pools = {"good": {"prefixes": ["g"], "nodes": [self.world.node().address]}}
        self.start([node], pool={"tls": pool, "timeouts": {"connect": "2s"}})
        with Wire(self.plain_port) as wire:
            self.assertEqual(wire.get(b"k"), {})
            self.assertRegex(wire.set(b"k", b"v"), b"SERVER_ERROR .*TLS handshake")
        if counter:
            self.assertGreater(self.total(counter, result=reason), 0)
        self.assertGreater(self.total("ringcache_proxy_node_errors_total", reason=reason), 0)
        eventually("the log says why", lambda: re.search(
            f"node connection failed .*reason={reason} .*{text}", self.proxy.log()))
        self.proxy.stop()

    def test_a_node_that_is_not_who_it_should_be_gets_nothing(self):
        stranger = Authority(self.world.folder, "stranger")
        node = self.tls_node()
        self.failing({"ca": stranger.file}, node, "bad certificate")
        self.failing(self.node_side(server_name="cache.example"), node, "ostname mismatch")
        self.failing({}, node, "bad certificate")
        self.failing(self.node_side(), self.world.memcached(), "")
        self.authority.issue("node", days=-1)
        self.failing(self.node_side(), self.tls_node(), "certificate has expired")

    def test_a_node_that_wants_to_know_the_proxy(self):
        own = dict(zip(("certificate", "key"), self.authority.issue("proxy-to-nodes")))
        words = f",ssl_verify_mode=2,ssl_ca_cert={self.authority.file}"
        for kind in ("node", "memcached"):
            with self.subTest(kind):
                node = self.tls_node(kind, words)
                self.start([node], pool={"tls": self.node_side(**own)})
                with Wire(self.plain_port) as wire:
                    self.assertEqual(wire.set(b"k", LARGE), b"STORED")
                    self.assertEqual(wire.get(b"k"), {b"k": LARGE})
                self.assertGreater(self.total(
                    "ringcache_proxy_node_tls_certificate_not_after_timestamp_seconds",
                    pool="main"), 1e9)
        # TLS 1.3: the node says so when the handshake is over for the proxy.
        self.failing(self.node_side(), self.tls_node(words=words), "certificate required",
                     counter=None)

    def test_without_verification_only_if_so_said(self):
        stranger = Authority(self.world.folder, "stranger")
        self.node_certificate, self.node_key = stranger.issue("node", days=-1)
        pool = {"tls": {"verify": False}}
        self.start([self.tls_node()], pool=pool)
        with Wire(self.plain_port) as wire:
            self.assertEqual(wire.set(b"k", b"1"), b"STORED")
        self.assertEqual(self.total("ringcache_proxy_node_tls_verified", pool="main"), 0)
        code, out, err = self.world.run([PROXY, "--check", self.proxy.config_path])
        self.assertEqual(code, 0, err)
        self.assertIn("warning: /pools/main/tls/verify: any certificate is taken", err)

    def test_a_node_that_comes_back_resumes(self):
        node = self.tls_node(words=",ssl_session_cache")
        self.start([node], pool={"tls": self.node_side(), "timeouts": {"idle": "50ms"}},
                   threads=1)
        for number in range(3):
            with Wire(self.plain_port) as wire:
                self.assertEqual(wire.set(b"k", b"1"), b"STORED")
            eventually("it is closed", lambda: self.total(
                "ringcache_proxy_node_connections", node=node.address) == 0)
        self.assertGreaterEqual(self.total("ringcache_proxy_node_tls_sessions_resumed_total"), 2)

    def test_a_node_that_does_not_shake_hands_is_given_up_in_time(self):
        self.more_pools = {"good": {"prefixes": ["g"], "nodes": [self.world.node().address]}}
        with socket.create_server((HOST, 0)) as silent:
            port = silent.getsockname()[1]
            self.start([f"{HOST}:{port}"], pool={"tls": self.node_side(),
                                                 "timeouts": {"connect": "100ms"}})
            with Wire(self.plain_port) as wire:
                self.assertEqual(wire.get(b"k"), {})
            eventually("it is counted", lambda: self.total(CONNECTS, result="timeout") > 0)

    def test_a_change_of_tls_makes_new_connections(self):
        plain = f"{HOST}:{free_port()}"
        files = f"ssl_chain_cert={self.node_certificate},ssl_key={self.node_key}"
        node = self.world.node("-Z", "-o", files, "-l", f"{HOST},notls:{plain}")
        entry = {"name": "a", "address": node.address}
        self.start([entry], pool={"tls": self.node_side()}, reload={"watch": False}, threads=1)
        with Wire(self.plain_port) as wire:
            self.assertEqual(wire.set(b"k", b"1"), b"STORED")
            before = self.total(CONNECTS, node="a", result="ok")
            self.rewrite(pools={"main": {"nodes": [entry],
                                         "tls": self.node_side(min_version="1.3")}})
            self.proxy.signal(signal.SIGHUP)
            eventually("applied", lambda: self.total(RELOADS, result="applied") == 1)
            self.assertEqual(wire.get(b"k"), {b"k": b"1"})
            self.assertEqual(self.total(CONNECTS, node="a", result="ok"), before + 1)
            self.rewrite(pools={"main": {"nodes": [dict(entry, address=plain)]}})
            self.proxy.signal(signal.SIGHUP)
            eventually("applied", lambda: self.total(RELOADS, result="applied") == 2)
            self.assertEqual(wire.get(b"k"), {b"k": b"1"})


class Reloading(ProxyTls):
    def test_nobody_notices_new_certificates(self):
        """Clients and nodes work on while the certificates of both change, by the file's watch."""
        own = [os.path.join(self.world.folder, "own." + end) for end in ("pem", "key")]
        self.issue_in_place("own-0", *own)
        node = self.tls_node(words=f",ssl_verify_mode=2,ssl_ca_cert={self.authority.file}")
        self.start([node], pool={"tls": self.node_side(certificate=own[0], key=own[1])})
        stop, failures, done = threading.Event(), [], [0]

        def work(number):
            try:
                with self.wire() as wire:
                    key, value = b"k%d" % number, LARGE[:50_000 * number + 10]
                    while not stop.is_set():
                        assert wire.set(key, value) == b"STORED"
                        assert wire.get(key) == {key: value}
                        done[0] += 1
            except BaseException as failure:  # pylint: disable=broad-except
                failures.append(failure)
        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for number in range(2):
            applied = self.total(RELOADS, result="applied")
            self.issue_in_place(f"proxy-{number}", self.certificate, self.key)
            self.issue_in_place(f"own-{number}", *own)
            eventually("it is taken", lambda a=applied: self.total(RELOADS, result="applied") > a)
            eventually("it is shown", lambda n=number: self.name_of_proxy() == f"proxy-{n}")
            before = done[0]
            eventually("work goes on", lambda b=before: done[0] > b + 10 or failures)
        stop.set()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(self.total(CONNECTS, result="tls"), 0)

    def test_a_bad_certificate_keeps_the_old_one(self):
        self.start([self.world.node()], reload={"watch": False})
        end = self.total("ringcache_proxy_client_tls_certificate_not_after_timestamp_seconds")
        good = self.certificate + ".good"
        shutil.copy(self.certificate, good)
        with open(self.node_certificate, encoding="ascii") as file:
            other = file.read()
        with self.wire() as before:
            for content in ("garbage", None):
                rejected = self.total(RELOADS, result="rejected")
                with open(self.certificate, "w", encoding="ascii") as file:
                    file.write(content or other)
                self.proxy.signal(signal.SIGHUP)
                eventually("rejected",
                           lambda r=rejected: self.total(RELOADS, result="rejected") > r)
                self.assertEqual(self.name_of_proxy(), "proxy")
                status, text = self.proxy.http("/api/v1/reload?dry_run=1", "POST", "")
                self.assertEqual(status, 422, text)
                self.assertIn("/tls: Error", text)
            self.assertIn("pointer=/tls", self.proxy.log())
            self.assertEqual(
                self.total("ringcache_proxy_config_last_reload_successful"), 0)
            shutil.copy(good, self.certificate)
            status, text = self.proxy.http("/api/v1/reload", "POST", "")
            self.assertEqual(status, 200, text)
            self.assertEqual(before.ask(b"mn"), b"MN")
        self.assertEqual(
            self.total("ringcache_proxy_client_tls_certificate_not_after_timestamp_seconds"), end)
        self.assertEqual(self.proxy.http("/api/v1/reload", "POST", "")[0], 409)

    def test_other_paths_and_rules_are_taken_without_a_restart(self):
        self.start([self.world.node()], reload={"watch": False})
        certificate, key = self.authority.issue("second")
        with self.wire() as before:
            self.rewrite(tls={"certificate": certificate, "key": key, "min_version": "1.3",
                              "client_ca": self.authority.file, "client_certificates": "require"})
            self.proxy.signal(signal.SIGHUP)
            eventually("applied", lambda: self.total(RELOADS, result="applied") == 1)
            self.assertTrue(refused(self.wire))
            self.assertFalse(refused(lambda: self.wire(name="client")))
            self.assertEqual(before.ask(b"mn"), b"MN")

    def test_tls_itself_needs_a_restart(self):
        self.start([self.world.node()], reload={"watch": False})
        config = dict(self.written, listen=[self.written["listen"][1]], tls=None)
        self.world.write(os.path.basename(self.proxy.config_path), config)
        self.proxy.signal(signal.SIGHUP)
        eventually("applied", lambda: self.total(RELOADS, result="applied") == 1)
        self.assertIn("needs a restart to take effect field=/listen", self.proxy.log())
        self.assertEqual(self.name_of_proxy(), "proxy")


class Mistakes(ProxyTls):
    def test_bad_files_are_named_before_anything_starts(self):
        missing = self.world.path("missing.pem")
        cases = [
            (self.client_side(certificate=missing), {}, "/tls: .*missing.pem"),
            (self.client_side(key=self.node_key), {}, "/tls: Error"),
            (None, {"tls": {"ca": missing}}, "/pools/main/tls: .*CA certificate: .*missing.pem"),
            (self.client_side(ciphers="nonsense"), {}, "/tls: .*cipher"),
        ]
        for tls, pool, said in cases:
            with self.subTest(said):
                path = self.world.write("bad.json", self.config([f"{HOST}:1"], tls, pool))
                for argv in ([PROXY, "-c", path], [PROXY, "--check", path]):
                    code, _, err = self.world.run(argv)
                    self.assertEqual(code, 78, err)
                    self.assertRegex(err, said)

    def test_listen_of_the_command_line(self):
        path = self.world.write("plain.json", self.world.config([f"{HOST}:1"]))
        for words, said in ((["tls:127.0.0.1:0"], "needs \"tls\""), (["tls:unix:/x"], "TCP"),
                            (["tls:"], "--listen")):
            code, _, err = self.world.run([PROXY, "-c", path, "--listen", *words])
            self.assertEqual(code, 2, err)
            self.assertIn(said, err)

    def test_the_openssl_program_shakes_hands(self):
        self.start([self.world.node()])
        code, _, err = self.world.run(
            [find_peer("openssl"), "s_client", "-connect", f"{HOST}:{self.proxy.port}", "-brief",
             "-CAfile", self.authority.file])
        self.assertEqual(code, 0, err)
        self.assertIn("Verification: OK", err)


if __name__ == "__main__":
    main()
