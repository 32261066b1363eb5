"""Outcomes: what an earlier edition of the words that end an activity said is derived again, but for what is sealed."""

from __future__ import annotations

from pathlib import Path

from attrs import evolve

from analytics_es.projection import count, declaration_of, key, projection
from analytics_es.testing import tool_call
from tests.stores import opened, record


def test_what_another_edition_of_the_words_said_of_outcomes_is_derived_again(tmp_path: Path) -> None:
    @projection(version=1, consumes=("tool.>",))
    class Ends:
        """How tools ended."""

        outcome: str = key("outcome")
        calls: int = count()

    @projection(version=1, consumes=("tool.>",))
    class Calls:
        """What tools were called."""

        tool: str = key("tool")
        calls: int = count()

    today = declaration_of(Ends)
    Ends.__analytics__ = evolve(today, outcomes=1)  # type: ignore[attr-defined]  # as a version before declared it
    with opened(tmp_path / "analytics.db", projections=[Ends, Calls]) as service:
        record(service, tool_call(status=None))
        fingerprint = service.store.read_models.live()["calls"].declaration.fingerprint

    Ends.__analytics__ = today  # type: ignore[attr-defined]
    with opened(tmp_path / "analytics.db", projections=[Ends, Calls]) as service:
        assert [status.stale for status in service.projections().unwrap()] == [
            None,
            "definition changed (changed outcomes)",
        ]

        service.catch_up()

        live = service.store.read_models.live()
        assert (live["ends"].declaration.outcomes, live["calls"].declaration.fingerprint) == (2, fingerprint)
        assert service.verify().unwrap().identical
