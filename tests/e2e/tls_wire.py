"""A client of the text protocol under TLS."""

from wire import Wire


class TlsWire(Wire):
    """A Wire under TLS."""

    def __init__(self, port, context, timeout_s=None):
        super().__init__(port, timeout_s)
        plain = self.socket
        try:
            self.socket = context.wrap_socket(plain, server_hostname="localhost")
        except OSError:
            plain.close()
            raise


def refused(make):
    """Whether the server does not serve this client; TLS 1.3 says so at the first read."""
    try:
        with make() as wire:
            wire.socket.sendall(b"mn\r\n")
            return wire.socket.recv(100) == b""
    except OSError:
        return True
