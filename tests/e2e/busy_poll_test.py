#!/usr/bin/python3
"""Workers that look for more before they sleep: they sleep less, and do all else as ever."""

import os

from harness import TestCase, Wire, main

EXCHANGES = 300


def sleeps_of(pid):
    """How often the process' threads have gone to sleep so far."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/status", encoding="ascii") as file:
            total += sum(int(line.split()[1]) for line in file
                         if line.startswith("voluntary_ctxt_switches"))
    return total


class BusyPoll(TestCase):
    def sleeps(self, **options):
        proxy = self.world.proxy(self.world.config([self.world.node()], threads=1, **options))
        with Wire(proxy.port) as wire:
            self.assertEqual(wire.set(b"k", b"v"), b"STORED")
            before = sleeps_of(proxy.popen.pid)
            for _ in range(EXCHANGES):
                self.assertEqual(wire.get(b"k"), {b"k": b"v"})
            return sleeps_of(proxy.popen.pid) - before

    def test_it_sleeps_less_often(self):
        self.assertLess(self.sleeps(busy_poll_us=1000), self.sleeps() / 2)


if __name__ == "__main__":
    main()
