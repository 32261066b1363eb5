"""Floors under the ratios: what a later run must not fall below by more than a quarter; not asked by CI.

A run is held against the floors of its size, `floors.toml`. Where more is better, a ratio may fall to three quarters of
its floor; where less is better, it may rise to four thirds: in both, a quarter of the speed.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from tests.benchmarks.report import Run

PATH = Path(__file__).with_name("floors.toml")
LEFT = 0.75  # of the speed

Floors = Mapping[str, Mapping[str, float]]  # of each size, the ratio of each figure by its name

HEAD = """\
# What ratios must not fall below by more than a quarter: `make bench BENCH="--events 200000 --check"`.
# Written by --write-floors from a run on a quiet machine; a floor of a noisy figure may be lowered by hand.
"""


def load(path: Path | None = None) -> Floors:
    """Return the floors of every size."""
    path = path or PATH
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def write(runs: Mapping[str, Run], path: Path | None = None) -> None:
    """Make the ratios of runs the floors of their sizes; those of other sizes stay."""
    floors = {**load(path), **{name: _ratios(run) for name, run in runs.items()}}
    sections = (f"\n[{_quoted(name)}]\n" + "".join(_lines(ratios)) for name, ratios in floors.items())
    (path or PATH).write_text(HEAD + "".join(sections), encoding="utf-8")


def _ratios(run: Run) -> Mapping[str, float]:
    return {name: figure["ratio"] for name, figure in run["figures"].items()}


def _lines(ratios: Mapping[str, float]) -> Iterator[str]:
    return (f"{_quoted(name)} = {ratio}\n" for name, ratio in ratios.items())


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)


def check(runs: Mapping[str, Run], floors: Floors, measured: Collection[str], known: Collection[str]) -> list[str]:
    """Return a line for each thing that is wrong, none where all is well.

    measured: the measurements that were asked for; known: all that there are.
    """
    return [problem for name, run in runs.items() for problem in _problems(name, run, floors, measured, known)]


def _problems(size: str, run: Run, floors: Floors, measured: Collection[str], known: Collection[str]) -> Iterator[str]:
    if size not in floors:
        yield f"{size} events: there are no floors of this size, but of {', '.join(floors) or 'none'}"
        return
    figures = run["figures"]
    for name, floor in floors[size].items():
        measurement = name.partition(":")[0]
        if measurement not in known:
            yield f"{name}: there is a floor of {floor:g}, and no such measurement"
        elif measurement in measured and name not in figures:
            yield f"{name}: was not measured; its floor is {floor:g}"
    for name, figure in figures.items():
        if name not in floors[size]:
            yield f"{name}: has no floor; write one with --write-floors"
        elif fallen(figure["ratio"], floors[size][name], figure["better"]):
            yield f"{name}: {figure['ratio']:.3g} × is a quarter worse than its floor, {floors[size][name]:g} ×"


def fallen(ratio: float, floor: float, better: str) -> bool:
    """Whether a ratio is worse than its floor by more than a quarter of the speed."""
    return ratio < LEFT * floor if better == "higher" else ratio > floor / LEFT
