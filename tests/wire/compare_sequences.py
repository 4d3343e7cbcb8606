#!/usr/bin/env python3
"""Sends the same random commands to a memcached and to our node, and compares every answer.

    compare_sequences.py REFERENCE OURS [--seed N] [--rounds N]

The servers are given as for compare_memcached.py, whose lines say what each command answers; this
says that what the commands leave behind is the same. A round starts with an empty cache and asks
COMMANDS_PER_ROUND commands about few keys, so that they meet each other. Times to live are never,
about 100 or about 5000 seconds: far enough apart that a slow machine changes no answer.

A difference is printed with its seed and the fewest commands that still show it, sent anew.
--seed, or RINGCACHE_SEED, makes other choices; each round has a seed of its own, counted up.
Exit code: 0 all equal or as documented, 1 a difference, or a server that does not start.
"""

import argparse
import os
import random
import re
import sys

from compare_memcached import Server, receive

COMMANDS_PER_ROUND = 200
TIMEOUT_S = 20.0
END = b"MN\r\n"

BINARY_KEY = "ZGQ="  # as base64 the key dd, else itself
KEYS = ["a", "b", "dd", BINARY_KEY]
TTLS = ["0", "100", "5000"]
# Below 2^63: what memcached makes of a larger number hangs on the bytes that follow it in memory.
DELTAS = ["0", "1", "10", "900"]
VALUES = ["", "1", "12", "99", "abc", "-5", "5 ", " 5", "007", "123456789012345678901"]
# The cas number of the key at this moment, which the two servers count differently, and its
# neighbours: see `resolve`.
CAS_NUMBERS = ["{cas}", "{cas}", "{cas-1}", "{cas+1}", "0", "1"]

# What differs and may; docs/protocol.md, "Where we differ". Not asked at all, because it would
# leave the caches different: flags that only our node knows (E, md x, ms N), opaques that are too
# long, values that are too large, numbers in front of 16 KiB, ma T of a number that grows, and
# flush_all with a delay, which in memcached brings back what an earlier flush_all has flushed.


def ignore_binary_mark(_, answer):
    """memcached forgets that a key is binary unless ms has made the item and nothing changed it."""
    return re.sub(rf"(?m)^(.* k|ME )(?:{BINARY_KEY} b|{BINARY_KEY}|dd)(?= |\r)", r"\1(dd)", answer)


def ignore_debug_sign(_, answer):
    """memcached prints the ttl of me with a minus."""
    return re.sub(r"^(ME .* exp=)-(?!1 )", r"\1", answer)


def ignore_quiet_creation(command, answer):
    """memcached 1.6.18 does not let q hide the HD of an item that ma has made."""
    words = command.split()
    if words[0] == "ma" and "q" in words and any(word[0] == "N" for word in words[2:]):
        return re.sub(r"^(HD.*\r\n|VA.*\r\n.*\r\n)$", "", answer)
    return answer


# And what differs by nature.


def ignore_counts(command, answer):
    """Cas numbers, seconds since the last access, places and sizes in memory."""
    if command.startswith("gets") or command.startswith("gats"):
        return re.sub(r"(?m)^(VALUE \S+ \d+ \d+) \d+", r"\1 #", answer)
    if command.startswith("me "):
        return re.sub(r" (cas|la|cls|size)=\d+", r" \1=#", answer)
    return re.sub(r"(?<= )([cl])\d+(?=[ \r])", r"\1#", answer) if command[0] == "m" else answer


def round_ttl(_, answer):
    """A second may have passed for one of them."""

    def rounded(match):
        for ttl in (100, 5000):
            if ttl - 60 < int(match[2]) <= ttl:
                return f"{match[1]}~{ttl}"
        return match[0]

    return re.sub(r"( t| exp=)(\d+)", rounded, answer)


NORMALISERS = [
    ignore_debug_sign,
    ignore_quiet_creation,
    ignore_binary_mark,
    ignore_counts,
    round_ttl,
]


def normalised(command, answer):
    for normalise in NORMALISERS:
        answer = normalise(command, answer)
    return answer


class Commands:
    """Random commands, of which some refer to what a server has: see CAS_NUMBERS."""

    def __init__(self, seed):
        self.choice = random.Random(seed)

    def one_of(self, values):
        return self.choice.choice(values)

    def value(self):
        if self.choice.random() < 0.2:
            return "x" * self.one_of([30, 600])
        return self.one_of(VALUES)

    def flag(self, letter, modes):
        arguments = {
            "C": CAS_NUMBERS,
            "D": DELTAS,
            "F": ["0", "1", "2"],
            "J": ["0", "7"],
            "M": modes,
            "N": TTLS,
            "O": ["1", "22"],
            "R": ["30", "200", "6000", "0", "-1"],
            "T": TTLS,
        }
        return letter + self.one_of(arguments.get(letter, [""]))

    def flags(self, letters, count_max, modes=()):
        chosen = self.choice.sample(letters, self.choice.randint(0, count_max))
        return "".join(" " + self.flag(letter, modes) for letter in chosen)

    def meta_key(self):
        key = self.one_of(KEYS)
        return key, " b" if key == BINARY_KEY and self.choice.random() < 0.8 else ""

    def store(self):
        value, noreply = self.value(), self.one_of(["", "", " noreply"])
        numbers = f"{self.one_of(KEYS)} {self.choice.randrange(3)} {self.one_of(TTLS)} {len(value)}"
        name = self.one_of(["set", "add", "replace", "append", "prepend", "cas"])
        if name == "cas":
            numbers += " " + self.one_of(CAS_NUMBERS)
        return f"{name} {numbers}{noreply}\r\n{value}\r\n"

    def text(self):
        key, noreply = self.one_of(KEYS), self.one_of(["", "", " noreply"])
        return self.one_of(
            [
                f"get {key} {self.one_of(KEYS)}",
                f"gets {key}",
                f"gat {self.one_of(TTLS)} {key} {self.one_of(KEYS)}",
                f"gats {self.one_of(TTLS)} {key}",
                f"incr {key} {self.one_of(DELTAS)}{noreply}",
                f"decr {key} {self.one_of(DELTAS)}{noreply}",
                f"touch {key} {self.one_of(TTLS)}{noreply}",
                f"delete {key}{noreply}",
            ]
        )

    def meta(self):
        key, binary = self.meta_key()
        name = self.one_of(["mg", "mg", "ms", "md", "ma", "ma", "me"])
        if name == "mg":
            return f"mg {key}{binary}{self.flags('cfhklOqstuvNRT', 9)}\r\n"
        if name == "ms":
            value = self.value()
            flags = self.flags("cCFIkOqTM", 6, "EAPRS")
            return f"ms {key} {len(value)}{binary}{flags}\r\n{value}\r\n"
        if name == "md":
            return f"md {key}{binary}{self.flags('CIkOqT', 4)}\r\n"
        if name == "ma" and self.choice.random() < 0.5:
            return f"ma {key}{binary}{self.flags('CNJDMqtcvkO', 8, 'I+D-')}\r\n"
        if name == "ma":
            return f"ma {key}{binary} MD{self.flags('CNJDTqtcvkO', 8)}\r\n"
        return f"me {key}{binary}\r\n"

    def next(self):
        draw = self.choice.random()
        if draw < 0.005:
            return f"flush_all{self.one_of(['', ' 0'])}{self.one_of(['', ' noreply'])}\r\n"
        if draw < 0.2:
            return self.store()
        return self.text() + "\r\n" if draw < 0.4 else self.meta()


class Client:
    def __init__(self, server):
        self.connection = server.connect()

    def ask(self, command):
        self.connection.sendall(command.encode() + b"mn\r\n")
        answer, closed = receive(self.connection, lambda answer: answer.endswith(END))
        answer = answer[: -len(END)] if answer.endswith(END) else answer + b"(NO END)"
        return answer.decode("latin1") + ("(CLOSED)" if closed else "")

    def resolve(self, command):
        """The command with the cas number that this server has for its key; 2^40 without one."""
        if "{cas" not in command:
            return command
        words = command.split()
        binary = " b" if command[0] == "m" and "b" in words[2:] else ""
        match = re.search(r" cas=(\d+)", self.ask(f"me {words[1]}{binary}\r\n"))
        cas = int(match[1]) if match else 1 << 40
        return re.sub(r"\{cas([-+]1)?\}", lambda change: str(cas + int(change[1] or 0)), command)


def compare(clients, command):
    """-> None, or the two answers as they came."""
    answers = [client.ask(client.resolve(command)) for client in clients]
    if len({normalised(command, answer) for answer in answers}) == 1:
        return None
    return answers


def first_difference(clients, commands):
    """-> None, or (index, answers) of the first command that is answered differently."""
    for client in clients:
        client.ask("flush_all\r\n")
    for index, command in enumerate(commands):
        answers = compare(clients, command)
        if answers is not None:
            return index, answers
    return None


def shortest(clients, commands):
    """Drops commands, most at a time first, as long as the rest still shows a difference."""
    dropped = len(commands) // 2
    while dropped > 0:
        at = 0
        while at < len(commands):
            rest = commands[:at] + commands[at + dropped :]
            difference = first_difference(clients, rest)
            if difference is None:
                at += dropped
            else:
                commands = rest[: difference[0] + 1]
        dropped //= 2
    return commands


def printable(command):
    text = repr(command)
    return text if len(text) < 150 else text[:100] + "..." + text[-20:]


def report(seed, clients, commands, answers):
    print(f"FAIL seed {seed}: {printable(commands[-1])}")
    fewest = shortest(clients, commands)
    again = first_difference(clients, fewest)
    if again is None:  # it does not show every time
        fewest = commands
    else:
        answers = again[1]
    for command in fewest:
        print("  ", printable(command))
    print("   reference:", printable(answers[0]))
    print("   ours:     ", printable(answers[1]))


def run_rounds(clients, seed, rounds):
    for number in range(seed, seed + rounds):
        source = Commands(number)
        commands = [source.next() for _ in range(COMMANDS_PER_ROUND)]
        difference = first_difference(clients, commands)
        if difference is not None:
            report(number, clients, commands[: difference[0] + 1], difference[1])
            return 1
    return 0


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("reference")
    arguments.add_argument("ours")
    arguments.add_argument("--seed", type=int, default=int(os.environ.get("RINGCACHE_SEED", "1")))
    arguments.add_argument("--rounds", type=int, default=50)
    options = arguments.parse_args()

    servers = []
    try:
        for spec in (options.reference, options.ours):
            servers.append(Server(spec, TIMEOUT_S))
        clients = [Client(server) for server in servers]
        failures = run_rounds(clients, options.seed, options.rounds)
    finally:
        for server in servers:
            server.stop()
    print(f"{options.rounds} rounds of {COMMANDS_PER_ROUND} commands from seed {options.seed}")
    return failures


if __name__ == "__main__":
    sys.exit(main())
