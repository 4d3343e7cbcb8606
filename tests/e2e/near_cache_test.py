#!/usr/bin/python3
"""Hot keys that the proxy keeps for a moment: nobody reads what an acknowledged write replaced."""

import os
import random
import threading

from harness import TestCase, Wire, eventually, main

KEYS = [b"hot:%d" % number for number in range(3)]
READERS = 6
READS = int(os.environ.get("RINGCACHE_E2E_BATCHES", "150")) * 10
WRITES = READS // 30
SEED = int(os.environ.get("RINGCACHE_E2E_SEED", "0")) or random.randrange(1 << 32)


class NearCache(TestCase):
    def start(self, **pool):
        self.nodes = [self.world.node() for _ in range(2)]
        self.proxy = self.world.proxy(self.world.config(self.nodes, {
            "near_cache": {"bytes": "1MiB", "ttl": "1s"}, "timeouts": {"request": "30s"}, **pool}))

    def total(self, name, **labels):
        return self.proxy.metrics().sum("ringcache_proxy_" + name, **labels)

    def test_a_hot_key_is_answered_without_its_node(self):
        self.start()
        with Wire(self.proxy.port) as wire:
            self.assertEqual(wire.set(KEYS[0], b"value", flags=7), b"STORED")

            def answered_nearby():
                for _ in range(100):
                    self.assertEqual(wire.get(KEYS[0]), {KEYS[0]: b"value"})
                return self.total("near_cache_hits_total") >= 100

            eventually("many are answered nearby", answered_nearby)
            self.assertGreater(self.total("near_cache_bytes"), 0)
            hits = self.total("commands_total", command="get", status="hit")
            self.assertEqual(hits, self.total("near_cache_hits_total")
                             + self.total("node_hits_total"))
            wire.send(b"get %s\r\ndelete %s\r\nget %s\r\n" % (KEYS[0], KEYS[0], KEYS[0]))
            self.assertEqual(wire.values(), {KEYS[0]: b"value"})
            self.assertEqual(wire.line(), b"DELETED")
            self.assertEqual(wire.values(), {})

    def test_a_large_value_is_whole_and_not_kept(self):
        """It is passed on while it arrives, so nobody has it whole."""
        self.start(near_cache={"bytes": "64MiB", "ttl": "1s"})
        value = b"v" * 1_000_000
        with Wire(self.proxy.port) as wire:
            self.assertEqual(wire.set(KEYS[0], value), b"STORED")
            for _ in range(200):
                self.assertEqual(wire.get(KEYS[0]), {KEYS[0]: value})
        self.assertEqual(self.total("node_hits_total"), 200 - self.total("near_cache_hits_total"))
        self.assertGreater(self.total("node_values_cut_through_total"), 0)

    def test_without_the_option_every_get_goes_to_the_node(self):
        self.start(near_cache={"bytes": "0B"})
        with Wire(self.proxy.port) as wire:
            self.assertEqual(wire.set(KEYS[0], b"value"), b"STORED")
            for _ in range(200):
                self.assertEqual(wire.get(KEYS[0]), {KEYS[0]: b"value"})
        self.assertEqual(self.total("near_cache_hits_total"), 0)
        self.assertEqual(self.total("node_hits_total"), 200)

    def check_no_older_value(self, **pool):
        """One writer, readers on both workers: each value is as new as what was acknowledged."""
        self.start(**pool)
        acknowledged = dict.fromkeys(KEYS, 0)
        wrong = []
        written = threading.Event()

        def write():
            chance = random.Random(SEED)
            wires = [Wire(self.proxy.port) for _ in range(2)]
            for version in range(1, WRITES + 1):
                key = chance.choice(KEYS)
                wire = chance.choice(wires)
                if chance.random() < 0.1:
                    wire.send(b"delete %s noreply\r\nset %s 0 0 8\r\n%08d\r\n"
                              % (key, key, version))
                else:
                    wire.send(b"set %s 0 0 8\r\n%08d\r\n" % (key, version))
                if wire.line() != b"STORED":
                    wrong.append("a write was not stored")
                acknowledged[key] = version
                for _ in range(30):  # a while in which the key gets hot again
                    wire.get(key)
            for wire in wires:
                wire.close()
            written.set()

        def read(number):
            chance = random.Random(SEED + number + 1)
            with Wire(self.proxy.port) as wire:
                for count in range(1 << 30):
                    if written.is_set() and count >= READS:
                        return
                    key = chance.choice(KEYS)
                    least = acknowledged[key]
                    found = int(wire.get(key).get(key, b"0"))
                    if 0 < found < least:  # 0: between a delete and its set
                        wrong.append(f"{key} was {found} after {least} was acknowledged")

        threads = [threading.Thread(target=read, args=(number,)) for number in range(READERS)]
        threads.append(threading.Thread(target=write))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong[:5], [], f"seed {SEED}")
        self.assertGreater(self.total("near_cache_hits_total"), READS)

    def test_nobody_reads_an_older_value(self):
        self.check_no_older_value()

    def test_nobody_reads_an_older_value_with_shared_requests(self):
        self.check_no_older_value(coalesce=True)


if __name__ == "__main__":
    main()
