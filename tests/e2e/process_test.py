#!/usr/bin/python3
"""How the programs get on with whoever starts them: what they inherit, and what they may read."""

import contextlib
import os
import signal
import socket
import ssl
import unittest

from basics import PATIENCE_S
from certificates import Authority
from harness import HOST, NODE, PROXY, TestCase, Wire, eventually, free_port, main
from processes import Server


def without(streams, argv):
    """The command line that starts a program with these standard streams closed."""
    closing = " ".join(f"{number}>&-" for number in streams)
    return ["/bin/sh", "-c", f'exec "$@" {closing}', "sh", *argv]


def kill(pid_file):
    """Ends the daemon, if it is still there."""
    with contextlib.suppress(OSError), open(pid_file, encoding="ascii") as file:
        os.kill(int(file.read()), signal.SIGKILL)


class StandardStreams(TestCase):
    def check_serves(self, port):
        """Twice, and from other clients: what it writes elsewhere must not reach them."""
        for _ in range(2):
            with Wire(port) as wire:
                self.assertEqual(wire.set(b"k", b"v"), b"STORED")
                self.assertEqual(wire.get(b"k"), {b"k": b"v"})
                self.assertTrue(wire.nothing_left())

    def check_streams(self, pid, streams):
        for number in streams:
            self.assertEqual(os.readlink(f"/proc/{pid}/fd/{number}"), "/dev/null")

    def test_node_without_them(self):
        for streams in ((0,), (2,), (0, 1, 2)):
            with self.subTest(streams):
                port, admin = free_port(), free_port()
                argv = [NODE, "-p", str(port), "-t", "1", "-v", "--metrics", f"{HOST}:{admin}"]
                node = Server(f"node-{len(streams)}-{streams[0]}", without(streams, argv),
                              self.world.folder, port, ours=True, admin_port=admin)
                self.world.processes.append(node)
                self.check_serves(port)
                self.check_streams(node.pid, streams)

    def test_proxy_without_them(self):
        config = self.world.config([self.world.node()])
        path = self.world.write("proxy.json", config)
        port = int(config["listen"][0].rsplit(":", 1)[1])
        admin = int(config["admin"]["listen"].rsplit(":", 1)[1])
        proxy = Server("proxy", without((0, 1, 2), [PROXY, "-c", path]), self.world.folder, port,
                       ours=True, admin_port=admin)
        self.world.processes.append(proxy)
        self.check_serves(port)
        self.check_streams(proxy.pid, (0, 1, 2))

    def test_daemon_without_them(self):
        for streams in ((0,), (2,), (0, 1, 2)):
            with self.subTest(streams):
                port = free_port()
                pid_file = self.world.path(f"{port}.pid")
                argv = [NODE, "-d", "-p", str(port), "-t", "1", "--metrics", "off", "-P", pid_file]
                self.addCleanup(kill, pid_file)
                code, _, err = self.world.run(without(streams, argv))
                self.assertEqual(code, 0, err)
                with open(pid_file, encoding="ascii") as file:
                    pid = int(file.read())
                self.check_serves(port)
                self.check_streams(pid, (0, 1, 2))
                os.kill(pid, signal.SIGTERM)
                eventually("the daemon ended", lambda: not os.path.exists(pid_file))


class Inherited(TestCase):
    """A daemon does not keep the locks and pipes of whoever started it."""

    def test_a_daemon_closes_what_it_was_given(self):
        ours, theirs = os.pipe()
        self.addCleanup(os.close, ours)
        os.set_blocking(ours, False)
        port, pid_file = free_port(), self.world.path("pid")
        self.addCleanup(kill, pid_file)
        with os.fdopen(theirs, "wb"):
            code, _, err = self.world.run([NODE, "-d", "-p", str(port), "--metrics", "off",
                                           "-P", pid_file], pass_fds=(theirs,))
        self.assertEqual(code, 0, err)
        self.assertEqual(os.read(ours, 1), b"")  # an end: nobody else has it
        with Wire(port) as wire:
            self.assertEqual(wire.set(b"k", b"v"), b"STORED")


@unittest.skipUnless(os.geteuid() == 0, "only root has files that the user of -u cannot read")
class AnotherUser(TestCase):
    """-u: what root alone may read is read before root's rights are given up."""

    PASSWORD = b"set any 0 0 16\r\nshop open-sesame\r\n"

    def setUp(self):
        super().setUp()
        os.chmod(self.world.folder, 0o755)
        self.authority = Authority(self.world.folder)
        self.files = [*self.authority.issue("server"),
                      self.world.write("passwords", "shop:open-sesame\n")]
        for file in self.files:
            os.chmod(file, 0o600)
        certificate, key, passwords = self.files
        self.options = ("-u", "nobody", "-t", "1", "-Y", passwords, "-Z",
                        "-o", f"ssl_chain_cert={certificate},ssl_key={key}")

    def check_serves(self, port):
        context = ssl.create_default_context(cafile=self.authority.file)
        with socket.create_connection((HOST, port), timeout=PATIENCE_S) as plain, \
                context.wrap_socket(plain, server_hostname=HOST) as client:
            client.sendall(self.PASSWORD)
            self.assertEqual(client.recv(100), b"STORED\r\n")
            client.sendall(b"refresh_certs\r\n")
            answer = client.recv(1000)
        self.assertIn(b"Permission denied", answer)

    def test_files_that_only_root_can_read(self):
        node = self.world.node(*self.options)
        self.check_serves(node.port)
        node.signal(signal.SIGHUP)
        eventually("both were looked for", lambda: node.log().count("Permission denied") == 2)
        self.check_serves(node.port)  # with what was read at the start

    def test_a_daemon_s(self):
        port, pid_file = free_port(), self.world.path("pid")
        os.chmod(self.world.folder, 0o777)
        self.addCleanup(kill, pid_file)
        code, _, err = self.world.run([NODE, "-d", "-p", str(port), "--metrics", "off",
                                       "-P", pid_file, *self.options])
        self.assertEqual(code, 0, err)
        self.check_serves(port)

    def test_a_file_that_is_wrong_is_no_mistake_of_the_command_line(self):
        for file in self.files:
            with self.subTest(os.path.basename(file)):
                os.rename(file, file + ".aside")
                code, _, err = self.world.run([NODE, "-p", "0", "--metrics", "off", *self.options])
                os.rename(file + ".aside", file)
                self.assertEqual(code, 1)
                self.assertIn(file, err)


if __name__ == "__main__":
    main()
