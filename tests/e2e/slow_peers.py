"""Nodes and clients that a test moves byte by byte, each connection by itself."""

import select
import socket

from basics import HOST, PATIENCE_S, Failure, eventually
from wire import Wire


class SlowNode:
    """A listening socket; each connection of the proxy is a Peer, in the order they came."""

    def __init__(self):
        self.listener = socket.create_server((HOST, 0))
        self.listener.settimeout(PATIENCE_S)
        self.address = "%s:%d" % self.listener.getsockname()
        self.peers = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for peer in self.peers:
            peer.close()
        self.listener.close()

    def accept(self):
        """The next connection of the proxy."""
        self.peers.append(Peer(self.listener.accept()[0]))
        return self.peers[-1]

    def has_no_more(self):
        """Whether no connection waits to be accepted now."""
        return not select.select([self.listener], [], [], 0)[0]


class Peer(Wire):
    """A node's end of one connection."""

    def __init__(self, sock):
        # pylint: disable=super-init-not-called
        self.socket, self.buffer = sock, bytearray()
        sock.settimeout(PATIENCE_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def expect(self, request):
        got = self.exactly(len(request))
        if got != request:
            raise Failure(f"the node got {got!r} instead of {request!r}")

    def begin_value(self, key, size, sent):
        """The head of a VALUE of `size` bytes, and `sent` bytes of it."""
        self.send(b"VALUE %s 0 %d\r\n" % (key, size) + b"v" * sent)

    def end_value(self, left):
        self.send(b"v" * left + b"\r\nEND\r\n")

    def send_until_stuck(self, most):
        """Sends up to `most` bytes of a value for as long as they are taken; how many were."""
        sent, data = 0, b"v" * 65536
        self.socket.setblocking(False)

        def is_stuck():
            nonlocal sent
            while sent < most:
                try:
                    sent += self.socket.send(data[:most - sent])
                except BlockingIOError:
                    # Stuck is who takes nothing for long after the last byte.
                    return not select.select([], [self.socket], [], 1)[1]
            return True
        eventually("the proxy takes no more", is_stuck)
        self.socket.settimeout(PATIENCE_S)
        return sent
