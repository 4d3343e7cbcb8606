"""Runs ringcache-load and ringcache-replay, and turns their JSON into figures."""

import json
import subprocess

from memory_promise import promised_bytes

from . import servers


class RunFailed(Exception):
    """A run that cannot be counted: a wrong value, a lost connection, no server."""


def _json_of(argv):
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return _checked(argv, done.returncode, done.stdout, done.stderr)


def _checked(argv, returncode, stdout, stderr):
    if not stdout:
        raise RunFailed(f"{' '.join(argv)}: exit {returncode}: {stderr.strip()}")
    result = json.loads(stdout)
    if returncode != 0:
        total = result.get("total", result)
        what = {name: count for name, count in total.items() if count and name in (
            "crossed", "wrong_length", "wrong_flags", "wrong_content", "malformed",
            "lost_connections", "unanswered", "error_replies")}
        raise RunFailed(f"{' '.join(argv)}: {what}: "
                        f"{result.get('first_problem') or result.get('failure')}")
    return result


class Load:
    """How this comparison loads a server in one row."""

    def __init__(self, settings, row):
        self.settings = settings
        self.row = row
        self.keys = max(1, row.keys // settings.key_divisor) if row.keys > 1000 else row.keys

    def argv(self, address, *options):
        row, settings = self.row, self.settings
        argv = [settings.load, "--json", "--allow-errors", "-s", address,
                "--keys", str(self.keys), "--value-size", row.value_size,
                "-c", str(row.connections), "-t", str(min(row.load_threads, row.connections))]
        if settings.pin:
            argv += ["--pin", str(settings.last_cpu)]
        return argv + list(options)

    def run(self, address, *options):
        return _json_of(self.argv(address, *options))

    def preload(self, address, *options):
        return self.run(address, "--preload", "--seconds", "0", "-c", "16", *options)

    def measure(self, server, *options):
        """One measured run; the figures that every load has."""
        result = self.run(
            server.address, "--server-pid", str(server.pid),
            "--warmup", str(self.settings.warmup), "--seconds", str(self.settings.seconds),
            *self.row.options, *options)
        return result, figures_of(result)

    def start(self, address, *options):
        """A run in the background, to be ended by finish()."""
        return subprocess.Popen(self.argv(address, *options), stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)


def finish(process, stop=True):
    """The result of a run started in the background; `stop` ends it now."""
    if stop:
        process.terminate()
    stdout, stderr = process.communicate()
    return _checked(process.args, process.returncode, stdout, stderr)


def figures_of(result):
    latency = result["latency_us"]
    figures = {"requests_per_second": result["requests_per_second"],
               "p50_us": latency["p50"], "p99_us": latency["p99"], "p99_9_us": latency["p99_9"],
               "error_replies": result["total"]["error_replies"]}
    for server in result["servers"]:
        figures["cpu_us"] = server["cpu_us_per_request"]
        figures["user_us"] = server["user_us_per_request"]
        figures["rss"] = server["rss_bytes"]
    return figures


def replay(settings, trace, server):
    return _json_of([settings.replay, "--json", "--allow-errors", "-s", server.address, trace])


def rss_of_bound(server, memory_mb, threads):
    """RSS over what the node promises."""
    items = int(servers.stats(server.address)["curr_items"])
    return server.rss_bytes() / promised_bytes(memory_mb * 2**20, items, threads)
