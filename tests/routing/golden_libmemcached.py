#!/usr/bin/python3
"""Compares our compat rings with libmemcached, key by key, through pylibmc and fake servers.

Also compares the hashes alone with libhashkit's, called directly, for those that pylibmc does not
offer.
"""
import argparse
import ctypes
import os
import sys
import tempfile

import pylibmc

from recording_servers import RecordingServers, Report, make_keys, on_default_port, place

KEY_COUNT = 10_000
# libhashkit's name -> ours. `default` is one_at_a_time. hsieh is not built into Debian's.
HASHES = {
    "default": "one_at_a_time",
    "md5": "md5",
    "crc": "crc32",
    "fnv1_64": "fnv1_64",
    "fnv1a_64": "fnv1a_64",
    "fnv1_32": "fnv1_32",
    "fnv1a_32": "fnv1a_32",
    "murmur": "murmur",
    "jenkins": "jenkins",
}


def ask(specs, behaviors, keys, servers):
    """Which server libmemcached asks for each key. `behaviors` are set in their order."""
    client = pylibmc.Client(specs)
    for behavior, value in behaviors.items():
        client.behaviors = {behavior: value}
    servers.take()
    for start in range(0, len(keys), 500):
        client.get_multi(keys[start : start + 500])
    client.disconnect_all()
    return servers.take()


def node_spec(address, weight=1):
    """(what pylibmc takes, what ring_place takes) for a server."""
    if isinstance(address, str):
        theirs, ours = address, f"unix:{address}"
    else:
        host, port = address
        theirs, ours = f"{host}:{port}:{weight}", f"{host}:{port}"
    return theirs, f"{ours},weight={weight}"


def check_rings(tool, keys, report):
    with tempfile.TemporaryDirectory() as folder:
        ports = RecordingServers([("127.0.0.1", 0)] * 25)
        hosts = on_default_port(77)
        paths = RecordingServers([os.path.join(folder, f"{i}.sock") for i in range(3)])
        try:
            check_lists(tool, keys, report, ports, hosts, paths)
        finally:
            for servers in filter(None, (ports, hosts, paths)):
                servers.close()


def check_lists(tool, keys, report, ports, hosts, paths):
    weights = [1, 2, 3, 7, 1, 20, 5, 1, 4, 2]
    lists = {
        "1 node": (ports, ports.addresses[:1], [1]),
        "3 nodes": (ports, ports.addresses[:3], [1] * 3),
        "10 nodes": (ports, ports.addresses[:10], [1] * 10),
        "25 nodes": (ports, ports.addresses, [1] * 25),
        "10 weighted": (ports, ports.addresses[:10], weights),
        "2 far apart": (ports, ports.addresses[:2], [1000, 1]),
        "3 UNIX sockets": (paths, paths.addresses, [1] * 3),
    }
    if hosts:
        lists["3 on the default port"] = (hosts, hosts.addresses, [1] * 3)
        lists["3 weighted on the default port"] = (hosts, hosts.addresses, [1, 2, 3])
    for name, (servers, addresses, list_weights) in lists.items():
        specs = [node_spec(a, w) for a, w in zip(addresses, list_weights)]
        theirs_list, ours_list = [s[0] for s in specs], [s[1] for s in specs]

        # ketama_weighted sets md5; set after that, another key hash leaves the points alone.
        for behaviors, our_hash in (
            ({"ketama_weighted": True}, "-"),
            ({"ketama_weighted": True, "hash": "fnv1a_64"}, "fnv1a_64"),
        ):
            theirs = ask(theirs_list, behaviors, keys, servers)
            ours = place(tool, "ketama", our_hash, None, ours_list, keys)
            report.compare(f"ketama, {our_hash}, {name}", keys, theirs, ours)

        if max(list_weights) > 1:
            continue  # a weight turns libmemcached's other consistent rings into ketama_weighted
        for their_hash, our_hash in HASHES.items():
            few = name == "3 nodes"
            if not few and their_hash not in ("default", "md5", "fnv1a_64"):
                continue
            for distribution, ring in (
                ("consistent", "ketama-unweighted"),
                ("consistent ketama", "ketama-unweighted"),
                ("modula", "modula"),
            ):
                behaviors = {"hash": their_hash, "distribution": distribution}
                theirs = ask(theirs_list, behaviors, keys, servers)
                ours = place(tool, ring, our_hash, None, ours_list, keys)
                report.compare(f"{distribution}, {their_hash}, {name}", keys, theirs, ours)


def check_hashes(tool, keys, report):
    """The hashes through one modula ring of many nodes, so that the node tells much of the hash."""
    try:
        kit = ctypes.CDLL("libhashkit.so.2")
    except OSError:
        print("libhashkit.so.2 is not there: the hashes are compared through pylibmc only")
        return
    slots = 9973  # a prime: every bit of the hash matters
    nodes = [f"127.0.0.1:{port}" for port in range(1, slots + 1)]
    for our_hash in sorted(HASHES.values()):
        function = getattr(kit, f"libhashkit_{our_hash}")
        function.restype = ctypes.c_uint32
        function.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
        theirs = {key: function(key, len(key)) % slots for key in keys}
        ours = place(tool, "modula", our_hash, None, nodes, keys)
        report.compare(f"libhashkit {our_hash}", keys, theirs, ours)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ring-place", required=True)
    tool = parser.parse_args().ring_place
    report = Report()
    keys = make_keys(KEY_COUNT)
    check_hashes(tool, keys, report)
    check_rings(tool, keys, report)
    report.finish()


if __name__ == "__main__":
    main()
