"""What the command line decided, and where the programs are."""

import os
from dataclasses import dataclass, field

from . import servers

# Where a build puts its programs, below the build directory.
PROGRAM_FOLDERS = (".", "bin", "node", "store", "proxy", "tests/bench")


class CannotRun(Exception):
    """A row that this machine or this build cannot run; says why."""


@dataclass
class Settings:
    programs: dict  # node, proxy, memcached, nutcracker, load, replay, trace -> path, or None
    looked_for: dict  # the same keys -> what was asked for
    rounds: int
    seconds: float
    warmup: float
    threads: int
    key_divisor: int
    pin: bool
    traces: dict  # name -> path
    allocation_counter: str
    node_options: tuple  # further ones of our node
    folder: str  # for sockets and configurations; gone at the end
    made_traces: dict = field(default_factory=dict)  # options of ringcache-trace -> path
    cpus: list = field(default_factory=lambda: sorted(os.sched_getaffinity(0)))

    @property
    def load(self):
        return self.program("load")

    @property
    def replay(self):
        return self.program("replay")

    @property
    def last_cpu(self):
        return self.cpus[-1]

    @property
    def server_cpu(self):
        return self.cpus[0] if self.pin else None

    def program(self, name):
        path = self.programs[name]
        if path is None:
            raise CannotRun(f"there is no {self.looked_for[name]}")
        return path

    def rounds_of(self, row):
        return max(1, min(self.rounds, row.rounds_max))

    def threads_of(self, row):
        return row.threads or self.threads


def find_program(asked, build_dir, name):
    """`asked` for by option, or `name` in the build directory; None if it is nowhere."""
    if asked:
        return servers.find_binary(asked)
    for folder in PROGRAM_FOLDERS:
        path = os.path.join(build_dir, folder, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return None
