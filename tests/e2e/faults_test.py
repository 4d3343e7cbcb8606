#!/usr/bin/python3
"""One node that refuses, dies or hangs costs its own keys a miss, and nobody else anything."""

import random
import threading

from harness import HOST, Failure, TestCase, Wire, eventually, free_port, main

KEYS = [b"key-%d" % i for i in range(300)]


def value_of(key):
    return b"value of " + key


def fill(port):
    """Stores every key; returns the keys whose answer was not STORED, with the answers."""
    with Wire(port) as wire:
        answers = {key: wire.set(key, value_of(key)) for key in KEYS}
    return {key: answer for key, answer in answers.items() if answer != b"STORED"}


def keys_on(server):
    with Wire(server.port) as wire:
        return set(wire.get(*KEYS))


class NodeFaults(TestCase):
    def start(self, **pool):
        """Three nodes, a proxy over them, all keys stored; self.on[i] are the keys on node i."""
        self.nodes = [self.world.node() for _ in range(3)]
        self.proxy = self.world.proxy(self.world.config(self.nodes, pool))
        self.assertEqual(fill(self.proxy.port), {})
        self.on = [keys_on(node) for node in self.nodes]
        self.assertEqual(sorted(k for keys in self.on for k in keys), sorted(KEYS))
        self.assertTrue(all(self.on), "the ring gives every node a share")
        self.lost = self.on[1]
        self.kept = self.on[0] | self.on[2]

    def check_only_its_keys_suffer(self):
        """Reads of the lost node's keys miss, its writes fail by name, the rest is as ever."""
        with Wire(self.proxy.port) as wire:
            for key in KEYS:
                expected = {} if key in self.lost else {key: value_of(key)}
                self.assertEqual(wire.get(key), expected)
            self.assertEqual(wire.get(*KEYS), {k: value_of(k) for k in self.kept})
            lost, kept = min(self.lost), min(self.kept)
            for command in (b"set %s 0 0 1\r\nx", b"add %s 0 0 1\r\nx", b"delete %s", b"incr %s 1",
                            b"touch %s 10", b"ms %s 1\r\nx", b"md %s"):
                self.assertRegex(wire.ask(command % lost), rb"^SERVER_ERROR .+")
            self.assertEqual(wire.ask(b"mg %s v" % lost), b"EN")
            self.assertEqual(wire.ask(b"set %s 0 0 1 noreply\r\nx\r\nmn" % lost), b"MN")
            self.assertEqual(wire.set(kept, value_of(kept)), b"STORED")
            self.assertTrue(wire.nothing_left(), "no answer too many")

    def wait_recovered(self):
        everything = {k: value_of(k) for k in KEYS}

        def all_there():
            with Wire(self.proxy.port) as wire:
                return wire.get(*KEYS) == everything

        eventually("every key can be stored again", lambda: not fill(self.proxy.port))
        self.assertEqual(keys_on(self.nodes[1]), self.lost, "the keys have not changed owner")
        # Each worker reconnects for itself; connections go to the workers in turn.
        eventually("every worker reads every key", lambda: all([all_there() for _ in range(4)]))

    def test_node_that_was_never_there(self):
        port = free_port()
        here = self.world.node()
        proxy = self.world.proxy(self.world.config([here, f"{HOST}:{port}"]))
        refused = fill(proxy.port)
        self.assertEqual(keys_on(here), set(KEYS) - set(refused))
        self.assertTrue(refused)
        for answer in refused.values():
            self.assertRegex(answer, rb"^SERVER_ERROR .+")
        late = self.world.node(port=port)
        eventually("the late node is used", lambda: not fill(proxy.port))
        self.assertEqual(keys_on(late), set(refused))

    def test_killed_node(self):
        self.start()
        self.nodes[1].kill()
        self.check_only_its_keys_suffer()
        metrics = self.proxy.metrics()
        self.assertGreater(metrics.sum("ringcache_proxy_node_errors_total",
                                       node=self.nodes[1].address), 0)
        for node in (self.nodes[0], self.nodes[2]):
            self.assertEqual(metrics.sum("ringcache_proxy_node_errors_total", node=node.address), 0)
        self.nodes[1].restart()
        self.wait_recovered()

    def test_hung_node_times_out(self):
        self.start(timeouts={"connect": "250ms", "request": "200ms"})
        self.nodes[1].pause()
        with Wire(self.proxy.port) as wire:
            self.assertEqual(wire.get(min(self.lost)), {})
            self.assertEqual(wire.get(*KEYS), {k: value_of(k) for k in self.kept})
            self.assertRegex(wire.set(max(self.lost), b"x"), rb"^SERVER_ERROR .+")
        self.assertGreater(self.proxy.metrics().sum("ringcache_proxy_node_errors_total",
                                                    node=self.nodes[1].address), 0)
        self.nodes[1].resume()
        self.wait_recovered()

    def test_a_connection_that_nobody_needs_is_closed_and_opened_again(self):
        self.start(timeouts={"idle": "100ms"})

        def total(name):
            return self.proxy.metrics().sum("ringcache_proxy_" + name)

        with Wire(self.proxy.port) as wire:
            self.assertEqual(wire.get(*KEYS), {k: value_of(k) for k in KEYS})
            eventually("no connection is left", lambda: total("node_connections") == 0)
            self.assertGreaterEqual(total("node_idle_closes_total"), 3)
            self.assertEqual(wire.get(*KEYS), {k: value_of(k) for k in KEYS})
        self.assertEqual(total("node_errors_total"), 0)
        self.assertEqual(total("node_up"), 3)

    def test_a_connection_that_recovered_is_closed_when_nobody_needs_it_too(self):
        self.start(timeouts={"idle": "1ms"}, health={"timeout": "20s"})
        hung = self.nodes[1].address

        def total(name, **labels):
            return self.proxy.metrics().sum("ringcache_proxy_" + name, **labels)

        eventually("nothing is open", lambda: total("node_connections") == 0)
        opened = total("node_connects_total", node=hung, result="ok")
        self.nodes[1].pause()
        with Wire(self.proxy.port) as wire:
            eventually("its system accepts the connection that is probed", lambda: not wire.get(
                min(self.lost)) and total("node_connects_total", node=hung,
                                          result="ok") >= opened + 2)
        for _ in range(20):  # the idle timer is due meanwhile
            total("node_up")
        self.nodes[1].resume()
        eventually("it is up again", lambda: total("node_up") == 3)
        eventually("no connection is left", lambda: total("node_connections") == 0)

    def test_hung_node_delays_nobody_else(self):
        self.start(timeouts={"connect": "250ms", "request": "20s"})
        self.nodes[1].pause()
        waiting = [Wire(self.proxy.port) for _ in range(8)]  # some on either worker
        for wire in waiting:
            self.addCleanup(wire.close)
            wire.send(b"get %s\r\n" % min(self.lost))
        for _ in range(8):
            with Wire(self.proxy.port) as wire:
                for key in sorted(self.kept)[:50]:
                    self.assertEqual(wire.get(key), {key: value_of(key)})
        self.assertTrue(all(wire.silent() for wire in waiting), "still waiting for the hung node")
        self.nodes[1].resume()
        for wire in waiting:
            self.assertEqual(wire.values(), {min(self.lost): value_of(min(self.lost))})

    def test_answers_after_a_late_one_are_in_order(self):
        """A fast answer behind one that waits for a hung node is held back, then sent."""
        self.start(timeouts={"connect": "250ms", "request": "20s"})
        self.nodes[1].pause()
        lost, kept = min(self.lost), min(self.kept)
        with Wire(self.proxy.port) as wire:
            wire.send(b"get %s\r\nget %s\r\nget %s\r\n" % (kept, lost, kept))
            self.assertEqual(wire.values(), {kept: value_of(kept)})
            with Wire(self.proxy.port) as other:
                self.assertEqual(other.get(kept), {kept: value_of(kept)})
            self.assertTrue(wire.silent())
            self.nodes[1].resume()
            self.assertEqual(wire.values(), {lost: value_of(lost)})
            self.assertEqual(wire.values(), {kept: value_of(kept)})

    def test_node_that_flaps_never_crosses_answers(self):
        self.start(timeouts={"connect": "250ms", "request": "100ms"})
        stop, wrong, answered = threading.Event(), [], [0] * 4

        def read(number):
            source = random.Random(number)
            with Wire(self.proxy.port) as wire:
                while not stop.is_set():
                    keys = source.sample(KEYS, 20)
                    wire.send(b"".join(b"get %s\r\n" % k for k in keys))
                    for key in keys:
                        found = wire.values()
                        if found not in ({}, {key: value_of(key)}):
                            wrong.append((key, found))
                        answered[number] += 1

        readers = [threading.Thread(target=read, args=(n,)) for n in range(4)]
        for reader in readers:
            reader.start()
        failures = self.proxy.metrics
        for _ in range(5):
            before = failures().sum("ringcache_proxy_node_errors_total")
            self.nodes[1].pause()
            eventually("requests to the hung node fail",
                       lambda b=before: failures().sum("ringcache_proxy_node_errors_total") > b)
            self.nodes[1].resume()
            done = sum(answered)
            eventually("readers go on", lambda d=done: sum(answered) > d + 200)
        stop.set()
        for reader in readers:
            reader.join()
        self.assertEqual(wrong, [])
        self.wait_recovered()

    def test_node_killed_amid_a_large_answer(self):
        """What was begun ends whole, or the connection ends; a cut value never looks complete."""
        self.start()
        value = random.Random(7).randbytes(900_000)
        key = min(self.lost)
        wires = [Wire(self.proxy.port) for _ in range(4)]
        self.assertEqual(wires[0].set(key, value), b"STORED")
        for wire in wires:
            self.addCleanup(wire.close)
            wire.send(b"get %s\r\n" % key * 20)
            wire.exactly(100)
        self.nodes[1].kill()
        for wire in wires:
            with self.subTest(wire=wires.index(wire)):
                self.check_rest(wire, key, value)
        self.check_only_its_keys_suffer()

    def check_rest(self, wire, key, value):
        header = b"VALUE %s 0 %d\r\n" % (key, len(value))
        whole = (header + value + b"\r\nEND\r\n")[100:]
        try:
            self.assertEqual(wire.exactly(len(whole)), whole)
            for _ in range(19):
                self.assertIn(wire.values(), ({}, {key: value}))
        except (Failure, ConnectionError) as failure:
            if isinstance(failure, Failure):
                self.assertIn("closed", str(failure))
            cut = bytes(wire.buffer)  # of the first answer, or of a later one, or of its value
            wholes = (whole, header + value + b"\r\n", value + b"\r\n")
            self.assertTrue(any(whole.startswith(cut) for whole in wholes), cut[:200])


if __name__ == "__main__":
    main()
