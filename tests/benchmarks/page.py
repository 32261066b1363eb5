"""The tables of docs/benchmarks.md, made from the figures of the last run that is committed: last.json.

The page holds marks, `<!-- figures: NAME ... -->` and `<!-- end -->`, and what stands between them is written by
`python -m tests.benchmarks --docs`. A NAME is that of a measurement, or `run`, `large run` or `headline`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks import report
from tests.benchmarks.constant import CONSTANT
from tests.benchmarks.report import Run

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
MARKED = re.compile(r"(<!-- figures: (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)
SIZE, LARGE = "200000", "large"  # the runs that the page tells of
HEAD = ("what", "measured", "yardstick of the same run", "ratio", "target", "")

# What a user would ask first, and the figure that answers.
HEADLINE: Mapping[str, str] = {
    "Seen in every answer after, at 500 events/s": "freshness: freshness, full store | the question alone",
    "… on PostgreSQL, at 100 events/s": "postgres: PostgreSQL freshness, 100 events/s | the question alone",
    "Record, 1,000 a call, durable": "append: append, 1,000 a commit | sqlite3.executemany",
    "Record one, durable": "single: append, one a commit | sqlite3, a row a commit",
    "Record one through the buffer": "buffered: buffered call, back to back | the door alone",
    "Record on PostgreSQL, 1,000 a call": (
        "postgres: PostgreSQL record_events, 1,000 a commit | library's insert_events"
    ),
    "Who used how much in a week": f"queries: usage of all users, 7 days | {CONSTANT}",
    "How fast it was in a week": f"queries: performance, 7 days | {CONSTANT}",
    "What a week cost, by model": f"queries: cost by model, 7 days | {CONSTANT}",
    "What a week cost, by user": f"queries: cost by user, 7 days | {CONSTANT}",
    "What a quarter cost, 40 models": f"costing: cost of 90 days by model and day | {CONSTANT}",
    "Derive everything again": "replay: rebuild by two workers | stock projection",
    "Export to Parquet": "export: export, Parquet | bare scan",
    "`analytics-es --help`": "start: start, analytics-es --help | bare Python",
    "`analytics-es usage`": "start: start, analytics-es usage, caught up | bare Python",
}


def write() -> None:
    """Write the page anew."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), report.load()), encoding="utf-8")


def filled(text: str, runs: Mapping[str, Run]) -> str:
    """Return the page with its tables as runs say."""
    return MARKED.sub(lambda mark: f"{mark[1]}{_shown(mark[2], runs)}{mark[3]}", text)


def marks(text: str) -> list[str]:
    """Return the names that a page marks, measurements and others."""
    return [name for mark in MARKED.finditer(text) for name in _names(mark[2])]


def _names(mark: str) -> Sequence[str]:
    return [mark] if mark.endswith("run") else mark.split()


def _shown(mark: str, runs: Mapping[str, Run]) -> str:
    names = _names(mark)
    run = runs.get(LARGE if names[0] in (LARGE, f"{LARGE} run") else SIZE)
    if run is None:
        return "No run of this is committed yet.\n"
    if names[0].endswith("run"):
        return _told(run)
    if names[0] == "headline":
        return _table(("you want to", *HEAD[1:]), _headline(run))
    return _table(HEAD, (_cells(figure) for figure in run["figures"].values() if figure["measurement"] in names))


def _told(run: Run) -> str:
    """Say in two lines what a run was taken on."""
    about, judged = run["machine"], [figure["met"] for figure in run["figures"].values() if figure["met"] is not None]
    return (
        f"Version {about['version']}, commit {about['commit']}, {about['date'][:10]}: {about['system']}, "
        f"{about['cores']} cores, Python {about['python']}, SQLite {about['sqlite']}, DuckDB {about['duckdb']}.\n"
        f"Load average {about['load_average']} at the start and {about['load_average_after']} at the end; "
        f"{judged.count(True)} of {len(judged)} targets met.\n"
    )


def _headline(run: Run) -> Iterator[Sequence[str]]:
    for words, name in HEADLINE.items():
        figure = run["figures"].get(name)
        yield (words, *_cells(figure)[1:]) if figure else (words, "not measured", *[""] * 4)


def _cells(figure: Mapping[str, Any]) -> Sequence[str]:
    """Return the cells of a row; processor time is told where it is what the target is of."""
    unit, number = figure["unit"], report.number
    of_cpu = figure["target"] is not None and figure["target"]["of"] == "cpu"
    cpus = [f", {number(figure[name])} {figure['cpu_unit']} cpu" if of_cpu else "" for name in ("cpu", "yardstick_cpu")]
    return (
        figure["what"],
        f"{number(figure['value'])} {unit}{cpus[0]}",
        f"{figure['yardstick']}: {number(figure['yardstick_value'])} {unit}{cpus[1]}",
        f"{number(figure['ratio'])} ×",
        report.target(figure),
        {True: "met", False: "**missed**", None: ""}[figure["met"]],
    )


def _table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = (head, ["---"] * len(head), *rows)
    return "\n" + "".join("| " + " | ".join(cells) + " |\n" for cells in lines) + "\n"
