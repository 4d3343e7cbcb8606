#!/usr/bin/env python3
"""Sends the cases of lines.txt to a memcached and to our node, and compares every answer.

    compare_memcached.py REFERENCE [OURS] [--cases FILE] [--only SUBSTRING] [-v]

Each server is host:port, or a command to start with {port} in it, which is then stopped at the end:
    compare_memcached.py 'memcached -U 0 -l 127.0.0.1 -p {port}' 'ringcache-node -p {port}'
Without OURS the reference is compared with itself. The format of the cases is in lines.txt.

Every case runs three times: on a fresh connection as one packet, on a fresh connection in pieces of
a few bytes, and on one connection together with other cases. A case is over when the answer to a
trailing "mg" with an opaque has come, so nothing waits for time to pass; --timeout only bounds a
server that hangs.
Exit code: 0 all equal or as documented, 1 a difference, or a server that does not start, 2 usage.
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

SENTINEL = b"mg wire-sentinel Owire-sentinel\r\n"
SENTINEL_ANSWER = b"EN Owire-sentinel\r\n"
PIECE_BYTES = 3
PIECES_SEND_BYTES_MAX = 300
PIPELINED_CASES = 8


class CaseError(Exception):
    pass


class Exchange:
    """What is sent, and the patterns of what must come back."""

    def __init__(self):
        self.send = ""
        self.expect = ""  # memcached's answer, and ours unless `ours` says otherwise
        self.ours = None


class Case:
    def __init__(self, name, line):
        self.name = name
        self.line = line
        self.exchanges = []
        self.ending = "open"  # open: answers go on; close: the server closes; wait: it wants more
        self.ours_ending = None
        self.reason = None  # of a documented difference
        self.alone = False  # not to be pipelined with others, nor cut in pieces


def unescape(text):
    """Text of a case -> bytes, {{x*3}} and {{number}} left alone."""
    out = bytearray()
    i = 0
    simple = {"r": 13, "n": 10, "t": 9, "0": 0, "\\": 92}
    while i < len(text):
        c = text[i]
        if c != "\\":
            out += c.encode()
            i += 1
        elif text[i + 1] == "x":
            out.append(int(text[i + 2 : i + 4], 16))
            i += 4
        else:
            out.append(simple[text[i + 1]])
            i += 2
    return bytes(out)


def expand(send, captured):
    def repeat(match):
        return unescape(match.group(1).decode()) * int(match.group(2))

    out = re.sub(rb"\{\{(.+?)\*(\d+)\}\}", repeat, send)
    return out.replace(b"{{captured}}", captured)


def pattern(expect):
    """Bytes with {{number}}, {{text}}, {{lines}} and {{x*3}} -> a regular expression."""
    parts = {
        b"number": rb"(-?\d+)",
        b"text": rb"[^\r\n]*",
        b"lines": rb"(?:[^\r\n]*\r\n)*?",
    }
    out = b""
    for piece in re.split(rb"(\{\{.+?\}\})", expect):
        if piece.startswith(b"{{") and piece[2:-2] in parts:
            out += parts[piece[2:-2]]
        else:
            out += re.escape(expand(piece, b""))
    return re.compile(out + rb"\Z", re.S)


def wire_line(text):
    """One > or < line: CRLF at its end unless it ends in a backslash."""
    return text[:-1] if text.endswith("\\") and not text.endswith("\\\\") else text + "\\r\\n"


def read_cases(path):
    cases = []
    with open(path, encoding="ascii") as lines:
        for number, raw in enumerate(lines, 1):
            line = raw.rstrip("\n")
            if not line or line.startswith("#"):
                continue
            tag, _, rest = line.partition(" ")
            try:
                read_case_line(cases, tag, rest, number)
            except (IndexError, KeyError, ValueError) as error:
                raise CaseError(f"{path}:{number}: {line!r}: {error}") from error
    names = [case.name for case in cases]
    for name in names:
        if names.count(name) > 1:
            raise CaseError(f"{path}: two cases are called {name!r}")
    return cases


def read_case_line(cases, tag, rest, number):
    if tag == "=":
        cases.append(Case(rest, number))
        return
    case = cases[-1]
    if tag == ">":
        last = case.exchanges[-1] if case.exchanges else None
        if last is None or last.expect or last.ours is not None:
            case.exchanges.append(Exchange())
        case.exchanges[-1].send += wire_line(rest)
    elif tag == "<":
        case.exchanges[-1].expect += wire_line(rest)
    elif tag == "<<":
        exchange = case.exchanges[-1]
        exchange.ours = (exchange.ours or "") + (wire_line(rest) if rest else "")
    elif tag == "<close":
        case.ending = "close"
    elif tag == "<wait":
        case.ending = "wait"
    elif tag == "<<close":
        case.ours_ending = "close"
    elif tag == "<<open":
        case.ours_ending = "open"
    elif tag == "<<wait":
        case.ours_ending = "wait"
    elif tag == "!":
        case.reason = rest
    elif tag == "alone":
        case.alone = True
    else:
        raise ValueError("unknown tag")


class Server:
    def __init__(self, spec, timeout):
        self.spec = spec
        self.timeout = timeout
        self.process = None
        match = re.fullmatch(r"([\w.\-]+|\[[0-9a-f:]+\]):(\d+)", spec)
        if match:
            self.address = (match.group(1).strip("[]"), int(match.group(2)))
            return
        port = free_port()
        self.address = ("127.0.0.1", port)
        command = shlex.split(spec.replace("{port}", str(port)))
        if os.path.basename(command[0]) == "memcached" and os.geteuid() == 0:
            command += ["-u", "nobody"]
        try:
            self.process = subprocess.Popen(command, start_new_session=True)
        except OSError as error:
            sys.exit(f"cannot start {command[0]}: {error}")
        self.wait_until_it_listens()

    def wait_until_it_listens(self):
        deadline = time.monotonic() + self.timeout
        while True:
            try:
                self.connect().close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    sys.exit(f"{self.spec} does not listen")
                time.sleep(0.02)  # there is no event for "it listens now"

    def connect(self):
        connection = socket.create_connection(self.address, self.timeout)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(self.timeout)

    def flush(self):
        with self.connect() as connection:
            connection.sendall(b"flush_all\r\n")
            if connection.recv(100) != b"OK\r\n":
                raise CaseError(f"{self.spec} does not flush")


def receive(connection, done):
    """Reads until done(answer) or the server closes. -> (answer, closed)"""
    answer = b""
    while not done(answer):
        try:
            data = connection.recv(1 << 20)
        except ConnectionResetError:
            data = b""
        except socket.timeout:
            return answer + b"(TIMEOUT)", False
        if not data:
            return answer, True
        answer += data
    return answer, False


def send(connection, data, piece_bytes):
    try:
        for i in range(0, len(data), piece_bytes or len(data) or 1):
            connection.sendall(data[i : i + (piece_bytes or len(data))])
    except (BrokenPipeError, ConnectionResetError):
        pass  # the server closed already; what it answered is read next


def run_exchange(connection, data, ending, piece_bytes):
    """-> (answer without the sentinel's, what became of the connection)"""
    if ending == "open":
        send(connection, data + SENTINEL, piece_bytes)
        answer, closed = receive(connection, lambda a: a.endswith(SENTINEL_ANSWER))
        if answer.endswith(SENTINEL_ANSWER):
            return answer[: -len(SENTINEL_ANSWER)], "open"
        return answer, "close" if closed else "wait"
    send(connection, data, piece_bytes)
    if ending == "wait":
        connection.shutdown(socket.SHUT_WR)  # what waits for more than this gives up
    answer, closed = receive(connection, lambda _: False)
    return answer, ending if closed else "open"


def check_answer(case, exchange, is_ours, answer):
    """-> (a difference or None, the last number captured)"""
    wanted = exchange.ours if is_ours and exchange.ours is not None else exchange.expect
    match = pattern(unescape(wanted)).match(answer)
    if not match:
        return f"expected {unescape(wanted)!r}\n      got      {answer!r}", b""
    return None, match.groups()[-1] if match.groups() else b""


def run_case(server, case, is_ours, piece_bytes):
    server.flush()
    ending = case.ours_ending if is_ours and case.ours_ending else case.ending
    captured = b""
    with server.connect() as connection:
        for exchange in case.exchanges:
            is_last = exchange is case.exchanges[-1]
            data = expand(unescape(exchange.send), captured)
            answer, became = run_exchange(
                connection, data, ending if is_last else "open", piece_bytes
            )
            difference, captured = check_answer(case, exchange, is_ours, answer)
            if difference is None and became != (ending if is_last else "open"):
                difference = f"expected the connection to {ending}, it is {became}"
            if difference is not None:
                return difference
    return None


def run_pipelined(server, cases, is_ours):
    """Several cases in one packet on one connection; the sentinel parts their answers."""
    data = b""
    for case in cases:
        data += b"flush_all noreply\r\n" + expand(unescape(case.exchanges[0].send), b"") + SENTINEL
    server.flush()
    with server.connect() as connection:
        send(connection, data, 0)
        answer, _ = receive(connection, lambda a: a.count(SENTINEL_ANSWER) >= len(cases))
    answers = answer.split(SENTINEL_ANSWER)
    for case, part in zip(cases, answers + [b"(nothing)"] * len(cases)):
        difference, _ = check_answer(case, case.exchanges[0], is_ours, part)
        if difference is not None:
            yield case, difference


def can_be_cut(case):
    return not case.alone and all(
        len(expand(unescape(e.send), b"")) <= PIECES_SEND_BYTES_MAX for e in case.exchanges
    )


def can_be_pipelined(case, is_ours):
    ending = case.ours_ending if is_ours and case.ours_ending else case.ending
    one = len(case.exchanges) == 1
    return one and ending == "open" and not case.alone


def run_all(server, cases, is_ours, verbose):
    who = "ours" if is_ours else "reference"
    failures = 0

    def report(case, how, difference):
        print(f"FAIL {who}, {how}: {case.name} (line {case.line})\n      {difference}")

    for case in cases:
        for how, piece_bytes in (("one packet", 0), ("in pieces", PIECE_BYTES)):
            if piece_bytes and not can_be_cut(case):
                continue
            difference = run_case(server, case, is_ours, piece_bytes)
            if difference is not None:
                failures += 1
                report(case, how, difference)
            elif verbose:
                print(f"ok   {who}, {how}: {case.name}")
    pipelined = [case for case in cases if can_be_pipelined(case, is_ours)]
    for i in range(0, len(pipelined), PIPELINED_CASES):
        for case, difference in run_pipelined(server, pipelined[i : i + PIPELINED_CASES], is_ours):
            failures += 1
            report(case, "pipelined", difference)
    return failures


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("reference")
    arguments.add_argument("ours", nargs="?")
    arguments.add_argument("--cases", default=os.path.join(here, "lines.txt"))
    arguments.add_argument("--only", default="", help="cases whose name contains this")
    arguments.add_argument("--timeout", type=float, default=20.0)
    arguments.add_argument("-v", "--verbose", action="store_true")
    options = arguments.parse_args()

    try:
        cases = [case for case in read_cases(options.cases) if options.only in case.name]
    except (CaseError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    differing = [case for case in cases if case.reason is not None]
    failures = 0
    servers = []
    try:
        for spec, is_ours in ((options.reference, False), (options.ours, True)):
            if spec is None:
                continue
            servers.append(Server(spec, options.timeout))
            failures += run_all(servers[-1], cases, is_ours, options.verbose)
    finally:
        for server in servers:
            server.stop()
    print(f"{len(cases)} cases, {len(differing)} documented differences, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
