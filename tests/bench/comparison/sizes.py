"""How fast a node's memory follows the sizes of what is stored ("slab calcification").

The node is filled with values of 100 bytes, then of 1 KB, then of 8 KB, each time for as long as
it takes to fill its memory several times; the last until they hold the wanted share of it, or until
it has had its time.
"""

import time

from . import servers

FIRST_SIZES = (100, 1000)
LAST_SIZE = 8192
FILLS = 2            # of the memory with each of the first sizes
BATCHES = 20         # of the last size in one memory's worth
WANTED_PERCENT = 90
SECONDS_MAX = 30


def _keys(memory_bytes, value_bytes):
    """As many as would fill the memory if they cost nothing but their value."""
    return max(1, memory_bytes // value_bytes)


def held_percent(node, value_bytes):
    """The share of the limit that items of `value_bytes` and more hold."""
    chunk_bytes = {}
    requested = 0
    for line in servers.ask(node.address, b"stats slabs\r\n", b"END\r\n").decode().splitlines():
        words = line.split()
        if words[-2:-1] and words[1].endswith(":chunk_size"):
            chunk_bytes[words[1].split(":")[0]] = int(words[2])
    for line in servers.ask(node.address, b"stats items\r\n", b"END\r\n").decode().splitlines():
        words = line.split()
        if len(words) == 3 and words[1].endswith(":mem_requested"):
            if chunk_bytes.get(words[1].split(":")[1], 0) >= value_bytes:
                requested += int(words[2])
    return 100 * requested / int(servers.stats(node.address)["limit_maxbytes"])


def refill(loader, node):
    memory_bytes = loader.row.memory_mb * 2**20
    seconds_max = SECONDS_MAX / loader.settings.key_divisor
    errors = requests = batch = 0
    with node:
        for size in FIRST_SIZES:
            errors += loader.preload(
                node.address, "--key-prefix", f"{size}:"[:4], "--value-size", str(size),
                "--keys", str(FILLS * _keys(memory_bytes, size)))["total"]["error_replies"]
        began = time.monotonic()
        percent = 0
        while percent < WANTED_PERCENT and time.monotonic() - began < seconds_max:
            total = loader.preload(
                node.address, "--key-prefix", "%04d" % batch, "--value-size", str(LAST_SIZE),
                "--keys", str(_keys(memory_bytes // BATCHES, LAST_SIZE)))["total"]
            errors += total["error_replies"]
            requests += total["sets"]
            percent = held_percent(node, LAST_SIZE)
            batch += 1
        return {"held_percent": percent, "seconds": time.monotonic() - began,
                "requests": requests, "error_replies": errors, "rss": node.rss_bytes()}
