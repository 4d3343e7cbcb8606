"""Fake memcached servers that note which keys they were asked for.

They speak as much of the text protocol as a client needs to send gets: get, gets, version, quit.
Any number of them runs on one thread, so a ring of 25 nodes costs nothing.
"""
import os
import selectors
import socket
import subprocess
import sys
import threading


class RecordingServers:
    """`addresses`: (host, port), port 0 for a free one, or a path for a UNIX socket."""

    def __init__(self, addresses):
        self._selector = selectors.DefaultSelector()
        self._owner = {}
        self._stop_read, self._stop_write = os.pipe()
        self._selector.register(self._stop_read, selectors.EVENT_READ, None)
        self.addresses = []
        for index, address in enumerate(addresses):
            family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
            listener = socket.socket(family, socket.SOCK_STREAM)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(64)
            self.addresses.append(listener.getsockname())
            self._selector.register(listener, selectors.EVENT_READ, (index, None))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def take(self):
        """key -> index of the server that was asked for it, since the last take().

        Call it when every answer has arrived, so that the thread has nothing left to note.
        """
        owner, self._owner = self._owner, {}
        return owner

    def close(self):
        os.write(self._stop_write, b"x")
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            if key.data is not None:
                key.fileobj.close()
        os.close(self._stop_read)
        os.close(self._stop_write)

    def _run(self):
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    return
                index, pending = key.data
                if pending is None:
                    connection, _ = key.fileobj.accept()
                    self._selector.register(connection, selectors.EVENT_READ, (index, bytearray()))
                elif not self._serve(key.fileobj, index, pending):
                    self._selector.unregister(key.fileobj)
                    key.fileobj.close()

    def _serve(self, connection, index, pending):
        try:
            data = connection.recv(1 << 16)
        except ConnectionError:
            return False
        if not data:
            return False
        pending += data
        lines = pending.split(b"\n")
        pending[:] = lines.pop()
        answers = []
        for line in lines:
            words = bytes(line).split()
            if words and words[0] in (b"get", b"gets"):
                for key in words[1:]:
                    self._owner[key] = index
                answers.append(b"END\r\n")
            elif words and words[0] == b"version":
                answers.append(b"VERSION 1.6.18\r\n")
            elif words and words[0] == b"quit":
                return False
            else:
                answers.append(b"ERROR\r\n")
        connection.sendall(b"".join(answers))
        return True


def on_default_port(network):
    """Three servers on port 11211 of three loopback addresses, or None where the port is taken.

    Clients leave the default port out of a server's name, so it needs lists of its own.
    """
    try:
        return RecordingServers([(f"127.{network}.{i}.{i + 3}", 11211) for i in range(3)])
    except OSError as error:
        print(f"lists on the default port are left out: {error}")
        return None


def make_keys(count):
    """Keys as they come, and as they break a hash: short, long, sequential, tagged, not ASCII."""
    import random

    chooser = random.Random(20240229)
    keys = {}
    shapes = [
        lambda i: b"user:%d" % i,
        lambda i: b"session:{%d}:profile" % (i % 500),
        lambda i: b"a{}b%d" % i,
        lambda i: b"open{%d" % i,
        lambda i: b"x{%d}{%d}" % (i, i + 1),
        lambda i: bytes(chooser.choices(b"abcdefghijklmnopqrstuvwxyz0123456789._-:/",
                                        k=chooser.randint(1, 40))),
        lambda i: bytes(chooser.choices(range(33, 127), k=chooser.randint(1, 250))),
        lambda i: bytes(chooser.choices(range(0x80, 0x100), k=chooser.randint(1, 30))) + b"%d" % i,
    ]
    i = 0
    while len(keys) < count:
        keys[shapes[i % len(shapes)](i)] = None
        i += 1
    return list(keys)


def place(tool, ring, key_hash, tag, nodes, keys):
    """Where our rings put the keys: a list of indices into `nodes`."""
    run = subprocess.run(
        [tool, ring, key_hash, tag or "-"] + nodes,
        input=b"\n".join(keys) + b"\n",
        stdout=subprocess.PIPE,
        check=True,
    )
    owners = [int(line) for line in run.stdout.split()]
    assert len(owners) == len(keys), (len(owners), len(keys))
    return owners


class Report:
    """Counts comparisons and says which went wrong."""

    def __init__(self):
        self.compared = 0
        self.failed = 0

    def compare(self, what, keys, theirs, ours):
        missing = [key for key in keys if key not in theirs]
        wrong = [(key, theirs[key], o) for key, o in zip(keys, ours) if theirs.get(key, o) != o]
        self.compared += len(keys)
        if missing or wrong:
            self.failed += 1
            print(f"MISMATCH {what}: {len(wrong)} of {len(keys)} keys, {len(missing)} never seen")
            for key, their, our in wrong[:5]:
                print(f"   {key!r}: theirs {their}, ours {our}")
        else:
            print(f"ok {what}: {len(keys)} keys, {len(set(ours))} nodes used")

    def finish(self):
        print(f"{self.compared} placements compared, {self.failed} lists with a mismatch")
        sys.exit(1 if self.failed or self.compared == 0 else 0)
