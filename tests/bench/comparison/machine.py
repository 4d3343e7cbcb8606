"""The lines that say where numbers come from."""

import datetime
import os
import platform
import re
import subprocess


def _first_match(path, pattern, default="unknown"):
    try:
        with open(path) as file:
            found = re.search(pattern, file.read(), re.MULTILINE)
    except OSError:
        return default
    return found.group(1) if found else default


def _output(*argv):
    """All that a program says about itself, or nothing if it cannot be run."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout + done.stderr).strip()


def version_of(path):
    return _output(path, "-V").splitlines()[0] if path and _output(path, "-V") else "unknown"


def describe(settings, repository):
    """Name and value of everything a reader needs to judge or repeat the numbers."""
    memory_kb = int(_first_match("/proc/meminfo", r"^MemTotal:\s+(\d+)", "0"))
    system = _first_match("/etc/os-release", r'^PRETTY_NAME="(.*)"')
    lines = {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "revision": _output("git", "-C", repository, "describe", "--always", "--dirty"),
        "CPU": f"{len(settings.cpus)} x " +
               _first_match("/proc/cpuinfo", r"^model name\s*:\s*(.*)$"),
        "memory": f"{memory_kb / 2**20:.0f} GiB",
        "system": f"{system}, Linux {platform.release()}",
        "load average at the start": "%.2f %.2f %.2f" % os.getloadavg(),
        "rounds": f"{settings.rounds}, {settings.seconds:g} s each after {settings.warmup:g} s "
                  "of warm-up",
        "server threads": str(settings.threads),
    }
    if settings.node_options:
        lines["further options of our node"] = " ".join(settings.node_options)
    for name in ("node", "memcached", "proxy", "nutcracker"):
        path = settings.programs[name]
        lines[name] = version_of(path) if path else "none"
    return lines
