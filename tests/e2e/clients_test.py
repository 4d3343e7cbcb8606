#!/usr/bin/python3
"""Clients as applications use them: pymemcache, pylibmc (libmemcached), memccapable and memjs.

Every case runs against a node, against a proxy over three nodes, against a proxy over three of
Debian's memcacheds, and against one memcached alone, which shows that the case itself is right.
"""

import os
import random
import threading

import pylibmc
from pymemcache.client.base import Client, PooledClient
from pymemcache.exceptions import MemcacheClientError, MemcacheServerError

from basics import HOST, PATIENCE_S, eventually, find_peer
from harness import main
from topologies import for_each_topology

MIB = 1 << 20
# What the store keeps beside the value must fit into the item size limit of 1 MiB, too.
LARGE = MIB - 1024


class Pymemcache:
    """pymemcache: pure Python, says exactly which commands it sends."""

    def setUp(self):
        self.client = self.connect()
        self.addCleanup(self.client.close)
        self.client.flush_all(noreply=False)

    def connect(self, **options):
        return Client((HOST, self.server.port), timeout=PATIENCE_S,
                      **{"default_noreply": False, **options})

    def test_set_get_delete(self):
        self.assertIsNone(self.client.get("absent"))
        self.assertTrue(self.client.set("k", b"value"))
        self.assertEqual(self.client.get("k"), b"value")
        self.assertTrue(self.client.delete("k"))
        self.assertFalse(self.client.delete("k"))
        self.assertIsNone(self.client.get("k"))

    def test_add_replace(self):
        self.assertFalse(self.client.replace("k", b"1"))
        self.assertTrue(self.client.add("k", b"2"))
        self.assertFalse(self.client.add("k", b"3"))
        self.assertTrue(self.client.replace("k", b"4"))
        self.assertEqual(self.client.get("k"), b"4")

    def test_append_prepend(self):
        self.assertFalse(self.client.append("k", b"x"))
        self.assertFalse(self.client.prepend("k", b"x"))
        self.client.set("k", b"middle")
        self.assertTrue(self.client.append("k", b" end"))
        self.assertTrue(self.client.prepend("k", b"begin "))
        self.assertEqual(self.client.get("k"), b"begin middle end")

    def test_cas(self):
        self.assertIsNone(self.client.cas("k", b"1", b"1"))
        self.client.set("k", b"1")
        value, token = self.client.gets("k")
        self.assertEqual(value, b"1")
        self.assertTrue(self.client.cas("k", b"2", token))
        self.assertFalse(self.client.cas("k", b"3", token))
        value, newer = self.client.gets("k")
        self.assertEqual(value, b"2")
        self.assertNotEqual(token, newer)
        self.client.set("j", b"9")
        both = self.client.gets_many(["k", "j", "absent"])
        self.assertEqual({k: v for k, (v, _) in both.items()}, {"k": b"2", "j": b"9"})

    def test_incr_decr(self):
        self.assertIsNone(self.client.incr("n", 1))
        self.client.set("n", b"10")
        self.assertEqual(self.client.incr("n", 5), 15)
        self.assertEqual(self.client.decr("n", 7), 8)
        self.assertEqual(self.client.decr("n", 100), 0)
        self.client.set("n", b"18446744073709551615")
        self.assertEqual(self.client.incr("n", 1), 0)
        self.client.set("n", b"text")
        with self.assertRaises(MemcacheClientError):
            self.client.incr("n", 1)

    def test_expiry(self):
        self.client.set("gone", b"v", expire=-1)
        self.assertIsNone(self.client.get("gone"))
        self.client.set("stays", b"v", expire=3600)
        self.assertEqual(self.client.get("stays"), b"v")
        self.assertTrue(self.client.touch("stays", -1))
        self.assertIsNone(self.client.get("stays"))
        self.assertFalse(self.client.touch("stays", 10))

    def test_get_many(self):
        pairs = {f"key-{i}": b"value-%d" % i for i in range(2000)}
        self.assertEqual(self.client.set_many(pairs), [])
        absent = [f"absent-{i}" for i in range(500)]
        asked = list(pairs) + absent
        random.Random(1).shuffle(asked)
        self.assertEqual(self.client.get_many(asked), pairs)
        self.assertTrue(self.client.delete_many(pairs))
        self.assertEqual(self.client.get_many(asked), {})

    def test_noreply_keeps_step(self):
        for round_ in range(50):
            self.client.set("k", b"1%d" % round_, noreply=True)
            self.client.add("k", b"no", noreply=True)
            self.client.append("k", b"0", noreply=True)
            self.client.incr("k", 1, noreply=True)
            self.client.touch("k", 100, noreply=True)
            self.client.delete("other", noreply=True)
            self.assertEqual(self.client.get("k"), b"1%d1" % round_)

    def test_binary_values_of_all_sizes(self):
        source = random.Random(2)
        sizes = [0, 1, 2, 63, 64, 100, 1023, 4096, 8191, 16384, 65536, 300_000, LARGE]
        values = {f"size-{n}": source.randbytes(n) for n in sizes}
        values["line ends"] = values.pop("size-64")
        values = {k.replace(" ", "-"): v for k, v in values.items()}
        values["protocol"] = b"\r\nEND\r\nVALUE k 0 1\r\n\r\n\0\r\n"
        for key, value in values.items():
            self.assertTrue(self.client.set(key, value), key)
        for key, value in values.items():
            self.assertEqual(self.client.get(key), value, key)
        self.assertEqual(self.client.get_many(list(values)), values)

    def test_flags(self):
        for flags in (0, 1, 0xFFFF, 0xFFFFFFFF):
            self.client.set("k", b"v", flags=flags)
            seen = []
            reader = self.connect(serde=FlagSpy(seen))
            reader.get("k")
            reader.close()
            self.assertEqual(seen, [flags])

    def test_unicode_keys(self):
        client = self.connect(allow_unicode_keys=True, encoding="utf-8")
        self.addCleanup(client.close)
        keys = {"schlüssel": b"1", "鍵": "値".encode(), "🔑": b"3"}
        client.set_many(keys)
        self.assertEqual(client.get_many(list(keys)), keys)

    def test_longest_key(self):
        key = "k" * 250
        self.assertTrue(self.client.set(key, b"v"))
        self.assertEqual(self.client.get_many([key]), {key: b"v"})
        raw = self.connect()
        raw.check_key = lambda key: key  # the client's own check would keep it from the server
        self.addCleanup(raw.close)
        with self.assertRaises(MemcacheClientError):
            raw.get(b"k" * 251)

    def test_too_large_is_refused_and_removed(self):
        self.client.set("k", b"old")
        with self.assertRaisesRegex(MemcacheServerError, "too large"):
            self.client.set("k", b"x" * (MIB + 1))
        self.assertIsNone(self.client.get("k"), "memcached drops the old value, too")
        self.assertTrue(self.client.set("k", b"new"))
        self.assertEqual(self.client.get("k"), b"new")

    def test_flush_all(self):
        keys = [f"key-{i}" for i in range(100)]
        self.client.set_many({k: b"v" for k in keys})
        self.assertTrue(self.client.flush_all())
        self.assertEqual(self.client.get_many(keys), {})
        self.client.set("k", b"v")
        self.assertEqual(self.client.get("k"), b"v")

    def test_stats_and_version(self):
        before = self.client.stats()
        self.client.set("k", b"v")
        self.client.get("k")
        self.client.get("absent")
        after = self.client.stats()
        changes = {b"cmd_get": 2, b"get_hits": 1, b"get_misses": 1, b"cmd_set": 1}
        for name, change in changes.items():
            self.assertEqual(after[name] - before[name], change, name)
        eventually("what was flushed is gone",
                   lambda: self.client.stats()[b"curr_items"] == 1)
        self.assertRegex(self.client.version(), rb"^[0-9]+\.[0-9]+\.[0-9]+")

    def test_threads_share_a_pool_of_connections(self):
        client = PooledClient((HOST, self.server.port), timeout=PATIENCE_S, max_pool_size=8,
                              default_noreply=False)
        wrong = []

        def work(number):
            for i in range(200):
                key, value = f"t{number}-{i % 10}", b"%d:%d" % (number, i)
                client.set(key, value)
                if client.get(key) != value:
                    wrong.append((key, value))

        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        client.close()
        self.assertEqual(wrong, [])


class FlagSpy:
    """A serde that only notes the flags of what is read."""

    def __init__(self, seen):
        self.seen = seen

    def serialize(self, _key, value):
        return value, 0

    def deserialize(self, _key, value, flags):
        self.seen.append(flags)
        return value


class Pylibmc:
    """pylibmc: libmemcached, the client library under most others."""

    def setUp(self):
        behaviours = {"tcp_nodelay": True, "cas": True, "receive_timeout": int(PATIENCE_S * 1e6),
                      "send_timeout": int(PATIENCE_S * 1e6)}
        self.client = pylibmc.Client([f"{HOST}:{self.server.port}"], behaviors=behaviours)
        self.addCleanup(self.client.disconnect_all)
        self.client.flush_all()

    def test_commands(self):
        client = self.client
        self.assertIsNone(client.get("k"))
        self.assertTrue(client.set("k", "välue"))
        self.assertEqual(client.get("k"), "välue")
        self.assertFalse(client.add("k", 1))
        self.assertTrue(client.replace("k", {"a": [1, 2.5, None]}))
        self.assertEqual(client.get("k"), {"a": [1, 2.5, None]})
        self.assertTrue(client.delete("k"))
        self.assertFalse(client.delete("k"))
        client.set("s", b"middle")
        self.assertTrue(client.append("s", b">"))
        self.assertTrue(client.prepend("s", b"<"))
        self.assertEqual(client.get("s"), b"<middle>")
        client.set("n", 5)
        self.assertEqual(client.incr("n", 2), 7)
        self.assertEqual(client.decr("n"), 6)
        self.assertTrue(client.touch("n", 3600))

    def test_cas(self):
        self.client.set("k", "1")
        value, token = self.client.gets("k")
        self.assertEqual(value, "1")
        self.assertTrue(self.client.cas("k", "2", token))
        self.assertFalse(self.client.cas("k", "3", token))
        self.assertEqual(self.client.get("k"), "2")

    def test_multi(self):
        pairs = {f"key-{i}": "v" * (i % 300) for i in range(1500)}
        self.assertEqual(self.client.set_multi(pairs), [])
        self.assertEqual(self.client.get_multi(list(pairs) + ["absent"]), pairs)
        self.assertTrue(self.client.delete_multi(list(pairs)))
        self.assertEqual(self.client.get_multi(list(pairs)), {})

    def test_buffered_requests_without_reply(self):
        self.client.behaviors = {"no_block": True, "_noreply": True, "buffer_requests": True}
        for i in range(500):
            self.client.set(f"b{i}", str(i))
        self.client.behaviors = {"no_block": False, "_noreply": False, "buffer_requests": False}
        self.assertEqual(self.client.get_multi([f"b{i}" for i in range(500)]),
                         {f"b{i}": str(i) for i in range(500)})

    def test_large_and_too_large(self):
        large = random.Random(3).randbytes(LARGE)
        self.assertTrue(self.client.set("large", large))
        self.assertEqual(self.client.get("large"), large)
        with self.assertRaises((pylibmc.TooBig, pylibmc.ServerError, pylibmc.Error)):
            self.client.set("huge", random.Random(4).randbytes(MIB + 1))
        self.client.set("k", "still in step")
        self.assertEqual(self.client.get("k"), "still in step")

    def test_stats_and_compression(self):
        self.client.set("z", "a" * 100_000, min_compress_len=100)
        self.assertEqual(self.client.get("z"), "a" * 100_000)
        eventually("what was flushed is gone",
                   lambda: self.client.get_stats()[0][1]["curr_items"] == b"1")


class Memccapable:
    """libmemcached's own conformance test of a server."""

    def check(self, protocol):
        code, out, err = self.world.run([find_peer("memccapable"), "-h", HOST, "-p",
                                         str(self.server.port), protocol, "-t", "20"])
        self.assertEqual(code, 0, out + err)
        self.assertIn("All tests passed", out + err)
        self.assertNotIn("FAIL", out + err)

    def test_ascii(self):
        self.check("-a")

    def test_binary(self):
        self.check("-b")


class Memjs:
    """memjs speaks the binary protocol alone. `npm ci` of tests/run has put it beside its check."""

    def test_as_an_application(self):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "memjs", "check.js")
        code, out, err = self.world.run([find_peer("node"), script,
                                         f"{HOST}:{self.server.port}"])
        self.assertEqual((code, out.strip()), (0, "all as expected"), err)


for_each_topology(globals(), Pymemcache, Pylibmc, Memccapable, Memjs)

if __name__ == "__main__":
    main()
