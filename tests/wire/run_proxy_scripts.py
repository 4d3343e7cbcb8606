#!/usr/bin/python3
"""Runs proxy_scripts.txt: a real proxy between a scripted client and scripted nodes.

    run_proxy_scripts.py PROXY_BINARY [--only TEXT] [-v]

Nothing sleeps: every step waits for the bytes, the connection or the metric it names, up to a
generous limit that only a failure reaches.
"""
import argparse
import errno
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

WAIT_S = 20
NODES = ("a", "b", "d")
HERE = os.path.dirname(os.path.abspath(__file__))


class Failure(Exception):
    """A step that did not come out as the script says."""


def unescape(text):
    """The bytes that a step's text stands for."""
    text = re.sub(r"\{(\d+)\*(.)\}", lambda m: m.group(2) * int(m.group(1)), text)
    simple = {"r": b"\r", "n": b"\n", "0": b"\0", "\\": b"\\"}
    out, i = bytearray(), 0
    while i < len(text):
        if text[i] != "\\":
            out += text[i].encode()
            i += 1
        elif text[i + 1] == "x":
            out.append(int(text[i + 2:i + 4], 16))
            i += 4
        else:
            out += simple[text[i + 1]]
            i += 2
    return bytes(out)


def read_scripts(path):
    """[(name, [(line number, step)])]"""
    scripts = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip("\n")
            if line.startswith("== "):
                scripts.append((line[3:], []))
            elif line and not line.startswith("#"):
                scripts[-1][1].append((number, line))
    return scripts


def receive(sock, wanted):
    """Reads until `wanted` has come; fails at the first byte that differs."""
    got = b""
    deadline = time.monotonic() + WAIT_S
    while len(got) < len(wanted):
        sock.settimeout(max(0.01, deadline - time.monotonic()))
        try:
            piece = sock.recv(len(wanted) - len(got))
        except socket.timeout:
            raise Failure(f"nothing more came; wanted {wanted!r}, got {got!r}") from None
        if not piece:
            raise Failure(f"connection ended; wanted {wanted!r}, got {got!r}")
        got += piece
        if not wanted.startswith(got):
            raise Failure(f"wanted {wanted!r}, got {got!r}")


class Node:
    """A fake node: a listening socket and the newest connection of the proxy."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.connection = None

    def accept(self):
        self.listener.settimeout(WAIT_S)
        try:
            self.connection, _ = self.listener.accept()
        except socket.timeout:
            raise Failure("the proxy did not connect") from None
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def deaf(self):
        self.listener.close()
        self.close()


class Run:
    """One script: a proxy, its fake nodes, its clients."""

    def __init__(self, binary, folder):
        self.nodes = {name: Node() for name in NODES}
        pools = {name: {"prefixes": [name + ":"] if name != "a" else [],
                        "nodes": [{"name": name, "address": self.nodes[name].address}],
                        "coalesce": name == "d",
                        "rate_limit": {"prefixes": [
                            {"prefix": "slow:", "gets": {"per_second": 1, "burst": 2},
                             "sets": {"per_second": 1}}]},
                        "timeouts": {"connect": "2s", "request": "300ms"},
                        "health": {"fall": 3, "interval": "60s", "timeout": "10s"}}
                 for name in NODES}
        config = {"listen": ["unix:" + os.path.join(folder, "proxy.sock")], "threads": 1,
                  "admin": {"listen": "127.0.0.1:0"},
                  "limits": {"item_size": "1KiB", "pending_per_node": 6, "pipeline_per_client": 8},
                  "pools": pools}
        self.path = os.path.join(folder, "proxy.sock")
        file = os.path.join(folder, "proxy.json")
        with open(file, "w", encoding="utf-8") as out:
            json.dump(config, out)
        self.log = os.path.join(folder, "proxy.log")
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen([binary, "-c", file], stderr=open(self.log, "wb"))
        self.clients = {}
        try:
            self.admin = self.wait_for_admin()
            for node in self.nodes.values():
                node.accept()
            self.before = self.metrics()
        except Exception:
            self.stop()
            raise

    def wait_for_admin(self):
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            with open(self.log, encoding="utf-8") as log:
                found = re.search(r"metrics on (http://\S+)", log.read())
            if found:
                return found.group(1)
            if self.process.poll() is not None:
                break
            select.select([], [], [], 0.01)
        raise Failure("the proxy did not start")

    def metrics(self):
        with urllib.request.urlopen(self.admin, timeout=WAIT_S) as answer:
            lines = answer.read().decode().splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {name.removeprefix("ringcache_proxy_"): float(value) for name, value in pairs}

    def expect_metric(self, text):
        name, grown = text.rsplit(" ", 1)
        if name not in self.before:
            raise Failure(f"{name} did not exist at the start")
        wanted = self.before[name] + float(grown)
        deadline = time.monotonic() + WAIT_S
        while (value := self.metrics()[name]) != wanted:
            if time.monotonic() > deadline:
                raise Failure(f"{name} is {value}, wanted {wanted}")

    def client(self, name):
        if name not in self.clients:
            sock = socket.socket(socket.AF_UNIX)
            sock.connect(self.path)
            self.clients[name] = sock
        return self.clients[name]

    def step(self, text):
        who, rest = text.split(" ", 1)
        rest = rest.strip()
        if who == "m":
            return self.expect_metric(rest)
        name, action = who[:-1], who[-1]
        if action == "!":
            return self.act(name, rest)
        sock = self.nodes[name].connection if name in self.nodes else self.client(name)
        if action == ">":
            return sock.sendall(unescape(rest))
        if rest == "EOF":
            sock.settimeout(WAIT_S)
            left = sock.recv(100)
            if left:
                raise Failure(f"wanted the end, got {left!r}")
            return None
        return receive(sock, unescape(rest))

    def act(self, name, what):
        if name in self.nodes:
            return getattr(self.nodes[name], what)()
        if what == "end":
            return self.client(name).shutdown(socket.SHUT_WR)
        return self.client(name).close()

    def nothing_left(self):
        """No client receives more than the script told of, up to the end of its connection."""
        for name, sock in self.clients.items():
            if sock.fileno() < 0:
                continue
            try:
                sock.shutdown(socket.SHUT_WR)
                sock.settimeout(WAIT_S)
                extra = sock.recv(4096)
            except OSError as error:
                if error.errno not in (errno.ENOTCONN, errno.ECONNRESET):
                    raise Failure(f"{name}: {error}") from error
                extra = b""
            if extra:
                raise Failure(f"{name} also received {extra!r}")

    def stop(self):
        for sock in self.clients.values():
            sock.close()
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(WAIT_S)
        for node in self.nodes.values():
            node.deaf()
        return status


def run_script(binary, name, steps, verbose):
    with tempfile.TemporaryDirectory() as folder:
        run = None
        number, text = 0, "start"
        try:
            run = Run(binary, folder)
            for number, text in steps:
                run.step(text)
            run.nothing_left()
        except Failure as failure:
            print(f"FAIL {name}\n     line {number}: {text[:200]}\n     {failure}")
            if verbose and run:
                with open(run.log, encoding="utf-8") as log:
                    print(log.read())
            return False
        finally:
            status = run.stop() if run else 0
        if status != 0:
            with open(run.log, encoding="utf-8") as log:
                print(f"FAIL {name}\n     the proxy ended with {status}\n{log.read()}")
            return False
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("proxy")
    parser.add_argument("--only", default="", help="scripts whose name contains this")
    parser.add_argument("-v", "--verbose", action="store_true")
    arguments = parser.parse_args()
    scripts = [s for s in read_scripts(os.path.join(HERE, "proxy_scripts.txt"))
               if arguments.only in s[0]]
    good = sum(run_script(arguments.proxy, name, steps, arguments.verbose)
               for name, steps in scripts)
    print(f"{good} of {len(scripts)} scripts passed")
    return 0 if scripts and good == len(scripts) else 1


if __name__ == "__main__":
    sys.exit(main())
