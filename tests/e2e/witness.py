"""The client that must notice nothing while others misbehave."""

import contextlib
import threading

from harness import Failure, Wire, eventually


class Witness(threading.Thread):
    """A well-behaved client that goes on all the time and notes every wrong answer."""

    def __init__(self, port):
        super().__init__()
        self.port, self.wrong, self.rounds, self.ended = port, [], 0, threading.Event()
        self.start()

    def run(self):
        try:
            with Wire(self.port) as wire:
                while not self.ended.is_set():
                    key = b"witness-%d" % (self.rounds % 20)
                    value = b"%d" % self.rounds * 50
                    stored, found = wire.set(key, value), wire.get(key, b"witness-absent")
                    if (stored, found) != (b"STORED", {key: value}):
                        self.wrong.append((stored, found))
                    self.rounds += 1
        except (OSError, Failure) as error:
            self.wrong.append(repr(error))

    def finish(self):
        """Lets it do some more rounds, ends it, and returns what was wrong."""
        target = self.rounds + 20
        with contextlib.suppress(Failure):
            eventually("the witness goes on", lambda: self.rounds > target or self.wrong)
        self.ended.set()
        self.join()
        return self.wrong if self.rounds > target or self.wrong else ["the witness hung"]
