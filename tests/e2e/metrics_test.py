#!/usr/bin/python3
"""Metrics that Prometheus accepts, that start at 0, and that say what really happened."""

import json
import re
import signal
import subprocess
import urllib.parse

from harness import PATIENCE_S, TestCase, Wire, eventually, find_peer, free_port, main

HITS, MISSES, SETS = 90, 30, 30  # a hit ratio of 0.75


def traffic(port):
    """HITS + MISSES gets and SETS sets, in single commands and multigets, over every node."""
    with Wire(port) as wire:
        here = [b"here-%d" % i for i in range(SETS)]
        for key in here:
            assert wire.set(key, b"v") == b"STORED"
        for _ in range(2):
            for key in here:
                assert wire.get(key) == {key: b"v"}
        absent = [b"absent-%d" % i for i in range(MISSES)]
        assert len(wire.get(*here, *absent)) == SETS


class Exposition(TestCase):
    def setUp(self):
        super().setUp()
        self.nodes = [self.world.node() for _ in range(3)]
        self.proxy = self.world.proxy(self.world.config(self.nodes))

    def check_promtool(self, server):
        done = subprocess.run([find_peer("promtool"), "check", "metrics"], text=True, check=False,
                              input=server.metrics().text, capture_output=True, timeout=PATIENCE_S)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_promtool_accepts_them_before_and_after_traffic(self):
        for server in (self.nodes[0], self.proxy):
            self.check_promtool(server)
        traffic(self.proxy.port)
        for server in (self.nodes[0], self.proxy):
            self.check_promtool(server)

    def test_counters_are_there_before_their_first_event(self):
        proxy, node = self.proxy.metrics(), self.nodes[0].metrics()
        address = self.nodes[0].address
        for name, labels in (
                ("commands_total", {"pool": "main", "command": "get", "status": "hit"}),
                ("commands_total", {"pool": "main", "command": "get", "status": "miss"}),
                ("commands_total", {"pool": "main", "command": "set", "status": "stored"}),
                ("commands_total", {"pool": "main", "command": "delete", "status": "not_found"}),
                ("node_errors_total", {"node": address, "reason": "timeout"}),
                ("node_errors_total", {"node": address, "reason": "refused"}),
                ("node_requests_total", {"node": address}),
                ("node_hits_total", {"node": address}), ("node_misses_total", {"node": address}),
                ("node_request_duration_seconds_count", {"node": address}),
                ("command_duration_seconds_count", {"pool": "main", "command": "get"}),
                ("client_connections_total", {}), ("client_connections_rejected_total", {}),
                ("protocol_errors_total", {}), ("config_reloads_total", {"result": "rejected"})):
            with self.subTest(name, **labels):
                self.assertEqual(proxy.sum("ringcache_proxy_" + name, **labels), 0)
        for name, labels in (("commands_total", {"command": "get", "status": "hit"}),
                             ("commands_total", {"command": "set", "status": "hit"}),
                             ("items_evicted_total", {}), ("items_reclaimed_total", {}),
                             ("items_expired_total", {}), ("item_too_large_total", {}),
                             ("item_no_memory_total", {}), ("items_total", {}),
                             ("connections_rejected_total", {})):
            with self.subTest(name, **labels):
                self.assertEqual(node.sum("ringcache_node_" + name, **labels), 0)

    def test_they_count_what_happened(self):
        traffic(self.proxy.port)
        proxy = self.proxy.metrics()

        def commands(status, command="get"):
            return proxy.sum("ringcache_proxy_commands_total", pool="main", command=command,
                             status=status)

        self.assertEqual((commands("hit"), commands("miss")), (HITS, MISSES))
        self.assertEqual(commands("stored", "set"), SETS)
        eventually("the ratio of the last minute is 0.75", lambda: self.proxy.metrics().sum(
            "ringcache_proxy_hit_ratio", pool="main") == 0.75)
        on_nodes = {"hits": 0, "misses": 0}
        for server in self.nodes:
            node = server.metrics()
            for name, status in (("hits", "hit"), ("misses", "miss")):
                seen = proxy.sum(f"ringcache_proxy_node_{name}_total", node=server.address)
                self.assertEqual(node.sum("ringcache_node_commands_total", command="get",
                                          status=status), seen)
                on_nodes[name] += seen
            self.assertEqual(proxy.sum("ringcache_proxy_node_up", node=server.address), 1)
        self.assertEqual(on_nodes, {"hits": HITS, "misses": MISSES})
        self.assertEqual(sum(n.metrics().sum("ringcache_node_current_items") for n in self.nodes),
                         SETS)
        self.assertAlmostEqual(proxy.sum("ringcache_proxy_node_ring_ownership_ratio", pool="main"),
                               1, places=6)
        self.assertEqual(proxy.sum("ringcache_proxy_build_info"), 1)

    def test_labels_are_bounded_by_the_configuration(self):
        before = len(self.proxy.metrics().samples), len(self.nodes[0].metrics().samples)
        with Wire(self.proxy.port) as wire:
            for i in range(500):
                wire.set(b"some:new:prefix-%d" % i, b"v")
                wire.ask(b"nonsense-%d" % i)
        after = len(self.proxy.metrics().samples), len(self.nodes[0].metrics().samples)
        self.assertEqual(after[0], before[0])
        self.assertLess(after[1], before[1] + 50, "a node has metrics per slab class, not per key")

    def test_node_with_the_exporters_names(self):
        node = self.world.node("--metrics-prefix", "memcached")
        with Wire(node.port) as wire:
            wire.set(b"k", b"v")
            wire.get(b"k")
        metrics = node.metrics()
        for name in ("up", "uptime_seconds", "version", "current_items", "items_total",
                     "current_bytes", "limit_bytes", "current_connections", "max_connections",
                     "connections_total", "read_bytes_total", "written_bytes_total",
                     "items_evicted_total", "items_reclaimed_total"):
            metrics.sum("memcached_" + name)
        self.assertEqual(metrics.sum("memcached_commands_total", command="get", status="hit"), 1)
        self.assertFalse([name for name in metrics.names() if name.startswith("ringcache")])

    def test_admin_server_says_no_clearly(self):
        for server in (self.proxy, self.nodes[0]):
            self.assertEqual(server.http("/healthz")[0], 200)
            self.assertEqual(server.http("/no/such/page")[0], 404)
            status, _ = server.http("/metrics", method="POST", body="")
            self.assertIn(status, (404, 405))
            self.assertRegex(server.http("/metrics")[1], r"(?m)^process_cpu_seconds_total ")


class Health(TestCase):
    def test_ready_is_for_traffic_and_health_for_the_process(self):
        port = free_port()
        config = self.world.config([f"127.0.0.1:{port}"])
        path = self.world.write("proxy.json", config)
        node = self.world.node(port=port)
        proxy = self.world.proxy(path)  # returns once /readyz is 200
        self.assertEqual(proxy.http_status("/healthz"), 200)
        node.kill()
        eventually("not ready when no node of the pool is there",
                   lambda: self.poke(proxy) and proxy.http_status("/readyz") == 503)
        self.assertEqual(proxy.http_status("/healthz"), 200)
        node.restart()
        eventually("ready again, without traffic", lambda: proxy.http_status("/readyz") == 200)

    def test_a_hung_node_that_goes_on_is_up_again_without_traffic(self):
        node = self.world.node()
        proxy = self.world.proxy(self.world.config([node], pool={
            "timeouts": {"request": "100ms"}, "health": {"interval": "100ms", "fall": 10}}))
        self.assertTrue(self.poke(proxy))
        node.pause()
        self.assertTrue(self.poke(proxy), "a miss")
        eventually("not ready", lambda: proxy.http_status("/readyz") == 503)
        node.resume()
        eventually("ready again", lambda: proxy.http_status("/readyz") == 200)

    @staticmethod
    def poke(proxy):
        """Verdicts may come from live requests; gives the proxy one."""
        with Wire(proxy.port) as wire:
            return wire.get(b"k") == {}

    def test_node_is_ready_and_then_drains(self):
        node = self.world.node()
        self.assertEqual(node.http_status("/readyz"), 200)
        self.assertEqual(node.http_status("/healthz"), 200)
        node.signal(signal.SIGTERM)
        node.expect_dead = True
        self.assertEqual(node.wait_exit(), 0)


class Prometheus(TestCase):
    """A real Prometheus scrapes all of it and is asked what a person would ask."""

    def query(self, prometheus, expression):
        status, text = prometheus.http("/api/v1/query?" + urllib.parse.urlencode(
            {"query": expression}))
        if status != 200:
            return None
        result = json.loads(text)["data"]["result"]
        return [float(sample["value"][1]) for sample in result]

    def test_hit_rate(self):
        nodes = [self.world.node() for _ in range(3)]
        proxy = self.world.proxy(self.world.config(nodes))
        prometheus = self.world.prometheus({
            "proxy": [f"127.0.0.1:{proxy.admin_port}"],
            "node": [f"127.0.0.1:{node.admin_port}" for node in nodes]})
        eventually("every target has been scraped twice", lambda: self.query(
            prometheus, "min(count_over_time(up[1m])) >= 2 and min(up) == 1"))
        self.assertEqual(self.query(prometheus, "count(up == 1)"), [4])
        traffic(proxy.port)
        for name, ratio in (
                ("ringcache_proxy_commands_total", "proxy"), ("ringcache_node_commands_total",
                                                              "nodes")):
            hits = f'sum(rate({name}{{command="get",status="hit"}}[2m]))'
            gets = f'sum(rate({name}{{command="get"}}[2m]))'
            seen = []

            def right(hits=hits, gets=gets, seen=seen):
                # The total first: what is asked after it has seen at least that scrape.
                totals = self.query(prometheus, f'sum({name}{{command="get"}})')
                seen[:] = self.query(prometheus, f"round({hits} / {gets}, 0.0001)") or []
                return totals == [HITS + MISSES] and seen
            eventually(f"{ratio}' gets are scraped", right)
            if ratio == "proxy":
                self.assertEqual(seen, [0.75])
            else:
                self.assertAlmostEqual(seen[0], 0.75, delta=0.03,
                                       msg="nodes are scraped at different moments")
        eventually("the proxy's own ratio of the last minute is scraped", lambda: self.query(
            prometheus, "ringcache_proxy_hit_ratio") == [0.75])
        self.assertIsNone(re.search("level=(error|warn)", prometheus.log()), prometheus.log())


if __name__ == "__main__":
    main()
