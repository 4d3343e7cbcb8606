#!/usr/bin/python3
"""Replays a real trace through a proxy over three nodes; everybody must count the same.

    trace_test.py [--trace FILE] [--requests N] [--memory MIB]

Cache-aside on one connection: get; on a miss, set a value of that key's size. The client's own
count, the proxy's /metrics, its `stats`, and the nodes' counters must agree to the request. Each
value is made from its key, so a wrong one is seen. Prints the hit ratio.
"""

import argparse
import gzip
import itertools
import os
import sys

from harness import TestCase, Wire, main

HERE = os.path.dirname(os.path.abspath(__file__))
OPTIONS = argparse.Namespace(trace=os.path.join(HERE, "data", "orm-head.mct.gz"), requests=None,
                             memory=8)
U64 = (1 << 64) - 1


def splitmix64(x):
    """Sebastiano Vigna's splitmix64 of the state x."""
    x = (x + 0x9E3779B97F4A7C15) & U64
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & U64
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & U64
    return x ^ (x >> 31)


def read_trace(path, requests):
    """Yields (key, value size) per request."""
    with gzip.open(path, "rt", encoding="ascii") as file:
        header = file.readline().split()
        if header[:2] != ["#mctrace", "1"]:
            raise ValueError(f"{path} does not begin with '#mctrace 1'")
        prefix, keys = header[2][:3], []
        for line in itertools.islice(file, requests):
            if line.startswith("+"):
                index = len(keys)
                keys.append((b"%s:%016x" % (prefix.encode(), splitmix64(index)), int(line[1:])))
                yield keys[-1]
            else:
                yield keys[int(line)]


def value_of(key, size):
    return (key * (size // len(key) + 1))[:size]


class Trace(TestCase):
    def replay(self, port):
        hits = misses = 0
        with Wire(port) as wire:
            for key, size in read_trace(OPTIONS.trace, OPTIONS.requests):
                found = wire.get(key)
                if found:
                    hits += 1
                    if found != {key: value_of(key, size)}:
                        self.fail(f"wrong value for {key!r}: {str(found)[:200]}")
                else:
                    misses += 1
                    self.assertEqual(wire.set(key, value_of(key, size)), b"STORED")
        return hits, misses

    def test_everybody_counts_the_same(self):
        nodes = [self.world.node(memory_mib=OPTIONS.memory) for _ in range(3)]
        proxy = self.world.proxy(self.world.config(nodes))
        hits, misses = self.replay(proxy.port)
        self.assertGreater(hits, 0)
        metrics = proxy.metrics()
        by_proxy = {status: metrics.sum("ringcache_proxy_commands_total", pool="main",
                                        command="get", status=status) for status in ("hit", "miss")}
        self.assertEqual(by_proxy, {"hit": hits, "miss": misses})
        self.assertEqual(metrics.sum("ringcache_proxy_commands_total", command="set",
                                     status="stored"), misses)
        for name, expected in (("hits", hits), ("misses", misses)):
            self.assertEqual(metrics.sum(f"ringcache_proxy_node_{name}_total"), expected)
        self.check_nodes(nodes, metrics, hits, misses)
        with Wire(proxy.port) as wire:
            stats = wire.stats()
        self.assertEqual((int(stats["get_hits"]), int(stats["get_misses"])), (hits, misses))
        print(f"\n{hits + misses} requests, hit ratio {hits / (hits + misses):.4f} by the client, "
              f"{by_proxy['hit'] / sum(by_proxy.values()):.4f} by /metrics", file=sys.stderr)

    def check_nodes(self, nodes, proxy_metrics, hits, misses):
        total = {"get_hits": 0, "get_misses": 0, "cmd_set": 0}
        for node in nodes:
            with Wire(node.port) as wire:
                stats = {name: int(wire.stats()[name]) for name in total}
            metrics = node.metrics()
            for name, status, seen in (("get_hits", "hit", "hits"),
                                       ("get_misses", "miss", "misses")):
                self.assertEqual(stats[name], metrics.sum("ringcache_node_commands_total",
                                                          command="get", status=status))
                self.assertEqual(stats[name], proxy_metrics.sum(
                    f"ringcache_proxy_node_{seen}_total", node=node.address))
            for name, value in stats.items():
                total[name] += value
            self.assertGreater(stats["get_hits"], 0, "every node has its share")
        self.assertEqual(total, {"get_hits": hits, "get_misses": misses, "cmd_set": misses})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trace", default=OPTIONS.trace)
    parser.add_argument("--requests", type=int)
    parser.add_argument("--memory", type=int, default=OPTIONS.memory, help="MiB of each node")
    _, rest = parser.parse_known_args(namespace=OPTIONS)
    sys.argv[1:] = rest
    main()
