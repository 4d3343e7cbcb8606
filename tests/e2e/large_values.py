"""What the tests of large values have in common: scripted nodes behind a proxy of one worker."""

import os

from harness import TestCase, Wire, eventually
from slow_peers import SlowNode

KIB, MIB = 1 << 10, 1 << 20
SANITIZED = bool(os.environ.get("RINGCACHE_E2E_SANITIZED"))


class LargeValuesCase(TestCase):
    def start(self, nodes=1, request="30s", pool=None, **limits):
        """Scripted nodes, each with the connection that all requests take, and a proxy."""
        self.nodes = [self.enterContext(SlowNode()) for _ in range(nodes)]
        config = self.world.config(
            [node.address for node in self.nodes], threads=1,
            limits={"item_size": "1GiB", **limits},
            pool={"timeouts": {"connect": "30s", "request": request}, "ring": "modula",
                  "health": {"timeout": "30s", "interval": "60s"}, **(pool or {})})
        self.proxy = self.world.proxy(config)
        self.mains = [node.accept() for node in self.nodes]
        self.main = self.mains[0]
        return self.proxy

    def client(self):
        return self.enterContext(Wire(self.proxy.port))

    def metric(self, name, **labels):
        return self.proxy.metrics().sum("ringcache_proxy_" + name, **labels)

    def await_metric(self, name, value, **labels):
        eventually(f"{name} is {value}", lambda: self.metric(name, **labels) == value)

    def learn(self, key, size=300 * KIB):
        """Lets the proxy see that the key has a large value."""
        with Wire(self.proxy.port) as client:
            client.send(b"get %s\r\n" % key)
            self.main.expect(b"get %s\r\n" % key)
            self.main.begin_value(key, size, size)
            self.main.end_value(0)
            self.assertEqual(client.values(), {key: b"v" * size})

    def keys_of_both(self):
        """A key of the first node and one of the second."""
        found = {}
        for number in range(64):
            key = b"k%d" % number
            with Wire(self.proxy.port) as client:
                client.send(b"delete %s\r\n" % key)
                ready = eventually("a node has it", lambda: [
                    i for i, peer in enumerate(self.mains) if not peer.silent()])[0]
                self.mains[ready].expect(b"delete %s\r\n" % key)
                self.mains[ready].send(b"DELETED\r\n")
                self.assertEqual(client.line(), b"DELETED")
            found[ready] = key
            if len(found) == 2:
                return found[0], found[1]
        raise AssertionError("all keys have one node")

    def await_read(self, node, count):
        eventually("the proxy has read it", lambda: self.metric(
            "node_read_bytes_total", node=node.address) >= count)
