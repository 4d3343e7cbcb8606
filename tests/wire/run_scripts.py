#!/usr/bin/env python3
"""Runs wire scripts against a server that it starts, and compares every byte that comes back.

    run_scripts.py COMMAND SCRIPT... [--with ARGS]... [-v]

COMMAND starts the server, with {port} in it. --with: arguments to add; the scripts run once for
each (several configurations, one truth). The format of a script:

    # a comment
    server -m 8 -I 512k     arguments of the server, before the first case
    = name                  a case starts: new connections, an empty cache
    > text                  sends text and CRLF (no CRLF if the line ends in a backslash)
    < text                  exactly this must come back, and CRLF
    b> text, b< text        the same on a second connection; any lower-case letter is one
    <close                  the server closes the connection
    end                     we end our side (b end: connection b)
    + name 3                `stats` counts 3 more of name than at the start of the case
    cut 7                   what is sent goes in pieces of 7 bytes

Escapes: \\r \\n \\t \\0 \\\\ \\xff. {{x*250}} is x 250 times. In what is expected {{number}} is any
number; {{cas}} remembers it, and {{cas}} in what is sent is the last one remembered.

Each case runs as it is, and once more cut into pieces of 3 bytes if it is short. Nothing waits for
time to pass; --timeout only bounds a server that hangs. Exit code: 0 as scripted, 1 not, 2 usage.
"""

import argparse
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from ports import free_port

CUT_BYTES = 3
CUT_SENDS_BYTES_MAX = 400
SIMPLE_ESCAPES = {"r": 13, "n": 10, "t": 9, "0": 0, "\\": 92}
LINE = re.compile(r"^(?P<connection>[a-z])?(?P<tag>[<>])(?P<close>close$)?(?: (?P<text>.*))?$")


class ScriptError(Exception):
    pass


class Step:
    def __init__(self, kind, connection, value=None):
        self.kind = kind  # send, expect, close, end, count
        self.connection = connection
        self.value = value


class Case:
    def __init__(self, name, place):
        self.name = name
        self.place = place
        self.steps = []
        self.cut = None

    def sent_bytes(self):
        return sum(len(expand(step.value, b"")) for step in self.steps if step.kind == "send")


class Script:
    def __init__(self, path):
        self.arguments = []
        self.cases = []
        with open(path, encoding="ascii") as lines:
            for number, line in enumerate(lines, 1):
                place = f"{path}:{number}"
                try:
                    self.read_line(line.rstrip("\n"), place)
                except (IndexError, KeyError, ValueError) as error:
                    raise ScriptError(f"{place}: {line.rstrip()!r}: {error}") from error

    def read_line(self, line, place):
        if not line or line.startswith("#"):
            return
        word, _, rest = line.partition(" ")
        if word == "=":
            self.cases.append(Case(rest, place))
        elif word == "server":
            self.arguments = shlex.split(rest)
        elif word == "cut":
            self.cases[-1].cut = int(rest)
        elif word == "+":
            name, _, delta = rest.partition(" ")
            self.cases[-1].steps.append(Step("count", None, (name, int(delta))))
        elif word == "end" or rest == "end":
            connection = "a" if word == "end" else word
            self.cases[-1].steps.append(Step("end", connection))
        else:
            self.read_exchange(line)

    def read_exchange(self, line):
        match = LINE.match(line)
        if not match:
            raise ValueError("not a line of a script")
        connection = match["connection"] or "a"
        steps = self.cases[-1].steps
        if match["close"]:
            steps.append(Step("close", connection))
            return
        kind = "send" if match["tag"] == ">" else "expect"
        wire = unescape(wire_line(match["text"] or ""))
        last = steps[-1] if steps else None
        if last and last.kind == kind and last.connection == connection:
            last.value += wire
        else:
            steps.append(Step(kind, connection, wire))


def wire_line(text):
    keeps_open = text.endswith("\\") and not text.endswith("\\\\")
    return text[:-1] if keeps_open else text + "\\r\\n"


def unescape(text):
    out = bytearray()
    i = 0
    while i < len(text):
        if text[i] != "\\":
            out += text[i].encode()
            i += 1
        elif text[i + 1] == "x":
            out.append(int(text[i + 2 : i + 4], 16))
            i += 4
        else:
            out.append(SIMPLE_ESCAPES[text[i + 1]])
            i += 2
    return bytes(out)


def expand(wire, cas):
    out = re.sub(rb"\{\{([^*{}]+)\*(\d+)\}\}", lambda m: m[1] * int(m[2]), wire)
    return out.replace(b"{{cas}}", cas)


def pattern(wire):
    out = b""
    for piece in re.split(rb"(\{\{(?:number|cas)\}\})", wire):
        if piece == b"{{number}}":
            out += rb"-?\d+"
        elif piece == b"{{cas}}":
            out += rb"(\d+)"
        else:
            out += re.escape(expand(piece, b""))
    return re.compile(out)


class Connection:
    def __init__(self, port, timeout):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""

    def send(self, data, cut):
        try:
            for at in range(0, len(data), cut or len(data) or 1):
                self.socket.sendall(data[at : at + cut] if cut else data)
        except ConnectionError:
            pass  # the server closed; the next step says whether it should have

    def expect(self, wire):
        """The bytes are as many as the pattern takes; numbers are read to the end of their line."""
        wanted = pattern(wire)
        while True:
            match = wanted.match(self.received)
            if match and not self.could_grow(wire, match):
                self.received = self.received[match.end() :]
                return match
            if not self.read_more():
                raise AssertionError(f"expected {shown(wire)}, got {shown(self.received)}")
            if len(self.received) > 2 * len(expand(wire, b"")) + 65536:
                raise AssertionError(f"expected {shown(wire)}, got {shown(self.received)}")

    def could_grow(self, wire, match):
        return wire.endswith(b"}}") and match.end() == len(self.received)

    def read_more(self):
        try:
            data = self.socket.recv(1 << 20)
        except (TimeoutError, ConnectionError):
            return False
        self.received += data
        return bool(data)

    def expect_close(self):
        while self.read_more():
            pass
        if self.received:
            raise AssertionError(f"expected a close, got {shown(self.received)}")

    def expect_nothing_more(self):
        """What is unread would be in front of this answer."""
        try:
            self.socket.sendall(b"mn\r\n")
        except OSError:
            return
        self.expect(b"MN\r\n")


def shown(data):
    return repr(data if len(data) <= 200 else data[:120] + b" ... " + data[-60:])


class Server:
    def __init__(self, command, arguments, timeout):
        self.timeout = timeout
        self.port = free_port()
        words = [word.replace("{port}", str(self.port)) for word in shlex.split(command)]
        self.process = subprocess.Popen(words + arguments)
        self.wait_until_it_listens()

    def wait_until_it_listens(self):
        while self.process.poll() is None:
            try:
                self.connect().socket.close()
                return
            except ConnectionRefusedError:
                time.sleep(0.01)
        raise ScriptError(f"the server ended with {self.process.returncode}")

    def connect(self):
        return Connection(self.port, self.timeout)

    def stats(self):
        connection = self.connect()
        connection.socket.sendall(b"stats\r\nquit\r\n")
        while connection.read_more():
            pass
        lines = connection.received.decode().split("\r\n")
        return dict(line.split(" ", 2)[1:] for line in lines if line.startswith("STAT "))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=self.timeout)


def run_case(server, case, cut):
    preparing = server.connect()
    preparing.socket.sendall(b"flush_all\r\n")
    preparing.expect(b"OK\r\n")
    counts_before = server.stats() if any(s.kind == "count" for s in case.steps) else {}
    connections = {}
    closed = set()
    cas = b""
    for step in case.steps:
        if step.kind == "count":
            name, delta = step.value
            now = int(server.stats()[name]) - int(counts_before[name])
            if now != delta:
                raise AssertionError(f"{name} counted {now} more, not {delta}")
            continue
        if step.connection not in connections:
            connections[step.connection] = server.connect()
        connection = connections[step.connection]
        if step.kind == "send":
            connection.send(expand(step.value, cas), case.cut or cut)
        elif step.kind == "expect":
            match = connection.expect(step.value)
            cas = match.group(match.lastindex) if match.lastindex else cas
        elif step.kind == "end":
            connection.socket.shutdown(socket.SHUT_WR)
            closed.add(step.connection)
        else:
            connection.expect_close()
            closed.add(step.connection)
    for name in connections.keys() - closed:
        connections[name].expect_nothing_more()


def run_script(script, command, arguments, options):
    failures = 0
    server = Server(command, script.arguments + arguments, options.timeout)
    for case in script.cases:
        cuts = [None]
        if case.cut is None and case.sent_bytes() <= CUT_SENDS_BYTES_MAX:
            cuts.append(CUT_BYTES)
        for cut in cuts:
            how = " ".join(arguments) + (f", in pieces of {cut} bytes" if cut else "")
            try:
                run_case(server, case, cut)
                if options.verbose:
                    print(f"ok    {case.name} ({how})")
            except (AssertionError, OSError) as error:
                failures += 1
                print(f"FAIL  {case.name} ({how}) {case.place}\n      {error}")
    status = server.stop()
    if status != 0:
        failures += 1
        print(f"FAIL  the server ended with {status} after SIGTERM")
    return failures


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].strip())
    parser.add_argument("command")
    parser.add_argument("scripts", nargs="+")
    parser.add_argument("--with", dest="configurations", action="append", default=[])
    parser.add_argument("--timeout", type=float, default=30)
    parser.add_argument("-v", "--verbose", action="store_true")
    options = parser.parse_args()
    failures = 0
    cases = 0
    try:
        for path in options.scripts:
            script = Script(path)
            for configuration in options.configurations or [""]:
                cases += len(script.cases)
                failures += run_script(
                    script, options.command, shlex.split(configuration), options
                )
    except ScriptError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{cases} cases, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
