"""Programs that a test starts, and memcached-protocol servers among them."""

import atexit
import http.client
import os
import re
import signal
import subprocess

from basics import HOST, PATIENCE_S, Failure, can_connect, eventually
from exposition import Metrics


class Process:
    """A program that runs until it is stopped. `folder` takes its log."""

    def __init__(self, name, argv, folder, ours=False, env=None):
        self.name = name
        self.ours = ours
        self.log_path = os.path.join(folder, name + ".log")
        self.expect_dead = False
        with open(self.log_path, "ab") as log:
            self.popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          cwd=folder, env={**os.environ, **(env or {})})
        _running.append(self)

    @property
    def pid(self):
        return self.popen.pid

    def alive(self):
        return self.popen.poll() is None

    def log(self):
        with open(self.log_path, "rb") as log:
            return log.read().decode("utf-8", "replace")

    def signal(self, number):
        os.kill(self.pid, number)

    def pause(self):
        """Hangs the program: it keeps its sockets and answers nothing."""
        self.signal(signal.SIGSTOP)
        eventually(f"{self.name} stopped", self._all_threads_stopped)

    def _all_threads_stopped(self):
        states = []
        for thread in os.listdir(f"/proc/{self.pid}/task"):
            with open(f"/proc/{self.pid}/task/{thread}/stat", encoding="utf-8") as stat:
                states.append(stat.read().rpartition(")")[2].split()[0])
        return set(states) == {"T"}

    def resume(self):
        self.signal(signal.SIGCONT)

    def kill(self):
        """Ends it as a crash would."""
        self.expect_dead = True
        self.popen.kill()
        self.popen.wait()

    def wait_exit(self):
        try:
            return self.popen.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} did not exit") from None

    def stop(self):
        """Asks it to end. One of ours must still be there, and must end with exit code 0."""
        if not self.alive():
            if not self.expect_dead:
                raise Failure(f"{self.name} ended by itself, exit code {self.popen.returncode}")
            return
        self.resume()
        self.popen.terminate()
        self.expect_dead = True
        code = self.wait_exit()
        if self.ours and code != 0:
            raise Failure(f"{self.name} ended with exit code {code} after SIGTERM")

    def rss_bytes(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) * 1024

    def wait_ready(self, check):
        def ready():
            if not self.alive():
                raise Failure(f"{self.name} exited with {self.popen.returncode} instead of "
                              f"starting; its log:\n{self.log()}")
            return check()
        try:
            eventually(f"{self.name} ready", ready)
        except Failure as failure:
            raise Failure(f"{failure}\nlog of {self.name}:\n{self.log()}") from None


_running = []


@atexit.register
def _kill_leftovers():
    for process in _running:
        if process.alive():
            process.popen.kill()
            process.popen.wait()


class Server(Process):
    """A memcached-protocol server on `port`; start() again after kill() keeps port and options."""

    def __init__(self, name, argv, folder, port, ours=False, admin_port=None):
        self.argv, self.folder, self.port, self.admin_port = argv, folder, port, admin_port
        super().__init__(name, argv, folder, ours)
        self._wait()

    def _wait(self):
        if self.admin_port:
            self.wait_ready(lambda: self.http_status("/readyz") == 200)
        else:
            self.wait_ready(lambda: can_connect(self.port))

    def restart(self):
        Process.__init__(self, self.name, self.argv, self.folder, self.ours)
        self._wait()

    @property
    def address(self):
        return f"{HOST}:{self.port}"

    def http(self, path, method="GET", body=None, headers=None):
        """(status, text) of one request to the admin server; (0, reason) if nobody answers."""
        connection = http.client.HTTPConnection(HOST, self.admin_port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.read().decode()
        except (OSError, http.client.HTTPException) as error:
            return 0, str(error)
        finally:
            connection.close()

    def http_status(self, path):
        return self.http(path)[0]

    def metrics(self):
        status, text = self.http("/metrics")
        if status != 200:
            raise Failure(f"{self.name}: /metrics answered {status}: {text}")
        return Metrics(text)
