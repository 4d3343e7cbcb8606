#!/usr/bin/env python3
"""Large values on their way to clients: passed on while they arrive, bounded, in nobody's way."""

import threading

from harness import Wire, eventually, main
from large_values import KIB, MIB, SANITIZED, LargeValuesCase


class LargeValues(LargeValuesCase):
    # ---- towards the client ----

    def test_a_value_is_passed_on_while_it_arrives(self):
        self.start()
        client = self.client()
        client.send(b"get k\r\n")
        self.main.expect(b"get k\r\n")
        self.main.begin_value(b"k", MIB, 700 * KIB)
        self.assertEqual(client.line(), b"VALUE k 0 %d" % MIB)
        client.exactly(500 * KIB)  # the node has yet to send a third of it
        self.main.end_value(MIB - 700 * KIB)
        client.exactly(MIB - 500 * KIB)
        self.assertEqual([client.line(), client.line()], [b"", b"END"])
        self.assertEqual(self.metric("node_values_cut_through_total"), 1)
        self.assertTrue(client.nothing_left())

    def test_meta_gets_and_multigets_are_passed_on_too(self):
        self.start(item_size="2MiB")  # above 128 MiB a multiget goes key by key
        client = self.client()
        client.send(b"mg k v\r\nget a b\r\n")
        self.main.expect(b"mg k v\r\nget a b\r\n")
        self.main.send(b"VA %d\r\n" % MIB + b"v" * (700 * KIB))
        client.exactly(500 * KIB)
        self.main.send(b"v" * (MIB - 700 * KIB) + b"\r\n")
        client.exactly(MIB + len(b"VA 1048576\r\n\r\n") - 500 * KIB)
        self.main.begin_value(b"a", MIB, 700 * KIB)
        client.exactly(500 * KIB)
        self.main.send(b"v" * (MIB - 700 * KIB) + b"\r\n")
        client.exactly(MIB - 500 * KIB + len(b"VALUE a 0 1048576\r\n\r\n"))
        self.main.begin_value(b"b", 3, 3)
        self.main.end_value(0)
        self.assertEqual(client.values(), {b"b": b"vvv"})
        self.assertEqual(self.metric("node_values_cut_through_total"), 2)
        self.assertEqual(self.metric("commands_total", status="hit"), 3)

    def test_a_node_that_dies_in_a_begun_value_costs_its_client_the_connection(self):
        self.start()
        client = self.client()
        client.send(b"get k\r\n")
        self.main.expect(b"get k\r\n")
        self.main.begin_value(b"k", MIB, 700 * KIB)
        client.exactly(500 * KIB)
        self.main.close()
        client.wait_closed()
        self.await_metric("client_connections_cut_total", 1, reason="value_cut_short")
        self.assertEqual(self.metric("requests_in_flight"), 0)
        self.assertEqual(self.client().ask(b"mn"), b"MN")

    def test_a_value_without_its_end_is_garbage(self):
        self.start()
        client = self.client()
        client.send(b"get k\r\n")
        self.main.expect(b"get k\r\n")
        self.main.begin_value(b"k", MIB, MIB)
        self.main.send(b"vvEND\r\n")
        client.wait_closed()
        self.await_metric("client_connections_cut_total", 1, reason="value_cut_short")
        self.assertEqual(self.metric("node_errors_total", reason="protocol"), 1)

    def test_a_node_that_hangs_in_a_begun_value(self):
        self.start(request="300ms")
        client = self.client()
        client.send(b"get k\r\n")
        self.main.expect(b"get k\r\n")
        self.main.begin_value(b"k", MIB, 700 * KIB)
        client.wait_closed()
        self.assertEqual(self.metric("node_errors_total", reason="timeout"), 1)
        self.assertEqual(self.metric("client_connections_cut_total", reason="value_cut_short"), 1)

    def test_what_is_not_the_oldest_is_begun_when_it_is(self):
        self.start(nodes=2)
        keys = self.keys_of_both()
        client = self.client()
        client.send(b"get %s\r\nget %s\r\n" % keys)
        self.mains[0].expect(b"get %s\r\n" % keys[0])
        self.mains[1].expect(b"get %s\r\n" % keys[1])
        self.mains[1].begin_value(keys[1], MIB, 700 * KIB)
        self.await_read(self.nodes[1], 700 * KIB)
        self.assertEqual(self.metric("node_values_cut_through_total"), 0)
        self.mains[0].send(b"END\r\n")
        self.assertEqual(client.line(), b"END")
        self.mains[1].send(b"v")  # it looks again when more comes
        self.assertEqual(client.line(), b"VALUE %s 0 %d" % (keys[1], MIB))
        client.exactly(500 * KIB)
        self.mains[1].end_value(MIB - 700 * KIB - 1)
        client.exactly(MIB - 500 * KIB)
        self.assertEqual([client.line(), client.line()], [b"", b"END"])

    def test_a_value_that_was_not_begun_is_a_miss_when_its_node_dies(self):
        self.start(nodes=2)
        keys = self.keys_of_both()
        client = self.client()
        client.send(b"get %s\r\nget %s\r\n" % keys)
        self.mains[0].expect(b"get %s\r\n" % keys[0])
        self.mains[1].expect(b"get %s\r\n" % keys[1])
        self.mains[1].begin_value(keys[1], MIB, 700 * KIB)
        self.await_read(self.nodes[1], 700 * KIB)
        self.mains[1].close()
        self.await_metric("node_errors_total", 1, reason="reset")
        self.mains[0].send(b"END\r\n")
        self.assertEqual([client.line(), client.line()], [b"END", b"END"])
        self.assertTrue(client.nothing_left())

    # ---- connections for large values ----

    def test_small_requests_pass_a_large_value(self):
        self.start()
        self.learn(b"big")
        slow, quick = self.client(), self.client()
        slow.send(b"get big\r\n")
        lane = self.nodes[0].accept()
        lane.expect(b"get big\r\n")
        lane.begin_value(b"big", MIB, 10)
        quick.send(b"get small\r\nset big 0 0 1\r\nx\r\n")  # of another client: no order to keep
        self.main.expect(b"get small\r\nset big 0 0 1\r\nx\r\n")
        self.main.send(b"END\r\nSTORED\r\n")
        self.assertEqual([quick.line(), quick.line()], [b"END", b"STORED"])
        lane.end_value(MIB - 10)
        self.assertEqual(slow.values(), {b"big": b"v" * MIB})
        self.assertEqual(self.metric("node_large_requests_total"), 1)
        # A small value there is the last that the key's gets go there for.
        slow.send(b"get big\r\n")
        lane.expect(b"get big\r\n")
        lane.begin_value(b"big", 1, 1)
        lane.end_value(0)
        self.assertEqual(slow.values(), {b"big": b"v"})
        slow.send(b"get big\r\n")
        self.main.expect(b"get big\r\n")
        self.main.send(b"END\r\n")
        self.assertEqual(slow.line(), b"END")

    def test_a_set_tells_how_large_a_key_is(self):
        self.start()
        client = self.client()
        value = b"v" * (300 * KIB)
        client.send(b"set k 0 0 %d\r\n%s\r\n" % (len(value), value))
        lane = self.nodes[0].accept()
        lane.expect(b"set k 0 0 %d\r\n%s\r\n" % (len(value), value))
        lane.send(b"STORED\r\n")
        self.assertEqual(client.line(), b"STORED")
        client.send(b"mg k v\r\n")
        self.nodes[0].accept().expect(b"mg k v\r\n")

    def test_a_client_reads_what_it_wrote_before(self):
        self.start()
        self.learn(b"big")
        for write, answer in ((b"set big 0 0 1 noreply\r\nx\r\n", b""),
                              (b"delete other\r\n", b"DELETED\r\n"),
                              (b"touch big 1\r\n", b"TOUCHED\r\n"),
                              (b"flush_all\r\n", b"OK\r\n")):
            client = self.client()
            client.send(write + b"get big\r\n")
            self.main.expect(write.replace(b" noreply", b""))
            is_first = len(self.nodes[0].peers) == 1
            overtakes = not (self.nodes[0].has_no_more() if is_first else lane.silent())
            self.assertFalse(overtakes, "the read overtook the write")
            self.main.send(answer or b"STORED\r\n")
            lane = self.nodes[0].accept() if is_first else lane
            lane.expect(b"get big\r\n")
            lane.begin_value(b"big", 300 * KIB, 300 * KIB)
            lane.end_value(0)
            self.assertEqual(client.exactly(len(answer)), answer)
            self.assertEqual(client.values(), {b"big": b"v" * 300 * KIB})

    def test_a_client_does_not_read_what_it_writes_later(self):
        self.start(item_size="2MiB")
        self.learn(b"big")
        client = self.client()
        client.send(b"get big\r\nset big 0 0 1\r\nx\r\nget small big\r\n")
        lane = self.nodes[0].accept()
        lane.expect(b"get big\r\n")
        lane.begin_value(b"big", 300 * KIB, 300 * KIB)
        self.await_read(self.nodes[0], 600 * KIB)
        self.assertTrue(self.main.silent(), "the write overtook the read")
        lane.end_value(0)
        self.main.expect(b"set big 0 0 1\r\nx\r\n")
        self.assertTrue(self.main.silent() and lane.silent(), "a read overtook the write")
        self.main.send(b"STORED\r\n")
        self.main.expect(b"get small\r\n")
        lane.expect(b"get big\r\n")
        self.main.send(b"END\r\n")
        lane.begin_value(b"big", 1, 1)
        lane.end_value(0)
        self.assertEqual(client.values(), {b"big": b"v" * 300 * KIB})
        self.assertEqual(client.line(), b"STORED")
        self.assertEqual(client.values(), {b"big": b"v"})

    def test_as_many_connections_as_the_limit_says(self):
        self.start(large_connections=2)
        self.learn(b"big")
        clients = [self.client() for _ in range(4)]
        lanes = []
        for client in clients:
            client.send(b"get big\r\n")
            self.await_metric("node_large_requests_total", len(lanes) + 1)
            lanes.append(self.nodes[0].accept() if len(lanes) < 2 else lanes[len(lanes) - 2])
        self.assertTrue(self.nodes[0].has_no_more())
        self.assertEqual(self.metric("node_connections"), 3)
        for lane, client in zip(lanes, clients):
            lane.expect(b"get big\r\n")
            lane.begin_value(b"big", 1, 1)
            lane.end_value(0)
            self.assertEqual(client.values(), {b"big": b"v"})

    def test_none_of_them_when_the_limit_says_so(self):
        self.start(large_connections=0)
        self.learn(b"big")
        client = self.client()
        client.send(b"get big\r\n")
        self.main.expect(b"get big\r\n")
        self.assertTrue(self.nodes[0].has_no_more())

    def test_a_client_asks_for_no_more_than_the_window(self):
        self.start(cut_through_window="1MiB")
        self.learn(b"big", 700 * KIB)
        client = self.client()
        client.send(b"get big\r\nget big\r\nget small\r\n")
        lane = self.nodes[0].accept()
        lane.expect(b"get big\r\n")
        lane.begin_value(b"big", 700 * KIB, 100)
        self.await_read(self.nodes[0], 700 * KIB)
        self.assertTrue(self.nodes[0].has_no_more() and lane.silent())
        lane.end_value(700 * KIB - 100)
        lane.expect(b"get big\r\n")  # the one behind it only now
        self.main.expect(b"get small\r\n")

    # ---- slow clients ----

    def test_a_client_that_does_not_read_stops_its_own_connection_alone(self):
        self.start(large_connections=1, cut_through_window="256KiB", request="3s")
        self.learn(b"big")
        slow = self.client()
        slow.send(b"get big\r\n")
        lane = self.nodes[0].accept()
        lane.expect(b"get big\r\n")
        size = 48 * MIB
        lane.begin_value(b"big", size, 0)
        before = self.proxy.rss_bytes()
        sent = lane.send_until_stuck(size)
        self.assertLess(sent, 40 * MIB, "sockets take some, the proxy the window and a part")
        self.assertGreaterEqual(self.metric("node_reading_held_total"), 1)
        if not SANITIZED:
            self.assertLess(self.proxy.rss_bytes() - before, 8 * MIB)
        quick = self.client()
        quick.send(b"get small\r\n")
        self.main.expect(b"get small\r\n")
        self.main.send(b"END\r\n")
        self.assertEqual(quick.line(), b"END")
        # Whoever waits behind it waits half the time of a request, then what the client does not
        # read waits for it in the proxy, as on any connection.
        quick.send(b"get big\r\n")
        lane.send(b"v" * (size - sent) + b"\r\nEND\r\n")
        lane.expect(b"get big\r\n")
        lane.begin_value(b"big", 5, 5)
        lane.end_value(0)
        self.assertEqual(quick.values(), {b"big": b"vvvvv"})
        self.assertEqual(slow.values(), {b"big": b"v" * size})

    def test_a_client_that_goes_away_lets_its_connection_go_on(self):
        self.start(large_connections=1, cut_through_window="256KiB")
        self.learn(b"big")
        slow = Wire(self.proxy.port)
        slow.send(b"get big\r\n")
        lane = self.nodes[0].accept()
        lane.expect(b"get big\r\n")
        size = 48 * MIB
        lane.begin_value(b"big", size, 0)
        sent = lane.send_until_stuck(size)
        slow.close()
        lane.send(b"v" * (size - sent) + b"\r\nEND\r\n")
        client = self.client()
        client.send(b"get big\r\n")
        lane.expect(b"get big\r\n")
        lane.begin_value(b"big", 5, 5)
        lane.end_value(0)
        self.assertEqual(client.values(), {b"big": b"vvvvv"})
        self.assertEqual(self.metric("requests_in_flight"), 0)

    def test_who_waits_behind_a_value_too_long_misses_and_the_node_is_not_hung(self):
        self.start(large_connections=1, request="1s", pool={"health": {
            "timeout": "30s", "interval": "60s", "fall": 1}})
        self.learn(b"big")
        first, second = self.client(), self.client()
        first.send(b"get big\r\n")
        lane = self.nodes[0].accept()
        lane.expect(b"get big\r\n")
        lane.begin_value(b"big", MIB, 600 * KIB)
        self.await_metric("node_values_cut_through_total", 1)
        second.send(b"get big\r\n")
        left = MIB - 600 * KIB
        with eventually_sending(lane) as dripped:  # so that it is not hung
            self.assertEqual(second.line(), b"END")
        self.assertEqual(self.metric("node_up"), 1)
        lane.end_value(left - dripped())
        self.assertEqual(first.values(), {b"big": b"v" * MIB})
        lane.expect(b"get big\r\n")
        lane.send(b"END\r\n")
        self.assertTrue(second.nothing_left())

    # ---- with real nodes ----

    def test_memory_is_bounded_however_large_the_values_are(self):
        size, clients = 16 * MIB, 12
        node = self.world.node("-I", "32m", memory_mib=512)
        config = self.world.config([node], threads=1, limits={"item_size": "1GiB"})
        self.proxy = self.world.proxy(config)
        for number in range(clients):
            with Wire(node.port) as direct:
                self.assertEqual(direct.set(b"k%d" % number, b"v" * size), b"STORED")
        wires = [self.client() for _ in range(clients)]
        for number, wire in enumerate(wires):  # each is seen once, which tells how large it is
            self.assertEqual(len(wire.get(b"k%d" % number)[b"k%d" % number]), size)
        before = self.proxy.rss_bytes()
        for number, wire in enumerate(wires):
            wire.send(b"get k%d\r\n" % number)
        self.await_held(4)
        grown = self.proxy.rss_bytes() - before
        if not SANITIZED:
            self.assertLess(grown, clients * 2 * MIB)
        for number, wire in enumerate(wires):
            self.assertEqual(wire.values(), {b"k%d" % number: b"v" * size})

    def await_held(self, count):
        eventually("slow clients hold up reading",
                   lambda: self.metric("node_reading_held_total") >= count)

    def test_values_larger_than_any_buffer(self):
        size = 80 * MIB
        nodes = [self.world.node("-I", "128m", memory_mib=256) for _ in range(2)]
        self.proxy = self.world.proxy(self.world.config(
            nodes, threads=1, pool={"ring": "modula", "timeouts": {"request": "10s"}},
            limits={"item_size": "1GiB"}))
        with Wire(self.proxy.port) as client:
            keys = {}
            for number in range(64):
                self.assertEqual(client.set(b"k%d" % number, b"x"), b"STORED")
            for index, node in enumerate(nodes):
                with Wire(node.port) as direct:
                    keys[index] = next(k for k in (b"k%d" % n for n in range(64))
                                       if direct.get(k))
                    self.assertEqual(direct.set(keys[index], b"v" * size), b"STORED")
            self.assertEqual(client.get(keys[0]), {keys[0]: b"v" * size})
            # Of a multiget over nodes only the last to answer can be passed on in parts; another
            # value that no buffer holds is a miss.
            found = client.get(*keys.values())
            self.assertIn(len(found), (1, 2))
            self.assertTrue(all(value == b"v" * size for value in found.values()))
            self.assertTrue(client.nothing_left())


class eventually_sending:  # pylint: disable=invalid-name
    """Sends a byte of a value every now and then; called, how many it were."""

    def __init__(self, peer):
        self.peer, self.count, self.over = peer, 0, threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.over.wait(0.05):
            self.peer.send(b"v")
            self.count += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def __call__(self):
        return self.count


if __name__ == "__main__":
    main()
