"""A client of the text protocol that hides nothing: the test sees and sends every byte."""

import select
import socket

from basics import HOST, PATIENCE_S, Failure


class Wire:
    """A client connection on which the test sees every byte."""

    def __init__(self, port, timeout_s=None):
        self.socket = socket.create_connection((HOST, port), timeout=timeout_s or PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def _fill(self):
        data = self.socket.recv(1 << 16)
        if not data:
            raise Failure(f"connection closed; unread: {bytes(self.buffer[:200])!r}")
        self.buffer += data

    def line(self):
        """The next line without its end."""
        searched = 0
        while (end := self.buffer.find(b"\r\n", searched)) < 0:
            searched = max(0, len(self.buffer) - 1)
            self._fill()
        line = bytes(self.buffer[:end])
        del self.buffer[:end + 2]
        return line

    def exactly(self, count):
        while len(self.buffer) < count:
            self._fill()
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    def ask(self, command):
        """One command, the first line of its answer."""
        self.send(command + b"\r\n")
        return self.line()

    def values(self):
        """The answer to a get or gets up to END: {key: value}, or {key: (value, cas)}."""
        found = {}
        while (line := self.line()) != b"END":
            words = line.split(b" ")
            if words[0] != b"VALUE":
                raise Failure(f"{line[:200]!r} instead of VALUE or END")
            value = self.exactly(int(words[3]))
            if self.exactly(2) != b"\r\n":
                raise Failure(f"value of {words[1]!r} does not end where its length says")
            found[words[1]] = (value, int(words[4])) if len(words) > 4 else value
        return found

    def get(self, *keys):
        self.send(b"get " + b" ".join(keys) + b"\r\n")
        return self.values()

    def set(self, key, value, flags=0, exptime=0):
        self.send(b"set %s %d %d %d\r\n%s\r\n" % (key, flags, exptime, len(value), value))
        return self.line()

    def stats(self, group=b""):
        self.send((b"stats " + group).strip() + b"\r\n")
        found = {}
        while (line := self.line()) != b"END":
            word, name, value = (line.split(b" ", 2) + [b""])[:3]
            if word != b"STAT":
                raise Failure(f"{line[:200]!r} instead of STAT or END")
            found[name.decode()] = value.decode()
        return found

    def wait_closed(self):
        """Waits until the server has closed, dropping what it still says."""
        try:
            while self.socket.recv(1 << 16):
                pass
        except ConnectionError:
            pass
        except TimeoutError:
            raise Failure("the server did not close the connection") from None

    def nothing_left(self):
        """Whether every answer has been read: that to an `mn` is the very next."""
        return self.ask(b"mn") == b"MN" and not self.buffer

    def silent(self):
        """Whether nothing is waiting to be read now."""
        return not self.buffer and not select.select([self.socket], [], [], 0)[0]
