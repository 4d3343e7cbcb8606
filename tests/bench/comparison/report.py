"""Results as text, as Markdown tables, and as JSON."""

import statistics

from .figures import FIGURES

LOAD_COLUMNS = ("requests_per_second", "p50_us", "p99_us", "p99_9_us", "cpu_us", "user_us", "rss")
VERDICTS = {"aim": "reaches the aim", "must": "reaches what it must", "missed": "MISSED",
            "short": "short of the aim"}


def number(name, value):
    figure = FIGURES[name]
    return f"{value * figure.scale:,.{figure.digits}f}"


def _median(name, side):
    return "-" if side is None else number(name, side["median"])


def _ratio(ratio):
    if ratio is None:
        return "-"
    return f"{ratio['median']:.2f} ({ratio['min']:.2f}-{ratio['max']:.2f})"


def _judged(target):
    """A target's value in its own unit, with its spread."""
    value = target["value"]
    if target["of"] == "ratio":
        return _ratio(value)
    if target["of"] == "points":
        return f"{value['median']:+.2f} points"
    return number(target["figure"], value["median"])


def _limit(target):
    sign = ">=" if target["at_least"] else "<="
    must = "" if target["must"] is None else f"must {sign} {target['must']:g}, "
    return f"{must}aim {sign} {target['aim']:g}"


def row_text(result, peers):
    """One row, as it is printed while the comparison runs."""
    lines = [f"{result['name']}: {result['what']}"]
    if result["status"] != "measured":
        return lines[0] + f"\n  {result['status']}: {result['reason']}\n"
    ours, theirs = peers
    lines.append(f"  {'':26}{ours:>17}{theirs:>17}  ratio (least-most)")
    for name, figure in result["figures"].items():
        lines.append(f"  {FIGURES[name].title:26}{_median(name, figure['ours']):>17}"
                     f"{_median(name, figure['theirs']):>17}  {_ratio(figure['ratio'])}")
    for target in result["targets"]:
        lines.append(f"  -> {FIGURES[target['figure']].title} {_judged(target)}: "
                     f"{_limit(target)}: {VERDICTS[target['verdict']]}")
    return "\n".join(lines) + "\n"


def mean_of_hits(results):
    """Over all traces and sizes: the mean of ours less theirs, in points. None if some are not
    there."""
    rows = [result for result in results if result["name"].startswith("node-hits-")]
    points = [target["value"]["median"] for result in rows
              for target in result.get("targets", ())
              if target["of"] == "points"]
    return statistics.mean(points) if points and len(points) == 6 else None


def _markdown_row(cells):
    return "| " + " | ".join(cells) + " |"


def _markdown_load_table(results, tier, peers):
    columns = ["row", "load"] + [FIGURES[name].title for name in LOAD_COLUMNS] + ["CPU ratio"]
    lines = [f"### {tier}: {peers[0]} / {peers[1]}", "", _markdown_row(columns),
             _markdown_row(["---"] * len(columns))]
    for result in results:
        cells = [result["name"], result["what"]]
        for name in LOAD_COLUMNS:
            figure = result["figures"].get(name, {"ours": None, "theirs": None})
            cells.append(f"{_median(name, figure['ours'])} / {_median(name, figure['theirs'])}")
        cells.append(_ratio(result["figures"]["cpu_us"]["ratio"]))
        lines.append(_markdown_row(cells))
    return lines + [""]


def _markdown_target_table(results):
    columns = ["row", "figure", "ours", "theirs", "judged", "must", "aim", "verdict"]
    lines = ["### What had to be reached", "", _markdown_row(columns),
             _markdown_row(["---"] * len(columns))]
    for result in results:
        if result["status"] != "measured":
            lines.append(_markdown_row([result["name"], f"{result['status']}: {result['reason']}",
                                        "", "", "", "", "", ""]).replace("\n", " "))
        for target in result.get("targets", ()):
            name = target["figure"]
            figure = result["figures"][name]
            lines.append(_markdown_row([
                result["name"], FIGURES[name].title, _median(name, figure["ours"]),
                _median(name, figure["theirs"]), _judged(target),
                "-" if target["must"] is None else f"{target['must']:g}",
                f"{target['aim']:g}", VERDICTS[target["verdict"]]]))
    return lines + [""]


def markdown(machine, results, peers):
    """Everything, to be pasted into docs/benchmarks.md. `peers` is {tier: (ours, theirs)}."""
    lines = [f"- {name}: {value}" for name, value in machine.items()] + [""]
    for tier in ("node", "proxy"):
        rows = [result for result in results if result["name"].startswith(tier + "-") and
                result["status"] == "measured" and "cpu_us" in result["figures"]]
        if rows:
            lines += _markdown_load_table(rows, tier, peers[tier])
    lines += _markdown_target_table(results)
    mean = mean_of_hits(results)
    if mean is not None:
        lines += [f"Mean gain in hit rate over all traces and sizes: {mean:+.2f} points "
                  "(must >= 2, aim >= 2.8).", ""]
    return "\n".join(lines)
