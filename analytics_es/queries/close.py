"""What somebody may have meant who asks for a metric that there is not; better nothing than something else."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from analytics_es.projection.declaration import Declaration
from analytics_es.types.sentences import sentence

OF_PROJECTION, OF_MEASURE = 0.7, 0.6  # how like the name is, of 1
LISTED = 3

# What is an answer of its own and no metric: by projection, how its figures are called, and where they are.
ANSWERS = {
    "cost": (
        ("cost",),
        sentence(
            "what calls cost is get_cost_breakdown (`analytics-es cost`), and explain_cost lists the calls behind it "
            "(`analytics-es explain cost.cost`)"
        ),
    ),
    "budgets": (
        ("remaining", "used", "burn_rate"),
        sentence("what is spent of budgets, and what remains, is get_budgets (`analytics-es budgets`)"),
    ),
}


def hint(declarations: Sequence[Declaration], metric: object) -> str:
    """Return how a message goes on that says that there is no such metric."""
    measures = {declaration.name: [measure.name for measure in declaration.measures] for declaration in declarations}
    first, dot, second = str(metric).partition(".")
    projection = _projection(first, list(measures)) if dot else None
    word = second if dot else first
    elsewhere = [f"{name}.{word}" for name in measures if word in measures[name]]
    if dot and projection is None:
        others = _meant(elsewhere) if elsewhere else "."
        return f", as there is no projection {first!r:.40} here, only {', '.join(measures)}{others}"
    if projection is None:  # one word: of a metric, or a projection
        names, where = ANSWERS.get(first, ((), "")) if first in measures else ((), "")
        return sentence(": {where}.", where=where) if where else _meant(elsewhere)
    names, where = ANSWERS.get(projection, ((), ""))
    close = get_close_matches(second, [*measures[projection], *names], LISTED, OF_MEASURE)
    close += [one for one in measures[projection] if second and second in one and one not in close]
    if where and (not close or close[0] in names):
        return sentence(": {where}.", where=where)
    return _meant([f"{projection}.{one}" for one in close if one not in names] + elsewhere)


def _projection(name: str, names: Sequence[str]) -> str | None:
    """Return the projection of that name, or of one that is like it or goes on so."""
    close = [one for one in names if one == name] or get_close_matches(name, names, 1, OF_PROJECTION)
    return next(iter(close or [one for one in names if len(name) > 2 and one.startswith(name)]), None)


def _meant(metrics: Sequence[str]) -> str:
    chosen = list(dict.fromkeys(metrics))[:LISTED]
    return f": did you mean {' or '.join(chosen)}?" if chosen else "."
