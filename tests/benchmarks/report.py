"""Figures as a table and as JSON, each beside that of the last run that is committed, with what they were taken on."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from analytics_es import __version__
from tests.benchmarks.figures import Figure

WIDTH = 190  # of a pipe
ROOT = Path(__file__).parents[2]
LAST = Path(__file__).with_name("last.json")

# A run: what it was taken on, and figures by name, as `written` gives them.
Run = Mapping[str, Any]


def machine() -> dict[str, Any]:
    """Say what everything runs on, and how busy it is: nothing that tells which machine it is."""
    return {
        "version": __version__,
        "commit": commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        **{name: version(name) for name in ("duckdb", "pyarrow", "eventsourcing")},
        "system": f"{platform.system()} {platform.machine()}",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load_average": load_average(),
    }


def commit() -> str:
    """Return the commit that is measured; with a "+" where files differ from it, and "" outside a repository."""
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty=+", "--exclude=*"], cwd=ROOT, capture_output=True, text=True
    )
    return told.stdout.strip()


def load_average() -> float | None:
    """Return how many processes wanted a core in the last minute: above the number of cores, figures are blurred."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def written(figure: Figure) -> dict[str, Any]:
    """Return a figure as it is written: numbers in their units, rounded to four digits."""
    target = figure.target
    plain = {
        "measurement": figure.measurement,
        "what": figure.what,
        "events": figure.events,
        "value": _rounded(figure.value),
        "unit": figure.unit,
        "yardstick": figure.yardstick,
        "yardstick_value": _rounded(figure.yardstick_value),
        "ratio": _rounded(figure.ratio),
        "ratios": [_rounded(min(figure.ratios)), _rounded(max(figure.ratios))],
        "rounds": len(figure.ratios),
        "better": figure.better,
        "target": None if target is None else {"of": target.of, "relation": target.relation, "number": target.number},
        "met": figure.met,
    }
    cpu = {"cpu": figure.cpu, "yardstick_cpu": figure.yardstick_cpu, "cpu_unit": figure.cpu_unit}
    return {**plain, **(cpu if figure.cpu is not None else {}), "more": dict(figure.more)}


def _rounded(number: float) -> float:
    return float(f"{number:.4g}")


def run_of(figures: Sequence[Figure], about: Mapping[str, Any]) -> Run:
    """Return a run as it is written."""
    return {"machine": dict(about), "figures": {figure.name: written(figure) for figure in figures}}


def load(path: Path | None = None) -> dict[str, Run]:
    """Return the runs of a file, the last ones, by what they are of: a number of events, or "large"."""
    path = path or LAST
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def save(runs: Mapping[str, Run], path: Path) -> None:
    """Write runs as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(runs, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


# ── the table ───────────────────────────────────────────────────────────────────────────────────────────────────


def table(runs: Mapping[str, Run], last: Mapping[str, Run]) -> None:
    """Print the figures, whether they meet their targets, and those of the last run."""
    for name, run in runs.items():
        before = last.get(name, {"figures": {}})
        console = Console()
        console = console if console.is_terminal else Console(width=WIDTH)
        console.print(_shown(name, run, before))
        judged = [figure["met"] for figure in run["figures"].values() if figure["met"] is not None]
        console.print(f"{judged.count(True)} of {len(judged)} targets met")


def _shown(name: str, run: Run, before: Run) -> Table:
    title = f"{name if name == 'large' else f'{int(name):,}'} events: figures beside yardsticks of the same run"
    shown = Table(title=title, caption=_caption(run, before), title_justify="left")
    for head in ("", "measured", "last", "yardstick", " ", "ratio", "last", "cpu", "target", ""):
        shown.add_column(head, justify="left" if head in ("", "yardstick") else "right", no_wrap=True)
    for key, figure in run["figures"].items():
        shown.add_row(*_cells(figure, before["figures"].get(key)))
    return shown


def _cells(figure: Mapping[str, Any], last: Mapping[str, Any] | None) -> list[str]:
    return [
        figure["what"],
        f"{number(figure['value'])} {figure['unit']}",
        number(last["value"]) if last else "",
        figure["yardstick"],
        number(figure["yardstick_value"]),
        number(figure["ratio"]),
        number(last["ratio"]) if last else "",
        cpu(figure),
        target(figure),
        {True: "[green]met[/]", False: "[red]missed[/]", None: ""}[figure["met"]],
    ]


def cpu(figure: Mapping[str, Any]) -> str:
    """Processor time, ours and the yardstick's: of one event, or the median of one question."""
    if "cpu" not in figure:
        return ""
    return f"{number(figure['cpu'])} : {number(figure['yardstick_cpu'])} {figure['cpu_unit']}"


def target(figure: Mapping[str, Any]) -> str:
    """What is wanted, in the figure's unit, as a ratio, or as processor time."""
    wanted = figure["target"]
    if wanted is None:
        return ""
    unit = {"ratio": " ×", "cpu": f" {figure.get('cpu_unit')} cpu", "value": ""}[wanted["of"]]
    return f"{wanted['relation']} {wanted['number']:,g}{unit}"


def number(measured: float) -> str:
    """A number in three digits or more."""
    digits = 0 if measured >= 100 else 1 if measured >= 10 else 2 if measured >= 0.1 else 4
    return f"{measured:,.{digits}f}"


def _caption(run: Run, before: Run) -> str:
    about = run["machine"]
    named = ("version", "commit", "python", "sqlite", "duckdb", "cores", "load_average", "load_average_after", "date")
    text = " · ".join(f"{name.replace('_', ' ')} {about[name]}" for name in named if name in about)
    last = before.get("machine")
    return f"{text}\nlast: commit {last['commit']}, {last['date']}" if last else text
