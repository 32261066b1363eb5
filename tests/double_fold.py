"""A plugin of pytest: whatever is folded in Python is folded by the engine, too, and a difference fails the test.

`pytest -p tests.double_fold`, or DOUBLE_FOLD=1 as `make check` has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analytics_es.projection.fold import Fold, Folded, Result

folds = {"alike": 0, "left to the engine": 0}
differences: list[str] = []


def shown(result: Any) -> Any:
    """Return what a fold gives, to compare."""
    if not isinstance(result, Folded):
        return result
    return list(result.rows), list(result.unreadable), [tuple(day) for day in result.days]


def compared(self: Fold, events: Any, declarations: Sequence[Any], within: Any) -> Result:
    sure = plain(self, events, declarations, within)
    folds["left to the engine"] += len(declarations) - len(sure)
    own = [declaration for declaration in declarations if declaration.name in sure]
    truth = self._in_engine(events, own, within) if own else {}
    for name in sure:
        if shown(sure[name]) == shown(truth[name]):
            folds["alike"] += 1
            continue
        ours, theirs = shown(sure[name]), shown(truth[name])
        difference = f"{name}: {ours!r:.3000}\n is not \n{theirs!r:.3000}\n of {events.slice(0, 3).to_pylist()!r:.3000}"
        differences.append(difference)
        raise AssertionError(difference)
    return sure


plain = Fold._in_python
Fold._in_python = compared  # type: ignore[method-assign]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    terminalreporter.write_line(f"double fold: {folds}, different {len(differences)}")
    for difference in differences[:5]:
        terminalreporter.write_line(difference)
