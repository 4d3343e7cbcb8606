#!/usr/bin/python3
"""A proxy on a port, over three nodes on UNIX sockets, until it is told to stop.

    proxy_over_nodes.py NODE_BINARY PROXY_BINARY PORT
"""
import os
import signal
import subprocess
import sys
import tempfile

NODES = 3


def main():
    node, proxy, port = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    programs = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            addresses = []
            for number in range(NODES):
                path = os.path.join(folder, f"node{number}.sock")
                addresses.append("unix:" + path)
                # pylint: disable=consider-using-with
                started = subprocess.Popen([node, "-s", path, "--metrics", "off"],
                                           stderr=subprocess.PIPE)
                programs.append(started)
                while b" listening on " not in (line := started.stderr.readline()):
                    if not line:
                        return 1
            programs.append(subprocess.Popen([proxy, "-n", ",".join(addresses), "-t", "1", "-l",
                                              "127.0.0.1:" + port, "--admin", "off"]))
            return programs[-1].wait()
        finally:
            for program in reversed(programs):
                program.terminate()
                program.wait()


if __name__ == "__main__":
    sys.exit(main())
