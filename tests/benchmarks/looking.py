"""Pages over HTTP: when their first byte is there, beside what their answers take, and how much they weigh."""

from __future__ import annotations

import inspect
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import wraps
from typing import Any
from unittest.mock import patch

import httpx
from attrs import define

from analytics_es import AnalyticsService
from analytics_es.web import analytics_app
from analytics_es.web.server import listening, serving, url_of
from tests.benchmarks.figures import Effort, Figure, Target, figure, percentile, spread
from tests.benchmarks.store import Store, say
from tests.benchmarks.workload import DAYS, START

TIMEOUT = 120.0
END = START + timedelta(days=DAYS)
MONTH = {"from": f"{END - timedelta(days=30):%Y-%m-%d}", "to": f"{END:%Y-%m-%d}"}
PAGES = {
    "overview of 30 days": ("overview", MONTH),
    "cost of 30 days by model": ("cost", {**MONTH, "by": "model"}),
    "performance of 30 days": ("performance", MONTH),
    "events behind a day's cost": ("events", {"metric": "cost.cost", "from": "2026-03-05", "to": "2026-03-06"}),
}
FIRST_BYTE = Target("value", "≤", 150)  # ms beside the answers
WEIGHT = Target("value", "≤", 80)  # kB, unpacked, with style and script but for the library of charts
LIBRARY = "plotly"


@define
class Answers:
    """How long the questions of a page took, as Python asks them."""

    seconds: float = 0.0
    within: bool = False


def page(store: Store, effort: Effort) -> Iterator[Figure]:
    """Ask a server for pages, again and again: until the first byte, beside the answers; then what they weigh."""
    store.catch_up()
    say(f"asking for every page {effort.runs} times")
    with store.open() as analytics, _timed() as answers, _client(analytics) as client:
        for what, (name, words) in PAGES.items():
            _first_byte(client, name, words, answers)  # what is derived once
            turns = [_first_byte(client, name, words, answers) for _ in range(effort.runs)]
            yield _beside(what, turns, store.size)
        yield _weight(client, store.size)


def _beside(what: str, turns: list[tuple[float, float]], events: int) -> Figure:
    beside, answers = ([1e3 * turn[side] for turn in turns] for side in (0, 1))
    return figure(
        f"first byte of the {what}, beside its answers",
        beside,
        answers,
        events=events,
        unit="ms",
        yardstick="its answers",
        target=FIRST_BYTE,
        more={**spread(beside), "answers_p95": round(percentile(answers, 0.95), 3)},
    )


def _first_byte(client: httpx.Client, name: str, words: dict[str, str], answers: Answers) -> tuple[float, float]:
    """Return how many seconds a page took until its first byte but for its answers, and these."""
    answers.seconds, began = 0.0, time.perf_counter()
    with client.stream("GET", f"/{name}", params=words) as response:
        whole = time.perf_counter() - began
        response.raise_for_status()
        response.read()
    return whole - answers.seconds, answers.seconds


def _weight(client: httpx.Client, events: int) -> Figure:
    """Return what the overview weighs with all that it takes, but for the library of charts, held against its JSON."""
    html = client.get("/overview", params=MONTH).text
    taken = [link for link in re.findall(r'(?:href|src)="(/static/[^"]+)"', html) if LIBRARY not in link]
    files = {link.rpartition("/")[2]: len(client.get(link).content) for link in taken}
    whole = (len(html.encode()) + sum(files.values())) / 1e3
    as_json = len(client.get("/overview.json", params=MONTH).content) / 1e3
    about: dict[str, Any] = {"events": events, "unit": "kB", "yardstick": "its answers as JSON", "target": WEIGHT}
    return figure("weight of the overview of 30 days", [whole], [as_json], more=files, **about)


@contextmanager
def _client(analytics: AnalyticsService) -> Iterator[httpx.Client]:
    socket = listening("127.0.0.1", 0)
    with (
        serving(analytics_app(analytics), socket, lambda: None),
        httpx.Client(base_url=url_of(socket), timeout=TIMEOUT) as client,
    ):
        yield client


@contextmanager
def _timed() -> Iterator[Answers]:
    """Take the time of all questions; of one that asks others, once."""
    answers = Answers()
    with ExitStack() as patches:
        for name, ask in inspect.getmembers(AnalyticsService, inspect.isfunction):
            if not name.startswith("_") and name != "as_of":
                patches.enter_context(patch.object(AnalyticsService, name, _noting(ask, answers)))
        yield answers


def _noting(ask: Callable[..., Any], answers: Answers) -> Callable[..., Any]:
    @wraps(ask)
    def asked(*arguments: Any, **options: Any) -> Any:
        if answers.within:
            return ask(*arguments, **options)
        answers.within, began = True, time.perf_counter()
        try:
            return ask(*arguments, **options)
        finally:
            answers.within = False
            answers.seconds += time.perf_counter() - began

    return asked
