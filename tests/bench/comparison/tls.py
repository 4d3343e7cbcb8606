"""TLS for the rows that need it: a certificate, and a flood of clients that only say hello."""

import os
import resource
import ssl
import subprocess
import time

from . import servers
from .settings import CannotRun

FLOOD_SECONDS = 4
HELLOS_AT_ONCE = 200
HELLO_PAUSE_SECONDS = 0.02  # in which they are answered; who is not by then has gone


def certificate(folder, key):
    """Paths of a certificate and its key (`rsa:2048`, say), made once."""
    name = os.path.join(folder, key.replace(":", "-"))
    paths = name + ".pem", name + ".key"
    if not os.path.exists(paths[0]):
        program = servers.find_binary("openssl")
        if program is None:
            raise CannotRun("there is no openssl to make a certificate with")
        subprocess.run([program, "req", "-x509", "-newkey", key, "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-out", paths[0], "-keyout", paths[1]],
                       check=True, capture_output=True, stdin=subprocess.DEVNULL)
    return paths


def _context():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _hello():
    """What a client says first."""
    arriving, leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = _context().wrap_bio(arriving, leaving)
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return leaving.read()


def shake_hands(_loader, node):
    """Hellos as fast as one process sends them, each of which costs the server a private key."""
    hello = _hello()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    end = time.monotonic() + FLOOD_SECONDS
    while time.monotonic() < end:
        clients = [servers.connect(node.tls_address) for _ in range(HELLOS_AT_ONCE)]
        for client in clients:
            client.sendall(hello)
        time.sleep(HELLO_PAUSE_SECONDS)
        for client in clients:
            client.close()
    with servers.connect(node.tls_address) as plain, _context().wrap_socket(plain) as last:
        last.sendall(b"version\r\n")
        if not last.recv(64).startswith(b"VERSION"):
            raise servers.ServerError(f"{node.name} does not answer under TLS")
