#!/usr/bin/python3
"""The proxy at its limits: what waits is bounded, what can wait is answered, nothing is left."""

import json
import signal

from harness import PATIENCE_S, TestCase, Wire, eventually, main

KIB = 1024
IN_FLIGHT = "ringcache_proxy_node_requests_in_flight"


class Limits(TestCase):
    def start(self, **top_level):
        self.node = self.world.node("-I", "8m")
        self.config = self.world.config([self.node], threads=1, **top_level)
        self.proxy = self.world.proxy(self.config)

    def reload(self, config):
        before = self.reloads()
        with open(self.proxy.config_path, "w", encoding="utf-8") as file:
            json.dump(config, file)
        self.proxy.signal(signal.SIGHUP)
        eventually("a reload", lambda: self.reloads() > before)

    def reloads(self):
        return self.proxy.metrics().sum("ringcache_proxy_config_reloads_total", result="applied")

    def ask_for_more_than_may_wait(self, wire):
        """200 answers of 100 KiB, while 1 MiB may wait and 64 requests may be out."""
        self.assertEqual(wire.set(b"big", b"x" * (100 * KIB)), b"STORED")
        wire.send(b"get big\r\n" * 200)
        # The proxy has stopped: its answers wait for a client that does not read.
        written = None

        def stopped():
            nonlocal written
            before = written
            written = self.proxy.metrics().sum("ringcache_proxy_client_written_bytes_total")
            return written == before and written > 100 * KIB

        eventually("the proxy waits for the client", stopped)

    def limits(self, **more):
        return {"limits": {"pipeline_per_client": 64, "client_output": "16MiB", **more},
                "reload": {"watch": False}}

    def test_late_reader_gets_every_answer(self):
        self.start(**self.limits())
        with Wire(self.proxy.port) as wire:
            self.ask_for_more_than_may_wait(wire)
            for _ in range(200):
                self.assertEqual(len(wire.values()[b"big"]), 100 * KIB)
            self.assertEqual(wire.ask(b"mn"), b"MN")

    def test_late_reader_gets_a_multiget_larger_than_what_may_wait(self):
        """A long multiget is taken in parts, the next when the last has left."""
        self.start(limits={"client_output": "8MiB"})
        keys = [b"k%d" % number for number in range(40)]
        value = b"v" * (1000 * KIB)
        with Wire(self.proxy.port) as wire:
            for key in keys:
                self.assertEqual(wire.set(key, value), b"STORED")
            self.assertEqual(wire.get(b"none"), {}, "small answers say nothing of large ones")
            wire.send(b"get " + b" ".join(keys) + b"\r\nmn\r\n")
            eventually("what may wait is there", self.waits_for_its_client)
            self.assertEqual({key: len(found) for key, found in wire.values().items()},
                             dict.fromkeys(keys, len(value)))
            self.assertEqual(wire.line(), b"MN")

    def waits_for_its_client(self):
        """Whether as much is there as may be, in the proxy or still in the node."""
        metrics = self.proxy.metrics()
        held = metrics.sum("ringcache_proxy_node_reading_held_total") >= 1
        answered = metrics.sum("ringcache_proxy_node_hits_total") >= 4
        return held or (answered and metrics.sum(IN_FLIGHT) == 0)

    def test_late_reader_that_sends_no_more_gets_every_answer(self):
        self.start(**self.limits())
        with Wire(self.proxy.port) as wire:
            self.ask_for_more_than_may_wait(wire)
            wire.socket.shutdown(1)
            for _ in range(200):
                self.assertEqual(len(wire.values()[b"big"]), 100 * KIB)
            wire.wait_closed()

    def test_what_was_read_is_answered_by_a_drain(self):
        self.start(**self.limits())
        with Wire(self.proxy.port) as wire:
            self.ask_for_more_than_may_wait(wire)
            self.proxy.expect_dead = True
            self.proxy.signal(signal.SIGTERM)
            for _ in range(200):
                self.assertEqual(len(wire.values()[b"big"]), 100 * KIB)
            wire.wait_closed()
        self.assertEqual(self.proxy.popen.wait(PATIENCE_S), 0)
        self.assertIn("all_clients_answered=true", self.proxy.log())

    def test_a_limit_that_needs_a_restart_stays_what_it_was(self):
        self.start(**self.limits(item_size="1MiB"))
        self.reload({**self.config, **self.limits(item_size="4MiB")})
        eventually("the log names it", lambda: "/limits/item_size" in self.proxy.log())
        with Wire(self.proxy.port) as wire:
            self.assertEqual(wire.set(b"k", b"x" * (2 * KIB * KIB)),
                             b"SERVER_ERROR object too large for cache")
            self.assertEqual(wire.set(b"k", b"x" * (KIB * KIB - 1000)), b"STORED")
        said = self.proxy.log().count("/limits/item_size")
        self.reload({**self.config, **self.limits(item_size="4MiB"), "threads": 1,
                     "log": {"level": "info", "format": "text"}})
        self.assertGreater(self.proxy.log().count("/limits/item_size"), said)

    def test_a_hung_node_that_is_removed_leaves_nothing(self):
        self.start(reload={"watch": False})
        other = self.world.node()
        name = {"name": "hung", "address": self.node.address}
        with_both = {**self.config, "pools": {"main": {"nodes": [name, other.address]}}}
        without = {**self.config, "pools": {"main": {"nodes": [other.address]}}}
        self.reload(with_both)
        eventually("both are connected", lambda: self.proxy.metrics().sum(
            "ringcache_proxy_node_connections") == 2)
        self.node.pause()
        with Wire(self.proxy.port) as wire:
            wire.send(b"get " + b" ".join(b"k%d" % i for i in range(50)) + b"\r\n")
            eventually("a request at the hung node", lambda: self.proxy.metrics().sum(
                IN_FLIGHT, node="hung") == 1)
            self.reload(without)
            self.assertEqual(wire.values(), {})  # by the request timeout
        self.node.resume()
        self.reload(with_both)
        metrics = eventually("it is connected once", lambda: (
            m := self.proxy.metrics()).sum("ringcache_proxy_node_connections", node="hung") == 1
            and m)
        self.assertEqual(metrics.sum(IN_FLIGHT, node="hung"), 0)

    def test_a_large_value_is_held_once_for_all_who_share_its_answer(self):
        self.node = self.world.node("-I", "8m")
        self.proxy = self.world.proxy(self.world.config(
            [self.node], threads=1, limits={"cut_through_window": "64MiB"},
            pool={"coalesce": True, "timeouts": {"request": "60s"}}))
        value = b"v" * (1024 * KIB)
        wires = [self.enterContext(Wire(self.proxy.port)) for _ in range(20)]
        with Wire(self.proxy.port) as wire:
            self.assertEqual(wire.set(b"big", value), b"STORED")
            self.assertEqual(wire.get(b"big"), {b"big": value})
        before = self.proxy.rss_bytes()
        self.node.pause()
        for wire in wires:
            wire.send(b"get big\r\n" * 16)
        eventually("all share one request", lambda: self.proxy.metrics().sum(
            "ringcache_proxy_coalesced_gets_total") == 20 * 16 - 1)
        self.node.resume()
        eventually("the answer is there", lambda: self.proxy.metrics().sum(IN_FLIGHT) == 0)
        # 320 MiB of answers, of which the clients' sockets take a few each.
        self.assertLess(self.proxy.rss_bytes() - before, 64 * 1024 * KIB)
        for wire in wires:
            for _ in range(16):
                self.assertEqual(wire.values(), {b"big": value})

    def test_a_dead_idle_node_is_known(self):
        self.start()
        self.assertEqual(self.proxy.http("/readyz"), (200, "ready\n"))
        with Wire(self.proxy.port) as wire:
            self.assertEqual(wire.get(b"k"), {})
        self.node.kill()
        eventually("the proxy is not ready", lambda: self.proxy.http("/readyz")[0] == 503)

    def test_a_dry_run_changes_nothing(self):
        self.start(reload={"watch": False})
        ring = self.proxy.metrics().sum("ringcache_proxy_pool_nodes", pool="main")
        changed = {**self.config, "pools": {"main": {"nodes": ["127.0.0.1:1", "127.0.0.1:2"]}}}
        with open(self.proxy.config_path, "w", encoding="utf-8") as file:
            json.dump(changed, file)
        status, body = self.proxy.http("/api/v1/reload?dry_run=1", method="POST")
        self.assertEqual(status, 200, body)
        self.assertIn("of the keys move", body)
        self.assertEqual(self.proxy.metrics().sum("ringcache_proxy_pool_nodes", pool="main"), ring)
        self.assertEqual(self.reloads(), 0)


if __name__ == "__main__":
    main()
