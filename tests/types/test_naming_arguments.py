"""Every public function, whatever is passed to it: it answers, or fails with an error of ours, never a bare one."""

from __future__ import annotations

import importlib
import inspect
import math
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService, PriceBook, PrivacyPolicy, TimePeriod
from analytics_es.errors import AnalyticsError, BadArgument, BadPolicy
from analytics_es.ingest import InProcessBus
from analytics_es.testing import DAY, price, provider_call
from tests.stores import opened, record

ODD: dict[str, Any] = {
    "None": None,
    "5": 5,
    "-1": -1,
    "0": 0,
    "nan": math.nan,
    "nothing": "",
    "x": "x",
    "bytes": b"",
    "naive": datetime(2026, 1, 1),
    "giant": 10**400,
    "list": [],
    "list of object": [object()],
    "dict": {},
    "dict of object": {5: object()},
    "half of a pair": "\ud800",
    "nul": "\0",
    "object": object(),
    "timedelta": timedelta(days=-1),
    "path": Path("nosuch"),
}
API = (Path(__file__).parent.parent.parent / "docs" / "api.md").read_text()
# What Python itself says is none to be called, what services make and hand over, and what has tests of its own.
NOT_CALLED = {"AnalyticsService", "AsOf", "Buffer", "Importer", "Timed", "TimedCall", "NatsConsumer", "record"}
NOT_CALLED |= {"BatchBus", "MessageBus", "Granularity", "WhenFull", "ExportFormat", "analytics", "analytics_options"}


def functions() -> Iterator[Any]:
    for room, names in re.findall(r"^\| `(analytics_es[\w.]*)` \| (.*?) \|", API, re.MULTILINE):
        for name in re.findall(r"`(\w+)`", names):
            if name not in NOT_CALLED and not room.endswith((".errors", ".fixtures")):
                yield pytest.param(getattr(importlib.import_module(room), name), id=f"{room}.{name}")


def bare(function: Callable[..., Any]) -> list[str]:
    """Return which errors that are none of ours a function fails with, given one odd value for all that it needs."""
    parameters = inspect.signature(function).parameters.values()
    needed = [
        own for own in parameters if own.default is own.empty and own.kind not in (own.VAR_KEYWORD, own.VAR_POSITIONAL)
    ]
    failures = []
    for label, odd in ODD.items():
        by_place = [odd for own in needed if own.kind is not own.KEYWORD_ONLY]
        by_name = {own.name: odd for own in needed if own.kind is own.KEYWORD_ONLY}
        try:
            result = function(*by_place, **by_name)
            if inspect.isgenerator(result):
                next(result, None)
        except AnalyticsError as error:
            assert error.code
        except Exception as error:
            failures.append(f"{label}: {error!r}")
    return failures


@pytest.mark.parametrize("function", [*functions()])
def test_a_public_function_fails_with_an_error_of_ours(
    function: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if callable(function) and not (inspect.isclass(function) and issubclass(function, BaseException)):
        try:
            inspect.signature(function)
        except ValueError:
            return
        assert bare(function) == []


@pytest.mark.parametrize("name", ["service", "book", "importer", "bus", "period", "answer", "as_of", "stats"])
def test_a_method_of_what_it_gives_fails_with_an_error_of_ours(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with opened() as analytics:
        record(analytics, provider_call())
        given: dict[str, Callable[[], Any]] = {
            "service": lambda: analytics,
            "book": lambda: analytics.price_book().unwrap(),
            "importer": analytics.importing,
            "bus": InProcessBus,
            "period": lambda: DAY,
            "answer": lambda: analytics.get_cost_breakdown(DAY).unwrap(),
            "as_of": lambda: analytics.as_of(1),
            "stats": analytics.stats,
        }
        thing = given[name]()
        methods = [
            word
            for word in dir(thing)
            if not word.startswith("_")
            and word not in ("close", "store", "default", "wait_until_caught_up")
            and inspect.isroutine(getattr(thing, word))
        ]
        assert {word: failures for word in methods if (failures := bare(getattr(thing, word)))} == {}


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda book: book.prices_at(None, None, datetime.now(UTC)), "model must be a text, not None."),
        (lambda book: book.prices_at("openai", "gpt-5", "now"), "at must be a time with a zone, "),
        (lambda book: book.cost_of(None, "openai", "gpt-5", datetime.now(UTC)), "usage must be a mapping of what was"),
        (lambda book: book.tiers("openai", 0.5), "model must be a text, not 0.5."),
    ],
)
def test_a_book_of_prices_says_which_argument_is_wrong(ask: Callable[[PriceBook], Any], message: str) -> None:
    with opened() as analytics:
        analytics.publish_prices([price(provider="acme", model="m")]).unwrap()
        with pytest.raises(BadArgument, match=re.escape(message)):
            ask(analytics.price_book().unwrap())


def test_four_calls_that_raised_bare_errors_say_a_sentence() -> None:
    with pytest.raises(BadPolicy, match="rules are in a mapping, not in an int"):
        AnalyticsService.open(":memory:", privacy=5)  # type: ignore[arg-type]
    with pytest.raises(BadPolicy, match="rules are pairs of a path and an action"):
        PrivacyPolicy(rules=5)  # type: ignore[arg-type]
    with opened() as analytics:
        failures = [
            analytics.get_budgets(at=datetime(2026, 1, 1)).failure,
            analytics.price(None, None).failure,  # type: ignore[arg-type]
            analytics.rebuild(batch_size=0).failure,
            analytics.rebuild([]).failure,
        ]

    assert [failure and failure.code for failure in failures] == ["bad_argument"] * 4
    assert TimePeriod.today().granularity == "hour"
