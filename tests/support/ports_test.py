#!/usr/bin/python3
"""Two tests at once never get the same port, nor one that is in use."""

import os
import socket
import subprocess
import sys
import unittest

import ports

HOLD = """
import sys
sys.path.append(sys.argv[1])
import ports
print(ports.free_port([int(sys.argv[2])]), flush=True)
sys.stdin.read()
"""


class Ports(unittest.TestCase):
    def hold(self, port):
        """Another process that reserves the port until its input ends."""
        other = subprocess.Popen([sys.executable, "-c", HOLD, os.path.dirname(ports.__file__),
                                  str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(other.wait)
        self.addCleanup(other.stdout.close)
        self.addCleanup(other.stdin.close)
        self.assertEqual(int(other.stdout.readline()), port)
        return other

    def unheld(self):
        """A port that was free a moment ago, and that this process does not hold."""
        ask = "import ports; print(ports.free_port())"
        return int(subprocess.check_output([sys.executable, "-c", ask],
                                           cwd=os.path.dirname(ports.__file__)))

    def test_never_twice_in_one_process(self):
        taken = [ports.free_port() for _ in range(200)]
        self.assertEqual(len(set(taken)), len(taken))

    def test_not_another_process_s_until_it_ends(self):
        port = self.unheld()
        other = self.hold(port)
        with self.assertRaises(ports.NoPort):
            ports.free_port([port])
        other.kill()
        other.wait()
        self.assertEqual(ports.free_port([port]), port)

    def test_not_one_that_a_server_has(self):
        for host in ("127.0.0.1", "127.0.0.2", ""):
            with self.subTest(host=host), socket.socket() as server:
                port = self.unheld()
                server.bind((host, port))
                with self.assertRaises(ports.NoPort):
                    ports.free_port([port])

    def test_bindable_at_once(self):
        with socket.socket() as server:
            server.bind(("127.0.0.1", ports.free_port()))

    def test_outside_of_the_kernel_s_range(self):
        with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
            first, last = map(int, file.read().split())
        if first <= ports.FIRST_PORT and last >= ports.LAST_PORT:
            self.skipTest("the kernel gives out every port")
        self.assertFalse(first <= ports.free_port() <= last)


if __name__ == "__main__":
    unittest.main()
