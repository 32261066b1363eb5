"""What is kept of our own projections' expressions, made anew: `python -m tests.projection.kept` writes it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from attrs import evolve

from analytics_es.projection import declarations_of, expressions
from analytics_es.projection.declaration import Declaration
from analytics_es.projection.declare import check
from analytics_es.projections import Budgets, Cost, Performance, Usage


def declared() -> Sequence[Declaration]:
    """Return our own projections as they are before it is noted of what edition the words are that they read."""
    return [evolve(own, outcomes=1) for own in declarations_of((Budgets, Cost, Performance, Usage))]


def made() -> dict[str, Any]:
    """Ask the engine everything again, and return what is to be kept."""
    for declaration in declared():
        check(declaration)
    texts = sorted({sql for declaration in declared() for sql in declaration.expressions})
    return {
        "fingerprints": [declaration.fingerprint for declaration in declared()],
        "trees": {sql: expressions.parsed(sql) for sql in texts},
    }


def written() -> str:
    """Return the file's text: one expression a line."""
    facts = made()
    trees = ",\n".join(f"{_json(sql)}:{_json(tree)}" for sql, tree in facts["trees"].items())
    return f'{{"fingerprints":{_json(facts["fingerprints"])},"trees":{{\n{trees}\n}}}}\n'


def _json(part: Any) -> str:
    return json.dumps(part, separators=(",", ":"), ensure_ascii=False)


if __name__ == "__main__":
    expressions.KEPT.write_text(written())
