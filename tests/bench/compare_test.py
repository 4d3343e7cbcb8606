"""Tests of `compare`: its arithmetic, its rows, and short runs of a peer against itself.

Needs RINGCACHE_BENCH_DIR (where ringcache-load is), memcached and nutcracker."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest

from comparison import figures, node_runs, proxy_runs, report, rows
from comparison.figures import Target

COMPARE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "compare")
BENCH_DIR = os.environ["RINGCACHE_BENCH_DIR"]


class Arithmetic(unittest.TestCase):
    """Ratios are made round by round, verdicts of their median."""

    ROUNDS = {"ours": [{"cpu_us": 2.0}, {"cpu_us": 3.0}, {"cpu_us": 8.0}],
              "theirs": [{"cpu_us": 4.0}, {"cpu_us": 4.0}, {"cpu_us": 4.0}]}

    def verdict(self, *arguments, **options):
        summary = figures.summarise(self.ROUNDS, [Target("cpu_us", *arguments, **options)])
        return summary["targets"][0]["verdict"]

    def test_ratio(self):
        summary = figures.summarise(self.ROUNDS, [])
        self.assertEqual(summary["figures"]["cpu_us"]["ratio"],
                         {"median": 0.75, "min": 0.5, "max": 2.0})
        self.assertEqual(summary["figures"]["cpu_us"]["ours"]["median"], 3.0)

    def test_verdicts(self):
        self.assertEqual(self.verdict(0.8, 0.7), "must")
        self.assertEqual(self.verdict(0.8, 0.75), "aim")
        self.assertEqual(self.verdict(0.7, 0.6), "missed")
        self.assertEqual(self.verdict(None, 0.6), "short")
        self.assertEqual(self.verdict(0.7, 0.76, at_least=True), "must")
        self.assertEqual(self.verdict(0.8, 0.9, at_least=True), "missed")
        self.assertEqual(self.verdict(3.5, 3.0, of="ours"), "aim")
        self.assertEqual(self.verdict(-1.5, -1.0, of="points", at_least=True), "aim")

    def test_a_peer_that_measured_nothing_gives_no_ratio(self):
        rounds = {"ours": [{"user_us": 1.0}], "theirs": [{"user_us": 0.0}]}
        summary = figures.summarise(rounds, [Target("user_us", 1, 1)])
        self.assertIsNone(summary["figures"]["user_us"]["ratio"])
        self.assertEqual(summary["targets"], [])

    def test_problems_are_shown_when_there_are_some(self):
        def shown(count):
            rounds = {"ours": [{"error_replies": count}], "theirs": [{"error_replies": 0}]}
            return "error_replies" in figures.summarise(rounds, [])["figures"]
        self.assertTrue(shown(1))
        self.assertFalse(shown(0))

    def test_mean_of_hits_needs_all_six(self):
        target = {"of": "points", "value": {"median": 2.0}}
        results = [{"name": f"node-hits-{i}", "targets": [target]} for i in range(6)]
        self.assertEqual(report.mean_of_hits(results), 2.0)
        self.assertIsNone(report.mean_of_hits(results[1:]))


class Rows(unittest.TestCase):
    """Every row can be named, measured and judged."""

    def test_names_are_unique(self):
        names = [row.name for row in rows.ALL_ROWS]
        self.assertEqual(len(names), len(set(names)))

    def test_each_is_measured_by_something(self):
        for row in rows.ALL_ROWS:
            kinds = node_runs.KINDS if row.tier == "node" else proxy_runs.KINDS
            self.assertIn(row.kind, kinds, row.name)
            for target in row.targets:
                self.assertIn(target.figure, figures.FIGURES, row.name)


# Seconds for one run of `compare`, on a machine that does much else.
PATIENCE_S = 240


def compare(*options):
    """A run that takes too long goes with its servers and its load, which would stay otherwise."""
    with subprocess.Popen([sys.executable, COMPARE, "--build-dir", BENCH_DIR, *options],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          start_new_session=True) as process:
        try:
            out, err = process.communicate(timeout=PATIENCE_S)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


class Command(unittest.TestCase):
    """A peer against itself, as far as tests can say anything about numbers."""

    def measure(self, *options):
        with tempfile.NamedTemporaryFile() as file:
            done = compare("--quick", "--rounds", "2", "--seconds", "0.2", "--warmup", "0.1",
                           "--markdown", "--json", file.name, *options)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            return done.stdout, {row["name"]: row for row in json.load(file)["rows"]}

    def check_load_row(self, row):
        self.assertEqual(row["status"], "measured")
        for side in ("ours", "theirs"):
            self.assertEqual(len(row["rounds"][side]), 2)
            for one in row["rounds"][side]:
                self.assertGreater(one["requests_per_second"], 0)
                self.assertGreater(one["rss"], 100_000)
                self.assertGreaterEqual(one["p99_us"], one["p50_us"])

    def test_node_against_itself(self):
        text, results = self.measure("--node", "memcached", "--only",
                                     "node-single,node-idle-memory,node-hits-web-40")
        self.check_load_row(results["node-single"])
        ratio = results["node-idle-memory"]["figures"]["idle_bytes"]["ratio"]["median"]
        self.assertAlmostEqual(ratio, 1, delta=0.3)
        self.assertIn("--traces", results["node-hits-web-40"]["reason"])
        self.assertIn("| node-single | one request at a time |", text)

    def test_a_made_trace(self):
        """The same server, the same requests: the same hits."""
        _, results = self.measure("--node", "memcached", "--only", "node-zipf-scan-24")
        points = results["node-zipf-scan-24"]["targets"][0]["value"]["median"]
        self.assertAlmostEqual(points, 0, delta=0.5)

    def test_gaps_and_refill(self):
        """Of a server and of an idle one, while what the row says was done to all of it."""
        _, results = self.measure("--node", "memcached", "--only",
                                  "node-gap-delete,node-gap-dump,node-gap-handshakes,node-refill")
        for name in ("node-gap-delete", "node-gap-dump", "node-gap-handshakes"):
            self.assertEqual(results[name]["status"], "measured", results[name].get("reason"))
            for one in results[name]["rounds"]["ours"]:
                self.assertGreater(one["gap_ms"], 0)
                self.assertGreater(one["idle_gap_ms"], 0)
        self.assertEqual(results["node-gap-delete"]["rounds"]["ours"][0]["items"], 100)
        self.assertGreater(results["node-gap-dump"]["rounds"]["ours"][0]["items"], 100_000)
        self.assertGreater(results["node-refill"]["rounds"]["ours"][0]["requests"], 1000)

    def test_proxy_against_itself(self):
        _, results = self.measure("--proxy", "nutcracker", "--only",
                                  "proxy-single,proxy-unix")
        self.check_load_row(results["proxy-single"])
        self.check_load_row(results["proxy-unix"])

    def test_a_program_that_is_not_there_is_said(self):
        text, results = self.measure("--node", "/nowhere/ringcache-node", "--proxy", "nutcracker",
                                     "--only", "node-single,proxy-single")
        self.assertEqual(results["node-single"]["status"], "not run")
        self.assertIn("there is no /nowhere/ringcache-node", text)
        self.check_load_row(results["proxy-single"])

    def test_an_unknown_row_is_named(self):
        done = compare("--only", "node-bogus")
        self.assertEqual(done.returncode, 2)
        self.assertIn("node-bogus", done.stderr)


if __name__ == "__main__":
    unittest.main()
