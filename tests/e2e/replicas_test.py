#!/usr/bin/python3
"""Pools with several copies of each key: who is told, who is asked, and what is mended."""

import itertools
import json
import queue
import random
import signal
import socket
import threading

from harness import HOST, PATIENCE_S, TestCase, Wire, eventually, main

KEYS = [b"key:%d" % number for number in range(200)]


class EmptyNode(threading.Thread):
    """A node without items that answers one connection, but no ms before what is behind it came."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listening = socket.create_server((HOST, 0))
        self.address = "%s:%d" % self.listening.getsockname()
        self.lines, self.held = queue.Queue(), b""
        self.start()

    def run(self):
        connection, _ = self.listening.accept()
        with connection, connection.makefile("rb") as lines:
            for line in lines:
                words = line.split()
                if words[0] == b"ms":
                    lines.read(int(words[2]) + 2)
                    self.held += b"HD c77\r\n"
                else:
                    connection.sendall(self.held + {
                        b"get": b"END\r\n", b"delete": b"NOT_FOUND\r\n", b"md": b"HD\r\n",
                        b"version": b"VERSION 1\r\n"}[words[0]])
                    self.held = b""
                if words[0] != b"version":
                    self.lines.put(line.rstrip())

    def next_line(self):
        return self.lines.get(timeout=PATIENCE_S)


class Replicas(TestCase):
    def start(self, nodes=3, replicas=2, zones=None, zone=None, threads=2, **pool):
        self.nodes = [self.world.node() for _ in range(nodes)]
        entries = [{"address": node.address, **({"zone": zones[i % len(zones)]} if zones else {})}
                   for i, node in enumerate(self.nodes)]
        top = {"threads": threads, **({"zone": zone} if zone else {})}
        self.proxy = self.world.proxy(self.world.config(
            entries, {"replicas": replicas, "timeouts": {"request": "400ms"}, **pool}, **top))

    def total(self, name, **labels):
        return self.proxy.metrics().sum("ringcache_proxy_" + name, **labels)

    def copies(self, key):
        """The value of a key on each node that has it."""
        found = []
        for node in self.nodes:
            with Wire(node.port) as wire:
                found += wire.get(key).values()
        return found

    def holders(self, key):
        held = []
        for node in self.nodes:
            with Wire(node.port) as wire:
                if wire.get(key):
                    held.append(node)
        return held

    def quiet(self):
        eventually("nothing is under way", lambda: self.total("node_requests_in_flight") == 0)

    def test_writes_are_on_all_copies(self):
        self.start(nodes=4, replicas=3)
        with Wire(self.proxy.port) as wire:
            for key in KEYS[:20]:
                self.assertEqual(wire.set(key, b"v", flags=5), b"STORED")
                self.assertEqual(self.copies(key), [b"v"] * 3)
            wire.send(b"set %s 0 0 1 noreply\r\nw\r\nmg %s v\r\n" % (KEYS[0], KEYS[0]))
            self.assertEqual(wire.line(), b"VA 1")
            self.assertEqual(wire.line(), b"w")
            self.assertEqual(self.copies(KEYS[0]), [b"w"] * 3)
            wire.send(b"ms %s 1 T60\r\nm\r\n" % KEYS[1])
            self.assertEqual(wire.line(), b"HD")
            self.assertEqual(self.copies(KEYS[1]), [b"m"] * 3)
            self.assertEqual(wire.ask(b"touch %s 100" % KEYS[1]), b"TOUCHED")
            self.assertEqual(wire.ask(b"delete " + KEYS[1]), b"DELETED")
            self.assertEqual(self.copies(KEYS[1]), [])
            self.assertEqual(wire.ask(b"delete " + KEYS[1]), b"NOT_FOUND")
            self.assertEqual(wire.ask(b"md " + KEYS[2]), b"HD")
            self.assertEqual(self.copies(KEYS[2]), [])

    def test_what_depends_on_the_item_leaves_no_older_copy(self):
        self.start()
        with Wire(self.proxy.port) as wire:
            for number, (command, answer) in enumerate((
                    (b"incr %s 4", b"9"), (b"append %s 0 0 1\r\n7", b"STORED"),
                    (b"replace %s 0 0 2\r\n57", b"STORED"), (b"ma %s D4", b"HD"),
                    (b"ms %s 1 MA\r\n7", b"HD"), (b"gat 100 %s", None))):
                key = KEYS[number]
                wire.set(key, b"5")
                self.assertEqual(self.copies(key), [b"5"] * 2)
                wire.send(command % key + b"\r\n")
                if answer is None:
                    self.assertEqual(wire.values(), {key: b"5"})
                else:
                    self.assertEqual(wire.line(), answer)
                self.quiet()
                self.assertEqual(len(self.copies(key)), 1, command)
            self.assertEqual(wire.ask(b"add %s 0 0 1\r\nx" % KEYS[7]), b"STORED")
            self.assertEqual(wire.ask(b"add %s 0 0 1\r\ny" % KEYS[7]), b"NOT_STORED")
            self.assertEqual(self.copies(KEYS[7]), [b"x"])

    def test_cas_is_of_the_owner(self):
        self.start()
        with Wire(self.proxy.port) as wire:
            for key in KEYS[:20]:
                wire.set(key, b"old")
                wire.send(b"gets %s\r\n" % key)
                _, cas = wire.values()[key]
                self.assertEqual(wire.ask(b"cas %s 0 0 3 %d\r\nnew" % (key, cas)), b"STORED")
                self.assertEqual(wire.ask(b"cas %s 0 0 3 %d\r\nbad" % (key, cas)), b"EXISTS")
                self.assertEqual(self.copies(key), [b"new"])
                self.assertEqual(wire.get(key), {key: b"new"})

    def test_a_node_that_is_gone_costs_no_hit(self):
        self.start(nodes=3, replicas=2)
        with Wire(self.proxy.port) as wire:
            for key in KEYS:
                self.assertEqual(wire.set(key, b"value of " + key), b"STORED")
            self.nodes[0].kill()
            self.assertEqual(wire.get(*KEYS), {key: b"value of " + key for key in KEYS})
            for key in KEYS:
                self.assertEqual(wire.get(key), {key: b"value of " + key})
            lines = [wire.set(key, b"again") for key in KEYS]
            self.assertTrue(all(line == b"STORED" or line.startswith(b"SERVER_ERROR node ")
                                for line in lines), set(lines))
            self.assertIn(b"STORED", lines)
            self.assertTrue(any(line != b"STORED" for line in lines))
            self.assertEqual(wire.get(*KEYS), {key: b"again" for key in KEYS})

    def test_a_node_that_hangs_costs_time_and_no_hit(self):
        self.start(nodes=3, replicas=2)
        with Wire(self.proxy.port) as wire:
            for key in KEYS:
                wire.set(key, b"v")
            held = next(key for key in KEYS if self.nodes[0] in self.holders(key))
            self.nodes[0].pause()
            self.addCleanup(self.nodes[0].resume)
            self.assertEqual(wire.get(*KEYS), {key: b"v" for key in KEYS})
            self.assertGreater(self.total("replica_reads_total"), 0)
            self.assertGreater(self.total("node_errors_total", reason="timeout"), 0)
            hung = wire.ask(b"delete " + held)
            self.assertTrue(hung.startswith(b"SERVER_ERROR node "), hung)
            self.assertEqual(wire.get(held), {})

    def test_a_copy_that_is_missing_is_mended(self):
        self.start()
        with Wire(self.proxy.port) as wire:
            for key in KEYS[:50]:
                wire.set(key, b"value", flags=9, exptime=600)
                with Wire(self.holders(key)[0].port) as node:
                    self.assertEqual(node.ask(b"delete " + key), b"DELETED")
                self.assertEqual(wire.get(key), {key: b"value"})
            self.assertEqual(wire.get(*KEYS), {key: b"value" for key in KEYS[:50]})
            self.quiet()
        mended = self.total("replica_repairs_total")
        self.assertGreater(mended, 10)  # those whose first node it was
        whole = [key for key in KEYS[:50] if len(self.copies(key)) == 2]
        self.assertEqual(len(whole), mended)
        for node in self.holders(whole[0]):
            with Wire(node.port) as wire:
                wire.send(b"mg %s f t v\r\n" % whole[0])
                words = wire.line().split()
                self.assertEqual(words[:3], [b"VA", b"5", b"f9"])
                self.assertTrue(590 <= int(words[3][1:]) <= 600, words)

    def test_a_repair_that_a_write_may_have_overtaken_is_taken_back(self):
        empty, full = EmptyNode(), self.world.node()
        self.addCleanup(empty.listening.close)
        self.proxy = self.world.proxy(self.world.config(
            [{"address": empty.address, "zone": "a"}, {"address": full.address, "zone": "b"}],
            {"replicas": 2}, threads=1, zone="a"))
        with Wire(self.proxy.port) as wire, Wire(full.port) as node:
            for written in (False, True):
                self.assertEqual(node.set(b"key", b"v"), b"STORED")
                self.assertEqual(wire.get(b"key"), {b"key": b"v"})
                self.assertEqual(empty.next_line(), b"get key")
                self.assertEqual(empty.next_line(), b"ms key 1 F0 T0 ME c")
                if written:
                    wire.ask(b"delete key")
                    self.assertEqual(empty.next_line(), b"delete key")
                    self.assertEqual(empty.next_line(), b"md key C77")
                wire.get(b"other")
                self.assertEqual(empty.next_line(), b"get other")

    def test_reads_stay_in_the_own_zone(self):
        self.start(nodes=4, replicas=2, zones=["a", "b"], zone="b")
        with Wire(self.proxy.port) as wire:
            for key in KEYS:
                wire.set(key, b"v")
            for key in KEYS:
                self.assertEqual(wire.get(key), {key: b"v"})
            self.assertEqual(len(wire.get(*KEYS)), len(KEYS))
        asked = [self.total("node_hits_total", node=node.address) for node in self.nodes]
        self.assertEqual((asked[0], asked[2]), (0, 0))
        self.assertEqual(asked[1] + asked[3], 2 * len(KEYS))

    def test_a_meta_read_that_all_copies_fail_names_its_key_and_opaque(self):
        self.start(nodes=2)
        with Wire(self.proxy.port) as wire:
            self.assertEqual(wire.ask(b"mg none v k Oabc"), b"EN knone Oabc")
            for node in self.nodes:
                node.kill()
            self.assertEqual(wire.ask(b"mg none v k Oabc"), b"EN knone Oabc")
            self.assertEqual(wire.ask(b"mg none v"), b"EN")
            wire.send(b"mg none v k q Oabc\r\nmn\r\n")
            self.assertEqual(wire.line(), b"MN")

    def test_each_client_of_a_shared_get_is_counted_by_its_answer(self):
        self.start(nodes=2, threads=1, coalesce=True, timeouts={"request": "20s"})
        self.shared_gets(b"none", {})
        self.assertEqual(self.total("commands_total", command="get", status="miss"), 8)
        with Wire(self.proxy.port) as wire:
            wire.set(b"half", b"v")
        with Wire(self.first_asked(b"half").port) as node:
            self.assertEqual(node.ask(b"delete half"), b"DELETED")
        self.shared_gets(b"half", {b"half": b"v"})
        self.assertEqual(self.total("commands_total", command="get", status="hit"), 8 + 1)

    def first_asked(self, key):
        """The node that a get of a key, which both have, goes to."""
        def hits():
            return [self.total("node_hits_total", node=node.address) for node in self.nodes]
        before = hits()
        with Wire(self.proxy.port) as wire:
            self.assertEqual(len(wire.get(key)), 1)
        after = hits()
        return self.nodes[0] if after[0] > before[0] else self.nodes[1]

    def shared_gets(self, key, expected):
        """8 clients of one worker ask while the nodes stand still, and share one read."""
        wires = [self.enterContext(Wire(self.proxy.port)) for _ in range(8)]
        for node in self.nodes:
            node.pause()
        shared = self.total("coalesced_gets_total")
        for wire in wires:
            wire.send(b"get %s\r\n" % key)
        eventually("they share", lambda: self.total("coalesced_gets_total") == shared + 7)
        for node in self.nodes:
            node.resume()
        for wire in wires:
            self.assertEqual(wire.values(), expected)

    def test_a_reload_changes_how_many_copies_there_are(self):
        self.start(replicas=1)
        with Wire(self.proxy.port) as wire:
            for replicas in (1, 3, 2):
                if replicas != 1:
                    self.reload(replicas, wire)
                for key in KEYS[:20]:
                    self.assertEqual(wire.set(key, b"%d" % replicas), b"STORED")
                self.assertEqual(wire.get(*KEYS[:20]),
                                 dict.fromkeys(KEYS[:20], b"%d" % replicas))
                for key in KEYS[:20]:
                    self.assertEqual(self.copies(key).count(b"%d" % replicas), replicas)

    def reload(self, replicas, wire):
        def applied():
            return self.total("config_reloads_total", result="applied")
        before = applied()
        with open(self.proxy.config_path, encoding="utf-8") as file:
            config = json.load(file)
        config["pools"]["main"]["replicas"] = replicas
        with open(self.proxy.config_path, "w", encoding="utf-8") as file:
            json.dump(config, file)
        self.proxy.signal(signal.SIGHUP)
        eventually("a reload", lambda: applied() > before)
        attempts = itertools.count()

        def worker_has_it():
            value = b"attempt %d of %d" % (next(attempts), replicas)
            return (wire.set(b"probe", value) == b"STORED"
                    and self.copies(b"probe").count(value) == replicas)

        eventually("its worker has it", worker_has_it)

    def test_large_values(self):
        self.start()
        values = {key: random.Random(key).randbytes(700_000) for key in KEYS[:8]}
        with Wire(self.proxy.port) as wire:
            for key, value in values.items():
                self.assertEqual(wire.set(key, value), b"STORED")
                self.assertEqual(wire.get(key), {key: value})
            self.quiet()
            for key, value in values.items():
                for held in self.copies(key):
                    self.assertEqual(held, value)
                self.assertEqual(wire.get(key), {key: value})

    def test_nobody_reads_what_was_replaced(self):
        """Whoever reads after a write was answered has it, or a later one, on all workers."""
        self.nobody_reads_what_was_replaced(coalesce=True)

    def test_nobody_reads_what_was_replaced_from_the_near_cache(self):
        self.nobody_reads_what_was_replaced(
            coalesce=True, near_cache={"bytes": "1MiB", "ttl": "1s"})
        self.assertGreater(self.total("near_cache_hits_total"), 0)

    def nobody_reads_what_was_replaced(self, **pool):
        self.start(nodes=3, replicas=2, **pool)
        written, stop, wrong = [0] * 4, threading.Event(), []

        def write(number):
            with Wire(self.proxy.port) as wire:
                for version in range(1, 300):
                    kind = version % 5
                    text = b"%d" % version
                    if kind == 0:
                        wire.ask(b"delete " + KEYS[number])
                    answer = wire.set(KEYS[number], text)
                    if kind == 1:
                        wire.ask(b"append %s 0 0 0\r\n" % KEYS[number])
                    if answer == b"STORED":
                        written[number] = version

        def read(number):
            with Wire(self.proxy.port) as wire:
                while not stop.is_set():
                    key, least = KEYS[number % 4], written[number % 4]
                    found = wire.get(key).get(key)
                    if found is not None and int(found) < least:
                        wrong.append((key, found, least))

        readers = [threading.Thread(target=read, args=(n,)) for n in range(8)]
        writers = [threading.Thread(target=write, args=(n,)) for n in range(4)]
        for thread in readers + writers:
            thread.start()
        for thread in writers:
            thread.join()
        stop.set()
        for thread in readers:
            thread.join()
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    main()
