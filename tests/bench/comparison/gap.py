"""The longest time that a node lets a client wait while something large goes on inside it.

A probe asks 1,000 times a second, at fixed times, so that a pause of the server is counted from
when each request should have been sent. The longest gap is the probe's longest latency.

A second probe asks an idle server of the same kind meanwhile: its longest gap is the machine's, and
what a figure is below it says nothing about the server. Where the system allows it, the probes run
with real-time priority, the servers before everything else and whatever makes the load after
everything else, so that neither waits for a processor that the load generator has.
"""

import contextlib
import os
import re
import time

from . import servers, tls
from .load import finish
from .settings import CannotRun

PROBE_SECONDS_MAX = 3600  # it is stopped long before
SERVER_NICE, LOAD_NICE = -10, 19
LARGE_VALUE_BYTES = 1_000_000  # with key and header below the 1 MiB that both allow
PIPELINED_DELETES = 5000
DUMP_SECONDS_MAX = 600


def _threads_of(pid):
    return [int(name) for name in os.listdir(f"/proc/{pid}/task")]


def _prefer(server, probe=None):
    """The server before everything else, its probe before that."""
    with contextlib.suppress(PermissionError):
        for thread in _threads_of(server.pid):
            os.setpriority(os.PRIO_PROCESS, thread, SERVER_NICE)
        for thread in _threads_of(probe.pid) if probe else ():
            os.sched_setscheduler(thread, os.SCHED_RR, os.sched_param(1))


@contextlib.contextmanager
def _after_everything_else():
    """For this process and what it starts meanwhile. Only who may also undo it does it."""
    before = os.getpriority(os.PRIO_PROCESS, 0)
    try:
        os.setpriority(os.PRIO_PROCESS, 0, before - 1)
    except PermissionError:
        yield
        return
    os.setpriority(os.PRIO_PROCESS, 0, LOAD_NICE)
    try:
        yield
    finally:
        os.setpriority(os.PRIO_PROCESS, 0, before)


def _probe(loader, node):
    """A running probe over a few keys of its own."""
    options = ("--keys", "100", "--key-prefix", "pro:", "--value-size", "100", "-c", "1",
               "-t", "1", "--rate", "1000", "--preload", "--warmup", "0",
               "--seconds", str(PROBE_SECONDS_MAX))
    before = int(servers.stats(node.address)["cmd_get"])
    probe = loader.start(node.address, *options)
    _wait_for_traffic(node, before)
    _prefer(node, probe)
    return probe


def _wait_for_traffic(node, before):
    """Until the probe has asked for something."""
    deadline = time.monotonic() + servers.READY_SECONDS
    while int(servers.stats(node.address)["cmd_get"]) <= before:
        if time.monotonic() > deadline:
            raise servers.ServerError(f"the probe of {node.name} sends nothing")
        time.sleep(0.01)


def measure(loader, start, prepare, disturb):
    """The gaps while disturb(loader, node) runs, after prepare(loader, node). `start` starts a
    server."""
    with start() as node, start() as idle:
        with _after_everything_else():
            prepare(loader, node)
        probes = [_probe(loader, one) for one in (node, idle)]
        began = time.monotonic()
        try:
            with _after_everything_else():
                disturb(loader, node)
        finally:
            seconds = time.monotonic() - began
            latencies = [finish(probe)["latency_us"] for probe in probes]
        return {"gap_ms": latencies[0]["max"] / 1000, "idle_gap_ms": latencies[1]["max"] / 1000,
                "p99_9_us": latencies[0]["p99_9"], "seconds": seconds, "rss": node.rss_bytes(),
                "items": int(servers.stats(node.address)["curr_items"])}


def nothing(_loader, _node):
    pass


def fill(loader, node):
    """The row's keys."""
    loader.preload(node.address)


def flush(loader, node):
    """flush_all drops all that is there, and there is half a second of writes after it."""
    servers.ask(node.address, b"flush_all\r\n", b"OK\r\n")
    finish(loader.start(node.address, "--get-share", "0", "--warmup", "0", "--seconds", "0.5",
                        "-c", "4"), stop=False)


def grow_values(loader, node):
    """Values grow tenfold, so that the pages of a full node change their class."""
    loader.preload(node.address, "--key-prefix", "big:", "--value-size", "1000",
                   "--keys", str(max(1, loader.keys // 4)))


def store_large(loader, node):
    """Values of a million bytes, for each of which thousands of small ones have to go."""
    count = max(8, loader.row.memory_mb * loader.keys // loader.row.keys)
    loader.preload(node.address, "--key-prefix", "big:", "--value-size", str(LARGE_VALUE_BYTES),
                   "--keys", str(count), "-c", "4")


def _names(loader):
    return (b"doomed:%012d" % number for number in range(loader.keys))


def _pipelined(node, commands, answer):
    """Sends all commands, some thousand at once, and wants `answer` to each."""
    with servers.connect(node.address, timeout=60) as sock:
        batch = []

        def settle():
            sock.sendall(b"".join(batch))
            wanted, answers = answer * len(batch), bytearray()
            while len(answers) < len(wanted):
                piece = sock.recv(1 << 20)
                if not piece:
                    raise servers.ServerError(f"{node.name} closed the connection")
                answers += piece
            if answers != wanted:
                raise servers.ServerError(f"{node.name} did not answer {answer!r} to each of "
                                          f"{batch[0][:40]!r}...: {bytes(answers[:100])!r}")
            batch.clear()
        for command in commands:
            batch.append(command)
            if len(batch) == PIPELINED_DELETES:
                settle()
        settle()


def fill_doomed(loader, node):
    value = b"x" * int(loader.row.value_size)
    _pipelined(node, (b"set %s 0 0 %d\r\n%s\r\n" % (name, len(value), value)
                      for name in _names(loader)), b"STORED\r\n")


def delete_all(loader, node):
    _pipelined(node, (b"delete %s\r\n" % name for name in _names(loader)), b"DELETED\r\n")


def dump(_loader, node):
    """`lru_crawler metadump all`, read as fast as it comes."""
    wanted = int(servers.stats(node.address)["curr_items"])
    with servers.connect(node.address, timeout=DUMP_SECONDS_MAX) as sock:
        deadline = time.monotonic() + servers.READY_SECONDS
        while True:
            sock.sendall(b"lru_crawler metadump all\r\n")
            lines, rest = 0, b""
            while not rest.endswith(b"END\r\n"):
                piece = sock.recv(1 << 20)
                if not piece:
                    raise servers.ServerError(f"{node.name} closed the connection in a metadump")
                lines += piece.count(b"key=")
                rest = (rest + piece)[-100:]
                if re.search(rb"(ERROR|BUSY)[^\n]*\r\n$", rest):
                    break
            if not b"BUSY" in rest or time.monotonic() > deadline:
                break
            time.sleep(0.1)
    if not rest.endswith(b"END\r\n"):
        raise CannotRun(f"{node.name} answers a metadump with {rest.decode().strip()!r}")
    if lines < wanted * 0.99:
        raise servers.ServerError(f"{node.name} listed {lines} of {wanted} items")


# Kind of row -> what is done before, and while the probe asks.
STAGES = {
    "gap_growth": (nothing, fill),
    "gap_flush": (fill, flush),
    "gap_pages": (fill, grow_values),
    "gap_large": (fill, store_large),
    "gap_delete": (fill_doomed, delete_all),
    "gap_dump": (fill, dump),
    "gap_handshakes": (nothing, tls.shake_hands),
}
