#!/usr/bin/python3
"""The proxy with as many nodes, and as many idle clients, as it is meant for."""

import os
import resource

from harness import HOST, NODE, Server, TestCase, Wire, eventually, free_port, main

NODES = 1000
CLIENTS = 10_000
IDLE_CLIENT_BYTES = 2048  # what one may cost the process
SANITIZED = "RINGCACHE_E2E_SANITIZED" in os.environ


def loopback_addresses(count):
    return [f"127.0.{1 + number // 250}.{1 + number % 250}" for number in range(count)]


class Scale(TestCase):
    def start_nodes(self):
        """One process that is a thousand nodes: it listens on as many addresses."""
        port, admin = free_port(), free_port()
        addresses = [HOST] + loopback_addresses(NODES)
        argv = [NODE, "-p", str(port), "-t", "2", "-c", "8000",
                "--metrics", f"{HOST}:{admin}", "-l", ",".join(addresses)]
        self.world.processes.append(
            Server("nodes", argv, self.world.folder, port, ours=True, admin_port=admin))
        return [f"{address}:{port}" for address in addresses[1:]]

    def total(self, name, **labels):
        return self.proxy.metrics().sum("ringcache_proxy_" + name, **labels)

    def test_a_thousand_nodes_in_one_pool(self):
        nodes = self.start_nodes()
        self.proxy = self.world.proxy(self.world.config(
            nodes, {"timeouts": {"idle": "2s", "connect": "10s", "request": "10s"}}))
        keys = [b"key:%d" % number for number in range(10 * NODES)]
        with Wire(self.proxy.port) as wire:
            for first in range(0, len(keys), 500):
                part = keys[first:first + 500]
                wire.send(b"".join(b"set %s 0 0 %d\r\n%s\r\n" % (key, len(key), key)
                                   for key in part))
                self.assertEqual({wire.line() for _ in part}, {b"STORED"})
            for first in range(0, len(keys), 100):
                part = keys[first:first + 100]
                self.assertEqual(wire.get(*part), {key: key for key in part})
            stats = wire.stats(b"nodes")
        self.assertEqual(sum(name.endswith(":hits") for name in stats), NODES)
        self.assertEqual(self.total("pool_nodes_up"), NODES)
        per_node = self.proxy.metrics().matching("ringcache_proxy_node_hits_total")
        self.assertEqual(sum(per_node), len(keys))
        self.assertGreater(min(per_node), 0, "every node has keys")
        # Two workers, one connection each; each opened when it was needed, and closed afterwards.
        self.assertLessEqual(self.total("node_connects_total", result="ok"), 2 * NODES)
        if not SANITIZED:
            self.assertLess(self.proxy.rss_bytes(), 64 << 20)
        eventually("nothing is open that nobody needs", lambda: self.total("node_connections") == 0)
        with Wire(self.proxy.port) as wire:
            self.assertEqual(wire.get(keys[7]), {keys[7]: keys[7]})

    def test_ten_thousand_idle_clients(self):
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        count = CLIENTS if most == resource.RLIM_INFINITY else min(CLIENTS, most - 1000)
        node = self.world.node()
        self.proxy = self.world.proxy(self.world.config([node], limits={
            "client_connections": CLIENTS + 100}))
        with Wire(self.proxy.port) as wire:
            self.assertEqual(wire.get(b"k"), {})
        before = self.proxy.rss_bytes()
        wires = []
        try:
            for _ in range(count):
                wires.append(Wire(self.proxy.port))
                wires[-1].send(b"get k\r\n")
            for wire in wires:
                self.assertEqual(wire.values(), {})
            each = (self.proxy.rss_bytes() - before) / count
            if not SANITIZED:
                self.assertLess(each, IDLE_CLIENT_BYTES)
            self.assertEqual(self.total("client_connections"), count)
        finally:
            for wire in wires:
                wire.close()
        eventually("all are gone", lambda: self.total("client_connections") == 0)


if __name__ == "__main__":
    main()
