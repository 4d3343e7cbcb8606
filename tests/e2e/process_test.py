#!/usr/bin/python3
"""How the programs get on with whoever starts them: what they inherit, and what they may read."""

import contextlib
import os
import signal

from harness import HOST, NODE, PROXY, TestCase, Wire, eventually, free_port, main
from processes import Server


def without(streams, argv):
    """The command line that starts a program with these standard streams closed."""
    closing = " ".join(f"{number}>&-" for number in streams)
    return ["/bin/sh", "-c", f'exec "$@" {closing}', "sh", *argv]


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
                self.addCleanup(self.kill, pid_file)
                code, _, err = self.world.run(without(streams, argv))
                self.assertEqual(code, 0, err)
                with open(pid_file, encoding="ascii") as file:
                    pid = int(file.read())
                self.check_serves(port)
                self.check_streams(pid, (0, 1, 2))
                os.kill(pid, signal.SIGTERM)
                eventually("the daemon ended", lambda: not os.path.exists(pid_file))

    def kill(self, pid_file):
        """The daemon that did not end, if there is one."""
        with contextlib.suppress(OSError), open(pid_file, encoding="ascii") as file:
            os.kill(int(file.read()), signal.SIGKILL)


if __name__ == "__main__":
    main()
