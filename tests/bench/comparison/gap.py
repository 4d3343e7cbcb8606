"""The longest time that a node lets a client wait while something large goes on inside it.

A probe asks 1,000 times a second, at fixed times, so that a pause of the server is counted from
when each request should have been sent. The longest gap is the probe's longest latency.
"""

import time

from . import servers
from .load import finish

PROBE_SECONDS_MAX = 3600  # it is stopped long before


def _probe(loader, node):
    """A running probe over a few keys of its own."""
    options = ("--keys", "100", "--key-prefix", "pro:", "--value-size", "100", "-c", "1",
               "-t", "1", "--rate", "1000", "--preload", "--warmup", "0",
               "--seconds", str(PROBE_SECONDS_MAX))
    probe = loader.start(node.address, *options)
    _wait_for_traffic(node)
    return probe


def _wait_for_traffic(node):
    """Until the probe has asked for something."""
    deadline = time.monotonic() + servers.READY_SECONDS
    while int(servers.stats(node.address)["cmd_get"]) == 0:
        if time.monotonic() > deadline:
            raise servers.ServerError(f"the probe of {node.name} sends nothing")
        time.sleep(0.01)


def _gap_of(probe):
    result = finish(probe)
    return {"gap_ms": result["latency_us"]["max"] / 1000,
            "p99_9_us": result["latency_us"]["p99_9"]}


def growth(loader, node):
    """While the node is filled with the row's keys."""
    with node:
        probe = _probe(loader, node)
        loader.preload(node.address)
        return {**_gap_of(probe), "rss": node.rss_bytes(),
                "items": int(servers.stats(node.address)["curr_items"])}


def flush(loader, node):
    """While flush_all drops all of the row's keys, and half a second of writes after it."""
    with node:
        loader.preload(node.address)
        probe = _probe(loader, node)
        servers.ask(node.address, b"flush_all\r\n", b"OK\r\n")
        finish(loader.start(node.address, "--get-share", "0", "--warmup", "0", "--seconds", "0.5",
                            "-c", "4"), stop=False)
        return _gap_of(probe)


def pages(loader, node):
    """While a full node's values grow tenfold, so that its pages change their class."""
    with node:
        loader.preload(node.address)
        probe = _probe(loader, node)
        loader.preload(node.address, "--key-prefix", "big:", "--value-size", "1000",
                       "--keys", str(max(1, loader.keys // 4)))
        return _gap_of(probe)
