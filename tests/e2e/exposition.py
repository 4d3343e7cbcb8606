"""Reads Prometheus' text exposition format."""

import re

from basics import Failure


class Metrics:
    """One scrape in Prometheus' text format."""

    _SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$')
    _LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')

    def __init__(self, text):
        self.text = text
        self.samples = []
        for line in text.splitlines():
            if line and not line.startswith("#"):
                match = self._SAMPLE.match(line)
                if not match:
                    raise Failure(f"not a sample: {line!r}")
                name, labels, value = match.groups()
                self.samples.append((name, dict(self._LABEL.findall(labels or "")), float(value)))

    def matching(self, name, **labels):
        return [value for sample, have, value in self.samples
                if sample == name and all(have.get(k) == v for k, v in labels.items())]

    def sum(self, name, **labels):
        """Sum over the samples with these labels; that there are none is an error."""
        found = self.matching(name, **labels)
        if not found:
            raise Failure(f"no metric {name} with {labels}; there are "
                          f"{sorted({n for n, _, _ in self.samples})}")
        return sum(found)

    def names(self):
        return {name for name, _, _ in self.samples}
