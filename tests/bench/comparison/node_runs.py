"""How the node rows are measured: our node beside memcached, in alternation."""

import os
import subprocess

from . import gap, servers, sizes, tls
from .idle import idle_connections
from .load import Load, replay, rss_of_bound
from .settings import CannotRun

SIDES = {"ours": "node", "theirs": "memcached"}


class NodeFleet:
    """One node of each side, kept for the next row if that wants the same ones."""

    def __init__(self, settings):
        self.settings = settings
        self.spec = None
        self.nodes = {}

    def start_one(self, row, side):
        settings = self.settings
        certificate = tls.certificate(settings.folder, row.tls_key) if row.tls_key else None
        return servers.start_node(settings.program(SIDES[side]), settings.threads_of(row),
                                  row.memory_mb, cpu=settings.server_cpu, certificate=certificate,
                                  options=settings.node_options if side == "ours" else ())

    def get(self, row, load):
        """Both nodes with the row's keys in them."""
        spec = (load.keys, row.value_size, row.memory_mb, self.settings.threads_of(row))
        if spec != self.spec:
            self.stop()
            for side in SIDES:
                self.nodes[side] = self.start_one(row, side)
            for node in self.nodes.values():
                load.preload(node.address)
            self.spec = spec
        return self.nodes

    def stop(self):
        for node in self.nodes.values():
            node.stop()
        self.nodes, self.spec = {}, None


def alternate(settings, row, measure):
    """ours, theirs, ours, theirs, ...: what changes on the machine meanwhile meets both."""
    rounds = {side: [] for side in SIDES}
    for _ in range(settings.rounds_of(row)):
        for side, results in rounds.items():
            results.append(measure(side))
    return rounds


def load(settings, row, fleet):
    loader = Load(settings, row)
    nodes = fleet.get(row, loader)

    def measure(side):
        _, figures = loader.measure(nodes[side])
        figures["rss_of_bound"] = rss_of_bound(nodes[side], row.memory_mb,
                                               settings.threads_of(row))
        return figures

    return alternate(settings, row, measure)


def idle_memory(settings, row, fleet):
    def measure(side):
        with fleet.start_one(row, side) as node:
            return idle_connections(node, row.connections)

    return alternate(settings, row, measure)


def items(settings, row, fleet):
    """Filled far past the limit; --quick must still do that, so all keys are used."""
    loader = Load(settings, row)
    loader.keys = row.keys

    def measure(side):
        with fleet.start_one(row, side) as node:
            filled = loader.preload(node.address)["total"]
            return {"error_replies": filled["error_replies"],
                    "items": int(servers.stats(node.address)["curr_items"]),
                    "rss": node.rss_bytes(),
                    "rss_of_bound": rss_of_bound(node, row.memory_mb, settings.threads_of(row))}

    return alternate(settings, row, measure)


def made_trace(settings, row):
    """The path of the trace that the row describes, made once."""
    options = (*row.make_trace, "--requests", str(row.requests // settings.key_divisor))
    path = settings.made_traces.get(options)
    if path is None:
        path = os.path.join(settings.folder, f"made-{len(settings.made_traces)}.mct")
        with open(path, "wb") as file:
            subprocess.run([settings.program("trace"), *options], stdout=file, check=True)
        settings.made_traces[options] = path
    return path


def hits(settings, row, fleet):
    trace = made_trace(settings, row) if row.make_trace else settings.traces.get(row.trace)
    if trace is None:
        raise CannotRun(f"no trace {row.trace}.mct.gz: name its folder with --traces")

    def measure(side):
        with fleet.start_one(row, side) as node:
            result = replay(settings, trace, node)
            return {"hit_percent": result["hit_ratio"] * 100,
                    "error_replies": result["error_replies"], "rss": node.rss_bytes(),
                    "rss_of_bound": rss_of_bound(node, row.memory_mb, settings.threads_of(row))}

    return alternate(settings, row, measure)


def refill(settings, row, fleet):
    return alternate(settings, row, lambda side: sizes.refill(
        Load(settings, row), fleet.start_one(row, side)))


def measure_gap(stage):
    """The function that measures the rows of this kind."""
    def run(settings, row, fleet):
        return alternate(settings, row, lambda side: gap.measure(
            Load(settings, row), lambda: fleet.start_one(row, side), *stage))
    return run


KINDS = {"load": load, "idle_memory": idle_memory, "items": items, "hits": hits,
         "refill": refill, **{kind: measure_gap(stage) for kind, stage in gap.STAGES.items()}}
