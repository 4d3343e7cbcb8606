#!/usr/bin/python3
"""TLS (-Z): what clients with Python's ssl, pymemcache and the openssl program see, and attackers.

What memcached answers too is asked of Debian's memcached with the same options and certificates.
"""

import contextlib
import os
import random
import signal
import socket
import ssl
import threading
import warnings

from pymemcache.client.base import Client

from basics import HOST, NODE, PATIENCE_S, eventually, find_peer, free_port
from certificates import Authority
from harness import TestCase, Wire, main
from tls_wire import TlsWire, refused

MIB = 1 << 20
LARGE = random.Random(7).randbytes(MIB - 2048)


class Tls(TestCase):
    def setUp(self):
        super().setUp()
        os.chmod(self.world.folder, 0o755)
        self.authority = Authority(self.world.folder)
        self.certificate, self.key = self.authority.issue("server")
        self.files = f"ssl_chain_cert={self.certificate},ssl_key={self.key}"

    def node(self, *options, words=""):
        return self.world.node("-Z", "-o", self.files + words, *options)

    def context(self, name=None, authority=None, version=None):
        context = ssl.create_default_context(cafile=self.authority.file)
        if name:
            context.load_cert_chain(*(authority or self.authority).issue(name))
        if version:
            context.minimum_version = context.maximum_version = version
        return context

    def wire(self, server, **options):
        return TlsWire(server.port, self.context(**options))


class Serving(Tls):
    def test_values_and_pipelines(self):
        node = self.node()
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.subTest(version), self.wire(node, version=version) as wire:
                for size in (0, 1, 100, 4096, 16384, 100_000, len(LARGE)):
                    self.assertEqual(wire.set(b"k", LARGE[:size]), b"STORED")
                    self.assertEqual(wire.get(b"k"), {b"k": LARGE[:size]})
                wire.send(b"".join(b"set p%d 0 0 3\r\n%03d\r\nget p%d\r\n" % (i, i, i)
                                   for i in range(500)))
                for i in range(500):
                    self.assertEqual(wire.line(), b"STORED")
                    self.assertEqual(wire.values(), {b"p%d" % i: b"%03d" % i})

    def test_answers_are_held_for_a_client_that_does_not_read(self):
        node = self.node()
        with self.wire(node) as wire, self.wire(node) as other:
            self.assertEqual(wire.set(b"k", LARGE), b"STORED")
            wire.send(b"get k\r\n" * 30)
            eventually("it is made to wait", lambda: other.stats()["output_pauses"] != "0")
            for _ in range(30):
                self.assertEqual(wire.values(), {b"k": LARGE})

    def test_many_connections(self):
        node = self.node("-c", "600")
        context = self.context()
        with contextlib.ExitStack() as stack:
            wires = [stack.enter_context(TlsWire(node.port, context)) for _ in range(500)]
            for number, wire in enumerate(wires):
                wire.send(b"set k%d 0 0 4\r\n%04d\r\n" % (number, number))
            for wire in wires:
                self.assertEqual(wire.line(), b"STORED")
            for number, wire in enumerate(reversed(wires)):
                self.assertEqual(wire.get(b"k%d" % number), {b"k%d" % number: b"%04d" % number})
            self.assertEqual(wires[0].stats()["curr_connections"], "500")

    def test_pymemcache(self):
        node = self.node()
        client = Client(("localhost", node.port), tls_context=self.context(), timeout=PATIENCE_S,
                        default_noreply=False)
        self.addCleanup(client.close)
        self.assertTrue(client.set("k", LARGE))
        self.assertEqual(client.get("k"), LARGE)
        client.set_many({f"k{i}": str(i) for i in range(100)})
        self.assertEqual(client.get_many([f"k{i}" for i in range(100)]),
                         {f"k{i}": str(i).encode() for i in range(100)})
        self.assertTrue(client.delete("k"))

    def test_an_address_may_stay_plain(self):
        port = free_port()
        node = self.node("-l", f"{HOST},notls:{HOST}:{port}")
        with self.wire(node) as wire, Wire(port) as plain:
            self.assertEqual(plain.set(b"k", b"1"), b"STORED")
            self.assertEqual(wire.get(b"k"), {b"k": b"1"})

    def test_sessions_are_resumed_if_so_wished(self):
        for words, resumed in ((",ssl_session_cache", True), ("", False)):
            with self.subTest(words):
                node = self.node(words=words)
                context = self.context(version=ssl.TLSVersion.TLSv1_2)
                with TlsWire(node.port, context) as first:
                    session = first.socket.session
                with socket.create_connection((HOST, node.port)) as plain:
                    with context.wrap_socket(plain, server_hostname="localhost",
                                             session=session) as again:
                        self.assertEqual(again.session_reused, resumed)

    def test_passwords_go_under_tls(self):
        node = self.node("-Y", self.world.write("passwords", "shop:sesame\n"))
        with self.wire(node) as wire:
            self.assertEqual(wire.ask(b"mn"), b"CLIENT_ERROR unauthenticated")
            self.assertEqual(wire.set(b"any", b"shop sesame"), b"STORED")
            self.assertEqual(wire.ask(b"mn"), b"MN")


class ClientCertificates(Tls):
    def test_who_is_let_in(self):
        stranger = Authority(self.world.folder, "stranger")
        for mode, without in (("1", False), ("2", True), ("3", True)):
            words = f",ssl_verify_mode={mode},ssl_ca_cert={self.authority.file}"
            options = ("-Z", "-o", self.files + words)
            for server in (self.world.node(*options), self.world.memcached(*options)):
                for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                    with self.subTest(server=server.name, mode=mode, version=version):
                        def make(server=server, version=version, **who):
                            return self.wire(server, version=version, **who)
                        self.assertFalse(refused(lambda make=make: make(name="client")))
                        self.assertTrue(refused(
                            lambda make=make: make(name="other", authority=stranger)))
                        self.assertEqual(refused(make), without)

    def test_the_client_sees_an_expired_or_a_strange_server(self):
        node = self.node()
        other = ssl.create_default_context(
            cafile=Authority(self.world.folder, "stranger").file)
        with self.assertRaises(ssl.SSLCertVerificationError):
            TlsWire(node.port, other)
        self.authority.issue("server", days=-1)
        node.signal(signal.SIGHUP)
        eventually("the new certificate", lambda: "certificates read again" in node.log())
        with self.assertRaisesRegex(ssl.SSLCertVerificationError, "expired"):
            self.wire(node)


class Refreshing(Tls):
    def name_of(self, server):
        with self.wire(server) as wire:
            return dict(pair[0] for pair in wire.socket.getpeercert()["subject"])["commonName"]

    def replace(self, name):
        for new, old in zip(self.authority.issue(name), (self.certificate, self.key)):
            os.replace(new, old)

    def test_refresh_certs_answers_as_memcached_does(self):
        options = ("-Z", "-o", self.files)
        servers = (self.world.node(*options), self.world.memcached(*options))
        wires = [self.wire(server) for server in servers]
        self.assertEqual([wire.ask(b"refresh_certs") for wire in wires], [b"OK", b"OK"])
        os.rename(self.certificate, self.certificate + ".away")
        answers = [wire.ask(b"refresh_certs") for wire in wires]
        self.assertEqual(answers[0].partition(b" : ")[0], answers[1].partition(b" : ")[0])
        self.assertIn(b"No such file", answers[0])
        os.rename(self.certificate + ".away", self.certificate)
        self.replace("second")
        self.assertEqual([wire.ask(b"refresh_certs") for wire in wires], [b"OK", b"OK"])
        self.assertEqual([self.name_of(server) for server in servers], ["second", "second"])
        for wire in wires:
            self.assertEqual(wire.ask(b"mn"), b"MN")
            wire.close()
        plain = (self.world.node(), self.world.memcached())
        for server in plain:
            with Wire(server.port) as wire:
                self.assertEqual(wire.ask(b"refresh_certs"), b"Error TLS not enabled")

    def test_nobody_notices_a_refresh_under_load(self):
        node = self.node()
        stop, failures, done = threading.Event(), [], [0]

        def work(number):
            try:
                with self.wire(node) as wire:
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
        with self.wire(node) as wire:
            for number in range(10):
                self.replace(f"server-{number}")
                self.assertEqual(wire.ask(b"refresh_certs"), b"OK")
                before = done[0]
                eventually("work goes on", lambda b=before: done[0] > b or failures)
        stop.set()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(self.name_of(node), "server-9")


class Hostile(Tls):
    def count(self, node, name):
        with self.wire(node) as wire:
            return int(wire.stats()[name])

    def test_garbage_and_plain_text(self):
        node = self.node()
        with self.wire(node) as good:
            errors = 0
            for bytes_ in (b"get k\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\0" * 5000,
                           b"\x16\x03\x01\xff\xff" + b"x" * 70_000, random.randbytes(3000),
                           b"\x80\0\0\0" + b"\0" * 20):
                with Wire(node.port) as wire, contextlib.suppress(OSError):
                    wire.send(bytes_)
                    wire.socket.shutdown(socket.SHUT_WR)
                    wire.wait_closed()
                errors += 1
                eventually("it is counted", lambda e=errors: int(
                    good.stats()["ssl_handshake_errors"]) == e)
            self.assertEqual(good.ask(b"mn"), b"MN")
        self.assertLessEqual(node.log().count("TLS handshake failed"), 2)

    def test_half_way_handshakes_hold_nobody(self):
        node = self.node()
        before = node.rss_bytes()
        with contextlib.ExitStack() as stack:
            for _ in range(400):
                half = stack.enter_context(Wire(node.port))
                half.send(b"\x16\x03\x01\x02\x00\x01")
            with self.wire(node) as wire:
                self.assertEqual(wire.ask(b"mn"), b"MN")
                eventually("all are there", lambda: wire.stats()["curr_connections"] == "401")
                self.assertEqual(wire.set(b"k", LARGE), b"STORED")
        if "RINGCACHE_E2E_SANITIZED" not in os.environ:  # a sanitizer keeps memory of its own
            self.assertLess(node.rss_bytes() - before, 80 * MIB)

    def test_halves_of_records_hold_nobody(self):
        count, record = 1000, 16 << 10
        node = self.node("-c", str(count + 10))
        context = self.context()
        with self.wire(node) as good, contextlib.ExitStack() as stack:
            wires = [stack.enter_context(TlsWire(node.port, context)) for _ in range(count)]
            for wire in wires:
                self.assertEqual(wire.ask(b"mn"), b"MN")
            before = node.rss_bytes()
            for wire in wires:
                with socket.socket(fileno=os.dup(wire.socket.fileno())) as past_its_tls:
                    past_its_tls.sendall(b"\x17\x03\x03\x40\x00" + b"x" * (record - 100))
            if "RINGCACHE_E2E_SANITIZED" not in os.environ:
                eventually("all is there",
                           lambda: node.rss_bytes() - before > count * (record - 1024))
                self.assertLess(node.rss_bytes() - before, count * (record + 2048))
            self.assertEqual(good.ask(b"mn"), b"MN")
            self.assertEqual(good.stats()["ssl_record_timeouts"], "0")

    def test_cut_connections_leave_nothing(self):
        node = self.node()
        with self.wire(node) as good:
            for cut in range(0, 600, 40):
                ours, theirs = ssl.MemoryBIO(), ssl.MemoryBIO()
                client = self.context().wrap_bio(theirs, ours, server_hostname="localhost")
                with contextlib.suppress(ssl.SSLWantReadError):
                    client.do_handshake()
                hello = ours.read()
                with Wire(node.port) as wire:
                    wire.send(hello[:cut])
            for size in (1, 5000, 100_000):
                with self.wire(node) as wire:
                    wire.send(b"set k 0 0 200000\r\n" + LARGE[:size])
            eventually("all are gone", lambda: good.stats()["curr_connections"] == "1")
            self.assertEqual(good.stats()["arriving_bytes"], "0")


class Mistakes(Tls):
    def test_old_versions_need_the_lowest_security_level(self):
        """Of node and memcached alike; the node says so."""
        for words, old in (("", False), (",ssl_ciphers=DEFAULT:@SECLEVEL=0", True)):
            options = ("-Z", "-o", self.files + ",ssl_min_version=0" + words)
            node = self.world.node(*options)
            self.assertEqual("ssl_min_version has no effect" in node.log(), not old)
            for server in (node, self.world.memcached(*options)):
                for version, spoken in ((ssl.TLSVersion.TLSv1, old),
                                        (ssl.TLSVersion.TLSv1_1, old),
                                        (ssl.TLSVersion.TLSv1_2, True)):
                    context = self.context()
                    context.set_ciphers("ALL:@SECLEVEL=0")
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")  # of Python's, for old versions
                        context.minimum_version = context.maximum_version = version
                    with self.subTest(server=server.name, version=version, words=words):
                        self.assertEqual(
                            refused(lambda c=context, s=server: TlsWire(s.port, c)), not spoken)

    def test_what_memcached_takes_without_effect_starts_too(self):
        for words in (",ssl_kernel_tls", f",ssl_ca_cert={self.authority.file}",
                      ",ssl_verify_mode=1"):
            with self.subTest(words), self.wire(self.node(words=words)) as wire:
                self.assertEqual(wire.ask(b"mn"), b"MN")
        with Wire(self.world.node("-o", self.files).port) as plain:
            self.assertEqual(plain.ask(b"mn"), b"MN")

    def test_the_openssl_program_shakes_hands(self):
        node = self.node(words=",ssl_min_version=tlsv1.3")
        connect = [find_peer("openssl"), "s_client", "-connect", f"{HOST}:{node.port}", "-brief",
                   "-CAfile", self.authority.file]
        code, _, err = self.world.run(connect)
        self.assertEqual(code, 0, err)
        self.assertIn("TLSv1.3", err)
        self.assertIn("Verification: OK", err)
        code, _, _ = self.world.run(connect + ["-tls1_2"])
        self.assertNotEqual(code, 0)

    def test_a_key_that_does_not_fit_is_refused_at_the_start(self):
        _, other = self.authority.issue("other")
        code, _, err = self.world.run([NODE, "-p", "0", "--metrics", "off", "-Z", "-o",
                                       f"ssl_chain_cert={self.certificate},ssl_key={other}"])
        self.assertEqual(code, 1)
        self.assertIn("-Z: Error", err)


if __name__ == "__main__":
    main()
