"""Figures as a table and as JSON, with the machine they were taken on."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from attrs import asdict
from rich.console import Console
from rich.table import Table

from tests.benchmarks.figures import Figure

WIDTH = 170  # of a pipe


def machine() -> dict[str, Any]:
    """Say what everything runs on, and how busy it is."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        **{name: version(name) for name in ("duckdb", "pyarrow", "eventsourcing")},
        "system": platform.platform(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load_average": load_average(),
    }


def load_average() -> float | None:
    """Return how many processes wanted a core in the last minute: above the number of cores, figures are blurred."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def table(figures: Sequence[Figure], about: dict[str, Any]) -> None:
    """Print the figures and whether they meet their targets."""
    shown = Table(title="Figures beside yardsticks of the same run", caption=_caption(about), title_justify="left")
    for name in ("", "events", "measured", "yardstick", " ", "ratio", "cpu", "target", ""):
        shown.add_column(name, justify="left" if name in ("", "yardstick") else "right", no_wrap=True)
    for figure in figures:
        shown.add_row(*_cells(figure))
    console = Console()
    console = console if console.is_terminal else Console(width=WIDTH)
    console.print(shown)
    judged = [figure.met for figure in figures if figure.met is not None]
    console.print(f"{judged.count(True)} of {len(judged)} targets met")


def _cells(figure: Figure) -> list[str]:
    target, more = figure.target, figure.more
    median = f" (p50 {more['p50']:,.1f})" if "p50" in more else ""
    return [
        figure.what,
        f"{figure.events:,}",
        f"{_number(figure.value)} {figure.unit}{median}",
        figure.yardstick,
        "" if figure.yardstick_value is None else _number(figure.yardstick_value),
        "" if figure.ratio is None else f"{figure.ratio:,.2f}",
        _cpu(more),
        "" if target is None else f"{target.relation} {target.number:,g}" + (" ×" if target.of == "ratio" else ""),
        {True: "[green]met[/]", False: "[red]missed[/]", None: ""}[figure.met],
    ]


def _cpu(more: Mapping[str, Any]) -> str:
    """Processor time, ours and the yardstick's: of one event, or the median of one question."""
    units = [unit for unit in ("us", "ms") if f"cpu_{unit}" in more]
    return "".join(f"{more[f'cpu_{u}']:,.1f} : {more[f'yardstick_cpu_{u}']:,.1f} {u}" for u in units)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}"


def _caption(about: dict[str, Any]) -> str:
    named = ("python", "sqlite", "duckdb", "cores", "load_average", "load_average_after", "date")
    return " · ".join(f"{name.replace('_', ' ')} {about[name]}" for name in named)


def save(path: Path, figures: Sequence[Figure], about: dict[str, Any]) -> None:
    """Write the figures as JSON."""
    plain = {"machine": about, "figures": [{**asdict(figure), "met": figure.met} for figure in figures]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(plain, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
