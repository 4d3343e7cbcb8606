"""The figures that a row yields: name, unit, which way is better; and their summary over rounds."""

import statistics
from dataclasses import dataclass
from typing import Optional


@dataclass(frozen=True)
class Figure:
    title: str
    digits: int = 2
    scale: float = 1.0  # shown = measured * scale
    is_problem: bool = False  # not worth a line while it is 0 and no target asks for it


FIGURES = {
    "requests_per_second": Figure("requests/s", 0),
    "cpu_us": Figure("CPU us/request"),
    "user_us": Figure("of it user us"),
    "p50_us": Figure("p50 us", 1),
    "p99_us": Figure("p99 us", 1),
    "p99_9_us": Figure("p99.9 us", 1),
    "rss": Figure("RSS MB", 1, 1e-6),
    "rss_of_bound": Figure("RSS / promised bound", 3),
    "idle_bytes": Figure("bytes/idle connection", 0),
    "items": Figure("items resident", 0),
    "hit_percent": Figure("hit rate %"),
    "added_p50_us": Figure("p50 us added", 1),
    "direct_p50_us": Figure("p50 us direct", 1),
    "allocations": Figure("allocations/request", 4),
    "error_replies": Figure("error replies", 0, is_problem=True),
    "gap_ms": Figure("longest gap ms"),
    "idle_gap_ms": Figure("of an idle server ms"),
    "held_percent": Figure("held by the last size %", 1),
    "large_per_second": Figure("large requests/s", 0),
    "seconds": Figure("seconds"),
    "requests": Figure("requests", 0),
    "without_cpu_us": Figure("CPU us without it"),
    "with_without_cpu": Figure("with / without, CPU"),
    "node_gets": Figure("gets at nodes / gets", 3),
    "without_node_gets": Figure("the same without it", 3),
    "tls_clients_cpu_us": Figure("CPU us, TLS clients"),
    "plain_clients_cpu_us": Figure("CPU us, plain clients"),
    "tls_nodes_cpu_us": Figure("CPU us, TLS nodes"),
    "plain_nodes_cpu_us": Figure("CPU us, plain nodes"),
    "scaling": Figure("2 workers / 1, requests/s"),
}


@dataclass(frozen=True)
class Target:
    """What a figure has to reach.

    `of` says how it is judged: "ratio" is ours / theirs, "points" ours less theirs, "ours" the
    figure itself. `at_least` where more is better, else at most `must`, which may be None where
    only an aim is set.
    """
    figure: str
    must: Optional[float]
    aim: float
    of: str = "ratio"
    at_least: bool = False

    def verdict(self, value):
        def reached(limit):
            return value >= limit if self.at_least else value <= limit
        if reached(self.aim):
            return "aim"
        if self.must is None:
            return "short"
        return "must" if reached(self.must) else "missed"


def judged_values(target_of, ours, theirs):
    """One value a round; rounds in which the ratio makes no sense are left out."""
    if target_of == "ours":
        return list(ours)
    if target_of == "points":
        return [o - t for o, t in zip(ours, theirs)]
    return [o / t for o, t in zip(ours, theirs) if t > 0]


def spread(values):
    """Median, least and most; None of nothing."""
    if not values:
        return None
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def summarise(rounds, targets):
    """Medians of the figures of all rounds, their ratios, and what the targets make of them.

    `rounds` is {"ours": [{figure: value}], "theirs": [...]}.
    """
    names = [name for name in FIGURES if any(name in one for side in rounds.values()
                                             for one in side)]
    summary = {"figures": {}, "targets": []}
    wanted = {target.figure for target in targets}
    for name in names:
        if FIGURES[name].is_problem and name not in wanted and not any(
                one.get(name) for side in rounds.values() for one in side):
            continue
        ours = [one[name] for one in rounds.get("ours", []) if name in one]
        theirs = [one[name] for one in rounds.get("theirs", []) if name in one]
        summary["figures"][name] = {"ours": spread(ours), "theirs": spread(theirs),
                                    "ratio": spread(judged_values("ratio", ours, theirs))}
    for target in targets:
        ours = [one[target.figure] for one in rounds.get("ours", []) if target.figure in one]
        theirs = [one[target.figure] for one in rounds.get("theirs", []) if target.figure in one]
        value = spread(judged_values(target.of, ours, theirs))
        if value is None:
            continue
        verdict = target.verdict(value["median"])
        summary["targets"].append({"figure": target.figure, "of": target.of,
                                   "at_least": target.at_least, "must": target.must,
                                   "aim": target.aim, "value": value, "verdict": verdict})
    return summary
