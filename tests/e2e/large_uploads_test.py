#!/usr/bin/env python3
"""Large data blocks on their way to nodes: passed on while they arrive, bounded, whole or not."""

from harness import eventually, main
from large_values import KIB, MIB, SANITIZED, LargeValuesCase


class LargeUploads(LargeValuesCase):
    def begin_upload(self, key=b"k", size=MIB, sent=700 * KIB):
        """A client that has sent the beginning of a set, and the connection it goes by."""
        client = self.client()
        line = b"set %s 0 0 %d\r\n" % (key, size)
        client.send(line + b"v" * sent)
        lane = self.nodes[0].accept()
        lane.expect(line)
        lane.exactly(512 * KIB)  # the client has yet to send a third of it
        return client, lane

    def test_a_data_block_is_passed_on_while_it_arrives(self):
        self.start()
        client, lane = self.begin_upload()
        quick = self.client()
        quick.send(b"get k\r\n")  # of a client that stops half-way nobody notices
        self.nodes[0].accept().expect(b"get k\r\n")
        quick.send(b"get small\r\n")
        self.main.expect(b"get small\r\n")
        client.send(b"v" * (MIB - 700 * KIB) + b"\r\nget k small\r\n")
        lane.exactly(MIB - 512 * KIB)
        lane.expect(b"\r\n")
        self.assertTrue(self.main.silent(), "a read overtook the write")
        lane.send(b"STORED\r\n")
        self.assertEqual(client.line(), b"STORED")
        self.assertEqual(self.metric("node_uploads_total"), 1)
        self.assertEqual(self.metric("commands_total", command="set", status="stored"), 1)

    def test_every_storage_command_and_noreply(self):
        node = self.world.node("-I", "32m", memory_mib=256)
        self.proxy = self.world.proxy(self.world.config(
            [node], threads=1, limits={"item_size": "1GiB"},
            pool={"timeouts": {"request": "10s"}}))
        client, value = self.client(), b"v" * (600 * KIB)
        block = b"%d\r\n%s\r\n" % (len(value), value)
        client.send(b"add k 0 0 " + block + b"add k 0 0 " + block + b"replace k 7 0 " + block +
                    b"append k 0 0 " + block + b"prepend k 0 0 " + block + b"ms m " + block +
                    b"ms m " + block.replace(b"\r\n", b" q\r\n", 1) +
                    b"set n 0 0 " + block.replace(b"\r\n", b" noreply\r\n", 1) + b"mn\r\n")
        self.assertEqual([client.line() for _ in range(7)], [
            b"STORED", b"NOT_STORED", b"STORED", b"STORED", b"STORED", b"HD", b"MN"])
        self.assertEqual(client.get(b"k"), {b"k": value * 3})
        self.assertEqual(client.get(b"n"), {b"n": value})
        cas = client.ask(b"mg k c").split(b" ")[1][1:]
        client.send(b"cas k 0 0 %d %s\r\n%s\r\n" % (len(value), cas, value))
        self.assertEqual(client.line(), b"STORED")
        self.assertEqual(self.metric("node_uploads_total"), 9)
        self.assertEqual(self.metric("node_connections"), 3)

    def test_a_value_larger_than_any_buffer_is_stored(self):
        size = 80 * MIB
        node = self.world.node("-I", "128m", memory_mib=256)
        self.proxy = self.world.proxy(self.world.config(
            [node], threads=1, limits={"item_size": "1GiB"},
            pool={"timeouts": {"request": "30s"}}))
        before = self.proxy.rss_bytes()
        client, value = self.client(), b"v" * size
        self.assertEqual(client.set(b"k", value), b"STORED")
        if not SANITIZED:
            self.assertLess(self.proxy.rss_bytes() - before, 16 * MIB)
        self.assertEqual(client.get(b"k"), {b"k": value})

    def test_a_rate_limit_refuses_it_and_its_data_is_swallowed(self):
        self.start(pool={"rate_limit": {"sets": {"per_second": 1}}})
        client = self.client()
        client.send(b"set k 0 0 %d\r\n" % MIB)
        self.nodes[0].accept()
        other = self.client()
        other.send(b"set k 0 0 %d\r\n%smn\r\n" % (MIB, b"v" * MIB + b"\r\n"))
        self.main.expect(b"delete k\r\n")
        self.main.send(b"DELETED\r\n")
        self.assertEqual([other.line(), other.line()], [b"SERVER_ERROR rate limit reached", b"MN"])

    def test_a_client_that_goes_away_in_its_data_block(self):
        self.start()
        for half in (False, True):
            client, lane = self.begin_upload()
            if half:
                client.socket.shutdown(1)  # it sends no more
                client.wait_closed()
            else:
                client.close()
            lane.wait_closed()
            self.await_metric("requests_in_flight", 0)
        self.assertEqual(self.metric("node_up"), 1)
        self.assertEqual(self.metric("node_errors_total"), 0)
        self.assertEqual(self.metric("node_connections"), 1)

    def test_a_client_that_stops_half_way_is_closed(self):
        self.start(upload_stall="300ms")
        client, lane = self.begin_upload()
        client.wait_closed()
        lane.wait_closed()
        self.assertEqual(self.metric("client_connections_cut_total", reason="stalled"), 1)
        self.assertEqual(self.metric("node_up"), 1)

    def test_a_data_block_without_its_end(self):
        self.start()
        client, lane = self.begin_upload()
        client.send(b"v" * (MIB - 700 * KIB) + b"xxversion\r\n")
        self.assertEqual(client.line(), b"CLIENT_ERROR bad data chunk")
        lane.wait_closed()
        self.assertTrue(client.line().startswith(b"VERSION"))
        self.assertEqual(self.metric("protocol_errors_total", kind="data_chunk"), 1)

    def test_a_node_that_refuses_before_it_has_all(self):
        self.start()
        client, lane = self.begin_upload()
        lane.send(b"SERVER_ERROR object too large for cache\r\n")
        self.assertEqual(client.line(), b"SERVER_ERROR object too large for cache")
        client.send(b"v" * (MIB - 700 * KIB) + b"\r\nmn\r\n")
        lane.exactly(MIB - 512 * KIB)
        lane.expect(b"\r\n")  # swallows it
        self.assertEqual(client.line(), b"MN")
        client.send(b"set k 0 0 %d\r\n" % MIB)
        lane.expect(b"set k 0 0 %d\r\n" % MIB)  # the connection is good

    def test_a_node_that_refuses_and_closes(self):
        self.start()
        client, lane = self.begin_upload()
        lane.send(b"SERVER_ERROR out of memory storing object\r\n")
        self.assertEqual(client.line(), b"SERVER_ERROR out of memory storing object")
        lane.close()
        client.send(b"v" * (MIB - 700 * KIB) + b"\r\nmn\r\n")
        self.assertEqual(client.line(), b"MN")

    def test_a_node_that_dies_in_a_data_block(self):
        self.start()
        client, lane = self.begin_upload()
        lane.close()
        answer = client.line()
        self.assertTrue(answer.endswith(b"closed the connection"), answer)
        client.send(b"v" * (MIB - 700 * KIB) + b"\r\nmn\r\n")
        self.assertEqual(client.line(), b"MN")
        self.assertEqual(self.metric("requests_in_flight"), 0)

    def test_a_node_that_takes_nothing_holds_its_client_back(self):
        self.start(cut_through_window="256KiB", request="300ms")
        client, size = self.client(), 64 * MIB
        client.send(b"set k 0 0 %d\r\n" % size)
        self.nodes[0].accept()
        sent, before = 0, self.proxy.rss_bytes()
        client.socket.setblocking(False)
        data = b"v" * 65536

        def answered():
            nonlocal sent
            try:
                while sent < size and client.silent():
                    sent += client.socket.send(data)
            except BlockingIOError:
                pass
            return not client.silent()
        eventually("the node is given up", answered)
        self.assertLess(sent, 40 * MIB, "sockets take some, the proxy the window and a part")
        if not SANITIZED:
            self.assertLess(self.proxy.rss_bytes() - before, 8 * MIB)
        client.socket.settimeout(30)
        self.assertTrue(client.line().endswith(b"did not answer in time"))
        client.send(b"v" * (size - sent) + b"\r\nmn\r\n")
        self.assertEqual(client.line(), b"MN")

    def test_who_finds_no_connection_waits_for_one_and_not_for_ever(self):
        self.start(large_connections=1, request="2s")
        first, lane = self.begin_upload()
        second = self.client()
        block = b"v" * (300 * KIB) + b"\r\n"
        second.send(b"set j 0 0 %d\r\n%s" % (300 * KIB, block))
        answer = second.line()  # nothing came free in the time of a request
        self.assertTrue(answer.endswith(b"has too many requests waiting"), answer)
        self.assertEqual(self.metric("node_errors_total", reason="overload"), 1)
        second.send(b"set j 0 0 %d\r\n%smn\r\n" % (300 * KIB, block))
        first.send(b"v" * (MIB - 700 * KIB) + b"\r\n")
        lane.exactly(MIB - 512 * KIB)
        lane.expect(b"\r\n")
        lane.send(b"STORED\r\n")
        lane.expect(b"set j 0 0 %d\r\n%s" % (300 * KIB, block))
        lane.send(b"STORED\r\n")
        self.assertEqual([first.line(), second.line(), second.line()],
                         [b"STORED", b"STORED", b"MN"])
        self.assertTrue(self.nodes[0].has_no_more())


if __name__ == "__main__":
    main()
