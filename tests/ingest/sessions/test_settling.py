"""When a call is certain, and which of its records counts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from analytics_es.ingest.sessions.facts import Call
from analytics_es.ingest.sessions.settling import OpenCalls


def call(id: str = "r1", output: int = 10, **changes: Any) -> Call:
    return Call(id=id, at="2026-05-01T10:00:00Z", tokens={"output_tokens": output}, **changes)


def taken(*told: tuple[str, Call]) -> OpenCalls:
    """Return the open calls after records of these files."""
    calls = OpenCalls()
    for file, record in told:
        calls.take(file, record)
    return calls


def outputs(settled: Any) -> list[tuple[str, int]]:
    return [(entry.call.id, entry.call.tokens["output_tokens"]) for entry in settled]


def test_the_last_call_of_a_file_stays_open() -> None:
    calls = taken(("a", call("r1")), ("a", call("r2")))

    assert outputs(calls.settled()) == [("r1", 10)]
    assert list(calls.calls) == ["r2"]


def test_of_several_records_the_largest_counts_and_of_equals_the_first() -> None:
    first = call(output=9, attributes={"n": 1})
    calls = taken(("a", call(output=1)), ("a", first), ("a", call(output=9)), ("a", call(output=2)), ("a", call("r2")))

    (settled,) = calls.settled()

    assert settled.call is first


def test_a_file_that_rests_settles_what_it_tells() -> None:
    calls = taken(("a", call("r1")), ("b", call("r2")))

    calls.rested("a")

    assert outputs(calls.settled()) == [("r1", 10)]


def test_a_call_in_two_files_is_certain_when_it_is_in_both() -> None:
    calls = taken(("a", call("r1")), ("b", call("r1", 20)), ("b", call("r2")))

    assert outputs(calls.settled()) == []
    calls.rested("a")
    assert outputs(calls.settled()) == [("r1", 20)]


def test_a_call_that_goes_on_after_another_is_open_again() -> None:
    calls = taken(("a", call("r1")), ("a", call("r2")), ("a", call("r1", 20)))

    assert outputs(calls.settled()) == [("r2", 10)]


def test_calls_of_another_lane_settle_nothing() -> None:
    calls = taken(("a", call("r1", lane="x")), ("a", call("r2", lane="y")), ("a", call("r1", 20, lane="x")))

    assert outputs(calls.settled()) == []
    assert outputs(calls.settled(final=True)) == [("r1", 20), ("r2", 10)]


def test_the_providers_last_word_is_certain_at_once() -> None:
    calls = taken(("a", call("r1", final=False)), ("a", call("r1", 20, final=True)), ("a", call("r2", final=False)))

    assert outputs(calls.final()) == [("r1", 20)]


@pytest.mark.parametrize(
    ("said", "final"),
    [
        ((False, False), False),
        ((False, None), None),
        ((False, True), True),
        ((True, False), True),
        ((None, True), True),
    ],
)
def test_a_call_is_final_if_one_of_its_records_is_and_partial_if_none_may_be(
    said: tuple[bool | None, bool | None], final: bool | None
) -> None:
    calls = taken(("a", call(final=said[0])), ("a", call(final=said[1])))

    (settled,) = calls.settled(final=True)

    assert settled.call.final is final


def test_what_is_told_again_elsewhere_gives_way_though_it_is_larger_and_final() -> None:
    replay = call("side", 99, alias="m", replay=True, final=True)
    calls = taken(("b", replay), ("a", call("r1", 10, alias="m", final=True)))

    assert outputs(calls.final()) == [("r1", 10)]


def test_the_last_word_under_another_id_makes_no_call_whole() -> None:
    replay = call("side", 99, alias="m", replay=True, final=True)
    calls = taken(("a", call("r1", 1, alias="m", final=False)), ("b", replay))

    (settled,) = calls.settled(final=True)

    assert (settled.call.id, settled.call.tokens, settled.call.final) == ("r1", {"output_tokens": 1}, False)


@pytest.mark.parametrize("is_first", [True, False], ids=["the whole first", "the piece first"])
def test_a_record_without_its_request_is_the_same_calls_and_the_larger_counts(is_first: bool) -> None:
    whole = call("m", 99, alias="m", replay=True, final=True)
    piece = call("r1", 1, alias="m", final=False)
    told = [("b", whole), ("a", piece)]

    (settled,) = taken(*(told if is_first else reversed(told))).settled(final=True)

    assert (settled.call.id, settled.call.tokens, settled.call.final) == ("r1", {"output_tokens": 99}, True)


def test_what_may_be_told_again_waits_until_all_files_are_read() -> None:
    calls = taken(("b", call("side", alias="m", replay=True, final=True)))

    assert outputs(calls.final()) == []
    assert outputs(calls.settled()) == [("side", 10)]


def test_a_rank_goes_before_tokens() -> None:
    calls = taken(("a", call(output=99)), ("a", call(output=1, rank=1)))

    assert outputs(calls.settled(final=True)) == [("r1", 1)]


def test_what_is_kept_of_a_folder_is_its_name() -> None:
    calls = taken(("a", call(attributes={"cwd": "/srv/secret-customer/shop"})))

    assert [entry["call"]["attributes"] for entry in calls.kept()] == [{"cwd": "shop"}]


def test_only_other_files_and_ids_tell_again() -> None:
    calls = OpenCalls()
    records = [
        ("a", call("r1", alias="m")),
        ("a", call("r1", 20, alias="m")),
        ("a", call("r2", lane="x")),
        ("a", call("r1", 20, alias="m")),
        ("b", call("r1", 20, alias="m")),
        ("b", call("r1", 20, alias="m")),
        ("b", call("side", 20, alias="m", replay=True, lane="~")),
        ("b", call("side", 20, alias="m", replay=True, lane="~")),
    ]

    assert [calls.take(file, record) for file, record in records] == [False] * 4 + [True, False, True, False]


def test_open_calls_are_kept_as_json_with_all_that_settles_them() -> None:
    odd = call("r1", attributes={"cwd": "/x"}, fields={"cost": Decimal("0.5")}, lane="x")
    odd.at = datetime(2026, 5, 1, 10, tzinfo=UTC)
    before = taken(("a", odd), ("b", odd), ("b", call("r2", lane="x")))

    calls = OpenCalls.of(json.loads(json.dumps(before.kept(), default=str)))
    calls.take("a", call("r3", lane="x"))

    (settled,) = calls.settled()
    assert settled.call.id == "r1"
    assert settled.call.fields == {"cost": "0.5"}
    assert list(calls.calls) == ["r2", "r3"]


def test_a_call_that_is_out_is_not_looked_for_again() -> None:
    calls = taken(("a", call("r1")))

    assert outputs(calls.settled(final=True)) == [("r1", 10)]
    calls.rested("a")
    assert (list(calls.settled(final=True)), list(calls.final()), list(calls.files()), calls.kept()) == ([], [], [], [])
