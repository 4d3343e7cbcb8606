"""Starts and stops the servers that are compared, ours and theirs, on free ports."""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from ports import free_port

READY_SECONDS = 20
CONNECTIONS_MAX = 11_000  # what each server is told to allow; the largest row has 10,000


class ServerError(Exception):
    """A server that did not start, or stopped when it should not have."""


def connect(address, timeout=10):
    """A connected socket; `address` is host:port or unix:/path."""
    if address.startswith("unix:"):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(timeout)
        sock.connect(address[len("unix:"):])
        return sock
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout)


def ask(address, request, end):
    """Sends one request and reads until the answer ends in `end`."""
    with connect(address) as sock:
        sock.sendall(request)
        answer = b""
        while not answer.endswith(end):
            piece = sock.recv(65536)
            if not piece:
                raise ServerError(f"{address} closed the connection after {answer!r}")
            answer += piece
        return answer


def stats(address):
    """The answer to `stats` as a dictionary of strings."""
    lines = ask(address, b"stats\r\n", b"END\r\n").decode().splitlines()
    return dict(line.split(" ", 2)[1:] for line in lines if line.startswith("STAT "))


class Server:
    """A running server process; `address` is where it listens. Use as a context manager."""

    def __init__(self, name, argv, address, cpu=None, environment=None):
        self.name = name
        self.address = address
        self.tls_address = None
        self.log = tempfile.TemporaryFile()
        pin = None if cpu is None else lambda: os.sched_setaffinity(0, {cpu})
        self.process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, preexec_fn=pin,
            env={**os.environ, **(environment or {})})
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self):
        return self.process.pid

    def _wait_until_ready(self):
        """Until it answers `version`: a connection may be accepted before anybody reads it."""
        deadline = time.monotonic() + READY_SECONDS
        while True:
            if self.process.poll() is not None:
                raise ServerError(f"{self.name} exited with {self.process.returncode}: "
                                  f"{self.log_text()}")
            try:
                ask(self.address, b"version\r\n", b"\r\n")
                return
            except (OSError, ServerError) as error:
                if time.monotonic() > deadline:
                    raise ServerError(f"{self.name} does not answer at {self.address}: {error}; "
                                      f"{self.log_text()}") from error
                time.sleep(0.02)

    def log_text(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace").strip()[-2000:]

    def rss_bytes(self):
        with open(f"/proc/{self.pid}/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def is_ours(path):
    """Ours take our options; whatever else is given takes memcached's or nutcracker's."""
    return os.path.basename(path).startswith("ringcache")


def find_binary(path):
    """The full path of a program, or None if there is none."""
    return shutil.which(path) or next(
        (found for folder in ("/usr/sbin", "/usr/local/sbin")
         if (found := shutil.which(path, path=folder))), None)


def start_node(path, threads, memory_mb, cpu=None, options=(), certificate=None):
    """A memcached, or our node: both take the same letters. `options` are further ones. With a
    certificate (its path and that of its key) there is TLS at `tls_address`, beside the plain one.
    """
    port, tls_port = free_port(), free_port()
    listen = f"127.0.0.1:{tls_port},notls:127.0.0.1:{port}" if certificate else "127.0.0.1"
    argv = [path, "-p", str(port), "-l", listen, "-t", str(threads), "-m", str(memory_mb),
            "-c", str(CONNECTIONS_MAX), *options]
    if certificate:
        argv += ["-Z", "-o", "ssl_chain_cert=%s,ssl_key=%s" % certificate]
    if is_ours(path):
        argv += ["--metrics", "off"]
    elif os.geteuid() == 0:
        argv += ["-u", "root"]
    server = Server(os.path.basename(path), argv, f"127.0.0.1:{port}", cpu)
    server.tls_address = f"127.0.0.1:{tls_port}" if certificate else None
    return server


def nutcracker_config(listen, nodes):
    """One pool, placed as libmemcached would; nothing ejected while we measure."""
    servers = "".join(f"    - {node}:1\n" for node in nodes)
    return ("bench:\n"
            f"  listen: {listen}\n"
            "  hash: md5\n"
            "  distribution: ketama\n"
            "  auto_eject_hosts: false\n"
            "  timeout: 10000\n"
            "  backlog: 4096\n"
            "  preconnect: true\n"
            "  server_connections: 1\n"
            f"  servers:\n{servers}")


def proxy_config(listen, nodes, threads, admin_port):
    """Our proxy with its defaults, but for what nutcracker has too: one thread, no time-outs
    that load alone could reach."""
    return json.dumps({
        "listen": [listen], "threads": threads,
        "admin": {"listen": f"127.0.0.1:{admin_port}"},
        "limits": {"client_connections": CONNECTIONS_MAX},
        "pools": {"bench": {"nodes": list(nodes),
                            "timeouts": {"connect": "10s", "request": "10s"}}}}, indent=2)


def start_proxy(path, nodes, folder, threads=1, unix=False, cpu=None, environment=None):
    """Our proxy or nutcracker before `nodes`; its files go to `folder`."""
    port, admin_port = free_port(), free_port()
    unix_path = os.path.join(folder, f"proxy-{port}.sock")
    config_path = os.path.join(folder, f"proxy-{port}.conf")
    address = f"unix:{unix_path}" if unix else f"127.0.0.1:{port}"
    if is_ours(path):
        config = proxy_config(address, nodes, threads, admin_port)
        argv = [path, "-c", config_path]
    else:
        config = nutcracker_config(f"{unix_path} 0600" if unix else address, nodes)
        argv = [path, "-c", config_path, "-s", str(admin_port), "-a", "127.0.0.1",
                "-p", os.path.join(folder, f"proxy-{port}.pid"), "-v", "0", "-o", "/dev/null"]
    with open(config_path, "w") as file:
        file.write(config)
    return Server(os.path.basename(path), argv, address, cpu, environment)
