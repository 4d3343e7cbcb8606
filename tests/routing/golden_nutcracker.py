#!/usr/bin/python3
"""Compares our compat rings with twemproxy (Debian's nutcracker), key by key, on fake servers."""
import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from ports import free_port
from recording_servers import RecordingServers, Report, make_keys, on_default_port, place

KEY_COUNT = 10_000
HASHES = [
    "one_at_a_time", "md5", "crc16", "crc32", "crc32a", "fnv1_64", "fnv1a_64", "fnv1_32",
    "fnv1a_32", "hsieh", "murmur", "jenkins",
]  # fmt: skip
RINGS = {"ketama": "ketama", "modula": "modula-twemproxy"}  # twemproxy's name: ours
# twemproxy sorts servers by the length of the name first, then by its bytes.
NAMES = ["zeta", "alpha", "beta", "gamma", "x", "cache-10", "cache-9", "Beta", "y2", "omega-1"]


class Node:
    def __init__(self, address, weight=1, name=None):
        self.address, self.weight, self.name = address, weight, name

    def theirs(self):
        path = isinstance(self.address, str)
        address = self.address if path else f"{self.address[0]}:{self.address[1]}"
        return f"{address}:{self.weight}" + (f" {self.name}" if self.name else "")

    def ours(self):
        path = isinstance(self.address, str)
        address = f"unix:{self.address}" if path else f"{self.address[0]}:{self.address[1]}"
        name = self.name
        if path and not name:
            # Without a name twemproxy calls it by its path and a colon, which is the way to move
            # such a pool to our ring; libmemcached's "path:0" is what we would take ourselves.
            name = f"{self.address}:"
        return f"{address},weight={self.weight}" + (f",name={name}" if name else "")


class Case:
    def __init__(self, what, servers, nodes, ring, key_hash, tag=None):
        self.what, self.servers, self.nodes = what, servers, nodes
        self.ring, self.key_hash, self.tag = ring, key_hash, tag


def make_cases(ports, hosts, paths):
    weights = [1, 2, 3, 7, 1, 20, 5, 1, 4, 2]
    lists = {
        "1 node": (ports, [Node(a) for a in ports.addresses[:1]]),
        "3 nodes": (ports, [Node(a) for a in ports.addresses[:3]]),
        "10 weighted": (ports, [Node(a, w) for a, w in zip(ports.addresses, weights)]),
        "10 named": (ports, [Node(a, 1, n) for a, n in zip(ports.addresses, NAMES)]),
        "25 nodes": (ports, [Node(a) for a in ports.addresses]),
        "3 UNIX sockets": (paths, [Node(a, 2) for a in paths.addresses]),
        "2 far apart": (ports, [Node(ports.addresses[0], 1000), Node(ports.addresses[1])]),
    }
    if hosts:
        nodes = [Node(a, i + 1) for i, a in enumerate(hosts.addresses)]
        lists["3 on the default port"] = (hosts, nodes)
    cases = []
    for what, (servers, nodes) in lists.items():
        hashes = HASHES if what == "10 weighted" else ["md5", "fnv1a_64"]
        cases += [Case(what, servers, nodes, r, h) for r in RINGS for h in hashes]
    servers, nodes = lists["10 named"]
    for tag in ("{}", "$$", ":}"):
        cases += [Case(f"tag {tag}", servers, nodes, ring, "fnv1a_64", tag) for ring in RINGS]
    return cases


def write_config(path, cases, folder):
    with open(path, "w", encoding="ascii") as file:
        for i, case in enumerate(cases):
            file.write(f"pool{i}:\n  listen: {folder}/pool{i}.sock 0600\n")
            file.write(f"  hash: {case.key_hash}\n  distribution: {case.ring}\n")
            file.write("  auto_eject_hosts: false\n  timeout: 20000\n")
            if case.tag:
                file.write(f'  hash_tag: "{case.tag}"\n')
            file.write("  servers:\n")
            file.writelines(f"    - {node.theirs()}\n" for node in case.nodes)


def ask(path, keys):
    """Sends a get for each key through the proxy and waits for all answers."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(30)
        connection.connect(path)
        for start in range(0, len(keys), 200):
            batch = keys[start : start + 200]
            connection.sendall(b"".join(b"get " + key + b"\r\n" for key in batch))
            answer = b""
            while answer.count(b"\r\n") < len(batch):
                data = connection.recv(1 << 16)
                if not data:
                    raise ConnectionError("nutcracker closed the connection")
                answer += data
            if answer != b"END\r\n" * len(batch):
                raise ValueError(f"unexpected answer {answer[:200]!r}")


def wait_for_proxy(process, paths):
    deadline = time.monotonic() + 20
    while not all(os.path.exists(path) for path in paths):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"nutcracker did not start: {process.stderr.read()!r}")
        time.sleep(0.01)  # between two looks; nothing depends on how long


def run(nutcracker, tool, folder, report):
    servers = [
        RecordingServers([("127.0.0.1", 0)] * 25),
        on_default_port(78),
        RecordingServers([os.path.join(folder, f"{i}.sock") for i in range(3)]),
    ]
    cases = make_cases(*servers)
    config = os.path.join(folder, "nutcracker.yml")
    write_config(config, cases, folder)
    command = [nutcracker, "-c", config, "-s", str(free_port()), "-a", "127.0.0.1", "-v", "1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        listeners = [f"{folder}/pool{i}.sock" for i in range(len(cases))]
        wait_for_proxy(process, listeners)
        keys = make_keys(KEY_COUNT)
        for case, listener in zip(cases, listeners):
            case.servers.take()
            ask(listener, keys)
            theirs = case.servers.take()
            ours_list = [node.ours() for node in case.nodes]
            ours = place(tool, RINGS[case.ring], case.key_hash, case.tag, ours_list, keys)
            report.compare(f"{case.ring}, {case.key_hash}, {case.what}", keys, theirs, ours)
    finally:
        process.terminate()
        process.wait()
        for group in filter(None, servers):
            group.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ring-place", required=True)
    tool = parser.parse_args().ring_place
    nutcracker = shutil.which("nutcracker") or shutil.which("nutcracker", path="/usr/sbin")
    if nutcracker is None:
        sys.exit("nutcracker is not installed")
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        run(nutcracker, tool, folder, report)
    report.finish()


if __name__ == "__main__":
    main()
