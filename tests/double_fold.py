"""A plugin of pytest: whatever is folded in Python is folded by the engine, too, and a difference fails the test.

It is on where DOUBLE_FOLD is set, as `make check` has it. The same projections of the same events are compared once.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from analytics_es.projection.certain import Unsure
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.fold import Fold, Folded, Result
from analytics_es.projection.small_fold import SmallFold

ON = "DOUBLE_FOLD"
ENGINES = 4  # that are open at once
SHOWN = 2_000  # characters of each side of a difference


class Comparison:
    """Compares, and keeps what was different until its test has ended: what folds aside has nobody to tell it to."""

    def __init__(self) -> None:
        self.alike = self.again = self.left = 0
        self.differences: list[str] = []
        self._plain, self._seen = Fold._in_python, set[bytes]()
        self._rows = SmallFold.__call__
        self._others = dict[tuple[str, ...], Fold]()  # the first is the one that was made first
        self._left = list[Any]()  # engines of a process before this one, that must not be closed here
        self._let_in()
        os.register_at_fork(after_in_child=self._let_in)

    def _let_in(self) -> None:
        """Begin anew in a forked process: who has the lock may not be here."""
        self._left.append(self._others)
        self._lock, self._others = threading.Lock(), {}

    def _other(self, fold: Fold) -> Fold:
        """Return a fold of the same with an engine of its own: what is tested may be closed, or look at its own."""
        key = (*sorted(own.definition for own in fold._declarations.values()), str(fold.calendar.zone))
        if key not in self._others:
            if len(self._others) >= ENGINES:
                self._others.pop(next(iter(self._others))).close()
            self._others[key] = Fold(fold._declarations.values(), fold.calendar)
        return self._others[key]

    def begin(self) -> None:
        """Let every fold be done twice."""
        comparison = self

        def in_python(fold: Fold, events: Any, declarations: Sequence[Declaration], within: Any) -> Result:
            sure = comparison._plain(fold, events, declarations, within)
            comparison.left += len(declarations) - len(sure)
            comparison._compare(fold, events, [own for own in declarations if own.name in sure], within, sure)
            return sure

        def rows(small: SmallFold, *arguments: Any) -> Any:
            try:
                return comparison._rows(small, *arguments)
            except Unsure:
                raise
            except Exception as error:
                comparison.differences.append(f"a fold in Python failed: {error!r}")
                raise

        Fold._in_python = in_python  # type: ignore[method-assign]
        SmallFold.__call__ = rows  # type: ignore[method-assign]

    def end(self) -> None:
        """Let folds be as they are."""
        while self._others:
            self._others.popitem()[1].close()
        Fold._in_python, SmallFold.__call__ = self._plain, self._rows  # type: ignore[method-assign]

    def _compare(self, fold: Fold, events: Any, own: Sequence[Declaration], within: Any, sure: Result) -> None:
        digest = self._digest(fold, events, own, within)
        if not own or digest in self._seen:
            self.again += len(own)
            return
        with self._lock:
            truth = self._other(fold)._in_engine(events, own, within)
        self._seen.add(digest)
        for name in (declaration.name for declaration in own):
            ours, theirs = shown(sure[name]), shown(truth[name])
            if ours == theirs:
                self.alike += 1
            else:
                stored = events.slice(0, 3).to_pylist()
                parts = (f"{part!r:.{SHOWN}}" for part in (name, ours, theirs, stored))
                self.differences.append("{}:\n{}\nis not\n{}\nof {}".format(*parts))

    def _digest(self, fold: Fold, events: Any, own: Sequence[Declaration], within: Any) -> bytes:
        """Tell what is folded from everything else that is."""
        definitions = sorted(declaration.definition for declaration in fold._declarations.values())
        names = [declaration.name for declaration in own]
        columns = [events.column(name).to_pylist() for name in events.column_names if name != "position"]
        what = (definitions, names, str(fold.calendar.zone), within, columns)
        return hashlib.blake2b(repr(what).encode("utf-8", "replace"), digest_size=16).digest()


def shown(result: Any) -> Any:
    """Return all of what a fold gives, to compare."""
    if not isinstance(result, Folded):
        return result
    return list(result.rows), list(result.unreadable), [tuple(day) for day in result.days]


comparison = Comparison()


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get(ON):
        comparison.begin()


def pytest_unconfigure(config: pytest.Config) -> None:
    comparison.end()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    outcome = yield
    if comparison.differences:
        report = outcome.get_result()
        report.outcome = "failed"
        report.longrepr = "\n\n".join(["Folded twice, with a difference:", *comparison.differences])
        comparison.differences.clear()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if os.environ.get(ON) and comparison.alike:
        said = f"{comparison.alike} alike, {comparison.again} the same again, {comparison.left} left to the engine"
        terminalreporter.write_line(f"folded twice: {said}")
