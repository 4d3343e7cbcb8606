#!/usr/bin/python3
"""A node under everything at once for as long as one likes: every value checked, memory within the
promise, stats that add up, nobody left without an answer.

RINGCACHE_E2E_SECONDS=7200 is how long (120 if not set, shared by the eviction policies),
RINGCACHE_E2E_NODE_OPTIONS='-o eviction=...' further options of the node (then only with those),
RINGCACHE_E2E_SEED repeats the choices.
"""

import collections
import multiprocessing
import os
import queue
import random
import re
import shlex
import time

import soak_clients
from harness import NODE, TestCase, Wire, eventually, main
from memory_promise import promised_bytes

MIB = 1 << 20
MEMORY_MIB = 48
THREADS = 2  # as the harness starts nodes
SECONDS = float(os.environ.get("RINGCACHE_E2E_SECONDS", "120"))
CHECK_EVERY_S = 2
# A sanitizer keeps memory of its own.
CHECK_RSS = "RINGCACHE_E2E_SANITIZED" not in os.environ
# docs/node.md: answers and input waiting for one client, and copies of values on their way out.
CONNECTION_BUFFER_BYTES = (512 + 256) << 10
COPIED_BYTES = MEMORY_MIB * MIB // 4
# While anything can be evicted, and while clients keep to what docs/node.md allows.
NEVER = ("store_no_memory", "uploads_refused", "reads_refused", "accept_errors", "upload_kicks")


def policies(world):
    """Options that choose each eviction policy that the node says it has."""
    if "RINGCACHE_E2E_NODE_OPTIONS" in os.environ:
        return [shlex.split(os.environ["RINGCACHE_E2E_NODE_OPTIONS"])]
    _, text, _ = world.run([NODE, "-h"])
    named = re.search(r"^\s*eviction=(\S+)", text, re.MULTILINE)
    return [["-o", f"eviction={name}"] for name in named.group(1).split("|")] if named else [[]]


class Soak(TestCase):
    def test_soak(self):
        chosen = policies(self.world)
        for options in chosen:
            with self.subTest(options=options):
                self.soak(options, SECONDS / len(chosen))

    def soak(self, options, seconds):
        seed = int(os.environ.get("RINGCACHE_E2E_SEED") or random.SystemRandom().randrange(1 << 32))
        node = self.world.node("-I", "8m", *options, memory_mib=MEMORY_MIB)
        stop, results = multiprocessing.Event(), multiprocessing.Queue()
        clients = [multiprocessing.Process(target=soak_clients.run,
                                           args=(kind, node.port, number, seed, stop, results))
                   for number, kind in enumerate(soak_clients.KINDS, 1)]
        for client in clients:
            client.start()
        reports = []
        try:
            self.watch(node, time.monotonic() + seconds, results, reports)
        finally:
            stop.set()
            while len(reports) < len(clients):
                reports.append(results.get())
            for client in clients:
                client.join()
        self.assertEqual([f"{name}: {problem}" for name, problem, _ in reports if problem], [],
                         f"RINGCACHE_E2E_SEED={seed}")
        tally = sum((collections.Counter(one) for _, _, one in reports), collections.Counter())
        print(f"{options or 'default'}: {dict(tally)}", flush=True)
        self.check_end(node, tally)

    def watch(self, node, deadline, results, reports):
        """Checks the node again and again; the first client that ends too early ends it, too."""
        with Wire(node.port) as wire:
            while (left := deadline - time.monotonic()) > 0:
                try:
                    reports.append(results.get(timeout=min(left, CHECK_EVERY_S)))
                    return
                except queue.Empty:
                    self.check(node, wire)

    def check(self, node, wire):
        self.assertTrue(node.alive())
        self.assertEqual(wire.set(b"soak", b"x" * 100), b"STORED")
        wire.get(b"soak")
        stats = {name: int(value) for name, value in wire.stats().items() if value.isdigit()}
        negative = {name: value for name, value in wire.stats().items() if value.startswith("-")}
        self.assertEqual(negative, {})
        self.assertLess(max(stats.values()), 1 << 60, "a count below zero")
        self.assertLessEqual(stats["bytes"], stats["total_malloced"])
        self.assertLessEqual(stats["total_malloced"], stats["limit_maxbytes"])
        self.assertEqual({name: stats[name] for name in NEVER if stats[name]}, {})
        if CHECK_RSS:
            buffers = COPIED_BYTES + stats["connection_structures"] * CONNECTION_BUFFER_BYTES
            promised = promised_bytes(MEMORY_MIB * MIB, stats["curr_items"], THREADS, buffers)
            self.assertLess(node.rss_bytes(), promised)
        self.check_pages(wire)

    def check_pages(self, wire):
        """Of one answer: the classes' pages are those in use."""
        page_bytes = int(wire.stats(b"settings")["slab_page_size"])
        slabs = wire.stats(b"slabs")
        pages = sum(int(v) for name, v in slabs.items() if name.endswith(":total_pages"))
        self.assertEqual(pages * page_bytes, int(slabs["total_malloced"]))
        for name, value in slabs.items():
            if name.endswith(":used_chunks"):
                of = name.removesuffix("used_chunks")
                self.assertEqual(int(value) + int(slabs[of + "free_chunks"]),
                                 int(slabs[of + "total_chunks"]), name)

    def check_end(self, node, tally):
        for kind in ("hits", "half-sent", "rounds"):
            self.assertGreater(tally[kind], 0, kind)
        with Wire(node.port) as wire:
            eventually("the clients are gone",
                       lambda: int(wire.stats()["curr_connections"]) == 1)
            self.check(node, wire)
            stats = wire.stats()
            self.assertGreater(int(stats["evictions"]), 0)
            for name in ("arriving_bytes", "pinned_bytes", "copied_bytes"):
                self.assertEqual(int(stats[name]), 0, name)
            numbers = [int(value) for name, value in wire.stats(b"items").items()
                       if name.endswith(":number")]
            self.assertLessEqual(abs(sum(numbers) - int(wire.stats()["curr_items"])), 50)
            self.assertEqual(wire.ask(b"flush_all"), b"OK")
            eventually("nothing is left of what was flushed", lambda: self.is_empty(wire))

    @staticmethod
    def is_empty(wire):
        stats = wire.stats()
        return int(stats["curr_items"]) == int(stats["bytes"]) == 0


if __name__ == "__main__":
    main()
