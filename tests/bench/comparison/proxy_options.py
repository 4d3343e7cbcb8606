"""What options of our proxy give or cost: it beside itself, before the same memcacheds, in turns.

The figures are all of our side: with the option, without, and their ratio.
"""

import contextlib
import json
import os

from . import servers, tls
from .load import Load

GETS = "cmd_get"


def _proxy(settings, nodes, name, pool=None, also=(), **top):
    """Our proxy with one thread and these options of its only pool, at further addresses, too."""
    port, admin_port = servers.free_port(), servers.free_port()
    address = f"127.0.0.1:{port}"
    config = json.loads(servers.proxy_config(address, nodes, 1, admin_port))
    config["pools"]["bench"].update(pool or {})
    config["listen"] += also
    config.update(top)
    path = os.path.join(settings.folder, f"{name}-{port}.conf")
    with open(path, "w") as file:
        json.dump(config, file)
    return servers.Server(name, [settings.program("proxy"), "-c", path], address,
                          settings.server_cpu)


def _as_dict(pairs):
    return {name: _as_dict(value) if isinstance(value, tuple) else value for name, value in pairs}


def _gets_of(fleet):
    return sum(int(servers.stats(backend.address)[GETS]) for backend in fleet.backends)


def hot_key(settings, row, fleet):
    """One key gets a great part of all requests: CPU of the proxy, and gets that reach a node."""
    loader = Load(settings, row)
    nodes = fleet.addresses(row, loader)
    rounds = {"ours": [], "theirs": []}

    def measure(proxy):
        before = _gets_of(fleet)
        result, figures = loader.measure(proxy)
        return figures, (_gets_of(fleet) - before) / max(1, result["total"]["gets"])

    with _proxy(settings, nodes, "plain") as plain, \
            _proxy(settings, nodes, "option", pool=_as_dict(row.pool)) as option:
        loader.preload(plain.address)
        for _ in range(settings.rounds_of(row)):
            without, gets_without = measure(plain)
            figures, gets_with = measure(option)
            rounds["ours"].append({
                **figures, "without_cpu_us": without["cpu_us"],
                "with_without_cpu": figures["cpu_us"] / without["cpu_us"],
                "node_gets": gets_with, "without_node_gets": gets_without})
    return rounds


def tls_cost(settings, row, fleet):
    """load -> A -> B -> memcached, with TLS between A and B, and without: what B pays for clients
    that speak TLS, and A for nodes that do. A has a connection for each client of its own."""
    loader = Load(settings, row)
    nodes = fleet.addresses(row, loader)
    certificate, key = tls.certificate(settings.folder, "rsa:2048")
    with contextlib.ExitStack() as stack:
        def chain(with_tls):
            secret = f"127.0.0.1:{servers.free_port()}"
            top = {"tls": {"certificate": certificate, "key": key}} if with_tls else {}
            also = [f"tls:{secret}"] if with_tls else []
            inner = stack.enter_context(_proxy(settings, nodes, "inner", also=also, **top))
            pool = {"connections_per_node": row.connections,
                    "tls": {"verify": False} if with_tls else None}
            node = secret if with_tls else inner.address
            return inner, stack.enter_context(_proxy(settings, [node], "outer", pool=pool))

        chains = {name: chain(name == "tls") for name in ("plain", "tls")}
        loader.preload(chains["plain"][1].address)
        rounds = {"ours": [], "theirs": []}
        for _ in range(settings.rounds_of(row)):
            cpu = {}
            for name, (inner, outer) in chains.items():
                result = loader.run(
                    outer.address, "--server-pid", f"{inner.pid},{outer.pid}",
                    "--warmup", str(settings.warmup), "--seconds", str(settings.seconds),
                    *row.options)
                cpu[name] = [server["cpu_us_per_request"] for server in result["servers"]]
            rounds["ours"].append({
                "tls_clients_cpu_us": cpu["tls"][0], "plain_clients_cpu_us": cpu["plain"][0],
                "tls_nodes_cpu_us": cpu["tls"][1], "plain_nodes_cpu_us": cpu["plain"][1]})
    return rounds


KINDS = {"hot_key": hot_key, "tls_cost": tls_cost}
