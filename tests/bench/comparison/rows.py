"""The rows of the comparison: what is loaded, how, and what has to be reached.

A load is 1,000,000 keys of 20 bytes, values of 100 bytes, 90 % gets, uniform, 50 connections,
one server thread, unless the row says otherwise.
"""

from dataclasses import dataclass

from .figures import Target


@dataclass(frozen=True)
class Row:
    name: str
    what: str
    targets: tuple = ()
    kind: str = "load"       # which function of node_runs or proxy_runs measures it
    keys: int = 1_000_000
    value_size: str = "100"
    connections: int = 50
    options: tuple = ()      # further options of ringcache-load
    memory_mb: int = 1024
    threads: int = 0         # of the server; 0: as asked on the command line
    load_threads: int = 1
    trace: str = ""          # recorded, found by --traces
    make_trace: tuple = ()   # or made: the options of ringcache-trace, and how many
    requests: int = 0        #   requests it makes
    rounds_max: int = 1000   # for what does not vary, or takes long
    pool: tuple = ()         # options of our proxy's pool that the row is about
    tls_key: str = ""        # of a server with TLS beside its plain address: openssl's name of it
    slow: bool = False       # left out by --quick unless named by --only

    @property
    def tier(self):
        return self.name.split("-")[0]


def cpu(must, aim):
    return Target("cpu_us", must, aim)


def user(must, aim):
    return Target("user_us", must, aim)


GAP = Target("gap_ms", 10, 2, of="ours")
BOUND = Target("rss_of_bound", 1.0, 1.0, of="ours")
NEVER_FULL = Target("error_replies", 0, 0, of="ours")  # while anything can be evicted
# None in a thousand requests: what the process's timers allocate meanwhile is not the requests'.
NO_ALLOCATION = Target("allocations", 0.001, 0.001, of="ours")


def hit_row(trace, memory_mb):
    return Row(f"node-hits-{trace}-{memory_mb}", f"hit rate of {trace} at -m {memory_mb}",
               (Target("hit_percent", 0.5, 1.0, of="points", at_least=True), BOUND, NEVER_FULL),
               kind="hits", trace=trace, memory_mb=memory_mb, threads=4,
               rounds_max=1 if trace == "orm" else 3, slow=trace == "orm")


# 240 MB of popular keys, of which a few are most of the requests.
ZIPF = ("--keys", "200000", "--zipf", "0.9", "--value-size", "log:100-4000")
SCAN = ZIPF + ("--scan-share", "0.2", "--scan-run", "20000", "--scan-keys", "1000000")
DRIFT = ZIPF + ("--drift-every", "50")


def zipf_row(kind, what, make_trace, memory_mb):
    return Row(f"node-zipf-{kind}-{memory_mb}", f"hit rate of Zipf 0.9 {what} at -m {memory_mb}",
               (Target("hit_percent", 0, 1.0, of="points", at_least=True), BOUND, NEVER_FULL),
               kind="hits", make_trace=make_trace, requests=1_500_000, memory_mb=memory_mb,
               threads=4, rounds_max=1, slow=True)


def gap_row(name, meanwhile, kind="", **fields):
    return Row(f"node-gap-{name}", f"longest gap of a 1,000/s probe while {meanwhile}", (GAP,),
               kind=kind or f"gap_{name}", **{"rounds_max": 5, **fields})


NODE_ROWS = [
    Row("node-single", "one request at a time", (cpu(0.92, 0.85), user(None, 0.5))),
    Row("node-pipelined", "16 pipelined", (cpu(0.18, 0.12),), options=("--pipeline", "16")),
    Row("node-multiget-20", "multiget of 20", (cpu(0.65, 0.45),), options=("--multiget", "20")),
    Row("node-multiget-100", "multiget of 100", (cpu(0.60, 0.40),),
        options=("--multiget", "100")),
    Row("node-10k", "10 KB values", (cpu(1.0, 0.85),), keys=20_000, value_size="10000"),
    Row("node-500k", "500 KB values", (cpu(1.0, 0.85),), keys=400, value_size="500000"),
    Row("node-evict", "70 % set, 1 KB values, -m 64, evicting",
        (cpu(0.95, 0.80), BOUND, NEVER_FULL),
        value_size="1000", options=("--get-share", "0.3"), memory_mb=64),
    Row("node-conn-1", "1 connection", (cpu(1.0, 0.9),), connections=1),
    Row("node-conn-500", "500 connections", (cpu(1.0, 0.9),), connections=500),
    Row("node-conn-5000", "5,000 connections", (cpu(1.0, 0.9),), connections=5000),
    Row("node-hot-key", "2 threads, all on one hot key, 16 pipelined", (cpu(0.5, 0.3),), keys=1,
        options=("--pipeline", "16"), threads=2, load_threads=2),
    Row("node-idle-memory", "memory of an idle connection, 5,000 of them",
        (Target("idle_bytes", 0.7, 0.4),), kind="idle_memory", connections=5000, rounds_max=3),
    Row("node-items-100", "items resident at -m 256, 100 B values",
        (Target("items", 1.30, 1.33, at_least=True), BOUND, NEVER_FULL), kind="items",
        keys=2_500_000, memory_mb=256, threads=4, rounds_max=1),
    Row("node-items-1000", "items resident at -m 256, 1000 B values",
        (Target("items", 1.10, 1.14, at_least=True), BOUND, NEVER_FULL), kind="items",
        keys=400_000, value_size="1000", memory_mb=256, threads=4, rounds_max=1),
    hit_row("orm", 40), hit_row("orm", 64), hit_row("orm", 96),
    hit_row("web", 40), hit_row("web", 64), hit_row("web", 144),
    *(zipf_row(*kind, memory_mb) for memory_mb in (24, 64, 128) for kind in (
        ("still", "as it is", ZIPF), ("scan", "with scans", SCAN),
        ("drift", "that drifts", DRIFT))),
    Row("node-refill", "100 B, then 1 KB, then 8 KB values at -m 256: those hold the memory",
        (Target("held_percent", 90, 90, of="ours", at_least=True), NEVER_FULL), kind="refill",
        memory_mb=256, rounds_max=1),
    gap_row("growth", "growing to 50 M items", keys=50_000_000, value_size="10", memory_mb=8192,
            rounds_max=1, slow=True),
    gap_row("growth-5m", "growing to 5 M items", kind="gap_growth", keys=5_000_000,
            value_size="10"),
    gap_row("flush", "flush_all of 1 M items, and writes after it"),
    gap_row("dump", "lru_crawler metadump all of 1 M items"),
    gap_row("pages", "values grow from 100 B to 1000 B in a full node", keys=2_000_000,
            memory_mb=256),
    gap_row("large", "1 MB values take the room of many of 100 B", keys=2_000_000, memory_mb=256),
    gap_row("delete", "1 M items are deleted, pipelined"),
    gap_row("handshakes", "4 s of TLS hellos, RSA-2048", keys=100, tls_key="rsa:2048"),
    gap_row("delete-10m", "10 M items are deleted, pipelined", kind="gap_delete",
            keys=10_000_000, value_size="10", memory_mb=2048, rounds_max=1, slow=True),
]

# The most popular key has 38 % of the requests. One set in a hundred.
HOT = ("--zipf", "1.5", "--get-share", "0.99", "--pipeline", "16")

PROXY_ROWS = [
    Row("proxy-single", "one request at a time", (cpu(1.03, 0.95), user(0.8, 0.5))),
    Row("proxy-pipelined", "16 pipelined", (cpu(0.85, 0.75),), options=("--pipeline", "16")),
    Row("proxy-multiget-20", "multiget of 20", (cpu(0.85, 0.75),), options=("--multiget", "20")),
    Row("proxy-multiget-100", "multiget of 100", (cpu(0.60, 0.42),),
        options=("--multiget", "100")),
    Row("proxy-10k", "10 KB values", (cpu(1.0, 0.93),), keys=20_000, value_size="10000"),
    Row("proxy-500k", "500 KB values", (cpu(1.0, 0.85),), keys=400, value_size="500000"),
    Row("proxy-conn-500", "500 connections", (cpu(1.08, 0.95),), connections=500),
    Row("proxy-conn-5000", "5,000 connections",
        (cpu(0.75, 0.58), Target("rss", 0.35, 0.15)), connections=5000),
    Row("proxy-workers", "2 workers / 1 worker, where the cores are free",
        (Target("scaling", 1.7, 1.9, of="ours", at_least=True),), kind="workers",
        load_threads=2, options=("--pipeline", "16")),
    Row("proxy-added-latency", "p50 added to a direct request at 5,000/s",
        (Target("added_p50_us", 1.0, 0.9),), kind="added_latency", keys=100_000,
        options=("--rate", "5000")),
    Row("proxy-small-beside-500k", "1,000 small gets/s while 500 KB values flow at 400/s",
        (Target("p99_us", 1.0, 0.5),), kind="small_beside_large", keys=400, connections=16,
        value_size="500000", options=("--rate", "400", "--get-share", "0.9")),
    Row("proxy-unix", "clients over a UNIX socket, against nutcracker over TCP",
        (cpu(0.80, 0.65),), kind="unix"),
    Row("proxy-hot-coalesce", "Zipf 1.5, half of all asks for a few keys, `coalesce` on and off",
        kind="hot_key", keys=10_000, options=HOT, pool=(("coalesce", True),)),
    Row("proxy-hot-near", "the same load, `near_cache` of 16 MiB for 1 s on and off",
        kind="hot_key", keys=10_000, options=HOT,
        pool=(("near_cache", (("bytes", "16MiB"), ("ttl", "1s"))),)),
    Row("proxy-tls", "what TLS of clients, and TLS to nodes, costs the proxy",
        kind="tls_cost", keys=100_000),
    Row("proxy-idle-memory", "memory of an idle connection, 10,000 of them",
        (Target("idle_bytes", 2048, 1024, of="ours"),), kind="idle_memory", keys=1_000,
        connections=10_000, rounds_max=3),
    Row("proxy-allocations", "allocations per request in steady state",
        (NO_ALLOCATION,), kind="allocations", rounds_max=1),
]

ALL_ROWS = NODE_ROWS + PROXY_ROWS
