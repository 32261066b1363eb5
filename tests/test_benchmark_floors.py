"""What `make bench BENCH=--check` lets pass, and what not."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks import floors, report
from tests.benchmarks.figures import Figure

OF_BOTH = {"events": 10, "value": 2, "yardstick_value": 1}
RATE = Figure(what="append", unit="events/s", yardstick="raw", ratios=[0.4, 0.5, 0.9], measurement="append", **OF_BOTH)
WAIT = Figure(what="ask", unit="ms p95", yardstick="SQL", ratios=[2.0], measurement="queries", **OF_BOTH)
FLOORS = {"10": {RATE.name: 0.5, WAIT.name: 2.0}}
NAMES = ("append", "queries")


def run(*, rate: float = 0.5, wait: float = 2.0) -> Mapping[str, Any]:
    """Return a run of the two figures with these ratios."""
    figures = report.run_of([RATE, WAIT], {})
    figures["figures"][RATE.name]["ratio"] = rate
    figures["figures"][WAIT.name]["ratio"] = wait
    return {"10": figures}


@pytest.mark.parametrize(("rate", "wait"), [(0.5, 2.0), (0.376, 2.66), (9.0, 0.1)])
def test_noise_inside_a_quarter_and_what_is_better_pass(rate: float, wait: float) -> None:
    assert floors.check(run(rate=rate, wait=wait), FLOORS, NAMES, NAMES) == []


def test_a_rate_that_fell_by_more_than_a_quarter_fails() -> None:
    assert floors.check(run(rate=0.37), FLOORS, NAMES, NAMES) == [
        "append: append | raw: 0.37 × is a quarter worse than its floor, 0.5 ×"
    ]


def test_a_time_that_rose_by_as_much_fails() -> None:
    assert floors.check(run(wait=2.7), FLOORS, NAMES, NAMES) == [
        "queries: ask | SQL: 2.7 × is a quarter worse than its floor, 2 ×"
    ]


def test_a_figure_that_was_not_measured_fails() -> None:
    runs = {"10": report.run_of([RATE], {})}

    assert floors.check(runs, FLOORS, NAMES, NAMES) == ["queries: ask | SQL: was not measured; its floor is 2"]


def test_what_was_not_asked_for_is_not_missing() -> None:
    assert floors.check({"10": report.run_of([RATE], {})}, FLOORS, ["append"], NAMES) == []


def test_a_floor_of_no_measurement_fails() -> None:
    more = {"10": {**FLOORS["10"], "fly: far | bird": 3.0}}

    assert floors.check(run(), more, NAMES, NAMES) == [
        "fly: far | bird: there is a floor of 3, and no such measurement"
    ]


def test_a_figure_without_a_floor_fails() -> None:
    assert floors.check(run(), {"10": {RATE.name: 0.5}}, NAMES, NAMES) == [
        "queries: ask | SQL: has no floor; write one with --write-floors"
    ]


def test_a_size_without_floors_fails() -> None:
    assert floors.check(run(), {"20": {}}, NAMES, NAMES) == ["10 events: there are no floors of this size, but of 20"]


def test_floors_that_are_written_are_those_of_the_run_and_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "floors.toml"

    floors.write({"20": report.run_of([WAIT], {})}, path)
    floors.write({"10": report.run_of([RATE, WAIT], {})}, path)

    assert floors.load(path) == {"20": {WAIT.name: 2.0}, **FLOORS}
