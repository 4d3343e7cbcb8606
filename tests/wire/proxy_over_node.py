#!/usr/bin/python3
"""A proxy on a port, over one node on a UNIX socket, until it is told to stop.

    proxy_over_node.py NODE_BINARY PROXY_BINARY PORT

One node, because the values of a multiget over several come in the order in which nodes answer.
"""
import os
import signal
import subprocess
import sys
import tempfile


def main():
    node, proxy, port = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    programs = []
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "node.sock")
        try:
            # pylint: disable=consider-using-with
            programs.append(subprocess.Popen([node, "-s", path, "--metrics", "off"],
                                             stderr=subprocess.PIPE))
            while b" listening on " not in (line := programs[0].stderr.readline()):
                if not line:
                    return 1
            programs.append(subprocess.Popen([proxy, "-n", "unix:" + path, "-t", "1", "-l",
                                              "127.0.0.1:" + port, "--admin", "off"]))
            return programs[1].wait()
        finally:
            for program in reversed(programs):
                program.terminate()
                program.wait()


if __name__ == "__main__":
    sys.exit(main())
