"""How the proxy rows are measured: our proxy beside nutcracker, before the same memcacheds."""

import mmap
import os
import struct
import tempfile

from . import proxy_options, servers
from .idle import idle_connections
from .load import Load, finish
from .node_runs import alternate
from .settings import CannotRun

SIDES = {"ours": "proxy", "theirs": "nutcracker"}
BACKENDS = 3


class ProxyFleet:
    """Three memcacheds, kept for the next row if that wants the same keys. Each side places keys
    in its own way, so each has to put them there itself, once."""

    def __init__(self, settings):
        self.settings = settings
        self.spec = None
        self.backends = []
        self.loaded = set()

    def addresses(self, row, load):
        spec = (load.keys, row.value_size)
        if spec != self.spec:
            self.stop()
            for _ in range(BACKENDS):
                self.backends.append(servers.start_node(
                    self.settings.program("memcached"), threads=1, memory_mb=row.memory_mb))
            self.spec = spec
        return [backend.address for backend in self.backends]

    def start(self, row, load, side, **options):
        """A proxy of that side before the backends, which hold the row's keys where it looks."""
        settings = self.settings
        path = settings.program(SIDES[side])
        proxy = servers.start_proxy(path, self.addresses(row, load), settings.folder,
                                    cpu=settings.server_cpu, **options)
        try:
            if side not in self.loaded:
                load.preload(proxy.address)
                self.loaded.add(side)
        except BaseException:
            proxy.stop()
            raise
        return proxy

    def stop(self):
        for backend in self.backends:
            backend.stop()
        self.backends, self.spec, self.loaded = [], None, set()


def _both(settings, row, fleet, measure, ours=None):
    """Alternates between two proxies that run all the while; only one of them has work."""
    loader = Load(settings, row)
    with fleet.start(row, loader, "ours", **(ours or {})) as our_proxy, \
            fleet.start(row, loader, "theirs") as their_proxy:
        proxies = {"ours": our_proxy, "theirs": their_proxy}
        return alternate(settings, row, lambda side: measure(loader, proxies[side]))


def load(settings, row, fleet):
    return _both(settings, row, fleet, lambda loader, proxy: loader.measure(proxy)[1])


def unix(settings, row, fleet):
    return _both(settings, row, fleet, lambda loader, proxy: loader.measure(proxy)[1],
                 ours={"unix": True})


def idle_memory(settings, row, fleet):
    def measure(side):
        with fleet.start(row, Load(settings, row), side) as proxy:
            return idle_connections(proxy, row.connections)

    return alternate(settings, row, measure)


def added_latency(settings, row, fleet):
    """The median through a proxy less the median of the same load without one, round by round."""
    def measure(loader, proxy):
        direct = fleet.backends[0]
        if direct not in fleet.loaded:
            loader.preload(direct.address)
            fleet.loaded.add(direct)
        direct_p50_us = loader.measure(direct)[1]["p50_us"]
        figures = loader.measure(proxy)[1]
        return {**figures, "direct_p50_us": direct_p50_us,
                "added_p50_us": figures["p50_us"] - direct_p50_us}

    return _both(settings, row, fleet, measure)


def small_beside_large(settings, row, fleet):
    """Latency of small gets, sent at fixed times, while the row's large values flow."""
    small = ("--key-prefix", "small:", "--keys", "1000", "--value-size", "100", "-c", "4",
             "-t", "1", "--get-share", "1")

    def measure(loader, proxy):
        loader.preload(proxy.address, *small)
        large = loader.start(proxy.address, "--warmup", "0", "--seconds",
                             str(settings.warmup + settings.seconds + 60), *row.options)
        try:
            figures = loader.measure(proxy, *small, "--rate", "1000")[1]
        finally:
            flown = finish(large)
        return {"p50_us": figures["p50_us"], "p99_us": figures["p99_us"],
                "p99_9_us": figures["p99_9_us"], "rss": figures["rss"],
                "large_per_second": flown["requests_per_second"]}

    return _both(settings, row, fleet, measure)


def workers(settings, row, fleet):
    """Our proxy with two workers beside itself with one; nutcracker has only one thread."""
    needed = 2 + row.load_threads + BACKENDS
    if len(settings.cpus) < needed:
        raise CannotRun(f"needs {needed} cores (2 workers, {row.load_threads} load threads, "
                        f"{BACKENDS} nodes), this machine has {len(settings.cpus)}")
    loader = Load(settings, row)
    rounds = {"ours": [], "theirs": []}
    with fleet.start(row, loader, "ours", threads=1) as one, \
            fleet.start(row, loader, "ours", threads=2) as two:
        for _ in range(settings.rounds_of(row)):
            single = loader.measure(one)[1]
            double = loader.measure(two)[1]
            rounds["ours"].append({**double, "scaling": double["requests_per_second"] /
                                   single["requests_per_second"]})
    return rounds


def allocations(settings, row, fleet):
    """Two runs over equally many connections; what the longer one allocates more is its requests'.

    The servers are started with a library that counts what they allocate."""
    if settings.allocation_counter is None:
        raise CannotRun("this build has no libringcache_allocation_counter.so")
    loader = Load(settings, row)

    def count(server, counter, seconds):
        before = struct.unpack("Q", counter[:8])[0]
        argv = ("--warmup", "0", "--seconds", str(seconds), *row.options)
        total = loader.run(server.address, *argv)["total"]
        return struct.unpack("Q", counter[:8])[0] - before, total["requests"]

    def measure(side):
        with tempfile.NamedTemporaryFile(dir=settings.folder) as file:
            file.write(bytes(mmap.PAGESIZE))
            file.flush()
            environment = {"LD_PRELOAD": os.path.abspath(settings.allocation_counter),
                           "RINGCACHE_ALLOCATION_COUNTER": file.name}
            with mmap.mmap(file.fileno(), mmap.PAGESIZE) as counter, \
                    fleet.start(row, loader, side, environment=environment) as proxy:
                count(proxy, counter, settings.seconds / 2)  # buffers reach their size
                short = count(proxy, counter, settings.seconds / 4)
                longer = count(proxy, counter, settings.seconds)
                if struct.unpack("Q", counter[:8])[0] == 0:
                    raise servers.ServerError(f"{proxy.name} was not counted: is it static?")
                return {"allocations": max(0, longer[0] - short[0]) /
                        max(1, longer[1] - short[1])}

    return alternate(settings, row, measure)


KINDS = {"load": load, "unix": unix, "idle_memory": idle_memory,
         "added_latency": added_latency, "small_beside_large": small_beside_large,
         "workers": workers, "allocations": allocations, **proxy_options.KINDS}
