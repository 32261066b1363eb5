"""The export of another store comes in without what that store had to say itself; its prices only on purpose."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.testing import NOON, cost_corrected, price, provider_call, tool_call
from tests.cli.conftest import Cli
from tests.stores import opened, recorded

DAY = TimePeriod(NOON - timedelta(hours=12), NOON + timedelta(hours=12))
EVER = TimePeriod(datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
LLAMA = {"provider": "acme", "model": "acme-large", "cost": None, "currency": None, "cache_read_tokens": None,
         "cache_creation_tokens": None, "reasoning_tokens": None}  # fmt: skip
OWN = {
    "analytics.backup.completed": 1,
    "analytics.export.completed": 1,
    "analytics.prices.published": 2,
    "analytics.privacy.configured": 1,
    "analytics.tags.declared": 1,
}
MAPPING = """
[[event]]
type = "type"
source = "source"
id = "id"
occurred_at = "occurred_at"
[event.data]
tool = "tool"
provider = "provider"
model = "model"
input_tokens = "input_tokens"
output_tokens = "output_tokens"
cost = "cost"
currency = "currency"
"""
OLD, NEW = price(effective_until="2026-06-01T00:00:00Z"), price(per_mtok={"input_tokens": "1", "output_tokens": "1"})


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """Return a folder with the exports of a store that had much to say itself."""
    with opened(tmp_path / "other.db", tags=["team"], clock=lambda: NOON) as other:
        other.record_events([provider_call(**LLAMA), tool_call()]).unwrap()
        other.publish_prices([OLD]).unwrap()
        other.publish_prices([NEW], note="contract").unwrap()
        other.back_up(tmp_path / "backup.db").unwrap()
        for name, form in (("first", "csv"), ("a", "json"), ("a", "csv"), ("a", "parquet")):
            other.export_data(form, DAY, to=tmp_path / f"{name}.{'jsonl' if form == 'json' else form}").unwrap()
    (tmp_path / "m.toml").write_text(MAPPING)
    return tmp_path


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def write(path: Path, events: Sequence[dict[str, Any]]) -> None:
    path.write_text("".join(f"{json.dumps(event)}\n" for event in events))


def total(cli: Cli, *arguments: str, code: int = 0) -> dict[str, Any]:
    result = cli("import", *arguments, "--strict", "--json")
    assert result.exit_code == code, result.output
    answer: dict[str, Any] = json.loads(result.stdout)["total"]
    return answer


def own_types(service: AnalyticsService) -> list[str]:
    return sorted({event.type for event in recorded(service) if event.type.startswith("analytics.")})


def cost(service: AnalyticsService) -> Decimal | None:
    service.catch_up()
    totals = service.get_cost_breakdown(DAY).unwrap().totals
    return totals[0].cost if totals else None


# ── skipped ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_what_the_other_store_had_to_say_itself_is_skipped_and_counted_by_type(
    cli: Cli, exported: Path, form: str
) -> None:
    mapping = [] if form == "jsonl" else ["--mapping", "m.toml"]
    more = {} if form == "jsonl" else {"analytics.export.completed": 1 + ["csv", "parquet"].index(form) + 1}

    answer = total(cli, f"a.{form}", *mapping)

    assert (answer["recorded"], answer["refused"], answer["prices"]) == (2, 0, 0)
    assert answer["skipped"] == {**OWN, **more}
    with opened("analytics.db") as service:
        assert own_types(service) == []
        assert cost(service) is None
        assert service.get_cost_breakdown(DAY).unwrap().unknown_calls == 1


def test_people_are_told_what_was_skipped(cli: Cli, exported: Path) -> None:
    shown = " ".join(cli("import", "a.jsonl").stdout.split())

    assert "skipped, as it is what the other store had to say itself: 1 analytics.backup.completed, 1" in shown


def test_a_correction_that_waits_there_waits_here(cli: Cli, tmp_path: Path) -> None:
    call = {**provider_call(), "id": "call-1", "source": "platform"}
    with opened(tmp_path / "other.db", privacy="full") as other:
        other.record_events([cost_corrected(number=2), cost_corrected(), tool_call()]).unwrap()
        wrong = cost_corrected(corrects={"source": "platform", "id": "x"}, currency="EUR") | {"id": "x:correction:1"}
        other.record_events([wrong, {**call, "id": "x"}]).unwrap()
        other.catch_up()
        other.export_data("json", DAY, to=tmp_path / "a.jsonl").unwrap()

    answer, again = total(cli, "a.jsonl"), total(cli, "a.jsonl")

    assert (answer["recorded"], answer["waiting"], again["recorded"], again["refused"]) == (5, 3, 0, 0)
    with opened("analytics.db") as service:
        service.record_event(**call).unwrap()
        service.catch_up()
        corrected = [event.id for event in recorded(service, "provider.cost.corrected")]
        assert corrected == ["call-1:correction:1", "call-1:correction:2"]


def test_prices_that_are_in_force_stay(cli: Cli, exported: Path) -> None:
    with opened("analytics.db") as service:
        service.publish_prices([price(per_mtok={"input_tokens": "2.5", "output_tokens": "2.5"})]).unwrap()
        service.record_event(**provider_call(**LLAMA)).unwrap()
        before = cost(service)

    total(cli, "a.jsonl")

    with opened("analytics.db") as service:
        assert before is not None
        assert cost(service) == 2 * before


@pytest.mark.parametrize("form", ["jsonl", "mapping"])
def test_a_row_that_is_of_no_export_is_refused(cli: Cli, form: str, tmp_path: Path) -> None:
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "x",
        "time": NOON.isoformat(),
        "type": "analytics.tags.declared",
    }
    write(tmp_path / "made.jsonl", [{**event, "data": {"names": 7}}])
    (tmp_path / "m.toml").write_text('[[event]]\ntype = "type"\nid = "id"\noccurred_at = \'"time"\'\n')

    mapping = ["--mapping", "m.toml"] if form == "mapping" else []
    answer = total(cli, "made.jsonl", *mapping, "--rejects", "r.jsonl", code=1)

    assert (answer["recorded"], answer["refused"], answer["skipped"]) == (0, 1, {})
    (kept,) = lines(Path("r.jsonl"))
    assert (kept["code"], kept["row"]) == ("reserved_type", 1)
    opened("analytics.db").close()


# ── prices, on purpose ──────────────────────────────────────────────────────────────────────────────────────────


def test_prices_are_taken_over_on_purpose_with_when_they_hold_and_why(cli: Cli, exported: Path) -> None:
    answer = total(cli, "a.jsonl", "--with-prices")

    assert (answer["recorded"], answer["prices"], answer["refused"]) == (4, 2, 0)
    assert answer["skipped"] == {name: count for name, count in OWN.items() if "prices" not in name}
    with opened("analytics.db") as service, opened("other.db") as other:
        ours, theirs = (one.price_book().unwrap().published for one in (service, other))
        assert [published.entry for published in ours] == [published.entry for published in theirs]
        assert [event.data.get("note") for event in recorded(service, "analytics.prices.published")] == [
            None,
            "contract",
        ]
        assert cost(service) == cost(other)
        assert own_types(service) == ["analytics.prices.published"]


def test_taking_them_over_again_changes_nothing(cli: Cli, exported: Path) -> None:
    total(cli, "a.jsonl", "--with-prices")
    with opened("analytics.db") as service:
        service.publish_prices([price(per_mtok={"input_tokens": "9", "output_tokens": "9"})]).unwrap()
        before, head = cost(service), service.store.log.head()

    answer = total(cli, "a.jsonl", "--with-prices")

    assert (answer["recorded"], answer["prices"], answer["duplicates"]) == (0, 0, 4)
    with opened("analytics.db") as service:
        assert (cost(service), service.store.log.head()) == (before, head)
    with opened("other.db") as other:
        head = other.store.log.head()
    cli("import", "a.jsonl", "--with-prices", "--db", "other.db")
    with opened("other.db") as other:
        assert other.store.log.head() == head


def test_they_come_after_those_that_are_here(cli: Cli, exported: Path) -> None:
    with opened("analytics.db") as service:
        service.publish_prices([price(per_mtok={"input_tokens": "9", "output_tokens": "9"})]).unwrap()

    total(cli, "a.jsonl", "--with-prices")

    with opened("analytics.db") as service, opened("other.db") as other:
        assert cost(service) == cost(other)


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        {"entry": 3},
        {"entry": {**price(), "per_furlong": {"input_tokens": "1"}}},
        {"entry": {**price(), "per_mtok": {"input_tokens": "-1", "output_tokens": "1"}}},
        {"entry": {**price(), "currency": "money"}},
        {"entry": price(), "note": 7},
        {"entry": price(), "note": "x" * 2000},
    ],
)
def test_one_that_nobody_could_publish_is_refused_and_told(cli: Cli, exported: Path, data: Any) -> None:
    events = lines(exported / "a.jsonl")
    at = next(n for n, event in enumerate(events) if event["type"] == "analytics.prices.published")
    events[at]["data"] = data
    write(exported / "bad.jsonl", events)

    answer = total(cli, "bad.jsonl", "--with-prices", "--rejects", "r.jsonl", code=1)

    assert (answer["recorded"], answer["prices"], answer["refused"]) == (3, 1, 1)
    (kept,) = lines(Path("r.jsonl"))
    assert (kept["code"], kept["row"]) == ("bad_price", at + 1)
    with opened("analytics.db") as service:
        assert len(service.price_book().unwrap().published) == 1


# ── in code ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_code_says_that_events_are_of_an_export(tmp_path: Path, exported: Path) -> None:
    events = [
        {"event_type": event["type"], "data": event["data"], "id": event["id"], "source": event["source"],
         "occurred_at": datetime.fromisoformat(event["time"])}
        for event in lines(exported / "a.jsonl")
    ]  # fmt: skip
    with opened() as service:
        refused = service.record_events(events, skip_refused=True).unwrap()
        skipping = service.record_events(events, exported=True).unwrap()
        taking = service.record_events(events, with_prices=True).unwrap()
        without_ids = [
            {**event, "id": None, "occurred_at": None} for event in events if "prices" in event["event_type"]
        ]
        for recorded_now in (2, 0):
            assert service.record_events(without_ids, with_prices=True).unwrap().recorded == recorded_now

    assert (refused.recorded, refused.refused, refused.skipped) == (2, 6, {})
    assert (skipping.duplicates, skipping.refused, skipping.skipped, skipping.prices) == (2, 0, OWN, 0)
    assert (taking.recorded, taking.prices, taking.duplicates) == (2, 2, 2)
