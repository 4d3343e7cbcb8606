"""Starts the programs under test and their surroundings, and speaks to them byte by byte.

Everything a test starts listens on 127.0.0.1 on a port nobody else has, writes its log to a
temporary folder, and is gone when the test is over; a test that fails shows those logs. Each of
our own programs must end with exit code 0 when told to stop, so a leak or a race that a sanitizer
reports at exit fails the test too.

Programs are found in $RINGCACHE_BIN (CMake sets it: build/<preset>/bin), peers on the PATH.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

from basics import HOST, NODE, PATIENCE_S, PROXY, Failure, eventually, find_peer, free_port
from processes import Server
from wire import Wire

__all__ = ["HOST", "NODE", "PATIENCE_S", "PROXY", "Failure", "Server", "TestCase", "Wire", "World",
           "eventually", "find_peer", "free_port", "main"]


class World:
    """A temporary folder and the programs that were started in it."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="ringcache-e2e-")
        self.processes = []

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content):
        """Writes a file in place; content that is not text becomes JSON. Returns its path."""
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(content if isinstance(content, str) else json.dumps(content, indent=2))
        return self.path(name)

    def _add(self, process):
        self.processes.append(process)
        return process

    def _name(self, kind):
        return f"{kind}-{len(self.processes)}"

    def node(self, *options, port=None, memory_mib=64):
        port, admin = port or free_port(), free_port()
        argv = [NODE, "-p", str(port), "-m", str(memory_mib), "-t", "2",
                "--metrics", f"{HOST}:{admin}"]
        return self._add(Server(self._name("node"), argv + list(options), self.folder, port,
                                ours=True, admin_port=admin))

    def memcached(self, *options, port=None):
        port = port or free_port()
        argv = [find_peer("memcached"), "-p", str(port), "-l", HOST, "-m", "64", "-t", "2"]
        argv += ["-u", "root"] if os.geteuid() == 0 else []
        return self._add(Server(self._name("memcached"), argv + list(options), self.folder, port))

    def config(self, nodes, pool=None, **top_level):
        """A proxy's configuration with free ports; `nodes` are servers or JSON node entries."""
        entries = [n.address if isinstance(n, Server) else n for n in nodes]
        return {"listen": [f"{HOST}:{free_port()}"], "threads": 2,
                "admin": {"listen": f"{HOST}:{free_port()}"},
                "pools": {"main": {"nodes": entries, **(pool or {})}}, **top_level}

    def proxy(self, config, name=None, options=()):
        """Starts a proxy from a dict (written to <name>.json) or from the path of a file."""
        name = name or self._name("proxy")
        path = config if isinstance(config, str) else self.write(name + ".json", config)
        with open(path, encoding="utf-8") as file:
            written = json.load(file)
        port = int(written["listen"][0].rsplit(":", 1)[1])
        admin = int(written["admin"]["listen"].rsplit(":", 1)[1])
        server = Server(name, [PROXY, "-c", path, *options], self.folder, port, ours=True,
                        admin_port=admin)
        server.config_path = path
        return self._add(server)

    def prometheus(self, targets):
        port = free_port()
        jobs = [{"job_name": job, "static_configs": [{"targets": addresses}]}
                for job, addresses in targets.items()]
        path = self.write("prometheus.yml", {"global": {"scrape_interval": "1s"},
                                             "scrape_configs": jobs})
        argv = [find_peer("prometheus"), f"--config.file={path}",
                f"--web.listen-address={HOST}:{port}",
                f"--storage.tsdb.path={self.path('prometheus')}"]
        server = Server("prometheus", argv, self.folder, port)
        server.admin_port = port
        server.wait_ready(lambda: server.http_status("/-/ready") == 200)
        return self._add(server)

    def run(self, argv, **options):
        """Runs a program to its end: (exit code, stdout, stderr)."""
        done = subprocess.run(argv, cwd=self.folder, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=PATIENCE_S, check=False, **options)
        return done.returncode, done.stdout, done.stderr

    def print_logs(self):
        for process in self.processes:
            text = process.log()
            print(f"--- log of {process.name} (exit code {process.popen.poll()})\n"
                  f"{text[:4000]}{'[...]' if len(text) > 8000 else ''}{text[4000:][-4000:]}",
                  file=sys.stderr)

    def close(self):
        """Stops all, the last started first; raises what was wrong with any of them."""
        problems = []
        for process in reversed(self.processes):
            try:
                process.stop()
            except Failure as failure:
                problems.append(str(failure))
                if process.alive():
                    process.kill()
        return problems


class TestCase(unittest.TestCase):
    """A test with a world of its own per test (`self.world`) or, from setUpClass, per class."""

    maxDiff = None

    def setUp(self):
        self.world = World()
        self.addCleanup(self._close, self.world)

    def _close(self, world):
        problems = world.close()
        if problems:
            self.fail("; ".join(problems))

    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        super().run(result)
        world = getattr(self, "world", None)
        if world and len(result.failures) + len(result.errors) > before:
            print(f"=== {self.id()}", file=sys.stderr)
            world.print_logs()
        if world and "world" in self.__dict__:
            shutil.rmtree(world.folder, ignore_errors=True)
        return result

    @classmethod
    def share_world(cls):
        """For setUpClass: one world for all tests of the class, with setUp() left empty."""
        cls.world = World()

        def close():
            problems = cls.world.close()
            if problems:
                cls.world.print_logs()
                raise Failure("; ".join(problems))
            shutil.rmtree(cls.world.folder, ignore_errors=True)
        cls.addClassCleanup(close)
        return cls.world


def main():
    """Runs the tests of the file; a run without any test fails."""
    program = unittest.main(verbosity=2, exit=False)
    sys.exit(0 if program.result.wasSuccessful() and program.result.testsRun > 0 else 1)
