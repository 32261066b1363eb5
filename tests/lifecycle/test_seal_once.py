"""What was folded to be verified is sealed: the same bytes as folding it again, and only where that is sure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es import AnalyticsService
from analytics_es.lifecycle import sealing
from analytics_es.lifecycle.seal_fold import SealFold
from analytics_es.log.seals import SealedRows
from analytics_es.projection import count, key, projection
from analytics_es.read_models.sealed_rows import EVER
from analytics_es.testing import NOON, message_added, provider_call, task_completed, tool_call
from tests.examples import examples
from tests.stores import append, opened, stored

NOW = NOON + timedelta(days=200)
KEEP = {"events": "180d"}
HOUR = timedelta(hours=1)
CALLS = [
    make(occurred_at=NOON + 11 * n * HOUR, user_id=f"user-{n % 3}", duration_ms=n + 1)
    for n in range(60)
    for make in (provider_call, tool_call)
]


@projection(version=1, consumes=("analytics.>", "tool.>"))
class Own:
    """What the service says of itself, too, which is never sealed."""

    family: str = key("family")
    events: int = count()


@projection(version=1, consumes=("tool.>",))
class Tools:
    """Calls of tools."""

    family: str = key("family")
    events: int = count()


def store_of(
    events: Sequence[Any], *place: Path, rewritten: Mapping[int, bytes] | None = None, **options: Any
) -> AnalyticsService:
    service = opened(*place, clock=lambda: NOW, privacy="full", **options)
    happened = [event for event in events if isinstance(event, dict)]
    service.record_events({**event, "id": str(n), "source": "test"} for n, event in enumerate(happened)).unwrap()
    append(service.store.log, *(event for event in events if isinstance(event, tuple)))
    service.store.log.rewrite(rewritten or {})
    service.catch_up()
    return service


def sealed(service: AnalyticsService) -> dict[str, Any]:
    seals = service.store.log.seals
    names = seals.projections()
    rows: list[SealedRows] = [row for name in names for row in seals.rows(name, *EVER)]
    definitions = [definition for name in names for definition in seals.definitions(name)]
    return {"rows": sorted(rows), "definitions": sorted(definitions), "days": seals.days()}


def retained(events: Sequence[Any], *place: Path, once: bool, policy: dict[str, str] = KEEP, **options: Any) -> Any:
    """Seal in one way or the other; returns what was sealed, and whether events were folded for that."""
    folded = []
    with pytest.MonkeyPatch.context() as patch, store_of(events, *place, **options) as service:
        derived = SealFold.derived
        patch.setattr(SealFold, "derived", lambda *args: folded.append(args) or derived(*args))
        patch.setattr(sealing, "TOGETHER", 20)
        if not once:
            patch.setattr(sealing, "is_plain", lambda *args: False)
        result = service.retain(policy).unwrap()
        return {**sealed(service), "result": (result.events, result.seals, result.rows)}, bool(folded)


times = st.integers(-40, 40 * 24).map(lambda hours: NOON + hours * HOUR + timedelta(milliseconds=7))
users = st.sampled_from([None, "ada", "bob", "b" * 300])
makers = st.sampled_from([provider_call, tool_call, task_completed, message_added])
usual = st.builds(
    lambda make, at, user: make(occurred_at=at, user_id=user, attributes={"size": "much"}), makers, times, users
)
custom = st.builds(
    lambda at, value: stored("custom.thing.happened", occurred_at=at.isoformat().replace("+00:00", "Z"), value=value),
    times,
    st.sampled_from([1, "many", 2**63 - 1, -1, None]),
)


@examples(6)
@given(st.lists(usual | custom, min_size=1, max_size=40), st.sampled_from(["UTC", "Asia/Kathmandu"]))
def test_the_bytes_are_those_of_folding_again(events: list[Any], zone: str) -> None:
    once, folded = retained(events, once=True, timezone=zone)
    twice, _ = retained(events, once=False, timezone=zone)

    assert once == twice
    assert not folded


def test_nothing_is_folded_twice_however_many_seals_there_are() -> None:
    once, folded = retained(CALLS, once=True)
    twice, _ = retained(CALLS, once=False)

    assert once == twice
    assert once["result"][1] > 2
    assert not folded


ODD = {
    "no JSON": b"{",
    "no time": b'{"source":"test","occurred_at":"?","data":{}}',
    "another time than its key's": b'{"source":"test","occurred_at":"2026-03-07T12:00:00Z","data":{}}',
    "a time that we write otherwise": b'{"source":"test","occurred_at":"2026-03-02T12:00:00+00:00","data":{}}',
}


@pytest.mark.parametrize("odd", ODD)
def test_events_that_are_odd_are_folded_again(odd: str) -> None:
    once, folded = retained(CALLS, once=True, rewritten={2: ODD[odd]})
    twice, _ = retained(CALLS, once=False, rewritten={2: ODD[odd]})

    assert once == twice
    assert folded


def test_a_time_for_each_family_and_what_is_never_sealed_are_folded_again() -> None:
    by_family = {**KEEP, "tool.*": "170d"}

    for options in ({"policy": by_family}, {"projections": [Own]}):
        once, folded = retained(CALLS, once=True, **options)
        assert (once, folded) == (retained(CALLS, once=False, **options)[0], True)


def test_for_a_read_model_that_nobody_here_declares_events_are_folded_again(tmp_path: Path) -> None:
    with store_of(CALLS, tmp_path / "a.db", projections=[Tools]):
        pass

    once, folded = retained([], tmp_path / "a.db", once=True)

    assert {definition.projection for definition in once["definitions"]} >= {"tools", "usage"}
    assert folded


@pytest.mark.parametrize("once", [True, False])
@pytest.mark.parametrize("damage", ["rows", "ledger", "unreadable", "log"])
def test_what_does_not_verify_is_refused_with_nothing_sealed(damage: str, once: bool) -> None:
    with store_of(CALLS) as service, pytest.MonkeyPatch.context() as patch:
        if not once:
            patch.setattr(sealing, "is_plain", lambda *args: False)
        table = service.store.read_models.live()["usage"].declaration.table
        statements = {
            "rows": f"UPDATE {table} SET events = events + 1 WHERE grain = 'hour'",
            "ledger": "UPDATE ledger SET checksum = checksum + 1",
            "unreadable": f"INSERT INTO unreadable VALUES ('{table}', {int(NOON.timestamp())}, 3, 'duration')",
        }
        if damage == "log":
            log = service.store.log
            state = log.scan(after=0, limit=4).column("state").to_pylist()[3].replace(b"user-1", b"user-2")
            log.rewrite({4: state})
        else:
            with service.store.read_models.writing() as cursor:
                cursor.execute(statements[damage])

        result = service.retain(KEEP)

        assert result.failure is not None
        assert result.failure.code == "does_not_verify"
        assert service.store.log.seals.horizon().seal == 0
