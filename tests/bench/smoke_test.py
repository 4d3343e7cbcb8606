"""Runs the load generator for moments against a real memcached, and against servers that lie:
it must count what the server counts, and must fail when a value is wrong.

Needs RINGCACHE_LOAD and RINGCACHE_REPLAY (paths of the binaries) and a memcached."""

import gzip
import json
import os
import socket
import subprocess
import tempfile
import threading
import unittest

from comparison import servers

LOAD = os.environ["RINGCACHE_LOAD"]
REPLAY = os.environ["RINGCACHE_REPLAY"]
MEMCACHED = servers.find_binary("memcached")


def run(program, *options):
    """Exit code and JSON of a run (nothing if it printed none), and its standard error."""
    done = subprocess.run([program, "--json", *options], capture_output=True, text=True,
                          timeout=60, check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


class AgainstMemcached(unittest.TestCase):
    """What is counted is what the server counted too."""

    def setUp(self):
        self.assertIsNotNone(MEMCACHED, "memcached is needed: apt-get install memcached")
        self.server = servers.start_node(MEMCACHED, threads=2, memory_mb=64)
        self.addCleanup(self.server.stop)

    def load(self, *options, address=None):
        code, result, problem = run(
            LOAD, "-s", address or self.server.address, "--keys", "2000", "--connections", "10",
            "--warmup", "0.05", "--seconds", "0.15", "--preload", *options)
        self.assertEqual(code, 0, (result, problem))
        self.assertEqual(result["preload"]["stored"], 2000)
        self.assertGreater(result["measured"]["requests"], 0)
        return result

    def check_counts(self, result):
        """The server has seen the very requests that the client counted, over the whole run."""
        total, stats = result["total"], servers.stats(self.server.address)
        self.assertEqual(int(stats["cmd_get"]), total["hits"] + total["misses"])
        self.assertEqual(int(stats["get_hits"]), total["hits"])
        self.assertEqual(int(stats["cmd_set"]), total["sets"])

    def test_variants_of_load(self):
        for options in ([], ["--pipeline", "16"], ["--pipeline", "16", "--refill-each"],
                        ["--multiget", "20"], ["--multiget", "20", "--pipeline", "4"],
                        ["--meta"], ["--meta", "--multiget", "7", "--client-flags"],
                        ["--noreply"], ["--meta", "--noreply", "--get-share", "0.2"],
                        ["--zipf", "0.99", "--threads", "2"], ["--rate", "2000"],
                        ["--value-size", "log:1-20000", "--key-size", "60"], ["--ttl", "100"]):
            with self.subTest(options=options):
                servers.ask(self.server.address, b"stats reset\r\n", b"RESET\r\n")
                result = self.load(*options)
                self.assertEqual(result["total"]["misses"], 0)
                self.assertEqual(result["total"]["wrong"], 0)
                self.check_counts(result)

    def test_fixed_rate_sends_what_was_asked_for(self):
        result = self.load("--rate", "1000", "--threads", "2")
        self.assertEqual(result["latency_us"]["count"], 150)

    def test_cache_aside_fills_what_was_missed(self):
        code, result, problem = run(
            LOAD, "-s", self.server.address, "--keys", "100", "--get-share", "1",
            "--cache-aside", "--warmup", "0.05", "--seconds", "0.15", "--multiget", "5")
        self.assertEqual(code, 0, (result, problem))
        self.assertGreaterEqual(result["total"]["sets"], 100)
        self.assertEqual(int(servers.stats(self.server.address)["curr_items"]), 100)
        self.assertEqual(result["measured"]["misses"], 0)
        self.check_counts(result)

    def test_an_error_reply_fails_the_run_unless_allowed(self):
        options = ["-s", self.server.address, "--keys", "10", "--value-size", "2000000",
                   "--warmup", "0", "--seconds", "0.1", "--get-share", "0", "-c", "1"]
        code, result, _ = run(LOAD, *options)
        self.assertEqual(code, 1)
        self.assertGreater(result["total"]["error_replies"], 0)
        self.assertIn("SERVER_ERROR", result["first_problem"])
        self.assertEqual(run(LOAD, *options, "--allow-errors")[0], 0)

    def test_replay(self):
        """A trace whose hits are known: the set of the value that is too large is refused."""
        text = "#mctrace 1 tiny keys=3 requests=7 footprint=0\n+100\n0\n+5000\n+2000000\n0\n2\n1\n"
        with tempfile.NamedTemporaryFile(suffix=".gz") as file:
            file.write(gzip.compress(text.encode()))
            file.flush()
            code, result, problem = run(REPLAY, "-s", self.server.address, "--allow-errors",
                                        file.name)
            self.assertEqual(code, 0, problem)
            self.assertEqual(run(REPLAY, "-s", self.server.address, file.name)[0], 1)
        self.assertEqual((result["gets"], result["hits"], result["misses"]), (7, 3, 4))
        self.assertEqual((result["stored"], result["error_replies"]), (2, 2))


class LyingServer:
    """Listens on a free port; answers each line with what `reply` makes of its words."""

    def __init__(self, reply):
        self.reply = reply
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client, client.makefile("rwb") as stream:
            values = {}
            for line in stream:
                words = line.decode().split()
                if words[0] == "set":
                    values[words[1]] = stream.read(int(words[4]) + 2)[:-2]
                    answer = b"STORED\r\n"
                elif words[0] == "version":
                    answer = b"VERSION 1.0\r\n"
                else:
                    answer = self.reply(words[1], values)
                if answer is None:
                    return
                stream.write(answer)
                stream.flush()

    def close(self):
        self.listener.close()


def value_reply(key, value):
    return b"VALUE %s 0 %d\r\n%s\r\nEND\r\n" % (key.encode(), len(value), value)


class AgainstLiars(unittest.TestCase):
    """Each way to answer wrongly fails the run, under its own name."""

    def check(self, reply, counter):
        server = LyingServer(reply)
        self.addCleanup(server.close)
        code, result, problem = run(
            LOAD, "-s", server.address, "--connections", "1", "--keys", "50", "--preload",
            "--warmup", "0", "--seconds", "0.1")
        if counter is None:
            self.assertEqual(code, 0, (result, problem))
            self.assertGreater(result["total"]["hits"], 0)
        else:
            self.assertEqual(code, 1)
            self.assertGreater(result["total"][counter], 0)
            self.assertNotEqual(result["first_problem"], "")

    def test_the_truth(self):
        self.check(lambda key, values: value_reply(key, values[key]), None)

    def test_one_bit(self):
        self.check(lambda key, values: value_reply(
            key, values[key][:50] + bytes([values[key][50] ^ 1]) + values[key][51:]),
            "wrong_content")

    def test_another_keys_value(self):
        self.check(lambda key, values: value_reply(key, next(
            value for other, value in values.items() if other != key)), "wrong_content")

    def test_another_key(self):
        self.check(lambda key, values: value_reply(next(
            other for other in values if other != key), values[key]), "crossed")

    def test_a_shortened_value(self):
        self.check(lambda key, values: value_reply(key, values[key][:-1]), "wrong_length")

    def test_a_reply_to_something_else(self):
        self.check(lambda key, values: b"STORED\r\n", "malformed")

    def test_a_hangup(self):
        self.check(lambda key, values: None, "lost_connections")


class Usage(unittest.TestCase):
    """A bad option is named and exits with 2; nobody listening exits with 1."""

    def test_bad_options(self):
        for options in (["--bogus"], ["--threads", "0"], ["--value-size", "x"],
                        ["--key-size", "2", "--keys", "1000"], ["-s", "nowhere"],
                        ["-c", "1", "-t", "2"]):
            with self.subTest(options=options):
                code, _, problem = run(LOAD, *options)
                self.assertEqual(code, 2)
                named = [word for word in options if word.startswith("-") and word in problem]
                self.assertTrue(named, problem)

    def test_nobody_listens(self):
        code, _, problem = run(LOAD, "-s", f"127.0.0.1:{servers.free_port()}")
        self.assertEqual(code, 1)
        self.assertIn("refused", problem)


if __name__ == "__main__":
    unittest.main()
